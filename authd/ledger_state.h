/* What the ledger knows besides the log, and how it is known again after a start: a snapshot, and the records since. The snapshot can be
   deleted; the log alone gives the same, slower. */
#ifndef CK_AUTHD_LEDGER_STATE_H
#define CK_AUTHD_LEDGER_STATE_H

#include "authd/audit/audit.h"
#include "authd/ledger_attempt.h"
#include "authd/ledger_counter.h"
#include "authd/ledger_find.h"
#include "authd/ledger_session.h"

#define CK_BOOT_ID_BYTES CK_ID_TEXT_BYTES

struct ck_state {
	struct ck_counters *counters;
	struct ck_sessions *sessions;
	struct ck_attempts *attempts;
	struct ck_finds *finds; /* people of other authorities looked up, by person and by authority */
	struct ck_attempt_limits limits;
	struct ck_find_limits find_limits;
	char boot[CK_BOOT_ID_BYTES]; /* of the kernel: process numbers mean nothing to the next one */
};
CK_MUST_USE enum ck_error ck_state_new(const struct ck_attempt_limits *limits, const struct ck_find_limits *find_limits, struct ck_state *out);
void ck_state_free(struct ck_state *state);
/* The kernel's boot id, or "" if it has none. To be read before the process is confined. */
void ck_state_read_boot_id(char out[CK_BOOT_ID_BYTES]);

/* Writes a snapshot into the log's directory. `place` is flushed. durable: on disk before this returns; else it is good against a crash of
   this process, and one that a power cut damages is passed over for the last durable one. */
CK_MUST_USE enum ck_error ck_state_save(struct ck_state *state, const char *directory, const struct ck_chain_place *place, bool durable,
                                        struct ck_errmsg *err);
/* From the newest snapshot that is whole and whose place lies in the log, and from all records since; without one, from all records.
   *out_replayed: how many. boot: of the running kernel; sessions of another are forgotten. */
CK_MUST_USE enum ck_error ck_state_restore(struct ck_state *state, const char *directory, const struct ck_chain_place *end, const char *boot,
                                           uint64_t *out_replayed, struct ck_errmsg *err);

#endif
