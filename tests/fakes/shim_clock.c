/* The wall clock of a whole machine, moved while it runs: a library for /etc/ld.so.preload of a private mount namespace. Reads by how many
   seconds from /etc/ck-test-clock (eight bytes, little-endian), mapped when the program starts, before anything is confined, so that every
   process that is there already jumps at once. Monotonic clocks are left alone. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

static const volatile int64_t *offset_s;
static int (*real_clock_gettime)(clockid_t id, struct timespec *out);

static int real(clockid_t id, struct timespec *out)
{
	if (real_clock_gettime == NULL) *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	return real_clock_gettime(id, out);
}

__attribute__((constructor)) static void map_offset(void)
{
	int fd = open("/etc/ck-test-clock", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	void *at = mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at != MAP_FAILED) offset_s = at;
}

EXPORTED int clock_gettime(clockid_t id, struct timespec *out)
{
	int result = real(id, out);
	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && offset_s != NULL) out->tv_sec += *offset_s;
	return result;
}

EXPORTED int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
	*out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return 0;
}

EXPORTED time_t time(time_t *out)
{
	struct timespec now;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
	if (out != NULL) *out = now.tv_sec;
	return now.tv_sec;
}
