/* The tables of system calls: whole on both architectures, and under each of them what must be impossible is tried in a process of its own,
   and what must go on, goes on. Needs no root. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/hidraw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/sandbox/filter.h"
#include "authd/sandbox/pidfd.h"
#include "authd/supervisor.h"
#include "directory/base/log.h"
#include "tests/unit/suite.h"

#define KILLED (-SIGSYS)
#ifdef CK_SANITIZED
#define SANITIZED true /* the sanitizers make some of these calls themselves */
#else
#define SANITIZED false
#endif

static const struct ck_filter *const all[] = { &ck_filter_gate,  &ck_filter_replica, &ck_filter_replica_elsewhere, &ck_filter_dialler, &ck_filter_ledger,
	                                       &ck_filter_token, &ck_filter_supervisor, &ck_filter_slapd };
static const struct ck_filter *const strict[] = { &ck_filter_gate, &ck_filter_replica, &ck_filter_ledger, &ck_filter_token };
enum { GATE, REPLICA, LEDGER, TOKEN, STRICT };
#define ALL ((int)(sizeof all / sizeof *all))

/* Runs `act` behind the filter: its exit code, or minus the signal. 120: no filter. */
static int behind(const struct ck_filter *filter, int (*act)(void))
{
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct ck_errmsg err;
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* hundreds are killed */
		if (dup2(null, STDERR_FILENO) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ck_filter_install(filter, NULL, &err) != CK_OK) _exit(120);
		_exit(act());
	}
	int status = 0;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- what nobody may ---- */

static pid_t parent;

