/* What the messages of a stream do to the copy: refreshes, changes that go in with their cookie, refreshes that remove too much, providers that are
   behind, and copies that are marked. Entries that do not fit, and time zones, have programs of their own. */
#include "tests/unit/follow_fixture.h"
#include "tests/unit/suite.h"

static enum ck_error give_use(unsigned number, const char *count)
{
	static const char dn[] = "cn=use,ckKeyHash=6666666666666666666666666666666666666666666666666666666666666666,"
	                         "ckId=33333333-3333-4333-8333-333333333333,ou=staff,ckId=" AUTHORITY ",ou=authorities," SUFFIX;
	return give(number, dn, (struct pair[]){{"objectClass", "ckKeyUse"}, {"cn", "use"}, {"ckCounter", count}, {"ckLastUse", "20260102030405Z"}, {NULL, NULL}});
}

START_TEST(nothing_is_finished_before_the_refresh_is)
{
	struct ck_view *view;
	begin();
	give_roles(1, 10);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert(!state_now().finished);
	ck_assert_roles(0);
	ck_assert_int_eq(ck_follower_view(follower, &view), CK_ERR_UNAVAILABLE);
	ck_assert_int_eq(REFRESHED(false, COOKIE(1)), CK_OK);
	ck_assert(state_now().finished);
	ck_assert_roles(10);
	ck_assert_uint_eq(refreshed, 1);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_PERSISTING);
}
END_TEST

START_TEST(the_use_of_a_key_is_told_as_it_comes_and_goes)
{
	begin();
	ck_assert_int_eq(give_use(1, "7"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_str_eq(uses, ""); /* after a refresh all of them are looked at */
	ck_assert_uint_eq(state_now().counts[CK_KIND_KEY_USE], 1);
	ck_assert_int_eq(give_use(1, "8"), CK_OK);
	ck_assert_str_eq(uses, "-+8");
	ck_assert_int_eq(give_use(1, "nine"), CK_OK);
	ck_assert_str_eq(uses, "-+8-");
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(give_use(1, "9"), CK_OK);
	ck_assert_str_eq(uses, "-+8-+9");
	ck_assert_int_eq(give_use(2, "10"), CK_OK); /* the one known first stays */
	ck_assert_str_eq(uses, "-+8-+9");
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_str_eq(uses, "-+8-+9-");
	give_roles(1, 1);
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_str_eq(uses, "-+8-+9-");
}
END_TEST

START_TEST(a_refresh_without_cookie_is_not_finished)
{
	begin();
	give_roles(1, 3);
	ck_assert_int_eq(h->on_refreshed(false, (struct ck_bytes){NULL, 0}, follower), CK_ERR_UNAVAILABLE);
	ck_assert(!state_now().finished);
}
END_TEST

START_TEST(a_stream_that_breaks_leaves_nothing)
{
	filled(10);
	begin();
	ck_assert_str_eq((const char *)resume_from.at, COOKIE(1));
	ck_assert_int_eq(take(1), CK_OK);
	give_roles(11, 12);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK); /* a resumed refresh goes in as a whole */
	ck_follower_end(follower);
	ck_assert_roles(10);
	ck_assert_str_eq((const char *)state_now().cookie.at, COOKIE(1));
}
END_TEST

START_TEST(a_full_refresh_that_breaks_leaves_the_old_copy)
{
	filled(10);
	ck_follower_require_full(follower);
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 5);
	ck_follower_end(follower);
	ck_assert_roles(10);
	ck_assert(state_now().finished);
}
END_TEST

START_TEST(changes_and_cookie_go_in_together)
{
	filled(3);
	ck_assert_int_eq(give_role(4, "role-4"), CK_OK);
	ck_assert_roles(3);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(2))), follower), CK_OK);
	committed = 0;
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(committed, 1);
	ck_assert_roles(4);
	ck_assert_str_eq((const char *)state_now().cookie.at, COOKIE(2));
	ck_assert_int_eq(take(4), CK_OK);
	ck_assert_int_eq(take(99), CK_OK); /* what was never known */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(3);
}
END_TEST

START_TEST(survives_a_restart)
{
	filled(7);
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_str_eq((const char *)resume_from.at, COOKIE(1));
	ck_assert_roles(7);
}
END_TEST

START_TEST(present_phase_removes_what_was_not_named)
{
	filled(10);
	begin();
	for (unsigned i = 1; i <= 8; i++) ck_assert_int_eq(present(i), CK_OK);
	give_roles(9, 9);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_roles(9);
	ck_assert_uint_eq(removed, 1);
}
END_TEST

START_TEST(delete_phase_removes_only_what_was_named)
{
	filled(10);
	begin();
	ck_assert_int_eq(take(3), CK_OK);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_roles(9);
}
END_TEST

