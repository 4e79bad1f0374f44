/* crosskeys-token's twin for tests: the same helper, linked to software keys. The keys lie in the directory `soft-keys` beside the program
   as it was executed (a copy or a symbolic link will do), or where CK_SOFT_KEYS says. Where none of the keys can serve it soon gives up,
   unless that directory holds a file `.patient`. Never installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "authd/sandbox/filter.h"
#include "tests/fakes/token_source.h"

#define PATIENCE_MS 1500 /* what is wrong with a key is said by then */

static char root[512];

/* The path that execve was given: the supervisor's argv[0] names no directory. */
static bool find_root(void)
{
	const char *given = getenv("CK_SOFT_KEYS");
	const char *program = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	struct stat st;
	int length = -1;
	if (given != NULL) {
		length = snprintf(root, sizeof root, "%s", given);
	} else if (program != NULL) {
		const char *slash = strrchr(program, '/');
		length = snprintf(root, sizeof root, "%.*s/soft-keys", slash != NULL ? (int)(slash - program) : 1, slash != NULL ? program : ".");
	}
	return length > 0 && length < (int)sizeof root && stat(root, &st) == 0;
}

static bool is_patient(void)
{
	char path[sizeof root + 16];
	struct stat st;
	snprintf(path, sizeof path, "%s/.patient", root);
	return stat(path, &st) == 0;
}

#ifdef CK_SANITIZED
/* The leak checker starts a thread that traces the process, which the sandbox forbids: it would wait for it for ever. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) { return "detect_leaks=0"; }
#endif

int main(int argc, char **argv)
{
	/* as confined as the helper, but for the files of the keys */
	static const struct ck_filter key_files = {.process = "the software keys", .groups = {ck_calls_files}};
	struct ck_token_source source = {.list = ck_soft_source_list, .open = ck_soft_source_open, .context = root, .patience_ms = PATIENCE_MS,
	                                 .folder = root, .filter = &key_files};
	if (!find_root()) {
		fprintf(stderr, "crosskeys-token-soft: there are no software keys at %s\n", root);
		return 2;
	}
	if (is_patient()) source.patience_ms = 0;
	return ck_token_main(argc, argv, &source);
}
