/* The gate as it runs: a process of its own, confined, on its socket. The test is its supervisor, its ledger, its replica and its clients.
   Works below /run, since clients believe no socket below /tmp. */
#include "tests/fakes/gate_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/fido/fido.h"
#include "authd/process.h"
#include "directory/base/log.h"

struct rig rig;
static int64_t copy_age_s;

/* ---- frames ---- */

struct ck_map_writer *rig_begin(struct rig_frame *out, uint64_t type)
{
	ck_frame_begin(&out->frame, out->bytes, sizeof out->bytes);
	ck_field_uint(&out->frame.map, CK_F_TYPE, type);
	return &out->frame.map;
}

void rig_send(struct ck_client *to, struct rig_frame *out, int fd)
{
	size_t length;
	ck_assert_int_eq(ck_frame_end(&out->frame, &length), CK_OK);
	enum ck_error error = ck_client_send(to, out->bytes, length, fd, ck_clock_monotonic_ms() + PATIENCE_MS);
	ck_assert_msg(rig.tolerant || error == CK_OK, "not sent: %s", ck_error_name(error));
}

uint64_t rig_number(const struct ck_map *map, unsigned field)
{
	uint64_t number = UINT64_MAX;
	ck_assert_int_eq(ck_map_uint(map, field, 0, UINT64_MAX, &number), CK_OK);
	return number;
}

bool rig_text_is(const struct ck_map *map, unsigned field, const char *expected)
{
	struct ck_text text;
	return ck_map_text(map, field, CK_FRAME_LIMIT_BYTES, &text) == CK_OK && ck_text_is(text, expected);
}

/* ---- the ledger and the replica ---- */

static void state_answer(struct ck_client *peer, uint64_t request, const struct rig_state *state)
{
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_STATED);
	ck_field_uint(m, CK_F_REQUEST, request);
	ck_field_bool(m, CK_F_VERDICT, !state->bad);
	ck_field_string(m, CK_F_DETAIL, state->detail);
	ck_field_string(m, CK_F_STATE, state->bad ? "bad" : "fine");
	rig_send(peer, &out, -1);
}

static void serve_source(uint64_t type, uint64_t request, const struct ck_map *message)
{
	struct rig_frame out;
	ck_assert_int_eq(ck_map_fixed(message, CK_F_SOURCE, rig.source, sizeof rig.source), CK_OK);
	if (type == CK_MSG_PROVED) {
		rig.proved++;
		return;
	}
	rig.tries++;
	rig.asked++;
	bool located = (message->present & CK_KEY(CK_F_ANCESTORS)) != 0, told = located && rig.try_wait_ms == 0;
	if (located) rig.finds++;
	if (located) rig.find_ancestors = message->at[CK_F_ANCESTORS].number;
	if (rig.ledger_silent) return;
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_TRIED);
	ck_field_uint(m, CK_F_REQUEST, request);
	if (told) ck_field_string(m, CK_F_REMOTE_HOST, rig.inside ? rig.session_host : NULL);
	ck_field_bool(m, CK_F_VERDICT, rig.try_wait_ms == 0);
	ck_field_uint(m, CK_F_COUNT, rig.try_wait_ms);
	if (told) ck_field_bool(m, CK_F_INSIDE, rig.inside);
	rig_send(&rig.ledger, &out, -1);
}

static void keep_vouch(const struct ck_map *event)
{
	struct ck_bytes proof;
	ck_assert_int_eq(ck_map_fixed(event, CK_F_ID, rig.vouch_id, sizeof rig.vouch_id), CK_OK);
	ck_assert_int_eq(ck_map_fixed(event, CK_F_DIGEST, rig.vouch_digest, sizeof rig.vouch_digest), CK_OK);
	ck_assert_int_eq(ck_map_bytes(event, CK_F_PROOF, 1, sizeof rig.vouch_proof, &proof), CK_OK);
	memcpy(rig.vouch_proof, proof.at, proof.length);
	rig.vouch_proof_length = proof.length;
}

