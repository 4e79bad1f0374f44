/* What the gate has the ledger record. An answer that lets somebody in is given only after the ledger said that the record stands. */
#include "authd/gate_state.h"

#include <string.h>

#include "directory/base/clock.h"

#define RECORDS_A_SECOND 20 /* of one ordinary user: more than a person looks at, and months to fill a disk */
#define RECORDS_AT_ONCE 400
#define LEDGER_TIMEOUT_MS 4000 /* shorter than CK_CLIENT_REPLY_TIMEOUT_MS, so that the client hears why */

static const char *unless_empty(const char *text) { return text != NULL && text[0] != '\0' ? text : NULL; }

static void put_question(struct ck_map_writer *m, const struct ck_gate_event *e)
{
	const struct ck_login_ask *ask = e->ask;
	const char *remote_host = e->remote_host;
	if (remote_host == NULL && ask != NULL) remote_host = ask->remote_host;
	ck_field_string(m, CK_F_USER, ask != NULL && e->user == NULL ? unless_empty(ask->user) : e->user);
	ck_field_string(m, CK_F_ACCOUNT, ask != NULL ? ask->account : NULL);
	ck_field_string(m, CK_F_SERVICE, ask != NULL ? ask->service : NULL);
	ck_field_string(m, CK_F_TTY, ask != NULL ? unless_empty(ask->tty) : NULL);
	ck_field_string(m, CK_F_REMOTE_HOST, unless_empty(remote_host));
	ck_field_string(m, CK_F_SYSTEM, e->system);
}

static void put_bytes(struct ck_map_writer *m, unsigned field, struct ck_bytes bytes)
{
	if (bytes.length > 0) ck_field_bytes(m, field, bytes.at, bytes.length);
}

static void put_leader(struct ck_map_writer *m, const uint64_t leader[2])
{
	ck_field_key(m, CK_F_ANCESTORS);
	ck_cbor_put_array(m->w, 2);
	ck_cbor_put_uint(m->w, leader[0]);
	ck_cbor_put_uint(m->w, leader[1]);
}

/* Refusals have a budget at the ledger; a touch is one by itself. */
static bool costs_nothing(enum ck_event event)
{
	return event == CK_EVENT_ACCOUNT_GRANTED || event == CK_EVENT_LOOKED_UP || event == CK_EVENT_FOUND || event == CK_EVENT_EXPLAINED;
}

/* The ledger answers once it is written: in microseconds. */
static bool is_flushed_later(enum ck_event event) { return costs_nothing(event) || event == CK_EVENT_ACCOUNT_REFUSED; }

/* The user's own, else a free one, else that of whoever was silent longest. */
static struct ck_gate_budget *budget_of(struct ck_gate *gate, uid_t uid, int64_t now_ms)
{
	struct ck_gate_budget *place = &gate->budgets[0];
	for (size_t i = 0; i < CK_GATE_BUDGETS; i++) {
		struct ck_gate_budget *at = &gate->budgets[i];
		if (at->uid == uid) return at;
		if (place->uid != 0 && (at->uid == 0 || at->since_ms < place->since_ms)) place = at;
	}
	*place = (struct ck_gate_budget){.uid = uid, .left = RECORDS_AT_ONCE, .since_ms = now_ms};
	return place;
}

static bool is_within_budget(struct ck_gate *gate, uid_t uid)
{
	int64_t now_ms = ck_clock_monotonic_ms();
	struct ck_gate_budget *budget = budget_of(gate, uid, now_ms);
	int64_t more = (now_ms - budget->since_ms) * RECORDS_A_SECOND / 1000;
	if (more > 0) {
		budget->left = more < RECORDS_AT_ONCE - (int64_t)budget->left ? budget->left + (unsigned)more : RECORDS_AT_ONCE;
		budget->since_ms = now_ms;
	}
	if (budget->left == 0) return false;
	budget->left--;
	return true;
}

/* What is recorded of whoever began something, once a key has answered. */
static bool follows_a_touch(enum ck_event event)
{
	return event == CK_EVENT_LOGIN_GRANTED || event == CK_EVENT_LOGIN_REFUSED || event == CK_EVENT_IDENTIFIED || event == CK_EVENT_VOUCH_MADE ||
	       event == CK_EVENT_VOUCH_REFUSED;
}

