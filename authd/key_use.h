/* The uses of keys as replica and ledger tell them to each other: what the directory has, and what it is to be given. */
#ifndef CK_AUTHD_KEY_USE_H
#define CK_AUTHD_KEY_USE_H

#include "authd/protocol/cbor.h"
#include "directory/model/record.h"

#define CK_USES_LIMIT 256    /* in one message: some 15 kB */
#define CK_USES_DUE_LIMIT 32 /* asked for at a time */
enum { CK_USES_FIRST = 1, CK_USES_LAST = 2 }; /* bits of STAGE */

struct ck_use {
	uint8_t hash[CK_HASH_BYTES];
	bool there; /* the directory has an entry for this key */
	uint32_t count;
	int64_t used_s;
	int64_t written_s; /* wall; 0: never */
};
/* USES, in ascending order of fields as every other. */
void ck_uses_put(struct ck_map_writer *m, const struct ck_use *uses, size_t count);
/* CK_ERR_INVALID: anything that ck_uses_put would not have put. */
CK_MUST_USE enum ck_error ck_uses_get(const struct ck_map *message, struct ck_use out[CK_USES_LIMIT], size_t *out_count);

#endif
