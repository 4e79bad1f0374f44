/* BER elements from a provider, which is not believed: every tag and length is checked. */
#include "directory/ldap/ber.h"

#define LENGTH_BYTES_LIMIT 4

static bool take_length(struct ck_reader *r, size_t *out)
{
	uint8_t first = ck_get_u8(r);
	*out = first;
	if (first < 0x80) return !r->failed;
	size_t bytes = first & 0x7fu;
	if (bytes == 0 || bytes > LENGTH_BYTES_LIMIT) return false;
	*out = 0;
	for (size_t i = 0; i < bytes; i++) *out = *out << 8 | ck_get_u8(r);
	return !r->failed;
}

struct ck_reader ck_ber_reader_of(struct ck_bytes bytes)
{
	struct ck_reader r;
	ck_reader_init(&r, bytes.at, bytes.length);
	return r;
}

bool ck_ber_next_is(const struct ck_reader *r, unsigned long tag)
{
	return !r->failed && r->at < r->end && *r->at == tag;
}

bool ck_ber_take(struct ck_reader *r, unsigned long tag, struct ck_bytes *out)
{
	size_t length = 0;
	*out = (struct ck_bytes){NULL, 0};
	if (!ck_ber_next_is(r, tag)) return false;
	(void)ck_get_u8(r);
	if (!take_length(r, &length) || length > ck_reader_left(r)) return false;
	*out = (struct ck_bytes){ck_get_bytes(r, length), length};
	return !r->failed;
}
