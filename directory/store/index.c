/* Which keys find a record: the one place that knows. Writing, removing and checking what a look-up returned all go through it, so that
   no index can be left behind. */
#include "directory/store/index.h"

#include <string.h>

void ck_index_begin(struct ck_index_key *key, enum ck_table table)
{
	key->length = 0;
	key->failed = false;
	ck_index_add_byte(key, (uint8_t)table);
}

void ck_index_add_bytes(struct ck_index_key *key, const void *bytes, size_t length)
{
	if (key->failed || length > sizeof key->bytes - key->length) {
		key->failed = true;
		return;
	}
	if (length > 0) memcpy(key->bytes + key->length, bytes, length);
	key->length += length;
}

void ck_index_add_byte(struct ck_index_key *key, uint8_t byte)
{
	ck_index_add_bytes(key, &byte, 1);
}

void ck_index_add_id(struct ck_index_key *key, struct ck_id id)
{
	ck_index_add_bytes(key, id.bytes, sizeof id.bytes);
}

void ck_index_add_short(struct ck_index_key *key, struct ck_id id)
{
	ck_index_add_bytes(key, ck_id_short(&id), CK_SHORT_ID_BYTES);
}

void ck_index_add_text(struct ck_index_key *key, struct ck_text text)
{
	ck_index_add_bytes(key, text.at, text.length);
}

void ck_index_record(struct ck_index_key *key, enum ck_kind kind, struct ck_id id)
{
	ck_index_begin(key, (enum ck_table)kind);
	ck_index_add_short(key, id);
	ck_index_add_bytes(key, id.bytes, sizeof id.bytes - CK_SHORT_ID_BYTES);
}

bool ck_index_id_of_record(struct ck_bytes key, struct ck_id *out)
{
	size_t rest = sizeof out->bytes - CK_SHORT_ID_BYTES;
	if (key.length != 1 + sizeof out->bytes) return false;
	memcpy(out->bytes + rest, key.at + 1, CK_SHORT_ID_BYTES);
	memcpy(out->bytes, key.at + 1 + CK_SHORT_ID_BYTES, rest);
	return true;
}

int ck_index_compare_ids(const struct ck_id *a, const struct ck_id *b)
{
	int order = memcmp(ck_id_short(a), ck_id_short(b), CK_SHORT_ID_BYTES);
	return order != 0 ? order : memcmp(a->bytes, b->bytes, sizeof a->bytes - CK_SHORT_ID_BYTES);
}

void ck_index_uuid(struct ck_index_key *key, const uint8_t entry_uuid[16])
{
	uint8_t folded[8];
	/* one half is mostly a server's, the other a moment's */
	for (size_t i = 0; i < sizeof folded; i++) folded[i] = entry_uuid[i] ^ entry_uuid[i + sizeof folded];
	ck_index_begin(key, CK_TABLE_UUID);
	ck_index_add_bytes(key, folded, sizeof folded);
}

void ck_index_uuid_of(struct ck_index_key *key, const uint8_t entry_uuid[16], enum ck_kind kind, struct ck_id id)
{
	ck_index_uuid(key, entry_uuid);
	ck_index_add_byte(key, (uint8_t)kind);
	ck_index_add_short(key, id);
}

void ck_index_record_short(struct ck_index_key *key, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES])
{
	ck_index_begin(key, (enum ck_table)kind);
	ck_index_add_bytes(key, id, CK_SHORT_ID_BYTES);
}

void ck_index_uid_number(struct ck_index_key *key, uint64_t uid_number)
{
	ck_index_begin(key, CK_TABLE_UID_NUMBER);
	for (int shift = 56; shift >= 0; shift -= 8) ck_index_add_byte(key, (uint8_t)(uid_number >> shift));
}

