/* What a gate asks of the kernel: the one process that listens to strangers has the shortest list. It makes no socket, opens nothing for
   writing but LMDB's lock file, and neither makes nor removes a file. */
#include <fcntl.h>

#include "authd/sandbox/filter.h"
#include "authd/sandbox/pidfd.h"

/* Clients come by the listening socket that the supervisor made; who runs them, and below whom, a descriptor tells that comes of their socket
   (getsockopt). None of another process can be opened. */
static const struct ck_call clients[] = {
	CK_CALL(accept4), CK_CALL_WHEN(ioctl, CK_IS(1, CK_PIDFD_GET_INFO)),
	CK_CALLS_END
};

/* The store, for reading; LMDB opens its lock file O_RDWR | O_CREAT, though it is there. /proc, for where a client runs. */
static const struct ck_call reading[] = {
	CK_CALL_WHEN(openat, CK_WITHOUT(2, O_WRONLY | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))),
	CK_CALLS_END
};

const struct ck_filter ck_filter_gate = {
	.process = "gate",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_store, clients, reading, ck_calls_sanitizer },
};
