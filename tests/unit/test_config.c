/* The configuration: one valid file, then one test per single fault. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/config.h"
#include "tests/unit/suite.h"

#define VALID                                                                                                                                  \
	"system_id = 99999999-2222-4333-8444-555555555555\n"                                                                                   \
	"system = core.example\n"                                                                                                              \
	"rp_id = portal.example\n"                                                                                                             \
	"portal_origin = https://portal.example:8443\n"                                                                                        \
	"suffix = dc=example,dc=org\n"                                                                                                         \
	"founding_authority = 11111111-2222-4333-8444-555555555555\n"                                                                          \
	"directory = /var/lib/crosskeys\n"

static struct ck_config config;
static struct ck_errmsg err;

static enum ck_error parse(const char *text)
{
	memset(&err, 0, sizeof err);
	return ck_config_parse(ck_text_of(text), "crosskeys.conf", &config, &err);
}

/* The valid file and more lines (from line 8 on). */
static enum ck_error parse_more(const char *more)
{
	char text[4096];
	(void)snprintf(text, sizeof text, VALID "%s", more);
	return parse(text);
}

/* The valid file with one line replaced. */
static enum ck_error parse_changed(const char *key, const char *line)
{
	char text[2048] = "";
	size_t length = 0;
	for (const char *at = VALID; *at != '\0'; at = strchr(at, '\n') + 1) {
		int line_length = (int)(strchr(at, '\n') - at);
		bool changed = strncmp(at, key, strlen(key)) == 0 && at[strlen(key)] == ' ';
		if (changed)
			length += (size_t)snprintf(text + length, sizeof text - length, "%s", line);
		else
			length += (size_t)snprintf(text + length, sizeof text - length, "%.*s\n", line_length, at);
	}
	return parse(text);
}

static void expect(enum ck_error got, const char *sentence)
{
	ck_assert_int_ne(got, CK_OK);
	if (strstr(err.text, sentence) == NULL) ck_abort_msg("expected \"%s\", got \"%s\"", sentence, err.text);
	struct ck_config nothing;
	memset(&nothing, 0, sizeof nothing);
	ck_assert_mem_eq(&config, &nothing, sizeof nothing);
}

START_TEST(a_valid_file)
{
	char id[CK_ID_TEXT_BYTES];
	if (parse(VALID) != CK_OK) ck_abort_msg("%s", err.text);
	ck_assert_str_eq(config.system, "core.example");
	ck_assert_str_eq(ck_id_format(config.system_id, id), "99999999-2222-4333-8444-555555555555");
	ck_assert_str_eq(config.rp_id, "portal.example");
	ck_assert_str_eq(config.suffix, "dc=example,dc=org");
	ck_assert_str_eq(ck_id_format(config.founding_authority, id), "11111111-2222-4333-8444-555555555555");
	ck_assert_str_eq(config.socket, "/var/lib/crosskeys/run/gate.sock");
	ck_assert_str_eq(config.directory_uri, "ldapi://%2Fvar%2Flib%2Fcrosskeys%2Frun-directory%2Fldapi");
	ck_assert_str_eq(config.user_gate, "crosskeys-gate");
	ck_assert_str_eq(config.group_token_devices, "");
	ck_assert_uint_eq(config.gates, 0);
	ck_assert_uint_eq(config.as_of_limit_s, 604800);
	ck_assert_uint_eq(config.refresh_removal_percent, 5);
	ck_assert_uint_eq(config.key_use_interval_s, 86400);
	ck_assert_uint_eq(config.log_level, 3);
}
END_TEST

