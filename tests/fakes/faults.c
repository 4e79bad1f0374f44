/* The calls of libc that fail from a seed, each in the ways that its manual page has; and the count of what was allocated and not freed. */
#include "tests/fakes/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DESCRIPTORS_LIMIT 1024

static struct {
	atomic_bool on;
	uint64_t seed;
	unsigned one_in;
	atomic_uint_fast64_t begun, threads, asked, failed; /* begun: so often, since the program started */
} faults;

/* Each thread throws dice of its own, in the order in which they came: else what one does would change what another meets. */
static _Thread_local struct {
	uint64_t begun, state;
	unsigned passed; /* within somebody else's code */
} mine;

/* ---- the seed ---- */

/* SplitMix64 (Steele, Lea, Flood 2014): good enough for dice, and one line of state. */
static uint64_t next_random(void)
{
	if (mine.begun != faults.begun) {
		mine.begun = faults.begun;
		mine.state = faults.seed + (faults.threads++ << 32);
	}
	uint64_t z = mine.state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void ck_faults_begin(uint64_t seed, unsigned one_in)
{
	faults.seed = seed;
	faults.threads = faults.asked = faults.failed = 0;
	faults.one_in = one_in;
	faults.begun++;
	faults.on = true;
}

void ck_faults_end(void) { faults.on = false; }
uint64_t ck_faults_count(void) { return faults.failed; }
uint64_t ck_faults_asked(void) { return faults.asked; }
uint64_t ck_faults_random(uint64_t below) { return next_random() % below; }
void ck_faults_pass(void) { mine.passed++; }
void ck_faults_back(void) { mine.passed--; }

bool ck_faults_next(void)
{
	if (!faults.on || mine.passed > 0) return false;
	faults.asked++;
	if (faults.one_in == 0 || next_random() % faults.one_in != 0) return false;
	faults.failed++;
	return true;
}

static int fail_with(const int *errors, size_t count)
{
	errno = errors[next_random() % count];
	return -1;
}
#define FAIL(...) fail_with((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* ---- memory ---- */

#define TRACKED_LIMIT 65536
static void *tracked[TRACKED_LIMIT]; /* open addressing; NULL: free */
static size_t tracked_count;
static atomic_bool tracking;
static atomic_flag table = ATOMIC_FLAG_INIT; /* held while it is looked at */

static void hold(void)
{
	while (atomic_flag_test_and_set(&table)) sched_yield();
}

static size_t place_of(const void *p)
{
	size_t i = ((uintptr_t)p >> 4) * 2654435761u % TRACKED_LIMIT;
	while (tracked[i] != NULL && tracked[i] != p) i = (i + 1) % TRACKED_LIMIT;
	return i;
}

static void *track(void *p)
{
	if (!tracking || p == NULL) return p;
	hold();
	if (tracked_count < TRACKED_LIMIT / 2) {
		tracked[place_of(p)] = p;
		tracked_count++;
	}
	atomic_flag_clear(&table);
	return p;
}

static void untrack_held(const void *p)
{
	size_t i = place_of(p);
	if (tracked[i] == NULL) return;
	tracked[i] = NULL;
	tracked_count--;
	for (size_t j = (i + 1) % TRACKED_LIMIT; tracked[j] != NULL; j = (j + 1) % TRACKED_LIMIT) { /* those behind it move up */
		void *moved = tracked[j];
		tracked[j] = NULL;
		tracked[place_of(moved)] = moved;
	}
}

static void untrack(const void *p)
{
	if (!tracking || p == NULL) return;
	hold();
	untrack_held(p);
	atomic_flag_clear(&table);
}

void ck_faults_track(void)
{
	if (tracked_count > 0) memset(tracked, 0, sizeof tracked);
	tracked_count = 0;
	tracking = true;
}

size_t ck_faults_untracked(void)
{
	tracking = false;
	return tracked_count;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void __real_free(void *p);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
void __wrap_free(void *p);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t limit);

static bool no_memory(void)
{
	if (!ck_faults_next()) return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t bytes) { return no_memory() ? NULL : track(__real_malloc(bytes)); }
void *__wrap_calloc(size_t count, size_t bytes) { return no_memory() ? NULL : track(__real_calloc(count, bytes)); }

void *__wrap_realloc(void *p, size_t bytes)
{
	if (no_memory()) return NULL;
	untrack(p);
	return track(__real_realloc(p, bytes));
}

void __wrap_free(void *p)
{
	untrack(p);
	__real_free(p);
}

char *__wrap_strndup(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit);
	char *copy = __wrap_malloc(length + 1);
	if (copy == NULL) return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

int __real_vasprintf(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **out, const char *format, va_list args)
{
	if (no_memory()) return -1;
	int length = __real_vasprintf(out, format, args);
	if (length >= 0) (void)track(*out);
	return length;
}

void ck_faults_free_tracked(void)
{
	tracking = false;
	for (size_t i = 0; tracked_count > 0 && i < TRACKED_LIMIT; i++) {
		if (tracked[i] == NULL) continue;
		__real_free(tracked[i]);
		tracked[i] = NULL;
		tracked_count--;
	}
}

char *__wrap_strdup(const char *text) { return __wrap_strndup(text, SIZE_MAX - 1); }

/* ---- descriptors ---- */

unsigned ck_faults_descriptors(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < DESCRIPTORS_LIMIT; fd++) count += fcntl(fd, F_GETFD) >= 0; /* a confined process has no /proc to look in */
	return count;
}

