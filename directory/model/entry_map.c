/* Entry → record. Everything in an entry comes from outside: the first thing that is not exactly as the schema and record.h say makes
   the whole entry a fault, and what is missing is never taken for "no restriction". */
#include "directory/base/clock.h"
#include "directory/model/entry_table.h"

#include <string.h>

/* The entry being read. The first fault sticks; after it every getter gives nothing. */
struct reading {
	const struct ck_entry *entry;
	struct ck_entry_scratch *scratch;
	struct ck_errmsg *err;
	enum ck_error error;
};

static void fault(struct reading *r, struct ck_text attribute, const char *what)
{
	char name[64];
	if (r->error != CK_OK) return;
	r->error = ck_fail(r->err, CK_ERR_INVALID, "%s: %s", ck_escape(ck_bytes_of(attribute), name, sizeof name), what);
}

static void fault_named(struct reading *r, const char *attribute, const char *what) { fault(r, ck_text_of(attribute), what); }

static const struct ck_attribute *find(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->entry->count; i++)
		if (ck_entry_name_equal(r->entry->attributes[i].name, name)) return &r->entry->attributes[i];
	return NULL;
}

/* ---- getters ---- */

/* least to most values; NULL (without a fault) if it is absent and may be. */
static const struct ck_attribute *get(struct reading *r, const char *name, size_t least, size_t most)
{
	if (r->error != CK_OK) return NULL;
	const struct ck_attribute *attribute = find(r, name);
	size_t count = attribute != NULL ? attribute->count : 0;
	if (count < least)
		fault_named(r, name, "is missing");
	else if (count > most)
		fault_named(r, name, most == 1 ? "has more than one value" : "has more values than the limit of 64");
	return r->error == CK_OK && count > 0 ? attribute : NULL;
}

static struct ck_text text_of(struct ck_bytes bytes) { return (struct ck_text){(const char *)bytes.at, bytes.length}; }

static struct ck_bytes one_bytes(struct reading *r, const char *name)
{
	const struct ck_attribute *attribute = get(r, name, 1, 1);
	return attribute != NULL ? attribute->values[0] : (struct ck_bytes){NULL, 0};
}

static struct ck_text one_text(struct reading *r, const char *name) { return text_of(one_bytes(r, name)); }

static struct ck_text maybe_text(struct reading *r, const char *name)
{
	const struct ck_attribute *attribute = get(r, name, 0, 1);
	if (attribute == NULL) return (struct ck_text){NULL, 0};
	if (attribute->values[0].length == 0) fault_named(r, name, "is empty");
	return text_of(attribute->values[0]);
}

static uint64_t one_number(struct reading *r, const char *name)
{
	uint64_t number = 0;
	struct ck_text text = one_text(r, name);
	if (r->error == CK_OK && ck_uint_parse(text, 0, CK_UID_NUMBER_LAST, &number) != CK_OK)
		fault_named(r, name, "must be a decimal number up to 2147483646");
	return number;
}

static bool one_bool(struct reading *r, const char *name)
{
	struct ck_text text = one_text(r, name);
	if (r->error == CK_OK && !ck_text_is(text, "TRUE") && !ck_text_is(text, "FALSE")) fault_named(r, name, "must be TRUE or FALSE");
	return r->error == CK_OK && ck_text_is(text, "TRUE");
}

static struct ck_id one_id(struct reading *r, const char *name)
{
	struct ck_id id = {{0}};
	struct ck_text text = one_text(r, name);
	if (r->error == CK_OK && ck_id_parse(text, &id) != CK_OK) fault_named(r, name, "must be a UUID");
	return id;
}

static void one_hash(struct reading *r, const char *name, uint8_t out[CK_HASH_BYTES])
{
	struct ck_text text = one_text(r, name);
	if (r->error == CK_OK && ck_hex_decode(text, out, CK_HASH_BYTES) != CK_OK) fault_named(r, name, "must be 64 hexadecimal digits");
}

static enum ck_status one_status(struct reading *r)
{
	enum ck_status status = ck_status_of_name(one_text(r, "ckStatus"));
	if (r->error == CK_OK && status == CK_STATUS_NONE) fault_named(r, "ckStatus", "must be active, suspended or (of a key) revoked");
	return status;
}

