/* The CSV reader. Believes nothing: each record is looked at within a bounded window, and after one that is bad it goes on at the next line, so
   that a quote that was forgotten does not swallow the rest of the file. */
#include "authd/cli/import_csv.h"

#include <string.h>

static const char bom[] = "\xef\xbb\xbf";

void ck_csv_begin(struct ck_csv *csv, FILE *from, char separator)
{
	csv->from = from;
	csv->separator = separator;
	csv->eof = csv->begun = csv->skipping = false;
	csv->line = 1;
	csv->taken = 0;
	csv->start = csv->end = 0;
}

/* At least a whole window, or all that is left. */
static void fill(struct ck_csv *csv)
{
	if (csv->end - csv->start >= CK_CSV_RECORD_LIMIT_BYTES || csv->eof) return;
	memmove(csv->buffer, csv->buffer + csv->start, csv->end - csv->start);
	csv->end -= csv->start;
	csv->start = 0;
	while (!csv->eof && csv->end < sizeof csv->buffer) {
		size_t got = fread(csv->buffer + csv->end, 1, sizeof csv->buffer - csv->end, csv->from);
		csv->end += got;
		csv->eof = got == 0;
	}
}

/* ---- one record ---- */

struct reading {
	const char *at, *end;
	char separator;
	bool last; /* the window ends with the file */
	char *text;
	size_t used;
	struct ck_csv_record *out;
};

static bool at_line_end(const struct reading *r) { return r->at < r->end && (*r->at == '\n' || *r->at == '\r'); }

/* The opening quote is passed. */
static const char *read_quoted(struct reading *r)
{
	for (;;) {
		if (r->at == r->end) return "a quote is not closed";
		if (*r->at != '"') {
			r->text[r->used++] = *r->at++;
		} else if (r->at + 1 < r->end && r->at[1] == '"') {
			r->text[r->used++] = '"';
			r->at += 2;
		} else {
			r->at++;
			break;
		}
	}
	if (r->at < r->end && *r->at != r->separator && !at_line_end(r)) return "there is text behind a closing quote";
	return NULL;
}

static const char *read_plain(struct reading *r)
{
	while (r->at < r->end && *r->at != r->separator && !at_line_end(r)) {
		if (*r->at == '"') return "there is a quote inside a field that does not begin with one";
		r->text[r->used++] = *r->at++;
	}
	return NULL;
}

static const char *read_field(struct reading *r)
{
	if (r->out->count == CK_CSV_FIELDS_LIMIT) return "there are too many fields";
	size_t from = r->used;
	const char *fault = NULL;
	if (r->at < r->end && *r->at == '"') {
		r->at++;
		fault = read_quoted(r);
	} else {
		fault = read_plain(r);
	}
	r->out->fields[r->out->count++] = (struct ck_text){ r->text + from, r->used - from };
	return fault;
}

static const char *read_line_end(struct reading *r)
{
	if (r->at == r->end) return r->last ? NULL : "the record is too long";
	if (*r->at == '\r') {
		r->at++;
		if (r->at == r->end || *r->at != '\n') return "there is a carriage return inside a field without quotes";
	}
	r->at++;
	return NULL;
}

static const char *read_record(struct reading *r)
{
	const char *fault = read_field(r);
	while (fault == NULL && r->at < r->end && *r->at == r->separator) {
		r->at++;
		fault = read_field(r);
	}
	return fault != NULL ? fault : read_line_end(r);
}

/* ---- the file ---- */

static size_t line_length(const struct ck_csv *csv, size_t window)
{
	const uint8_t *newline = memchr(csv->buffer + csv->start, '\n', window);
	return newline != NULL ? (size_t)(newline - (csv->buffer + csv->start)) + 1 : window;
}

static void take(struct ck_csv *csv, size_t length)
{
	const uint8_t *at = csv->buffer + csv->start;
	for (size_t i = 0; i < length; i++) csv->line += at[i] == '\n';
	csv->start += length;
	csv->taken += length;
}

static struct ck_text without_line_end(const char *at, size_t length)
{
	if (length > 0 && at[length - 1] == '\n') length--;
	if (length > 0 && at[length - 1] == '\r') length--;
	return (struct ck_text){ at, length };
}

/* What a line that was too long left behind. */
static void skip_line(struct ck_csv *csv)
{
	while (csv->skipping) {
		fill(csv);
		size_t window = csv->end - csv->start;
		size_t length = line_length(csv, window);
		csv->skipping = window > 0 && csv->buffer[csv->start + length - 1] != '\n';
		take(csv, length);
	}
}

static void begin_file(struct ck_csv *csv)
{
	csv->begun = true;
	fill(csv);
	if (csv->end - csv->start >= 3 && memcmp(csv->buffer + csv->start, bom, 3) == 0) take(csv, 3);
}

bool ck_csv_next(struct ck_csv *csv, struct ck_csv_record *out)
{
	if (!csv->begun) begin_file(csv);
	skip_line(csv);
	size_t window;
	for (;;) {
		fill(csv);
		window = csv->end - csv->start;
		if (window > CK_CSV_RECORD_LIMIT_BYTES) window = CK_CSV_RECORD_LIMIT_BYTES;
		if (window == 0) return false;
		size_t length = line_length(csv, window);
		if (without_line_end((const char *)csv->buffer + csv->start, length).length > 0) break;
		take(csv, length);
	}
	const char *at = (const char *)csv->buffer + csv->start;
	struct reading r = { .at = at, .end = at + window, .separator = csv->separator, .last = csv->eof && csv->start + window == csv->end,
		             .text = csv->text, .out = out };
	out->line = csv->line;
	out->count = 0;
	out->fault = read_record(&r);
	size_t length = out->fault == NULL ? (size_t)(r.at - at) : line_length(csv, window);
	out->raw = without_line_end(at, length);
	if (out->fault == NULL && !ck_text_is_utf8(out->raw)) out->fault = "the text is not UTF-8 (another encoding, such as Latin-1?)";
	if (out->fault != NULL) {
		out->count = 0;
		csv->skipping = length > 0 && at[length - 1] != '\n' && !r.last;
	}
	take(csv, length); /* the buffer is not moved before the next call */
	return true;
}

void ck_csv_print(FILE *to, char separator, struct ck_text field)
{
	bool plain = true;
	for (size_t i = 0; i < field.length; i++)
		if (field.at[i] == separator || field.at[i] == '"' || field.at[i] == '\n' || field.at[i] == '\r') plain = false;
	if (field.length > 0 && (field.at[0] == ' ' || field.at[field.length - 1] == ' ')) plain = false;
	if (plain) {
		if (field.length > 0) fwrite(field.at, 1, field.length, to);
		return;
	}
	putc('"', to);
	for (size_t i = 0; i < field.length; i++) {
		if (field.at[i] == '"') putc('"', to);
		putc(field.at[i], to);
	}
	putc('"', to);
}