/* The bytes that a call may move when it is to do less than it was asked. */
static size_t fewer(size_t length) { return length > 1 ? 1 + (size_t)(next_random() % (length - 1)) : length; }

ssize_t __real_read(int fd, void *out, size_t length);
ssize_t __wrap_read(int fd, void *out, size_t length);
ssize_t __wrap_read(int fd, void *out, size_t length)
{
	if (!ck_faults_next()) return __real_read(fd, out, length);
	switch (ck_faults_random(3)) {
	case 0: return __real_read(fd, out, fewer(length));
	case 1: return 0;
	default: return FAIL(EIO, EINTR, EAGAIN, ECONNRESET);
	}
}

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
	if (!ck_faults_next()) return __real_write(fd, bytes, length);
	return ck_faults_random(2) == 0 ? __real_write(fd, bytes, fewer(length)) : FAIL(EIO, EINTR, ENOSPC, EDQUOT, EAGAIN, EPIPE);
}

ssize_t __real_pread(int fd, void *out, size_t length, off_t at);
ssize_t __wrap_pread(int fd, void *out, size_t length, off_t at);
ssize_t __wrap_pread(int fd, void *out, size_t length, off_t at)
{
	if (!ck_faults_next()) return __real_pread(fd, out, length, at);
	return ck_faults_random(2) == 0 ? __real_pread(fd, out, fewer(length), at) : FAIL(EIO, EINTR);
}

ssize_t __real_pwrite(int fd, const void *bytes, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	if (!ck_faults_next()) return __real_pwrite(fd, bytes, length, at);
	return ck_faults_random(2) == 0 ? __real_pwrite(fd, bytes, fewer(length), at) : FAIL(EIO, EINTR, ENOSPC, EDQUOT);
}

ssize_t __real_recv(int fd, void *out, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *out, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *out, size_t length, int flags)
{
	if (!ck_faults_next()) return __real_recv(fd, out, length, flags);
	switch (ck_faults_random(3)) {
	case 0: return __real_recv(fd, out, fewer(length), flags);
	case 1: return 0;
	default: return FAIL(ENOMEM, EINTR, EAGAIN, ECONNRESET);
	}
}

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	if (!ck_faults_next()) return __real_send(fd, bytes, length, flags);
	return ck_faults_random(2) == 0 ? __real_send(fd, bytes, fewer(length), flags) : FAIL(ENOBUFS, EINTR, EAGAIN, ECONNRESET, EPIPE);
}

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (!ck_faults_next()) return __real_sendmsg(fd, message, flags);
	return FAIL(ENOBUFS, EINTR, EAGAIN, ECONNRESET, EPIPE, ENOMEM);
}

ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	if (!ck_faults_next()) return __real_recvmsg(fd, message, flags);
	if (ck_faults_random(2) == 0) return FAIL(ENOMEM, EINTR, EAGAIN, ECONNRESET);
	message->msg_controllen = 0;
	message->msg_flags = 0;
	return 0;
}

