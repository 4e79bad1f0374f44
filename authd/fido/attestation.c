/* What a new credential says about its origin (WebAuthn Level 2, 8): nothing, that its own key was there to sign, or a maker's certificate.
   Trusts nothing that came with it. That a certificate is good says nothing until somebody vouches for it (roots.c), and an AAGUID by itself
   never does: whoever attests themself writes what they like. */
#include "authd/fido/internal.h"

#include <string.h>

static enum ck_error bad_signature(struct ck_errmsg *err, const char *whose)
{
	return ck_fail(err, CK_ERR_DENIED, "the attestation's signature is not %s", whose);
}

static enum ck_error verify_self(const struct ck_fido_registration *registration, const struct ck_fido_public_key *key,
                                 const struct ck_fido_statement *statement, struct ck_errmsg *err)
{
	const struct ck_bytes parts[] = {registration->auth_data, {registration->client_data_hash, 32}};
	if (statement->algorithm != key->algorithm)
		return ck_fail(err, CK_ERR_DENIED, "the attestation is signed by algorithm %lld, the key's is %d", (long long)statement->algorithm,
		               key->algorithm);
	EVP_PKEY *native = ck_fido_new_native_key(key);
	if (native == NULL) return ck_fail(err, CK_ERR_DENIED, "the public key is not one");
	bool good = ck_fido_signature_is_of(native, key->algorithm, parts, 2, statement->signature);
	EVP_PKEY_free(native);
	return good ? CK_OK : bad_signature(err, "the key's");
}

static enum ck_error verify_by_certificate(X509 *certificate, const struct ck_fido_statement *statement, const struct ck_bytes *parts,
                                           size_t count, struct ck_errmsg *err)
{
	EVP_PKEY *native = X509_get0_pubkey(certificate);
	if (native == NULL || !ck_fido_native_key_fits(native, statement->algorithm))
		return ck_fail(err, CK_ERR_DENIED, "the attestation certificate's key is none for algorithm %lld", (long long)statement->algorithm);
	if (!ck_fido_signature_is_of(native, statement->algorithm, parts, count, statement->signature))
		return bad_signature(err, "that of its certificate");
	return CK_OK;
}

static enum ck_error verify_packed(const struct ck_fido_registration *registration, const struct ck_auth_data *data, X509 *certificate,
                                   const struct ck_fido_statement *statement, struct ck_errmsg *err)
{
	const struct ck_bytes parts[] = {registration->auth_data, {registration->client_data_hash, 32}};
	enum ck_error error = verify_by_certificate(certificate, statement, parts, 2, err);
	return error == CK_OK ? ck_fido_check_certificate(certificate, data->aaguid, err) : error;
}

/* WebAuthn Level 2, 8.6, and the FIDO conformance rule that such a key has no AAGUID: it signed none. */
static enum ck_error verify_u2f(const struct ck_fido_registration *registration, const struct ck_auth_data *data,
                                const struct ck_fido_public_key *key, X509 *certificate, const struct ck_fido_statement *statement,
                                struct ck_errmsg *err)
{
	static const uint8_t no_aaguid[16], zero[1] = {0x00}, uncompressed[1] = {0x04};
	if (statement->certificate_count != 1)
		return ck_fail(err, CK_ERR_DENIED, "fido-u2f comes with one certificate, not %zu", statement->certificate_count);
	if (statement->algorithm != CK_FIDO_ES256 || key->algorithm != CK_FIDO_ES256)
		return ck_fail(err, CK_ERR_DENIED, "fido-u2f is for ES256 only");
	if (memcmp(data->aaguid, no_aaguid, sizeof no_aaguid) != 0)
		return ck_fail(err, CK_ERR_DENIED, "fido-u2f attests no AAGUID, and there is one");
	const struct ck_bytes parts[] = {{zero, 1}, {data->rp_id_hash, 32}, {registration->client_data_hash, 32}, data->credential_id,
	                                 {uncompressed, 1}, {key->x, 32}, {key->y, 32}};
	return verify_by_certificate(certificate, statement, parts, sizeof parts / sizeof parts[0], err);
}

static enum ck_error verify_statement(const struct ck_fido_registration *registration, const struct ck_auth_data *data, bool u2f,
                                      struct ck_fido_statement *statement, struct ck_errmsg *err)
{
	struct ck_fido_public_key key;
	enum ck_error error = ck_fido_parse_statement(registration->statement, u2f, statement, err);
	if (error == CK_OK) error = ck_fido_parse_public_key(data->public_key, &key, err);
	if (error != CK_OK) return error;
	if (statement->certificate_count == 0) return verify_self(registration, &key, statement, err);
	X509 *certificate = ck_fido_read_certificate(statement->certificates[0]);
	if (certificate == NULL) return ck_fail(err, CK_ERR_DENIED, "the attestation certificate is malformed");
	error = u2f ? verify_u2f(registration, data, &key, certificate, statement, err)
	            : verify_packed(registration, data, certificate, statement, err);
	X509_free(certificate);
	return error;
}

enum ck_error ck_fido_verify_attestation(const struct ck_fido_registration *registration, const struct ck_auth_data *data,
                                         struct ck_fido_statement *out_statement, const char **out_attestation, struct ck_errmsg *err)
{
	static const uint8_t empty_map[] = {0xa0};
	*out_attestation = NULL;
	*out_statement = (struct ck_fido_statement){0};
	if (ck_text_is(registration->format, "none")) {
		if (!ck_bytes_equal(registration->statement, (struct ck_bytes){empty_map, sizeof empty_map}))
			return ck_fail(err, CK_ERR_DENIED, "attestation \"none\" must come with an empty statement");
		*out_attestation = CK_ATTESTATION_NONE;
		return CK_OK;
	}
	bool u2f = ck_text_is(registration->format, "fido-u2f");
	if (!u2f && !ck_text_is(registration->format, "packed")) {
		char format[64];
		ck_escape(ck_bytes_of(registration->format), format, sizeof format);
		return ck_fail(err, CK_ERR_DENIED, "attestation format \"%s\" is not known; \"packed\", \"fido-u2f\" and \"none\" are", format);
	}
	enum ck_error error = verify_statement(registration, data, u2f, out_statement, err);
	if (error == CK_OK) *out_attestation = out_statement->certificate_count > 0 ? CK_ATTESTATION_CERTIFICATE : CK_ATTESTATION_SELF;
	return error;
}