static int do_exec(void) { return execl("/bin/true", "true", (char *)NULL); }
static int do_fork(void)
{
	pid_t pid = fork();
	if (pid == 0) _exit(0);
	return pid < 0 ? -1 : 0;
}
static int do_ptrace(void) { return (int)ptrace(PTRACE_ATTACH, parent, NULL, NULL); }
static int do_inet(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int do_inet6(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }
static int do_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static int do_packet(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static int do_vsock(void) { return socket(AF_VSOCK, SOCK_STREAM, 0); }
/* the same family to the kernel, which reads 32 bits of it, and another to a filter that looks at 64 */
static int do_inet_in_disguise(void) { return (int)syscall(SYS_socket, UINT64_C(0x100000000) | AF_INET, SOCK_STREAM, 0); }
static int do_bind(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	return bind(0, (const struct sockaddr *)&address, sizeof address);
}
static int do_listen(void) { return listen(0, 1); }
static int do_vm_read(void) { return (int)process_vm_readv(parent, NULL, 0, NULL, 0, 0); }
static int do_vm_write(void) { return (int)process_vm_writev(parent, NULL, 0, NULL, 0, 0); }
static int do_pidfd(void) { return (int)syscall(SYS_pidfd_open, parent, 0); }
static int do_pidfd_signal(void) { return (int)syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0); }
static int do_kill(void) { return kill(parent, 0); }
static int do_kill_all(void) { return kill(-1, 0); }
static int do_tgkill(void) { return (int)syscall(SYS_tgkill, parent, parent, 0); }
static int do_queue(void) { return (int)syscall(SYS_rt_sigqueueinfo, parent, 0, NULL); }
static int do_mount(void) { return mount("none", "/mnt", "tmpfs", 0, NULL); }
static int do_unshare(void) { return unshare(CLONE_NEWUSER); }
static int do_namespace(void) { return (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL); }
static int do_setns(void) { return setns(0, 0); }
static int do_chroot(void) { return chroot("/"); }
static int do_setuid(void) { return (int)syscall(SYS_setresuid, 1, 1, 1); }
static int do_setgroups(void) { return (int)syscall(SYS_setgroups, 0, NULL); }
static int do_capset(void) { return (int)syscall(SYS_capset, NULL, NULL); }
static int do_bpf(void) { return (int)syscall(SYS_bpf, 0, NULL, 0); }
static int do_keyctl(void) { return (int)syscall(SYS_keyctl, 0, 0, 0, 0, 0); }
static int do_perf(void) { return (int)syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0); }
static int do_userfaultfd(void) { return (int)syscall(SYS_userfaultfd, 0); }
static int do_module(void) { return (int)syscall(SYS_init_module, NULL, 0, ""); }
static int do_kexec(void) { return (int)syscall(SYS_kexec_load, 0, 0, NULL, 0); }
static int do_reboot(void) { return (int)syscall(SYS_reboot, 0, 0, 0, NULL); }
static int do_io_uring(void) { return (int)syscall(SYS_io_uring_setup, 1, NULL); }
static int do_memfd(void) { return (int)syscall(SYS_memfd_create, "code", 0); }
static int do_memfd_secret(void) { return (int)syscall(SYS_memfd_secret, 0); }
static int do_personality(void) { return (int)syscall(SYS_personality, 0); }
static int do_pkey(void) { return (int)syscall(SYS_pkey_mprotect, NULL, 0, PROT_EXEC, 0); }
static int do_shm(void) { return shmget(IPC_PRIVATE, 4096, 0600); }
static int do_sem(void) { return semget(IPC_PRIVATE, 1, 0600); }
static int do_clock(void) { return (int)syscall(SYS_clock_settime, CLOCK_REALTIME, NULL); }
static int do_adjust(void) { return (int)syscall(SYS_adjtimex, NULL); }
static int do_filter(void) { return (int)syscall(SYS_seccomp, 1, 0, NULL); }
static int do_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static int do_tracer(void) { return prctl(PR_SET_PTRACER, -1, 0, 0, 0); }
static int do_death_signal(void) { return prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); }
static int do_limit(void) { return (int)syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL); }
static int do_terminal(void) { return ioctl(0, TIOCSTI, "x"); }
static int do_terminal_in_disguise(void) { return (int)syscall(SYS_ioctl, 0, UINT64_C(0xffffffff00000000) | TIOCSTI, "x"); }
static int do_console(void) { return ioctl(0, TIOCLINUX, "\2"); }
static int do_owner(void) { return fcntl(0, F_SETOWN, parent); }
static int do_lease(void) { return fcntl(0, F_SETLEASE, F_WRLCK); }
static int do_signal_handler(void) { return signal(SIGSYS, SIG_IGN) == SIG_ERR; }
static int do_mknod(void) { return mknod("/tmp/null", S_IFCHR, 0); }
static int do_chown(void) { return chown("/tmp", 0, 0); }
static int do_chmod(void) { return chmod("/tmp", 0777); }
static int do_setxattr(void) { return (int)syscall(SYS_setxattr, "/", "user.x", "", 0, 0); }
static int do_link(void) { return link("/etc/passwd", "/tmp/x"); }
static int do_inotify(void) { return (int)syscall(SYS_inotify_init1, 0); }
static int do_fanotify(void) { return (int)syscall(SYS_fanotify_init, 0, 0); }
static int do_handle(void) { return (int)syscall(SYS_open_by_handle_at, 0, NULL, 0); }
static int do_openat2(void) { return (int)syscall(SYS_openat2, 0, NULL, NULL, 0); }
static int do_priority(void) { return setpriority(PRIO_PROCESS, 0, 5); }
static int do_scheduler(void) { return (int)syscall(SYS_sched_setscheduler, 0, 0, NULL); }
static int do_quota(void) { return (int)syscall(SYS_quotactl, 0, NULL, 0, NULL); }
static int do_swap(void) { return (int)syscall(SYS_swapon, NULL, 0); }
static int do_session(void) { return (int)setsid(); }
static int do_unknown(void) { return (int)syscall(1999); }

static int (*const forbidden[])(void) = {
	do_inet, do_inet6, do_netlink, do_packet, do_vsock, do_inet_in_disguise, do_bind, do_listen, do_vm_write, do_pidfd, do_pidfd_signal,
	do_queue, do_mount, do_unshare, do_setns, do_chroot, do_setuid, do_setgroups, do_capset, do_bpf, do_keyctl, do_perf, do_userfaultfd,
	do_module, do_kexec, do_reboot, do_io_uring, do_memfd, do_memfd_secret, do_personality, do_pkey, do_shm, do_sem, do_clock, do_adjust,
	do_filter, do_owner, do_lease, do_mknod, do_chown, do_chmod, do_setxattr, do_link, do_inotify, do_fanotify, do_handle, do_openat2,
	do_priority, do_scheduler, do_quota, do_swap, do_session, do_unknown,
	do_exec,
};
static int (*const allowed_to_sanitizers[])(void) = {
	do_fork, do_namespace, do_ptrace, do_vm_read, do_kill, do_kill_all, do_tgkill, do_dumpable, do_tracer, do_death_signal, do_limit,
	do_terminal, do_terminal_in_disguise, do_console, do_signal_handler,
};