START_TEST(every_key_can_be_set)
{
	if (parse_more("socket = /run/crosskeys/gate.sock\ntoken_helper = /usr/sbin/crosskeys-token\nslapd =\n"
	               "directory_uri = ldapi://%2Frun%2Fx%2Fldapi\nuser_gate = a\nuser_replica = b\nuser_ledger = c\nuser_token = d\n"
	               "user_directory = 1005\ngroup_token_devices = plugdev\ngates = 3\nas_of_limit_s = 0\nchallenge_limit_s = 60\n"
	               "clients_limit = 100\nrecovery_delay_s = 1\ncode_life_s = 10\nrefresh_removal_percent = 100\nrefusals_per_minute = 1\n"
	               "password_attempts = 3\npassword_source_attempts = 7\npassword_window_s = 60\n"
	               "audit_segment_bytes = 65536\naudit_reserve_bytes = 65536\ncheckpoint_interval_s = 1\nkey_use_interval_s = 1\nlog_level = 4\n"
	               "find_switchboard_role = Call centre\nfind_person_per_day = 7\nfind_switchboard_per_day = 8\nfind_authority_per_day = 9\n") != CK_OK)
		ck_abort_msg("%s", err.text);
	ck_assert_str_eq(config.socket, "/run/crosskeys/gate.sock");
	ck_assert_str_eq(config.slapd, "");
	ck_assert_str_eq(config.user_directory, "1005");
	ck_assert_uint_eq(config.gates, 3);
	ck_assert_uint_eq(config.clients_limit, 100);
	ck_assert_uint_eq(config.password_attempts, 3);
	ck_assert_uint_eq(config.password_source_attempts, 7);
	ck_assert_uint_eq(config.password_window_s, 60);
	ck_assert_uint_eq(config.audit_segment_bytes, 65536);
	ck_assert_uint_eq(config.key_use_interval_s, 1);
	ck_assert_uint_eq(config.log_level, 4);
	ck_assert_str_eq(config.find_switchboard_role, "Call centre");
	ck_assert_uint_eq(config.find_person_per_day, 7);
	ck_assert_uint_eq(config.find_switchboard_per_day, 8);
	ck_assert_uint_eq(config.find_authority_per_day, 9);
}
END_TEST

START_TEST(spaces_comments_and_line_ends_do_not_matter)
{
	ck_assert_int_eq(parse_more("\n   \n\tgates=2  \r\n; another comment\n# [no section]\nlog_level\t=\t1"), CK_OK);
	ck_assert_uint_eq(config.gates, 2);
	ck_assert_uint_eq(config.log_level, 1);
}
END_TEST

START_TEST(an_unknown_key)
{
	expect(parse_more("gatez = 2\n"), "crosskeys.conf:8: \"gatez\" is no key");
}
END_TEST

START_TEST(a_key_in_other_case_is_unknown)
{
	expect(parse_more("Gates = 2\n"), "crosskeys.conf:8: \"Gates\" is no key");
}
END_TEST

START_TEST(a_duplicate_key)
{
	expect(parse_more("gates = 2\n\ngates = 2\n"), "crosskeys.conf:10: gates is already set in line 8");
}
END_TEST

START_TEST(a_section)
{
	expect(parse_more("[gate]\ngates = 2\n"), "crosskeys.conf:8: expected key = value; there are no [sections]");
}
END_TEST

START_TEST(an_empty_section_at_the_end)
{
	expect(parse_more("[gate]"), "there are no [sections]");
}
END_TEST

START_TEST(a_line_without_a_value)
{
	expect(parse_more("gates\n"), "crosskeys.conf:8: expected key = value");
}
END_TEST

START_TEST(a_continued_line_is_no_value)
{
	expect(parse_more("gates = 2\n   3\n"), "crosskeys.conf:9: expected key = value");
}
END_TEST

START_TEST(a_line_too_long)
{
	char line[400];
	memset(line, 'x', sizeof line);
	memcpy(line, "suffix2 = ", 10);
	line[sizeof line - 1] = '\0';
	expect(parse_more(line), "crosskeys.conf:8: expected a line of at most");
}
END_TEST

START_TEST(control_characters)
{
	expect(parse_more("gates = 2\x01\n"), "crosskeys.conf:8: expected printable UTF-8");
}
END_TEST

START_TEST(a_nul)
{
	char text[] = VALID "gates = 2\0\n";
	expect(ck_config_parse((struct ck_text){ text, sizeof text - 1 }, "crosskeys.conf", &config, &err), "crosskeys.conf:8: expected printable");
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over)
{
	ck_assert_int_eq(parse("\xef\xbb\xbf" VALID), CK_OK);
}
END_TEST

