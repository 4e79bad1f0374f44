/* crosskeysd with a taken gate: this program is the supervisor, the replica and the ledger as they are; its gate is the real one with an
   attacker around it, who holds the channels to the other processes, under the gate's own user. What the attacker does is read from files
   below <directory>/taken: `mode` (to requests as they pass: values signature person replay roots batch number batches; to records: vouch-signature
   vouch-user; off) and `attack` (at once, then removed);
   what comes back of its own messages goes to `out`. */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/process.h"
#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define OURS (UINT64_C(1) << 62) /* numbers of the attacker's own requests */
#define STEP_MS 2000
#define FLOOD_RECORDS 20000

static struct ck_client supervisor, gate; /* the control channel, cut in two */
static struct side {
	const char *name;
	struct ck_client gate, peer;
} replica = { .name = "replica" }, ledger = { .name = "ledger" };
static char place[300];
static uint8_t commit[CK_FRAME_LIMIT_BYTES]; /* the last genuine one */
static size_t commit_length;
static uint8_t shown[8192]; /* the last genuine password with its touch, as it went to the replica */
static size_t shown_length;
static uint8_t vouch[4096]; /* the last genuine record of one */
static size_t vouch_length;
static uint8_t nonce[CK_NONCE_BYTES]; /* of a change that the attacker began */
static uint64_t sequence;
static unsigned answers;

/* ---- what it is told and what it tells ---- */

CK_PRINTF(1, 2) static void tell(const char *format, ...)
{
	char path[320];
	va_list args;
	snprintf(path, sizeof path, "%s/out", place);
	FILE *file = fopen(path, "ae");
	if (file == NULL) _exit(9);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fclose(file);
}

static const char *told(const char *name)
{
	static char word[64];
	char path[320];
	snprintf(path, sizeof path, "%s/%s", place, name);
	word[0] = '\0';
	FILE *file = fopen(path, "re");
	if (file == NULL) return word;
	if (fscanf(file, "%63s", word) != 1) word[0] = '\0';
	fclose(file);
	return word;
}

/* ---- frames ---- */

static void send_raw(struct ck_client *to, const void *bytes, size_t length, int fd)
{
	if (to->fd >= 0 && ck_client_send(to, bytes, length, fd, ck_clock_monotonic_ms() + STEP_MS) != CK_OK) ck_client_close(to);
}

static struct ck_frame_out frame;
static uint8_t frame_bytes[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];

static struct ck_map_writer *begin(unsigned type)
{
	ck_frame_begin(&frame, frame_bytes, sizeof frame_bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, type);
	return &frame.map;
}

static struct ck_map_writer *begin_own(unsigned type)
{
	struct ck_map_writer *m = begin(type);
	ck_field_uint(m, CK_F_REQUEST, OURS | ++sequence);
	return m;
}

static void end(struct ck_client *to, int fd)
{
	size_t length = 0;
	if (ck_frame_end(&frame, &length) != CK_OK) _exit(10);
	send_raw(to, frame_bytes, length, fd);
}

static void relay(const uint8_t *body, size_t length, int fd)
{
	struct ck_map_writer *m = begin_own(CK_MSG_RELAY);
	ck_field_bytes(m, CK_F_BODY, body, length);
	ck_field_uint(m, CK_F_PEER_UID, 0); /* a lie */
	ck_field_uint(m, CK_F_PEER_PID, 1);
	end(&replica.peer, fd);
}

/* ---- one-shot attacks ---- */

/* A request body with one or two fields. */
static void relay_request(unsigned op, const char *as, const char *user, const uint8_t *hash, int fd)
{
	uint8_t bytes[256];
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, op);
	ck_field_string(&m, CK_F_USER, user);
	ck_field_string(&m, CK_F_AS, as);
	if (hash != NULL) ck_field_bytes(&m, CK_F_HASH, hash, 32);
	ck_map_end(&m);
	relay(bytes, (size_t)(w.at - w.start), fd);
}

static void with_own_socket(unsigned op, const char *user, const uint8_t *hash)
{
	int pair[2];
	relay_request(op, NULL, user, hash, -1);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(11);
	relay_request(op, NULL, user, hash, pair[0]);
	close(pair[0]);
	close(pair[1]);
}