static void expect_all_killed(const struct ck_filter *filter, int (*const acts[])(void), size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int result = behind(filter, acts[i]);
		ck_assert_msg(result == KILLED, "%s: the forbidden call %zu (from 0) ended with %d", filter->process, i, result);
	}
}

START_TEST(what_is_not_listed_kills)
{
	expect_all_killed(strict[_i], forbidden, sizeof forbidden / sizeof *forbidden);
	if (SANITIZED) return;
	expect_all_killed(strict[_i], allowed_to_sanitizers, sizeof allowed_to_sanitizers / sizeof *allowed_to_sanitizers);
}
END_TEST

/* Other people's programs are told that there is no such call; these kill them, too. */
static int (*const hostile[])(void) = {
	do_vm_write, do_mount, do_unshare, do_setns, do_chroot, do_bpf, do_perf, do_userfaultfd, do_module, do_kexec, do_reboot, do_io_uring,
	do_personality, do_pkey, do_clock, do_adjust, do_mknod, do_fanotify, do_handle, do_quota, do_swap,
};
static int (*const absent[])(void) = {
	do_inet, do_netlink, do_inet_in_disguise, do_memfd_secret, do_pidfd, do_keyctl, do_shm, do_sem, do_inotify, do_openat2, do_scheduler, do_unknown,
};

static int (*asked)(void);
static int errno_of_asked(void) { return asked() == -1 ? errno : 0; }

START_TEST(hostile_calls_kill_other_programs_too)
{
	const struct ck_filter *const lenient[] = { &ck_filter_supervisor, &ck_filter_slapd };
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
			ck_assert_msg(behind(lenient[k], hostile[i]) == KILLED, "%s: the hostile call %zu (from 0) did not kill", lenient[k]->process, i);
		for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
			asked = absent[i];
			int result = behind(lenient[k], errno_of_asked);
			ck_assert_msg(result == ENOSYS, "%s: the absent call %zu (from 0) ended with %d", lenient[k]->process, i, result);
		}
	}
}
END_TEST

START_TEST(a_new_process_is_not_for_slapd)
{
	asked = do_fork;
	ck_assert_int_eq(behind(&ck_filter_supervisor, errno_of_asked), 0);
	if (SANITIZED) return;
	ck_assert_int_eq(behind(&ck_filter_slapd, errno_of_asked), ENOSYS);
	asked = do_namespace;
	ck_assert_int_eq(behind(&ck_filter_slapd, errno_of_asked), ENOSYS);
	ck_assert_int_eq(behind(&ck_filter_supervisor, errno_of_asked), ENOSYS);
}
END_TEST

/* ---- what only some may ---- */

static int do_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }
static int do_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/nowhere/at/all" };
	return connect(0, (const struct sockaddr *)&address, sizeof address) != 0 ? 0 : 1;
}
static int do_accept(void) { return accept4(-1, NULL, NULL, 0) == -1 && errno == EBADF ? 0 : 1; }
static int do_create(void) { return syscall(SYS_openat, -1, "x", O_WRONLY | O_CREAT, 0600) == -1 && errno == EBADF ? 0 : 1; }
static int do_truncate_open(void) { return syscall(SYS_openat, -1, "x", O_RDWR | O_TRUNC, 0) == -1 && errno == EBADF ? 0 : 1; }
static int do_temporary(void) { return syscall(SYS_openat, -1, "x", O_RDWR | O_TMPFILE, 0600) == -1 && errno == EBADF ? 0 : 1; }
static int do_unlink(void) { return unlink("/nowhere/at/all") == -1 ? 0 : 1; }
static int do_rename(void) { return rename("/nowhere/at/all", "/nowhere") == -1 ? 0 : 1; }
static int do_symlink(void) { return symlink("x", "/nowhere/at/all") == -1 ? 0 : 1; }
static int do_write_at(void) { return pwrite(-1, "x", 1, 0) == -1 && errno == EBADF ? 0 : 1; }
static int do_allocate(void) { return fallocate(-1, 0, 0, 1) == -1 && errno == EBADF ? 0 : 1; }
static int do_aio(void) { return syscall(SYS_io_destroy, 0) == -1 && errno == EINVAL ? 0 : 1; }
static int do_list(void) { return syscall(SYS_getdents64, -1, NULL, 0) == -1 && errno == EBADF ? 0 : 1; }
static int do_flock(void) { return syscall(SYS_flock, -1, 0) == -1 ? 0 : 1; }
static int do_record_lock(void)
{
	struct flock lock = { .l_type = F_RDLCK };
	return fcntl(-1, F_SETLK, &lock) == -1 && errno == EBADF ? 0 : 1;
}
static int do_hid(void)
{
	int size;
	return ioctl(-1, HIDIOCGRDESCSIZE, &size) == -1 && errno == EBADF ? 0 : 1;
}
static int do_ask_peer(void)
{
	struct ck_pidfd_info info = { 0 };
	return ioctl(-1, CK_PIDFD_GET_INFO, &info) == -1 && errno == EBADF ? 0 : 1;
}
static int do_open_process(void) { return syscall(SYS_pidfd_open, getpid(), 0) >= 0 ? 0 : 1; }
static int do_feature(void) { return ioctl(-1, HIDIOCSFEATURE(8), "12345678") == -1 && errno == EBADF ? 0 : 1; }
static int do_lock_memory(void) { return mlock(NULL, 0) == 0 ? 0 : 1; }
static int do_ask_memory(void)
{
	struct sysinfo info;
	return sysinfo(&info) == 0 ? 0 : 1;
}
static void *nothing(void *context) { return context; }
static int do_thread(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? 0 : 1;
}

