/* Entries to records: one valid entry of each kind, and for each rule of the mapping one wrong thing. */
#include "directory/base/clock.h"
#include "directory/model/entry.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX "dc=example,dc=org"
#define A "11111111-1111-4111-8111-111111111111"
#define S "22222222-2222-4222-8222-222222222222"
#define R "33333333-3333-4333-8333-333333333333"
#define X "44444444-4444-4444-8444-444444444444"
#define H "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ZERO "00000000-0000-0000-0000-000000000000"
#define BELOW_A "ckId=" A ",ou=authorities," SUFFIX
#define ALWAYS "00010101000000Z"
#define UNLIMITED "99991231235959Z"
#define VALUES_LIMIT 320

struct pair {
	const char *name, *value;
};
struct sample {
	const char *dn;
	struct pair pairs[32];
};

static const struct sample samples[CK_KIND_LAST + 1] = {
	[CK_KIND_AUTHORITY] = {BELOW_A, {{"objectClass", "ckAuthority"}, {"ckId", A}, {"ckName", "Northwich"}, {"ckAuthorityKind", "council"},
		{"ckStatus", "active"}, {"ckValidFrom", ALWAYS}, {"ckValidUntil", UNLIMITED}, {"ckAdminRoleId", R}, {"ckUidNumberFirst", "200000"},
		{"ckUidNumberLast", "299999"}, {"ckMailDomain", "northwich.gov.uk"}, {"ckMailDomain", "nw.gov.uk"}, {"ckZone", "Europe/London"}}},
	[CK_KIND_STAFF] = {"ckId=" S ",ou=staff," BELOW_A, {{"objectClass", "top"}, {"objectClass", "inetOrgPerson"},
		{"objectClass", "posixAccount"}, {"objectClass", "ckStaff"}, {"ckId", S}, {"uid", "mia"}, {"uidNumber", "200001"},
		{"gidNumber", "200001"}, {"homeDirectory", "/home/mia"}, {"loginShell", "/bin/bash"}, {"cn", "Mia Roberts"}, {"sn", "Roberts"},
		{"givenName", "Mia"}, {"mail", "mia@northwich.gov.uk"}, {"telephoneNumber", "+44 1606 1"}, {"title", "DBA"},
		{"departmentNumber", "IT"}, {"employeeNumber", "1001"}, {"ckStaffNumber", A ":1001"}, {"ckStatus", "active"},
		{"ckValidFrom", "20260101000000Z"}, {"ckValidUntil", "20270101000000Z"}, {"ckListed", "TRUE"}, {"description", "ignored"}}},
	[CK_KIND_KEY] = {"ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A, {{"objectClass", "ckKey"}, {"ckKeyHash", H},
		{"ckCredentialId", "credential"}, {"ckPublicKey", "cose"}, {"ckRpId", "portal.northwich.gov.uk"}, {"ckAaguid", ZERO},
		{"ckLabel", "blue"}, {"ckAttestation", "self"}, {"ckTrait", "discoverable"}, {"ckTrait", "protected-2"}, {"ckTrait", "usb"},
		{"ckCanVerify", "TRUE"}, {"ckStatus", "active"}, {"ckValidFrom", ALWAYS}, {"ckValidUntil", UNLIMITED}}},
	[CK_KIND_ROLE] = {"ckId=" R ",ou=roles," BELOW_A, {{"objectClass", "ckRole"}, {"ckId", R}, {"ckName", "dba"}, {"ckStatus", "active"},
		{"ckMemberRoleId", X}, {"ckMemberRoleId", S}, {"ckAllStaffOfId", A}}},
	[CK_KIND_GRANT] = {"ckId=" X ",ckId=" R ",ou=roles," BELOW_A, {{"objectClass", "ckGrant"}, {"ckId", X}, {"ckStaffId", S},
		{"ckValidFrom", ALWAYS}, {"ckValidUntil", UNLIMITED}, {"ckGrantedById", S}, {"ckReason", "on call"}}},
	[CK_KIND_SYSTEM] = {"ckId=" X ",ou=systems," BELOW_A, {{"objectClass", "ckSystem"}, {"ckId", X}, {"ckName", "db1"}, {"ckStatus", "active"},
		{"ckGroupId", R}}},
	[CK_KIND_SYSTEM_GROUP] = {"ckId=" X ",ou=systems," BELOW_A, {{"objectClass", "ckSystemGroup"}, {"ckId", X}, {"ckName", "databases"},
		{"ckStatus", "active"}}},
	[CK_KIND_RULE] = {"ckId=" X ",ou=rules," BELOW_A, {{"objectClass", "ckRule"}, {"ckId", X}, {"ckName", "dba"}, {"ckStatus", "active"},
		{"ckValidFrom", ALWAYS}, {"ckValidUntil", UNLIMITED}, {"ckTarget", R}, {"ckTarget", S}, {"ckRoleId", R}, {"ckAccount", "self"},
		{"ckAccount", "root"}, {"ckService", "sshd"}, {"ckService", "sudo"}, {"ckSource", "local"}, {"ckSource", "10.0.0.0/8"},
		{"ckProved", "touch"}, {"ckProved", "verified"}, {"ckWeekly", "sat 22:00-06:00"}, {"ckWeekly", "mon-fri 08:00-18:00"}}},
	[CK_KIND_CODE] = {"ckId=" X ",ckId=" S ",ou=staff," BELOW_A, {{"objectClass", "ckCode"}, {"ckId", X}, {"ckIssuerId", ZERO},
		{"ckCodeHash", H}, {"ckValidFrom", "20260101000000Z"}, {"ckValidUntil", "20260102000000Z"}}},
	[CK_KIND_KEY_USE] = {"cn=use,ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A, {{"objectClass", "ckKeyUse"}, {"cn", "use"},
		{"ckCounter", "4294967295"}, {"ckLastUse", "20260102030405Z"}}},
};