static struct ck_map_writer *begin_record(const char *user, const char *host)
{
	struct ck_map_writer *m = begin_own(CK_MSG_RECORD);
	ck_field_string(m, CK_F_USER, user);
	ck_field_string(m, CK_F_ACCOUNT, user);
	ck_field_string(m, CK_F_SERVICE, "demo");
	ck_field_string(m, CK_F_REMOTE_HOST, host);
	ck_field_string(m, CK_F_SYSTEM, "core1");
	return m;
}

/* The hash of a genuine key, if one was given: `target`, raw. */
static void read_target(uint8_t out[32])
{
	char path[320];
	snprintf(path, sizeof path, "%s/target", place);
	memset(out, 0, 32);
	out[0] = 7;
	FILE *file = fopen(path, "re");
	if (file == NULL) return;
	if (fread(out, 1, 32, file) != 32) _exit(12);
	fclose(file);
}

static void record_grant(uint64_t count)
{
	static const uint8_t id[CK_LOGIN_ID_BYTES] = { 1 };
	uint8_t hash[32];
	read_target(hash);
	struct ck_map_writer *m = begin_record("bob", NULL);
	ck_field_bytes(m, CK_F_LOGIN_ID, id, sizeof id);
	ck_field_uint(m, CK_F_PROVED, 1);
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_LOGIN_GRANTED);
	ck_field_bytes(m, CK_F_HASH, hash, sizeof hash);
	ck_field_uint(m, CK_F_COUNT, count);
	ck_field_uint(m, CK_F_PEER_UID, 0);
	end(&ledger.peer, -1);
}

static void record_session(void)
{
	uint8_t id[CK_LOGIN_ID_BYTES];
	memset(id, 0xee, sizeof id);
	struct ck_map_writer *m = begin_own(CK_MSG_RECORD);
	ck_field_string(m, CK_F_ACCOUNT, "root");
	ck_field_string(m, CK_F_SERVICE, "demo");
	ck_field_bytes(m, CK_F_LOGIN_ID, id, sizeof id);
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_SESSION_OPENED);
	ck_field_uint(m, CK_F_PEER_UID, 0);
	ck_field_key(m, CK_F_ANCESTORS);
	ck_cbor_put_array(m->w, 2);
	ck_cbor_put_uint(m->w, 1);
	ck_cbor_put_uint(m->w, 1);
	end(&ledger.peer, -1);
}

/* Only the replica may say this: a counter of its choice for a key. */
static void record_enrolled(void)
{
	static const uint8_t hash[32] = { 7 };
	struct ck_map_writer *m = begin_own(CK_MSG_RECORD);
	ck_field_string(m, CK_F_USER, "bob");
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_KEY_ENROLLED);
	ck_field_bytes(m, CK_F_HASH, hash, sizeof hash);
	ck_field_uint(m, CK_F_COUNT, 0);
	end(&ledger.peer, -1);
}

static void record_reset(void)
{
	uint8_t hash[32];
	read_target(hash);
	struct ck_map_writer *m = begin_own(CK_MSG_RECORD);
	ck_field_string(m, CK_F_USER, "bob");
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_COUNTER_RESET);
	ck_field_bytes(m, CK_F_HASH, hash, sizeof hash);
	end(&ledger.peer, -1);
}

/* The genuine touch with a guess in the place of the password; `forged`: as if it were another one; `fresh`: of just now. */
static void guess(bool forged, bool fresh)
{
	struct ck_map map;
	uint8_t other[CK_NONCE_BYTES] = { 0 };
	if (ck_map_parse((struct ck_bytes){ shown, shown_length }, &map) != CK_OK) _exit(15);
	struct ck_map_writer *m = begin_own(CK_MSG_PASSWORD);
	for (unsigned key = CK_F_USER; key < CK_F_PASSWORD; key++) {
		if ((map.present & CK_KEY(key)) == 0) continue;
		if (forged && key == CK_F_NONCE) {
			ck_field_bytes(m, key, other, sizeof other);
		} else if (fresh && key == CK_F_TIME) {
			ck_field_int(m, key, ck_clock_wall_s());
		} else {
			ck_field_key(m, key);
			ck_put_bytes(m->w, map.at[key].encoded.at, map.at[key].encoded.length);
		}
	}
	ck_field_bytes(m, CK_F_PASSWORD, "a guess", 7);
	end(&replica.peer, -1);
}

