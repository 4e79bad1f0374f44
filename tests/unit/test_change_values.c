/* What a change says, and what would come of it: attributes, what was read before, what it refers to, zones; for each rule one change that it lets
   pass and one that it does not. */
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

/* ---- attributes ---- */

START_TEST(attribute_not_settable)
{
	static const char *const names[] = {"ckId", "ckProof", "objectClass", "entryCSN", "entryUUID", "creatorsName", "userPassword", "ckname"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct draft draft = ROLE_ADD;
		draft.values[2] = (struct value){names[i], "x"};
		f.count = 0;
		expect_reason(order_one(&draft), "attribute");
	}
}
END_TEST

START_TEST(attribute_twice)
{
	struct draft draft = ROLE_ADD;
	draft.values[2] = (struct value){"ckName", "other"};
	expect_reason(order_one(&draft), "attribute");
}
END_TEST

START_TEST(attribute_fixed_when_added)
{
	struct draft draft = {.operation = "system.change", .target = WEB, .csn = CSN, .values = {{"ckName", "web-2"}}};
	expect_reason(order_one(&draft), "attribute");
}
END_TEST

START_TEST(must_missing)
{
	struct draft draft = {.operation = "role.add", .target = FRESH, .values = {{"ckName", "cleaners"}}};
	expect_reason(order_one(&draft), "invalid");
}
END_TEST

START_TEST(value_invalid)
{
	struct draft draft = ROLE_ADD;
	draft.values[1].text = "perhaps";
	expect_reason(order_one(&draft), "invalid");
}
END_TEST

START_TEST(name_taken)
{
	struct draft draft = ROLE_ADD;
	draft.values[0].text = "porters";
	expect_reason(order_one(&draft), "exists");
}
END_TEST

START_TEST(id_taken)
{
	struct draft draft = ROLE_ADD;
	draft.target = PORTERS;
	expect_reason(order_one(&draft), "exists");
}
END_TEST

START_TEST(twice_in_one_list)
{
	struct draft draft = ROLE_ADD;
	begin_as("alice");
	add_statement(&draft);
	draft.values[0].text = "painters";
	add_statement(&draft);
	touch();
	expect_reason(commit(), "malformed");
}
END_TEST

START_TEST(same_name_in_one_list)
{
	struct draft draft = ROLE_ADD;
	begin_as("alice");
	add_statement(&draft);
	draft.target = FRESH2;
	add_statement(&draft);
	touch();
	expect_reason(commit(), "exists");
}
END_TEST

/* ---- what was read ---- */

static const struct value *porters_entry(const char *csn)
{
	static struct value entry[8];
	static char uuid[CK_ID_TEXT_BYTES];
	struct ck_id id;
	ck_builder_uuid(CK_KIND_ROLE, PORTERS, id.bytes);
	ck_id_format(id, uuid);
	struct value made[] = {{"objectClass", "ckRole"}, {"ckId", id_text(PORTERS)}, {"ckName", "porters"}, {"ckStatus", "active"},
	                       {"entryUUID", uuid}, {"entryCSN", csn}, {NULL, NULL}};
	memcpy(entry, made, sizeof made);
	return entry;
}
static const struct draft rename_porters = {.operation = "role.change", .target = PORTERS, .csn = CSN, .values = {{"ckName", "doormen"}}};

START_TEST(role_changed)
{
	f.entry = porters_entry(CSN);
	expect_fine(order_one(&rename_porters));
}
END_TEST

START_TEST(changed_since_it_was_read)
{
	f.entry = porters_entry("20270115080000.000001Z#000000#001#000000");
	expect_reason(order_one(&rename_porters), "conflict");
}
END_TEST

START_TEST(removed_since_it_was_read)
{
	f.entry = NULL;
	expect_reason(order_one(&rename_porters), "conflict");
}
END_TEST

START_TEST(directory_away)
{
	f.read_error = CK_ERR_TIMEOUT;
	expect_reason(order_one(&rename_porters), "unavailable");
}
END_TEST

START_TEST(change_of_nothing)
{
	struct draft draft = rename_porters;
	draft.target = FRESH;
	f.entry = porters_entry(CSN);
	expect_reason(order_one(&draft), "not-found");
}
END_TEST

START_TEST(change_of_anothers_entry_in_ones_own_name)
{
	/* the statement says York, the entry is of Leeds */
	struct draft draft = {.operation = "role.change", .target = LEEDS_ADMINS, .csn = CSN, .values = {{"ckName", "doormen"}}};
	expect_reason(order_one(&draft), "not-found");
}
END_TEST

