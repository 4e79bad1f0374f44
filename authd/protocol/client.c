/* The client's side of a socket. Lives in other people's processes (PAM): raises no signal, prints nothing, leaves no descriptor behind.
   Trusts a server only by where its socket lies and by who listens. */
#include "authd/protocol/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "directory/base/awake.h"
#include "directory/base/clock.h"

#define RECEIVE_STEP_BYTES 4096
#define VAIN_LIMIT 7 /* at most every 64th answer is looked for, where it never comes */

/* ---- trust ---- */

/* One component: owned by root, nobody else may write. Symbolic links in the chain are followed by checking what they are, not where. */
static enum ck_error check_component(const char *path, bool last, struct ck_errmsg *err)
{
	struct stat st;
	if (lstat(path, &st) != 0) return ck_fail(err, CK_ERR_UNAVAILABLE, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0) return ck_fail(err, CK_ERR_DENIED, "%s belongs to uid %u; expected root", path, (unsigned)st.st_uid);
	if (S_ISLNK(st.st_mode)) return last ? ck_fail(err, CK_ERR_DENIED, "%s is a symbolic link", path) : CK_OK;
	if (last) return CK_OK;
	if (!S_ISDIR(st.st_mode)) return ck_fail(err, CK_ERR_DENIED, "%s is not a directory", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ck_fail(err, CK_ERR_DENIED, "%s may be written by others than root (mode %04o)", path, (unsigned)(st.st_mode & 07777));
	return CK_OK;
}

enum ck_error ck_path_is_trusted(const char *path, struct ck_errmsg *err)
{
	char part[sizeof(((struct sockaddr_un *)0)->sun_path) + 256];
	size_t length = strlen(path);
	if (length == 0 || path[0] != '/' || length >= sizeof part)
		return ck_fail(err, CK_ERR_INVALID, "expected an absolute path of at most %zu bytes", sizeof part - 1);
	if (strstr(path, "/../") != NULL) return ck_fail(err, CK_ERR_INVALID, "%s: no '..' in a trusted path", path);
	for (size_t i = 0; i <= length; i++) {
		if (i != 0 && path[i] != '/' && path[i] != '\0') continue;
		size_t part_length = i == 0 ? 1 : i;
		memcpy(part, path, part_length);
		part[part_length] = '\0';
		enum ck_error error = check_component(part, path[i] == '\0', err);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}

/* The socket itself may be writable by all (that is how one connects); where it lies and who listens decide. */
static enum ck_error check_peer(int fd, struct ck_errmsg *err)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t length = sizeof peer;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || length != sizeof peer)
		return ck_fail(err, CK_ERR_DENIED, "cannot tell who listens: %s", strerror(errno));
	if (peer.uid != 0) return ck_fail(err, CK_ERR_DENIED, "uid %u listens; expected root", (unsigned)peer.uid);
	return CK_OK;
}

/* ---- connecting ---- */

/* Waits until fd is ready or the deadline has passed; a signal does not end the wait. */
static enum ck_error wait_ready(int fd, short events, int64_t deadline_ms, int cancel_fd)
{
	for (;;) {
		struct pollfd polled[2] = { { .fd = fd, .events = events }, { .fd = cancel_fd, .events = POLLIN } };
		int64_t left_ms = deadline_ms - ck_clock_monotonic_ms();
		if (left_ms <= 0) return CK_ERR_TIMEOUT;
		int ready = poll(polled, cancel_fd >= 0 ? 2 : 1, left_ms > 60000 ? 60000 : (int)left_ms);
		if (ready < 0 && errno != EINTR) return CK_ERR_IO;
		if (ready > 0 && polled[1].revents != 0 && cancel_fd >= 0) return CK_ERR_CANCELLED;
		if (ready > 0 && polled[0].revents != 0) return CK_OK;
	}
}

static void reset(struct ck_client *client)
{
	*client = (struct ck_client){ .fd = -1, .passed_fd = -1 };
}

bool ck_client_is_roots_pair(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	struct sockaddr_un name;
	socklen_t peer_length = sizeof peer, name_length = sizeof name;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_length) == 0 && peer_length == sizeof peer && peer.uid == 0 &&
	       getpeername(fd, (struct sockaddr *)&name, &name_length) == 0 && name.sun_family == AF_UNIX &&
	       name_length <= offsetof(struct sockaddr_un, sun_path);
}

