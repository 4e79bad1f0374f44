/* The gate as it runs: a process of its own, confined, on its socket. The test is its supervisor, its ledger, its replica and its clients.
   Needs root, as the daemon does; works below /run, since clients believe no socket below /tmp. */
#include <check.h>
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
#include <time.h>
#include <unistd.h>

#include "authd/fido/fido.h"
#include "authd/process.h"
#include "authd/protocol/client.h"
#include "authd/protocol/statement.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "tests/fakes/soft_key.h"
#include "tests/fakes/store_builder.h"

#define RP "portal.example.gov.uk"
#define PATIENCE_MS 10000
enum { LEEDS = 1, ROCHDALE = 2, ADMINS = 1000001, ALICE = 11, BOB = 12, CAROL = 13, DAVE = 14, OPS = 21, BATCH = 22, DB1 = 31 };

static struct {
	struct ck_builder *builder;
	char directory[64], socket[96];
	pid_t pid;
	struct ck_client control, ledger, replica;
	struct ck_soft_credential alice, carol;
	/* what the ledger does */
	bool ledger_silent, refuse, inside, seen;
	const char *session_host;
	/* what it was told last */
	struct ck_map event;
	unsigned events, finds;
	uint64_t find_ancestors;
} t;

/* ---- frames ---- */

struct out {
	struct ck_frame_out frame;
	uint8_t bytes[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];
};

static struct ck_map_writer *begin(struct out *out, uint64_t type)
{
	ck_frame_begin(&out->frame, out->bytes, sizeof out->bytes);
	ck_field_uint(&out->frame.map, CK_F_TYPE, type);
	return &out->frame.map;
}

static void send_out(struct ck_client *to, struct out *out, int fd)
{
	size_t length;
	ck_assert_int_eq(ck_frame_end(&out->frame, &length), CK_OK);
	ck_assert_int_eq(ck_client_send(to, out->bytes, length, fd, ck_clock_monotonic_ms() + PATIENCE_MS), CK_OK);
}

static uint64_t number_in(const struct ck_map *map, unsigned field)
{
	uint64_t number = UINT64_MAX;
	ck_assert_int_eq(ck_map_uint(map, field, 0, UINT64_MAX, &number), CK_OK);
	return number;
}

static bool text_is(const struct ck_map *map, unsigned field, const char *expected)
{
	struct ck_text text;
	return ck_map_text(map, field, CK_FRAME_LIMIT_BYTES, &text) == CK_OK && ck_text_is(text, expected);
}

/* ---- the ledger and the replica ---- */

