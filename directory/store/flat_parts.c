/* Numbers, texts, times and lists in the flat form of records. */
#include "directory/store/flat_parts.h"

#include <stddef.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/store/flat_csn.h"

void ck_flat_fail(struct ck_flat *f)
{
	if (f->out != NULL) f->out->failed = true;
	else f->in->failed = true;
}

void ck_flat_fixed(struct ck_flat *f, uint8_t *bytes, size_t length)
{
	if (f->out != NULL) {
		ck_put_bytes(f->out, bytes, length);
		return;
	}
	const uint8_t *at = ck_get_bytes(f->in, length);
	if (at != NULL) memcpy(bytes, at, length);
	else memset(bytes, 0, length);
}

void ck_flat_id(struct ck_flat *f, struct ck_id *id)
{
	ck_flat_fixed(f, id->bytes, sizeof id->bytes);
}

/* Seven bits a byte, lowest first; only the shortest form is read. */
void ck_flat_uint(struct ck_flat *f, uint64_t *value)
{
	if (f->out != NULL) {
		uint64_t rest = *value;
		for (; rest >= 0x80; rest >>= 7) ck_put_u8(f->out, (uint8_t)(rest | 0x80));
		ck_put_u8(f->out, (uint8_t)rest);
		return;
	}
	uint64_t sum = 0;
	*value = 0;
	/* most are lengths */
	if (ck_reader_left(f->in) > 0 && *f->in->at < 0x80) {
		*value = ck_get_u8(f->in);
		return;
	}
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = ck_get_u8(f->in);
		if (shift == 63 && byte > 1) break;
		sum |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) != 0) continue;
		if (byte == 0 && shift > 0) break;
		*value = sum;
		return;
	}
	ck_flat_fail(f);
}

size_t ck_flat_count(struct ck_flat *f, size_t count, size_t limit)
{
	uint64_t value = count;
	if (f->out != NULL && count > limit) ck_flat_fail(f);
	ck_flat_uint(f, &value);
	if (value > limit) ck_flat_fail(f);
	return f->in != NULL && f->in->failed ? 0 : (size_t)value;
}

void ck_flat_bytes(struct ck_flat *f, struct ck_bytes *bytes, size_t limit_bytes)
{
	size_t length = ck_flat_count(f, bytes->length, limit_bytes);
	if (f->out != NULL) {
		if (length <= limit_bytes && length > 0) ck_put_bytes(f->out, bytes->at, length);
		return;
	}
	bytes->at = length > 0 ? ck_get_bytes(f->in, length) : NULL;
	bytes->length = bytes->at != NULL ? length : 0;
}

void ck_flat_text(struct ck_flat *f, struct ck_text *text, size_t limit_bytes)
{
	struct ck_bytes bytes = {(const uint8_t *)text->at, text->length};
	ck_flat_bytes(f, &bytes, limit_bytes);
	*text = (struct ck_text){(const char *)bytes.at, bytes.length};
}

static size_t common_of(const struct ck_common_texts *common, struct ck_text text)
{
	for (size_t i = 0; i < common->count; i++)
		if (ck_text_is(text, common->at[i])) return i;
	return common->count;
}

void ck_flat_common(struct ck_flat *f, struct ck_text *text, size_t limit_bytes, const struct ck_common_texts *common)
{
	size_t index = f->out != NULL ? common_of(common, *text) : 0;
	size_t value = ck_flat_count(f, index < common->count ? index : common->count + text->length, common->count + limit_bytes);
	if (value < common->count) {
		if (f->in != NULL) *text = ck_text_of(common->at[value]);
		return;
	}
	if (f->out != NULL) {
		if (text->length > 0 && text->length <= limit_bytes) ck_put_bytes(f->out, text->at, text->length);
		return;
	}
	const uint8_t *at = ck_get_bytes(f->in, value - common->count);
	*text = (struct ck_text){(const char *)at, at != NULL ? value - common->count : 0};
	if (text->length == 0) text->at = NULL;
	if (common_of(common, *text) < common->count) ck_flat_fail(f); /* one form only */
}

/* Its length, or that it is packed. Of what is packed seven bytes are the time; count and change are mostly zero. */
#define CSN_PACKED (CK_CSN_LIMIT_BYTES + 1)
#define CSN_TIME_BYTES 7u
#define CSN_COUNTS 1u
#define CSN_CHANGES 2u

