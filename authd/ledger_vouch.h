/* Vouches: who made a code for whom, whether it was checked, and how often somebody guessed. In memory only: a ledger that starts anew knows no
   code, so none is good any more, and the guesses at them count no more either. Times are of the monotonic clock, given by the caller. */
#ifndef CK_AUTHD_LEDGER_VOUCH_H
#define CK_AUTHD_LEDGER_VOUCH_H

#include "authd/protocol/vouch.h"

#define CK_VOUCH_NAME_BYTES 132 /* a login name as the statement has it */
#define CK_VOUCHES_LIMIT 8192 /* kept at a time: two minutes of 68 a second */
/* After its life a vouch is remembered, so that its code is "expired" or "used" to who may know, and what the key signed is not good again. */
#define CK_VOUCH_REMEMBERED_MS (10 * 60 * 1000)

/* Wrong codes within CK_VOUCH_WINDOW_MS from the first, after which nothing is looked at until it is over. docs/design/vouch.md has the arithmetic. */
#define CK_VOUCH_WINDOW_MS (15 * 60 * 1000)
#define CK_VOUCH_TRIES 10       /* of one person: the last digit finds slips of the finger, so these were heard wrong or made up */
#define CK_VOUCH_TRIES_ALL 200  /* of all together: twenty persons who used theirs up */
#define CK_VOUCH_CHECKERS_LIMIT 4096 /* who entered a wrong one lately; the longest ago makes room */

enum ck_vouch_state {
	CK_VOUCH_NONE = 0, /* there is no such vouch (any more) */
	CK_VOUCH_OPEN,
	CK_VOUCH_CHECKED,
	CK_VOUCH_REFUSED,   /* it was right, and what it stands on had ended meanwhile */
	CK_VOUCH_WITHDRAWN,
	CK_VOUCH_REPLACED,  /* by the same person's next */
	CK_VOUCH_EXPIRED
};
const char *ck_vouch_state_name(enum ck_vouch_state state);

struct ck_vouch {
	char user[CK_VOUCH_NAME_BYTES]; /* who vouches for themself */
	struct ck_id voucher;
	bool for_authority;
	struct ck_id for_id;
	uint8_t digest[CK_VOUCH_DIGEST_BYTES]; /* of the code, keyed by whoever made it; the ledger has no key to try codes with */
	int64_t made_ms, life_ms;
	enum ck_vouch_state state;
	struct ck_id checker;
	int64_t checked_s; /* wall clock, for people */
	uint8_t *proof; /* while it is open */
	size_t proof_length;
};

struct ck_vouches;
CK_MUST_USE enum ck_error ck_vouches_new(struct ck_vouches **out);
void ck_vouches_free(struct ck_vouches **vouches);

/* What is to be kept; borrowed. */
struct ck_vouch_new {
	uint8_t id[CK_VOUCH_ID_BYTES]; /* of what the key signed: the same is never good twice */
	struct ck_id voucher;
	const uint8_t *digest;
	struct ck_bytes proof;
	struct ck_vouch_statement statement; /* as decoded from it */
};
/* NULL, or the name of the reason why not. What is over makes room. */
const char *ck_vouches_refuse(struct ck_vouches *vouches, const struct ck_vouch_new *made, int64_t now_ms);
/* After it was not refused. The same person's last one, if it is open, is replaced. CK_ERR_MEMORY. */
CK_MUST_USE enum ck_error ck_vouches_add(struct ck_vouches *vouches, const struct ck_vouch_new *made, int64_t now_ms, int64_t life_ms);
/* NULL: there is none. Its state is brought up to date. Good until the next call that adds. */
struct ck_vouch *ck_vouches_get(struct ck_vouches *vouches, const uint8_t id[CK_VOUCH_ID_BYTES], int64_t now_ms);

/* Who checks. */
struct ck_vouch_checker {
	struct ck_id staff, authority;
};
bool ck_vouch_is_for(const struct ck_vouch *vouch, const struct ck_vouch_checker *checker);

enum ck_vouch_found {
	CK_VOUCH_FOUND = 1,    /* open, and for this person: nothing is used up yet */
	CK_VOUCH_OVER,         /* for this person, and over: its state says how */
	CK_VOUCH_ELSEWHERE,    /* open, and for somebody else, who must not notice any difference to … */
	CK_VOUCH_WRONG,        /* … none at all */
	CK_VOUCH_TOO_MANY      /* not looked at: the budget is used up */
};
/* Counts what is wrong. *out_exhausted: with this one the budget of this person, or of all, is used up. */
enum ck_vouch_found ck_vouches_find(struct ck_vouches *vouches, const struct ck_vouch_checker *checker, const uint8_t digest[CK_VOUCH_DIGEST_BYTES],
                                    int64_t now_ms, const uint8_t **out_id, bool *out_exhausted);
/* Whether it may be checked now by this person with this code: NULL, or the reason's name. Nothing is changed. */
const char *ck_vouch_refuse_check(const struct ck_vouch *vouch, const struct ck_vouch_checker *checker, const uint8_t digest[CK_VOUCH_DIGEST_BYTES]);
/* It is over: the code and the proof are forgotten, the outcome remembered. */
void ck_vouch_end(struct ck_vouch *vouch, enum ck_vouch_state state, const struct ck_id *checker, int64_t wall_s);

#endif
