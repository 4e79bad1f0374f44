/* Reading lists: by what they belong to, by kind, and what the follower needs. */
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/internal.h"
#include "directory/store/recall.h"

/* Calls a record visitor for each index key of a range; the key ends with the second half of the record's id. */
struct listing {
	struct ck_view *view;
	enum ck_kind kind;
	ck_record_visitor each;
	void *context;
	enum ck_error error;
	enum ck_table table;
	struct ck_id of, role; /* what it belongs to, in whole; role zero: of any */
	struct ck_id after;    /* zero: from the first */
};

static bool has_target(const struct ck_rule *rule, struct ck_id target)
{
	for (size_t i = 0; i < rule->targets.count; i++)
		if (ck_id_equal(rule->targets.at[i], target)) return true;
	return false;
}

/* Of another id that ends alike: it is not what was asked for. */
static bool belongs(const struct listing *listing, const struct ck_record *record)
{
	struct ck_id of = listing->of;
	switch ((int)listing->table) {
	case CK_TABLE_TELEPHONE: return true;
	case CK_TABLE_KEYS_OF: return ck_id_equal(record->as.key.staff, of);
	case CK_TABLE_CODES_OF: return ck_id_equal(record->as.code.staff, of);
	case CK_TABLE_GRANTS_OF:
		return ck_id_equal(record->as.grant.staff, of) && (ck_id_is_zero(listing->role) || ck_id_equal(record->as.grant.role, listing->role));
	case CK_TABLE_GRANTS_BY_ROLE: return ck_id_equal(record->as.grant.role, of);
	case CK_TABLE_RULES_FOR: return has_target(&record->as.rule, of);
	case CK_TABLE_RULES_FOR_ALL:
	case CK_TABLE_BY_AUTHORITY: return ck_id_equal(record->authority, of);
	default: return false;
	}
}

/* It was listed before, or is where that ended. */
static bool is_before(const struct listing *listing, const struct ck_id *id)
{
	return !ck_id_is_zero(listing->after) && ck_index_compare_ids(id, &listing->after) <= 0;
}

static bool list_indexed(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct listing *listing = context;
	struct ck_index_key filed = {.length = 0};
	struct ck_record record;
	(void)value;
	/* the shortest is [table][id] */
	if (key.length < 1 + CK_SHORT_ID_BYTES || key.length > sizeof filed.bytes) {
		listing->error = CK_ERR_CORRUPT;
		return false;
	}
	ck_index_add_bytes(&filed, key.at, key.length);
	listing->error = ck_view_get_indexed(listing->view, listing->kind, key.at + key.length - CK_SHORT_ID_BYTES, &filed, &record);
	if (listing->error != CK_OK) return false;
	return is_before(listing, &record.id) || !belongs(listing, &record) || listing->each(&record, listing->context);
}

static enum ck_error list(struct listing *listing, const struct ck_index_key *prefix, const struct ck_index_key *from)
{
	enum ck_error error = ck_scan(listing->view, prefix, from, list_indexed, listing);
	return listing->error != CK_OK ? listing->error : error;
}

/* [table][of]… */
static enum ck_error list_of(struct ck_view *view, enum ck_kind kind, enum ck_table table, struct ck_id of, ck_record_visitor each,
                             void *context)
{
	struct listing listing = {.view = view, .kind = kind, .each = each, .context = context, .table = table, .of = of};
	struct ck_index_key prefix;
	ck_index_begin(&prefix, table);
	ck_index_add_short(&prefix, of);
	return list(&listing, &prefix, NULL);
}

enum ck_error ck_view_staff_by_telephone(struct ck_view *view, struct ck_text telephone, ck_record_visitor each, void *context)
{
	struct listing listing = {.view = view, .kind = CK_KIND_STAFF, .each = each, .context = context, .table = CK_TABLE_TELEPHONE};
	struct ck_index_key prefix;
	if (!ck_index_telephone(&prefix, telephone)) return CK_OK;
	return list(&listing, &prefix, NULL);
}

enum ck_error ck_view_keys_of(struct ck_view *view, struct ck_id staff, ck_record_visitor each, void *context)
{
	return list_of(view, CK_KIND_KEY, CK_TABLE_KEYS_OF, staff, each, context);
}

enum ck_error ck_view_codes_of(struct ck_view *view, struct ck_id staff, ck_record_visitor each, void *context)
{
	return list_of(view, CK_KIND_CODE, CK_TABLE_CODES_OF, staff, each, context);
}

