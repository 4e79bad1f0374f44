/* The walls around a process: what it may ask of the kernel (a table of system calls each, seccomp), what it may reach in the file system
   (Landlock), who it is (user, groups, capabilities, limits). They hold from here on, for threads and programs that it starts, too. */
#ifndef CK_AUTHD_SANDBOX_H
#define CK_AUTHD_SANDBOX_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "directory/base/error.h"

/* ---- filter.c: system calls ---- */
struct ck_filter; /* filter.h */
/* One of each process; what is in none of its groups kills it. The two of other people's programs answer ENOSYS instead. */
extern const struct ck_filter ck_filter_gate, ck_filter_replica, ck_filter_replica_elsewhere, ck_filter_dialler, ck_filter_ledger, ck_filter_token, ck_filter_supervisor, ck_filter_slapd;

/* Installs it, with the handler that names a refused call in the log before the process dies of it. `more` (NULL: nothing) is added: what a
   test's twin of a process needs beyond the real one, or a supervisor for a dialler. Needs no_new_privs. */
CK_MUST_USE enum ck_error ck_filter_install(const struct ck_filter *filter, const struct ck_filter *more, struct ck_errmsg *err);
/* For a program that knows nothing of us: made now, loaded between fork and exec. */
CK_MUST_USE enum ck_error ck_filter_compile(const struct ck_filter *filter, struct sock_fprog *out, struct ck_errmsg *err);
CK_MUST_USE bool ck_filter_load(const struct sock_fprog *program); /* async-signal-safe; errno */
void ck_filter_free(struct sock_fprog *program);

/* ---- refused.c: which call it was ---- */
CK_MUST_USE bool ck_refused_announce(void); /* the handler; ck_filter_install does it */
/* "system call 41 (socket)" of a process that died of SIGSYS and was not reaped yet; "a system call" when nobody knows. */
const char *ck_refused_describe(pid_t pid, char *out, size_t size);

/* ---- landlock.c: files, TCP, signals ---- */
enum ck_reach_kind {
	CK_REACH_READ = 0,
	CK_REACH_WRITE, /* read, write, and make, rename, remove below it */
	CK_REACH_USE,   /* read, and write what is there */
	CK_REACH_SOCKETS, /* as WRITE, and bind unix sockets there */
	CK_REACH_EXECUTE, /* read and execute */
	CK_REACH_DEVICE,  /* read, write, ioctl */
	CK_REACH_CONNECT, /* no path: TCP to that port, of any machine */
	CK_REACH_KINDS,
	CK_REACH_OPTIONAL = 16 /* or-ed to any: it may be missing */
};
struct ck_reach {
	const char *path; /* itself, and what lies below a directory */
	unsigned kind;
};
#define CK_REACH_PORT(port) (CK_REACH_CONNECT | (unsigned)(port) << 16) /* the kind of a port, which has no path */
long ck_landlock_abi(void); /* of this kernel; 0: none */
/* Says once what this kernel cannot guard. The supervisor does. */
void ck_landlock_warn(void);
/* Builds the ruleset, while the paths can still be opened. *out_fd is -1 on a kernel without Landlock. */
CK_MUST_USE enum ck_error ck_landlock_prepare(const struct ck_reach *reach, size_t count, int *out_fd, struct ck_errmsg *err);
/* The same as an older kernel would; for tests. */
CK_MUST_USE enum ck_error ck_landlock_prepare_for(long abi, const struct ck_reach *reach, size_t count, int *out_fd, struct ck_errmsg *err);
/* Applies and closes it; needs no_new_privs. -1 does nothing. Async-signal-safe; errno. */
CK_MUST_USE bool ck_landlock_apply(int *ruleset_fd);

/* ---- privilege.c: who it is ---- */
struct ck_identity {
	uid_t uid;
	gid_t gid, group;
	bool with_group; /* `group` is its one supplementary group; else it has none */
};
/* Each is async-signal-safe and returns NULL, or what failed (errno says why). */
/* For good: user and groups, no capability in any of the five sets, no way to get one. Tried out before it returns. */
CK_MUST_USE const char *ck_privilege_drop(const struct ck_identity *identity);
/* Stays root, with these capabilities (bits of linux/capability.h) and no other, its children included. */
CK_MUST_USE const char *ck_privilege_keep(uint64_t capabilities);
/* No core dumps, no locked memory, no processes, as many descriptors (0: what it has, up to most). */
CK_MUST_USE const char *ck_privilege_limit(unsigned descriptors);

#endif
