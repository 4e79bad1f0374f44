/* Groups of system calls that several processes need, each with its reason. A call is in a group because one of ours, or a library under
   it, was seen to make it (tests/sandbox-calls looks), or because it is the same call in another libc or on another architecture. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "authd/sandbox/filter.h"

/* To end, well or badly: abort(), a failed assertion, SIGBUS from a map that lost its file, the refused call's own handler. A handler for
   SIGSYS is not to be had: it would survive what it was refused. */
const struct ck_call ck_calls_life[] = {
	CK_CALL(exit), CK_CALL(exit_group), CK_CALL(restart_syscall), CK_CALL(rt_sigreturn), CK_CALL(rt_sigprocmask),
	CK_CALL_WHEN(rt_sigaction, CK_IS(0, SIGABRT)), CK_CALL_WHEN(rt_sigaction, CK_IS(0, SIGBUS)),
	CK_CALL_WHEN(rt_sigaction, CK_IS(0, SIGSEGV)), CK_CALL_WHEN(rt_sigaction, CK_IS(0, SIGPIPE)),
	CK_CALL_WHEN(tgkill, CK_IS_SELF(0)), CK_CALL_WHEN(prctl, CK_IS(0, PR_SET_NAME)),
	CK_CALL(getpid), CK_CALL(gettid), CK_CALL(getuid), CK_CALL(geteuid), CK_CALL(getgid), CK_CALL(getegid),
	CK_CALLS_END
};

/* malloc, and maps of files. Nothing that was data becomes code: a library that would be loaded later is refused, not deadly, since what
   loads it has a way to go on without (name services, OpenSSL's configured providers). */
const struct ck_call ck_calls_memory[] = {
	CK_CALL_WHEN(mmap, CK_WITHOUT(2, PROT_EXEC)), CK_CALL_ANSWER(mmap, EACCES, CK_WITH(2, PROT_EXEC)),
	CK_CALL_WHEN(mprotect, CK_WITHOUT(2, PROT_EXEC)), CK_CALL_ANSWER(mprotect, EACCES, CK_WITH(2, PROT_EXEC)),
	CK_CALL(brk), CK_CALL(munmap), CK_CALL(mremap), CK_CALL(madvise), CK_CALL(futex), CK_CALL(getrandom),
	CK_CALLS_END
};

/* The vDSO answers these, except on machines whose clock it cannot read. */
const struct ck_call ck_calls_clock[] = {
	CK_CALL(clock_gettime), CK_CALL(clock_getres), CK_CALL(gettimeofday), CK_CALL(time),
	CK_CALLS_END
};

/* The event loop, and sockets that were given to us: no address is named, no socket made. */
const struct ck_call ck_calls_channels[] = {
	CK_CALL(epoll_wait), CK_CALL(epoll_pwait), CK_CALL(epoll_pwait2), CK_CALL(epoll_ctl), CK_CALL(epoll_create), CK_CALL(epoll_create1),
	CK_CALL(pipe2), CK_CALL(eventfd2), /* libevent wakes itself, the kernel a flusher */
	CK_CALL(recvmsg), CK_CALL(sendmsg), CK_CALL_WHEN(recvfrom, CK_IS_NULL(4)), CK_CALL_WHEN(sendto, CK_IS_NULL(4)),
	CK_CALL(read), CK_CALL(write), CK_CALL(readv), CK_CALL(writev), CK_CALL(close), CK_CALL(shutdown),
	CK_CALL_WHEN(getsockopt, CK_IS(1, SOL_SOCKET)),
	CK_CALL_WHEN(fcntl, CK_IS(1, F_GETFD)), CK_CALL_WHEN(fcntl, CK_IS(1, F_SETFD)),
	CK_CALL_WHEN(fcntl, CK_IS(1, F_GETFL)), CK_CALL_WHEN(fcntl, CK_IS(1, F_SETFL)),
	CK_CALLS_END
};

