/* RS256: one good key, assertion and registration of each size, then one test for each single thing that is wrong. */
#include <fido.h>
#include <fido/rs256.h>
#include <stdlib.h>

#include "authd/fido/internal.h"
#include "tests/unit/attestation_fixture.h"
#include "tests/unit/suite.h"

static const struct {
	unsigned bits;
	uint64_t exponent;
} sizes[] = {{2048, 65537}, {2049, 65537}, {3072, 65537}, {4096, 65537}, {2048, UINT64_C(0xffffffffffffffc5)},
             {4096, UINT64_C(0xffffffffffffffc5)}};
#define SIZES (sizeof sizes / sizeof sizes[0])
#define FIRST_4096 3
static EVP_PKEY *keys[SIZES], *other_key;

/* ---- keys ---- */

static struct {
	uint8_t n[600], e[16], cose[700];
	size_t n_length, e_length, cose_length;
	struct ck_errmsg err;
} k;

static void take_numbers(EVP_PKEY *key)
{
	k.n_length = number_of(key, OSSL_PKEY_PARAM_RSA_N, k.n, sizeof k.n);
	k.e_length = number_of(key, OSSL_PKEY_PARAM_RSA_E, k.e, sizeof k.e);
}

static void take_big(const BIGNUM *n) { k.n_length = (size_t)BN_bn2bin(n, k.n); }

static void expect_key(bool good, const char *sentence)
{
	enum ck_fido_algorithm algorithm = CK_FIDO_ES256;
	enum ck_error error = ck_fido_check_public_key((struct ck_bytes){k.cose, k.cose_length}, &algorithm, &k.err);
	ck_assert_msg(error == (good ? CK_OK : CK_ERR_DENIED), "%s: %s", ck_error_name(error), k.err.text);
	if (good) ck_assert_int_eq(algorithm, CK_FIDO_RS256);
	else ck_assert_msg(strstr(k.err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", k.err.text, sentence);
}

static void expect_numbers(bool good, const char *sentence)
{
	k.cose_length = put_rsa_cose(k.n, k.n_length, k.e, k.e_length, k.cose, sizeof k.cose);
	expect_key(good, sentence);
}

/* Once, before the tests are forked. */
static void make_keys(void)
{
	for (size_t i = 0; i < SIZES; i++) keys[i] = new_rsa_key(sizes[i].bits, sizes[i].exponent);
	other_key = new_rsa_key(2048, 65537);
}

static void free_keys(void)
{
	for (size_t i = 0; i < SIZES; i++) EVP_PKEY_free(keys[i]);
	EVP_PKEY_free(other_key);
}

static void setup(void)
{
	memset(&k, 0, sizeof k);
	take_numbers(keys[0]);
	k.cose_length = put_rsa_cose(k.n, k.n_length, k.e, k.e_length, k.cose, sizeof k.cose);
}

START_TEST(key_good)
{
	take_numbers(keys[_i]);
	expect_numbers(true, "");
	ck_assert_uint_le(k.cose_length, CK_PUBLIC_KEY_LIMIT_BYTES);
}
END_TEST

static const struct {
	int p, q, bits;
} wrong_bits[] = {{512, 512, 1024}, {1024, 1023, 2047}, {2049, 2048, 4097}};

START_TEST(key_bits)
{
	char sentence[64];
	BIGNUM *p = BN_new(), *q = BN_new(), *n = BN_new();
	BN_CTX *context = BN_CTX_new();
	do { /* OpenSSL's own keys have an even number of bits above 4096 */
		ck_assert(BN_generate_prime_ex(p, wrong_bits[_i].p, 0, NULL, NULL, NULL) == 1 &&
		          BN_generate_prime_ex(q, wrong_bits[_i].q, 0, NULL, NULL, NULL) == 1 && BN_mul(n, p, q, context) == 1);
	} while (BN_num_bits(n) != wrong_bits[_i].bits);
	take_big(n);
	snprintf(sentence, sizeof sentence, "the public key has %d bits", wrong_bits[_i].bits);
	expect_numbers(false, sentence);
	BN_CTX_free(context);
	BN_free(n);
	BN_free(q);
	BN_free(p);
}
END_TEST

START_TEST(key_exponent_3)
{
	EVP_PKEY *key = new_rsa_key(2048, 3);
	take_numbers(key);
	expect_numbers(false, "exponent");
	EVP_PKEY_free(key);
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
	const char *sentence;
} wrong_exponents[] = {
	{"\x01", 1, "exponent"}, {"\xff\xff", 2, "exponent"}, {"\x01\x00\x00", 3, "exponent"}, {"\x01\x00\x02", 3, "exponent"},
	{"\x01\x00\x00\x00\x00\x00\x00\x00\x0d", 9, "exponent"}, {"\x00\x01\x00\x01", 4, "canonical"}, {"\x00", 1, "canonical"},
	{"", 0, "none for RS256"},
};

START_TEST(key_exponent)
{
	k.e_length = wrong_exponents[_i].length;
	memcpy(k.e, wrong_exponents[_i].bytes, k.e_length);
	expect_numbers(false, wrong_exponents[_i].sentence);
}
END_TEST

START_TEST(key_modulus_form)
{
	k.n[k.n_length - 1] ^= 1;
	expect_numbers(false, "even");
	k.n[k.n_length - 1] ^= 1;
	memmove(k.n + 1, k.n, k.n_length++);
	k.n[0] = 0;
	expect_numbers(false, "canonical");
	k.n_length = 0;
	expect_numbers(false, "none for RS256");
}
END_TEST

START_TEST(key_modulus_prime)
{
	BIGNUM *n = BN_new();
	ck_assert(BN_generate_prime_ex(n, 2048, 0, NULL, NULL, NULL) == 1);
	take_big(n);
	expect_numbers(false, "prime number");
	BN_free(n);
}
END_TEST

START_TEST(key_modulus_square)
{
	BIGNUM *p = BN_new(), *n = BN_new();
	BN_CTX *context = BN_CTX_new();
	do { /* 2048 bits, and not one less */
		ck_assert(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL) == 1 && BN_sqr(n, p, context) == 1);
	} while (BN_num_bits(n) != 2048);
	take_big(n);
	expect_numbers(false, "two primes");
	BN_CTX_free(context);
	BN_free(n);
	BN_free(p);
}
END_TEST

START_TEST(key_modulus_small_factor)
{
	BIGNUM *p = BN_new();
	ck_assert(BN_generate_prime_ex(p, 2048, 0, NULL, NULL, NULL) == 1 && BN_mul_word(p, 3) == 1);
	take_big(p);
	expect_numbers(false, "two primes");
	BN_free(p);
}
END_TEST

START_TEST(key_cut_or_longer)
{
	size_t whole = k.cose_length;
	expect_key(true, "");
	for (k.cose_length = 0; k.cose_length < whole; k.cose_length++) expect_key(false, "");
	k.cose[whole] = 0;
	k.cose_length = whole + 1;
	expect_key(false, "none for RS256");
}
END_TEST

/* kty, alg, the labels and heads: each other bit of them is another key or none */
START_TEST(key_each_bit_of_the_form)
{
	static const size_t form[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 267, 268}; /* n's length is taken for itself */
	for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			k.cose[form[i]] ^= (uint8_t)(1u << bit);
			expect_key(false, "");
			k.cose[form[i]] ^= (uint8_t)(1u << bit);
		}
	}
	expect_key(true, "");
}
END_TEST

