/* Questions with known answers, for the quality of a search: people are drawn, asked for as somebody would type it, and whoever else fits the words is
   counted, all people gone through once. What fits is decided here by this folder's own folding, apart from the product's. */
#include <stdlib.h>
#include <string.h>

#include "directory/base/clock.h"
#include "tests/data/internal.h"
#include "tests/data/output.h"

#define TOKENS_LIMIT 24
#define TOKEN_BYTES 64
#define LETTERS_LEAST 4 /* of a word that is cut short or misspelt */
#define CHAINS 4096
#define DRAWN_PERCENT 150 /* so many are drawn for each that is wanted: some names are too common even within an authority */
#define TRIES 200         /* people looked at for one that suits the kind */

enum kind { EXACT, PREFIX, TWO_WORDS, MISSPELT, ACCENT_FREE, KINDS };
static const char *const kind_names[KINDS] = {"exact", "prefix", "two-words", "misspelt", "accent-free"};

enum match { MATCH_WHOLE, MATCH_PREFIX, MATCH_NEAR };

struct query {
	struct query *next; /* of the same chain */
	enum kind kind;
	enum match match; /* how `second` is to be met */
	char text[2 * CK_NAME_LIMIT_BYTES];
	char first[TOKEN_BYTES], second[TOKEN_BYTES]; /* folded; the first is met by a whole word */
	struct ck_id id;
	char uid[CK_UID_LIMIT_BYTES + 1];
	const struct ck_data_authority *authority;
	uint64_t shared, shared_here; /* people who fit, and of these those of the authority */
};

struct asking {
	const struct ck_data *data;
	struct query *queries;
	size_t count;
	struct query *chains[CHAINS];
};

/* ---- words ---- */

struct tokens {
	char text[4 * CK_NAME_LIMIT_BYTES];
	const char *at[TOKENS_LIMIT];
	size_t count;
	size_t used;
};

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

static void add_tokens(struct tokens *t, const char *text)
{
	CK_ASSERT(t->used < sizeof t->text);
	char *at = t->text + t->used;
	ck_data_fold(text, at, sizeof t->text - t->used);
	t->used += strlen(at) + 1;
	while (*at != '\0') {
		while (*at != '\0' && !is_word(*at)) at++;
		if (*at == '\0') break;
		CK_ASSERT(t->count < TOKENS_LIMIT);
		t->at[t->count++] = at;
		while (is_word(*at)) at++;
		if (*at != '\0') *at++ = '\0';
	}
}

static void tokens_of(const struct ck_data_person *p, struct tokens *out)
{
	out->count = out->used = 0;
	add_tokens(out, p->cn);
	add_tokens(out, p->department);
	add_tokens(out, p->title);
	add_tokens(out, p->authority->name);
}

static void last_token(const char *text, char out[TOKEN_BYTES])
{
	struct tokens tokens = {.count = 0};
	add_tokens(&tokens, text);
	CK_ASSERT(tokens.count > 0 && strlen(tokens.at[tokens.count - 1]) < TOKEN_BYTES);
	strcpy(out, tokens.at[tokens.count - 1]);
}

/* At most one letter put in, left out or exchanged, or two neighbours swapped. */
static bool is_near(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b), same = 0;
	if (a_length > b_length + 1 || b_length > a_length + 1) return false;
	while (a[same] != '\0' && a[same] == b[same]) same++;
	if (a_length < b_length) return strcmp(a + same, b + same + 1) == 0;
	if (a_length > b_length) return strcmp(a + same + 1, b + same) == 0;
	if (a[same] == '\0' || strcmp(a + same + 1, b + same + 1) == 0) return true;
	return a[same] == b[same + 1] && a[same + 1] == b[same] && strcmp(a + same + 2, b + same + 2) == 0;
}

static bool fits(const struct query *q, const char *token)
{
	switch (q->match) {
	case MATCH_WHOLE: return strcmp(token, q->second) == 0;
	case MATCH_PREFIX: return strncmp(token, q->second, strlen(q->second)) == 0;
	case MATCH_NEAR: return strncmp(token, q->second, strlen(q->second)) == 0 || is_near(token, q->second);
	}
	return false;
}

/* ---- drawing ---- */

bool ck_data_is_findable(const struct ck_data *data, const struct ck_data_person *p)
{
	return p->listed && p->status == CK_STATUS_ACTIVE && ck_window_contains(p->window, (struct ck_moment){.s = ck_data_now(data)});
}

static void misspell(char *word, struct ck_dice *dice)
{
	size_t length = strlen(word), at = ck_dice_below(dice, length - 1);
	char letter = (char)('a' + ck_dice_below(dice, 26));
	if (letter == word[at]) letter = letter == 'z' ? 'a' : (char)(letter + 1);
	uint64_t how = ck_dice_below(dice, 4);
	if (how == 0 && word[at] != word[at + 1]) { /* two swapped */
		char swapped = word[at];
		word[at] = word[at + 1];
		word[at + 1] = swapped;
	} else if (how == 1) { /* one left out */
		memmove(word + at, word + at + 1, length - at);
	} else if (how == 2 && length + 2 < TOKEN_BYTES) { /* one put in */
		memmove(word + at + 1, word + at, length - at + 1);
		word[at] = letter;
	} else {
		word[at] = letter;
	}
}

static bool has_marks(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80) return true;
	return false;
}

