/* RSA keys for RS256 (RFC 8812): their form, and what of their soundness can be seen. libfido2 knows 2048 bits and an exponent of three bytes
   only, so these go to OpenSSL. Trusts nothing. */
#include "authd/fido/internal.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#define MODULUS_MIN_BITS 2048
#define MODULUS_LIMIT_BITS 4096
#define EXPONENT_LIMIT_BYTES 8 /* OpenSSL verifies with no longer one above 3072 bits, and each bit is a squaring */
#define EXPONENT_MIN 65537

static struct ck_bytes get_number(struct ck_reader *r, const uint8_t *before, size_t length)
{
	struct ck_bytes content;
	uint64_t number;
	const uint8_t *at = ck_get_bytes(r, length);
	if (at == NULL || memcmp(at, before, length) != 0) r->failed = true;
	if (ck_fido_get_head(r, &number, &content) != CK_FIDO_BYTES) r->failed = true;
	return r->failed ? (struct ck_bytes){NULL, 0} : content;
}

static size_t bits_of(struct ck_bytes number)
{
	size_t bits = 8 * (number.length - 1);
	for (unsigned top = number.at[0]; top > 0; top >>= 1) bits++;
	return bits;
}

static bool exponent_is_sound(struct ck_bytes exponent)
{
	uint64_t value = 0;
	if (exponent.length > EXPONENT_LIMIT_BYTES) return false;
	for (size_t i = 0; i < exponent.length; i++) value = value << 8 | exponent.at[i];
	return value >= EXPONENT_MIN && value % 2 == 1;
}

enum ck_error ck_fido_parse_rs256(struct ck_bytes cose, struct ck_fido_public_key *out, struct ck_errmsg *err)
{
	/* the map of four entries, kty RSA, alg RS256 (-257), n (-1) [, e (-2)]: CTAP2 canonical order */
	static const uint8_t before_modulus[] = {0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20}, before_exponent[] = {0x21};
	struct ck_reader r;
	ck_reader_init(&r, cose.at, cose.length);
	struct ck_bytes n = get_number(&r, before_modulus, sizeof before_modulus);
	struct ck_bytes e = get_number(&r, before_exponent, sizeof before_exponent);
	if (!ck_reader_done(&r) || n.length == 0 || e.length == 0)
		return ck_fail(err, CK_ERR_DENIED, "the public key is none for RS256: kty, alg, n and e were expected, and nothing else");
	if (n.at[0] == 0 || e.at[0] == 0) return ck_fail(err, CK_ERR_DENIED, "the public key's numbers are not canonical (RFC 8230, 4)");
	size_t bits = bits_of(n);
	if (bits < MODULUS_MIN_BITS || bits > MODULUS_LIMIT_BITS)
		return ck_fail(err, CK_ERR_DENIED, "the public key has %zu bits; RSA keys of %d to %d are taken", bits, MODULUS_MIN_BITS,
		               MODULUS_LIMIT_BITS);
	if (n.at[n.length - 1] % 2 == 0) return ck_fail(err, CK_ERR_DENIED, "the public key's modulus is even");
	if (!exponent_is_sound(e))
		return ck_fail(err, CK_ERR_DENIED, "the public key's exponent must be odd, at least %d and at most %d bits", EXPONENT_MIN,
		               8 * EXPONENT_LIMIT_BYTES);
	*out = (struct ck_fido_public_key){.algorithm = CK_FIDO_RS256, .modulus = n, .exponent = e};
	return CK_OK;
}

/* Whether 2^(n-1) is 1 modulo n: so it is for every prime, and for no product of two random ones. OpenSSL finds primes too, but takes a
   second or two to be sure of one, and whoever enrols chooses the number. */
static enum ck_error check_not_prime(struct ck_bytes modulus, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_MEMORY;
	BN_CTX *context = BN_CTX_new();
	BIGNUM *n = BN_bin2bn(modulus.at, (int)modulus.length, NULL), *exponent = BN_new(), *base = BN_new();
	if (context == NULL || n == NULL || exponent == NULL || base == NULL || BN_set_word(base, 2) != 1 || BN_copy(exponent, n) == NULL ||
	    BN_sub_word(exponent, 1) != 1 || BN_mod_exp(base, base, exponent, n, context) != 1)
		goto out;
	error = BN_is_one(base) ? ck_fail(err, CK_ERR_DENIED, "the public key's modulus is a prime number") : CK_OK;
out:
	BN_free(base);
	BN_free(exponent);
	BN_free(n);
	BN_CTX_free(context);
	return error;
}

enum ck_error ck_fido_check_rs256(const struct ck_fido_public_key *key, struct ck_errmsg *err)
{
	enum ck_error error = check_not_prime(key->modulus, err);
	if (error != CK_OK) return error;
	EVP_PKEY *native = ck_fido_new_native_key(key);
	EVP_PKEY_CTX *context = native != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, native, NULL) : NULL;
	error = ck_fail(err, CK_ERR_DENIED, "the public key's modulus is not a product of two primes that are kept secret");
	/* SP 800-56B, 6.4.2.2: no small factor, no power of a prime */
	if (context != NULL && EVP_PKEY_public_check(context) == 1) error = CK_OK;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(native);
	return error;
}
