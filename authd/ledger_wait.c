/* The queue of those who wait for a flush. Trusts the ledger to say when one begins and when it has ended. */
#include "authd/ledger_wait.h"

#include <string.h>

bool ck_waiters_add(struct ck_waiters *waiters, const struct ck_waiter *waiter)
{
	if (waiters->count == CK_WAITERS_LIMIT) return false;
	waiters->at[waiters->count++] = *waiter;
	return true;
}

void ck_waiters_cover(struct ck_waiters *waiters) { waiters->covered = waiters->count; }
bool ck_waiters_any_uncovered(const struct ck_waiters *waiters) { return waiters->count > waiters->covered; }

void ck_waiters_end(struct ck_waiters *waiters, bool stands, void (*answer)(const struct ck_waiter *waiter, bool stands))
{
	for (size_t i = 0; i < waiters->covered; i++) answer(&waiters->at[i], stands);
	waiters->count -= waiters->covered;
	memmove(waiters->at, waiters->at + waiters->covered, waiters->count * sizeof waiters->at[0]);
	waiters->covered = 0;
}

void ck_waiters_forget(struct ck_waiters *waiters, const void *peer)
{
	for (size_t i = 0; i < waiters->count; i++)
		if (waiters->at[i].peer == peer) waiters->at[i].peer = NULL;
}
