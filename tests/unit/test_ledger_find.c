/* Budgets of looking people up: who has used up theirs is refused and alarmed once; others go on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_find.h"
#include "tests/unit/suite.h"

#define DAY_MS INT64_C(86400000)

static struct ck_finds *finds;
static int64_t now_ms;

static struct ck_id id_of(uint32_t number)
{
	struct ck_id id = {{1}};
	memcpy(id.bytes + 4, &number, sizeof number);
	return id;
}

static void begin(void)
{
	const struct ck_find_limits limits = {.person_per_day = 10, .switchboard_per_day = 100, .authority_per_day = 120};
	now_ms = 1000;
	ck_assert_int_eq(ck_finds_new(&limits, &finds), CK_OK);
}

static void end(void) { ck_finds_free(&finds); }

static struct ck_find_charge charge(unsigned person, unsigned authority, enum ck_find_budget budget, uint64_t people)
{
	return ck_finds_charge(finds, id_of(person), id_of(authority), budget, people, now_ms);
}

START_TEST(a_person_has_a_days_budget)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 4).verdict, CK_FIND_WITHIN);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 6).verdict, CK_FIND_WITHIN);
	struct ck_find_charge refused = charge(1, 100, CK_FIND_BUDGET_PERSON, 1);
	ck_assert_int_eq(refused.verdict, CK_FIND_OVER_PERSON);
	ck_assert(refused.first);
	ck_assert(!charge(1, 100, CK_FIND_BUDGET_PERSON, 1).first);
	/* one's own authority's people cost nothing, and others have their own */
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 0).verdict, CK_FIND_WITHIN);
	ck_assert_int_eq(charge(2, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
}
END_TEST

START_TEST(what_does_not_fit_takes_nothing)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 11).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
}
END_TEST

START_TEST(it_comes_back_over_the_day)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	ck_assert(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).first);
	now_ms += DAY_MS / 10;
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_WITHIN);
	struct ck_find_charge again = charge(1, 100, CK_FIND_BUDGET_PERSON, 1);
	ck_assert_int_eq(again.verdict, CK_FIND_OVER_PERSON);
	ck_assert(!again.first); /* no alarm for each drop */
	now_ms += 3 * DAY_MS;
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 11).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	ck_assert(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).verdict == CK_FIND_OVER_PERSON);
	now_ms -= DAY_MS; /* never backwards, but nothing is gained by it */
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_PERSON);
}
END_TEST

