/* The first entries of a directory, as LDIF. Values that a person gave are written in base64, so nothing in them can begin a line. */
#include "authd/cli/init.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "directory/base/clock.h"
#include "directory/model/entry.h"

static void print_value(FILE *to, const char *name, const char *value)
{
	char encoded[sodium_base64_ENCODED_LEN(CK_REASON_LIMIT_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	size_t length = strlen(value);
	CK_ASSERT(length <= CK_REASON_LIMIT_BYTES);
	sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)value, length, sodium_base64_VARIANT_ORIGINAL);
	fprintf(to, "%s:: %s\n", name, encoded);
}

static void print_id(FILE *to, const char *name, struct ck_id id)
{
	char text[CK_ID_TEXT_BYTES];
	fprintf(to, "%s: %s\n", name, ck_id_format(id, text));
}

static void print_window(FILE *to, int64_t from_s, int64_t until_s)
{
	char text[CK_TIME_TEXT_BYTES];
	fprintf(to, "ckValidFrom: %s\n", ck_time_format_generalized(from_s, text));
	fprintf(to, "ckValidUntil: %s\n", ck_time_format_generalized(until_s, text));
}

static void begin(const struct ck_init *init, FILE *to, enum ck_kind kind, struct ck_id id, struct ck_id parent)
{
	char dn[CK_DN_LIMIT_BYTES];
	enum ck_error error = ck_entry_dn(kind, id, NULL, parent, init->authority_id, ck_text_of(init->suffix), dn);
	CK_ASSERT(error == CK_OK);
	fprintf(to, "\ndn: %s\n", dn);
	for (const char *const *class = ck_entry_object_classes(kind); *class != NULL; class++) fprintf(to, "objectClass: %s\n", *class);
	print_id(to, "ckId", id);
}

/* The suffix's own entry; its first RDN is dc, o or ou. */
static void print_suffix(const struct ck_init *init, FILE *to)
{
	size_t length = strcspn(init->suffix, ",");
	int value = (int)(length - strcspn(init->suffix, "=") - 1);
	const char *at = init->suffix + strcspn(init->suffix, "=") + 1;
	fprintf(to, "dn: %s\n", init->suffix);
	if (strncmp(init->suffix, "dc=", 3) == 0)
		fprintf(to, "objectClass: organization\nobjectClass: dcObject\no: %.*s\ndc: %.*s\n", value, at, value, at);
	else if (strncmp(init->suffix, "o=", 2) == 0)
		fprintf(to, "objectClass: organization\no: %.*s\n", value, at);
	else
		fprintf(to, "objectClass: organizationalUnit\nou: %.*s\n", value, at);
	fprintf(to, "\ndn: ou=authorities,%s\nobjectClass: organizationalUnit\nou: authorities\n", init->suffix);
}

static void print_authority(const struct ck_init *init, FILE *to)
{
	static const char *const containers[] = {"staff", "roles", "systems", "rules"};
	char id[CK_ID_TEXT_BYTES];
	begin(init, to, CK_KIND_AUTHORITY, init->authority_id, init->authority_id);
	print_value(to, "ckName", init->authority);
	print_value(to, "ckAuthorityKind", init->authority_kind);
	fprintf(to, "ckStatus: active\n");
	print_window(to, CK_TIME_ALWAYS, CK_TIME_UNLIMITED);
	print_id(to, "ckAdminRoleId", init->role_id);
	fprintf(to, "ckUidNumberFirst: %llu\nckUidNumberLast: %llu\n", (unsigned long long)init->uid_number_first,
	        (unsigned long long)init->uid_number_last);
	for (size_t i = 0; i < init->mail_domains_count; i++) print_value(to, "ckMailDomain", init->mail_domains[i]);
	print_value(to, "ckZone", init->zone);
	for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++)
		fprintf(to, "\ndn: ou=%s,ckId=%s,ou=authorities,%s\nobjectClass: organizationalUnit\nou: %s\n", containers[i],
		        ck_id_format(init->authority_id, id), init->suffix, containers[i]);
}

