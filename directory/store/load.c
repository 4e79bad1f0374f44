/* A full refresh. Keys come in the order of the directory, which is none of ours: inserted one by one they would dirty nearly every page of the file with each
   commit. So they are sorted outside of LMDB and appended at the end: full pages, each written once. What is asked meanwhile is whether something came before;
   whoever may be second is put off by the caller until the copy can be read (CK_ERR_CONFLICT), so that the one known first is found as ever. */
#include "directory/store/load.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "directory/base/fiber.h"

#define SORTER_BYTES ((size_t)32 << 20) /* and 22 MiB to sort them by */
#define NEAR_BYTES ((size_t)8 << 20)
#define APPEND_BYTES ((size_t)16 << 20) /* between two commits: what is not yet written stays small */
#define FLUSH_BYTES ((size_t)64 << 20)  /* so that no flush takes long */
#define SEGMENT_NUMBERS 1024u           /* of a list, in one item of the sorter */
#define PAUSE_ITEMS 64u                 /* others have waited for so many at most, before they get their turn */

/* ---- what comes in ---- */

void ck_load_free(struct ck_store *store)
{
	struct ck_load *load = store->load;
	if (load == NULL) return;
	ck_sorter_free(&load->sorter);
	ck_sorter_free(&load->near);
	ck_seen_free(&load->seen);
	free(load);
	store->load = NULL;
}

enum ck_error ck_store_load_begin(struct ck_store *next, struct ck_errmsg *err)
{
	CK_ASSERT(next->writer && next->load == NULL && !next->batching);
	next->load = calloc(1, sizeof *next->load);
	if (next->load == NULL) return ck_fail(err, CK_ERR_MEMORY, "out of memory");
	enum ck_error error = ck_sorter_new(next->directory, SORTER_BYTES, &next->load->sorter, err);
	if (error == CK_OK) error = ck_sorter_new(next->directory, NEAR_BYTES, &next->load->near, err);
	if (error == CK_OK && ck_seen_new(&next->load->seen) != CK_OK) error = ck_fail(err, CK_ERR_MEMORY, "out of memory");
	if (error != CK_OK) ck_load_free(next);
	return error;
}

bool ck_load_takes(const struct ck_load *load, const struct ck_index_key *key)
{
	uint8_t table = key->bytes[0];
	if (load->appending) return table == CK_TABLE_VOCABULARY || table == CK_TABLE_NEAR;
	/* few, and read while the rest comes: whose authority somebody is, and which numbers it has given */
	return table != CK_KIND_AUTHORITY && table != CK_TABLE_META && table != CK_TABLE_NOTE && table != CK_TABLE_BLOCK && table != CK_TABLE_BLOCKS_OF;
}

static enum ck_error put_outside(struct ck_load *load, struct ck_sorter *sorter, struct ck_bytes key, struct ck_bytes value)
{
	load->sum_put += ck_kv_mark(key, value);
	return ck_sorter_add(sorter, key, value);
}

enum ck_error ck_load_add(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes value)
{
	struct ck_load *load = batch->store->load;
	struct ck_bytes bytes = {key->bytes, key->length};
	batch->meta.sum += ck_kv_mark(bytes, value);
	return put_outside(load, load->appending ? load->near : load->sorter, bytes, value);
}

static bool is_list(uint8_t table)
{
	return table >= CK_TABLE_NAME_WORD && table <= CK_TABLE_AUTHORITY_PREFIX;
}

/* Behind the list's key the first number, so that its segments come in order. */
enum ck_error ck_load_add_list(struct ck_load *load, const struct ck_index_key *list, const struct ck_list_change *changes, size_t count)
{
	uint32_t numbers[SEGMENT_NUMBERS];
	enum ck_error error = CK_OK;
	for (size_t at = 0, part; error == CK_OK && at < count; at += part) {
		struct ck_index_key key = *list;
		uint32_t big = htobe32(changes[at].number);
		part = count - at < SEGMENT_NUMBERS ? count - at : SEGMENT_NUMBERS;
		for (size_t i = 0; i < part; i++) {
			CK_ASSERT(!changes[at + i].remove); /* nothing is taken out of what is only being built */
			numbers[i] = changes[at + i].number;
		}
		ck_index_add_bytes(&key, &big, sizeof big);
		if (key.failed) return CK_ERR_LIMIT;
		error = ck_sorter_add(load->sorter, (struct ck_bytes){key.bytes, key.length}, (struct ck_bytes){(const uint8_t *)numbers, part * sizeof *numbers});
	}
	return error;
}

/* ---- the end: everything once, in order ---- */

