/* Assertions: the silent question whether a key holds a credential, the check of a PIN, the signature itself, and handing it over. What
   comes out is verified by whoever asked. */
#include "pam_module/token_device.h"

#define CBOR_BYTES_SHORT 0x40 /* authenticator data comes wrapped in a CBOR byte string */

/* A challenge that is good for nothing. */
static int ask_silently(struct ck_token_device *device, struct ck_bytes id, const char *pin)
{
	static const uint8_t no_challenge[32];
	int fido = FIDO_ERR_INTERNAL;
	fido_assert_t *assertion = fido_assert_new();
	if (assertion == NULL) return fido;
	if ((fido = fido_assert_set_rp(assertion, device->board->token->rp_id)) == FIDO_OK
	    && (fido = fido_assert_set_clientdata_hash(assertion, no_challenge, sizeof no_challenge)) == FIDO_OK
	    && (fido = fido_assert_set_up(assertion, FIDO_OPT_FALSE)) == FIDO_OK
	    && (fido = fido_assert_allow_cred(assertion, id.at, id.length)) == FIDO_OK)
		fido = fido_dev_get_assert(device->fido, assertion, pin);
	fido_assert_free(&assertion);
	return fido;
}

int ck_token_probe(struct ck_token_device *device, struct ck_bytes id)
{
	return ask_silently(device, id, NULL);
}

/* Whether there is such a credential does not matter, the PIN is looked at first. */
int ck_token_check_pin(struct ck_token_device *device)
{
	static const uint8_t no_credential[16];
	int fido = ask_silently(device, (struct ck_bytes){no_credential, sizeof no_credential}, device->pin);
	return fido == FIDO_ERR_NO_CREDENTIALS || fido == FIDO_ERR_INVALID_CREDENTIAL ? FIDO_OK : fido;
}

static int set_client_data(const struct ck_token *token, fido_assert_t *assertion)
{
	if (token->signed_bytes.at != NULL) return fido_assert_set_clientdata(assertion, token->signed_bytes.at, token->signed_bytes.length);
	return fido_assert_set_clientdata_hash(assertion, token->challenge, sizeof token->challenge);
}

int ck_token_sign(struct ck_token_device *device, const struct ck_token_order *order)
{
	const struct ck_token *token = device->board->token;
	const struct ck_bytes *id = &token->allow[device->key.first];
	int fido = FIDO_ERR_INTERNAL;
	ck_token_job_forget(device);
	device->assertion = fido_assert_new();
	if (device->assertion == NULL || device->key.held == 0) return fido;
	if ((fido = fido_assert_set_rp(device->assertion, token->rp_id)) == FIDO_OK
	    && (fido = set_client_data(token, device->assertion)) == FIDO_OK
	    && (fido = fido_assert_set_up(device->assertion, FIDO_OPT_TRUE)) == FIDO_OK
	    && (fido = fido_assert_set_uv(device->assertion, order->by_finger ? FIDO_OPT_TRUE : FIDO_OPT_OMIT)) == FIDO_OK
	    && (fido = fido_assert_allow_cred(device->assertion, id->at, id->length)) == FIDO_OK)
		fido = fido_dev_get_assert(device->fido, device->assertion, order->by_pin ? device->pin : NULL);
	return fido;
}

/* ---- handing it over ---- */
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

enum ck_token_outcome ck_token_send_asserted(const struct ck_token *token, const struct ck_token_device *device)
{
	struct ck_frame_out frame;
	uint8_t bytes[CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + CK_TOKEN_CREDENTIAL_ID_LIMIT_BYTES + 256];
	size_t length;
	const fido_assert_t *assertion = device->assertion;
	if (assertion == NULL || fido_assert_count(assertion) != 1) return CK_TOKEN_DEVICE_ERROR;
	struct ck_bytes id = {fido_assert_id_ptr(assertion, 0), fido_assert_id_len(assertion, 0)};
	struct ck_bytes data = unwrap(fido_assert_authdata_ptr(assertion, 0), fido_assert_authdata_len(assertion, 0));
	if (data.length == 0) return CK_TOKEN_DEVICE_ERROR;
	if (id.length == 0) id = token->allow[device->key.first]; /* a key may leave it out when it was asked for one (CTAP 2.0, 5.2) */
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_ASSERTED);
	ck_field_bytes(&frame.map, CK_F_CREDENTIAL, id.at, id.length);
	ck_field_bytes(&frame.map, CK_F_AUTH_DATA, data.at, data.length);
	ck_field_bytes(&frame.map, CK_F_SIGNATURE, fido_assert_sig_ptr(assertion, 0), fido_assert_sig_len(assertion, 0));
	if (ck_frame_end(&frame, &length) != CK_OK) return CK_TOKEN_DEVICE_ERROR;
	return ck_token_send(token, bytes, length);
}
