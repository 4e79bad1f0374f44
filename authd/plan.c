/* Verifying a plan. The gate that relayed it and the entry that kept it are believed in nothing but what the touch over it proves. */
#include "authd/plan.h"

#include <string.h>

#include "authd/decide/decide.h"
#include "authd/fido/fido.h"

#define FUTURE_S 300 /* a clock that was set back since the touch, as far as ordinary correction goes */

enum ck_error ck_plan_decode(const struct ck_map *request, struct ck_signed_plan *out, struct ck_denial *denial)
{
	struct ck_bytes credential, auth_data, signature, roots;
	memset(out, 0, sizeof *out);
	denial->reason = "";
	if (ck_map_bytes(request, CK_F_CREDENTIAL, 1, CK_CREDENTIAL_ID_LIMIT_BYTES, &credential) != CK_OK ||
	    ck_map_bytes(request, CK_F_AUTH_DATA, 1, CK_AUTH_DATA_LIMIT_BYTES, &auth_data) != CK_OK ||
	    ck_map_bytes(request, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &signature) != CK_OK ||
	    ck_map_bytes(request, CK_F_ROOTS, 32, sizeof out->roots, &roots) != CK_OK || roots.length % 32 != 0 ||
	    ck_map_fixed(request, CK_F_NONCE, out->statement.nonce, sizeof out->statement.nonce) != CK_OK ||
	    ck_map_fixed(request, CK_F_ID, out->statement.plan.bytes, sizeof out->statement.plan.bytes) != CK_OK ||
	    ck_map_fixed(request, CK_F_AUTHORITY, out->statement.authority.bytes, sizeof out->statement.authority.bytes) != CK_OK ||
	    ck_map_uint(request, CK_F_COUNT, 1, CK_PLAN_BATCHES_LIMIT * CK_CHANGES_LIMIT, &out->statement.count) != CK_OK)
		return ck_deny(denial, "malformed", "the plan is malformed: expected up to %d batches, an authority, an id, and an assertion", CK_PLAN_BATCHES_LIMIT);
	ck_sha256(out->key_hash, &credential, 1);
	memcpy(out->auth_data, auth_data.at, auth_data.length);
	memcpy(out->signature, signature.at, signature.length);
	memcpy(out->roots, roots.at, roots.length);
	out->auth_data_length = auth_data.length;
	out->signature_length = signature.length;
	out->batches = roots.length / 32;
	if (ck_id_is_zero(out->statement.plan) || ck_id_is_zero(out->statement.authority) || out->statement.count < out->batches)
		return ck_deny(denial, "malformed", "a plan has an id, an authority, and at least a statement in each batch");
	return CK_OK;
}

static void digest_of(const struct ck_signed_plan *plan, uint8_t out[32])
{
	ck_sha256(out, &(struct ck_bytes){plan->roots[0], plan->batches * 32}, 1);
}

/* The statement's texts are those of its own bytes from then on. */
static enum ck_error settle(struct ck_signed_plan *plan)
{
	enum ck_error error = ck_plan_statement_decode((struct ck_bytes){plan->statement_bytes, plan->statement_length}, &plan->statement);
	return error == CK_OK ? ck_text_copy(plan->user, sizeof plan->user, plan->statement.user) : error;
}

enum ck_error ck_plan_state(struct ck_signed_plan *plan, const struct ck_nonce *nonce, struct ck_text system, struct ck_denial *denial)
{
	struct ck_plan_statement s = plan->statement;
	memcpy(s.nonce, nonce->bytes, sizeof s.nonce);
	digest_of(plan, s.digest);
	s.system = system;
	s.user = ck_text_of(nonce->user);
	s.time_s = nonce->time_s;
	if (ck_plan_statement_encode(&s, plan->statement_bytes, sizeof plan->statement_bytes, &plan->statement_length) != CK_OK || settle(plan) != CK_OK)
		return ck_deny(denial, "malformed", "the plan does not fit a statement");
	return CK_OK;
}

