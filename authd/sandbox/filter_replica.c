/* What the replica asks of the kernel: the store's files, and a unix socket to slapd. Another way to a provider comes with its address
   families here and its port in Landlock. */
#include <sys/socket.h>

#include "authd/sandbox/filter.h"

/* libldap: connects, waits for itself during a bind, asks whom it has reached. */
static const struct ck_call directory[] = {
	CK_CALL_WHEN(socket, CK_IS(0, AF_UNIX)), CK_CALL(connect), CK_CALL(getpeername), CK_CALL(poll), CK_CALL(ppoll),
	CK_CALLS_END
};

/* A store is made in a file of its own, for its user and group, and named by a symbolic link. */
static const struct ck_call making[] = {
	CK_CALL(fchmod), CK_CALL(symlink), CK_CALL(symlinkat), CK_CALL(msync),
	CK_CALLS_END
};

/* Passwords lie in pages that are not swapped out, while they wait to be sent. */
static const struct ck_call passwords[] = {
	CK_CALL(mlock),
	CK_CALLS_END
};

/* glibc's qsort asks how much memory there is before it makes room for more than a kilobyte: the words of many people at once. */
static const struct ck_call sorting[] = {
	CK_CALL(sysinfo),
	CK_CALLS_END
};

const struct ck_filter ck_filter_replica = {
	.process = "replica",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_store, ck_calls_files, directory, making, passwords, sorting,
	            ck_calls_sanitizer },
};
