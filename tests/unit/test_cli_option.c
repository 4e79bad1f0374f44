/* The command's words: options and how each is refused, lines of `apply`, what one plan holds, which verbs a kind has. The planning of a
   line is private to its file, so that is included. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/kind.h"

#include "authd/cli/apply.c"
#include "tests/unit/suite.h"

static const struct ck_option options[] = {
	{ "flag", CK_OPTION_FLAG, NULL, "" },
	{ "one", CK_OPTION_ONE, "X", "" },
	{ "many", CK_OPTION_MANY, "X", "" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help command = { "try it", "WORD [WORD]", "", 1, 2, options };
static struct ck_cli cli;
static struct ck_arguments arguments;
static char said[4096];

static void setup(void)
{
	cli = (struct ck_cli){ .socket = "/s", .pin_fd = -1 };
	said[0] = '\0';
}

/* What goes to stderr while `parse` runs is kept. */
static enum ck_error parse_all(int argc, const char *const *words)
{
	char *argv[2 * CK_LIST_LIMIT + 8];
	FILE *kept = tmpfile();
	int before = dup(STDERR_FILENO);
	ck_assert_ptr_nonnull(kept);
	for (int i = 0; i < argc; i++) argv[i] = (char *)(uintptr_t)words[i];
	dup2(fileno(kept), STDERR_FILENO);
	enum ck_error error = ck_arguments_parse(&cli, &command, argc, argv, &arguments);
	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(kept);
	said[fread(said, 1, sizeof said - 1, kept)] = '\0';
	fclose(kept);
	return error;
}
#define PARSE(...) parse_all((int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)), (const char *const[]){ __VA_ARGS__ })
#define REFUSED(sentence, ...)                                                                                                              \
	do {                                                                                                                                \
		ck_assert_int_eq(PARSE(__VA_ARGS__), CK_ERR_INVALID);                                                                       \
		ck_assert_msg(strstr(said, sentence) != NULL, "it said: %s", said);                                                         \
	} while (0)

