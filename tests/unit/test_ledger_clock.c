/* The ledger while the machine's clock is wrong: what it records, what it lets stand, and what is known after a start. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_book.h"
#include "authd/protocol/statement.h"
#include "authd/wall.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/model/record.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/audit_fixture.h"
#include "tests/unit/suite.h"

#define DAY 86400
#define NOW INT64_C(1795334400) /* 2026-11-22 */

static struct ck_book *book;
static struct ck_errmsg err;
static uint8_t login_id[CK_LOGIN_ID_BYTES] = {7};

static void open_book(void)
{
	struct ck_book_settings settings = {.limits = fixture_limits(0), .refusals_per_minute = 3, .tries_per_minute = 5,
	                                     .logins_per_minute = 1000000, .checkpoint_interval_s = 300, .boot = "boot-1"};
	strcpy(settings.directory, fixture_directory);
	ck_assert_msg(ck_book_open(&settings, &book, &err) == CK_OK, "%s", err.text);
}

static void setup(void)
{
	ck_log_init("test", CK_LOG_ALARM + 1);
	ck_fake_boot_ms = 0;
	ck_fake_wall_is(NOW);
	fixture_make();
	open_book();
}

static void teardown(void)
{
	ck_book_free(&book);
	fixture_remove_all();
}

static void settle(void)
{
	ck_assert_int_eq(ck_book_write(book, &err), CK_OK);
	ck_assert_int_eq(ck_book_flush(book, &err), CK_OK);
}

static void tick(void)
{
	ck_assert_int_eq(ck_book_tick(book, &err), CK_OK);
	settle();
}

static void restart(void)
{
	ck_book_free(&book);
	open_book();
}

/* ---- messages ---- */

static struct ck_book_answer ask(enum ck_process from, const uint8_t *bytes, size_t length)
{
	static struct ck_map map;
	struct ck_book_answer answer;
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){bytes, length}, &map), CK_OK);
	ck_assert_int_eq(ck_book_record(book, from, &map, &answer), CK_OK);
	settle();
	return answer;
}

static struct ck_book_answer grant(int64_t until_s)
{
	uint8_t bytes[1024], rule[16] = {0};
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&m, CK_F_REQUEST, 1);
	ck_field_string(&m, CK_F_USER, "eluned");
	ck_field_string(&m, CK_F_ACCOUNT, "eluned");
	ck_field_string(&m, CK_F_SERVICE, "login");
	ck_field_string(&m, CK_F_SYSTEM, "core1");
	ck_field_bytes(&m, CK_F_LOGIN_ID, login_id, sizeof login_id);
	ck_field_int(&m, CK_F_UNTIL, until_s);
	ck_field_uint(&m, CK_F_PROVED, 1);
	ck_field_uint(&m, CK_F_EVENT, CK_EVENT_ACCOUNT_GRANTED);
	ck_field_uint(&m, CK_F_PEER_UID, 0);
	ck_field_bytes(&m, CK_F_RULE, rule, sizeof rule);
	ck_map_end(&m);
	ck_assert(!w.failed);
	return ask(CK_PROCESS_GATE, bytes, ck_writer_length(&w));
}

static struct ck_book_answer open_session(void)
{
	uint8_t bytes[1024];
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&m, CK_F_REQUEST, 1);
	ck_field_string(&m, CK_F_ACCOUNT, "eluned");
	ck_field_string(&m, CK_F_SERVICE, "login");
	ck_field_bytes(&m, CK_F_LOGIN_ID, login_id, sizeof login_id);
	ck_field_uint(&m, CK_F_EVENT, CK_EVENT_SESSION_OPENED);
	ck_field_uint(&m, CK_F_PEER_UID, 0);
	ck_field_key(&m, CK_F_ANCESTORS);
	ck_cbor_put_array(&w, 2);
	ck_cbor_put_uint(&w, 4711);
	ck_cbor_put_uint(&w, 99);
	ck_map_end(&m);
	ck_assert(!w.failed);
	return ask(CK_PROCESS_GATE, bytes, ck_writer_length(&w));
}

