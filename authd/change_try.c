/* What would come of a change: each resulting entry goes through the mapping and into a trial batch exactly as it would come back by the
   stream, so that nothing is written that the copy would quarantine; then what it refers to is looked up in that batch. */
#include <sodium.h>
#include <string.h>

#include "authd/change.h"
#include "authd/fido/fido.h"

#define CODE_TOLERANCE_S 300 /* between the clock of whoever issues a code and ours */

struct trial {
	const struct ck_order *order;
	const struct ck_change_place *place;
	struct ck_batch *batch;
	const struct ck_change_source *source;
	struct ck_denial *denial;
	const struct ck_order_item *item; /* the one at hand */
	struct ck_change_build build;
	struct ck_entry_scratch scratch;
	struct ck_attribute attributes[CK_ENTRY_ATTRIBUTES_LIMIT];
	struct ck_bytes values[CK_ENTRY_VALUES_LIMIT];
	size_t attribute_count, value_count;
	enum ck_error error;
	bool read;
};

static bool same_name(struct ck_text a, const char *b)
{
	size_t length = strlen(b);
	return a.length == length && strncasecmp(a.at, b, length) == 0;
}

/* ---- the resulting entry ---- */

static void put_attribute(struct trial *t, struct ck_text name, const struct ck_bytes *values, size_t count)
{
	if (t->attribute_count == CK_ENTRY_ATTRIBUTES_LIMIT || count > CK_ENTRY_VALUES_LIMIT - t->value_count) {
		t->error = ck_deny(t->denial, "too-large", "%s: the entry would have too many attributes or values", t->item->rule->name);
		return;
	}
	struct ck_bytes *own = &t->values[t->value_count];
	if (count > 0) memcpy(own, values, count * sizeof *values);
	t->value_count += count;
	t->attributes[t->attribute_count++] = (struct ck_attribute){.name = name, .values = own, .count = count};
}

static void put_ordered(struct trial *t)
{
	for (size_t i = 0; t->error == CK_OK && i < t->build.count; i++) {
		const struct ck_ldap_value *value = &t->build.values[i];
		if (value->count > 0) put_attribute(t, ck_text_of(value->attribute), value->values, value->count);
	}
}

static bool is_ordered(const struct trial *t, struct ck_text name)
{
	for (size_t i = 0; i < t->build.count; i++)
		if (same_name(name, t->build.values[i].attribute)) return true;
	return false;
}

/* ---- keys: what an owner may not do to one, and nobody to a revoked one ---- */

static enum ck_error check_key_change(struct trial *t, const struct ck_record *old, const struct ck_record *record)
{
	const struct ck_key *before = &old->as.key, *after = &record->as.key;
	if (before->status == CK_STATUS_REVOKED && after->status != CK_STATUS_REVOKED)
		return ck_deny(t->denial, "revoked", "%s: a revoked key stays revoked; enrol it anew", t->item->rule->name);
	if (!t->item->self_only) return CK_OK;
	bool wider = after->window.from_s < before->window.from_s || after->window.until_s > before->window.until_s;
	if (wider || (after->status != before->status && after->status != CK_STATUS_REVOKED))
		return ck_deny(t->denial, "not-permitted", "%s: of your own key you may change the label, or revoke it", t->item->rule->name);
	return CK_OK;
}

static enum ck_error check_key_add(struct trial *t, const struct ck_record *record)
{
	uint8_t hash[CK_HASH_BYTES];
	struct ck_errmsg why;
	enum ck_fido_algorithm algorithm;
	ck_sha256(hash, &record->as.key.credential_id, 1);
	if (memcmp(hash, record->as.key.hash, sizeof hash) != 0)
		return ck_deny(t->denial, "invalid", "%s: the entry's name is not the hash of the credential id", t->item->rule->name);
	if (!ck_text_equal(record->as.key.rp_id, t->place->rp_id))
		return ck_deny(t->denial, "invalid", "%s: the key was made for another rp-id", t->item->rule->name);
	if (ck_fido_check_public_key(record->as.key.public_key, &algorithm, &why) != CK_OK)
		return ck_deny(t->denial, "invalid", "%s: %s", t->item->rule->name, why.text);
	return CK_OK;
}

