/* What lies in the audit log's directory when somebody verifies it and a ledger starts: genesis, key, key.next, ledger.state and two segments,
   cut at 0xff, of which key, key.next and ledger.state are in hex and get their checksums here, and each record the digest of the one before,
   where the first byte is odd. Read and verified, with the first segment's last line as an anchor, nothing is changed; what a ledger makes of it
   is a log that verifies if it did before. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/audit/record.h"
#include "authd/ledger_book.h"
#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

#define PREV " prev="
#define DIGEST_DIGITS (2 * CK_AUDIT_DIGEST_BYTES)
#define BODY_LIMIT_BYTES 8192

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
                                            .checkpoint_interval_s = 300, .key_use_interval_s = 86400, .challenge_limit_s = 300,
                                            .boot = "00000000-0000-4000-8000-000000000001" };

static void put_sealed(const char *name, struct ck_bytes hex, bool sha)
{
	static uint8_t bytes[BODY_LIMIT_BYTES + 32];
	size_t length = hex.length / 2;
	if (length == 0 || length > BODY_LIMIT_BYTES ||
	    ck_hex_decode((struct ck_text){ (const char *)hex.at, 2 * length }, bytes, length) != CK_OK)
		return;
	if (sha) crypto_hash_sha256(bytes + length, bytes, length);
	else crypto_generichash(bytes + length, 32, bytes, length, NULL, 0);
	fuzz_put_file(name, (struct ck_bytes){ bytes, length + 32 });
}

/* Each line's digest goes into the next one. */
static void mend(char *text, size_t length, uint8_t digest[CK_AUDIT_DIGEST_BYTES])
{
	char digits[DIGEST_DIGITS + 1];
	for (char *line = text, *end; (end = memchr(line, '\n', length)) != NULL; length -= (size_t)(end + 1 - line), line = end + 1) {
		char *prev = memmem(line, (size_t)(end - line), PREV, strlen(PREV));
		if (prev != NULL && (size_t)(end - prev) >= strlen(PREV) + DIGEST_DIGITS) {
			(void)ck_hex_encode(digest, CK_AUDIT_DIGEST_BYTES, digits, sizeof digits);
			memcpy(prev + strlen(PREV), digits, DIGEST_DIGITS);
		}
		ck_record_digest((struct ck_text){ line, (size_t)(end + 1 - line) }, digest);
	}
}

static void put_log(bool whole, const uint8_t *data, size_t size)
{
	static const char *const names[] = { "audit-000001.log", "audit-000002.log" };
	static char text[65536];
	uint8_t digest[CK_AUDIT_DIGEST_BYTES] = { 0 };
	for (size_t i = 0; i < 2 && size > 0; i++) {
		struct ck_bytes part = fuzz_cut(&data, &size);
		if (part.length > sizeof text) return;
		memcpy(text, part.at, part.length);
		if (whole) mend(text, part.length, digest);
		fuzz_put_file(names[i], (struct ck_bytes){ (const uint8_t *)text, part.length });
	}
}

static bool put_files(const uint8_t *data, size_t size)
{
	if (size == 0) return false;
	(void)strcpy(settings.directory, fuzz_directory(FUZZ_MEMORY));
	bool whole = data[0] % 2 == 1;
	data++;
	size--;
	struct ck_bytes genesis = fuzz_cut(&data, &size);
	if (genesis.length > 0) fuzz_put_file("genesis", genesis);
	put_sealed("key", fuzz_cut(&data, &size), true);
	put_sealed("key.next", fuzz_cut(&data, &size), true);
	put_sealed("ledger.state", fuzz_cut(&data, &size), false);
	put_log(whole, data, size);
	return true;
}

static bool count(const struct ck_audit_record *record, const char *file, uint64_t line_number, void *context)
{
	(void)file;
	if (record->seq == 0 || line_number == 0) abort();
	(*(uint64_t *)context)++;
	return true;
}

static bool is_sound(void)
{
	struct ck_audit_report report;
	struct ck_errmsg err = { "" };
	uint64_t records = 0;
	enum ck_error error = ck_audit_verify(settings.directory, (struct ck_text){ NULL, 0 }, &report, &err);
	if (error != CK_OK && err.text[0] == '\0') abort();
	if (error != CK_OK) return false;
	if (ck_audit_each(settings.directory, count, &records, &err) == CK_OK ? records != report.records : !fuzz_failing) abort();
	return true;
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_book *book = NULL;
	struct ck_errmsg err = { "" };
	if (sodium_init() < 0) abort();
	if (!put_files(data, size)) return;
	bool sound = is_sound();
	enum ck_error error = ck_book_open(&settings, &book, &err);
	if (error == CK_OK && ck_book_write(book, &err) == CK_OK) (void)!ck_book_stop(book, &err);
	else if (error != CK_OK && err.text[0] == '\0') abort();
	ck_book_free(&book);
	ck_faults_pass();
	if (sound && !is_sound()) abort();
	ck_faults_back();
}
