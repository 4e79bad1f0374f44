/* Flushing without waiting: what one covers, what it does not, that a failure ends everything, and who is answered by which. */
#include <errno.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/syscall.h>

#include "audit_fixture.h"
#include "authd/audit/chain.h"
#include "authd/ledger_wait.h"
#include "tests/unit/suite.h"

static struct ck_chain *chain;

static void make_chain(void)
{
	fixture_make();
	chain = fixture_open(0);
}

static void free_chain(void)
{
	ck_chain_close(&chain);
	fixture_remove_all();
}

static bool begin(void)
{
	bool done = true;
	struct ck_errmsg err = { "" };
	ck_assert_msg(ck_chain_flush_begin(chain, &done, &err) == CK_OK, "%s", err.text);
	return !done;
}

/* As the event loop does it. */
static enum ck_error wait_end(void)
{
	for (;;) {
		struct pollfd fd = { .fd = ck_chain_flush_fd(chain), .events = POLLIN };
		bool done = false;
		ck_assert_int_eq(poll(&fd, 1, 20000), 1);
		enum ck_error error = ck_chain_flush_end(chain, &done, NULL);
		if (error != CK_OK || done) return error;
	}
}

START_TEST(a_flush_covers_what_was_written_before_it)
{
	fixture_add(chain, "looked-up");
	ck_assert(ck_chain_needs_flush(chain));
	ck_assert(begin());
	ck_assert(!ck_chain_needs_flush(chain));
	ck_assert(!ck_chain_is_flushed(chain)); /* before its end it covers nothing */
	ck_assert_int_eq(wait_end(), CK_OK);
	ck_assert(ck_chain_is_flushed(chain));
}
END_TEST

START_TEST(a_flush_does_not_cover_what_was_written_after_it_began)
{
	fixture_add(chain, "looked-up");
	ck_assert(begin());
	fixture_add(chain, "looked-up");
	ck_assert(ck_chain_needs_flush(chain));
	ck_assert_int_eq(wait_end(), CK_OK);
	ck_assert(ck_chain_needs_flush(chain));
	ck_assert(!ck_chain_is_flushed(chain));
	ck_assert(begin());
	ck_assert_int_eq(wait_end(), CK_OK);
	ck_assert(ck_chain_is_flushed(chain));
}
END_TEST

START_TEST(nothing_to_flush_is_over_at_once)
{
	fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_flush(chain, NULL), CK_OK);
	ck_assert(!begin());
	ck_assert(ck_chain_is_flushed(chain));
}
END_TEST

START_TEST(one_who_waits_waits_for_the_one_in_flight_too)
{
	bool done = false;
	fixture_add(chain, "looked-up");
	ck_assert(begin());
	fixture_add(chain, "looked-up");
	ck_assert_int_eq(ck_chain_flush(chain, NULL), CK_OK);
	ck_assert(ck_chain_is_flushed(chain));
	/* the loop still hears that it is over, and once only */
	struct pollfd fd = { .fd = ck_chain_flush_fd(chain), .events = POLLIN };
	ck_assert_int_eq(poll(&fd, 1, 20000), 1);
	ck_assert_int_eq(ck_chain_flush_end(chain, &done, NULL), CK_OK);
	ck_assert(done);
	ck_assert_int_eq(poll(&fd, 1, 0), 0);
}
END_TEST

START_TEST(a_checkpoint_and_a_new_file_wait_for_the_one_in_flight)
{
	fixture_add(chain, "looked-up");
	ck_assert(begin());
	ck_assert_int_eq(ck_chain_checkpoint(chain, NULL, 0, NULL), CK_OK);
	ck_assert(ck_chain_is_flushed(chain));
	ck_chain_close(&chain);
	chain = fixture_open(100);
	for (int i = 0; i < 5; i++) {
		fixture_add(chain, "looked-up");
		if (!chain->flusher.in_flight) (void)begin();
	}
	ck_chain_close(&chain);
	ck_assert(fixture_exists("audit-000003.log"));
	chain = fixture_open(100);
	ck_assert_uint_eq(fixture_verify().records, 7);
}
END_TEST

START_TEST(closed_in_flight_the_log_is_whole)
{
	fixture_add(chain, "looked-up");
	ck_assert(begin());
	ck_chain_close(&chain);
	ck_assert_uint_eq(fixture_verify().records, 1);
	chain = fixture_open(0);
	fixture_add(chain, "looked-up");
}
END_TEST

/* The kernel's own report of a failure, of a request that cannot succeed. */
static void fail_in_flight(void)
{
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PREAD, .aio_nbytes = 1, .aio_flags = IOCB_FLAG_RESFD }, *requests[] = { &request };
	request.aio_fildes = (uint32_t)chain->segment_fd;
	request.aio_resfd = (uint32_t)chain->flusher.done_fd;
	ck_assert_int_eq(syscall(SYS_io_submit, chain->flusher.context, 1, requests), 1);
	chain->flusher.in_flight = true;
}

