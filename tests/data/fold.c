/* Letters without their marks. A table of what the lists hold, written apart from the product's folding, which it is held against. */
#include "tests/data/names.h"

#include <string.h>

#define NONE ""

/* UTF-8 of a letter, and what it folds to. */
static const struct {
	const char *letter, *plain;
} folded[] = {
	{"á", "a"}, {"à", "a"}, {"â", "a"}, {"ã", "a"}, {"ă", "a"}, {"ą", "a"}, {"Á", "a"}, {"À", "a"}, {"Â", "a"}, {"ä", "a"}, {"å", "a"},
	{"ç", "c"}, {"ć", "c"}, {"č", "c"}, {"Ç", "c"}, {"Ć", "c"}, {"é", "e"}, {"è", "e"}, {"ê", "e"}, {"ë", "e"}, {"ę", "e"}, {"É", "e"},
	{"È", "e"}, {"ẹ", "e"}, {"ɛ", "e"}, {"Ɛ", "e"}, {"ğ", "g"}, {"í", "i"}, {"ì", "i"}, {"î", "i"}, {"ï", "i"}, {"ı", "i"}, {"İ", "i"},
	{"Í", "i"}, {"Ì", "i"}, {"Î", "i"}, {"ị", "i"}, {"ł", "l"}, {"Ł", "l"}, {"ñ", "n"}, {"ń", "n"}, {"Ñ", "n"}, {"ǹ", "n"}, {"ó", "o"},
	{"ò", "o"}, {"ô", "o"}, {"õ", "o"}, {"ö", "o"}, {"Ó", "o"}, {"Ò", "o"}, {"Ö", "o"}, {"ọ", "o"}, {"Ọ", "o"}, {"ɔ", "o"}, {"ø", "o"},
	{"ř", "r"}, {"ś", "s"}, {"ş", "s"}, {"ș", "s"}, {"Ś", "s"}, {"Ş", "s"}, {"Ș", "s"}, {"ṣ", "s"}, {"Ṣ", "s"}, {"š", "s"}, {"ț", "t"},
	{"Ț", "t"}, {"ú", "u"}, {"ù", "u"}, {"û", "u"}, {"ü", "u"}, {"Ú", "u"}, {"Ù", "u"}, {"Û", "u"}, {"Ü", "u"}, {"ụ", "u"}, {"Ụ", "u"},
	{"ŵ", "w"}, {"Ŵ", "w"}, {"ŷ", "y"}, {"Ŷ", "y"}, {"ý", "y"}, {"ź", "z"}, {"ż", "z"}, {"Ź", "z"}, {"Ż", "z"}, {"ž", "z"}, {"’", NONE},
	{"\xcc\x80", NONE} /* combining grave */, {"\xcc\x81", NONE} /* combining acute */,
};

static size_t fold_letter(const char *at, const char **out_plain)
{
	for (size_t i = 0; i < sizeof folded / sizeof folded[0]; i++) {
		size_t length = strlen(folded[i].letter);
		if (strncmp(at, folded[i].letter, length) != 0) continue;
		*out_plain = folded[i].plain;
		return length;
	}
	ck_panic(__FILE__, __LINE__, at);
}

void ck_data_fold(const char *text, char *out, size_t out_bytes)
{
	size_t used = 0;
	while (*text != '\0') {
		char ascii[2] = {*text, '\0'};
		const char *plain = ascii;
		size_t length = 1;
		if ((unsigned char)*text >= 0x80)
			length = fold_letter(text, &plain);
		else if (*text == '\'')
			plain = NONE;
		else if (*text >= 'A' && *text <= 'Z')
			ascii[0] = (char)(*text - 'A' + 'a');
		for (; *plain != '\0'; plain++) {
			CK_ASSERT(used + 1 < out_bytes);
			out[used++] = *plain;
		}
		text += length;
	}
	out[used] = '\0';
}
