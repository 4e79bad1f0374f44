/* The ledger without its sockets: what a message does to the log, the counters, the budgets and the sessions, and what is to be answered.
   Nothing answered true stands before ck_book_write has returned CK_OK. */
#ifndef CK_AUTHD_LEDGER_BOOK_H
#define CK_AUTHD_LEDGER_BOOK_H

#include "authd/audit/audit.h"
#include "authd/key_use.h"
#include "authd/ledger_attempt.h"
#include "authd/ledger_find.h"
#include "authd/ledger_session.h"
#include "authd/ledger_vouch.h"
#include "authd/protocol/cbor.h"
#include "authd/protocol/message.h"

struct ck_book_settings {
	char directory[512];
	struct ck_chain_limits limits;
	uint64_t refusals_per_minute;
	uint64_t tries_per_minute;  /* of one source */
	uint64_t logins_per_minute; /* of one person */
	struct ck_find_limits finds;
	uint64_t checkpoint_interval_s;
	uint64_t key_use_interval_s;
	uint64_t challenge_limit_s; /* no statement was issued longer ago */
	struct ck_attempt_limits attempts; /* of passwords */
	uint64_t vouch_limit_s;     /* how long a vouch's code is good */
	bool wait_for_counts;       /* one that knows no counter grants nothing before the replica has told those of the directory */
	char boot[CK_ID_TEXT_BYTES]; /* ck_state_read_boot_id */
};
struct ck_book_answer {
	bool verdict;
	bool flush_first;   /* after ck_book_flush, not after ck_book_write */
	const char *reason; /* why not, or NULL; lives for ever */
	int64_t wait_ms;    /* until it might stand; 0: not known */
};
struct ck_book;

/* Opens the log, restores what it says, records that it started (written). */
CK_MUST_USE enum ck_error ck_book_open(const struct ck_book_settings *settings, struct ck_book **out, struct ck_errmsg *err);
void ck_book_free(struct ck_book **book);

/* A CK_MSG_RECORD (not of a checkpoint) from a process. CK_ERR_INVALID, CK_ERR_DENIED: it may not send that. */
CK_MUST_USE enum ck_error ck_book_record(struct ck_book *book, enum ck_process from, const struct ck_map *message, struct ck_book_answer *out);
/* A CK_MSG_KEY_USES: what the directory has is learned, and what it is to be given goes to `out`. CK_ERR_INVALID: malformed. */
CK_MUST_USE enum ck_error ck_book_uses(struct ck_book *book, const struct ck_map *message, struct ck_use out[CK_USES_DUE_LIMIT], size_t *out_count,
                                       struct ck_errmsg *err);
/* Something was begun, from where the bytes say, that a key is to prove. 0: it may go on; else in so many milliseconds. Nothing is recorded. */
CK_MUST_USE int64_t ck_book_try(struct ck_book *book, struct ck_bytes source);
/* It was proved: it does not count. */
void ck_book_proved(struct ck_book *book, struct ck_bytes source);
/* A CK_MSG_VOUCH_FIND. *out_found: the vouch, under *out_id; NULL: it is refused, as `out` says, and that is recorded. CK_ERR_INVALID: malformed. */
CK_MUST_USE enum ck_error ck_book_find_vouch(struct ck_book *book, const struct ck_map *message, struct ck_book_answer *out,
                                             const struct ck_vouch **out_found, const uint8_t **out_id);
/* NULL: there is none. */
const struct ck_vouch *ck_book_vouch(struct ck_book *book, const uint8_t id[CK_VOUCH_ID_BYTES]);
/* Of the ledger's own accord: an alarm, or what the supervisor noted. */
void ck_book_alarm(struct ck_book *book, struct ck_text detail);
void ck_book_note(struct ck_book *book, struct ck_text detail);
/* Room for one more record in the batch; else ck_book_write first. */
bool ck_book_has_room(const struct ck_book *book);
/* All that was recorded since the last call, in one write. After a failure nothing of it stands, and the book is to be opened anew. */
CK_MUST_USE enum ck_error ck_book_write(struct ck_book *book, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_book_flush(struct ck_book *book, struct ck_errmsg *err);
/* The same without waiting (see ck_chain_flush_begin). When a snapshot is due it is waited for, once in thousands of records: under load
   there would never be a moment at which all that is known is flushed. */
CK_MUST_USE enum ck_error ck_book_flush_begin(struct ck_book *book, bool *out_done, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_book_flush_end(struct ck_book *book, bool *out_done, struct ck_errmsg *err);
int ck_book_flush_fd(const struct ck_book *book);
/* Whether something was written that no flush covers, ended or in flight. */
bool ck_book_needs_flush(const struct ck_book *book);
/* After a flush, when nobody waits: a snapshot, if it is time for one. */
void ck_book_settle(struct ck_book *book);

/* The line of a new checkpoint, or of the last one if nothing was recorded since. Writes and flushes. Lives until the next call. */
CK_MUST_USE enum ck_error ck_book_checkpoint(struct ck_book *book, const char **out_line, struct ck_errmsg *err);
/* Whether so many were asked for that this one is refused: they cost several flushes each. */
bool ck_book_checkpoint_allowed(struct ck_book *book);
/* Once a second: what was coalesced is recorded, a checkpoint made when it is time. Needs ck_book_write after it. */
CK_MUST_USE enum ck_error ck_book_tick(struct ck_book *book, struct ck_errmsg *err);
/* What the log would take now: every record, or only grants and changes (the disk is full, the reserve is not), or none. */
enum ck_book_room { CK_BOOK_FULL = 0, CK_BOOK_RESERVE, CK_BOOK_ROOM };
enum ck_book_room ck_book_room(struct ck_book *book);
/* It cannot be earlier: what the others are told when they come, and when root has confirmed the clock. */
int64_t ck_book_known_s(const struct ck_book *book);
bool ck_book_find_session(struct ck_book *book, const struct ck_leader *leaders, size_t count, struct ck_text *out_host);
/* Records the stop, makes a checkpoint and a snapshot. */
CK_MUST_USE enum ck_error ck_book_stop(struct ck_book *book, struct ck_errmsg *err);
/* Process numbers and start times of ANCESTORS; false: malformed. */
bool ck_book_leaders(const struct ck_map *message, struct ck_leader out[CK_LEADERS_LIMIT], size_t *out_count);

#endif
