/* Clients of the gate in numbers: those that ask for an account decision again and again, and those that only make trouble.

   gate-client SOCKET ask USER SERVICE COUNT SECONDS [TTY [RHOST]]
       prints "granted ID MS", "refused MS", "unavailable MS" or "nothing MS" each; COUNT 0: until SECONDS are over
   gate-client [--uid N] SOCKET trouble COUNT SECONDS
       COUNT connections: garbage, half a frame, nothing, an endless frame, requests whose answers are never read; prints "ready", and
       goes on until SECONDS are over
   gate-client [--uid N] SOCKET slow COUNT SECONDS
       COUNT connections that send a byte of a request a minute, and connect anew when they are cut off; prints "ready" and how many there are
   gate-client [--uid N] SOCKET vanish COUNT SECONDS
       COUNT times: begins a login or a question, and is gone after some of its bytes, or of the answer's */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"

#define ASK_MS 6000
#define TROUBLE_LIMIT 1024
#define TROUBLE_EVERY_MS 20

/* ---- asking ---- */

static void print_answer(enum ck_error error, const struct ck_map *reply, int64_t begun_ms)
{
	long long ms = (long long)(ck_clock_monotonic_ms() - begun_ms);
	uint64_t answer = 0;
	uint8_t id[CK_LOGIN_ID_BYTES];
	char hex[2 * CK_LOGIN_ID_BYTES + 1];
	if (error == CK_OK) error = ck_map_uint(reply, CK_F_TYPE, 1, 255, &answer);
	if (error != CK_OK) printf("nothing %lld\n", ms);
	else if (answer == CK_ANSWER_GRANTED && ck_map_fixed(reply, CK_F_LOGIN_ID, id, sizeof id) == CK_OK)
		printf("granted %s %lld\n", ck_hex_encode(id, sizeof id, hex, sizeof hex), ms);
	else printf("%s %lld\n", answer == CK_ANSWER_DENIED ? "refused" : answer == CK_ANSWER_UNAVAILABLE ? "unavailable" : "error", ms);
}

struct question {
	const char *user, *service, *tty, *remote_host;
};

static int ask(const char *path, const struct question *question, unsigned long count, int64_t end_ms)
{
	struct ck_client client = { .fd = -1, .passed_fd = -1 };
	for (unsigned long i = 0; (count == 0 || i < count) && ck_clock_monotonic_ms() < end_ms; i++) {
		uint8_t bytes[8192];
		struct ck_frame_out frame;
		struct ck_map reply;
		size_t length = 0;
		int64_t begun_ms = ck_clock_monotonic_ms();
		enum ck_error error = client.fd >= 0 ? CK_OK : ck_client_connect(&client, path, begun_ms + ASK_MS, NULL);
		ck_frame_begin(&frame, bytes, sizeof bytes);
		ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_ACCOUNT);
		ck_field_string(&frame.map, CK_F_USER, question->user);
		ck_field_string(&frame.map, CK_F_ACCOUNT, question->user);
		ck_field_string(&frame.map, CK_F_SERVICE, question->service);
		ck_field_string(&frame.map, CK_F_TTY, question->tty);
		ck_field_string(&frame.map, CK_F_REMOTE_HOST, question->remote_host);
		if (error == CK_OK) error = ck_frame_end(&frame, &length);
		if (error == CK_OK) error = ck_client_call(&client, bytes, length, &reply, begun_ms + ASK_MS);
		print_answer(error, &reply, begun_ms);
		if (error != CK_OK) {
			ck_client_close(&client);
			client.fd = client.passed_fd = -1;
			(void)poll(NULL, 0, 20);
		}
	}
	if (client.fd >= 0) ck_client_close(&client);
	return 0;
}

/* ---- making trouble ---- */

