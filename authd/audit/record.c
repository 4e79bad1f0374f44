/* One record as one line, and back. Values come from outside and are escaped here, so that nothing in them can end a line, begin a field or
   stand for the digest; reading trusts nothing and takes only what writing makes. */
#include "authd/audit/record.h"

#include "directory/base/clock.h"

#include <sodium.h>
#include <string.h>

/* What ck_escape (directory/base/text.h) leaves as it is; the same rule here, without its cut: a record says all or is refused. */
static bool is_plain(uint8_t byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '\\' && byte != '"';
}

struct line {
	char *at, *end;
	bool full;
};

static void put(struct line *l, const char *bytes, size_t length)
{
	if (l->full || (size_t)(l->end - l->at) < length) {
		l->full = true;
		return;
	}
	memcpy(l->at, bytes, length);
	l->at += length;
}

static void put_escaped(struct line *l, struct ck_bytes value)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < value.length && !l->full;) {
		size_t run = i;
		while (run < value.length && is_plain(value.at[run])) run++;
		put(l, (const char *)value.at + i, run - i);
		if (run < value.length) {
			char escaped[4] = { '\\', 'x', digits[value.at[run] >> 4], digits[value.at[run] & 15] };
			put(l, escaped, sizeof escaped);
			run++;
		}
		i = run;
	}
}

size_t ck_format_uint(uint64_t value, char out[24])
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	memcpy(out, digits + at, sizeof digits - at);
	out[sizeof digits - at] = '\0';
	return sizeof digits - at;
}

size_t ck_record_format(char *out, size_t out_bytes, size_t spare, uint64_t seq, const char *time, const char *event,
                        const struct ck_audit_field *fields, size_t count, const uint8_t prev[CK_AUDIT_DIGEST_BYTES])
{
	size_t limit = CK_AUDIT_RECORD_LIMIT_BYTES - 1 - spare; /* the newline */
	if (out_bytes < limit) limit = out_bytes;
	struct line l = { .at = out, .end = out + limit };
	char number[24];
	put(&l, number, ck_format_uint(seq, number));
	put(&l, " ", 1);
	put(&l, time, strlen(time));
	put(&l, " ", 1);
	put(&l, event, strlen(event));
	for (size_t i = 0; i < count; i++) {
		put(&l, " ", 1);
		put(&l, fields[i].name, strlen(fields[i].name));
		put(&l, "=", 1);
		put_escaped(&l, fields[i].value);
	}
	char digest[2 * CK_AUDIT_DIGEST_BYTES + 1];
	ck_hex_encode(prev, CK_AUDIT_DIGEST_BYTES, digest, sizeof digest);
	put(&l, " prev=", 6);
	put(&l, digest, sizeof digest - 1);
	return l.full ? 0 : (size_t)(l.at - out);
}

void ck_record_digest(struct ck_text line, uint8_t out[CK_AUDIT_DIGEST_BYTES])
{
	crypto_hash_sha256(out, (const unsigned char *)line.at, line.length);
}

/* ---- reading ---- */

/* The text before the next space; moves on past it. At the end of the line *rest is absent. */
static struct ck_text take_word(struct ck_text *rest)
{
	const char *space = rest->length > 0 ? memchr(rest->at, ' ', rest->length) : NULL;
	struct ck_text word = *rest;
	if (space == NULL) {
		*rest = (struct ck_text){ NULL, 0 };
		return word;
	}
	word.length = (size_t)(space - rest->at);
	*rest = (struct ck_text){ space + 1, rest->length - word.length - 1 };
	return word;
}

static bool is_name(struct ck_text text)
{
	if (text.length == 0) return false;
	for (size_t i = 0; i < text.length; i++)
		if ((text.at[i] < 'a' || text.at[i] > 'z') && text.at[i] != '-') return false;
	return true;
}

static bool is_time(struct ck_text text)
{
	static const char picture[] = "0000-00-00T00:00:00.000000Z";
	if (text.length != sizeof picture - 1) return false;
	for (size_t i = 0; i < text.length; i++) {
		bool digit = text.at[i] >= '0' && text.at[i] <= '9';
		if (picture[i] == '0' ? !digit : text.at[i] != picture[i]) return false;
	}
	return true;
}

int64_t ck_record_time_us(struct ck_text time)
{
	char second[] = "0000-00-00T00:00:00Z";
	uint64_t micro = 0;
	int64_t time_s = 0;
	if (!is_time(time)) return 0;
	memcpy(second, time.at, 19);
	for (size_t i = 20; i < 26; i++) micro = micro * 10 + (uint64_t)(time.at[i] - '0');
	return ck_time_parse(ck_text_of(second), 0, &time_s) == CK_OK ? time_s * 1000000 + (int64_t)micro : 0;
}

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

