/* A full refresh is sorted outside of the file: nothing of it is lost, second ones are put off, and what goes wrong leaves the old copy alone. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory/base/fiber.h"
#include "directory/store/load.h"
#include "directory/store/people.h"
#include "directory/store/spool.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/store_fixture.h"

static char directory[128];

static void setup_files(void)
{
	setup();
	ck_builder_close(b);
	snprintf(directory, sizeof directory, "%s", ck_builder_directory(b));
}

static struct ck_bytes bytes_of(const char *text) { return ck_bytes_of(t(text)); }

/* Files grow no further; what tries gets an error instead of a signal. */
static void fill_disk(rlim_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static bool has_file(const char *name)
{
	bool found_it = false;
	DIR *dir = opendir(directory);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) found_it = found_it || strcmp(entry->d_name, name) == 0;
	closedir(dir);
	return found_it;
}

/* ---- sorting ---- */

enum { KEYS = 20000 };

/* All numbers once, in another order. */
static unsigned scattered(unsigned i) { return i * 7919u % KEYS; }

static void add_number(struct ck_sorter *sorter, unsigned number)
{
	char key[16], value[32];
	snprintf(key, sizeof key, "%08u", number);
	snprintf(value, sizeof value, "value of %u", number);
	ck_assert_int_eq(ck_sorter_add(sorter, bytes_of(key), bytes_of(value)), CK_OK);
}

static void check_sorted(size_t memory_bytes)
{
	struct ck_sorter *sorter;
	struct ck_bytes key, value;
	char expected[32];
	ck_assert_int_eq(ck_sorter_new(directory, memory_bytes, &sorter, &err), CK_OK);
	for (unsigned i = 0; i < KEYS; i++) add_number(sorter, scattered(i));
	ck_assert_int_eq(ck_sorter_turn(sorter), CK_OK);
	for (unsigned i = 0; i < KEYS; i++) {
		ck_assert_int_eq(ck_sorter_next(sorter, &key, &value), CK_OK);
		snprintf(expected, sizeof expected, "%08u", i);
		ck_assert(ck_bytes_equal(key, bytes_of(expected)));
		snprintf(expected, sizeof expected, "value of %u", i);
		ck_assert(ck_bytes_equal(value, bytes_of(expected)));
	}
	ck_assert_int_eq(ck_sorter_next(sorter, &key, &value), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_sorter_next(sorter, &key, &value), CK_ERR_NOT_FOUND);
	ck_sorter_free(&sorter);
	ck_assert(!has_file("spool.tmp"));
}

START_TEST(sorts_in_memory)
{
	check_sorted((size_t)4 << 20);
}
END_TEST

START_TEST(sorts_in_many_runs)
{
	check_sorted((size_t)16 << 10);
}
END_TEST

START_TEST(sorts_nothing)
{
	struct ck_sorter *sorter;
	struct ck_bytes key, value;
	ck_assert_int_eq(ck_sorter_new(directory, 4096, &sorter, &err), CK_OK);
	ck_assert_int_eq(ck_sorter_turn(sorter), CK_OK);
	ck_assert_int_eq(ck_sorter_next(sorter, &key, &value), CK_ERR_NOT_FOUND);
	ck_sorter_free(&sorter);
}
END_TEST

START_TEST(beginnings_come_first_and_equal_keys_both)
{
	static const char *const keys[] = {"b", "ab", "a", "b", "abc", "abcdefghi", "abcdefgh"};
	static const char *const sorted[] = {"a", "ab", "abc", "abcdefgh", "abcdefghi", "b", "b"};
	struct ck_sorter *sorter;
	struct ck_bytes key, value;
	ck_assert_int_eq(ck_sorter_new(directory, 4096, &sorter, &err), CK_OK);
	for (size_t i = 0; i < 7; i++) ck_assert_int_eq(ck_sorter_add(sorter, bytes_of(keys[i]), (struct ck_bytes){NULL, 0}), CK_OK);
	ck_assert_int_eq(ck_sorter_turn(sorter), CK_OK);
	for (size_t i = 0; i < 7; i++) {
		ck_assert_int_eq(ck_sorter_next(sorter, &key, &value), CK_OK);
		ck_assert(ck_bytes_equal(key, bytes_of(sorted[i])));
	}
	ck_sorter_free(&sorter);
}
END_TEST