enum ck_error ck_view_grants_of(struct ck_view *view, struct ck_id staff, struct ck_id role, ck_record_visitor each, void *context)
{
	struct listing listing = {
		.view = view, .kind = CK_KIND_GRANT, .each = each, .context = context, .table = CK_TABLE_GRANTS_OF, .of = staff, .role = role};
	struct ck_index_key prefix;
	ck_index_begin(&prefix, CK_TABLE_GRANTS_OF);
	ck_index_add_short(&prefix, staff);
	if (!ck_id_is_zero(role)) ck_index_add_short(&prefix, role);
	return list(&listing, &prefix, NULL);
}

enum ck_error ck_view_grants_by_role(struct ck_view *view, struct ck_id role, ck_record_visitor each, void *context)
{
	return list_of(view, CK_KIND_GRANT, CK_TABLE_GRANTS_BY_ROLE, role, each, context);
}

/* Rules are read for each decision. The list is read to its end for what is to be known of it, as far as that is kept, whoever wanted less. */
struct rule_listing {
	struct ck_view *view;
	ck_record_visitor each;
	void *context;
	bool told; /* `each` wants no more */
	size_t count;
	struct ck_id ids[CK_RECALL_LIST_LIMIT];
};

static bool list_rule(const struct ck_record *record, void *context)
{
	struct rule_listing *listing = context;
	ck_recall_note_record(listing->view, record);
	if (listing->count < CK_RECALL_LIST_LIMIT) listing->ids[listing->count] = record->id;
	listing->count++;
	if (!listing->told) listing->told = !listing->each(record, listing->context);
	return !listing->told || listing->count <= CK_RECALL_LIST_LIMIT;
}

static enum ck_error each_known(struct ck_view *view, const struct ck_id *ids, size_t count, ck_record_visitor each, void *context)
{
	struct ck_record record;
	for (size_t i = 0; i < count; i++) {
		enum ck_error error = ck_view_get(view, CK_KIND_RULE, ids[i], &record);
		if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
		if (!each(&record, context)) break;
	}
	return CK_OK;
}

static enum ck_error list_rules(struct ck_view *view, enum ck_table table, struct ck_id of, ck_record_visitor each, void *context)
{
	struct rule_listing listing = {.view = view, .each = each, .context = context};
	if (ck_recall_list(view, table, of, listing.ids, &listing.count)) return each_known(view, listing.ids, listing.count, each, context);
	enum ck_error error = list_of(view, CK_KIND_RULE, table, of, list_rule, &listing);
	if (error == CK_OK) ck_recall_note_list(view, table, of, listing.ids, listing.count);
	return error;
}

enum ck_error ck_view_rules_for(struct ck_view *view, struct ck_id target, ck_record_visitor each, void *context)
{
	return list_rules(view, CK_TABLE_RULES_FOR, target, each, context);
}

enum ck_error ck_view_rules_for_all(struct ck_view *view, struct ck_id authority, ck_record_visitor each, void *context)
{
	return list_rules(view, CK_TABLE_RULES_FOR_ALL, authority, each, context);
}

static bool list_primary(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct listing *listing = context;
	struct ck_record record;
	struct ck_id id;
	if (!ck_index_id_of_record(key, &id)) {
		listing->error = CK_ERR_CORRUPT;
		return false;
	}
	if (is_before(listing, &id)) return true;
	listing->error = ck_flat_decode(listing->kind, id, value, &record);
	if (listing->error != CK_OK) return false;
	if (!ck_id_is_zero(listing->of) && !ck_id_equal(listing->of, record.authority)) return true;
	return listing->each(&record, listing->context);
}

static enum ck_error each_of_authority(struct listing *listing)
{
	struct ck_index_key prefix;
	listing->table = CK_TABLE_BY_AUTHORITY;
	ck_index_begin(&prefix, CK_TABLE_BY_AUTHORITY);
	ck_index_add_byte(&prefix, (uint8_t)listing->kind);
	ck_index_add_short(&prefix, listing->of);
	struct ck_index_key from = prefix;
	ck_index_add_short(&from, listing->after);
	return list(listing, &prefix, &from);
}

