/* The signing key that evolves: seed N signs checkpoint N, and is destroyed once seed N+1, fresh and random, is safely stored. Files `key`
   (in use), `key.next` (stored, its checkpoint perhaps not yet), `genesis` (the first public key). Private to authd/audit. */
#ifndef CK_AUDIT_KEY_H
#define CK_AUDIT_KEY_H

#include "authd/audit/audit.h"

#define CK_KEY_FILE "key"
#define CK_KEY_NEXT_FILE "key.next"
#define CK_GENESIS_FILE "genesis"

struct ck_audit_key {
	uint64_t index;
	uint64_t since_seq; /* the checkpoint that names it; 0: none, it is the first. A log that ends before was cut */
	uint8_t seed[32];
	uint8_t public_half[32];
};
void ck_audit_key_make(uint64_t index, uint64_t since_seq, struct ck_audit_key *out);
void ck_audit_key_sign(const struct ck_audit_key *key, struct ck_text message, uint8_t out[64]);
void ck_audit_key_wipe(struct ck_audit_key *key);

/* CK_ERR_NOT_FOUND; CK_ERR_CORRUPT: torn or damaged. */
CK_MUST_USE enum ck_error ck_audit_key_load(int directory_fd, const char *name, struct ck_audit_key *out, struct ck_errmsg *err);
/* Written, fsynced, and its name too. */
CK_MUST_USE enum ck_error ck_audit_key_store(int directory_fd, const char *name, const struct ck_audit_key *key, struct ck_errmsg *err);
/* key.next becomes key; the old one is overwritten, as far as the file system lets that reach the disk. */
CK_MUST_USE enum ck_error ck_audit_key_advance(int directory_fd, struct ck_errmsg *err);
void ck_audit_key_discard_next(int directory_fd);

CK_MUST_USE enum ck_error ck_genesis_load(int directory_fd, uint8_t out[32], struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_genesis_store(int directory_fd, const uint8_t key[32], struct ck_errmsg *err);

#endif
