/* A password beside the touch, at the gate: when it is asked for, what the replica is given, and what comes of each of its answers. The test is
   the replica. */
#include <check.h>
#include <string.h>

#include "tests/fakes/gate_rig.h"

#define WORD "correct horse battery"
static struct ck_client client;
static struct ck_map reply;

/* ---- fran, who may enter by the service safe ---- */

static enum ck_answer begin(const char *user, const char *service)
{
	struct rig_frame out;
	rig_put_login(&out, CK_OP_LOGIN_BEGIN, user, user, service, "tty1", NULL);
	return rig_ask(&client, &out, &reply);
}

static void touch_safe(void)
{
	rig_connect(&client, 0);
	ck_assert_int_eq(begin("fran", "safe"), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.fran, &reply, true, false), CK_ANSWER_NEED_PASSWORD);
}

static void send_password(const void *bytes, size_t length)
{
	struct rig_frame out;
	ck_field_bytes(rig_begin(&out, CK_OP_LOGIN_PASSWORD), CK_F_PASSWORD, bytes, length);
	rig_send(&client, &out, -1);
}

/* What the replica is asked; answers it. */
static void serve(bool right, const char *reason, const char *message)
{
	struct rig_frame out;
	static struct ck_map asked;
	ck_assert_int_eq(ck_client_receive(&rig.replica, &asked, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_assert_uint_eq(rig_number(&asked, CK_F_TYPE), CK_MSG_PASSWORD);
	ck_assert(rig_text_is(&asked, CK_F_USER, "fran") && rig_text_is(&asked, CK_F_SERVICE, "safe") && rig_text_is(&asked, CK_F_TTY, "tty1"));
	ck_assert(ck_bytes_equal(asked.at[CK_F_PASSWORD].span, ck_bytes_of(ck_text_of(WORD))));
	ck_assert(ck_bytes_equal(asked.at[CK_F_CREDENTIAL].span, (struct ck_bytes){rig.fran.id, rig.fran.id_length}));
	ck_assert_uint_eq(asked.at[CK_F_NONCE].span.length, CK_NONCE_BYTES);
	ck_assert_uint_eq(rig_number(&asked, CK_F_PEER_UID), 0);
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_PASSWORD_CHECKED);
	ck_field_uint(m, CK_F_REQUEST, rig_number(&asked, CK_F_REQUEST));
	ck_field_string(m, CK_F_MESSAGE, message);
	ck_field_string(m, CK_F_REASON, reason);
	ck_field_bool(m, CK_F_VERDICT, right);
	rig_send(&rig.replica, &out, -1);
}

static enum ck_answer answered(void)
{
	ck_assert(rig_receive(&client, &reply));
	return (enum ck_answer)rig_number(&reply, CK_F_TYPE);
}

static enum ck_answer tried(bool right, const char *reason, const char *message)
{
	send_password(WORD, sizeof WORD - 1);
	serve(right, reason, message);
	return answered();
}

static enum ck_answer account(void)
{
	struct rig_frame out;
	rig_put_login(&out, CK_OP_ACCOUNT, "fran", "fran", "safe", "tty1", NULL);
	return rig_ask(&client, &out, &reply);
}

/* ---- */

/* Their key has proved it, whatever becomes of the password; and once. */
START_TEST(whoever_looks_for_their_password_spends_no_try)
{
	touch_safe();
	for (int i = 0; i < 3 && rig.proved == 0; i++) rig_serve_ledger();
	ck_assert_uint_eq(rig.proved, 1);
	ck_assert_int_eq(tried(false, "wrong", "no"), CK_ANSWER_DENIED);
	ck_client_close(&client);
	ck_assert_int_eq(rig_end_gate(), 0);
	ck_assert_uint_eq(rig.tries, 1);
	ck_assert_uint_eq(rig.proved, 1);
}
END_TEST

START_TEST(a_right_one_lets_in)
{
	touch_safe();
	ck_assert_uint_eq(rig.events, 0); /* a touch alone is not recorded here: the attempt is, by the replica */
	ck_assert_int_eq(tried(true, "right", NULL), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(reply.at[CK_F_LOGIN_ID].span.length, CK_LOGIN_ID_BYTES);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_GRANTED);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_TOUCH | CK_PROVED_PASSWORD | CK_PROVED_VERIFIED);
	ck_assert_uint_eq(rig.event.at[CK_F_DIGEST].span.length, 32);
	ck_assert((rig.event.present & CK_KEY(CK_F_COUNT)) == 0);
	ck_assert_int_eq(account(), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_it_says_of_a_right_one_is_told)
{
	touch_safe();
	ck_assert_int_eq(tried(true, "grace", "it opens once more"), CK_ANSWER_GRANTED);
	ck_assert(rig_text_is(&reply, CK_F_MESSAGE, "it opens once more") && rig_text_is(&reply, CK_F_REASON, "grace"));
	ck_client_close(&client);
}
END_TEST

START_TEST(a_wrong_one_does_not)
{
	touch_safe();
	ck_assert_int_eq(tried(false, "password-wrong", "it is wrong"), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "password-wrong") && rig_text_is(&reply, CK_F_MESSAGE, "it is wrong"));
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
	ck_assert(rig_text_is(&rig.event, CK_F_REASON, "password-wrong"));
	ck_assert_int_eq(account(), CK_ANSWER_DENIED);
	send_password(WORD, sizeof WORD - 1); /* and the touch is used up */
	ck_assert_int_eq(answered(), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-challenge"));
	ck_client_close(&client);
}
END_TEST

START_TEST(nobody_who_could_check_is_unavailable)
{
	touch_safe();
	ck_assert_int_eq(tried(false, "unavailable", "the directory is gone"), CK_ANSWER_UNAVAILABLE);
	ck_assert(rig_text_is(&reply, CK_F_MESSAGE, "the directory is gone"));
	ck_client_close(&client);
}
END_TEST

START_TEST(no_replica_is_unavailable_before_anything_is_typed)
{
	rig_connect(&client, 0);
	ck_client_close(&rig.replica);
	enum ck_answer answer = CK_ANSWER_NEED_PASSWORD;
	for (int i = 0; i < 1000 && answer == CK_ANSWER_NEED_PASSWORD; i++) { /* until it has noticed */
		ck_assert_int_eq(begin("fran", "safe"), CK_ANSWER_NEED_TOKEN);
		answer = rig_touch(&client, &rig.fran, &reply, true, false);
	}
	ck_assert_int_eq(answer, CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

START_TEST(a_replica_that_dies_is_unavailable)
{
	touch_safe();
	send_password(WORD, sizeof WORD - 1);
	ck_client_close(&rig.replica);
	ck_assert_int_eq(answered(), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

START_TEST(without_a_record_nobody_is_let_in)
{
	touch_safe();
	send_password(WORD, sizeof WORD - 1);
	rig.refuse = "unrecorded";
	serve(true, "right", NULL);
	ck_assert_int_eq(answered(), CK_ANSWER_UNAVAILABLE);
	rig.refuse = NULL;
	ck_assert_int_eq(account(), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(who_must_change_it_is_let_in_only_then)
{
	touch_safe();
	ck_assert_int_eq(tried(true, "must-change", "choose your own"), CK_ANSWER_GRANTED);
	ck_assert((reply.present & CK_KEY(CK_F_LOGIN_ID)) == 0);
	ck_assert_int_eq(account(), CK_ANSWER_NEED_PASSWORD);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "must-change"));
	ck_assert((reply.present & CK_KEY(CK_F_LOGIN_ID)) == 0);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_ACCOUNT_REFUSED);
	ck_client_close(&client);
}
END_TEST

/* The replica's answer to a change on this connection. */
static void changed_for(const char *user)
{
	static struct ck_map asked;
	struct rig_frame out;
	uint8_t body[128], zeros[32] = {0};
	struct ck_writer w;
	struct ck_map_writer m, *request = rig_begin(&out, CK_OP_PASSWORD_CHANGE);
	ck_field_bytes(request, CK_F_CREDENTIAL, "x", 1);
	ck_field_bytes(request, CK_F_AUTH_DATA, "x", 1);
	ck_field_bytes(request, CK_F_SIGNATURE, "x", 1);
	ck_field_bytes(request, CK_F_NONCE, zeros, sizeof zeros);
	ck_field_bytes(request, CK_F_PASSWORD, "old", 3);
	ck_field_bytes(request, CK_F_NEW_PASSWORD, "new", 3);
	rig_send(&client, &out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.replica, &asked, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	ck_writer_init(&w, body, sizeof body);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_ANSWER_GRANTED);
	ck_field_string(&m, CK_F_USER, user);
	ck_map_end(&m);
	struct ck_map_writer *relayed = rig_begin(&out, CK_MSG_RELAYED);
	ck_field_uint(relayed, CK_F_REQUEST, rig_number(&asked, CK_F_REQUEST));
	ck_field_bytes(relayed, CK_F_BODY, body, ck_writer_length(&w));
	rig_send(&rig.replica, &out, -1);
	ck_assert_int_eq(answered(), CK_ANSWER_GRANTED);
}

START_TEST(a_change_of_theirs_lets_go_on)
{
	touch_safe();
	ck_assert_int_eq(tried(true, "must-change", NULL), CK_ANSWER_GRANTED);
	changed_for("erin");
	ck_assert_int_eq(account(), CK_ANSWER_NEED_PASSWORD);
	changed_for("fran");
	ck_assert_int_eq(account(), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

START_TEST(only_what_is_one_is_passed_on)
{
	static const uint8_t long_one[513] = {'a'};
	static const struct {
		const void *bytes;
		size_t length;
	} none[] = {{"", 0}, {"a\0b", 3}, {long_one, sizeof long_one}};
	for (size_t i = 0; i < 3; i++) {
		touch_safe();
		send_password(none[i].bytes, none[i].length);
		ck_assert_int_eq(answered(), CK_ANSWER_DENIED);
		ck_assert(rig_text_is(&reply, CK_F_REASON, "password-form"));
		ck_client_close(&client);
	}
}
END_TEST

START_TEST(without_a_touch_there_is_nothing_to_try)
{
	rig_connect(&client, 0);
	send_password(WORD, sizeof WORD - 1);
	ck_assert_int_eq(answered(), CK_ANSWER_DENIED);
	ck_assert_int_eq(begin("fran", "safe"), CK_ANSWER_NEED_TOKEN);
	send_password(WORD, sizeof WORD - 1);
	ck_assert_int_eq(answered(), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "no-challenge"));
	ck_assert_int_eq(begin("fran", "safe"), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.erin, &reply, true, false), CK_ANSWER_DENIED); /* somebody else's key */
	ck_assert(rig_text_is(&reply, CK_F_REASON, "refused"));
	ck_client_close(&client);
}
END_TEST

START_TEST(another_login_forgets_it)
{
	touch_safe();
	ck_assert_int_eq(begin("fran", "safe"), CK_ANSWER_NEED_TOKEN);
	send_password(WORD, sizeof WORD - 1);
	ck_assert_int_eq(answered(), CK_ANSWER_DENIED);
	ck_client_close(&client);
}
END_TEST

START_TEST(where_none_is_wanted_none_is_asked_for)
{
	rig_connect(&client, 0);
	ck_assert_int_eq(begin("fran", "login"), CK_ANSWER_NEED_TOKEN); /* more than a password is missing */
	ck_assert_int_eq(rig_touch(&client, &rig.fran, &reply, true, false), CK_ANSWER_DENIED);
	ck_assert_int_eq(begin("erin", "login"), CK_ANSWER_NEED_TOKEN); /* nothing is */
	ck_assert_int_eq(rig_touch(&client, &rig.erin, &reply, true, false), CK_ANSWER_GRANTED);
	ck_client_close(&client);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		whoever_looks_for_their_password_spends_no_try, a_right_one_lets_in, what_it_says_of_a_right_one_is_told, a_wrong_one_does_not, nobody_who_could_check_is_unavailable,
		no_replica_is_unavailable_before_anything_is_typed, a_replica_that_dies_is_unavailable, without_a_record_nobody_is_let_in,
		who_must_change_it_is_let_in_only_then, a_change_of_theirs_lets_go_on, only_what_is_one_is_passed_on,
		without_a_touch_there_is_nothing_to_try, another_login_forgets_it, where_none_is_wanted_none_is_asked_for,
	};
	Suite *suite = suite_create("gate password");
	rig_add_case(suite, "password", rig_set_up, tests, sizeof tests / sizeof tests[0]);
	return rig_run(suite);
}
