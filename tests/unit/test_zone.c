/* Time zones: names, files (each way in which one can be wrong), rules, and the same answers as libc's for every zone of this machine. */
#include "directory/base/buffer.h"
#include "directory/base/clock.h"
#include "directory/base/zone_rule.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400
#define YEARS_FROM INT64_C(1735689600)  /* 2025-01-01 */
#define YEARS_UNTIL INT64_C(2145916800) /* 2038-01-01 */

static struct ck_text t(const char *string) { return ck_text_of(string); }
static struct ck_zone_table table;
static struct ck_errmsg err;

static enum ck_error read_zone(const char *name)
{
	return ck_zone_read(CK_ZONE_DIRECTORY, t(name), YEARS_FROM, YEARS_UNTIL, &table, &err);
}

START_TEST(names_of_zones)
{
	static const char *const good[] = {"UTC", "Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT",
	                                   "America/Port-au-Prince"};
	static const char *const bad[] = {"", "/etc/passwd", "../etc/passwd", "Europe/../UTC", "Europe/", "Europe//London", "europe/london",
	                                  "localtime", "right/UTC", "posix/UTC", "Europe/London\n", "Europe London", ":UTC", "zone.tab", "UTC0,M3.5.0"};
	char longest[CK_ZONE_NAME_LIMIT_BYTES + 2];
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) ck_assert_msg(ck_zone_name_valid(t(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(!ck_zone_name_valid(t(bad[i])), "%s", bad[i]);
	memset(longest, 'A', sizeof longest);
	ck_assert(ck_zone_name_valid((struct ck_text){longest, CK_ZONE_NAME_LIMIT_BYTES}));
	ck_assert(!ck_zone_name_valid((struct ck_text){longest, CK_ZONE_NAME_LIMIT_BYTES + 1}));
	ck_assert(!ck_zone_name_valid((struct ck_text){"A\0B", 3}));
}
END_TEST

START_TEST(years_that_are_kept)
{
	int64_t from_s, until_s, again_s;
	char text[CK_TIME_TEXT_BYTES];
	ck_zone_span(INT64_C(1795334400), &from_s, &until_s); /* 2026-11-22 */
	ck_assert_str_eq(ck_time_format(from_s, text), "2025-01-01T00:00:00Z");
	ck_assert_str_eq(ck_time_format(until_s, text), "2037-01-01T00:00:00Z");
	ck_zone_span(INT64_C(1767225600), &from_s, &again_s); /* 2026's first second, and its last */
	ck_assert_int_eq(again_s, until_s);
	ck_zone_span(INT64_C(1798761599), &from_s, &again_s);
	ck_assert_int_eq(again_s, until_s);
	ck_zone_span(INT64_C(1798761600), &from_s, &again_s);
	ck_assert_int_gt(again_s, until_s);
	/* a clock that is nowhere */
	static const int64_t odd[] = {0, -1, INT64_MIN, INT64_MAX, INT64_C(4294967296), INT64_C(253402300799)};
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		ck_zone_span(odd[i], &from_s, &until_s);
		ck_assert_int_lt(from_s, until_s);
		ck_assert_int_eq(ck_zone_read(CK_ZONE_DIRECTORY, t("Europe/London"), from_s, until_s, &table, &err), CK_OK);
	}
}
END_TEST

START_TEST(london)
{
	int32_t offset_s;
	int64_t until_s;
	char text[CK_TIME_TEXT_BYTES];
	ck_assert_msg(read_zone("Europe/London") == CK_OK, "%s", err.text);
	ck_assert_uint_eq(table.count, 26);
	ck_assert_int_eq(table.offset_s, 0);
	ck_assert_str_eq(ck_time_format(table.at[2].at_s, text), "2026-03-29T01:00:00Z");
	ck_assert_int_eq(table.at[2].offset_s, 3600);
	ck_assert_str_eq(ck_time_format(table.at[3].at_s, text), "2026-10-25T01:00:00Z");
	ck_assert_int_eq(table.at[3].offset_s, 0);
	ck_assert(ck_zone_offset(&table, table.at[2].at_s - 1, &offset_s, &until_s));
	ck_assert_int_eq(offset_s, 0);
	ck_assert_int_eq(until_s, table.at[2].at_s);
	ck_assert(ck_zone_offset(&table, table.at[2].at_s, &offset_s, &until_s));
	ck_assert_int_eq(offset_s, 3600);
	ck_assert_int_eq(until_s, table.at[3].at_s);
	ck_assert(ck_zone_table_valid(&table));
}
END_TEST

START_TEST(what_is_not_covered_has_no_offset)
{
	int32_t offset_s;
	int64_t until_s;
	ck_assert_int_eq(read_zone("Europe/London"), CK_OK);
	ck_assert(ck_zone_offset(&table, YEARS_FROM, &offset_s, &until_s));
	ck_assert(ck_zone_offset(&table, YEARS_UNTIL - 1, &offset_s, &until_s));
	ck_assert_int_eq(until_s, YEARS_UNTIL);
	ck_assert(!ck_zone_offset(&table, YEARS_FROM - 1, &offset_s, &until_s));
	ck_assert(!ck_zone_offset(&table, YEARS_UNTIL, &offset_s, &until_s));
	ck_assert(!ck_zone_offset(&table, 0, &offset_s, &until_s));
	table = (struct ck_zone_table){.count = 0};
	ck_assert(ck_zone_table_valid(&table));
	ck_assert(!ck_zone_offset(&table, 0, &offset_s, &until_s));
}
END_TEST

START_TEST(others)
{
	ck_assert_int_eq(read_zone("UTC"), CK_OK);
	ck_assert_uint_eq(table.count, 0);
	ck_assert_int_eq(table.offset_s, 0);
	ck_assert_int_eq(read_zone("Asia/Kolkata"), CK_OK);
	ck_assert_uint_eq(table.count, 0);
	ck_assert_int_eq(table.offset_s, 19800);
	ck_assert_int_eq(read_zone("Australia/Lord_Howe"), CK_OK); /* half an hour of summer time, in our winter */
	ck_assert_uint_eq(table.count, 26);
	ck_assert_int_eq(table.offset_s, 39600);
	ck_assert_int_eq(table.at[0].offset_s, 37800);
	ck_assert_int_eq(read_zone("Africa/Casablanca"), CK_OK); /* summer time but in Ramadan */
	ck_assert_uint_ge(table.count, 24);
	ck_assert_int_eq(read_zone("Europe/Dublin"), CK_OK); /* standard time in summer */
	ck_assert_int_eq(table.offset_s, 0);
	ck_assert_int_eq(table.at[0].offset_s, 3600);
}
END_TEST

START_TEST(refused_names)
{
	ck_assert_int_eq(read_zone("Mars/Base"), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(table.until_s, 0);
	ck_assert_int_eq(read_zone("Europe"), CK_ERR_NOT_FOUND); /* a folder */
	ck_assert_int_eq(read_zone("../Europe/London"), CK_ERR_INVALID);
	ck_assert_int_eq(ck_zone_read("/nowhere", t("Europe/London"), YEARS_FROM, YEARS_UNTIL, &table, &err), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_zone_read("/nowhere", t("UTC"), YEARS_FROM, YEARS_UNTIL, &table, &err), CK_OK);
}
END_TEST

START_TEST(things_that_are_no_files)
{
	char directory[] = "/tmp/ck-zone-XXXXXX", path[64];
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/Fifo", directory);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	ck_assert_int_eq(ck_zone_read(directory, t("Fifo"), YEARS_FROM, YEARS_UNTIL, &table, &err), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof path, "%s/Huge", directory);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), INT64_C(1) << 40), 0);
	fclose(file);
	ck_assert_int_eq(ck_zone_read(directory, t("Huge"), YEARS_FROM, YEARS_UNTIL, &table, &err), CK_ERR_CORRUPT);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

/* ---- files made here: one right one, then each thing wrong ---- */

struct made {
	uint8_t bytes[1024];
	size_t length;
};
struct recipe {
	uint8_t version;
	uint32_t ut, standard, leap, types, letters, times;
	int64_t first_s, second_s;
	uint8_t first_kind, second_kind;
	int32_t offset_s, summer_s;
	uint8_t is_summer, place;
	const char *rule;
	bool no_second;
};
static const struct recipe right = {.version = '2', .types = 2, .letters = 8, .times = 2, .first_s = 1774746000, .second_s = 1792890000,
                                    .first_kind = 1, .second_kind = 0, .offset_s = 0, .summer_s = 3600, .is_summer = 1, .place = 4,
                                    .rule = "GMT0BST,M3.5.0/1,M10.5.0"};

static void put_header(struct ck_writer *w, const struct recipe *r, bool counts)
{
	static const uint8_t zeros[15];
	ck_put_bytes(w, "TZif", 4);
	ck_put_u8(w, r->version);
	ck_put_bytes(w, zeros, sizeof zeros);
	ck_put_u32be(w, counts ? r->ut : 0);
	ck_put_u32be(w, counts ? r->standard : 0);
	ck_put_u32be(w, counts ? r->leap : 0);
	ck_put_u32be(w, counts ? r->times : 0);
	ck_put_u32be(w, counts ? r->types : 1);
	ck_put_u32be(w, counts ? r->letters : 4);
}

static enum ck_error decode_recipe(const struct recipe *r, size_t cut)
{
	static struct made made;
	struct ck_writer w;
	ck_writer_init(&w, made.bytes, sizeof made.bytes);
	put_header(&w, r, false);
	ck_put_bytes(&w, "\0\0\0\0\0\0GMT", 10); /* the first block: one type, and its letters */
	if (!r->no_second) {
		put_header(&w, r, true);
		if (r->times > 0) ck_put_u64be(&w, (uint64_t)r->first_s);
		if (r->times > 1) ck_put_u64be(&w, (uint64_t)r->second_s);
		if (r->times > 0) ck_put_u8(&w, r->first_kind);
		if (r->times > 1) ck_put_u8(&w, r->second_kind);
		ck_put_u32be(&w, (uint32_t)r->offset_s);
		ck_put_bytes(&w, "\0\0", 2);
		ck_put_u32be(&w, (uint32_t)r->summer_s);
		ck_put_u8(&w, r->is_summer);
		ck_put_u8(&w, r->place);
		ck_put_bytes(&w, "GMT\0BST\0", 8);
		for (uint32_t i = 0; i < r->standard + r->ut; i++) ck_put_u8(&w, 0);
		for (uint32_t i = 0; i < 12 * r->leap; i++) ck_put_u8(&w, 0);
	}
	ck_put_u8(&w, '\n');
	ck_put_bytes(&w, r->rule, strlen(r->rule));
	ck_put_u8(&w, '\n');
	made.length = ck_writer_length(&w) - cut;
	/* exact size, so that a read past its end is seen */
	uint8_t *exact = malloc(made.length);
	ck_assert_ptr_nonnull(exact);
	memcpy(exact, made.bytes, made.length);
	enum ck_error error = ck_zone_decode((struct ck_bytes){exact, made.length}, YEARS_FROM, YEARS_UNTIL, &table, &err);
	free(exact);
	if (error != CK_OK) ck_assert_int_eq(table.until_s, 0);
	return error;
}

#define WRONG(change)                                                                                                  \
	do {                                                                                                           \
		struct recipe r = right;                                                                               \
		change;                                                                                                \
		ck_assert_msg(decode_recipe(&r, 0) == CK_ERR_CORRUPT, "%s", #change);                                  \
	} while (0)

START_TEST(a_file_with_one_thing_wrong)
{
	ck_assert_msg(decode_recipe(&right, 0) == CK_OK, "%s", err.text);
	ck_assert_uint_eq(table.count, 24); /* what it lists, and what its rule says from then on */
	WRONG(r.version = 0);
	WRONG(r.version = '1');
	WRONG(r.version = '5');
	WRONG(r.no_second = true);
	WRONG(r.ut = 1);
	WRONG(r.standard = 1);
	WRONG(r.leap = 1);
	WRONG(r.types = 0);
	WRONG(r.types = 257);
	WRONG(r.types = UINT32_MAX);
	WRONG(r.letters = 0);
	WRONG(r.letters = UINT32_MAX);
	WRONG(r.times = UINT32_MAX);
	WRONG(r.times = 0x20000000);
	WRONG(r.second_s = r.first_s);
	WRONG(r.second_s = r.first_s - 1);
	WRONG(r.second_s = INT64_MAX);
	WRONG(r.second_kind = 2);
	WRONG(r.offset_s = CK_ZONE_OFFSET_LIMIT_S + 1);
	WRONG(r.summer_s = -CK_ZONE_OFFSET_LIMIT_S - 1);
	WRONG(r.is_summer = 2);
	WRONG(r.place = 8);
	WRONG(r.rule = "");
	WRONG(r.rule = "GMT0BST");
	WRONG(r.rule = "GMT1"); /* not what the list ends with */
	for (size_t cut = 1; cut < 162; cut++) ck_assert_msg(decode_recipe(&right, cut) == CK_ERR_CORRUPT, "cut by %zu", cut);
	ck_assert_int_eq(ck_zone_decode((struct ck_bytes){NULL, 0}, YEARS_FROM, YEARS_UNTIL, &table, &err), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(files_without_a_list)
{
	struct recipe r = right;
	r.times = 0;
	ck_assert_int_eq(decode_recipe(&r, 0), CK_OK);
	ck_assert_uint_eq(table.count, 26);
	r.standard = r.ut = 2;
	ck_assert_int_eq(decode_recipe(&r, 0), CK_OK);
	r.rule = "<+0330>-3:30";
	ck_assert_int_eq(decode_recipe(&r, 0), CK_OK);
	ck_assert_int_eq(table.offset_s, 12600);
	ck_assert_uint_eq(table.count, 0);
}
END_TEST

START_TEST(too_many_years)
{
	static const int64_t until_s[] = {YEARS_FROM + INT64_C(40) * 366 * DAY, YEARS_FROM, INT64_MAX};
	for (size_t i = 0; i < sizeof until_s / sizeof *until_s; i++) {
		table.until_s = 1;
		ck_assert_int_eq(ck_zone_read(CK_ZONE_DIRECTORY, t("Europe/London"), YEARS_FROM, until_s[i], &table, &err), CK_ERR_LIMIT);
		ck_assert_int_eq(table.until_s, 0);
	}
}
END_TEST

/* ---- rules ---- */

static const char *rule_day(const char *text, int year)
{
	static char out[CK_TIME_TEXT_BYTES];
	struct ck_zone_rule rule;
	ck_assert_msg(ck_zone_rule_parse(t(text), &rule), "%s", text);
	return ck_time_format(ck_zone_rule_next(&rule, ck_time_of_date(year, 1, 2)), out);
}

START_TEST(rules)
{
	ck_assert_str_eq(rule_day("AAA0BBB,M3.5.0/1,M10.5.0", 2026), "2026-03-29T01:00:00Z");
	ck_assert_str_eq(rule_day("AAA0BBB,M3.5.0,M10.5.0", 2027), "2027-03-28T02:00:00Z");
	ck_assert_str_eq(rule_day("AAA0BBB,M2.5.0/0,M10.5.0", 2032), "2032-02-29T00:00:00Z");
	ck_assert_str_eq(rule_day("AAA0BBB,M4.1.0/0,M10.5.0", 2029), "2029-04-01T00:00:00Z"); /* the first day is one */
	ck_assert_str_eq(rule_day("AAA0BBB,J60/0,J300", 2027), "2027-03-01T00:00:00Z");
	ck_assert_str_eq(rule_day("AAA0BBB,J60/0,J300", 2028), "2028-03-01T00:00:00Z");
	ck_assert_str_eq(rule_day("AAA0BBB,59/0,300", 2027), "2027-03-01T00:00:00Z");
	ck_assert_str_eq(rule_day("AAA0BBB,59/0,300", 2028), "2028-02-29T00:00:00Z");
	ck_assert_str_eq(rule_day("IST-2IDT,M3.4.4/26,M10.5.0", 2026), "2026-03-27T00:00:00Z"); /* the day after the fourth Thursday */
	ck_assert_str_eq(rule_day("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2026), "2026-03-29T01:00:00Z");
	static const char *const wrong[] = {"", "AA0", "AAA", "AAA0BBB", "AAA0BBB,", "AAA0BBB,M3.5.0", "AAA0BBB,M3.5.0,",
	                                    "AAA0BBB,M3.5.0,M10.5.0 ", "AAA0BBB,M0.5.0,M10.5.0", "AAA0BBB,M13.5.0,M10.5.0",
	                                    "AAA0BBB,M3.0.0,M10.5.0", "AAA0BBB,M3.6.0,M10.5.0", "AAA0BBB,M3.5.7,M10.5.0", "AAA0BBB,J0,J300",
	                                    "AAA0BBB,J366,J300", "AAA0BBB,366,300", "AAA25", "AAA0:60", "AAA0:0:60",
	                                    "AAA0BBB,M3.5.0/168,M10.5.0", "<AAA0", "A+A0", "AAA0 ", "AAA0BBB,M3.5,M10.5.0", ":UTC", "AAA--1",
	                                    "AAA0BBB,M3.5.0/,M10.5.0", "AAA0BBB1C,M3.5.0,M10.5.0", "AAA0000BBB,M3.5.0,M10.5.0"};
	struct ck_zone_rule rule;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) ck_assert_msg(!ck_zone_rule_parse(t(wrong[i]), &rule), "%s", wrong[i]);
}
END_TEST

/* RFC 8536, 3.3.1: summer time all year. */
START_TEST(summer_all_year)
{
	struct ck_zone_rule rule;
	ck_assert(ck_zone_rule_parse(t("XXX3EDT4,0/0,J365/23"), &rule));
	for (int64_t at_s = YEARS_FROM; at_s < YEARS_UNTIL; at_s += 1800) ck_assert_int_eq(ck_zone_rule_offset(&rule, at_s), -4 * 3600);
}
END_TEST

/* ---- as libc says ---- */

/* Asserted only where it differs: each assertion of Check is a message to its parent. */
static void same_as_libc(const char *name, int64_t at_s)
{
	struct tm tm;
	int32_t offset_s = 0;
	int64_t until_s;
	time_t at = (time_t)at_s;
	if (localtime_r(&at, &tm) != NULL && ck_zone_offset(&table, at_s, &offset_s, &until_s) && offset_s == tm.tm_gmtoff) return;
	ck_abort_msg("%s at %lld: %d, libc says %ld", name, (long long)at_s, offset_s, tm.tm_gmtoff);
}

static void compare_zone(const char *name, int64_t step_s)
{
	char tz[CK_ZONE_NAME_LIMIT_BYTES + 2];
	snprintf(tz, sizeof tz, ":%s", name);
	ck_assert_int_eq(setenv("TZ", tz, 1), 0);
	tzset();
	ck_assert_msg(read_zone(name) == CK_OK, "%s: %s", name, err.text);
	ck_assert(ck_zone_table_valid(&table));
	for (int64_t at_s = YEARS_FROM; at_s < YEARS_UNTIL; at_s += step_s) same_as_libc(name, at_s);
	for (size_t i = 0; i < table.count; i++) {
		same_as_libc(name, table.at[i].at_s - 1);
		for (int64_t at_s = table.at[i].at_s - 7200; at_s <= table.at[i].at_s + 7200; at_s += 60)
			if (at_s >= YEARS_FROM && at_s < YEARS_UNTIL) same_as_libc(name, at_s);
	}
}

START_TEST(hour_by_hour_as_libc_says)
{
	static const char *const names[] = {"Europe/London", "Pacific/Auckland", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca",
	                                    "America/St_Johns", "Europe/Dublin", "Pacific/Chatham", "Asia/Gaza", "Etc/UTC"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) compare_zone(names[i], 3600);
}
END_TEST

static size_t compare_all(const char *prefix)
{
	char path[512], name[256];
	size_t count = 0;
	snprintf(path, sizeof path, CK_ZONE_DIRECTORY "/%s", prefix);
	DIR *dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct stat st;
		snprintf(name, sizeof name, "%.100s%.100s", prefix, entry->d_name);
		snprintf(path, sizeof path, CK_ZONE_DIRECTORY "/%s", name);
		if (!ck_zone_name_valid(t(name)) || stat(path, &st) != 0) continue;
		if (S_ISDIR(st.st_mode)) {
			strcat(name, "/");
			count += compare_all(name);
		} else {
			compare_zone(name, 13 * 86400 + 3601);
			count++;
		}
	}
	closedir(dir);
	return count;
}

START_TEST(every_zone_as_libc_says)
{
	ck_assert_uint_gt(compare_all(""), 300);
}
END_TEST

START_TEST(the_machines_own)
{
	char name[CK_ZONE_NAME_LIMIT_BYTES + 1];
	ck_assert(ck_zone_name_valid(t(ck_zone_of_machine(name))));
}
END_TEST

START_TEST(tables_that_are_out_of_order)
{
	struct ck_zone_table good = {.from_s = 0, .until_s = 100, .count = 2, .at = {{10, 3600}, {20, 0}}}, bad;
#define BAD(change)                                                                                                    \
	do {                                                                                                           \
		bad = good;                                                                                            \
		change;                                                                                                \
		ck_assert_msg(!ck_zone_table_valid(&bad), "%s", #change);                                              \
		ck_assert(!ck_zone_table_equal(&good, &bad));                                                          \
	} while (0)
	ck_assert(ck_zone_table_valid(&good));
	ck_assert(ck_zone_table_equal(&good, &good));
	BAD(bad.at[0].at_s = 0);
	BAD(bad.at[0].at_s = 20);
	BAD(bad.at[1].at_s = 100);
	BAD(bad.at[0].offset_s = 0);
	BAD(bad.at[1].offset_s = 3600);
	BAD(bad.at[1].offset_s = CK_ZONE_OFFSET_LIMIT_S + 1);
	BAD(bad.offset_s = -CK_ZONE_OFFSET_LIMIT_S - 1);
	BAD(bad.until_s = 0);
	BAD(bad.from_s = 200);
	BAD(bad.count = CK_ZONE_SHIFTS_LIMIT + 1);
	BAD((bad.from_s = bad.until_s = 5, bad.count = 0));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("zone");
	TCase *c = tcase_create("zone");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, names_of_zones);
	tcase_add_test(c, years_that_are_kept);
	tcase_add_test(c, london);
	tcase_add_test(c, what_is_not_covered_has_no_offset);
	tcase_add_test(c, others);
	tcase_add_test(c, refused_names);
	tcase_add_test(c, things_that_are_no_files);
	tcase_add_test(c, a_file_with_one_thing_wrong);
	tcase_add_test(c, files_without_a_list);
	tcase_add_test(c, too_many_years);
	tcase_add_test(c, rules);
	tcase_add_test(c, summer_all_year);
	tcase_add_test(c, hour_by_hour_as_libc_says);
	tcase_add_test(c, every_zone_as_libc_says);
	tcase_add_test(c, the_machines_own);
	tcase_add_test(c, tables_that_are_out_of_order);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
