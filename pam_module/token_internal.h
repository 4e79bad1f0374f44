/* What the files of the token helper share: one conversation, and how it ends. */
#ifndef CK_PAM_MODULE_TOKEN_INTERNAL_H
#define CK_PAM_MODULE_TOKEN_INTERNAL_H

#include <fido.h>

#include "authd/protocol/frame.h"
#include "authd/protocol/message.h"
#include "pam_module/token_helper.h"

#define CK_TOKEN_SIGNED_LIMIT_BYTES 2048       /* a tag and a statement */
#define CK_TOKEN_REQUEST_LIMIT_BYTES 20480     /* sixteen credential ids and the rest */
#define CK_TOKEN_ANSWER_LIMIT_BYTES 128        /* a PIN */
#define CK_TOKEN_REPLY_LIMIT_BYTES 16384       /* a registration */
#define CK_TOKEN_REQUEST_TIMEOUT_MS 10000      /* from the start to the request */
#define CK_TOKEN_TIME_LIMIT_MS 170000          /* nobody waits longer; the supervisor ends the helper after 180 s */
#define CK_TOKEN_STEP_TIMEOUT_MS 5000          /* what a key does without its user */
#define CK_TOKEN_USER_HANDLE_LIMIT_BYTES 64    /* WebAuthn Level 2, 5.4.3 */
#define CK_TOKEN_CREDENTIAL_ID_LIMIT_BYTES 1023 /* CTAP 2.1, 6.1.2 */
#define CK_TOKEN_NAME_LIMIT_BYTES 128

/* How it ended; the table of reasons and sentences is in token_helper.c. */
enum ck_token_outcome {
	CK_TOKEN_OK = 0,
	CK_TOKEN_NO_KEY,
	CK_TOKEN_WRONG_KEY,
	CK_TOKEN_PIN_WRONG,   /* never final: it is asked again */
	CK_TOKEN_PIN_PAUSED,  /* too many wrong PINs in a row: the key wants to be plugged in anew */
	CK_TOKEN_PIN_BLOCKED,
	CK_TOKEN_PIN_NOT_SET,
	CK_TOKEN_PIN_DEMANDED, /* never final: the key wants a PIN although we did not */
	CK_TOKEN_ENROLLED,
	CK_TOKEN_TIMEOUT,
	CK_TOKEN_CANCELLED, /* by the key's own buttons, or the socket was closed */
	CK_TOKEN_GARBAGE,   /* the client does not keep to the protocol: no answer */
	CK_TOKEN_DEVICE_ERROR
};

/* What must not reach swap or a core file. One mapping of whole pages, locked. */
struct ck_token_memory {
	uint8_t request[CK_TOKEN_REQUEST_LIMIT_BYTES];
	uint8_t answer[CK_TOKEN_ANSWER_LIMIT_BYTES];
	char pin[CK_PIN_LIMIT_BYTES + 1]; /* "" : none asked */
};

struct ck_token {
	int fd;
	const struct ck_token_source *source;
	struct ck_token_memory *memory;
	int64_t deadline_ms;
	/* the request; borrows from memory->request */
	bool create, verify;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	struct ck_bytes signed_bytes; /* absent: challenge is the hash; else this is hashed here (assertions only) */
	char rp_id[CK_RP_ID_LIMIT_BYTES + 1];
	struct ck_bytes allow[CK_ALLOW_LIMIT]; /* when creating: not again on these */
	size_t allow_count;
	struct ck_bytes user_handle;
	char user[CK_TOKEN_NAME_LIMIT_BYTES + 1], name[CK_TOKEN_NAME_LIMIT_BYTES + 1];
};

/* A key that is plugged in, opened. */
struct ck_token_key {
	fido_dev_t *device; /* NULL: none */
	bool holds[CK_ALLOW_LIMIT]; /* which of the allowed credentials */
	size_t held;
};

/* token_socket.c */
int ck_token_left_ms(const struct ck_token *token); /* until the deadline; at least 0 */
/* Exactly one frame. TIMEOUT, CANCELLED (closed), GARBAGE. */
enum ck_token_outcome ck_token_receive(const struct ck_token *token, uint8_t *bytes, size_t limit_bytes, int64_t deadline_ms,
                                       struct ck_map *out);
enum ck_token_outcome ck_token_send(const struct ck_token *token, const uint8_t *frame, size_t length);
void ck_token_say(const struct ck_token *token, const char *reason, const char *message);
/* Waits; the client must be silent meanwhile: OK after ms, else TIMEOUT (the deadline came first), CANCELLED, GARBAGE. */
enum ck_token_outcome ck_token_pause(const struct ck_token *token, int ms);

/* token_watch.c: cancels what the key does once the client goes away. Between begin and end one libfido2 call on the device. */
struct ck_token_watch;
struct ck_token_watch *ck_token_watch_begin(const struct ck_token *token, fido_dev_t *device); /* NULL: no memory, no thread */
/* Whether the client went away (or spoke out of turn). */
bool ck_token_watch_end(struct ck_token_watch *watch);

/* token_key.c */
/* Opens what is plugged in, waiting for a first key; keeps those that may serve: one, chosen by touch if there are several. */
enum ck_token_outcome ck_token_find_key(const struct ck_token *token, struct ck_token_key *out);
void ck_token_close_key(struct ck_token_key *key);
/* What a libfido2 code means here; of FIDO_ERR_RX: TIMEOUT if the deadline has passed. */
enum ck_token_outcome ck_token_outcome_of(const struct ck_token *token, int fido);
void ck_token_set_timeout(const struct ck_token *token, fido_dev_t *device, bool user_is_needed);

/* token_pin.c */
/* Asks until the PIN is right, the key gives up, or the client does. token->memory->pin is set then. */
enum ck_token_outcome ck_token_ask_pin(struct ck_token *token, fido_dev_t *device);
/* How the user is verified: *out_builtin (finger, no PIN), or a PIN was asked, or neither is demanded. */
enum ck_token_outcome ck_token_verify_user(struct ck_token *token, fido_dev_t *device, bool *out_builtin);

/* token_confine.c: no core dumps, no new privileges, not to be traced, Landlock, seccomp. Afterwards it cannot become more. */
CK_MUST_USE enum ck_error ck_token_confine(const struct ck_token_source *source, struct ck_errmsg *err);

/* token_assert.c, token_create.c: everything from the found key to the answer sent. */
enum ck_token_outcome ck_token_assert_with(struct ck_token *token, const struct ck_token_key *key);
enum ck_token_outcome ck_token_create_with(struct ck_token *token, const struct ck_token_key *key);

#endif
