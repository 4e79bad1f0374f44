/* The bounded buffer that all outside bytes go through: checked get and put, sticky failure. Little-endian for records, big-endian
   for the wire. After a failure every further call does nothing and gets give zero, so a parse is one chain with one check. */
#ifndef CK_BASE_BUFFER_H
#define CK_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/text.h"

struct ck_writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed;
};
struct ck_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

void ck_writer_init(struct ck_writer *w, uint8_t *bytes, size_t limit_bytes);
size_t ck_writer_length(const struct ck_writer *w);
void ck_put_bytes(struct ck_writer *w, const void *bytes, size_t length);
void ck_put_u8(struct ck_writer *w, uint8_t value);
void ck_put_u16le(struct ck_writer *w, uint16_t value);
void ck_put_u32le(struct ck_writer *w, uint32_t value);
void ck_put_u64le(struct ck_writer *w, uint64_t value);
void ck_put_u16be(struct ck_writer *w, uint16_t value);
void ck_put_u32be(struct ck_writer *w, uint32_t value);
void ck_put_u64be(struct ck_writer *w, uint64_t value);

void ck_reader_init(struct ck_reader *r, const uint8_t *bytes, size_t length);
static inline size_t ck_reader_left(const struct ck_reader *r) { return (size_t)(r->end - r->at); }

/* These are here because a decision reads some thousand bytes by them, one after the other. */
/* Borrowed from the buffer; NULL after a failure. */
static inline const uint8_t *ck_get_bytes(struct ck_reader *r, size_t length)
{
	if (r->failed || ck_reader_left(r) < length) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *bytes = r->at;
	r->at += length;
	return bytes;
}

static inline uint8_t ck_get_u8(struct ck_reader *r)
{
	const uint8_t *byte = ck_get_bytes(r, 1);
	return byte != NULL ? *byte : 0;
}

uint16_t ck_get_u16le(struct ck_reader *r);
uint32_t ck_get_u32le(struct ck_reader *r);
uint64_t ck_get_u64le(struct ck_reader *r);
uint16_t ck_get_u16be(struct ck_reader *r);
uint32_t ck_get_u32be(struct ck_reader *r);
uint64_t ck_get_u64be(struct ck_reader *r);
/* Not failed and nothing left over. */
bool ck_reader_done(const struct ck_reader *r);

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds damage, not malice. */
uint32_t ck_crc32c(const void *bytes, size_t length);
/* The same without the processor's help: what machines without it compute, and what the test compares with. */
uint32_t ck_crc32c_by_table(const void *bytes, size_t length);

#endif
