/* What the doctor says of a kernel, a clock and a daemon that no test machine has: the sources are included, and what they ask is bent. */
#include <check.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/cli/doctor_instance.c"
#include "authd/cli/doctor_machine.c"
#include "tests/unit/suite.h"

static struct ck_cli cli;
static struct ck_doctor doctor;

static void begin(void)
{
	memset(&doctor, 0, sizeof doctor);
	doctor.cli = &cli;
	doctor.root = "";
}

static const struct ck_finding *found(const char *code)
{
	for (size_t i = 0; i < doctor.count; i++)
		if (strcmp(doctor.findings[i].code, code) == 0) return &doctor.findings[i];
	return NULL;
}

/* ---- the kernel ---- */

/* In a process of its own, whose kernel lacks this call. */
static bool says_without(int call, const char *code)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
		if (filter == NULL || seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) != 0 || seccomp_load(filter) != 0) _exit(2);
		check_kernel(&doctor);
		_exit(found(code) != NULL ? 0 : 1);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 2);
	return WEXITSTATUS(status) == 0;
}

START_TEST(test_kernel)
{
	ck_assert(says_without(SCMP_SYS(landlock_create_ruleset), "landlock"));
	ck_assert(says_without(SCMP_SYS(seccomp), "seccomp"));
	ck_assert(!says_without(SCMP_SYS(landlock_create_ruleset), "seccomp"));
}
END_TEST

/* ---- the daemon ---- */

static void say(const char *state, const char *lines)
{
	begin();
	judge_state(&doctor, "/run/gate.sock", state, ck_cli_copy(ck_text_of(lines)));
}

START_TEST(test_state)
{
	say("running", "as of: 2026-01-01T00:00:00Z\nstaff: 3\n");
	ck_assert_uint_eq(doctor.count, 0);
	say("degraded", "problem: the directory is not followed\nproblem: and more\n");
	ck_assert_int_eq(found("daemon-state")->severity, CK_SEVERITY_WARNING);
	ck_assert_ptr_nonnull(strstr(found("daemon-state")->found, "the directory is not followed; and more"));
	say("stale", "");
	ck_assert_int_eq(found("daemon-state")->severity, CK_SEVERITY_ERROR);
	say("something else", "");
	ck_assert_int_eq(found("daemon-state")->severity, CK_SEVERITY_ERROR);
}
END_TEST

START_TEST(test_copy_of_tomorrow)
{
	char text[CK_TIME_TEXT_BYTES];
	say("running", ck_cli_print("as of: %s\n", ck_time_format(ck_clock_wall_s() + 3600, text)));
	ck_assert_int_eq(found("clock-copy")->severity, CK_SEVERITY_ERROR);
	say("running", ck_cli_print("as of: %s\n", ck_time_format(ck_clock_wall_s(), text)));
	ck_assert_ptr_null(found("clock-copy"));
	say("running", "as of: nonsense\n");
	ck_assert_uint_eq(doctor.count, 0);
}
END_TEST

/* ---- the last record ---- */

static int64_t last_of(const char *text)
{
	char path[] = "/tmp/ck-doctor.XXXXXX";
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	int64_t last_s = last_record_s(path);
	(void)unlink(path);
	return last_s;
}

#define PREV "prev=0000000000000000000000000000000000000000000000000000000000000000\n"

START_TEST(test_last_record)
{
	ck_assert_int_eq(last_of(""), 0);
	ck_assert_int_eq(last_of("nothing of ours\n"), 0);
	ck_assert_int_eq(last_of("1 2026-11-22T04:20:00.123456Z started " PREV), 1795321200);
	ck_assert_int_eq(last_of("1 2026-11-22T04:20:00.123456Z started " PREV "2 2026-11-22T04:20:01.000000Z started " PREV "3 2026-11-22T04:2"), 1795321201);
	ck_assert_int_eq(last_of("alf of a record " PREV "2 2026-11-22T04:20:01.000000Z started " PREV), 1795321201);
	ck_assert_int_eq(last_record_s("/nonexistent"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor: machine");
	TCase *tcase = tcase_create("all");
	tcase_add_checked_fixture(tcase, begin, NULL);
	tcase_add_test(tcase, test_kernel);
	tcase_add_test(tcase, test_state);
	tcase_add_test(tcase, test_copy_of_tomorrow);
	tcase_add_test(tcase, test_last_record);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
