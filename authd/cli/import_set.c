/* Open addressing, at most half full, doubled as it grows. */
#include "authd/cli/import_set.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PLACES 1024
#define VALUE_LIMIT_BYTES 1024 /* longer than any value that is to be unique */

struct place {
	uint64_t hash; /* 0: free */
	uint64_t number;
};
struct ck_set {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct place *places;
	size_t room, count;
};

struct ck_set *ck_set_new(void)
{
	struct ck_set *set = calloc(1, sizeof *set);
	CK_ASSERT(set != NULL);
	set->room = FIRST_PLACES;
	set->places = calloc(set->room, sizeof *set->places);
	CK_ASSERT(set->places != NULL);
	crypto_shorthash_keygen(set->key);
	return set;
}

void ck_set_free(struct ck_set **set)
{
	if (*set == NULL) return;
	free((*set)->places);
	free(*set);
	*set = NULL;
}

static uint64_t hash_of(const struct ck_set *set, struct ck_text value, bool fold_case)
{
	uint8_t bytes[VALUE_LIMIT_BYTES];
	uint64_t hash;
	size_t length = value.length < sizeof bytes ? value.length : sizeof bytes;
	for (size_t i = 0; i < length; i++) {
		char c = value.at[i];
		bytes[i] = (uint8_t)(fold_case && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	crypto_shorthash((unsigned char *)&hash, bytes, length, set->key);
	return hash != 0 ? hash : 1;
}

/* Where it is, or where it would go. */
static struct place *place_of(struct place *places, size_t room, uint64_t hash)
{
	size_t at = (size_t)hash & (room - 1);
	while (places[at].hash != 0 && places[at].hash != hash) at = (at + 1) & (room - 1);
	return &places[at];
}

static void grow(struct ck_set *set)
{
	size_t room = set->room * 2;
	struct place *places = calloc(room, sizeof *places);
	CK_ASSERT(places != NULL);
	for (size_t i = 0; i < set->room; i++)
		if (set->places[i].hash != 0) *place_of(places, room, set->places[i].hash) = set->places[i];
	free(set->places);
	set->places = places;
	set->room = room;
}

bool ck_set_add(struct ck_set *set, struct ck_text value, bool fold_case, uint64_t number)
{
	uint64_t hash = hash_of(set, value, fold_case);
	if (set->count * 2 >= set->room) grow(set);
	struct place *place = place_of(set->places, set->room, hash);
	if (place->hash != 0) return false;
	*place = (struct place){ .hash = hash, .number = number };
	set->count++;
	return true;
}

bool ck_set_find(const struct ck_set *set, struct ck_text value, bool fold_case, uint64_t *out_number)
{
	const struct place *place = place_of(set->places, set->room, hash_of(set, value, fold_case));
	*out_number = place->number;
	return place->hash != 0;
}

bool ck_set_has(const struct ck_set *set, struct ck_text value, bool fold_case)
{
	uint64_t ignored;
	return ck_set_find(set, value, fold_case, &ignored);
}
