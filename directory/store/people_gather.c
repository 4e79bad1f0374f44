/* Which lists a word stands for. The vocabulary says which a word has, so that none is looked for in vain; work is bounded by the number of lists. */
#include <string.h>

#include "directory/store/people_match.h"

#define NEAR_SCAN_LIMIT 1024 /* words looked at for one that is misspelt: those of three letters have the most neighbours */
#define FEW 128              /* numbers of one chunk that may be all there are */

/* ---- lists ---- */

/* A full first chunk is one of many, as dense as it is. */
static uint64_t weight_of(const struct ck_match *match, const struct ck_list_chunk *chunk)
{
	uint64_t span = chunk->last - ck_list_number(chunk, 0) + 1u;
	uint64_t all = (uint64_t)match->block_count << CK_BLOCK_BITS;
	return chunk->count < FEW ? chunk->count : chunk->count * (all / span + 1);
}

static bool add_list(struct ck_match *match, uint8_t table, const struct ck_word *word, enum ck_fit fit)
{
	if (match->count == CK_MATCH_LISTS_LIMIT) {
		match->cut = true;
		return false;
	}
	struct ck_match_list *list = &match->lists[match->count];
	*list = (struct ck_match_list){.word = *word, .table = table, .fit = (uint8_t)fit, .walker = CK_WALKER_NONE, .low = UINT32_MAX, .end = UINT32_MAX};
	ck_match_advance(match, list, 0);
	if (list->current == CK_NUMBER_NONE) return true;
	list->weight = weight_of(match, &list->chunk);
	match->count++;
	return true;
}

/* A block belongs to one authority: how well that one's name fits at best. */
static void mark_blocks(struct ck_match *match, uint8_t table, const struct ck_word *word, enum ck_fit fit)
{
	struct ck_index_key key;
	struct ck_list_chunk chunk;
	enum ck_error error = CK_ERR_NOT_FOUND;
	ck_list_key(&key, table, word->at, word->length);
	for (uint32_t from = 0; from < match->block_count && (error = ck_list_seek(match->view, &key, from, &chunk)) == CK_OK; from = chunk.last + 1) {
		for (size_t i = 0; i < chunk.count; i++) {
			uint32_t block = ck_list_number(&chunk, i);
			if (block >= match->block_count) {
				ck_match_fail(match, CK_ERR_CORRUPT);
				return;
			}
			if (match->blocks[block] == 0 || match->blocks[block] > fit + 1u) match->blocks[block] = (uint8_t)(fit + 1u);
		}
	}
	ck_match_fail(match, error);
}

/* table 0: any. */
static bool is_listed(const struct ck_match *match, size_t from, size_t to, const struct ck_word *word, uint8_t table)
{
	for (size_t i = from; i < to; i++)
		if ((table == 0 || match->lists[i].table == table) && ck_words_equal(&match->lists[i].word, word)) return true;
	return false;
}

static uint8_t table_of(uint8_t which)
{
	return which == CK_IN_NAMES ? CK_TABLE_NAME_WORD : CK_TABLE_OTHER_WORD;
}

/* One list of a word. fit: by the name. */
static bool add_one(struct ck_match *match, const struct ck_word *word, uint8_t which, enum ck_fit fit)
{
	if (which != CK_IN_AUTHORITIES) return add_list(match, table_of(which), word, which == CK_IN_NAMES ? fit : fit + 1);
	mark_blocks(match, CK_TABLE_AUTHORITY_WORD, word, fit);
	return true;
}

/* It is there already, and fits better so. Authorities have no variants. */
static bool is_variant(const struct ck_match *match, const struct ck_word *word, uint8_t which)
{
	return which != CK_IN_AUTHORITIES && is_listed(match, 0, match->variants, word, 0);
}

static bool begins_with(const struct ck_word *word, const struct ck_word *beginning)
{
	return word->length >= beginning->length && memcmp(word->at, beginning->at, beginning->length) == 0;
}

/* Unless it is there already: as typed, or by another way. */
static bool add_near_one(struct ck_match *match, const struct ck_word *word, uint8_t which)
{
	if (begins_with(word, &match->word) || is_variant(match, word, which)) return true;
	if (which != CK_IN_AUTHORITIES && is_listed(match, match->typed, match->count, word, table_of(which))) return true;
	return add_one(match, word, which, CK_FIT_NEAR);
}

/* ---- the vocabulary ---- */

