/* The two walls around a child: what it may open (Landlock) and what it may ask of the kernel (seccomp). Used by process.c only. */
#ifndef CK_AUTHD_CONFINE_H
#define CK_AUTHD_CONFINE_H

#include "authd/process.h"

/* Builds the Landlock ruleset, while the paths can still be opened. *out_fd is -1 on a kernel without Landlock, which is logged. */
CK_MUST_USE enum ck_error ck_landlock_prepare(const struct ck_reach *reach, size_t count, int *out_fd, struct ck_errmsg *err);
/* Applies and closes it; needs no_new_privs. -1 does nothing. */
CK_MUST_USE enum ck_error ck_landlock_apply(int *ruleset_fd, struct ck_errmsg *err);
/* Installs the filter; from here on a forbidden call kills the process. */
CK_MUST_USE enum ck_error ck_seccomp_install(bool network, struct ck_errmsg *err);

#endif