static const struct {
	const char *line, *sentence;
} bad_values[] = {
	{ "gates = 65\n", ":8: gates: expected a number from 0 to 64, got \"65\"" },
	{ "gates = -1\n", "gates: expected a number" },
	{ "gates = 02\n", "gates: expected a number" },
	{ "gates = 2x\n", "gates: expected a number" },
	{ "gates = 0x2\n", "gates: expected a number" },
	{ "gates =\n", "gates: expected a number" },
	{ "gates = 18446744073709551618\n", "gates: expected a number" },
	{ "challenge_limit_s = 4\n", "challenge_limit_s: expected a number from 5 to 600" },
	{ "challenge_limit_s = 601\n", "challenge_limit_s: expected a number from 5 to 600" },
	{ "clients_limit = 15\n", "clients_limit: expected a number" },
	{ "recovery_delay_s = 0\n", "recovery_delay_s: expected a number" },
	{ "code_life_s = 604801\n", "code_life_s: expected a number" },
	{ "refresh_removal_percent = 101\n", "refresh_removal_percent: expected a number" },
	{ "key_use_interval_s = 0\n", "key_use_interval_s: expected a number" },
	{ "log_level = 5\n", "log_level: expected a number" },
	{ "socket = gate.sock\n", ":8: socket: expected an absolute path" },
	{ "socket = /run/../gate.sock\n", "socket: expected " },
	{ "socket = /run/./gate.sock\n", "socket: expected " },
	{ "socket = /run//gate.sock\n", "socket: expected " },
	{ "socket = /run/gate/\n", "socket: expected " },
	{ "socket = /run/..\n", "socket: expected " },
	{ "socket = /run/a b\n", "socket: expected " },
	{ "socket =\n", "socket: expected 2 to 107 bytes, got 0" },
	{ "socket = /run/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	  "socket: expected 2 to 107 bytes" },
	{ "slapd = slapd\n", "slapd: expected " },
	{ "token_helper = ./t\n", "token_helper: expected " },
	{ "provider_1 = http://a.example\n", "provider_1: expected ldaps://" },
	{ "provider_1 = ldaps://localhost\n", "provider_1: expected ldaps://" },
	{ "provider_1 = ldaps://A.example\n", "provider_1: expected ldaps://" },
	{ "provider_1 = ldaps://a.example:0\n", "provider_1: expected ldaps://" },
	{ "provider_1 = ldaps://a.example/dc=x\n", "provider_1: expected ldaps://" },
	{ "provider_1 = ldapi://%2Frun%2Fx\n", "provider_1: expected ldaps://" },
	{ "provider_1 = ldaps://a.example\n", "slapd must be empty" },
	{ "slapd =\nprovider_2 = ldaps://a.example\n", "provider_2 is named and one before it is not" },
	{ "slapd =\nprovider_1 = ldaps://a.example\nwrite_provider = 2\n", "write_provider is 2, and there are 1 providers" },
	{ "slapd =\nprovider_1 = ldaps://a.example\nprovider_mechanism = simple\n", "needs provider_identity" },
	{ "provider_mechanism = plain\n", "provider_mechanism: expected external" },
	{ "provider_tls = 1.1\n", "provider_tls: expected 1.2 or 1.3" },
	{ "directory_uri = ldap://host\n", "directory_uri: expected " },
	{ "directory_uri = ldapi:///run/ldapi\n", "directory_uri: expected " },
	{ "directory_uri = ldapi://%2Frun%2Fldapi/????x\n", "directory_uri: expected " },
	{ "directory_uri = ldaps://directory.example.org\n", "directory_uri: expected " },
	{ "user_gate = a b\n", "user_gate: expected " },
	{ "user_gate = -x\n", "user_gate: expected " },
	{ "user_gate =\n", "user_gate: expected " },
	{ "user_gate = crosskeys-ledger\n", "user crosskeys-ledger is named twice" },
	{ "group_token_devices = a:b\n", "group_token_devices: expected " },
};

START_TEST(a_bad_value)
{
	expect(parse_more(bad_values[_i].line), bad_values[_i].sentence);
}
END_TEST

static const struct {
	const char *key, *line, *sentence;
} bad_identity[] = {
	{ "system", "", "system is missing" },
	{ "system_id", "", "system_id is missing" },
	{ "rp_id", "", "rp_id is missing" },
	{ "portal_origin", "", "portal_origin is missing" },
	{ "suffix", "", "suffix is missing" },
	{ "founding_authority", "", "founding_authority is missing" },
	{ "directory", "", "directory is missing" },
	{ "system", "system = Core\n", ":2: system: expected " },
	{ "system", "system = -core\n", "system: expected " },
	{ "rp_id", "rp_id = Portal.example\n", ":3: rp_id: expected " },
	{ "rp_id", "rp_id = portal..example\n", "rp_id: expected " },
	{ "rp_id", "rp_id = portal.example.\n", "rp_id: expected " },
	{ "rp_id", "rp_id = -portal.example\n", "rp_id: expected " },
	{ "rp_id", "rp_id = portal-.example\n", "rp_id: expected " },
	{ "rp_id", "rp_id = https://portal.example\n", "rp_id: expected " },
	{ "rp_id", "rp_id = portal.example:443\n", "rp_id: expected " },
	{ "rp_id", "rp_id = example\n", "exactly the host of rp_id (example)" },
	{ "portal_origin", "portal_origin = http://portal.example\n", "portal_origin: expected https://HOST" },
	{ "portal_origin", "portal_origin = https://portal.example/\n", "portal_origin: expected " },
	{ "portal_origin", "portal_origin = https://portal.example:0\n", "portal_origin: expected " },
	{ "portal_origin", "portal_origin = https://portal.example:x\n", "portal_origin: expected " },
	{ "portal_origin", "portal_origin = https://evil.portal.example\n", "exactly the host of rp_id" },
	{ "portal_origin", "portal_origin = https://portal.example.evil\n", "exactly the host of rp_id" },
	{ "suffix", "suffix = example\n", "suffix: expected " },
	{ "suffix", "suffix = =example\n", "suffix: expected " },
	{ "founding_authority", "founding_authority = 11111111-2222-4333-8444-55555555555\n", "founding_authority: expected " },
	{ "founding_authority", "founding_authority = 00000000-0000-0000-0000-000000000000\n", "founding_authority: expected a UUID" },
	{ "system_id", "system_id = core1\n", "system_id: expected " },
	{ "system_id", "system_id = 00000000-0000-0000-0000-000000000000\n", "system_id: expected a UUID" },
	{ "directory", "directory = var\n", "directory: expected " },
	{ "directory", "directory = /\n", "directory: expected 2 to 100 bytes" },
};

START_TEST(a_bad_identity)
{
	expect(parse_changed(bad_identity[_i].key, bad_identity[_i].line), bad_identity[_i].sentence);
}
END_TEST

START_TEST(a_directory_too_long_for_its_sockets)
{
	char line[160] = "directory = /";
	memset(line + strlen(line), 'd', 98);
	strcat(line, "\n");
	expect(parse_changed("directory", line), "socket: expected 2 to 107 bytes");
}
END_TEST

/* ---- the file ---- */

static char path[64];

static void make_file(mode_t mode, uid_t uid)
{
	(void)snprintf(path, sizeof path, "/tmp/ck-config-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, VALID, strlen(VALID)), (ssize_t)strlen(VALID));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(fchown(fd, uid, 0), 0);
	close(fd);
}

static enum ck_error load_and_remove(void)
{
	enum ck_error error = ck_config_load(path, &config, &err);
	(void)unlink(path);
	return error;
}

START_TEST(a_file_of_roots)
{
	make_file(0644, 0);
	ck_assert_int_eq(load_and_remove(), CK_OK);
}
END_TEST

START_TEST(a_file_that_the_group_may_write)
{
	make_file(0664, 0);
	expect(load_and_remove(), "nobody else may write");
}
END_TEST

START_TEST(a_file_that_all_may_write)
{
	make_file(0646, 0);
	expect(load_and_remove(), "nobody else may write");
}
END_TEST

START_TEST(a_file_of_somebody_else)
{
	make_file(0644, 1000);
	expect(load_and_remove(), "a file of root's");
}
END_TEST

START_TEST(a_symbolic_link)
{
	make_file(0644, 0);
	char link_path[80];
	(void)snprintf(link_path, sizeof link_path, "%s.link", path);
	ck_assert_int_eq(symlink(path, link_path), 0);
	enum ck_error error = ck_config_load(link_path, &config, &err);
	(void)unlink(link_path);
	(void)unlink(path);
	expect(error, link_path);
}
END_TEST

START_TEST(a_missing_file)
{
	expect(ck_config_load("/no/such/file", &config, &err), "/no/such/file");
}
END_TEST

START_TEST(a_directory_for_a_file)
{
	expect(ck_config_load("/etc", &config, &err), "expected a file of root's");
}
END_TEST

START_TEST(a_file_too_long)
{
	make_file(0600, 0);
	ck_assert_int_eq(truncate(path, 70000), 0);
	expect(load_and_remove(), "longer than");
}
END_TEST

static void count_tabs(const char *text, void *context)
{
	unsigned tabs = 0;
	for (const char *at = text; *at != '\0'; at++) tabs += *at == '\t';
	ck_assert_uint_eq(tabs, 5);
	ck_assert_ptr_null(strchr(text, '\n'));
	++*(unsigned *)context;
}

START_TEST(the_table_prints)
{
	unsigned lines = 0;
	ck_config_print_table(count_tabs, &lines);
	ck_assert_uint_eq(lines, 49);
}
END_TEST

START_TEST(users_by_name_and_number)
{
	unsigned uid = 9, gid = 9;
	ck_assert_int_eq(ck_config_user("root", &uid, &gid, &err), CK_OK);
	ck_assert_uint_eq(uid, 0);
	ck_assert_int_eq(ck_config_user("61007", &uid, &gid, &err), CK_OK);
	ck_assert_uint_eq(uid, 61007);
	ck_assert_uint_eq(gid, 61007);
	ck_assert_int_eq(ck_config_user("4294967295", &uid, &gid, &err), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_config_user("no-such-user", &uid, &gid, &err), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_config_group("root", &gid, &err), CK_OK);
	ck_assert_int_eq(ck_config_group("no-such-group", &gid, &err), CK_ERR_NOT_FOUND);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *all = tcase_create("config");
	tcase_add_test(all, a_valid_file);
	tcase_add_test(all, every_key_can_be_set);
	tcase_add_test(all, spaces_comments_and_line_ends_do_not_matter);
	tcase_add_test(all, an_unknown_key);
	tcase_add_test(all, a_key_in_other_case_is_unknown);
	tcase_add_test(all, a_duplicate_key);
	tcase_add_test(all, a_section);
	tcase_add_test(all, an_empty_section_at_the_end);
	tcase_add_test(all, a_line_without_a_value);
	tcase_add_test(all, a_continued_line_is_no_value);
	tcase_add_test(all, a_line_too_long);
	tcase_add_test(all, control_characters);
	tcase_add_test(all, a_nul);
	tcase_add_test(all, a_byte_order_mark_is_passed_over);
	tcase_add_loop_test(all, a_bad_value, 0, (int)(sizeof bad_values / sizeof *bad_values));
	tcase_add_loop_test(all, a_bad_identity, 0, (int)(sizeof bad_identity / sizeof *bad_identity));
	tcase_add_test(all, a_directory_too_long_for_its_sockets);
	tcase_add_test(all, the_table_prints);
	tcase_add_test(all, users_by_name_and_number);
	if (geteuid() == 0) {
		tcase_add_test(all, a_file_of_roots);
		tcase_add_test(all, a_file_that_the_group_may_write);
		tcase_add_test(all, a_file_that_all_may_write);
		tcase_add_test(all, a_file_of_somebody_else);
		tcase_add_test(all, a_file_too_long);
	} else {
		puts("SKIP: files of root's need root");
	}
	tcase_add_test(all, a_symbolic_link);
	tcase_add_test(all, a_missing_file);
	tcase_add_test(all, a_directory_for_a_file);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
