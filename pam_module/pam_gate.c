/* Asks the gate. Believes it only as ck_client_connect does (where the socket lies, who listens), and takes nothing for an answer but one
   whole, well-formed reply to the request that was made: after anything else the connection is closed, so that no late reply can be
   taken for the answer to the next question. */
#include "pam_module/pam_gate.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "directory/base/clock.h"

#define DATA_NAME "crosskeys-gate"
#define NOTHING_TO_PROVE "No rule asks for your security key here, so nothing would show that it is you."
#define REQUEST_LIMIT_BYTES 1024
#define ASSERT_LIMIT_BYTES (1023 + CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + 64)
#define PASSWORD_LIMIT_BYTES (CK_SECRET_LIMIT_BYTES + 64)
#define PASSWORD_REPLY_MS 13000 /* the directory's turn, then the audit log's: the gate says so before */
#define CREDENTIAL_LIMIT_BYTES 1023 /* CTAP 2.1, 6.1.2 */

/* ---- keeping ---- */

static bool is_our_descriptor(const struct ck_pam_gate *gate)
{
	struct stat st;
	return gate->client.fd >= 0 && fstat(gate->client.fd, &st) == 0 && st.st_dev == gate->device && st.st_ino == gate->inode;
}

static void gate_close(struct ck_pam_gate *gate)
{
	if (!is_our_descriptor(gate)) gate->client.fd = -1; /* the number is somebody else's now */
	ck_client_close(&gate->client);
	gate->proved = false;
	gate->entitled = false;
	gate->must_change = false;
}

/* libpam calls it at pam_end, or when the data is replaced; in a forked child only that child's copy of the descriptor goes. */
static void gate_cleanup(pam_handle_t *pamh, void *data, int status)
{
	struct ck_pam_gate *gate = data;
	(void)pamh;
	(void)status;
	if (gate == NULL) return;
	gate_close(gate);
	free(gate);
}

struct ck_pam_gate *ck_pam_gate_kept(pam_handle_t *pamh)
{
	const void *data = NULL;
	if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS || data == NULL) return NULL;
	struct ck_pam_gate *gate = (struct ck_pam_gate *)(uintptr_t)data; /* ours: pam_get_data lends what pam_set_data was given */
	return gate->owner == getpid() ? gate : NULL;
}

