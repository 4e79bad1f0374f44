/* How often somebody may try and log in, at the ledger: the rates by themselves, and the book that asks them. A person's budget is spent only by
   what their key has proved; a source's by what was begun there and not proved. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "audit_fixture.h"
#include "authd/ledger_book.h"
#include "authd/ledger_rate.h"
#include "authd/protocol/frame.h"
#include "directory/base/log.h"
#include "directory/model/record.h"
#include "tests/unit/suite.h"

#define KEY(string) ck_bytes_of(ck_text_of(string))

/* ---- rates ---- */

static struct ck_rates *rates;
static void make_rates(void) { ck_assert_int_eq(ck_rates_new(6, &rates), CK_OK); }
static void free_rates(void) { ck_rates_free(&rates); }

START_TEST(so_many_at_once_and_then_evenly)
{
	for (int i = 0; i < 6; i++) ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 1000), 0);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 1000), 10000);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 4000), 7000);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 10999), 1);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 11000), 0);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 11000), 10000);
	/* asking in vain costs nothing: nobody is kept out by their own patience */
	for (int i = 0; i < 100; i++) ck_assert_int_ne(ck_rates_take(rates, KEY("a"), 12000), 0);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 21000), 0);
	/* after a minute's rest it is as at first, and not more */
	for (int i = 0; i < 6; i++) ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 500000), 0);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 500000), 10000);
}
END_TEST

START_TEST(keys_do_not_touch_each_other)
{
	for (int i = 0; i < 6; i++) ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 1000), 0);
	ck_assert_int_ne(ck_rates_take(rates, KEY("a"), 1000), 0);
	ck_assert_int_eq(ck_rates_take(rates, KEY("b"), 1000), 0);
	ck_assert_int_eq(ck_rates_take(rates, KEY(""), 1000), 0);
}
END_TEST

START_TEST(what_is_given_back_is_there_again_and_no_more)
{
	for (int i = 0; i < 6; i++) ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 1000), 0);
	ck_rates_give_back(rates, KEY("a"), 1000);
	ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 1000), 0);
	ck_assert_int_ne(ck_rates_take(rates, KEY("a"), 1000), 0);
	for (int i = 0; i < 50; i++) ck_rates_give_back(rates, KEY("a"), 1000);
	for (int i = 0; i < 50; i++) ck_rates_give_back(rates, KEY("never-taken"), 1000);
	for (int i = 0; i < 6; i++) ck_assert_int_eq(ck_rates_take(rates, KEY("a"), 1000), 0);
	ck_assert_int_ne(ck_rates_take(rates, KEY("a"), 1000), 0);
}
END_TEST

START_TEST(a_crowd_of_strangers_shuts_nobody_out)
{
	char name[16];
	for (int i = 0; i < 2 * CK_RATE_KEYS_LIMIT; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		ck_assert_int_eq(ck_rates_take(rates, KEY(name), 1000), 0);
	}
	ck_assert_int_eq(ck_rates_take(rates, KEY("late"), 1000), 0);
}
END_TEST

/* ---- the book ---- */

static struct ck_book *book;

static void make_book(void)
{
	struct ck_errmsg err = { "" };
	struct ck_book_settings settings = { .limits = fixture_limits(0), .refusals_per_minute = 2, .tries_per_minute = 3, .logins_per_minute = 4,
		                             .checkpoint_interval_s = 300, .key_use_interval_s = 3600, .challenge_limit_s = 120, .boot = "boot-1" };
	fixture_make();
	strcpy(settings.directory, fixture_directory);
	ck_log_init("test", CK_LOG_ALARM);
	ck_assert_msg(ck_book_open(&settings, &book, &err) == CK_OK, "%s", err.text);
}

static void free_book(void)
{
	ck_book_free(&book);
	fixture_remove_all();
}

static struct ck_book_answer tell(enum ck_event event, const char *user, unsigned proved, uint32_t count)
{
	static const uint8_t zeros[32];
	static uint8_t bytes[4096];
	static struct ck_map map;
	struct ck_frame_out f;
	struct ck_book_answer answer;
	size_t length;
	bool granted = event == CK_EVENT_LOGIN_GRANTED;
	ck_frame_begin(&f, bytes, sizeof bytes);
	ck_field_uint(&f.map, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&f.map, CK_F_REQUEST, 1);
	ck_field_string(&f.map, CK_F_USER, user);
	ck_field_string(&f.map, CK_F_ACCOUNT, user);
	ck_field_string(&f.map, CK_F_SERVICE, "login");
	ck_field_string(&f.map, CK_F_SYSTEM, "core1");
	if (granted) ck_field_bytes(&f.map, CK_F_LOGIN_ID, zeros, CK_LOGIN_ID_BYTES);
	if (!granted) ck_field_string(&f.map, CK_F_REASON, "no-role");
	ck_field_uint(&f.map, CK_F_PROVED, proved);
	ck_field_uint(&f.map, CK_F_EVENT, event);
	if (granted) ck_field_bytes(&f.map, CK_F_HASH, zeros, sizeof zeros);
	if (granted) ck_field_uint(&f.map, CK_F_COUNT, count);
	ck_field_uint(&f.map, CK_F_PEER_UID, 0);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + CK_FRAME_HEAD_BYTES, length - CK_FRAME_HEAD_BYTES }, &map), CK_OK);
	ck_assert_int_eq(ck_book_record(book, CK_PROCESS_GATE, &map, &answer), CK_OK);
	return answer;
}

