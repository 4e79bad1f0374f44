/* Text to words, so that what is typed meets what is written: without case, accents (Welsh ŵ and ŷ among them), apostrophes and the dress of
   telephone numbers. What is typed comes from anybody: every length is bounded, nothing is allocated. */
#include <string.h>
#include <utf8proc.h>

#include "directory/store/people_internal.h"

#define DECOMPOSED_LIMIT 18 /* code points of one that is decomposed: the longest of Unicode */
#define TELEPHONE_FIELD_LIMIT 40 /* characters that a telephone number is written with */

/* Letters that no decomposition takes apart. */
static const struct {
	uint32_t letter;
	const char *plain;
} letters[] = {{0xe6, "ae"}, {0xf8, "o"}, {0xf0, "d"}, {0xfe, "th"}, {0xdf, "ss"}, {0x111, "d"}, {0x127, "h"}, {0x131, "i"}, {0x142, "l"},
               {0x14b, "n"}, {0x153, "oe"}, {0x167, "t"}, {0x253, "b"}, {0x257, "d"}, {0x199, "k"}, {0x1b4, "y"}, {0x254, "o"}, {0x25b, "e"}};

enum sort { SORT_NONE, SORT_LETTER, SORT_DIGIT, SORT_JOINS };

/* The word that is being made. */
struct making {
	struct ck_words *words;
	struct ck_word word;
	enum sort sort;
	bool overlong;
};

bool ck_words_equal(const struct ck_word *a, const struct ck_word *b)
{
	return a->length == b->length && memcmp(a->at, b->at, a->length) == 0;
}

static void end_word(struct making *m)
{
	if (m->word.length > 0) {
		for (size_t i = 0; i < m->words->count; i++) {
			if (!ck_words_equal(&m->words->at[i], &m->word)) continue;
			m->words->at[i].name = m->words->at[i].name || m->word.name;
			m->word.length = 0;
		}
	}
	if (m->word.length > 0 && m->words->count == CK_WORDS_LIMIT) m->words->full = true;
	else if (m->word.length > 0) m->words->at[m->words->count++] = m->word;
	m->word.length = 0;
	m->overlong = false;
}

static void add_bytes(struct making *m, enum sort sort, const char *bytes, size_t length)
{
	if (m->sort != sort) end_word(m);
	m->sort = sort;
	/* a whole letter or nothing; what follows is cut */
	m->overlong = m->overlong || length > sizeof m->word.at - m->word.length;
	if (m->overlong) return;
	memcpy(m->word.at + m->word.length, bytes, length);
	m->word.length = (uint8_t)(m->word.length + length);
}

static bool is_apostrophe(uint32_t c)
{
	return c == '\'' || c == '`' || c == 0x2018 || c == 0x2019 || c == 0x2bc || c == 0xb4;
}

static enum sort sort_of(uint32_t c)
{
	if (is_apostrophe(c)) return SORT_JOINS;
	switch (utf8proc_category((utf8proc_int32_t)c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO: return SORT_LETTER;
	case UTF8PROC_CATEGORY_ND: return SORT_DIGIT;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME: return SORT_JOINS; /* of scripts whose vowels are marks: the letters are enough */
	default: return SORT_NONE;
	}
}

static void add_code_point(struct making *m, uint32_t c)
{
	utf8proc_uint8_t bytes[4];
	enum sort sort = sort_of(c);
	if (sort == SORT_JOINS) return;
	if (sort == SORT_NONE) {
		end_word(m);
		m->sort = SORT_NONE;
		return;
	}
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
		if (letters[i].letter != c) continue;
		add_bytes(m, SORT_LETTER, letters[i].plain, strlen(letters[i].plain));
		return;
	}
	utf8proc_ssize_t length = utf8proc_encode_char((utf8proc_int32_t)c, bytes);
	add_bytes(m, sort, (const char *)bytes, (size_t)length);
}

static void add_ascii(struct making *m, char c)
{
	if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
	if (c >= 'a' && c <= 'z') {
		add_bytes(m, SORT_LETTER, &c, 1);
	} else if (c >= '0' && c <= '9') {
		add_bytes(m, SORT_DIGIT, &c, 1);
	} else if (!is_apostrophe((uint32_t)c)) {
		end_word(m);
		m->sort = SORT_NONE;
	}
}

void ck_words_add(struct ck_words *words, struct ck_text text, bool name)
{
	struct making m = {.words = words, .word = {.name = name}};
	for (size_t at = 0; at < text.length;) {
		utf8proc_int32_t point = -1, parts[DECOMPOSED_LIMIT];
		if ((unsigned char)text.at[at] < 0x80) {
			add_ascii(&m, text.at[at++]);
			continue;
		}
		utf8proc_ssize_t taken = utf8proc_iterate((const utf8proc_uint8_t *)text.at + at, (utf8proc_ssize_t)(text.length - at), &point);
		if (taken <= 0 || point < 0) break;
		at += (size_t)taken;
		int boundary = 0;
		utf8proc_ssize_t count = utf8proc_decompose_char(point, parts, DECOMPOSED_LIMIT, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
		                                                 UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundary);
		for (utf8proc_ssize_t i = 0; i < count && i < DECOMPOSED_LIMIT; i++) add_code_point(&m, (uint32_t)parts[i]);
	}
	end_word(&m);
}

/* ---- telephone numbers ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_dress(char c) { return c == ' ' || c == '-' || c == '(' || c == ')' || c == '.' || c == '/' || c == 0x09; }

/* "+44 (0)113 …" is written for people at home and abroad at once. */
static struct ck_text without_own_zero(struct ck_text text, size_t *at)
{
	while (*at < text.length && is_dress(text.at[*at])) {
		if (text.length - *at >= 3 && memcmp(text.at + *at, "(0)", 3) == 0) {
			*at += 3;
			return text;
		}
		(*at)++;
	}
	return text;
}

