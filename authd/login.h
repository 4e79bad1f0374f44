/* The pure part of a login: what is asked, the statement a key signs, the challenge that is good once, the credentials a name that has none
   appears to have, and what a terminal's name says. No I/O, no clock, nothing allocated. */
#ifndef CK_AUTHD_LOGIN_H
#define CK_AUTHD_LOGIN_H

#include "authd/protocol/cbor.h"
#include "authd/protocol/message.h"
#include "authd/protocol/statement.h"
#include "directory/model/record.h"

/* A name as PAM hands it on may be anything; longer ones than this belong to nobody (a uid has at most 32 bytes). */
#define CK_LOGIN_NAME_LIMIT_BYTES 128

/* What a login or an account question names; absent texts are "". */
struct ck_login_ask {
	char user[CK_LOGIN_NAME_LIMIT_BYTES + 1];
	char account[CK_LOGIN_NAME_LIMIT_BYTES + 1];
	char service[CK_SERVICE_LIMIT_BYTES + 1];
	char tty[CK_TTY_LIMIT_BYTES + 1];
	char remote_host[CK_REMOTE_HOST_LIMIT_BYTES + 1];
};
/* From a request's fields, those that are there. CK_ERR_INVALID, CK_ERR_LIMIT. */
CK_MUST_USE enum ck_error ck_login_read_ask(const struct ck_map *request, struct ck_login_ask *out);
/* The same user, account and service. */
bool ck_login_same(const struct ck_login_ask *a, const struct ck_login_ask *b);

/* SHA-256 of the tag and the statement. CK_ERR_LIMIT cannot happen within the limits above. */
CK_MUST_USE enum ck_error ck_login_hash_statement(const struct ck_login_ask *ask, const char *system, const uint8_t nonce[CK_NONCE_BYTES],
                                                  int64_t time_s, uint8_t out[CK_CHALLENGE_BYTES]);
/* The same for a connection that is to be a person's. */
CK_MUST_USE enum ck_error ck_login_hash_identify(const char *user, const char *system, const uint8_t nonce[CK_NONCE_BYTES], int64_t time_s,
                                                 uint8_t out[CK_CHALLENGE_BYTES]);

/* The same for who changes their own password. */
CK_MUST_USE enum ck_error ck_login_hash_password(const char *user, const char *system, const uint8_t nonce[CK_NONCE_BYTES], int64_t time_s,
                                                 uint8_t out[CK_CHALLENGE_BYTES]);

/* An issued challenge, on the connection it was issued to. */
struct ck_challenge {
	bool open;
	bool verify; /* user verification is demanded */
	uint8_t hash[CK_CHALLENGE_BYTES];
	int64_t issued_ms, expires_ms; /* monotonic */
};
void ck_challenge_issue(struct ck_challenge *challenge, const uint8_t hash[CK_CHALLENGE_BYTES], bool verify, int64_t now_ms,
                        int64_t life_ms);
/* Uses it up, whatever comes of it. CK_ERR_DENIED: there is none. CK_ERR_TIMEOUT: it is too old. */
CK_MUST_USE enum ck_error ck_challenge_take(struct ck_challenge *challenge, int64_t now_ms, struct ck_challenge *out);

/* What a name without keys appears to have: the same at each asking, different for each name and machine. */
#define CK_DECOYS_LIMIT 2
#define CK_DECOY_LIMIT_BYTES 128
#define CK_LOGIN_SECRET_BYTES 32
struct ck_decoys {
	size_t count;
	size_t lengths[CK_DECOYS_LIMIT];
	uint8_t ids[CK_DECOYS_LIMIT][CK_DECOY_LIMIT_BYTES];
};
void ck_login_decoys(const uint8_t secret[CK_LOGIN_SECRET_BYTES], struct ck_text user, struct ck_decoys *out);
/* Whether a name that nothing lets in is to be asked for no verification: half of all names, the same ones at each asking. */
bool ck_login_decoy_asks_less(const uint8_t secret[CK_LOGIN_SECRET_BYTES], struct ck_text user);

/* A key that nobody holds: what an assertion is verified with when there is no key to verify it with, so that this takes as long. */
extern const uint8_t ck_login_nobody_key[];
extern const size_t ck_login_nobody_key_length;

enum ck_terminal {
	CK_TERMINAL_NONE = 0, /* none, or no form that we know */
	CK_TERMINAL_SEAT,     /* a virtual console, the console, a display of this machine */
	CK_TERMINAL_PSEUDO    /* a pseudo-terminal: says nothing about where its user sits */
};
/* "tty1" to "tty63", "console", "pts/N", each also below /dev/; ":N" or ":N.M". */
enum ck_terminal ck_login_terminal(const char *tty);

#endif
