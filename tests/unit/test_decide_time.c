/* What the decision makes of time: the copy's age, a clock that is behind, windows at their edges, hours of the week, and until when a grant holds.
   For the hours: NOW is Friday, 2027-01-15 08:00 in London. */
#include <stdlib.h>

#include "tests/unit/decide_fixture.h"
#include "tests/unit/suite.h"

START_TEST(a_stale_copy)
{
	question.as_of_s = NOW - 3600;
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	question.as_of_s = NOW - 3601;
	ck_assert_refused(CK_REASON_STALE);
	question.as_of_s = INT64_MIN;
	ck_assert_refused(CK_REASON_STALE);
	question.as_of_limit_s = 0;
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	question.as_of_limit_s = -1;
	ck_assert_refused(CK_REASON_STALE);
}
END_TEST

START_TEST(a_clock_that_is_behind)
{
	question.as_of_s = NOW + CK_CLOCK_TOLERANCE_S;
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	question.as_of_s = NOW + CK_CLOCK_TOLERANCE_S + 1;
	ck_assert_refused(CK_REASON_CLOCK);
	question.as_of_s = INT64_MAX;
	ck_assert_refused(CK_REASON_CLOCK);
}
END_TEST

/* What has an end counts for nothing, whichever of all it relies on it is; what has none counts. */
START_TEST(a_clock_that_is_behind_what_was_recorded)
{
	struct ck_record *record;
	question.now.behind = true;
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	record = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	record->as.grant.window.until_s = NOW + 86400;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_CLOCK);
	ck_builder_put(b, ck_builder_grant(b, GRANT2, LEEDS, ADMINS, ALICE));
	ck_assert_granted(RULE, CK_TIME_UNLIMITED); /* another grant, without an end */
	change_rule(&record)->window.until_s = NOW + 86400;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_CLOCK);
	change_rule(&record)->window.from_s = NOW - 1; /* a beginning that is past is past */
	ck_builder_put(b, record);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	change_rule(&record)->window.from_s = NOW + 1; /* one that is to come may be past, or not */
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
	change_rule(&record);
	ck_builder_put(b, record);
	person_window(CK_TIME_ALWAYS, NOW + 86400);
	ck_assert_refused(CK_REASON_CLOCK);
	person_window(CK_TIME_ALWAYS, CK_TIME_UNLIMITED);
	york(CK_STATUS_ACTIVE, CK_TIME_ALWAYS, NOW + 86400, 200000, 300000);
	ck_assert_refused(CK_REASON_CLOCK);
	york(CK_STATUS_ACTIVE, CK_TIME_ALWAYS, CK_TIME_UNLIMITED, 200000, 300000);
	record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.window.until_s = NOW + 86400;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_CLOCK);
	ck_builder_put(b, ck_builder_authority(b, LEEDS, "Leeds"));
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

/* The clock is blamed for nothing that it has no part in. */
START_TEST(what_is_refused_by_any_clock)
{
	question.now.behind = true;
	struct ck_record *record = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	record->as.grant.window.until_s = NOW;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_ROLE);
	person_window(CK_TIME_ALWAYS, NOW);
	ck_assert_refused(CK_REASON_STAFF_NOT_ACTIVE);
	record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window.until_s = NOW + 86400;
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_STAFF_NOT_ACTIVE);
}
END_TEST

START_TEST(hours_while_the_clock_is_behind)
{
	struct ck_record *record;
	struct ck_weekly_span span;
	struct ck_rule *rule = change_rule(&record);
	question.now.behind = true;
	rule->weekly = (struct ck_weekly){.always = false};
	ck_assert_int_eq(ck_weekly_parse(t("mon-sun 00:00-24:00"), &span), CK_OK);
	ck_assert(ck_weekly_add(&rule->weekly, &span));
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_HOURS);
	question.now.behind = false;
	decide();
	ck_assert(verdict.allow);
}
END_TEST

START_TEST(a_clock_that_cannot_be_read)
{
	question.now.s = 0;
	question.as_of_s = 0;
	ck_assert_refused(CK_REASON_CLOCK);
	question.now.s = -1;
	question.as_of_s = INT64_MIN;
	question.as_of_limit_s = 0;
	ck_assert_refused(CK_REASON_CLOCK);
}
END_TEST