START_TEST(present_phase_that_removes_too_much)
{
	uint64_t would;
	filled(40);
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_ERR_NOT_FOUND);
	begin();
	for (unsigned i = 1; i <= 30; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_ERR_DENIED);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_HELD);
	ck_assert_uint_eq(alarms, 1);
	ck_follower_end(follower);
	ck_assert_roles(40);
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_OK);
	ck_assert_uint_eq(would, 10);
	begin();
	for (unsigned i = 1; i <= 30; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_roles(30);
	/* once */
	begin();
	for (unsigned i = 1; i <= 20; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(3)), CK_ERR_DENIED);
}
END_TEST

START_TEST(full_refresh_that_removes_too_much)
{
	uint64_t would;
	filled(40);
	ck_follower_require_full(follower);
	begin();
	give_roles(1, 30);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_ERR_DENIED);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_HELD);
	ck_follower_end(follower);
	ck_assert_roles(40);
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_OK);
	begin();
	ck_assert_ptr_null(resume_from.at);
	give_roles(1, 30);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_roles(30);
}
END_TEST

START_TEST(a_few_may_always_go)
{
	filled(10);
	begin();
	for (unsigned i = 1; i <= 7; i++) ck_assert_int_eq(present(i), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK); /* 30 %, and the floor is 3 */
	ck_assert_roles(7);
}
END_TEST

START_TEST(provider_behind)
{
	uint64_t would;
	filled(3);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(5))), follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(5)), follower), CK_OK);
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(6)), follower), CK_OK);
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_BEHIND);
	/* it is remembered across a restart */
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
	/* another server's number is no substitute */
	ck_assert_int_eq(h->on_provider(ck_text_of("20290102030405.000000Z#000000#002#000000"), follower), CK_ERR_CONFLICT);
	/* root lets it go back: by a full refresh */
	ck_assert_int_eq(ck_follower_confirm(follower, &would), CK_OK);
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_OK);
}
END_TEST

START_TEST(a_full_refresh_remembers_the_highest)
{
	filled(3);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(5))), follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_follower_require_full(follower);
	begin();
	give_roles(1, 3);
	ck_assert_int_eq(REFRESHED(false, COOKIE(3)), CK_OK); /* a cookie need not be the newest */
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(h->on_provider(ck_text_of(CONTEXT(4)), follower), CK_ERR_CONFLICT);
}
END_TEST

START_TEST(probe_counts_when_its_changes_are_there)
{
	struct ck_csn_set csns = {0};
	int64_t now_s = ck_clock_wall_s();
	filled(3);
	ck_assert_int_eq(ck_follower_probed(follower, ck_text_of(CONTEXT(1)), &(struct ck_as_of){.wall_s = now_s + 100}), CK_OK);
	ck_assert_int_eq(state_now().as_of.wall_s, now_s + 100);
	/* the provider has one change more than came by the stream */
	ck_assert_int_eq(ck_follower_probed(follower, ck_text_of(CONTEXT(2)), &(struct ck_as_of){.wall_s = now_s + 200}), CK_OK);
	ck_assert_int_eq(state_now().as_of.wall_s, now_s + 100);
	ck_assert(ck_follower_lags(follower));
	ck_assert_int_eq(ck_csn_set_add(&csns, ck_text_of(CONTEXT(2))), CK_OK);
	ck_assert(!ck_follower_holds(follower, &csns));
	ck_assert_int_eq(give_role(4, "role-4"), CK_OK);
	ck_assert_int_eq(h->on_cookie(ck_bytes_of(ck_text_of(COOKIE(2))), follower), CK_OK);
	ck_assert(!ck_follower_holds(follower, &csns)); /* not committed */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert(ck_follower_holds(follower, &csns));
	ck_assert(!ck_follower_lags(follower));
	ck_assert_int_eq(state_now().as_of.wall_s, now_s + 200);
	ck_assert_int_eq(ck_follower_probed(follower, ck_text_of(CONTEXT(1)), &(struct ck_as_of){.wall_s = now_s + 300}), CK_ERR_CONFLICT);
	ck_assert_int_eq(ck_follower_state(follower), CK_FOLLOWER_BEHIND);
}
END_TEST

