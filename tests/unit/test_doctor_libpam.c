/* The doctor's reading of PAM's configuration against libpam itself: some thousand service files, put together at random from everything
   that a service file can hold, each asked in both ways. What libpam answers, the doctor foretells. */
#include <check.h>
#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/cli/doctor_stack.h"
#include "tests/unit/suite.h"

#define ROUNDS 2000
#define FILES 6 /* a round's: the service, what it includes, and "other" */
#define FILE_BYTES 4096

static char folder[64];
static char files[FILES][FILE_BYTES];
static const char *const names[FILES] = { "other", "service", "one", "two", "three", "four" };

/* ---- chance, the same each time ---- */
static uint64_t seed;
static unsigned upto(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static size_t at_file;
CK_PRINTF(1, 2) static void add(const char *format, ...)
{
	size_t used = strlen(files[at_file]);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(files[at_file] + used, FILE_BYTES - used, format, args);
	va_end(args);
}

static void add_blank(void)
{
	static const char *const blanks[] = { " ", " ", " ", "\t", "   ", " \\\n ", " \\\n# between\n\n\t" };
	add("%s", blanks[upto(7)]);
}

static const char *code(void)
{
	static const unsigned frequent[] = { 0, 0, 0, 6, 7, 9, 10, 25, 28, 12, 26 };
	return ck_line_code_name(upto(4) == 0 ? upto(CK_STACK_CODES) : frequent[upto(11)]);
}

static void add_bracket(void)
{
	static const char *const actions[] = { "ignore", "ok", "done", "bad", "die", "reset", "1", "1", "2", "3" };
	add("[");
	for (unsigned i = upto(4) + 1; i > 0; i--) add("%s%s=%s%s", code(), upto(9) == 0 ? " " : "", actions[upto(10)], upto(20) == 0 ? "" : " ");
	if (upto(3) > 0) add("default=%s", actions[upto(10)]);
	if (upto(30) == 0) add(" nonsense=ok");
	add("]");
}

static void add_control(void)
{
	static const char *const words[] = { "required", "requisite", "sufficient", "optional", "Required", "nonsense" };
	if (upto(2) == 0)
		add_bracket();
	else
		add("%s", words[upto(upto(8) == 0 ? 6 : 4)]);
}

/* A file includes later ones only: one that includes itself crashes libpam. @include of what cannot be read, in a file that is included for
   one type, takes the control of the line before it, whatever that was: not tried. So "four", which may be broken, is not for @include. */
static void add_include(size_t file)
{
	static const char *const types[] = { "auth", "account", "auth", "account", "session" };
	size_t of = file + 1 + upto((unsigned)(FILES - file)); /* FILES: one that is not there */
	char path[96];
	(void)snprintf(path, sizeof path, "%s/%s", folder, of < FILES ? names[of] : "missing");
	if (of == FILES && upto(3) > 0) return;
	if (of < FILES - 1 ? upto(4) == 0 : of == FILES && file < 2 && upto(2) == 0) {
		add("%s %s%s\n", upto(5) == 0 ? "@INCLUDE" : "@include", path, upto(5) == 0 ? " # all of it" : "");
		return;
	}
	add("%s", types[upto(5)]);
	add_blank();
	add("%s %s\n", upto(2) == 0 ? "include" : "substack", path);
}

static void add_module(void)
{
	static const char *const types[] = { "auth", "account", "AUTH", "-auth", "-account", "password", "nonsense" };
	add("%s", types[upto(upto(6) == 0 ? 7 : 2)]);
	add_blank();
	add_control();
	add_blank();
	switch (upto(20)) {
	case 0: add("pam_is_not_there.so\n"); break;
	case 1: add("\n"); break;
	case 2: add("pam_permit.so\n"); break;
	case 3: add("pam_deny.so # never\n"); break;
	default: add("pam_debug.so auth=%s%sacct=%s\n", code(), upto(9) == 0 ? " \\\n" : " ", code());
	}
}

static void make_files(void)
{
	memset(files, 0, sizeof files);
	for (at_file = 0; at_file < FILES; at_file++) {
		unsigned lines = at_file == 0 ? upto(3) : 1 + upto(6);
		for (; lines > 0; lines--) {
			if (upto(12) == 0) add("  # a comment \\\n\n");
			if (upto(3) == 0 && at_file > 0 && at_file + 1 < FILES) add_include(at_file);
			else add_module();
		}
		if ((at_file < 2 || at_file == FILES - 1) && upto(40) == 0) add("auth required \\\n");
	}
}

static void write_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		char path[96];
		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		FILE *file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		(void)fputs(files[i], file);
		ck_assert_int_eq(fclose(file), 0);
	}
}

