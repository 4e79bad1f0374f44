/* How often something may happen, for each of many keys: so many at once, and as many again in a minute, evenly. Whoever waits is let on after
   the time that was named; nobody is shut out for longer. The table is bounded: past that, the oldest key begins anew, so that a crowd of
   strangers shuts nobody out. */
#ifndef CK_AUTHD_LEDGER_RATE_H
#define CK_AUTHD_LEDGER_RATE_H

#include <stdint.h>

#include "directory/base/text.h"

#define CK_RATE_KEYS_LIMIT 16384 /* sources or people at a time; half a megabyte */

struct ck_rates;
CK_MUST_USE enum ck_error ck_rates_new(uint64_t per_minute, struct ck_rates **out);
void ck_rates_free(struct ck_rates **rates);
/* 0: it is taken. Else nothing is, and so many milliseconds later it would be. The key: any bytes. */
CK_MUST_USE int64_t ck_rates_take(struct ck_rates *rates, struct ck_bytes key, int64_t now_ms);
/* What was taken did not count after all. Never more than was taken. */
void ck_rates_give_back(struct ck_rates *rates, struct ck_bytes key, int64_t now_ms);

#endif
