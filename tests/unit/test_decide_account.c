/* Who has an account on a system: whoever some rule of it would let in as themself, however the login would have to look; and nobody else, by
   changing one thing each. */
#include "directory/store/internal.h"
#include "tests/unit/decide_fixture.h"

static enum ck_error account_of(const char *uid)
{
	struct ck_view *view = ck_builder_view(b);
	struct ck_record staff;
	struct ck_question asked = question;
	asked.uid = t(uid);
	bool known = ck_view_staff_by_uid(view, asked.uid, &staff) == CK_OK;
	return ck_decide_account(view, &asked, known ? &staff : NULL);
}

#define ck_assert_account() ck_assert_str_eq(ck_error_name(account_of("alice")), ck_error_name(CK_OK))
#define ck_assert_none() ck_assert_str_eq(ck_error_name(account_of("alice")), ck_error_name(CK_ERR_NOT_FOUND))
#define ck_assert_unavailable(uid) ck_assert_str_eq(ck_error_name(account_of(uid)), ck_error_name(CK_ERR_UNAVAILABLE))

START_TEST(whom_a_rule_lets_in)
{
	ck_assert_account();
	ck_assert_int_eq(account_of("mallory"), CK_ERR_NOT_FOUND);
}
END_TEST

/* ---- what a login would have to be like does not matter ---- */

START_TEST(by_any_service_from_anywhere_at_any_hour_with_any_proof)
{
	struct ck_record *record;
	struct ck_rule *rule = change_rule(&record);
	rule->services.at[0] = t("cron");
	rule->sources = (struct ck_networks){.local = true};
	rule->weekly.always = false;
	ck_assert(ck_weekly_add(&rule->weekly, &(struct ck_weekly_span){.first_day = 6, .last_day = 6, .from_minute = 1, .until_minute = 2}));
	rule->proved = CK_PROVED_ALL;
	ck_builder_put(b, record);
	question.proved = CK_PROVED_NOTHING;
	decide();
	ck_assert(!verdict.allow);
	ck_assert_account();
}
END_TEST

START_TEST(by_their_name_or_by_self_and_by_no_other_account)
{
	struct ck_record *record;
	change_rule(&record)->accounts.at[0] = t("alice");
	ck_builder_put(b, record);
	ck_assert_account();
	change_rule(&record)->accounts.at[0] = t("root");
	ck_builder_put(b, record);
	ck_assert_none();
	change_rule(&record)->accounts.at[0] = t("bob");
	ck_builder_put(b, record);
	ck_assert_none();
}
END_TEST

START_TEST(by_group_and_by_all_systems)
{
	struct ck_record *record = ck_builder_system(b, WEB, LEEDS, "web-1");
	record->as.system.groups = ck_builder_ids(b, (const unsigned[]){SERVERS, 0});
	ck_builder_put(b, record);
	ck_builder_put(b, ck_builder_group(b, SERVERS, LEEDS, "servers"));
	change_rule(&record)->targets = ck_builder_ids(b, (const unsigned[]){SERVERS, 0});
	ck_builder_put(b, record);
	ck_assert_account();
	record = ck_builder_group(b, SERVERS, LEEDS, "servers");
	record->as.system_group.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_none();
	ck_builder_put(b, ck_builder_rule(b, RULE2, LEEDS, "everything", 0, ADMINS));
	ck_assert_account();
}
END_TEST

START_TEST(without_the_role)
{
	ck_builder_remove(b, CK_KIND_GRANT, GRANT);
	ck_assert_none();
	struct ck_record *role = ck_builder_role(b, ADMINS, LEEDS, "admins");
	role->as.role.all_staff_of = ck_builder_ids(b, (const unsigned[]){YORK, 0});
	ck_builder_put(b, role);
	ck_assert_account();
}
END_TEST

START_TEST(a_grant_at_the_edges_of_its_window)
{
	struct ck_record *grant = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	grant->as.grant.window = (struct ck_window){NOW, NOW + 1};
	ck_builder_put(b, grant);
	ck_assert_account();
	question.now.s = question.as_of_s = NOW + 1;
	ck_assert_none();
}
END_TEST

