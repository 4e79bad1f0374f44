/* The account stage and sessions: decides whether a person may enter an account now. Performance matters: no allocation, and another
   process is asked only for the record, unless where the client sits could change the answer. Trusts what was proved on this connection. */
#include "authd/gate_state.h"

#include <string.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"

/* From a touch to the account stage there may be a forgotten password or a message of the day, not a night. */
#define PROVED_LIFE_MS (10 * 60 * 1000)

/* For a name that nobody has: takes as long as it takes for somebody, on whoever comes next in the order of names; what is decided of them goes
   nowhere. For somebody's name: what the other costs more. */
static volatile enum ck_reason spent_on; /* read by nobody */

static void spend_alike(struct ck_view *view, const struct ck_question *question, bool nobody)
{
	struct ck_record other;
	struct ck_question about = *question;
	bool own = ck_text_equal(question->account, question->uid);
	if (ck_view_staff_from(view, question->uid, &other) != CK_OK) return;
	/* after Z and before nothing: a search in vain, as nobody's name has cost one */
	about.uid = nobody ? other.as.staff.uid : ck_text_of("~");
	if (own) about.account = about.uid;
	spent_on = ck_decide(view, &about, NULL, NULL).reason;
}

static enum ck_error decide(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state, bool *out_asks_less)
{
	const struct ck_config *config = client->gate->config;
	bool corrupt = false;
	struct ck_moment now = ck_wall_now(&client->gate->wall);
	memset(&client->verdict, 0, sizeof client->verdict);
	if (out_asks_less != NULL) *out_asks_less = false;
	struct ck_question question = {
		.uid = ck_text_of(client->ask.user),
		.account = ck_text_of(client->ask.account),
		.system = ck_text_of(config->system),
		.system_id = config->system_id,
		.service = ck_text_of(client->ask.service),
		.source = client->origin.source,
		.proved = client->proved,
		.as_of_s = ck_wall_as_of(&client->gate->wall, &state->as_of, now),
		.as_of_limit_s = config->as_of_limit_s == 0 ? INT64_MAX : (int64_t)config->as_of_limit_s,
		.now = now,
	};
	/* "self" is a rule's word for one's own account, not the name of one. */
	if (!ck_model_account_valid(question.account)) {
		client->verdict.reason = CK_REASON_ACCOUNT;
		return CK_OK;
	}
	if (!ck_model_service_valid(question.service)) {
		client->verdict.reason = CK_REASON_SERVICE;
		return CK_OK;
	}
	client->verdict = ck_decide(view, &question, NULL, &corrupt);
	if (out_asks_less != NULL) *out_asks_less = ck_decide_asks_less(view, &question);
	if (corrupt) return ck_gate_stored(client->gate, CK_ERR_CORRUPT);
	if (!client->verdict.allow) spend_alike(view, &question, client->verdict.reason == CK_REASON_UNKNOWN_STAFF);
	return client->verdict.reason == CK_REASON_UNAVAILABLE ? CK_ERR_UNAVAILABLE : CK_OK;
}

enum ck_error ck_gate_decide(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state)
{
	return decide(client, view, state, NULL);
}

/* Who is let in by a touch alone is not asked to verify. Where that can be, half of all the names that nothing lets in are not asked either,
   always the same ones: not to be asked tells nobody that the name is somebody's. */
enum ck_error ck_gate_decide_prompt(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state, bool *out_verify)
{
	bool asks_less;
	enum ck_error error = decide(client, view, state, &asks_less);
	const struct ck_verdict *verdict = &client->verdict;
	bool decoy = !verdict->allow && asks_less && ck_login_decoy_asks_less(client->gate->secret, ck_text_of(client->ask.user));
	*out_verify = verdict->reason == CK_REASON_PROOF ? (verdict->demanded & CK_PROVED_VERIFIED) != 0 : !decoy;
	return error;
}

