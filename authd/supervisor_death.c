/* How a child ended, in words for the log and the audit log. A child that the kernel killed for a system call is looked at before it is
   reaped, while it still has its name. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "authd/supervisor.h"

bool ck_death_next(struct ck_death *out)
{
	siginfo_t info = { 0 };
	char call[64];
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid <= 0) return false;
	*out = (struct ck_death){ .pid = info.si_pid, .how = "ended" };
	if (info.si_code == CLD_EXITED && info.si_status != 0)
		(void)snprintf(out->how, sizeof out->how, "ended with code %d", info.si_status);
	else if (info.si_code != CLD_EXITED && info.si_status == SIGSYS) {
		out->refused = true;
		(void)snprintf(out->how, sizeof out->how, "was killed by its sandbox: %s", ck_refused_describe(info.si_pid, call, sizeof call));
	} else if (info.si_code != CLD_EXITED)
		(void)snprintf(out->how, sizeof out->how, "died of signal %d", info.si_status);
	return waitpid(out->pid, NULL, 0) == out->pid;
}
