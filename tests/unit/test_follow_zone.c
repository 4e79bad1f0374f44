/* The clock of an authority's zone: it comes into the copy with the authority, is renewed when this machine's tz database learns, and outlives its
   loss. */
#include "tests/unit/follow_fixture.h"
#include "tests/unit/suite.h"

/* The offset of its first shift; 0 when it knows nothing. */
static int32_t first_shift(const char *id)
{
	struct ck_view *view;
	struct ck_record found;
	struct ck_id key;
	int32_t offset_s = 0;
	ck_assert_int_eq(ck_id_parse(ck_text_of(id), &key), CK_OK);
	ck_assert_int_eq(ck_follower_view(follower, &view), CK_OK);
	if (ck_view_get(view, CK_KIND_AUTHORITY, key, &found) == CK_OK && found.as.authority_of.zone_table.count > 0)
		offset_s = found.as.authority_of.zone_table.at[0].offset_s;
	ck_view_end(&view);
	return offset_s;
}

static void own_zone(const char *like)
{
	char command[512];
	snprintf(zones, sizeof zones, "%s/zones", directory);
	snprintf(command, sizeof command, "mkdir -p %s && cp " CK_ZONE_DIRECTORY "/%s %s/Home", zones, like, zones);
	ck_assert_int_eq(system(command), 0);
}

static void lose_zone(void)
{
	char path[192];
	snprintf(path, sizeof path, "%s/Home", zones);
	ck_assert_int_eq(unlink(path), 0);
}

START_TEST(an_authority_comes_with_its_clock)
{
	begin();
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Europe/London"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Europe/Paris"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 7200);
	ck_assert_uint_eq(alarms + quarantined, 0);
}
END_TEST

START_TEST(a_zone_that_is_not_known_quarantines)
{
	filled(1);
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Mars/Base"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_uint_eq(state_now().counts[CK_KIND_AUTHORITY], 0);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Europe/London"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_uint_eq(released, 1);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	/* it was known, under another zone */
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Mars/Base"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
}
END_TEST

START_TEST(a_zone_that_is_lost_goes_on_as_it_was)
{
	own_zone("Europe/London");
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	lose_zone();
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK); /* something else of it was changed */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_uint_eq(alarms, 1);
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_uint_eq(alarms, 1); /* once */
	/* a full refresh into a second file */
	ck_follower_require_full(follower);
	begin();
	ck_assert_ptr_null(resume_from.at);
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(2)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 3600);
	ck_assert_uint_eq(quarantined, 0);
}
END_TEST

START_TEST(a_tz_database_that_learns_is_noticed)
{
	own_zone("Europe/London");
	begin();
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_ERR_UNAVAILABLE); /* in the middle of a refresh */
	ck_assert_int_eq(give_authority(1, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(give_authority(2, "33333333-3333-4333-8333-333333333333", "UTC"), CK_OK);
	ck_assert_int_eq(REFRESHED(true, COOKIE(1)), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	uint64_t before = state_now().generation;
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_OK);
	ck_assert_uint_eq(state_now().generation, before); /* nothing new, nothing written */
	own_zone("Europe/Paris");
	ck_assert_int_eq(ck_follower_renew_zones(follower), CK_OK);
	ck_assert_int_eq(first_shift(AUTHORITY), 7200);
	ck_assert_uint_eq(state_now().generation, before + 1);
	ck_assert_int_eq(ck_follower_verify(follower), CK_OK);
	ck_assert_uint_eq(alarms, 0);
}
END_TEST

START_TEST(a_file_that_is_no_zone_is_not_read_as_utc)
{
	char command[512];
	own_zone("Europe/London");
	filled(1);
	snprintf(command, sizeof command, "truncate -s 100 %s/Home", zones);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(give_authority(40, AUTHORITY, "Home"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow zone");
	TCase *c = tcase_create("zones");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, an_authority_comes_with_its_clock);
	tcase_add_test(c, a_zone_that_is_not_known_quarantines);
	tcase_add_test(c, a_zone_that_is_lost_goes_on_as_it_was);
	tcase_add_test(c, a_tz_database_that_learns_is_noticed);
	tcase_add_test(c, a_file_that_is_no_zone_is_not_read_as_utc);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
