/* The supervisor with stand-ins for its children: this program itself, since it starts /proc/self/exe. The stand-ins greet every peer they
   are given and write down whom they met. Needs root, as the supervisor does; works below /run, since /tmp is no trusted place. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/process.h"
#include "authd/supervisor.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define HELLO 200 /* what the stand-ins say to each other: COUNT is the sender's pid */

/* ---- the stand-ins ---- */

static struct {
	struct event_base *base;
	struct ck_peers *peers;
	char name[32], log_path[300];
} self;

CK_PRINTF(1, 2) static void write_down(const char *format, ...)
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

static bool peer_said(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
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

static void peer_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	(void)why;
	struct peer *peer = context;
	write_down("%s[%d] lost %s\n", self.name, (int)getpid(), peer->name);
	free(peer);
}

static void on_peer(enum ck_process process, unsigned index, int fd, void *context)
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

static void on_token(uint64_t request, int fd, void *context)
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

static void on_note(struct ck_text detail, void *context)
{
	(void)context;
	write_down("%s note: %.*s\n", self.name, (int)detail.length, detail.at);
}

static void on_stop(void *context)
{
	(void)context;
	write_down("%s told to stop\n", self.name);
	event_base_loopbreak(self.base);
}

/* For whom: the file "want" names a source and a user. */
static void want_token(void)
{
	unsigned source = 1, owner = 0;
	char path[300];
	(void)snprintf(path, sizeof path, "%.*s/want", (int)(strrchr(self.log_path, '/') - self.log_path), self.log_path);
	FILE *file = fopen(path, "r");
	if (file != NULL && fscanf(file, "%u %u", &source, &owner) != 2) _exit(9);
	if (file != NULL) fclose(file);
	ck_peers_want_token(self.peers, 77, (const uint8_t[CK_SOURCE_BYTES]){ (uint8_t)source }, owner);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
	(void)what;
	(void)context;
	if (number == SIGUSR1) ck_peers_accuse(self.peers, CK_PROCESS_GATE, 1, "a test accuses");
	if (number == SIGUSR2) ck_peers_accuse(self.peers, CK_PROCESS_LEDGER, 0, "a test accuses");
	if (number == SIGHUP) want_token();
	if (number == SIGWINCH && send(CK_CONTROL_FD, "\xff\xff\xff\xff", 4, 0) != 4) _exit(9);
}

static int stand_in(const char *config_path, const char *process, const char *index)
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

static void on_term(int number)
{
	(void)number;
	(void)!write(STDOUT_FILENO, "stopped\n", 8);
	_exit(0);
}

/* What slapd shows of itself: pid, user, groups, arguments; whether it can do what it must not. */
static int slapd_stand_in(int argc, char **argv)
{
	gid_t group = 0;
	(void)signal(SIGTERM, on_term);
	printf("slapd %d %d %d", (int)getpid(), (int)getuid(), getgroups(1, &group) > 0 ? (int)group : (int)getgid());
	for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
	pid_t child = fork();
	if (child == 0) _exit(0);
	printf("\nfork %s, exec %s, passwd %s, secret %s, inet %s\n", child < 0 ? strerror(ENOSYS) : "done",
	       execl("/bin/true", "true", (char *)NULL) < 0 ? strerror(errno) : "", access("/etc/passwd", R_OK) == 0 ? "there" : "hidden",
	       open("/var/lib", O_RDONLY | O_DIRECTORY) < 0 ? strerror(errno) : "there", socket(AF_INET, SOCK_STREAM, 0) < 0 ? strerror(errno) : "done");
	(void)fflush(stdout);
	while (poll(NULL, 0, -1) < 0) continue;
	return 0;
}

/* ---- the tests ---- */

static char dir[64], config_path[96];
static pid_t supervisor;

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[300];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static const char *read_file(const char *name)
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

static unsigned count_of(const char *file, const char *needle)
{
	unsigned count = 0;
	for (const char *at = read_file(file); (at = strstr(at, needle)) != NULL; at++) count++;
	return count;
}

static void wait_for(const char *file, const char *needle, unsigned times)
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
static pid_t pid_of(const char *name)
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

static void start_supervisor(const char *more)
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

static int stop_supervisor(int number)
{
	int status = -1;
	if (supervisor <= 0) return 0;
	(void)kill(supervisor, number);
	(void)waitpid(supervisor, &status, 0);
	supervisor = 0;
	return status;
}

