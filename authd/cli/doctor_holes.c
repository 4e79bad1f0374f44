/* What is wrong with who gets in: holes through which staff whom no rule lets in pass, and doors that shut out those who must get in when
   Crosskeys is dead. */
#include <string.h>

#include "authd/cli/doctor.h"

static bool is_display(const char *service)
{
	return strncmp(service, "gdm-", 4) == 0 || strcmp(service, "lightdm") == 0 || strcmp(service, "sddm") == 0;
}

/* By which people come to a machine, or become somebody else on it. */
static bool is_entrance(const char *service)
{
	static const char *const names[] = { "login", "sshd",    "su",   "su-l",   "sudo",     "sudo-i",     "remote", "polkit-1",
		                             "xrdp-sesman", "cockpit", "vsftpd", "cron", "crond", "atd", "other" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(service, names[i]) == 0) return true;
	return is_display(service);
}

/* Where to look: what the way takes, else the service. */
static const char *place_of(const struct ck_pam_service *s, uint32_t way)
{
	for (size_t bit = 0; bit < s->means.count; bit++)
		if ((way & UINT32_C(1) << bit) != 0 && s->means.at[bit].line != NULL) return ck_doctor_line_place(s->means.at[bit].line);
	return s->path;
}

static const char *our_place(const struct ck_pam_service *s, enum ck_stack_type type)
{
	const struct ck_stack_line *line = ck_doctor_our_line(s, type);
	return line != NULL ? ck_doctor_line_place(line) : s->path;
}

static const char *account_only(const char *service)
{
	const char *label = ck_doctor_alone_label(service);
	return label != NULL ? label : "by whatever skips authentication";
}

/* ---- holes ---- */

static bool report_login(struct ck_doctor *doctor, const struct ck_pam_service *s, enum ck_person person, enum ck_state state,
                         const char *code, const char *when, const char *advice)
{
	const struct ck_verdict *verdict = &s->verdicts[person][state];
	if (!verdict->in) return false;
	ck_doctor_find(doctor, CK_SEVERITY_ERROR, code, place_of(s, verdict->ways[0]),
	               ck_cli_print("%s do not get in%s", ck_doctor_person_name(person), when),
	               ck_cli_print("they get in by %s", ck_who_ways(s, verdict)), advice);
	return true;
}

static bool report_alone(struct ck_doctor *doctor, const struct ck_pam_service *s, enum ck_person person, enum ck_state state,
                         const char *code, const char *when, const char *advice)
{
	if (!s->verdicts[person][state].alone) return false;
	ck_doctor_find(doctor, CK_SEVERITY_ERROR, code, our_place(s, CK_STACK_ACCOUNT),
	               ck_cli_print("the account stage refuses %s%s", ck_doctor_person_name(person), when),
	               ck_cli_print("it lets them through: they get in %s", account_only(s->name)), advice);
	return true;
}

/* Past us in one stage, and kept out by the next. */
static void report_skipped(struct ck_doctor *doctor, const struct ck_pam_service *s, const char *advice)
{
	const struct ck_verdict *verdict = &s->verdicts[CK_PERSON_REFUSED][CK_STATE_ALIVE];
	if (!verdict->auth || verdict->in) return;
	ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-auth-open", place_of(s, verdict->auth_way),
	               "staff pass the authentication stage by their key alone",
	               ck_cli_print("they pass it by %s, past pam_crosskeys: only the account stage is left, and a rule that demands nothing lets them in by that", ck_who_way(s, verdict->auth_way)), advice);
}

static void report_holes(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	const char *before = "put the line of pam_crosskeys before every line that lets anybody in, with default=die";
	const char *account = "put pam_crosskeys into the account stage, before every line that lets anybody in: it is what keeps out a revoked person with an SSH public key";
	bool open = report_login(doctor, s, CK_PERSON_REFUSED, CK_STATE_ALIVE, "pam-refused-gets-in", "", before);
	bool alone = report_alone(doctor, s, CK_PERSON_REFUSED, CK_STATE_ALIVE, "pam-account-open", "", account);
	report_skipped(doctor, s, before);
	if (!open) (void)report_login(doctor, s, CK_PERSON_UNKNOWN, CK_STATE_ALIVE, "pam-unknown-gets-in", "", before);
	if (!open && !report_login(doctor, s, CK_PERSON_GRANTED, CK_STATE_DEAD, "pam-dead-lets-in", " while Crosskeys is dead", before))
		(void)report_login(doctor, s, CK_PERSON_GRANTED, CK_STATE_GONE, "pam-gone-lets-in", " while the module cannot be loaded",
		                   "put the lines behind it that know the machine's own names without the module, see \"When it is broken\" in pam_crosskeys(8)");
	if (!alone && !report_alone(doctor, s, CK_PERSON_GRANTED, CK_STATE_DEAD, "pam-dead-lets-in", " while Crosskeys is dead", account))
		(void)report_alone(doctor, s, CK_PERSON_GRANTED, CK_STATE_GONE, "pam-gone-lets-in", " while the module cannot be loaded",
		                   "put the lines behind it that know the machine's own names without the module, see \"When it is broken\" in pam_crosskeys(8)");
}

/* ---- shut doors ---- */

/* Whether somebody of this kind gets in somehow, as people come to this service. */
static bool gets_in(const struct ck_pam_service *s, enum ck_person person, enum ck_state state)
{
	const struct ck_verdict *verdict = &s->verdicts[person][state];
	bool skips = ck_doctor_alone_label(s->name) != NULL && strncmp(s->name, "sudo", 4) != 0;
	return verdict->in || verdict->unclear || (skips && verdict->alone);
}

