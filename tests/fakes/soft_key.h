/* The software authenticator: CTAP 2.0 over CTAPHID behind libfido2's I/O hook, with virtual keys on disk; and, for unit tests that only
   need signed bytes, a way to make credentials and sign without any device. For tests and the demonstration; never installed. */
#ifndef CK_TESTS_SOFT_KEY_H
#define CK_TESTS_SOFT_KEY_H

#include <fido.h>

#include "directory/base/text.h"

#define CK_SOFT_ES256 (-7)
#define CK_SOFT_EDDSA (-8)
#define CK_SOFT_ID_BYTES 64

/* ---- without a device: soft_credential.c ---- */
struct ck_soft_credential {
	int algorithm;
	uint8_t secret[32]; /* P-256 scalar, big-endian; Ed25519 seed */
	uint8_t id[1024];   /* a test may change id and length */
	size_t id_length;
	uint8_t cose[80]; /* COSE_Key in CTAP2 canonical form: 77 bytes for ES256, 42 for EdDSA */
	size_t cose_length;
	char rp_id[254];
	uint8_t user_id[64];
	size_t user_id_length;
	bool resident;
	unsigned protection; /* credProtect 1 to 3 */
	uint32_t count;      /* the last signature counter */
};
/* seed NULL: a random credential; else the same seed gives the same one. False: the crypto library failed. */
bool ck_soft_make_credential(struct ck_soft_credential *out, const char *rp_id, int algorithm, const char *seed);

enum ck_soft_flag { CK_SOFT_UP = 0x01, CK_SOFT_UV = 0x04, CK_SOFT_AT = 0x40, CK_SOFT_ED = 0x80 };
struct ck_soft_assertion {
	uint8_t auth_data[64];
	size_t auth_data_length;
	uint8_t signature[80];
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
	char format[8]; /* "packed" or "none" */
	uint8_t auth_data[1300];
	size_t auth_data_length;
	uint8_t statement[128]; /* CBOR */
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
/* Signs auth_data ‖ client_data_hash; signature holds 80 bytes. 0: failed. */
size_t ck_soft_sign(const struct ck_soft_credential *credential, struct ck_bytes auth_data, const uint8_t *client_data_hash,
                    uint8_t *signature);
extern const uint8_t ck_soft_aaguid[16];

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
#define CK_SOFT_CREDENTIALS_LIMIT 32
#define CK_SOFT_PIN_TRIES 8
#define CK_SOFT_PIN_TRIES_IN_A_ROW 3
struct ck_soft_state {
	uint8_t pin_hash[16];
	bool pin_set;
	unsigned retries;
	unsigned wrong_in_a_row; /* 3: no more until it is plugged in anew */
	unsigned misbehaviour;   /* a set */
	unsigned slow_ms;        /* each signature takes so long */
	unsigned touch_limit_ms; /* how long it waits for a touch */
	bool builtin_uv;         /* verifies its user by itself (a finger that is always right) */
	bool only_eddsa;
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

/* ---- as a device: soft_hid.c ---- */
/* An opened libfido2 device on the key in that directory; NULL when it is not there or unplugged. */
fido_dev_t *ck_soft_open(const char *key_path);
/* As a source for ck_token_run: context is the root's path. Names are paths of keys. */
int ck_soft_list(char names[][256], int limit, const char *root);

#endif
