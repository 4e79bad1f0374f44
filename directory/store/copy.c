/* Copying in the order of keys: LMDB appends, so that pages are full and lie in order. Some at a time, so that what is not yet written stays small. */
#include <string.h>

#include "directory/store/internal.h"

#define COPY_BYTES (16u << 20) /* between two commits */

struct copying {
	struct ck_store *from, *to;
	MDB_txn *reading, *writing;
	size_t bytes; /* since the last commit */
};

static int commit_some(struct copying *c)
{
	int rc = mdb_txn_commit(c->writing);
	c->writing = NULL;
	c->bytes = 0;
	return rc == MDB_SUCCESS ? mdb_txn_begin(c->to->env, NULL, 0, &c->writing) : rc;
}

/* The tree is emptied first: a file is begun with a state. */
static int copy_tree(struct copying *c, size_t tree)
{
	MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int rc = mdb_drop(c->writing, c->to->dbi[tree], 0);
	if (rc == MDB_SUCCESS) rc = mdb_cursor_open(c->reading, c->from->dbi[tree], &cursor);
	while (rc == MDB_SUCCESS && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
		rc = mdb_put(c->writing, c->to->dbi[tree], &key, &value, MDB_APPEND);
		/* keys that are not in order: damage, not a doubled key */
		if (rc == MDB_KEYEXIST) rc = MDB_CORRUPTED;
		c->bytes += key.mv_size + value.mv_size;
		if (rc == MDB_SUCCESS && c->bytes >= COPY_BYTES) rc = commit_some(c);
	}
	if (cursor != NULL) mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

enum ck_error ck_store_copy(struct ck_store *from, struct ck_store *to, struct ck_errmsg *err)
{
	struct copying c = {.from = from, .to = to};
	int rc = mdb_txn_begin(from->env, NULL, MDB_RDONLY, &c.reading);
	if (rc == MDB_SUCCESS) rc = mdb_txn_begin(to->env, NULL, 0, &c.writing);
	for (size_t tree = 0; rc == MDB_SUCCESS && tree < CK_TREES; tree++) rc = copy_tree(&c, tree);
	if (c.writing != NULL && rc == MDB_SUCCESS) rc = mdb_txn_commit(c.writing);
	else if (c.writing != NULL) mdb_txn_abort(c.writing);
	if (c.reading != NULL) mdb_txn_abort(c.reading);
	if (rc != MDB_SUCCESS) return ck_store_fail(err, rc, "cannot copy", from->name);
	enum ck_error error = ck_store_extend(to);
	return error == CK_OK ? CK_OK : ck_fail(err, error, "cannot extend %s", to->name);
}
