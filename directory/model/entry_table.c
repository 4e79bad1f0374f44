/* The one place that lists attribute names by kind, in the words of schema/crosskeys.schema. Holds tables, trusts nobody. */
#include "directory/model/entry_table.h"

#include <stdio.h>

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_NAMES no_names

static const char *const no_names[] = {NULL};

static const struct ck_entry_row rows[CK_KIND_LAST + 1] = {
	[CK_KIND_AUTHORITY] = {
		.object_class = "ckAuthority",
		.classes = NAMES("ckAuthority"),
		.settable = NAMES("ckName", "ckAuthorityKind", "ckStatus", "ckValidFrom", "ckValidUntil", "ckAdminRoleId", "ckUidNumberFirst",
		                  "ckUidNumberLast", "ckMailDomain", "ckZone"),
		.must = 10,
		.fixed = NO_NAMES,
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_STAFF] = {
		.object_class = "ckStaff",
		.classes = NAMES("inetOrgPerson", "posixAccount", "ckStaff"),
		.container = "staff",
		.settable = NAMES("uid", "uidNumber", "gidNumber", "homeDirectory", "loginShell", "cn", "sn", "mail", "employeeNumber", "ckStatus",
		                  "ckValidFrom", "ckValidUntil", "ckListed", "givenName", "telephoneNumber", "title", "departmentNumber"),
		.must = 13,
		.fixed = NO_NAMES,
		.others = NAMES("ckId", "ckStaffNumber", "ckProof"),
	},
	[CK_KIND_KEY] = {
		.object_class = "ckKey",
		.classes = NAMES("ckKey"),
		.container = "staff",
		.parent = CK_KIND_STAFF,
		.settable = NAMES("ckCredentialId", "ckPublicKey", "ckRpId", "ckAaguid", "ckLabel", "ckAttestation", "ckCanVerify", "ckStatus",
		                  "ckValidFrom", "ckValidUntil", "ckTrait", "ckRegistration"),
		.must = 10,
		.fixed = NAMES("ckCredentialId", "ckPublicKey", "ckRpId", "ckAaguid", "ckAttestation", "ckCanVerify", "ckTrait",
		               "ckRegistration"),
		.others = NAMES("ckKeyHash", "ckProof"),
	},
	[CK_KIND_ROLE] = {
		.object_class = "ckRole",
		.classes = NAMES("ckRole"),
		.container = "roles",
		.settable = NAMES("ckName", "ckStatus", "ckMemberRoleId", "ckAllStaffOfId"),
		.must = 2,
		.fixed = NO_NAMES,
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_GRANT] = {
		.object_class = "ckGrant",
		.classes = NAMES("ckGrant"),
		.container = "roles",
		.parent = CK_KIND_ROLE,
		.settable = NAMES("ckStaffId", "ckValidFrom", "ckValidUntil", "ckGrantedById", "ckReason"),
		.must = 5,
		.fixed = NAMES("ckStaffId", "ckGrantedById"),
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_SYSTEM] = {
		.object_class = "ckSystem",
		.classes = NAMES("ckSystem"),
		.container = "systems",
		.settable = NAMES("ckName", "ckStatus", "ckGroupId"),
		.must = 2,
		.fixed = NAMES("ckName"),
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_SYSTEM_GROUP] = {
		.object_class = "ckSystemGroup",
		.classes = NAMES("ckSystemGroup"),
		.container = "systems",
		.settable = NAMES("ckName", "ckStatus"),
		.must = 2,
		.fixed = NO_NAMES,
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_RULE] = {
		.object_class = "ckRule",
		.classes = NAMES("ckRule"),
		.container = "rules",
		.settable = NAMES("ckName", "ckStatus", "ckValidFrom", "ckValidUntil", "ckTarget", "ckRoleId", "ckAccount", "ckService", "ckSource",
		                  "ckProved", "ckWeekly"),
		.must = 11,
		.fixed = NO_NAMES,
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_CODE] = {
		.object_class = "ckCode",
		.classes = NAMES("ckCode"),
		.container = "staff",
		.parent = CK_KIND_STAFF,
		.settable = NAMES("ckIssuerId", "ckCodeHash", "ckValidFrom", "ckValidUntil"),
		.must = 4,
		.fixed = NAMES("ckIssuerId", "ckCodeHash", "ckValidFrom", "ckValidUntil"),
		.others = NAMES("ckId", "ckProof"),
	},
	[CK_KIND_KEY_USE] = {
		.object_class = "ckKeyUse",
		.classes = NAMES("ckKeyUse"),
		.container = "staff",
		.parent = CK_KIND_KEY,
		.settable = NO_NAMES,
		.fixed = NO_NAMES,
		.others = NAMES("cn", "ckCounter", "ckLastUse"),
	},
};

const struct ck_entry_row *ck_entry_row_of(enum ck_kind kind)
{
	size_t at = (size_t)kind;
	return at >= CK_KIND_AUTHORITY && at <= CK_KIND_LAST ? &rows[at] : NULL;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool ck_entry_equal_without_case(struct ck_text a, struct ck_text b)
{
	if (a.length != b.length) return false;
	for (size_t i = 0; i < a.length; i++)
		if (lower(a.at[i]) != lower(b.at[i])) return false;
	return true;
}

bool ck_entry_name_equal(struct ck_text a, const char *b) { return ck_entry_equal_without_case(a, ck_text_of(b)); }

bool ck_entry_name_among(struct ck_text name, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (ck_entry_name_equal(name, names[i])) return true;
	return false;
}

const char *const *ck_entry_object_classes(enum ck_kind kind)
{
	const struct ck_entry_row *row = ck_entry_row_of(kind);
	return row != NULL ? row->classes : NO_NAMES;
}

const char *const *ck_entry_settable(enum ck_kind kind, size_t *out_must)
{
	const struct ck_entry_row *row = ck_entry_row_of(kind);
	*out_must = row != NULL ? row->must : 0;
	return row != NULL ? row->settable : NO_NAMES;
}

bool ck_entry_attribute_settable(enum ck_kind kind, struct ck_text name)
{
	const struct ck_entry_row *row = ck_entry_row_of(kind);
	return row != NULL && ck_entry_name_among(name, row->settable);
}

bool ck_entry_attribute_changeable(enum ck_kind kind, struct ck_text name)
{
	return ck_entry_attribute_settable(kind, name) && !ck_entry_name_among(name, ck_entry_row_of(kind)->fixed);
}

/* One static slapo-unique URI cannot say "within its authority", so the scope is part of the value
   (docs/design/staff-number-scope.md). */
enum ck_error ck_entry_derive(enum ck_kind kind, struct ck_id authority, struct ck_text name, struct ck_text value,
                              const char **out_name, char out[CK_DERIVED_LIMIT_BYTES])
{
	char scope[CK_ID_TEXT_BYTES];
	*out_name = NULL;
	out[0] = '\0';
	if (kind != CK_KIND_STAFF || !ck_entry_name_equal(name, "employeeNumber")) return CK_ERR_NOT_FOUND;
	if (value.length > CK_NAME_LIMIT_BYTES) return CK_ERR_LIMIT;
	snprintf(out, CK_DERIVED_LIMIT_BYTES, "%s:%.*s", ck_id_format(authority, scope), (int)value.length, value.length > 0 ? value.at : "");
	*out_name = "ckStaffNumber";
	return CK_OK;
}
