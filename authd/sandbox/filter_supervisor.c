/* What the supervisor may ask of the kernel once it starts others. They inherit this filter and add their own, so it holds every table, and
   what a program does before it has confined itself: being loaded, reading its configuration, looking up its user through whatever name
   service this machine has. What is not listed answers ENOSYS, as an older kernel would; what is hostile kills, in every process. */
#include <errno.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include "authd/sandbox/filter.h"

/* fork, exec, wait, stop. */
static const struct ck_call children[] = {
	CK_CALL_WHEN(clone, CK_WITHOUT(0, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)),
	CK_CALL(fork), CK_CALL(vfork), CK_CALL(execve), CK_CALL(wait4), CK_CALL(waitid), CK_CALL(kill), CK_CALL(setsid), CK_CALL(dup),
	CK_CALL(dup2), CK_CALL(dup3), CK_CALL(close_range), CK_CALL(getppid), CK_CALL(pause), CK_CALL(rt_sigsuspend),
	CK_CALL(rt_sigpending), CK_CALL_WHEN(socketpair, CK_IS(0, AF_UNIX)), CK_CALL(fcntl),
	CK_CALLS_END
};

/* A child confines itself, on top of this. */
static const struct ck_call confining[] = {
	CK_CALL(setgroups), CK_CALL(getgroups), CK_CALL(setresuid), CK_CALL(setresgid), CK_CALL(getresuid), CK_CALL(getresgid),
	CK_CALL(capget), CK_CALL(capset), CK_CALL(prctl), CK_CALL(seccomp), CK_CALL(landlock_create_ruleset),
	CK_CALL(landlock_add_rule), CK_CALL(landlock_restrict_self), CK_CALL(prlimit64), CK_CALL(getrlimit), CK_CALL(setrlimit),
	CK_CALL(memfd_create), CK_CALL(mlock), CK_CALL(munlock), /* libseccomp hands a filter out by a descriptor */
	CK_CALLS_END
};

/* The lock, the listening socket, the log of slapd, the ledger's folder at its first start. */
static const struct ck_call places[] = {
	CK_CALL(mkdir), CK_CALL(mkdirat), CK_CALL(chmod), CK_CALL(fchmod), CK_CALL(fchmodat), CK_CALL(chown), CK_CALL(lchown),
	CK_CALL(fchown), CK_CALL(fchownat), CK_CALL(bind), CK_CALL(listen),
	CK_CALL(alarm), CK_CALL(setitimer), CK_CALL(signalfd4), CK_CALL(timerfd_create), CK_CALL(timerfd_settime),
	CK_CALLS_END
};

const struct ck_filter ck_filter_supervisor = {
	.process = "supervisor",
	.groups = { children, confining, places },
	.includes = { &ck_filter_gate, &ck_filter_replica, &ck_filter_ledger, &ck_filter_token, &ck_filter_slapd },
	.otherwise = ENOSYS,
	.deadly = ck_calls_hostile,
};