START_TEST(a_person_at_the_edges_of_their_window)
{
	person_window(NOW, NOW + 1);
	ck_assert_granted(RULE, NOW + 1);
	person_window(NOW + 1, NOW + 2);
	ck_assert_refused(CK_REASON_STAFF_NOT_ACTIVE);
	person_window(NOW - 1, NOW);
	ck_assert_refused(CK_REASON_STAFF_NOT_ACTIVE);
}
END_TEST

START_TEST(the_persons_authority_is_outside_its_window)
{
	york(CK_STATUS_ACTIVE, NOW + 1, NOW + 2, 200000, 300000);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
	york(CK_STATUS_ACTIVE, NOW - 1, NOW, 200000, 300000);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
}
END_TEST

START_TEST(the_systems_authority_is_outside_its_window)
{
	struct ck_record *record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.window = (struct ck_window){NOW - 1, NOW};
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
}
END_TEST

START_TEST(a_rule_at_the_edges_of_its_window)
{
	struct ck_record *record;
	change_rule(&record)->window = (struct ck_window){NOW, NOW + 1};
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 1);
	change_rule(&record)->window = (struct ck_window){NOW + 1, NOW + 2};
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
	change_rule(&record)->window = (struct ck_window){NOW - 1, NOW};
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

/* ---- hours of the week: NOW is Friday, 2027-01-15 08:00 in London, Europe/London being the zone ---- */

static void leeds_in(const char *zone)
{
	struct ck_record *record = ck_builder_authority(b, LEEDS, "Leeds");
	struct ck_authority *leeds = &record->as.authority_of;
	struct ck_errmsg err;
	int64_t from_s, until_s;
	ck_zone_span(NOW, &from_s, &until_s);
	leeds->zone = t(zone);
	ck_assert_msg(ck_zone_read(CK_ZONE_DIRECTORY, t(zone), from_s, until_s, &leeds->zone_table, &err) == CK_OK, "%s", err.text);
	ck_builder_put(b, record);
}

static void only_at(const char *hours)
{
	struct ck_record *record;
	struct ck_weekly *weekly = &change_rule(&record)->weekly;
	struct ck_weekly_span span;
	*weekly = (struct ck_weekly){.always = false};
	ck_assert_int_eq(ck_weekly_parse(t(hours), &span), CK_OK);
	ck_assert(ck_weekly_add(weekly, &span));
	ck_builder_put(b, record);
}

static void at(int64_t now_s)
{
	question.now.s = question.as_of_s = now_s;
}

START_TEST(within_its_hours_and_outside)
{
	leeds_in("Europe/London");
	only_at("mon-fri 08:00-18:00");
	ck_assert_granted(RULE, NOW + 36000);
	at(NOW + 35999);
	ck_assert_granted(RULE, NOW + 36000);
	at(NOW + 36000);
	ck_assert_refused(CK_REASON_HOURS);
	at(NOW - 1);
	ck_assert_refused(CK_REASON_HOURS);
	at(NOW + 86400);
	ck_assert_refused(CK_REASON_HOURS);
}
END_TEST

START_TEST(by_the_clock_of_the_systems_authority)
{
	only_at("mon-fri 08:00-18:00");
	leeds_in("America/New_York"); /* 03:00 */
	ck_assert_refused(CK_REASON_HOURS);
	leeds_in("Asia/Kolkata"); /* 13:30 */
	ck_assert_granted(RULE, NOW + 16200);
}
END_TEST

START_TEST(hours_end_before_the_rule_and_after_it)
{
	struct ck_record *record;
	struct ck_weekly_span span;
	leeds_in("Europe/London");
	struct ck_rule *rule = change_rule(&record);
	rule->weekly = (struct ck_weekly){.always = false};
	rule->window.until_s = NOW + 60;
	ck_assert_int_eq(ck_weekly_parse(t("fri 08:00-18:00"), &span), CK_OK);
	ck_assert(ck_weekly_add(&rule->weekly, &span));
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 60);
}
END_TEST

