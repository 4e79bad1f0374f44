/* Record → wire entry. Trusts the record: it came from the store, which holds only valid ones. The names are those that
   directory/model/entry_map.c reads, so that what is shown is what a change writes. */
#include "authd/record_wire.h"

#include <stdio.h>
#include <string.h>

#include "authd/protocol/statement.h"
#include "directory/base/clock.h"

/* The values are put as they come: [[attribute, [value, …]], …] with a count of at most 23, so that its head is one byte. */
struct values {
	struct ck_writer w;
	unsigned count;
};

static void begin(struct values *v, const char *name, size_t count)
{
	v->count++;
	ck_cbor_put_array(&v->w, 2);
	ck_cbor_put_string(&v->w, name);
	ck_cbor_put_array(&v->w, count);
}

static void one_bytes(struct values *v, const char *name, const void *bytes, size_t length)
{
	begin(v, name, 1);
	ck_cbor_put_bytes(&v->w, bytes, length);
}

static void one_text(struct values *v, const char *name, struct ck_text text)
{
	if (text.at != NULL) one_bytes(v, name, text.at, text.length);
}

static void one_string(struct values *v, const char *name, const char *string) { one_text(v, name, ck_text_of(string)); }

static void one_number(struct values *v, const char *name, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	one_string(v, name, text);
}

static void one_id(struct values *v, const char *name, struct ck_id id)
{
	char text[CK_ID_TEXT_BYTES];
	one_string(v, name, ck_id_format(id, text));
}

static void one_window(struct values *v, struct ck_window window)
{
	char text[CK_TIME_TEXT_BYTES];
	one_string(v, "ckValidFrom", ck_time_format_generalized(window.from_s, text));
	one_string(v, "ckValidUntil", ck_time_format_generalized(window.until_s, text));
}

static void one_status(struct values *v, enum ck_status status) { one_string(v, "ckStatus", ck_status_name(status)); }

static void many_texts(struct values *v, const char *name, const struct ck_texts *texts)
{
	if (texts->count == 0) return;
	begin(v, name, texts->count);
	for (size_t i = 0; i < texts->count; i++) ck_cbor_put_bytes(&v->w, texts->at[i].at, texts->at[i].length);
}

static void many_ids(struct values *v, const char *name, struct ck_ids ids)
{
	char text[CK_ID_TEXT_BYTES];
	if (ids.count == 0) return;
	begin(v, name, ids.count);
	for (size_t i = 0; i < ids.count; i++) ck_cbor_put_bytes(&v->w, ck_id_format(ids.at[i], text), CK_ID_TEXT_BYTES - 1);
}

static void put_word(struct values *v, const char *word) { ck_cbor_put_bytes(&v->w, word, strlen(word)); }

static void sources(struct values *v, const struct ck_networks *networks)
{
	char text[CK_NETWORK_TEXT_BYTES];
	begin(v, "ckSource", networks->count + networks->any + networks->local);
	if (networks->any) put_word(v, "*");
	if (networks->local) put_word(v, "local");
	for (size_t i = 0; i < networks->count; i++) put_word(v, ck_network_format(&networks->at[i], text));
}

static void weekly(struct values *v, const struct ck_weekly *hours)
{
	char text[CK_WEEKLY_TEXT_BYTES];
	begin(v, "ckWeekly", hours->always ? 1 : hours->count);
	if (hours->always) put_word(v, "always");
	for (size_t i = 0; !hours->always && i < hours->count; i++) put_word(v, ck_weekly_format(&hours->at[i], text));
}

static void proved(struct values *v, unsigned set)
{
	static const char *const words[] = {"touch", "password", "verified", "attested"};
	size_t count = 0;
	for (unsigned i = 0; i < 4; i++) count += set >> i & 1u;
	if (count == 0) {
		one_string(v, "ckProved", "none");
		return;
	}
	begin(v, "ckProved", count);
	for (unsigned i = 0; i < 4; i++)
		if ((set >> i & 1u) != 0) put_word(v, words[i]);
}

/* ---- kinds ---- */

