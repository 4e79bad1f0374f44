/* What is wrong with single lines of a service: modules that are not there or not root's, options that are not understood, controls that turn a
   refusal into nothing. What that comes to is judged in doctor_holes.c. */
#include <dlfcn.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "authd/cli/doctor.h"
#include "pam_module/pam_options.h"

static const struct ck_doctor *modules_of; /* whose folder is_missing looks into */

/* libpam looks beside itself; this program is linked to it. */
void ck_doctor_find_modules(struct ck_doctor *doctor)
{
	Dl_info info;
	void *symbol = dlsym(RTLD_DEFAULT, "pam_start");
	modules_of = doctor;
	if (doctor->module_dir != NULL || symbol == NULL || dladdr(symbol, &info) == 0 || info.dli_fname == NULL) return;
	const char *slash = strrchr(info.dli_fname, '/');
	if (slash == NULL || info.dli_fname[0] != '/') return;
	doctor->module_dir = ck_cli_print("%s%.*s/security", doctor->root, (int)(slash - info.dli_fname), info.dli_fname);
}

static const char *module_path(const struct ck_doctor *doctor, const struct ck_stack_line *line)
{
	if (line->target[0] == '/') return ck_doctor_path(doctor, line->target);
	return doctor->module_dir != NULL ? ck_cli_print("%s/%s", doctor->module_dir, line->target) : NULL;
}

bool ck_doctor_module_is_missing(const struct ck_stack_line *line)
{
	char path[CK_STACK_LINE_BYTES + 512];
	struct stat st;
	if (line->target == NULL || modules_of == NULL) return false;
	if (line->target[0] == '/')
		(void)snprintf(path, sizeof path, "%s%s", modules_of->root, line->target);
	else if (modules_of->module_dir != NULL)
		(void)snprintf(path, sizeof path, "%s/%s", modules_of->module_dir, line->target);
	else
		return false;
	return stat(path, &st) != 0;
}

const char *ck_doctor_line_place(const struct ck_stack_line *line)
{
	return ck_cli_print("%s:%u", line->path, line->number);
}

const struct ck_stack_line *ck_doctor_our_line(const struct ck_pam_service *s, enum ck_stack_type type)
{
	const struct ck_stack *stack = ck_stack_of(s->service, s->other, type);
	for (size_t i = 0; i < stack->count; i++)
		if (stack->lines[i].type == type && ck_module_is_ours(&stack->lines[i])) return &stack->lines[i];
	return NULL;
}

static void check_module(struct ck_doctor *doctor, const struct ck_stack_line *line)
{
	const char *path = module_path(doctor, line);
	bool ours = ck_module_is_ours(line);
	if (path == NULL) return;
	if (!ck_doctor_module_is_missing(line)) {
		(void)ck_doctor_check_owner(doctor, CK_SEVERITY_ERROR, "module-owner", path,
		                            "chown root and chmod go-w: it runs in every program that asks PAM, as root");
	} else if (!line->silent) {
		bool weighs = ours || line->type == CK_STACK_AUTH || line->type == CK_STACK_ACCOUNT;
		ck_doctor_find(doctor, weighs ? CK_SEVERITY_ERROR : CK_SEVERITY_WARNING, "module-missing", ck_doctor_line_place(line),
		               ck_cli_print("the module %s", path), "there is no such file; libpam answers PAM_MODULE_UNKNOWN in its place",
		               ours ? "install the module there, or write its whole path in the line" : "install its package, or take the line out");
	}
}

static void check_options(struct ck_doctor *doctor, const struct ck_pam_service *s, const struct ck_stack_line *line)
{
	struct ck_pam_options options;
	struct ck_errmsg why = { "" };
	if (ck_pam_options_parse((int)line->count, (const char **)(uintptr_t)line->arguments, &options, &why) != CK_OK) {
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "pam-options", ck_doctor_line_place(line), "options of pam_crosskeys(8)",
		               ck_cli_print("%s", why.text),
		               "correct the line: every stage ends with PAM_SERVICE_ERR until then");
		return;
	}
	if (doctor->socket != NULL && strcmp(options.socket, doctor->socket) != 0)
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-options-differ", ck_doctor_line_place(line),
		               ck_cli_print("socket=%s as in other lines", doctor->socket),
		               ck_cli_print("socket=%s", options.socket),
		               "give all lines the same options: stages of one login must ask one daemon");
	if (doctor->local_names != NULL && strcmp(options.local, doctor->local_names) != 0)
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-options-differ", ck_doctor_line_place(line),
		               ck_cli_print("local=%s as in other lines", doctor->local_names),
		               ck_cli_print("local=%s", options.local), "give all lines the same options");
	(void)s;
}

/* The first line of ours in a stage decides; a second one, behind it, is reached by the machine's own names only. */
static void check_control(struct ck_doctor *doctor, const struct ck_stack_line *line)
{
	static const uint8_t refusals[] = { PAM_AUTH_ERR, PAM_PERM_DENIED, PAM_AUTHINFO_UNAVAIL, PAM_CONV_ERR, PAM_BUF_ERR };
	const char *which = "";
	for (size_t i = 0; i < sizeof refusals; i++) {
		int action = line->actions[refusals[i]];
		if (action == CK_ACTION_BAD || action == CK_ACTION_DIE) continue;
		which = ck_cli_print("%s%s%s", which, which[0] != '\0' ? ", " : "", ck_line_code_name(refusals[i]));
	}
	if (which[0] != '\0')
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-control", ck_doctor_line_place(line),
		               "a control by which every refusal of pam_crosskeys refuses, as [success=done user_unknown=ignore default=die]",
		               ck_cli_print("%s %s no refusal: what follows decides", which,
		                            strchr(which, ',') != NULL ? "count as" : "counts as"),
		               "take a control from the EXAMPLES of pam_crosskeys(8)");
}

static void check_known(struct ck_doctor *doctor, const struct ck_stack_line *line)
{
	struct ck_text module = ck_line_module(line);
	bool judged = line->type == CK_STACK_AUTH || line->type == CK_STACK_ACCOUNT;
	if (judged && !ck_module_is_known(module))
		ck_doctor_find(doctor, CK_SEVERITY_NOTE, "module-unknown", ck_doctor_line_place(line),
		               "a module whose answers are known here",
		               ck_cli_print("%.*s: it is taken to answer anything", (int)module.length, module.at),
		               "read its manual page: what follows depends on it");
	if (ck_text_is(module, "pam_unix") && line->type == CK_STACK_AUTH && ck_line_has(line, "nullok"))
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-nullok", ck_doctor_line_place(line), "pam_unix without nullok",
		               "nullok: a name of the machine's own with an empty password gets in by nothing",
		               "take nullok out, and see that no password is empty");
}

void ck_doctor_judge_lines(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	for (size_t type = 0; type < CK_STACK_TYPES; type++) {
		const struct ck_stack *stack = ck_stack_of(s->service, s->other, (enum ck_stack_type)type);
		const struct ck_stack_line *first = ck_doctor_our_line(s, (enum ck_stack_type)type);
		for (size_t i = 0; i < stack->count; i++) {
			const struct ck_stack_line *line = &stack->lines[i];
			if (line->type != (enum ck_stack_type)type || line->kind != CK_LINE_MODULE) continue;
			check_module(doctor, line);
			if (ck_module_is_ours(line)) check_options(doctor, s, line);
			if (line == first && type != CK_STACK_SESSION && type != CK_STACK_PASSWORD) check_control(doctor, line);
			if (s->asks[CK_STACK_AUTH] || s->asks[CK_STACK_ACCOUNT]) check_known(doctor, line);
		}
	}
}
