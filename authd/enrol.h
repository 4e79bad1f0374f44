/* Enrolling a key, at the replica: the first by a one-time code, a later one by a change that an existing key signs. Pure: the clock, the
   view and the randomness' results are given. What is made here goes through the same authorisation table and trial as any change. */
#ifndef CK_AUTHD_ENROL_H
#define CK_AUTHD_ENROL_H

#include "authd/change.h"
#include "authd/login.h"

/* ---- codes ---- */
#define CK_CODE_TRIES_LIMIT 5 /* wrong ones by one kernel uid, for one person, in the life of a code */
#define CK_CODE_TRIED_LIMIT 256

struct ck_code_tries {
	struct {
		struct ck_id staff; /* zero: free */
		uint64_t peer_uid;  /* who tried: nobody uses up another's tries */
		unsigned wrong;
		int64_t since_ms;
	} at[CK_CODE_TRIED_LIMIT];
};
bool ck_code_tries_left(struct ck_code_tries *tries, struct ck_id staff, uint64_t peer_uid, int64_t now_ms, int64_t life_ms);
void ck_code_tries_wrong(struct ck_code_tries *tries, struct ck_id staff, uint64_t peer_uid, int64_t now_ms, int64_t life_ms);
/* A new code was issued: it may be tried as often as any. */
void ck_code_tries_forget(struct ck_code_tries *tries, struct ck_id staff);

/* SHA-256 of the canonical text: upper case, without dashes and spaces; O is 0, I and L are 1 (Crockford's base 32). */
CK_MUST_USE enum ck_error ck_code_hash(struct ck_text code, uint8_t out[CK_HASH_BYTES]);

struct ck_found_code {
	struct ck_id id, staff, authority, issuer;
	char csn[CK_CSN_LIMIT_BYTES + 1];
};
/* The person's code with this hash that is valid now. Looks at all of them, in constant time each. */
CK_MUST_USE enum ck_error ck_code_find(struct ck_view *view, struct ck_id staff, struct ck_id authority, const uint8_t hash[CK_HASH_BYTES],
                                       struct ck_moment now, struct ck_found_code *out);

/* ---- who ---- */
struct ck_enrol_person {
	bool known; /* an active person; else the ids are decoys, the same at each asking */
	struct ck_id staff, authority;
	char uid[CK_UID_LIMIT_BYTES + 1];
	size_t allow_count;
	size_t allow_lengths[CK_ALLOW_LIMIT];
	uint8_t allow[CK_ALLOW_LIMIT][CK_CREDENTIAL_ID_LIMIT_BYTES];
};
/* The person's active keys, or the decoys of a name that has none; the same for whoever may not know: all but the person themself (asker_uid is
   their uidNumber) and root (0). CK_ERR_CORRUPT, CK_ERR_UNAVAILABLE from the store. */
CK_MUST_USE enum ck_error ck_enrol_person(struct ck_view *view, struct ck_text uid, const uint8_t secret[CK_LOGIN_SECRET_BYTES],
                                          struct ck_moment now, uint64_t asker_uid, struct ck_enrol_person *out);

/* ---- the new key ---- */
CK_MUST_USE enum ck_error ck_enrol_challenge(const struct ck_change_place *place, const struct ck_nonce *nonce,
                                             uint8_t out[CK_CHALLENGE_BYTES]);

struct ck_enrolment {
	uint8_t statement_bytes[CK_CHANGE_STATEMENT_LIMIT_BYTES];
	uint8_t registration[CK_REGISTRATION_LIMIT_BYTES];
	uint8_t values_bytes[CK_REGISTRATION_LIMIT_BYTES + 4096];
	size_t statement_length, registration_length, values_length;
	uint8_t hash[CK_HASH_BYTES]; /* of the new key */
	uint32_t count;
	struct ck_order order; /* the one key.add; borrows from here */
	uint8_t proof[CK_PROOF_LIMIT_BYTES];
	size_t proof_length;
};
/* From CK_OP_ENROL_FINISH: verifies the registration over the nonce and prepares the key.add of it. Refuses a credential that is
   already anyone's. */
CK_MUST_USE enum ck_error ck_enrol_prepare(const struct ck_map *request, const struct ck_nonce *nonce, const struct ck_enrol_person *person,
                                           const struct ck_change_place *place, struct ck_view *view, struct ck_enrolment *out,
                                           struct ck_denial *denial);

/* A code for an administrator, by root: the order of its code.add (issuer zero). Borrows from `out`. */
struct ck_recovery {
	uint8_t statement_bytes[CK_CHANGE_STATEMENT_LIMIT_BYTES];
	uint8_t values_bytes[1024];
	struct ck_id id;
	struct ck_order_item item;
	int64_t from_s, until_s;
};
CK_MUST_USE enum ck_error ck_recovery_prepare(const struct ck_change_place *place, struct ck_view *view, struct ck_text uid,
                                              const uint8_t code_hash[CK_HASH_BYTES], uint64_t delay_s, struct ck_recovery *out,
                                              struct ck_denial *denial);

#endif
