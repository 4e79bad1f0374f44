/* What sudo is told that decides whether PAM is asked: the Defaults of sudoers(5), as far as that goes. sudo is not run. */
#include <dirent.h>
#include <string.h>

#include "authd/cli/doctor.h"

#define FILE_LIMIT_BYTES 262144
#define DEPTH_LIMIT 128 /* sudo's own */

static void judge_default(struct ck_doctor *doctor, const char *path, char *word)
{
	const char *value = strchr(word, '=');
	size_t name = value != NULL ? (size_t)(value - word) : strlen(word);
	while (name > 0 && strchr(" \t+-", word[name - 1]) != NULL) name--;
	struct ck_text key = { word, name };
	if (value != NULL) value += 1 + strspn(value + 1, " \t\"");
	if (ck_text_is(key, "!pam_acct_mgmt"))
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "sudo-account-off", path, "pam_acct_mgmt, the default",
		               "!pam_acct_mgmt: sudo does not ask the account stage, and lets in revoked people while it remembers them",
		               "take it out");
	else if (ck_text_is(key, "!authenticate"))
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "sudo-unasked", path, "to know that sudo asks for no authentication",
		               "!authenticate: the account stage decides alone; a rule that demands a touch still gets one",
		               "nothing, if it is meant");
	else if (ck_text_is(key, "timestamp_timeout") && value != NULL && value[0] == '-')
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "sudo-remembers", path, "timestamp_timeout of some minutes, or 0",
		               ck_cli_print("%s: sudo asks for authentication once, and for ever remembers it", word),
		               "give it a limit: a rule that demands nothing leaves it to sudo");
	else if ((ck_text_is(key, "pam_service") || ck_text_is(key, "pam_login_service")) && value != NULL) {
		size_t length = strcspn(value, "\" \t");
		const char *service = ck_cli_print("%.*s", (int)length, value);
		const struct ck_service *judged = ck_doctor_service(doctor, service);
		if (judged == NULL || !judged->asks_account)
			ck_doctor_find(doctor, CK_SEVERITY_ERROR, "sudo-service", path, "a PAM service that asks pam_crosskeys",
			               ck_cli_print("sudo asks the service %s, which does not", service),
			               "take the line out, or give that service the stack of sudo");
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
	char *value = ck_doctor_split(line + 1);
	bool folder = strcmp(line + 1, "includedir") == 0;
	if (!folder && strcmp(line + 1, "include") != 0) return line[0] == '#';
	const char *path = ck_doctor_path(doctor, value[0] == '/' ? value : ck_cli_print("/etc/%s", value));
	if (folder) read_sudoers_folder(doctor, path, depth);
	else read_sudoers(doctor, path, depth + 1);
	return true;
}

static void read_sudoers(struct ck_doctor *doctor, const char *path, unsigned depth)
{
	struct ck_text text;
	enum ck_error error = ck_doctor_read_included(doctor, path, FILE_LIMIT_BYTES, depth, DEPTH_LIMIT, &text);
	if (error == CK_ERR_NOT_FOUND) return;
	if (error != CK_OK) {
		ck_doctor_unreadable(doctor, path, "what sudo is told is not known");
		return;
	}
	char *rest = ck_cli_copy(text);
	for (char *line; doctor->included < CK_DOCTOR_INCLUDES_LIMIT && (line = strsep(&rest, "\n")) != NULL;) {
		line += strspn(line, " \t");
		if (include_sudoers(doctor, line, depth) || strncmp(line, "Defaults", 8) != 0) continue;
		line[strcspn(line, "#")] = '\0';
		line += strcspn(line, " \t"); /* Defaults:USER, Defaults@HOST as well */
		for (char *word; (word = strsep(&line, ",")) != NULL;) judge_default(doctor, path, word + strspn(word, " \t"));
	}
}

void ck_doctor_sudo(struct ck_doctor *doctor)
{
	const struct ck_service *sudo = ck_doctor_service(doctor, "sudo");
	if (sudo != NULL && sudo->asks_account) read_sudoers(doctor, ck_doctor_path(doctor, "/etc/sudoers"), 0);
}
