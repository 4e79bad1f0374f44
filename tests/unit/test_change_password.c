/* staff.password: one right order, then one test for each thing that is wrong with it. */
#include <stdlib.h>

#include "authd/protocol/password.h"
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

#define SALT "AAAAAAAAAAAAAAAAAAAAAA"
#define HASH "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define GOOD CK_PASSWORD_HASH_HEAD SALT "$" HASH

static struct value person[] = {{"objectClass", "ckStaff"}, {"uid", "bob"}, {"entryCSN", CSN}, {NULL, NULL}};
static struct draft password_of(unsigned staff, const char *hash)
{
	f.entry = person;
	return (struct draft){.operation = "staff.password", .target = staff, .csn = CSN, .values = {{"userPassword", hash}}};
}

START_TEST(by_an_administrator_of_theirs)
{
	struct draft draft = password_of(BOB, GOOD);
	struct ck_change_build build;
	char dn[CK_DN_LIMIT_BYTES];
	expect_fine(order_one(&draft));
	ck_assert_int_eq(ck_change_build(&f.order.items[0], f.place.suffix, &build, &f.denial), CK_OK);
	ck_assert_int_eq(ck_entry_password_dn(ck_builder_id(BOB), ck_builder_id(YORK), f.place.suffix, dn), CK_OK);
	ck_assert_str_eq(build.dn, dn);
	ck_assert_uint_eq(build.count, 4);
	static const struct value expected[] = {{"objectClass", "ckPassword"}, {"cn", "password"}, {"userPassword", GOOD}, {"pwdReset", "TRUE"}};
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(build.values[i].attribute, expected[i].attribute);
		ck_assert_uint_eq(build.values[i].count, 1);
		ck_assert(ck_bytes_equal(build.values[i].values[0], ck_bytes_of(ck_text_of(expected[i].text))));
	}
}
END_TEST

START_TEST(by_oneself)
{
	struct draft draft = password_of(BOB, GOOD);
	f.user = "bob";
	f.signer = KEY_BOB;
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(by_the_founding_authority)
{
	struct draft draft = password_of(BOB, GOOD);
	f.user = "ada";
	f.signer = KEY_ADA;
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(of_staff_of_another_authority)
{
	struct draft draft = password_of(CAROL, GOOD);
	draft.authority = BATH;
	expect_reason(order_one(&draft), "not-permitted");
	f.count = 0;
	draft.authority = YORK; /* the statement lies about whose they are */
	expect_reason(order_one(&draft), "not-found");
}
END_TEST

START_TEST(of_nobody)
{
	struct draft draft = password_of(FRESH, GOOD);
	expect_reason(order_one(&draft), "not-found");
}
END_TEST

START_TEST(of_somebody_who_changed_since)
{
	struct draft draft = password_of(BOB, GOOD);
	draft.csn = "20270115080000.000001Z#000000#001#000000";
	expect_reason(order_one(&draft), "conflict");
}
END_TEST

START_TEST(without_having_looked)
{
	struct draft draft = password_of(BOB, GOOD);
	draft.csn = NULL;
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(with_another_attribute)
{
	static const char *const names[] = {"userpassword", "ckStatus", "pwdReset", "pwdAccountLockedTime", "objectClass", "cn"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct draft draft = password_of(BOB, GOOD);
		draft.values[0].attribute = names[i];
		f.count = 0;
		expect_reason(order_one(&draft), "attribute");
		draft = password_of(BOB, GOOD);
		draft.values[1] = (struct value){names[i], GOOD};
		f.count = 0;
		expect_reason(order_one(&draft), "attribute");
	}
}
END_TEST

START_TEST(with_no_value)
{
	struct draft draft = password_of(BOB, NULL);
	expect_reason(order_one(&draft), "attribute");
	f.count = 0;
	draft.values[0].attribute = NULL;
	expect_reason(order_one(&draft), "attribute");
}
END_TEST

START_TEST(in_the_clear_or_hashed_otherwise)
{
	static const char *const wrong[] = {"", "correct horse battery", "{CLEARTEXT}correct horse", "{SSHA}AAAA", "{SASL}bob@evil",
	                                    CK_PASSWORD_HASH_HEAD, CK_PASSWORD_HASH_HEAD SALT "$", CK_PASSWORD_HASH_HEAD SALT "$" HASH "B",
	                                    CK_PASSWORD_HASH_HEAD SALT "A" "$" "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
	                                    CK_PASSWORD_HASH_HEAD SALT "$" "=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
	                                    "{ARGON2}$argon2id$v=19$m=99999,t=3,p=1$" SALT "$" HASH, "{ARGON2}$argon2id$v=19$m=19456,t=9,p=1$" SALT "$" HASH,
	                                    "{ARGON2}$argon2i$v=19$m=19456,t=3,p=1$" SALT "$" HASH "B", " " GOOD, GOOD "\n"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct draft draft = password_of(BOB, wrong[i]);
		f.count = 0;
		expect_reason(order_one(&draft), "invalid");
	}
}
END_TEST

START_TEST(by_any_other_change)
{
	struct draft draft = {.operation = "staff.change", .target = BOB, .csn = CSN, .values = {{"userPassword", GOOD}}};
	f.entry = person;
	expect_reason(order_one(&draft), "attribute");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {by_an_administrator_of_theirs, by_oneself, by_the_founding_authority, of_staff_of_another_authority, of_nobody,
	                              of_somebody_who_changed_since, without_having_looked, with_another_attribute, with_no_value,
	                              in_the_clear_or_hashed_otherwise, by_any_other_change};
	Suite *suite = suite_create("change password");
	TCase *c = tcase_create("change password");
	tcase_add_checked_fixture(c, change_setup, change_teardown);
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) tcase_add_test(c, tests[i]);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
