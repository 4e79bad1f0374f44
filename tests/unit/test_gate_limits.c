/* What a gate limits and whom it tells what: tries by where they come from, places by who started what takes them, and whose credentials
   are shown to whom. The ledger that counts is the rig's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakes/gate_rig.h"

static void serve_until(const unsigned *count, unsigned wanted)
{
	int64_t until_ms = ck_clock_monotonic_ms() + PATIENCE_MS;
	while (*count < wanted && ck_clock_monotonic_ms() < until_ms) rig_serve_ledger();
	ck_assert_uint_ge(*count, wanted);
}

/* The source that a login from there is counted to; NULL: it is counted to none. */
static const uint8_t *source_of(uid_t uid, const char *user, const char *tty, const char *remote_host)
{
	static uint8_t copies[8][CK_SOURCE_BYTES];
	static unsigned at;
	struct ck_client client;
	struct ck_map reply;
	unsigned before = rig.tries;
	rig_connect(&client, uid);
	ck_assert_int_eq(rig_login_begin(&client, user, tty, remote_host, &reply), CK_ANSWER_NEED_TOKEN);
	ck_client_close(&client);
	if (rig.tries == before) return NULL;
	at = (at + 1) % 8;
	memcpy(copies[at], rig.source, sizeof rig.source);
	return copies[at];
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	return memcmp(a, b, CK_SOURCE_BYTES) == 0;
}

/* ---- where it comes from ---- */

START_TEST(a_source_is_a_host_or_a_terminal_and_never_a_name)
{
	const uint8_t *host = source_of(0, "alice", "ssh", "10.0.0.1");
	ck_assert(same(host, source_of(0, "nobody-there", "ssh", "10.0.0.1")));
	ck_assert(same(host, source_of(0, "alice", "pts/1", "10.0.0.1")));
	ck_assert(!same(host, source_of(0, "alice", "ssh", "10.0.0.2")));
	ck_assert(!same(host, source_of(0, "alice", "tty1", NULL)));
	ck_assert(!same(source_of(0, "alice", "tty2", NULL), source_of(0, "alice", "tty1", NULL)));
	ck_assert(same(source_of(0, "bob", "tty1", NULL), source_of(0, "alice", "tty1", NULL)));
	/* of IPv6 the site */
	ck_assert(same(source_of(0, "alice", "ssh", "2001:db8::1"), source_of(0, "alice", "ssh", "2001:db8::ffff:2")));
	ck_assert(!same(source_of(0, "alice", "ssh", "2001:db8::1"), source_of(0, "alice", "ssh", "2001:db8:0:1::1")));
	/* sshd names the interface of an address that is good on its link alone, of which a machine has as many as it likes */
	ck_assert(same(source_of(0, "alice", "ssh", "fe80::1%eth0"), source_of(0, "alice", "ssh", "fe80::abcd:2%eth0")));
	ck_assert(!same(source_of(0, "alice", "ssh", "fe80::1%eth0"), source_of(0, "alice", "ssh", "fe80::1%eth1")));
}
END_TEST

START_TEST(where_nothing_is_known_nothing_is_counted)
{
	/* else a stranger at some service without a host would spend what is everybody's */
	ck_assert_ptr_null(source_of(0, "alice", NULL, NULL));
}
END_TEST