static void serve_ledger(void)
{
	struct ck_map message;
	struct out out;
	if (ck_client_receive(&t.ledger, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK) return;
	uint64_t type = number_in(&message, CK_F_TYPE), request = number_in(&message, CK_F_REQUEST);
	if (type == CK_MSG_SESSION_FIND) {
		t.finds++;
		t.find_ancestors = message.at[CK_F_ANCESTORS].number;
	} else {
		ck_assert_uint_eq(type, CK_MSG_RECORD);
		t.events++;
		t.event = message;
	}
	if (t.ledger_silent) return;
	struct ck_map_writer *m = begin(&out, type == CK_MSG_RECORD ? CK_MSG_RECORDED : CK_MSG_SESSION_FOUND);
	ck_field_uint(m, CK_F_REQUEST, request);
	if (type == CK_MSG_SESSION_FIND) ck_field_string(m, CK_F_REMOTE_HOST, t.inside ? t.session_host : NULL);
	if (type == CK_MSG_RECORD && number_in(&message, CK_F_EVENT) == CK_EVENT_CHECKPOINT) ck_field_string(m, CK_F_TEXT, "a checkpoint");
	ck_field_bool(m, CK_F_VERDICT, type == CK_MSG_RECORD ? !t.refuse : t.inside);
	send_out(&t.ledger, &out, -1);
}

/* The answer of the gate, with the ledger served meanwhile. False: it hung up, or nothing came in time. */
static bool receive(struct ck_client *client, struct ck_map *reply)
{
	int64_t until_ms = ck_clock_monotonic_ms() + PATIENCE_MS;
	while (ck_clock_monotonic_ms() < until_ms) {
		struct pollfd fds[] = {{.fd = client->fd, .events = POLLIN}, {.fd = t.ledger.fd, .events = POLLIN}};
		if (poll(fds, 2, 500) < 0) return false;
		if (fds[1].revents != 0) serve_ledger();
		if (fds[0].revents != 0) return ck_client_receive(client, reply, until_ms, -1) == CK_OK;
	}
	return false;
}

static enum ck_answer ask(struct ck_client *client, struct out *out, struct ck_map *reply)
{
	send_out(client, out, -1);
	ck_assert_msg(receive(client, reply), "no answer");
	return (enum ck_answer)number_in(reply, CK_F_TYPE);
}

/* ---- clients ---- */

static void connect_as(struct ck_client *client, uid_t uid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, t.socket, strlen(t.socket) + 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(seteuid(uid), 0); /* what SO_PEERCRED says is taken when the connection is made */
	int result = connect(fd, (struct sockaddr *)&address, sizeof address);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_msg(result == 0, "connect: %s", strerror(errno));
	memset(client, 0, sizeof *client);
	ck_assert_int_eq(ck_client_adopt(client, fd), CK_OK);
}

static void put_login(struct out *out, enum ck_op op, const char *user, const char *account, const char *service, const char *tty,
                      const char *remote_host)
{
	struct ck_map_writer *m = begin(out, op);
	ck_field_string(m, CK_F_USER, user);
	ck_field_string(m, CK_F_ACCOUNT, account);
	ck_field_string(m, CK_F_SERVICE, service);
	ck_field_string(m, CK_F_TTY, tty);
	ck_field_string(m, CK_F_REMOTE_HOST, remote_host);
}

static enum ck_answer login_begin(struct ck_client *client, const char *user, const char *tty, const char *remote_host, struct ck_map *reply)
{
	struct out out;
	put_login(&out, CK_OP_LOGIN_BEGIN, user, user, "login", tty, remote_host);
	return ask(client, &out, reply);
}

static enum ck_answer account(struct ck_client *client, const char *user, const char *name, const char *service, struct ck_map *reply)
{
	struct out out;
	put_login(&out, CK_OP_ACCOUNT, user, name, service, "tty1", NULL);
	return ask(client, &out, reply);
}

/* Signs the challenge in the reply; `spoil` turns a bit of the signature. */
static enum ck_answer touch(struct ck_client *client, struct ck_soft_credential *key, struct ck_map *reply, bool verified, bool spoil)
{
	struct ck_soft_assertion made;
	struct out out;
	uint8_t challenge[32];
	ck_assert_int_eq(ck_map_fixed(reply, CK_F_CHALLENGE, challenge, sizeof challenge), CK_OK);
	ck_assert(ck_soft_make_assertion(key, challenge, verified, &made));
	if (spoil) made.signature[made.signature_length - 1] ^= 1;
	struct ck_map_writer *m = begin(&out, CK_OP_LOGIN_ASSERT);
	ck_field_bytes(m, CK_F_CREDENTIAL, key->id, key->id_length);
	ck_field_bytes(m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(m, CK_F_SIGNATURE, made.signature, made.signature_length);
	return ask(client, &out, reply);
}

static void identify(struct ck_client *client, const char *user, struct ck_soft_credential *key)
{
	struct out out;
	struct ck_map reply;
	ck_field_string(begin(&out, CK_OP_IDENTIFY), CK_F_AS, user);
	ck_assert_int_eq(ask(client, &out, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(touch(client, key, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert(text_is(&reply, CK_F_USER, user));
}

/* ---- the world ---- */

static void put_key(unsigned number, unsigned staff, struct ck_soft_credential *credential, const char *seed)
{
	ck_assert(ck_soft_make_credential(credential, RP, CK_SOFT_ES256, seed));
	struct ck_record *record = ck_builder_key(t.builder, number, LEEDS, staff, "");
	struct ck_bytes id = {credential->id, credential->id_length};
	ck_sha256(record->as.key.hash, &id, 1);
	memcpy(record->id.bytes, record->as.key.hash, sizeof record->id.bytes);
	record->as.key.credential_id = id;
	record->as.key.public_key = (struct ck_bytes){credential->cose, credential->cose_length};
	ck_builder_put(t.builder, record);
}

static void fill_store(void)
{
	struct ck_builder *b = t.builder;
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "leeds"));
	ck_builder_put(b, ck_builder_authority(b, ROCHDALE, "rochdale"));
	ck_builder_put(b, ck_builder_role(b, ADMINS, LEEDS, "administrators"));
	ck_builder_put(b, ck_builder_role(b, ADMINS + 1, ROCHDALE, "administrators"));
	ck_builder_put(b, ck_builder_role(b, OPS, LEEDS, "ops"));
	ck_builder_put(b, ck_builder_role(b, BATCH, LEEDS, "batch"));
	ck_builder_put(b, ck_builder_staff(b, ALICE, LEEDS, "alice", 200011));
	ck_builder_put(b, ck_builder_staff(b, BOB, LEEDS, "bob", 200012));
	ck_builder_put(b, ck_builder_staff(b, CAROL, LEEDS, "carol", 200013));
	ck_builder_put(b, ck_builder_staff(b, DAVE, ROCHDALE, "dave", 200014));
	put_key(41, ALICE, &t.alice, "alice");
	put_key(42, CAROL, &t.carol, "carol");
	ck_builder_put(b, ck_builder_grant(b, 51, LEEDS, OPS, ALICE));
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
}

static void finish_store(void)
{
	struct ck_batch *batch;
	struct ck_errmsg err;
	char command[256];
	ck_builder_commit(t.builder);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(t.builder), &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_set_as_of(batch, ck_clock_wall_s()), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_builder_finish(t.builder, false); /* a later commit leaves as_of alone */
	/* what init does with owners: the gate's user reads the data and writes the lock */
	(void)snprintf(command, sizeof command, "chmod 755 %s && chmod -R a+rwX %s", ck_builder_directory(t.builder), ck_builder_directory(t.builder));
	ck_assert_int_eq(system(command), 0);
}

static int listen_there(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, t.socket, strlen(t.socket) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(chmod(t.socket, 0666), 0);
	ck_assert_int_eq(listen(fd, 128), 0);
	return fd;
}

static void run_gate(int control, int listening)
{
	static struct ck_start start;
	struct ck_config *config = &start.config;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	start.process = CK_PROCESS_GATE;
	strcpy(config->system, "db1");
	strcpy(config->rp_id, RP);
	strcpy(config->directory, t.directory);
	strcpy(config->user_gate, "65534");
	config->challenge_limit_s = 30;
	config->clients_limit = 32;
	/* both may be where they are to go */
	int control_copy = fcntl(control, F_DUPFD, 10), listening_copy = fcntl(listening, F_DUPFD, 10);
	dup2(control_copy, CK_CONTROL_FD);
	dup2(listening_copy, CK_LISTEN_FD);
	closefrom(5);
	ck_log_init("gate-test", getenv("CK_TEST_LOG") != NULL ? CK_LOG_DEBUG : CK_LOG_ALARM);
	int code = ck_gate_main(&start);
	fflush(NULL);
	_exit(code);
}

static void give_peer(enum ck_process process, struct ck_client *mine)
{
	int pair[2];
	struct out out;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	struct ck_map_writer *m = begin(&out, CK_MSG_PEER);
	ck_field_uint(m, CK_F_PROCESS, process);
	ck_field_uint(m, CK_F_INDEX, 0);
	send_out(&t.control, &out, pair[1]);
	close(pair[1]);
	memset(mine, 0, sizeof *mine);
	ck_assert_int_eq(ck_client_adopt(mine, pair[0]), CK_OK);
}

static void set_up_with(bool store)
{
	int pair[2];
	char link[128];
	struct ck_map message;
	memset(&t, 0, sizeof t);
	strcpy(t.directory, "/run/ck-gate-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t.directory));
	ck_assert_int_eq(chmod(t.directory, 0755), 0);
	(void)snprintf(t.socket, sizeof t.socket, "%s/gate.sock", t.directory);
	(void)snprintf(link, sizeof link, "%s/store", t.directory);
	t.builder = ck_builder_new();
	ck_assert_int_eq(symlink(ck_builder_directory(t.builder), link), 0);
	ck_builder_finish(t.builder, store);
	fill_store();
	finish_store();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	int listening = listen_there();
	fflush(NULL);
	t.pid = fork();
	if (t.pid == 0) run_gate(pair[1], listening);
	close(pair[1]);
	close(listening);
	ck_assert_int_eq(ck_client_adopt(&t.control, pair[0]), CK_OK);
	ck_assert_int_eq(ck_client_receive(&t.control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(number_in(&message, CK_F_TYPE), CK_MSG_READY);
	give_peer(CK_PROCESS_LEDGER, &t.ledger);
	give_peer(CK_PROCESS_REPLICA, &t.replica);
}

static void set_up(void)
{
	set_up_with(true);
}

static void tear_down(void)
{
	char path[128];
	int status = -1;
	ck_client_close(&t.ledger);
	ck_client_close(&t.replica);
	ck_client_close(&t.control);
	if (t.pid > 0) waitpid(t.pid, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the gate ended with %x", (unsigned)status);
	ck_builder_free(&t.builder);
	(void)snprintf(path, sizeof path, "%s/store", t.directory);
	unlink(path);
	unlink(t.socket);
	rmdir(t.directory);
}

/* ---- the wire ---- */

START_TEST(status_is_for_anybody)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 4711);
	begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert(text_is(&reply, CK_F_STATE, "running"));
	ck_assert(text_is(&reply, CK_F_SYSTEM, "db1"));
	ck_client_close(&client);
}
END_TEST

START_TEST(unknown_operation_is_an_error_and_the_connection_stays)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 4711);
	begin(&out, CK_OP_LAST + 1);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_ERROR);
	begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_missing_and_a_foreign_field_are_errors)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	ck_field_string(begin(&out, CK_OP_ACCOUNT), CK_F_USER, "alice");
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_ERROR);
	put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "login", NULL, NULL);
	ck_field_string(&out.frame.map, CK_F_LABEL, "x");
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_client_close(&client);
}
END_TEST

