/* The machine's own names. A file that others than root can write, or that cannot be read, names nobody: what it would have excused
   from the daemon's decision is then decided by the daemon. */
#include "pam_module/pam_local.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/protocol/client.h"

#define PASSWD_FILE "/etc/passwd"
#define PASSWD_LINE_LIMIT_BYTES 4096 /* a longer line names nobody */

/* NULL with CK_ERR_NOT_FOUND when there is no such file. O_NONBLOCK: a FIFO must not hold up a login before it is refused. */
static FILE *open_trusted(const char *path, enum ck_error *out_error, struct ck_errmsg *err)
{
	struct stat st;
	FILE *file = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT) {
		*out_error = CK_ERR_NOT_FOUND;
		return NULL;
	}
	if (fd < 0) {
		*out_error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
		return NULL;
	}
	*out_error = ck_path_is_trusted(path, err);
	if (*out_error != CK_OK) {
		;
	} else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		*out_error = ck_fail(err, CK_ERR_DENIED, "%s is no regular file", path);
	} else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		*out_error = ck_fail(err, CK_ERR_DENIED, "%s must be root's and writable by nobody else (uid %u, mode %04o)", path,
		                     (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
	} else if (st.st_size > CK_PAM_LOCAL_FILE_LIMIT_BYTES) {
		*out_error = ck_fail(err, CK_ERR_LIMIT, "%s is larger than %d bytes", path, CK_PAM_LOCAL_FILE_LIMIT_BYTES);
	} else if ((file = fdopen(fd, "r")) == NULL) {
		*out_error = ck_fail(err, CK_ERR_MEMORY, "%s: %s", path, strerror(errno));
	}
	if (file == NULL) close(fd);
	return file;
}

/* The name on a line, without blanks around it and without a comment; NULL if there is none. Cuts the line in place. */
static const char *name_on(char *line)
{
	line[strcspn(line, "#\n")] = '\0';
	line += strspn(line, " \t\r");
	size_t length = strlen(line);
	while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) line[--length] = '\0';
	return length > 0 ? line : NULL;
}

static bool is_listed(const char *name, const char *list_path, enum ck_error *out_problem, struct ck_errmsg *err)
{
	bool found = false;
	char *line = NULL;
	size_t line_bytes = 0;
	FILE *file = open_trusted(list_path, out_problem, err);
	if (file == NULL) {
		if (*out_problem == CK_ERR_NOT_FOUND) *out_problem = CK_OK;
		return false;
	}
	while (!found && getline(&line, &line_bytes, file) > 0) {
		const char *listed = name_on(line);
		found = listed != NULL && strcmp(listed, name) == 0;
	}
	free(line);
	(void)fclose(file);
	return found;
}

/* Parsed by libc, as everybody else reads it; but only a line that can be the one: fgetpwent seeks once a line. */
static bool is_entry_of(const char *name, char *line, bool *out_local)
{
	bool is = false;
	char buffer[PASSWD_LINE_LIMIT_BYTES];
	struct passwd entry, *at = NULL;
	size_t length = strlen(name);
	const char *start = line + strspn(line, " \t");
	if (strncmp(start, name, length) != 0 || start[length] != ':') return false;
	FILE *file = strlen(line) < sizeof buffer ? fmemopen(line, strlen(line), "r") : NULL;
	if (file == NULL) return true; /* not a later entry's turn */
	if (fgetpwent_r(file, &entry, buffer, sizeof buffer, &at) == 0 && strcmp(entry.pw_name, name) == 0) {
		is = true;
		*out_local = entry.pw_uid < CK_PAM_LOCAL_UID_END;
	}
	(void)fclose(file);
	return is;
}

/* The first entry of that name decides, as it does for everybody else. */
static bool is_in_passwd(const char *name, enum ck_error *out_problem, struct ck_errmsg *err)
{
	bool local = false;
	char *line = NULL;
	size_t line_bytes = 0;
	FILE *file = open_trusted(PASSWD_FILE, out_problem, err);
	if (file == NULL) return false;
	while (getline(&line, &line_bytes, file) > 0)
		if (is_entry_of(name, line, &local)) break;
	free(line);
	(void)fclose(file);
	return local;
}

bool ck_pam_name_is_local(const char *name, const char *list_path, enum ck_error *out_problem, struct ck_errmsg *err)
{
	enum ck_error problem = CK_OK;
	struct ck_errmsg other = { .text = "" };
	*out_problem = CK_OK;
	if (name[0] == '\0') return false;
	if (strcmp(name, "root") == 0 || is_listed(name, list_path, out_problem, err)) return true;
	bool local = is_in_passwd(name, &problem, &other);
	if (*out_problem == CK_OK && problem != CK_OK) *out_problem = ck_fail(err, problem, "%s", other.text);
	return local;
}
