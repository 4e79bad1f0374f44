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
#define CK_TOKEN_GRACE_MS 1500                 /* the others wait so long for a key that has not said yet whether it serves */
#define CK_TOKEN_USER_HANDLE_LIMIT_BYTES 64    /* WebAuthn Level 2, 5.4.3 */
#define CK_TOKEN_CREDENTIAL_ID_LIMIT_BYTES 1023 /* CTAP 2.1, 6.1.2 */
#define CK_TOKEN_NAME_LIMIT_BYTES 128

/* How the conversation ended, or a step of it. The reasons and sentences are in token_say.c. */
enum ck_token_outcome {
	CK_TOKEN_OK = 0,
	CK_TOKEN_NO_KEY,
	CK_TOKEN_WRONG_KEY,
	CK_TOKEN_PIN_WRONG,     /* never final: it is asked again */
	CK_TOKEN_PIN_PAUSED,    /* too many wrong PINs in a row: the key wants to be plugged in anew */
	CK_TOKEN_PIN_BLOCKED,
	CK_TOKEN_PIN_NOT_SET,
	CK_TOKEN_PIN_DEMANDED,  /* never final: the key wants a PIN although we did not */
	CK_TOKEN_CANNOT_VERIFY, /* verification is demanded of a key that knows neither PIN nor finger */
	CK_TOKEN_FINGER_WRONG,  /* never final */
	CK_TOKEN_FINGER_BLOCKED,
	CK_TOKEN_ENROLLED,
	CK_TOKEN_TIMEOUT,
	CK_TOKEN_CANCELLED, /* by the key's own buttons, or the socket was closed */
	CK_TOKEN_GARBAGE,   /* the client does not keep to the protocol: no answer */
	CK_TOKEN_REMOVED,   /* pulled out */
	CK_TOKEN_BUSY,      /* held by another program */
	CK_TOKEN_SILENT,    /* does not answer */
	CK_TOKEN_FORBIDDEN, /* may not be opened */
	CK_TOKEN_DEVICE_ERROR
};

/* What must not reach swap or a core file. One mapping of whole pages, locked. Each device has its own place for the PIN that was typed for
   it: one that is slow to take its PIN must never find another key's. */
struct ck_token_memory {
	uint8_t request[CK_TOKEN_REQUEST_LIMIT_BYTES];
	uint8_t answer[CK_TOKEN_ANSWER_LIMIT_BYTES];
	char pins[CK_TOKEN_DEVICES_LIMIT][CK_PIN_LIMIT_BYTES + 1]; /* "": none was asked for */
};

struct ck_token {
	int fd;
	const struct ck_token_source *source;
	struct ck_token_memory *memory;
	int64_t deadline_ms;
	/* the request; borrows from memory->request; does not change once a device's thread runs */
	bool create, verify;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	struct ck_bytes signed_bytes; /* absent: challenge is the hash; else this is hashed here (assertions only) */
	char rp_id[CK_RP_ID_LIMIT_BYTES + 1];
	struct ck_bytes allow[CK_ALLOW_LIMIT]; /* when creating: not again on these */
	size_t allow_count;
	struct ck_bytes user_handle;
	char user[CK_TOKEN_NAME_LIMIT_BYTES + 1], name[CK_TOKEN_NAME_LIMIT_BYTES + 1];
	struct ck_token_board *board;
	int code; /* the program's exit code */
};

/* token_socket.c */
int ck_token_left_ms(const struct ck_token *token); /* until the deadline; at least 0 */
int ck_token_grace_ms(const struct ck_token *token);
/* Exactly one frame. TIMEOUT, CANCELLED (closed), GARBAGE. */
enum ck_token_outcome ck_token_receive(const struct ck_token *token, uint8_t *bytes, size_t limit_bytes, int64_t deadline_ms,
                                       struct ck_map *out);
enum ck_token_outcome ck_token_send(const struct ck_token *token, const uint8_t *frame, size_t length);
/* Waits for news_fd; the client must be silent meanwhile: OK after ms or when there is news, else TIMEOUT (the deadline came first),
   CANCELLED, GARBAGE. */
enum ck_token_outcome ck_token_pause(const struct ck_token *token, int news_fd, int ms);

/* token_say.c: the sentences, each under its stable name. */
void ck_token_say(const struct ck_token *token, const char *reason, const char *message);
/* What is said of a key that cannot serve, while another may. */
void ck_token_say_problem(const struct ck_token *token, enum ck_token_outcome problem);
/* The last message. */
void ck_token_say_failed(const struct ck_token *token, enum ck_token_outcome outcome);

/* token_pin.c */
struct ck_token_device;
/* Asks for that device's PIN until it is right, the key gives up, or the client does. */
enum ck_token_outcome ck_token_ask_pin(struct ck_token *token, struct ck_token_device *device);
/* A wrong finger was shown: says so. FINGER_WRONG: it may be shown again; PIN_DEMANDED: the PIN is asked for now; FINGER_BLOCKED. */
enum ck_token_outcome ck_token_judge_finger(struct ck_token *token, struct ck_token_device *device, enum ck_token_outcome outcome);

/* token_confine.c: no core dumps, no new privileges, not to be traced, Landlock, seccomp. Afterwards it cannot become more. */
CK_MUST_USE enum ck_error ck_token_confine(const struct ck_token_source *source, struct ck_errmsg *err);

/* token_choose.c: everything from the request to the answer sent. */
enum ck_token_outcome ck_token_serve(struct ck_token *token);
/* token_work.c: the same, once it is clear which key serves: READY, or DONE with a touch that chose it or with its first answer. */
enum ck_token_outcome ck_token_work(struct ck_token *token, struct ck_token_device *device);

#endif