static bool is_escaped(struct ck_text value)
{
	for (size_t i = 0; i < value.length; i++) {
		if (is_plain((uint8_t)value.at[i])) continue;
		if (value.at[i] != '\\' || value.length - i < 4 || value.at[i + 1] != 'x' || !is_hex(value.at[i + 2]) || !is_hex(value.at[i + 3]))
			return false;
		i += 3;
	}
	return true;
}

static bool parse_field(struct ck_text word, struct ck_text *out_name, struct ck_text *out_value)
{
	const char *equals = word.length > 0 ? memchr(word.at, '=', word.length) : NULL;
	if (equals == NULL) return false;
	*out_name = (struct ck_text){ word.at, (size_t)(equals - word.at) };
	*out_value = (struct ck_text){ equals + 1, word.length - out_name->length - 1 };
	return is_name(*out_name) && is_escaped(*out_value);
}

/* Lower-case digits only, as they are written: bytes that no digest covers yet must not have two forms. */
static enum ck_error decode_hex(struct ck_text text, uint8_t *out, size_t out_bytes)
{
	for (size_t i = 0; i < text.length; i++)
		if (!is_hex(text.at[i])) return CK_ERR_INVALID;
	return ck_hex_decode(text, out, out_bytes);
}

/* The fields: the digest is the last one, but for the signature that follows it in a checkpoint and nowhere else. */
static enum ck_error parse_fields(struct ck_text rest, struct ck_audit_record *out)
{
	bool checkpoint = ck_text_is(out->event, CK_AUDIT_CHECKPOINT), digest_came = false;
	while (rest.at != NULL) {
		struct ck_text name, value;
		if (!parse_field(take_word(&rest), &name, &value)) return CK_ERR_INVALID;
		if (ck_text_is(name, "prev")) {
			if (digest_came || decode_hex(value, out->prev, sizeof out->prev) != CK_OK) return CK_ERR_INVALID;
			digest_came = true;
			continue;
		}
		if (digest_came != (checkpoint && ck_text_is(name, "sig"))) return CK_ERR_INVALID;
		if (out->count == CK_AUDIT_FIELDS_LIMIT) return CK_ERR_LIMIT;
		out->fields[out->count].name = name;
		out->fields[out->count++].value = value;
		if (digest_came && rest.at != NULL) return CK_ERR_INVALID;
	}
	return digest_came ? CK_OK : CK_ERR_INVALID;
}

enum ck_error ck_audit_parse(struct ck_text line, struct ck_audit_record *out)
{
	out->count = 0;
	out->line = line;
	if (line.length >= CK_AUDIT_RECORD_LIMIT_BYTES) return CK_ERR_LIMIT;
	struct ck_text rest = line;
	struct ck_text seq = take_word(&rest);
	out->time = take_word(&rest);
	out->event = take_word(&rest);
	if (rest.at == NULL || ck_uint_parse(seq, 1, UINT64_MAX, &out->seq) != CK_OK || !is_time(out->time) || !is_name(out->event))
		return CK_ERR_INVALID;
	return parse_fields(rest, out);
}

enum ck_error ck_checkpoint_parse(const struct ck_audit_record *record, struct ck_checkpoint *out)
{
	if (!ck_text_is(record->event, CK_AUDIT_CHECKPOINT) || record->count != 4) return CK_ERR_INVALID;
	if (!ck_text_is(record->fields[0].name, "index") || !ck_text_is(record->fields[1].name, "key") ||
	    !ck_text_is(record->fields[2].name, "next") || !ck_text_is(record->fields[3].name, "sig"))
		return CK_ERR_INVALID;
	if (ck_uint_parse(record->fields[0].value, 0, UINT64_MAX - 1, &out->index) != CK_OK ||
	    decode_hex(record->fields[1].value, out->key, sizeof out->key) != CK_OK ||
	    decode_hex(record->fields[2].value, out->next, sizeof out->next) != CK_OK ||
	    decode_hex(record->fields[3].value, out->signature, sizeof out->signature) != CK_OK)
		return CK_ERR_INVALID;
	size_t tail = strlen(" sig=") + record->fields[3].value.length;
	out->signed_part = (struct ck_text){ record->line.at, record->line.length - tail };
	return CK_OK;
}
