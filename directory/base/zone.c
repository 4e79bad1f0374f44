/* Zones by name, and what a table of offsets says. Trusts the tz database to be root's, and nothing in a name. */
#include "directory/base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/base/clock.h"

#define SPAN_YEARS 10
#define PATH_BYTES 512

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '_';
}

bool ck_zone_name_valid(struct ck_text name)
{
	if (name.length < 1 || name.length > CK_ZONE_NAME_LIMIT_BYTES || name.at[0] < 'A' || name.at[0] > 'Z') return false;
	for (size_t i = 1; i < name.length; i++) {
		bool inner = name.at[i] == '/' && name.at[i - 1] != '/' && i + 1 < name.length;
		if (!is_plain(name.at[i]) && !inner) return false;
	}
	return true;
}

void ck_zone_span(int64_t now_s, int64_t *out_from_s, int64_t *out_until_s)
{
	int year = ck_time_year(now_s);
	if (year > 9999 - SPAN_YEARS - 1) year = 9999 - SPAN_YEARS - 1;
	if (year < 2) year = 2;
	*out_from_s = ck_time_of_date(year - 1, 1, 1);
	*out_until_s = ck_time_of_date(year + SPAN_YEARS + 1, 1, 1);
}

/* ---- files ---- */

static enum ck_error read_bytes(const char *path, uint8_t *out, size_t *out_length)
{
	struct stat st;
	size_t done = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? CK_ERR_NOT_FOUND : CK_ERR_IO;
	enum ck_error error = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? CK_OK : CK_ERR_NOT_FOUND; /* a folder is no zone */
	while (error == CK_OK && done <= CK_ZONE_FILE_LIMIT_BYTES) {
		ssize_t got = read(fd, out + done, CK_ZONE_FILE_LIMIT_BYTES + 1 - done);
		if (got == 0) break;
		if (got > 0) done += (size_t)got;
		else if (errno != EINTR) error = CK_ERR_IO;
	}
	(void)close(fd);
	*out_length = done;
	return error;
}

enum ck_error ck_zone_read(const char *directory, struct ck_text name, int64_t from_s, int64_t until_s, struct ck_zone_table *out,
                           struct ck_errmsg *err)
{
	static uint8_t bytes[CK_ZONE_FILE_LIMIT_BYTES + 1]; /* too large for the stack */
	char path[PATH_BYTES];
	size_t length = 0;
	*out = (struct ck_zone_table){.count = 0};
	if (!ck_zone_name_valid(name)) return ck_fail(err, CK_ERR_INVALID, "this is no name of a time zone");
	if (ck_text_is(name, "UTC")) {
		out->from_s = from_s;
		out->until_s = until_s;
		return CK_OK;
	}
	int written = snprintf(path, sizeof path, "%s/%.*s", directory, (int)name.length, name.at);
	if (written < 0 || (size_t)written >= sizeof path) return ck_fail(err, CK_ERR_LIMIT, "the path of the time zones is too long");
	enum ck_error error = read_bytes(path, bytes, &length);
	if (error == CK_ERR_NOT_FOUND) return ck_fail(err, error, "%s: this machine knows no such time zone", path);
	if (error != CK_OK) return ck_fail(err, error, "%s: %s", path, strerror(errno));
	return ck_zone_decode((struct ck_bytes){bytes, length}, from_s, until_s, out, err);
}

const char *ck_zone_of_machine(char out[CK_ZONE_NAME_LIMIT_BYTES + 1])
{
	static const char marker[] = "/zoneinfo/";
	char link[PATH_BYTES];
	ssize_t length = readlink("/etc/localtime", link, sizeof link - 1);
	link[length > 0 ? length : 0] = '\0';
	const char *name = strstr(link, marker);
	name = name != NULL ? name + sizeof marker - 1 : "";
	/* what is asked for in every script, and needs no file */
	if (strcmp(name, "Etc/UTC") == 0 || !ck_zone_name_valid(ck_text_of(name))) name = "UTC";
	(void)snprintf(out, CK_ZONE_NAME_LIMIT_BYTES + 1, "%s", name);
	return out;
}

/* ---- tables ---- */

bool ck_zone_offset(const struct ck_zone_table *table, int64_t at_s, int32_t *out_offset_s, int64_t *out_until_s)
{
	*out_offset_s = 0;
	*out_until_s = at_s;
	if (at_s < table->from_s || at_s >= table->until_s || table->count > CK_ZONE_SHIFTS_LIMIT) return false;
	size_t passed = 0;
	while (passed < table->count && table->at[passed].at_s <= at_s) passed++;
	*out_offset_s = passed == 0 ? table->offset_s : table->at[passed - 1].offset_s;
	*out_until_s = passed < table->count ? table->at[passed].at_s : table->until_s;
	return true;
}

static bool offset_ok(int32_t offset_s) { return offset_s <= CK_ZONE_OFFSET_LIMIT_S && offset_s >= -CK_ZONE_OFFSET_LIMIT_S; }

bool ck_zone_table_valid(const struct ck_zone_table *table)
{
	if (table->from_s == table->until_s) return table->from_s == 0 && table->offset_s == 0 && table->count == 0;
	if (table->from_s > table->until_s || table->count > CK_ZONE_SHIFTS_LIMIT || !offset_ok(table->offset_s)) return false;
	int64_t before_s = table->from_s;
	int32_t offset_s = table->offset_s;
	for (size_t i = 0; i < table->count; i++) {
		const struct ck_zone_shift *shift = &table->at[i];
		if (shift->at_s <= before_s || shift->at_s >= table->until_s || shift->offset_s == offset_s || !offset_ok(shift->offset_s)) return false;
		before_s = shift->at_s;
		offset_s = shift->offset_s;
	}
	return true;
}

bool ck_zone_table_equal(const struct ck_zone_table *a, const struct ck_zone_table *b)
{
	if (a->from_s != b->from_s || a->until_s != b->until_s || a->offset_s != b->offset_s || a->count != b->count) return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->at[i].at_s != b->at[i].at_s || a->at[i].offset_s != b->at[i].offset_s) return false;
	return true;
}