enum ck_error ck_view_each(struct ck_view *view, enum ck_kind kind, struct ck_id authority, struct ck_id after, ck_record_visitor each,
                           void *context)
{
	struct listing listing = {.view = view, .kind = kind, .each = each, .context = context, .of = authority, .after = after};
	if (kind <= CK_KIND_NONE || kind > CK_KIND_LAST) return CK_OK;
	if (!ck_id_is_zero(authority) && ck_index_by_authority(kind)) return each_of_authority(&listing);
	struct ck_index_key prefix, from;
	ck_index_begin(&prefix, (enum ck_table)kind);
	ck_index_record(&from, kind, after);
	enum ck_error error = ck_scan(view, &prefix, &from, list_primary, &listing);
	return listing.error != CK_OK ? listing.error : error;
}

struct quarantine_listing {
	struct ck_view *view;
	ck_quarantine_visitor each;
	void *context;
	enum ck_error error;
};

static bool list_quarantined(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct quarantine_listing *listing = context;
	struct ck_index_key filed = {.length = 0};
	struct ck_bytes body;
	(void)value;
	ck_index_add_bytes(&filed, key.at, key.length);
	listing->error = key.length == 17 ? ck_kv_get_sealed(listing->view, &filed, &body) : CK_ERR_CORRUPT;
	if (listing->error != CK_OK) return false;
	struct ck_reader reader;
	ck_reader_init(&reader, body.at, body.length);
	size_t dn_length = ck_get_u16le(&reader);
	const uint8_t *dn = ck_get_bytes(&reader, dn_length);
	size_t reason_length = ck_get_u16le(&reader);
	const uint8_t *reason = ck_get_bytes(&reader, reason_length);
	if (reader.failed) {
		listing->error = CK_ERR_CORRUPT;
		return false;
	}
	return listing->each(key.at + 1, (struct ck_text){(const char *)dn, dn_length}, (struct ck_text){(const char *)reason, reason_length},
	                     listing->context);
}

enum ck_error ck_view_each_quarantined(struct ck_view *view, ck_quarantine_visitor each, void *context)
{
	struct ck_index_key prefix;
	ck_index_begin(&prefix, CK_TABLE_QUARANTINE);
	struct quarantine_listing listing = {.view = view, .each = each, .context = context, .error = CK_OK};
	enum ck_error error = ck_scan(view, &prefix, NULL, list_quarantined, &listing);
	return listing.error != CK_OK ? listing.error : error;
}

struct uuid_listing {
	struct ck_view *view;
	ck_uuid_visitor each;
	void *context;
	enum ck_error error;
};

/* A damaged uuid would make the follower remove the wrong entry: what it leads to must carry it. */
static bool list_uuid(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct uuid_listing *listing = context;
	struct ck_index_key again;
	struct ck_record record;
	(void)value;
	size_t kind_at = key.length - CK_SHORT_ID_BYTES - 1;
	listing->error = CK_ERR_CORRUPT;
	if (key.length != CK_INDEX_UUID_KEY_BYTES) return false;
	listing->error = ck_view_get_short(listing->view, (enum ck_kind)key.at[kind_at], key.at + kind_at + 1, &record);
	if (listing->error == CK_ERR_NOT_FOUND) listing->error = CK_ERR_CORRUPT;
	if (listing->error != CK_OK) return false;
	ck_index_uuid_of(&again, record.entry_uuid, record.kind, record.id);
	if (memcmp(again.bytes, key.at, key.length) != 0) listing->error = CK_ERR_CORRUPT;
	return listing->error == CK_OK && listing->each(record.entry_uuid, listing->context);
}

static bool list_quarantined_uuid(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct uuid_listing *listing = context;
	(void)value;
	listing->error = key.length == 17 ? CK_OK : CK_ERR_CORRUPT;
	return listing->error == CK_OK && listing->each(key.at + 1, listing->context);
}

enum ck_error ck_view_each_uuid(struct ck_view *view, ck_uuid_visitor each, void *context)
{
	struct ck_index_key prefix;
	struct uuid_listing listing = {.view = view, .each = each, .context = context, .error = CK_OK};
	ck_index_begin(&prefix, CK_TABLE_UUID);
	enum ck_error error = ck_scan(view, &prefix, NULL, list_uuid, &listing);
	ck_index_begin(&prefix, CK_TABLE_QUARANTINE);
	if (error == CK_OK && listing.error == CK_OK) error = ck_scan(view, &prefix, NULL, list_quarantined_uuid, &listing);
	return listing.error != CK_OK ? listing.error : error;
}
