/* What the embedded slapd may ask of the kernel. It is not our program: another release of it, of libc or of a module may need a call that
   nobody has seen yet, and must then go on without, not fall. So what is not listed answers ENOSYS; what is hostile kills. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "authd/sandbox/filter.h"

/* Being started: the dynamic loader maps code, here and for each module that is configured. */
static const struct ck_call loading[] = {
	CK_CALL(execve), CK_CALL(arch_prctl), CK_CALL(set_tid_address), CK_CALL(mmap), CK_CALL(mprotect), CK_CALL(access),
	CK_CALL(faccessat), CK_CALL(faccessat2), CK_CALL(getppid), CK_CALL(sigaltstack), CK_CALL(prlimit64), CK_CALL(getrlimit),
	CK_CALL(setrlimit), CK_CALL(sysinfo), CK_CALL(umask), CK_CALL(getcwd), CK_CALL(chdir), CK_CALL(rt_sigaction),
	CK_CALL(rt_sigsuspend), CK_CALL(rt_sigtimedwait), CK_CALL(prctl), CK_CALL(tgkill), CK_CALL(kill),
	CK_CALL(getrusage), CK_CALL(times), CK_CALL(getpgrp), CK_CALL(getgroups), CK_CALL(getresuid), CK_CALL(getresgid),
	CK_CALLS_END
};

/* Its sockets: unix ones. libwrap and name services look for others, and are told that there are none. */
static const struct ck_call serving[] = {
	CK_CALL_WHEN(socket, CK_IS(0, AF_UNIX)), CK_CALL_WHEN(socketpair, CK_IS(0, AF_UNIX)), CK_CALL(bind), CK_CALL(listen),
	CK_CALL(accept), CK_CALL(accept4), CK_CALL(connect), CK_CALL(getsockname), CK_CALL(getpeername), CK_CALL(getsockopt),
	CK_CALL(setsockopt), CK_CALL(sendto), CK_CALL(recvfrom), CK_CALL(sendmmsg), CK_CALL(poll), CK_CALL(ppoll), CK_CALL(select),
	CK_CALL(pselect6), CK_CALL(nanosleep), CK_CALL(clock_nanosleep), CK_CALL(pipe), CK_CALL(dup), CK_CALL(dup2), CK_CALL(dup3),
	CK_CALL(fcntl), CK_CALL_WHEN(ioctl, CK_IS(1, TCGETS)), CK_CALL_WHEN(ioctl, CK_IS(1, FIONREAD)), CK_CALL_WHEN(ioctl, CK_IS(1, FIONBIO)),
	CK_CALLS_END
};

/* Its database and its configuration, which it rewrites itself. */
static const struct ck_call database[] = {
	CK_CALL(pread64), CK_CALL(preadv), CK_CALL(msync), CK_CALL(mlock), CK_CALL(munlock), CK_CALL(mkdir), CK_CALL(mkdirat),
	CK_CALL(rmdir), CK_CALL(link), CK_CALL(symlink), CK_CALL(chmod), CK_CALL(fchmod), CK_CALL(fchmodat), CK_CALL(fallocate),
	CK_CALL(fadvise64), CK_CALL(flock), CK_CALL(statfs), CK_CALL(getdents), CK_CALL(sync_file_range), CK_CALL(copy_file_range),
	CK_CALL(utimensat),
	CK_CALLS_END
};

const struct ck_filter ck_filter_slapd = {
	.process = "slapd",
	.groups = { loading, serving, database, ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_store, ck_calls_files,
	            ck_calls_threads, ck_calls_sanitizer },
	.otherwise = ENOSYS,
	.deadly = ck_calls_hostile,
	.foreign = true,
};
