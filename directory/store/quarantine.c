/* Quarantined entries: what they are, why, and what they hold. Such an entry grants nothing, but it was known first: its id and what else is
   unique of it go to nobody else until it is gone or says something else, so that nothing is displaced by being made faulty. */
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/load.h"

#define DN_LIMIT_BYTES 512
#define REASON_LIMIT_BYTES 512
#define HELD_LIMIT 8 /* an id and five unique values at most */
#define BODY_LIMIT_BYTES (4 + DN_LIMIT_BYTES + REASON_LIMIT_BYTES + HELD_LIMIT * (1 + CK_INDEX_KEY_LIMIT_BYTES))

struct held {
	struct ck_index_key keys[HELD_LIMIT]; /* in CK_TABLE_HELD */
	size_t count;
};

static void uuid_key(struct ck_index_key *key, enum ck_table table, const uint8_t entry_uuid[16])
{
	ck_index_begin(key, table);
	ck_index_add_bytes(key, entry_uuid, 16);
}

/* ---- what an entry wants ---- */

static void want(struct held *held, const struct ck_index_key *key)
{
	struct ck_index_key *to = &held->keys[held->count];
	CK_ASSERT(held->count < HELD_LIMIT);
	ck_index_begin(to, CK_TABLE_HELD);
	ck_index_add_bytes(to, key->bytes, key->length);
	if (!key->failed && !to->failed) held->count++;
}

static bool want_unique(const struct ck_index_key *key, const char *what, void *context)
{
	(void)what;
	if (key->bytes[0] <= CK_TABLE_UNIQUE_LAST) want(context, key);
	return true;
}

/* Of an id the kind does not matter, since what is faulty may not say its kind; but a key and its use have the same. */
static void want_id(struct held *held, const struct ck_record *record)
{
	struct ck_index_key key = {.length = 0};
	ck_index_add_byte(&key, record->kind == CK_KIND_KEY_USE ? 1 : 0);
	ck_index_add_short(&key, record->id);
	want(held, &key);
}

static void collect(const struct ck_record *record, struct held *out)
{
	out->count = 0;
	if (!ck_id_is_zero(record->id)) want_id(out, record);
	if (record->kind != CK_KIND_NONE) ck_index_each(record, want_unique, out);
}

/* ---- whether it can have it ---- */

static bool is_claimed(const struct ck_record *claims, const struct ck_index_key *held)
{
	/* what a faulty entry does not say */
	if (claims->kind != CK_KIND_STAFF) return true;
	if (held->bytes[1] == CK_TABLE_UID) return claims->as.staff.uid.length > 0;
	if (held->bytes[1] == CK_TABLE_UID_NUMBER) return claims->as.staff.uid_number > 0;
	return true;
}

static enum ck_error has_record(struct ck_batch *batch, const struct ck_record *claims)
{
	bool use = claims->kind == CK_KIND_KEY_USE;
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		struct ck_id id;
		if ((k == CK_KIND_KEY_USE) != use) continue;
		enum ck_error error = ck_view_id_of_short(&batch->view, (enum ck_kind)k, ck_id_short(&claims->id), &id);
		if (error != CK_ERR_NOT_FOUND) return error;
	}
	return CK_ERR_NOT_FOUND;
}

/* CK_OK: somebody else has it. */
static enum ck_error is_taken(struct ck_batch *batch, const struct ck_record *claims, const struct ck_index_key *held)
{
	struct ck_index_key key = {.length = 0};
	struct ck_bytes value;
	enum ck_error error = ck_kv_get(&batch->view, held, &value);
	if (error != CK_ERR_NOT_FOUND) return error;
	if (held->bytes[1] <= 1) return has_record(batch, claims);
	ck_index_add_bytes(&key, held->bytes + 1, held->length - 1);
	return ck_kv_get(&batch->view, &key, &value);
}

bool ck_quarantine_meet(struct ck_batch *batch, const uint8_t entry_uuid[16], const struct ck_record *claims)
{
	struct held held = {.count = 0};
	struct ck_index_key uuid;
	ck_index_uuid(&uuid, entry_uuid);
	if (claims != NULL) collect(claims, &held);
	/* each is kept, whatever the others say */
	bool met = ck_seen_add(batch->store->load->seen, (struct ck_bytes){uuid.bytes, uuid.length});
	for (size_t i = 0; i < held.count; i++)
		met = ck_seen_add(batch->store->load->seen, (struct ck_bytes){held.keys[i].bytes, held.keys[i].length}) || met;
	return met;
}

enum ck_error ck_quarantine_check(struct ck_batch *batch, const struct ck_record *record, struct ck_errmsg *err)
{
	struct held held;
	collect(record, &held);
	for (size_t i = 0; i < held.count; i++) {
		struct ck_bytes holder;
		enum ck_error error = ck_kv_get(&batch->view, &held.keys[i], &holder);
		if (error == CK_ERR_NOT_FOUND) continue;
		if (error != CK_OK) return error;
		const char *what = held.keys[i].bytes[1] <= 1 ? "id" : "name or number";
		return ck_fail(err, CK_ERR_EXISTS, "%s: its %s is held by an entry that is quarantined, known first", ck_kind_name(record->kind), what);
	}
	return CK_OK;
}

