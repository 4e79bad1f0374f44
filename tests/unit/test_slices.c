/* Work in slices of an event loop: others get their turns meanwhile, it comes to its end once, and it can be made to end early. */
#include <check.h>
#include <string.h>

#include "authd/slices.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/suite.h"

static struct event_base *base;
static struct ck_slices slices;
static unsigned wanted, done, turns, ended;
static bool early, again;
static enum ck_error ended_with;

static void work(void *context)
{
	ck_assert_ptr_eq(context, &slices);
	for (done = 0; done < wanted; done++) {
		early = !ck_pause();
		if (early) return;
	}
}

static void on_end(enum ck_error error, void *context)
{
	ck_assert_ptr_eq(context, &slices);
	ck_assert(!ck_slices_go_on(&slices));
	ended++;
	ended_with = error;
	if (!again) return;
	again = false;
	ck_assert_int_eq(ck_slices_begin(&slices, base, work, on_end, &slices), CK_OK);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	const struct timeval at_once = {0, 0};
	turns++;
	if (ck_slices_go_on(&slices)) ck_assert_int_eq(event_add(context, &at_once), 0);
}

static void set_up(void)
{
	memset(&slices, 0, sizeof slices);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	wanted = 50;
	done = turns = ended = 0;
	early = again = false;
	ck_fake_step_ms = CK_FIBER_SLICE_MS;
}

static void tear_down(void)
{
	ck_fake_step_ms = 0;
	ck_slices_end(&slices);
	event_base_free(base);
}

static void run_with_another(void)
{
	const struct timeval at_once = {0, 0};
	struct event *other = evtimer_new(base, on_turn, event_self_cbarg());
	ck_assert_ptr_nonnull(other);
	ck_assert_int_eq(event_add(other, &at_once), 0);
	ck_assert_int_ge(event_base_dispatch(base), 0);
	event_free(other);
}

START_TEST(others_get_their_turns)
{
	ck_assert_int_eq(ck_slices_begin(&slices, base, work, on_end, &slices), CK_OK);
	ck_assert(ck_slices_go_on(&slices));
	run_with_another();
	ck_assert_uint_eq(done, 50);
	ck_assert_uint_ge(turns, 50);
	ck_assert_uint_eq(ended, 1);
	ck_assert_int_eq(ended_with, CK_OK);
	ck_assert(!early);
}
END_TEST

START_TEST(what_is_short_is_over_at_once)
{
	wanted = 0;
	again = true; /* and begins anew from its end */
	ck_assert_int_eq(ck_slices_begin(&slices, base, work, on_end, &slices), CK_OK);
	ck_assert_uint_eq(ended, 2);
	ck_assert(!ck_slices_go_on(&slices));
}
END_TEST

START_TEST(it_can_be_made_to_end)
{
	ck_assert_int_eq(ck_slices_begin(&slices, base, work, on_end, &slices), CK_OK);
	ck_slices_end(&slices);
	ck_assert(early && !ck_slices_go_on(&slices));
	run_with_another();
	ck_assert_uint_eq(done, 0);
	ck_assert_uint_eq(ended, 0);
	ck_slices_end(&slices);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("slices");
	TCase *c = tcase_create("slices");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, others_get_their_turns);
	tcase_add_test(c, what_is_short_is_over_at_once);
	tcase_add_test(c, it_can_be_made_to_end);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
