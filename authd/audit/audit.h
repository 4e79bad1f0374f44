/* The audit log: one line a record, each with the digest of the one before; Ed25519 checkpoints with a key that evolves.
   A record: `SEQ TIME EVENT key=value … prev=DIGEST\n`; TIME is RFC 3339 with microseconds, DIGEST the SHA-256 of the whole line before
   (with its newline) in hex. Values from outside are escaped (ck_escape): one event is one line, whatever it holds.
   A checkpoint is a record `checkpoint index=N key=PUB next=PUB sig=SIG`: SIG by key N over the record up to " sig=", and so over all
   before it; the next key's public half is inside; the secret of key N is destroyed once key N+1 is safely stored. */
#ifndef CK_AUDIT_AUDIT_H
#define CK_AUDIT_AUDIT_H

#include <stdbool.h>

#include "directory/base/text.h"

#define CK_AUDIT_RECORD_LIMIT_BYTES 16384
#define CK_AUDIT_FIELDS_LIMIT 32
#define CK_AUDIT_DIGEST_BYTES 32

struct ck_audit_field {
	const char *name; /* ours: [a-z-]+ */
	struct ck_bytes value; /* from outside: escaped when written */
};

/* ---- writing: the ledger only ---- */
struct ck_chain;
struct ck_chain_limits {
	uint64_t segment_bytes; /* a new file is begun past this */
	uint64_t reserve_bytes; /* kept preallocated for what must be recorded */
};
/* Where the written log ends; what is in memory only does not count. */
struct ck_chain_place {
	uint64_t seq; /* of the last record; 0: none yet */
	uint8_t digest[CK_AUDIT_DIGEST_BYTES]; /* of its line; zeros: none yet */
	uint32_t segment; /* the file the next record goes to (or the one after it), */
	uint64_t offset_bytes; /* and where in it */
};
/* Records that may wait in memory for one ck_chain_write. */
#define CK_CHAIN_BATCH_RECORDS 256
/* Opens or begins the log in `directory` (files audit-NNNNNN.log, key files beside it). A torn last record is cut; *out_cut_bytes says how
   much. Refuses (CK_ERR_CORRUPT) a log whose end does not check out otherwise. */
CK_MUST_USE enum ck_error ck_chain_open(const char *directory, const struct ck_chain_limits *limits, struct ck_chain **out,
                                        size_t *out_cut_bytes, struct ck_errmsg *err);
void ck_chain_close(struct ck_chain **chain);
/* The second that the last record carries, 0: there is none. Records never go back in time, whatever the clock does: they carry that of the
   one before; unless ck_chain_set_clock_back was called since, between two batches. ck_chain_not_before: the next carries at least this. */
int64_t ck_chain_last_s(const struct ck_chain *chain);
void ck_chain_not_before(struct ck_chain *chain, int64_t at_s);
void ck_chain_set_clock_back(struct ck_chain *chain);
/* Adds a record to the batch in memory. essential: may use the reserve. *out_seq may be NULL. Not written yet. CK_ERR_LIMIT: the record is
   too long, or the batch is full. CK_ERR_IO: the disk is, and the reserve is not for this one (or used up); the chain stands as before. */
CK_MUST_USE enum ck_error ck_chain_add(struct ck_chain *chain, const char *event, const struct ck_audit_field *fields, size_t count,
                                       bool essential, uint64_t *out_seq, struct ck_errmsg *err);
/* write(2) of the batch: all of it or, after a failure, none of it (the file is cut back and the chain stands as before). */
CK_MUST_USE enum ck_error ck_chain_write(struct ck_chain *chain, struct ck_errmsg *err);
/* fdatasync; one that is in flight is waited for first. */
CK_MUST_USE enum ck_error ck_chain_flush(struct ck_chain *chain, struct ck_errmsg *err);
/* fdatasync of all that is written now, without waiting for it. *out_done: it is over already (nothing to flush, or a kernel that cannot).
   Else, when ck_chain_flush_fd is readable, ask ck_chain_flush_end. One at a time: ended before the next begins. */
CK_MUST_USE enum ck_error ck_chain_flush_begin(struct ck_chain *chain, bool *out_done, struct ck_errmsg *err);
/* *out_done: none is in flight any more; with CK_OK what was written before it began is safe. What was written since is not. */
CK_MUST_USE enum ck_error ck_chain_flush_end(struct ck_chain *chain, bool *out_done, struct ck_errmsg *err);
/* -1: this kernel cannot, and every flush is over when it has begun. */
int ck_chain_flush_fd(const struct ck_chain *chain);
/* Whether something was written that no flush, ended or in flight, covers; and whether all that was written is flushed. */
bool ck_chain_needs_flush(const struct ck_chain *chain);
bool ck_chain_is_flushed(const struct ck_chain *chain);
/* Adds, writes and flushes a checkpoint and moves to the next key. The record's text (one line) goes to out. */
CK_MUST_USE enum ck_error ck_chain_checkpoint(struct ck_chain *chain, char *out, size_t out_bytes, struct ck_errmsg *err);

/* Whether a record of any length would be taken now. */
bool ck_chain_would_take(struct ck_chain *chain, bool essential);

void ck_chain_where(const struct ck_chain *chain, struct ck_chain_place *out);
/* Whether something failed after which the log in memory and the one on disk may differ: nothing more is taken; open it again. */
bool ck_chain_is_broken(const struct ck_chain *chain);

/* ---- reading: from a copy, without the daemon ---- */
struct ck_audit_record { /* borrows from the line */
	uint64_t seq;
	struct ck_text time, event;
	struct { struct ck_text name, value; /* still escaped */ } fields[CK_AUDIT_FIELDS_LIMIT];
	size_t count;
	uint8_t prev[CK_AUDIT_DIGEST_BYTES];
	struct ck_text line; /* without the newline */
};
CK_MUST_USE enum ck_error ck_audit_parse(struct ck_text line, struct ck_audit_record *out);
/* Every record of the log in order, until it returns false. Stops with CK_ERR_CORRUPT (and where) at what is no record. */
typedef bool (*ck_audit_visitor)(const struct ck_audit_record *record, const char *file, uint64_t line_number, void *context);
CK_MUST_USE enum ck_error ck_audit_each(const char *directory, ck_audit_visitor each, void *context, struct ck_errmsg *err);

/* The same from a place on, which must fit: the first record has the next number and carries the place's digest. For the ledger's start. */
CK_MUST_USE enum ck_error ck_audit_each_since(const char *directory, const struct ck_chain_place *place, ck_audit_visitor each, void *context,
                                              struct ck_errmsg *err);

/* For whoever watches the log grow: the first time (place all zeros) as ck_audit_each; moves the place behind the last record seen, so that the
   next call brings what was written since, which must fit. */
CK_MUST_USE enum ck_error ck_audit_each_next(const char *directory, struct ck_chain_place *place, ck_audit_visitor each, void *context,
                                             struct ck_errmsg *err);

struct ck_audit_report {
	uint64_t records, checkpoints, last_seq, last_checkpoint_seq;
	uint64_t after_checkpoint; /* records after the newest checkpoint: chained, not yet signed */
	bool anchored;             /* the anchor was found in the log, byte for byte */
};
/* Verifies chain, sequence, segments, checkpoints. anchor: the text of a checkpoint that somebody else holds, or absent.
   CK_ERR_CORRUPT: the sentence says file, line, record and what is wrong. The first key is pinned by the file `genesis` beside the log,
   or by the anchor. */
CK_MUST_USE enum ck_error ck_audit_verify(const char *directory, struct ck_text anchor, struct ck_audit_report *out, struct ck_errmsg *err);

#endif