START_TEST(key_length_not_shortest)
{
	/* e's head 43 as 58 03 */
	memmove(k.cose + 270, k.cose + 269, 3);
	k.cose[268] = 0x58;
	k.cose[269] = 3;
	k.cose_length++;
	expect_key(false, "none for RS256");
}
END_TEST

START_TEST(key_order)
{
	struct ck_writer w;
	ck_writer_init(&w, k.cose, sizeof k.cose);
	ck_put_bytes(&w, "\xa4\x01\x03\x03\x39\x01\x00\x21\x43\x01\x00\x01\x20\x59\x01\x00", 16);
	ck_put_bytes(&w, k.n, k.n_length);
	k.cose_length = ck_writer_length(&w);
	expect_key(false, "none for RS256");
}
END_TEST

/* ---- assertions ---- */

static struct {
	uint8_t cose[600], auth_data[37], signature[1100];
	struct ck_key key;
	struct ck_fido_assertion assertion;
	struct ck_fido_result result;
	struct ck_errmsg err;
} a;

static void sign_assertion(EVP_PKEY *key)
{
	struct ck_bytes parts[] = {a.assertion.auth_data, {challenge, 32}};
	a.assertion.signature = (struct ck_bytes){a.signature, sign(key, parts, 2, a.signature, sizeof a.signature)};
}