static const struct {
	const char *what;
	int (*act)(void);
	int expected[STRICT];
} some[] = {
#define NO KILLED
	/*                                     gate replica ledger token */
	{ "make a unix socket", do_unix,             { NO, 0, NO, NO } },
	{ "connect", do_connect,                     { NO, 0, NO, NO } },
	{ "accept", do_accept,                       { 0, NO, NO, NO } },
	{ "remove a file", do_unlink,                { NO, 0, 0, NO } },
	{ "rename a file", do_rename,                { NO, 0, 0, NO } },
	{ "make a link", do_symlink,                 { NO, 0, NO, NO } },
	{ "write at an offset", do_write_at,         { NO, 0, 0, NO } },
	{ "reserve space", do_allocate,              { NO, NO, 0, NO } },
	{ "flush without waiting", do_aio,           { NO, NO, 0, NO } },
	{ "lock a whole file", do_flock,             { NO, NO, 0, 0 } },
	{ "lock a reader's place", do_record_lock,   { 0, 0, NO, NO } },
	{ "lock memory", do_lock_memory,             { NO, 0, NO, 0 } },
	{ "ask how much memory there is", do_ask_memory, { NO, NO, NO, NO } }, /* as the libc's sorting does: see people_pending.c */
	{ "ask who a peer is", do_ask_peer,          { 0, NO, NO, NO } },
	{ "open a process", do_open_process,         { NO, NO, NO, NO } },
	{ "describe a HID device", do_hid,           { NO, NO, NO, 0 } },
	{ "change a HID device", do_feature,         { NO, NO, NO, NO } },
	{ "make a file", do_create,                  { NO, 0, 0, 0 } }, /* what of it the helper may is Landlock's part */
	{ "truncate a file", do_truncate_open,       { NO, 0, 0, 0 } },
	{ "make a nameless file", do_temporary,      { NO, 0, 0, 0 } },
	{ "list a folder", do_list,                  { NO, 0, 0, 0 } },
	{ "start a thread", do_thread,               { NO, NO, NO, 0 } },
#undef NO
};

START_TEST(each_may_what_it_needs_and_no_more)
{
	for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
		if (SANITIZED && some[i].expected[_i] != 0) continue;
		int result = behind(strict[_i], some[i].act);
		ck_assert_msg(result == some[i].expected[_i], "%s: %s: ended with %d, expected %d", strict[_i]->process, some[i].what, result,
		              some[i].expected[_i]);
	}
}
END_TEST

/* ---- a directory elsewhere ---- */

static int errno_of_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }

