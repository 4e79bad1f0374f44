/* The PIN: asked only for the key that serves, checked with it before the touch is asked for, kept in locked memory, wiped by the caller's
   end. Trusts the key to count the tries. */
#include "pam_module/token_internal.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define PIN_MIN_BYTES 4 /* CTAP 2.1, 6.5.1 */
#define FEW_TRIES 3     /* said when so few are left at the first question */
#define ASKED_LIMIT 16  /* a client that only sends what is no PIN */

static enum ck_token_outcome send_pin_wanted(const struct ck_token *token, int tries, const char *message)
{
	struct ck_frame_out frame;
	uint8_t bytes[256];
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN_WANTED);
	ck_field_string(&frame.map, CK_F_MESSAGE, message);
	ck_field_uint(&frame.map, CK_F_COUNT, (uint64_t)tries);
	if (ck_frame_end(&frame, &length) != CK_OK) return CK_TOKEN_DEVICE_ERROR;
	return ck_token_send(token, bytes, length);
}

/* The answer into memory->pin; "" when what came has not the length of a PIN. */
static enum ck_token_outcome receive_pin(struct ck_token *token)
{
	struct ck_map map;
	struct ck_token_memory *memory = token->memory;
	enum ck_token_outcome outcome = ck_token_receive(token, memory->answer, sizeof memory->answer, token->deadline_ms, &map);
	memory->pin[0] = '\0';
	if (outcome != CK_TOKEN_OK) goto out;
	outcome = CK_TOKEN_GARBAGE;
	uint64_t type;
	if (ck_map_expect(&map, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_CODE), 0) != CK_OK
	    || ck_map_uint(&map, CK_F_TYPE, CK_TOKEN_PIN, CK_TOKEN_PIN, &type) != CK_OK)
		goto out;
	const struct ck_item *item = &map.at[CK_F_CODE];
	if (item->type != CK_CBOR_TEXT && item->type != CK_CBOR_BYTES) goto out;
	if (item->span.length > CK_PIN_LIMIT_BYTES || memchr(item->span.at, 0, item->span.length) != NULL) goto out;
	outcome = CK_TOKEN_OK;
	if (item->span.length < PIN_MIN_BYTES) goto out;
	memcpy(memory->pin, item->span.at, item->span.length);
	memory->pin[item->span.length] = '\0';
out:
	ck_wipe(memory->answer, sizeof memory->answer);
	ck_wipe(&map, sizeof map);
	return outcome;
}

/* Without a touch: whether there is such a credential does not matter, the PIN is looked at first. */
static enum ck_token_outcome check_pin(const struct ck_token *token, fido_dev_t *device)
{
	static const uint8_t no_challenge[32], no_credential[16];
	int fido = FIDO_ERR_INTERNAL;
	fido_assert_t *assertion = fido_assert_new();
	struct ck_token_watch *watch = ck_token_watch_begin(token, device);
	bool gone = false;
	if (assertion == NULL || watch == NULL) goto out;
	ck_token_set_timeout(token, device, false);
	if ((fido = fido_assert_set_rp(assertion, token->rp_id)) == FIDO_OK
	    && (fido = fido_assert_set_clientdata_hash(assertion, no_challenge, sizeof no_challenge)) == FIDO_OK
	    && (fido = fido_assert_set_up(assertion, FIDO_OPT_FALSE)) == FIDO_OK
	    && (fido = fido_assert_allow_cred(assertion, no_credential, sizeof no_credential)) == FIDO_OK)
		fido = fido_dev_get_assert(device, assertion, token->memory->pin);
out:
	if (watch != NULL) gone = ck_token_watch_end(watch);
	fido_assert_free(&assertion);
	if (gone) return CK_TOKEN_CANCELLED;
	if (fido == FIDO_ERR_NO_CREDENTIALS || fido == FIDO_ERR_INVALID_CREDENTIAL) return CK_TOKEN_OK;
	return ck_token_outcome_of(token, fido);
}

enum ck_token_outcome ck_token_ask_pin(struct ck_token *token, fido_dev_t *device)
{
	char message[80];
	bool first = true;
	for (int asked = 0; asked < ASKED_LIMIT; asked++) {
		int tries = 0;
		ck_token_set_timeout(token, device, false);
		int fido = fido_dev_get_retry_count(device, &tries);
		if (fido != FIDO_OK) return ck_token_outcome_of(token, fido);
		if (tries <= 0) return CK_TOKEN_PIN_BLOCKED;
		snprintf(message, sizeof message, "Only %d PIN %s left", tries, tries == 1 ? "try is" : "tries are");
		enum ck_token_outcome outcome = send_pin_wanted(token, tries, first && tries <= FEW_TRIES ? message : NULL);
		if (outcome == CK_TOKEN_OK) outcome = receive_pin(token);
		if (outcome != CK_TOKEN_OK) return outcome;
		first = false;
		if (token->memory->pin[0] == '\0') {
			ck_token_say(token, "pin-wrong", "That is no PIN: it has at least 4 characters");
			continue;
		}
		outcome = check_pin(token, device);
		if (outcome != CK_TOKEN_PIN_WRONG) return outcome;
		ck_wipe(token->memory->pin, sizeof token->memory->pin);
		if (fido_dev_get_retry_count(device, &tries) != FIDO_OK) return CK_TOKEN_DEVICE_ERROR;
		snprintf(message, sizeof message, "PIN wrong, %d %s left", tries, tries == 1 ? "try" : "tries");
		ck_token_say(token, "pin-wrong", message);
	}
	return CK_TOKEN_GARBAGE;
}

enum ck_token_outcome ck_token_verify_user(struct ck_token *token, fido_dev_t *device, bool *out_builtin)
{
	*out_builtin = false;
	if (!token->verify) return CK_TOKEN_OK;
	if (!fido_dev_is_fido2(device)) return CK_TOKEN_PIN_NOT_SET;
	if (fido_dev_has_uv(device)) {
		*out_builtin = true;
		return CK_TOKEN_OK;
	}
	if (fido_dev_has_pin(device)) return ck_token_ask_pin(token, device);
	return CK_TOKEN_PIN_NOT_SET;
}
