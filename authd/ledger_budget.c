/* Budgets of refusals. Names and hosts come from whoever asks: they are hashed for the key and cut for the record. */
#include "authd/ledger_budget.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_table.h"

struct pair {
	int64_t since_ms;
	uint64_t recorded, counted;
	char user[CK_BUDGET_USER_BYTES], host[CK_BUDGET_HOST_BYTES];
};
struct ck_budgets {
	struct ck_table *pairs;
	uint64_t per_minute;
	int64_t since_ms; /* of all pairs together */
	uint64_t recorded;
};

enum ck_error ck_budgets_new(uint64_t per_minute, struct ck_budgets **out)
{
	*out = NULL;
	struct ck_budgets *b = calloc(1, sizeof *b);
	if (b == NULL) return CK_ERR_MEMORY;
	b->per_minute = per_minute;
	enum ck_error error = ck_table_new(CK_BUDGET_PAIRS_LIMIT, sizeof(struct pair), &b->pairs);
	if (error == CK_OK)
		*out = b;
	else
		free(b);
	return error;
}

void ck_budgets_free(struct ck_budgets **budgets)
{
	if (*budgets == NULL) return;
	ck_table_free(&(*budgets)->pairs);
	free(*budgets);
	*budgets = NULL;
}

static void key_of(struct ck_text user, struct ck_text host, uint8_t out[CK_TABLE_KEY_BYTES])
{
	crypto_generichash_state state;
	uint64_t length = user.length;
	crypto_generichash_init(&state, NULL, 0, CK_TABLE_KEY_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)&length, sizeof length);
	if (user.length > 0) crypto_generichash_update(&state, (const unsigned char *)user.at, user.length);
	if (host.length > 0) crypto_generichash_update(&state, (const unsigned char *)host.at, host.length);
	crypto_generichash_final(&state, out, CK_TABLE_KEY_BYTES);
}

static void copy_cut(char *out, size_t out_bytes, struct ck_text text)
{
	size_t length = text.length < out_bytes - 1 ? text.length : out_bytes - 1;
	if (length > 0) memcpy(out, text.at, length);
	out[length] = '\0';
}

static void coalesce(const struct pair *pair, struct ck_coalesced *out)
{
	memcpy(out->user, pair->user, sizeof out->user);
	memcpy(out->host, pair->host, sizeof out->host);
	out->count = pair->counted;
}

static struct pair *pair_of(struct ck_budgets *b, struct ck_text user, struct ck_text host, int64_t now_ms, struct ck_coalesced *out_evicted)
{
	uint8_t key[CK_TABLE_KEY_BYTES];
	key_of(user, host, key);
	struct pair *pair = ck_table_find(b->pairs, key);
	if (pair != NULL) return pair;
	if (ck_table_count(b->pairs) == CK_BUDGET_PAIRS_LIMIT) {
		struct pair *oldest = ck_table_oldest(b->pairs);
		coalesce(oldest, out_evicted);
		ck_table_remove(b->pairs, oldest);
	}
	pair = ck_table_add(b->pairs, key);
	CK_ASSERT(pair != NULL);
	pair->since_ms = now_ms;
	copy_cut(pair->user, sizeof pair->user, user);
	copy_cut(pair->host, sizeof pair->host, host);
	return pair;
}

/* Nothing is left for all together in this minute. */
static bool exhausted(struct ck_budgets *b, int64_t now_ms)
{
	if (now_ms - b->since_ms >= CK_BUDGET_WINDOW_MS || b->recorded == 0) {
		b->since_ms = now_ms;
		b->recorded = 0;
	}
	return b->recorded >= b->per_minute * CK_BUDGET_PAIRS_A_MINUTE;
}

bool ck_budgets_take(struct ck_budgets *b, struct ck_text user, struct ck_text host, int64_t now_ms, struct ck_coalesced *out_evicted)
{
	out_evicted->count = 0;
	bool none_left = exhausted(b, now_ms);
	if (none_left) {
		uint8_t key[CK_TABLE_KEY_BYTES];
		key_of(user, host, key);
		if (ck_table_find(b->pairs, key) == NULL) user = host = ck_text_of(CK_BUDGET_OTHERS);
	}
	struct pair *pair = pair_of(b, user, host, now_ms, out_evicted);
	if (pair->recorded >= b->per_minute || none_left) {
		pair->counted++;
		return false;
	}
	pair->recorded++;
	b->recorded++;
	return true;
}

bool ck_budgets_due(struct ck_budgets *b, int64_t now_ms, bool all, struct ck_coalesced *out)
{
	/* all minutes are equally long: the pairs stand in the order in which theirs end */
	for (struct pair *pair; (pair = ck_table_oldest(b->pairs)) != NULL;) {
		if (!all && now_ms - pair->since_ms < CK_BUDGET_WINDOW_MS) return false;
		coalesce(pair, out);
		ck_table_remove(b->pairs, pair);
		if (out->count > 0) return true;
	}
	return false;
}

void ck_budgets_give_back(struct ck_budgets *b, const struct ck_coalesced *coalesced, int64_t now_ms)
{
	struct ck_text user = ck_text_of(coalesced->user), host = ck_text_of(coalesced->host);
	struct ck_coalesced evicted;
	if (ck_table_count(b->pairs) == CK_BUDGET_PAIRS_LIMIT) user = host = ck_text_of(CK_BUDGET_OTHERS);
	evicted.count = 0;
	struct pair *pair = pair_of(b, user, host, now_ms, &evicted);
	pair->recorded = b->per_minute;
	pair->counted += coalesced->count + evicted.count;
}
