/* For a provider that crashed: what it holds beyond a change number, and a write that makes it count anew. The caller decides whether what
   was found is evidence. */
#include <stdio.h>

#include "directory/base/clock.h"
#include "directory/ldap/internal.h"

enum ck_error ck_ldap_each_since(struct ck_ldap *ldap, const char *base, struct ck_text csn, ck_entry_visitor each, void *context, int timeout_ms,
                                 struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	char value[CK_CSN_LIMIT_BYTES * 3 + 1], filter[sizeof value + 16], attribute[] = "entryCSN";
	int id = 0;
	if (ck_ldap_escape_filter(csn, value, sizeof value) != CK_OK) return ck_fail(err, CK_ERR_INVALID, "the change number is too long");
	(void)snprintf(filter, sizeof filter, "(entryCSN>=%s)", value);
	int code = ldap_search_ext(ldap->handle, base, LDAP_SCOPE_SUBTREE, filter, (char *[]){attribute, NULL}, 0, NULL, NULL, NULL, LDAP_NO_LIMIT,
	                           &id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "looking for what is newer", NULL);
	return ck_ldap_wait(ldap->handle, id, deadline_ms, each, context, "looking for what is newer", err);
}

enum ck_error ck_ldap_describe(struct ck_ldap *ldap, const char *dn, const char *description, int timeout_ms, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	char attribute[] = "description";
	char *values[] = {(char *)(uintptr_t)description, NULL};
	LDAPMod mod = {.mod_op = LDAP_MOD_REPLACE, .mod_type = attribute, .mod_values = values};
	int id = 0;
	int code = ldap_modify_ext(ldap->handle, dn, (LDAPMod *[]){&mod, NULL}, NULL, NULL, &id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "describing an entry", NULL);
	return ck_ldap_wait(ldap->handle, id, deadline_ms, NULL, NULL, "describing an entry", err);
}
