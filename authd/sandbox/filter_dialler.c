/* What the dialler asks of the kernel: sockets to providers, and what getaddrinfo and libkrb5 do to find one and to get a ticket. Which TCP
   ports it reaches is Landlock's. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "authd/sandbox/filter.h"

/* Name services ask by UDP and TCP, look at the machine's addresses by netlink, and try a cache's unix socket, which is out of reach. */
static const struct ck_call network[] = {
	CK_CALL_WHEN(socket, CK_IS(0, AF_INET)), CK_CALL_WHEN(socket, CK_IS(0, AF_INET6)), CK_CALL_WHEN(socket, CK_IS(0, AF_NETLINK)),
	CK_CALL_ANSWER(socket, EACCES, CK_IS(0, AF_UNIX)),
	CK_CALL(connect), CK_CALL_WHEN(bind, CK_IS(2, 12)), /* of a netlink address only, which is that long */
	CK_CALL(getsockname), CK_CALL(getpeername), CK_CALL(sendto), CK_CALL(sendmmsg), CK_CALL(recvfrom), CK_CALL(setsockopt), CK_CALL(getsockopt),
	CK_CALL(ioctl), CK_CALL(poll), CK_CALL(ppoll), CK_CALL(select), CK_CALL(pselect6), CK_CALL(clock_nanosleep),
	CK_CALLS_END
};

/* libkrb5 keeps its cache of tickets under a lock of an open file. */
static const struct ck_call cache[] = {
	CK_CALL_WHEN(fcntl, CK_IS(1, F_OFD_SETLK)), CK_CALL_WHEN(fcntl, CK_IS(1, F_OFD_SETLKW)), CK_CALL_WHEN(fcntl, CK_IS(1, F_OFD_GETLK)),
	CK_CALL(fchmod), CK_CALL(umask), CK_CALL(dup), CK_CALL_WHEN(fcntl, CK_IS(1, F_DUPFD_CLOEXEC)),
	CK_CALLS_END
};

const struct ck_filter ck_filter_dialler = {
	.process = "dialler",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_store, ck_calls_files, network, cache,
	            ck_calls_sanitizer },
};