enum ck_error ck_client_adopt(struct ck_client *client, int fd)
{
	reset(client);
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return CK_ERR_IO;
	client->fd = fd;
	return CK_OK;
}

/* A full backlog answers EAGAIN on a non-blocking unix socket: wait a little and try again, until the deadline. */
static enum ck_error connect_until(int fd, const struct sockaddr_un *address, int64_t deadline_ms, struct ck_errmsg *err)
{
	for (;;) {
		if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EISCONN) return CK_OK;
		if (errno == EINTR) continue;
		if (errno != EAGAIN)
			return ck_fail(err, CK_ERR_UNAVAILABLE, "%s: %s; is crosskeysd running?", address->sun_path, strerror(errno));
		if (ck_clock_monotonic_ms() >= deadline_ms)
			return ck_fail(err, CK_ERR_TIMEOUT, "%s: too busy to take a connection", address->sun_path);
		(void)poll(NULL, 0, 2);
	}
}

enum ck_error ck_client_connect(struct ck_client *client, const char *path, int64_t deadline_ms, struct ck_errmsg *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	reset(client);
	if (strlen(path) >= sizeof address.sun_path)
		return ck_fail(err, CK_ERR_INVALID, "a socket's path has at most %zu bytes", sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	enum ck_error error = ck_path_is_trusted(path, err);
	if (error != CK_OK) return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "socket: %s", strerror(errno));
	error = connect_until(fd, &address, deadline_ms, err);
	if (error == CK_OK) error = check_peer(fd, err);
	if (error != CK_OK) {
		close(fd);
		return error;
	}
	client->fd = fd;
	return CK_OK;
}

void ck_client_close(struct ck_client *client)
{
	if (client->fd >= 0) close(client->fd);
	if (client->passed_fd >= 0) close(client->passed_fd);
	/* a reply may have held a challenge or, towards the helper, a PIN's echo of nothing: wiped all the same */
	if (client->bytes != NULL) explicit_bzero(client->bytes, client->limit_bytes);
	free(client->bytes);
	reset(client);
}

/* ---- sending and receiving ---- */

enum ck_error ck_client_send(struct ck_client *client, const uint8_t *frame, size_t length, int passed_fd, int64_t deadline_ms)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	size_t sent = 0;
	while (sent < length) {
		struct iovec iov = { .iov_base = (void *)(uintptr_t)(frame + sent), .iov_len = length - sent };
		struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
		if (passed_fd >= 0 && sent == 0) {
			message.msg_control = control.bytes;
			message.msg_controllen = sizeof control.bytes;
			struct cmsghdr *head = CMSG_FIRSTHDR(&message);
			head->cmsg_level = SOL_SOCKET;
			head->cmsg_type = SCM_RIGHTS;
			head->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(head), &passed_fd, sizeof(int));
		}
		ssize_t n = sendmsg(client->fd, &message, MSG_NOSIGNAL);
		if (n > 0) {
			sent += (size_t)n;
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			enum ck_error error = wait_ready(client->fd, POLLOUT, deadline_ms, -1);
			if (error != CK_OK) return error;
		} else if (n < 0 && errno != EINTR) {
			return errno == EPIPE || errno == ECONNRESET ? CK_ERR_UNAVAILABLE : CK_ERR_IO;
		}
	}
	return CK_OK;
}

/* Keeps at most one passed descriptor; any more are closed and make the message malformed. */
static enum ck_error take_descriptors(struct ck_client *client, struct msghdr *message)
{
	enum ck_error error = (message->msg_flags & MSG_CTRUNC) != 0 ? CK_ERR_INVALID : CK_OK;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
		size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd = -1;
			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
			if (client->passed_fd < 0) {
				client->passed_fd = fd;
			} else {
				close(fd);
				error = CK_ERR_INVALID;
			}
		}
	}
	return error;
}

static enum ck_error grow(struct ck_client *client, size_t needed)
{
	if (client->limit_bytes >= needed) return CK_OK;
	uint8_t *bytes = malloc(needed);
	if (bytes == NULL) return CK_ERR_MEMORY;
	if (client->length > 0) memcpy(bytes, client->bytes, client->length);
	if (client->bytes != NULL) explicit_bzero(client->bytes, client->limit_bytes);
	free(client->bytes);
	client->bytes = bytes;
	client->limit_bytes = needed;
	return CK_OK;
}

