/* The token helper with keys that do, and that do not do, what is asked of them: each reason, and what is asked in which order. */
#include "tests/unit/test_token_helper.h"

#define PIN_BLOCKED                                                                                                                        \
	"The PIN of this security key is blocked, your account is not: use another key; this one must be reset (fido2-token -R) and enrolled " \
	"anew"

static void plug_in(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->misbehaviour = 0;
	state->wrong_in_a_row = 0;
}

/* ---- assertions ---- */
START_TEST(touched)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	if (_i == 1) update("mine", put_other_algorithm, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now"); /* no PIN: it is not demanded */
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(hashed_by_the_helper)
{
	struct talk talk;
	struct ck_soft_credential credential;
	static uint8_t hash[32];
	const struct ck_bytes whole = {(const uint8_t *)"tag\0statement", 13};
	ck_sha256(hash, &whole, 1);
	signed_hash = hash;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, false);
	request.hashed_there = true;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, false);
	signed_hash = challenge;
}
END_TEST

START_TEST(verified_by_pin)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", _i == 0);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(verified_by_itself)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	update("mine", put_builtin, NULL);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	ck_assert_ptr_nonnull(strstr(talk.message, "Verify yourself"));
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_wrong_then_right)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "0000", true);
	expect(&talk, CK_TOKEN_SAY, "pin-wrong");
	ck_assert_str_eq(talk.message, "PIN wrong, 7 tries left");
	expect_pin_wanted(&talk, 7);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_too_short_costs_no_try)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "123", true);
	expect(&talk, CK_TOKEN_SAY, "pin-wrong");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_wrong_three_times)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	for (unsigned i = 0; i < 3; i++) {
		expect_pin_wanted(&talk, 8 - i);
		send_pin(&talk, "0000", true);
		if (i < 2) expect(&talk, CK_TOKEN_SAY, "pin-wrong");
	}
	expect_said(&talk, "pin-blocked", "PIN wrong too often: take the security key out and plug it in again");
	/* taken out and plugged in again: the same conversation goes on */
	misbehave("mine", CK_SOFT_REMOVED);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	update("mine", plug_in, NULL);
	expect_pin_wanted(&talk, 5);
	send_pin(&talk, "1234", true);
	expect_touch(&talk);
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(pin_wrong_three_times_and_left_so)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	for (unsigned i = 0; i < 3; i++) {
		expect_pin_wanted(&talk, 8 - i);
		send_pin(&talk, "0000", true);
		expect(&talk, CK_TOKEN_SAY, i < 2 ? "pin-wrong" : "pin-blocked");
	}
	expect_last(&talk, "pin-blocked", "PIN wrong too often: take the security key out, plug it in again, and begin anew");
}
END_TEST

START_TEST(pin_last_try)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	update("mine", put_retries, &(unsigned){1});
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 1);
	ck_assert_str_eq(talk.message, "Only 1 PIN try is left");
	send_pin(&talk, "0000", true);
	expect_last(&talk, "pin-blocked", PIN_BLOCKED);
}
END_TEST

START_TEST(pin_blocked_before)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	update("mine", put_retries, &(unsigned){0});
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_last(&talk, "pin-blocked", PIN_BLOCKED);
}
END_TEST

START_TEST(pin_not_set)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", NULL, 0, &credential);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_last(&talk, "pin-not-set",
	            "This security key has no PIN, and one is demanded here: set one (fido2-token -S) and begin anew, or use another key");
}
END_TEST

START_TEST(no_key_at_all)
{
	struct talk talk;
	struct request request = request_for(NULL, false);
	request.time_ms = LIMIT_MS / 2;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	ck_assert_str_eq(talk.message, "No security key found: plug one in");
	expect_last(&talk, "no-key", "No security key was plugged in");
}
END_TEST

START_TEST(key_plugged_in_late)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_REMOVED, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "no-key");
	misbehave("mine", 0);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(wrong_key)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = request_for(NULL, true);
	request.ids[request.count++] = (struct ck_bytes){other_id, sizeof other_id};
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect_said(&talk, "wrong-key", "The security key that is plugged in is not enrolled for this: plug in one that is");
	expect_last(&talk, "wrong-key", "No security key that is enrolled for this was plugged in"); /* and no PIN was asked for */
}
END_TEST

START_TEST(empty_allow_list)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = request_for(NULL, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "wrong-key");
	give_up(&talk);
}
END_TEST

START_TEST(long_allow_list)
{
	/* sixteen ids are more than the key takes in one message */
	static uint8_t ids[15][1023];
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = {.time_ms = LONG_MS};
	for (unsigned i = 0; i < 15; i++) {
		ids[i][0] = (uint8_t)i;
		request.ids[request.count++] = (struct ck_bytes){ids[i], i == 3 ? 1023 : 200};
	}
	request.ids[request.count++] = (struct ck_bytes){credential.id, credential.id_length};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(not_touched)
{
	struct talk talk;
	struct ck_soft_credential credential;
	init_kind("1234");
	kind.misbehaviour = CK_SOFT_NO_TOUCH;
	kind.touch_limit_ms = _i == 0 ? 400 : 60000; /* the key's own limit is not ours: it is asked again */
	create_kind("mine", &credential);
	struct request request = request_for(&credential, false);
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect_touch(&talk);
	expect_last(&talk, "timeout", "Time is up: the security key was not touched");
}
END_TEST

START_TEST(touched_late)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave("mine", 0);
	expect_asserted(&talk, &credential, false);
}
END_TEST

