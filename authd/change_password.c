/* staff.password: an administrator gives a person an initial password, to be changed at its first use. It is an entry of its own below the
   person's and none of the copy's (docs/design/password.md); what is signed names the person. */
#include "authd/change.h"

#include <string.h>

#include "authd/protocol/password.h"
#include "directory/base/clock.h"

static void put(struct ck_change_build *b, const char *attribute, const struct ck_bytes *value)
{
	b->values[b->count++] = (struct ck_ldap_value){.attribute = attribute, .values = value, .count = 1};
}

/* The hash, as the only value of the only attribute. */
static enum ck_error read_hash(const struct ck_order_item *item, struct ck_change_build *b, struct ck_denial *denial)
{
	const struct ck_change_value *value = &b->decoded[0];
	if (b->decoded_count != 1 || !ck_text_is(value->attribute, "userPassword") || value->count != 1)
		return ck_deny(denial, "attribute", "%s: expected userPassword and nothing else", item->rule->name);
	if (!ck_password_hash_is_sound((struct ck_text){(const char *)value->values[0].at, value->values[0].length}))
		return ck_deny(denial, "invalid", "%s: expected an Argon2id hash of the one cost that is used here", item->rule->name);
	return CK_OK;
}

enum ck_error ck_change_build_password(const struct ck_order_item *item, struct ck_text suffix, struct ck_change_build *out,
                                       struct ck_denial *denial)
{
	struct ck_id staff;
	memcpy(staff.bytes, item->statement.target.at, sizeof staff.bytes);
	if (ck_entry_password_dn(staff, item->statement.authority, suffix, out->dn) != CK_OK)
		return ck_deny(denial, "malformed", "%s: the entry has no place", item->rule->name);
	enum ck_error error = read_hash(item, out, denial);
	if (error != CK_OK) return error;
	out->classes[0] = ck_bytes_of(ck_text_of(CK_ENTRY_PASSWORD_CLASS));
	out->rdn_bytes = ck_bytes_of(ck_text_of(CK_ENTRY_PASSWORD_NAME));
	out->derived_bytes = ck_bytes_of(ck_text_of("TRUE"));
	put(out, "objectClass", &out->classes[0]);
	put(out, "cn", &out->rdn_bytes);
	put(out, "userPassword", &out->decoded[0].values[0]);
	put(out, "pwdReset", &out->derived_bytes);
	return CK_OK;
}

/* ppolicy wants the old password of whoever changes one; so the old entry goes, with its locks and its history, and a new one comes. If the
   second fails the person has no password: ordered again, it comes. */
enum ck_error ck_change_write_password(const struct ck_change_build *build, struct ck_ldap *ldap, int64_t deadline_ms, struct ck_errmsg *err)
{
	int64_t left_ms = deadline_ms - ck_clock_monotonic_ms();
	if (left_ms < 1) return ck_fail(err, CK_ERR_TIMEOUT, "no time was left to write it");
	enum ck_error error = ck_ldap_remove_whatever(ldap, build->dn, (int)left_ms, err);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	left_ms = deadline_ms - ck_clock_monotonic_ms();
	if (left_ms < 1) return ck_fail(err, CK_ERR_TIMEOUT, "no time was left to write it, and the old password is gone");
	return ck_ldap_add(ldap, build->dn, build->values, build->count, (int)left_ms, err);
}