/* ---- coming and going ---- */

static enum ck_error hold(struct ck_batch *batch, const uint8_t entry_uuid[16], const struct ck_record *claims, struct held *held)
{
	struct held wanted;
	held->count = 0;
	if (claims == NULL) return CK_OK;
	collect(claims, &wanted);
	for (size_t i = 0; i < wanted.count; i++) {
		if (!is_claimed(claims, &wanted.keys[i])) continue;
		enum ck_error error = is_taken(batch, claims, &wanted.keys[i]);
		if (error == CK_OK) continue;
		if (error == CK_ERR_NOT_FOUND) error = ck_kv_add(batch, &wanted.keys[i], (struct ck_bytes){entry_uuid, 16});
		if (error != CK_OK) return error;
		held->keys[held->count++] = wanted.keys[i];
	}
	return CK_OK;
}

static void put_text(struct ck_writer *w, struct ck_text text, size_t limit_bytes)
{
	/* for people: cut rather than refused */
	if (text.length > limit_bytes) text.length = limit_bytes;
	ck_put_u16le(w, (uint16_t)text.length);
	ck_put_bytes(w, text.at, text.length);
}

enum ck_error ck_batch_quarantine(struct ck_batch *batch, const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason,
                                  const struct ck_record *claims)
{
	uint8_t body[BODY_LIMIT_BYTES];
	struct ck_writer writer;
	struct ck_index_key key;
	struct held held;
	if (batch->store->load != NULL) {
		(void)ck_quarantine_meet(batch, entry_uuid, claims);
		return CK_ERR_CONFLICT;
	}
	enum ck_error error = ck_batch_remove(batch, entry_uuid);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	error = hold(batch, entry_uuid, claims, &held);
	if (error != CK_OK) return ck_batch_broken(batch, error);
	ck_writer_init(&writer, body, sizeof body);
	put_text(&writer, dn, DN_LIMIT_BYTES);
	put_text(&writer, reason, REASON_LIMIT_BYTES);
	for (size_t i = 0; i < held.count; i++) {
		ck_put_u8(&writer, (uint8_t)held.keys[i].length);
		ck_put_bytes(&writer, held.keys[i].bytes, held.keys[i].length);
	}
	CK_ASSERT(!writer.failed);
	uuid_key(&key, CK_TABLE_QUARANTINE, entry_uuid);
	error = ck_kv_set_sealed(batch, &key, (struct ck_bytes){body, ck_writer_length(&writer)});
	if (error != CK_OK) return ck_batch_broken(batch, error);
	batch->meta.quarantined++;
	return CK_OK;
}

static enum ck_error release(struct ck_batch *batch, struct ck_bytes body)
{
	struct ck_reader reader;
	ck_reader_init(&reader, body.at, body.length);
	for (int texts = 0; texts < 2; texts++) (void)ck_get_bytes(&reader, ck_get_u16le(&reader));
	while (!reader.failed && ck_reader_left(&reader) > 0) {
		struct ck_index_key key = {.length = 0};
		size_t length = ck_get_u8(&reader);
		const uint8_t *bytes = ck_get_bytes(&reader, length);
		if (bytes == NULL || length < 2 || bytes[0] != CK_TABLE_HELD) return CK_ERR_CORRUPT;
		ck_index_add_bytes(&key, bytes, length);
		enum ck_error error = key.failed ? CK_ERR_CORRUPT : ck_kv_remove(batch, &key);
		if (error != CK_OK) return error;
	}
	return reader.failed ? CK_ERR_CORRUPT : CK_OK;
}

enum ck_error ck_quarantine_remove(struct ck_batch *batch, const uint8_t entry_uuid[16])
{
	struct ck_index_key key;
	struct ck_bytes page;
	uint8_t body[BODY_LIMIT_BYTES];
	uuid_key(&key, CK_TABLE_QUARANTINE, entry_uuid);
	enum ck_error error = ck_kv_get_sealed(&batch->view, &key, &page);
	if (error == CK_OK && page.length > sizeof body) error = CK_ERR_CORRUPT;
	if (error != CK_OK) return ck_batch_broken(batch, error);
	/* the page moves while its neighbours are removed */
	memcpy(body, page.at, page.length);
	error = release(batch, (struct ck_bytes){body, page.length});
	if (error == CK_OK) error = ck_kv_remove(batch, &key);
	if (error != CK_OK || batch->meta.quarantined == 0) return ck_batch_broken(batch, CK_ERR_CORRUPT);
	batch->meta.quarantined--;
	return CK_OK;
}

enum ck_error ck_quarantine_has(const struct ck_view *view, const uint8_t entry_uuid[16], bool *out)
{
	struct ck_index_key key;
	struct ck_bytes body;
	uuid_key(&key, CK_TABLE_QUARANTINE, entry_uuid);
	enum ck_error error = ck_kv_get(view, &key, &body);
	*out = error == CK_OK;
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

bool ck_batch_is_quarantined(struct ck_batch *batch, const uint8_t entry_uuid[16])
{
	bool quarantined;
	return ck_quarantine_has(&batch->view, entry_uuid, &quarantined) == CK_OK && quarantined;
}
