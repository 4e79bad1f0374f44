/* Entries for the benchmarks as LDIF on standard output: staff with a key and a grant each, and two rules.
   usage: bench_data SUFFIX AUTHORITY-ID RP-ID COUNT [AUTHORITY-ID…]. The first 64 people, bench0 to bench63, have keys that bench_login can sign
   with. Further authorities: a role that all of their staff hold, and a rule that lets them in by service bench-entry, so that they have accounts. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/model/entry.h"
#include "tests/benchmarks/bench.h"
#include "tests/fakes/soft_key.h"

static struct ck_text suffix;
static struct ck_id authority;

/* Ids that are the same in every run. */
static struct ck_id id_of(const char *kind, unsigned number)
{
	struct ck_id id;
	uint8_t hash[32];
	char text[64];
	int length = snprintf(text, sizeof text, "%s %u", kind, number);
	crypto_hash_sha256(hash, (const unsigned char *)text, (unsigned long long)length);
	memcpy(id.bytes, hash, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

static void begin(enum ck_kind kind, struct ck_id id, const uint8_t *hash, struct ck_id parent)
{
	char dn[CK_DN_LIMIT_BYTES];
	if (ck_entry_dn(kind, id, hash, parent, authority, suffix, dn) != CK_OK) exit(1);
	printf("dn: %s\n", dn);
	for (const char *const *name = ck_entry_object_classes(kind); *name != NULL; name++) printf("objectClass: %s\n", *name);
}

static void put_id(const char *name, struct ck_id id)
{
	char text[CK_ID_TEXT_BYTES];
	printf("%s: %s\n", name, ck_id_format(id, text));
}

static void put_bytes(const char *name, const uint8_t *bytes, size_t length)
{
	static char text[4096];
	printf("%s:: %s\n", name, sodium_bin2base64(text, sizeof text, bytes, length, sodium_base64_VARIANT_ORIGINAL));
}

static void put_forever(void)
{
	puts("ckValidFrom: 00010101000000Z\nckValidUntil: 99991231235959Z");
}

static void put_key(unsigned number, struct ck_id staff, const char *rp_id, const struct ck_soft_credential *shared)
{
	struct ck_soft_credential credential = *shared;
	uint8_t hash[32];
	char seed[32], hex[65];
	snprintf(seed, sizeof seed, "bench%u", number);
	/* making a point takes a while, and only the first keys are ever signed with */
	if (number < 64 && !ck_soft_make_credential(&credential, rp_id, CK_SOFT_ES256, seed)) exit(1);
	if (number >= 64) memcpy(credential.id, id_of("credential", number).bytes, 16);
	crypto_hash_sha256(hash, credential.id, credential.id_length);
	begin(CK_KIND_KEY, (struct ck_id){ { 0 } }, hash, staff);
	printf("ckKeyHash: %s\n", ck_hex_encode(hash, sizeof hash, hex, sizeof hex));
	put_bytes("ckCredentialId", credential.id, credential.id_length);
	put_bytes("ckPublicKey", credential.cose, credential.cose_length);
	printf("ckRpId: %s\nckAaguid: 00000000-0000-0000-0000-000000000000\nckLabel: key\nckAttestation: none\nckCanVerify: TRUE\nckStatus: active\n", rp_id);
	put_forever();
	putchar('\n');
}

/* uid: of a number. */
static struct ck_id put_staff(unsigned number, const char *uid)
{
	char text[CK_ID_TEXT_BYTES];
	struct ck_id staff = id_of("staff", number);
	begin(CK_KIND_STAFF, staff, NULL, authority);
	put_id("ckId", staff);
	/* every tenth is ex-directory, under a name that only bench_names asks for */
	char name[BENCH_NAME_BYTES];
	bool listed = number % BENCH_HIDDEN_EVERY != 0;
	if (listed) (void)snprintf(name, sizeof name, "Person %u", number);
	else bench_name(number, name);
	printf("uid: %s\nuidNumber: %u\ngidNumber: %u\nhomeDirectory: /home/%s\nloginShell: /bin/bash\ncn: Bench %s\nsn: %s\n"
	       "mail: %s@northtown.example\nemployeeNumber: B%u\nckStaffNumber: %s:B%u\nckStatus: active\nckListed: %s\n",
	       uid, 210000 + number, 210000 + number, uid, name, name, uid, number, ck_id_format(authority, text), number, listed ? "TRUE" : "FALSE");
	put_forever();
	putchar('\n');
	return staff;
}

static void put_person(unsigned number, const char *rp_id, struct ck_id role, const struct ck_soft_credential *shared)
{
	char uid[32];
	snprintf(uid, sizeof uid, "bench%u", number);
	struct ck_id staff = put_staff(number, uid), grant = id_of("grant", number);
	put_key(number, staff, rp_id, shared);
	begin(CK_KIND_GRANT, grant, NULL, role);
	put_id("ckId", grant);
	put_id("ckStaffId", staff);
	put_id("ckGrantedById", staff);
	puts("ckReason: benchmark");
	put_forever();
	putchar('\n');
}

static void put_rule(const char *name, const char *service, const char *proved, struct ck_id role)
{
	struct ck_id id = id_of(name, 0);
	begin(CK_KIND_RULE, id, NULL, authority);
	put_id("ckId", id);
	printf("ckName: %s\nckStatus: active\nckTarget: *\nckAccount: self\nckService: %s\nckSource: *\nckWeekly: always\n%s\n", name, service, proved);
	put_id("ckRoleId", role);
	put_forever();
	putchar('\n');
}

static void put_role(struct ck_id role, const char *name, char **all_staff_of)
{
	begin(CK_KIND_ROLE, role, NULL, authority);
	put_id("ckId", role);
	printf("ckName: %s\nckStatus: active\n", name);
	for (; *all_staff_of != NULL; all_staff_of++) printf("ckAllStaffOfId: %s\n", *all_staff_of);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct ck_soft_credential shared;
	uint64_t count = 0;
	if (argc < 5 || argc > 5 + CK_LIST_LIMIT || ck_id_parse(ck_text_of(argv[2]), &authority) != CK_OK || ck_uint_parse(ck_text_of(argv[4]), 64, 2000000, &count) != CK_OK) {
		fputs("usage: bench_data SUFFIX AUTHORITY-ID RP-ID COUNT [AUTHORITY-ID…]\n", stderr);
		return 2;
	}
	if (sodium_init() < 0 || !ck_soft_make_credential(&shared, argv[3], CK_SOFT_ES256, "shared")) return 1;
	suffix = ck_text_of(argv[1]);
	struct ck_id role = id_of("role", 0);
	put_role(role, "benchers", argv + argc);
	put_rule("bench-account", "bench", "ckProved: none", role);
	put_rule("bench-login", "bench-login", "ckProved: touch\nckProved: verified", role);
	if (argc > 5) {
		struct ck_id entrants = id_of("role", 1);
		put_role(entrants, "entrants", argv + 5);
		put_rule("bench-entry", "bench-entry", "ckProved: touch\nckProved: verified", entrants);
	}
	for (unsigned i = 0; i < count; i++) put_person(i, argv[3], role, &shared);
	for (unsigned i = 0; i < count / BENCH_BYSTANDERS_EVERY; i++) {
		char uid[32];
		snprintf(uid, sizeof uid, BENCH_BYSTANDER, BENCH_BYSTANDER_FIRST + 2 * i);
		(void)put_staff((unsigned)count + i, uid);
	}
	return 0;
}
