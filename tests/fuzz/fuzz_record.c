/* The flat record decoder: kind and id, then a record without its checksum, which is put behind it so that the decoder goes on. Whatever
   decodes must encode to the very same bytes: one record has one form. The raw input is decoded as well, checksum and all. */
#include <stdlib.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/index.h"
#include "tests/fuzz/fuzz.h"

static bool touch(const struct ck_index_key *key, const char *what, void *context)
{
	(void)what;
	*(size_t *)context += key->length;
	return true;
}

static void check(enum ck_kind kind, struct ck_id id, struct ck_bytes bytes)
{
	static struct ck_record record;
	static uint8_t again[CK_FLAT_LIMIT_BYTES];
	struct ck_errmsg err;
	size_t length, touched = 0;
	if (ck_flat_decode(kind, id, bytes, &record) != CK_OK) return;
	if (ck_flat_encode(&record, again, &length) != CK_OK || length != bytes.length || memcmp(again, bytes.at, length) != 0) abort();
	ck_index_each(&record, touch, &touched);
	(void)!ck_model_validate(&record, &err);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static uint8_t sealed[CK_FLAT_LIMIT_BYTES];
	struct ck_id id;
	struct ck_writer writer;
	if (size < 17 || size - 17 > sizeof sealed - CK_FLAT_CRC_BYTES) return;
	enum ck_kind kind = (enum ck_kind)data[0];
	memcpy(id.bytes, data + 1, sizeof id.bytes);
	check(kind, id, (struct ck_bytes){data + 17, size - 17});
	ck_writer_init(&writer, sealed, sizeof sealed);
	ck_put_bytes(&writer, data + 17, size - 17);
	ck_put_u32le(&writer, ck_flat_crc(kind, id, (struct ck_bytes){data + 17, size - 17}));
	/* an exact-size copy, so that a read past its end is seen */
	uint8_t *exact = malloc(ck_writer_length(&writer));
	if (exact == NULL) return;
	memcpy(exact, sealed, ck_writer_length(&writer));
	check(kind, id, (struct ck_bytes){exact, ck_writer_length(&writer)});
	free(exact);
}
