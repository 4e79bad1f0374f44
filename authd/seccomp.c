/* The system call filter of every child. A call in the table kills the process: nothing here has a reason to make it, so one that does is
   taken. Sanitizer builds differ in one place, runtime_only. */
#include "authd/confine.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* New processes and debugging: the sanitizers' leak check and symbolizer need them, production never does. */
static const char *const runtime_only[] = {
	"execve", "execveat", "fork", "vfork", "clone", "clone3", "ptrace",
};

static const char *const forbidden[] = {
	/* other processes */
	"process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "perf_event_open", "userfaultfd",
	/* what would go round this filter */
	"io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "seccomp", "personality", "modify_ldt",
	/* identity */
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset",
	/* the file tree */
	"chroot", "pivot_root", "mount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"unshare", "setns", "open_by_handle_at", "name_to_handle_at", "mknod", "mknodat", "fanotify_init",
	/* keys of the kernel, its modules, its state */
	"keyctl", "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"syslog", "acct", "swapon", "swapoff", "quotactl", "sethostname", "setdomainname", "settimeofday", "clock_settime", "adjtimex",
	"clock_adjtime", "iopl", "ioperm", "vhangup", "lookup_dcookie", "nfsservctl", "uselib",
};

static int forbid_all(scmp_filter_ctx filter, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		if (number == __NR_SCMP_ERROR) continue; /* not a call of this architecture */
		int result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, number, 0);
		if (result != 0) return result;
	}
	return 0;
}

/* Unix sockets only, and those only where they are needed. glibc itself tries nscd's socket in a look-up: that is refused, not killed. */
static int limit_sockets(scmp_filter_ctx filter, bool network)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
	if (result == 0 && !network)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	return result;
}

/* Typing into somebody's terminal. */
static int limit_terminals(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));
	if (result != 0) return result;
	return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCLINUX));
}

enum ck_error ck_seccomp_install(bool network, struct ck_errmsg *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for the system call filter");
	int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (result == 0) result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0) result = forbid_all(filter, forbidden, sizeof forbidden / sizeof *forbidden);
#ifndef CK_SANITIZED
	if (result == 0) result = forbid_all(filter, runtime_only, sizeof runtime_only / sizeof *runtime_only);
#else
	(void)runtime_only;
#endif
	if (result == 0) result = limit_sockets(filter, network);
	if (result == 0) result = limit_terminals(filter);
	if (result == 0) result = seccomp_load(filter);
	seccomp_release(filter);
	return result == 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "the system call filter was not installed: %s", strerror(-result));
}
