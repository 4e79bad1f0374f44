/* Virtual keys on disk: a directory <root>/<name> with a text file `state`, replaced as a whole under `lock`, so that a key survives
   between processes and two of them can use it. Trusts what it wrote itself. */
#include "tests/fakes/soft_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512

static bool file_path(char out[PATH_BYTES], const char *key_path, const char *file)
{
	int length = snprintf(out, PATH_BYTES, "%s/%s", key_path, file);
	return length > 0 && length < PATH_BYTES;
}

static enum ck_error read_state(const char *key_path, struct ck_soft_state *out, struct ck_errmsg *err)
{
	char path[PATH_BYTES], line[CK_SOFT_LINE_BYTES];
	enum ck_error error = CK_OK;
	ck_soft_init_state(out);
	FILE *file = file_path(path, key_path, "state") ? fopen(path, "re") : NULL;
	if (file == NULL) return ck_fail(err, CK_ERR_NOT_FOUND, "there is no software key at %s: %s", key_path, strerror(errno));
	while (error == CK_OK && fgets(line, sizeof line, file) != NULL)
		if (!ck_soft_parse_line(line, out)) error = ck_fail(err, CK_ERR_CORRUPT, "%s is damaged at \"%.40s\"", path, line);
	fclose(file);
	return error;
}

/* Root may have run this for a key of the helper's user: what is made belongs to whoever owns the directory. */
static bool give_to_owner_of(const char *key_path, int fd)
{
	struct stat st;
	if (stat(key_path, &st) != 0) return false;
	return geteuid() != 0 || fchown(fd, st.st_uid, st.st_gid) == 0;
}

static enum ck_error write_state(const char *key_path, const struct ck_soft_state *state, struct ck_errmsg *err)
{
	char path[PATH_BYTES], temporary[PATH_BYTES];
	if (!file_path(path, key_path, "state") || !file_path(temporary, key_path, "state.new")) return CK_ERR_LIMIT;
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (file == NULL || !give_to_owner_of(key_path, fd)) {
		if (file != NULL) fclose(file);
		else if (fd >= 0) close(fd);
		return ck_fail(err, CK_ERR_IO, "cannot write %s: %s", temporary, strerror(errno));
	}
	ck_soft_print_state(file, state);
	if (fclose(file) != 0 || rename(temporary, path) != 0) return ck_fail(err, CK_ERR_IO, "cannot write %s: %s", path, strerror(errno));
	return CK_OK;
}

static int lock_key(const char *key_path, int how)
{
	char path[PATH_BYTES];
	if (!file_path(path, key_path, "lock")) return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return -1;
	if (give_to_owner_of(key_path, fd) && flock(fd, how) == 0) return fd;
	close(fd);
	return -1;
}

/* ---- the calls ---- */
enum ck_error ck_soft_load(const char *key_path, struct ck_soft_state *out, struct ck_errmsg *err)
{
	int lock = lock_key(key_path, LOCK_SH);
	if (lock < 0) return ck_fail(err, CK_ERR_NOT_FOUND, "there is no software key at %s: %s", key_path, strerror(errno));
	enum ck_error error = read_state(key_path, out, err);
	close(lock);
	return error;
}

enum ck_error ck_soft_update(const char *key_path, ck_soft_change change, void *context, struct ck_errmsg *err)
{
	struct ck_soft_state *state = malloc(sizeof *state);
	if (state == NULL) return CK_ERR_MEMORY;
	int lock = lock_key(key_path, LOCK_EX);
	enum ck_error error;
	if (lock < 0) error = ck_fail(err, CK_ERR_NOT_FOUND, "there is no software key at %s: %s", key_path, strerror(errno));
	else error = read_state(key_path, state, err);
	if (error == CK_OK) {
		change(state, context);
		error = write_state(key_path, state, err);
	}
	if (lock >= 0) close(lock);
	sodium_memzero(state, sizeof *state);
	free(state);
	return error;
}

enum ck_error ck_soft_create_key(const char *root, const char *name, const struct ck_soft_state *initial, long owner_uid, long owner_gid,
                                 struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || !file_path(path, root, name))
		return ck_fail(err, CK_ERR_INVALID, "\"%s\" is no name for a key", name);
	if (mkdir(root, 0755) != 0 && errno != EEXIST) return ck_fail(err, CK_ERR_IO, "cannot make %s: %s", root, strerror(errno));
	if (mkdir(path, 0700) != 0) {
		if (errno == EEXIST) return ck_fail(err, CK_ERR_EXISTS, "there is a key %s already", path);
		return ck_fail(err, CK_ERR_IO, "cannot make %s: %s", path, strerror(errno));
	}
	if (owner_uid >= 0 && chown(path, (uid_t)owner_uid, (gid_t)owner_gid) != 0)
		return ck_fail(err, CK_ERR_IO, "cannot give %s away: %s", path, strerror(errno));
	int lock = lock_key(path, LOCK_EX);
	if (lock < 0) return ck_fail(err, CK_ERR_IO, "cannot lock %s: %s", path, strerror(errno));
	enum ck_error error = write_state(path, initial, err);
	close(lock);
	return error;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int ck_soft_list(char names[][256], int limit, const char *root)
{
	int count = 0;
	DIR *dir = opendir(root);
	struct ck_soft_state *state = malloc(sizeof *state);
	if (dir == NULL || state == NULL) goto out;
	for (struct dirent *entry; count < limit && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.') continue;
		int length = snprintf(names[count], 256, "%s/%s", root, entry->d_name);
		if (length <= 0 || length >= 256 || ck_soft_load(names[count], state, NULL) != CK_OK) continue;
		if (!(state->misbehaviour & CK_SOFT_REMOVED)) count++;
	}
	qsort(names, (size_t)count, 256, by_name);
out:
	if (dir != NULL) closedir(dir);
	free(state);
	return count;
}
