/* Verifying a change: one that is good, then one test for each single thing that is wrong with the touch, the nonce or the statements. */
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

static const struct draft role_add = ROLE_ADD;

START_TEST(good)
{
	expect_fine(order_one(&role_add));
	ck_assert(ck_id_equal(f.order.orderer, ck_builder_id(ALICE)));
	ck_assert_str_eq(f.order.user, "alice");
	ck_assert_uint_eq(f.order.counter, 1);
	ck_assert_mem_eq(f.order.key_hash, f.hashes[KEY_ALICE], 32);
}
END_TEST

START_TEST(good_with_many_statements)
{
	struct draft second = role_add;
	second.target = FRESH2;
	second.values[0].text = "painters";
	begin_as("alice");
	add_statement(&role_add);
	add_statement(&second);
	touch();
	expect_fine(commit());
	ck_assert_uint_eq(f.order.count, 2);
}
END_TEST

/* ---- the nonce ---- */

START_TEST(replayed)
{
	expect_fine(order_one(&role_add));
	expect_reason(commit(), "nonce");
}
END_TEST

START_TEST(expired)
{
	f.commit_ms = 1000 + LIFE_MS;
	expect_reason(order_one(&role_add), "expired");
}
END_TEST

START_TEST(at_the_last_moment)
{
	f.commit_ms = 1000 + LIFE_MS - 1;
	expect_fine(order_one(&role_add));
}
END_TEST

START_TEST(clock_went_back)
{
	f.commit_ms = 999;
	expect_reason(order_one(&role_add), "expired");
}
END_TEST

START_TEST(never_issued)
{
	begin_as("alice");
	f.nonce_bytes[0] ^= 1;
	add_statement(&role_add);
	touch();
	expect_reason(commit(), "nonce");
}
END_TEST

START_TEST(nonce_for_enrolment)
{
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_ENROL, ck_text_of("alice"), 1000, 1000, NOW - 1, LIFE_MS, &f.nonce), CK_OK);
	memcpy(f.nonce_bytes, f.nonce.bytes, sizeof f.nonce_bytes);
	add_statement(&role_add);
	touch();
	expect_reason(commit(), "nonce");
}
END_TEST

START_TEST(nonce_of_another_person)
{
	begin_as("bob");
	add_statement(&role_add);
	touch();
	expect_reason(commit(), "assertion");
}
END_TEST

