/* What a key signs. A statement is deterministic CBOR; the challenge is SHA-256(tag ‖ statement). Locally that hash is the
   clientDataHash, in a browser the challenge. Encoding only; hashing is the caller's (libsodium). libc only. */
#ifndef CK_PROTOCOL_STATEMENT_H
#define CK_PROTOCOL_STATEMENT_H

#include "authd/protocol/cbor.h"
#include "authd/protocol/message.h"

/* With the NUL: the separator is part of the tag. Use sizeof. */
#define CK_TAG_LOGIN "crosskeys login v1"
#define CK_TAG_CHANGE "crosskeys change v1"
#define CK_TAG_ENROL "crosskeys enrol v1"
#define CK_TAG_IDENTIFY "crosskeys identify v1"
#define CK_TAG_PASSWORD "crosskeys password v1"

/* {1: system, 2: user, 3: account, 4: service, 5: tty, 6: remote host, 7: nonce, 8: time}; absent texts are "". */
struct ck_login_statement {
	struct ck_text system, user, account, service, tty, remote_host;
	uint8_t nonce[CK_NONCE_BYTES];
	int64_t time_s;
};
#define CK_LOGIN_STATEMENT_LIMIT_BYTES 1024
CK_MUST_USE enum ck_error ck_login_statement_encode(const struct ck_login_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length);

/* One change: {1: operation, 2: target, 3: parent, 4: csn, 5: digest, 6: authority}.
   target: ckId (16), of a key its hash (32). parent: of an added key, code (staff) or grant (role) 16 bytes, else empty. csn: the entryCSN
   that was read, "" for add. digest: SHA-256 of the values as they are sent. authority: the owner (16). */
struct ck_change_statement {
	struct ck_text operation;
	struct ck_bytes target, parent;
	struct ck_text csn;
	uint8_t digest[32];
	struct ck_id authority;
};
#define CK_CHANGE_STATEMENT_LIMIT_BYTES 256
CK_MUST_USE enum ck_error ck_change_statement_encode(const struct ck_change_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_change_statement_decode(struct ck_bytes bytes, struct ck_change_statement *out);

/* The list that is touched: {1: [SHA-256 of each statement], 2: nonce, 3: system, 4: uid of who orders it, 5: time}. */
struct ck_change_list {
	const uint8_t (*digests)[32];
	size_t count; /* 1 to CK_CHANGES_LIMIT */
	uint8_t nonce[CK_NONCE_BYTES];
	struct ck_text system, user;
	int64_t time_s;
};
#define CK_CHANGE_LIST_LIMIT_BYTES (CK_CHANGES_LIMIT * 34 + 512)
CK_MUST_USE enum ck_error ck_change_list_encode(const struct ck_change_list *list, uint8_t *out, size_t limit_bytes, size_t *out_length);

/* Enrolment: {1: system, 2: user, 3: nonce, 4: time}. Identify, password: the same shape under tags of their own. */
struct ck_person_statement {
	struct ck_text system, user;
	uint8_t nonce[CK_NONCE_BYTES];
	int64_t time_s;
};
CK_MUST_USE enum ck_error ck_person_statement_decode(struct ck_bytes bytes, struct ck_person_statement *out);
CK_MUST_USE enum ck_error ck_person_statement_encode(const struct ck_person_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length);

/* The values of a change: [[attribute, [value, …]], …] in the order given; an attribute with no value is removed. */
struct ck_change_value {
	struct ck_text attribute;
	struct ck_bytes values[64];
	size_t count;
};
#define CK_CHANGE_VALUES_LIMIT 32
CK_MUST_USE enum ck_error ck_change_values_encode(const struct ck_change_value *values, size_t count, uint8_t *out, size_t limit_bytes,
                                                  size_t *out_length);
/* out holds CK_CHANGE_VALUES_LIMIT; borrows from the bytes. */
CK_MUST_USE enum ck_error ck_change_values_decode(struct ck_bytes bytes, struct ck_change_value *out, size_t *out_count);

/* An entry in a reply's ENTRIES: {0: kind, 1: id, 2: authority, 3: csn, 4: [[attribute, [value, …]], …]}. */
struct ck_wire_entry {
	struct ck_text kind;
	struct ck_bytes id; /* 16; of a key 32 */
	struct ck_id authority;
	struct ck_text csn;
	struct ck_bytes values; /* encoded as above */
};
CK_MUST_USE enum ck_error ck_wire_entry_encode(const struct ck_wire_entry *entry, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_wire_entry_decode(struct ck_bytes bytes, struct ck_wire_entry *out);

/* The proof stored with what a change wrote (ckProof): {1: statement, 2: list, 3: key hash, 4: authenticator data, 5: signature}. */
struct ck_proof {
	struct ck_bytes statement, list, key_hash, auth_data, signature;
};
#define CK_PROOF_LIMIT_BYTES (CK_CHANGE_LIST_LIMIT_BYTES + CK_AUTH_DATA_LIMIT_BYTES + CK_SIGNATURE_LIMIT_BYTES + 512)
CK_MUST_USE enum ck_error ck_proof_encode(const struct ck_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length);
CK_MUST_USE enum ck_error ck_proof_decode(struct ck_bytes bytes, struct ck_proof *out);

/* What a key answered when it was enrolled, kept with keys that a certificate attests (ckRegistration), so that each replica can verify it
   for itself: {1: the enrolment's statement, 2: format, 3: authenticator data, 4: attestation statement}. */
struct ck_registration {
	struct ck_bytes statement;
	struct ck_text format;
	struct ck_bytes auth_data, attestation;
};
#define CK_REGISTRATION_LIMIT_BYTES (CK_LOGIN_STATEMENT_LIMIT_BYTES + CK_AUTH_DATA_LIMIT_BYTES + CK_ATT_STMT_LIMIT_BYTES + 64)
CK_MUST_USE enum ck_error ck_registration_encode(const struct ck_registration *registration, uint8_t *out, size_t limit_bytes,
                                                 size_t *out_length);
CK_MUST_USE enum ck_error ck_registration_decode(struct ck_bytes bytes, struct ck_registration *out);

#endif
