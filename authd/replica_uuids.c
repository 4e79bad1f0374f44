/* Open addressing over random UUIDs: their own bits are the hash. A provider that chooses bad ones only slows its own refresh. */
#include "authd/replica_uuids.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024u

static const uint8_t free_slot[16] = {0};

static size_t slot_of(const uint8_t (*slots)[16], size_t slot_count, const uint8_t uuid[16])
{
	uint64_t a, b;
	memcpy(&a, uuid, sizeof a);
	memcpy(&b, uuid + 8, sizeof b);
	uint64_t hash = (a ^ (b << 1 | b >> 63)) * UINT64_C(0x9e3779b97f4a7c15); /* the golden ratio spreads consecutive ones */
	size_t at = (size_t)(hash >> 20) & (slot_count - 1);
	while (memcmp(slots[at], free_slot, 16) != 0 && memcmp(slots[at], uuid, 16) != 0) at = (at + 1) & (slot_count - 1);
	return at;
}

static enum ck_error grow(struct ck_uuids *set)
{
	size_t slot_count = set->slot_count > 0 ? set->slot_count * 2 : FIRST_SLOTS;
	if (slot_count > 2 * (size_t)CK_UUIDS_LIMIT) return CK_ERR_LIMIT;
	uint8_t(*slots)[16] = calloc(slot_count, sizeof *slots);
	if (slots == NULL) return CK_ERR_MEMORY;
	for (size_t i = 0; i < set->slot_count; i++) {
		if (memcmp(set->slots[i], free_slot, 16) == 0) continue;
		memcpy(slots[slot_of((const uint8_t(*)[16])slots, slot_count, set->slots[i])], set->slots[i], 16);
	}
	free(set->slots);
	set->slots = slots;
	set->slot_count = slot_count;
	return CK_OK;
}

enum ck_error ck_uuids_add(struct ck_uuids *set, const uint8_t uuid[16])
{
	if (memcmp(uuid, free_slot, 16) == 0) return CK_ERR_INVALID; /* RFC 4122 4.1.7: the nil UUID names nothing */
	if (set->count * 4 >= set->slot_count * 3) {
		enum ck_error error = grow(set);
		if (error != CK_OK) return error;
	}
	size_t at = slot_of((const uint8_t(*)[16])set->slots, set->slot_count, uuid);
	if (memcmp(set->slots[at], uuid, 16) == 0) return CK_OK;
	memcpy(set->slots[at], uuid, 16);
	set->count++;
	return CK_OK;
}

bool ck_uuids_has(const struct ck_uuids *set, const uint8_t uuid[16])
{
	if (set->slot_count == 0 || memcmp(uuid, free_slot, 16) == 0) return false;
	return memcmp(set->slots[slot_of((const uint8_t(*)[16])set->slots, set->slot_count, uuid)], uuid, 16) == 0;
}

void ck_uuids_clear(struct ck_uuids *set)
{
	free(set->slots);
	memset(set, 0, sizeof *set);
}
