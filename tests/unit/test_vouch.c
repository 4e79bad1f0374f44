/* Vouching without processes: the code, what is signed, and whether a proof still says who somebody is. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/vouch.h"
#include "tests/fakes/soft_key.h"
#include "tests/fakes/store_builder.h"
#include "tests/unit/suite.h"

#define T(string) ck_text_of(string)
#define RP "portal.example.gov.uk"
#define NOW_S CK_BUILDER_NOW_S
#define LIMIT_S 300
enum { LEEDS = 1, ROCHDALE = 2, ALICE = 11, BOB = 12, CAROL = 13, KEY = 41 };

/* ---- the code ---- */

START_TEST(a_code_is_read_as_it_was_made_however_it_is_typed)
{
	static const char *const between[] = {" ", "-", ".", "", "  "};
	char code[CK_VOUCH_CODE_BYTES], read[CK_VOUCH_CODE_BYTES], text[CK_VOUCH_CODE_TEXT_BYTES + 8], shown[CK_VOUCH_CODE_TEXT_BYTES];
	const uint64_t numbers[] = {0, 1, 40715528916, CK_VOUCH_CODE_NUMBERS - 1};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		ck_vouch_code_make(numbers[i], code);
		ck_assert_uint_eq(strlen(code), CK_VOUCH_CODE_DIGITS);
		for (size_t j = 0; j < sizeof between / sizeof between[0]; j++) {
			(void)snprintf(text, sizeof text, "%.4s%s%.4s%s%.4s%s", code, between[j], code + 4, between[j], code + 8, between[j]);
			ck_assert_int_eq(ck_vouch_code_parse(T(text), read), CK_OK);
			ck_assert_str_eq(read, code);
		}
		ck_assert_int_eq(ck_vouch_code_parse(T(ck_vouch_code_format(code, shown)), read), CK_OK);
	}
}
END_TEST

static bool is_noticed(const char *digits)
{
	char read[CK_VOUCH_CODE_BYTES] = "x";
	return ck_vouch_code_parse(T(digits), read) == CK_ERR_INVALID && read[0] == '\0';
}

START_TEST(one_wrong_digit_and_two_neighbours_swapped_are_noticed)
{
	char code[CK_VOUCH_CODE_BYTES], wrong[CK_VOUCH_CODE_BYTES];
	for (unsigned round = 0; round < 200; round++) {
		ck_vouch_draw(code);
		for (size_t i = 0; i < CK_VOUCH_CODE_DIGITS; i++) {
			for (char digit = '0'; digit <= '9'; digit++) {
				memcpy(wrong, code, sizeof wrong);
				wrong[i] = digit;
				ck_assert(digit == code[i] || is_noticed(wrong));
			}
			if (i + 1 == CK_VOUCH_CODE_DIGITS || code[i] == code[i + 1]) continue;
			memcpy(wrong, code, sizeof wrong);
			wrong[i] = code[i + 1];
			wrong[i + 1] = code[i];
			ck_assert(is_noticed(wrong));
		}
	}
}
END_TEST

START_TEST(what_is_no_code_is_none)
{
	char code[CK_VOUCH_CODE_BYTES], longer[200];
	ck_vouch_code_make(12345678901, code);
	ck_assert(is_noticed(""));
	ck_assert(is_noticed("12345678901"));
	(void)snprintf(longer, sizeof longer, "%s0", code);
	ck_assert(is_noticed(longer));
	(void)snprintf(longer, sizeof longer, "%.11sx", code);
	ck_assert(is_noticed(longer));
	(void)snprintf(longer, sizeof longer, "%s\xe2\x80\x93", code);
	ck_assert(is_noticed(longer));
	(void)snprintf(longer, sizeof longer, "%s%60s", code, " ");
	ck_assert(is_noticed(longer));
}
END_TEST

START_TEST(codes_differ_and_use_every_digit_everywhere)
{
	unsigned seen[CK_VOUCH_CODE_DIGITS][10] = {{0}};
	char code[CK_VOUCH_CODE_BYTES];
	for (unsigned round = 0; round < 2000; round++) {
		ck_vouch_draw(code);
		for (size_t i = 0; i < CK_VOUCH_CODE_DIGITS; i++) seen[i][code[i] - '0']++;
	}
	for (size_t i = 0; i < CK_VOUCH_CODE_DIGITS; i++)
		for (size_t digit = 0; digit < 10; digit++) ck_assert_uint_gt(seen[i][digit], 0); /* else one in 10^90 */
}
END_TEST