struct appending {
	struct ck_batch *batch;
	struct ck_load *load;
	size_t bytes, unflushed; /* since the last commit, and the last flush */
	size_t items;
	struct ck_index_key list; /* whose numbers are being gathered; empty: none */
	uint32_t *numbers;
	size_t count, room;
};

static enum ck_error commit_some(struct appending *a)
{
	struct ck_batch *batch = a->batch;
	if (++a->items % PAUSE_ITEMS == 0 && !ck_pause()) return CK_ERR_UNAVAILABLE;
	if (a->bytes < APPEND_BYTES) return CK_OK;
	a->unflushed += a->bytes;
	a->bytes = 0;
	int rc = mdb_txn_commit(batch->txn);
	batch->txn = NULL;
	if (rc == MDB_SUCCESS && a->unflushed >= FLUSH_BYTES) {
		a->unflushed = 0;
		rc = mdb_env_sync(batch->store->env, 1);
	}
	if (rc == MDB_SUCCESS) rc = mdb_txn_begin(batch->store->env, NULL, 0, &batch->txn);
	batch->view.txn = batch->txn;
	return ck_store_error(rc);
}

static enum ck_error append(struct appending *a, struct ck_bytes key, struct ck_bytes value)
{
	MDB_dbi tree = a->batch->store->dbi[key.at[0] >= CK_TABLE_PEOPLE_FIRST ? CK_TREE_PEOPLE : CK_TREE_RECORDS];
	MDB_val name = {key.length, (void *)(uintptr_t)key.at};
	MDB_val data = {value.length, (void *)(uintptr_t)value.at};
	a->load->sum_taken += ck_kv_mark(key, value);
	a->bytes += key.length + value.length;
	return ck_store_error(mdb_put(a->batch->txn, tree, &name, &data, MDB_APPEND));
}

static enum ck_error end_list(struct appending *a)
{
	if (a->list.length == 0) return CK_OK;
	enum ck_error error = ck_people_append(a->batch, &a->list, a->numbers, a->count);
	a->bytes += a->count * sizeof *a->numbers;
	a->list.length = 0;
	a->count = 0;
	return error;
}

/* Merges from the back: what is new lies behind nearly all that is there. What came twice stays once. */
static void merge_back(struct appending *a, const uint32_t *more, size_t count)
{
	size_t i = a->count, j = count, k = a->count + count, equal = 0;
	while (j > 0) {
		if (i > 0 && a->numbers[i - 1] == more[j - 1]) {
			a->numbers[--k] = more[--j];
			i--;
			equal++;
		} else if (i > 0 && a->numbers[i - 1] > more[j - 1]) {
			a->numbers[--k] = a->numbers[--i];
		} else {
			a->numbers[--k] = more[--j];
		}
	}
	/* what was merged lies behind a gap */
	memmove(a->numbers + i, a->numbers + i + equal, (a->count + count - i - equal) * sizeof *a->numbers);
	a->count += count - equal;
}

static enum ck_error gather(struct appending *a, struct ck_bytes key, struct ck_bytes value)
{
	uint32_t more[SEGMENT_NUMBERS];
	size_t count = value.length / sizeof *more;
	enum ck_error error = CK_OK;
	if (key.length <= sizeof(uint32_t) || value.length > sizeof more) return CK_ERR_IO; /* the file gave back something else */
	size_t length = key.length - sizeof(uint32_t);
	if (a->list.length != length || memcmp(a->list.bytes, key.at, length) != 0) {
		error = end_list(a);
		a->list = (struct ck_index_key){.length = 0};
		ck_index_add_bytes(&a->list, key.at, length);
	}
	if (error == CK_OK && a->count + count > a->room) {
		size_t room = 2 * (a->count + count);
		uint32_t *grown = realloc(a->numbers, room * sizeof *grown);
		if (grown == NULL) return CK_ERR_MEMORY;
		a->numbers = grown;
		a->room = room;
	}
	if (error != CK_OK) return error;
	memcpy(more, value.at, value.length);
	merge_back(a, more, count);
	return CK_OK;
}

static enum ck_error append_all(struct appending *a)
{
	struct ck_bytes key, value;
	enum ck_error error = ck_sorter_turn(a->load->sorter);
	while (error == CK_OK && (error = ck_sorter_next(a->load->sorter, &key, &value)) == CK_OK) {
		if (key.length == 0) return CK_ERR_IO;
		if (is_list(key.at[0])) error = gather(a, key, value);
		else error = append(a, key, value);
		if (error == CK_OK) error = commit_some(a);
	}
	if (error == CK_ERR_NOT_FOUND) error = end_list(a);
	if (error == CK_OK) error = ck_sorter_turn(a->load->near);
	while (error == CK_OK && (error = ck_sorter_next(a->load->near, &key, &value)) == CK_OK) {
		error = key.length > 0 ? append(a, key, value) : CK_ERR_IO;
		if (error == CK_OK) error = commit_some(a);
	}
	if (error != CK_ERR_NOT_FOUND) return error;
	return a->load->sum_taken == a->load->sum_put ? CK_OK : CK_ERR_IO;
}