static void print_admin(const struct ck_init *init, FILE *to)
{
	char derived[CK_DERIVED_LIMIT_BYTES];
	const char *name = NULL;
	begin(init, to, CK_KIND_STAFF, init->staff_id, init->staff_id);
	print_value(to, "uid", init->admin);
	fprintf(to, "uidNumber: %llu\ngidNumber: %llu\n", (unsigned long long)init->uid_number_first, (unsigned long long)init->uid_number_first);
	print_value(to, "homeDirectory", init->home);
	print_value(to, "loginShell", init->shell);
	print_value(to, "cn", init->admin_name);
	print_value(to, "sn", init->admin_surname);
	print_value(to, "mail", init->admin_mail);
	print_value(to, "employeeNumber", init->staff_number);
	enum ck_error error = ck_entry_derive(CK_KIND_STAFF, init->authority_id, ck_text_of("employeeNumber"), ck_text_of(init->staff_number),
	                                      &name, derived);
	CK_ASSERT(error == CK_OK);
	print_value(to, name, derived);
	fprintf(to, "ckStatus: active\nckListed: TRUE\n");
	print_window(to, CK_TIME_ALWAYS, CK_TIME_UNLIMITED);
}

static void print_role_and_grant(const struct ck_init *init, FILE *to)
{
	begin(init, to, CK_KIND_ROLE, init->role_id, init->role_id);
	fprintf(to, "ckName: administrators\nckStatus: active\n");
	begin(init, to, CK_KIND_GRANT, init->grant_id, init->role_id);
	print_id(to, "ckStaffId", init->staff_id);
	print_window(to, CK_TIME_ALWAYS, CK_TIME_UNLIMITED);
	print_id(to, "ckGrantedById", (struct ck_id){{0}}); /* root of the core machine */
	fprintf(to, "ckReason: first administrator, named when the instance was made\n");
}

static void print_code(const struct ck_init *init, FILE *to)
{
	char hash[2 * CK_HASH_BYTES + 1];
	begin(init, to, CK_KIND_CODE, init->code_id, init->staff_id);
	print_id(to, "ckIssuerId", (struct ck_id){{0}});
	fprintf(to, "ckCodeHash: %s\n", ck_hex_encode(init->code.hash, sizeof init->code.hash, hash, sizeof hash));
	print_window(to, init->now_s, init->code_until_s);
}

static void print_system(const struct ck_init *init, FILE *to)
{
	begin(init, to, CK_KIND_SYSTEM, init->system_id, init->system_id);
	print_value(to, "ckName", init->system);
	fprintf(to, "ckStatus: active\n");
}

/* What slapo-ppolicy(5) holds every password to. It does not expire by itself: who finds that it must sets pwdMaxAge here. */
static void print_password_policy(const struct ck_init *init, FILE *to)
{
	fprintf(to, "\ndn: cn=password-policy,%s\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: password-policy\n"
	            "pwdAttribute: userPassword\npwdCheckQuality: 1\npwdMinLength: 12\npwdMaxLength: 512\npwdInHistory: 3\n"
	            "pwdMustChange: TRUE\npwdSafeModify: TRUE\npwdAllowUserChange: TRUE\npwdGraceAuthNLimit: 3\npwdExpireWarning: 1209600\n"
	            "pwdLockout: TRUE\npwdMaxFailure: 20\npwdFailureCountInterval: 900\npwdLockoutDuration: 900\n", init->suffix);
}

void ck_init_print_entries(const struct ck_init *init, FILE *to)
{
	print_suffix(init, to);
	print_password_policy(init, to);
	print_authority(init, to);
	print_admin(init, to);
	print_role_and_grant(init, to);
	print_code(init, to);
	print_system(init, to);
}