/* ---- calls that work or do not ---- */

#define WRAP(name, parameters, arguments, ...)                                                                                            \
	int __real_##name parameters;                                                                                                     \
	int __wrap_##name parameters;                                                                                                     \
	int __wrap_##name parameters { return ck_faults_next() ? FAIL(__VA_ARGS__) : __real_##name arguments; }

WRAP(socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE, ENFILE, ENOBUFS, EACCES)
WRAP(socketpair, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair), EMFILE, ENFILE, ENOBUFS)
WRAP(connect, (int fd, const struct sockaddr *address, socklen_t length), (fd, address, length), ECONNREFUSED, EAGAIN, EINTR, ETIMEDOUT)
WRAP(accept4, (int fd, struct sockaddr *address, socklen_t *length, int flags), (fd, address, length, flags), EMFILE, ENFILE, ENOBUFS, EINTR,
     ECONNABORTED)
WRAP(getsockopt, (int fd, int level, int option, void *value, socklen_t *length), (fd, level, option, value, length), ENOBUFS, EBADF)
WRAP(lstat, (const char *path, struct stat *out), (path, out), EIO, ENOENT, EACCES, ENOMEM)
WRAP(stat, (const char *path, struct stat *out), (path, out), EIO, ENOENT, EACCES, ENOMEM)
WRAP(fsync, (int fd), (fd), EIO, ENOSPC, EDQUOT)
WRAP(fdatasync, (int fd), (fd), EIO, ENOSPC, EDQUOT)
WRAP(ftruncate, (int fd, off_t length), (fd, length), EIO, EFBIG)
WRAP(fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length), ENOSPC, EIO, EOPNOTSUPP)
WRAP(rename, (const char *from, const char *to), (from, to), EIO, ENOSPC)
WRAP(renameat, (int from_fd, const char *from, int to_fd, const char *to), (from_fd, from, to_fd, to), EIO, ENOSPC)
WRAP(unlink, (const char *path), (path), EIO, EROFS)
WRAP(eventfd, (unsigned start, int flags), (start, flags), EMFILE, ENFILE)
WRAP(poll, (struct pollfd *fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms), EINTR, ENOMEM)

/* Of a socket it cannot fail, and the module closes only what fstat says is its own. */
int __real_fstat(int fd, struct stat *out);
int __wrap_fstat(int fd, struct stat *out);
int __wrap_fstat(int fd, struct stat *out)
{
	int result = __real_fstat(fd, out);
	return result == 0 && !S_ISSOCK(out->st_mode) && ck_faults_next() ? FAIL(EIO, ENOMEM) : result;
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *about = va_arg(arguments, void *); /* each of ours has one, a pointer */
	va_end(arguments);
	return ck_faults_next() ? FAIL(ESRCH, EINVAL, ENOTTY) : __real_ioctl(fd, request, about);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return ck_faults_next() ? FAIL(EMFILE, ENFILE, EIO, ENOSPC, EACCES, ENOENT) : __real_open(path, flags, mode);
}

int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return ck_faults_next() ? FAIL(EMFILE, ENFILE, EIO, ENOSPC, EACCES, ENOENT) : __real_openat(directory, path, flags, mode);
}

ssize_t __real_getrandom(void *out, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t length, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t length, unsigned flags)
{
	if (!ck_faults_next()) return __real_getrandom(out, length, flags);
	return ck_faults_random(2) == 0 ? __real_getrandom(out, fewer(length), flags) : FAIL(EINTR, ENOSYS, EAGAIN);
}

static atomic_bool steady;
void ck_faults_spare_clock(void) { steady = true; }

/* It cannot be read, or it was set to something else. The monotonic one is only ever late. */
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	if (steady || !ck_faults_next()) return __real_clock_gettime(id, out);
	if (id != CLOCK_REALTIME || ck_faults_random(4) == 0) return FAIL(EINVAL, EFAULT);
	int result = __real_clock_gettime(id, out);
	const time_t jumps[] = {-out->tv_sec, 2145916800 - out->tv_sec, 4291747200 - out->tv_sec, 86400, -86400};
	out->tv_sec += jumps[ck_faults_random(sizeof jumps / sizeof *jumps)];
	return result;
}
