/* Keys and values of the B-trees, and the checks on what comes back. Every change goes through here, so that the sum in the state
   record stays the sum of what is there. */
#include <errno.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/internal.h"
#include "directory/store/load.h"

#define META_VERSION 6
#define META_LIMIT_BYTES 256
#define META_STATE 's'
#define META_FINISHED 1u
#define META_SUPERSEDED 2u

enum ck_error ck_store_error(int rc)
{
	switch (rc) {
	case MDB_SUCCESS: return CK_OK;
	case MDB_NOTFOUND: return CK_ERR_NOT_FOUND;
	case MDB_KEYEXIST: return CK_ERR_EXISTS;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_PANIC:
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_MAP_RESIZED: /* every process maps the same size: only damage can say more */
	case MDB_BAD_DBI: /* the trees are opened once, and stay as they are */
	case MDB_BAD_RSLOT:
	case MDB_CURSOR_FULL:
	case MDB_PAGE_FULL: return CK_ERR_CORRUPT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case MDB_BAD_VALSIZE: return CK_ERR_LIMIT;
	case MDB_READERS_FULL:
	case ENOENT: return CK_ERR_UNAVAILABLE;
	case ENOMEM: return CK_ERR_MEMORY;
	default: return CK_ERR_IO;
	}
}

enum ck_error ck_store_fail(struct ck_errmsg *err, int rc, const char *what, const char *file)
{
	return ck_fail(err, ck_store_error(rc), "%s %s: %s", what, file, mdb_strerror(rc));
}

MDB_dbi ck_kv_tree(const struct ck_store *store, const struct ck_index_key *key)
{
	return store->dbi[key->bytes[0] >= CK_TABLE_PEOPLE_FIRST ? CK_TREE_PEOPLE : CK_TREE_RECORDS];
}

static MDB_val val_of(const struct ck_index_key *key)
{
	/* LMDB does not write to what it is given */
	return (MDB_val){key->length, (void *)(uintptr_t)key->bytes};
}

/* Spreads both checksums, so that neither exchanged values nor two equal flips add up to the same. */
uint64_t ck_kv_mark(struct ck_bytes key, struct ck_bytes value)
{
	uint64_t mark = (uint64_t)ck_crc32c(key.at, key.length) << 32 | ck_crc32c(value.at, value.length);
	mark *= 0x9e3779b97f4a7c15u;
	mark ^= mark >> 29;
	return mark * 0xbf58476d1ce4e5b9u;
}

static struct ck_bytes bytes_of(const struct ck_index_key *key)
{
	return (struct ck_bytes){key->bytes, key->length};
}

enum ck_error ck_kv_get(const struct ck_view *view, const struct ck_index_key *key, struct ck_bytes *out)
{
	*out = (struct ck_bytes){NULL, 0};
	if (key->failed) return CK_ERR_NOT_FOUND;
	/* what waits outside is not to be found, which must be taken for its absence by nobody */
	CK_ASSERT(view->store->load == NULL || view->store->load->appending || !ck_load_takes(view->store->load, key));
	MDB_val name = val_of(key);
	MDB_val value;
	int rc = mdb_get(view->txn, ck_kv_tree(view->store, key), &name, &value);
	/* one that only reads goes bad by what it has met in the file, and asks for nothing that is invalid */
	if (!view->writing && (rc == MDB_BAD_TXN || rc == EINVAL)) return CK_ERR_CORRUPT;
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	*out = (struct ck_bytes){value.mv_data, value.mv_size};
	return CK_OK;
}

enum ck_error ck_kv_unseal(struct ck_bytes key, struct ck_bytes value, struct ck_bytes *out)
{
	*out = (struct ck_bytes){NULL, 0};
	if (value.length < CK_FLAT_CRC_BYTES) return CK_ERR_CORRUPT;
	struct ck_bytes body = {value.at, value.length - CK_FLAT_CRC_BYTES};
	struct ck_reader reader;
	ck_reader_init(&reader, body.at + body.length, CK_FLAT_CRC_BYTES);
	if (ck_get_u32le(&reader) != ck_flat_seal(key, body)) return CK_ERR_CORRUPT;
	*out = body;
	return CK_OK;
}

enum ck_error ck_kv_get_sealed(const struct ck_view *view, const struct ck_index_key *key, struct ck_bytes *out)
{
	struct ck_bytes value;
	enum ck_error error = ck_kv_get(view, key, &value);
	*out = (struct ck_bytes){NULL, 0};
	if (error != CK_OK) return error;
	return ck_kv_unseal(bytes_of(key), value, out);
}

static enum ck_error batch_error(struct ck_batch *batch, int rc)
{
	batch->failure = rc == MDB_NOTFOUND ? CK_ERR_CORRUPT : ck_store_error(rc);
	return batch->failure;
}

enum ck_error ck_kv_add(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes value)
{
	const struct ck_load *load = batch->store->load;
	if (key->failed) return CK_ERR_LIMIT;
	if (load != NULL && ck_load_takes(load, key)) return ck_load_add(batch, key, value);
	MDB_val name = val_of(key);
	MDB_val data = {value.length, (void *)(uintptr_t)value.at};
	int rc = mdb_put(batch->txn, ck_kv_tree(batch->store, key), &name, &data, load != NULL && load->appending ? MDB_APPEND : MDB_NOOVERWRITE);
	if (rc == MDB_KEYEXIST) return CK_ERR_EXISTS;
	if (rc != MDB_SUCCESS) return batch_error(batch, rc);
	batch->meta.sum += ck_kv_mark(bytes_of(key), value);
	return CK_OK;
}

