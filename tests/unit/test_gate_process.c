/* What the kernel says of who connected: by the socket and in /proc alike, and never of somebody else who has the number by now. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/gate_process.h"
#include "authd/sandbox/pidfd.h"

#define SOMEBODY 200011
#define NO_SOCKET (-1) /* as if the kernel told nothing by sockets */

static bool kernel_tells(int fd)
{
	struct ck_pidfd_info info = {.mask = CK_PIDFD_WITH_PID};
	int process = -1;
	socklen_t length = sizeof process;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &process, &length) != 0) return false;
	bool told = ioctl(process, CK_PIDFD_GET_INFO, &info) == 0;
	close(process);
	return told;
}

/* A pair whose ends name the process that made it. */
static int own_socket(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	return pair[0];
}

START_TEST(socket_and_proc_say_the_same)
{
	struct ck_gate_runner told, read;
	int fd = own_socket();
	ck_assert_int_eq(setresuid(SOMEBODY, 0, 0), 0);
	ck_assert(ck_gate_runner_at(fd, getpid(), ck_gate_boot_ticks(), &told));
	ck_assert(ck_gate_runner_of(getpid(), &read));
	ck_assert_uint_eq(told.real_uid, SOMEBODY);
	ck_assert_int_eq(told.parent, getppid());
	ck_assert_uint_eq(read.real_uid, SOMEBODY);
	ck_assert_int_eq(read.parent, getppid());
	/* by the socket, and not in /proc: a wrong number does not matter there */
	if (!kernel_tells(fd)) printf("skipped: this kernel tells nothing of peers by their sockets (Linux 6.13 does)\n");
	else ck_assert(ck_gate_runner_at(fd, -1, 0, &told) && told.real_uid == SOMEBODY);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	close(fd);
}
END_TEST

START_TEST(without_the_socket_a_number_is_believed_if_it_is_old_enough)
{
	struct ck_gate_runner runner;
	uint64_t start;
	ck_assert_int_eq(ck_gate_process_start(getpid(), &start), CK_OK);
	ck_assert(ck_gate_runner_at(NO_SOCKET, getpid(), start, &runner));
	ck_assert_int_eq(runner.parent, getppid());
	/* it began after the connection: another one */
	ck_assert(!ck_gate_runner_at(NO_SOCKET, getpid(), start - 1, &runner));
}
END_TEST

/* Whoever connected and is gone is nobody, not whoever has the socket now. */
START_TEST(who_is_gone_is_nobody)
{
	struct ck_gate_runner runner;
	int pass[2], fd = -1;
	char byte = 0;
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
	memset(&control, 0, sizeof control);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pass), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int own = own_socket();
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof own)};
		memcpy(CMSG_DATA(head), &own, sizeof own);
		_exit(sendmsg(pass[1], &message, 0) == 1 ? 0 : 1);
	}
	int status = 1;
	ck_assert_int_eq(recvmsg(pass[0], &message, MSG_CMSG_CLOEXEC), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(!ck_gate_runner_at(fd, pid, UINT64_MAX, &runner));
	ck_assert_uint_eq(ck_gate_owner(0, fd, pid, UINT64_MAX), 0);
	close(fd);
	close(pass[0]);
	close(pass[1]);
}
END_TEST

/* su keeps the real uid of who started it; sudo is root all over, below who did. */
static uid_t owner_below(bool by_socket)
{
	ck_assert_int_eq(setresuid(SOMEBODY, 0, 0), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = own_socket();
		uid_t su = ck_gate_owner(0, by_socket ? fd : NO_SOCKET, getpid(), ck_gate_boot_ticks());
		if (setresuid(0, 0, 0) != 0) _exit(2);
		uid_t sudo = ck_gate_owner(0, by_socket ? fd : NO_SOCKET, getpid(), ck_gate_boot_ticks());
		_exit(su == SOMEBODY && sudo == SOMEBODY ? 0 : 1);
	}
	int status = 1;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	return status == 0 ? SOMEBODY : 0;
}

START_TEST(an_owner_is_found_by_the_socket_and_without)
{
	ck_assert_uint_eq(owner_below(true), SOMEBODY);
	ck_assert_uint_eq(owner_below(false), SOMEBODY);
	ck_assert_uint_eq(ck_gate_owner(4711, NO_SOCKET, getpid(), 0), 4711); /* nobody asks whose own program it is */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gate-process");
	TCase *tc = tcase_create("gate-process");
	tcase_add_test(tc, socket_and_proc_say_the_same);
	tcase_add_test(tc, without_the_socket_a_number_is_believed_if_it_is_old_enough);
	tcase_add_test(tc, who_is_gone_is_nobody);
	tcase_add_test(tc, an_owner_is_found_by_the_socket_and_without);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
