/* The doctor's reading of PAM's configuration: what is wrong with a line, what includes what, what a stack comes to, and what modules answer. */
#include <check.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/doctor_module.h"
#include "tests/unit/suite.h"

static struct ck_stack service, other;
static char faults[4096];
static const char *files[8][2]; /* name, text */

static enum ck_error open_file(void *context, const char *name, struct ck_text *out_text, const char **out_path)
{
	(void)context;
	for (size_t i = 0; i < 8 && files[i][0] != NULL; i++) {
		if (strcmp(files[i][0], name) != 0) continue;
		if (files[i][1] == NULL) return CK_ERR_DENIED;
		*out_text = ck_text_of(files[i][1]);
		*out_path = files[i][0];
		return CK_OK;
	}
	return CK_ERR_NOT_FOUND;
}

static void take_fault(void *context, const char *path, unsigned number, const char *sentence)
{
	size_t used = strlen(faults);
	(void)context;
	(void)snprintf(faults + used, sizeof faults - used, "%s:%u %s\n", path, number, sentence);
}

static void load_from(bool one_file)
{
	const struct ck_stack_source source = { .open = open_file, .fault = take_fault, .one_file = one_file };
	faults[0] = '\0';
	ck_stack_load(&source, "login", &service);
	ck_stack_load(&source, "other", &other);
}

static void load(const char *text)
{
	memset(files, 0, sizeof files);
	files[0][0] = "login";
	files[0][1] = text;
	load_from(false);
}

static void include(size_t at, const char *name, const char *text)
{
	files[at][0] = name;
	files[at][1] = text;
}

/* ---- lines ---- */

static const struct {
	const char *text, *fault;
} wrong[] = {
	{ "auht required pam_unix.so\n", "login:1 begins with none of" },
	{ "\n# x\nauth\n", "login:3 has no control" },
	{ "auth required\n", "login:1 names no module" },
	{ "auth requird pam_unix.so\n", "login:1 has a control that is not understood" },
	{ "auth [succes=ok] pam_unix.so\n", "login:1 has a control that is not understood" },
	{ "auth [success] pam_unix.so\n", "login:1 has a control that is not understood" },
	{ "auth [success=fine] pam_unix.so\n", "login:1 has a control that is not understood" },
	{ "auth [success=0] pam_unix.so\n", "login:1 has a control that is not understood" },
	{ "auth [success=ok default=die\n", "login:1 names no module" },
	{ "auth required pam_unix.so [a b\n", "login:1 has a [ without its ]" },
	{ "auth required pam_unix.so \\\n", "login:1 ends the file with a backslash" },
	{ "@include\n", "login:1 names no file to include: the program crashes" },
	{ "@include nothing\n", "login:1 includes a file that is not there" },
	{ "auth include nothing\n", "login:1 includes a file that is not there" },
	{ "auth include\n", "login:1 names no file to include" },
	{ "auth substack login\n", "login:1 includes a file that includes this one" },
};

START_TEST(test_wrong_line)
{
	load(wrong[_i].text);
	ck_assert_msg(strncmp(faults, wrong[_i].fault, strlen(wrong[_i].fault)) == 0, "%s: %s", wrong[_i].text, faults);
}
END_TEST

START_TEST(test_right_lines)
{
	load("  # nothing\n-AUTH\tRequired pam_a.so x [a b] # c\nauth [success=2 new_authtok_reqd=done\tdefault=die] /lib/pam_b.so \\\n  \n# between\n y\n");
	ck_assert_str_eq(faults, "");
	ck_assert_uint_eq(service.count, 2);
	const struct ck_stack_line *a = &service.lines[0], *b = &service.lines[1];
	ck_assert(a->silent && a->number == 2 && a->type == CK_STACK_AUTH);
	ck_assert_str_eq(a->target, "pam_a.so");
	ck_assert_uint_eq(a->count, 2);
	ck_assert_str_eq(a->arguments[1], "a b");
	ck_assert_int_eq(a->actions[PAM_SUCCESS], CK_ACTION_OK);
	ck_assert_int_eq(a->actions[PAM_IGNORE], CK_ACTION_IGNORE);
	ck_assert_int_eq(a->actions[PAM_AUTH_ERR], CK_ACTION_BAD);
	ck_assert(ck_text_is(ck_line_module(b), "pam_b"));
	ck_assert_str_eq(b->arguments[0], "y");
	ck_assert_int_eq(b->actions[PAM_SUCCESS], 2);
	ck_assert_int_eq(b->actions[PAM_NEW_AUTHTOK_REQD], CK_ACTION_DONE);
	ck_assert_int_eq(b->actions[PAM_MODULE_UNKNOWN], CK_ACTION_DIE);
}
END_TEST

