/* The instance's place in the file system: lock, listening socket, trusted programs. Trusts only paths that root alone can change. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "authd/protocol/client.h"
#include "authd/supervisor.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define HEIR_WAIT_MS 5000 /* the supervisor before this one was killed, and its children are still dying: gone long before */
#define LOCK_STEP_NS 5000000
#define LISTENER_STEP_NS 50000000 /* each look is a connection */
#define BACKLOG 4096
#define SECRET_BYTES 32

/* `crosskeys import --offline` leaves this behind when it is interrupted: half a directory is none. */
static enum ck_error check_whole(const char *directory, struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES + 16];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s/loading", directory);
	if (lstat(path, &st) != 0 && errno == ENOENT) return CK_OK;
	return ck_fail(err, CK_ERR_UNAVAILABLE, "%s: a load of the directory was interrupted; run `crosskeys import --offline %s …` again, which undoes it first",
	               path, directory);
}

enum ck_error ck_place_lock(const char *directory, int *out_fd, struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES];
	(void)snprintf(path, sizeof path, "%s/.", directory);
	enum ck_error error = ck_path_is_trusted(path, err);
	if (error != CK_OK) return error;
	(void)snprintf(path, sizeof path, "%s/lock", directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	int64_t deadline_ms = ck_clock_monotonic_ms() + HEIR_WAIT_MS;
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK || ck_clock_monotonic_ms() >= deadline_ms) {
			error = ck_fail(err, CK_ERR_EXISTS, "%s: %s; is another crosskeysd running there?", path, strerror(errno));
			close(fd);
			return error;
		}
		(void)nanosleep(&(struct timespec){ .tv_nsec = LOCK_STEP_NS }, NULL);
	}
	error = check_whole(directory, err);
	if (error == CK_OK) *out_fd = fd;
	else close(fd);
	return error;
}

/* CK_ERR_EXISTS, and *out_listens: somebody listens at the path. What is there and no socket is an error: it is not ours to remove. */
static enum ck_error check_stale(const struct sockaddr_un *address, bool *out_listens, struct ck_errmsg *err)
{
	struct stat st;
	*out_listens = false;
	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", address->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode)) return ck_fail(err, CK_ERR_EXISTS, "%s is there and is no socket; move it away", address->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "socket: %s", strerror(errno));
	int result = connect(fd, (const struct sockaddr *)address, sizeof *address);
	int why = errno;
	close(fd);
	*out_listens = result == 0 || why == EAGAIN;
	return *out_listens ? ck_fail(err, CK_ERR_EXISTS, "%s: somebody listens there already", address->sun_path) : CK_OK;
}

/* A gate of the supervisor before this one, which was killed, may listen a moment longer than that one held the lock. */
static enum ck_error await_stale(const struct sockaddr_un *address, struct ck_errmsg *err)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + HEIR_WAIT_MS;
	bool listens = false;
	enum ck_error error = check_stale(address, &listens, err);
	while (listens && ck_clock_monotonic_ms() < deadline_ms) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = LISTENER_STEP_NS }, NULL);
		error = check_stale(address, &listens, err);
	}
	return error;
}

/* The socket's directory, made if it is missing (below /run nothing outlives a boot). */
static enum ck_error check_parent(const char *path, struct ck_errmsg *err)
{
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
	const char *slash = strrchr(path, '/');
	size_t length = (size_t)(slash - path);
	memcpy(parent, path, length);
	parent[length] = '\0';
	if (length > 0 && mkdir(parent, 0700) == 0)
		(void)chmod(parent, 0755); /* everybody must get to the socket, whatever the umask */
	else if (length > 0 && errno != EEXIST)
		return ck_fail(err, CK_ERR_IO, "%s: %s", parent, strerror(errno));
	memcpy(parent + length, "/.", 3);
	return ck_path_is_trusted(parent, err);
}

/* Bound under another name, made ready, then renamed in: a client finds the old socket or the finished new one. */
enum ck_error ck_place_listen(const char *path, int *out_fd, struct ck_errmsg *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX }, fresh = { .sun_family = AF_UNIX };
	if (strlen(path) + 2 >= sizeof fresh.sun_path)
		return ck_fail(err, CK_ERR_LIMIT, "%s: expected a path of at most %zu bytes", path, sizeof fresh.sun_path - 3);
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)snprintf(fresh.sun_path, sizeof fresh.sun_path, "%s~", path);
	enum ck_error error = check_parent(path, err);
	if (error == CK_OK) error = await_stale(&address, err);
	if (error != CK_OK) return error;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "socket: %s", strerror(errno));
	(void)unlink(fresh.sun_path);
	if (bind(fd, (const struct sockaddr *)&fresh, sizeof fresh) != 0 || chmod(fresh.sun_path, 0666) != 0 || listen(fd, BACKLOG) != 0 ||
	    rename(fresh.sun_path, address.sun_path) != 0) {
		error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
		(void)unlink(fresh.sun_path);
		close(fd);
		return error;
	}
	*out_fd = fd;
	return CK_OK;
}

/* Bytes that every gate of this machine needs alike, and only root may read. Never replaced: what was answered with them stays the same. */
enum ck_error ck_place_secret(const char *directory, struct ck_errmsg *err)
{
	char path[CK_CONFIG_TEXT_BYTES + 16], fresh[CK_CONFIG_TEXT_BYTES + 16];
	uint8_t bytes[SECRET_BYTES];
	(void)snprintf(path, sizeof path, "%s/secret", directory);
	(void)snprintf(fresh, sizeof fresh, "%s/secret~", directory);
	if (access(path, F_OK) == 0) return CK_OK;
	(void)unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool done = fd >= 0 && getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes &&
	            write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes && fsync(fd) == 0 && rename(fresh, path) == 0;
	int why = errno;
	ck_wipe(bytes, sizeof bytes);
	if (fd >= 0) close(fd);
	return done ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(why));
}

enum ck_error ck_place_check_program(const char *path, struct ck_errmsg *err)
{
	enum ck_error error = ck_path_is_trusted(path, err);
	struct stat st;
	if (error != CK_OK) return error;
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (st.st_mode & S_IXUSR) == 0)
		return ck_fail(err, CK_ERR_DENIED, "%s: expected a program that only root can write", path);
	return CK_OK;
}

void ck_place_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path) return;
	size_t length = strlen(path);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@') address.sun_path[0] = '\0'; /* an abstract one: no NUL at its end */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}
