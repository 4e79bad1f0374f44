/* How often passwords were tried: by whom, and from where. An attempt is counted before the directory is asked, so that a crash in between
   saves nobody one; a right password gives back what the wrong ones before it cost. Only the replica says that there was an attempt, and only
   under a touch that it verified: strangers count for nobody. Times are of the boot clock. */
#ifndef CK_AUTHD_LEDGER_ATTEMPT_H
#define CK_AUTHD_LEDGER_ATTEMPT_H

#include "directory/base/buffer.h"

#define CK_ATTEMPTS_PERSONS 4096 /* each needs the touch of another person's key; the oldest makes room */
#define CK_ATTEMPTS_SOURCES 4096
#define CK_ATTEMPTS_RIGHT 256    /* right passwords whose login is not recorded yet: that follows within seconds */
#define CK_ATTEMPTS_RIGHT_MS 60000
#define CK_ATTEMPT_DIGEST_BYTES 32

/* So many in a window, which begins with the first. */
struct ck_attempt_limits {
	uint64_t person, source, window_s;
};
/* Who tries, and where: the remote host if there is one, else the terminal and the uid of the program that asks. */
struct ck_attempt {
	struct ck_text user, remote_host, tty;
	uint64_t peer_uid;
};

struct ck_attempts;
CK_MUST_USE enum ck_error ck_attempts_new(const struct ck_attempt_limits *limits, struct ck_attempts **out);
void ck_attempts_free(struct ck_attempts **attempts);
/* 0: it is counted, and may be made. Else none is left, and the next is in so many milliseconds. */
CK_MUST_USE int64_t ck_attempts_take(struct ck_attempts *attempts, const struct ck_attempt *attempt, int64_t now_ms);
/* One that was made at that time, whatever is left: of a log that is read again. */
void ck_attempts_replay(struct ck_attempts *attempts, const struct ck_attempt *attempt, int64_t at_ms);
/* It was right: the person begins anew, the source gets this one back. */
void ck_attempts_was_right(struct ck_attempts *attempts, const struct ck_attempt *attempt);
/* Nothing was sent: both get this one back. */
void ck_attempts_was_none(struct ck_attempts *attempts, const struct ck_attempt *attempt);

/* A right password, under the digest of what was signed, waits for the one login that it opens. */
void ck_attempts_await(struct ck_attempts *attempts, const uint8_t digest[CK_ATTEMPT_DIGEST_BYTES], struct ck_text user, int64_t now_ms);
CK_MUST_USE bool ck_attempts_redeem(struct ck_attempts *attempts, const uint8_t digest[CK_ATTEMPT_DIGEST_BYTES], struct ck_text user, int64_t now_ms);

size_t ck_attempts_saved_bytes(const struct ck_attempts *attempts);
void ck_attempts_save(struct ck_attempts *attempts, int64_t now_ms, struct ck_writer *w);
/* What was saved is as old as it was then: the time in between is not known. */
CK_MUST_USE enum ck_error ck_attempts_load(struct ck_attempts *attempts, int64_t now_ms, struct ck_reader *r);

#endif
