/* USES to structs and back. What is read comes from another process: every item is checked. */
#include "authd/key_use.h"

#include <string.h>

#include "authd/protocol/message.h"

#define ITEMS 5 /* of one use */
#define TIME_LIMIT_S (INT64_C(1) << 48) /* so that an interval added to it does not overflow */

void ck_uses_put(struct ck_map_writer *m, const struct ck_use *uses, size_t count)
{
	ck_field_key(m, CK_F_USES);
	ck_cbor_put_array(m->w, ITEMS * count);
	for (size_t i = 0; i < count; i++) {
		ck_cbor_put_bytes(m->w, uses[i].hash, sizeof uses[i].hash);
		ck_cbor_put_bool(m->w, uses[i].there);
		ck_cbor_put_uint(m->w, uses[i].count);
		ck_cbor_put_int(m->w, uses[i].used_s);
		ck_cbor_put_int(m->w, uses[i].written_s);
	}
}

static bool get_time(const struct ck_item *item, int64_t *out)
{
	if ((item->type != CK_CBOR_UINT && item->type != CK_CBOR_NEGATIVE) || item->number >= (uint64_t)TIME_LIMIT_S) return false;
	*out = item->type == CK_CBOR_UINT ? (int64_t)item->number : -1 - (int64_t)item->number;
	return true;
}

static bool get_use(struct ck_items *items, struct ck_use *out)
{
	struct ck_item at[ITEMS];
	for (size_t i = 0; i < ITEMS; i++)
		if (!ck_items_next(items, &at[i])) return false;
	if (at[0].type != CK_CBOR_BYTES || at[0].span.length != sizeof out->hash || at[1].type != CK_CBOR_BOOL || at[2].type != CK_CBOR_UINT ||
	    at[2].number > UINT32_MAX || !get_time(&at[3], &out->used_s) || !get_time(&at[4], &out->written_s))
		return false;
	memcpy(out->hash, at[0].span.at, sizeof out->hash);
	out->there = at[1].number != 0;
	out->count = (uint32_t)at[2].number;
	return true;
}

enum ck_error ck_uses_get(const struct ck_map *message, struct ck_use out[CK_USES_LIMIT], size_t *out_count)
{
	struct ck_items items;
	*out_count = 0;
	if (ck_map_array(message, CK_F_USES, ITEMS * CK_USES_LIMIT, &items) != CK_OK || items.left % ITEMS != 0) return CK_ERR_INVALID;
	while (items.left > 0) {
		if (!get_use(&items, &out[*out_count])) return CK_ERR_INVALID;
		++*out_count;
	}
	return CK_OK;
}
