/* The PIN/UV auth protocols of the software authenticator, one and two (CTAP 2.1, 6.5.6 and 6.5.7). */
#include "tests/fakes/soft_device.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <string.h>

#define IV_BYTES 16

/* The x coordinate of our secret times their point. */
static bool agree(const struct ck_soft_device *device, const cbor_item_t *cose, uint8_t out[32])
{
	bool done = false;
	struct ck_bytes x = ck_soft_bytes(ck_soft_at(cose, -2)), y = ck_soft_bytes(ck_soft_at(cose, -3));
	uint8_t encoded[65] = {POINT_CONVERSION_UNCOMPRESSED}, product[65];
	if (x.length != 32 || y.length != 32) return false;
	memcpy(encoded + 1, x.at, 32);
	memcpy(encoded + 33, y.at, 32);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	BIGNUM *scalar = BN_bin2bn(device->agreement_secret, 32, NULL);
	if (point != NULL && scalar != NULL && EC_POINT_oct2point(group, point, encoded, sizeof encoded, NULL) == 1
	    && EC_POINT_mul(group, point, NULL, point, scalar, NULL) == 1
	    && EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, product, sizeof product, NULL) == sizeof product) {
		memcpy(out, product + 1, 32);
		done = true;
	}
	BN_clear_free(scalar);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return done;
}

/* HKDF-SHA-256 (RFC 5869), salt of 32 zero bytes, one block. */
static void derive(const uint8_t z[32], const char *info, uint8_t out[32])
{
	static const uint8_t salt[32];
	uint8_t extracted[32];
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, salt, sizeof salt);
	crypto_auth_hmacsha256_update(&state, z, 32);
	crypto_auth_hmacsha256_final(&state, extracted);
	crypto_auth_hmacsha256_init(&state, extracted, sizeof extracted);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)info, strlen(info));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)"\x01", 1);
	crypto_auth_hmacsha256_final(&state, out);
}

bool ck_soft_share_secret(const struct ck_soft_device *device, int64_t protocol, const cbor_item_t *cose, uint8_t shared[64])
{
	uint8_t z[32];
	if (!agree(device, cose, z)) return false;
	if (protocol == 2) {
		derive(z, "CTAP2 HMAC key", shared);
		derive(z, "CTAP2 AES key", shared + 32);
	} else {
		crypto_hash_sha256(shared, z, 32);
		memcpy(shared + 32, shared, 32);
	}
	return true;
}

static bool aes_cbc(const uint8_t key[32], const uint8_t iv[IV_BYTES], struct ck_bytes in, bool encrypt, uint8_t *out)
{
	int length = 0;
	if (in.length == 0 || in.length % 16 != 0 || in.length > 64) return false;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool done = context != NULL && EVP_CipherInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv, encrypt) == 1
	            && EVP_CIPHER_CTX_set_padding(context, 0) == 1
	            && EVP_CipherUpdate(context, out, &length, in.at, (int)in.length) == 1 && (size_t)length == in.length;
	EVP_CIPHER_CTX_free(context);
	return done;
}

size_t ck_soft_encrypt(const uint8_t shared[64], int64_t protocol, struct ck_bytes plain, uint8_t out[80])
{
	static const uint8_t zero[IV_BYTES];
	if (protocol != 2) return aes_cbc(shared + 32, zero, plain, true, out) ? plain.length : 0;
	randombytes_buf(out, IV_BYTES);
	return aes_cbc(shared + 32, out, plain, true, out + IV_BYTES) ? IV_BYTES + plain.length : 0;
}

size_t ck_soft_decrypt(const uint8_t shared[64], int64_t protocol, struct ck_bytes cipher, uint8_t out[64])
{
	static const uint8_t zero[IV_BYTES];
	if (protocol != 2) return aes_cbc(shared + 32, zero, cipher, false, out) ? cipher.length : 0;
	if (cipher.length <= IV_BYTES) return 0;
	struct ck_bytes inner = {cipher.at + IV_BYTES, cipher.length - IV_BYTES};
	return aes_cbc(shared + 32, cipher.at, inner, false, out) ? inner.length : 0;
}

bool ck_soft_mac_is(const uint8_t *key, size_t key_length, int64_t protocol, struct ck_bytes a, struct ck_bytes b, struct ck_bytes expected)
{
	crypto_auth_hmacsha256_state state;
	uint8_t mac[32];
	if (expected.length != (protocol == 2 ? 32 : 16)) return false;
	crypto_auth_hmacsha256_init(&state, key, key_length);
	crypto_auth_hmacsha256_update(&state, a.at, a.length);
	if (b.length > 0) crypto_auth_hmacsha256_update(&state, b.at, b.length);
	crypto_auth_hmacsha256_final(&state, mac);
	return sodium_memcmp(mac, expected.at, expected.length) == 0;
}
