/* The bounded buffer: sticky failure, so that a parse is one chain with one check. */
#include "directory/base/buffer.h"

#include <endian.h>
#include <string.h>

void ck_writer_init(struct ck_writer *w, uint8_t *bytes, size_t limit_bytes)
{
	*w = (struct ck_writer){ .start = bytes, .at = bytes, .end = bytes + limit_bytes, .failed = false };
}

size_t ck_writer_length(const struct ck_writer *w)
{
	return (size_t)(w->at - w->start);
}

void ck_put_bytes(struct ck_writer *w, const void *bytes, size_t length)
{
	if (w->failed || (size_t)(w->end - w->at) < length) {
		w->failed = true;
		return;
	}
	if (length > 0) memcpy(w->at, bytes, length);
	w->at += length;
}

static void put_le(struct ck_writer *w, uint64_t value, size_t length)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(value >> (8 * i));
	ck_put_bytes(w, bytes, length);
}

static void put_be(struct ck_writer *w, uint64_t value, size_t length)
{
	uint8_t bytes[8];
	for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(value >> (8 * (length - 1 - i)));
	ck_put_bytes(w, bytes, length);
}

void ck_put_u8(struct ck_writer *w, uint8_t value) { put_le(w, value, 1); }
void ck_put_u16le(struct ck_writer *w, uint16_t value) { put_le(w, value, 2); }
void ck_put_u32le(struct ck_writer *w, uint32_t value) { put_le(w, value, 4); }
void ck_put_u64le(struct ck_writer *w, uint64_t value) { put_le(w, value, 8); }
void ck_put_u16be(struct ck_writer *w, uint16_t value) { put_be(w, value, 2); }
void ck_put_u32be(struct ck_writer *w, uint32_t value) { put_be(w, value, 4); }
void ck_put_u64be(struct ck_writer *w, uint64_t value) { put_be(w, value, 8); }

void ck_reader_init(struct ck_reader *r, const uint8_t *bytes, size_t length)
{
	/* an empty span may be {NULL, 0}; arithmetic on NULL is undefined */
	static const uint8_t nothing[1];
	if (length == 0) bytes = nothing;
	*r = (struct ck_reader){ .at = bytes, .end = bytes + length, .failed = false };
}

/* Up to eight bytes, the lowest first, however the machine has them; as many copied at once as there are. */
static uint64_t get_le(struct ck_reader *r, size_t length)
{
	const uint8_t *bytes = ck_get_bytes(r, length);
	uint64_t value = 0;
	if (bytes != NULL) memcpy(&value, bytes, length);
	return le64toh(value);
}

static uint64_t get_be(struct ck_reader *r, size_t length)
{
	const uint8_t *bytes = ck_get_bytes(r, length);
	uint64_t value = 0;
	for (size_t i = 0; bytes != NULL && i < length; i++) value = value << 8 | bytes[i];
	return value;
}

uint16_t ck_get_u16le(struct ck_reader *r) { return (uint16_t)get_le(r, 2); }
uint32_t ck_get_u32le(struct ck_reader *r) { return (uint32_t)get_le(r, 4); }
uint64_t ck_get_u64le(struct ck_reader *r) { return get_le(r, 8); }
uint16_t ck_get_u16be(struct ck_reader *r) { return (uint16_t)get_be(r, 2); }
uint32_t ck_get_u32be(struct ck_reader *r) { return (uint32_t)get_be(r, 4); }
uint64_t ck_get_u64be(struct ck_reader *r) { return get_be(r, 8); }

bool ck_reader_done(const struct ck_reader *r)
{
	return !r->failed && r->at == r->end;
}