/* Past the years that the copy knows, and where it knows none. */
START_TEST(hours_of_years_that_are_not_known)
{
	struct ck_record *record;
	leeds_in("Europe/London");
	only_at("mon-sun 00:00-24:00");
	int64_t end_s = ck_time_of_date(2038, 1, 1);
	at(end_s - 1);
	ck_assert_granted(RULE, end_s);
	at(end_s);
	ck_assert_refused(CK_REASON_HOURS);
	at(ck_time_of_date(2025, 12, 31));
	ck_assert_refused(CK_REASON_HOURS);
	at(ck_time_of_date(2106, 2, 8));
	ck_assert_refused(CK_REASON_HOURS);
	at(NOW);
	record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.zone_table = (struct ck_zone_table){.count = 0};
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_HOURS);
	/* a rule without hours needs no clock */
	change_rule(&record);
	ck_builder_put(b, record);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

START_TEST(another_rule_without_hours_grants)
{
	leeds_in("Europe/London");
	only_at("sat 08:00-18:00");
	ck_assert_refused(CK_REASON_HOURS);
	ck_builder_put(b, ck_builder_rule(b, RULE2, LEEDS, "any time", WEB, ADMINS));
	ck_assert_granted(RULE2, CK_TIME_UNLIMITED);
}
END_TEST

START_TEST(outside_of_its_hours_a_rule_demands_nothing)
{
	leeds_in("Europe/London");
	only_at("sat 08:00-18:00");
	question.proved = CK_PROVED_NOTHING;
	ck_assert_refused(CK_REASON_HOURS);
	ck_assert_uint_eq(verdict.demanded, 0);
}
END_TEST

/* ---- until ---- */

START_TEST(until_is_the_earliest_end_of_what_was_relied_on)
{
	struct ck_record *record;
	york(CK_STATUS_ACTIVE, CK_TIME_ALWAYS, NOW + 70, 200000, 300000);
	ck_assert_granted(RULE, NOW + 70);
	person_window(CK_TIME_ALWAYS, NOW + 60);
	ck_assert_granted(RULE, NOW + 60);
	record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.window.until_s = NOW + 50;
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 50);
	change_rule(&record)->window.until_s = NOW + 40;
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 40);
	record = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	record->as.grant.window.until_s = NOW + 30;
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 30);
}
END_TEST

START_TEST(the_rule_that_lasts_longest_is_named_and_of_equals_the_first)
{
	struct ck_record *record;
	change_rule(&record)->window.until_s = NOW + 40;
	ck_builder_put(b, record);
	ck_builder_put(b, ck_builder_rule(b, RULE3, LEEDS, "later", 0, ADMINS));
	ck_builder_put(b, ck_builder_rule(b, RULE2, LEEDS, "late", 0, ADMINS));
	ck_assert_granted(RULE2, CK_TIME_UNLIMITED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide time");
	TCase *c = tcase_create("time");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_stale_copy);
	tcase_add_test(c, a_clock_that_is_behind);
	tcase_add_test(c, a_clock_that_is_behind_what_was_recorded);
	tcase_add_test(c, what_is_refused_by_any_clock);
	tcase_add_test(c, hours_while_the_clock_is_behind);
	tcase_add_test(c, a_clock_that_cannot_be_read);
	tcase_add_test(c, a_person_at_the_edges_of_their_window);
	tcase_add_test(c, the_persons_authority_is_outside_its_window);
	tcase_add_test(c, the_systems_authority_is_outside_its_window);
	tcase_add_test(c, a_rule_at_the_edges_of_its_window);
	tcase_add_test(c, within_its_hours_and_outside);
	tcase_add_test(c, by_the_clock_of_the_systems_authority);
	tcase_add_test(c, hours_end_before_the_rule_and_after_it);
	tcase_add_test(c, hours_of_years_that_are_not_known);
	tcase_add_test(c, another_rule_without_hours_grants);
	tcase_add_test(c, outside_of_its_hours_a_rule_demands_nothing);
	tcase_add_test(c, until_is_the_earliest_end_of_what_was_relied_on);
	tcase_add_test(c, the_rule_that_lasts_longest_is_named_and_of_equals_the_first);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
