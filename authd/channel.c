/* Frames over a stream socket on libevent; no read or write blocks (MSG_DONTWAIT), whatever the socket is set to. Trusts nothing that it reads: frames are
   bounded by ck_frame_find and checked whole by ck_map_parse before a handler sees them. A frame may hold a password: its bytes are wiped once they were
   handled or sent. Re-entrancy: a handler may send on and close any channel, its own too; the channel then lives until the outermost callback has
   returned (depth). */
#include "authd/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/base/secret.h"

#define INPUT_SMALL_BYTES 16384 /* some sixty messages in one recvmsg; pages are touched only as far as they are used */
#define INPUT_LIMIT_BYTES (CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES)
#define OUTPUT_FIRST_BYTES 4096
#define GATHER_KEPT_BYTES 65536
#define QUEUED_FDS_LIMIT 16
#define ROUNDS_LIMIT 4 /* recvmsg calls for one readiness, so that one busy peer does not starve the others */

struct queued_fd {
	size_t at;     /* offset in the queue of the frame it goes with */
	size_t length; /* of that frame: a frame with a descriptor is sent alone, so that the receiver can tell whose it is */
	int fd;
};

struct ck_channel {
	struct event_base *base;
	struct event *readable, *writable, *timer, *round_end; /* round_end: only of one that gathers */
	int fd;
	struct ck_channel_handlers handlers;
	void *context;
	size_t write_limit_bytes;
	int idle_ms;
	bool accept_fds, closed, writing, timer_set;
	unsigned depth;
	enum ck_error failure; /* to be told by the timer; CK_OK: none */
	int64_t read_since_ms, write_since_ms; /* since when a frame is begun, the queue not empty; 0: it is not */

	uint8_t *in; /* small, or grown on the heap */
	size_t in_limit, in_at, in_end;
	int in_fd;       /* came along and waits for the end of its frame */
	size_t in_fd_at; /* the last byte of the recvmsg that brought it: it lies in its frame */

	uint8_t *out;
	size_t out_limit, out_at, out_end;
	struct queued_fd fds[QUEUED_FDS_LIMIT];
	size_t fds_count;

	uint8_t small[INPUT_SMALL_BYTES]; /* last: not zeroed */
};

static void channel_shut(struct ck_channel *c)
{
	if (c->closed) return;
	/* what was gathered in this round was promised: it goes if the socket takes it */
	if (c->round_end != NULL && !c->writing && c->out_at < c->out_end)
		(void)!send(c->fd, c->out + c->out_at, c->out_end - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
	c->closed = true;
	struct event **events[] = { &c->readable, &c->writable, &c->timer, &c->round_end };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		if (*events[i] != NULL) event_free(*events[i]);
		*events[i] = NULL;
	}
	close(c->fd);
	c->fd = -1;
	if (c->in_fd >= 0) close(c->in_fd);
	c->in_fd = -1;
	for (size_t i = 0; i < c->fds_count; i++) close(c->fds[i].fd);
	c->fds_count = 0;
}

static void channel_free(struct ck_channel *c)
{
	channel_shut(c);
	ck_wipe(c->in, c->in_end);
	if (c->in != c->small) free(c->in);
	ck_wipe(c->out, c->out_end);
	free(c->out);
	free(c);
}

/* The end of a callback: frees what was closed meanwhile. */
static void channel_leave(struct ck_channel *c)
{
	c->depth--;
	if (c->depth == 0 && c->closed) channel_free(c);
}

/* The end of the channel, from inside a callback of the loop. */
static void channel_end(struct ck_channel *c, enum ck_error why)
{
	if (c->closed) return;
	c->handlers.on_closed(c, why, c->context);
	channel_shut(c);
}

/* A failure found while the caller is in ck_channel_send: told from the loop. */
static void channel_fail(struct ck_channel *c, enum ck_error why)
{
	if (c->closed || c->failure != CK_OK) return;
	c->failure = why;
	event_active(c->timer, EV_TIMEOUT, 0);
}

/* ---- time ---- */

/* The timer is lazy: it is not taken back when things go on, it looks again when it fires. */
static void timer_want(struct ck_channel *c, int64_t now_ms, int64_t since_ms)
{
	if (c->timer_set) return;
	int64_t left_ms = since_ms + c->idle_ms - now_ms;
	if (left_ms < 1) left_ms = 1;
	struct timeval wait = { .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 };
	c->timer_set = event_add(c->timer, &wait) == 0;
	if (!c->timer_set) channel_fail(c, CK_ERR_MEMORY);
}

