/* Attestation by a maker's certificate, packed and fido-u2f: one good registration of each sort, then one test for each single thing that is
   wrong. Whether anybody trusts the maker: test_fido_roots.c. */
#include <fido.h>
#include <stdlib.h>

#include "authd/fido/internal.h"
#include "tests/unit/attestation_fixture.h"
#include "tests/unit/suite.h"

static EVP_PKEY *p256, *p384, *rsa, *weak_rsa, *ed25519, *credential_keys[3], *root_key;
static X509 *root;
static struct certificate_wish wish;
static struct made m;

static void make_keys(void)
{
	p256 = new_ec_key("P-256");
	p384 = new_ec_key("P-384");
	rsa = new_rsa_key(2048, 65537);
	weak_rsa = new_rsa_key(1024, 65537);
	ed25519 = new_ed25519_key();
	credential_keys[0] = new_ec_key("P-256");
	credential_keys[1] = new_ed25519_key();
	credential_keys[2] = new_rsa_key(2048, 65537);
	root_key = new_ec_key("P-256");
	struct certificate_wish authority = wish_authority("Key Makers Root");
	root = new_certificate(&authority, root_key, NULL, NULL);
}

static void free_keys(void)
{
	EVP_PKEY *const all[] = {p256, p384, rsa, weak_rsa, ed25519, credential_keys[0], credential_keys[1], credential_keys[2], root_key};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) EVP_PKEY_free(all[i]);
	X509_free(root);
}

static void setup(void)
{
	wish = wish_leaf();
	m = (struct made){.rp_id = RP, .format = "packed", .flags = UP | UV, .id = {1, 2, 3}, .id_length = 64, .credential = credential_keys[0],
	                  .signer = p256, .algorithm = CK_FIDO_ES256};
	memcpy(m.aaguid, model, sizeof model);
}

static void teardown(void)
{
	for (size_t i = 0; i < m.chain_length; i++)
		if (m.chain[i] != root) X509_free(m.chain[i]);
}

static void setup_u2f(void)
{
	setup();
	wish.model = NULL;
	m.format = "fido-u2f";
	m.flags = UP;
	m.algorithm = 0;
	memset(m.aaguid, 0, sizeof m.aaguid);
}

static void make(void)
{
	m.chain[0] = new_certificate(&wish, m.signer, root, root_key);
	m.chain_length = 1;
	make_all(&m);
}

/* ---- good ---- */

/* libfido2 looks at the signature alone, and finds the same. */
static void expect_libfido2(int wanted)
{
	fido_cred_t *credential = fido_cred_new();
	ck_assert(fido_cred_set_type(credential, cose_algorithm(m.credential)) == FIDO_OK && fido_cred_set_rp(credential, RP, NULL) == FIDO_OK &&
	          fido_cred_set_clientdata_hash(credential, challenge, 32) == FIDO_OK &&
	          fido_cred_set_authdata_raw(credential, m.auth_data, m.auth_data_length) == FIDO_OK &&
	          fido_cred_set_fmt(credential, m.format) == FIDO_OK &&
	          fido_cred_set_attstmt(credential, m.statement, m.statement_length) == FIDO_OK);
	ck_assert_int_eq(fido_cred_verify(credential), wanted);
	fido_cred_free(&credential);
}

START_TEST(packed_good)
{
	EVP_PKEY *const signers[] = {p256, rsa, ed25519};
	m.signer = signers[_i / 3];
	m.algorithm = cose_algorithm(m.signer);
	m.credential = credential_keys[_i % 3];
	make();
	expect_granted(&m, "certificate");
	ck_assert_mem_eq(m.result.aaguid, model, 16);
	ck_assert(m.result.verified && m.result.count == 7 && m.result.traits == 0);
	expect_libfido2(FIDO_OK);
}
END_TEST

START_TEST(packed_good_without_model)
{
	wish.model = NULL;
	make();
	expect_granted(&m, "certificate");
}
END_TEST

START_TEST(packed_good_with_more_certificates)
{
	make();
	for (; m.chain_length < CK_FIDO_CERTIFICATES_LIMIT; m.chain_length++) m.chain[m.chain_length] = root;
	make_statement(&m);
	offer(&m);
	expect_granted(&m, "certificate");
	m.chain[m.chain_length++] = root;
	make_statement(&m);
	offer(&m);
	expect_denied(&m, "malformed");
}
END_TEST

START_TEST(u2f_good)
{
	m.algorithm = _i == 0 ? 0 : CK_FIDO_ES256; /* as browsers say it, and as libfido2 does */
	make();
	expect_granted(&m, "certificate");
	ck_assert(!m.result.verified);
	expect_libfido2(FIDO_OK);
}
END_TEST

/* ---- the signature, both formats ---- */

