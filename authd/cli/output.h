/* Entries for people and programs: a block of lines, a table, or JSON. */
#ifndef CK_CLI_OUTPUT_H
#define CK_CLI_OUTPUT_H

#include <jansson.h>

#include "authd/cli/cli.h"

/* One entry, an attribute a line. */
void ck_output_entry(struct ck_cli *cli, const struct ck_cli_entry *entry);
json_t *ck_output_json(const struct ck_cli_entry *entry);
/* The value as a person reads it: times formatted, bytes in hex. */
const char *ck_output_value(const char *attribute, struct ck_bytes value);

/* A table collects rows and prints them at once, each column as wide as it must be; with --json a list. */
struct ck_table {
	struct ck_cli *cli;
	const char *const *columns; /* attribute names; NULL-terminated. References are shown by name; --json has the ids */
	struct ck_cli_entry **entries;
	size_t count, room;
};
void ck_table_add(struct ck_cli_entry *entry, void *table);
void ck_table_print(const struct ck_table *table);

/* Prints and frees. */
void ck_output_print_json(json_t *value);

#endif
