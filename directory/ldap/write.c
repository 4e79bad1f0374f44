/* Reads and writes with a deadline. Writes carry the assertion control: what changed since it was read is not overwritten. The caller has
   authorised what is written; DNs come from ck_entry_dn. */
#include "directory/ldap/internal.h"

#include <stdlib.h>
#include <string.h>

#include "directory/base/clock.h"

#define WRITE_VALUES_LIMIT 256 /* of all attributes of one write */

/* An LDAPMod list on the heap of its own: libldap wants mutable pointers everywhere. */
struct mods {
	LDAPMod mods[CK_ENTRY_ATTRIBUTES_LIMIT];
	LDAPMod *list[CK_ENTRY_ATTRIBUTES_LIMIT + 1];
	struct berval values[WRITE_VALUES_LIMIT];
	struct berval *pointers[WRITE_VALUES_LIMIT + CK_ENTRY_ATTRIBUTES_LIMIT];
};

static enum ck_error fill_mods(struct mods *mods, int operation, const struct ck_ldap_value *values, size_t count)
{
	size_t used = 0, pointed = 0;
	if (count > CK_ENTRY_ATTRIBUTES_LIMIT) return CK_ERR_LIMIT;
	for (size_t i = 0; i < count; i++) {
		if (values[i].count > WRITE_VALUES_LIMIT - used) return CK_ERR_LIMIT;
		LDAPMod *mod = &mods->mods[i];
		mods->list[i] = mod;
		mod->mod_op = operation | LDAP_MOD_BVALUES;
		mod->mod_type = (char *)(uintptr_t)values[i].attribute;
		mod->mod_bvalues = values[i].count > 0 ? &mods->pointers[pointed] : NULL;
		for (size_t k = 0; k < values[i].count; k++) {
			struct ck_bytes value = values[i].values[k];
			mods->values[used] = (struct berval){value.length, (char *)(uintptr_t)value.at};
			mods->pointers[pointed++] = &mods->values[used++];
		}
		mods->pointers[pointed++] = NULL;
	}
	mods->list[count] = NULL;
	return CK_OK;
}

static enum ck_error new_mods(int operation, const struct ck_ldap_value *values, size_t count, struct mods **out, struct ck_errmsg *err)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for a write");
	if (fill_mods(*out, operation, values, count) == CK_OK) return CK_OK;
	free(*out);
	*out = NULL;
	return ck_fail(err, CK_ERR_LIMIT, "a write of more than %d attributes or %d values", CK_ENTRY_ATTRIBUTES_LIMIT, WRITE_VALUES_LIMIT);
}

/* What every entry that is changed has, and the suffix has not. slapo-unique searches from there with the controls of the write that it looks at:
   an assertion that does not hold for the suffix makes every change of a unique value fail. */
#define OURS "(|(ckId=*)(ckKeyHash=*)(ckCounter=*))"

/* RFC 4528: critical, so that a provider without it refuses rather than overwrites. */
static enum ck_error assert_csn(LDAP *handle, const char *csn, LDAPControl **out, struct ck_errmsg *err)
{
	char value[CK_CSN_LIMIT_BYTES * 3 + 1], filter[sizeof value + sizeof OURS + 32];
	*out = NULL;
	if (csn == NULL || csn[0] == '\0') return ck_fail(err, CK_ERR_INVALID, "expected the entryCSN that was read, got none");
	if (ck_ldap_escape_filter(ck_text_of(csn), value, sizeof value) != CK_OK)
		return ck_fail(err, CK_ERR_INVALID, "the entryCSN is too long");
	strcpy(filter, "(|(entryCSN=");
	strcat(filter, value);
	strcat(filter, ")(!" OURS "))");
	int code = ldap_create_assertion_control(handle, filter, 1, out);
	return code == LDAP_SUCCESS ? CK_OK : ck_ldap_fail(err, code, "asserting the entryCSN", NULL);
}