/* ---- authorities: nothing that the copy would quarantine ---- */

static enum ck_error check_zone(struct trial *t, const struct ck_record *record)
{
	struct ck_zone_table table;
	struct ck_errmsg why;
	int64_t from_s, until_s;
	/* one whose zone was lost meanwhile can still be suspended */
	if (record->kind != CK_KIND_AUTHORITY || !is_ordered(t, ck_text_of("ckZone"))) return CK_OK;
	ck_zone_span(t->place->now.s, &from_s, &until_s);
	if (ck_zone_read(t->place->zone_directory, record->as.authority_of.zone, from_s, until_s, &table, &why) == CK_OK) return CK_OK;
	return ck_deny(t->denial, "invalid", "%s: ckZone: %s", t->item->rule->name, why.text);
}

/* ---- people: inside what is delegated ---- */

static enum ck_error check_delegation(struct trial *t, const struct ck_record *record)
{
	struct ck_record authority;
	struct ck_errmsg why;
	if (ck_view_get(ck_batch_view(t->batch), CK_KIND_AUTHORITY, record->authority, &authority) != CK_OK)
		return ck_deny(t->denial, "reference", "%s: there is no such authority", t->item->rule->name);
	if (ck_model_check_delegation(&authority.as.authority_of, &record->as.staff, &why) == CK_OK) return CK_OK;
	return ck_deny(t->denial, "reference", "%s: %s", t->item->rule->name, why.text);
}

/* ---- putting it in ---- */

static enum ck_error put_entry(struct trial *t)
{
	struct ck_entry entry = {.dn = ck_text_of(t->build.dn), .attributes = t->attributes, .count = t->attribute_count};
	struct ck_record record, old;
	struct ck_errmsg why;
	t->scratch.used = 0;
	enum ck_error error = ck_entry_to_record(&entry, t->place->suffix, &t->scratch, &record, &why);
	if (error != CK_OK) return ck_deny(t->denial, "invalid", "%s: %s", t->item->rule->name, why.text);
	if (record.kind != t->item->rule->kind) return ck_deny(t->denial, "invalid", "%s: the entry is of another kind", t->item->rule->name);
	error = check_zone(t, &record);
	/* Before anybody is told that something is taken: other authorities have people who hide, and a file of guesses asks for thousands. */
	if (record.kind == CK_KIND_STAFF && error == CK_OK) error = check_delegation(t, &record);
	if (record.kind == CK_KIND_KEY && t->item->rule->verb == CK_VERB_ADD) error = check_key_add(t, &record);
	if (record.kind == CK_KIND_KEY && t->item->rule->verb == CK_VERB_CHANGE && error == CK_OK) {
		error = ck_view_key(ck_batch_view(t->batch), record.as.key.hash, &old);
		error = error == CK_OK ? check_key_change(t, &old, &record) : ck_deny(t->denial, "not-found", "%s: there is no such key", t->item->rule->name);
	}
	if (error != CK_OK) return error;
	error = ck_batch_put(t->batch, &record, &why);
	if (error == CK_ERR_EXISTS) return ck_deny(t->denial, "exists", "%s: %s", t->item->rule->name, why.text);
	if (error != CK_OK) return ck_deny(t->denial, "unavailable", "%s: the copy does not take it: %s", t->item->rule->name, why.text);
	return CK_OK;
}

static enum ck_error try_add(struct trial *t)
{
	uint8_t uuid[16];
	char uuid_text[CK_ID_TEXT_BYTES];
	struct ck_id made;
	randombytes_buf(uuid, sizeof uuid);
	memcpy(made.bytes, uuid, sizeof uuid);
	struct ck_bytes value = ck_bytes_of(ck_text_of(ck_id_format(made, uuid_text)));
	put_ordered(t);
	if (t->error == CK_OK) put_attribute(t, ck_text_of("entryUUID"), &value, 1);
	return t->error == CK_OK ? put_entry(t) : t->error;
}

/* ---- what is there now ---- */

