/* Record ⇄ flat bytes. Each kind has one function that runs in both directions, so that writing and reading cannot drift apart.
   Trusts nothing: the bytes come from a file that may be damaged; the checksum is looked at first, every length still checked. */
#include "directory/store/flat.h"

#include <string.h>

#include "directory/base/clock.h"
#include "directory/store/flat_csn.h"
#include "directory/store/flat_parts.h"

#define HOMES "/home/"
static const char *const shells[] = {"/bin/bash", "/bin/sh", "/usr/bin/bash", "/bin/zsh", "/usr/bin/zsh", "/usr/sbin/nologin", "/bin/false"};
static const char *const attestations[] = {CK_ATTESTATION_NONE, CK_ATTESTATION_SELF, CK_ATTESTATION_CERTIFICATE};

static const uint8_t flags_of_kind[CK_KIND_LAST + 1] = {
	[CK_KIND_AUTHORITY] = FLAG_STATUS | FLAGS_WINDOW,
	[CK_KIND_STAFF] = FLAG_STATUS | FLAGS_WINDOW | FLAG_OF_KIND | FLAG_HOME | FLAG_GROUP | FLAG_NAMED,
	[CK_KIND_KEY] = FLAG_STATUS | FLAGS_WINDOW | FLAG_OF_KIND | FLAG_ATTESTED | FLAG_TRAITS,
	[CK_KIND_ROLE] = FLAG_STATUS,
	[CK_KIND_GRANT] = FLAGS_WINDOW,
	[CK_KIND_SYSTEM] = FLAG_STATUS,
	[CK_KIND_SYSTEM_GROUP] = FLAG_STATUS,
	[CK_KIND_RULE] = FLAG_STATUS | FLAGS_WINDOW | FLAG_OF_KIND | FLAG_ANY | FLAG_LOCAL | FLAG_WEEKLY,
	[CK_KIND_CODE] = FLAGS_WINDOW,
	[CK_KIND_KEY_USE] = 0
};

static void flat_authority(struct ck_flat *f, struct ck_authority *authority)
{
	ck_flat_window(f, &authority->window);
	ck_flat_text(f, &authority->name, CK_NAME_LIMIT_BYTES);
	ck_flat_text(f, &authority->kind, CK_NAME_LIMIT_BYTES);
	ck_flat_id(f, &authority->admin_role);
	ck_flat_uint(f, &authority->uid_number_first);
	ck_flat_uint(f, &authority->uid_number_last);
	ck_flat_texts(f, &authority->mail_domains, CK_NAME_LIMIT_BYTES);
	ck_flat_text(f, &authority->zone, CK_ZONE_NAME_LIMIT_BYTES);
	ck_flat_zone(f, &authority->zone_table);
}

static bool has_usual_home(const struct ck_staff *staff)
{
	size_t before = sizeof HOMES - 1;
	return staff->uid.length > 0 && staff->home.length == before + staff->uid.length && memcmp(staff->home.at, HOMES, before) == 0 &&
	       memcmp(staff->home.at + before, staff->uid.at, staff->uid.length) == 0;
}

/* Given name, a space, surname: nothing more. */
static bool has_usual_name(const struct ck_staff *staff)
{
	struct ck_text cn = staff->cn, given = staff->given_name, sn = staff->sn;
	return given.length > 0 && sn.length > 0 && cn.length == given.length + 1 + sn.length && memcmp(cn.at, given.at, given.length) == 0 &&
	       cn.at[given.length] == ' ' && memcmp(cn.at + given.length + 1, sn.at, sn.length) == 0;
}