enum ck_error ck_ldap_read(struct ck_ldap *ldap, const char *dn, ck_entry_visitor each, void *context, int timeout_ms, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	char all[] = "*", operational[] = "+";
	char *attributes[] = {all, operational, NULL};
	int id = 0;
	int code = ldap_search_ext(ldap->handle, dn, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 0, NULL, NULL, NULL, 1, &id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "reading an entry", NULL);
	return ck_ldap_wait(ldap->handle, id, deadline_ms, each, context, "reading an entry", err);
}

/* ---- sending ---- */

enum ck_error ck_ldap_send_add(LDAP *handle, const char *dn, const struct ck_ldap_value *values, size_t count, int *out_id, struct ck_errmsg *err)
{
	struct mods *mods = NULL;
	enum ck_error error = new_mods(LDAP_MOD_ADD, values, count, &mods, err);
	if (error != CK_OK) return error;
	int code = ldap_add_ext(handle, dn, mods->list, NULL, NULL, out_id);
	free(mods);
	return ck_ldap_fail(err, code, "adding an entry", NULL);
}

enum ck_error ck_ldap_send_modify(LDAP *handle, const char *dn, const char *csn, const struct ck_ldap_value *values, size_t count, int *out_id,
                                  struct ck_errmsg *err)
{
	LDAPControl *assertion = NULL;
	struct mods *mods = NULL;
	enum ck_error error = assert_csn(handle, csn, &assertion, err);
	if (error == CK_OK) error = new_mods(LDAP_MOD_REPLACE, values, count, &mods, err);
	if (error == CK_OK) {
		int code = ldap_modify_ext(handle, dn, mods->list, (LDAPControl *[]){assertion, NULL}, NULL, out_id);
		error = ck_ldap_fail(err, code, "changing an entry", NULL);
	}
	free(mods);
	if (assertion != NULL) ldap_control_free(assertion);
	return error;
}

/* ---- sending, and waiting for the result ---- */

enum ck_error ck_ldap_add(struct ck_ldap *ldap, const char *dn, const struct ck_ldap_value *values, size_t count, int timeout_ms,
                          struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	int id = 0;
	enum ck_error error = ck_ldap_send_add(ldap->handle, dn, values, count, &id, err);
	return error == CK_OK ? ck_ldap_wait(ldap->handle, id, deadline_ms, NULL, NULL, "adding an entry", err) : error;
}

enum ck_error ck_ldap_modify(struct ck_ldap *ldap, const char *dn, const char *csn, const struct ck_ldap_value *values, size_t count,
                             int timeout_ms, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	int id = 0;
	enum ck_error error = ck_ldap_send_modify(ldap->handle, dn, csn, values, count, &id, err);
	return error == CK_OK ? ck_ldap_wait(ldap->handle, id, deadline_ms, NULL, NULL, "changing an entry", err) : error;
}

enum ck_error ck_ldap_discard(struct ck_ldap *ldap, const char *dn, int timeout_ms, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	int id = 0;
	int code = ldap_delete_ext(ldap->handle, dn, NULL, NULL, &id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "discarding an entry", NULL);
	return ck_ldap_wait(ldap->handle, id, deadline_ms, NULL, NULL, "discarding an entry", err);
}

enum ck_error ck_ldap_remove(struct ck_ldap *ldap, const char *dn, const char *csn, int timeout_ms, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	LDAPControl *assertion = NULL;
	int id = 0;
	enum ck_error error = assert_csn(ldap->handle, csn, &assertion, err);
	if (error != CK_OK) return error;
	int code = ldap_delete_ext(ldap->handle, dn, (LDAPControl *[]){assertion, NULL}, NULL, &id);
	ldap_control_free(assertion);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "removing an entry", NULL);
	return ck_ldap_wait(ldap->handle, id, deadline_ms, NULL, NULL, "removing an entry", err);
}

enum ck_error ck_ldap_remove_whatever(struct ck_ldap *ldap, const char *dn, int timeout_ms, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	int id = 0;
	int code = ldap_delete_ext(ldap->handle, dn, NULL, NULL, &id);
	if (code != LDAP_SUCCESS) return ck_ldap_fail(err, code, "removing an entry", NULL);
	return ck_ldap_wait(ldap->handle, id, deadline_ms, NULL, NULL, "removing an entry", err);
}
