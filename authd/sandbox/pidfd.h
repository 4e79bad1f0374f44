/* What Linux 6.5 and 6.13 tell of the process at the other end of a unix socket, which the headers of Debian 12 do not have: for who asks it,
   and for the table that allows it. */
#ifndef CK_AUTHD_SANDBOX_PIDFD_H
#define CK_AUTHD_SANDBOX_PIDFD_H

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* getsockopt: a descriptor of the process that connected; whatever its number is used for later, it stays that process. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/* struct pidfd_info of linux/pidfd.h as it was first; later kernels take it as well. */
struct ck_pidfd_info {
	uint64_t mask; /* what is wanted, and what came */
	uint64_t cgroup_id;
	uint32_t pid, thread_group, parent;
	uint32_t real_uid, real_gid, effective_uid, effective_gid, saved_uid, saved_gid, files_uid, files_gid;
	int32_t exit_code;
};
_Static_assert(sizeof(struct ck_pidfd_info) == 64, "PIDFD_INFO_SIZE_VER0");
#define CK_PIDFD_WITH_PID 1u   /* PIDFD_INFO_PID: pid, thread group, parent */
#define CK_PIDFD_WITH_CREDS 2u /* PIDFD_INFO_CREDS */
#define CK_PIDFD_GET_INFO _IOWR(0xFF, 11, struct ck_pidfd_info)

#endif