START_TEST(whoever_started_roots_program_is_the_source)
{
	const uint8_t *own = source_of(200011, "alice", "pts/1", "10.0.0.1");
	ck_assert(same(own, source_of(200011, "alice", "pts/2", "10.0.0.2")));
	/* su: the real uid stays that of the caller */
	ck_assert_int_eq(setresuid(200011, 0, 0), 0);
	ck_assert(same(own, source_of(0, "bob", "pts/1", NULL)));
	ck_assert(same(own, source_of(0, "carol", "tty1", "10.0.0.9")));
	ck_assert_int_eq(setresuid(200012, 0, 0), 0);
	ck_assert(!same(own, source_of(0, "bob", "pts/1", NULL)));
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

/* sudo: root all over, and below a user's shell. */
START_TEST(a_parent_is_found_too)
{
	const uint8_t *own = source_of(200011, "alice", "pts/1", NULL);
	ck_assert_int_eq(setresuid(200011, 0, 0), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (setresuid(0, 0, 0) != 0) _exit(2);
		_exit(same(own, source_of(0, "bob", "pts/1", NULL)) ? 0 : 1);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- too many ---- */

START_TEST(too_many_tries_are_refused_alike_for_all_names)
{
	static const char *const users[] = {"alice", "bob", "nobody-there"};
	for (size_t i = 0; i < 3; i++) {
		struct ck_client client;
		struct ck_map reply;
		rig.try_wait_ms = 2001;
		rig_connect(&client, 0);
		ck_assert_int_eq(rig_login_begin(&client, users[i], "tty1", NULL, &reply), CK_ANSWER_DENIED);
		ck_assert(rig_text_is(&reply, CK_F_REASON, "too-many-tries"));
		ck_assert(rig_text_is(&reply, CK_F_MESSAGE, "too many tries from here; try again in 3 s"));
		ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_REFUSED);
		ck_assert_uint_eq(rig_number(&rig.event, CK_F_PROVED), CK_PROVED_NOTHING);
		ck_assert(rig_text_is(&rig.event, CK_F_REASON, "too-many-tries"));
		rig.try_wait_ms = 0;
		ck_assert_int_eq(rig_login_begin(&client, users[i], "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
		ck_client_close(&client);
	}
}
END_TEST

START_TEST(without_the_ledger_nothing_is_begun)
{
	struct ck_client client;
	struct ck_map reply;
	rig.ledger_silent = true;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_UNAVAILABLE);
	ck_client_close(&client);
}
END_TEST

START_TEST(what_a_key_proves_does_not_count)
{
	struct ck_client client;
	struct ck_map reply;
	uint8_t source[CK_SOURCE_BYTES];
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	memcpy(source, rig.source, sizeof source);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig.proved, 1);
	ck_assert(same(source, rig.source));
	/* refused, but by her own key */
	ck_assert_int_eq(rig_login(&client, "carol", &rig.carol, &reply), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig.proved, 2);
	/* by another's, by a bad signature */
	ck_assert_int_eq(rig_login(&client, "alice", &rig.carol, &reply), CK_ANSWER_DENIED);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, true), CK_ANSWER_DENIED);
	ck_assert_uint_eq(rig.proved, 2);
	ck_client_close(&client);
	rig_connect(&client, 200011);
	rig_identify(&client, "alice", &rig.alice);
	ck_assert_uint_eq(rig.proved, 3);
	ck_client_close(&client);
}
END_TEST

