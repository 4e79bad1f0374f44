/* An external merge sort. By merging, in memory as well: the libc's qsort asks the kernel for the machine's memory, which the writer's sandbox does not
   grant. */
#include "directory/store/sorter.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "directory/store/spool.h"

#define RUNS_LIMIT 1024u /* of 32 MiB they hold more than a store may; each has 64 KiB to be read in */
#define ITEM_BYTES 48u   /* what most keys with their values have at least: memory is shared out by it */
#define HEAD_BYTES 4u    /* before each item: the lengths of key and value */

/* What is compared first, and where the rest is. */
struct place {
	uint64_t first; /* the key's first eight bytes */
	uint64_t at;
};
struct run {
	struct ck_spool_reader reader;
	struct ck_bytes key, value;
};
struct ck_sorter {
	struct ck_spool *spool; /* NULL: all of it fits into memory so far */
	char *directory;
	uint8_t *memory;
	size_t memory_bytes, used;
	struct place *places, *room; /* room to sort in */
	size_t count, limit;
	size_t taken; /* of what is in memory, once it turned */
	uint64_t ends[RUNS_LIMIT]; /* of the runs in the file */
	size_t run_count;
	struct run *runs;  /* once it turned */
	uint32_t *heap;    /* runs that have something left, the smallest first */
	size_t heap_count;
	bool advance; /* the first of the heap was taken */
};

enum ck_error ck_sorter_new(const char *directory, size_t memory_bytes, struct ck_sorter **out, struct ck_errmsg *err)
{
	struct ck_sorter *sorter = calloc(1, sizeof *sorter);
	*out = sorter;
	if (sorter == NULL) return ck_fail(err, CK_ERR_MEMORY, "out of memory");
	sorter->memory_bytes = memory_bytes;
	sorter->limit = memory_bytes / ITEM_BYTES + 1;
	sorter->directory = strdup(directory);
	sorter->memory = malloc(memory_bytes);
	sorter->places = malloc(sorter->limit * sizeof *sorter->places);
	sorter->room = malloc(sorter->limit * sizeof *sorter->room);
	if (sorter->directory != NULL && sorter->memory != NULL && sorter->places != NULL && sorter->room != NULL) return CK_OK;
	ck_sorter_free(out);
	return ck_fail(err, CK_ERR_MEMORY, "out of memory");
}

static void free_memory(struct ck_sorter *sorter)
{
	free(sorter->memory);
	free(sorter->places);
	free(sorter->room);
	sorter->memory = NULL;
	sorter->places = sorter->room = NULL;
}

void ck_sorter_free(struct ck_sorter **sorter)
{
	if (*sorter == NULL) return;
	for (size_t i = 0; (*sorter)->runs != NULL && i < (*sorter)->run_count; i++) ck_spool_reader_clear(&(*sorter)->runs[i].reader);
	free_memory(*sorter);
	free((*sorter)->directory);
	free((*sorter)->runs);
	free((*sorter)->heap);
	ck_spool_close(&(*sorter)->spool);
	free(*sorter);
	*sorter = NULL;
}

static uint64_t first_of(struct ck_bytes key)
{
	uint64_t big = 0;
	memcpy(&big, key.at, key.length < sizeof big ? key.length : sizeof big);
	return be64toh(big);
}

static int compare_keys(struct ck_bytes a, struct ck_bytes b)
{
	int order = memcmp(a.at, b.at, a.length < b.length ? a.length : b.length);
	if (order != 0) return order;
	return a.length < b.length ? -1 : a.length > b.length;
}

/* ---- in memory ---- */

static size_t lengths_at(const uint8_t *at, struct ck_bytes *out_key, struct ck_bytes *out_value)
{
	uint16_t lengths[2];
	memcpy(lengths, at, sizeof lengths);
	*out_key = (struct ck_bytes){at + HEAD_BYTES, lengths[0]};
	*out_value = (struct ck_bytes){at + HEAD_BYTES + lengths[0], lengths[1]};
	return HEAD_BYTES + (size_t)lengths[0] + lengths[1];
}

static bool is_before(const struct ck_sorter *sorter, const struct place *a, const struct place *b)
{
	struct ck_bytes key_a, key_b, value;
	if (a->first != b->first) return a->first < b->first;
	(void)lengths_at(sorter->memory + a->at, &key_a, &value);
	(void)lengths_at(sorter->memory + b->at, &key_b, &value);
	return compare_keys(key_a, key_b) < 0;
}

static void merge_two(const struct ck_sorter *sorter, const struct place *from, struct place *to, size_t begin, size_t middle, size_t end)
{
	for (size_t i = begin, j = middle, k = begin; k < end; k++)
		to[k] = j == end || (i < middle && !is_before(sorter, &from[j], &from[i])) ? from[i++] : from[j++];
}

static void sort_memory(struct ck_sorter *sorter)
{
	for (size_t run = 1; run < sorter->count; run *= 2) {
		for (size_t begin = 0; begin < sorter->count; begin += 2 * run) {
			size_t middle = sorter->count - begin < run ? sorter->count : begin + run;
			size_t end = sorter->count - begin < 2 * run ? sorter->count : begin + 2 * run;
			merge_two(sorter, sorter->places, sorter->room, begin, middle, end);
		}
		struct place *swap = sorter->places;
		sorter->places = sorter->room;
		sorter->room = swap;
	}
}

