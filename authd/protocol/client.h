/* The client library: one blocking conversation over a unix socket with a deadline for every step. Used by PAM, CLI and helpers.
   Accepts a server only if the socket's path is below root-owned, non-writable directories and its peer credentials are uid 0
   (those of whoever called listen(2): the supervisor). Never raises a signal (MSG_NOSIGNAL), never leaves a descriptor behind
   (O_CLOEXEC), prints nothing. Works with more than FD_SETSIZE descriptors open (poll). libc only. */
#ifndef CK_PROTOCOL_CLIENT_H
#define CK_PROTOCOL_CLIENT_H

#include "authd/protocol/frame.h"

#define CK_CLIENT_REPLY_TIMEOUT_MS 5000

struct ck_client {
	int fd;             /* -1: not connected */
	int passed_fd;      /* a descriptor that came with the last reply; -1 if none. The caller takes it by setting -1 */
	size_t length;      /* received so far */
	size_t used;        /* of it the last frame: dropped by the next receive */
	uint8_t *bytes;     /* the last reply's map lives here, until the next receive */
	size_t limit_bytes; /* how many `bytes` holds */
	bool soon;          /* the last answer came within microseconds */
	unsigned vain;      /* looks for an answer that were in vain, less those that were not */
	unsigned sleeps;    /* so many short ones come before the next look */
};

/* Checks the path chain, connects, checks the peer. err may be NULL. */
CK_MUST_USE enum ck_error ck_client_connect(struct ck_client *client, const char *path, int64_t deadline_ms, struct ck_errmsg *err);
/* Takes over a connected descriptor (the token helper's socket). */
CK_MUST_USE enum ck_error ck_client_adopt(struct ck_client *client, int fd);
void ck_client_close(struct ck_client *client);
/* Whether a descriptor that the gate passed on is one end of a pair that root made: the peer is uid 0 and has no name. A taken gate has only
   its own pairs, and connections to sockets that have names, so that it is given no PIN. */
bool ck_client_is_roots_pair(int fd);

/* Deadlines are absolute, of ck_clock_monotonic_ms. A frame is length bytes as ck_frame_end gave them; passed_fd -1 for none. */
CK_MUST_USE enum ck_error ck_client_send(struct ck_client *client, const uint8_t *frame, size_t length, int passed_fd, int64_t deadline_ms);
/* Waits for one frame and parses it. cancelled: polled together; readable means CK_ERR_CANCELLED; -1 for none. */
CK_MUST_USE enum ck_error ck_client_receive(struct ck_client *client, struct ck_map *out, int64_t deadline_ms, int cancel_fd);
/* Send and receive. Where the last answer came within microseconds the next one is waited for awake, for as long; then it sleeps. What is in vain again
   and again is tried ever more seldom. */
CK_MUST_USE enum ck_error ck_client_call(struct ck_client *client, const uint8_t *frame, size_t length, struct ck_map *out, int64_t deadline_ms);

/* Each directory from / down to the file's is owned by root and not writable by group or others (sticky /tmp not accepted). */
CK_MUST_USE enum ck_error ck_path_is_trusted(const char *path, struct ck_errmsg *err);

#endif
