/* Weekly hours: the one form, what does not go together, and moments: across both changes of summer time, in several zones, minute by
   minute as libc's clock has them. */
#include "directory/base/clock.h"
#include "directory/model/record.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct ck_text t(const char *string) { return ck_text_of(string); }
static struct ck_weekly weekly;
static struct ck_zone_table zone;

static void hours(const char *first, const char *second)
{
	struct ck_weekly_span span;
	memset(&weekly, 0, sizeof weekly);
	ck_assert_msg(ck_weekly_parse(t(first), &span) == CK_OK, "%s", first);
	ck_assert(ck_weekly_add(&weekly, &span));
	if (second == NULL) return;
	ck_assert_msg(ck_weekly_parse(t(second), &span) == CK_OK, "%s", second);
	ck_assert(ck_weekly_add(&weekly, &span));
}

static void in_zone(const char *name)
{
	int64_t from_s, until_s;
	struct ck_errmsg err;
	ck_zone_span(INT64_C(1795334400), &from_s, &until_s); /* 2026-11-22 */
	ck_assert_msg(ck_zone_read(CK_ZONE_DIRECTORY, t(name), from_s, until_s, &zone, &err) == CK_OK, "%s", err.text);
}

static int64_t at(const char *time)
{
	int64_t at_s;
	ck_assert_msg(ck_time_parse(t(time), 0, &at_s) == CK_OK, "%s", time);
	return at_s;
}

/* ---- text ---- */

START_TEST(one_form)
{
	static const char *const good[] = {"mon-fri 08:00-18:00", "mon 00:00-24:00", "sat 22:00-06:00", "sun 23:59-24:00", "mon-sun 00:00-24:00",
	                                   "wed-thu 00:00-00:01", "fri 12:30-12:29"};
	static const char *const bad[] = {"",
	                                  "always",
	                                  "mon",
	                                  "mon ",
	                                  "Mon 08:00-18:00",
	                                  "monday 08:00-18:00",
	                                  "mon-mon 08:00-18:00",
	                                  "fri-mon 08:00-18:00",
	                                  "mon,tue 08:00-18:00",
	                                  "mon-fri  08:00-18:00",
	                                  " mon 08:00-18:00",
	                                  "mon 08:00-18:00 ",
	                                  "mon 08:00 - 18:00",
	                                  "mon 8:00-18:00",
	                                  "mon 0800-1800",
	                                  "mon 08:00-18:00:00",
	                                  "mon 08:00",
	                                  "mon 08:00-",
	                                  "mon 08:60-18:00",
	                                  "mon 08:00-24:01",
	                                  "mon 08:00-25:00",
	                                  "mon 24:00-06:00", /* 00:00 of the next day */
	                                  "mon 22:00-00:00", /* 24:00 */
	                                  "mon 08:00-08:00",
	                                  "mon 00:00-00:00",
	                                  "mon -8:00-18:00",
	                                  "mon 08:00-18:00\n",
	                                  "mon-fri-sat 08:00-18:00"};
	struct ck_weekly_span span;
	char text[CK_WEEKLY_TEXT_BYTES];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert_msg(ck_weekly_parse(t(good[i]), &span) == CK_OK, "%s", good[i]);
		ck_assert_str_eq(ck_weekly_format(&span, text), good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(ck_weekly_parse(t(bad[i]), &span) == CK_ERR_INVALID, "%s", bad[i]);
	ck_assert_int_eq(ck_weekly_parse((struct ck_text){"mon 08:00-18:00\0", 16}, &span), CK_ERR_INVALID);
}
END_TEST

START_TEST(what_goes_together)
{
	static const struct {
		const char *first, *second;
		bool valid;
	} sets[] = {
		{"mon-fri 08:00-18:00", "sat 08:00-12:00", true},  {"mon-fri 08:00-18:00", "fri 17:59-18:30", false},
		{"mon-fri 08:00-18:00", "fri 18:00-18:30", true},  {"mon-fri 08:00-18:00", "wed 10:00-11:00", false},
		{"mon-fri 08:00-18:00", "mon-fri 08:00-18:00", false}, {"sat 22:00-06:00", "sun 05:59-07:00", false},
		{"sat 22:00-06:00", "sun 06:00-07:00", true},      {"sun 22:00-06:00", "mon 05:59-07:00", false}, /* round the end of the week */
		{"sun 22:00-06:00", "mon 06:00-07:00", true},      {"mon-sun 08:00-07:59", "tue 07:59-08:00", true},
		{"mon-sun 00:00-24:00", "wed 10:00-11:00", false},
	};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
		hours(sets[i].first, sets[i].second);
		ck_assert_msg(ck_weekly_valid(&weekly) == sets[i].valid, "%s, %s", sets[i].first, sets[i].second);
		struct ck_weekly one_way = weekly;
		hours(sets[i].second, sets[i].first);
		ck_assert_mem_eq(&one_way, &weekly, sizeof weekly); /* one order, however they come */
	}
	memset(&weekly, 0, sizeof weekly);
	ck_assert(!ck_weekly_valid(&weekly));
	weekly.always = true;
	ck_assert(ck_weekly_valid(&weekly));
	hours("mon 08:00-18:00", NULL);
	weekly.always = true;
	ck_assert(!ck_weekly_valid(&weekly));
}
END_TEST