static void setup(void)
{
	(void)snprintf(dir, sizeof dir, "/run/ck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
}

static void teardown(void)
{
	(void)stop_supervisor(SIGKILL);
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* A process that is gone, or a zombie that nobody has reaped yet. */
static bool is_gone(pid_t pid)
{
	char path[64], state[256] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0) return true;
	ssize_t got = read(fd, state, sizeof state - 1);
	close(fd);
	const char *after = got > 0 ? strrchr(state, ')') : NULL;
	return after == NULL || after[2] == 'Z' || after[2] == 'X';
}

static void wait_gone(pid_t pid)
{
	for (int i = 0; i < 1000 && !is_gone(pid); i++) usleep(5000);
	ck_assert(is_gone(pid));
}

static bool answers(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool fine = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return fine;
}

#define NO_SLAPD "slapd =\n"

START_TEST(all_meet_and_it_says_ready)
{
	start_supervisor(NO_SLAPD);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	wait_for("met", " met ", 10); /* 2 gates × 2 peers, replica and ledger: 5 pairs, both sides */
	ck_assert_uint_eq(count_of("met", " listening"), 2);
	ck_assert_uint_eq(count_of("met", "fds+0"), 4);
	ck_assert(answers("run/gate.sock"));
	struct stat st;
	char path[96];
	(void)snprintf(path, sizeof path, "%s/run/gate.sock", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
}
END_TEST

START_TEST(a_killed_child_is_started_again_and_meets_all)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	static const char *const names[] = { "gate-1", "replica-0", "ledger-0" };
	static const unsigned pairs[] = { 2, 3, 3 };
	unsigned met = 10;
	for (size_t i = 0; i < 3; i++) {
		pid_t old = pid_of(names[i]);
		(void)kill(old, SIGKILL);
		met += 2 * pairs[i];
		wait_for("met", " met ", met);
		ck_assert_int_ne(pid_of(names[i]), old);
	}
	wait_for("met", "ledger-0 note: gate-1 died of signal 9", 1);
	wait_for("met", "ledger-0 note: ledger died of signal 9\n", 1);
	ck_assert_uint_eq(count_of("stderr", "crosskeysd: ready\n"), 1);
}
END_TEST

START_TEST(an_accused_gate_is_killed)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-1"), ledger = pid_of("ledger-0");
	(void)kill(ledger, SIGUSR1);
	wait_gone(gate);
	wait_for("met", " met ", 14);
	ck_assert_int_eq(pid_of("ledger-0"), ledger);
	wait_for("met", "note: gate-1 killed: accused by ledger of a\\x20test\\x20accuses", 1);
}
END_TEST

START_TEST(a_gate_that_accuses_the_ledger_dies_with_it)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0"), other = pid_of("gate-1"), ledger = pid_of("ledger-0");
	(void)kill(gate, SIGUSR2);
	wait_gone(gate);
	wait_gone(ledger);
	wait_for("stderr", "started again", 2);
	ck_assert(!is_gone(other));
}
END_TEST

START_TEST(a_gate_that_accuses_another_gate_is_killed)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0"), other = pid_of("gate-1");
	(void)kill(gate, SIGUSR1);
	wait_gone(gate);
	ck_assert(!is_gone(other));
}
END_TEST

START_TEST(a_malformed_frame_kills_its_sender)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0");
	(void)kill(gate, SIGWINCH);
	wait_gone(gate);
	wait_for("met", " met ", 14);
}
END_TEST

START_TEST(only_gates_may_want_a_token)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t replica = pid_of("replica-0");
	(void)kill(replica, SIGHUP);
	wait_gone(replica);
}
END_TEST

START_TEST(a_stopped_child_is_replaced)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t gate = pid_of("gate-0");
	(void)kill(gate, SIGSTOP);
	for (int i = 0; i < 100 && !is_gone(gate); i++) usleep(200000);
	ck_assert(is_gone(gate));
	wait_for("met", " met ", 14);
	wait_for("stderr", "it answers no more", 1);
}
END_TEST

