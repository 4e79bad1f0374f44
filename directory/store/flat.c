/* Record ⇄ flat bytes. Each kind has one function that runs in both directions, so that writing and reading cannot drift apart.
   Trusts nothing: the bytes come from a file that may be damaged; the checksum is looked at first, every length still checked. */
#include "directory/store/flat.h"

#include <string.h>

#include "directory/base/buffer.h"
#include "directory/base/clock.h"
#include "directory/store/flat_csn.h"

/* The flags byte: the status in the low bits, then what saves space or has no room elsewhere. */
#define FLAG_STATUS 0x03u
#define FLAG_FROM_ALWAYS 0x04u
#define FLAG_UNTIL_UNLIMITED 0x08u
#define FLAG_OF_KIND 0x10u /* staff: listed; key: can verify; rule: all systems */
#define FLAG_ANY 0x20u     /* rule: from anywhere */
#define FLAG_LOCAL 0x40u   /* rule: from the machine itself */
#define FLAG_ATTESTED FLAG_ANY /* key: by a root that is trusted here */
#define FLAG_TRAITS 0x80u  /* key: they follow, at its end; records of earlier releases have none */
#define FLAG_HOME FLAG_ANY   /* staff: "/home/" and the login name */
#define FLAG_GROUP FLAG_LOCAL /* staff: the group's number is the person's */
#define FLAG_NAMED 0x80u     /* staff: the name is given name, a space, surname */
#define FLAG_WEEKLY 0x80u  /* rule: at some hours of the week only */
#define HOMES "/home/"
#define FLAGS_WINDOW (FLAG_FROM_ALWAYS | FLAG_UNTIL_UNLIMITED)

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

/* One direction or the other; a failure is sticky in the writer or reader. */
struct flat {
	struct ck_writer *out; /* NULL when reading */
	struct ck_reader *in;
	uint8_t flags;
};

static void flat_fail(struct flat *f)
{
	if (f->out != NULL) f->out->failed = true;
	else f->in->failed = true;
}

static void flat_fixed(struct flat *f, uint8_t *bytes, size_t length)
{
	if (f->out != NULL) {
		ck_put_bytes(f->out, bytes, length);
		return;
	}
	const uint8_t *at = ck_get_bytes(f->in, length);
	if (at != NULL) memcpy(bytes, at, length);
	else memset(bytes, 0, length);
}

static void flat_id(struct flat *f, struct ck_id *id)
{
	flat_fixed(f, id->bytes, sizeof id->bytes);
}

/* Seven bits a byte, lowest first; only the shortest form is read. */
static void flat_uint(struct flat *f, uint64_t *value)
{
	if (f->out != NULL) {
		uint64_t rest = *value;
		for (; rest >= 0x80; rest >>= 7) ck_put_u8(f->out, (uint8_t)(rest | 0x80));
		ck_put_u8(f->out, (uint8_t)rest);
		return;
	}
	uint64_t sum = 0;
	*value = 0;
	/* most are lengths */
	if (ck_reader_left(f->in) > 0 && *f->in->at < 0x80) {
		*value = ck_get_u8(f->in);
		return;
	}
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = ck_get_u8(f->in);
		if (shift == 63 && byte > 1) break;
		sum |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) != 0) continue;
		if (byte == 0 && shift > 0) break;
		*value = sum;
		return;
	}
	flat_fail(f);
}

static size_t flat_count(struct flat *f, size_t count, size_t limit)
{
	uint64_t value = count;
	if (f->out != NULL && count > limit) flat_fail(f);
	flat_uint(f, &value);
	if (value > limit) flat_fail(f);
	return f->in != NULL && f->in->failed ? 0 : (size_t)value;
}

static void flat_bytes(struct flat *f, struct ck_bytes *bytes, size_t limit_bytes)
{
	size_t length = flat_count(f, bytes->length, limit_bytes);
	if (f->out != NULL) {
		if (length <= limit_bytes && length > 0) ck_put_bytes(f->out, bytes->at, length);
		return;
	}
	bytes->at = length > 0 ? ck_get_bytes(f->in, length) : NULL;
	bytes->length = bytes->at != NULL ? length : 0;
}

