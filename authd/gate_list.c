/* Showing and listing entries, a page at a time. Each record is checked by itself: what a client may not see does not exist for it. How
   many records one request looks at is bounded, so that nobody holds the gate up; the cursor says where the next one goes on. */
#include "authd/gate_state.h"

#include <stdio.h>
#include <string.h>

#include "authd/record_wire.h"

#define VISITS_LIMIT 2048      /* records looked at for one page; some milliseconds */
#define SKIPS_LIMIT 100000     /* of a list about one role or person: how far its pages reach */
#define STORE_MISSING "this machine has no finished copy of the directory yet"

struct page {
	struct ck_gate_client *client;
	struct ck_view *view;
	struct ck_writer w;
	enum ck_kind kind;
	size_t count, visits;
	bool by_id;            /* the cursor is the last id; else how many were passed */
	struct ck_id last;
	uint32_t skip, passed;
	bool more, failed;
};

static bool put_record(const struct ck_record *record, void *context)
{
	struct page *page = context;
	if (!page->by_id && page->passed < page->skip) {
		page->passed++;
		return true;
	}
	if (page->visits >= VISITS_LIMIT) {
		page->more = true;
		return false;
	}
	enum ck_error error = ck_gate_put_entry(page->client, page->view, record, &page->w);
	if (error == CK_ERR_LIMIT && page->count > 0) {
		page->more = true;
		return false;
	}
	if (error == CK_ERR_LIMIT) page->failed = true;
	if (error == CK_OK) page->count++;
	page->visits++;
	page->passed++;
	page->last = record->id;
	return !page->failed;
}

static void send_page(struct page *page, const uint8_t *items)
{
	uint8_t count[4];
	struct ck_writer w;
	struct ck_bytes cursor = {NULL, 0}, last = {page->last.bytes, sizeof page->last.bytes};
	if (page->failed || (page->more && page->passed > SKIPS_LIMIT && !page->by_id)) {
		ck_gate_error(page->client, "too-much", "there is more than can be listed in this way");
		return;
	}
	ck_writer_init(&w, count, sizeof count);
	ck_put_u32be(&w, page->passed);
	if (page->more) cursor = page->by_id ? last : (struct ck_bytes){count, sizeof count};
	ck_gate_send_entries(page->client, items, ck_writer_length(&page->w), page->count, cursor);
}

/* ---- what a list is about ---- */

static enum ck_error list_rules(struct page *page, struct ck_id about)
{
	struct ck_record system;
	enum ck_error error = ck_view_rules_for(page->view, about, put_record, page);
	if (error != CK_OK || page->more || ck_view_get(page->view, CK_KIND_SYSTEM, about, &system) != CK_OK) return error;
	for (size_t i = 0; error == CK_OK && !page->more && i < system.as.system.groups.count; i++)
		error = ck_view_rules_for(page->view, system.as.system.groups.at[i], put_record, page);
	if (error == CK_OK && !page->more) error = ck_view_rules_for_all(page->view, system.authority, put_record, page);
	return error;
}

static enum ck_error list_grants(struct page *page, struct ck_id about)
{
	struct ck_record role;
	struct ck_id every = {{0}};
	enum ck_error error = ck_view_get(page->view, CK_KIND_ROLE, about, &role);
	if (error == CK_OK) return ck_view_grants_by_role(page->view, about, put_record, page);
	if (error != CK_ERR_NOT_FOUND) return error;
	return ck_view_grants_of(page->view, about, every, put_record, page);
}

static enum ck_error list_about(struct page *page, struct ck_id about)
{
	switch (page->kind) {
	case CK_KIND_KEY: return ck_view_keys_of(page->view, about, put_record, page);
	case CK_KIND_CODE: return ck_view_codes_of(page->view, about, put_record, page);
	case CK_KIND_GRANT: return list_grants(page, about);
	case CK_KIND_RULE: return list_rules(page, about);
	default: return CK_ERR_INVALID;
	}
}

