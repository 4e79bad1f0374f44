/* The files: which one is current, opening, beginning anew, exchanging. A name (CK_STORE_FILE) is a symbolic link to store-N.mdb, so that
   one rename(2) exchanges data and lock file together. Trusts the directory: only the writer's user may write it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/store/load.h"
#include "directory/store/people_internal.h"
#include "directory/store/recall.h"

#define DATA_MODE 0640
#define LOCK_MODE 0660
#define NAME_FORMAT "store-%llu.mdb"
#define LINK_TRIES 8

struct path {
	char text[CK_STORE_PATH_BYTES + CK_STORE_NAME_BYTES + 8];
};

static const char *path_of(const char *directory, const char *name, const char *suffix, struct path *out)
{
	snprintf(out->text, sizeof out->text, "%s/%s%s", directory, name, suffix);
	return out->text;
}

/* store-N.mdb → N; 0 for any other name. */
static unsigned long long number_of(const char *name)
{
	unsigned long long number = 0;
	char again[CK_STORE_NAME_BYTES];
	if (sscanf(name, NAME_FORMAT, &number) != 1 || number == 0) return 0;
	snprintf(again, sizeof again, NAME_FORMAT, number);
	return strcmp(again, name) == 0 ? number : 0;
}

/* The real file's name; CK_ERR_UNAVAILABLE when there is none, CK_ERR_CORRUPT when the name is no link of ours. */
static enum ck_error read_link(const char *directory, const char *link, char out[CK_STORE_NAME_BYTES])
{
	struct path path;
	struct stat st;
	out[0] = '\0';
	if (lstat(path_of(directory, link, "", &path), &st) != 0) return errno == ENOENT ? CK_ERR_UNAVAILABLE : CK_ERR_IO;
	if (!S_ISLNK(st.st_mode)) return CK_ERR_CORRUPT;
	ssize_t length = readlink(path.text, out, CK_STORE_NAME_BYTES - 1);
	if (length < 0) return errno == ENOENT ? CK_ERR_UNAVAILABLE : CK_ERR_IO;
	out[length] = '\0';
	return number_of(out) != 0 ? CK_OK : CK_ERR_CORRUPT;
}

static void sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return;
	(void)fsync(fd);
	(void)close(fd);
}

static void remove_file(const char *directory, const char *name)
{
	struct path path;
	(void)unlink(path_of(directory, name, "", &path));
	(void)unlink(path_of(directory, name, "-lock", &path));
}

static void on_lmdb_assert(MDB_env *env, const char *text)
{
	(void)env;
	ck_panic("lmdb", 0, text);
}

/* ---- the environment ---- */

void ck_store_close_env(struct ck_store *store)
{
	CK_ASSERT(!store->viewing && !store->batching);
	for (size_t i = 0; i < CK_TREES * CK_CURSORS_LIMIT; i++) {
		MDB_cursor *cursor = store->view.cursors[i / CK_CURSORS_LIMIT][i % CK_CURSORS_LIMIT];
		if (cursor != NULL) mdb_cursor_close(cursor);
	}
	for (size_t i = 0; i < CK_WALKERS_LIMIT; i++)
		if (store->view.walkers[i] != NULL) mdb_cursor_close(store->view.walkers[i]);
	if (store->reader != NULL) mdb_txn_abort(store->reader);
	if (store->env != NULL) mdb_env_close(store->env);
	ck_recall_free(&store->view);
	memset(&store->view, 0, sizeof store->view);
	store->reader = NULL;
	store->env = NULL;
}

/* How many bytes the file has fewer than its newest page says. */
static enum ck_error env_missing(struct ck_store *store, off_t *out_size, off_t *out_missing)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	int fd = -1;
	*out_missing = 0;
	if (mdb_env_info(store->env, &info) != MDB_SUCCESS || mdb_env_stat(store->env, &stat) != MDB_SUCCESS) return CK_ERR_CORRUPT;
	if (mdb_env_get_fd(store->env, &fd) != MDB_SUCCESS || fstat(fd, &st) != 0) return CK_ERR_IO;
	if (info.me_last_pgno >= CK_STORE_MAP_BYTES / stat.ms_psize) return CK_ERR_CORRUPT;
	*out_size = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
	if (st.st_size < *out_size) *out_missing = *out_size - st.st_size;
	return CK_OK;
}