/* What the ledger would: found, if it is the code that was made last. */
static void find_vouch(const struct ck_map *message, uint64_t request)
{
	struct rig_frame out;
	uint8_t digest[CK_VOUCH_DIGEST_BYTES];
	rig.vouch_finds++;
	if (rig.find_silent) return;
	ck_assert_int_eq(ck_map_fixed(message, CK_F_DIGEST, digest, sizeof digest), CK_OK);
	const char *refuse = rig.refuse_find != NULL                                       ? rig.refuse_find
	                     : memcmp(digest, rig.vouch_digest, sizeof digest) != 0 ? "vouch-wrong"
	                                                                                   : NULL;
	struct ck_map_writer *m = rig_begin(&out, refuse != NULL ? CK_MSG_RECORDED : CK_MSG_VOUCH_FOUND);
	ck_field_uint(m, CK_F_REQUEST, request);
	ck_field_string(m, CK_F_REASON, refuse);
	if (refuse == NULL) ck_field_bytes(m, CK_F_ID, rig.vouch_id, sizeof rig.vouch_id);
	if (refuse != NULL) ck_field_bool(m, CK_F_VERDICT, false);
	if (refuse == NULL) ck_field_bytes(m, CK_F_PROOF, rig.vouch_proof, rig.vouch_proof_length);
	rig_send(&rig.ledger, &out, -1);
}

static void state_vouch(uint64_t request)
{
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_VOUCH_STATED);
	ck_field_uint(m, CK_F_REQUEST, request);
	if (!ck_id_is_zero(rig.vouch_checker)) ck_field_int(m, CK_F_TIME, 1800000000);
	if (!ck_id_is_zero(rig.vouch_checker)) ck_field_bytes(m, CK_F_TARGET, rig.vouch_checker.bytes, sizeof rig.vouch_checker.bytes);
	ck_field_string(m, CK_F_STATE, rig.vouch_state != NULL ? rig.vouch_state : "open");
	rig_send(&rig.ledger, &out, -1);
}

void rig_serve_ledger(void)
{
	struct ck_map message;
	struct rig_frame out;
	if (ck_client_receive(&rig.ledger, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK) {
		ck_client_close(&rig.ledger);
		return;
	}
	uint64_t type = rig_number(&message, CK_F_TYPE), request = rig_number(&message, CK_F_REQUEST);
	if (type == CK_MSG_STATE) {
		if (!rig.ledger_state.silent) state_answer(&rig.ledger, request, &rig.ledger_state);
		return;
	}
	if (type == CK_MSG_TRY || type == CK_MSG_PROVED) {
		serve_source(type, request, &message);
		return;
	}
	if (type == CK_MSG_VOUCH_FIND) {
		find_vouch(&message, request);
		return;
	}
	if (type == CK_MSG_VOUCH_STATE) {
		state_vouch(request);
		return;
	}
	if (type == CK_MSG_SESSION_FIND) {
		rig.finds++;
		rig.asked++;
		rig.find_ancestors = message.at[CK_F_ANCESTORS].number;
	} else {
		ck_assert_uint_eq(type, CK_MSG_RECORD);
		rig.events++;
		rig.event = message;
		if ((message.present & CK_KEY(CK_F_SOURCE)) != 0) {
			rig.proved++;
			ck_assert_int_eq(ck_map_fixed(&message, CK_F_SOURCE, rig.source, sizeof rig.source), CK_OK);
		}
		if (rig_number(&message, CK_F_EVENT) == CK_EVENT_VOUCH_MADE) keep_vouch(&message);
	}
	if (rig.ledger_silent) return;
	struct ck_map_writer *m = rig_begin(&out, type == CK_MSG_RECORD ? CK_MSG_RECORDED : CK_MSG_SESSION_FOUND);
	ck_field_uint(m, CK_F_REQUEST, request);
	if (type == CK_MSG_SESSION_FIND) ck_field_string(m, CK_F_REMOTE_HOST, rig.inside ? rig.session_host : NULL);
	if (type == CK_MSG_RECORD) ck_field_string(m, CK_F_REASON, rig.refuse);
	if (type == CK_MSG_RECORD && rig_number(&message, CK_F_EVENT) == CK_EVENT_CHECKPOINT) ck_field_string(m, CK_F_TEXT, "a checkpoint");
	if (type == CK_MSG_RECORD) ck_field_bool(m, CK_F_VERDICT, rig.refuse == NULL);
	if (type == CK_MSG_RECORD && rig.refuse != NULL && rig.wait_ms > 0) ck_field_uint(m, CK_F_COUNT, rig.wait_ms);
	if (type == CK_MSG_SESSION_FIND) ck_field_bool(m, CK_F_INSIDE, rig.inside);
	rig_send(&rig.ledger, &out, -1);
}

static void serve_replica(void)
{
	struct ck_map message;
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_MSG_STATE);
	if (!rig.replica_state.silent) state_answer(&rig.replica, rig_number(&message, CK_F_REQUEST), &rig.replica_state);
}