START_TEST(containers_are_nothing)
{
	filled(3);
	ck_assert_int_eq(give(50, "ou=roles,ckId=" AUTHORITY ",ou=authorities," SUFFIX,
	                      (struct pair[]){{"objectClass", "organizationalUnit"}, {"ou", "roles"}, {NULL, NULL}}), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_uint_eq(state_now().counts[CK_KIND_ROLE], 3);
}
END_TEST

START_TEST(a_moved_subtree_is_read_again)
{
	char dn[256];
	static const char id[] = "22222222-2222-4222-8222-000000000001";
	filled(3);
	snprintf(dn, sizeof dn, "ckId=%s,ou=roles,ckId=99999999-9999-4999-8999-999999999999,ou=authorities," SUFFIX, id);
	ck_assert_int_eq(give(1, dn, (struct pair[]){{"objectClass", "ckRole"}, {"ckId", id}, {"ckName", "role-1"}, {"ckStatus", "active"}, {NULL, NULL}}), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_ERR_CONFLICT);
	begin();
	ck_assert_ptr_null(resume_from.at);
}
END_TEST

START_TEST(a_trial_is_only_for_a_copy_in_step)
{
	struct ck_batch *batch;
	begin();
	ck_assert_int_eq(ck_follower_trial(follower, &batch, &err), CK_ERR_UNAVAILABLE);
	give_roles(1, 2);
	ck_assert_int_eq(REFRESHED(false, COOKIE(1)), CK_OK);
	ck_assert_int_eq(ck_follower_trial(follower, &batch, &err), CK_OK);
	ck_batch_abort(&batch);
	ck_assert_int_eq(give_role(3, "role-3"), CK_OK); /* the batch is open */
	ck_assert_int_eq(ck_follower_trial(follower, &batch, &err), CK_ERR_UNAVAILABLE);
}
END_TEST

START_TEST(a_marked_copy_is_made_anew)
{
	char path[96];
	filled(5);
	ck_follower_close(&follower);
	snprintf(path, sizeof path, "%s/" CK_FOLLOWER_DAMAGED_FILE, directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	open_follower();
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(alarms, 1);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert(!state_now().finished);
}
END_TEST

static void mark_suspect(char path[96])
{
	snprintf(path, 96, "%s/" CK_FOLLOWER_SUSPECT_FILE, directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
}

START_TEST(a_suspect_copy_that_is_whole_is_kept)
{
	char path[96];
	filled(5);
	ck_follower_close(&follower);
	mark_suspect(path);
	open_follower();
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(alarms, 0);
	begin();
	ck_assert_ptr_nonnull(resume_from.at);
	ck_assert(state_now().finished);
}
END_TEST

START_TEST(a_suspect_copy_that_is_damaged_is_made_anew)
{
	char path[96], store[96];
	static char bytes[1 << 20];
	filled(5);
	ck_follower_close(&follower);
	mark_suspect(path);
	snprintf(store, sizeof store, "%s/" CK_STORE_FILE, directory);
	FILE *file = fopen(store, "r+");
	ck_assert_ptr_nonnull(file);
	size_t length = fread(bytes, 1, sizeof bytes, file);
	for (const char *at = bytes; (at = memmem(at, length - (size_t)(at - bytes), "role-3", 6)) != NULL; at++) {
		ck_assert_int_eq(fseek(file, at - bytes, SEEK_SET), 0);
		ck_assert_int_eq(fputc('R', file), 'R');
	}
	fclose(file);
	open_follower();
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_uint_eq(alarms, 1);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert(!state_now().finished);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow store");
	TCase *c = tcase_create("follow");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, nothing_is_finished_before_the_refresh_is);
	tcase_add_test(c, the_use_of_a_key_is_told_as_it_comes_and_goes);
	tcase_add_test(c, a_refresh_without_cookie_is_not_finished);
	tcase_add_test(c, a_stream_that_breaks_leaves_nothing);
	tcase_add_test(c, a_full_refresh_that_breaks_leaves_the_old_copy);
	tcase_add_test(c, changes_and_cookie_go_in_together);
	tcase_add_test(c, survives_a_restart);
	tcase_add_test(c, present_phase_removes_what_was_not_named);
	tcase_add_test(c, delete_phase_removes_only_what_was_named);
	tcase_add_test(c, present_phase_that_removes_too_much);
	tcase_add_test(c, full_refresh_that_removes_too_much);
	tcase_add_test(c, a_few_may_always_go);
	tcase_add_test(c, provider_behind);
	tcase_add_test(c, a_full_refresh_remembers_the_highest);
	tcase_add_test(c, probe_counts_when_its_changes_are_there);
	tcase_add_test(c, containers_are_nothing);
	tcase_add_test(c, a_moved_subtree_is_read_again);
	tcase_add_test(c, a_trial_is_only_for_a_copy_in_step);
	tcase_add_test(c, a_marked_copy_is_made_anew);
	tcase_add_test(c, a_suspect_copy_that_is_whole_is_kept);
	tcase_add_test(c, a_suspect_copy_that_is_damaged_is_made_anew);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