static void timer_begin(struct ck_channel *c, int64_t *since_ms)
{
	if (c->idle_ms <= 0) return;
	int64_t now_ms = ck_clock_monotonic_ms();
	*since_ms = now_ms;
	timer_want(c, now_ms, now_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_channel *c = context;
	c->depth++;
	c->timer_set = false;
	if (c->failure != CK_OK) {
		channel_end(c, c->failure);
	} else {
		int64_t since_ms = c->read_since_ms;
		if (since_ms == 0 || (c->write_since_ms != 0 && c->write_since_ms < since_ms)) since_ms = c->write_since_ms;
		int64_t now_ms = ck_clock_monotonic_ms();
		if (since_ms != 0 && now_ms - since_ms >= c->idle_ms)
			channel_end(c, CK_ERR_TIMEOUT);
		else if (since_ms != 0)
			timer_want(c, now_ms, since_ms);
	}
	channel_leave(c);
}

/* ---- reading ---- */

/* Takes the descriptors out of a received message. False: not allowed here, or more than one; all are closed. */
static bool take_fds(struct ck_channel *c, struct msghdr *message)
{
	bool fine = (message->msg_flags & MSG_CTRUNC) == 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
			if (fine && c->accept_fds && c->in_fd < 0) {
				c->in_fd = fd;
			} else {
				close(fd);
				fine = false;
			}
		}
	}
	return fine;
}

/* One recvmsg into what is free. *out_full: it may have more at once. CK_ERR_NOT_FOUND: nothing there now. */
static enum ck_error receive_some(struct ck_channel *c, bool *out_full)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = c->in + c->in_end, .iov_len = c->in_limit - c->in_end };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	ssize_t got = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got < 0) return errno == EAGAIN || errno == EINTR ? CK_ERR_NOT_FOUND : errno == ECONNRESET ? CK_ERR_UNAVAILABLE : CK_ERR_IO;
	if (got == 0) return CK_ERR_UNAVAILABLE;
	bool fd_came = message.msg_controllen > 0;
	if (fd_came && !take_fds(c, &message)) return CK_ERR_INVALID;
	*out_full = (size_t)got == part.iov_len;
	c->in_end += (size_t)got;
	if (fd_came) c->in_fd_at = c->in_end - 1;
	return CK_OK;
}

/* Makes room for the rest of a frame of `need` bytes: doubling as it really comes, since announcing a length costs a sender nothing. */
static enum ck_error make_room(struct ck_channel *c, size_t need)
{
	if (c->in_at > 0) {
		size_t end = c->in_end;
		memmove(c->in, c->in + c->in_at, c->in_end - c->in_at);
		if (c->in_fd >= 0) c->in_fd_at -= c->in_at;
		c->in_end -= c->in_at;
		c->in_at = 0;
		ck_wipe(c->in + c->in_end, end - c->in_end);
	}
	if (need <= c->in_limit || c->in_end < c->in_limit) return CK_OK;
	size_t limit = c->in_limit * 2 < INPUT_LIMIT_BYTES ? c->in_limit * 2 : INPUT_LIMIT_BYTES;
	uint8_t *grown = malloc(limit);
	if (grown == NULL) return CK_ERR_MEMORY;
	memcpy(grown, c->in, c->in_end);
	ck_wipe(c->in, c->in_end);
	if (c->in != c->small) free(c->in);
	c->in = grown;
	c->in_limit = limit;
	return CK_OK;
}

static void input_reset(struct ck_channel *c)
{
	c->in_at = 0;
	c->in_end = 0;
	if (c->in == c->small) return;
	free(c->in);
	c->in = c->small;
	c->in_limit = sizeof c->small;
}

/* One frame to its handler. */
static enum ck_error handle_frame(struct ck_channel *c, struct ck_bytes encoded, size_t used)
{
	struct ck_map map;
	if (ck_map_parse(encoded, &map) != CK_OK) return CK_ERR_INVALID;
	int fd = -1;
	if (c->in_fd >= 0 && c->in_fd_at < c->in_at + used) {
		fd = c->in_fd;
		c->in_fd = -1;
	}
	c->in_at += used;
	bool fine = c->handlers.on_message(c, &map, encoded, fd, c->context);
	ck_wipe((void *)(uintptr_t)encoded.at, encoded.length); /* the channel is there, though it may be closed */
	return fine ? CK_OK : CK_ERR_INVALID;
}

