/* A statement as a write: the one place that puts together what goes to the directory. Names come from the model's tables, never from the
   statement's own bytes. */
#include <string.h>

#include "authd/change.h"

/* The table's own spelling of a settable attribute; NULL if this statement may not set it. */
static const char *settable_name(enum ck_kind kind, enum ck_verb verb, struct ck_text name)
{
	size_t must;
	if (verb == CK_VERB_ADD ? !ck_entry_attribute_settable(kind, name) : !ck_entry_attribute_changeable(kind, name)) return NULL;
	for (const char *const *at = ck_entry_settable(kind, &must); *at != NULL; at++) {
		const char *known = *at;
		if (ck_text_is(name, known)) return known;
	}
	return NULL;
}

static void put_value(struct ck_change_build *b, const char *attribute, const struct ck_bytes *values, size_t count)
{
	CK_ASSERT(b->count < sizeof b->values / sizeof b->values[0]);
	b->values[b->count++] = (struct ck_ldap_value){.attribute = attribute, .values = values, .count = count};
}

static enum ck_error put_ordered(const struct ck_order_item *item, const struct ck_change_value *value, struct ck_change_build *b,
                                 struct ck_denial *denial)
{
	char shown[80];
	const char *name = settable_name(item->rule->kind, item->rule->verb, value->attribute);
	if (name == NULL)
		return ck_deny(denial, "attribute", "%s: \"%s\" cannot be set", item->rule->name,
		               ck_escape(ck_bytes_of(value->attribute), shown, sizeof shown));
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->values[i].attribute, name) == 0) return ck_deny(denial, "attribute", "%s: \"%s\" is there twice", item->rule->name, name);
	if (item->rule->verb == CK_VERB_ADD && value->count == 0)
		return ck_deny(denial, "attribute", "%s: \"%s\" has no value", item->rule->name, name);
	put_value(b, name, value->values, value->count);

	const char *derived = NULL;
	char derived_value[CK_DERIVED_LIMIT_BYTES];
	struct ck_bytes ordered = value->count == 1 ? value->values[0] : (struct ck_bytes){NULL, 0};
	enum ck_error error = ck_entry_derive(item->rule->kind, item->statement.authority, value->attribute,
	                                      (struct ck_text){(const char *)ordered.at, ordered.length}, &derived, derived_value);
	if (error == CK_ERR_NOT_FOUND) return CK_OK;
	if (error != CK_OK || value->count != 1) return ck_deny(denial, "invalid", "%s: %s must have one short value", item->rule->name, name);
	memcpy(b->derived, derived_value, sizeof b->derived);
	b->derived_bytes = ck_bytes_of(ck_text_of(b->derived));
	put_value(b, derived, &b->derived_bytes, 1);
	return CK_OK;
}

/* "name=value," at the start of a DN of ours. */
static enum ck_error split_rdn(struct ck_change_build *b)
{
	const char *equals = strchr(b->dn, '=');
	const char *comma = strchr(b->dn, ',');
	if (equals == NULL || comma == NULL || comma < equals) return CK_ERR_INTERNAL;
	enum ck_error error = ck_text_copy(b->rdn_name, sizeof b->rdn_name, (struct ck_text){b->dn, (size_t)(equals - b->dn)});
	if (error == CK_OK) error = ck_text_copy(b->rdn_value, sizeof b->rdn_value, (struct ck_text){equals + 1, (size_t)(comma - equals - 1)});
	b->rdn_bytes = ck_bytes_of(ck_text_of(b->rdn_value));
	return error;
}

static enum ck_error put_identity(enum ck_kind kind, struct ck_change_build *b)
{
	size_t count = 0;
	for (const char *const *at = ck_entry_object_classes(kind); *at != NULL; at++) {
		if (count == sizeof b->classes / sizeof b->classes[0]) return CK_ERR_INTERNAL;
		b->classes[count++] = ck_bytes_of(ck_text_of(*at));
	}
	enum ck_error error = split_rdn(b);
	if (error != CK_OK) return error;
	put_value(b, "objectClass", b->classes, count);
	put_value(b, b->rdn_name, &b->rdn_bytes, 1);
	return CK_OK;
}

static enum ck_error make_dn(const struct ck_order_item *item, struct ck_text suffix, struct ck_change_build *out)
{
	const struct ck_change_statement *s = &item->statement;
	struct ck_id id, parent = {{0}};
	memcpy(id.bytes, s->target.at, sizeof id.bytes);
	if (s->parent.length == sizeof parent.bytes) memcpy(parent.bytes, s->parent.at, sizeof parent.bytes);
	return ck_entry_dn(item->rule->kind, id, item->rule->kind == CK_KIND_KEY ? s->target.at : NULL, parent, s->authority, suffix, out->dn);
}

enum ck_error ck_change_build(const struct ck_order_item *item, struct ck_text suffix, struct ck_change_build *out, struct ck_denial *denial)
{
	out->count = out->decoded_count = 0;
	if (ck_change_values_decode(item->values, out->decoded, &out->decoded_count) != CK_OK)
		return ck_deny(denial, "malformed", "%s: the values are malformed", item->rule->name);
	if (item->rule->verb == CK_VERB_PASSWORD) return ck_change_build_password(item, suffix, out, denial);
	if (make_dn(item, suffix, out) != CK_OK) return ck_deny(denial, "malformed", "%s: the entry has no place", item->rule->name);
	if ((item->rule->verb == CK_VERB_REMOVE) != (out->decoded_count == 0))
		return ck_deny(denial, "malformed", "%s: expected %s", item->rule->name, out->decoded_count == 0 ? "values" : "no values");
	if (item->rule->verb == CK_VERB_ADD && put_identity(item->rule->kind, out) != CK_OK)
		return ck_deny(denial, "malformed", "%s: the entry has no name", item->rule->name);
	for (size_t i = 0; i < out->decoded_count; i++) {
		enum ck_error error = put_ordered(item, &out->decoded[i], out, denial);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}
