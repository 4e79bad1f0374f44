/* The software authenticator: CTAP 2.0 over CTAPHID behind libfido2's I/O hook, with virtual keys on disk; and, for unit tests that only
   need signed bytes, a way to make credentials and sign without any device. For tests and the demonstration; never installed. */
#ifndef CK_TESTS_SOFT_KEY_H
#define CK_TESTS_SOFT_KEY_H

#include <fido.h>

#include "directory/base/text.h"

#define CK_SOFT_ES256 (-7)
#define CK_SOFT_EDDSA (-8)
#define CK_SOFT_RS256 (-257)
#define CK_SOFT_ID_BYTES 64
#define CK_SOFT_SIGNATURE_LIMIT_BYTES 512 /* RSA of 4096 bits */
#define CK_SOFT_RSA_LIMIT_BYTES 2400      /* such a private key in DER */
#define CK_SOFT_CERTIFICATE_LIMIT_BYTES 1024

/* ---- without a device: soft_credential.c ---- */
struct ck_soft_credential {
	int algorithm;
	uint8_t secret[32]; /* P-256 scalar, big-endian; Ed25519 seed */
	uint8_t rsa[CK_SOFT_RSA_LIMIT_BYTES]; /* of RS256: the private key as PKCS #1 in DER */
	size_t rsa_length;
	uint8_t id[1024];   /* a test may change id and length */
	size_t id_length;
	uint8_t cose[600]; /* COSE_Key in CTAP2 canonical form: 77 bytes for ES256, 42 for EdDSA */
	size_t cose_length;
	char rp_id[254]; /* of one that was made by U2F, which knows only the hash: "#" and that in hex */
	uint8_t user_id[64];
	size_t user_id_length;
	bool resident;
	unsigned protection; /* credProtect 1 to 3 */
	uint32_t count;      /* the last signature counter */
	bool u2f;            /* registers as U2F does: AAGUID zero */
};
/* seed NULL: a random credential; else the same seed gives the same one (of RS256, with 2048 bits, only the same id). False: the crypto
   library failed. */
bool ck_soft_make_credential(struct ck_soft_credential *out, const char *rp_id, int algorithm, const char *seed);
/* RS256 with so many bits (up to 4096, which takes seconds) and this exponent. */
bool ck_soft_make_rsa_credential(struct ck_soft_credential *out, const char *rp_id, unsigned bits, unsigned exponent);

enum ck_soft_flag { CK_SOFT_UP = 0x01, CK_SOFT_UV = 0x04, CK_SOFT_AT = 0x40, CK_SOFT_ED = 0x80 };
struct ck_soft_assertion {
	uint8_t auth_data[64];
	size_t auth_data_length;
	uint8_t signature[CK_SOFT_SIGNATURE_LIMIT_BYTES];
	size_t signature_length;
};
/* Fills in cose from algorithm and secret. */
bool ck_soft_derive_public_key(struct ck_soft_credential *credential);
/* 0x04 ‖ x ‖ y of a P-256 scalar. */
bool ck_soft_p256_public(const uint8_t secret[32], uint8_t out[65]);
/* A good assertion with user presence; `verified` sets UV. Counts one up. client_data_hash: 32 bytes. */
bool ck_soft_make_assertion(struct ck_soft_credential *credential, const uint8_t *client_data_hash, bool verified,
                            struct ck_soft_assertion *out);

struct ck_soft_registration {
	char format[16]; /* "packed", "none", "fido-u2f" */
	uint8_t auth_data[2000];
	size_t auth_data_length;
	uint8_t statement[4096]; /* CBOR */
	size_t statement_length;
};
/* A good registration; packed: self attestation, else "none". */
bool ck_soft_make_registration(struct ck_soft_credential *credential, const uint8_t *client_data_hash, bool verified, bool packed,
                               struct ck_soft_registration *out);

/* The pieces, for tests that build something wrong. Extensions: encoded CBOR map or empty. Each returns the length. */
size_t ck_soft_put_assertion_data(const char *rp_id, unsigned flags, uint32_t count, uint8_t *out, size_t limit_bytes);
size_t ck_soft_put_registration_data(const struct ck_soft_credential *credential, unsigned flags, struct ck_bytes extensions, uint8_t *out,
                                     size_t limit_bytes);
size_t ck_soft_put_self_statement(int algorithm, const uint8_t *signature, size_t length, uint8_t *out, size_t limit_bytes);
/* Signs auth_data ‖ client_data_hash; signature holds CK_SOFT_SIGNATURE_LIMIT_BYTES. 0: failed. */
size_t ck_soft_sign(const struct ck_soft_credential *credential, struct ck_bytes auth_data, const uint8_t *client_data_hash,
                    uint8_t *signature);
