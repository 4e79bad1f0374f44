/* The walls around a child: each thing that must be impossible is tried in a process of its own. Needs root. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/process.h"
#include "directory/base/log.h"
#include "tests/unit/suite.h"

#define USER "61001"
#define KILLED (-SIGSYS)

static char dir[64], readable[96], writable[96], secret[96];

static const struct ck_filter *const filters[] = { &ck_filter_gate, &ck_filter_replica, &ck_filter_ledger };

static int confined_here(int (*attempt)(void), const struct ck_filter *filter)
{
	close(CK_CONTROL_FD); /* Check's own pipe may lie there */
	const struct ck_reach reach[] = { { readable, CK_REACH_READ }, { writable, CK_REACH_WRITE }, { "/proc", CK_REACH_READ } };
	const struct ck_confinement confinement = { .user = USER, .filter = filter, .reach = reach, .reach_count = 3 };
	struct ck_errmsg err;
	if (ck_process_confine(&confinement, &err) == CK_OK) return attempt();
	(void)dprintf(STDERR_FILENO, "%s\n", err.text);
	return 120;
}

/* Runs `attempt` in a confined child: its exit code, or minus the signal. 120: could not be confined. */
static int confined(int (*attempt)(void), const struct ck_filter *filter)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) _exit(confined_here(attempt, filter));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void make_dir(char out[96], const char *name, mode_t mode, uid_t uid)
{
	(void)snprintf(out, 96, "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(out, 0700), 0);
	ck_assert_int_eq(chmod(out, mode), 0);
	ck_assert_int_eq(chown(out, uid, uid), 0);
}

static void setup(void)
{
	(void)snprintf(dir, sizeof dir, "/run/ck-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	make_dir(readable, "readable", 0777, 61001);
	make_dir(writable, "writable", 0777, 61001);
	make_dir(secret, "secret", 0777, 61001);
	char path[128];
	(void)snprintf(path, sizeof path, "%s/file", readable);
	int fd = open(path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	close(fd);
	(void)snprintf(path, sizeof path, "%s/file", secret);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	close(fd);
}

static void teardown(void)
{
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* ---- what must go ---- */

static bool can_open(const char *folder, const char *name, int flags)
{
	char path[160];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0) close(fd);
	return fd >= 0;
}

static int ready_fd, wait_fd;

static int be_looked_at(void)
{
	char byte = 'x';
	return write(ready_fd, &byte, 1) == 1 && read(wait_fd, &byte, 1) == 0 ? 0 : 1;
}

static void expect_in(pid_t pid, const char *file, const char *wanted)
{
	static char text[8192];
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof text - 1);
	close(fd);
	ck_assert_int_gt((int)got, 0);
	text[got] = '\0';
	ck_assert_msg(strstr(text, wanted) != NULL, "expected \"%s\" in:\n%s", wanted, text);
}

static int work(void)
{
	if (!can_open(readable, "file", O_RDONLY) || !can_open(writable, "new", O_RDWR | O_CREAT)) return 1;
	char old[128], new[128];
	(void)snprintf(old, sizeof old, "%s/new", writable);
	(void)snprintf(new, sizeof new, "%s/newer", writable);
	if (rename(old, new) != 0 || unlink(new) != 0 || symlink("new", new) != 0 || unlink(new) != 0) return 2;
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) != 0) return 3;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct event_base *base = event_base_new();
	if (memory == MAP_FAILED || base == NULL) return 4;
	event_base_free(base);
	return can_open("/proc/self", "stat", O_RDONLY) ? 0 : 5;
}

/* ---- what must not ---- */

static int read_secret(void)
{
	return can_open(secret, "file", O_RDONLY) ? 0 : errno;
}

static int write_readable(void)
{
	return can_open(readable, "file", O_WRONLY) ? 0 : errno;
}

static int create_in_readable(void)
{
	return can_open(readable, "new", O_RDWR | O_CREAT) ? 0 : errno;
}

static int read_passwd(void)
{
	return can_open("/etc", "passwd", O_RDONLY) ? 0 : errno;
}

static int make_a_link(void)
{
	return link("/etc/passwd", "/etc/passwd-") == 0 ? 0 : errno;
}