START_TEST(what_is_too_long_is_not_sorted)
{
	static uint8_t large[70000];
	struct ck_sorter *sorter;
	ck_assert_int_eq(ck_sorter_new(directory, 4096, &sorter, &err), CK_OK);
	ck_assert_int_eq(ck_sorter_add(sorter, bytes_of("key"), (struct ck_bytes){large, sizeof large}), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_sorter_add(sorter, (struct ck_bytes){large, sizeof large}, bytes_of("value")), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_sorter_add(sorter, bytes_of("key"), (struct ck_bytes){large, 5000}), CK_ERR_LIMIT);
	ck_sorter_free(&sorter);
}
END_TEST

START_TEST(a_full_disk_ends_the_sorting)
{
	struct ck_sorter *sorter;
	enum ck_error error = CK_OK;
	char key[16];
	ck_assert_int_eq(ck_sorter_new(directory, (size_t)16 << 10, &sorter, &err), CK_OK);
	fill_disk(4096);
	for (unsigned i = 0; error == CK_OK && i < KEYS; i++) {
		snprintf(key, sizeof key, "%08u", i);
		error = ck_sorter_add(sorter, bytes_of(key), bytes_of("something to fill the disk with"));
	}
	ck_assert_int_eq(error, CK_ERR_IO);
	ck_sorter_free(&sorter);
}
END_TEST

/* ---- what it is made of ---- */

START_TEST(a_spool_gives_back_what_was_put)
{
	struct ck_spool *spool;
	const uint8_t *at;
	static uint8_t large[300000];
	for (size_t i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * 31 >> 3);
	ck_assert_int_eq(ck_spool_open(directory, &spool, &err), CK_OK);
	ck_assert(!has_file("spool.tmp"));
	ck_assert_int_eq(ck_spool_put(spool, "abc", 3), CK_OK);
	ck_assert_int_eq(ck_spool_put(spool, large, sizeof large), CK_OK);
	ck_assert_uint_eq(ck_spool_size(spool), 3 + sizeof large);
	ck_assert_int_eq(ck_spool_flush(spool), CK_OK);
	struct ck_spool_reader reader = {.spool = spool, .end = ck_spool_size(spool)};
	ck_assert_int_eq(ck_spool_get(&reader, 3, &at), CK_OK);
	ck_assert_mem_eq(at, "abc", 3);
	ck_assert_int_eq(ck_spool_get(&reader, sizeof large, &at), CK_OK);
	ck_assert_mem_eq(at, large, sizeof large);
	ck_assert_int_eq(ck_spool_get(&reader, 1, &at), CK_ERR_NOT_FOUND);
	ck_spool_reader_clear(&reader);
	/* a part that ends within what is asked for */
	struct ck_spool_reader part = {.spool = spool, .at = 1, .end = 3};
	ck_assert_int_eq(ck_spool_get(&part, 3, &at), CK_ERR_IO);
	ck_assert_int_eq(ck_spool_get(&part, 2, &at), CK_OK);
	ck_assert_mem_eq(at, "bc", 2);
	ck_spool_reader_clear(&part);
	ck_spool_close(&spool);
}
END_TEST

START_TEST(what_was_seen_is_never_new)
{
	struct ck_seen *seen;
	char key[16];
	unsigned wrong = 0;
	ck_assert_int_eq(ck_seen_new(&seen), CK_OK);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(key, sizeof key, "key %u", i);
		wrong += ck_seen_add(seen, bytes_of(key));
	}
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(key, sizeof key, "key %u", i);
		ck_assert(ck_seen_has(seen, bytes_of(key)));
		ck_assert(ck_seen_add(seen, bytes_of(key)));
	}
	/* of what was not there */
	ck_assert_uint_lt(wrong, 10);
	ck_seen_free(&seen);
}
END_TEST

/* ---- loading ---- */

static struct ck_store *next, *current, *installed;
static struct ck_batch *batch;

static void begin_load(void)
{
	ck_assert_int_eq(ck_store_open_writer(directory, CK_STORE_NEXT_FILE, &next, &err), CK_OK);
	ck_assert_int_eq(ck_store_load_begin(next, &err), CK_OK);
	ck_assert_int_eq(ck_batch_begin(next, &batch, &err), CK_OK);
}

