/* A set of entryUUIDs: what a refresh named. Grows; bounded by what a directory of the design's scale holds. */
#ifndef CK_AUTHD_REPLICA_UUIDS_H
#define CK_AUTHD_REPLICA_UUIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/error.h"

#define CK_UUIDS_LIMIT (16u * 1024 * 1024) /* four times the entries of 1.2 million staff with keys and grants; 512 MB */

struct ck_uuids {
	uint8_t (*slots)[16]; /* all zero: free */
	size_t slot_count;    /* a power of two, or 0 */
	size_t count;
	uint8_t key[16];      /* of the hash; random */
};

CK_MUST_USE enum ck_error ck_uuids_add(struct ck_uuids *set, const uint8_t uuid[16]);
bool ck_uuids_has(const struct ck_uuids *set, const uint8_t uuid[16]);
/* Frees everything; the set is then empty and usable. */
void ck_uuids_clear(struct ck_uuids *set);

#endif
