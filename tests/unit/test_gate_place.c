/* Where a client sits, who gets a token helper, and what goes to the replica and the ledger. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fakes/gate_rig.h"

/* ---- where it comes from ---- */

static bool is_local(uid_t uid, const char *user, const char *tty, const char *remote_host)
{
	struct ck_client client;
	struct ck_map reply;
	bool local = true;
	rig_connect(&client, uid);
	ck_assert_int_eq(rig_login_begin(&client, user, tty, remote_host, &reply), CK_ANSWER_NEED_TOKEN);
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
	ck_assert_uint_eq(rig.finds, 0);
	ck_assert(!is_local(0, "alice", "pts/3", NULL));
	ck_assert_uint_eq(rig.finds, 1);
	ck_assert_uint_ge(rig.find_ancestors, 2);
	rig.inside = true;
	ck_assert(is_local(0, "alice", "pts/3", NULL));
	rig.session_host = "10.0.0.1";
	ck_assert(!is_local(0, "alice", "pts/3", NULL));
	ck_assert(!is_local(0, "alice", NULL, NULL));
}
END_TEST

START_TEST(what_anybody_but_root_says_of_its_place_is_not_believed)
{
	ck_assert(!is_local(200011, "alice", "tty1", NULL));
	rig.inside = true;
	ck_assert(is_local(200011, "alice", "pts/9", NULL));
	ck_assert(!is_local(200011, "alice", "tty1", "10.0.0.1"));
}
END_TEST

START_TEST(the_account_stage_asks_where_only_if_it_could_help)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	/* "doors" would do if more were proved, "here" if it came from the machine itself */
	rig_put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "seat", "pts/1", NULL);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig.finds, 1);
	rig.inside = true;
	rig_put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "seat", "pts/1", NULL);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig.finds, 2);
	rig_put_login(&out, CK_OP_ACCOUNT, "bob", "bob", "seat", "pts/1", NULL);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	rig_put_login(&out, CK_OP_ACCOUNT, "carol", "carol", "seat", "pts/1", NULL);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig.finds, 2);
	ck_client_close(&client);
}
END_TEST

static void open_session(const char *tty, const char *remote_host)
{
	static const uint8_t id[16] = "sixteen bytes ..";
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	struct ck_map_writer *m = rig_begin(&out, CK_OP_SESSION_OPEN);
	ck_field_string(m, CK_F_ACCOUNT, "alice");
	ck_field_string(m, CK_F_SERVICE, "login");
	ck_field_string(m, CK_F_TTY, tty);
	ck_field_string(m, CK_F_REMOTE_HOST, remote_host);
	ck_field_bytes(m, CK_F_LOGIN_ID, id, sizeof id);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_SESSION_OPENED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PEER_PID), (uint64_t)getpid());
	ck_assert_uint_eq(rig.event.at[CK_F_ANCESTORS].number, 2);
	ck_client_close(&client);
}

START_TEST(a_session_nobody_placed_is_not_local)
{
	open_session("tty1", NULL);
	ck_assert((rig.event.present & CK_KEY(CK_F_REMOTE_HOST)) == 0);
	open_session("pts/1", "10.0.0.1");
	ck_assert(rig_text_is(&rig.event, CK_F_REMOTE_HOST, "10.0.0.1"));
	open_session("pts/1", NULL);
	ck_assert(rig_text_is(&rig.event, CK_F_REMOTE_HOST, "unknown"));
	rig.inside = true;
	rig.session_host = "10.0.0.2";
	open_session("pts/1", NULL);
	ck_assert(rig_text_is(&rig.event, CK_F_REMOTE_HOST, "10.0.0.2"));
	rig.session_host = NULL;
	open_session("pts/1", NULL);
	ck_assert((rig.event.present & CK_KEY(CK_F_REMOTE_HOST)) == 0);
}
END_TEST

START_TEST(sessions_are_for_root)
{
	static const uint8_t id[16] = "sixteen bytes ..";
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 200011);
	ck_field_bytes(rig_begin(&out, CK_OP_SESSION_CLOSE), CK_F_LOGIN_ID, id, sizeof id);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

/* ---- the token helper ---- */

START_TEST(the_token_helper_is_for_local_logins_that_were_begun)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	int pair[2];
	rig_connect(&client, 0);
	rig_begin(&out, CK_OP_LOGIN_TOKEN);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "ssh", "10.0.0.1", &reply), CK_ANSWER_NEED_TOKEN);
	rig_begin(&out, CK_OP_LOGIN_TOKEN);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "not-local"));
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	rig_begin(&out, CK_OP_LOGIN_TOKEN);
	rig_send(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.control, &reply, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(rig_number(&reply, CK_F_TYPE), CK_MSG_TOKEN);
	uint64_t request = rig_number(&reply, CK_F_REQUEST);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_field_uint(rig_begin(&out, CK_MSG_TOKEN), CK_F_REQUEST, request);
	rig_send(&rig.control, &out, pair[0]);
	ck_assert(rig_receive(&client, &reply));
	ck_assert_uint_eq(rig_number(&reply, CK_F_TYPE), CK_ANSWER_GRANTED);
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
	struct rig_frame out;
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_RELAYED);
	ck_field_uint(m, CK_F_REQUEST, rig_number(message, CK_F_REQUEST));
	ck_field_bytes(m, CK_F_BODY, body, length);
	rig_send(&rig.replica, &out, -1);
}

