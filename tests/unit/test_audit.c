/* The writing end of the audit log: records, crashes at every step, rotation, the reserve of a full disk, the key that evolves. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "tests/unit/suite.h"

/* ---- records ---- */

START_TEST(a_record_is_one_line_whatever_it_holds)
{
	struct ck_chain *chain = fixture_open(0);
	const char evil[] = "a b\n2 2026-01-01T00:00:00.000000Z account-granted prev=\x1b\\\"\xc3\xa9";
	struct ck_audit_field field = { "detail", { (const uint8_t *)evil, sizeof evil } };
	ck_assert_int_eq(ck_chain_add(chain, "alarm", &field, 1, true, NULL, NULL), CK_OK);
	ck_assert_int_eq(ck_chain_write(chain, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_line_count(), 1);
	char line[2048];
	fixture_line(1, line, sizeof line);
	struct ck_audit_record record;
	ck_assert_int_eq(ck_audit_parse(ck_text_of(line), &record), CK_OK);
	ck_assert_uint_eq(record.count, 1);
	uint8_t back[256];
	size_t length;
	ck_assert_int_eq(ck_unescape(record.fields[0].value, back, sizeof back, &length), CK_OK);
	ck_assert_uint_eq(length, sizeof evil);
	ck_assert_mem_eq(back, evil, length);
}
END_TEST

START_TEST(records_are_numbered_and_verify)
{
	struct ck_chain *chain = fixture_open(0);
	for (uint64_t i = 1; i <= 100; i++) ck_assert_uint_eq(fixture_add(chain, "looked-up"), i);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 100);
}
END_TEST

START_TEST(a_log_goes_on_after_a_close)
{
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	chain = fixture_open(0);
	ck_assert_uint_eq(fixture_add(chain, "looked-up"), 2);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 2);
}
END_TEST

START_TEST(what_is_not_written_leaves_no_trace)
{
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	struct ck_audit_field field = { "user", { (const uint8_t *)"x", 1 } };
	ck_assert_int_eq(ck_chain_add(chain, "looked-up", &field, 1, true, NULL, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 1);
}
END_TEST

START_TEST(a_record_that_is_too_long_is_refused)
{
	struct ck_chain *chain = fixture_open(0);
	static uint8_t bytes[CK_AUDIT_RECORD_LIMIT_BYTES];
	struct ck_audit_field field = { "detail", { bytes, sizeof bytes / 4 } };
	ck_assert_int_eq(ck_chain_add(chain, "alarm", &field, 1, true, NULL, NULL), CK_ERR_LIMIT);
	ck_assert_uint_eq(fixture_add(chain, "alarm"), 1);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 1);
}
END_TEST

START_TEST(a_full_batch_is_refused)
{
	struct ck_chain *chain = fixture_open(0);
	for (int i = 0; i < CK_CHAIN_BATCH_RECORDS; i++)
		ck_assert_int_eq(ck_chain_add(chain, "looked-up", NULL, 0, true, NULL, NULL), CK_OK);
	ck_assert_int_eq(ck_chain_add(chain, "looked-up", NULL, 0, true, NULL, NULL), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_chain_write(chain, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, CK_CHAIN_BATCH_RECORDS);
}
END_TEST

START_TEST(two_writers_are_one_too_many)
{
	struct ck_chain *chain = fixture_open(0), *second;
	size_t cut;
	struct ck_chain_limits limits = fixture_limits(0);
	ck_assert_int_eq(ck_chain_open(fixture_directory, &limits, &second, &cut, NULL), CK_ERR_UNAVAILABLE);
	ck_chain_close(&chain);
}
END_TEST

/* ---- crashes ---- */

START_TEST(a_record_torn_at_any_byte_is_cut)
{
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	fixture_add(chain, "looked-up");
	off_t before = fixture_size("audit-000001.log");
	fixture_add(chain, "account-granted");
	ck_chain_close(&chain);
	off_t after = fixture_size("audit-000001.log");
	fixture_keep_copy();
	for (off_t size = before; size < after; size++) {
		fixture_restore_copy();
		fixture_truncate("audit-000001.log", size);
		size_t cut;
		chain = fixture_open_cut(0, &cut);
		ck_assert_uint_eq(cut, (size_t)(size - before));
		ck_assert_uint_eq(fixture_add(chain, "looked-up"), 3);
		ck_chain_close(&chain);
		ck_assert_uint_eq(fixture_verify().records, 3);
	}
}
END_TEST

START_TEST(a_first_record_torn_at_any_byte_is_cut)
{
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "started");
	ck_chain_close(&chain);
	off_t after = fixture_size("audit-000001.log");
	fixture_keep_copy();
	for (off_t size = 0; size < after; size++) {
		fixture_restore_copy();
		fixture_truncate("audit-000001.log", size);
		size_t cut;
		chain = fixture_open_cut(0, &cut);
		ck_assert_uint_eq(cut, (size_t)size);
		ck_assert_uint_eq(fixture_add(chain, "started"), 1);
		ck_chain_close(&chain);
		ck_assert_uint_eq(fixture_verify().records, 1);
	}
}
END_TEST

