/* What is said to a person about their password: after the touch of their own key, so nothing of it is told to strangers. */
#ifndef CK_AUTHD_PASSWORD_SAY_H
#define CK_AUTHD_PASSWORD_SAY_H

#include "directory/ldap/password.h"

#define CK_PASSWORD_CHANGE_HINT "`crosskeys passwd` changes it"

/* One sentence; "" for a right one of which there is nothing to say. */
void ck_password_say(const struct ck_password_answer *answer, struct ck_errmsg *out);
/* None is left to try before again_s. */
void ck_password_say_wait(int64_t again_s, int64_t now_s, struct ck_errmsg *out);
/* "password-wrong", …: the REASON of a refusal. */
const char *ck_password_reason(enum ck_password_outcome outcome);

#endif