START_TEST(sigterm_stops_in_order_and_leaves_nothing)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	pid_t pids[] = { pid_of("gate-0"), pid_of("gate-1"), pid_of("replica-0"), pid_of("ledger-0") };
	int status = stop_supervisor(SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (size_t i = 0; i < 4; i++) ck_assert(is_gone(pids[i]));
	const char *text = read_file("met");
	const char *replica = strstr(text, "replica-0 told to stop"), *ledger = strstr(text, "ledger-0 told to stop");
	ck_assert_ptr_nonnull(replica);
	ck_assert_ptr_nonnull(ledger);
	ck_assert(strstr(text, "gate-0 told to stop") < replica);
	ck_assert(strstr(text, "gate-1 told to stop") < replica);
	ck_assert(replica < ledger);
	ck_assert(!answers("run/gate.sock"));
	char path[96];
	(void)snprintf(path, sizeof path, "%s/run/gate.sock", dir);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_child_that_does_not_stop_is_killed)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	(void)kill(pid_of("replica-0"), SIGSTOP);
	int status = stop_supervisor(SIGINT);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_ptr_nonnull(strstr(read_file("met"), "ledger-0 told to stop"));
}
END_TEST

START_TEST(a_killed_supervisor_takes_its_children_along)
{
	start_supervisor(NO_SLAPD);
	wait_for("met", " met ", 10);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	pid_t pids[] = { pid_of("gate-0"), pid_of("gate-1"), pid_of("replica-0"), pid_of("ledger-0") };
	(void)stop_supervisor(SIGKILL);
	for (size_t i = 0; i < 4; i++) wait_gone(pids[i]);
	/* and the next one takes over the socket that was left */
	start_supervisor(NO_SLAPD);
	wait_for("stderr", "crosskeysd: ready\n", 2);
	ck_assert(answers("run/gate.sock"));
}
END_TEST

START_TEST(a_second_one_in_the_same_directory_is_refused)
{
	start_supervisor(NO_SLAPD);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	pid_t first = supervisor;
	start_supervisor(NO_SLAPD);
	int status = 0;
	(void)waitpid(supervisor, &status, 0);
	supervisor = first;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert_uint_eq(count_of("stderr", "is another crosskeysd running there?"), 1);
	ck_assert(answers("run/gate.sock"));
}
END_TEST

START_TEST(a_socket_that_answers_is_not_taken)
{
	char more[160];
	(void)snprintf(more, sizeof more, NO_SLAPD "socket = %s/taken\n", dir);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/taken", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, SOMAXCONN), 0); /* it is looked at again and again */
	start_supervisor(more);
	int status = 0;
	(void)waitpid(supervisor, &status, 0);
	supervisor = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ck_assert(answers("taken"));
	close(fd);
}
END_TEST

static void expect_refused(const char *more, const char *why)
{
	start_supervisor(more);
	int status = 0;
	(void)waitpid(supervisor, &status, 0);
	supervisor = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	if (count_of("stderr", why) == 0) ck_abort_msg("expected \"%s\" in:\n%s", why, read_file("stderr"));
	ck_assert_str_eq(read_file("met"), "");
}

/* As a gate of a supervisor that was killed: it goes once the next one has looked. */
START_TEST(a_socket_that_answers_a_moment_longer_is_waited_for)
{
	char more[160];
	(void)snprintf(more, sizeof more, NO_SLAPD "socket = %s/left\n", dir);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/left", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, SOMAXCONN), 0); /* it is looked at again and again */
	start_supervisor(more);
	int looked = accept(fd, NULL, NULL);
	ck_assert_int_ge(looked, 0);
	close(looked);
	close(fd);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	ck_assert(answers("left"));
}
END_TEST

START_TEST(a_directory_that_others_may_write_is_refused)
{
	ck_assert_int_eq(chmod(dir, 0777), 0);
	expect_refused(NO_SLAPD, "may be written by others than root");
}
END_TEST

START_TEST(what_is_no_socket_is_not_removed)
{
	char more[160];
	(void)snprintf(more, sizeof more, NO_SLAPD "socket = %s/precious\n", dir);
	write_file("precious", "kept", 0600);
	expect_refused(more, "is no socket");
	ck_assert_str_eq(read_file("precious"), "kept");
}
END_TEST

START_TEST(a_slapd_that_others_may_write_is_refused)
{
	char more[160];
	(void)snprintf(more, sizeof more, "slapd = %s/slapd\n", dir);
	write_file("slapd", "#!/bin/sh\n", 0777);
	expect_refused(more, "expected a program that only root can write");
}
END_TEST

