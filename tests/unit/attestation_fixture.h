/* Registrations as makers' keys give them, made with OpenSSL: RSA credentials, certificates, packed and fido-u2f statements. What a test wants
   to be wrong it changes in the wish, or in what was made. */
#ifndef CK_TESTS_ATTESTATION_FIXTURE_H
#define CK_TESTS_ATTESTATION_FIXTURE_H

#include <check.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "directory/base/buffer.h"

#define RP "portal.example"
#define NOW 1800000000
#define DAY 86400

enum { UP = 0x01, UV = 0x04, BE = 0x08, BS = 0x10, AT = 0x40, ED = 0x80 };

static uint8_t challenge[32] = "a challenge of thirty-two bytes";
static const uint8_t model[16] = "this model's id";
static const uint8_t other_model[16] = "another model's";

/* ---- keys ---- */

static inline EVP_PKEY *new_rsa_key(unsigned bits, uint64_t exponent)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(exponent >> (56 - 8 * i));
	ck_assert(context != NULL && e != NULL && BN_bin2bn(bytes, 8, e) != NULL);
	ck_assert(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) == 1 &&
	          EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e) == 1 && EVP_PKEY_generate(context, &key) == 1);
	BN_free(e);
	EVP_PKEY_CTX_free(context);
	return key;
}

static inline EVP_PKEY *new_ec_key(const char *group)
{
	EVP_PKEY *key = EVP_EC_gen(group);
	ck_assert_ptr_nonnull(key);
	return key;
}

static inline EVP_PKEY *new_ed25519_key(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	ck_assert_ptr_nonnull(key);
	return key;
}

static inline size_t number_of(EVP_PKEY *key, const char *name, uint8_t *out, size_t limit)
{
	BIGNUM *number = NULL;
	ck_assert(EVP_PKEY_get_bn_param(key, name, &number) == 1 && (size_t)BN_num_bytes(number) <= limit);
	size_t length = (size_t)BN_bn2bin(number, out);
	BN_free(number);
	return length;
}

/* ---- CBOR ---- */

static inline void put_head(struct ck_writer *w, unsigned major, size_t number)
{
	uint8_t top = (uint8_t)(major << 5);
	if (number < 24) {
		ck_put_u8(w, (uint8_t)(top | number));
	} else if (number < 256) {
		ck_put_u8(w, top | 24);
		ck_put_u8(w, (uint8_t)number);
	} else {
		ck_put_u8(w, top | 25);
		ck_put_u16be(w, (uint16_t)number);
	}
}

static inline void put_bytes(struct ck_writer *w, const void *bytes, size_t length)
{
	put_head(w, 2, length);
	ck_put_bytes(w, bytes, length);
}

static inline void put_key_text(struct ck_writer *w, const char *text)
{
	put_head(w, 3, strlen(text));
	ck_put_bytes(w, text, strlen(text));
}

static inline size_t put_rsa_cose(const void *n, size_t n_length, const void *e, size_t e_length, uint8_t *out, size_t limit)
{
	struct ck_writer w;
	ck_writer_init(&w, out, limit);
	ck_put_bytes(&w, "\xa4\x01\x03\x03\x39\x01\x00\x20", 8);
	put_bytes(&w, n, n_length);
	ck_put_u8(&w, 0x21);
	put_bytes(&w, e, e_length);
	ck_assert(!w.failed);
	return ck_writer_length(&w);
}

/* COSE_Key of an RSA, P-256 or Ed25519 key. */
static inline size_t put_cose(EVP_PKEY *key, uint8_t *out, size_t limit)
{
	uint8_t a[600], b[32];
	size_t length = sizeof a;
	struct ck_writer w;
	ck_writer_init(&w, out, limit);
	if (EVP_PKEY_is_a(key, "RSA")) {
		size_t n = number_of(key, OSSL_PKEY_PARAM_RSA_N, a, sizeof a), e = number_of(key, OSSL_PKEY_PARAM_RSA_E, b, sizeof b);
		return put_rsa_cose(a, n, b, e, out, limit);
	}
	if (EVP_PKEY_is_a(key, "EC")) {
		ck_assert(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, a, sizeof a, &length) == 1 && length == 65);
		ck_put_bytes(&w, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10);
		ck_put_bytes(&w, a + 1, 32);
		ck_put_bytes(&w, "\x22\x58\x20", 3);
		ck_put_bytes(&w, a + 33, 32);
	} else {
		ck_assert(EVP_PKEY_get_raw_public_key(key, a, &length) == 1 && length == 32);
		ck_put_bytes(&w, "\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", 10);
		ck_put_bytes(&w, a, 32);
	}
	ck_assert(!w.failed);
	return ck_writer_length(&w);
}