static bool receive(struct ck_client *client, struct ck_map *reply, bool with_replica)
{
	int64_t until_ms = ck_clock_monotonic_ms() + PATIENCE_MS;
	while (ck_clock_monotonic_ms() < until_ms) {
		struct pollfd fds[] = {{.fd = client->fd, .events = POLLIN},
		                       {.fd = rig.ledger.fd, .events = POLLIN},
		                       {.fd = with_replica ? rig.replica.fd : -1, .events = POLLIN}};
		if (poll(fds, 3, 500) < 0) return false;
		if (fds[1].revents != 0) {
			do rig_serve_ledger();
			while (rig.ledger.fd >= 0 && rig.ledger.length > rig.ledger.used); /* what came in one read with it */
		}
		if ((fds[2].revents & POLLIN) != 0) serve_replica();
		if (fds[0].revents != 0) return ck_client_receive(client, reply, until_ms, -1) == CK_OK;
	}
	return false;
}

/* The answer of the gate, with the ledger served meanwhile. False: it hung up, or nothing came in time. */
bool rig_receive(struct ck_client *client, struct ck_map *reply) { return receive(client, reply, false); }

enum ck_answer rig_ask(struct ck_client *client, struct rig_frame *out, struct ck_map *reply)
{
	rig_send(client, out, -1);
	ck_assert_msg(receive(client, reply, true), "no answer");
	return (enum ck_answer)rig_number(reply, CK_F_TYPE);
}

/* ---- clients ---- */

void rig_connect(struct ck_client *client, uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, rig.socket, strlen(rig.socket) + 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(seteuid(uid), 0); /* what SO_PEERCRED says is taken when the connection is made */
	int result = connect(fd, (struct sockaddr *)&address, sizeof address);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_msg(rig.tolerant || result == 0, "connect: %s", strerror(errno));
	memset(client, 0, sizeof *client);
	client->fd = client->passed_fd = -1;
	if (result != 0) {
		close(fd);
		return;
	}
	ck_assert_int_eq(ck_client_adopt(client, fd), CK_OK);
}

void rig_put_login(struct rig_frame *out, enum ck_op op, const char *user, const char *account, const char *service, const char *tty,
                      const char *remote_host)
{
	struct ck_map_writer *m = rig_begin(out, op);
	ck_field_string(m, CK_F_USER, user);
	ck_field_string(m, CK_F_ACCOUNT, account);
	ck_field_string(m, CK_F_SERVICE, service);
	ck_field_string(m, CK_F_TTY, tty);
	ck_field_string(m, CK_F_REMOTE_HOST, remote_host);
}

enum ck_answer rig_login_begin(struct ck_client *client, const char *user, const char *tty, const char *remote_host, struct ck_map *reply)
{
	struct rig_frame out;
	rig_put_login(&out, CK_OP_LOGIN_BEGIN, user, user, "login", tty, remote_host);
	return rig_ask(client, &out, reply);
}

enum ck_answer rig_account(struct ck_client *client, const char *user, const char *name, const char *service, struct ck_map *reply)
{
	struct rig_frame out;
	rig_put_login(&out, CK_OP_ACCOUNT, user, name, service, "tty1", NULL);
	return rig_ask(client, &out, reply);
}

