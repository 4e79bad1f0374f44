/* Requests under way: a change is verified, its intent recorded, then it is authorised, tried out and written, its outcome recorded, and
   answered when the store holds it. A gate is believed in nothing but what the request itself proves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

/* The gate waits 8 s: what is written is answered before that, at the latest with "not yet visible". */
#define INTENT_LIMIT_MS 2000
#define REACH_LIMIT_MS 2000 /* for the connection; the loop goes on meanwhile */
#define WRITE_LIMIT_MS 3500 /* all reads and writes of one change; the loop stands still for so long at worst */
#define VISIBLE_LIMIT_MS 5000
#define BATCH_LIMIT_MS 6000  /* all writes of a batch; the loop goes on meanwhile, and what is left over comes again */
#define ANSWER_LIMIT_MS 7500 /* since the request came */

/* ---- places ---- */

struct ck_work *ck_work_begin(struct ck_replica *r, enum ck_work_kind kind, const struct ck_asker *asker)
{
	struct ck_work *free_work = NULL;
	size_t own = 0;
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) {
		if (r->works[i].kind == 0) free_work = &r->works[i];
		else if (r->works[i].asker.gate == asker->gate) own++;
	}
	if (free_work == NULL || own >= CK_WORKS_PER_GATE_LIMIT) {
		ck_replica_refuse(r, asker, "unavailable", "too many changes are under way; try again");
		return NULL;
	}
	memset(free_work, 0, sizeof *free_work);
	free_work->kind = kind;
	free_work->asker = *asker;
	free_work->begun_ms = ck_clock_monotonic_ms();
	free_work->deadline_ms = free_work->begun_ms + INTENT_LIMIT_MS;
	return free_work;
}

void ck_work_end(struct ck_work *work)
{
	free(work->body);
	free(work->order);
	free(work->enrolment);
	free(work->recovery);
	free(work->reset);
	free(work->plan);
	free(work->batch);
	memset(work, 0, sizeof *work);
}

/* ---- what is said of it ---- */

static const char *operation_of(const struct ck_work *work)
{
	switch (work->kind) {
	case CK_WORK_CHANGE: return work->order->items[0].rule->name;
	case CK_WORK_ENROL: return "key.add";
	case CK_WORK_RECOVER: return "code.add";
	case CK_WORK_RESET: return CK_RESET_OPERATION;
	case CK_WORK_PLAN: return CK_PLAN_OPERATION;
	case CK_WORK_BATCH: return CK_BATCH_OPERATION;
	}
	return "";
}

static struct ck_bytes target_of(const struct ck_work *work)
{
	switch (work->kind) {
	case CK_WORK_CHANGE: return work->order->items[0].statement.target;
	case CK_WORK_ENROL: return (struct ck_bytes){work->enrolment->hash, sizeof work->enrolment->hash};
	case CK_WORK_RECOVER: return (struct ck_bytes){work->recovery->id.bytes, sizeof work->recovery->id.bytes};
	case CK_WORK_RESET: return (struct ck_bytes){work->reset->hash, sizeof work->reset->hash};
	case CK_WORK_PLAN:
	case CK_WORK_BATCH: return (struct ck_bytes){work->plan->statement.plan.bytes, sizeof work->plan->statement.plan.bytes};
	}
	return (struct ck_bytes){NULL, 0};
}

static void fail(struct ck_work *work, const struct ck_denial *denial)
{
	work->reason = denial->reason;
	work->message = denial->message;
}

static void answer_refused(struct ck_replica *r, struct ck_work *work)
{
	ck_replica_refuse(r, &work->asker, work->reason, work->message.text);
	ck_work_end(work);
}

