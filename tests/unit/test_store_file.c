/* The store's files: opening, modes, beginning anew, exchange under a reader's feet. Readers are processes of their own, as in production. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory/store/internal.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/suite.h"

static char directory[128];

static void path_of(const char *name, char out[256])
{
	snprintf(out, 256, "%s/%s", directory, name);
}

static size_t files_of(void)
{
	size_t count = 0;
	DIR *dir = opendir(directory);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] != '.') count++;
	}
	closedir(dir);
	return count;
}

static void setup_files(void)
{
	setup();
	ck_builder_close(b);
	snprintf(directory, sizeof directory, "%s", ck_builder_directory(b));
}

static struct ck_store *writer(const char *file)
{
	struct ck_store *store;
	ck_assert_int_eq(ck_store_open_writer(directory, file, &store, &err), CK_OK);
	return store;
}

/* One commit: a person, and a finished cookie if asked for. */
static void add_person(struct ck_store *store, unsigned number, const char *uid, bool finish)
{
	struct ck_batch *batch;
	ck_assert_int_eq(ck_batch_begin(store, &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_staff(b, number, LEEDS, uid, 200000 + number), &err), CK_OK);
	if (finish) ck_assert_int_eq(ck_batch_set_cookie(batch, ck_bytes_of(t("c"))), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
}

/* What a fresh reader says of a uid; or, behind an '@', whether Leeds has that name. */
static enum ck_error look_up(struct ck_store *store, const char *uid)
{
	struct ck_view *view;
	enum ck_error error = ck_view_begin(store, &view);
	if (error != CK_OK) return error;
	if (uid[0] != '@') error = ck_view_staff_by_uid(view, t(uid), &found);
	else error = ck_view_get(view, CK_KIND_AUTHORITY, ck_builder_id(LEEDS), &found);
	if (error == CK_OK && uid[0] == '@' && !ck_text_is(found.as.authority_of.name, uid + 1)) error = CK_ERR_NOT_FOUND;
	ck_view_end(&view);
	return error;
}

/* ---- a reader in another process: it looks a uid up whenever it is told to, and says what came ---- */

struct reader {
	pid_t pid;
	int fd;
};

static void serve(int fd)
{
	struct ck_store *store = NULL;
	char uid[32];
	if (ck_store_open(directory, &store, &err) != CK_OK) _exit(1);
	while (read(fd, uid, sizeof uid) == (ssize_t)sizeof uid) {
		int answer = (int)look_up(store, uid);
		if (write(fd, &answer, sizeof answer) != (ssize_t)sizeof answer) _exit(1);
	}
	ck_store_close(&store);
	_exit(0);
}

static void reader_start(struct reader *reader)
{
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	reader->pid = fork();
	ck_assert_int_ge(reader->pid, 0);
	if (reader->pid == 0) {
		close(fds[0]);
		serve(fds[1]);
	}
	close(fds[1]);
	reader->fd = fds[0];
}

static enum ck_error reader_ask(struct reader *reader, const char *uid)
{
	char request[32] = {0};
	int answer = -1;
	snprintf(request, sizeof request, "%s", uid);
	ck_assert_int_eq(write(reader->fd, request, sizeof request), sizeof request);
	ck_assert_int_eq(read(reader->fd, &answer, sizeof answer), sizeof answer);
	return (enum ck_error)answer;
}

static void reader_stop(struct reader *reader)
{
	int status;
	close(reader->fd);
	ck_assert_int_eq(waitpid(reader->pid, &status, 0), reader->pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- opening ---- */

START_TEST(there_is_no_store)
{
	struct ck_store *store;
	ck_assert_int_eq(ck_store_open("/nonexistent", &store, &err), CK_ERR_UNAVAILABLE);
	ck_assert_ptr_null(store);
	ck_assert_int_eq(ck_store_open_writer("/nonexistent", CK_STORE_FILE, &store, &err), CK_ERR_IO);
	ck_assert_ptr_null(store);
	ck_assert_int_eq(ck_store_discard(directory, &err), CK_OK);
	ck_assert_int_eq(ck_store_open(directory, &store, &err), CK_ERR_UNAVAILABLE);
	ck_assert_uint_eq(files_of(), 0);
}
END_TEST

START_TEST(what_was_committed_is_there_after_reopening)
{
	struct ck_store *store = writer(CK_STORE_FILE);
	ck_assert_int_eq(look_up(store, "alice"), CK_OK);
	add_person(store, 80, "carol", false);
	ck_store_close(&store);
	ck_assert_int_eq(ck_store_open(directory, &store, &err), CK_OK);
	ck_assert_int_eq(look_up(store, "carol"), CK_OK);
	struct ck_batch *batch;
	ck_assert_int_eq(ck_batch_begin(store, &batch, &err), CK_ERR_DENIED);
	ck_store_close(&store);
	ck_store_close(&store);
}
END_TEST

START_TEST(files_are_for_the_group_whatever_the_umask_says)
{
	char path[256];
	struct stat st;
	ck_assert_int_eq(ck_store_discard(directory, &err), CK_OK);
	mode_t old = umask(077);
	struct ck_store *store = writer(CK_STORE_FILE);
	umask(old);
	path_of("store-1.mdb", path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	path_of("store-1.mdb-lock", path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_store_close(&store);
	ck_assert_uint_eq(files_of(), 3);
}
END_TEST

START_TEST(another_group_member_may_read_but_not_write)
{
	if (geteuid() != 0) return;
	ck_assert_int_eq(chown(directory, 0, 54321), 0);
	ck_assert_int_eq(chmod(directory, 02750), 0);
	ck_assert_int_eq(ck_store_discard(directory, &err), CK_OK);
	struct ck_store *store = writer(CK_STORE_FILE);
	add_person(store, 80, "carol", true);
	pid_t pid = fork();
	if (pid == 0) {
		struct ck_store *mine;
		char path[256];
		if (setgid(54321) != 0 || setuid(54322) != 0) _exit(2);
		path_of("store-1.mdb", path);
		if (open(path, O_RDWR) >= 0) _exit(3);
		if (ck_store_open(directory, &mine, &err) != CK_OK) _exit(4);
		_exit(look_up(mine, "carol") == CK_OK ? 0 : 5);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_store_close(&store);
}
END_TEST

START_TEST(a_store_of_another_version_is_made_anew)
{
	struct ck_store *store = writer(CK_STORE_FILE);
	struct ck_batch *batch;
	struct ck_index_key key;
	ck_assert_int_eq(ck_batch_begin(store, &batch, &err), CK_OK);
	ck_index_begin(&key, CK_TABLE_META);
	ck_index_add_byte(&key, 's');
	ck_assert_int_eq(ck_kv_set_sealed(batch, &key, ck_bytes_of(t("\x7f a later version"))), CK_OK);
	ck_assert_int_eq(mdb_txn_commit(batch->txn), 0);
	store->batching = false;
	ck_store_close(&store);
	ck_assert_int_eq(ck_store_open(directory, &store, &err), CK_OK);
	ck_assert_int_eq(look_up(store, "alice"), CK_ERR_CORRUPT);
	ck_store_close(&store);
	store = writer(CK_STORE_FILE);
	ck_assert_int_eq(look_up(store, "alice"), CK_ERR_NOT_FOUND);
	ck_store_close(&store);
	ck_assert_uint_eq(files_of(), 3);
}
END_TEST

/* ---- exchange ---- */

START_TEST(a_full_refresh_replaces_the_file_under_a_reader)
{
	struct reader reader;
	struct ck_store *current = writer(CK_STORE_FILE), *next, *out;
	reader_start(&reader);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	next = writer(CK_STORE_NEXT_FILE);
	add_person(next, 80, "carol", false);
	/* not before it is done */
	ck_assert_int_eq(reader_ask(&reader, "carol"), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_store_supersede(directory, &current, &next, &out, &err), CK_ERR_INVALID);
	ck_assert_ptr_null(out);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	add_person(next, 81, "dave", true);
	ck_assert_int_eq(ck_store_supersede(directory, &current, &next, &out, &err), CK_OK);
	ck_assert_ptr_null(current);
	ck_assert_ptr_null(next);
	/* at the very next view */
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(reader_ask(&reader, "carol"), CK_OK);
	add_person(out, 82, "erin", false);
	ck_assert_int_eq(reader_ask(&reader, "erin"), CK_OK);
	ck_assert_uint_eq(files_of(), 3);
	/* and once more */
	next = writer(CK_STORE_NEXT_FILE);
	add_person(next, 83, "frank", true);
	current = out;
	ck_assert_int_eq(ck_store_supersede(directory, &current, &next, &out, &err), CK_OK);
	ck_assert_int_eq(reader_ask(&reader, "frank"), CK_OK);
	reader_stop(&reader);
	ck_store_close(&out);
}
END_TEST

START_TEST(a_first_refresh_has_nothing_to_replace)
{
	struct ck_store *current = NULL, *next, *out;
	ck_assert_int_eq(ck_store_discard(directory, &err), CK_OK);
	next = writer(CK_STORE_NEXT_FILE);
	add_person(next, 80, "carol", true);
	ck_assert_int_eq(ck_store_supersede(directory, &current, &next, &out, &err), CK_OK);
	ck_store_close(&out);
	ck_assert_int_eq(ck_store_open(directory, &out, &err), CK_OK);
	ck_assert_int_eq(look_up(out, "carol"), CK_OK);
	ck_store_close(&out);
}
END_TEST

START_TEST(half_a_refresh_is_thrown_away)
{
	struct ck_store *next = writer(CK_STORE_NEXT_FILE);
	add_person(next, 80, "carol", false);
	ck_store_close(&next);
	next = writer(CK_STORE_NEXT_FILE);
	ck_assert_int_eq(look_up(next, "carol"), CK_ERR_NOT_FOUND);
	ck_store_close(&next);
	ck_assert_uint_eq(files_of(), 6);
	struct ck_store *current = writer(CK_STORE_FILE);
	ck_assert_int_eq(look_up(current, "alice"), CK_OK);
	ck_store_close(&current);
}
END_TEST

START_TEST(a_writer_that_died_while_exchanging_leaves_the_old_file_usable)
{
	struct ck_store *store = writer(CK_STORE_FILE);
	struct ck_batch *batch;
	struct reader reader;
	ck_assert_int_eq(ck_batch_begin(store, &batch, &err), CK_OK);
	batch->meta.superseded = true;
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_store_close(&store);
	reader_start(&reader);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	store = writer(CK_STORE_FILE);
	add_person(store, 80, "carol", false);
	ck_assert_int_eq(reader_ask(&reader, "carol"), CK_OK);
	struct ck_view *view;
	ck_assert_int_eq(ck_view_begin(store, &view), CK_OK);
	ck_assert(!view->meta->superseded);
	ck_view_end(&view);
	ck_store_close(&store);
	reader_stop(&reader);
}
END_TEST

START_TEST(a_reader_notices_a_store_that_was_deleted_and_made_anew)
{
	struct reader reader;
	reader_start(&reader);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	ck_assert_int_eq(ck_store_discard(directory, &err), CK_OK);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	struct ck_store *store = writer(CK_STORE_FILE);
	add_person(store, 80, "carol", true);
	usleep((CK_LINK_CHECK_MS + 100) * 1000);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(reader_ask(&reader, "carol"), CK_OK);
	reader_stop(&reader);
	ck_store_close(&store);
}
END_TEST

/* The number of a link, or of a file, is soon that of another; of one that is open it is not. */
START_TEST(a_reader_notices_another_file_of_the_same_name)
{
	struct reader reader;
	struct ck_store *store;
	char other[] = "/tmp/ck-store-other-XXXXXX", link[256], from[300], to[300], name[64];
	reader_start(&reader);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_OK);
	ck_assert_ptr_nonnull(mkdtemp(other));
	ck_assert_int_eq(ck_store_open_writer(other, CK_STORE_FILE, &store, &err), CK_OK);
	add_person(store, 80, "carol", true);
	snprintf(from, sizeof from, "%s/%s", other, store->name);
	ck_store_close(&store);
	path_of(CK_STORE_FILE, link);
	ssize_t length = readlink(link, name, sizeof name - 1);
	ck_assert_int_gt(length, 0);
	name[length] = '\0';
	snprintf(to, sizeof to, "%s/%s", directory, name);
	ck_assert_int_eq(rename(from, to), 0);
	usleep((CK_LINK_CHECK_MS + 100) * 1000);
	ck_assert_int_eq(reader_ask(&reader, "alice"), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(reader_ask(&reader, "carol"), CK_OK);
	reader_stop(&reader);
	ck_assert_int_eq(ck_store_discard(other, &err), CK_OK);
	ck_assert_int_eq(rmdir(other), 0);
}
END_TEST

static size_t snapshot_of(struct ck_store *store)
{
	struct ck_view *view;
	ck_assert_int_eq(ck_view_begin(store, &view), CK_OK);
	size_t snapshot = view->snapshot;
	ck_view_end(&view);
	return snapshot;
}

/* Both files have a snapshot of that number: what a reader knows of one says nothing of the other. */
START_TEST(what_is_known_of_a_file_ends_with_it)
{
	struct reader reader;
	struct ck_store *store = writer(CK_STORE_FILE);
	struct ck_batch *batch;
	for (unsigned i = 0; i < 4; i++) add_person(store, 80 + i, (const char *[]){"carol", "dave", "erin", "frank"}[i], false);
	size_t snapshot = snapshot_of(store);
	ck_store_close(&store);
	reader_start(&reader);
	ck_assert_int_eq(reader_ask(&reader, "@Leeds"), CK_OK);
	ck_assert_int_eq(ck_store_discard(directory, &err), CK_OK);
	store = writer(CK_STORE_FILE);
	ck_assert_int_eq(ck_batch_begin(store, &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_authority(b, LEEDS, "Leeds anew"), &err), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_uint_lt(snapshot_of(store), snapshot);
	while (snapshot_of(store) < snapshot) add_person(store, 90, "grace", true);
	usleep((CK_LINK_CHECK_MS + 100) * 1000);
	ck_assert_int_eq(reader_ask(&reader, "@Leeds anew"), CK_OK);
	reader_stop(&reader);
	ck_store_close(&store);
}
END_TEST

START_TEST(the_slot_of_a_killed_reader_is_cleared)
{
	struct ck_store *store = writer(CK_STORE_FILE);
	int cleared = -1;
	pid_t pid = fork();
	if (pid == 0) {
		struct ck_store *mine;
		struct ck_view *view;
		if (ck_store_open(directory, &mine, &err) != CK_OK || ck_view_begin(mine, &view) != CK_OK) _exit(1);
		raise(SIGKILL);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(ck_store_clear_dead_readers(store, &cleared), CK_OK);
	ck_assert_int_eq(cleared, 1);
	ck_store_close(&store);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store files");
	TCase *c = tcase_create("store files");
	tcase_add_checked_fixture(c, setup_files, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, there_is_no_store);
	tcase_add_test(c, what_was_committed_is_there_after_reopening);
	tcase_add_test(c, files_are_for_the_group_whatever_the_umask_says);
	tcase_add_test(c, another_group_member_may_read_but_not_write);
	tcase_add_test(c, a_store_of_another_version_is_made_anew);
	tcase_add_test(c, a_full_refresh_replaces_the_file_under_a_reader);
	tcase_add_test(c, a_first_refresh_has_nothing_to_replace);
	tcase_add_test(c, half_a_refresh_is_thrown_away);
	tcase_add_test(c, a_writer_that_died_while_exchanging_leaves_the_old_file_usable);
	tcase_add_test(c, a_reader_notices_a_store_that_was_deleted_and_made_anew);
	tcase_add_test(c, a_reader_notices_another_file_of_the_same_name);
	tcase_add_test(c, what_is_known_of_a_file_ends_with_it);
	tcase_add_test(c, the_slot_of_a_killed_reader_is_cleared);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
