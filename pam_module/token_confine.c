/* What the helper keeps once it runs: of the file system the devices, what tells which are keys, and what OpenSSL reads to start; of
   the kernel the calls of its table. Its user may do little else anyway; this holds where that user's rights were given too widely. */
#include "pam_module/token_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The whole of /dev: a key may be plugged in after the start. Owners and modes leave its user nothing there but the keys' hidraw. */
static const struct ck_reach reach[] = {
	{"/dev", CK_REACH_DEVICE},
	{"/sys", CK_REACH_READ | CK_REACH_OPTIONAL},
	{"/etc", CK_REACH_READ},
	{"/usr", CK_REACH_READ},
	{"/proc", CK_REACH_READ | CK_REACH_OPTIONAL},
};

static enum ck_error give_up(struct ck_errmsg *err)
{
	const struct rlimit none = {0, 0};
	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ck_fail(err, CK_ERR_IO, "cannot give up core dumps or new privileges: %s", strerror(errno));
#ifndef CK_SANITIZED /* the leak checker attaches to its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return ck_fail(err, CK_ERR_IO, "PR_SET_DUMPABLE: %s", strerror(errno));
#endif
	return CK_OK;
}

enum ck_error ck_token_confine(const struct ck_token_source *source, struct ck_errmsg *err)
{
	int ruleset = -1;
	enum ck_error error = give_up(err);
	if (error == CK_OK && source->folder == NULL)
		error = ck_landlock_prepare(reach, sizeof reach / sizeof reach[0], &ruleset, err);
	else if (error == CK_OK) {
		struct ck_reach more[sizeof reach / sizeof reach[0] + 1];
		memcpy(more, reach, sizeof reach);
		more[sizeof reach / sizeof reach[0]] = (struct ck_reach){source->folder, CK_REACH_WRITE};
		error = ck_landlock_prepare(more, sizeof more / sizeof more[0], &ruleset, err);
	}
	if (error == CK_OK && !ck_landlock_apply(&ruleset)) error = ck_fail(err, CK_ERR_IO, "Landlock was not applied: %s", strerror(errno));
	return error == CK_OK ? ck_filter_install(&ck_filter_token, source->filter, err) : error;
}