static void put(const struct ck_record *record)
{
	ck_assert_msg(ck_batch_put(batch, record, &err) == CK_OK, "%s", err.text);
}

static void end_load(void)
{
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_msg(ck_store_load_end(&next, &err) == CK_OK, "%s", err.text);
	ck_assert_int_eq(ck_batch_begin(next, &batch, &err), CK_OK);
}

static void install(void)
{
	ck_assert_int_eq(ck_batch_set_cookie(batch, bytes_of("c")), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_msg(ck_store_supersede(directory, &current, &next, &installed, &err) == CK_OK, "%s", err.text);
}

static void close_all(void)
{
	ck_batch_abort(&batch);
	ck_store_close(&next);
	ck_store_close(&current);
	ck_store_close(&installed);
}

static void put_people(unsigned count)
{
	char uid[16];
	put(ck_builder_authority(b, LEEDS, "Leeds"));
	put(ck_builder_role(b, ADMINS, LEEDS, "admins"));
	for (unsigned i = 0; i < count; i++) {
		unsigned number = 1000 + i * 7919u % count;
		snprintf(uid, sizeof uid, "p%u", number);
		put(ck_builder_staff(b, number, LEEDS, uid, 200000 + number));
		put(ck_builder_grant(b, 100000 + number, LEEDS, ADMINS, number));
	}
}

static size_t found_of(struct ck_view *view, const char *words)
{
	struct ck_people_query query = {.words = t(words)};
	struct ck_people_page page;
	ck_assert_int_eq(ck_people_search(view, &query, &page), CK_OK);
	return page.count;
}

START_TEST(everything_is_there_afterwards)
{
	enum { COUNT = 3000 };
	struct ck_view *view;
	struct ck_store_state state;
	char uid[16];
	begin_load();
	put_people(COUNT);
	end_load();
	install();
	ck_assert_int_eq(ck_view_begin(installed, &view), CK_OK);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
	ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
	ck_assert_uint_eq(state.counts[CK_KIND_STAFF], COUNT);
	ck_assert_uint_eq(state.counts[CK_KIND_GRANT], COUNT);
	for (unsigned number = 1000; number < 1000 + COUNT; number++) {
		struct seen seen = {.count = 0};
		snprintf(uid, sizeof uid, "p%u", number);
		ck_assert_int_eq(ck_view_staff_by_uid(view, t(uid), &found), CK_OK);
		ck_assert_id(found.id, number);
		ck_assert_int_eq(ck_view_grants_of(view, ck_builder_id(number), ck_builder_id(ADMINS), see, &seen), CK_OK);
		ck_assert_seen(seen, 100000 + number, );
	}
	ck_assert_uint_gt(found_of(view, "p1234"), 0);
	ck_view_end(&view);
	/* and it takes changes as ever */
	ck_assert_int_eq(ck_batch_begin(installed, &batch, &err), CK_OK);
	put(ck_builder_staff(b, 1000, LEEDS, "renamed", 201000));
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_int_eq(ck_view_begin(installed, &view), CK_OK);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("p1000"), &found), CK_ERR_NOT_FOUND);
	ck_view_end(&view);
	close_all();
}
END_TEST

START_TEST(second_ones_are_put_off)
{
	uint8_t uuid[16], other[16] = {9};
	begin_load();
	put(ck_builder_authority(b, LEEDS, "Leeds"));
	put(ck_builder_staff(b, ALICE, LEEDS, "alice", 200001));
	struct ck_record *same_uid = ck_builder_staff(b, BOB, LEEDS, "alice", 200002);
	ck_assert_int_eq(ck_batch_put(batch, same_uid, &err), CK_ERR_CONFLICT);
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_staff(b, 12, LEEDS, "carol", 200001), &err), CK_ERR_CONFLICT);
	/* what the second one wanted besides is taken, too, until it is known whether it gets it */
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_staff(b, 13, LEEDS, "dave", 200002), &err), CK_ERR_CONFLICT);
	struct ck_record same_id = *ck_builder_staff(b, ALICE, LEEDS, "erin", 200005);
	memcpy(same_id.entry_uuid, other, sizeof other);
	ck_assert_int_eq(ck_batch_put(batch, &same_id, &err), CK_ERR_CONFLICT);
	ck_builder_uuid(CK_KIND_STAFF, ALICE, uuid);
	ck_assert_int_eq(ck_batch_remove(batch, uuid), CK_ERR_CONFLICT);
	other[0] = 10;
	ck_assert_int_eq(ck_batch_remove(batch, other), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_batch_quarantine(batch, other, t("cn=x"), t("why"), NULL), CK_ERR_CONFLICT);
	end_load();
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_staff(b, BOB, LEEDS, "alice", 200002), &err), CK_ERR_EXISTS);
	put(ck_builder_staff(b, 13, LEEDS, "dave", 200002));
	ck_assert_int_eq(ck_batch_remove(batch, uuid), CK_OK);
	put(ck_builder_staff(b, BOB, LEEDS, "alice", 200003));
	close_all();
}
END_TEST

