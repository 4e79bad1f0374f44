/* A code that the command makes is the code that the daemon reads, however a person types it. */
#include "authd/cli/code.h"
#include "authd/enrol.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

START_TEST(made_codes_are_read)
{
	for (int i = 0; i < 200; i++) {
		struct ck_code_text code;
		uint8_t hash[CK_HASH_BYTES];
		ck_code_make(&code);
		ck_assert_uint_eq(strlen(code.text), CK_CODE_TEXT_BYTES - 1);
		ck_assert_int_eq(ck_code_hash(ck_text_of(code.text), hash), CK_OK);
		ck_assert_mem_eq(hash, code.hash, sizeof hash);

		char typed[CK_CODE_TEXT_BYTES];
		size_t used = 0;
		for (size_t k = 0; code.text[k] != '\0'; k++)
			if (code.text[k] != '-') typed[used++] = (char)tolower((unsigned char)code.text[k]);
		ck_assert_int_eq(ck_code_hash((struct ck_text){typed, used}, hash), CK_OK);
		ck_assert_mem_eq(hash, code.hash, sizeof hash);

		typed[i % CK_CODE_SYMBOLS] = typed[i % CK_CODE_SYMBOLS] == '7' ? '8' : '7';
		ck_assert_int_eq(ck_code_hash((struct ck_text){typed, used}, hash), CK_OK);
		ck_assert_mem_ne(hash, code.hash, sizeof hash);
	}
}
END_TEST

START_TEST(no_two_codes_are_one)
{
	static struct ck_code_text codes[100];
	for (size_t i = 0; i < 100; i++) {
		ck_code_make(&codes[i]);
		for (size_t k = 0; k < i; k++) ck_assert_str_ne(codes[i].text, codes[k].text);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("code");
	TCase *tc = tcase_create("code");
	tcase_add_test(tc, made_codes_are_read);
	tcase_add_test(tc, no_two_codes_are_one);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
