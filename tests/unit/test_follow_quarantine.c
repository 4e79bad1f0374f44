/* Entries that do not fit: they are quarantined and released, and nobody gets their id, their name or their number meanwhile. */
#include "tests/unit/follow_fixture.h"
#include "tests/unit/suite.h"

/* Its grants name it by its id: whoever could have that would be given them all. */
START_TEST(nobody_takes_the_place_of_an_entry_that_became_faulty)
{
	static const char id[] = "22222222-2222-4222-8222-000000000001", other[] = "33333333-3333-4333-8333-333333333333";
	filled(1);
	ck_assert_int_eq(give_role_as(1, id, AUTHORITY, "role-1", "perhaps"), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_uint_eq(quarantined, 2);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(0);
	/* nor its name within its authority */
	ck_assert_int_eq(give_role_as(3, "22222222-2222-4222-8222-000000000003", AUTHORITY, "role-1", "active"), CK_OK);
	ck_assert_uint_eq(quarantined, 3);
	/* mended, it is as it was */
	ck_assert_int_eq(give_role_as(1, id, AUTHORITY, "role-1", "active"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(1);
	ck_assert_uint_eq(state_now().quarantined, 2);
	/* gone, it is in nobody's way */
	ck_assert_int_eq(take(1), CK_OK);
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(1);
	ck_assert_uint_eq(released, 1);
}
END_TEST

START_TEST(an_entry_that_was_never_well_keeps_its_id_too)
{
	static const char id[] = "22222222-2222-4222-8222-000000000009", other[] = "33333333-3333-4333-8333-333333333333";
	filled(1);
	ck_assert_int_eq(give_role_as(9, id, AUTHORITY, "nine", "perhaps"), CK_OK);
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(quarantined, 2);
	ck_assert_roles(1);
	/* across a restart */
	ck_follower_close(&follower);
	open_follower();
	begin();
	ck_assert_int_eq(give_role_as(2, id, other, "taken", "active"), CK_OK);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_roles(1);
}
END_TEST

/* Two that exchanged their names while nobody followed: neither waits for the other for good. */
START_TEST(names_may_be_exchanged_behind_the_back)
{
	filled(2);
	begin();
	ck_assert_int_eq(give_role(1, "role-2"), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(give_role(2, "role-1"), CK_OK);
	ck_assert_uint_eq(quarantined, 1);
	ck_assert_int_eq(REFRESHED(false, COOKIE(2)), CK_OK);
	ck_assert_int_eq(give_role(1, "role-2"), CK_OK); /* which is read again because of that */
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_roles(2);
	ck_assert_uint_eq(state_now().quarantined, 0);
}
END_TEST

START_TEST(what_does_not_fit_is_quarantined)
{
	filled(3);
	ck_assert_int_eq(give_role(4, ""), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_uint_eq(quarantined, 1);
	/* a good one that turns bad is gone */
	ck_assert_int_eq(give_role(1, ""), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 2);
	ck_assert_roles(2);
	/* … and good again */
	ck_assert_int_eq(give_role(1, "role-1"), CK_OK);
	ck_assert_int_eq(take(4), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_roles(3);
}
END_TEST

START_TEST(the_entry_known_first_stays)
{
	filled(3);
	ck_assert_int_eq(give_role(4, "role-1"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_roles(3);
	ck_assert_int_eq(give_role(4, "role-4"), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 0);
	ck_assert_uint_eq(released, 1);
	ck_assert_roles(4);
}
END_TEST

START_TEST(an_entry_under_anothers_uuid)
{
	uint8_t other[16];
	struct ck_bytes value = ck_bytes_of(ck_text_of("ckRole"));
	struct ck_attribute attribute = {ck_text_of("objectClass"), &value, 1};
	struct ck_entry entry = {.dn = ck_text_of("ckId=" AUTHORITY ",ou=roles,ckId=" AUTHORITY ",ou=authorities," SUFFIX),
	                         .attributes = &attribute, .count = 1};
	filled(3);
	uuid_of(9, other);
	ck_assert_int_eq(h->on_entry(other, &entry, follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
}
END_TEST

START_TEST(an_unreadable_entry)
{
	uint8_t uuid[16];
	filled(3);
	uuid_of(2, uuid);
	ck_assert_int_eq(h->on_unreadable(uuid, ck_text_of("ckId=x," SUFFIX), "has too many values", follower), CK_OK);
	ck_assert_int_eq(h->on_batch_end(follower), CK_OK);
	ck_assert_uint_eq(state_now().quarantined, 1);
	ck_assert_roles(2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow quarantine");
	TCase *c = tcase_create("quarantine");
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, nobody_takes_the_place_of_an_entry_that_became_faulty);
	tcase_add_test(c, an_entry_that_was_never_well_keeps_its_id_too);
	tcase_add_test(c, names_may_be_exchanged_behind_the_back);
	tcase_add_test(c, what_does_not_fit_is_quarantined);
	tcase_add_test(c, the_entry_known_first_stays);
	tcase_add_test(c, an_entry_under_anothers_uuid);
	tcase_add_test(c, an_unreadable_entry);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
