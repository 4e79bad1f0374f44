/* crosskeys-token: talks to the FIDO keys of this machine for one conversation over one socket (enum ck_token_message), then ends.
   It is not believed: whoever asked verifies what comes back. The devices come from a source: HID in production, software in tests. */
#ifndef CK_PAM_MODULE_TOKEN_HELPER_H
#define CK_PAM_MODULE_TOKEN_HELPER_H

#include <fido.h>

#include "authd/sandbox/sandbox.h"
#include "directory/base/error.h"

#define CK_TOKEN_DEVICES_LIMIT 16

/* How opening a device went. */
enum ck_token_opening {
	CK_TOKEN_OPENED = 0,
	CK_TOKEN_NOT_OPENED,     /* it does not answer, or is gone */
	CK_TOKEN_IN_USE,         /* another program holds it */
	CK_TOKEN_NOT_PERMITTED   /* not given to our group (yet: udev does that a moment after the device came) */
};

/* Where keys come from. */
struct ck_token_source {
	/* How many devices are there now, those that cannot be opened too; their paths or names go into names[i]. Never blocks. */
	int (*list)(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context);
	/* An opened device, which the helper closes and frees, or NULL and *out_opening. In a thread of its own: it may block.
	   limit_ms: what libfido2 is to wait for each answer. */
	fido_dev_t *(*open)(const char *name, int limit_ms, enum ck_token_opening *out_opening, void *context);
	void *context;
	/* How long it goes on waiting for another key when each that is plugged in cannot serve; 0: until time is up, as it should. Tests that
	   are about somebody being refused would otherwise sit through the whole limit. */
	int patience_ms;
	/* How long the others wait for a key that has not said yet whether it serves; 0: as long as they should. Tests that are about something
	   else wait longer, since a busy machine may make any key slow. */
	int grace_ms;
	/* What a test's keys need beyond the machine's own: NULL and NULL for those. */
	const char *folder;             /* their files */
	const struct ck_filter *filter; /* their system calls */
};
/* Runs the conversation on fd; returns the exit code of the program. Where a device hangs in the kernel it ends the process with that code
   itself, since the thread that waits for the device can be neither ended nor joined. */
int ck_token_run(int fd, const struct ck_token_source *source);
/* The whole program: arguments, no core dumps, no new privileges, the conversation on descriptor 3 or `--fd N`. */
int ck_token_main(int argc, char **argv, const struct ck_token_source *source);

/* token_hid.c: the source of this machine's own. */
int ck_token_hid_list(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context);
fido_dev_t *ck_token_hid_open(const char *name, int limit_ms, enum ck_token_opening *out_opening, void *context);
/* Whether a HID report descriptor is a FIDO device's (CTAP 2.1, 11.2.8.2): usage page 0xF1D0. */
bool ck_token_hid_is_fido(const uint8_t *descriptor, size_t length);

#endif
