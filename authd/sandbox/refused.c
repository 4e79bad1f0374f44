/* A refused system call is named before it is died of: the kernel hands it to this handler instead of making it (SECCOMP_RET_TRAP), which
   writes it to the log, leaves its number as the process's name for the supervisor, and ends the process by SIGSYS. Whoever runs foreign
   code in the process gains nothing by that: the call was not made, and the tables let nobody exchange the handler. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "authd/sandbox/sandbox.h"
#include "directory/base/log.h"
#include "directory/base/text.h"

#define NAME_PREFIX "syscall " /* of the process, once it was refused one; 15 bytes at most */
#define NAME_BYTES 16
#define NUMBER_LIMIT 99999

static void arguments_of(const ucontext_t *context, unsigned long long out[3])
{
#if defined(__x86_64__)
	out[0] = (unsigned long long)context->uc_mcontext.gregs[REG_RDI];
	out[1] = (unsigned long long)context->uc_mcontext.gregs[REG_RSI];
	out[2] = (unsigned long long)context->uc_mcontext.gregs[REG_RDX];
#elif defined(__aarch64__)
	for (int i = 0; i < 3; i++) out[i] = context->uc_mcontext.regs[i];
#else
	(void)context;
	out[0] = out[1] = out[2] = 0;
#endif
}

static void on_refused(int number, siginfo_t *info, void *context)
{
	if (info->si_code > 0) { /* of the kernel, not of somebody's kill(2) */
		char name[NAME_BYTES];
		unsigned long long arguments[3];
		arguments_of(context, arguments);
		(void)snprintf(name, sizeof name, NAME_PREFIX "%d", info->si_syscall);
		(void)prctl(PR_SET_NAME, name);
		ck_log(CK_LOG_ALARM, "the sandbox refused system call %d (%#llx, %#llx, %#llx): this process ends", info->si_syscall, arguments[0],
		       arguments[1], arguments[2]);
	}
	(void)syscall(SYS_tgkill, getpid(), gettid(), number); /* its default again, and not blocked: the flags below */
	_exit(1);
}

bool ck_refused_announce(void)
{
	const struct sigaction action = { .sa_sigaction = on_refused, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER) };
	return sigaction(SIGSYS, &action, NULL) == 0;
}

static bool number_of(pid_t pid, int *out)
{
	char path[32], name[NAME_BYTES + 1];
	uint64_t number;
	(void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	ssize_t got = read(fd, name, sizeof name);
	close(fd);
	size_t skip = sizeof NAME_PREFIX - 1;
	if (got <= (ssize_t)skip + 1 || memcmp(name, NAME_PREFIX, skip) != 0 || name[got - 1] != '\n') return false;
	if (ck_uint_parse((struct ck_text){ name + skip, (size_t)got - skip - 1 }, 0, NUMBER_LIMIT, &number) != CK_OK) return false;
	*out = (int)number;
	return true;
}

const char *ck_refused_describe(pid_t pid, char *out, size_t size)
{
	int number;
	if (!number_of(pid, &number)) {
		(void)snprintf(out, size, "a system call");
		return out;
	}
	char *name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number);
	(void)snprintf(out, size, "system call %d (%s)", number, name != NULL ? name : "unknown");
	free(name);
	return out;
}