static void answer_granted(struct ck_replica *r, struct ck_work *work, bool visible)
{
	if (work->kind == CK_WORK_BATCH) ck_batch_look_again(r, work);
	struct ck_answer_out a;
	struct ck_map_writer *m = ck_replica_answer(r, &a, CK_ANSWER_GRANTED);
	if (work->kind == CK_WORK_RECOVER) ck_field_int(m, CK_F_UNTIL, work->recovery->until_s);
	if (work->kind == CK_WORK_RECOVER) ck_field_int(m, CK_F_TIME, work->recovery->from_s);
	if (work->kind == CK_WORK_ENROL) ck_field_bytes(m, CK_F_ID, work->enrolment->hash, sizeof work->enrolment->hash);
	if (work->kind == CK_WORK_CHANGE || work->kind == CK_WORK_BATCH) ck_field_uint(m, CK_F_COUNT, work->written_count);
	if (!visible) ck_field_bool(m, CK_F_PENDING, true);
	if (work->kind == CK_WORK_BATCH) ck_batch_put_outcomes(work, m);
	ck_replica_send(r, &a, &work->asker);
	ck_work_end(work);
}

/* ---- intents ---- */

/* The first carries the touch (and moves the counter on), each further one its statement. */
static void send_change_intent(struct ck_replica *r, struct ck_work *work)
{
	static uint8_t proof[CK_PROOF_LIMIT_BYTES];
	const struct ck_order *order = work->order;
	const struct ck_order_item *item = &order->items[work->intents];
	struct ck_replica_event event = {.event = CK_EVENT_CHANGE_INTENT,
	                                 .user = work->user,
	                                 .operation = item->rule->name,
	                                 .target = item->statement.target,
	                                 .digest = {item->statement.digest, sizeof item->statement.digest},
	                                 .asker = &work->asker};
	if (work->intents == 0) {
		size_t length = 0;
		if (ck_order_proof(order, item, proof, sizeof proof, &length) == CK_OK) event.proof = (struct ck_bytes){proof, length};
		event.hash = (struct ck_bytes){order->key_hash, sizeof order->key_hash};
		event.with_count = true;
		event.count = order->counter;
		event.with_age = true;
		event.age_ms = ck_clock_monotonic_ms() - work->issued_ms;
	}
	work->intents++;
	work->awaited = ck_replica_record(r, &event);
}

static void record_refused(struct ck_replica *r, const struct ck_work *work)
{
	struct ck_replica_event event = {.event = CK_EVENT_CHANGE_REFUSED, .user = work->user, .reason = work->reason,
	                                 .detail = work->message.text, .asker = &work->asker};
	(void)ck_replica_record(r, &event);
}

void ck_work_refuse(struct ck_replica *r, struct ck_work *work, const struct ck_denial *denial)
{
	fail(work, denial);
	record_refused(r, work);
	answer_refused(r, work);
}

/* ---- a change ---- */

void ck_replica_begin_signing(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, enum ck_nonce_purpose purpose)
{
	static struct ck_enrol_person person;
	struct ck_text user;
	struct ck_nonce nonce;
	struct ck_view *view = NULL;
	struct ck_answer_out a;
	if (ck_map_text(request, CK_F_AS, CK_UID_LIMIT_BYTES, &user) != CK_OK || user.length == 0) {
		ck_replica_refuse(r, asker, "malformed", "a change is begun in somebody's name");
		return;
	}
	enum ck_error error = ck_follower_view(r->follower, &view);
	if (error == CK_OK) error = ck_enrol_person(view, user, r->secret, ck_wall_now(&r->wall), asker->peer_uid, &person);
	if (view != NULL) ck_view_end(&view);
	if (error == CK_OK)
		error = ck_nonce_issue(&r->nonces, purpose, user, asker->peer_uid, ck_clock_monotonic_ms(), ck_wall_now(&r->wall).s,
		                       (int64_t)r->config->challenge_limit_s * 1000, &nonce);
	if (error != CK_OK) {
		ck_replica_refuse(r, asker, "unavailable", error == CK_ERR_LIMIT ? "too many changes were begun; try again" : "there is no copy of the directory to change by");
		return;
	}
	struct ck_map_writer *m = ck_replica_answer(r, &a, CK_ANSWER_NEED_TOKEN);
	ck_field_string(m, CK_F_SYSTEM, r->config->system);
	ck_field_string(m, CK_F_RP_ID, r->config->rp_id);
	ck_field_key(m, CK_F_ALLOW);
	ck_cbor_put_array(m->w, person.allow_count);
	for (size_t i = 0; i < person.allow_count; i++) ck_cbor_put_bytes(m->w, person.allow[i], person.allow_lengths[i]);
	ck_field_bool(m, CK_F_VERIFY, true);
	ck_field_int(m, CK_F_TIME, nonce.time_s);
	ck_field_bytes(m, CK_F_NONCE, nonce.bytes, sizeof nonce.bytes);
	ck_replica_send(r, &a, asker);
}

