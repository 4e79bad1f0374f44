/* Names of the machine: which are its own, whether staff are known to it, and whether anybody could log in without Crosskeys. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/doctor.h"
#include "pam_module/pam_local.h"
#include "pam_module/pam_options.h"

#define FILE_LIMIT_BYTES (8 << 20)
#define UID_END UINT64_C(4294967295)

/* One name of /etc/passwd and its uid; lines that are none are passed over. */
static bool next_account(char **rest, char **out_name, uint64_t *out_uid)
{
	for (char *line; (line = strsep(rest, "\n")) != NULL;) {
		char *name = strsep(&line, ":");
		if (line == NULL || strsep(&line, ":") == NULL || line == NULL) continue;
		char *uid = strsep(&line, ":");
		if (name[0] == '\0' || ck_uint_parse(ck_text_of(uid), 0, UID_END, out_uid) != CK_OK) continue;
		*out_name = name;
		return true;
	}
	return false;
}

static char *read_accounts(struct ck_doctor *doctor)
{
	struct ck_text text;
	const char *path = ck_doctor_path(doctor, "/etc/passwd");
	if (ck_doctor_read(path, FILE_LIMIT_BYTES, &text) == CK_OK) return ck_cli_copy(text);
	ck_doctor_unreadable(doctor, path, "which names are the machine's own is not known");
	return NULL;
}

static uint64_t uid_of(const char *accounts, const char *name)
{
	char *rest = ck_cli_copy(ck_text_of(accounts)), *one;
	uint64_t uid;
	while (next_account(&rest, &one, &uid))
		if (strcmp(one, name) == 0) return uid;
	return UID_END;
}

/* ---- the list of local names ---- */

static void judge_list(struct ck_doctor *doctor, const char *path, char *text, const char *accounts)
{
	unsigned number = 0;
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		char *comment = strchr(line, '#');
		number++;
		if (comment != NULL) *comment = '\0';
		line += strspn(line, " \t\r");
		size_t length = strlen(line), blanks = 0;
		while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) {
			line[--length] = '\0';
			blanks++;
		}
		if (length == 0) continue;
		const char *where = ck_cli_print("%s:%u", path, number);
		if (comment != NULL || blanks > 0)
			ck_doctor_find(doctor, CK_SEVERITY_WARNING, "local-names-comment", where, "a name alone on its line",
			               "there is something behind it: pam_listfile, which reads the list when the module cannot be loaded, does not find the name",
			               "put the comment on a line of its own");
		uint64_t uid = uid_of(accounts, line);
		if (uid != UID_END && uid >= CK_PAM_LOCAL_UID_END)
			ck_doctor_find(doctor, CK_SEVERITY_WARNING, "local-names-staff", where, "names of the machine's own",
			               ck_cli_print("%s has the directory's uid %llu: Crosskeys is never asked about them", line,
			                            (unsigned long long)uid),
			               "take the name out, unless it is meant to be kept out of all rules");
	}
}

static void check_list(struct ck_doctor *doctor, const char *accounts)
{
	const char *path = ck_doctor_path(doctor, doctor->local_names != NULL ? doctor->local_names : CK_PAM_LOCAL_DEFAULT);
	struct ck_errmsg why = { "" };
	enum ck_error problem = CK_OK;
	struct ck_text text;
	enum ck_error error = ck_doctor_read(path, CK_PAM_LOCAL_FILE_LIMIT_BYTES, &text);
	if (error == CK_ERR_NOT_FOUND) {
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "local-names-absent", path, "the list of names that belong to the machine itself",
		               "there is none: only root and the names of /etc/passwd are the machine's own",
		               "nothing, if no others are needed");
		return;
	}
	/* believed as the module itself believes it; this name has no line in it, so that all of it counts */
	(void)ck_pam_name_is_local("crosskeys-doctor-asks", path, &problem, &why);
	if (problem != CK_OK && geteuid() == 0)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "local-names-owner", path,
		               "a file of root's, writable by nobody else, below directories that are",
		               ck_cli_print("%s: it names nobody", why.text), "chown root and chmod go-w");
	else if (error != CK_OK)
		ck_doctor_unreadable(doctor, path, "which names are local is not known");
	if (error == CK_OK) judge_list(doctor, path, ck_cli_copy(text), accounts);
}

/* ---- whether staff are known to the machine ---- */

static bool looks_beyond_files(char *sources)
{
	static const char *const own[] = { "files", "compat", "systemd", "db", "altfiles" };
	bool beyond = false;
	for (char *word; (word = strsep(&sources, " \t")) != NULL;) {
		bool known = word[0] == '\0' || word[0] == '[' || word[strlen(word) - 1] == ']';
		for (size_t i = 0; i < sizeof own / sizeof *own && !known; i++) known = strcmp(word, own[i]) == 0;
		beyond |= !known;
	}
	return beyond;
}

static void check_staff_known(struct ck_doctor *doctor, const char *accounts)
{
	const char *path = ck_doctor_path(doctor, "/etc/nsswitch.conf");
	struct ck_text text;
	bool beyond = false;
	uint64_t uid;
	char *name, *rest = ck_cli_copy(ck_text_of(accounts));
	while (next_account(&rest, &name, &uid))
		if (uid >= CK_PAM_LOCAL_UID_END && uid < UID_END) return;
	enum ck_error error = ck_doctor_read(path, FILE_LIMIT_BYTES, &text);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) {
		ck_doctor_unreadable(doctor, path, "where names are looked up is not known");
		return;
	}
	char *lines = ck_cli_copy(text);
	for (char *line; (line = ck_doctor_next_line(&lines)) != NULL;)
		if (strncmp(line, "passwd:", 7) == 0) beyond = looks_beyond_files(line + 7);
	if (!beyond)
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "staff-unknown", path, "staff that the system knows by name and uid",
		               "passwd: names no directory, and no line of /etc/passwd has a uid of 200000 or above: login, su and sshd refuse names that getpwnam(3) does not find",
		               "give staff a line in /etc/passwd with their uid number, or a name service that has them");
}

/* ---- whether anybody could come without Crosskeys ---- */

static void check_way_back(struct ck_doctor *doctor, const char *accounts)
{
	const char *path = ck_doctor_path(doctor, "/etc/shadow");
	struct ck_text text;
	if (ck_doctor_read(path, FILE_LIMIT_BYTES, &text) != CK_OK) {
		ck_doctor_unreadable(doctor, path, "whether a name of the machine's own has a password is not known");
		return;
	}
	char *rest = ck_cli_copy(text);
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		const char *name = strsep(&line, ":");
		const char *hash = line != NULL ? strsep(&line, ":") : "!";
		if (hash[0] != '!' && hash[0] != '*' && hash[0] != '\0' && uid_of(accounts, name) < CK_PAM_LOCAL_UID_END) return;
	}
	ck_doctor_find(doctor, CK_SEVERITY_WARNING, "no-way-back", path,
	               "one name of the machine's own that can log in at the console without Crosskeys",
	               "none of them has a password", "give one a long password, and keep it where it is found when all else fails");
}

void ck_doctor_names(struct ck_doctor *doctor)
{
	char *accounts = read_accounts(doctor);
	if (accounts == NULL) return;
	check_list(doctor, accounts);
	check_staff_known(doctor, accounts);
	check_way_back(doctor, accounts);
}
