/* Verifies a new credential, when it is enrolled; and again what its maker's certificate said then, when somebody wants to rely on it.
   Trusts nothing that came with it. */
#include "authd/fido/internal.h"

#include <string.h>

static unsigned traits_of(const struct ck_auth_data *data)
{
	unsigned traits = 0;
	if (data->backup_eligible) traits |= CK_TRAIT_BACKUP_ELIGIBLE;
	if (data->backed_up) traits |= CK_TRAIT_BACKED_UP;
	if (data->protection == 2) traits |= CK_TRAIT_PROTECTED_2;
	if (data->protection == 3) traits |= CK_TRAIT_PROTECTED_3;
	return traits;
}

/* anew: the soundness of the key, too. */
static enum ck_error verify(const struct ck_fido_registration *registration, bool anew, struct ck_fido_statement *out_statement,
                            struct ck_fido_credential *out, struct ck_errmsg *err)
{
	struct ck_auth_data data;
	enum ck_fido_algorithm algorithm;
	const char *attestation = NULL;
	if (ck_fido_parse_auth_data(registration->auth_data, &data) != CK_OK)
		return ck_fail(err, CK_ERR_DENIED, "the authenticator data is malformed");
	enum ck_error error = ck_fido_check_common(&data, registration->rp_id, registration->verify, err);
	if (error != CK_OK) return error;
	if (!data.attested) return ck_fail(err, CK_ERR_DENIED, "the registration carries no credential");
	if (anew) error = ck_fido_check_public_key(data.public_key, &algorithm, err);
	if (error != CK_OK) return error;
	error = ck_fido_verify_attestation(registration, &data, out_statement, &attestation, err);
	if (error != CK_OK) return error;
	*out = (struct ck_fido_credential){.credential_id = data.credential_id, .public_key = data.public_key, .attestation = attestation,
	                                   .count = data.count, .verified = data.verified, .traits = traits_of(&data)};
	ck_sha256(out->hash, &data.credential_id, 1);
	memcpy(out->aaguid, data.aaguid, sizeof out->aaguid);
	return CK_OK;
}

enum ck_error ck_fido_verify_registration(const struct ck_fido_registration *registration, struct ck_fido_credential *out,
                                          struct ck_errmsg *err)
{
	struct ck_fido_statement statement;
	struct ck_fido_credential credential;
	*out = (struct ck_fido_credential){0};
	enum ck_error error = verify(registration, true, &statement, &credential, err);
	if (error != CK_OK) return error;
	*out = credential;
	return CK_OK;
}

enum ck_error ck_fido_verify_attested(const struct ck_fido_registration *registration, const struct ck_fido_roots *roots, int64_t at_s,
                                      struct ck_fido_credential *out, struct ck_errmsg *err)
{
	struct ck_fido_statement statement;
	struct ck_fido_credential credential;
	*out = (struct ck_fido_credential){0};
	enum ck_error error = verify(registration, false, &statement, &credential, err);
	if (error != CK_OK) return error;
	if (statement.certificate_count == 0) return ck_fail(err, CK_ERR_DENIED, "no maker's certificate attests the key");
	error = ck_fido_roots_reach(roots, &statement, at_s, err);
	if (error != CK_OK) return error;
	*out = credential;
	return CK_OK;
}
