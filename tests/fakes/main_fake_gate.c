/* A daemon that answers as it is told, for trying what clients do with each answer, and with what is none.

   fake-gate [--listen-as UID] [--log FILE] SOCKET [WHEN=WHAT]...
   WHEN: begin token assert password account open close pass-begin pass-change. WHAT, for each:
     granted denied denied-say unavailable error need-token remote    proper answers (denied-say with a MESSAGE, remote: LOCAL false)
     garbage half huge empty drip zero two silent hangup later        what is no answer; later: hangs up after its answer
     need-password denied-wrong                                       the sixth answer; that the old password is wrong
     must-change                                                      account only: need-password until pass-change was granted
     proved                                                           account only: granted once a key's answer was granted, else denied-say
     no-id no-fd text-id bad-allow no-challenge                       answers that lack what they must have, or hold it wrongly
     named-fd foreign-fd                                              token only: sockets that are not a pair that root made
   helper=STEP,STEP…: what the token helper does:
     say say-bad pin pin-wrong assert assert-empty fail garbage half hangup silent flood */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/protocol/statement.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"

#define WAIT_MS 600000
#define HELPER_STEPS_LIMIT 32
static const char *whats[CK_OP_LAST + 1];
static char *helper_steps[HELPER_STEPS_LIMIT + 1];
static const char *log_path, *socket_path;

static const struct { const char *name; unsigned op; } whens[] = {
	{ "begin", CK_OP_LOGIN_BEGIN }, { "token", CK_OP_LOGIN_TOKEN }, { "assert", CK_OP_LOGIN_ASSERT },
	{ "password", CK_OP_LOGIN_PASSWORD }, { "pass-begin", CK_OP_PASSWORD_BEGIN }, { "pass-change", CK_OP_PASSWORD_CHANGE },
	{ "account", CK_OP_ACCOUNT }, { "open", CK_OP_SESSION_OPEN }, { "close", CK_OP_SESSION_CLOSE },
};
#define WHENS (sizeof whens / sizeof whens[0])

static void note(const char *line)
{
	FILE *file = log_path == NULL ? NULL : fopen(log_path, "ae");
	if (file == NULL) return;
	fprintf(file, "%s\n", line);
	fclose(file);
}

static void note_request(const char *name, const struct ck_map *request)
{
	static const struct { const char *name; unsigned key; } fields[] = {
		{ "user", CK_F_USER }, { "account", CK_F_ACCOUNT }, { "service", CK_F_SERVICE }, { "tty", CK_F_TTY }, { "rhost", CK_F_REMOTE_HOST },
	};
	char line[1024], id[2 * CK_LOGIN_ID_BYTES + 1];
	struct ck_bytes bytes;
	size_t at = (size_t)snprintf(line, sizeof line, "%s", name);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		struct ck_text text;
		if (ck_map_text(request, fields[i].key, 255, &text) != CK_OK) continue;
		at += (size_t)snprintf(line + at, sizeof line - at, " %s=%.*s", fields[i].name, (int)text.length, text.at);
	}
	if (ck_map_bytes(request, CK_F_LOGIN_ID, CK_LOGIN_ID_BYTES, CK_LOGIN_ID_BYTES, &bytes) == CK_OK)
		at += (size_t)snprintf(line + at, sizeof line - at, " id=%s", ck_hex_encode(bytes.at, bytes.length, id, sizeof id));
	if (ck_map_bytes(request, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &bytes) == CK_OK)
		at += (size_t)snprintf(line + at, sizeof line - at, " signature=%.*s", (int)bytes.length, (const char *)bytes.at);
	if (ck_map_bytes(request, CK_F_PASSWORD, 0, 100, &bytes) == CK_OK)
		at += (size_t)snprintf(line + at, sizeof line - at, " password=%.*s", (int)bytes.length, (const char *)bytes.at);
	if (ck_map_bytes(request, CK_F_NEW_PASSWORD, 0, 100, &bytes) == CK_OK)
		snprintf(line + at, sizeof line - at, " new=%.*s", (int)bytes.length, (const char *)bytes.at);
	note(line);
}

static void send_raw(int fd, const void *bytes, size_t length, int pass_fd)
{
	struct ck_client client = { .fd = fd, .passed_fd = -1 };
	if (ck_client_send(&client, bytes, length, pass_fd, ck_clock_monotonic_ms() + WAIT_MS) != CK_OK) _exit(0);
}

static void finish(struct ck_frame_out *f, int fd, int pass_fd)
{
	size_t length = 0;
	if (ck_frame_end(f, &length) != CK_OK) _exit(70);
	send_raw(fd, f->w.start, length, pass_fd);
}

