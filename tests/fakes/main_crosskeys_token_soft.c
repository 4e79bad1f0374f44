/* crosskeys-token's twin for tests: the same helper, linked to software keys. The keys lie in the directory `soft-keys` beside the program
   as it was executed (a copy or a symbolic link will do), or where CK_SOFT_KEYS says. Never installed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "authd/sandbox/filter.h"
#include "pam_module/token_helper.h"
#include "tests/fakes/soft_key.h"

static char root[512];

static int list_soft(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	return ck_soft_list(names, CK_TOKEN_DEVICES_LIMIT, context);
}

static fido_dev_t *open_soft(const char *name, void *context)
{
	(void)context;
	return ck_soft_open(name);
}

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

int main(int argc, char **argv)
{
	/* as confined as the helper, but for the files of the keys */
	static const struct ck_filter key_files = {.process = "the software keys", .groups = {ck_calls_files}};
	const struct ck_token_source source = {
		.list = list_soft, .open = open_soft, .context = root, .folder = root, .filter = &key_files};
	if (!find_root()) {
		fprintf(stderr, "crosskeys-token-soft: there are no software keys at %s\n", root);
		return 2;
	}
	return ck_token_main(argc, argv, &source);
}
