/* What the files of the ledger's process share: its state, and the verbs between them. One thread. */
#ifndef CK_AUTHD_LEDGER_PROCESS_H
#define CK_AUTHD_LEDGER_PROCESS_H

#include "authd/ledger_book.h"
#include "authd/ledger_wait.h"
#include "authd/process.h"

#define CK_LEDGER_PEERS_LIMIT 72           /* the gates that may be configured, the replica, and some */

struct ck_ledger_peer {
	enum ck_process process; /* 0: this place is free */
	unsigned index;
	struct ck_channel *channel;
	struct ck_ledger *ledger;
	const char *fault; /* why it is about to be accused */
};
struct ck_ledger {
	struct event_base *base;
	struct ck_peers *control;
	struct ck_book *book;
	struct event *flush_now, *flush_soon, *flushed, *tick;
	bool flush_wanted; /* flush_now is active */
	bool flush_timed;  /* flush_soon is pending */
	bool flushing;     /* one is in flight, since */
	int64_t flushing_ms;
	bool flush_again;  /* and the next is due as soon as it has ended */
	bool failed;
	bool cut_off; /* from a peer that lives: only the supervisor gives a new channel, to a new process */
	struct ck_ledger_peer peers[CK_LEDGER_PEERS_LIMIT];
	struct ck_waiter batch[CK_CHAIN_BATCH_RECORDS]; /* recorded, not yet written */
	size_t batch_count;
	struct ck_waiters waiters; /* written, not yet flushed */
};

/* ---- ledger_flush.c: what was taken is written, flushed and answered, in this order ---- */

/* A log that failed may not hold what memory says: nothing more is answered; the supervisor starts another ledger that reads it. */
void ck_ledger_fail(struct ck_ledger *ledger, const char *what, const struct ck_errmsg *err);
void ck_ledger_send_recorded(struct ck_ledger_peer *peer, uint64_t request, const struct ck_book_answer *answer, const char *text);
/* One write for all that came; who waits for no more than that is answered before anything is flushed. */
void ck_ledger_end_batch(struct ck_ledger *ledger);
/* Waits: at the end, and where there is no more room for those who wait. */
void ck_ledger_flush(struct ck_ledger *ledger);
void ck_ledger_begin_flush(struct ck_ledger *ledger);
/* What was written and is not waited for is flushed soon. */
void ck_ledger_time_flush(struct ck_ledger *ledger);
/* The flush in flight has ended, or some other's has. */
void ck_ledger_flushed(struct ck_ledger *ledger);

/* ---- ledger_answer.c: the messages. False: malformed, or not the sender's to send ---- */

/* Begins an answer: TYPE and REQUEST are put. */
struct ck_map_writer *ck_ledger_answer(struct ck_message_out *out, enum ck_message type, uint64_t request);
bool ck_ledger_handle_record(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
bool ck_ledger_handle_find(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
bool ck_ledger_handle_try(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
bool ck_ledger_handle_proved(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
bool ck_ledger_handle_state(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
bool ck_ledger_handle_uses(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
/* ledger_answer_vouch.c: the messages about vouches. */
bool ck_ledger_handle_vouch_find(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
bool ck_ledger_handle_vouch_state(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
/* How late it is known to be. confirmed: root says so, whatever was known before. */
void ck_ledger_send_clock(struct ck_ledger *ledger, struct ck_ledger_peer *peer, bool confirmed);

#endif