static enum ck_error write_run(struct ck_sorter *sorter)
{
	struct ck_errmsg err;
	struct ck_bytes key, value;
	if (sorter->run_count == RUNS_LIMIT) return CK_ERR_LIMIT;
	enum ck_error error = sorter->spool != NULL ? CK_OK : ck_spool_open(sorter->directory, &sorter->spool, &err);
	sort_memory(sorter);
	for (size_t i = 0; error == CK_OK && i < sorter->count; i++) {
		const uint8_t *item = sorter->memory + sorter->places[i].at;
		error = ck_spool_put(sorter->spool, item, lengths_at(item, &key, &value));
	}
	if (error != CK_OK) return error;
	sorter->ends[sorter->run_count++] = ck_spool_size(sorter->spool);
	sorter->used = sorter->count = 0;
	return CK_OK;
}

enum ck_error ck_sorter_add(struct ck_sorter *sorter, struct ck_bytes key, struct ck_bytes value)
{
	size_t length = HEAD_BYTES + key.length + value.length;
	if (key.length > UINT16_MAX || value.length > UINT16_MAX || length > sorter->memory_bytes) return CK_ERR_LIMIT;
	if (sorter->count == sorter->limit || length > sorter->memory_bytes - sorter->used) {
		enum ck_error error = write_run(sorter);
		if (error != CK_OK) return error;
	}
	uint8_t *at = sorter->memory + sorter->used;
	uint16_t lengths[2] = {(uint16_t)key.length, (uint16_t)value.length};
	memcpy(at, lengths, sizeof lengths);
	memcpy(at + HEAD_BYTES, key.at, key.length);
	if (value.length > 0) memcpy(at + HEAD_BYTES + key.length, value.at, value.length);
	sorter->places[sorter->count++] = (struct place){first_of(key), sorter->used};
	sorter->used += length;
	return CK_OK;
}

/* ---- merging ---- */

static enum ck_error read_item(struct run *run)
{
	const uint8_t *head, *item;
	uint16_t lengths[2];
	enum ck_error error = ck_spool_get(&run->reader, HEAD_BYTES, &head);
	if (error != CK_OK) return error;
	memcpy(lengths, head, sizeof lengths);
	size_t length = (size_t)lengths[0] + lengths[1];
	error = ck_spool_get(&run->reader, length, &item);
	/* an item has a key */
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_ERR_IO : error;
	run->key = (struct ck_bytes){item, lengths[0]};
	run->value = (struct ck_bytes){item + lengths[0], lengths[1]};
	return CK_OK;
}

static bool run_is_before(const struct ck_sorter *sorter, size_t a, size_t b)
{
	return compare_keys(sorter->runs[sorter->heap[a]].key, sorter->runs[sorter->heap[b]].key) < 0;
}

static void sink(struct ck_sorter *sorter, size_t at)
{
	for (;;) {
		size_t least = at, left = 2 * at + 1, right = left + 1;
		if (left < sorter->heap_count && run_is_before(sorter, left, least)) least = left;
		if (right < sorter->heap_count && run_is_before(sorter, right, least)) least = right;
		if (least == at) return;
		uint32_t swap = sorter->heap[at];
		sorter->heap[at] = sorter->heap[least];
		sorter->heap[least] = swap;
		at = least;
	}
}

enum ck_error ck_sorter_turn(struct ck_sorter *sorter)
{
	if (sorter->spool == NULL) {
		sort_memory(sorter);
		return CK_OK;
	}
	enum ck_error error = sorter->count > 0 ? write_run(sorter) : CK_OK;
	if (error == CK_OK) error = ck_spool_flush(sorter->spool);
	if (error != CK_OK) return error;
	free_memory(sorter);
	sorter->runs = calloc(sorter->run_count, sizeof *sorter->runs);
	sorter->heap = calloc(sorter->run_count, sizeof *sorter->heap);
	if (sorter->runs == NULL || sorter->heap == NULL) return CK_ERR_MEMORY;
	for (size_t i = 0; error == CK_OK && i < sorter->run_count; i++) {
		struct run *run = &sorter->runs[i];
		run->reader = (struct ck_spool_reader){.spool = sorter->spool, .at = i > 0 ? sorter->ends[i - 1] : 0, .end = sorter->ends[i]};
		error = read_item(run);
		sorter->heap[sorter->heap_count++] = (uint32_t)i;
	}
	for (size_t i = sorter->heap_count; error == CK_OK && i-- > 0;) sink(sorter, i);
	return error == CK_ERR_NOT_FOUND ? CK_ERR_IO : error;
}

static enum ck_error next_in_memory(struct ck_sorter *sorter, struct ck_bytes *out_key, struct ck_bytes *out_value)
{
	if (sorter->taken == sorter->count) return CK_ERR_NOT_FOUND;
	(void)lengths_at(sorter->memory + sorter->places[sorter->taken++].at, out_key, out_value);
	return CK_OK;
}

enum ck_error ck_sorter_next(struct ck_sorter *sorter, struct ck_bytes *out_key, struct ck_bytes *out_value)
{
	if (sorter->spool == NULL) return next_in_memory(sorter, out_key, out_value);
	if (sorter->advance) {
		enum ck_error error = read_item(&sorter->runs[sorter->heap[0]]);
		if (error == CK_ERR_NOT_FOUND) sorter->heap[0] = sorter->heap[--sorter->heap_count];
		else if (error != CK_OK) return error;
		sink(sorter, 0);
	}
	sorter->advance = sorter->heap_count > 0;
	if (sorter->heap_count == 0) return CK_ERR_NOT_FOUND;
	*out_key = sorter->runs[sorter->heap[0]].key;
	*out_value = sorter->runs[sorter->heap[0]].value;
	return CK_OK;
}
