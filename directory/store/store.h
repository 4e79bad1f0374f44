/* The store: a verified copy of the directory in LMDB. One writer (replica or link), readers never wait. Records are flat, versioned,
   and each carries a CRC-32C that is checked at every read. A damaged record or page is CK_ERR_CORRUPT: the process ends and the copy is
   rebuilt; it is never "not found". */
#ifndef CK_STORE_STORE_H
#define CK_STORE_STORE_H

#include "directory/model/record.h"

struct ck_store;
struct ck_view;  /* a consistent snapshot; a read transaction */
struct ck_batch; /* the one write transaction */

#define CK_STORE_FILE "current.mdb"
#define CK_STORE_NEXT_FILE "next.mdb" /* a full refresh under way; renamed over current at refresh-done */
#define CK_COOKIE_LIMIT_BYTES 24576 /* change numbers of 512 servers, 41 bytes each; follow.c and csn.h hold it to that */
#define CK_STORE_READERS_LIMIT 512

/* Opens directory/file for reading. CK_ERR_UNAVAILABLE if there is none. Must be called after exec, never carried over fork. */
CK_MUST_USE enum ck_error ck_store_open(const char *directory, struct ck_store **out, struct ck_errmsg *err);
/* Opens (creates) `file` for the one writer; clears stale readers. CK_STORE_FILE: one that is damaged or of another version is logged and
   made anew (unfinished, so every answer is "unavailable" until it is filled). CK_STORE_NEXT_FILE is always begun anew.
   Both names are symbolic links to a store-N.mdb in the same directory: LMDB finds the lock file by the data file's name, and two files
   cannot be renamed at once. Give the directory the readers' group and the setgid bit: data files are 0640, lock files 0660. */
CK_MUST_USE enum ck_error ck_store_open_writer(const char *directory, const char *file, struct ck_store **out, struct ck_errmsg *err);
void ck_store_close(struct ck_store **store);
/* Clears the reader slots of dead processes; *out_cleared may be NULL. */
CK_MUST_USE enum ck_error ck_store_clear_dead_readers(struct ck_store *store, int *out_cleared);

/* Removes every file of the store: what a writer does when damage was met after the opening. The next writer begins anew. */
CK_MUST_USE enum ck_error ck_store_discard(const char *directory, struct ck_errmsg *err);

/* ---- reading ---- */

/* Begins (cheaply: a renewed transaction). When the file was superseded by a full refresh it reopens first. One view at a time per store.
   Everything read from a view lives until ck_view_end. */
CK_MUST_USE enum ck_error ck_view_begin(struct ck_store *store, struct ck_view **out);
void ck_view_end(struct ck_view **view);
/* The same of what a writer has open, beside that one: for reading that goes on in slices (ck_pause) while others look things up. To be ended by the
   function of its own, and before the store is closed. */
CK_MUST_USE enum ck_error ck_view_begin_beside(struct ck_store *store, struct ck_view **out);
void ck_view_end_beside(struct ck_view **view);

/* When a copy was last proved in step with its source. */
struct ck_as_of {
	int64_t wall_s;    /* by the machine's clock, as far as that was to be trusted */
	struct ck_id boot; /* the kernel's boot id; zero: not known */
	int64_t boot_ms;   /* since that boot */
};
struct ck_store_state {
	bool finished;         /* holds the cookie of a finished refresh; else every answer is "unavailable" */
	struct ck_as_of as_of;
	uint64_t generation;   /* counts commits */
	uint64_t counts[CK_KIND_LAST + 1];
	uint64_t quarantined;
	struct ck_bytes cookie;
};
CK_MUST_USE enum ck_error ck_view_state(struct ck_view *view, struct ck_store_state *out);

/* Reads every key and record and compares with the sum kept in the state: finds what a single look-up cannot see, a key that damage made
   into another. CK_OK or CK_ERR_CORRUPT. About 10 us a member of staff. */
CK_MUST_USE enum ck_error ck_view_verify(struct ck_view *view); /* pauses (ck_pause); CK_ERR_UNAVAILABLE: it was to end before it had read all */