/* Signs a message by that P-256 scalar; signature holds 80 bytes. 0: failed. */
size_t ck_soft_sign_p256(const uint8_t secret[32], const uint8_t *message, size_t length, uint8_t *signature);
/* SHA-256 of an rp id, or the hash that "#…" stands for. */
void ck_soft_hash_rp_id(const char *rp_id, uint8_t out[32]);
extern const uint8_t ck_soft_aaguid[16];

/* ---- a maker who attests with certificates: soft_maker.c. Root, perhaps an intermediate, and the key's own; all P-256. ---- */
struct ck_soft_maker {
	uint8_t secret[32]; /* of the last certificate: what attestations are signed with */
	uint8_t root[CK_SOFT_CERTIFICATE_LIMIT_BYTES], certificate[CK_SOFT_CERTIFICATE_LIMIT_BYTES], middle[CK_SOFT_CERTIFICATE_LIMIT_BYTES]; /* DER */
	size_t root_length, certificate_length, middle_length; /* certificate_length 0: no maker; middle_length 0: no intermediate */
};
/* What is unusual about the key's certificate; all zero: one as it should be (WebAuthn Level 2, 8.2.1), without intermediate. */
struct ck_soft_maker_wish {
	const uint8_t *aaguid; /* NULL: ck_soft_aaguid */
	const char *unit;      /* NULL: "Authenticator Attestation" */
	const char *name;      /* NULL: "Crosskeys software key" */
	bool without_aaguid, critical_aaguid, is_authority, without_country, version_1, expired, not_yet_valid, with_middle;
};
bool ck_soft_make_maker(struct ck_soft_maker *out, const struct ck_soft_maker_wish *wish);
/* A maker in a file, and its root as <path>.root.pem. */
bool ck_soft_save_maker(const char *path, const struct ck_soft_maker *maker);
bool ck_soft_load_maker(const char *path, struct ck_soft_maker *out);
/* A good registration attested by the maker: "packed" with certificates, or "fido-u2f" (ES256 only; sets credential->u2f). */
bool ck_soft_make_certified(struct ck_soft_credential *credential, const uint8_t *client_data_hash, bool verified,
                            const struct ck_soft_maker *maker, bool u2f, struct ck_soft_registration *out);
/* {alg, sig, x5c}; algorithm: that of the signature, ES256 as this maker signs. */
size_t ck_soft_put_packed_statement(int algorithm, const uint8_t *signature, size_t length, const struct ck_soft_maker *maker, uint8_t *out,
                                    size_t limit_bytes);
/* {sig, x5c} */
size_t ck_soft_put_u2f_statement(const uint8_t *signature, size_t length, const struct ck_soft_maker *maker, uint8_t *out,
                                 size_t limit_bytes);
/* What U2F signs at registration: 0 ‖ hash of the rp id ‖ challenge ‖ id ‖ public key; signature holds 80 bytes. 0: failed. */
size_t ck_soft_sign_u2f_registration(const struct ck_soft_credential *credential, const uint8_t *client_data_hash,
                                     const struct ck_soft_maker *maker, uint8_t *signature);