/* A login that is said to have shown a password. */
static void record_password(void)
{
	static const uint8_t id[CK_LOGIN_ID_BYTES] = { 2 }, digest[32] = { 3 };
	uint8_t hash[32];
	read_target(hash);
	struct ck_map_writer *m = begin_record("bob", NULL);
	ck_field_bytes(m, CK_F_LOGIN_ID, id, sizeof id);
	ck_field_uint(m, CK_F_PROVED, 7);
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_LOGIN_GRANTED);
	ck_field_bytes(m, CK_F_HASH, hash, sizeof hash);
	ck_field_uint(m, CK_F_PEER_UID, 0);
	ck_field_bytes(m, CK_F_DIGEST, digest, sizeof digest);
	end(&ledger.peer, -1);
}

/* Only the replica may say this: that a password was right. */
static void record_right(void)
{
	static const uint8_t digest[32] = { 3 };
	struct ck_map_writer *m = begin_own(CK_MSG_RECORD);
	ck_field_string(m, CK_F_USER, "bob");
	ck_field_string(m, CK_F_REASON, "right");
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_PASSWORD_OUTCOME);
	ck_field_uint(m, CK_F_PEER_UID, 0);
	ck_field_string(m, CK_F_OPERATION, "login-password");
	ck_field_bytes(m, CK_F_DIGEST, digest, sizeof digest);
	end(&ledger.peer, -1);
}

/* What a key signed for one code, once more, for another. */
static void record_vouch_again(void)
{
	struct ck_map old;
	uint8_t digest[32];
	if (ck_map_parse((struct ck_bytes){ vouch, vouch_length }, &old) != CK_OK) _exit(15);
	memset(digest, 0xdd, sizeof digest);
	struct ck_map_writer *m = begin_own(CK_MSG_RECORD);
	for (unsigned key = CK_F_USER; key <= CK_F_AGE; key++) {
		struct ck_bytes value = old.at[key].encoded;
		if ((old.present & CK_KEY(key)) == 0) continue;
		if (key == CK_F_COUNT) {
			ck_field_uint(m, key, old.at[key].number + 1);
		} else if (key == CK_F_DIGEST) {
			ck_field_bytes(m, key, digest, sizeof digest);
		} else {
			ck_field_key(m, key);
			ck_put_bytes(m->w, value.at, value.length);
		}
	}
	end(&ledger.peer, -1);
}

static void pass(struct side *side, bool to_gate);

/* Refusals of many names from many hosts; answers are read, so that nobody complains of a reader that does not read. */
static void flood(void)
{
	char user[32], host[32];
	for (unsigned i = 0; i < FLOOD_RECORDS && ledger.peer.fd >= 0; i++) {
		snprintf(user, sizeof user, "u%u", i % 5 == 0 ? 0 : i);
		snprintf(host, sizeof host, "h%u", i / 7);
		struct ck_map_writer *m = begin_record(user, host);
		ck_field_string(m, CK_F_REASON, "no-role");
		ck_field_uint(m, CK_F_EVENT, CK_EVENT_ACCOUNT_REFUSED);
		end(&ledger.peer, -1);
		while (i % 100 == 99 && answers <= i && ledger.peer.fd >= 0) pass(&ledger, true);
	}
	tell("flood done\n");
}

static void attack(const char *name)
{
	static const uint8_t hash[32] = { 5 };
	tell("attack %s\n", name);
	if (strcmp(name, "recover") == 0) with_own_socket(CK_OP_RECOVER, "ada", hash);
	else if (strcmp(name, "confirm") == 0) with_own_socket(CK_OP_CONFIRM_REFRESH, NULL, NULL);
	else if (strcmp(name, "begin") == 0) relay_request(CK_OP_CHANGE_BEGIN, "ada", NULL, NULL, -1);
	else if (strcmp(name, "again") == 0) relay(commit, commit_length, -1);
	else if (strncmp(name, "grant-", 6) == 0) record_grant(strtoull(name + 6, NULL, 10));
	else if (strcmp(name, "reset") == 0) with_own_socket(CK_OP_COUNTER_RESET, NULL, hash);
	else if (strcmp(name, "record-reset") == 0) record_reset();
	else if (strcmp(name, "session") == 0) record_session();
	else if (strcmp(name, "vouch-again") == 0) record_vouch_again();
	else if (strcmp(name, "enrolled") == 0) record_enrolled();
	else if (strcmp(name, "guess") == 0) guess(false, false);
	else if (strcmp(name, "guess-forged") == 0) guess(true, false);
	else if (strcmp(name, "guess-fresh") == 0) guess(false, true);
	else if (strcmp(name, "password") == 0) record_password();
	else if (strcmp(name, "right") == 0) record_right();
	else if (strcmp(name, "status") == 0) relay_request(CK_OP_STATUS, NULL, NULL, NULL, -1);
	else if (strcmp(name, "flood") == 0) flood();
	else if (strcmp(name, "garbage-ledger") == 0) send_raw(&ledger.peer, "\0\0\0\x04XXXX", 8, -1);
	else if (strcmp(name, "garbage-replica") == 0) send_raw(&replica.peer, "\xff\xff\xff\xffXXXX", 8, -1);
	else if (strcmp(name, "renonced") == 0) {
		uint8_t *at = commit_length > sizeof nonce ? memmem(commit, commit_length, "\x18\x1e\x58\x20", 4) : NULL; /* key 30, 32 bytes */
		if (at != NULL) memcpy(at + 4, nonce, sizeof nonce);
		relay(commit, commit_length, -1);
	} else if (strcmp(name, "accuse") == 0) {
		struct ck_map_writer *m = begin(CK_MSG_ACCUSE);
		ck_field_uint(m, CK_F_PROCESS, CK_PROCESS_LEDGER);
		ck_field_uint(m, CK_F_INDEX, 0);
		ck_field_string(m, CK_F_DETAIL, "a lie");
		end(&supervisor, -1);
	}
}

