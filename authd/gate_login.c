/* Logging in and identifying by a key's touch. Whoever may not know learns nothing before their own key has verified: unknown, refused and
   keyless names get the same prompt and the same refusal, after the same work. The token helper is not believed: everything it brings is
   verified here against the key in the store. */
#include "authd/gate_state.h"

#include <string.h>

#include "authd/fido/fido.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define STORE_MISSING "this machine has no finished copy of the directory yet"

/* ---- the prompt ---- */

struct allow {
	struct ck_bytes ids[CK_ALLOW_LIMIT];
	size_t count;
	struct ck_moment now;
	struct ck_text rp_id;
	struct ck_id authority; /* the person's: a key filed under another authority is none of theirs */
};

static bool collect_key(const struct ck_record *record, void *context)
{
	struct allow *allow = context;
	const struct ck_key *key = &record->as.key;
	if (ck_id_equal(record->authority, allow->authority) && key->status == CK_STATUS_ACTIVE &&
	    ck_window_contains(key->window, allow->now) && ck_text_equal(key->rp_id, allow->rp_id))
		allow->ids[allow->count++] = key->credential_id;
	return allow->count < CK_ALLOW_LIMIT;
}

/* The time of the answer must not say whether there is somebody: a name that nobody has costs the keys of whoever comes next, and a name that
   somebody has a search in vain. */
static void spend_alike(struct ck_view *view, struct ck_text user, bool nobody, const struct allow *like)
{
	struct ck_record other;
	struct allow spent = *like;
	enum ck_error error = ck_view_staff_from(view, user, &other);
	if (error != CK_OK) return;
	spent.authority = other.authority;
	if (nobody) error = ck_view_keys_of(view, other.id, collect_key, &spent);
	else error = ck_view_staff_by_uid(view, ck_text_of("~"), &other);
	(void)error; /* what it found is nobody's business */
}

/* Which credentials are whose is told to root, who reads it in the store, and to the person themself: with somebody else's credential id one
   can have their key blink. */
static bool may_know(const struct ck_gate_client *client, const struct ck_record *staff)
{
	return client->uid == 0 || staff->as.staff.uid_number == client->uid;
}

/* The person's keys, borrowed from the view; for names that have none, and for whoever may not know, what the decoys hold. */
static enum ck_error find_allowed(struct ck_gate_client *client, struct ck_view *view, struct ck_text user, struct ck_decoys *decoys,
                                  struct allow *out)
{
	struct ck_gate *gate = client->gate;
	struct ck_record staff;
	*out = (struct allow){.count = 0, .now = ck_wall_now(&gate->wall), .rp_id = ck_text_of(gate->config->rp_id)};
	ck_login_decoys(gate->secret, user, decoys);
	enum ck_error error = ck_gate_stored(gate, ck_view_staff_by_uid(view, user, &staff));
	spend_alike(view, user, error != CK_OK, out);
	if (error == CK_OK) {
		out->authority = staff.authority;
		error = ck_gate_stored(gate, ck_view_keys_of(view, staff.id, collect_key, out));
		if (!may_know(client, &staff)) out->count = 0;
	}
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return CK_ERR_UNAVAILABLE;
	for (size_t i = 0; out->count == 0 && i < decoys->count; i++) out->ids[i] = (struct ck_bytes){decoys->ids[i], decoys->lengths[i]};
	if (out->count == 0) out->count = decoys->count;
	return CK_OK;
}

static void send_prompt(struct ck_gate_client *client, const struct allow *allow, const uint8_t nonce[CK_NONCE_BYTES])
{
	const struct ck_gate_login *login = &client->login;
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_NEED_TOKEN);
	ck_field_string(m, CK_F_SYSTEM, client->gate->config->system);
	ck_field_bytes(m, CK_F_CHALLENGE, login->challenge.hash, sizeof login->challenge.hash);
	ck_field_string(m, CK_F_RP_ID, client->gate->config->rp_id);
	ck_field_key(m, CK_F_ALLOW);
	ck_cbor_put_array(m->w, allow->count);
	for (size_t i = 0; i < allow->count; i++) ck_cbor_put_bytes(m->w, allow->ids[i].at, allow->ids[i].length);
	ck_field_bool(m, CK_F_VERIFY, login->challenge.verify);
	/* with these the client makes the statement itself, so that a gate that lies gets nothing signed but a login */
	ck_field_int(m, CK_F_TIME, allow->now.s);
	if (login->purpose == CK_GATE_VOUCH) ck_field_bytes(m, CK_F_ID, login->vouching.id.bytes, sizeof login->vouching.id.bytes);
	ck_field_bytes(m, CK_F_NONCE, nonce, CK_NONCE_BYTES);
	ck_field_bool(m, CK_F_LOCAL, login->origin.local);
	ck_gate_send(client, -1);
}

