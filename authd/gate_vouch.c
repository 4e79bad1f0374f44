/* Vouching for oneself: the touch, the code that comes of it, and what became of it. The code is told to the connection that the touch was on, and
   to nobody else; the ledger keeps a digest of it that it cannot try codes with (docs/design/vouch.md). */
#include "authd/gate_state.h"

#include <string.h>

#include "authd/record_wire.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define LEDGER_TIMEOUT_MS 4000 /* as for records */
#define STORE_MISSING "this machine has no finished copy of the directory yet"
#define STORE_STALE "this machine's copy of the directory is too old to say who anybody is"

/* ---- what both sides see of each other ---- */

bool ck_gate_is_fresh(struct ck_gate *gate, const struct ck_store_state *state)
{
	struct ck_moment now = ck_wall_now(&gate->wall);
	int64_t limit_s = gate->config->as_of_limit_s == 0 ? INT64_MAX : (int64_t)gate->config->as_of_limit_s;
	return now.s - ck_wall_as_of(&gate->wall, &state->as_of, now) <= limit_s;
}

/* Name, job title, and how to reach them: what everybody in any authority may know of staff. */
static struct ck_record public_part(const struct ck_record *record)
{
	struct ck_record out = *record;
	if (record->kind == CK_KIND_STAFF) out.as.staff.department = (struct ck_text){NULL, 0};
	return out;
}

static enum ck_error encode_public(const struct ck_record *record, struct ck_writer *w)
{
	static uint8_t bytes[CK_WIRE_ENTRY_LIMIT_BYTES];
	size_t length;
	struct ck_record shown = public_part(record);
	enum ck_error error = ck_record_wire_encode(&shown, NULL, CK_WIRE_NAMES, bytes, sizeof bytes, &length);
	if (error == CK_OK) ck_cbor_put_bytes(w, bytes, length);
	return error;
}

enum ck_error ck_gate_put_card(struct ck_gate_client *client, struct ck_view *view, enum ck_kind kind, struct ck_id id, struct ck_map_writer *m)
{
	struct ck_record record, authority;
	bool person = kind == CK_KIND_STAFF;
	enum ck_error error = ck_gate_stored(client->gate, ck_view_get(view, kind, id, &record));
	if (error == CK_OK && person) error = ck_gate_stored(client->gate, ck_view_get(view, CK_KIND_AUTHORITY, record.authority, &authority));
	if (error != CK_OK) return error;
	ck_field_key(m, CK_F_ENTRIES);
	ck_cbor_put_array(m->w, person ? 2 : 1);
	error = encode_public(&record, m->w);
	return error == CK_OK && person ? encode_public(&authority, m->w) : error;
}

/* ---- the prompt ---- */

void ck_gate_vouch_statement(struct ck_gate_client *client, struct ck_vouch_statement *out)
{
	const struct ck_gate_login *login = &client->login;
	*out = (struct ck_vouch_statement){.system = ck_text_of(client->gate->config->system),
	                                   .user = ck_text_of(login->ask.user),
	                                   .kind = ck_text_of(login->vouching.for_authority ? CK_VOUCH_FOR_AUTHORITY : CK_VOUCH_FOR_STAFF),
	                                   .name = ck_text_of(login->vouching.name),
	                                   .id = login->vouching.id,
	                                   .time_s = login->vouching.time_s};
	memcpy(out->nonce, login->vouching.nonce, sizeof out->nonce);
}

/* Before the touch nobody learns whether there is a person of that name: one that nobody has stands for an id as well, after the same work.
   Authorities' names are everybody's to know. */
enum ck_error ck_gate_vouch_audience(struct ck_gate_client *client, struct ck_view *view)
{
	struct ck_gate *gate = client->gate;
	struct ck_gate_vouching *vouching = &client->login.vouching;
	struct ck_text name = ck_text_of(vouching->name);
	struct ck_record record, other;
	enum ck_error error = ck_gate_stored(gate, ck_vouch_audience(view, vouching->for_authority, name, ck_wall_now(&gate->wall), &record));
	enum ck_error spent = error == CK_OK ? ck_view_staff_by_uid(view, ck_text_of("~"), &other) : ck_view_staff_from(view, name, &other);
	(void)spent; /* what it found is nobody's business */
	vouching->id = ck_vouch_decoy(gate->secret, sizeof gate->secret, name);
	if (error == CK_OK) vouching->id = record.id;
	return error == CK_OK || error == CK_ERR_NOT_FOUND ? CK_OK : CK_ERR_UNAVAILABLE;
}

