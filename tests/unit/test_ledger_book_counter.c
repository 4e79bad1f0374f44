/* What the ledger's book refuses, alarms and remembers of counters, and what of them outlives it: by the log, and by its snapshot. */
#include <sodium.h>
#include <time.h>

#include "tests/unit/ledger_book_fixture.h"
#include "tests/unit/suite.h"

START_TEST(a_counter_that_stands_still_is_refused_and_alarmed)
{
	ck_assert(stands(&granted_login));
	struct ck_book_answer answer = ask(&granted_login);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "counter");
	ck_assert_uint_eq(recorded("login-granted"), 1);
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " event=login-granted "));
	ck_assert_ptr_nonnull(strstr(newest, " last=7 "));
}
END_TEST

START_TEST(a_count_from_elsewhere_refuses_what_was_issued_since_it_is_known)
{
	struct said login = granted_login;
	ck_assert(stands(&login));
	(void)book_uses(20, 0);
	login.count = 20;
	ck_assert_str_eq(ask(&login).reason, "counter");
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " learned=20 fault=behind outcome=refused "));
	login.count = 21;
	ck_assert(stands(&login));
}
END_TEST

START_TEST(a_count_from_elsewhere_that_came_meanwhile_alarms_and_lets_it_stand)
{
	struct said login = granted_login;
	(void)book_uses(20, 0);
	login.age_ms = 60000;
	ck_assert(stands(&login));
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " count=7 "));
	ck_assert_ptr_nonnull(strstr(newest, " learned=20 fault=overtaken outcome=stands "));
	ck_assert_uint_eq(recorded("login-granted"), 1);
	/* and not twice with the same count */
	ck_assert_str_eq(ask(&login).reason, "counter");
	ck_assert_uint_eq(recorded("counter-alarm"), 2);
	ck_assert_ptr_nonnull(strstr(newest, " last=7 fault=back outcome=refused "));
}
END_TEST

START_TEST(no_challenge_is_older_than_challenges_live)
{
	struct said login = granted_login;
	settings.challenge_limit_s = 0;
	restart();
	(void)book_uses(20, 0);
	login.age_ms = 60000;
	ck_assert_str_eq(ask(&login).reason, "counter");
}
END_TEST

/* No age that a gate may say makes a statement older than it can be, so that what was learned would have come meanwhile. */
START_TEST(an_age_that_is_none_is_not_believed)
{
	struct said login = granted_login;
	settings.challenge_limit_s = 0;
	restart();
	(void)book_uses(20, 0);
	login.age_ms = INT64_MIN;
	ck_assert_str_eq(ask(&login).reason, "counter");
	login.age_ms = -60000;
	ck_assert_str_eq(ask(&login).reason, "counter");
	login.age_ms = INT64_MAX;
	ck_assert_str_eq(ask(&login).reason, "counter");
}
END_TEST

START_TEST(a_count_far_ahead_is_refused_of_a_gate_and_not_kept)
{
	struct said login = granted_login, change = intent;
	ck_assert(stands(&login));
	login.count = UINT32_MAX;
	ck_assert_str_eq(ask(&login).reason, "counter-leap");
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " last=7 fault=leap outcome=refused "));
	ck_assert_uint_eq(recorded("login-granted"), 1);
	login.count = 8;
	ck_assert(stands(&login));
	/* the replica has verified the touch itself */
	change.count_there = true;
	change.count = UINT32_MAX;
	ck_assert(stands(&change));
}
END_TEST

START_TEST(a_reset_forgets_the_counter_and_after_a_crash_too)
{
	struct said login = granted_login, reset = { .event = CK_EVENT_COUNTER_RESET, .user = "eluned", .with_hash = true };
	struct ck_book_answer answer;
	ck_assert(stands(&login));
	(void)book_uses(2000000000, 0);
	ck_assert_int_eq(record(&reset, CK_PROCESS_GATE, &answer), CK_ERR_DENIED);
	answer = ask(&reset);
	ck_assert(answer.verdict && answer.flush_first);
	ck_assert_uint_eq(recorded("counter-reset"), 1);
	login.count = 3;
	ck_assert(stands(&login));
	restart();
	ck_assert_str_eq(ask(&login).reason, "counter");
	login.count = 4;
	ck_assert(stands(&login));
}
END_TEST

START_TEST(a_use_is_given_out_until_the_directory_has_it)
{
	ck_assert_uint_eq(book_uses(-1, CK_USES_FIRST | CK_USES_LAST), 0);
	ck_assert(stands(&granted_login));
	ck_assert_uint_eq(book_uses(-1, 0), 1);
	restart();
	ck_assert_uint_eq(book_uses(-1, 0), 1);
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	restart();
	ck_assert_uint_eq(book_uses(-1, 0), 1);
	ck_assert_uint_eq(book_uses(7, 0), 0);
}
END_TEST

/* A gate may name key and count with it, and no touch was verified for it. */
START_TEST(an_account_decision_counts_nothing_and_neither_after_a_crash)
{
	struct said account = granted_account;
	account.count_there = true;
	account.count = UINT32_MAX;
	ck_assert(stands(&account));
	restart();
	ck_assert(stands(&granted_login));
}
END_TEST

START_TEST(one_touch_for_two_things_is_refused)
{
	struct said change = intent;
	change.count_there = true;
	change.count = 7;
	ck_assert(stands(&granted_login));
	ck_assert(!stands(&change));
	change.count = 8;
	ck_assert(stands(&change));
	/* the other changes under the same touch name no counter */
	ck_assert(stands(&intent));
}
END_TEST