START_TEST(a_checkpoint_torn_at_any_byte_is_cut_and_its_key_discarded)
{
	char line[1024];
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	off_t before = fixture_size("audit-000001.log");
	fixture_keep_key();
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	off_t after = fixture_size("audit-000001.log");
	/* as it was before the rename: the old key in place, the next one beside it */
	fixture_swap_keys_back();
	fixture_keep_copy();
	for (off_t size = before; size < after; size++) {
		fixture_restore_copy();
		fixture_truncate("audit-000001.log", size);
		size_t cut;
		chain = fixture_open_cut(0, &cut);
		ck_assert_uint_eq(cut, (size_t)(size - before));
		ck_assert(!fixture_exists("key.next"));
		ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
		ck_chain_close(&chain);
		ck_assert_uint_eq(fixture_verify().checkpoints, 1);
	}
}
END_TEST

START_TEST(a_crash_after_the_checkpoint_lets_the_next_key_take_its_place)
{
	char line[1024];
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	fixture_keep_key();
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	fixture_swap_keys_back();
	chain = fixture_open(0);
	ck_assert(!fixture_exists("key.next"));
	fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().checkpoints, 2);
}
END_TEST

START_TEST(a_torn_next_key_is_discarded)
{
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	fixture_write("key.next", "half of a key", 13);
	chain = fixture_open(0);
	ck_assert(!fixture_exists("key.next"));
	ck_chain_close(&chain);
}
END_TEST

START_TEST(a_crash_while_the_log_begins_is_gone_on_from)
{
	struct ck_chain *chain = fixture_open(0);
	ck_chain_close(&chain);
	fixture_remove("audit-000001.log");
	chain = fixture_open(0);
	ck_chain_close(&chain);
	fixture_remove("audit-000001.log");
	fixture_remove("genesis");
	chain = fixture_open(0);
	fixture_add(chain, "started");
	char line[1024];
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().checkpoints, 1);
}
END_TEST

START_TEST(zeros_of_a_power_cut_are_cut)
{
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	char tail[300] = { 0 };
	tail[200] = '\n';
	fixture_append("audit-000001.log", tail, sizeof tail);
	size_t cut;
	chain = fixture_open_cut(0, &cut);
	ck_assert_uint_eq(cut, sizeof tail);
	ck_chain_close(&chain);
}
END_TEST

/* ---- what is no crash ---- */

#define REFUSED()                                                                                                      \
	do {                                                                                                           \
		struct ck_chain *refused;                                                                              \
		size_t refused_cut;                                                                                    \
		struct ck_chain_limits refused_limits = fixture_limits(0);                                             \
		ck_assert_int_eq(ck_chain_open(fixture_directory, &refused_limits, &refused, &refused_cut, NULL), CK_ERR_CORRUPT); \
		ck_assert_ptr_null(refused);                                                                           \
	} while (0)

