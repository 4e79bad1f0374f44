/* What leaves the replica: answers to gates, records to the ledger. */
#include <stdlib.h>
#include <string.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

/* ---- answers ---- */

struct ck_map_writer *ck_replica_answer(struct ck_replica *r, struct ck_answer_out *a, enum ck_answer answer)
{
	ck_writer_init(&a->w, r->body, sizeof r->body);
	ck_map_begin(&a->map, &a->w);
	ck_field_uint(&a->map, CK_F_TYPE, answer);
	return &a->map;
}

void ck_replica_send(struct ck_replica *r, struct ck_answer_out *a, const struct ck_asker *asker)
{
	struct ck_gate_link *gate = &r->gates[asker->gate];
	size_t length = 0;
	ck_map_end(&a->map);
	if (gate->channel == NULL || gate->epoch != asker->epoch) return; /* who asked is gone */
	ck_frame_begin(&r->frame, r->out, sizeof r->out);
	ck_field_uint(&r->frame.map, CK_F_TYPE, CK_MSG_RELAYED);
	ck_field_uint(&r->frame.map, CK_F_REQUEST, asker->request);
	ck_field_bytes(&r->frame.map, CK_F_BODY, r->body, ck_writer_length(&a->w));
	if (a->w.failed || ck_frame_end(&r->frame, &length) != CK_OK) {
		ck_log(CK_LOG_ERROR, "an answer did not fit a frame");
		return; /* the gate gives up in time */
	}
	ck_channel_send(gate->channel, r->out, length, -1);
}

void ck_replica_refuse(struct ck_replica *r, const struct ck_asker *asker, const char *reason, const char *message)
{
	struct ck_answer_out a;
	bool unavailable = strcmp(reason, "unavailable") == 0 || strcmp(reason, "audit") == 0;
	struct ck_map_writer *m = ck_replica_answer(r, &a, unavailable ? CK_ANSWER_UNAVAILABLE : CK_ANSWER_DENIED);
	struct ck_text text = ck_text_of(message);
	if (!ck_text_is_utf8(text)) text = ck_text_of("refused");
	ck_field_text(m, CK_F_MESSAGE, text);
	ck_field_string(m, CK_F_REASON, reason);
	ck_replica_send(r, &a, asker);
}

void ck_replica_send_state(struct ck_replica *r, const struct ck_asker *asker)
{
	struct ck_gate_link *gate = &r->gates[asker->gate];
	size_t length = 0;
	char shown[sizeof r->trouble], providers[CK_PROVIDERS_TEXT_BYTES];
	ck_frame_begin(&r->frame, r->out, sizeof r->out);
	ck_field_uint(&r->frame.map, CK_F_TYPE, CK_MSG_STATED);
	ck_field_uint(&r->frame.map, CK_F_REQUEST, asker->request);
	ck_replica_describe_providers(r, providers, sizeof providers);
	ck_field_string(&r->frame.map, CK_F_TEXT, providers);
	ck_field_bool(&r->frame.map, CK_F_VERDICT, r->persisted);
	bool printable = ck_text_is_printable_utf8(ck_text_of(r->trouble));
	if (!r->persisted && r->trouble[0] != '\0')
		ck_field_string(&r->frame.map, CK_F_DETAIL, printable ? r->trouble : ck_escape(ck_bytes_of(ck_text_of(r->trouble)), shown, sizeof shown));
	ck_field_string(&r->frame.map, CK_F_STATE, r->persisted ? "following" : r->follow != NULL ? "refreshing" : "waiting");
	if (ck_frame_end(&r->frame, &length) == CK_OK && gate->channel != NULL) ck_channel_send(gate->channel, r->out, length, -1);
}

/* ---- records ---- */

static const char *unless_empty(const char *text) { return text[0] != '\0' ? text : NULL; }

