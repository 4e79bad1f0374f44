/* The ledger's counters: what it recorded, what the directory told, and what of the one the other does not have. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_use.h"
#include "authd/protocol/message.h"
#include "tests/unit/suite.h"

#define DAY_S 86400
#define NOW_S INT64_C(1800000000)

static struct ck_counters *counters;
static uint8_t key[CK_COUNTER_KEY_BYTES];
static uint32_t other;

static void key_of(uint32_t number, uint8_t out[CK_COUNTER_KEY_BYTES])
{
	crypto_generichash(out, CK_COUNTER_KEY_BYTES, (const unsigned char *)&number, sizeof number, NULL, 0);
}

static void make(void)
{
	ck_assert_int_eq(ck_counters_new(0, &counters), CK_OK);
	key_of(1, key);
}

static void drop(void) { ck_counters_free(&counters); }

static enum ck_counter_verdict judge(uint32_t count, int64_t issued_ms)
{
	return ck_counters_judge(counters, key, count, issued_ms, &other);
}

static bool allows(uint32_t count) { return judge(count, 0) == CK_COUNTER_STANDS; }

static void advance(uint32_t count, int64_t used_s) { ck_assert_int_eq(ck_counters_advance(counters, key, count, used_s), CK_OK); }

static void tell(bool there, uint32_t count, int64_t used_s, int64_t written_s, int64_t now_ms)
{
	struct ck_counter_told told = { .there = there, .count = count, .used_s = used_s, .written_s = written_s };
	ck_assert_int_eq(ck_counters_tell(counters, key, &told, now_ms), CK_OK);
}

static bool is_due(int64_t now_s)
{
	struct ck_counter due;
	size_t places = ck_counters_places(counters), count = 0;
	while (ck_counters_due(counters, now_s, DAY_S, &places, &due)) {
		ck_assert_mem_eq(due.key, key, sizeof key);
		count++;
	}
	ck_assert_uint_eq(places, 0);
	ck_assert_uint_le(count, 1);
	return count == 1;
}

/* ---- what was recorded ---- */

START_TEST(a_counter_must_go_up)
{
	ck_assert(allows(5));
	advance(5, NOW_S);
	ck_assert_int_eq(judge(5, 0), CK_COUNTER_BACK);
	ck_assert_uint_eq(other, 5);
	ck_assert_int_eq(judge(4, 0), CK_COUNTER_BACK);
	ck_assert_int_eq(judge(0, 0), CK_COUNTER_BACK);
	ck_assert(allows(6));
	ck_assert(allows(UINT32_MAX));
}
END_TEST

START_TEST(a_key_without_a_counter_says_0_for_ever)
{
	for (int i = 0; i < 3; i++) {
		ck_assert(allows(0));
		advance(0, NOW_S);
	}
	tell(true, 0, NOW_S, NOW_S, 100);
	ck_assert_int_eq(judge(0, 50), CK_COUNTER_STANDS);
	ck_assert(allows(1));
	advance(1, NOW_S);
	ck_assert(!allows(0));
}
END_TEST

START_TEST(counters_never_go_back_and_survive_growth)
{
	struct ck_counter each;
	for (uint32_t i = 1; i <= 20000; i++) {
		key_of(i, key);
		advance(i, NOW_S + i);
		advance(i - 1, NOW_S);
		tell(true, i / 2, NOW_S, NOW_S, 7);
	}
	for (uint32_t i = 1; i <= 20000; i++) {
		key_of(i, key);
		ck_assert(!allows(i));
		ck_assert_uint_eq(other, i);
		ck_assert(allows(i + 1));
	}
	size_t at = 0, all = 0;
	for (; ck_counters_next(counters, &at, &each); all++) ck_assert_int_eq(each.used_s, NOW_S + each.count);
	ck_assert_uint_eq(all, 20000);
	ck_assert_uint_eq(ck_counters_count(counters), 20000);
}
END_TEST

/* ---- what the directory told ---- */

