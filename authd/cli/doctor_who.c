/* Who gets through a service by what: both stages, for each kind of person and each state of Crosskeys. */
#include <security/pam_appl.h>
#include <string.h>

#include "authd/cli/doctor.h"

static void add_way(struct ck_verdict *verdict, uint32_t means)
{
	size_t kept = 0;
	for (size_t i = 0; i < verdict->count; i++)
		if ((verdict->ways[i] & means) == verdict->ways[i]) return;
	for (size_t i = 0; i < verdict->count; i++)
		if ((verdict->ways[i] & means) != means) verdict->ways[kept++] = verdict->ways[i];
	verdict->count = kept;
	if (kept < sizeof verdict->ways / sizeof *verdict->ways)
		verdict->ways[verdict->count++] = means;
	else
		verdict->unclear = true;
}

static struct ck_verdict judge(const struct ck_results *auth, const struct ck_results *account)
{
	struct ck_verdict verdict = { .unclear = auth->unclear || account->unclear };
	for (size_t i = 0; i < auth->count; i++) {
		if (auth->at[i].code != PAM_SUCCESS) continue;
		verdict.auth = true;
		verdict.auth_way = auth->at[i].means;
	}
	for (size_t i = 0; i < account->count; i++) {
		if (account->at[i].code != PAM_SUCCESS) continue;
		verdict.alone = true;
		for (size_t j = 0; j < auth->count; j++)
			if (auth->at[j].code == PAM_SUCCESS) add_way(&verdict, auth->at[j].means | account->at[i].means);
	}
	verdict.in = verdict.count > 0;
	return verdict;
}

void ck_who_judge(struct ck_pam_service *s, const char *local_names, bool (*is_missing)(const struct ck_stack_line *))
{
	static struct ck_results auth, account;
	for (size_t p = 0; p < CK_PERSONS; p++)
		for (size_t state = 0; state < CK_STATES; state++) {
			struct ck_module_question question = { .person = (enum ck_person)p, .state = (enum ck_state)state, .service = s->name,
				                               .local_names = local_names, .by_caller = s->by_caller,
				                               .is_missing = is_missing, .means = &s->means };
			if (s->by_caller && p == CK_PERSON_UNKNOWN) continue; /* who calls is somebody */
			question.type = CK_STACK_AUTH;
			ck_stack_run(s->service, s->other, CK_STACK_AUTH, ck_module_answer, &question, &auth);
			question.type = CK_STACK_ACCOUNT;
			ck_stack_run(s->service, s->other, CK_STACK_ACCOUNT, ck_module_answer, &question, &account);
			s->verdicts[p][state] = judge(&auth, &account);
		}
}

const char *ck_who_way(const struct ck_pam_service *s, uint32_t means)
{
	const char *way = "";
	for (size_t bit = 0; bit < s->means.count; bit++)
		if ((means & UINT32_C(1) << bit) != 0)
			way = ck_cli_print("%s%s%s", way, way[0] != '\0' ? " and " : "", s->means.at[bit].name);
	return way[0] != '\0' ? way : "showing nothing";
}

/* "password", "security key and password", "password or showing nothing". */
const char *ck_who_ways(const struct ck_pam_service *s, const struct ck_verdict *verdict)
{
	const char *all = "";
	for (size_t i = 0; i < verdict->count; i++) all = ck_cli_print("%s%s%s", all, i > 0 ? " or " : "", ck_who_way(s, verdict->ways[i]));
	return verdict->unclear ? ck_cli_print("%s (not all is clear)", all) : all;
}
