/* The store with as many staff as a large server knows. The figures are printed, not judged: the machine may be busy. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fakes/store_builder.h"
#include "tests/unit/suite.h"

enum { LEEDS = 1, ADMINS = 20 };

static struct ck_record found;

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

START_TEST(twenty_thousand_staff)
{
	enum { STAFF = 20000 };
	static char uids[STAFF][16];
	struct ck_builder *many = ck_builder_new();
	double begin = now_ms();
	ck_builder_put(many, ck_builder_authority(many, LEEDS, "Leeds"));
	ck_builder_put(many, ck_builder_role(many, ADMINS, LEEDS, "admins"));
	for (unsigned i = 0; i < STAFF; i++) {
		/* scattered, as random ids are */
		unsigned number = (i * 2654435761u) | 1u;
		snprintf(uids[i], sizeof uids[i], "user%05u", i);
		struct ck_record *record = ck_builder_staff(many, number, LEEDS, uids[i], 300000 + i);
		/* ids differ in their first bytes */
		memcpy(record->id.bytes, &number, sizeof number);
		memcpy(record->entry_uuid + 1, &number, sizeof number);
		ck_builder_put(many, record);
		record = ck_builder_key(many, number, LEEDS, number, "a credential of sixty-four bytes, as the usual keys make them ...");
		memcpy(record->id.bytes, &number, sizeof number);
		memcpy(record->as.key.hash, &number, sizeof number);
		memcpy(record->entry_uuid + 1, &number, sizeof number);
		ck_builder_put(many, record);
		for (unsigned k = 0; k < (i % 4 == 0 ? 2u : 1u); k++) {
			record = ck_builder_grant(many, number - k, LEEDS, ADMINS, number);
			memcpy(record->id.bytes, &(unsigned){number - k}, sizeof number);
			memcpy(record->entry_uuid + 1, &(unsigned){number - k}, sizeof number);
			ck_builder_put(many, record);
		}
	}
	double filled = now_ms();
	struct ck_view *view = ck_builder_view(many);
	double committed = now_ms();
	ck_assert_int_eq(ck_view_verify(view), CK_OK);
	double verified = now_ms();
	for (unsigned i = 0; i < STAFF; i++) ck_assert_int_eq(ck_view_staff_by_uid(view, ck_text_of(uids[i]), &found), CK_OK);
	double looked_up = now_ms();
	enum { ROUNDS = 20000 };
	ck_view_end(&view);
	for (unsigned i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(ck_view_begin(ck_builder_store(many), &view), CK_OK);
		for (unsigned k = 0; k < 4; k++) 
			ck_assert_int_eq(ck_view_staff_by_uid(view, ck_text_of(uids[(i * 7919 + k) % STAFF]), &found), CK_OK);
		ck_view_end(&view);
	}
	double viewed = now_ms();
	printf("20000 staff: filled %.0f ms, committed %.0f ms, verified %.0f ms, by uid %.2f us, a view with 4 by uid %.2f us\n", filled - begin,
	       committed - filled, verified - committed, (looked_up - verified) * 1e3 / STAFF, (viewed - looked_up) * 1e3 / ROUNDS);
	ck_assert_int_eq(ck_view_begin(ck_builder_store(many), &view), CK_OK);
	ck_view_end(&view);
	char command[256];
	snprintf(command, sizeof command, "du -k --apparent-size %s/store-*.mdb", ck_builder_directory(many));
	ck_assert_int_eq(system(command), 0);
	ck_builder_free(&many);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("store many");
	TCase *c = tcase_create("store many");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, twenty_thousand_staff);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return suite_run(suite());
}
