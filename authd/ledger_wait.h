/* Who waits for a flush. One that begins covers those who wait at that moment; who comes while it is in flight waits for the next: it may
   not have begun after their record was written. */
#ifndef CK_AUTHD_LEDGER_WAIT_H
#define CK_AUTHD_LEDGER_WAIT_H

#include <stddef.h>

#include "authd/ledger_book.h"

#define CK_WAITERS_LIMIT 1024

struct ck_waiter {
	void *peer; /* NULL: gone meanwhile */
	uint64_t request;
	struct ck_book_answer answer;
};
struct ck_waiters {
	struct ck_waiter at[CK_WAITERS_LIMIT];
	size_t count;
	size_t covered; /* so many, from the first, by the flush in flight */
};
/* False: full. */
CK_MUST_USE bool ck_waiters_add(struct ck_waiters *waiters, const struct ck_waiter *waiter);
/* A flush begins now: it covers all. */
void ck_waiters_cover(struct ck_waiters *waiters);
/* Whether somebody waits whom no flush covers. */
bool ck_waiters_any_uncovered(const struct ck_waiters *waiters);
/* A flush is over: `answer` for each one covered, in the order they came. */
void ck_waiters_end(struct ck_waiters *waiters, bool stands, void (*answer)(const struct ck_waiter *waiter, bool stands));
void ck_waiters_forget(struct ck_waiters *waiters, const void *peer);

#endif
