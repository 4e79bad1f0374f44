/* What an initial password is stored as: the command hashes it, so that neither gate nor replica sees it, and the replica takes nothing else.
   libc only. */
#ifndef CK_PROTOCOL_PASSWORD_H
#define CK_PROTOCOL_PASSWORD_H

#include <stdbool.h>

#include "directory/base/text.h"

/* Argon2id (RFC 9106) at a cost that slapd bears many times at once; a higher one would be somebody else's memory. */
#define CK_PASSWORD_HASH_MEMORY_BYTES (19456ul * 1024)
#define CK_PASSWORD_HASH_ROUNDS 3
#define CK_PASSWORD_HASH_SCHEME "{ARGON2}"
#define CK_PASSWORD_HASH_HEAD CK_PASSWORD_HASH_SCHEME "$argon2id$v=19$m=19456,t=3,p=1$"
#define CK_PASSWORD_HASH_LIMIT_BYTES 160

/* The head, 16 bytes of salt and 32 of hash in base64 without padding, and nothing else. */
bool ck_password_hash_is_sound(struct ck_text value);

#endif
