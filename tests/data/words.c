/* Lists of words with weights by rank. */
#include "tests/data/words.h"

#include <stdlib.h>
#include <string.h>

#define WEIGHT_SCALE 1000000000u

static size_t count_words(const char *list)
{
	size_t count = list[0] != '\0';
	for (; *list != '\0'; list++) count += *list == ' ';
	return count;
}

void ck_words_read(struct ck_words *words, const char *list, unsigned flatness)
{
	memset(words, 0, sizeof *words);
	if (list == NULL) return;
	size_t most = count_words(list);
	words->at = calloc(most, sizeof *words->at);
	words->sums = calloc(most, sizeof *words->sums);
	CK_ASSERT(words->at != NULL && words->sums != NULL);
	uint64_t sum = 0;
	while (*list != '\0') {
		size_t length = strcspn(list, " ");
		sum += WEIGHT_SCALE / (words->count + flatness);
		words->at[words->count] = (struct ck_text){list, length};
		words->sums[words->count++] = sum;
		list += length;
		list += strspn(list, " ");
	}
}

void ck_words_free(struct ck_words *words)
{
	free(words->at);
	free(words->sums);
	memset(words, 0, sizeof *words);
}

struct ck_text ck_words_draw(const struct ck_words *words, struct ck_dice *dice)
{
	CK_ASSERT(words->count > 0);
	uint64_t drawn = ck_dice_next(dice) % words->sums[words->count - 1];
	size_t low = 0, high = words->count - 1;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (drawn < words->sums[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return words->at[low];
}

struct ck_text ck_words_at(const struct ck_words *words, uint64_t rank) { return words->at[rank % words->count]; }
