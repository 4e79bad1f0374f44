/* A new credential: discoverable and protected where the key can, ES256 before EdDSA. What comes out is verified by whoever asked. */
#include "pam_module/token_internal.h"

#include <string.h>

#include "directory/base/clock.h"

/* Self attestation is passed on; a maker's certificate is not, as browsers do unless told otherwise: it would tell which batch the key is
   from, and nobody here checks it. */
static enum ck_token_outcome send_created(const struct ck_token *token, const fido_cred_t *credential)
{
	static const uint8_t empty_map[] = {0xa0};
	struct ck_frame_out frame;
	uint8_t bytes[CK_TOKEN_REPLY_LIMIT_BYTES];
	size_t length;
	const char *format = fido_cred_fmt(credential);
	bool self = format != NULL && strcmp(format, "packed") == 0 && fido_cred_x5c_len(credential) == 0;
	if (fido_cred_authdata_raw_len(credential) == 0) return CK_TOKEN_DEVICE_ERROR;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_CREATED);
	ck_field_bytes(&frame.map, CK_F_AUTH_DATA, fido_cred_authdata_raw_ptr(credential), fido_cred_authdata_raw_len(credential));
	ck_field_string(&frame.map, CK_F_FORMAT, self ? "packed" : "none");
	if (self) ck_field_bytes(&frame.map, CK_F_ATT_STMT, fido_cred_attstmt_ptr(credential), fido_cred_attstmt_len(credential));
	else ck_field_bytes(&frame.map, CK_F_ATT_STMT, empty_map, sizeof empty_map);
	if (ck_frame_end(&frame, &length) != CK_OK) return CK_TOKEN_DEVICE_ERROR;
	return ck_token_send(token, bytes, length);
}

struct wish {
	int algorithm;
	bool discoverable, builtin;
};

static int prepare(const struct ck_token *token, const struct ck_token_key *key, const struct wish *wish, fido_cred_t *credential)
{
	const struct ck_bytes *handle = &token->user_handle;
	int fido = fido_cred_set_type(credential, wish->algorithm);
	if (fido == FIDO_OK) fido = fido_cred_set_rp(credential, token->rp_id, token->rp_id);
	if (fido == FIDO_OK) fido = fido_cred_set_user(credential, handle->at, handle->length, token->user, token->name, NULL);
	if (fido == FIDO_OK) fido = fido_cred_set_clientdata_hash(credential, token->challenge, sizeof token->challenge);
	if (fido == FIDO_OK && wish->discoverable) fido = fido_cred_set_rk(credential, FIDO_OPT_TRUE);
	if (fido == FIDO_OK && wish->builtin) fido = fido_cred_set_uv(credential, FIDO_OPT_TRUE);
	/* not usable by somebody who does not know its id, unless they verify themselves */
	if (fido == FIDO_OK && fido_dev_supports_cred_prot(key->device))
		fido = fido_cred_set_prot(credential, FIDO_CRED_PROT_UV_OPTIONAL_WITH_ID);
	for (size_t i = 0; i < token->allow_count && fido == FIDO_OK; i++)
		if (key->holds[i]) fido = fido_cred_exclude(credential, token->allow[i].at, token->allow[i].length);
	return fido;
}

static enum ck_token_outcome create_once(struct ck_token *token, const struct ck_token_key *key, const struct wish *wish, int *out_fido)
{
	enum ck_token_outcome outcome = CK_TOKEN_DEVICE_ERROR;
	const char *pin = token->memory->pin[0] != '\0' ? token->memory->pin : NULL;
	struct ck_token_watch *watch = NULL;
	bool gone = false;
	fido_cred_t *credential = fido_cred_new();
	*out_fido = FIDO_ERR_INTERNAL;
	if (credential == NULL) return outcome;
	watch = ck_token_watch_begin(token, key->device);
	if (watch == NULL) goto out;
	ck_token_set_timeout(token, key->device, true);
	*out_fido = prepare(token, key, wish, credential);
	if (*out_fido == FIDO_OK) *out_fido = fido_dev_make_cred(key->device, credential, pin);
	gone = ck_token_watch_end(watch);
	outcome = gone ? CK_TOKEN_CANCELLED : ck_token_outcome_of(token, *out_fido);
	if (outcome == CK_TOKEN_TIMEOUT) (void)fido_dev_cancel(key->device);
	if (outcome == CK_TOKEN_DEVICE_ERROR && wish->builtin && (*out_fido == FIDO_ERR_UV_BLOCKED || *out_fido == FIDO_ERR_UV_INVALID))
		outcome = CK_TOKEN_PIN_DEMANDED;
	if (outcome == CK_TOKEN_OK) outcome = send_created(token, credential);
out:
	fido_cred_free(&credential);
	return outcome;
}

/* With less, where the key cannot do what we would like best. */
static enum ck_token_outcome create_somehow(struct ck_token *token, const struct ck_token_key *key, struct wish wish)
{
	int fido = FIDO_OK;
	ck_token_say(token, "touch-now", wish.builtin ? "Verify yourself on your security key now" : "Touch your security key now");
	for (;;) {
		enum ck_token_outcome outcome = create_once(token, key, &wish, &fido);
		if (outcome != CK_TOKEN_DEVICE_ERROR) return outcome;
		if (fido == FIDO_ERR_UNSUPPORTED_ALGORITHM && wish.algorithm == COSE_ES256) {
			wish.algorithm = COSE_EDDSA;
		} else if ((fido == FIDO_ERR_KEY_STORE_FULL || fido == FIDO_ERR_UNSUPPORTED_OPTION) && wish.discoverable) {
			wish.discoverable = false;
		} else {
			return outcome;
		}
	}
}

/* Whether the key says that it can keep discoverable credentials. */
static bool can_discover(const struct ck_token *token, fido_dev_t *device)
{
	bool can = false;
	fido_cbor_info_t *info = fido_dev_is_fido2(device) ? fido_cbor_info_new() : NULL;
	if (info == NULL) return false;
	ck_token_set_timeout(token, device, false);
	if (fido_dev_get_cbor_info(device, info) == FIDO_OK) {
		char **names = fido_cbor_info_options_name_ptr(info);
		for (size_t i = 0; i < fido_cbor_info_options_len(info); i++)
			if (strcmp(names[i], "rk") == 0) can = fido_cbor_info_options_value_ptr(info)[i];
	}
	fido_cbor_info_free(&info);
	return can;
}

enum ck_token_outcome ck_token_create_with(struct ck_token *token, const struct ck_token_key *key)
{
	struct wish wish = {.algorithm = COSE_ES256, .discoverable = can_discover(token, key->device)};
	enum ck_token_outcome outcome = ck_token_verify_user(token, key->device, &wish.builtin);
	if (outcome == CK_TOKEN_OK) outcome = create_somehow(token, key, wish);
	if (outcome != CK_TOKEN_PIN_DEMANDED || token->memory->pin[0] != '\0') return outcome;
	if (!fido_dev_has_pin(key->device)) return CK_TOKEN_PIN_NOT_SET;
	wish.builtin = false;
	outcome = ck_token_ask_pin(token, key->device);
	if (outcome == CK_TOKEN_OK) outcome = create_somehow(token, key, wish);
	return outcome;
}
