/* clientPIN of the software authenticator: PIN/UV auth protocol 1 (CTAP 2.0, 5.5). */
#include "tests/fakes/soft_device.h"

#include <fido/err.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <string.h>

bool ck_soft_renew_agreement(struct ck_soft_device *device)
{
	randombytes_buf(device->pin_token, sizeof device->pin_token);
	randombytes_buf(device->agreement_secret, sizeof device->agreement_secret);
	device->agreement_secret[0] = (uint8_t)((device->agreement_secret[0] & 0x7f) | 1);
	return ck_soft_p256_public(device->agreement_secret, device->agreement_public);
}

/* SHA-256 of the x coordinate of our secret times their point. */
static bool shared_secret(const struct ck_soft_device *device, const cbor_item_t *cose, uint8_t out[32])
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
		crypto_hash_sha256(out, product + 1, 32);
		done = true;
	}
	BN_clear_free(scalar);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return done;
}

static bool aes_cbc(const uint8_t key[32], struct ck_bytes in, bool encrypt, uint8_t *out)
{
	static const uint8_t zero[16];
	int length = 0;
	if (in.length == 0 || in.length % 16 != 0 || in.length > 64) return false;
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool done = context != NULL && EVP_CipherInit_ex(context, EVP_aes_256_cbc(), NULL, key, zero, encrypt) == 1
	            && EVP_CIPHER_CTX_set_padding(context, 0) == 1
	            && EVP_CipherUpdate(context, out, &length, in.at, (int)in.length) == 1 && (size_t)length == in.length;
	EVP_CIPHER_CTX_free(context);
	return done;
}

static bool hmac_is(const uint8_t *key, size_t key_length, struct ck_bytes a, struct ck_bytes b, struct ck_bytes expected)
{
	crypto_auth_hmacsha256_state state;
	uint8_t mac[32];
	if (expected.length != 16) return false;
	crypto_auth_hmacsha256_init(&state, key, key_length);
	crypto_auth_hmacsha256_update(&state, a.at, a.length);
	if (b.length > 0) crypto_auth_hmacsha256_update(&state, b.at, b.length);
	crypto_auth_hmacsha256_final(&state, mac);
	return sodium_memcmp(mac, expected.at, 16) == 0;
}

bool ck_soft_pin_auth_valid(const struct ck_soft_device *device, struct ck_bytes pin_auth, struct ck_bytes client_data_hash)
{
	return hmac_is(device->pin_token, sizeof device->pin_token, client_data_hash, (struct ck_bytes){NULL, 0}, pin_auth);
}

struct pin_try {
	const uint8_t *hash;
	uint8_t status;
};

/* Counts the try down before it looks, as the standard demands. */
static void try_pin(struct ck_soft_state *state, void *context)
{
	struct pin_try *attempt = context;
	if (!state->pin_set) attempt->status = FIDO_ERR_PIN_NOT_SET;
	else if (state->retries == 0) attempt->status = FIDO_ERR_PIN_BLOCKED;
	else if (state->wrong_in_a_row >= CK_SOFT_PIN_TRIES_IN_A_ROW) attempt->status = FIDO_ERR_PIN_AUTH_BLOCKED;
	else if (sodium_memcmp(state->pin_hash, attempt->hash, sizeof state->pin_hash) == 0) {
		state->retries = CK_SOFT_PIN_TRIES;
		state->wrong_in_a_row = 0;
		attempt->status = FIDO_OK;
	} else {
		state->retries--;
		state->wrong_in_a_row++;
		if (state->retries == 0) attempt->status = FIDO_ERR_PIN_BLOCKED;
		else if (state->wrong_in_a_row >= CK_SOFT_PIN_TRIES_IN_A_ROW) attempt->status = FIDO_ERR_PIN_AUTH_BLOCKED;
		else attempt->status = FIDO_ERR_PIN_INVALID;
	}
}

