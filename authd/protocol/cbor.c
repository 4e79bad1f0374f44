/* Deterministic CBOR, the strict subset of cbor.h. Reads bytes from anybody; every length is checked against what is left. */
#include "authd/protocol/cbor.h"

#include <string.h>

enum { MAJOR_UINT = 0, MAJOR_NEGATIVE = 1, MAJOR_BYTES = 2, MAJOR_TEXT = 3, MAJOR_ARRAY = 4, MAJOR_MAP = 5, MAJOR_SIMPLE = 7 };
enum { SIMPLE_FALSE = 20, SIMPLE_TRUE = 21 };

/* ---- writing ---- */

static void put_head(struct ck_writer *w, unsigned major, uint64_t value)
{
	uint8_t first = (uint8_t)(major << 5);
	if (value < 24) {
		ck_put_u8(w, (uint8_t)(first | value));
	} else if (value <= UINT8_MAX) {
		ck_put_u8(w, first | 24);
		ck_put_u8(w, (uint8_t)value);
	} else if (value <= UINT16_MAX) {
		ck_put_u8(w, first | 25);
		ck_put_u16be(w, (uint16_t)value);
	} else if (value <= UINT32_MAX) {
		ck_put_u8(w, first | 26);
		ck_put_u32be(w, (uint32_t)value);
	} else {
		ck_put_u8(w, first | 27);
		ck_put_u64be(w, value);
	}
}

void ck_cbor_put_uint(struct ck_writer *w, uint64_t value) { put_head(w, MAJOR_UINT, value); }

void ck_cbor_put_int(struct ck_writer *w, int64_t value)
{
	if (value >= 0)
		put_head(w, MAJOR_UINT, (uint64_t)value);
	else
		put_head(w, MAJOR_NEGATIVE, (uint64_t)(-1 - value));
}

void ck_cbor_put_bytes(struct ck_writer *w, const void *bytes, size_t length)
{
	put_head(w, MAJOR_BYTES, length);
	ck_put_bytes(w, bytes, length);
}

void ck_cbor_put_text(struct ck_writer *w, struct ck_text text)
{
	put_head(w, MAJOR_TEXT, text.length);
	ck_put_bytes(w, text.at, text.length);
}

void ck_cbor_put_string(struct ck_writer *w, const char *string) { ck_cbor_put_text(w, ck_text_of(string)); }
void ck_cbor_put_bool(struct ck_writer *w, bool value) { put_head(w, MAJOR_SIMPLE, value ? SIMPLE_TRUE : SIMPLE_FALSE); }
void ck_cbor_put_array(struct ck_writer *w, size_t count) { put_head(w, MAJOR_ARRAY, count); }
void ck_map_begin(struct ck_map_writer *m, struct ck_writer *w)
{
	*m = (struct ck_map_writer){ .w = w, .head = w->at, .pairs = 0, .last_key = -1 };
	put_head(w, MAJOR_MAP, 0);
}

void ck_map_end(struct ck_map_writer *m)
{
	if (m->pairs > 23) m->w->failed = true;
	if (!m->w->failed) *m->head = (uint8_t)(MAJOR_MAP << 5 | m->pairs);
}

void ck_field_key(struct ck_map_writer *m, unsigned key)
{
	if ((int)key <= m->last_key || key > CK_CBOR_KEY_LIMIT) m->w->failed = true;
	m->last_key = (int)key;
	m->pairs++;
	put_head(m->w, MAJOR_UINT, key);
}

enum ck_error ck_map_finish(struct ck_map_writer *m, size_t *out_length)
{
	ck_map_end(m);
	*out_length = m->w->failed ? 0 : ck_writer_length(m->w);
	return m->w->failed ? CK_ERR_LIMIT : CK_OK;
}

void ck_field_any_text(struct ck_map_writer *m, unsigned key, struct ck_text text)
{
	ck_field_key(m, key);
	ck_cbor_put_text(m->w, text);
}

