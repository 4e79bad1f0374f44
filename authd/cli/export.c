/* `crosskeys export`: the staff of an authority as the file that `crosskeys import` would find nothing to do with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/import.h"
#include "authd/cli/plan.h"
#include "directory/model/entry.h"

static const struct ck_option options[] = {
	{ "map", CK_OPTION_ONE, "FILE", "which column is what, as for import; columns that it does not name are left out" },
	{ "authority", CK_OPTION_ONE, "NAME", "whose staff (default: the home authority of --as)" },
	{ "format", CK_OPTION_ONE, "FORMAT", "csv or ldif (default: by the file's name)" },
	{ "suffix", CK_OPTION_ONE, "DN", "of LDIF: what the DNs end in (default: nothing)" },
	{ NULL, CK_OPTION_FLAG, NULL, NULL },
};
static const struct ck_command_help help = {
	.name = "export", .words = "[FILE]", .what = "Writes the staff of an authority as CSV or LDIF, to FILE or standard output; nothing of them is left out.",
	.words_min = 0, .words_max = 1, .options = options,
};

struct export {
	FILE *to;
	const struct ck_mapping *mapping;
	struct ck_import_home home;
	const char *suffix;
};

/* ---- CSV ---- */

/* A day where it is one, no bound as nothing, else to the second. */
static struct ck_text date_of(const struct ck_mapping *mapping, struct ck_text stored, char out[CK_TIME_TEXT_BYTES])
{
	int64_t time_s = 0;
	if (ck_time_parse_generalized(stored, &time_s) != CK_OK) return stored;
	if (time_s == CK_TIME_ALWAYS || time_s == CK_TIME_UNLIMITED) return (struct ck_text){ NULL, 0 };
	ck_time_format(time_s, out);
	if (strcmp(out + 10, "T00:00:00Z") != 0) return ck_text_of(out);
	out[10] = '\0';
	if (mapping->dates == CK_DATES_DAY_FIRST) {
		char iso[11];
		memcpy(iso, out, sizeof iso);
		snprintf(out, CK_TIME_TEXT_BYTES, "%.2s/%.2s/%.4s", iso + 8, iso + 5, iso);
	}
	return ck_text_of(out);
}

static struct ck_text word_of(const struct ck_mapping *mapping, struct ck_text status)
{
	for (size_t i = 0; i < mapping->word_count; i++)
		if (mapping->words[i].status == ck_status_of_name(status)) return ck_text_of(mapping->words[i].word);
	return status;
}

static struct ck_text column_of(const struct export *export, const struct ck_person *person, enum ck_import_field field, char date[CK_TIME_TEXT_BYTES])
{
	struct ck_text value = person->value[field];
	if (field == CK_IMPORT_AUTHORITY) return ck_text_of(export->home.name);
	if (field == CK_IMPORT_FROM || field == CK_IMPORT_UNTIL) return date_of(export->mapping, value, date);
	if (field == CK_IMPORT_STATUS) return word_of(export->mapping, value);
	return value;
}

static void print_header(const struct export *export)
{
	bool first = true;
	for (int i = 0; i < CK_IMPORT_FIELDS; i++) {
		if (export->mapping->columns[i][0] == '\0') continue;
		if (!first) putc(export->mapping->separator, export->to);
		ck_csv_print(export->to, export->mapping->separator, ck_text_of(export->mapping->columns[i]));
		first = false;
	}
	putc('\n', export->to);
}

static void print_row(const struct export *export, const struct ck_person *person)
{
	bool first = true;
	for (int i = 0; i < CK_IMPORT_FIELDS; i++) {
		char date[CK_TIME_TEXT_BYTES];
		if (export->mapping->columns[i][0] == '\0') continue;
		if (!first) putc(export->mapping->separator, export->to);
		ck_csv_print(export->to, export->mapping->separator, column_of(export, person, (enum ck_import_field)i, date));
		first = false;
	}
	putc('\n', export->to);
}

/* ---- LDIF ---- */

static void print_string(const struct export *export, const char *name, const char *value)
{
	ck_ldif_print(export->to, name, ck_bytes_of(ck_text_of(value)));
}