START_TEST(no_more_than_the_limit)
{
	memset(&weekly, 0, sizeof weekly);
	for (unsigned i = 0; i <= CK_WEEKLY_LIMIT; i++) {
		struct ck_weekly_span span = {.from_minute = (uint16_t)(i * 20), .until_minute = (uint16_t)(i * 20 + 10)};
		ck_assert_int_eq(ck_weekly_add(&weekly, &span), i < CK_WEEKLY_LIMIT);
	}
	ck_assert(ck_weekly_valid(&weekly));
	weekly.count++;
	ck_assert(!ck_weekly_valid(&weekly));
}
END_TEST

/* ---- moments ---- */

static void within(const char *moment, const char *until)
{
	int64_t until_s;
	char text[CK_TIME_TEXT_BYTES];
	ck_assert_msg(ck_weekly_contains(&weekly, &zone, at(moment), &until_s), "%s is outside", moment);
	ck_assert_str_eq(ck_time_format(until_s, text), until);
}

static void outside(const char *moment)
{
	int64_t until_s;
	ck_assert_msg(!ck_weekly_contains(&weekly, &zone, at(moment), &until_s), "%s is within", moment);
	ck_assert_int_eq(until_s, at(moment));
}

START_TEST(always)
{
	int64_t until_s;
	memset(&weekly, 0, sizeof weekly);
	memset(&zone, 0, sizeof zone);
	weekly.always = true;
	ck_assert(ck_weekly_contains(&weekly, &zone, 0, &until_s)); /* needs no clock */
	ck_assert_int_eq(until_s, INT64_MAX);
}
END_TEST

START_TEST(an_ordinary_week)
{
	in_zone("Europe/London");
	hours("mon-fri 08:00-18:00", NULL);
	outside("2026-11-20T07:59:59Z"); /* a Friday, in winter */
	within("2026-11-20T08:00:00Z", "2026-11-20T18:00:00Z");
	within("2026-11-20T17:59:59Z", "2026-11-20T18:00:00Z");
	outside("2026-11-20T18:00:00Z");
	outside("2026-11-21T12:00:00Z");
	outside("2026-11-22T12:00:00Z");
	outside("2026-11-23T07:59:59Z");
	within("2026-11-23T08:00:00Z", "2026-11-23T18:00:00Z");
	within("2026-07-20T07:00:00Z", "2026-07-20T17:00:00Z"); /* a Monday, in summer */
	outside("2026-07-20T17:00:00Z");
}
END_TEST

START_TEST(over_midnight)
{
	in_zone("UTC");
	hours("fri 22:00-06:00", "sun 23:00-01:00");
	outside("2026-11-20T21:59:59Z");
	within("2026-11-20T22:00:00Z", "2026-11-21T06:00:00Z");
	within("2026-11-21T05:59:59Z", "2026-11-21T06:00:00Z");
	outside("2026-11-21T06:00:00Z");
	within("2026-11-22T23:30:00Z", "2026-11-23T01:00:00Z"); /* round the end of the week */
	within("2026-11-23T00:30:00Z", "2026-11-23T01:00:00Z");
	outside("2026-11-23T01:00:00Z");
	outside("2026-11-20T05:00:00Z"); /* Thursday's night is not Friday's */
}
END_TEST

