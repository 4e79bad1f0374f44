/* The codec against libcbor: whatever ours accepts, libcbor decodes whole and encodes back to the same bytes (so it was deterministic). */
#include <cbor.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/protocol/cbor.h"
#include "authd/protocol/statement.h"
#include "tests/fuzz/fuzz.h"

static void use(struct ck_bytes bytes)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_change_statement statement;
	struct ck_wire_entry entry;
	struct ck_proof proof;
	struct ck_map map;
	size_t count = 0;
	static volatile unsigned sum; /* so that no call is left out */
	sum = sum + (unsigned)ck_map_parse(bytes, &map);
	sum = sum + (unsigned)ck_change_statement_decode(bytes, &statement);
	sum = sum + (unsigned)ck_change_values_decode(bytes, values, &count);
	sum = sum + (unsigned)ck_wire_entry_decode(bytes, &entry);
	sum = sum + (unsigned)ck_proof_decode(bytes, &proof);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_bytes bytes = { data, size };
	use(bytes);
	if (ck_cbor_check(bytes) != CK_OK) return;
	struct cbor_load_result result;
	cbor_item_t *item = cbor_load(data, size, &result);
	if (item == NULL || result.read != size) abort();
	unsigned char *again = NULL;
	size_t room = 0, length = cbor_serialize_alloc(item, &again, &room);
	if (length != size || memcmp(again, data, size) != 0) abort();
	free(again);
	cbor_decref(&item);
}
