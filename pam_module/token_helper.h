/* crosskeys-token: talks to the FIDO keys of this machine for one conversation over one socket (enum ck_token_message), then ends.
   It is not believed: whoever asked verifies what comes back. The devices come from a source: HID in production, software in tests. */
#ifndef CK_PAM_MODULE_TOKEN_HELPER_H
#define CK_PAM_MODULE_TOKEN_HELPER_H

#include <fido.h>

#include "authd/sandbox/sandbox.h"
#include "directory/base/error.h"

#define CK_TOKEN_DEVICES_LIMIT 16

/* Where keys come from. */
struct ck_token_source {
	/* How many devices are there now; their paths or names go into names[i]. */
	int (*list)(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context);
	/* An opened device, or NULL. The helper closes and frees it. */
	fido_dev_t *(*open)(const char *name, void *context);
	void *context;
	/* What a test's keys need beyond the machine's own: NULL and NULL for those. */
	const char *folder;             /* their files */
	const struct ck_filter *filter; /* their system calls */
};
/* Runs the conversation on fd; returns the exit code of the program. */
int ck_token_run(int fd, const struct ck_token_source *source);
/* The whole program: arguments, no core dumps, no new privileges, the conversation on descriptor 3 or `--fd N`. */
int ck_token_main(int argc, char **argv, const struct ck_token_source *source);

#endif
