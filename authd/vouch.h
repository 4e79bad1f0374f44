/* The pure part of vouching: what a key signs, the digest of a code, and whether a proof still says who somebody is. No I/O, no clock, nothing
   allocated. */
#ifndef CK_AUTHD_VOUCH_H
#define CK_AUTHD_VOUCH_H

#include "authd/protocol/vouch.h"
#include "directory/store/store.h"

/* SHA-256 of the tag and the statement: the challenge; its first CK_VOUCH_ID_BYTES are the vouch's id. */
CK_MUST_USE enum ck_error ck_vouch_hash(const struct ck_vouch_statement *statement, uint8_t out[CK_CHALLENGE_BYTES]);
/* The code as the ledger gets it: keyed with the machine's secret, which the ledger does not have. */
void ck_vouch_digest(const uint8_t *secret, size_t secret_bytes, const char code[CK_VOUCH_CODE_BYTES], uint8_t out[CK_VOUCH_DIGEST_BYTES]);
/* A new one; each is as likely. */
void ck_vouch_draw(char out[CK_VOUCH_CODE_BYTES]);
/* The id that a name appears to have that nobody has: the same at each asking. */
struct ck_id ck_vouch_decoy(const uint8_t *secret, size_t secret_bytes, struct ck_text name);

/* Whom a code may be made for: an active person by their login name, who may be found; an active authority by its name. CK_ERR_NOT_FOUND,
   CK_ERR_CORRUPT. */
CK_MUST_USE enum ck_error ck_vouch_audience(struct ck_view *view, bool for_authority, struct ck_text name, struct ck_moment now,
                                            struct ck_record *out);

struct ck_vouch_question {
	struct ck_bytes proof;
	struct ck_text system, rp_id;
	struct ck_moment now;
	int64_t limit_s; /* no statement that is good was made longer ago */
};
struct ck_vouch_known {
	struct ck_record staff; /* borrows from the view */
	unsigned proved;
	int64_t time_s;         /* when the statement was made */
};
/* Verifies all of it with the view as it is now: the signature, presence and verification, the key, the person, their authority, that it is for whom
   it says. NULL: it stands, and *out is who it is. Else the reason's name. *corrupt: the store is damaged. */
const char *ck_vouch_refuse(struct ck_view *view, const struct ck_vouch_question *question, struct ck_vouch_known *out, bool *corrupt,
                            struct ck_errmsg *why);

#endif
