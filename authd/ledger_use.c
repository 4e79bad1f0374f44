/* The directory's counters as the replica tells them. It is believed in this: it could as well write the directory. */
#include "authd/ledger_use.h"

#include <string.h>

#include "authd/protocol/message.h"

#define PLACES_AT_ONCE 65536 /* looked at for one question: well below a millisecond */

enum ck_error ck_uses_read(const struct ck_map *message, struct ck_uses_asked *out)
{
	uint64_t stage;
	if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_COUNT) | CK_KEY(CK_F_USES) | CK_KEY(CK_F_STAGE), 0) != CK_OK ||
	    ck_map_uint(message, CK_F_COUNT, 0, CK_USES_DUE_LIMIT, &out->due_limit) != CK_OK ||
	    ck_map_uint(message, CK_F_STAGE, 0, CK_USES_FIRST | CK_USES_LAST, &stage) != CK_OK)
		return CK_ERR_INVALID;
	out->first = (stage & CK_USES_FIRST) != 0;
	out->last = (stage & CK_USES_LAST) != 0;
	return ck_uses_get(message, out->told, &out->told_count);
}

enum ck_error ck_uses_take(struct ck_counters *counters, const struct ck_uses_asked *asked, int64_t now_ms)
{
	if (asked->first) ck_counters_begin_round(counters);
	for (size_t i = 0; i < asked->told_count; i++) {
		const struct ck_use *use = &asked->told[i];
		const struct ck_counter_told told = { .there = use->there, .count = use->count, .used_s = use->used_s, .written_s = use->written_s };
		enum ck_error error = ck_counters_tell(counters, use->hash, &told, now_ms);
		if (error != CK_OK) return error;
	}
	if (asked->last) ck_counters_end_round(counters);
	return CK_OK;
}

size_t ck_uses_due(struct ck_counters *counters, const struct ck_uses_asked *asked, int64_t now_s, int64_t interval_s,
                   struct ck_use out[CK_USES_DUE_LIMIT])
{
	struct ck_counter counter;
	size_t count = 0, places = ck_counters_places(counters);
	if (places > PLACES_AT_ONCE) places = PLACES_AT_ONCE;
	while (count < asked->due_limit && ck_counters_due(counters, now_s, interval_s, &places, &counter)) {
		out[count] = (struct ck_use){ .count = counter.count, .used_s = counter.used_s };
		memcpy(out[count++].hash, counter.key, CK_COUNTER_KEY_BYTES);
	}
	return count;
}
