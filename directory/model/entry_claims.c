/* What a faulty entry claims. Nothing is believed of it but that it may not lose to a later one what it had first. */
#include <string.h>

#include "directory/model/entry_table.h"

static const struct ck_attribute *find(const struct ck_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++)
		if (ck_entry_name_equal(entry->attributes[i].name, name)) return &entry->attributes[i];
	return NULL;
}

static struct ck_text one_text(const struct ck_entry *entry, const char *name, size_t limit_bytes)
{
	const struct ck_attribute *attribute = find(entry, name);
	if (attribute == NULL || attribute->count != 1 || attribute->values[0].length > limit_bytes) return (struct ck_text){NULL, 0};
	return (struct ck_text){(const char *)attribute->values[0].at, attribute->values[0].length};
}

static enum ck_kind kind_of(const struct ck_entry *entry, const struct ck_entry_place *place)
{
	const struct ck_attribute *classes = find(entry, "objectClass");
	if (place->use) return CK_KIND_KEY_USE;
	for (size_t i = 0; classes != NULL && i < classes->count; i++) {
		struct ck_text name = {(const char *)classes->values[i].at, classes->values[i].length};
		for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++)
			if (k != CK_KIND_KEY_USE && ck_entry_name_equal(name, ck_entry_row_of((enum ck_kind)k)->object_class)) return (enum ck_kind)k;
	}
	return CK_KIND_NONE;
}

static void claim_staff(const struct ck_entry *entry, struct ck_staff *out)
{
	out->uid = one_text(entry, "uid", CK_UID_LIMIT_BYTES);
	out->mail = one_text(entry, "mail", CK_NAME_LIMIT_BYTES);
	out->staff_number = one_text(entry, "employeeNumber", CK_NAME_LIMIT_BYTES);
	if (ck_uint_parse(one_text(entry, "uidNumber", 20), 0, CK_UID_NUMBER_LAST, &out->uid_number) != CK_OK) out->uid_number = 0;
}

bool ck_entry_claims(const struct ck_entry *entry, struct ck_text suffix, struct ck_record *out)
{
	struct ck_entry_place place;
	memset(out, 0, sizeof *out);
	if (ck_entry_place_of(entry->dn, suffix, &place) != CK_OK) return false;
	out->kind = kind_of(entry, &place);
	out->id = place.id;
	out->authority = place.authority;
	struct ck_text name = one_text(entry, "ckName", CK_NAME_LIMIT_BYTES);
	switch (out->kind) {
	case CK_KIND_AUTHORITY: out->as.authority_of.name = name; break;
	case CK_KIND_STAFF: claim_staff(entry, &out->as.staff); break;
	case CK_KIND_ROLE: out->as.role.name = name; break;
	case CK_KIND_SYSTEM: out->as.system.name = name; break;
	case CK_KIND_SYSTEM_GROUP: out->as.system_group.name = name; break;
	case CK_KIND_RULE: out->as.rule.name = name; break;
	case CK_KIND_NONE:
	case CK_KIND_KEY:
	case CK_KIND_GRANT:
	case CK_KIND_CODE:
	case CK_KIND_KEY_USE: break;
	}
	return true;
}