/* The word of a key that has so many bytes before and behind it, and which list of it is meant; 0: it is no such key. */
static uint8_t read_word(struct ck_match *match, struct ck_bytes key, size_t before, size_t behind, struct ck_word *out)
{
	size_t length = key.length - before - behind;
	uint8_t which = key.length > before + behind ? key.at[key.length - 1] : 0;
	if ((which != CK_IN_NAMES && which != CK_IN_OTHER && which != CK_IN_AUTHORITIES) || length > sizeof out->at) {
		ck_match_fail(match, CK_ERR_CORRUPT);
		return 0;
	}
	memcpy(out->at, key.at + before, length);
	out->length = (uint8_t)length;
	return which;
}

#define VOCABULARY_BEFORE 1 /* the table */
#define VOCABULARY_BEHIND 2 /* what ends the word, and which list */
#define NEAR_BEHIND 1       /* which list */

struct adding {
	struct ck_match *match;
	enum ck_fit fit;
	uint8_t which; /* those of them that are wanted */
};

static bool add_from_vocabulary(struct ck_bytes key, struct ck_bytes value, void *context)
{
	const struct adding *adding = context;
	struct ck_word found;
	(void)value;
	uint8_t which = read_word(adding->match, key, VOCABULARY_BEFORE, VOCABULARY_BEHIND, &found) & adding->which;
	bool go_on = which == 0 || (adding->fit == CK_FIT_NEAR ? add_near_one(adding->match, &found, which) : add_one(adding->match, &found, which, adding->fit));
	return go_on && adding->match->error == CK_OK;
}

/* Whatever lists this word has. */
static void add_word(struct ck_match *match, const struct ck_word *word, uint8_t which, enum ck_fit fit)
{
	struct adding adding = {match, fit, which};
	struct ck_index_key key;
	ck_list_key(&key, CK_TABLE_VOCABULARY, word->at, word->length);
	ck_match_fail(match, ck_scan(match->view, &key, NULL, add_from_vocabulary, &adding));
}

#define OF_STAFF (CK_IN_NAMES | CK_IN_OTHER)
#define OF_ANYBODY (OF_STAFF | CK_IN_AUTHORITIES)

/* ---- what was typed ---- */

static bool add_beginning(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct ck_match *match = context;
	struct ck_word found;
	(void)value;
	uint8_t which = read_word(match, key, VOCABULARY_BEFORE, VOCABULARY_BEHIND, &found);
	if (which == 0) return false;
	enum ck_fit fit = found.length == match->word.length ? CK_FIT_EXACT : CK_FIT_PREFIX;
	return (is_variant(match, &found, which) || add_one(match, &found, which, fit)) && match->error == CK_OK;
}

/* The word itself, and what begins with it: in the vocabulary they stand together. */
static void add_beginnings(struct ck_match *match)
{
	struct ck_index_key key;
	ck_index_begin(&key, CK_TABLE_VOCABULARY);
	ck_index_add_bytes(&key, match->word.at, match->word.length);
	ck_match_fail(match, ck_scan(match->view, &key, NULL, add_beginning, match));
}

static void add_short(struct ck_match *match)
{
	const struct ck_word *word = &match->word;
	add_word(match, word, OF_ANYBODY, CK_FIT_EXACT);
	(void)add_list(match, CK_TABLE_NAME_PREFIX, word, CK_FIT_PREFIX);
	(void)add_list(match, CK_TABLE_OTHER_PREFIX, word, CK_FIT_PREFIX_OTHER);
	mark_blocks(match, CK_TABLE_AUTHORITY_PREFIX, word, CK_FIT_PREFIX);
}

struct doubling {
	struct ck_match *match;
	const struct ck_variants *variants;
	size_t before, looked_at;
};

static bool add_if_doubled(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct doubling *d = context;
	struct ck_word found;
	(void)value;
	uint8_t which = read_word(d->match, key, d->before, NEAR_BEHIND, &found);
	if (which == 0 || ++d->looked_at > NEAR_SCAN_LIMIT) return false;
	if (which == CK_IN_AUTHORITIES || is_listed(d->match, 0, d->match->count, &found, table_of(which))) return true;
	for (size_t i = d->variants->doubled; i < d->variants->count; i++)
		if (ck_words_equal(&d->variants->at[i], &found)) return add_one(d->match, &found, which, CK_FIT_VARIANT);
	return true;
}

