/* slapd's own tools under slapd's own user, what is kept aside while they work, and the record of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authd/audit/audit.h"
#include "authd/cli/import_offline.h"

#define PATH_BYTES (CK_CONFIG_TEXT_BYTES + 64)
#define SAID_LIMIT_BYTES 4096
#define PIPE_BUFFER_BYTES (1024 * 1024)
#define LOADING_FILE "loading" /* in the instance: the daemon does not start while it is there */

static void path_of(const struct ck_offline_run *run, const char *name, char out[PATH_BYTES])
{
	snprintf(out, PATH_BYTES, "%s/%s", run->config.directory, name);
}

/* ---- programs ---- */

static void child(const struct ck_offline_run *run, char *const *arguments, int input_fd, int output_fd, int error_fd)
{
	char *const environment[] = { NULL }; /* libldap reads LDAP* variables */
	if (dup2(input_fd, 0) < 0 || dup2(output_fd, 1) < 0 || dup2(error_fd, 2) < 0 || setgroups(0, NULL) != 0 ||
	    setresgid(run->gid, run->gid, run->gid) != 0 || setresuid(run->uid, run->uid, run->uid) != 0 || chdir("/") != 0)
		_exit(126);
	execve(run->config.slapd, arguments, environment);
	_exit(127);
}

/* slapd takes the name it is called by for what it shall do. */
static pid_t start(const struct ck_offline_run *run, char *const *arguments, int input_fd, int output_fd, int error_fd)
{
	pid_t pid = fork();
	if (pid == 0) child(run, arguments, input_fd, output_fd, error_fd);
	return pid;
}

static bool succeeded(pid_t pid)
{
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void quote(FILE *said)
{
	char text[SAID_LIMIT_BYTES];
	rewind(said);
	size_t length = fread(text, 1, sizeof text - 1, said);
	text[length] = '\0';
	fprintf(stderr, "%s", text);
}

/* ---- reading ---- */

enum ck_error ck_offline_read(struct ck_offline_run *run, void (*each)(const struct ck_ldif_record *record, void *context), struct ck_errmsg *err)
{
	static struct ck_ldif ldif;
	static struct ck_ldif_record record;
	char configuration[PATH_BYTES], name[] = "slapcat", flag[] = "-F", base[] = "-b", option[] = "-o", wrap[] = "ldif-wrap=no";
	int ends[2] = { -1, -1 };
	path_of(run, "directory/slapd.d", configuration);
	char *const arguments[] = { name, flag, configuration, base, run->config.suffix, option, wrap, NULL };
	FILE *said = tmpfile();
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (said == NULL || null_fd < 0 || pipe2(ends, O_CLOEXEC) != 0) return ck_fail(err, CK_ERR_IO, "no pipe to slapcat: %s", strerror(errno));
	pid_t pid = start(run, arguments, null_fd, ends[1], fileno(said));
	close(ends[1]);
	close(null_fd);
	FILE *from = fdopen(ends[0], "r");
	CK_ASSERT(from != NULL);
	bool fault = false;
	ck_ldif_begin(&ldif, from);
	while (ck_ldif_next(&ldif, &record)) {
		fault = fault || record.fault != NULL;
		if (record.fault == NULL) each(&record, run);
	}
	fclose(from);
	bool good = succeeded(pid);
	if (!good) quote(said);
	fclose(said);
	return good && !fault ? CK_OK : ck_fail(err, CK_ERR_IO, "the directory cannot be read by %s", run->config.slapd);
}

/* ---- as another user ---- */

/* In a child that is that user for good. What it has to say it says itself. */
static bool done_as(unsigned uid, unsigned gid, const struct ck_offline_run *run, enum ck_error (*work)(const struct ck_offline_run *, struct ck_errmsg *))
{
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct ck_errmsg err = { "" };
		if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) _exit(126);
		enum ck_error error = work(run, &err);
		if (error != CK_OK) fprintf(stderr, "crosskeys: %s\n", err.text);
		(void)fflush(stderr);
		_exit(error == CK_OK ? 0 : 1);
	}
	return succeeded(pid);
}

/* ---- what is there, kept aside: in slapd's folder, where its user could lead root astray ---- */

static const char data_file[] = "directory/data/data.mdb", aside_file[] = "directory/data/data.mdb.before", lock_file[] = "directory/data/lock.mdb";

