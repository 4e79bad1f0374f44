/* Plans and their batches, up to what is written. A plan is accepted once, with a nonce of ours, and kept in the directory; each batch of it is
   verified by that touch anew, so that it goes on after this process or the client began again, and ends when the key, the person, or their right does. */
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define READ_LIMIT_MS 2000
#define WRITE_LIMIT_MS 3500

static struct ck_work *begin(struct ck_replica *r, enum ck_work_kind kind, const struct ck_asker *asker)
{
	struct ck_work *work = ck_work_begin(r, kind, asker);
	if (work == NULL) return NULL;
	work->plan = calloc(1, sizeof *work->plan);
	if (work->plan != NULL) return work;
	ck_work_end(work);
	ck_replica_refuse(r, asker, "unavailable", "no memory for the plan");
	return NULL;
}

/* ---- a plan ---- */

static enum ck_error take_plan(struct ck_replica *r, struct ck_work *work, const struct ck_map *request, struct ck_plan_orderer *out,
                               struct ck_denial *denial)
{
	struct ck_change_place place;
	struct ck_nonce nonce;
	struct ck_view *view = NULL;
	ck_replica_place(r, &place);
	enum ck_error error = ck_plan_decode(request, work->plan, denial);
	if (error != CK_OK) return error;
	error = ck_nonce_take(&r->nonces, CK_NONCE_CHANGE, work->plan->statement.nonce, place.now_ms, (int64_t)r->config->challenge_limit_s * 1000, &nonce);
	if (error == CK_ERR_TIMEOUT) return ck_deny(denial, "expired", "the touch came too late; begin again");
	if (error != CK_OK) return ck_deny(denial, "nonce", "the plan was not begun here, or was ordered already");
	memcpy(work->user, nonce.user, sizeof work->user);
	work->issued_ms = nonce.issued_ms;
	error = ck_plan_state(work->plan, &nonce, place.system, denial);
	if (error != CK_OK) return error;
	if (ck_follower_view(r->follower, &view) != CK_OK) return ck_deny(denial, "unavailable", "there is no copy of the directory to change by");
	error = ck_plan_verify(work->plan, &place, view, out, denial);
	ck_view_end(&view);
	return error;
}

/* With the touch. The roots are too many for a record: their digest, which is what was signed, stands in their place. */
static void send_plan_intent(struct ck_replica *r, struct ck_work *work, uint32_t counter)
{
	static uint8_t proof[CK_PLAN_STATEMENT_LIMIT_BYTES + CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + 256];
	const struct ck_signed_plan *plan = work->plan;
	struct ck_plan_proof parts = {.statement = {plan->statement_bytes, plan->statement_length},
	                              .roots = {plan->statement.digest, sizeof plan->statement.digest},
	                              .key_hash = {plan->key_hash, sizeof plan->key_hash},
	                              .auth_data = {plan->auth_data, plan->auth_data_length},
	                              .signature = {plan->signature, plan->signature_length}};
	struct ck_replica_event event = {.event = CK_EVENT_PLAN_ORDERED,
	                                 .user = work->user,
	                                 .operation = CK_PLAN_OPERATION,
	                                 .target = {plan->statement.plan.bytes, sizeof plan->statement.plan.bytes},
	                                 .digest = {plan->statement.digest, sizeof plan->statement.digest},
	                                 .hash = {plan->key_hash, sizeof plan->key_hash},
	                                 .with_count = true, .count = counter,
	                                 .with_age = true, .age_ms = ck_clock_monotonic_ms() - work->issued_ms,
	                                 .asker = &work->asker};
	size_t length = 0;
	if (ck_plan_proof_encode(&parts, proof, sizeof proof, &length) == CK_OK) event.proof = (struct ck_bytes){proof, length};
	work->step = CK_STEP_INTENT;
	work->awaited = ck_replica_record(r, &event);
}

void ck_replica_plan_commit(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request)
{
	struct ck_denial denial = {.reason = ""};
	struct ck_plan_orderer orderer;
	struct ck_work *work = begin(r, CK_WORK_PLAN, asker);
	if (work == NULL) return;
	if (take_plan(r, work, request, &orderer, &denial) != CK_OK) ck_work_refuse(r, work, &denial);
	else send_plan_intent(r, work, orderer.counter);
}

static void failed(struct ck_work *work, enum ck_error error, const struct ck_errmsg *why)
{
	work->reason = ck_change_reason_of(error);
	work->message = *why;
}

void ck_plan_write(struct ck_replica *r, struct ck_work *work)
{
	static uint8_t proof[CK_PLAN_PROOF_LIMIT_BYTES];
	char dn[CK_DN_LIMIT_BYTES], id[CK_ID_TEXT_BYTES];
	struct ck_errmsg err = {""};
	size_t length = 0;
	int64_t deadline_ms = ck_clock_monotonic_ms() + WRITE_LIMIT_MS;
	const struct ck_plan_statement *s = &work->plan->statement;
	enum ck_error error = ck_entry_plan_dn(s->plan, s->authority, ck_text_of(r->config->suffix), dn);
	if (error == CK_OK) error = ck_plan_store(work->plan, proof, sizeof proof, &length);
	if (error == CK_OK && ck_replica_writer(r, deadline_ms, &err) == NULL) error = CK_ERR_UNAVAILABLE;
	if (error == CK_OK) {
		struct ck_bytes class = ck_bytes_of(ck_text_of(CK_ENTRY_PLAN_CLASS)), name = ck_bytes_of(ck_text_of(ck_id_format(s->plan, id)));
		struct ck_bytes value = {proof, length};
		const struct ck_ldap_value values[] = {{"objectClass", &class, 1}, {"ckId", &name, 1}, {"ckProof", &value, 1}};
		error = ck_ldap_add(r->writer, dn, values, 3, WRITE_LIMIT_MS, &err);
	}
	if (error == CK_ERR_TIMEOUT || error == CK_ERR_UNAVAILABLE) ck_replica_doubt(r);
	if (error != CK_OK) failed(work, error, &err);
	work->written = error == CK_OK;
}

