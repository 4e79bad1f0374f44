/* A password beside the touch: asked for after the person's own key has verified, and only where nothing else is missing. The gate passes it
   on together with what the key signed; the replica verifies that itself, has the attempt counted and the password tried. Nothing of it stays
   here. */
#include <stdlib.h>
#include <string.h>

#include "authd/gate_state.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define CHECK_TIMEOUT_MS 8000 /* the replica gives up before */
#define NO_CORE "a password is wanted beside the key, and no core answers that could check one"

void ck_gate_forget_shown(struct ck_gate_client *client)
{
	if (client->shown != NULL) ck_wipe(client->shown, sizeof *client->shown);
	free(client->shown);
	client->shown = NULL;
}

bool ck_gate_lacks_only_password(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state)
{
	const struct ck_verdict verdict = client->verdict;
	unsigned proved = client->proved;
	if (verdict.allow || verdict.reason != CK_REASON_PROOF) return false;
	client->proved |= CK_PROVED_PASSWORD;
	bool enough = ck_gate_decide(client, view, state) == CK_OK && client->verdict.allow;
	client->proved = proved;
	client->verdict = verdict;
	return enough;
}

static void keep(uint8_t *out, size_t *out_length, struct ck_bytes bytes)
{
	memcpy(out, bytes.at, bytes.length);
	*out_length = bytes.length;
}

void ck_gate_want_password(struct ck_gate_client *client, const uint8_t digest[CK_CHALLENGE_BYTES], struct ck_bytes credential,
                           struct ck_bytes auth_data, struct ck_bytes signature)
{
	ck_gate_forget_shown(client);
	if (client->gate->replica == NULL) {
		ck_gate_unavailable(client, NO_CORE);
		return;
	}
	struct ck_gate_shown *shown = calloc(1, sizeof *shown);
	if (shown == NULL) {
		ck_gate_unavailable(client, "no memory for what the key answered");
		return;
	}
	shown->since_ms = ck_clock_monotonic_ms();
	shown->proved = client->proved;
	memcpy(shown->digest, digest, sizeof shown->digest);
	keep(shown->credential, &shown->credential_length, credential);
	keep(shown->auth_data, &shown->auth_data_length, auth_data);
	keep(shown->signature, &shown->signature_length, signature);
	client->shown = shown;
	ck_gate_tell_proved(client); /* whoever looks for their password has touched their key */
	ck_gate_answer(client, CK_ANSWER_NEED_PASSWORD);
	ck_gate_send(client, -1);
}

/* ---- what came of it ---- */

static bool is_unavailable(const char *reason) { return strcmp(reason, "unavailable") == 0 || strcmp(reason, "audit") == 0; }

static void refused_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	const struct ck_gate_shown *shown = client->shown;
	char reason[64];
	if (ck_gate_recorded(reply, reason) != CK_OK) ck_gate_unavailable(client, "the refusal could not be recorded");
	else if (is_unavailable(shown->reason)) ck_gate_unavailable(client, shown->message);
	else ck_gate_deny(client, shown->reason, shown->message);
	client->proved = CK_PROVED_NOTHING;
	ck_gate_forget_shown(client);
}

static void refuse(struct ck_gate_client *client, const char *reason, const char *message)
{
	struct ck_gate_shown *shown = client->shown;
	struct ck_gate_event event = ck_gate_login_event(client, CK_EVENT_LOGIN_REFUSED);
	event.reason = reason;
	if (reason != shown->reason && ck_text_copy(shown->reason, sizeof shown->reason, ck_text_of(reason)) != CK_OK) shown->reason[0] = '\0';
	if (message != shown->message && ck_text_copy(shown->message, sizeof shown->message, ck_text_of(message)) != CK_OK) shown->message[0] = '\0';
	ck_gate_record(client, &event, refused_recorded);
}

static void granted_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_gate_login *login = &client->login;
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error != CK_OK) {
		if (error == CK_ERR_DENIED) ck_gate_deny(client, reason, "the audit log knows of no such password");
		else ck_gate_unavailable(client, "the login could not be recorded, so nobody is let in");
		ck_gate_forget_shown(client);
		return;
	}
	login->proved = client->proved;
	login->proved_ms = ck_clock_monotonic_ms();
	login->must_change = strcmp(client->shown->reason, "must-change") == 0;
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	if (!login->must_change) ck_field_bytes(m, CK_F_LOGIN_ID, client->login_id, sizeof client->login_id);
	ck_field_int(m, CK_F_UNTIL, client->verdict.until_s);
	if (client->shown->message[0] != '\0') ck_field_string(m, CK_F_MESSAGE, client->shown->message);
	ck_field_string(m, CK_F_REASON, client->shown->reason);
	ck_gate_send(client, -1);
	ck_gate_forget_shown(client);
}