static int open_plain(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static size_t status_frame(uint8_t *bytes, size_t limit_bytes)
{
	struct ck_frame_out frame;
	size_t length = 0;
	ck_frame_begin(&frame, bytes, limit_bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_STATUS);
	return ck_frame_end(&frame, &length) == CK_OK ? length : 0;
}

/* One more piece of what this one does; false: the gate has hung up, as it may. */
static bool one_piece(int fd, unsigned kind, unsigned round)
{
	static const uint8_t garbage[] = "\0\0\0\x08GARBAGE!", half[] = "\0\0\0\x40\xa1\0\x01", endless[] = "\xff\xff\xff\xff";
	uint8_t bytes[64];
	ssize_t sent = 0;
	switch (kind) {
	case 0: sent = send(fd, garbage, sizeof garbage - 1, MSG_NOSIGNAL); break;
	case 1: sent = round == 0 ? send(fd, half, sizeof half - 1, MSG_NOSIGNAL) : 0; break;
	case 2: break;
	case 3: sent = send(fd, endless, sizeof endless - 1, MSG_NOSIGNAL); break;
	default: sent = send(fd, bytes, status_frame(bytes, sizeof bytes), MSG_NOSIGNAL); break;
	}
	char byte;
	bool reads = kind < 4;
	if (sent < 0 && errno != EAGAIN) return false;
	return !reads || recv(fd, &byte, 1, MSG_DONTWAIT) != 0;
}

static int trouble(const char *path, unsigned count, int64_t end_ms)
{
	static int fds[TROUBLE_LIMIT];
	static unsigned rounds[TROUBLE_LIMIT];
	for (unsigned i = 0; i < count; i++) fds[i] = -1;
	for (bool told = false; ck_clock_monotonic_ms() < end_ms; (void)poll(NULL, 0, TROUBLE_EVERY_MS)) {
		for (unsigned i = 0; i < count; i++) {
			if (fds[i] < 0) {
				fds[i] = open_plain(path);
				rounds[i] = 0;
			}
			if (fds[i] < 0 || one_piece(fds[i], i % 5, rounds[i]++)) continue;
			close(fds[i]);
			fds[i] = -1;
		}
		if (!told) (void)puts("ready");
		told = true;
	}
	return 0;
}

static int slow(const char *path, unsigned count, int64_t end_ms)
{
	static int fds[TROUBLE_LIMIT];
	static unsigned sent[TROUBLE_LIMIT];
	static int64_t due_ms[TROUBLE_LIMIT];
	uint8_t bytes[64];
	size_t length = status_frame(bytes, sizeof bytes);
	for (unsigned i = 0; i < count; i++) fds[i] = -1;
	for (bool told = false; ck_clock_monotonic_ms() < end_ms; (void)poll(NULL, 0, TROUBLE_EVERY_MS)) {
		unsigned open = 0;
		for (unsigned i = 0; i < count; i++) {
			char byte;
			int64_t now_ms = ck_clock_monotonic_ms();
			if (fds[i] >= 0 && recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0) {
				close(fds[i]);
				fds[i] = -1;
			}
			if (fds[i] < 0) {
				fds[i] = open_plain(path);
				sent[i] = 0;
				due_ms[i] = 0;
			}
			if (fds[i] >= 0) open++;
			if (fds[i] >= 0 && now_ms >= due_ms[i] && sent[i] < length - 1 && send(fds[i], bytes + sent[i], 1, MSG_NOSIGNAL) == 1) {
				sent[i]++;
				due_ms[i] = now_ms + 60000;
			}
		}
		if (!told) printf("ready %u\n", open);
		told = true;
	}
	return 0;
}

static int vanish(const char *path, unsigned count, int64_t end_ms)
{
	for (unsigned i = 0; i < count && ck_clock_monotonic_ms() < end_ms; i++) {
		uint8_t bytes[512], reply[64];
		struct ck_frame_out frame;
		size_t length = 0;
		ck_frame_begin(&frame, bytes, sizeof bytes);
		ck_field_uint(&frame.map, CK_F_TYPE, i % 3 == 0 ? CK_OP_STATUS : i % 3 == 1 ? CK_OP_LOGIN_BEGIN : CK_OP_ACCOUNT);
		if (i % 3 != 0) {
			ck_field_string(&frame.map, CK_F_USER, "bob");
			ck_field_string(&frame.map, CK_F_ACCOUNT, "bob");
			ck_field_string(&frame.map, CK_F_SERVICE, "open");
		}
		if (ck_frame_end(&frame, &length) != CK_OK) return 1;
		int fd = open_plain(path);
		if (fd < 0) continue;
		size_t part = i % 4 == 3 ? length : i % (length + 1);
		if (send(fd, bytes, part, MSG_NOSIGNAL) == (ssize_t)length && i % 8 == 7) {
			struct pollfd readable = { .fd = fd, .events = POLLIN };
			(void)poll(&readable, 1, 1000);
			if (recv(fd, reply, i % sizeof reply, MSG_DONTWAIT) < 0 && errno != EAGAIN) perror("recv");
		}
		close(fd);
	}
	puts("vanished");
	return 0;
}

int main(int argc, char **argv)
{
	int at = 1;
	(void)signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && strcmp(argv[1], "--uid") == 0) {
		uid_t uid = (uid_t)strtoul(argv[2], NULL, 10);
		if (setresuid(uid, uid, uid) != 0) return 71;
		at = 3;
	}
	if (argc - at >= 6 && argc - at <= 8 && strcmp(argv[at + 1], "ask") == 0) {
		const struct question question = { argv[at + 2], argv[at + 3], argc - at > 6 ? argv[at + 6] : NULL, argc - at > 7 ? argv[at + 7] : NULL };
		return ask(argv[at], &question, strtoul(argv[at + 4], NULL, 10),
		           ck_clock_monotonic_ms() + (int64_t)strtoul(argv[at + 5], NULL, 10) * 1000);
	}
	unsigned long count = argc - at == 4 ? strtoul(argv[at + 2], NULL, 10) : 0;
	if (argc - at == 4 && strcmp(argv[at + 1], "trouble") == 0 && count <= TROUBLE_LIMIT)
		return trouble(argv[at], (unsigned)count, ck_clock_monotonic_ms() + (int64_t)strtoul(argv[at + 3], NULL, 10) * 1000);
	static const struct {
		const char *name;
		int (*run)(const char *path, unsigned count, int64_t end_ms);
	} modes[] = { { "slow", slow }, { "vanish", vanish } };
	for (size_t i = 0; argc - at == 4 && i < sizeof modes / sizeof *modes; i++)
		if (strcmp(argv[at + 1], modes[i].name) == 0 && (count <= TROUBLE_LIMIT || i == 1))
			return modes[i].run(argv[at], (unsigned)count, ck_clock_monotonic_ms() + (int64_t)strtoul(argv[at + 3], NULL, 10) * 1000);
	fprintf(stderr, "usage: see the top of main_gate_client.c\n");
	return 64;
}
