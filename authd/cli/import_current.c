/* Who is there, as the daemon lists them: kept as the bytes that came, decoded when looked at. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authd/cli/import.h"

struct ck_current {
	uint8_t **entries; /* four bytes of length, and the wire entry */
	size_t count, room;
	struct ck_set *numbers, *uids, *mails, *uid_numbers;
	bool malformed;
};

static bool decode(struct ck_bytes bytes, struct ck_wire_entry *wire, struct ck_change_value values[CK_CHANGE_VALUES_LIMIT], size_t *out_count)
{
	return ck_wire_entry_decode(bytes, wire) == CK_OK && wire->id.length == sizeof(struct ck_id) &&
	       ck_change_values_decode(wire->values, values, out_count) == CK_OK;
}

static struct ck_text value_of(const struct ck_change_value *values, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		struct ck_text attribute = values[i].attribute;
		if (attribute.length != strlen(name) || strncasecmp(attribute.at, name, attribute.length) != 0 || values[i].count == 0) continue;
		return (struct ck_text){ (const char *)values[i].values[0].at, values[i].values[0].length };
	}
	return (struct ck_text){ NULL, 0 };
}

/* ---- gathering ---- */

static void keep(struct ck_current *c, struct ck_bytes bytes)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_wire_entry wire;
	size_t count = 0;
	uint32_t length = (uint32_t)bytes.length;
	if (!decode(bytes, &wire, values, &count)) {
		c->malformed = true;
		return;
	}
	if (c->count == c->room) {
		c->room = c->room == 0 ? 1024 : c->room * 2;
		c->entries = realloc(c->entries, c->room * sizeof *c->entries);
		CK_ASSERT(c->entries != NULL);
	}
	uint8_t *kept = ck_cli_allocate(sizeof length + bytes.length);
	memcpy(kept, &length, sizeof length);
	memcpy(kept + sizeof length, bytes.at, bytes.length);
	(void)ck_set_add(c->numbers, value_of(values, count, "employeeNumber"), false, c->count);
	(void)ck_set_add(c->uids, value_of(values, count, "uid"), false, c->count);
	(void)ck_set_add(c->mails, value_of(values, count, "mail"), true, c->count);
	(void)ck_set_add(c->uid_numbers, value_of(values, count, "uidNumber"), false, c->count);
	c->entries[c->count++] = kept;
}

static enum ck_error read_page(struct ck_cli *cli, const struct ck_id *authority, struct ck_bytes cursor, struct ck_current *c, uint8_t *next,
                               size_t *out_next)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	struct ck_items items;
	struct ck_item item;
	struct ck_bytes more = { NULL, 0 };
	ck_ask_begin(&ask, CK_OP_LIST);
	ck_field_string(&ask.frame.map, CK_F_KIND, ck_kind_name(CK_KIND_STAFF));
	ck_field_bytes(&ask.frame.map, CK_F_AUTHORITY, authority->bytes, sizeof authority->bytes);
	if (cursor.length > 0) ck_field_bytes(&ask.frame.map, CK_F_CURSOR, cursor.at, cursor.length);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	if (ck_map_array(&reply, CK_F_ENTRIES, CK_FRAME_LIMIT_BYTES, &items) != CK_OK) return CK_ERR_INTERNAL;
	while (ck_items_next(&items, &item)) keep(c, item.span);
	*out_next = 0;
	if (ck_map_bytes(&reply, CK_F_CURSOR, 1, 64, &more) == CK_OK) {
		memcpy(next, more.at, more.length);
		*out_next = more.length;
	}
	return c->malformed ? CK_ERR_INTERNAL : CK_OK;
}

