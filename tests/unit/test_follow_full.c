/* Full refreshes, which are put aside and written in order at their end: who was first stays, whatever came in between, and a full disk leaves the copy
   that is there. And those since a cookie: when one of them becomes a full one. */
#include <signal.h>
#include <sys/resource.h>

#include "directory/base/fiber.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/follow_fixture.h"
#include "tests/unit/suite.h"

static enum ck_error give_unreadable(unsigned number)
{
	uint8_t uuid[16];
	uuid_of(number, uuid);
	return h->on_unreadable(uuid, ck_text_of("ckId=x," SUFFIX), "has too many values", follower);
}

/* The same of a directory that is read as a whole: what is second to something, faulty or said twice is told again at the end, in the order in which it came. */
START_TEST(the_entry_known_first_stays_in_a_full_refresh)
{
	begin();
	give_roles(1, 3);
	ck_assert_int_eq(give_role(4, "role-1"), CK_OK);
	ck_assert_int_eq(give_role(5, "role-4"), CK_OK);
	ck_assert_int_eq(give_role(6, "role-4"), CK_OK);
	ck_assert_int_eq(give_role_as(9, "22222222-2222-4222-8222-000000000009", AUTHORITY, "nine", "perhaps"), CK_OK);
	ck_assert_int_eq(give_unreadable(10), CK_OK);
	ck_assert_int_eq(give_role(2, "role-2b"), CK_OK);
	ck_assert_int_eq(give_role(7, "role-2"), CK_OK);
	ck_assert_int_eq(take(3), CK_OK);
	ck_assert_int_eq(take(77), CK_OK);
	ck_assert_uint_eq(quarantined, 0);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_roles(4); /* 1, 2, 5 and 7 */
	ck_assert_uint_eq(state_now().quarantined, 4);
	ck_assert_uint_eq(quarantined, 4);
	ck_assert_int_eq(ck_follower_verify(follower), CK_OK);
	/* the copy goes on from there */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_int_eq(give_role(4, "role-1"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(4);
	ck_assert_uint_eq(state_now().quarantined, 3);
}
END_TEST

START_TEST(a_full_refresh_of_clashes_only)
{
	begin();
	ck_assert_int_eq(give_role(1, "role"), CK_OK);
	for (unsigned i = 2; i <= 3000; i++) ck_assert_int_eq(give_role(i, "role"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_roles(1);
	ck_assert_uint_eq(state_now().quarantined, 2999);
	ck_assert_int_eq(ck_follower_verify(follower), CK_OK);
}
END_TEST

static enum ck_error give_person(unsigned number, const char *uid, const char *uid_number)
{
	char dn[256], id[40], home[64], mail[64], staff_number[64];
	snprintf(id, sizeof id, "33333333-3333-4333-8333-%012u", number);
	snprintf(dn, sizeof dn, "ckId=%s,ou=staff,ckId=" AUTHORITY ",ou=authorities," SUFFIX, id);
	snprintf(home, sizeof home, "/home/%s", uid);
	snprintf(mail, sizeof mail, "%s@leeds.example", uid);
	snprintf(staff_number, sizeof staff_number, AUTHORITY ":%s", uid_number);
	return give(number, dn, (struct pair[]){{"objectClass", "inetOrgPerson"}, {"objectClass", "posixAccount"}, {"objectClass", "ckStaff"},
	                        {"ckId", id}, {"uid", uid}, {"uidNumber", uid_number}, {"gidNumber", uid_number}, {"homeDirectory", home},
	                        {"loginShell", "/bin/bash"}, {"cn", uid}, {"sn", uid}, {"mail", mail}, {"employeeNumber", uid_number},
	                        {"ckStaffNumber", staff_number}, {"ckStatus", "active"},
	                        {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"}, {"ckListed", "TRUE"}, {NULL, NULL}});
}

START_TEST(people_are_held_to_an_authority_that_comes_after_them)
{
	begin();
	ck_assert_int_eq(give_person(21, "inside", "200001"), CK_OK);
	ck_assert_int_eq(give_person(22, "outside", "400001"), CK_OK);
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Europe/London"), CK_OK);
	ck_assert_int_eq(give_person(23, "later", "200002"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_uint_eq(state_now().counts[CK_KIND_STAFF], 2);
	ck_assert_uint_eq(state_now().quarantined, 1);
}
END_TEST

START_TEST(a_full_refresh_that_cannot_be_written_leaves_the_old_copy)
{
	struct rlimit limit = {4096, RLIM_INFINITY};
	filled(10);
	ck_follower_require_full(follower);
	begin();
	give_roles(1, 10);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_ne(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_follower_end(follower);
	ck_assert_roles(10);
	ck_assert_str_eq((const char *)state_now().cookie.at, COOKIE(1));
	/* there is room again */
	limit.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_follower_require_full(follower);
	begin();
	give_roles(1, 11);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_roles(11);
}
END_TEST

static enum ck_error ended_with;

static void refresh_inside(void *context)
{
	(void)context;
	ended_with = REFRESHED(true, COOKIE(2));
}

/* At full size the end of a refresh lasts a minute: the process does other things meanwhile, and may be told to stop. */
START_TEST(the_end_of_a_full_refresh_goes_on_in_slices)
{
	unsigned slices = 0;
	struct ck_view *view;
	struct ck_fiber *fiber;
	filled(600);
	for (int i = 0; i < 2; i++) {
		ck_follower_require_full(follower);
		begin();
		give_roles(1, 600);
		for (unsigned k = 1000; k < 1300; k++) ck_assert_int_eq(give_role(k, "role-1"), CK_OK); /* put off */
		ck_fake_step_ms = CK_FIBER_SLICE_MS;
		replacing = 0;
		ck_assert_int_eq(ck_fiber_start(refresh_inside, NULL, &fiber), CK_OK);
		ck_assert(!ck_fiber_is_done(fiber));
		for (; i > 0 && !ck_fiber_is_done(fiber); slices++) { /* the first is ended at once */
			ck_assert_int_eq(ck_follower_view(follower, &view), CK_OK);
			ck_view_end(&view);
			ck_fiber_resume(fiber);
		}
		ck_fiber_end(&fiber);
		ck_fake_step_ms = 0;
		ck_assert_int_eq(ended_with, i == 0 ? CK_ERR_UNAVAILABLE : CK_OK);
		ck_assert_uint_eq(replacing, (unsigned)i);
		if (i == 0) ck_follower_end(follower);
		ck_assert_roles(600);
	}
	ck_assert_uint_gt(slices, 300); /* each that was put off, at least */
	ck_assert_int_eq(ck_follower_verify(follower), CK_OK);
}
END_TEST

/* What one since a cookie changes is one transaction: it has a limit. */
static enum ck_error last_of_a_large_one(char kind)
{
	enum ck_error error = CK_OK;
	for (unsigned i = 1; i <= 8193 && error == CK_OK; i++) {
		if (kind == 'e') error = give_role(2, "changed");
		else if (kind == 'u') error = give_unreadable(2);
		else error = take(100000 + i);
		if (i < 8193) ck_assert_int_eq(error, CK_OK);
	}
	return error;
}

START_TEST(a_refresh_since_a_cookie_that_gets_too_large_becomes_a_full_one)
{
	static const char kinds[] = "eud";
	filled(10);
	for (size_t i = 0; kinds[i] != '\0'; i++) {
		begin();
		ck_assert_ptr_nonnull(resume_from.at);
		ck_assert_int_eq(last_of_a_large_one(kinds[i]), CK_ERR_CONFLICT);
		ck_follower_end(follower);
		ck_assert_roles(10);
		begin();
		ck_assert_ptr_null(resume_from.at);
		give_roles(1, 10);
		ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
		begin();
		ck_assert_ptr_nonnull(resume_from.at);
	}
}
END_TEST

/* 9 000 are gone: too many for one transaction, and more than root must confirm. */
START_TEST(too_many_removals_become_a_full_refresh_once_they_are_confirmed)
{
	uint64_t refused;
	filled(9010);
	begin();
	for (unsigned i = 1; i <= 10; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_ERR_DENIED);
	ck_assert_uint_eq(alarms, 1);
	ck_assert_int_eq(ck_follower_confirm(follower, &refused), CK_OK);
	ck_assert_uint_eq(refused, 9000);
	begin();
	ck_assert_ptr_nonnull(resume_from.at);
	for (unsigned i = 1; i <= 10; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_ERR_CONFLICT);
	ck_assert_uint_eq(alarms, 1);
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 10);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_uint_eq(alarms, 2);
	ck_assert_uint_eq(removed, 9000);
	ck_assert_roles(10);
}
END_TEST

START_TEST(the_removals_of_a_refresh_since_a_cookie_go_on_in_slices)
{
	unsigned slices = 0;
	struct ck_view *view;
	struct ck_fiber *fiber;
	uint64_t refused;
	filled(1000);
	begin();
	ck_assert_int_eq(present(1), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_ERR_DENIED);
	ck_assert_int_eq(ck_follower_confirm(follower, &refused), CK_OK);
	for (int i = 0; i < 2; i++) {
		begin();
		ck_assert_int_eq(present(1), CK_OK);
		ck_fake_step_ms = CK_FIBER_SLICE_MS;
		ck_assert_int_eq(ck_fiber_start(refresh_inside, NULL, &fiber), CK_OK);
		for (; !ck_fiber_is_done(fiber) && (i > 0 || slices < 5); slices++) { /* the first is ended within the removals */
			ck_assert_int_eq(ck_follower_view(follower, &view), CK_OK);
			ck_view_end(&view);
			ck_fiber_resume(fiber);
		}
		ck_fiber_end(&fiber);
		ck_fake_step_ms = 0;
		ck_assert_int_eq(ended_with, i == 0 ? CK_ERR_UNAVAILABLE : CK_OK);
		if (i == 0) ck_follower_end(follower);
		ck_assert_roles(i == 0 ? 1000 : 1);
	}
	ck_assert_uint_gt(slices, 8);
	ck_assert_int_eq(ck_follower_verify(follower), CK_OK);
}
END_TEST

/* An entry is moved while the full refresh that another move made necessary comes to its end. */
START_TEST(a_full_refresh_that_is_wanted_during_another_one_is_not_forgotten)
{
	filled(10);
	ck_follower_require_full(follower);
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 10);
	ck_follower_require_full(follower);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_follower_end(follower); /* nor is one that did not come to its end */
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 10);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	begin();
	ck_assert_ptr_nonnull(resume_from.at);
	ck_follower_require_full(follower); /* nor is it forgotten over one since a cookie */
	ck_assert_int_eq(REFRESHED(false, COOKIE(3)), CK_OK);
	begin();
	ck_assert_ptr_null(resume_from.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow full");
	TCase *c = tcase_create("full refreshes");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, the_entry_known_first_stays_in_a_full_refresh);
	tcase_add_test(c, a_full_refresh_of_clashes_only);
	tcase_add_test(c, people_are_held_to_an_authority_that_comes_after_them);
	tcase_add_test(c, a_full_refresh_that_cannot_be_written_leaves_the_old_copy);
	tcase_add_test(c, the_end_of_a_full_refresh_goes_on_in_slices);
	tcase_add_test(c, a_refresh_since_a_cookie_that_gets_too_large_becomes_a_full_one);
	tcase_add_test(c, too_many_removals_become_a_full_refresh_once_they_are_confirmed);
	tcase_add_test(c, the_removals_of_a_refresh_since_a_cookie_go_on_in_slices);
	tcase_add_test(c, a_full_refresh_that_is_wanted_during_another_one_is_not_forgotten);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
