/* Talking with the person through the application's conversation function, which may be missing, fail, or want silence. */
#ifndef CK_PAM_MODULE_PAM_TALK_H
#define CK_PAM_MODULE_PAM_TALK_H

#include "directory/base/secret.h"
#include "pam_module/pam_login.h"

struct ck_pam_talk {
	pam_handle_t *pamh;
	bool silent; /* PAM_SILENT: says nothing; what must be asked is still asked */
};

/* GRANTED or CONVERSATION. An empty text is said by saying nothing. */
enum ck_pam_outcome ck_pam_talk_info(const struct ck_pam_talk *talk, const char *text);
enum ck_pam_outcome ck_pam_talk_error(const struct ck_pam_talk *talk, const char *text);
/* Asks without echo. GRANTED: the answer is in *out; wipe it. REFUSED: longer than any secret is. */
enum ck_pam_outcome ck_pam_talk_ask_secret(const struct ck_pam_talk *talk, const char *prompt, struct ck_secret *out);

#endif
