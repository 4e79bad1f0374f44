/* Who holds a role: grants, member roles downwards with cycles and limits, all staff of an authority; and who is an administrator. */
#include <stdio.h>

#include "tests/unit/decide_fixture.h"
#include "tests/unit/suite.h"

#define AT(time_s) ((struct ck_moment){.s = (time_s)})

/* Takes the valid grant away, so that the role must come from elsewhere. */
static void without_grant(void)
{
	ck_builder_remove(b, CK_KIND_GRANT, GRANT);
}

static void role(unsigned number, unsigned authority, const char *name, const unsigned *members)
{
	struct ck_record *record = ck_builder_role(b, number, authority, name);
	record->as.role.member_roles = ck_builder_ids(b, members);
	ck_builder_put(b, record);
}

#define MEMBERS(...) ((const unsigned[]){__VA_ARGS__, 0})

static const struct ck_trace_step *role_step(void)
{
	for (size_t i = 0; i < trace.count; i++) {
		if (trace.at[i].step == CK_STEP_ROLE) return &trace.at[i];
	}
	ck_abort_msg("no role step");
	return NULL;
}

/* ---- the grant ---- */

START_TEST(no_grant)
{
	without_grant();
	ck_assert_refused(CK_REASON_NO_ROLE);
	ck_assert(!role_step()->passed);
}
END_TEST

