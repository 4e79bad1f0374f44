/* A framed, non-blocking channel over a stream socket on a libevent loop: to a peer process or to a client. One thread. Reads with
   recvmsg (a passed descriptor is handed to the handler with the frame it came with), answers at once when the socket takes it and
   queues the rest, bounded. */
#ifndef CK_AUTHD_CHANNEL_H
#define CK_AUTHD_CHANNEL_H

#include <event2/event.h>

#include "authd/protocol/frame.h"
#include "authd/protocol/message.h"

struct ck_channel;

struct ck_channel_handlers {
	/* One whole frame, parsed. fd: a descriptor that came with it, or -1; the handler owns it. False: malformed or not allowed —
	   the channel is closed (on_closed is called with CK_ERR_INVALID). The handler may call ck_channel_close itself (and return true). */
	bool (*on_message)(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context);
	/* The peer is gone (CK_ERR_UNAVAILABLE), or sent what is no frame (CK_ERR_INVALID, CK_ERR_LIMIT), or does not read (CK_ERR_LIMIT), or
	   time is up (CK_ERR_TIMEOUT). The channel is freed after it returns (ck_channel_close in it is harmless). Never called from within
	   ck_channel_send. */
	void (*on_closed)(struct ck_channel *channel, enum ck_error why, void *context);
	/* All that was readable now was handled (may be NULL): the moment to write a batch. Comes before on_closed; not after the handler
	   itself closed the channel. */
	void (*on_batch_end)(void *context);
};

/* Owns fd, after a failure too (it is closed then). write_limit_bytes: queued more than this, the channel closes with CK_ERR_LIMIT.
   idle_ms: closed with CK_ERR_TIMEOUT when a frame was begun, or the queue not drained, for so long; 0 for never. accept_fds: else passed
   descriptors are closed and it is malformed. */
CK_MUST_USE enum ck_error ck_channel_new(struct event_base *base, int fd, const struct ck_channel_handlers *handlers, void *context,
                                         size_t write_limit_bytes, int idle_ms, bool accept_fds, struct ck_channel **out);
/* `frame` as ck_frame_end made it. pass_fd is sent along and stays the caller's (-1: none). Failures reach on_closed, later. */
void ck_channel_send(struct ck_channel *channel, const uint8_t *frame, size_t length, int pass_fd);
/* A message of our own to another process: begin puts TYPE, fields follow in ascending order, and it must fit. channel NULL: nobody is there. */
#define CK_MESSAGE_OUT_BYTES 4096 /* a vouch with its proof, or CK_USES_DUE_LIMIT uses of some 60 bytes */
struct ck_message_out {
	struct ck_frame_out frame;
	uint8_t bytes[CK_MESSAGE_OUT_BYTES];
};
struct ck_map_writer *ck_message_begin(struct ck_message_out *out, enum ck_message type);
void ck_channel_send_message(struct ck_channel *channel, struct ck_message_out *message);
/* From now on what is sent in one round of the loop goes with one system call at its end, instead of one each: for channels between busy
   processes, where it halves the wake-ups. */
CK_MUST_USE enum ck_error ck_channel_gather(struct ck_channel *channel);
/* Frees at once, or after the handler that is running; on_closed is not called. NULL is fine; nulls the caller's pointer. */
void ck_channel_close(struct ck_channel **channel);
int ck_channel_fd(const struct ck_channel *channel);

#endif
