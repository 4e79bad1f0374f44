/* The decision: one valid grant, then one test for each thing that is wrong, of the copy, the person and the system. Rules, roles and time have
   programs of their own. */
#include <stdlib.h>

#include "directory/store/internal.h"
#include "tests/unit/decide_fixture.h"
#include "tests/unit/suite.h"

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

START_TEST(the_systems_authority_is_missing)
{
	ck_builder_remove(b, CK_KIND_AUTHORITY, LEEDS);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("decide");
	TCase *c = tcase_create("decide");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, the_valid_one_is_granted);
	tcase_add_test(c, an_unfinished_copy);
	tcase_add_test(c, a_damaged_copy);
	tcase_add_test(c, an_unknown_person);
	tcase_add_test(c, a_suspended_person);
	tcase_add_test(c, a_uid_number_outside_the_range_of_the_authority);
	tcase_add_test(c, the_persons_authority_is_suspended);
	tcase_add_test(c, the_persons_authority_is_missing);
	tcase_add_test(c, an_unknown_system);
	tcase_add_test(c, the_system_with_this_name_and_id);
	tcase_add_test(c, another_system_that_took_the_name);
	tcase_add_test(c, the_system_under_another_name);
	tcase_add_test(c, a_suspended_system);
	tcase_add_test(c, the_systems_authority_is_suspended);
	tcase_add_test(c, the_systems_authority_is_missing);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