START_TEST(the_dialler_alone_makes_internet_sockets)
{
	asked = do_inet;
	ck_assert_int_eq(behind(&ck_filter_dialler, errno_of_asked), 0);
	ck_assert_int_eq(behind(&ck_filter_dialler, errno_of_unix), EACCES);
	ck_assert_int_eq(behind(&ck_filter_replica_elsewhere, errno_of_asked), EACCES);
	ck_assert_int_eq(behind(&ck_filter_replica_elsewhere, errno_of_unix), 0);
	ck_assert_int_eq(behind(&ck_filter_dialler, do_packet), KILLED);
	ck_assert_int_eq(behind(&ck_filter_dialler, do_listen), KILLED);
	ck_assert_int_eq(behind(&ck_filter_dialler, do_exec), KILLED);
	ck_assert_int_eq(behind(&ck_filter_replica_elsewhere, do_bind), KILLED);
	ck_assert_int_eq(behind(&ck_filter_replica_elsewhere, do_exec), KILLED);
	ck_assert_int_eq(behind(&ck_filter_replica_elsewhere, do_lock_memory), 0); /* for passwords, which are checked there, too */
}
END_TEST

/* ---- what all may ---- */

static int map_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) return 1;
	if (mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0 || errno != EACCES) return 2;
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EACCES) return 3;
	return mprotect(at, 4096, PROT_READ) == 0 ? 0 : 4;
}

static int work(void)
{
	char *big = malloc(1 << 22), *bigger = big == NULL ? NULL : realloc(big, 1 << 24);
	int pipes[2], loop = epoll_create1(EPOLL_CLOEXEC);
	char byte = 'x';
	uint64_t random = 0;
	if (bigger == NULL || loop < 0 || pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0) return 1;
	memset(bigger, 1, 1 << 24);
	struct epoll_event event = { .events = EPOLLIN };
	if (epoll_ctl(loop, EPOLL_CTL_ADD, pipes[0], &event) != 0 || write(pipes[1], &byte, 1) != 1) return 2;
	if (epoll_wait(loop, &event, 1, 1000) != 1 || read(pipes[0], &byte, 1) != 1) return 3;
	if (syscall(SYS_getrandom, &random, sizeof random, 0) != sizeof random) return 4;
	struct timespec now;
	if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) != 0) return 5;
	if (fcntl(pipes[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(pipes[0], F_SETFL, O_NONBLOCK) != 0) return 6;
	free(bigger);
	return 0;
}

static int end_badly(void) { abort(); }
static int lose_a_map(void)
{
	(void)raise(SIGBUS);
	return 0;
}

START_TEST(the_common_work_goes_on)
{
	ck_assert_int_eq(behind(strict[_i], work), 0);
	ck_assert_int_eq(behind(strict[_i], map_code), 0);
	if (SANITIZED) return;
	ck_assert_int_eq(behind(strict[_i], end_badly), -SIGABRT);
	ck_assert_int_eq(behind(strict[_i], lose_a_map), -SIGBUS);
}
END_TEST

#if defined(__x86_64__)
static int x32(void) { return (int)syscall(0x40000000 | SYS_getpid); }
static int i386(void)
{
	int result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory"); /* getpid there, writev here */
	return result;
}

START_TEST(no_other_door_of_the_kernel)
{
	for (int i = 0; i < ALL; i++) {
		ck_assert_int_eq(behind(all[i], x32), KILLED);
		ck_assert_int_eq(behind(all[i], i386), KILLED);
	}
}
END_TEST
#endif

/* ---- the tables ---- */

static bool is_known(const char *name)
{
	return seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name) >= 0 || seccomp_syscall_resolve_name_arch(SCMP_ARCH_AARCH64, name) >= 0;
}

START_TEST(every_name_is_a_system_call)
{
	for (size_t i = 0; i < CK_GROUPS_LIMIT && all[_i]->groups[i] != NULL; i++)
		for (const struct ck_call *call = all[_i]->groups[i]; call->name != NULL; call++)
			ck_assert_msg(is_known(call->name), "%s: no architecture has \"%s\"", all[_i]->process, call->name);
	for (const char *const *name = all[_i]->deadly; name != NULL && *name != NULL; name++)
		ck_assert_msg(is_known(*name), "%s: no architecture has \"%s\"", all[_i]->process, *name);
}
END_TEST

START_TEST(every_table_can_be_made_for_both_architectures)
{
	static const uint32_t architectures[] = { SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64 };
	struct ck_errmsg err = { "" };
	for (size_t i = 0; i < 2; i++) {
		int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		uint32_t architecture = architectures[i] == seccomp_arch_native() ? 0 : architectures[i];
		ck_assert_msg(ck_filter_export(all[_i], architecture, fd, &err) == CK_OK, "%s", err.text);
		close(fd);
	}
	struct sock_fprog program;
	ck_assert_int_eq(ck_filter_compile(all[_i], &program, &err), CK_OK);
	ck_assert_uint_gt(program.len, 50);
	ck_filter_free(&program);
	ck_assert_ptr_null(program.filter);
}
END_TEST

