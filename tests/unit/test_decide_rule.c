/* Rules in the decision: each thing in which one may not fit, what it demands to be proved, and which of several is named. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/decide_fixture.h"
#include "tests/unit/suite.h"

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

int main(void)
{
	Suite *suite = suite_create("decide rule");
	TCase *c = tcase_create("rules");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, no_rule);
	tcase_add_test(c, a_rule_for_another_system);
	tcase_add_test(c, a_suspended_rule);
	tcase_add_test(c, a_rule_of_another_authority);
	tcase_add_test(c, another_service);
	tcase_add_test(c, every_service);
	tcase_add_test(c, another_account);
	tcase_add_test(c, a_named_account);
	tcase_add_test(c, not_the_role);
	tcase_add_test(c, sources_of_both_families);
	tcase_add_test(c, a_source_that_is_absent_or_unreadable);
	tcase_add_test(c, at_the_machine_itself);
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
	tcase_add_test(c, the_trace_is_bounded);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
