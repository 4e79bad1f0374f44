/* The decision: one valid grant, then one test for each thing that is wrong; windows at their edges. Roles have a program of their own. */
#include <stdio.h>

#include "directory/store/internal.h"
#include "tests/unit/decide_fixture.h"

START_TEST(the_valid_one_is_granted)
{
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert_uint_eq(verdict.demanded, CK_PROVED_DEFAULT);
	ck_assert_uint_eq(trace.count, 12);
	ck_assert_uint_eq(trace.dropped, 0);
	for (size_t i = 0; i < trace.count; i++) {
		ck_assert_int_eq(trace.at[i].step, (int)i);
		ck_assert(trace.at[i].passed);
	}
}
END_TEST

/* ---- the copy and the clock ---- */

static void york(enum ck_status status, int64_t from_s, int64_t until_s, uint64_t first, uint64_t last);
static void person_window(int64_t from_s, int64_t until_s);

START_TEST(an_unfinished_copy)
{
	struct ck_builder *bare = ck_builder_new();
	ck_builder_finish(bare, false);
	struct ck_view *view = ck_builder_view(bare);
	verdict = ck_decide(view, &question, &trace, NULL);
	ck_assert(!verdict.allow);
	ck_assert_int_eq(verdict.reason, CK_REASON_UNAVAILABLE);
	ck_builder_free(&bare);
}
END_TEST

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

/* Puts other bytes where a record is. */
static void damage(enum ck_kind kind, unsigned number)
{
	struct ck_batch *batch;
	struct ck_errmsg err;
	struct ck_index_key key;
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_index_record(&key, kind, ck_builder_id(number));
	ck_assert_int_eq(ck_kv_set_sealed(batch, &key, ck_bytes_of(t("not a record"))), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
}

START_TEST(a_damaged_copy)
{
	static const struct {
		enum ck_kind kind;
		unsigned number;
	} all[] = {{CK_KIND_GRANT, GRANT}, {CK_KIND_ROLE, ADMINS}, {CK_KIND_RULE, RULE}, {CK_KIND_SYSTEM_GROUP, SERVERS},
	           {CK_KIND_AUTHORITY, LEEDS}, {CK_KIND_SYSTEM, WEB}, {CK_KIND_AUTHORITY, YORK}, {CK_KIND_STAFF, ALICE}};
	/* another rule would allow it: damage on the way refuses all the same */
	struct ck_record *record = ck_builder_system(b, WEB, LEEDS, "web-1");
	record->as.system.groups = ck_builder_ids(b, (const unsigned[]){SERVERS, 0});
	ck_builder_put(b, record);
	ck_builder_put(b, ck_builder_group(b, SERVERS, LEEDS, "servers"));
	ck_builder_put(b, ck_builder_rule(b, RULE2, LEEDS, "everything", 0, ADMINS));
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		bool corrupt = false;
		damage(all[i].kind, all[i].number);
		verdict = ck_decide(ck_builder_view(b), &question, &trace, &corrupt);
		ck_assert(corrupt);
		ck_assert(!verdict.allow);
		ck_assert_int_eq(verdict.reason, CK_REASON_UNAVAILABLE);
	}
}
END_TEST

/* ---- the person ---- */

START_TEST(an_unknown_person)
{
	question.uid = question.account = t("mallory");
	ck_assert_refused(CK_REASON_UNKNOWN_STAFF);
	ck_assert(ck_id_is_zero(verdict.staff));
	question.uid = question.account = (struct ck_text){NULL, 0};
	ck_assert_refused(CK_REASON_UNKNOWN_STAFF);
}
END_TEST

START_TEST(a_suspended_person)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_STAFF_NOT_ACTIVE);
	ck_assert(ck_id_equal(verdict.staff, ck_builder_id(ALICE)));
}
END_TEST

static void person_window(int64_t from_s, int64_t until_s)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window = (struct ck_window){from_s, until_s};
	ck_builder_put(b, record);
}

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

