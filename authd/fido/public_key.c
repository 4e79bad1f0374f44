/* Public keys as COSE_Key (RFC 9053) and whether they are sound. A key that is not would let anybody sign: Ed25519 under a point of small
   order is accepted by OpenSSL for forged signatures. Trusts nothing. */
#include "authd/fido/internal.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <string.h>

/* CTAP 2.1, 8 and WebAuthn Level 2, 6.5.1.1: the keys of the map come in canonical order and there are no others, so the encoding has one
   possible shape per algorithm: kty (1), alg (3), crv (-1), x (-2) [, y (-3)]. RS256: rs256.c. */
struct field {
	const char *name;
	uint8_t bytes[4]; /* what must stand there */
	size_t length;
	bool coordinate; /* 32 bytes follow */
};
static const struct field es256_fields[] = {
	{"the map of five entries", {0xa5}, 1, false}, {"kty EC2", {0x01, 0x02}, 2, false}, {"alg ES256", {0x03, 0x26}, 2, false},
	{"crv P-256", {0x20, 0x01}, 2, false},         {"x", {0x21, 0x58, 32}, 3, true},     {"y", {0x22, 0x58, 32}, 3, true},
};
static const struct field eddsa_fields[] = {
	{"the map of four entries", {0xa4}, 1, false}, {"kty OKP", {0x01, 0x01}, 2, false}, {"alg EdDSA", {0x03, 0x27}, 2, false},
	{"crv Ed25519", {0x20, 0x06}, 2, false},       {"x", {0x21, 0x58, 32}, 3, true},
};

static const uint8_t p256_prime[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* The y coordinates (little-endian, sign bit apart) of the points of order 1, 2, 4, 8, 8. */
static const uint8_t small_order[][32] = {
	{1},
	{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	{0},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
	 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
	 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

/* y < 2^255 - 19, the sign bit apart. */
static bool ed25519_is_canonical(const uint8_t x[32])
{
	if ((x[31] & 0x7f) != 0x7f) return true;
	for (int i = 30; i > 0; i--)
		if (x[i] != 0xff) return true;
	return x[0] < 0xed;
}

static bool ed25519_is_small(const uint8_t x[32])
{
	uint8_t y[32];
	memcpy(y, x, sizeof y);
	y[31] &= 0x7f;
	for (size_t i = 0; i < sizeof small_order / sizeof small_order[0]; i++)
		if (memcmp(y, small_order[i], sizeof y) == 0) return true; /* public: no secret to keep by constant time */
	return false;
}

static enum ck_error get_fields(struct ck_bytes cose, const struct field *fields, size_t count, const uint8_t **coordinates,
                                struct ck_errmsg *err)
{
	struct ck_reader r;
	ck_reader_init(&r, cose.at, cose.length);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = ck_get_bytes(&r, fields[i].length);
		if (at == NULL || memcmp(at, fields[i].bytes, fields[i].length) != 0)
			return ck_fail(err, CK_ERR_DENIED, "the public key does not have %s where it must", fields[i].name);
		if (fields[i].coordinate) *coordinates++ = ck_get_bytes(&r, 32);
	}
	if (!ck_reader_done(&r)) return ck_fail(err, CK_ERR_DENIED, "the public key is too short or too long");
	return CK_OK;
}

enum ck_error ck_fido_parse_public_key(struct ck_bytes cose, struct ck_fido_public_key *out, struct ck_errmsg *err)
{
	const uint8_t *coordinates[2] = {NULL, NULL};
	enum ck_error error;
	*out = (struct ck_fido_public_key){0};
	bool four = cose.length > 2 && cose.at[0] == eddsa_fields[0].bytes[0];
	if (four && cose.at[2] == 3) return ck_fido_parse_rs256(cose, out, err); /* kty RSA */
	bool eddsa = four;
	if (eddsa) error = get_fields(cose, eddsa_fields, sizeof eddsa_fields / sizeof eddsa_fields[0], coordinates, err);
	else error = get_fields(cose, es256_fields, sizeof es256_fields / sizeof es256_fields[0], coordinates, err);
	if (error != CK_OK) return error;
	if (eddsa) {
		if (!ed25519_is_canonical(coordinates[0])) return ck_fail(err, CK_ERR_DENIED, "the public key's point is not canonical");
		if (ed25519_is_small(coordinates[0])) return ck_fail(err, CK_ERR_DENIED, "the public key's point is of small order");
	} else {
		if (memcmp(coordinates[0], p256_prime, 32) >= 0 || memcmp(coordinates[1], p256_prime, 32) >= 0)
			return ck_fail(err, CK_ERR_DENIED, "the public key's point is not canonical");
	}
	out->algorithm = eddsa ? CK_FIDO_EDDSA : CK_FIDO_ES256;
	out->x = coordinates[0];
	out->y = coordinates[1];
	return CK_OK;
}

static enum ck_error check_p256(const struct ck_fido_public_key *key, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_MEMORY;
	uint8_t encoded[65] = {POINT_CONVERSION_UNCOMPRESSED};
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group != NULL ? EC_POINT_new(group) : NULL;
	if (point == NULL) goto out;
	memcpy(encoded + 1, key->x, 32);
	memcpy(encoded + 33, key->y, 32);
	/* refuses coordinates that are not below the prime and points off the curve; infinity has no such form */
	if (EC_POINT_oct2point(group, point, encoded, sizeof encoded, NULL) != 1 || EC_POINT_is_at_infinity(group, point) != 0) {
		error = ck_fail(err, CK_ERR_DENIED, "the public key's point is not on P-256");
		goto out;
	}
	error = CK_OK;
out:
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return error;
}

enum ck_error ck_fido_check_public_key(struct ck_bytes cose, enum ck_fido_algorithm *out, struct ck_errmsg *err)
{
	struct ck_fido_public_key key;
	enum ck_error error = ck_fido_parse_public_key(cose, &key, err);
	if (error == CK_OK && key.algorithm == CK_FIDO_ES256) error = check_p256(&key, err);
	if (error == CK_OK && key.algorithm == CK_FIDO_RS256) error = ck_fido_check_rs256(&key, err);
	if (error == CK_OK && key.algorithm == CK_FIDO_EDDSA && crypto_core_ed25519_is_valid_point(key.x) != 1)
		error = ck_fail(err, CK_ERR_DENIED, "the public key is no point of the prime-order group of Ed25519");
	if (error != CK_OK) return error;
	*out = key.algorithm;
	return CK_OK;
}
