/* The last signature counter that this ledger has seen of each key (WebAuthn section 6.1.1): a copy of a key shows itself by a counter that
   does not go up. */
#ifndef CK_AUTHD_LEDGER_COUNTER_H
#define CK_AUTHD_LEDGER_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/error.h"

#define CK_COUNTER_KEY_BYTES 32 /* a key's hash */

struct ck_counters;
CK_MUST_USE enum ck_error ck_counters_new(size_t expected, struct ck_counters **out);
void ck_counters_free(struct ck_counters **counters);
size_t ck_counters_count(const struct ck_counters *counters);
/* Whether `count` may come now: above the last, or 0 of a key that has only ever said 0. *out_last: the last, 0 for none. */
bool ck_counters_allows(const struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count, uint32_t *out_last);
/* The last is now at least `count`. CK_ERR_MEMORY: nothing changed. */
CK_MUST_USE enum ck_error ck_counters_advance(struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count);
/* All, in no order. *at begins at 0; false at the end. */
bool ck_counters_next(const struct ck_counters *counters, size_t *at, const uint8_t **out_key, uint32_t *out_count);

#endif