static int64_t one_time(struct reading *r, const char *name)
{
	int64_t time_s = 0;
	struct ck_text text = one_text(r, name);
	if (r->error == CK_OK && ck_time_parse_generalized(text, &time_s) != CK_OK) fault_named(r, name, "must be a time YYYYMMDDHHMMSSZ");
	return time_s;
}

static struct ck_window one_window(struct reading *r)
{
	struct ck_window window = {.from_s = one_time(r, "ckValidFrom"), .until_s = one_time(r, "ckValidUntil")};
	return window;
}

static void texts(struct reading *r, const char *name, struct ck_texts *out)
{
	const struct ck_attribute *attribute = get(r, name, 1, CK_LIST_LIMIT);
	out->count = 0;
	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) out->at[out->count++] = text_of(attribute->values[i]);
}

/* As many ids as there are, from the scratch; an entry has at most three such lists of CK_LIST_LIMIT. */
static struct ck_ids ids_of(struct reading *r, const char *name, const struct ck_attribute *attribute)
{
	struct ck_ids ids = {.at = r->scratch->ids + r->scratch->used, .count = 0};
	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
		CK_ASSERT(r->scratch->used < sizeof r->scratch->ids / sizeof r->scratch->ids[0]);
		if (ck_id_parse(text_of(attribute->values[i]), &r->scratch->ids[r->scratch->used]) != CK_OK) {
			fault_named(r, name, "must be UUIDs");
			break;
		}
		r->scratch->used++;
		ids.count++;
	}
	return ids;
}

static struct ck_ids ids(struct reading *r, const char *name, size_t least)
{
	return ids_of(r, name, get(r, name, least, CK_LIST_LIMIT));
}

/* ---- kinds ---- */

static void read_authority(struct reading *r, struct ck_authority *out)
{
	out->name = one_text(r, "ckName");
	out->kind = one_text(r, "ckAuthorityKind");
	out->status = one_status(r);
	out->window = one_window(r);
	out->admin_role = one_id(r, "ckAdminRoleId");
	out->uid_number_first = one_number(r, "ckUidNumberFirst");
	out->uid_number_last = one_number(r, "ckUidNumberLast");
	texts(r, "ckMailDomain", &out->mail_domains);
	out->zone = one_text(r, "ckZone");
}

static void read_staff_number(struct reading *r, struct ck_id authority, struct ck_staff *out)
{
	char derived[CK_DERIVED_LIMIT_BYTES];
	const char *name;
	out->staff_number = one_text(r, "employeeNumber");
	struct ck_text scoped = one_text(r, "ckStaffNumber");
	if (r->error != CK_OK) return;
	if (ck_entry_derive(CK_KIND_STAFF, authority, ck_text_of("employeeNumber"), out->staff_number, &name, derived) != CK_OK ||
	    !ck_text_is(scoped, derived))
		fault_named(r, "ckStaffNumber", "must be the authority's ckId, a colon, and employeeNumber");
}

static void read_staff(struct reading *r, struct ck_id authority, struct ck_staff *out)
{
	out->uid = one_text(r, "uid");
	out->cn = one_text(r, "cn");
	out->sn = one_text(r, "sn");
	out->given_name = maybe_text(r, "givenName");
	out->mail = one_text(r, "mail");
	out->telephone = maybe_text(r, "telephoneNumber");
	out->title = maybe_text(r, "title");
	out->department = maybe_text(r, "departmentNumber");
	read_staff_number(r, authority, out);
	out->uid_number = one_number(r, "uidNumber");
	out->gid_number = one_number(r, "gidNumber");
	out->home = one_text(r, "homeDirectory");
	out->shell = one_text(r, "loginShell");
	out->status = one_status(r);
	out->window = one_window(r);
	out->listed = one_bool(r, "ckListed");
}

/* They restrict nothing: none is none. */
static unsigned read_traits(struct reading *r)
{
	const struct ck_attribute *attribute = get(r, "ckTrait", 0, CK_LIST_LIMIT);
	unsigned traits = 0;
	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
		unsigned trait = ck_trait_of_name(text_of(attribute->values[i]));
		if (trait == 0) fault_named(r, "ckTrait", "is no trait that this release knows");
		traits |= trait;
	}
	return traits;
}

