/* One-time codes. Random and hash are libsodium's. */
#include "authd/cli/code.h"

#include <sodium.h>
#include <string.h>

#include "directory/base/secret.h"

static const char alphabet[33] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void hash_canonical(const char canonical[CK_CODE_CHARACTERS + 1], uint8_t out[CK_HASH_BYTES])
{
	crypto_hash_sha256(out, (const unsigned char *)canonical, CK_CODE_CHARACTERS);
}

void ck_code_make(struct ck_code_text *out)
{
	char canonical[CK_CODE_CHARACTERS + 1] = "";
	CK_ASSERT(sodium_init() >= 0);
	memset(out, 0, sizeof *out);
	size_t used = 0;
	for (size_t i = 0; i < CK_CODE_CHARACTERS; i++) {
		canonical[i] = alphabet[randombytes_uniform(32)];
		if (i > 0 && i % 4 == 0) out->text[used++] = '-';
		out->text[used++] = canonical[i];
	}
	hash_canonical(canonical, out->hash);
	ck_wipe(canonical, sizeof canonical);
}

static char canonical_character(char c)
{
	if (c >= 'a' && c <= 'z') return (char)(c - 'a' + 'A');
	if (c == '0') return 'O';
	if (c == '1') return 'I';
	if (c == '8') return 'B';
	return c;
}

enum ck_error ck_code_canonical(struct ck_text typed, char out[CK_CODE_CHARACTERS + 1])
{
	size_t used = 0;
	enum ck_error error = CK_OK;
	memset(out, 0, CK_CODE_CHARACTERS + 1);
	for (size_t i = 0; i < typed.length && error == CK_OK; i++) {
		char c = canonical_character(typed.at[i]);
		if (c == ' ' || c == '-') continue;
		if (used == CK_CODE_CHARACTERS || c == '\0' || strchr(alphabet, c) == NULL)
			error = CK_ERR_INVALID;
		else
			out[used++] = c;
	}
	if (used != CK_CODE_CHARACTERS) error = CK_ERR_INVALID;
	if (error != CK_OK) ck_wipe(out, CK_CODE_CHARACTERS + 1);
	return error;
}

enum ck_error ck_code_hash(struct ck_text typed, uint8_t out[CK_HASH_BYTES])
{
	char canonical[CK_CODE_CHARACTERS + 1];
	memset(out, 0, CK_HASH_BYTES);
	enum ck_error error = ck_code_canonical(typed, canonical);
	if (error == CK_OK) hash_canonical(canonical, out);
	ck_wipe(canonical, sizeof canonical);
	return error;
}