void ck_field_uint(struct ck_map_writer *m, unsigned key, uint64_t value)
{
	ck_field_key(m, key);
	ck_cbor_put_uint(m->w, value);
}

void ck_field_int(struct ck_map_writer *m, unsigned key, int64_t value)
{
	ck_field_key(m, key);
	ck_cbor_put_int(m->w, value);
}

void ck_field_bytes(struct ck_map_writer *m, unsigned key, const void *bytes, size_t length)
{
	ck_field_key(m, key);
	ck_cbor_put_bytes(m->w, bytes, length);
}

void ck_field_text(struct ck_map_writer *m, unsigned key, struct ck_text text)
{
	if (text.at == NULL) return;
	ck_field_key(m, key);
	ck_cbor_put_text(m->w, text);
}

void ck_field_string(struct ck_map_writer *m, unsigned key, const char *string)
{
	ck_field_text(m, key, ck_text_of(string));
}

void ck_field_bool(struct ck_map_writer *m, unsigned key, bool value)
{
	ck_field_key(m, key);
	ck_cbor_put_bool(m->w, value);
}

/* ---- reading ---- */

/* A head in its shortest form. False: malformed, or a form that is not ours. */
static bool get_head(struct ck_reader *r, unsigned *out_major, uint64_t *out_value)
{
	uint8_t first = ck_get_u8(r);
	unsigned major = first >> 5, extra = first & 31;
	uint64_t value = extra, smallest = 0;
	switch (extra) {
	case 24: value = ck_get_u8(r); smallest = 24; break;
	case 25: value = ck_get_u16be(r); smallest = UINT8_MAX + 1; break;
	case 26: value = ck_get_u32be(r); smallest = (uint64_t)UINT16_MAX + 1; break;
	case 27: value = ck_get_u64be(r); smallest = (uint64_t)UINT32_MAX + 1; break;
	default: break;
	}
	if (r->failed || extra > 27 || value < smallest) return false;
	if (major == MAJOR_SIMPLE && (extra != value || (value != SIMPLE_FALSE && value != SIMPLE_TRUE))) return false;
	if (major > MAJOR_MAP && major != MAJOR_SIMPLE) return false;
	if (major == MAJOR_NEGATIVE && value > INT64_MAX) return false;
	*out_major = major;
	*out_value = value;
	return true;
}

static bool skip_item(struct ck_reader *r, unsigned depth);

/* The pairs of a map: unsigned keys within the limit, strictly ascending. */
static bool skip_pairs(struct ck_reader *r, uint64_t pairs, unsigned depth)
{
	int64_t last = -1;
	for (uint64_t i = 0; i < pairs; i++) {
		unsigned major = 0;
		uint64_t key = 0;
		if (!get_head(r, &major, &key) || major != MAJOR_UINT || key > CK_CBOR_KEY_LIMIT || (int64_t)key <= last) return false;
		last = (int64_t)key;
		if (!skip_item(r, depth)) return false;
	}
	return true;
}

/* Checks and passes over one item; depth is how many arrays and maps are open around it. */
static bool skip_item(struct ck_reader *r, unsigned depth)
{
	unsigned major = 0;
	uint64_t value = 0;
	if (!get_head(r, &major, &value)) return false;
	switch (major) {
	case MAJOR_BYTES:
	case MAJOR_TEXT: {
		if (value > ck_reader_left(r)) return false;
		const uint8_t *bytes = ck_get_bytes(r, (size_t)value);
		return major == MAJOR_BYTES || value == 0 || ck_text_is_utf8((struct ck_text){ (const char *)bytes, (size_t)value });
	}
	case MAJOR_ARRAY:
		/* each item is at least a byte: a count past what is left is a lie, and would be a long loop */
		if (depth >= CK_CBOR_DEPTH_LIMIT || value > ck_reader_left(r)) return false;
		for (uint64_t i = 0; i < value; i++)
			if (!skip_item(r, depth + 1)) return false;
		return true;
	case MAJOR_MAP:
		return depth < CK_CBOR_DEPTH_LIMIT && value <= CK_CBOR_KEY_LIMIT + 1 && skip_pairs(r, value, depth + 1);
	default:
		return true;
	}
}