START_TEST(pin_not_answered)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	expect_failed(&talk, "timeout");
}
END_TEST

START_TEST(noise_from_the_key)
{
	/* at the touch; the probe was answered well */
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect_touch(&talk);
	misbehave("mine", CK_SOFT_GARBAGE);
	expect_said(&talk, "device-error", "A security key does not answer as it should: take it out and plug it in again, or use another one");
	expect_last(&talk, "device-error", "The security key does not answer as it should: take it out, plug it in again, and begin anew");
}
END_TEST

START_TEST(noise_from_the_start)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_GARBAGE, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "device-error");
	give_up(&talk);
}
END_TEST

START_TEST(pulled_out)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", CK_SOFT_NO_TOUCH, &credential);
	struct request request = request_for(&credential, false);
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	misbehave("mine", CK_SOFT_REMOVED);
	expect_said(&talk, "key-removed", "The security key was taken out: plug it in again");
	misbehave("mine", 0);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, false);
}
END_TEST

/* ---- several keys ---- */
START_TEST(the_one_that_holds_it)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("a", "1111", 0, NULL);
	create_key("b", "1234", 0, &credential);
	create_key("c", "2222", 0, NULL);
	struct request request = request_for(&credential, true);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential, true);
}
END_TEST

START_TEST(chosen_by_touch)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	ck_assert_ptr_nonnull(strstr(talk.message, "Several"));
	misbehave(_i == 0 ? "a" : "b", 0);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, _i == 0 ? "1111" : "2222", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_asserted(&talk, &credential[_i], true);
}
END_TEST

START_TEST(none_chosen)
{
	struct talk talk;
	struct ck_soft_credential credential[2];
	create_key("a", "1111", CK_SOFT_NO_TOUCH, &credential[0]);
	create_key("b", "2222", CK_SOFT_NO_TOUCH, &credential[1]);
	struct request request = request_for(&credential[0], true);
	request.ids[request.count++] = (struct ck_bytes){credential[1].id, credential[1].id_length};
	request.time_ms = LIMIT_MS;
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "timeout");
}
END_TEST

/* ---- creating ---- */
START_TEST(created)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = LONG_MS};
	if (_i == 1) update("mine", put_only_eddsa, NULL);
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, _i == 0 ? CK_SOFT_ES256 : CK_SOFT_EDDSA, "self");
}
END_TEST

START_TEST(created_without_pin)
{
	struct talk talk;
	create_key("mine", NULL, 0, NULL);
	struct request request = {.create = true, .time_ms = LONG_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, false, CK_SOFT_ES256, "self");
}
END_TEST

START_TEST(created_with_pin_that_the_key_demands)
{
	struct talk talk;
	create_key("mine", "1234", 0, NULL);
	struct request request = {.create = true, .time_ms = LONG_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256, "self");
}
END_TEST

START_TEST(created_by_itself)
{
	struct talk talk;
	create_key("mine", NULL, 0, NULL);
	update("mine", put_builtin, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = LONG_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256, "self");
}
END_TEST

START_TEST(created_already)
{
	struct talk talk;
	struct ck_soft_credential credential;
	create_key("mine", "1234", 0, &credential);
	struct request request = request_for(&credential, true);
	request.create = true;
	request.ids[request.count++] = (struct ck_bytes){other_id, sizeof other_id};
	ask(&talk, &request);
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "1234", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "already-enrolled");
}
END_TEST

START_TEST(created_not_touched)
{
	struct talk talk;
	create_key("mine", NULL, CK_SOFT_NO_TOUCH, NULL);
	struct request request = {.create = true, .time_ms = LIMIT_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_failed(&talk, "timeout");
}
END_TEST

START_TEST(created_pin_not_set)
{
	struct talk talk;
	create_key("mine", NULL, 0, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = LONG_MS};
	ask(&talk, &request);
	expect_failed(&talk, "pin-not-set");
}
END_TEST

START_TEST(created_and_chosen)
{
	struct talk talk;
	create_key("a", "1111", CK_SOFT_NO_TOUCH, NULL);
	create_key("b", "2222", 0, NULL);
	struct request request = {.create = true, .verify = true, .time_ms = LONG_MS};
	ask(&talk, &request);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_pin_wanted(&talk, 8);
	send_pin(&talk, "2222", true);
	expect(&talk, CK_TOKEN_SAY, "touch-now");
	expect_created(&talk, true, CK_SOFT_ES256, "self");
}
END_TEST

int main(void)
{
	const TTest *const twice[] = {touched, verified_by_pin, not_touched, chosen_by_touch, created};
	const TTest *const once[] = {
		hashed_by_the_helper, verified_by_itself, pin_wrong_then_right, pin_too_short_costs_no_try, pin_wrong_three_times, pin_wrong_three_times_and_left_so, pin_last_try, pin_blocked_before,
		pin_not_set, no_key_at_all, key_plugged_in_late, wrong_key, empty_allow_list, long_allow_list, touched_late, pin_not_answered,
		noise_from_the_key, noise_from_the_start, pulled_out, the_one_that_holds_it, none_chosen, created_without_pin,
		created_with_pin_that_the_key_demands, created_by_itself, created_already, created_not_touched, created_pin_not_set,
		created_and_chosen};
	Suite *suite = suite_create("token helper");
	TCase *tcase = tcase_create("conversations");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 180);
	add_all(tcase, twice, sizeof twice / sizeof twice[0], 2);
	add_all(tcase, once, sizeof once / sizeof once[0], 1);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