static void begin_record(struct ck_gate_client *client, const struct ck_gate_event *e)
{
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_RECORD);
	put_question(m, e);
	if (e->login_id != NULL) ck_field_bytes(m, CK_F_LOGIN_ID, e->login_id, CK_LOGIN_ID_BYTES);
	if (e->verdict != NULL) ck_field_int(m, CK_F_UNTIL, e->verdict->until_s);
	const struct ck_gate_found *found = e->found;
	ck_field_string(m, CK_F_REASON, e->reason);
	if (found != NULL && !ck_id_is_zero(found->asker)) ck_field_bytes(m, CK_F_ID, found->asker.bytes, sizeof found->asker.bytes);
	put_bytes(m, CK_F_ID, e->id);
	ck_field_string(m, CK_F_NAME, e->name);
	if (found != NULL && !ck_id_is_zero(found->authority)) ck_field_bytes(m, CK_F_AUTHORITY, found->authority.bytes, sizeof found->authority.bytes);
	put_bytes(m, CK_F_AUTHORITY, e->authority);
	if (e->with_proved) ck_field_uint(m, CK_F_PROVED, e->proved);
	ck_field_uint(m, CK_F_EVENT, e->event);
	if (e->key_hash != NULL) ck_field_bytes(m, CK_F_HASH, e->key_hash, CK_HASH_BYTES);
	if (e->with_count) ck_field_uint(m, CK_F_COUNT, e->count);
	if (found != NULL) ck_field_uint(m, CK_F_COUNT, found->charged);
	ck_field_uint(m, CK_F_PEER_UID, client->uid);
	if (e->with_leader) ck_field_uint(m, CK_F_PEER_PID, (uint64_t)client->pid);
	if (e->verdict != NULL) ck_field_bytes(m, CK_F_RULE, e->verdict->rule.bytes, sizeof e->verdict->rule.bytes);
	if (e->with_leader) put_leader(m, e->leader);
	put_bytes(m, CK_F_TARGET, e->target);
	put_bytes(m, CK_F_DIGEST, e->digest);
	put_bytes(m, CK_F_PROOF, e->proof);
	ck_field_string(m, CK_F_DETAIL, e->detail);
	if (e->with_age) ck_field_int(m, CK_F_AGE, e->age_ms);
	ck_field_string(m, CK_F_PURPOSE, found != NULL ? found->purpose : NULL);
	if (found != NULL) ck_field_uint(m, CK_F_BUDGET, found->budget);
	if (e->shown != CK_FIND_BUDGET_NONE) ck_field_uint(m, CK_F_BUDGET, e->shown);
	ck_field_string(m, CK_F_PEOPLE, found != NULL ? unless_empty(found->people) : NULL);
	if (follows_a_touch(e->event)) ck_gate_put_proved(client, m);
}

void ck_gate_record(struct ck_gate_client *client, const struct ck_gate_event *e, ck_gate_resume resume)
{
	if (client->uid != 0 && costs_nothing(e->event) && !is_within_budget(client->gate, client->uid)) {
		resume(client, NULL);
		return;
	}
	begin_record(client, e);
	if (is_flushed_later(e->event)) ck_gate_wait_soon(client);
	ck_gate_ask_end(client, CK_PROCESS_LEDGER, LEDGER_TIMEOUT_MS, -1, resume);
}

void ck_gate_note(struct ck_gate_client *client, const struct ck_gate_event *e)
{
	begin_record(client, e);
	ck_gate_tell_ledger(client);
}

enum ck_error ck_gate_recorded(const struct ck_map *reply, char out_reason[64])
{
	bool stands = false;
	out_reason[0] = '\0';
	if (reply == NULL || ck_map_bool(reply, CK_F_VERDICT, &stands) != CK_OK) return CK_ERR_UNAVAILABLE;
	if (stands) return CK_OK;
	if (ck_map_string(reply, CK_F_REASON, out_reason, 64) != CK_OK || strcmp(out_reason, "unrecorded") == 0) return CK_ERR_UNAVAILABLE;
	return CK_ERR_DENIED;
}
