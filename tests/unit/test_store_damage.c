/* A damaged store: whatever was hit, a read is right, or says damaged, or the process dies; it is never wrong. A key that damage made into
   another is "not found" to one look-up: then the look over the whole file must say so. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory/store/flat.h"
#include "directory/store/people.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/suite.h"

#define FILE_LIMIT_BYTES (1 << 20)
#define FLIPS 400

static char path[256];
static uint8_t whole[FILE_LIMIT_BYTES];
static size_t whole_length;

static void write_file(const uint8_t *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}

static void setup_damage(void)
{
	static char uids[40][8];
	setup();
	for (unsigned i = 0; i < 40; i++) {
		snprintf(uids[i], sizeof uids[i], "u%u", 100 + i);
		ck_builder_put(b, ck_builder_staff(b, 100 + i, LEEDS, uids[i], 200100 + i));
		ck_builder_put(b, ck_builder_grant(b, 200 + i, LEEDS, ADMINS, 100 + i));
	}
	ck_builder_close(b);
	snprintf(path, sizeof path, "%s/store-1.mdb", ck_builder_directory(b));
	int fd = open(path, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ssize_t length = read(fd, whole, sizeof whole);
	ck_assert_int_gt(length, 0);
	ck_assert_int_lt(length, (ssize_t)sizeof whole);
	whole_length = (size_t)length;
	close(fd);
}

/* ---- what a reader makes of the file; runs in a child ---- */

enum { RIGHT = 0, WRONG = 1, DAMAGED = 2, DIED = 77 };

static bool right_person(enum ck_error error, unsigned number)
{
	char uid[8];
	snprintf(uid, sizeof uid, "u%u", number);
	return error != CK_OK || (ck_id_equal(found.id, ck_builder_id(number)) && ck_text_is(found.as.staff.uid, uid) &&
	                          found.as.staff.uid_number == 200000 + number && found.as.staff.status == CK_STATUS_ACTIVE &&
	                          ck_text_is(found.as.staff.title, "Officer"));
}

struct grants {
	unsigned count, wrong;
};

static bool see_grant(const struct ck_record *record, void *context)
{
	struct grants *grants = context;
	grants->count++;
	if (!ck_id_equal(record->as.grant.role, ck_builder_id(ADMINS))) grants->wrong++;
	return true;
}

/* A person found by the login name in full, and by words: themself or nobody. */
static enum ck_error find_by_words(struct ck_view *view, unsigned number)
{
	char uid[8];
	struct ck_people_page page;
	snprintf(uid, sizeof uid, "u%u", number);
	struct ck_people_query query = {.words = ck_text_of(uid)};
	enum ck_error error = ck_people_search(view, &query, &page);
	if (error != CK_OK) return error;
	/* somebody else: the way in full is damaged, and the words still lead to whoever fits them; only verifying finds that */
	if (page.count == 0 || !ck_id_equal(page.staff[0], ck_builder_id(number))) return CK_ERR_NOT_FOUND;
	return ck_view_get(view, CK_KIND_STAFF, page.staff[0], &found);
}

static int read_everything(struct ck_view *view)
{
	bool damaged = false, missing = false;
	struct grants grants = {0};
	for (unsigned number = 100; number < 140; number++) {
		char uid[8];
		snprintf(uid, sizeof uid, "u%u", number);
		enum ck_error by_uid = ck_view_staff_by_uid(view, ck_text_of(uid), &found);
		if (!right_person(by_uid, number)) return WRONG;
		enum ck_error by_id = ck_view_get(view, CK_KIND_STAFF, ck_builder_id(number), &found);
		if (!right_person(by_id, number)) return WRONG;
		enum ck_error by_number = ck_view_staff_by_uid_number(view, 200000 + number, &found);
		if (!right_person(by_number, number)) return WRONG;
		struct ck_id none = {{0}};
		enum ck_error by_grant = ck_view_grants_of(view, ck_builder_id(number), none, see_grant, &grants);
		enum ck_error by_words = find_by_words(view, number);
		enum ck_error all[] = {by_uid, by_id, by_number, by_grant, by_words};
		for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
			damaged = damaged || all[i] == CK_ERR_CORRUPT;
			missing = missing || all[i] == CK_ERR_NOT_FOUND;
		}
	}
	if (grants.wrong > 0) return WRONG;
	missing = missing || grants.count != 40;
	bool verified = ck_view_verify(view) == CK_OK;
	if (damaged) return verified ? WRONG : DAMAGED;
	if (missing) return verified ? WRONG : DAMAGED;
	return verified ? RIGHT : DAMAGED;
}

static void die(int signal_number)
{
	(void)signal_number;
	_exit(DIED);
}