static bool csn_is(const struct ck_entry *entry, struct ck_text csn)
{
	for (size_t i = 0; i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (!same_name(attribute->name, "entryCSN") || attribute->count != 1) continue;
		return ck_bytes_equal(attribute->values[0], ck_bytes_of(csn));
	}
	return false;
}

static void overlay(const struct ck_entry *entry, void *context)
{
	struct trial *t = context;
	t->read = true;
	if (!csn_is(entry, t->item->statement.csn)) {
		t->error = ck_deny(t->denial, "conflict", "%s: it was changed by somebody else since you read it; look again", t->item->rule->name);
		return;
	}
	for (size_t i = 0; t->error == CK_OK && i < entry->count; i++) {
		const struct ck_attribute *attribute = &entry->attributes[i];
		if (!is_ordered(t, attribute->name)) put_attribute(t, attribute->name, attribute->values, attribute->count);
	}
	put_ordered(t);
	if (t->error == CK_OK) t->error = put_entry(t);
}

static void compare(const struct ck_entry *entry, void *context)
{
	struct trial *t = context;
	t->read = true;
	if (!csn_is(entry, t->item->statement.csn))
		t->error = ck_deny(t->denial, "conflict", "%s: it was changed by somebody else since you read it; look again", t->item->rule->name);
}

static enum ck_error read_now(struct trial *t, const char *dn, ck_entry_visitor each)
{
	struct ck_errmsg why;
	t->read = false;
	enum ck_error error = t->source->read(dn, each, t, t->source->context, &why);
	if (error == CK_ERR_NOT_FOUND || (error == CK_OK && !t->read))
		return ck_deny(t->denial, "conflict", "%s: it is not in the directory any more", t->item->rule->name);
	if (error != CK_OK) return ck_deny(t->denial, "unavailable", "the directory cannot be read: %s", why.text);
	return t->error;
}

/* ---- removals ---- */

static bool is_admin_role(struct trial *t, struct ck_id role)
{
	struct ck_record authority;
	return ck_view_get(ck_batch_view(t->batch), CK_KIND_AUTHORITY, t->item->statement.authority, &authority) == CK_OK &&
	       ck_id_equal(authority.as.authority_of.admin_role, role);
}

static enum ck_error try_remove(struct trial *t)
{
	struct ck_record record;
	struct ck_id id;
	uint8_t uuid[16];
	memcpy(id.bytes, t->item->statement.target.at, sizeof id.bytes);
	if (t->item->rule->kind == CK_KIND_ROLE && is_admin_role(t, id))
		return ck_deny(t->denial, "in-use", "%s: this role makes the authority's administrators", t->item->rule->name);
	enum ck_error error = t->item->rule->kind == CK_KIND_KEY ? ck_view_key(ck_batch_view(t->batch), t->item->statement.target.at, &record)
	                                                         : ck_view_get(ck_batch_view(t->batch), t->item->rule->kind, id, &record);
	if (error != CK_OK) return ck_deny(t->denial, "not-found", "%s: there is no such entry", t->item->rule->name);
	memcpy(uuid, record.entry_uuid, sizeof uuid); /* the record ends with the first write */
	error = read_now(t, t->build.dn, compare);
	if (error != CK_OK) return error;
	if (ck_batch_remove(t->batch, uuid) != CK_OK) return ck_deny(t->denial, "unavailable", "%s: the copy does not take it", t->item->rule->name);
	return CK_OK;
}

/* Nothing of it comes back by the stream; but the person must still be who was signed for. */
static enum ck_error try_password(struct trial *t)
{
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_id staff;
	memcpy(staff.bytes, t->item->statement.target.at, sizeof staff.bytes);
	if (ck_entry_dn(CK_KIND_STAFF, staff, NULL, staff, t->item->statement.authority, t->place->suffix, dn) != CK_OK)
		return ck_deny(t->denial, "malformed", "%s: the person has no place", t->item->rule->name);
	return read_now(t, dn, compare);
}