/* _i: packed, fido-u2f */
static void make_either(int i)
{
	if (i == 1) setup_u2f();
	make();
}

START_TEST(signature_bit)
{
	make_either(_i);
	m.signature[m.signature_length - 1] ^= 1;
	make_statement(&m);
	offer(&m);
	expect_denied(&m, "not that of its certificate");
	expect_libfido2(FIDO_ERR_INVALID_SIG);
}
END_TEST

START_TEST(signed_by_the_credential)
{
	if (_i == 1) setup_u2f();
	m.chain[0] = new_certificate(&wish, p256, root, root_key);
	m.chain_length = 1;
	m.signer = m.credential;
	make_all(&m);
	expect_denied(&m, "not that of its certificate");
}
END_TEST

START_TEST(challenge_differs)
{
	uint8_t other[32];
	make_either(_i);
	memcpy(other, challenge, sizeof other);
	other[0] ^= 1;
	m.registration.client_data_hash = other;
	expect_denied(&m, "not that of its certificate");
}
END_TEST

START_TEST(credential_id_differs)
{
	make_either(_i);
	m.auth_data[60] ^= 1;
	expect_denied(&m, "not that of its certificate");
}
END_TEST

START_TEST(public_key_differs)
{
	make_either(_i);
	m.cose_length = put_cose(p256, m.cose, sizeof m.cose);
	make_auth_data(&m);
	offer(&m);
	expect_denied(&m, "not that of its certificate");
}
END_TEST

/* rp-id hash, flags and AAGUID are looked at before, unless both sides are wrong alike */
START_TEST(packed_other_data)
{
	static const size_t at[] = {36, 40}; /* counter, AAGUID */
	make();
	m.auth_data[at[_i]] ^= 1;
	expect_denied(&m, "not that of its certificate");
}
END_TEST

START_TEST(rp_id_differs)
{
	if (_i == 1) setup_u2f();
	m.rp_id = "other.example";
	make();
	expect_denied(&m, "another rp-id");
}
END_TEST

/* A packed statement signed as fido-u2f is, and the other way round. */
START_TEST(format_exchanged)
{
	make_either(_i);
	m.format = _i == 0 ? "fido-u2f" : "packed";
	if (_i == 1) m.algorithm = CK_FIDO_ES256;
	else memset(m.auth_data + 37, 0, 16);
	make_statement(&m);
	offer(&m);
	expect_denied(&m, "not that of its certificate");
}
END_TEST

/* ---- the algorithm ---- */

START_TEST(algorithm_of_another_key)
{
	static const int algorithms[] = {CK_FIDO_EDDSA, CK_FIDO_RS256, -35 /* ES384 */, -37 /* PS256 */, -65535 /* RS1 */};
	m.algorithm = algorithms[_i];
	make();
	expect_denied(&m, "key is none for algorithm");
}
END_TEST

START_TEST(certificate_key)
{
	EVP_PKEY *const signers[] = {p384, weak_rsa};
	m.signer = signers[_i];
	m.algorithm = cose_algorithm(m.signer);
	make();
	expect_denied(&m, "key is none for algorithm");
}
END_TEST

START_TEST(u2f_certificate_key)
{
	EVP_PKEY *const signers[] = {p384, rsa, ed25519};
	m.signer = signers[_i];
	make();
	expect_denied(&m, "key is none for algorithm");
}
END_TEST

START_TEST(u2f_other_algorithm)
{
	m.signer = ed25519;
	m.algorithm = CK_FIDO_EDDSA;
	make();
	expect_denied(&m, "ES256 only");
}
END_TEST

START_TEST(u2f_other_credential)
{
	m.credential = credential_keys[1 + _i];
	make();
	expect_denied(&m, "ES256 only");
}
END_TEST

START_TEST(u2f_with_aaguid)
{
	m.aaguid[15] = 1;
	make();
	expect_denied(&m, "attests no AAGUID");
}
END_TEST

START_TEST(u2f_two_certificates)
{
	make();
	m.chain[m.chain_length++] = root;
	make_statement(&m);
	offer(&m);
	expect_denied(&m, "one certificate");
}
END_TEST

START_TEST(u2f_self)
{
	m.signer = m.credential;
	m.algorithm = CK_FIDO_ES256;
	make_all(&m);
	expect_denied(&m, "malformed");
	m.algorithm = 0;
	make_all(&m);
	expect_denied(&m, "malformed");
}
END_TEST

/* ---- the certificate: WebAuthn Level 2, 8.2.1 ---- */

START_TEST(certificate_version)
{
	wish.version = _i; /* 1 and 2 */
	make();
	expect_denied(&m, "version 3");
}
END_TEST