/* ---- libpam ---- */

static int say_nothing(int count, const struct pam_message **messages, struct pam_response **out, void *context)
{
	(void)messages;
	(void)context;
	*out = calloc((size_t)count, sizeof **out);
	return *out != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void ask_libpam(int answers[2])
{
	const struct pam_conv conversation = { say_nothing, NULL };
	pam_handle_t *pamh = NULL;
	for (int i = 0; i < 2; i++) {
		answers[i] = pam_start_confdir("service", "root", &conversation, folder, &pamh);
		if (answers[i] != PAM_SUCCESS) continue;
		answers[i] = i == 0 ? pam_authenticate(pamh, 0) : pam_acct_mgmt(pamh, 0);
		(void)pam_end(pamh, answers[i]);
	}
}

/* ---- the doctor ---- */

static enum ck_error open_file(void *context, const char *name, struct ck_text *out_text, const char **out_path)
{
	(void)context;
	const char *slash = strrchr(name, '/');
	const char *base = slash != NULL ? slash + 1 : name;
	for (size_t i = 0; i < FILES; i++) {
		if (strcmp(base, names[i]) != 0) continue;
		*out_text = ck_text_of(files[i]);
		*out_path = names[i];
		return CK_OK;
	}
	return CK_ERR_NOT_FOUND;
}

static void ask(const struct ck_stack_line *line, void *context, struct ck_outcomes *out)
{
	const char *wanted = *(const enum ck_stack_type *)context == CK_STACK_AUTH ? "auth=" : "acct=";
	struct ck_text module = ck_line_module(line);
	out->count = 1;
	out->at[0] = (struct ck_outcome){ 0, PAM_SUCCESS };
	if (ck_text_is(module, "pam_permit")) return;
	out->at[0].code = ck_text_is(module, "pam_deny") ? PAM_AUTH_ERR : ck_text_is(module, "pam_debug") ? PAM_SUCCESS : PAM_MODULE_UNKNOWN;
	for (size_t i = 0; i < line->count && out->at[0].code == PAM_SUCCESS; i++)
		for (uint8_t j = 0; j < CK_STACK_CODES && strncmp(line->arguments[i], wanted, 5) == 0; j++)
			if (strcmp(line->arguments[i] + 5, ck_line_code_name(j)) == 0) out->at[0].code = j;
}

static void ask_doctor(int answers[2])
{
	static struct ck_stack service, other;
	const struct ck_stack_source source = { .open = open_file };
	ck_stack_load(&source, "service", &service);
	ck_stack_load(&source, "other", &other);
	for (int i = 0; i < 2; i++) {
		struct ck_results results;
		enum ck_stack_type type = i == 0 ? CK_STACK_AUTH : CK_STACK_ACCOUNT;
		ck_stack_run(&service, &other, type, ask, &type, &results);
		ck_assert_uint_eq(results.count, 1);
		ck_assert(!results.unclear);
		answers[i] = results.at[0].code;
	}
}

START_TEST(test_random_stacks)
{
	unsigned seen[CK_STACK_CODES] = { 0 };
	for (uint64_t round = 0; round < ROUNDS; round++) {
		int real[2], foretold[2];
		seed = round;
		make_files();
		write_files();
		ask_libpam(real);
		ask_doctor(foretold);
		if (real[0] != foretold[0] || real[1] != foretold[1]) {
			for (size_t i = 0; i < FILES; i++) fprintf(stderr, "--- %s\n%s", names[i], files[i]);
			ck_abort_msg("round %u: libpam auth %d account %d, the doctor %d and %d", (unsigned)round, real[0], real[1], foretold[0], foretold[1]);
		}
		seen[real[0]]++;
		seen[real[1]]++;
	}
	ck_assert_uint_gt(seen[PAM_SUCCESS], ROUNDS / 20); /* they are no monoculture */
	ck_assert_uint_gt(seen[PAM_PERM_DENIED], ROUNDS / 20);
	ck_assert_uint_gt(seen[PAM_AUTH_ERR], ROUNDS / 50);
	ck_assert_uint_gt(seen[PAM_ABORT], 10);
}
END_TEST

static void make_folder(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/ck-doctor.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
	char path[96];
	for (size_t i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

int main(void)
{
	Suite *suite = suite_create("doctor against libpam");
	TCase *tcase = tcase_create("random stacks");
	tcase_add_unchecked_fixture(tcase, make_folder, remove_folder);
	tcase_add_test(tcase, test_random_stacks);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
