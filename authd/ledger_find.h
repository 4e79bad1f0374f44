/* Budgets of looking people up in other authorities: so many a day for a person and for an authority, so that no directory is copied piece by piece
   and a switchboard goes on working. What was used is kept over a start of the ledger, as attempts are (ledger_state.c). Times are of the boot clock. */
#ifndef CK_AUTHD_LEDGER_FIND_H
#define CK_AUTHD_LEDGER_FIND_H

#include "authd/protocol/message.h"
#include "directory/base/buffer.h"
#include "directory/base/text.h"

struct ck_find_limits {
	uint64_t person_per_day, switchboard_per_day, authority_per_day;
};

enum ck_find_verdict { CK_FIND_OVER_PERSON = 1, CK_FIND_OVER_AUTHORITY, CK_FIND_WITHIN };
struct ck_find_charge {
	enum ck_find_verdict verdict;
	bool first; /* the first refusal since there was something left: to be recorded as an alarm */
};

struct ck_finds;
CK_MUST_USE enum ck_error ck_finds_new(const struct ck_find_limits *limits, struct ck_finds **out);
void ck_finds_free(struct ck_finds **finds);
/* Takes `people` out of both budgets, or nothing. */
struct ck_find_charge ck_finds_charge(struct ck_finds *finds, struct ck_id person, struct ck_id authority, enum ck_find_budget budget, uint64_t people,
                                      int64_t now_ms);
/* One that was paid for at that time, whatever is left: of a log that is read again. */
void ck_finds_replay(struct ck_finds *finds, struct ck_id person, struct ck_id authority, enum ck_find_budget budget, uint64_t people, int64_t at_ms);

size_t ck_finds_saved_bytes(const struct ck_finds *finds);
/* The wall clock says how long ago it was, when it is loaded; one that was set back meanwhile makes it just now. */
void ck_finds_save(struct ck_finds *finds, int64_t now_ms, int64_t wall_ms, struct ck_writer *w);
CK_MUST_USE enum ck_error ck_finds_load(struct ck_finds *finds, int64_t now_ms, int64_t wall_ms, struct ck_reader *r);

#endif