const char *ck_gate_sentence(const struct ck_verdict *verdict, unsigned proved)
{
	unsigned missing = verdict->reason == CK_REASON_PROOF ? verdict->demanded & ~proved : 0;
	if ((missing & CK_PROVED_ATTESTED) != 0) return "needs a security key whose maker is trusted here, and this one is not such";
	if ((missing & CK_PROVED_PASSWORD) != 0)
		return "needs a password beside the security key";
	return ck_reason_sentence(verdict->reason);
}

/* ---- account ---- */

#define MUST_CHANGE "must-change"

/* Everything is right but that somebody else chose the password: no login's id, before it is the person's own. */
static void want_new_password(struct ck_gate_client *client)
{
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_NEED_PASSWORD);
	ck_field_string(m, CK_F_MESSAGE, "The password must be changed first.");
	ck_field_string(m, CK_F_REASON, MUST_CHANGE);
	ck_gate_send(client, -1);
}

static void account_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	bool told = (client->proved & CK_PROVED_TOUCH) != 0;
	if (ck_gate_recorded(reply, reason) != CK_OK) {
		ck_gate_unavailable(client, "the decision could not be recorded, so nobody is let in");
		return;
	}
	if (client->verdict.allow && client->must_change) {
		want_new_password(client);
		return;
	}
	if (!client->verdict.allow) {
		if (told) ck_gate_deny(client, ck_reason_name(client->verdict.reason), ck_gate_sentence(&client->verdict, client->proved));
		else ck_gate_deny_alike(client);
		return;
	}
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_bytes(m, CK_F_LOGIN_ID, client->login_id, sizeof client->login_id);
	ck_field_int(m, CK_F_UNTIL, client->verdict.until_s);
	ck_gate_send(client, -1);
}

static void account_record(struct ck_gate_client *client)
{
	struct ck_gate_event event = {.event = CK_EVENT_ACCOUNT_REFUSED,
	                              .ask = &client->ask,
	                              .system = client->gate->config->system,
	                              .with_proved = true,
	                              .proved = client->proved};
	if (client->origin.remote_host[0] != '\0') event.remote_host = client->origin.remote_host;
	if (client->verdict.allow && client->must_change) {
		event.reason = MUST_CHANGE;
	} else if (client->verdict.allow) {
		ck_gate_random(client->gate, client->login_id, sizeof client->login_id);
		event.event = CK_EVENT_ACCOUNT_GRANTED;
		event.verdict = &client->verdict;
		event.login_id = client->login_id;
	} else {
		event.reason = ck_reason_name(client->verdict.reason);
	}
	ck_gate_record(client, &event, account_recorded);
}

/* The key that was touched must still be that person's and good. */
static bool key_still_good(struct ck_gate_client *client, struct ck_view *view)
{
	struct ck_record key, staff;
	struct ck_gate *gate = client->gate;
	return ck_gate_stored(gate, ck_view_key(view, client->login.key_hash, &key)) == CK_OK && key.as.key.status == CK_STATUS_ACTIVE &&
	       ck_window_contains(key.as.key.window, ck_wall_now(&gate->wall)) &&
	       ck_gate_stored(gate, ck_view_staff_by_uid(view, ck_text_of(client->ask.user), &staff)) == CK_OK &&
	       ck_id_equal(key.as.key.staff, staff.id) && ck_id_equal(key.authority, staff.authority);
}

/* False: answered already. */
static bool account_decide(struct ck_gate_client *client)
{
	struct ck_view *view;
	struct ck_store_state state;
	enum ck_error error = ck_gate_view(client->gate, &view, &state);
	if (error == CK_OK) {
		if (client->proved != CK_PROVED_NOTHING && !key_still_good(client, view)) client->proved = CK_PROVED_NOTHING;
		error = ck_gate_decide(client, view, &state);
		ck_view_end(&view);
	}
	if (error != CK_OK) ck_gate_unavailable(client, "this machine has no finished copy of the directory yet");
	return error == CK_OK;
}