static void flat_packed_csn(struct ck_flat *f, struct ck_packed_csn *packed)
{
	uint64_t head = packed->server << 2 | (packed->count != 0 ? CSN_COUNTS : 0) | (packed->change != 0 ? CSN_CHANGES : 0);
	uint8_t time[CSN_TIME_BYTES];
	for (size_t i = 0; i < sizeof time; i++) time[i] = (uint8_t)(packed->at_us >> (8 * i));
	ck_flat_fixed(f, time, sizeof time);
	ck_flat_uint(f, &head);
	if ((head & CSN_COUNTS) != 0) ck_flat_uint(f, &packed->count);
	if ((head & CSN_CHANGES) != 0) ck_flat_uint(f, &packed->change);
	if (f->out != NULL) return;
	packed->at_us = 0;
	for (size_t i = 0; i < sizeof time; i++) packed->at_us |= (uint64_t)time[i] << (8 * i);
	packed->server = head >> 2;
	if (((head & CSN_COUNTS) != 0) != (packed->count != 0) || ((head & CSN_CHANGES) != 0) != (packed->change != 0)) ck_flat_fail(f);
	if (!ck_packed_csn_valid(packed)) ck_flat_fail(f);
}

void ck_flat_csn(struct ck_flat *f, struct ck_record *record)
{
	struct ck_packed_csn packed = {0};
	bool packs = f->out != NULL && ck_csn_pack(record->csn, &packed);
	size_t value = ck_flat_count(f, packs ? CSN_PACKED : record->csn.length, CSN_PACKED);
	if (value == CSN_PACKED) {
		if (f->out != NULL && !packs) ck_flat_fail(f); /* longer than any */
		flat_packed_csn(f, &packed);
		if (f->in == NULL || f->in->failed) return;
		ck_csn_unpack(&packed, (char *)record->made);
		record->csn = (struct ck_text){(const char *)record->made, CK_PACKED_CSN_TEXT_BYTES};
		return;
	}
	if (f->out != NULL) {
		if (value > 0) ck_put_bytes(f->out, record->csn.at, value);
		return;
	}
	const char *at = value > 0 ? (const char *)ck_get_bytes(f->in, value) : NULL;
	record->csn = (struct ck_text){at, at != NULL ? value : 0};
	if (ck_csn_pack(record->csn, &packed)) ck_flat_fail(f); /* one form only */
}

void ck_flat_texts(struct ck_flat *f, struct ck_texts *texts, size_t limit_bytes)
{
	size_t count = ck_flat_count(f, texts->count, CK_LIST_LIMIT);
	for (size_t i = 0; i < count && i < CK_LIST_LIMIT; i++) ck_flat_text(f, &texts->at[i], limit_bytes);
	texts->count = count;
}

void ck_flat_ids(struct ck_flat *f, struct ck_ids *ids)
{
	_Static_assert(sizeof(struct ck_id) == 16 && _Alignof(struct ck_id) == 1, "lists of ids are borrowed from the page");
	size_t count = ck_flat_count(f, ids->count, CK_LIST_LIMIT);
	if (f->out != NULL) {
		if (count <= CK_LIST_LIMIT && count > 0) ck_put_bytes(f->out, ids->at, count * sizeof *ids->at);
		return;
	}
	const uint8_t *at = count > 0 ? ck_get_bytes(f->in, count * sizeof *ids->at) : NULL;
	*ids = (struct ck_ids){(const struct ck_id *)(const void *)at, at != NULL ? count : 0};
}

