/* The time that decisions go by, while the machine's clock is set, jumps and is wrong. */
#include <check.h>
#include <stdlib.h>

#include "authd/wall.h"
#include "directory/base/clock.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/suite.h"

#define DAY 86400
#define NOW INT64_C(1795334400) /* 2026-11-22 */

static struct ck_wall wall;

static void setup(void)
{
	ck_fake_boot_ms = 0;
	ck_fake_wall_is(NOW);
	ck_wall_begin(&wall);
}

static void sure_of(int64_t time_s)
{
	struct ck_moment now = ck_wall_now(&wall);
	ck_assert(!now.behind);
	ck_assert_int_ge(now.s, time_s);
	ck_assert_int_le(now.s, time_s + 5);
}

static void behind_since(int64_t time_s)
{
	struct ck_moment now = ck_wall_now(&wall);
	ck_assert(now.behind);
	ck_assert_int_ge(now.s, time_s);
	ck_assert_int_le(now.s, time_s + 5);
}

START_TEST(it_follows_the_clock)
{
	sure_of(NOW);
	ck_fake_wall_is(NOW + DAY);
	sure_of(NOW + DAY);
	ck_assert(!ck_id_is_zero(wall.boot));
}
END_TEST

START_TEST(a_small_step_back_stands_still)
{
	sure_of(NOW);
	ck_fake_wall_is(NOW - CK_WALL_TOLERANCE_S + 10);
	sure_of(NOW);
	ck_fake_wall_is(NOW + 60);
	sure_of(NOW + 60);
}
END_TEST

START_TEST(a_day_back)
{
	sure_of(NOW);
	ck_fake_wall_is(NOW - DAY);
	behind_since(NOW);
	ck_fake_wall_is(NOW - CK_WALL_TOLERANCE_S - 30);
	behind_since(NOW);
	ck_fake_wall_is(NOW + 1);
	sure_of(NOW);
}
END_TEST

START_TEST(a_day_forth_and_back)
{
	sure_of(NOW);
	ck_fake_wall_is(NOW + DAY);
	sure_of(NOW + DAY);
	ck_fake_wall_is(NOW);
	behind_since(NOW + DAY);
	ck_wall_confirm(&wall);
	sure_of(NOW);
}
END_TEST

START_TEST(what_was_recorded_holds)
{
	ck_wall_raise(&wall, NOW + DAY);
	behind_since(NOW + DAY);
	ck_wall_raise(&wall, NOW); /* never down */
	behind_since(NOW + DAY);
}
END_TEST

START_TEST(clocks_that_cannot_be)
{
	static const int64_t times[] = {0, 1, -1, INT64_C(-62135596800), CK_CLOCK_EPOCH_S - CK_WALL_TOLERANCE_S - 60, INT64_C(253402300800)};
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		ck_fake_wall_is(times[i]);
		ck_wall_begin(&wall);
		behind_since(CK_CLOCK_EPOCH_S);
	}
	ck_wall_confirm(&wall); /* not even by root's word */
	behind_since(CK_CLOCK_EPOCH_S);
}
END_TEST

START_TEST(the_ends_of_counters)
{
	/* signed 32 bits, unsigned 32 bits, each on both sides */
	static const int64_t times[] = {INT64_C(2147483640), INT64_C(2147483650), INT64_C(4294967290), INT64_C(4294967300), INT64_C(7258118400)};
	char text[CK_TIME_TEXT_BYTES];
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		ck_fake_wall_is(times[i]);
		sure_of(times[i]);
	}
	ck_assert_str_eq(ck_time_format(4294967296, text), "2106-02-07T06:28:16Z");
}
END_TEST

/* ---- copies ---- */

