/* Reading: the snapshot, and what finds one record. A record that comes back must be the one that was asked for: a damaged index that
   leads elsewhere is damage, never an answer. What cannot be checked here is damage that makes LMDB read outside the file: the process
   then dies (SIGBUS, SIGSEGV or LMDB's own assertion), which is the same as CK_ERR_CORRUPT to whoever started it. */
#include <stdlib.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/store/flat.h"
#include "directory/store/internal.h"
#include "directory/store/recall.h"

static enum ck_error view_renew(struct ck_store *store)
{
	int rc = store->reader == NULL ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->reader) : mdb_txn_renew(store->reader);
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	store->view.store = store;
	store->view.txn = store->reader;
	store->view.meta = &store->view.meta_read;
	store->view.writing = false;
	memset(store->view.depth, 0, sizeof store->view.depth);
	memset(store->view.renewed, 0, sizeof store->view.renewed);
	store->view.walkers_renewed = 0;
	size_t snapshot = mdb_txn_id(store->reader);
	if (snapshot != 0 && snapshot == store->view.snapshot) return CK_OK; /* what was read of it is as it was */
	store->view.snapshot = 0;
	ck_recall_begin(&store->view);
	enum ck_error error = ck_meta_get(&store->view, &store->view.meta_read);
	if (error == CK_OK) store->view.snapshot = snapshot;
	else mdb_txn_reset(store->reader);
	return error;
}

/* The mark in the old file tells at once; the look at the link is for a writer that died between two files. */
static bool view_outdated(struct ck_store *store)
{
	if (store->writer) return false;
	int64_t now_ms = ck_clock_monotonic_ms();
	if (!store->view.meta_read.superseded && now_ms - store->link_checked_ms < CK_LINK_CHECK_MS) return false;
	store->link_checked_ms = now_ms;
	return ck_store_link_moved(store);
}

enum ck_error ck_view_begin(struct ck_store *store, struct ck_view **out)
{
	*out = NULL;
	CK_ASSERT(!store->viewing);
	if (store->env == NULL) {
		enum ck_error error = ck_store_open_link(store, NULL);
		if (error != CK_OK) return error;
	}
	enum ck_error error = view_renew(store);
	if ((error == CK_OK || error == CK_ERR_CORRUPT) && view_outdated(store)) {
		if (error == CK_OK) mdb_txn_reset(store->reader);
		ck_store_close_env(store);
		error = ck_store_open_link(store, NULL);
		if (error == CK_OK) error = view_renew(store);
	}
	if (error != CK_OK) return error;
	store->viewing = true;
	*out = &store->view;
	return CK_OK;
}

void ck_view_end(struct ck_view **view)
{
	if (*view == NULL) return;
	CK_ASSERT(!(*view)->writing);
	mdb_txn_reset((*view)->txn);
	(*view)->store->viewing = false;
	*view = NULL;
}

void ck_view_end_beside(struct ck_view **view)
{
	if (*view == NULL) return;
	for (size_t tree = 0; tree < CK_TREES; tree++)
		for (size_t i = 0; i < CK_CURSORS_LIMIT; i++)
			if ((*view)->cursors[tree][i] != NULL) mdb_cursor_close((*view)->cursors[tree][i]);
	for (size_t i = 0; i < CK_WALKERS_LIMIT; i++)
		if ((*view)->walkers[i] != NULL) mdb_cursor_close((*view)->walkers[i]);
	mdb_txn_abort((*view)->txn);
	free(*view);
	*view = NULL;
}

enum ck_error ck_view_begin_beside(struct ck_store *store, struct ck_view **out)
{
	*out = NULL;
	CK_ASSERT(store->writer && store->env != NULL);
	struct ck_view *view = calloc(1, sizeof *view);
	if (view == NULL) return CK_ERR_MEMORY;
	view->store = store;
	view->meta = &view->meta_read;
	int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &view->txn);
	enum ck_error error = rc == MDB_SUCCESS ? ck_meta_get(view, &view->meta_read) : ck_store_error(rc);
	if (error != CK_OK) ck_view_end_beside(&view);
	*out = view;
	return error;
}

enum ck_error ck_view_state(struct ck_view *view, struct ck_store_state *out)
{
	if (ck_recall_state(view, out)) return CK_OK;
	memset(out, 0, sizeof *out);
	struct ck_index_key key;
	ck_index_begin(&key, CK_TABLE_NOTE);
	struct ck_bytes cookie;
	/* a note without a name */
	enum ck_error error = ck_kv_get_sealed(view, &key, &cookie);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	out->finished = view->meta->finished;
	out->as_of = view->meta->as_of;
	out->generation = view->meta->generation;
	memcpy(out->counts, view->meta->counts, sizeof out->counts);
	out->quarantined = view->meta->quarantined;
	out->cookie = cookie;
	ck_recall_note_state(view, out);
	return CK_OK;
}