/* Reads what is there; CK_ERR_UNAVAILABLE when the peer has closed. */
static enum ck_error receive_some(struct ck_client *client, int64_t deadline_ms, int cancel_fd)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = client->bytes + client->length, .iov_len = client->limit_bytes - client->length };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes };
	ssize_t n = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC);
	if (n > 0) {
		client->length += (size_t)n;
		return take_descriptors(client, &message);
	}
	if (n == 0) return CK_ERR_UNAVAILABLE;
	if (errno == EINTR) return CK_OK;
	if (errno == ECONNRESET) return CK_ERR_UNAVAILABLE;
	if (errno != EAGAIN && errno != EWOULDBLOCK) return CK_ERR_IO;
	return wait_ready(client->fd, POLLIN, deadline_ms, cancel_fd);
}

enum ck_error ck_client_receive(struct ck_client *client, struct ck_map *out, int64_t deadline_ms, int cancel_fd)
{
	struct ck_bytes map_bytes;
	size_t used = 0;
	out->present = 0;
	if (client->fd < 0) return CK_ERR_UNAVAILABLE;
	if (client->passed_fd >= 0) close(client->passed_fd);
	client->passed_fd = -1;
	enum ck_error error = grow(client, RECEIVE_STEP_BYTES);
	/* a helper may say several things before it is asked again: what came behind the last frame is the next one's beginning */
	if (client->used > 0) memmove(client->bytes, client->bytes + client->used, client->length - client->used);
	client->length -= client->used;
	client->used = 0;
	while (error == CK_OK) {
		enum ck_error found = ck_frame_find((struct ck_bytes){ client->bytes, client->length }, &map_bytes, &used);
		if (found == CK_OK) {
			client->used = used;
			return ck_map_parse(map_bytes, out);
		}
		if (found != CK_ERR_NOT_FOUND) return CK_ERR_INVALID;
		error = grow(client, used);
		if (error == CK_OK) error = receive_some(client, deadline_ms, cancel_fd);
		if (error == CK_OK && ck_clock_monotonic_ms() >= deadline_ms) error = CK_ERR_TIMEOUT;
	}
	return error;
}

/* Others who want the processor get it. */
static bool came_awake(int fd, int64_t until_us)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	for (int i = 0; i < CK_AWAKE_LOOKS_LIMIT && ck_clock_monotonic_us() < until_us; i++) {
		if (poll(&polled, 1, 0) > 0) return true;
		(void)sched_yield();
	}
	return false;
}

/* Once in vain, next time after one short sleep; then after 2, 4 and so on: beside others who want the processor it seldom pays. */
static void looked(struct ck_client *client, bool came)
{
	if (came && client->vain > 0) client->vain--;
	if (came) return;
	if (client->vain < VAIN_LIMIT) client->vain++;
	client->sleeps = 1u << (client->vain - 1);
}

/* A program that asks one thing after the other spends more on falling asleep and waking up than the gate on its answers. */
static enum ck_error wait_for_answer(struct ck_client *client, int64_t deadline_ms)
{
	int64_t begin_us = ck_clock_monotonic_us();
	bool look = client->soon && client->sleeps == 0;
	if (look) {
		bool came = came_awake(client->fd, begin_us + CK_AWAKE_US);
		looked(client, came);
		if (came) return CK_OK;
	}
	enum ck_error error = wait_ready(client->fd, POLLIN, deadline_ms, -1);
	client->soon = !look && error == CK_OK && ck_clock_monotonic_us() - begin_us < CK_WOKEN_US;
	if (client->soon && client->sleeps > 0) client->sleeps--;
	return error;
}

enum ck_error ck_client_call(struct ck_client *client, const uint8_t *frame, size_t length, struct ck_map *out, int64_t deadline_ms)
{
	enum ck_error error = ck_client_send(client, frame, length, -1, deadline_ms);
	/* the answer takes longer than getting here: to look for it first would be a call in vain */
	if (error == CK_OK && client->used == client->length) error = wait_for_answer(client, deadline_ms);
	return error == CK_OK ? ck_client_receive(client, out, deadline_ms, -1) : error;
}
