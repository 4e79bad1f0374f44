/* Reading lists: by what they belong to, by kind, and what the follower needs. */
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/internal.h"

/* Calls a record visitor for each index key of a range; the last 16 bytes of the key are the record's id. */
struct listing {
	struct ck_view *view;
	enum ck_kind kind;
	ck_record_visitor each;
	void *context;
	enum ck_error error;
	struct ck_id authority; /* zero: any */
};

static bool list_indexed(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct listing *listing = context;
	struct ck_index_key filed = {.length = 0};
	struct ck_record record;
	struct ck_id id;
	(void)value;
	/* the shortest is [table][id][id] */
	if (key.length < 1 + sizeof id.bytes || key.length > sizeof filed.bytes) {
		listing->error = CK_ERR_CORRUPT;
		return false;
	}
	memcpy(id.bytes, key.at + key.length - sizeof id.bytes, sizeof id.bytes);
	ck_index_add_bytes(&filed, key.at, key.length);
	listing->error = ck_view_get_indexed(listing->view, listing->kind, id, &filed, &record);
	return listing->error == CK_OK && listing->each(&record, listing->context);
}

static enum ck_error list(struct ck_view *view, enum ck_kind kind, const struct ck_index_key *prefix, const struct ck_index_key *from,
                          ck_record_visitor each, void *context)
{
	struct listing listing = {.view = view, .kind = kind, .each = each, .context = context, .error = CK_OK};
	enum ck_error error = ck_scan(view, prefix, from, list_indexed, &listing);
	return listing.error != CK_OK ? listing.error : error;
}

/* [table][of]… */
static enum ck_error list_of(struct ck_view *view, enum ck_kind kind, enum ck_table table, struct ck_id of, ck_record_visitor each,
                             void *context)
{
	struct ck_index_key prefix;
	ck_index_begin(&prefix, table);
	ck_index_add_id(&prefix, of);
	return list(view, kind, &prefix, NULL, each, context);
}

enum ck_error ck_view_staff_by_telephone(struct ck_view *view, struct ck_text telephone, ck_record_visitor each, void *context)
{
	struct ck_index_key prefix;
	if (!ck_index_telephone(&prefix, telephone)) return CK_OK;
	return list(view, CK_KIND_STAFF, &prefix, NULL, each, context);
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
	struct ck_index_key prefix;
	ck_index_begin(&prefix, CK_TABLE_GRANTS_OF);
	ck_index_add_id(&prefix, staff);
	if (!ck_id_is_zero(role)) ck_index_add_id(&prefix, role);
	return list(view, CK_KIND_GRANT, &prefix, NULL, each, context);
}

enum ck_error ck_view_grants_by_role(struct ck_view *view, struct ck_id role, ck_record_visitor each, void *context)
{
	return list_of(view, CK_KIND_GRANT, CK_TABLE_GRANTS_BY_ROLE, role, each, context);
}

enum ck_error ck_view_rules_for(struct ck_view *view, struct ck_id target, ck_record_visitor each, void *context)
{
	return list_of(view, CK_KIND_RULE, CK_TABLE_RULES_FOR, target, each, context);
}

enum ck_error ck_view_rules_for_all(struct ck_view *view, struct ck_id authority, ck_record_visitor each, void *context)
{
	return list_of(view, CK_KIND_RULE, CK_TABLE_RULES_FOR_ALL, authority, each, context);
}

static bool list_primary(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct listing *listing = context;
	struct ck_record record;
	struct ck_id id;
	if (key.length != 1 + sizeof id.bytes) {
		listing->error = CK_ERR_CORRUPT;
		return false;
	}
	memcpy(id.bytes, key.at + 1, sizeof id.bytes);
	listing->error = ck_flat_decode(listing->kind, id, value, &record);
	if (listing->error != CK_OK) return false;
	if (!ck_id_is_zero(listing->authority) && !ck_id_equal(listing->authority, record.authority)) return true;
	return listing->each(&record, listing->context);
}

/* The smallest id after this one; false after the last. */
static bool next_id(struct ck_id *id)
{
	for (size_t i = sizeof id->bytes; i-- > 0;) {
		if (++id->bytes[i] != 0) return true;
	}
	return false;
}

enum ck_error ck_view_each(struct ck_view *view, enum ck_kind kind, struct ck_id authority, struct ck_id after, ck_record_visitor each,
                           void *context)
{
	if (kind <= CK_KIND_NONE || kind > CK_KIND_LAST) return CK_OK;
	struct ck_id first = after;
	if (!ck_id_is_zero(after) && !next_id(&first)) return CK_OK;
	bool indexed = !ck_id_is_zero(authority) && ck_index_by_authority(kind);
	struct ck_index_key prefix;
	ck_index_begin(&prefix, indexed ? CK_TABLE_BY_AUTHORITY : (enum ck_table)kind);
	if (indexed) {
		ck_index_add_byte(&prefix, (uint8_t)kind);
		ck_index_add_id(&prefix, authority);
	}
	struct ck_index_key from = prefix;
	ck_index_add_id(&from, first);
	if (indexed) return list(view, kind, &prefix, &from, each, context);
	struct listing listing = {
		.view = view, .kind = kind, .each = each, .context = context, .error = CK_OK, .authority = authority};
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
	struct ck_record record;
	struct ck_id id;
	listing->error = CK_ERR_CORRUPT;
	if (key.length != 17) return false;
	if (value.length == 1 && value.at[0] == CK_KIND_NONE) {
		listing->error = CK_OK;
	} else if (value.length == 1 + sizeof id.bytes) {
		memcpy(id.bytes, value.at + 1, sizeof id.bytes);
		listing->error = ck_view_get(listing->view, (enum ck_kind)value.at[0], id, &record);
		if (listing->error == CK_ERR_NOT_FOUND) listing->error = CK_ERR_CORRUPT;
		if (listing->error == CK_OK && memcmp(record.entry_uuid, key.at + 1, 16) != 0) listing->error = CK_ERR_CORRUPT;
	}
	return listing->error == CK_OK && listing->each(key.at + 1, listing->context);
}

enum ck_error ck_view_each_uuid(struct ck_view *view, ck_uuid_visitor each, void *context)
{
	struct ck_index_key prefix;
	ck_index_begin(&prefix, CK_TABLE_UUID);
	struct uuid_listing listing = {.view = view, .each = each, .context = context, .error = CK_OK};
	enum ck_error error = ck_scan(view, &prefix, NULL, list_uuid, &listing);
	return listing.error != CK_OK ? listing.error : error;
}
