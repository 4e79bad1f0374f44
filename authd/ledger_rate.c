/* Rates, as a generic cell rate algorithm: of each key one number, the time at which all that was taken is made good again. Keys are made of
   what strangers say: the table keeps a hash of them. */
#include "authd/ledger_rate.h"

#include <sodium.h>
#include <stdlib.h>

#include "authd/ledger_table.h"

#define MINUTE_US 60000000

struct rate {
	int64_t good_us; /* on the monotonic clock; past it the key is as good as new */
};
struct ck_rates {
	struct ck_table *table;
	int64_t each_us; /* one more is made good in */
};

enum ck_error ck_rates_new(uint64_t per_minute, struct ck_rates **out)
{
	*out = NULL;
	CK_ASSERT(per_minute > 0 && per_minute <= MINUTE_US);
	struct ck_rates *rates = calloc(1, sizeof *rates);
	if (rates == NULL) return CK_ERR_MEMORY;
	rates->each_us = (int64_t)(MINUTE_US / per_minute);
	enum ck_error error = ck_table_new(CK_RATE_KEYS_LIMIT, sizeof(struct rate), &rates->table);
	if (error != CK_OK) ck_rates_free(&rates);
	*out = rates;
	return error;
}

void ck_rates_free(struct ck_rates **rates)
{
	if (*rates == NULL) return;
	if ((*rates)->table != NULL) ck_table_free(&(*rates)->table);
	free(*rates);
	*rates = NULL;
}

static void hash_of(struct ck_bytes key, uint8_t out[CK_TABLE_KEY_BYTES])
{
	crypto_generichash(out, CK_TABLE_KEY_BYTES, key.at, key.length, NULL, 0);
}

static struct rate *rate_of(struct ck_rates *rates, const uint8_t key[CK_TABLE_KEY_BYTES])
{
	struct rate *rate = ck_table_find(rates->table, key);
	if (rate != NULL) return rate;
	if (ck_table_count(rates->table) == CK_RATE_KEYS_LIMIT) ck_table_remove(rates->table, ck_table_oldest(rates->table));
	rate = ck_table_add(rates->table, key);
	CK_ASSERT(rate != NULL);
	return rate;
}

int64_t ck_rates_take(struct ck_rates *rates, struct ck_bytes key, int64_t now_ms)
{
	uint8_t hash[CK_TABLE_KEY_BYTES];
	int64_t now_us = now_ms * 1000, burst_us = MINUTE_US - rates->each_us;
	hash_of(key, hash);
	struct rate *rate = rate_of(rates, hash);
	if (rate->good_us < now_us) rate->good_us = now_us;
	int64_t wait_us = rate->good_us - now_us - burst_us;
	if (wait_us > 0) return (wait_us + 999) / 1000;
	rate->good_us += rates->each_us;
	return 0;
}

void ck_rates_give_back(struct ck_rates *rates, struct ck_bytes key, int64_t now_ms)
{
	uint8_t hash[CK_TABLE_KEY_BYTES];
	hash_of(key, hash);
	struct rate *rate = ck_table_find(rates->table, hash);
	if (rate != NULL && rate->good_us > now_ms * 1000) rate->good_us -= rates->each_us;
}