/* All whole frames to their handlers; what is left of a begun one stays. */
static enum ck_error handle_frames(struct ck_channel *c)
{
	bool any = false;
	while (c->in_at < c->in_end) {
		struct ck_bytes encoded;
		size_t used = 0;
		enum ck_error error = ck_frame_find((struct ck_bytes){ c->in + c->in_at, c->in_end - c->in_at }, &encoded, &used);
		if (error == CK_ERR_NOT_FOUND) {
			if (any || c->read_since_ms == 0) timer_begin(c, &c->read_since_ms);
			return make_room(c, used);
		}
		if (error != CK_OK) return error;
		error = handle_frame(c, encoded, used);
		if (error != CK_OK || c->closed) return error;
		any = true;
	}
	c->read_since_ms = 0;
	input_reset(c);
	return CK_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_channel *c = context;
	c->depth++;
	enum ck_error error = CK_OK;
	bool full = true;
	for (int i = 0; i < ROUNDS_LIMIT && full && error == CK_OK && !c->closed && c->failure == CK_OK; i++) {
		error = receive_some(c, &full);
		if (error == CK_OK) error = handle_frames(c);
	}
	/* what came whole before a fault still counts: its batch is written first */
	if (!c->closed && c->handlers.on_batch_end != NULL) c->handlers.on_batch_end(c->context);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) channel_end(c, error);
	channel_leave(c);
}

/* ---- writing ---- */

/* sendmsg of a piece. *out_sent: what the socket took. CK_ERR_UNAVAILABLE: the peer is gone. */
static enum ck_error send_some(struct ck_channel *c, const uint8_t *bytes, size_t length, int pass_fd, size_t *out_sent)
{
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (pass_fd >= 0) {
		memset(&control, 0, sizeof control);
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof control.bytes;
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof pass_fd);
		memcpy(CMSG_DATA(head), &pass_fd, sizeof pass_fd);
	}
	*out_sent = 0;
	ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0) {
		*out_sent = (size_t)sent;
		return CK_OK;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS) return CK_OK;
	return errno == EPIPE || errno == ECONNRESET ? CK_ERR_UNAVAILABLE : CK_ERR_IO;
}

/* How much of the queue may go in one sendmsg, and with which descriptor. */
static size_t next_piece(const struct ck_channel *c, int *out_fd)
{
	*out_fd = -1;
	if (c->fds_count == 0) return c->out_end - c->out_at;
	if (c->fds[0].at > c->out_at) return c->fds[0].at - c->out_at;
	*out_fd = c->fds[0].fd;
	return c->fds[0].length;
}

static void queue_drained(struct ck_channel *c)
{
	ck_wipe(c->out, c->out_end);
	/* one that gathers needs it again in the next round */
	if (c->round_end == NULL || c->out_limit > GATHER_KEPT_BYTES) {
		free(c->out);
		c->out = NULL;
		c->out_limit = 0;
	}
	c->out_at = 0;
	c->out_end = 0;
	c->write_since_ms = 0;
	if (c->writing) event_del(c->writable);
	c->writing = false;
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_channel *c = context;
	while (c->out_at < c->out_end) {
		int pass_fd;
		size_t length = next_piece(c, &pass_fd);
		size_t sent;
		enum ck_error error = send_some(c, c->out + c->out_at, length, pass_fd, &sent);
		if (error != CK_OK) {
			c->depth++;
			channel_end(c, error);
			channel_leave(c);
			return;
		}
		if (sent == 0) return;
		c->out_at += sent;
		if (pass_fd >= 0) { /* it went with the first byte; the rest of its frame is ordinary */
			close(pass_fd);
			c->fds_count--;
			memmove(&c->fds[0], &c->fds[1], c->fds_count * sizeof c->fds[0]);
		}
		if (sent < length) return;
	}
	queue_drained(c);
}

static bool queue_grow(struct ck_channel *c, size_t length)
{
	if (c->out_at > 0) {
		size_t end = c->out_end;
		memmove(c->out, c->out + c->out_at, c->out_end - c->out_at);
		for (size_t i = 0; i < c->fds_count; i++) c->fds[i].at -= c->out_at;
		c->out_end -= c->out_at;
		c->out_at = 0;
		ck_wipe(c->out + c->out_end, end - c->out_end);
	}
	size_t limit = c->out_limit > 0 ? c->out_limit : OUTPUT_FIRST_BYTES;
	while (limit < c->out_end + length) limit *= 2;
	if (limit == c->out_limit) return true;
	uint8_t *grown = malloc(limit); /* realloc would leave a copy behind */
	if (grown == NULL) return false;
	if (c->out_end > 0) memcpy(grown, c->out, c->out_end);
	ck_wipe(c->out, c->out_end);
	free(c->out);
	c->out = grown;
	c->out_limit = limit;
	return true;
}

