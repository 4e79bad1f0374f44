/* How a child gives up what it does not need, in the one order that works: paths are opened while root can, identity goes before
   no_new_privs and the death signal (changing identity clears that), the filter comes last. Trusts the configuration, which is root's. */
#include "authd/process.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/confine.h"
#include "directory/base/log.h"

#define DESCRIPTORS_LIMIT 16384 /* the most clients a gate may be configured to keep, and some */

static enum ck_error limit_resources(struct ck_errmsg *err)
{
	struct rlimit none = { 0, 0 };
	struct rlimit files;
	if (setrlimit(RLIMIT_CORE, &none) != 0) return ck_fail(err, CK_ERR_IO, "core dumps cannot be turned off: %s", strerror(errno));
	if (getrlimit(RLIMIT_NOFILE, &files) != 0) return ck_fail(err, CK_ERR_IO, "RLIMIT_NOFILE cannot be read: %s", strerror(errno));
	if (files.rlim_max == RLIM_INFINITY || files.rlim_max > DESCRIPTORS_LIMIT) files.rlim_max = DESCRIPTORS_LIMIT;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0) return ck_fail(err, CK_ERR_IO, "RLIMIT_NOFILE cannot be set: %s", strerror(errno));
	return CK_OK;
}

/* A user of its own for good: there is no way back to 0, and that is tried out. */
static enum ck_error drop_identity(const char *user, struct ck_errmsg *err)
{
	uid_t uid;
	gid_t gid;
	enum ck_error error = ck_config_user(user, &uid, &gid, err);
	if (error != CK_OK) return error;
	if (uid == 0 || gid == 0)
		return ck_fail(err, CK_ERR_DENIED, "user %s is root: each process needs an unprivileged user of its own", user);
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return ck_fail(err, CK_ERR_IO, "cannot become user %s: %s; crosskeysd must be started by root", user, strerror(errno));
	if (setresuid(0, 0, 0) == 0 || getgroups(0, NULL) != 0 || geteuid() != uid || getegid() != gid)
		return ck_fail(err, CK_ERR_INTERNAL, "became user %s only in part", user);
	return CK_OK;
}

/* Dies with the supervisor. One that died before the signal was asked for has closed its end of the control channel. */
static enum ck_error bind_to_parent(struct ck_errmsg *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return ck_fail(err, CK_ERR_IO, "PR_SET_PDEATHSIG: %s", strerror(errno));
	struct stat st;
	if (fstat(CK_CONTROL_FD, &st) != 0 || !S_ISSOCK(st.st_mode)) return CK_OK;
	struct pollfd control = { .fd = CK_CONTROL_FD };
	if (poll(&control, 1, 0) > 0 && (control.revents & (POLLHUP | POLLERR)) != 0)
		return ck_fail(err, CK_ERR_CANCELLED, "the supervisor is gone");
	return CK_OK;
}

enum ck_error ck_process_confine(const struct ck_confinement *confinement, struct ck_errmsg *err)
{
	int ruleset = -1;
	enum ck_error error = ck_landlock_prepare(confinement->reach, confinement->reach_count, &ruleset, err);
	if (error == CK_OK) error = limit_resources(err);
	if (error == CK_OK) error = drop_identity(confinement->user, err);
	if (error == CK_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		error = ck_fail(err, CK_ERR_IO, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
#ifndef CK_SANITIZED /* the leak check looks at its own process as a debugger does */
	if (error == CK_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		error = ck_fail(err, CK_ERR_IO, "PR_SET_DUMPABLE: %s", strerror(errno));
#endif
	if (error == CK_OK) error = bind_to_parent(err);
	if (error == CK_OK) error = ck_landlock_apply(&ruleset, err);
	if (error == CK_OK) error = ck_seccomp_install(confinement->network, err);
	if (ruleset >= 0) close(ruleset);
	return error;
}
