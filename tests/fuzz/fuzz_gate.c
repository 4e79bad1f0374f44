/* What a local client says to the gate: the bytes of one connection each, to a gate in a thread, which lives as long as the target does and is not
   confined. Who holds no key is never let in by one; whatever is said, the gate lives on, and its answers are whole. Its calls do not fail here:
   tests/unit/test_faults_gate.c has that, since a gate may well end of it. First byte: bit 0: not root; bit 1: the ledger says no; bit 2: the client
   sits in a registered session. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/process.h"
#include "tests/fakes/faults.h"
#include "tests/fakes/gate_rig.h"
#include "tests/fuzz/fuzz.h"

#define HANG_MS 600000 /* longer than that is a hang: where only idle time is left, any answer may take a minute */

#define ORDINARY 65534
#define DESCRIPTORS_LIMIT 64 /* far more than the gate and the target have open at once: what is left open adds up */
#define STALE_NEVER_S (INT64_C(1) << 40) /* nobody refreshes the copy */

enum ck_error __wrap_ck_process_confine(const struct ck_confinement *confinement, struct ck_errmsg *err);
enum ck_error __wrap_ck_process_confine(const struct ck_confinement *confinement, struct ck_errmsg *err)
{
	(void)confinement;
	(void)err;
	return CK_OK;
}

/* The rig was made for Check; what it asserts is asserted here, too. */
void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}
_Noreturn void __wrap__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...);
_Noreturn void __wrap__ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
{
	(void)message;
	dprintf(STDERR_FILENO, "%s:%d: %s\n", file, line, expression);
	abort();
}

static void *run(void *context)
{
	static struct ck_start start;
	(void)context;
	ck_faults_pass();
	start.process = CK_PROCESS_GATE;
	rig_configure(&start.config);
	start.config.as_of_limit_s = STALE_NEVER_S;
	(void)ck_gate_main(&start);
	abort(); /* it was not told to end */
}

static void tidy(void)
{
	char path[128];
	ck_builder_free(&rig.builder);
	(void)snprintf(path, sizeof path, "%s/store", rig.directory);
	unlink(path);
	unlink(rig.socket);
	rmdir(rig.directory);
}

static void start_gate(void)
{
	pthread_t thread;
	int pair[2];
	struct ck_map message;
	fuzz_has_thread = true;
	if (sodium_init() < 0) abort();
	rig_set_up();
	(void)atexit(tidy);
	if (rig_end_gate() != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
	int control = fcntl(pair[0], F_DUPFD_CLOEXEC, 20);
	rig_place(pair[1], rig_listen());
	if (ck_client_adopt(&rig.control, control) != CK_OK || pthread_create(&thread, NULL, run, NULL) != 0) abort();
	if (ck_client_receive(&rig.control, &message, ck_clock_monotonic_ms() + HANG_MS, -1) != CK_OK) abort();
	rig_give_peer(CK_PROCESS_LEDGER, &rig.ledger);
	rig_give_peer(CK_PROCESS_REPLICA, &rig.replica);
}

/* ---- the gate's peers ---- */
static void serve_ledger(void)
{
	unsigned before = rig.events;
	rig_serve_ledger();
	if (rig.events == before) return;
	uint64_t event = rig_number(&rig.event, CK_F_EVENT);
	if (event == CK_EVENT_LOGIN_GRANTED || event == CK_EVENT_IDENTIFIED || event == CK_EVENT_VOUCH_MADE || event == CK_EVENT_VOUCH_CHECKED) abort();
}

static void answer(struct ck_client *peer, uint64_t type, const struct ck_map *message)
{
	static const uint8_t denied[] = { 0xa1, 0x00, CK_ANSWER_DENIED };
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, type);
	ck_field_uint(m, CK_F_REQUEST, rig_number(message, CK_F_REQUEST));
	if (type == CK_MSG_STATED) ck_field_bool(m, CK_F_VERDICT, true);
	if (type == CK_MSG_RELAYED) ck_field_bytes(m, CK_F_BODY, denied, sizeof denied);
	if (type == CK_MSG_STATED) ck_field_string(m, CK_F_STATE, "fine");
	rig_send(peer, &out, -1);
}