/* ---- what passes by ---- */

static void own_answer(const struct side *side, const struct ck_map *message)
{
	struct ck_map body;
	struct ck_bytes encoded;
	uint64_t type = 0;
	bool stands = false;
	char reason[64] = "-";
	answers++;
	if (ck_map_bytes(message, CK_F_BODY, 1, CK_FRAME_LIMIT_BYTES, &encoded) == CK_OK && ck_map_parse(encoded, &body) == CK_OK) {
		if (ck_map_uint(&body, CK_F_TYPE, 0, 255, &type) != CK_OK || ck_map_string(&body, CK_F_REASON, reason, sizeof reason) != CK_OK)
			snprintf(reason, sizeof reason, "-");
		if (ck_map_fixed(&body, CK_F_NONCE, nonce, sizeof nonce) == CK_OK) snprintf(reason, sizeof reason, "nonce");
		tell("%s answer %u %s\n", side->name, (unsigned)type, reason);
	} else if (ck_map_bool(message, CK_F_VERDICT, &stands) == CK_OK && answers <= 1) {
		if (ck_map_string(message, CK_F_REASON, reason, sizeof reason) != CK_OK) snprintf(reason, sizeof reason, "-");
		tell("%s %s %s\n", side->name, stands ? "stands" : "refused", reason);
	}
}

/* A plan and its batches: other batches than were signed, another word in one, another number; or all of it twice. True: once more. */
static bool tamper_with_plan(const char *mode, uint64_t op, const struct ck_map *body, struct ck_bytes encoded)
{
	if (op == CK_OP_PLAN_COMMIT && strcmp(mode, "roots") == 0) ((uint8_t *)(uintptr_t)body->at[CK_F_ROOTS].span.at)[0] ^= 1;
	if (op == CK_OP_PLAN_BATCH && strcmp(mode, "batch") == 0) {
		uint8_t *at = memmem(encoded.at, encoded.length, "Clerk", 5);
		if (at != NULL) memcpy(at, "Chief", 5);
	}
	/* the last field: its number is one byte */
	if (op == CK_OP_PLAN_BATCH && strcmp(mode, "number") == 0) ((uint8_t *)(uintptr_t)encoded.at)[encoded.length - 1] ^= 1;
	return strcmp(mode, "batches") == 0;
}

