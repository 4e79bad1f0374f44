/* A zone's file (RFC 8536) → a table of offsets. Trusts nothing in the bytes: they are the machine's, but a file that is cut or of
   another kind must be refused, never read as UTC. */
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/base/zone_rule.h"

#define HEADER_BYTES 44
#define TIME_BYTES 8 /* in the second block */

struct counts {
	uint32_t ut, standard, leap, time, type, letters;
};

/* The file's second block, borrowed. */
struct zone_file {
	struct counts n;
	const uint8_t *times;   /* n.time of 8 bytes, ascending */
	const uint8_t *kinds;   /* n.time of 1 byte: the type from that moment on */
	const uint8_t *types;   /* n.type of 6 bytes: offset, is summer time, place of its letters */
	struct ck_zone_rule rule;
};

static bool get_header(struct ck_reader *r, struct counts *n)
{
	const uint8_t *magic = ck_get_bytes(r, 4);
	uint8_t version = ck_get_u8(r);
	(void)ck_get_bytes(r, 15);
	n->ut = ck_get_u32be(r);
	n->standard = ck_get_u32be(r);
	n->leap = ck_get_u32be(r);
	n->time = ck_get_u32be(r);
	n->type = ck_get_u32be(r);
	n->letters = ck_get_u32be(r);
	return !r->failed && memcmp(magic, "TZif", 4) == 0 && version >= '2' && version <= '4';
}

/* What the block says beside the offsets is skipped: names, leap seconds (there are none), and how the old rules were written. */
static bool skip_block(struct ck_reader *r, const struct counts *n, size_t time_bytes)
{
	uint64_t length = (uint64_t)n->time * (time_bytes + 1) + (uint64_t)n->type * 6 + n->letters + (uint64_t)n->leap * (time_bytes + 4) +
	                  n->standard + n->ut;
	return length <= CK_ZONE_FILE_LIMIT_BYTES && ck_get_bytes(r, (size_t)length) != NULL;
}

static int64_t time_at(const struct zone_file *f, uint32_t i)
{
	struct ck_reader r;
	ck_reader_init(&r, f->times + (size_t)i * TIME_BYTES, TIME_BYTES);
	return (int64_t)ck_get_u64be(&r);
}

static int32_t offset_of_type(const struct zone_file *f, uint8_t type)
{
	struct ck_reader r;
	ck_reader_init(&r, f->types + (size_t)type * 6, 6);
	return (int32_t)ck_get_u32be(&r);
}

static bool block_is_well(const struct zone_file *f)
{
	for (uint32_t i = 0; i < f->n.time; i++) {
		if (f->kinds[i] >= f->n.type) return false;
		if (i > 0 && time_at(f, i) <= time_at(f, i - 1)) return false;
	}
	for (uint32_t i = 0; i < f->n.type; i++) {
		int32_t offset_s = offset_of_type(f, (uint8_t)i);
		if (offset_s > CK_ZONE_OFFSET_LIMIT_S || offset_s < -CK_ZONE_OFFSET_LIMIT_S) return false;
		if (f->types[i * 6 + 4] > 1 || f->types[i * 6 + 5] >= f->n.letters) return false;
	}
	return true;
}

static bool get_block(struct ck_reader *r, struct zone_file *f)
{
	const struct counts *n = &f->n;
	if (n->leap != 0 || n->type == 0 || n->type > 256 || n->letters == 0 || n->time > CK_ZONE_FILE_LIMIT_BYTES) return false;
	if ((n->ut != 0 && n->ut != n->type) || (n->standard != 0 && n->standard != n->type)) return false;
	f->times = ck_get_bytes(r, (size_t)n->time * TIME_BYTES);
	f->kinds = ck_get_bytes(r, n->time);
	f->types = ck_get_bytes(r, (size_t)n->type * 6);
	if (n->letters > CK_ZONE_FILE_LIMIT_BYTES) return false;
	(void)ck_get_bytes(r, n->letters);
	(void)ck_get_bytes(r, n->standard);
	(void)ck_get_bytes(r, n->ut);
	return !r->failed && block_is_well(f);
}