static bool queue_fd(struct ck_channel *c, int pass_fd, size_t length)
{
	if (c->fds_count == QUEUED_FDS_LIMIT) return false;
	int copy = fcntl(pass_fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0) return false;
	c->fds[c->fds_count++] = (struct queued_fd){ .at = c->out_end, .length = length, .fd = copy };
	return true;
}

/* The socket is full: the loop says when it takes more. */
static enum ck_error wait_writable(struct ck_channel *c)
{
	if (c->writing) return CK_OK;
	if (c->writable == NULL) c->writable = event_new(c->base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
	if (c->writable == NULL || event_add(c->writable, NULL) != 0) return CK_ERR_MEMORY;
	c->writing = true;
	timer_begin(c, &c->write_since_ms);
	return CK_OK;
}

static enum ck_error queue(struct ck_channel *c, const uint8_t *bytes, size_t length, int pass_fd)
{
	if (length > c->write_limit_bytes - (c->out_end - c->out_at)) return CK_ERR_LIMIT;
	if (c->out_end + length > c->out_limit && !queue_grow(c, length)) return CK_ERR_MEMORY;
	if (pass_fd >= 0 && !queue_fd(c, pass_fd, length)) return CK_ERR_LIMIT;
	memcpy(c->out + c->out_end, bytes, length);
	c->out_end += length;
	return CK_OK;
}

/* The end of the loop's round: everything that was gathered in it goes with one sendmsg. */
static void on_round_end(evutil_socket_t fd, short what, void *context)
{
	struct ck_channel *c = context;
	if (c->writing || c->out_end == 0) return;
	c->depth++;
	on_writable(fd, what, c);
	if (!c->closed && c->out_end > 0) {
		enum ck_error error = wait_writable(c);
		if (error != CK_OK) channel_fail(c, error);
	}
	channel_leave(c);
}

enum ck_error ck_channel_gather(struct ck_channel *c)
{
	if (c->round_end == NULL) c->round_end = event_new(c->base, -1, 0, on_round_end, c);
	return c->round_end != NULL ? CK_OK : CK_ERR_MEMORY;
}

void ck_channel_send(struct ck_channel *c, const uint8_t *frame, size_t length, int pass_fd)
{
	if (c->closed || c->failure != CK_OK) return;
	size_t sent = 0;
	enum ck_error error = CK_OK;
	bool gather = c->round_end != NULL && !c->writing;
	if (c->out_end == 0 && !gather) error = send_some(c, frame, length, pass_fd, &sent);
	if (error == CK_OK && sent < length) error = queue(c, frame + sent, length - sent, sent == 0 ? pass_fd : -1);
	/* active events run in the order they became so: behind everything that is readable in this round */
	if (error == CK_OK && gather) event_active(c->round_end, EV_WRITE, 0);
	else if (error == CK_OK && sent < length) error = wait_writable(c);
	if (error != CK_OK) channel_fail(c, error);
}

/* ---- life ---- */

enum ck_error ck_channel_new(struct event_base *base, int fd, const struct ck_channel_handlers *handlers, void *context,
                             size_t write_limit_bytes, int idle_ms, bool accept_fds, struct ck_channel **out)
{
	*out = NULL;
	struct ck_channel *c = malloc(sizeof *c);
	if (c == NULL) {
		close(fd);
		return CK_ERR_MEMORY;
	}
	memset(c, 0, offsetof(struct ck_channel, small));
	c->base = base;
	c->fd = fd;
	c->handlers = *handlers;
	c->context = context;
	c->write_limit_bytes = write_limit_bytes;
	c->idle_ms = idle_ms;
	c->accept_fds = accept_fds;
	c->in = c->small;
	c->in_limit = sizeof c->small;
	c->in_fd = -1;
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->timer = event_new(base, -1, 0, on_timer, c);
	if (c->readable == NULL || c->timer == NULL || event_add(c->readable, NULL) != 0) {
		channel_free(c);
		return CK_ERR_IO;
	}
	*out = c;
	return CK_OK;
}

void ck_channel_close(struct ck_channel **channel)
{
	if (channel == NULL || *channel == NULL) return;
	struct ck_channel *c = *channel;
	*channel = NULL;
	if (c->depth == 0)
		channel_free(c);
	else
		channel_shut(c);
}

int ck_channel_fd(const struct ck_channel *channel)
{
	return channel->fd;
}