/* Tampers with a request in place: the bytes lie in the channel's own buffer. True: pass it on once more afterwards. */
static bool tamper(const struct ck_map *message)
{
	struct ck_map body;
	struct ck_bytes encoded, span;
	uint64_t op = 0;
	const char *mode = told("mode");
	if (ck_map_bytes(message, CK_F_BODY, 1, CK_FRAME_LIMIT_BYTES, &encoded) != CK_OK || ck_map_parse(encoded, &body) != CK_OK ||
	    ck_map_uint(&body, CK_F_TYPE, 1, CK_OP_LAST, &op) != CK_OK)
		return false;
	if (op == CK_OP_CHANGE_BEGIN && strcmp(mode, "person") == 0 && ck_map_bytes(&body, CK_F_AS, 0, 64, &span) != CK_OK) {
		span = body.at[CK_F_AS].span;
		if (span.length == 3) memcpy((uint8_t *)(uintptr_t)span.at, "bob", 3);
	}
	bool plan = op == CK_OP_PLAN_COMMIT || op == CK_OP_PLAN_BATCH;
	if (plan) {
		memcpy(commit, encoded.at, encoded.length);
		commit_length = encoded.length;
		return tamper_with_plan(mode, op, &body, encoded);
	}
	if (op != CK_OP_CHANGE_COMMIT) return false;
	if (strcmp(mode, "signature") == 0) ((uint8_t *)(uintptr_t)body.at[CK_F_SIGNATURE].span.at)[body.at[CK_F_SIGNATURE].span.length - 1] ^= 1;
	if (strcmp(mode, "values") == 0) {
		uint8_t *at = memmem(encoded.at, encoded.length, "active", 6);
		if (at != NULL) memcpy(at, "aktive", 6);
	}
	memcpy(commit, encoded.at, encoded.length);
	commit_length = encoded.length;
	return strcmp(mode, "replay") == 0;
}

/* Of a vouch that is made: another signature, or another person than the one who signed. */
static void tamper_vouch(const struct ck_map *message, const struct ck_client *from)
{
	uint64_t event;
	const char *mode = told("mode");
	if (ck_map_uint(message, CK_F_EVENT, CK_EVENT_VOUCH_MADE, CK_EVENT_VOUCH_MADE, &event) != CK_OK) return;
	struct ck_bytes proof = message->at[CK_F_PROOF].span, user = message->at[CK_F_USER].span;
	if (strcmp(mode, "vouch-signature") == 0 && proof.length > 0) ((uint8_t *)(uintptr_t)proof.at)[proof.length - 1] ^= 1;
	if (strcmp(mode, "vouch-user") == 0 && user.length == 3) memcpy((uint8_t *)(uintptr_t)user.at, "bob", 3);
	vouch_length = from->used - CK_FRAME_HEAD_BYTES;
	if (vouch_length > sizeof vouch) _exit(16);
	memcpy(vouch, from->bytes + CK_FRAME_HEAD_BYTES, vouch_length);
}

/* A password with its touch. False: it is kept for later, and nobody else sees it. */
static bool see_password(const struct ck_client *from)
{
	shown_length = from->used - CK_FRAME_HEAD_BYTES;
	if (shown_length > sizeof shown) _exit(16);
	memcpy(shown, from->bytes + CK_FRAME_HEAD_BYTES, shown_length);
	if (strcmp(told("mode"), "withhold") != 0) return true;
	tell("withheld\n");
	return false;
}

static void pass(struct side *side, bool to_gate)
{
	struct ck_client *from = to_gate ? &side->peer : &side->gate, *to = to_gate ? &side->gate : &side->peer;
	struct ck_map message;
	uint64_t number = 0;
	if (from->fd < 0) return;
	if (ck_client_receive(from, &message, ck_clock_monotonic_ms() + STEP_MS, -1) != CK_OK) {
		tell("%s channel closed\n", side->name);
		ck_client_close(from);
		ck_client_close(to);
		return;
	}
	if (to_gate && ck_map_uint(&message, CK_F_REQUEST, OURS, UINT64_MAX, &number) == CK_OK) {
		own_answer(side, &message);
		return;
	}
	if (!to_gate && side == &ledger) tamper_vouch(&message, from);
	bool again = !to_gate && side == &replica && tamper(&message);
	if (!to_gate && ck_map_uint(&message, CK_F_TYPE, CK_MSG_PASSWORD, CK_MSG_PASSWORD, &number) == CK_OK && !see_password(from)) return;
	send_raw(to, from->bytes, from->used, from->passed_fd);
	if (again) relay(commit, commit_length, -1);
}

/* A channel to a peer: the gate gets one to us in its place. */
static void new_peer(const struct ck_map *message, int fd)
{
	uint64_t process = 0, index = 0;
	int pair[2];
	if (ck_map_uint(message, CK_F_PROCESS, 0, 255, &process) != CK_OK || ck_map_uint(message, CK_F_INDEX, 0, 255, &index) != CK_OK) _exit(12);
	struct side *side = process == CK_PROCESS_REPLICA ? &replica : &ledger;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(13);
	ck_client_close(&side->peer);
	ck_client_close(&side->gate);
	if (ck_client_adopt(&side->peer, fd) != CK_OK || ck_client_adopt(&side->gate, pair[0]) != CK_OK) _exit(14);
	struct ck_map_writer *m = begin(CK_MSG_PEER);
	ck_field_uint(m, CK_F_PROCESS, process);
	ck_field_uint(m, CK_F_INDEX, index);
	end(&gate, pair[1]);
	close(pair[1]);
}

