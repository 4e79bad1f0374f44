/* Open addressing with linear probing, at most three quarters full; no place is ever given up. Nothing here trusts what the directory told
   further than to refuse: it lowers nothing that was recorded. */
#include "authd/ledger_counter.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
	TAKEN = 1,
	RECORDED = 2, /* last and used_s count */
	TOLD = 4,     /* learned, learned_ms and told_s count */
	CHANGED = 8   /* the directory does not have what was recorded */
};
struct counter {
	uint8_t key[CK_COUNTER_KEY_BYTES];
	uint32_t last, learned;
	int64_t used_s, told_s, written_s;
	int64_t learned_ms; /* monotonic: since when `learned` is known */
	uint32_t round;     /* in which it was last told */
	uint32_t flags;
};
struct ck_counters {
	struct counter *at;
	size_t slots, taken, recorded; /* slots: a power of two */
	size_t looked;                 /* where ck_counters_due goes on */
	uint32_t round;
	uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

enum ck_error ck_counters_new(size_t expected, struct ck_counters **out)
{
	*out = NULL;
	struct ck_counters *c = calloc(1, sizeof *c);
	if (c == NULL) return CK_ERR_MEMORY;
	c->slots = 1024;
	while (c->slots / 4 * 3 < expected) c->slots *= 2;
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

size_t ck_counters_count(const struct ck_counters *c) { return c->recorded; }

static bool is(const struct counter *slot, uint32_t flag) { return (slot->flags & flag) != 0; }

/* The key's slot, or the free one where it belongs. */
static struct counter *slot_of(const struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES])
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t index;
	crypto_shorthash(hash, key, CK_COUNTER_KEY_BYTES, c->hash_key);
	memcpy(&index, hash, sizeof index);
	for (size_t i = (size_t)index & (c->slots - 1);; i = (i + 1) & (c->slots - 1)) {
		struct counter *slot = &c->at[i];
		if (!is(slot, TAKEN) || memcmp(slot->key, key, CK_COUNTER_KEY_BYTES) == 0) return slot;
	}
}

static enum ck_error grow(struct ck_counters *c)
{
	struct ck_counters bigger = *c;
	bigger.slots = c->slots * 2;
	bigger.at = calloc(bigger.slots, sizeof *bigger.at);
	if (bigger.at == NULL) return CK_ERR_MEMORY;
	for (size_t i = 0; i < c->slots; i++)
		if (is(&c->at[i], TAKEN)) *slot_of(&bigger, c->at[i].key) = c->at[i];
	free(c->at);
	*c = bigger;
	return CK_OK;
}

/* The key's slot, taken if it was free; NULL: no memory. */
static struct counter *take_slot(struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES])
{
	struct counter *slot = slot_of(c, key);
	if (is(slot, TAKEN)) return slot;
	if (c->taken >= c->slots / 4 * 3) {
		if (grow(c) != CK_OK) return NULL;
		slot = slot_of(c, key);
	}
	memcpy(slot->key, key, CK_COUNTER_KEY_BYTES);
	slot->flags = TAKEN;
	c->taken++;
	return slot;
}

/* ---- what was recorded ---- */

enum ck_counter_verdict ck_counters_judge(const struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count,
                                          int64_t issued_ms, uint32_t *out_other)
{
	const struct counter *slot = slot_of(c, key);
	uint32_t last = is(slot, RECORDED) ? slot->last : 0;
	uint32_t learned = is(slot, TOLD) ? slot->learned : 0;
	*out_other = last;
	if (count <= last && last > 0) return CK_COUNTER_BACK;
	*out_other = learned;
	if (count <= learned && learned > 0) return slot->learned_ms > issued_ms ? CK_COUNTER_OVERTAKEN : CK_COUNTER_BEHIND;
	*out_other = last > learned ? last : learned;
	return CK_COUNTER_STANDS;
}