/* The file was begun with a state, and nothing may stand in the way of what is appended. */
static enum ck_error empty_trees(struct ck_batch *batch)
{
	int rc = MDB_SUCCESS;
	for (size_t tree = 0; rc == MDB_SUCCESS && tree < CK_TREES; tree++) rc = mdb_drop(batch->txn, batch->store->dbi[tree], 0);
	return ck_store_error(rc);
}

static enum ck_error append_into(struct ck_store *packed, const struct ck_meta *meta, struct ck_errmsg *err)
{
	struct ck_batch *batch;
	enum ck_error error = ck_batch_begin(packed, &batch, err);
	if (error != CK_OK) return error;
	struct appending appending = {.batch = batch, .load = packed->load};
	batch->meta = *meta;
	error = empty_trees(batch);
	if (error == CK_OK) error = append_all(&appending);
	free(appending.numbers);
	/* nothing is damaged that was there: what was put aside for the new copy did not come back as it was */
	if (error == CK_ERR_CORRUPT || error == CK_ERR_EXISTS) error = CK_ERR_IO;
	if (error == CK_OK) return ck_batch_commit(&batch, err);
	ck_batch_abort(&batch);
	return ck_fail(err, error, "the refreshed copy cannot be written to %s", packed->name);
}

enum ck_error ck_store_load_flush(struct ck_store *next, struct ck_errmsg *err)
{
	int rc = mdb_env_sync(next->env, 1);
	return rc == MDB_SUCCESS ? CK_OK : ck_store_fail(err, rc, "cannot flush", next->name);
}

/* ---- from the file that was begun to the one that will be the copy ---- */

static enum ck_error flush_lists(struct ck_store *next, struct ck_meta *out_meta, struct ck_errmsg *err)
{
	struct ck_batch *batch;
	enum ck_error error = ck_batch_begin(next, &batch, err);
	if (error != CK_OK) return error;
	error = ck_people_flush(batch);
	*out_meta = batch->meta;
	if (error == CK_OK) return ck_batch_commit(&batch, err);
	ck_batch_abort(&batch);
	return ck_fail(err, error, "what was put aside cannot be written");
}

/* What was read meanwhile joins the rest; the state is written anew. */
static int put_staged(struct ck_store *next, MDB_txn *txn, size_t tree)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	enum ck_error error = CK_OK;
	int rc = mdb_cursor_open(txn, next->dbi[tree], &cursor);
	while (error == CK_OK && rc == MDB_SUCCESS && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
		struct ck_bytes name = {key.mv_data, key.mv_size}, data = {value.mv_data, value.mv_size};
		if (name.at[0] != CK_TABLE_META) error = put_outside(next->load, next->load->sorter, name, data);
	}
	if (cursor != NULL) mdb_cursor_close(cursor);
	return error != CK_OK ? EIO : rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static enum ck_error put_all_staged(struct ck_store *next, struct ck_errmsg *err)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(next->env, NULL, MDB_RDONLY, &txn);
	for (size_t tree = 0; rc == MDB_SUCCESS && tree < CK_TREES; tree++) rc = put_staged(next, txn, tree);
	if (txn != NULL) mdb_txn_abort(txn);
	return rc == MDB_SUCCESS ? CK_OK : ck_store_fail(err, rc, "cannot read", next->name);
}

enum ck_error ck_store_load_end(struct ck_store **next, struct ck_errmsg *err)
{
	struct ck_store *packed = NULL;
	struct ck_meta meta;
	CK_ASSERT((*next)->load != NULL && !(*next)->batching);
	ck_seen_free(&(*next)->load->seen); /* room for what comes now */
	enum ck_error error = flush_lists(*next, &meta, err);
	if (error == CK_OK) error = put_all_staged(*next, err);
	if (error == CK_OK) error = ck_store_begin_next((*next)->directory, &packed, err);
	if (error != CK_OK) return error;
	packed->load = (*next)->load;
	(*next)->load = NULL;
	packed->load->appending = true;
	error = append_into(packed, &meta, err);
	if (error == CK_OK) error = ck_store_load_flush(packed, err);
	ck_load_free(packed);
	if (error != CK_OK) {
		ck_store_close(&packed);
		return error;
	}
	ck_store_replace(next, packed);
	return CK_OK;
}
