/* Verifies a new credential: attestation "none", or packed signed by the credential itself. Trusts nothing that came with it.
   A self attestation says that the key was there to sign, not who made it. */
#include "authd/fido/internal.h"

#include <fido.h>
#include <sodium.h>
#include <string.h>

struct statement {
	int64_t algorithm;
	struct ck_bytes signature;
};

/* {"alg": int, "sig": bytes} and nothing else (WebAuthn Level 2, 8.2); "x5c" is told apart, for the sentence. */
static enum ck_error parse_packed(struct ck_bytes bytes, struct statement *out, struct ck_errmsg *err)
{
	struct ck_reader r;
	struct ck_bytes content;
	uint64_t pairs, number;
	ck_reader_init(&r, bytes.at, bytes.length);
	if (ck_fido_get_head(&r, &pairs, &content) != CK_FIDO_MAP) r.failed = true;
	ck_fido_expect_text(&r, "alg");
	if (ck_fido_get_head(&r, &number, &content) != CK_FIDO_NEGATIVE || number > 65535) r.failed = true;
	out->algorithm = -1 - (int64_t)number;
	ck_fido_expect_text(&r, "sig");
	if (ck_fido_get_head(&r, &number, &out->signature) != CK_FIDO_BYTES) r.failed = true;
	if (!r.failed && pairs == 3) {
		ck_fido_expect_text(&r, "x5c");
		if (!r.failed)
			return ck_fail(err, CK_ERR_DENIED, "the key is attested by its maker's certificate (packed with x5c), which this "
			                                   "release does not check: register it with attestation \"none\"");
	}
	if (pairs != 2 || !ck_reader_done(&r) || out->signature.length < 1 || out->signature.length > CK_FIDO_SIGNATURE_LIMIT_BYTES)
		return ck_fail(err, CK_ERR_DENIED, "the attestation statement is malformed; {\"alg\", \"sig\"} was expected");
	return CK_OK;
}

/* libfido2 demands that the extensions found are those it was told of. We asked for credProtect at most; a browser's own additions are
   harmless, so what is there is what is expected. */
static void expect_extensions(fido_cred_t *credential, struct ck_bytes map)
{
	struct ck_reader r;
	struct ck_bytes name, content;
	uint64_t pairs, number;
	int mask = 0;
	int protection = 0;
	ck_reader_init(&r, map.at, map.length);
	if (ck_fido_get_head(&r, &pairs, &content) != CK_FIDO_MAP) return;
	for (uint64_t i = 0; i < pairs && !r.failed; i++) {
		if (ck_fido_get_head(&r, &number, &name) != CK_FIDO_TEXT) return;
		struct ck_text text = {(const char *)name.at, name.length};
		struct ck_bytes value = ck_fido_get_item(&r);
		if (r.failed) return;
		if (ck_text_is(text, "credProtect") && value.length == 1 && value.at[0] >= 1 && value.at[0] <= 3) protection = value.at[0];
		if (ck_text_is(text, "hmac-secret") && value.length == 1 && value.at[0] == 0xf5) mask |= FIDO_EXT_HMAC_SECRET;
	}
	(void)fido_cred_set_extensions(credential, mask);
	if (protection != 0) (void)fido_cred_set_prot(credential, protection);
}

static enum ck_error verify_self_es256(const struct ck_fido_registration *registration, struct ck_bytes extensions, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_INTERNAL;
	char rp_id[CK_FIDO_RP_ID_LIMIT_BYTES + 1];
	int fido = FIDO_ERR_INTERNAL;
	fido_cred_t *credential = fido_cred_new();
	if (credential == NULL) return CK_ERR_MEMORY;
	if (ck_text_copy(rp_id, sizeof rp_id, registration->rp_id) != CK_OK) {
		error = ck_fail(err, CK_ERR_DENIED, "the rp-id is none");
		goto out;
	}
	if (extensions.length > 0) expect_extensions(credential, extensions);
	if ((fido = fido_cred_set_type(credential, COSE_ES256)) != FIDO_OK
	    || (fido = fido_cred_set_rp(credential, rp_id, NULL)) != FIDO_OK
	    || (fido = fido_cred_set_uv(credential, registration->verify ? FIDO_OPT_TRUE : FIDO_OPT_OMIT)) != FIDO_OK
	    || (fido = fido_cred_set_clientdata_hash(credential, registration->client_data_hash, 32)) != FIDO_OK
	    || (fido = fido_cred_set_authdata_raw(credential, registration->auth_data.at, registration->auth_data.length)) != FIDO_OK
	    || (fido = fido_cred_set_fmt(credential, "packed")) != FIDO_OK
	    || (fido = fido_cred_set_attstmt(credential, registration->statement.at, registration->statement.length)) != FIDO_OK
	    || (fido = fido_cred_verify_self(credential)) != FIDO_OK) {
		if (fido == FIDO_ERR_INVALID_SIG) error = ck_fail(err, CK_ERR_DENIED, "the attestation's signature is not the key's");
		else error = ck_fail(err, CK_ERR_DENIED, "libfido2 refused the registration: %s", fido_strerr(fido));
		goto out;
	}
	error = CK_OK;
out:
	fido_cred_free(&credential);
	return error;
}

