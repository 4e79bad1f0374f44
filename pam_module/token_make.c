/* A new credential: made as ordered, and handed over with what the key said of itself. What comes out is verified by whoever asked; what the
   key can is the helper's word. */
#include "pam_module/token_device.h"

#include <string.h>

static const int cose_of[] = {[CK_TOKEN_ES256] = COSE_ES256, [CK_TOKEN_EDDSA] = COSE_EDDSA, [CK_TOKEN_RS256] = COSE_RS256};

static int prepare(const struct ck_token_device *device, const struct ck_token_order *order, fido_cred_t *credential)
{
	const struct ck_token *token = device->board->token;
	const struct ck_bytes *handle = &token->user_handle;
	int fido = fido_cred_set_type(credential, cose_of[order->algorithm]);
	if (fido == FIDO_OK) fido = fido_cred_set_rp(credential, token->rp_id, token->rp_id);
	if (fido == FIDO_OK) fido = fido_cred_set_user(credential, handle->at, handle->length, token->user, token->name, NULL);
	if (fido == FIDO_OK) fido = fido_cred_set_clientdata_hash(credential, token->challenge, sizeof token->challenge);
	if (fido == FIDO_OK && order->discoverable) fido = fido_cred_set_rk(credential, FIDO_OPT_TRUE);
	if (fido == FIDO_OK && order->by_finger) fido = fido_cred_set_uv(credential, FIDO_OPT_TRUE);
	/* not usable by somebody who does not know its id, unless they verify themselves */
	if (fido == FIDO_OK && device->key.protects) fido = fido_cred_set_prot(credential, FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID);
	for (size_t i = 0; i < token->allow_count && fido == FIDO_OK; i++)
		if (device->key.holds[i]) fido = fido_cred_exclude(credential, token->allow[i].at, token->allow[i].length);
	return fido;
}

int ck_token_make(struct ck_token_device *device, const struct ck_token_order *order)
{
	ck_token_job_forget(device);
	device->credential = fido_cred_new();
	if (device->credential == NULL) return FIDO_ERR_INTERNAL;
	int fido = prepare(device, order, device->credential);
	if (fido == FIDO_OK) fido = fido_dev_make_cred(device->fido, device->credential, order->by_pin ? device->pin : NULL);
	return fido;
}

/* The attestation goes as the key gave it: who trusts which maker is the verifier's to say. A format that it does not know would be refused,
   and is left out instead, as browsers do. */
enum ck_token_outcome ck_token_send_created(const struct ck_token *token, const struct ck_token_device *device)
{
	static const uint8_t empty_map[] = {0xa0};
	struct ck_frame_out frame;
	uint8_t bytes[CK_TOKEN_REPLY_LIMIT_BYTES];
	size_t length;
	const fido_cred_t *credential = device->credential;
	if (credential == NULL || fido_cred_authdata_raw_len(credential) == 0) return CK_TOKEN_DEVICE_ERROR;
	const char *format = fido_cred_fmt(credential);
	struct ck_bytes statement = {fido_cred_attstmt_ptr(credential), fido_cred_attstmt_len(credential)};
	bool known = format != NULL && (strcmp(format, "packed") == 0 || strcmp(format, "fido-u2f") == 0);
	if (!known || statement.length == 0 || statement.length > CK_ATT_STMT_LIMIT_BYTES) {
		format = "none";
		statement = (struct ck_bytes){empty_map, sizeof empty_map};
	}
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_CREATED);
	ck_field_bytes(&frame.map, CK_F_AUTH_DATA, fido_cred_authdata_raw_ptr(credential), fido_cred_authdata_raw_len(credential));
	ck_field_string(&frame.map, CK_F_FORMAT, format);
	ck_field_bytes(&frame.map, CK_F_ATT_STMT, statement.at, statement.length);
	ck_field_uint(&frame.map, CK_F_TRAITS, device->key.told | (device->order.discoverable ? (unsigned)CK_TOLD_DISCOVERABLE : 0u));
	if (ck_frame_end(&frame, &length) != CK_OK) return CK_TOKEN_DEVICE_ERROR;
	return ck_token_send(token, bytes, length);
}