static enum ck_error hash_statement(struct ck_gate_client *client, const uint8_t nonce[CK_NONCE_BYTES], int64_t time_s,
                                    uint8_t out[CK_CHALLENGE_BYTES])
{
	struct ck_gate_login *login = &client->login;
	const char *system = client->gate->config->system;
	struct ck_vouch_statement statement;
	switch (login->purpose) {
	case CK_GATE_LOGIN: return ck_login_hash_statement(&login->ask, system, nonce, time_s, out);
	case CK_GATE_IDENTIFY: return ck_login_hash_identify(login->ask.user, system, nonce, time_s, out);
	case CK_GATE_VOUCH: break;
	}
	login->vouching.time_s = time_s;
	memcpy(login->vouching.nonce, nonce, sizeof login->vouching.nonce);
	ck_gate_vouch_statement(client, &statement);
	return ck_vouch_hash(&statement, out);
}

static enum ck_error prompt(struct ck_gate_client *client, struct ck_view *view, bool verify)
{
	struct ck_gate *gate = client->gate;
	struct ck_gate_login *login = &client->login;
	struct ck_decoys decoys;
	struct allow allow;
	uint8_t nonce[CK_NONCE_BYTES], hash[CK_CHALLENGE_BYTES];
	enum ck_error error = find_allowed(client, view, ck_text_of(login->ask.user), &decoys, &allow);
	if (error != CK_OK) return error;
	ck_gate_random(gate, nonce, sizeof nonce);
	error = hash_statement(client, nonce, allow.now.s, hash);
	if (error != CK_OK) return error;
	ck_challenge_issue(&login->challenge, hash, verify, ck_clock_monotonic_ms(), (int64_t)gate->config->challenge_limit_s * 1000);
	login->tokens_left = CK_GATE_TOKENS_LIMIT;
	login->tokens_here = login->origin.local;
	memcpy(login->nonce, nonce, sizeof login->nonce);
	login->time_s = allow.now.s;
	send_prompt(client, &allow, nonce);
	return CK_OK;
}

/* ---- beginning ---- */

/* A name alone authenticates nobody: where a rule demands nothing, only the account stage goes by that (a door, cron, sshd by public key);
   who begins a login shows what is usual, touch and verified. */
static enum ck_error prompt_for_purpose(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state)
{
	bool verify = true;
	enum ck_error error = CK_OK;
	switch (client->login.purpose) {
	case CK_GATE_LOGIN: error = ck_gate_decide_prompt(client, view, state, &verify); break;
	case CK_GATE_VOUCH: error = ck_gate_vouch_audience(client, view); break;
	case CK_GATE_IDENTIFY: break;
	}
	return error == CK_OK ? prompt(client, view, verify) : error;
}

static void begun(struct ck_gate_client *client)
{
	struct ck_view *view;
	struct ck_store_state state;
	enum ck_error error = ck_gate_view(client->gate, &view, &state);
	client->login.origin = client->origin;
	if (error == CK_OK) {
		error = prompt_for_purpose(client, view, &state);
		ck_view_end(&view);
	}
	if (error != CK_OK) ck_gate_unavailable(client, STORE_MISSING);
}

/* Of a login root's own are counted, too: they are everybody's. */
void ck_gate_begin(struct ck_gate_client *client, enum ck_gate_purpose purpose)
{
	bool login = purpose == CK_GATE_LOGIN;
	client->login.ask = client->ask;
	client->login.purpose = purpose;
	ck_gate_try_here(client, login || client->uid != 0, !login, begun);
}