static enum ck_error try_item(struct trial *t)
{
	t->attribute_count = t->value_count = 0;
	t->error = ck_change_build(t->item, t->place->suffix, &t->build, t->denial);
	if (t->error != CK_OK) return t->error;
	switch (t->item->rule->verb) {
	case CK_VERB_ADD: return try_add(t);
	case CK_VERB_CHANGE: return read_now(t, t->build.dn, overlay);
	case CK_VERB_REMOVE: return try_remove(t);
	case CK_VERB_PASSWORD: return try_password(t);
	}
	return ck_deny(t->denial, "unknown-operation", "%s: there is no such verb", t->item->rule->name);
}

/* ---- what it refers to ---- */

static bool there_is(struct trial *t, enum ck_kind kind, struct ck_id id, struct ck_record *out)
{
	return ck_view_get(ck_batch_view(t->batch), kind, id, out) == CK_OK;
}

static bool is_of(struct trial *t, enum ck_kind kind, struct ck_id id, struct ck_id authority)
{
	struct ck_record record;
	return there_is(t, kind, id, &record) && ck_id_equal(record.authority, authority);
}

static enum ck_error bad_reference(struct trial *t, const char *what)
{
	return ck_deny(t->denial, "reference", "%s: %s", t->item->rule->name, what);
}

static enum ck_error check_authority(struct trial *t, const struct ck_record *record)
{
	if (!is_of(t, CK_KIND_ROLE, record->as.authority_of.admin_role, record->id))
		return bad_reference(t, "the administrators' role must be one of the authority's own");
	return CK_OK;
}

static enum ck_error check_role(struct trial *t, const struct ck_record *record)
{
	struct ck_record other;
	for (size_t i = 0; i < record->as.role.member_roles.count; i++)
		if (!there_is(t, CK_KIND_ROLE, record->as.role.member_roles.at[i], &other)) return bad_reference(t, "a member role does not exist");
	for (size_t i = 0; i < record->as.role.all_staff_of.count; i++)
		if (!there_is(t, CK_KIND_AUTHORITY, record->as.role.all_staff_of.at[i], &other))
			return bad_reference(t, "an authority whose staff shall hold the role does not exist");
	/* As with its first grants: the founding authority keeps no way in by a role of its own. */
	for (size_t i = 0; t->item->founding_first && i < record->as.role.member_roles.count; i++)
		if (!is_of(t, CK_KIND_ROLE, record->as.role.member_roles.at[i], record->authority))
			return bad_reference(t, "the first roles of a new authority are for its own staff");
	for (size_t i = 0; t->item->founding_first && i < record->as.role.all_staff_of.count; i++)
		if (!ck_id_equal(record->as.role.all_staff_of.at[i], record->authority))
			return bad_reference(t, "the first roles of a new authority are for its own staff");
	return CK_OK;
}

static enum ck_error check_grant(struct trial *t, const struct ck_record *record)
{
	struct ck_record staff;
	if (!is_of(t, CK_KIND_ROLE, record->as.grant.role, record->authority)) return bad_reference(t, "the role is not of this authority");
	if (!there_is(t, CK_KIND_STAFF, record->as.grant.staff, &staff)) return bad_reference(t, "there is no such person");
	if (t->item->rule->verb == CK_VERB_ADD && !ck_id_equal(record->as.grant.granted_by, t->order->orderer))
		return bad_reference(t, "granted by must be who orders it");
	/* The founding authority hands a new authority over to that authority's own people. */
	if (t->item->founding_first && !ck_id_equal(staff.authority, record->authority))
		return bad_reference(t, "the first grants of a new authority are for its own staff");
	return CK_OK;
}

static enum ck_error check_system(struct trial *t, const struct ck_record *record)
{
	for (size_t i = 0; i < record->as.system.groups.count; i++)
		if (!is_of(t, CK_KIND_SYSTEM_GROUP, record->as.system.groups.at[i], record->authority))
			return bad_reference(t, "a group is not one of this authority's");
	return CK_OK;
}

