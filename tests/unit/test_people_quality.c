/* How well people are found: the questions of the generated directory, whose answers are known, at 20 000 staff; each kind has the aim that docs/design
   names. Filled as a full refresh fills it, and once more after every tenth person was changed and changed back. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/store/people.h"
#include "tests/data/data.h"
#include "tests/data/output.h"
#include "tests/fakes/store_builder.h"
#include "tests/unit/suite.h"

enum { STAFF = 20000, QUESTIONS = 200 };

static struct ck_store *store;
static char directory[64];

static void must(enum ck_error error, const struct ck_errmsg *err) { ck_assert_msg(error == CK_OK, "%s", err->text); }

static void fill(const struct ck_data *data)
{
	struct ck_errmsg err = {""};
	struct ck_store *next, *current = NULL;
	struct ck_batch *batch;
	size_t count = 0;
	snprintf(directory, sizeof directory, "/tmp/ck-quality-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	must(ck_store_open_writer(directory, CK_STORE_NEXT_FILE, &next, &err), &err);
	must(ck_store_load_begin(next, &err), &err);
	must(ck_batch_begin(next, &batch, &err), &err);
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) {
		if (record->kind != CK_KIND_AUTHORITY && record->kind != CK_KIND_STAFF) continue;
		must(ck_batch_put(batch, record, &err), &err);
		if (++count % 4000 != 0) continue;
		must(ck_batch_commit(&batch, &err), &err);
		must(ck_batch_begin(next, &batch, &err), &err);
	}
	ck_data_cursor_free(&cursor);
	must(ck_batch_commit(&batch, &err), &err);
	must(ck_store_load_end(&next, &err), &err);
	must(ck_batch_begin(next, &batch, &err), &err);
	ck_assert_int_eq(ck_batch_set_cookie(batch, ck_bytes_of(ck_text_of("rid=001"))), CK_OK);
	must(ck_batch_commit(&batch, &err), &err);
	must(ck_store_supersede(directory, &current, &next, &store, &err), &err);
}

/* Another name, and the old one again: lists lose and get them back. */
static void change_some(const struct ck_data *data)
{
	static struct ck_data_entry entry;
	struct ck_errmsg err = {""};
	struct ck_batch *batch;
	must(ck_batch_begin(store, &batch, &err), &err);
	for (uint64_t i = 0; i < STAFF; i += 10) {
		ck_data_put_staff(data, i, &entry);
		struct ck_text cn = entry.record.as.staff.cn;
		entry.record.as.staff.cn = ck_text_of("Somebody Else");
		must(ck_batch_put(batch, &entry.record, &err), &err);
		if (i % 20 == 0) {
			must(ck_batch_commit(&batch, &err), &err);
			must(ck_batch_begin(store, &batch, &err), &err);
		}
		entry.record.as.staff.cn = cn;
		must(ck_batch_put(batch, &entry.record, &err), &err);
	}
	must(ck_batch_commit(&batch, &err), &err);
}

static void empty(void)
{
	char command[128];
	ck_store_close(&store);
	snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

struct kind {
	char name[32];
	unsigned asked, found, aim_percent;
};

static bool is_found(struct ck_view *view, const char *query, const char *uid)
{
	struct ck_people_page page;
	static struct ck_record record;
	const struct ck_people_query ask = {.words = ck_text_of(query)};
	ck_assert_int_eq(ck_people_search(view, &ask, &page), CK_OK);
	for (size_t i = 0; i < page.count; i++) {
		ck_assert_int_eq(ck_view_get(view, CK_KIND_STAFF, page.staff[i], &record), CK_OK);
		if (ck_text_is(record.as.staff.uid, uid)) return true;
	}
	return false;
}

static void ask_all(const struct ck_data *data)
{
	struct kind kinds[8];
	size_t kind_count = 0, length = 0;
	char *bytes = NULL, *rest = NULL;
	struct ck_view *view;
	FILE *to = open_memstream(&bytes, &length);
	ck_data_queries(to, data, QUESTIONS);
	fclose(to);
	ck_assert_int_eq(ck_view_begin(store, &view), CK_OK);
	struct ck_store_size size;
	ck_assert_int_eq(ck_view_size(view, &size), CK_OK);
	printf("%llu people, %llu bytes each in the index\n", (unsigned long long)size.people, (unsigned long long)(size.people_bytes / size.people));
	for (char *line = strtok_r(bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		char kind[32], query[256], uid[64];
		size_t k = 0;
		ck_assert_int_eq(sscanf(line, "%31[^\t]\t%255[^\t]\t%63[^\t]", kind, query, uid), 3);
		while (k < kind_count && strcmp(kinds[k].name, kind) != 0) k++;
		if (k == kind_count) {
			ck_assert_uint_lt(kind_count, 8);
			kinds[k] = (struct kind){.aim_percent = strcmp(kind, "misspelt") == 0 ? 98 : 100};
			memcpy(kinds[k].name, kind, sizeof kind);
			kind_count++;
		}
		kinds[k].asked++;
		if (is_found(view, query, uid)) kinds[k].found++;
		else if (kinds[k].aim_percent == 100) printf("not found: %s '%s' %s\n", kind, query, uid);
	}
	ck_view_end(&view);
	ck_assert_uint_eq(kind_count, 5);
	for (size_t k = 0; k < kind_count; k++) {
		printf("%s: %u of %u\n", kinds[k].name, kinds[k].found, kinds[k].asked);
		ck_assert_msg(kinds[k].found * 100 >= kinds[k].asked * kinds[k].aim_percent, "%s: %u of %u", kinds[k].name, kinds[k].found, kinds[k].asked);
	}
	free(bytes);
}

START_TEST(the_right_person_is_on_the_first_page)
{
	struct ck_data *data = ck_data_new(&(struct ck_data_options){.seed = 7, .staff = STAFF});
	fill(data);
	ask_all(data);
	change_some(data);
	ask_all(data);
	empty();
	ck_data_free(&data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("people quality");
	TCase *tc = tcase_create("people quality");
	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, the_right_person_is_on_the_first_page);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