void ck_replica_change_begin(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request)
{
	ck_replica_begin_signing(r, asker, request, CK_NONCE_CHANGE);
}

/* Decodes and verifies; CK_ERR_DENIED with the denial. */
static enum ck_error verify_commit(struct ck_replica *r, struct ck_work *work, const struct ck_map *map, struct ck_denial *denial)
{
	struct ck_change_place place;
	struct ck_nonce nonce;
	struct ck_view *view = NULL;
	ck_replica_place(r, &place);
	enum ck_error error = ck_order_decode(map, work->order, denial);
	if (error != CK_OK) return error;
	error = ck_nonce_take(&r->nonces, CK_NONCE_CHANGE, work->order->nonce, place.now_ms, (int64_t)r->config->challenge_limit_s * 1000, &nonce);
	if (error == CK_ERR_TIMEOUT) return ck_deny(denial, "expired", "the touch came too late; begin again");
	if (error != CK_OK) return ck_deny(denial, "nonce", "the change was not begun here, or was ordered already");
	memcpy(work->user, nonce.user, sizeof work->user);
	work->issued_ms = nonce.issued_ms;
	if (ck_follower_view(r->follower, &view) != CK_OK) return ck_deny(denial, "unavailable", "there is no copy of the directory to change by");
	error = ck_order_verify(work->order, &nonce, &place, view, denial);
	ck_view_end(&view);
	return error;
}

void ck_replica_change_commit(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, struct ck_bytes encoded)
{
	static struct ck_map map;
	struct ck_denial denial = {.reason = ""};
	(void)request;
	struct ck_work *work = ck_work_begin(r, CK_WORK_CHANGE, asker);
	if (work == NULL) return;
	work->body = malloc(encoded.length > 0 ? encoded.length : 1);
	work->order = calloc(1, sizeof *work->order);
	if (work->body == NULL || work->order == NULL) {
		ck_work_end(work);
		ck_replica_refuse(r, asker, "unavailable", "no memory for the change");
		return;
	}
	memcpy(work->body, encoded.at, encoded.length); /* the frame goes when this returns */
	enum ck_error error = ck_map_parse((struct ck_bytes){work->body, encoded.length}, &map);
	error = error == CK_OK ? verify_commit(r, work, &map, &denial) : ck_deny(&denial, "malformed", "the change is malformed");
	if (error != CK_OK) {
		ck_work_refuse(r, work, &denial);
		return;
	}
	work->step = CK_STEP_INTENT;
	send_change_intent(r, work);
}

struct reader {
	struct ck_replica *r;
	int64_t deadline_ms;
};

static enum ck_error read_entry(const char *dn, ck_entry_visitor each, void *visitor_context, void *context, struct ck_errmsg *err)
{
	struct reader *reader = context;
	int64_t left = reader->deadline_ms - ck_clock_monotonic_ms();
	if (left <= 0) return ck_fail(err, CK_ERR_TIMEOUT, "no time is left");
	return ck_ldap_read(reader->r->writer, dn, each, visitor_context, (int)left, err);
}