static void flat_names(struct ck_flat *f, struct ck_staff *staff)
{
	ck_flat_text(f, &staff->cn, CK_NAME_LIMIT_BYTES);
	if ((f->flags & FLAG_NAMED) == 0) {
		ck_flat_text(f, &staff->given_name, CK_NAME_LIMIT_BYTES);
		ck_flat_text(f, &staff->sn, CK_NAME_LIMIT_BYTES);
		if (has_usual_name(staff) && f->in != NULL) ck_flat_fail(f); /* one form only */
		return;
	}
	size_t given = ck_flat_count(f, staff->given_name.length, CK_NAME_LIMIT_BYTES);
	if (f->out != NULL) return;
	if (given == 0 || given + 1 >= staff->cn.length || staff->cn.at[given] != ' ') {
		ck_flat_fail(f);
		return;
	}
	staff->given_name = (struct ck_text){staff->cn.at, given};
	staff->sn = (struct ck_text){staff->cn.at + given + 1, staff->cn.length - given - 1};
}

static void flat_home(struct ck_flat *f, struct ck_record *record)
{
	struct ck_staff *staff = &record->as.staff;
	char *made = (char *)record->made + CK_PACKED_CSN_TEXT_BYTES;
	_Static_assert(CK_PACKED_CSN_TEXT_BYTES + sizeof HOMES - 1 + CK_UID_LIMIT_BYTES <= CK_RECORD_MADE_BYTES, "both have room");
	if ((f->flags & FLAG_HOME) == 0) {
		ck_flat_text(f, &staff->home, CK_NAME_LIMIT_BYTES);
		if (f->in != NULL && has_usual_home(staff)) ck_flat_fail(f); /* one form only */
		return;
	}
	if (f->out != NULL) return;
	if (staff->uid.length == 0) { /* of nobody's name nothing follows */
		ck_flat_fail(f);
		return;
	}
	memcpy(made, HOMES, sizeof HOMES - 1);
	memcpy(made + sizeof HOMES - 1, staff->uid.at, staff->uid.length);
	staff->home = (struct ck_text){made, sizeof HOMES - 1 + staff->uid.length};
}

static void flat_staff(struct ck_flat *f, struct ck_record *record)
{
	struct ck_staff *staff = &record->as.staff;
	const struct ck_common_texts usual_shells = {shells, sizeof shells / sizeof *shells};
	ck_flat_window(f, &staff->window);
	ck_flat_uint(f, &staff->uid_number);
	if ((f->flags & FLAG_GROUP) == 0) ck_flat_uint(f, &staff->gid_number);
	else if (f->in != NULL) staff->gid_number = staff->uid_number;
	if ((f->flags & FLAG_GROUP) == 0 && staff->gid_number == staff->uid_number) ck_flat_fail(f);
	ck_flat_text(f, &staff->uid, CK_UID_LIMIT_BYTES);
	flat_names(f, staff);
	struct ck_text *texts[] = {&staff->mail, &staff->telephone, &staff->title, &staff->department, &staff->staff_number};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ck_flat_text(f, texts[i], CK_NAME_LIMIT_BYTES);
	flat_home(f, record);
	ck_flat_common(f, &staff->shell, CK_NAME_LIMIT_BYTES, &usual_shells);
	staff->listed = (f->flags & FLAG_OF_KIND) != 0;
}

static void flat_traits(struct ck_flat *f, unsigned *traits)
{
	uint64_t value = *traits;
	if (f->in != NULL) *traits = 0;
	if ((f->flags & FLAG_TRAITS) == 0) return;
	ck_flat_uint(f, &value);
	if (value == 0 || value > CK_TRAITS_ALL) ck_flat_fail(f);
	else *traits = (unsigned)value;
}

/* The first half of a key's hash is the id that the record is filed under. */
static void flat_hash(struct ck_flat *f, struct ck_id id, uint8_t hash[CK_HASH_BYTES])
{
	if (f->in != NULL) memcpy(hash, id.bytes, sizeof id.bytes);
	else if (memcmp(hash, id.bytes, sizeof id.bytes) != 0) ck_flat_fail(f);
	ck_flat_fixed(f, hash + sizeof id.bytes, CK_HASH_BYTES - sizeof id.bytes);
}

