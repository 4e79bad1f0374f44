/* Vouching: the code that is said on the telephone, what the key signs for it, and the proof that goes with it. libc only.
   docs/design/vouch.md says why it is as it is. */
#ifndef CK_PROTOCOL_VOUCH_H
#define CK_PROTOCOL_VOUCH_H

#include "authd/protocol/cbor.h"
#include "authd/protocol/message.h"

/* With the NUL, as the other tags (statement.h). */
#define CK_TAG_VOUCH "crosskeys vouch v1"

#define CK_VOUCH_ID_BYTES 16     /* of a vouch: from what was signed */
#define CK_VOUCH_DIGEST_BYTES 32 /* of a code, keyed */

/* ---- the code: eleven random digits and one that finds typing errors, said in three groups of four ---- */
#define CK_VOUCH_CODE_DIGITS 12
#define CK_VOUCH_CODE_NUMBERS UINT64_C(100000000000) /* so many codes, each as likely: 36.5 bits */
#define CK_VOUCH_CODE_BYTES (CK_VOUCH_CODE_DIGITS + 1)
#define CK_VOUCH_CODE_TEXT_BYTES (CK_VOUCH_CODE_DIGITS + 3)
#define CK_VOUCH_CODE_LIMIT_BYTES 64 /* as somebody types it */

/* number < CK_VOUCH_CODE_NUMBERS; out: digits alone. */
void ck_vouch_code_make(uint64_t number, char out[CK_VOUCH_CODE_BYTES]);
/* As people type it, with spaces, hyphens or dots anywhere. CK_ERR_INVALID: not twelve digits, or not such that anybody was given. Each wrong
   digit, and each two neighbours that changed places, is noticed. out is "" then. */
CK_MUST_USE enum ck_error ck_vouch_code_parse(struct ck_text text, char out[CK_VOUCH_CODE_BYTES]);
/* "4071 5528 9163" */
const char *ck_vouch_code_format(const char digits[CK_VOUCH_CODE_BYTES], char out[CK_VOUCH_CODE_TEXT_BYTES]);

/* ---- what the key signs ---- */

#define CK_VOUCH_FOR_STAFF "staff"
#define CK_VOUCH_FOR_AUTHORITY "authority"

/* {1: system, 2: user, 3: kind, 4: name, 5: id, 6: nonce, 7: time}. Kind, name and id are whom the code is for: the name as the person gave it
   (a login name, an authority's name), so that nobody between puts another in its place, and the ckId that it stood for. */
struct ck_vouch_statement {
	struct ck_text system, user, kind, name;
	struct ck_id id;
	uint8_t nonce[CK_NONCE_BYTES];
	int64_t time_s;
};
#define CK_VOUCH_STATEMENT_LIMIT_BYTES 512
CK_MUST_USE enum ck_error ck_vouch_statement_encode(const struct ck_vouch_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length);
/* Borrows from the bytes. */
CK_MUST_USE enum ck_error ck_vouch_statement_decode(struct ck_bytes bytes, struct ck_vouch_statement *out);

/* {1: statement, 2: the key's hash, 3: authenticator data, 4: signature}: kept by the ledger, verified again by whoever tells who it is. */
struct ck_vouch_proof {
	struct ck_bytes statement, key_hash, auth_data, signature;
};
#define CK_VOUCH_PROOF_LIMIT_BYTES (CK_VOUCH_STATEMENT_LIMIT_BYTES + CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + 64)
CK_MUST_USE enum ck_error ck_vouch_proof_encode(const struct ck_vouch_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_vouch_proof_decode(struct ck_bytes bytes, struct ck_vouch_proof *out);

#endif
