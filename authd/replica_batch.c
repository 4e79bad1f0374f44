/* Writing batches: several LDAP operations under way, on a connection of their own, while the loop goes on. How a write ended that was on a
   connection that is lost is not known: the batch comes again, and what went in is seen as done. */
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_rate.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

/* Each plan is read from the directory while the loop waits, before anything is proved; a batch that is right is given back. */
#define WRONG_BATCHES_PER_MINUTE 60

struct ck_replica_plans {
	struct ck_rates *wrong; /* by who asks */
	struct ck_replica_line line;
};

enum ck_error ck_replica_plans_open(struct ck_replica *r)
{
	r->plans = calloc(1, sizeof *r->plans);
	return r->plans != NULL ? ck_rates_new(WRONG_BATCHES_PER_MINUTE, &r->plans->wrong) : CK_ERR_MEMORY;
}

void ck_replica_plans_close(struct ck_replica *r)
{
	if (r->plans == NULL) return;
	ck_replica_line_close(&r->plans->line);
	ck_rates_free(&r->plans->wrong);
	free(r->plans);
	r->plans = NULL;
}

static struct ck_bytes who(const struct ck_asker *asker)
{
	return (struct ck_bytes){(const uint8_t *)&asker->peer_uid, sizeof asker->peer_uid};
}

bool ck_batch_may_look(struct ck_replica *r, const struct ck_asker *asker)
{
	return ck_rates_take(r->plans->wrong, who(asker), ck_clock_monotonic_ms()) == 0;
}

void ck_batch_was_right(struct ck_replica *r, const struct ck_asker *asker)
{
	ck_rates_give_back(r->plans->wrong, who(asker), ck_clock_monotonic_ms());
}

static bool is_writing(const struct ck_work *work) { return work->kind == CK_WORK_BATCH && work->step == CK_STEP_WRITING; }

static bool has_state(const struct ck_work *work, enum ck_item_state state)
{
	for (size_t i = 0; i < work->order->count; i++)
		if (work->batch->items[i].state == state) return true;
	return false;
}

/* What was begun and what was not: of neither is it known here what becomes of it. */
static void end_unknown(struct ck_replica *r, struct ck_work *work, const char *reason, const char *why)
{
	for (size_t i = 0; i < work->order->count; i++) {
		struct ck_batch_item *item = &work->batch->items[i];
		if (item->state == CK_ITEM_READY || item->state == CK_ITEM_WRITING) item->state = CK_ITEM_UNKNOWN;
	}
	work->reason = reason;
	(void)ck_fail(&work->message, CK_ERR_UNAVAILABLE, "%s; the batch may be sent again", why);
	ck_work_batch_written(r, work);
}

/* Only what was begun is in doubt, and nothing else ends where the rest may go another way. */
static void leave_connection(struct ck_replica *r, bool rest_too, const char *why)
{
	bool in_doubt = false;
	ck_log(CK_LOG_WARNING, "batches are not written for now: %s", why);
	ck_replica_line_close(&r->plans->line);
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) {
		struct ck_work *work = &r->works[i];
		bool begun = is_writing(work) && has_state(work, CK_ITEM_WRITING);
		in_doubt = in_doubt || begun;
		if (begun || (rest_too && is_writing(work))) end_unknown(r, work, "unavailable", why);
	}
	if (in_doubt) ck_replica_doubt_at(r, r->plans->line.provider);
}

static void drop_connection(struct ck_replica *r, const char *why) { leave_connection(r, true, why); }

/* ---- sending ---- */

static uint64_t number_of(const struct ck_replica *r, const struct ck_work *work, size_t item)
{
	return (uint64_t)(work - r->works) * CK_CHANGES_LIMIT + item + 1;
}

static enum ck_error send_item(struct ck_replica *r, struct ck_work *work, size_t index, struct ck_errmsg *err)
{
	uint8_t proof[CK_MEMBER_PROOF_LIMIT_BYTES];
	size_t length = 0;
	enum ck_error error = ck_plan_member_proof(work->plan, work->order, work->batch->number, index, proof, sizeof proof, &length);
	if (error == CK_OK)
		error = ck_change_write_later(&work->order->items[index], (struct ck_bytes){proof, length}, ck_text_of(r->config->suffix), r->plans->line.later,
		                              number_of(r, work, index), err);
	if (error == CK_OK) work->batch->items[index].state = CK_ITEM_WRITING;
	return error;
}

