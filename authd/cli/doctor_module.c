/* What modules can answer. Those of Linux-PAM 1.5 after their manual pages and behaviour; ours after pam_crosskeys(8). A module that has no row
   can answer anything, and what follows is said to depend on it. */
#include "authd/cli/doctor_module.h"

#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>

#include "pam_module/pam_options.h"

#define OURS "pam_crosskeys"

struct asking {
	const struct ck_stack_line *line;
	const struct ck_module_question *q;
	struct ck_outcomes *out;
};
typedef void (*answer)(struct asking *a);

bool ck_line_has(const struct ck_stack_line *line, const char *argument)
{
	for (size_t i = 0; i < line->count; i++)
		if (strcmp(line->arguments[i], argument) == 0) return true;
	return false;
}

const char *ck_line_value(const struct ck_stack_line *line, const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; i < line->count; i++)
		if (strncmp(line->arguments[i], name, length) == 0 && line->arguments[i][length] == '=')
			return line->arguments[i] + length + 1;
	return NULL;
}

bool ck_module_is_ours(const struct ck_stack_line *line)
{
	return line->kind == CK_LINE_MODULE && ck_text_is(ck_line_module(line), OURS);
}

/* ---- answers ---- */

static void may(struct asking *a, int code)
{
	if (a->out->count < CK_OUTCOMES_LIMIT) a->out->at[a->out->count++] = (struct ck_outcome){ 0, (uint8_t)code };
}

static void takes(struct asking *a, int code, const char *means)
{
	struct ck_means *all = a->q->means;
	size_t at = 0;
	while (at < all->count && strcmp(all->at[at].name, means) != 0) at++;
	if (at == CK_MEANS_LIMIT) at--;
	if (at == all->count) {
		(void)snprintf(all->at[at].name, sizeof all->at[at].name, "%s", means);
		all->at[at].line = a->line;
		all->count++;
	}
	may(a, code);
	if (a->out->count > 0) a->out->at[a->out->count - 1].means = UINT32_C(1) << at;
}

/* By something of its own that we do not look into. */
static void takes_module(struct asking *a, int code)
{
	char name[48];
	struct ck_text module = ck_line_module(a->line);
	(void)snprintf(name, sizeof name, "%.*s", (int)module.length, module.at);
	takes(a, code, name);
}

static void succeeds(struct asking *a) { may(a, PAM_SUCCESS); }
static void ignores(struct asking *a) { may(a, PAM_IGNORE); }
static void refuses(struct asking *a) { may(a, PAM_AUTH_ERR); }
static void service_error(struct asking *a) { may(a, PAM_SERVICE_ERR); }

static void ignores_or_succeeds(struct asking *a)
{
	may(a, PAM_IGNORE);
	may(a, PAM_SUCCESS);
}

/* As the machine's settings are: who meets them is not judged. */
static void may_refuse(struct asking *a)
{
	may(a, PAM_SUCCESS);
	may(a, PAM_PERM_DENIED);
	may(a, PAM_AUTH_ERR);
}

static void absent(struct asking *a)
{
	may(a, PAM_IGNORE);
	may(a, PAM_SUCCESS);
	may(a, PAM_MODULE_UNKNOWN);
}

/* Who is asked about, by whatever PAM_USER is: in su nobody in particular. */
static bool is_somebody_else(const struct ck_module_question *q)
{
	return q->by_caller;
}

static void unix_auth(struct asking *a)
{
	enum ck_person person = a->q->person;
	if (is_somebody_else(a->q))
		takes(a, PAM_SUCCESS, "the account's password");
	else if (person == CK_PERSON_GRANTED || person == CK_PERSON_REFUSED)
		takes(a, PAM_SUCCESS, "a password of this machine");
	else if (person != CK_PERSON_UNKNOWN)
		takes(a, PAM_SUCCESS, "password");
	may(a, PAM_AUTH_ERR);
	may(a, PAM_USER_UNKNOWN);
	may(a, PAM_AUTHINFO_UNAVAIL);
	may(a, PAM_MAXTRIES);
}

