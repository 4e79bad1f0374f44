/* One-time codes. Random and hash are libsodium's. */
#include "authd/cli/code.h"

#include <sodium.h>
#include <string.h>

#include "directory/base/secret.h"

static const char alphabet[33] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void ck_code_make(struct ck_code_text *out)
{
	uint8_t symbols[CK_CODE_SYMBOLS];
	CK_ASSERT(sodium_init() >= 0);
	memset(out, 0, sizeof *out);
	size_t used = 0;
	for (size_t i = 0; i < sizeof symbols; i++) {
		symbols[i] = (uint8_t)alphabet[randombytes_uniform(32)];
		if (i > 0 && i % 4 == 0) out->text[used++] = '-';
		out->text[used++] = (char)symbols[i];
	}
	crypto_hash_sha256(out->hash, symbols, sizeof symbols);
	ck_wipe(symbols, sizeof symbols);
}