static int read_in_child(void)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct ck_store *store;
		struct ck_store_state state;
		struct ck_view *view;
		if (freopen("/dev/null", "w", stderr) == NULL) _exit(WRONG);
		signal(SIGSEGV, die);
		signal(SIGBUS, die);
		signal(SIGABRT, die);
		alarm(20);
		enum ck_error error = ck_store_open(ck_builder_directory(b), &store, &err);
		if (error != CK_OK) _exit(DAMAGED);
		if (ck_view_begin(store, &view) != CK_OK || ck_view_state(view, &state) != CK_OK) _exit(DAMAGED);
		/* the state before the one commit: every answer is "unavailable" */
		if (!state.finished) _exit(DAMAGED);
		_exit(read_everything(view));
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- */

START_TEST(an_unharmed_file_is_right)
{
	ck_assert_int_eq(read_in_child(), RIGHT);
}
END_TEST

START_TEST(flipped_bits_are_never_believed)
{
	static uint8_t copy[FILE_LIMIT_BYTES];
	unsigned outcomes[DIED + 1] = {0};
	uint32_t random = 12345;
	for (int i = 0; i < FLIPS; i++) {
		memcpy(copy, whole, whole_length);
		random = random * 1664525u + 1013904223u;
		size_t at = (size_t)(((uint64_t)random * whole_length) >> 32);
		random = random * 1664525u + 1013904223u;
		copy[at] ^= (uint8_t)(1u << (random >> 29));
		write_file(copy, whole_length);
		int outcome = read_in_child();
		ck_assert_msg(outcome == RIGHT || outcome == DAMAGED || outcome == DIED, "byte %zu: outcome %d", at, outcome);
		outcomes[outcome]++;
	}
	printf("%d flips: %u made no difference, %u found, %u ended the process\n", FLIPS, outcomes[RIGHT], outcomes[DAMAGED], outcomes[DIED]);
	ck_assert_uint_gt(outcomes[DAMAGED], 0);
}
END_TEST

