/* The signature counters of keys (WebAuthn section 6.1.1): a copy of a key shows itself by a counter that does not go up. Two are kept apart:
   the last that this ledger recorded, and what the directory told, written there by a ledger perhaps far away. And when each key was last used,
   and what of that the directory does not have yet. */
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
/* Keys of which this ledger recorded a count. */
size_t ck_counters_count(const struct ck_counters *counters);

enum ck_counter_verdict {
	CK_COUNTER_BACK = 0,     /* not above the last that was recorded here, */
	CK_COUNTER_BEHIND,       /* or not above what the directory told before the statement was issued: refused */
	CK_COUNTER_OVERTAKEN,    /* not above what the directory told since: two logins at once, or a copy of the key; it stands, and is alarmed */
	CK_COUNTER_STANDS        /* above both, or 0 of a key that has only ever said 0 */
};
/* issued_ms: monotonic. *out_other: the count that it was compared with. */
enum ck_counter_verdict ck_counters_judge(const struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count,
                                          int64_t issued_ms, uint32_t *out_other);
/* Whether a count is further above what is known of the key than keys get in the time since its last use (docs/design/counter-leaps.md). */
#define CK_COUNTER_LEAP_FREE 65536
#define CK_COUNTER_LEAP_A_SECOND 16
bool ck_counters_leaps(const struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count, int64_t now_s,
                       uint32_t *out_other);
/* Nothing is known of the key any more. */
void ck_counters_forget(struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES]);
/* A record stands: the last is now at least `count`, used at used_s. CK_ERR_MEMORY: nothing changed. */
CK_MUST_USE enum ck_error ck_counters_advance(struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count,
                                              int64_t used_s);
/* All that were recorded, in no order. *at begins at 0; false at the end. */
struct ck_counter {
	const uint8_t *key;
	uint32_t count;
	int64_t used_s;
};
bool ck_counters_next(const struct ck_counters *counters, size_t *at, struct ck_counter *out);

/* ---- the directory's ---- */
struct ck_counter_told {
	bool there; /* false: the directory has no entry for this key */
	uint32_t count;
	int64_t used_s;
	int64_t written_s; /* when it was written or tried, wall; 0: never */
};
/* What the directory has now, in the place of what it told before. CK_ERR_MEMORY: nothing changed. */
CK_MUST_USE enum ck_error ck_counters_tell(struct ck_counters *counters, const uint8_t key[CK_COUNTER_KEY_BYTES],
                                           const struct ck_counter_told *told, int64_t now_ms);
/* Between these two everything that the directory has is told; what is not told is not there. */
void ck_counters_begin_round(struct ck_counters *counters);
void ck_counters_end_round(struct ck_counters *counters);
/* The next key whose use the directory does not have, and was not given for interval_s. Looks at so many of the places at most, from where it
   looked last; false: none among them. */
size_t ck_counters_places(const struct ck_counters *counters);
bool ck_counters_due(struct ck_counters *counters, int64_t now_s, int64_t interval_s, size_t *places, struct ck_counter *out);

#endif
