/* The touch that a password goes with: one good one, then one test for each thing that is wrong with it; that it is good once; and what is said
   of a password. */
#include <stdlib.h>

#include "authd/password_say.h"
#include "authd/password_touch.h"
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

static struct ck_used_touches used;
static struct ck_password_touch shown;
static struct ck_soft_assertion made;

/* ---- bob's, at the console ---- */

static struct ck_login_ask ask_of(const char *user)
{
	struct ck_login_ask ask = {.account = "bob", .service = "login", .tty = "tty1"};
	strcpy(ask.user, user);
	return ask;
}

/* Signed by that key for this; `change`: for changing the password. */
static void sign(int key, const struct ck_login_ask *ask, bool change, const char *system, bool verified)
{
	uint8_t challenge[32], nonce[CK_NONCE_BYTES] = {7};
	if (change) ck_assert_int_eq(ck_login_hash_password(ask->user, system, nonce, NOW, challenge), CK_OK);
	else ck_assert_int_eq(ck_login_hash_statement(ask, system, nonce, NOW, challenge), CK_OK);
	ck_assert(ck_soft_make_assertion(&f.keys[key], challenge, verified, &made));
	memset(&shown, 0, sizeof shown);
	shown.ask = *ask;
	memcpy(shown.nonce, nonce, sizeof nonce);
	shown.time_s = NOW;
	shown.credential = (struct ck_bytes){f.keys[key].id, f.keys[key].id_length};
	shown.auth_data = (struct ck_bytes){made.auth_data, made.auth_data_length};
	shown.signature = (struct ck_bytes){made.signature, made.signature_length};
}

static enum ck_error verify(bool change)
{
	return ck_password_touch_verify(&shown, change, &f.place, ck_builder_view(f.b), &f.denial);
}

static void is_refused(bool change)
{
	ck_assert_int_eq(verify(change), CK_ERR_DENIED);
	ck_assert_str_eq(f.denial.reason, "assertion");
}

START_TEST(a_good_one)
{
	struct ck_login_ask ask = ask_of("bob");
	sign(KEY_BOB, &ask, false, SYSTEM, false);
	ck_assert_int_eq(verify(false), CK_OK);
	ck_assert(ck_id_equal(shown.staff, ck_builder_id(BOB)) && ck_id_equal(shown.authority, ck_builder_id(YORK)));
	ck_assert_mem_eq(shown.key_hash, f.hashes[KEY_BOB], 32);
	ck_assert_uint_eq(shown.count, f.keys[KEY_BOB].count);
}
END_TEST

START_TEST(of_somebody_elses_key)
{
	struct ck_login_ask ask = ask_of("bob");
	sign(KEY_ALICE, &ask, false, SYSTEM, true);
	is_refused(false);
}
END_TEST

START_TEST(of_nobody)
{
	struct ck_login_ask ask = ask_of("nobody");
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	is_refused(false);
}
END_TEST

START_TEST(for_another_login)
{
	struct ck_login_ask ask = ask_of("bob");
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	strcpy(shown.ask.service, "sshd");
	is_refused(false);
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	strcpy(shown.ask.tty, "tty2");
	is_refused(false);
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	shown.nonce[0]++;
	is_refused(false);
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	shown.time_s++;
	is_refused(false);
	sign(KEY_BOB, &ask, false, "web-1", true);
	is_refused(false);
}
END_TEST

START_TEST(of_a_bad_signature)
{
	struct ck_login_ask ask = ask_of("bob");
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	made.signature[made.signature_length - 1] ^= 1;
	is_refused(false);
}
END_TEST

START_TEST(a_login_changes_nothing_and_a_change_lets_nobody_in)
{
	struct ck_login_ask ask = ask_of("bob");
	sign(KEY_BOB, &ask, false, SYSTEM, true);
	is_refused(true);
	sign(KEY_BOB, &ask, true, SYSTEM, true);
	is_refused(false);
	sign(KEY_BOB, &ask, true, SYSTEM, true);
	ck_assert_int_eq(verify(true), CK_OK);
	sign(KEY_BOB, &ask, true, SYSTEM, false); /* a change wants PIN or biometric */
	is_refused(true);
}
END_TEST

/* ---- once ---- */

static void digest_of(unsigned number, uint8_t out[32])
{
	memset(out, 0, 32);
	memcpy(out, &number, sizeof number);
}

