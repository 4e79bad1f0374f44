/* Landlock (linux/landlock.h) by raw system calls: glibc has no wrappers. Every right that the running kernel knows is handled, so what is
   not granted here is refused: files, TCP (the dialler alone is granted ports), ioctls of devices, abstract unix sockets and signals to outsiders. The
   numbers are the kernel's ABI; Debian's headers know only the first of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "authd/sandbox/sandbox.h"
#include "directory/base/log.h"

#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_SYM = 1 << 12, /* the store names its current file by a link */
	FS_OF_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15
};
#define NET_CONNECT_TCP 2
#define NET_OF_ABI_4 3  /* bind and connect of TCP */
#define SCOPE_OF_ABI_6 3 /* abstract unix sockets and signals of processes outside */
#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_WRITE (FS_READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM | FS_TRUNCATE)
#define FS_OF_A_FILE (FS_READ_FILE | FS_WRITE_FILE | FS_EXECUTE | FS_TRUNCATE | FS_IOCTL_DEV) /* no other goes with a file */

static const uint64_t rights_of[CK_REACH_KINDS] = {
	[CK_REACH_READ] = FS_READ,
	[CK_REACH_WRITE] = FS_WRITE,
	[CK_REACH_USE] = FS_READ | FS_WRITE_FILE,
	[CK_REACH_SOCKETS] = FS_WRITE | FS_MAKE_SOCK,
	[CK_REACH_EXECUTE] = FS_READ | FS_EXECUTE,
	[CK_REACH_DEVICE] = FS_READ | FS_WRITE_FILE | FS_IOCTL_DEV,
};

struct ruleset { /* struct landlock_ruleset_attr as of ABI 6; an older kernel is told a shorter size */
	uint64_t fs, net, scoped;
};
struct __attribute__((packed)) path_rule {
	uint64_t allowed;
	int32_t parent_fd;
};

struct port_rule {
	uint64_t allowed, port;
};

/* What each ABI brought, and what an older kernel leaves to owners, modes and the system call filter. */
static const struct {
	long abi;
	const char *what;
} brought[] = {
	{ 1, "reading and writing files" },
	{ 2, "moving files between folders" },
	{ 3, "truncating files" },
	{ 4, "TCP" },
	{ 5, "ioctls of devices" },
	{ 6, "abstract unix sockets and signals" },
};

static struct ruleset ruleset_of(long abi, size_t *out_size)
{
	struct ruleset r = { .fs = FS_OF_ABI_1 };
	*out_size = sizeof r.fs;
	if (abi >= 2) r.fs |= FS_REFER;
	if (abi >= 3) r.fs |= FS_TRUNCATE;
	if (abi >= 4) {
		r.net = NET_OF_ABI_4;
		*out_size = 2 * sizeof r.fs;
	}
	if (abi >= 5) r.fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		r.scoped = SCOPE_OF_ABI_6;
		*out_size = sizeof r;
	}
	return r;
}

long ck_landlock_abi(void)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
	return abi > 0 ? abi : 0;
}

void ck_landlock_warn(void)
{
	long abi = ck_landlock_abi();
	if (abi == 0) {
		ck_log(CK_LOG_WARNING, "this kernel has no Landlock: files are guarded by owners and modes only");
		return;
	}
	for (size_t i = 0; i < sizeof brought / sizeof *brought; i++)
		if (brought[i].abi > abi) ck_log(CK_LOG_INFO, "this kernel's Landlock (ABI %ld) does not guard %s", abi, brought[i].what);
}

/* An older kernel does not guard ports, and so has nothing to let through. */
static enum ck_error add_port(int ruleset_fd, unsigned port, uint64_t handled, struct ck_errmsg *err)
{
	const struct port_rule rule = { .allowed = NET_CONNECT_TCP, .port = port };
	if ((handled & NET_CONNECT_TCP) == 0 || syscall(ADD_RULE, ruleset_fd, RULE_NET_PORT, &rule, 0) == 0) return CK_OK;
	return ck_fail(err, CK_ERR_IO, "port %u: Landlock took no rule for it: %s", port, strerror(errno));
}

static enum ck_error add_path(int ruleset_fd, const struct ck_reach *reach, uint64_t handled, struct ck_errmsg *err)
{
	int fd = open(reach->path, O_PATH | O_CLOEXEC);
	if (fd < 0 && (reach->kind & CK_REACH_OPTIONAL) != 0 && (errno == ENOENT || errno == ENOTDIR)) return CK_OK;
	if (fd < 0)
		return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s; it must exist before the process is confined", reach->path, strerror(errno));
	enum ck_error error = CK_ERR_IO;
	struct path_rule rule = { .allowed = rights_of[reach->kind & ~(unsigned)CK_REACH_OPTIONAL] & handled, .parent_fd = fd };
	struct stat st;
	if (fstat(fd, &st) == 0) {
		if (!S_ISDIR(st.st_mode)) rule.allowed &= FS_OF_A_FILE;
		if (syscall(ADD_RULE, ruleset_fd, RULE_PATH_BENEATH, &rule, 0) == 0) error = CK_OK;
	}
	if (error != CK_OK) error = ck_fail(err, error, "%s: Landlock took no rule for it: %s", reach->path, strerror(errno));
	close(fd);
	return error;
}

enum ck_error ck_landlock_prepare_for(long abi, const struct ck_reach *reach, size_t count, int *out_fd, struct ck_errmsg *err)
{
	*out_fd = -1;
	if (abi < 1) return CK_OK;
	size_t size;
	struct ruleset ruleset = ruleset_of(abi, &size);
	int fd = (int)syscall(CREATE_RULESET, &ruleset, size, 0);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "Landlock took no ruleset: %s", strerror(errno));
	for (size_t i = 0; i < count; i++) {
		enum ck_error error = (reach[i].kind & UINT16_MAX) == CK_REACH_CONNECT ? add_port(fd, reach[i].kind >> 16, ruleset.net, err)
		                                                                       : add_path(fd, &reach[i], ruleset.fs, err);
		if (error != CK_OK) {
			close(fd);
			return error;
		}
	}
	*out_fd = fd;
	return CK_OK;
}

enum ck_error ck_landlock_prepare(const struct ck_reach *reach, size_t count, int *out_fd, struct ck_errmsg *err)
{
	return ck_landlock_prepare_for(ck_landlock_abi(), reach, count, out_fd, err);
}

bool ck_landlock_apply(int *ruleset_fd)
{
	if (*ruleset_fd < 0) return true;
	long result = syscall(RESTRICT_SELF, *ruleset_fd, 0);
	int why = errno;
	close(*ruleset_fd);
	*ruleset_fd = -1;
	errno = why;
	return result == 0;
}