struct ck_gate_event ck_gate_login_event(struct ck_gate_client *client, enum ck_event kind)
{
	struct ck_gate_login *login = &client->login;
	struct ck_gate_event event = {.event = kind,
	                              .ask = &login->ask,
	                              .system = client->gate->config->system,
	                              .with_proved = kind != CK_EVENT_LOGIN_ABANDONED,
	                              .proved = client->proved};
	if (login->origin.remote_host[0] != '\0') event.remote_host = login->origin.remote_host;
	if (kind != CK_EVENT_LOGIN_GRANTED) return event;
	ck_gate_random(client->gate, client->login_id, sizeof client->login_id);
	event.verdict = &client->verdict;
	event.login_id = client->login_id;
	event.key_hash = login->key_hash;
	return event;
}

/* Somebody began and went, or had no key that fits: seldom an attack, and the only trace of one that never gets as far as a signature. */
static void note_abandoned(struct ck_gate_client *client, const char *reason)
{
	const struct ck_gate_login *login = &client->login;
	struct ck_gate_event event = ck_gate_login_event(client, CK_EVENT_LOGIN_ABANDONED);
	event.reason = reason;
	event.detail = login->purpose == CK_GATE_LOGIN ? NULL : login->purpose == CK_GATE_VOUCH ? "vouch" : "identify";
	ck_gate_note(client, &event);
}

void ck_gate_login_forget(struct ck_gate_client *client)
{
	struct ck_gate_login *login = &client->login;
	if (login->challenge.open) note_abandoned(client, "no-answer");
	ck_gate_forget_shown(client);
	memset(login, 0, sizeof *login);
}

void ck_gate_login_begin(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	ck_gate_login_forget(client);
	client->operator_challenge = false;
	client->proved = CK_PROVED_NOTHING;
	if (ck_login_read_ask(request, &client->ask) != CK_OK) {
		ck_gate_error(client, "invalid", "a field of the request is too long or of the wrong type");
		return;
	}
	ck_gate_begin(client, CK_GATE_LOGIN);
}

void ck_gate_identify(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	ck_gate_login_forget(client);
	client->operator_challenge = false;
	client->person.known = false;
	memset(&client->ask, 0, sizeof client->ask);
	if (ck_map_string(request, CK_F_AS, client->ask.user, sizeof client->ask.user) != CK_OK) {
		ck_gate_error(client, "invalid", "AS is a login name");
		return;
	}
	ck_gate_begin(client, CK_GATE_IDENTIFY);
}

/* ---- the answer of a key ---- */

/* The key with this credential id, if it is good and belongs to this person. */
static bool usable_key(struct ck_gate_client *client, struct ck_view *view, const uint8_t hash[CK_HASH_BYTES], struct ck_record *out_key,
                       struct ck_record *out_staff, struct ck_errmsg *why)
{
	struct ck_gate *gate = client->gate;
	bool known = ck_gate_stored(gate, ck_view_staff_by_uid(view, ck_text_of(client->login.ask.user), out_staff)) == CK_OK;
	bool found = ck_gate_stored(gate, ck_view_key(view, hash, out_key)) == CK_OK;
	const struct ck_key *key = &out_key->as.key;
	const char *fault = NULL;
	if (!known) fault = "unknown name";
	else if (!found) fault = "unknown key";
	else if (!ck_id_equal(key->staff, out_staff->id) || !ck_id_equal(out_key->authority, out_staff->authority)) fault = "somebody else's key";
	else if (key->status != CK_STATUS_ACTIVE) fault = "the key is not active";
	else if (!ck_window_contains(key->window, ck_wall_now(&gate->wall))) fault = "the key is outside its window";
	if (fault == NULL) return true;
	(void)ck_fail(why, CK_ERR_DENIED, "%s", fault);
	return false;
}

/* Without a usable key the work is done all the same, with a key that is nobody's: the time says nothing. */
bool ck_gate_verify(struct ck_gate_client *client, struct ck_view *view, struct ck_gate_answered *a, struct ck_record *out_staff)
{
	struct ck_text rp_id = ck_text_of(client->gate->config->rp_id);
	struct ck_record key;
	struct ck_errmsg ignored;
	struct ck_key nobody = {.credential_id = a->credential,
	                        .public_key = {ck_login_nobody_key, ck_login_nobody_key_length},
	                        .rp_id = rp_id,
	                        .status = CK_STATUS_ACTIVE};
	struct ck_fido_assertion assertion = {.rp_id = rp_id,
	                                      .client_data_hash = a->challenge.hash,
	                                      .credential_id = a->credential,
	                                      .auth_data = a->auth_data,
	                                      .signature = a->signature,
	                                      .verify = a->challenge.verify};
	ck_sha256(a->hash, &a->credential, 1);
	bool usable = usable_key(client, view, a->hash, &key, out_staff, &a->why);
	bool good = ck_fido_verify_assertion(usable ? &key.as.key : &nobody, &assertion, &a->result, usable ? &a->why : &ignored) == CK_OK;
	a->attested = usable && good && key.as.key.attested;
	return usable && good;
}

