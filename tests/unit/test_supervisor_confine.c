/* The walls around a child: each thing that must be impossible is tried in a process of its own. Needs root. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/process.h"
#include "directory/base/log.h"

#define USER "61001"
#define KILLED (-SIGSYS)

static char dir[64], readable[96], writable[96], secret[96];

/* Runs `attempt` in a confined child: its exit code, or minus the signal. 120: could not be confined. */
static int confined(int (*attempt)(void), bool network)
{
	pid_t pid = fork();
	if (pid == 0) {
		close(CK_CONTROL_FD); /* Check's own pipe may lie there */
		const struct ck_reach reach[] = { { readable, false }, { writable, true }, { "/proc", false } };
		const struct ck_confinement confinement = { .user = USER, .reach = reach, .reach_count = 3, .network = network };
		struct ck_errmsg err;
		if (ck_process_confine(&confinement, &err) != CK_OK) {
			(void)dprintf(STDERR_FILENO, "%s\n", err.text);
			_exit(120);
		}
		_exit(attempt());
	}
	int status = 0;
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

static int identity(void)
{
	struct rlimit core;
	if (getuid() != 61001 || geteuid() != 61001 || getgid() != 61001 || getegid() != 61001 || getgroups(0, NULL) != 0) return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 2;
#ifndef CK_SANITIZED
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 3;
#endif
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 4;
	int death = 0;
	if (prctl(PR_GET_PDEATHSIG, &death) != 0 || death != SIGKILL) return 5;
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 ? 0 : 6;
}

static int work(void)
{
	if (!can_open(readable, "file", O_RDONLY) || !can_open(writable, "new", O_RDWR | O_CREAT)) return 1;
	char old[128], new[128];
	(void)snprintf(old, sizeof old, "%s/new", writable);
	(void)snprintf(new, sizeof new, "%s/newer", writable);
	if (rename(old, new) != 0 || unlink(new) != 0 || symlink("new", new) != 0 || unlink(new) != 0) return 2;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 3;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct event_base *base = event_base_new();
	if (memory == MAP_FAILED || base == NULL) return 4;
	event_base_free(base);
	return can_open("/proc/self", "stat", O_RDONLY) ? 0 : 5;
}

static int unix_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	return fd >= 0 ? 0 : errno;
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

static int signal_parent(void)
{
	return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int do_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int do_fork(void)
{
	pid_t pid = fork();
	if (pid == 0) _exit(0);
	return 0;
}

static void *nothing(void *context)
{
	return context;
}

static int do_thread(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, nothing, NULL);
}

static int do_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int do_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int do_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int do_readv(void)
{
	return (int)process_vm_readv(getppid(), NULL, 0, NULL, 0, 0);
}

static int do_mount(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static int do_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int do_chroot(void)
{
	return chroot("/");
}

static int do_setuid(void)
{
	return setresuid(61001, 61001, 61001);
}

static int do_bpf(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int do_keyctl(void)
{
	return (int)syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

static int do_perf(void)
{
	return (int)syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0);
}

static int do_userfaultfd(void)
{
	return (int)syscall(SYS_userfaultfd, 0);
}

static int do_module(void)
{
	return (int)syscall(SYS_init_module, NULL, 0, "");
}

static int do_io_uring(void)
{
	return (int)syscall(SYS_io_uring_setup, 1, NULL);
}

static int do_type_into_terminal(void)
{
	return ioctl(0, TIOCSTI, "x");
}

START_TEST(it_becomes_its_user)
{
	ck_assert_int_eq(confined(identity, false), 0);
}
END_TEST

START_TEST(its_work_goes_on)
{
	ck_assert_int_eq(confined(work, false), 0);
	ck_assert_int_eq(confined(unix_socket, true), 0);
}
END_TEST

START_TEST(files_out_of_reach)
{
	ck_assert_int_eq(confined(read_secret, false), EACCES);
	ck_assert_int_eq(confined(write_readable, false), EACCES);
	ck_assert_int_eq(confined(create_in_readable, false), EACCES);
	ck_assert_int_eq(confined(read_passwd, false), EACCES);
	ck_assert_int_eq(confined(signal_parent, false), EPERM);
	ck_assert_int_eq(confined(unix_socket, false), EACCES);
}
END_TEST

static int (*const deadly[])(void) = {
	do_inet, do_netlink, do_readv, do_mount, do_unshare, do_chroot, do_setuid, do_bpf, do_keyctl, do_perf, do_userfaultfd, do_module,
	do_io_uring, do_type_into_terminal,
	do_exec, do_fork, do_thread, do_ptrace, /* last: sanitizer builds allow them */
};
#define DEADLY ((int)(sizeof deadly / sizeof *deadly))
#ifdef CK_SANITIZED
#define TRIED (DEADLY - 4)
#else
#define TRIED DEADLY
#endif

START_TEST(a_forbidden_call_kills)
{
	ck_assert_int_eq(confined(deadly[_i], false), KILLED);
	ck_assert_int_eq(confined(deadly[_i], true), KILLED);
}
END_TEST

static int confine_with(const char *user, const char *path)
{
	pid_t pid = fork();
	if (pid == 0) {
		const struct ck_reach reach[] = { { path, false } };
		const struct ck_confinement confinement = { .user = user, .reach = reach, .reach_count = 1 };
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
		const struct ck_confinement confinement = { .user = USER };
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
			const struct ck_confinement confinement = { .user = USER };
			struct ck_errmsg err;
			if (ck_process_confine(&confinement, &err) != CK_OK || write(alive[1], "x", 1) != 1) _exit(1);
			for (;;) pause();
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
	tcase_add_test(all, it_becomes_its_user);
	tcase_add_test(all, its_work_goes_on);
	tcase_add_test(all, files_out_of_reach);
	tcase_add_loop_test(all, a_forbidden_call_kills, 0, TRIED);
	tcase_add_test(all, root_is_no_user_of_a_process);
	tcase_add_test(all, an_unknown_user_is_a_failure);
	tcase_add_test(all, a_missing_path_is_a_failure);
	tcase_add_test(all, without_root_it_fails);
	tcase_add_test(all, it_dies_with_its_parent);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