static void flat_key(struct ck_flat *f, struct ck_record *record)
{
	struct ck_key *key = &record->as.key;
	const struct ck_common_texts usual_attestations = {attestations, sizeof attestations / sizeof *attestations};
	flat_hash(f, record->id, key->hash);
	ck_flat_window(f, &key->window);
	ck_flat_id(f, &key->staff);
	ck_flat_bytes(f, &key->credential_id, CK_CREDENTIAL_ID_LIMIT_BYTES);
	ck_flat_bytes(f, &key->public_key, CK_PUBLIC_KEY_LIMIT_BYTES);
	/* a host name, up to 253 bytes */
	ck_flat_text(f, &key->rp_id, 255);
	ck_flat_fixed(f, key->aaguid, sizeof key->aaguid);
	ck_flat_text(f, &key->label, CK_NAME_LIMIT_BYTES);
	ck_flat_common(f, &key->attestation, CK_NAME_LIMIT_BYTES, &usual_attestations);
	key->can_verify = (f->flags & FLAG_OF_KIND) != 0;
	key->attested = (f->flags & FLAG_ATTESTED) != 0;
	if (f->in != NULL) key->registration = (struct ck_bytes){NULL, 0};
	flat_traits(f, &key->traits);
}

static void flat_role(struct ck_flat *f, struct ck_role *role)
{
	ck_flat_text(f, &role->name, CK_NAME_LIMIT_BYTES);
	ck_flat_ids(f, &role->member_roles);
	ck_flat_ids(f, &role->all_staff_of);
}

static void flat_grant(struct ck_flat *f, struct ck_grant *grant)
{
	ck_flat_window(f, &grant->window);
	ck_flat_id(f, &grant->role);
	ck_flat_id(f, &grant->staff);
	ck_flat_id(f, &grant->granted_by);
	ck_flat_text(f, &grant->reason, CK_REASON_LIMIT_BYTES);
}

static void flat_system(struct ck_flat *f, struct ck_system *system)
{
	ck_flat_text(f, &system->name, CK_NAME_LIMIT_BYTES);
	ck_flat_ids(f, &system->groups);
}

static void flat_rule(struct ck_flat *f, struct ck_rule *rule)
{
	ck_flat_window(f, &rule->window);
	ck_flat_text(f, &rule->name, CK_NAME_LIMIT_BYTES);
	ck_flat_ids(f, &rule->targets);
	ck_flat_ids(f, &rule->roles);
	ck_flat_texts(f, &rule->accounts, CK_NAME_LIMIT_BYTES);
	ck_flat_texts(f, &rule->services, CK_NAME_LIMIT_BYTES);
	ck_flat_networks(f, &rule->sources);
	uint64_t proved = rule->proved;
	ck_flat_uint(f, &proved);
	if (proved > CK_PROVED_ALL) ck_flat_fail(f);
	rule->proved = (unsigned)proved;
	ck_flat_weekly(f, &rule->weekly);
	rule->all_systems = (f->flags & FLAG_OF_KIND) != 0;
}

static void flat_code(struct ck_flat *f, struct ck_code *code)
{
	ck_flat_window(f, &code->window);
	ck_flat_id(f, &code->staff);
	ck_flat_id(f, &code->issuer);
	ck_flat_fixed(f, code->hash, sizeof code->hash);
}

static void flat_key_use(struct ck_flat *f, struct ck_id id, struct ck_key_use *use)
{
	flat_hash(f, id, use->hash);
	ck_flat_id(f, &use->staff);
	uint64_t count = use->count;
	ck_flat_uint(f, &count);
	if (count > UINT32_MAX) ck_flat_fail(f);
	use->count = (uint32_t)count;
	ck_flat_time(f, &use->used_s);
}

/* Where a record keeps its status and window; NULL where its kind has none. */
static enum ck_status *status_of(struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY: return &record->as.authority_of.status;
	case CK_KIND_STAFF: return &record->as.staff.status;
	case CK_KIND_KEY: return &record->as.key.status;
	case CK_KIND_ROLE: return &record->as.role.status;
	case CK_KIND_SYSTEM: return &record->as.system.status;
	case CK_KIND_SYSTEM_GROUP: return &record->as.system_group.status;
	case CK_KIND_RULE: return &record->as.rule.status;
	case CK_KIND_NONE:
	case CK_KIND_GRANT:
	case CK_KIND_CODE:
	case CK_KIND_KEY_USE:
	default: return NULL;
	}
}