static void some_log(void)
{
	char line[1024];
	struct ck_chain *chain = fixture_open(0);
	for (int i = 0; i < 5; i++) fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	for (int i = 0; i < 5; i++) fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
}

START_TEST(a_changed_tail_is_refused)
{
	some_log();
	fixture_change_byte(10, "looked-up", 'L');
	REFUSED();
}
END_TEST

START_TEST(a_tail_cut_behind_the_last_checkpoint_is_refused)
{
	some_log();
	fixture_truncate_lines(3);
	REFUSED();
}
END_TEST

START_TEST(a_missing_key_is_refused)
{
	some_log();
	fixture_remove("key");
	REFUSED();
}
END_TEST

START_TEST(a_damaged_key_is_refused)
{
	some_log();
	fixture_write("key", "nothing of use", 14);
	REFUSED();
}
END_TEST

START_TEST(a_missing_log_is_refused)
{
	some_log();
	fixture_remove("audit-000001.log");
	REFUSED();
}
END_TEST

START_TEST(a_key_of_another_log_is_refused)
{
	char line[1024];
	some_log();
	fixture_keep_key();
	fixture_clear();
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	fixture_swap_keys_back();
	fixture_remove("key.next");
	REFUSED();
}
END_TEST

/* ---- segments ---- */

START_TEST(the_chain_goes_on_in_the_next_file)
{
	char line[1024];
	struct ck_chain *chain = fixture_open(4096);
	for (int i = 0; i < 100; i++) fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert(fixture_exists("audit-000003.log"));
	chain = fixture_open(4096);
	fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 102);
}
END_TEST

START_TEST(a_segment_begun_and_still_empty_is_gone_on_with)
{
	struct ck_chain *chain = fixture_open(0);
	for (int i = 0; i < 5; i++) fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	fixture_write("audit-000002.log", "", 0);
	chain = fixture_open(0);
	ck_assert_uint_eq(fixture_add(chain, "looked-up"), 6);
	ck_chain_close(&chain);
	fixture_append("audit-000002.log", "7 20", 4);
	size_t cut;
	chain = fixture_open_cut(0, &cut);
	ck_assert_uint_eq(cut, 4);
	ck_assert_uint_eq(fixture_add(chain, "looked-up"), 7);
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 7);
}
END_TEST

START_TEST(a_removed_first_segment_is_refused)
{
	struct ck_chain *chain = fixture_open(4096);
	for (int i = 0; i < 100; i++) fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	fixture_remove("audit-000001.log");
	REFUSED();
}
END_TEST

START_TEST(a_segment_that_does_not_join_is_refused)
{
	struct ck_chain *chain = fixture_open(4096);
	for (int i = 0; i < 100; i++) fixture_add(chain, "looked-up");
	ck_chain_close(&chain);
	fixture_truncate_last_line("audit-000001.log");
	fixture_remove("audit-000003.log");
	for (int i = 4; i < 10; i++) {
		char name[32];
		snprintf(name, sizeof name, "audit-%06d.log", i);
		if (fixture_exists(name)) fixture_remove(name);
	}
	REFUSED();
}
END_TEST

START_TEST(a_long_log_opens_quickly)
{
	struct ck_chain *chain = fixture_open(UINT64_C(1) << 30);
	for (int batch = 0; batch < 400; batch++) {
		for (int i = 0; i < CK_CHAIN_BATCH_RECORDS; i++) {
			struct ck_audit_field field = { "user", { (const uint8_t *)"somebody-with-a-long-name-and-more-of-it-so-that-it-is-200", 58 } };
			ck_assert_int_eq(ck_chain_add(chain, "account-granted", &field, 1, true, NULL, NULL), CK_OK);
		}
		ck_assert_int_eq(ck_chain_write(chain, NULL), CK_OK);
	}
	ck_assert_int_eq(ck_chain_flush(chain, NULL), CK_OK);
	ck_chain_close(&chain);
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	chain = fixture_open(UINT64_C(1) << 30);
	clock_gettime(CLOCK_MONOTONIC, &b);
	double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	ck_chain_close(&chain);
#ifndef CK_SANITIZED
	ck_assert_msg(ms < 100, "%.1f ms", ms); /* aim 20; a busy machine is no failure */
#endif
	printf("opened %lld bytes in %.1f ms\n", (long long)fixture_size("audit-000001.log"), ms);
}
END_TEST

