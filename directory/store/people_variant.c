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

static void add(struct ck_variants *out, const char *text, size_t length)
{
	if (length > sizeof out->at[0].at || out->count == CK_VARIANTS_LIMIT) return;
	memcpy(out->at[out->count].at, text, length);
	out->at[out->count++].length = (uint8_t)length;
}

static bool is_plain(char letter) { return letter >= 'a' && letter <= 'z'; }

static bool is_word(const char *name, const struct ck_word *word)
{
	return name[0] == word->at[0] && strlen(name) == word->length && memcmp(name, word->at, word->length) == 0;
}

/* Which groups have a name that begins with this letter, a bit for each: few are looked at, not all at each search. */
static uint64_t groups_of(char letter)
{
	static uint64_t by_letter[26];
	static bool known;
	_Static_assert(sizeof groups / sizeof *groups <= 64, "a bit for each");
	if (!is_plain(letter)) return 0;
	for (size_t g = 0; !known && g < sizeof groups / sizeof *groups; g++)
		for (size_t i = 0; i < 8 && groups[g][i] != NULL; i++) by_letter[groups[g][i][0] - 'a'] |= (uint64_t)1 << g;
	known = true;
	return by_letter[letter - 'a'];
}

static void add_groups(const struct ck_word *word, struct ck_variants *out)
{
	for (uint64_t left = groups_of(word->at[0]); left != 0; left &= left - 1) {
		const char *const *group = groups[__builtin_ctzll(left)];
		bool member = false;
		for (size_t i = 0; !member && i < 8 && group[i] != NULL; i++) member = is_word(group[i], word);
		for (size_t i = 0; member && i < 8 && group[i] != NULL; i++)
			if (!is_word(group[i], word)) add(out, group[i], strlen(group[i]));
	}
}

static void add_mc(const struct ck_word *word, struct ck_variants *out)
{
	char text[CK_WORD_LIMIT_BYTES + 1];
	if (word->length > 4 && memcmp(word->at, "mac", 3) == 0) {
		text[0] = 'm';
		memcpy(text + 1, word->at + 2, word->length - 2u);
		add(out, text, word->length - 1u);
	} else if (word->length > 3 && memcmp(word->at, "mc", 2) == 0) {
		memcpy(text, "ma", 2);
		memcpy(text + 2, word->at + 1, word->length - 1u);
		add(out, text, word->length + 1u);
	}
}

/* Letters of one byte: others are not doubled. */
static bool is_doubled(const struct ck_word *word, size_t i)
{
	return word->at[i - 1] == word->at[i] || (i + 1u < word->length && word->at[i + 1] == word->at[i]);
}

/* One of two equal letters less. */
static void add_halved(const struct ck_word *word, struct ck_variants *out)
{
	char text[CK_WORD_LIMIT_BYTES];
	for (size_t i = 1; i < word->length; i++) {
		if (!is_plain(word->at[i]) || word->at[i - 1] != word->at[i]) continue;
		memcpy(text, word->at, i);
		memcpy(text + i, word->at + i + 1, word->length - i - 1u);
		add(out, text, word->length - 1u);
	}
}

/* One letter twice, unless it is already; not the first. */
static void add_doubled(const struct ck_word *word, struct ck_variants *out)
{
	char text[CK_WORD_LIMIT_BYTES + 1];
	for (size_t i = 1; i < word->length; i++) {
		if (!is_plain(word->at[i]) || is_doubled(word, i)) continue;
		memcpy(text, word->at, i + 1);
		memcpy(text + i + 1, word->at + i, word->length - i);
		add(out, text, word->length + 1u);
	}
}

void ck_word_variants(const struct ck_word *word, struct ck_variants *out)
{
	out->count = out->doubled = 0;
	if (word->length < 2) return;
	add_groups(word, out);
	add_mc(word, out);
	add_halved(word, out);
	out->doubled = out->count;
	add_doubled(word, out);
}
