/* Writing: the one transaction that can change the store. Records come validated; what is enforced here is what needs the other entries:
   nobody takes what another entry already holds. Written again here since replication goes around the directory's own check. */
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/load.h"
#include "directory/store/people_internal.h"

#define NOTE_NAME_LIMIT_BYTES 64

enum ck_error ck_batch_begin(struct ck_store *store, struct ck_batch **out, struct ck_errmsg *err)
{
	*out = NULL;
	CK_ASSERT(!store->batching);
	if (!store->writer || store->env == NULL) return ck_fail(err, CK_ERR_DENIED, "the store was opened for reading");
	struct ck_batch *batch = &store->batch;
	memset(batch, 0, sizeof *batch);
	int rc = mdb_txn_begin(store->env, NULL, 0, &batch->txn);
	if (rc != MDB_SUCCESS) return ck_store_fail(err, rc, "cannot begin to write", store->name);
	batch->store = store;
	batch->was_number = CK_NUMBER_NONE;
	batch->view = (struct ck_view){.store = store, .txn = batch->txn, .meta = &batch->meta, .writing = true};
	enum ck_error error = ck_meta_get(&batch->view, &batch->meta);
	if (error != CK_OK) {
		mdb_txn_abort(batch->txn);
		/* the first thing that a new transaction reads: whatever LMDB calls it, nothing but damage to the file keeps it from being there */
		return ck_fail(err, error == CK_ERR_MEMORY ? error : CK_ERR_CORRUPT, "the state record of %s is damaged", store->name);
	}
	store->batching = true;
	*out = batch;
	return CK_OK;
}

void ck_batch_abort(struct ck_batch **batch)
{
	if (*batch == NULL) return;
	mdb_txn_abort((*batch)->txn);
	/* some of what was put off may be of this batch */
	(*batch)->store->pending_lost = (*batch)->store->pending_lost || (*batch)->store->pending != NULL || (*batch)->store->load != NULL;
	ck_pending_free((*batch)->store);
	(*batch)->store->batching = false;
	*batch = NULL;
}

/* What nobody reads before it is finished puts the people index off, and writes it in few and large steps. */
static bool must_flush(const struct ck_batch *batch)
{
	return batch->meta.finished || ck_pending_full(batch->store);
}

enum ck_error ck_batch_commit(struct ck_batch **batch_at, struct ck_errmsg *err)
{
	struct ck_batch *batch = *batch_at;
	struct ck_store *store = batch->store;
	batch->meta.generation++;
	enum ck_error error = batch->failure;
	if (error == CK_OK && store->pending_lost && !batch->meta.finished) error = CK_ERR_UNAVAILABLE;
	if (error == CK_OK && must_flush(batch)) error = ck_people_flush(batch);
	if (error == CK_OK) error = ck_meta_set(batch);
	if (error != CK_OK) {
		ck_batch_abort(batch_at);
		return ck_fail(err, error, "a write to %s failed: nothing of this batch was stored", store->name);
	}
	int rc = mdb_txn_commit(batch->txn);
	store->batching = false;
	*batch_at = NULL;
	if (rc != MDB_SUCCESS) return ck_store_fail(err, rc, "cannot commit", store->name);
	error = ck_store_extend(store);
	return error == CK_OK ? ck_store_flush(store, err) : ck_fail(err, error, "cannot extend %s", store->name);
}

struct ck_view *ck_batch_view(struct ck_batch *batch)
{
	return &batch->view;
}

enum ck_error ck_batch_broken(struct ck_batch *batch, enum ck_error error)
{
	/* what the indices promise is not there, or is there twice */
	if (error == CK_ERR_NOT_FOUND || error == CK_ERR_EXISTS) error = CK_ERR_CORRUPT;
	batch->failure = error;
	return error;
}

/* ---- removing ---- */

struct index_change {
	struct ck_batch *batch;
	struct ck_bytes value; /* of unique keys: the id */
	enum ck_error error;
};

static bool remove_index(const struct ck_index_key *key, const char *what, void *context)
{
	struct index_change *change = context;
	(void)what;
	if (!key->failed) change->error = ck_kv_remove(change->batch, key);
	return change->error == CK_OK;
}

/* The record stays readable though the page moves while its neighbours are removed. */
static enum ck_error read_for_removal(struct ck_batch *batch, const struct ck_record *known, uint8_t copy[CK_FLAT_LIMIT_BYTES], struct ck_record *out)
{
	struct ck_index_key key;
	struct ck_bytes page;
	ck_index_record(&key, known->kind, known->id);
	enum ck_error error = ck_kv_get(&batch->view, &key, &page);
	if (error == CK_OK && page.length > CK_FLAT_LIMIT_BYTES) error = CK_ERR_CORRUPT;
	if (error != CK_OK) return error;
	memcpy(copy, page.at, page.length);
	return ck_flat_decode(known->kind, known->id, (struct ck_bytes){copy, page.length}, out);
}

