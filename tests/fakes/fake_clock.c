/* See fake_clock.h. The kernel is asked directly: this is clock_gettime. */
#include "tests/fakes/fake_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t ck_fake_wall_s, ck_fake_boot_ms, ck_fake_step_ms;

static void add_ms(struct timespec *time, int64_t ms)
{
	int64_t ns = time->tv_nsec + ms % 1000 * 1000000;
	time->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
	time->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	if (syscall(SYS_clock_gettime, id, out) != 0) return -1;
	if (id == CLOCK_MONOTONIC) ck_fake_boot_ms += ck_fake_step_ms;
	if (id == CLOCK_REALTIME) out->tv_sec += ck_fake_wall_s;
	if (id == CLOCK_BOOTTIME || id == CLOCK_MONOTONIC) add_ms(out, ck_fake_boot_ms);
	return 0;
}

void ck_fake_wall_is(int64_t time_s)
{
	struct timespec now;
	ck_fake_wall_s = 0;
	if (clock_gettime(CLOCK_REALTIME, &now) == 0) ck_fake_wall_s = time_s - now.tv_sec;
}
