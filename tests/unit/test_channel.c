/* Channels over a socketpair: frames in any cut, what is no frame, descriptors, re-entrancy, slow readers, time. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/channel.h"
#include "directory/base/clock.h"
#include "tests/unit/suite.h"

static struct event_base *base;
#define base_fd STDERR_FILENO
static const int stderr_fd = STDERR_FILENO;
static int far; /* the other end, plain */
static struct ck_channel *channel;
static struct seen {
	unsigned messages, batches, closed;
	uint64_t last, sum;
	enum ck_error why;
	int fds, fd_of; /* how many came; with which message the last did */
	bool refuse, close_self, close_in_closed, echo;
	size_t last_length;
} seen;

static bool on_message(struct ck_channel *c, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)context;
	ck_assert_ptr_eq(c, channel);
	seen.messages++;
	seen.last_length = encoded.length;
	ck_assert(ck_map_uint(message, CK_F_TYPE, 0, UINT64_MAX, &seen.last) == CK_OK);
	seen.sum += seen.last;
	if (fd >= 0) {
		seen.fds++;
		seen.fd_of = (int)seen.last;
		ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
		close(fd);
	}
	if (seen.close_self) ck_channel_close(&channel);
	return !seen.refuse;
}

static void on_closed(struct ck_channel *c, enum ck_error why, void *context)
{
	(void)c;
	(void)context;
	seen.closed++;
	seen.why = why;
	if (seen.close_in_closed) ck_channel_close(&channel);
	channel = NULL;
}

static void on_batch_end(void *context)
{
	(void)context;
	seen.batches++;
}

static void open_channel(size_t write_limit_bytes, int idle_ms, bool accept_fds)
{
	static const struct ck_channel_handlers handlers = { on_message, on_closed, on_batch_end };
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	far = pair[1];
	memset(&seen, 0, sizeof seen);
	ck_assert(ck_channel_new(base, pair[0], &handlers, NULL, write_limit_bytes, idle_ms, accept_fds, &channel) == CK_OK);
}

static void setup(void)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
}

static void teardown(void)
{
	ck_channel_close(&channel);
	if (far >= 0) close(far);
	far = -1;
	event_base_free(base);
}

static void turn(void)
{
	for (int i = 0; i < 8; i++) event_base_loop(base, EVLOOP_NONBLOCK);
}

