/* The mapping file. A typing error must stop the import and say where: a column that is silently not there would empty what it maps to. */
#include "authd/cli/import_mapping.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "directory/model/entry.h"

static const struct ck_import_row rows[CK_IMPORT_FIELDS] = {
	[CK_IMPORT_NUMBER] = { "number", "employeeNumber", false },
	[CK_IMPORT_UID] = { "uid", "uid", false },
	[CK_IMPORT_NAME] = { "name", "cn", false },
	[CK_IMPORT_GIVEN] = { "given-name", "givenName", true },
	[CK_IMPORT_SURNAME] = { "surname", "sn", false },
	[CK_IMPORT_MAIL] = { "mail", "mail", false },
	[CK_IMPORT_TELEPHONE] = { "telephone", "telephoneNumber", true },
	[CK_IMPORT_TITLE] = { "title", "title", true },
	[CK_IMPORT_DEPARTMENT] = { "department", "departmentNumber", true },
	[CK_IMPORT_STATUS] = { "status", "ckStatus", false },
	[CK_IMPORT_FROM] = { "from", "ckValidFrom", false },
	[CK_IMPORT_UNTIL] = { "until", "ckValidUntil", false },
	[CK_IMPORT_UID_NUMBER] = { "uid-number", "uidNumber", false },
	[CK_IMPORT_GID_NUMBER] = { "gid-number", "gidNumber", false },
	[CK_IMPORT_HOME] = { "home", "homeDirectory", false },
	[CK_IMPORT_SHELL] = { "shell", "loginShell", false },
	[CK_IMPORT_LISTED] = { "listed", "ckListed", false },
	[CK_IMPORT_AUTHORITY] = { "authority", NULL, false },
};

const struct ck_import_row *ck_import_row_of(enum ck_import_field field) { return &rows[field]; }

bool ck_import_field_known(enum ck_import_field field)
{
	return rows[field].attribute == NULL || ck_entry_attribute_settable(CK_KIND_STAFF, ck_text_of(rows[field].attribute));
}

static void begin(struct ck_mapping *out)
{
	memset(out, 0, sizeof *out);
	out->separator = ',';
	out->suspend_missing = true;
	strcpy(out->defaults[CK_IMPORT_SHELL], "/bin/bash");
	strcpy(out->defaults[CK_IMPORT_HOME], "/home/{uid}");
	strcpy(out->defaults[CK_IMPORT_STATUS], "active");
	strcpy(out->defaults[CK_IMPORT_LISTED], "TRUE");
}

static void default_words(struct ck_mapping *out)
{
	out->word_count = 2;
	strcpy(out->words[0].word, "active");
	out->words[0].status = CK_STATUS_ACTIVE;
	strcpy(out->words[1].word, "suspended");
	out->words[1].status = CK_STATUS_SUSPENDED;
}

void ck_mapping_default(struct ck_mapping *out)
{
	begin(out);
	default_words(out);
	for (size_t i = 0; i < CK_IMPORT_FIELDS; i++)
		if (i != CK_IMPORT_AUTHORITY && ck_import_field_known((enum ck_import_field)i)) strcpy(out->columns[i], rows[i].name);
}

/* ---- reading ---- */

struct parse {
	const char *name;
	struct ck_text rest;
	unsigned line;
	bool seen[4]; /* keys of [file] */
	struct ck_mapping *out;
	enum ck_error error;
	struct ck_errmsg *err;
};

CK_PRINTF(2, 3) static void fault(struct parse *p, const char *format, ...)
{
	char what[sizeof p->err->text];
	va_list args;
	if (p->error != CK_OK) return;
	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args);
	va_end(args);
	p->error = ck_fail(p->err, CK_ERR_INVALID, "%s:%u: %s", p->name, p->line, what);
}