static void york(enum ck_status status, int64_t from_s, int64_t until_s, uint64_t first, uint64_t last)
{
	struct ck_record *record = ck_builder_authority(b, YORK, "York");
	record->as.authority_of.status = status;
	record->as.authority_of.window = (struct ck_window){from_s, until_s};
	record->as.authority_of.uid_number_first = first;
	record->as.authority_of.uid_number_last = last;
	ck_builder_put(b, record);
}

START_TEST(a_uid_number_outside_the_range_of_the_authority)
{
	york(CK_STATUS_ACTIVE, NOW, NOW + 1, 200001, 200001);
	ck_assert_granted(RULE, NOW + 1);
	york(CK_STATUS_ACTIVE, NOW, NOW + 1, 200002, 200009);
	ck_assert_refused(CK_REASON_STAFF_INVALID);
	york(CK_STATUS_ACTIVE, NOW, NOW + 1, 200000, 200000);
	ck_assert_refused(CK_REASON_STAFF_INVALID);
}
END_TEST

START_TEST(the_persons_authority_is_suspended)
{
	york(CK_STATUS_SUSPENDED, NOW, NOW + 1, 200000, 300000);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
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

START_TEST(the_persons_authority_is_missing)
{
	ck_builder_remove(b, CK_KIND_AUTHORITY, YORK);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
}
END_TEST

/* ---- the system ---- */

START_TEST(an_unknown_system)
{
	question.system = t("web-2");
	ck_assert_refused(CK_REASON_UNKNOWN_SYSTEM);
}
END_TEST

START_TEST(the_system_with_this_name_and_id)
{
	question.system_id = ck_builder_id(WEB);
	decide();
	ck_assert(verdict.allow);
}
END_TEST

/* Removed, and its name taken by an authority that lets its own people in. */
START_TEST(another_system_that_took_the_name)
{
	question.system_id = ck_builder_id(WEB);
	ck_builder_remove(b, CK_KIND_SYSTEM, WEB);
	ck_assert_refused(CK_REASON_UNKNOWN_SYSTEM);
	ck_builder_put(b, ck_builder_system(b, WEB + 100, YORK, "web-1"));
	ck_builder_put(b, ck_builder_role(b, ADMINS + 100, YORK, "own"));
	ck_builder_put(b, ck_builder_grant(b, GRANT + 100, YORK, ADMINS + 100, ALICE));
	ck_builder_put(b, ck_builder_rule(b, RULE + 100, YORK, "own", WEB + 100, ADMINS + 100));
	ck_assert_refused(CK_REASON_OTHER_SYSTEM);
	ck_assert_str_eq(ck_reason_name(verdict.reason), "other-system");
	/* whoever asks about the name is told about the other */
	question.system_id = (struct ck_id){{0}};
	decide();
	ck_assert(verdict.allow);
}
END_TEST

/* What nothing in this release does: a name is fixed. */
START_TEST(the_system_under_another_name)
{
	question.system_id = ck_builder_id(WEB);
	ck_builder_put(b, ck_builder_system(b, WEB, LEEDS, "web-9"));
	ck_assert_refused(CK_REASON_UNKNOWN_SYSTEM);
}
END_TEST

START_TEST(a_suspended_system)
{
	struct ck_record *record = ck_builder_system(b, WEB, LEEDS, "web-1");
	record->as.system.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_SYSTEM_NOT_ACTIVE);
}
END_TEST