START_TEST(a_token_helper_gets_its_user_its_socket_and_nothing_else)
{
	char more[256];
	write_file("helper",
	           "#!/bin/sh\n{ id -u; id -g; id -G; echo \"$*\"; env | grep -cv -e ^PATH= -e ^PWD= -e ^OLDPWD= -e ^_=;"
	           "ls /proc/self/fd | tr '\\n' ' '; } >&3\n", 0755);
	(void)snprintf(more, sizeof more, NO_SLAPD "token_helper = %s/helper\ngroup_token_devices = 61099\n", dir);
	start_supervisor(more);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	(void)kill(pid_of("gate-0"), SIGHUP);
	wait_for("met", "gate-0 token 77: 61004,61004,61004 61099,--fd 3,0,0 1 2 3 4", 1); /* 4 is ls's own look at the list */
}
END_TEST

START_TEST(no_helper_is_said_so)
{
	start_supervisor(NO_SLAPD "token_helper =\n");
	wait_for("stderr", "crosskeysd: ready\n", 1);
	(void)kill(pid_of("gate-0"), SIGHUP);
	wait_for("met", "gate-0 token 77: none", 1);
}
END_TEST

START_TEST(a_helper_that_others_may_write_is_not_run)
{
	char more[256];
	write_file("helper", "#!/bin/sh\necho no >&3\n", 0775);
	(void)snprintf(more, sizeof more, NO_SLAPD "token_helper = %s/helper\n", dir);
	start_supervisor(more);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	(void)kill(pid_of("gate-0"), SIGHUP);
	wait_for("met", "gate-0 token 77: none", 1);
}
END_TEST

static void ask_for_helpers(const char *gate, const char *want, unsigned times, bool there)
{
	char needle[64];
	(void)snprintf(needle, sizeof needle, "%s token 77: %s", gate, there ? "here" : "none");
	write_file("want", want, 0644);
	unsigned before = count_of("met", needle);
	for (unsigned i = 1; i <= times; i++) {
		(void)kill(pid_of(gate), SIGHUP);
		wait_for("met", needle, before + i);
	}
}