enum ck_error ck_cbor_check(struct ck_bytes bytes)
{
	struct ck_reader r;
	ck_reader_init(&r, bytes.at, bytes.length);
	if (!skip_item(&r, 0) || !ck_reader_done(&r)) return CK_ERR_INVALID;
	return CK_OK;
}

/* The next item of bytes that were checked before. */
static bool get_item(struct ck_reader *r, struct ck_item *out)
{
	static const enum ck_cbor_type types[8] = { CK_CBOR_UINT, CK_CBOR_NEGATIVE, CK_CBOR_BYTES, CK_CBOR_TEXT,
		                                    CK_CBOR_ARRAY, CK_CBOR_MAP, CK_CBOR_NONE, CK_CBOR_BOOL };
	struct ck_reader whole = *r;
	unsigned major = 0;
	uint64_t value = 0;
	if (!get_head(r, &major, &value)) return false;
	const uint8_t *content = r->at;
	*r = whole;
	if (!skip_item(r, 0)) return false;
	*out = (struct ck_item){ .type = types[major], .number = value };
	if (major == MAJOR_SIMPLE) out->number = value == SIMPLE_TRUE;
	out->span = (struct ck_bytes){ content, (size_t)(r->at - content) };
	out->encoded = (struct ck_bytes){ whole.at, (size_t)(r->at - whole.at) };
	return true;
}

unsigned ck_keys_take(ck_keys *left)
{
	uint64_t low = (uint64_t)*left;
	unsigned key = low != 0 ? (unsigned)__builtin_ctzll(low) : 64 + (unsigned)__builtin_ctzll((uint64_t)(*left >> 64));
	*left &= *left - 1;
	return key;
}

static enum ck_error fill_map(struct ck_reader *r, struct ck_map *out)
{
	unsigned major = 0;
	uint64_t pairs = 0, key = 0;
	out->present = 0;
	if (!get_head(r, &major, &pairs) || major != MAJOR_MAP) return CK_ERR_INVALID;
	for (uint64_t i = 0; i < pairs; i++) {
		if (!get_head(r, &major, &key) || major != MAJOR_UINT || key > CK_CBOR_KEY_LIMIT || !get_item(r, &out->at[key]))
			return CK_ERR_INVALID;
		out->present |= CK_KEY(key);
	}
	return CK_OK;
}

enum ck_error ck_map_parse(struct ck_bytes bytes, struct ck_map *out)
{
	struct ck_reader r;
	out->present = 0;
	if (ck_cbor_check(bytes) != CK_OK) return CK_ERR_INVALID;
	ck_reader_init(&r, bytes.at, bytes.length);
	return fill_map(&r, out);
}

enum ck_error ck_map_expect(const struct ck_map *map, ck_keys required, ck_keys optional)
{
	if ((map->present & required) != required || (map->present & ~(required | optional)) != 0) return CK_ERR_INVALID;
	return CK_OK;
}

static enum ck_error find(const struct ck_map *map, unsigned key, enum ck_cbor_type type, const struct ck_item **out)
{
	if (key > CK_CBOR_KEY_LIMIT || (map->present & CK_KEY(key)) == 0) return CK_ERR_NOT_FOUND;
	if (map->at[key].type != type) return CK_ERR_INVALID;
	*out = &map->at[key];
	return CK_OK;
}

enum ck_error ck_map_uint(const struct ck_map *map, unsigned key, uint64_t min, uint64_t max, uint64_t *out)
{
	const struct ck_item *item = NULL;
	enum ck_error error = find(map, key, CK_CBOR_UINT, &item);
	if (error != CK_OK) return error;
	if (item->number < min || item->number > max) return CK_ERR_LIMIT;
	*out = item->number;
	return CK_OK;
}

