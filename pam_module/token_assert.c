/* The assertion: with the one key and the one credential that were found. What comes out is verified by whoever asked. */
#include "pam_module/token_internal.h"

#define CBOR_BYTES_SHORT 0x40 /* authenticator data comes wrapped in a CBOR byte string */

/* Takes the byte string's head off. */
static struct ck_bytes unwrap(const uint8_t *bytes, size_t length)
{
	struct ck_reader r;
	ck_reader_init(&r, bytes, length);
	uint8_t head = ck_get_u8(&r);
	size_t content = 0;
	if (head >= CBOR_BYTES_SHORT && head < CBOR_BYTES_SHORT + 24) content = head - CBOR_BYTES_SHORT;
	else if (head == CBOR_BYTES_SHORT + 24) content = ck_get_u8(&r);
	else if (head == CBOR_BYTES_SHORT + 25) content = ck_get_u16be(&r);
	struct ck_bytes inner = {ck_get_bytes(&r, content), content};
	return ck_reader_done(&r) ? inner : (struct ck_bytes){NULL, 0};
}

static enum ck_token_outcome send_asserted(const struct ck_token *token, const fido_assert_t *assertion, struct ck_bytes asked)
{
	struct ck_frame_out frame;
	uint8_t bytes[CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + CK_TOKEN_CREDENTIAL_ID_LIMIT_BYTES + 256];
	size_t length;
	struct ck_bytes id = {fido_assert_id_ptr(assertion, 0), fido_assert_id_len(assertion, 0)};
	struct ck_bytes data = unwrap(fido_assert_authdata_ptr(assertion, 0), fido_assert_authdata_len(assertion, 0));
	if (fido_assert_count(assertion) != 1 || data.length == 0) return CK_TOKEN_DEVICE_ERROR;
	if (id.length == 0) id = asked; /* a key may leave it out when it was asked for one (CTAP 2.0, 5.2) */
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_ASSERTED);
	ck_field_bytes(&frame.map, CK_F_CREDENTIAL, id.at, id.length);
	ck_field_bytes(&frame.map, CK_F_AUTH_DATA, data.at, data.length);
	ck_field_bytes(&frame.map, CK_F_SIGNATURE, fido_assert_sig_ptr(assertion, 0), fido_assert_sig_len(assertion, 0));
	if (ck_frame_end(&frame, &length) != CK_OK) return CK_TOKEN_DEVICE_ERROR;
	return ck_token_send(token, bytes, length);
}

static int set_client_data(const struct ck_token *token, fido_assert_t *assertion)
{
	if (token->signed_bytes.at != NULL) return fido_assert_set_clientdata(assertion, token->signed_bytes.at, token->signed_bytes.length);
	return fido_assert_set_clientdata_hash(assertion, token->challenge, sizeof token->challenge);
}

static enum ck_token_outcome assert_once(struct ck_token *token, fido_dev_t *device, struct ck_bytes id, bool builtin)
{
	enum ck_token_outcome outcome = CK_TOKEN_DEVICE_ERROR;
	int fido = FIDO_ERR_INTERNAL;
	const char *pin = token->memory->pin[0] != '\0' ? token->memory->pin : NULL;
	struct ck_token_watch *watch = NULL;
	bool gone = false;
	fido_assert_t *assertion = fido_assert_new();
	if (assertion == NULL) return outcome;
	ck_token_say(token, "touch-now", builtin ? "Verify yourself on your security key now" : "Touch your security key now");
	watch = ck_token_watch_begin(token, device);
	if (watch == NULL) goto out;
	ck_token_set_timeout(token, device, true);
	if ((fido = fido_assert_set_rp(assertion, token->rp_id)) == FIDO_OK
	    && (fido = set_client_data(token, assertion)) == FIDO_OK
	    && (fido = fido_assert_set_up(assertion, FIDO_OPT_TRUE)) == FIDO_OK
	    && (fido = fido_assert_set_uv(assertion, builtin ? FIDO_OPT_TRUE : FIDO_OPT_OMIT)) == FIDO_OK
	    && (fido = fido_assert_allow_cred(assertion, id.at, id.length)) == FIDO_OK)
		fido = fido_dev_get_assert(device, assertion, pin);
	gone = ck_token_watch_end(watch);
	outcome = gone ? CK_TOKEN_CANCELLED : ck_token_outcome_of(token, fido);
	if (outcome == CK_TOKEN_TIMEOUT) (void)fido_dev_cancel(device); /* it stops blinking */
	if (outcome == CK_TOKEN_DEVICE_ERROR && builtin && (fido == FIDO_ERR_UV_BLOCKED || fido == FIDO_ERR_UV_INVALID))
		outcome = CK_TOKEN_PIN_DEMANDED;
	if (outcome == CK_TOKEN_OK) outcome = send_asserted(token, assertion, id);
out:
	fido_assert_free(&assertion);
	return outcome;
}

enum ck_token_outcome ck_token_assert_with(struct ck_token *token, const struct ck_token_key *key)
{
	bool builtin = false;
	size_t which = 0;
	while (which < token->allow_count && !key->holds[which]) which++;
	if (which == token->allow_count) return CK_TOKEN_WRONG_KEY;
	enum ck_token_outcome outcome = ck_token_verify_user(token, key->device, &builtin);
	if (outcome == CK_TOKEN_OK) outcome = assert_once(token, key->device, token->allow[which], builtin);
	if (outcome != CK_TOKEN_PIN_DEMANDED || token->memory->pin[0] != '\0') return outcome;
	if (!fido_dev_has_pin(key->device)) return CK_TOKEN_PIN_NOT_SET;
	outcome = ck_token_ask_pin(token, key->device);
	if (outcome == CK_TOKEN_OK) outcome = assert_once(token, key->device, token->allow[which], false);
	return outcome;
}