/* A file that lacks one of them is another version's, or damaged. */
static int trees_open(struct ck_store *store, bool fresh)
{
	static const char *const names[CK_TREES] = {[CK_TREE_RECORDS] = "records", [CK_TREE_PEOPLE] = "people"};
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(store->env, NULL, fresh ? 0 : MDB_RDONLY, &txn);
	for (size_t i = 0; rc == MDB_SUCCESS && i < CK_TREES; i++) rc = mdb_dbi_open(txn, names[i], fresh ? MDB_CREATE : 0, &store->dbi[i]);
	if (rc == MDB_SUCCESS) return mdb_txn_commit(txn);
	if (txn != NULL) mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static enum ck_error env_open(struct ck_store *store, bool fresh, struct ck_errmsg *err)
{
	struct path path;
	struct stat st;
	/* LMDB would make a new one where there is none, or nothing in it; it would wait at a FIFO, and follow a link */
	if (lstat(path_of(store->directory, store->name, "-lock", &path), &st) == 0 && !S_ISREG(st.st_mode))
		return ck_fail(err, CK_ERR_CORRUPT, "%s-lock is no file", store->name);
	if (lstat(path_of(store->directory, store->name, "", &path), &st) != 0) return ck_store_fail(err, errno, "cannot open", store->name);
	if (!S_ISREG(st.st_mode)) return ck_fail(err, CK_ERR_CORRUPT, "%s is no file", store->name);
	if (!fresh && st.st_size == 0) return ck_fail(err, CK_ERR_CORRUPT, "%s is empty", store->name);
	int rc = mdb_env_create(&store->env);
	if (rc != MDB_SUCCESS) return ck_store_fail(err, rc, "cannot open", store->name);
	(void)mdb_env_set_assert(store->env, on_lmdb_assert);
	rc = mdb_env_set_mapsize(store->env, CK_STORE_MAP_BYTES);
	if (rc == MDB_SUCCESS) rc = mdb_env_set_maxreaders(store->env, CK_STORE_READERS_LIMIT);
	if (rc == MDB_SUCCESS) rc = mdb_env_set_maxdbs(store->env, CK_TREES);
	/* the writer flushes what makes a commit the last one itself, behind it (ck_store_flush): readers need not wait for that */
	unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (store->writer ? MDB_NOMETASYNC : MDB_RDONLY);
	/* what is begun anew at every start need not outlive the machine before it is whole: then all of it is flushed at once */
	if (store->writer && strcmp(store->link, CK_STORE_NEXT_FILE) == 0) flags |= MDB_NOSYNC;
	if (rc == MDB_SUCCESS) rc = mdb_env_open(store->env, path.text, flags, DATA_MODE);
	/* before any page is looked at: one that is not there ends the process */
	off_t size, missing = 0;
	if (rc == MDB_SUCCESS && !fresh && (env_missing(store, &size, &missing) != CK_OK || missing > 0)) {
		ck_store_close_env(store);
		return ck_fail(err, CK_ERR_CORRUPT, "%s was cut or damaged", store->name);
	}
	if (rc == MDB_SUCCESS) rc = trees_open(store, fresh);
	if (rc == MDB_SUCCESS) return CK_OK;
	ck_store_close_env(store);
	/* The map is sparse and of one size; a file that asks for one that cannot be made is damaged where it says so. Rebuilding is safe. */
	if (rc == ENOMEM) rc = MDB_CORRUPTED;
	/* the writer made it: somebody put another in its place */
	if (rc == EACCES && store->writer) rc = MDB_CORRUPTED;
	return ck_store_fail(err, rc, "cannot open", store->name);
}

enum ck_error ck_store_flush(struct ck_store *store, struct ck_errmsg *err)
{
	unsigned flags = 0;
	int rc = mdb_env_get_flags(store->env, &flags);
	if (rc == MDB_SUCCESS && (flags & MDB_NOSYNC) == 0) rc = mdb_env_sync(store->env, 1);
	return rc == MDB_SUCCESS ? CK_OK : ck_store_fail(err, rc, "cannot flush", store->name);
}

enum ck_error ck_store_extend(struct ck_store *store)
{
	off_t size, missing;
	int fd = -1;
	enum ck_error error = env_missing(store, &size, &missing);
	if (error != CK_OK || missing == 0) return error;
	if (mdb_env_get_fd(store->env, &fd) != MDB_SUCCESS || ftruncate(fd, size) != 0) return CK_ERR_IO;
	return CK_OK;
}

enum ck_error ck_store_open_link(struct ck_store *store, struct ck_errmsg *err)
{
	enum ck_error error = CK_ERR_UNAVAILABLE;
	for (int i = 0; i < LINK_TRIES; i++) {
		error = read_link(store->directory, store->link, store->name);
		if (error != CK_OK) return ck_fail(err, error, "%s/%s: %s", store->directory, store->link, ck_error_name(error));
		error = env_open(store, false, err);
		if (error != CK_ERR_UNAVAILABLE) break;
		/* exchanged and removed in between: look again */
	}
	if (error != CK_OK) return error;
	store->link_checked_ms = ck_clock_monotonic_ms();
	return CK_OK;
}

bool ck_store_link_moved(struct ck_store *store)
{
	char name[CK_STORE_NAME_BYTES];
	struct path path;
	struct stat named, open;
	int fd = -1;
	/* none: it was deleted; what is open stays as good as its as_of, until a writer begins a new one */
	if (read_link(store->directory, store->link, name) != CK_OK) return false;
	if (strcmp(name, store->name) != 0) return true;
	/* the link's own number may be that of one that was deleted before, but not that of a file that is open */
	if (stat(path_of(store->directory, name, "", &path), &named) != 0) return false;
	return mdb_env_get_fd(store->env, &fd) != MDB_SUCCESS || fstat(fd, &open) != 0 || named.st_ino != open.st_ino || named.st_dev != open.st_dev;
}

static enum ck_error store_new(const char *directory, const char *link, bool writer, struct ck_store **out, struct ck_errmsg *err)
{
	*out = NULL;
	if (strlen(directory) >= CK_STORE_PATH_BYTES) return ck_fail(err, CK_ERR_LIMIT, "the path of the store is too long");
	struct ck_store *store = calloc(1, sizeof *store);
	if (store == NULL) return ck_fail(err, CK_ERR_MEMORY, "out of memory");
	snprintf(store->directory, sizeof store->directory, "%s", directory);
	snprintf(store->link, sizeof store->link, "%s", link);
	store->writer = writer;
	*out = store;
	return CK_OK;
}

void ck_store_close(struct ck_store **store)
{
	if (*store == NULL) return;
	struct ck_batch *batch = (*store)->batching ? &(*store)->batch : NULL;
	ck_batch_abort(&batch);
	(*store)->viewing = false;
	ck_pending_free(*store);
	ck_load_free(*store);
	free((*store)->searching);
	ck_store_close_env(*store);
	free(*store);
	*store = NULL;
}

enum ck_error ck_store_open(const char *directory, struct ck_store **out, struct ck_errmsg *err)
{
	enum ck_error error = store_new(directory, CK_STORE_FILE, false, out, err);
	if (error != CK_OK) return error;
	error = ck_store_open_link(*out, err);
	if (error != CK_OK) ck_store_close(out);
	return error;
}

enum ck_error ck_store_clear_dead_readers(struct ck_store *store, int *out_cleared)
{
	int cleared = 0;
	int rc = store->env != NULL ? mdb_reader_check(store->env, &cleared) : MDB_SUCCESS;
	if (out_cleared != NULL) *out_cleared = cleared;
	return ck_store_error(rc);
}

/* ---- the writer's side ---- */

static unsigned long long largest_number(const char *directory)
{
	unsigned long long largest = 0;
	DIR *dir = opendir(directory);
	if (dir == NULL) return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		unsigned long long number = number_of(entry->d_name);
		if (number > largest) largest = number;
	}
	(void)closedir(dir);
	return largest;
}

