/* What sshd and sudo are told that decides whether PAM is asked: sshd_config(5) and sudoers(5), as far as that goes. Neither program is run. */
#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/cli/doctor.h"

#define FILE_LIMIT_BYTES 262144
#define DEPTH_LIMIT 16 /* sshd's own */

/* ---- sshd ---- */

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
		for (size_t i = 0; i < found.gl_pathc; i++) read_sshd_file(sshd, ck_cli_print("%s", found.gl_pathv[i]), depth + 1, in_match);
		globfree(&found);
	}
}

/* "Keyword value", "Keyword=value", the value perhaps in quotes. */
static char *split(char *line)
{
	char *value = line + strcspn(line, " \t=");
	if (*value == '\0') return value;
	*value++ = '\0';
	value += strspn(value, " \t=");
	size_t length = strlen(value);
	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		value[length - 1] = '\0';
		value++;
	}
	return value;
}

static void read_sshd_file(struct sshd *sshd, const char *path, unsigned depth, bool in_match)
{
	struct ck_text text;
	enum ck_error error = depth < DEPTH_LIMIT ? ck_doctor_read(path, FILE_LIMIT_BYTES, &text) : CK_ERR_LIMIT;
	if (error != CK_OK) {
		sshd->unread = true;
		ck_doctor_unreadable(sshd->doctor, path, "what sshd is told is not known");
		return;
	}
	(void)ck_doctor_check_owner(sshd->doctor, CK_SEVERITY_ERROR, "sshd-file-owner", path, "chown root and chmod go-w");
	char *rest = ck_cli_copy(text);
	for (char *line; (line = ck_doctor_next_line(&rest)) != NULL;) {
		char *value = split(line);
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

static const struct ck_service *service_of(const struct ck_doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->services_count; i++)
		if (strcmp(doctor->services[i].name, name) == 0) return &doctor->services[i];
	return NULL;
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
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "sshd-passwords", password != NULL ? sshd->where[PASSWORD] : sshd->password_in_match != NULL ? sshd->password_in_match : path,
		               "PasswordAuthentication no", "it is on: sshd answers the question for a PIN with the password that was typed",
		               "write PasswordAuthentication no; KbdInteractiveAuthentication asks as PAM does");
	if (service->asks_account && (sshd->values[METHODS] == NULL || strcasecmp(sshd->values[METHODS], "any") == 0))
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "sshd-skips-auth", path, "to know that a public key skips the authentication stage",
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
	if (!sshd.unread) judge_sshd(&sshd, path, service_of(doctor, "sshd"));
}

/* ---- sudo ---- */

static void judge_default(struct ck_doctor *doctor, const char *path, char *word)
{
	const char *value = strchr(word, '=');
	size_t name = value != NULL ? (size_t)(value - word) : strlen(word);
	while (name > 0 && strchr(" \t+-", word[name - 1]) != NULL) name--;
	struct ck_text key = { word, name };
	if (value != NULL) value += 1 + strspn(value + 1, " \t\"");
	if (ck_text_is(key, "!pam_acct_mgmt"))
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "sudo-account-off", path, "pam_acct_mgmt, the default",
		               "!pam_acct_mgmt: sudo does not ask the account stage, and lets in revoked people while it remembers them", "take it out");
	else if (ck_text_is(key, "!authenticate"))
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "sudo-unasked", path, "to know that sudo asks for no authentication",
		               "!authenticate: the account stage decides alone; a rule that demands a touch still gets one", "nothing, if it is meant");
	else if (ck_text_is(key, "timestamp_timeout") && value != NULL && value[0] == '-')
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "sudo-remembers", path, "timestamp_timeout of some minutes, or 0",
		               ck_cli_print("%s: sudo asks for authentication once, and for ever remembers it", word),
		               "give it a limit: a rule that demands nothing leaves it to sudo");
	else if ((ck_text_is(key, "pam_service") || ck_text_is(key, "pam_login_service")) && value != NULL) {
		size_t length = strcspn(value, "\" \t");
		const char *service = ck_cli_print("%.*s", (int)length, value);
		const struct ck_service *judged = service_of(doctor, service);
		if (judged == NULL || !judged->asks_account)
			ck_doctor_find(doctor, CK_SEVERITY_ERROR, "sudo-service", path, "a PAM service that asks pam_crosskeys",
			               ck_cli_print("sudo asks the service %s, which does not", service), "take the line out, or give that service the stack of sudo");
	}
}

static void read_sudoers(struct ck_doctor *doctor, const char *path, unsigned depth);

static void read_sudoers_folder(struct ck_doctor *doctor, const char *folder, unsigned depth)
{
	DIR *dir = opendir(folder);
	if (dir == NULL) return;
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strchr(entry->d_name, '.') == NULL && strchr(entry->d_name, '~') == NULL)
			read_sudoers(doctor, ck_cli_print("%s/%s", folder, entry->d_name), depth + 1);
	closedir(dir);
}

/* "@include FILE", "#includedir FOLDER", …: the sign says nothing. */
static bool include_sudoers(struct ck_doctor *doctor, char *line, unsigned depth)
{
	if (line[0] != '@' && line[0] != '#') return false;
	char *value = split(line + 1);
	bool folder = strcmp(line + 1, "includedir") == 0;
	if (!folder && strcmp(line + 1, "include") != 0) return line[0] == '#';
	const char *path = ck_doctor_path(doctor, value[0] == '/' ? value : ck_cli_print("/etc/%s", value));
	if (folder) read_sudoers_folder(doctor, path, depth);
	else read_sudoers(doctor, path, depth);
	return true;
}

static void read_sudoers(struct ck_doctor *doctor, const char *path, unsigned depth)
{
	struct ck_text text;
	enum ck_error error = depth < DEPTH_LIMIT ? ck_doctor_read(path, FILE_LIMIT_BYTES, &text) : CK_ERR_LIMIT;
	if (error == CK_ERR_NOT_FOUND) return;
	if (error != CK_OK) {
		ck_doctor_unreadable(doctor, path, "what sudo is told is not known");
		return;
	}
	char *rest = ck_cli_copy(text);
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		line += strspn(line, " \t");
		if (include_sudoers(doctor, line, depth) || strncmp(line, "Defaults", 8) != 0) continue;
		line[strcspn(line, "#")] = '\0';
		line += strcspn(line, " \t"); /* Defaults:USER, Defaults@HOST as well */
		for (char *word; (word = strsep(&line, ",")) != NULL;) judge_default(doctor, path, word + strspn(word, " \t"));
	}
}

void ck_doctor_sudo(struct ck_doctor *doctor)
{
	const struct ck_service *sudo = service_of(doctor, "sudo");
	if (sudo != NULL && sudo->asks_account) read_sudoers(doctor, ck_doctor_path(doctor, "/etc/sudoers"), 0);
}
