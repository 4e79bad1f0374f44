/* How long a process that waits for another looks again before it sleeps (docs/design/waiting-awake.md). */
#ifndef CK_BASE_AWAKE_H
#define CK_BASE_AWAKE_H

#define CK_AWAKE_US 50          /* twice what the ledger takes to write a record */
#define CK_AWAKE_LOOKS_LIMIT 500 /* in that time, should the clock stand */
#define CK_WOKEN_US 100         /* a sleep that was no longer was for the larger part falling asleep and waking up */

#endif
