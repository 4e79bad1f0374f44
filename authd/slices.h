/* Work that lasts, in slices of the event loop's time: on a second stack, which goes on after everybody else had their turn. The work calls ck_pause. */
#ifndef CK_AUTHD_SLICES_H
#define CK_AUTHD_SLICES_H

#include <event2/event.h>

#include "directory/base/fiber.h"

struct ck_slices {
	struct ck_fiber *fiber; /* NULL: nothing goes on */
	struct event *go_on;
	void (*on_end)(enum ck_error error, void *context);
	void *context;
};

/* Runs the first slice. on_end is called once, with CK_OK when the work has come to its end, maybe before this returns; from it anything may be begun again.
   CK_ERR_MEMORY: it was not begun, and on_end is not called. */
CK_MUST_USE enum ck_error ck_slices_begin(struct ck_slices *slices, struct event_base *base, void (*work)(void *context),
                                          void (*on_end)(enum ck_error error, void *context), void *context);
bool ck_slices_go_on(const struct ck_slices *slices);
/* Makes the work end early (its ck_pause returns false) and waits for that; on_end is not called. Not from within the work. */
void ck_slices_end(struct ck_slices *slices);

#endif