static enum ck_error authorise_and_try(struct ck_replica *r, struct ck_work *work, int64_t deadline_ms, struct ck_denial *denial)
{
	struct ck_change_place place;
	struct ck_view *view = NULL;
	struct ck_batch *batch = NULL;
	struct ck_errmsg why;
	struct reader reader = {.r = r, .deadline_ms = deadline_ms};
	struct ck_change_source source = {.read = read_entry, .context = &reader};
	ck_replica_place(r, &place);
	if (ck_follower_view(r->follower, &view) != CK_OK) return ck_deny(denial, "unavailable", "there is no copy of the directory to change by");
	enum ck_error error = ck_order_authorise(work->order, &place, view, denial);
	ck_view_end(&view);
	if (error != CK_OK) return error;
	if (ck_replica_writer(r, deadline_ms, &why) == NULL) return ck_deny(denial, "unavailable", "the directory cannot be reached: %s", why.text);
	if (ck_follower_trial(r->follower, &batch, &why) != CK_OK) return ck_deny(denial, "unavailable", "%s", why.text);
	error = ck_order_try(work->order, &place, batch, &source, denial);
	ck_batch_abort(&batch);
	return error;
}

/* Whose wrong tries used up the last code may try the new one. */
static void forget_tries(struct ck_replica *r, const struct ck_order_item *item)
{
	struct ck_id staff;
	if (item->rule->kind != CK_KIND_CODE || item->rule->verb != CK_VERB_ADD || item->statement.parent.length != sizeof staff.bytes) return;
	memcpy(staff.bytes, item->statement.parent.at, sizeof staff.bytes);
	ck_code_tries_forget(&r->tries, staff);
}

static void note_written(struct ck_replica *r, struct ck_work *work, int64_t deadline_ms)
{
	work->written = true;
	for (size_t i = 0; work->kind == CK_WORK_CHANGE && i < work->order->count; i++) forget_tries(r, &work->order->items[i]);
	if (work->kind == CK_WORK_RECOVER) forget_tries(r, &work->recovery->item);
	work->known_csns = ck_replica_context(r, deadline_ms, &work->wanted) == CK_OK;
}

static void write_change(struct ck_replica *r, struct ck_work *work)
{
	struct ck_denial denial = {.reason = ""};
	struct ck_write_result result;
	int64_t deadline_ms = ck_clock_monotonic_ms() + WRITE_LIMIT_MS;
	if (authorise_and_try(r, work, deadline_ms, &denial) != CK_OK) {
		fail(work, &denial);
		return;
	}
	enum ck_error error = ck_order_write(work->order, ck_text_of(r->config->suffix), r->writer, deadline_ms, &result);
	work->written_count = result.written;
	if (error == CK_OK) {
		note_written(r, work, deadline_ms);
		return;
	}
	work->reason = result.reason;
	(void)ck_fail(&work->message, error, "%s (%zu of %zu written%s)", result.message.text, result.written, work->order->count,
	              error == CK_ERR_TIMEOUT || error == CK_ERR_UNAVAILABLE ? ", and perhaps the next" : "");
	if (error == CK_ERR_TIMEOUT || error == CK_ERR_UNAVAILABLE) ck_replica_doubt(r);
}

/* ---- going on ---- */

static const char *count_outcomes(const struct ck_work *work, char *out, size_t out_bytes)
{
	size_t refused = 0;
	for (size_t i = 0; i < work->order->count; i++) refused += work->batch->items[i].state == CK_ITEM_REFUSED;
	snprintf(out, out_bytes, "of %zu statements %zu written, %zu refused", work->order->count, work->written_count, refused);
	return out;
}

