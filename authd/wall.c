/* The time that decisions go by. Trusts the kernel's monotonic clocks; the wall clock only as far as it does not contradict what is known. */
#include "authd/wall.h"

#include <fcntl.h>
#include <unistd.h>

#include "directory/base/clock.h"

void ck_wall_begin(struct ck_wall *wall)
{
	char text[CK_ID_TEXT_BYTES];
	*wall = (struct ck_wall){.floor_s = CK_CLOCK_EPOCH_S};
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	ssize_t got = read(fd, text, sizeof text);
	(void)close(fd);
	if (got < CK_ID_TEXT_BYTES - 1 || ck_id_parse((struct ck_text){text, CK_ID_TEXT_BYTES - 1}, &wall->boot) != CK_OK)
		wall->boot = (struct ck_id){{0}};
}

struct ck_moment ck_wall_now(struct ck_wall *wall)
{
	int64_t wall_s = ck_clock_wall_s();
	struct ck_moment now = {.s = wall_s, .behind = false};
	if (wall_s < wall->floor_s) now = (struct ck_moment){.s = wall->floor_s, .behind = wall->floor_s - wall_s > CK_WALL_TOLERANCE_S};
	wall->floor_s = now.s;
	return now;
}

void ck_wall_raise(struct ck_wall *wall, int64_t at_s)
{
	if (at_s > wall->floor_s) wall->floor_s = at_s;
}

void ck_wall_confirm(struct ck_wall *wall)
{
	wall->floor_s = CK_CLOCK_EPOCH_S;
}

/* ---- copies ---- */

void ck_wall_stamp(struct ck_wall *wall, struct ck_as_of *out)
{
	*out = (struct ck_as_of){.wall_s = ck_wall_now(wall).s, .boot = wall->boot, .boot_ms = ck_clock_boot_ms()};
}

static bool of_this_boot(const struct ck_wall *wall, const struct ck_as_of *as_of)
{
	return !ck_id_is_zero(wall->boot) && ck_id_equal(wall->boot, as_of->boot);
}

int64_t ck_wall_as_of(const struct ck_wall *wall, const struct ck_as_of *as_of, struct ck_moment now)
{
	if (!of_this_boot(wall, as_of)) return now.behind ? now.s - CK_WALL_LONG_AGO_S : as_of->wall_s;
	int64_t boot_ms = ck_clock_boot_ms();
	if (boot_ms < as_of->boot_ms) return now.s - CK_WALL_LONG_AGO_S; /* it cannot be read, or the record is not to be believed */
	return now.s - (boot_ms - as_of->boot_ms) / 1000;
}

void ck_wall_heed(struct ck_wall *wall, const struct ck_as_of *as_of)
{
	if (!of_this_boot(wall, as_of)) ck_wall_raise(wall, as_of->wall_s);
}