/* Damage below a writer that is at work: what it says of it is that, or nothing else would have it made anew. Runs in a child. */
static int begin_in_child(size_t at, size_t length, uint8_t mask)
{
	write_file(whole, whole_length);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct ck_store *store;
		struct ck_batch *batch;
		if (freopen("/dev/null", "w", stderr) == NULL) _exit(WRONG);
		signal(SIGSEGV, die);
		signal(SIGBUS, die);
		signal(SIGABRT, die);
		alarm(20);
		if (ck_store_open_writer(ck_builder_directory(b), CK_STORE_FILE, &store, &err) != CK_OK) _exit(WRONG);
		int fd = open(path, O_WRONLY);
		for (size_t i = at; i < at + length && i < whole_length; i++) {
			uint8_t byte = whole[i] ^ mask;
			if (pwrite(fd, &byte, 1, (off_t)i) != 1) _exit(WRONG);
		}
		enum ck_error error = ck_batch_begin(store, &batch, &err);
		_exit(error == CK_OK ? RIGHT : error == CK_ERR_CORRUPT ? DAMAGED : WRONG);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(damage_below_a_writer_is_called_so)
{
	unsigned outcomes[DIED + 1] = {0};
	for (size_t page = 0; page < whole_length / 4096; page++) {
		for (size_t at = 0; at < 256; at += 16) {
			int outcome = begin_in_child(page * 4096 + at, 16, 0x5a);
			ck_assert_msg(outcome != WRONG, "byte %zu of page %zu: %s", at, page, err.text);
			outcomes[outcome]++;
		}
		int outcome = begin_in_child(page * 4096, 4096, 0xff);
		ck_assert_msg(outcome != WRONG, "page %zu", page);
		outcomes[outcome]++;
	}
	ck_assert_int_ne(begin_in_child(0, whole_length, 0xff), WRONG);
	printf("below a writer: %u made no difference, %u found, %u ended the process\n", outcomes[RIGHT], outcomes[DAMAGED], outcomes[DIED]);
	ck_assert_uint_gt(outcomes[DAMAGED], 0);
}
END_TEST

START_TEST(each_byte_of_a_record_is_under_its_checksum)
{
	uint8_t flat[CK_FLAT_LIMIT_BYTES];
	size_t length;
	struct ck_record *record = ck_builder_staff(b, ALICE, LEEDS, "alice", 200001);
	ck_assert_int_eq(ck_flat_encode(record, flat, &length), CK_OK);
	for (size_t i = 0; i < length * 8; i++) {
		flat[i / 8] ^= (uint8_t)(1u << (i % 8));
		ck_assert_int_eq(ck_flat_decode(CK_KIND_STAFF, record->id, (struct ck_bytes){flat, length}, &found), CK_ERR_CORRUPT);
		flat[i / 8] ^= (uint8_t)(1u << (i % 8));
	}
	for (size_t cut = 0; cut < length; cut++) {
		ck_assert_int_eq(ck_flat_decode(CK_KIND_STAFF, record->id, (struct ck_bytes){flat, cut}, &found), CK_ERR_CORRUPT);
	}
	/* in another's place, or as another kind */
	ck_assert_int_eq(ck_flat_decode(CK_KIND_STAFF, ck_builder_id(BOB), (struct ck_bytes){flat, length}, &found), CK_ERR_CORRUPT);
	ck_assert_int_eq(ck_flat_decode(CK_KIND_ROLE, record->id, (struct ck_bytes){flat, length}, &found), CK_ERR_CORRUPT);
	ck_assert_int_eq(ck_flat_decode(CK_KIND_STAFF, record->id, (struct ck_bytes){flat, length}, &found), CK_OK);
	printf("a staff record is %zu bytes\n", length);
}
END_TEST

START_TEST(a_cut_file_is_found_at_the_opening)
{
	for (size_t length = 0; length < whole_length; length += 1024) {
		write_file(whole, length);
		int outcome = read_in_child();
		ck_assert_msg(outcome == DAMAGED, "cut at %zu of %zu: outcome %d", length, whole_length, outcome);
	}
}
END_TEST

START_TEST(a_cut_file_is_made_anew_by_the_writer)
{
	struct ck_store *store;
	struct ck_store_state state;
	struct ck_view *view;
	for (size_t length = 0; length < whole_length; length += 4096) {
		write_file(whole, length);
		ck_assert_int_eq(ck_store_open_writer(ck_builder_directory(b), CK_STORE_FILE, &store, &err), CK_OK);
		ck_assert_int_eq(ck_view_begin(store, &view), CK_OK);
		ck_assert_int_eq(ck_view_state(view, &state), CK_OK);
		ck_assert(!state.finished);
		ck_view_end(&view);
		ck_store_close(&store);
		/* the new one has a new number */
		char link[32];
		char name[256];
		snprintf(name, sizeof name, "%s/%s", ck_builder_directory(b), CK_STORE_FILE);
		ssize_t link_length = readlink(name, link, sizeof link - 1);
		ck_assert_int_gt(link_length, 0);
		link[link_length] = '\0';
		snprintf(path, sizeof path, "%s/%s", ck_builder_directory(b), link);
	}
}
END_TEST

START_TEST(garbage_is_no_store)
{
	struct ck_store *store;
	static uint8_t garbage[65536];
	for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (uint8_t)(i * 131);
	write_file(garbage, sizeof garbage);
	ck_assert_int_eq(ck_store_open(ck_builder_directory(b), &store, &err), CK_ERR_CORRUPT);
	ck_assert_ptr_null(store);
	write_file(garbage, 0);
	ck_assert_int_eq(ck_store_open(ck_builder_directory(b), &store, &err), CK_ERR_CORRUPT);
	write_file(garbage, 1);
	ck_assert_int_eq(ck_store_open(ck_builder_directory(b), &store, &err), CK_ERR_CORRUPT);
	ck_assert_int_eq(ck_store_open_writer(ck_builder_directory(b), CK_STORE_FILE, &store, &err), CK_OK);
	ck_store_close(&store);
}
END_TEST

START_TEST(a_name_that_is_no_link_of_ours_is_no_store)
{
	struct ck_store *store;
	char name[256];
	snprintf(name, sizeof name, "%s/%s", ck_builder_directory(b), CK_STORE_FILE);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(symlink("../etc/passwd", name), 0);
	ck_assert_int_eq(ck_store_open(ck_builder_directory(b), &store, &err), CK_ERR_CORRUPT);
	ck_assert_int_eq(unlink(name), 0);
	int fd = open(name, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(ck_store_open(ck_builder_directory(b), &store, &err), CK_ERR_CORRUPT);
	ck_assert_int_eq(ck_store_open_writer(ck_builder_directory(b), CK_STORE_FILE, &store, &err), CK_OK);
	ck_store_close(&store);
	ck_assert_int_eq(ck_store_open(ck_builder_directory(b), &store, &err), CK_OK);
	ck_store_close(&store);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store damage");
	TCase *c = tcase_create("store damage");
	tcase_add_checked_fixture(c, setup_damage, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, an_unharmed_file_is_right);
	tcase_add_test(c, flipped_bits_are_never_believed);
	tcase_add_test(c, damage_below_a_writer_is_called_so);
	tcase_add_test(c, each_byte_of_a_record_is_under_its_checksum);
	tcase_add_test(c, a_cut_file_is_found_at_the_opening);
	tcase_add_test(c, a_cut_file_is_made_anew_by_the_writer);
	tcase_add_test(c, garbage_is_no_store);
	tcase_add_test(c, a_name_that_is_no_link_of_ours_is_no_store);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
