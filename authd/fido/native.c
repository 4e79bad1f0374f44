/* Keys as OpenSSL has them, and signatures by them: what credentials sign with RS256, and every attestation. Trusts its callers to have
   looked at the key's form; whether key and algorithm go together is looked at here. */
#include "authd/fido/internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <string.h>

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM *parameters)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (context == NULL || parameters == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *new_rsa(const struct ck_fido_public_key *key)
{
	EVP_PKEY *native = NULL;
	OSSL_PARAM *parameters = NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(key->modulus.at, (int)key->modulus.length, NULL);
	BIGNUM *e = BN_bin2bn(key->exponent.at, (int)key->exponent.length, NULL);
	if (build != NULL && n != NULL && e != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 && (parameters = OSSL_PARAM_BLD_to_param(build)) != NULL)
		native = from_parameters("RSA", parameters);
	OSSL_PARAM_free(parameters);
	BN_free(e);
	BN_free(n);
	OSSL_PARAM_BLD_free(build);
	return native;
}

EVP_PKEY *ck_fido_new_native_key(const struct ck_fido_public_key *key)
{
	uint8_t point[65] = {0x04}; /* SEC 1, 2.3.3 */
	char group[] = "P-256";
	switch (key->algorithm) {
	case CK_FIDO_RS256: return new_rsa(key);
	case CK_FIDO_EDDSA: return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->x, 32);
	case CK_FIDO_ES256: break;
	}
	memcpy(point + 1, key->x, 32);
	memcpy(point + 33, key->y, 32);
	OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point), OSSL_PARAM_construct_end()};
	return from_parameters("EC", parameters);
}

bool ck_fido_native_key_fits(const EVP_PKEY *key, int64_t algorithm)
{
	char group[32] = "";
	switch (algorithm) {
	case CK_FIDO_RS256: return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 4096;
	case CK_FIDO_EDDSA: return EVP_PKEY_is_a(key, "ED25519");
	case CK_FIDO_ES256:
		return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 && strcmp(group, "prime256v1") == 0;
	default: return false;
	}
}

/* Ed25519 takes the message, and not its digest. */
static bool verify_eddsa(EVP_PKEY *key, const struct ck_bytes *parts, size_t count, struct ck_bytes signature)
{
	uint8_t message[CK_FIDO_AUTH_DATA_LIMIT_BYTES + 32];
	struct ck_writer w;
	ck_writer_init(&w, message, sizeof message);
	for (size_t i = 0; i < count; i++) ck_put_bytes(&w, parts[i].at, parts[i].length);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = !w.failed && context != NULL && EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
	            EVP_DigestVerify(context, signature.at, signature.length, message, ck_writer_length(&w)) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

bool ck_fido_signature_is_of(EVP_PKEY *key, int64_t algorithm, const struct ck_bytes *parts, size_t count, struct ck_bytes signature)
{
	uint8_t digest[32];
	if (!ck_fido_native_key_fits(key, algorithm) || signature.length < 1) return false;
	if (algorithm == CK_FIDO_EDDSA) return verify_eddsa(key, parts, count, signature);
	ck_sha256(digest, parts, count);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ready = context != NULL && EVP_PKEY_verify_init(context) == 1;
	if (ready && algorithm == CK_FIDO_RS256) /* RFC 8812, 2: RSASSA-PKCS1-v1_5 with SHA-256, and nothing that OpenSSL might prefer */
		ready = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 && EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1;
	bool good = ready && EVP_PKEY_verify(context, signature.at, signature.length, digest, sizeof digest) == 1;
	EVP_PKEY_CTX_free(context);
	return good;
}
