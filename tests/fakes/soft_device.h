/* Inside the software authenticator: what framing, commands and PIN share. */
#ifndef CK_TESTS_SOFT_DEVICE_H
#define CK_TESTS_SOFT_DEVICE_H

#include <cbor.h>
#include <stdatomic.h>

#include "directory/base/buffer.h"
#include "tests/fakes/soft_key.h"

#define CK_SOFT_MESSAGE_LIMIT_BYTES 1200 /* maxMsgSize, as most keys have it */
#define CK_SOFT_RESPONSE_LIMIT_BYTES 2048

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
	/* PIN protocol 1: new at each opening, as at each power-up */
	uint8_t agreement_secret[32];
	uint8_t agreement_public[65];
	uint8_t pin_token[16];
	struct ck_soft_state state; /* as it was read at the last command */
};

/* soft_hid.c: the hook itself, for tests of the framing. */
extern const fido_dev_io_t ck_soft_io;

/* soft_ctap.c: runs one CTAP2 command (FIDO_OK or the error is the first byte of out). False: it needs a touch first; call again with
   touched. */
bool ck_soft_run_command(struct ck_soft_device *device, const uint8_t *request, size_t length, bool touched, struct ck_writer *out);

/* soft_pin.c */
bool ck_soft_renew_agreement(struct ck_soft_device *device);
uint8_t ck_soft_run_client_pin(struct ck_soft_device *device, const cbor_item_t *map, struct ck_writer *out);
/* Whether pinAuth is HMAC-SHA-256(pin token, client data hash), the first 16 bytes. */
bool ck_soft_pin_auth_valid(const struct ck_soft_device *device, struct ck_bytes pin_auth, struct ck_bytes client_data_hash);

/* soft_cbor.c: looking things up in a request, and writing a response. Absent or of another type: NULL, {NULL, 0}, false, fallback. */
const cbor_item_t *ck_soft_at(const cbor_item_t *map, int key);
const cbor_item_t *ck_soft_named(const cbor_item_t *map, const char *key);
struct ck_bytes ck_soft_bytes(const cbor_item_t *item);
bool ck_soft_text(const cbor_item_t *item, char *out, size_t out_bytes);
bool ck_soft_option(const cbor_item_t *options, const char *name, bool fallback);
int64_t ck_soft_integer(const cbor_item_t *item);
void ck_soft_put_head(struct ck_writer *w, unsigned major, size_t number);
void ck_soft_put_bytes(struct ck_writer *w, const void *bytes, size_t length);
void ck_soft_put_text(struct ck_writer *w, const char *text);

#endif
