/* Credentials of the software key: made, encoded and used for signing, without any device. OpenSSL for P-256, libsodium for Ed25519.
   Trusts its callers: they are tests. */
#include "tests/fakes/soft_crypto.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <string.h>


const uint8_t ck_soft_aaguid[16] = {'c', 'r', 'o', 's', 's', 'k', 'e', 'y', 's', '-', 's', 'o', 'f', 't', 0, 1};

bool ck_soft_p256_public(const uint8_t secret[32], uint8_t out[65])
{
	bool done = false;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	BIGNUM *scalar = BN_bin2bn(secret, 32, NULL);
	if (point == NULL || scalar == NULL) goto out;
	if (BN_is_zero(scalar) || BN_cmp(scalar, EC_GROUP_get0_order(group)) >= 0) goto out;
	if (EC_POINT_mul(group, point, scalar, NULL, NULL, NULL) != 1) goto out;
	done = EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, 65, NULL) == 65;
out:
	BN_clear_free(scalar);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return done;
}

EVP_PKEY *ck_soft_p256_key(const uint8_t secret[32])
{
	uint8_t public_point[65];
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *context = NULL;
	OSSL_PARAM *params = NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *scalar = BN_bin2bn(secret, 32, NULL);
	if (build == NULL || scalar == NULL || !ck_soft_p256_public(secret, public_point)) goto out;
	if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1
	    || OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public_point, sizeof public_point) != 1
	    || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1)
		goto out;
	params = OSSL_PARAM_BLD_to_param(build);
	context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1) goto out;
	if (EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params) != 1) key = NULL;
out:
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(scalar);
	return key;
}

static void draw(uint8_t *out, size_t length, const char *seed, const char *purpose)
{
	if (seed == NULL) {
		randombytes_buf(out, length);
		return;
	}
	crypto_hash_sha512_state state;
	uint8_t digest[64];
	crypto_hash_sha512_init(&state);
	crypto_hash_sha512_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
	crypto_hash_sha512_update(&state, (const uint8_t *)seed, strlen(seed));
	crypto_hash_sha512_final(&state, digest);
	memcpy(out, digest, length < sizeof digest ? length : sizeof digest);
}

bool ck_soft_derive_public_key(struct ck_soft_credential *credential)
{
	/* CTAP 2.1, 8: canonical order of the keys 1 (kty), 3 (alg), -1 (crv), -2 (x), -3 (y) */
	static const uint8_t es256_head[] = {0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32};
	static const uint8_t es256_y[] = {0x22, 0x58, 32};
	static const uint8_t eddsa_head[] = {0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32};
	struct ck_writer w;
	ck_writer_init(&w, credential->cose, sizeof credential->cose);
	if (credential->algorithm == CK_SOFT_ES256) {
		uint8_t point[65];
		if (!ck_soft_p256_public(credential->secret, point)) return false;
		ck_put_bytes(&w, es256_head, sizeof es256_head);
		ck_put_bytes(&w, point + 1, 32);
		ck_put_bytes(&w, es256_y, sizeof es256_y);
		ck_put_bytes(&w, point + 33, 32);
	} else if (credential->algorithm == CK_SOFT_RS256) {
		if (!ck_soft_put_rsa_public_key(credential, &w)) return false;
	} else {
		uint8_t public_key[32], secret_key[64];
		crypto_sign_seed_keypair(public_key, secret_key, credential->secret);
		ck_put_bytes(&w, eddsa_head, sizeof eddsa_head);
		ck_put_bytes(&w, public_key, sizeof public_key);
	}
	credential->cose_length = ck_writer_length(&w);
	return !w.failed;
}

bool ck_soft_make_credential(struct ck_soft_credential *out, const char *rp_id, int algorithm, const char *seed)
{
	*out = (struct ck_soft_credential){.algorithm = algorithm, .id_length = CK_SOFT_ID_BYTES, .user_id_length = 16, .protection = 1};
	if (sodium_init() < 0) return false;
	if (ck_text_copy(out->rp_id, sizeof out->rp_id, ck_text_of(rp_id)) != CK_OK) return false;
	draw(out->secret, sizeof out->secret, seed, "secret");
	draw(out->id, out->id_length, seed, "id");
	draw(out->user_id, out->user_id_length, seed, "user");
	/* keeps a P-256 scalar below the order and above zero */
	if (algorithm == CK_SOFT_ES256) out->secret[0] = (uint8_t)((out->secret[0] & 0x7f) | 0x01);
	if (algorithm == CK_SOFT_RS256 && !ck_soft_draw_rsa(out, 2048, 65537)) return false;
	return ck_soft_derive_public_key(out);
}

size_t ck_soft_sign_p256(const uint8_t secret[32], const uint8_t *message, size_t length, uint8_t *signature)
{
	size_t signature_length = 80;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY *key = ck_soft_p256_key(secret);
	if (context == NULL || key == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1
	    || EVP_DigestSign(context, signature, &signature_length, message, length) != 1)
		signature_length = 0;
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(context);
	return signature_length;
}

