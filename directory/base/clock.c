/* Time: the two clocks, and the text forms. Calendar arithmetic is of the proleptic Gregorian calendar in UTC, without libc's zone code,
   which reads the environment. */
#include "directory/base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LAST_US (INT64_C(253402300799) * 1000000) /* the last second of 9999 */
_Static_assert(sizeof(time_t) == 8, "seconds go on after 2038: a 32-bit build needs _TIME_BITS=64");

static int64_t clock_us(clockid_t id)
{
	struct timespec now;
	if (clock_gettime(id, &now) != 0) return 0;
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t ck_clock_wall_us(void)
{
	int64_t now = clock_us(CLOCK_REALTIME);
	return now < 0 || now >= LAST_US ? 0 : now;
}
int64_t ck_clock_wall_s(void) { return ck_clock_wall_us() / 1000000; }
int64_t ck_clock_monotonic_us(void) { return clock_us(CLOCK_MONOTONIC); }
int64_t ck_clock_boot_ms(void) { return clock_us(CLOCK_BOOTTIME) / 1000; }
int64_t ck_clock_monotonic_ms(void) { return ck_clock_monotonic_us() / 1000; }

/* Days since 1970-01-01, and back; years 1 to 9999 (the March-based month count makes leap days fall at the end). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (*month <= 2));
}

struct civil {
	int year, month, day, hour, minute, second;
};

static bool civil_valid(const struct civil *c)
{
	static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	if (c->year < 1 || c->month < 1 || c->month > 12 || c->hour > 23 || c->minute > 59 || c->second > 59) return false;
	bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
	return c->day >= 1 && c->day <= lengths[c->month - 1] + (leap && c->month == 2);
}

static int64_t seconds_of(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
}

static struct civil civil_of(int64_t time_s)
{
	struct civil c;
	int64_t days = time_s / 86400, rest = time_s % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	date_of(days, &c.year, &c.month, &c.day);
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest / 60 % 60);
	c.second = (int)(rest % 60);
	return c;
}

/* `picture` holds Y M D h m s for digits and anything else for itself; the text must match it whole. */
static bool civil_parse(struct ck_text text, const char *picture, struct civil *out)
{
	*out = (struct civil){ 0 };
	if (text.length != strlen(picture)) return false;
	for (size_t i = 0; i < text.length; i++) {
		int *field = NULL;
		switch (picture[i]) {
		case 'Y': field = &out->year; break;
		case 'M': field = &out->month; break;
		case 'D': field = &out->day; break;
		case 'h': field = &out->hour; break;
		case 'm': field = &out->minute; break;
		case 's': field = &out->second; break;
		default: break;
		}
		if (field == NULL) {
			if (text.at[i] != picture[i]) return false;
		} else {
			if (text.at[i] < '0' || text.at[i] > '9') return false;
			*field = *field * 10 + (text.at[i] - '0');
		}
	}
	return civil_valid(out);
}

enum ck_error ck_time_parse_generalized(struct ck_text text, int64_t *out)
{
	struct civil c;
	if (ck_text_is(text, "99991231235959Z")) {
		*out = CK_TIME_UNLIMITED;
		return CK_OK;
	}
	if (ck_text_is(text, "00010101000000Z")) {
		*out = CK_TIME_ALWAYS;
		return CK_OK;
	}
	if (!civil_parse(text, "YYYYMMDDhhmmssZ", &c)) return CK_ERR_INVALID;
	*out = seconds_of(&c);
	return CK_OK;
}

/* The words stand for everything outside the years 1 to 9999 too. */
static bool is_unlimited(int64_t time_s) { return time_s >= INT64_C(253402300799); }
static bool is_always(int64_t time_s) { return time_s <= INT64_C(-62135596800); }

int64_t ck_time_of_date(int year, int month, int day) { return days_of(year, month, day) * 86400; }

int ck_time_year(int64_t time_s)
{
	if (is_unlimited(time_s)) return 9999;
	return is_always(time_s) ? 1 : civil_of(time_s).year;
}

const char *ck_time_format_generalized(int64_t time_s, char out[CK_TIME_TEXT_BYTES])
{
	if (is_unlimited(time_s)) return strcpy(out, "99991231235959Z");
	if (is_always(time_s)) return strcpy(out, "00010101000000Z");
	struct civil c = civil_of(time_s);
	(void)snprintf(out, CK_TIME_TEXT_BYTES, "%04u%02u%02u%02u%02u%02uZ", (unsigned)c.year % 10000u, (unsigned)c.month % 100u,
	               (unsigned)c.day % 100u, (unsigned)c.hour % 100u, (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
	return out;
}

const char *ck_time_format(int64_t time_s, char out[CK_TIME_TEXT_BYTES])
{
	if (is_unlimited(time_s)) return strcpy(out, "unlimited");
	if (is_always(time_s)) return strcpy(out, "always");
	struct civil c = civil_of(time_s);
	(void)snprintf(out, CK_TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)c.year % 10000u, (unsigned)c.month % 100u,
	               (unsigned)c.day % 100u, (unsigned)c.hour % 100u, (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
	return out;
}

static enum ck_error parse_relative(struct ck_text text, int64_t now_s, int64_t *out)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint64_t count = 0;
	if (text.length < 3) return CK_ERR_INVALID;
	struct ck_text digits = { text.at + 1, text.length - 2 };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (text.at[text.length - 1] != units[i].unit) continue;
		if (ck_uint_parse(digits, 0, 36500, &count) != CK_OK && units[i].unit == 'd') return CK_ERR_INVALID;
		if (units[i].unit != 'd' && ck_uint_parse(digits, 0, 100000000, &count) != CK_OK) return CK_ERR_INVALID;
		int64_t distance = (int64_t)count * units[i].seconds;
		*out = text.at[0] == '+' ? now_s + distance : now_s - distance;
		return CK_OK;
	}
	return CK_ERR_INVALID;
}

enum ck_error ck_time_parse(struct ck_text text, int64_t now_s, int64_t *out)
{
	struct civil c;
	if (ck_text_is(text, "now")) {
		*out = now_s;
		return CK_OK;
	}
	if (ck_text_is(text, "unlimited")) {
		*out = CK_TIME_UNLIMITED;
		return CK_OK;
	}
	if (ck_text_is(text, "always")) {
		*out = CK_TIME_ALWAYS;
		return CK_OK;
	}
	if (text.length > 0 && (text.at[0] == '+' || text.at[0] == '-')) return parse_relative(text, now_s, out);
	if (!civil_parse(text, "YYYY-MM-DDThh:mm:ssZ", &c) && !civil_parse(text, "YYYY-MM-DD", &c)) return CK_ERR_INVALID;
	*out = seconds_of(&c);
	return CK_OK;
}
