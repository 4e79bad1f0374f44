/* The rule by which a zone's clock goes on. Text from a file of the machine; what is not exactly the form that RFC 8536 allows is refused,
   so that nobody's hours follow a guess. */
#include "directory/base/zone_rule.h"

#include "directory/base/clock.h"

#define DAY_S 86400
#define NAME_LEAST_BYTES 3
#define OFFSET_HOURS 24  /* POSIX */
#define TIME_HOURS 167   /* RFC 8536, 3.3.1 */

/* ---- parsing: each true if it was there; `rest` goes on behind it ---- */

static bool skip(struct ck_text *rest, char c)
{
	if (rest->length == 0 || rest->at[0] != c) return false;
	rest->at++;
	rest->length--;
	return true;
}

static bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* "GMT" or "<+0330>": of no use here. */
static bool skip_name(struct ck_text *rest)
{
	bool quoted = skip(rest, '<');
	size_t length = 0;
	while (length < rest->length && (is_letter(rest->at[length]) ||
	                                 (quoted && (is_digit(rest->at[length]) || rest->at[length] == '+' || rest->at[length] == '-'))))
		length++;
	rest->at += length;
	rest->length -= length;
	return length >= NAME_LEAST_BYTES && (!quoted || skip(rest, '>'));
}

static bool take_number(struct ck_text *rest, int least, int most, int *out)
{
	size_t digits = 0;
	int value = 0;
	while (digits < rest->length && digits < 3 && is_digit(rest->at[digits])) value = value * 10 + (rest->at[digits++] - '0');
	rest->at += digits;
	rest->length -= digits;
	*out = value;
	return digits > 0 && value >= least && value <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct ck_text *rest, int hours_limit, int32_t *out_s)
{
	int hours, minutes = 0, seconds = 0;
	bool negative = skip(rest, '-');
	if (!negative) (void)skip(rest, '+');
	if (!take_number(rest, 0, hours_limit, &hours)) return false;
	if (skip(rest, ':')) {
		if (!take_number(rest, 0, 59, &minutes)) return false;
		if (skip(rest, ':') && !take_number(rest, 0, 59, &seconds)) return false;
	}
	*out_s = hours * 3600 + minutes * 60 + seconds;
	if (negative) *out_s = -*out_s;
	return true;
}

/* POSIX counts west of Greenwich. */
static bool take_offset(struct ck_text *rest, int32_t *out_s)
{
	int32_t west_s;
	if (!take_time(rest, OFFSET_HOURS, &west_s)) return false;
	*out_s = -west_s;
	return true;
}

static bool take_day(struct ck_text *rest, struct ck_zone_date *out)
{
	if (skip(rest, 'J')) {
		out->form = CK_ZONE_DAY_BUT_LEAP;
		return take_number(rest, 1, 365, &out->day);
	}
	if (!skip(rest, 'M')) {
		out->form = CK_ZONE_DAY_OF_YEAR;
		return take_number(rest, 0, 365, &out->day);
	}
	out->form = CK_ZONE_DAY_OF_WEEK;
	return take_number(rest, 1, 12, &out->month) && skip(rest, '.') && take_number(rest, 1, 5, &out->week) && skip(rest, '.') &&
	       take_number(rest, 0, 6, &out->weekday);
}

static bool take_date(struct ck_text *rest, struct ck_zone_date *out)
{
	out->time_s = 2 * 3600;
	return take_day(rest, out) && (!skip(rest, '/') || take_time(rest, TIME_HOURS, &out->time_s));
}

bool ck_zone_rule_parse(struct ck_text text, struct ck_zone_rule *out)
{
	struct ck_text rest = text;
	*out = (struct ck_zone_rule){.shifts = false};
	if (!skip_name(&rest) || !take_offset(&rest, &out->standard_s)) return false;
	out->summer_s = out->standard_s + 3600;
	if (rest.length == 0) return true;
	out->shifts = true;
	if (!skip_name(&rest)) return false;
	if (rest.length > 0 && rest.at[0] != ',' && !take_offset(&rest, &out->summer_s)) return false;
	return skip(&rest, ',') && take_date(&rest, &out->begins) && skip(&rest, ',') && take_date(&rest, &out->ends) && rest.length == 0;
}

/* ---- the calendar ---- */

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int64_t week_day_of(int year, const struct ck_zone_date *date)
{
	int64_t first = ck_time_of_date(year, date->month, 1) / DAY_S;
	int64_t next = date->month == 12 ? ck_time_of_date(year + 1, 1, 1) / DAY_S : ck_time_of_date(year, date->month + 1, 1) / DAY_S;
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (date->weekday - weekday + 7) % 7 + (int64_t)(date->week - 1) * 7;
	return day < next ? day : day - 7;
}

/* When it is that date in a clock that is offset_s ahead of UTC. */
static int64_t moment_of(int year, const struct ck_zone_date *date, int32_t offset_s)
{
	int64_t day = ck_time_of_date(year, 1, 1) / DAY_S;
	switch (date->form) {
	case CK_ZONE_DAY_BUT_LEAP: day += date->day - 1 + (is_leap(year) && date->day >= 60); break;
	case CK_ZONE_DAY_OF_YEAR: day += date->day; break;
	case CK_ZONE_DAY_OF_WEEK: day = week_day_of(year, date); break;
	}
	return day * DAY_S + date->time_s - offset_s;
}

static int64_t begins_in(const struct ck_zone_rule *rule, int year) { return moment_of(year, &rule->begins, rule->standard_s); }
static int64_t ends_in(const struct ck_zone_rule *rule, int year) { return moment_of(year, &rule->ends, rule->summer_s); }

/* The last shift up to that moment says it. A zone that is on summer time all year ends it at the very moment at which it begins again:
   the beginning counts. */
int32_t ck_zone_rule_offset(const struct ck_zone_rule *rule, int64_t at_s)
{
	int64_t begun_s = INT64_MIN, ended_s = INT64_MIN;
	int year = ck_time_year(at_s);
	for (int y = year - 1; rule->shifts && y <= year + 1; y++) {
		int64_t begins_s = begins_in(rule, y), ends_s = ends_in(rule, y);
		if (begins_s <= at_s && begins_s > begun_s) begun_s = begins_s;
		if (ends_s <= at_s && ends_s > ended_s) ended_s = ends_s;
	}
	return rule->shifts && begun_s >= ended_s ? rule->summer_s : rule->standard_s;
}

int64_t ck_zone_rule_next(const struct ck_zone_rule *rule, int64_t at_s)
{
	int64_t next_s = INT64_MAX;
	int year = ck_time_year(at_s);
	for (int y = year - 1; rule->shifts && y <= year + 2; y++) {
		int64_t begins_s = begins_in(rule, y), ends_s = ends_in(rule, y);
		if (begins_s > at_s && begins_s < next_s) next_s = begins_s;
		if (ends_s > at_s && ends_s < next_s) next_s = ends_s;
	}
	return next_s;
}
