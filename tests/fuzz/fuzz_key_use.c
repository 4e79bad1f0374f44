/* What the replica tells the ledger of the use of keys, and back: whatever is accepted must be what would have been put. */
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_use.h"
#include "authd/protocol/message.h"
#include "tests/fuzz/fuzz.h"

static void put_again(const struct ck_map *message, const struct ck_use *uses, size_t count)
{
	static uint8_t bytes[32768];
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_map_begin(&m, &w);
	ck_uses_put(&m, uses, count);
	ck_map_end(&m);
	struct ck_bytes encoded = message->at[CK_F_USES].encoded;
	/* a map of one pair: its head, a key of two bytes, the array */
	if (w.failed || ck_writer_length(&w) != 3 + encoded.length || memcmp(bytes + 3, encoded.at, encoded.length) != 0) abort();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_map message;
	static struct ck_uses_asked asked;
	static struct ck_use uses[CK_USES_LIMIT], due[CK_USES_DUE_LIMIT];
	struct ck_counters *counters;
	size_t count;
	if (ck_map_parse((struct ck_bytes){data, size}, &message) != CK_OK) return;
	if (ck_uses_get(&message, uses, &count) == CK_OK) put_again(&message, uses, count);
	if (ck_uses_read(&message, &asked) != CK_OK || ck_counters_new(0, &counters) != CK_OK) return;
	if (ck_uses_take(counters, &asked, 1000) == CK_OK && ck_uses_due(counters, &asked, 1800000000, 86400, due) > 0) abort();
	ck_counters_free(&counters);
}
