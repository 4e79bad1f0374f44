/* The base: text forms, buffers, secrets, clock. One right form, then each wrong one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory/base/buffer.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"
#include "tests/unit/suite.h"

static struct ck_text T(const char *string) { return ck_text_of(string); }

START_TEST(id_parse_takes_one_form)
{
	struct ck_id id;
	char text[CK_ID_TEXT_BYTES];
	ck_assert_int_eq(ck_id_parse(T("00112233-4455-6677-8899-AAbbccddeeff"), &id), CK_OK);
	ck_assert_str_eq(ck_id_format(id, text), "00112233-4455-6677-8899-aabbccddeeff");
	static const char *const wrong[] = { "", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0", "0011223-34455-6677-8899-aabbccddeeff", "g0112233-4455-6677-8899-aabbccddeeff",
		"00112233-4455-6677-8899-aabbccddee f" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) ck_assert_int_eq(ck_id_parse(T(wrong[i]), &id), CK_ERR_INVALID);
}
END_TEST

START_TEST(uint_parse_is_strict)
{
	uint64_t value = 7;
	ck_assert_int_eq(ck_uint_parse(T("18446744073709551615"), 0, UINT64_MAX, &value), CK_OK);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(ck_uint_parse(T("0"), 0, 9, &value), CK_OK);
	static const char *const wrong[] = { "", "-1", "+1", " 1", "1 ", "01", "1x", "18446744073709551616", "99999999999999999999", "10" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) ck_assert_int_ne(ck_uint_parse(T(wrong[i]), 0, 9, &value), CK_OK);
	ck_assert_int_eq(ck_uint_parse(T("4"), 5, 9, &value), CK_ERR_LIMIT);
}
END_TEST

START_TEST(utf8_is_checked)
{
	ck_assert(ck_text_is_printable_utf8(T("Si\xc3\xb4n \xe2\x82\xac \xf0\x9f\x94\x91")));
	static const char *const wrong[] = { "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
		"a\nb", "a\x1b[2J", "\x7f", "\xc2\x9b" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) ck_assert_msg(!ck_text_is_printable_utf8(T(wrong[i])), "%zu", i);
	ck_assert(ck_text_is_utf8(T("a\nb")));
	ck_assert(!ck_text_is_utf8((struct ck_text){ "a\0b", 3 }));
}
END_TEST

START_TEST(escape_makes_one_harmless_word)
{
	char out[64];
	uint8_t back[64];
	size_t length = 0;
	struct ck_text nasty = { "a b\n\"\\\x1b\xc3\xa9\0z", 11 };
	ck_assert_str_eq(ck_escape(ck_bytes_of(nasty), out, sizeof out), "a\\x20b\\x0a\\x22\\x5c\\x1b\\xc3\\xa9\\x00z");
	ck_assert_int_eq(ck_unescape(T(out), back, sizeof back, &length), CK_OK);
	ck_assert(ck_bytes_equal((struct ck_bytes){ back, length }, ck_bytes_of(nasty)));
	ck_assert_str_eq(ck_escape(ck_bytes_of(T("abcdefghij")), out, 8), "abcd...");
	ck_assert_int_eq(ck_unescape(T("a b"), back, sizeof back, &length), CK_ERR_INVALID);
	ck_assert_int_eq(ck_unescape(T("\\x2"), back, sizeof back, &length), CK_ERR_INVALID);
	ck_assert_int_eq(ck_unescape(T("\\y20"), back, sizeof back, &length), CK_ERR_INVALID);
	ck_assert_int_eq(ck_unescape(T("abc"), back, 2, &length), CK_ERR_LIMIT);
}
END_TEST

START_TEST(text_copy_refuses_what_c_would_cut)
{
	char out[4];
	ck_assert_int_eq(ck_text_copy(out, sizeof out, T("abc")), CK_OK);
	ck_assert_int_eq(ck_text_copy(out, sizeof out, T("abcd")), CK_ERR_LIMIT);
	ck_assert_str_eq(out, "");
	ck_assert_int_eq(ck_text_copy(out, sizeof out, (struct ck_text){ "a\0b", 3 }), CK_ERR_INVALID);
}
END_TEST

START_TEST(buffers_fail_once_and_for_all)
{
	uint8_t bytes[6];
	struct ck_writer w;
	struct ck_reader r;
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_put_u32be(&w, 0x01020304);
	ck_put_u32le(&w, 5);
	ck_assert(w.failed);
	ck_put_u8(&w, 1);
	ck_assert_uint_eq(ck_writer_length(&w), 4);
	ck_reader_init(&r, bytes, 4);
	ck_assert_uint_eq(ck_get_u16be(&r), 0x0102);
	ck_assert(!ck_reader_done(&r));
	ck_assert_uint_eq(ck_get_u16le(&r), 0x0403);
	ck_assert(ck_reader_done(&r));
	ck_assert_uint_eq(ck_get_u8(&r), 0);
	ck_assert(r.failed && !ck_reader_done(&r));
	ck_reader_init(&r, NULL, 0);
	ck_assert(ck_reader_done(&r));
	ck_assert_ptr_nonnull(ck_get_bytes(&r, 0));
}
END_TEST

START_TEST(crc32c_is_the_standard_one)
{
	uint8_t zeros[32] = { 0 }, ones[32];
	memset(ones, 0xff, sizeof ones);
	/* RFC 3720, B.4 */
	ck_assert_uint_eq(ck_crc32c(zeros, 32), 0x8a9136aau);
	ck_assert_uint_eq(ck_crc32c(ones, 32), 0x62a8ab43u);
	ck_assert_uint_eq(ck_crc32c("123456789", 9), 0xe3069283u);
	ck_assert_uint_eq(ck_crc32c("", 0), 0);
	ck_assert_uint_eq(ck_crc32c_by_table("123456789", 9), 0xe3069283u);
	uint8_t bytes[1300]; /* three times what is summed in lanes beside each other, and some */
	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 167 + 13);
	for (size_t from = 0; from < 9; from++)
		for (size_t length = 0; from + length <= sizeof bytes; length++)
			ck_assert_uint_eq(ck_crc32c(bytes + from, length), ck_crc32c_by_table(bytes + from, length));
}
END_TEST