void ck_index_mail(struct ck_index_key *key, struct ck_text mail)
{
	ck_index_begin(key, CK_TABLE_MAIL);
	for (size_t i = 0; i < mail.length && !key->failed; i++) {
		char c = mail.at[i];
		ck_index_add_byte(key, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
	}
}

void ck_index_staff_number(struct ck_index_key *key, struct ck_id authority, struct ck_text number)
{
	ck_index_begin(key, CK_TABLE_STAFF_NUMBER);
	ck_index_add_short(key, authority);
	ck_index_add_text(key, number);
}

void ck_index_name(struct ck_index_key *key, enum ck_kind kind, struct ck_id authority, struct ck_text name)
{
	ck_index_begin(key, CK_TABLE_NAME);
	ck_index_add_byte(key, (uint8_t)kind);
	ck_index_add_id(key, kind == CK_KIND_AUTHORITY || kind == CK_KIND_SYSTEM ? CK_NO_AUTHORITY : authority);
	ck_index_add_text(key, name);
}

bool ck_index_telephone(struct ck_index_key *key, struct ck_text telephone)
{
	ck_index_begin(key, CK_TABLE_TELEPHONE);
	bool digits = false;
	for (size_t i = 0; i < telephone.length && !key->failed; i++) {
		char c = telephone.at[i];
		bool digit = c >= '0' && c <= '9';
		if (digit || (c == '+' && key->length == 1)) ck_index_add_byte(key, (uint8_t)c);
		digits = digits || digit;
	}
	ck_index_add_byte(key, 0);
	key->failed = key->failed || !digits;
	return !key->failed;
}

bool ck_index_by_authority(enum ck_kind kind)
{
	return kind == CK_KIND_STAFF || kind == CK_KIND_ROLE || kind == CK_KIND_SYSTEM || kind == CK_KIND_SYSTEM_GROUP || kind == CK_KIND_RULE;
}

struct each {
	ck_index_visitor visit;
	void *context;
	struct ck_index_key key;
};

static bool each_key(struct each *e, const char *what)
{
	return e->visit(&e->key, what, e->context);
}

/* [table][of][id] → nothing. */
static bool each_listed(struct each *e, enum ck_table table, struct ck_id of, struct ck_id id, const char *what)
{
	ck_index_begin(&e->key, table);
	ck_index_add_short(&e->key, of);
	ck_index_add_short(&e->key, id);
	return each_key(e, what);
}

static bool each_staff(struct each *e, const struct ck_record *record)
{
	const struct ck_staff *staff = &record->as.staff;
	ck_index_begin(&e->key, CK_TABLE_UID);
	ck_index_add_text(&e->key, staff->uid);
	if (!each_key(e, "uid")) return false;
	ck_index_uid_number(&e->key, staff->uid_number);
	if (!each_key(e, "uidNumber")) return false;
	if (staff->mail.length > 0) {
		ck_index_mail(&e->key, staff->mail);
		if (!each_key(e, "mail")) return false;
	}
	if (staff->staff_number.length > 0) {
		ck_index_staff_number(&e->key, record->authority, staff->staff_number);
		if (!each_key(e, "staff number")) return false;
	}
	if (ck_index_telephone(&e->key, staff->telephone)) {
		ck_index_add_short(&e->key, record->id);
		if (!each_key(e, "telephone")) return false;
	}
	return true;
}

static bool each_grant(struct each *e, const struct ck_record *record)
{
	const struct ck_grant *grant = &record->as.grant;
	ck_index_begin(&e->key, CK_TABLE_GRANTS_OF);
	ck_index_add_short(&e->key, grant->staff);
	ck_index_add_short(&e->key, grant->role);
	ck_index_add_short(&e->key, record->id);
	return each_key(e, "staff") && each_listed(e, CK_TABLE_GRANTS_BY_ROLE, grant->role, record->id, "role");
}

/* A target written twice has one key, and so have two that end alike: whoever follows it compares the whole. */
static bool named_before(const struct ck_ids *ids, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (memcmp(ck_id_short(&ids->at[k]), ck_id_short(&ids->at[i]), CK_SHORT_ID_BYTES) == 0) return true;
	}
	return false;
}

static bool each_rule(struct each *e, const struct ck_record *record)
{
	const struct ck_rule *rule = &record->as.rule;
	for (size_t i = 0; i < rule->targets.count; i++) {
		if (named_before(&rule->targets, i)) continue;
		if (!each_listed(e, CK_TABLE_RULES_FOR, rule->targets.at[i], record->id, "target")) return false;
	}
	return !rule->all_systems || each_listed(e, CK_TABLE_RULES_FOR_ALL, record->authority, record->id, "target");
}

static struct ck_text name_of(const struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY: return record->as.authority_of.name;
	case CK_KIND_ROLE: return record->as.role.name;
	case CK_KIND_SYSTEM: return record->as.system.name;
	case CK_KIND_SYSTEM_GROUP: return record->as.system_group.name;
	case CK_KIND_RULE: return record->as.rule.name;
	case CK_KIND_NONE:
	case CK_KIND_STAFF:
	case CK_KIND_KEY:
	case CK_KIND_GRANT:
	case CK_KIND_CODE:
	case CK_KIND_KEY_USE:
	default: return (struct ck_text){NULL, 0};
	}
}

static bool each_of_kind(struct each *e, const struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_STAFF: return each_staff(e, record);
	case CK_KIND_KEY: return each_listed(e, CK_TABLE_KEYS_OF, record->as.key.staff, record->id, "staff");
	case CK_KIND_CODE: return each_listed(e, CK_TABLE_CODES_OF, record->as.code.staff, record->id, "staff");
	case CK_KIND_GRANT: return each_grant(e, record);
	case CK_KIND_RULE: return each_rule(e, record);
	case CK_KIND_NONE:
	case CK_KIND_AUTHORITY:
	case CK_KIND_ROLE:
	case CK_KIND_SYSTEM:
	case CK_KIND_SYSTEM_GROUP:
	case CK_KIND_KEY_USE:
	default: return true;
	}
}

void ck_index_each(const struct ck_record *record, ck_index_visitor each, void *context)
{
	struct each e = {.visit = each, .context = context};
	struct ck_text name = name_of(record);
	if (name.length > 0) {
		ck_index_name(&e.key, record->kind, record->authority, name);
		if (!each_key(&e, "name")) return;
	}
	if (!each_of_kind(&e, record)) return;
	if (ck_index_by_authority(record->kind)) {
		ck_index_begin(&e.key, CK_TABLE_BY_AUTHORITY);
		ck_index_add_byte(&e.key, (uint8_t)record->kind);
		ck_index_add_short(&e.key, record->authority);
		ck_index_add_short(&e.key, record->id);
		(void)each_key(&e, "authority");
	}
}

struct sought {
	const struct ck_index_key *key;
	bool found;
};

static bool is_sought(const struct ck_index_key *key, const char *what, void *context)
{
	struct sought *sought = context;
	(void)what;
	sought->found = !key->failed && key->length == sought->key->length && memcmp(key->bytes, sought->key->bytes, key->length) == 0;
	return !sought->found;
}

bool ck_index_has(const struct ck_record *record, const struct ck_index_key *key)
{
	struct sought sought = {.key = key};
	ck_index_each(record, is_sought, &sought);
	return sought.found;
}
