/* Which lists a word stands for, and walking them together in the order of numbers. Work is bounded by the number of lists. */
#include <string.h>

#include "directory/store/people_match.h"

#define NEAR_SCAN_LIMIT 1024 /* words looked at for one that is misspelt: those of three letters have the most neighbours */

static void fail(struct ck_match *match, enum ck_error error)
{
	if (match->error == CK_OK && error != CK_OK && error != CK_ERR_NOT_FOUND) match->error = error;
}

static void list_key(struct ck_index_key *key, uint8_t table, const struct ck_word *word)
{
	ck_list_key(key, table, word->at, word->length);
}

/* ---- walking one list ---- */

/* The first entry from `at` on that is not before this number: in growing steps, then between them. */
static size_t find_in_chunk(const struct ck_list_chunk *chunk, size_t at, uint32_t number)
{
	size_t step = 1, low = at, high;
	while (low + step < chunk->count && ck_list_entry(chunk, low + step) >> 1 < number) {
		low += step;
		step *= 2;
	}
	high = low + step < chunk->count ? low + step : chunk->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ck_list_entry(chunk, middle) >> 1 < number) low = middle + 1;
		else high = middle;
	}
	return low;
}

static void stand_at(struct ck_match_list *list, size_t at)
{
	uint32_t entry = ck_list_entry(&list->chunk, at);
	list->at = at;
	list->current = entry >> 1;
	list->current_name = (entry & 1) != 0;
}

static void advance(struct ck_match *match, struct ck_match_list *list, uint32_t from)
{
	if (list->ended || (list->loaded && list->current >= from)) return;
	if (!list->loaded || list->chunk.last < from) {
		struct ck_index_key key;
		list_key(&key, list->table, &list->word);
		enum ck_error error = ck_list_seek(match->view, &key, from, &list->chunk);
		list->ended = error != CK_OK;
		fail(match, error);
		if (list->ended) return;
		list->loaded = true;
		list->at = 0;
	}
	list->at = find_in_chunk(&list->chunk, list->at, from);
	if (list->at == list->chunk.count) {
		fail(match, CK_ERR_CORRUPT); /* its last one is not before */
		list->ended = true;
		return;
	}
	stand_at(list, list->at);
}

/* ---- collecting lists ---- */

/* A full first chunk is one of many, as dense as it is. */
static uint64_t weight_of(const struct ck_match *match, const struct ck_list_chunk *chunk)
{
	uint64_t span = chunk->last - (ck_list_entry(chunk, 0) >> 1) + 1u;
	uint64_t all = (uint64_t)match->block_count << CK_BLOCK_BITS;
	return chunk->count < 128 ? chunk->count : chunk->count * (all / span + 1);
}

/* first: its first chunk, if that was read already. */
static bool add_list(struct ck_match *match, uint8_t table, const struct ck_word *word, enum ck_quality quality, const struct ck_list_chunk *first)
{
	for (size_t i = 0; i < match->count; i++)
		if (match->lists[i].table == table && ck_words_equal(&match->lists[i].word, word)) return true;
	if (match->count == CK_MATCH_LISTS_LIMIT) {
		match->cut = true;
		return false;
	}
	struct ck_match_list *list = &match->lists[match->count];
	*list = (struct ck_match_list){.word = *word, .table = table, .quality = (uint8_t)quality};
	if (first != NULL) {
		list->chunk = *first;
		list->loaded = true;
		stand_at(list, 0);
	} else {
		advance(match, list, 0);
	}
	if (list->ended) return true;
	match->weight += weight_of(match, &list->chunk);
	match->count++;
	return true;
}

static void mark_blocks(struct ck_match *match, uint8_t table, const struct ck_word *word, enum ck_quality quality)
{
	struct ck_index_key key;
	struct ck_list_chunk chunk;
	enum ck_error error;
	list_key(&key, table, word);
	for (uint32_t from = 0; (error = ck_list_seek(match->view, &key, from, &chunk)) == CK_OK; from = chunk.last + 1) {
		for (size_t i = 0; i < chunk.count; i++) {
			uint32_t block = ck_list_entry(&chunk, i) >> 1;
			if (block >= match->block_count) {
				fail(match, CK_ERR_CORRUPT);
				return;
			}
			if (match->blocks[block] == 0 || match->blocks[block] > quality + 1u) match->blocks[block] = (uint8_t)(quality + 1u);
			match->any_block = true;
			match->weight += 1u << CK_BLOCK_BITS;
		}
	}
	fail(match, error);
}

