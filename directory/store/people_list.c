/* Lists of numbers. A list is as many chunks as it needs, each filed under the last number in it, so that a change touches one chunk and a search
   descends once. Nothing is packed further: what is found must be binary-searched where it lies. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/people_internal.h"

#define CHUNK_VERSION 0x20u /* in the high half of the first byte; the width in the low one */
#define CHUNK_VERSION_MASK 0xf0u
#define CHUNK_OVERHEAD_BYTES (1 + CK_FLAT_CRC_BYTES)
#define NARROW_LIMIT ((CK_LIST_CHUNK_LIMIT_BYTES - CHUNK_OVERHEAD_BYTES) / 2)
#define WIDE_LIMIT ((CK_LIST_CHUNK_LIMIT_BYTES - CHUNK_OVERHEAD_BYTES) / 4)

void ck_list_key(struct ck_index_key *key, uint8_t table, const char *word, size_t length)
{
	ck_index_begin(key, (enum ck_table)table);
	ck_index_add_bytes(key, word, length);
	ck_index_add_byte(key, 0);
}

static void add_number(struct ck_index_key *key, uint32_t number)
{
	uint32_t big = htobe32(number);
	ck_index_add_bytes(key, &big, sizeof big);
}

static uint32_t block_base(uint32_t number) { return number >> CK_BLOCK_BITS << CK_BLOCK_BITS; }

/* ---- reading ---- */

enum ck_error ck_list_parse(struct ck_bytes key, struct ck_bytes value, struct ck_list_chunk *out)
{
	struct ck_bytes body;
	uint32_t last;
	enum ck_error error = ck_kv_unseal(key, value, &body);
	if (error != CK_OK) return error;
	if (key.length < sizeof last || body.length < 3) return CK_ERR_CORRUPT;
	memcpy(&last, key.at + key.length - sizeof last, sizeof last);
	out->last = be32toh(last);
	out->width = body.at[0] & ~CHUNK_VERSION_MASK;
	bool known = (body.at[0] & CHUNK_VERSION_MASK) == CHUNK_VERSION && (out->width == 2 || out->width == 4);
	if (!known || (body.length - 1) % out->width != 0) return CK_ERR_CORRUPT;
	out->numbers = body.at + 1;
	out->count = (body.length - 1) / out->width;
	out->base = out->width == 2 ? block_base(out->last) : 0;
	return ck_list_number(out, out->count - 1) == out->last ? CK_OK : CK_ERR_CORRUPT;
}

enum ck_error ck_list_seek(struct ck_view *view, const struct ck_index_key *list, uint32_t from, struct ck_list_chunk *out)
{
	struct ck_index_key start = *list;
	struct ck_bytes key, value;
	add_number(&start, from);
	enum ck_error error = ck_scan_first(view, list, &start, &key, &value);
	return error == CK_OK ? ck_list_parse(key, value, out) : error;
}

enum ck_error ck_list_seek_by(struct ck_view *view, size_t walker, bool onward, const struct ck_index_key *list, uint32_t from,
                              struct ck_list_chunk *out)
{
	struct ck_index_key start = *list;
	struct ck_bytes key, value;
	add_number(&start, from);
	enum ck_error error = ck_scan_first_by(view, walker, onward, list, &start, &key, &value);
	return error == CK_OK ? ck_list_parse(key, value, out) : error;
}

/* ---- writing ---- */

/* A chunk and what comes into it. */
struct editing {
	struct ck_batch *batch;
	const struct ck_index_key *list;
	bool found; /* there is such a chunk, or it is the last */
	struct ck_list_chunk chunk;
	uint32_t *numbers; /* what it will hold: room for the chunk's and all changes */
	size_t count;
	bool changed, appended;
};