static inline int cose_algorithm(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "RSA")) return CK_FIDO_RS256;
	return EVP_PKEY_is_a(key, "EC") ? CK_FIDO_ES256 : CK_FIDO_EDDSA;
}

static inline size_t sign(EVP_PKEY *key, const struct ck_bytes *parts, size_t count, uint8_t *out, size_t limit)
{
	static uint8_t message[4096];
	struct ck_writer w;
	size_t length = limit;
	ck_writer_init(&w, message, sizeof message);
	for (size_t i = 0; i < count; i++) ck_put_bytes(&w, parts[i].at, parts[i].length);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
	ck_assert(!w.failed && EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1 &&
	          EVP_DigestSign(context, out, &length, message, ck_writer_length(&w)) == 1);
	EVP_MD_CTX_free(context);
	return length;
}

/* ---- certificates ---- */

struct certificate_wish {
	long version; /* as written: 2 is version 3 */
	const char *country, *organization, *unit, *name; /* NULL: not there */
	bool unit_twice;
	int authority; /* 0, 1; -1: no basic constraints */
	long path_length; /* -1: none */
	const void *model; /* content of the AAGUID extension; NULL: none */
	size_t model_length;
	bool model_critical, model_twice;
	int64_t from_s, until_s;
	const EVP_MD *digest; /* NULL: SHA-256 */
};

static inline struct certificate_wish wish_leaf(void)
{
	static uint8_t extension[18];
	extension[0] = 0x04;
	extension[1] = 16;
	memcpy(extension + 2, model, 16);
	return (struct certificate_wish){.version = 2, .country = "SE", .organization = "Key Makers AB", .unit = "Authenticator Attestation",
	                                 .name = "Key 5 series", .path_length = -1, .model = extension, .model_length = sizeof extension,
	                                 .from_s = NOW - DAY, .until_s = NOW + DAY};
}

static inline struct certificate_wish wish_authority(const char *name)
{
	return (struct certificate_wish){.version = 2, .name = name, .authority = 1, .path_length = -1, .from_s = NOW - DAY, .until_s = NOW + DAY};
}

static inline void put_name(X509_NAME *name, int nid, const char *text)
{
	if (text == NULL) return;
	ck_assert(X509_NAME_add_entry_by_NID(name, nid, nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING,
	                                     (const unsigned char *)text, (int)strlen(text), -1, 0) == 1);
}

static inline void put_model(X509 *certificate, const struct certificate_wish *wish)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.45724.1.1.4", 1);
	ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
	ck_assert(ASN1_OCTET_STRING_set(content, wish->model, (int)wish->model_length) == 1);
	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, wish->model_critical, content);
	ck_assert(X509_add_ext(certificate, extension, -1) == 1);
	if (wish->model_twice) ck_assert(X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(content);
	ASN1_OBJECT_free(oid);
}

static inline void put_constraints(X509 *certificate, const struct certificate_wish *wish)
{
	BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
	constraints->ca = wish->authority == 1;
	if (wish->path_length >= 0) {
		constraints->pathlen = ASN1_INTEGER_new();
		ck_assert(ASN1_INTEGER_set(constraints->pathlen, wish->path_length) == 1);
	}
	ck_assert(X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, 0) == 1);
	BASIC_CONSTRAINTS_free(constraints);
}

/* issuer NULL: signs itself. */
static inline X509 *new_certificate(const struct certificate_wish *wish, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial;
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	ck_assert(X509_set_version(certificate, wish->version) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial) == 1);
	ck_assert(ASN1_TIME_set(X509_getm_notBefore(certificate), wish->from_s) != NULL &&
	          ASN1_TIME_set(X509_getm_notAfter(certificate), wish->until_s) != NULL);
	put_name(subject, NID_countryName, wish->country);
	put_name(subject, NID_organizationName, wish->organization);
	put_name(subject, NID_organizationalUnitName, wish->unit);
	if (wish->unit_twice) put_name(subject, NID_organizationalUnitName, wish->unit);
	put_name(subject, NID_commonName, wish->name);
	ck_assert(X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : subject) == 1 &&
	          X509_set_pubkey(certificate, key) == 1);
	if (wish->authority >= 0) put_constraints(certificate, wish);
	if (wish->model != NULL) put_model(certificate, wish);
	EVP_PKEY *signer = issuer_key != NULL ? issuer_key : key;
	const EVP_MD *digest = wish->digest != NULL ? wish->digest : EVP_sha256();
	ck_assert(X509_sign(certificate, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL : digest) > 0);
	return certificate;
}

static inline size_t put_der(X509 *certificate, uint8_t *out, size_t limit)
{
	unsigned char *at = out;
	int length = i2d_X509(certificate, NULL);
	ck_assert(length > 0 && (size_t)length <= limit && i2d_X509(certificate, &at) == length);
	return (size_t)length;
}

/* ---- a registration ---- */

