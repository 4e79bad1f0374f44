/* Counts of attempts. Names, hosts and terminals come from outside: they are hashed for the key. */
#include "authd/ledger_attempt.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_table.h"

struct tries {
	int64_t since_ms;
	uint32_t count;
};
struct right {
	int64_t since_ms; /* 0: free */
	uint8_t digest[CK_ATTEMPT_DIGEST_BYTES];
	uint8_t user[CK_TABLE_KEY_BYTES];
};
struct ck_attempts {
	struct ck_attempt_limits limits;
	struct ck_table *persons, *sources;
	struct right right[CK_ATTEMPTS_RIGHT];
};
struct keys {
	uint8_t person[CK_TABLE_KEY_BYTES], source[CK_TABLE_KEY_BYTES];
};

enum ck_error ck_attempts_new(const struct ck_attempt_limits *limits, struct ck_attempts **out)
{
	*out = NULL;
	struct ck_attempts *a = calloc(1, sizeof *a);
	if (a == NULL) return CK_ERR_MEMORY;
	a->limits = *limits;
	enum ck_error error = ck_table_new(CK_ATTEMPTS_PERSONS, sizeof(struct tries), &a->persons);
	if (error == CK_OK) error = ck_table_new(CK_ATTEMPTS_SOURCES, sizeof(struct tries), &a->sources);
	if (error == CK_OK) *out = a;
	else ck_attempts_free(&a);
	return error;
}

void ck_attempts_free(struct ck_attempts **attempts)
{
	if (*attempts == NULL) return;
	ck_table_free(&(*attempts)->persons);
	ck_table_free(&(*attempts)->sources);
	free(*attempts);
	*attempts = NULL;
}

/* ---- keys ---- */

static void hash_text(crypto_generichash_state *state, struct ck_text text)
{
	uint64_t length = text.length;
	crypto_generichash_update(state, (const unsigned char *)&length, sizeof length);
	if (text.length > 0) crypto_generichash_update(state, (const unsigned char *)text.at, text.length);
}

static void person_key(struct ck_text user, uint8_t out[CK_TABLE_KEY_BYTES])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, CK_TABLE_KEY_BYTES);
	hash_text(&state, user);
	crypto_generichash_final(&state, out, CK_TABLE_KEY_BYTES);
}

static void source_key(const struct ck_attempt *attempt, uint8_t out[CK_TABLE_KEY_BYTES])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, CK_TABLE_KEY_BYTES);
	hash_text(&state, attempt->remote_host);
	if (attempt->remote_host.length == 0) {
		hash_text(&state, attempt->tty);
		crypto_generichash_update(&state, (const unsigned char *)&attempt->peer_uid, sizeof attempt->peer_uid);
	}
	crypto_generichash_final(&state, out, CK_TABLE_KEY_BYTES);
}

static void keys_of(const struct ck_attempt *attempt, struct keys *out)
{
	person_key(attempt->user, out->person);
	source_key(attempt, out->source);
}

/* ---- counting ---- */

static int64_t window_ms(const struct ck_attempts *a) { return (int64_t)a->limits.window_s * 1000; }

static struct tries *tries_of(const struct ck_attempts *a, struct ck_table *table, uint32_t capacity, const uint8_t key[CK_TABLE_KEY_BYTES],
                              int64_t now_ms)
{
	struct tries *tries = ck_table_find(table, key);
	if (tries == NULL) {
		if (ck_table_count(table) == capacity) ck_table_remove(table, ck_table_oldest(table));
		tries = ck_table_add(table, key);
		CK_ASSERT(tries != NULL);
		tries->since_ms = now_ms;
	}
	if (now_ms - tries->since_ms >= window_ms(a)) *tries = (struct tries){ .since_ms = now_ms };
	return tries;
}

static int64_t wait_of(const struct ck_attempts *a, const struct tries *tries, uint64_t limit, int64_t now_ms)
{
	if (tries->count < limit) return 0;
	int64_t wait_ms = tries->since_ms + window_ms(a) - now_ms;
	return wait_ms > 0 ? wait_ms : 1;
}

int64_t ck_attempts_take(struct ck_attempts *a, const struct ck_attempt *attempt, int64_t now_ms)
{
	struct keys keys;
	keys_of(attempt, &keys);
	struct tries *person = tries_of(a, a->persons, CK_ATTEMPTS_PERSONS, keys.person, now_ms);
	struct tries *source = tries_of(a, a->sources, CK_ATTEMPTS_SOURCES, keys.source, now_ms);
	int64_t person_ms = wait_of(a, person, a->limits.person, now_ms), source_ms = wait_of(a, source, a->limits.source, now_ms);
	if (person_ms > 0 || source_ms > 0) return person_ms > source_ms ? person_ms : source_ms;
	person->count++;
	source->count++;
	return 0;
}