/* Removes data and lock files that neither link leads to. */
static void sweep(const char *directory)
{
	char current[CK_STORE_NAME_BYTES], next[CK_STORE_NAME_BYTES];
	(void)read_link(directory, CK_STORE_FILE, current);
	(void)read_link(directory, CK_STORE_NEXT_FILE, next);
	DIR *dir = opendir(directory);
	if (dir == NULL) return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char name[sizeof entry->d_name];
		snprintf(name, sizeof name, "%s", entry->d_name);
		size_t length = strlen(name);
		if (length > 5 && strcmp(name + length - 5, "-lock") == 0) name[length - 5] = '\0';
		if (number_of(name) != 0 && strcmp(name, current) != 0 && strcmp(name, next) != 0) remove_file(directory, name);
	}
	(void)closedir(dir);
}

static enum ck_error create_file(const char *path, mode_t mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0) return CK_ERR_IO;
	/* whatever the umask says. Only before LMDB has it: closing any descriptor of the lock file would drop LMDB's locks on it */
	int rc = fchmod(fd, mode);
	(void)close(fd);
	return rc == 0 ? CK_OK : CK_ERR_IO;
}

/* The link appears when the file is one that can be read. */
static enum ck_error put_link(struct ck_store *store)
{
	struct path temporary, link;
	path_of(store->directory, store->name, ".link", &temporary);
	path_of(store->directory, store->link, "", &link);
	(void)unlink(temporary.text);
	if (symlink(store->name, temporary.text) != 0 || rename(temporary.text, link.text) != 0) return CK_ERR_IO;
	sync_directory(store->directory);
	return CK_OK;
}

