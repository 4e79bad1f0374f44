/* What slapo-ppolicy says beside an answer: the response control of draft-behera-ldap-password-policy, 6.2. libldap's own decoder takes what is
   malformed for "nothing to say", which would let an expired password in. */
#ifndef CK_LDAP_POLICY_H
#define CK_LDAP_POLICY_H

#include "directory/base/text.h"

enum ck_policy_error {
	CK_POLICY_EXPIRED = 0,
	CK_POLICY_LOCKED = 1,
	CK_POLICY_CHANGE_AFTER_RESET = 2,
	CK_POLICY_CHANGE_NOT_ALLOWED = 3,
	CK_POLICY_OLD_ONE_NEEDED = 4,
	CK_POLICY_TOO_SIMPLE = 5,
	CK_POLICY_TOO_SHORT = 6,
	CK_POLICY_TOO_YOUNG = 7,
	CK_POLICY_USED_BEFORE = 8,
	CK_POLICY_TOO_LONG = 9,
	CK_POLICY_FINE = 255 /* no error is said */
};
struct ck_policy {
	enum ck_policy_error error;
	int64_t expires_s; /* -1: not said */
	int64_t grace_left; /* -1: not said */
};
#define CK_POLICY_SILENT ((struct ck_policy){CK_POLICY_FINE, -1, -1})

/* CK_ERR_INVALID: malformed, or an error that is not in the list. */
CK_MUST_USE enum ck_error ck_policy_decode(struct ck_bytes value, struct ck_policy *out);

#endif