START_TEST(a_count_known_from_elsewhere_refuses_what_was_issued_since)
{
	tell(true, 10, NOW_S, NOW_S, 1000);
	ck_assert_uint_eq(ck_counters_count(counters), 0);
	ck_assert_int_eq(judge(10, 1000), CK_COUNTER_BEHIND);
	ck_assert_uint_eq(other, 10);
	ck_assert_int_eq(judge(9, 5000), CK_COUNTER_BEHIND);
	ck_assert_int_eq(judge(0, 5000), CK_COUNTER_BEHIND);
	ck_assert_int_eq(judge(11, 5000), CK_COUNTER_STANDS);
}
END_TEST

START_TEST(a_count_that_came_from_elsewhere_meanwhile_alarms_only)
{
	tell(true, 10, NOW_S, NOW_S, 1000);
	ck_assert_int_eq(judge(10, 999), CK_COUNTER_OVERTAKEN);
	ck_assert_uint_eq(other, 10);
	/* told again, it is known no later */
	tell(true, 10, NOW_S + 5, NOW_S + 5, 2000);
	ck_assert_int_eq(judge(10, 1500), CK_COUNTER_BEHIND);
	tell(true, 12, NOW_S + 5, NOW_S + 5, 3000);
	ck_assert_int_eq(judge(12, 2999), CK_COUNTER_OVERTAKEN);
	/* what this ledger recorded itself refuses, whenever it was issued */
	advance(12, NOW_S);
	ck_assert_int_eq(judge(12, 0), CK_COUNTER_BACK);
}
END_TEST

START_TEST(what_the_directory_says_lowers_nothing_that_was_recorded)
{
	advance(100, NOW_S);
	tell(true, 3, NOW_S, NOW_S, 1);
	ck_assert_int_eq(judge(50, 0), CK_COUNTER_BACK);
	tell(false, 0, 0, 0, 2);
	ck_assert_int_eq(judge(50, 0), CK_COUNTER_BACK);
	ck_assert_uint_eq(ck_counters_count(counters), 1);
}
END_TEST

START_TEST(what_is_gone_from_the_directory_refuses_no_more)
{
	tell(true, 10, NOW_S, NOW_S, 1);
	tell(false, 0, 0, 0, 2);
	ck_assert(allows(5));
	/* and a key that nobody knows takes no place */
	key_of(2, key);
	tell(false, 0, 0, 0, 3);
	ck_assert(allows(0));
}
END_TEST

START_TEST(what_a_round_does_not_tell_is_not_there)
{
	tell(true, 10, NOW_S, NOW_S, 1);
	key_of(2, key);
	tell(true, 20, NOW_S, NOW_S, 1);
	ck_counters_begin_round(counters);
	tell(true, 20, NOW_S, NOW_S, 2);
	ck_assert(!allows(20));
	key_of(1, key);
	ck_assert(!allows(10)); /* not before the round has ended */
	ck_counters_end_round(counters);
	ck_assert(allows(10));
	key_of(2, key);
	ck_assert(!allows(20));
}
END_TEST

/* ---- leaps ---- */

static bool leaps(uint32_t count, int64_t now_s) { return ck_counters_leaps(counters, key, count, now_s, &other); }

START_TEST(no_key_counts_so_fast)
{
	ck_assert(!leaps(UINT32_MAX, NOW_S)); /* nothing is known of it */
	advance(1000, NOW_S);
	ck_assert(!leaps(1000 + CK_COUNTER_LEAP_FREE, NOW_S));
	ck_assert(leaps(1001 + CK_COUNTER_LEAP_FREE, NOW_S));
	ck_assert_uint_eq(other, 1000);
	ck_assert(leaps(UINT32_MAX, NOW_S + 365 * DAY_S));
	/* one that counts seconds, or an idle key of another sort */
	ck_assert(!leaps(1000 + CK_COUNTER_LEAP_FREE + 16 * DAY_S, NOW_S + DAY_S));
	ck_assert(leaps(1001 + CK_COUNTER_LEAP_FREE + 16 * DAY_S, NOW_S + DAY_S));
	/* a clock that was set back gives no time */
	ck_assert(leaps(1001 + CK_COUNTER_LEAP_FREE, NOW_S - DAY_S));
	ck_assert(!leaps(1, NOW_S)); /* that is for the other rule */
	ck_assert(!leaps(0, NOW_S));
}
END_TEST

