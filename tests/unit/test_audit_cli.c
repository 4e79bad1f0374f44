/* `crosskeys audit` over a real log: what it prints and how it exits. */
#include <check.h>
#include <jansson.h>
#include <sys/wait.h>

#include "audit_fixture.h"
#include "authd/cli/cli.h"
#include "tests/unit/suite.h"

static char anchor[1024], anchor_path[600], output[65536];

/* Records 1 and 2 of eluned, 3 of huw with a name that needs escaping, 4 the checkpoint, 5 of eluned. */
static void make_log(void)
{
	fixture_make();
	struct ck_chain *chain = fixture_open(0);
	const struct ck_audit_field huw[] = { { "user", { (const uint8_t *)"huw", 3 } }, { "detail", { (const uint8_t *)"a b\n\xc3\xa9", 6 } } };
	fixture_add(chain, "account-granted");
	fixture_add(chain, "login-granted");
	ck_assert_int_eq(ck_chain_add(chain, "account-refused", huw, 2, true, NULL, NULL), CK_OK);
	ck_assert_int_eq(ck_chain_checkpoint(chain, anchor, sizeof anchor, NULL), CK_OK);
	fixture_add(chain, "account-granted");
	ck_chain_close(&chain);
	snprintf(anchor_path, sizeof anchor_path, "%s/anchor", fixture_copy);
	FILE *file = fopen(anchor_path, "w");
	fprintf(file, "%s\n", anchor);
	fclose(file);
}

/* Runs it in a child; its standard output goes to `output`. */
static int run(const char *const words[])
{
	int pipe_fds[2], argc = 0;
	char *argv[16] = { (char *)(uintptr_t)"audit" };
	for (argc = 1; words[argc - 1] != NULL; argc++) argv[argc] = (char *)(uintptr_t)words[argc - 1];
	ck_assert_int_eq(pipe(pipe_fds), 0);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(pipe_fds[1], 1);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		if (freopen("/dev/null", "w", stderr) == NULL) _exit(99);
		int code = ck_cli_audit(argc, argv);
		fflush(stdout);
		_exit(code);
	}
	close(pipe_fds[1]);
	size_t length = 0;
	for (ssize_t got; (got = read(pipe_fds[0], output + length, sizeof output - 1 - length)) > 0;) length += (size_t)got;
	output[length] = '\0';
	close(pipe_fds[0]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static unsigned lines(void)
{
	unsigned count = 0;
	for (const char *at = output; *at != '\0'; at++) count += *at == '\n';
	return count;
}

START_TEST(show_prints_every_record)
{
	ck_assert_int_eq(RUN("show", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 5);
	ck_assert_ptr_nonnull(strstr(output, "account-refused user=huw detail=a\\x20b\\x0a\\xc3\\xa9\n"));
}
END_TEST

START_TEST(show_filters)
{
	ck_assert_int_eq(RUN("show", "--user", "huw", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 1);
	ck_assert_int_eq(RUN("show", "--event", "account-granted", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 2);
	ck_assert_int_eq(RUN("show", "--event", "account-granted", "--last", "1", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 1);
	ck_assert_int_eq(strncmp(output, "5 ", 2), 0);
	ck_assert_int_eq(RUN("show", "--last", "100", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 5);
	ck_assert_int_eq(RUN("show", "--since", "-1h", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 5);
	ck_assert_int_eq(RUN("show", "--since", "+1h", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 0);
	ck_assert_int_eq(RUN("show", "--until", "-1h", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 0);
	ck_assert_int_eq(RUN("show", "--until", "+1h", fixture_directory), 0);
	ck_assert_uint_eq(lines(), 5);
}
END_TEST

START_TEST(show_prints_json)
{
	ck_assert_int_eq(RUN("show", "--json", "--user", "huw", fixture_directory), 0);
	json_t *object = json_loads(output, 0, NULL);
	ck_assert_ptr_nonnull(object);
	ck_assert_int_eq(json_integer_value(json_object_get(object, "seq")), 3);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(object, "fields"), "detail")), "a b\n\xc3\xa9");
	json_decref(object);
}
END_TEST

START_TEST(verify_says_how_far_it_is_signed)
{
	ck_assert_int_eq(RUN("verify", fixture_directory), 0);
	ck_assert_ptr_nonnull(strstr(output, "verified: 5 records, 1 checkpoint\n"));
	ck_assert_ptr_nonnull(strstr(output, "no anchor was given"));
	ck_assert_int_eq(RUN("verify", "--anchor", anchor_path, fixture_directory), 0);
	ck_assert_ptr_nonnull(strstr(output, "the anchor among them"));
}
END_TEST

START_TEST(verify_finds_a_change_and_exits_with_1)
{
	fixture_change_byte(2, "eluned", 'a');
	ck_assert_int_eq(RUN("verify", fixture_directory), 1);
	ck_assert_int_eq(RUN("verify", "--json", fixture_directory), 1);
	json_t *object = json_loads(output, 0, NULL);
	ck_assert(json_is_false(json_object_get(object, "verified")));
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(object, "message")), "audit-000001.log:3"));
	json_decref(object);
}
END_TEST

START_TEST(verify_finds_a_cut_by_the_anchor)
{
	fixture_truncate_lines(3);
	ck_assert_int_eq(RUN("verify", fixture_directory), 0);
	ck_assert_int_eq(RUN("verify", "--anchor", anchor_path, fixture_directory), 1);
}
END_TEST

START_TEST(other_failures_have_their_exit_codes)
{
	ck_assert_int_eq(RUN("verify", "--anchor", "/nowhere", fixture_directory), 2);
	ck_assert_int_eq(RUN("verify", "--anchor", "/etc/passwd", fixture_directory), 2);
	ck_assert_int_eq(RUN("verify", "/nowhere"), 5);
	ck_assert_int_eq(RUN("show", "/nowhere"), 5);
	ck_assert_int_eq(RUN("show", fixture_copy), 5);
	ck_assert_int_eq(RUN("show", "--last", "0", fixture_directory), 2);
	ck_assert_int_eq(RUN("show", "--since", "yesterday", fixture_directory), 2);
	ck_assert_int_eq(RUN("forge"), 2);
	ck_assert_int_eq(RUN("--help"), 0);
	ck_assert_int_eq(RUN("checkpoint", "--socket", "/nowhere/gate.sock") == 0, false);
}
END_TEST

START_TEST(show_goes_to_the_place_of_the_damage)
{
	fixture_change_byte(3, "account-refused", ' ');
	ck_assert_int_eq(RUN("show", fixture_directory), 6);
	ck_assert_uint_eq(lines(), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit_cli");
	TCase *tests = tcase_create("command");
	tcase_add_checked_fixture(tests, make_log, fixture_remove_all);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, show_prints_every_record);
	tcase_add_test(tests, show_filters);
	tcase_add_test(tests, show_prints_json);
	tcase_add_test(tests, verify_says_how_far_it_is_signed);
	tcase_add_test(tests, verify_finds_a_change_and_exits_with_1);
	tcase_add_test(tests, verify_finds_a_cut_by_the_anchor);
	tcase_add_test(tests, other_failures_have_their_exit_codes);
	tcase_add_test(tests, show_goes_to_the_place_of_the_damage);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
