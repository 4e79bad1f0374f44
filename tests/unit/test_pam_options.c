/* The module's options and names, one wrong thing at a time. The module is an object of its own that exports nothing, so its source is
   included. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pam_module/pam_options.c"
#include "tests/unit/suite.h"

static struct ck_pam_options options;
static struct ck_errmsg err;

static enum ck_error parse(const char *first, const char *second)
{
	const char *argv[2] = { first, second };
	memset(&options, 0xff, sizeof options);
	memset(&err, 0, sizeof err);
	return ck_pam_options_parse(first == NULL ? 0 : second == NULL ? 1 : 2, argv, &options, &err);
}

static void assert_defaults(void)
{
	ck_assert_str_eq(options.socket, "/var/lib/crosskeys/run/gate.sock");
	ck_assert_str_eq(options.local, "/etc/crosskeys/local-names");
	ck_assert_str_eq(options.account, "");
	ck_assert_int_eq(options.subject, CK_PAM_BY_SERVICE);
	ck_assert_int_eq(options.timeout_ms, 60000);
	ck_assert(!options.debug);
}

START_TEST(test_defaults)
{
	ck_assert_int_eq(parse(NULL, NULL), CK_OK);
	assert_defaults();
}
END_TEST

START_TEST(test_each_option)
{
	ck_assert_int_eq(parse("socket=/a/b", "local=/c"), CK_OK);
	ck_assert_str_eq(options.socket, "/a/b");
	ck_assert_str_eq(options.local, "/c");
	ck_assert_int_eq(parse("account=root", "subject=caller"), CK_OK);
	ck_assert_str_eq(options.account, "root");
	ck_assert_int_eq(options.subject, CK_PAM_IS_CALLER);
	ck_assert_int_eq(parse("subject=user", "debug"), CK_OK);
	ck_assert_int_eq(options.subject, CK_PAM_IS_USER);
	ck_assert(options.debug);
	ck_assert_int_eq(parse("timeout=5", NULL), CK_OK);
	ck_assert_int_eq(options.timeout_ms, 5000);
	ck_assert_int_eq(parse("timeout=300", NULL), CK_OK);
	ck_assert_int_eq(options.timeout_ms, 300000);
}
END_TEST

static const struct {
	const char *option, *sentence;
} wrong[] = {
	{ "", "unknown option \"\"" },
	{ "nullok", "unknown option \"nullok\"" },
	{ "bad\nline \"x", "unknown option \"bad\\x0aline\\x20\\x22x\"" },
	{ "socket", "unknown option \"socket\"" },
	{ "Socket=/a", "unknown option \"Socket=/a\"" },
	{ "debug=1", "unknown option \"debug=1\"" },
	{ "socket=", "socket= wants an absolute path of at most 107 bytes" },
	{ "socket=a/b", "socket= wants an absolute path of at most 107 bytes" },
	{ "local=", "local= wants an absolute path of at most 255 bytes" },
	{ "account=", "account= wants the name of a local account" },
	{ "account=self", "account= wants the name of a local account" },
	{ "account=Root", "account= wants the name of a local account" },
	{ "account=1st", "account= wants the name of a local account" },
	{ "account=abcdefghijklmnopqrstuvwxyzabcdefg", "account= wants the name of a local account" },
	{ "subject=", "subject= wants \"user\" or \"caller\"" },
	{ "subject=users", "subject= wants \"user\" or \"caller\"" },
	{ "timeout=", "timeout= wants seconds from 5 to 300" },
	{ "timeout=4", "timeout= wants seconds from 5 to 300" },
	{ "timeout=301", "timeout= wants seconds from 5 to 300" },
	{ "timeout=060", "timeout= wants seconds from 5 to 300" },
	{ "timeout=60s", "timeout= wants seconds from 5 to 300" },
	{ "timeout=18446744073709551676", "timeout= wants seconds from 5 to 300" },
};

START_TEST(test_each_wrong_option)
{
	ck_assert_int_eq(parse(wrong[_i].option, NULL), CK_ERR_INVALID);
	ck_assert_str_eq(err.text, wrong[_i].sentence);
	assert_defaults();
	ck_assert_int_eq(parse("timeout=10", wrong[_i].option), CK_ERR_INVALID);
	assert_defaults();
}
END_TEST

START_TEST(test_twice)
{
	ck_assert_int_eq(parse("timeout=10", "timeout=10"), CK_ERR_INVALID);
	ck_assert_str_eq(err.text, "timeout= is given twice");
	ck_assert_int_eq(parse("debug", "debug"), CK_ERR_INVALID);
	assert_defaults();
}
END_TEST

START_TEST(test_path_lengths)
{
	char option[300];
	memset(option, 'p', sizeof option);
	memcpy(option, "socket=/", 8);
	option[7 + 107] = '\0';
	ck_assert_int_eq(parse(option, NULL), CK_OK);
	ck_assert_uint_eq(strlen(options.socket), 107);
	option[7 + 107] = 'p';
	option[7 + 108] = '\0';
	ck_assert_int_eq(parse(option, NULL), CK_ERR_INVALID);
}
END_TEST

START_TEST(test_names)
{
	ck_assert(ck_pam_is_account("root"));
	ck_assert(ck_pam_is_account("_apt"));
	ck_assert(ck_pam_is_account("x"));
	ck_assert(ck_pam_is_account("www-data"));
	ck_assert(!ck_pam_is_account(""));
	ck_assert(!ck_pam_is_account("self"));
	ck_assert(!ck_pam_is_account("-x"));
	ck_assert(!ck_pam_is_account("a.b"));
	ck_assert(!ck_pam_is_account("a b"));
	ck_assert(!ck_pam_is_account("a\xc3\xa4"));
	ck_assert(ck_pam_is_staff_name("al"));
	ck_assert(ck_pam_is_staff_name("abcdefghijklmnopqrstuvwxyzabcdef"));
	ck_assert(!ck_pam_is_staff_name("abcdefghijklmnopqrstuvwxyzabcdefg"));
	ck_assert(!ck_pam_is_staff_name("a"));
	ck_assert(!ck_pam_is_staff_name(""));
	ck_assert(!ck_pam_is_staff_name("_al"));
	ck_assert(!ck_pam_is_staff_name("1al"));
	ck_assert(!ck_pam_is_staff_name("Alice"));
	ck_assert(!ck_pam_is_staff_name("alice\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pam_options");
	TCase *tests = tcase_create("all");
	tcase_add_test(tests, test_defaults);
	tcase_add_test(tests, test_each_option);
	tcase_add_loop_test(tests, test_each_wrong_option, 0, (int)(sizeof wrong / sizeof wrong[0]));
	tcase_add_test(tests, test_twice);
	tcase_add_test(tests, test_path_lengths);
	tcase_add_test(tests, test_names);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