/* By libsodium: libfido2 1.12 signs EdDSA over a buffer of 1024 bytes, too small for the longest credential ids. */
static enum ck_error verify_self_eddsa(const struct ck_fido_registration *registration, struct ck_bytes public_key,
                                       const struct statement *statement, struct ck_errmsg *err)
{
	uint8_t message[CK_FIDO_AUTH_DATA_LIMIT_BYTES + 32];
	struct ck_writer w;
	struct ck_fido_public_key key;
	enum ck_error error = ck_fido_parse_public_key(public_key, &key, err);
	if (error != CK_OK) return error;
	ck_writer_init(&w, message, sizeof message);
	ck_put_bytes(&w, registration->auth_data.at, registration->auth_data.length);
	ck_put_bytes(&w, registration->client_data_hash, 32);
	if (w.failed || statement->signature.length != crypto_sign_BYTES
	    || crypto_sign_verify_detached(statement->signature.at, message, ck_writer_length(&w), key.x) != 0)
		return ck_fail(err, CK_ERR_DENIED, "the attestation's signature is not the key's");
	return CK_OK;
}

static enum ck_error verify_packed(const struct ck_fido_registration *registration, const struct ck_auth_data *data,
                                   enum ck_fido_algorithm algorithm, struct ck_errmsg *err)
{
	struct statement statement = {0};
	struct ck_bytes extensions = {NULL, 0};
	enum ck_error error = parse_packed(registration->statement, &statement, err);
	if (error != CK_OK) return error;
	if (statement.algorithm != algorithm)
		return ck_fail(err, CK_ERR_DENIED, "the attestation is signed by algorithm %lld, the key's is %d", (long long)statement.algorithm,
		               algorithm);
	if (algorithm == CK_FIDO_EDDSA) return verify_self_eddsa(registration, data->public_key, &statement, err);
	if (data->extensions) {
		const uint8_t *end = registration->auth_data.at + registration->auth_data.length;
		extensions.at = data->public_key.at + data->public_key.length;
		extensions.length = (size_t)(end - extensions.at);
	}
	return verify_self_es256(registration, extensions, err);
}

static enum ck_error verify_attestation(const struct ck_fido_registration *registration, const struct ck_auth_data *data,
                                        enum ck_fido_algorithm algorithm, const char **out_attestation, struct ck_errmsg *err)
{
	static const uint8_t empty_map[] = {0xa0};
	if (ck_text_is(registration->format, "none")) {
		if (!ck_bytes_equal(registration->statement, (struct ck_bytes){empty_map, sizeof empty_map}))
			return ck_fail(err, CK_ERR_DENIED, "attestation \"none\" must come with an empty statement");
		*out_attestation = "none";
		return CK_OK;
	}
	if (ck_text_is(registration->format, "packed")) {
		enum ck_error error = verify_packed(registration, data, algorithm, err);
		if (error == CK_OK) *out_attestation = "self";
		return error;
	}
	char format[64];
	ck_escape(ck_bytes_of(registration->format), format, sizeof format);
	return ck_fail(err, CK_ERR_DENIED, "attestation format \"%s\" is not known; \"packed\" and \"none\" are", format);
}

enum ck_error ck_fido_verify_registration(const struct ck_fido_registration *registration, struct ck_fido_credential *out,
                                          struct ck_errmsg *err)
{
	struct ck_auth_data data;
	enum ck_fido_algorithm algorithm;
	const char *attestation = NULL;
	*out = (struct ck_fido_credential){0};
	if (ck_fido_parse_auth_data(registration->auth_data, &data) != CK_OK)
		return ck_fail(err, CK_ERR_DENIED, "the authenticator data is malformed");
	enum ck_error error = ck_fido_check_common(&data, registration->rp_id, registration->verify, err);
	if (error != CK_OK) return error;
	if (!data.attested) return ck_fail(err, CK_ERR_DENIED, "the registration carries no credential");
	error = ck_fido_check_public_key(data.public_key, &algorithm, err);
	if (error != CK_OK) return error;
	error = verify_attestation(registration, &data, algorithm, &attestation, err);
	if (error != CK_OK) return error;
	*out = (struct ck_fido_credential){.credential_id = data.credential_id, .public_key = data.public_key, .attestation = attestation,
	                                   .count = data.count, .verified = data.verified};
	ck_sha256(out->hash, &data.credential_id, 1);
	memcpy(out->aaguid, data.aaguid, sizeof out->aaguid);
	return CK_OK;
}
