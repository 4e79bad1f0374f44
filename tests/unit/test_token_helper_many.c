/* The token helper with several keys, and with keys that hang, are slow, are held by another program, are pulled out or plugged in meanwhile:
   none of them keeps a good one from serving, and each is told what to do. */
#include "tests/unit/test_token_helper.h"

#define SEVERAL "Several security keys are plugged in: touch the one to use"
#define REMOVED "The security key was taken out: plug it in again"
#define BUSY "A security key is in use by another program: end that program, or take the key out and plug it in again, or use another one"
#define SILENT "A security key does not answer: take it out and plug it in again, or use another one"

static void make_trouble(const char *name, enum ck_soft_trouble what, enum ck_soft_moment when)
{
	struct trouble trouble = {what, when, 0};
	update(name, put_trouble, &trouble);
}

static struct request request_for_both(const struct ck_soft_credential *a, const struct ck_soft_credential *b, bool verify)
{
	struct request request = request_for(a, verify);
	request.ids[request.count++] = (struct ck_bytes){b->id, b->id_length};
	request.time_ms = LONG_MS;
	return request;
}

static unsigned pins_seen_by(const char *name)
{
	char path[256];
	static struct ck_soft_state state;
	snprintf(path, sizeof path, "%s/%s", root, name);
	ck_assert_int_eq(ck_soft_load(path, &state, NULL), CK_OK);
	return state.pins_seen;
}

/* ---- a key that does not answer ---- */
static const enum ck_soft_moment opening[] = {CK_SOFT_AT_OPEN, CK_SOFT_AT_INIT, CK_SOFT_AT_INFO, CK_SOFT_AT_PROBE};
#define OPENINGS (sizeof opening / sizeof opening[0])

START_TEST(another_hangs)
{
	/* stuck ones never come back from the call: whoever waited for one would wait until the test is over */
	struct talk talk;
	struct ck_soft_credential credential[2];
	be_hasty();
	create_key("a-hung", "1111", 0, &credential[0]);
	create_key("b-good", "2222", 0, &credential[1]);
	make_trouble("a-hung", (size_t)_i < OPENINGS ? CK_SOFT_STUCK : CK_SOFT_HUNG, opening[(size_t)_i < OPENINGS ? (size_t)_i : (size_t)_i - OPENINGS + 1]);
	struct request request = request_for_both(&credential[0], &credential[1], true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], true);
	ck_assert_uint_eq(pins_seen_by("a-hung"), 0);
}
END_TEST

START_TEST(many_hang)
{
	struct talk talk;
	struct ck_soft_credential credential;
	char name[] = "a";
	be_hasty();
	create_key("z-good", NULL, 0, &credential);
	for (; name[0] < 'm'; name[0]++) {
		create_key(name, NULL, 0, NULL);
		make_trouble(name, CK_SOFT_STUCK, opening[(size_t)name[0] % OPENINGS]);
	}
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(another_is_slow)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	struct trouble slow = {CK_SOFT_SLOW, CK_SOFT_AT_INFO, 60000};
	be_hasty();
	create_key("a-slow", NULL, 0, &credential[0]);
	create_key("b-good", NULL, 0, &credential[1]);
	update("a-slow", put_trouble, &slow);
	struct request request = request_for_both(&credential[0], &credential[1], false);
	ask(&talk, &request);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], false);
}
END_TEST

START_TEST(only_a_slow_one)
{
	struct talk talk;
	struct ck_soft_credential credential;
	struct trouble slow = {CK_SOFT_SLOW, CK_SOFT_AT_INFO, 2500};
	be_hasty();
	create_key("mine", NULL, 0, &credential);
	update("mine", put_trouble, &slow);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_said(&talk, "key-silent", SILENT);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(only_a_hung_one)
{
	struct talk talk;
	struct ck_soft_credential credential;
	be_hasty();
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_STUCK, opening[_i]);
	struct request request = request_for(&credential, false);
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect_said(&talk, "key-silent", SILENT);
	expect_last(&talk, "key-silent", "The security key does not answer: take it out, plug it in again, and begin anew");
}
END_TEST