static unsigned recorded(const char *event)
{
	char command[400];
	struct ck_errmsg err = { "" };
	unsigned count = 0;
	ck_assert_int_eq(ck_book_write(book, &err), CK_OK);
	(void)snprintf(command, sizeof command, "cat %s/audit-*.log | grep -c ' %s '", fixture_directory, event);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_eq(fscanf(pipe, "%u", &count), 1);
	(void)pclose(pipe);
	return count;
}

START_TEST(a_persons_grants_past_the_limit_do_not_stand)
{
	for (uint32_t i = 1; i <= 4; i++) ck_assert(tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, i).verdict);
	struct ck_book_answer answer = tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, 5);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "too-many-logins");
	ck_assert_int_gt(answer.wait_ms, 0);
	ck_assert_int_le(answer.wait_ms, 15000);
	ck_assert_uint_eq(recorded("login-granted"), 4);
	/* others are not touched */
	ck_assert(tell(CK_EVENT_LOGIN_GRANTED, "huw", CK_PROVED_TOUCH, 6).verdict);
	/* many more are counted, not written */
	for (uint32_t i = 7; i < 100; i++) ck_assert(!tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, i).verdict);
	ck_assert_uint_eq(recorded("login-limited"), 2);
}
END_TEST

START_TEST(a_copied_key_does_not_fill_the_log_with_alarms)
{
	ck_assert(tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, 9).verdict);
	for (uint32_t i = 0; i < 50; i++) ck_assert(!tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, 3).verdict);
	ck_assert_uint_eq(recorded("counter-alarm"), 3);
}
END_TEST

START_TEST(refusals_that_a_key_proved_spend_too_and_are_counted_then)
{
	for (int i = 0; i < 50; i++) ck_assert(tell(CK_EVENT_LOGIN_REFUSED, "eluned", CK_PROVED_TOUCH, 0).verdict);
	ck_assert_uint_eq(recorded("login-refused"), 4);
	ck_assert_uint_eq(recorded("login-limited"), 2);
	ck_assert(!tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, 1).verdict);
}
END_TEST

/* However often others try in somebody's name: without their key it is none of theirs. */
START_TEST(strangers_lock_nobody_out)
{
	for (int i = 0; i < 1000; i++) ck_assert(tell(CK_EVENT_LOGIN_REFUSED, "eluned", CK_PROVED_NOTHING, 0).verdict);
	for (int i = 0; i < 1000; i++) ck_assert(tell(CK_EVENT_LOGIN_ABANDONED, "eluned", CK_PROVED_NOTHING, 0).verdict);
	for (int i = 0; i < 1000; i++) (void)!ck_book_try(book, KEY("elsewhere"));
	ck_assert(tell(CK_EVENT_LOGIN_GRANTED, "eluned", CK_PROVED_TOUCH, 1).verdict);
	ck_assert_int_eq(ck_book_try(book, KEY("her own place")), 0);
	ck_assert_uint_eq(recorded("login-refused") + recorded("login-abandoned"), 2);
}
END_TEST

START_TEST(a_source_is_given_back_what_was_proved)
{
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(ck_book_try(book, KEY("bastion")), 0);
		ck_book_proved(book, KEY("bastion"));
	}
	for (int i = 0; i < 3; i++) ck_assert_int_eq(ck_book_try(book, KEY("bastion")), 0);
	int64_t wait_ms = ck_book_try(book, KEY("bastion"));
	ck_assert_int_gt(wait_ms, 0);
	ck_assert_int_le(wait_ms, 20000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger_limits");
	TCase *alone = tcase_create("rates"), *with_log = tcase_create("book");
	tcase_add_checked_fixture(alone, make_rates, free_rates);
	tcase_add_test(alone, so_many_at_once_and_then_evenly);
	tcase_add_test(alone, keys_do_not_touch_each_other);
	tcase_add_test(alone, what_is_given_back_is_there_again_and_no_more);
	tcase_add_test(alone, a_crowd_of_strangers_shuts_nobody_out);
	suite_add_tcase(suite, alone);
	tcase_add_checked_fixture(with_log, make_book, free_book);
	tcase_add_test(with_log, a_persons_grants_past_the_limit_do_not_stand);
	tcase_add_test(with_log, a_copied_key_does_not_fill_the_log_with_alarms);
	tcase_add_test(with_log, refusals_that_a_key_proved_spend_too_and_are_counted_then);
	tcase_add_test(with_log, strangers_lock_nobody_out);
	tcase_add_test(with_log, a_source_is_given_back_what_was_proved);
	suite_add_tcase(suite, with_log);
	return suite_run(suite);
}
