/* Files about people: a fresh one is its owner's alone, and what lies at the path already is written only if it is a file of one's own, under that
   name alone. What is refused stays as it was. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/cli/cli.h"
#include "tests/unit/suite.h"

#define SOMEBODY 4711

static char directory[64], path[96], other[96];
static FILE *file;
static struct ck_errmsg err;

static void set_up(void)
{
	snprintf(directory, sizeof directory, "/tmp/ck-private.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/out.csv", directory);
	snprintf(other, sizeof other, "%s/other", directory);
	file = NULL;
}

static void tear_down(void)
{
	if (file != NULL) fclose(file);
	(void)unlink(path);
	(void)unlink(other);
	(void)rmdir(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void put(const char *at)
{
	FILE *made = fopen(at, "w");
	ck_assert_ptr_nonnull(made);
	ck_assert_int_gt(fputs("precious", made), 0);
	ck_assert_int_eq(fclose(made), 0);
	ck_assert_int_eq(chmod(at, 0644), 0);
}

static void is_precious(const char *at)
{
	char text[32] = "";
	struct stat st;
	FILE *made = fopen(at, "r");
	ck_assert_ptr_nonnull(made);
	ck_assert_ptr_nonnull(fgets(text, sizeof text, made));
	fclose(made);
	ck_assert_str_eq(text, "precious");
	ck_assert_int_eq(stat(at, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0644);
}

static void is_refused(enum ck_error wanted)
{
	ck_assert_int_eq(ck_cli_write_private(path, &file, &err), wanted);
	ck_assert_ptr_null(file);
	ck_assert_ptr_nonnull(strstr(err.text, path));
}

static void is_written(void)
{
	struct stat st;
	ck_assert_msg(ck_cli_write_private(path, &file, &err) == CK_OK, "%s", err.text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}

START_TEST(a_fresh_one) { is_written(); }
END_TEST

START_TEST(ones_own_is_written_anew_and_hidden_from_others)
{
	put(path);
	is_written();
}
END_TEST

START_TEST(a_link)
{
	put(other);
	ck_assert_int_eq(symlink(other, path), 0);
	is_refused(CK_ERR_IO);
	is_precious(other);
}
END_TEST

/* It would be made where the link leads to. */
START_TEST(a_link_to_nothing)
{
	ck_assert_int_eq(symlink(other, path), 0);
	is_refused(CK_ERR_IO);
	ck_assert_int_ne(access(other, F_OK), 0);
}
END_TEST

START_TEST(a_second_name_of_a_file)
{
	put(other);
	ck_assert_int_eq(link(other, path), 0);
	is_refused(CK_ERR_DENIED);
	is_precious(other);
}
END_TEST

/* Whoever made it could read what is written later. */
START_TEST(somebody_elses)
{
	if (geteuid() != 0) {
		puts("skipped: only root can make somebody else's file");
		return;
	}
	put(path);
	ck_assert_int_eq(chown(path, SOMEBODY, SOMEBODY), 0);
	is_refused(CK_ERR_DENIED);
	is_precious(path);
}
END_TEST

START_TEST(a_fifo_that_nobody_reads)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	is_refused(CK_ERR_IO); /* and does not wait */
}
END_TEST

START_TEST(a_fifo_that_somebody_reads)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	is_refused(CK_ERR_DENIED);
	char byte;
	ck_assert_int_eq(read(reader, &byte, 1), 0);
	close(reader);
}
END_TEST

START_TEST(a_directory)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	is_refused(CK_ERR_IO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("private_file");
	TCase *files = tcase_create("files");
	tcase_add_checked_fixture(files, set_up, tear_down);
	tcase_add_test(files, a_fresh_one);
	tcase_add_test(files, ones_own_is_written_anew_and_hidden_from_others);
	tcase_add_test(files, a_link);
	tcase_add_test(files, a_link_to_nothing);
	tcase_add_test(files, a_second_name_of_a_file);
	tcase_add_test(files, somebody_elses);
	tcase_add_test(files, a_fifo_that_nobody_reads);
	tcase_add_test(files, a_fifo_that_somebody_reads);
	tcase_add_test(files, a_directory);
	suite_add_tcase(suite, files);
	return suite_run(suite);
}