/* Signs the challenge in the reply; `spoil` turns a bit of the signature. */
enum ck_answer rig_touch(struct ck_client *client, struct ck_soft_credential *key, struct ck_map *reply, bool verified, bool spoil)
{
	struct ck_soft_assertion made;
	struct rig_frame out;
	uint8_t challenge[32];
	ck_assert_int_eq(ck_map_fixed(reply, CK_F_CHALLENGE, challenge, sizeof challenge), CK_OK);
	ck_assert(ck_soft_make_assertion(key, challenge, verified, &made));
	if (spoil) made.signature[made.signature_length - 1] ^= 1;
	struct ck_map_writer *m = rig_begin(&out, CK_OP_LOGIN_ASSERT);
	ck_field_bytes(m, CK_F_CREDENTIAL, key->id, key->id_length);
	ck_field_bytes(m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(m, CK_F_SIGNATURE, made.signature, made.signature_length);
	return rig_ask(client, &out, reply);
}

enum ck_answer rig_login(struct ck_client *client, const char *user, struct ck_soft_credential *key, struct ck_map *reply)
{
	ck_assert_int_eq(rig_login_begin(client, user, "tty1", NULL, reply), CK_ANSWER_NEED_TOKEN);
	return rig_touch(client, key, reply, true, false);
}

void rig_login_refused(struct ck_client *client, const char *reason, const char *message)
{
	struct ck_map reply;
	rig.refuse = reason;
	ck_assert_int_eq(rig_login(client, "alice", &rig.alice, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, reason));
	ck_assert(message == NULL || rig_text_is(&reply, CK_F_MESSAGE, message));
	rig.refuse = NULL;
	ck_assert_int_eq(rig_account(client, "alice", "alice", "login", &reply), CK_ANSWER_DENIED);
}

void rig_identify(struct ck_client *client, const char *user, struct ck_soft_credential *key)
{
	struct rig_frame out;
	struct ck_map reply;
	ck_field_string(rig_begin(&out, CK_OP_IDENTIFY), CK_F_AS, user);
	ck_assert_int_eq(rig_ask(client, &out, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(client, key, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_USER, user));
}

/* ---- the world ---- */

static void put_key(unsigned number, unsigned authority, unsigned staff, struct ck_soft_credential *credential, const char *seed,
                    bool attested)
{
	ck_assert(ck_soft_make_credential(credential, RP, CK_SOFT_ES256, seed));
	struct ck_record *record = ck_builder_key(rig.builder, number, authority, staff, "");
	struct ck_bytes id = {credential->id, credential->id_length};
	ck_sha256(record->as.key.hash, &id, 1);
	memcpy(record->id.bytes, record->as.key.hash, sizeof record->id.bytes);
	record->as.key.credential_id = id;
	record->as.key.public_key = (struct ck_bytes){credential->cose, credential->cose_length};
	record->as.key.attested = attested;
	ck_builder_put(rig.builder, record);
}

static void fill_store(void)
{
	struct ck_builder *b = rig.builder;
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "leeds"));
	ck_builder_put(b, ck_builder_authority(b, ROCHDALE, "rochdale"));
	ck_builder_put(b, ck_builder_role(b, ADMINS, LEEDS, "administrators"));
	ck_builder_put(b, ck_builder_role(b, ADMINS + 1, ROCHDALE, "administrators"));
	ck_builder_put(b, ck_builder_role(b, OPS, LEEDS, "ops"));
	ck_builder_put(b, ck_builder_role(b, BATCH, LEEDS, "batch"));
	ck_builder_put(b, ck_builder_role(b, VAULT, LEEDS, "vault"));
	ck_builder_put(b, ck_builder_staff(b, ALICE, LEEDS, "alice", 200011));
	ck_builder_put(b, ck_builder_staff(b, BOB, LEEDS, "bob", 200012));
	ck_builder_put(b, ck_builder_staff(b, CAROL, LEEDS, "carol", 200013));
	ck_builder_put(b, ck_builder_staff(b, ERIN, LEEDS, "erin", 200015));
	ck_builder_put(b, ck_builder_staff(b, FRAN, LEEDS, "fran", 200016));
	ck_builder_put(b, ck_builder_staff(b, DAVE, ROCHDALE, "dave", 200014));
	put_key(41, LEEDS, ALICE, &rig.alice, "alice", false);
	put_key(42, LEEDS, CAROL, &rig.carol, "carol", false);
	put_key(99, ROCHDALE, ALICE, &rig.twin, "twin", false);
	put_key(43, LEEDS, ERIN, &rig.erin, "erin", true);
	ck_builder_put(b, ck_builder_grant(b, 51, LEEDS, OPS, ALICE));
	put_key(44, LEEDS, FRAN, &rig.fran, "fran", false);
	ck_builder_put(b, ck_builder_grant(b, 54, LEEDS, VAULT, ERIN));
	ck_builder_put(b, ck_builder_grant(b, 55, LEEDS, VAULT, FRAN));
	ck_builder_put(b, ck_builder_grant(b, 52, LEEDS, ADMINS, ALICE));
	ck_builder_put(b, ck_builder_grant(b, 53, LEEDS, BATCH, BOB));
	ck_builder_put(b, ck_builder_system(b, DB1, LEEDS, "db1"));
	ck_builder_put(b, ck_builder_rule(b, 61, LEEDS, "doors", DB1, OPS));
	struct ck_record *rule = ck_builder_rule(b, 62, LEEDS, "nightly", DB1, BATCH);
	rule->as.rule.proved = CK_PROVED_NOTHING;
	ck_builder_put(b, rule);
	rule = ck_builder_rule(b, 63, LEEDS, "here", DB1, OPS);
	rule->as.rule.services = (struct ck_texts){.at = {ck_text_of("seat")}, .count = 1};
	rule->as.rule.sources = (struct ck_networks){.local = true};
	rule->as.rule.proved = CK_PROVED_NOTHING;
	ck_builder_put(b, rule);
	rule = ck_builder_rule(b, 69, LEEDS, "safe", DB1, VAULT);
	rule->as.rule.services = (struct ck_texts){.at = {ck_text_of("safe")}, .count = 1};
	rule->as.rule.proved = CK_PROVED_TOUCH | CK_PROVED_PASSWORD;
	ck_builder_put(b, rule);
	rule = ck_builder_rule(b, 64, LEEDS, "vault", DB1, VAULT);
	rule->as.rule.proved = CK_PROVED_TOUCH | CK_PROVED_VERIFIED | CK_PROVED_ATTESTED;
	rule->as.rule.services = (struct ck_texts){.at = {ck_text_of("login")}, .count = 1};
	ck_builder_put(b, rule);
	rule = ck_builder_rule(b, 66, LEEDS, "kiosk", DB1, VAULT);
	rule->as.rule.services = (struct ck_texts){.at = {ck_text_of("kiosk")}, .count = 1};
	rule->as.rule.proved = CK_PROVED_TOUCH;
	ck_builder_put(b, rule);
}

