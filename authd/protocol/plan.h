/* A plan: more statements than one list holds, in batches, under one touch (docs/design/import-plan.md). The touch signs the plan's statement,
   which names the digest of the batches; a batch is the root of a binary hash tree over its statements, so that each entry can keep the few
   hashes that lead from what it was written by to what was signed. Encoding only; the hash is the caller's (SHA-256). libc only. */
#ifndef CK_PROTOCOL_PLAN_H
#define CK_PROTOCOL_PLAN_H

#include "authd/protocol/statement.h"

#define CK_TAG_PLAN "crosskeys plan v1" /* with the NUL, as in statement.h */
#define CK_OUTCOME_WRITTEN "written" /* what became of a statement; anything else says why not */
#define CK_OUTCOME_DONE "done"
#define CK_PLAN_LIFE_S 43200            /* how long after the touch its batches may come: a working day, and no more */
#define CK_PLAN_BATCHES_LIMIT 1024      /* the digests of so many fit a frame, and 65 536 statements a plan */
#define CK_PLAN_STEPS_LIMIT 6           /* from one of CK_CHANGES_LIMIT leaves to the root */
#define CK_PLAN_STATEMENT_LIMIT_BYTES 512
#define CK_PLAN_PROOF_LIMIT_BYTES (CK_PLAN_BATCHES_LIMIT * 32 + CK_PLAN_STATEMENT_LIMIT_BYTES + CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + 256)
#define CK_MEMBER_PROOF_LIMIT_BYTES (CK_CHANGE_STATEMENT_LIMIT_BYTES + CK_PLAN_STEPS_LIMIT * 32 + 128)

typedef void (*ck_plan_hash)(uint8_t out[32], const struct ck_bytes *parts, size_t count);

/* What is signed: {1: digest of the batches' roots one after the other, 2: nonce, 3: system, 4: uid of who orders it, 5: time, 6: the plan's id,
   7: authority, 8: how many statements}. */
struct ck_plan_statement {
	uint8_t digest[32];
	uint8_t nonce[CK_NONCE_BYTES];
	struct ck_text system, user;
	int64_t time_s;
	struct ck_id plan, authority;
	uint64_t count;
};
CK_MUST_USE enum ck_error ck_plan_statement_encode(const struct ck_plan_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_plan_statement_decode(struct ck_bytes bytes, struct ck_plan_statement *out);

/* The tree of RFC 6962, 2.1, over digests of statements: a leaf is H(0 ‖ digest), a node H(1 ‖ left ‖ right), the left side the largest power of
   two below the count. count: 1 to CK_CHANGES_LIMIT. */
void ck_plan_root(ck_plan_hash hash, const uint8_t (*digests)[32], size_t count, uint8_t out[32]);
/* The siblings from the leaf up; returns how many. */
size_t ck_plan_path(ck_plan_hash hash, const uint8_t (*digests)[32], size_t count, size_t index, uint8_t out[CK_PLAN_STEPS_LIMIT][32]);
/* The root that this digest leads to; false: the path has another length than that place has. */
CK_MUST_USE bool ck_plan_climb(ck_plan_hash hash, const uint8_t digest[32], size_t index, size_t count, struct ck_bytes path, uint8_t out[32]);

/* Kept once, in the plan's own entry: {3: key hash, 4: authenticator data, 5: signature, 11: the plan's statement, 12: the batches' roots}. */
struct ck_plan_proof {
	struct ck_bytes statement, roots, key_hash, auth_data, signature;
};
CK_MUST_USE enum ck_error ck_plan_proof_encode(const struct ck_plan_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_plan_proof_decode(struct ck_bytes bytes, struct ck_plan_proof *out);

/* Kept with each entry that a plan wrote: {1: statement, 6: the plan's id, 7: batch, 8: index in it, 9: statements in it, 10: path}. */
struct ck_member_proof {
	struct ck_bytes statement;
	struct ck_id plan;
	uint64_t batch, index, count;
	struct ck_bytes path;
};
CK_MUST_USE enum ck_error ck_member_proof_encode(const struct ck_member_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_member_proof_decode(struct ck_bytes bytes, struct ck_member_proof *out);

#endif
