/* One-time codes: 100 random bits in base32 (Crockford's: no I, L, O, U), written in groups of four. The directory holds the SHA-256 of the
   symbols alone; ck_code_hash of authd/enrol.h finds it again from what a person types. */
#ifndef CK_CLI_CODE_H
#define CK_CLI_CODE_H

#include "directory/model/record.h"

#define CK_CODE_SYMBOLS 20 /* of 5 bits each */
#define CK_CODE_TEXT_BYTES (CK_CODE_SYMBOLS + CK_CODE_SYMBOLS / 4) /* with the separators and the NUL */

struct ck_code_text {
	char text[CK_CODE_TEXT_BYTES]; /* "ABCD-EFGH-…": to be shown once, then wiped */
	uint8_t hash[CK_HASH_BYTES];
};
void ck_code_make(struct ck_code_text *out);

#endif
