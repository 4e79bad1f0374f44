/* CRC-32C: by the processor's own instruction where it has one, else by a table of eight slices. Records are checked at every read, so it
   has to be quick. Both ways are compared by the unit test. */
#include "directory/base/buffer.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* Castagnoli, reflected */

#define LANE_BYTES 128

static uint32_t table[8][256];
static uint32_t behind_a_lane[4][256]; /* what each byte of a sum becomes by LANE_BYTES zero bytes behind it */

static uint32_t step(uint32_t crc, uint8_t byte)
{
	return crc >> 8 ^ table[0][(crc ^ byte) & 255];
}

uint32_t ck_crc32c_by_table(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint32_t crc = 0xffffffffu;
	for (; length >= 8; at += 8, length -= 8) {
		crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
		crc = table[7][crc & 255] ^ table[6][crc >> 8 & 255] ^ table[5][crc >> 16 & 255] ^ table[4][crc >> 24] ^ table[3][at[4]] ^
		      table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
	}
	for (; length > 0; at++, length--) crc = step(crc, *at);
	return ~crc;
}

static uint32_t pass_lane(uint32_t crc)
{
	return behind_a_lane[0][crc & 255] ^ behind_a_lane[1][crc >> 8 & 255] ^ behind_a_lane[2][crc >> 16 & 255] ^ behind_a_lane[3][crc >> 24];
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static inline uint64_t add_word(uint64_t crc, const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return __builtin_ia32_crc32di(crc, word);
}

/* The instruction takes three steps of the clock, but can begin at each of them: three lanes beside each other, joined by what the bytes behind would have
   made of each sum. */
__attribute__((target("sse4.2"))) static uint32_t by_instruction(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t crc = 0xffffffffu;
	for (; length >= 3 * LANE_BYTES; at += 3 * LANE_BYTES, length -= 3 * LANE_BYTES) {
		uint64_t second = 0, third = 0;
		for (size_t i = 0; i < LANE_BYTES; i += 8) {
			crc = add_word(crc, at + i);
			second = add_word(second, at + LANE_BYTES + i);
			third = add_word(third, at + 2 * LANE_BYTES + i);
		}
		crc = pass_lane(pass_lane((uint32_t)crc) ^ (uint32_t)second) ^ third;
	}
	for (; length >= 8; at += 8, length -= 8) crc = add_word(crc, at);
	for (; length > 0; at++, length--) crc = __builtin_ia32_crc32qi((uint32_t)crc, *at);
	return ~(uint32_t)crc;
}
#endif

static uint32_t (*best)(const void *bytes, size_t length) = ck_crc32c_by_table;

__attribute__((constructor)) static void prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int slice = 1; slice < 8; slice++) table[slice][i] = step(table[slice - 1][i], 0);
	for (int bit = 0; bit < 32; bit++) { /* of a sum of several bits: that of each */
		uint32_t crc = 1u << bit;
		for (int i = 0; i < LANE_BYTES; i++) crc = step(crc, 0);
		for (uint32_t i = 0; i < 256; i++)
			if (i >> bit % 8 & 1) behind_a_lane[bit / 8][i] ^= crc;
	}
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2")) best = by_instruction;
#endif
}

uint32_t ck_crc32c(const void *bytes, size_t length)
{
	return best(bytes, length);
}
