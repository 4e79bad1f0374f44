/* What anybody types when they look for people: folded into words, and each word into what is near it and begins like it. */
#include <stdint.h>
#include <string.h>

#include "directory/store/people_internal.h"
#include "tests/fuzz/fuzz.h"

static void check_word(const struct ck_word *word)
{
	struct ck_variants variants;
	struct ck_word other;
	CK_ASSERT(word->length > 0 && word->length <= CK_WORD_LIMIT_BYTES);
	CK_ASSERT(memchr(word->at, 0, word->length) == NULL); /* it ends keys */
	CK_ASSERT(ck_text_is_utf8((struct ck_text){word->at, word->length}));
	size_t letters = ck_word_letters(word);
	CK_ASSERT(letters > 0 && ck_word_prefix(word, letters) == word->length && ck_word_prefix(word, letters + 1) == 0);
	for (size_t n = 0; ck_word_less(word, n, &other); n++) {
		CK_ASSERT(n < letters && other.length < word->length);
		CK_ASSERT(ck_words_near(word, &other) && ck_words_near(&other, word));
	}
	ck_word_variants(word, &variants);
	CK_ASSERT(variants.count <= CK_VARIANTS_LIMIT && variants.doubled <= variants.count);
	for (size_t n = 0; n < variants.count; n++) {
		CK_ASSERT(variants.at[n].length > 0 && variants.at[n].length <= CK_WORD_LIMIT_BYTES);
		CK_ASSERT(!ck_words_equal(word, &variants.at[n]));
		/* whatever has a letter twice leads to the word by one less of its letters */
		CK_ASSERT(n < variants.doubled || (variants.at[n].length == word->length + 1u && ck_words_near(word, &variants.at[n])));
	}
	CK_ASSERT(ck_words_near(word, word));
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_words words, again;
	struct ck_text text = {(const char *)data, size};
	words.count = again.count = 0;
	words.full = again.full = false;
	ck_words_of_query(&words, text);
	CK_ASSERT(words.count <= CK_WORDS_LIMIT);
	for (size_t i = 0; i < words.count; i++) {
		check_word(&words.at[i]);
		for (size_t k = 0; k < i; k++) {
			CK_ASSERT(!ck_words_equal(&words.at[i], &words.at[k]));
			CK_ASSERT(ck_words_near(&words.at[i], &words.at[k]) == ck_words_near(&words.at[k], &words.at[i]));
		}
	}
	again.count = 0;
	ck_words_add_telephone(&again, text);
	CK_ASSERT(again.count <= 1);
	if (again.count == 1) check_word(&again.at[0]);
}