void ck_work_conclude(struct ck_replica *r, struct ck_work *work)
{
	char counts[96];
	bool batch = work->kind == CK_WORK_BATCH;
	struct ck_replica_event event = {.event = batch ? CK_EVENT_BATCH_OUTCOME : CK_EVENT_CHANGE_OUTCOME,
	                                 .user = work->user,
	                                 .operation = operation_of(work),
	                                 .target = target_of(work),
	                                 .reason = work->reason != NULL ? work->reason : "written",
	                                 .detail = work->reason != NULL ? work->message.text : NULL,
	                                 .with_count = work->kind == CK_WORK_CHANGE || batch,
	                                 .count = work->written_count,
	                                 .with_index = batch,
	                                 .index = batch ? work->batch->number : 0,
	                                 .asker = &work->asker};
	if (batch && work->reason == NULL) event.detail = count_outcomes(work, counts, sizeof counts);
	work->step = CK_STEP_OUTCOME;
	work->deadline_ms = work->begun_ms + ANSWER_LIMIT_MS;
	work->awaited = ck_replica_record(r, &event);
}

static void record_enrolled(struct ck_replica *r, const struct ck_work *work, const uint8_t hash[CK_HASH_BYTES], uint32_t count, const char *detail)
{
	struct ck_replica_event event = {.event = CK_EVENT_KEY_ENROLLED, .user = work->user, .hash = {hash, CK_HASH_BYTES}, .with_count = true,
	                                 .count = count, .detail = detail, .asker = &work->asker};
	(void)ck_replica_record(r, &event);
}

/* New keys with the counter that they came with, so that the ledger knows where they begin. Goes before the outcome, in order. */
static void record_new_keys(struct ck_replica *r, struct ck_work *work)
{
	char detail[128], id[CK_ID_TEXT_BYTES], issuer[CK_ID_TEXT_BYTES];
	if (!work->written) return;
	if (work->kind == CK_WORK_ENROL) {
		snprintf(detail, sizeof detail, "by code %s issued by %s", ck_id_format(work->code.id, id), ck_id_format(work->code.issuer, issuer));
		record_enrolled(r, work, work->enrolment->hash, work->enrolment->count, detail);
	}
	for (size_t i = 0; work->kind == CK_WORK_CHANGE && i < work->order->count; i++) {
		const struct ck_order_item *item = &work->order->items[i];
		if (item->rule->kind != CK_KIND_KEY || item->rule->verb != CK_VERB_ADD) continue;
		const struct ck_prepared_key *prepared =
			ck_prepared_find(&r->prepared, item->statement.digest, work->order->orderer, ck_clock_monotonic_ms());
		record_enrolled(r, work, item->statement.target.at, prepared != NULL ? prepared->count : 0, "signed by an earlier key");
	}
}

static void do_write(struct ck_replica *r, struct ck_work *work)
{
	switch (work->kind) {
	case CK_WORK_CHANGE: write_change(r, work); break;
	case CK_WORK_ENROL: ck_enrol_write(r, work); break;
	case CK_WORK_RECOVER: ck_recovery_write(r, work); break;
	case CK_WORK_RESET: ck_reset_write(r, work); break;
	case CK_WORK_PLAN: ck_plan_write(r, work); break;
	case CK_WORK_BATCH:
		work->step = CK_STEP_WRITING;
		work->deadline_ms = work->begun_ms + BATCH_LIMIT_MS;
		ck_batch_write_begin(r, work);
		return;
	}
	if (work->kind != CK_WORK_CHANGE && work->written)
		note_written(r, work, ck_clock_monotonic_ms() + WRITE_LIMIT_MS);
	record_new_keys(r, work);
	ck_work_conclude(r, work);
}

void ck_work_batch_written(struct ck_replica *r, struct ck_work *work)
{
	if (work->reason == NULL) note_written(r, work, ck_clock_monotonic_ms() + WRITE_LIMIT_MS);
	ck_work_conclude(r, work);
}

/* Elsewhere, a connection that is not there is waited for without holding anybody else up. */
static void begin_write(struct ck_replica *r, struct ck_work *work)
{
	if (work->kind == CK_WORK_BATCH || ck_replica_writer_is_there(r)) {
		do_write(r, work);
		return;
	}
	/* what came and was no good is no reason to wait longer */
	if (work->step != CK_STEP_REACHING) work->deadline_ms = ck_clock_monotonic_ms() + REACH_LIMIT_MS;
	work->step = CK_STEP_REACHING;
	ck_replica_reach_writer(r);
}

