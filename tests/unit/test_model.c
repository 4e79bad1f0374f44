/* Records by themselves: words, windows, names, networks, and one refusal for each rule of ck_model_validate. */
#include "directory/base/clock.h"
#include "directory/model/record.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ck_text t(const char *string) { return ck_text_of(string); }

static struct ck_id id_of(uint8_t last)
{
	struct ck_id id = {{1, 2, 3, 4, 5, 6, 0x40, 8, 0x80}};
	id.bytes[15] = last;
	return id;
}

START_TEST(traits_have_names)
{
	ck_assert_uint_eq(ck_trait_of_name(t("")), 0);
	ck_assert_uint_eq(ck_trait_of_name(t("USB")), 0);
	for (unsigned bit = 1; bit <= CK_TRAITS_ALL; bit <<= 1) {
		ck_assert_ptr_nonnull(ck_trait_name(bit));
		ck_assert_uint_eq(ck_trait_of_name(t(ck_trait_name(bit))), bit);
	}
	ck_assert_ptr_null(ck_trait_name(0));
	ck_assert_ptr_null(ck_trait_name(3));
	ck_assert_ptr_null(ck_trait_name(CK_TRAITS_ALL + 1));
	ck_assert(ck_traits_valid(0) && ck_traits_valid(CK_TRAITS_TOLD) && ck_traits_valid(CK_TRAIT_BACKUP_ELIGIBLE | CK_TRAIT_BACKED_UP));
}
END_TEST

START_TEST(kinds_and_states_have_names)
{
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++)
		ck_assert_int_eq(ck_kind_of_name(t(ck_kind_name((enum ck_kind)k))), (int)k);
	ck_assert_int_eq(ck_kind_of_name(t("none")), CK_KIND_NONE);
	ck_assert_int_eq(ck_kind_of_name(t("Staff")), CK_KIND_NONE);
	ck_assert_int_eq(ck_status_of_name(t("active")), CK_STATUS_ACTIVE);
	ck_assert_int_eq(ck_status_of_name(t("suspended")), CK_STATUS_SUSPENDED);
	ck_assert_int_eq(ck_status_of_name(t("revoked")), CK_STATUS_REVOKED);
	ck_assert_int_eq(ck_status_of_name(t("none")), CK_STATUS_NONE);
	ck_assert_int_eq(ck_status_of_name(t("Active")), CK_STATUS_NONE);
	ck_assert_int_eq(ck_status_of_name(t("")), CK_STATUS_NONE);
}
END_TEST

START_TEST(windows_hold_their_first_second_and_not_their_last)
{
	struct ck_window window = {100, 200};
	ck_assert(!ck_window_contains(window, (struct ck_moment){.s = 99}));
	ck_assert(ck_window_contains(window, (struct ck_moment){.s = 100}));
	ck_assert(ck_window_contains(window, (struct ck_moment){.s = 199}));
	ck_assert(!ck_window_contains(window, (struct ck_moment){.s = 200}));
	struct ck_window unlimited = {CK_TIME_ALWAYS, CK_TIME_UNLIMITED};
	ck_assert(ck_window_contains(unlimited, (struct ck_moment){.s = 0}));
	ck_assert(ck_window_contains(unlimited, (struct ck_moment){.s = INT64_MAX - 1}));
	struct ck_window empty = {0, 0};
	ck_assert(!ck_window_contains(empty, (struct ck_moment){.s = 0}));
}
END_TEST

START_TEST(proved_words)
{
	unsigned bit = 9;
	char out[CK_PROVED_TEXT_BYTES];
	ck_assert_int_eq(ck_proved_parse(t("touch"), &bit), CK_OK);
	ck_assert_uint_eq(bit, CK_PROVED_TOUCH);
	ck_assert_int_eq(ck_proved_parse(t("none"), &bit), CK_OK);
	ck_assert_uint_eq(bit, 0);
	ck_assert_int_eq(ck_proved_parse(t("Touch"), &bit), CK_ERR_INVALID);
	ck_assert_int_eq(ck_proved_parse(t(""), &bit), CK_ERR_INVALID);
	ck_assert_str_eq(ck_proved_format(0, out), "none");
	ck_assert_str_eq(ck_proved_format(CK_PROVED_DEFAULT, out), "touch+verified");
	ck_assert_str_eq(ck_proved_format(CK_PROVED_ALL, out), "touch+password+verified+attested");
}
END_TEST

