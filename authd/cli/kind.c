/* The table of kinds: which words and options a command has, and which attribute each becomes. kind_plan.c does the work. */
#include "authd/cli/kind.h"

#include <string.h>

#define WINDOW_FIELDS                                                                                                                        \
	{ "from", "ckValidFrom", CK_KIND_FIELD_TIME, 0, false, "always", "TIME", "from when it counts (always, now, 2026-11-22, +12h)" },         \
	{ "until", "ckValidUntil", CK_KIND_FIELD_TIME, 0, false, "unlimited", "TIME", "until when it counts (unlimited, +90d, 2026-12-31)" }
#define STATUS_FIELD { "status", "ckStatus", CK_KIND_FIELD_TEXT, 0, false, "active", "STATUS", "active or suspended" }

static const struct ck_kind_field authority_fields[] = {
	{ "kind", "ckAuthorityKind", CK_KIND_FIELD_TEXT, 0, false, "council", "KIND", "council, department, supplier, …" },
	STATUS_FIELD,
	WINDOW_FIELDS,
	{ "uid-range", NULL, CK_KIND_FIELD_RANGE, 0, false, NULL, "FIRST-LAST", "the uid and gid numbers it may give to its staff (required to add)" },
	{ "mail-domain", "ckMailDomain", CK_KIND_FIELD_TEXT, 0, true, NULL, "DOMAIN", "the domains of its staff's mail addresses (required to add)" },
	{ "zone", "ckZone", CK_KIND_FIELD_ZONE, 0, false, "local", "ZONE",
	  "by whose clock the weekly hours of its rules are meant: Europe/London, UTC, local for this machine's (default)" },
	{ "admin-role", "ckAdminRoleId", CK_KIND_FIELD_REFERENCE, CK_KIND_ROLE, false, NULL, "ROLE", "the role whose holders administer it" },
	{ "admin", NULL, CK_KIND_FIELD_EXTRA, 0, false, NULL, "UID", "its first administrator's login name (required to add)" },
	{ "admin-name", NULL, CK_KIND_FIELD_EXTRA, 0, false, NULL, "NAME", "the administrator's full name (required to add)" },
	{ "admin-mail", NULL, CK_KIND_FIELD_EXTRA, 0, false, NULL, "MAIL", "the administrator's mail address (required to add)" },
	{ "admin-number", NULL, CK_KIND_FIELD_EXTRA, 0, false, "1", "NUMBER", "the administrator's staff number (default 1)" },
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field staff_fields[] = {
	{ "name", "cn", CK_KIND_FIELD_TEXT, 0, false, NULL, "NAME", "the full name (required to add)" },
	{ "surname", "sn", CK_KIND_FIELD_TEXT, 0, false, NULL, "NAME", "the surname (default: the last word of the full name)" },
	{ "given-name", "givenName", CK_KIND_FIELD_TEXT, 0, false, NULL, "NAME", "the given name" },
	{ "mail", "mail", CK_KIND_FIELD_TEXT, 0, false, NULL, "MAIL", "the mail address, in a domain of the authority (required to add)" },
	{ "number", "employeeNumber", CK_KIND_FIELD_TEXT, 0, false, NULL, "NUMBER", "the staff number, unique within the authority (required to add)" },
	{ "telephone", "telephoneNumber", CK_KIND_FIELD_TEXT, 0, false, NULL, "NUMBER", "the telephone number" },
	{ "title", "title", CK_KIND_FIELD_TEXT, 0, false, NULL, "TITLE", "the job title" },
	{ "department", "departmentNumber", CK_KIND_FIELD_TEXT, 0, false, NULL, "NAME", "the department" },
	{ "uid-number", "uidNumber", CK_KIND_FIELD_TEXT, 0, false, NULL, "N", "in the authority's range (default: a free one, by chance)" },
	{ "gid-number", "gidNumber", CK_KIND_FIELD_TEXT, 0, false, NULL, "N", "in the authority's range (default: the same as the uid number)" },
	{ "home", "homeDirectory", CK_KIND_FIELD_TEXT, 0, false, NULL, "PATH", "default: /home/UID" },
	{ "shell", "loginShell", CK_KIND_FIELD_TEXT, 0, false, "/bin/bash", "PATH", "default: /bin/bash" },
	{ "unlisted", "ckListed", CK_KIND_FIELD_FALSE, 0, false, NULL, NULL, "ex-directory: served like anybody, found by nobody" },
	{ "listed", "ckListed", CK_KIND_FIELD_TRUE, 0, false, "TRUE", NULL, "found by those who search for people (default)" },
	STATUS_FIELD,
	WINDOW_FIELDS,
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field key_fields[] = {
	{ "label", "ckLabel", CK_KIND_FIELD_TEXT, 0, false, NULL, "TEXT", "what its owner calls it" },
	{ "status", "ckStatus", CK_KIND_FIELD_TEXT, 0, false, NULL, "STATUS", "active, suspended or revoked" },
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field role_fields[] = {
	STATUS_FIELD,
	{ "member-role", "ckMemberRoleId", CK_KIND_FIELD_REFERENCE, CK_KIND_ROLE, true, NULL, "ROLE", "its holders hold this role too ([AUTHORITY/]NAME)" },
	{ "all-staff-of", "ckAllStaffOfId", CK_KIND_FIELD_REFERENCE, CK_KIND_AUTHORITY, true, NULL, "AUTHORITY", "all its active staff hold this role" },
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field grant_fields[] = {
	WINDOW_FIELDS,
	{ "why", "ckReason", CK_KIND_FIELD_TEXT, 0, false, NULL, "TEXT", "why it is given (required to add)" },
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field system_fields[] = {
	STATUS_FIELD,
	{ "group", "ckGroupId", CK_KIND_FIELD_REFERENCE, CK_KIND_SYSTEM_GROUP, true, NULL, "GROUP", "a group of the same authority that it belongs to" },
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field group_fields[] = {
	STATUS_FIELD,
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};
static const struct ck_kind_field rule_fields[] = {
	STATUS_FIELD,
	WINDOW_FIELDS,
	{ "system", "ckTarget", CK_KIND_FIELD_SYSTEM, CK_KIND_SYSTEM, true, NULL, "SYSTEM", "which systems of the authority; * for all (required to add)" },
	{ "group", "ckTarget", CK_KIND_FIELD_REFERENCE, CK_KIND_SYSTEM_GROUP, true, NULL, "GROUP", "which groups of systems" },
	{ "role", "ckRoleId", CK_KIND_FIELD_REFERENCE, CK_KIND_ROLE, true, NULL, "ROLE", "whose holders may enter, [AUTHORITY/]NAME (required to add)" },
	{ "account", "ckAccount", CK_KIND_FIELD_TEXT, 0, true, "self", "NAME", "which accounts; self is one's own (default)" },
	{ "service", "ckService", CK_KIND_FIELD_TEXT, 0, true, "*", "NAME", "by which PAM services; * for all (default)" },
	{ "source", "ckSource", CK_KIND_FIELD_TEXT, 0, true, "*", "NETWORK", "from where: local, 10.0.0.0/8, 2001:db8::/32, * (default)" },
	{ "proved", "ckProved", CK_KIND_FIELD_TEXT, 0, true, NULL, "WHAT", "what must be shown: touch, verified, password, attested, none (default: touch verified)" },
	{ "weekly", "ckWeekly", CK_KIND_FIELD_TEXT, 0, true, "always", "HOURS",
	  "when it counts, by the clock of the authority's zone: \"mon-fri 08:00-18:00\", \"fri 22:00-06:00\", always (default)" },
	{ NULL, NULL, 0, 0, false, NULL, NULL, NULL },
};

static const struct ck_kind_row rows[] = {
	{ CK_KIND_AUTHORITY, "NAME", true, false, authority_fields },
	{ CK_KIND_STAFF, "UID", true, false, staff_fields },
	{ CK_KIND_KEY, "UID KEY", false, true, key_fields },
	{ CK_KIND_ROLE, "NAME", true, true, role_fields },
	{ CK_KIND_GRANT, "UID ROLE", true, true, grant_fields },
	{ CK_KIND_SYSTEM, "NAME", true, true, system_fields },
	{ CK_KIND_SYSTEM_GROUP, "NAME", true, true, group_fields },
	{ CK_KIND_RULE, "NAME", true, true, rule_fields },
};

const struct ck_kind_row *ck_kind_row_of(enum ck_kind kind)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].kind == kind) return &rows[i];
	return NULL;
}

bool ck_kind_has_verb(enum ck_kind kind, const char *verb)
{
	const struct ck_kind_row *row = ck_kind_row_of(kind);
	if (row == NULL) return false;
	return strcmp(verb, "change") == 0 || (strcmp(verb, "add") == 0 && row->can_add) || (strcmp(verb, "remove") == 0 && row->can_remove);
}
