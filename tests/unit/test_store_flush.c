/* When a commit is seen, and when it is durable. LMDB's own flushes are its affair; the last one is ours, and stands here in its place. */
#include <check.h>
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory/store/internal.h"
#include "tests/unit/store_fixture.h"

static char directory[128];
static struct ck_store *writing, *reading;
static unsigned flushes;
static bool seen;  /* by a reader, at the moment of the flush */
static int result; /* of the flush */

static bool is_seen(const char *uid)
{
	struct ck_view *view;
	ck_assert_int_eq(ck_view_begin(reading, &view), CK_OK);
	enum ck_error error = ck_view_staff_by_uid(view, t(uid), &found);
	ck_view_end(&view);
	return error == CK_OK;
}

int mdb_env_sync(MDB_env *env, int force)
{
	int fd = -1;
	flushes++;
	ck_assert_int_ne(force, 0);
	ck_assert_int_eq(mdb_env_get_fd(env, &fd), MDB_SUCCESS);
	seen = reading != NULL && is_seen("carol");
	return result;
}

static void setup_flush(void)
{
	setup();
	ck_builder_close(b);
	snprintf(directory, sizeof directory, "%s", ck_builder_directory(b));
	ck_assert_int_eq(ck_store_open_writer(directory, CK_STORE_FILE, &writing, &err), CK_OK);
	ck_assert_int_eq(ck_store_open(directory, &reading, &err), CK_OK);
	flushes = 0;
	seen = false;
	result = MDB_SUCCESS;
}

static void teardown_flush(void)
{
	ck_store_close(&writing);
	ck_store_close(&reading);
	teardown();
}

static enum ck_error commit_carol(struct ck_store *store)
{
	struct ck_batch *batch;
	ck_assert_int_eq(ck_batch_begin(store, &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_staff(b, 12, LEEDS, "carol", 200012), &err), CK_OK);
	return ck_batch_commit(&batch, &err);
}

START_TEST(a_commit_is_seen_before_its_last_flush_and_answered_after_it)
{
	ck_assert(!is_seen("carol"));
	ck_assert_int_eq(commit_carol(writing), CK_OK);
	ck_assert_uint_eq(flushes, 1);
	ck_assert(seen);
}
END_TEST

START_TEST(a_commit_that_is_not_flushed_is_no_success)
{
	result = EIO;
	ck_assert_int_eq(commit_carol(writing), CK_ERR_IO);
	ck_assert_msg(strstr(err.text, "cannot flush") != NULL, "%s", err.text);
	result = MDB_SUCCESS;
	ck_assert_int_eq(commit_carol(writing), CK_OK); /* the next one is taken */
}
END_TEST

START_TEST(a_refresh_is_flushed_at_its_end_only)
{
	struct ck_store *next, *superseding;
	ck_assert_int_eq(ck_store_open_writer(directory, CK_STORE_NEXT_FILE, &next, &err), CK_OK);
	flushes = 0;
	ck_assert_int_eq(commit_carol(next), CK_OK);
	ck_assert_uint_eq(flushes, 0);
	struct ck_batch *batch;
	ck_assert_int_eq(ck_batch_begin(next, &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_set_cookie(batch, ck_bytes_of(t("c"))), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_int_eq(ck_store_supersede(directory, &writing, &next, &superseding, &err), CK_OK);
	writing = superseding;
	ck_assert_uint_gt(flushes, 0);
	/* from now on each */
	flushes = 0;
	ck_assert_int_eq(commit_carol(writing), CK_OK);
	ck_assert_uint_eq(flushes, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store flush");
	TCase *tc = tcase_create("store flush");
	tcase_add_checked_fixture(tc, setup_flush, teardown_flush);
	tcase_add_test(tc, a_commit_is_seen_before_its_last_flush_and_answered_after_it);
	tcase_add_test(tc, a_commit_that_is_not_flushed_is_no_success);
	tcase_add_test(tc, a_refresh_is_flushed_at_its_end_only);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
