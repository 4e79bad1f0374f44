/* What the files of the store share. LMDB stays behind it. Two B-trees hold everything (index.h has the keys). */
#ifndef CK_STORE_INTERNAL_H
#define CK_STORE_INTERNAL_H

#include <lmdb.h>
#include <sys/types.h>

#include "directory/store/index.h"
#include "directory/store/store.h"

#define CK_STORE_PATH_BYTES 1024
#define CK_STORE_NAME_BYTES 32
/* Address space, not memory: the design's 1.2 million staff need about 2 GB. */
#define CK_STORE_MAP_BYTES ((size_t)16 << 30)
/* Lists within lists: a visitor may list something else, eight deep; the innermost needs one for its records. */
#define CK_CURSORS_LIMIT 9
/* How often a reader looks whether the file it reads is still the current one, if nobody told it. */
#define CK_LINK_CHECK_MS 1000

#define CK_WALKERS_LIMIT 16 /* lists of one search that are read on and on; others descend each time */

/* The B-trees of a file, so that each can be measured. */
enum ck_tree { CK_TREE_RECORDS = 0, CK_TREE_PEOPLE = 1, CK_TREES = 2 };

/* The state record. */
struct ck_meta {
	bool finished, superseded;
	struct ck_as_of as_of;
	uint64_t generation;
	uint64_t counts[CK_KIND_LAST + 1];
	uint64_t quarantined;
	uint64_t people; /* in the index */
	uint64_t sum; /* of ck_kv_mark over everything but meta: finds a key that was damaged away */
};

struct ck_view {
	struct ck_store *store;
	MDB_txn *txn;
	const struct ck_meta *meta;
	struct ck_meta meta_read;
	bool writing; /* the view of a batch: its cursors die with the transaction */
	MDB_cursor *cursors[CK_TREES][CK_CURSORS_LIMIT];
	size_t depth[CK_TREES];
	size_t renewed[CK_TREES]; /* so many of them stand somewhere in this transaction */
	MDB_cursor *walkers[CK_WALKERS_LIMIT]; /* of the people index: each keeps its place for one list of a search */
	size_t walkers_used, walkers_renewed;
	size_t snapshot;          /* whose state `meta_read` is; 0: nobody's */
	struct ck_recall *recall; /* what else was read of it (recall.h); NULL: of a batch, or a view beside */
};

struct ck_batch {
	struct ck_store *store;
	MDB_txn *txn;
	struct ck_meta meta;
	struct ck_view view;
	enum ck_error failure; /* a write went wrong half way: it can only be aborted */
	/* who was last taken out of the people index, to get the same number when they come back changed */
	uint32_t was_number;
	struct ck_id was_id, was_authority;
};

struct ck_store {
	char directory[CK_STORE_PATH_BYTES];
	char link[CK_STORE_NAME_BYTES]; /* CK_STORE_FILE or CK_STORE_NEXT_FILE */
	char name[CK_STORE_NAME_BYTES]; /* what the link said: the real file */
	bool writer;
	MDB_env *env; /* NULL: must be opened again */
	MDB_dbi dbi[CK_TREES];
	MDB_txn *reader; /* reset between views */
	struct ck_view view;
	bool viewing;
	struct ck_batch batch;
	bool batching;
	int64_t link_checked_ms;
	struct ck_people_pending *pending; /* of the writer: what the index is still to learn */
	bool pending_lost; /* a batch of a refresh was aborted: the index would miss what it had put off, or keep it */
	struct ck_load *load; /* of a second file: what waits outside of it (load.h) */
	struct ck_people_searching *searching; /* of a reader: room to search in, kept */
};

/* LMDB's and the system's codes; what damage can cause is CK_ERR_CORRUPT. */
enum ck_error ck_store_error(int rc);
/* The same with a sentence: "<what> <file>: …". */
enum ck_error ck_store_fail(struct ck_errmsg *err, int rc, const char *what, const char *file);

/* file.c: env, name and link of store->link, opened for reading. Retries when it is exchanged meanwhile. */
CK_MUST_USE enum ck_error ck_store_open_link(struct ck_store *store, struct ck_errmsg *err);
/* Whether the link now leads to another file than the one that is open. */
bool ck_store_link_moved(struct ck_store *store);
/* Closes env and transactions, keeps the struct. */
void ck_store_close_env(struct ck_store *store);

/* What was committed outlives the machine from now on, unless the file is one that is begun anew anyway. Readers see it already: of two flushes that a
   commit needs they wait for one. */
CK_MUST_USE enum ck_error ck_store_flush(struct ck_store *store, struct ck_errmsg *err);

/* Pages that were allocated but never written can end beyond the file; makes it as long as it says it is, so that a shorter one is one
   that was cut. */
CK_MUST_USE enum ck_error ck_store_extend(struct ck_store *store);