static void report_locked_out(struct ck_doctor *doctor, const struct ck_pam_service *s, enum ck_person person)
{
	enum ck_severity severity = is_entrance(s->name) ? CK_SEVERITY_ERROR : CK_SEVERITY_WARNING;
	const char *where = our_place(s, CK_STACK_AUTH), *who = ck_doctor_person_name(person);
	const char *leave = "leave the machine's own names to pam_unix: user_unknown=ignore in the line of pam_crosskeys, and pam_unix behind it";
	if (!gets_in(s, person, CK_STATE_ALIVE))
		ck_doctor_find(doctor, severity, "pam-locked-out", where, ck_cli_print("a way in for %s", who),
		               ck_cli_print("there is none for %s", who), leave);
	else if (!gets_in(s, person, CK_STATE_DEAD))
		ck_doctor_find(doctor, severity, "pam-dead-locks-out", where, ck_cli_print("a way in for %s while Crosskeys is dead", who),
		               ck_cli_print("there is none for %s", who), leave);
	else if (!gets_in(s, person, CK_STATE_GONE))
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-gone-locks-out", where,
		               ck_cli_print("a way in for %s while the module cannot be loaded", who),
		               ck_cli_print("there is none for %s", who),
		               "add module_unknown=ignore service_err=ignore and the lines that follow it in \"When it is broken\" of pam_crosskeys(8)");
}

static void report_shut(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	if (!is_display(s->name)) report_locked_out(doctor, s, CK_PERSON_ROOT); /* which displays refuse by custom */
	report_locked_out(doctor, s, CK_PERSON_LOCAL);
	enum ck_stack_type asked = s->asks[CK_STACK_AUTH] ? CK_STACK_AUTH : CK_STACK_ACCOUNT;
	if (!gets_in(s, CK_PERSON_GRANTED, CK_STATE_ALIVE) && !ck_doctor_module_is_missing(ck_doctor_our_line(s, asked)))
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "pam-staff-locked-out", our_place(s, CK_STACK_AUTH),
		               "staff whom a rule lets in get in",
		               "no way through the stack lets them in",
		               "look for a line before or behind pam_crosskeys that refuses them whatever it answers");
}

/* ---- not asked ---- */

void ck_doctor_judge_unruled(struct ck_doctor *doctor)
{
	bool ruled = false;
	for (size_t i = 0; i < doctor->services_count; i++) {
		const struct ck_service *service = &doctor->services[i];
		ruled |= service->asks_auth || service->asks_account || service->unread;
	}
	if (!ruled && doctor->only_service == NULL)
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "pam-not-used",
		               doctor->pam_dir != NULL ? doctor->pam_dir : ck_doctor_path(doctor, "/etc/pam.d"),
		               "services that ask pam_crosskeys",
		               "none does: nobody gets in by their key, and nobody is kept out by a rule",
		               "install the stacks of contrib/pam.d, or run pam-auth-update --enable crosskeys crosskeys-password");
	for (size_t i = 0; i < doctor->services_count && (ruled || doctor->only_service != NULL); i++) {
		const struct ck_service *service = &doctor->services[i];
		const char *login = service->login[CK_PERSON_REFUSED][CK_STATE_ALIVE];
		bool open = login != NULL || service->alone[CK_PERSON_REFUSED][CK_STATE_ALIVE];
		if (service->asks_auth || service->asks_account || service->unread || !open || !is_entrance(service->name)) continue;
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-service-unruled", service->path,
		               "pam_crosskeys in its auth and account stages",
		               ck_cli_print("it does not ask: staff get in by %s, whatever the rules say",
		                            login != NULL ? login : account_only(service->name)),
		               "give it a stack as in contrib/pam.d, or use pam-auth-update(8)");
	}
}

static bool has_sessions(const char *service)
{
	static const char *const names[] = { "login", "sshd", "su", "su-l", "sudo", "sudo-i" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(service, names[i]) == 0) return true;
	return is_display(service);
}

static void report_unclear(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	bool unclear = false;
	for (size_t p = 0; p < CK_PERSONS; p++)
		for (size_t i = 0; i < CK_STATES; i++) unclear |= s->verdicts[p][i].unclear;
	if (unclear)
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-unclear", s->path, "a stack whose ways can all be followed",
		               "there are more than were followed: the table may lack some, and so may the findings",
		               "write a simpler stack; modules that are not known here count most");
}

void ck_doctor_judge_service(struct ck_doctor *doctor, const struct ck_pam_service *s)
{
	if (s->service->broken || s->other->broken) {
		ck_doctor_find(doctor, CK_SEVERITY_ERROR, "pam-broken", s->path, "a service file with which libpam starts",
		               "libpam refuses to start: nobody gets in, root neither",
		               "correct what the other findings about its files name");
		return;
	}
	if (!s->asks[CK_STACK_AUTH] && !s->asks[CK_STACK_ACCOUNT]) return;
	report_unclear(doctor, s);
	report_holes(doctor, s);
	/* else it is meant for those whom its own lines let in, as runuser is for root */
	if (s->asks[CK_STACK_AUTH] || ck_doctor_alone_label(s->name) != NULL) report_shut(doctor, s);
	if (!s->asks[CK_STACK_SESSION] && has_sessions(s->name))
		ck_doctor_find(doctor, CK_SEVERITY_WARNING, "pam-session-missing", s->path, "pam_crosskeys in the session stage",
		               "it is not there: sessions are not registered, and in a terminal inside one the key of this machine is not used",
		               "add \"session [success=ok module_unknown=ignore service_err=ignore default=bad] pam_crosskeys.so\"");
}