static const struct {
	const char *country, *organization, *unit, *name, *sentence;
} subjects[] = {
	{NULL, "Key Makers AB", "Authenticator Attestation", "Key 5", "country"},
	{"SWE", "Key Makers AB", "Authenticator Attestation", "Key 5", "country"},
	{"S", "Key Makers AB", "Authenticator Attestation", "Key 5", "country"},
	{"se", "Key Makers AB", "Authenticator Attestation", "Key 5", "country"},
	{"S1", "Key Makers AB", "Authenticator Attestation", "Key 5", "country"},
	{"SE", NULL, "Authenticator Attestation", "Key 5", "maker"},
	{"SE", "Key Makers AB", NULL, "Key 5", "Authenticator Attestation"},
	{"SE", "Key Makers AB", "Authenticator attestation", "Key 5", "Authenticator Attestation"},
	{"SE", "Key Makers AB", "Authenticator Attestation 2", "Key 5", "Authenticator Attestation"},
	{"SE", "Key Makers AB", "Authenticator Attestatio", "Key 5", "Authenticator Attestation"},
	{"SE", "Key Makers AB", "Authenticator Attestation", NULL, "common name"},
};

START_TEST(certificate_subject)
{
	wish.country = subjects[_i].country;
	wish.organization = subjects[_i].organization;
	wish.unit = subjects[_i].unit;
	wish.name = subjects[_i].name;
	make();
	expect_denied(&m, subjects[_i].sentence);
}
END_TEST

START_TEST(certificate_unit_twice)
{
	wish.unit_twice = true;
	make();
	expect_denied(&m, "Authenticator Attestation");
}
END_TEST

START_TEST(certificate_of_an_authority)
{
	wish.authority = 1;
	make();
	expect_denied(&m, "certification authority");
}
END_TEST

START_TEST(certificate_without_constraints)
{
	wish.authority = -1;
	make();
	expect_denied(&m, "basic constraints");
}
END_TEST

START_TEST(certificate_of_another_model)
{
	memcpy(m.aaguid, other_model, sizeof other_model);
	make();
	expect_denied(&m, "another model");
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
} models[] = {{"", 0}, {"\x04\x0fthis model's id", 17}, {"\x04\x10this model's id\0\0", 19}, {"this model's id", 16}, {"\x03\x10this model's id", 18},
              {"\x04\x0fthis model's id", 18}, {"\x24\x10this model's id", 18}};

START_TEST(certificate_model_malformed)
{
	wish.model = models[_i].bytes;
	wish.model_length = models[_i].length;
	make();
	expect_denied(&m, "malformed extension");
}
END_TEST

START_TEST(certificate_model_critical)
{
	wish.model_critical = true;
	make();
	expect_denied(&m, "critical");
}
END_TEST

START_TEST(certificate_model_twice)
{
	wish.model_twice = true;
	make();
	expect_denied(&m, "twice");
}
END_TEST

/* What fido-u2f does not ask of a certificate: the first keys have plain ones. */
START_TEST(u2f_plain_certificate)
{
	wish = wish_leaf();
	wish.version = 0;
	wish.authority = -1;
	wish.country = wish.unit = NULL;
	wish.model = NULL;
	make();
	expect_granted(&m, "certificate");
}
END_TEST

/* ---- the statement's form ---- */

/* alg, sig, x5c: [bytes …], and `count` announced. */
static void put_statement_with(const void *certificate, size_t length, size_t count)
{
	struct ck_writer w;
	ck_writer_init(&w, m.statement, sizeof m.statement);
	ck_put_bytes(&w, "\xa3\x63" "alg\x26\x63" "sig", 10);
	put_bytes(&w, m.signature, m.signature_length);
	put_key_text(&w, "x5c");
	put_head(&w, 4, count);
	if (certificate != NULL) put_bytes(&w, certificate, length);
	m.statement_length = ck_writer_length(&w);
	offer(&m);
}

START_TEST(certificate_bytes)
{
	static uint8_t der[2048];
	make();
	size_t length = put_der(m.chain[0], der, sizeof der);
	put_statement_with(der, length, 1);
	expect_granted(&m, "certificate");
	put_statement_with(der, length + 1, 1); /* a byte behind it */
	expect_denied(&m, "certificate is malformed");
	put_statement_with(der, length - 1, 1);
	expect_denied(&m, "certificate is malformed");
	der[0] ^= 1;
	put_statement_with(der, length, 1);
	expect_denied(&m, "certificate is malformed");
	put_statement_with(der, 0, 1);
	expect_denied(&m, "statement is malformed");
	put_statement_with(NULL, 0, 0);
	expect_denied(&m, "statement is malformed");
	put_statement_with(der, length, 2);
	expect_denied(&m, "statement is malformed");
	put_statement_with(der, length, 6);
	expect_denied(&m, "statement is malformed");
}
END_TEST