/* An entry in the making. */
struct making {
	struct ck_entry entry;
	struct ck_attribute attributes[VALUES_LIMIT];
	struct ck_bytes values[VALUES_LIMIT][CK_LIST_LIMIT + 2];
};
static struct making making;
static struct ck_entry_scratch scratch;
static struct ck_record record;
static struct ck_errmsg err;

static struct ck_attribute *attribute(const char *name)
{
	for (size_t i = 0; i < making.entry.count; i++)
		if (ck_text_is(making.attributes[i].name, name)) return &making.attributes[i];
	ck_assert_uint_lt(making.entry.count, VALUES_LIMIT);
	struct ck_attribute *added = &making.attributes[making.entry.count];
	*added = (struct ck_attribute){.name = ck_text_of(name), .values = making.values[making.entry.count]};
	making.entry.count++;
	return added;
}

static void add_bytes(const char *name, struct ck_bytes value)
{
	struct ck_attribute *to = attribute(name);
	ck_assert_uint_le(to->count, CK_LIST_LIMIT + 1);
	making.values[to - making.attributes][to->count++] = value;
}

static void add(const char *name, const char *value) { add_bytes(name, ck_bytes_of(ck_text_of(value))); }

static void take(const char *name)
{
	struct ck_attribute *gone = attribute(name);
	size_t at = (size_t)(gone - making.attributes);
	making.entry.count--;
	for (size_t i = at; i < making.entry.count; i++) {
		memcpy(making.values[i], making.values[i + 1], sizeof making.values[i]);
		making.attributes[i] = making.attributes[i + 1];
		making.attributes[i].values = making.values[i];
	}
}

static void set(const char *name, const char *value)
{
	attribute(name)->count = 0;
	add(name, value);
}

static void make(enum ck_kind kind)
{
	memset(&making, 0, sizeof making);
	making.entry.dn = ck_text_of(samples[kind].dn);
	making.entry.attributes = making.attributes;
	for (size_t i = 0; samples[kind].pairs[i].name != NULL; i++) add(samples[kind].pairs[i].name, samples[kind].pairs[i].value);
}

static enum ck_error map(void)
{
	err.text[0] = '\0';
	return ck_entry_to_record(&making.entry, ck_text_of(SUFFIX), &scratch, &record, &err);
}

static void refused(const char *begins)
{
	ck_assert_msg(map() == CK_ERR_INVALID, "%s was accepted", begins);
	ck_assert_msg(strncmp(err.text, begins, strlen(begins)) == 0, "expected %s, got: %s", begins, err.text);
	ck_assert_int_eq(record.kind, CK_KIND_NONE);
}

START_TEST(valid_ones_map)
{
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		make((enum ck_kind)k);
		ck_assert_msg(map() == CK_OK, "%s: %s", ck_kind_name((enum ck_kind)k), err.text);
		ck_assert_int_eq(record.kind, (int)k);
	}
}
END_TEST

START_TEST(staff_has_all_it_says)
{
	make(CK_KIND_STAFF);
	add("entryUUID", X);
	add("entryCSN", "20261122044504.000000Z#000000#000#000000");
	ck_assert_int_eq(map(), CK_OK);
	char text[CK_ID_TEXT_BYTES];
	const struct ck_staff *s = &record.as.staff;
	ck_assert_str_eq(ck_id_format(record.id, text), S);
	ck_assert_str_eq(ck_id_format(record.authority, text), A);
	ck_assert(ck_text_is(s->uid, "mia") && ck_text_is(s->cn, "Mia Roberts") && ck_text_is(s->sn, "Roberts"));
	ck_assert(ck_text_is(s->given_name, "Mia") && ck_text_is(s->mail, "mia@northwich.gov.uk") && ck_text_is(s->title, "DBA"));
	ck_assert(ck_text_is(s->telephone, "+44 1606 1") && ck_text_is(s->department, "IT") && ck_text_is(s->staff_number, "1001"));
	ck_assert(ck_text_is(s->home, "/home/mia") && ck_text_is(s->shell, "/bin/bash"));
	ck_assert_uint_eq(s->uid_number, 200001);
	ck_assert_uint_eq(s->gid_number, 200001);
	ck_assert_int_eq(s->status, CK_STATUS_ACTIVE);
	ck_assert(s->listed);
	ck_assert_int_eq(s->window.from_s, INT64_C(1767225600));
	ck_assert_int_eq(s->window.until_s, INT64_C(1798761600));
	ck_assert_uint_eq(record.entry_uuid[0], 0x44);
	ck_assert_uint_eq(record.csn.length, 40);
}
END_TEST