struct made {
	/* what it is made of */
	const char *rp_id, *format;
	unsigned flags;
	uint8_t aaguid[16];
	uint8_t id[1024];
	size_t id_length;
	EVP_PKEY *credential;
	struct ck_bytes extensions;
	EVP_PKEY *signer; /* of the attestation */
	X509 *chain[8];
	size_t chain_length;
	int64_t algorithm; /* 0: none written */
	/* what came of it */
	uint8_t cose[600];
	size_t cose_length;
	uint8_t auth_data[2048];
	size_t auth_data_length;
	uint8_t signature[1024];
	size_t signature_length;
	uint8_t statement[9000];
	size_t statement_length;
	struct ck_fido_registration registration;
	struct ck_fido_credential result;
	struct ck_errmsg err;
};

static inline void make_auth_data(struct made *m)
{
	struct ck_writer w;
	uint8_t hash[32];
	crypto_hash_sha256(hash, (const uint8_t *)m->rp_id, strlen(m->rp_id));
	ck_writer_init(&w, m->auth_data, sizeof m->auth_data);
	ck_put_bytes(&w, hash, sizeof hash);
	ck_put_u8(&w, (uint8_t)(m->flags | AT | (m->extensions.length > 0 ? ED : 0u)));
	ck_put_u32be(&w, 7);
	ck_put_bytes(&w, m->aaguid, sizeof m->aaguid);
	ck_put_u16be(&w, (uint16_t)m->id_length);
	ck_put_bytes(&w, m->id, m->id_length);
	ck_put_bytes(&w, m->cose, m->cose_length);
	ck_put_bytes(&w, m->extensions.at, m->extensions.length);
	ck_assert(!w.failed);
	m->auth_data_length = ck_writer_length(&w);
}

static inline void make_signature(struct made *m)
{
	static const uint8_t zero[1] = {0}, four[1] = {4};
	struct ck_bytes parts[] = {{m->auth_data, m->auth_data_length}, {challenge, 32}};
	struct ck_bytes u2f[] = {{zero, 1}, {m->auth_data, 32}, {challenge, 32}, {m->id, m->id_length},
	                         {four, 1}, {m->cose + 10, 32}, {m->cose + 45, 32}};
	bool is_u2f = strcmp(m->format, "fido-u2f") == 0;
	m->signature_length = sign(m->signer, is_u2f ? u2f : parts, is_u2f ? 7 : 2, m->signature, sizeof m->signature);
}

static inline void make_statement(struct made *m)
{
	static uint8_t der[4096];
	struct ck_writer w;
	ck_writer_init(&w, m->statement, sizeof m->statement);
	put_head(&w, 5, 1u + (m->algorithm != 0) + (m->chain_length > 0));
	if (m->algorithm != 0) {
		put_key_text(&w, "alg");
		put_head(&w, 1, (size_t)(-1 - m->algorithm));
	}
	put_key_text(&w, "sig");
	put_bytes(&w, m->signature, m->signature_length);
	if (m->chain_length > 0) {
		put_key_text(&w, "x5c");
		put_head(&w, 4, m->chain_length);
	}
	for (size_t i = 0; i < m->chain_length; i++) put_bytes(&w, der, put_der(m->chain[i], der, sizeof der));
	ck_assert(!w.failed);
	m->statement_length = ck_writer_length(&w);
}

static inline void offer(struct made *m)
{
	m->registration = (struct ck_fido_registration){.rp_id = ck_text_of(RP), .client_data_hash = challenge, .format = ck_text_of(m->format),
	                                                .auth_data = {m->auth_data, m->auth_data_length},
	                                                .statement = {m->statement, m->statement_length}};
}

/* From what it is made of. */
static inline void make_all(struct made *m)
{
	if (m->cose_length == 0) m->cose_length = put_cose(m->credential, m->cose, sizeof m->cose);
	make_auth_data(m);
	make_signature(m);
	make_statement(m);
	offer(m);
}

static inline void expect_granted(struct made *m, const char *attestation)
{
	enum ck_error error = ck_fido_verify_registration(&m->registration, &m->result, &m->err);
	ck_assert_msg(error == CK_OK, "%s: %s", ck_error_name(error), m->err.text);
	ck_assert_str_eq(m->result.attestation, attestation);
	ck_assert(ck_bytes_equal(m->result.public_key, (struct ck_bytes){m->cose, m->cose_length}));
}

static inline void expect_denied(struct made *m, const char *sentence)
{
	memset(&m->result, 1, sizeof m->result);
	ck_assert_int_eq(ck_fido_verify_registration(&m->registration, &m->result, &m->err), CK_ERR_DENIED);
	ck_assert_msg(strstr(m->err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", m->err.text, sentence);
	ck_assert_ptr_null(m->result.credential_id.at);
	ck_assert_ptr_null(m->result.attestation);
}

#endif