unsigned ck_gate_proved_by(const struct ck_gate_answered *a)
{
	return CK_PROVED_TOUCH | (a->result.verified ? CK_PROVED_VERIFIED : 0u) | (a->attested ? CK_PROVED_ATTESTED : 0u);
}

static void refused_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	if (ck_gate_recorded(reply, reason) != CK_OK) ck_gate_unavailable(client, "the refusal could not be recorded");
	else if (client->proved == CK_PROVED_NOTHING) ck_gate_deny_alike(client);
	else ck_gate_deny(client, ck_reason_name(client->verdict.reason), ck_gate_sentence(&client->verdict, client->proved));
	client->proved = CK_PROVED_NOTHING;
}

void ck_gate_record_refused(struct ck_gate_client *client, const char *reason, const char *detail)
{
	struct ck_gate_event event = ck_gate_login_event(client, CK_EVENT_LOGIN_REFUSED);
	event.reason = reason;
	event.detail = detail;
	ck_gate_record(client, &event, refused_recorded);
}

void ck_gate_not_granted(struct ck_gate_client *client, const struct ck_map *reply, enum ck_error error, const char *reason)
{
	uint64_t wait_ms;
	if (error == CK_ERR_DENIED && strcmp(reason, CK_REASON_LOGINS) == 0 && ck_map_uint(reply, CK_F_COUNT, 0, INT32_MAX, &wait_ms) == CK_OK)
		ck_gate_deny_limited(client, reason, "your key was used too often just now", (int64_t)wait_ms);
	else if (error == CK_ERR_DENIED && strcmp(reason, "counter-leap") == 0)
		ck_gate_deny(client, reason, "this key's counter is too far ahead of what is known of it; see your administrator");
	else if (error == CK_ERR_DENIED)
		ck_gate_deny(client, reason, "this key's counter went back: it may have been copied; see your administrator");
	else
		ck_gate_unavailable(client, "the login could not be recorded, so nobody is let in");
}

static void granted_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_gate_login *login = &client->login;
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error != CK_OK) {
		ck_gate_not_granted(client, reply, error, reason);
		return;
	}
	login->proved = client->proved;
	login->proved_ms = ck_clock_monotonic_ms();
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_bytes(m, CK_F_LOGIN_ID, client->login_id, sizeof client->login_id);
	ck_field_int(m, CK_F_UNTIL, client->verdict.until_s);
	ck_gate_send(client, -1);
}

static void record_granted(struct ck_gate_client *client, const struct ck_gate_answered *a)
{
	memcpy(client->login.key_hash, a->hash, sizeof client->login.key_hash);
	struct ck_gate_event event = ck_gate_login_event(client, CK_EVENT_LOGIN_GRANTED);
	event.with_count = true;
	event.count = a->result.count;
	event.with_age = true;
	event.age_ms = ck_clock_monotonic_ms() - a->challenge.issued_ms;
	ck_gate_record(client, &event, granted_recorded);
}

static void want_password(struct ck_gate_client *client, const struct ck_gate_answered *a)
{
	memcpy(client->login.key_hash, a->hash, sizeof a->hash);
	ck_gate_want_password(client, a->challenge.hash, a->credential, a->auth_data, a->signature);
}

