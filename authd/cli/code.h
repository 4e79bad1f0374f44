/* One-time codes: 100 random bits in base32 (RFC 4648: no 0, 1, 8, 9), written in groups of four. The directory holds the SHA-256 of the
   canonical text: capital letters and digits, no separators. */
#ifndef CK_CLI_CODE_H
#define CK_CLI_CODE_H

#include "directory/model/record.h"

#define CK_CODE_CHARACTERS 20 /* of 5 bits each */
#define CK_CODE_TEXT_BYTES (CK_CODE_CHARACTERS + CK_CODE_CHARACTERS / 4) /* with the separators and the NUL */

struct ck_code_text {
	char text[CK_CODE_TEXT_BYTES]; /* "ABCD-EFGH-…": to be shown once, then wiped */
	uint8_t hash[CK_HASH_BYTES];
};
void ck_code_make(struct ck_code_text *out);

/* What a person typed, in canonical form: small letters, spaces and '-' are accepted, and 0, 1, 8 as the O, I, B that they were read for.
   CK_ERR_INVALID for anything else. */
CK_MUST_USE enum ck_error ck_code_canonical(struct ck_text typed, char out[CK_CODE_CHARACTERS + 1]);
CK_MUST_USE enum ck_error ck_code_hash(struct ck_text typed, uint8_t out[CK_HASH_BYTES]);

#endif
