/* What the files of this folder share. */
#ifndef CK_FIDO_INTERNAL_H
#define CK_FIDO_INTERNAL_H

#include "authd/fido/fido.h"
#include "directory/base/buffer.h"

#define CK_FIDO_RP_ID_LIMIT_BYTES 253      /* a DNS name */
#define CK_FIDO_SIGNATURE_LIMIT_BYTES 1024 /* ours are at most 72; room for RSA-4096 later */
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
	const uint8_t *x, *y; /* 32 bytes each; y NULL for EdDSA */
};
/* The form, and of the soundness all that costs nothing: canonical coordinates, no small order. At login OpenSSL refuses a point off the
   curve itself when it takes the key. */
CK_MUST_USE enum ck_error ck_fido_parse_public_key(struct ck_bytes cose, struct ck_fido_public_key *out, struct ck_errmsg *err);

/* The signature of an assertion whose authenticator data was checked here: by libfido2, which checks it once more; and by OpenSSL alone, for
   ES256. CK_ERR_DENIED: it is not the key's, or the key is none. */
CK_MUST_USE enum ck_error ck_fido_verify_native(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key,
                                                struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_fido_verify_es256(const struct ck_fido_assertion *assertion, const struct ck_fido_public_key *key,
                                               struct ck_errmsg *err);

/* What assertion and registration check alike, in this order: the rp id is one, rpIdHash, UP, UV if demanded. */
CK_MUST_USE enum ck_error ck_fido_check_common(const struct ck_auth_data *data, struct ck_text rp_id, bool verify, struct ck_errmsg *err);

#endif
