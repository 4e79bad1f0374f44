/* What the founding authority delegates to an authority, and whether a person is inside it. Pure. */
#include <string.h>
#include <strings.h>

#include "directory/model/record.h"

static bool has_domain(const struct ck_texts *domains, struct ck_text domain)
{
	for (size_t i = 0; i < domains->count; i++) {
		if (ck_text_is(domains->at[i], "*")) return true;
		if (domains->at[i].length == domain.length && strncasecmp(domains->at[i].at, domain.at, domain.length) == 0) return true;
	}
	return false;
}

static bool mail_in_domains(struct ck_text mail, const struct ck_texts *domains)
{
	const char *at = mail.length > 0 ? memrchr(mail.at, '@', mail.length) : NULL;
	return at != NULL && has_domain(domains, (struct ck_text){at + 1, mail.length - (size_t)(at + 1 - mail.at)});
}

enum ck_error ck_model_check_delegation(const struct ck_authority *home, const struct ck_staff *staff, struct ck_errmsg *why)
{
	if (staff->uid_number < home->uid_number_first || staff->uid_number > home->uid_number_last)
		return ck_fail(why, CK_ERR_INVALID, "uidNumber is outside the authority's range");
	/* or the files of another authority's people are theirs as a group */
	if (staff->gid_number < home->uid_number_first || staff->gid_number > home->uid_number_last)
		return ck_fail(why, CK_ERR_INVALID, "gidNumber is outside the authority's range");
	if (!mail_in_domains(staff->mail, &home->mail_domains)) return ck_fail(why, CK_ERR_INVALID, "mail is outside the authority's domains");
	return CK_OK;
}

bool ck_model_delegation_narrowed(const struct ck_authority *before, const struct ck_authority *now)
{
	bool narrowed = now->uid_number_first > before->uid_number_first || now->uid_number_last < before->uid_number_last;
	for (size_t i = 0; !narrowed && i < before->mail_domains.count; i++) narrowed = !has_domain(&now->mail_domains, before->mail_domains.at[i]);
	return narrowed;
}