static struct ck_book_answer confirm(void)
{
	uint8_t bytes[256];
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&m, CK_F_REQUEST, 1);
	ck_field_uint(&m, CK_F_EVENT, CK_EVENT_CLOCK_CONFIRMED);
	ck_field_uint(&m, CK_F_PEER_UID, 0);
	ck_map_end(&m);
	return ask(CK_PROCESS_REPLICA, bytes, ck_writer_length(&w));
}

/* ---- the log ---- */

static const char *wanted;
static unsigned count;
static int64_t newest_s;
static bool went_back;

static bool look(const struct ck_audit_record *record, const char *file, uint64_t line_number, void *context)
{
	char second[] = "0000-00-00T00:00:00Z";
	int64_t time_s;
	(void)file;
	(void)line_number;
	(void)context;
	memcpy(second, record->time.at, 19);
	ck_assert_int_eq(ck_time_parse(ck_text_of(second), 0, &time_s), CK_OK);
	if (time_s < newest_s) went_back = true;
	newest_s = time_s;
	if (ck_text_is(record->event, wanted)) count++;
	return true;
}

static unsigned recorded(const char *event)
{
	struct ck_audit_report report;
	wanted = event;
	count = 0;
	newest_s = 0;
	went_back = false;
	ck_assert_int_eq(ck_audit_each(fixture_directory, look, NULL, &err), CK_OK);
	ck_assert_msg(ck_audit_verify(fixture_directory, (struct ck_text){NULL, 0}, &report, &err) == CK_OK, "%s", err.text);
	return count;
}

/* ---- tests ---- */

START_TEST(a_day_back_is_an_alarm_and_ends_count_for_nothing)
{
	ck_assert(grant(NOW + 2 * DAY).verdict);
	tick();
	ck_assert_uint_eq(recorded("clock-behind"), 0);
	ck_fake_wall_is(NOW - DAY);
	/* also before the tick that notices it */
	struct ck_book_answer answer = grant(NOW + 2 * DAY);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "clock");
	ck_assert(grant(CK_TIME_UNLIMITED).verdict);
	tick();
	tick();
	ck_assert_uint_eq(recorded("clock-behind"), 1);
	ck_assert_uint_eq(recorded("account-granted"), 2);
	ck_assert(!went_back);
	ck_assert_int_ge(newest_s, NOW);
	ck_fake_wall_is(NOW + 60);
	tick();
	ck_assert_uint_eq(recorded("clock-caught-up"), 1);
	ck_assert(grant(NOW + 2 * DAY).verdict);
}
END_TEST

START_TEST(a_restart_knows_the_last_record)
{
	ck_fake_wall_is(10); /* no battery */
	restart();
	ck_assert_uint_eq(recorded("clock-behind"), 1);
	ck_assert(!went_back);
	ck_assert_int_ge(newest_s, NOW);
	ck_assert_int_ge(ck_book_known_s(book), NOW);
	ck_assert(!grant(NOW + DAY).verdict);
	ck_assert(grant(CK_TIME_UNLIMITED).verdict);
	ck_fake_wall_is(NOW + 600);
	tick();
	ck_assert(grant(NOW + DAY).verdict);
}
END_TEST

START_TEST(a_new_log_on_a_machine_without_a_battery)
{
	ck_book_free(&book);
	fixture_clear();
	ck_fake_wall_is(100);
	open_book();
	ck_assert_uint_eq(recorded("clock-behind"), 1);
	ck_assert_int_eq(newest_s, CK_CLOCK_EPOCH_S);
	ck_assert_str_eq(confirm().reason, "clock-unset");
	ck_fake_wall_is(NOW);
	tick();
	ck_assert_uint_eq(recorded("clock-caught-up"), 1);
}
END_TEST

START_TEST(a_login_goes_on_while_the_clock_jumps)
{
	static const int64_t jumps[] = {DAY, -DAY, -NOW, INT64_C(4294967296) - NOW};
	for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		ck_fake_wall_is(NOW);
		restart();
		login_id[0]++;
		ck_assert(grant(CK_TIME_UNLIMITED).verdict);
		ck_fake_wall_is(NOW + jumps[i]);
		tick();
		ck_assert_msg(open_session().verdict, "jump %zu", i);
		if (jumps[i] > 0) {
			ck_fake_wall_is(NOW);
			ck_assert(confirm().verdict);
		}
	}
}
END_TEST

