/* What the kernel says of processes: who runs them, which is the parent, when they began. */
#ifndef CK_AUTHD_GATE_PROCESS_H
#define CK_AUTHD_GATE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "directory/base/error.h"

/* One of /proc/PID/stat (proc(5)), cut in place; its second field is what the process calls itself. */
struct ck_gate_process {
	pid_t parent;
	uint64_t start_ticks;
};
bool ck_gate_parse_process(char *text, struct ck_gate_process *out);
bool ck_gate_process_of(pid_t pid, struct ck_gate_process *out);
/* The start time of a process, in ticks since boot. CK_ERR_NOT_FOUND. */
CK_MUST_USE enum ck_error ck_gate_process_start(pid_t pid, uint64_t *out_ticks);
uint64_t ck_gate_boot_ticks(void);

struct ck_gate_runner {
	uid_t real_uid;
	pid_t parent;
};
/* Of a process, by its number. */
bool ck_gate_runner_of(pid_t pid, struct ck_gate_runner *out);
/* Of the process that connected at fd, which had this number then: where the kernel tells, that very process, without a look into /proc; else
   whoever has the number, unless they began after accepted_ticks and are somebody else. */
bool ck_gate_runner_at(int fd, pid_t pid, uint64_t accepted_ticks, struct ck_gate_runner *out);

/* The user who asks, or who started the program of root's that asks; 0: root, or nobody knows. */
uid_t ck_gate_owner(uid_t uid, int fd, pid_t pid, uint64_t accepted_ticks);

#endif
