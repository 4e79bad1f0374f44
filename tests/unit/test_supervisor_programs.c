/* The programs of others that the supervisor starts, slapd and the token helper: as which user, with what, how many, and which it does not run. */
#include <errno.h>
#include <poll.h>

#include "tests/unit/suite.h"
#include "tests/unit/supervisor_rig.h"

static void on_term(int number)
{
	(void)number;
	(void)!write(STDOUT_FILENO, "stopped\n", 8);
	_exit(0);
}

/* What slapd shows of itself: pid, user, groups, arguments; whether it can do what it must not. */
static int slapd_stand_in(int argc, char **argv)
{
	gid_t group = 0;
	(void)signal(SIGTERM, on_term);
	printf("slapd %d %d %d", (int)getpid(), (int)getuid(), getgroups(1, &group) > 0 ? (int)group : (int)getgid());
	for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
	pid_t child = fork();
	if (child == 0) _exit(0);
	printf("\nfork %s, exec %s, passwd %s, secret %s, inet %s\n", child < 0 ? strerror(ENOSYS) : "done",
	       execl("/bin/true", "true", (char *)NULL) < 0 ? strerror(errno) : "", access("/etc/passwd", R_OK) == 0 ? "there" : "hidden",
	       open("/var/lib", O_RDONLY | O_DIRECTORY) < 0 ? strerror(errno) : "there", socket(AF_INET, SOCK_STREAM, 0) < 0 ? strerror(errno) : "done");
	(void)fflush(stdout);
	while (poll(NULL, 0, -1) < 0) continue;
	return 0;
}

START_TEST(a_slapd_that_others_may_write_is_refused)
{
	char more[160];
	(void)snprintf(more, sizeof more, "slapd = %s/slapd\n", dir);
	write_file("slapd", "#!/bin/sh\n", 0777);
	expect_refused(more, "expected a program that only root can write");
}
END_TEST

START_TEST(a_token_helper_gets_its_user_its_socket_and_nothing_else)
{
	char more[256];
	write_file("helper",
	           "#!/bin/sh\n{ id -u; id -g; id -G; echo \"$*\"; env | grep -cv -e ^PATH= -e ^PWD= -e ^OLDPWD= -e ^_=;"
	           "ls /proc/self/fd | tr '\\n' ' '; } >&3\n", 0755);
	(void)snprintf(more, sizeof more, NO_SLAPD "token_helper = %s/helper\ngroup_token_devices = 61099\n", dir);
	start_supervisor(more);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	(void)kill(pid_of("gate-0"), SIGHUP);
	wait_for("met", "gate-0 token 77: 61004,61004,61004 61099,--fd 3,0,0 1 2 3 4", 1); /* 4 is ls's own look at the list */
}
END_TEST

START_TEST(no_helper_is_said_so)
{
	start_supervisor(NO_SLAPD "token_helper =\n");
	wait_for("stderr", "crosskeysd: ready\n", 1);
	(void)kill(pid_of("gate-0"), SIGHUP);
	wait_for("met", "gate-0 token 77: none", 1);
}
END_TEST

START_TEST(a_helper_that_others_may_write_is_not_run)
{
	char more[256];
	write_file("helper", "#!/bin/sh\necho no >&3\n", 0775);
	(void)snprintf(more, sizeof more, NO_SLAPD "token_helper = %s/helper\n", dir);
	start_supervisor(more);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	(void)kill(pid_of("gate-0"), SIGHUP);
	wait_for("met", "gate-0 token 77: none", 1);
}
END_TEST

static void ask_for_helpers(const char *gate, const char *want, unsigned times, bool there)
{
	char needle[64];
	(void)snprintf(needle, sizeof needle, "%s token 77: %s", gate, there ? "here" : "none");
	write_file("want", want, 0644);
	unsigned before = count_of("met", needle);
	for (unsigned i = 1; i <= times; i++) {
		(void)kill(pid_of(gate), SIGHUP);
		wait_for("met", needle, before + i);
	}
}