size_t ck_soft_sign(const struct ck_soft_credential *credential, struct ck_bytes auth_data, const uint8_t *client_data_hash,
                    uint8_t *signature)
{
	uint8_t message[2048];
	struct ck_writer w;
	ck_writer_init(&w, message, sizeof message);
	ck_put_bytes(&w, auth_data.at, auth_data.length);
	ck_put_bytes(&w, client_data_hash, 32);
	if (w.failed) return 0;
	if (credential->algorithm == CK_SOFT_ES256) return ck_soft_sign_p256(credential->secret, message, ck_writer_length(&w), signature);
	if (credential->algorithm == CK_SOFT_RS256) return ck_soft_sign_rsa(credential, message, ck_writer_length(&w), signature);
	uint8_t public_key[32], secret_key[64];
	crypto_sign_seed_keypair(public_key, secret_key, credential->secret);
	crypto_sign_detached(signature, NULL, message, ck_writer_length(&w), secret_key);
	return 64;
}

void ck_soft_hash_rp_id(const char *rp_id, uint8_t out[32])
{
	if (rp_id[0] == '#' && ck_hex_decode(ck_text_of(rp_id + 1), out, 32) == CK_OK) return;
	crypto_hash_sha256(out, (const uint8_t *)rp_id, strlen(rp_id));
}

static void put_head(struct ck_writer *w, const char *rp_id, unsigned flags, uint32_t count)
{
	uint8_t hash[32];
	ck_soft_hash_rp_id(rp_id, hash);
	ck_put_bytes(w, hash, sizeof hash);
	ck_put_u8(w, (uint8_t)flags);
	ck_put_u32be(w, count);
}

size_t ck_soft_put_assertion_data(const char *rp_id, unsigned flags, uint32_t count, uint8_t *out, size_t limit_bytes)
{
	struct ck_writer w;
	ck_writer_init(&w, out, limit_bytes);
	put_head(&w, rp_id, flags, count);
	return w.failed ? 0 : ck_writer_length(&w);
}

size_t ck_soft_put_registration_data(const struct ck_soft_credential *credential, unsigned flags, struct ck_bytes extensions, uint8_t *out,
                                     size_t limit_bytes)
{
	struct ck_writer w;
	ck_writer_init(&w, out, limit_bytes);
	put_head(&w, credential->rp_id, flags, credential->count);
	static const uint8_t none[sizeof ck_soft_aaguid];
	ck_put_bytes(&w, credential->u2f ? none : ck_soft_aaguid, sizeof ck_soft_aaguid);
	ck_put_u16be(&w, (uint16_t)credential->id_length);
	ck_put_bytes(&w, credential->id, credential->id_length);
	ck_put_bytes(&w, credential->cose, credential->cose_length);
	if (extensions.length > 0) ck_put_bytes(&w, extensions.at, extensions.length);
	return w.failed ? 0 : ck_writer_length(&w);
}

size_t ck_soft_put_self_statement(int algorithm, const uint8_t *signature, size_t length, uint8_t *out, size_t limit_bytes)
{
	static const struct ck_soft_maker nobody;
	return ck_soft_put_packed_statement(algorithm, signature, length, &nobody, out, limit_bytes);
}

bool ck_soft_make_assertion(struct ck_soft_credential *credential, const uint8_t *client_data_hash, bool verified,
                            struct ck_soft_assertion *out)
{
	unsigned flags = CK_SOFT_UP | (verified ? CK_SOFT_UV : 0u);
	credential->count++;
	out->auth_data_length = ck_soft_put_assertion_data(credential->rp_id, flags, credential->count, out->auth_data, sizeof out->auth_data);
	out->signature_length = ck_soft_sign(credential, (struct ck_bytes){out->auth_data, out->auth_data_length}, client_data_hash,
	                                     out->signature);
	return out->signature_length > 0;
}

bool ck_soft_make_registration(struct ck_soft_credential *credential, const uint8_t *client_data_hash, bool verified, bool packed,
                               struct ck_soft_registration *out)
{
	unsigned flags = CK_SOFT_UP | CK_SOFT_AT | (verified ? CK_SOFT_UV : 0u);
	*out = (struct ck_soft_registration){0};
	out->auth_data_length = ck_soft_put_registration_data(credential, flags, (struct ck_bytes){NULL, 0}, out->auth_data,
	                                                      sizeof out->auth_data);
	if (!packed) {
		memcpy(out->format, "none", 5);
		out->statement[0] = 0xa0;
		out->statement_length = 1;
		return out->auth_data_length > 0;
	}
	uint8_t signature[CK_SOFT_SIGNATURE_LIMIT_BYTES];
	memcpy(out->format, "packed", 7);
	size_t length = ck_soft_sign(credential, (struct ck_bytes){out->auth_data, out->auth_data_length}, client_data_hash, signature);
	out->statement_length = ck_soft_put_self_statement(credential->algorithm, signature, length, out->statement, sizeof out->statement);
	return out->auth_data_length > 0 && length > 0 && out->statement_length > 0;
}