static void put_authority(struct values *v, const struct ck_authority *a, bool whole)
{
	one_text(v, "ckName", a->name);
	one_text(v, "ckAuthorityKind", a->kind);
	one_status(v, a->status);
	if (!whole) return;
	one_window(v, a->window);
	one_id(v, "ckAdminRoleId", a->admin_role);
	one_number(v, "ckUidNumberFirst", a->uid_number_first);
	one_number(v, "ckUidNumberLast", a->uid_number_last);
	many_texts(v, "ckMailDomain", &a->mail_domains);
	one_text(v, "ckZone", a->zone);
}

static void put_staff(struct values *v, const struct ck_staff *s, enum ck_wire_detail detail)
{
	one_text(v, "uid", s->uid);
	one_text(v, "cn", s->cn);
	one_text(v, "sn", s->sn);
	one_text(v, "givenName", s->given_name);
	one_text(v, "mail", s->mail);
	one_text(v, "telephoneNumber", s->telephone);
	one_text(v, "title", s->title);
	one_text(v, "departmentNumber", s->department);
	one_status(v, s->status);
	if (detail != CK_WIRE_NAMES) one_text(v, "employeeNumber", s->staff_number);
	if (detail != CK_WIRE_WHOLE) return;
	one_number(v, "uidNumber", s->uid_number);
	one_number(v, "gidNumber", s->gid_number);
	one_text(v, "homeDirectory", s->home);
	one_text(v, "loginShell", s->shell);
	one_window(v, s->window);
	one_string(v, "ckListed", s->listed ? "TRUE" : "FALSE");
}

static void traits(struct values *v, unsigned set)
{
	if (set == 0) return;
	begin(v, "ckTrait", (size_t)__builtin_popcount(set));
	for (unsigned bit = 1; bit <= set; bit <<= 1)
		if ((set & bit) != 0) put_word(v, ck_trait_name(bit));
}

static void put_use(struct values *v, const struct ck_key_use *u)
{
	char text[CK_TIME_TEXT_BYTES];
	one_number(v, "ckCounter", u->count);
	one_string(v, "ckLastUse", ck_time_format_generalized(u->used_s, text));
}

static void put_key_use(struct values *v, const struct ck_key_use *u)
{
	one_id(v, "ckStaffId", u->staff);
	put_use(v, u);
}

static void put_key(struct values *v, const struct ck_key *k, const struct ck_key_use *use)
{
	struct ck_id aaguid;
	memcpy(aaguid.bytes, k->aaguid, sizeof aaguid.bytes);
	one_id(v, "ckStaffId", k->staff);
	one_bytes(v, "ckCredentialId", k->credential_id.at, k->credential_id.length);
	one_bytes(v, "ckPublicKey", k->public_key.at, k->public_key.length);
	one_text(v, "ckRpId", k->rp_id);
	one_id(v, "ckAaguid", aaguid);
	one_text(v, "ckLabel", k->label);
	one_text(v, "ckAttestation", k->attested ? ck_text_of("attested") : k->attestation);
	one_string(v, "ckCanVerify", k->can_verify ? "TRUE" : "FALSE");
	traits(v, k->traits);
	one_status(v, k->status);
	one_window(v, k->window);
	if (use != NULL) put_use(v, use);
}

static void put_role(struct values *v, const struct ck_role *r, bool whole)
{
	one_text(v, "ckName", r->name);
	one_status(v, r->status);
	if (!whole) return;
	many_ids(v, "ckMemberRoleId", r->member_roles);
	many_ids(v, "ckAllStaffOfId", r->all_staff_of);
}

static void put_grant(struct values *v, const struct ck_grant *g)
{
	one_id(v, "ckRoleId", g->role);
	one_id(v, "ckStaffId", g->staff);
	one_window(v, g->window);
	one_id(v, "ckGrantedById", g->granted_by);
	one_text(v, "ckReason", g->reason);
}