START_TEST(a_touch_is_good_once)
{
	uint8_t digest[32];
	digest_of(1, digest);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1000, LIFE_MS), CK_OK);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1001, LIFE_MS), CK_ERR_EXISTS);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(ALICE), 1000 + LIFE_MS - 1, LIFE_MS), CK_ERR_EXISTS);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1000 + LIFE_MS, LIFE_MS), CK_OK); /* nobody would believe it by now */
}
END_TEST

START_TEST(nobody_takes_all_places)
{
	uint8_t digest[32];
	for (unsigned i = 0; i < CK_TOUCHES_PER_PERSON_LIMIT; i++) {
		digest_of(i, digest);
		ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1000, LIFE_MS), CK_OK);
	}
	digest_of(CK_TOUCHES_PER_PERSON_LIMIT, digest);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1000, LIFE_MS), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(ALICE), 1000, LIFE_MS), CK_OK);
}
END_TEST

START_TEST(too_many_of_all_are_refused_and_none_is_forgotten)
{
	uint8_t digest[32];
	for (unsigned i = 0; i < CK_TOUCHES_LIMIT; i++) {
		digest_of(i, digest);
		ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(1000 + i / 32), 1000, LIFE_MS), CK_OK);
	}
	digest_of(CK_TOUCHES_LIMIT, digest);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1000, LIFE_MS), CK_ERR_LIMIT);
	digest_of(0, digest);
	ck_assert_int_eq(ck_touch_use(&used, digest, ck_builder_id(BOB), 1000, LIFE_MS), CK_ERR_EXISTS);
}
END_TEST

/* ---- what is said ---- */

static const char *said(enum ck_password_outcome outcome, int64_t seconds_left, unsigned grace_left)
{
	static struct ck_errmsg text;
	ck_password_say(&(struct ck_password_answer){outcome, seconds_left, grace_left}, &text);
	return text.text;
}

START_TEST(what_is_said)
{
	ck_assert_str_eq(said(CK_PASSWORD_RIGHT, 0, 0), "");
	ck_assert_str_eq(said(CK_PASSWORD_EXPIRING, 10 * 86400 - 1, 0), "Your password expires in 9 days; `crosskeys passwd` changes it.");
	ck_assert_str_eq(said(CK_PASSWORD_EXPIRING, 2 * 3600, 0), "Your password expires in 120 minutes; `crosskeys passwd` changes it.");
	ck_assert_str_eq(said(CK_PASSWORD_EXPIRING, 59, 0), "Your password expires within a minute; `crosskeys passwd` changes it.");
	ck_assert_ptr_nonnull(strstr(said(CK_PASSWORD_GRACE, 0, 1), "1 time more"));
	ck_assert_ptr_nonnull(strstr(said(CK_PASSWORD_GRACE, 0, 2), "2 times more"));
	ck_assert_ptr_nonnull(strstr(said(CK_PASSWORD_GRACE, 0, 0), "last time"));
	for (int i = CK_PASSWORD_UNAVAILABLE; i <= CK_PASSWORD_FIXED; i++) {
		bool fine = i == CK_PASSWORD_RIGHT || i == CK_PASSWORD_CHANGED;
		ck_assert_msg((said((enum ck_password_outcome)i, 100, 1)[0] == '\0') == fine, "%d", i);
		ck_assert_msg(strcmp(ck_password_reason((enum ck_password_outcome)i), "unavailable") != 0 || i == CK_PASSWORD_UNAVAILABLE ||
		              ck_password_is_right((enum ck_password_outcome)i) || fine, "%d", i);
	}
}
END_TEST

START_TEST(when_it_may_be_tried_again)
{
	struct ck_errmsg text;
	ck_password_say_wait(NOW + 61, NOW, &text);
	ck_assert_ptr_nonnull(strstr(text.text, "try again in 2 minutes, after 20"));
	ck_password_say_wait(NOW, NOW + 5, &text);
	ck_assert_ptr_nonnull(strstr(text.text, "in 1 minute, after"));
}
END_TEST

static void set_up(void)
{
	change_setup();
	memset(&used, 0, sizeof used);
}

int main(void)
{
	const TTest *const tests[] = {
		a_good_one, of_somebody_elses_key, of_nobody, for_another_login, of_a_bad_signature, a_login_changes_nothing_and_a_change_lets_nobody_in,
		a_touch_is_good_once, nobody_takes_all_places, too_many_of_all_are_refused_and_none_is_forgotten, what_is_said, when_it_may_be_tried_again,
	};
	Suite *suite = suite_create("password touch");
	TCase *tc = tcase_create("password touch");
	tcase_add_checked_fixture(tc, set_up, change_teardown);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