START_TEST(spans_that_meet)
{
	in_zone("UTC");
	hours("fri 08:00-24:00", "sat 00:00-06:00");
	within("2026-11-20T09:00:00Z", "2026-11-21T06:00:00Z");
	hours("mon-fri 00:00-24:00", "sat-sun 00:00-24:00");
	within("2026-11-20T09:00:00Z", "2037-01-01T00:00:00Z"); /* as long as the zone is known */
}
END_TEST

/* 2026-03-29 01:00 UTC: 01:00 becomes 02:00. */
START_TEST(spring_in_london)
{
	in_zone("Europe/London");
	hours("sun 00:30-03:00", NULL);
	within("2026-03-29T00:30:00Z", "2026-03-29T02:00:00Z"); /* an hour shorter */
	within("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z");
	outside("2026-03-29T02:00:00Z");
	hours("sun 00:30-01:30", NULL); /* ends in the hour that is not there */
	within("2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z");
	outside("2026-03-29T01:00:00Z");
	hours("sun 01:30-03:00", NULL); /* begins in it */
	outside("2026-03-29T00:59:59Z");
	within("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z");
	hours("sun 01:10-01:50", NULL); /* lies in it */
	outside("2026-03-29T00:59:59Z");
	outside("2026-03-29T01:00:00Z");
	outside("2026-03-29T01:30:00Z");
}
END_TEST

/* 2026-10-25 01:00 UTC: 02:00 becomes 01:00. */
START_TEST(autumn_in_london)
{
	in_zone("Europe/London");
	hours("sun 01:00-01:30", NULL); /* comes twice */
	outside("2026-10-24T23:59:59Z");
	within("2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z");
	outside("2026-10-25T00:30:00Z");
	within("2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z");
	outside("2026-10-25T01:30:00Z");
	hours("sun 00:30-03:00", NULL);
	within("2026-10-24T23:30:00Z", "2026-10-25T03:00:00Z"); /* an hour longer */
	hours("sun 01:00-02:00", NULL);
	within("2026-10-25T00:15:00Z", "2026-10-25T02:00:00Z"); /* both times, without a break */
	hours("sun 01:30-02:00", NULL);
	within("2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z");
	outside("2026-10-25T01:00:00Z");
	within("2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z");
}
END_TEST

START_TEST(a_southern_spring)
{
	in_zone("Pacific/Auckland"); /* 2026-09-27 02:00 becomes 03:00, at 14:00 UTC the day before */
	hours("sun 01:00-02:30", NULL);
	within("2026-09-26T13:00:00Z", "2026-09-26T14:00:00Z");
	outside("2026-09-26T14:00:00Z");
	hours("mon 08:00-09:00", NULL);
	within("2026-09-27T19:00:00Z", "2026-09-27T20:00:00Z"); /* Sunday in London */
}
END_TEST

START_TEST(half_an_hour)
{
	in_zone("Australia/Lord_Howe"); /* 2026-04-05 02:00 becomes 01:30, at 15:00 UTC the day before */
	hours("sun 01:30-01:45", NULL);
	within("2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z");
	outside("2026-04-04T14:45:00Z");
	within("2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z");
	in_zone("Asia/Kolkata");
	hours("mon 08:00-09:00", NULL);
	within("2026-11-23T02:30:00Z", "2026-11-23T03:30:00Z");
}
END_TEST

START_TEST(outside_of_what_is_known)
{
	in_zone("Europe/London");
	hours("mon-sun 00:00-24:00", NULL);
	within("2036-12-31T23:59:59Z", "2037-01-01T00:00:00Z");
	outside("2037-01-01T00:00:00Z");
	outside("2024-12-31T23:59:59Z");
	within("2025-01-01T00:00:00Z", "2037-01-01T00:00:00Z");
	outside("1970-01-01T00:00:00Z");
	outside("2106-02-07T06:28:16Z");
	memset(&zone, 0, sizeof zone);
	outside("1970-01-01T00:00:00Z");
	outside("2026-11-22T00:00:00Z");
}
END_TEST

