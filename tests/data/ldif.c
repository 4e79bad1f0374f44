/* Records as LDIF (RFC 2849), with the operational attributes that slapadd would make up. */
#include <sodium.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/model/entry.h"
#include "tests/data/output.h"

/* The longest value: an id of a credential, a public key. */
#define BASE64_BYTES 2048

static void put_base64(FILE *to, const char *name, struct ck_bytes bytes)
{
	char text[BASE64_BYTES];
	CK_ASSERT(sodium_base64_ENCODED_LEN(bytes.length, sodium_base64_VARIANT_ORIGINAL) <= sizeof text);
	fprintf(to, "%s:: %s\n", name, sodium_bin2base64(text, sizeof text, bytes.at, bytes.length, sodium_base64_VARIANT_ORIGINAL));
}

/* RFC 2849: SAFE-STRING, and no space at its end. */
static bool is_safe(struct ck_text text)
{
	if (text.length == 0 || strchr(" :<", text.at[0]) != NULL || text.at[text.length - 1] == ' ') return false;
	for (size_t i = 0; i < text.length; i++)
		if ((unsigned char)text.at[i] >= 0x7f || (unsigned char)text.at[i] < ' ') return false;
	return true;
}

static void put_text(FILE *to, const char *name, struct ck_text text)
{
	if (is_safe(text))
		fprintf(to, "%s: %.*s\n", name, (int)text.length, text.at);
	else
		put_base64(to, name, ck_bytes_of(text));
}

static void put_text_if(FILE *to, const char *name, struct ck_text text)
{
	if (text.length > 0) put_text(to, name, text);
}

static void put_texts(FILE *to, const char *name, const struct ck_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) put_text(to, name, texts->at[i]);
}

static void put_id(FILE *to, const char *name, struct ck_id id)
{
	char text[CK_ID_TEXT_BYTES];
	fprintf(to, "%s: %s\n", name, ck_id_format(id, text));
}

static void put_ids(FILE *to, const char *name, struct ck_ids ids)
{
	for (size_t i = 0; i < ids.count; i++) put_id(to, name, ids.at[i]);
}

static void put_status(FILE *to, enum ck_status status) { fprintf(to, "ckStatus: %s\n", ck_status_name(status)); }

static void put_window(FILE *to, struct ck_window window)
{
	char text[CK_TIME_TEXT_BYTES];
	fprintf(to, "ckValidFrom: %s\n", ck_time_format_generalized(window.from_s, text));
	fprintf(to, "ckValidUntil: %s\n", ck_time_format_generalized(window.until_s, text));
}

/* ---- kinds ---- */

static void put_authority(FILE *to, const struct ck_authority *a)
{
	put_text(to, "ckName", a->name);
	put_text(to, "ckAuthorityKind", a->kind);
	put_status(to, a->status);
	put_window(to, a->window);
	put_id(to, "ckAdminRoleId", a->admin_role);
	fprintf(to, "ckUidNumberFirst: %llu\nckUidNumberLast: %llu\n", (unsigned long long)a->uid_number_first, (unsigned long long)a->uid_number_last);
	put_texts(to, "ckMailDomain", &a->mail_domains);
	put_text(to, "ckZone", a->zone);
}

static void put_staff(FILE *to, struct ck_id authority, const struct ck_staff *s)
{
	char derived[CK_DERIVED_LIMIT_BYTES];
	const char *derived_name;
	put_text(to, "uid", s->uid);
	fprintf(to, "uidNumber: %llu\ngidNumber: %llu\n", (unsigned long long)s->uid_number, (unsigned long long)s->gid_number);
	put_text(to, "homeDirectory", s->home);
	put_text(to, "loginShell", s->shell);
	put_text(to, "cn", s->cn);
	put_text(to, "sn", s->sn);
	put_text_if(to, "givenName", s->given_name);
	put_text(to, "mail", s->mail);
	put_text_if(to, "telephoneNumber", s->telephone);
	put_text_if(to, "title", s->title);
	put_text_if(to, "departmentNumber", s->department);
	put_text(to, "employeeNumber", s->staff_number);
	CK_ASSERT(ck_entry_derive(CK_KIND_STAFF, authority, ck_text_of("employeeNumber"), s->staff_number, &derived_name, derived) == CK_OK);
	put_text(to, derived_name, ck_text_of(derived));
	fprintf(to, "ckListed: %s\n", s->listed ? "TRUE" : "FALSE");
	put_status(to, s->status);
	put_window(to, s->window);
}

