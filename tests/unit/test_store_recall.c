/* What a snapshot was already asked for is answered again from memory, is the same, and is forgotten with the next snapshot. */
#include <stdio.h>

#include "directory/store/recall.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/suite.h"

#define CROWD 300

static struct ck_record again;

static bool kept(struct ck_view *view, enum ck_kind kind, unsigned number)
{
	return ck_recall_record(view, kind, ck_builder_id(number), &again);
}

static struct ck_text name_of(const struct ck_record *record)
{
	switch ((int)record->kind) {
	case CK_KIND_AUTHORITY: return record->as.authority_of.name;
	case CK_KIND_ROLE: return record->as.role.name;
	case CK_KIND_SYSTEM: return record->as.system.name;
	case CK_KIND_SYSTEM_GROUP: return record->as.system_group.name;
	default: return record->as.rule.name;
	}
}

static void look_twice(struct ck_view *view, enum ck_kind kind, unsigned number, const char *name)
{
	ck_assert(!kept(view, kind, number));
	ck_assert_int_eq(ck_view_get(view, kind, ck_builder_id(number), &found), CK_OK);
	ck_assert(kept(view, kind, number));
	memset(&again, 0x5a, sizeof again);
	ck_assert_int_eq(ck_view_get(view, kind, ck_builder_id(number), &again), CK_OK);
	ck_assert(again.kind == kind && ck_id_equal(again.id, ck_builder_id(number)) && ck_id_equal(again.authority, found.authority));
	ck_assert(ck_text_is(name_of(&again), name));
	/* and is its own: nothing of it lies in what is kept */
	ck_assert(ck_text_equal(again.csn, found.csn));
	ck_assert_ptr_eq(again.csn.at, again.made);
}

START_TEST(what_is_asked_again_is_the_same)
{
	struct ck_view *view = ck_builder_view(b);
	look_twice(view, CK_KIND_AUTHORITY, LEEDS, "Leeds");
	look_twice(view, CK_KIND_ROLE, OPERATORS, "operators");
	look_twice(view, CK_KIND_SYSTEM, DB, "db-1");
	look_twice(view, CK_KIND_SYSTEM_GROUP, SERVERS, "servers");
	look_twice(view, CK_KIND_RULE, RULE, "web");
	ck_assert_uint_eq(again.as.rule.targets.count, 1);
	ck_assert_id(again.as.rule.targets.at[0], WEB);
	ck_assert(ck_text_is(again.as.rule.accounts.at[0], "self"));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ck_view_system_by_name(view, t("web-1"), &found), CK_OK);
		ck_assert_id(found.id, WEB);
		ck_assert_int_eq(ck_view_system_by_name(view, t("web-"), &found), CK_ERR_NOT_FOUND);
		ck_assert_int_eq(ck_view_system_by_name(view, t("web-12"), &found), CK_ERR_NOT_FOUND);
	}
}
END_TEST

START_TEST(nothing_of_persons_is_kept)
{
	struct ck_view *view = ck_builder_view(b);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("alice"), &found), CK_OK);
	ck_assert_int_eq(ck_view_get(view, CK_KIND_STAFF, ck_builder_id(ALICE), &found), CK_OK);
	ck_assert_int_eq(ck_view_get(view, CK_KIND_GRANT, ck_builder_id(GRANT), &found), CK_OK);
	ck_assert(!kept(view, CK_KIND_STAFF, ALICE));
	ck_assert(!kept(view, CK_KIND_GRANT, GRANT));
	ck_recall_note_record(view, &found);
	ck_assert(!kept(view, CK_KIND_GRANT, GRANT));
}
END_TEST

static void expect(const char *authority, const char *system, enum ck_status rule)
{
	struct ck_view *view = ck_builder_view(b);
	struct ck_store_state state;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ck_view_get(view, CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found), CK_OK);
		ck_assert(ck_text_is(found.as.authority_of.name, authority));
		ck_assert_int_eq(ck_view_system_by_name(view, t(system), &found), CK_OK);
		ck_assert_id(found.id, WEB);
		struct seen seen = {.count = 0};
		ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(WEB), see, &seen), CK_OK);
		ck_assert_seen(seen, RULE,);
		ck_assert_int_eq(ck_view_get(view, CK_KIND_RULE, ck_builder_id(RULE), &found), CK_OK);
		ck_assert_int_eq(found.as.rule.status, rule);
		ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
		ck_assert_uint_eq(state.counts[CK_KIND_SYSTEM], 2);
	}
}

