/* The helper is not believed: the gate verifies what it brings. It does get the PIN, so its socket must be one that root made. */
#include "pam_module/pam_token.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "directory/base/clock.h"

#define PIN_PROMPT "PIN for your security key: "
#define PIN_NOT_ONE "That is no PIN: a PIN has 4 to 63 bytes."
#define TOO_LATE "That took too long; begin again."
#define PIN_MIN_BYTES 4         /* CTAP 2.1, 6.5.1 */
#define PINS_LIMIT 8            /* CTAP 2.1, 6.5.2.2: a key locks itself after eight */
#define MESSAGES_LIMIT 256      /* a helper that says more in one login is broken */
#define HELPER_MARGIN_MS 1000   /* the helper gives up first, says why, and leaves time for the gate to verify */
#define ASSERT_OVERHEAD_BYTES (512 + sizeof(((struct ck_pam_challenge *)0)->signed_bytes))

static enum ck_pam_outcome outcome_of_error(enum ck_error error)
{
	switch (error) {
	case CK_OK: return CK_PAM_GRANTED;
	case CK_ERR_MEMORY: return CK_PAM_MEMORY;
	default: return CK_PAM_UNAVAILABLE;
	}
}

static enum ck_pam_outcome send_challenge(struct ck_client *client, const struct ck_pam_challenge *challenge, int64_t deadline_ms)
{
	struct ck_frame_out frame;
	size_t length = 0, limit_bytes = challenge->allow_length + ASSERT_OVERHEAD_BYTES;
	int64_t wait_ms = deadline_ms - ck_clock_monotonic_ms() - HELPER_MARGIN_MS;
	uint8_t *bytes = malloc(limit_bytes);
	if (bytes == NULL) return CK_PAM_MEMORY;
	ck_frame_begin(&frame, bytes, limit_bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_ASSERT);
	ck_field_string(&frame.map, CK_F_RP_ID, challenge->rp_id);
	ck_field_key(&frame.map, CK_F_ALLOW);
	ck_put_bytes(&frame.w, challenge->allow, challenge->allow_length);
	ck_field_bool(&frame.map, CK_F_VERIFY, challenge->verify);
	ck_field_uint(&frame.map, CK_F_TIME, wait_ms > 0 ? (uint64_t)wait_ms : 0);
	ck_field_bytes(&frame.map, CK_F_BODY, challenge->signed_bytes, challenge->signed_length);
	enum ck_error error = ck_frame_end(&frame, &length);
	if (error == CK_OK) error = ck_client_send(client, bytes, length, -1, deadline_ms);
	free(bytes);
	return outcome_of_error(error);
}

/* A message that cannot be shown safely is not shown. */
static void copy_message(const struct ck_map *message, char out[CK_PAM_MESSAGE_LIMIT_BYTES + 1])
{
	struct ck_text text;
	out[0] = '\0';
	if (ck_map_text(message, CK_F_MESSAGE, CK_PAM_MESSAGE_LIMIT_BYTES, &text) != CK_OK || !ck_text_is_printable_utf8(text)) return;
	if (ck_text_copy(out, CK_PAM_MESSAGE_LIMIT_BYTES + 1, text) != CK_OK) out[0] = '\0';
}

static enum ck_pam_outcome send_pin(struct ck_client *client, const struct ck_secret *pin, int64_t deadline_ms)
{
	uint8_t bytes[CK_PIN_LIMIT_BYTES + 32];
	struct ck_frame_out frame;
	size_t length = 0;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN);
	ck_field_text(&frame.map, CK_F_CODE, (struct ck_text){ (const char *)pin->bytes, pin->length });
	enum ck_error error = ck_frame_end(&frame, &length);
	if (error == CK_OK) error = ck_client_send(client, bytes, length, -1, deadline_ms);
	ck_wipe(bytes, sizeof bytes);
	return outcome_of_error(error);
}

