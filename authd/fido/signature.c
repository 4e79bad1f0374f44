/* ES256 by OpenSSL itself, with one key object that takes the point of whose turn it is: libfido2 makes a new one each time, which costs as
   much as half of the verification. Trusts nothing: OpenSSL refuses a point off the curve when it takes it, and then nothing is verified. */
#include "authd/fido/internal.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#define POINT_BYTES 65 /* 04, x, y (SEC 1, 2.3.3): infinity has no such form */

/* A key on P-256 to take points. One thread: it is the process's. */
static EVP_PKEY *es256_holder(const uint8_t point[POINT_BYTES])
{
	static EVP_PKEY *holder;
	if (holder != NULL) return EVP_PKEY_set1_encoded_public_key(holder, point, POINT_BYTES) == 1 ? holder : NULL;
	uint8_t copy[POINT_BYTES];
	char group[] = "P-256";
	memcpy(copy, point, sizeof copy);
	OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	                           OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy), OSSL_PARAM_construct_end()};
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &holder, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		holder = NULL;
	EVP_PKEY_CTX_free(context);
	return holder;
}

enum ck_error ck_fido_verify_es256(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_DENIED;
	uint8_t point[POINT_BYTES] = {0x04}, digest[32];
	const struct ck_bytes parts[] = {assertion->auth_data, {assertion->client_data_hash, 32}};
	memcpy(point + 1, key->x, 32);
	memcpy(point + 33, key->y, 32);
	ck_sha256(digest, parts, 2);
	EVP_PKEY *holder = es256_holder(point);
	if (holder == NULL) return ck_fail(err, CK_ERR_DENIED, "the public key in the directory is not one");
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, holder, NULL);
	if (context == NULL || EVP_PKEY_verify_init(context) != 1) {
		error = ck_fail(err, CK_ERR_MEMORY, "OpenSSL does not start to verify");
	} else if (EVP_PKEY_verify(context, assertion->signature.at, assertion->signature.length, digest, sizeof digest) == 1) {
		error = CK_OK;
	} else {
		error = ck_fail(err, CK_ERR_DENIED, "the signature is not the key's over this challenge");
	}
	EVP_PKEY_CTX_free(context);
	return error;
}