START_TEST(people_wait_for_their_authority)
{
	begin_load();
	ck_assert_int_eq(ck_batch_put(batch, ck_builder_staff(b, ALICE, LEEDS, "alice", 200001), &err), CK_ERR_CONFLICT);
	put(ck_builder_authority(b, LEEDS, "Leeds"));
	put(ck_builder_staff(b, BOB, LEEDS, "bob", 200002));
	close_all();
}
END_TEST

START_TEST(a_batch_that_was_aborted_ends_the_load)
{
	begin_load();
	put(ck_builder_authority(b, LEEDS, "Leeds"));
	ck_batch_abort(&batch);
	ck_assert_int_eq(ck_batch_begin(next, &batch, &err), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_ERR_UNAVAILABLE);
	ck_assert_int_eq(ck_store_load_end(&next, &err), CK_ERR_UNAVAILABLE);
	close_all();
}
END_TEST

/* The copy that is there, with one person. */
static void make_current(void)
{
	struct ck_batch *first;
	ck_assert_int_eq(ck_store_open_writer(directory, CK_STORE_FILE, &current, &err), CK_OK);
	ck_assert_int_eq(ck_batch_begin(current, &first, &err), CK_OK);
	ck_assert_int_eq(ck_batch_put(first, ck_builder_staff(b, BOB, LEEDS, "old", 200002), &err), CK_OK);
	ck_assert_int_eq(ck_batch_set_cookie(first, bytes_of("c")), CK_OK);
	ck_assert_int_eq(ck_batch_commit(&first, &err), CK_OK);
}

static void check_current(void)
{
	struct ck_view *view;
	ck_assert_int_eq(ck_view_begin(current, &view), CK_OK);
	ck_assert_int_eq(ck_view_staff_by_uid(view, t("old"), &found), CK_OK);
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
	ck_view_end(&view);
}

/* ---- in slices ---- */

static enum ck_error ended_with;

static void end_inside(void *context)
{
	(void)context;
	ended_with = ck_store_load_end(&next, &err);
}

static struct ck_fiber *begin_slices(void (*work)(void *context), void *context)
{
	struct ck_fiber *fiber;
	ck_fake_step_ms = CK_FIBER_SLICE_MS;
	ck_assert_int_eq(ck_fiber_start(work, context, &fiber), CK_OK);
	ck_assert(!ck_fiber_is_done(fiber));
	return fiber;
}

START_TEST(others_go_on_while_a_load_ends)
{
	unsigned slices = 0;
	make_current();
	begin_load();
	put_people(3000);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_fiber *fiber = begin_slices(end_inside, NULL);
	for (; !ck_fiber_is_done(fiber); slices++) {
		check_current();
		ck_fiber_resume(fiber);
	}
	ck_assert_uint_gt(slices, 100); /* of some 50 000 keys */
	ck_fiber_end(&fiber);
	ck_fake_step_ms = 0;
	ck_assert_int_eq(ended_with, CK_OK);
	ck_assert_int_eq(ck_batch_begin(next, &batch, &err), CK_OK);
	install();
	close_all();
}
END_TEST

START_TEST(a_load_that_is_to_end_early_leaves_the_old_copy)
{
	make_current();
	begin_load();
	put_people(3000);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	struct ck_fiber *fiber = begin_slices(end_inside, NULL);
	ck_fiber_resume(fiber);
	ck_fiber_end(&fiber);
	ck_fake_step_ms = 0;
	ck_assert_int_eq(ended_with, CK_ERR_UNAVAILABLE);
	ck_store_close(&next);
	check_current();
	close_all();
}
END_TEST

