/* Inside the software authenticator: what framing, commands and PIN share. */
#ifndef CK_TESTS_SOFT_DEVICE_H
#define CK_TESTS_SOFT_DEVICE_H

#include <cbor.h>
#include <stdatomic.h>

#include "directory/base/buffer.h"
#include "tests/fakes/soft_crypto.h"

#define CK_SOFT_MESSAGE_LIMIT_BYTES 1200 /* maxMsgSize, as most keys have it */
#define CK_SOFT_RESPONSE_LIMIT_BYTES 6144 /* RSA of 4096 bits, and two certificates */
#define CK_SOFT_TOKEN_BYTES 32

enum { CK_SOFT_NEEDS_TOUCH = 0x100 }; /* beside the one-byte status codes */
enum { CK_SOFT_MAY_CREATE = 1, CK_SOFT_MAY_ASSERT = 2 }; /* permissions of a token (CTAP 2.1, 6.5.5.7) */

struct ck_soft_device {
	char path[256];
	/* a message being put together, and the one that waits for a touch */
	uint32_t channel;
	uint8_t command;
	uint8_t request[7609]; /* the longest that 128 continuation frames carry */
	size_t request_length, request_got;
	unsigned next_sequence;
	bool waiting;
	int64_t began_ms, last_keepalive_ms;
	atomic_bool cancelled;
	/* the answer that is being read */
	uint8_t response[CK_SOFT_RESPONSE_LIMIT_BYTES];
	uint32_t response_channel;
	uint8_t response_command;
	size_t response_length, response_sent;
	unsigned response_sequence;
	bool responding;
	/* PIN/UV auth protocols: new at each opening, as at each power-up */
	uint8_t agreement_secret[32];
	uint8_t agreement_public[65];
	uint8_t pin_token[CK_SOFT_TOKEN_BYTES]; /* protocol 1 hands out the first half, protocol 2 all of it */
	unsigned permissions;                   /* of the token that was handed out last */
	char permitted_rp_id[254];              /* "": any */
	int64_t answer_at_ms;                   /* slow: not before */
	bool mute;                              /* hung or stuck since the last message */
	bool gone;                              /* it was pulled out */
	struct ck_soft_state state; /* as it was read at the last command */
};

/* soft_hid.c: the hook itself, for tests of the framing. */
extern const fido_dev_io_t ck_soft_io;

/* soft_ctap.c: runs one CTAP2 command (FIDO_OK or the error is the first byte of out). False: it needs a touch first; call again with
   touched. */
bool ck_soft_run_command(struct ck_soft_device *device, const uint8_t *request, size_t length, bool touched, struct ck_writer *out);

/* Which moment such a CTAP2 message is. */
enum ck_soft_moment ck_soft_moment_of(const uint8_t *request, size_t length);
/* soft_info.c */
unsigned ck_soft_get_info(const struct ck_soft_state *state, struct ck_writer *out);
bool ck_soft_has_uv(const struct ck_soft_state *state); /* able to, and a finger is enrolled */

/* soft_u2f.c: runs one CTAP1 message; writes the answer with its status word. */
void ck_soft_run_u2f(struct ck_soft_device *device, const uint8_t *request, size_t length, struct ck_writer *out);
bool ck_soft_u2f_is_check(const uint8_t *request, size_t length);

/* soft_pin.c: FIDO_OK, a code, CK_SOFT_NEEDS_TOUCH */
bool ck_soft_renew_agreement(struct ck_soft_device *device);
unsigned ck_soft_run_client_pin(struct ck_soft_device *device, const cbor_item_t *map, bool touched, struct ck_writer *out);
/* Whether pinAuth is HMAC-SHA-256(token, client data hash): of protocol 1 the first 16 bytes. */
bool ck_soft_pin_auth_valid(const struct ck_soft_device *device, int64_t protocol, struct ck_bytes pin_auth,
                            struct ck_bytes client_data_hash);
bool ck_soft_token_permits(const struct ck_soft_device *device, unsigned permission, const char *rp_id);
/* Built-in verification: waits for the finger, and looks at it. */
unsigned ck_soft_check_finger(struct ck_soft_device *device, bool touched);

/* soft_pin_crypto.c: CTAP 2.1, 6.5.6 and 6.5.7. shared: 64 bytes, of protocol 1 twice the same 32: HMAC key, AES key. */
bool ck_soft_share_secret(const struct ck_soft_device *device, int64_t protocol, const cbor_item_t *cose, uint8_t shared[64]);
/* Encrypts to or decrypts from protocol's form; at most 64 bytes of plain text. 0: failed. */
size_t ck_soft_encrypt(const uint8_t shared[64], int64_t protocol, struct ck_bytes plain, uint8_t out[80]);
size_t ck_soft_decrypt(const uint8_t shared[64], int64_t protocol, struct ck_bytes cipher, uint8_t out[64]);
bool ck_soft_mac_is(const uint8_t *key, size_t key_length, int64_t protocol, struct ck_bytes a, struct ck_bytes b, struct ck_bytes expected);

/* soft_cbor.c: looking things up in a request, and writing a response. Absent or of another type: NULL, {NULL, 0}, false, fallback. */
const cbor_item_t *ck_soft_at(const cbor_item_t *map, int key);
const cbor_item_t *ck_soft_named(const cbor_item_t *map, const char *key);
struct ck_bytes ck_soft_bytes(const cbor_item_t *item);
bool ck_soft_text(const cbor_item_t *item, char *out, size_t out_bytes);
bool ck_soft_option(const cbor_item_t *options, const char *name, bool fallback);
int64_t ck_soft_integer(const cbor_item_t *item);

#endif
