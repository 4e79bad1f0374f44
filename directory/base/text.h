/* Slices of text and bytes, and the few strict text forms used everywhere: hex, UUID, decimal, escaped. libc only, no allocation. */
#ifndef CK_BASE_TEXT_H
#define CK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/error.h"

/* Borrowed, not NUL-terminated; valid as long as what it was cut from. An absent one is {NULL, 0}. */
struct ck_text {
	const char *at;
	size_t length;
};
struct ck_bytes {
	const uint8_t *at;
	size_t length;
};

/* ckId: a random UUID (RFC 4122 version 4) as its 16 bytes; alignment 1, so arrays of it can lie in a record. */
struct ck_id {
	uint8_t bytes[16];
};
#define CK_ID_TEXT_BYTES 37 /* 36 and the NUL */

struct ck_text ck_text_of(const char *string); /* NULL gives the absent text */
struct ck_bytes ck_bytes_of(struct ck_text text);
bool ck_text_equal(struct ck_text a, struct ck_text b);
bool ck_text_is(struct ck_text text, const char *string);
bool ck_bytes_equal(struct ck_bytes a, struct ck_bytes b); /* not for secrets: see secret.h */

/* Copies and NUL-terminates; CK_ERR_LIMIT if it does not fit, CK_ERR_INVALID if it holds a NUL. `out` is "" on failure. */
CK_MUST_USE enum ck_error ck_text_copy(char *out, size_t out_bytes, struct ck_text text);

/* Valid UTF-8 (RFC 3629: no surrogates, no overlong forms), no control characters (C0, DEL, C1). */
bool ck_text_is_printable_utf8(struct ck_text text);
/* Valid UTF-8, control characters allowed except NUL. */
bool ck_text_is_utf8(struct ck_text text);

bool ck_id_equal(struct ck_id a, struct ck_id b);
bool ck_id_is_zero(struct ck_id id);
/* 8-4-4-4-12 lower or upper case hex, nothing else; does not ask for a version. */
CK_MUST_USE enum ck_error ck_id_parse(struct ck_text text, struct ck_id *out);
/* Lower case; returns out. */
const char *ck_id_format(struct ck_id id, char out[CK_ID_TEXT_BYTES]);

/* Writes 2 * length lower-case digits and a NUL; out is "" unless out_bytes is > 2 * length (no assertion: the PAM
   module links this, and aborts nobody's process). Returns out. out_bytes >= 1. */
const char *ck_hex_encode(const uint8_t *bytes, size_t length, char *out, size_t out_bytes);
/* Exactly out_bytes bytes from exactly 2 * out_bytes digits. */
CK_MUST_USE enum ck_error ck_hex_decode(struct ck_text text, uint8_t *out, size_t out_bytes);

/* Decimal without sign, leading zeros (but "0") or spaces. */
CK_MUST_USE enum ck_error ck_uint_parse(struct ck_text text, uint64_t min, uint64_t max, uint64_t *out);

/* Makes bytes from outside harmless in a log line, a terminal and an audit record: printable ASCII but '\\', '"' and space stays,
   everything else becomes \xHH. Cut with "..." when out is too small. Always NUL-terminated; returns out. Below 8 bytes out is "". */
const char *ck_escape(struct ck_bytes bytes, char *out, size_t out_bytes);
/* Undoes ck_escape (without the cut); CK_ERR_INVALID on any other form. *out_length is how many bytes were written. */
CK_MUST_USE enum ck_error ck_unescape(struct ck_text text, uint8_t *out, size_t out_bytes, size_t *out_length);

#endif