static void serve(struct ck_client *peer)
{
	struct ck_map message;
	if (ck_client_receive(peer, &message, ck_clock_monotonic_ms() + HANG_MS, -1) != CK_OK) abort();
	if (peer->passed_fd >= 0) close(peer->passed_fd); /* the client's own */
	peer->passed_fd = -1;
	switch (rig_number(&message, CK_F_TYPE)) {
	case CK_MSG_STATE: answer(peer, CK_MSG_STATED, &message); break;
	case CK_MSG_RELAY: answer(peer, CK_MSG_RELAYED, &message); break;
	case CK_MSG_TOKEN: answer(peer, CK_MSG_TOKEN, &message); break; /* without a helper */
	case CK_MSG_PING: break;
	default: abort();
	}
}

/* ---- the client ---- */
static int connect_as(long uid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path, rig.socket, strlen(rig.socket) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* of this thread alone */
	if (uid != 0 && syscall(SYS_setresuid, -1L, uid, -1L) != 0) abort();
	if (fd < 0 || fd > DESCRIPTORS_LIMIT || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) abort();
	if (uid != 0 && syscall(SYS_setresuid, -1L, 0L, -1L) != 0) abort();
	return fd;
}

/* True: it hung up. */
static bool hear(int fd, uint8_t *answers, size_t limit, size_t *length)
{
	ssize_t got = recv(fd, answers + *length, limit - *length, MSG_DONTWAIT);
	if (got > 0) *length += (size_t)got;
	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || *length == limit;
}

static void check_answers(struct ck_bytes left)
{
	struct ck_bytes encoded;
	struct ck_map reply;
	uint64_t type;
	for (size_t used; ck_frame_find(left, &encoded, &used) == CK_OK; left.at += used, left.length -= used)
		if (ck_map_parse(encoded, &reply) != CK_OK || ck_map_uint(&reply, CK_F_TYPE, CK_ANSWER_GRANTED, CK_ANSWER_ERROR, &type) != CK_OK) abort();
}

static void converse(int fd, struct ck_bytes say)
{
	static uint8_t answers[1 << 20];
	size_t length = 0;
	int64_t until_ms = ck_clock_monotonic_ms() + HANG_MS;
	for (bool over = false; !over;) {
		struct pollfd fds[] = { { .fd = fd, .events = POLLIN | (say.length > 0 ? POLLOUT : 0) }, { .fd = rig.ledger.fd, .events = POLLIN },
			                { .fd = rig.replica.fd, .events = POLLIN }, { .fd = rig.control.fd, .events = POLLIN } };
		int ready = poll(fds, 4, HANG_MS);
		if (ready < 0 && errno == EINTR) continue; /* libFuzzer's own clock */
		if (ready <= 0 || ck_clock_monotonic_ms() > until_ms) abort();
		if (fds[1].revents != 0) serve_ledger();
		if (fds[2].revents != 0) serve(&rig.replica);
		if (fds[3].revents != 0) serve(&rig.control);
		if ((fds[0].revents & POLLOUT) != 0) {
			ssize_t sent = send(fd, say.at, say.length, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (sent < 0 && errno != EAGAIN) break;
			say.at += sent > 0 ? sent : 0;
			say.length -= sent > 0 ? (size_t)sent : 0;
			if (say.length == 0) shutdown(fd, SHUT_WR);
		}
		if ((fds[0].revents & ~POLLOUT) != 0) over = hear(fd, answers, sizeof answers, &length);
	}
	check_answers((struct ck_bytes){ answers, length });
}

void fuzz_one(const uint8_t *data, size_t size)
{
	if (size < 2) return;
	ck_faults_pass();
	if (rig.control.fd <= 0) start_gate();
	rig.refuse = data[0] & 2 ? "counter" : NULL;
	rig.inside = data[0] & 4;
	int fd = connect_as(data[0] & 1 ? ORDINARY : 0);
	converse(fd, (struct ck_bytes){ data + 1, size - 1 });
	close(fd);
	ck_faults_back();
}
