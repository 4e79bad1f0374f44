/* Reads the CBOR of keys in place, before libcbor sees any of it: what passes here is bounded in depth and announces no more than is
   there. Trusts nothing. */
#include "authd/fido/internal.h"

#include <string.h>

static uint64_t get_number(struct ck_reader *r, unsigned info)
{
	uint64_t number = info;
	uint64_t least = 0; /* below it a shorter head would have done */
	switch (info) {
	case 24: number = ck_get_u8(r); least = 24; break;
	case 25: number = ck_get_u16be(r); least = UINT64_C(1) << 8; break;
	case 26: number = ck_get_u32be(r); least = UINT64_C(1) << 16; break;
	case 27: number = ck_get_u64be(r); least = UINT64_C(1) << 32; break;
	default: if (info > 23) r->failed = true; break;
	}
	if (number < least) r->failed = true;
	return r->failed ? 0 : number;
}

enum ck_fido_major ck_fido_get_head(struct ck_reader *r, uint64_t *out_number, struct ck_bytes *out_content)
{
	uint8_t head = ck_get_u8(r);
	enum ck_fido_major major = (enum ck_fido_major)(head >> 5);
	uint64_t number = get_number(r, head & 0x1f);
	*out_content = (struct ck_bytes){NULL, 0};
	if (major == CK_FIDO_BYTES || major == CK_FIDO_TEXT) {
		if (number > ck_reader_left(r)) r->failed = true;
		else *out_content = (struct ck_bytes){ck_get_bytes(r, (size_t)number), (size_t)number};
	} else if (major == CK_FIDO_ARRAY || major == CK_FIDO_MAP) {
		/* each element takes a byte at least */
		if (number > ck_reader_left(r) / (major == CK_FIDO_MAP ? 2 : 1)) r->failed = true;
	} else if (major == CK_FIDO_SIMPLE) {
		if (head < 0xf4 || head > 0xf6) r->failed = true; /* false, true, null */
	} else if (head >> 5 == 6) {
		r->failed = true; /* a tag */
	}
	*out_number = r->failed ? 0 : number;
	return major;
}

/* CTAP 2.1, 8: by major type, then the shorter, then byte by byte; the same key twice is in no order. */
static bool precedes(struct ck_bytes a, struct ck_bytes b)
{
	if (a.at[0] >> 5 != b.at[0] >> 5) return a.at[0] >> 5 < b.at[0] >> 5;
	if (a.length != b.length) return a.length < b.length;
	return memcmp(a.at, b.at, a.length) < 0;
}

static void skip(struct ck_reader *r, unsigned depth);

static void skip_map(struct ck_reader *r, uint64_t pairs, unsigned depth)
{
	struct ck_bytes before = {NULL, 0};
	for (uint64_t i = 0; i < pairs && !r->failed; i++) {
		const uint8_t *start = r->at;
		skip(r, depth);
		struct ck_bytes key = {start, (size_t)(r->at - start)};
		if (!r->failed && i > 0 && !precedes(before, key)) r->failed = true;
		before = key;
		skip(r, depth);
	}
}

static void skip(struct ck_reader *r, unsigned depth)
{
	uint64_t number;
	struct ck_bytes content;
	enum ck_fido_major major = ck_fido_get_head(r, &number, &content);
	if (major != CK_FIDO_ARRAY && major != CK_FIDO_MAP) return;
	if (depth >= CK_FIDO_NESTING_LIMIT) {
		r->failed = true;
		return;
	}
	if (major == CK_FIDO_MAP) skip_map(r, number, depth + 1);
	for (uint64_t i = 0; major == CK_FIDO_ARRAY && i < number && !r->failed; i++) skip(r, depth + 1);
}

struct ck_bytes ck_fido_get_item(struct ck_reader *r)
{
	const uint8_t *start = r->at;
	skip(r, 0);
	if (r->failed) return (struct ck_bytes){NULL, 0};
	return (struct ck_bytes){start, (size_t)(r->at - start)};
}

void ck_fido_expect_text(struct ck_reader *r, const char *text)
{
	uint64_t number;
	struct ck_bytes content;
	enum ck_fido_major major = ck_fido_get_head(r, &number, &content);
	if (major != CK_FIDO_TEXT || content.length != strlen(text) || memcmp(content.at, text, content.length) != 0) r->failed = true;
}
