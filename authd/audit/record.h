/* One record as one line: how it is put together, and the digests. Private to authd/audit. */
#ifndef CK_AUDIT_RECORD_H
#define CK_AUDIT_RECORD_H

#include "authd/audit/audit.h"

#define CK_AUDIT_TIME_BYTES 28 /* "2026-11-22T04:20:00.123456Z" and the NUL */
#define CK_AUDIT_SIGNATURE_BYTES 64
#define CK_AUDIT_KEY_BYTES 32
#define CK_AUDIT_CHECKPOINT "checkpoint"

/* The line up to and with its digest, without the newline. 0: longer than CK_AUDIT_RECORD_LIMIT_BYTES (with `spare` bytes kept free), or
   out_bytes too small. */
size_t ck_record_format(char *out, size_t out_bytes, size_t spare, uint64_t seq, const char *time, const char *event,
                        const struct ck_audit_field *fields, size_t count, const uint8_t prev[CK_AUDIT_DIGEST_BYTES]);
/* Microseconds since 1970 of a record's time. */
int64_t ck_record_time_us(struct ck_text time);
/* Decimal; out holds 24 bytes. Returns the length. */
size_t ck_format_uint(uint64_t value, char out[24]);
/* line: with its newline. */
void ck_record_digest(struct ck_text line, uint8_t out[CK_AUDIT_DIGEST_BYTES]);

/* A parsed checkpoint; signed_part is what the signature covers. */
struct ck_checkpoint {
	uint64_t index;
	uint8_t key[CK_AUDIT_KEY_BYTES], next[CK_AUDIT_KEY_BYTES], signature[CK_AUDIT_SIGNATURE_BYTES];
	struct ck_text signed_part;
};
CK_MUST_USE enum ck_error ck_checkpoint_parse(const struct ck_audit_record *record, struct ck_checkpoint *out);

#endif