START_TEST(helpers_are_bounded)
{
	char more[256];
	write_file("helper", "#!/bin/sh\necho here >&3\nexec 3>&-\nexec sleep 60\n", 0755);
	(void)snprintf(more, sizeof more, NO_SLAPD "token_helper = %s/helper\n", dir);
	start_supervisor(more);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	ask_for_helpers("gate-0", "1 1000", CK_TOKENS_PER_SOURCE_LIMIT, true); /* one user has a share, of all gates together */
	ask_for_helpers("gate-0", "1 1000", 1, false);
	ask_for_helpers("gate-1", "1 1000", 1, false);
	ask_for_helpers("gate-0", "2 1001", CK_TOKENS_PER_GATE_LIMIT * 3 / 4 - CK_TOKENS_PER_SOURCE_LIMIT, true); /* and all users one of a gate */
	ask_for_helpers("gate-0", "2 1001", 1, false);
	ask_for_helpers("gate-0", "3 0", CK_TOKENS_PER_GATE_LIMIT / 4, true); /* a console still finds one, and has a share of its own */
	ask_for_helpers("gate-0", "4 0", 1, false);
	ask_for_helpers("gate-1", "3 0", CK_TOKENS_PER_SOURCE_LIMIT - CK_TOKENS_PER_GATE_LIMIT / 4, true);
	ask_for_helpers("gate-1", "3 0", 1, false);
	ask_for_helpers("gate-1", "4 0", 1, true);
	int status = stop_supervisor(SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* This program itself: behind slapd's walls no script runs, since its shell would be another program. */
static void install_slapd(void)
{
	char command[160];
	(void)snprintf(command, sizeof command, "cp /proc/%d/exe '%s/slapd'", (int)getpid(), dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(slapd_is_started_as_its_user_again_when_it_dies_and_stopped_last_but_one)
{
	char more[256];
	install_slapd();
	char path[96];
	(void)snprintf(path, sizeof path, "%s/directory", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/directory/slapd.d", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(more, sizeof more, "slapd = %s/slapd\n", dir);
	start_supervisor(more);
	wait_for("log/slapd.log", " 61005 61005 -F ", 1);
	wait_for("log/slapd.log", "run-directory%2Fldapi -d none", 1);
#ifndef CK_SANITIZED
	wait_for("log/slapd.log", "fork Function not implemented, exec Permission denied, passwd there, secret Permission denied, inet Function not implemented", 1);
#endif
	(void)kill(atoi(strstr(read_file("log/slapd.log"), "slapd ") + 6), SIGKILL);
	wait_for("log/slapd.log", " 61005 61005 -F ", 2);
	wait_for("met", "note: slapd died of signal 9", 1);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	int status = stop_supervisor(SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	wait_for("log/slapd.log", "stopped", 1);
}
END_TEST

static void expect_notice(int fd, const char *wanted, const char *also)
{
	char text[64];
	do {
		memset(text, 0, sizeof text);
		ck_assert_int_gt((int)recv(fd, text, sizeof text - 1, 0), 0);
	} while (also != NULL && strcmp(text, also) == 0);
	ck_assert_str_eq(text, wanted);
}

START_TEST(systemd_is_told)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", dir);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	if (_i == 1) ck_assert_int_eq(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	start_supervisor(NO_SLAPD);
	expect_notice(fd, "READY=1", _i == 1 ? "WATCHDOG=1" : NULL);
	if (_i == 1) expect_notice(fd, "WATCHDOG=1", NULL);
	(void)stop_supervisor(SIGTERM);
	expect_notice(fd, "STOPPING=1", _i == 1 ? "WATCHDOG=1" : NULL);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
	close(fd);
}
END_TEST

START_TEST(back_off_doubles_to_its_limit_and_is_forgotten_after_a_long_life)
{
	struct ck_backoff backoff = { 0 };
	static const int expected[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
	int64_t now_ms = 1000;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		backoff.started_ms = now_ms;
		now_ms += 10;
		ck_assert_int_eq(ck_backoff_died(&backoff, now_ms), expected[i]);
	}
	backoff.started_ms = now_ms;
	ck_assert_int_eq(ck_backoff_died(&backoff, now_ms + CK_BACKOFF_RESET_MS), 100);
}
END_TEST

int main(int argc, char **argv)
{
	if (strcmp(argv[0], "slapd") == 0) return slapd_stand_in(argc, argv);
	if (argc == 7 && strcmp(argv[3], "--process") == 0) return stand_in(argv[2], argv[4], argv[6]);
	if (geteuid() != 0) {
		puts("SKIP: the supervisor needs root");
		return 0;
	}
	Suite *suite = suite_create("supervisor");
	TCase *all = tcase_create("supervisor");
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, all_meet_and_it_says_ready);
	tcase_add_test(all, a_killed_child_is_started_again_and_meets_all);
	tcase_add_test(all, an_accused_gate_is_killed);
	tcase_add_test(all, a_gate_that_accuses_the_ledger_dies_with_it);
	tcase_add_test(all, a_gate_that_accuses_another_gate_is_killed);
	tcase_add_test(all, a_malformed_frame_kills_its_sender);
	tcase_add_test(all, only_gates_may_want_a_token);
	tcase_add_test(all, a_stopped_child_is_replaced);
	tcase_add_test(all, sigterm_stops_in_order_and_leaves_nothing);
	tcase_add_test(all, a_child_that_does_not_stop_is_killed);
	tcase_add_test(all, a_killed_supervisor_takes_its_children_along);
	tcase_add_test(all, a_second_one_in_the_same_directory_is_refused);
	tcase_add_test(all, a_socket_that_answers_is_not_taken);
	tcase_add_test(all, a_socket_that_answers_a_moment_longer_is_waited_for);
	tcase_add_test(all, a_directory_that_others_may_write_is_refused);
	tcase_add_test(all, what_is_no_socket_is_not_removed);
	tcase_add_test(all, a_slapd_that_others_may_write_is_refused);
	tcase_add_test(all, a_token_helper_gets_its_user_its_socket_and_nothing_else);
	tcase_add_test(all, no_helper_is_said_so);
	tcase_add_test(all, a_helper_that_others_may_write_is_not_run);
	tcase_add_test(all, helpers_are_bounded);
	tcase_add_test(all, slapd_is_started_as_its_user_again_when_it_dies_and_stopped_last_but_one);
	tcase_add_loop_test(all, systemd_is_told, 0, 2); /* unwatched and watched */
	tcase_add_test(all, back_off_doubles_to_its_limit_and_is_forgotten_after_a_long_life);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
