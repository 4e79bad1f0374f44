/* Changes of lists, collected and sorted, so that each list is opened once for all of them: the difference between hours and seconds when a whole
   directory is read. Each word is kept once; a change is eight bytes. The last change of the same number in the same list is the one that counts. */
#include <stdlib.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/base/fiber.h"
#include "directory/store/people_internal.h"

#define ENTRIES_LIMIT (1u << 21) /* 16 MB, and as much to sort in: about 50 000 people */
#define WORDS_LIMIT (1u << 19)   /* 35 bytes each: below 20 MB */
#define REMOVE_BIT (1u << 31)    /* of a change's word */
#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)

struct pending_word {
	uint8_t table;
	struct ck_word word;
	uint32_t next; /* of the same hash; index + 1 */
};
struct pending_change {
	uint32_t word; /* its index; REMOVE_BIT */
	uint32_t number;
};
struct ck_people_pending {
	struct pending_word *words;
	struct pending_change *changes;
	uint32_t *heads; /* by hash: index + 1 */
	uint32_t word_count, word_room, count, room, head_count;
};

void ck_pending_free(struct ck_store *store)
{
	struct ck_people_pending *p = store->pending;
	if (p == NULL) return;
	free(p->words);
	free(p->changes);
	free(p->heads);
	free(p);
	store->pending = NULL;
}

static bool grow(void **at, uint32_t *room, size_t size, uint32_t least)
{
	uint32_t wanted = *room == 0 ? least : *room * 2;
	void *grown = realloc(*at, wanted * size);
	if (grown == NULL) return false;
	*at = grown;
	*room = wanted;
	return true;
}

static uint32_t hash_of(uint8_t table, const char *word, size_t length)
{
	return (ck_crc32c(word, length) ^ table * 0x9e3779b1u) * 0x85ebca6bu;
}

/* Twice as many heads as words at most. */
static bool rehash(struct ck_people_pending *p)
{
	uint32_t count = p->head_count == 0 ? 1024 : p->head_count * 4;
	uint32_t *heads = calloc(count, sizeof *heads);
	if (heads == NULL) return false;
	free(p->heads);
	p->heads = heads;
	p->head_count = count;
	for (uint32_t i = 0; i < p->word_count; i++) {
		struct pending_word *w = &p->words[i];
		uint32_t *head = &heads[hash_of(w->table, w->word.at, w->word.length) >> 8 & (count - 1)];
		w->next = *head;
		*head = i + 1;
	}
	return true;
}

static bool word_index(struct ck_people_pending *p, uint8_t table, const char *word, size_t length, uint32_t *out)
{
	uint32_t hash = hash_of(table, word, length) >> 8;
	if (p->word_count * 2 >= p->head_count && !rehash(p)) return false;
	for (uint32_t i = p->heads[hash & (p->head_count - 1)]; i != 0; i = p->words[i - 1].next) {
		struct pending_word *w = &p->words[i - 1];
		*out = i - 1;
		if (w->table == table && w->word.length == length && memcmp(w->word.at, word, length) == 0) return true;
	}
	if (p->word_count == p->word_room && !grow((void **)&p->words, &p->word_room, sizeof *p->words, 256)) return false;
	struct pending_word *w = &p->words[p->word_count];
	uint32_t *head = &p->heads[hash & (p->head_count - 1)];
	memset(w, 0, sizeof *w);
	memcpy(w->word.at, word, length);
	w->word.length = (uint8_t)length;
	w->table = table;
	w->next = *head;
	*out = p->word_count++;
	*head = p->word_count;
	return true;
}

enum ck_error ck_pending_add(struct ck_batch *batch, uint8_t table, const char *word, size_t length, uint32_t number, bool remove)
{
	struct ck_people_pending **at = &batch->store->pending, *p;
	uint32_t index;
	if (*at == NULL) *at = calloc(1, sizeof **at);
	p = *at;
	CK_ASSERT(length > 0 && length <= CK_WORD_LIMIT_BYTES);
	if (p == NULL || !word_index(p, table, word, length, &index)) return CK_ERR_MEMORY;
	if (p->count == p->room && !grow((void **)&p->changes, &p->room, sizeof *p->changes, 1024)) return CK_ERR_MEMORY;
	p->changes[p->count++] = (struct pending_change){index | (remove ? REMOVE_BIT : 0), number};
	return CK_OK;
}

bool ck_pending_full(const struct ck_store *store)
{
	const struct ck_people_pending *p = store->pending;
	return p != NULL && (p->count >= ENTRIES_LIMIT || p->word_count >= WORDS_LIMIT);
}

/* ---- in the order of keys ---- */

static int compare_words(const struct ck_people_pending *p, uint32_t a, uint32_t b)
{
	const struct pending_word *x = &p->words[a], *y = &p->words[b];
	if (x->table != y->table) return x->table < y->table ? -1 : 1;
	size_t shorter = x->word.length < y->word.length ? x->word.length : y->word.length;
	int order = memcmp(x->word.at, y->word.at, shorter);
	return order != 0 ? order : (int)x->word.length - (int)y->word.length;
}

