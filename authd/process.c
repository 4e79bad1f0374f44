/* How a child gives up what it does not need, in the one order that works: paths are opened while root can, identity goes before
   no_new_privs and the death signal (changing identity clears that), the filter comes last. Trusts the configuration, which is root's. */
#include "authd/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>


static enum ck_error drop_identity(const char *user, struct ck_errmsg *err)
{
	struct ck_identity identity = { 0 };
	enum ck_error error = ck_config_user(user, &identity.uid, &identity.gid, err);
	if (error != CK_OK) return error;
	if (identity.uid == 0 || identity.gid == 0)
		return ck_fail(err, CK_ERR_DENIED, "user %s is root: each process needs an unprivileged user of its own", user);
	const char *fault = ck_privilege_limit(0);
	if (fault == NULL) fault = ck_privilege_drop(&identity);
	return fault == NULL ? CK_OK : ck_fail(err, CK_ERR_IO, "as user %s: %s: %s", user, fault, strerror(errno));
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
	if (error == CK_OK) error = drop_identity(confinement->user, err);
#ifndef CK_SANITIZED /* the leak check looks at its own process as a debugger does */
	if (error == CK_OK && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		error = ck_fail(err, CK_ERR_IO, "PR_SET_DUMPABLE: %s", strerror(errno));
#endif
	if (error == CK_OK) error = bind_to_parent(err);
	if (error == CK_OK && !ck_landlock_apply(&ruleset)) error = ck_fail(err, CK_ERR_IO, "Landlock was not applied: %s", strerror(errno));
	if (error == CK_OK) error = ck_filter_install(confinement->filter, NULL, err);
	if (ruleset >= 0) close(ruleset);
	return error;
}
