/* A zone's file (RFC 8536). A table that comes of it is in order, and says an offset for each moment that it covers; the rule at the end of a
   file, alone, never shifts backwards in time. */
#include "directory/base/zone_rule.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define FROM_S INT64_C(1735689600)  /* 2025 */
#define UNTIL_S INT64_C(2114380800) /* 2037 */

static void check_rule(struct ck_text text)
{
	struct ck_zone_rule rule;
	int64_t at_s = FROM_S;
	if (!ck_zone_rule_parse(text, &rule)) return;
	for (int i = 0; i < 8 && at_s != INT64_MAX; i++) {
		int32_t offset_s = ck_zone_rule_offset(&rule, at_s);
		if (offset_s != rule.standard_s && offset_s != rule.summer_s) abort();
		int64_t next_s = ck_zone_rule_next(&rule, at_s);
		if (next_s <= at_s) abort();
		at_s = next_s;
	}
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_zone_table table;
	struct ck_errmsg err = {""};
	int32_t offset_s;
	int64_t until_s;
	check_rule((struct ck_text){(const char *)data, size});
	enum ck_error error = ck_zone_decode((struct ck_bytes){data, size}, FROM_S, UNTIL_S, &table, &err);
	if (!ck_zone_table_valid(&table) || (error != CK_OK && (table.until_s != 0 || err.text[0] == '\0'))) abort();
	if (error != CK_OK) return;
	for (int64_t at_s = FROM_S; at_s < UNTIL_S; at_s = until_s)
		if (!ck_zone_offset(&table, at_s, &offset_s, &until_s) || until_s <= at_s) abort();
}
