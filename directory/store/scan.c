/* Walking a range of keys. Cursors are kept from one view to the next, so that a decision allocates nothing, and keep their place within one: what is near
   what was read before is found without descending again. */
#include <string.h>

#include "directory/store/internal.h"

static enum ck_tree tree_of(const struct ck_index_key *key)
{
	return key->length > 0 && key->bytes[0] >= CK_TABLE_PEOPLE_FIRST ? CK_TREE_PEOPLE : CK_TREE_RECORDS;
}

static enum ck_error cursor_take(struct ck_view *view, enum ck_tree tree, MDB_cursor **out)
{
	*out = NULL;
	if (view->depth[tree] == CK_CURSORS_LIMIT) return CK_ERR_LIMIT;
	MDB_cursor **slot = &view->cursors[tree][view->depth[tree]];
	int rc = MDB_SUCCESS;
	if (view->writing || *slot == NULL) rc = mdb_cursor_open(view->txn, view->store->dbi[tree], slot);
	else if (view->depth[tree] >= view->renewed[tree]) rc = mdb_cursor_renew(view->txn, *slot);
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	view->depth[tree]++;
	if (view->renewed[tree] < view->depth[tree]) view->renewed[tree] = view->depth[tree];
	*out = *slot;
	return CK_OK;
}

/* rc: what it said last; one that failed stands nowhere. */
static void cursor_give_back(struct ck_view *view, enum ck_tree tree, int rc)
{
	view->depth[tree]--;
	if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) view->renewed[tree] = view->depth[tree];
	if (!view->writing) return;
	mdb_cursor_close(view->cursors[tree][view->depth[tree]]);
	view->cursors[tree][view->depth[tree]] = NULL;
}

static bool has_prefix(const MDB_val *key, const struct ck_index_key *prefix)
{
	return key->mv_size >= prefix->length && memcmp(key->mv_data, prefix->bytes, prefix->length) == 0;
}

enum ck_error ck_scan(struct ck_view *view, const struct ck_index_key *prefix, const struct ck_index_key *from, ck_scan_visitor each,
                      void *context)
{
	if (prefix->failed) return CK_OK;
	const struct ck_index_key *start = from != NULL ? from : prefix;
	enum ck_tree tree = tree_of(start);
	MDB_cursor *cursor;
	enum ck_error error = cursor_take(view, tree, &cursor);
	if (error != CK_OK) return error;
	MDB_val key = {start->length, (void *)(uintptr_t)start->bytes};
	MDB_val value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == MDB_SUCCESS && has_prefix(&key, prefix)) {
		if (!each((struct ck_bytes){key.mv_data, key.mv_size}, (struct ck_bytes){value.mv_data, value.mv_size}, context)) break;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	cursor_give_back(view, tree, rc);
	return rc == MDB_NOTFOUND ? CK_OK : ck_store_error(rc);
}

enum ck_error ck_scan_first(struct ck_view *view, const struct ck_index_key *prefix, const struct ck_index_key *from, struct ck_bytes *out_key,
                            struct ck_bytes *out_value)
{
	if (prefix->failed || from->failed) return CK_ERR_NOT_FOUND;
	enum ck_tree tree = tree_of(from);
	MDB_cursor *cursor;
	enum ck_error error = cursor_take(view, tree, &cursor);
	if (error != CK_OK) return error;
	MDB_val key = {from->length, (void *)(uintptr_t)from->bytes};
	MDB_val value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	cursor_give_back(view, tree, rc);
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	if (!has_prefix(&key, prefix)) return CK_ERR_NOT_FOUND;
	*out_key = (struct ck_bytes){key.mv_data, key.mv_size};
	*out_value = (struct ck_bytes){value.mv_data, value.mv_size};
	return CK_OK;
}

/* ---- walkers ---- */

size_t ck_scan_take_walker(struct ck_view *view)
{
	size_t at = view->walkers_used;
	CK_ASSERT(!view->writing);
	if (at == CK_WALKERS_LIMIT) return CK_WALKER_NONE;
	int rc = MDB_SUCCESS;
	if (view->walkers[at] == NULL) rc = mdb_cursor_open(view->txn, view->store->dbi[CK_TREE_PEOPLE], &view->walkers[at]);
	else if (at >= view->walkers_renewed) rc = mdb_cursor_renew(view->txn, view->walkers[at]);
	if (rc != MDB_SUCCESS) return CK_WALKER_NONE;
	view->walkers_used++;
	if (view->walkers_renewed < view->walkers_used) view->walkers_renewed = view->walkers_used;
	return at;
}

void ck_scan_free_walkers(struct ck_view *view)
{
	view->walkers_used = 0;
}

enum ck_error ck_scan_first_by(struct ck_view *view, size_t walker, bool onward, const struct ck_index_key *prefix, const struct ck_index_key *from,
                               struct ck_bytes *out_key, struct ck_bytes *out_value)
{
	MDB_cursor *cursor = view->walkers[walker];
	MDB_val key, value;
	int rc = MDB_SUCCESS;
	bool there = false;
	if (prefix->failed || from->failed) return CK_ERR_NOT_FOUND;
	if (onward) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		if (rc == MDB_SUCCESS && !has_prefix(&key, prefix)) return CK_ERR_NOT_FOUND;
		there = rc == MDB_SUCCESS && key.mv_size >= from->length && memcmp(key.mv_data, from->bytes, from->length) >= 0;
	}
	if (rc == MDB_SUCCESS && !there) {
		key = (MDB_val){from->length, (void *)(uintptr_t)from->bytes};
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	}
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	if (!has_prefix(&key, prefix)) return CK_ERR_NOT_FOUND;
	*out_key = (struct ck_bytes){key.mv_data, key.mv_size};
	*out_value = (struct ck_bytes){value.mv_data, value.mv_size};
	return CK_OK;
}

/* ---- the last ---- */

enum ck_error ck_scan_last(struct ck_view *view, const struct ck_index_key *prefix, struct ck_bytes *out_key, struct ck_bytes *out_value)
{
	/* longer than what is appended to any prefix, and greater */
	struct ck_index_key after = *prefix;
	for (size_t i = 0; i < sizeof(struct ck_id) + 1; i++) ck_index_add_byte(&after, 0xff);
	if (after.failed) return CK_ERR_NOT_FOUND;
	enum ck_tree tree = tree_of(prefix);
	MDB_cursor *cursor;
	enum ck_error error = cursor_take(view, tree, &cursor);
	if (error != CK_OK) return error;
	MDB_val key = {after.length, after.bytes};
	MDB_val value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (rc == MDB_SUCCESS) rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
	else if (rc == MDB_NOTFOUND) rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	cursor_give_back(view, tree, rc);
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	if (!has_prefix(&key, prefix)) return CK_ERR_NOT_FOUND;
	*out_key = (struct ck_bytes){key.mv_data, key.mv_size};
	*out_value = (struct ck_bytes){value.mv_data, value.mv_size};
	return CK_OK;
}
