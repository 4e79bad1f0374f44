/* The bounded table. Chained hash over an array of slots; slots are linked by age. */
#include "authd/ledger_table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct slot {
	uint8_t key[CK_TABLE_KEY_BYTES];
	uint32_t next;         /* in its bucket, or in the free list */
	uint32_t older, newer; /* by age */
};
struct ck_table {
	uint32_t capacity, count, mask;
	uint32_t free, oldest, newest;
	size_t entry_bytes;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
	uint32_t *buckets;
	struct slot *slots;
	uint8_t *entries;
};

enum ck_error ck_table_new(uint32_t capacity, size_t entry_bytes, struct ck_table **out)
{
	struct ck_table *t = calloc(1, sizeof *t);
	*out = NULL;
	if (t == NULL) return CK_ERR_MEMORY;
	uint32_t buckets = 16;
	while (buckets < capacity) buckets *= 2;
	t->capacity = capacity;
	t->mask = buckets - 1;
	t->entry_bytes = (entry_bytes + 7) & ~(size_t)7;
	t->buckets = calloc(buckets, sizeof *t->buckets);
	t->slots = calloc(capacity, sizeof *t->slots);
	t->entries = calloc(capacity, t->entry_bytes);
	if (t->buckets == NULL || t->slots == NULL || t->entries == NULL) {
		ck_table_free(&t);
		return CK_ERR_MEMORY;
	}
	crypto_shorthash_keygen(t->hash_key);
	ck_table_clear(t);
	*out = t;
	return CK_OK;
}

void ck_table_free(struct ck_table **table)
{
	if (*table == NULL) return;
	free((*table)->buckets);
	free((*table)->slots);
	free((*table)->entries);
	free(*table);
	*table = NULL;
}

void ck_table_clear(struct ck_table *t)
{
	memset(t->buckets, 0xff, ((size_t)t->mask + 1) * sizeof *t->buckets);
	for (uint32_t i = 0; i < t->capacity; i++) t->slots[i].next = i + 1 < t->capacity ? i + 1 : NONE;
	t->free = 0;
	t->oldest = NONE;
	t->newest = NONE;
	t->count = 0;
}

static uint32_t *bucket_of(struct ck_table *t, const uint8_t key[CK_TABLE_KEY_BYTES])
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint32_t index;
	crypto_shorthash(hash, key, CK_TABLE_KEY_BYTES, t->hash_key);
	memcpy(&index, hash, sizeof index);
	return &t->buckets[index & t->mask];
}

static void *entry_at(const struct ck_table *t, uint32_t slot)
{
	return slot == NONE ? NULL : t->entries + (size_t)slot * t->entry_bytes;
}

static uint32_t slot_of(const struct ck_table *t, const void *entry)
{
	return (uint32_t)((size_t)((const uint8_t *)entry - t->entries) / t->entry_bytes);
}

void *ck_table_find(struct ck_table *t, const uint8_t key[CK_TABLE_KEY_BYTES])
{
	for (uint32_t i = *bucket_of(t, key); i != NONE; i = t->slots[i].next)
		if (memcmp(t->slots[i].key, key, CK_TABLE_KEY_BYTES) == 0) return entry_at(t, i);
	return NULL;
}

void *ck_table_add(struct ck_table *t, const uint8_t key[CK_TABLE_KEY_BYTES])
{
	uint32_t i = t->free;
	if (i == NONE) return NULL;
	struct slot *slot = &t->slots[i];
	uint32_t *bucket = bucket_of(t, key);
	t->free = slot->next;
	memcpy(slot->key, key, CK_TABLE_KEY_BYTES);
	slot->next = *bucket;
	*bucket = i;
	slot->older = t->newest;
	slot->newer = NONE;
	if (t->newest != NONE) t->slots[t->newest].newer = i;
	else t->oldest = i;
	t->newest = i;
	t->count++;
	void *entry = entry_at(t, i);
	memset(entry, 0, t->entry_bytes);
	return entry;
}

const uint8_t *ck_table_key(const struct ck_table *t, const void *entry)
{
	return t->slots[slot_of(t, entry)].key;
}

void ck_table_remove(struct ck_table *t, void *entry)
{
	uint32_t i = slot_of(t, entry);
	struct slot *slot = &t->slots[i];
	uint32_t *link = bucket_of(t, slot->key);
	while (*link != i) link = &t->slots[*link].next;
	*link = slot->next;
	if (slot->older != NONE) t->slots[slot->older].newer = slot->newer;
	else t->oldest = slot->newer;
	if (slot->newer != NONE) t->slots[slot->newer].older = slot->older;
	else t->newest = slot->older;
	slot->next = t->free;
	t->free = i;
	t->count--;
}

void *ck_table_oldest(struct ck_table *t) { return entry_at(t, t->oldest); }
void *ck_table_newer(struct ck_table *t, const void *entry) { return entry_at(t, t->slots[slot_of(t, entry)].newer); }
uint32_t ck_table_count(const struct ck_table *t) { return t->count; }