static void make_assertion(EVP_PKEY *key)
{
	static const uint8_t id[4] = {1, 2, 3, 4};
	memset(&a, 0, sizeof a);
	crypto_hash_sha256(a.auth_data, (const uint8_t *)RP, strlen(RP));
	a.auth_data[32] = UP | UV;
	a.auth_data[36] = 9;
	a.key = (struct ck_key){.credential_id = {id, 4}, .public_key = {a.cose, put_cose(key, a.cose, sizeof a.cose)}, .rp_id = ck_text_of(RP)};
	a.assertion = (struct ck_fido_assertion){.rp_id = a.key.rp_id, .client_data_hash = challenge, .credential_id = a.key.credential_id,
	                                         .auth_data = {a.auth_data, sizeof a.auth_data}, .verify = true};
	sign_assertion(key);
}

static void expect_assertion(bool good)
{
	enum ck_error error = ck_fido_verify_assertion(&a.key, &a.assertion, &a.result, &a.err);
	ck_assert_msg(error == (good ? CK_OK : CK_ERR_DENIED), "%s: %s", ck_error_name(error), a.err.text);
	ck_assert(a.result.verified == good && a.result.count == (good ? 9u : 0u));
	if (!good) ck_assert_str_eq(a.err.text, "the signature is not the key's over this challenge");
}

START_TEST(assertion_good)
{
	make_assertion(keys[_i]);
	expect_assertion(true);
}
END_TEST

/* What libfido2 can verify it judges alike. */
START_TEST(assertion_as_libfido2)
{
	rs256_pk_t *key = rs256_pk_new();
	fido_assert_t *assertion = fido_assert_new();
	make_assertion(keys[0]);
	take_numbers(keys[0]);
	memcpy(k.n + 256, k.e, 3);
	ck_assert_int_eq(rs256_pk_from_ptr(key, k.n, 259), FIDO_OK);
	for (int wrong = 0; wrong < 2; wrong++) {
		a.signature[100] ^= (uint8_t)wrong;
		expect_assertion(!wrong);
		ck_assert(fido_assert_set_count(assertion, 1) == FIDO_OK && fido_assert_set_rp(assertion, RP) == FIDO_OK &&
		          fido_assert_set_clientdata_hash(assertion, challenge, 32) == FIDO_OK &&
		          fido_assert_set_authdata_raw(assertion, 0, a.auth_data, sizeof a.auth_data) == FIDO_OK &&
		          fido_assert_set_sig(assertion, 0, a.signature, a.assertion.signature.length) == FIDO_OK);
		ck_assert_int_eq(fido_assert_verify(assertion, 0, COSE_RS256, key), wrong ? FIDO_ERR_INVALID_SIG : FIDO_OK);
	}
	fido_assert_free(&assertion);
	rs256_pk_free(&key);
}
END_TEST

START_TEST(assertion_signature_bit)
{
	make_assertion(keys[FIRST_4096]);
	for (size_t i = 0; i < a.assertion.signature.length; i++) {
		a.signature[i] ^= 0x10;
		expect_assertion(false);
		a.signature[i] ^= 0x10;
	}
	expect_assertion(true);
}
END_TEST

START_TEST(assertion_signature_length)
{
	make_assertion(keys[0]);
	a.assertion.signature.length = 257;
	expect_assertion(false);
	a.assertion.signature.length = 255;
	expect_assertion(false);
	a.assertion.signature.length = 1;
	expect_assertion(false);
}
END_TEST

START_TEST(assertion_data_differs)
{
	make_assertion(keys[0]);
	a.auth_data[36]++;
	expect_assertion(false);
}
END_TEST

START_TEST(assertion_by_another_key)
{
	make_assertion(keys[0]);
	sign_assertion(other_key);
	expect_assertion(false);
}
END_TEST

/* PSS, and PKCS #1 with another digest, are other algorithms. */
START_TEST(assertion_by_another_scheme)
{
	uint8_t message[69];
	size_t length = sizeof a.signature;
	EVP_PKEY_CTX *scheme = NULL;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	make_assertion(keys[0]);
	memcpy(message, a.auth_data, 37);
	memcpy(message + 37, challenge, 32);
	ck_assert(EVP_DigestSignInit(context, &scheme, _i == 0 ? EVP_sha256() : EVP_sha512(), NULL, keys[0]) == 1);
	if (_i == 0) ck_assert(EVP_PKEY_CTX_set_rsa_padding(scheme, RSA_PKCS1_PSS_PADDING) == 1);
	ck_assert(EVP_DigestSign(context, a.signature, &length, message, sizeof message) == 1);
	EVP_MD_CTX_free(context);
	expect_assertion(false);
}
END_TEST