static enum ck_error sync_folder(const struct ck_offline_run *run, const char *name, struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	path_of(run, name, path);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) close(fd);
	return fine ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
}

static void forget(const struct ck_offline_run *run, const char *name)
{
	char path[PATH_BYTES];
	path_of(run, name, path);
	(void)unlink(path);
}

/* slapadd -q makes the file as large as the map, nearly all of it a hole: only what is there is copied. */
static bool copy_sparse(int in, int out)
{
	static char buffer[PIPE_BUFFER_BYTES];
	off_t end = lseek(in, 0, SEEK_END), at = 0;
	if (end < 0 || ftruncate(out, end) != 0) return false;
	while ((at = lseek(in, at, SEEK_DATA)) >= 0 && at < end) {
		off_t hole = lseek(in, at, SEEK_HOLE);
		for (; at < hole;) {
			size_t want = (size_t)(hole - at) < sizeof buffer ? (size_t)(hole - at) : sizeof buffer;
			ssize_t got = pread(in, buffer, want, at);
			if (got <= 0 || pwrite(out, buffer, (size_t)got, at) != got) return false;
			at += got;
		}
	}
	return at >= 0 || errno == ENXIO; /* ENXIO: no data behind this */
}

static enum ck_error keep_aside(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	path_of(run, data_file, from);
	path_of(run, aside_file, to);
	(void)unlink(to); /* one that was not yet whole, or not needed any more */
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool fine = in >= 0 && out >= 0 && copy_sparse(in, out) && fsync(out) == 0;
	int reason = errno;
	if (in >= 0) close(in);
	if (out >= 0) close(out);
	return fine ? sync_folder(run, "directory/data", err) : ck_fail(err, CK_ERR_IO, "%s cannot be kept aside: %s", from, strerror(reason));
}

static enum ck_error put_back(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	char aside[PATH_BYTES], data[PATH_BYTES];
	path_of(run, aside_file, aside);
	path_of(run, data_file, data);
	forget(run, lock_file);
	if (rename(aside, data) != 0 && errno != ENOENT) return ck_fail(err, CK_ERR_IO, "%s cannot be put back: %s", data, strerror(errno));
	return sync_folder(run, "directory/data", err);
}

/* slapadd -q leaves the writing to the kernel. */
static enum ck_error make_safe(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	char data[PATH_BYTES];
	path_of(run, data_file, data);
	int fd = open(data, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool safe = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) close(fd);
	return safe ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", data, strerror(errno));
}

static enum ck_error forget_aside(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	(void)err;
	forget(run, aside_file);
	return CK_OK;
}

static enum ck_error mark(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	path_of(run, LOADING_FILE, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool fine = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0) close(fd);
	return fine ? sync_folder(run, "", err) : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
}

enum ck_error ck_offline_undo(struct ck_offline_run *run, struct ck_errmsg *err)
{
	char loading[PATH_BYTES];
	path_of(run, LOADING_FILE, loading);
	if (access(loading, F_OK) != 0) return CK_OK;
	fprintf(stderr, "A load was not finished: the directory is put back as it was before it.\n");
	if (!done_as(run->uid, run->gid, run, put_back)) return ck_fail(err, CK_ERR_IO, "the directory cannot be put back as it was");
	forget(run, LOADING_FILE);
	return CK_OK;
}

/* The copy is of what was there before, and no change of it told the session log: it begins anew. */
static enum ck_error forget_store(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	char path[PATH_BYTES];
	path_of(run, "store", path);
	DIR *folder = opendir(path);
	if (folder == NULL) return errno == ENOENT ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	bool fine = true;
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		if (strstr(entry->d_name, ".mdb") != NULL && unlinkat(dirfd(folder), entry->d_name, 0) != 0) fine = false;
	closedir(folder);
	return fine ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: the copy of the directory cannot be removed", path);
}

/* ---- loading ---- */