/* Without the writer it fails, each kind in its own words. */
static void go_on_without(struct ck_replica *r, struct ck_work *work)
{
	work->step = CK_STEP_INTENT;
	if (work->kind == CK_WORK_BATCH) ck_plan_batch_go(r, work);
	else do_write(r, work);
}

void ck_replica_works_writer_came(struct ck_replica *r, bool there)
{
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) {
		struct ck_work *work = &r->works[i];
		if (work->kind == 0 || work->step != CK_STEP_REACHING) continue;
		if (there && work->kind != CK_WORK_BATCH) begin_write(r, work); /* one before it may have lost it again */
		else go_on_without(r, work);
	}
}

static void after_intent(struct ck_replica *r, struct ck_work *work, bool stands, const char *reason)
{
	if (!stands) {
		(void)ck_fail(&work->message, CK_ERR_DENIED, "the audit log does not let this stand%s%s", reason[0] != '\0' ? ": " : "", reason);
		work->reason = strcmp(reason, "counter") == 0 ? "counter" : "audit";
		answer_refused(r, work);
		return;
	}
	if (work->kind == CK_WORK_CHANGE && work->intents < work->order->count) {
		send_change_intent(r, work);
		return;
	}
	begin_write(r, work);
}

static void after_outcome(struct ck_replica *r, struct ck_work *work, bool stands)
{
	if (!stands) ck_log(CK_LOG_ALARM, "the audit log did not take the outcome of a change by %s", work->user);
	if (work->reason != NULL) {
		answer_refused(r, work);
		return;
	}
	work->step = CK_STEP_VISIBLE;
	int64_t now_ms = ck_clock_monotonic_ms();
	int64_t latest_ms = work->begun_ms + ANSWER_LIMIT_MS;
	work->deadline_ms = now_ms + VISIBLE_LIMIT_MS < latest_ms ? now_ms + VISIBLE_LIMIT_MS : latest_ms;
	ck_replica_look_visible(r);
}

void ck_replica_recorded(struct ck_replica *r, uint64_t number, bool stands, const char *reason)
{
	if (ck_replica_clock_recorded(r, number, stands, reason)) return;
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) {
		struct ck_work *work = &r->works[i];
		if (work->kind == 0 || work->awaited != number) continue;
		work->awaited = 0;
		if (work->step == CK_STEP_INTENT) after_intent(r, work, stands, reason);
		else after_outcome(r, work, stands);
		return;
	}
}

void ck_replica_look_visible(struct ck_replica *r)
{
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) {
		struct ck_work *work = &r->works[i];
		if (work->kind == 0 || work->step != CK_STEP_VISIBLE) continue;
		if (work->known_csns && ck_follower_holds(r->follower, &work->wanted)) answer_granted(r, work, true);
	}
}

static void give_up(struct ck_replica *r, struct ck_work *work)
{
	switch (work->step) {
	case CK_STEP_INTENT:
		work->reason = "audit";
		(void)ck_fail(&work->message, CK_ERR_TIMEOUT, "the audit log does not answer: nothing was written");
		answer_refused(r, work);
		return;
	case CK_STEP_REACHING: go_on_without(r, work); return;
	case CK_STEP_WRITING: ck_batch_give_up(r, work); return;
	case CK_STEP_OUTCOME: after_outcome(r, work, false); return;
	case CK_STEP_VISIBLE: answer_granted(r, work, false); return;
	}
}

void ck_replica_mind_works(struct ck_replica *r, int64_t now_ms)
{
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++)
		if (r->works[i].kind != 0 && now_ms >= r->works[i].deadline_ms) give_up(r, &r->works[i]);
}