START_TEST(a_login_ends_by_the_clock_that_cannot_be_set)
{
	ck_assert(grant(CK_TIME_UNLIMITED).verdict);
	ck_fake_boot_ms = (CK_LOGIN_LIFE_S + 1) * 1000;
	struct ck_book_answer answer = open_session();
	ck_fake_boot_ms = 0; /* Check takes the time by that clock */
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "login-expired");
}
END_TEST

START_TEST(a_login_outlives_the_ledger)
{
	ck_assert(grant(CK_TIME_UNLIMITED).verdict);
	restart();
	ck_assert(open_session().verdict);
	login_id[0]++;
	ck_assert(grant(CK_TIME_UNLIMITED).verdict);
	ck_fake_wall_is(NOW + CK_LOGIN_LIFE_S + 60); /* however long the machine took from the grant to here */
	ck_fake_boot_ms = (CK_LOGIN_LIFE_S + 60) * 1000;
	restart();
	struct ck_book_answer answer = open_session();
	ck_fake_boot_ms = 0;
	ck_assert_str_eq(answer.reason, "login-expired");
}
END_TEST

START_TEST(forward_is_said_and_root_takes_it_back)
{
	ck_assert_str_eq(confirm().reason, "clock-right");
	tick();
	ck_fake_wall_is(NOW + 10 * DAY);
	tick();
	ck_assert_uint_eq(recorded("clock-jumped"), 1);
	ck_fake_wall_is(NOW);
	tick();
	ck_assert_uint_eq(recorded("clock-behind"), 1);
	ck_assert(!grant(NOW + 20 * DAY).verdict);
	ck_assert(confirm().verdict);
	ck_assert_uint_eq(recorded("clock-confirmed"), 1);
	ck_assert(went_back); /* the one record that may */
	ck_assert_int_le(newest_s, NOW + 5);
	ck_assert(grant(NOW + 20 * DAY).verdict);
	ck_assert_int_le(ck_book_known_s(book), NOW + 5);
	/* and it holds after a start */
	restart();
	ck_assert_uint_eq(recorded("clock-behind"), 1);
	ck_assert(grant(NOW + 20 * DAY).verdict);
}
END_TEST

START_TEST(time_that_passed_is_no_jump)
{
	tick();
	ck_fake_wall_is(NOW + DAY);
	ck_fake_boot_ms = DAY * INT64_C(1000);
	tick();
	ck_fake_boot_ms = 0;
	ck_assert_uint_eq(recorded("clock-jumped"), 0);
}
END_TEST

START_TEST(the_ends_of_counters)
{
	static const int64_t times[] = {INT64_C(2147483646), INT64_C(2147483649), INT64_C(4294967294), INT64_C(4294967297)};
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		ck_fake_wall_is(times[i]);
		restart();
		login_id[0]++;
		ck_assert(grant(times[i] + DAY).verdict);
		ck_assert(open_session().verdict);
		tick();
		ck_assert_uint_eq(recorded("clock-behind"), 0);
		ck_assert_int_ge(newest_s, times[i]);
		ck_assert(!went_back);
	}
}
END_TEST

/* The reserve is asked for again after a while by a clock that goes on, not by one that stands still. */
START_TEST(records_go_on_while_it_stands_still)
{
	ck_fake_wall_is(NOW - DAY);
	for (unsigned i = 0; i < 2000; i++) ck_assert(grant(CK_TIME_UNLIMITED).verdict);
	ck_assert_uint_eq(recorded("account-granted"), 2000);
	ck_assert(!went_back);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger clock");
	TCase *c = tcase_create("clock");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_day_back_is_an_alarm_and_ends_count_for_nothing);
	tcase_add_test(c, a_restart_knows_the_last_record);
	tcase_add_test(c, a_new_log_on_a_machine_without_a_battery);
	tcase_add_test(c, a_login_goes_on_while_the_clock_jumps);
	tcase_add_test(c, a_login_ends_by_the_clock_that_cannot_be_set);
	tcase_add_test(c, a_login_outlives_the_ledger);
	tcase_add_test(c, forward_is_said_and_root_takes_it_back);
	tcase_add_test(c, time_that_passed_is_no_jump);
	tcase_add_test(c, the_ends_of_counters);
	tcase_add_test(c, records_go_on_while_it_stands_still);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
