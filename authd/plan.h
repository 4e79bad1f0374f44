/* A plan that was ordered: verifying it, when it comes and again with each of its batches, and finding out what of a batch is still to be done.
   Pure, like change.h: no directory and no clock. A plan is a touch and what it covers; nothing of it is believed because it was accepted
   before, but that its nonce was ours. */
#ifndef CK_AUTHD_PLAN_H
#define CK_AUTHD_PLAN_H

#include "authd/change.h"
#include "authd/protocol/plan.h"

struct ck_signed_plan {
	struct ck_plan_statement statement; /* borrows from statement_bytes */
	uint8_t statement_bytes[CK_PLAN_STATEMENT_LIMIT_BYTES];
	size_t statement_length;
	uint8_t roots[CK_PLAN_BATCHES_LIMIT][32];
	size_t batches;
	uint8_t key_hash[CK_HASH_BYTES];
	uint8_t auth_data[CK_AUTH_DATA_LIMIT_BYTES];
	size_t auth_data_length;
	uint8_t signature[CK_SIGNATURE_LIMIT_BYTES];
	size_t signature_length;
	char user[CK_UID_LIMIT_BYTES + 1];
};
/* What follows from the touch, at the time of asking. */
struct ck_plan_orderer {
	struct ck_id id;
	uint32_t counter;
};

/* From CK_OP_PLAN_COMMIT (but its nonce is only copied: taking it is the caller's); the statement is made anew. */
CK_MUST_USE enum ck_error ck_plan_decode(const struct ck_map *request, struct ck_signed_plan *out, struct ck_denial *denial);
/* Makes the statement that must have been signed, from the nonce that was taken. */
CK_MUST_USE enum ck_error ck_plan_state(struct ck_signed_plan *plan, const struct ck_nonce *nonce, struct ck_text system, struct ck_denial *denial);
/* From the value of ckProof in the plan's entry. CK_ERR_INVALID: it is none. */
CK_MUST_USE enum ck_error ck_plan_load(struct ck_bytes proof, struct ck_signed_plan *out);
/* The same value. */
CK_MUST_USE enum ck_error ck_plan_store(const struct ck_signed_plan *plan, uint8_t *out, size_t limit_bytes, size_t *out_length);
/* Everything but the batches: the touch, the batches' digest, the time, the system, and that the orderer administers the authority now. */
CK_MUST_USE enum ck_error ck_plan_verify(const struct ck_signed_plan *plan, const struct ck_change_place *place, struct ck_view *view,
                                         struct ck_plan_orderer *out, struct ck_denial *denial);

/* How it stands with one statement of a batch. */
enum ck_item_state { CK_ITEM_REFUSED = 0, CK_ITEM_READY, CK_ITEM_WRITING, CK_ITEM_WRITTEN, CK_ITEM_DONE, CK_ITEM_UNKNOWN };
struct ck_batch_item {
	enum ck_item_state state;
	const char *reason; /* of a refused one */
	struct ck_errmsg message;
};
struct ck_plan_batch {
	uint64_t number; /* of the plan's batches */
	uint8_t root[32];
	struct ck_batch_item items[CK_CHANGES_LIMIT]; /* as the order's */
};
/* The statements (by ck_order_decode_statements) are this batch of the plan, whole and in order, and each adds or changes staff of the plan's
   authority. Sets who orders it. */
CK_MUST_USE enum ck_error ck_plan_check_batch(const struct ck_signed_plan *plan, const struct ck_plan_orderer *orderer, uint64_t number,
                                              struct ck_order *order, struct ck_plan_batch *out, struct ck_denial *denial);
/* Authorises each statement by the table, over `view`, and tries it out in the trial batch, one by one: refused, done already, or ready. */
void ck_plan_try_batch(struct ck_order *order, const struct ck_change_place *place, struct ck_view *view, struct ck_batch *trial,
                       struct ck_plan_batch *out);
/* Whether the entry is there as the statement wants it. */
bool ck_plan_item_is_done(const struct ck_order_item *item, struct ck_view *view);
/* What is kept beside what the statement wrote. */
CK_MUST_USE enum ck_error ck_plan_member_proof(const struct ck_signed_plan *plan, const struct ck_order *order, uint64_t number, size_t index,
                                               uint8_t *out, size_t limit_bytes, size_t *out_length);

#endif