/* Two views of one snapshot share what is known; any commit ends it. */
START_TEST(the_next_snapshot_is_read_anew)
{
	struct ck_view *view;
	expect("Leeds", "web-1", CK_STATUS_ACTIVE);
	view = ck_builder_view(b);
	ck_assert(!kept(view, CK_KIND_AUTHORITY, LEEDS)); /* the builder commits before each view */
	ck_assert_int_eq(ck_view_get(view, CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found), CK_OK);
	ck_view_end(&view);
	ck_assert_int_eq(ck_view_begin(ck_builder_store(b), &view), CK_OK);
	ck_assert(kept(view, CK_KIND_AUTHORITY, LEEDS));
	ck_assert(view->meta->finished);
	ck_view_end(&view);

	ck_builder_put(b, ck_builder_authority(b, LEEDS, "Leeds City Council"));
	expect("Leeds City Council", "web-1", CK_STATUS_ACTIVE);
	ck_builder_remove(b, CK_KIND_SYSTEM, WEB);
	ck_builder_put(b, ck_builder_system(b, WEB, LEEDS, "web-2"));
	expect("Leeds City Council", "web-2", CK_STATUS_ACTIVE);
	ck_assert_int_eq(ck_view_system_by_name(ck_builder_view(b), t("web-1"), &found), CK_ERR_NOT_FOUND);
	struct ck_record *rule = ck_builder_rule(b, RULE, LEEDS, "web", WEB, ADMINS);
	rule->as.rule.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, rule);
	expect("Leeds City Council", "web-2", CK_STATUS_SUSPENDED);
	ck_builder_remove(b, CK_KIND_RULE, RULE);
	view = ck_builder_view(b);
	struct seen seen = {.count = 0};
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(WEB), see, &seen), CK_OK);
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_int_eq(ck_view_get(view, CK_KIND_RULE, ck_builder_id(RULE), &found), CK_ERR_NOT_FOUND);
}
END_TEST

/* A batch sees what it wrote itself. */
START_TEST(a_batch_remembers_nothing)
{
	struct ck_batch *batch;
	ck_assert_int_eq(ck_view_get(ck_builder_view(b), CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found), CK_OK);
	batch = batch_now();
	ck_assert_int_eq(ck_view_get(ck_batch_view(batch), CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_authority(b, LEEDS, "Other"), &err), CK_OK);
	ck_assert_int_eq(ck_view_get(ck_batch_view(batch), CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found), CK_OK);
	ck_assert(ck_text_is(found.as.authority_of.name, "Other"));
	ck_batch_abort(&batch);
	ck_assert_int_eq(ck_view_get(ck_builder_view(b), CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found), CK_OK);
	ck_assert(ck_text_is(found.as.authority_of.name, "Leeds"));
}
END_TEST

/* More than there is room for. */
START_TEST(what_is_pushed_out_is_read_again)
{
	static char names[CROWD][16];
	for (unsigned i = 0; i < CROWD; i++) {
		snprintf(names[i], sizeof names[i], "role %u", i);
		ck_builder_put(b, ck_builder_role(b, 1000 + i, LEEDS, names[i]));
	}
	struct ck_view *view = ck_builder_view(b);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < CROWD; i++) {
			ck_assert_int_eq(ck_view_get(view, CK_KIND_ROLE, ck_builder_id(1000 + i), &found), CK_OK);
			ck_assert(ck_text_is(found.as.role.name, names[i]));
		}
	}
	for (unsigned i = 0; i < 40; i++) {
		struct seen seen = {.count = 0};
		ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(2000 + i), see, &seen), CK_OK);
		ck_assert_uint_eq(seen.count, 0);
	}
	struct seen seen = {.count = 0};
	ck_assert_int_eq(ck_view_rules_for_all(view, ck_builder_id(LEEDS), see, &seen), CK_OK);
	ck_assert_seen(seen, RULE2,);
	seen.count = 0;
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(LEEDS), see, &seen), CK_OK); /* the other list of that id */
	ck_assert_uint_eq(seen.count, 0);
}
END_TEST

static void list_rules(struct ck_view *view, size_t stop_after, size_t expected)
{
	struct seen seen = {.stop_after = stop_after};
	ck_assert_int_eq(ck_view_rules_for(view, ck_builder_id(DB), see, &seen), CK_OK);
	ck_assert_uint_eq(seen.count, expected);
	for (unsigned i = 0; i < seen.count; i++) ck_assert_id(seen.ids[i], 3000 + i);
}

/* Whoever wanted only the first leaves the list whole for the next; a longer one than is kept is read each time. */
START_TEST(lists_are_kept_whole)
{
	static char names[CK_RECALL_LIST_LIMIT + 1][16];
	struct ck_id ids[CK_RECALL_LIST_LIMIT];
	size_t count;
	for (unsigned i = 0; i < CK_RECALL_LIST_LIMIT + 1; i++) {
		snprintf(names[i], sizeof names[i], "rule %u", i);
		ck_builder_put(b, ck_builder_rule(b, 3000 + i, LEEDS, names[i], DB, ADMINS));
		struct ck_view *view = ck_builder_view(b);
		list_rules(view, 1, 1);
		ck_assert(ck_recall_list(view, CK_TABLE_RULES_FOR, ck_builder_id(DB), ids, &count) == (i < CK_RECALL_LIST_LIMIT));
		list_rules(view, 0, i + 1);
		list_rules(view, 0, i + 1);
		list_rules(view, 1, 1);
		if (i == 0) continue;
		view = ck_builder_view(b);
		list_rules(view, 0, i + 1);
		list_rules(view, i, i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store recall");
	TCase *c = tcase_create("store recall");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_is_asked_again_is_the_same);
	tcase_add_test(c, nothing_of_persons_is_kept);
	tcase_add_test(c, the_next_snapshot_is_read_anew);
	tcase_add_test(c, a_batch_remembers_nothing);
	tcase_add_test(c, what_is_pushed_out_is_read_again);
	tcase_add_test(c, lists_are_kept_whole);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