static bool add(struct ck_match *match, bool of_authority, const struct ck_word *word, enum ck_quality quality)
{
	if (!of_authority) return add_list(match, CK_TABLE_WORD, word, quality, NULL);
	mark_blocks(match, CK_TABLE_AUTHORITY_WORD, word, quality);
	return true;
}

/* The word of a key [table][…][0][…]; false: it is no such key. */
static bool word_of_key(struct ck_bytes key, size_t skip, struct ck_word *out)
{
	const uint8_t *end = key.length > skip ? memchr(key.at + skip, 0, key.length - skip) : NULL;
	size_t length = end != NULL ? (size_t)(end - key.at) - skip : 0;
	if (length == 0 || length > sizeof out->at) return false;
	memcpy(out->at, key.at + skip, length);
	out->length = (uint8_t)length;
	return true;
}

static void add_beginning_with(struct ck_match *match, bool of_authority, const struct ck_word *word)
{
	struct ck_index_key prefix, from;
	struct ck_bytes key, value;
	struct ck_word found = *word;
	ck_index_begin(&prefix, of_authority ? CK_TABLE_AUTHORITY_WORD : CK_TABLE_WORD);
	ck_index_add_bytes(&prefix, word->at, word->length);
	from = prefix;
	enum ck_error error;
	while ((error = ck_scan_first(match->view, &prefix, &from, &key, &value)) == CK_OK) {
		if (!word_of_key(key, 1, &found)) {
			fail(match, CK_ERR_CORRUPT);
			return;
		}
		struct ck_list_chunk first;
		fail(match, ck_list_parse(key, value, &first));
		if (match->error != CK_OK) return;
		if (of_authority) mark_blocks(match, CK_TABLE_AUTHORITY_WORD, &found, CK_QUALITY_PREFIX);
		else if (!add_list(match, CK_TABLE_WORD, &found, CK_QUALITY_PREFIX, &first)) return;
		/* behind all of its chunks */
		ck_index_begin(&from, of_authority ? CK_TABLE_AUTHORITY_WORD : CK_TABLE_WORD);
		ck_index_add_bytes(&from, found.at, found.length);
		ck_index_add_byte(&from, 1);
	}
	fail(match, error);
}

static void add_prefix(struct ck_match *match, const struct ck_word *word)
{
	if (ck_word_letters(word) > ck_word_prefix_letters(word)) {
		add_beginning_with(match, false, word);
		add_beginning_with(match, true, word);
		return;
	}
	(void)add_list(match, CK_TABLE_PREFIX, word, CK_QUALITY_PREFIX, NULL);
	mark_blocks(match, CK_TABLE_AUTHORITY_PREFIX, word, CK_QUALITY_PREFIX);
}

/* ---- misspellings ---- */

struct nearing {
	struct ck_match *match;
	const struct ck_word *word;
	bool of_authority;
	size_t skip; /* how long the key is before the neighbour */
	size_t looked_at;
};

static bool add_neighbour(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct nearing *nearing = context;
	struct ck_word found = {.length = 0};
	(void)value;
	size_t length = key.length - nearing->skip;
	if (length == 0 || length > sizeof found.at) {
		fail(nearing->match, CK_ERR_CORRUPT);
		return false;
	}
	memcpy(found.at, key.at + nearing->skip, length);
	found.length = (uint8_t)length;
	if (++nearing->looked_at > NEAR_SCAN_LIMIT) {
		nearing->match->cut = true;
		return false;
	}
	return !ck_words_near(nearing->word, &found) || add(nearing->match, nearing->of_authority, &found, CK_QUALITY_NEAR);
}

static void add_neighbours_by(struct nearing *nearing, const struct ck_word *form)
{
	struct ck_index_key key;
	ck_list_key(&key, nearing->of_authority ? CK_TABLE_AUTHORITY_NEAR : CK_TABLE_NEAR, form->at, form->length);
	nearing->skip = key.length;
	fail(nearing->match, ck_scan(nearing->match->view, &key, NULL, add_neighbour, nearing));
}