static const struct ck_window *window_of(const struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY: return &record->as.authority_of.window;
	case CK_KIND_STAFF: return &record->as.staff.window;
	case CK_KIND_KEY: return &record->as.key.window;
	case CK_KIND_GRANT: return &record->as.grant.window;
	case CK_KIND_RULE: return &record->as.rule.window;
	case CK_KIND_CODE: return &record->as.code.window;
	case CK_KIND_NONE:
	case CK_KIND_ROLE:
	case CK_KIND_SYSTEM:
	case CK_KIND_SYSTEM_GROUP:
	case CK_KIND_KEY_USE:
	default: return NULL;
	}
}

static uint8_t flags_of(const struct ck_record *record, enum ck_status status)
{
	unsigned flags = (unsigned)status & FLAG_STATUS;
	const struct ck_window *window = window_of(record);
	if (window != NULL && window->from_s == CK_TIME_ALWAYS) flags |= FLAG_FROM_ALWAYS;
	if (window != NULL && window->until_s == CK_TIME_UNLIMITED) flags |= FLAG_UNTIL_UNLIMITED;
	if (record->kind == CK_KIND_STAFF && record->as.staff.listed) flags |= FLAG_OF_KIND;
	if (record->kind == CK_KIND_STAFF && has_usual_home(&record->as.staff)) flags |= FLAG_HOME;
	if (record->kind == CK_KIND_STAFF && has_usual_name(&record->as.staff)) flags |= FLAG_NAMED;
	if (record->kind == CK_KIND_STAFF && record->as.staff.gid_number == record->as.staff.uid_number) flags |= FLAG_GROUP;
	if (record->kind == CK_KIND_KEY && record->as.key.can_verify) flags |= FLAG_OF_KIND;
	if (record->kind == CK_KIND_KEY && record->as.key.attested) flags |= FLAG_ATTESTED;
	if (record->kind == CK_KIND_KEY && record->as.key.traits != 0) flags |= FLAG_TRAITS;
	if (record->kind == CK_KIND_RULE && record->as.rule.all_systems) flags |= FLAG_OF_KIND;
	if (record->kind == CK_KIND_RULE && record->as.rule.sources.any) flags |= FLAG_ANY;
	if (record->kind == CK_KIND_RULE && record->as.rule.sources.local) flags |= FLAG_LOCAL;
	if (record->kind == CK_KIND_RULE && !record->as.rule.weekly.always) flags |= FLAG_WEEKLY;
	return (uint8_t)flags;
}

static bool status_valid(enum ck_kind kind, enum ck_status status)
{
	return status == CK_STATUS_ACTIVE || status == CK_STATUS_SUSPENDED || (status == CK_STATUS_REVOKED && kind == CK_KIND_KEY);
}

/* Everything between the three leading bytes and the checksum. */
static void flat_record(struct ck_flat *f, struct ck_record *record)
{
	enum ck_status *status = status_of(record);
	if (status != NULL && f->in != NULL) *status = (enum ck_status)(f->flags & FLAG_STATUS);
	if (status != NULL && !status_valid(record->kind, *status)) ck_flat_fail(f);
	ck_flat_id(f, &record->authority);
	ck_flat_fixed(f, record->entry_uuid, sizeof record->entry_uuid);
	ck_flat_csn(f, record);
	switch (record->kind) {
	case CK_KIND_AUTHORITY: flat_authority(f, &record->as.authority_of); break;
	case CK_KIND_STAFF: flat_staff(f, record); break;
	case CK_KIND_KEY: flat_key(f, record); break;
	case CK_KIND_ROLE: flat_role(f, &record->as.role); break;
	case CK_KIND_GRANT: flat_grant(f, &record->as.grant); break;
	case CK_KIND_SYSTEM: flat_system(f, &record->as.system); break;
	case CK_KIND_SYSTEM_GROUP: ck_flat_text(f, &record->as.system_group.name, CK_NAME_LIMIT_BYTES); break;
	case CK_KIND_RULE: flat_rule(f, &record->as.rule); break;
	case CK_KIND_CODE: flat_code(f, &record->as.code); break;
	case CK_KIND_KEY_USE: flat_key_use(f, record->id, &record->as.key_use); break;
	case CK_KIND_NONE:
	default: ck_flat_fail(f); break;
	}
}

