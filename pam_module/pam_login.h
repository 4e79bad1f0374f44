/* What one login is about, and how a stage may end, before it is said in PAM's numbers. */
#ifndef CK_PAM_MODULE_PAM_LOGIN_H
#define CK_PAM_MODULE_PAM_LOGIN_H

#include <security/pam_modules.h>

#include "authd/protocol/message.h"
#include "pam_module/pam_options.h"

/* Closed; zero is refused. */
enum ck_pam_outcome {
	CK_PAM_REFUSED = 0,
	CK_PAM_GRANTED,
	CK_PAM_LOCAL,         /* the machine's own name: not ours to decide */
	CK_PAM_UNAVAILABLE,   /* the daemon or its helper is not there, is not believed, or makes no sense */
	CK_PAM_CONVERSATION,  /* the application could not, or would not, ask or tell the person */
	CK_PAM_MISCONFIGURED, /* the service file is wrong */
	CK_PAM_MEMORY,
	CK_PAM_WANTS_PASSWORD, /* the key was right; a password is to be typed, too */
	CK_PAM_MUST_CHANGE     /* the password was right, and must be changed before the account is entered */
};

struct ck_pam_login {
	char subject[CK_PAM_NAME_LIMIT_BYTES + 1]; /* whose key is asked for */
	char account[CK_PAM_NAME_LIMIT_BYTES + 1]; /* what is entered */
	char service[CK_SERVICE_LIMIT_BYTES + 1];
	char tty[CK_TTY_LIMIT_BYTES + 1];                  /* "" for none */
	char remote_host[CK_REMOTE_HOST_LIMIT_BYTES + 1];  /* "" for none */
};

/* Reads the module's options. GRANTED or MISCONFIGURED, which is logged. */
enum ck_pam_outcome ck_pam_options_read(pam_handle_t *pamh, int argc, const char **argv, struct ck_pam_options *out);

/* GRANTED: *out is filled in and the daemon may be asked. LOCAL. REFUSED: no such name can be anybody's in the directory, or an item does
   not fit the wire (a cut remote host would be another host). CONVERSATION: no PAM_USER, and it could not be asked for. */
enum ck_pam_outcome ck_pam_login_describe(pam_handle_t *pamh, const struct ck_pam_options *options, struct ck_pam_login *out);

#endif
