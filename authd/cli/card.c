/* Cards. What they say came from the directory and is escaped before a terminal sees it. */
#include "authd/cli/card.h"

#include <string.h>

static const char *safe_text(const struct ck_cli_entry *entry, const char *attribute)
{
	struct ck_text text = ck_cli_entry_text(entry, attribute);
	return text.at != NULL ? ck_cli_safe(text) : "";
}

static void take_entry(const struct ck_cli_entry *entry, struct ck_card *out)
{
	if (entry->kind == CK_KIND_AUTHORITY) {
		out->authority = safe_text(entry, "ckName");
		out->authority_kind = safe_text(entry, "ckAuthorityKind");
	} else {
		out->person = true;
		out->uid = safe_text(entry, "uid");
		out->name = safe_text(entry, "cn");
		out->title = safe_text(entry, "title");
		out->mail = safe_text(entry, "mail");
		out->telephone = safe_text(entry, "telephoneNumber");
	}
}

enum ck_error ck_card_read(const struct ck_map *reply, struct ck_card *out)
{
	struct ck_items items;
	struct ck_item item;
	*out = (struct ck_card){ .uid = "", .name = "", .authority = "", .authority_kind = "", .title = "", .mail = "", .telephone = "" };
	if (ck_map_array(reply, CK_F_ENTRIES, 2, &items) != CK_OK) return CK_ERR_INVALID;
	while (ck_items_next(&items, &item)) {
		struct ck_cli_entry *entry = NULL;
		if (item.type != CK_CBOR_BYTES || ck_cli_entry_decode(item.span, &entry) != CK_OK) return CK_ERR_INVALID;
		if (entry->kind != CK_KIND_AUTHORITY && entry->kind != CK_KIND_STAFF) return CK_ERR_INVALID;
		take_entry(entry, out);
	}
	return out->authority[0] != '\0' && (!out->person || out->name[0] != '\0') ? CK_OK : CK_ERR_INVALID;
}

const char *ck_card_line(const struct ck_card *card)
{
	if (!card->person) return ck_cli_print("%s (%s)", card->authority, card->authority_kind);
	return ck_cli_print("%s (%s), %s%s%s", card->name, card->uid, card->title, card->title[0] != '\0' ? ", " : "", card->authority);
}

static void print_row(const char *what, const char *value)
{
	if (value[0] != '\0') printf("  %-12s %s\n", what, value);
}

void ck_card_print(const struct ck_card *card)
{
	print_row("name", card->name);
	print_row("authority", ck_cli_print("%s (%s)", card->authority, card->authority_kind));
	print_row("job title", card->title);
	print_row("login name", card->uid);
	print_row("mail", card->mail);
	print_row("telephone", card->telephone);
}

static void put(json_t *object, const char *name, const char *value)
{
	if (value[0] != '\0') json_object_set_new(object, name, json_string(value));
}

json_t *ck_card_json(const struct ck_card *card)
{
	json_t *object = json_object();
	put(object, "uid", card->uid);
	put(object, "name", card->name);
	put(object, "authority", card->authority);
	put(object, "authority-kind", card->authority_kind);
	put(object, "title", card->title);
	put(object, "mail", card->mail);
	put(object, "telephone", card->telephone);
	return object;
}
