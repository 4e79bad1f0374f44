/* The conditions of pam_succeed_if, as far as a kind of person is known: by uid and name. */
#include <stdio.h>
#include <string.h>

#include "authd/cli/doctor_module.h"
#include "pam_module/pam_local.h"

#define UID_END UINT64_C(4294967295)

/* The uids that people of this kind have. False: none, or none that is known. */
static bool uids_of(enum ck_person person, uint64_t *out_first, uint64_t *out_last)
{
	*out_first = 0;
	*out_last = 0;
	switch (person) {
	case CK_PERSON_ROOT: return true;
	case CK_PERSON_LOCAL:
		*out_first = 1;
		*out_last = CK_PAM_LOCAL_UID_END - 1;
		return true;
	case CK_PERSON_GRANTED:
	case CK_PERSON_REFUSED:
		*out_first = CK_PAM_LOCAL_UID_END;
		*out_last = UID_END - 1;
		return true;
	case CK_PERSON_LISTED:
	case CK_PERSON_UNKNOWN:
	case CK_PERSONS: break;
	}
	return false;
}

static enum ck_truth judge_uid(enum ck_person person, const char *comparison, uint64_t number)
{
	static const char *const comparisons[] = { "<", "lt", "<=", "le", ">", "gt", ">=", "ge", "=", "eq", "!=", "ne" };
	uint64_t first, last;
	size_t which = 0;
	bool low = false, high = false;
	while (which < sizeof comparisons / sizeof *comparisons && strcmp(comparison, comparisons[which]) != 0) which++;
	if (!uids_of(person, &first, &last)) return person == CK_PERSON_UNKNOWN ? CK_FALSE : CK_EITHER;
	switch (which / 2) {
	case 0: low = first < number, high = last < number; break;
	case 1: low = first <= number, high = last <= number; break;
	case 2: low = first > number, high = last > number; break;
	case 3: low = first >= number, high = last >= number; break;
	case 4:
		low = first == number, high = last == number;
		if (!low && !high && number > first && number < last) return CK_EITHER;
		break;
	case 5:
		low = first != number, high = last != number;
		if (low && high && number > first && number < last) return CK_EITHER;
		break;
	default: return CK_UNKNOWN;
	}
	return low && high ? CK_TRUE : !low && !high ? CK_FALSE : CK_EITHER;
}

static enum ck_truth judge_name(enum ck_person person, const char *comparison, const char *name)
{
	bool same = strcmp(comparison, "=") == 0 || strcmp(comparison, "eq") == 0;
	bool differs = strcmp(comparison, "!=") == 0 || strcmp(comparison, "ne") == 0;
	if (!same && !differs) return CK_UNKNOWN;
	bool root = strcmp(name, "root") == 0;
	if (person == CK_PERSON_ROOT) return root == same ? CK_TRUE : CK_FALSE;
	if (root) return same ? CK_FALSE : CK_TRUE;
	return CK_UNKNOWN;
}

static enum ck_truth judge_one(enum ck_person person, const char *service, const char *left, const char *comparison, const char *right)
{
	uint64_t number;
	if (strcmp(left, "uid") == 0 && ck_uint_parse(ck_text_of(right), 0, UID_END, &number) == CK_OK) return judge_uid(person, comparison, number);
	if (strcmp(left, "user") == 0) return judge_name(person, comparison, right);
	if (strcmp(left, "service") == 0 && strcmp(comparison, "=") == 0) return strcmp(service, right) == 0 ? CK_TRUE : CK_FALSE;
	if (strcmp(left, "service") == 0 && strcmp(comparison, "!=") == 0) return strcmp(service, right) != 0 ? CK_TRUE : CK_FALSE;
	return CK_UNKNOWN;
}

static bool is_flag(const char *word)
{
	static const char *const flags[] = { "debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit" };
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strcmp(word, flags[i]) == 0) return true;
	return false;
}

enum ck_truth ck_condition_judge(const struct ck_stack_line *line, enum ck_person person, const char *service, char *out_what,
                                 size_t out_bytes)
{
	enum ck_truth all = CK_TRUE;
	size_t at = 0;
	out_what[0] = '\0';
	while (at < line->count && is_flag(line->arguments[at])) at++;
	if (at == line->count) return CK_FALSE;
	for (; at + 2 < line->count; at += 3) {
		const char *const *words = &line->arguments[at];
		enum ck_truth one = judge_one(person, service, words[0], words[1], words[2]);
		if (one == CK_FALSE) return CK_FALSE;
		if (one == CK_UNKNOWN) (void)snprintf(out_what, out_bytes, "%.24s %.12s %.32s", words[0], words[1], words[2]);
		if (one > all) all = one;
	}
	return at == line->count ? all : CK_FALSE; /* a condition that is cut off is an error, and refuses */
}