/* ---- reading the request ---- */

struct request {
	enum ck_kind kind;
	struct ck_id authority, about, id;
	bool with_about, with_id, with_name, with_authority;
	struct ck_bytes cursor;
	struct ck_text name;
	uint8_t hash[CK_HASH_BYTES];
};

/* Absent is fine; there, but wrong, is not. */
static bool read_id(const struct ck_map *map, unsigned field, struct ck_id *out, bool *out_there)
{
	enum ck_error error = ck_map_fixed(map, field, out->bytes, sizeof out->bytes);
	*out_there = error == CK_OK;
	return error == CK_OK || error == CK_ERR_NOT_FOUND;
}

static bool read_own_id(const struct ck_map *map, struct request *out)
{
	if (out->kind != CK_KIND_KEY && out->kind != CK_KIND_KEY_USE) return read_id(map, CK_F_ID, &out->id, &out->with_id);
	enum ck_error error = ck_map_fixed(map, CK_F_ID, out->hash, sizeof out->hash);
	out->with_id = error == CK_OK;
	memcpy(out->id.bytes, out->hash, sizeof out->id.bytes);
	return error == CK_OK || error == CK_ERR_NOT_FOUND;
}

static bool read_request(const struct ck_map *map, struct request *out)
{
	struct ck_text kind;
	memset(out, 0, sizeof *out);
	if (ck_map_text(map, CK_F_KIND, 32, &kind) != CK_OK) return false;
	out->kind = ck_kind_of_name(kind);
	enum ck_error name = ck_map_text(map, CK_F_NAME, CK_NAME_LIMIT_BYTES, &out->name);
	enum ck_error cursor = ck_map_bytes(map, CK_F_CURSOR, 4, sizeof out->id.bytes, &out->cursor);
	out->with_name = name == CK_OK;
	return out->kind != CK_KIND_NONE && read_own_id(map, out) && read_id(map, CK_F_ABOUT, &out->about, &out->with_about) &&
	       read_id(map, CK_F_AUTHORITY, &out->authority, &out->with_authority) && (name == CK_OK || name == CK_ERR_NOT_FOUND) &&
	       (cursor == CK_OK || cursor == CK_ERR_NOT_FOUND);
}

static bool read_cursor(const struct request *request, struct page *page)
{
	struct ck_reader r;
	page->by_id = !request->with_about;
	if (request->cursor.length == 0) return true;
	if (page->by_id && request->cursor.length == sizeof page->last.bytes) {
		memcpy(page->last.bytes, request->cursor.at, sizeof page->last.bytes);
		return true;
	}
	if (page->by_id || request->cursor.length != 4) return false;
	ck_reader_init(&r, request->cursor.at, request->cursor.length);
	page->skip = ck_get_u32be(&r);
	return page->skip <= SKIPS_LIMIT;
}

/* ---- list ---- */