START_TEST(minutes_of_the_week)
{
	char text[CK_WEEKLY_TEXT_BYTES];
	ck_assert_uint_eq(ck_weekly_minute_of(0), 3 * 1440);
	ck_assert_uint_eq(ck_weekly_minute_of(-1), 3 * 1440 - 1);
	ck_assert_uint_eq(ck_weekly_minute_of(-3 * 86400), 0);
	ck_assert_uint_eq(ck_weekly_minute_of(-3 * 86400 - 1), 7 * 1440 - 1);
	ck_assert_str_eq(ck_weekly_moment(at("2026-11-22T09:12:59Z"), text), "sun 09:12");
	ck_assert_str_eq(ck_weekly_moment(-1, text), "wed 23:59");
}
END_TEST

/* ---- as libc's clock has them ---- */

/* A second, simpler reading of the same: by the weekday and the minute that the clock on the wall shows. */
static bool shown_within(int64_t at_s)
{
	struct tm tm;
	time_t moment = (time_t)at_s;
	if (localtime_r(&moment, &tm) == NULL) abort();
	int day = (tm.tm_wday + 6) % 7, minute = tm.tm_hour * 60 + tm.tm_min;
	for (size_t i = 0; i < weekly.count; i++) {
		const struct ck_weekly_span *span = &weekly.at[i];
		bool today = day >= span->first_day && day <= span->last_day;
		int before = (day + 6) % 7;
		bool yesterday = before >= span->first_day && before <= span->last_day;
		if (span->from_minute < span->until_minute) {
			if (today && minute >= span->from_minute && minute < span->until_minute) return true;
		} else if ((today && minute >= span->from_minute) || (yesterday && minute < span->until_minute)) {
			return true;
		}
	}
	return false;
}

static void compare(const char *name, int64_t from_s, int64_t until_s)
{
	char text[CK_TIME_TEXT_BYTES];
	int64_t expected_s = 0;
	for (int64_t at_s = from_s; at_s < until_s; at_s += 60) {
		int64_t end_s;
		bool inside = ck_weekly_contains(&weekly, &zone, at_s, &end_s);
		bool shown = shown_within(at_s);
		if (inside != shown || (shown && expected_s > at_s && end_s != expected_s)) ck_abort_msg("%s at %s", name, ck_time_format(at_s, text));
		if (shown && expected_s == at_s) ck_abort_msg("%s: does not end at %s", name, ck_time_format(at_s, text));
		if (shown) expected_s = end_s;
		/* the end that was foretold has come */
		if (!shown && expected_s > at_s) ck_abort_msg("%s: ends early at %s", name, ck_time_format(at_s, text));
	}
}

START_TEST(minute_by_minute)
{
	static const char *const names[] = {"Europe/London", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Kolkata", "Etc/UTC",
	                                    "Africa/Casablanca", "America/St_Johns", "Pacific/Chatham"};
	static const char *const sets[][2] = {{"mon-fri 08:00-18:00", "sat 22:00-06:00"}, {"sun 01:00-02:00", "sun 02:30-03:15"},
	                                      {"fri-sat 23:45-02:15", "mon-fri 00:00-23:45"}, {"sun 00:00-01:30", "sun 01:30-04:00"}};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char tz[64] = ":";
		strcat(tz, names[i]);
		ck_assert_int_eq(setenv("TZ", tz, 1), 0);
		tzset();
		in_zone(names[i]);
		for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
			hours(sets[k][0], sets[k][1]);
			ck_assert(ck_weekly_valid(&weekly));
			/* a year whole, and the days of every shift of the ten */
			compare(names[i], at("2026-01-01"), at("2027-01-01"));
			for (size_t s = 0; s < zone.count; s++) {
				int64_t from_s = zone.at[s].at_s - 90000, until_s = zone.at[s].at_s + 90000;
				if (from_s >= zone.from_s && until_s < zone.until_s) compare(names[i], from_s - from_s % 60, until_s);
			}
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("weekly");
	TCase *c = tcase_create("weekly");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, one_form);
	tcase_add_test(c, what_goes_together);
	tcase_add_test(c, no_more_than_the_limit);
	tcase_add_test(c, always);
	tcase_add_test(c, an_ordinary_week);
	tcase_add_test(c, over_midnight);
	tcase_add_test(c, spans_that_meet);
	tcase_add_test(c, spring_in_london);
	tcase_add_test(c, autumn_in_london);
	tcase_add_test(c, a_southern_spring);
	tcase_add_test(c, half_an_hour);
	tcase_add_test(c, outside_of_what_is_known);
	tcase_add_test(c, minutes_of_the_week);
	tcase_add_test(c, minute_by_minute);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
