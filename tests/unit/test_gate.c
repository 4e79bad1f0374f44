/* The gate's socket and logins: what cuts a client off, who is let in, and what those who are not can tell from it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "tests/fakes/gate_rig.h"

/* ---- the wire ---- */

START_TEST(status_is_for_anybody)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 4711);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_STATE, "running"));
	ck_assert(rig_text_is(&reply, CK_F_SYSTEM, "db1"));
	ck_client_close(&client);
}
END_TEST

START_TEST(unknown_operation_is_an_error_and_the_connection_stays)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 4711);
	rig_begin(&out, CK_OP_LAST + 1);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_missing_and_a_foreign_field_are_errors)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	ck_field_string(rig_begin(&out, CK_OP_ACCOUNT), CK_F_USER, "alice");
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	rig_put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "login", NULL, NULL);
	ck_field_string(&out.frame.map, CK_F_LABEL, "x");
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_ERROR);
	ck_client_close(&client);
}
END_TEST

START_TEST(garbage_cuts_off_only_its_sender)
{
	static const uint8_t garbage[][8] = {{0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0}, {0, 0, 0, 2, 0x80, 0x80}, {0, 0, 0, 1, 0xa0}};
	struct ck_client good;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&good, 4711);
	for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
		struct ck_client bad;
		rig_connect(&bad, 4712);
		ck_assert_int_eq(send(bad.fd, garbage[i], sizeof garbage[i], MSG_NOSIGNAL), sizeof garbage[i]);
		ck_assert(!rig_receive(&bad, &reply));
		ck_client_close(&bad);
		rig_begin(&out, CK_OP_STATUS);
		ck_assert_int_eq(rig_ask(&good, &out, &reply), CK_ANSWER_GRANTED);
	}
	ck_client_close(&good);
}
END_TEST

START_TEST(a_second_request_before_the_answer_cuts_off)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	rig.ledger_silent = true;
	rig_put_login(&out, CK_OP_ACCOUNT, "alice", "alice", "login", "tty1", NULL);
	rig_send(&client, &out, -1);
	rig_begin(&out, CK_OP_STATUS);
	rig_send(&client, &out, -1);
	ck_assert(!rig_receive(&client, &reply));
	ck_client_close(&client);
}
END_TEST

START_TEST(a_descriptor_nobody_asked_for_cuts_off)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	rig_begin(&out, CK_OP_STATUS);
	rig_send(&client, &out, 0);
	ck_assert(!rig_receive(&client, &reply));
	ck_client_close(&client);
}
END_TEST

START_TEST(half_a_frame_is_cut_off_in_time)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 4711);
	ck_assert_int_eq(send(client.fd, "\0\0", 2, MSG_NOSIGNAL), 2);
	ck_assert(!rig_receive(&client, &reply));
	ck_client_close(&client);
}
END_TEST

