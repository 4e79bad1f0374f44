/* A key has its bits within one line of the processor's cache, so that asking costs one look at memory. Who makes keys that fall together gains
   nothing: what may have come before is put off and looked at closely, not refused. */
#include "directory/store/seen.h"

#include <stdlib.h>
#include <string.h>

/* 13 million keys of 1.2 million staff: 20 bits each, of which some 900 are taken wrongly for seen. */
#define LINES ((size_t)1 << 19)
#define LINE_WORDS 8u /* 64 bytes */
#define KEY_BITS 6u   /* nine bits of a hash choose each */
#define BIT_CHOICE 9u

struct ck_seen {
	uint64_t lines[LINES][LINE_WORDS]; /* 32 MiB */
};

enum ck_error ck_seen_new(struct ck_seen **out)
{
	*out = calloc(1, sizeof **out);
	return *out != NULL ? CK_OK : CK_ERR_MEMORY;
}

void ck_seen_free(struct ck_seen **seen)
{
	free(*seen);
	*seen = NULL;
}

/* Mixes as splitmix64 does. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t hash_of(struct ck_bytes key)
{
	uint64_t hash = key.length;
	for (size_t at = 0; at < key.length; at += 8) {
		uint64_t part = 0;
		memcpy(&part, key.at + at, key.length - at < 8 ? key.length - at : 8);
		hash = mix(hash + part + 0x9e3779b97f4a7c15u);
	}
	return hash;
}

/* Bits of one line; *out: it. */
static void bits_of(struct ck_bytes key, size_t *out, uint64_t bits[LINE_WORDS])
{
	uint64_t hash = hash_of(key), more = mix(hash + 0x9e3779b97f4a7c15u);
	*out = (size_t)(hash >> 40) & (LINES - 1);
	memset(bits, 0, LINE_WORDS * sizeof *bits);
	for (unsigned i = 0; i < KEY_BITS; i++, more >>= BIT_CHOICE) bits[more >> 6 & (LINE_WORDS - 1)] |= (uint64_t)1 << (more & 63);
}

bool ck_seen_has(const struct ck_seen *seen, struct ck_bytes key)
{
	uint64_t bits[LINE_WORDS];
	size_t line;
	bits_of(key, &line, bits);
	for (size_t i = 0; i < LINE_WORDS; i++)
		if ((seen->lines[line][i] & bits[i]) != bits[i]) return false;
	return true;
}

bool ck_seen_add(struct ck_seen *seen, struct ck_bytes key)
{
	uint64_t bits[LINE_WORDS];
	size_t line;
	bool had = true;
	bits_of(key, &line, bits);
	for (size_t i = 0; i < LINE_WORDS; i++) {
		had = had && (seen->lines[line][i] & bits[i]) == bits[i];
		seen->lines[line][i] |= bits[i];
	}
	return had;
}
