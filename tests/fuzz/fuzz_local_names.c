/* The list of the machine's own names: a name, 0xff, the list. Nobody is local whose name does not stand in it, and whom /etc/passwd does
   not have; whatever fails. */
#include <stdlib.h>
#include <string.h>

#include "pam_module/pam_local.h"
#include "tests/fuzz/fuzz.h"

#define NAME_BYTES 64
/* what this machine's /etc/passwd has is no business of the list's */
#define PREFIX "ck-fuzz-"

void fuzz_one(const uint8_t *data, size_t size)
{
	char path[64], name[sizeof PREFIX + NAME_BYTES] = PREFIX;
	enum ck_error problem;
	struct ck_errmsg err = { "" };
	struct ck_bytes rest = fuzz_cut(&data, &size);
	if (rest.length > NAME_BYTES) return;
	memcpy(name + sizeof PREFIX - 1, rest.at, rest.length);
	(void)strcat(strcpy(path, fuzz_directory(FUZZ_ROOTS)), "/names");
	fuzz_put_file("names", (struct ck_bytes){ data, size });
	bool local = ck_pam_name_is_local(name, path, &problem, &err);
	if (local && memmem(data, size, name, strlen(name)) == NULL) abort();
	if (local && problem != CK_OK) abort();
	if (problem != CK_OK && err.text[0] == '\0') abort();
	/* alone on its line it counts */
	if (fuzz_failing || local || name[strcspn(name, "#\n \t\r")] != '\0') return;
	fuzz_put_file("names", (struct ck_bytes){ (const uint8_t *)name, strlen(name) });
	if (!ck_pam_name_is_local(name, path, &problem, &err)) abort();
}
