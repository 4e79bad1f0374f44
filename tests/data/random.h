/* Numbers that follow from a seed alone, on every machine: integers only. Not for secrets. */
#ifndef CK_DATA_RANDOM_H
#define CK_DATA_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit of the number. */
static inline uint64_t ck_data_mix(uint64_t number)
{
	number += UINT64_C(0x9e3779b97f4a7c15);
	number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
	return number ^ (number >> 31);
}

struct ck_dice {
	uint64_t state;
};

/* Dice of their own for each thing that is asked about (`purpose`, `number`), so that anything can be drawn without what came before it. */
static inline struct ck_dice ck_dice_of(uint64_t seed, uint64_t purpose, uint64_t number)
{
	return (struct ck_dice){ck_data_mix(ck_data_mix(seed ^ (purpose << 56)) ^ number)};
}

static inline uint64_t ck_dice_next(struct ck_dice *dice)
{
	dice->state += UINT64_C(0x9e3779b97f4a7c15);
	return ck_data_mix(dice->state);
}

/* 0 to below - 1; below at least 1 and far under 2^32, so that the bias is nothing that anybody could count. */
static inline uint64_t ck_dice_below(struct ck_dice *dice, uint64_t below)
{
	return (uint64_t)(((ck_dice_next(dice) >> 32) * below) >> 32);
}

static inline bool ck_dice_percent(struct ck_dice *dice, unsigned percent) { return ck_dice_below(dice, 100) < percent; }
static inline bool ck_dice_permille(struct ck_dice *dice, unsigned permille) { return ck_dice_below(dice, 1000) < permille; }

#endif