START_TEST(a_switchboard_has_more)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_SWITCHBOARD, 100).verdict, CK_FIND_WITHIN);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_SWITCHBOARD, 1).verdict, CK_FIND_OVER_PERSON);
	/* whoever becomes one has it at once */
	ck_assert_int_eq(charge(2, 101, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	ck_assert_int_eq(charge(2, 101, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(2, 101, CK_FIND_BUDGET_SWITCHBOARD, 90).verdict, CK_FIND_WITHIN);
}
END_TEST

START_TEST(an_authority_has_one_too)
{
	for (unsigned person = 1; person <= 12; person++) ck_assert_int_eq(charge(person, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	struct ck_find_charge refused = charge(13, 100, CK_FIND_BUDGET_PERSON, 1);
	ck_assert_int_eq(refused.verdict, CK_FIND_OVER_AUTHORITY);
	ck_assert(refused.first);
	ck_assert(!charge(14, 100, CK_FIND_BUDGET_PERSON, 1).first);
	ck_assert_int_eq(charge(15, 101, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_WITHIN);
	/* who was refused for the others has lost nothing */
	now_ms += DAY_MS;
	ck_assert_int_eq(charge(13, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
}
END_TEST

START_TEST(there_is_room_for_ever_more)
{
	for (unsigned i = 0; i < 70000; i++) ck_assert_int_eq(charge(i, 1000000 + i, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_WITHIN);
}
END_TEST

/* ---- over a start of the ledger ---- */

static uint8_t saved[65536];
static size_t saved_bytes;

static void save(int64_t wall_ms)
{
	struct ck_writer w;
	ck_assert_uint_le(ck_finds_saved_bytes(finds), sizeof saved);
	ck_writer_init(&w, saved, ck_finds_saved_bytes(finds));
	ck_finds_save(finds, now_ms, wall_ms, &w);
	ck_assert(!w.failed);
	saved_bytes = ck_writer_length(&w);
	ck_assert_uint_eq(saved_bytes, ck_finds_saved_bytes(finds));
}

static enum ck_error load(int64_t wall_ms)
{
	struct ck_reader r;
	end();
	begin();
	ck_reader_init(&r, saved, saved_bytes);
	enum ck_error error = ck_finds_load(finds, now_ms, wall_ms, &r);
	return error == CK_OK && !ck_reader_done(&r) ? CK_ERR_CORRUPT : error;
}

#define WALL_MS INT64_C(1790000000000)

START_TEST(what_was_used_is_kept)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	ck_assert(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).first);
	ck_assert_int_eq(charge(2, 100, CK_FIND_BUDGET_SWITCHBOARD, 100).verdict, CK_FIND_WITHIN);
	save(WALL_MS);
	ck_assert_int_eq(load(WALL_MS), CK_OK);
	struct ck_find_charge again = charge(1, 100, CK_FIND_BUDGET_PERSON, 1);
	ck_assert_int_eq(again.verdict, CK_FIND_OVER_PERSON);
	ck_assert(!again.first); /* it was told */
	ck_assert_int_eq(charge(2, 100, CK_FIND_BUDGET_SWITCHBOARD, 1).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(3, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	ck_assert_int_eq(charge(4, 100, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_AUTHORITY); /* 120 of 120 */
}
END_TEST

START_TEST(the_time_it_was_away_counts)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	save(WALL_MS);
	ck_assert_int_eq(load(WALL_MS + DAY_MS / 2), CK_OK);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 6).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 5).verdict, CK_FIND_WITHIN);
	ck_assert_int_eq(load(WALL_MS - 5 * DAY_MS), CK_OK); /* a clock that was set back meanwhile */
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_PERSON);
}
END_TEST

/* A snapshot with one byte changed; at most `length` bytes of it. */
static enum ck_error load_changed(size_t at, uint8_t byte, size_t length)
{
	end();
	begin();
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	save(WALL_MS);
	saved[at] = byte;
	if (length < saved_bytes) saved_bytes = length;
	return load(WALL_MS);
}

START_TEST(a_damaged_snapshot_is_refused)
{
	ck_assert_int_eq(load_changed(0, 1, SIZE_MAX), CK_OK); /* one it is */
	ck_assert_int_eq(load_changed(0, 1, saved_bytes - 1), CK_ERR_CORRUPT);      /* too short */
	ck_assert_int_eq(load_changed(3, 0x7f, SIZE_MAX), CK_ERR_CORRUPT);          /* more than there can be */
	ck_assert_int_eq(load_changed(4 + 16 + 7, 0xff, SIZE_MAX), CK_ERR_CORRUPT); /* more was used than there is */
	ck_assert_int_eq(load_changed(4 + 24 + 7, 0xff, SIZE_MAX), CK_ERR_CORRUPT); /* at no time */
	ck_assert_int_eq(load_changed(4 + 32, 2, SIZE_MAX), CK_ERR_CORRUPT);        /* neither refused nor not */
}
END_TEST

START_TEST(a_log_that_is_read_again_says_it_too)
{
	ck_finds_replay(finds, id_of(1), id_of(100), CK_FIND_BUDGET_PERSON, 10, now_ms - DAY_MS / 2);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 6).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 5).verdict, CK_FIND_WITHIN);
	ck_finds_replay(finds, id_of(2), id_of(101), CK_FIND_BUDGET_PERSON, 500, now_ms - 2); /* the limits were others then */
	ck_assert_int_eq(charge(2, 101, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_PERSON);
	ck_assert_int_eq(charge(3, 101, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_AUTHORITY);
}
END_TEST

START_TEST(no_hour_is_forgotten_twice)
{
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 10).verdict, CK_FIND_WITHIN);
	now_ms -= DAY_MS;
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_PERSON);
	now_ms += DAY_MS;
	ck_assert_int_eq(charge(1, 100, CK_FIND_BUDGET_PERSON, 1).verdict, CK_FIND_OVER_PERSON);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger find");
	TCase *tc = tcase_create("ledger find");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_person_has_a_days_budget);
	tcase_add_test(tc, what_does_not_fit_takes_nothing);
	tcase_add_test(tc, it_comes_back_over_the_day);
	tcase_add_test(tc, a_switchboard_has_more);
	tcase_add_test(tc, an_authority_has_one_too);
	tcase_add_test(tc, there_is_room_for_ever_more);
	tcase_add_test(tc, what_was_used_is_kept);
	tcase_add_test(tc, the_time_it_was_away_counts);
	tcase_add_test(tc, a_damaged_snapshot_is_refused);
	tcase_add_test(tc, a_log_that_is_read_again_says_it_too);
	tcase_add_test(tc, no_hour_is_forgotten_twice);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