enum ck_error ck_offline_begin(struct ck_offline_run *run, struct ck_offline_load *out, struct ck_errmsg *err)
{
	char configuration[PATH_BYTES];
	char name[] = "slapadd", flag[] = "-F", base[] = "-b", quick[] = "-q", context[] = "-w", server[] = "-S", one[] = "1";
	int ends[2] = { -1, -1 };
	path_of(run, "directory/slapd.d", configuration);
	/* -w: the provider's contextCSN covers what was loaded, so that whoever follows gets it */
	char *const arguments[] = { name, flag, configuration, base, run->config.suffix, quick, context, server, one, NULL };
	enum ck_error error = done_as(run->uid, run->gid, run, keep_aside) ? mark(run, err) : ck_fail(err, CK_ERR_IO, "the directory cannot be kept aside");
	if (error != CK_OK) return error;
	out->said = tmpfile();
	if (out->said == NULL || pipe2(ends, O_CLOEXEC) != 0) return ck_fail(err, CK_ERR_IO, "no pipe to slapadd: %s", strerror(errno));
	out->pid = start(run, arguments, ends[0], fileno(out->said), fileno(out->said));
	close(ends[0]);
	out->to = fdopen(ends[1], "w");
	CK_ASSERT(out->to != NULL);
	(void)setvbuf(out->to, NULL, _IOFBF, PIPE_BUFFER_BYTES);
	return out->pid > 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "%s cannot be started: %s", run->config.slapd, strerror(errno));
}

enum ck_error ck_offline_end(struct ck_offline_run *run, struct ck_offline_load *load, bool whole, struct ck_errmsg *err)
{
	bool written = ferror(load->to) == 0;
	if (fclose(load->to) != 0) written = false;
	bool taken = succeeded(load->pid) && written;
	if (!taken) quote(load->said);
	fclose(load->said);
	if (!taken || !whole) {
		struct ck_errmsg why = { "" };
		if (!taken) (void)ck_fail(err, CK_ERR_IO, "%s did not take it; what it said is above", run->config.slapd);
		if (ck_offline_undo(run, &why) != CK_OK) return ck_fail(err, CK_ERR_IO, "%s", why.text);
		return CK_ERR_IO;
	}
	if (!done_as(run->uid, run->gid, run, make_safe)) return ck_fail(err, CK_ERR_IO, "what was loaded is not safe on the disk");
	enum ck_error error = forget_store(run, err);
	if (error != CK_OK) return error;
	forget(run, LOADING_FILE);
	error = sync_folder(run, "", err);
	(void)done_as(run->uid, run->gid, run, forget_aside);
	return error;
}

/* ---- the record ---- */

static struct {
	const char *stage, *detail;
	uint64_t count;
} said;

static enum ck_error record(const struct ck_offline_run *run, struct ck_errmsg *err)
{
	char path[PATH_BYTES], number[24];
	struct ck_chain_limits limits = { .segment_bytes = run->config.audit_segment_bytes, .reserve_bytes = run->config.audit_reserve_bytes };
	struct ck_chain *chain = NULL;
	size_t cut = 0;
	path_of(run, "audit", path);
	snprintf(number, sizeof number, "%llu", (unsigned long long)said.count);
	const struct ck_audit_field fields[] = { { "operation", ck_bytes_of(ck_text_of("staff.add")) }, { "peer-uid", ck_bytes_of(ck_text_of("0")) },
		                                 { "stage", ck_bytes_of(ck_text_of(said.stage)) }, { "count", ck_bytes_of(ck_text_of(number)) },
		                                 { "detail", ck_bytes_of(ck_text_of(said.detail)) } };
	enum ck_error error = ck_chain_open(path, &limits, &chain, &cut, err);
	if (error == CK_OK) error = ck_chain_add(chain, "offline-load", fields, sizeof fields / sizeof fields[0], true, NULL, err);
	if (error == CK_OK) error = ck_chain_write(chain, err);
	if (error == CK_OK) error = ck_chain_flush(chain, err);
	if (chain != NULL) ck_chain_close(&chain);
	return error;
}

/* By the ledger's user: the log's files are its own, whoever began them. */
enum ck_error ck_offline_record(struct ck_offline_run *run, const char *stage, const char *detail, uint64_t count, struct ck_errmsg *err)
{
	unsigned uid = 0, gid = 0;
	enum ck_error error = ck_config_user(run->config.user_ledger, &uid, &gid, err);
	if (error != CK_OK) return error;
	said.stage = stage;
	said.detail = detail;
	said.count = count;
	return done_as(uid, gid, run, record) ? CK_OK : ck_fail(err, CK_ERR_IO, "the audit log does not take it: nothing is loaded without a record");
}