START_TEST(the_rest_has_all_it_says)
{
	make(CK_KIND_AUTHORITY);
	ck_assert_int_eq(map(), CK_OK);
	ck_assert(ck_id_equal(record.id, record.authority));
	ck_assert_uint_eq(record.as.authority_of.mail_domains.count, 2);
	ck_assert(ck_text_is(record.as.authority_of.zone, "Europe/London"));
	ck_assert_int_eq(record.as.authority_of.zone_table.until_s, 0);
	ck_assert_int_eq(record.as.authority_of.window.from_s, CK_TIME_ALWAYS);
	ck_assert_int_eq(record.as.authority_of.window.until_s, CK_TIME_UNLIMITED);

	make(CK_KIND_KEY);
	ck_assert_int_eq(map(), CK_OK);
	ck_assert_uint_eq(record.as.key.hash[1], 0x11);
	ck_assert_uint_eq(record.id.bytes[1], 0x11);
	ck_assert_uint_eq(record.as.key.staff.bytes[0], 0x22);
	ck_assert(record.as.key.can_verify);
	ck_assert_uint_eq(record.as.key.traits, CK_TRAIT_DISCOVERABLE | CK_TRAIT_PROTECTED_2 | CK_TRAIT_USB);

	make(CK_KIND_ROLE);
	ck_assert_int_eq(map(), CK_OK);
	ck_assert_uint_eq(record.as.role.member_roles.count, 2);
	ck_assert_uint_eq(record.as.role.member_roles.at[1].bytes[0], 0x22);
	ck_assert_uint_eq(record.as.role.all_staff_of.count, 1);

	make(CK_KIND_GRANT);
	ck_assert_int_eq(map(), CK_OK);
	ck_assert_uint_eq(record.as.grant.role.bytes[0], 0x33);
	ck_assert_uint_eq(record.as.grant.staff.bytes[0], 0x22);

	make(CK_KIND_RULE);
	ck_assert_int_eq(map(), CK_OK);
	ck_assert(!record.as.rule.all_systems && record.as.rule.sources.local && !record.as.rule.sources.any);
	ck_assert_uint_eq(record.as.rule.targets.count, 2);
	ck_assert_uint_eq(record.as.rule.accounts.count, 2);
	ck_assert_uint_eq(record.as.rule.sources.count, 1);
	ck_assert_uint_eq(record.as.rule.proved, CK_PROVED_DEFAULT);
	ck_assert(!record.as.rule.weekly.always && record.as.rule.weekly.count == 2);
	ck_assert_uint_eq(record.as.rule.weekly.at[0].last_day, 4); /* in order, whatever the directory's */
	ck_assert_uint_eq(record.as.rule.weekly.at[1].until_minute, 360);
	set("ckTarget", "*");
	set("ckProved", "none");
	set("ckSource", "*");
	ck_assert_int_eq(map(), CK_OK);
	ck_assert(record.as.rule.all_systems && record.as.rule.sources.any);
	ck_assert_uint_eq(record.as.rule.proved, CK_PROVED_NOTHING);
}
END_TEST

START_TEST(names_are_compared_without_case)
{
	make(CK_KIND_ROLE);
	making.entry.dn = ck_text_of("CKID=" R ",OU=Roles,ckid=" A ",ou=AUTHORITIES,DC=Example,dc=ORG");
	attribute("ckName")->name = ck_text_of("CKNAME");
	attribute("objectClass")->name = ck_text_of("objectclass");
	ck_assert_msg(map() == CK_OK, "%s", err.text);
}
END_TEST

START_TEST(each_must_is_missed)
{
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		size_t must = 0;
		const char *const *names = ck_entry_settable((enum ck_kind)k, &must);
		ck_assert((must > 0) == (k != CK_KIND_KEY_USE));
		for (size_t i = 0; i < must; i++) {
			make((enum ck_kind)k);
			take(names[i]);
			refused(names[i]);
		}
		for (size_t i = must; names[i] != NULL; i++) {
			make((enum ck_kind)k);
			take(names[i]);
			ck_assert_msg(map() == CK_OK, "without %s: %s", names[i], err.text);
		}
	}
	make(CK_KIND_STAFF);
	take("ckStaffNumber");
	refused("ckStaffNumber: is missing");
	make(CK_KIND_STAFF);
	take("ckId");
	refused("ckId: is missing");
	make(CK_KIND_KEY);
	take("ckKeyHash");
	refused("ckKeyHash: is missing");
	make(CK_KIND_KEY_USE);
	take("ckCounter");
	refused("ckCounter: is missing");
	make(CK_KIND_KEY_USE);
	take("ckLastUse");
	refused("ckLastUse: is missing");
	make(CK_KIND_ROLE);
	take("objectClass");
	refused("objectClass: is missing");
}
END_TEST