static void flat_text(struct flat *f, struct ck_text *text, size_t limit_bytes)
{
	struct ck_bytes bytes = {(const uint8_t *)text->at, text->length};
	flat_bytes(f, &bytes, limit_bytes);
	*text = (struct ck_text){(const char *)bytes.at, bytes.length};
}

/* One of a few texts that most have, or any other. Each is a number below the lengths of the others. */
struct common {
	const char *const *at;
	size_t count;
};
static const char *const shells[] = {"/bin/bash", "/bin/sh", "/usr/bin/bash", "/bin/zsh", "/usr/bin/zsh", "/usr/sbin/nologin", "/bin/false"};
static const char *const attestations[] = {CK_ATTESTATION_NONE, CK_ATTESTATION_SELF, CK_ATTESTATION_CERTIFICATE};

static size_t common_of(const struct common *common, struct ck_text text)
{
	for (size_t i = 0; i < common->count; i++)
		if (ck_text_is(text, common->at[i])) return i;
	return common->count;
}

static void flat_common(struct flat *f, struct ck_text *text, size_t limit_bytes, const struct common *common)
{
	size_t index = f->out != NULL ? common_of(common, *text) : 0;
	size_t value = flat_count(f, index < common->count ? index : common->count + text->length, common->count + limit_bytes);
	if (value < common->count) {
		if (f->in != NULL) *text = ck_text_of(common->at[value]);
		return;
	}
	if (f->out != NULL) {
		if (text->length > 0 && text->length <= limit_bytes) ck_put_bytes(f->out, text->at, text->length);
		return;
	}
	const uint8_t *at = ck_get_bytes(f->in, value - common->count);
	*text = (struct ck_text){(const char *)at, at != NULL ? value - common->count : 0};
	if (text->length == 0) text->at = NULL;
	if (common_of(common, *text) < common->count) flat_fail(f); /* one form only */
}

/* Its length, or that it is packed. Of what is packed seven bytes are the time; count and change are mostly zero. */
#define CSN_PACKED (CK_CSN_LIMIT_BYTES + 1)
#define CSN_TIME_BYTES 7u
#define CSN_COUNTS 1u
#define CSN_CHANGES 2u

static void flat_packed_csn(struct flat *f, struct ck_packed_csn *packed)
{
	uint64_t head = packed->server << 2 | (packed->count != 0 ? CSN_COUNTS : 0) | (packed->change != 0 ? CSN_CHANGES : 0);
	uint8_t time[CSN_TIME_BYTES];
	for (size_t i = 0; i < sizeof time; i++) time[i] = (uint8_t)(packed->at_us >> (8 * i));
	flat_fixed(f, time, sizeof time);
	flat_uint(f, &head);
	if ((head & CSN_COUNTS) != 0) flat_uint(f, &packed->count);
	if ((head & CSN_CHANGES) != 0) flat_uint(f, &packed->change);
	if (f->out != NULL) return;
	packed->at_us = 0;
	for (size_t i = 0; i < sizeof time; i++) packed->at_us |= (uint64_t)time[i] << (8 * i);
	packed->server = head >> 2;
	if (((head & CSN_COUNTS) != 0) != (packed->count != 0) || ((head & CSN_CHANGES) != 0) != (packed->change != 0)) flat_fail(f);
	if (!ck_packed_csn_valid(packed)) flat_fail(f);
}

static void flat_csn(struct flat *f, struct ck_record *record)
{
	struct ck_packed_csn packed = {0};
	bool packs = f->out != NULL && ck_csn_pack(record->csn, &packed);
	size_t value = flat_count(f, packs ? CSN_PACKED : record->csn.length, CSN_PACKED);
	if (value == CSN_PACKED) {
		if (f->out != NULL && !packs) flat_fail(f); /* longer than any */
		flat_packed_csn(f, &packed);
		if (f->in == NULL || f->in->failed) return;
		ck_csn_unpack(&packed, (char *)record->made);
		record->csn = (struct ck_text){(const char *)record->made, CK_PACKED_CSN_TEXT_BYTES};
		return;
	}
	if (f->out != NULL) {
		if (value > 0) ck_put_bytes(f->out, record->csn.at, value);
		return;
	}
	const char *at = value > 0 ? (const char *)ck_get_bytes(f->in, value) : NULL;
	record->csn = (struct ck_text){at, at != NULL ? value : 0};
	if (ck_csn_pack(record->csn, &packed)) flat_fail(f); /* one form only */
}

