/* The events that other processes may have recorded: one table of names, who may send them, with which fields, and what the ledger does about
   them. And how a field is written into a record. */
#ifndef CK_AUTHD_LEDGER_EVENT_H
#define CK_AUTHD_LEDGER_EVENT_H

#include "authd/audit/audit.h"
#include "authd/protocol/cbor.h"
#include "authd/protocol/message.h"

enum {
	CK_EVENT_FLUSHED = 1,    /* flushed before the answer; else within 100 ms */
	CK_EVENT_ESSENTIAL = 2,  /* may use the reserve on a full disk */
	CK_EVENT_COUNTED = 4,    /* HASH and COUNT, where they are there, must advance the key's counter */
	CK_EVENT_BUDGETED = 8,   /* coalesced when there are many, unless something was PROVED */
	CK_EVENT_ALARMING = 16,  /* said in the operational log, too */
	CK_EVENT_GRANTS = 32,    /* registers LOGIN_ID for one session */
	CK_EVENT_OPENS = 64,     /* a session, if its login was granted */
	CK_EVENT_CLOSES = 128,
	CK_EVENT_RESETS = 256,   /* what is known of HASH's counter is forgotten */
	CK_EVENT_SPENDS = 512,   /* of its person's budget, where something was PROVED or a key is COUNTED */
	CK_EVENT_TRIES = 1024,   /* a password: USER and where it is tried have so many */
	CK_EVENT_TRIED = 2048,   /* how that ended: REASON */
	CK_EVENT_SEARCHES = 4096, /* COUNT people of other authorities are charged to ID's and AUTHORITY's budgets */
	CK_EVENT_SHOWS = 16384, /* one person of another authority, where BUDGET says so: charged to TARGET's and AUTHORITY's budgets */
	CK_EVENT_VOUCHES = 8192 /* of a code that is said on the telephone (ledger_vouch_act.h); DIGEST is not recorded */
};
struct ck_event_rule {
	enum ck_event event;
	const char *name;
	unsigned what; /* of the above */
	unsigned from; /* a bit of CK_FROM for each process that may send it */
	ck_keys required, optional; /* besides TYPE, REQUEST, EVENT */
};
#define CK_FROM(process) (1u << (process))

/* NULL: no such event, or it is the ledger's own. */
const struct ck_event_rule *ck_event_rule_of(uint64_t event);
const struct ck_event_rule *ck_event_rules(size_t *out_count);
/* All fields are there and of their type and within their limit; nothing else is. */
CK_MUST_USE enum ck_error ck_event_check(const struct ck_event_rule *rule, enum ck_process from, const struct ck_map *message);

/* What the REASON of a password's outcome means for those who have only so many attempts. */
enum ck_outcome { CK_OUTCOME_COUNTS = 0, CK_OUTCOME_RIGHT, CK_OUTCOME_NONE };
#define CK_OUTCOME_UNSENT "unsent" /* beside the names of ck_password_outcome_name: the directory was not asked */
enum ck_outcome ck_event_password_outcome(struct ck_text reason);

/* The fields of a checked message as they are recorded; borrows from the message. */
#define CK_EVENT_SCRATCH_BYTES 20480
struct ck_event_fields {
	struct ck_audit_field at[CK_AUDIT_FIELDS_LIMIT];
	size_t count;
	size_t used;
	char scratch[CK_EVENT_SCRATCH_BYTES]; /* what had to be put into letters; last, never zeroed */
};
void ck_event_fields_begin(struct ck_event_fields *fields);
void ck_event_fields_take(struct ck_event_fields *fields, const struct ck_map *message);
void ck_event_fields_text(struct ck_event_fields *fields, const char *name, struct ck_text value);
void ck_event_fields_uint(struct ck_event_fields *fields, const char *name, uint64_t value);
void ck_event_fields_hex(struct ck_event_fields *fields, const char *name, const uint8_t *bytes, size_t length);

#endif