START_TEST(what_the_directory_told_is_a_beginning_too)
{
	tell(true, 5000000, NOW_S, NOW_S, 1);
	ck_assert(!leaps(5000001, NOW_S));
	ck_assert(leaps(5000001 + CK_COUNTER_LEAP_FREE, NOW_S));
	advance(7, NOW_S - 10 * DAY_S);
	ck_assert(leaps(5000001 + CK_COUNTER_LEAP_FREE, NOW_S));
	tell(false, 0, 0, 0, 2);
	ck_assert(leaps(5000001, NOW_S - 10 * DAY_S));
	ck_assert_uint_eq(other, 7);
}
END_TEST

START_TEST(what_is_forgotten_is_not_known)
{
	advance(1000, NOW_S);
	tell(true, 2000, NOW_S, NOW_S, 1);
	ck_counters_forget(counters, key);
	ck_assert(allows(1));
	ck_assert(!leaps(UINT32_MAX, NOW_S));
	ck_assert_uint_eq(ck_counters_count(counters), 0);
	ck_assert(!is_due(NOW_S + DAY_S));
	advance(5, NOW_S);
	ck_assert(!allows(5));
	ck_assert(allows(6));
	ck_assert_uint_eq(ck_counters_count(counters), 1);
	key_of(2, key);
	ck_counters_forget(counters, key);
	ck_assert_uint_eq(ck_counters_count(counters), 1);
}
END_TEST

/* ---- what the directory is to be given ---- */

START_TEST(a_use_is_due_once_an_interval)
{
	ck_assert(!is_due(NOW_S));
	advance(5, NOW_S);
	ck_assert(is_due(NOW_S)); /* the directory has none */
	tell(true, 5, NOW_S, NOW_S, 1);
	ck_assert(!is_due(NOW_S + 10 * DAY_S)); /* it has this one */
	advance(6, NOW_S + 60);
	ck_assert(!is_due(NOW_S + 60));
	ck_assert(!is_due(NOW_S + DAY_S - 1));
	ck_assert(is_due(NOW_S + DAY_S));
	advance(9, NOW_S + 120);
	struct ck_counter due;
	size_t places = ck_counters_places(counters);
	ck_assert(ck_counters_due(counters, NOW_S + DAY_S, DAY_S, &places, &due));
	ck_assert_uint_eq(due.count, 9);
	ck_assert_int_eq(due.used_s, NOW_S + 120);
}
END_TEST

START_TEST(a_key_without_a_counter_is_due_for_its_last_use)
{
	advance(0, NOW_S);
	tell(true, 0, NOW_S, NOW_S, 1);
	ck_assert(!is_due(NOW_S + 2 * DAY_S));
	advance(0, NOW_S + DAY_S);
	ck_assert(is_due(NOW_S + 2 * DAY_S));
}
END_TEST

START_TEST(what_was_tried_rests_for_an_interval)
{
	advance(5, NOW_S);
	tell(false, 0, 0, NOW_S + 10, 1);
	ck_assert(!is_due(NOW_S + DAY_S));
	ck_assert(is_due(NOW_S + 10 + DAY_S));
}
END_TEST

START_TEST(a_clock_that_was_set_back_stops_nothing)
{
	advance(5, NOW_S);
	tell(true, 4, NOW_S - 10, NOW_S + 100 * DAY_S, 1);
	ck_assert(is_due(NOW_S));
	tell(true, 4, NOW_S - 10, NOW_S + 5, 1);
	ck_assert(!is_due(NOW_S)); /* but another server's clock may be a little ahead */
}
END_TEST