enum ck_error ck_plan_load(struct ck_bytes proof, struct ck_signed_plan *out)
{
	struct ck_plan_proof parts;
	memset(out, 0, sizeof *out);
	if (ck_plan_proof_decode(proof, &parts) != CK_OK) return CK_ERR_INVALID;
	memcpy(out->statement_bytes, parts.statement.at, parts.statement.length);
	memcpy(out->roots, parts.roots.at, parts.roots.length);
	memcpy(out->key_hash, parts.key_hash.at, sizeof out->key_hash);
	memcpy(out->auth_data, parts.auth_data.at, parts.auth_data.length);
	memcpy(out->signature, parts.signature.at, parts.signature.length);
	out->statement_length = parts.statement.length;
	out->batches = parts.roots.length / 32;
	out->auth_data_length = parts.auth_data.length;
	out->signature_length = parts.signature.length;
	return settle(out) == CK_OK ? CK_OK : CK_ERR_INVALID;
}

enum ck_error ck_plan_store(const struct ck_signed_plan *plan, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_plan_proof parts = {.statement = {plan->statement_bytes, plan->statement_length},
	                              .roots = {plan->roots[0], plan->batches * 32},
	                              .key_hash = {plan->key_hash, sizeof plan->key_hash},
	                              .auth_data = {plan->auth_data, plan->auth_data_length},
	                              .signature = {plan->signature, plan->signature_length}};
	return ck_plan_proof_encode(&parts, out, limit_bytes, out_length);
}

static enum ck_error check_time(const struct ck_signed_plan *plan, const struct ck_change_place *place, struct ck_denial *denial)
{
	int64_t now_s = place->now.s, time_s = plan->statement.time_s;
	if (place->now.behind) return ck_deny(denial, "clock", "the machine's clock is behind what was recorded: nothing is written by it");
	if (time_s > now_s + FUTURE_S) return ck_deny(denial, "expired", "the plan is from a time that has not come");
	if (time_s < now_s - CK_PLAN_LIFE_S)
		return ck_deny(denial, "expired", "the plan was ordered more than %d hours ago: import again, what went in stays", CK_PLAN_LIFE_S / 3600);
	return CK_OK;
}

enum ck_error ck_plan_verify(const struct ck_signed_plan *plan, const struct ck_change_place *place, struct ck_view *view,
                             struct ck_plan_orderer *out, struct ck_denial *denial)
{
	static const char tag[] = CK_TAG_PLAN;
	uint8_t challenge[32], digest[32];
	memset(out, 0, sizeof *out);
	denial->reason = "";
	digest_of(plan, digest);
	if (memcmp(digest, plan->statement.digest, sizeof digest) != 0)
		return ck_deny(denial, "digest", "the batches are not the ones that were signed");
	if (!ck_text_equal(plan->statement.system, place->system)) return ck_deny(denial, "assertion", "the plan was signed for another system");
	struct ck_bytes parts[] = {{(const uint8_t *)tag, sizeof tag}, {plan->statement_bytes, plan->statement_length}};
	ck_sha256(challenge, parts, 2);
	struct ck_change_touch touch = {.user = plan->user, .key_hash = plan->key_hash, .challenge = challenge,
	                                .auth_data = {plan->auth_data, plan->auth_data_length}, .signature = {plan->signature, plan->signature_length}};
	enum ck_error error = ck_change_verify_touch(&touch, place, view, &out->id, &out->counter, denial);
	if (error == CK_OK) error = check_time(plan, place, denial);
	if (error == CK_OK && !ck_is_administrator(view, out->id, plan->statement.authority, place->now))
		error = ck_deny(denial, "not-permitted", "you are not one who may order this: an administrator of that authority may");
	if (error != CK_OK) memset(out, 0, sizeof *out);
	return error;
}

enum ck_error ck_plan_member_proof(const struct ck_signed_plan *plan, const struct ck_order *order, uint64_t number, size_t index, uint8_t *out,
                                   size_t limit_bytes, size_t *out_length)
{
	uint8_t digests[CK_CHANGES_LIMIT][32], path[CK_PLAN_STEPS_LIMIT][32];
	for (size_t i = 0; i < order->count; i++) memcpy(digests[i], order->items[i].digest, 32);
	size_t steps = ck_plan_path(ck_sha256, (const uint8_t(*)[32])digests, order->count, index, path);
	struct ck_member_proof proof = {.statement = order->items[index].encoded, .plan = plan->statement.plan, .batch = number,
	                                .index = index, .count = order->count, .path = {path[0], steps * 32}};
	return ck_member_proof_encode(&proof, out, limit_bytes, out_length);
}