static void account_located(struct ck_gate_client *client)
{
	if (account_decide(client)) account_record(client);
}

/* Rules only allow. What is granted without knowing where the client sits stays granted when it is known, so the ledger is asked for it
   only when it could help: when some rule came as far as that question. */
static bool place_could_help(const struct ck_gate_client *client)
{
	return !client->origin_known && !client->verdict.allow && client->verdict.reason >= CK_REASON_SOURCE;
}

static bool same_place(const struct ck_login_ask *a, const struct ck_login_ask *b)
{
	return strcmp(a->tty, b->tty) == 0 && strcmp(a->remote_host, b->remote_host) == 0;
}

static void take_what_was_proved(struct ck_gate_client *client)
{
	const struct ck_gate_login *login = &client->login;
	client->proved = CK_PROVED_NOTHING;
	client->must_change = false;
	if (login->proved == CK_PROVED_NOTHING || !ck_login_same(&login->ask, &client->ask)) return;
	if (ck_clock_monotonic_ms() - login->proved_ms >= PROVED_LIFE_MS) return;
	client->proved = login->proved;
	client->must_change = login->must_change;
	if (!same_place(&login->ask, &client->ask)) return;
	client->origin = login->origin;
	client->origin_known = true;
}

void ck_gate_account(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	if (ck_login_read_ask(request, &client->ask) != CK_OK) {
		ck_gate_error(client, "invalid", "a field of the request is too long or of the wrong type");
		return;
	}
	ck_gate_locate_at_once(client, false);
	take_what_was_proved(client);
	if (!account_decide(client)) return;
	if (place_could_help(client)) ck_gate_locate(client, false, account_located);
	else account_record(client);
}

/* ---- sessions ---- */

static void session_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	switch (ck_gate_recorded(reply, reason)) {
	case CK_OK:
		ck_gate_answer(client, CK_ANSWER_GRANTED);
		ck_gate_send(client, -1);
		break;
	case CK_ERR_DENIED: ck_gate_deny(client, reason, "no login of this account and service fits this session"); break;
	default: ck_gate_unavailable(client, "the session could not be recorded"); break;
	}
}

/* The leader is the process that holds the connection. A session in which nobody is known to sit at the machine gets a host that no rule
   and no later login takes for this machine: who came by another way in must not look local to what is started inside. */
static void session_located(struct ck_gate_client *client)
{
	struct ck_gate_event event = {.event = CK_EVENT_SESSION_OPENED,
	                              .ask = &client->ask,
	                              .login_id = client->login_id,
	                              .with_leader = true,
	                              .leader = {(uint64_t)client->pid, 0}};
	if (!client->origin.local && client->ask.remote_host[0] == '\0')
		event.remote_host = client->origin.remote_host[0] != '\0' ? client->origin.remote_host : "unknown";
	if (ck_gate_process_start(client->pid, &event.leader[1]) != CK_OK || event.leader[1] > client->accepted_ticks) {
		ck_gate_error(client, "no-leader", "the process that opened the connection is gone");
		return;
	}
	ck_gate_record(client, &event, session_recorded);
}

void ck_gate_session_open(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	if (ck_login_read_ask(request, &client->ask) != CK_OK ||
	    ck_map_fixed(request, CK_F_LOGIN_ID, client->login_id, sizeof client->login_id) != CK_OK) {
		ck_gate_error(client, "invalid", "a field of the request is too long or of the wrong type");
		return;
	}
	ck_gate_locate(client, false, session_located);
}

void ck_gate_session_close(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	if (ck_map_fixed(request, CK_F_LOGIN_ID, client->login_id, sizeof client->login_id) != CK_OK) {
		ck_gate_error(client, "invalid", "LOGIN_ID is 16 bytes");
		return;
	}
	struct ck_gate_event event = {.event = CK_EVENT_SESSION_CLOSED, .login_id = client->login_id};
	ck_gate_record(client, &event, session_recorded);
}
