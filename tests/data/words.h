/* Lists of words, and drawing from them as often as they occur. */
#ifndef CK_DATA_WORDS_H
#define CK_DATA_WORDS_H

#include "directory/base/text.h"
#include "tests/data/random.h"

struct ck_words {
	struct ck_text *at;
	uint64_t *sums; /* of the weights up to and with this one */
	size_t count;
};

/* Words between spaces; NULL gives none. flatness: the weight of the word at rank r is 1 / (r + flatness), as names are distributed (Zipf,
   Mandelbrot). */
void ck_words_read(struct ck_words *words, const char *list, unsigned flatness);
void ck_words_free(struct ck_words *words);
/* There must be one. */
struct ck_text ck_words_draw(const struct ck_words *words, struct ck_dice *dice);
/* The word at that rank, counted round. */
struct ck_text ck_words_at(const struct ck_words *words, uint64_t rank);

#endif
