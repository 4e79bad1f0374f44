/* Passwords, checked by a bind as the person on a connection of its own, and changed by RFC 3062 under the daemon's identity after such a
   bind. Asynchronous: drive it with the descriptor. What slapo-ppolicy says comes with the answer. */
#ifndef CK_LDAP_PASSWORD_H
#define CK_LDAP_PASSWORD_H

#include "directory/base/secret.h"
#include "directory/ldap/ldap.h"

/* Closed; zero proves nothing. */
enum ck_password_outcome {
	CK_PASSWORD_UNAVAILABLE = 0, /* nobody could tell */
	CK_PASSWORD_WRONG,           /* or there is none: the directory does not say which */
	CK_PASSWORD_LOCKED,          /* after too many wrong ones, or by an administrator */
	CK_PASSWORD_EXPIRED,
	CK_PASSWORD_RIGHT,
	CK_PASSWORD_EXPIRING,        /* right, for `seconds_left` more */
	CK_PASSWORD_GRACE,           /* right and expired; it may be used `grace_left` times more, to change it */
	CK_PASSWORD_MUST_CHANGE,     /* right, but somebody else chose it */
	/* of a change, when the old one was right */
	CK_PASSWORD_CHANGED,
	CK_PASSWORD_TOO_SHORT,
	CK_PASSWORD_TOO_LONG,
	CK_PASSWORD_TOO_SIMPLE,
	CK_PASSWORD_TOO_YOUNG,       /* the old one was set only just now */
	CK_PASSWORD_USED_BEFORE,
	CK_PASSWORD_FIXED            /* the policy lets nobody change it */
};
struct ck_password_answer {
	enum ck_password_outcome outcome;
	int64_t seconds_left;
	unsigned grace_left;
};

struct ck_password_check;
/* Connects, sends the bind and returns without waiting (but for TLS). wanted: the new password of a change; NULL: only the check. CK_ERR_INVALID, and
   nothing is sent: a password that is empty, too long or holds a NUL. CK_ERR_UNAVAILABLE: the provider is not there. */
CK_MUST_USE enum ck_error ck_password_check_open(const struct ck_ldap_target *target, const char *dn, const struct ck_secret *password,
                                                 const struct ck_secret *wanted, struct ck_password_check **out, struct ck_errmsg *err);
int ck_password_check_fd(const struct ck_password_check *check);
/* Takes what has arrived. True: it is over, and *out says how it ended. */
bool ck_password_check_step(struct ck_password_check *check, struct ck_password_answer *out);
/* Whether a new password was sent, so that without an answer it may be the one that counts. */
bool ck_password_check_changes(const struct ck_password_check *check);
/* Hangs up and wipes; NULL is accepted. */
void ck_password_check_close(struct ck_password_check **check);

/* Whether the person got it right. */
bool ck_password_is_right(enum ck_password_outcome outcome);
/* "wrong", "must-change", …: for records and the wire. */
const char *ck_password_outcome_name(enum ck_password_outcome outcome);

#endif
