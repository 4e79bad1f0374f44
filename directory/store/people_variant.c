/* The same name in other letters: what is heard on the telephone and written as one knows it oneself. Names by pairs and groups, Mc and Mac, and
   one letter where there are two. Small on purpose: whatever else is one letter away is found as a misspelling. */
#include <string.h>

#include "directory/store/people_internal.h"

/* Each line is one name. Only such as are said alike, or are the everyday short form; never two names that merely look alike. */
static const char *const groups[][8] = {
	{"jon", "john", "jonathan", "johnathan", "jonathon"},
	{"steven", "stephen", "steve", "steph"},
	{"catherine", "katherine", "kathryn", "catharine", "katharine", "cath", "kath", "kate"},
	{"ann", "anne", "anna"},
	{"sean", "shaun", "shawn"},
	{"geoffrey", "jeffrey", "geoff", "jeff"},
	{"phil", "philip", "phillip"},
	{"mohammed", "mohamed", "muhammad", "mohammad", "muhammed", "mohamad"},
	{"ahmed", "ahmad"},
	{"hussain", "hussein", "husain"},
	{"isobel", "isabel", "isabelle", "isobelle"},
	{"sara", "sarah"},
	{"teresa", "theresa"},
	{"elisabeth", "elizabeth", "liz", "beth"},
	{"lynne", "lynn", "lyn"},
	{"alan", "allan", "allen"},
	{"ian", "iain"},
	{"neil", "neal", "niall"},
	{"michael", "mike", "mick"},
	{"william", "will", "bill"},
	{"robert", "rob", "bob"},
	{"richard", "rick", "dick"},
	{"david", "dave"},
	{"daniel", "dan", "danny"},
	{"thomas", "tom"},
	{"james", "jim", "jamie"},
	{"matthew", "mathew", "matt"},
	{"anthony", "antony", "tony"},
	{"christopher", "kristopher", "chris"},
	{"christine", "kristine", "chris"},
	{"susan", "sue", "suzanne"},
	{"margaret", "maggie", "meg"},
	{"smith", "smyth", "smythe"},
	{"brown", "browne"},
	{"clark", "clarke"},
	{"reid", "read", "reed"},
	{"stewart", "stuart"},
	{"thompson", "thomson"},
	{"davies", "davis"},
	{"rhys", "rees", "reece"},
	{"hughes", "huws"},
	{"griffith", "griffiths", "gruffydd"},
	{"lewis", "louis"},
	{"sian", "shan"},
};

static bool set(struct ck_word *out, const char *text, size_t length)
{
	if (length > sizeof out->at) return false;
	memcpy(out->at, text, length);
	out->length = (uint8_t)length;
	return true;
}

/* Walks all variants, and gives the n-th. */
struct counting {
	size_t left;
	struct ck_word *out;
};

static bool is_it(struct counting *c, const char *text, size_t length)
{
	if (!set(c->out, text, length)) return false;
	return c->left-- == 0;
}

static bool is_word(const char *name, const struct ck_word *word)
{
	/* most are told apart by their first letter */
	return name[0] == word->at[0] && strlen(name) == word->length && memcmp(name, word->at, word->length) == 0;
}

static bool of_groups(const struct ck_word *word, struct counting *c)
{
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
		bool member = false;
		for (size_t i = 0; !member && i < 8 && groups[g][i] != NULL; i++) member = is_word(groups[g][i], word);
		for (size_t i = 0; member && i < 8 && groups[g][i] != NULL; i++)
			if (!is_word(groups[g][i], word) && is_it(c, groups[g][i], strlen(groups[g][i]))) return true;
	}
	return false;
}

static bool of_mc(const struct ck_word *word, struct counting *c)
{
	char text[CK_WORD_LIMIT_BYTES + 1];
	if (word->length > 4 && memcmp(word->at, "mac", 3) == 0) {
		text[0] = 'm';
		memcpy(text + 1, word->at + 2, word->length - 2u);
		return is_it(c, text, word->length - 1u);
	}
	if (word->length > 3 && memcmp(word->at, "mc", 2) == 0) {
		memcpy(text, "ma", 2);
		memcpy(text + 2, word->at + 1, word->length - 1u);
		return is_it(c, text, word->length + 1u);
	}
	return false;
}

/* One of two equal letters less, or one more. Letters of one byte: others are not doubled. */
static bool of_doubles(const struct ck_word *word, struct counting *c)
{
	char text[CK_WORD_LIMIT_BYTES + 1];
	for (size_t i = 1; i < word->length; i++) {
		char letter = word->at[i];
		if (letter < 'a' || letter > 'z') continue;
		bool doubled = word->at[i - 1] == letter || (i + 1u < word->length && word->at[i + 1] == letter);
		if (doubled && word->at[i - 1] != letter) continue;
		size_t length = doubled ? word->length - 1u : word->length + 1u;
		memcpy(text, word->at, i);
		if (doubled) memcpy(text + i, word->at + i + 1, word->length - i - 1u);
		else {
			text[i] = letter;
			memcpy(text + i + 1, word->at + i, word->length - i);
		}
		if (is_it(c, text, length)) return true;
	}
	return false;
}

bool ck_word_variant(const struct ck_word *word, size_t n, struct ck_word *out)
{
	struct counting counting = {.left = n, .out = out};
	if (n >= CK_VARIANTS_LIMIT || word->length < 2) return false;
	out->name = word->name;
	return of_groups(word, &counting) || of_mc(word, &counting) || of_doubles(word, &counting);
}
