/* The order of providers: who is tried, who is left for how long, when an earlier one is looked at again. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "authd/provider.h"
#include "tests/unit/suite.h"

static struct ck_providers p;
static int64_t now;

static void begin(size_t count)
{
	static const char *const uris[] = {"ldaps://a", "ldaps://b", "ldaps://c", "ldaps://d"};
	memset(&p, 0, sizeof p);
	now = 1000000;
	p.count = count;
	for (size_t i = 0; i < count; i++) p.at[i].uri = uris[i];
}

/* Whom it tries now; -1: nobody. */
static int chosen(void)
{
	size_t index;
	int64_t wait_ms;
	return ck_providers_choose(&p, now, &index, &wait_ms) ? (int)index : -1;
}

static void left(size_t index, enum ck_provider_trouble trouble) { ck_providers_failed(&p, index, trouble, "because", now); }

START_TEST(each_comes_before_one_comes_again)
{
	begin(4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(chosen(), (int)i);
		left(i, CK_PROVIDER_UNREACHED);
		now += 3000; /* the ones before may be tried again by now */
	}
	ck_assert_int_eq(chosen(), 0);
}
END_TEST

START_TEST(alone_it_is_asked_at_growing_intervals)
{
	begin(1);
	int64_t waits[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
	for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
		ck_assert_int_eq(chosen(), 0);
		left(0, CK_PROVIDER_UNREACHED);
		now += waits[i] - 1;
		ck_assert_int_eq(chosen(), -1);
		now++;
	}
	ck_providers_arrived(&p, 0, now);
	left(0, CK_PROVIDER_UNREACHED);
	now += 100;
	ck_assert_int_eq(chosen(), 0);
}
END_TEST

START_TEST(behind_it_is_skipped_for_half_a_minute)
{
	begin(2);
	left(0, CK_PROVIDER_BEHIND);
	ck_assert_int_eq(chosen(), 1);
	ck_providers_arrived(&p, 1, now);
	size_t better;
	now += 29000;
	ck_assert(!ck_providers_better(&p, now, &better));
	now += 1000;
	ck_assert(ck_providers_better(&p, now, &better));
	ck_assert_uint_eq(better, 0);
}
END_TEST

START_TEST(behind_it_is_waited_for_when_there_is_nobody_else)
{
	begin(2);
	left(0, CK_PROVIDER_UNREACHED);
	left(1, CK_PROVIDER_BEHIND);
	now += 100;
	ck_assert_int_eq(chosen(), 0);
	for (int i = 0; i < 7; i++) left(0, CK_PROVIDER_UNREACHED);
	ck_assert_int_eq(chosen(), -1);
	now += 4900; /* five seconds since it was found behind */
	ck_assert_int_eq(chosen(), 1);
}
END_TEST

START_TEST(held_it_waits_a_minute)
{
	begin(1);
	left(0, CK_PROVIDER_HELD);
	now += 59999;
	ck_assert_int_eq(chosen(), -1);
	ck_providers_hurry(&p);
	ck_assert_int_eq(chosen(), 0);
}
END_TEST

START_TEST(a_better_one_is_looked_for_less_and_less_often)
{
	size_t better;
	begin(3);
	left(0, CK_PROVIDER_UNREACHED);
	left(1, CK_PROVIDER_UNREACHED);
	ck_providers_arrived(&p, 2, now);
	int64_t wait = 10000;
	for (int i = 0; i < 9; i++) {
		ck_assert(!ck_providers_better(&p, now + wait - 1, &better));
		now += wait;
		ck_assert(ck_providers_better(&p, now, &better));
		ck_assert_uint_eq(better, 0);
		ck_assert(ck_providers_better(&p, now, &better)); /* and then the second */
		ck_assert_uint_eq(better, 1);
		wait = wait * 2 < 1800000 ? wait * 2 : 1800000;
	}
	ck_providers_arrived(&p, 0, now);
	ck_assert(!ck_providers_better(&p, now + 3600000, &better)); /* there is none before the first */
}
END_TEST

START_TEST(after_a_better_one_that_fails_comes_the_one_before)
{
	begin(4);
	for (size_t i = 0; i < 3; i++) left(i, CK_PROVIDER_UNREACHED);
	ck_providers_arrived(&p, 3, now);
	now += 60000;
	ck_providers_current_first(&p);
	p.current = 1;
	left(1, CK_PROVIDER_UNREACHED);
	ck_assert_int_eq(chosen(), 3);
}
END_TEST

START_TEST(each_is_described)
{
	char line[300];
	begin(4);
	left(0, CK_PROVIDER_UNREACHED);
	left(1, CK_PROVIDER_BEHIND);
	ck_providers_arrived(&p, 2, now);
	ck_assert(ck_providers_describe(&p, 0, now, line, sizeof line));
	ck_assert_str_eq(line, "ldaps://a left: because");
	ck_assert(ck_providers_describe(&p, 1, now + 500, line, sizeof line));
	ck_assert_str_eq(line, "ldaps://b skipped for 30 s: because");
	ck_assert(!ck_providers_describe(&p, 2, now, line, sizeof line));
	ck_assert_str_eq(line, "ldaps://c followed");
	ck_assert(!ck_providers_describe(&p, 3, now, line, sizeof line));
	ck_assert_str_eq(line, "ldaps://d in reserve");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("provider");
	TCase *tests = tcase_create("provider");
	tcase_add_test(tests, each_comes_before_one_comes_again);
	tcase_add_test(tests, alone_it_is_asked_at_growing_intervals);
	tcase_add_test(tests, behind_it_is_skipped_for_half_a_minute);
	tcase_add_test(tests, behind_it_is_waited_for_when_there_is_nobody_else);
	tcase_add_test(tests, held_it_waits_a_minute);
	tcase_add_test(tests, a_better_one_is_looked_for_less_and_less_often);
	tcase_add_test(tests, after_a_better_one_that_fails_comes_the_one_before);
	tcase_add_test(tests, each_is_described);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
