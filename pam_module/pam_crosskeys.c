/* The PAM module: six entry points. Each begins refused and assigns success on one line; PAM_IGNORE is no answer of any of them.
   Trusts the kernel (uid, peer credentials), root-owned files, and the gate behind a root-owned path; nothing from the environment. */
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "pam_module/pam_gate.h"
#include "pam_module/pam_password.h"
#include "pam_module/pam_talk.h"
#include "pam_module/pam_token.h"

#define EXPORT __attribute__((visibility("default")))
#define LOGIN_VARIABLE "CROSSKEYS_LOGIN"
#define REMOTE_TEXT                                                                                  \
	"This login is remote: a security key plugged into this machine cannot be used for it. "      \
	"Use your SSH key, or log in at the machine itself."
#define UNAVAILABLE_TEXT "Crosskeys does not answer on this machine. Try again; if it stays so, tell whoever runs it."

/* Everything that is no success. `refused` is the stage's own word for it. */
static int code_of(enum ck_pam_outcome outcome, int refused)
{
	switch (outcome) {
	case CK_PAM_LOCAL: return PAM_USER_UNKNOWN;
	case CK_PAM_UNAVAILABLE: return PAM_AUTHINFO_UNAVAIL;
	case CK_PAM_CONVERSATION: return PAM_CONV_ERR;
	case CK_PAM_MISCONFIGURED: return PAM_SERVICE_ERR;
	case CK_PAM_MEMORY: return PAM_BUF_ERR;
	case CK_PAM_REFUSED:
	case CK_PAM_WANTS_PASSWORD:
	case CK_PAM_MUST_CHANGE:
	case CK_PAM_GRANTED: break; /* each stage says success itself */
	}
	return refused;
}

/* What somebody has to do, and why they are refused, is said whatever the flags: sudo sets PAM_SILENT always, and would leave them before
   a key that blinks, or with "try again". */
static struct ck_pam_talk aloud(pam_handle_t *pamh)
{
	return (struct ck_pam_talk){ pamh, false };
}

/* What may be left unsaid: that a password is about to expire. */
static struct ck_pam_talk polite(pam_handle_t *pamh, int flags)
{
	return (struct ck_pam_talk){ pamh, ((unsigned)flags & PAM_SILENT) != 0 };
}

/* Tells the person why not; that they cannot be told changes nothing. */
static void explain(const struct ck_pam_talk *talk, enum ck_pam_outcome outcome, const struct ck_pam_gate *gate)
{
	const char *text = gate != NULL ? gate->message : "";
	if (outcome == CK_PAM_UNAVAILABLE && text[0] == '\0') text = UNAVAILABLE_TEXT;
	if (outcome == CK_PAM_REFUSED || outcome == CK_PAM_UNAVAILABLE) (void)ck_pam_talk_error(talk, text);
}

static void log_stage(pam_handle_t *pamh, const struct ck_pam_options *options, const char *stage, const struct ck_pam_login *login,
                      int result)
{
	if (!options->debug) return;
	pam_syslog(pamh, LOG_DEBUG, "%s: subject=%s account=%s: %d (%s)", stage, login->subject, login->account, result,
	           pam_strerror(pamh, result));
}

/* ---- authentication ---- */