void ck_gate_vouch_begin(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	struct ck_text kind = {NULL, 0};
	struct ck_gate_login *login = &client->login;
	ck_gate_login_forget(client);
	client->operator_challenge = false;
	client->vouched = false;
	memset(&client->ask, 0, sizeof client->ask);
	if (ck_map_string(request, CK_F_AS, client->ask.user, sizeof client->ask.user) != CK_OK ||
	    ck_map_string(request, CK_F_NAME, login->vouching.name, sizeof login->vouching.name) != CK_OK || login->vouching.name[0] == '\0' ||
	    ck_map_text(request, CK_F_KIND, CK_NAME_LIMIT_BYTES, &kind) != CK_OK ||
	    (!ck_text_is(kind, CK_VOUCH_FOR_STAFF) && !ck_text_is(kind, CK_VOUCH_FOR_AUTHORITY))) {
		ck_gate_error(client, "invalid", "AS is a login name, KIND staff or authority, NAME a login name or an authority's name");
		return;
	}
	login->vouching.for_authority = ck_text_is(kind, CK_VOUCH_FOR_AUTHORITY);
	ck_gate_begin(client, CK_GATE_VOUCH);
}

/* ---- the touch ---- */

static void refused_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	if (ck_gate_recorded(reply, reason) != CK_OK) ck_gate_unavailable(client, "the refusal could not be recorded");
	else ck_gate_deny(client, "vouch-nobody", "there is nobody else of that name, active, to make a code for");
}

static void refuse_audience(struct ck_gate_client *client)
{
	struct ck_gate_event event = {.event = CK_EVENT_VOUCH_REFUSED,
	                              .user = client->login.ask.user,
	                              .reason = "vouch-nobody",
	                              .detail = client->login.vouching.name};
	ck_gate_record(client, &event, refused_recorded);
}

