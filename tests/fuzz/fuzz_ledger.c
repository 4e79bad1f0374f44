/* What other processes have recorded: messages one after the other, each a byte for its sender and a frame. Whatever is accepted, the log of it
   verifies, and the next ledger starts from it; where calls fail, that one is without failures. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_book.h"
#include "authd/protocol/frame.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

/* No asynchronous flush: giving it up waits some 15 ms for the kernel, each time. The ledger does without. */
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	(void)number;
	errno = ENOSYS;
	return -1;
}

static struct ck_book_settings settings = { .limits = { .segment_bytes = 16384, .reserve_bytes = 4096 }, .refusals_per_minute = 3,
                                            .tries_per_minute = 3, .logins_per_minute = 1000,
                                            .checkpoint_interval_s = 300, .key_use_interval_s = 86400, .challenge_limit_s = 300, .vouch_limit_s = 120 };

static void take(struct ck_book *book, enum ck_process from, const struct ck_map *message)
{
	static struct ck_use due[CK_USES_DUE_LIMIT];
	struct ck_book_answer answer = { 0 };
	struct ck_errmsg err = { "" };
	const struct ck_vouch *found = NULL;
	const uint8_t *id = NULL;
	size_t count = 0;
	if (message->at[CK_F_TYPE].number == CK_MSG_KEY_USES) {
		(void)!ck_book_uses(book, message, due, &count, &err);
		if (count > CK_USES_DUE_LIMIT) abort();
	} else if (message->at[CK_F_TYPE].number == CK_MSG_VOUCH_FIND) {
		enum ck_error error = ck_book_find_vouch(book, message, &answer, &found, &id);
		if (answer.verdict || (found != NULL && (error != CK_OK || found->state != CK_VOUCH_OPEN))) abort();
	} else if (ck_book_record(book, from, message, &answer) != CK_OK && answer.verdict) {
		abort();
	}
}

/* As the ledger does: each in a batch of its own. After a write that failed nothing more is asked of it. */
static void take_all(struct ck_book *book, struct ck_bytes left)
{
	struct ck_errmsg err;
	struct ck_bytes encoded;
	struct ck_map message;
	uint64_t type;
	for (size_t used; left.length > 1 && ck_frame_find((struct ck_bytes){ left.at + 1, left.length - 1 }, &encoded, &used) == CK_OK;
	     left.at += used + 1, left.length -= used + 1) {
		if (ck_map_parse(encoded, &message) != CK_OK || ck_map_uint(&message, CK_F_TYPE, 0, UINT32_MAX, &type) != CK_OK) return;
		if (!ck_book_has_room(book) && ck_book_write(book, &err) != CK_OK) return;
		take(book, (enum ck_process)(left.at[0] % (CK_PROCESS_LEDGER + 2)), &message);
		if (ck_book_write(book, &err) != CK_OK || ck_book_flush(book, &err) != CK_OK) return;
		ck_book_settle(book);
	}
	if (ck_book_tick(book, &err) == CK_OK && ck_book_write(book, &err) == CK_OK) (void)!ck_book_stop(book, &err);
}

static void check_log(void)
{
	struct ck_book *book = NULL;
	struct ck_audit_report report;
	struct ck_errmsg err = { "" };
	ck_faults_pass();
	if (ck_book_open(&settings, &book, &err) != CK_OK || ck_book_write(book, &err) != CK_OK || ck_book_flush(book, &err) != CK_OK) abort();
	ck_book_free(&book);
	if (ck_audit_verify(settings.directory, (struct ck_text){ NULL, 0 }, &report, &err) != CK_OK) abort();
	ck_faults_back();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_book *book = NULL;
	struct ck_errmsg err = { "" };
	if (sodium_init() < 0) abort();
	(void)strcpy(settings.directory, fuzz_directory(FUZZ_MEMORY));
	enum ck_error error = ck_book_open(&settings, &book, &err);
	if (error == CK_OK) take_all(book, (struct ck_bytes){ data, size });
	else if (!fuzz_failing) abort();
	ck_book_free(&book);
	check_log();
}
