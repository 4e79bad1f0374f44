/* What the kernel says of the processes that connect, and of their parents: by the socket where it can, else in /proc, in which a process names
   itself. A number that was used again is not taken for the process that had it. */
#include "authd/gate_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authd/protocol/message.h"
#include "authd/sandbox/pidfd.h"
#include "directory/base/text.h"

#define FILE_BYTES 2048 /* of a file below /proc/<pid>; what is read of `status` stands in the first third, `stat` is shorter */

/* ---- /proc ---- */

/* False: there is no such process any more. */
static bool read_file(pid_t pid, const char *name, char out[FILE_BYTES])
{
	char path[48];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	ssize_t length = read(fd, out, FILE_BYTES - 1);
	close(fd);
	if (length <= 0) return false;
	out[length] = '\0';
	return true;
}

/* Field 2 is the command in parentheses and may hold anything, more parentheses too, so count from the last. */
bool ck_gate_parse_process(char *text, struct ck_gate_process *out)
{
	char *at = strrchr(text, ')');
	uint64_t parent = 0, start = 0;
	unsigned field = 2;
	if (at == NULL) return false;
	for (char *rest = NULL, *word = strtok_r(at + 1, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		field++;
		if (field == 4 && ck_uint_parse(ck_text_of(word), 0, INT32_MAX, &parent) != CK_OK) return false;
		if (field == 22) {
			if (ck_uint_parse(ck_text_of(word), 0, UINT64_MAX, &start) != CK_OK) return false;
			*out = (struct ck_gate_process){.parent = (pid_t)parent, .start_ticks = start};
			return true;
		}
	}
	return false;
}

bool ck_gate_process_of(pid_t pid, struct ck_gate_process *out)
{
	char text[FILE_BYTES];
	return read_file(pid, "stat", text) && ck_gate_parse_process(text, out);
}

enum ck_error ck_gate_process_start(pid_t pid, uint64_t *out_ticks)
{
	struct ck_gate_process process;
	if (!ck_gate_process_of(pid, &process)) return CK_ERR_NOT_FOUND;
	*out_ticks = process.start_ticks;
	return CK_OK;
}

uint64_t ck_gate_boot_ticks(void)
{
	struct timespec now;
	uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return 0;
	return (uint64_t)now.tv_sec * per_second + (uint64_t)now.tv_nsec * per_second / 1000000000u;
}

static bool number_after(const char *text, const char *label, uint64_t *out)
{
	const char *at = strstr(text, label);
	if (at == NULL) return false;
	at += strlen(label);
	size_t length = strspn(at, "0123456789");
	return ck_uint_parse((struct ck_text){at, length}, 0, UINT32_MAX, out) == CK_OK;
}

/* The name, which may hold anything, has its newlines escaped by the kernel (proc(5)). */
bool ck_gate_runner_of(pid_t pid, struct ck_gate_runner *out)
{
	char text[FILE_BYTES];
	uint64_t parent, real;
	if (!read_file(pid, "status", text) || !number_after(text, "\nPPid:\t", &parent) || !number_after(text, "\nUid:\t", &real)) return false;
	*out = (struct ck_gate_runner){.real_uid = (uid_t)real, .parent = (pid_t)parent};
	return true;
}

/* ---- the process at the other end ---- */

/* False: the kernel is older, or the process is gone. */
static bool told_by_socket(int fd, struct ck_gate_runner *out)
{
	const uint64_t wanted = CK_PIDFD_WITH_PID | CK_PIDFD_WITH_CREDS;
	struct ck_pidfd_info info = {.mask = wanted};
	int process = -1;
	socklen_t length = sizeof process;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &process, &length) != 0 || length != sizeof process || process < 0) return false;
	bool told = ioctl(process, CK_PIDFD_GET_INFO, &info) == 0 && (info.mask & wanted) == wanted;
	close(process);
	if (told) *out = (struct ck_gate_runner){.real_uid = info.real_uid, .parent = (pid_t)info.parent};
	return told;
}

bool ck_gate_runner_at(int fd, pid_t pid, uint64_t accepted_ticks, struct ck_gate_runner *out)
{
	uint64_t start;
	if (told_by_socket(fd, out)) return true;
	return ck_gate_process_start(pid, &start) == CK_OK && start <= accepted_ticks && ck_gate_runner_of(pid, out);
}

/* A program that runs as root keeps the real uid of who started it (su), or has them among its parents (sudo). */
uid_t ck_gate_owner(uid_t uid, int fd, pid_t pid, uint64_t accepted_ticks)
{
	struct ck_gate_runner at;
	if (uid != 0) return uid;
	bool known = ck_gate_runner_at(fd, pid, accepted_ticks, &at);
	for (size_t i = 1; known && at.real_uid == 0 && at.parent > 1 && i < CK_ANCESTORS_LIMIT; i++) known = ck_gate_runner_of(at.parent, &at);
	return known ? at.real_uid : 0;
}