static enum ck_error remove_record(struct ck_batch *batch, const struct ck_record *known)
{
	struct ck_index_key key, uuid;
	uint8_t copy[CK_FLAT_LIMIT_BYTES];
	struct ck_record record;
	enum ck_kind kind = known->kind;
	enum ck_error error = read_for_removal(batch, known, copy, &record);
	if (error != CK_OK) return ck_batch_broken(batch, error);
	ck_index_record(&key, kind, record.id);
	ck_index_uuid_of(&uuid, record.entry_uuid, kind, record.id);
	struct index_change change = {.batch = batch, .error = CK_OK};
	ck_index_each(&record, remove_index, &change);
	if (change.error == CK_OK) change.error = ck_kv_remove(batch, &key);
	if (change.error == CK_OK) change.error = ck_kv_remove(batch, &uuid);
	if (change.error == CK_OK) change.error = ck_people_remove(batch, &record);
	if (change.error != CK_OK || batch->meta.counts[kind] == 0) return ck_batch_broken(batch, CK_ERR_CORRUPT);
	batch->meta.counts[kind]--;
	return CK_OK;
}

enum ck_error ck_batch_remove(struct ck_batch *batch, const uint8_t entry_uuid[16])
{
	struct ck_index_key key;
	struct ck_record known;
	bool quarantined;
	if (batch->failure != CK_OK) return batch->failure;
	ck_index_uuid(&key, entry_uuid);
	if (batch->store->load != NULL)
		return ck_seen_has(batch->store->load->seen, (struct ck_bytes){key.bytes, key.length}) ? CK_ERR_CONFLICT : CK_ERR_NOT_FOUND;
	enum ck_error error = ck_view_by_uuid(&batch->view, entry_uuid, &known);
	if (error == CK_OK) return remove_record(batch, &known);
	if (error == CK_ERR_NOT_FOUND) error = ck_quarantine_has(&batch->view, entry_uuid, &quarantined);
	if (error != CK_OK) return ck_batch_broken(batch, error);
	return quarantined ? ck_quarantine_remove(batch, entry_uuid) : CK_ERR_NOT_FOUND;
}

/* ---- adding ---- */

struct clash {
	struct ck_batch *batch;
	enum ck_error error; /* CK_ERR_EXISTS: found */
	enum ck_kind kind;
	struct ck_index_key key;
	const char *what;
	struct ck_id holder;
};

static bool find_clash(const struct ck_index_key *key, const char *what, void *context)
{
	struct clash *clash = context;
	struct ck_bytes value;
	if (key->bytes[0] > CK_TABLE_UNIQUE_LAST) return true;
	enum ck_error error = ck_kv_get(&clash->batch->view, key, &value);
	if (error == CK_ERR_NOT_FOUND) return true;
	if (error == CK_OK && value.length != CK_SHORT_ID_BYTES) error = CK_ERR_CORRUPT;
	if (error == CK_OK) error = ck_view_id_of_short(&clash->batch->view, clash->kind, value.at, &clash->holder);
	clash->error = error == CK_OK ? CK_ERR_EXISTS : error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
	if (error != CK_OK) return false;
	clash->key = *key;
	clash->what = what;
	return false;
}

/* The part of a unique key that people know it by. */
static struct ck_bytes readable(const struct ck_index_key *key)
{
	size_t skip = key->length;
	if (key->bytes[0] == CK_TABLE_UID || key->bytes[0] == CK_TABLE_MAIL) skip = 1;
	if (key->bytes[0] == CK_TABLE_STAFF_NUMBER) skip = 1 + CK_SHORT_ID_BYTES;
	if (key->bytes[0] == CK_TABLE_NAME) skip = 2 + sizeof(struct ck_id);
	return (struct ck_bytes){key->bytes + skip, key->length - skip};
}

static enum ck_error check_clash(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err)
{
	char id[CK_ID_TEXT_BYTES];
	char value[160];
	struct ck_id other;
	/* indices have the second halves of ids: of two that have the same the first stays, too. Random ones never have */
	enum ck_error error = ck_view_id_of_short(&batch->view, record->kind, ck_id_short(&record->id), &other);
	if (error == CK_OK) {
		const char *what = record->kind == CK_KIND_KEY ? "credential" : "ckId";
		return ck_fail(err, CK_ERR_EXISTS, "%s: the %s %s%s is held by another entry, known first", ck_kind_name(record->kind), what,
		               ck_id_format(other, id), ck_id_equal(other, record->id) ? "" : ", which ends alike,");
	}
	if (error != CK_ERR_NOT_FOUND) return ck_batch_broken(batch, error);
	error = ck_quarantine_check(batch, record, err);
	if (error == CK_ERR_EXISTS) return error;
	if (error != CK_OK) return ck_batch_broken(batch, error);
	struct clash clash = {.batch = batch, .error = CK_OK, .kind = record->kind};
	ck_index_each(record, find_clash, &clash);
	if (clash.error == CK_OK) return CK_OK;
	if (clash.error != CK_ERR_EXISTS) return ck_batch_broken(batch, clash.error);
	return ck_fail(err, CK_ERR_EXISTS, "%s: the %s %s is held by %s, known first", ck_kind_name(record->kind), clash.what,
	               ck_escape(readable(&clash.key), value, sizeof value), ck_id_format(clash.holder, id));
}