/* The first commit of a file: its state. */
static enum ck_error write_first_state(struct ck_store *store)
{
	struct ck_batch batch = {.store = store};
	int rc = mdb_txn_begin(store->env, NULL, 0, &batch.txn);
	if (rc != MDB_SUCCESS) return ck_store_error(rc);
	enum ck_error error = ck_meta_set(&batch);
	if (error != CK_OK) {
		mdb_txn_abort(batch.txn);
		return error;
	}
	return ck_store_error(mdb_txn_commit(batch.txn));
}

static enum ck_error begin_anew(struct ck_store *store, struct ck_errmsg *err)
{
	struct path path;
	snprintf(store->name, sizeof store->name, NAME_FORMAT, largest_number(store->directory) + 1);
	(void)unlink(path_of(store->directory, store->name, "-lock", &path));
	enum ck_error error = create_file(path.text, LOCK_MODE);
	if (error == CK_OK) error = create_file(path_of(store->directory, store->name, "", &path), DATA_MODE);
	if (error != CK_OK) return ck_fail(err, error, "cannot create %s: %s", path.text, strerror(errno));
	error = env_open(store, true, err);
	if (error != CK_OK) return error;
	error = write_first_state(store);
	if (error == CK_OK) error = ck_store_extend(store);
	if (error == CK_OK) error = put_link(store);
	return error == CK_OK ? CK_OK : ck_fail(err, error, "cannot begin %s in %s", store->name, store->directory);
}

static enum ck_error set_superseded(struct ck_store *store, bool superseded, struct ck_errmsg *err)
{
	struct ck_batch *batch;
	enum ck_error error = ck_batch_begin(store, &batch, err);
	if (error != CK_OK) return error;
	batch->meta.superseded = superseded;
	return ck_batch_commit(&batch, err);
}

static enum ck_error check_existing(struct ck_store *store, struct ck_errmsg *err)
{
	struct ck_view *view;
	enum ck_error error = ck_view_begin(store, &view);
	if (error != CK_OK) return ck_fail(err, error, "%s is damaged or of another version", store->name);
	bool superseded = view->meta->superseded;
	ck_view_end(&view);
	/* a writer died after marking it, before the exchange */
	return superseded ? set_superseded(store, false, err) : CK_OK;
}

static enum ck_error open_existing(struct ck_store *store, struct ck_errmsg *err)
{
	enum ck_error error = ck_store_open_link(store, err);
	if (error != CK_OK) return error;
	error = check_existing(store, err);
	if (error != CK_OK) ck_store_close_env(store);
	return error;
}

/* Removes what a name leads to, and the name. */
static void drop(const char *directory, const char *link)
{
	struct path path;
	char name[CK_STORE_NAME_BYTES];
	if (read_link(directory, link, name) == CK_OK) remove_file(directory, name);
	(void)unlink(path_of(directory, link, "", &path));
	(void)unlink(path_of(directory, link, "-lock", &path));
}