/* Another second file, and putting it in the first one's place, which is removed. */
CK_MUST_USE enum ck_error ck_store_begin_next(const char *directory, struct ck_store **out, struct ck_errmsg *err);
void ck_store_replace(struct ck_store **next, struct ck_store *with);

/* batch.c: a write went wrong half way; returns the error, damage where the indices did not keep their promise. */
enum ck_error ck_batch_broken(struct ck_batch *batch, enum ck_error error);

/* quarantine.c */
/* Of an entry that is known to be quarantined: forgets it, and what it holds is free. */
CK_MUST_USE enum ck_error ck_quarantine_remove(struct ck_batch *batch, const uint8_t entry_uuid[16]);
/* While a second file is filled: whether this entryUUID, or anything else that may be had once, may have come before; it has afterwards. claims may
   be NULL. */
bool ck_quarantine_meet(struct ck_batch *batch, const uint8_t entry_uuid[16], const struct ck_record *claims);
/* CK_ERR_EXISTS and the sentence: a quarantined entry holds what this record wants. */
CK_MUST_USE enum ck_error ck_quarantine_check(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err);

/* kv.c */
MDB_dbi ck_kv_tree(const struct ck_store *store, const struct ck_index_key *key);
uint64_t ck_kv_mark(struct ck_bytes key, struct ck_bytes value);
CK_MUST_USE enum ck_error ck_kv_get(const struct ck_view *view, const struct ck_index_key *key, struct ck_bytes *out);
/* Without its checksum; CK_ERR_CORRUPT when that does not check out. */
CK_MUST_USE enum ck_error ck_kv_get_sealed(const struct ck_view *view, const struct ck_index_key *key, struct ck_bytes *out);
/* CK_ERR_EXISTS: the key is there; nothing changed. Any other failure fails the batch. */
CK_MUST_USE enum ck_error ck_kv_add(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes value);
CK_MUST_USE enum ck_error ck_kv_remove(struct ck_batch *batch, const struct ck_index_key *key);
/* Adds or replaces, with a checksum behind it. */
#define CK_SEALED_LIMIT_BYTES (CK_COOKIE_LIMIT_BYTES + 64)
CK_MUST_USE enum ck_error ck_kv_set_sealed(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes body);
CK_MUST_USE enum ck_error ck_meta_get(const struct ck_view *view, struct ck_meta *out);
CK_MUST_USE enum ck_error ck_meta_set(struct ck_batch *batch);

/* scan.c: every key that begins with `prefix`, in order, from `from` (which has it as a prefix; NULL: the first), until it returns
   false. The visitor sets *context's own error. */
typedef bool (*ck_scan_visitor)(struct ck_bytes key, struct ck_bytes value, void *context);
CK_MUST_USE enum ck_error ck_scan(struct ck_view *view, const struct ck_index_key *prefix, const struct ck_index_key *from, ck_scan_visitor each,
                                  void *context);

/* The first key of such a range, or CK_ERR_NOT_FOUND. Borrowed from the view. */
CK_MUST_USE enum ck_error ck_scan_first(struct ck_view *view, const struct ck_index_key *prefix, const struct ck_index_key *from,
                                        struct ck_bytes *out_key, struct ck_bytes *out_value);
/* The same by a walker, a cursor that nobody else moves. onward: it stands before `from`, and what is sought is likely next to it. Not of a batch. */
#define CK_WALKER_NONE CK_WALKERS_LIMIT
CK_MUST_USE enum ck_error ck_scan_first_by(struct ck_view *view, size_t walker, bool onward, const struct ck_index_key *prefix,
                                           const struct ck_index_key *from, struct ck_bytes *out_key, struct ck_bytes *out_value);
/* One that is free, or CK_WALKER_NONE; all are free again. */
size_t ck_scan_take_walker(struct ck_view *view);
void ck_scan_free_walkers(struct ck_view *view);
/* The last key with this prefix, or CK_ERR_NOT_FOUND. */
CK_MUST_USE enum ck_error ck_scan_last(struct ck_view *view, const struct ck_index_key *prefix, struct ck_bytes *out_key, struct ck_bytes *out_value);
/* Whether the checksum at the end of this value is right for this key; without it in *out. */
CK_MUST_USE enum ck_error ck_kv_unseal(struct ck_bytes key, struct ck_bytes value, struct ck_bytes *out);

/* view.c: the record whose id ends like this, and only the id; CK_ERR_NOT_FOUND. */
CK_MUST_USE enum ck_error ck_view_get_short(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES], struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_id_of_short(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES], struct ck_id *out);
/* Whether that entryUUID is quarantined. */
CK_MUST_USE enum ck_error ck_quarantine_has(const struct ck_view *view, const uint8_t entry_uuid[16], bool *out);
/* view.c: the record of that kind whose id ends like this must be there and have this index key; anything else is damage. */
CK_MUST_USE enum ck_error ck_view_get_indexed(struct ck_view *view, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES],
                                              const struct ck_index_key *key, struct ck_record *out);

#endif