static void read_key(struct reading *r, const struct ck_entry_place *place, struct ck_key *out)
{
	struct ck_id aaguid;
	out->staff = place->parent;
	one_hash(r, "ckKeyHash", out->hash);
	if (r->error == CK_OK && memcmp(out->hash, place->hash, sizeof out->hash) != 0) fault_named(r, "ckKeyHash", "is not the one in the DN");
	out->credential_id = one_bytes(r, "ckCredentialId");
	out->public_key = one_bytes(r, "ckPublicKey");
	out->rp_id = one_text(r, "ckRpId");
	aaguid = one_id(r, "ckAaguid");
	memcpy(out->aaguid, aaguid.bytes, sizeof out->aaguid);
	out->label = one_text(r, "ckLabel");
	out->attestation = one_text(r, "ckAttestation");
	out->registration = ck_bytes_of(maybe_text(r, "ckRegistration"));
	out->can_verify = one_bool(r, "ckCanVerify");
	out->traits = read_traits(r);
	out->status = one_status(r);
	out->window = one_window(r);
}

static void read_role(struct reading *r, struct ck_role *out)
{
	out->name = one_text(r, "ckName");
	out->status = one_status(r);
	/* These two widen a role and restrict nothing: none is none. */
	out->member_roles = ids(r, "ckMemberRoleId", 0);
	out->all_staff_of = ids(r, "ckAllStaffOfId", 0);
}

static void read_grant(struct reading *r, const struct ck_entry_place *place, struct ck_grant *out)
{
	out->role = place->parent;
	out->staff = one_id(r, "ckStaffId");
	out->window = one_window(r);
	out->granted_by = one_id(r, "ckGrantedById");
	out->reason = one_text(r, "ckReason");
}

static void read_system(struct reading *r, struct ck_system *out)
{
	out->name = one_text(r, "ckName");
	out->status = one_status(r);
	out->groups = ids(r, "ckGroupId", 0);
}

static void read_system_group(struct reading *r, struct ck_system_group *out)
{
	out->name = one_text(r, "ckName");
	out->status = one_status(r);
}

static void read_targets(struct reading *r, struct ck_rule *out)
{
	const struct ck_attribute *attribute = get(r, "ckTarget", 1, CK_LIST_LIMIT);
	out->all_systems = attribute != NULL && attribute->count == 1 && ck_text_is(text_of(attribute->values[0]), "*");
	out->targets = ids_of(r, "ckTarget", out->all_systems ? NULL : attribute);
}

static void read_sources(struct reading *r, struct ck_networks *out)
{
	const struct ck_attribute *attribute = get(r, "ckSource", 1, CK_LIST_LIMIT);
	memset(out, 0, sizeof *out);
	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
		struct ck_text word = text_of(attribute->values[i]);
		if (ck_text_is(word, "*") && attribute->count == 1)
			out->any = true;
		else if (ck_text_is(word, "local"))
			out->local = true;
		else if (ck_network_parse(word, &out->at[out->count]) == CK_OK)
			out->count++;
		else
			fault_named(r, "ckSource", "must be \"*\" alone, or of \"local\", addresses and networks without host bits");
	}
}

static unsigned read_proved(struct reading *r)
{
	const struct ck_attribute *attribute = get(r, "ckProved", 1, CK_LIST_LIMIT);
	unsigned proved = CK_PROVED_NOTHING;
	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
		unsigned bit = CK_PROVED_NOTHING;
		if (ck_proved_parse(text_of(attribute->values[i]), &bit) != CK_OK || (bit == CK_PROVED_NOTHING && attribute->count != 1))
			fault_named(r, "ckProved", "must be \"none\" alone, or of touch, password, verified, attested");
		proved |= bit;
	}
	return proved;
}

static void read_weekly(struct reading *r, struct ck_weekly *out)
{
	const struct ck_attribute *attribute = get(r, "ckWeekly", 1, CK_LIST_LIMIT);
	struct ck_weekly_span span;
	out->always = attribute != NULL && attribute->count == 1 && ck_text_is(text_of(attribute->values[0]), "always");
	for (size_t i = 0; attribute != NULL && !out->always && i < attribute->count; i++) {
		if (ck_weekly_parse(text_of(attribute->values[i]), &span) != CK_OK)
			fault_named(r, "ckWeekly", "must be \"always\" alone, or of the form mon-fri 08:00-18:00");
		else if (!ck_weekly_add(out, &span))
			fault_named(r, "ckWeekly", "has more values than the limit of 32");
	}
}

