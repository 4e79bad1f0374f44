/* One-time codes for a first key: 100 random bits, five groups of four in Crockford's base 32. */
#ifndef CK_CLI_CODE_H
#define CK_CLI_CODE_H

#include "directory/base/text.h"

#define CK_CODE_TEXT_BYTES 32

struct ck_code_text {
	char text[CK_CODE_TEXT_BYTES]; /* with dashes, for people; NUL-terminated */
	uint8_t hash[32];              /* SHA-256 of the canonical form: upper case, no separators */
};
/* Fresh randomness (libsodium). */
void ck_code_make(struct ck_code_text *out);

#endif
