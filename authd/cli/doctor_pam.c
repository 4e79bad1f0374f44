/* The machine's PAM services: found, read as libpam reads them, judged one by one. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "authd/cli/doctor.h"
#include "pam_module/pam_options.h"

#define FILES_LIMIT 512

/* Each file is read and looked at once. */
struct file {
	const char *path;
	enum ck_error error;
	struct ck_text text;
	bool included;
};
struct pam {
	struct ck_doctor *doctor;
	const char *folder, *second; /* /etc/pam.d, /usr/lib/pam.d; second is NULL with --pam-dir */
	struct file files[FILES_LIMIT];
	size_t count;
	bool top; /* the next file opened is a service's own */
	struct ck_stack service, other;
};

/* ---- files ---- */

static struct file *take_file(struct pam *pam, const char *path)
{
	for (size_t i = 0; i < pam->count; i++)
		if (strcmp(pam->files[i].path, path) == 0) return &pam->files[i];
	if (pam->count == FILES_LIMIT) return NULL;
	struct file *file = &pam->files[pam->count++];
	file->path = ck_cli_print("%s", path);
	file->error = ck_doctor_read(path, CK_STACK_FILE_LIMIT_BYTES, &file->text);
	if (file->error == CK_ERR_NOT_FOUND) return file;
	if (file->error != CK_OK) ck_doctor_unreadable(pam->doctor, file->path, "what the services that use it come to is not known");
	(void)ck_doctor_check_owner(pam->doctor, CK_SEVERITY_ERROR, "pam-file-owner", file->path,
	                            "chown root and chmod go-w: who can write it lets in whom they like");
	return file;
}

static enum ck_error open_service(void *context, const char *name, struct ck_text *out_text, const char **out_path)
{
	struct pam *pam = context;
	const struct ck_doctor *doctor = pam->doctor;
	bool top = pam->top;
	struct file *file = NULL;
	pam->top = false;
	if (name[0] == '\0') {
		file = take_file(pam, ck_doctor_path(doctor, "/etc/pam.conf"));
	} else if (name[0] == '/') {
		file = take_file(pam, ck_doctor_path(doctor, name));
	} else {
		file = take_file(pam, ck_cli_print("%s/%s", pam->folder, name));
		if (file != NULL && file->error == CK_ERR_NOT_FOUND && pam->second != NULL) file = take_file(pam, ck_cli_print("%s/%s", pam->second, name));
	}
	if (file == NULL) return CK_ERR_LIMIT;
	if (!top) file->included = true;
	*out_text = file->text;
	*out_path = file->path;
	return file->error;
}

static void tell_fault(void *context, const char *path, unsigned number, const char *sentence)
{
	struct pam *pam = context;
	ck_doctor_find(pam->doctor, CK_SEVERITY_ERROR, "pam-syntax", ck_cli_print("%s:%u", path, number), "a line as pam.conf(5) has it",
	               ck_cli_print("the line %s", sentence), "correct the line");
}

/* ---- services ---- */

/* What no program asks for: left by packages and editors, or made to be included. */
static bool is_no_service(const char *name)
{
	static const char *const parts[] = { "system-auth", "password-auth", "fingerprint-auth", "smartcard-auth", "postlogin" };
	if (name[0] == '.' || strchr(name, '~') != NULL || strstr(name, ".dpkg-") != NULL || strstr(name, ".rpm") != NULL) return true;
	if (strncmp(name, "common-", 7) == 0 || strcmp(name, "other") == 0) return true;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strncmp(name, parts[i], strlen(parts[i])) == 0) return true;
	for (const char *c = name; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z') return true; /* libpam asks for names in lower case */
	return false;
}

static void load(struct pam *pam, const struct ck_stack_source *source, const char *name, struct ck_stack *out)
{
	pam->top = true;
	ck_stack_load(source, name, out);
}

static bool counts_caller(const struct ck_pam_service *s)
{
	const struct ck_stack_line *line = ck_doctor_our_line(s, CK_STACK_AUTH);
	struct ck_pam_options options;
	if (line == NULL) line = ck_doctor_our_line(s, CK_STACK_ACCOUNT);
	if (line != NULL && ck_pam_options_parse((int)line->count, (const char **)(uintptr_t)line->arguments, &options, NULL) == CK_OK) {
		if (options.subject == CK_PAM_IS_USER) return false;
		if (options.subject == CK_PAM_IS_CALLER) return true;
	}
	return strcmp(s->name, "su") == 0 || strcmp(s->name, "su-l") == 0;
}

/* Where the module looks for names and the daemon: all lines of a machine should say the same. */
static void learn_options(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	const struct ck_stack_line *line = ck_doctor_our_line(s, CK_STACK_ACCOUNT);
	struct ck_pam_options options;
	if (line == NULL) line = ck_doctor_our_line(s, CK_STACK_AUTH);
	if (line == NULL || ck_pam_options_parse((int)line->count, (const char **)(uintptr_t)line->arguments, &options, NULL) != CK_OK) return;
	if (doctor->local_names == NULL) doctor->local_names = ck_cli_print("%s", options.local);
	if (doctor->socket == NULL) doctor->socket = ck_cli_print("%s", options.socket);
}

static void keep(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	struct ck_service *kept = &doctor->services[doctor->services_count++];
	*kept = (struct ck_service){ .name = s->name, .path = s->path, .asks_auth = s->asks[CK_STACK_AUTH], .asks_account = s->asks[CK_STACK_ACCOUNT],
	                             .asks_session = s->asks[CK_STACK_SESSION], .unread = s->service->unread || s->other->unread };
	for (size_t p = 0; p < CK_PERSONS; p++)
		for (size_t i = 0; i < CK_STATES; i++) {
			const struct ck_verdict *verdict = &s->verdicts[p][i];
			kept->login[p][i] = verdict->in ? ck_who_ways(s, verdict) : NULL;
			kept->alone[p][i] = verdict->alone;
		}
}

