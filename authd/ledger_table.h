/* A bounded table: entries of one size under 16-byte keys, in the order in which they came, so that the oldest can make room. All memory is
   taken at the start. Keys may be chosen by somebody else: the hash has a key of its own. */
#ifndef CK_AUTHD_LEDGER_TABLE_H
#define CK_AUTHD_LEDGER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "directory/base/error.h"

#define CK_TABLE_KEY_BYTES 16

struct ck_table;
CK_MUST_USE enum ck_error ck_table_new(uint32_t capacity, size_t entry_bytes, struct ck_table **out);
void ck_table_free(struct ck_table **table);
/* The entry, zeroed when it is new. NULL: none; of add: the table is full. Pointers stay until the entry is removed. */
void *ck_table_find(struct ck_table *table, const uint8_t key[CK_TABLE_KEY_BYTES]);
void *ck_table_add(struct ck_table *table, const uint8_t key[CK_TABLE_KEY_BYTES]);
const uint8_t *ck_table_key(const struct ck_table *table, const void *entry);
void ck_table_remove(struct ck_table *table, void *entry);
void ck_table_clear(struct ck_table *table);
/* By age; NULL at the end. */
void *ck_table_oldest(struct ck_table *table);
void *ck_table_newer(struct ck_table *table, const void *entry);
uint32_t ck_table_count(const struct ck_table *table);

#endif