START_TEST(words_and_options)
{
	ck_assert_int_eq(PARSE("a", "--flag", "--one", "1", "b", "--many=2", "--many", "3"), CK_OK);
	ck_assert_uint_eq(arguments.count, 2);
	ck_assert_str_eq(arguments.words[1], "b");
	ck_assert_uint_eq(ck_arguments_of(&command, &arguments, "flag")->count, 1);
	ck_assert_str_eq(ck_argument(&command, &arguments, "one"), "1");
	ck_assert_uint_eq(ck_arguments_of(&command, &arguments, "many")->count, 2);
	ck_assert_str_eq(ck_arguments_of(&command, &arguments, "many")->at[1], "3");
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(absent_is_null)
{
	ck_assert_int_eq(PARSE("a"), CK_OK);
	ck_assert_ptr_null(ck_argument(&command, &arguments, "one"));
	ck_assert_uint_eq(ck_arguments_of(&command, &arguments, "flag")->count, 0);
}
END_TEST

START_TEST(every_command_takes)
{
	ck_assert_int_eq(PARSE("--dir", "/i", "a", "--as=ada", "--json", "--yes", "--pin-fd", "9"), CK_OK);
	ck_assert_str_eq(cli.socket, "/i/run/gate.sock");
	ck_assert_str_eq(cli.as, "ada");
	ck_assert(cli.json && cli.yes);
	ck_assert_int_eq(cli.pin_fd, 9);
	ck_assert_int_eq(PARSE("--socket=/x", "a"), CK_OK);
	ck_assert_str_eq(cli.socket, "/x");
	ck_assert(ck_option_is_global("--as") && ck_option_is_global("--as=eve") && ck_option_is_global("--help"));
	ck_assert(!ck_option_is_global("--asx") && !ck_option_is_global("as") && !ck_option_is_global("--one"));
}
END_TEST

START_TEST(words_behind_two_dashes)
{
	ck_assert_int_eq(PARSE("--", "--one", "--json"), CK_OK);
	ck_assert_uint_eq(arguments.count, 2);
	ck_assert_str_eq(arguments.words[0], "--one");
	ck_assert(!cli.json);
}
END_TEST

START_TEST(a_value_with_dashes_stands_behind_the_sign)
{
	ck_assert_int_eq(PARSE("a", "--one=--json", "--many=", "--many", "-1h"), CK_OK);
	ck_assert_str_eq(ck_argument(&command, &arguments, "one"), "--json");
	ck_assert_str_eq(ck_arguments_of(&command, &arguments, "many")->at[0], "");
	ck_assert_str_eq(ck_arguments_of(&command, &arguments, "many")->at[1], "-1h");
	ck_assert(!cli.json);
}
END_TEST

START_TEST(each_refusal)
{
	REFUSED("expected WORD [WORD]", "--flag");
	REFUSED("expected WORD [WORD]", "a", "b", "c");
	REFUSED("there is no option '--ones'", "a", "--ones", "1");
	REFUSED("there is no option '--flag=1'", "a", "--flag=1");
	REFUSED("there is no option '--json=1'", "a", "--json=1");
	REFUSED("--one is given twice", "a", "--one", "1", "--one", "2");
	REFUSED("--one wants a value", "a", "--one");
	REFUSED("--one wants a value", "a", "--one", "--flag");
	REFUSED("--as wants a value", "a", "--as", "--json");
	REFUSED("--dir wants a value", "a", "--dir");
	REFUSED("--pin-fd wants a descriptor's number, not 'x'", "a", "--pin-fd", "x");
	REFUSED("--pin-fd wants a descriptor's number, not '65536'", "a", "--pin-fd=65536");
}
END_TEST

START_TEST(more_than_a_list_holds)
{
	const char *words[2 * CK_LIST_LIMIT + 3] = { "a" };
	for (size_t i = 1; i < 2 * CK_LIST_LIMIT + 3; i++) words[i] = i % 2 == 1 ? "--many" : "x";
	ck_assert_int_eq(parse_all(2 * CK_LIST_LIMIT + 1, words), CK_OK);
	ck_assert_uint_eq(ck_arguments_of(&command, &arguments, "many")->count, CK_LIST_LIMIT);
	ck_assert_int_eq(parse_all(2 * CK_LIST_LIMIT + 3, words), CK_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(said, "--many is given more than"));
}
END_TEST

START_TEST(too_many_words)
{
	const char *words[17];
	for (size_t i = 0; i < 17; i++) words[i] = "w";
	ck_assert_int_eq(parse_all(17, words), CK_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(said, "too many words"));
}
END_TEST

/* ---- lines of apply ---- */

static char line_bytes[LINE_LIMIT_BYTES];
static char *line_words[CK_APPLY_WORDS_LIMIT];

static int split(const char *line)
{
	snprintf(line_bytes, sizeof line_bytes, "%s", line);
	return ck_apply_split(line_bytes, line_words);
}

START_TEST(a_line_is_words)
{
	ck_assert_int_eq(split("grant\tadd  bob operators --why \"runs the 'servers'\" \r\n"), 6);
	ck_assert_str_eq(line_words[0], "grant");
	ck_assert_str_eq(line_words[3], "operators");
	ck_assert_str_eq(line_words[5], "runs the 'servers'");
}
END_TEST

START_TEST(quotes_and_backslashes)
{
	ck_assert_int_eq(split("a\"b c\"d 'e\\f' g\\ h \"i\\\"j\" \"\" ''"), 6);
	ck_assert_str_eq(line_words[0], "ab cd");
	ck_assert_str_eq(line_words[1], "e\\f");
	ck_assert_str_eq(line_words[2], "g h");
	ck_assert_str_eq(line_words[3], "i\"j");
	ck_assert_str_eq(line_words[4], "");
	ck_assert_str_eq(line_words[5], "");
}
END_TEST

START_TEST(comments_and_blank_lines)
{
	ck_assert_int_eq(split(""), 0);
	ck_assert_int_eq(split("  \t\n"), 0);
	ck_assert_int_eq(split("# role add x"), 0);
	ck_assert_int_eq(split("role # add x"), 1);
	ck_assert_int_eq(split("role a#b '#c'"), 3);
	ck_assert_str_eq(line_words[1], "a#b");
	ck_assert_str_eq(line_words[2], "#c");
}
END_TEST

START_TEST(an_open_quote_is_no_line)
{
	ck_assert_int_eq(split("role add \"open"), -1);
	ck_assert_int_eq(split("role add 'open\\'"), 3); /* between ' and ' a backslash is one */
	ck_assert_int_eq(split("role add \"open\\\""), -1);
}
END_TEST

START_TEST(a_line_has_so_many_words)
{
	char line[2 * CK_APPLY_WORDS_LIMIT + 8] = "";
	for (int i = 0; i < CK_APPLY_WORDS_LIMIT - 1; i++) strcat(line, "w ");
	ck_assert_int_eq(split(line), CK_APPLY_WORDS_LIMIT - 1);
	strcat(line, "w w");
	ck_assert_int_eq(split(line), -1);
}
END_TEST

START_TEST(what_the_command_takes_stands_not_in_the_file)
{
	static struct ck_plan plan;
	ck_assert_int_eq(plan_line(&cli, "f", 1, "role add x --as eve", &plan), CK_ERR_INVALID);
	ck_assert_int_eq(plan_line(&cli, "f", 2, "role add x --json", &plan), CK_ERR_INVALID);
	ck_assert_int_eq(plan_line(&cli, "f", 3, "role add --help", &plan), CK_ERR_INVALID);
	ck_assert_int_eq(plan_line(&cli, "f", 4, "role show x", &plan), CK_ERR_INVALID);
	ck_assert_int_eq(plan_line(&cli, "f", 5, "  # nothing", &plan), CK_OK);
	ck_assert_ptr_null(cli.as);
	ck_assert_uint_eq(plan.count, 0);
}
END_TEST

/* ---- plans and kinds ---- */

START_TEST(a_plan_holds_what_one_touch_orders)
{
	static struct ck_plan plan;
	struct ck_id authority = { { 1 } };
	for (size_t i = 0; i < CK_CHANGES_LIMIT; i++)
		ck_assert_ptr_nonnull(ck_plan_add(&plan, "role.add", CK_KIND_ROLE, "r", authority));
	ck_assert_ptr_null(ck_plan_add(&plan, "role.add", CK_KIND_ROLE, "r", authority));
	ck_assert_uint_eq(plan.count, CK_CHANGES_LIMIT);
	for (size_t i = 1; i < CK_CHANGES_LIMIT; i++) ck_assert(!ck_id_equal(ck_plan_item_id(&plan.items[0]), ck_plan_item_id(&plan.items[i])));
}
END_TEST

START_TEST(values_gather_under_their_attribute)
{
	static struct ck_plan plan;
	struct ck_plan_item *item = ck_plan_add(&plan, "rule.change", CK_KIND_RULE, "r", (struct ck_id){ { 1 } });
	ck_plan_value(item, "ckService", "login");
	ck_plan_value(item, "ckSource", NULL);
	ck_plan_value(item, "ckService", "sshd");
	ck_assert_uint_eq(item->count, 2);
	ck_assert_uint_eq(item->values[0].count, 2);
	ck_assert_uint_eq(item->values[1].count, 0); /* named, so that it is removed */
}
END_TEST

START_TEST(verbs_of_kinds)
{
	ck_assert(ck_kind_has_verb(CK_KIND_ROLE, "add") && ck_kind_has_verb(CK_KIND_ROLE, "change") && ck_kind_has_verb(CK_KIND_ROLE, "remove"));
	ck_assert(!ck_kind_has_verb(CK_KIND_STAFF, "remove") && !ck_kind_has_verb(CK_KIND_AUTHORITY, "remove"));
	ck_assert(!ck_kind_has_verb(CK_KIND_KEY, "add") && ck_kind_has_verb(CK_KIND_KEY, "remove"));
	ck_assert(!ck_kind_has_verb(CK_KIND_ROLE, "show") && !ck_kind_has_verb(CK_KIND_ROLE, ""));
	ck_assert(!ck_kind_has_verb(CK_KIND_CODE, "add") && !ck_kind_has_verb(CK_KIND_NONE, "change"));
}
END_TEST

START_TEST(exit_codes)
{
	ck_assert_int_eq(ck_arguments_exit(CK_ERR_CANCELLED), CK_EXIT_OK);
	ck_assert_int_eq(ck_arguments_exit(CK_ERR_INVALID), CK_EXIT_USAGE);
	ck_assert_int_eq(ck_exit_of(CK_ERR_DENIED), CK_EXIT_REFUSED);
	ck_assert_int_eq(ck_exit_of(CK_ERR_TIMEOUT), CK_EXIT_UNAVAILABLE);
	ck_assert_int_eq(ck_exit_of(CK_ERR_CONFLICT), CK_EXIT_CONFLICT);
	ck_assert_int_eq(ck_exit_of(CK_ERR_NOT_FOUND), CK_EXIT_NOT_FOUND);
	ck_assert_int_eq(ck_exit_of(CK_ERR_INTERNAL), CK_EXIT_FAILED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tc = tcase_create("cli");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, words_and_options);
	tcase_add_test(tc, absent_is_null);
	tcase_add_test(tc, every_command_takes);
	tcase_add_test(tc, words_behind_two_dashes);
	tcase_add_test(tc, a_value_with_dashes_stands_behind_the_sign);
	tcase_add_test(tc, each_refusal);
	tcase_add_test(tc, more_than_a_list_holds);
	tcase_add_test(tc, too_many_words);
	tcase_add_test(tc, a_line_is_words);
	tcase_add_test(tc, quotes_and_backslashes);
	tcase_add_test(tc, comments_and_blank_lines);
	tcase_add_test(tc, an_open_quote_is_no_line);
	tcase_add_test(tc, a_line_has_so_many_words);
	tcase_add_test(tc, what_the_command_takes_stands_not_in_the_file);
	tcase_add_test(tc, a_plan_holds_what_one_touch_orders);
	tcase_add_test(tc, values_gather_under_their_attribute);
	tcase_add_test(tc, verbs_of_kinds);
	tcase_add_test(tc, exit_codes);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