static enum ck_pam_outcome prove(const struct ck_pam_talk *talk, const struct ck_pam_talk *hint, struct ck_pam_gate *gate, int64_t deadline_ms)
{
	struct ck_pam_challenge challenge;
	struct ck_pam_token token;
	int helper_fd = -1;
	enum ck_pam_outcome outcome = ck_pam_gate_begin(gate, deadline_ms, &challenge);
	if (outcome != CK_PAM_GRANTED) return outcome;
	if (!challenge.local) {
		(void)snprintf(gate->message, sizeof gate->message, "%s", REMOTE_TEXT);
		outcome = CK_PAM_REFUSED;
	}
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_token(gate, deadline_ms, &helper_fd);
	if (outcome == CK_PAM_GRANTED) {
		gate->message[0] = '\0';
		outcome = ck_pam_token_assert(talk, helper_fd, gate->client.fd, &challenge, deadline_ms, &token);
		if (outcome == CK_PAM_GRANTED)
			outcome = ck_pam_gate_assert(gate, &token.assertion, deadline_ms);
		ck_pam_token_close(&token);
	}
	if (outcome == CK_PAM_WANTS_PASSWORD) outcome = ck_pam_password_show(talk, hint, gate, deadline_ms);
	ck_pam_challenge_free(&challenge);
	return outcome;
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int result = PAM_AUTH_ERR;
	const struct ck_pam_talk talk = aloud(pamh), hint = polite(pamh, flags);
	struct ck_pam_options options;
	struct ck_pam_login login = { .subject = "" };
	struct ck_pam_gate *gate = NULL;
	enum ck_pam_outcome outcome = ck_pam_options_read(pamh, argc, argv, &options);
	int64_t deadline_ms = ck_clock_monotonic_ms() + options.timeout_ms;
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_login_describe(pamh, &options, &login);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_open(pamh, &options, &login, deadline_ms, &gate);
	if (gate != NULL) gate->proved = false;
	if (outcome == CK_PAM_GRANTED) outcome = prove(&talk, &hint, gate, deadline_ms);
	if (gate != NULL) gate->proved = outcome == CK_PAM_GRANTED;
	explain(&talk, outcome, gate);
	result = code_of(outcome, result);
	if (outcome == CK_PAM_GRANTED && gate != NULL && gate->proved) result = PAM_SUCCESS;
	log_stage(pamh, &options, "authenticate", &login, result);
	return result;
}

/* ---- account ---- */

static enum ck_pam_outcome keep_login_id(pam_handle_t *pamh, const uint8_t id[CK_LOGIN_ID_BYTES])
{
	char variable[sizeof LOGIN_VARIABLE + 2 * CK_LOGIN_ID_BYTES + 1] = LOGIN_VARIABLE "=";
	(void)ck_hex_encode(id, CK_LOGIN_ID_BYTES, variable + sizeof LOGIN_VARIABLE, 2 * CK_LOGIN_ID_BYTES + 1);
	return pam_putenv(pamh, variable) == PAM_SUCCESS ? CK_PAM_GRANTED : CK_PAM_MEMORY;
}

static bool login_id_kept(pam_handle_t *pamh, uint8_t out_id[CK_LOGIN_ID_BYTES])
{
	const char *hex = pam_getenv(pamh, LOGIN_VARIABLE);
	return hex != NULL && ck_hex_decode(ck_text_of(hex), out_id, CK_LOGIN_ID_BYTES) == CK_OK;
}

static enum ck_pam_outcome ask_account(struct ck_pam_gate *gate, uint8_t id[CK_LOGIN_ID_BYTES])
{
	return ck_pam_gate_account(gate, ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS, id);
}

/* An application that did not authenticate (sudo that remembers, NOPASSWD, login -f) brings nothing proved, and the rules refused that.
   Whoever sits at the machine is asked now, whatever the reason was, which they may not know yet; whoever cannot be asked stays refused. */
static enum ck_pam_outcome prove_now(const struct ck_pam_talk *talk, const struct ck_pam_talk *hint, struct ck_pam_gate *gate,
                                     const struct ck_pam_options *options, uint8_t id[CK_LOGIN_ID_BYTES])
{
	if (gate->proved || gate->login.remote_host[0] != '\0') return CK_PAM_REFUSED;
	enum ck_pam_outcome outcome = prove(talk, hint, gate, ck_clock_monotonic_ms() + options->timeout_ms);
	if (outcome == CK_PAM_GRANTED) outcome = ask_account(gate, id);
	gate->proved = outcome == CK_PAM_GRANTED || outcome == CK_PAM_MUST_CHANGE;
	return outcome == CK_PAM_CONVERSATION ? CK_PAM_REFUSED : outcome;
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int result = PAM_PERM_DENIED;
	const struct ck_pam_talk talk = aloud(pamh), hint = polite(pamh, flags);
	struct ck_pam_options options;
	struct ck_pam_login login = { .subject = "" };
	struct ck_pam_gate *gate = NULL;
	uint8_t id[CK_LOGIN_ID_BYTES];
	enum ck_pam_outcome outcome = ck_pam_options_read(pamh, argc, argv, &options);
	int64_t deadline_ms = ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS;
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_login_describe(pamh, &options, &login);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_open(pamh, &options, &login, deadline_ms, &gate);
	if (outcome == CK_PAM_GRANTED) {
		outcome = ask_account(gate, id);
		if (outcome == CK_PAM_REFUSED) outcome = prove_now(&talk, &hint, gate, &options, id);
	}
	if (outcome == CK_PAM_GRANTED) outcome = keep_login_id(pamh, id);
	if (gate != NULL) gate->entitled = outcome == CK_PAM_GRANTED;
	explain(&talk, outcome, gate);
	result = code_of(outcome, result);
	if (outcome == CK_PAM_MUST_CHANGE) result = PAM_NEW_AUTHTOK_REQD;
	if (outcome == CK_PAM_GRANTED && gate != NULL && gate->entitled) result = PAM_SUCCESS;
	log_stage(pamh, &options, "account", &login, result);
	return result;
}

