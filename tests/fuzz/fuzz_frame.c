/* Bytes from a peer through a channel, cut where the first byte says: the channel must hand over the same messages that plain parsing finds,
   whatever the cuts, and end where that ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	if (fd >= 0 || ck_map_expect(message, 0, UINT64_MAX) != CK_OK) abort();
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

/* The same by hand. */
static struct seen expected(struct ck_bytes bytes)
{
	struct seen seen = { 0 };
	struct ck_map map;
	struct ck_bytes encoded;
	for (size_t used; ck_frame_find(bytes, &encoded, &used) == CK_OK && ck_map_parse(encoded, &map) == CK_OK;) {
		seen.sum = mix(seen.sum, encoded);
		seen.messages++;
		bytes.at += used;
		bytes.length -= used;
	}
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ck_channel_handlers handlers = { .on_message = on_message, .on_closed = on_closed };
	static struct event_base *base;
	if (base == NULL) base = event_base_new();
	if (base == NULL || size == 0) return 0;
	size_t piece = data[0] == 0 ? size : (size_t)data[0];
	struct ck_bytes bytes = { data + 1, size - 1 };
	struct seen wanted = expected(bytes);
	struct seen seen = { 0 };
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
	if (ck_channel_new(base, pair[0], &handlers, &seen, 4096, 0, false, &seen.channel) != CK_OK) abort();
	for (size_t at = 0; at < bytes.length && seen.channel != NULL;) {
		size_t length = bytes.length - at < piece ? bytes.length - at : piece;
		ssize_t sent = send(pair[1], bytes.at + at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) at += (size_t)sent;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	for (int i = 0; i < 8 && seen.channel != NULL; i++) event_base_loop(base, EVLOOP_NONBLOCK);
	ck_channel_close(&seen.channel);
	close(pair[1]);
	if (seen.messages != wanted.messages || seen.sum != wanted.sum) abort();
	return 0;
}