/* ---- the helper's side ---- */

static void helper_message(int fd, unsigned type, const char *reason, const char *message, uint64_t tries)
{
	uint8_t bytes[2048];
	struct ck_frame_out f;
	ck_frame_begin(&f, bytes, sizeof bytes);
	ck_field_uint(&f.map, CK_F_TYPE, type);
	if (type == CK_TOKEN_ASSERTED) {
		ck_field_bytes(&f.map, CK_F_CREDENTIAL, "credential", 10);
		ck_field_bytes(&f.map, CK_F_AUTH_DATA, "authdata", 8);
		ck_field_bytes(&f.map, CK_F_SIGNATURE, "signature", reason == NULL ? 9 : 0);
	} else {
		ck_field_string(&f.map, CK_F_MESSAGE, message);
		ck_field_string(&f.map, CK_F_REASON, reason);
		if (type == CK_TOKEN_PIN_WANTED) ck_field_uint(&f.map, CK_F_COUNT, tries);
	}
	finish(&f, fd, -1);
}

static void wait_for(struct ck_client *client, unsigned type, const char *what)
{
	struct ck_map map;
	uint64_t got = 0;
	char line[128];
	struct ck_text code = { NULL, 0 };
	if (ck_client_receive(client, &map, ck_clock_monotonic_ms() + WAIT_MS, -1) != CK_OK) {
		note("helper: the client hung up");
		_exit(0);
	}
	if (ck_map_uint(&map, CK_F_TYPE, 0, 255, &got) != CK_OK || got != type) {
		note("helper: something else came");
		_exit(0);
	}
	if (type == CK_TOKEN_PIN && ck_map_text(&map, CK_F_CODE, CK_PIN_LIMIT_BYTES, &code) != CK_OK) note("helper: malformed pin");
	struct ck_bytes body = { NULL, 0 };
	if (type == CK_TOKEN_ASSERT && ck_map_bytes(&map, CK_F_BODY, sizeof CK_TAG_LOGIN + 1, 4096, &body) == CK_OK &&
	    memcmp(body.at, CK_TAG_LOGIN, sizeof CK_TAG_LOGIN) == 0 && (map.present & CK_KEY(CK_F_CHALLENGE)) == 0)
		note("helper: a login to sign");
	if (type == CK_TOKEN_ASSERT && body.length > sizeof CK_TAG_PASSWORD && memcmp(body.at, CK_TAG_PASSWORD, sizeof CK_TAG_PASSWORD) == 0)
		note("helper: a change of a password to sign");
	snprintf(line, sizeof line, "helper: %s %.*s", what, (int)code.length, code.at == NULL ? "" : code.at);
	note(line);
}

static void helper_step(struct ck_client *client, const char *step)
{
	int fd = client->fd;
	if (strcmp(step, "say") == 0) helper_message(fd, CK_TOKEN_SAY, "touch-now", "Touch your security key.", 0);
	if (strcmp(step, "say-bad") == 0) helper_message(fd, CK_TOKEN_SAY, "touch-now", "\033[2Jclear", 0);
	if (strcmp(step, "pin") == 0 || strcmp(step, "pin-wrong") == 0) {
		helper_message(fd, CK_TOKEN_PIN_WANTED, NULL, step[3] == '\0' ? NULL : "PIN wrong, 3 tries left.", 3);
		wait_for(client, CK_TOKEN_PIN, "pin");
	}
	if (strcmp(step, "assert") == 0) helper_message(fd, CK_TOKEN_ASSERTED, NULL, NULL, 0);
	if (strcmp(step, "assert-empty") == 0) helper_message(fd, CK_TOKEN_ASSERTED, "empty", NULL, 0);
	if (strcmp(step, "fail") == 0) helper_message(fd, CK_TOKEN_FAILED, "no-key", "No security key was found.", 0);
	if (strcmp(step, "garbage") == 0) send_raw(fd, "\0\0\0\4\xff\xff\xff\xff", 8, -1);
	if (strcmp(step, "half") == 0) send_raw(fd, "\0\0\0\40\xa1", 5, -1);
	if (strcmp(step, "hangup") == 0) _exit(0);
	if (strcmp(step, "silent") == 0) wait_for(client, CK_TOKEN_PIN, "after silence");
	while (strcmp(step, "flood") == 0) helper_message(fd, CK_TOKEN_SAY, "touch-now", "Touch your security key.", 0);
}

