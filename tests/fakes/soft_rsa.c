/* RS256 for the software key: keys of any size, kept as DER. Trusts its callers: they are tests. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <string.h>

#include "tests/fakes/soft_crypto.h"

static EVP_PKEY *rsa_key(const struct ck_soft_credential *credential)
{
	const unsigned char *at = credential->rsa;
	return d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)credential->rsa_length);
}

bool ck_soft_draw_rsa(struct ck_soft_credential *credential, unsigned bits, unsigned exponent)
{
	bool done = false;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	BIGNUM *e = BN_new();
	unsigned char *at = credential->rsa;
	if (context == NULL || e == NULL || BN_set_word(e, exponent) != 1 || EVP_PKEY_keygen_init(context) != 1
	    || EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) != 1 || EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) != 1
	    || EVP_PKEY_keygen(context, &key) != 1)
		goto out;
	int length = i2d_PrivateKey(key, NULL);
	if (length <= 0 || (size_t)length > sizeof credential->rsa) goto out;
	credential->rsa_length = (size_t)i2d_PrivateKey(key, &at);
	done = true;
out:
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
	BN_free(e);
	return done;
}

bool ck_soft_put_rsa_public_key(const struct ck_soft_credential *credential, struct ck_writer *w)
{
	uint8_t number[CK_SOFT_SIGNATURE_LIMIT_BYTES];
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = rsa_key(credential);
	bool done = key != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1
	            && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_num_bytes(n) <= (int)sizeof number;
	if (done) {
		/* canonical order of the keys: 1 (kty RSA), 3 (alg), -1 (n), -2 (e) */
		ck_put_bytes(w, "\xa4\x01\x03\x03\x39\x01\x00\x20", 8);
		ck_soft_put_bytes(w, number, (size_t)BN_bn2bin(n, number));
		ck_put_u8(w, 0x21);
		ck_soft_put_bytes(w, number, (size_t)BN_bn2bin(e, number));
	}
	BN_free(n);
	BN_free(e);
	EVP_PKEY_free(key);
	return done && !w->failed;
}

size_t ck_soft_sign_rsa(const struct ck_soft_credential *credential, const uint8_t *message, size_t length, uint8_t *signature)
{
	size_t signature_length = CK_SOFT_SIGNATURE_LIMIT_BYTES;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *key = rsa_key(credential);
	if (context == NULL || key == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 /* PKCS #1 v1.5 unless told */
	    || EVP_DigestSign(context, signature, &signature_length, message, length) != 1)
		signature_length = 0;
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(context);
	return signature_length;
}

bool ck_soft_make_rsa_credential(struct ck_soft_credential *out, const char *rp_id, unsigned bits, unsigned exponent)
{
	*out = (struct ck_soft_credential){.algorithm = CK_SOFT_RS256, .id_length = CK_SOFT_ID_BYTES, .user_id_length = 16, .protection = 1};
	if (sodium_init() < 0 || ck_text_copy(out->rp_id, sizeof out->rp_id, ck_text_of(rp_id)) != CK_OK) return false;
	randombytes_buf(out->id, out->id_length);
	randombytes_buf(out->user_id, out->user_id_length);
	return ck_soft_draw_rsa(out, bits, exponent) && ck_soft_derive_public_key(out);
}