START_TEST(assertion_with_extension)
{
	static uint8_t longer[37 + 14];
	make_assertion(keys[0]);
	a.auth_data[32] |= ED;
	memcpy(longer, a.auth_data, 37);
	memcpy(longer + 37, "\xa1\x6bhmac-secret\x40", 14);
	a.assertion.auth_data = (struct ck_bytes){longer, sizeof longer};
	sign_assertion(keys[0]);
	ck_assert_int_eq(ck_fido_verify_assertion(&a.key, &a.assertion, &a.result, &a.err), CK_ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(a.err.text, "hmac-secret"));
	longer[40] ^= 1; /* of another name nobody knows anything */
	sign_assertion(keys[0]);
	expect_assertion(true);
}
END_TEST

/* ---- registrations ---- */

static void make(struct made *m, EVP_PKEY *key)
{
	*m = (struct made){.rp_id = RP, .format = "packed", .flags = UP | UV, .id = {1}, .id_length = 32, .credential = key, .signer = key,
	                   .algorithm = CK_FIDO_RS256};
}

START_TEST(registration_self)
{
	static struct made m;
	make(&m, keys[_i]);
	make_all(&m);
	expect_granted(&m, "self");
	m.signature[50] ^= 1;
	make_statement(&m);
	offer(&m);
	expect_denied(&m, "signature is not the key's");
}
END_TEST

START_TEST(registration_longest)
{
	static struct made m;
	make(&m, keys[5]);
	m.id_length = CK_CREDENTIAL_ID_LIMIT_BYTES;
	make_all(&m);
	expect_granted(&m, "self");
	ck_assert_uint_eq(m.result.credential_id.length, CK_CREDENTIAL_ID_LIMIT_BYTES);
}
END_TEST

START_TEST(registration_none)
{
	static struct made m;
	make(&m, keys[0]);
	make_all(&m);
	m.format = "none";
	m.statement[0] = 0xa0;
	m.statement_length = 1;
	offer(&m);
	expect_granted(&m, "none");
}
END_TEST

START_TEST(registration_of_another_algorithm)
{
	static struct made m;
	make(&m, keys[0]);
	m.algorithm = CK_FIDO_ES256;
	make_all(&m);
	expect_denied(&m, "signed by algorithm -7, the key's is -257");
}
END_TEST

START_TEST(registration_unsound_key)
{
	static struct made m;
	EVP_PKEY *key = new_rsa_key(1024, 65537);
	make(&m, key);
	make_all(&m);
	expect_denied(&m, "1024 bits");
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("fido RS256");
	TCase *c = tcase_create("RS256");
	tcase_set_timeout(c, 120);
	tcase_add_unchecked_fixture(c, make_keys, free_keys);
	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_loop_test(c, key_good, 0, SIZES);
	tcase_add_loop_test(c, key_bits, 0, sizeof wrong_bits / sizeof wrong_bits[0]);
	tcase_add_test(c, key_exponent_3);
	tcase_add_loop_test(c, key_exponent, 0, sizeof wrong_exponents / sizeof wrong_exponents[0]);
	tcase_add_test(c, key_modulus_form);
	tcase_add_test(c, key_modulus_prime);
	tcase_add_test(c, key_modulus_square);
	tcase_add_test(c, key_modulus_small_factor);
	tcase_add_test(c, key_cut_or_longer);
	tcase_add_test(c, key_each_bit_of_the_form);
	tcase_add_test(c, key_length_not_shortest);
	tcase_add_test(c, key_order);
	tcase_add_loop_test(c, assertion_good, 0, SIZES);
	tcase_add_test(c, assertion_as_libfido2);
	tcase_add_test(c, assertion_signature_bit);
	tcase_add_test(c, assertion_signature_length);
	tcase_add_test(c, assertion_data_differs);
	tcase_add_test(c, assertion_by_another_key);
	tcase_add_loop_test(c, assertion_by_another_scheme, 0, 2);
	tcase_add_test(c, assertion_with_extension);
	tcase_add_loop_test(c, registration_self, 0, SIZES);
	tcase_add_test(c, registration_longest);
	tcase_add_test(c, registration_none);
	tcase_add_test(c, registration_of_another_algorithm);
	tcase_add_test(c, registration_unsound_key);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
