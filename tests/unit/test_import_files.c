/* The files that an import keeps beside what it reads, in a folder where somebody else may have been before: the plan that is gone on with, the
   rows that were not taken, what is exported. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/cli/import.h"
#include "authd/protocol/message.h"
#include "tests/unit/suite.h"

static char folder[64], path[128];
static struct ck_errmsg err;

static void setup(void)
{
	ck_assert_int_ge(sodium_init(), 0);
	snprintf(folder, sizeof folder, "/tmp/ck-import-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/file", folder);
}

static void teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- the plan ---- */

static void make_plan(void)
{
	struct ck_batches *batches = NULL;
	struct ck_id authority = {{1}}, person = {{2}};
	struct ck_change_value value = {.attribute = ck_text_of("title"), .count = 1, .values = {ck_bytes_of(ck_text_of("Clerk"))}};
	ck_assert_int_eq(ck_batches_create(path, authority, &batches, &err), CK_OK);
	ck_assert_int_eq(ck_batches_add(batches, person, "csn", &value, 1, 2, &err), CK_OK);
	ck_assert_int_eq(ck_batches_finish(batches, &err), CK_OK);
	ck_assert_int_eq(ck_batches_ordered(batches, &err), CK_OK);
	ck_batches_close(&batches, false);
}

static enum ck_error go_on(void)
{
	static struct ck_batch_request request;
	struct ck_batches *batches = NULL;
	enum ck_error error = ck_batches_resume(path, &batches, &err);
	if (error == CK_OK) error = ck_batches_next(batches, &request, &err);
	ck_batches_close(&batches, false);
	return error;
}

/* One byte of the file becomes another, so far behind where these stand, or before. */
static void alter(const uint8_t *wanted, size_t length, long at, uint8_t byte)
{
	static uint8_t bytes[65536];
	FILE *file = fopen(path, "r+");
	ck_assert_ptr_nonnull(file);
	size_t size = fread(bytes, 1, sizeof bytes, file);
	const uint8_t *found = memmem(bytes, size, wanted, length);
	ck_assert_ptr_nonnull(found);
	ck_assert_int_eq(fseek(file, (long)(found - bytes) + at, SEEK_SET), 0);
	ck_assert_int_eq(putc(byte, file), byte);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_plan_is_gone_on_with)
{
	make_plan();
	ck_assert_int_eq(go_on(), CK_OK);
}
END_TEST

/* The request goes out under the name of whoever goes on, root perhaps: it is a batch of this plan or nothing. */
START_TEST(a_plan_asks_for_nothing_but_its_batches)
{
	static const uint8_t type[] = {CK_F_TYPE, 0x18, CK_OP_PLAN_BATCH};
	_Static_assert(CK_F_TYPE < 24 && CK_OP_PLAN_BATCH >= 24 && CK_OP_CONFIRM_CLOCK < 24, "one byte and two in CBOR");
	make_plan();
	alter(type, sizeof type, 2, CK_OP_PLAN_BATCH - 1);
	ck_assert_int_eq(go_on(), CK_ERR_CORRUPT);
}
END_TEST

/* Nor is a second request behind it. */
START_TEST(a_plan_asks_for_one_thing_at_a_time)
{
	static const uint8_t type[] = {CK_F_TYPE, 0x18, CK_OP_PLAN_BATCH};
	make_plan();
	alter(type, sizeof type, -2, 4); /* of the length before the map */
	ck_assert_int_eq(go_on(), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(a_plan_of_somebody_else_is_not_gone_on_with)
{
	if (geteuid() != 0) return; /* only root can make one */
	make_plan();
	ck_assert_int_eq(chown(path, 1000, 1000), 0);
	ck_assert_int_eq(go_on(), CK_ERR_DENIED);
}
END_TEST

START_TEST(a_plan_that_is_no_file_keeps_nobody_waiting)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(go_on(), CK_ERR_DENIED);
}
END_TEST

/* ---- what is written about people ---- */

static enum ck_error reject(void)
{
	struct ck_rejects *rejects = NULL;
	enum ck_error error = ck_rejects_open(path, &rejects, &err);
	if (error == CK_OK) ck_rejects_add(rejects, 1, "no such authority", ck_text_of("Ada North"));
	enum ck_error closed = ck_rejects_close(&rejects, &err);
	return error == CK_OK ? closed : error;
}

static void put_file(mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "there before", 12), 12);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(rows_that_were_not_taken_are_nobody_elses_to_read)
{
	struct stat st;
	put_file(0666);
	ck_assert_int_eq(reject(), CK_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(rows_are_not_written_into_a_file_of_somebody_else)
{
	struct stat st;
	if (geteuid() != 0) return; /* only root can make one */
	put_file(0644);
	ck_assert_int_eq(chown(path, 1000, 1000), 0);
	ck_assert_int_eq(reject(), CK_ERR_DENIED);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 12);
}
END_TEST

/* A second name, which may be anybody's folder. */
START_TEST(rows_are_not_written_into_a_file_of_two_names)
{
	char other[160];
	struct stat st;
	snprintf(other, sizeof other, "%s2", path);
	put_file(0600);
	ck_assert_int_eq(link(path, other), 0);
	ck_assert_int_eq(reject(), CK_ERR_DENIED);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 12);
	ck_assert_int_eq(unlink(other), 0);
}
END_TEST

START_TEST(rows_wait_for_no_reader)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_ne(reject(), CK_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("import files");
	TCase *tests = tcase_create("import files");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_plan_is_gone_on_with);
	tcase_add_test(tests, a_plan_asks_for_nothing_but_its_batches);
	tcase_add_test(tests, a_plan_asks_for_one_thing_at_a_time);
	tcase_add_test(tests, a_plan_of_somebody_else_is_not_gone_on_with);
	tcase_add_test(tests, a_plan_that_is_no_file_keeps_nobody_waiting);
	tcase_add_test(tests, rows_that_were_not_taken_are_nobody_elses_to_read);
	tcase_add_test(tests, rows_are_not_written_into_a_file_of_somebody_else);
	tcase_add_test(tests, rows_are_not_written_into_a_file_of_two_names);
	tcase_add_test(tests, rows_wait_for_no_reader);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