static void put_rule(struct values *v, const struct ck_rule *r)
{
	one_text(v, "ckName", r->name);
	one_status(v, r->status);
	one_window(v, r->window);
	if (r->all_systems) one_string(v, "ckTarget", "*");
	else many_ids(v, "ckTarget", r->targets);
	many_ids(v, "ckRoleId", r->roles);
	many_texts(v, "ckAccount", &r->accounts);
	many_texts(v, "ckService", &r->services);
	sources(v, &r->sources);
	proved(v, r->proved);
	weekly(v, &r->weekly);
}

static void put_system(struct values *v, const struct ck_system *s, bool whole)
{
	one_text(v, "ckName", s->name);
	one_status(v, s->status);
	if (whole) many_ids(v, "ckGroupId", s->groups);
}

static void put_code(struct values *v, const struct ck_code *c)
{
	one_id(v, "ckStaffId", c->staff);
	one_id(v, "ckIssuerId", c->issuer);
	one_window(v, c->window);
}

static void put_values(struct values *v, const struct ck_record *r, const struct ck_key_use *use, enum ck_wire_detail detail)
{
	bool whole = detail == CK_WIRE_WHOLE;
	switch (r->kind) {
	case CK_KIND_AUTHORITY: put_authority(v, &r->as.authority_of, whole); break;
	case CK_KIND_STAFF: put_staff(v, &r->as.staff, detail); break;
	case CK_KIND_ROLE: put_role(v, &r->as.role, whole); break;
	case CK_KIND_SYSTEM: put_system(v, &r->as.system, whole); break;
	case CK_KIND_SYSTEM_GROUP:
		one_text(v, "ckName", r->as.system_group.name);
		one_status(v, r->as.system_group.status);
		break;
	case CK_KIND_KEY: if (whole) put_key(v, &r->as.key, use); break;
	case CK_KIND_GRANT: if (whole) put_grant(v, &r->as.grant); break;
	case CK_KIND_RULE: if (whole) put_rule(v, &r->as.rule); break;
	case CK_KIND_CODE: if (whole) put_code(v, &r->as.code); break;
	case CK_KIND_KEY_USE: if (whole) put_key_use(v, &r->as.key_use); break;
	case CK_KIND_NONE: break;
	}
}

static enum ck_error encode(const struct ck_record *record, const struct ck_key_use *use, struct ck_text authority, enum ck_wire_detail detail,
                            uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	uint8_t bytes[CK_WIRE_ENTRY_LIMIT_BYTES];
	struct values v = {.count = 0};
	*out_length = 0;
	ck_writer_init(&v.w, bytes, sizeof bytes);
	uint8_t *head = v.w.at;
	ck_cbor_put_array(&v.w, 0);
	put_values(&v, record, use, detail);
	one_text(&v, "o", authority);
	if (v.w.failed) return CK_ERR_LIMIT;
	CK_ASSERT(v.count <= 23);
	*head = (uint8_t)(*head | v.count);

	bool key = record->kind == CK_KIND_KEY || record->kind == CK_KIND_KEY_USE;
	const uint8_t *hash = record->kind == CK_KIND_KEY ? record->as.key.hash : record->as.key_use.hash;
	struct ck_wire_entry entry = {
		.kind = ck_text_of(ck_kind_name(record->kind)),
		.id = {key ? hash : record->id.bytes, key ? CK_HASH_BYTES : sizeof record->id.bytes},
		.authority = record->authority,
		.csn = record->csn.at != NULL ? record->csn : ck_text_of(""),
		.values = {bytes, ck_writer_length(&v.w)},
	};
	return ck_wire_entry_encode(&entry, out, limit_bytes, out_length);
}

enum ck_error ck_record_wire_encode(const struct ck_record *record, const struct ck_key_use *use, enum ck_wire_detail detail, uint8_t *out,
                                    size_t limit_bytes, size_t *out_length)
{
	return encode(record, use, (struct ck_text){NULL, 0}, detail, out, limit_bytes, out_length);
}

enum ck_error ck_record_wire_encode_person(const struct ck_record *record, struct ck_text authority, enum ck_wire_detail detail, uint8_t *out,
                                           size_t limit_bytes, size_t *out_length)
{
	return encode(record, NULL, authority, detail, out, limit_bytes, out_length);
}
