/* Entries as the daemon shows them. */
#include <string.h>

#include "authd/cli/cli.h"

enum ck_error ck_cli_entry_decode(struct ck_bytes bytes, struct ck_cli_entry **out)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_wire_entry wire;
	size_t count = 0;
	*out = NULL;
	if (ck_wire_entry_decode(bytes, &wire) != CK_OK || ck_change_values_decode(wire.values, values, &count) != CK_OK)
		return CK_ERR_INVALID;
	struct ck_cli_entry *entry = ck_cli_allocate(sizeof *entry);
	entry->kind = ck_kind_of_name(wire.kind);
	memcpy(entry->id, wire.id.at, wire.id.length);
	entry->id_length = wire.id.length;
	entry->authority = wire.authority;
	if (ck_text_copy(entry->csn, sizeof entry->csn, wire.csn) != CK_OK) return CK_ERR_INVALID;
	for (size_t i = 0; i < count; i++) {
		struct ck_cli_attribute *attribute = &entry->attributes[i];
		attribute->name = ck_cli_copy(values[i].attribute);
		attribute->count = values[i].count;
		for (size_t j = 0; j < values[i].count; j++) {
			struct ck_bytes value = values[i].values[j];
			attribute->values[j].length = value.length;
			attribute->values[j].at = (const uint8_t *)ck_cli_copy((struct ck_text){ (const char *)value.at, value.length });
		}
	}
	entry->count = count;
	*out = entry;
	return CK_OK;
}

struct ck_text ck_cli_entry_text(const struct ck_cli_entry *entry, const char *attribute)
{
	for (size_t i = 0; i < entry->count; i++)
		if (strcasecmp(entry->attributes[i].name, attribute) == 0 && entry->attributes[i].count > 0)
			return (struct ck_text){ (const char *)entry->attributes[i].values[0].at, entry->attributes[i].values[0].length };
	return (struct ck_text){ NULL, 0 };
}

enum ck_error ck_cli_entry_get(struct ck_cli *cli, enum ck_kind kind, struct ck_text name, const struct ck_id *id,
                               const struct ck_id *authority, struct ck_cli_entry **out, struct ck_errmsg *err)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_items items;
	struct ck_item item;
	enum ck_answer answer;
	*out = NULL;
	ck_ask_begin(&ask, CK_OP_SHOW);
	ck_field_string(&ask.frame.map, CK_F_KIND, ck_kind_name(kind));
	if (id != NULL) ck_field_bytes(&ask.frame.map, CK_F_ID, id->bytes, sizeof id->bytes);
	if (id == NULL) ck_field_text(&ask.frame.map, CK_F_NAME, name);
	if (id == NULL && authority != NULL) ck_field_bytes(&ask.frame.map, CK_F_AUTHORITY, authority->bytes, sizeof authority->bytes);
	enum ck_error error = ck_ask_quietly(cli, &ask, &reply, &answer, err);
	if (error != CK_OK) return error;
	if (ck_map_array(&reply, CK_F_ENTRIES, 1, &items) != CK_OK || !ck_items_next(&items, &item) || item.type != CK_CBOR_BYTES ||
	    ck_cli_entry_decode(item.span, out) != CK_OK)
		return ck_fail(err, CK_ERR_INTERNAL, "the daemon's entry is malformed");
	return CK_OK;
}

static enum ck_error list_page(struct ck_map *reply, void (*each)(struct ck_cli_entry *entry, void *context), void *context)
{
	struct ck_items items;
	struct ck_item item;
	if (ck_map_array(reply, CK_F_ENTRIES, CK_FRAME_LIMIT_BYTES, &items) != CK_OK) return CK_ERR_INTERNAL;
	while (ck_items_next(&items, &item)) {
		struct ck_cli_entry *entry = NULL;
		if (item.type != CK_CBOR_BYTES || ck_cli_entry_decode(item.span, &entry) != CK_OK) return CK_ERR_INTERNAL;
		each(entry, context);
	}
	return CK_OK;
}

enum ck_error ck_cli_entry_list(struct ck_cli *cli, enum ck_kind kind, const struct ck_id *authority, const struct ck_id *about,
                                void (*each)(struct ck_cli_entry *entry, void *context), void *context)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	uint8_t cursor[64];
	size_t cursor_length = 0;
	do {
		enum ck_answer answer;
		struct ck_bytes next = { NULL, 0 };
		ck_ask_begin(&ask, CK_OP_LIST);
		ck_field_string(&ask.frame.map, CK_F_KIND, ck_kind_name(kind));
		if (authority != NULL) ck_field_bytes(&ask.frame.map, CK_F_AUTHORITY, authority->bytes, sizeof authority->bytes);
		if (cursor_length > 0) ck_field_bytes(&ask.frame.map, CK_F_CURSOR, cursor, cursor_length);
		if (about != NULL) ck_field_bytes(&ask.frame.map, CK_F_ABOUT, about->bytes, sizeof about->bytes);
		enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
		if (error == CK_OK) error = list_page(&reply, each, context);
		if (error != CK_OK) return error;
		cursor_length = 0;
		if (ck_map_bytes(&reply, CK_F_CURSOR, 1, sizeof cursor, &next) == CK_OK) {
			memcpy(cursor, next.at, next.length);
			cursor_length = next.length;
		}
	} while (cursor_length > 0);
	return CK_OK;
}