static void unix_account(struct asking *a)
{
	if (a->q->person != CK_PERSON_UNKNOWN || is_somebody_else(a->q)) may(a, PAM_SUCCESS);
	may(a, PAM_ACCT_EXPIRED);
	may(a, PAM_USER_UNKNOWN);
	may(a, PAM_AUTHINFO_UNAVAIL);
}

/* Another directory's. */
static void directory_auth(struct asking *a)
{
	takes_module(a, PAM_SUCCESS);
	may(a, PAM_AUTH_ERR);
	may(a, PAM_USER_UNKNOWN);
	may(a, PAM_AUTHINFO_UNAVAIL);
	may(a, PAM_IGNORE);
	may(a, PAM_CRED_INSUFFICIENT);
}

static void directory_account(struct asking *a)
{
	may(a, PAM_SUCCESS);
	may(a, PAM_PERM_DENIED);
	may(a, PAM_USER_UNKNOWN);
	may(a, PAM_AUTHINFO_UNAVAIL);
	may(a, PAM_IGNORE);
}

/* The programs that people start themselves, with their own uid as the real one; all others are called by root. */
static bool is_started_by_people(const char *service, bool *out_known)
{
	static const char *const own[] = { "su", "su-l", "runuser", "runuser-l", "chsh", "chfn", "passwd", "chpasswd", "newusers", "chage" };
	static const char *const roots[] = { "login", "sshd", "cron", "atd", "remote", "gdm-password", "lightdm", "sddm", "polkit-1", "systemd-user" };
	*out_known = true;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(service, own[i]) == 0) return true;
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		if (strcmp(service, roots[i]) == 0) return false;
	*out_known = false;
	return true;
}

static void rootok(struct asking *a)
{
	bool known, own = is_started_by_people(a->q->service, &known);
	if (a->q->person == CK_PERSON_ROOT || (known && !own)) may(a, PAM_SUCCESS);
	else if (!known) takes(a, PAM_SUCCESS, "whatever runs as root");
	if (a->q->person != CK_PERSON_ROOT) may(a, PAM_AUTH_ERR);
}

static void wheel(struct asking *a)
{
	if (ck_line_has(a->line, "trust")) takes(a, PAM_SUCCESS, "membership of a group (pam_wheel trust)");
	may(a, PAM_IGNORE);
	may(a, PAM_PERM_DENIED);
	may(a, PAM_AUTH_ERR);
}

static void condition(struct asking *a)
{
	char what[80], means[96];
	bool known, own = is_started_by_people(a->q->service, &known);
	bool real = ck_line_has(a->line, "use_uid");
	enum ck_truth truth;
	if (real)
		truth = ck_condition_judge(a->line, known && !own ? CK_PERSON_ROOT : a->q->person, a->q->service, what, sizeof what);
	else if (is_somebody_else(a->q))
		truth = CK_EITHER;
	else
		truth = ck_condition_judge(a->line, a->q->person, a->q->service, what, sizeof what);
	/* sudo and its like: called by the person, but as root */
	if (real && !known && truth != CK_UNKNOWN) truth = CK_EITHER;
	(void)snprintf(means, sizeof means, "being one of \"%s\"", what);
	if (truth == CK_TRUE || truth == CK_EITHER) may(a, PAM_SUCCESS);
	if (truth == CK_UNKNOWN) takes(a, PAM_SUCCESS, means);
	if (truth != CK_TRUE) may(a, PAM_AUTH_ERR);
	if (a->q->person == CK_PERSON_UNKNOWN && !real) may(a, PAM_USER_UNKNOWN);
}

static void localuser(struct asking *a)
{
	enum ck_person person = a->q->person;
	bool certainly = (person == CK_PERSON_ROOT || person == CK_PERSON_LOCAL) && !is_somebody_else(a->q);
	/* who may have a line there, with a uid of the directory's */
	bool staff = person == CK_PERSON_GRANTED || person == CK_PERSON_REFUSED;
	if (certainly || staff || is_somebody_else(a->q)) may(a, PAM_SUCCESS);
	if (!certainly) may(a, PAM_PERM_DENIED);
}