static void turn_for(int ms)
{
	int64_t until_ms = ck_clock_monotonic_ms() + ms;
	while (ck_clock_monotonic_ms() < until_ms) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

/* {0: type, 14: padding bytes} */
static size_t make_frame(uint8_t *bytes, size_t limit, uint64_t type, size_t padding)
{
	static uint8_t zeros[CK_FRAME_LIMIT_BYTES];
	struct ck_frame_out frame;
	size_t length;
	ck_frame_begin(&frame, bytes, limit);
	ck_field_uint(&frame.map, CK_F_TYPE, type);
	if (padding > 0) ck_field_bytes(&frame.map, CK_F_CREDENTIAL, zeros, padding);
	ck_assert(ck_frame_end(&frame, &length) == CK_OK);
	return length;
}

static void put(const void *bytes, size_t length)
{
	ck_assert_int_eq(send(far, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

static void put_with_fds(const void *bytes, size_t length, const int *fds, size_t count)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, count * sizeof(int));
	ck_assert_int_eq(sendmsg(far, &message, MSG_NOSIGNAL), (ssize_t)length);
}

static unsigned open_fds(void)
{
	unsigned count = 0;
	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0) count++;
	return count;
}

START_TEST(a_frame_arrives)
{
	uint8_t bytes[64];
	open_channel(4096, 0, false);
	put(bytes, make_frame(bytes, sizeof bytes, 7, 0));
	turn();
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_uint_eq(seen.last, 7);
	ck_assert_uint_eq(seen.closed, 0);
	ck_assert_uint_ge(seen.batches, 1);
}
END_TEST

START_TEST(byte_by_byte)
{
	uint8_t bytes[256];
	size_t length = make_frame(bytes, sizeof bytes, 9, 100);
	open_channel(4096, 0, false);
	for (size_t i = 0; i < length; i++) {
		ck_assert_uint_eq(seen.messages, 0);
		put(bytes + i, 1);
		turn();
	}
	ck_assert_uint_eq(seen.messages, 1);
}
END_TEST

START_TEST(many_in_one_send)
{
	static uint8_t bytes[100000];
	size_t length = 0;
	uint64_t sum = 0;
	open_channel(4096, 0, false);
	for (unsigned i = 0; i < 1500; i++) {
		length += make_frame(bytes + length, sizeof bytes - length, i, i % 50);
		sum += i;
	}
	put(bytes, length);
	turn_for(30);
	ck_assert_uint_eq(seen.messages, 1500);
	ck_assert_uint_eq(seen.sum, sum);
	ck_assert_uint_lt(seen.batches, 40); /* few readings for many frames */
}
END_TEST

START_TEST(the_largest_frame_and_small_ones_around)
{
	static uint8_t bytes[CK_FRAME_LIMIT_BYTES + 4096];
	size_t length = make_frame(bytes, sizeof bytes, 1, 0);
	length += make_frame(bytes + length, sizeof bytes - length, 2, CK_FRAME_LIMIT_BYTES - 7);
	length += make_frame(bytes + length, sizeof bytes - length, 3, 10);
	open_channel(4096, 0, false);
	put(bytes, length);
	turn_for(30);
	ck_assert_uint_eq(seen.messages, 3);
	ck_assert_uint_eq(seen.sum, 6);
	put(bytes, length);
	turn_for(30);
	ck_assert_uint_eq(seen.messages, 6);
}
END_TEST

static void expect_closed(const void *bytes, size_t length, enum ck_error why)
{
	open_channel(4096, 0, false);
	put(bytes, length);
	turn();
	ck_assert_uint_eq(seen.messages, 0);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_int_eq(seen.why, why);
}

START_TEST(a_huge_length_is_cut_off)
{
	expect_closed("\xff\xff\xff\xff", 4, CK_ERR_LIMIT);
}
END_TEST

START_TEST(one_byte_past_the_limit_is_cut_off)
{
	expect_closed("\x00\x01\x00\x01\xa0", 5, CK_ERR_LIMIT);
}
END_TEST

START_TEST(an_empty_frame_is_cut_off)
{
	expect_closed("\x00\x00\x00\x00", 4, CK_ERR_LIMIT);
}
END_TEST

START_TEST(garbage_in_a_frame_is_cut_off)
{
	expect_closed("\x00\x00\x00\x02\xff\xff", 6, CK_ERR_INVALID);
}
END_TEST

START_TEST(what_is_no_map_is_cut_off)
{
	expect_closed("\x00\x00\x00\x01\x01", 5, CK_ERR_INVALID);
}
END_TEST

START_TEST(leftover_bytes_in_a_frame_are_cut_off)
{
	expect_closed("\x00\x00\x00\x02\xa0\x00", 6, CK_ERR_INVALID);
}
END_TEST

START_TEST(what_came_whole_before_a_fault_counts)
{
	uint8_t bytes[64];
	size_t length = make_frame(bytes, sizeof bytes, 5, 0);
	memcpy(bytes + length, "\xff\xff\xff\xff", 4);
	open_channel(4096, 0, false);
	put(bytes, length + 4);
	turn();
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_uint_eq(seen.batches, 1);
	ck_assert_int_eq(seen.why, CK_ERR_LIMIT);
}
END_TEST

START_TEST(the_peer_goes)
{
	open_channel(4096, 0, false);
	close(far);
	far = -1;
	turn();
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_int_eq(seen.why, CK_ERR_UNAVAILABLE);
}
END_TEST

START_TEST(the_peer_goes_after_its_last_word)
{
	uint8_t bytes[64];
	open_channel(4096, 0, false);
	put(bytes, make_frame(bytes, sizeof bytes, 5, 0));
	close(far);
	far = -1;
	turn();
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_uint_eq(seen.closed, 1);
}
END_TEST

START_TEST(a_refused_message_closes)
{
	uint8_t bytes[64];
	open_channel(4096, 0, false);
	seen.refuse = true;
	size_t length = make_frame(bytes, sizeof bytes, 5, 0);
	length += make_frame(bytes + length, sizeof bytes - length, 6, 0);
	put(bytes, length);
	turn();
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_int_eq(seen.why, CK_ERR_INVALID);
}
END_TEST

START_TEST(close_in_the_handler)
{
	uint8_t bytes[64];
	open_channel(4096, 0, false);
	seen.close_self = true;
	size_t length = make_frame(bytes, sizeof bytes, 5, 0);
	length += make_frame(bytes + length, sizeof bytes - length, 6, 0);
	put(bytes, length);
	turn();
	ck_assert_ptr_null(channel);
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_uint_eq(seen.closed, 0);
	ck_assert_uint_eq(seen.batches, 0);
	ck_assert_int_eq((int)recv(far, bytes, sizeof bytes, MSG_DONTWAIT), 0);
}
END_TEST

START_TEST(close_in_the_handler_that_refuses)
{
	uint8_t bytes[64];
	open_channel(4096, 0, false);
	seen.close_self = true;
	seen.refuse = true;
	put(bytes, make_frame(bytes, sizeof bytes, 5, 0));
	turn();
	ck_assert_uint_eq(seen.closed, 0);
}
END_TEST

START_TEST(close_in_on_closed)
{
	open_channel(4096, 0, false);
	seen.close_in_closed = true;
	close(far);
	far = -1;
	turn();
	ck_assert_uint_eq(seen.closed, 1);
}
END_TEST

START_TEST(a_descriptor_comes_with_its_frame)
{
	uint8_t bytes[256];
	unsigned before = open_fds();
	open_channel(4096, 0, true);
	size_t first = make_frame(bytes, sizeof bytes, 1, 0);
	size_t second = make_frame(bytes + first, sizeof bytes - first, 2, 50);
	put(bytes, first);
	put_with_fds(bytes + first, second, &stderr_fd, 1);
	put(bytes, first);
	turn();
	ck_assert_uint_eq(seen.messages, 3);
	ck_assert_int_eq(seen.fds, 1);
	ck_assert_int_eq(seen.fd_of, 2);
	ck_channel_close(&channel);
	close(far);
	far = -1;
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(a_descriptor_waits_for_the_rest_of_its_frame)
{
	uint8_t bytes[256];
	open_channel(4096, 0, true);
	size_t length = make_frame(bytes, sizeof bytes, 2, 50);
	put_with_fds(bytes, 3, &stderr_fd, 1);
	turn();
	put(bytes + 3, length - 3);
	turn();
	ck_assert_int_eq(seen.fd_of, 2);
}
END_TEST

START_TEST(a_descriptor_where_none_is_taken_closes)
{
	uint8_t bytes[256];
	unsigned before = open_fds();
	open_channel(4096, 0, false);
	put_with_fds(bytes, make_frame(bytes, sizeof bytes, 2, 50), &stderr_fd, 1);
	turn();
	ck_assert_uint_eq(seen.messages, 0);
	ck_assert_int_eq(seen.why, CK_ERR_INVALID);
	close(far);
	far = -1;
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(two_descriptors_close)
{
	uint8_t bytes[256];
	unsigned before = open_fds();
	open_channel(4096, 0, true);
	put_with_fds(bytes, make_frame(bytes, sizeof bytes, 2, 50), (int[]){ base_fd, base_fd }, 2);
	turn();
	ck_assert_uint_eq(seen.messages, 0);
	ck_assert_int_eq(seen.why, CK_ERR_INVALID);
	close(far);
	far = -1;
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(a_second_descriptor_for_one_frame_closes)
{
	uint8_t bytes[256];
	unsigned before = open_fds();
	open_channel(4096, 0, true);
	size_t length = make_frame(bytes, sizeof bytes, 2, 50);
	put_with_fds(bytes, 3, &stderr_fd, 1);
	put_with_fds(bytes + 3, length - 3, &stderr_fd, 1);
	turn();
	ck_assert_uint_eq(seen.messages, 0);
	ck_assert_int_eq(seen.why, CK_ERR_INVALID);
	close(far);
	far = -1;
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

/* Reads everything that is there now; returns how much. */
static size_t drain(uint8_t *out, size_t limit)
{
	size_t length = 0;
	for (ssize_t got; length < limit && (got = recv(far, out + length, limit - length, MSG_DONTWAIT)) > 0;) length += (size_t)got;
	return length;
}

/* _i: 0 as it is, 1 gathering */
START_TEST(a_slow_reader_gets_all_in_order)
{
	static uint8_t frame[32768], all[8 << 20];
	open_channel(4 << 20, 0, false);
	if (_i == 1) ck_assert(ck_channel_gather(channel) == CK_OK);
	for (unsigned i = 0; i < 60; i++) ck_channel_send(channel, frame, make_frame(frame, sizeof frame, i, 30000), -1);
	size_t length = 0;
	for (int i = 0; i < 200; i++) {
		length += drain(all + length, length + 50000 < sizeof all ? 50000 : 0);
		turn();
	}
	size_t at = 0;
	for (unsigned i = 0; i < 60; i++) {
		struct ck_bytes encoded;
		struct ck_map map;
		uint64_t type;
		size_t used;
		ck_assert(ck_frame_find((struct ck_bytes){ all + at, length - at }, &encoded, &used) == CK_OK);
		ck_assert(ck_map_parse(encoded, &map) == CK_OK);
		ck_assert(ck_map_uint(&map, CK_F_TYPE, 0, UINT64_MAX, &type) == CK_OK);
		ck_assert_uint_eq(type, i);
		at += used;
	}
	ck_assert_uint_eq(at, length);
	ck_assert_uint_eq(seen.closed, 0);
}
END_TEST

START_TEST(what_is_gathered_goes_at_the_end_of_the_round)
{
	uint8_t frame[64], all[1024];
	open_channel(4096, 0, false);
	ck_assert(ck_channel_gather(channel) == CK_OK);
	for (int round = 0; round < 3; round++) {
		size_t length = 0;
		for (unsigned i = 0; i < 5; i++) {
			length += make_frame(frame, sizeof frame, i, 0);
			ck_channel_send(channel, frame, make_frame(frame, sizeof frame, i, 0), -1);
		}
		ck_assert_int_eq(recv(far, all, sizeof all, MSG_DONTWAIT), -1);
		turn();
		ck_assert_int_eq(recv(far, all, sizeof all, MSG_DONTWAIT), (ssize_t)length);
	}
}
END_TEST

START_TEST(what_is_gathered_goes_before_the_end)
{
	uint8_t frame[64], all[64];
	size_t length = make_frame(frame, sizeof frame, 7, 0);
	open_channel(4096, 0, false);
	ck_assert(ck_channel_gather(channel) == CK_OK);
	ck_channel_send(channel, frame, length, -1);
	ck_channel_close(&channel);
	ck_assert_int_eq(recv(far, all, sizeof all, MSG_DONTWAIT), (ssize_t)length);
}
END_TEST

START_TEST(who_never_reads_is_closed_and_not_from_within_send)
{
	static uint8_t frame[32768];
	size_t length = make_frame(frame, sizeof frame, 1, 30000);
	open_channel(100000, 0, false);
	if (_i == 1) ck_assert(ck_channel_gather(channel) == CK_OK);
	for (unsigned i = 0; i < 60; i++) ck_channel_send(channel, frame, length, -1);
	ck_assert_uint_eq(seen.closed, 0);
	turn();
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_int_eq(seen.why, CK_ERR_LIMIT);
}
END_TEST

START_TEST(queued_descriptors_arrive_with_their_frames)
{
	static uint8_t frame[32768];
	static const struct ck_channel_handlers handlers = { on_message, on_closed, on_batch_end };
	unsigned before = open_fds();
	int pair[2];
	struct ck_channel *sender;
	open_channel(4096, 0, true);
	ck_channel_close(&channel);
	close(far);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(ck_channel_new(base, pair[0], &handlers, NULL, 8 << 20, 0, false, &sender) == CK_OK);
	for (unsigned i = 0; i < 100; i++) {
		size_t length = make_frame(frame, sizeof frame, i, i % 2 == 0 ? 30000 : 3);
		ck_channel_send(sender, frame, length, i % 10 == 5 ? base_fd : -1);
	}
	ck_assert(ck_channel_new(base, pair[1], &handlers, NULL, 4096, 0, true, &channel) == CK_OK);
	far = -1;
	turn_for(100);
	ck_assert_uint_eq(seen.messages, 100);
	ck_assert_int_eq(seen.fds, 10);
	ck_assert_int_eq(seen.fd_of, 95);
	ck_channel_close(&sender);
	ck_channel_close(&channel);
	ck_assert_uint_eq(open_fds(), before);
}
END_TEST

START_TEST(sending_to_a_peer_that_is_gone)
{
	uint8_t bytes[64];
	open_channel(4096, 0, false);
	size_t length = make_frame(bytes, sizeof bytes, 5, 0);
	close(far);
	far = -1;
	ck_channel_send(channel, bytes, length, -1);
	ck_channel_send(channel, bytes, length, -1);
	ck_assert_uint_eq(seen.closed, 0);
	turn();
	ck_assert_uint_eq(seen.closed, 1);
}
END_TEST

START_TEST(half_a_frame_runs_out_of_time)
{
	open_channel(4096, 50, false);
	put("\x00\x00", 2);
	turn_for(20);
	put("\x00\x09", 2); /* a byte now and then does not buy time */
	turn_for(100);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_int_eq(seen.why, CK_ERR_TIMEOUT);
}
END_TEST

START_TEST(silence_between_frames_is_allowed)
{
	uint8_t bytes[64];
	open_channel(4096, 30, false);
	size_t length = make_frame(bytes, sizeof bytes, 5, 0);
	put(bytes, 2);
	turn();
	put(bytes + 2, length - 2);
	turn_for(120);
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_uint_eq(seen.closed, 0);
	put(bytes, 2);
	turn_for(15);
	ck_assert_uint_eq(seen.closed, 0);
	turn_for(60);
	ck_assert_uint_eq(seen.closed, 1);
}
END_TEST

START_TEST(a_queue_that_is_not_drained_runs_out_of_time)
{
	static uint8_t frame[32768];
	open_channel(8 << 20, 50, false);
	size_t length = make_frame(frame, sizeof frame, 1, 30000);
	for (unsigned i = 0; i < 60; i++) ck_channel_send(channel, frame, length, -1);
	turn_for(150);
	ck_assert_uint_eq(seen.closed, 1);
	ck_assert_int_eq(seen.why, CK_ERR_TIMEOUT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel");
	TCase *all = tcase_create("channel");
	tcase_set_timeout(all, 30);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, a_frame_arrives);
	tcase_add_test(all, byte_by_byte);
	tcase_add_test(all, many_in_one_send);
	tcase_add_test(all, the_largest_frame_and_small_ones_around);
	tcase_add_test(all, a_huge_length_is_cut_off);
	tcase_add_test(all, one_byte_past_the_limit_is_cut_off);
	tcase_add_test(all, an_empty_frame_is_cut_off);
	tcase_add_test(all, garbage_in_a_frame_is_cut_off);
	tcase_add_test(all, what_is_no_map_is_cut_off);
	tcase_add_test(all, leftover_bytes_in_a_frame_are_cut_off);
	tcase_add_test(all, what_came_whole_before_a_fault_counts);
	tcase_add_test(all, the_peer_goes);
	tcase_add_test(all, the_peer_goes_after_its_last_word);
	tcase_add_test(all, a_refused_message_closes);
	tcase_add_test(all, close_in_the_handler);
	tcase_add_test(all, close_in_the_handler_that_refuses);
	tcase_add_test(all, close_in_on_closed);
	tcase_add_test(all, a_descriptor_comes_with_its_frame);
	tcase_add_test(all, a_descriptor_waits_for_the_rest_of_its_frame);
	tcase_add_test(all, a_descriptor_where_none_is_taken_closes);
	tcase_add_test(all, two_descriptors_close);
	tcase_add_test(all, a_second_descriptor_for_one_frame_closes);
	tcase_add_loop_test(all, a_slow_reader_gets_all_in_order, 0, 2);
	tcase_add_loop_test(all, who_never_reads_is_closed_and_not_from_within_send, 0, 2);
	tcase_add_test(all, what_is_gathered_goes_at_the_end_of_the_round);
	tcase_add_test(all, what_is_gathered_goes_before_the_end);
	tcase_add_test(all, queued_descriptors_arrive_with_their_frames);
	tcase_add_test(all, sending_to_a_peer_that_is_gone);
	tcase_add_test(all, half_a_frame_runs_out_of_time);
	tcase_add_test(all, silence_between_frames_is_allowed);
	tcase_add_test(all, a_queue_that_is_not_drained_runs_out_of_time);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
