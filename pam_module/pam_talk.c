/* The conversation. What libpam hands back of a secret is wiped before it is freed. */
#include "pam_module/pam_talk.h"

#include <security/pam_ext.h>
#include <stdlib.h>
#include <string.h>

static enum ck_pam_outcome say(const struct ck_pam_talk *talk, int style, const char *text)
{
	if (talk->silent || text[0] == '\0') return CK_PAM_GRANTED;
	return pam_prompt(talk->pamh, style, NULL, "%s", text) == PAM_SUCCESS ? CK_PAM_GRANTED : CK_PAM_CONVERSATION;
}

enum ck_pam_outcome ck_pam_talk_info(const struct ck_pam_talk *talk, const char *text)
{
	return say(talk, PAM_TEXT_INFO, text);
}

enum ck_pam_outcome ck_pam_talk_error(const struct ck_pam_talk *talk, const char *text)
{
	return say(talk, PAM_ERROR_MSG, text);
}

enum ck_pam_outcome ck_pam_talk_ask_secret(const struct ck_pam_talk *talk, const char *prompt, struct ck_secret *out)
{
	char *answer = NULL;
	ck_secret_wipe(out);
	int code = pam_prompt(talk->pamh, PAM_PROMPT_ECHO_OFF, &answer, "%s", prompt);
	enum ck_pam_outcome outcome = CK_PAM_CONVERSATION;
	if (code == PAM_SUCCESS && answer != NULL)
		outcome = ck_secret_set(out, answer, strlen(answer)) == CK_OK ? CK_PAM_GRANTED : CK_PAM_REFUSED;
	if (answer != NULL) ck_wipe(answer, strlen(answer));
	free(answer);
	return outcome;
}