/* ---- virtual keys on disk: soft_state.c. A key is a directory <root>/<name> with the files `state` and `lock`. ---- */
enum ck_soft_misbehaviour {
	CK_SOFT_WRONG_COUNTER = 1,      /* always counts 1 */
	CK_SOFT_NO_UV = 2,              /* checks the PIN but does not set UV */
	CK_SOFT_NO_UP = 4,              /* does not set UP */
	CK_SOFT_OTHER_RP = 8,           /* signs for other.invalid */
	CK_SOFT_GARBAGE = 16,           /* answers assertions and registrations with noise */
	CK_SOFT_BAD_SIGNATURE = 32,
	CK_SOFT_NO_TOUCH = 64,          /* nobody touches it; taking the flag away is the touch */
	CK_SOFT_OTHER_CREDENTIAL = 128, /* says that it used another credential */
	CK_SOFT_REMOVED = 256,          /* unplugged */
	CK_SOFT_CERTIFICATE = 512       /* attests by a maker's certificate, as most real keys do; it is no real one */
};
/* What it is able to do, beside the CTAP 2.0 key with rk, credProtect, PIN protocol 1 and silent assertions that it is without them. */
enum ck_soft_ability {
	CK_SOFT_U2F_ONLY = 1,       /* CTAP1 over CTAPHID_MSG, no CBOR */
	CK_SOFT_U2F_TOO = 2,        /* both */
	CK_SOFT_NO_RK = 4,
	CK_SOFT_NO_PROTECTION = 8,  /* no credProtect */
	CK_SOFT_NO_PIN = 16,        /* no clientPIN at all */
	CK_SOFT_UV_TOKEN = 32,      /* CTAP 2.1: pinUvAuthToken with permissions, by PIN and by built-in verification */
	CK_SOFT_PROTOCOL_2 = 64,    /* PIN/UV auth protocol 2 before 1 */
	CK_SOFT_ONLY_PROTOCOL_2 = 128,
	CK_SOFT_ALWAYS_UV = 256,    /* nothing without verification */
	CK_SOFT_UV_DENIES = 512,    /* says "operation denied" of a wrong finger, as CTAP 2.0 has it */
	CK_SOFT_NO_FINGER = 1024    /* could verify its user by itself, but no finger is enrolled */
};
/* What goes wrong below the commands, and when. */
enum ck_soft_trouble {
	CK_SOFT_WELL = 0,
	CK_SOFT_HUNG,  /* never answers; reads end when their time is up */
	CK_SOFT_STUCK, /* the call itself does not come back until the trouble is over */
	CK_SOFT_BUSY,  /* held by another program: opening fails with EBUSY; commands are answered by CHANNEL_BUSY */
	CK_SOFT_GONE,  /* pulled out at that moment */
	CK_SOFT_SLOW   /* answers after slow_ms */
};
enum ck_soft_moment {
	CK_SOFT_AT_NONE = 0,
	CK_SOFT_AT_OPEN,
	CK_SOFT_AT_INIT,   /* CTAPHID_INIT */
	CK_SOFT_AT_INFO,   /* authenticatorGetInfo */
	CK_SOFT_AT_PROBE,  /* a silent assertion, or U2F's check */
	CK_SOFT_AT_ASSERT, /* the assertion proper */
	CK_SOFT_AT_CREATE,
	CK_SOFT_AT_PIN,    /* clientPIN */
	CK_SOFT_AT_CHOICE  /* the touch that only chooses */
};
#define CK_SOFT_CREDENTIALS_LIMIT 32
#define CK_SOFT_PIN_TRIES 8
#define CK_SOFT_PIN_TRIES_IN_A_ROW 3
#define CK_SOFT_UV_TRIES 3
struct ck_soft_state {
	uint8_t pin_hash[16];
	bool pin_set;
	unsigned retries;
	unsigned wrong_in_a_row; /* 3: no more until it is plugged in anew */
	unsigned misbehaviour;   /* a set */
	unsigned slow_ms;        /* each signature takes so long */
	unsigned touch_limit_ms; /* how long it waits for a touch */
	bool builtin_uv;         /* verifies its user by itself */
	bool only_eddsa;
	unsigned abilities;      /* a set of enum ck_soft_ability */
	unsigned only_rsa_bits;  /* 0, or it makes RS256 credentials of so many bits and no others */
	unsigned wrong_fingers;  /* so many fingers to come are wrong ones */
	unsigned pins_seen;      /* so many PINs were shown to it, right or wrong */
	unsigned uv_retries;     /* 0: built-in verification is blocked until a PIN was right */
	enum ck_soft_trouble trouble;
	enum ck_soft_moment trouble_at;
	struct ck_soft_maker maker; /* attests with its certificates */
	size_t count;
	struct ck_soft_credential credentials[CK_SOFT_CREDENTIALS_LIMIT];
};
/* Makes <root> (0755) and the key (0700; owner: -1 leaves it). CK_ERR_EXISTS. */
CK_MUST_USE enum ck_error ck_soft_create_key(const char *root, const char *name, const struct ck_soft_state *initial, long owner_uid,
                                             long owner_gid, struct ck_errmsg *err);
void ck_soft_init_state(struct ck_soft_state *out);
bool ck_soft_set_pin(struct ck_soft_state *state, const char *pin);
/* Reads under a shared lock. */
CK_MUST_USE enum ck_error ck_soft_load(const char *key_path, struct ck_soft_state *out, struct ck_errmsg *err);
/* Reads, lets change alter, writes: under an exclusive lock. The files stay their directory's owner's. */
typedef void (*ck_soft_change)(struct ck_soft_state *state, void *context);
CK_MUST_USE enum ck_error ck_soft_update(const char *key_path, ck_soft_change change, void *context, struct ck_errmsg *err);
/* "wrong-counter", …; 0 when there is no such name. */
unsigned ck_soft_misbehaviour_of_name(const char *name);
const char *ck_soft_misbehaviour_name(unsigned bit);
/* "u2f-only", …; "hung", …; "open", …; 0 when there is no such name. "none" is no trouble. */
unsigned ck_soft_ability_of_name(const char *name);
bool ck_soft_trouble_of_names(const char *what, const char *when, enum ck_soft_trouble *out_trouble, enum ck_soft_moment *out_at);

/* ---- as a device: soft_hid.c ---- */
/* An opened libfido2 device on the key in that directory; NULL when it is not there or unplugged. errno is EBUSY when another program has it.
   limit_ms: what libfido2 waits for each answer, -1 for ever. */
fido_dev_t *ck_soft_open(const char *key_path);
fido_dev_t *ck_soft_open_within(const char *key_path, int limit_ms);
/* As a source for ck_token_run: context is the root's path. Names are paths of keys. */
int ck_soft_list(char names[][256], int limit, const char *root);

#endif
