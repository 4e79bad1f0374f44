/* A call that takes long, on a stack of its own in the same thread, so that others go on meanwhile: it runs until it would wait for a descriptor, or
   pauses, and again when it is resumed. Never two at a time, so nothing needs a lock. For libraries that wait inside a call of theirs, and for
   work that lasts longer than others may be kept waiting. One may start and resume another. */
#ifndef CK_BASE_FIBER_H
#define CK_BASE_FIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "directory/base/error.h"

struct ck_fiber;
/* Runs until its first wait, or to its end. */
CK_MUST_USE enum ck_error ck_fiber_start(void (*work)(void *context), void *context, struct ck_fiber **out);
/* To its next wait, or to its end. Harmless when there is nothing to go on with yet. */
void ck_fiber_resume(struct ck_fiber *fiber);
bool ck_fiber_is_done(const struct ck_fiber *fiber);
/* What it waits for: the descriptor (-1: nothing, it only lets others go on), whether to write (else to read), and until when
   (ck_clock_monotonic_ms). */
int ck_fiber_fd(const struct ck_fiber *fiber);
bool ck_fiber_writes(const struct ck_fiber *fiber);
int64_t ck_fiber_deadline_ms(const struct ck_fiber *fiber);
/* From here on each of its waits and pauses fails at once; returns when it has come to its end. */
void ck_fiber_end(struct ck_fiber **fiber);

/* Until the descriptor can be read (or written) without a wait; false once the deadline has passed, or the fiber is to end. Within a fiber it
   goes back to whoever resumed it; anywhere else it waits. */
CK_MUST_USE bool ck_wait_for(int fd, bool writes, int64_t deadline_ms);
/* To be called often by work that lasts: within a fiber that has run for CK_FIBER_SLICE_MS it goes back to whoever resumed it. False: the fiber is to
   end, and so is the work. Anywhere else there is nobody to let go on. */
#define CK_FIBER_SLICE_MS 20
CK_MUST_USE bool ck_pause(void);

#endif
