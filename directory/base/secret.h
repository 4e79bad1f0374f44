/* Secrets: explicit length, wiped on every path, never printed, compared in constant time. libc only (explicit_bzero). */
#ifndef CK_BASE_SECRET_H
#define CK_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/error.h"

#define CK_SECRET_LIMIT_BYTES 512 /* the longest password that is accepted; PINs and codes are shorter */

struct ck_secret {
	size_t length;
	uint8_t bytes[CK_SECRET_LIMIT_BYTES];
};

/* One in pages of its own: kept out of swap, core dumps and forked children as far as the kernel lets us. NULL: no memory. */
struct ck_secret *ck_secret_new(void);
/* Wipes it, gives the pages back, nulls the pointer; NULL is accepted. */
void ck_secret_free(struct ck_secret **secret);
/* CK_ERR_LIMIT when it is too long; the secret is then empty. */
CK_MUST_USE enum ck_error ck_secret_set(struct ck_secret *secret, const void *bytes, size_t length);
/* NULL is accepted. */
void ck_secret_wipe(struct ck_secret *secret);
void ck_wipe(void *bytes, size_t length);
/* Whether a server may be asked about these bytes as a password: 1 to CK_SECRET_LIMIT_BYTES, no NUL. An empty one binds as nobody in particular,
   which succeeds (RFC 4513, 5.1.2); what hashes strings stops at a NUL, so that two passwords would be one. */
bool ck_password_may_be_sent(const void *bytes, size_t length);
/* Constant time for equal lengths. */
bool ck_constant_time_equal(const void *a, const void *b, size_t length);

#endif