START_TEST(statement_cut)
{
	make_either(_i);
	size_t whole = m.statement_length;
	for (size_t length = 0; length < whole; length++) {
		m.registration.statement.length = length;
		expect_denied(&m, "malformed");
	}
	m.statement[whole] = 0;
	m.registration.statement.length = whole + 1;
	expect_denied(&m, "statement is malformed");
}
END_TEST

START_TEST(statement_order)
{
	struct ck_writer w;
	static uint8_t der[2048];
	make();
	size_t length = put_der(m.chain[0], der, sizeof der);
	ck_writer_init(&w, m.statement, sizeof m.statement);
	ck_put_bytes(&w, "\xa3\x63" "alg\x26\x63" "x5c\x81", 11);
	put_bytes(&w, der, length);
	put_key_text(&w, "sig");
	put_bytes(&w, m.signature, m.signature_length);
	m.statement_length = ck_writer_length(&w);
	offer(&m);
	expect_denied(&m, "statement is malformed");
}
END_TEST

START_TEST(statement_more)
{
	make_either(_i);
	m.statement[0]++;
	memcpy(m.statement + m.statement_length, "\x64more\x00", 6);
	m.statement_length += 6;
	offer(&m);
	expect_denied(&m, "statement is malformed");
}
END_TEST

START_TEST(statement_with_ecdaa)
{
	struct ck_writer w;
	make();
	ck_writer_init(&w, m.statement, sizeof m.statement);
	ck_put_bytes(&w, "\xa3\x63" "alg\x26\x63" "sig", 10);
	put_bytes(&w, m.signature, m.signature_length);
	ck_put_bytes(&w, "\x6a" "ecdaaKeyId\x41\x01", 13);
	m.statement_length = ck_writer_length(&w);
	offer(&m);
	expect_denied(&m, "statement is malformed");
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("fido attestation");
	TCase *packed = tcase_create("packed"), *u2f = tcase_create("fido-u2f");
	tcase_add_unchecked_fixture(packed, make_keys, free_keys);
	tcase_add_checked_fixture(packed, setup, teardown);
	tcase_add_loop_test(packed, packed_good, 0, 9);
	tcase_add_test(packed, packed_good_without_model);
	tcase_add_test(packed, packed_good_with_more_certificates);
	tcase_add_loop_test(packed, signature_bit, 0, 2);
	tcase_add_loop_test(packed, signed_by_the_credential, 0, 2);
	tcase_add_loop_test(packed, challenge_differs, 0, 2);
	tcase_add_loop_test(packed, credential_id_differs, 0, 2);
	tcase_add_loop_test(packed, public_key_differs, 0, 2);
	tcase_add_loop_test(packed, packed_other_data, 0, 2);
	tcase_add_loop_test(packed, rp_id_differs, 0, 2);
	tcase_add_loop_test(packed, format_exchanged, 0, 2);
	tcase_add_loop_test(packed, algorithm_of_another_key, 0, 5);
	tcase_add_loop_test(packed, certificate_key, 0, 2);
	tcase_add_loop_test(packed, certificate_version, 0, 2);
	tcase_add_loop_test(packed, certificate_subject, 0, sizeof subjects / sizeof subjects[0]);
	tcase_add_test(packed, certificate_unit_twice);
	tcase_add_test(packed, certificate_of_an_authority);
	tcase_add_test(packed, certificate_without_constraints);
	tcase_add_test(packed, certificate_of_another_model);
	tcase_add_loop_test(packed, certificate_model_malformed, 0, sizeof models / sizeof models[0]);
	tcase_add_test(packed, certificate_model_critical);
	tcase_add_test(packed, certificate_model_twice);
	tcase_add_test(packed, certificate_bytes);
	tcase_add_loop_test(packed, statement_cut, 0, 2);
	tcase_add_test(packed, statement_order);
	tcase_add_loop_test(packed, statement_more, 0, 2);
	tcase_add_test(packed, statement_with_ecdaa);
	tcase_add_unchecked_fixture(u2f, make_keys, free_keys);
	tcase_add_checked_fixture(u2f, setup_u2f, teardown);
	tcase_add_loop_test(u2f, u2f_good, 0, 2);
	tcase_add_loop_test(u2f, u2f_certificate_key, 0, 3);
	tcase_add_test(u2f, u2f_other_algorithm);
	tcase_add_loop_test(u2f, u2f_other_credential, 0, 2);
	tcase_add_test(u2f, u2f_with_aaguid);
	tcase_add_test(u2f, u2f_two_certificates);
	tcase_add_test(u2f, u2f_self);
	tcase_add_test(u2f, u2f_plain_certificate);
	suite_add_tcase(suite, packed);
	suite_add_tcase(suite, u2f);
	return suite_run(suite);
}