/* Each: CK_OK, CK_ERR_NOT_FOUND, CK_ERR_CORRUPT. One B-tree descent each (an index, then the record). */
CK_MUST_USE enum ck_error ck_view_get(struct ck_view *view, enum ck_kind kind, struct ck_id id, struct ck_record *out);
/* The record that came from this entry of the directory; none of a quarantined one. */
CK_MUST_USE enum ck_error ck_view_by_uuid(struct ck_view *view, const uint8_t entry_uuid[16], struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_key(struct ck_view *view, const uint8_t hash[CK_HASH_BYTES], struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_key_use(struct ck_view *view, const uint8_t hash[CK_HASH_BYTES], struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_staff_by_uid(struct ck_view *view, struct ck_text uid, struct ck_record *out);
/* The person of that name, or whoever comes next in the order of names (at its end: the first). CK_ERR_NOT_FOUND: there is nobody at all. */
CK_MUST_USE enum ck_error ck_view_staff_from(struct ck_view *view, struct ck_text uid, struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_staff_by_uid_number(struct ck_view *view, uint64_t uid_number, struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_staff_by_mail(struct ck_view *view, struct ck_text mail, struct ck_record *out); /* ASCII case folded */
CK_MUST_USE enum ck_error ck_view_staff_by_number(struct ck_view *view, struct ck_id authority, struct ck_text staff_number,
                                                  struct ck_record *out);
CK_MUST_USE enum ck_error ck_view_system_by_name(struct ck_view *view, struct ck_text name, struct ck_record *out);
/* Authority, role, rule or group by its name (authority: over the directory; else within `authority`). */
CK_MUST_USE enum ck_error ck_view_by_name(struct ck_view *view, enum ck_kind kind, struct ck_id authority, struct ck_text name,
                                          struct ck_record *out);

/* Lists: calls `each` in a stable order until it returns false. */
typedef bool (*ck_record_visitor)(const struct ck_record *record, void *context);
CK_MUST_USE enum ck_error ck_view_staff_by_telephone(struct ck_view *view, struct ck_text telephone, ck_record_visitor each, void *context);
CK_MUST_USE enum ck_error ck_view_keys_of(struct ck_view *view, struct ck_id staff, ck_record_visitor each, void *context);
CK_MUST_USE enum ck_error ck_view_codes_of(struct ck_view *view, struct ck_id staff, ck_record_visitor each, void *context);
/* All grants of a person; role zero: of every role, else of that role only. */
CK_MUST_USE enum ck_error ck_view_grants_of(struct ck_view *view, struct ck_id staff, struct ck_id role, ck_record_visitor each, void *context);
CK_MUST_USE enum ck_error ck_view_grants_by_role(struct ck_view *view, struct ck_id role, ck_record_visitor each, void *context);
/* Rules that name this system or group. */
CK_MUST_USE enum ck_error ck_view_rules_for(struct ck_view *view, struct ck_id target, ck_record_visitor each, void *context);
/* Rules for all systems of this authority. */
CK_MUST_USE enum ck_error ck_view_rules_for_all(struct ck_view *view, struct ck_id authority, ck_record_visitor each, void *context);
/* Every record of a kind, in an order of ids (their second halves first), from `after` (zero: the beginning; exclusive); authority zero: of every authority. */
CK_MUST_USE enum ck_error ck_view_each(struct ck_view *view, enum ck_kind kind, struct ck_id authority, struct ck_id after,
                                       ck_record_visitor each, void *context);
typedef bool (*ck_quarantine_visitor)(const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason, void *context);
CK_MUST_USE enum ck_error ck_view_each_quarantined(struct ck_view *view, ck_quarantine_visitor each, void *context);

/* ---- writing: the replica or the link only ---- */

CK_MUST_USE enum ck_error ck_batch_begin(struct ck_store *store, struct ck_batch **out, struct ck_errmsg *err);
/* Durable when it returns, and seen by readers a flush before that. Frees the batch either way. */
CK_MUST_USE enum ck_error ck_batch_commit(struct ck_batch **batch, struct ck_errmsg *err);
void ck_batch_abort(struct ck_batch **batch);
/* Adds or replaces by entry_uuid. CK_ERR_EXISTS: another entry, quarantined or not, holds its id, uid, mail, uidNumber, credential, staff number
   or name: the one known first stays, nothing was written (any older version of this entry is removed), and the sentence names the clash. */
CK_MUST_USE enum ck_error ck_batch_put(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err);
/* Removes whatever is known by this entryUUID, record or quarantine; CK_ERR_NOT_FOUND if nothing is. */
CK_MUST_USE enum ck_error ck_batch_remove(struct ck_batch *batch, const uint8_t entry_uuid[16]);
/* Removes the record of this entryUUID, if any, and notes why. claims (may be NULL): what it says of its id and its other unique values, as far
   as it says so; of these it holds what nobody else has, so that no later entry takes its place meanwhile. */
CK_MUST_USE enum ck_error ck_batch_quarantine(struct ck_batch *batch, const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason,
                                              const struct ck_record *claims);
/* Whether what is known by this entryUUID is quarantined. */
bool ck_batch_is_quarantined(struct ck_batch *batch, const uint8_t entry_uuid[16]);
/* Takes back that any key is attested: whoever said so trusted other roots. */
CK_MUST_USE enum ck_error ck_batch_forget_attested(struct ck_batch *batch, uint64_t *out_count);
/* The cookie of a finished refresh (marks the store finished) and as_of, together with the data of this batch. */
CK_MUST_USE enum ck_error ck_batch_set_cookie(struct ck_batch *batch, struct ck_bytes cookie);
CK_MUST_USE enum ck_error ck_batch_set_as_of(struct ck_batch *batch, const struct ck_as_of *as_of);
/* Small named values of the follower (highest CSN per server id, …), kept with the data. Names up to 64 bytes. */
CK_MUST_USE enum ck_error ck_batch_set_note(struct ck_batch *batch, struct ck_text name, struct ck_bytes value);
CK_MUST_USE enum ck_error ck_view_note(struct ck_view *view, struct ck_text name, struct ck_bytes *out);
/* A view of the batch's own uncommitted state, so that a change can be checked against what it would meet; ends with the batch (no
   ck_view_end). What was read from it lives until the next write of the batch. */
struct ck_view *ck_batch_view(struct ck_batch *batch);
/* Every entryUUID known (records and quarantined), for the present phase. */
typedef bool (*ck_uuid_visitor)(const uint8_t entry_uuid[16], void *context);
CK_MUST_USE enum ck_error ck_view_each_uuid(struct ck_view *view, ck_uuid_visitor each, void *context);
/* Between these two a second file is filled, in bounded memory: what is put is sorted outside of it. Meanwhile nothing can be read of it but authorities;
   ck_batch_put, ck_batch_remove and ck_batch_quarantine give CK_ERR_CONFLICT, having changed nothing, where what came before would have to be looked at: such
   are to be said again, in the order in which they came, after the end. ck_store_load_end puts all of it into `*next`; where it fails (a full disk),
   that can only be closed. */
CK_MUST_USE enum ck_error ck_store_load_begin(struct ck_store *next, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_store_load_end(struct ck_store **next, struct ck_errmsg *err); /* pauses (ck_pause) */
/* To disk, what was committed after that: pages that are read before they are count as the process's own memory. */
CK_MUST_USE enum ck_error ck_store_load_flush(struct ck_store *next, struct ck_errmsg *err);
/* Whether anything, record or quarantine, is known by this entryUUID. */
CK_MUST_USE enum ck_error ck_view_has_uuid(struct ck_view *view, const uint8_t entry_uuid[16], bool *out);
/* Closes `*next` (the writer of CK_STORE_NEXT_FILE), marks the current file superseded, renames next over it, and opens it as the writer.
   `*current` may be NULL when there was none. */
CK_MUST_USE enum ck_error ck_store_supersede(const char *directory, struct ck_store **current, struct ck_store **next, struct ck_store **out,
                                             struct ck_errmsg *err);

#endif