enum ck_error ck_store_open_writer(const char *directory, const char *file, struct ck_store **out, struct ck_errmsg *err)
{
	struct ck_errmsg why = {""};
	enum ck_error error = store_new(directory, file, true, out, err);
	if (error != CK_OK) return error;
	bool next = strcmp(file, CK_STORE_NEXT_FILE) == 0;
	CK_ASSERT(next || strcmp(file, CK_STORE_FILE) == 0);
	if (next) drop(directory, file);
	error = next ? CK_ERR_UNAVAILABLE : open_existing(*out, &why);
	if (error == CK_ERR_CORRUPT || error == CK_ERR_UNAVAILABLE) {
		if (error == CK_ERR_CORRUPT) ck_log(CK_LOG_ALARM, "store: made anew: %s", why.text);
		error = begin_anew(*out, err);
	} else if (error != CK_OK) {
		(void)ck_fail(err, error, "%s", why.text);
	}
	if (error != CK_OK) {
		ck_store_close(out);
		return error;
	}
	if (!next) sweep(directory);
	return ck_store_clear_dead_readers(*out, NULL);
}

enum ck_error ck_store_discard(const char *directory, struct ck_errmsg *err)
{
	struct path path;
	drop(directory, CK_STORE_FILE);
	drop(directory, CK_STORE_NEXT_FILE);
	sweep(directory);
	sync_directory(directory);
	if (access(path_of(directory, CK_STORE_FILE, "", &path), F_OK) == 0) return ck_fail(err, CK_ERR_IO, "cannot remove %s", path.text);
	return CK_OK;
}

enum ck_error ck_store_begin_next(const char *directory, struct ck_store **out, struct ck_errmsg *err)
{
	enum ck_error error = store_new(directory, CK_STORE_NEXT_FILE, true, out, err);
	if (error == CK_OK) error = begin_anew(*out, err);
	if (error != CK_OK) ck_store_close(out);
	return error;
}

void ck_store_replace(struct ck_store **next, struct ck_store *with)
{
	char old[CK_STORE_NAME_BYTES];
	snprintf(old, sizeof old, "%s", (*next)->name);
	ck_store_close(next);
	remove_file(with->directory, old);
	*next = with;
}

enum ck_error ck_store_supersede(const char *directory, struct ck_store **current, struct ck_store **next, struct ck_store **out,
                                 struct ck_errmsg *err)
{
	char old[CK_STORE_NAME_BYTES];
	struct ck_view *view;
	*out = NULL;
	enum ck_error error = ck_view_begin(*next, &view);
	if (error != CK_OK) return ck_fail(err, error, "%s cannot be read", (*next)->name);
	bool finished = view->meta->finished;
	ck_view_end(&view);
	/* gates never see half of a refresh */
	if (!finished) return ck_fail(err, CK_ERR_INVALID, "%s holds no finished refresh", (*next)->name);
	int rc = mdb_env_sync((*next)->env, 1);
	if (rc == MDB_SUCCESS) rc = mdb_env_set_flags((*next)->env, MDB_NOSYNC, 0); /* from now on each commit is durable */
	if (rc != MDB_SUCCESS) return ck_store_fail(err, rc, "cannot flush", (*next)->name);
	/* a failure to mark is no reason to keep the old one: its readers look at the link every second */
	if (*current != NULL && set_superseded(*current, true, err) != CK_OK) ck_log(CK_LOG_WARNING, "store: %s could not be marked", (*current)->name);
	bool had = read_link(directory, CK_STORE_FILE, old) == CK_OK;
	struct path from, to;
	if (rename(path_of(directory, CK_STORE_NEXT_FILE, "", &from), path_of(directory, CK_STORE_FILE, "", &to)) != 0) {
		return ck_fail(err, CK_ERR_IO, "cannot rename %s to %s: %s", from.text, to.text, strerror(errno));
	}
	sync_directory(directory);
	ck_store_close(current);
	if (had && strcmp(old, (*next)->name) != 0) remove_file(directory, old);
	*out = *next;
	*next = NULL;
	snprintf((*out)->link, sizeof(*out)->link, "%s", CK_STORE_FILE);
	return CK_OK;
}
