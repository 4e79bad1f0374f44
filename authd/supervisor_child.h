/* The supervisor's children with a control channel: ledger, replica, gates. Inside the supervisor only. */
#ifndef CK_AUTHD_SUPERVISOR_CHILD_H
#define CK_AUTHD_SUPERVISOR_CHILD_H

#include "authd/protocol/client.h"
#include "authd/supervisor.h"

#define CK_CHILDREN_LIMIT (2 + CK_GATES_LIMIT)
#define CK_NOTES_LIMIT 16
#define CK_NOTE_BYTES 200

struct ck_children;
struct ck_child {
	struct ck_children *children;
	enum ck_process process;
	unsigned index;
	char name[16]; /* "gate-3" */
	pid_t pid;     /* 0: not running */
	bool ready;
	unsigned pings_unanswered;
	struct ck_channel *control;
	struct ck_backoff backoff;
	struct event *restart;
};
struct ck_child_start {
	const char *config_path;
	int lock_fd, listen_fd;
};
struct ck_children {
	struct ck_child at[CK_CHILDREN_LIMIT]; /* the ledger, the replica, the gates */
	size_t count;
	struct event_base *base;
	struct ck_child_start start;
	struct ck_channel_handlers handlers; /* of every control channel; the context is the child */
	void *context;
	bool ending;
	char notes[CK_NOTES_LIMIT][CK_NOTE_BYTES]; /* for a ledger that is not there at the moment */
	size_t notes_count;
};

/* Starts all in parallel. A child that cannot be started is tried again later. */
CK_MUST_USE enum ck_error ck_children_start(struct ck_children *children, struct event_base *base, const struct ck_child_start *start,
                                            unsigned gates, const struct ck_channel_handlers *handlers, void *context, struct ck_errmsg *err);
void ck_children_stop_restarts(struct ck_children *children);
/* Kills what is left and frees. */
void ck_children_end(struct ck_children *children);

struct ck_child *ck_children_find(struct ck_children *children, enum ck_process process, unsigned index); /* NULL: no such */
struct ck_child *ck_children_of_pid(struct ck_children *children, pid_t pid);
/* Whether the two have a channel between them: gate and ledger, gate and replica, replica and ledger. */
bool ck_children_are_peers(const struct ck_child *a, const struct ck_child *b);
/* Has the ledger record it, now or when it is back; the oldest are dropped past CK_NOTES_LIMIT. */
void ck_children_note(struct ck_children *children, const char *format, ...) CK_PRINTF(2, 3);

/* It was reaped: forgets pid and channel. */
void ck_child_gone(struct ck_child *child);
void ck_child_start_later(struct ck_child *child);
void ck_child_send(struct ck_child *child, enum ck_message type);
/* fd -1: there is no helper. */
void ck_child_send_token(struct ck_child *child, uint64_t request, int fd);

#endif