static bool add_index(const struct ck_index_key *key, const char *what, void *context)
{
	struct index_change *change = context;
	(void)what;
	bool unique = key->bytes[0] <= CK_TABLE_UNIQUE_LAST;
	change->error = ck_kv_add(change->batch, key, unique ? change->value : (struct ck_bytes){(const uint8_t *)"", 0});
	return change->error == CK_OK;
}

static enum ck_error add_record(struct ck_batch *batch, const struct ck_record *record, struct ck_bytes flat)
{
	struct ck_index_key key;
	ck_index_record(&key, record->kind, record->id);
	enum ck_error error = ck_kv_add(batch, &key, flat);
	if (error == CK_OK) {
		ck_index_uuid_of(&key, record->entry_uuid, record->kind, record->id);
		error = ck_kv_add(batch, &key, (struct ck_bytes){(const uint8_t *)"", 0});
	}
	struct index_change change = {.batch = batch, .value = {ck_id_short(&record->id), CK_SHORT_ID_BYTES}, .error = error};
	if (error == CK_OK) ck_index_each(record, add_index, &change);
	if (change.error == CK_OK) change.error = ck_people_add(batch, record);
	if (change.error == CK_OK && ck_pending_full(batch->store)) change.error = ck_people_flush(batch);
	if (change.error != CK_OK) return ck_batch_broken(batch, change.error);
	batch->meta.counts[record->kind]++;
	return CK_OK;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != 0) return false;
	}
	return true;
}

/* Nobody holds what it wants, and nothing is known of it any more. */
static enum ck_error make_way(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err)
{
	enum ck_error error = ck_batch_remove(batch, record->entry_uuid);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return ck_fail(err, error, "what is known by this entryUUID is damaged");
	return check_clash(batch, record, err);
}

/* The same while a second file is filled. */
static enum ck_error meet(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err)
{
	struct ck_record home;
	bool met = ck_quarantine_meet(batch, record->entry_uuid, record);
	/* what their authority may give them can be said when it is there */
	if (record->kind == CK_KIND_STAFF && !met) met = ck_view_get(&batch->view, CK_KIND_AUTHORITY, record->authority, &home) != CK_OK;
	return met ? ck_fail(err, CK_ERR_CONFLICT, "%s: may be second to another entry", ck_kind_name(record->kind)) : CK_OK;
}

enum ck_error ck_batch_put(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err)
{
	uint8_t flat[CK_FLAT_LIMIT_BYTES];
	size_t length;
	struct ck_record own;
	if (batch->failure != CK_OK) return ck_fail(err, batch->failure, "an earlier write of this batch failed");
	/* before anything is removed: the record may borrow from this very store */
	enum ck_error error = ck_flat_encode(record, flat, &length);
	if (error == CK_OK && (ck_id_is_zero(record->id) || is_zero(record->entry_uuid, 16))) error = CK_ERR_INVALID;
	if (error != CK_OK) return ck_fail(err, error, "%s: a value is missing or past the model's limits", ck_kind_name(record->kind));
	struct ck_bytes bytes = {flat, length};
	error = ck_flat_decode(record->kind, record->id, bytes, &own);
	if (error != CK_OK) return ck_fail(err, CK_ERR_INTERNAL, "%s: what was encoded does not decode", ck_kind_name(record->kind));
	error = batch->store->load != NULL ? meet(batch, &own, err) : make_way(batch, &own, err);
	if (error != CK_OK) return error;
	error = add_record(batch, &own, bytes);
	return error == CK_OK ? CK_OK : ck_fail(err, error, "%s: the write failed", ck_kind_name(own.kind));
}

/* ---- what the follower keeps ---- */

static enum ck_error set_note(struct ck_batch *batch, struct ck_text name, struct ck_bytes value)
{
	struct ck_index_key key;
	if (batch->failure != CK_OK) return batch->failure;
	if (value.length > CK_COOKIE_LIMIT_BYTES) return CK_ERR_LIMIT;
	ck_index_begin(&key, CK_TABLE_NOTE);
	ck_index_add_text(&key, name);
	return ck_kv_set_sealed(batch, &key, value);
}

enum ck_error ck_batch_set_cookie(struct ck_batch *batch, struct ck_bytes cookie)
{
	/* a finished refresh has a cookie; an empty one proves nothing */
	if (cookie.length == 0) return CK_ERR_INVALID;
	enum ck_error error = set_note(batch, (struct ck_text){NULL, 0}, cookie);
	if (error == CK_OK) batch->meta.finished = true;
	return error;
}

enum ck_error ck_batch_set_as_of(struct ck_batch *batch, const struct ck_as_of *as_of)
{
	batch->meta.as_of = *as_of;
	return CK_OK;
}

enum ck_error ck_batch_set_note(struct ck_batch *batch, struct ck_text name, struct ck_bytes value)
{
	if (name.length == 0) return CK_ERR_INVALID;
	if (name.length > NOTE_NAME_LIMIT_BYTES) return CK_ERR_LIMIT;
	return set_note(batch, name, value);
}
