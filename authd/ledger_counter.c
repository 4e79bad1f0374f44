/* Open addressing with linear probing, at most half full; nothing is ever removed. */
#include "authd/ledger_counter.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct counter {
	uint8_t key[CK_COUNTER_KEY_BYTES];
	uint32_t last;
	bool used;
};
struct ck_counters {
	struct counter *at;
	size_t slots, count; /* slots: a power of two */
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

enum ck_error ck_counters_new(size_t expected, struct ck_counters **out)
{
	*out = NULL;
	struct ck_counters *c = calloc(1, sizeof *c);
	if (c == NULL) return CK_ERR_MEMORY;
	c->slots = 1024;
	while (c->slots / 2 < expected) c->slots *= 2;
	c->at = calloc(c->slots, sizeof *c->at);
	if (c->at == NULL) {
		free(c);
		return CK_ERR_MEMORY;
	}
	crypto_shorthash_keygen(c->hash_key);
	*out = c;
	return CK_OK;
}

void ck_counters_free(struct ck_counters **counters)
{
	if (*counters == NULL) return;
	free((*counters)->at);
	free(*counters);
	*counters = NULL;
}

size_t ck_counters_count(const struct ck_counters *c) { return c->count; }

/* The key's slot, or the free one where it belongs. */
static struct counter *slot_of(const struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES])
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t index;
	crypto_shorthash(hash, key, CK_COUNTER_KEY_BYTES, c->hash_key);
	memcpy(&index, hash, sizeof index);
	for (size_t i = (size_t)index & (c->slots - 1);; i = (i + 1) & (c->slots - 1)) {
		struct counter *slot = &c->at[i];
		if (!slot->used || memcmp(slot->key, key, CK_COUNTER_KEY_BYTES) == 0) return slot;
	}
}

bool ck_counters_allows(const struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count, uint32_t *out_last)
{
	const struct counter *slot = slot_of(c, key);
	*out_last = slot->used ? slot->last : 0;
	return count > *out_last || (count == 0 && *out_last == 0);
}

static enum ck_error grow(struct ck_counters *c)
{
	struct ck_counters bigger = *c;
	bigger.slots = c->slots * 2;
	bigger.at = calloc(bigger.slots, sizeof *bigger.at);
	if (bigger.at == NULL) return CK_ERR_MEMORY;
	for (size_t i = 0; i < c->slots; i++)
		if (c->at[i].used) *slot_of(&bigger, c->at[i].key) = c->at[i];
	free(c->at);
	*c = bigger;
	return CK_OK;
}

enum ck_error ck_counters_advance(struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count)
{
	struct counter *slot = slot_of(c, key);
	if (!slot->used) {
		if (c->count >= c->slots / 2) {
			enum ck_error error = grow(c);
			if (error != CK_OK) return error;
			slot = slot_of(c, key);
		}
		memcpy(slot->key, key, CK_COUNTER_KEY_BYTES);
		slot->used = true;
		c->count++;
	}
	if (count > slot->last) slot->last = count;
	return CK_OK;
}

bool ck_counters_next(const struct ck_counters *c, size_t *at, const uint8_t **out_key, uint32_t *out_count)
{
	while (*at < c->slots && !c->at[*at].used) (*at)++;
	if (*at == c->slots) return false;
	*out_key = c->at[*at].key;
	*out_count = c->at[*at].last;
	(*at)++;
	return true;
}