/* The list of local names; any other list is not looked into. */
static void listfile(struct asking *a)
{
	const char *file = ck_line_value(a->line, "file"), *item = ck_line_value(a->line, "item"), *sense = ck_line_value(a->line, "sense");
	enum ck_person person = a->q->person;
	bool names = file != NULL && strcmp(file, a->q->local_names) == 0 && item != NULL && strcmp(item, "user") == 0 && sense != NULL &&
	             strcmp(sense, "allow") == 0;
	if (names && !is_somebody_else(a->q)) {
		if (person <= CK_PERSON_LISTED) may(a, PAM_SUCCESS);
		if (person != CK_PERSON_LISTED) may(a, PAM_AUTH_ERR);
		return;
	}
	if (file != NULL && sense != NULL && strcmp(sense, "deny") == 0)
		may(a, PAM_SUCCESS);
	else
		takes(a, PAM_SUCCESS, "being listed (pam_listfile)");
	may(a, PAM_AUTH_ERR);
	may(a, PAM_SERVICE_ERR);
}

static void faillock_auth(struct asking *a)
{
	if (!ck_line_has(a->line, "authfail")) may(a, PAM_SUCCESS);
	may(a, PAM_AUTH_ERR);
}

static void nologin(struct asking *a)
{
	may(a, ck_line_has(a->line, "successok") ? PAM_SUCCESS : PAM_IGNORE);
	if (a->q->person != CK_PERSON_ROOT) may(a, PAM_AUTH_ERR);
	if (a->q->person == CK_PERSON_UNKNOWN) may(a, PAM_USER_UNKNOWN);
}

static void debug(struct asking *a)
{
	const char *value = ck_line_value(a->line, a->q->type == CK_STACK_AUTH ? "auth" : "acct");
	for (unsigned code = 0; value != NULL && code < CK_STACK_CODES; code++)
		if (strcmp(value, ck_line_code_name(code)) == 0) may(a, (int)code);
	if (a->out->count == 0) may(a, PAM_SUCCESS);
}

/* Nothing is known about it. */
static void anything(struct asking *a)
{
	char means[96];
	struct ck_text module = ck_line_module(a->line);
	(void)snprintf(means, sizeof means, "whatever %.*s wants", (int)(module.length < 60 ? module.length : 60), module.at);
	takes(a, PAM_SUCCESS, means);
	may(a, PAM_AUTH_ERR);
	may(a, PAM_USER_UNKNOWN);
	may(a, PAM_AUTHINFO_UNAVAIL);
	may(a, PAM_IGNORE);
	may(a, PAM_PERM_DENIED);
	may(a, PAM_SYSTEM_ERR);
}

/* ---- ours: pam_crosskeys(8), ANSWERS ---- */

static bool is_misunderstood(const struct ck_stack_line *line)
{
	struct ck_pam_options options;
	return ck_pam_options_parse((int)line->count, (const char **)(uintptr_t)line->arguments, &options, NULL) != CK_OK;
}

static void ours(struct asking *a)
{
	enum ck_person person = a->q->person;
	bool auth = a->q->type == CK_STACK_AUTH;
	if (a->q->state == CK_STATE_GONE) {
		may(a, PAM_MODULE_UNKNOWN);
	} else if (is_misunderstood(a->line)) {
		may(a, PAM_SERVICE_ERR);
	} else if (person <= CK_PERSON_LISTED) {
		may(a, PAM_USER_UNKNOWN);
	} else if (a->q->state == CK_STATE_DEAD) {
		may(a, PAM_AUTHINFO_UNAVAIL);
	} else {
		if (person == CK_PERSON_GRANTED && auth) takes(a, PAM_SUCCESS, "security key");
		if (person == CK_PERSON_GRANTED && !auth) may(a, PAM_SUCCESS);
		if (person == CK_PERSON_GRANTED && !auth) may(a, PAM_NEW_AUTHTOK_REQD);
		may(a, auth ? PAM_AUTH_ERR : PAM_PERM_DENIED);
		may(a, PAM_CONV_ERR);
	}
}