enum ck_error ck_map_int(const struct ck_map *map, unsigned key, int64_t *out)
{
	const struct ck_item *item = NULL;
	if (find(map, key, CK_CBOR_NEGATIVE, &item) == CK_OK) {
		*out = -1 - (int64_t)item->number;
		return CK_OK;
	}
	enum ck_error error = find(map, key, CK_CBOR_UINT, &item);
	if (error != CK_OK) return error;
	if (item->number > INT64_MAX) return CK_ERR_LIMIT;
	*out = (int64_t)item->number;
	return CK_OK;
}

enum ck_error ck_map_bool(const struct ck_map *map, unsigned key, bool *out)
{
	const struct ck_item *item = NULL;
	enum ck_error error = find(map, key, CK_CBOR_BOOL, &item);
	if (error != CK_OK) return error;
	*out = item->number == 1;
	return CK_OK;
}

enum ck_error ck_map_text(const struct ck_map *map, unsigned key, size_t limit_bytes, struct ck_text *out)
{
	const struct ck_item *item = NULL;
	enum ck_error error = find(map, key, CK_CBOR_TEXT, &item);
	if (error != CK_OK) return error;
	if (item->span.length > limit_bytes) return CK_ERR_LIMIT;
	*out = (struct ck_text){ (const char *)item->span.at, item->span.length };
	return CK_OK;
}

enum ck_error ck_map_bytes(const struct ck_map *map, unsigned key, size_t min_bytes, size_t limit_bytes, struct ck_bytes *out)
{
	const struct ck_item *item = NULL;
	enum ck_error error = find(map, key, CK_CBOR_BYTES, &item);
	if (error != CK_OK) return error;
	if (item->span.length < min_bytes || item->span.length > limit_bytes) return CK_ERR_LIMIT;
	*out = item->span;
	return CK_OK;
}

enum ck_error ck_map_fixed(const struct ck_map *map, unsigned key, void *out, size_t length)
{
	struct ck_bytes bytes = { NULL, 0 };
	enum ck_error error = ck_map_bytes(map, key, length, length, &bytes);
	if (error == CK_OK && length > 0) memcpy(out, bytes.at, length);
	return error;
}

enum ck_error ck_map_string(const struct ck_map *map, unsigned key, char *out, size_t out_bytes)
{
	struct ck_text text = { NULL, 0 };
	out[0] = '\0';
	enum ck_error error = ck_map_text(map, key, out_bytes - 1, &text);
	return error == CK_OK ? ck_text_copy(out, out_bytes, text) : error;
}

struct ck_text ck_map_text_or(const struct ck_map *map, unsigned key, size_t limit_bytes, struct ck_text otherwise)
{
	struct ck_text text = { NULL, 0 };
	return ck_map_text(map, key, limit_bytes, &text) == CK_OK ? text : otherwise;
}

bool ck_map_bool_or(const struct ck_map *map, unsigned key, bool otherwise)
{
	bool value = false;
	return ck_map_bool(map, key, &value) == CK_OK ? value : otherwise;
}

enum ck_error ck_items_of(const struct ck_item *array, size_t limit, struct ck_items *out)
{
	*out = (struct ck_items){ .left = 0 };
	if (array->type != CK_CBOR_ARRAY) return CK_ERR_INVALID;
	if (array->number > limit) return CK_ERR_LIMIT;
	ck_reader_init(&out->r, array->span.at, array->span.length);
	out->left = array->number;
	return CK_OK;
}

enum ck_error ck_map_array(const struct ck_map *map, unsigned key, size_t limit, struct ck_items *out)
{
	const struct ck_item *item = NULL;
	*out = (struct ck_items){ .left = 0 };
	enum ck_error error = find(map, key, CK_CBOR_ARRAY, &item);
	return error == CK_OK ? ck_items_of(item, limit, out) : error;
}

bool ck_items_next(struct ck_items *items, struct ck_item *out)
{
	if (items->left == 0 || !get_item(&items->r, out)) return false;
	items->left--;
	return true;
}