START_TEST(test_long_line)
{
	static char text[3000];
	memset(text, 'x', sizeof text - 1);
	memcpy(text, "auth required pam_unix.so ", 26);
	load(text);
	ck_assert_ptr_nonnull(strstr(faults, "is longer than"));
	ck_assert(service.broken);
}
END_TEST

START_TEST(test_nul)
{
	static const char text[] = "auth required pam_unix.so\0 nullok\n";
	const struct ck_stack_source source = { .open = open_file, .fault = take_fault };
	struct ck_stack_line line;
	struct ck_text rest = { text, sizeof text - 1 };
	unsigned number = 0;
	const char *fault;
	(void)source;
	ck_assert_int_eq(ck_line_assemble(&rest, &number, &line, &fault), CK_LINE_READ);
	ck_assert_ptr_nonnull(fault);
}
END_TEST

/* ---- files ---- */

START_TEST(test_includes)
{
	load("auth include one\n@include two\naccount substack two\n");
	include(1, "one", "auth required pam_a.so\naccount required pam_never.so\n");
	include(2, "two", "account required pam_b.so\nauth required pam_c.so\n");
	load_from(false);
	ck_assert_str_eq(faults, "");
	ck_assert_uint_eq(service.count, 5); /* a, b, c, the substack's mark, b */
	ck_assert_str_eq(service.lines[0].target, "pam_a.so");
	ck_assert_str_eq(service.lines[1].target, "pam_b.so");
	ck_assert_str_eq(service.lines[2].path, "two");
	ck_assert_int_eq(service.lines[3].kind, CK_LINE_SUBSTACK);
	ck_assert_uint_eq(service.lines[4].level, 1);
}
END_TEST

START_TEST(test_unreadable)
{
	load("auth include one\n");
	include(1, "one", NULL);
	load_from(false);
	ck_assert(service.unread);
	ck_assert_ptr_nonnull(strstr(faults, "cannot be read"));
}
END_TEST

START_TEST(test_too_many_lines)
{
	static char text[CK_STACK_LINES_LIMIT * 32 + 64];
	for (size_t i = 0; i <= CK_STACK_LINES_LIMIT; i++) strcat(text, "auth required pam_unix.so\n");
	load(text);
	ck_assert(service.broken);
	ck_assert_uint_eq(service.count, CK_STACK_LINES_LIMIT);
}
END_TEST

START_TEST(test_one_file)
{
	memset(files, 0, sizeof files);
	include(0, "", "LOGIN auth required pam_a.so\nsu auth required pam_b.so\nother account required pam_c.so\nlogin auth include x\n");
	include(1, "x", "auth required pam_d.so\n");
	load_from(true);
	ck_assert_str_eq(faults, "");
	ck_assert_uint_eq(service.count, 2);
	ck_assert_str_eq(service.lines[1].target, "pam_d.so");
	ck_assert_uint_eq(other.count, 1);
	ck_assert_ptr_eq(ck_stack_of(&service, &other, CK_STACK_ACCOUNT), &other);
}
END_TEST

/* ---- what it comes to ---- */

static struct ck_means means;

static bool lets_in(enum ck_person person, enum ck_state state, const char *by)
{
	static struct ck_results results;
	struct ck_module_question question = { .person = person, .state = state, .type = CK_STACK_AUTH, .service = "login",
		                               .local_names = "/etc/crosskeys/local-names", .means = &means };
	means.count = 0;
	ck_stack_run(&service, &other, CK_STACK_AUTH, ck_module_answer, &question, &results);
	for (size_t i = 0; i < results.count; i++) {
		if (results.at[i].code != PAM_SUCCESS) continue;
		if (results.at[i].means == 0 && by[0] == '\0') return true;
		for (size_t bit = 0; bit < means.count; bit++)
			if (results.at[i].means == UINT32_C(1) << bit && strcmp(means.at[bit].name, by) == 0) return true;
	}
	return false;
}

START_TEST(test_smallest_means)
{
	load("auth sufficient pam_unix.so\nauth optional pam_sss.so\nauth required pam_permit.so\n");
	ck_assert(lets_in(CK_PERSON_LOCAL, CK_STATE_ALIVE, "")); /* whether the first two fail or not */
	ck_assert(!lets_in(CK_PERSON_LOCAL, CK_STATE_ALIVE, "password"));
	load("auth requisite pam_unix.so\nauth required pam_permit.so\n");
	ck_assert(lets_in(CK_PERSON_LOCAL, CK_STATE_ALIVE, "password"));
	ck_assert(!lets_in(CK_PERSON_UNKNOWN, CK_STATE_ALIVE, ""));
}
END_TEST

