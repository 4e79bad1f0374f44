/* fork and exec. Between the two only what is safe there; the child gets the descriptors named and no other, a small environment, a session
   of its own (a terminal's ^C goes to the supervisor alone), and the death signal of its parent. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/supervisor.h"

#define FIRST_FD 3
#define ABOVE_FD 16 /* where descriptors wait while 3, 4, 5 are filled */
#define ENVIRONMENT_LIMIT 8

int ck_backoff_died(struct ck_backoff *backoff, int64_t now_ms)
{
	if (backoff->next_ms == 0 || now_ms - backoff->started_ms >= CK_BACKOFF_RESET_MS) backoff->next_ms = CK_BACKOFF_FIRST_MS;
	int wait_ms = backoff->next_ms;
	backoff->next_ms = wait_ms * 2 < CK_BACKOFF_LIMIT_MS ? wait_ms * 2 : CK_BACKOFF_LIMIT_MS;
	return wait_ms;
}

/* Nothing is inherited but what sanitizer builds need to say what they found. */
static void make_environment(const char *out[ENVIRONMENT_LIMIT])
{
	size_t count = 0;
	out[count++] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
#ifdef CK_SANITIZED
	static char kept[3][1024];
	static const char *const names[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };
	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);
		if (value == NULL) continue;
		(void)snprintf(kept[i], sizeof kept[i], "%s=%s", names[i], value);
		out[count++] = kept[i];
	}
#endif
	out[count] = NULL;
}

static void reset_signals(void)
{
	for (int i = 1; i < NSIG; i++)
		if (i != SIGKILL && i != SIGSTOP) (void)signal(i, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *place_fds(const struct ck_launch *launch)
{
	int waiting[CK_LAUNCH_FDS];
	int output = fcntl(launch->output_fd >= 0 ? launch->output_fd : STDERR_FILENO, F_DUPFD, ABOVE_FD);
	for (int i = 0; i < CK_LAUNCH_FDS; i++) {
		waiting[i] = launch->fds[i] < 0 ? -1 : fcntl(launch->fds[i], F_DUPFD, ABOVE_FD);
		if (launch->fds[i] >= 0 && waiting[i] < 0) return "no descriptor left";
	}
	int null = open("/dev/null", O_RDWR);
	if (output < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		return "standard descriptors cannot be set";
	for (int i = 0; i < CK_LAUNCH_FDS; i++) {
		if (waiting[i] < 0)
			(void)close(FIRST_FD + i);
		else if (dup2(waiting[i], FIRST_FD + i) < 0)
			return "descriptors cannot be set";
	}
	return close_range(FIRST_FD + CK_LAUNCH_FDS, ~0u, 0) == 0 ? NULL : "other descriptors cannot be closed";
}

/* The walls of a program that knows nothing of us, in their one order: paths are opened while root can, the filter comes last and leaves
   only what such a program needs. */
static const char *confine(const struct ck_launch *launch, int *ruleset)
{
	const char *fault = launch->identity != NULL ? ck_privilege_drop(launch->identity) : NULL;
	if (fault == NULL && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fault = "PR_SET_NO_NEW_PRIVS failed";
	/* the change of identity cleared the death signal */
	if (fault == NULL && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fault = "PR_SET_PDEATHSIG failed";
	if (fault == NULL && !ck_landlock_apply(ruleset)) fault = "Landlock was not applied";
	if (fault == NULL && launch->filter != NULL && !ck_filter_load(launch->filter)) fault = "the system call filter was not installed";
	return fault;
}

/* Or as many as the supervisor was given, if those are fewer: not every root may raise that. */
static bool limit_descriptors(unsigned wanted)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0) return false;
	if (files.rlim_max == RLIM_INFINITY || files.rlim_max > wanted) files.rlim_max = wanted;
	files.rlim_cur = files.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &files) == 0;
}

static const char *prepare(const struct ck_launch *launch, pid_t parent, struct ck_errmsg *err)
{
	(void)setsid();
	(void)umask(077);
	struct rlimit none = { 0, 0 };
	if (setrlimit(RLIMIT_CORE, &none) != 0) return "core dumps cannot be turned off";
	if (launch->descriptors > 0 && !limit_descriptors(launch->descriptors)) return "RLIMIT_NOFILE cannot be set";
	const char *fault = place_fds(launch);
	if (fault != NULL) return fault;
	int ruleset = -1;
	if (launch->reach != NULL && ck_landlock_prepare(launch->reach, launch->reach_count, &ruleset, err) != CK_OK) return err->text;
	fault = confine(launch, &ruleset);
	/* a parent that was quicker to die than the death signal was asked for */
	return fault == NULL && getppid() != parent ? "the supervisor is gone" : fault;
}

static _Noreturn void run(const struct ck_launch *launch, const char *const *environment, pid_t parent)
{
	reset_signals();
	struct ck_errmsg err;
	const char *fault = prepare(launch, parent, &err);
	if (fault == NULL) {
		execve(launch->program, (char *const *)(uintptr_t)launch->arguments, (char *const *)(uintptr_t)environment);
		fault = "cannot be executed";
	}
	(void)dprintf(STDERR_FILENO, "ERROR supervisor[%d]: %s: %s: %s\n", (int)getpid(), launch->program, fault, strerror(errno));
	_exit(127);
}

enum ck_error ck_launch(const struct ck_launch *launch, pid_t *out_pid, struct ck_errmsg *err)
{
	const char *environment[ENVIRONMENT_LIMIT];
	make_environment(environment);
	/* no handler of ours may run in the child: it would write to the supervisor's own pipe */
	sigset_t all, before;
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) run(launch, environment, parent);
	int why = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) return ck_fail(err, CK_ERR_IO, "%s: fork: %s", launch->program, strerror(why));
	*out_pid = pid;
	return CK_OK;
}