START_TEST(garbage_cuts_off_only_its_sender)
{
	static const uint8_t garbage[][8] = {{0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0}, {0, 0, 0, 2, 0x80, 0x80}, {0, 0, 0, 1, 0xa0}};
	struct ck_client good;
	struct ck_map reply;
	struct out out;
	connect_as(&good, 4711);
	for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
		struct ck_client bad;
		connect_as(&bad, 4712);
		ck_assert_int_eq(send(bad.fd, garbage[i], sizeof garbage[i], MSG_NOSIGNAL), sizeof garbage[i]);
		ck_assert(!receive(&bad, &reply));
		ck_client_close(&bad);
		begin(&out, CK_OP_STATUS);
		ck_assert_int_eq(ask(&good, &out, &reply), CK_ANSWER_GRANTED);
	}
	ck_client_close(&good);
}
END_TEST

START_TEST(a_second_request_before_the_answer_cuts_off)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	t.ledger_silent = true;
	put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "login", "tty1", NULL);
	send_out(&client, &out, -1);
	begin(&out, CK_OP_STATUS);
	send_out(&client, &out, -1);
	ck_assert(!receive(&client, &reply));
	ck_client_close(&client);
}
END_TEST

START_TEST(a_descriptor_nobody_asked_for_cuts_off)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	begin(&out, CK_OP_STATUS);
	send_out(&client, &out, 0);
	ck_assert(!receive(&client, &reply));
	ck_client_close(&client);
}
END_TEST

START_TEST(half_a_frame_is_cut_off_in_time)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 4711);
	ck_assert_int_eq(send(client.fd, "\0\0", 2, MSG_NOSIGNAL), 2);
	ck_assert(!receive(&client, &reply));
	ck_client_close(&client);
}
END_TEST

