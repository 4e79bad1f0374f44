/* Second stacks: what waits on one holds nobody up, each refusal of a wait, and an end at any time. */
#include <check.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/fiber.h"
#include "tests/fakes/fake_clock.h"

#define LONG_MS 600000

struct waiter {
	int fds[2];
	int64_t limit_ms;
	unsigned steps;
	bool first, second;
};

static void setup_waiter(struct waiter *w, int64_t limit_ms)
{
	memset(w, 0, sizeof *w);
	w->limit_ms = limit_ms;
	ck_assert_int_eq(pipe(w->fds), 0);
}

static void close_waiter(struct waiter *w)
{
	close(w->fds[0]);
	close(w->fds[1]);
}

static void read_twice(void *context)
{
	struct waiter *w = context;
	char byte;
	w->steps++;
	w->first = ck_wait_for(w->fds[0], false, ck_clock_monotonic_ms() + w->limit_ms) && read(w->fds[0], &byte, 1) == 1;
	w->steps++;
	w->second = ck_wait_for(w->fds[0], false, ck_clock_monotonic_ms() + w->limit_ms) && read(w->fds[0], &byte, 1) == 1;
	w->steps++;
}

START_TEST(what_waits_goes_on_when_it_can)
{
	struct waiter w;
	struct ck_fiber *fiber = NULL;
	setup_waiter(&w, LONG_MS);
	ck_assert_int_eq(ck_fiber_start(read_twice, &w, &fiber), CK_OK);
	ck_assert_uint_eq(w.steps, 1); /* we are here, and it waits */
	ck_assert_int_eq(ck_fiber_fd(fiber), w.fds[0]);
	ck_assert(!ck_fiber_writes(fiber));
	ck_assert_int_gt(ck_fiber_deadline_ms(fiber), ck_clock_monotonic_ms());
	ck_fiber_resume(fiber); /* for nothing */
	ck_assert_uint_eq(w.steps, 1);
	ck_assert_int_eq(write(w.fds[1], "ab", 1), 1);
	ck_fiber_resume(fiber);
	ck_assert_uint_eq(w.steps, 2);
	ck_assert(w.first && !ck_fiber_is_done(fiber));
	ck_assert_int_eq(write(w.fds[1], "b", 1), 1);
	ck_fiber_resume(fiber);
	ck_assert(w.second && ck_fiber_is_done(fiber));
	ck_fiber_resume(fiber); /* it is over */
	ck_assert_uint_eq(w.steps, 3);
	ck_fiber_end(&fiber);
	ck_assert_ptr_null(fiber);
	ck_fiber_end(&fiber);
	close_waiter(&w);
}
END_TEST

START_TEST(two_do_not_mix)
{
	struct waiter a, b;
	struct ck_fiber *first = NULL, *second = NULL;
	setup_waiter(&a, LONG_MS);
	setup_waiter(&b, LONG_MS);
	ck_assert_int_eq(ck_fiber_start(read_twice, &a, &first), CK_OK);
	ck_assert_int_eq(ck_fiber_start(read_twice, &b, &second), CK_OK);
	ck_assert_int_eq(write(b.fds[1], "ab", 2), 2);
	ck_fiber_resume(first);
	ck_fiber_resume(second);
	ck_assert(b.first && b.second && ck_fiber_is_done(second));
	ck_assert(!a.first && !ck_fiber_is_done(first));
	ck_fiber_end(&second);
	ck_assert_int_eq(write(a.fds[1], "ab", 2), 2);
	ck_fiber_resume(first);
	ck_assert(a.first && a.second);
	ck_fiber_end(&first);
	close_waiter(&a);
	close_waiter(&b);
}
END_TEST

START_TEST(a_wait_that_is_too_long_fails)
{
	struct waiter w;
	struct ck_fiber *fiber = NULL;
	setup_waiter(&w, 1);
	ck_assert_int_eq(ck_fiber_start(read_twice, &w, &fiber), CK_OK);
	while (!ck_fiber_is_done(fiber)) {
		(void)poll(NULL, 0, 2);
		ck_fiber_resume(fiber);
	}
	ck_assert(!w.first && !w.second);
	ck_fiber_end(&fiber);
	close_waiter(&w);
}
END_TEST

START_TEST(one_that_is_ended_waits_for_nothing_more)
{
	struct waiter w;
	struct ck_fiber *fiber = NULL;
	setup_waiter(&w, LONG_MS);
	ck_assert_int_eq(ck_fiber_start(read_twice, &w, &fiber), CK_OK);
	ck_assert_int_eq(write(w.fds[1], "ab", 2), 2); /* even though it could go on */
	ck_fiber_end(&fiber);
	ck_assert_uint_eq(w.steps, 3);
	ck_assert(!w.first && !w.second);
	close_waiter(&w);
}
END_TEST

/* ---- pauses ---- */

struct worker {
	unsigned done;
	bool refused;
	struct ck_fiber *other; /* started by this one */
	struct worker *others;
};

static void work_in_slices(void *context)
{
	struct worker *w = context;
	if (w->others != NULL) ck_assert_int_eq(ck_fiber_start(work_in_slices, w->others, &w->other), CK_OK);
	for (unsigned i = 0; i < 3 && !w->refused; i++) {
		w->done++;
		w->refused = !ck_pause();
	}
}