START_TEST(one_user_does_not_take_all_places)
{
	struct ck_client crowd[20], other;
	struct ck_map reply;
	struct rig_frame out;
	unsigned served = 0;
	for (size_t i = 0; i < 20; i++) rig_connect(&crowd[i], 4711);
	for (size_t i = 0; i < 20; i++) {
		size_t length;
		rig_begin(&out, CK_OP_STATUS);
		ck_assert_int_eq(ck_frame_end(&out.frame, &length), CK_OK);
		if (ck_client_send(&crowd[i], out.bytes, length, -1, ck_clock_monotonic_ms() + PATIENCE_MS) == CK_OK)
			served += rig_receive(&crowd[i], &reply);
	}
	ck_assert_uint_eq(served, 8); /* a quarter of 32 */
	rig_connect(&other, 4712);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&other, &out, &reply), CK_ANSWER_GRANTED);
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
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert(ck_map_bool(&reply, CK_F_VERIFY, &flag) == CK_OK && flag);
	ck_assert(ck_map_bool(&reply, CK_F_LOCAL, &flag) == CK_OK && flag);
	ck_assert(rig_text_is(&reply, CK_F_RP_ID, RP));
	struct ck_items items;
	struct ck_item item;
	ck_assert_int_eq(ck_map_array(&reply, CK_F_ALLOW, CK_ALLOW_LIMIT, &items), CK_OK);
	ck_assert_uint_eq(items.left, 1);
	ck_assert(ck_items_next(&items, &item));
	ck_assert(ck_bytes_equal(item.span, (struct ck_bytes){rig.alice.id, rig.alice.id_length}));
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_int_eq(ck_map_fixed(&reply, CK_F_LOGIN_ID, id, sizeof id), CK_OK);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_COUNT), rig.alice.count);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_VERIFIED);
	ck_assert_int_eq(rig_account(&client, "alice", "alice", "login", &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_ACCOUNT_GRANTED);
	/* but only for this account and service, and only here */
	ck_assert_int_eq(rig_account(&client, "alice", "alice", "other", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_account(&client, "alice", "alice", "login", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(only_an_attested_key_opens_the_vault)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login(&client, "fran", &rig.fran, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "proof"));
	ck_assert(rig_text_is(&reply, CK_F_MESSAGE, "needs a security key whose maker is trusted here, and this one is not such"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_VERIFIED);
	ck_assert_int_eq(rig_login(&client, "erin", &rig.fran, &reply), CK_ANSWER_DENIED); /* another's key */
	ck_assert_int_eq(rig_login_begin(&client, "erin", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.erin, &reply, true, true), CK_ANSWER_DENIED); /* did not sign */
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_NOTHING);
	ck_assert_int_eq(rig_login(&client, "erin", &rig.erin, &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_VERIFIED | CK_PROVED_ATTESTED);
	ck_assert_int_eq(rig_account(&client, "erin", "erin", "login", &reply), CK_ANSWER_GRANTED);
	ck_client_close(&client);
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_account(&client, "erin", "erin", "login", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(an_assertion_is_good_once)
{
	struct ck_client client;
	struct ck_map reply;
	struct ck_soft_assertion made;
	struct rig_frame out, again;
	uint8_t challenge[32];
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_fixed(&reply, CK_F_CHALLENGE, challenge, sizeof challenge), CK_OK);
	ck_assert(ck_soft_make_assertion(&rig.alice, challenge, true, &made));
	struct ck_map_writer *m = rig_begin(&out, CK_OP_LOGIN_ASSERT);
	ck_field_bytes(m, CK_F_CREDENTIAL, rig.alice.id, rig.alice.id_length);
	ck_field_bytes(m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(m, CK_F_SIGNATURE, made.signature, made.signature_length);
	again = out;
	again.frame.w.start = again.bytes;
	again.frame.w.at = again.bytes + (out.frame.w.at - out.frame.w.start);
	again.frame.map.w = &again.frame.w;
	again.frame.map.head = again.bytes + (out.frame.map.head - out.bytes);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(rig_ask(&client, &again, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-challenge"));
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
		rig_connect(&client, 0);
		ck_assert_int_eq(rig_login_begin(&client, users[i], "tty1", "", &reply), CK_ANSWER_NEED_TOKEN);
		ck_assert(reply.present == (CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_SYSTEM) | CK_KEY(CK_F_CHALLENGE) | CK_KEY(CK_F_RP_ID) |
		                            CK_KEY(CK_F_ALLOW) | CK_KEY(CK_F_VERIFY) | CK_KEY(CK_F_TIME) | CK_KEY(CK_F_NONCE) |
		                            CK_KEY(CK_F_LOCAL)));
		ck_assert_uint_ge(reply.at[CK_F_ALLOW].number, 1);
		/* alice: spoiled; carol and the others: with alice's good key */
		ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, i == 0), CK_ANSWER_DENIED);
		struct ck_bytes got = copy_of(&client, &reply, i == 0 ? first : other);
		if (i == 0) expected = got;
		ck_assert_msg(ck_bytes_equal(got, expected), "%s is told apart", users[i]);
		ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
		ck_client_close(&client);
	}
}
END_TEST

START_TEST(the_reason_is_told_once_the_own_key_verified)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login(&client, "carol", &rig.carol, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-role"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
	ck_assert_int_eq(rig_account(&client, "carol", "carol", "login", &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "refused"));
	ck_client_close(&client);
}
END_TEST

START_TEST(presence_without_verification_is_not_enough)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, false, false), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_counter_that_went_back_is_refused)
{
	struct ck_client client;
	rig_connect(&client, 0);
	rig_login_refused(&client, "counter", NULL);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_counter_that_leapt_is_refused_by_its_name)
{
	struct ck_client client;
	rig_connect(&client, 0);
	rig_login_refused(&client, "counter-leap", NULL);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_is_not_recorded_is_unavailable)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	rig.refuse = "unrecorded";
	ck_assert_int_eq(rig_account(&client, "bob", "bob", "sshd", &reply), CK_ANSWER_UNAVAILABLE);
	ck_assert_int_eq(rig_login(&client, "alice", &rig.alice, &reply), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

START_TEST(without_a_ledger_nothing_is_granted)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	rig.ledger_silent = true;
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&rig.ledger);
	rig.ledger.fd = -1;
	rig_put_login(&out, CK_OP_ACCOUNT, "bob", "bob", "login", "tty1", NULL);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_UNAVAILABLE);
	/* and a new one is taken */
	rig.ledger_silent = false;
	rig_give_peer(CK_PROCESS_LEDGER, &rig.ledger);
	/* the supervisor's message and the client's come by different sockets: which is read first is nobody's promise */
	enum ck_answer answer = CK_ANSWER_UNAVAILABLE;
	for (int i = 0; i < 100 && answer == CK_ANSWER_UNAVAILABLE; i++) {
		answer = rig_account(&client, "bob", "bob", "login", &reply);
		if (answer == CK_ANSWER_UNAVAILABLE) usleep(20000);
	}
	ck_assert_int_eq(answer, CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

/* What costs no touch is not for filling the log with: whoever overdoes it waits, and nobody else does. */
START_TEST(one_user_has_so_much_recorded_and_no_more)
{
	struct ck_client bob, root;
	struct ck_map reply;
	enum ck_answer answer = CK_ANSWER_GRANTED;
	unsigned granted = 0;
	rig_connect(&bob, 200012);
	rig_connect(&root, 0);
	for (; granted < 5000 && (answer = rig_account(&bob, "bob", "bob", "sshd", &reply)) == CK_ANSWER_GRANTED; granted++);
	ck_assert_int_eq(answer, CK_ANSWER_UNAVAILABLE);
	ck_assert_uint_ge(granted, 400);
	ck_assert_int_eq(rig_account(&bob, "bob", "root", "sshd", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(rig_account(&root, "bob", "bob", "sshd", &reply), CK_ANSWER_GRANTED);
	ck_client_close(&bob);
	ck_client_close(&root);
}
END_TEST

START_TEST(a_rule_that_demands_nothing_needs_no_touch)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_account(&client, "bob", "bob", "sshd", &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(rig_account(&client, "bob", "root", "sshd", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(rig_account(&client, "bob", "self", "sshd", &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(rig_account(&client, "bob", "bob", "", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

/* Not even where a rule demands nothing: a name that was typed proves nothing. */
START_TEST(a_name_alone_authenticates_nobody)
{
	struct ck_client client;
	struct ck_map reply;
	bool verify = false;
	unsigned before = rig.events;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "bob", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert(ck_map_bool(&reply, CK_F_VERIFY, &verify) == CK_OK && verify);
	ck_assert_uint_eq(rig.events, before);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_key_filed_under_another_authority_is_nobodys)
{
	struct ck_client client;
	struct ck_map reply;
	struct ck_items items;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_array(&reply, CK_F_ALLOW, CK_ALLOW_LIMIT, &items), CK_OK);
	ck_assert_uint_eq(items.left, 1); /* her own */
	ck_assert_int_eq(rig_touch(&client, &rig.twin, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_person_begins_for_their_own_name_only)
{
	struct ck_client client;
	struct ck_map reply;
	uint8_t first[2048], other[2048];
	rig_connect(&client, 200011);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_login_begin(&client, "carol", "tty1", NULL, &reply), CK_ANSWER_DENIED);
	struct ck_bytes known = copy_of(&client, &reply, first);
	ck_assert_int_eq(rig_login_begin(&client, "nobody-there", "tty1", NULL, &reply), CK_ANSWER_DENIED);
	ck_assert(ck_bytes_equal(known, copy_of(&client, &reply, other)));
	ck_client_close(&client);
	rig_connect(&client, 4711);
	ck_assert_int_eq(rig_account(&client, "alice", "alice", "login", &reply), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const wire[] = {
		status_is_for_anybody,
		unknown_operation_is_an_error_and_the_connection_stays,
		a_missing_and_a_foreign_field_are_errors,
		garbage_cuts_off_only_its_sender,
		a_second_request_before_the_answer_cuts_off,
		a_descriptor_nobody_asked_for_cuts_off,
		half_a_frame_is_cut_off_in_time,
		one_user_does_not_take_all_places,
	};
	const TTest *const logins[] = {
		a_touch_lets_in_and_the_account_stage_believes_it,
		only_an_attested_key_opens_the_vault, an_assertion_is_good_once,
		refusals_without_a_proof_look_alike,
		the_reason_is_told_once_the_own_key_verified,
		presence_without_verification_is_not_enough,
		a_counter_that_went_back_is_refused,
		a_counter_that_leapt_is_refused_by_its_name,
		what_is_not_recorded_is_unavailable,
		without_a_ledger_nothing_is_granted,
		one_user_has_so_much_recorded_and_no_more, a_rule_that_demands_nothing_needs_no_touch,
		a_name_alone_authenticates_nobody,
		a_key_filed_under_another_authority_is_nobodys,
		a_person_begins_for_their_own_name_only,
	};
	Suite *suite = suite_create("gate");
	rig_add_case(suite, "wire", rig_set_up, wire, sizeof wire / sizeof wire[0]);
	rig_add_case(suite, "logins", rig_set_up, logins, sizeof logins / sizeof logins[0]);
	return rig_run(suite);
}