START_TEST(the_systems_authority_is_suspended)
{
	struct ck_record *record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
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

START_TEST(the_systems_authority_is_missing)
{
	ck_builder_remove(b, CK_KIND_AUTHORITY, LEEDS);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
}
END_TEST

/* ---- the rule ---- */

START_TEST(no_rule)
{
	ck_builder_remove(b, CK_KIND_RULE, RULE);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

START_TEST(a_rule_for_another_system)
{
	struct ck_record *record;
	change_rule(&record)->targets = ck_builder_ids(b, (const unsigned[]){41, 0});
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

START_TEST(a_suspended_rule)
{
	struct ck_record *record;
	change_rule(&record)->status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
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

START_TEST(a_rule_of_another_authority)
{
	struct ck_record *record;
	(void)change_rule(&record);
	record->authority = ck_builder_id(YORK);
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

START_TEST(another_service)
{
	question.service = t("sudo");
	ck_assert_refused(CK_REASON_SERVICE);
	question.service = t("sshd2");
	ck_assert_refused(CK_REASON_SERVICE);
	question.service = t("*");
	ck_assert_refused(CK_REASON_SERVICE);
}
END_TEST

START_TEST(every_service)
{
	struct ck_record *record;
	change_rule(&record)->services.at[0] = t("*");
	ck_builder_put(b, record);
	question.service = t("sudo");
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	question.service = (struct ck_text){NULL, 0};
	ck_assert_refused(CK_REASON_SERVICE);
}
END_TEST

START_TEST(another_account)
{
	question.account = t("root");
	ck_assert_refused(CK_REASON_ACCOUNT);
	question.account = t("self");
	ck_assert_refused(CK_REASON_ACCOUNT);
	question.account = (struct ck_text){NULL, 0};
	ck_assert_refused(CK_REASON_ACCOUNT);
}
END_TEST

START_TEST(a_named_account)
{
	struct ck_record *record;
	change_rule(&record)->accounts.at[0] = t("root");
	ck_builder_put(b, record);
	question.account = t("root");
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	question.account = t("alice");
	ck_assert_refused(CK_REASON_ACCOUNT);
}
END_TEST

START_TEST(not_the_role)
{
	struct ck_record *record;
	change_rule(&record)->roles = ck_builder_ids(b, (const unsigned[]){OPERATORS, 0});
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

/* ---- where from ---- */

static void from(const char *address)
{
	question.source = (struct ck_source){.present = false};
	question.source.present = ck_address_parse(t(address), &question.source.address) == CK_OK;
}

static void only_from(bool local, const char *first, const char *second)
{
	struct ck_record *record;
	struct ck_networks *sources = &change_rule(&record)->sources;
	*sources = (struct ck_networks){.local = local};
	if (first != NULL) ck_assert_int_eq(ck_network_parse(t(first), &sources->at[sources->count++]), CK_OK);
	if (second != NULL) ck_assert_int_eq(ck_network_parse(t(second), &sources->at[sources->count++]), CK_OK);
	ck_builder_put(b, record);
}

START_TEST(sources_of_both_families)
{
	only_from(false, "10.1.0.0/16", "2001:db8::/32");
	from("10.1.255.255");
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	from("2001:db8:ffff::1");
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	from("::ffff:10.1.2.3");
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	from("10.2.0.0");
	ck_assert_refused(CK_REASON_SOURCE);
	from("2001:db9::1");
	ck_assert_refused(CK_REASON_SOURCE);
}
END_TEST

START_TEST(a_source_that_is_absent_or_unreadable)
{
	only_from(false, "0.0.0.0/0", "::/0");
	from("192.0.2.1");
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	from("client.example.org");
	ck_assert_refused(CK_REASON_SOURCE);
	from("fe80::1%eth0");
	ck_assert_refused(CK_REASON_SOURCE);
	from("");
	ck_assert_refused(CK_REASON_SOURCE);
}
END_TEST

START_TEST(at_the_machine_itself)
{
	only_from(true, NULL, NULL);
	question.source = (struct ck_source){.local = true};
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	from("127.0.0.1");
	ck_assert_refused(CK_REASON_SOURCE);
	only_from(false, "127.0.0.0/8", NULL);
	question.source = (struct ck_source){.local = true};
	ck_assert_refused(CK_REASON_SOURCE);
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

/* ---- what was proved ---- */

START_TEST(each_missing_proof)
{
	question.proved = CK_PROVED_TOUCH;
	ck_assert_refused(CK_REASON_PROOF);
	ck_assert(ck_id_equal(verdict.rule, ck_builder_id(RULE)));
	ck_assert_uint_eq(verdict.demanded, CK_PROVED_DEFAULT);
	question.proved = CK_PROVED_VERIFIED | CK_PROVED_PASSWORD | CK_PROVED_ATTESTED;
	ck_assert_refused(CK_REASON_PROOF);
	question.proved = CK_PROVED_NOTHING;
	ck_assert_refused(CK_REASON_PROOF);
	question.proved = CK_PROVED_ALL;
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

START_TEST(a_rule_that_demands_nothing)
{
	struct ck_record *record;
	change_rule(&record)->proved = CK_PROVED_NOTHING;
	ck_builder_put(b, record);
	question.proved = CK_PROVED_NOTHING;
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert_uint_eq(verdict.demanded, CK_PROVED_NOTHING);
}
END_TEST

START_TEST(the_rule_with_the_least_missing_is_named)
{
	struct ck_record *record = ck_builder_rule(b, RULE2, LEEDS, "more", WEB, ADMINS);
	record->as.rule.proved = CK_PROVED_ALL;
	ck_builder_put(b, record);
	record = ck_builder_rule(b, RULE3, LEEDS, "same", WEB, ADMINS);
	ck_builder_put(b, record);
	question.proved = CK_PROVED_TOUCH;
	ck_assert_refused(CK_REASON_PROOF);
	ck_assert(ck_id_equal(verdict.rule, ck_builder_id(RULE)));
	question.proved = CK_PROVED_NOTHING;
	ck_assert_refused(CK_REASON_PROOF);
	ck_assert(ck_id_equal(verdict.rule, ck_builder_id(RULE)));
}
END_TEST

/* ---- which rules ---- */

START_TEST(the_furthest_reason_of_several_rules_is_told)
{
	struct ck_record *record = ck_builder_rule(b, RULE2, LEEDS, "root", WEB, ADMINS);
	record->as.rule.accounts.at[0] = t("root");
	ck_builder_put(b, record);
	question.service = t("su");
	ck_assert_refused(CK_REASON_ACCOUNT);
	question.account = t("root");
	question.proved = 0;
	ck_assert_refused(CK_REASON_PROOF);
	ck_assert(ck_id_equal(verdict.rule, ck_builder_id(RULE2)));
}
END_TEST

static void join_group(enum ck_status status, unsigned authority)
{
	struct ck_record *record = ck_builder_system(b, WEB, LEEDS, "web-1");
	record->as.system.groups = ck_builder_ids(b, (const unsigned[]){46, SERVERS, 0});
	ck_builder_put(b, record);
	record = ck_builder_group(b, SERVERS, authority, "servers");
	record->as.system_group.status = status;
	ck_builder_put(b, record);
	change_rule(&record)->targets = ck_builder_ids(b, (const unsigned[]){SERVERS, 0});
	ck_builder_put(b, record);
}

START_TEST(a_rule_for_a_group)
{
	join_group(CK_STATUS_ACTIVE, LEEDS);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

START_TEST(a_suspended_group)
{
	join_group(CK_STATUS_SUSPENDED, LEEDS);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

START_TEST(a_group_of_another_authority)
{
	join_group(CK_STATUS_ACTIVE, YORK);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

START_TEST(a_missing_group)
{
	join_group(CK_STATUS_ACTIVE, LEEDS);
	ck_builder_remove(b, CK_KIND_SYSTEM_GROUP, SERVERS);
	ck_assert_refused(CK_REASON_NO_RULE);
}
END_TEST

START_TEST(a_rule_that_names_system_and_groups_is_looked_at_once)
{
	struct ck_record *record;
	join_group(CK_STATUS_ACTIVE, LEEDS);
	change_rule(&record)->targets = ck_builder_ids(b, (const unsigned[]){SERVERS, WEB, 0});
	ck_builder_put(b, record);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert_uint_eq(trace.count, 12);
}
END_TEST

START_TEST(a_rule_for_all_systems_of_the_authority)
{
	struct ck_record *record = ck_builder_rule(b, RULE, LEEDS, "everything", 0, ADMINS);
	ck_builder_put(b, record);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	record = ck_builder_rule(b, RULE, YORK, "everything", 0, ADMINS);
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_RULE);
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

START_TEST(the_trace_is_bounded)
{
	static char names[100][16];
	for (unsigned i = 0; i < 100; i++) {
		snprintf(names[i], sizeof names[i], "rule %u", i);
		ck_builder_put(b, ck_builder_rule(b, 100 + i, LEEDS, names[i], WEB, ADMINS));
	}
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert_uint_eq(trace.count, CK_TRACE_LIMIT);
	ck_assert_uint_eq(trace.dropped, 5 + 101 * 7 - CK_TRACE_LIMIT);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("decide");
	TCase *c = tcase_create("decide");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_valid_one_is_granted);
	tcase_add_test(c, an_unfinished_copy);
	tcase_add_test(c, a_stale_copy);
	tcase_add_test(c, a_clock_that_is_behind);
	tcase_add_test(c, a_clock_that_is_behind_what_was_recorded);
	tcase_add_test(c, what_is_refused_by_any_clock);
	tcase_add_test(c, hours_while_the_clock_is_behind);
	tcase_add_test(c, a_clock_that_cannot_be_read);
	tcase_add_test(c, a_damaged_copy);
	tcase_add_test(c, an_unknown_person);
	tcase_add_test(c, a_suspended_person);
	tcase_add_test(c, a_person_at_the_edges_of_their_window);
	tcase_add_test(c, a_uid_number_outside_the_range_of_the_authority);
	tcase_add_test(c, the_persons_authority_is_suspended);
	tcase_add_test(c, the_persons_authority_is_outside_its_window);
	tcase_add_test(c, the_persons_authority_is_missing);
	tcase_add_test(c, an_unknown_system);
	tcase_add_test(c, the_system_with_this_name_and_id);
	tcase_add_test(c, another_system_that_took_the_name);
	tcase_add_test(c, the_system_under_another_name);
	tcase_add_test(c, a_suspended_system);
	tcase_add_test(c, the_systems_authority_is_suspended);
	tcase_add_test(c, the_systems_authority_is_outside_its_window);
	tcase_add_test(c, the_systems_authority_is_missing);
	tcase_add_test(c, no_rule);
	tcase_add_test(c, a_rule_for_another_system);
	tcase_add_test(c, a_suspended_rule);
	tcase_add_test(c, a_rule_at_the_edges_of_its_window);
	tcase_add_test(c, a_rule_of_another_authority);
	tcase_add_test(c, another_service);
	tcase_add_test(c, every_service);
	tcase_add_test(c, another_account);
	tcase_add_test(c, a_named_account);
	tcase_add_test(c, not_the_role);
	tcase_add_test(c, sources_of_both_families);
	tcase_add_test(c, a_source_that_is_absent_or_unreadable);
	tcase_add_test(c, at_the_machine_itself);
	tcase_add_test(c, within_its_hours_and_outside);
	tcase_add_test(c, by_the_clock_of_the_systems_authority);
	tcase_add_test(c, hours_end_before_the_rule_and_after_it);
	tcase_add_test(c, hours_of_years_that_are_not_known);
	tcase_add_test(c, another_rule_without_hours_grants);
	tcase_add_test(c, outside_of_its_hours_a_rule_demands_nothing);
	tcase_add_test(c, each_missing_proof);
	tcase_add_test(c, a_rule_that_demands_nothing);
	tcase_add_test(c, the_rule_with_the_least_missing_is_named);
	tcase_add_test(c, the_furthest_reason_of_several_rules_is_told);
	tcase_add_test(c, a_rule_for_a_group);
	tcase_add_test(c, a_suspended_group);
	tcase_add_test(c, a_group_of_another_authority);
	tcase_add_test(c, a_missing_group);
	tcase_add_test(c, a_rule_that_names_system_and_groups_is_looked_at_once);
	tcase_add_test(c, a_rule_for_all_systems_of_the_authority);
	tcase_add_test(c, until_is_the_earliest_end_of_what_was_relied_on);
	tcase_add_test(c, the_rule_that_lasts_longest_is_named_and_of_equals_the_first);
	tcase_add_test(c, the_trace_is_bounded);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
