/* Who may order what: administrators, whoever gives out codes, the founding authority, people with their own keys; for each rule one change that
   it lets pass and one that it does not. */
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

/* ---- administrators ---- */

START_TEST(role_by_its_administrator)
{
	struct draft draft = ROLE_ADD;
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(role_by_staff)
{
	struct draft draft = ROLE_ADD;
	as_bob();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(role_of_another_authority)
{
	struct draft draft = ROLE_ADD;
	draft.authority = LEEDS;
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(role_by_the_founding_authority)
{
	struct draft draft = ROLE_ADD;
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(administrator_no_more)
{
	struct draft draft = ROLE_ADD;
	struct ck_record *record = ck_builder_grant(f.b, 31, YORK, YORK_ADMINS, ALICE);
	record->as.grant.window.until_s = NOW;
	ck_builder_put(f.b, record);
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(administrator_by_this_very_change)
{
	struct draft grant = {.operation = "grant.add", .target = FRESH, .parent = LEEDS_ADMINS, .authority = LEEDS,
	                      .values = {{"ckStaffId", id_text(ALICE)}, {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                                 {"ckGrantedById", id_text(ALICE)}, {"ckReason", "why not"}}};
	expect_reason(order_one(&grant), "not-permitted");
}
END_TEST

/* ---- codes ---- */

static struct draft code_for(unsigned staff, unsigned issuer, int64_t from_s, int64_t until_s)
{
	static char from[CK_TIME_TEXT_BYTES], until[CK_TIME_TEXT_BYTES];
	ck_time_format_generalized(from_s, from);
	ck_time_format_generalized(until_s, until);
	return (struct draft){.operation = "code.add", .target = FRESH, .parent = staff,
	                      .values = {{"ckIssuerId", id_text(issuer)},
	                                 {"ckCodeHash", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	                                 {"ckValidFrom", from}, {"ckValidUntil", until}}};
}

START_TEST(code_issued)
{
	struct draft draft = code_for(BOB, ALICE, NOW, NOW + 86400);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(code_in_anothers_name)
{
	struct draft draft = code_for(BOB, BOB, NOW, NOW + 86400);
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(code_that_lives_too_long)
{
	struct draft draft = code_for(BOB, ALICE, NOW, NOW + 86400 + 301);
	expect_reason(order_one(&draft), "code-life");
}
END_TEST

START_TEST(code_without_end)
{
	struct draft draft = code_for(BOB, ALICE, NOW, CK_TIME_UNLIMITED);
	const char *reason = order_one(&draft);
	ck_assert(strcmp(reason, "code-life") == 0 || strcmp(reason, "invalid") == 0);
}
END_TEST

START_TEST(code_for_staff_of_another_authority)
{
	struct draft draft = code_for(CAROL, ALICE, NOW, NOW + 3600);
	expect_reason(order_one(&draft), "reference");
}
END_TEST

START_TEST(code_for_oneself_by_staff)
{
	struct draft draft = code_for(BOB, BOB, NOW, NOW + 3600);
	as_bob();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

/* ---- the founding authority ---- */

START_TEST(founding_code_for_an_administrator_without_key)
{
	struct draft draft = code_for(CAROL, ADA, NOW, NOW + 3600);
	draft.authority = BATH;
	as_ada();
	expect_fine(order_one(&draft));
	ck_assert(f.order.items[0].founding_first);
}
END_TEST

START_TEST(founding_code_where_there_is_an_administrator)
{
	struct draft draft = code_for(BOB, ADA, NOW, NOW + 3600);
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
	f.count = 0;
	draft = code_for(ALICE, ADA, NOW, NOW + 3600);
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

/* Filed under another authority it is none of theirs, and opens nothing. */
START_TEST(founding_code_where_the_key_is_filed_elsewhere)
{
	struct draft draft = code_for(CAROL, ADA, NOW, NOW + 3600);
	draft.authority = BATH;
	ck_builder_put(f.b, ck_builder_key(f.b, 77, LEEDS, CAROL, "filed elsewhere"));
	as_ada();
	expect_fine(order_one(&draft));
	ck_assert(f.order.items[0].founding_first);
}
END_TEST

START_TEST(founding_code_for_somebody_else)
{
	struct draft draft = code_for(14, ADA, NOW, NOW + 3600);
	ck_builder_put(f.b, ck_builder_staff(f.b, 14, BATH, "dora", 202002));
	draft.authority = BATH;
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(founding_code_once_there_is_a_key)
{
	struct draft draft = code_for(CAROL, ADA, NOW, NOW + 3600);
	put_key(KEY_BOB2, BATH, CAROL, "carol's");
	draft.authority = BATH;
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(founding_grants_itself_another_authority)
{
	struct draft draft = grant_to(ADA, ADA);
	draft.parent = BATH_ADMINS;
	draft.authority = BATH;
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

static struct value widened; /* of the new authority's role */

static const char *create_authority(unsigned staff_of_grant, const char *first, unsigned signer)
{
	struct draft authority = {.operation = "authority.add", .target = FRESH, .authority = FRESH,
	                          .values = {{"ckName", "Hull"}, {"ckAuthorityKind", "council"}, {"ckStatus", "active"},
	                                     {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                                     {"ckAdminRoleId", id_text(FRESH2)}, {"ckUidNumberFirst", first}, {"ckUidNumberLast", "203999"},
	                                     {"ckMailDomain", "hull.gov.uk"}, {"ckZone", "Europe/London"}}};
	struct draft role = {.operation = "role.add", .target = FRESH2, .authority = FRESH, .values = {{"ckName", "administrators"}, {"ckStatus", "active"}, widened}};
	struct draft staff = new_person("hal", "203000", "hal@hull.gov.uk");
	struct draft grant = grant_to(staff_of_grant, signer);
	struct draft first_code = code_for(FRESH3, signer, NOW, NOW + 3600);
	staff.target = FRESH3;
	grant.target = FRESH4;
	grant.parent = FRESH2;
	first_code.target = FRESH5;
	staff.authority = grant.authority = first_code.authority = FRESH;
	begin_as(f.user);
	add_statement(&authority);
	add_statement(&role);
	add_statement(&staff);
	add_statement(&grant);
	add_statement(&first_code);
	touch();
	return commit();
}

START_TEST(founding_creates_an_authority)
{
	as_ada();
	expect_fine(create_authority(FRESH3, "203000", ADA));
}
END_TEST

START_TEST(founding_creates_one_and_administers_it)
{
	as_ada();
	expect_reason(create_authority(ADA, "203000", ADA), "reference");
}
END_TEST

/* The new authority's own people hold its roles, not the founding authority's by way of a role of theirs. */
START_TEST(founding_creates_one_that_its_own_role_administers)
{
	widened = (struct value){"ckMemberRoleId", id_text(LEEDS_ADMINS)};
	as_ada();
	expect_reason(create_authority(FRESH3, "203000", ADA), "reference");
}
END_TEST

START_TEST(founding_creates_one_that_its_own_staff_administer)
{
	widened = (struct value){"ckAllStaffOfId", id_text(LEEDS)};
	as_ada();
	expect_reason(create_authority(FRESH3, "203000", ADA), "reference");
}
END_TEST

START_TEST(founding_chooses_the_administrators_of_another)
{
	struct draft draft = {.operation = "authority.change", .target = YORK, .authority = YORK, .csn = CSN, .values = {{"ckAdminRoleId", id_text(PORTERS)}}};
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

/* What stands before the authority's own statement would be written below one that is there already and cannot be read. */
START_TEST(founding_writes_before_it_creates)
{
	struct draft staff = new_person("hal", "203000", "hal@hull.gov.uk");
	struct draft authority = {.operation = "authority.add", .target = FRESH, .authority = FRESH,
	                          .values = {{"ckName", "Hull"}, {"ckAuthorityKind", "council"}, {"ckStatus", "active"},
	                                     {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                                     {"ckAdminRoleId", id_text(FRESH2)}, {"ckUidNumberFirst", "203000"}, {"ckUidNumberLast", "203999"},
	                                     {"ckMailDomain", "hull.gov.uk"}, {"ckZone", "Europe/London"}}};
	struct draft role = {.operation = "role.add", .target = FRESH2, .authority = FRESH, .values = {{"ckName", "administrators"}, {"ckStatus", "active"}}};
	staff.target = FRESH3;
	staff.authority = FRESH;
	as_ada();
	begin_as(f.user);
	add_statement(&staff);
	add_statement(&authority);
	add_statement(&role);
	touch();
	expect_reason(commit(), "not-permitted");
}
END_TEST

START_TEST(founding_creates_one_whose_people_do_not_fit)
{
	as_ada();
	expect_reason(create_authority(FRESH3, "203500", ADA), "reference");
}
END_TEST

START_TEST(another_authority_creates_one)
{
	expect_reason(create_authority(FRESH3, "203000", ALICE), "not-permitted");
}
END_TEST

START_TEST(authority_without_its_role)
{
	struct draft authority = {.operation = "authority.add", .target = FRESH, .authority = FRESH,
	                          .values = {{"ckName", "Hull"}, {"ckAuthorityKind", "council"}, {"ckStatus", "active"},
	                                     {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                                     {"ckAdminRoleId", id_text(LEEDS_ADMINS)}, {"ckUidNumberFirst", "203000"}, {"ckUidNumberLast", "203999"},
	                                     {"ckMailDomain", "hull.gov.uk"}, {"ckZone", "Europe/London"}}};
	as_ada();
	expect_reason(order_one(&authority), "reference");
}
END_TEST

START_TEST(an_authority_widens_itself)
{
	struct draft draft = {.operation = "authority.change", .target = YORK, .authority = YORK, .csn = CSN, .values = {{"ckUidNumberLast", "209999"}}};
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

/* ---- keys ---- */

static const struct value *key_entry(int which, const char *status)
{
	static struct value entry[16];
	static char hash[65], uuid[CK_ID_TEXT_BYTES];
	struct ck_id id;
	ck_builder_uuid(CK_KIND_KEY, 60 + (unsigned)which, id.bytes);
	ck_id_format(id, uuid);
	struct value made[] = {{"objectClass", "ckKey"}, {"ckKeyHash", ck_hex_encode(f.hashes[which], 32, hash, sizeof hash)},
	                       {"ckCredentialId", "credential"}, {"ckPublicKey", "a key of some sixty bytes: it is not looked at in a change of its label"},
	                       {"ckRpId", RP}, {"ckAaguid", "00000000-0000-0000-0000-000000000000"}, {"ckLabel", "blue"}, {"ckAttestation", "none"},
	                       {"ckCanVerify", "TRUE"}, {"ckStatus", status}, {"ckValidFrom", "00010101000000Z"}, {"ckValidUntil", "99991231235959Z"},
	                       {"entryUUID", uuid}, {"entryCSN", CSN}, {NULL, NULL}};
	memcpy(entry, made, sizeof made);
	return entry;
}

static struct draft of_key(const char *operation, int which, const char *attribute, const char *text)
{
	struct draft draft = {.operation = operation, .parent = BOB, .csn = CSN, .hash = f.hashes[which]};
	if (attribute != NULL) draft.values[0] = (struct value){attribute, text};
	f.entry = key_entry(which, "active");
	return draft;
}

START_TEST(own_label)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckLabel", "the red one");
	as_bob();
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(own_key_revoked)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckStatus", "revoked");
	as_bob();
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(own_key_removed)
{
	struct draft draft = of_key("key.remove", KEY_BOB2, NULL, NULL);
	as_bob();
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(own_last_key)
{
	struct draft first = of_key("key.remove", KEY_BOB, NULL, NULL), second = of_key("key.change", KEY_BOB2, "ckStatus", "revoked");
	as_bob();
	begin_as("bob");
	add_statement(&first);
	add_statement(&second);
	touch();
	expect_reason(commit(), "last-key");
}
END_TEST

START_TEST(last_key_by_an_administrator)
{
	struct ck_record *record = key_record(KEY_BOB2, YORK, BOB, "bob two");
	record->as.key.status = CK_STATUS_REVOKED;
	ck_builder_put(f.b, record);
	struct draft draft = of_key("key.remove", KEY_BOB, NULL, NULL);
	expect_fine(order_one(&draft));
	f.count = 0;
	as_bob();
	expect_reason(order_one(&draft), "last-key");
}
END_TEST

START_TEST(own_window_made_wider)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckValidUntil", "20280101000000Z");
	as_bob();
	expect_fine(order_one(&draft)); /* narrower */
	struct ck_record *record = key_record(KEY_BOB2, YORK, BOB, "bob two");
	record->as.key.window.until_s = NOW + 60;
	ck_builder_put(f.b, record);
	f.count = 0;
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

static void set_status(enum ck_status status)
{
	struct ck_record *record = key_record(KEY_BOB2, YORK, BOB, "bob two");
	record->as.key.status = status;
	ck_builder_put(f.b, record);
}

START_TEST(own_suspended_key_taken_back)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckStatus", "active");
	set_status(CK_STATUS_SUSPENDED);
	as_bob();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(suspended_key_given_back)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckStatus", "active");
	set_status(CK_STATUS_SUSPENDED);
	expect_fine(order_one(&draft));
}
END_TEST

START_TEST(revoked_key_given_back)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckStatus", "active");
	set_status(CK_STATUS_REVOKED);
	expect_reason(order_one(&draft), "revoked");
}
END_TEST

START_TEST(key_of_somebody_else)
{
	struct draft draft = of_key("key.change", KEY_ALICE, "ckStatus", "revoked");
	draft.parent = ALICE;
	as_bob();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

START_TEST(key_of_somebody_else_as_ones_own)
{
	struct draft draft = of_key("key.change", KEY_ALICE, "ckStatus", "revoked"); /* below bob, where it is not */
	as_bob();
	expect_reason(order_one(&draft), "not-found");
}
END_TEST

START_TEST(another_public_key)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckPublicKey", "another");
	as_bob();
	expect_reason(order_one(&draft), "attribute");
}
END_TEST

START_TEST(key_by_the_founding_authority)
{
	struct draft draft = of_key("key.change", KEY_BOB2, "ckStatus", "revoked");
	as_ada();
	expect_reason(order_one(&draft), "not-permitted");
}
END_TEST

int main(void)
{
	const struct {
		const char *name;
		const TTest *test;
	} tests[] = {
		{"administrators", role_by_its_administrator}, {"administrators", role_by_staff}, {"administrators", role_of_another_authority},
		{"administrators", role_by_the_founding_authority}, {"administrators", administrator_no_more},
		{"administrators", administrator_by_this_very_change}, {"codes", code_issued}, {"codes", code_in_anothers_name},
		{"codes", code_that_lives_too_long}, {"codes", code_without_end}, {"codes", code_for_staff_of_another_authority},
		{"codes", code_for_oneself_by_staff}, {"founding", founding_code_for_an_administrator_without_key},
		{"founding", founding_code_where_there_is_an_administrator}, {"founding", founding_code_where_the_key_is_filed_elsewhere},
		{"founding", founding_code_for_somebody_else}, {"founding", founding_code_once_there_is_a_key},
		{"founding", founding_grants_itself_another_authority}, {"founding", founding_creates_an_authority},
		{"founding", founding_creates_one_and_administers_it}, {"founding", founding_creates_one_that_its_own_role_administers},
		{"founding", founding_creates_one_that_its_own_staff_administer}, {"founding", founding_chooses_the_administrators_of_another},
		{"founding", founding_writes_before_it_creates}, {"founding", founding_creates_one_whose_people_do_not_fit},
		{"founding", another_authority_creates_one}, {"founding", authority_without_its_role}, {"founding", an_authority_widens_itself},
		{"keys", own_label}, {"keys", own_key_revoked}, {"keys", own_key_removed}, {"keys", own_last_key},
		{"keys", last_key_by_an_administrator}, {"keys", own_window_made_wider}, {"keys", own_suspended_key_taken_back},
		{"keys", suspended_key_given_back}, {"keys", revoked_key_given_back}, {"keys", key_of_somebody_else},
		{"keys", key_of_somebody_else_as_ones_own}, {"keys", another_public_key}, {"keys", key_by_the_founding_authority},
	};
	Suite *suite = suite_create("change rights");
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
