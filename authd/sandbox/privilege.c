/* Identity and capabilities by the kernel's own calls: between fork and exec no library may be asked, and there are five sets to empty, not
   only those that a change of user empties. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "authd/sandbox/sandbox.h"

#define CAPABILITY_LIMIT 64
#define DESCRIPTORS_LIMIT 16384 /* the most clients a gate may be configured to keep, and some */

/* Nobody becomes anything by being root, keeps anything by no longer being it, or passes anything on. */
#define SECURE_BITS                                                                                                                   \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |    \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static bool set_sets(uint64_t capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };
	for (int i = 0; i < 2; i++) sets[i].effective = sets[i].permitted = (uint32_t)(capabilities >> (32 * i));
	return syscall(SYS_capset, &header, sets) == 0;
}

/* What can never come back, by no program that is executed. What the kernel does not know, or is gone already, is no failure. */
static bool bound(uint64_t capabilities)
{
	for (int i = 0; i < CAPABILITY_LIMIT; i++) {
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		if (has == 1 && (capabilities >> i & 1) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) return false;
	}
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

static bool has_none(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];
	if (syscall(SYS_capget, &header, sets) != 0) return false;
	for (int i = 0; i < 2; i++)
		if ((sets[i].effective | sets[i].permitted | sets[i].inheritable) != 0) return false;
	return true;
}

const char *ck_privilege_drop(const struct ck_identity *identity)
{
	uid_t uid = identity->uid;
	gid_t gid = identity->gid, group = identity->group;
	errno = 0;
	if (uid == 0 || gid == 0) return "its user is root";
	if (!bound(0)) return "cannot give up capabilities for good (CAP_SETPCAP is needed for that)";
	if (prctl(PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) != 0) return "cannot set secure bits";
	if (setgroups(identity->with_group ? 1 : 0, &group) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return "cannot become its user; crosskeysd must be started by root";
	if (!set_sets(0)) return "cannot give up capabilities";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "cannot give up new privileges";
	errno = 0;
	if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || geteuid() != uid || getegid() != gid || !has_none() ||
	    getgroups(0, NULL) != (identity->with_group ? 1 : 0))
		return "became its user only in part";
	return NULL;
}

const char *ck_privilege_keep(uint64_t capabilities)
{
	if (!bound(capabilities)) return "cannot give up capabilities for good (CAP_SETPCAP is needed for that)";
	if (!set_sets(capabilities)) return "cannot keep the capabilities that the supervisor needs";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? NULL : "cannot give up new privileges";
}

const char *ck_privilege_limit(unsigned descriptors)
{
	static const struct rlimit none = { 0, 0 };
	struct rlimit files;
	if (setrlimit(RLIMIT_CORE, &none) != 0) return "core dumps cannot be turned off";
	if (setrlimit(RLIMIT_MSGQUEUE, &none) != 0 || setrlimit(RLIMIT_MEMLOCK, &none) != 0) return "limits cannot be set";
#ifndef CK_SANITIZED /* the leak check is a process */
	if (setrlimit(RLIMIT_NPROC, &none) != 0) return "new processes cannot be turned off";
#endif
	if (getrlimit(RLIMIT_NOFILE, &files) != 0) return "RLIMIT_NOFILE cannot be read";
	rlim_t most = descriptors > 0 ? descriptors : DESCRIPTORS_LIMIT;
	if (files.rlim_max == RLIM_INFINITY || files.rlim_max > most) files.rlim_max = most;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 ? NULL : "RLIMIT_NOFILE cannot be set";
}