START_TEST(a_hung_one_plugged_in_again)
{
	struct talk talk;
	struct ck_soft_credential credential;
	be_hasty();
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_STUCK, CK_SOFT_AT_INIT);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_said(&talk, "key-silent", SILENT);
	misbehave("mine", CK_SOFT_REMOVED);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	make_trouble("mine", CK_SOFT_WELL, CK_SOFT_AT_NONE);
	misbehave("mine", 0);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(the_chosen_one_hangs)
{
	/* at its PIN; the other one is used then, and gets its own PIN only */
	struct talk talk;
	struct ck_soft_credential credential[2];
	be_hasty();
	create_key("a", "1111", 0, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	make_trouble("a", CK_SOFT_STUCK, CK_SOFT_AT_PIN);
	struct request request = request_for_both(&credential[0], &credential[1], true);
	ask(&talk, &request);
	expect_said(&talk, "touch-now", SEVERAL);
	expect_said(&talk, "key-silent", SILENT);
	expect_pin_wanted(&talk, 8);
	misbehave("b", 0);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], true);
	ck_assert_uint_eq(pins_seen_by("a"), 0);
}
END_TEST

/* ---- held by another program ---- */
START_TEST(busy_then_free)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_BUSY, opening[_i]);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_said(&talk, "key-busy", BUSY);
	make_trouble("mine", CK_SOFT_WELL, CK_SOFT_AT_NONE);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(busy_and_stays_so)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_BUSY, opening[_i]);
	struct request request = request_for(&credential, false);
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect_said(&talk, "key-busy", BUSY);
	expect_last(&talk, "key-busy", "The security key is in use by another program: end that program, and begin anew");
}
END_TEST

START_TEST(another_is_busy)
{
	/* said, and the other one serves */
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a-busy", NULL, 0, &credential[0]);
	create_key("b-good", NULL, CK_SOFT_NO_TOUCH, &credential[1]);
	make_trouble("a-busy", CK_SOFT_BUSY, CK_SOFT_AT_OPEN);
	struct request request = request_for_both(&credential[0], &credential[1], false);
	ask(&talk, &request);
	expect_touch(&talk);
	expect_said(&talk, "key-busy", BUSY);
	misbehave("b-good", 0);
	expect_asserted(&talk, &credential[1], false);
}
END_TEST

static void expect_asserted_sooner_or_later(struct talk *talk, const struct ck_soft_credential *credential)
{
	struct ck_bytes id;
	for (next(talk); talk->type == CK_TOKEN_SAY; next(talk)) ck_assert_str_eq(talk->reason, "touch-now");
	ck_assert_uint_eq(talk->type, CK_TOKEN_ASSERTED);
	ck_assert_int_eq(ck_map_bytes(&talk->map, CK_F_CREDENTIAL, 1, 1023, &id), CK_OK);
	ck_assert(ck_bytes_equal(id, (struct ck_bytes){credential->id, credential->id_length}));
	expect_exit(talk, 0);
}

START_TEST(busy_at_the_touch)
{
	/* tried again a few times, then given up */
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_BUSY, CK_SOFT_AT_ASSERT);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_touch(&talk);
	expect_touch(&talk);
	if (_i == 0) {
		make_trouble("mine", CK_SOFT_WELL, CK_SOFT_AT_NONE); /* the second wait may have failed by now, or not */
		expect_asserted_sooner_or_later(&talk, &credential);
	} else {
		expect_touch(&talk);
		expect(&talk, CK_TOKEN_SAY, "device-error");
		give_up(&talk);
	}
}
END_TEST

/* ---- pulled out ---- */
START_TEST(gone_while_opening)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_GONE, opening[_i]);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	misbehave("mine", 0);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(gone_at_the_pin)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	make_trouble("mine", CK_SOFT_GONE, CK_SOFT_AT_PIN);
	send_pin(&talk, "1234", true);
	expect_said(&talk, "key-removed", REMOVED);
	misbehave("mine", 0);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(gone_at_the_touch)
{
	/* what is plugged in then may be another one: its PIN is asked for anew, and the first PIN never reaches it */
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", 0, &credential[0]);
	create_key("b", "2222", CK_SOFT_REMOVED, &credential[1]);
	make_trouble("a", CK_SOFT_GONE, CK_SOFT_AT_ASSERT);
	struct request request = request_for_both(&credential[0], &credential[1], true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1111", true);
	expect_touch(&talk);
	expect_said(&talk, "key-removed", REMOVED);
	misbehave("b", 0);
	expect_pin_wanted(&talk, 8);
	ck_assert_uint_eq(pins_seen_by("b"), 0);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], true);
}
END_TEST

START_TEST(gone_while_choosing)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for_both(&credential[0], &credential[1], true);
	ask(&talk, &request);
	expect_said(&talk, "touch-now", SEVERAL);
	misbehave("a", CK_SOFT_REMOVED);
	expect_said(&talk, "key-removed", REMOVED);
	expect_touch(&talk);
	misbehave("b", 0);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential[1], true);
}
END_TEST

START_TEST(gone_for_good)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect_touch(&talk);
	misbehave("mine", CK_SOFT_REMOVED);
	expect_said(&talk, "key-removed", REMOVED);
	give_up(&talk);
}
END_TEST

