/* CBOR for the software authenticator: requests are read by libcbor, responses written by hand. Its peer is libfido2. */
#include "tests/fakes/soft_device.h"

#include <string.h>

int64_t ck_soft_integer(const cbor_item_t *item)
{
	if (item != NULL && cbor_isa_uint(item)) return (int64_t)(cbor_get_int(item) & INT64_MAX);
	if (item != NULL && cbor_isa_negint(item)) return -1 - (int64_t)(cbor_get_int(item) & INT64_MAX);
	return INT64_MIN;
}

const cbor_item_t *ck_soft_at(const cbor_item_t *map, int key)
{
	if (map == NULL || !cbor_isa_map(map)) return NULL;
	const struct cbor_pair *pairs = cbor_map_handle(map);
	for (size_t i = 0; i < cbor_map_size(map); i++)
		if (ck_soft_integer(pairs[i].key) == key) return pairs[i].value;
	return NULL;
}

static bool is_text(const cbor_item_t *item, const char *text)
{
	return cbor_isa_string(item) && cbor_string_is_definite(item) && cbor_string_length(item) == strlen(text)
	       && memcmp(cbor_string_handle(item), text, strlen(text)) == 0;
}

const cbor_item_t *ck_soft_named(const cbor_item_t *map, const char *key)
{
	if (map == NULL || !cbor_isa_map(map)) return NULL;
	const struct cbor_pair *pairs = cbor_map_handle(map);
	for (size_t i = 0; i < cbor_map_size(map); i++)
		if (is_text(pairs[i].key, key)) return pairs[i].value;
	return NULL;
}

struct ck_bytes ck_soft_bytes(const cbor_item_t *item)
{
	if (item == NULL || !cbor_isa_bytestring(item) || !cbor_bytestring_is_definite(item)) return (struct ck_bytes){NULL, 0};
	return (struct ck_bytes){cbor_bytestring_handle(item), cbor_bytestring_length(item)};
}

bool ck_soft_text(const cbor_item_t *item, char *out, size_t out_bytes)
{
	out[0] = '\0';
	if (item == NULL || !cbor_isa_string(item) || !cbor_string_is_definite(item)) return false;
	struct ck_text text = {(const char *)cbor_string_handle(item), cbor_string_length(item)};
	return text.length > 0 && ck_text_copy(out, out_bytes, text) == CK_OK;
}

bool ck_soft_option(const cbor_item_t *options, const char *name, bool fallback)
{
	const cbor_item_t *item = ck_soft_named(options, name);
	return item != NULL && cbor_is_bool(item) ? cbor_get_bool(item) : fallback;
}

void ck_soft_put_head(struct ck_writer *w, unsigned major, size_t number)
{
	uint8_t type = (uint8_t)(major << 5);
	if (number < 24) {
		ck_put_u8(w, (uint8_t)(type | number));
	} else if (number < 256) {
		ck_put_u8(w, (uint8_t)(type | 24));
		ck_put_u8(w, (uint8_t)number);
	} else {
		ck_put_u8(w, (uint8_t)(type | 25));
		ck_put_u16be(w, (uint16_t)number);
	}
}

void ck_soft_put_negative(struct ck_writer *w, int number)
{
	ck_soft_put_head(w, 1, (size_t)(-1 - number));
}

void ck_soft_put_bytes(struct ck_writer *w, const void *bytes, size_t length)
{
	ck_soft_put_head(w, 2, length);
	ck_put_bytes(w, bytes, length);
}

void ck_soft_put_text(struct ck_writer *w, const char *text)
{
	ck_soft_put_head(w, 3, strlen(text));
	ck_put_bytes(w, text, strlen(text));
}