/* ---- what is said ---- */

static pid_t die_of(const struct ck_filter *filter, int (*act)(void), int said)
{
	pid_t pid = fork();
	if (pid != 0) return pid;
	struct ck_errmsg err;
	ck_log_init("test", CK_LOG_INFO);
	if (dup2(said, STDERR_FILENO) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ck_filter_install(filter, NULL, &err) != CK_OK) _exit(120);
	_exit(act());
}

START_TEST(a_refused_call_is_named)
{
	char said[512] = "", expected[128];
	int pipes[2];
	struct ck_death death;
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	pid_t pid = die_of(&ck_filter_gate, do_netlink, pipes[1]);
	close(pipes[1]);
	ck_assert_int_gt((int)read(pipes[0], said, sizeof said - 1), 0);
	close(pipes[0]);
	(void)snprintf(expected, sizeof expected, "ALARM test[%d]: the sandbox refused system call %d (0x10, 0x3, 0): this process ends\n", (int)pid, (int)SYS_socket);
	ck_assert_str_eq(said, expected);
	while (!ck_death_next(&death)) usleep(1000);
	ck_assert_int_eq(death.pid, pid);
	ck_assert(death.refused);
	(void)snprintf(expected, sizeof expected, "was killed by its sandbox: system call %d (socket)", (int)SYS_socket);
	ck_assert_str_eq(death.how, expected);
	ck_assert(!ck_death_next(&death));
}
END_TEST

static int kill_myself(void) { return (int)syscall(SYS_tgkill, getpid(), getpid(), SIGSYS); }

/* A process may say of itself what it likes; nothing but a number is taken from it. */
static int lie(void)
{
	(void)prctl(PR_SET_NAME, "syscall 1\nx");
	(void)kill_myself();
	return 0;
}

START_TEST(what_is_no_number_is_not_repeated)
{
	struct ck_death death;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	static int (*const acts[])(void) = { kill_myself, lie };
	for (size_t i = 0; i < 2; i++) {
		(void)die_of(&ck_filter_gate, acts[i], null);
		while (!ck_death_next(&death)) usleep(1000);
		ck_assert_str_eq(death.how, "was killed by its sandbox: a system call");
	}
	close(null);
}
END_TEST

START_TEST(other_ends_are_said_in_words)
{
	struct ck_death death;
	static const struct {
		int code, signal;
		const char *how;
	} ends[] = { { 0, 0, "ended" }, { 3, 0, "ended with code 3" }, { 0, SIGKILL, "died of signal 9" } };
	for (size_t i = 0; i < 3; i++) {
		if (fork() == 0) {
			if (ends[i].signal != 0) (void)raise(ends[i].signal);
			_exit(ends[i].code);
		}
		while (!ck_death_next(&death)) usleep(1000);
		ck_assert_str_eq(death.how, ends[i].how);
		ck_assert(!death.refused);
	}
}
END_TEST

int main(void)
{
	parent = getpid();
	Suite *suite = suite_create("sandbox filters");
	TCase *cases = tcase_create("filters");
	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, every_name_is_a_system_call, 0, ALL);
	tcase_add_loop_test(cases, every_table_can_be_made_for_both_architectures, 0, ALL);
	tcase_add_loop_test(cases, what_is_not_listed_kills, 0, STRICT);
	tcase_add_loop_test(cases, each_may_what_it_needs_and_no_more, 0, STRICT);
	tcase_add_test(cases, the_dialler_alone_makes_internet_sockets);
	tcase_add_loop_test(cases, the_common_work_goes_on, 0, STRICT);
	tcase_add_test(cases, hostile_calls_kill_other_programs_too);
	tcase_add_test(cases, a_new_process_is_not_for_slapd);
#if defined(__x86_64__)
	tcase_add_test(cases, no_other_door_of_the_kernel);
#endif
	tcase_add_test(cases, a_refused_call_is_named);
	tcase_add_test(cases, what_is_no_number_is_not_repeated);
	tcase_add_test(cases, other_ends_are_said_in_words);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
