/* Makes one system call inside a running process, as code of somebody else's would there: `act-inside [--let] PID CALL ARGUMENT…`.
   It stops the process as a debugger does, has it make the call behind its own walls, and lets it go on as if nothing had been. Prints
   `done RESULT` (a descriptor is closed again), `errno NAME`, or `refused`: it would have died of SIGSYS; with --let it does.
   An argument is a number, `self` (its pid), `"text` (a pointer to it) or `zero:BYTES` (a pointer to so many).
   exit: 0 the outcome was printed, 1 it could not be tried, 2 usage, 77 not on this architecture. */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_BYTES 2048
#define BELOW_STACK 1024 /* past the red zone */
#define TRIES 200

#ifndef __x86_64__
int main(void)
{
	puts("SKIP: registers are known for x86-64 only");
	return 77;
}
#else

static pid_t pid;
static struct user_regs_struct before;
static uint8_t kept[SCRATCH_BYTES], scratch[SCRATCH_BYTES];
static size_t used;

static unsigned long long scratch_at(void)
{
	return (before.rsp - BELOW_STACK - SCRATCH_BYTES) & ~15ull;
}

static bool copy(bool into, uint8_t *bytes)
{
	struct iovec here = { bytes, SCRATCH_BYTES }, there = { (void *)(uintptr_t)scratch_at(), SCRATCH_BYTES };
	ssize_t moved = into ? process_vm_writev(pid, &here, 1, &there, 1, 0) : process_vm_readv(pid, &here, 1, &there, 1, 0);
	return moved == SCRATCH_BYTES;
}

/* The stop must be right after a system call's instruction, which is then used again. */
static bool stop_at_call(void)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACESYSGOOD) != 0) return false;
	for (int i = 0; i < TRIES; i++) {
		int status;
		if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) return false;
		if (ptrace(PTRACE_GETREGS, pid, NULL, &before) != 0) return false;
		errno = 0;
		long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)(uintptr_t)(before.rip - 2), NULL);
		if (errno == 0 && (word & 0xffff) == 0x050f) return copy(false, kept);
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) != 0) return false;
		(void)usleep(10000);
	}
	return false;
}

static bool parse(const char *text, unsigned long long *out)
{
	char *end;
	size_t size = 0;
	if (strcmp(text, "self") == 0) {
		*out = (unsigned long long)pid;
		return true;
	}
	if (text[0] == '"')
		size = strlen(text + 1) + 1;
	else if (strncmp(text, "zero:", 5) == 0)
		size = strtoul(text + 5, NULL, 0);
	if (size == 0) {
		*out = (unsigned long long)strtoll(text, &end, 0);
		return *text != '\0' && *end == '\0';
	}
	if (used + size > SCRATCH_BYTES) return false;
	if (text[0] == '"') memcpy(scratch + used, text + 1, size);
	*out = scratch_at() + used;
	used += (size + 15) & ~15ul;
	return true;
}

static bool is_pending(int number)
{
	char path[64], line[128];
	unsigned long long mask = 0, any = 0;
	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		if (sscanf(line, "SigPnd: %llx", &mask) == 1 || sscanf(line, "ShdPnd: %llx", &mask) == 1) any |= mask;
	if (file != NULL) (void)fclose(file);
	return (any >> (number - 1) & 1) != 0;
}

enum outcome { DONE, REFUSED, DIED, FAILED };

/* Entry, exit, perhaps SIGSYS: which of the last two comes first is the kernel's choice. */
static enum outcome run(unsigned long long number, const unsigned long long arguments[6], long long *out)
{
	struct user_regs_struct regs = before;
	regs.rip -= 2;
	regs.rax = number;
	regs.orig_rax = (unsigned long long)-1;
	regs.rdi = arguments[0];
	regs.rsi = arguments[1];
	regs.rdx = arguments[2];
	regs.r10 = arguments[3];
	regs.r8 = arguments[4];
	regs.r9 = arguments[5];
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0) return FAILED;
	for (int stops = 0;;) {
		int status;
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0 || waitpid(pid, &status, __WALL) != pid) return FAILED;
		if (!WIFSTOPPED(status)) return DIED;
		if (WSTOPSIG(status) == SIGSYS) return REFUSED;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80) || ++stops < 2 || is_pending(SIGSYS)) continue;
		if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0) return FAILED;
		*out = (long long)regs.rax;
		return DONE;
	}
}

static void let_go(bool refused, bool let)
{
	if (refused && let) { /* where the call was made, with what it was refused for */
		(void)ptrace(PTRACE_DETACH, pid, NULL, (void *)(uintptr_t)SIGSYS);
		return;
	}
	if (!copy(true, kept) || ptrace(PTRACE_SETREGS, pid, NULL, &before) != 0 || ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0)
		(void)fprintf(stderr, "act-inside: process %d is not as it was: %s\n", (int)pid, strerror(errno));
}

static const char *name_of(int error)
{
	static char text[64];
	(void)snprintf(text, sizeof text, "%s", strerrorname_np(error) != NULL ? strerrorname_np(error) : "unknown");
	return text;
}

static bool gives_descriptor(const char *call)
{
	static const char *const names[] = { "openat", "socket", "memfd_create", "epoll_create1", "accept4", "dup" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], call) == 0) return true;
	return false;
}

static int act(const char *call, int count, char **words, bool let)
{
	unsigned long long arguments[6] = { 0 };
	long long result = 0, ignored;
	int number = seccomp_syscall_resolve_name(call);
	if (number < 0) number = atoi(call);
	if (!stop_at_call()) {
		(void)fprintf(stderr, "act-inside: process %d cannot be stopped at a system call: %s\n", (int)pid, strerror(errno));
		return 1;
	}
	bool parsed = true;
	for (int i = 0; i < count && parsed; i++) parsed = parse(words[i], &arguments[i]);
	enum outcome outcome = parsed && copy(true, scratch) ? run((unsigned long long)number, arguments, &result) : FAILED;
	if (outcome == DONE && result >= 0 && gives_descriptor(call))
		(void)run((unsigned long long)seccomp_syscall_resolve_name("close"), (const unsigned long long[6]){ (unsigned long long)result }, &ignored);
	if (outcome != DIED) let_go(outcome == REFUSED, let);
	switch (outcome) {
	case REFUSED: (void)puts("refused"); return 0;
	case DIED: (void)puts("died"); return 0;
	case DONE:
		if (result < 0 && result > -4096) (void)printf("errno %s\n", name_of((int)-result));
		else (void)printf("done %lld\n", result);
		return 0;
	case FAILED:
	default: (void)fprintf(stderr, "act-inside: it could not be tried: %s\n", strerror(errno)); return 1;
	}
}

int main(int argc, char **argv)
{
	bool let = argc > 1 && strcmp(argv[1], "--let") == 0;
	int first = let ? 2 : 1;
	if (argc < first + 2 || argc > first + 8 || (pid = atoi(argv[first])) <= 0) {
		(void)fputs("usage: act-inside [--let] PID CALL ARGUMENT…\n", stderr);
		return 2;
	}
	return act(argv[first + 1], argc - first - 2, argv + first + 2, let);
}
#endif