static void verify_inside(void *context)
{
	ended_with = ck_view_verify(context);
}

/* Of what was there when it began. */
START_TEST(others_read_and_write_while_all_is_read)
{
	struct ck_view *beside, *view;
	unsigned slices = 0;
	make_current();
	ck_assert_int_eq(ck_batch_begin(current, &batch, &err), CK_OK);
	put_people(1000);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	ck_assert_int_eq(ck_view_begin_beside(current, &beside), CK_OK);
	struct ck_fiber *fiber = begin_slices(verify_inside, beside);
	for (; !ck_fiber_is_done(fiber); slices++) {
		if (slices == 1) {
			ck_assert_int_eq(ck_batch_begin(current, &batch, &err), CK_OK);
			put(ck_builder_staff(b, 1000, LEEDS, "renamed", 201000));
			ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
		}
		ck_assert_int_eq(ck_view_begin(current, &view), CK_OK);
		ck_assert_int_eq(ck_view_staff_by_uid(view, t("p1000"), &found), slices == 0 ? CK_OK : CK_ERR_NOT_FOUND);
		ck_view_end(&view);
		ck_fiber_resume(fiber);
	}
	ck_assert_uint_gt(slices, 10);
	ck_assert_int_eq(ended_with, CK_OK);
	ck_fiber_end(&fiber);
	ck_view_end_beside(&beside);
	/* and one that is to end has found nothing out */
	ck_assert_int_eq(ck_view_begin_beside(current, &beside), CK_OK);
	fiber = begin_slices(verify_inside, beside);
	ck_fiber_end(&fiber);
	ck_assert_int_eq(ended_with, CK_ERR_UNAVAILABLE);
	ck_view_end_beside(&beside);
	ck_fake_step_ms = 0;
	close_all();
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_copy)
{
	make_current();
	begin_load();
	put_people(3000);
	ck_assert_int_eq(ck_batch_commit(&batch, &err), CK_OK);
	fill_disk(256 << 10); /* more than what was begun has, less than what comes of it */
	ck_assert_int_eq(ck_store_load_end(&next, &err), CK_ERR_IO);
	ck_store_close(&next);
	check_current();
	close_all();
}
END_TEST

START_TEST(whoever_is_killed_leaves_the_old_copy)
{
	int status;
	make_current();
	ck_store_close(&current);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		begin_load();
		put_people(100);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert(!has_file("spool.tmp"));
	ck_assert_int_eq(ck_store_open_writer(directory, CK_STORE_FILE, &current, &err), CK_OK);
	check_current();
	begin_load();
	put_people(100);
	end_load();
	install();
	close_all();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store load");
	TCase *sorting = tcase_create("sorting"), *loading = tcase_create("loading");
	tcase_add_checked_fixture(sorting, setup_files, teardown);
	tcase_add_test(sorting, sorts_in_memory);
	tcase_add_test(sorting, sorts_in_many_runs);
	tcase_add_test(sorting, sorts_nothing);
	tcase_add_test(sorting, beginnings_come_first_and_equal_keys_both);
	tcase_add_test(sorting, what_is_too_long_is_not_sorted);
	tcase_add_test(sorting, a_full_disk_ends_the_sorting);
	tcase_add_test(sorting, a_spool_gives_back_what_was_put);
	tcase_add_test(sorting, what_was_seen_is_never_new);
	tcase_set_timeout(sorting, 120);
	suite_add_tcase(suite, sorting);
	tcase_add_checked_fixture(loading, setup_files, teardown);
	tcase_add_test(loading, everything_is_there_afterwards);
	tcase_add_test(loading, second_ones_are_put_off);
	tcase_add_test(loading, people_wait_for_their_authority);
	tcase_add_test(loading, a_batch_that_was_aborted_ends_the_load);
	tcase_add_test(loading, a_full_disk_leaves_the_old_copy);
	tcase_add_test(loading, whoever_is_killed_leaves_the_old_copy);
	tcase_add_test(loading, others_go_on_while_a_load_ends);
	tcase_add_test(loading, a_load_that_is_to_end_early_leaves_the_old_copy);
	tcase_add_test(loading, others_read_and_write_while_all_is_read);
	tcase_set_timeout(loading, 120);
	suite_add_tcase(suite, loading);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
