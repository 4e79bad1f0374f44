/* The ledger as the process it is: forked, confined, driven over sockets as a gate, the replica and the supervisor would. Only root can start it,
   and it becomes the user nobody. */
#ifndef CK_TESTS_LEDGER_RIG_H
#define CK_TESTS_LEDGER_RIG_H

#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "authd/protocol/client.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "tests/unit/ledger_messages.h"

static int control = -1, gate = -1, replica = -1;
static pid_t ledger_pid;
static struct ck_start start;

static inline void send_control(unsigned type, unsigned process, unsigned index, int fd, const char *detail)
{
	uint8_t bytes[512];
	struct ck_frame_out f;
	size_t length;
	ck_frame_begin(&f, bytes, sizeof bytes);
	ck_field_uint(&f.map, CK_F_TYPE, type);
	if (process != 0) ck_field_uint(&f.map, CK_F_PROCESS, process);
	if (process != 0) ck_field_uint(&f.map, CK_F_INDEX, index);
	ck_field_string(&f.map, CK_F_DETAIL, detail);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	struct ck_client client;
	ck_assert_int_eq(ck_client_adopt(&client, dup(control)), CK_OK);
	ck_assert_int_eq(ck_client_send(&client, bytes, length, fd, ck_clock_monotonic_ms() + 5000), CK_OK);
	ck_client_close(&client);
}

static inline int add_peer(unsigned process, unsigned index)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	send_control(CK_MSG_PEER, process, index, pair[1], NULL);
	close(pair[1]);
	return pair[0];
}

/* One frame; false at the end of the channel or after two seconds. */
static inline bool receive_any(int fd, struct ck_map *out)
{
	static uint8_t bytes[70000];
	struct timeval wait = { .tv_sec = 2 };
	size_t used = 4;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	for (size_t got = 0; got < used;) {
		ssize_t more = recv(fd, bytes + got, used - got, 0);
		if (more <= 0) return false;
		got += (size_t)more;
		struct ck_bytes map;
		if (ck_frame_find((struct ck_bytes){ bytes, got }, &map, &used) == CK_OK) return ck_map_parse(map, out) == CK_OK;
	}
	return false;
}

/* What is said of the clock comes unasked. */
static inline bool receive(int fd, struct ck_map *out)
{
	while (receive_any(fd, out))
		if (out->at[CK_F_TYPE].number != CK_MSG_CLOCK) return true;
	return false;
}

static inline void start_ledger(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fflush(stdout);
	ledger_pid = fork();
	ck_assert_int_ge(ledger_pid, 0);
	if (ledger_pid == 0) {
		close(pair[0]);
		if (pair[1] != CK_CONTROL_FD) {
			dup2(pair[1], CK_CONTROL_FD);
			close(pair[1]);
		}
		ck_log_init("ledger", CK_LOG_ERROR);
		_exit(ck_ledger_main(&start));
	}
	close(pair[1]);
	control = pair[0];
	struct ck_map map;
	ck_assert(receive(control, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_READY);
	gate = add_peer(CK_PROCESS_GATE, 0);
	replica = add_peer(CK_PROCESS_REPLICA, 0);
}

static inline int stop_ledger(void)
{
	int status;
	send_control(CK_MSG_STOP, 0, 0, -1, NULL);
	ck_assert_int_eq(waitpid(ledger_pid, &status, 0), ledger_pid);
	ledger_pid = 0;
	close(control);
	close(gate);
	close(replica);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What the directory has, as the replica tells it; the hash of what is due, or NULL. */
static inline const uint8_t *process_uses(int64_t count, unsigned stage)
{
	static struct ck_map map;
	static struct ck_use due[CK_USES_LIMIT];
	uint8_t bytes[256];
	size_t due_count, length = encode_uses(count, stage, CK_USES_DUE_LIMIT, bytes, sizeof bytes);
	ck_assert_int_eq(send(replica, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
	ck_assert(receive(replica, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_KEY_USES_DUE);
	ck_assert_uint_eq(map.at[CK_F_REQUEST].number, next_request - 1);
	ck_assert_int_eq(ck_uses_get(&map, due, &due_count), CK_OK);
	return due_count > 0 ? due[0].hash : NULL;
}

static inline void make_process(void)
{
	fixture_make();
	rmdir(fixture_copy);
	ck_assert_int_eq(chmod(fixture_directory, 0755), 0);
	memset(&start, 0, sizeof start);
	start.process = CK_PROCESS_LEDGER;
	strcpy(start.config.directory, fixture_directory);
	strcpy(start.config.user_ledger, "nobody");
	start.config.refusals_per_minute = 3;
	start.config.tries_per_minute = 5;
	start.config.logins_per_minute = 1000000;
	start.config.audit_segment_bytes = 1 << 24;
	start.config.audit_reserve_bytes = 1 << 20;
	start.config.checkpoint_interval_s = 300;
	start.config.key_use_interval_s = 3600;
	start.config.challenge_limit_s = 120;
	start_ledger();
	ck_assert_ptr_null(process_uses(-1, CK_USES_FIRST | CK_USES_LAST));
	/* from here on the fixture looks at the log */
	strcat(fixture_directory, "/audit");
}

static inline void free_process(void)
{
	if (ledger_pid > 0) {
		kill(ledger_pid, SIGKILL);
		waitpid(ledger_pid, NULL, 0);
	}
	fixture_remove_all();
	*strrchr(fixture_directory, '/') = '\0';
	rmdir(fixture_directory);
}

static inline void tell(int fd, const struct said *said, unsigned type)
{
	uint8_t bytes[4096];
	size_t length = encode(said, type, bytes, sizeof bytes);
	ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* The answer's verdict; its reason in out_reason. */
static inline bool hear(int fd, uint64_t *out_request, char out_reason[64])
{
	static struct ck_map map;
	bool verdict = false;
	ck_assert(receive(fd, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_RECORDED);
	*out_request = map.at[CK_F_REQUEST].number;
	ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &verdict), CK_OK);
	if (ck_map_string(&map, CK_F_REASON, out_reason, 64) != CK_OK) out_reason[0] = '\0';
	return verdict;
}

static inline bool asks(int fd, const struct said *said, char out_reason[64])
{
	uint64_t request;
	tell(fd, said, CK_MSG_RECORD);
	return hear(fd, &request, out_reason);
}

#endif
