/* Verifies what a key signed to prove that it is there, by libfido2 or by OpenSSL beneath it. Trusts the key record from the store, though not
   that its public key is sound; nothing that came with the assertion. */
#include "authd/fido/internal.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <string.h>

/* What libfido2 wants for the algorithm; freed by free_native. */
static void *new_native(const struct ck_fido_public_key *key)
{
	uint8_t point[64];
	if (key->algorithm == CK_FIDO_EDDSA) {
		eddsa_pk_t *eddsa = eddsa_pk_new();
		if (eddsa != NULL && eddsa_pk_from_ptr(eddsa, key->x, 32) != FIDO_OK) eddsa_pk_free(&eddsa);
		return eddsa;
	}
	memcpy(point, key->x, 32);
	memcpy(point + 32, key->y, 32);
	es256_pk_t *es256 = es256_pk_new();
	if (es256 != NULL && es256_pk_from_ptr(es256, point, sizeof point) != FIDO_OK) es256_pk_free(&es256);
	return es256;
}

static void free_native(enum ck_fido_algorithm algorithm, void *native)
{
	if (algorithm == CK_FIDO_EDDSA) {
		eddsa_pk_t *eddsa = native;
		eddsa_pk_free(&eddsa);
	} else {
		es256_pk_t *es256 = native;
		es256_pk_free(&es256);
	}
}

/* libfido2 checks neither presence nor verification nor the rp id unless it is told to: it is told all. */
enum ck_error ck_fido_verify_native(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_INTERNAL;
	char rp_id[CK_FIDO_RP_ID_LIMIT_BYTES + 1];
	int fido = FIDO_ERR_INTERNAL;
	fido_assert_t *native_assertion = NULL;
	void *native_key = new_native(key);
	if (native_key == NULL) {
		error = ck_fail(err, CK_ERR_DENIED, "the public key in the directory is not one");
		goto out;
	}
	if (ck_text_copy(rp_id, sizeof rp_id, assertion->rp_id) != CK_OK) {
		error = ck_fail(err, CK_ERR_DENIED, "the rp-id is none");
		goto out;
	}
	native_assertion = fido_assert_new();
	if (native_assertion == NULL) {
		error = CK_ERR_MEMORY;
		goto out;
	}
	if ((fido = fido_assert_set_count(native_assertion, 1)) != FIDO_OK
	    || (fido = fido_assert_set_rp(native_assertion, rp_id)) != FIDO_OK
	    || (fido = fido_assert_set_up(native_assertion, FIDO_OPT_TRUE)) != FIDO_OK
	    || (fido = fido_assert_set_uv(native_assertion, assertion->verify ? FIDO_OPT_TRUE : FIDO_OPT_OMIT)) != FIDO_OK
	    || (fido = fido_assert_set_extensions(native_assertion, 0)) != FIDO_OK
	    || (fido = fido_assert_set_clientdata_hash(native_assertion, assertion->client_data_hash, 32)) != FIDO_OK
	    || (fido = fido_assert_set_authdata_raw(native_assertion, 0, assertion->auth_data.at, assertion->auth_data.length)) != FIDO_OK
	    || (fido = fido_assert_set_sig(native_assertion, 0, assertion->signature.at, assertion->signature.length)) != FIDO_OK
	    || (fido = fido_assert_verify(native_assertion, 0, key->algorithm, native_key)) != FIDO_OK) {
		if (fido == FIDO_ERR_INVALID_SIG) error = ck_fail(err, CK_ERR_DENIED, "the signature is not the key's over this challenge");
		else error = ck_fail(err, CK_ERR_DENIED, "libfido2 refused the assertion: %s", fido_strerr(fido));
		goto out;
	}
	error = CK_OK;
out:
	fido_assert_free(&native_assertion);
	if (native_key != NULL) free_native(key->algorithm, native_key);
	return error;
}

/* By OpenSSL: libfido2 takes 2048 bits only. */
static enum ck_error verify_rs256(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key, struct ck_errmsg *err)
{
	const struct ck_bytes parts[] = {assertion->auth_data, {assertion->client_data_hash, 32}};
	EVP_PKEY *native = ck_fido_new_native_key(key);
	if (native == NULL) return ck_fail(err, CK_ERR_DENIED, "the public key in the directory is not one");
	bool good = ck_fido_signature_is_of(native, CK_FIDO_RS256, parts, 2, assertion->signature);
	EVP_PKEY_free(native);
	return good ? CK_OK : ck_fail(err, CK_ERR_DENIED, "the signature is not the key's over this challenge");
}

enum ck_error ck_fido_verify_assertion(const struct ck_key *key, const struct ck_fido_assertion *assertion, struct ck_fido_result *out,
                                       struct ck_errmsg *err)
{
	struct ck_auth_data data;
	struct ck_fido_public_key public_key;
	*out = (struct ck_fido_result){0};
	if (key->credential_id.length < 1 || !ck_bytes_equal(key->credential_id, assertion->credential_id))
		return ck_fail(err, CK_ERR_DENIED, "the key answered for another credential than this one");
	if (!ck_text_equal(key->rp_id, assertion->rp_id))
		return ck_fail(err, CK_ERR_DENIED, "the key was enrolled for another rp-id");
	if (ck_fido_parse_auth_data(assertion->auth_data, &data) != CK_OK)
		return ck_fail(err, CK_ERR_DENIED, "the authenticator data is malformed");
	enum ck_error error = ck_fido_check_common(&data, assertion->rp_id, assertion->verify, err);
	if (error != CK_OK) return error;
	if (data.attested) return ck_fail(err, CK_ERR_DENIED, "the assertion carries attested credential data, which none may");
	if (data.hmac_secret) return ck_fail(err, CK_ERR_DENIED, "the assertion carries an hmac-secret, which nobody asked for");
	if (data.backup_eligible != ((key->traits & CK_TRAIT_BACKUP_ELIGIBLE) != 0))
		return ck_fail(err, CK_ERR_DENIED, "the key is %seligible for backup, and was %swhen it was enrolled", data.backup_eligible ? "" : "not ",
		               data.backup_eligible ? "not " : "");
	if (assertion->signature.length < 1 || assertion->signature.length > CK_FIDO_SIGNATURE_LIMIT_BYTES)
		return ck_fail(err, CK_ERR_DENIED, "the signature has %zu bytes", assertion->signature.length);
	error = ck_fido_parse_public_key(key->public_key, &public_key, err);
	if (error != CK_OK) return error;
	/* of an assertion without extensions the signature is all that libfido2 could still refuse (docs/design/es256.md) */
	bool direct = public_key.algorithm == CK_FIDO_ES256 && !data.extensions;
	if (public_key.algorithm == CK_FIDO_RS256) error = verify_rs256(assertion, &public_key, err);
	else error = direct ? ck_fido_verify_es256(assertion, &public_key, err) : ck_fido_verify_native(assertion, &public_key, err);
	if (error != CK_OK) return error;
	*out = (struct ck_fido_result){.count = data.count, .verified = data.verified};
	return CK_OK;
}
