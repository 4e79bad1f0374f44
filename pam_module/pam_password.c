/* What is typed is held in a secret and wiped on every path. Which password is right, the directory says, by way of gate and replica. */
#include "pam_module/pam_password.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"
#include "pam_module/pam_token.h"

#define PROMPT "Password: "
#define OLD_PROMPT "Current password: "
#define NEW_PROMPT "New password: "
#define AGAIN_PROMPT "New password again: "
#define NOT_ONE "That is no password: one has 1 to 512 bytes."
#define NOT_THE_SAME "The two are not the same."
#define TOO_LATE "That took too long; begin again."
#define REMOTE_TEXT "A password is changed at the machine itself: this login is remote, and a security key must be touched for it."
#define NEW_TRIES 3 /* typing the same twice */

static enum ck_pam_outcome refuse(struct ck_pam_gate *gate, const char *message)
{
	(void)snprintf(gate->message, sizeof gate->message, "%s", message);
	return CK_PAM_REFUSED;
}

/* GRANTED: it may be sent, and there is time to. */
static enum ck_pam_outcome ask(const struct ck_pam_talk *talk, struct ck_pam_gate *gate, const char *prompt, int64_t deadline_ms,
                               struct ck_secret *out)
{
	gate->message[0] = gate->reason[0] = '\0';
	enum ck_pam_outcome outcome = ck_pam_talk_ask_secret(talk, prompt, out);
	if (outcome == CK_PAM_CONVERSATION) return outcome;
	if (outcome != CK_PAM_GRANTED || !ck_password_may_be_sent(out->bytes, out->length)) return refuse(gate, NOT_ONE);
	return ck_clock_monotonic_ms() < deadline_ms ? CK_PAM_GRANTED : refuse(gate, TOO_LATE);
}

enum ck_pam_outcome ck_pam_password_show(const struct ck_pam_talk *talk, const struct ck_pam_talk *hint, struct ck_pam_gate *gate,
                                         int64_t deadline_ms)
{
	struct ck_secret password = { .length = 0 };
	enum ck_pam_outcome outcome = ask(talk, gate, PROMPT, deadline_ms, &password);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_password(gate, &password, deadline_ms);
	ck_secret_wipe(&password);
	if (outcome == CK_PAM_GRANTED) (void)ck_pam_talk_info(hint, gate->message); /* that it cannot be told changes nothing */
	return outcome;
}

/* ---- changing ---- */

enum ck_pam_outcome ck_pam_password_ready(struct ck_pam_gate *gate, int64_t deadline_ms)
{
	struct ck_pam_challenge challenge;
	if (gate->login.remote_host[0] != '\0') return refuse(gate, REMOTE_TEXT);
	enum ck_pam_outcome outcome = ck_pam_gate_change_begin(gate, deadline_ms, &challenge);
	ck_pam_challenge_free(&challenge);
	return outcome;
}

static bool same(const struct ck_secret *a, const struct ck_secret *b)
{
	return a->length == b->length && ck_constant_time_equal(a->bytes, b->bytes, a->length);
}

static enum ck_pam_outcome ask_new(const struct ck_pam_talk *talk, struct ck_pam_gate *gate, int64_t deadline_ms, struct ck_secret *out)
{
	struct ck_secret again = { .length = 0 };
	enum ck_pam_outcome outcome = CK_PAM_REFUSED;
	for (int i = 0; i < NEW_TRIES; i++) {
		outcome = ask(talk, gate, NEW_PROMPT, deadline_ms, out);
		if (outcome == CK_PAM_GRANTED) outcome = ask(talk, gate, AGAIN_PROMPT, deadline_ms, &again);
		if (outcome != CK_PAM_GRANTED || same(out, &again)) break;
		outcome = refuse(gate, NOT_THE_SAME);
		if (i + 1 < NEW_TRIES) (void)ck_pam_talk_error(talk, NOT_THE_SAME);
	}
	ck_secret_wipe(&again);
	return outcome;
}

static enum ck_pam_outcome ask_and_change(const struct ck_pam_talk *talk, struct ck_pam_gate *gate, const struct ck_pam_challenge *challenge,
                                          const struct ck_pam_assertion *assertion, int64_t deadline_ms)
{
	struct ck_secret old = { .length = 0 }, wanted = { .length = 0 };
	enum ck_pam_outcome outcome = ask(talk, gate, OLD_PROMPT, deadline_ms, &old);
	if (outcome == CK_PAM_GRANTED) outcome = ask_new(talk, gate, deadline_ms, &wanted);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_change(gate, challenge, assertion, &old, &wanted, deadline_ms);
	ck_secret_wipe(&old);
	ck_secret_wipe(&wanted);
	return outcome;
}

enum ck_pam_outcome ck_pam_password_change(const struct ck_pam_talk *talk, struct ck_pam_gate *gate, int64_t deadline_ms)
{
	struct ck_pam_challenge challenge;
	struct ck_pam_token token;
	int helper_fd = -1;
	if (gate->login.remote_host[0] != '\0') return refuse(gate, REMOTE_TEXT);
	enum ck_pam_outcome outcome = ck_pam_gate_change_begin(gate, deadline_ms, &challenge);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_token(gate, deadline_ms, &helper_fd);
	if (outcome == CK_PAM_GRANTED) {
		gate->message[0] = gate->reason[0] = '\0';
		outcome = ck_pam_token_assert(talk, helper_fd, gate->client.fd, &challenge, deadline_ms, &token);
		if (outcome == CK_PAM_GRANTED) outcome = ask_and_change(talk, gate, &challenge, &token.assertion, deadline_ms);
		ck_pam_token_close(&token);
	}
	ck_pam_challenge_free(&challenge);
	return outcome;
}

bool ck_pam_password_old_failed(const struct ck_pam_gate *gate)
{
	return strcmp(gate->reason, "password-wrong") == 0 || strcmp(gate->reason, "password-locked") == 0 ||
	       strcmp(gate->reason, "password-expired") == 0;
}