static void finish_store(void)
{
	struct ck_batch *batch;
	struct ck_errmsg err;
	char command[256];
	ck_builder_commit(rig.builder);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(rig.builder), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_set_as_of(batch, &(struct ck_as_of){.wall_s = ck_clock_wall_s() - copy_age_s}), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_builder_finish(rig.builder, false); /* a later commit leaves as_of alone */
	/* what init does with owners: the gate's user reads the data and writes the lock */
	const char *directory = ck_builder_directory(rig.builder);
	(void)snprintf(command, sizeof command, "chmod 755 %s && chmod -R a+rwX %s", directory, directory);
	ck_assert_int_eq(system(command), 0);
}

int rig_listen(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unlink(rig.socket);
	memcpy(address.sun_path, rig.socket, strlen(rig.socket) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(chmod(rig.socket, 0666), 0);
	ck_assert_int_eq(listen(fd, 128), 0);
	return fd;
}

void rig_configure(struct ck_config *config)
{
	strcpy(config->system, "db1");
	config->system_id = ck_builder_id(DB1);
	strcpy(config->rp_id, RP);
	strcpy(config->directory, rig.directory);
	strcpy(config->user_gate, "65534");
	config->challenge_limit_s = 30;
	config->vouch_limit_s = 120;
	config->clients_limit = 32;
	config->as_of_limit_s = RIG_AS_OF_LIMIT_S;
	strcpy(config->find_switchboard_role, "switchboard");
}

void rig_place(int control, int listening)
{
	/* both may be where they are to go */
	int control_copy = fcntl(control, F_DUPFD, 10), listening_copy = fcntl(listening, F_DUPFD, 10);
	dup2(control_copy, CK_CONTROL_FD);
	dup2(listening_copy, CK_LISTEN_FD);
	close(control_copy);
	close(listening_copy);
}

static void run_gate(int control, int listening)
{
	static struct ck_start start;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	start.process = CK_PROCESS_GATE;
	rig_configure(&start.config);
	rig_place(control, listening);
	closefrom(5);
	ck_log_init("gate-test", getenv("CK_TEST_LOG") != NULL ? CK_LOG_DEBUG : CK_LOG_ALARM);
	if (rig.in_gate != NULL) rig.in_gate(true);
	int code = ck_gate_main(&start);
	if (rig.in_gate != NULL) rig.in_gate(false);
	fflush(NULL);
	_exit(code);
}

void rig_give_peer(enum ck_process process, struct ck_client *mine)
{
	int pair[2];
	struct rig_frame out;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_PEER);
	ck_field_uint(m, CK_F_PROCESS, process);
	ck_field_uint(m, CK_F_INDEX, 0);
	rig_send(&rig.control, &out, pair[1]);
	close(pair[1]);
	memset(mine, 0, sizeof *mine);
	ck_assert_int_eq(ck_client_adopt(mine, pair[0]), CK_OK);
}

