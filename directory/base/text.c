/* Slices, UUIDs, hex, strict decimals, escaping. Every input may come from outside. */
#include "directory/base/text.h"

#include <string.h>

struct ck_text ck_text_of(const char *string)
{
	if (string == NULL) return (struct ck_text){ NULL, 0 };
	return (struct ck_text){ string, strlen(string) };
}

struct ck_bytes ck_bytes_of(struct ck_text text)
{
	return (struct ck_bytes){ (const uint8_t *)text.at, text.length };
}

bool ck_bytes_equal(struct ck_bytes a, struct ck_bytes b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

bool ck_text_equal(struct ck_text a, struct ck_text b)
{
	return ck_bytes_equal(ck_bytes_of(a), ck_bytes_of(b));
}

bool ck_text_is(struct ck_text text, const char *string)
{
	return ck_text_equal(text, ck_text_of(string));
}

enum ck_error ck_text_copy(char *out, size_t out_bytes, struct ck_text text)
{
	out[0] = '\0';
	if (text.length >= out_bytes) return CK_ERR_LIMIT;
	if (text.length == 0) return CK_OK;
	if (memchr(text.at, '\0', text.length) != NULL) return CK_ERR_INVALID;
	memcpy(out, text.at, text.length);
	out[text.length] = '\0';
	return CK_OK;
}

/* One UTF-8 character at `at` of at most `left` bytes: its length and code point, or 0 if it is malformed (RFC 3629). */
static size_t utf8_character(const uint8_t *at, size_t left, uint32_t *out_code)
{
	static const uint32_t smallest[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t first = at[0];
	size_t length = first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : (first & 0xf8) == 0xf0 ? 4 : 0;
	if (length == 0 || length > left) return 0;
	uint32_t code = length == 1 ? first : (uint32_t)first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80) return 0;
		code = code << 6 | (at[i] & 0x3fu);
	}
	if (length > 1 && code < smallest[length]) return 0;
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return 0;
	*out_code = code;
	return length;
}

static bool is_utf8(struct ck_text text, bool controls)
{
	const uint8_t *at = (const uint8_t *)text.at;
	size_t left = text.length;
	while (left > 0) {
		uint32_t code = 0;
		size_t length = utf8_character(at, left, &code);
		if (length == 0 || code == 0) return false;
		if (!controls && (code < 0x20 || (code >= 0x7f && code < 0xa0))) return false;
		at += length;
		left -= length;
	}
	return true;
}

bool ck_text_is_printable_utf8(struct ck_text text)
{
	return is_utf8(text, false);
}

bool ck_text_is_utf8(struct ck_text text)
{
	return is_utf8(text, true);
}

bool ck_id_equal(struct ck_id a, struct ck_id b)
{
	return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

bool ck_id_is_zero(struct ck_id id)
{
	static const struct ck_id zero;
	return ck_id_equal(id, zero);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

enum ck_error ck_hex_decode(struct ck_text text, uint8_t *out, size_t out_bytes)
{
	if (text.length != 2 * out_bytes) return CK_ERR_INVALID;
	for (size_t i = 0; i < out_bytes; i++) {
		int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);
		if (high < 0 || low < 0) return CK_ERR_INVALID;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return CK_OK;
}

const char *ck_hex_encode(const uint8_t *bytes, size_t length, char *out, size_t out_bytes)
{
	static const char digits[] = "0123456789abcdef";
	if (out_bytes / 2 < length || out_bytes <= 2 * length) length = 0;
	for (size_t i = 0; i < length; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * length] = '\0';
	return out;
}

static const uint8_t dashes[4] = { 8, 13, 18, 23 };

enum ck_error ck_id_parse(struct ck_text text, struct ck_id *out)
{
	char digits[32];
	size_t used = 0;
	if (text.length != CK_ID_TEXT_BYTES - 1) return CK_ERR_INVALID;
	for (size_t i = 0; i < text.length; i++) {
		bool dash = memchr(dashes, (int)i, sizeof dashes) != NULL;
		if (dash != (text.at[i] == '-')) return CK_ERR_INVALID;
		if (!dash) digits[used++] = text.at[i];
	}
	return ck_hex_decode((struct ck_text){ digits, used }, out->bytes, sizeof out->bytes);
}

const char *ck_id_format(struct ck_id id, char out[CK_ID_TEXT_BYTES])
{
	char digits[33];
	(void)ck_hex_encode(id.bytes, sizeof id.bytes, digits, sizeof digits);
	size_t used = 0;
	for (size_t i = 0; i < CK_ID_TEXT_BYTES - 1; i++)
		out[i] = memchr(dashes, (int)i, sizeof dashes) != NULL ? '-' : digits[used++];
	out[CK_ID_TEXT_BYTES - 1] = '\0';
	return out;
}

enum ck_error ck_uint_parse(struct ck_text text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (text.length == 0 || text.length > 20 || (text.length > 1 && text.at[0] == '0')) return CK_ERR_INVALID;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') return CK_ERR_INVALID;
		uint64_t digit = (uint64_t)(text.at[i] - '0');
		if (value > (UINT64_MAX - digit) / 10) return CK_ERR_LIMIT;
		value = value * 10 + digit;
	}
	if (value < min || value > max) return CK_ERR_LIMIT;
	*out = value;
	return CK_OK;
}

static bool stays(uint8_t byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '\\' && byte != '"';
}

const char *ck_escape(struct ck_bytes bytes, char *out, size_t out_bytes)
{
	static const char digits[] = "0123456789abcdef";
	size_t used = 0;
	if (out_bytes < 8) bytes.length = 0;
	for (size_t i = 0; i < bytes.length; i++) {
		uint8_t byte = bytes.at[i];
		size_t needs = stays(byte) ? 1 : 4;
		/* room for this one, the mark of a cut, and the NUL */
		if (used + needs + 3 + 1 > out_bytes) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (needs == 1) {
			out[used++] = (char)byte;
		} else {
			out[used++] = '\\';
			out[used++] = 'x';
			out[used++] = digits[byte >> 4];
			out[used++] = digits[byte & 15];
		}
	}
	out[used] = '\0';
	return out;
}

enum ck_error ck_unescape(struct ck_text text, uint8_t *out, size_t out_bytes, size_t *out_length)
{
	size_t used = 0;
	*out_length = 0;
	for (size_t i = 0; i < text.length; used++) {
		if (used == out_bytes) return CK_ERR_LIMIT;
		uint8_t byte = (uint8_t)text.at[i];
		if (stays(byte)) {
			out[used] = byte;
			i++;
		} else {
			if (byte != '\\' || text.length - i < 4 || text.at[i + 1] != 'x') return CK_ERR_INVALID;
			if (ck_hex_decode((struct ck_text){ text.at + i + 2, 2 }, out + used, 1) != CK_OK) return CK_ERR_INVALID;
			i += 4;
		}
	}
	*out_length = used;
	return CK_OK;
}