static uint8_t check_pin_hash(struct ck_soft_device *device, const uint8_t secret[32], const cbor_item_t *map)
{
	uint8_t hash[64];
	struct ck_bytes encrypted = ck_soft_bytes(ck_soft_at(map, 6));
	struct pin_try attempt = {hash, FIDO_ERR_ERR_OTHER};
	if (encrypted.length != 16 || !aes_cbc(secret, encrypted, false, hash)) return FIDO_ERR_MISSING_PARAMETER;
	if (ck_soft_update(device->path, try_pin, &attempt, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	if (attempt.status != FIDO_OK && !ck_soft_renew_agreement(device)) return FIDO_ERR_ERR_OTHER;
	return attempt.status;
}

struct new_pin {
	char pin[65];
	bool done;
};

static void store_pin(struct ck_soft_state *state, void *context)
{
	struct new_pin *new_pin = context;
	new_pin->done = ck_soft_set_pin(state, new_pin->pin);
}

static uint8_t set_pin(struct ck_soft_device *device, const uint8_t secret[32], const cbor_item_t *map, bool change)
{
	struct new_pin new_pin = {{0}, false};
	struct ck_bytes encrypted = ck_soft_bytes(ck_soft_at(map, 5)), old_hash = ck_soft_bytes(ck_soft_at(map, 6));
	if (encrypted.length != 64 || (change && old_hash.length != 16)) return FIDO_ERR_MISSING_PARAMETER;
	if (!change) old_hash.length = 0;
	if (!hmac_is(secret, 32, encrypted, old_hash, ck_soft_bytes(ck_soft_at(map, 4)))) return FIDO_ERR_PIN_AUTH_INVALID;
	if (change) {
		uint8_t status = check_pin_hash(device, secret, map);
		if (status != FIDO_OK) return status;
	} else if (device->state.pin_set) {
		return FIDO_ERR_PIN_AUTH_INVALID;
	}
	if (!aes_cbc(secret, encrypted, false, (uint8_t *)new_pin.pin)) return FIDO_ERR_ERR_OTHER;
	if (ck_soft_update(device->path, store_pin, &new_pin, NULL) != CK_OK) return FIDO_ERR_ERR_OTHER;
	sodium_memzero(new_pin.pin, sizeof new_pin.pin);
	return new_pin.done ? FIDO_OK : FIDO_ERR_PIN_POLICY_VIOLATION;
}

static uint8_t get_pin_token(struct ck_soft_device *device, const uint8_t secret[32], const cbor_item_t *map, struct ck_writer *out)
{
	uint8_t encrypted[64];
	uint8_t status = check_pin_hash(device, secret, map);
	if (status != FIDO_OK) return status;
	if (!aes_cbc(secret, (struct ck_bytes){device->pin_token, sizeof device->pin_token}, true, encrypted)) return FIDO_ERR_ERR_OTHER;
	ck_soft_put_head(out, 5, 1);
	ck_put_u8(out, 2);
	ck_soft_put_bytes(out, encrypted, sizeof device->pin_token);
	return FIDO_OK;
}

static uint8_t get_retries(const struct ck_soft_device *device, struct ck_writer *out)
{
	ck_soft_put_head(out, 5, 1);
	ck_put_u8(out, 3);
	ck_soft_put_head(out, 0, device->state.retries);
	return FIDO_OK;
}

static uint8_t get_agreement(const struct ck_soft_device *device, struct ck_writer *out)
{
	static const uint8_t head[] = {0xa1, 1, 0xa5, 1, 2, 3, 0x38, 0x18, 0x20, 1, 0x21}; /* kty EC2, alg ECDH-ES+HKDF-256, crv P-256 */
	ck_put_bytes(out, head, sizeof head);
	ck_soft_put_bytes(out, device->agreement_public + 1, 32);
	ck_put_u8(out, 0x22);
	ck_soft_put_bytes(out, device->agreement_public + 33, 32);
	return FIDO_OK;
}

uint8_t ck_soft_run_client_pin(struct ck_soft_device *device, const cbor_item_t *map, struct ck_writer *out)
{
	uint8_t secret[32];
	int64_t command = ck_soft_integer(ck_soft_at(map, 2));
	if (ck_soft_integer(ck_soft_at(map, 1)) != 1) return FIDO_ERR_INVALID_PARAMETER;
	if (command == 1) return get_retries(device, out);
	if (command == 2) return get_agreement(device, out);
	if (!shared_secret(device, ck_soft_at(map, 3), secret)) return FIDO_ERR_MISSING_PARAMETER;
	if (command == 3 || command == 4) return set_pin(device, secret, map, command == 4);
	if (command == 5) return get_pin_token(device, secret, map, out);
	return FIDO_ERR_UNSUPPORTED_OPTION;
}