/* ---- the table ---- */

static const struct row {
	const char *name;
	answer auth, account;
} rows[] = {
	{ OURS, ours, ours },
	{ "pam_unix", unix_auth, unix_account },
	{ "pam_permit", succeeds, succeeds },
	{ "pam_deny", refuses, refuses },
	{ "pam_rootok", rootok, rootok },
	{ "pam_wheel", wheel, wheel },
	{ "pam_succeed_if", condition, condition },
	{ "pam_localuser", localuser, localuser },
	{ "pam_listfile", listfile, listfile },
	{ "pam_nologin", nologin, nologin },
	{ "pam_faillock", faillock_auth, succeeds },
	{ "pam_tally2", may_refuse, succeeds },
	{ "pam_debug", debug, debug },
	{ "pam_env", ignores, service_error },
	{ "pam_faildelay", ignores, absent },
	{ "pam_group", ignores, absent },
	{ "pam_warn", ignores, ignores },
	{ "pam_echo", ignores, ignores },
	{ "pam_issue", ignores, absent },
	{ "pam_cap", ignores_or_succeeds, absent },
	{ "pam_securetty", may_refuse, may_refuse },
	{ "pam_shells", may_refuse, may_refuse },
	{ "pam_access", may_refuse, may_refuse },
	{ "pam_time", absent, may_refuse },
	{ "pam_usertype", may_refuse, may_refuse },
	{ "pam_sepermit", may_refuse, may_refuse },
	{ "pam_lastlog", may_refuse, may_refuse },
	{ "pam_loginuid", absent, ignores_or_succeeds },
	{ "pam_limits", absent, absent },
	{ "pam_selinux", ignores, absent },
	{ "pam_keyinit", ignores, ignores },
	{ "pam_motd", ignores, absent },
	{ "pam_mail", ignores, absent },
	{ "pam_umask", ignores, absent },
	{ "pam_systemd", absent, absent },
	{ "pam_mkhomedir", absent, absent },
	{ "pam_tty_audit", absent, absent },
	{ "pam_namespace", absent, absent },
	{ "pam_gnome_keyring", absent, absent },
	{ "pam_kwallet", absent, absent },
	{ "pam_kwallet5", absent, absent },
	{ "pam_xauth", absent, absent },
	{ "pam_sss", directory_auth, directory_account },
	{ "pam_ldap", directory_auth, directory_account },
	{ "pam_krb5", directory_auth, directory_account },
	{ "pam_winbind", directory_auth, directory_account },
	{ "pam_systemd_home", directory_auth, directory_account },
	{ "pam_userdb", directory_auth, directory_account },
	{ "pam_u2f", directory_auth, absent },
	{ "pam_fprintd", directory_auth, absent },
	{ "pam_oath", directory_auth, absent },
	{ "pam_google_authenticator", directory_auth, absent },
	{ "pam_ssh_agent_auth", directory_auth, absent },
	{ "pam_pkcs11", directory_auth, directory_account },
	{ "pam_timestamp", directory_auth, absent },
	{ "pam_rhosts", directory_auth, absent },
	{ "pam_ftp", directory_auth, absent },
};

static const struct row *find(struct ck_text module)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (ck_text_is(module, rows[i].name)) return &rows[i];
	return NULL;
}

bool ck_module_is_known(struct ck_text module)
{
	return find(module) != NULL;
}

void ck_module_answer(const struct ck_stack_line *line, void *context, struct ck_outcomes *out)
{
	const struct ck_module_question *q = context;
	struct asking asking = { line, q, out };
	const struct row *row = find(ck_line_module(line));
	out->count = 0;
	if (q->is_missing != NULL && q->is_missing(line))
		may(&asking, PAM_MODULE_UNKNOWN);
	else if (row == NULL)
		anything(&asking);
	else if (q->type == CK_STACK_AUTH)
		row->auth(&asking);
	else
		row->account(&asking);
}