void ck_words_add_telephone(struct ck_words *words, struct ck_text telephone)
{
	char digits[CK_WORD_LIMIT_BYTES];
	size_t count = 0, at = 0;
	bool abroad = false;
	while (at < telephone.length && is_dress(telephone.at[at])) at++;
	if (at < telephone.length && telephone.at[at] == '+') {
		abroad = true;
		at++;
	}
	for (; at < telephone.length && count < sizeof digits; at++) {
		if (is_digit(telephone.at[at])) digits[count++] = telephone.at[at];
		if (abroad && count == 2 && memcmp(digits, "44", 2) == 0) {
			at++;
			(void)without_own_zero(telephone, &at);
			at--;
		}
		if (!abroad && count == 2 && memcmp(digits, "00", 2) == 0) {
			abroad = true;
			count = 0;
		}
	}
	if (count == 0) return;
	struct ck_word word = {.length = 0};
	size_t skip = 0;
	/* a number at home begins with 0; one abroad with 00 */
	if (abroad && count > 2 && memcmp(digits, "44", 2) == 0) {
		skip = 2;
		word.at[word.length++] = '0';
	} else if (abroad) {
		memcpy(word.at, "00", 2);
		word.length = 2;
	}
	size_t rest = count - skip;
	if (rest > sizeof word.at - word.length) rest = sizeof word.at - word.length;
	memcpy(word.at + word.length, digits + skip, rest);
	word.length = (uint8_t)(word.length + rest);
	struct making m = {.words = words, .word = word};
	end_word(&m);
}

/* How far from here a telephone number goes; 0: there begins none. */
static size_t telephone_length(struct ck_text text, size_t at)
{
	size_t end = at, digits = 0;
	if (at > 0 && !is_dress(text.at[at - 1])) return 0;
	while (end < text.length && text.at[end] == '(') end++;
	if (end == text.length || (text.at[end] != '+' && text.at[end] != '0')) return 0;
	if (text.at[end] == '+') end++;
	for (; end < text.length && end - at < TELEPHONE_FIELD_LIMIT && (is_digit(text.at[end]) || is_dress(text.at[end])); end++)
		digits += is_digit(text.at[end]);
	return digits > 0 && (end == text.length || is_dress(text.at[end - 1])) ? end - at : 0;
}

void ck_words_of_query(struct ck_words *words, struct ck_text query)
{
	size_t from = 0;
	for (size_t at = 0; at < query.length;) {
		size_t length = telephone_length(query, at);
		if (length == 0) {
			at++;
			continue;
		}
		ck_words_add(words, (struct ck_text){query.at + from, at - from}, true);
		ck_words_add_telephone(words, (struct ck_text){query.at + at, length});
		at += length;
		from = at;
	}
	ck_words_add(words, (struct ck_text){query.at + from, query.length - from}, true);
}

/* ---- letters of a word ---- */

static bool begins_letter(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

size_t ck_word_prefix(const struct ck_word *word, size_t count)
{
	size_t at = 0;
	for (size_t n = 0; n < count; n++) {
		if (at == word->length) return 0;
		for (at++; at < word->length && !begins_letter(word->at[at]); at++) continue;
	}
	return at;
}

size_t ck_word_letters(const struct ck_word *word)
{
	size_t count = 0;
	for (size_t i = 0; i < word->length; i++) count += begins_letter(word->at[i]);
	return count;
}

size_t ck_word_prefix_letters(const struct ck_word *word)
{
	return word->length > 0 && word->at[0] == '0' ? CK_PREFIX_DIGITS : CK_PREFIX_LETTERS;
}

bool ck_word_less(const struct ck_word *word, size_t n, struct ck_word *out)
{
	size_t from = ck_word_prefix(word, n), to = ck_word_prefix(word, n + 1);
	if (to == 0) return false;
	*out = *word;
	memmove(out->at + from, word->at + to, word->length - to);
	out->length = (uint8_t)(word->length - (to - from));
	return true;
}

/* Both behind their first difference: is the rest of them the same? */
static bool rest_equal(const struct ck_word *a, size_t from_a, const struct ck_word *b, size_t from_b)
{
	return from_a <= a->length && from_b <= b->length && a->length - from_a == b->length - from_b &&
	       memcmp(a->at + from_a, b->at + from_b, a->length - from_a) == 0;
}

static size_t letter_end(const struct ck_word *word, size_t at)
{
	if (at >= word->length) return word->length + 1u;
	for (at++; at < word->length && !begins_letter(word->at[at]); at++) continue;
	return at;
}

bool ck_words_near(const struct ck_word *a, const struct ck_word *b)
{
	size_t same = 0;
	while (same < a->length && same < b->length && a->at[same] == b->at[same]) same++;
	while (same > 0 && ((same < a->length && !begins_letter(a->at[same])) || (same < b->length && !begins_letter(b->at[same])))) same--;
	size_t next_a = letter_end(a, same), next_b = letter_end(b, same);
	if (rest_equal(a, same, b, same) || rest_equal(a, next_a, b, same) || rest_equal(a, same, b, next_b) || rest_equal(a, next_a, b, next_b))
		return true;
	/* two neighbours exchanged */
	size_t second_a = letter_end(a, next_a), second_b = letter_end(b, next_b);
	return second_a <= a->length && second_b <= b->length && next_a - same == second_b - next_b && second_a - next_a == next_b - same &&
	       memcmp(a->at + same, b->at + next_b, next_a - same) == 0 && memcmp(a->at + next_a, b->at + same, next_b - same) == 0 &&
	       rest_equal(a, second_a, b, second_b);
}