START_TEST(uids_byte_for_byte)
{
	static const char *const good[] = {"ab", "a1", "mia", "r-h_0", "abcdefghijklmnopqrstuvwxyz012345"};
	static const char *const bad[] = {"",       "a",     "1ab",      "-ab",       "_ab",         "Mia", "mia ", " mia", "mi a", "mi.a",
	                                  "mi\xc3\xa1", "root",  "daemon",   "nobody",    "systemd-net", "self", "crosskeys-gate",
	                                  "sudo",   "mia\n", "mia:x",    "mia/..",    "abcdefghijklmnopqrstuvwxyz0123456"};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) ck_assert_msg(ck_model_uid_valid(t(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) ck_assert_msg(!ck_model_uid_valid(t(bad[i])), "%s", bad[i]);
	ck_assert(!ck_model_uid_valid((struct ck_text){"ab\0cd", 5}));
	ck_assert(!ck_model_uid_valid((struct ck_text){NULL, 0}));
}
END_TEST

START_TEST(accounts_services_and_system_names)
{
	ck_assert(ck_model_account_valid(t("root")));
	ck_assert(ck_model_account_valid(t("_apt")));
	ck_assert(!ck_model_account_valid(t("self")));
	ck_assert(!ck_model_account_valid(t("Root")));
	ck_assert(!ck_model_account_valid(t("")));
	ck_assert(!ck_model_account_valid(t("1st")));
	ck_assert(ck_model_service_valid(t("sshd")));
	ck_assert(ck_model_service_valid(t("Sudo-i.x_1")));
	ck_assert(!ck_model_service_valid(t("*")));
	ck_assert(!ck_model_service_valid(t("../x")));
	ck_assert(!ck_model_service_valid(t("")));
	ck_assert(ck_model_system_name_valid(t("db1.example.gov.uk")));
	ck_assert(ck_model_system_name_valid(t("a")));
	ck_assert(!ck_model_system_name_valid(t("-a")));
	ck_assert(!ck_model_system_name_valid(t("a.")));
	ck_assert(!ck_model_system_name_valid(t("A")));
	ck_assert(!ck_model_system_name_valid(t("a b")));
	ck_assert(!ck_model_system_name_valid(t("")));
}
END_TEST

START_TEST(networks_parse_and_print)
{
	static const struct {
		const char *in, *out;
	} good[] = {{"10.0.0.0/8", "10.0.0.0/8"},        {"10.1.2.3", "10.1.2.3"},       {"10.1.2.3/32", "10.1.2.3"},
	            {"0.0.0.0/0", "0.0.0.0/0"},          {"2001:db8::/32", "2001:db8::/32"}, {"::1", "::1"},
	            {"::/0", "::/0"},                    {"::ffff:10.0.0.0/104", "10.0.0.0/8"}, {"::ffff:10.0.0.1", "10.0.0.1"},
	            {"192.168.4.0/22", "192.168.4.0/22"}};
	static const char *const bad[] = {"",          "10.0.0.1/8",     "10.0.0.0/33",   "10.0.0.0/",      "10.0.0.0/-1", "10.0.0.0/08",
	                                  "10.0.0/8",  "2001:db8::1/32", "2001:db8::/129", "::ffff:0:0/95", "host",        "fe80::1%eth0",
	                                  "10.0.0.0/8 ", "*",            "local",         "10.0.0.0/8/8",   "010.0.0.1"};
	struct ck_network network;
	char out[CK_NETWORK_TEXT_BYTES];
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ck_assert_msg(ck_network_parse(t(good[i].in), &network) == CK_OK, "%s", good[i].in);
		ck_assert_str_eq(ck_network_format(&network, out), good[i].out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(ck_network_parse(t(bad[i]), &network) == CK_ERR_INVALID, "%s", bad[i]);
		ck_assert_int_eq(network.family, 0);
	}
	ck_assert_int_eq(ck_address_parse(t("10.0.0.0/8"), &network), CK_ERR_INVALID);
	ck_assert_int_eq(ck_address_parse((struct ck_text){"10.0.0.1\0", 9}, &network), CK_ERR_INVALID);
}
END_TEST

static struct ck_source source_of(const char *address)
{
	struct ck_source source = {.present = true};
	ck_assert_int_eq(ck_address_parse(t(address), &source.address), CK_OK);
	return source;
}

START_TEST(networks_match)
{
	struct ck_networks networks = {.count = 3};
	ck_assert_int_eq(ck_network_parse(t("10.32.0.0/11"), &networks.at[0]), CK_OK);
	ck_assert_int_eq(ck_network_parse(t("2001:db8::/33"), &networks.at[1]), CK_OK);
	ck_assert_int_eq(ck_network_parse(t("192.0.2.7"), &networks.at[2]), CK_OK);
	static const struct {
		const char *address;
		bool match;
	} cases[] = {{"10.32.0.0", true},        {"10.63.255.255", true},  {"10.64.0.0", false},         {"10.31.255.255", false},
	             {"::ffff:10.33.1.1", true}, {"2001:db8:7fff::1", true}, {"2001:db8:8000::1", false}, {"192.0.2.7", true},
	             {"192.0.2.6", false},       {"::10.33.1.1", false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ck_source source = source_of(cases[i].address);
		ck_assert_msg(ck_networks_match(&networks, &source) == cases[i].match, "%s", cases[i].address);
	}
	struct ck_source absent = {0}, local = {.present = true, .local = true}, remote = source_of("10.33.1.1");
	struct ck_networks any = {.any = true}, only_local = {.local = true}, none = {0};
	ck_assert(!ck_networks_match(&networks, &absent));
	ck_assert(!ck_networks_match(&networks, &local));
	ck_assert(!ck_networks_match(&none, &remote));
	ck_assert(ck_networks_match(&any, &absent) && ck_networks_match(&any, &local) && ck_networks_match(&any, &remote));
	ck_assert(ck_networks_match(&only_local, &local));
	ck_assert(!ck_networks_match(&only_local, &absent) && !ck_networks_match(&only_local, &remote));
	struct ck_networks all4 = {.count = 1};
	ck_assert_int_eq(ck_network_parse(t("0.0.0.0/0"), &all4.at[0]), CK_OK);
	ck_assert(!ck_networks_match(&all4, &absent));
	ck_assert(ck_networks_match(&all4, &remote));
}
END_TEST

/* ---- one valid record of each kind, and one fault a test ---- */

static struct ck_id ids[CK_LIST_LIMIT + 1];
static uint8_t bytes[2048];
static char letters[2048];
static const struct ck_window open_window = {CK_TIME_ALWAYS, CK_TIME_UNLIMITED};

static struct ck_record valid(enum ck_kind kind)
{
	struct ck_record r = {.kind = kind, .id = id_of(1), .authority = id_of(2)};
	switch (kind) {
	case CK_KIND_AUTHORITY:
		r.authority = r.id;
		r.as.authority_of = (struct ck_authority){.name = t("Northwich Council"), .kind = t("council"), .status = CK_STATUS_ACTIVE,
			.window = open_window, .admin_role = id_of(3), .uid_number_first = 200000, .uid_number_last = 299999,
			.mail_domains = {.at = {t("northwich.gov.uk")}, .count = 1}, .zone = t("Europe/London")};
		break;
	case CK_KIND_STAFF:
		r.as.staff = (struct ck_staff){.uid = t("mia"), .cn = t("Mia Roberts"), .sn = t("Roberts"), .mail = t("mia@northwich.gov.uk"),
			.staff_number = t("1001"), .uid_number = 200001, .gid_number = 200001, .home = t("/home/mia"), .shell = t("/bin/bash"),
			.status = CK_STATUS_ACTIVE, .window = open_window, .listed = true};
		break;
	case CK_KIND_KEY:
		r.as.key = (struct ck_key){.staff = id_of(3), .credential_id = {bytes, 32}, .public_key = {bytes, 77},
			.rp_id = t("portal.northwich.gov.uk"), .label = t("blue key"), .attestation = t("self"), .status = CK_STATUS_ACTIVE,
			.window = open_window};
		memcpy(r.as.key.hash, r.id.bytes, sizeof r.id.bytes);
		break;
	case CK_KIND_ROLE:
		r.as.role = (struct ck_role){.name = t("dba"), .status = CK_STATUS_ACTIVE};
		break;
	case CK_KIND_GRANT:
		r.as.grant = (struct ck_grant){.role = id_of(3), .staff = id_of(4), .window = open_window, .reason = t("on call")};
		break;
	case CK_KIND_SYSTEM:
		r.as.system = (struct ck_system){.name = t("db1"), .status = CK_STATUS_ACTIVE};
		break;
	case CK_KIND_SYSTEM_GROUP:
		r.as.system_group = (struct ck_system_group){.name = t("databases"), .status = CK_STATUS_ACTIVE};
		break;
	case CK_KIND_RULE:
		r.as.rule = (struct ck_rule){.name = t("dba on databases"), .status = CK_STATUS_ACTIVE, .window = open_window, .all_systems = true,
			.roles = {ids, 1}, .accounts = {.at = {t("self")}, .count = 1}, .services = {.at = {t("*")}, .count = 1},
			.sources = {.any = true}, .proved = CK_PROVED_DEFAULT, .weekly = {.always = true}};
		break;
	case CK_KIND_CODE:
		r.as.code = (struct ck_code){.staff = id_of(3), .window = {100, 200}};
		break;
	case CK_KIND_KEY_USE:
		r.as.key_use = (struct ck_key_use){.staff = id_of(3), .count = UINT32_MAX, .used_s = 100};
		memcpy(r.as.key_use.hash, r.id.bytes, sizeof r.id.bytes);
		break;
	case CK_KIND_NONE: break;
	}
	return r;
}

static void setup(void)
{
	for (size_t i = 0; i <= CK_LIST_LIMIT; i++) ids[i] = id_of((uint8_t)(i + 10));
	memset(letters, 'a', sizeof letters);
}

START_TEST(valid_ones_are_valid)
{
	for (size_t k = CK_KIND_AUTHORITY; k <= CK_KIND_LAST; k++) {
		struct ck_record r = valid((enum ck_kind)k);
		struct ck_errmsg err = {""};
		ck_assert_msg(ck_model_validate(&r, &err) == CK_OK, "%s: %s", ck_kind_name((enum ck_kind)k), err.text);
	}
	struct ck_record none = valid(CK_KIND_NONE);
	ck_assert_int_eq(ck_model_validate(&none, NULL), CK_ERR_INVALID);
}
END_TEST

#define REFUSED(kind_, attribute_, change)                                                                                                 \
	do {                                                                                                                               \
		struct ck_record r = valid(kind_);                                                                                         \
		struct ck_errmsg err = {""};                                                                                               \
		change;                                                                                                                    \
		ck_assert_msg(ck_model_validate(&r, &err) == CK_ERR_INVALID, "%s", #change);                                               \
		ck_assert_msg(strncmp(err.text, attribute_ ":", sizeof attribute_) == 0, "%s gave: %s", #change, err.text);                \
	} while (0)

START_TEST(faults_of_any_record)
{
	REFUSED(CK_KIND_ROLE, "ckId", r.id = (struct ck_id){{0}});
	REFUSED(CK_KIND_ROLE, "dn", r.authority = (struct ck_id){{0}});
	REFUSED(CK_KIND_AUTHORITY, "dn", r.authority = id_of(9));
	REFUSED(CK_KIND_ROLE, "entryCSN", r.csn = ((struct ck_text){letters, CK_CSN_LIMIT_BYTES + 1}));
	REFUSED(CK_KIND_KEY, "ckKeyHash", r.as.key.hash[0] ^= 1);
	REFUSED(CK_KIND_KEY_USE, "ckKeyHash", r.as.key_use.hash[0] ^= 1);
}
END_TEST

START_TEST(faults_of_an_authority)
{
	REFUSED(CK_KIND_AUTHORITY, "ckName", r.as.authority_of.name = t(""));
	REFUSED(CK_KIND_AUTHORITY, "ckName", r.as.authority_of.name = t("a\x1b[2J"));
	REFUSED(CK_KIND_AUTHORITY, "ckName", r.as.authority_of.name = t(" a"));
	REFUSED(CK_KIND_AUTHORITY, "ckName", r.as.authority_of.name = ((struct ck_text){letters, CK_NAME_LIMIT_BYTES + 1}));
	REFUSED(CK_KIND_AUTHORITY, "ckAuthorityKind", r.as.authority_of.kind = t("Council"));
	REFUSED(CK_KIND_AUTHORITY, "ckAuthorityKind", r.as.authority_of.kind = t(""));
	REFUSED(CK_KIND_AUTHORITY, "ckStatus", r.as.authority_of.status = CK_STATUS_REVOKED);
	REFUSED(CK_KIND_AUTHORITY, "ckStatus", r.as.authority_of.status = CK_STATUS_NONE);
	REFUSED(CK_KIND_AUTHORITY, "ckValidUntil", r.as.authority_of.window = ((struct ck_window){5, 5}));
	REFUSED(CK_KIND_AUTHORITY, "ckAdminRoleId", r.as.authority_of.admin_role = (struct ck_id){{0}});
	REFUSED(CK_KIND_AUTHORITY, "ckUidNumberFirst", r.as.authority_of.uid_number_first = 199999);
	REFUSED(CK_KIND_AUTHORITY, "ckUidNumberLast", r.as.authority_of.uid_number_last = 199999);
	REFUSED(CK_KIND_AUTHORITY, "ckUidNumberLast", r.as.authority_of.uid_number_last = UINT64_C(2147483647));
	REFUSED(CK_KIND_AUTHORITY, "ckZone", r.as.authority_of.zone = t(""));
	REFUSED(CK_KIND_AUTHORITY, "ckZone", r.as.authority_of.zone = t("../../etc/passwd"));
	REFUSED(CK_KIND_AUTHORITY, "ckZone", r.as.authority_of.zone = t("always"));
	REFUSED(CK_KIND_AUTHORITY, "ckZone", r.as.authority_of.zone_table = ((struct ck_zone_table){.from_s = 2, .until_s = 1}));
	REFUSED(CK_KIND_AUTHORITY, "ckMailDomain", r.as.authority_of.mail_domains.count = 0);
	REFUSED(CK_KIND_AUTHORITY, "ckMailDomain", r.as.authority_of.mail_domains.at[0] = t("Northwich.gov.uk"));
	REFUSED(CK_KIND_AUTHORITY, "ckMailDomain",
	        (r.as.authority_of.mail_domains.at[1] = t("*"), r.as.authority_of.mail_domains.count = 2));
}
END_TEST

START_TEST(faults_of_staff)
{
	REFUSED(CK_KIND_STAFF, "uid", r.as.staff.uid = t("root"));
	REFUSED(CK_KIND_STAFF, "uidNumber", r.as.staff.uid_number = 199999);
	REFUSED(CK_KIND_STAFF, "uidNumber", r.as.staff.uid_number = 0);
	REFUSED(CK_KIND_STAFF, "uidNumber", r.as.staff.uid_number = UINT64_C(4294967296));
	REFUSED(CK_KIND_STAFF, "gidNumber", r.as.staff.gid_number = 0);
	REFUSED(CK_KIND_STAFF, "homeDirectory", r.as.staff.home = t("home/mia"));
	REFUSED(CK_KIND_STAFF, "homeDirectory", r.as.staff.home = t("/home/../root"));
	REFUSED(CK_KIND_STAFF, "homeDirectory", r.as.staff.home = t("/home/mia/.."));
	REFUSED(CK_KIND_STAFF, "homeDirectory", r.as.staff.home = t("/home/mia:x"));
	REFUSED(CK_KIND_STAFF, "homeDirectory", r.as.staff.home = t(""));
	REFUSED(CK_KIND_STAFF, "loginShell", r.as.staff.shell = t("bash"));
	REFUSED(CK_KIND_STAFF, "loginShell", r.as.staff.shell = t("/bin/bash\nroot"));
	REFUSED(CK_KIND_STAFF, "ckStatus", r.as.staff.status = CK_STATUS_REVOKED);
	REFUSED(CK_KIND_STAFF, "ckValidUntil", r.as.staff.window.until_s = CK_TIME_ALWAYS);
	REFUSED(CK_KIND_STAFF, "cn", r.as.staff.cn = t(""));
	REFUSED(CK_KIND_STAFF, "cn", r.as.staff.cn = t("Mia\nRoberts"));
	REFUSED(CK_KIND_STAFF, "sn", r.as.staff.sn = t("\xff"));
	REFUSED(CK_KIND_STAFF, "givenName", r.as.staff.given_name = t("\x7f"));
	REFUSED(CK_KIND_STAFF, "mail", r.as.staff.mail = t(""));
	REFUSED(CK_KIND_STAFF, "mail", r.as.staff.mail = t("mia"));
	REFUSED(CK_KIND_STAFF, "mail", r.as.staff.mail = t("@x"));
	REFUSED(CK_KIND_STAFF, "mail", r.as.staff.mail = t("a@b@c"));
	REFUSED(CK_KIND_STAFF, "mail", r.as.staff.mail = t("a b@c"));
	REFUSED(CK_KIND_STAFF, "telephoneNumber", r.as.staff.telephone = t("\t"));
	REFUSED(CK_KIND_STAFF, "title", r.as.staff.title = ((struct ck_text){letters, CK_NAME_LIMIT_BYTES + 1}));
	REFUSED(CK_KIND_STAFF, "departmentNumber", r.as.staff.department = t(" "));
	REFUSED(CK_KIND_STAFF, "employeeNumber", r.as.staff.staff_number = t(""));
}
END_TEST

START_TEST(faults_of_a_key)
{
	REFUSED(CK_KIND_KEY, "dn", r.as.key.staff = (struct ck_id){{0}});
	REFUSED(CK_KIND_KEY, "ckCredentialId", r.as.key.credential_id.length = 0);
	REFUSED(CK_KIND_KEY, "ckCredentialId", r.as.key.credential_id.length = CK_CREDENTIAL_ID_LIMIT_BYTES + 1);
	REFUSED(CK_KIND_KEY, "ckPublicKey", r.as.key.public_key.length = 0);
	REFUSED(CK_KIND_KEY, "ckPublicKey", r.as.key.public_key.length = CK_PUBLIC_KEY_LIMIT_BYTES + 1);
	REFUSED(CK_KIND_KEY, "ckRpId", r.as.key.rp_id = t("https://x"));
	REFUSED(CK_KIND_KEY, "ckRpId", r.as.key.rp_id = t(""));
	REFUSED(CK_KIND_KEY, "ckLabel", r.as.key.label = t(""));
	REFUSED(CK_KIND_KEY, "ckAttestation", r.as.key.attestation = t("basic"));
	REFUSED(CK_KIND_KEY, "ckAttestation", r.as.key.attestation = t("attested"));
	REFUSED(CK_KIND_KEY, "ckTrait", r.as.key.traits = CK_TRAIT_PROTECTED_2 | CK_TRAIT_PROTECTED_3);
	REFUSED(CK_KIND_KEY, "ckTrait", r.as.key.traits = CK_TRAIT_BACKED_UP);
	REFUSED(CK_KIND_KEY, "ckTrait", r.as.key.traits = CK_TRAITS_ALL + 1);
	REFUSED(CK_KIND_KEY, "ckStatus", r.as.key.status = CK_STATUS_NONE);
	REFUSED(CK_KIND_KEY, "ckValidUntil", r.as.key.window = ((struct ck_window){6, 5}));
	struct ck_record revoked = valid(CK_KIND_KEY);
	revoked.as.key.status = CK_STATUS_REVOKED;
	ck_assert_int_eq(ck_model_validate(&revoked, NULL), CK_OK);
}
END_TEST

START_TEST(faults_of_roles_and_grants)
{
	struct ck_id zero[2] = {{{1}}, {{0}}};
	REFUSED(CK_KIND_ROLE, "ckName", r.as.role.name = t(""));
	REFUSED(CK_KIND_ROLE, "ckStatus", r.as.role.status = CK_STATUS_NONE);
	REFUSED(CK_KIND_ROLE, "ckMemberRoleId", r.as.role.member_roles = ((struct ck_ids){zero, 2}));
	REFUSED(CK_KIND_ROLE, "ckMemberRoleId", r.as.role.member_roles = ((struct ck_ids){ids, CK_LIST_LIMIT + 1}));
	REFUSED(CK_KIND_ROLE, "ckAllStaffOfId", r.as.role.all_staff_of = ((struct ck_ids){NULL, 1}));
	REFUSED(CK_KIND_GRANT, "dn", r.as.grant.role = (struct ck_id){{0}});
	REFUSED(CK_KIND_GRANT, "ckStaffId", r.as.grant.staff = (struct ck_id){{0}});
	REFUSED(CK_KIND_GRANT, "ckValidUntil", r.as.grant.window = ((struct ck_window){0, 0}));
	REFUSED(CK_KIND_GRANT, "ckReason", r.as.grant.reason = t(""));
	REFUSED(CK_KIND_GRANT, "ckReason", r.as.grant.reason = t("a\nb"));
	REFUSED(CK_KIND_GRANT, "ckReason", r.as.grant.reason = ((struct ck_text){letters, CK_REASON_LIMIT_BYTES + 1}));
}
END_TEST

START_TEST(faults_of_systems_and_groups)
{
	struct ck_id zero = {{0}};
	REFUSED(CK_KIND_SYSTEM, "ckName", r.as.system.name = t("DB1"));
	REFUSED(CK_KIND_SYSTEM, "ckStatus", r.as.system.status = CK_STATUS_REVOKED);
	REFUSED(CK_KIND_SYSTEM, "ckGroupId", r.as.system.groups = ((struct ck_ids){&zero, 1}));
	REFUSED(CK_KIND_SYSTEM_GROUP, "ckName", r.as.system_group.name = t(""));
	REFUSED(CK_KIND_SYSTEM_GROUP, "ckStatus", r.as.system_group.status = CK_STATUS_NONE);
}
END_TEST

START_TEST(faults_of_a_rule)
{
	REFUSED(CK_KIND_RULE, "ckName", r.as.rule.name = t(""));
	REFUSED(CK_KIND_RULE, "ckStatus", r.as.rule.status = CK_STATUS_NONE);
	REFUSED(CK_KIND_RULE, "ckValidUntil", r.as.rule.window = ((struct ck_window){2, 1}));
	REFUSED(CK_KIND_RULE, "ckTarget", r.as.rule.targets = ((struct ck_ids){ids, 1}));
	REFUSED(CK_KIND_RULE, "ckTarget", r.as.rule.all_systems = false);
	REFUSED(CK_KIND_RULE, "ckRoleId", r.as.rule.roles.count = 0);
	REFUSED(CK_KIND_RULE, "ckRoleId", r.as.rule.roles.count = CK_LIST_LIMIT + 1);
	REFUSED(CK_KIND_RULE, "ckAccount", r.as.rule.accounts.count = 0);
	REFUSED(CK_KIND_RULE, "ckAccount", r.as.rule.accounts.at[0] = t("*"));
	REFUSED(CK_KIND_RULE, "ckService", r.as.rule.services.count = 0);
	REFUSED(CK_KIND_RULE, "ckService", (r.as.rule.services.at[1] = t("sshd"), r.as.rule.services.count = 2));
	REFUSED(CK_KIND_RULE, "ckSource", r.as.rule.sources.any = false);
	REFUSED(CK_KIND_RULE, "ckSource", r.as.rule.sources.local = true);
	REFUSED(CK_KIND_RULE, "ckSource", (r.as.rule.sources.any = false, r.as.rule.sources.count = 1));
	REFUSED(CK_KIND_RULE, "ckProved", r.as.rule.proved = 16);
	REFUSED(CK_KIND_RULE, "ckWeekly", r.as.rule.weekly.always = false);
	REFUSED(CK_KIND_RULE, "ckWeekly", r.as.rule.weekly.count = 1);
	REFUSED(CK_KIND_RULE, "ckWeekly", r.as.rule.weekly = ((struct ck_weekly){.count = 1, .at = {{0, 7, 0, 60}}}));
	REFUSED(CK_KIND_RULE, "ckWeekly", r.as.rule.weekly = ((struct ck_weekly){.count = 2, .at = {{0, 0, 0, 60}, {0, 1, 30, 90}}}));
	struct ck_record nothing = valid(CK_KIND_RULE);
	nothing.as.rule.proved = CK_PROVED_NOTHING;
	ck_assert_int_eq(ck_model_validate(&nothing, NULL), CK_OK);
}
END_TEST

START_TEST(faults_of_a_code)
{
	REFUSED(CK_KIND_CODE, "dn", r.as.code.staff = (struct ck_id){{0}});
	REFUSED(CK_KIND_CODE, "ckValidUntil", r.as.code.window.until_s = 100);
	REFUSED(CK_KIND_CODE, "ckValidUntil", r.as.code.window.until_s = CK_TIME_UNLIMITED);
	REFUSED(CK_KIND_CODE, "ckValidUntil", r.as.code.window.from_s = CK_TIME_ALWAYS);
	REFUSED(CK_KIND_KEY_USE, "dn", r.as.key_use.staff = (struct ck_id){{0}});
	REFUSED(CK_KIND_KEY_USE, "ckLastUse", r.as.key_use.used_s = CK_TIME_ALWAYS);
	REFUSED(CK_KIND_KEY_USE, "ckLastUse", r.as.key_use.used_s = CK_TIME_UNLIMITED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("model");
	TCase *tc = tcase_create("model");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, traits_have_names);
	tcase_add_test(tc, kinds_and_states_have_names);
	tcase_add_test(tc, windows_hold_their_first_second_and_not_their_last);
	tcase_add_test(tc, proved_words);
	tcase_add_test(tc, uids_byte_for_byte);
	tcase_add_test(tc, accounts_services_and_system_names);
	tcase_add_test(tc, networks_parse_and_print);
	tcase_add_test(tc, networks_match);
	tcase_add_test(tc, valid_ones_are_valid);
	tcase_add_test(tc, faults_of_any_record);
	tcase_add_test(tc, faults_of_an_authority);
	tcase_add_test(tc, faults_of_staff);
	tcase_add_test(tc, faults_of_a_key);
	tcase_add_test(tc, faults_of_roles_and_grants);
	tcase_add_test(tc, faults_of_systems_and_groups);
	tcase_add_test(tc, faults_of_a_rule);
	tcase_add_test(tc, faults_of_a_code);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