static void put_key(FILE *to, const struct ck_key *k)
{
	char hex[2 * CK_HASH_BYTES + 1];
	struct ck_id aaguid;
	memcpy(aaguid.bytes, k->aaguid, sizeof aaguid.bytes);
	fprintf(to, "ckKeyHash: %s\n", ck_hex_encode(k->hash, sizeof k->hash, hex, sizeof hex));
	put_base64(to, "ckCredentialId", k->credential_id);
	put_base64(to, "ckPublicKey", k->public_key);
	put_text(to, "ckRpId", k->rp_id);
	put_id(to, "ckAaguid", aaguid);
	put_text(to, "ckLabel", k->label);
	put_text(to, "ckAttestation", k->attestation);
	fprintf(to, "ckCanVerify: %s\n", k->can_verify ? "TRUE" : "FALSE");
	for (unsigned bit = 1; bit <= CK_TRAITS_ALL; bit <<= 1)
		if ((k->traits & bit) != 0) fprintf(to, "ckTrait: %s\n", ck_trait_name(bit));
	put_status(to, k->status);
	put_window(to, k->window);
}

static void put_grant(FILE *to, const struct ck_grant *g)
{
	put_id(to, "ckStaffId", g->staff);
	put_window(to, g->window);
	put_id(to, "ckGrantedById", g->granted_by);
	put_text(to, "ckReason", g->reason);
}

static void put_demands(FILE *to, const struct ck_rule *r)
{
	char text[CK_NETWORK_TEXT_BYTES];
	if (r->sources.any) fprintf(to, "ckSource: *\n");
	if (r->sources.local) fprintf(to, "ckSource: local\n");
	for (size_t i = 0; i < r->sources.count; i++) fprintf(to, "ckSource: %s\n", ck_network_format(&r->sources.at[i], text));
	if (r->proved == CK_PROVED_NOTHING) fprintf(to, "ckProved: none\n");
	for (unsigned bit = 1; bit <= CK_PROVED_ALL; bit <<= 1)
		if ((r->proved & bit) != 0) fprintf(to, "ckProved: %s\n", ck_proved_format(bit, text));
	if (r->weekly.always) fprintf(to, "ckWeekly: always\n");
	for (size_t i = 0; i < r->weekly.count; i++) fprintf(to, "ckWeekly: %s\n", ck_weekly_format(&r->weekly.at[i], text));
}

static void put_rule(FILE *to, const struct ck_rule *r)
{
	put_text(to, "ckName", r->name);
	put_status(to, r->status);
	put_window(to, r->window);
	if (r->all_systems) fprintf(to, "ckTarget: *\n");
	put_ids(to, "ckTarget", r->targets);
	put_ids(to, "ckRoleId", r->roles);
	put_texts(to, "ckAccount", &r->accounts);
	put_texts(to, "ckService", &r->services);
	put_demands(to, r);
}

static void put_named(FILE *to, struct ck_text name, enum ck_status status)
{
	put_text(to, "ckName", name);
	put_status(to, status);
}

