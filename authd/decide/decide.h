/* The decision: who may enter which account of which system, by which service, from where, having proved what, at what time.
   A pure function over a view: no clock, no allocation, nothing written. It starts refused; one line assigns allow. */
#ifndef CK_DECIDE_DECIDE_H
#define CK_DECIDE_DECIDE_H

#include "directory/model/record.h"
#include "directory/store/store.h"

/* Why it was refused (or CK_REASON_GRANTED). The order is by how far the chain came: the highest reached one is told. */
enum ck_reason {
	CK_REASON_NOT_DECIDED = 0,
	CK_REASON_UNAVAILABLE,        /* the store holds no finished copy, or is damaged */
	CK_REASON_STALE,              /* as_of is older than the limit */
	CK_REASON_CLOCK,              /* now is before as_of by more than the tolerance, or zero; or it is behind, and what has an end was needed */
	CK_REASON_UNKNOWN_STAFF,
	CK_REASON_STAFF_NOT_ACTIVE,   /* suspended, or outside its window */
	CK_REASON_STAFF_INVALID,      /* uidNumber outside its authority's range */
	CK_REASON_AUTHORITY_NOT_ACTIVE, /* the person's or the system's authority is missing, suspended or outside its window */
	CK_REASON_UNKNOWN_SYSTEM,
	CK_REASON_OTHER_SYSTEM,       /* there is one of that name, and it is not this one */
	CK_REASON_SYSTEM_NOT_ACTIVE,
	CK_REASON_NO_RULE,            /* no active rule names this system */
	CK_REASON_SERVICE,            /* rules, but none for this service */
	CK_REASON_ACCOUNT,            /* rules, but none for this account */
	CK_REASON_NO_ROLE,            /* rules, but the person holds none of their roles now */
	CK_REASON_SOURCE,             /* a rule, but not from here */
	CK_REASON_HOURS,              /* a rule, but not in these hours of the week */
	CK_REASON_PROOF,              /* a rule, if more were proved: see verdict.demanded */
	CK_REASON_GRANTED
};
#define CK_REASON_LAST CK_REASON_GRANTED

#define CK_ROLE_DEPTH_LIMIT 8    /* member roles of member roles */
#define CK_ROLE_VISITS_LIMIT 512 /* roles looked at for one rule; past it: not held */
#define CK_CLOCK_TOLERANCE_S 300 /* as_of may be this far ahead of now */

struct ck_question {
	struct ck_text uid;     /* the subject */
	struct ck_text account; /* the local account entered; equal to uid means "self" */
	struct ck_text system;  /* this system's name */
	struct ck_id system_id; /* and its ckId, so that nobody else takes the name; zero: whichever has the name (to explain another one) */
	struct ck_text service;
	struct ck_source source;
	unsigned proved;
	int64_t as_of_s;
	int64_t as_of_limit_s; /* how old a copy may be */
	struct ck_moment now;
};

struct ck_verdict {
	bool allow;
	enum ck_reason reason;
	struct ck_id rule;    /* that allowed; or of CK_REASON_PROOF: the one with the least missing */
	struct ck_id staff;   /* zero if unknown */
	unsigned demanded;    /* what that rule demands */
	int64_t until_s;      /* the earliest end of what the grant relied on */
};

/* What explain prints: each step looked at, in order. Bounded: past the limit steps are counted, not kept. */
enum ck_step {
	CK_STEP_STORE, CK_STEP_STAFF, CK_STEP_STAFF_AUTHORITY, CK_STEP_SYSTEM, CK_STEP_SYSTEM_AUTHORITY, CK_STEP_RULE, CK_STEP_SERVICE,
	CK_STEP_ACCOUNT, CK_STEP_ROLE, CK_STEP_SOURCE, CK_STEP_HOURS, CK_STEP_PROOF
};
struct ck_trace_step {
	enum ck_step step;
	bool passed;
	struct ck_id rule;  /* the rule under which it was looked at; zero before rules */
	struct ck_id about; /* the staff, authority, system, role … */
	struct ck_id grant; /* of CK_STEP_ROLE: the grant that gave it; zero: by all-staff, or not held */
	uint8_t path_count; /* of CK_STEP_ROLE: the member roles from the rule's role down to the one granted */
	struct ck_id path[CK_ROLE_DEPTH_LIMIT];
	int64_t until_s;
	unsigned value;     /* CK_STEP_PROOF: what is demanded */
};
#define CK_TRACE_LIMIT 256
struct ck_trace {
	struct ck_trace_step at[CK_TRACE_LIMIT];
	size_t count;
	size_t dropped;
};

/* trace may be NULL. CK_ERR_CORRUPT from the store gives CK_REASON_UNAVAILABLE and sets *out_corrupt (may be NULL). */
struct ck_verdict ck_decide(struct ck_view *view, const struct ck_question *question, struct ck_trace *trace, bool *out_corrupt);
/* Whether some rule lets somebody enter this account here by this service with a touch and no verification: whoever it is, so that it says
   nothing about who asks. Only for what is asked of everybody; a rule that cannot be read counts as none. */
bool ck_decide_asks_less(struct ck_view *view, const struct ck_question *question);

/* Whether this person has an account of their own on the system: whether some rule of it would let them in as themself, by whatever service, from
   wherever, at whichever hour of the week and with whatever proved. question: uid, system, system_id, as_of_s, as_of_limit_s, now. staff: whom uid is
   of; NULL: nobody, which takes as long. CK_OK; CK_ERR_NOT_FOUND; CK_ERR_UNAVAILABLE: the copy is too old, or the clock is not to be trusted and
   nothing without an end says so; CK_ERR_CORRUPT. */
CK_MUST_USE enum ck_error ck_decide_account(struct ck_view *view, const struct ck_question *question, const struct ck_record *staff);

/* Whether this person, active, holds the role now (by grant, member roles or all-staff); *out_until_s: the earliest end relied on. */
bool ck_role_held(struct ck_view *view, struct ck_id staff, struct ck_id role, struct ck_moment now, int64_t *out_until_s);
/* Whether this person is an active administrator of that active authority now. */
bool ck_is_administrator(struct ck_view *view, struct ck_id staff, struct ck_id authority, struct ck_moment now);

const char *ck_reason_name(enum ck_reason reason);     /* "no-role" */
const char *ck_reason_sentence(enum ck_reason reason); /* "no role lets you in here" */

/* Prints the chain as lines of text ("granted: …" first), for people; names are looked up in the view. Returns the length; cut at the end
   of a line when out is too small. */
size_t ck_explain(struct ck_view *view, const struct ck_question *question, const struct ck_verdict *verdict, const struct ck_trace *trace,
                  char *out, size_t out_bytes);

#endif