static void put_event(struct ck_map_writer *m, const struct ck_replica_event *e)
{
	if (e->ask != NULL) {
		ck_field_string(m, CK_F_ACCOUNT, unless_empty(e->ask->account));
		ck_field_string(m, CK_F_SERVICE, unless_empty(e->ask->service));
		ck_field_string(m, CK_F_TTY, unless_empty(e->ask->tty));
		ck_field_string(m, CK_F_REMOTE_HOST, unless_empty(e->ask->remote_host));
	}
	ck_field_string(m, CK_F_SYSTEM, e->system);
	if (e->with_window) ck_field_int(m, CK_F_UNTIL, e->until_s);
	ck_field_string(m, CK_F_REASON, e->reason);
	if (e->with_window) ck_field_int(m, CK_F_TIME, e->from_s);
	ck_field_string(m, CK_F_NAME, e->name);
	ck_field_uint(m, CK_F_EVENT, e->event);
	if (e->hash.at != NULL) ck_field_bytes(m, CK_F_HASH, e->hash.at, e->hash.length);
	if (e->with_count) ck_field_uint(m, CK_F_COUNT, e->count);
	if (e->asker != NULL) ck_field_uint(m, CK_F_PEER_UID, e->asker->peer_uid);
	if (e->asker != NULL) ck_field_uint(m, CK_F_PEER_PID, e->asker->peer_pid);
	if (e->with_index) ck_field_uint(m, CK_F_INDEX, e->index);
	ck_field_string(m, CK_F_OPERATION, e->operation);
	if (e->target.at != NULL) ck_field_bytes(m, CK_F_TARGET, e->target.at, e->target.length);
	if (e->digest.at != NULL) ck_field_bytes(m, CK_F_DIGEST, e->digest.at, e->digest.length);
	if (e->proof.at != NULL) ck_field_bytes(m, CK_F_PROOF, e->proof.at, e->proof.length);
	ck_field_string(m, CK_F_DETAIL, e->detail);
	if (e->with_age) ck_field_int(m, CK_F_AGE, e->age_ms);
}

static void keep_early(struct ck_replica *r, size_t length)
{
	if (r->early == NULL) r->early = malloc(CK_EARLY_RECORDS_BYTES);
	if (r->early == NULL || length > CK_EARLY_RECORDS_BYTES - r->early_length) {
		ck_log(CK_LOG_ERROR, "there is no ledger: an event is in this log only");
		return;
	}
	memcpy(r->early + r->early_length, r->out, length);
	r->early_length += length;
}

uint64_t ck_replica_record(struct ck_replica *r, const struct ck_replica_event *e)
{
	size_t length = 0;
	uint64_t number = ++r->sequence;
	ck_frame_begin(&r->frame, r->out, sizeof r->out);
	ck_field_uint(&r->frame.map, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&r->frame.map, CK_F_REQUEST, number);
	if (e->user != NULL && e->user[0] != '\0') ck_field_string(&r->frame.map, CK_F_USER, e->user);
	put_event(&r->frame.map, e);
	if (ck_frame_end(&r->frame, &length) != CK_OK) {
		ck_log(CK_LOG_ERROR, "a record did not fit a frame");
		return number;
	}
	if (r->ledger != NULL) ck_channel_send(r->ledger, r->out, length, -1);
	else keep_early(r, length);
	return number;
}

void ck_replica_send_early(struct ck_replica *r)
{
	for (size_t at = 0; r->ledger != NULL && at < r->early_length;) {
		struct ck_bytes map;
		size_t used = 0;
		if (ck_frame_find((struct ck_bytes){r->early + at, r->early_length - at}, &map, &used) != CK_OK) break;
		ck_channel_send(r->ledger, r->early + at, used, -1);
		at += used;
	}
	free(r->early);
	r->early = NULL;
	r->early_length = 0;
}

/* ---- where changes happen ---- */

void ck_replica_place(struct ck_replica *r, struct ck_change_place *out)
{
	*out = (struct ck_change_place){.system = ck_text_of(r->config->system),
	                                .rp_id = ck_text_of(r->config->rp_id),
	                                .suffix = ck_text_of(r->config->suffix),
	                                .zone_directory = CK_ZONE_DIRECTORY,
	                                .founding = r->config->founding_authority,
	                                .now = ck_wall_now(&r->wall),
	                                .now_ms = ck_clock_monotonic_ms(),
	                                .code_life_s = r->config->code_life_s,
	                                .prepared = &r->prepared};
}