START_TEST(what_somebody_took_out_of_the_directory_is_due_again)
{
	advance(5, NOW_S);
	tell(true, 5, NOW_S, NOW_S, 1);
	ck_assert(!is_due(NOW_S));
	tell(false, 0, 0, 0, 2);
	ck_assert(is_due(NOW_S));
	/* what this ledger never recorded is not its to write */
	key_of(2, key);
	tell(true, 5, NOW_S, NOW_S, 1);
	tell(false, 0, 0, 0, 2);
	ck_counters_free(&counters);
	make();
	tell(true, 5, NOW_S, NOW_S, 1);
	tell(false, 0, 0, 0, 2);
	ck_assert(!is_due(NOW_S));
}
END_TEST

START_TEST(what_is_due_is_looked_for_in_turn)
{
	struct ck_counter due;
	size_t found = 0;
	for (uint32_t i = 0; i < 300; i++) {
		key_of(i, key);
		advance(1, NOW_S);
	}
	for (size_t looks = ck_counters_places(counters) / 64; looks > 0; looks--)
		for (size_t places = 64; ck_counters_due(counters, NOW_S, DAY_S, &places, &due);) found++;
	ck_assert_uint_eq(found, 300);
}
END_TEST

/* ---- the message ---- */

static struct ck_map map;
static uint8_t bytes[32768];

static void encode(const struct ck_use *uses, size_t count, uint64_t due_limit, uint64_t stage)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_MSG_KEY_USES);
	ck_field_uint(&m, CK_F_REQUEST, 1);
	ck_field_uint(&m, CK_F_COUNT, due_limit);
	ck_uses_put(&m, uses, count);
	ck_field_uint(&m, CK_F_STAGE, stage);
	ck_map_end(&m);
	ck_assert(!w.failed);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes, ck_writer_length(&w) }, &map), CK_OK);
}

static struct ck_uses_asked asked;

START_TEST(uses_come_as_they_were_sent)
{
	static struct ck_use uses[CK_USES_LIMIT], due[CK_USES_DUE_LIMIT];
	for (uint32_t i = 0; i < CK_USES_LIMIT; i++) {
		uses[i] = (struct ck_use){ .there = true, .count = i, .used_s = -5 - (int64_t)i, .written_s = NOW_S };
		key_of(i, uses[i].hash);
		memcpy(key, uses[i].hash, sizeof key);
		advance(i + 1, NOW_S);
	}
	uses[7].there = false;
	encode(uses, CK_USES_LIMIT, CK_USES_DUE_LIMIT, CK_USES_FIRST | CK_USES_LAST);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_OK);
	ck_assert(asked.first && asked.last && asked.due_limit == CK_USES_DUE_LIMIT && asked.told_count == CK_USES_LIMIT);
	for (size_t i = 0; i < CK_USES_LIMIT; i++) {
		ck_assert_mem_eq(asked.told[i].hash, uses[i].hash, CK_HASH_BYTES);
		ck_assert(asked.told[i].there == uses[i].there && asked.told[i].count == uses[i].count);
		ck_assert(asked.told[i].used_s == uses[i].used_s && asked.told[i].written_s == uses[i].written_s);
	}
	ck_assert_int_eq(ck_uses_take(counters, &asked, 1), CK_OK);
	ck_assert_uint_eq(ck_uses_due(counters, &asked, NOW_S, DAY_S, due), 0);
	ck_assert_uint_eq(ck_uses_due(counters, &asked, NOW_S + DAY_S, DAY_S, due), CK_USES_DUE_LIMIT);
	asked.due_limit = 3;
	ck_assert_uint_eq(ck_uses_due(counters, &asked, NOW_S + DAY_S, DAY_S, due), 3);
	asked.due_limit = 0;
	ck_assert_uint_eq(ck_uses_due(counters, &asked, NOW_S + DAY_S, DAY_S, due), 0);
}
END_TEST

