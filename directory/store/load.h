/* A full refresh on its way into the second file: what the files of the store share of it. */
#ifndef CK_STORE_LOAD_H
#define CK_STORE_LOAD_H

#include "directory/store/people_internal.h"
#include "directory/store/seen.h"
#include "directory/store/sorter.h"

struct ck_load {
	struct ck_sorter *sorter; /* all keys but the few that are read meanwhile, which are in the file that was begun */
	struct ck_sorter *near;   /* the vocabulary and the ways to it: what comes of lists, and behind all of them */
	struct ck_seen *seen;     /* every entryUUID, id and unique key that came so far */
	bool appending;           /* at the end: in the order of keys, into the file that will be the copy */
	uint64_t sum_put, sum_taken; /* of ck_kv_mark: what was put outside must come back */
};

void ck_load_free(struct ck_store *store);
/* Whether a key waits outside of LMDB for now, and putting it there. */
bool ck_load_takes(const struct ck_load *load, const struct ck_index_key *key);
CK_MUST_USE enum ck_error ck_load_add(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes value);
/* Of a list: more numbers of it, in order. */
CK_MUST_USE enum ck_error ck_load_add_list(struct ck_load *load, const struct ck_index_key *list, const struct ck_list_change *changes, size_t count);

#endif
