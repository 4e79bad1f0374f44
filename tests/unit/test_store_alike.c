/* Indices keep half an id: what ends like something else is refused, or told apart by whoever follows the index. */
#include "tests/unit/store_fixture.h"
#include "tests/unit/suite.h"

/* The same second half, which is all that indices have of an id. */
static struct ck_id ends_like(unsigned number)
{
	struct ck_id id = ck_builder_id(number);
	id.bytes[0] ^= 0xff;
	return id;
}

START_TEST(of_two_ids_that_end_alike_the_first_stays)
{
	struct ck_record *record = stranger();
	record->id = ends_like(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(err.text, "ends alike"));
	ck_assert_int_eq(ck_view_get(ck_builder_view(b), CK_KIND_STAFF, ends_like(ALICE), &found), CK_ERR_NOT_FOUND);
	/* of another kind it may */
	record = ck_builder_role(b, 99, LEEDS, "other");
	record->id = ends_like(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_OK);
	/* nor while the first one is quarantined */
	struct ck_record claims = *as_alice();
	quarantine_alice(&claims);
	record = stranger();
	record->id = ends_like(ALICE);
	ck_assert_int_eq(put_stranger(record), CK_ERR_EXISTS);
}
END_TEST

START_TEST(what_belongs_to_an_id_that_ends_alike_is_not_listed)
{
	struct ck_record *record = ck_builder_grant(b, 90, LEEDS, ADMINS, BOB);
	record->as.grant.staff = ends_like(ALICE);
	ck_builder_put(b, record);
	record = ck_builder_grant(b, 91, LEEDS, ADMINS, BOB);
	record->as.grant.role = ends_like(ADMINS);
	ck_builder_put(b, record);
	record = ck_builder_key(b, 92, LEEDS, ALICE, "credential three");
	record->as.key.staff = ends_like(ALICE);
	ck_builder_put(b, record);
	record = ck_builder_code(b, 93, LEEDS, ALICE);
	record->as.code.staff = ends_like(ALICE);
	ck_builder_put(b, record);
	record = ck_builder_rule(b, 94, LEEDS, "other", WEB, ADMINS);
	const struct ck_id targets[] = {ends_like(WEB)};
	record->as.rule.targets.at = targets;
	ck_builder_put(b, record);
	record = ck_builder_rule(b, 95, LEEDS, "another", 0, ADMINS);
	record->authority = ends_like(LEEDS);
	ck_builder_put(b, record);
	record = ck_builder_staff(b, 96, LEEDS, "eve", 200096);
	record->authority = ends_like(LEEDS);
	ck_builder_put(b, record);
	struct ck_view *view = ck_builder_view(b);
	struct seen grants = {.count = 0}, all_grants = {.count = 0}, by_role = {.count = 0}, keys = {.count = 0}, codes = {.count = 0}, rules = {.count = 0},
		    all = {.count = 0}, staff = {.count = 0};
	ck_assert_int_eq(ck_view_grants_of(view, ck_builder_id(ALICE), ck_builder_id(ADMINS), see, &grants), CK_OK);
	ck_assert_seen(grants, GRANT, );
	ck_assert_int_eq(ck_view_grants_of(view, ck_builder_id(BOB), ck_builder_id(ADMINS), see, &all_grants), CK_OK);
	ck_assert_uint_eq(all_grants.count, 0);
	ck_assert_int_eq(ck_view_grants_by_role(view, ck_builder_id(ADMINS), see, &by_role), CK_OK);
	ck_assert_seen(by_role, GRANT, 90, );
	ck_assert_int_eq(ck_view_keys_of(view, ck_builder_id(ALICE), see, &keys), CK_OK);
	ck_assert_uint_eq(keys.count, 2);
	ck_assert_int_eq(ck_view_codes_of(view, ck_builder_id(ALICE), see, &codes), CK_OK);
	ck_assert_seen(codes, CODE, );
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(WEB), see, &rules), CK_OK);
	ck_assert_seen(rules, RULE, );
	ck_assert_int_eq(ck_view_rules_for_all(view, ck_builder_id(LEEDS), see, &all), CK_OK);
	ck_assert_seen(all, RULE2, );
	ck_assert_int_eq(ck_view_each(view, CK_KIND_STAFF, ck_builder_id(LEEDS), (struct ck_id){{0}}, see, &staff), CK_OK);
	ck_assert_seen(staff, ALICE, );
	ck_assert_int_eq(ck_view_staff_by_number(view, ck_builder_id(LEEDS), t("96"), &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_staff_by_number(view, ends_like(LEEDS), t("96"), &found), CK_OK);
}
END_TEST

/* Both halves exchanged fold to the same. */
START_TEST(targets_of_a_rule_that_end_alike_are_two)
{
	const struct ck_id targets[] = {ends_like(WEB), ck_builder_id(WEB), ck_builder_id(DB)};
	struct ck_record *record = ck_builder_rule(b, RULE, LEEDS, "web", WEB, ADMINS);
	record->as.rule.targets = (struct ck_ids){targets, 3};
	ck_builder_put(b, record);
	struct seen rules = {.count = 0};
	struct ck_view *view = ck_builder_view(b);
	for (size_t i = 0; i < 3; i++) ck_assert_int_eq(ck_view_rules_for(view, targets[i], see, &rules), CK_OK);
	ck_assert_seen(rules, RULE, RULE, RULE, );
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
	/* and go as they came */
	ck_builder_put(b, ck_builder_rule(b, RULE, LEEDS, "web", DB, ADMINS));
	view = ck_builder_view(b);
	rules.count = 0;
	for (size_t i = 0; i < 3; i++) ck_assert_int_eq(ck_view_rules_for(view, targets[i], see, &rules), CK_OK);
	ck_assert_seen(rules, RULE, );
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

START_TEST(entry_uuids_that_fold_alike_are_two)
{
	uint8_t alice[16], turned[16];
	ck_builder_uuid(CK_KIND_STAFF, ALICE, alice);
	memcpy(turned, alice + 8, 8);
	memcpy(turned + 8, alice, 8);
	struct ck_record *record = stranger();
	memcpy(record->entry_uuid, turned, sizeof turned);
	struct ck_id strangers = record->id;
	ck_builder_put(b, record);
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_by_uuid(view, alice, &found), CK_OK);
	ck_assert_id(found.id, ALICE);
	ck_assert_int_eq(ck_view_by_uuid(view, turned, &found), CK_OK);
	ck_assert(ck_id_equal(found.id, strangers));
	struct ck_batch *batch = batch_now();
	ck_assert_int_eq(ck_batch_remove(batch, alice), CK_OK);
	ck_assert_int_eq(ck_batch_remove(batch, alice), CK_ERR_NOT_FOUND);
	commit(batch);
	view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_by_uuid(view, alice, &found), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_view_by_uuid(view, turned, &found), CK_OK);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store alike");
	TCase *c = tcase_create("store alike");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, of_two_ids_that_end_alike_the_first_stays);
	tcase_add_test(c, what_belongs_to_an_id_that_ends_alike_is_not_listed);
	tcase_add_test(c, targets_of_a_rule_that_end_alike_are_two);
	tcase_add_test(c, entry_uuids_that_fold_alike_are_two);
	suite_add_tcase(s, c);
	return suite_run(s);
}