enum ck_error ck_view_note(struct ck_view *view, struct ck_text name, struct ck_bytes *out)
{
	*out = (struct ck_bytes){NULL, 0};
	if (name.length == 0) return CK_ERR_NOT_FOUND;
	struct ck_index_key key;
	ck_index_begin(&key, CK_TABLE_NOTE);
	ck_index_add_text(&key, name);
	return ck_kv_get_sealed(view, &key, out);
}

enum ck_error ck_view_get(struct ck_view *view, enum ck_kind kind, struct ck_id id, struct ck_record *out)
{
	out->kind = CK_KIND_NONE;
	if (kind <= CK_KIND_NONE || kind > CK_KIND_LAST) return CK_ERR_NOT_FOUND;
	if (ck_recall_record(view, kind, id, out)) return CK_OK;
	struct ck_index_key key;
	struct ck_bytes bytes;
	ck_index_record(&key, kind, id);
	enum ck_error error = ck_kv_get(view, &key, &bytes);
	if (error == CK_OK) error = ck_flat_decode(kind, id, bytes, out);
	if (error == CK_OK) ck_recall_note_record(view, out);
	return error;
}

static enum ck_error find_short(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES], struct ck_id *out_id, struct ck_bytes *out)
{
	struct ck_index_key prefix;
	struct ck_bytes key;
	if (kind <= CK_KIND_NONE || kind > CK_KIND_LAST) return CK_ERR_CORRUPT;
	ck_index_record_short(&prefix, kind, id);
	enum ck_error error = ck_scan_first(view, &prefix, &prefix, &key, out);
	if (error != CK_OK) return error;
	return ck_index_id_of_record(key, out_id) ? CK_OK : CK_ERR_CORRUPT;
}

enum ck_error ck_view_id_of_short(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES], struct ck_id *out)
{
	struct ck_bytes value;
	return find_short(view, kind, id, out, &value);
}

enum ck_error ck_view_get_short(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES], struct ck_record *out)
{
	struct ck_bytes bytes;
	struct ck_id whole;
	out->kind = CK_KIND_NONE;
	enum ck_error error = find_short(view, kind, id, &whole, &bytes);
	return error != CK_OK ? error : ck_flat_decode(kind, whole, bytes, out);
}

enum ck_error ck_view_get_indexed(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES], const struct ck_index_key *key,
                                  struct ck_record *out)
{
	enum ck_error error = ck_view_get_short(view, kind, id, out);
	if (error == CK_OK && ck_index_has(out, key)) return CK_OK;
	out->kind = CK_KIND_NONE;
	return error == CK_OK || error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
}

enum ck_error ck_view_key(struct ck_view *view, const uint8_t hash[CK_HASH_BYTES], struct ck_record *out)
{
	struct ck_id id;
	memcpy(id.bytes, hash, sizeof id.bytes);
	enum ck_error error = ck_view_get(view, CK_KIND_KEY, id, out);
	if (error != CK_OK || memcmp(out->as.key.hash, hash, CK_HASH_BYTES) == 0) return error;
	out->kind = CK_KIND_NONE;
	return CK_ERR_NOT_FOUND;
}

enum ck_error ck_view_key_use(struct ck_view *view, const uint8_t hash[CK_HASH_BYTES], struct ck_record *out)
{
	struct ck_id id;
	memcpy(id.bytes, hash, sizeof id.bytes);
	enum ck_error error = ck_view_get(view, CK_KIND_KEY_USE, id, out);
	if (error != CK_OK || memcmp(out->as.key_use.hash, hash, CK_HASH_BYTES) == 0) return error;
	out->kind = CK_KIND_NONE;
	return CK_ERR_NOT_FOUND;
}

struct by_uuid {
	struct ck_view *view;
	const uint8_t *entry_uuid;
	struct ck_record *out;
	enum ck_error error;
};

static bool is_of_uuid(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct by_uuid *by = context;
	(void)value;
	size_t kind_at = key.length - CK_SHORT_ID_BYTES - 1;
	by->error = CK_ERR_CORRUPT;
	if (key.length != CK_INDEX_UUID_KEY_BYTES) return false;
	by->error = ck_view_get_short(by->view, (enum ck_kind)key.at[kind_at], key.at + kind_at + 1, by->out);
	if (by->error == CK_ERR_NOT_FOUND) by->error = CK_ERR_CORRUPT;
	if (by->error != CK_OK) return false;
	/* another may fold to the same */
	if (memcmp(by->out->entry_uuid, by->entry_uuid, sizeof by->out->entry_uuid) == 0) return false;
	by->error = CK_ERR_NOT_FOUND;
	return true;
}