static uint32_t digit_of(const struct pending_change *change, unsigned pass)
{
	uint64_t key = (uint64_t)(change->word & ~REMOVE_BIT) << 31 | change->number;
	return (uint32_t)(key >> (pass * DIGIT_BITS)) & (DIGITS - 1);
}

/* By word and number, stable: what came later stays behind. 31 bits of number, 20 of word. */
static void sort_changes(struct ck_people_pending *p, struct pending_change *room)
{
	struct pending_change *from = p->changes, *to = room;
	for (unsigned pass = 0; pass * DIGIT_BITS < 31 + 20; pass++) {
		uint32_t starts[DIGITS] = {0}, sum = 0;
		for (uint32_t i = 0; i < p->count; i++) starts[digit_of(&from[i], pass)]++;
		for (uint32_t d = 0; d < DIGITS; d++) {
			uint32_t here = starts[d];
			starts[d] = sum;
			sum += here;
		}
		for (uint32_t i = 0; i < p->count; i++) to[starts[digit_of(&from[i], pass)]++] = from[i];
		struct pending_change *swap = from;
		from = to;
		to = swap;
	}
	if (from != p->changes) memcpy(p->changes, from, p->count * sizeof *from);
}

/* By merging runs of 1, 2, 4 …: the libc's qsort asks the kernel for the machine's memory, which the writer's sandbox does not grant. */
static void sort_words(const struct ck_people_pending *p, uint32_t *order, uint32_t *room)
{
	uint32_t count = p->word_count, *from = order, *to = room;
	for (uint32_t run = 1; run < count; run *= 2) {
		for (uint32_t begin = 0; begin < count; begin += 2 * run) {
			uint32_t middle = count - begin < run ? count : begin + run, end = count - begin < 2 * run ? count : begin + 2 * run;
			for (uint32_t i = begin, j = middle, k = begin; k < end; k++)
				to[k] = j == end || (i < middle && compare_words(p, from[i], from[j]) <= 0) ? from[i++] : from[j++];
		}
		uint32_t *swap = from;
		from = to;
		to = swap;
	}
	if (from != order) memcpy(order, from, count * sizeof *order);
}

/* Gives words their places in the order of keys. */
static enum ck_error rank_words(struct ck_people_pending *p, uint32_t **out_order)
{
	uint32_t *order = malloc(p->word_count * sizeof *order), *ranks = malloc(p->word_count * sizeof *ranks);
	*out_order = order;
	if (order == NULL || ranks == NULL) {
		free(ranks);
		return CK_ERR_MEMORY;
	}
	for (uint32_t i = 0; i < p->word_count; i++) order[i] = i;
	sort_words(p, order, ranks);
	for (uint32_t i = 0; i < p->word_count; i++) ranks[order[i]] = i;
	for (uint32_t i = 0; i < p->count; i++) p->changes[i].word = ranks[p->changes[i].word & ~REMOVE_BIT] | (p->changes[i].word & REMOVE_BIT);
	free(ranks);
	return CK_OK;
}

/* Of one list, without what a later change takes back; in `out`. */
static size_t last_of_each(const struct pending_change *changes, size_t count, struct ck_list_change *out)
{
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (used > 0 && out[used - 1].number == changes[i].number) used--;
		out[used++] = (struct ck_list_change){changes[i].number, (changes[i].word & REMOVE_BIT) != 0};
	}
	return used;
}

static enum ck_error each_list(struct ck_batch *batch, struct ck_people_pending *p, const uint32_t *order, struct ck_list_change *list,
                               ck_pending_visitor each)
{
	enum ck_error error = CK_OK;
	for (uint32_t at = 0, length; error == CK_OK && at < p->count; at += length) {
		uint32_t rank = p->changes[at].word & ~REMOVE_BIT;
		for (length = 1; at + length < p->count && (p->changes[at + length].word & ~REMOVE_BIT) == rank; length++) continue;
		const struct pending_word *word = &p->words[order[rank]];
		error = each(batch, word->table, &word->word, list, last_of_each(p->changes + at, length, list));
		if (error == CK_OK && !ck_pause()) error = CK_ERR_UNAVAILABLE; /* the batch is to be given up */
	}
	return error;
}

enum ck_error ck_pending_each(struct ck_batch *batch, ck_pending_visitor each)
{
	struct ck_people_pending *p = batch->store->pending;
	if (p == NULL || p->count == 0) return CK_OK;
	uint32_t *order = NULL;
	_Static_assert(sizeof(struct ck_list_change) == sizeof(struct pending_change), "the room to sort in is the list's afterwards");
	struct pending_change *room = malloc(p->count * sizeof *room);
	enum ck_error error = room != NULL ? rank_words(p, &order) : CK_ERR_MEMORY;
	if (error == CK_OK) {
		sort_changes(p, room);
		error = each_list(batch, p, order, (struct ck_list_change *)room, each);
	}
	free(order);
	free(room);
	ck_pending_free(batch->store);
	return error;
}