static void pass_control(struct ck_client *from, struct ck_client *to)
{
	struct ck_map message;
	uint64_t type = 0;
	if (ck_client_receive(from, &message, ck_clock_monotonic_ms() + STEP_MS, -1) != CK_OK) _exit(0);
	if (from == &supervisor && ck_map_uint(&message, CK_F_TYPE, CK_MSG_PEER, CK_MSG_PEER, &type) == CK_OK && from->passed_fd >= 0) {
		int fd = from->passed_fd;
		from->passed_fd = -1;
		new_peer(&message, fd);
	} else {
		send_raw(to, from->bytes, from->used, from->passed_fd);
	}
}

static bool holds_more(const struct ck_client *client) { return client->fd >= 0 && client->length > client->used; }

static void loop(void)
{
	char path[320];
	snprintf(path, sizeof path, "%s/attack", place);
	for (;;) {
		struct ck_client *all[] = { &supervisor, &gate, &replica.gate, &replica.peer, &ledger.gate, &ledger.peer };
		struct pollfd fds[6];
		bool more = false;
		for (size_t i = 0; i < 6; i++) {
			fds[i] = (struct pollfd){ .fd = all[i]->fd, .events = POLLIN };
			more = more || holds_more(all[i]);
		}
		(void)poll(fds, 6, more ? 0 : 50);
		for (size_t i = 0; i < 6; i++) {
			if (all[i]->fd != fds[i].fd || fds[i].fd < 0 || (fds[i].revents == 0 && !holds_more(all[i]))) continue;
			if (i < 2) pass_control(all[i], all[1 - i]);
			else pass(i < 4 ? &replica : &ledger, i % 2 == 1);
		}
		if (access(path, F_OK) != 0) continue;
		char name[64];
		snprintf(name, sizeof name, "%s", told("attack"));
		(void)unlink(path);
		answers = 0;
		attack(name);
	}
}

/* ---- start ---- */

static int taken_gate(struct ck_start *start)
{
	int pair[2];
	unsigned uid = 0, gid = 0;
	struct ck_errmsg err;
	if (ck_config_user(start->config.user_gate, &uid, &gid, &err) != CK_OK || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 1;
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		if (dup2(pair[1], CK_CONTROL_FD) < 0) _exit(1);
		close(pair[1]);
		_exit(ck_gate_main(start));
	}
	close(pair[1]);
	close(CK_LISTEN_FD);
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 1;
	snprintf(place, sizeof place, "%s/taken", start->config.directory);
	struct ck_client none = { .fd = -1, .passed_fd = -1 };
	replica.gate = replica.peer = ledger.gate = ledger.peer = none;
	if (ck_client_adopt(&supervisor, CK_CONTROL_FD) != CK_OK || ck_client_adopt(&gate, pair[0]) != CK_OK) return 1;
	tell("begins\n");
	loop();
	return 0;
}

int main(int argc, char **argv)
{
	static struct ck_start start;
	static char name[32] = "supervisor";
	struct ck_errmsg err;
	int (*run)(struct ck_start *start) = ck_supervisor_main;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--config") == 0) start.config_path = argv[i + 1];
		if (strcmp(argv[i], "--index") == 0) start.index = (unsigned)strtoul(argv[i + 1], NULL, 10);
		if (strcmp(argv[i], "--process") != 0) continue;
		snprintf(name, sizeof name, "%s", argv[i + 1]);
		if (strcmp(name, "gate") == 0) run = taken_gate;
		else run = strcmp(name, "replica") == 0 ? ck_replica_main : ck_ledger_main;
	}
	start.process = run == taken_gate          ? CK_PROCESS_GATE
	                : run == ck_replica_main ? CK_PROCESS_REPLICA
	                : run == ck_ledger_main  ? CK_PROCESS_LEDGER
	                                         : CK_PROCESS_SUPERVISOR;
	ck_log_init(name, CK_LOG_INFO);
	if (start.config_path == NULL || ck_config_load(start.config_path, &start.config, &err) != CK_OK) return 1;
	return run(&start);
}
