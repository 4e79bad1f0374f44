/* Passwords at the ledger's book: attempts are counted for the person and for the place, and one that was right opens one login. */
#include <sodium.h>

#include "tests/unit/ledger_book_fixture.h"
#include "tests/unit/suite.h"

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct said attempt_of(const char *user, const char *host, uint32_t count)
{
	return (struct said){ .event = CK_EVENT_PASSWORD_ATTEMPT, .user = user, .account = user, .service = "login", .host = host,
		                  .operation = "login-password", .count_there = true, .count = count, .digest = DIGEST_A };
}

static struct said outcome_of(const char *user, const char *host, const char *reason)
{
	return (struct said){ .event = CK_EVENT_PASSWORD_OUTCOME, .user = user, .account = user, .service = "login", .host = host,
		                  .operation = "login-password", .reason = reason, .digest = DIGEST_A };
}

static struct said granted_by(const char *user, const char *digest)
{
	struct said granted = granted_login;
	granted.user = user;
	granted.proved = 7;
	granted.count_there = false;
	granted.with_hash = true;
	granted.digest = digest;
	return granted;
}

/* Three wrong ones, and the next is refused, and for how long. */
static void use_up(const char *user, uint32_t count)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct said attempt = attempt_of(user, "10.0.0.9", count + i), outcome = outcome_of(user, "10.0.0.9", "wrong");
		ck_assert(stands(&attempt));
		ck_assert(stands(&outcome));
	}
}

static void none_is_left(const char *user, const char *host, uint32_t count)
{
	struct said attempt = attempt_of(user, host, count);
	struct ck_book_answer answer = ask(&attempt);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "attempts");
	ck_assert_int_ge(answer.wait_ms, 600 * 1000);
	ck_assert_int_le(answer.wait_ms, 900 * 1000);
}

START_TEST(attempts_are_counted_for_the_person)
{
	use_up("eluned", 1);
	none_is_left("eluned", "10.0.0.7", 4); /* wherever they are */
	struct said other = attempt_of("huw", "10.0.0.7", 5);
	ck_assert(stands(&other));
}
END_TEST

START_TEST(attempts_are_counted_for_the_place)
{
	use_up("eluned", 1);
	for (uint32_t i = 0; i < 2; i++) {
		struct said attempt = attempt_of("huw", "10.0.0.9", 4 + i);
		ck_assert(stands(&attempt));
	}
	none_is_left("mair", "10.0.0.9", 6);
	struct said elsewhere = attempt_of("mair", "10.0.0.8", 6);
	ck_assert(stands(&elsewhere));
}
END_TEST

START_TEST(a_right_password_begins_anew)
{
	for (uint32_t i = 0; i < 9; i++) {
		struct said attempt = attempt_of("eluned", "10.0.0.9", 1 + i), outcome = outcome_of("eluned", "10.0.0.9", i % 3 == 2 ? "right" : "unsent");
		ck_assert(stands(&attempt));
		ck_assert(stands(&outcome));
	}
}
END_TEST

START_TEST(what_was_tried_outlives_the_ledger)
{
	struct ck_errmsg err = { "" };
	const char *line;
	use_up("eluned", 1);
	ck_book_free(&book); /* killed: the log alone says it */
	open_book();
	none_is_left("eluned", "10.0.0.7", 4);
	ck_assert_int_eq(ck_book_checkpoint(book, &line, &err), CK_OK); /* and by a snapshot */
	ck_book_free(&book);
	open_book();
	none_is_left("eluned", "10.0.0.7", 4);
}
END_TEST

START_TEST(an_attempt_moves_the_counter_on)
{
	struct said attempt = attempt_of("eluned", "10.0.0.9", 7);
	ck_assert(stands(&attempt));
	struct ck_book_answer answer = ask(&attempt);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "counter");
}
END_TEST

START_TEST(a_password_opens_one_login_and_only_when_it_was_right)
{
	struct said attempt = attempt_of("eluned", "10.0.0.9", 7), wrong = outcome_of("eluned", "10.0.0.9", "wrong");
	struct said right = outcome_of("eluned", "10.0.0.9", "right"), granted = granted_by("eluned", DIGEST_A);
	struct said somebody = granted_by("huw", DIGEST_A), another = granted_by("eluned", DIGEST_B);
	ck_assert(!stands(&granted)); /* made up */
	ck_assert(stands(&attempt));
	ck_assert(!stands(&granted)); /* not tried yet */
	ck_assert(stands(&wrong));
	ck_assert(!stands(&granted));
	ck_assert(stands(&right));
	ck_assert(!stands(&another));
	ck_assert(stands(&granted));
	ck_assert(!stands(&granted)); /* once */
	ck_assert(stands(&right));
	ck_assert(!stands(&somebody));
}
END_TEST

START_TEST(a_grant_has_its_touch_or_its_password)
{
	struct ck_book_answer answer;
	struct said both = granted_by("eluned", DIGEST_A), neither = granted_by("eluned", NULL), without = granted_by("eluned", DIGEST_A);
	both.count_there = true;
	without.proved = 5;
	ck_assert_int_eq(record(&both, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	ck_assert_int_eq(record(&neither, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	ck_assert_int_eq(record(&without, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("ledger_attempt");
	TCase *attempts = tcase_create("attempts");
	tcase_add_checked_fixture(attempts, make_book, free_book);
	tcase_set_timeout(attempts, 120);
	tcase_add_test(attempts, attempts_are_counted_for_the_person);
	tcase_add_test(attempts, attempts_are_counted_for_the_place);
	tcase_add_test(attempts, a_right_password_begins_anew);
	tcase_add_test(attempts, what_was_tried_outlives_the_ledger);
	tcase_add_test(attempts, an_attempt_moves_the_counter_on);
	tcase_add_test(attempts, a_password_opens_one_login_and_only_when_it_was_right);
	tcase_add_test(attempts, a_grant_has_its_touch_or_its_password);
	suite_add_tcase(suite, attempts);
	return suite_run(suite);
}
