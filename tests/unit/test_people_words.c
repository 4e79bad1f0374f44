/* Folding: what is typed meets what is written. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory/store/people_internal.h"
#include "tests/unit/suite.h"

static struct ck_words words;

static void is(const char *expected)
{
	char line[1024] = "";
	for (size_t i = 0; i < words.count; i++)
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s%.*s", i > 0 ? " " : "", words.at[i].length, words.at[i].at);
	ck_assert_str_eq(line, expected);
}

static void folds(const char *text, const char *expected)
{
	words.count = 0;
	words.full = false;
	ck_words_add(&words, ck_text_of(text), true);
	is(expected);
}

static void asks(const char *text, const char *expected)
{
	words.count = 0;
	words.full = false;
	ck_words_of_query(&words, ck_text_of(text));
	is(expected);
}

START_TEST(case_and_accents)
{
	folds("SIÂN Ŵyn-Jôns", "sian wyn jons");
	folds("Llŷr ap Gwyn", "llyr ap gwyn");
	folds("Siobhán O'Brien", "siobhan obrien");
	folds("O’Neill", "oneill");
	folds("Łukasz Wójcik", "lukasz wojcik");
	folds("Straße Ærø Ðorđe", "strasse aero dorde");
	folds("Ọláyínká Ṣadé", "olayinka sade");
	folds("e\xcc\x81t\xcc\x8c", "et"); /* accents of their own */
	folds("Ｗide", "wide");
	folds("Дмитрий", "дмитрии");
}
END_TEST

START_TEST(words_end_where_letters_do)
{
	folds("john.smith12@tameside.gov.uk", "john smith 12 tameside gov uk");
	folds("  Housing & Planning / North  ", "housing planning north");
	folds("smith Smith SMITH", "smith");
	folds("", "");
	folds("& - /", "");
	folds("Smith\xff Jones", "smith"); /* what is not UTF-8 ends the text */
}
END_TEST

START_TEST(long_words_are_cut_at_a_letter)
{
	folds("aaaaaaaaaabbbbbbbbbbccccccccccddddd", "aaaaaaaaaabbbbbbbbbbccccccccccdd");
	folds("aaaaaaaaaabbbbbbbbbbccccccccccdжd x", "aaaaaaaaaabbbbbbbbbbccccccccccd x");
}
END_TEST

START_TEST(too_many_words_are_said_to_be)
{
	char text[1024] = "";
	for (int i = 0; i <= CK_WORDS_LIMIT; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "%c%c ", 'a' + i / 26, 'a' + i % 26);
	words.count = 0;
	words.full = false;
	ck_words_add(&words, ck_text_of(text), true);
	ck_assert_uint_eq(words.count, CK_WORDS_LIMIT);
	ck_assert(words.full);
}
END_TEST

START_TEST(telephone_numbers_in_any_dress)
{
	static const char *const same[] = {"+44 161 342 5432", "0161 342 5432", "(0161) 342-5432", "0044 161 3425432", "+44 (0)161 342 5432", "01613425432"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		words.count = 0;
		ck_words_add_telephone(&words, ck_text_of(same[i]));
		is("01613425432");
		asks(same[i], "01613425432");
	}
	words.count = 0;
	ck_words_add_telephone(&words, ck_text_of("+353 1 234"));
	is("003531234");
	words.count = 0;
	ck_words_add_telephone(&words, ck_text_of("ext."));
	is("");
}
END_TEST

START_TEST(a_query_mixes_both)
{
	asks("jon smyth tameside housing", "jon smyth tameside housing");
	asks("smith 0161 342", "smith 0161342");
	asks("0161 342 smith", "0161342 smith");
	asks("smith team 4", "smith team 4");
	asks("jsmith12", "jsmith 12");
	asks("a0161", "a 0161");
}
END_TEST

static struct ck_word word(const char *text)
{
	struct ck_word w = {.length = (uint8_t)strlen(text)};
	memcpy(w.at, text, strlen(text));
	return w;
}

static void near(const char *a, const char *b, bool expected)
{
	struct ck_word x = word(a), y = word(b);
	ck_assert_msg(ck_words_near(&x, &y) == expected, "%s %s", a, b);
	ck_assert_msg(ck_words_near(&y, &x) == expected, "%s %s", b, a);
}

START_TEST(one_edit_and_no_more)
{
	near("smith", "smith", true);
	near("smith", "smit", true);
	near("smith", "mith", true);
	near("smith", "smyth", true);
	near("smith", "smiht", true);
	near("smith", "msith", true);
	near("smith", "smithe", true);
	near("smith", "smyht", false);
	near("smith", "smi", false);
	near("smith", "mtihs", false);
	near("жук", "жак", true);
	near("жук", "ужк", true);
	near("жук", "жу", true);
	near("жук", "жы", false);
	near("a", "", true);
}
END_TEST

START_TEST(letters_of_several_bytes_are_one)
{
	struct ck_word w = word("жук"), less;
	ck_assert_uint_eq(ck_word_letters(&w), 3);
	ck_assert_uint_eq(ck_word_prefix(&w, 1), 2);
	ck_assert_uint_eq(ck_word_prefix(&w, 3), 6);
	ck_assert_uint_eq(ck_word_prefix(&w, 4), 0);
	ck_assert(ck_word_less(&w, 1, &less) && less.length == 4 && memcmp(less.at, "жк", 4) == 0);
	ck_assert(!ck_word_less(&w, 3, &less));
}
END_TEST

static void varies(const char *from, const char *to, bool expected)
{
	struct ck_word w = word(from), sought = word(to);
	struct ck_variants variants;
	bool found = false;
	ck_word_variants(&w, &variants);
	ck_assert_uint_le(variants.count, CK_VARIANTS_LIMIT);
	ck_assert_uint_le(variants.doubled, variants.count);
	for (size_t n = 0; n < variants.count; n++) found = found || ck_words_equal(&variants.at[n], &sought);
	ck_assert_msg(found == expected, "%s %s", from, to);
}

START_TEST(variants)
{
	varies("jon", "john", true);
	varies("john", "jon", true);
	varies("mcdonald", "macdonald", true);
	varies("macdonald", "mcdonald", true);
	varies("philip", "phillip", true);
	varies("phillip", "philip", true);
	varies("matthews", "mathews", true);
	varies("smyth", "smith", true);
	varies("john", "joan", false);
	varies("smith", "smithson", false);
	varies("a", "aa", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("people words");
	TCase *tc = tcase_create("people words");
	tcase_add_test(tc, case_and_accents);
	tcase_add_test(tc, words_end_where_letters_do);
	tcase_add_test(tc, long_words_are_cut_at_a_letter);
	tcase_add_test(tc, too_many_words_are_said_to_be);
	tcase_add_test(tc, telephone_numbers_in_any_dress);
	tcase_add_test(tc, a_query_mixes_both);
	tcase_add_test(tc, one_edit_and_no_more);
	tcase_add_test(tc, letters_of_several_bytes_are_one);
	tcase_add_test(tc, variants);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