static enum ck_error check_rule(struct trial *t, const struct ck_record *record)
{
	struct ck_record role;
	for (size_t i = 0; i < record->as.rule.targets.count; i++) {
		struct ck_id target = record->as.rule.targets.at[i];
		if (!is_of(t, CK_KIND_SYSTEM, target, record->authority) && !is_of(t, CK_KIND_SYSTEM_GROUP, target, record->authority))
			return bad_reference(t, "a target is no system or group of this authority");
	}
	for (size_t i = 0; i < record->as.rule.roles.count; i++)
		if (!there_is(t, CK_KIND_ROLE, record->as.rule.roles.at[i], &role)) return bad_reference(t, "a role does not exist");
	return CK_OK;
}

static enum ck_error check_code(struct trial *t, const struct ck_record *record)
{
	int64_t life_s = (int64_t)t->place->code_life_s;
	struct ck_window window = record->as.code.window;
	if (!is_of(t, CK_KIND_STAFF, record->as.code.staff, record->authority)) return bad_reference(t, "there is no such person");
	if (!ck_id_equal(record->as.code.issuer, t->order->orderer)) return bad_reference(t, "the issuer must be who orders it");
	if (window.until_s > t->place->now.s + life_s + CODE_TOLERANCE_S || window.from_s < t->place->now.s - life_s)
		return ck_deny(t->denial, "code-life", "%s: a code lives at most %lld s", t->item->rule->name, (long long)life_s);
	return CK_OK;
}

static enum ck_error check_references(struct trial *t)
{
	struct ck_record record;
	struct ck_id id;
	memcpy(id.bytes, t->item->statement.target.at, sizeof id.bytes);
	enum ck_error error = t->item->rule->kind == CK_KIND_KEY ? ck_view_key(ck_batch_view(t->batch), t->item->statement.target.at, &record)
	                                                         : ck_view_get(ck_batch_view(t->batch), t->item->rule->kind, id, &record);
	if (t->item->rule->verb == CK_VERB_REMOVE || t->item->rule->verb == CK_VERB_PASSWORD) return CK_OK;
	if (error != CK_OK) return bad_reference(t, "the list takes away again what it writes");
	switch (record.kind) {
	case CK_KIND_AUTHORITY: return check_authority(t, &record);
	case CK_KIND_STAFF: return check_delegation(t, &record); /* a later statement may have narrowed it */
	case CK_KIND_KEY: return is_of(t, CK_KIND_STAFF, record.as.key.staff, record.authority) ? CK_OK : bad_reference(t, "there is no such person");
	case CK_KIND_ROLE: return check_role(t, &record);
	case CK_KIND_GRANT: return check_grant(t, &record);
	case CK_KIND_SYSTEM: return check_system(t, &record);
	case CK_KIND_SYSTEM_GROUP: return CK_OK;
	case CK_KIND_RULE: return check_rule(t, &record);
	case CK_KIND_CODE: return check_code(t, &record);
	case CK_KIND_KEY_USE:
	case CK_KIND_NONE: break;
	}
	return bad_reference(t, "the entry is of no kind");
}

/* One entry once: the CSN that a second statement would have to name does not exist yet. */
static enum ck_error check_once(const struct ck_order *order, struct ck_denial *denial)
{
	for (size_t i = 0; i < order->count; i++)
		for (size_t k = 0; k < i; k++)
			if (order->items[i].rule->kind == order->items[k].rule->kind &&
			    ck_bytes_equal(order->items[i].statement.target, order->items[k].statement.target))
				return ck_deny(denial, "malformed", "%s: the same entry is there twice", order->items[i].rule->name);
	return CK_OK;
}

enum ck_error ck_order_try(const struct ck_order *order, const struct ck_change_place *place, struct ck_batch *batch,
                           const struct ck_change_source *source, struct ck_denial *denial)
{
	static struct trial t; /* too large for the stack; one thread, and nothing in it calls back here */
	t = (struct trial){.order = order, .place = place, .batch = batch, .source = source, .denial = denial};
	denial->reason = "";
	enum ck_error error = check_once(order, denial);
	for (size_t i = 0; error == CK_OK && i < order->count; i++) {
		t.item = &order->items[i];
		error = try_item(&t);
	}
	for (size_t i = 0; error == CK_OK && i < order->count; i++) {
		t.item = &order->items[i];
		error = check_references(&t);
	}
	return error;
}