/* ---- the full disk ---- */

/* A file system of 1 MiB of its own, in a mount namespace of its own, in a child. */
static bool small_disk(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", fixture_directory, "tmpfs", 0, "size=1m") == 0;
}

/* False when it did not get all. */
static bool take_room(const char *path, size_t bytes)
{
	static char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	while (bytes >= sizeof block && write(fd, block, sizeof block) > 0) bytes -= sizeof block;
	close(fd);
	return bytes == 0;
}

static int on_a_full_disk(void)
{
	size_t cut;
	uint64_t written = 0, essential = 0;
	char line[1024];
	struct ck_chain_limits limits = { .segment_bytes = 1 << 30, .reserve_bytes = 65536 };
	struct ck_chain *chain;
	struct ck_audit_field field = { "user", { (const uint8_t *)"somebody", 8 } };
	if (!small_disk()) return 77;
	char path[600];
	snprintf(path, sizeof path, "%s/other", fixture_directory);
	if (!take_room(path, 256 * 1024)) return 1;
	if (ck_chain_open(fixture_directory, &limits, &chain, &cut, NULL) != CK_OK) return 1;
	while (ck_chain_add(chain, "looked-up", &field, 1, false, NULL, NULL) == CK_OK && ck_chain_write(chain, NULL) == CK_OK) written++;
	if (written < 2000) return 2;
	/* somebody else takes what is left */
	(void)take_room(path, 1 << 20);
	if (ck_chain_add(chain, "looked-up", &field, 1, false, NULL, NULL) == CK_OK) return 3;
	while (ck_chain_add(chain, "login-granted", &field, 1, true, NULL, NULL) == CK_OK) {
		if (ck_chain_write(chain, NULL) != CK_OK || ck_chain_flush(chain, NULL) != CK_OK) return 4;
		essential++;
	}
	if (essential < 65536 / 200) return 5;
	/* the reserve is still there after a start: it was used up, and nothing is lost */
	ck_chain_close(&chain);
	struct ck_audit_report report;
	if (ck_audit_verify(fixture_directory, (struct ck_text){ NULL, 0 }, &report, NULL) != CK_OK) return 6;
	if (report.records != written + essential) return 7;
	/* room again: it goes on */
	if (unlink(path) != 0) return 8;
	if (ck_chain_open(fixture_directory, &limits, &chain, &cut, NULL) != CK_OK) return 9;
	if (ck_chain_add(chain, "login-granted", &field, 1, true, NULL, NULL) != CK_OK || ck_chain_write(chain, NULL) != CK_OK) return 10;
	if (ck_chain_checkpoint(chain, line, sizeof line, NULL) != CK_OK) return 11;
	ck_chain_close(&chain);
	return ck_audit_verify(fixture_directory, ck_text_of(line), &report, NULL) == CK_OK && report.anchored ? 0 : 12;
}

