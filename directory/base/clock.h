/* Time. Wall time in whole seconds since 1970 UTC for decisions; monotonic milliseconds for deadlines and challenges. */
#ifndef CK_BASE_CLOCK_H
#define CK_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "directory/base/text.h"

/* "No end": written 99991231235959Z in the directory. Compares later than every real time. */
#define CK_TIME_UNLIMITED INT64_MAX
/* "No beginning": written 00010101000000Z. */
#define CK_TIME_ALWAYS INT64_MIN
#define CK_TIME_TEXT_BYTES 32

/* Debian 12, 2023-06-10: no machine that this runs on is from before. */
#define CK_CLOCK_EPOCH_S INT64_C(1686355200)

/* 0 when the clock cannot be read, or says what no calendar of four digits holds: before every window, so everything with a beginning fails closed. */
int64_t ck_clock_wall_s(void);
int64_t ck_clock_wall_us(void);
int64_t ck_clock_monotonic_ms(void);
int64_t ck_clock_monotonic_us(void);
/* Since the kernel booted, the time that the machine slept included: comparable between processes until the next boot. */
int64_t ck_clock_boot_ms(void);

/* LDAP GeneralizedTime (RFC 4517 3.3.13), only the form YYYYMMDDHHMMSSZ; the two words above are recognised. */
CK_MUST_USE enum ck_error ck_time_parse_generalized(struct ck_text text, int64_t *out);
const char *ck_time_format_generalized(int64_t time_s, char out[CK_TIME_TEXT_BYTES]);

/* 00:00:00 UTC of a day of the calendar, and the year a time lies in; years 1 to 9999, other times are those of the nearest of them. */
int64_t ck_time_of_date(int year, int month, int day);
int ck_time_year(int64_t time_s);

/* What people type and read: RFC 3339 in UTC ("2026-11-22T04:20:00Z"), "2026-11-22", "now", "unlimited"/"always", and "+90d", "+12h",
   "+30m", "+10s" relative to now_s. */
CK_MUST_USE enum ck_error ck_time_parse(struct ck_text text, int64_t now_s, int64_t *out);
/* RFC 3339, "unlimited" or "always". */
const char *ck_time_format(int64_t time_s, char out[CK_TIME_TEXT_BYTES]);

#endif
