/* Landlock (linux/landlock.h) by raw system calls: glibc has no wrappers. Every right that the running kernel knows is handled, so what is
   not granted below is refused, TCP and signals to outsiders included. The numbers are the kernel's ABI; Debian's headers know only the
   first of them. */
#include "authd/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory/base/log.h"

#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

enum {
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SYM = 1 << 12, /* the store names its current file by a link */
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14
};
#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_WRITE (FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM | FS_TRUNCATE)
#define FS_OF_A_FILE (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE) /* the kernel refuses the others on anything but a directory */

struct ruleset { /* struct landlock_ruleset_attr as of ABI 6; an older kernel is told a shorter size */
	uint64_t fs, net, scoped;
};
struct __attribute__((packed)) path_rule {
	uint64_t allowed;
	int32_t parent_fd;
};

/* All that this kernel can handle. */
static struct ruleset ruleset_of(long abi, size_t *out_size)
{
	struct ruleset r = { .fs = (UINT64_C(1) << 13) - 1 };
	*out_size = sizeof r.fs;
	if (abi >= 2) r.fs |= FS_REFER;
	if (abi >= 3) r.fs |= FS_TRUNCATE;
	if (abi >= 4) {
		r.net = 3; /* bind and connect of TCP */
		*out_size = 2 * sizeof r.fs;
	}
	if (abi >= 5) r.fs |= UINT64_C(1) << 15; /* ioctl of devices */
	if (abi >= 6) {
		r.scoped = 3; /* abstract unix sockets and signals of processes outside */
		*out_size = sizeof r;
	}
	return r;
}

static enum ck_error add_path(int ruleset_fd, const struct ck_reach *reach, uint64_t handled, struct ck_errmsg *err)
{
	int fd = open(reach->path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s; it must exist before the process is confined", reach->path, strerror(errno));
	enum ck_error error = CK_ERR_IO;
	struct path_rule rule = { .allowed = (reach->write ? FS_WRITE : FS_READ) & handled, .parent_fd = fd };
	struct stat st;
	if (fstat(fd, &st) == 0) {
		if (!S_ISDIR(st.st_mode)) rule.allowed &= FS_OF_A_FILE;
		if (syscall(ADD_RULE, ruleset_fd, RULE_PATH_BENEATH, &rule, 0) == 0) error = CK_OK;
	}
	if (error != CK_OK) error = ck_fail(err, error, "%s: Landlock took no rule for it: %s", reach->path, strerror(errno));
	close(fd);
	return error;
}

enum ck_error ck_landlock_prepare(const struct ck_reach *reach, size_t count, int *out_fd, struct ck_errmsg *err)
{
	*out_fd = -1;
	long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	if (abi < 1) {
		ck_log(CK_LOG_WARNING, "this kernel has no Landlock (%s): files are guarded by owners and modes only", strerror(errno));
		return CK_OK;
	}
	size_t size;
	struct ruleset ruleset = ruleset_of(abi, &size);
	int fd = (int)syscall(CREATE_RULESET, &ruleset, size, 0);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "Landlock took no ruleset: %s", strerror(errno));
	for (size_t i = 0; i < count; i++) {
		enum ck_error error = add_path(fd, &reach[i], ruleset.fs, err);
		if (error != CK_OK) {
			close(fd);
			return error;
		}
	}
	*out_fd = fd;
	return CK_OK;
}

enum ck_error ck_landlock_apply(int *ruleset_fd, struct ck_errmsg *err)
{
	if (*ruleset_fd < 0) return CK_OK;
	long result = syscall(RESTRICT_SELF, *ruleset_fd, 0);
	int why = errno;
	close(*ruleset_fd);
	*ruleset_fd = -1;
	return result == 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "Landlock was not applied: %s", strerror(why));
}