static void is_broken(void)
{
	bool done;
	ck_assert(ck_chain_is_broken(chain));
	ck_assert(!ck_chain_is_flushed(chain));
	ck_assert_int_eq(ck_chain_flush(chain, NULL), CK_ERR_IO);
	ck_assert_int_eq(ck_chain_flush_begin(chain, &done, NULL), CK_ERR_IO);
	ck_assert_int_eq(ck_chain_flush_end(chain, &done, NULL), CK_ERR_IO);
	ck_assert_int_eq(ck_chain_add(chain, "looked-up", NULL, 0, true, NULL, NULL), CK_ERR_IO);
}

START_TEST(a_flush_that_fails_ends_the_writing)
{
	fixture_add(chain, "looked-up");
	fail_in_flight();
	ck_assert_int_eq(wait_end(), CK_ERR_IO);
	is_broken();
}
END_TEST

START_TEST(a_flush_that_fails_fails_who_waits_for_it)
{
	fixture_add(chain, "looked-up");
	fail_in_flight();
	ck_assert_int_eq(ck_chain_flush(chain, NULL), CK_ERR_IO);
	is_broken();
}
END_TEST

START_TEST(a_flush_that_cannot_begin_fails)
{
	int pair[2];
	bool done;
	fixture_add(chain, "looked-up");
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(dup2(pair[1], chain->segment_fd), chain->segment_fd);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(ck_chain_flush_begin(chain, &done, NULL), CK_ERR_IO);
	is_broken();
}
END_TEST

START_TEST(without_the_kernels_help_it_is_waited_for)
{
	ck_flusher_close(&chain->flusher);
	ck_assert_int_eq(ck_chain_flush_fd(chain), -1);
	fixture_add(chain, "looked-up");
	ck_assert(!begin());
	ck_assert(ck_chain_is_flushed(chain));
}
END_TEST

/* ---- who is answered by which ---- */

static struct ck_waiters waiters;
static uint64_t answered[8];
static size_t answered_count;
static bool answered_stands;

static void answer(const struct ck_waiter *waiter, bool stands)
{
	answered[answered_count++] = waiter->request;
	answered_stands = stands;
}

static void add(uint64_t request)
{
	struct ck_waiter waiter = { .peer = &waiters, .request = request };
	ck_assert(ck_waiters_add(&waiters, &waiter));
}

static void end(bool stands)
{
	answered_count = 0;
	ck_waiters_end(&waiters, stands, answer);
}

START_TEST(who_comes_while_one_is_in_flight_waits_for_the_next)
{
	add(1);
	add(2);
	ck_waiters_cover(&waiters);
	ck_assert(!ck_waiters_any_uncovered(&waiters));
	add(3);
	ck_assert(ck_waiters_any_uncovered(&waiters));
	end(true);
	ck_assert_uint_eq(answered_count, 2);
	ck_assert_uint_eq(answered[0], 1);
	ck_assert_uint_eq(answered[1], 2);
	ck_assert(answered_stands);
	end(true); /* no flush began in between */
	ck_assert_uint_eq(answered_count, 0);
	ck_waiters_cover(&waiters);
	end(false);
	ck_assert_uint_eq(answered_count, 1);
	ck_assert_uint_eq(answered[0], 3);
	ck_assert(!answered_stands);
}
END_TEST

START_TEST(who_is_gone_is_forgotten_covered_or_not)
{
	add(1);
	ck_waiters_cover(&waiters);
	add(2);
	ck_waiters_forget(&waiters, &waiters);
	ck_assert_ptr_null(waiters.at[0].peer);
	ck_assert_ptr_null(waiters.at[1].peer);
}
END_TEST

START_TEST(they_are_bounded)
{
	struct ck_waiter waiter = { .request = 1 };
	for (size_t i = 0; i < CK_WAITERS_LIMIT; i++) ck_assert(ck_waiters_add(&waiters, &waiter));
	ck_assert(!ck_waiters_add(&waiters, &waiter));
}
END_TEST

static void no_waiters(void) { memset(&waiters, 0, sizeof waiters); }

int main(void)
{
	Suite *suite = suite_create("audit_flush");
	TCase *tests = tcase_create("chain"), *queue = tcase_create("queue");
	tcase_add_checked_fixture(tests, make_chain, free_chain);
	tcase_add_checked_fixture(queue, no_waiters, NULL);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_flush_covers_what_was_written_before_it);
	tcase_add_test(tests, a_flush_does_not_cover_what_was_written_after_it_began);
	tcase_add_test(tests, nothing_to_flush_is_over_at_once);
	tcase_add_test(tests, one_who_waits_waits_for_the_one_in_flight_too);
	tcase_add_test(tests, a_checkpoint_and_a_new_file_wait_for_the_one_in_flight);
	tcase_add_test(tests, closed_in_flight_the_log_is_whole);
	tcase_add_test(tests, a_flush_that_fails_ends_the_writing);
	tcase_add_test(tests, a_flush_that_fails_fails_who_waits_for_it);
	tcase_add_test(tests, a_flush_that_cannot_begin_fails);
	tcase_add_test(tests, without_the_kernels_help_it_is_waited_for);
	tcase_add_test(queue, who_comes_while_one_is_in_flight_waits_for_the_next);
	tcase_add_test(queue, who_is_gone_is_forgotten_covered_or_not);
	tcase_add_test(queue, they_are_bounded);
	suite_add_tcase(suite, tests);
	suite_add_tcase(suite, queue);
	return suite_run(suite);
}