static void flat_texts(struct flat *f, struct ck_texts *texts, size_t limit_bytes)
{
	size_t count = flat_count(f, texts->count, CK_LIST_LIMIT);
	for (size_t i = 0; i < count && i < CK_LIST_LIMIT; i++) flat_text(f, &texts->at[i], limit_bytes);
	texts->count = count;
}

static void flat_ids(struct flat *f, struct ck_ids *ids)
{
	_Static_assert(sizeof(struct ck_id) == 16 && _Alignof(struct ck_id) == 1, "lists of ids are borrowed from the page");
	size_t count = flat_count(f, ids->count, CK_LIST_LIMIT);
	if (f->out != NULL) {
		if (count <= CK_LIST_LIMIT && count > 0) ck_put_bytes(f->out, ids->at, count * sizeof *ids->at);
		return;
	}
	const uint8_t *at = count > 0 ? ck_get_bytes(f->in, count * sizeof *ids->at) : NULL;
	*ids = (struct ck_ids){(const struct ck_id *)(const void *)at, at != NULL ? count : 0};
}

/* Zigzag, so that times before 1970 stay short. */
static void flat_time(struct flat *f, int64_t *time_s)
{
	uint64_t value = ((uint64_t)*time_s << 1) ^ (*time_s < 0 ? UINT64_MAX : 0);
	flat_uint(f, &value);
	if (f->in != NULL) *time_s = (int64_t)((value >> 1) ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

static void flat_window(struct flat *f, struct ck_window *window)
{
	if (f->in != NULL) *window = (struct ck_window){CK_TIME_ALWAYS, CK_TIME_UNLIMITED};
	if ((f->flags & FLAG_FROM_ALWAYS) == 0) flat_time(f, &window->from_s);
	if ((f->flags & FLAG_UNTIL_UNLIMITED) == 0) flat_time(f, &window->until_s);
	/* one form only */
	if ((f->flags & FLAG_FROM_ALWAYS) == 0 && window->from_s == CK_TIME_ALWAYS) flat_fail(f);
	if ((f->flags & FLAG_UNTIL_UNLIMITED) == 0 && window->until_s == CK_TIME_UNLIMITED) flat_fail(f);
}

static void flat_networks(struct flat *f, struct ck_networks *networks)
{
	networks->any = (f->flags & FLAG_ANY) != 0;
	networks->local = (f->flags & FLAG_LOCAL) != 0;
	size_t count = flat_count(f, networks->count, CK_LIST_LIMIT);
	networks->count = count;
	for (size_t i = 0; i < count && i < CK_LIST_LIMIT; i++) {
		struct ck_network *network = &networks->at[i];
		flat_fixed(f, &network->family, 1);
		flat_fixed(f, &network->prefix_bits, 1);
		size_t length = network->family == 4 ? 4 : 16;
		if ((network->family != 4 && network->family != 6) || network->prefix_bits > 8 * length) flat_fail(f);
		if (f->in != NULL) memset(network->address, 0, sizeof network->address);
		flat_fixed(f, network->address, length);
	}
}

/* Shifts as distances from the one before: three or four bytes each. A table that covers nothing is one byte. */
static void flat_zone(struct flat *f, struct ck_zone_table *table)
{
	uint64_t covers = (uint64_t)table->until_s - (uint64_t)table->from_s;
	if (f->in != NULL) memset(table, 0, offsetof(struct ck_zone_table, at));
	flat_uint(f, &covers);
	if (covers == 0) {
		if (!ck_zone_table_valid(table)) flat_fail(f);
		return;
	}
	int64_t offset_s = table->offset_s, before_s;
	flat_time(f, &table->from_s);
	flat_time(f, &offset_s);
	before_s = table->from_s;
	table->offset_s = (int32_t)offset_s;
	table->until_s = (int64_t)((uint64_t)table->from_s + covers);
	size_t count = flat_count(f, table->count, CK_ZONE_SHIFTS_LIMIT);
	table->count = count;
	bool fits = offset_s == table->offset_s;
	for (size_t i = 0; i < count && i < CK_ZONE_SHIFTS_LIMIT; i++) {
		struct ck_zone_shift *shift = &table->at[i];
		uint64_t after_s = (uint64_t)shift->at_s - (uint64_t)before_s;
		offset_s = shift->offset_s;
		flat_uint(f, &after_s);
		flat_time(f, &offset_s);
		before_s = (int64_t)((uint64_t)before_s + after_s);
		*shift = (struct ck_zone_shift){before_s, (int32_t)offset_s};
		fits = fits && offset_s == shift->offset_s;
	}
	if (!fits || !ck_zone_table_valid(table)) flat_fail(f);
}

static void flat_weekly(struct flat *f, struct ck_weekly *weekly)
{
	weekly->always = (f->flags & FLAG_WEEKLY) == 0;
	if (weekly->always) {
		if (f->in != NULL) weekly->count = 0;
		return;
	}
	size_t count = flat_count(f, weekly->count, CK_WEEKLY_LIMIT);
	weekly->count = count;
	for (size_t i = 0; i < count && i < CK_WEEKLY_LIMIT; i++) {
		struct ck_weekly_span *span = &weekly->at[i];
		uint64_t from = span->from_minute, until = span->until_minute;
		flat_fixed(f, &span->first_day, 1);
		flat_fixed(f, &span->last_day, 1);
		flat_uint(f, &from);
		flat_uint(f, &until);
		if (from > UINT16_MAX || until > UINT16_MAX) flat_fail(f);
		span->from_minute = (uint16_t)from;
		span->until_minute = (uint16_t)until;
	}
	if (!ck_weekly_valid(weekly)) flat_fail(f);
}

static void flat_authority(struct flat *f, struct ck_authority *authority)
{
	flat_window(f, &authority->window);
	flat_text(f, &authority->name, CK_NAME_LIMIT_BYTES);
	flat_text(f, &authority->kind, CK_NAME_LIMIT_BYTES);
	flat_id(f, &authority->admin_role);
	flat_uint(f, &authority->uid_number_first);
	flat_uint(f, &authority->uid_number_last);
	flat_texts(f, &authority->mail_domains, CK_NAME_LIMIT_BYTES);
	flat_text(f, &authority->zone, CK_ZONE_NAME_LIMIT_BYTES);
	flat_zone(f, &authority->zone_table);
}

static bool has_usual_home(const struct ck_staff *staff)
{
	size_t before = sizeof HOMES - 1;
	return staff->home.length == before + staff->uid.length && memcmp(staff->home.at, HOMES, before) == 0 &&
	       memcmp(staff->home.at + before, staff->uid.at, staff->uid.length) == 0;
}

/* Given name, a space, surname: nothing more. */
static bool has_usual_name(const struct ck_staff *staff)
{
	struct ck_text cn = staff->cn, given = staff->given_name, sn = staff->sn;
	return given.length > 0 && sn.length > 0 && cn.length == given.length + 1 + sn.length && memcmp(cn.at, given.at, given.length) == 0 &&
	       cn.at[given.length] == ' ' && memcmp(cn.at + given.length + 1, sn.at, sn.length) == 0;
}

static void flat_names(struct flat *f, struct ck_staff *staff)
{
	flat_text(f, &staff->cn, CK_NAME_LIMIT_BYTES);
	if ((f->flags & FLAG_NAMED) == 0) {
		flat_text(f, &staff->given_name, CK_NAME_LIMIT_BYTES);
		flat_text(f, &staff->sn, CK_NAME_LIMIT_BYTES);
		if (has_usual_name(staff) && f->in != NULL) flat_fail(f); /* one form only */
		return;
	}
	size_t given = flat_count(f, staff->given_name.length, CK_NAME_LIMIT_BYTES);
	if (f->out != NULL) return;
	if (given == 0 || given + 1 >= staff->cn.length || staff->cn.at[given] != ' ') {
		flat_fail(f);
		return;
	}
	staff->given_name = (struct ck_text){staff->cn.at, given};
	staff->sn = (struct ck_text){staff->cn.at + given + 1, staff->cn.length - given - 1};
}

static void flat_home(struct flat *f, struct ck_record *record)
{
	struct ck_staff *staff = &record->as.staff;
	char *made = (char *)record->made + CK_PACKED_CSN_TEXT_BYTES;
	_Static_assert(CK_PACKED_CSN_TEXT_BYTES + sizeof HOMES - 1 + CK_UID_LIMIT_BYTES <= CK_RECORD_MADE_BYTES, "both have room");
	if ((f->flags & FLAG_HOME) == 0) {
		flat_text(f, &staff->home, CK_NAME_LIMIT_BYTES);
		if (f->in != NULL && has_usual_home(staff)) flat_fail(f); /* one form only */
		return;
	}
	if (f->out != NULL) return;
	memcpy(made, HOMES, sizeof HOMES - 1);
	if (staff->uid.length > 0) memcpy(made + sizeof HOMES - 1, staff->uid.at, staff->uid.length);
	staff->home = (struct ck_text){made, sizeof HOMES - 1 + staff->uid.length};
}

static void flat_staff(struct flat *f, struct ck_record *record)
{
	struct ck_staff *staff = &record->as.staff;
	const struct common usual_shells = {shells, sizeof shells / sizeof *shells};
	flat_window(f, &staff->window);
	flat_uint(f, &staff->uid_number);
	if ((f->flags & FLAG_GROUP) == 0) flat_uint(f, &staff->gid_number);
	else if (f->in != NULL) staff->gid_number = staff->uid_number;
	if ((f->flags & FLAG_GROUP) == 0 && staff->gid_number == staff->uid_number) flat_fail(f);
	flat_text(f, &staff->uid, CK_UID_LIMIT_BYTES);
	flat_names(f, staff);
	struct ck_text *texts[] = {&staff->mail, &staff->telephone, &staff->title, &staff->department, &staff->staff_number};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) flat_text(f, texts[i], CK_NAME_LIMIT_BYTES);
	flat_home(f, record);
	flat_common(f, &staff->shell, CK_NAME_LIMIT_BYTES, &usual_shells);
	staff->listed = (f->flags & FLAG_OF_KIND) != 0;
}

static void flat_traits(struct flat *f, unsigned *traits)
{
	uint64_t value = *traits;
	if (f->in != NULL) *traits = 0;
	if ((f->flags & FLAG_TRAITS) == 0) return;
	flat_uint(f, &value);
	if (value == 0 || value > CK_TRAITS_ALL) flat_fail(f);
	else *traits = (unsigned)value;
}

/* The first half of a key's hash is the id that the record is filed under. */
static void flat_hash(struct flat *f, struct ck_id id, uint8_t hash[CK_HASH_BYTES])
{
	if (f->in != NULL) memcpy(hash, id.bytes, sizeof id.bytes);
	else if (memcmp(hash, id.bytes, sizeof id.bytes) != 0) flat_fail(f);
	flat_fixed(f, hash + sizeof id.bytes, CK_HASH_BYTES - sizeof id.bytes);
}

static void flat_key(struct flat *f, struct ck_record *record)
{
	struct ck_key *key = &record->as.key;
	const struct common usual_attestations = {attestations, sizeof attestations / sizeof *attestations};
	flat_hash(f, record->id, key->hash);
	flat_window(f, &key->window);
	flat_id(f, &key->staff);
	flat_bytes(f, &key->credential_id, CK_CREDENTIAL_ID_LIMIT_BYTES);
	flat_bytes(f, &key->public_key, CK_PUBLIC_KEY_LIMIT_BYTES);
	/* a host name, up to 253 bytes */
	flat_text(f, &key->rp_id, 255);
	flat_fixed(f, key->aaguid, sizeof key->aaguid);
	flat_text(f, &key->label, CK_NAME_LIMIT_BYTES);
	flat_common(f, &key->attestation, CK_NAME_LIMIT_BYTES, &usual_attestations);
	key->can_verify = (f->flags & FLAG_OF_KIND) != 0;
	key->attested = (f->flags & FLAG_ATTESTED) != 0;
	if (f->in != NULL) key->registration = (struct ck_bytes){NULL, 0};
	flat_traits(f, &key->traits);
}

static void flat_role(struct flat *f, struct ck_role *role)
{
	flat_text(f, &role->name, CK_NAME_LIMIT_BYTES);
	flat_ids(f, &role->member_roles);
	flat_ids(f, &role->all_staff_of);
}

static void flat_grant(struct flat *f, struct ck_grant *grant)
{
	flat_window(f, &grant->window);
	flat_id(f, &grant->role);
	flat_id(f, &grant->staff);
	flat_id(f, &grant->granted_by);
	flat_text(f, &grant->reason, CK_REASON_LIMIT_BYTES);
}

static void flat_system(struct flat *f, struct ck_system *system)
{
	flat_text(f, &system->name, CK_NAME_LIMIT_BYTES);
	flat_ids(f, &system->groups);
}

static void flat_rule(struct flat *f, struct ck_rule *rule)
{
	flat_window(f, &rule->window);
	flat_text(f, &rule->name, CK_NAME_LIMIT_BYTES);
	flat_ids(f, &rule->targets);
	flat_ids(f, &rule->roles);
	flat_texts(f, &rule->accounts, CK_NAME_LIMIT_BYTES);
	flat_texts(f, &rule->services, CK_NAME_LIMIT_BYTES);
	flat_networks(f, &rule->sources);
	uint64_t proved = rule->proved;
	flat_uint(f, &proved);
	if (proved > CK_PROVED_ALL) flat_fail(f);
	rule->proved = (unsigned)proved;
	flat_weekly(f, &rule->weekly);
	rule->all_systems = (f->flags & FLAG_OF_KIND) != 0;
}

static void flat_code(struct flat *f, struct ck_code *code)
{
	flat_window(f, &code->window);
	flat_id(f, &code->staff);
	flat_id(f, &code->issuer);
	flat_fixed(f, code->hash, sizeof code->hash);
}

static void flat_key_use(struct flat *f, struct ck_id id, struct ck_key_use *use)
{
	flat_hash(f, id, use->hash);
	flat_id(f, &use->staff);
	uint64_t count = use->count;
	flat_uint(f, &count);
	if (count > UINT32_MAX) flat_fail(f);
	use->count = (uint32_t)count;
	flat_time(f, &use->used_s);
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
static void flat_record(struct flat *f, struct ck_record *record)
{
	enum ck_status *status = status_of(record);
	if (status != NULL && f->in != NULL) *status = (enum ck_status)(f->flags & FLAG_STATUS);
	if (status != NULL && !status_valid(record->kind, *status)) flat_fail(f);
	flat_id(f, &record->authority);
	flat_fixed(f, record->entry_uuid, sizeof record->entry_uuid);
	flat_csn(f, record);
	switch (record->kind) {
	case CK_KIND_AUTHORITY: flat_authority(f, &record->as.authority_of); break;
	case CK_KIND_STAFF: flat_staff(f, record); break;
	case CK_KIND_KEY: flat_key(f, record); break;
	case CK_KIND_ROLE: flat_role(f, &record->as.role); break;
	case CK_KIND_GRANT: flat_grant(f, &record->as.grant); break;
	case CK_KIND_SYSTEM: flat_system(f, &record->as.system); break;
	case CK_KIND_SYSTEM_GROUP: flat_text(f, &record->as.system_group.name, CK_NAME_LIMIT_BYTES); break;
	case CK_KIND_RULE: flat_rule(f, &record->as.rule); break;
	case CK_KIND_CODE: flat_code(f, &record->as.code); break;
	case CK_KIND_KEY_USE: flat_key_use(f, record->id, &record->as.key_use); break;
	case CK_KIND_NONE:
	default: flat_fail(f); break;
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
	struct flat f = {.out = &writer, .flags = flags_of(record, status != NULL ? *status : CK_STATUS_NONE)};
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
	struct flat f = {.in = &reader};
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