/* ---- credentials: none are made; says whether this login is one of ours ---- */

EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int result = PAM_CRED_UNAVAIL;
	struct ck_pam_options options;
	struct ck_pam_login login = { .subject = "" };
	uint8_t id[CK_LOGIN_ID_BYTES];
	(void)flags;
	enum ck_pam_outcome outcome = ck_pam_options_read(pamh, argc, argv, &options);
	const struct ck_pam_gate *gate = ck_pam_gate_kept(pamh);
	/* sshd authenticates in a child: its parent knows of it by the login id only. sudo has changed PAM_USER by now. */
	bool ours = (gate != NULL && (gate->proved || gate->entitled)) || login_id_kept(pamh, id);
	if (outcome == CK_PAM_GRANTED && !ours) {
		outcome = ck_pam_login_describe(pamh, &options, &login);
		if (outcome == CK_PAM_GRANTED) outcome = CK_PAM_REFUSED;
	}
	result = code_of(outcome, result);
	if (outcome == CK_PAM_GRANTED && ours) result = PAM_SUCCESS;
	log_stage(pamh, &options, "setcred", &login, result);
	return result;
}

/* ---- session ---- */

/* sudo sets PAM_USER to whom it runs the command as before the session stage: what the account stage was about still holds. */
static void keep_earlier_login(pam_handle_t *pamh, struct ck_pam_login *login)
{
	const struct ck_pam_gate *gate = ck_pam_gate_kept(pamh);
	if (gate == NULL) return;
	memcpy(login->subject, gate->login.subject, sizeof login->subject);
	memcpy(login->account, gate->login.account, sizeof login->account);
	memcpy(login->service, gate->login.service, sizeof login->service);
}

/* LOCAL: no login of ours was granted here, and the name is the machine's. */
static enum ck_pam_outcome register_session(pam_handle_t *pamh, const struct ck_pam_options *options, bool begin)
{
	struct ck_pam_login login;
	struct ck_pam_gate *gate = NULL;
	uint8_t id[CK_LOGIN_ID_BYTES];
	int64_t deadline_ms = ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS;
	bool kept = login_id_kept(pamh, id);
	enum ck_pam_outcome outcome = ck_pam_login_describe(pamh, options, &login);
	if (!kept) return outcome == CK_PAM_GRANTED ? CK_PAM_REFUSED : outcome;
	keep_earlier_login(pamh, &login);
	if (login.account[0] == '\0') return CK_PAM_REFUSED;
	outcome = ck_pam_gate_open(pamh, options, &login, deadline_ms, &gate);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_gate_session(gate, begin, id, deadline_ms);
	return outcome;
}

static int session_stage(pam_handle_t *pamh, int argc, const char **argv, bool begin)
{
	int result = PAM_SESSION_ERR;
	struct ck_pam_options options;
	const struct ck_pam_login nobody = { .subject = "" };
	enum ck_pam_outcome outcome = ck_pam_options_read(pamh, argc, argv, &options);
	if (outcome == CK_PAM_GRANTED) outcome = register_session(pamh, &options, begin);
	if (outcome == CK_PAM_UNAVAILABLE) pam_syslog(pamh, LOG_ERR, "the daemon could not be told of the session");
	if (outcome == CK_PAM_MISCONFIGURED || outcome == CK_PAM_MEMORY || outcome == CK_PAM_CONVERSATION)
		result = code_of(outcome, result);
	if (outcome == CK_PAM_GRANTED || outcome == CK_PAM_LOCAL) result = PAM_SUCCESS; /* nothing to do for the machine's own */
	log_stage(pamh, &options, begin ? "open_session" : "close_session", &nobody, result);
	return result;
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return session_stage(pamh, argc, argv, true);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	return session_stage(pamh, argc, argv, false);
}

