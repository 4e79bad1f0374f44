/* Rows of a file to people: columns by the mapping, words and dates in the directory's form. A row is bad as a whole or not at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "authd/cli/cli.h"
#include "authd/cli/import_person.h"

struct ck_rows {
	FILE *file;
	const char *name;
	enum ck_rows_format format;
	const struct ck_mapping *mapping;
	uint64_t total_bytes;
	int columns[CK_IMPORT_FIELDS]; /* of the CSV; -1: none */
	size_t width;
	struct ck_text raw;
	char dates[2][CK_TIME_TEXT_BYTES];
	struct ck_csv_record row;
	struct ck_ldif_record record;
	union {
		struct ck_csv csv;
		struct ck_ldif ldif;
	} reader;
};

enum ck_rows_format ck_rows_format_of(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot != NULL && strcasecmp(dot, ".ldif") == 0 ? CK_ROWS_LDIF : CK_ROWS_CSV;
}

static struct ck_text trim(struct ck_text text)
{
	while (text.length > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
		text.at++;
		text.length--;
	}
	while (text.length > 0 && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t')) text.length--;
	return text;
}

/* ---- the header ---- */

static enum ck_error find_column(struct ck_rows *source, enum ck_import_field field, struct ck_errmsg *err)
{
	const char *wanted = source->mapping->columns[field];
	bool optional = field == CK_IMPORT_LISTED; /* files from before it have none, and everybody is */
	source->columns[field] = -1;
	if (wanted[0] == '\0') return CK_OK;
	for (size_t i = 0; i < source->row.count; i++) {
		if (!ck_text_is(trim(source->row.fields[i]), wanted)) continue;
		if (source->columns[field] >= 0) return ck_fail(err, CK_ERR_INVALID, "%s: two columns are called \"%s\"", source->name, wanted);
		source->columns[field] = (int)i;
	}
	if (source->columns[field] >= 0 || optional) return CK_OK;
	return ck_fail(err, CK_ERR_INVALID, "%s: there is no column \"%s\", which the mapping says is the %s", source->name, wanted,
	               ck_import_row_of(field)->name);
}

static enum ck_error read_header(struct ck_rows *source, struct ck_errmsg *err)
{
	if (!ck_csv_next(&source->reader.csv, &source->row)) return ck_fail(err, CK_ERR_INVALID, "%s: the file is empty", source->name);
	if (source->row.fault != NULL)
		return ck_fail(err, CK_ERR_INVALID, "%s:%llu: the header: %s", source->name, (unsigned long long)source->row.line, source->row.fault);
	source->width = source->row.count;
	for (int i = 0; i < CK_IMPORT_FIELDS; i++) {
		enum ck_error error = find_column(source, (enum ck_import_field)i, err);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}

/* ---- opening ---- */

enum ck_error ck_rows_of(FILE *file, const char *name, enum ck_rows_format format, const struct ck_mapping *mapping, struct ck_rows **out,
                           struct ck_errmsg *err)
{
	struct stat st;
	*out = NULL;
	struct ck_rows *source = ck_cli_allocate(sizeof *source);
	source->file = file;
	source->name = name;
	source->format = format;
	source->mapping = mapping;
	if (fileno(file) >= 0 && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode)) source->total_bytes = (uint64_t)st.st_size;
	enum ck_error error = CK_OK;
	if (format == CK_ROWS_LDIF) {
		ck_ldif_begin(&source->reader.ldif, file);
	} else {
		ck_csv_begin(&source->reader.csv, file, mapping->separator);
		error = read_header(source, err);
	}
	if (error != CK_OK) ck_rows_close(&source);
	*out = source;
	return error;
}

enum ck_error ck_rows_open(const char *path, enum ck_rows_format format, const struct ck_mapping *mapping, struct ck_rows **out,
                             struct ck_errmsg *err)
{
	*out = NULL;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (file == NULL) return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	return ck_rows_of(file, path, format, mapping, out, err);
}

void ck_rows_close(struct ck_rows **source)
{
	if (*source == NULL) return;
	if ((*source)->file != stdin) fclose((*source)->file);
	free(*source);
	*source = NULL;
}

/* ---- values ---- */

/* DD/MM/YYYY. */
static enum ck_error parse_day_first(struct ck_text text, int64_t *out)
{
	char iso[11];
	if (text.length != 10 || text.at[2] != '/' || text.at[5] != '/') return CK_ERR_INVALID;
	snprintf(iso, sizeof iso, "%.4s-%.2s-%.2s", text.at + 6, text.at + 3, text.at);
	return ck_time_parse(ck_text_of(iso), 0, out);
}

/* An empty date is no bound. "now" and "+90d" are for people who type. */
static enum ck_error read_date(struct ck_rows *source, enum ck_import_field field, struct ck_person *out, struct ck_errmsg *why)
{
	struct ck_text text = out->value[field];
	int64_t time_s = field == CK_IMPORT_FROM ? CK_TIME_ALWAYS : CK_TIME_UNLIMITED;
	bool relative = text.length > 0 && (text.at[0] == '+' || text.at[0] == 'n');
	enum ck_error error = CK_OK;
	if (text.length > 0) {
		error = relative ? CK_ERR_INVALID : ck_time_parse(text, 0, &time_s);
		if (error != CK_OK && source->mapping->dates == CK_DATES_DAY_FIRST) error = parse_day_first(text, &time_s);
		if (error != CK_OK) error = ck_time_parse_generalized(text, &time_s);
	}
	if (error != CK_OK)
		return ck_fail(why, CK_ERR_INVALID, "%s: expected a date as %s", ck_import_row_of(field)->name,
		               source->mapping->dates == CK_DATES_DAY_FIRST ? "31/12/2026" : "2026-12-31");
	char *to = source->dates[field == CK_IMPORT_UNTIL];
	out->value[field] = ck_text_of(ck_time_format_generalized(time_s, to));
	return CK_OK;
}

static enum ck_error read_status(const struct ck_mapping *mapping, struct ck_person *out, struct ck_errmsg *why)
{
	struct ck_text text = out->value[CK_IMPORT_STATUS];
	char shown[64];
	for (size_t i = 0; i < mapping->word_count; i++) {
		const char *word = mapping->words[i].word;
		if (strlen(word) != text.length || strncasecmp(word, text.at, text.length) != 0) continue;
		out->value[CK_IMPORT_STATUS] = ck_text_of(ck_status_name(mapping->words[i].status));
		return CK_OK;
	}
	return ck_fail(why, CK_ERR_INVALID, "status: the mapping does not say what \"%s\" means", ck_escape(ck_bytes_of(text), shown, sizeof shown));
}

static enum ck_error read_listed(struct ck_person *out, struct ck_errmsg *why)
{
	static const char *const yes[] = { "TRUE", "yes", "1" }, *const no[] = { "FALSE", "no", "0" };
	struct ck_text text = out->value[CK_IMPORT_LISTED];
	for (size_t i = 0; i < 3; i++) {
		bool is_yes = text.length == strlen(yes[i]) && strncasecmp(text.at, yes[i], text.length) == 0;
		bool is_no = text.length == strlen(no[i]) && strncasecmp(text.at, no[i], text.length) == 0;
		if (!is_yes && !is_no) continue;
		out->value[CK_IMPORT_LISTED] = ck_text_of(is_yes ? "TRUE" : "FALSE");
		return CK_OK;
	}
	return ck_fail(why, CK_ERR_INVALID, "listed: expected TRUE or FALSE");
}

static enum ck_error settle(struct ck_rows *source, struct ck_person *out, struct ck_errmsg *why)
{
	struct ck_text number = out->value[CK_IMPORT_NUMBER];
	if (number.length == 0 || number.length > CK_NAME_LIMIT_BYTES || !ck_text_is_printable_utf8(number)) {
		out->value[CK_IMPORT_NUMBER] = (struct ck_text){ NULL, 0 };
		return ck_fail(why, CK_ERR_INVALID, "the staff number is missing, or none");
	}
	enum ck_error error = CK_OK;
	if (out->given[CK_IMPORT_FROM]) error = read_date(source, CK_IMPORT_FROM, out, why);
	if (error == CK_OK && out->given[CK_IMPORT_UNTIL]) error = read_date(source, CK_IMPORT_UNTIL, out, why);
	if (error == CK_OK && out->given[CK_IMPORT_STATUS] && source->format == CK_ROWS_CSV) error = read_status(source->mapping, out, why);
	if (error == CK_OK && out->given[CK_IMPORT_LISTED] && out->value[CK_IMPORT_LISTED].length > 0) error = read_listed(out, why);
	return error;
}

/* ---- rows ---- */

static enum ck_error read_row(struct ck_rows *source, struct ck_person *out, struct ck_errmsg *why)
{
	const struct ck_csv_record *row = &source->row;
	out->line = row->line;
	source->raw = row->raw;
	if (row->fault != NULL) return ck_fail(why, CK_ERR_INVALID, "%s", row->fault);
	if (row->count != source->width)
		return ck_fail(why, CK_ERR_INVALID, "the row has %zu fields, and the header %zu", row->count, source->width);
	for (size_t i = 0; i < CK_IMPORT_FIELDS; i++) {
		if (source->columns[i] < 0) continue;
		out->given[i] = true;
		out->value[i] = trim(row->fields[source->columns[i]]);
	}
	return settle(source, out, why);
}

/* An entry says all there is: what it does not have, the person has not; but what was never asked of older files. */
static enum ck_error read_entry(struct ck_rows *source, struct ck_person *out, struct ck_errmsg *why)
{
	const struct ck_ldif_record *record = &source->record;
	out->line = record->line;
	source->raw = record->raw;
	if (record->fault != NULL) return ck_fail(why, CK_ERR_INVALID, "%s", record->fault);
	for (size_t i = 0; i < CK_IMPORT_FIELDS; i++) {
		const struct ck_import_row *field = ck_import_row_of((enum ck_import_field)i);
		if (field->attribute == NULL || !ck_import_field_known((enum ck_import_field)i)) continue;
		out->value[i] = ck_ldif_value(record, field->attribute);
		out->given[i] = out->value[i].at != NULL || field->removable;
	}
	for (size_t i = 0; i < record->count; i++)
		for (size_t k = 0; k < i; k++)
			for (size_t field = 0; field < CK_IMPORT_FIELDS; field++) {
				const char *name = ck_import_row_of((enum ck_import_field)field)->attribute;
				bool both = name != NULL && record->values[i].name.length == strlen(name) && record->values[k].name.length == strlen(name) &&
				            strncasecmp(record->values[i].name.at, name, strlen(name)) == 0 &&
				            strncasecmp(record->values[k].name.at, name, strlen(name)) == 0;
				if (both) return ck_fail(why, CK_ERR_INVALID, "%s has two values, and takes one", name);
			}
	return settle(source, out, why);
}

enum ck_error ck_rows_next(struct ck_rows *source, struct ck_person *out, struct ck_errmsg *why)
{
	memset(out, 0, sizeof *out);
	why->text[0] = '\0';
	if (source->format == CK_ROWS_CSV) {
		if (ck_csv_next(&source->reader.csv, &source->row)) return read_row(source, out, why);
	} else {
		while (ck_ldif_next(&source->reader.ldif, &source->record))
			if (source->record.fault != NULL || ck_ldif_has_class(&source->record, "ckStaff")) return read_entry(source, out, why);
	}
	return ferror(source->file) ? ck_fail(why, CK_ERR_IO, "%s cannot be read", source->name) : CK_ERR_NOT_FOUND;
}

struct ck_text ck_rows_raw(const struct ck_rows *source) { return source->raw; }

uint64_t ck_rows_done_bytes(const struct ck_rows *source)
{
	return source->format == CK_ROWS_CSV ? source->reader.csv.taken : source->reader.ldif.taken;
}

uint64_t ck_rows_total_bytes(const struct ck_rows *source) { return source->total_bytes; }
