/* FIDO: verifying assertions and registrations by libfido2, everything explicit. No device is touched here. */
#ifndef CK_FIDO_FIDO_H
#define CK_FIDO_FIDO_H

#include "directory/model/record.h"

/* COSE algorithms (RFC 9053, RFC 8812). */
enum ck_fido_algorithm { CK_FIDO_ES256 = -7, CK_FIDO_EDDSA = -8, CK_FIDO_RS256 = -257 };

struct ck_fido_assertion {
	struct ck_text rp_id;              /* ours; the authenticator data must carry its SHA-256 */
	const uint8_t *client_data_hash;   /* 32 bytes: the challenge */
	struct ck_bytes credential_id;     /* what the key said it used */
	struct ck_bytes auth_data;         /* raw (WebAuthn Level 2, 6.1) */
	struct ck_bytes signature;
	bool verify;                       /* user verification is demanded */
};
struct ck_fido_result {
	uint32_t count;   /* signature counter; 0: the key has none */
	bool verified;    /* UV was set */
};
/* Checks (WebAuthn Level 2, 7.2; of the backup flags Level 3): credential id is the key's, rpIdHash, UP set, UV set if demanded, no attested
   data or leftover bytes, as eligible for backup as when it was enrolled, key soundness and algorithm, signature. CK_ERR_DENIED with the
   sentence naming the first that failed; *out is zero then. `key` comes from the store; its rp_id must be ours. */
CK_MUST_USE enum ck_error ck_fido_verify_assertion(const struct ck_key *key, const struct ck_fido_assertion *assertion,
                                                   struct ck_fido_result *out, struct ck_errmsg *err);

struct ck_fido_registration {
	struct ck_text rp_id;
	const uint8_t *client_data_hash;
	struct ck_text format;      /* "packed", "fido-u2f" or "none" */
	struct ck_bytes auth_data;  /* raw */
	struct ck_bytes statement;  /* CBOR map */
	bool verify;
};
struct ck_fido_credential { /* borrows from the registration */
	struct ck_bytes credential_id; /* 1 to 1023 bytes */
	struct ck_bytes public_key;    /* COSE_Key, exactly the bytes in the authenticator data */
	uint8_t hash[CK_HASH_BYTES];
	uint8_t aaguid[16];
	const char *attestation;       /* CK_ATTESTATION_… */
	uint32_t count;
	bool verified;
	unsigned traits; /* what the authenticator data says of itself: backup flags, credProtect */
};
/* Checks (WebAuthn Level 2, 7.1): rpIdHash, UP, UV if demanded, attested credential data present and well-formed, nothing left over,
   format, statement, signature, a certificate's content (8.2.1, 8.6), key soundness. Not whether the certificate is anybody's. */
CK_MUST_USE enum ck_error ck_fido_verify_registration(const struct ck_fido_registration *registration, struct ck_fido_credential *out,
                                                      struct ck_errmsg *err);

/* The certificates that this machine's administrator trusts to attest keys. */
struct ck_fido_roots;
/* From PEM: certificates and nothing else, at least one. CK_ERR_INVALID, CK_ERR_LIMIT. */
CK_MUST_USE enum ck_error ck_fido_roots_read(struct ck_text pem, struct ck_fido_roots **out, struct ck_errmsg *err);
void ck_fido_roots_free(struct ck_fido_roots **roots);
const uint8_t *ck_fido_roots_digest(const struct ck_fido_roots *roots); /* 32 bytes: the same roots, the same digest */
/* The same checks again but for key soundness, and that a certificate attests the key which, at that time, led to a root. For what was
   enrolled already: the caller compares what comes out with what is relied on. CK_ERR_DENIED: it is not attested. */
CK_MUST_USE enum ck_error ck_fido_verify_attested(const struct ck_fido_registration *registration, const struct ck_fido_roots *roots,
                                                  int64_t at_s, struct ck_fido_credential *out, struct ck_errmsg *err);

/* ES256: the point is on P-256 and not at infinity. EdDSA: a canonical point of the prime-order subgroup, not small (libsodium).
   RS256: 2048 to 4096 bits, odd exponent from 65537 to 64 bits, a modulus that OpenSSL finds nothing wrong with (some 10 ms).
   Exactly the map entries that the algorithm wants, in canonical form; CK_ERR_DENIED else. */
CK_MUST_USE enum ck_error ck_fido_check_public_key(struct ck_bytes cose, enum ck_fido_algorithm *out, struct ck_errmsg *err);

/* Parses authenticator data by itself (fuzzed): */
struct ck_auth_data {
	const uint8_t *rp_id_hash; /* 32 */
	bool present, verified, attested, extensions;
	bool backup_eligible, backed_up;
	bool hmac_secret;    /* there is an output of that extension */
	unsigned protection; /* credProtect 1 to 3; 0: it says nothing */
	uint32_t count;
	const uint8_t *aaguid; /* 16, if attested */
	struct ck_bytes credential_id, public_key;
	struct ck_bytes extension_map; /* empty, or a canonical map with text keys */
};
CK_MUST_USE enum ck_error ck_fido_parse_auth_data(struct ck_bytes bytes, struct ck_auth_data *out);

/* SHA-256 by libsodium; parts are hashed one after the other. */
void ck_sha256(uint8_t out[32], const struct ck_bytes *parts, size_t count);

#endif
