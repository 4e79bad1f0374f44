/* What the helper can still reach of the file system once it runs: the devices, what libudev reads to list them, what OpenSSL reads to
   start. Its user may do little else anyway; this holds where that user's rights were given too widely. Trusts the kernel. */
#include "pam_module/token_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define EVERYTHING                                                                                                                    \
	(READ | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR                             \
	 | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG   \
	 | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static const struct {
	const char *path;
	uint64_t access;
} reach[] = {
	{"/dev", READ | LANDLOCK_ACCESS_FS_WRITE_FILE},
	{"/sys", READ},
	{"/run/udev", READ},
	{"/etc", READ},
	{"/usr", READ},
	{"/proc", READ},
};

static bool allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = open(path, O_PATH | O_CLOEXEC)};
	if (rule.parent_fd < 0) return errno == ENOENT; /* a container without udev */
	long added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return added == 0;
}

bool ck_token_confine(void)
{
	const struct landlock_ruleset_attr attributes = {.handled_access_fs = EVERYTHING};
	long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
		fputs("crosskeys-token: this kernel has no Landlock; going on without\n", stderr);
		return true;
	}
	if (ruleset < 0) return false;
	bool confined = true;
	for (size_t i = 0; confined && i < sizeof reach / sizeof reach[0]; i++) confined = allow((int)ruleset, reach[i].path, reach[i].access);
	if (confined) confined = syscall(SYS_landlock_restrict_self, (int)ruleset, 0) == 0;
	close((int)ruleset);
	return confined;
}
