/* Who asks for what: from PAM's items and the kernel's word, never from the environment or PAM_RUSER, which a caller may choose. */
#include "pam_module/pam_login.h"

#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "directory/base/text.h"
#include "pam_module/pam_local.h"

enum ck_pam_outcome ck_pam_options_read(pam_handle_t *pamh, int argc, const char **argv, struct ck_pam_options *out)
{
	struct ck_errmsg err = { .text = "" };
	if (ck_pam_options_parse(argc, argv, out, &err) == CK_OK) return CK_PAM_GRANTED;
	pam_syslog(pamh, LOG_ERR, "%s; nobody is let in by this service until its file is put right", err.text);
	return CK_PAM_MISCONFIGURED;
}

/* False when it does not fit or holds what no such item holds. An absent item is "". */
static bool copy_item(pam_handle_t *pamh, int item, char *out, size_t out_bytes)
{
	const void *value = NULL;
	struct ck_text text;
	out[0] = '\0';
	if (pam_get_item(pamh, item, &value) != PAM_SUCCESS) return false;
	text = ck_text_of(value);
	return text.length == 0 || (ck_text_is_printable_utf8(text) && ck_text_copy(out, out_bytes, text) == CK_OK);
}

static bool subject_is_caller(const struct ck_pam_options *options, const struct ck_pam_login *login)
{
	if (options->subject != CK_PAM_BY_SERVICE) return options->subject == CK_PAM_IS_CALLER;
	return strcmp(login->service, "su") == 0 || strcmp(login->service, "su-l") == 0;
}

/* sudo names the person who called it until the session stage, and whom the command runs as only then: what it opens is root. */
static const char *find_account(const struct ck_pam_options *options, const struct ck_pam_login *login, const char *user)
{
	if (options->account[0] != '\0') return options->account;
	return strcmp(login->service, "sudo") == 0 || strcmp(login->service, "sudo-i") == 0 ? "root" : user;
}

static bool is_local(pam_handle_t *pamh, const struct ck_pam_options *options, const char *name)
{
	enum ck_error problem = CK_OK;
	struct ck_errmsg err = { .text = "" };
	bool local = ck_pam_name_is_local(name, options->local, &problem, &err);
	if (problem != CK_OK) pam_syslog(pamh, LOG_ERR, "%s; it makes no name local", err.text);
	return local;
}

static enum ck_pam_outcome find_subject(pam_handle_t *pamh, bool caller, const char *user, const char **out)
{
	if (!caller) {
		*out = user;
		return CK_PAM_GRANTED;
	}
	const struct passwd *entry = pam_modutil_getpwuid(pamh, getuid());
	if (entry == NULL || entry->pw_name == NULL) {
		pam_syslog(pamh, LOG_NOTICE, "the caller, uid %u, has no name", (unsigned)getuid());
		return CK_PAM_REFUSED;
	}
	*out = entry->pw_name;
	return CK_PAM_GRANTED;
}

static bool copy_name(char out[CK_PAM_NAME_LIMIT_BYTES + 1], const char *name)
{
	return ck_text_copy(out, CK_PAM_NAME_LIMIT_BYTES + 1, ck_text_of(name)) == CK_OK;
}

enum ck_pam_outcome ck_pam_login_describe(pam_handle_t *pamh, const struct ck_pam_options *options, struct ck_pam_login *out)
{
	const char *user = NULL, *subject = NULL;
	memset(out, 0, sizeof *out);
	bool items_ok = copy_item(pamh, PAM_SERVICE, out->service, sizeof out->service) &&
	                copy_item(pamh, PAM_TTY, out->tty, sizeof out->tty) &&
	                copy_item(pamh, PAM_RHOST, out->remote_host, sizeof out->remote_host);
	if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || user == NULL) return CK_PAM_CONVERSATION;
	enum ck_pam_outcome outcome = find_subject(pamh, subject_is_caller(options, out), user, &subject);
	if (outcome != CK_PAM_GRANTED) return outcome;
	if (is_local(pamh, options, subject)) return CK_PAM_LOCAL;
	if (!ck_pam_is_staff_name(subject) || !copy_name(out->subject, subject)) return CK_PAM_REFUSED;
	const char *account = find_account(options, out, user);
	if (!ck_pam_is_account(account) || !copy_name(out->account, account)) return CK_PAM_REFUSED;
	if (!items_ok || out->service[0] == '\0') {
		pam_syslog(pamh, LOG_NOTICE, "PAM_SERVICE, PAM_TTY or PAM_RHOST is missing, too long or holds control characters");
		return CK_PAM_REFUSED;
	}
	return CK_PAM_GRANTED;
}