void ck_attempts_replay(struct ck_attempts *a, const struct ck_attempt *attempt, int64_t at_ms)
{
	struct keys keys;
	keys_of(attempt, &keys);
	tries_of(a, a->persons, CK_ATTEMPTS_PERSONS, keys.person, at_ms)->count++;
	tries_of(a, a->sources, CK_ATTEMPTS_SOURCES, keys.source, at_ms)->count++;
}

static void give_back(struct ck_table *table, const uint8_t key[CK_TABLE_KEY_BYTES], bool all)
{
	struct tries *tries = ck_table_find(table, key);
	if (tries == NULL) return;
	if (tries->count > 0) tries->count--;
	if (all || tries->count == 0) ck_table_remove(table, tries);
}

void ck_attempts_was_right(struct ck_attempts *a, const struct ck_attempt *attempt)
{
	struct keys keys;
	keys_of(attempt, &keys);
	give_back(a->persons, keys.person, true);
	give_back(a->sources, keys.source, false);
}

void ck_attempts_was_none(struct ck_attempts *a, const struct ck_attempt *attempt)
{
	struct keys keys;
	keys_of(attempt, &keys);
	give_back(a->persons, keys.person, false);
	give_back(a->sources, keys.source, false);
}

/* ---- right ones ---- */

/* A free place, or the oldest: what it was for has not come in time. */
void ck_attempts_await(struct ck_attempts *a, const uint8_t digest[CK_ATTEMPT_DIGEST_BYTES], struct ck_text user, int64_t now_ms)
{
	struct right *place = &a->right[0];
	for (size_t i = 1; i < CK_ATTEMPTS_RIGHT; i++)
		if (a->right[i].since_ms < place->since_ms) place = &a->right[i];
	place->since_ms = now_ms > 0 ? now_ms : 1;
	memcpy(place->digest, digest, sizeof place->digest);
	person_key(user, place->user);
}

bool ck_attempts_redeem(struct ck_attempts *a, const uint8_t digest[CK_ATTEMPT_DIGEST_BYTES], struct ck_text user, int64_t now_ms)
{
	uint8_t person[CK_TABLE_KEY_BYTES];
	person_key(user, person);
	for (size_t i = 0; i < CK_ATTEMPTS_RIGHT; i++) {
		struct right *right = &a->right[i];
		if (right->since_ms == 0 || memcmp(right->digest, digest, sizeof right->digest) != 0) continue;
		bool good = memcmp(right->user, person, sizeof person) == 0 && now_ms - right->since_ms < CK_ATTEMPTS_RIGHT_MS;
		memset(right, 0, sizeof *right);
		return good;
	}
	return false;
}

/* ---- the snapshot ---- */

#define SAVED_BYTES (CK_TABLE_KEY_BYTES + 8 + 4)

size_t ck_attempts_saved_bytes(const struct ck_attempts *a)
{
	return 8 + ((size_t)ck_table_count(a->persons) + ck_table_count(a->sources)) * SAVED_BYTES;
}

static void save_table(struct ck_table *table, int64_t now_ms, struct ck_writer *w)
{
	ck_put_u32le(w, ck_table_count(table));
	for (const struct tries *at = ck_table_oldest(table); at != NULL; at = ck_table_newer(table, at)) {
		ck_put_bytes(w, ck_table_key(table, at), CK_TABLE_KEY_BYTES);
		ck_put_u64le(w, (uint64_t)(now_ms - at->since_ms));
		ck_put_u32le(w, at->count);
	}
}

void ck_attempts_save(struct ck_attempts *a, int64_t now_ms, struct ck_writer *w)
{
	save_table(a->persons, now_ms, w);
	save_table(a->sources, now_ms, w);
}

static void load_table(const struct ck_attempts *a, struct ck_table *table, uint32_t capacity, int64_t now_ms, struct ck_reader *r)
{
	uint32_t count = ck_get_u32le(r);
	for (uint32_t i = 0; i < count && !r->failed; i++) {
		const uint8_t *key = ck_get_bytes(r, CK_TABLE_KEY_BYTES);
		int64_t age_ms = (int64_t)ck_get_u64le(r);
		uint32_t tried = ck_get_u32le(r);
		if (r->failed || age_ms < 0 || age_ms >= window_ms(a)) continue;
		struct tries *tries = tries_of(a, table, capacity, key, now_ms);
		*tries = (struct tries){ .since_ms = now_ms - age_ms, .count = tried };
	}
}

enum ck_error ck_attempts_load(struct ck_attempts *a, int64_t now_ms, struct ck_reader *r)
{
	load_table(a, a->persons, CK_ATTEMPTS_PERSONS, now_ms, r);
	load_table(a, a->sources, CK_ATTEMPTS_SOURCES, now_ms, r);
	return r->failed ? CK_ERR_CORRUPT : CK_OK;
}