START_TEST(helpers_are_bounded)
{
	char more[256];
	write_file("helper", "#!/bin/sh\necho here >&3\nexec 3>&-\nexec sleep 60\n", 0755);
	(void)snprintf(more, sizeof more, NO_SLAPD "token_helper = %s/helper\n", dir);
	start_supervisor(more);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	ask_for_helpers("gate-0", "1 1000", CK_TOKENS_PER_SOURCE_LIMIT, true); /* one user has a share, of all gates together */
	ask_for_helpers("gate-0", "1 1000", 1, false);
	ask_for_helpers("gate-1", "1 1000", 1, false);
	ask_for_helpers("gate-0", "2 1001", CK_TOKENS_PER_GATE_LIMIT * 3 / 4 - CK_TOKENS_PER_SOURCE_LIMIT, true); /* and all users one of a gate */
	ask_for_helpers("gate-0", "2 1001", 1, false);
	ask_for_helpers("gate-0", "3 0", CK_TOKENS_PER_GATE_LIMIT / 4, true); /* a console still finds one, and has a share of its own */
	ask_for_helpers("gate-0", "4 0", 1, false);
	ask_for_helpers("gate-1", "3 0", CK_TOKENS_PER_SOURCE_LIMIT - CK_TOKENS_PER_GATE_LIMIT / 4, true);
	ask_for_helpers("gate-1", "3 0", 1, false);
	ask_for_helpers("gate-1", "4 0", 1, true);
	int status = stop_supervisor(SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* This program itself: behind slapd's walls no script runs, since its shell would be another program. */
static void install_slapd(void)
{
	char command[160];
	(void)snprintf(command, sizeof command, "cp /proc/%d/exe '%s/slapd'", (int)getpid(), dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(slapd_is_started_as_its_user_again_when_it_dies_and_stopped_last_but_one)
{
	char more[256];
	install_slapd();
	char path[96];
	(void)snprintf(path, sizeof path, "%s/directory", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/directory/slapd.d", dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	(void)snprintf(more, sizeof more, "slapd = %s/slapd\n", dir);
	start_supervisor(more);
	wait_for("log/slapd.log", " 61005 61005 -F ", 1);
	wait_for("log/slapd.log", "run-directory%2Fldapi -d none", 1);
#ifndef CK_SANITIZED
	wait_for("log/slapd.log", "fork Function not implemented, exec Permission denied, passwd there, secret Permission denied, inet Function not implemented", 1);
#endif
	(void)kill(atoi(strstr(read_file("log/slapd.log"), "slapd ") + 6), SIGKILL);
	wait_for("log/slapd.log", " 61005 61005 -F ", 2);
	wait_for("met", "note: slapd died of signal 9", 1);
	wait_for("stderr", "crosskeysd: ready\n", 1);
	int status = stop_supervisor(SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	wait_for("log/slapd.log", "stopped", 1);
}
END_TEST

int main(int argc, char **argv)
{
	int code;
	if (strcmp(argv[0], "slapd") == 0) return slapd_stand_in(argc, argv);
	if (stands_in(argc, argv, &code)) return code;
	if (geteuid() != 0) {
		puts("SKIP: the supervisor needs root");
		return EXIT_SUCCESS;
	}
	Suite *suite = suite_create("supervisor_programs");
	TCase *programs = tcase_create("programs");
	tcase_add_checked_fixture(programs, setup, teardown);
	tcase_set_timeout(programs, 60);
	tcase_add_test(programs, a_slapd_that_others_may_write_is_refused);
	tcase_add_test(programs, a_token_helper_gets_its_user_its_socket_and_nothing_else);
	tcase_add_test(programs, no_helper_is_said_so);
	tcase_add_test(programs, a_helper_that_others_may_write_is_not_run);
	tcase_add_test(programs, helpers_are_bounded);
	tcase_add_test(programs, slapd_is_started_as_its_user_again_when_it_dies_and_stopped_last_but_one);
	suite_add_tcase(suite, programs);
	return suite_run(suite);
}
