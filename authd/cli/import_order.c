/* The touch over a plan, and sending its batches. What is signed is computed here from what was compared, not taken from the daemon. */
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "authd/cli/import.h"
#include "directory/base/clock.h"

#define RETRY_LIMIT_MS 60000 /* how long a batch that nobody answers is tried again: a daemon starts within seconds */
#define RETRY_EVERY_MS 500

struct terms {
	struct ck_plan_statement statement;
	char system[CK_SYSTEM_LIMIT_BYTES + 1], rp_id[CK_RP_ID_LIMIT_BYTES + 1];
	struct ck_bytes allow;
};

static enum ck_error take_terms(struct ck_cli *cli, struct terms *out)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_CHANGE_BEGIN);
	ck_field_string(&ask.frame.map, CK_F_AS, cli->as);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	if (answer != CK_ANSWER_NEED_TOKEN || ck_map_fixed(&reply, CK_F_NONCE, out->statement.nonce, sizeof out->statement.nonce) != CK_OK ||
	    ck_map_int(&reply, CK_F_TIME, &out->statement.time_s) != CK_OK || ck_map_string(&reply, CK_F_SYSTEM, out->system, sizeof out->system) != CK_OK ||
	    ck_map_string(&reply, CK_F_RP_ID, out->rp_id, sizeof out->rp_id) != CK_OK || (reply.present & CK_KEY(CK_F_ALLOW)) == 0) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say how to sign");
		return CK_ERR_INTERNAL;
	}
	struct ck_bytes allow = reply.at[CK_F_ALLOW].encoded;
	out->allow = ck_bytes_of((struct ck_text){ ck_cli_copy((struct ck_text){ (const char *)allow.at, allow.length }), allow.length });
	return CK_OK;
}

static enum ck_error make_challenge(const struct ck_cli *cli, const struct ck_batches_state *state, struct terms *terms, uint8_t out[32])
{
	uint8_t bytes[CK_PLAN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	struct ck_plan_statement *s = &terms->statement;
	crypto_hash_sha256(s->digest, state->roots[0], (unsigned long long)state->batches * 32);
	s->system = ck_text_of(terms->system);
	s->user = ck_text_of(cli->as);
	s->plan = state->plan;
	s->authority = state->authority;
	s->count = state->statements;
	enum ck_error error = ck_plan_statement_encode(s, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	ck_challenge_of(CK_TAG_PLAN, sizeof CK_TAG_PLAN, bytes, length, out);
	return CK_OK;
}

static enum ck_error commit(struct ck_cli *cli, const struct ck_batches_state *state, const struct terms *terms, const struct ck_touch *touch)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_PLAN_COMMIT);
	ck_field_touch(&ask.frame.map, touch);
	ck_field_bytes(&ask.frame.map, CK_F_ID, state->plan.bytes, sizeof state->plan.bytes);
	ck_field_bytes(&ask.frame.map, CK_F_AUTHORITY, state->authority.bytes, sizeof state->authority.bytes);
	ck_field_bytes(&ask.frame.map, CK_F_NONCE, terms->statement.nonce, sizeof terms->statement.nonce);
	ck_field_uint(&ask.frame.map, CK_F_COUNT, state->statements);
	ck_field_bytes(&ask.frame.map, CK_F_ROOTS, state->roots[0], (size_t)state->batches * 32);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	return error == CK_OK && answer != CK_ANSWER_GRANTED ? CK_ERR_DENIED : error;
}

enum ck_error ck_import_order(struct ck_cli *cli, struct ck_batches *batches)
{
	static struct terms terms;
	static struct ck_touch touch;
	const struct ck_batches_state *state = ck_batches_state(batches);
	struct ck_errmsg err = { "" };
	uint8_t challenge[32];
	enum ck_error error = take_terms(cli, &terms);
	if (error == CK_OK) error = make_challenge(cli, state, &terms, challenge);
	if (error != CK_OK) return error;
	fprintf(stderr, "Touch the key of %s to order this.\n", cli->as);
	struct ck_token_request request = { .challenge = challenge, .rp_id = ck_text_of(terms.rp_id), .allow = terms.allow, .verify = true };
	error = ck_token_assert(cli, &request, &touch);
	if (error == CK_OK) error = commit(cli, state, &terms, &touch);
	if (error != CK_OK) return error;
	error = ck_batches_ordered(batches, &err);
	if (error != CK_OK) (void)ck_cli_complain(error, "%s", err.text);
	return error;
}

