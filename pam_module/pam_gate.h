/* The one connection of a login to its gate, kept in the PAM handle from the first stage to pam_end, and the requests made on it. */
#ifndef CK_PAM_MODULE_PAM_GATE_H
#define CK_PAM_MODULE_PAM_GATE_H

#include <sys/types.h>

#include "authd/protocol/client.h"
#include "authd/protocol/statement.h"
#include "directory/base/secret.h"
#include "pam_module/pam_login.h"

#define CK_PAM_MESSAGE_LIMIT_BYTES 512 /* one sentence for a person */
#define CK_PAM_REASON_LIMIT_BYTES 63   /* a stable name */

struct ck_pam_gate {
	struct ck_client client;
	pid_t owner;               /* the process that opened it: in another, nothing of it counts */
	dev_t device;              /* which socket it is: an application may have closed the number and opened something else there */
	ino_t inode;
	struct ck_pam_login login; /* what was asked for on it */
	bool proved;               /* the gate verified a key's answer on it */
	bool entitled;             /* the account stage granted */
	bool must_change;          /* the account stage granted but for the password, which is not the person's own yet */
	char message[CK_PAM_MESSAGE_LIMIT_BYTES + 1]; /* of the last answer: printable, or "" */
	char reason[CK_PAM_REASON_LIMIT_BYTES + 1];   /* of the last answer, or "" */
};

/* What the gate wants signed. */
struct ck_pam_challenge {
	uint8_t signed_bytes[sizeof CK_TAG_PASSWORD + CK_LOGIN_STATEMENT_LIMIT_BYTES]; /* tag and statement, made here: the helper hashes them */
	size_t signed_length;
	uint8_t nonce[CK_NONCE_BYTES];
	char rp_id[CK_RP_ID_LIMIT_BYTES + 1];
	uint8_t *allow; /* the array of credential ids, encoded; owned */
	size_t allow_length;
	bool verify;
	bool local; /* this machine's own keys may be used */
};

/* The kept connection if this process opened it, for this login, and it still lives; else a new one with nothing proved. GRANTED: *out is
   borrowed from the PAM handle. */
enum ck_pam_outcome ck_pam_gate_open(pam_handle_t *pamh, const struct ck_pam_options *options, const struct ck_pam_login *login,
                                     int64_t deadline_ms, struct ck_pam_gate **out);
/* The kept connection of this process, whatever it is about; NULL if there is none. */
struct ck_pam_gate *ck_pam_gate_kept(pam_handle_t *pamh);

/* Every request: REFUSED by a denied answer; UNAVAILABLE and the connection closed by anything that is no proper answer in time. */
/* GRANTED: a challenge is there (free it). An answer that wants no key is REFUSED: nothing would say who asks. */
enum ck_pam_outcome ck_pam_gate_begin(struct ck_pam_gate *gate, int64_t deadline_ms, struct ck_pam_challenge *out);
void ck_pam_challenge_free(struct ck_pam_challenge *challenge);
/* GRANTED: *out_fd is the token helper's socket, the caller's. */
enum ck_pam_outcome ck_pam_gate_token(struct ck_pam_gate *gate, int64_t deadline_ms, int *out_fd);
/* What a key answered. */
struct ck_pam_assertion {
	struct ck_bytes credential, auth_data, signature;
};
/* WANTS_PASSWORD: the key was right, and ck_pam_gate_password ends the login. */
enum ck_pam_outcome ck_pam_gate_assert(struct ck_pam_gate *gate, const struct ck_pam_assertion *assertion, int64_t deadline_ms);
enum ck_pam_outcome ck_pam_gate_password(struct ck_pam_gate *gate, const struct ck_secret *password, int64_t deadline_ms);
/* Changing the subject's password: what the key must sign (free it), then the change. */
enum ck_pam_outcome ck_pam_gate_change_begin(struct ck_pam_gate *gate, int64_t deadline_ms, struct ck_pam_challenge *out);
enum ck_pam_outcome ck_pam_gate_change(struct ck_pam_gate *gate, const struct ck_pam_challenge *challenge, const struct ck_pam_assertion *assertion,
                                       const struct ck_secret *old, const struct ck_secret *wanted, int64_t deadline_ms);
/* MUST_CHANGE: everything is right but that. */
enum ck_pam_outcome ck_pam_gate_account(struct ck_pam_gate *gate, int64_t deadline_ms, uint8_t out_login_id[CK_LOGIN_ID_BYTES]);
enum ck_pam_outcome ck_pam_gate_session(struct ck_pam_gate *gate, bool begin, const uint8_t login_id[CK_LOGIN_ID_BYTES],
                                        int64_t deadline_ms);

#endif