static void assert_login(struct ck_gate_client *client, struct ck_gate_answered *a)
{
	struct ck_view *view;
	struct ck_store_state state;
	struct ck_record staff;
	bool wants_password = false;
	enum ck_error error = ck_gate_view(client->gate, &view, &state);
	client->proved = CK_PROVED_NOTHING;
	client->ask = client->login.ask;
	client->origin = client->login.origin;
	if (error == CK_OK) {
		if (ck_gate_verify(client, view, a, &staff)) client->proved = ck_gate_proved_by(a);
		if (client->proved != CK_PROVED_NOTHING) ck_gate_proved(client);
		error = ck_gate_decide(client, view, &state);
		wants_password = error == CK_OK && client->proved != CK_PROVED_NOTHING && ck_gate_lacks_only_password(client, view, &state);
		ck_view_end(&view);
	}
	if (error != CK_OK) ck_gate_unavailable(client, STORE_MISSING);
	else if (client->proved == CK_PROVED_NOTHING) ck_gate_record_refused(client, "assertion", a->why.text);
	else if (wants_password) want_password(client, a);
	else if (!client->verdict.allow) ck_gate_record_refused(client, ck_reason_name(client->verdict.reason), NULL);
	else record_granted(client, a);
}

/* ---- identifying ---- */

static void identified_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error != CK_OK) {
		memset(&client->person, 0, sizeof client->person);
		ck_gate_not_granted(client, reply, error, reason);
		return;
	}
	client->person.since_ms = ck_clock_monotonic_ms();
	client->person.known = true;
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_string(m, CK_F_USER, client->person.uid);
	ck_gate_send(client, -1);
}

static void assert_person(struct ck_gate_client *client, struct ck_gate_answered *a)
{
	struct ck_gate_person *person = &client->person;
	struct ck_view *view;
	struct ck_store_state state;
	struct ck_record staff;
	bool good = false;
	memset(person, 0, sizeof *person);
	client->proved = CK_PROVED_NOTHING;
	if (ck_gate_view(client->gate, &view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	if (ck_gate_verify(client, view, a, &staff)) {
		ck_gate_proved(client);
		person->staff = staff.id;
		memcpy(person->key_hash, a->hash, sizeof person->key_hash);
		good = ck_text_copy(person->uid, sizeof person->uid, staff.as.staff.uid) == CK_OK && ck_gate_person_is_active(client, view, &staff);
		if (!good) (void)ck_fail(&a->why, CK_ERR_DENIED, "the person is not active");
	}
	ck_view_end(&view);
	if (!good) {
		ck_gate_record_refused(client, "identify", a->why.text);
		return;
	}
	struct ck_gate_event event = {.event = CK_EVENT_IDENTIFIED,
	                              .user = person->uid,
	                              .key_hash = person->key_hash,
	                              .with_count = true,
	                              .count = a->result.count,
	                              .with_age = true,
	                              .age_ms = ck_clock_monotonic_ms() - a->challenge.issued_ms};
	ck_gate_record(client, &event, identified_recorded);
}

void ck_gate_login_assert(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	struct ck_gate_login *login = &client->login;
	struct ck_gate_answered a;
	memset(&a, 0, sizeof a);
	enum ck_error error = ck_challenge_take(&login->challenge, ck_clock_monotonic_ms(), &a.challenge);
	login->tokens_left = 0;
	login->proved = CK_PROVED_NOTHING;
	login->must_change = false;
	ck_gate_forget_shown(client);
	if (error != CK_OK) {
		if (error == CK_ERR_TIMEOUT) note_abandoned(client, "challenge-expired");
		if (error == CK_ERR_TIMEOUT) ck_gate_deny(client, "challenge-expired", "that took too long; try again");
		else ck_gate_deny(client, "no-challenge", "nothing was begun on this connection that a key could answer");
		return;
	}
	if (ck_map_bytes(request, CK_F_CREDENTIAL, 1, CK_CREDENTIAL_ID_LIMIT_BYTES, &a.credential) != CK_OK ||
	    ck_map_bytes(request, CK_F_AUTH_DATA, 1, CK_AUTH_DATA_LIMIT_BYTES, &a.auth_data) != CK_OK ||
	    ck_map_bytes(request, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &a.signature) != CK_OK) {
		ck_gate_error(client, "invalid", "CREDENTIAL, AUTH_DATA or SIGNATURE is empty or too long");
		return;
	}
	switch (login->purpose) {
	case CK_GATE_LOGIN: assert_login(client, &a); break;
	case CK_GATE_IDENTIFY: assert_person(client, &a); break;
	case CK_GATE_VOUCH: ck_gate_vouch_assert(client, &a); break;
	}
}