START_TEST(nonce_of_nobody)
{
	f.user = "nobody-here";
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

/* ---- the touch ---- */

START_TEST(another_persons_key)
{
	f.signer = KEY_BOB;
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(without_verification)
{
	f.verified = false;
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(for_another_system)
{
	f.system = "core2";
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(in_another_name)
{
	begin_as("alice");
	f.user = "ada";
	add_statement(&role_add);
	touch();
	expect_reason(commit(), "assertion");
}
END_TEST

START_TEST(bad_signature)
{
	begin_as("alice");
	add_statement(&role_add);
	touch();
	f.touch.signature[f.touch.signature_length - 1] ^= 1;
	expect_reason(commit(), "assertion");
}
END_TEST

START_TEST(for_another_rp)
{
	f.place.rp_id = ck_text_of("other.example.org");
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

/* The key that signs is filed under another authority than its person. */
START_TEST(key_of_another_authority)
{
	put_key(KEY_ALICE, BATH, ALICE, "alice");
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(revoked_key)
{
	alter_alices_key(CK_STATUS_REVOKED, always);
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(suspended_key)
{
	alter_alices_key(CK_STATUS_SUSPENDED, always);
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(key_not_yet)
{
	alter_alices_key(CK_STATUS_ACTIVE, (struct ck_window){NOW + 1, CK_TIME_UNLIMITED});
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(key_no_more)
{
	alter_alices_key(CK_STATUS_ACTIVE, (struct ck_window){CK_TIME_ALWAYS, NOW});
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(suspended_person)
{
	struct ck_record *record = ck_builder_staff(f.b, ALICE, YORK, "alice", 201001);
	record->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(f.b, record);
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(person_no_more)
{
	struct ck_record *record = ck_builder_staff(f.b, ALICE, YORK, "alice", 201001);
	record->as.staff.window.until_s = NOW;
	ck_builder_put(f.b, record);
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

START_TEST(suspended_authority)
{
	struct ck_record *record = ck_builder_authority(f.b, YORK, "York");
	record->as.authority_of.admin_role = ck_builder_id(YORK_ADMINS);
	record->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(f.b, record);
	expect_reason(order_one(&role_add), "assertion");
}
END_TEST

/* ---- the statements ---- */

START_TEST(other_values)
{
	begin_as("alice");
	add_statement(&role_add);
	touch();
	f.values[0][f.value_lengths[0] - 2] ^= 1;
	expect_reason(commit(), "digest");
}
END_TEST

START_TEST(altered_after_the_touch)
{
	struct draft other = role_add;
	begin_as("alice");
	add_statement(&role_add);
	touch();
	f.count = 0;
	other.target = FRESH2;
	add_statement(&other);
	expect_reason(commit(), "assertion");
}
END_TEST

START_TEST(one_more_after_the_touch)
{
	struct draft other = role_add;
	begin_as("alice");
	add_statement(&role_add);
	touch();
	other.target = FRESH2;
	add_statement(&other);
	expect_reason(commit(), "assertion");
}
END_TEST

START_TEST(fewer_values)
{
	begin_as("alice");
	add_statement(&role_add);
	touch();
	f.value_lengths[0] = 0;
	expect_reason(commit(), "digest");
}
END_TEST

START_TEST(no_statements)
{
	begin_as("alice");
	add_statement(&role_add);
	touch();
	f.count = 0;
	expect_reason(commit(), "malformed");
}
END_TEST

START_TEST(not_a_statement)
{
	begin_as("alice");
	add_statement(&role_add);
	touch();
	f.statements[0][0] ^= 0xff;
	expect_reason(commit(), "malformed");
}
END_TEST

START_TEST(unknown_operation)
{
	struct draft draft = role_add;
	draft.operation = "role.burn";
	expect_reason(order_one(&draft), "unknown-operation");
}
END_TEST

START_TEST(add_with_csn)
{
	struct draft draft = role_add;
	draft.csn = CSN;
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(change_without_csn)
{
	struct draft draft = {.operation = "role.change", .target = PORTERS, .values = {{"ckName", "doormen"}}};
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(parent_where_none_belongs)
{
	struct draft draft = role_add;
	draft.parent = BOB;
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(no_parent_where_one_belongs)
{
	struct draft draft = {.operation = "grant.add", .target = FRESH, .values = {{"ckReason", "x"}}};
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(key_named_by_id)
{
	struct draft draft = {.operation = "key.remove", .target = FRESH, .parent = BOB, .csn = CSN};
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(authority_of_another_name)
{
	struct draft draft = {.operation = "authority.change", .target = BATH, .authority = YORK, .csn = CSN, .values = {{"ckStatus", "suspended"}}};
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

/* ---- nonces by themselves ---- */

START_TEST(nonces_are_bounded_for_each_peer)
{
	struct ck_nonce first, nonce, taken;
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of("alice"), 7, 1000, NOW, LIFE_MS, &first), CK_OK);
	for (int i = 0; i < CK_NONCES_PER_PEER_LIMIT; i++)
		ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of("alice"), 8, 1001, NOW, LIFE_MS, &nonce), CK_OK);
	/* a flood of one peer's pushes out its own, not another's */
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of("alice"), 8, 1002, NOW, LIFE_MS, &nonce), CK_OK);
	ck_assert_int_eq(ck_nonce_take(&f.nonces, CK_NONCE_CHANGE, first.bytes, 1002, LIFE_MS, &taken), CK_OK);
	ck_assert_int_eq(ck_nonce_take(&f.nonces, CK_NONCE_CHANGE, nonce.bytes, 1002, LIFE_MS, &taken), CK_OK);
}
END_TEST

START_TEST(nonces_are_bounded_in_all)
{
	struct ck_nonce nonce;
	for (unsigned i = 0; i < CK_NONCES_LIMIT; i++)
		ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of("alice"), i, 1000, NOW, LIFE_MS, &nonce), CK_OK);
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of("alice"), 5000, 1000, NOW, LIFE_MS, &nonce), CK_ERR_LIMIT);
	/* … until they expire */
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_CHANGE, ck_text_of("alice"), 5000, 1000 + LIFE_MS, NOW, LIFE_MS, &nonce), CK_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change");
	TCase *c = tcase_create("verify");
	tcase_add_checked_fixture(c, change_setup, change_teardown);
	tcase_add_test(c, good);
	tcase_add_test(c, good_with_many_statements);
	tcase_add_test(c, replayed);
	tcase_add_test(c, expired);
	tcase_add_test(c, at_the_last_moment);
	tcase_add_test(c, clock_went_back);
	tcase_add_test(c, never_issued);
	tcase_add_test(c, nonce_for_enrolment);
	tcase_add_test(c, nonce_of_another_person);
	tcase_add_test(c, nonce_of_nobody);
	tcase_add_test(c, another_persons_key);
	tcase_add_test(c, without_verification);
	tcase_add_test(c, for_another_system);
	tcase_add_test(c, in_another_name);
	tcase_add_test(c, bad_signature);
	tcase_add_test(c, for_another_rp);
	tcase_add_test(c, key_of_another_authority);
	tcase_add_test(c, revoked_key);
	tcase_add_test(c, suspended_key);
	tcase_add_test(c, key_not_yet);
	tcase_add_test(c, key_no_more);
	tcase_add_test(c, suspended_person);
	tcase_add_test(c, person_no_more);
	tcase_add_test(c, suspended_authority);
	tcase_add_test(c, other_values);
	tcase_add_test(c, altered_after_the_touch);
	tcase_add_test(c, one_more_after_the_touch);
	tcase_add_test(c, fewer_values);
	tcase_add_test(c, no_statements);
	tcase_add_test(c, not_a_statement);
	tcase_add_test(c, unknown_operation);
	tcase_add_test(c, add_with_csn);
	tcase_add_test(c, change_without_csn);
	tcase_add_test(c, parent_where_none_belongs);
	tcase_add_test(c, no_parent_where_one_belongs);
	tcase_add_test(c, key_named_by_id);
	tcase_add_test(c, authority_of_another_name);
	tcase_add_test(c, nonces_are_bounded_for_each_peer);
	tcase_add_test(c, nonces_are_bounded_in_all);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