START_TEST(times_have_few_forms)
{
	int64_t time_s = 0;
	char text[CK_TIME_TEXT_BYTES];
	ck_assert_int_eq(ck_time_parse_generalized(T("20260229000000Z"), &time_s), CK_ERR_INVALID);
	ck_assert_int_eq(ck_time_parse_generalized(T("20240229235959Z"), &time_s), CK_OK);
	ck_assert_int_eq(time_s, 1709251199);
	ck_assert_str_eq(ck_time_format_generalized(time_s, text), "20240229235959Z");
	ck_assert_int_eq(ck_time_parse_generalized(T("99991231235959Z"), &time_s), CK_OK);
	ck_assert(time_s == CK_TIME_UNLIMITED);
	ck_assert_int_eq(ck_time_parse_generalized(T("00010101000000Z"), &time_s), CK_OK);
	ck_assert(time_s == CK_TIME_ALWAYS);
	static const char *const wrong[] = { "", "20240101000000", "20240101000000z", "2024010100000Z", "20241301000000Z", "20240100000000Z",
		"20240101240000Z", "20240101006000Z", "20240101000060Z", "20240101000000.0Z", "20240101000000+0000", "00000101000000Z" };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(ck_time_parse_generalized(T(wrong[i]), &time_s) == CK_ERR_INVALID, "%s", wrong[i]);
	ck_assert_int_eq(ck_time_parse(T("+90d"), 1000, &time_s), CK_OK);
	ck_assert_int_eq(time_s, 1000 + 90 * 86400);
	ck_assert_int_eq(ck_time_parse(T("1970-01-02T00:00:01Z"), 0, &time_s), CK_OK);
	ck_assert_int_eq(time_s, 86401);
	ck_assert_int_eq(ck_time_parse(T("+90w"), 0, &time_s), CK_ERR_INVALID);
	ck_assert_int_eq(ck_time_parse(T("+d"), 0, &time_s), CK_ERR_INVALID);
	ck_assert_int_eq(ck_time_parse(T("tomorrow"), 0, &time_s), CK_ERR_INVALID);
	ck_assert_str_eq(ck_time_format(CK_TIME_UNLIMITED, text), "unlimited");
	ck_assert_str_eq(ck_time_format(-1, text), "1969-12-31T23:59:59Z");
}
END_TEST

START_TEST(secrets_have_pages_of_their_own)
{
	struct ck_secret *secret = ck_secret_new();
	int status = -1;
	ck_assert_ptr_nonnull(secret);
	ck_assert_uint_eq(secret->length, 0);
	ck_assert_uint_eq((uintptr_t)secret % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
	ck_assert_int_eq(ck_secret_set(secret, "1234", 4), CK_OK);
	/* a forked child does not get it */
	pid_t pid = fork();
	if (pid == 0) _exit(secret->length == 0 && secret->bytes[0] == 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(secret->length, 4);
	ck_secret_free(&secret);
	ck_assert_ptr_null(secret);
	ck_secret_free(&secret);
}
END_TEST

START_TEST(passwords_that_may_be_sent)
{
	static char bytes[CK_SECRET_LIMIT_BYTES + 1];
	memset(bytes, 'x', sizeof bytes);
	ck_assert(ck_password_may_be_sent(bytes, 1) && ck_password_may_be_sent(bytes, CK_SECRET_LIMIT_BYTES));
	ck_assert(ck_password_may_be_sent("\xff\n ", 3));
	ck_assert(!ck_password_may_be_sent(bytes, 0));
	ck_assert(!ck_password_may_be_sent(NULL, 1));
	ck_assert(!ck_password_may_be_sent(bytes, sizeof bytes));
	bytes[7] = '\0';
	ck_assert(ck_password_may_be_sent(bytes, 7) && !ck_password_may_be_sent(bytes, 8));
}
END_TEST

START_TEST(secrets_are_wiped_and_compared)
{
	static struct ck_secret secret;
	static uint8_t big[CK_SECRET_LIMIT_BYTES + 1];
	ck_assert_int_eq(ck_secret_set(&secret, "1234", 4), CK_OK);
	ck_assert_int_eq(ck_secret_set(&secret, big, sizeof big), CK_ERR_LIMIT);
	ck_assert_uint_eq(secret.length, 0);
	ck_assert_uint_eq(secret.bytes[0], 0);
	ck_assert(ck_constant_time_equal("abc", "abc", 3));
	ck_assert(!ck_constant_time_equal("abc", "abd", 3));
	ck_secret_wipe(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base");
	TCase *all = tcase_create("all");
	tcase_add_test(all, id_parse_takes_one_form);
	tcase_add_test(all, uint_parse_is_strict);
	tcase_add_test(all, utf8_is_checked);
	tcase_add_test(all, escape_makes_one_harmless_word);
	tcase_add_test(all, text_copy_refuses_what_c_would_cut);
	tcase_add_test(all, buffers_fail_once_and_for_all);
	tcase_add_test(all, crc32c_is_the_standard_one);
	tcase_add_test(all, times_have_few_forms);
	tcase_add_test(all, secrets_are_wiped_and_compared);
	tcase_add_test(all, secrets_have_pages_of_their_own);
	tcase_add_test(all, passwords_that_may_be_sent);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
