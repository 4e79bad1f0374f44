/* Folding by a table of our own: what follows from a name must be the same on every machine, whatever its locale. */
#include "authd/cli/import_name.h"

#include <stdio.h>
#include <string.h>

#include "directory/base/buffer.h"

/* U+00C0 to U+017F, each as the ASCII letters it is written with where it cannot be; a space ends one, "." stands for none. */
static const char latin[] =
	"a a a a a a ae c e e e e i i i i d n o o o o o . o u u u u y th ss a a a a a a ae c e e e e i i i i d n o o o o o . o u u u u y th y "
	"a a a a a a c c c c c c c c d d d d e e e e e e e e e e g g g g g g g g h h h h i i i i i i i i i i ij ij j j k k k "
	"l l l l l l l l l l n n n n n n n n n o o o o o o oe oe r r r r r r s s s s s s s s t t t t t t "
	"u u u u u u u u u u u u w w y y y z z z z z z s ";

static const char *fold(uint32_t letter, size_t *out_length)
{
	static const char *starts[0x180 - 0xc0];
	if (starts[0] == NULL) {
		const char *at = latin;
		for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
			CK_ASSERT(*at != '\0');
			starts[i] = at;
			at = strchr(at, ' ') + 1;
		}
	}
	*out_length = 0;
	if (letter < 0xc0 || letter >= 0x180) return "";
	const char *at = starts[letter - 0xc0];
	*out_length = *at == '.' ? 0 : strcspn(at, " ");
	return at;
}

/* Of valid UTF-8; only two-byte letters are looked at further. */
static uint32_t next_letter(struct ck_text name, size_t *at)
{
	uint8_t first = (uint8_t)name.at[(*at)++];
	if (first < 0x80) return first;
	uint32_t letter = first;
	size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	if (more == 1 && *at < name.length) letter = (uint32_t)(first & 0x1f) << 6 | ((uint8_t)name.at[*at] & 0x3f);
	else letter = 0;
	*at += more;
	return letter;
}

size_t ck_name_fold(struct ck_text name, char *out, size_t out_bytes)
{
	size_t used = 0;
	for (size_t at = 0; at < name.length;) {
		uint32_t letter = next_letter(name, &at);
		char plain = (char)(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter < 0x80 ? letter : 0);
		const char *put = &plain;
		size_t length = (plain >= 'a' && plain <= 'z') || (plain >= '0' && plain <= '9') ? 1 : 0;
		if (letter >= 0x80) put = fold(letter, &length);
		for (size_t i = 0; i < length && used + 1 < out_bytes; i++) out[used++] = put[i];
	}
	out[used] = '\0';
	return used;
}

#define BASE_LIMIT_BYTES (CK_UID_LIMIT_BYTES - 6) /* room for a number behind it */

static void put_letters(struct ck_writer *w, const char *letters, size_t length)
{
	size_t room = (size_t)(w->end - w->at);
	ck_put_bytes(w, letters, length < room ? length : room);
}

static void make_base(enum ck_import_uids rule, struct ck_text given, struct ck_text surname, struct ck_text number, char out[BASE_LIMIT_BYTES + 1])
{
	char first[BASE_LIMIT_BYTES + 1], last[BASE_LIMIT_BYTES + 1], digits[BASE_LIMIT_BYTES + 1];
	size_t have_first = ck_name_fold(given, first, sizeof first), have_last = ck_name_fold(surname, last, sizeof last);
	(void)ck_name_fold(number, digits, sizeof digits);
	bool with_first = have_first > 0 && rule != CK_UIDS_NUMBER, with_last = have_last > 0 && rule != CK_UIDS_NUMBER;
	struct ck_writer w;
	ck_writer_init(&w, (uint8_t *)out, BASE_LIMIT_BYTES); /* what does not fit is left out, to the letter */
	if (!with_first && !with_last) {
		put_letters(&w, "s", 1);
		put_letters(&w, digits, strlen(digits));
	}
	if (with_first) put_letters(&w, first, rule == CK_UIDS_INITIAL_SURNAME && with_last ? 1 : have_first);
	if (with_first && with_last && rule == CK_UIDS_GIVEN_SURNAME) put_letters(&w, "-", 1);
	if (with_last) put_letters(&w, last, have_last);
	out[ck_writer_length(&w)] = '\0';
	if (out[0] >= '0' && out[0] <= '9') {
		memmove(out + 1, out, BASE_LIMIT_BYTES);
		out[0] = 's';
		out[BASE_LIMIT_BYTES] = '\0';
	}
}

bool ck_name_uid(enum ck_import_uids rule, struct ck_text given, struct ck_text surname, struct ck_text number, unsigned n,
                 char out[CK_UID_LIMIT_BYTES + 1])
{
	char base[BASE_LIMIT_BYTES + 2], made[BASE_LIMIT_BYTES + 16];
	make_base(rule, given, surname, number, base);
	if (n > 99999) return false;
	/* too short for a login name, or a name of the machine's: the number makes it one */
	bool alone = ck_model_uid_valid(ck_text_of(base));
	if (alone && n == 1) snprintf(made, sizeof made, "%s", base);
	else snprintf(made, sizeof made, "%s%u", base, alone ? n : n + 1);
	if (ck_text_copy(out, CK_UID_LIMIT_BYTES + 1, ck_text_of(made)) != CK_OK) return false;
	return ck_model_uid_valid(ck_text_of(out));
}