/* LMDB: which file is current, its data and its lock file, a reader's place in it. */
const struct ck_call ck_calls_store[] = {
	CK_CALL(newfstatat), CK_CALL(fstat), CK_CALL(stat), CK_CALL(lstat), CK_CALL(statx), CK_CALL(fstatfs), CK_CALL(lseek),
	CK_CALL(pread64), CK_CALL(readlink), CK_CALL(readlinkat), CK_CALL(uname), CK_CALL_WHEN(fcntl, CK_IS(1, F_GETLK)),
	CK_CALL_WHEN(fcntl, CK_IS(1, F_SETLK)), CK_CALL_WHEN(fcntl, CK_IS(1, F_SETLKW)),
	CK_CALLS_END
};

/* Files of its own: made, written, flushed, exchanged, removed, listed. */
const struct ck_call ck_calls_files[] = {
	CK_CALL(openat), CK_CALL(open), CK_CALL(getdents64), CK_CALL(access), CK_CALL(faccessat), CK_CALL(faccessat2),
	CK_CALL(pwrite64), CK_CALL(pwritev), CK_CALL(fsync), CK_CALL(fdatasync), CK_CALL(ftruncate), CK_CALL(rename),
	CK_CALL(renameat), CK_CALL(renameat2), CK_CALL(unlink), CK_CALL(unlinkat),
	CK_CALLS_END
};

/* Threads, and those only. clone3 hides its flags in memory, where no filter looks: without it libc uses clone. */
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)
const struct ck_call ck_calls_threads[] = {
	CK_CALL_WHEN(clone, { .compare = CK_BITS, .mask = CLONE_THREAD | CLONE_VM | NAMESPACES, .value = CLONE_THREAD | CLONE_VM }),
	CK_CALL_ANSWER(clone3, ENOSYS, CK_NOTHING),
	CK_CALL(set_robust_list), CK_CALL(rseq), CK_CALL(sched_getaffinity), CK_CALL(sched_yield),
	/* libc's own signals, for cancelling a thread and for setuid in all of them */
	CK_CALL_WHEN(rt_sigaction, CK_IS(0, 32)), CK_CALL_WHEN(rt_sigaction, CK_IS(0, 33)),
	CK_CALLS_END
};

/* What ASan, LeakSanitizer and UBSan do behind a program: a tracer of its own at the end, maps of itself, their own signal stacks. In the
   build that is shipped this group is empty. */
const struct ck_call ck_calls_sanitizer[] = {
#ifdef CK_SANITIZED
	CK_CALL(clone), CK_CALL(clone3), CK_CALL(ptrace), CK_CALL(wait4), CK_CALL(waitid), CK_CALL(kill), CK_CALL(tgkill),
	CK_CALL(prctl), CK_CALL(sigaltstack), CK_CALL(rt_sigaction), CK_CALL(sched_yield), CK_CALL(sched_getaffinity),
	CK_CALL(process_vm_readv), CK_CALL(getppid), CK_CALL(openat), CK_CALL(open), CK_CALL(getdents64), CK_CALL(newfstatat),
	CK_CALL(readlink), CK_CALL(readlinkat), CK_CALL(pipe2), CK_CALL(dup), CK_CALL(dup2), CK_CALL(prlimit64), CK_CALL(setrlimit),
	CK_CALL(set_robust_list), CK_CALL(rseq), CK_CALL(sysinfo), CK_CALL(poll), CK_CALL(ioctl), CK_CALL(lseek),
#endif
	CK_CALLS_END
};

/* What nothing here ever has a reason to ask, by kind. Only for the two tables that answer instead of killing: there they kill. */
const char *const ck_calls_hostile[] = {
	/* other processes */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "perf_event_open", "userfaultfd",
	/* what would go round the filter */
	"io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "personality", "modify_ldt",
	/* the file tree */
	"chroot", "pivot_root", "mount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"unshare", "setns", "open_by_handle_at", "mknod", "mknodat", "fanotify_init",
	/* the kernel's modules, its state */
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"syslog", "acct", "swapon", "swapoff", "quotactl", "quotactl_fd", "sethostname", "setdomainname", "settimeofday", "clock_settime",
	"adjtimex", "clock_adjtime", "iopl", "ioperm", "vhangup", "lookup_dcookie", "nfsservctl", "uselib", "pkey_mprotect",
	NULL,
};