/* inih's reader: one line into `out`. It would cut long lines and take what is indented as more of the line before. */
static char *read_line(char *out, int out_bytes, void *context)
{
	struct parse *p = context;
	if (p->rest.length == 0 || p->error != CK_OK) return NULL;
	p->line++;
	const char *newline = memchr(p->rest.at, '\n', p->rest.length);
	size_t length = newline != NULL ? (size_t)(newline - p->rest.at) : p->rest.length;
	struct ck_text line = { p->rest.at, length };
	length += newline != NULL;
	p->rest.at += length;
	p->rest.length -= length;
	while (line.length > 0 && (*line.at == ' ' || *line.at == '\t')) {
		line.at++;
		line.length--;
	}
	if (line.length + 2 > (size_t)out_bytes || !ck_text_is_utf8(line)) {
		fault(p, "expected a line of at most %d bytes of UTF-8", out_bytes - 2);
		return NULL;
	}
	memcpy(out, line.at, line.length);
	out[line.length] = '\n';
	out[line.length + 1] = '\0';
	return out;
}

static int field_of(const char *name)
{
	for (int i = 0; i < CK_IMPORT_FIELDS; i++)
		if (strcmp(rows[i].name, name) == 0) return i;
	return -1;
}

/* One of the words, or -1. */
static int word_of(const char *value, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0) return i;
	return -1;
}

static void set_file(struct parse *p, const char *key, const char *value)
{
	static const char *const keys[] = { "separator", "dates", "missing", "uids", NULL };
	static const char *const separators[] = { "comma", "semicolon", "tab", NULL }, *const dates[] = { "iso", "day-first", NULL },
		*const missing[] = { "keep", "suspend", NULL }, *const uids[] = { "initial-surname", "given-surname", "number", NULL };
	static const char *const *const values[] = { separators, dates, missing, uids };
	int at = word_of(key, keys);
	if (at < 0) {
		fault(p, "[file] has separator, dates, missing and uids, not \"%s\"", key);
		return;
	}
	int word = word_of(value, values[at]);
	if (p->seen[at]) fault(p, "%s is there twice", key);
	if (word < 0)
		fault(p, "%s: expected %s, %s%s%s, got \"%.64s\"", key, values[at][0], values[at][1], values[at][2] != NULL ? ", " : "",
		      values[at][2] != NULL ? values[at][2] : "", value);
	if (p->error != CK_OK) return;
	p->seen[at] = true;
	if (at == 0) p->out->separator = ",;\t"[word];
	if (at == 1) p->out->dates = (enum ck_import_dates)word;
	if (at == 2) p->out->suspend_missing = word == 1;
	if (at == 3) p->out->uids = (enum ck_import_uids)word;
}

static void set_field(struct parse *p, char (*texts)[CK_MAPPING_TEXT_BYTES], bool *seen, const char *key, const char *value)
{
	int field = field_of(key);
	if (field < 0) {
		fault(p, "there is no field \"%.64s\"; crosskeys-import(5) lists them", key);
	} else if (!ck_import_field_known((enum ck_import_field)field)) {
		fault(p, "\"%s\" is no field of this release", key);
	} else if (seen[field]) {
		fault(p, "%s is there twice", key);
	} else if (value[0] == '\0' || strlen(value) >= CK_MAPPING_TEXT_BYTES) {
		fault(p, "%s: expected 1 to %d bytes", key, CK_MAPPING_TEXT_BYTES - 1);
	} else {
		seen[field] = true;
		strcpy(texts[field], value);
	}
}

static void set_word(struct parse *p, const char *word, const char *value)
{
	enum ck_status status = ck_status_of_name(ck_text_of(value));
	if (status != CK_STATUS_ACTIVE && status != CK_STATUS_SUSPENDED) fault(p, "%.64s: expected active or suspended, got \"%.64s\"", word, value);
	if (p->out->word_count == CK_MAPPING_WORDS_LIMIT || strlen(word) >= CK_MAPPING_TEXT_BYTES)
		fault(p, "[status] takes up to %d words of at most %d bytes", CK_MAPPING_WORDS_LIMIT, CK_MAPPING_TEXT_BYTES - 1);
	for (size_t i = 0; i < p->out->word_count; i++)
		if (strcasecmp(p->out->words[i].word, word) == 0) fault(p, "%.64s is there twice", word);
	if (p->error != CK_OK) return;
	strcpy(p->out->words[p->out->word_count].word, word);
	p->out->words[p->out->word_count++].status = status;
}

