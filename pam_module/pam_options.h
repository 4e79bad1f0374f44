/* The options of a line in a PAM service file. Anything that is not exactly understood is an error: an option that is ignored is
   one that an administrator believes in. libc only. */
#ifndef CK_PAM_MODULE_PAM_OPTIONS_H
#define CK_PAM_MODULE_PAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "directory/base/error.h"

#define CK_PAM_SOCKET_DEFAULT "/var/lib/crosskeys/run/gate.sock"
#define CK_PAM_LOCAL_DEFAULT "/etc/crosskeys/local-names"
#define CK_PAM_TIMEOUT_DEFAULT_S 60
#define CK_PAM_TIMEOUT_MIN_S 5   /* one answer of the daemon */
#define CK_PAM_TIMEOUT_MAX_S 300 /* sshd's LoginGraceTime is 120; nothing sensible waits longer than this for a person */

#define CK_PAM_NAME_LIMIT_BYTES 32    /* login names; as the directory and the operating system have it */
#define CK_PAM_SOCKET_LIMIT_BYTES 107 /* sun_path with its NUL */
#define CK_PAM_PATH_LIMIT_BYTES 255

enum ck_pam_who { CK_PAM_BY_SERVICE = 0, CK_PAM_IS_USER, CK_PAM_IS_CALLER };

struct ck_pam_options {
	char socket[CK_PAM_SOCKET_LIMIT_BYTES + 1];
	char local[CK_PAM_PATH_LIMIT_BYTES + 1];
	char account[CK_PAM_NAME_LIMIT_BYTES + 1]; /* "": PAM_USER */
	enum ck_pam_who subject;
	int64_t timeout_ms;
	bool debug;
};

/* CK_ERR_INVALID with the sentence; *out holds the defaults then. An option given twice is an error too. */
CK_MUST_USE enum ck_error ck_pam_options_parse(int argc, const char **argv, struct ck_pam_options *out, struct ck_errmsg *err);

/* An account that may be entered: [a-z_][a-z0-9_-]{0,31}, not "self" (which means something else in a rule). */
bool ck_pam_is_account(const char *name);
/* A login name of staff: [a-z][a-z0-9_-]{1,31}. */
bool ck_pam_is_staff_name(const char *name);

#endif
