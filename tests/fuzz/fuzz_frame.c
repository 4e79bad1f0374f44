/* Bytes from a peer through a channel, cut where the first byte says: the channel must hand over the same messages that plain parsing finds,
   whatever the cuts, and end where that ends; where calls fail, it may end sooner. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/channel.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

#define ROUNDS_LIMIT 100000 /* more than the longest input has bytes */

struct seen {
	struct ck_channel *channel;
	uint64_t sum; /* over what was handed over, in order */
	size_t messages;
};

static uint64_t mix(uint64_t sum, struct ck_bytes encoded)
{
	for (size_t i = 0; i < encoded.length; i++) sum = (sum ^ encoded.at[i]) * UINT64_C(1099511628211);
	return sum + encoded.length;
}

static bool on_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	struct seen *seen = context;
	if (fd >= 0 || ck_map_expect(message, 0, ~(ck_keys)0) != CK_OK) abort();
	seen->sum = mix(seen->sum, encoded);
	seen->messages++;
	return true;
}

static void on_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	(void)why;
	((struct seen *)context)->channel = NULL;
}

/* The same by hand, so many messages at most. */
static struct seen expected(struct ck_bytes bytes, size_t limit)
{
	struct seen seen = { 0 };
	struct ck_map map;
	struct ck_bytes encoded;
	for (size_t used; seen.messages < limit && ck_frame_find(bytes, &encoded, &used) == CK_OK && ck_map_parse(encoded, &map) == CK_OK;) {
		seen.sum = mix(seen.sum, encoded);
		seen.messages++;
		bytes.at += used;
		bytes.length -= used;
	}
	return seen;
}

/* The peer's end, which nothing befalls. */
static int make_pair(int pair[2])
{
	ck_faults_pass();
	int made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	ck_faults_back();
	return made;
}

static size_t push(int fd, struct ck_bytes bytes, size_t piece)
{
	ck_faults_pass();
	ssize_t sent = send(fd, bytes.at, bytes.length < piece ? bytes.length : piece, MSG_NOSIGNAL | MSG_DONTWAIT);
	ck_faults_back();
	return sent > 0 ? (size_t)sent : 0;
}

static struct event_base *the_base(void)
{
	static struct event_base *base;
	ck_faults_pass();
	if (base == NULL) base = event_base_new();
	ck_faults_back();
	return base;
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static const struct ck_channel_handlers handlers = { .on_message = on_message, .on_closed = on_closed };
	struct event_base *base = the_base();
	if (base == NULL || size == 0) return;
	size_t piece = data[0] == 0 ? size : (size_t)data[0];
	struct ck_bytes all = { data + 1, size - 1 }, left = all;
	struct seen seen = { 0 };
	int pair[2];
	if (make_pair(pair) != 0) abort();
	if (ck_channel_new(base, pair[0], &handlers, &seen, 4096, 0, false, &seen.channel) != CK_OK) {
		if (!fuzz_failing) abort();
		close(pair[0]);
		close(pair[1]);
		return;
	}
	for (size_t round = 0; left.length > 0 && seen.channel != NULL; round++) {
		size_t sent = push(pair[1], left, piece);
		left.at += sent;
		left.length -= sent;
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (round < ROUNDS_LIMIT) continue;
		if (!fuzz_failing) abort();
		break; /* it could not even be told to listen again */
	}
	for (int i = 0; i < 8 && seen.channel != NULL; i++) event_base_loop(base, EVLOOP_NONBLOCK);
	ck_channel_close(&seen.channel);
	close(pair[1]);
	struct seen wanted = expected(all, fuzz_failing ? seen.messages : SIZE_MAX);
	if (seen.messages != wanted.messages || seen.sum != wanted.sum) abort();
}