START_TEST(work_that_lasts_lets_others_go_on)
{
	struct worker w = {.done = 0};
	struct ck_fiber *fiber = NULL;
	ck_assert_int_eq(ck_fiber_start(work_in_slices, &w, &fiber), CK_OK);
	ck_assert_uint_eq(w.done, 3); /* within one slice */
	ck_assert(ck_fiber_is_done(fiber) && !w.refused);
	ck_fiber_end(&fiber);
	ck_fake_step_ms = CK_FIBER_SLICE_MS;
	w.done = 0;
	ck_assert_int_eq(ck_fiber_start(work_in_slices, &w, &fiber), CK_OK);
	ck_assert_uint_eq(w.done, 1);
	ck_assert_int_eq(ck_fiber_fd(fiber), -1);
	ck_fiber_resume(fiber);
	ck_assert_uint_eq(w.done, 2);
	ck_fiber_end(&fiber);
	ck_assert(w.refused);
	ck_assert_uint_eq(w.done, 2);
	work_in_slices(&(struct worker){.done = 0}); /* nobody to let go on: it comes to its end */
	ck_fake_step_ms = 0;
}
END_TEST

START_TEST(one_may_start_and_end_another)
{
	struct worker inner = {.done = 0}, outer = {.others = &inner};
	struct ck_fiber *fiber = NULL;
	ck_fake_step_ms = CK_FIBER_SLICE_MS;
	ck_assert_int_eq(ck_fiber_start(work_in_slices, &outer, &fiber), CK_OK);
	ck_assert(inner.done == 1 && outer.done == 1);
	ck_fiber_resume(outer.other); /* by whoever is there */
	ck_assert(inner.done == 2 && outer.done == 1);
	ck_fiber_resume(fiber);
	ck_assert(inner.done == 2 && outer.done == 2);
	ck_fiber_end(&outer.other);
	ck_assert(inner.refused && !outer.refused);
	ck_fiber_end(&fiber);
	ck_assert(outer.refused);
	ck_fake_step_ms = 0;
}
END_TEST

static void write_much(void *context)
{
	struct waiter *w = context;
	char block[4096] = "";
	w->first = ck_wait_for(w->fds[1], true, ck_clock_monotonic_ms() + LONG_MS);
	for (unsigned i = 0; i < 64; i++) /* more than a pipe holds */
		if (ck_wait_for(w->fds[1], true, ck_clock_monotonic_ms() + LONG_MS)) w->steps += write(w->fds[1], block, sizeof block) > 0;
}

START_TEST(writing_is_waited_for_too)
{
	struct waiter w;
	struct ck_fiber *fiber = NULL;
	char block[4096];
	setup_waiter(&w, LONG_MS);
	ck_assert_int_eq(ck_fiber_start(write_much, &w, &fiber), CK_OK);
	ck_assert(w.first && !ck_fiber_is_done(fiber) && ck_fiber_writes(fiber));
	while (!ck_fiber_is_done(fiber)) {
		ck_assert_int_gt(read(w.fds[0], block, sizeof block), 0);
		ck_fiber_resume(fiber);
	}
	ck_assert_uint_eq(w.steps, 64);
	ck_fiber_end(&fiber);
	close_waiter(&w);
}
END_TEST

START_TEST(outside_of_one_it_waits)
{
	struct waiter w;
	setup_waiter(&w, LONG_MS);
	int64_t before_ms = ck_clock_monotonic_ms();
	ck_assert(!ck_wait_for(w.fds[0], false, before_ms + 20));
	ck_assert_int_ge(ck_clock_monotonic_ms(), before_ms + 20);
	ck_assert_int_eq(write(w.fds[1], "a", 1), 1);
	ck_assert(ck_wait_for(w.fds[0], false, ck_clock_monotonic_ms() + LONG_MS));
	close_waiter(&w);
}
END_TEST

static void use_much_stack(void *context)
{
	volatile char room[256 * 1024];
	for (size_t i = 0; i < sizeof room; i += 512) room[i] = 1;
	*(bool *)context = room[sizeof room - 512] == 1;
}

START_TEST(there_is_room)
{
	struct ck_fiber *fiber = NULL;
	bool there = false;
	ck_assert_int_eq(ck_fiber_start(use_much_stack, &there, &fiber), CK_OK);
	ck_assert(there && ck_fiber_is_done(fiber)); /* it never waited */
	ck_fiber_end(&fiber);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fiber");
	TCase *tcase = tcase_create("fiber");
	tcase_add_test(tcase, what_waits_goes_on_when_it_can);
	tcase_add_test(tcase, two_do_not_mix);
	tcase_add_test(tcase, a_wait_that_is_too_long_fails);
	tcase_add_test(tcase, one_that_is_ended_waits_for_nothing_more);
	tcase_add_test(tcase, writing_is_waited_for_too);
	tcase_add_test(tcase, outside_of_one_it_waits);
	tcase_add_test(tcase, there_is_room);
	tcase_add_test(tcase, work_that_lasts_lets_others_go_on);
	tcase_add_test(tcase, one_may_start_and_end_another);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