static void read_rule(struct reading *r, struct ck_rule *out)
{
	out->name = one_text(r, "ckName");
	out->status = one_status(r);
	out->window = one_window(r);
	read_targets(r, out);
	out->roles = ids(r, "ckRoleId", 1);
	texts(r, "ckAccount", &out->accounts);
	texts(r, "ckService", &out->services);
	read_sources(r, &out->sources);
	out->proved = read_proved(r);
	read_weekly(r, &out->weekly);
}

static void read_code(struct reading *r, const struct ck_entry_place *place, struct ck_code *out)
{
	out->staff = place->parent;
	out->issuer = one_id(r, "ckIssuerId");
	one_hash(r, "ckCodeHash", out->hash);
	out->window = one_window(r);
}

static void read_key_use(struct reading *r, const struct ck_entry_place *place, struct ck_key_use *out)
{
	uint64_t count = 0;
	struct ck_text text = one_text(r, "ckCounter");
	if (r->error == CK_OK && ck_uint_parse(text, 0, UINT32_MAX, &count) != CK_OK)
		fault_named(r, "ckCounter", "must be a decimal number up to 4294967295");
	memcpy(out->hash, place->hash, sizeof out->hash);
	out->staff = place->parent;
	out->count = (uint32_t)count;
	out->used_s = one_time(r, "ckLastUse");
}

static void read_kind(struct reading *r, const struct ck_entry_place *place, struct ck_record *out)
{
	switch (out->kind) {
	case CK_KIND_AUTHORITY: read_authority(r, &out->as.authority_of); break;
	case CK_KIND_STAFF: read_staff(r, place->authority, &out->as.staff); break;
	case CK_KIND_KEY: read_key(r, place, &out->as.key); break;
	case CK_KIND_ROLE: read_role(r, &out->as.role); break;
	case CK_KIND_GRANT: read_grant(r, place, &out->as.grant); break;
	case CK_KIND_SYSTEM: read_system(r, &out->as.system); break;
	case CK_KIND_SYSTEM_GROUP: read_system_group(r, &out->as.system_group); break;
	case CK_KIND_RULE: read_rule(r, &out->as.rule); break;
	case CK_KIND_CODE: read_code(r, place, &out->as.code); break;
	case CK_KIND_KEY_USE: read_key_use(r, place, &out->as.key_use); break;
	case CK_KIND_NONE: fault_named(r, "objectClass", "is none of ours"); break;
	}
}

/* ---- the whole ---- */

static bool begins_with_ck(struct ck_text name)
{
	return name.length >= 2 && (name.at[0] | 0x20) == 'c' && (name.at[1] | 0x20) == 'k';
}

static void check_limits(struct reading *r)
{
	size_t values = 0;
	if (r->entry->count > CK_ENTRY_ATTRIBUTES_LIMIT) fault_named(r, "entry", "has more attributes than the limit of 64");
	for (size_t i = 0; r->error == CK_OK && i < r->entry->count; i++) {
		values += r->entry->attributes[i].count;
		if (r->entry->attributes[i].count > CK_ENTRY_VALUES_LIMIT || values > CK_ENTRY_VALUES_LIMIT)
			fault_named(r, "entry", "has more values than the limit of 256");
		for (size_t j = 0; r->error == CK_OK && j < i; j++)
			if (ck_entry_equal_without_case(r->entry->attributes[i].name, r->entry->attributes[j].name))
				fault(r, r->entry->attributes[i].name, "is there twice");
	}
}

