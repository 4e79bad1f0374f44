/* Keys with values, put in any order and taken in the order of keys, in bounded memory: what is full is sorted and written to a file, and the runs
   are merged at the end. */
#ifndef CK_STORE_SORTER_H
#define CK_STORE_SORTER_H

#include "directory/base/text.h"

struct ck_sorter;

CK_MUST_USE enum ck_error ck_sorter_new(const char *directory, size_t memory_bytes, struct ck_sorter **out, struct ck_errmsg *err);
void ck_sorter_free(struct ck_sorter **sorter);
/* Keys and values below 64 KiB. */
CK_MUST_USE enum ck_error ck_sorter_add(struct ck_sorter *sorter, struct ck_bytes key, struct ck_bytes value);
/* Nothing is added any more. */
CK_MUST_USE enum ck_error ck_sorter_turn(struct ck_sorter *sorter);
/* The next in order, equal keys in any order; both live until the next call. CK_ERR_NOT_FOUND after the last. */
CK_MUST_USE enum ck_error ck_sorter_next(struct ck_sorter *sorter, struct ck_bytes *out_key, struct ck_bytes *out_value);

#endif