/* ---- sending ---- */

static enum ck_error send_once(struct ck_cli *cli, const struct ck_batch_request *request, struct ck_map *reply, struct ck_errmsg *err)
{
	enum ck_answer answer;
	enum ck_error error = ck_ask_frame(cli, request->bytes, request->length, reply, &answer, err);
	return error == CK_OK && answer != CK_ANSWER_GRANTED ? ck_fail(err, CK_ERR_INTERNAL, "the daemon's answer is none that this program knows") : error;
}

/* Whoever does not answer may be starting again: a batch may be sent as often as one likes. */
static enum ck_error send_batch(struct ck_cli *cli, const struct ck_batch_request *request, struct ck_map *reply, struct ck_errmsg *err)
{
	const struct timespec wait = { .tv_nsec = RETRY_EVERY_MS * 1000000L };
	int64_t deadline_ms = ck_clock_monotonic_ms() + RETRY_LIMIT_MS;
	for (;;) {
		enum ck_error error = send_once(cli, request, reply, err);
		bool again = error == CK_ERR_UNAVAILABLE || error == CK_ERR_TIMEOUT || error == CK_ERR_IO;
		if (!again || ck_clock_monotonic_ms() >= deadline_ms) return error;
		(void)nanosleep(&wait, NULL);
	}
}

static enum ck_error take_outcomes(const struct ck_batch_request *request, const struct ck_map *reply, struct ck_rejects *rejects,
                                   struct ck_import_sent *sent, struct ck_errmsg *err)
{
	struct ck_items items;
	struct ck_item item;
	char reason[512];
	size_t count = 0;
	if (ck_map_array(reply, CK_F_OUTCOMES, CK_CHANGES_LIMIT, &items) != CK_OK)
		return ck_fail(err, CK_ERR_INTERNAL, "the daemon does not say what became of the batch");
	for (; ck_items_next(&items, &item) && count < request->count; count++) {
		struct ck_text text = { (const char *)item.span.at, item.span.length };
		if (ck_text_is(text, CK_OUTCOME_WRITTEN)) {
			sent->written++;
		} else if (ck_text_is(text, CK_OUTCOME_DONE)) {
			sent->done++;
		} else {
			sent->refused++;
			snprintf(reason, sizeof reason, "refused: %s", ck_cli_safe(text));
			ck_rejects_add(rejects, request->lines[count], reason, (struct ck_text){ NULL, 0 });
		}
	}
	return count == request->count ? CK_OK : ck_fail(err, CK_ERR_INTERNAL, "the daemon does not say what became of each of the batch");
}

enum ck_error ck_import_send(struct ck_cli *cli, struct ck_batches *batches, struct ck_rejects *rejects, struct ck_import_sent *out)
{
	static struct ck_batch_request request;
	static struct ck_map reply;
	const struct ck_batches_state *state = ck_batches_state(batches);
	struct ck_errmsg err = { "" };
	struct ck_progress progress;
	uint64_t sent = 0;
	enum ck_error error = CK_OK;
	*out = (struct ck_import_sent){ 0 };
	ck_progress_begin(&progress, "Writing", state->statements);
	while (error == CK_OK) {
		error = ck_batches_next(batches, &request, &err);
		if (error == CK_OK) error = send_batch(cli, &request, &reply, &err);
		if (error == CK_OK) error = take_outcomes(&request, &reply, rejects, out, &err);
		if (error == CK_OK) error = ck_batches_done(batches, &err);
		sent += error == CK_OK ? request.count : 0;
		ck_progress_show(&progress, sent);
	}
	ck_progress_end(&progress, sent);
	if (error == CK_ERR_NOT_FOUND && state->done == state->batches) return CK_OK;
	(void)ck_cli_complain(error, "%s", err.text);
	return error;
}
