/* Walking a range of keys. Cursors are kept from one view to the next, so that a decision allocates nothing. */
#include <string.h>

#include "directory/store/internal.h"

static enum ck_error cursor_take(struct ck_view *view, MDB_cursor **out)
{
	*out = NULL;
	if (view->depth == CK_CURSORS_LIMIT) return CK_ERR_LIMIT;
	MDB_cursor **slot = &view->cursors[view->depth];
	int rc = MDB_SUCCESS;
	if (*slot != NULL && !view->writing) rc = mdb_cursor_renew(view->txn, *slot);
	else rc = mdb_cursor_open(view->txn, view->store->dbi, slot);
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	view->depth++;
	*out = *slot;
	return CK_OK;
}

static void cursor_give_back(struct ck_view *view)
{
	view->depth--;
	if (!view->writing) return;
	mdb_cursor_close(view->cursors[view->depth]);
	view->cursors[view->depth] = NULL;
}

enum ck_error ck_scan(struct ck_view *view, const struct ck_index_key *prefix, const struct ck_index_key *from, ck_scan_visitor each,
                      void *context)
{
	if (prefix->failed) return CK_OK;
	MDB_cursor *cursor;
	enum ck_error error = cursor_take(view, &cursor);
	if (error != CK_OK) return error;
	const struct ck_index_key *start = from != NULL ? from : prefix;
	MDB_val key = {start->length, (void *)(uintptr_t)start->bytes};
	MDB_val value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == MDB_SUCCESS && key.mv_size >= prefix->length && memcmp(key.mv_data, prefix->bytes, prefix->length) == 0) {
		if (!each((struct ck_bytes){key.mv_data, key.mv_size}, (struct ck_bytes){value.mv_data, value.mv_size}, context)) break;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	cursor_give_back(view);
	return rc == MDB_NOTFOUND ? CK_OK : ck_store_error(rc);
}
