/* Secrets: wiped by explicit_bzero, which the compiler may not drop; compared without an early end. */
#include "directory/base/secret.h"

#include <string.h>
#include <sys/mman.h>

struct ck_secret *ck_secret_new(void)
{
	void *pages = mmap(NULL, sizeof(struct ck_secret), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED) return NULL;
	/* each of these may be refused (RLIMIT_MEMLOCK, an old kernel), and the secret is still wiped in the end */
	(void)mlock(pages, sizeof(struct ck_secret));
	(void)madvise(pages, sizeof(struct ck_secret), MADV_DONTDUMP);
	(void)madvise(pages, sizeof(struct ck_secret), MADV_WIPEONFORK);
	return pages;
}

void ck_secret_free(struct ck_secret **secret)
{
	if (*secret == NULL) return;
	ck_secret_wipe(*secret);
	(void)munmap(*secret, sizeof **secret);
	*secret = NULL;
}

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

bool ck_password_may_be_sent(const void *bytes, size_t length)
{
	return bytes != NULL && length > 0 && length <= CK_SECRET_LIMIT_BYTES && memchr(bytes, '\0', length) == NULL;
}

bool ck_constant_time_equal(const void *a, const void *b, size_t length)
{
	const volatile uint8_t *left = a, *right = b;
	uint8_t difference = 0;
	for (size_t i = 0; i < length; i++) difference = (uint8_t)(difference | (left[i] ^ right[i]));
	return difference == 0;
}
