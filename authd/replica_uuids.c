/* Open addressing over UUIDs. slapd makes them from its clock, one like the next, so they are hashed (SipHash, keyed: a provider cannot choose
   ones that fall together). */
#include "authd/replica_uuids.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024u

static const uint8_t free_slot[16] = {0};

static size_t slot_of(const struct ck_uuids *set, const uint8_t uuid[16])
{
	uint64_t hash;
	_Static_assert(sizeof hash == crypto_shorthash_BYTES && sizeof set->key == crypto_shorthash_KEYBYTES, "SipHash-2-4");
	crypto_shorthash((unsigned char *)&hash, uuid, 16, set->key);
	size_t at = (size_t)hash & (set->slot_count - 1);
	while (memcmp(set->slots[at], free_slot, 16) != 0 && memcmp(set->slots[at], uuid, 16) != 0) at = (at + 1) & (set->slot_count - 1);
	return at;
}

static enum ck_error grow(struct ck_uuids *set)
{
	size_t slot_count = set->slot_count > 0 ? set->slot_count * 2 : FIRST_SLOTS;
	if (slot_count > 2 * (size_t)CK_UUIDS_LIMIT) return CK_ERR_LIMIT;
	struct ck_uuids larger = {.slots = calloc(slot_count, sizeof *larger.slots), .slot_count = slot_count, .count = set->count};
	if (larger.slots == NULL) return CK_ERR_MEMORY;
	if (set->slot_count > 0) memcpy(larger.key, set->key, sizeof larger.key);
	else randombytes_buf(larger.key, sizeof larger.key);
	for (size_t i = 0; i < set->slot_count; i++)
		if (memcmp(set->slots[i], free_slot, 16) != 0) memcpy(larger.slots[slot_of(&larger, set->slots[i])], set->slots[i], 16);
	free(set->slots);
	*set = larger;
	return CK_OK;
}

enum ck_error ck_uuids_add(struct ck_uuids *set, const uint8_t uuid[16])
{
	if (memcmp(uuid, free_slot, 16) == 0) return CK_ERR_INVALID; /* RFC 4122 4.1.7: the nil UUID names nothing */
	if (set->count * 4 >= set->slot_count * 3) {
		enum ck_error error = grow(set);
		if (error != CK_OK) return error;
	}
	size_t at = slot_of(set, uuid);
	if (memcmp(set->slots[at], uuid, 16) == 0) return CK_OK;
	memcpy(set->slots[at], uuid, 16);
	set->count++;
	return CK_OK;
}

bool ck_uuids_has(const struct ck_uuids *set, const uint8_t uuid[16])
{
	if (set->slot_count == 0 || memcmp(uuid, free_slot, 16) == 0) return false;
	return memcmp(set->slots[slot_of(set, uuid)], uuid, 16) == 0;
}

void ck_uuids_clear(struct ck_uuids *set)
{
	free(set->slots);
	memset(set, 0, sizeof *set);
}