START_TEST(what_is_not_a_message_about_uses_is_refused)
{
	struct ck_use use = { .there = true, .count = 1, .used_s = 2, .written_s = 3 };
	encode(&use, 1, CK_USES_DUE_LIMIT + 1, 0);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_ERR_INVALID);
	encode(&use, 1, 0, 4);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_ERR_INVALID);
	use.used_s = INT64_C(1) << 48;
	encode(&use, 1, 0, 0);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_ERR_INVALID);
	use.used_s = 0;
	use.written_s = INT64_MIN;
	encode(&use, 1, 0, 0);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_ERR_INVALID);
	use.written_s = 0;
	encode(&use, 1, 0, 0);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_OK);
	map.present &= ~CK_KEY(CK_F_STAGE);
	ck_assert_int_eq(ck_uses_read(&map, &asked), CK_ERR_INVALID);
}
END_TEST

/* One item of the array in the place of another, or one missing. */
START_TEST(each_item_of_a_use_is_checked)
{
	static const char *const arrays[] = {
		"\x81\x01",                                    /* no whole use */
		"\x85\x41\x01\xf5\x01\x02\x03",                /* a hash of one byte */
		"\x85\x58\x20%\x01\x01\x02\x03",               /* a number where it says whether there is an entry */
		"\x85\x58\x20%\xf5\x20\x02\x03",               /* a counter below 0 */
		"\x85\x58\x20%\xf5\x1b\x00\x00\x00\x01\x00\x00\x00\x00\x02\x03", /* one above 32 bits */
		"\x85\x58\x20%\xf5\x01\xf5\x03",               /* no time */
		"\x85\x58\x20%\xf5\x01\x02\x41\x03",
	};
	static const size_t lengths[] = { 2, 7, 8, 8, 16, 8, 9 };
	for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
		struct ck_use out[CK_USES_LIMIT];
		size_t count, used = 0;
		static const uint8_t head[] = { 0xa1, 0x18, CK_F_USES };
		memcpy(bytes, head, sizeof head);
		used = sizeof head;
		for (size_t k = 0; k < lengths[i]; k++) {
			if (arrays[i][k] == '%' && k == 3) {
				memset(bytes + used, 0xee, 32);
				used += 32;
			} else {
				bytes[used++] = (uint8_t)arrays[i][k];
			}
		}
		ck_assert_msg(ck_map_parse((struct ck_bytes){ bytes, used }, &map) == CK_OK, "case %zu is no map", i);
		ck_assert_msg(ck_uses_get(&map, out, &count) == CK_ERR_INVALID, "case %zu", i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger counter");
	TCase *tc = tcase_create("counters");
	tcase_add_checked_fixture(tc, make, drop);
	tcase_add_test(tc, a_counter_must_go_up);
	tcase_add_test(tc, a_key_without_a_counter_says_0_for_ever);
	tcase_add_test(tc, counters_never_go_back_and_survive_growth);
	tcase_add_test(tc, a_count_known_from_elsewhere_refuses_what_was_issued_since);
	tcase_add_test(tc, a_count_that_came_from_elsewhere_meanwhile_alarms_only);
	tcase_add_test(tc, what_the_directory_says_lowers_nothing_that_was_recorded);
	tcase_add_test(tc, what_is_gone_from_the_directory_refuses_no_more);
	tcase_add_test(tc, what_a_round_does_not_tell_is_not_there);
	tcase_add_test(tc, no_key_counts_so_fast);
	tcase_add_test(tc, what_the_directory_told_is_a_beginning_too);
	tcase_add_test(tc, what_is_forgotten_is_not_known);
	tcase_add_test(tc, a_use_is_due_once_an_interval);
	tcase_add_test(tc, a_key_without_a_counter_is_due_for_its_last_use);
	tcase_add_test(tc, what_was_tried_rests_for_an_interval);
	tcase_add_test(tc, a_clock_that_was_set_back_stops_nothing);
	tcase_add_test(tc, what_somebody_took_out_of_the_directory_is_due_again);
	tcase_add_test(tc, what_is_due_is_looked_for_in_turn);
	tcase_add_test(tc, uses_come_as_they_were_sent);
	tcase_add_test(tc, what_is_not_a_message_about_uses_is_refused);
	tcase_add_test(tc, each_item_of_a_use_is_checked);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