START_TEST(test_ours)
{
	load("auth [success=done user_unknown=ignore default=die] pam_crosskeys.so\nauth required pam_unix.so\n");
	ck_assert(lets_in(CK_PERSON_GRANTED, CK_STATE_ALIVE, "security key"));
	ck_assert(!lets_in(CK_PERSON_GRANTED, CK_STATE_DEAD, "security key"));
	ck_assert(!lets_in(CK_PERSON_REFUSED, CK_STATE_ALIVE, "a password of this machine"));
	ck_assert(lets_in(CK_PERSON_ROOT, CK_STATE_DEAD, "password"));
	ck_assert(!lets_in(CK_PERSON_ROOT, CK_STATE_GONE, "password"));
	load("auth [success=done user_unknown=ignore default=die] pam_crosskeys.so wrong\nauth required pam_unix.so\n");
	ck_assert(!lets_in(CK_PERSON_ROOT, CK_STATE_ALIVE, "password")); /* PAM_SERVICE_ERR, for everybody */
}
END_TEST

START_TEST(test_unknown_module)
{
	load("auth required pam_foo.so\n");
	ck_assert(lets_in(CK_PERSON_REFUSED, CK_STATE_ALIVE, "whatever pam_foo wants"));
	ck_assert(!ck_module_is_known(ck_text_of("pam_foo")) && ck_module_is_known(ck_text_of("pam_unix")));
}
END_TEST

/* One or another, twelve times: more ways than anybody follows. It says so, and soon. */
START_TEST(test_many_ways)
{
	static char text[8192];
	static struct ck_results results;
	struct ck_module_question question = { .person = CK_PERSON_LOCAL, .service = "login", .local_names = "", .means = &means };
	for (int i = 0; i < 12; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text),
		               "auth [success=1 default=ignore] pam_x%d.so\nauth requisite pam_y%d.so\n", i, i);
	load(text);
	means.count = 0;
	ck_stack_run(&service, &other, CK_STACK_AUTH, ck_module_answer, &question, &results);
	ck_assert(results.unclear);
}
END_TEST

static const struct {
	const char *condition;
	enum ck_person person;
	enum ck_truth truth;
} conditions[] = {
	{ "uid < 200000", CK_PERSON_LOCAL, CK_TRUE },       { "uid < 200000", CK_PERSON_GRANTED, CK_FALSE },
	{ "quiet uid >= 1000", CK_PERSON_LOCAL, CK_EITHER }, { "uid >= 1000", CK_PERSON_REFUSED, CK_TRUE },
	{ "uid = 0", CK_PERSON_ROOT, CK_TRUE },             { "uid eq 1000", CK_PERSON_LOCAL, CK_EITHER },
	{ "uid ne 0", CK_PERSON_LOCAL, CK_TRUE },           { "uid != 1000", CK_PERSON_LOCAL, CK_EITHER },
	{ "user = root", CK_PERSON_ROOT, CK_TRUE },         { "user = root", CK_PERSON_LOCAL, CK_FALSE },
	{ "user != root", CK_PERSON_GRANTED, CK_TRUE },     { "user = bob", CK_PERSON_GRANTED, CK_UNKNOWN },
	{ "user ingroup wheel", CK_PERSON_LOCAL, CK_UNKNOWN }, { "service = login", CK_PERSON_LOCAL, CK_TRUE },
	{ "service = sshd", CK_PERSON_LOCAL, CK_FALSE },    { "uid < 200000 user ingroup x", CK_PERSON_GRANTED, CK_FALSE },
	{ "uid <", CK_PERSON_LOCAL, CK_FALSE },             { "quiet", CK_PERSON_LOCAL, CK_FALSE },
	{ "uid <= 199999", CK_PERSON_UNKNOWN, CK_FALSE },   { "uid > 5", CK_PERSON_LISTED, CK_EITHER },
};

START_TEST(test_condition)
{
	char text[128], what[64];
	(void)snprintf(text, sizeof text, "auth required pam_succeed_if.so %s\n", conditions[_i].condition);
	load(text);
	enum ck_truth truth = ck_condition_judge(&service.lines[0], conditions[_i].person, "login", what, sizeof what);
	ck_assert_msg(truth == conditions[_i].truth, "%s: %d", conditions[_i].condition, (int)truth);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor: stacks");
	TCase *tcase = tcase_create("all");
	tcase_add_loop_test(tcase, test_wrong_line, 0, (int)(sizeof wrong / sizeof *wrong));
	tcase_add_test(tcase, test_right_lines);
	tcase_add_test(tcase, test_long_line);
	tcase_add_test(tcase, test_nul);
	tcase_add_test(tcase, test_includes);
	tcase_add_test(tcase, test_unreadable);
	tcase_add_test(tcase, test_too_many_lines);
	tcase_add_test(tcase, test_one_file);
	tcase_add_test(tcase, test_smallest_means);
	tcase_add_test(tcase, test_ours);
	tcase_add_test(tcase, test_unknown_module);
	tcase_add_test(tcase, test_many_ways);
	tcase_add_loop_test(tcase, test_condition, 0, (int)(sizeof conditions / sizeof *conditions));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
