/* An LDAP search entry to a ck_entry, in place: names and values borrow from the message. The peer is the directory, which may hold
   anything; counts are bounded here, lengths by the message limit. */
#include "directory/ldap/internal.h"

#include <string.h>
#include <strings.h>

static enum ck_error take_attribute(struct ck_ldap_entry *out, struct berval name, const struct berval *values, size_t *used)
{
	if (out->entry.count == CK_ENTRY_ATTRIBUTES_LIMIT) return CK_ERR_LIMIT;
	struct ck_attribute *attribute = &out->attributes[out->entry.count];
	attribute->name = (struct ck_text){name.bv_val, name.bv_len};
	attribute->values = &out->values[*used];
	attribute->count = 0;
	for (; values != NULL && values->bv_val != NULL; values++) {
		if (*used == CK_LDAP_VALUES_LIMIT) return CK_ERR_LIMIT;
		out->values[(*used)++] = (struct ck_bytes){(const uint8_t *)values->bv_val, values->bv_len};
		attribute->count++;
	}
	out->entry.count++;
	return CK_OK;
}

enum ck_error ck_ldap_entry_decode(LDAP *handle, LDAPMessage *message, struct ck_ldap_entry *out)
{
	struct berval dn = {0, NULL};
	memset(&out->entry, 0, sizeof out->entry);
	out->entry.attributes = out->attributes;
	out->ber = NULL;
	if (ldap_get_dn_ber(handle, message, &out->ber, &dn) != LDAP_SUCCESS || out->ber == NULL) return CK_ERR_INVALID;
	out->entry.dn = (struct ck_text){dn.bv_val, dn.bv_len};

	size_t used = 0;
	for (;;) {
		struct berval name = {0, NULL};
		struct berval *values = NULL;
		if (ldap_get_attribute_ber(handle, message, out->ber, &name, &values) != LDAP_SUCCESS) return CK_ERR_INVALID;
		if (name.bv_val == NULL) return CK_OK;
		enum ck_error error = take_attribute(out, name, values, &used);
		ber_memfree(values); /* the array only: the values lie in the message */
		if (error != CK_OK) return error;
	}
}

void ck_ldap_entry_clear(struct ck_ldap_entry *entry)
{
	if (entry->ber != NULL) ber_free(entry->ber, 0);
	entry->ber = NULL;
}

const struct ck_attribute *ck_ldap_entry_find(const struct ck_entry *entry, const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (attribute->name.length == length && strncasecmp(attribute->name.at, name, length) == 0) return attribute;
	}
	return NULL;
}