/* Whoever came first first; one that has nothing left to wait for goes on. */
static void pump(struct ck_replica *r)
{
	struct ck_errmsg err = {""};
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++) {
		struct ck_work *work = &r->works[i];
		if (!is_writing(work)) continue;
		for (size_t k = 0; k < work->order->count && r->plans->line.later != NULL && ck_later_has_room(r->plans->line.later); k++) {
			if (work->batch->items[k].state != CK_ITEM_READY) continue;
			if (send_item(r, work, k, &err) == CK_OK) continue;
			drop_connection(r, err.text);
			return;
		}
		if (!has_state(work, CK_ITEM_READY) && !has_state(work, CK_ITEM_WRITING)) ck_work_batch_written(r, work);
	}
}

static void on_done(uint64_t number, enum ck_error error, const struct ck_errmsg *message, void *context)
{
	struct ck_replica *r = context;
	struct ck_work *work = &r->works[(number - 1) / CK_CHANGES_LIMIT];
	struct ck_batch_item *item = &work->batch->items[(number - 1) % CK_CHANGES_LIMIT];
	CK_ASSERT(is_writing(work) && item->state == CK_ITEM_WRITING);
	if (error == CK_OK) {
		item->state = CK_ITEM_WRITTEN;
		work->written_count++;
		return;
	}
	item->state = CK_ITEM_REFUSED;
	item->reason = ck_change_reason_of(error);
	item->message = *message;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica *r = context;
	struct ck_errmsg err = {""};
	if (ck_later_step(r->plans->line.later, on_done, r, &err) != CK_OK) drop_connection(r, err.text);
	else pump(r);
}

/* If it cannot be had, what waits for it ends: perhaps at once. */
static void connect_if_needed(struct ck_replica *r)
{
	struct ck_replica_line *line = &r->plans->line;
	if (ck_replica_line_is_astray(r, line)) leave_connection(r, false, "another provider takes the writes by now");
	if (!ck_replica_line_is_begun(line)) ck_replica_line_open(r, line, on_readable, drop_connection);
}

void ck_batch_write_begin(struct ck_replica *r, struct ck_work *work)
{
	struct ck_change_place place;
	struct ck_errmsg err = {""};
	struct ck_view *view = NULL;
	struct ck_batch *trial = NULL;
	ck_replica_place(r, &place);
	if (ck_follower_view(r->follower, &view) != CK_OK || ck_follower_trial(r->follower, &trial, &err) != CK_OK) {
		if (view != NULL) ck_view_end(&view);
		end_unknown(r, work, "unavailable", err.text[0] != '\0' ? err.text : "there is no copy of the directory to change by");
		return;
	}
	ck_plan_try_batch(work->order, &place, view, trial, work->batch);
	ck_batch_abort(&trial);
	ck_view_end(&view);
	if (has_state(work, CK_ITEM_READY)) connect_if_needed(r);
	pump(r);
}

/* The connection goes with what is under way on it: a result that comes later would be nobody's. */
void ck_batch_give_up(struct ck_replica *r, struct ck_work *work)
{
	if (has_state(work, CK_ITEM_WRITING)) drop_connection(r, "the directory does not answer in time");
	else end_unknown(r, work, "unavailable", "there was no time left for this batch");
}

/* ---- outcomes ---- */

void ck_batch_look_again(struct ck_replica *r, struct ck_work *work)
{
	struct ck_view *view = NULL;
	if (!has_state(work, CK_ITEM_REFUSED) || ck_follower_view(r->follower, &view) != CK_OK) return;
	for (size_t i = 0; i < work->order->count; i++) {
		struct ck_batch_item *item = &work->batch->items[i];
		bool may_be = item->state == CK_ITEM_REFUSED && (strcmp(item->reason, "exists") == 0 || strcmp(item->reason, "conflict") == 0);
		if (may_be && ck_plan_item_is_done(&work->order->items[i], view)) item->state = CK_ITEM_DONE;
	}
	ck_view_end(&view);
}

static const char *outcome_of(const struct ck_batch_item *item)
{
	switch (item->state) {
	case CK_ITEM_WRITTEN: return CK_OUTCOME_WRITTEN;
	case CK_ITEM_DONE: return CK_OUTCOME_DONE;
	case CK_ITEM_REFUSED: return item->message.text;
	case CK_ITEM_READY:
	case CK_ITEM_WRITING:
	case CK_ITEM_UNKNOWN: break;
	}
	return "not known";
}

void ck_batch_put_outcomes(const struct ck_work *work, struct ck_map_writer *m)
{
	ck_field_key(m, CK_F_OUTCOMES);
	ck_cbor_put_array(m->w, work->order->count);
	for (size_t i = 0; i < work->order->count; i++) {
		struct ck_text text = ck_text_of(outcome_of(&work->batch->items[i]));
		ck_cbor_put_text(m->w, ck_text_is_utf8(text) ? text : ck_text_of("refused"));
	}
}
