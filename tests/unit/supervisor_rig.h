/* The supervisor with stand-ins for its children: the test program itself, since the supervisor starts /proc/self/exe (so main gives them their
   turn, `stand_in`). They greet every peer they are given and write down whom they met. Needs root, as the supervisor does; works below /run,
   since /tmp is no trusted place. */
#ifndef CK_TESTS_SUPERVISOR_RIG_H
#define CK_TESTS_SUPERVISOR_RIG_H

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/process.h"
#include "authd/supervisor.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define HELLO 200 /* what the stand-ins say to each other: COUNT is the sender's pid */

static struct {
	struct event_base *base;
	struct ck_peers *peers;
	char name[32], log_path[300];
} self;

CK_PRINTF(1, 2) static inline void write_down(const char *format, ...)
{
	char line[512];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	int fd = open(self.log_path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd < 0 || write(fd, line, (size_t)length) != length) _exit(9);
	close(fd);
}

struct peer {
	char name[32];
};

static inline bool peer_said(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	(void)fd;
	struct peer *peer = context;
	uint64_t pid = 0;
	if (ck_map_uint(message, CK_F_COUNT, 0, UINT64_MAX, &pid) != CK_OK) return false;
	write_down("%s[%d] met %s[%llu]\n", self.name, (int)getpid(), peer->name, (unsigned long long)pid);
	return true;
}

static inline void peer_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	(void)why;
	struct peer *peer = context;
	write_down("%s[%d] lost %s\n", self.name, (int)getpid(), peer->name);
	free(peer);
}

static inline void on_peer(enum ck_process process, unsigned index, int fd, void *context)
{
	(void)context;
	static const char *const names[] = { "", "supervisor", "gate", "replica", "ledger" };
	static const struct ck_channel_handlers handlers = { .on_message = peer_said, .on_closed = peer_closed };
	struct peer *peer = calloc(1, sizeof *peer);
	struct ck_channel *channel;
	if (peer == NULL) _exit(9);
	(void)snprintf(peer->name, sizeof peer->name, "%s-%u", names[process], index);
	if (ck_channel_new(self.base, fd, &handlers, peer, 65536, 0, false, &channel) != CK_OK) _exit(9);
	uint8_t bytes[64];
	struct ck_frame_out frame;
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, HELLO);
	ck_field_uint(&frame.map, CK_F_COUNT, (uint64_t)getpid());
	if (ck_frame_end(&frame, &length) != CK_OK) _exit(9);
	ck_channel_send(channel, bytes, length, -1);
}