START_TEST(it_becomes_its_user_and_nothing_more)
{
	int ready[2], wait[2];
	char byte;
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(wait, O_CLOEXEC), 0);
	ready_fd = fcntl(ready[1], F_DUPFD_CLOEXEC, 10);
	wait_fd = fcntl(wait[0], F_DUPFD_CLOEXEC, 10);
	int hold = fcntl(wait[1], F_DUPFD_CLOEXEC, 10); /* CK_CONTROL_FD must be none of them */
	close(wait[1]);
	gid_t group = 61099;
	ck_assert_int_eq(setgroups(1, &group), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(hold);
		_exit(confined_here(be_looked_at, filters[_i]));
	}
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	static const char *const status[] = {
		"\nUid:\t61001\t61001\t61001\t61001\n", "\nGid:\t61001\t61001\t61001\t61001\n", "\nGroups:\t \n", "\nNoNewPrivs:\t1\n",
		"\nSeccomp:\t2\n", "\nCapInh:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n", "\nCapEff:\t0000000000000000\n",
		"\nCapBnd:\t0000000000000000\n", "\nCapAmb:\t0000000000000000\n",
	};
	static const char *const limits[] = {
		"\nMax core file size        0                    0  ", "\nMax locked memory         0                    0  ",
		"\nMax msgqueue size         0                    0  ",
#ifndef CK_SANITIZED
		"\nMax processes             0                    0  ",
#endif
	};
	for (size_t i = 0; i < sizeof status / sizeof *status; i++) expect_in(pid, "status", status[i]);
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) expect_in(pid, "limits", limits[i]);
#ifndef CK_SANITIZED
	struct stat st;
	char path[64];
	(void)snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0); /* not dumpable: not even its own user may look into it */
#endif
	close(hold);
	int ended = 0;
	ck_assert_int_eq(waitpid(pid, &ended, 0), pid);
	ck_assert_int_eq(ended, 0);
}
END_TEST

START_TEST(its_work_goes_on)
{
	ck_assert_int_eq(confined(work, &ck_filter_replica), 0);
}
END_TEST

START_TEST(files_out_of_reach)
{
	ck_assert_int_eq(confined(read_secret, &ck_filter_replica), EACCES);
	ck_assert_int_eq(confined(write_readable, &ck_filter_replica), EACCES);
	ck_assert_int_eq(confined(create_in_readable, &ck_filter_replica), EACCES);
	ck_assert_int_eq(confined(read_passwd, &ck_filter_replica), EACCES);
}
END_TEST

START_TEST(what_is_not_in_its_table_kills)
{
	ck_assert_int_eq(confined(make_a_link, filters[_i]), KILLED);
}
END_TEST

static int confine_with(const char *user, const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		const struct ck_reach reach[] = { { path, CK_REACH_READ } };
		const struct ck_confinement confinement = { .user = user, .filter = &ck_filter_gate, .reach = reach, .reach_count = 1 };
		struct ck_errmsg err;
		_exit((int)ck_process_confine(&confinement, &err));
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(root_is_no_user_of_a_process)
{
	ck_assert_int_eq(confine_with("0", readable), CK_ERR_DENIED);
	ck_assert_int_eq(confine_with("root", readable), CK_ERR_DENIED);
}
END_TEST

START_TEST(an_unknown_user_is_a_failure)
{
	ck_assert_int_eq(confine_with("no-such-user-here", readable), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_missing_path_is_a_failure)
{
	ck_assert_int_eq(confine_with(USER, "/no/such/path"), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(without_root_it_fails)
{
	pid_t pid = fork();
	if (pid == 0) {
		const struct ck_confinement confinement = { .user = USER, .filter = &ck_filter_gate };
		struct ck_errmsg err;
		if (setresuid(61002, 61002, 61002) != 0) _exit(99);
		_exit((int)ck_process_confine(&confinement, &err));
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), CK_ERR_IO);
}
END_TEST

START_TEST(it_dies_with_its_parent)
{
	int alive[2];
	ck_assert_int_eq(pipe2(alive, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0) {
		if (fork() == 0) {
			close(CK_CONTROL_FD == alive[1] ? -1 : CK_CONTROL_FD);
			const struct ck_confinement confinement = { .user = USER, .filter = &ck_filter_gate };
			struct ck_errmsg err;
			if (ck_process_confine(&confinement, &err) != CK_OK || write(alive[1], "x", 1) != 1) _exit(1);
			struct epoll_event event;
			int loop = epoll_create1(0);
			while (epoll_wait(loop, &event, 1, -1) >= 0) continue;
			_exit(1);
		}
		close(alive[1]);
		for (;;) pause();
	}
	close(alive[1]);
	char byte;
	ck_assert_int_eq(read(alive[0], &byte, 1), 1);
	(void)kill(parent, SIGKILL);
	(void)waitpid(parent, NULL, 0);
	ck_assert_int_eq(read(alive[0], &byte, 1), 0); /* the child held the last end */
	close(alive[0]);
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("SKIP: confinement begins as root");
		return 0;
	}
	ck_log_init("test", CK_LOG_WARNING);
	Suite *suite = suite_create("confine");
	TCase *all = tcase_create("confine");
	tcase_set_timeout(all, 30);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_loop_test(all, it_becomes_its_user_and_nothing_more, 0, 3);
	tcase_add_test(all, its_work_goes_on);
	tcase_add_test(all, files_out_of_reach);
	tcase_add_loop_test(all, what_is_not_in_its_table_kills, 0, 3);
	tcase_add_test(all, root_is_no_user_of_a_process);
	tcase_add_test(all, an_unknown_user_is_a_failure);
	tcase_add_test(all, a_missing_path_is_a_failure);
	tcase_add_test(all, without_root_it_fails);
	tcase_add_test(all, it_dies_with_its_parent);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
