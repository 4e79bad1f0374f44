/* What the replica tells of the directory's counters, and what it is given to write: the ledger's side of CK_MSG_KEY_USES. */
#ifndef CK_AUTHD_LEDGER_USE_H
#define CK_AUTHD_LEDGER_USE_H

#include "authd/key_use.h"
#include "authd/ledger_counter.h"

struct ck_uses_asked {
	uint64_t due_limit; /* so many are wanted */
	bool first, last;   /* of all that the directory has */
	struct ck_use told[CK_USES_LIMIT];
	size_t told_count;
};
/* CK_ERR_INVALID: malformed. */
CK_MUST_USE enum ck_error ck_uses_read(const struct ck_map *message, struct ck_uses_asked *out);
/* CK_ERR_MEMORY: not all of it is known now. */
CK_MUST_USE enum ck_error ck_uses_take(struct ck_counters *counters, const struct ck_uses_asked *asked, int64_t now_ms);
/* At most due_limit; bounded work. */
size_t ck_uses_due(struct ck_counters *counters, const struct ck_uses_asked *asked, int64_t now_s, int64_t interval_s,
                   struct ck_use out[CK_USES_DUE_LIMIT]);

#endif