/* With the record of what came of it, and not again with the next or at the end. */
START_TEST(what_is_proved_is_told_once)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig.proved, 1);
	ck_assert_int_eq(rig_account(&client, "alice", "alice", "login", &reply), CK_ANSWER_GRANTED);
	ck_assert_int_eq(rig_login_begin(&client, "bob", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_client_close(&client);
	serve_until(&rig.events, 3); /* granted, granted, abandoned */
	ck_assert_int_eq(rig_end_gate(), 0);
	ck_assert_uint_eq(rig.tries, 2);
	ck_assert_uint_eq(rig.proved, 1);
}
END_TEST

/* The replica grants with those fields, as anybody whose it may be. */
static void relayed(struct ck_client *client, struct rig_frame *out)
{
	static const uint8_t granted[] = {0xa1, 0x00, 0x01};
	struct ck_map message;
	rig_send(client, out, -1);
	ck_assert_int_eq(ck_client_receive(&rig.replica, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
	uint64_t request = rig_number(&message, CK_F_REQUEST);
	struct ck_map_writer *m = rig_begin(out, CK_MSG_RELAYED);
	ck_field_uint(m, CK_F_REQUEST, request);
	ck_field_bytes(m, CK_F_BODY, granted, sizeof granted);
	rig_send(&rig.replica, out, -1);
	ck_assert(rig_receive(client, &message));
	ck_assert_uint_eq(rig_number(&message, CK_F_TYPE), CK_ANSWER_GRANTED);
}

/* What is granted without a key gives no login back that was begun; what a key signed does. */
START_TEST(a_batch_of_a_plan_proves_nothing)
{
	static const uint8_t zeros[32];
	for (unsigned touched = 0; touched < 2; touched++) {
		struct ck_client client;
		struct ck_map reply;
		struct rig_frame out;
		rig_connect(&client, 200011);
		ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
		struct ck_map_writer *m = rig_begin(&out, touched ? CK_OP_PASSWORD_CHANGE : CK_OP_PLAN_BATCH);
		if (touched) {
			ck_field_bytes(m, CK_F_CREDENTIAL, "x", 1);
			ck_field_bytes(m, CK_F_AUTH_DATA, "x", 1);
			ck_field_bytes(m, CK_F_SIGNATURE, "x", 1);
			ck_field_bytes(m, CK_F_NONCE, zeros, sizeof zeros);
			ck_field_bytes(m, CK_F_PASSWORD, "old", 3);
			ck_field_bytes(m, CK_F_NEW_PASSWORD, "new", 3);
		} else {
			ck_field_bytes(m, CK_F_ID, zeros, 16);
			ck_field_bytes(m, CK_F_STATEMENTS, "x", 1);
			ck_field_bytes(m, CK_F_VALUES, "x", 1);
			ck_field_uint(m, CK_F_INDEX, 0);
		}
		relayed(&client, &out);
		ck_client_close(&client);
		serve_until(&rig.events, touched + 1); /* abandoned */
		ck_assert_uint_eq(rig.proved, touched);
	}
}
END_TEST

/* One question to the ledger tells whether it may be begun and whose session it is begun in. */
START_TEST(a_try_asks_where_it_is_too)
{
	struct ck_client client;
	struct ck_map reply;
	bool local = true;
	rig.inside = true;
	rig_connect(&client, 200011);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "pts/1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_bool(&reply, CK_F_LOCAL, &local), CK_OK);
	ck_assert(local);
	ck_assert_uint_eq(rig.tries, 1);
	ck_assert_uint_eq(rig.finds, 1);
	ck_assert_uint_eq(rig.asked, 1);
	rig.session_host = "10.0.0.1";
	ck_assert_int_eq(rig_login_begin(&client, "alice", "pts/1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_bool(&reply, CK_F_LOCAL, &local), CK_OK);
	ck_assert(!local);
	ck_assert_uint_eq(rig.asked, 2);
	rig.try_wait_ms = 1000;
	ck_assert_int_eq(rig_login_begin(&client, "alice", "pts/1", NULL, &reply), CK_ANSWER_DENIED);
	ck_assert(rig_text_is(&reply, CK_F_REASON, "too-many-tries"));
	ck_client_close(&client);
}
END_TEST

START_TEST(a_key_that_is_used_too_often_hears_how_long_to_wait)
{
	struct ck_client client;
	rig_connect(&client, 0);
	rig.wait_ms = 900;
	rig_login_refused(&client, "too-many-logins", "your key was used too often just now; try again in 1 s");
	ck_client_close(&client);
}
END_TEST

START_TEST(an_operators_questions_are_limited_but_roots_are_not)
{
	static const enum ck_op ops[] = {CK_OP_IDENTIFY, CK_OP_CHANGE_BEGIN, CK_OP_ENROL_BEGIN};
	struct ck_map reply;
	struct rig_frame out;
	rig.try_wait_ms = 1000;
	for (size_t i = 0; i < 3; i++) {
		struct ck_client client;
		rig_connect(&client, 4711);
		ck_field_string(rig_begin(&out, ops[i]), ops[i] == CK_OP_ENROL_BEGIN ? CK_F_USER : CK_F_AS, "alice");
		ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_DENIED);
		ck_assert(rig_text_is(&reply, CK_F_REASON, "too-many-tries"));
		ck_client_close(&client);
	}
	ck_assert_uint_eq(rig.tries, 3);
	struct ck_client root;
	rig_connect(&root, 0);
	ck_field_string(rig_begin(&out, CK_OP_IDENTIFY), CK_F_AS, "alice");
	ck_assert_int_eq(rig_ask(&root, &out, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_uint_eq(rig.tries, 3);
	ck_client_close(&root);
}
END_TEST

/* ---- begun and left ---- */

START_TEST(a_login_that_nobody_ends_is_recorded)
{
	struct ck_client client;
	struct ck_map reply;
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "bob", "tty1", "10.0.0.1", &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_uint_eq(rig.events, 0);
	ck_client_close(&client);
	serve_until(&rig.events, 1);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_ABANDONED);
	ck_assert(rig_text_is(&rig.event, CK_F_USER, "bob"));
	ck_assert(rig_text_is(&rig.event, CK_F_REMOTE_HOST, "10.0.0.1"));
	ck_assert(rig_text_is(&rig.event, CK_F_REASON, "no-answer"));
	/* begun anew on the same connection */
	rig_connect(&client, 0);
	ck_assert_int_eq(rig_login_begin(&client, "bob", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(rig_login_begin(&client, "alice", "tty1", NULL, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_uint_eq(rig.events, 2);
	ck_assert_uint_eq(rig_number(&rig.event, CK_F_EVENT), CK_EVENT_LOGIN_ABANDONED);
	/* and one that was answered is not left */
	ck_assert_int_eq(rig_touch(&client, &rig.alice, &reply, true, false), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig.events, 3);
	ck_assert_int_eq(rig_account(&client, "alice", "alice", "login", &reply), CK_ANSWER_GRANTED);
	ck_assert_uint_eq(rig.events, 4);
	ck_client_close(&client);
	ck_assert_int_eq(rig_end_gate(), 0);
	ck_assert_uint_eq(rig.events, 4);
}
END_TEST

/* ---- places ---- */

/* Whoever has su wait is counted like whoever connects by themself, once half of the places are taken. */
START_TEST(roots_programs_are_counted_to_who_started_them)
{
	struct ck_client crowd[40], console;
	struct ck_map reply;
	struct rig_frame out;
	unsigned served = 0;
	ck_assert_int_eq(setresuid(4711, 0, 0), 0);
	rig.tolerant = true;
	for (size_t i = 0; i < 40; i++) {
		size_t length;
		rig_connect(&crowd[i], 0);
		rig_begin(&out, CK_OP_STATUS);
		ck_assert_int_eq(ck_frame_end(&out.frame, &length), CK_OK);
		if (ck_client_send(&crowd[i], out.bytes, length, -1, ck_clock_monotonic_ms() + PATIENCE_MS) == CK_OK)
			served += rig_receive(&crowd[i], &reply);
	}
	ck_assert_uint_eq(served, 24); /* half of 32, and then a quarter */
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	rig_connect(&console, 0);
	rig_begin(&out, CK_OP_STATUS);
	ck_assert_int_eq(rig_ask(&console, &out, &reply), CK_ANSWER_GRANTED);
	ck_client_close(&console);
	for (size_t i = 0; i < 40; i++) ck_client_close(&crowd[i]);
}
END_TEST

/* ---- whose credentials ---- */

static bool shows_alices(uid_t uid)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	struct ck_items items;
	struct ck_item item = {0};
	rig_connect(&client, uid);
	ck_field_string(rig_begin(&out, CK_OP_IDENTIFY), CK_F_AS, "alice");
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_array(&reply, CK_F_ALLOW, CK_ALLOW_LIMIT, &items), CK_OK);
	ck_assert(ck_items_next(&items, &item));
	bool shown = ck_bytes_equal(item.span, (struct ck_bytes){rig.alice.id, rig.alice.id_length});
	ck_client_close(&client);
	return shown;
}

START_TEST(credentials_are_shown_to_their_owner_and_to_root)
{
	ck_assert(shows_alices(0));
	ck_assert(shows_alices(200011));
	ck_assert(!shows_alices(200012)); /* bob */
	ck_assert(!shows_alices(4711));   /* some local account */
}
END_TEST

/* ---- who is asked to verify ---- */

static bool asks(const char *user, const char *service)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	bool verify = false;
	rig_connect(&client, 0);
	rig_put_login(&out, CK_OP_LOGIN_BEGIN, user, user, service, "tty1", NULL);
	ck_assert_int_eq(rig_ask(&client, &out, &reply), CK_ANSWER_NEED_TOKEN);
	ck_assert_int_eq(ck_map_bool(&reply, CK_F_VERIFY, &verify), CK_OK);
	ck_client_close(&client);
	return verify;
}

/* "kiosk" is entered with a touch alone by those of the vault; by no other service is anybody. */
START_TEST(not_to_be_asked_for_a_pin_does_not_tell_a_name)
{
	char user[16];
	unsigned asked = 0;
	ck_assert(!asks("erin", "kiosk"));
	for (unsigned i = 0; i < 64; i++) {
		snprintf(user, sizeof user, "nobody-%u", i);
		ck_assert(asks(user, "login"));
		bool first = asks(user, "kiosk");
		ck_assert(first == asks(user, "kiosk"));
		asked += first;
	}
	ck_assert_msg(asked >= 8 && asked <= 56, "%u of 64 names that nobody has are asked for a PIN", asked);
	ck_assert(asks("alice", "login"));
}
END_TEST

int main(void)
{
	const TTest *const sources[] = {
		a_source_is_a_host_or_a_terminal_and_never_a_name,
		where_nothing_is_known_nothing_is_counted,
		whoever_started_roots_program_is_the_source,
		a_parent_is_found_too,
	};
	const TTest *const limits[] = {
		too_many_tries_are_refused_alike_for_all_names,
		without_the_ledger_nothing_is_begun,
		what_a_key_proves_does_not_count,
		what_is_proved_is_told_once,
		a_batch_of_a_plan_proves_nothing,
		a_try_asks_where_it_is_too,
		a_key_that_is_used_too_often_hears_how_long_to_wait,
		an_operators_questions_are_limited_but_roots_are_not,
		a_login_that_nobody_ends_is_recorded,
		roots_programs_are_counted_to_who_started_them,
	};
	const TTest *const told[] = {
		credentials_are_shown_to_their_owner_and_to_root,
		not_to_be_asked_for_a_pin_does_not_tell_a_name,
	};
	Suite *suite = suite_create("gate_limits");
	rig_add_case(suite, "sources", rig_set_up, sources, sizeof sources / sizeof sources[0]);
	rig_add_case(suite, "limits", rig_set_up, limits, sizeof limits / sizeof limits[0]);
	rig_add_case(suite, "told", rig_set_up, told, sizeof told / sizeof told[0]);
	return rig_run(suite);
}
