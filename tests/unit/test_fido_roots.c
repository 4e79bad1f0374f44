/* Whom a machine trusts to attest keys: the file, chains that lead to a root and each way in which one does not, and that nothing but such a
   chain makes a key attested. */
#include <stdlib.h>

#include "authd/fido/internal.h"
#include "tests/unit/attestation_fixture.h"
#include "tests/unit/suite.h"

static EVP_PKEY *root_key, *other_root_key, *between_key, *leaf_key, *credential_key, *weak_key;
static struct certificate_wish root_wish, between_wish, leaf_wish;
static X509 *root, *other_root, *between, *leaf;
static struct ck_fido_roots *roots;
static struct made m;
static struct ck_errmsg err;

static void make_keys(void)
{
	root_key = new_ec_key("P-256");
	other_root_key = new_ec_key("P-256");
	between_key = new_ec_key("P-256");
	leaf_key = new_ec_key("P-256");
	credential_key = new_ec_key("P-256");
	weak_key = new_rsa_key(1024, 65537);
}

static void free_keys(void)
{
	EVP_PKEY *const all[] = {root_key, other_root_key, between_key, leaf_key, credential_key, weak_key};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) EVP_PKEY_free(all[i]);
}

static void setup(void)
{
	root_wish = wish_authority("Key Makers Root");
	between_wish = wish_authority("Key Makers Factory 1");
	leaf_wish = wish_leaf();
	m = (struct made){.rp_id = RP, .format = "packed", .flags = UP | UV, .id = {1, 2, 3}, .id_length = 64, .credential = credential_key,
	                  .signer = leaf_key, .algorithm = CK_FIDO_ES256};
	memcpy(m.aaguid, model, sizeof model);
}

static void teardown(void)
{
	X509 **const all[] = {&root, &other_root, &between, &leaf};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		X509_free(*all[i]);
		*all[i] = NULL;
	}
	ck_fido_roots_free(&roots);
}

/* A chain of two below the root, by the wishes. */
static void make_chain(void)
{
	struct certificate_wish other = wish_authority("Key Makers Root"); /* of the same name */
	root = new_certificate(&root_wish, root_key, NULL, NULL);
	other_root = new_certificate(&other, other_root_key, NULL, NULL);
	between = new_certificate(&between_wish, between_key, root, root_key);
	leaf = new_certificate(&leaf_wish, leaf_key, between, between_key);
	m.chain[0] = leaf;
	m.chain[1] = between;
	m.chain_length = 2;
	make_all(&m);
}

/* ---- the file ---- */

static char pem[16384];

static size_t add_pem(size_t at, X509 *certificate)
{
	char *bytes;
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert(PEM_write_bio_X509(bio, certificate) == 1);
	long length = BIO_get_mem_data(bio, &bytes);
	ck_assert(length > 0 && at + (size_t)length < sizeof pem);
	memcpy(pem + at, bytes, (size_t)length);
	BIO_free(bio);
	pem[at + (size_t)length] = '\0';
	return at + (size_t)length;
}

static enum ck_error read_pem(void)
{
	ck_fido_roots_free(&roots);
	return ck_fido_roots_read(ck_text_of(pem), &roots, &err);
}

static void trust(X509 *certificate)
{
	(void)add_pem(0, certificate);
	ck_assert_msg(read_pem() == CK_OK, "%s", err.text);
}

START_TEST(file_good)
{
	uint8_t one[32], two[32];
	make_chain();
	trust(root);
	memcpy(one, ck_fido_roots_digest(roots), 32);
	/* with words around it, as vendors ship them */
	size_t length = (size_t)snprintf(pem, sizeof pem, "Subject: Key Makers Root\n\n");
	length = add_pem(length, root);
	snprintf(pem + length, sizeof pem - length, "\n# the end\n");
	ck_assert_int_eq(read_pem(), CK_OK);
	ck_assert_mem_eq(ck_fido_roots_digest(roots), one, 32);
	(void)add_pem(add_pem(0, root), other_root);
	ck_assert_int_eq(read_pem(), CK_OK);
	memcpy(two, ck_fido_roots_digest(roots), 32);
	ck_assert(memcmp(one, two, 32) != 0);
	trust(other_root);
	ck_assert(memcmp(ck_fido_roots_digest(roots), one, 32) != 0 && memcmp(ck_fido_roots_digest(roots), two, 32) != 0);
}
END_TEST

