/* Printing entries. Everything that came from the directory is escaped before a terminal sees it. */
#include "authd/cli/output.h"

#include <stdlib.h>
#include <string.h>

#include "authd/cli/plan.h"
#include "directory/base/clock.h"

const char *ck_output_value(const char *attribute, struct ck_bytes value)
{
	struct ck_text text = { (const char *)value.at, value.length };
	int64_t time_s = 0;
	bool time = strncmp(attribute, "ckValid", 7) == 0 || strcmp(attribute, "ckLastUse") == 0;
	if (time && ck_time_parse_generalized(text, &time_s) == CK_OK)
		return ck_time_format(time_s, ck_cli_allocate(CK_TIME_TEXT_BYTES));
	if (strcmp(attribute, "ckCredentialId") != 0 && strcmp(attribute, "ckPublicKey") != 0) return ck_cli_safe(text);
	size_t bytes = 2 * value.length + 1;
	return ck_hex_encode(value.at, value.length, ck_cli_allocate(bytes), bytes);
}

static const char *id_text(const struct ck_cli_entry *entry)
{
	size_t bytes = 2 * entry->id_length + 1;
	struct ck_id id;
	if (entry->id_length != sizeof id.bytes) return ck_hex_encode(entry->id, entry->id_length, ck_cli_allocate(bytes), bytes);
	memcpy(id.bytes, entry->id, sizeof id.bytes);
	return ck_id_format(id, ck_cli_allocate(CK_ID_TEXT_BYTES));
}

void ck_output_entry(struct ck_cli *cli, const struct ck_cli_entry *entry)
{
	char authority[CK_ID_TEXT_BYTES];
	printf("%-18s %s\n%-18s %s\n%-18s %s\n", "kind", ck_kind_name(entry->kind), "id", id_text(entry), "authority",
	       ck_id_format(entry->authority, authority));
	for (size_t i = 0; i < entry->count; i++)
		for (size_t j = 0; j < entry->attributes[i].count; j++) {
			const struct ck_cli_attribute *attribute = &entry->attributes[i];
			const char *name = ck_resolve_name(cli, NULL, attribute->name, attribute->values[j]);
			printf("%-18s %s", j == 0 ? attribute->name : "", ck_output_value(attribute->name, attribute->values[j]));
			if (name != NULL) printf(" (%s)", name);
			putchar('\n');
		}
}

json_t *ck_output_json(const struct ck_cli_entry *entry)
{
	char authority[CK_ID_TEXT_BYTES];
	json_t *object = json_object(), *attributes = json_object();
	json_object_set_new(object, "kind", json_string(ck_kind_name(entry->kind)));
	json_object_set_new(object, "id", json_string(id_text(entry)));
	json_object_set_new(object, "authority", json_string(ck_id_format(entry->authority, authority)));
	json_object_set_new(object, "csn", json_string(entry->csn));
	for (size_t i = 0; i < entry->count; i++) {
		json_t *values = json_array();
		for (size_t j = 0; j < entry->attributes[i].count; j++)
			json_array_append_new(values, json_string(ck_output_value(entry->attributes[i].name, entry->attributes[i].values[j])));
		json_object_set_new(attributes, entry->attributes[i].name, values);
	}
	json_object_set_new(object, "attributes", attributes);
	return object;
}

void ck_output_print_json(json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (text != NULL) puts(text);
	free(text);
	json_decref(value);
}

void ck_table_add(struct ck_cli_entry *entry, void *context)
{
	struct ck_table *table = context;
	if (table->count == table->room) {
		size_t room = table->room == 0 ? 64 : 2 * table->room;
		struct ck_cli_entry **grown = ck_cli_allocate(room * sizeof(struct ck_cli_entry *));
		if (table->count > 0) memcpy(grown, table->entries, table->count * sizeof(struct ck_cli_entry *));
		free(table->entries);
		table->entries = grown;
		table->room = room;
	}
	table->entries[table->count++] = entry;
}

/* All values of one attribute, joined. */
static const char *cell(struct ck_cli *cli, const struct ck_cli_entry *entry, const char *column)
{
	const char *text = "";
	if (strcmp(column, "id") == 0) return id_text(entry);
	for (size_t i = 0; i < entry->count; i++) {
		if (strcasecmp(entry->attributes[i].name, column) != 0) continue;
		for (size_t j = 0; j < entry->attributes[i].count; j++) {
			const char *name = ck_resolve_name(cli, NULL, column, entry->attributes[i].values[j]);
			text = ck_cli_print("%s%s%s", text, j > 0 ? "," : "", name != NULL ? name : ck_output_value(column, entry->attributes[i].values[j]));
		}
	}
	return text;
}

/* Columns on a terminal, not bytes: continuation bytes of UTF-8 take none. */
static int width(const char *text)
{
	int columns = 0;
	for (; *text != '\0'; text++) columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static void print_row(const char *const *cells, const int *widths, size_t columns)
{
	for (size_t i = 0; i < columns; i++) printf("%s%*s", cells[i], i + 1 < columns ? widths[i] - width(cells[i]) + 2 : 0, "");
	putchar('\n');
}

static void print_columns(const struct ck_table *table)
{
	size_t columns = 0;
	const char *cells[16];
	int widths[16];
	while (table->columns[columns] != NULL && columns < 16) {
		widths[columns] = width(table->columns[columns]);
		columns++;
	}
	for (size_t row = 0; row < table->count; row++)
		for (size_t i = 0; i < columns; i++) {
			int wide = width(cell(table->cli, table->entries[row], table->columns[i]));
			if (wide > widths[i]) widths[i] = wide;
		}
	print_row(table->columns, widths, columns);
	for (size_t row = 0; row < table->count; row++) {
		for (size_t i = 0; i < columns; i++) cells[i] = cell(table->cli, table->entries[row], table->columns[i]);
		print_row(cells, widths, columns);
	}
}

void ck_table_print(const struct ck_table *table)
{
	if (table->cli->json) {
		json_t *list = json_array();
		for (size_t i = 0; i < table->count; i++) json_array_append_new(list, ck_output_json(table->entries[i]));
		ck_output_print_json(list);
	} else if (table->count == 0) {
		fputs("none\n", stderr);
	} else {
		print_columns(table);
	}
}