static void helper(int fd)
{
	struct ck_client client;
	if (ck_client_adopt(&client, fd) != CK_OK) _exit(70);
	wait_for(&client, CK_TOKEN_ASSERT, "assert wanted");
	for (size_t i = 0; helper_steps[i] != NULL; i++) helper_step(&client, helper_steps[i]);
	_exit(0);
}

/* The far end of the pair is a helper process; as in the real daemon, the pair was made by root. */
static int start_helper(uid_t maker)
{
	int pair[2];
	if (maker != 0 && seteuid(maker) != 0) _exit(70);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) _exit(70);
	if (maker != 0 && seteuid(0) != 0) _exit(70);
	if (fork() == 0) { /* ends when its client goes, which it must live to see, not with its gate */
		for (int fd = 3; fd < 64; fd++)
			if (fd != pair[1]) (void)close(fd);
		helper(pair[1]);
	}
	close(pair[1]);
	return pair[0];
}

static int connect_self(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) _exit(70);
	return fd;
}

/* ---- the gate's side ---- */

static void put_challenge(struct ck_frame_out *f, const char *what)
{
	bool none = strcmp(what, "no-challenge") == 0, bad = strcmp(what, "bad-allow") == 0;
	ck_field_string(&f->map, CK_F_SYSTEM, "fake");
	if (!none) ck_field_bytes(&f->map, CK_F_CHALLENGE, "0123456789abcdef0123456789abcdef", CK_CHALLENGE_BYTES);
	ck_field_string(&f->map, CK_F_RP_ID, "crosskeys.example");
	ck_field_key(&f->map, CK_F_ALLOW);
	ck_cbor_put_array(&f->w, bad ? 1 : 2);
	if (bad) ck_cbor_put_uint(&f->w, 7);
	if (!bad) ck_cbor_put_bytes(&f->w, "credential", 10);
	if (!bad) ck_cbor_put_bytes(&f->w, "another", 7);
	ck_field_bool(&f->map, CK_F_VERIFY, true);
	ck_field_int(&f->map, CK_F_TIME, 1800000000);
	if (!none) ck_field_bytes(&f->map, CK_F_NONCE, "0123456789abcdef0123456789abcdef", CK_NONCE_BYTES);
}

static unsigned answer_of(const char *what)
{
	if (strncmp(what, "denied", 6) == 0) return CK_ANSWER_DENIED;
	if (strcmp(what, "unavailable") == 0) return CK_ANSWER_UNAVAILABLE;
	if (strcmp(what, "error") == 0) return CK_ANSWER_ERROR;
	if (strcmp(what, "need-password") == 0) return CK_ANSWER_NEED_PASSWORD;
	if (strcmp(what, "need-token") == 0 || strcmp(what, "remote") == 0 || strcmp(what, "bad-allow") == 0 || strcmp(what, "no-challenge") == 0)
		return CK_ANSWER_NEED_TOKEN;
	return CK_ANSWER_GRANTED;
}

static void answer_properly(int fd, unsigned op, const char *what)
{
	uint8_t bytes[2048];
	struct ck_frame_out f;
	int pass_fd = -1;
	unsigned answer = answer_of(what);
	ck_frame_begin(&f, bytes, sizeof bytes);
	ck_field_uint(&f.map, CK_F_TYPE, answer);
	if (strcmp(what, "text-id") == 0) ck_field_string(&f.map, CK_F_LOGIN_ID, "0123456789abcdef");
	else if (answer == CK_ANSWER_GRANTED && strcmp(what, "no-id") != 0) ck_field_bytes(&f.map, CK_F_LOGIN_ID, "\1login-id-16byte", CK_LOGIN_ID_BYTES);
	if (answer == CK_ANSWER_NEED_TOKEN) put_challenge(&f, what);
	if (strcmp(what, "denied-say") == 0) ck_field_string(&f.map, CK_F_MESSAGE, "No role lets you in here.");
	if (answer == CK_ANSWER_DENIED) ck_field_string(&f.map, CK_F_REASON, strcmp(what, "denied-wrong") == 0 ? "password-wrong" : "no-role");
	if (answer == CK_ANSWER_NEED_TOKEN) ck_field_bool(&f.map, CK_F_LOCAL, strcmp(what, "remote") != 0);
	if (op == CK_OP_LOGIN_TOKEN && answer == CK_ANSWER_GRANTED && strcmp(what, "no-fd") != 0)
		pass_fd = strcmp(what, "named-fd") == 0 ? connect_self() : start_helper(strcmp(what, "foreign-fd") == 0 ? 65534 : 0);
	finish(&f, fd, pass_fd);
	if (pass_fd >= 0) close(pass_fd);
}