START_TEST(the_age_of_a_copy_goes_by_what_cannot_be_set)
{
	struct ck_as_of as_of;
	ck_wall_stamp(&wall, &as_of);
	static const int64_t jumps[] = {NOW + DAY, NOW - DAY, 0, INT64_C(4294967296)};
	for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		ck_fake_wall_is(jumps[i]);
		struct ck_moment now = ck_wall_now(&wall);
		int64_t age_s = now.s - ck_wall_as_of(&wall, &as_of, now);
		ck_assert_int_ge(age_s, 0);
		ck_assert_int_le(age_s, 5);
	}
	/* while the clock stands still the copy grows old all the same */
	ck_fake_wall_is(0);
	ck_fake_boot_ms = 7200 * 1000;
	struct ck_moment now = ck_wall_now(&wall);
	ck_assert(now.behind);
	int64_t age_s = now.s - ck_wall_as_of(&wall, &as_of, now);
	ck_fake_boot_ms = 0; /* Check takes the time by that clock */
	ck_assert_int_ge(age_s, 7200);
}
END_TEST

START_TEST(a_copy_from_before_the_boot)
{
	struct ck_as_of as_of = {.wall_s = NOW - 3600, .boot = {{1}}, .boot_ms = 5};
	struct ck_moment now = ck_wall_now(&wall);
	ck_wall_heed(&wall, &as_of);
	ck_assert_int_eq(ck_wall_as_of(&wall, &as_of, now), NOW - 3600);
	/* no battery: it is not earlier than that, and how old the copy is, nobody can tell */
	ck_fake_wall_is(10);
	ck_wall_begin(&wall);
	ck_wall_heed(&wall, &as_of);
	behind_since(NOW - 3600);
	now = ck_wall_now(&wall);
	ck_assert_int_eq(now.s - ck_wall_as_of(&wall, &as_of, now), CK_WALL_LONG_AGO_S);
}
END_TEST

START_TEST(a_copy_of_this_boot_says_nothing_of_the_time)
{
	struct ck_as_of as_of;
	ck_fake_wall_is(NOW + DAY);
	ck_wall_stamp(&wall, &as_of);
	ck_fake_wall_is(NOW);
	ck_wall_confirm(&wall);
	ck_wall_heed(&wall, &as_of);
	sure_of(NOW);
	ck_assert_int_le(ck_wall_now(&wall).s - ck_wall_as_of(&wall, &as_of, ck_wall_now(&wall)), 5);
}
END_TEST

/* ---- windows ---- */

START_TEST(what_has_an_end_may_be_over)
{
	struct ck_moment sure = {.s = 150}, behind = {.s = 150, .behind = true};
	static const struct {
		struct ck_window window;
		bool sure, behind;
	} cases[] = {
		{{CK_TIME_ALWAYS, CK_TIME_UNLIMITED}, true, true},  {{100, CK_TIME_UNLIMITED}, true, true}, {{150, CK_TIME_UNLIMITED}, true, true},
		{{151, CK_TIME_UNLIMITED}, false, false},           {{CK_TIME_ALWAYS, 200}, true, false},   {{100, 200}, true, false},
		{{100, 150}, false, false},                         {{100, CK_TIME_UNLIMITED - 1}, true, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ck_assert_int_eq(ck_window_contains(cases[i].window, sure), cases[i].sure);
		ck_assert_int_eq(ck_window_contains(cases[i].window, behind), cases[i].behind);
		ck_assert(!ck_window_doubted(cases[i].window, sure));
		ck_assert_int_eq(ck_window_doubted(cases[i].window, behind), cases[i].sure && !cases[i].behind);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wall");
	TCase *c = tcase_create("wall");
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, it_follows_the_clock);
	tcase_add_test(c, a_small_step_back_stands_still);
	tcase_add_test(c, a_day_back);
	tcase_add_test(c, a_day_forth_and_back);
	tcase_add_test(c, what_was_recorded_holds);
	tcase_add_test(c, clocks_that_cannot_be);
	tcase_add_test(c, the_ends_of_counters);
	tcase_add_test(c, the_age_of_a_copy_goes_by_what_cannot_be_set);
	tcase_add_test(c, a_copy_from_before_the_boot);
	tcase_add_test(c, a_copy_of_this_boot_says_nothing_of_the_time);
	tcase_add_test(c, what_has_an_end_may_be_over);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