enum ck_error ck_view_by_uuid(struct ck_view *view, const uint8_t entry_uuid[16], struct ck_record *out)
{
	struct by_uuid by = {.view = view, .entry_uuid = entry_uuid, .out = out, .error = CK_ERR_NOT_FOUND};
	struct ck_index_key prefix;
	out->kind = CK_KIND_NONE;
	ck_index_uuid(&prefix, entry_uuid);
	enum ck_error error = ck_scan(view, &prefix, NULL, is_of_uuid, &by);
	if (error == CK_OK) error = by.error;
	if (error != CK_OK) out->kind = CK_KIND_NONE;
	return error;
}

enum ck_error ck_view_has_uuid(struct ck_view *view, const uint8_t entry_uuid[16], bool *out)
{
	struct ck_record record;
	enum ck_error error = ck_view_by_uuid(view, entry_uuid, &record);
	*out = error == CK_OK;
	return error == CK_ERR_NOT_FOUND ? ck_quarantine_has(view, entry_uuid, out) : error;
}

/* A unique index: key → id → record. */
static enum ck_error get_unique(struct ck_view *view, enum ck_kind kind, const struct ck_index_key *key, struct ck_record *out)
{
	struct ck_bytes value;
	out->kind = CK_KIND_NONE;
	enum ck_error error = ck_kv_get(view, key, &value);
	if (error != CK_OK) return error;
	return value.length == CK_SHORT_ID_BYTES ? ck_view_get_indexed(view, kind, value.at, key, out) : CK_ERR_CORRUPT;
}

enum ck_error ck_view_staff_by_uid(struct ck_view *view, struct ck_text uid, struct ck_record *out)
{
	struct ck_index_key key;
	ck_index_begin(&key, CK_TABLE_UID);
	ck_index_add_text(&key, uid);
	return get_unique(view, CK_KIND_STAFF, &key, out);
}

static bool take_id(struct ck_bytes key, struct ck_bytes value, void *context)
{
	(void)key;
	struct ck_bytes *first = context;
	*first = value;
	return false;
}

enum ck_error ck_view_staff_from(struct ck_view *view, struct ck_text uid, struct ck_record *out)
{
	struct ck_index_key all, from;
	struct ck_bytes value = {NULL, 0};
	out->kind = CK_KIND_NONE;
	ck_index_begin(&all, CK_TABLE_UID);
	from = all;
	ck_index_add_text(&from, uid);
	enum ck_error error = from.failed ? CK_OK : ck_scan(view, &all, &from, take_id, &value);
	if (error == CK_OK && value.at == NULL) error = ck_scan(view, &all, NULL, take_id, &value);
	if (error != CK_OK) return error;
	if (value.at == NULL) return CK_ERR_NOT_FOUND;
	if (value.length != CK_SHORT_ID_BYTES) return CK_ERR_CORRUPT;
	error = ck_view_get_short(view, CK_KIND_STAFF, value.at, out);
	return error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
}

enum ck_error ck_view_staff_by_uid_number(struct ck_view *view, uint64_t uid_number, struct ck_record *out)
{
	struct ck_index_key key;
	ck_index_uid_number(&key, uid_number);
	return get_unique(view, CK_KIND_STAFF, &key, out);
}

enum ck_error ck_view_staff_by_mail(struct ck_view *view, struct ck_text mail, struct ck_record *out)
{
	struct ck_index_key key;
	ck_index_mail(&key, mail);
	return get_unique(view, CK_KIND_STAFF, &key, out);
}

enum ck_error ck_view_staff_by_number(struct ck_view *view, struct ck_id authority, struct ck_text staff_number, struct ck_record *out)
{
	struct ck_index_key key;
	ck_index_staff_number(&key, authority, staff_number);
	enum ck_error error = get_unique(view, CK_KIND_STAFF, &key, out);
	if (error != CK_OK || ck_id_equal(out->authority, authority)) return error;
	/* another authority, whose id ends alike */
	out->kind = CK_KIND_NONE;
	return CK_ERR_NOT_FOUND;
}

enum ck_error ck_view_system_by_name(struct ck_view *view, struct ck_text name, struct ck_record *out)
{
	struct ck_id id;
	if (ck_recall_system(view, name, &id)) return ck_view_get(view, CK_KIND_SYSTEM, id, out);
	enum ck_error error = ck_view_by_name(view, CK_KIND_SYSTEM, CK_NO_AUTHORITY, name, out);
	if (error == CK_OK) ck_recall_note_system(view, name, out->id);
	return error;
}

enum ck_error ck_view_by_name(struct ck_view *view, enum ck_kind kind, struct ck_id authority, struct ck_text name, struct ck_record *out)
{
	struct ck_index_key key;
	ck_index_name(&key, kind, authority, name);
	return get_unique(view, kind, &key, out);
}