static void print_entry(const struct export *export, const struct ck_existing *existing)
{
	char id[CK_ID_TEXT_BYTES], owner[CK_ID_TEXT_BYTES], derived[CK_DERIVED_LIMIT_BYTES];
	const char *derived_name = NULL;
	ck_id_format(existing->id, id);
	fprintf(export->to, "\ndn: ckId=%s,ou=staff,ckId=%s,ou=authorities%s%s\n", id, ck_id_format(export->home.id, owner), export->suffix[0] != '\0' ? "," : "",
	        export->suffix);
	for (const char *const *class = ck_entry_object_classes(CK_KIND_STAFF); *class != NULL; class++) print_string(export, "objectClass", *class);
	print_string(export, "ckId", id);
	for (int i = 0; i < CK_IMPORT_FIELDS; i++) {
		struct ck_text value = existing->person.value[i];
		if (ck_import_row_of((enum ck_import_field)i)->attribute == NULL || value.length == 0) continue;
		ck_ldif_print(export->to, ck_import_row_of((enum ck_import_field)i)->attribute, ck_bytes_of(value));
	}
	if (ck_entry_derive(CK_KIND_STAFF, export->home.id, ck_text_of("employeeNumber"), existing->person.value[CK_IMPORT_NUMBER], &derived_name, derived) == CK_OK)
		print_string(export, derived_name, derived);
}

/* ---- the run ---- */

static enum ck_error open_file(const char *path, FILE **out)
{
	struct ck_errmsg err = { "" };
	*out = stdout;
	if (strcmp(path, "-") == 0) return CK_OK;
	enum ck_error error = ck_cli_write_private(path, out, &err);
	if (error != CK_OK) (void)ck_cli_complain(error, "%s", err.text);
	return error;
}

static int write_all(struct export *export, const struct ck_current *current, const char *path, bool ldif)
{
	static struct ck_existing existing;
	if (open_file(path, &export->to) != CK_OK) return CK_EXIT_FAILED;
	if (ldif) fputs("version: 1\n", export->to);
	else print_header(export);
	for (size_t i = 0; i < ck_current_count(current); i++) {
		ck_current_at(current, i, &existing);
		if (ldif) print_entry(export, &existing);
		else print_row(export, &existing.person);
	}
	bool failed = fflush(export->to) != 0 || ferror(export->to) != 0;
	if (export->to != stdout && fclose(export->to) != 0) failed = true;
	if (failed) return ck_cli_complain(CK_ERR_IO, "%s: not everything was written", path);
	if (strcmp(path, "-") != 0) fprintf(stderr, "%s: %zu people.\n", path, ck_current_count(current));
	return CK_EXIT_OK;
}

int ck_cli_export(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_mapping mapping;
	static struct export export;
	struct ck_arguments arguments;
	struct ck_current *current = NULL;
	struct ck_errmsg err = { "" };
	struct ck_id authority;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *path = arguments.count > 0 ? arguments.words[0] : "-", *format = ck_argument(&help, &arguments, "format");
	const char *map = ck_argument(&help, &arguments, "map"), *suffix = ck_argument(&help, &arguments, "suffix");
	if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "ldif") != 0)
		return ck_cli_complain(CK_ERR_INVALID, "--format takes csv or ldif, not '%s'", format);
	bool ldif = format != NULL ? strcmp(format, "ldif") == 0 : ck_rows_format_of(path) == CK_ROWS_LDIF;
	ck_mapping_default(&mapping);
	if (map != NULL) error = ck_mapping_load(map, &mapping, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	export.mapping = &mapping;
	export.suffix = suffix != NULL ? suffix : "";
	error = ck_cli_identify(cli);
	if (error == CK_OK) error = ck_resolve_authority(cli, NULL, ck_argument(&help, &arguments, "authority"), &authority);
	if (error == CK_OK) error = ck_current_read(cli, &authority, &current, &export.home);
	return error == CK_OK ? write_all(&export, current, path, ldif) : ck_exit_of(error);
}