static void put_kind(FILE *to, const struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY: put_authority(to, &record->as.authority_of); break;
	case CK_KIND_STAFF: put_staff(to, record->authority, &record->as.staff); break;
	case CK_KIND_KEY: put_key(to, &record->as.key); break;
	case CK_KIND_ROLE:
		put_named(to, record->as.role.name, record->as.role.status);
		put_ids(to, "ckMemberRoleId", record->as.role.member_roles);
		put_ids(to, "ckAllStaffOfId", record->as.role.all_staff_of);
		break;
	case CK_KIND_GRANT: put_grant(to, &record->as.grant); break;
	case CK_KIND_SYSTEM:
		put_named(to, record->as.system.name, record->as.system.status);
		put_ids(to, "ckGroupId", record->as.system.groups);
		break;
	case CK_KIND_SYSTEM_GROUP: put_named(to, record->as.system_group.name, record->as.system_group.status); break;
	case CK_KIND_RULE: put_rule(to, &record->as.rule); break;
	case CK_KIND_CODE:
	case CK_KIND_KEY_USE:
	case CK_KIND_NONE: ck_panic(__FILE__, __LINE__, "no such record is generated");
	}
}

/* ---- entries ---- */

static void put_suffix(FILE *to, const char *suffix)
{
	const char *value = strchr(suffix, '=');
	CK_ASSERT(value != NULL && strncmp(suffix, "dc=", 3) == 0);
	int length = (int)strcspn(value + 1, ",");
	fprintf(to, "dn: %s\nobjectClass: organization\nobjectClass: dcObject\no: %.*s\ndc: %.*s\n\n", suffix, length, value + 1, length, value + 1);
}

void ck_data_ldif_root(FILE *to, const char *suffix)
{
	put_suffix(to, suffix);
	fprintf(to, "dn: ou=authorities,%s\nobjectClass: organizationalUnit\nou: authorities\n\n", suffix);
}

static void put_containers(FILE *to, const char *authority_dn)
{
	static const char *const containers[] = {"staff", "roles", "systems", "rules"};
	for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
		fprintf(to, "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n", containers[i], authority_dn, containers[i]);
}

static struct ck_id parent_of(const struct ck_record *record)
{
	return record->kind == CK_KIND_KEY ? record->as.key.staff : record->kind == CK_KIND_GRANT ? record->as.grant.role : record->id;
}

void ck_data_ldif_entry(FILE *to, const char *suffix, const struct ck_record *record)
{
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_id uuid;
	bool key = record->kind == CK_KIND_KEY;
	CK_ASSERT(ck_entry_dn(record->kind, record->id, key ? record->as.key.hash : NULL, parent_of(record), record->authority, ck_text_of(suffix), dn) ==
	          CK_OK);
	fprintf(to, "dn: %s\n", dn);
	for (const char *const *class = ck_entry_object_classes(record->kind); *class != NULL; class++) fprintf(to, "objectClass: %s\n", *class);
	if (!key) put_id(to, "ckId", record->id);
	put_kind(to, record);
	memcpy(uuid.bytes, record->entry_uuid, sizeof uuid.bytes);
	put_id(to, "entryUUID", uuid);
	put_text(to, "entryCSN", record->csn);
	putc('\n', to);
	if (record->kind == CK_KIND_AUTHORITY) put_containers(to, dn);
}

/* ---- plain ---- */

void ck_data_ldif_plain_root(FILE *to, const char *suffix)
{
	put_suffix(to, suffix);
	fprintf(to, "dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n", suffix);
}

void ck_data_ldif_plain_person(FILE *to, const char *suffix, const struct ck_data_person *p)
{
	fprintf(to, "dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: %s\n", p->uid, suffix, p->uid);
	put_text(to, "cn", ck_text_of(p->cn));
	put_text(to, "givenName", ck_text_of(p->name.given));
	put_text(to, "sn", ck_text_of(p->name.family));
	put_text(to, "mail", ck_text_of(p->mail));
	put_text_if(to, "telephoneNumber", ck_text_of(p->telephone));
	put_text(to, "title", ck_text_of(p->title));
	put_text(to, "departmentNumber", ck_text_of(p->department));
	put_text(to, "o", ck_text_of(p->authority->name));
	putc('\n', to);
}