uint32_t ck_flat_seal(struct ck_bytes filed_under, struct ck_bytes body)
{
	uint32_t crc = ck_crc32c(filed_under.at, filed_under.length);
	/* rotated: the same flip at the end of both must not cancel out */
	return ck_crc32c(body.at, body.length) ^ (crc << 13 | crc >> 19);
}

uint32_t ck_flat_crc(enum ck_kind kind, struct ck_id id, struct ck_bytes body)
{
	uint8_t filed[17];
	filed[0] = (uint8_t)kind;
	memcpy(filed + 1, id.bytes, sizeof id.bytes);
	return ck_flat_seal((struct ck_bytes){filed, sizeof filed}, body);
}

enum ck_error ck_flat_encode(const struct ck_record *record, uint8_t out[CK_FLAT_LIMIT_BYTES], size_t *out_length)
{
	*out_length = 0;
	if (record->kind <= CK_KIND_NONE || record->kind > CK_KIND_LAST) return CK_ERR_INVALID;
	struct ck_record copy = *record;
	struct ck_writer writer;
	ck_writer_init(&writer, out, CK_FLAT_LIMIT_BYTES);
	enum ck_status *status = status_of(&copy);
	struct ck_flat f = {.out = &writer, .flags = flags_of(record, status != NULL ? *status : CK_STATUS_NONE)};
	ck_put_u8(&writer, CK_FLAT_VERSION);
	ck_put_u8(&writer, (uint8_t)record->kind);
	ck_put_u8(&writer, f.flags);
	flat_record(&f, &copy);
	if (writer.failed) return CK_ERR_INVALID;
	ck_put_u32le(&writer, ck_flat_crc(record->kind, record->id, (struct ck_bytes){out, ck_writer_length(&writer)}));
	if (writer.failed) return CK_ERR_INVALID;
	*out_length = ck_writer_length(&writer);
	return CK_OK;
}

enum ck_error ck_flat_decode(enum ck_kind kind, struct ck_id id, struct ck_bytes bytes, struct ck_record *out)
{
	out->kind = CK_KIND_NONE;
	if (kind <= CK_KIND_NONE || kind > CK_KIND_LAST || bytes.length <= CK_FLAT_CRC_BYTES) return CK_ERR_CORRUPT;
	struct ck_bytes body = {bytes.at, bytes.length - CK_FLAT_CRC_BYTES};
	struct ck_reader reader;
	ck_reader_init(&reader, body.at + body.length, CK_FLAT_CRC_BYTES);
	if (ck_get_u32le(&reader) != ck_flat_crc(kind, id, body)) return CK_ERR_CORRUPT;

	ck_reader_init(&reader, body.at, body.length);
	struct ck_flat f = {.in = &reader};
	if (ck_get_u8(&reader) != CK_FLAT_VERSION || ck_get_u8(&reader) != (uint8_t)kind) return CK_ERR_CORRUPT;
	f.flags = ck_get_u8(&reader);
	if ((f.flags & ~(unsigned)flags_of_kind[kind]) != 0) return CK_ERR_CORRUPT;
	out->kind = kind;
	out->id = id;
	flat_record(&f, out);
	if (!ck_reader_done(&reader)) {
		out->kind = CK_KIND_NONE;
		return CK_ERR_CORRUPT;
	}
	return CK_OK;
}