static enum ck_pam_outcome answer_pin(const struct ck_pam_talk *talk, struct ck_client *client, const char *text, int64_t deadline_ms)
{
	struct ck_secret pin = { .length = 0 };
	enum ck_pam_outcome outcome = ck_pam_talk_info(talk, text);
	if (outcome == CK_PAM_GRANTED) outcome = ck_pam_talk_ask_secret(talk, PIN_PROMPT, &pin);
	if (outcome != CK_PAM_GRANTED) goto out;
	outcome = CK_PAM_REFUSED;
	if (ck_clock_monotonic_ms() >= deadline_ms) {
		(void)ck_pam_talk_error(talk, TOO_LATE);
	} else if (pin.length < PIN_MIN_BYTES || pin.length > CK_PIN_LIMIT_BYTES ||
	           !ck_text_is_utf8((struct ck_text){ (const char *)pin.bytes, pin.length })) {
		(void)ck_pam_talk_error(talk, PIN_NOT_ONE);
	} else {
		outcome = send_pin(client, &pin, deadline_ms);
	}
out:
	ck_secret_wipe(&pin);
	return outcome;
}

static enum ck_pam_outcome take_assertion(const struct ck_map *message, struct ck_pam_token *out)
{
	enum ck_error error = ck_map_bytes(message, CK_F_CREDENTIAL, 1, 1023, &out->assertion.credential);
	if (error == CK_OK) error = ck_map_bytes(message, CK_F_AUTH_DATA, 1, CK_AUTH_DATA_LIMIT_BYTES, &out->assertion.auth_data);
	if (error == CK_OK) error = ck_map_bytes(message, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &out->assertion.signature);
	return outcome_of_error(error);
}

/* GRANTED with *out_done false: go on listening. */
static enum ck_pam_outcome handle(const struct ck_pam_talk *talk, struct ck_pam_token *token, const struct ck_map *message,
                                  unsigned *pins_left, int64_t deadline_ms, bool *out_done)
{
	uint64_t type = 0;
	char text[CK_PAM_MESSAGE_LIMIT_BYTES + 1];
	if (ck_map_uint(message, CK_F_TYPE, CK_TOKEN_SAY, CK_TOKEN_FAILED, &type) != CK_OK) return CK_PAM_UNAVAILABLE;
	copy_message(message, text);
	switch (type) {
	case CK_TOKEN_SAY: return ck_pam_talk_info(talk, text);
	case CK_TOKEN_PIN_WANTED:
		if ((*pins_left)-- == 0) return CK_PAM_UNAVAILABLE;
		return answer_pin(talk, &token->client, text, deadline_ms);
	case CK_TOKEN_ASSERTED:
		*out_done = true;
		return take_assertion(message, token);
	case CK_TOKEN_FAILED:
		(void)ck_pam_talk_error(talk, text);
		return CK_PAM_REFUSED;
	default: return CK_PAM_UNAVAILABLE;
	}
}

enum ck_pam_outcome ck_pam_token_assert(const struct ck_pam_talk *talk, int helper_fd, int gate_fd,
                                        const struct ck_pam_challenge *challenge, int64_t deadline_ms, struct ck_pam_token *out)
{
	struct ck_map message;
	unsigned pins_left = PINS_LIMIT;
	bool done = false;
	memset(out, 0, sizeof *out);
	out->client.fd = out->client.passed_fd = -1;
	if (!ck_client_is_roots_pair(helper_fd)) {
		pam_syslog(talk->pamh, LOG_ALERT, "the token helper's socket is not one that root made: no PIN is asked for");
		close(helper_fd);
		return CK_PAM_UNAVAILABLE;
	}
	if (ck_client_adopt(&out->client, helper_fd) != CK_OK) {
		close(helper_fd);
		return CK_PAM_UNAVAILABLE;
	}
	enum ck_pam_outcome outcome = send_challenge(&out->client, challenge, deadline_ms);
	for (unsigned i = 0; outcome == CK_PAM_GRANTED && !done; i++) {
		if (i == MESSAGES_LIMIT) return CK_PAM_UNAVAILABLE;
		outcome = outcome_of_error(ck_client_receive(&out->client, &message, deadline_ms, gate_fd));
		if (outcome == CK_PAM_GRANTED) outcome = handle(talk, out, &message, &pins_left, deadline_ms, &done);
	}
	return outcome;
}

void ck_pam_token_close(struct ck_pam_token *token)
{
	ck_client_close(&token->client);
	memset(token, 0, sizeof *token);
	token->client.fd = token->client.passed_fd = -1;
}