/* The key's counter was moved on with the attempt; the digest says which. */
static void grant(struct ck_gate_client *client)
{
	struct ck_gate_event event = ck_gate_login_event(client, CK_EVENT_LOGIN_GRANTED);
	event.digest = (struct ck_bytes){client->shown->digest, sizeof client->shown->digest};
	ck_gate_record(client, &event, granted_recorded);
}

/* The directory took its time: what was decided before the touch is decided again. */
static void decide_again(struct ck_gate_client *client)
{
	struct ck_view *view;
	struct ck_store_state state;
	enum ck_error error = ck_gate_view(client->gate, &view, &state);
	client->ask = client->login.ask;
	client->origin = client->login.origin;
	client->proved = client->shown->proved | CK_PROVED_PASSWORD;
	if (error == CK_OK) {
		error = ck_gate_decide(client, view, &state);
		ck_view_end(&view);
	}
	if (error != CK_OK) refuse(client, "unavailable", "this machine has no finished copy of the directory yet");
	else if (!client->verdict.allow) refuse(client, ck_reason_name(client->verdict.reason), ck_gate_sentence(&client->verdict, client->proved));
	else grant(client);
}

static void checked(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_gate_shown *shown = client->shown;
	bool right = false;
	client->proved = shown->proved;
	if (reply == NULL) {
		refuse(client, "unavailable", NO_CORE);
		return;
	}
	if (ck_map_bool(reply, CK_F_VERDICT, &right) != CK_OK || ck_map_string(reply, CK_F_REASON, shown->reason, sizeof shown->reason) != CK_OK) {
		refuse(client, "unavailable", "the answer was not one");
		return;
	}
	if (ck_map_string(reply, CK_F_MESSAGE, shown->message, sizeof shown->message) != CK_OK) shown->message[0] = '\0';
	if (right) decide_again(client);
	else refuse(client, shown->reason, shown->message);
}

/* ---- passing it on ---- */

static const char *unless_empty(const char *text) { return text[0] != '\0' ? text : NULL; }

static void pass_on(struct ck_gate_client *client, struct ck_bytes password)
{
	const struct ck_gate_login *login = &client->login;
	struct ck_gate_shown *shown = client->shown;
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_PASSWORD);
	shown->sent = true;
	ck_field_string(m, CK_F_USER, login->ask.user);
	ck_field_string(m, CK_F_ACCOUNT, login->ask.account);
	ck_field_string(m, CK_F_SERVICE, login->ask.service);
	ck_field_string(m, CK_F_TTY, unless_empty(login->ask.tty));
	ck_field_string(m, CK_F_REMOTE_HOST, unless_empty(login->ask.remote_host));
	ck_field_bytes(m, CK_F_CREDENTIAL, shown->credential, shown->credential_length);
	ck_field_bytes(m, CK_F_AUTH_DATA, shown->auth_data, shown->auth_data_length);
	ck_field_bytes(m, CK_F_SIGNATURE, shown->signature, shown->signature_length);
	ck_field_int(m, CK_F_TIME, login->time_s);
	ck_field_bytes(m, CK_F_NONCE, login->nonce, sizeof login->nonce);
	ck_field_uint(m, CK_F_PEER_UID, client->uid);
	ck_field_uint(m, CK_F_PEER_PID, (uint64_t)client->pid);
	ck_field_bytes(m, CK_F_PASSWORD, password.at, password.length);
	ck_gate_ask_end(client, CK_PROCESS_REPLICA, CHECK_TIMEOUT_MS, -1, checked);
}

void ck_gate_login_password(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	struct ck_bytes password;
	int64_t limit_ms = (int64_t)client->gate->config->challenge_limit_s * 1000;
	if (client->shown == NULL || client->shown->sent) {
		ck_gate_deny(client, "no-challenge", "no key has answered on this connection for which a password is wanted");
	} else if (ck_clock_monotonic_ms() - client->shown->since_ms >= limit_ms) {
		ck_gate_forget_shown(client);
		ck_gate_deny(client, "challenge-expired", "that took too long; try again");
	} else if (ck_map_bytes(request, CK_F_PASSWORD, 1, CK_SECRET_LIMIT_BYTES, &password) != CK_OK ||
	           !ck_password_may_be_sent(password.at, password.length)) {
		ck_gate_forget_shown(client);
		ck_gate_deny(client, "password-form", "a password has 1 to 512 bytes");
	} else {
		pass_on(client, password);
	}
}
