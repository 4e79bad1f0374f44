/* The one form of a password's hash that a change may carry. */
#include "authd/protocol/password.h"

#include <string.h>

#define SALT_LETTERS 22
#define HASH_LETTERS 43

static bool is_base64(const char *at, size_t length)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < length; i++)
		if (memchr(letters, at[i], sizeof letters - 1) == NULL) return false;
	return true;
}

bool ck_password_hash_is_sound(struct ck_text value)
{
	size_t head = sizeof CK_PASSWORD_HASH_HEAD - 1;
	if (value.length != head + SALT_LETTERS + 1 + HASH_LETTERS || memcmp(value.at, CK_PASSWORD_HASH_HEAD, head) != 0) return false;
	const char *salt = value.at + head;
	return is_base64(salt, SALT_LETTERS) && salt[SALT_LETTERS] == '$' && is_base64(salt + SALT_LETTERS + 1, HASH_LETTERS);
}