/* ---- a batch ---- */

static void take_entry(const struct ck_entry *entry, void *context)
{
	struct ck_signed_plan *plan = context;
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (!ck_text_is(attribute->name, "ckProof") || attribute->count != 1) continue;
		if (ck_plan_load(attribute->values[0], plan) != CK_OK) plan->batches = 0;
	}
}

/* From the directory, where it was kept; the authority is the one that the batch names, and says the place. */
static enum ck_error find_plan(struct ck_replica *r, struct ck_id id, struct ck_id authority, struct ck_signed_plan *out, struct ck_denial *denial)
{
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_errmsg err;
	int64_t deadline_ms = ck_clock_monotonic_ms() + READ_LIMIT_MS;
	if (ck_entry_plan_dn(id, authority, ck_text_of(r->config->suffix), dn) != CK_OK) return ck_deny(denial, "malformed", "the plan has no place");
	if (ck_replica_writer(r, deadline_ms, &err) == NULL) return ck_deny(denial, "unavailable", "the directory cannot be reached: %s", err.text);
	enum ck_error error = ck_ldap_read(r->writer, dn, take_entry, out, READ_LIMIT_MS, &err);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return ck_deny(denial, "unavailable", "the plan cannot be read: %s", err.text);
	if (error == CK_ERR_NOT_FOUND || out->batches == 0 || !ck_id_equal(out->statement.plan, id) || !ck_id_equal(out->statement.authority, authority))
		return ck_deny(denial, "no-plan", "no such plan was ordered: import again");
	return CK_OK;
}

static enum ck_error take_batch(struct ck_replica *r, struct ck_work *work, const struct ck_map *request, struct ck_denial *denial)
{
	struct ck_change_place place;
	struct ck_plan_orderer orderer;
	struct ck_view *view = NULL;
	struct ck_id id;
	uint64_t number = 0;
	denial->reason = "";
	ck_replica_place(r, &place);
	if (ck_map_fixed(request, CK_F_ID, id.bytes, sizeof id.bytes) != CK_OK || ck_map_uint(request, CK_F_INDEX, 0, UINT32_MAX, &number) != CK_OK)
		return ck_deny(denial, "malformed", "a batch names its plan and its number");
	enum ck_error error = ck_order_decode_statements(request, work->order, denial);
	if (error == CK_OK && !ck_batch_may_look(r, &work->asker))
		error = ck_deny(denial, "too-many-tries", "too many batches came from you that are none of a plan; try again in a minute");
	if (error == CK_OK) error = find_plan(r, id, work->order->items[0].statement.authority, work->plan, denial);
	if (error != CK_OK) return error;
	memcpy(work->user, work->plan->user, sizeof work->user);
	if (ck_follower_view(r->follower, &view) != CK_OK) return ck_deny(denial, "unavailable", "there is no copy of the directory to change by");
	error = ck_plan_verify(work->plan, &place, view, &orderer, denial);
	ck_view_end(&view);
	if (error == CK_OK) error = ck_plan_check_batch(work->plan, &orderer, number, work->order, work->batch, denial);
	if (error == CK_OK) ck_batch_was_right(r, &work->asker);
	return error;
}

void ck_replica_plan_batch(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)request;
	struct ck_work *work = begin(r, CK_WORK_BATCH, asker);
	if (work == NULL) return;
	work->body = malloc(encoded.length > 0 ? encoded.length : 1);
	work->order = calloc(1, sizeof *work->order);
	work->batch = calloc(1, sizeof *work->batch);
	if (work->body == NULL || work->order == NULL || work->batch == NULL) {
		ck_work_end(work);
		ck_replica_refuse(r, asker, "unavailable", "no memory for the batch");
		return;
	}
	memcpy(work->body, encoded.at, encoded.length); /* the frame goes when this returns */
	work->body_length = encoded.length;
	if (ck_replica_writer_is_there(r)) {
		ck_plan_batch_go(r, work);
		return;
	}
	work->step = CK_STEP_REACHING; /* its deadline is that of the intent */
	ck_replica_reach_writer(r);
}

void ck_plan_batch_go(struct ck_replica *r, struct ck_work *work)
{
	static struct ck_map map;
	struct ck_denial denial = {.reason = ""};
	enum ck_error error = ck_map_parse((struct ck_bytes){work->body, work->body_length}, &map);
	error = error == CK_OK ? take_batch(r, work, &map, &denial) : ck_deny(&denial, "malformed", "the batch is malformed");
	if (error != CK_OK) {
		ck_work_refuse(r, work, &denial);
		return;
	}
	struct ck_replica_event event = {.event = CK_EVENT_BATCH_INTENT,
	                                 .user = work->user,
	                                 .operation = CK_BATCH_OPERATION,
	                                 .target = {work->plan->statement.plan.bytes, sizeof work->plan->statement.plan.bytes},
	                                 .digest = {work->batch->root, sizeof work->batch->root},
	                                 .with_count = true, .count = work->order->count,
	                                 .with_index = true, .index = work->batch->number,
	                                 .asker = &work->asker};
	work->step = CK_STEP_INTENT;
	work->awaited = ck_replica_record(r, &event);
}