/* Zigzag, so that times before 1970 stay short. */
void ck_flat_time(struct ck_flat *f, int64_t *time_s)
{
	uint64_t value = ((uint64_t)*time_s << 1) ^ (*time_s < 0 ? UINT64_MAX : 0);
	ck_flat_uint(f, &value);
	if (f->in != NULL) *time_s = (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

void ck_flat_window(struct ck_flat *f, struct ck_window *window)
{
	if (f->in != NULL) *window = (struct ck_window){CK_TIME_ALWAYS, CK_TIME_UNLIMITED};
	if ((f->flags & FLAG_FROM_ALWAYS) == 0) ck_flat_time(f, &window->from_s);
	if ((f->flags & FLAG_UNTIL_UNLIMITED) == 0) ck_flat_time(f, &window->until_s);
	/* one form only */
	if ((f->flags & FLAG_FROM_ALWAYS) == 0 && window->from_s == CK_TIME_ALWAYS) ck_flat_fail(f);
	if ((f->flags & FLAG_UNTIL_UNLIMITED) == 0 && window->until_s == CK_TIME_UNLIMITED) ck_flat_fail(f);
}

void ck_flat_networks(struct ck_flat *f, struct ck_networks *networks)
{
	networks->any = (f->flags & FLAG_ANY) != 0;
	networks->local = (f->flags & FLAG_LOCAL) != 0;
	size_t count = ck_flat_count(f, networks->count, CK_LIST_LIMIT);
	networks->count = count;
	for (size_t i = 0; i < count && i < CK_LIST_LIMIT; i++) {
		struct ck_network *network = &networks->at[i];
		ck_flat_fixed(f, &network->family, 1);
		ck_flat_fixed(f, &network->prefix_bits, 1);
		size_t length = network->family == 4 ? 4 : 16;
		if ((network->family != 4 && network->family != 6) || network->prefix_bits > 8 * length) ck_flat_fail(f);
		if (f->in != NULL) memset(network->address, 0, sizeof network->address);
		ck_flat_fixed(f, network->address, length);
	}
}

/* Shifts as distances from the one before: three or four bytes each. A table that covers nothing is one byte. */
void ck_flat_zone(struct ck_flat *f, struct ck_zone_table *table)
{
	uint64_t covers = (uint64_t)table->until_s - (uint64_t)table->from_s;
	if (f->in != NULL) memset(table, 0, offsetof(struct ck_zone_table, at));
	ck_flat_uint(f, &covers);
	if (covers == 0) {
		if (!ck_zone_table_valid(table)) ck_flat_fail(f);
		return;
	}
	int64_t offset_s = table->offset_s, before_s;
	ck_flat_time(f, &table->from_s);
	ck_flat_time(f, &offset_s);
	before_s = table->from_s;
	table->offset_s = (int32_t)offset_s;
	table->until_s = (int64_t)((uint64_t)table->from_s + covers);
	size_t count = ck_flat_count(f, table->count, CK_ZONE_SHIFTS_LIMIT);
	table->count = count;
	bool fits = offset_s == table->offset_s;
	for (size_t i = 0; i < count && i < CK_ZONE_SHIFTS_LIMIT; i++) {
		struct ck_zone_shift *shift = &table->at[i];
		uint64_t after_s = (uint64_t)shift->at_s - (uint64_t)before_s;
		offset_s = shift->offset_s;
		ck_flat_uint(f, &after_s);
		ck_flat_time(f, &offset_s);
		before_s = (int64_t)((uint64_t)before_s + after_s);
		*shift = (struct ck_zone_shift){before_s, (int32_t)offset_s};
		fits = fits && offset_s == shift->offset_s;
	}
	if (!fits || !ck_zone_table_valid(table)) ck_flat_fail(f);
}

void ck_flat_weekly(struct ck_flat *f, struct ck_weekly *weekly)
{
	weekly->always = (f->flags & FLAG_WEEKLY) == 0;
	if (weekly->always) {
		if (f->in != NULL) weekly->count = 0;
		return;
	}
	size_t count = ck_flat_count(f, weekly->count, CK_WEEKLY_LIMIT);
	weekly->count = count;
	for (size_t i = 0; i < count && i < CK_WEEKLY_LIMIT; i++) {
		struct ck_weekly_span *span = &weekly->at[i];
		uint64_t from = span->from_minute, until = span->until_minute;
		ck_flat_fixed(f, &span->first_day, 1);
		ck_flat_fixed(f, &span->last_day, 1);
		ck_flat_uint(f, &from);
		ck_flat_uint(f, &until);
		if (from > UINT16_MAX || until > UINT16_MAX) ck_flat_fail(f);
		span->from_minute = (uint16_t)from;
		span->until_minute = (uint16_t)until;
	}
	if (!ck_weekly_valid(weekly)) ck_flat_fail(f);
}