START_TEST(somebody_elses_grant)
{
	without_grant();
	ck_builder_put(b, ck_builder_staff(b, BOB, YORK, "bob", 200002));
	ck_builder_put(b, ck_builder_grant(b, GRANT2, LEEDS, ADMINS, BOB));
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

static void grant_window(int64_t from_s, int64_t until_s)
{
	struct ck_record *record = ck_builder_grant(b, GRANT, LEEDS, ADMINS, ALICE);
	record->as.grant.window = (struct ck_window){from_s, until_s};
	ck_builder_put(b, record);
}

START_TEST(a_grant_at_the_edges_of_its_window)
{
	grant_window(NOW, NOW + 1);
	ck_assert_granted(RULE, NOW + 1);
	grant_window(NOW + 1, NOW + 2);
	ck_assert_refused(CK_REASON_NO_ROLE);
	grant_window(NOW - 1, NOW);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

START_TEST(a_grant_filed_under_another_authority)
{
	struct ck_record *record = ck_builder_grant(b, GRANT, YORK, ADMINS, ALICE);
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

START_TEST(of_two_grants_the_longer_counts)
{
	grant_window(CK_TIME_ALWAYS, NOW + 10);
	struct ck_record *record = ck_builder_grant(b, GRANT2, LEEDS, ADMINS, ALICE);
	record->as.grant.window.until_s = NOW + 20;
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 20);
	ck_assert(ck_id_equal(role_step()->grant, ck_builder_id(GRANT2)));
}
END_TEST

/* ---- the role ---- */

START_TEST(a_missing_role)
{
	ck_builder_remove(b, CK_KIND_ROLE, ADMINS);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

START_TEST(a_suspended_role)
{
	struct ck_record *record = ck_builder_role(b, ADMINS, LEEDS, "admins");
	record->as.role.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

/* The role of a third authority, so that its state touches nothing else. */
static void role_of_hull(enum ck_status status, int64_t until_s)
{
	struct ck_record *record = ck_builder_authority(b, HULL, "Hull");
	record->as.authority_of.status = status;
	record->as.authority_of.window.until_s = until_s;
	ck_builder_put(b, record);
	ck_builder_put(b, ck_builder_role(b, ADMINS, HULL, "admins"));
	ck_builder_put(b, ck_builder_grant(b, GRANT, HULL, ADMINS, ALICE));
}

START_TEST(a_role_of_any_authority)
{
	role_of_hull(CK_STATUS_ACTIVE, CK_TIME_UNLIMITED);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	role_of_hull(CK_STATUS_ACTIVE, NOW + 5);
	ck_assert_granted(RULE, NOW + 5);
}
END_TEST

START_TEST(the_roles_authority_is_suspended_ended_or_missing)
{
	role_of_hull(CK_STATUS_SUSPENDED, CK_TIME_UNLIMITED);
	ck_assert_refused(CK_REASON_NO_ROLE);
	role_of_hull(CK_STATUS_ACTIVE, NOW);
	ck_assert_refused(CK_REASON_NO_ROLE);
	role_of_hull(CK_STATUS_ACTIVE, CK_TIME_UNLIMITED);
	ck_builder_remove(b, CK_KIND_AUTHORITY, HULL);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

START_TEST(any_of_the_rules_roles)
{
	struct ck_record *record;
	change_rule(&record)->roles = ck_builder_ids(b, MEMBERS(OPERATORS, ADMINS, NIGHT));
	ck_builder_put(b, record);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert(ck_id_equal(role_step()->about, ck_builder_id(ADMINS)));
}
END_TEST

/* ---- member roles ---- */

START_TEST(holders_of_a_member_role_hold_the_role)
{
	without_grant();
	role(ADMINS, LEEDS, "admins", MEMBERS(OPERATORS));
	role(OPERATORS, YORK, "operators", MEMBERS(NIGHT));
	role(NIGHT, YORK, "night", (const unsigned[]){0});
	ck_builder_put(b, ck_builder_grant(b, GRANT2, YORK, NIGHT, ALICE));
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	const struct ck_trace_step *step = role_step();
	ck_assert_uint_eq(step->path_count, 2);
	ck_assert(ck_id_equal(step->about, ck_builder_id(ADMINS)));
	ck_assert(ck_id_equal(step->path[0], ck_builder_id(OPERATORS)));
	ck_assert(ck_id_equal(step->path[1], ck_builder_id(NIGHT)));
	ck_assert(ck_id_equal(step->grant, ck_builder_id(GRANT2)));
}
END_TEST

START_TEST(membership_does_not_lead_upwards)
{
	role(ADMINS, LEEDS, "admins", (const unsigned[]){0});
	role(OPERATORS, LEEDS, "operators", MEMBERS(ADMINS));
	struct ck_record *record;
	without_grant();
	ck_builder_put(b, ck_builder_grant(b, GRANT2, LEEDS, OPERATORS, ALICE));
	ck_assert_refused(CK_REASON_NO_ROLE);
	change_rule(&record)->roles = ck_builder_ids(b, MEMBERS(OPERATORS));
	ck_builder_put(b, record);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

START_TEST(a_suspended_role_in_between_leads_nowhere)
{
	without_grant();
	role(ADMINS, LEEDS, "admins", MEMBERS(OPERATORS));
	struct ck_record *record = ck_builder_role(b, OPERATORS, YORK, "operators");
	record->as.role.member_roles = ck_builder_ids(b, MEMBERS(NIGHT));
	record->as.role.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	role(NIGHT, YORK, "night", (const unsigned[]){0});
	ck_builder_put(b, ck_builder_grant(b, GRANT2, YORK, NIGHT, ALICE));
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

START_TEST(cycles_end)
{
	without_grant();
	role(ADMINS, LEEDS, "admins", MEMBERS(OPERATORS, ADMINS));
	role(OPERATORS, LEEDS, "operators", MEMBERS(NIGHT, ADMINS));
	role(NIGHT, LEEDS, "night", MEMBERS(ADMINS, OPERATORS));
	ck_assert_refused(CK_REASON_NO_ROLE);
	ck_builder_put(b, ck_builder_grant(b, GRANT2, LEEDS, NIGHT, ALICE));
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

/* ADMINS → 101 → 102 → …; the grant is at the end. */
static void chain_of(unsigned depth)
{
	static char names[16][16];
	without_grant();
	role(ADMINS, LEEDS, "admins", MEMBERS(101));
	for (unsigned i = 1; i <= depth; i++) {
		snprintf(names[i], sizeof names[i], "step %u", i);
		if (i < depth) role(100 + i, LEEDS, names[i], MEMBERS(101 + i));
		else role(100 + i, LEEDS, names[i], (const unsigned[]){0});
	}
	ck_builder_put(b, ck_builder_grant(b, GRANT2, LEEDS, 100 + depth, ALICE));
}

START_TEST(the_deepest_member_role_counts)
{
	chain_of(CK_ROLE_DEPTH_LIMIT);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert_uint_eq(role_step()->path_count, CK_ROLE_DEPTH_LIMIT);
}
END_TEST

START_TEST(one_deeper_does_not)
{
	chain_of(CK_ROLE_DEPTH_LIMIT + 1);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

/* ADMINS has 10 members, each of which has 60: 611 roles. */
static void wide(unsigned granted)
{
	static char names[1000][16];
	unsigned tops[11] = {0};
	without_grant();
	for (unsigned top = 0; top < 10; top++) {
		unsigned members[61] = {0};
		tops[top] = 1000 + top * 60;
		for (unsigned i = 0; i < 60; i++) {
			unsigned number = 2000 + top * 60 + i;
			members[i] = number;
			snprintf(names[number - 2000], sizeof *names, "leaf %u", number);
			role(number, LEEDS, names[number - 2000], (const unsigned[]){0});
		}
		snprintf(names[700 + top], sizeof *names, "top %u", top);
		role(tops[top], LEEDS, names[700 + top], members);
	}
	role(ADMINS, LEEDS, "admins", tops);
	ck_builder_put(b, ck_builder_grant(b, GRANT2, LEEDS, granted, ALICE));
}

START_TEST(the_last_role_within_the_limit_counts)
{
	/* looked at: ADMINS, 10 tops, 501 leaves */
	wide(2000 + CK_ROLE_VISITS_LIMIT - 11 - 1);
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
}
END_TEST

START_TEST(past_the_limit_it_is_not_held)
{
	wide(2000 + CK_ROLE_VISITS_LIMIT - 11);
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

/* ---- all staff ---- */

START_TEST(all_staff_of_an_authority_hold_it)
{
	struct ck_record *record = ck_builder_role(b, ADMINS, LEEDS, "admins");
	record->as.role.all_staff_of = ck_builder_ids(b, MEMBERS(LEEDS, YORK));
	ck_builder_put(b, record);
	without_grant();
	ck_assert_granted(RULE, CK_TIME_UNLIMITED);
	ck_assert(ck_id_is_zero(role_step()->grant));
	record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.window.until_s = NOW + 9;
	ck_builder_put(b, record);
	ck_assert_granted(RULE, NOW + 9);
}
END_TEST

START_TEST(staff_of_another_authority_do_not)
{
	struct ck_record *record = ck_builder_role(b, ADMINS, LEEDS, "admins");
	record->as.role.all_staff_of = ck_builder_ids(b, MEMBERS(LEEDS));
	ck_builder_put(b, record);
	without_grant();
	ck_assert_refused(CK_REASON_NO_ROLE);
}
END_TEST

START_TEST(all_staff_of_a_suspended_authority_do_not)
{
	struct ck_record *record = ck_builder_role(b, ADMINS, LEEDS, "admins");
	record->as.role.all_staff_of = ck_builder_ids(b, MEMBERS(YORK));
	ck_builder_put(b, record);
	record = ck_builder_authority(b, YORK, "York");
	record->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert_refused(CK_REASON_AUTHORITY_NOT_ACTIVE);
	int64_t until_s;
	ck_assert(!ck_role_held(ck_builder_view(b), ck_builder_id(ALICE), ck_builder_id(ADMINS), AT(NOW), &until_s));
}
END_TEST

/* ---- the two short questions ---- */

static bool held(int64_t now_s, int64_t *out_until_s)
{
	return ck_role_held(ck_builder_view(b), ck_builder_id(ALICE), ck_builder_id(ADMINS), AT(now_s), out_until_s);
}

START_TEST(a_role_is_held_or_not)
{
	int64_t until_s = -1;
	grant_window(NOW, NOW + 5);
	ck_assert(held(NOW, &until_s));
	ck_assert_int_eq(until_s, NOW + 5);
	ck_assert(!held(NOW + 5, &until_s));
	ck_assert_int_eq(until_s, 0);
	ck_assert(!held(NOW - 1, &until_s));
	ck_assert(!held(0, &until_s));
	struct ck_record *record = ck_builder_staff(b, ALICE, YORK, "alice", 200001);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(b, record);
	ck_assert(!held(NOW, &until_s));
	ck_builder_remove(b, CK_KIND_STAFF, ALICE);
	ck_assert(!held(NOW, &until_s));
}
END_TEST

static bool administrator(void)
{
	return ck_is_administrator(ck_builder_view(b), ck_builder_id(ALICE), ck_builder_id(LEEDS), AT(NOW));
}

static void leeds(unsigned admin_role, enum ck_status status)
{
	struct ck_record *record = ck_builder_authority(b, LEEDS, "Leeds");
	record->as.authority_of.admin_role = ck_builder_id(admin_role);
	record->as.authority_of.status = status;
	ck_builder_put(b, record);
}

START_TEST(administrators_hold_the_authoritys_own_role)
{
	ck_assert(!administrator());
	leeds(ADMINS, CK_STATUS_ACTIVE);
	ck_assert(administrator());
	ck_assert(!ck_is_administrator(ck_builder_view(b), ck_builder_id(ALICE), ck_builder_id(YORK), AT(NOW)));
	ck_assert(!ck_is_administrator(ck_builder_view(b), ck_builder_id(BOB), ck_builder_id(LEEDS), AT(NOW)));
	ck_assert(!ck_is_administrator(ck_builder_view(b), ck_builder_id(ALICE), ck_builder_id(LEEDS), AT(0)));
	leeds(ADMINS, CK_STATUS_SUSPENDED);
	ck_assert(!administrator());
	leeds(ADMINS, CK_STATUS_ACTIVE);
	grant_window(NOW - 1, NOW);
	ck_assert(!administrator());
}
END_TEST

START_TEST(another_authoritys_role_makes_no_administrator)
{
	role(OPERATORS, YORK, "operators", (const unsigned[]){0});
	ck_builder_put(b, ck_builder_grant(b, GRANT2, YORK, OPERATORS, ALICE));
	leeds(OPERATORS, CK_STATUS_ACTIVE);
	ck_assert(!administrator());
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("decide role");
	TCase *c = tcase_create("decide role");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, no_grant);
	tcase_add_test(c, somebody_elses_grant);
	tcase_add_test(c, a_grant_at_the_edges_of_its_window);
	tcase_add_test(c, a_grant_filed_under_another_authority);
	tcase_add_test(c, of_two_grants_the_longer_counts);
	tcase_add_test(c, a_missing_role);
	tcase_add_test(c, a_suspended_role);
	tcase_add_test(c, a_role_of_any_authority);
	tcase_add_test(c, the_roles_authority_is_suspended_ended_or_missing);
	tcase_add_test(c, any_of_the_rules_roles);
	tcase_add_test(c, holders_of_a_member_role_hold_the_role);
	tcase_add_test(c, membership_does_not_lead_upwards);
	tcase_add_test(c, a_suspended_role_in_between_leads_nowhere);
	tcase_add_test(c, cycles_end);
	tcase_add_test(c, the_deepest_member_role_counts);
	tcase_add_test(c, one_deeper_does_not);
	tcase_add_test(c, the_last_role_within_the_limit_counts);
	tcase_add_test(c, past_the_limit_it_is_not_held);
	tcase_add_test(c, all_staff_of_an_authority_hold_it);
	tcase_add_test(c, staff_of_another_authority_do_not);
	tcase_add_test(c, all_staff_of_a_suspended_authority_do_not);
	tcase_add_test(c, a_role_is_held_or_not);
	tcase_add_test(c, administrators_hold_the_authoritys_own_role);
	tcase_add_test(c, another_authoritys_role_makes_no_administrator);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
