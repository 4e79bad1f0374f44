/* The LDIF reader: a record is what stands between empty lines, looked at whole, within a bound; one that is bad costs no other. */
#include "authd/cli/import_ldif.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

void ck_ldif_begin(struct ck_ldif *ldif, FILE *from)
{
	ldif->from = from;
	ldif->line = 0;
	ldif->taken = 0;
	ldif->begun = false;
}

/* The lines of the next record, without the empty ones around it. False: the file is over. */
static bool read_block(struct ck_ldif *ldif, size_t *out_length, uint64_t *out_line, bool *out_cut)
{
	size_t used = 0;
	bool line_start = true;
	int c;
	*out_line = 0;
	*out_cut = false;
	while ((c = getc(ldif->from)) != EOF) {
		ldif->taken++;
		if (line_start) {
			ldif->line++;
			if (c == '\r') {
				int next = getc(ldif->from);
				if (next == '\n') {
					ldif->taken++;
					c = '\n';
				} else if (next != EOF) {
					(void)ungetc(next, ldif->from);
				}
			}
			if (c == '\n' && used > 0) break;
			if (c == '\n') continue;
			if (*out_line == 0) *out_line = ldif->line;
		}
		line_start = c == '\n';
		if (used < sizeof ldif->raw) ldif->raw[used++] = (char)c;
		else *out_cut = true;
	}
	*out_length = used;
	return used > 0;
}

/* RFC 2849, 2: a line that begins with a space goes on where the one before ended; comments go. Returns the length in `text`. */
static size_t unfold(struct ck_ldif *ldif, size_t raw_length)
{
	size_t used = 0;
	bool comment = false;
	for (size_t at = 0; at < raw_length;) {
		const char *line = ldif->raw + at;
		const char *newline = memchr(line, '\n', raw_length - at);
		size_t length = newline != NULL ? (size_t)(newline - line) : raw_length - at;
		at += length + (newline != NULL);
		if (length > 0 && line[length - 1] == '\r') length--;
		bool more = length > 0 && line[0] == ' ';
		if (!more) {
			comment = length > 0 && line[0] == '#';
			if (!comment && used > 0) ldif->text[used++] = '\n';
		}
		if (comment) continue;
		memcpy(ldif->text + used, line + more, length - more);
		used += length - more;
	}
	return used;
}

static const char *decode(struct ck_text *value)
{
	uint8_t *to = (uint8_t *)(uintptr_t)value->at;
	size_t length = 0;
	/* in place: three bytes of four characters, always behind what is read */
	static uint8_t bytes[CK_LDIF_RECORD_LIMIT_BYTES];
	if (sodium_base642bin(bytes, sizeof bytes, value->at, value->length, NULL, &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return "a value is not base64";
	memcpy(to, bytes, length);
	value->length = length;
	return NULL;
}

static const char *read_pair(struct ck_text line, struct ck_text *out_name, struct ck_text *out_value)
{
	const char *colon = line.length > 0 ? memchr(line.at, ':', line.length) : NULL;
	if (colon == NULL || colon == line.at) return "a line is not \"name: value\"";
	*out_name = (struct ck_text){ line.at, (size_t)(colon - line.at) };
	const char *option = memchr(out_name->at, ';', out_name->length);
	if (option != NULL) out_name->length = (size_t)(option - out_name->at);
	size_t at = out_name->length;
	at = (size_t)(colon - line.at) + 1;
	char kind = at < line.length ? line.at[at] : ' ';
	if (kind == '<') return "a value is a URL, which is not followed";
	if (kind == ':') at++;
	while (at < line.length && line.at[at] == ' ') at++;
	*out_value = (struct ck_text){ line.at + at, line.length - at };
	return kind == ':' ? decode(out_value) : NULL;
}

static bool is_name(struct ck_text name, const char *wanted)
{
	return name.length == strlen(wanted) && strncasecmp(name.at, wanted, name.length) == 0;
}

static const char *take_pair(struct ck_ldif_record *out, struct ck_text name, struct ck_text value)
{
	if (is_name(name, "dn")) {
		if (out->dn.at != NULL) return "there are two DNs";
		out->dn = value;
		return NULL;
	}
	if (out->dn.at == NULL) return is_name(name, "version") ? NULL : "the record does not begin with its DN";
	if (is_name(name, "changetype") || is_name(name, "control")) return "this is a change, and only entries are read";
	if (out->count == CK_LDIF_VALUES_LIMIT) return "there are too many values";
	out->values[out->count].name = name;
	out->values[out->count++].value = ck_bytes_of(value);
	return NULL;
}

static const char *read_record(struct ck_text text, struct ck_ldif_record *out)
{
	const char *fault = NULL;
	while (fault == NULL && text.length > 0) {
		const char *newline = memchr(text.at, '\n', text.length);
		struct ck_text name, value, line = { text.at, newline != NULL ? (size_t)(newline - text.at) : text.length };
		size_t length = line.length + (newline != NULL);
		fault = read_pair(line, &name, &value);
		if (fault == NULL) fault = take_pair(out, name, value);
		text.at += length;
		text.length -= length;
	}
	return fault;
}

bool ck_ldif_next(struct ck_ldif *ldif, struct ck_ldif_record *out)
{
	size_t length = 0;
	bool cut = false;
	for (;;) {
		out->dn = (struct ck_text){ NULL, 0 };
		out->count = 0;
		if (!read_block(ldif, &length, &out->line, &cut)) return false;
		out->raw = (struct ck_text){ ldif->raw, length };
		struct ck_text text = { ldif->text, cut ? 0 : unfold(ldif, length) };
		out->fault = cut ? "the record is too long" : read_record(text, out);
		if (out->fault != NULL) out->count = 0;
		if (out->fault != NULL || out->dn.at != NULL) return true; /* else: a comment, or the version alone */
	}
}

struct ck_text ck_ldif_value(const struct ck_ldif_record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++)
		if (is_name(record->values[i].name, name)) return (struct ck_text){ (const char *)record->values[i].value.at, record->values[i].value.length };
	return (struct ck_text){ NULL, 0 };
}

bool ck_ldif_has_class(const struct ck_ldif_record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++) {
		struct ck_text value = { (const char *)record->values[i].value.at, record->values[i].value.length };
		if (is_name(record->values[i].name, "objectClass") && is_name(value, name)) return true;
	}
	return false;
}

/* SAFE-STRING of RFC 2849, and no space at the end, which editors lose. */
static bool is_safe(struct ck_bytes value)
{
	if (value.length == 0) return true;
	if (value.at[0] == ' ' || value.at[0] == ':' || value.at[0] == '<' || value.at[value.length - 1] == ' ') return false;
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] < ' ' || value.at[i] > '~') return false;
	return true;
}

void ck_ldif_print(FILE *to, const char *name, struct ck_bytes value)
{
	static char encoded[sodium_base64_ENCODED_LEN(CK_LDIF_RECORD_LIMIT_BYTES / 2, sodium_base64_VARIANT_ORIGINAL)];
	fputs(name, to);
	if (is_safe(value)) {
		fputs(": ", to);
		if (value.length > 0) fwrite(value.at, 1, value.length, to);
	} else {
		CK_ASSERT(value.length <= CK_LDIF_RECORD_LIMIT_BYTES / 2);
		fputs(":: ", to);
		fputs(sodium_bin2base64(encoded, sizeof encoded, value.at, value.length, sodium_base64_VARIANT_ORIGINAL), to);
	}
	putc('\n', to);
}