/* False: this person's name does not suit the kind. */
static bool put_question(struct query *q, const struct ck_data_person *p, struct ck_dice *dice)
{
	char given[TOKEN_BYTES], family[TOKEN_BYTES], folded[2 * CK_NAME_LIMIT_BYTES];
	last_token(p->name.given, given);
	last_token(p->name.family, family);
	if ((q->kind == PREFIX || q->kind == MISSPELT) && strlen(family) < LETTERS_LEAST) return false;
	if (q->kind == ACCENT_FREE && !has_marks(p->cn)) return false;
	if (strcmp(given, family) == 0) return false; /* one word twice is one word */
	q->match = MATCH_WHOLE;
	strcpy(q->first, family);
	strcpy(q->second, given);
	switch (q->kind) {
	case EXACT: snprintf(q->text, sizeof q->text, "%s", p->cn); break;
	case ACCENT_FREE:
		ck_data_fold(p->cn, folded, sizeof folded);
		snprintf(q->text, sizeof q->text, "%s", folded);
		break;
	case TWO_WORDS:
		last_token(p->department, q->second);
		snprintf(q->text, sizeof q->text, "%s %s", family, q->second);
		break;
	case PREFIX:
	case MISSPELT:
		q->match = q->kind == PREFIX ? MATCH_PREFIX : MATCH_NEAR;
		strcpy(q->first, given);
		if (q->kind == PREFIX)
			family[LETTERS_LEAST - 1 + ck_dice_below(dice, strlen(family) - LETTERS_LEAST + 1)] = '\0';
		else
			misspell(family, dice);
		strcpy(q->second, family);
		snprintf(q->text, sizeof q->text, "%s %s", given, family);
		break;
	case KINDS: return false;
	}
	return true;
}

static bool draw_query(struct asking *asking, enum kind kind, uint64_t number, struct query *q)
{
	static struct ck_data_person person;
	struct ck_dice dice = ck_data_dice(asking->data, CK_DATA_FOR_QUERY, number * KINDS + (uint64_t)kind);
	q->kind = kind;
	for (unsigned i = 0; i < TRIES; i++) {
		ck_data_person_at(asking->data, ck_dice_below(&dice, ck_data_count(asking->data).staff), &person);
		if (!ck_data_is_findable(asking->data, &person) || !put_question(q, &person, &dice)) continue;
		q->id = ck_data_id(asking->data, CK_KIND_STAFF, person.number, 0);
		strcpy(q->uid, person.uid);
		q->authority = person.authority;
		return true;
	}
	return false;
}

static size_t chain_of(const char *word)
{
	uint64_t hash = 0;
	for (; *word != '\0'; word++) hash = ck_data_mix(hash ^ (unsigned char)*word);
	return hash % CHAINS;
}

static void draw_all(struct asking *asking, unsigned each)
{
	size_t wanted = (size_t)each * DRAWN_PERCENT / 100 + 1;
	asking->queries = calloc(wanted * KINDS, sizeof *asking->queries);
	CK_ASSERT(asking->queries != NULL);
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t i = 0; i < wanted; i++) {
			struct query *q = &asking->queries[asking->count];
			if (!draw_query(asking, (enum kind)kind, i, q)) continue;
			size_t chain = chain_of(q->first);
			q->next = asking->chains[chain];
			asking->chains[chain] = q;
			asking->count++;
		}
	}
}

/* ---- counting ---- */

/* A department's word is often in the title, too: the person counts once. */
static bool is_repeated(const struct tokens *tokens, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(tokens->at[i], tokens->at[at]) == 0) return true;
	return false;
}

static void count_person(struct asking *asking, const struct ck_data_person *p, const struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++) {
		if (is_repeated(tokens, i)) continue;
		for (struct query *q = asking->chains[chain_of(tokens->at[i])]; q != NULL; q = q->next) {
			if (strcmp(q->first, tokens->at[i]) != 0) continue;
			bool met = false, here = p->authority == q->authority;
			for (size_t k = 0; k < tokens->count; k++) {
				met = met || (k != i && fits(q, tokens->at[k]));
				here = here || strcmp(tokens->at[k], q->authority->slug) == 0;
			}
			if (met) q->shared++;
			if (met && here) q->shared_here++;
		}
	}
}

static void count_all(struct asking *asking)
{
	static struct ck_data_person person;
	static struct tokens tokens;
	uint64_t staff = ck_data_count(asking->data).staff;
	for (uint64_t i = 0; i < staff; i++) {
		ck_data_person_at(asking->data, i, &person);
		if (!ck_data_is_findable(asking->data, &person)) continue;
		tokens_of(&person, &tokens);
		count_person(asking, &person, &tokens);
	}
}

static bool write_query(FILE *to, const struct query *q)
{
	char id[CK_ID_TEXT_BYTES];
	bool named = q->shared > CK_DATA_SHARED_LIMIT;
	uint64_t shared = named ? q->shared_here : q->shared;
	CK_ASSERT(shared >= 1); /* the person themself */
	if (shared > CK_DATA_SHARED_LIMIT) return false;
	fprintf(to, "%s\t%s%s%s\t%s\t%s\t%llu\t%s\n", kind_names[q->kind], q->text, named ? " " : "", named ? q->authority->slug : "", q->uid,
	        ck_id_format(q->id, id), (unsigned long long)shared, named ? q->authority->slug : "-");
	return true;
}

void ck_data_queries(FILE *to, const struct ck_data *data, unsigned each)
{
	static struct asking asking;
	memset(&asking, 0, sizeof asking);
	asking.data = data;
	draw_all(&asking, each);
	count_all(&asking);
	unsigned written[KINDS] = {0};
	for (size_t i = 0; i < asking.count; i++) {
		const struct query *q = &asking.queries[i];
		if (written[q->kind] < each && write_query(to, q)) written[q->kind]++;
	}
	free(asking.queries);
}