static enum ck_error read_home(struct ck_cli *cli, const struct ck_id *authority, struct ck_import_home *out)
{
	struct ck_cli_entry *entry = NULL;
	struct ck_errmsg err;
	enum ck_error error = ck_cli_entry_get(cli, CK_KIND_AUTHORITY, (struct ck_text){ NULL, 0 }, authority, NULL, &entry, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text), error;
	memset(out, 0, sizeof *out);
	out->id = *authority;
	if (ck_text_copy(out->name, sizeof out->name, ck_cli_entry_text(entry, "ckName")) != CK_OK ||
	    ck_uint_parse(ck_cli_entry_text(entry, "ckUidNumberFirst"), 0, UINT32_MAX, &out->first) != CK_OK ||
	    ck_uint_parse(ck_cli_entry_text(entry, "ckUidNumberLast"), 0, UINT32_MAX, &out->last) != CK_OK) {
		(void)ck_cli_complain(CK_ERR_DENIED, "the daemon does not show you that authority as its administrators see it");
		return CK_ERR_DENIED;
	}
	for (size_t i = 0; i < entry->count; i++) {
		if (strcasecmp(entry->attributes[i].name, "ckMailDomain") != 0) continue;
		for (size_t k = 0; k < entry->attributes[i].count; k++) {
			struct ck_bytes value = entry->attributes[i].values[k];
			if (ck_text_copy(out->domains[out->domain_count], sizeof out->domains[0], (struct ck_text){ (const char *)value.at, value.length }) == CK_OK)
				out->domain_count++;
		}
	}
	return CK_OK;
}

enum ck_error ck_current_read(struct ck_cli *cli, const struct ck_id *authority, struct ck_current **out, struct ck_import_home *out_home)
{
	uint8_t cursor[2][64];
	size_t length = 0;
	struct ck_progress progress;
	struct ck_current *c = ck_cli_allocate(sizeof *c);
	*c = (struct ck_current){ .numbers = ck_set_new(), .uids = ck_set_new(), .mails = ck_set_new(), .uid_numbers = ck_set_new() };
	*out = c;
	enum ck_error error = read_home(cli, authority, out_home);
	ck_progress_begin(&progress, "Reading who is there", 0);
	for (unsigned page = 0; error == CK_OK && (page == 0 || length > 0); page++) {
		error = read_page(cli, authority, (struct ck_bytes){ cursor[page % 2], length }, c, cursor[(page + 1) % 2], &length);
		ck_progress_show(&progress, c->count);
	}
	ck_progress_end(&progress, c->count);
	if (error == CK_ERR_INTERNAL) (void)ck_cli_complain(error, "the daemon's list of staff is malformed");
	return error;
}

/* ---- looking ---- */

size_t ck_current_count(const struct ck_current *current) { return current->count; }

void ck_current_at(const struct ck_current *current, size_t index, struct ck_existing *out)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_wire_entry wire;
	uint32_t length;
	size_t count = 0;
	memcpy(&length, current->entries[index], sizeof length);
	bool fine = decode((struct ck_bytes){ current->entries[index] + sizeof length, length }, &wire, values, &count);
	CK_ASSERT(fine); /* it was looked at when it came */
	memset(out, 0, sizeof *out);
	memcpy(out->id.bytes, wire.id.at, sizeof out->id.bytes);
	if (ck_text_copy(out->csn, sizeof out->csn, wire.csn) != CK_OK) out->csn[0] = '\0';
	for (size_t i = 0; i < CK_IMPORT_FIELDS; i++) {
		const char *attribute = ck_import_row_of((enum ck_import_field)i)->attribute;
		if (attribute == NULL) continue;
		out->person.given[i] = true;
		out->person.value[i] = value_of(values, count, attribute);
	}
	out->active = ck_text_is(out->person.value[CK_IMPORT_STATUS], "active");
}

bool ck_current_by_number(const struct ck_current *current, struct ck_text number, size_t *out_index)
{
	uint64_t index = 0;
	bool found = ck_set_find(current->numbers, number, false, &index);
	*out_index = (size_t)index;
	return found;
}

struct ck_set *ck_current_uids(struct ck_current *current) { return current->uids; }
struct ck_set *ck_current_mails(struct ck_current *current) { return current->mails; }
struct ck_set *ck_current_uid_numbers(struct ck_current *current) { return current->uid_numbers; }