/* The kind by its class; none and no fault: not ours, or (*out_passed) none of the copy's. A class "ck…" that is not known may restrict: a fault. */
static enum ck_kind read_class(struct reading *r, bool *out_passed)
{
	enum ck_kind kind = CK_KIND_NONE;
	*out_passed = false;
	const struct ck_attribute *classes = get(r, "objectClass", 1, CK_LIST_LIMIT);
	for (size_t i = 0; classes != NULL && i < classes->count; i++) {
		struct ck_text name = text_of(classes->values[i]);
		if (!begins_with_ck(name)) continue;
		if (ck_entry_name_equal(name, CK_ENTRY_PASSWORD_CLASS) || ck_entry_name_equal(name, CK_ENTRY_PLAN_CLASS)) {
			*out_passed = true;
			continue;
		}
		enum ck_kind found = CK_KIND_NONE;
		for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++)
			if (ck_entry_name_equal(name, ck_entry_row_of((enum ck_kind)k)->object_class)) found = (enum ck_kind)k;
		if (found == CK_KIND_NONE)
			fault(r, name, "is a class that this release does not know");
		else if (kind != CK_KIND_NONE)
			fault(r, name, "is a second kind");
		kind = found;
	}
	if (*out_passed && kind != CK_KIND_NONE) fault_named(r, "objectClass", "names a second kind");
	return r->error == CK_OK ? kind : CK_KIND_NONE;
}

static void check_attributes(struct reading *r, enum ck_kind kind)
{
	const struct ck_entry_row *row = ck_entry_row_of(kind);
	for (size_t i = 0; i < r->entry->count; i++) {
		struct ck_text name = r->entry->attributes[i].name;
		if (!begins_with_ck(name)) continue;
		if (row == NULL || (!ck_entry_name_among(name, row->settable) && !ck_entry_name_among(name, row->others)))
			fault(r, name, "is not known to this release in such an entry");
	}
}

static void check_place(struct reading *r, enum ck_kind kind, const struct ck_entry_place *place)
{
	const struct ck_entry_row *row = ck_entry_row_of(kind);
	bool same_container = row->container == NULL ? place->container == NULL
	                                             : place->container != NULL && strcmp(row->container, place->container) == 0;
	bool by_hash = kind == CK_KIND_KEY || kind == CK_KIND_KEY_USE;
	if (!same_container || place->by_hash != by_hash || place->use != (kind == CK_KIND_KEY_USE) ||
	    place->below != (row->parent != CK_KIND_NONE)) {
		fault_named(r, "dn", "is no place for an entry of this class");
		return;
	}
	if (by_hash) return;
	struct ck_id id = one_id(r, "ckId");
	if (r->error == CK_OK && !ck_id_equal(id, place->id)) fault_named(r, "ckId", "is not the one in the DN");
}

/* Operational ones: absent when an entry is only being proposed. */
static void read_operational(struct reading *r, struct ck_record *out)
{
	struct ck_text uuid = maybe_text(r, "entryUUID");
	struct ck_id id = {{0}};
	if (uuid.length > 0 && ck_id_parse(uuid, &id) != CK_OK) fault_named(r, "entryUUID", "must be a UUID");
	memcpy(out->entry_uuid, id.bytes, sizeof out->entry_uuid);
	out->csn = maybe_text(r, "entryCSN");
}

enum ck_error ck_entry_to_record(const struct ck_entry *entry, struct ck_text suffix, struct ck_entry_scratch *scratch,
                                 struct ck_record *out, struct ck_errmsg *err)
{
	struct reading r = {.entry = entry, .scratch = scratch, .err = err, .error = CK_OK};
	struct ck_entry_place place;
	memset(out, 0, sizeof *out);
	scratch->used = 0;

	bool passed = false; /* ours, and none of the copy's */
	check_limits(&r);
	enum ck_kind kind = read_class(&r, &passed);
	if (r.error == CK_OK && passed) return CK_ERR_NOT_FOUND;
	if (r.error == CK_OK) check_attributes(&r, kind);
	if (r.error == CK_OK && kind == CK_KIND_NONE) return CK_ERR_NOT_FOUND;
	if (r.error == CK_OK && ck_entry_place_of(entry->dn, suffix, &place) != CK_OK) fault_named(&r, "dn", "is no place for an entry of ours");
	if (r.error == CK_OK) check_place(&r, kind, &place);
	if (r.error == CK_OK) {
		out->kind = kind;
		out->id = place.id;
		out->authority = place.authority;
		read_kind(&r, &place, out);
		read_operational(&r, out);
	}
	if (r.error == CK_OK) r.error = ck_model_validate(out, err);
	if (r.error != CK_OK) memset(out, 0, sizeof *out);
	return r.error;
}