START_TEST(a_full_disk_keeps_its_reserve_for_what_must_be_recorded)
{
	pid_t pid = fork();
	if (pid == 0) _exit(on_a_full_disk());
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("skipped: no mount namespace here\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static int at_a_size_limit(void)
{
	struct ck_chain *chain = fixture_open(0);
	struct ck_errmsg err;
	struct rlimit limit = { 5000, RLIM_INFINITY };
	uint64_t written = 0;
	signal(SIGXFSZ, SIG_IGN);
	fixture_add(chain, "started");
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
	/* batches of three, so that one is written in part and must be taken back */
	for (;;) {
		for (int i = 0; i < 3; i++)
			if (ck_chain_add(chain, "login-granted", NULL, 0, true, NULL, NULL) != CK_OK) return 2;
		if (ck_chain_write(chain, &err) != CK_OK) break;
		written += 3;
	}
	if (fixture_size("audit-000001.log") > 5000 || ck_chain_is_broken(chain)) return 3;
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 4;
	if (fixture_add(chain, "login-granted") != written + 2) return 5;
	ck_chain_close(&chain);
	return fixture_verify().records == written + 2 ? 0 : 6;
}

START_TEST(a_batch_is_written_whole_or_not_at_all)
{
	pid_t pid = fork();
	if (pid == 0) _exit(at_a_size_limit());
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* ---- the key ---- */

START_TEST(each_checkpoint_has_a_key_of_its_own_and_the_last_one_is_gone)
{
	char line[1024];
	uint8_t before[128], after[128];
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	size_t length = fixture_read("key", before, sizeof before);
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_assert_uint_eq(fixture_read("key", after, sizeof after), length);
	ck_assert(memcmp(before, after, length) != 0);
	ck_assert(!fixture_exists("key.next"));
	ck_assert(!fixture_exists("key.next.new"));
	/* the seed is nowhere in the directory any more: bytes 24 to 55 of the file */
	ck_assert(!fixture_any_file_holds(before + 24, 32));
	ck_assert(fixture_any_file_holds(after + 24, 32));
	ck_chain_close(&chain);
}
END_TEST

START_TEST(the_printed_checkpoint_is_the_line_in_the_log)
{
	char line[1024], stored[1024];
	struct ck_chain *chain = fixture_open(0);
	fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_checkpoint(chain, line, sizeof line, NULL), CK_OK);
	ck_chain_close(&chain);
	fixture_line(2, stored, sizeof stored);
	ck_assert_str_eq(line, stored);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit");
	TCase *tests = tcase_create("chain");
	tcase_add_checked_fixture(tests, fixture_make, fixture_remove_all);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_record_is_one_line_whatever_it_holds);
	tcase_add_test(tests, records_are_numbered_and_verify);
	tcase_add_test(tests, a_log_goes_on_after_a_close);
	tcase_add_test(tests, what_is_not_written_leaves_no_trace);
	tcase_add_test(tests, a_record_that_is_too_long_is_refused);
	tcase_add_test(tests, a_full_batch_is_refused);
	tcase_add_test(tests, two_writers_are_one_too_many);
	tcase_add_test(tests, a_record_torn_at_any_byte_is_cut);
	tcase_add_test(tests, a_first_record_torn_at_any_byte_is_cut);
	tcase_add_test(tests, a_checkpoint_torn_at_any_byte_is_cut_and_its_key_discarded);
	tcase_add_test(tests, a_crash_after_the_checkpoint_lets_the_next_key_take_its_place);
	tcase_add_test(tests, a_torn_next_key_is_discarded);
	tcase_add_test(tests, a_crash_while_the_log_begins_is_gone_on_from);
	tcase_add_test(tests, zeros_of_a_power_cut_are_cut);
	tcase_add_test(tests, a_changed_tail_is_refused);
	tcase_add_test(tests, a_tail_cut_behind_the_last_checkpoint_is_refused);
	tcase_add_test(tests, a_missing_key_is_refused);
	tcase_add_test(tests, a_damaged_key_is_refused);
	tcase_add_test(tests, a_missing_log_is_refused);
	tcase_add_test(tests, a_key_of_another_log_is_refused);
	tcase_add_test(tests, the_chain_goes_on_in_the_next_file);
	tcase_add_test(tests, a_segment_begun_and_still_empty_is_gone_on_with);
	tcase_add_test(tests, a_removed_first_segment_is_refused);
	tcase_add_test(tests, a_segment_that_does_not_join_is_refused);
	tcase_add_test(tests, a_long_log_opens_quickly);
	tcase_add_test(tests, a_full_disk_keeps_its_reserve_for_what_must_be_recorded);
	tcase_add_test(tests, a_batch_is_written_whole_or_not_at_all);
	tcase_add_test(tests, each_checkpoint_has_a_key_of_its_own_and_the_last_one_is_gone);
	tcase_add_test(tests, the_printed_checkpoint_is_the_line_in_the_log);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
