/* What the files of this folder share. */
#ifndef CK_FIDO_INTERNAL_H
#define CK_FIDO_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "authd/fido/fido.h"
#include "directory/base/buffer.h"

#define CK_FIDO_RP_ID_LIMIT_BYTES 253      /* a DNS name */
#define CK_FIDO_SIGNATURE_LIMIT_BYTES 1024 /* RSA-4096 has 512 */
#define CK_FIDO_AUTH_DATA_LIMIT_BYTES 2048
#define CK_FIDO_NESTING_LIMIT 4 /* CTAP 2.1, 8: nothing nests deeper than four levels */

/* CBOR as CTAP2 wants it (canonical form, CTAP 2.1, 8), read in place: definite lengths and shortest heads only, no tags, no floats. */
enum ck_fido_major {
	CK_FIDO_UINT = 0, CK_FIDO_NEGATIVE = 1, CK_FIDO_BYTES = 2, CK_FIDO_TEXT = 3, CK_FIDO_ARRAY = 4, CK_FIDO_MAP = 5, CK_FIDO_SIMPLE = 7
};
/* The head of the next item: its major type and number (of bytes and text the length, then in *out_content the content). Fails the
   reader on anything else, and on a length beyond its end. */
enum ck_fido_major ck_fido_get_head(struct ck_reader *r, uint64_t *out_number, struct ck_bytes *out_content);
/* Passes over one whole item; what it was in `encoded`. */
struct ck_bytes ck_fido_get_item(struct ck_reader *r);
/* Whether the next item is exactly this text; passes over it. Anything else fails the reader. */
void ck_fido_expect_text(struct ck_reader *r, const char *text);

/* A COSE_Key taken apart; borrows. */
struct ck_fido_public_key {
	enum ck_fido_algorithm algorithm;
	const uint8_t *x, *y; /* 32 bytes each; y NULL for EdDSA, both for RS256 */
	struct ck_bytes modulus, exponent; /* RS256: big-endian, no zero at the front */
};
/* The form, and of the soundness all that costs nothing: canonical coordinates, no small order. At login OpenSSL refuses a point off the
   curve itself when it takes the key. */
CK_MUST_USE enum ck_error ck_fido_parse_public_key(struct ck_bytes cose, struct ck_fido_public_key *out, struct ck_errmsg *err);

CK_MUST_USE enum ck_error ck_fido_parse_rs256(struct ck_bytes cose, struct ck_fido_public_key *out, struct ck_errmsg *err);
/* What costs too much at each login. */
CK_MUST_USE enum ck_error ck_fido_check_rs256(const struct ck_fido_public_key *key, struct ck_errmsg *err);

/* NULL: OpenSSL does not take it. EVP_PKEY_free. */
EVP_PKEY *ck_fido_new_native_key(const struct ck_fido_public_key *key);
/* Whether the algorithm (enum ck_fido_algorithm; any other: no) is one for such a key. */
bool ck_fido_native_key_fits(const EVP_PKEY *key, int64_t algorithm);
/* Whether the key signed the parts, one after the other. */
bool ck_fido_signature_is_of(EVP_PKEY *key, int64_t algorithm, const struct ck_bytes *parts, size_t count, struct ck_bytes signature);

/* The signature of an assertion whose authenticator data was checked here: by libfido2, which checks it once more; and by OpenSSL alone, for
   ES256. CK_ERR_DENIED: it is not the key's, or the key is none. */
CK_MUST_USE enum ck_error ck_fido_verify_native(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key,
                                                struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_fido_verify_es256(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key,
                                               struct ck_errmsg *err);

/* An attestation statement taken apart; borrows. */
#define CK_FIDO_CERTIFICATES_LIMIT 5
struct ck_fido_statement {
	int64_t algorithm;
	struct ck_bytes signature;
	struct ck_bytes certificates[CK_FIDO_CERTIFICATES_LIMIT]; /* DER; the first is the one that attests */
	size_t certificate_count;
};
CK_MUST_USE enum ck_error ck_fido_parse_statement(struct ck_bytes bytes, bool u2f, struct ck_fido_statement *out, struct ck_errmsg *err);
/* Format, statement and signature over the authenticator data that was parsed. */
CK_MUST_USE enum ck_error ck_fido_verify_attestation(const struct ck_fido_registration *registration, const struct ck_auth_data *data,
                                                     struct ck_fido_statement *out_statement, const char **out_attestation,
                                                     struct ck_errmsg *err);
/* NULL: the bytes are not exactly one. X509_free. */
X509 *ck_fido_read_certificate(struct ck_bytes der);
/* WebAuthn Level 2, 8.2.1. */
CK_MUST_USE enum ck_error ck_fido_check_certificate(X509 *certificate, const uint8_t aaguid[16], struct ck_errmsg *err);
/* Whether the statement's certificates lead to a root, and all are valid at that time. */
CK_MUST_USE enum ck_error ck_fido_roots_reach(const struct ck_fido_roots *roots, const struct ck_fido_statement *statement, int64_t at_s,
                                              struct ck_errmsg *err);

/* What assertion and registration check alike, in this order: the rp id is one, rpIdHash, UP, UV if demanded. */
CK_MUST_USE enum ck_error ck_fido_check_common(const struct ck_auth_data *data, struct ck_text rp_id, bool verify, struct ck_errmsg *err);

#endif