START_TEST(a_digest_needs_the_secret_and_the_whole_code)
{
	uint8_t secret[32] = {1}, other[32] = {2}, a[32], b[32];
	ck_vouch_digest(secret, sizeof secret, "123456789012", a);
	ck_vouch_digest(secret, sizeof secret, "123456789012", b);
	ck_assert_mem_eq(a, b, 32);
	ck_vouch_digest(secret, sizeof secret, "123456789013", b);
	ck_assert_mem_ne(a, b, 32);
	ck_vouch_digest(other, sizeof other, "123456789012", b);
	ck_assert_mem_ne(a, b, 32);
}
END_TEST

/* ---- statement and proof ---- */

static struct ck_vouch_statement statement_for(const char *kind, const char *name, unsigned id)
{
	struct ck_vouch_statement s = {
		.system = T("db1"), .user = T("alice"), .kind = T(kind), .name = T(name), .id = ck_builder_id(id), .nonce = {7}, .time_s = NOW_S - 60};
	return s;
}

START_TEST(a_statement_has_one_form)
{
	uint8_t bytes[CK_VOUCH_STATEMENT_LIMIT_BYTES], again[CK_VOUCH_STATEMENT_LIMIT_BYTES];
	size_t length, again_length;
	struct ck_vouch_statement s = statement_for("staff", "bob", BOB), read;
	ck_assert_int_eq(ck_vouch_statement_encode(&s, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_eq(ck_vouch_statement_decode((struct ck_bytes){bytes, length}, &read), CK_OK);
	ck_assert(ck_text_equal(read.user, s.user) && ck_text_equal(read.name, s.name) && ck_id_equal(read.id, s.id) && read.time_s == s.time_s);
	ck_assert_int_eq(ck_vouch_statement_encode(&read, again, sizeof again, &again_length), CK_OK);
	ck_assert(ck_bytes_equal((struct ck_bytes){bytes, length}, (struct ck_bytes){again, again_length}));
	for (size_t cut = 0; cut < length; cut++)
		ck_assert_int_ne(ck_vouch_statement_decode((struct ck_bytes){bytes, cut}, &read), CK_OK);
	s.kind = T("role");
	ck_assert_int_eq(ck_vouch_statement_encode(&s, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_eq(ck_vouch_statement_decode((struct ck_bytes){bytes, length}, &read), CK_ERR_INVALID);
	ck_assert_int_eq(ck_vouch_statement_encode(&s, bytes, 20, &length), CK_ERR_LIMIT);
}
END_TEST

START_TEST(every_field_of_a_statement_changes_what_is_signed)
{
	uint8_t first[32], other[32];
	struct ck_vouch_statement same = statement_for("staff", "bob", BOB), s[7] = {same, same, same, same, same, same, same};
	s[0].system = T("db2");
	s[1].user = T("alic");
	s[2].kind = T("authority");
	s[3].name = T("rob");
	s[4].id = ck_builder_id(CAROL);
	s[5].nonce[31] = 1;
	s[6].time_s++;
	ck_assert_int_eq(ck_vouch_hash(&same, first), CK_OK);
	for (size_t i = 0; i < 7; i++) {
		ck_assert_int_eq(ck_vouch_hash(&s[i], other), CK_OK);
		ck_assert_mem_ne(first, other, 32);
	}
}
END_TEST

/* ---- whether it still stands ---- */

static struct ck_builder *builder;
static struct ck_soft_credential alice;
static struct ck_vouch_statement statement;
static uint8_t statement_bytes[CK_VOUCH_STATEMENT_LIMIT_BYTES], proof_bytes[CK_VOUCH_PROOF_LIMIT_BYTES], key_hash[32];
static struct ck_soft_assertion made;
static struct ck_vouch_proof proof;
static struct ck_vouch_question question;
static struct ck_vouch_known known;

static void put_key(void (*change)(struct ck_record *key))
{
	struct ck_record *record = ck_builder_key(builder, KEY, LEEDS, ALICE, "");
	struct ck_bytes id = {alice.id, alice.id_length};
	ck_sha256(record->as.key.hash, &id, 1);
	memcpy(key_hash, record->as.key.hash, 32);
	memcpy(record->id.bytes, record->as.key.hash, sizeof record->id.bytes);
	record->as.key.credential_id = id;
	record->as.key.public_key = (struct ck_bytes){alice.cose, alice.cose_length};
	record->as.key.attested = true;
	if (change != NULL) change(record);
	ck_builder_put(builder, record);
}

static void sign_with(const char *tag, size_t tag_bytes, bool verified)
{
	uint8_t challenge[32];
	size_t length;
	ck_assert_int_eq(ck_vouch_statement_encode(&statement, statement_bytes, sizeof statement_bytes, &length), CK_OK);
	const struct ck_bytes parts[] = {{(const uint8_t *)tag, tag_bytes}, {statement_bytes, length}};
	ck_sha256(challenge, parts, 2);
	ck_assert(ck_soft_make_assertion(&alice, challenge, verified, &made));
	proof = (struct ck_vouch_proof){.statement = {statement_bytes, length},
	                                .key_hash = {key_hash, 32},
	                                .auth_data = {made.auth_data, made.auth_data_length},
	                                .signature = {made.signature, made.signature_length}};
}

static void sign(void) { sign_with(CK_TAG_VOUCH, sizeof CK_TAG_VOUCH, true); }

static void set_up(void)
{
	builder = ck_builder_new();
	ck_builder_put(builder, ck_builder_authority(builder, LEEDS, "leeds"));
	ck_builder_put(builder, ck_builder_authority(builder, ROCHDALE, "rochdale"));
	ck_builder_put(builder, ck_builder_staff(builder, ALICE, LEEDS, "alice", 200011));
	ck_builder_put(builder, ck_builder_staff(builder, BOB, ROCHDALE, "bob", 200012));
	ck_assert(ck_soft_make_credential(&alice, RP, CK_SOFT_ES256, "alice"));
	put_key(NULL);
	statement = statement_for("staff", "bob", BOB);
	question = (struct ck_vouch_question){.system = T("db1"), .rp_id = T(RP), .now = {.s = NOW_S}, .limit_s = LIMIT_S};
	sign();
}

static void tear_down(void) { ck_builder_free(&builder); }

static const char *refused(void)
{
	size_t length;
	bool corrupt;
	struct ck_errmsg why;
	ck_assert_int_eq(ck_vouch_proof_encode(&proof, proof_bytes, sizeof proof_bytes, &length), CK_OK);
	question.proof = (struct ck_bytes){proof_bytes, length};
	const char *reason = ck_vouch_refuse(ck_builder_view(builder), &question, &known, &corrupt, &why);
	ck_assert(!corrupt);
	return reason;
}

START_TEST(a_proof_says_who_it_is_and_what_they_proved)
{
	ck_assert_ptr_null(refused());
	ck_assert(ck_text_is(known.staff.as.staff.uid, "alice"));
	ck_assert_uint_eq(known.proved, CK_PROVED_TOUCH | CK_PROVED_VERIFIED | CK_PROVED_ATTESTED);
	ck_assert_int_eq(known.time_s, NOW_S - 60);
	statement = statement_for("authority", "rochdale", ROCHDALE);
	sign();
	ck_assert_ptr_null(refused());
}
END_TEST

START_TEST(bytes_that_are_no_proof_are_refused)
{
	size_t length;
	bool corrupt;
	struct ck_errmsg why;
	ck_assert_int_eq(ck_vouch_proof_encode(&proof, proof_bytes, sizeof proof_bytes, &length), CK_OK);
	for (size_t cut = 0; cut < length; cut++) {
		question.proof = (struct ck_bytes){proof_bytes, cut};
		ck_assert_str_eq(ck_vouch_refuse(ck_builder_view(builder), &question, &known, &corrupt, &why), "vouch-proof");
	}
}
END_TEST

START_TEST(a_signature_over_anything_else_is_refused)
{
	static const char login[] = "crosskeys login v1", change[] = "crosskeys change v1", identify[] = "crosskeys identify v1";
	sign_with(login, sizeof login, true);
	ck_assert_str_eq(refused(), "vouch-proof");
	sign_with(change, sizeof change, true);
	ck_assert_str_eq(refused(), "vouch-proof");
	sign_with(identify, sizeof identify, true);
	ck_assert_str_eq(refused(), "vouch-proof");
	sign_with(CK_TAG_VOUCH, sizeof CK_TAG_VOUCH - 1, true); /* the NUL belongs to it */
	ck_assert_str_eq(refused(), "vouch-proof");
	sign();
	made.signature[made.signature_length - 1] ^= 1;
	ck_assert_str_eq(refused(), "vouch-proof");
}
END_TEST

START_TEST(a_key_that_did_not_verify_its_user_is_refused)
{
	sign_with(CK_TAG_VOUCH, sizeof CK_TAG_VOUCH, false);
	ck_assert_str_eq(refused(), "vouch-proof");
}
END_TEST

START_TEST(another_relying_party_and_another_system_are_refused)
{
	question.rp_id = T("elsewhere.example.gov.uk");
	ck_assert_str_eq(refused(), "vouch-proof");
	question.rp_id = T(RP);
	question.system = T("db2");
	ck_assert_str_eq(refused(), "vouch-proof");
}
END_TEST

START_TEST(a_statement_that_was_changed_after_it_was_signed_is_refused)
{
	size_t length;
	ck_builder_put(builder, ck_builder_staff(builder, CAROL, LEEDS, "carol", 200013));
	struct ck_vouch_statement other = statement_for("staff", "carol", CAROL);
	ck_assert_int_eq(ck_vouch_statement_encode(&other, statement_bytes, sizeof statement_bytes, &length), CK_OK);
	proof.statement.length = length;
	ck_assert_str_eq(refused(), "vouch-proof");
}
END_TEST

START_TEST(one_that_is_too_old_or_of_tomorrow_is_refused)
{
	statement.time_s = NOW_S - LIMIT_S;
	sign();
	ck_assert_ptr_null(refused());
	statement.time_s = NOW_S - LIMIT_S - 1;
	sign();
	ck_assert_str_eq(refused(), "vouch-old");
	statement.time_s = NOW_S + 3600;
	sign();
	ck_assert_str_eq(refused(), "vouch-old");
}
END_TEST

static void revoked(struct ck_record *key) { key->as.key.status = CK_STATUS_REVOKED; }
static void ended(struct ck_record *key) { key->as.key.window.until_s = NOW_S; }
static void file_elsewhere(struct ck_record *key) { key->authority = ck_builder_id(ROCHDALE); }
static void give_away(struct ck_record *key) { key->as.key.staff = ck_builder_id(BOB); }

START_TEST(a_key_that_is_no_longer_good_or_theirs_is_refused)
{
	void (*const changes[])(struct ck_record *) = {revoked, ended, file_elsewhere, give_away};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		put_key(changes[i]);
		ck_assert_str_eq(refused(), "vouch-ended");
		put_key(NULL);
		ck_assert_ptr_null(refused());
	}
	ck_builder_remove(builder, CK_KIND_KEY, KEY);
	ck_assert_str_eq(refused(), "vouch-ended");
}
END_TEST

START_TEST(a_person_who_is_no_longer_active_is_refused)
{
	struct ck_record *staff = ck_builder_staff(builder, ALICE, LEEDS, "alice", 200011);
	staff->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(builder, staff);
	ck_assert_str_eq(refused(), "vouch-ended");
	staff = ck_builder_staff(builder, ALICE, LEEDS, "alice", 200011);
	staff->as.staff.window.until_s = NOW_S;
	ck_builder_put(builder, staff);
	ck_assert_str_eq(refused(), "vouch-ended");
	staff = ck_builder_staff(builder, ALICE, LEEDS, "alice", 200011);
	staff->as.staff.listed = false; /* chooses to be known to this one person */
	ck_builder_put(builder, staff);
	ck_assert_ptr_null(refused());
	struct ck_record *authority = ck_builder_authority(builder, LEEDS, "leeds");
	authority->as.authority_of.status = CK_STATUS_SUSPENDED;
	ck_builder_put(builder, authority);
	ck_assert_str_eq(refused(), "vouch-ended");
}
END_TEST

START_TEST(a_clock_that_is_behind_lets_no_end_count)
{
	struct ck_record *staff = ck_builder_staff(builder, ALICE, LEEDS, "alice", 200011);
	staff->as.staff.window.until_s = NOW_S + 1000;
	ck_builder_put(builder, staff);
	ck_assert_ptr_null(refused());
	question.now.behind = true;
	ck_assert_str_eq(refused(), "vouch-ended");
}
END_TEST

START_TEST(whom_it_is_for_must_still_be_there_under_the_name_that_was_signed)
{
	/* an id that is not that name's: a gate put it in the place of the right one */
	statement = statement_for("staff", "bob", CAROL);
	sign();
	ck_assert_str_eq(refused(), "vouch-nobody");
	statement = statement_for("staff", "robert", BOB);
	sign();
	ck_assert_str_eq(refused(), "vouch-nobody");
	statement = statement_for("authority", "rochdale", LEEDS);
	sign();
	ck_assert_str_eq(refused(), "vouch-nobody");
	statement = statement_for("staff", "bob", BOB);
	sign();
	ck_assert_ptr_null(refused());
	struct ck_record *staff = ck_builder_staff(builder, BOB, ROCHDALE, "bob", 200012);
	staff->as.staff.listed = false; /* found by nobody */
	ck_builder_put(builder, staff);
	ck_assert_str_eq(refused(), "vouch-nobody");
	staff = ck_builder_staff(builder, BOB, ROCHDALE, "bob", 200012);
	staff->as.staff.status = CK_STATUS_SUSPENDED;
	ck_builder_put(builder, staff);
	ck_assert_str_eq(refused(), "vouch-nobody");
}
END_TEST

START_TEST(a_name_that_nobody_has_stands_for_an_id_too)
{
	uint8_t secret[32] = {3}, other[32] = {4};
	struct ck_id a = ck_vouch_decoy(secret, 32, T("mallory"));
	ck_assert(ck_id_equal(a, ck_vouch_decoy(secret, 32, T("mallory"))));
	ck_assert(!ck_id_equal(a, ck_vouch_decoy(secret, 32, T("mallori"))));
	ck_assert(!ck_id_equal(a, ck_vouch_decoy(other, 32, T("mallory"))));
	ck_assert_uint_eq(a.bytes[6] >> 4, 4);
	ck_assert_uint_eq(a.bytes[8] >> 6, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vouch");
	TCase *code = tcase_create("code"), *stands = tcase_create("stands");
	if (sodium_init() < 0) return EXIT_FAILURE;
	tcase_add_test(code, a_code_is_read_as_it_was_made_however_it_is_typed);
	tcase_add_test(code, one_wrong_digit_and_two_neighbours_swapped_are_noticed);
	tcase_add_test(code, what_is_no_code_is_none);
	tcase_add_test(code, codes_differ_and_use_every_digit_everywhere);
	tcase_add_test(code, a_digest_needs_the_secret_and_the_whole_code);
	tcase_add_test(code, a_statement_has_one_form);
	tcase_add_test(code, every_field_of_a_statement_changes_what_is_signed);
	tcase_add_test(code, a_name_that_nobody_has_stands_for_an_id_too);
	tcase_add_checked_fixture(stands, set_up, tear_down);
	tcase_add_test(stands, a_proof_says_who_it_is_and_what_they_proved);
	tcase_add_test(stands, bytes_that_are_no_proof_are_refused);
	tcase_add_test(stands, a_signature_over_anything_else_is_refused);
	tcase_add_test(stands, a_key_that_did_not_verify_its_user_is_refused);
	tcase_add_test(stands, another_relying_party_and_another_system_are_refused);
	tcase_add_test(stands, a_statement_that_was_changed_after_it_was_signed_is_refused);
	tcase_add_test(stands, one_that_is_too_old_or_of_tomorrow_is_refused);
	tcase_add_test(stands, a_key_that_is_no_longer_good_or_theirs_is_refused);
	tcase_add_test(stands, a_person_who_is_no_longer_active_is_refused);
	tcase_add_test(stands, a_clock_that_is_behind_lets_no_end_count);
	tcase_add_test(stands, whom_it_is_for_must_still_be_there_under_the_name_that_was_signed);
	suite_add_tcase(suite, code);
	suite_add_tcase(suite, stands);
	return suite_run(suite);
}
