#include "directory/store/flat_csn.h"

#include <string.h>

#define DAY_S 86400u
#define US_PER_S 1000000u

/* Each base in a function of its own: a division by what is known is none, and every record that is read has forty of them. */
static void put_digits(char *at, size_t count, uint64_t value)
{
	for (; count-- > 0; value /= 10) at[count] = (char)('0' + value % 10);
}

static void put_hex(char *at, size_t count, uint64_t value)
{
	for (; count-- > 0; value >>= 4) at[count] = "0123456789abcdef"[value & 0xf];
}

/* The civil date of a day since 1970 (the proleptic Gregorian calendar; Hinnant's days_from_civil the other way round). */
static void put_date(char out[8], uint64_t day)
{
	uint64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted % 146097;
	uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100), from_march = (5 * of_year + 2) / 153;
	uint64_t month = from_march < 10 ? from_march + 3 : from_march - 9;
	put_digits(out, 4, era * 400 + year_of_era + (month <= 2));
	put_digits(out + 4, 2, month);
	put_digits(out + 6, 2, of_year - (153 * from_march + 2) / 5 + 1);
}

static uint64_t day_of(uint64_t year, uint64_t month, uint64_t day)
{
	uint64_t shifted = month <= 2 ? year - 1 : year, era = shifted / 400, of_era_year = shifted % 400;
	uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + of_era_year * 365 + of_era_year / 4 - of_era_year / 100 + of_year - 719468;
}

void ck_csn_unpack(const struct ck_packed_csn *packed, char out[CK_PACKED_CSN_TEXT_BYTES])
{
	uint64_t s = packed->at_us / US_PER_S, of_day = s % DAY_S;
	memcpy(out, "YYYYMMDDhhmmss.uuuuuuZ#cccccc#sss#mmmmmm", CK_PACKED_CSN_TEXT_BYTES);
	put_date(out, s / DAY_S);
	put_digits(out + 8, 2, of_day / 3600);
	put_digits(out + 10, 2, of_day / 60 % 60);
	put_digits(out + 12, 2, of_day % 60);
	put_digits(out + 15, 6, packed->at_us % US_PER_S);
	put_hex(out + 23, 6, packed->count);
	put_hex(out + 30, 3, packed->server);
	put_hex(out + 34, 6, packed->change);
}

static uint64_t digits(const char *at, size_t count, unsigned base)
{
	uint64_t value = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned digit = at[i] >= 'a' ? (unsigned)(at[i] - 'a') + 10 : (unsigned)at[i] - '0';
		value = value * base + digit % base; /* what is none is found when the whole is compared */
	}
	return value;
}

bool ck_packed_csn_valid(const struct ck_packed_csn *packed)
{
	return packed->at_us < CK_PACKED_CSN_LIMIT_US && packed->count <= 0xffffff && packed->server <= 0xfff && packed->change <= 0xffffff;
}

bool ck_csn_pack(struct ck_text csn, struct ck_packed_csn *out)
{
	char again[CK_PACKED_CSN_TEXT_BYTES];
	if (csn.length != CK_PACKED_CSN_TEXT_BYTES) return false;
	uint64_t year = digits(csn.at, 4, 10);
	if (year < 1970) return false;
	uint64_t s = day_of(year, digits(csn.at + 4, 2, 10), digits(csn.at + 6, 2, 10)) * DAY_S + digits(csn.at + 8, 2, 10) * 3600 +
	             digits(csn.at + 10, 2, 10) * 60 + digits(csn.at + 12, 2, 10);
	*out = (struct ck_packed_csn){.at_us = s * US_PER_S + digits(csn.at + 15, 6, 10),
	                              .count = digits(csn.at + 23, 6, 16),
	                              .server = digits(csn.at + 30, 3, 16),
	                              .change = digits(csn.at + 34, 6, 16)};
	if (!ck_packed_csn_valid(out)) return false;
	/* a leap second, the 31st of February, capital letters: whatever is not written like this */
	ck_csn_unpack(out, again);
	return memcmp(again, csn.at, sizeof again) == 0;
}