bool rig_start_gate(void)
{
	int pair[2];
	struct ck_map message;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	int listening = rig_listen();
	fflush(NULL);
	rig.pid = fork();
	if (rig.pid == 0) run_gate(pair[1], listening);
	close(pair[1]);
	close(listening);
	ck_assert_int_eq(ck_client_adopt(&rig.control, pair[0]), CK_OK);
	rig.ledger.fd = rig.replica.fd = -1;
	if (ck_client_receive(&rig.control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK ||
	    rig_number(&message, CK_F_TYPE) != CK_MSG_READY)
		return false;
	rig_give_peer(CK_PROCESS_LEDGER, &rig.ledger);
	rig_give_peer(CK_PROCESS_REPLICA, &rig.replica);
	return true;
}

int rig_end_gate(void)
{
	int status = -1;
	ck_client_close(&rig.ledger);
	ck_client_close(&rig.replica);
	ck_client_close(&rig.control);
	if (rig.pid > 0) ck_assert_int_eq(waitpid(rig.pid, &status, 0), rig.pid);
	rig.pid = 0;
	return status;
}

static void set_up_with(bool store, int64_t age_s)
{
	char link[128];
	copy_age_s = age_s;
	memset(&rig, 0, sizeof rig);
	strcpy(rig.directory, "/run/ck-gate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig.directory));
	ck_assert_int_eq(chmod(rig.directory, 0755), 0);
	(void)snprintf(rig.socket, sizeof rig.socket, "%s/gate.sock", rig.directory);
	(void)snprintf(link, sizeof link, "%s/store", rig.directory);
	rig.builder = ck_builder_new();
	ck_assert_int_eq(symlink(ck_builder_directory(rig.builder), link), 0);
	ck_builder_finish(rig.builder, store);
	fill_store();
	finish_store();
	ck_assert(rig_start_gate());
}

void rig_set_up(void)
{
	set_up_with(true, 0);
}

void rig_set_up_old(void)
{
	set_up_with(true, 90);
}

void rig_set_up_stale(void)
{
	set_up_with(true, 2 * RIG_AS_OF_LIMIT_S);
}

void rig_set_up_ahead(void)
{
	set_up_with(true, -3600);
}

void rig_set_up_unfinished(void)
{
	set_up_with(false, 0);
}

void rig_tear_down(void)
{
	char path[128];
	if (rig.pid > 0) {
		int status = rig_end_gate();
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the gate ended with %x", (unsigned)status);
	}
	ck_builder_free(&rig.builder);
	(void)snprintf(path, sizeof path, "%s/store", rig.directory);
	unlink(path);
	unlink(rig.socket);
	rmdir(rig.directory);
}

/* ---- running ---- */

void rig_add_case(Suite *suite, const char *name, void (*setup)(void), const TTest *const *tests, size_t count)
{
	TCase *cases = tcase_create(name);
	tcase_set_timeout(cases, 580);
	tcase_add_checked_fixture(cases, setup, rig_tear_down);
	for (size_t i = 0; i < count; i++) tcase_add_test(cases, tests[i]);
	suite_add_tcase(suite, cases);
}

int rig_run(Suite *suite)
{
	if (geteuid() != 0) {
		puts("skipped: the gate is started by root");
		return 77;
	}
	if (sodium_init() < 0) return EXIT_FAILURE;
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
