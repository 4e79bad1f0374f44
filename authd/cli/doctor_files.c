/* Files of the machine that is looked at: reading them, and whose they are. Opened without following what hangs; never written. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/cli/doctor.h"

const char *ck_doctor_path(const struct ck_doctor *doctor, const char *path)
{
	return doctor->root[0] != '\0' ? ck_cli_print("%s%s", doctor->root, path) : path;
}

enum ck_error ck_doctor_read(const char *path, size_t limit_bytes, struct ck_text *out)
{
	struct stat st;
	enum ck_error error = CK_ERR_IO;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	*out = (struct ck_text){ "", 0 };
	if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? CK_ERR_NOT_FOUND : errno == EACCES || errno == EPERM ? CK_ERR_DENIED : CK_ERR_IO;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		/* the kernel's own files say 0; one that grows meanwhile is one to look at again */
		if (st.st_size > 0 && (uint64_t)st.st_size < limit_bytes) limit_bytes = (size_t)st.st_size;
		char *bytes = ck_cli_allocate(limit_bytes + 2); /* the text ends with a NUL */
		size_t length = 0;
		ssize_t got = 1;
		while (got > 0 && length <= limit_bytes) {
			got = read(fd, bytes + length, limit_bytes + 1 - length);
			if (got > 0) length += (size_t)got;
		}
		error = got < 0 ? CK_ERR_IO : length > limit_bytes ? CK_ERR_LIMIT : CK_OK;
		if (error == CK_OK) *out = (struct ck_text){ bytes, length };
	}
	close(fd);
	return error;
}

enum ck_error ck_doctor_read_included(struct ck_doctor *doctor, const char *path, size_t limit_bytes, unsigned depth, unsigned depth_limit,
                                      struct ck_text *out)
{
	if (depth >= depth_limit || doctor->included == CK_DOCTOR_INCLUDES_LIMIT) return CK_ERR_LIMIT;
	doctor->included++;
	return ck_doctor_read(path, limit_bytes, out);
}

void ck_doctor_unreadable(struct ck_doctor *doctor, const char *path, const char *what_for)
{
	ck_doctor_find(doctor, CK_SEVERITY_WARNING, "unreadable", path, "to be read, to know about it",
	               ck_cli_print("it cannot be read: %s", what_for),
	               geteuid() == 0 ? "look at it by hand" : "run crosskeys doctor as root");
}

bool ck_doctor_check_owner(struct ck_doctor *doctor, enum ck_severity severity, const char *code, const char *path, const char *advice)
{
	struct stat st;
	struct ck_errmsg why = { "" };
	const char *expected = "root's, and writable by nobody else, like every directory above it";
	bool known = stat(path, &st) == 0;
	if (!known && errno != EACCES) return true; /* what is not there is somebody else's finding */
	if (!known) {
		ck_doctor_unreadable(doctor, path, "whose it is, is not known");
		return true;
	}
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		ck_doctor_find(doctor, severity, code, path, expected,
		               ck_cli_print("uid %u, mode %04o", (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777)), advice);
		return false;
	}
	if (ck_path_is_trusted(path, &why) == CK_OK) return true;
	ck_doctor_find(doctor, severity, code, path, expected, ck_cli_print("%s", why.text), advice);
	return false;
}

char *ck_doctor_next_line(char **text)
{
	for (char *line; (line = strsep(text, "\n")) != NULL;) {
		line[strcspn(line, "#")] = '\0';
		line += strspn(line, " \t\r");
		size_t length = strlen(line);
		while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL) line[--length] = '\0';
		if (length > 0) return line;
	}
	return NULL;
}

char *ck_doctor_split(char *line)
{
	char *value = line + strcspn(line, " \t=");
	if (*value == '\0') return value;
	*value++ = '\0';
	value += strspn(value, " \t=");
	size_t length = strlen(value);
	if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
		value[length - 1] = '\0';
		value++;
	}
	return value;
}

const struct ck_service *ck_doctor_service(const struct ck_doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->services_count; i++)
		if (strcmp(doctor->services[i].name, name) == 0) return &doctor->services[i];
	return NULL;
}
