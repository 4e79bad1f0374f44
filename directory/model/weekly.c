/* Weekly hours: their one text form, and whether a moment lies in them by the clock of a zone. Trusts the zone's table to be in order
   (ck_zone_table_valid); a moment that it does not cover is in no hours. */
#include "directory/model/record.h"

#include <stdio.h>
#include <string.h>

#define DAY_MINUTES 1440
#define WEEK_MINUTES (7 * DAY_MINUTES)

static const char days[7][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* ---- text ---- */

static bool take(struct ck_text *rest, char c)
{
	if (rest->length == 0 || rest->at[0] != c) return false;
	rest->at++;
	rest->length--;
	return true;
}

static bool take_day(struct ck_text *rest, uint8_t *out)
{
	for (uint8_t i = 0; i < 7; i++) {
		if (rest->length < 3 || memcmp(rest->at, days[i], 3) != 0) continue;
		*out = i;
		rest->at += 3;
		rest->length -= 3;
		return true;
	}
	return false;
}

static bool take_two_digits(struct ck_text *rest, unsigned most, unsigned *out)
{
	if (rest->length < 2 || rest->at[0] < '0' || rest->at[0] > '9' || rest->at[1] < '0' || rest->at[1] > '9') return false;
	*out = (unsigned)(rest->at[0] - '0') * 10 + (unsigned)(rest->at[1] - '0');
	rest->at += 2;
	rest->length -= 2;
	return *out <= most;
}

/* "24:00" passes; where it may stand is for span_valid. */
static bool take_minute(struct ck_text *rest, uint16_t *out)
{
	unsigned hour, minute;
	if (!take_two_digits(rest, 24, &hour) || !take(rest, ':') || !take_two_digits(rest, 59, &minute)) return false;
	*out = (uint16_t)(hour * 60 + minute);
	return *out <= DAY_MINUTES;
}

/* One form for each span: "mon" and not "mon-mon", the end of a day 24:00 and not 00:00 of the next. */
static bool span_valid(const struct ck_weekly_span *span)
{
	return span->first_day <= span->last_day && span->last_day < 7 && span->from_minute < DAY_MINUTES && span->until_minute > 0 &&
	       span->until_minute <= DAY_MINUTES && span->from_minute != span->until_minute;
}

enum ck_error ck_weekly_parse(struct ck_text text, struct ck_weekly_span *out)
{
	struct ck_text rest = text;
	struct ck_weekly_span span = {0};
	memset(out, 0, sizeof *out);
	if (!take_day(&rest, &span.first_day)) return CK_ERR_INVALID;
	span.last_day = span.first_day;
	if (take(&rest, '-') && (!take_day(&rest, &span.last_day) || span.last_day == span.first_day)) return CK_ERR_INVALID;
	if (!take(&rest, ' ') || !take_minute(&rest, &span.from_minute) || !take(&rest, '-') || !take_minute(&rest, &span.until_minute) ||
	    rest.length != 0 || !span_valid(&span))
		return CK_ERR_INVALID;
	*out = span;
	return CK_OK;
}

const char *ck_weekly_format(const struct ck_weekly_span *span, char out[CK_WEEKLY_TEXT_BYTES])
{
	unsigned first = span->first_day % 7u, last = span->last_day % 7u, from = span->from_minute, until = span->until_minute;
	(void)snprintf(out, CK_WEEKLY_TEXT_BYTES, "%s%s%s %02u:%02u-%02u:%02u", days[first], first != last ? "-" : "",
	               first != last ? days[last] : "", from / 60 % 100, from % 60, until / 60 % 100, until % 60);
	return out;
}

const char *ck_weekly_moment(int64_t local_s, char out[CK_WEEKLY_TEXT_BYTES])
{
	unsigned minute = ck_weekly_minute_of(local_s);
	(void)snprintf(out, CK_WEEKLY_TEXT_BYTES, "%s %02u:%02u", days[minute / DAY_MINUTES % 7], minute % DAY_MINUTES / 60, minute % 60);
	return out;
}

/* ---- sets ---- */

static bool comes_before(const struct ck_weekly_span *a, const struct ck_weekly_span *b)
{
	if (a->first_day != b->first_day) return a->first_day < b->first_day;
	if (a->from_minute != b->from_minute) return a->from_minute < b->from_minute;
	return a->last_day != b->last_day ? a->last_day < b->last_day : a->until_minute < b->until_minute;
}

bool ck_weekly_add(struct ck_weekly *weekly, const struct ck_weekly_span *span)
{
	if (weekly->count == CK_WEEKLY_LIMIT) return false;
	size_t at = weekly->count++;
	for (; at > 0 && comes_before(span, &weekly->at[at - 1]); at--) weekly->at[at] = weekly->at[at - 1];
	weekly->at[at] = *span;
	return true;
}

static unsigned length_of(const struct ck_weekly_span *span)
{
	bool next_day = span->until_minute <= span->from_minute;
	return span->until_minute - span->from_minute + (next_day ? DAY_MINUTES : 0u);
}

static unsigned start_of(const struct ck_weekly_span *span, unsigned day) { return day * DAY_MINUTES + span->from_minute; }

/* From one minute of the week on to another. */
static unsigned distance(unsigned from, unsigned to) { return (to + WEEK_MINUTES - from) % WEEK_MINUTES; }

static bool overlap(const struct ck_weekly_span *a, const struct ck_weekly_span *b)
{
	for (unsigned i = a->first_day; i <= a->last_day; i++)
		for (unsigned k = b->first_day; k <= b->last_day; k++) {
			unsigned x = start_of(a, i), y = start_of(b, k);
			if (distance(x, y) < length_of(a) || distance(y, x) < length_of(b)) return true;
		}
	return false;
}

bool ck_weekly_valid(const struct ck_weekly *weekly)
{
	if (weekly->always) return weekly->count == 0;
	if (weekly->count == 0 || weekly->count > CK_WEEKLY_LIMIT) return false;
	for (size_t i = 0; i < weekly->count; i++) {
		if (!span_valid(&weekly->at[i])) return false;
		if (i > 0 && !comes_before(&weekly->at[i - 1], &weekly->at[i])) return false;
		for (size_t k = 0; k < i; k++)
			if (overlap(&weekly->at[i], &weekly->at[k])) return false;
	}
	return true;
}

/* ---- moments ---- */

unsigned ck_weekly_minute_of(int64_t local_s)
{
	int64_t minute = local_s / 60 - (local_s % 60 < 0);
	/* 1970 began on a Thursday */
	int64_t of_week = (minute % WEEK_MINUTES + 3 * DAY_MINUTES + WEEK_MINUTES) % WEEK_MINUTES;
	return (unsigned)of_week;
}

/* How many minutes of this span are left at that minute of the week: it began today, or yesterday. */
static unsigned left_of(const struct ck_weekly_span *span, unsigned minute)
{
	unsigned today = minute / DAY_MINUTES;
	for (unsigned back = 0; back <= 1; back++) {
		unsigned day = (today + 7 - back) % 7;
		if (day < span->first_day || day > span->last_day) continue;
		unsigned since = distance(start_of(span, day), minute);
		if (since < length_of(span)) return length_of(span) - since;
	}
	return 0;
}

/* How long the hours go on from that minute, one span after the other; a week and more: they never end. 0: outside. */
static unsigned left_at(const struct ck_weekly *weekly, unsigned minute)
{
	unsigned left = 0, more = 1;
	while (more > 0 && left < WEEK_MINUTES) {
		more = 0;
		for (size_t i = 0; i < weekly->count && i < CK_WEEKLY_LIMIT && more == 0; i++)
			more = left_of(&weekly->at[i], (minute + left) % WEEK_MINUTES);
		left += more;
	}
	return left;
}

/* From shift to shift: between two of them the zone's clock runs as any other, at one it jumps. A time that is there twice is in the hours
   twice; one that is skipped never comes. */
bool ck_weekly_contains(const struct ck_weekly *weekly, const struct ck_zone_table *zone, int64_t at_s, int64_t *out_until_s)
{
	int32_t offset_s;
	int64_t shift_s, moment_s = at_s;
	*out_until_s = INT64_MAX;
	if (weekly->always) return true;
	*out_until_s = at_s;
	while (ck_zone_offset(zone, moment_s, &offset_s, &shift_s)) {
		int64_t local_s = moment_s + offset_s;
		unsigned left = left_at(weekly, ck_weekly_minute_of(local_s));
		int64_t into_s = local_s % 60 < 0 ? local_s % 60 + 60 : local_s % 60;
		int64_t end_s = left >= WEEK_MINUTES ? INT64_MAX : moment_s + (int64_t)left * 60 - into_s;
		if (left == 0) end_s = moment_s;
		*out_until_s = end_s < shift_s ? end_s : shift_s;
		if (end_s < shift_s) break;
		moment_s = shift_s;
	}
	return *out_until_s > at_s;
}