enum ck_error ck_kv_remove(struct ck_batch *batch, const struct ck_index_key *key)
{
	struct ck_bytes old;
	enum ck_error error = ck_kv_get(&batch->view, key, &old);
	if (error != CK_OK) return error;
	uint64_t mark = ck_kv_mark(bytes_of(key), old);
	MDB_val name = val_of(key);
	int rc = mdb_del(batch->txn, ck_kv_tree(batch->store, key), &name, NULL);
	if (rc != MDB_SUCCESS) return batch_error(batch, rc);
	batch->meta.sum -= mark;
	return CK_OK;
}

/* Value and checksum in one buffer. */
static enum ck_error seal(const struct ck_index_key *key, struct ck_bytes body, uint8_t out[CK_SEALED_LIMIT_BYTES], size_t *out_length)
{
	struct ck_writer writer;
	ck_writer_init(&writer, out, CK_SEALED_LIMIT_BYTES);
	ck_put_bytes(&writer, body.at, body.length);
	ck_put_u32le(&writer, ck_flat_seal(bytes_of(key), body));
	*out_length = ck_writer_length(&writer);
	return writer.failed || key->failed ? CK_ERR_LIMIT : CK_OK;
}

enum ck_error ck_kv_set_sealed(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes body)
{
	uint8_t sealed[CK_SEALED_LIMIT_BYTES];
	size_t length;
	enum ck_error error = seal(key, body, sealed, &length);
	if (error != CK_OK) return error;
	bool appending = batch->store->load != NULL && batch->store->load->appending;
	error = appending ? CK_OK : ck_kv_remove(batch, key);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	return ck_kv_add(batch, key, (struct ck_bytes){sealed, length});
}

static void meta_key(struct ck_index_key *key)
{
	ck_index_begin(key, CK_TABLE_META);
	ck_index_add_byte(key, META_STATE);
}

enum ck_error ck_meta_get(const struct ck_view *view, struct ck_meta *out)
{
	struct ck_index_key key;
	struct ck_bytes body;
	memset(out, 0, sizeof *out);
	meta_key(&key);
	enum ck_error error = ck_kv_get_sealed(view, &key, &body);
	/* each file is begun with one */
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
	struct ck_reader reader;
	ck_reader_init(&reader, body.at, body.length);
	uint8_t version = ck_get_u8(&reader);
	uint8_t flags = ck_get_u8(&reader);
	out->finished = (flags & META_FINISHED) != 0;
	out->superseded = (flags & META_SUPERSEDED) != 0;
	out->as_of.wall_s = (int64_t)ck_get_u64le(&reader);
	const uint8_t *boot = ck_get_bytes(&reader, sizeof out->as_of.boot.bytes);
	if (boot != NULL) memcpy(out->as_of.boot.bytes, boot, sizeof out->as_of.boot.bytes);
	out->as_of.boot_ms = (int64_t)ck_get_u64le(&reader);
	out->generation = ck_get_u64le(&reader);
	for (size_t i = 0; i <= CK_KIND_LAST; i++) out->counts[i] = ck_get_u64le(&reader);
	out->quarantined = ck_get_u64le(&reader);
	out->people = ck_get_u64le(&reader);
	out->sum = ck_get_u64le(&reader);
	if (version == META_VERSION && ck_reader_done(&reader)) return CK_OK;
	memset(out, 0, sizeof *out);
	return CK_ERR_CORRUPT;
}

enum ck_error ck_meta_set(struct ck_batch *batch)
{
	const struct ck_meta *meta = &batch->meta;
	uint8_t body[META_LIMIT_BYTES];
	uint8_t sealed[CK_SEALED_LIMIT_BYTES];
	struct ck_writer writer;
	ck_writer_init(&writer, body, sizeof body);
	ck_put_u8(&writer, META_VERSION);
	ck_put_u8(&writer, (uint8_t)((meta->finished ? META_FINISHED : 0) | (meta->superseded ? META_SUPERSEDED : 0)));
	ck_put_u64le(&writer, (uint64_t)meta->as_of.wall_s);
	ck_put_bytes(&writer, meta->as_of.boot.bytes, sizeof meta->as_of.boot.bytes);
	ck_put_u64le(&writer, (uint64_t)meta->as_of.boot_ms);
	ck_put_u64le(&writer, meta->generation);
	for (size_t i = 0; i <= CK_KIND_LAST; i++) ck_put_u64le(&writer, meta->counts[i]);
	ck_put_u64le(&writer, meta->quarantined);
	ck_put_u64le(&writer, meta->people);
	ck_put_u64le(&writer, meta->sum);
	CK_ASSERT(!writer.failed);

	struct ck_index_key key;
	size_t length;
	meta_key(&key);
	enum ck_error error = seal(&key, (struct ck_bytes){body, ck_writer_length(&writer)}, sealed, &length);
	if (error != CK_OK) return error;
	MDB_val name = val_of(&key);
	MDB_val data = {length, sealed};
	int rc = mdb_put(batch->txn, ck_kv_tree(batch->store, &key), &name, &data, 0);
	return rc == MDB_SUCCESS ? CK_OK : batch_error(batch, rc);
}
