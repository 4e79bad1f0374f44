/* fdatasync that is not waited for: the kernel does it, and says at a descriptor when it is done. By the kernel's own asynchronous I/O
   (io_submit(2), IOCB_CMD_FDSYNC): one thread stays one thread, and io_uring is closed to our processes. Private to authd/audit. */
#ifndef CK_AUDIT_FLUSH_H
#define CK_AUDIT_FLUSH_H

#include <stdbool.h>

#include "directory/base/error.h"

struct ck_flusher {
	unsigned long context; /* of the kernel; 0: it has none for us, and everything is waited for */
	int done_fd; /* readable when one has ended; -1: none ever does */
	bool in_flight;
};
/* Never fails: without the kernel's help there is none in flight, ever. That is logged. */
void ck_flusher_open(struct ck_flusher *out);
/* Waits for the one in flight, whose result nobody wants. */
void ck_flusher_close(struct ck_flusher *flusher);
/* False: not begun, the caller does it itself. One at a time. */
bool ck_flusher_begin(struct ck_flusher *flusher, int fd);
/* Takes the result of the one in flight: 0 or an errno. False: not yet there (never, where `wait`). */
bool ck_flusher_end(struct ck_flusher *flusher, bool wait, int *out_failure);

#endif
