/* Refusals that cost the asker nothing are recorded one by one up to a number a minute for each (user, remote host), and counted above it,
   so that nobody fills the disk by being refused. The table is bounded, and so is what all pairs together may have recorded: past that, one
   pair stands for all the others. */
#ifndef CK_AUTHD_LEDGER_BUDGET_H
#define CK_AUTHD_LEDGER_BUDGET_H

#include "directory/base/text.h"

#define CK_BUDGET_WINDOW_MS 60000
#define CK_BUDGET_PAIRS_LIMIT 2048 /* of whom and from where; the oldest makes room */
#define CK_BUDGET_PAIRS_A_MINUTE 128 /* so many pairs may use all of theirs in one minute */
#define CK_BUDGET_OTHERS "*"
#define CK_BUDGET_USER_BYTES 64
#define CK_BUDGET_HOST_BYTES 256

/* What was counted of a pair, to be recorded. The texts are cut to their limits. */
struct ck_coalesced {
	char user[CK_BUDGET_USER_BYTES], host[CK_BUDGET_HOST_BYTES];
	uint64_t count;
};

struct ck_budgets;
CK_MUST_USE enum ck_error ck_budgets_new(uint64_t per_minute, struct ck_budgets **out);
void ck_budgets_free(struct ck_budgets **budgets);
/* True: record this refusal. False: it is counted. out_evicted->count > 0: a pair made room, to be recorded now. */
bool ck_budgets_take(struct ck_budgets *budgets, struct ck_text user, struct ck_text host, int64_t now_ms, struct ck_coalesced *out_evicted);
/* The next pair whose minute is over (or, all: any) and of which something was counted; it is forgotten. Call until false. */
bool ck_budgets_due(struct ck_budgets *budgets, int64_t now_ms, bool all, struct ck_coalesced *out);
/* What ck_budgets_take or _due gave and could not be recorded: counted again. */
void ck_budgets_give_back(struct ck_budgets *budgets, const struct ck_coalesced *coalesced, int64_t now_ms);

#endif
