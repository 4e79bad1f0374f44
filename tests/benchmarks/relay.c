/* The physical limit that account decisions are held against: the same hops and the same append, and no thought in between. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/benchmarks/bench.h"

#define MESSAGE_BYTES 128 /* about what an account request and its answer take */
#define RECORD_BYTES 200
#define EVENTS 64
#define FRONTS_LIMIT 8

struct message {
	uint32_t client; /* the front's descriptor */
	uint8_t bytes[MESSAGE_BYTES - 4];
};

static void write_whole(int fd, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	while (length > 0) {
		ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
		if (n <= 0) return;
		at += n;
		length -= (size_t)n;
	}
}

/* Appends a record for each message of a batch with one write, then answers each. */
static void run_back(const int *fronts, int count, const char *path)
{
	static struct message batch[EVENTS];
	static char records[EVENTS * RECORD_BYTES];
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), poll_fd = epoll_create1(EPOLL_CLOEXEC);
	memset(records, 'r', sizeof records);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fronts[i] };
		epoll_ctl(poll_fd, EPOLL_CTL_ADD, fronts[i], &event);
	}
	for (;;) {
		struct epoll_event events[FRONTS_LIMIT];
		int ready = epoll_wait(poll_fd, events, FRONTS_LIMIT, -1);
		for (int i = 0; i < ready; i++) {
			ssize_t n = recv(events[i].data.fd, batch, sizeof batch, 0);
			if (n <= 0) _exit(0);
			size_t messages = (size_t)n / sizeof batch[0];
			if (write(file, records, messages * RECORD_BYTES) < 0) _exit(1);
			write_whole(events[i].data.fd, batch, messages * sizeof batch[0]);
		}
	}
}

static void run_front(int listener, int back, enum bench_relay_mode mode)
{
	int poll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = listener };
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event);
	event = (struct epoll_event){ .events = EPOLLIN, .data.fd = back };
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, back, &event);
	for (;;) {
		static struct message batch[EVENTS];
		struct epoll_event events[EVENTS];
		int ready = epoll_wait(poll_fd, events, EVENTS, -1);
		for (int i = 0; i < ready; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
				if (client < 0) continue;
				event = (struct epoll_event){ .events = EPOLLIN, .data.fd = client };
				epoll_ctl(poll_fd, EPOLL_CTL_ADD, client, &event);
			} else if (fd == back) {
				ssize_t n = recv(back, batch, sizeof batch, 0);
				if (n <= 0) _exit(0);
				for (size_t m = 0; m < (size_t)n / sizeof batch[0]; m++) write_whole((int)batch[m].client, &batch[m], sizeof batch[m]);
			} else {
				ssize_t n = recv(fd, &batch[0], sizeof batch[0], 0);
				if (n != (ssize_t)sizeof batch[0]) {
					if (n < 0 && errno == EAGAIN) continue;
					close(fd);
					continue;
				}
				batch[0].client = (uint32_t)fd;
				write_whole(mode == BENCH_ECHO ? fd : back, &batch[0], sizeof batch[0]);
			}
		}
	}
}

int bench_relay_start(const char *socket_path, const char *file_path, int fronts, enum bench_relay_mode mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
	unlink(socket_path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 512) != 0) {
		perror(socket_path);
		exit(1);
	}
	fflush(stdout);
	pid_t leader = fork();
	if (leader == 0) {
		int ends[FRONTS_LIMIT];
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int i = 0; i < fronts && i < FRONTS_LIMIT; i++) {
			int pair[2];
			if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) _exit(1);
			ends[i] = pair[0];
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				close(pair[0]);
				run_front(listener, pair[1], mode);
			}
			close(pair[1]);
		}
		close(listener);
		run_back(ends, fronts, file_path);
	}
	close(listener);
	return leader;
}

void bench_relay_stop(int pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