START_TEST(one_user_does_not_take_all_places)
{
	struct ck_client crowd[20], other;
	struct ck_map reply;
	struct out out;
	unsigned served = 0;
	for (size_t i = 0; i < 20; i++) connect_as(&crowd[i], 4711);
	for (size_t i = 0; i < 20; i++) {
		size_t length;
		begin(&out, CK_OP_STATUS);
		ck_assert_int_eq(ck_frame_end(&out.frame, &length), CK_OK);
		if (ck_client_send(&crowd[i], out.bytes, length, -1, ck_clock_monotonic_ms() + PATIENCE_MS) == CK_OK) served += receive(&crowd[i], &reply);
	}
	ck_assert_uint_eq(served, 8); /* a quarter of 32 */
	connect_as(&other, 4712);
	begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(ask(&other, &out, &reply), CK_ANSWER_GRANTED);
	ck_client_close(&other);
	for (size_t i = 0; i < 20; i++) ck_client_close(&crowd[i]);
}
END_TEST

/* ---- logging in ---- */

START_TEST(a_touch_lets_in_and_the_account_stage_believes_it)
{
	struct ck_client client;
	struct ck_map reply;
	uint8_t id[16];
	bool flag;
	connect_as(&client, 0);
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert(ck_map_bool(&reply, CK_F_VERIFY, &flag) == CK_OK && flag);
	ck_assert(ck_map_bool(&reply, CK_F_LOCAL, &flag) == CK_OK && flag);
	ck_assert(text_is(&reply, CK_F_RP_ID, RP));
	struct ck_items items;
	struct ck_item item;
	ck_assert_int_eq(ck_map_array(&reply, CK_F_ALLOW, CK_ALLOW_LIMIT, &items), CK_OK);
	ck_assert_uint_eq(items.left, 1);
	ck_assert(ck_items_next(&items, &item));
	ck_assert(ck_bytes_equal(item.span, (struct ck_bytes){t.alice.id, t.alice.id_length}));
	ck_assert_int_eq(touch(&client, &t.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_int_eq(ck_map_fixed(&reply, CK_F_LOGIN_ID, id, sizeof id), CK_OK);
	ck_assert_uint_eq(number_in(&t.event, CK_F_EVENT), CK_EVENT_LOGIN_GRANTED);
	ck_assert_uint_eq(number_in(&t.event, CK_F_COUNT), t.alice.count);
	ck_assert_uint_eq(number_in(&t.event, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_VERIFIED);
	ck_assert_int_eq(account(&client, "alice", "alice", "login", &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(number_in(&t.event, CK_F_EVENT), CK_EVENT_ACCOUNT_GRANTED);
	/* but only for this account and service, and only here */
	ck_assert_int_eq(account(&client, "alice", "alice", "other", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
	connect_as(&client, 0);
	ck_assert_int_eq(account(&client, "alice", "alice", "login", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(an_assertion_is_good_once)
{
	struct ck_client client;
	struct ck_map reply;
	struct ck_soft_assertion made;
	struct out out, again;
	uint8_t challenge[32];
	connect_as(&client, 0);
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_fixed(&reply, CK_F_CHALLENGE, challenge, sizeof challenge), CK_OK);
	ck_assert(ck_soft_make_assertion(&t.alice, challenge, true, &made));
	struct ck_map_writer *m = begin(&out, CK_OP_LOGIN_ASSERT);
	ck_field_bytes(m, CK_F_CREDENTIAL, t.alice.id, t.alice.id_length);
	ck_field_bytes(m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(m, CK_F_SIGNATURE, made.signature, made.signature_length);
	again = out;
	again.frame.w.start = again.bytes;
	again.frame.w.at = again.bytes + (out.frame.w.at - out.frame.w.start);
	again.frame.map.w = &again.frame.w;
	again.frame.map.head = again.bytes + (out.frame.map.head - out.bytes);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(ask(&client, &again, &reply), CK_ANSWER_DENIED);
	ck_assert(text_is(&reply, CK_F_REASON, "no-challenge"));
	ck_client_close(&client);
}
END_TEST

static struct ck_bytes copy_of(const struct ck_client *client, const struct ck_map *reply, uint8_t *out)
{
	(void)client;
	struct ck_text message, reason;
	ck_assert_int_eq(ck_map_text(reply, CK_F_MESSAGE, 1024, &message), CK_OK);
	ck_assert_int_eq(ck_map_text(reply, CK_F_REASON, 64, &reason), CK_OK);
	memcpy(out, message.at, message.length);
	memcpy(out + message.length, reason.at, reason.length);
	return (struct ck_bytes){out, message.length + reason.length};
}

/* A wrong signature, a person without keys, nobody at all, somebody else's key: one prompt, one answer. */
START_TEST(refusals_without_a_proof_look_alike)
{
	static const char *const users[] = {"alice", "bob", "nobody-there", "carol", "\xc3\xa9", "Alice"};
	uint8_t first[2048], other[2048];
	struct ck_bytes expected = {NULL, 0};
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++) {
		struct ck_client client;
		struct ck_map reply;
		connect_as(&client, 0);
		ck_assert_int_eq(login_begin(&client, users[i], "tty1", "", &reply),
		                 strcmp(users[i], "bob") == 0 ? CK_ANSWER_GRANTED : CK_ANSWER_NEED_TOKEN);
		if (strcmp(users[i], "bob") == 0) {
			ck_client_close(&client);
			continue;
		}
		ck_assert_uint_eq(reply.present, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_CHALLENGE) | CK_KEY(CK_F_RP_ID) | CK_KEY(CK_F_ALLOW) |
		                                         CK_KEY(CK_F_VERIFY) | CK_KEY(CK_F_LOCAL));
		ck_assert_uint_ge(reply.at[CK_F_ALLOW].number, 1);
		/* alice: spoiled; carol and the others: with alice's good key */
		ck_assert_int_eq(touch(&client, &t.alice, &reply, true, i == 0), CK_ANSWER_DENIED);
		struct ck_bytes got = copy_of(&client, &reply, i == 0 ? first : other);
		if (i == 0) expected = got;
		ck_assert_msg(ck_bytes_equal(got, expected), "%s is told apart", users[i]);
		ck_assert_uint_eq(number_in(&t.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
		ck_client_close(&client);
	}
}
END_TEST

START_TEST(the_reason_is_told_once_the_own_key_verified)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 0);
	ck_assert_int_eq(login_begin(&client, "carol", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(touch(&client, &t.carol, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert(text_is(&reply, CK_F_REASON, "no-role"));
	ck_assert_uint_eq(number_in(&t.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
	ck_assert_int_eq(account(&client, "carol", "carol", "login", &reply), CK_ANSWER_DENIED);
	ck_assert(text_is(&reply, CK_F_REASON, "refused"));
	ck_client_close(&client);
}
END_TEST

START_TEST(presence_without_verification_is_not_enough)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 0);
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(touch(&client, &t.alice, &reply, false, false), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_counter_that_went_back_is_refused)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 0);
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	t.refuse = true;
	ck_assert_int_eq(touch(&client, &t.alice, &reply, true, false), CK_ANSWER_DENIED);
	t.refuse = false;
	ck_assert_int_eq(account(&client, "alice", "alice", "login", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(without_a_ledger_nothing_is_granted)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	t.ledger_silent = true;
	ck_assert_int_eq(touch(&client, &t.alice, &reply, true, false), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&t.ledger);
	t.ledger.fd = -1;
	put_login(&out, CK_OP_ACCOUNT, "bob", "bob", "login", "tty1", NULL);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_UNAVAILABLE);
	/* and a new one is taken */
	t.ledger_silent = false;
	give_peer(CK_PROCESS_LEDGER, &t.ledger);
	ck_assert_int_eq(account(&client, "bob", "bob", "login", &reply), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_rule_that_demands_nothing_needs_no_touch)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 0);
	ck_assert_int_eq(account(&client, "bob", "bob", "sshd", &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(account(&client, "bob", "root", "sshd", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(account(&client, "bob", "self", "sshd", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(account(&client, "bob", "bob", "", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_person_begins_for_their_own_name_only)
{
	struct ck_client client;
	struct ck_map reply;
	uint8_t first[2048], other[2048];
	connect_as(&client, 200011);
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(login_begin(&client, "carol", "tty1", NULL, &reply), CK_ANSWER_DENIED);
	struct ck_bytes known = copy_of(&client, &reply, first);
	ck_assert_int_eq(login_begin(&client, "nobody-there", "tty1", NULL, &reply), CK_ANSWER_DENIED);
	ck_assert(ck_bytes_equal(known, copy_of(&client, &reply, other)));
	ck_client_close(&client);
	connect_as(&client, 4711);
	ck_assert_int_eq(account(&client, "alice", "alice", "login", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

/* ---- where it comes from ---- */

static bool is_local(uid_t uid, const char *user, const char *tty, const char *remote_host)
{
	struct ck_client client;
	struct ck_map reply;
	bool local = true;
	connect_as(&client, uid);
	ck_assert_int_eq(login_begin(&client, user, tty, remote_host, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_bool(&reply, CK_F_LOCAL, &local), CK_OK);
	ck_client_close(&client);
	return local;
}

START_TEST(local_is_a_seat_or_a_session_at_one)
{
	ck_assert(is_local(0, "alice", "tty1", NULL));
	ck_assert(is_local(0, "alice", ":0", NULL));
	ck_assert(!is_local(0, "alice", "tty1", "10.0.0.1"));
	ck_assert(!is_local(0, "alice", "ssh", "10.0.0.1"));
	ck_assert_uint_eq(t.finds, 0);
	ck_assert(!is_local(0, "alice", "pts/3", NULL));
	ck_assert_uint_eq(t.finds, 1);
	ck_assert_uint_ge(t.find_ancestors, 2);
	t.inside = true;
	ck_assert(is_local(0, "alice", "pts/3", NULL));
	t.session_host = "10.0.0.1";
	ck_assert(!is_local(0, "alice", "pts/3", NULL));
	ck_assert(!is_local(0, "alice", NULL, NULL));
}
END_TEST

START_TEST(what_anybody_but_root_says_of_its_place_is_not_believed)
{
	ck_assert(!is_local(200011, "alice", "tty1", NULL));
	t.inside = true;
	ck_assert(is_local(200011, "alice", "pts/9", NULL));
	ck_assert(!is_local(200011, "alice", "tty1", "10.0.0.1"));
}
END_TEST

START_TEST(the_account_stage_asks_where_only_if_it_could_help)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	/* "doors" would do if more were proved, "here" if it came from the machine itself */
	put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "seat", "pts/1", NULL);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert_uint_eq(t.finds, 1);
	t.inside = true;
	put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "seat", "pts/1", NULL);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(t.finds, 2);
	put_login(&out, CK_OP_ACCOUNT, "bob", "bob", "seat", "pts/1", NULL);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	put_login(&out, CK_OP_ACCOUNT, "carol", "carol", "seat", "pts/1", NULL);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert_uint_eq(t.finds, 2);
	ck_client_close(&client);
}
END_TEST

static void open_session(const char *tty, const char *remote_host)
{
	static const uint8_t id[16] = "sixteen bytes ..";
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	struct ck_map_writer *m = begin(&out, CK_OP_SESSION_OPEN);
	ck_field_string(m, CK_F_ACCOUNT, "alice");
	ck_field_string(m, CK_F_SERVICE, "login");
	ck_field_string(m, CK_F_TTY, tty);
	ck_field_string(m, CK_F_REMOTE_HOST, remote_host);
	ck_field_bytes(m, CK_F_LOGIN_ID, id, sizeof id);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(number_in(&t.event, CK_F_EVENT), CK_EVENT_SESSION_OPENED);
	ck_assert_uint_eq(number_in(&t.event, CK_F_PEER_PID), (uint64_t)getpid());
	ck_assert_uint_eq(t.event.at[CK_F_ANCESTORS].number, 2);
	ck_client_close(&client);
}

START_TEST(a_session_nobody_placed_is_not_local)
{
	open_session("tty1", NULL);
	ck_assert_uint_eq(t.event.present & CK_KEY(CK_F_REMOTE_HOST), 0);
	open_session("pts/1", "10.0.0.1");
	ck_assert(text_is(&t.event, CK_F_REMOTE_HOST, "10.0.0.1"));
	open_session("pts/1", NULL);
	ck_assert(text_is(&t.event, CK_F_REMOTE_HOST, "unknown"));
	t.inside = true;
	t.session_host = "10.0.0.2";
	open_session("pts/1", NULL);
	ck_assert(text_is(&t.event, CK_F_REMOTE_HOST, "10.0.0.2"));
	t.session_host = NULL;
	open_session("pts/1", NULL);
	ck_assert_uint_eq(t.event.present & CK_KEY(CK_F_REMOTE_HOST), 0);
}
END_TEST

START_TEST(sessions_are_for_root)
{
	static const uint8_t id[16] = "sixteen bytes ..";
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 200011);
	ck_field_bytes(begin(&out, CK_OP_SESSION_CLOSE), CK_F_LOGIN_ID, id, sizeof id);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

/* ---- the token helper ---- */

START_TEST(the_token_helper_is_for_local_logins_that_were_begun)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	int pair[2];
	connect_as(&client, 0);
	begin(&out, CK_OP_LOGIN_TOKEN);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(login_begin(&client, "alice", "ssh", "10.0.0.1", &reply), CK_ANSWER_NEED_TOKEN);
	begin(&out, CK_OP_LOGIN_TOKEN);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert(text_is(&reply, CK_F_REASON, "not-local"));
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	begin(&out, CK_OP_LOGIN_TOKEN);
	send_out(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&t.control, &reply, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(number_in(&reply, CK_F_TYPE), CK_MSG_TOKEN);
	uint64_t request = number_in(&reply, CK_F_REQUEST);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_field_uint(begin(&out, CK_MSG_TOKEN), CK_F_REQUEST, request);
	send_out(&t.control, &out, pair[0]);
	ck_assert(receive(&client, &reply));
	ck_assert_uint_eq(number_in(&reply, CK_F_TYPE), CK_ANSWER_GRANTED);
	ck_assert_int_ge(client.passed_fd, 0);
	ck_assert_int_eq(write(client.passed_fd, "x", 1), 1);
	char byte = 0;
	ck_assert_int_eq(read(pair[1], &byte, 1), 1);
	ck_assert_int_eq(byte, 'x');
	close(pair[0]);
	close(pair[1]);
	ck_client_close(&client);
}
END_TEST

/* ---- the replica ---- */

static void answer_relay(struct ck_map *message, const uint8_t *body, size_t length)
{
	struct out out;
	struct ck_map_writer *m = begin(&out, CK_MSG_RELAYED);
	ck_field_uint(m, CK_F_REQUEST, number_in(message, CK_F_REQUEST));
	ck_field_bytes(m, CK_F_BODY, body, length);
	send_out(&t.replica, &out, -1);
}

START_TEST(a_change_goes_to_the_replica_as_it_came)
{
	static const uint8_t body[] = {0xa1, 0x00, 0x01}; /* {0: granted} */
	struct ck_client client;
	struct ck_map message, inner;
	struct ck_bytes bytes;
	struct out out;
	connect_as(&client, 200011);
	ck_field_string(begin(&out, CK_OP_CHANGE_BEGIN), CK_F_AS, "alice");
	send_out(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&t.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(number_in(&message, CK_F_TYPE), CK_MSG_RELAY);
	ck_assert_uint_eq(number_in(&message, CK_F_PEER_UID), 200011);
	ck_assert_int_eq(t.replica.passed_fd, -1);
	ck_assert_int_eq(ck_map_bytes(&message, CK_F_BODY, 1, 1024, &bytes), CK_OK);
	ck_assert_int_eq(ck_map_parse(bytes, &inner), CK_OK);
	ck_assert(text_is(&inner, CK_F_AS, "alice"));
	answer_relay(&message, body, sizeof body);
	ck_assert(receive(&client, &message));
	ck_assert_uint_eq(number_in(&message, CK_F_TYPE), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_only_root_orders_brings_its_socket)
{
	static const uint8_t body[] = {0xa1, 0x00, 0x02};
	struct ck_client client;
	struct ck_map message;
	struct out out;
	struct ucred peer;
	socklen_t length = sizeof peer;
	connect_as(&client, 200011);
	begin(&out, CK_OP_CONFIRM_REFRESH);
	ck_assert_int_eq(ask(&client, &out, &message), CK_ANSWER_DENIED);
	ck_client_close(&client);
	connect_as(&client, 0);
	begin(&out, CK_OP_CONFIRM_REFRESH);
	send_out(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&t.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_int_ge(t.replica.passed_fd, 0);
	ck_assert_int_eq(getsockopt(t.replica.passed_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	ck_assert_uint_eq(peer.uid, 0);
	answer_relay(&message, body, sizeof body);
	ck_assert(receive(&client, &message));
	ck_assert_uint_eq(number_in(&message, CK_F_TYPE), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(an_answer_that_is_none_is_accused)
{
	static const uint8_t body[] = {0xa1, 0x00, 0x09};
	struct ck_client client;
	struct ck_map message;
	struct out out;
	connect_as(&client, 0);
	ck_field_string(begin(&out, CK_OP_CHANGE_BEGIN), CK_F_AS, "alice");
	send_out(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&t.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	answer_relay(&message, body, sizeof body);
	ck_assert(receive(&client, &message));
	ck_assert_uint_eq(number_in(&message, CK_F_TYPE), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(ck_client_receive(&t.control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(number_in(&message, CK_F_TYPE), CK_MSG_ACCUSE);
	ck_assert_uint_eq(number_in(&message, CK_F_PROCESS), CK_PROCESS_REPLICA);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_checkpoint_is_the_ledgers)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	begin(&out, CK_OP_CHECKPOINT);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert(text_is(&reply, CK_F_TEXT, "a checkpoint"));
	ck_client_close(&client);
}
END_TEST

/* ---- looking up ---- */

static size_t entries_in(const struct ck_map *reply)
{
	ck_assert_int_eq(reply->at[CK_F_ENTRIES].type, CK_CBOR_ARRAY);
	return (size_t)reply->at[CK_F_ENTRIES].number;
}

static enum ck_answer find(struct ck_client *client, const char *name, struct ck_map *reply)
{
	struct out out;
	ck_field_string(begin(&out, CK_OP_FIND), CK_F_NAME, name);
	return ask(client, &out, reply);
}

START_TEST(root_and_administrators_find_people)
{
	struct ck_client client;
	struct ck_map reply;
	static const char *const names[] = {"alice", "ALICE@example.gov.uk", "11", "+44 113 0000011"};
	connect_as(&client, 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		ck_assert_int_eq(find(&client, names[i], &reply), CK_ANSWER_GRANTED);
		ck_assert_msg(entries_in(&reply) == 1, "%s", names[i]);
		ck_assert_uint_eq(number_in(&t.event, CK_F_EVENT), CK_EVENT_LOOKED_UP);
	}
	ck_assert_int_eq(find(&client, "nobody-there", &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 0);
	ck_client_close(&client);

	connect_as(&client, 200013);
	ck_assert_int_eq(find(&client, "alice", &reply), CK_ANSWER_DENIED);
	identify(&client, "carol", &t.carol);
	ck_assert_int_eq(find(&client, "alice", &reply), CK_ANSWER_DENIED);
	/* and the touch of another person's key makes nobody of it */
	identify(&client, "alice", &t.alice);
	ck_assert_int_eq(find(&client, "dave", &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 1);
	/* staff numbers are the other authority's own business */
	ck_assert_int_eq(find(&client, "14", &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 0);
	ck_client_close(&client);
}
END_TEST

static enum ck_answer show(struct ck_client *client, const char *kind, const char *name, unsigned authority, struct ck_map *reply)
{
	struct out out;
	struct ck_id id = ck_builder_id(authority);
	struct ck_map_writer *m = begin(&out, CK_OP_SHOW);
	ck_field_string(m, CK_F_KIND, kind);
	ck_field_string(m, CK_F_NAME, name);
	if (authority != 0) ck_field_bytes(m, CK_F_AUTHORITY, id.bytes, sizeof id.bytes);
	return ask(client, &out, reply);
}

START_TEST(each_entry_is_shown_to_whom_it_concerns)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 200013); /* carol, by her uid */
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "staff", "alice", 0, &reply), CK_ANSWER_DENIED);
	ck_assert(text_is(&reply, CK_F_REASON, "not-found"));
	ck_assert_int_eq(show(&client, "rule", "doors", LEEDS, &reply), CK_ANSWER_DENIED);
	identify(&client, "alice", &t.alice);
	ck_assert_int_eq(show(&client, "staff", "carol", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "rule", "doors", LEEDS, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "role", "administrators", ROCHDALE, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "authority", "rochdale", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(show(&client, "grant", "x", 0, &reply), CK_ANSWER_ERROR);
	ck_client_close(&client);
}
END_TEST

static enum ck_answer list(struct ck_client *client, const char *kind, unsigned about, struct ck_map *reply)
{
	struct out out;
	struct ck_id id = ck_builder_id(about);
	struct ck_map_writer *m = begin(&out, CK_OP_LIST);
	ck_field_string(m, CK_F_KIND, kind);
	if (about != 0) ck_field_bytes(m, CK_F_ABOUT, id.bytes, sizeof id.bytes);
	return ask(client, &out, reply);
}

START_TEST(lists_hold_what_may_be_seen)
{
	struct ck_client client;
	struct ck_map reply;
	connect_as(&client, 0);
	ck_assert_int_eq(list(&client, "staff", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 4);
	ck_assert_int_eq(list(&client, "grant", ALICE, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 2);
	ck_assert_int_eq(list(&client, "grant", OPS, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 1);
	ck_assert_int_eq(list(&client, "rule", DB1, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 3);
	ck_assert_int_eq(list(&client, "staff", ALICE, &reply), CK_ANSWER_ERROR);
	ck_client_close(&client);
	connect_as(&client, 200013);
	ck_assert_int_eq(list(&client, "staff", 0, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 1);
	ck_assert_int_eq(list(&client, "key", ALICE, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(entries_in(&reply), 0);
	ck_client_close(&client);
}
END_TEST

static enum ck_answer explain(struct ck_client *client, const char *user, struct ck_map *reply)
{
	struct out out;
	struct ck_map_writer *m = begin(&out, CK_OP_EXPLAIN);
	ck_field_string(m, CK_F_USER, user);
	ck_field_string(m, CK_F_SERVICE, "login");
	ck_field_string(m, CK_F_SYSTEM, "db1");
	ck_field_string(m, CK_F_FROM, "local");
	return ask(client, &out, reply);
}

START_TEST(explain_says_yes_and_no_to_whom_it_concerns)
{
	struct ck_client client;
	struct ck_map reply;
	bool allow;
	connect_as(&client, 0);
	ck_assert_int_eq(explain(&client, "alice", &reply), CK_ANSWER_GRANTED);
	ck_assert(ck_map_bool(&reply, CK_F_VERDICT, &allow) == CK_OK && allow);
	ck_assert_int_eq(explain(&client, "carol", &reply), CK_ANSWER_GRANTED);
	ck_assert(ck_map_bool(&reply, CK_F_VERDICT, &allow) == CK_OK && !allow);
	ck_assert(text_is(&reply, CK_F_REASON, "no-role"));
	ck_client_close(&client);
	connect_as(&client, 200013);
	ck_assert_int_eq(explain(&client, "carol", &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(explain(&client, "alice", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(explain(&client, "nobody-there", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

static void set_up_unfinished(void)
{
	set_up_with(false);
}

START_TEST(an_unfinished_copy_answers_unavailable)
{
	struct ck_client client;
	struct ck_map reply;
	struct out out;
	connect_as(&client, 0);
	begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert(text_is(&reply, CK_F_STATE, "unavailable"));
	ck_assert_int_eq(login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(account(&client, "bob", "bob", "login", &reply), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

static void add_case(Suite *suite, const char *name, void (*setup)(void), const TTest *const *tests, size_t count)
{
	TCase *cases = tcase_create(name);
	tcase_set_timeout(cases, 60);
	tcase_add_checked_fixture(cases, setup, tear_down);
	for (size_t i = 0; i < count; i++) tcase_add_test(cases, tests[i]);
	suite_add_tcase(suite, cases);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("skipped: the gate is started by root");
		return 77;
	}
	if (sodium_init() < 0) return EXIT_FAILURE;
	const TTest *const wire[] = {status_is_for_anybody,
	                             unknown_operation_is_an_error_and_the_connection_stays,
	                             a_missing_and_a_foreign_field_are_errors,
	                             garbage_cuts_off_only_its_sender,
	                             a_second_request_before_the_answer_cuts_off,
	                             a_descriptor_nobody_asked_for_cuts_off,
	                             half_a_frame_is_cut_off_in_time,
	                             one_user_does_not_take_all_places};
	const TTest *const logins[] = {a_touch_lets_in_and_the_account_stage_believes_it,
	                               an_assertion_is_good_once,
	                               refusals_without_a_proof_look_alike,
	                               the_reason_is_told_once_the_own_key_verified,
	                               presence_without_verification_is_not_enough,
	                               a_counter_that_went_back_is_refused,
	                               without_a_ledger_nothing_is_granted,
	                               a_rule_that_demands_nothing_needs_no_touch,
	                               a_person_begins_for_their_own_name_only};
	const TTest *const places[] = {local_is_a_seat_or_a_session_at_one, what_anybody_but_root_says_of_its_place_is_not_believed,
	                               the_account_stage_asks_where_only_if_it_could_help, a_session_nobody_placed_is_not_local, sessions_are_for_root};
	const TTest *const others[] = {the_token_helper_is_for_local_logins_that_were_begun, a_change_goes_to_the_replica_as_it_came,
	                               what_only_root_orders_brings_its_socket, an_answer_that_is_none_is_accused, a_checkpoint_is_the_ledgers};
	const TTest *const questions[] = {root_and_administrators_find_people, each_entry_is_shown_to_whom_it_concerns, lists_hold_what_may_be_seen,
	                                  explain_says_yes_and_no_to_whom_it_concerns};
	const TTest *const unfinished[] = {an_unfinished_copy_answers_unavailable};
	Suite *suite = suite_create("gate");
#define CASES(name, setup) add_case(suite, #name, setup, name, sizeof name / sizeof name[0])
	CASES(wire, set_up);
	CASES(logins, set_up);
	CASES(places, set_up);
	CASES(others, set_up);
	CASES(questions, set_up);
	CASES(unfinished, set_up_unfinished);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