static bool get_rule(struct ck_reader *r, struct ck_zone_rule *out)
{
	size_t left = ck_reader_left(r);
	const char *text = (const char *)r->at;
	if (left < 3 || text[0] != '\n' || text[left - 1] != '\n') return false;
	return ck_zone_rule_parse((struct ck_text){text + 1, left - 2}, out);
}

static int64_t last_time(const struct zone_file *f) { return f->n.time > 0 ? time_at(f, f->n.time - 1) : INT64_MIN; }

/* Where the listed times end and the rule begins, both must say the same. */
static bool rule_fits(const struct zone_file *f)
{
	if (f->n.time == 0) return true;
	int64_t last_s = last_time(f);
	if (last_s < INT64_C(-62135596800) || last_s > INT64_C(253402300799)) return false; /* years 1 to 9999 */
	return ck_zone_rule_offset(&f->rule, last_s) == offset_of_type(f, f->kinds[f->n.time - 1]);
}

static const char *read_file(struct ck_bytes bytes, struct zone_file *f)
{
	struct ck_reader r;
	struct counts first;
	ck_reader_init(&r, bytes.at, bytes.length);
	if (bytes.length > CK_ZONE_FILE_LIMIT_BYTES) return "it is too long";
	if (!get_header(&r, &first) || !skip_block(&r, &first, 4)) return "it is cut, or no TZif of version 2 to 4";
	if (!get_header(&r, &f->n) || !get_block(&r, f)) return "its second block is cut, malformed, or counts leap seconds";
	if (!get_rule(&r, &f->rule)) return "it does not end with a rule for the years after its list";
	return rule_fits(f) ? NULL : "its rule does not go on where its list ends";
}

/* ---- walking ---- */

/* How many of the listed times are at or before that moment. */
static uint32_t listed_until(const struct zone_file *f, int64_t at_s)
{
	uint32_t low = 0, high = f->n.time;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (time_at(f, middle) <= at_s) low = middle + 1;
		else high = middle;
	}
	return low;
}

static int32_t offset_at(const struct zone_file *f, int64_t at_s)
{
	uint32_t listed = listed_until(f, at_s);
	if (listed == f->n.time) return ck_zone_rule_offset(&f->rule, at_s);
	return offset_of_type(f, listed == 0 ? 0 : f->kinds[listed - 1]);
}

static int64_t next_after(const struct zone_file *f, int64_t at_s)
{
	uint32_t listed = listed_until(f, at_s);
	return listed < f->n.time ? time_at(f, listed) : ck_zone_rule_next(&f->rule, at_s);
}

static enum ck_error walk(const struct zone_file *f, struct ck_zone_table *out)
{
	int32_t offset_s = out->offset_s = offset_at(f, out->from_s);
	for (int64_t at_s = next_after(f, out->from_s); at_s < out->until_s; at_s = next_after(f, at_s)) {
		int32_t then_s = offset_at(f, at_s);
		if (then_s == offset_s) continue; /* only the name changes */
		if (out->count == CK_ZONE_SHIFTS_LIMIT) return CK_ERR_LIMIT;
		out->at[out->count++] = (struct ck_zone_shift){at_s, then_s};
		offset_s = then_s;
	}
	return CK_OK;
}

enum ck_error ck_zone_decode(struct ck_bytes file, int64_t from_s, int64_t until_s, struct ck_zone_table *out, struct ck_errmsg *err)
{
	struct zone_file f;
	memset(&f, 0, sizeof f);
	*out = (struct ck_zone_table){.count = 0};
	if (from_s >= until_s || from_s < INT64_C(-62135596800) || until_s > INT64_C(253402300799))
		return ck_fail(err, CK_ERR_LIMIT, "a zone is read for years from 1 to 9999");
	const char *fault = read_file(file, &f);
	if (fault != NULL) return ck_fail(err, CK_ERR_CORRUPT, "the zone's file cannot be used: %s", fault);
	out->from_s = from_s;
	out->until_s = until_s;
	enum ck_error error = walk(&f, out);
	if (error == CK_OK) return CK_OK;
	*out = (struct ck_zone_table){.count = 0};
	return ck_fail(err, error, "the zone shifts more than %d times in these years", CK_ZONE_SHIFTS_LIMIT);
}
