/* The inside of the book, for its own files: what it holds, and how a record is added to the batch. */
#ifndef CK_AUTHD_LEDGER_BOOK_STATE_H
#define CK_AUTHD_LEDGER_BOOK_STATE_H

#include "authd/ledger_book.h"
#include "authd/ledger_budget.h"
#include "authd/ledger_event.h"
#include "authd/ledger_rate.h"
#include "authd/ledger_state.h"
#include "authd/ledger_vouch_act.h"
#include "authd/wall.h"

struct ck_book {
	struct ck_book_settings settings;
	struct ck_chain *chain;
	struct ck_state state;
	struct ck_budgets *budgets;
	struct ck_rates *tries;  /* by source: begun, and not proved */
	struct ck_rates *logins; /* by person: spent only by what a key has proved */
	struct ck_vouches *vouches;
	struct ck_vouch_act act; /* of the message that is being recorded */
	struct ck_wall wall;
	bool behind;                      /* the clock, as it was recorded */
	int64_t seen_wall_ms, seen_boot_ms; /* when both were looked at last; 0: not yet */
	unsigned in_batch;
	uint64_t snapshot_seq;     /* of the last snapshot */
	uint32_t snapshot_segment;
	uint64_t checkpoint_seq;   /* of the last checkpoint; 0: none by this process */
	int64_t checkpoint_ms, credit_ms;
	unsigned credit;
	int64_t full_told_ms;
	char checkpoint[1024];
	bool counts_wanted;        /* see wait_for_counts */
	struct ck_event_fields fields; /* of the record that is being made */
};

/* ---- ledger_book.c ---- */

/* Into the batch, of what book->fields holds. False: the log takes no more of its kind; said, but not too often. */
bool ck_book_add(struct ck_book *book, const char *event, bool essential);
bool ck_book_add_coalesced(struct ck_book *book, const struct ck_coalesced *coalesced);

/* ---- ledger_book_record.c ---- */

/* Whether this refusal is only counted. The pair that had to make room for it is recorded. */
CK_MUST_USE bool ck_book_coalesced(struct ck_book *book, const struct ck_map *message);

/* ---- ledger_book_vouch.c ---- */

/* Whoever was first, or time, has ended it meanwhile: records that somebody came too late. False. */
bool ck_book_refuse_vouch(struct ck_book *book, const struct ck_map *message, struct ck_book_answer *answer);

/* ---- ledger_book_clock.c ---- */

/* Records that the clock is behind, has caught up, or went forward by more than time passed. */
void ck_book_mind_clock(struct ck_book *book);
/* Root says that the clock is right: the record of it, or answer->reason. */
CK_MUST_USE bool ck_book_confirm_clock(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message,
                                       struct ck_book_answer *answer);
/* What is granted for a time is not, while it is not known how late it is. */
CK_MUST_USE bool ck_book_outlasts_doubt(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message);

#endif