/* ---- the person, the system, the rule ---- */

START_TEST(somebody_who_may_not_act)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_none();
	record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window = (struct ck_window){NOW - 1, NOW};
	ck_builder_put(b, record);
	ck_assert_none();
	record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.listed = false; /* who is not to be found has an account like anybody */
	ck_builder_put(b, record);
	ck_assert_account();
}
END_TEST

START_TEST(an_authority_that_may_not)
{
	struct ck_record *record = ck_builder_authority(b, YORK, "York");
	record->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_none();
	record = ck_builder_authority(b, YORK, "York");
	record->as.authority_of.uid_number_first = 200002;
	ck_builder_put(b, record);
	ck_assert_none(); /* a number outside of what was delegated */
	ck_builder_put(b, ck_builder_authority(b, YORK, "York"));
	ck_assert_account();
	record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_none();
}
END_TEST

START_TEST(a_system_that_may_not)
{
	struct ck_record *record = ck_builder_system(b, WEB, LEEDS, "web-1");
	question.system_id = ck_builder_id(SERVERS);
	ck_assert_none(); /* another one took the name */
	question.system_id = ck_builder_id(WEB);
	ck_assert_account();
	record->as.system.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_none();
}
END_TEST

START_TEST(a_rule_that_does_not_count)
{
	struct ck_record *record;
	change_rule(&record)->status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_none();
	change_rule(&record)->window = (struct ck_window){NOW + 1, NOW + 2};
	ck_builder_put(b, record);
	ck_assert_none();
	ck_builder_remove(b, CK_KIND_RULE, RULE);
	ck_builder_put(b, ck_builder_rule(b, RULE, YORK, "web admins", WEB, ADMINS)); /* of another authority */
	ck_assert_none();
}
END_TEST

/* ---- when nothing can be said, nothing is said of anybody ---- */

START_TEST(a_copy_that_is_old_or_not_finished)
{
	question.as_of_s = NOW - 3601;
	ck_assert_unavailable("alice");
	ck_assert_unavailable("mallory");
	struct ck_builder *bare = ck_builder_new();
	ck_builder_finish(bare, false);
	ck_assert_int_eq(ck_decide_account(ck_builder_view(bare), &question, NULL), CK_ERR_UNAVAILABLE);
	ck_builder_free(&bare);
}
END_TEST

START_TEST(a_clock_that_is_behind)
{
	question.now.behind = true;
	ck_assert_account(); /* without an end it counts at any time */
	ck_assert_unavailable("mallory");
	struct ck_record *grant = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	grant->as.grant.window.until_s = NOW + 100;
	ck_builder_put(b, grant);
	ck_assert_unavailable("alice");
}
END_TEST

START_TEST(a_damaged_copy)
{
	struct ck_batch *batch;
	struct ck_errmsg err;
	struct ck_index_key key;
	ck_builder_put(b, ck_builder_rule(b, RULE2, LEEDS, "everything", 0, ADMINS));
	ck_builder_commit(b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(b), &batch, &err), CK_OK);
	ck_index_record(&key, CK_KIND_RULE, ck_builder_id(RULE));
	ck_assert_int_eq(ck_kv_set_sealed(batch, &key, ck_bytes_of(t("not a record"))), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_int_eq(account_of("alice"), CK_ERR_CORRUPT);
	ck_assert_int_eq(account_of("mallory"), CK_ERR_CORRUPT);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		whom_a_rule_lets_in, by_any_service_from_anywhere_at_any_hour_with_any_proof, by_their_name_or_by_self_and_by_no_other_account,
		by_group_and_by_all_systems, without_the_role, a_grant_at_the_edges_of_its_window, somebody_who_may_not_act, an_authority_that_may_not,
		a_system_that_may_not, a_rule_that_does_not_count, a_copy_that_is_old_or_not_finished, a_clock_that_is_behind, a_damaged_copy,
	};
	Suite *suite = suite_create("decide_account");
	TCase *c = tcase_create("account");
	tcase_add_checked_fixture(c, setup, teardown);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
	suite_add_tcase(suite, c);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