START_TEST(each_single_one_is_doubled)
{
	static const char *const lists[] = {"ckMailDomain", "ckMemberRoleId", "ckAllStaffOfId", "ckGroupId", "ckTarget", "ckRoleId",
	                                    "ckAccount",    "ckService",      "ckSource",       "ckProved", "ckTrait", "ckWeekly"};
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		size_t must = 0;
		const char *const *names = ck_entry_settable((enum ck_kind)k, &must);
		for (size_t i = 0; names[i] != NULL; i++) {
			bool list = false;
			for (size_t j = 0; j < sizeof lists / sizeof lists[0]; j++) list = list || strcmp(lists[j], names[i]) == 0;
			if (list) continue;
			make((enum ck_kind)k);
			const struct ck_attribute *twice = attribute(names[i]);
			add_bytes(names[i], twice->values[0]);
			refused(names[i]);
		}
	}
	make(CK_KIND_KEY_USE);
	add("ckCounter", "7");
	refused("ckCounter: has more");
	make(CK_KIND_KEY_USE);
	add("ckLastUse", "20260102030406Z");
	refused("ckLastUse: has more");
}
END_TEST

START_TEST(lists_have_a_limit)
{
	make(CK_KIND_ROLE);
	attribute("ckMemberRoleId")->count = 0;
	for (size_t i = 0; i < CK_LIST_LIMIT; i++) add("ckMemberRoleId", X);
	ck_assert_int_eq(map(), CK_OK);
	add("ckMemberRoleId", X);
	refused("ckMemberRoleId: has more values");
}
END_TEST

START_TEST(entries_have_limits)
{
	static char names[CK_ENTRY_ATTRIBUTES_LIMIT + 1][24];
	make(CK_KIND_ROLE);
	for (size_t i = 0; making.entry.count < CK_ENTRY_ATTRIBUTES_LIMIT; i++) {
		snprintf(names[i], sizeof names[i], "x%zu", i);
		add(names[i], "v");
	}
	ck_assert_int_eq(map(), CK_OK);
	add("y", "v");
	refused("entry: has more attributes");

	make(CK_KIND_ROLE);
	for (size_t i = 0; i < 4; i++) {
		snprintf(names[i], sizeof names[i], "x%zu", i);
		for (size_t j = 0; j < CK_LIST_LIMIT; j++) add(names[i], "v");
	}
	refused("entry: has more values");
}
END_TEST

static void wrong(enum ck_kind kind, const char *name, const char *value)
{
	make(kind);
	set(name, value);
	refused(name);
}