/* Where this number belongs: the chunk that it is within, else the list's last. */
static enum ck_error find_chunk(struct editing *e, uint32_t number)
{
	struct ck_bytes key, value;
	enum ck_error error = ck_list_seek(&e->batch->view, e->list, number, &e->chunk);
	if (error == CK_ERR_NOT_FOUND) {
		error = ck_scan_last(&e->batch->view, e->list, &key, &value);
		if (error == CK_OK) error = ck_list_parse(key, value, &e->chunk);
	}
	e->found = error == CK_OK;
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

static void merge(struct editing *e, const struct ck_list_change *changes, size_t count)
{
	size_t old = e->found ? e->chunk.count : 0, i = 0, k = 0;
	e->count = 0;
	e->changed = false;
	e->appended = true;
	while (i < old || k < count) {
		uint32_t number = i < old ? ck_list_number(&e->chunk, i) : UINT32_MAX;
		if (k == count || (i < old && number < changes[k].number)) {
			e->numbers[e->count++] = number;
			i++;
			continue;
		}
		bool same = i < old && number == changes[k].number;
		if (!changes[k].remove) e->numbers[e->count++] = changes[k].number;
		e->changed = e->changed || same == changes[k].remove;
		if (i < old) e->appended = false;
		i += same;
		k++;
	}
}

static enum ck_error write_piece(struct editing *e, const uint32_t *numbers, size_t count)
{
	uint8_t bytes[CK_LIST_CHUNK_LIMIT_BYTES];
	struct ck_writer writer;
	uint32_t first = numbers[0], last = numbers[count - 1];
	bool narrow = block_base(first) == block_base(last);
	struct ck_index_key key = *e->list;
	add_number(&key, last);
	ck_writer_init(&writer, bytes, sizeof bytes);
	ck_put_u8(&writer, (uint8_t)(CHUNK_VERSION | (narrow ? 2 : 4)));
	for (size_t i = 0; i < count; i++) {
		if (narrow) ck_put_u16le(&writer, (uint16_t)(numbers[i] - block_base(last)));
		else ck_put_u32le(&writer, numbers[i]);
	}
	CK_ASSERT(!writer.failed);
	return ck_kv_set_sealed(e->batch, &key, (struct ck_bytes){bytes, ck_writer_length(&writer)});
}

static enum ck_error write_entries(struct editing *e)
{
	if (e->count == 0) return CK_OK;
	bool narrow = block_base(e->numbers[0]) == block_base(e->numbers[e->count - 1]);
	size_t limit = narrow ? NARROW_LIMIT : WIDE_LIMIT, pieces = (e->count + limit - 1) / limit;
	/* what only grows at its end leaves full chunks behind; else each half has room */
	size_t size = e->appended ? limit : (e->count + pieces - 1) / pieces;
	enum ck_error error = CK_OK;
	for (size_t at = 0; error == CK_OK && at < e->count; at += size)
		error = write_piece(e, e->numbers + at, e->count - at < size ? e->count - at : size);
	return error;
}

enum ck_error ck_list_append(struct ck_batch *batch, const struct ck_index_key *list, uint32_t *numbers, size_t count)
{
	struct editing e = {.batch = batch, .list = list, .numbers = numbers, .count = count, .appended = true};
	return write_entries(&e);
}

static enum ck_error replace_chunk(struct editing *e)
{
	enum ck_error error = CK_OK;
	if (e->found && (e->count == 0 || e->numbers[e->count - 1] != e->chunk.last || e->count > WIDE_LIMIT)) {
		struct ck_index_key key = *e->list;
		add_number(&key, e->chunk.last);
		error = ck_kv_remove(e->batch, &key);
		if (error == CK_ERR_NOT_FOUND) error = CK_ERR_CORRUPT;
	}
	return error == CK_OK ? write_entries(e) : error;
}

static enum ck_error is_empty(struct ck_view *view, const struct ck_index_key *list, bool *out)
{
	struct ck_bytes key, value;
	enum ck_error error = ck_scan_first(view, list, list, &key, &value);
	*out = error == CK_ERR_NOT_FOUND;
	return *out ? CK_OK : error;
}

enum ck_error ck_list_apply(struct ck_batch *batch, const struct ck_index_key *list, const struct ck_list_change *changes, size_t count,
                            bool *out_before, bool *out_after)
{
	struct editing e = {.batch = batch, .list = list};
	enum ck_error error = is_empty(&batch->view, list, out_before);
	if (error != CK_OK) return error;
	e.numbers = malloc((NARROW_LIMIT + count) * sizeof *e.numbers);
	if (e.numbers == NULL) return CK_ERR_MEMORY;
	for (size_t at = 0, taken; error == CK_OK && at < count; at += taken) {
		error = find_chunk(&e, changes[at].number);
		if (error != CK_OK) break;
		taken = count - at;
		if (e.found && changes[at].number <= e.chunk.last)
			for (taken = 1; at + taken < count && changes[at + taken].number <= e.chunk.last; taken++) continue;
		merge(&e, changes + at, taken);
		if (e.changed) error = replace_chunk(&e);
	}
	free(e.numbers);
	if (error == CK_OK) error = is_empty(&batch->view, list, out_after);
	return error;
}