static inline void on_token(uint64_t request, int fd, void *context)
{
	(void)context;
	char text[256] = "none";
	if (fd >= 0) {
		size_t length = 0;
		for (ssize_t got; length + 1 < sizeof text && (got = read(fd, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)got;
		text[length] = '\0';
		for (char *at = text; *at != '\0'; at++)
			if (*at == '\n') *at = ',';
		close(fd);
	}
	write_down("%s token %llu: %s\n", self.name, (unsigned long long)request, text);
}

static inline void on_note(struct ck_text detail, void *context)
{
	(void)context;
	write_down("%s note: %.*s\n", self.name, (int)detail.length, detail.at);
}

static inline void on_stop(void *context)
{
	(void)context;
	write_down("%s told to stop\n", self.name);
	event_base_loopbreak(self.base);
}

/* For whom: the file "want" names a source and a user. */
static inline void want_token(void)
{
	unsigned source = 1, owner = 0;
	char path[300];
	(void)snprintf(path, sizeof path, "%.*s/want", (int)(strrchr(self.log_path, '/') - self.log_path), self.log_path);
	FILE *file = fopen(path, "r");
	if (file != NULL && fscanf(file, "%u %u", &source, &owner) != 2) _exit(9);
	if (file != NULL) fclose(file);
	ck_peers_want_token(self.peers, 77, (const uint8_t[CK_SOURCE_BYTES]){ (uint8_t)source }, owner);
}

static inline void on_signal(evutil_socket_t number, short what, void *context)
{
	(void)what;
	(void)context;
	if (number == SIGUSR1) ck_peers_accuse(self.peers, CK_PROCESS_GATE, 1, "a test accuses");
	if (number == SIGUSR2) ck_peers_accuse(self.peers, CK_PROCESS_LEDGER, 0, "a test accuses");
	if (number == SIGHUP) want_token();
	if (number == SIGWINCH && send(CK_CONTROL_FD, "\xff\xff\xff\xff", 4, 0) != 4) _exit(9);
}

static inline int stand_in(const char *config_path, const char *process, const char *index)
{
	static const struct ck_peers_handlers handlers = { on_peer, on_token, on_stop, on_note };
	struct ck_config config;
	struct ck_errmsg err;
	(void)signal(SIGPIPE, SIG_IGN);
	ck_log_init(process, CK_LOG_DEBUG);
	if (ck_config_load(config_path, &config, &err) != CK_OK) return 8;
	(void)snprintf(self.name, sizeof self.name, "%s-%s", process, index);
	(void)snprintf(self.log_path, sizeof self.log_path, "%s/met", config.directory);
	self.base = event_base_new();
	if (ck_peers_new(self.base, &handlers, NULL, &self.peers) != CK_OK) return 8;
	static const int numbers[] = { SIGUSR1, SIGUSR2, SIGHUP, SIGWINCH };
	for (size_t i = 0; i < 4; i++) event_add(evsignal_new(self.base, numbers[i], on_signal, NULL), NULL);
	int type = 0;
	socklen_t length = sizeof type;
	bool listens = getsockopt(CK_LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &type, &length) == 0 && type != 0;
	int stray = 0;
	for (int fd = 6; fd < 64; fd++) {
		struct stat st;
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) stray++; /* libevent's own are no sockets but for its signal pair */
	}
	write_down("%s[%d] begins%s fds+%d\n", self.name, (int)getpid(), listens ? " listening" : "", stray > 2 ? stray : 0);
	ck_peers_ready(self.peers);
	event_base_dispatch(self.base);
	return 0;
}

static char dir[64], config_path[96];
static pid_t supervisor;

static inline void write_file(const char *name, const char *text, mode_t mode)
{
	char path[300];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static inline const char *read_file(const char *name)
{
	static char text[65536];
	char path[300];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	text[0] = '\0';
	int fd = open(path, O_RDONLY);
	if (fd < 0) return text;
	ssize_t got = read(fd, text, sizeof text - 1);
	text[got > 0 ? got : 0] = '\0';
	close(fd);
	return text;
}

static inline unsigned count_of(const char *file, const char *needle)
{
	unsigned count = 0;
	for (const char *at = read_file(file); (at = strstr(at, needle)) != NULL; at++) count++;
	return count;
}

static inline void wait_for(const char *file, const char *needle, unsigned times)
{
	int64_t until_ms = ck_clock_monotonic_ms() + 10000;
	while (count_of(file, needle) < times) {
		if (ck_clock_monotonic_ms() > until_ms)
			ck_abort_msg("waited in vain for %u times \"%s\" in %s:\n%s\nstderr:\n%s", times, needle, file, strdup(read_file(file)),
			             strdup(read_file("stderr")));
		usleep(5000);
	}
}

/* The pid of the newest stand-in of that name. */
static inline pid_t pid_of(const char *name)
{
	char begin[64];
	(void)snprintf(begin, sizeof begin, "%s[", name);
	pid_t pid = 0;
	const char *text = read_file("met");
	for (const char *at = text; (at = strstr(at, begin)) != NULL; at++) {
		if (at != text && at[-1] != '\n') continue;
		const char *end = strchr(at, ']');
		if (end != NULL && strncmp(end, "] begins", 8) == 0) pid = atoi(at + strlen(begin));
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static inline void start_supervisor(const char *more)
{
	char text[2048];
	(void)snprintf(text, sizeof text,
	               "system = test.example\nsystem_id = 11111111-1111-4111-8111-111111111112\nrp_id = portal.example\nportal_origin = https://portal.example\nsuffix = dc=example\n"
	               "founding_authority = 11111111-1111-4111-8111-111111111111\ndirectory = %s\nuser_gate = 61001\nuser_replica = 61002\n"
	               "user_ledger = 61003\nuser_token = 61004\nuser_directory = 61005\ngates = 2\n%s",
	               dir, more);
	write_file("crosskeys.conf", text, 0600);
	(void)snprintf(config_path, sizeof config_path, "%s/crosskeys.conf", dir);
	supervisor = fork();
	if (supervisor != 0) return;
	closefrom(STDERR_FILENO + 1); /* what the test listens on is not the supervisor's */
	static struct ck_start start;
	struct ck_errmsg err;
	char path[300];
	(void)snprintf(path, sizeof path, "%s/stderr", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0) _exit(9);
	(void)signal(SIGPIPE, SIG_IGN);
	ck_log_init("supervisor", CK_LOG_DEBUG);
	start.config_path = config_path;
	start.process = CK_PROCESS_SUPERVISOR;
	if (ck_config_load(config_path, &start.config, &err) != CK_OK) {
		ck_log(CK_LOG_ERROR, "%s", err.text);
		_exit(7);
	}
	_exit(ck_supervisor_main(&start));
}

static inline int stop_supervisor(int number)
{
	int status = -1;
	if (supervisor <= 0) return 0;
	(void)kill(supervisor, number);
	(void)waitpid(supervisor, &status, 0);
	supervisor = 0;
	return status;
}

static inline void setup(void)
{
	(void)snprintf(dir, sizeof dir, "/run/ck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static inline void teardown(void)
{
	(void)stop_supervisor(SIGKILL);
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

#define NO_SLAPD "slapd =\n"

static inline void expect_refused(const char *more, const char *why)
{
	start_supervisor(more);
	int status = 0;
	(void)waitpid(supervisor, &status, 0);
	supervisor = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	if (count_of("stderr", why) == 0) ck_abort_msg("expected \"%s\" in:\n%s", why, read_file("stderr"));
	ck_assert_str_eq(read_file("met"), "");
}

/* Whether this process is one of the stand-ins; then what it is to exit with. */
static inline bool stands_in(int argc, char **argv, int *out_code)
{
	if (argc != 7 || strcmp(argv[3], "--process") != 0) return false;
	*out_code = stand_in(argv[2], argv[4], argv[6]);
	return true;
}

#endif