bool ck_counters_leaps(const struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count, int64_t now_s, uint32_t *out_other)
{
	const struct counter *slot = slot_of(c, key);
	uint32_t known = 0;
	int64_t used_s = INT64_MIN;
	*out_other = 0;
	if (is(slot, RECORDED)) {
		known = slot->last;
		used_s = slot->used_s;
	}
	if (is(slot, TOLD) && slot->learned > known) known = slot->learned;
	if (is(slot, TOLD) && slot->told_s > used_s) used_s = slot->told_s;
	*out_other = known;
	if (used_s == INT64_MIN || count <= known) return false; /* of a key that nothing is known of anything may be the first count */
	uint64_t seconds = now_s > used_s ? (uint64_t)now_s - (uint64_t)used_s : 0;
	if (seconds > UINT32_MAX) seconds = UINT32_MAX;
	return (uint64_t)count - known > CK_COUNTER_LEAP_FREE + CK_COUNTER_LEAP_A_SECOND * seconds;
}

void ck_counters_forget(struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES])
{
	struct counter *slot = slot_of(c, key);
	if (!is(slot, TAKEN)) return;
	if (is(slot, RECORDED)) c->recorded--;
	slot->flags = TAKEN;
}

static void note_change(struct counter *slot)
{
	bool has_all = is(slot, TOLD) && slot->learned >= slot->last && slot->told_s >= slot->used_s;
	if (is(slot, RECORDED) && !has_all) slot->flags |= CHANGED;
	else slot->flags &= ~(uint32_t)CHANGED;
}

enum ck_error ck_counters_advance(struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES], uint32_t count, int64_t used_s)
{
	struct counter *slot = take_slot(c, key);
	if (slot == NULL) return CK_ERR_MEMORY;
	if (!is(slot, RECORDED)) {
		slot->flags |= RECORDED;
		slot->last = 0;
		slot->used_s = used_s;
		c->recorded++;
	}
	if (count > slot->last) slot->last = count;
	if (used_s > slot->used_s) slot->used_s = used_s;
	note_change(slot);
	return CK_OK;
}

bool ck_counters_next(const struct ck_counters *c, size_t *at, struct ck_counter *out)
{
	while (*at < c->slots && !is(&c->at[*at], RECORDED)) (*at)++;
	if (*at == c->slots) return false;
	const struct counter *slot = &c->at[(*at)++];
	*out = (struct ck_counter){ slot->key, slot->last, slot->used_s };
	return true;
}

/* ---- the directory's ---- */

enum ck_error ck_counters_tell(struct ck_counters *c, const uint8_t key[CK_COUNTER_KEY_BYTES], const struct ck_counter_told *told, int64_t now_ms)
{
	if (!told->there && !is(slot_of(c, key), TAKEN)) return CK_OK;
	struct counter *slot = take_slot(c, key);
	if (slot == NULL) return CK_ERR_MEMORY;
	if (!is(slot, TOLD) || slot->learned != told->count) slot->learned_ms = now_ms;
	slot->learned = told->count;
	slot->told_s = told->used_s;
	slot->written_s = told->written_s;
	slot->round = c->round;
	if (told->there) slot->flags |= TOLD;
	else slot->flags &= ~(uint32_t)TOLD;
	note_change(slot);
	return CK_OK;
}

void ck_counters_begin_round(struct ck_counters *c) { c->round++; }

void ck_counters_end_round(struct ck_counters *c)
{
	for (size_t i = 0; i < c->slots; i++) {
		struct counter *slot = &c->at[i];
		if (!is(slot, TOLD) || slot->round == c->round) continue;
		slot->flags &= ~(uint32_t)TOLD;
		slot->written_s = 0;
		note_change(slot);
	}
}

size_t ck_counters_places(const struct ck_counters *c) { return c->slots; }

/* A time that is far ahead is a clock that was set back since: no reason to wait for it. */
static bool rested(int64_t written_s, int64_t now_s, int64_t interval_s)
{
	return written_s == 0 || now_s < written_s - interval_s || now_s >= written_s + interval_s;
}

bool ck_counters_due(struct ck_counters *c, int64_t now_s, int64_t interval_s, size_t *places, struct ck_counter *out)
{
	for (; *places > 0; --*places) {
		if (c->looked >= c->slots) c->looked = 0;
		const struct counter *slot = &c->at[c->looked++];
		if (!is(slot, CHANGED) || !rested(slot->written_s, now_s, interval_s)) continue;
		*out = (struct ck_counter){ slot->key, slot->last, slot->used_s };
		--*places;
		return true;
	}
	return false;
}
