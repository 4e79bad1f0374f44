/* Files about people beside those that are read. The folder may be one that others write to: what somebody put there before is not written into. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/cli/cli.h"

enum ck_error ck_cli_open_private(const char *path, int flags, int *out_fd, struct ck_errmsg *err)
{
	struct stat st;
	/* not blocking: a FIFO would wait for its other end */
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	*out_fd = -1;
	if (fd < 0) return ck_fail(err, errno == ENOENT ? CK_ERR_NOT_FOUND : CK_ERR_IO, "%s: %s", path, strerror(errno));
	enum ck_error error = fstat(fd, &st) == 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	if (error == CK_OK && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1))
		error = ck_fail(err, CK_ERR_DENIED, "%s: it is not a file of your own, under this name alone: remove it, or name another", path);
	if (error == CK_OK && fchmod(fd, 0600) != 0) error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	if (error == CK_OK) *out_fd = fd;
	else close(fd);
	return error;
}

enum ck_error ck_cli_write_private(const char *path, FILE **out, struct ck_errmsg *err)
{
	int fd;
	*out = NULL;
	enum ck_error error = ck_cli_open_private(path, O_WRONLY | O_CREAT, &fd, err);
	if (error != CK_OK) return error;
	/* only now: what is somebody else's stays as it is */
	if (ftruncate(fd, 0) == 0) *out = fdopen(fd, "w");
	if (*out != NULL) return CK_OK;
	error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	close(fd);
	return error;
}
