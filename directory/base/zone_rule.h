/* The rule at the end of a zone's file (RFC 8536 3.3.1; POSIX TZ with its extensions): when the clock shifts each year from then on. For
   zone_file.c. */
#ifndef CK_BASE_ZONE_RULE_H
#define CK_BASE_ZONE_RULE_H

#include "directory/base/zone.h"

enum ck_zone_day { CK_ZONE_DAY_OF_WEEK = 0, CK_ZONE_DAY_BUT_LEAP, CK_ZONE_DAY_OF_YEAR };
struct ck_zone_date {
	enum ck_zone_day form;
	int month, week, weekday; /* Mm.w.d: week 5 is the last, weekday 0 Sunday */
	int day;                  /* Jn: 1 to 365, without 29 February; n: 0 to 365 */
	int32_t time_s;           /* of that day, of the clock as it was; -167 to 167 hours */
};
struct ck_zone_rule {
	int32_t standard_s, summer_s; /* ahead of UTC */
	bool shifts;                  /* else always standard */
	struct ck_zone_date begins, ends; /* of summer time */
};

/* False: not exactly that form. */
bool ck_zone_rule_parse(struct ck_text text, struct ck_zone_rule *out);
int32_t ck_zone_rule_offset(const struct ck_zone_rule *rule, int64_t at_s);
/* The first shift after that moment, as far as a year and more ahead; INT64_MAX where there is none. */
int64_t ck_zone_rule_next(const struct ck_zone_rule *rule, int64_t at_s);

#endif
