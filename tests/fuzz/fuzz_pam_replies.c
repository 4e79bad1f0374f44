/* What the PAM module is told: by the gate (first byte even), in answer to the question that the second byte chooses, or by the token helper.
   Whatever comes, only a whole proper answer grants, and nothing is kept open. */
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "pam_module/pam_token.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

#define PATIENCE_MS 2000 /* the other end is closed: nothing is waited for */

static int converse(int count, const struct pam_message **messages, struct pam_response **out, void *context)
{
	(void)context;
	ck_faults_pass();
	struct pam_response *responses = calloc((size_t)count, sizeof *responses);
	for (int i = 0; responses != NULL && i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF) responses[i].resp = strdup("1234");
	ck_faults_back();
	*out = responses;
	return responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static pam_handle_t *the_handle(void)
{
	static const struct pam_conv conversation = { converse, NULL };
	static pam_handle_t *pamh;
	if (pamh == NULL && pam_start("ck-fuzz", "ann", &conversation, &pamh) != PAM_SUCCESS) abort();
	return pamh;
}

/* All of it has been said, and nobody is there any more. */
static int say(struct ck_bytes bytes)
{
	static int other = -1; /* stays open: what is sent to it must not end the conversation */
	int pair[2];
	ck_faults_pass();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
	(void)!send(pair[1], bytes.at, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(pair[1], SHUT_WR);
	if (other >= 0) close(other);
	other = pair[1];
	ck_faults_back();
	return pair[0];
}

static void check(enum ck_pam_outcome outcome)
{
	if ((int)outcome < CK_PAM_REFUSED || outcome > CK_PAM_MUST_CHANGE || outcome == CK_PAM_LOCAL) abort();
}

static void hear_helper(struct ck_bytes bytes, int64_t deadline_ms)
{
	static uint8_t none[1] = { 0x80 }; /* an empty array */
	const struct ck_pam_talk talk = { .pamh = the_handle() };
	struct ck_pam_challenge challenge = { .signed_length = 1, .rp_id = "portal.example", .allow = none, .allow_length = 1, .verify = true };
	struct ck_pam_token token;
	enum ck_pam_outcome outcome = ck_pam_token_assert(&talk, say(bytes), -1, &challenge, deadline_ms, &token);
	check(outcome);
	if (outcome == CK_PAM_GRANTED &&
	    (token.assertion.credential.length == 0 || token.assertion.auth_data.length == 0 || token.assertion.signature.length == 0))
		abort();
	ck_pam_token_close(&token);
}

static void ask(struct ck_pam_gate *gate, unsigned what, int64_t deadline_ms)
{
	static const uint8_t byte[1] = { 1 };
	const struct ck_pam_assertion assertion = { { byte, 1 }, { byte, 1 }, { byte, 1 } };
	const struct ck_secret password = { .length = 1, .bytes = { 'x' } };
	struct ck_pam_challenge challenge = { .signed_length = 1 };
	uint8_t login_id[CK_LOGIN_ID_BYTES] = { 0 };
	int fd = -1;
	switch (what) {
	case 0:
		check(ck_pam_gate_begin(gate, deadline_ms, &challenge));
		ck_pam_challenge_free(&challenge);
		break;
	case 1:
		if (ck_pam_gate_token(gate, deadline_ms, &fd) == CK_PAM_GRANTED) abort(); /* no descriptor comes */
		break;
	case 2: check(ck_pam_gate_assert(gate, &assertion, deadline_ms)); break;
	case 3: check(ck_pam_gate_account(gate, deadline_ms, login_id)); break;
	case 6: check(ck_pam_gate_password(gate, &password, deadline_ms)); break;
	case 7:
		check(ck_pam_gate_change_begin(gate, deadline_ms, &challenge));
		ck_pam_challenge_free(&challenge);
		break;
	case 8: check(ck_pam_gate_change(gate, &challenge, &assertion, &password, &password, deadline_ms)); break;
	default: check(ck_pam_gate_session(gate, what == 4, login_id, deadline_ms)); break;
	}
	if (strnlen(gate->message, sizeof gate->message) == sizeof gate->message || !ck_text_is_printable_utf8(ck_text_of(gate->message))) abort();
}

static void hear_gate(unsigned question, struct ck_bytes bytes, int64_t deadline_ms)
{
	static struct ck_pam_gate gate;
	struct stat st;
	gate = (struct ck_pam_gate){ .client = { .fd = -1, .passed_fd = -1 }, .owner = getpid(),
	                             .login = { .subject = "ann", .account = "ann", .service = "login" } };
	int fd = say(bytes);
	ck_faults_pass();
	if (fstat(fd, &st) != 0 || ck_client_adopt(&gate.client, fd) != CK_OK) abort();
	ck_faults_back();
	gate.device = st.st_dev;
	gate.inode = st.st_ino;
	ask(&gate, question % 9, deadline_ms);
	ck_client_close(&gate.client);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	if (size < 2) return;
	int64_t deadline_ms = ck_clock_monotonic_ms() + PATIENCE_MS;
	struct ck_bytes bytes = { data + 2, size - 2 };
	if (data[0] % 2 == 0) hear_gate(data[1], bytes, deadline_ms);
	else hear_helper(bytes, deadline_ms);
}
