/* What every child process shares: start after exec, drop to its own user, sandbox, loop, and the channels to its peers.
   The skeleton of each process file, in this order: messages table, state, handlers, `int ck_<process>_main(struct ck_start *)`:
   trim configuration, open what it needs, ck_process_confine, channels, loop. */
#ifndef CK_AUTHD_PROCESS_H
#define CK_AUTHD_PROCESS_H

#include <sys/types.h>

#include "authd/channel.h"
#include "authd/config.h"
#include "authd/sandbox/sandbox.h"

#define CK_CONTROL_FD 3 /* the channel to the supervisor */
#define CK_LISTEN_FD 4  /* a gate's listening socket */

struct ck_start {
	enum ck_process process;
	unsigned index; /* which gate, from 0 */
	const char *config_path;
	struct ck_config config; /* loaded as root before anything else */
};

struct ck_confinement {
	const char *user;               /* from the configuration */
	const struct ck_filter *filter; /* the system calls that it makes from then on */
	const struct ck_reach *reach;   /* what it still reaches in the file system (as far as the kernel has Landlock) */
	size_t reach_count;
};
/* Own user and group, no supplementary groups, no capabilities in any set, no_new_privs, limits, not dumpable, Landlock, seccomp. Anything
   that is missing is a failure, except a kernel without Landlock, which the supervisor says. Every path in reach must exist. Afterwards: no
   new process or thread, no exec, no change of identity; getpwnam and the like belong before it (nothing below /etc is in reach unless it
   is named). A system call that is not in the table kills: authd/sandbox/filter_<process>.c. */
CK_MUST_USE enum ck_error ck_process_confine(const struct ck_confinement *confinement, struct ck_errmsg *err);

struct ck_peers; /* the control channel and the channels to peers that the supervisor sends over it */
struct ck_peers_handlers {
	/* A new channel to a peer, which has been started anew: an earlier one to it is dead (its on_closed may still be to come; close it
	   now). The process makes its ck_channel of fd, which it owns. */
	void (*on_peer)(enum ck_process process, unsigned index, int fd, void *context);
	void (*on_token)(uint64_t request, int fd, void *context); /* gate only; fd -1: no helper. NULL elsewhere */
	void (*on_stop)(void *context);                            /* NULL: the loop is left */
	void (*on_note)(struct ck_text detail, void *context);     /* ledger only: record it as CK_EVENT_PROCESS. NULL elsewhere */
};
CK_MUST_USE enum ck_error ck_peers_new(struct event_base *base, const struct ck_peers_handlers *handlers, void *context, struct ck_peers **out);
void ck_peers_ready(struct ck_peers *peers);
void ck_peers_accuse(struct ck_peers *peers, enum ck_process process, unsigned index, const char *detail);
/* source: CK_SOURCE_BYTES of where it is wanted; owner: the user it is for, 0 for nobody but root. Each has a share of the helpers. */
void ck_peers_want_token(struct ck_peers *peers, uint64_t request, const uint8_t *source, uint64_t owner);
void ck_peers_free(struct ck_peers **peers);

int ck_supervisor_main(struct ck_start *start);
int ck_gate_main(struct ck_start *start);
int ck_replica_main(struct ck_start *start);
int ck_ledger_main(struct ck_start *start);

#endif