START_TEST(wrong_values)
{
	wrong(CK_KIND_AUTHORITY, "ckStatus", "Active");
	wrong(CK_KIND_AUTHORITY, "ckStatus", "revoked");
	wrong(CK_KIND_AUTHORITY, "ckValidFrom", "20260101000000.0Z");
	wrong(CK_KIND_AUTHORITY, "ckValidFrom", "20260101000000+0100");
	wrong(CK_KIND_AUTHORITY, "ckValidUntil", "20261301000000Z");
	wrong(CK_KIND_AUTHORITY, "ckUidNumberFirst", "0200000");
	wrong(CK_KIND_AUTHORITY, "ckUidNumberFirst", "-1");
	wrong(CK_KIND_AUTHORITY, "ckUidNumberLast", "18446744073709551616");
	wrong(CK_KIND_AUTHORITY, "ckAdminRoleId", "dba");
	wrong(CK_KIND_AUTHORITY, "ckMailDomain", "");
	wrong(CK_KIND_AUTHORITY, "ckZone", "");
	wrong(CK_KIND_AUTHORITY, "ckZone", "europe/london");
	wrong(CK_KIND_AUTHORITY, "ckZone", "Europe/../London");
	wrong(CK_KIND_AUTHORITY, "ckZone", "GMT0BST,M3.5.0/1,M10.5.0");
	wrong(CK_KIND_STAFF, "ckListed", "");
	wrong(CK_KIND_STAFF, "ckListed", "true");
	wrong(CK_KIND_STAFF, "ckListed", "yes");
	wrong(CK_KIND_STAFF, "uid", "Mia");
	wrong(CK_KIND_STAFF, "uid", "root");
	wrong(CK_KIND_STAFF, "uidNumber", "0");
	wrong(CK_KIND_STAFF, "uidNumber", "199999");
	wrong(CK_KIND_STAFF, "gidNumber", "27");
	wrong(CK_KIND_STAFF, "givenName", "");
	wrong(CK_KIND_STAFF, "ckStaffNumber", "1001");
	wrong(CK_KIND_STAFF, "ckStaffNumber", S ":1001");
	wrong(CK_KIND_STAFF, "ckStaffNumber", A ":1002");
	wrong(CK_KIND_KEY, "ckCanVerify", "true");
	wrong(CK_KIND_KEY, "ckCanVerify", "");
	wrong(CK_KIND_KEY, "ckAaguid", "x");
	wrong(CK_KIND_KEY, "ckCredentialId", "");
	wrong(CK_KIND_KEY, "ckKeyHash", "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	wrong(CK_KIND_KEY, "ckKeyHash", "00");
	wrong(CK_KIND_KEY, "ckTrait", "USB");
	wrong(CK_KIND_KEY, "ckTrait", "");
	wrong(CK_KIND_KEY, "ckTrait", "backed-up");
	wrong(CK_KIND_KEY, "ckAttestation", "attested");
	wrong(CK_KIND_ROLE, "ckMemberRoleId", "");
	wrong(CK_KIND_ROLE, "ckMemberRoleId", ZERO);
	wrong(CK_KIND_ROLE, "ckId", X);
	wrong(CK_KIND_GRANT, "ckStaffId", ZERO);
	wrong(CK_KIND_GRANT, "ckReason", "a\nb");
	wrong(CK_KIND_RULE, "ckTarget", "db1");
	wrong(CK_KIND_RULE, "ckSource", "10.0.0.1/8");
	wrong(CK_KIND_RULE, "ckSource", "everywhere");
	wrong(CK_KIND_RULE, "ckProved", "pin");
	wrong(CK_KIND_RULE, "ckWeekly", "");
	wrong(CK_KIND_RULE, "ckWeekly", "Always");
	wrong(CK_KIND_RULE, "ckWeekly", "*");
	wrong(CK_KIND_RULE, "ckWeekly", "mon-fri 08:00-08:00");
	wrong(CK_KIND_RULE, "ckWeekly", "mon-fri");
	wrong(CK_KIND_RULE, "ckAccount", "*");
	wrong(CK_KIND_RULE, "ckService", "/etc/passwd");
	wrong(CK_KIND_CODE, "ckCodeHash", "00");
	wrong(CK_KIND_CODE, "ckValidUntil", UNLIMITED);
	wrong(CK_KIND_KEY_USE, "ckCounter", "4294967296");
	wrong(CK_KIND_KEY_USE, "ckCounter", "-1");
	wrong(CK_KIND_KEY_USE, "ckCounter", "");
	wrong(CK_KIND_KEY_USE, "ckLastUse", "yesterday");
	wrong(CK_KIND_KEY_USE, "ckLastUse", ALWAYS);
	wrong(CK_KIND_KEY_USE, "ckLastUse", UNLIMITED);
}
END_TEST

static void beside(const char *name, const char *value)
{
	make(CK_KIND_RULE);
	set(name, value);
	add(name, strcmp(name, "ckTarget") == 0 ? X : strcmp(name, "ckSource") == 0 ? "local" : strcmp(name, "ckProved") == 0 ? "touch"
	          : strcmp(name, "ckWeekly") == 0                                                     ? "mon 08:00-18:00"
	                                                                                              : "sshd");
	refused(name);
}

START_TEST(what_stands_alone_is_not_beside_another)
{
	beside("ckTarget", "*");
	beside("ckSource", "*");
	beside("ckService", "*");
	beside("ckProved", "none");
	beside("ckWeekly", "always");
	beside("ckWeekly", "mon-fri 17:00-19:00");
	make(CK_KIND_AUTHORITY);
	add("ckMailDomain", "*");
	refused("ckMailDomain");
}
END_TEST

START_TEST(unknown_ck_attributes_are_faults)
{
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		make((enum ck_kind)k);
		add("ckNew", "x");
		refused("ckNew: is not known");
		make((enum ck_kind)k);
		add("CKNEW", "x");
		refused("CKNEW: is not known");
		make((enum ck_kind)k);
		add("ckId;lang-en", "x");
		refused("ckId;lang-en: is not known");
		make((enum ck_kind)k);
		add("ckProof", "\x01\xff");
		if (k == CK_KIND_KEY_USE) refused("ckProof: is not known");
		else ck_assert_int_eq(map(), CK_OK);
	}
	make(CK_KIND_SYSTEM);
	add("ckMemberRoleId", X);
	refused("ckMemberRoleId: is not known");
	make(CK_KIND_ROLE);
	add("ck\x1b[2J", "x");
	refused("ck\\x1b[2J: is not known");
}
END_TEST

