/* A call over a socket pair: answers in quick succession are waited for awake, what takes longer asleep, and what never comes until its deadline. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"
#include "tests/unit/suite.h"

#define LONG_MS 300

static int server;
static struct ck_client client;
static uint8_t question[256];
static size_t question_length;

static void set_up(void)
{
	int fds[2];
	struct ck_frame_out frame;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_eq(ck_client_adopt(&client, fds[0]), CK_OK);
	server = fds[1];
	ck_frame_begin(&frame, question, sizeof question);
	ck_field_uint(&frame.map, CK_F_TYPE, 1);
	ck_assert_int_eq(ck_frame_end(&frame, &question_length), CK_OK);
}

static void tear_down(void)
{
	ck_client_close(&client);
	close(server);
}

/* Says what it heard, at once or after so many milliseconds. */
static void *echo(void *context)
{
	uint8_t heard[256];
	const int *delay_ms = context;
	ssize_t length = read(server, heard, sizeof heard);
	ck_assert_int_gt(length, 0);
	if (*delay_ms > 0) (void)poll(NULL, 0, *delay_ms);
	ck_assert_int_eq(write(server, heard, (size_t)length), length);
	return NULL;
}

static enum ck_error call(int64_t within_ms)
{
	struct ck_map reply;
	return ck_client_call(&client, question, question_length, &reply, ck_clock_monotonic_ms() + within_ms);
}

static void call_answered(int delay_ms)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, echo, &delay_ms), 0);
	ck_assert_int_eq(call(10 * LONG_MS), CK_OK);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static int64_t own_cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

START_TEST(a_long_wait_is_slept_through)
{
	client.soon = true; /* the last answer came at once */
	int64_t before_ms = own_cpu_ms();
	call_answered(LONG_MS);
	ck_assert_int_lt(own_cpu_ms() - before_ms, LONG_MS / 10);
	ck_assert(!client.soon);
}
END_TEST

/* What is there already when it is looked for. */
START_TEST(an_answer_that_is_there_is_taken_awake)
{
	client.soon = true;
	ck_assert_int_eq(write(server, question, question_length), (ssize_t)question_length);
	ck_assert_int_eq(call(LONG_MS), CK_OK);
	ck_assert(client.soon);
	client.soon = false;
	ck_assert_int_eq(write(server, question, question_length), (ssize_t)question_length);
	ck_assert_int_eq(call(LONG_MS), CK_OK);
}
END_TEST

START_TEST(the_deadline_holds_awake_and_asleep)
{
	for (int i = 0; i < 2; i++) {
		client.soon = i == 0;
		ck_assert_int_eq(call(20), CK_ERR_TIMEOUT);
		ck_assert(!client.soon);
	}
	client.soon = true;
	ck_assert_int_eq(call(0), CK_ERR_TIMEOUT);
}
END_TEST

/* Each time that nothing comes while it looks, twice as many short sleeps come before it looks again; each answer that does come brings it nearer. */
START_TEST(what_is_in_vain_is_looked_for_ever_more_seldom)
{
	for (unsigned i = 0; i < 10; i++) {
		client.soon = true;
		client.sleeps = 0;
		ck_assert_int_eq(call(2), CK_ERR_TIMEOUT);
		ck_assert_uint_eq(client.sleeps, i < 7 ? 1u << i : 64);
		ck_assert(!client.soon);
	}
	client.soon = true;
	ck_assert_int_eq(write(server, question, question_length), (ssize_t)question_length);
	ck_assert_int_eq(call(LONG_MS), CK_OK);
	ck_assert_uint_eq(client.sleeps, client.soon ? 63 : 64); /* asleep, and that was short, as a rule */
	client.sleeps = 0;
	for (unsigned i = client.vain; i > 0; i--) {
		ck_assert_uint_eq(client.vain, i);
		ck_assert_int_eq(write(server, question, question_length), (ssize_t)question_length);
		ck_assert_int_eq(call(LONG_MS), CK_OK);
	}
	ck_assert_uint_eq(client.vain, 0);
}
END_TEST

START_TEST(a_server_that_goes_away_is_noticed_awake)
{
	client.soon = true;
	ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
	ck_assert_int_eq(call(LONG_MS), CK_ERR_UNAVAILABLE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client call");
	TCase *c = tcase_create("calls");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_long_wait_is_slept_through);
	tcase_add_test(c, an_answer_that_is_there_is_taken_awake);
	tcase_add_test(c, the_deadline_holds_awake_and_asleep);
	tcase_add_test(c, what_is_in_vain_is_looked_for_ever_more_seldom);
	tcase_add_test(c, a_server_that_goes_away_is_noticed_awake);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
