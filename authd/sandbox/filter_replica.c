/* What the replica asks of the kernel: the store's files, and a unix socket to slapd. Connections to providers elsewhere are made by the
   dialler and handed over. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "authd/sandbox/filter.h"

/* libldap: connects, waits for itself during a bind, asks whom it has reached. */
static const struct ck_call directory[] = {
	CK_CALL_WHEN(socket, CK_IS(0, AF_UNIX)), CK_CALL(connect), CK_CALL_WHEN(setsockopt, CK_IS(1, SOL_SOCKET)), CK_CALL(getpeername), CK_CALL(poll), CK_CALL(ppoll),
	CK_CALLS_END
};

/* Cyrus SASL looks for this machine's full name, and libkrb5 for whoever could make a ticket anew; both go on without. */
static const struct ck_call unconnected[] = {
	CK_CALL_ANSWER(socket, EACCES, CK_IS(0, AF_INET)), CK_CALL_ANSWER(socket, EACCES, CK_IS(0, AF_INET6)),
	CK_CALL_ANSWER(socket, EACCES, CK_IS(0, AF_NETLINK)), CK_CALL(umask),
	CK_CALL_WHEN(fcntl, CK_IS(1, F_OFD_SETLK)), CK_CALL_WHEN(fcntl, CK_IS(1, F_OFD_SETLKW)), CK_CALL_WHEN(fcntl, CK_IS(1, F_OFD_GETLK)),
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

const struct ck_filter ck_filter_replica = {
	.process = "replica",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_store, ck_calls_files, directory, making, passwords,
	            ck_calls_sanitizer },
};

/* With providers elsewhere. */
const struct ck_filter ck_filter_replica_elsewhere = {
	.process = "replica",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_store, ck_calls_files, directory, unconnected, making,
	            passwords, ck_calls_sanitizer },
};