/* A letter too few leads there by the word itself; one too many by what it is without one; one for another, and two exchanged, by both. */
static void add_near(struct ck_match *match, const struct ck_word *word, bool of_authority)
{
	struct nearing nearing = {.match = match, .word = word, .of_authority = of_authority};
	struct ck_word less;
	if (word->at[0] >= '0' && word->at[0] <= '9') return;
	if (ck_word_letters(word) < CK_NEAR_LETTERS) return;
	add_neighbours_by(&nearing, word);
	for (size_t n = 0; match->error == CK_OK && ck_word_less(word, n, &less); n++) {
		(void)add(match, of_authority, &less, CK_QUALITY_NEAR);
		add_neighbours_by(&nearing, &less);
	}
}

void ck_match_begin(struct ck_match *match, struct ck_view *view, const struct ck_word *word, uint32_t block_count, bool near)
{
	struct ck_word variant;
	match->view = view;
	match->count = 0;
	match->block_count = block_count;
	match->any_block = match->cut = false;
	match->weight = 0;
	match->error = CK_OK;
	memset(match->blocks, 0, block_count);
	(void)add(match, false, word, CK_QUALITY_EXACT);
	(void)add(match, true, word, CK_QUALITY_EXACT);
	for (size_t n = 0; ck_word_variant(word, n, &variant); n++) (void)add(match, false, &variant, CK_QUALITY_VARIANT);
	add_prefix(match, word);
	if (near) add_near(match, word, false);
	if (near) add_near(match, word, true);
}

/* ---- walking them together ---- */

void ck_match_rewind(struct ck_match *match)
{
	for (size_t i = 0; i < match->count; i++) match->lists[i].loaded = match->lists[i].ended = false;
}

static uint32_t next_in_blocks(const struct ck_match *match, uint32_t from)
{
	uint32_t block = from >> CK_BLOCK_BITS;
	if (!match->any_block || block >= match->block_count) return CK_NUMBER_NONE;
	if (match->blocks[block] != 0) return from;
	for (block++; block < match->block_count; block++)
		if (match->blocks[block] != 0) return block << CK_BLOCK_BITS;
	return CK_NUMBER_NONE;
}

static uint32_t next_in_lists(struct ck_match *match, uint32_t from)
{
	uint32_t next = CK_NUMBER_NONE;
	for (size_t i = 0; i < match->count; i++) {
		struct ck_match_list *list = &match->lists[i];
		advance(match, list, from);
		if (!list->ended && list->current < next) next = list->current;
	}
	return match->error == CK_OK ? next : CK_NUMBER_NONE;
}

uint32_t ck_match_next(struct ck_match *match, uint32_t from)
{
	uint32_t in_lists = next_in_lists(match, from), in_blocks = next_in_blocks(match, from);
	return in_lists < in_blocks ? in_lists : in_blocks;
}

uint32_t ck_match_next_person(struct ck_match *match, uint32_t from)
{
	for (;;) {
		uint32_t in_lists = next_in_lists(match, from), in_blocks = next_in_blocks(match, from), person;
		if (in_lists <= in_blocks) return in_lists;
		fail(match, ck_people_next(match->view, in_blocks, &person));
		if (match->error != CK_OK || person == CK_NUMBER_NONE) return CK_NUMBER_NONE;
		if (next_in_blocks(match, person) == person) return person;
		from = person;
	}
}

enum ck_quality ck_match_quality(const struct ck_match *match, uint32_t number, bool *out_name)
{
	unsigned best = 2 * CK_QUALITY_NEAR + 1;
	for (size_t i = 0; i < match->count; i++) {
		const struct ck_match_list *list = &match->lists[i];
		if (list->ended || !list->loaded || list->current != number) continue;
		unsigned fit = 2u * list->quality + !list->current_name;
		if (fit < best) best = fit;
	}
	uint32_t block = number >> CK_BLOCK_BITS;
	if (block < match->block_count && match->blocks[block] != 0 && 2u * (match->blocks[block] - 1u) < best) best = 2u * (match->blocks[block] - 1u);
	*out_name = best % 2 == 0;
	return (enum ck_quality)(best / 2);
}