struct sections {
	struct parse *parse;
	bool columns[CK_IMPORT_FIELDS], defaults[CK_IMPORT_FIELDS];
};

static int on_value(void *context, const char *section, const char *key, const char *given)
{
	struct sections *s = context;
	struct parse *p = s->parse;
	char value[512] = "";
	size_t length = strlen(given);
	if (length >= sizeof value) fault(p, "%.64s: the value is too long", key);
	bool quoted = length >= 2 && given[0] == '"' && given[length - 1] == '"';
	if (p->error == CK_OK) snprintf(value, sizeof value, "%.*s", (int)(quoted ? length - 2 : length), quoted ? given + 1 : given);
	if (p->error != CK_OK) return 0;
	if (strcmp(section, "file") == 0) set_file(p, key, value);
	else if (strcmp(section, "columns") == 0) set_field(p, p->out->columns, s->columns, key, value);
	else if (strcmp(section, "defaults") == 0) set_field(p, p->out->defaults, s->defaults, key, value);
	else if (strcmp(section, "status") == 0) set_word(p, key, value);
	else fault(p, "expected [file], [columns], [status] or [defaults], got [%.64s]", section);
	return p->error == CK_OK;
}

static enum ck_error check(struct parse *p)
{
	const struct ck_mapping *m = p->out;
	bool named = m->columns[CK_IMPORT_NAME][0] != '\0' || (m->columns[CK_IMPORT_GIVEN][0] != '\0' && m->columns[CK_IMPORT_SURNAME][0] != '\0');
	if (p->error != CK_OK) return p->error;
	if (m->columns[CK_IMPORT_NUMBER][0] == '\0')
		return ck_fail(p->err, CK_ERR_INVALID, "%s: [columns] must say which is the staff number: it is what people are known by", p->name);
	if (!named) return ck_fail(p->err, CK_ERR_INVALID, "%s: [columns] must say which is the name, or given-name and surname", p->name);
	if (m->columns[CK_IMPORT_STATUS][0] != '\0' && m->word_count == 0)
		return ck_fail(p->err, CK_ERR_INVALID, "%s: [status] must say what the words of \"%s\" mean", p->name, m->columns[CK_IMPORT_STATUS]);
	return CK_OK;
}

enum ck_error ck_mapping_parse(struct ck_text text, const char *name, struct ck_mapping *out, struct ck_errmsg *err)
{
	struct parse p = { .name = name, .rest = text, .out = out, .error = CK_OK, .err = err };
	struct sections sections = { .parse = &p };
	begin(out);
	if (text.length > CK_MAPPING_LIMIT_BYTES) return ck_fail(err, CK_ERR_LIMIT, "%s: a mapping has at most %d bytes", name, CK_MAPPING_LIMIT_BYTES);
	if (text.length >= 3 && memcmp(text.at, "\xef\xbb\xbf", 3) == 0) p.rest = (struct ck_text){ text.at + 3, text.length - 3 };
	int line = ini_parse_stream(read_line, &p, on_value, &sections);
	if (line != 0) fault(&p, "expected [section] or key = value");
	return check(&p);
}

enum ck_error ck_mapping_load(const char *path, struct ck_mapping *out, struct ck_errmsg *err)
{
	static char text[CK_MAPPING_LIMIT_BYTES + 1];
	FILE *file = fopen(path, "re");
	if (file == NULL) return ck_fail(err, CK_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
	size_t length = fread(text, 1, sizeof text, file);
	bool failed = ferror(file) != 0;
	fclose(file);
	if (failed) return ck_fail(err, CK_ERR_IO, "%s cannot be read", path);
	return ck_mapping_parse((struct ck_text){ text, length }, path, out, err);
}
