/* Compares what is to be signed with the registration that the key itself gave, byte for byte. */
#include "authd/cli/made.h"

#include <sodium.h>
#include <string.h>

/* authenticator data: 37 bytes, AAGUID 16, length 2, the credential id, the public key, extensions (WebAuthn Level 2, 6.5.1) */
#define ID_LENGTH_AT 53
#define ID_AT 55

/* The attribute's one value; empty if it is missing, there twice, or has more. */
static struct ck_bytes only_value(const struct ck_change_value *values, size_t count, const char *attribute)
{
	struct ck_bytes found = { NULL, 0 };
	size_t times = 0;
	for (size_t i = 0; i < count; i++) {
		if (!ck_text_is(values[i].attribute, attribute)) continue;
		times += values[i].count;
		if (values[i].count == 1) found = values[i].values[0];
	}
	return times == 1 ? found : (struct ck_bytes){ NULL, 0 };
}

bool ck_made_is(struct ck_bytes auth_data, const uint8_t target[CK_HASH_BYTES], const struct ck_change_value *values, size_t count)
{
	uint8_t hash[CK_HASH_BYTES];
	struct ck_bytes id = only_value(values, count, "ckCredentialId"), key = only_value(values, count, "ckPublicKey");
	if (auth_data.length < ID_AT || id.length == 0 || key.length == 0) return false;
	size_t length = (size_t)auth_data.at[ID_LENGTH_AT] << 8 | auth_data.at[ID_LENGTH_AT + 1];
	size_t rest = auth_data.length - ID_AT;
	if (id.length != length || length > rest || key.length > rest - length) return false;
	crypto_hash_sha256(hash, id.at, id.length);
	return memcmp(id.at, auth_data.at + ID_AT, length) == 0 && memcmp(key.at, auth_data.at + ID_AT + length, key.length) == 0 &&
	       memcmp(hash, target, sizeof hash) == 0;
}