static void answer_made(struct ck_gate_client *client)
{
	struct ck_gate *gate = client->gate;
	struct ck_gate_vouching *vouching = &client->login.vouching;
	struct ck_view *view;
	struct ck_store_state state;
	if (ck_gate_view(gate, &view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_int(m, CK_F_UNTIL, ck_wall_now(&gate->wall).s + (int64_t)gate->config->vouch_limit_s);
	enum ck_error error = ck_gate_put_card(client, view, vouching->for_authority ? CK_KIND_AUTHORITY : CK_KIND_STAFF, vouching->id, m);
	ck_view_end(&view);
	if (error == CK_OK) {
		ck_field_string(m, CK_F_CODE, vouching->code);
		ck_gate_send(client, -1);
		ck_wipe(gate->out, sizeof gate->out);
	} else {
		ck_gate_unavailable(client, "whom it is for has gone from the directory");
	}
}

static void made_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	client->vouched = error == CK_OK;
	if (error == CK_OK) answer_made(client);
	else if (error == CK_ERR_DENIED && strncmp(reason, "budget", 6) == 0)
		ck_gate_deny(client, "budget", "whom a code is for is shown with it, and you or your authority have looked up as many people of other "
		                               "authorities as may be in a day; an hour later some more go");
	else if (error == CK_ERR_DENIED && strncmp(reason, "vouch-", 6) == 0) ck_gate_deny(client, reason, "no code could be made of that touch; try again");
	else ck_gate_not_granted(client, reply, error, reason);
	ck_wipe(client->login.vouching.code, sizeof client->login.vouching.code);
}

struct voucher {
	struct ck_id staff, authority;
	enum ck_find_budget shown; /* that pays for whom the code is for; none: no person of another authority is shown */
};

static void record_made(struct ck_gate_client *client, const struct ck_gate_answered *a, const struct voucher *voucher)
{
	static uint8_t statement[CK_VOUCH_STATEMENT_LIMIT_BYTES], bytes[CK_VOUCH_PROOF_LIMIT_BYTES];
	struct ck_gate *gate = client->gate;
	struct ck_vouch_statement signed_statement;
	uint8_t digest[CK_VOUCH_DIGEST_BYTES];
	size_t length = 0, proof_length = 0;
	ck_gate_vouch_statement(client, &signed_statement);
	enum ck_error error = ck_vouch_statement_encode(&signed_statement, statement, sizeof statement, &length);
	struct ck_vouch_proof proof = {.statement = {statement, length},
	                               .key_hash = {a->hash, sizeof a->hash},
	                               .auth_data = a->auth_data,
	                               .signature = a->signature};
	if (error == CK_OK) error = ck_vouch_proof_encode(&proof, bytes, sizeof bytes, &proof_length);
	if (error != CK_OK || ck_text_copy(client->voucher, sizeof client->voucher, ck_text_of(client->login.ask.user)) != CK_OK) {
		ck_gate_error(client, "internal", "the proof does not fit");
		return;
	}
	memcpy(client->vouch_id, a->challenge.hash, sizeof client->vouch_id);
	ck_vouch_draw(client->login.vouching.code);
	ck_vouch_digest(gate->secret, sizeof gate->secret, client->login.vouching.code, digest);
	struct ck_gate_event event = {.event = CK_EVENT_VOUCH_MADE,
	                              .user = client->voucher,
	                              .key_hash = a->hash,
	                              .id = {client->vouch_id, sizeof client->vouch_id},
	                              .target = {voucher->staff.bytes, sizeof voucher->staff.bytes},
	                              .shown = voucher->shown,
	                              .digest = {digest, sizeof digest},
	                              .proof = {bytes, proof_length},
	                              .with_proved = true,
	                              .proved = client->proved,
	                              .with_count = true,
	                              .count = a->result.count,
	                              .with_age = true,
	                              .age_ms = ck_clock_monotonic_ms() - a->challenge.issued_ms};
	if (voucher->shown != CK_FIND_BUDGET_NONE) event.authority = (struct ck_bytes){voucher->authority.bytes, sizeof voucher->authority.bytes};
	ck_gate_record(client, &event, made_recorded);
	ck_wipe(digest, sizeof digest);
}

/* The same name, of whoever was meant when it was signed, and not the person themself. Whose card is shown costs like somebody found. */
static bool audience_stands(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *voucher, struct voucher *out)
{
	struct ck_gate *gate = client->gate;
	const struct ck_gate_vouching *vouching = &client->login.vouching;
	struct ck_record record;
	enum ck_error error = ck_gate_stored(gate, ck_vouch_audience(view, vouching->for_authority, ck_text_of(vouching->name),
	                                                             ck_wall_now(&gate->wall), &record));
	*out = (struct voucher){.staff = voucher->id, .authority = voucher->authority};
	if (error != CK_OK || !ck_id_equal(record.id, vouching->id) || ck_id_equal(record.id, voucher->id)) return false;
	if (!vouching->for_authority && !ck_id_equal(record.authority, voucher->authority))
		out->shown = ck_gate_find_budget(client, view, voucher->id, voucher->authority);
	return true;
}

void ck_gate_vouch_assert(struct ck_gate_client *client, struct ck_gate_answered *a)
{
	struct ck_view *view;
	struct ck_store_state state;
	struct ck_record staff;
	client->proved = CK_PROVED_NOTHING;
	if (ck_gate_view(client->gate, &view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	bool good = ck_gate_verify(client, view, a, &staff);
	if (good) ck_gate_proved(client);
	if (good && !ck_gate_person_is_active(client, view, &staff)) {
		good = false;
		(void)ck_fail(&a->why, CK_ERR_DENIED, "the person is not active");
	}
	if (good) client->proved = ck_gate_proved_by(a);
	struct voucher voucher = {.shown = CK_FIND_BUDGET_NONE};
	bool stands = good && audience_stands(client, view, &staff, &voucher);
	ck_view_end(&view);
	if (!good) ck_gate_record_refused(client, "vouch", a->why.text);
	else if (!ck_gate_is_fresh(client->gate, &state)) ck_gate_unavailable(client, STORE_STALE);
	else if (!stands) refuse_audience(client);
	else record_made(client, a, &voucher);
}

/* ---- what became of it ---- */

static void answer_state(struct ck_gate_client *client, struct ck_text state, const struct ck_id *checker, int64_t time_s)
{
	struct ck_view *view = NULL;
	struct ck_store_state store;
	enum ck_error error = checker != NULL ? ck_gate_view(client->gate, &view, &store) : CK_OK;
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	if (checker != NULL) ck_field_int(m, CK_F_TIME, time_s);
	if (error == CK_OK && checker != NULL) error = ck_gate_put_card(client, view, CK_KIND_STAFF, *checker, m);
	ck_view_end(&view);
	if (error == CK_OK) {
		ck_field_text(m, CK_F_STATE, state);
		ck_gate_send(client, -1);
	} else {
		ck_gate_unavailable(client, STORE_MISSING);
	}
}

static void stated(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_text state;
	struct ck_id checker;
	int64_t time_s = 0;
	if (reply == NULL || ck_map_text(reply, CK_F_STATE, 32, &state) != CK_OK) {
		ck_gate_unavailable(client, "the ledger does not answer");
		return;
	}
	bool by_somebody = ck_map_fixed(reply, CK_F_TARGET, checker.bytes, sizeof checker.bytes) == CK_OK && ck_map_int(reply, CK_F_TIME, &time_s) == CK_OK;
	answer_state(client, state, by_somebody ? &checker : NULL, time_s);
}

void ck_gate_vouch_state(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)request;
	(void)encoded;
	if (!client->vouched) {
		ck_gate_deny(client, "no-vouch", "no code was made on this connection");
		return;
	}
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_VOUCH_STATE);
	ck_field_bytes(m, CK_F_ID, client->vouch_id, sizeof client->vouch_id);
	ck_gate_ask_end(client, CK_PROCESS_LEDGER, LEDGER_TIMEOUT_MS, -1, stated);
}

static void withdrawn_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error == CK_ERR_DENIED) {
		ck_gate_deny(client, reason, "the code was over before it could be withdrawn");
	} else if (error != CK_OK) {
		ck_gate_unavailable(client, "that the code is withdrawn could not be recorded: it may be good until its time is over");
	} else {
		(void)ck_gate_answer(client, CK_ANSWER_GRANTED);
		ck_gate_send(client, -1);
	}
}

void ck_gate_vouch_withdraw(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)request;
	(void)encoded;
	struct ck_gate_event event = {
		.event = CK_EVENT_VOUCH_WITHDRAWN, .user = client->voucher, .id = {client->vouch_id, sizeof client->vouch_id}};
	if (client->vouched) ck_gate_record(client, &event, withdrawn_recorded);
	else ck_gate_deny(client, "no-vouch", "no code was made on this connection");
}