/* ---- passwords ---- */

/* Whether it can be done: the daemon is there, and so is the directory that keeps the password. */
static int preliminary(const struct ck_pam_talk *talk, struct ck_pam_gate *gate)
{
	int result = PAM_TRY_AGAIN;
	enum ck_pam_outcome outcome = ck_pam_password_ready(gate, ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS);
	explain(talk, outcome, gate);
	if (outcome == CK_PAM_MEMORY) result = PAM_BUF_ERR;
	if (outcome == CK_PAM_GRANTED) result = PAM_SUCCESS;
	return result;
}

static int refusal_of(enum ck_pam_outcome outcome, const struct ck_pam_gate *gate)
{
	switch (outcome) {
	case CK_PAM_CONVERSATION: return PAM_CONV_ERR;
	case CK_PAM_MEMORY: return PAM_BUF_ERR;
	case CK_PAM_REFUSED: return ck_pam_password_old_failed(gate) ? PAM_AUTHTOK_RECOVERY_ERR : PAM_AUTHTOK_ERR;
	default: return PAM_AUTHTOK_ERR;
	}
}

/* A login that waits for it goes on: its account is asked for again. */
static int update(const struct ck_pam_talk *talk, struct ck_pam_gate *gate, const struct ck_pam_options *options)
{
	int result = PAM_AUTHTOK_ERR;
	uint8_t id[CK_LOGIN_ID_BYTES];
	bool login_waits = gate->must_change;
	enum ck_pam_outcome outcome = ck_pam_password_change(talk, gate, ck_clock_monotonic_ms() + options->timeout_ms);
	if (outcome != CK_PAM_GRANTED) {
		explain(talk, outcome, gate);
		return refusal_of(outcome, gate);
	}
	if (login_waits) {
		outcome = ask_account(gate, id);
		if (outcome == CK_PAM_GRANTED) outcome = keep_login_id(talk->pamh, id);
		gate->entitled = outcome == CK_PAM_GRANTED;
		explain(talk, outcome, gate);
		if (outcome != CK_PAM_GRANTED) result = PAM_PERM_DENIED;
	}
	if (outcome == CK_PAM_GRANTED) result = PAM_SUCCESS;
	return result;
}

/* Of this process' own login the password is known to be good: where only expired ones are to be changed, there is nothing to do. */
static bool is_fresh(const struct ck_pam_gate *gate, int flags)
{
	return ((unsigned)flags & PAM_CHANGE_EXPIRED_AUTHTOK) != 0 && gate->entitled && !gate->must_change;
}

EXPORT int pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	int result = PAM_AUTHTOK_ERR;
	const struct ck_pam_talk talk = aloud(pamh);
	struct ck_pam_options options;
	struct ck_pam_login login = { .subject = "" };
	struct ck_pam_gate *gate = NULL;
	bool probe = ((unsigned)flags & PAM_PRELIM_CHECK) != 0;
	enum ck_pam_outcome outcome = ck_pam_options_read(pamh, argc, argv, &options);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_login_describe(pamh, &options, &login);
	if (outcome == CK_PAM_GRANTED)
		outcome = ck_pam_gate_open(pamh, &options, &login, ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS, &gate);
	if (gate == NULL) {
		explain(&talk, outcome, gate);
		result = outcome == CK_PAM_UNAVAILABLE ? (probe ? PAM_TRY_AGAIN : PAM_AUTHTOK_ERR) : code_of(outcome, result);
	} else if (is_fresh(gate, flags)) {
		result = PAM_SUCCESS;
	} else {
		result = probe ? preliminary(&talk, gate) : update(&talk, gate, &options);
	}
	log_stage(pamh, &options, probe ? "chauthtok, preliminary" : "chauthtok", &login, result);
	return result;
}
