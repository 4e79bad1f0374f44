/* One-time codes. */
#include "authd/cli/code.h"

#include <sodium.h>
#include <stddef.h>

#define SYMBOLS 20 /* 5 bits each: 100 bits */

void ck_code_make(struct ck_code_text *out)
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* no I, L, O, U */
	char canonical[SYMBOLS];
	size_t used = 0;
	for (size_t i = 0; i < SYMBOLS; i++) {
		canonical[i] = alphabet[randombytes_uniform(32)];
		if (i > 0 && i % 4 == 0) out->text[used++] = '-';
		out->text[used++] = canonical[i];
	}
	out->text[used] = '\0';
	crypto_hash_sha256(out->hash, (const unsigned char *)canonical, sizeof canonical);
	sodium_memzero(canonical, sizeof canonical);
}
