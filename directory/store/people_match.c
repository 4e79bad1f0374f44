/* Walking the lists of one word together, in the order of numbers. Any list may be asked for any number at any time: it remembers what it has read, so
   that a walk that begins anew reads nothing twice. */
#include "directory/store/people_match.h"

void ck_match_fail(struct ck_match *match, enum ck_error error)
{
	if (match->error == CK_OK && error != CK_OK && error != CK_ERR_NOT_FOUND) match->error = error;
}

/* ---- one list ---- */

/* The first from `at` on that is not before this number: in growing steps, then between them. One loop for each width, without a question what it is. */
#define DEFINE_FIND(name, type, native)                                                                          \
	static inline type name##_at(const uint8_t *numbers, size_t i)                                               \
	{                                                                                                            \
		type number;                                                                                             \
		memcpy(&number, numbers + i * sizeof number, sizeof number);                                             \
		return native(number);                                                                                   \
	}                                                                                                            \
	static size_t name(const uint8_t *numbers, size_t count, size_t at, type number)                             \
	{                                                                                                            \
		size_t step = 1, low = at;                                                                               \
		while (low + step < count && name##_at(numbers, low + step) < number) {                                  \
			low += step;                                                                                         \
			step *= 2;                                                                                           \
		}                                                                                                        \
		size_t left = (low + step < count ? low + step : count) - low;                                           \
		while (left > 0) {                                                                                       \
			size_t half = left / 2;                                                                              \
			bool behind = name##_at(numbers, low + half) < number;                                               \
			low = behind ? low + half + 1 : low;                                                                 \
			left = behind ? left - half - 1 : half;                                                              \
		}                                                                                                        \
		return low;                                                                                              \
	}
DEFINE_FIND(find_narrow, uint16_t, le16toh)
DEFINE_FIND(find_wide, uint32_t, le32toh)

static size_t find_in_chunk(const struct ck_list_chunk *chunk, size_t at, uint32_t number)
{
	if (chunk->width == 4) return find_wide(chunk->numbers, chunk->count, at, number);
	if (number <= chunk->base) return 0;
	return number > chunk->last ? chunk->count : find_narrow(chunk->numbers, chunk->count, at, (uint16_t)(number - chunk->base));
}

/* As far behind this chunk as it is long: likely in the next one. */
static bool is_near(const struct ck_list_chunk *chunk, uint32_t from)
{
	return from - chunk->last <= chunk->last - ck_list_number(chunk, 0);
}

static bool load_chunk(struct ck_match *match, struct ck_match_list *list, uint32_t from)
{
	struct ck_index_key key;
	bool onward = list->loaded && list->walker != CK_WALKER_NONE && from > list->chunk.last && is_near(&list->chunk, from);
	ck_list_key(&key, list->table, list->word.at, list->word.length);
	*match->work += CK_DESCENT_WORK;
	if (list->loaded && list->walker == CK_WALKER_NONE) list->walker = (uint8_t)ck_scan_take_walker(match->view);
	enum ck_error error = list->walker == CK_WALKER_NONE ? ck_list_seek(match->view, &key, from, &list->chunk)
	                                                     : ck_list_seek_by(match->view, list->walker, onward, &key, from, &list->chunk);
	list->loaded = error == CK_OK;
	if (error == CK_ERR_NOT_FOUND) list->end = from;
	ck_match_fail(match, error);
	list->sought = from;
	list->at = 0;
	return list->loaded;
}

static uint32_t next_in_list(struct ck_match *match, struct ck_match_list *list, uint32_t from)
{
	if (from >= list->end) return CK_NUMBER_NONE;
	if (!list->loaded || from > list->chunk.last || from < list->sought) {
		if (!load_chunk(match, list, from)) return CK_NUMBER_NONE;
	} else if (from < list->low) {
		list->at = 0;
	}
	list->at = find_in_chunk(&list->chunk, list->at, from);
	if (list->at < list->chunk.count) return ck_list_number(&list->chunk, list->at);
	ck_match_fail(match, CK_ERR_CORRUPT); /* its last one is not before */
	return CK_NUMBER_NONE;
}

static uint32_t next_in_blocks(const struct ck_match *match, unsigned fit, uint32_t from)
{
	uint32_t block = from >> CK_BLOCK_BITS;
	if (block < match->block_count && match->blocks[block] == fit + 1) return from;
	for (block++; block < match->block_count; block++)
		if (match->blocks[block] == fit + 1) return block << CK_BLOCK_BITS;
	return CK_NUMBER_NONE;
}

void ck_match_move(struct ck_match *match, struct ck_match_list *list, uint32_t from)
{
	(*match->work)++;
	list->current = list->table == 0 ? next_in_blocks(match, list->fit, from) : next_in_list(match, list, from);
	list->low = from;
}

/* ---- all of them ---- */

void ck_match_limit(struct ck_match *match, enum ck_fit best, enum ck_fit worst)
{
	match->first = best == 0 ? 0 : match->ends[best - 1];
	match->last = match->ends[worst];
}

uint64_t ck_match_weight(const struct ck_match *match)
{
	uint64_t weight = 0;
	for (size_t i = match->first; i < match->last; i++) weight += match->lists[match->order[i]].weight;
	return weight;
}

uint32_t ck_match_next(struct ck_match *match, uint32_t from)
{
	uint32_t next = CK_NUMBER_NONE;
	for (size_t i = match->first; i < match->last; i++) {
		struct ck_match_list *list = &match->lists[match->order[i]];
		ck_match_advance(match, list, from);
		if (list->current < next) next = list->current;
	}
	return match->error == CK_OK ? next : CK_NUMBER_NONE;
}

bool ck_match_is_person(const struct ck_match *match, uint32_t number)
{
	for (size_t i = match->first; i < match->last; i++) {
		const struct ck_match_list *list = &match->lists[match->order[i]];
		if (list->table != 0 && list->current == number) return true;
	}
	return false;
}

enum ck_fit ck_match_fit(struct ck_match *match, uint32_t number, uint32_t *out_next)
{
	uint32_t next = CK_NUMBER_NONE;
	*out_next = number;
	for (size_t i = 0; i < match->last; i++) {
		struct ck_match_list *list = &match->lists[match->order[i]];
		ck_match_advance(match, list, number);
		if (list->current == number) return (enum ck_fit)list->fit;
		if (i >= match->first && list->current < next) next = list->current;
	}
	*out_next = match->error == CK_OK ? next : CK_NUMBER_NONE;
	return CK_FIT_NONE;
}

enum ck_fit ck_match_best(const struct ck_match *match, uint32_t from)
{
	for (size_t i = match->first; i < match->last; i++) {
		const struct ck_match_list *list = &match->lists[match->order[i]];
		if (list->current != CK_NUMBER_NONE || list->low > from) return (enum ck_fit)list->fit;
	}
	return CK_FIT_NONE;
}
