/* Secrets: wiped by explicit_bzero, which the compiler may not drop; compared without an early end. */
#include "directory/base/secret.h"

#include <string.h>

enum ck_error ck_secret_set(struct ck_secret *secret, const void *bytes, size_t length)
{
	ck_secret_wipe(secret);
	if (length > sizeof secret->bytes) return CK_ERR_LIMIT;
	if (length > 0) memcpy(secret->bytes, bytes, length);
	secret->length = length;
	return CK_OK;
}

void ck_secret_wipe(struct ck_secret *secret)
{
	if (secret != NULL) explicit_bzero(secret, sizeof *secret);
}

void ck_wipe(void *bytes, size_t length)
{
	if (bytes != NULL) explicit_bzero(bytes, length);
}

bool ck_constant_time_equal(const void *a, const void *b, size_t length)
{
	const volatile uint8_t *left = a, *right = b;
	uint8_t difference = 0;
	for (size_t i = 0; i < length; i++) difference = (uint8_t)(difference | (left[i] ^ right[i]));
	return difference == 0;
}
