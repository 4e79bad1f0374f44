/* What sshd is told that decides whether PAM is asked: sshd_config(5), as far as that goes. sshd is not run. */
#include <glob.h>
#include <string.h>
#include <strings.h>

#include "authd/cli/doctor.h"

#define FILE_LIMIT_BYTES 262144
#define DEPTH_LIMIT 16 /* sshd's own */

enum keyword { USE_PAM, PASSWORD, METHODS, KEYWORDS };
static const char *const keywords[KEYWORDS] = { "UsePAM", "PasswordAuthentication", "AuthenticationMethods" };
struct sshd {
	struct ck_doctor *doctor;
	const char *values[KEYWORDS]; /* the first that is set counts */
	const char *where[KEYWORDS];
	const char *password_in_match; /* where a Match block turns passwords on */
	bool unread;
};

static void read_sshd_file(struct sshd *sshd, const char *path, unsigned depth, bool in_match);

static void include_sshd_files(struct sshd *sshd, char *patterns, unsigned depth, bool in_match)
{
	for (char *pattern; (pattern = strsep(&patterns, " \t")) != NULL;) {
		glob_t found;
		if (pattern[0] == '\0') continue;
		const char *whole = ck_doctor_path(sshd->doctor, pattern[0] == '/' ? pattern : ck_cli_print("/etc/ssh/%s", pattern));
		if (glob(whole, 0, NULL, &found) != 0) continue;
		for (size_t i = 0; i < found.gl_pathc; i++)
			read_sshd_file(sshd, ck_cli_print("%s", found.gl_pathv[i]), depth + 1, in_match);
		globfree(&found);
	}
}

static void read_sshd_file(struct sshd *sshd, const char *path, unsigned depth, bool in_match)
{
	struct ck_text text;
	enum ck_error error = ck_doctor_read_included(sshd->doctor, path, FILE_LIMIT_BYTES, depth, DEPTH_LIMIT, &text);
	if (error != CK_OK) {
		sshd->unread = true;
		ck_doctor_unreadable(sshd->doctor, path, "what sshd is told is not known");
		return;
	}
	(void)ck_doctor_check_owner(sshd->doctor, CK_SEVERITY_ERROR, "sshd-file-owner", path, "chown root and chmod go-w");
	char *rest = ck_cli_copy(text);
	for (char *line; sshd->doctor->included < CK_DOCTOR_INCLUDES_LIMIT && (line = ck_doctor_next_line(&rest)) != NULL;) {
		char *value = ck_doctor_split(line);
		if (strcasecmp(line, "Include") == 0) include_sshd_files(sshd, value, depth, in_match);
		if (strcasecmp(line, "Match") == 0) in_match = strcasecmp(value, "all") != 0;
		for (size_t i = 0; i < KEYWORDS; i++) {
			if (strcasecmp(line, keywords[i]) != 0) continue;
			if (in_match && i == PASSWORD && strcasecmp(value, "yes") == 0) sshd->password_in_match = path;
			if (in_match || sshd->values[i] != NULL) continue;
			sshd->values[i] = ck_cli_print("%s", value);
			sshd->where[i] = path;
		}
	}
}

static void judge_sshd(const struct sshd *sshd, const char *path, const struct ck_service *service)
{
	struct ck_doctor *doctor = sshd->doctor;
	const char *use_pam = sshd->values[USE_PAM], *password = sshd->values[PASSWORD];
	bool asks = service != NULL && (service->asks_auth || service->asks_account);
	if (use_pam == NULL || strcasecmp(use_pam, "yes") != 0)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "sshd-without-pam", use_pam != NULL ? sshd->where[USE_PAM] : path, "UsePAM yes",
		               use_pam != NULL ? ck_cli_print("UsePAM %s: sshd asks no module, and a revoked person gets in by their SSH public key", use_pam)
		                               : "UsePAM is not set, which is no: sshd asks no module, and a revoked person gets in by their SSH public key",
		               "write UsePAM yes before any other UsePAM, and reload sshd");
	if (!asks) return;
	if (password == NULL || strcasecmp(password, "yes") == 0 || sshd->password_in_match != NULL)
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "sshd-passwords",
		               password != NULL ? sshd->where[PASSWORD] : sshd->password_in_match != NULL ? sshd->password_in_match : path,
		               "PasswordAuthentication no",
		               "it is on: sshd answers the question for a PIN with the password that was typed",
		               "write PasswordAuthentication no; KbdInteractiveAuthentication asks as PAM does");
	if (service->asks_account && (sshd->values[METHODS] == NULL || strcasecmp(sshd->values[METHODS], "any") == 0))
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "sshd-skips-auth", path,
		               "to know that a public key skips the authentication stage",
		               "AuthenticationMethods is not set: for those who come by public key the account stage decides alone, with nothing proved",
		               "rules that name the service sshd demand nothing (--proved none), or they let nobody in by public key");
}

void ck_doctor_sshd(struct ck_doctor *doctor)
{
	struct sshd sshd = { .doctor = doctor };
	const char *path = ck_doctor_path(doctor, "/etc/ssh/sshd_config");
	struct ck_text text;
	if (ck_doctor_read(path, FILE_LIMIT_BYTES, &text) == CK_ERR_NOT_FOUND) return; /* there is no sshd */
	read_sshd_file(&sshd, path, 0, false);
	if (!sshd.unread) judge_sshd(&sshd, path, ck_doctor_service(doctor, "sshd"));
}