static void judge(struct pam *pam, const char *name, const char *path)
{
	struct ck_pam_service s = { .name = name, .path = path, .service = &pam->service, .other = &pam->other };
	for (size_t i = 0; i < CK_STACK_TYPES; i++) s.asks[i] = ck_doctor_our_line(&s, (enum ck_stack_type)i) != NULL;
	s.by_caller = counts_caller(&s);
	learn_options(pam->doctor, &s);
	const char *names = pam->doctor->local_names != NULL ? pam->doctor->local_names : CK_PAM_LOCAL_DEFAULT;
	pam->doctor->judged = name;
	if (!pam->service.unread && !pam->other.unread) {
		ck_who_judge(&s, names, ck_doctor_module_is_missing);
		ck_doctor_judge_lines(pam->doctor, &s);
		ck_doctor_judge_service(pam->doctor, &s);
	}
	pam->doctor->judged = NULL;
	keep(pam->doctor, &s);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t list_folder(struct pam *pam, const char *folder, const char **names, size_t count)
{
	DIR *dir = opendir(folder);
	if (dir == NULL) {
		if (errno != ENOENT) ck_doctor_unreadable(pam->doctor, folder, strerror(errno));
		return count;
	}
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL && count < CK_DOCTOR_SERVICES_LIMIT;) {
		bool known = is_no_service(entry->d_name);
		for (size_t i = 0; i < count && !known; i++) known = strcmp(names[i], entry->d_name) == 0;
		if (!known) names[count++] = ck_cli_print("%s", entry->d_name);
	}
	closedir(dir);
	(void)ck_doctor_check_owner(pam->doctor, CK_SEVERITY_ERROR, "pam-file-owner", folder, "chown root and chmod go-w");
	return count;
}

/* The services of pam.conf, which counts where there is no folder. */
static size_t list_file(struct pam *pam, const char **names, size_t count)
{
	const struct file *file = take_file(pam, ck_doctor_path(pam->doctor, "/etc/pam.conf"));
	char *text = file != NULL && file->error == CK_OK ? ck_cli_copy(file->text) : NULL;
	for (char *line; (line = ck_doctor_next_line(&text)) != NULL && count < CK_DOCTOR_SERVICES_LIMIT;) {
		line[strcspn(line, " \t")] = '\0';
		bool known = is_no_service(line);
		for (size_t i = 0; i < count && !known; i++) known = strcmp(names[i], line) == 0;
		if (!known) names[count++] = line;
	}
	return count;
}

static bool is_folder(const char *path)
{
	struct stat st;
	return path != NULL && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* pam.conf is read only where there is no folder; what stands in it is believed in, and does nothing. */
static void check_unused_file(struct pam *pam)
{
	const struct file *file = take_file(pam, ck_doctor_path(pam->doctor, "/etc/pam.conf"));
	char *text = file != NULL && file->error == CK_OK ? ck_cli_copy(file->text) : NULL;
	if (text != NULL && ck_doctor_next_line(&text) != NULL)
		ck_doctor_find(pam->doctor, CK_SEVERITY_NOTE, "pam-conf-unused", file->path, "no lines, since there is /etc/pam.d",
		               "it has lines, and libpam does not read them", "move what is meant to count to /etc/pam.d");
}

/* Where a service's own lines stand. */
static const char *path_of(const struct pam *pam, bool one_file, const char *name)
{
	struct stat st;
	if (one_file) return ck_cli_print("%s, %s", ck_doctor_path(pam->doctor, "/etc/pam.conf"), name);
	const char *path = ck_cli_print("%s/%s", pam->folder, name);
	return pam->second == NULL || stat(path, &st) == 0 ? path : ck_cli_print("%s/%s", pam->second, name);
}

void ck_doctor_pam(struct ck_doctor *doctor)
{
	static struct pam pam;
	const char *names[CK_DOCTOR_SERVICES_LIMIT];
	pam.doctor = doctor;
	pam.folder = doctor->pam_dir != NULL ? doctor->pam_dir : ck_doctor_path(doctor, "/etc/pam.d");
	pam.second = doctor->pam_dir != NULL ? NULL : ck_doctor_path(doctor, "/usr/lib/pam.d");
	struct ck_stack_source source = { .open = open_service, .fault = tell_fault, .context = &pam };
	source.one_file = !is_folder(pam.folder) && !is_folder(pam.second);
	size_t count = 0;
	if (source.one_file) {
		count = list_file(&pam, names, count);
	} else {
		count = list_folder(&pam, pam.folder, names, count);
		if (pam.second != NULL) count = list_folder(&pam, pam.second, names, count);
		if (doctor->pam_dir == NULL) check_unused_file(&pam);
	}
	qsort(names, count, sizeof *names, by_name);
	load(&pam, &source, "other", &pam.other);
	for (size_t i = 0; i < count; i++) {
		if (doctor->only_service != NULL && strcmp(doctor->only_service, names[i]) != 0) continue;
		doctor->judged = names[i]; /* whose lines may be wrong */
		load(&pam, &source, names[i], &pam.service);
		judge(&pam, names[i], path_of(&pam, source.one_file, names[i]));
	}
	bool missing = doctor->only_service != NULL && doctor->services_count == 0;
	if (pam.other.found && (missing || doctor->only_service == NULL) && doctor->services_count < CK_DOCTOR_SERVICES_LIMIT) {
		pam.service = (struct ck_stack){ .count = 0 }; /* any service without a file of its own */
		judge(&pam, missing ? doctor->only_service : "other", path_of(&pam, source.one_file, "other"));
	}
	ck_doctor_judge_unruled(doctor);
}