START_TEST(counters_are_known_after_a_crash)
{
	ck_assert(stands(&granted_login));
	restart();
	ck_assert(!stands(&granted_login));
	struct said next = granted_login;
	next.count = 8;
	ck_assert(stands(&next));
}
END_TEST

START_TEST(counters_are_known_after_a_stop_by_the_snapshot)
{
	ck_assert(stands(&granted_login));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	ck_assert(fixture_exists("ledger.state"));
	restart();
	ck_assert(!stands(&granted_login));
	ck_assert_uint_eq(recorded("stopped"), 1);
	ck_assert_uint_ge(fixture_verify().checkpoints, 1);
}
END_TEST

START_TEST(a_damaged_snapshot_is_not_believed)
{
	uint8_t bytes[65536];
	ck_assert(stands(&granted_login));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	size_t length = fixture_read("ledger.state", bytes, sizeof bytes);
	ck_book_free(&book);
	for (size_t i = 0; i < length; i += 7) {
		bytes[i] ^= 0x10;
		fixture_write("ledger.state", bytes, length);
		bytes[i] ^= 0x10;
		open_book();
		ck_assert(!stands(&granted_login));
		ck_book_free(&book);
	}
	open_book();
}
END_TEST

START_TEST(a_snapshot_of_another_log_is_not_believed)
{
	uint8_t bytes[65536];
	ck_assert(stands(&granted_login));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	size_t length = fixture_read("ledger.state", bytes, sizeof bytes);
	ck_book_free(&book);
	fixture_clear();
	open_book();
	for (int i = 0; i < 10; i++) ck_assert(stands(&granted_account));
	ck_book_free(&book);
	fixture_write("ledger.state", bytes, length);
	open_book();
	ck_assert(stands(&granted_login));
}
END_TEST

START_TEST(a_start_with_many_keys_is_quick)
{
	struct said said = granted_login;
	struct timespec a, b;
	for (uint32_t i = 0; i < 20000; i++) {
		uint8_t bytes[4096];
		static struct ck_map map;
		struct ck_book_answer answer;
		memcpy(hash, &i, sizeof i);
		memcpy(login_id, &i, sizeof i);
		size_t length = encode(&said, CK_MSG_RECORD, bytes, sizeof bytes);
		ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + 4, length - 4 }, &map), CK_OK);
		ck_assert_int_eq(ck_book_record(book, CK_PROCESS_GATE, &map, &answer), CK_OK);
		ck_assert(answer.verdict);
		if (ck_book_has_room(book)) continue;
		ck_assert_int_eq(ck_book_write(book, NULL), CK_OK);
		ck_assert_int_eq(ck_book_flush(book, NULL), CK_OK);
		ck_book_settle(book);
	}
	ck_assert_int_eq(ck_book_write(book, NULL), CK_OK);
	for (int round = 0; round < 3; round++) {
		if (round == 2) ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
		ck_book_free(&book);
		ck_assert(fixture_exists("ledger.recent") == (round < 2));
		if (round == 1) fixture_truncate("ledger.recent", fixture_size("ledger.recent") / 2); /* as a power cut may */
		clock_gettime(CLOCK_MONOTONIC, &a);
		open_book();
		clock_gettime(CLOCK_MONOTONIC, &b);
		double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		printf("start with 20000 keys after a %s: %.1f ms\n", round == 0 ? "crash" : round == 1 ? "power cut" : "stop", ms);
#ifndef CK_SANITIZED
		ck_assert_msg(ms < 5000, "%.1f ms", ms); /* aim 30; a busy machine is no failure */
#endif
		ck_assert(!stands(&said));
	}
	memset(hash, 0, sizeof hash);
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("ledger_book_counter");
	TCase *counters = tcase_create("counters");
	tcase_add_checked_fixture(counters, make_book, free_book);
	tcase_set_timeout(counters, 120);
	tcase_add_test(counters, a_counter_that_stands_still_is_refused_and_alarmed);
	tcase_add_test(counters, a_count_from_elsewhere_refuses_what_was_issued_since_it_is_known);
	tcase_add_test(counters, a_count_from_elsewhere_that_came_meanwhile_alarms_and_lets_it_stand);
	tcase_add_test(counters, no_challenge_is_older_than_challenges_live);
	tcase_add_test(counters, an_age_that_is_none_is_not_believed);
	tcase_add_test(counters, a_count_far_ahead_is_refused_of_a_gate_and_not_kept);
	tcase_add_test(counters, a_reset_forgets_the_counter_and_after_a_crash_too);
	tcase_add_test(counters, a_use_is_given_out_until_the_directory_has_it);
	tcase_add_test(counters, an_account_decision_counts_nothing_and_neither_after_a_crash);
	tcase_add_test(counters, one_touch_for_two_things_is_refused);
	tcase_add_test(counters, counters_are_known_after_a_crash);
	tcase_add_test(counters, counters_are_known_after_a_stop_by_the_snapshot);
	tcase_add_test(counters, a_damaged_snapshot_is_not_believed);
	tcase_add_test(counters, a_snapshot_of_another_log_is_not_believed);
	tcase_add_test(counters, a_start_with_many_keys_is_quick);
	suite_add_tcase(suite, counters);
	return suite_run(suite);
}