/* Open, ours, and with nothing to read: a closed or talkative peer is no longer one to ask. */
static bool is_alive(const struct ck_pam_gate *gate)
{
	char byte;
	return is_our_descriptor(gate) && recv(gate->client.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

static bool is_same_login(const struct ck_pam_login *a, const struct ck_pam_login *b)
{
	return strcmp(a->subject, b->subject) == 0 && strcmp(a->account, b->account) == 0 && strcmp(a->service, b->service) == 0;
}

static enum ck_pam_outcome connect_gate(pam_handle_t *pamh, const char *path, struct ck_pam_gate *gate, int64_t deadline_ms)
{
	struct ck_errmsg err = { .text = "" };
	struct stat st;
	enum ck_error error = ck_client_connect(&gate->client, path, deadline_ms, &err);
	if (error == CK_OK && fstat(gate->client.fd, &st) != 0) error = ck_fail(&err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	if (error != CK_OK) {
		pam_syslog(pamh, LOG_ERR, "%s", err.text);
		return error == CK_ERR_MEMORY ? CK_PAM_MEMORY : CK_PAM_UNAVAILABLE;
	}
	gate->device = st.st_dev;
	gate->inode = st.st_ino;
	return CK_PAM_GRANTED;
}

enum ck_pam_outcome ck_pam_gate_open(pam_handle_t *pamh, const struct ck_pam_options *options, const struct ck_pam_login *login,
                                     int64_t deadline_ms, struct ck_pam_gate **out)
{
	struct ck_pam_gate *gate = ck_pam_gate_kept(pamh);
	*out = NULL;
	if (gate != NULL && is_same_login(&gate->login, login) && is_alive(gate)) {
		gate->login = *login; /* sshd learns the tty late */
		*out = gate;
		return CK_PAM_GRANTED;
	}
	gate = calloc(1, sizeof *gate);
	if (gate == NULL) return CK_PAM_MEMORY;
	gate->client.fd = gate->client.passed_fd = -1;
	gate->owner = getpid();
	gate->login = *login;
	enum ck_pam_outcome outcome = connect_gate(pamh, options->socket, gate, deadline_ms);
	if (outcome == CK_PAM_GRANTED && pam_set_data(pamh, DATA_NAME, gate, gate_cleanup) != PAM_SUCCESS) outcome = CK_PAM_MEMORY;
	if (outcome != CK_PAM_GRANTED) {
		gate_cleanup(pamh, gate, 0);
		return outcome;
	}
	*out = gate;
	return CK_PAM_GRANTED;
}

/* ---- asking ---- */

static void take_message(struct ck_pam_gate *gate, const struct ck_map *reply)
{
	struct ck_text text;
	gate->message[0] = '\0';
	if (ck_map_string(reply, CK_F_REASON, gate->reason, sizeof gate->reason) != CK_OK) gate->reason[0] = '\0';
	if (ck_map_text(reply, CK_F_MESSAGE, CK_PAM_MESSAGE_LIMIT_BYTES, &text) != CK_OK || !ck_text_is_printable_utf8(text)) return;
	if (ck_text_copy(gate->message, sizeof gate->message, text) != CK_OK) gate->message[0] = '\0';
}

static int64_t step_deadline(int64_t deadline_ms, int64_t limit_ms)
{
	int64_t step_ms = ck_clock_monotonic_ms() + limit_ms;
	return step_ms < deadline_ms ? step_ms : deadline_ms;
}

/* GRANTED: a proper reply came; its TYPE is in *out_answer, its fields in *out_reply until the next request. */
static enum ck_pam_outcome ask_within(struct ck_pam_gate *gate, struct ck_frame_out *frame, int64_t until_ms, uint64_t *out_answer,
                                      struct ck_map *out_reply)
{
	size_t length = 0;
	gate->message[0] = gate->reason[0] = '\0';
	enum ck_error error = ck_frame_end(frame, &length);
	if (error == CK_OK) error = ck_client_call(&gate->client, frame->w.start, length, out_reply, until_ms);
	if (error == CK_OK) error = ck_map_uint(out_reply, CK_F_TYPE, CK_ANSWER_GRANTED, CK_ANSWER_LAST, out_answer);
	if (error == CK_OK && gate->client.length != gate->client.used) error = CK_ERR_INVALID; /* one answer to one question */
	if (error == CK_OK) {
		take_message(gate, out_reply);
		return CK_PAM_GRANTED;
	}
	gate_close(gate);
	return error == CK_ERR_MEMORY ? CK_PAM_MEMORY : CK_PAM_UNAVAILABLE;
}

static enum ck_pam_outcome ask(struct ck_pam_gate *gate, struct ck_frame_out *frame, int64_t deadline_ms, uint64_t *out_answer,
                               struct ck_map *out_reply)
{
	return ask_within(gate, frame, step_deadline(deadline_ms, CK_CLIENT_REPLY_TIMEOUT_MS), out_answer, out_reply);
}

/* A reply that lacks what it must have: neither it nor what follows is believed. */
static enum ck_pam_outcome malformed(struct ck_pam_gate *gate)
{
	gate_close(gate);
	return CK_PAM_UNAVAILABLE;
}

static enum ck_pam_outcome outcome_of(struct ck_pam_gate *gate, uint64_t answer)
{
	switch (answer) {
	case CK_ANSWER_GRANTED: return CK_PAM_GRANTED;
	case CK_ANSWER_DENIED: return CK_PAM_REFUSED;
	case CK_ANSWER_UNAVAILABLE:
	case CK_ANSWER_ERROR: return CK_PAM_UNAVAILABLE;
	default: return malformed(gate); /* need-token where no key was asked for, need-password where none is */
	}
}

static void put_login(struct ck_frame_out *frame, const struct ck_pam_login *login, enum ck_op op)
{
	ck_field_uint(&frame->map, CK_F_TYPE, op);
	if (op != CK_OP_SESSION_OPEN) ck_field_string(&frame->map, CK_F_USER, login->subject);
	ck_field_string(&frame->map, CK_F_ACCOUNT, login->account);
	ck_field_string(&frame->map, CK_F_SERVICE, login->service);
	if (login->tty[0] != '\0') ck_field_string(&frame->map, CK_F_TTY, login->tty);
	if (login->remote_host[0] != '\0') ck_field_string(&frame->map, CK_F_REMOTE_HOST, login->remote_host);
}

void ck_pam_challenge_free(struct ck_pam_challenge *challenge)
{
	free(challenge->allow);
	challenge->allow = NULL;
}

/* What the key is to sign is made here, of what was asked for: were it the gate's to say, a taken gate could have a change signed in place of
   a login. */
static enum ck_error make_login(struct ck_text system, int64_t time_s, const struct ck_pam_login *login, struct ck_pam_challenge *out)
{
	struct ck_login_statement statement = { .system = system, .user = ck_text_of(login->subject), .account = ck_text_of(login->account),
		                                .service = ck_text_of(login->service), .tty = ck_text_of(login->tty),
		                                .remote_host = ck_text_of(login->remote_host), .time_s = time_s };
	size_t length = 0;
	memcpy(statement.nonce, out->nonce, sizeof statement.nonce);
	memcpy(out->signed_bytes, CK_TAG_LOGIN, sizeof CK_TAG_LOGIN);
	enum ck_error error = ck_login_statement_encode(&statement, out->signed_bytes + sizeof CK_TAG_LOGIN, CK_LOGIN_STATEMENT_LIMIT_BYTES, &length);
	out->signed_length = sizeof CK_TAG_LOGIN + length;
	return error;
}

static enum ck_error make_change(struct ck_text system, int64_t time_s, const struct ck_pam_login *login, struct ck_pam_challenge *out)
{
	struct ck_person_statement statement = { .system = system, .user = ck_text_of(login->subject), .time_s = time_s };
	size_t length = 0;
	memcpy(statement.nonce, out->nonce, sizeof statement.nonce);
	memcpy(out->signed_bytes, CK_TAG_PASSWORD, sizeof CK_TAG_PASSWORD);
	enum ck_error error = ck_person_statement_encode(&statement, out->signed_bytes + sizeof CK_TAG_PASSWORD, CK_LOGIN_STATEMENT_LIMIT_BYTES, &length);
	out->signed_length = sizeof CK_TAG_PASSWORD + length;
	return error;
}
_Static_assert(sizeof CK_TAG_LOGIN <= sizeof CK_TAG_PASSWORD, "there is room for either");

static enum ck_error make_statement(const struct ck_map *reply, const struct ck_pam_login *login, bool change, struct ck_pam_challenge *out)
{
	struct ck_text system;
	int64_t time_s;
	enum ck_error error = ck_map_text(reply, CK_F_SYSTEM, CK_SYSTEM_LIMIT_BYTES, &system);
	if (error == CK_OK) error = ck_map_fixed(reply, CK_F_NONCE, out->nonce, sizeof out->nonce);
	if (error == CK_OK) error = ck_map_int(reply, CK_F_TIME, &time_s);
	if (error != CK_OK) return error;
	return change ? make_change(system, time_s, login, out) : make_login(system, time_s, login, out);
}

/* Copied: the reply's bytes live only until the next request. */
static enum ck_error take_challenge(const struct ck_map *reply, const struct ck_pam_login *login, bool change, struct ck_pam_challenge *out)
{
	struct ck_items items;
	struct ck_item id;
	enum ck_error error = make_statement(reply, login, change, out);
	if (error == CK_OK) error = ck_map_string(reply, CK_F_RP_ID, out->rp_id, sizeof out->rp_id);
	if (error == CK_OK) error = ck_map_bool(reply, CK_F_VERIFY, &out->verify);
	if (error == CK_OK && !change) error = ck_map_bool(reply, CK_F_LOCAL, &out->local);
	if (error == CK_OK) error = ck_map_array(reply, CK_F_ALLOW, CK_ALLOW_LIMIT, &items);
	if (error != CK_OK) return error;
	while (ck_items_next(&items, &id))
		if (id.type != CK_CBOR_BYTES || id.span.length == 0 || id.span.length > CREDENTIAL_LIMIT_BYTES) return CK_ERR_INVALID;
	const struct ck_bytes encoded = reply->at[CK_F_ALLOW].encoded;
	out->allow = malloc(encoded.length);
	if (out->allow == NULL) return CK_ERR_MEMORY;
	memcpy(out->allow, encoded.at, encoded.length);
	out->allow_length = encoded.length;
	return CK_OK;
}

static enum ck_pam_outcome take_prompt(struct ck_pam_gate *gate, const struct ck_map *reply, uint64_t answer, bool change,
                                       struct ck_pam_challenge *out)
{
	if (answer != CK_ANSWER_NEED_TOKEN) return outcome_of(gate, answer);
	enum ck_error error = take_challenge(reply, &gate->login, change, out);
	if (error == CK_OK) return CK_PAM_GRANTED;
	return error == CK_ERR_MEMORY ? CK_PAM_MEMORY : malformed(gate);
}

/* Asks what to sign, for a login or for a change of the password. */
static enum ck_pam_outcome ask_prompt(struct ck_pam_gate *gate, bool change, int64_t deadline_ms, struct ck_pam_challenge *out)
{
	uint8_t bytes[REQUEST_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	memset(out, 0, sizeof *out);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	if (change) {
		ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_PASSWORD_BEGIN);
		ck_field_string(&frame.map, CK_F_AS, gate->login.subject);
	} else {
		put_login(&frame, &gate->login, CK_OP_LOGIN_BEGIN);
	}
	enum ck_pam_outcome outcome = ask(gate, &frame, deadline_ms, &answer, &reply);
	if (outcome != CK_PAM_GRANTED) return outcome;
	if (answer == CK_ANSWER_GRANTED && change) return malformed(gate);
	if (answer == CK_ANSWER_GRANTED) {
		(void)snprintf(gate->message, sizeof gate->message, "%s", NOTHING_TO_PROVE);
		return CK_PAM_REFUSED;
	}
	return take_prompt(gate, &reply, answer, change, out);
}

enum ck_pam_outcome ck_pam_gate_begin(struct ck_pam_gate *gate, int64_t deadline_ms, struct ck_pam_challenge *out)
{
	return ask_prompt(gate, false, deadline_ms, out);
}

enum ck_pam_outcome ck_pam_gate_change_begin(struct ck_pam_gate *gate, int64_t deadline_ms, struct ck_pam_challenge *out)
{
	return ask_prompt(gate, true, deadline_ms, out);
}

enum ck_pam_outcome ck_pam_gate_token(struct ck_pam_gate *gate, int64_t deadline_ms, int *out_fd)
{
	uint8_t bytes[REQUEST_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	*out_fd = -1;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_LOGIN_TOKEN);
	enum ck_pam_outcome outcome = ask(gate, &frame, deadline_ms, &answer, &reply);
	if (outcome == CK_PAM_GRANTED) outcome = outcome_of(gate, answer);
	if (outcome != CK_PAM_GRANTED) return outcome;
	if (gate->client.passed_fd < 0) return malformed(gate);
	*out_fd = gate->client.passed_fd;
	gate->client.passed_fd = -1;
	return CK_PAM_GRANTED;
}

static void put_assertion(struct ck_frame_out *frame, const struct ck_pam_assertion *assertion)
{
	ck_field_bytes(&frame->map, CK_F_CREDENTIAL, assertion->credential.at, assertion->credential.length);
	ck_field_bytes(&frame->map, CK_F_AUTH_DATA, assertion->auth_data.at, assertion->auth_data.length);
	ck_field_bytes(&frame->map, CK_F_SIGNATURE, assertion->signature.at, assertion->signature.length);
}

enum ck_pam_outcome ck_pam_gate_assert(struct ck_pam_gate *gate, const struct ck_pam_assertion *assertion, int64_t deadline_ms)
{
	uint8_t bytes[ASSERT_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_LOGIN_ASSERT);
	put_assertion(&frame, assertion);
	enum ck_pam_outcome outcome = ask(gate, &frame, deadline_ms, &answer, &reply);
	if (outcome == CK_PAM_GRANTED && answer == CK_ANSWER_NEED_PASSWORD) return CK_PAM_WANTS_PASSWORD;
	return outcome == CK_PAM_GRANTED ? outcome_of(gate, answer) : outcome;
}

enum ck_pam_outcome ck_pam_gate_password(struct ck_pam_gate *gate, const struct ck_secret *password, int64_t deadline_ms)
{
	uint8_t bytes[PASSWORD_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_LOGIN_PASSWORD);
	ck_field_bytes(&frame.map, CK_F_PASSWORD, password->bytes, password->length);
	enum ck_pam_outcome outcome = ask_within(gate, &frame, step_deadline(deadline_ms, PASSWORD_REPLY_MS), &answer, &reply);
	ck_wipe(bytes, sizeof bytes);
	return outcome == CK_PAM_GRANTED ? outcome_of(gate, answer) : outcome;
}

/* Once it is sent it may be done: its answer is waited for, whatever the stage's own deadline. */
enum ck_pam_outcome ck_pam_gate_change(struct ck_pam_gate *gate, const struct ck_pam_challenge *challenge, const struct ck_pam_assertion *assertion,
                                       const struct ck_secret *old, const struct ck_secret *wanted, int64_t deadline_ms)
{
	uint8_t bytes[ASSERT_LIMIT_BYTES + 2 * PASSWORD_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	if (ck_clock_monotonic_ms() >= deadline_ms) return CK_PAM_REFUSED;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_PASSWORD_CHANGE);
	put_assertion(&frame, assertion);
	ck_field_bytes(&frame.map, CK_F_NONCE, challenge->nonce, sizeof challenge->nonce);
	ck_field_bytes(&frame.map, CK_F_PASSWORD, old->bytes, old->length);
	ck_field_bytes(&frame.map, CK_F_NEW_PASSWORD, wanted->bytes, wanted->length);
	enum ck_pam_outcome outcome = ask_within(gate, &frame, ck_clock_monotonic_ms() + PASSWORD_REPLY_MS, &answer, &reply);
	ck_wipe(bytes, sizeof bytes);
	return outcome == CK_PAM_GRANTED ? outcome_of(gate, answer) : outcome;
}

enum ck_pam_outcome ck_pam_gate_account(struct ck_pam_gate *gate, int64_t deadline_ms, uint8_t out_login_id[CK_LOGIN_ID_BYTES])
{
	uint8_t bytes[REQUEST_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	gate->entitled = false;
	gate->must_change = false;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	put_login(&frame, &gate->login, CK_OP_ACCOUNT);
	enum ck_pam_outcome outcome = ask(gate, &frame, deadline_ms, &answer, &reply);
	gate->must_change = outcome == CK_PAM_GRANTED && answer == CK_ANSWER_NEED_PASSWORD;
	if (gate->must_change) return CK_PAM_MUST_CHANGE;
	if (outcome == CK_PAM_GRANTED) outcome = outcome_of(gate, answer);
	if (outcome != CK_PAM_GRANTED) return outcome;
	if (ck_map_fixed(&reply, CK_F_LOGIN_ID, out_login_id, CK_LOGIN_ID_BYTES) != CK_OK) return malformed(gate);
	return CK_PAM_GRANTED;
}

enum ck_pam_outcome ck_pam_gate_session(struct ck_pam_gate *gate, bool begin, const uint8_t login_id[CK_LOGIN_ID_BYTES],
                                        int64_t deadline_ms)
{
	uint8_t bytes[REQUEST_LIMIT_BYTES];
	struct ck_frame_out frame;
	struct ck_map reply;
	uint64_t answer = 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	if (begin) {
		put_login(&frame, &gate->login, CK_OP_SESSION_OPEN);
	} else {
		ck_field_uint(&frame.map, CK_F_TYPE, CK_OP_SESSION_CLOSE);
	}
	ck_field_bytes(&frame.map, CK_F_LOGIN_ID, login_id, CK_LOGIN_ID_BYTES);
	enum ck_pam_outcome outcome = ask(gate, &frame, deadline_ms, &answer, &reply);
	return outcome == CK_PAM_GRANTED ? outcome_of(gate, answer) : outcome;
}