START_TEST(a_change_goes_to_the_replica_as_it_came)
{
	static const uint8_t body[] = {0xa1, 0x00, 0x01}; /* {0: granted} */
	struct ck_client client;
	struct ck_map message, inner;
	struct ck_bytes bytes;
	struct rig_frame out;
	rig_connect(&client, 200011);
	ck_field_string(rig_begin(&out, CK_OP_CHANGE_BEGIN), CK_F_AS, "alice");
	rig_send(&client, &out, -1);
	while (rig.tries < 1) rig_serve_ledger();
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_MSG_RELAY);
	ck_assert_uint_eq(rig_number(&message, CK_F_PEER_UID), 200011);
	ck_assert_int_eq(rig.replica.passed_fd, -1);
	ck_assert_int_eq(ck_map_bytes(&message, CK_F_BODY, 1, 1024, &bytes), CK_OK);
	ck_assert_int_eq(ck_map_parse(bytes, &inner), CK_OK);
	ck_assert(rig_text_is(&inner, CK_F_AS, "alice"));
	answer_relay(&message, body, sizeof body);
	ck_assert(rig_receive(&client, &message));
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

/* An operator's command asks for a helper after the replica's challenge, with other questions in between. */
START_TEST(a_challenge_of_the_replicas_opens_a_token_helper)
{
	static const uint8_t need[] = {0xa1, 0x00, 0x03}; /* {0: need-token} */
	struct ck_client client;
	struct ck_map message;
	struct rig_frame out;
	rig_connect(&client, 0);
	ck_field_string(rig_begin(&out, CK_OP_CHANGE_BEGIN), CK_F_AS, "alice");
	rig_send(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	answer_relay(&message, need, sizeof need);
	ck_assert(rig_receive(&client, &message));
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_ANSWER_NEED_TOKEN);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&client, &out, &message), CK_ANSWER_GRANTED);
	/* root in a session from elsewhere is not at the machine */
	rig.inside = true;
	rig.session_host = "10.0.0.1";
	rig_begin(&out, CK_OP_LOGIN_TOKEN);
	ck_assert_int_eq(rig_ask(&client, &out, &message), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&message, CK_F_REASON, "not-local"));
	rig_begin(&out, CK_OP_LOGIN_TOKEN);
	ck_assert_int_eq(rig_ask(&client, &out, &message), CK_ANSWER_DENIED);
	ck_client_close(&client);
	rig.inside = false;
	rig_connect(&client, 0);
	ck_field_string(rig_begin(&out, CK_OP_CHANGE_BEGIN), CK_F_AS, "alice");
	rig_send(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	answer_relay(&message, need, sizeof need);
	ck_assert(rig_receive(&client, &message));
	rig_begin(&out, CK_OP_LOGIN_TOKEN);
	rig_send(&client, &out, -1);
	while (rig.finds < 2) rig_serve_ledger();
	ck_assert_int_eq(ck_client_receive(&rig.control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_MSG_TOKEN);
	uint64_t request = rig_number(&message, CK_F_REQUEST);
	/* none could be started */
	ck_field_uint(rig_begin(&out, CK_MSG_TOKEN), CK_F_REQUEST, request);
	rig_send(&rig.control, &out, -1);
	ck_assert(rig_receive(&client, &message));
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_only_root_orders_brings_its_socket)
{
	static const uint8_t body[] = {0xa1, 0x00, 0x02};
	struct ck_client client;
	struct ck_map message;
	struct rig_frame out;
	struct ucred peer;
	socklen_t length = sizeof peer;
	rig_connect(&client, 200011);
	rig_begin(&out, CK_OP_CONFIRM_REFRESH);
	ck_assert_int_eq(rig_ask(&client, &out, &message), CK_ANSWER_DENIED);
	ck_client_close(&client);
	rig_connect(&client, 0);
	rig_begin(&out, CK_OP_CONFIRM_REFRESH);
	rig_send(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_int_ge(rig.replica.passed_fd, 0);
	ck_assert_int_eq(getsockopt(rig.replica.passed_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	ck_assert_uint_eq(peer.uid, 0);
	answer_relay(&message, body, sizeof body);
	ck_assert(rig_receive(&client, &message));
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(an_answer_that_is_none_is_accused)
{
	static const uint8_t body[] = {0xa1, 0x00, 0x09};
	struct ck_client client;
	struct ck_map message;
	struct rig_frame out;
	rig_connect(&client, 0);
	ck_field_string(rig_begin(&out, CK_OP_CHANGE_BEGIN), CK_F_AS, "alice");
	rig_send(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	answer_relay(&message, body, sizeof body);
	ck_assert(rig_receive(&client, &message));
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(ck_client_receive(&rig.control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_MSG_ACCUSE);
	ck_assert_uint_eq(rig_number(&message, CK_F_PROCESS), CK_PROCESS_REPLICA);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_checkpoint_is_the_ledgers)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	rig_begin(&out, CK_OP_CHECKPOINT);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_TEXT, "a checkpoint"));
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const places[] = {
		local_is_a_seat_or_a_session_at_one,
		what_anybody_but_root_says_of_its_place_is_not_believed,
		the_account_stage_asks_where_only_if_it_could_help,
		a_session_nobody_placed_is_not_local,
		sessions_are_for_root,
	};
	const TTest *const others[] = {
		the_token_helper_is_for_local_logins_that_were_begun,
		a_change_goes_to_the_replica_as_it_came,
		a_challenge_of_the_replicas_opens_a_token_helper,
		what_only_root_orders_brings_its_socket,
		an_answer_that_is_none_is_accused,
		a_checkpoint_is_the_ledgers,
	};
	Suite *suite = suite_create("gate_place");
	rig_add_case(suite, "places", rig_set_up, places, sizeof places / sizeof places[0]);
	rig_add_case(suite, "others", rig_set_up, others, sizeof others / sizeof others[0]);
	return rig_run(suite);
}