START_TEST(removed)
{
	struct draft draft = {.operation = "role.remove", .target = PORTERS, .csn = CSN};
	f.entry = porters_entry(CSN);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(remove_with_values)
{
	struct draft draft = {.operation = "role.remove", .target = PORTERS, .csn = CSN, .values = {{"ckName", "x"}}};
	f.entry = porters_entry(CSN);
	expect_reason(order_one(&draft), "malformed");
}
END_TEST

START_TEST(remove_what_changed)
{
	struct draft draft = {.operation = "role.remove", .target = PORTERS, .csn = CSN};
	f.entry = porters_entry("20270115080000.000001Z#000000#001#000000");
	expect_reason(order_one(&draft), "conflict");
}
END_TEST

START_TEST(remove_the_administrators_role)
{
	struct draft draft = {.operation = "role.remove", .target = YORK_ADMINS, .csn = CSN};
	f.entry = porters_entry(CSN);
	expect_reason(order_one(&draft), "in-use");
}
END_TEST

/* ---- references ---- */

START_TEST(grant_given)
{
	struct draft draft = grant_to(BOB, ALICE);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(grant_to_staff_of_another_authority)
{
	struct draft draft = grant_to(CAROL, ALICE);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(grant_to_nobody)
{
	struct draft draft = grant_to(FRESH3, ALICE);
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(grant_in_anothers_name)
{
	struct draft draft = grant_to(BOB, BOB);
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(grant_of_a_role_that_is_not_there)
{
	struct draft draft = grant_to(BOB, ALICE);
	draft.parent = FRESH3;
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(grant_of_anothers_role)
{
	struct draft draft = grant_to(ALICE, ALICE);
	draft.parent = LEEDS_ADMINS; /* below York, where it is not */
	expect_reason(order_one(&draft), "reference");
}
END_TEST

static struct draft rule_for(unsigned target, unsigned role)
{
	return (struct draft){.operation = "rule.add", .target = FRESH,
	                      .values = {{"ckName", "console"}, {"ckStatus", "active"}, {"ckValidFrom", "00010101000000Z"},
	                                 {"ckValidUntil", "99991231235959Z"}, {"ckTarget", id_text(target)}, {"ckRoleId", id_text(role)},
	                                 {"ckAccount", "self"}, {"ckService", "login"}, {"ckSource", "*"}, {"ckProved", "touch"}, {"ckWeekly", "always"}}};
}

START_TEST(rule_written)
{
	struct draft draft = rule_for(WEB, PORTERS);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(rule_for_anothers_role)
{
	struct draft draft = rule_for(SERVERS, LEEDS_ADMINS);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(rule_for_anothers_system)
{
	struct draft draft = rule_for(LEEDS_WEB, PORTERS);
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(rule_for_no_role)
{
	struct draft draft = rule_for(WEB, FRESH3);
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(role_with_unknown_member)
{
	struct draft draft = ROLE_ADD;
	draft.values[2] = (struct value){"ckMemberRoleId", id_text(FRESH3)};
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(role_for_all_staff_of_nobody)
{
	struct draft draft = ROLE_ADD;
	draft.values[2] = (struct value){"ckAllStaffOfId", id_text(FRESH3)};
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(system_in_anothers_group)
{
	struct draft draft = {.operation = "system.add", .target = FRESH, .authority = LEEDS,
	                      .values = {{"ckName", "leeds-2"}, {"ckStatus", "active"}, {"ckGroupId", id_text(SERVERS)}}};
	as_ada();
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(staff_added)
{
	struct draft draft = new_person("dan", "201500", "dan@example.gov.uk");
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(staff_outside_the_range)
{
	struct draft draft = new_person("dan", "202500", "dan@example.gov.uk");
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(staff_outside_the_domains)
{
	struct draft draft = new_person("dan", "201500", "dan@other.gov.uk");
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(staff_with_a_domain_that_only_ends_alike)
{
	struct draft draft = new_person("dan", "201500", "dan@evil-example.gov.uk");
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(staff_with_a_reserved_name)
{
	struct draft draft = new_person("root", "201500", "dan@example.gov.uk");
	expect_reason(order_one(&draft), "invalid");
}
END_TEST

START_TEST(staff_with_a_uid_of_another)
{
	struct draft draft = new_person("bob", "201500", "dan@example.gov.uk");
	expect_reason(order_one(&draft), "exists");
}
END_TEST

/* Whoever may not have a value is not told whether somebody has it: of whom other authorities hide, nothing is found out by a file of guesses. */
START_TEST(what_is_outside_is_not_said_to_be_taken)
{
	struct ck_record *hidden = ck_builder_staff(f.b, CAROL, BATH, "carol", 202001);
	hidden->as.staff.mail = ck_text_of("carol@hidden.gov.uk");
	hidden->as.staff.listed = false;
	ck_builder_put(f.b, hidden);
	ck_builder_commit(f.b);
	struct draft draft = new_person("dan", "201500", "carol@hidden.gov.uk");
	expect_reason(order_one(&draft), "reference");
	f.count = 0;
	draft = new_person("dan", "202001", "dan@example.gov.uk");
	expect_reason(order_one(&draft), "reference");
	f.count = 0;
	draft = new_person("carol", "202500", "dan@example.gov.uk");
	expect_reason(order_one(&draft), "reference");
}
END_TEST

/* ---- time zones ---- */

static struct value *york_entry(void)
{
	static struct value entry[16];
	static char uuid[CK_ID_TEXT_BYTES];
	struct ck_id id;
	ck_builder_uuid(CK_KIND_AUTHORITY, YORK, id.bytes);
	ck_id_format(id, uuid);
	struct value made[] = {{"objectClass", "ckAuthority"}, {"ckId", id_text(YORK)}, {"ckName", "York"}, {"ckAuthorityKind", "council"},
	                       {"ckStatus", "active"}, {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                       {"ckAdminRoleId", id_text(YORK_ADMINS)}, {"ckUidNumberFirst", "200000"}, {"ckUidNumberLast", "201999"},
	                       {"ckMailDomain", "york.gov.uk"}, {"ckZone", "Lost/Zone"}, {"entryUUID", uuid}, {"entryCSN", CSN}, {NULL, NULL}};
	memcpy(entry, made, sizeof made);
	return entry;
}

static const char *order_zone(const char *zone)
{
	struct draft draft = {.operation = "authority.change", .target = YORK, .authority = YORK, .csn = CSN, .values = {{"ckZone", zone}}};
	f.entry = york_entry();
	as_ada();
	return order_one(&draft);
}

START_TEST(a_zone_that_this_machine_knows)
{
	expect_fine(order_zone("Asia/Kolkata"));
}
END_TEST

START_TEST(a_zone_that_it_does_not_know)
{
	expect_reason(order_zone("Mars/Base"), "invalid");
}
END_TEST

START_TEST(a_zone_that_is_a_path)
{
	expect_reason(order_zone("../../../etc/passwd"), "invalid");
}
END_TEST

/* Suspending must not wait for a package. */
START_TEST(an_authority_whose_zone_was_lost_is_suspended)
{
	struct draft draft = {.operation = "authority.change", .target = YORK, .authority = YORK, .csn = CSN, .values = {{"ckStatus", "suspended"}}};
	f.entry = york_entry();
	as_ada();
	expect_fine(order_one(&draft));
}
END_TEST

int main(void)
{
	const struct {
		const char *name;
		const TTest *test;
	} tests[] = {
		{"attributes", attribute_not_settable}, {"attributes", attribute_twice}, {"attributes", attribute_fixed_when_added},
		{"attributes", must_missing}, {"attributes", value_invalid}, {"attributes", name_taken}, {"attributes", id_taken},
		{"attributes", twice_in_one_list}, {"attributes", same_name_in_one_list}, {"read", role_changed},
		{"read", changed_since_it_was_read}, {"read", removed_since_it_was_read}, {"read", directory_away}, {"read", change_of_nothing},
		{"read", change_of_anothers_entry_in_ones_own_name}, {"read", removed}, {"read", remove_with_values}, {"read", remove_what_changed},
		{"read", remove_the_administrators_role}, {"references", grant_given}, {"references", grant_to_staff_of_another_authority},
		{"references", grant_to_nobody}, {"references", grant_in_anothers_name}, {"references", grant_of_a_role_that_is_not_there},
		{"references", grant_of_anothers_role}, {"references", rule_written}, {"references", rule_for_anothers_role},
		{"references", rule_for_anothers_system}, {"references", rule_for_no_role}, {"references", role_with_unknown_member},
		{"references", role_for_all_staff_of_nobody}, {"references", system_in_anothers_group}, {"references", staff_added},
		{"references", staff_outside_the_range}, {"references", staff_outside_the_domains},
		{"references", staff_with_a_domain_that_only_ends_alike}, {"references", staff_with_a_reserved_name},
		{"references", staff_with_a_uid_of_another}, {"references", what_is_outside_is_not_said_to_be_taken},
		{"zones", a_zone_that_this_machine_knows}, {"zones", a_zone_that_it_does_not_know}, {"zones", a_zone_that_is_a_path},
		{"zones", an_authority_whose_zone_was_lost_is_suspended},
	};
	Suite *suite = suite_create("change values");
	TCase *c = NULL;
	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
		if (i == 0 || strcmp(tests[i].name, tests[i - 1].name) != 0) {
			c = tcase_create(tests[i].name);
			tcase_add_checked_fixture(c, change_setup, change_teardown);
			suite_add_tcase(suite, c);
		}
		tcase_add_test(c, tests[i].test);
	}
	return suite_run(suite);
}