/* ---- plugged in meanwhile ---- */
START_TEST(the_right_one_after_a_wrong_one)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("a-wrong", "1111", 0, NULL);
	create_key("b-right", "2222", CK_SOFT_REMOVED, &credential);
	struct request request = request_for(&credential, true);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "wrong-key");
	misbehave("b-right", 0);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(two_wrong_ones)
{
	struct talk talk;
	create_key("a", "1111", 0, NULL);
	create_key("b", "2222", 0, NULL);
	struct request request = request_for(NULL, true);
	request.ids[request.count++] = (struct ck_bytes){other_id, sizeof other_id};
	ask(&talk, &request);
	expect_said(&talk, "wrong-key", "None of the security keys that are plugged in is enrolled for this: plug in one that is");
	give_up(&talk);
}
END_TEST

START_TEST(a_second_one_while_the_first_waits)
{
	/* both wait then, and the touched one answers, with that touch */
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH | CK_SOFT_REMOVED, &credential[1]);
	struct request request = request_for_both(&credential[0], &credential[1], false);
	ask(&talk, &request);
	expect_touch(&talk);
	misbehave("b", CK_SOFT_NO_TOUCH);
	expect_said(&talk, "touch-now", SEVERAL);
	misbehave(_i == 0 ? "a" : "b", 0);
	expect_asserted(&talk, &credential[_i], false);
}
END_TEST

START_TEST(three_wait_and_one_touch_is_enough)
{
	static const char *const names[] = {"a", "b", "c"};
	struct talk talk;
	struct ck_soft_credential credential[3];
	struct request request = {.time_ms = LONG_MS};
	for (size_t i = 0; i < 3; i++) {
		create_key(names[i], "1111", CK_SOFT_NO_TOUCH, &credential[i]);
		request.ids[request.count++] = (struct ck_bytes){credential[i].id, credential[i].id_length};
	}
	ask(&talk, &request);
	expect_said(&talk, "touch-now", SEVERAL);
	misbehave(names[_i], 0);
	expect_asserted(&talk, &credential[_i], false);
}
END_TEST

START_TEST(the_pin_goes_to_the_touched_one_only)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for_both(&credential[0], &credential[1], true);
	ask(&talk, &request);
	expect_said(&talk, "touch-now", SEVERAL);
	misbehave("b", 0);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1111", true); /* the other one's */
	expect_said(&talk, "pin-wrong", "PIN wrong, 7 tries left");
	expect_pin_wanted(&talk, 7);
	send_pin(&talk, "2222", true);
	expect_touch(&talk);
	misbehave("a", 0);
	expect_asserted(&talk, &credential[1], true);
	ck_assert_uint_eq(pins_seen_by("a"), 0);
	ck_assert_uint_ge(pins_seen_by("b"), 2);
}
END_TEST

START_TEST(closed_while_one_hangs)
{
	/* whoever asked is gone: the program ends although a call never comes back */
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	make_trouble("mine", CK_SOFT_STUCK, CK_SOFT_AT_ASSERT);
	struct request request = request_for(&credential, false);
	request.time_ms = LONG_MS;
	ask(&talk, &request);
	expect_touch(&talk);
	shutdown(talk.client.fd, SHUT_WR);
	expect(&talk, CK_TOKEN_FAILED, "cancelled");
	expect_exit(&talk, 1);
}
END_TEST

int main(void)
{
	const struct {
		const TTest *test;
		int times;
	} tests[] = {{another_hangs, OPENINGS + 2},
	             {many_hang, 1},
	             {another_is_slow, 1},
	             {only_a_slow_one, 1},
	             {only_a_hung_one, 2},
	             {a_hung_one_plugged_in_again, 1},
	             {the_chosen_one_hangs, 1},
	             {busy_then_free, OPENINGS},
	             {busy_and_stays_so, 2},
	             {another_is_busy, 1},
	             {busy_at_the_touch, 2},
	             {gone_while_opening, OPENINGS},
	             {gone_at_the_pin, 1},
	             {gone_at_the_touch, 1},
	             {gone_while_choosing, 1},
	             {gone_for_good, 1},
	             {the_right_one_after_a_wrong_one, 1},
	             {two_wrong_ones, 1},
	             {a_second_one_while_the_first_waits, 2},
	             {three_wait_and_one_touch_is_enough, 3},
	             {the_pin_goes_to_the_touched_one_only, 1},
	             {closed_while_one_hangs, 1}};
	Suite *suite = suite_create("token helper with many keys");
	TCase *tcase = tcase_create("conversations");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 180);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].times);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