/* Whatever is the word with a letter twice is one of its neighbours: one look instead of one for each letter. */
static void add_variants(struct ck_match *match)
{
	struct ck_variants variants;
	struct ck_index_key key;
	ck_word_variants(&match->word, &variants);
	for (size_t i = 0; i < variants.doubled; i++)
		if (!is_listed(match, 0, match->count, &variants.at[i], 0)) add_word(match, &variants.at[i], OF_STAFF, CK_FIT_VARIANT);
	if (variants.doubled == variants.count) return;
	ck_list_key(&key, CK_TABLE_NEAR, match->word.at, match->word.length);
	struct doubling doubling = {match, &variants, key.length, 0};
	ck_match_fail(match, ck_scan(match->view, &key, NULL, add_if_doubled, &doubling));
}

/* ---- misspellings ---- */

struct nearing {
	struct ck_match *match;
	size_t before; /* how long the key is before the neighbour */
	size_t looked_at;
};

static bool add_neighbour(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct nearing *nearing = context;
	struct ck_match *match = nearing->match;
	struct ck_word found;
	(void)value;
	uint8_t which = read_word(match, key, nearing->before, NEAR_BEHIND, &found);
	if (which == 0) return false;
	if (++nearing->looked_at > NEAR_SCAN_LIMIT) {
		match->cut = true;
		return false;
	}
	return !ck_words_near(&match->word, &found) || add_near_one(match, &found, which);
}

static void add_neighbours_by(struct nearing *nearing, const struct ck_word *form)
{
	struct ck_index_key key;
	ck_list_key(&key, CK_TABLE_NEAR, form->at, form->length);
	nearing->before = key.length;
	ck_match_fail(nearing->match, ck_scan(nearing->match->view, &key, NULL, add_neighbour, nearing));
}

/* A letter too few leads there by the word itself; one too many by what it is without one; one for another, and two exchanged, by both. */
static void add_neighbours(struct ck_match *match)
{
	struct nearing nearing = {.match = match};
	struct ck_word less;
	add_neighbours_by(&nearing, &match->word);
	for (size_t n = 0; match->error == CK_OK && ck_word_less(&match->word, n, &less); n++) {
		/* what is long enough leads to itself as well */
		if (!ck_word_has_near(&less)) add_word(match, &less, OF_ANYBODY, CK_FIT_NEAR);
		add_neighbours_by(&nearing, &less);
	}
}

/* ---- all of it, and in which order ---- */

/* Blocks that fit so well are a list, too, of every number in them. */
static void add_block_lists(struct ck_match *match, enum ck_fit best, enum ck_fit worst)
{
	uint64_t blocks[CK_FITS] = {0};
	for (uint32_t block = 0; block < match->block_count; block++)
		if (match->blocks[block] != 0) blocks[match->blocks[block] - 1]++;
	for (unsigned fit = best; fit <= worst; fit++) {
		if (blocks[fit] == 0) continue;
		if (match->count == CK_MATCH_LISTS_LIMIT) {
			match->cut = true;
			return;
		}
		struct ck_match_list *list = &match->lists[match->count++];
		*list = (struct ck_match_list){.fit = (uint8_t)fit, .low = UINT32_MAX, .weight = blocks[fit] * match->block_weight};
	}
}

static void put_in_order(struct ck_match *match)
{
	size_t starts[CK_FITS] = {0}, sum = 0;
	for (size_t i = 0; i < match->count; i++) starts[match->lists[i].fit]++;
	for (size_t fit = 0; fit < CK_FITS; fit++) {
		size_t here = starts[fit];
		starts[fit] = sum;
		sum += here;
		match->ends[fit] = sum;
	}
	for (size_t i = 0; i < match->count; i++) match->order[starts[match->lists[i].fit]++] = (uint16_t)i;
}

void ck_match_begin(struct ck_match *match, struct ck_view *view, const struct ck_word *word, uint32_t block_count, size_t *work)
{
	match->view = view;
	match->word = *word;
	match->count = 0;
	match->work = work;
	match->block_count = block_count;
	match->block_weight = block_count == 0 ? 0 : view->meta->people / block_count + 1;
	match->near = match->cut = false;
	match->error = CK_OK;
	memset(match->blocks, 0, block_count);
	add_variants(match);
	match->variants = match->count;
	if (ck_word_letters(word) > ck_word_prefix_letters(word)) add_beginnings(match);
	else add_short(match);
	add_block_lists(match, CK_FIT_EXACT, CK_FIT_PREFIX_OTHER);
	match->typed = match->count;
	put_in_order(match);
}

void ck_match_add_near(struct ck_match *match)
{
	if (match->near) return;
	match->near = true;
	if (!ck_word_has_near(&match->word)) return;
	add_neighbours(match);
	add_block_lists(match, CK_FIT_NEAR, CK_FIT_NEAR_OTHER);
	put_in_order(match);
}