static void list_recorded(struct ck_gate_client *client, const struct ck_map *map)
{
	static uint8_t items[CK_GATE_ENTRIES_LIMIT_BYTES];
	struct ck_store_state state;
	struct request request;
	struct page page = {.client = client};
	if (!read_request(map, &request) || !read_cursor(&request, &page)) {
		ck_gate_error(client, "invalid", "KIND, AUTHORITY, ABOUT or CURSOR is not what it should be");
		return;
	}
	if (ck_gate_view(client->gate, &page.view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	page.kind = request.kind;
	ck_writer_init(&page.w, items, sizeof items);
	enum ck_error error = request.with_about ? list_about(&page, request.about)
	                                         : ck_view_each(page.view, page.kind, request.authority, page.last, put_record, &page);
	error = ck_gate_stored(client->gate, error);
	if (error == CK_OK || error == CK_ERR_NOT_FOUND) send_page(&page, items);
	else ck_gate_error(client, "invalid", "there is no such list: ABOUT goes with keys, codes, grants and rules");
	ck_view_end(&page.view);
}

void ck_gate_list(struct ck_gate_client *client, const struct ck_map *map, struct ck_bytes encoded)
{
	struct request request;
	char name[64 + CK_ID_TEXT_BYTES], about[CK_ID_TEXT_BYTES] = "";
	if (!read_request(map, &request)) {
		ck_gate_error(client, "invalid", "KIND, AUTHORITY, ABOUT or CURSOR is not what it should be");
		return;
	}
	if (request.with_about) ck_id_format(request.about, about);
	snprintf(name, sizeof name, "list %s%s%s", ck_kind_name(request.kind), request.with_about ? " " : "", about);
	ck_gate_look_up(client, CK_EVENT_LOOKED_UP, name, encoded, list_recorded);
}

/* ---- show ---- */

static enum ck_error find_one(struct ck_view *view, const struct request *request, struct ck_record *out)
{
	if (request->with_id && request->kind == CK_KIND_KEY) return ck_view_key(view, request->hash, out);
	if (request->with_id) return ck_view_get(view, request->kind, request->id, out);
	switch (request->kind) {
	case CK_KIND_STAFF: return ck_view_staff_by_uid(view, request->name, out);
	case CK_KIND_SYSTEM: return ck_view_system_by_name(view, request->name, out);
	case CK_KIND_AUTHORITY:
	case CK_KIND_ROLE:
	case CK_KIND_SYSTEM_GROUP:
	case CK_KIND_RULE: return ck_view_by_name(view, request->kind, request->authority, request->name, out);
	default: return CK_ERR_INVALID;
	}
}

static void show_recorded(struct ck_gate_client *client, const struct ck_map *map)
{
	static uint8_t items[CK_GATE_ENTRIES_LIMIT_BYTES];
	struct ck_store_state state;
	struct request request;
	struct ck_record record;
	struct ck_writer w;
	struct ck_view *view;
	if (!read_request(map, &request) || ck_gate_view(client->gate, &view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	ck_writer_init(&w, items, sizeof items);
	enum ck_error error = ck_gate_stored(client->gate, find_one(view, &request, &record));
	if (error == CK_OK && record.kind == CK_KIND_STAFF && !ck_gate_may_see(client, view, record.authority, record.id)) {
		char name[CK_NAME_LIMIT_BYTES + 8];
		snprintf(name, sizeof name, "show %.*s", (int)record.as.staff.uid.length, record.as.staff.uid.at);
		ck_gate_show_person(client, &record, &view, name);
		return;
	}
	if (error == CK_OK) error = ck_gate_put_entry(client, view, &record, &w);
	ck_view_end(&view);
	if (error == CK_OK) ck_gate_send_entries(client, items, ck_writer_length(&w), 1, (struct ck_bytes){NULL, 0});
	else if (error == CK_ERR_NOT_FOUND) ck_gate_deny(client, "not-found", "there is no such entry, or none that you may see");
	else ck_gate_error(client, "invalid", "entries of this kind are shown by their id");
}

void ck_gate_show(struct ck_gate_client *client, const struct ck_map *map, struct ck_bytes encoded)
{
	struct request request;
	char name[CK_NAME_LIMIT_BYTES + 32], text[2 * CK_HASH_BYTES + 1];
	if (!read_request(map, &request) || request.with_id == request.with_name) {
		ck_gate_error(client, "invalid", "KIND, and either ID (of a key its hash) or NAME");
		return;
	}
	if (request.kind == CK_KIND_KEY) ck_hex_encode(request.hash, sizeof request.hash, text, sizeof text);
	else ck_id_format(request.id, text);
	struct ck_text what = request.with_name ? request.name : ck_text_of(text);
	snprintf(name, sizeof name, "show %s %.*s", ck_kind_name(request.kind), (int)what.length, what.at);
	ck_gate_look_up(client, CK_EVENT_LOOKED_UP, name, encoded, show_recorded);
}
