/* The socket of the conversation: one frame at a time, each way. Trusts nobody at the other end: what does not fit the moment ends it. */
#include "pam_module/token_internal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "directory/base/clock.h"

static int left_until(int64_t deadline_ms)
{
	int64_t now_ms = ck_clock_monotonic_ms(), left_ms = deadline_ms - now_ms;
	if (left_ms < 0 || now_ms == 0) return 0; /* a clock that cannot be read says 0: nobody waits for ever by it */
	return left_ms > CK_TOKEN_TIME_LIMIT_MS ? CK_TOKEN_TIME_LIMIT_MS : (int)left_ms;
}

int ck_token_left_ms(const struct ck_token *token)
{
	return left_until(token->deadline_ms);
}

int ck_token_grace_ms(const struct ck_token *token)
{
	return token->source->grace_ms > 0 ? token->source->grace_ms : CK_TOKEN_GRACE_MS;
}

static enum ck_token_outcome wait_for(int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd poller = {.fd = fd, .events = events};
		int ready = poll(&poller, 1, left_until(deadline_ms));
		if (ready > 0) return CK_TOKEN_OK;
		if (ready == 0) return CK_TOKEN_TIMEOUT;
		if (errno != EINTR) return CK_TOKEN_CANCELLED;
	}
}

enum ck_token_outcome ck_token_receive(const struct ck_token *token, uint8_t *bytes, size_t limit_bytes, int64_t deadline_ms,
                                       struct ck_map *out)
{
	size_t got = 0;
	for (;;) {
		struct ck_bytes map;
		size_t used = 0;
		enum ck_error error = ck_frame_find((struct ck_bytes){bytes, got}, &map, &used);
		if (error == CK_OK) return used == got && ck_map_parse(map, out) == CK_OK ? CK_TOKEN_OK : CK_TOKEN_GARBAGE;
		if (error != CK_ERR_NOT_FOUND || used > limit_bytes) return CK_TOKEN_GARBAGE;
		enum ck_token_outcome outcome = wait_for(token->fd, POLLIN, deadline_ms);
		if (outcome != CK_TOKEN_OK) return outcome;
		ssize_t count = recv(token->fd, bytes + got, limit_bytes - got, MSG_DONTWAIT);
		if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return CK_TOKEN_CANCELLED;
		if (count > 0) got += (size_t)count;
	}
}

enum ck_token_outcome ck_token_send(const struct ck_token *token, const uint8_t *frame, size_t length)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + CK_TOKEN_STEP_TIMEOUT_MS;
	for (size_t sent = 0; sent < length;) {
		ssize_t count = send(token->fd, frame + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (count > 0) {
			sent += (size_t)count;
			continue;
		}
		if (count < 0 && errno != EINTR && errno != EAGAIN) return CK_TOKEN_CANCELLED;
		if (wait_for(token->fd, POLLOUT, deadline_ms) != CK_TOKEN_OK) return CK_TOKEN_CANCELLED;
	}
	return CK_TOKEN_OK;
}

enum ck_token_outcome ck_token_pause(const struct ck_token *token, int news_fd, int ms)
{
	int64_t until_ms = ck_clock_monotonic_ms() + ms;
	uint8_t byte;
	for (;;) {
		struct pollfd pollers[] = {{.fd = token->fd, .events = POLLIN | POLLRDHUP}, {.fd = news_fd, .events = POLLIN}};
		if (ck_token_left_ms(token) == 0) return CK_TOKEN_TIMEOUT;
		int left_ms = left_until(until_ms < token->deadline_ms ? until_ms : token->deadline_ms);
		int ready = poll(pollers, 2, left_ms);
		if (ready < 0 && errno != EINTR) return CK_TOKEN_CANCELLED;
		if (ready > 0 && pollers[0].revents != 0)
			return recv(token->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0 ? CK_TOKEN_GARBAGE : CK_TOKEN_CANCELLED;
		if (ready > 0 || ck_clock_monotonic_ms() >= until_ms) return CK_TOKEN_OK;
	}
}
