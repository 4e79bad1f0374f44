/* Time zones: the machine's tz database (RFC 8536), cut down to a table of UTC offsets over some years, so that whoever decides by local
   time needs neither files nor a clock. Nothing here reads TZ or changes the process: libc's zone code does both, and says UTC for
   whatever it cannot read. */
#ifndef CK_BASE_ZONE_H
#define CK_BASE_ZONE_H

#include "directory/base/text.h"

#define CK_ZONE_DIRECTORY "/usr/share/zoneinfo"
#define CK_ZONE_NAME_LIMIT_BYTES 64
#define CK_ZONE_SHIFTS_LIMIT 64       /* Morocco has four a year, the others two or none */
#define CK_ZONE_FILE_LIMIT_BYTES 65536 /* the largest of Debian's is below 4000 */
#define CK_ZONE_OFFSET_LIMIT_S 93599  /* RFC 8536, 3.2: less than 26 hours */

struct ck_zone_shift {
	int64_t at_s;     /* the first second of … */
	int32_t offset_s; /* … this many seconds ahead of UTC */
};
/* Covers from_s <= t < until_s; nothing where from_s == until_s. Ascending, each with another offset than before it. */
struct ck_zone_table {
	int64_t from_s, until_s;
	int32_t offset_s; /* at from_s */
	size_t count;
	struct ck_zone_shift at[CK_ZONE_SHIFTS_LIMIT];
};

/* A capital letter, then A-Z a-z 0-9 + - _ and single inner '/': a place in the tz database, and no way out of it. */
bool ck_zone_name_valid(struct ck_text name);
/* The years that are kept: last year's beginning to ten years past the end of this one. The same all year, so that a table changes only
   when it must. */
void ck_zone_span(int64_t now_s, int64_t *out_from_s, int64_t *out_until_s);
/* From the file of that zone below `directory`; "UTC" needs none. CK_ERR_NOT_FOUND: there is no such zone. CK_ERR_CORRUPT: its file is
   not what RFC 8536 says, or says nothing about these years. CK_ERR_LIMIT, CK_ERR_IO. After a failure the table covers nothing. */
CK_MUST_USE enum ck_error ck_zone_read(const char *directory, struct ck_text name, int64_t from_s, int64_t until_s,
                                       struct ck_zone_table *out, struct ck_errmsg *err);
/* The same from the file's bytes; version 2 or later, without leap seconds. Years 1 to 9999. */
CK_MUST_USE enum ck_error ck_zone_decode(struct ck_bytes file, int64_t from_s, int64_t until_s, struct ck_zone_table *out,
                                         struct ck_errmsg *err);
/* The zone that this machine is set to (where /etc/localtime leads); "UTC" if that cannot be told. */
const char *ck_zone_of_machine(char out[CK_ZONE_NAME_LIMIT_BYTES + 1]);

/* The offset at that moment, and the first second at which it is another one, or until_s. False: not covered. */
bool ck_zone_offset(const struct ck_zone_table *table, int64_t at_s, int32_t *out_offset_s, int64_t *out_until_s);
/* In order, within bounds, one form only: what ck_zone_decode makes, or what covers nothing. */
bool ck_zone_table_valid(const struct ck_zone_table *table);
bool ck_zone_table_equal(const struct ck_zone_table *a, const struct ck_zone_table *b);

#endif