static void expect_bad_file(const char *sentence)
{
	ck_assert_int_eq(read_pem(), CK_ERR_INVALID);
	ck_assert_ptr_null(roots);
	ck_assert_msg(strstr(err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", err.text, sentence);
}

START_TEST(file_without_certificates)
{
	pem[0] = '\0';
	expect_bad_file("at least one");
	snprintf(pem, sizeof pem, "nothing\n");
	expect_bad_file("at least one");
}
END_TEST

START_TEST(file_with_something_else)
{
	char *bytes;
	BIO *bio = BIO_new(BIO_s_mem());
	make_chain();
	size_t at = add_pem(0, root);
	ck_assert(PEM_write_bio_PrivateKey(bio, root_key, NULL, NULL, 0, NULL, NULL) == 1);
	long length = BIO_get_mem_data(bio, &bytes);
	memcpy(pem + at, bytes, (size_t)length);
	pem[at + (size_t)length] = '\0';
	BIO_free(bio);
	expect_bad_file("certificates only");
}
END_TEST

START_TEST(file_cut)
{
	make_chain();
	size_t at = add_pem(0, root);
	(void)add_pem(at, other_root);
	pem[at + 100] = '\0';
	expect_bad_file("malformed");
}
END_TEST

START_TEST(file_of_another_body)
{
	snprintf(pem, sizeof pem, "-----BEGIN CERTIFICATE-----\nMAMBAf8=\n-----END CERTIFICATE-----\n");
	expect_bad_file("certificate 1 is none");
	snprintf(pem, sizeof pem, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
	expect_bad_file("malformed");
}
END_TEST

/* ---- chains ---- */

static void expect_attested(int64_t at_s)
{
	enum ck_error error = ck_fido_verify_attested(&m.registration, roots, at_s, &m.result, &m.err);
	ck_assert_msg(error == CK_OK, "%s", m.err.text);
	ck_assert_mem_eq(m.result.aaguid, m.aaguid, 16);
}

static void expect_not_attested(int64_t at_s, const char *sentence)
{
	memset(&m.result, 1, sizeof m.result);
	ck_assert_int_eq(ck_fido_verify_attested(&m.registration, roots, at_s, &m.result, &m.err), CK_ERR_DENIED);
	ck_assert_msg(strstr(m.err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", m.err.text, sentence);
	ck_assert_ptr_null(m.result.credential_id.at);
}

/* Good as a registration, whoever trusts it. */
static void expect_untrusted(const char *sentence)
{
	expect_granted(&m, "certificate");
	expect_not_attested(NOW, sentence);
}

START_TEST(chain_good)
{
	make_chain();
	trust(root);
	expect_attested(NOW);
	m.chain[2] = root; /* some send the root along */
	m.chain_length = 3;
	make_statement(&m);
	offer(&m);
	expect_attested(NOW);
}
END_TEST

START_TEST(chain_to_any_certificate_in_the_file)
{
	make_chain();
	trust(between);
	expect_attested(NOW);
	trust(leaf);
	expect_attested(NOW);
	(void)add_pem(add_pem(0, leaf), root);
	ck_assert_int_eq(read_pem(), CK_OK);
	expect_attested(NOW);
}
END_TEST

START_TEST(chain_of_one)
{
	make_chain();
	X509_free(leaf);
	leaf = new_certificate(&leaf_wish, leaf_key, root, root_key);
	m.chain[0] = leaf;
	m.chain_length = 1;
	make_all(&m);
	trust(root);
	expect_attested(NOW);
}
END_TEST

START_TEST(chain_of_u2f)
{
	m.format = "fido-u2f";
	m.flags = UP;
	memset(m.aaguid, 0, 16);
	leaf_wish.model = NULL;
	make_chain();
	X509_free(leaf);
	leaf = new_certificate(&leaf_wish, leaf_key, root, root_key);
	m.chain[0] = leaf;
	m.chain_length = 1;
	m.algorithm = 0;
	make_all(&m);
	trust(root);
	expect_attested(NOW);
	trust(other_root);
	expect_untrusted("not trusted here");
}
END_TEST

START_TEST(root_of_the_same_name)
{
	make_chain();
	trust(other_root);
	expect_untrusted("not trusted here");
}
END_TEST

/* Of several of one name the one that signed, whichever comes first; of several with its key, one that is valid. */
START_TEST(roots_of_one_name)
{
	make_chain();
	(void)add_pem(add_pem(0, other_root), root);
	ck_assert_int_eq(read_pem(), CK_OK);
	expect_attested(NOW);
	(void)add_pem(add_pem(0, root), other_root);
	ck_assert_int_eq(read_pem(), CK_OK);
	expect_attested(NOW);
	X509_free(other_root);
	root_wish.until_s = NOW - 1;
	other_root = new_certificate(&root_wish, root_key, NULL, NULL); /* the same, before it was renewed */
	(void)add_pem(add_pem(0, other_root), root);
	ck_assert_int_eq(read_pem(), CK_OK);
	expect_attested(NOW);
	trust(other_root);
	expect_untrusted("expired");
}
END_TEST

START_TEST(link_missing)
{
	make_chain();
	m.chain_length = 1;
	make_statement(&m);
	offer(&m);
	trust(root);
	expect_untrusted("not trusted here");
}
END_TEST

START_TEST(link_garbage)
{
	make_chain();
	m.statement[m.statement_length - 200] ^= 0xff; /* inside the second certificate */
	trust(root);
	expect_untrusted("not trusted here");
}
END_TEST

START_TEST(link_without_authority)
{
	between_wish.authority = _i - 1; /* no basic constraints; no CA */
	make_chain();
	trust(root);
	expect_untrusted("not trusted here");
}
END_TEST

START_TEST(link_too_many)
{
	between_wish.path_length = 0;
	make_chain();
	trust(root);
	expect_attested(NOW);
	teardown();
	root_wish.path_length = 0;
	make_chain();
	trust(root);
	expect_untrusted("path length");
}
END_TEST

START_TEST(signed_with_sha1)
{
	leaf_wish.digest = EVP_sha1();
	make_chain();
	trust(root);
	expect_untrusted("not trusted here");
}
END_TEST

START_TEST(signed_by_a_weak_key)
{
	make_chain();
	X509_free(between);
	X509_free(leaf);
	between = new_certificate(&between_wish, weak_key, root, root_key);
	leaf = new_certificate(&leaf_wish, leaf_key, between, weak_key);
	m.chain[0] = leaf;
	m.chain[1] = between;
	make_all(&m);
	trust(root);
	expect_untrusted("not trusted here");
}
END_TEST

/* _i: the leaf, the one between, the root: each is good from NOW - 100 to NOW + 100, the others for longer. */
START_TEST(validity)
{
	struct certificate_wish *const wishes[] = {&leaf_wish, &between_wish, &root_wish};
	wishes[_i]->from_s = NOW - 100;
	wishes[_i]->until_s = NOW + 100;
	make_chain();
	trust(root);
	expect_attested(NOW - 100);
	expect_attested(NOW + 99);
	expect_not_attested(NOW - 101, "not yet valid");
	expect_not_attested(NOW + 100, "expired");
	expect_granted(&m, "certificate"); /* what is recorded does not depend on the time */
}
END_TEST

START_TEST(time_is_nonsense)
{
	static const int64_t times[] = {0, -1, INT64_MIN, INT64_MAX};
	make_chain();
	trust(root);
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) expect_not_attested(times[i], "not trusted here");
}
END_TEST

/* ---- nothing else ---- */

START_TEST(chain_good_signature_wrong)
{
	make_chain();
	trust(root);
	m.auth_data[36]++;
	expect_not_attested(NOW, "not that of its certificate");
}
END_TEST

/* Whoever attests themself writes the AAGUID they like, that of a trusted model, too. */
START_TEST(self_with_a_trusted_model)
{
	make_chain();
	trust(root);
	m.chain_length = 0;
	m.signer = m.credential;
	make_all(&m);
	expect_granted(&m, "self");
	ck_assert_mem_eq(m.result.aaguid, model, 16);
	expect_not_attested(NOW, "no maker's certificate");
}
END_TEST

START_TEST(none_is_not_attested)
{
	make_chain();
	trust(root);
	m.format = "none";
	m.statement[0] = 0xa0;
	m.statement_length = 1;
	offer(&m);
	expect_granted(&m, "none");
	expect_not_attested(NOW, "no maker's certificate");
}
END_TEST

/* The trusted certificate itself is no authenticator's: its key may not attest. */
START_TEST(root_attests_by_itself)
{
	make_chain();
	trust(root);
	m.signer = root_key;
	m.chain[0] = root;
	m.chain_length = 1;
	make_all(&m);
	expect_not_attested(NOW, "country"); /* 8.2.1 comes first */
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("fido roots");
	TCase *c = tcase_create("roots");
	tcase_add_unchecked_fixture(c, make_keys, free_keys);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, file_good);
	tcase_add_test(c, file_without_certificates);
	tcase_add_test(c, file_with_something_else);
	tcase_add_test(c, file_cut);
	tcase_add_test(c, file_of_another_body);
	tcase_add_test(c, chain_good);
	tcase_add_test(c, chain_to_any_certificate_in_the_file);
	tcase_add_test(c, chain_of_one);
	tcase_add_test(c, chain_of_u2f);
	tcase_add_test(c, root_of_the_same_name);
	tcase_add_test(c, roots_of_one_name);
	tcase_add_test(c, link_missing);
	tcase_add_test(c, link_garbage);
	tcase_add_loop_test(c, link_without_authority, 0, 2);
	tcase_add_test(c, link_too_many);
	tcase_add_test(c, signed_with_sha1);
	tcase_add_test(c, signed_by_a_weak_key);
	tcase_add_loop_test(c, validity, 0, 3);
	tcase_add_test(c, time_is_nonsense);
	tcase_add_test(c, chain_good_signature_wrong);
	tcase_add_test(c, self_with_a_trusted_model);
	tcase_add_test(c, none_is_not_attested);
	tcase_add_test(c, root_attests_by_itself);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