START_TEST(classes)
{
	make(CK_KIND_ROLE);
	add("objectClass", "ckSystem");
	refused("ckSystem: is a second kind");
	make(CK_KIND_ROLE);
	add("objectClass", "ckNewClass");
	refused("ckNewClass: is a class");
	make(CK_KIND_ROLE);
	set("objectClass", "organizationalUnit");
	refused("ckId: is not known");

	memset(&making, 0, sizeof making);
	making.entry.dn = ck_text_of("ou=staff," BELOW_A);
	making.entry.attributes = making.attributes;
	add("objectClass", "organizationalUnit");
	add("ou", "staff");
	ck_assert_int_eq(map(), CK_ERR_NOT_FOUND);
	making.entry.dn = ck_text_of("");
	ck_assert_int_eq(map(), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(attributes_given_twice)
{
	make(CK_KIND_ROLE);
	add("CKNAME", "other");
	refused("CKNAME: is there twice");
}
END_TEST

START_TEST(wrong_places)
{
	static const struct {
		enum ck_kind kind;
		const char *dn;
	} cases[] = {
		{CK_KIND_ROLE, ""},
		{CK_KIND_ROLE, SUFFIX},
		{CK_KIND_ROLE, "," SUFFIX},
		{CK_KIND_ROLE, "ckId=" R "," SUFFIX},
		{CK_KIND_ROLE, "ckId=" R ",ou=staff," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R ",ou=people," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R "," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R ",ou=roles,ckId=" A ",ou=others," SUFFIX},
		{CK_KIND_ROLE, "ckId=" R ",ou=roles,ckId=" A ",ou=authorities,dc=example,dc=net"},
		{CK_KIND_ROLE, "ckId=" R ",ou=roles,ckId=" A ",ou=authoritiesdc=example,dc=org"},
		{CK_KIND_ROLE, "ckId=" R ",ou=roles,ckId=" ZERO ",ou=authorities," SUFFIX},
		{CK_KIND_ROLE, "ckId=" R ",ou=roles,ckId=" A "x,ou=authorities," SUFFIX},
		{CK_KIND_ROLE, "ckId=" R "+ckName=dba,ou=roles," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R " ,ou=roles," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R ",ckId=" X ",ou=roles," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R ",ou=roles,ou=roles," BELOW_A},
		{CK_KIND_ROLE, "ckId=" R ",ckId=" R ",ckId=" R ",ou=roles," BELOW_A},
		{CK_KIND_ROLE, "ckName=dba,ou=roles," BELOW_A},
		{CK_KIND_ROLE, "ckKeyHash=" H ",ou=roles," BELOW_A},
		{CK_KIND_AUTHORITY, "ckId=" A ",ou=staff," BELOW_A},
		{CK_KIND_AUTHORITY, "ou=authorities," SUFFIX},
		{CK_KIND_STAFF, BELOW_A},
		{CK_KIND_STAFF, "ckId=" S ",ckId=" X ",ou=staff," BELOW_A},
		{CK_KIND_KEY, "ckId=" X ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_KEY, "ckKeyHash=" H ",ou=staff," BELOW_A},
		{CK_KIND_KEY, "ckKeyHash=" H ",ckId=" S ",ou=roles," BELOW_A},
		{CK_KIND_KEY, "ckKeyHash=" H "00,ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_GRANT, "ckId=" X ",ou=roles," BELOW_A},
		{CK_KIND_GRANT, "ckId=" X ",ckId=" R ",ou=staff," BELOW_A},
		{CK_KIND_CODE, "ckId=" X ",ckId=" S ",ou=roles," BELOW_A},
		{CK_KIND_CODE, "ckId=" X ",ou=staff," BELOW_A},
		{CK_KIND_KEY_USE, "ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_KEY_USE, "cn=used,ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_KEY_USE, "cn=use,ckId=" X ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_KEY_USE, "cn=use,ckKeyHash=" H ",ou=staff," BELOW_A},
		{CK_KIND_KEY_USE, "cn=use,ckKeyHash=" H ",ckId=" S ",ou=roles," BELOW_A},
		{CK_KIND_KEY_USE, "cn=use,cn=use,ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_KEY_USE, "ckId=" X ",ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_KEY, "cn=use,ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_CODE, "ckId=" X ",ckKeyHash=" H ",ckId=" S ",ou=staff," BELOW_A},
		{CK_KIND_SYSTEM, "ckId=" X ",ou=rules," BELOW_A},
		{CK_KIND_RULE, "ckId=" X ",ou=systems," BELOW_A},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make(cases[i].kind);
		making.entry.dn = ck_text_of(cases[i].dn);
		ck_assert_msg(map() == CK_ERR_INVALID, "%s", cases[i].dn);
		ck_assert_msg(strncmp(err.text, "dn:", 3) == 0, "%s: %s", cases[i].dn, err.text);
	}
	static char long_dn[CK_DN_LIMIT_BYTES + 200];
	memset(long_dn, 'x', sizeof long_dn);
	make(CK_KIND_ROLE);
	making.entry.dn = (struct ck_text){long_dn, sizeof long_dn};
	refused("dn:");
}
END_TEST

static struct ck_id id_of(const char *text)
{
	struct ck_id id;
	ck_assert_int_eq(ck_id_parse(ck_text_of(text), &id), CK_OK);
	return id;
}

START_TEST(dns_are_built_as_they_are_read)
{
	uint8_t hash[CK_HASH_BYTES];
	ck_assert_int_eq(ck_hex_decode(ck_text_of(H), hash, sizeof hash), CK_OK);
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		char dn[CK_DN_LIMIT_BYTES];
		enum ck_kind kind = (enum ck_kind)k;
		bool key = kind == CK_KIND_KEY || kind == CK_KIND_KEY_USE;
		const char *own = kind == CK_KIND_AUTHORITY ? A : kind == CK_KIND_STAFF ? S : kind == CK_KIND_ROLE ? R : X;
		const char *parent = kind == CK_KIND_GRANT ? R : S;
		ck_assert_int_eq(ck_entry_dn(kind, id_of(own), key ? hash : NULL, id_of(parent), id_of(A), ck_text_of(SUFFIX), dn), CK_OK);
		ck_assert_str_eq(dn, samples[k].dn);
	}
	char dn[CK_DN_LIMIT_BYTES];
	char suffix[CK_DN_LIMIT_BYTES];
	memset(suffix, 'x', sizeof suffix);
	struct ck_text long_suffix = {suffix, sizeof suffix};
	ck_assert_int_eq(ck_entry_dn(CK_KIND_STAFF, id_of(S), NULL, id_of(A), id_of(A), long_suffix, dn), CK_ERR_LIMIT);
	ck_assert_str_eq(dn, "");
	ck_assert_int_eq(ck_entry_dn(CK_KIND_KEY, id_of(S), NULL, id_of(A), id_of(A), ck_text_of(SUFFIX), dn), CK_ERR_INVALID);
	ck_assert_int_eq(ck_entry_dn(CK_KIND_KEY_USE, id_of(S), NULL, id_of(A), id_of(A), ck_text_of(SUFFIX), dn), CK_ERR_INVALID);
	ck_assert_int_eq(ck_entry_dn(CK_KIND_ROLE, id_of(S), hash, id_of(A), id_of(A), ck_text_of(SUFFIX), dn), CK_ERR_INVALID);
	ck_assert_int_eq(ck_entry_dn(CK_KIND_NONE, id_of(S), NULL, id_of(A), id_of(A), ck_text_of(SUFFIX), dn), CK_ERR_INVALID);
}
END_TEST

START_TEST(what_a_faulty_entry_claims)
{
	make(CK_KIND_STAFF);
	set("ckStatus", "perhaps");
	refused("ckStatus");
	ck_assert(ck_entry_claims(&making.entry, ck_text_of(SUFFIX), &record));
	ck_assert_int_eq(record.kind, CK_KIND_STAFF);
	ck_assert(ck_id_equal(record.id, id_of(S)) && ck_id_equal(record.authority, id_of(A)));
	ck_assert(ck_text_is(record.as.staff.uid, "mia") && ck_text_is(record.as.staff.mail, "mia@northwich.gov.uk"));
	ck_assert(ck_text_is(record.as.staff.staff_number, "1001") && record.as.staff.uid_number == 200001);
	/* what is there twice, too long or no number is no claim */
	add("uid", "max");
	set("uidNumber", "many");
	set("mail", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
	take("employeeNumber");
	ck_assert(ck_entry_claims(&making.entry, ck_text_of(SUFFIX), &record));
	ck_assert_uint_eq(record.as.staff.uid.length + record.as.staff.mail.length + record.as.staff.staff_number.length, 0);
	ck_assert_uint_eq(record.as.staff.uid_number, 0);
	/* without a class that is known, the id is left */
	make(CK_KIND_ROLE);
	set("objectClass", "ckNewRole");
	ck_assert(ck_entry_claims(&making.entry, ck_text_of(SUFFIX), &record));
	ck_assert_int_eq(record.kind, CK_KIND_NONE);
	ck_assert(ck_id_equal(record.id, id_of(R)));
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		make((enum ck_kind)k);
		ck_assert(ck_entry_claims(&making.entry, ck_text_of(SUFFIX), &record));
		ck_assert_int_eq(record.kind, (int)k);
	}
	make(CK_KIND_KEY_USE);
	set("objectClass", "ckKey");
	ck_assert(ck_entry_claims(&making.entry, ck_text_of(SUFFIX), &record));
	ck_assert_int_eq(record.kind, CK_KIND_KEY_USE);
	making.entry.dn = ck_text_of("cn=use," SUFFIX);
	ck_assert(!ck_entry_claims(&making.entry, ck_text_of(SUFFIX), &record));
}
END_TEST

START_TEST(what_may_be_set)
{
	ck_assert(ck_entry_attribute_settable(CK_KIND_ROLE, ck_text_of("ckName")));
	ck_assert(ck_entry_attribute_settable(CK_KIND_ROLE, ck_text_of("CKNAME")));
	static const char *const never[] = {"ckId", "ckProof", "objectClass", "entryCSN", "entryUUID", "ckKeyHash", "ckStaffNumber",
	                                    "ckCounter", "ckLastUse", "userPassword", "", "ckNew"};
	for (size_t k = CK_KIND_NONE; k <= CK_KIND_LAST + 1; k++)
		for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
			ck_assert(!ck_entry_attribute_settable((enum ck_kind)k, ck_text_of(never[i])));
	ck_assert(ck_entry_attribute_changeable(CK_KIND_KEY, ck_text_of("ckLabel")));
	ck_assert(!ck_entry_attribute_changeable(CK_KIND_KEY, ck_text_of("ckPublicKey")));
	ck_assert(!ck_entry_attribute_changeable(CK_KIND_GRANT, ck_text_of("ckStaffId")));
	ck_assert(!ck_entry_attribute_changeable(CK_KIND_SYSTEM, ck_text_of("ckName")));
	ck_assert(!ck_entry_attribute_changeable(CK_KIND_CODE, ck_text_of("ckValidUntil")));
	ck_assert_str_eq(ck_entry_object_classes(CK_KIND_STAFF)[2], "ckStaff");
	ck_assert_ptr_null(ck_entry_object_classes(CK_KIND_NONE)[0]);
}
END_TEST

START_TEST(a_password_is_no_record)
{
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_bytes cn = ck_bytes_of(ck_text_of("password")), proof = ck_bytes_of(ck_text_of("x"));
	struct ck_bytes kinds[] = {ck_bytes_of(ck_text_of("ckPassword")), ck_bytes_of(ck_text_of("ckRole"))};
	struct ck_attribute attributes[] = {{ck_text_of("objectClass"), kinds, 1}, {ck_text_of("cn"), &cn, 1}, {ck_text_of("ckProof"), &proof, 1}};
	ck_assert_int_eq(ck_entry_password_dn(id_of(S), id_of(A), ck_text_of(SUFFIX), dn), CK_OK);
	ck_assert_str_eq(dn, "cn=password,ckId=" S ",ou=staff,ckId=" A ",ou=authorities," SUFFIX);
	struct ck_entry entry = {ck_text_of(dn), attributes, 3};
	ck_assert_int_eq(ck_entry_to_record(&entry, ck_text_of(SUFFIX), &scratch, &record, &err), CK_ERR_NOT_FOUND);
	attributes[0].count = 2;
	ck_assert_int_eq(ck_entry_to_record(&entry, ck_text_of(SUFFIX), &scratch, &record, &err), CK_ERR_INVALID);
	char suffix[CK_DN_LIMIT_BYTES];
	memset(suffix, 'x', sizeof suffix);
	ck_assert_int_eq(ck_entry_password_dn(id_of(S), id_of(A), (struct ck_text){suffix, sizeof suffix}, dn), CK_ERR_LIMIT);
	ck_assert_int_eq(ck_entry_password_dn(id_of(S), id_of(A), (struct ck_text){suffix, CK_DN_LIMIT_BYTES - 120}, dn), CK_ERR_LIMIT);
	ck_assert_str_eq(dn, "");
}
END_TEST

START_TEST(what_is_derived)
{
	const char *name = NULL;
	char out[CK_DERIVED_LIMIT_BYTES];
	ck_assert_int_eq(ck_entry_derive(CK_KIND_STAFF, id_of(A), ck_text_of("EmployeeNumber"), ck_text_of("7"), &name, out), CK_OK);
	ck_assert_str_eq(name, "ckStaffNumber");
	ck_assert_str_eq(out, A ":7");
	ck_assert_int_eq(ck_entry_derive(CK_KIND_STAFF, id_of(A), ck_text_of("mail"), ck_text_of("7"), &name, out), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_entry_derive(CK_KIND_ROLE, id_of(A), ck_text_of("employeeNumber"), ck_text_of("7"), &name, out), CK_ERR_NOT_FOUND);
	static char long_number[CK_NAME_LIMIT_BYTES + 1];
	ck_assert_int_eq(ck_entry_derive(CK_KIND_STAFF, id_of(A), ck_text_of("employeeNumber"),
	                                 (struct ck_text){long_number, sizeof long_number}, &name, out), CK_ERR_LIMIT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("entry");
	TCase *tc = tcase_create("entry");
	tcase_add_test(tc, valid_ones_map);
	tcase_add_test(tc, staff_has_all_it_says);
	tcase_add_test(tc, the_rest_has_all_it_says);
	tcase_add_test(tc, names_are_compared_without_case);
	tcase_add_test(tc, each_must_is_missed);
	tcase_add_test(tc, each_single_one_is_doubled);
	tcase_add_test(tc, lists_have_a_limit);
	tcase_add_test(tc, entries_have_limits);
	tcase_add_test(tc, wrong_values);
	tcase_add_test(tc, what_stands_alone_is_not_beside_another);
	tcase_add_test(tc, unknown_ck_attributes_are_faults);
	tcase_add_test(tc, classes);
	tcase_add_test(tc, attributes_given_twice);
	tcase_add_test(tc, wrong_places);
	tcase_add_test(tc, dns_are_built_as_they_are_read);
	tcase_add_test(tc, what_a_faulty_entry_claims);
	tcase_add_test(tc, what_may_be_set);
	tcase_add_test(tc, a_password_is_no_record);
	tcase_add_test(tc, what_is_derived);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