static void drip(int fd)
{
	static const uint8_t frame[] = { 0, 0, 0, 200 };
	send_raw(fd, frame, sizeof frame, -1);
	for (;;) {
		send_raw(fd, "\xa1", 1, -1);
		usleep(100000);
	}
}

static void answer(int fd, unsigned op, const char *what)
{
	static bool proved; /* of this connection: each is served by a process of its own */
	if (op == CK_OP_LOGIN_ASSERT) proved = strcmp(what, "granted") == 0;
	static bool changed;
	if (op == CK_OP_PASSWORD_CHANGE) changed = strcmp(what, "granted") == 0;
	if (strcmp(what, "must-change") == 0) what = changed ? "granted" : "need-password";
	if (strcmp(what, "proved") == 0) what = proved ? "granted" : "denied-say";
	if (strcmp(what, "hangup") == 0) _exit(0);
	if (strcmp(what, "silent") == 0) return;
	if (strcmp(what, "garbage") == 0) send_raw(fd, "\0\0\0\4\xff\xff\xff\xff", 8, -1);
	else if (strcmp(what, "half") == 0) send_raw(fd, "\0\0\0\40\xa1\0", 6, -1);
	else if (strcmp(what, "huge") == 0) send_raw(fd, "\xff\xff\xff\xff\xa1", 5, -1);
	else if (strcmp(what, "empty") == 0) send_raw(fd, "\0\0\0\0", 4, -1);
	else if (strcmp(what, "zero") == 0) send_raw(fd, "\0\0\0\3\xa1\0\0", 7, -1); /* {0: 0} */
	else if (strcmp(what, "drip") == 0) drip(fd);
	else if (strcmp(what, "two") == 0) send_raw(fd, "\0\0\0\3\xa1\0\1\0\0\0\3\xa1\0\1", 14, -1);
	else answer_properly(fd, op, what);
	if (strcmp(what, "later") == 0) _exit(0);
}

static void serve(int fd)
{
	struct ck_client client;
	struct ck_map request;
	uint64_t op = 0;
	if (ck_client_adopt(&client, fd) != CK_OK) _exit(70);
	note("connected");
	while (ck_client_receive(&client, &request, ck_clock_monotonic_ms() + WAIT_MS, -1) == CK_OK) {
		size_t i = 0;
		if (ck_map_uint(&request, CK_F_TYPE, 1, CK_OP_LAST, &op) != CK_OK) _exit(70);
		while (i < WHENS && whens[i].op != op) i++;
		note_request(i < WHENS ? whens[i].name : "?", &request);
		answer(fd, (unsigned)op, whats[op] != NULL ? whats[op] : "error");
	}
	note("closed");
	_exit(0);
}

/* ---- starting ---- */

static void take_argument(char *argument)
{
	char *value = strchr(argument, '=');
	if (value == NULL) exit(64);
	*value++ = '\0';
	if (strcmp(argument, "helper") == 0) {
		size_t n = 0;
		for (char *step = strtok(value, ","); step != NULL && n < HELPER_STEPS_LIMIT; step = strtok(NULL, ",")) helper_steps[n++] = step;
		return;
	}
	for (size_t i = 0; i < WHENS; i++)
		if (strcmp(argument, whens[i].name) == 0) whats[whens[i].op] = value;
}

/* Appears under its name only once it can be connected to. */
static int listen_at(const char *path, uid_t as)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s~", path);
	(void)unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(address.sun_path, 0666) != 0) return -1;
	if (as != 0 && seteuid(as) != 0) return -1;
	if (listen(fd, 64) != 0) return -1;
	if (as != 0 && seteuid(0) != 0) return -1;
	return rename(address.sun_path, path) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
	uid_t listen_as = 0;
	int at = 1;
	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (strcmp(argv[at], "--listen-as") == 0) listen_as = (uid_t)strtoul(argv[at + 1], NULL, 10);
		if (strcmp(argv[at], "--log") == 0) log_path = argv[at + 1];
	}
	if (at >= argc) return 64;
	socket_path = argv[at];
	for (int i = at + 1; i < argc; i++) take_argument(argv[i]);
	signal(SIGCHLD, SIG_IGN);
	int listener = listen_at(socket_path, listen_as);
	if (listener < 0) {
		perror(socket_path);
		return 71;
	}
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0 && errno != EINTR) return 71;
		if (fd >= 0 && fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			serve(fd);
		}
		if (fd >= 0) close(fd);
	}
}
