/* The parts of the supervisor: launching programs, the embedded slapd, token helpers, the socket and the lock. Inside authd only. */
#ifndef CK_AUTHD_SUPERVISOR_H
#define CK_AUTHD_SUPERVISOR_H

#include <sys/types.h>

#include "authd/process.h"
#include "authd/sandbox/sandbox.h"

#define CK_GATES_LIMIT 64

/* ---- supervisor_launch.c: fork and exec ---- */
#define CK_LAUNCH_FDS 3
struct ck_launch {
	const char *program;
	const char *const *arguments; /* NULL-terminated, the name first */
	const struct ck_identity *identity; /* what it becomes before exec; NULL: stays root */
	/* of a program that does not confine itself: */
	const struct sock_fprog *filter; /* system calls; NULL: no filter of its own */
	const struct ck_reach *reach;    /* files; NULL: no Landlock of its own */
	size_t reach_count;
	int fds[CK_LAUNCH_FDS]; /* become 3, 4, 5; -1: closed. Every other descriptor is closed */
	int output_fd;          /* becomes standard output and error; -1: both go to the supervisor's standard error */
	unsigned descriptors;   /* RLIMIT_NOFILE; 0: inherited */
};
/* The child dies with the supervisor. What fails between fork and exec is said on its standard error; it then exits 127. */
CK_MUST_USE enum ck_error ck_launch(const struct ck_launch *launch, pid_t *out_pid, struct ck_errmsg *err);

/* ---- supervisor_place.c: what the instance holds in the file system ---- */
/* The lock that makes this the only daemon of its directory; children that write hold it too, so it is free when the last is gone. */
CK_MUST_USE enum ck_error ck_place_lock(const char *directory, int *out_fd, struct ck_errmsg *err);
/* The listening socket, mode 0666, below root-owned directories. A stale one is replaced; one that answers is not. */
CK_MUST_USE enum ck_error ck_place_listen(const char *path, int *out_fd, struct ck_errmsg *err);
/* Makes <directory>/secret, the machine's, when it is missing. */
CK_MUST_USE enum ck_error ck_place_secret(const char *directory, struct ck_errmsg *err);
/* A program that root alone can have put there. */
CK_MUST_USE enum ck_error ck_place_check_program(const char *path, struct ck_errmsg *err);
/* Tells systemd (NOTIFY_SOCKET), if it is there. */
void ck_place_notify(const char *state);

/* ---- supervisor_death.c: which child ended, and how ---- */
struct ck_death {
	pid_t pid;
	char how[128]; /* "ended with code 1" */
	bool refused;  /* it asked the kernel for what it must not have: somebody else's code, or a table that lacks a call */
};
/* The next that ended, reaped. False: none. */
CK_MUST_USE bool ck_death_next(struct ck_death *out);

/* ---- supervisor_backoff: how long until the next start ---- */
#define CK_BACKOFF_FIRST_MS 100
#define CK_BACKOFF_LIMIT_MS 5000
#define CK_BACKOFF_RESET_MS 30000 /* a process that lived so long begins anew */
struct ck_backoff {
	int64_t started_ms;
	int next_ms;
};
/* Milliseconds to wait now that it died. */
int ck_backoff_died(struct ck_backoff *backoff, int64_t now_ms);

/* ---- supervisor_slapd.c ---- */
struct ck_slapd;
/* Everything that can fail for good; nothing is started. on_event will be told of starts and deaths, in words. NULL in *out and CK_OK when
   the directory is not embedded. */
CK_MUST_USE enum ck_error ck_slapd_new(struct event_base *base, const struct ck_config *config, int lock_fd,
                                       void (*on_event)(const char *text, void *context), void *context, struct ck_slapd **out,
                                       struct ck_errmsg *err);
void ck_slapd_start(struct ck_slapd *slapd);
/* True when it was this one. */
bool ck_slapd_reaped(struct ck_slapd *slapd, const struct ck_death *death);
/* SIGTERM (or SIGKILL) and no more restarts. False: it is not running. */
bool ck_slapd_stop(struct ck_slapd *slapd, int signal_number);
void ck_slapd_free(struct ck_slapd **slapd);

/* ---- supervisor_token.c ---- */
#define CK_TOKENS_LIMIT 32          /* helpers alive, in all */
#define CK_TOKENS_PER_GATE_LIMIT 16 /* so that one taken gate does not take them all */
#define CK_TOKENS_PER_SOURCE_LIMIT 8 /* nor one user, one terminal, one host; all users together three quarters, of a gate's too */
#define CK_TOKEN_LIFE_S 180
struct ck_tokens;
CK_MUST_USE enum ck_error ck_tokens_new(struct event_base *base, const struct ck_config *config, struct ck_tokens **out, struct ck_errmsg *err);
/* For whom a helper is wanted, as the gate says. */
struct ck_token_want {
	unsigned gate;
	uint32_t owner; /* a user, or 0: nobody but root */
	uint8_t source[CK_SOURCE_BYTES];
};
/* Starts a helper; *out_fd is the end for its client. */
CK_MUST_USE enum ck_error ck_tokens_start(struct ck_tokens *tokens, const struct ck_token_want *want, int *out_fd, struct ck_errmsg *err);
bool ck_tokens_reaped(struct ck_tokens *tokens, const struct ck_death *death);
void ck_tokens_kill(struct ck_tokens *tokens);
void ck_tokens_free(struct ck_tokens **tokens);

#endif
