/* Enrolment: codes, who it is for, a registration that is good and each single thing that is wrong with one; recovery by root. */
#include "authd/enrol.h"
#include "tests/unit/change_fixture.h"
#include "tests/unit/suite.h"

static const uint8_t secret[CK_LOGIN_SECRET_BYTES] = "a secret of this machine";
#define AT(time_s) ((struct ck_moment){.s = (time_s)})

static struct ck_enrol_person person;
static struct ck_enrolment enrolment;
static struct ck_nonce enrol_nonce;
static struct ck_soft_credential fresh_key;
static struct ck_soft_registration made;
static struct {
	const char *format, *label;
	uint64_t traits; /* 0: none told */
} sent;

static void enrol_setup(void)
{
	change_setup();
	sent.format = NULL;
	sent.traits = 0;
	sent.label = "the blue one";
	ck_assert(ck_soft_make_credential(&fresh_key, RP, CK_SOFT_ES256, "a new one"));
	ck_assert_int_eq(ck_nonce_issue(&f.nonces, CK_NONCE_ENROL, ck_text_of("bob"), 1000, 1000, NOW, LIFE_MS, &enrol_nonce), CK_OK);
	ck_assert_int_eq(ck_enrol_person(ck_builder_view(f.b), ck_text_of("bob"), secret, AT(NOW), 0, &person), CK_OK);
}

static void register_key(bool verified, bool packed)
{
	uint8_t challenge[CK_CHALLENGE_BYTES];
	ck_assert_int_eq(ck_enrol_challenge(&f.place, &enrol_nonce, challenge), CK_OK);
	ck_assert(ck_soft_make_registration(&fresh_key, challenge, verified, packed, &made));
}

static const char *prepare(void)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, f.body, sizeof f.body);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_OP_ENROL_FINISH);
	ck_field_bytes(&m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(&m, CK_F_NONCE, enrol_nonce.bytes, sizeof enrol_nonce.bytes);
	ck_field_string(&m, CK_F_FORMAT, sent.format != NULL ? sent.format : made.format);
	ck_field_bytes(&m, CK_F_ATT_STMT, made.statement, made.statement_length);
	ck_field_string(&m, CK_F_LABEL, sent.label);
	if (sent.traits != 0) ck_field_uint(&m, CK_F_TRAITS, sent.traits);
	ck_map_end(&m);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){f.body, ck_writer_length(&w)}, &f.map), CK_OK);
	enum ck_error error = ck_enrol_prepare(&f.map, &enrol_nonce, &person, &f.place, ck_builder_view(f.b), &enrolment, &f.denial);
	return error == CK_OK ? "" : f.denial.reason;
}

/* Through the trial, as any change. */
static const char *try_it(void)
{
	struct ck_batch *batch;
	struct ck_errmsg err;
	struct ck_change_source nothing = {0};
	ck_builder_commit(f.b);
	ck_assert_int_eq(ck_batch_begin(ck_builder_store(f.b), &batch, &err), CK_OK);
	enum ck_error error = ck_order_try(&enrolment.order, &f.place, batch, &nothing, &f.denial);
	ck_batch_abort(&batch);
	return error == CK_OK ? "" : f.denial.reason;
}

START_TEST(good)
{
	register_key(true, _i == 0);
	expect_fine(prepare());
	expect_fine(try_it());
	ck_assert_uint_gt(enrolment.proof_length, 0);
	ck_assert_str_eq(enrolment.order.items[0].rule->name, "key.add");
}
END_TEST

START_TEST(later_key_signed_by_an_earlier)
{
	struct ck_prepared_key key = {.staff = ck_builder_id(BOB), .until_ms = 100000};
	register_key(true, true);
	expect_fine(prepare());
	memcpy(key.values_digest, enrolment.order.items[0].statement.digest, 32);
	f.user = "bob";
	f.signer = KEY_BOB;
	begin_as("bob");
	memcpy(f.statements[0], enrolment.statement_bytes, f.statement_lengths[0] = enrolment.statement_length);
	memcpy(f.values[0], enrolment.values_bytes, f.value_lengths[0] = enrolment.values_length);
	f.count = 1;
	touch();
	expect_reason(commit(), "not-enrolled"); /* no registration was seen here */
	ck_prepared_add(&f.prepared, &key, f.place.now_ms);
	begin_as("bob");
	touch();
	expect_fine(commit());
	begin_as("bob");
	touch();
	f.commit_ms = 50000;
	f.prepared.at[0].until_ms = 50000; /* too long ago */
	expect_reason(commit(), "not-enrolled");
}
END_TEST

START_TEST(over_another_nonce)
{
	register_key(true, true);
	enrol_nonce.bytes[0] ^= 1;
	expect_reason(prepare(), "registration");
}
END_TEST

START_TEST(for_another_person)
{
	register_key(true, true);
	strcpy(enrol_nonce.user, "alice");
	expect_reason(prepare(), "registration");
}
END_TEST

START_TEST(for_another_rp)
{
	ck_assert(ck_soft_make_credential(&fresh_key, "other.example.org", CK_SOFT_ES256, "a new one"));
	register_key(true, true);
	expect_reason(prepare(), "registration");
}
END_TEST

START_TEST(unknown_format)
{
	register_key(true, true);
	sent.format = "tpm";
	expect_reason(prepare(), "registration");
}
END_TEST

START_TEST(already_anyones)
{
	ck_assert(ck_soft_make_credential(&fresh_key, RP, CK_SOFT_ES256, "alice"));
	register_key(true, true);
	expect_reason(prepare(), "known-key");
}
END_TEST

START_TEST(bad_label)
{
	register_key(true, true);
	sent.label = "";
	expect_reason(prepare(), "label");
	sent.label = "two\nlines";
	expect_reason(prepare(), "label");
}
END_TEST

START_TEST(without_verification_it_says_so)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count;
	bool found = false;
	register_key(false, true);
	expect_fine(prepare());
	ck_assert_int_eq(ck_change_values_decode(enrolment.order.items[0].values, values, &count), CK_OK);
	for (size_t i = 0; i < count; i++)
		if (ck_text_is(values[i].attribute, "ckCanVerify")) found = ck_bytes_equal(values[i].values[0], ck_bytes_of(ck_text_of("FALSE")));
	ck_assert(found);
}
END_TEST

static struct ck_bytes value_of(const char *attribute)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count;
	ck_assert_int_eq(ck_change_values_decode(enrolment.order.items[0].values, values, &count), CK_OK);
	for (size_t i = 0; i < count; i++)
		if (ck_text_is(values[i].attribute, attribute)) return values[i].values[0];
	return (struct ck_bytes){NULL, 0};
}

/* _i: packed, fido-u2f */
START_TEST(attested_by_a_certificate)
{
	static const char tag[] = CK_TAG_ENROL;
	static struct ck_soft_maker maker;
	struct ck_registration kept;
	struct ck_person_statement statement;
	struct ck_proof proof;
	uint8_t challenge[CK_CHALLENGE_BYTES], again[CK_CHALLENGE_BYTES];
	ck_assert(ck_soft_make_maker(&maker, &(struct ck_soft_maker_wish){.with_middle = _i == 0}));
	ck_assert_int_eq(ck_enrol_challenge(&f.place, &enrol_nonce, challenge), CK_OK);
	ck_assert(ck_soft_make_certified(&fresh_key, challenge, _i == 0, &maker, _i == 1, &made));
	expect_fine(prepare());
	expect_fine(try_it());
	ck_assert(ck_bytes_equal(value_of("ckAttestation"), ck_bytes_of(ck_text_of("certificate"))));
	/* what was kept is what was signed: nonce, person and time with it */
	ck_assert_int_eq(ck_registration_decode(value_of("ckRegistration"), &kept), CK_OK);
	ck_sha256(again, (struct ck_bytes[]){{(const uint8_t *)tag, sizeof tag}, kept.statement}, 2);
	ck_assert_mem_eq(challenge, again, sizeof again);
	ck_assert_int_eq(ck_person_statement_decode(kept.statement, &statement), CK_OK);
	ck_assert(ck_text_is(statement.user, "bob") && statement.time_s == NOW);
	ck_assert(ck_text_is(kept.format, made.format));
	ck_assert(ck_bytes_equal(kept.auth_data, (struct ck_bytes){made.auth_data, made.auth_data_length}));
	ck_assert(ck_bytes_equal(kept.attestation, (struct ck_bytes){made.statement, made.statement_length}));
	ck_assert_int_eq(ck_proof_decode((struct ck_bytes){enrolment.proof, enrolment.proof_length}, &proof), CK_OK);
}
END_TEST

START_TEST(not_attested_by_a_certificate)
{
	register_key(true, _i == 0);
	expect_fine(prepare());
	ck_assert(ck_bytes_equal(value_of("ckAttestation"), ck_bytes_of(ck_text_of(_i == 0 ? "self" : "none"))));
	ck_assert_uint_eq(value_of("ckRegistration").length, 0);
}
END_TEST

/* RS256 of the largest size goes all the way. */
START_TEST(largest_key)
{
	ck_assert(ck_soft_make_rsa_credential(&fresh_key, RP, 4096, 65537));
	fresh_key.id_length = CK_CREDENTIAL_ID_LIMIT_BYTES;
	register_key(true, true);
	expect_fine(prepare());
	expect_fine(try_it());
	ck_assert(ck_bytes_equal(value_of("ckPublicKey"), (struct ck_bytes){fresh_key.cose, fresh_key.cose_length}));
	ck_assert_uint_eq(value_of("ckCredentialId").length, CK_CREDENTIAL_ID_LIMIT_BYTES);
}
END_TEST

/* What the helper says, and what the key signed, beside each other. */
START_TEST(traits_are_recorded)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count;
	unsigned found = 0;
	uint8_t challenge[CK_CHALLENGE_BYTES], signature[80];
	const unsigned flags = CK_SOFT_UP | CK_SOFT_UV | CK_SOFT_AT | CK_SOFT_ED | 0x08;
	sent.traits = CK_TRAIT_DISCOVERABLE | CK_TRAIT_USB;
	register_key(true, true);
	ck_assert_int_eq(ck_enrol_challenge(&f.place, &enrol_nonce, challenge), CK_OK);
	made.auth_data_length = ck_soft_put_registration_data(&fresh_key, flags, ck_bytes_of(ck_text_of("\xa1\x6b" "credProtect\x03")), made.auth_data,
	                                                      sizeof made.auth_data);
	size_t length = ck_soft_sign(&fresh_key, (struct ck_bytes){made.auth_data, made.auth_data_length}, challenge, signature);
	made.statement_length = ck_soft_put_self_statement(CK_SOFT_ES256, signature, length, made.statement, sizeof made.statement);
	expect_fine(prepare());
	expect_fine(try_it());
	ck_assert_int_eq(ck_change_values_decode(enrolment.order.items[0].values, values, &count), CK_OK);
	for (size_t i = 0; i < count; i++) {
		if (!ck_text_is(values[i].attribute, "ckTrait")) continue;
		for (size_t k = 0; k < values[i].count; k++)
			found |= ck_trait_of_name((struct ck_text){(const char *)values[i].values[k].at, values[i].values[k].length});
	}
	ck_assert_uint_eq(found, CK_TRAIT_DISCOVERABLE | CK_TRAIT_USB | CK_TRAIT_BACKUP_ELIGIBLE | CK_TRAIT_PROTECTED_3);
}
END_TEST

START_TEST(traits_that_nobody_can_tell)
{
	static const uint64_t wrong[] = {CK_TRAIT_PROTECTED_2, CK_TRAIT_BACKUP_ELIGIBLE, CK_TRAITS_ALL + 1, UINT64_MAX};
	register_key(true, true);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		sent.traits = wrong[i];
		expect_reason(prepare(), "malformed");
	}
}
END_TEST

/* ---- who ---- */

START_TEST(persons_and_decoys)
{
	struct ck_enrol_person again;
	struct ck_view *view = ck_builder_view(f.b);
	ck_assert(person.known);
	ck_assert_uint_eq(person.allow_count, 2);
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("nobody"), secret, AT(NOW), 0, &person), CK_OK);
	ck_assert(!person.known);
	ck_assert_uint_ge(person.allow_count, 1);
	ck_assert(!ck_id_is_zero(person.staff));
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("nobody"), secret, AT(NOW), 0, &again), CK_OK);
	ck_assert_mem_eq(&person, &again, sizeof person);
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("nobody2"), secret, AT(NOW), 0, &again), CK_OK);
	ck_assert(!ck_id_equal(person.staff, again.staff));
	/* a person without keys has decoys too */
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("carol"), secret, AT(NOW), 0, &again), CK_OK);
	ck_assert(again.known);
	ck_assert_uint_ge(again.allow_count, 1);
}
END_TEST

START_TEST(keys_are_shown_to_their_owner_and_to_root)
{
	struct ck_enrol_person others, roots, own;
	struct ck_record staff;
	struct ck_view *view = ck_builder_view(f.b);
	ck_assert_int_eq(ck_view_staff_by_uid(view, ck_text_of("bob"), &staff), CK_OK);
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("bob"), secret, AT(NOW), staff.as.staff.uid_number, &own), CK_OK);
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("bob"), secret, AT(NOW), 0, &roots), CK_OK);
	ck_assert_mem_eq(&own, &roots, sizeof own);
	ck_assert_int_eq(ck_enrol_person(view, ck_text_of("bob"), secret, AT(NOW), staff.as.staff.uid_number + 1, &others), CK_OK);
	ck_assert_uint_ge(others.allow_count, 1);
	for (size_t i = 0; i < others.allow_count; i++)
		for (size_t k = 0; k < own.allow_count; k++)
			ck_assert(others.allow_lengths[i] != own.allow_lengths[k] || memcmp(others.allow[i], own.allow[k], own.allow_lengths[k]) != 0);
}
END_TEST

/* ---- codes ---- */

#define CODE "ABCD-EFGH-JKMN-PQRS-TVWX"

static void put_code(int64_t from_s, int64_t until_s)
{
	struct ck_record *record = ck_builder_code(f.b, 70, YORK, BOB);
	ck_assert_int_eq(ck_code_hash(ck_text_of(CODE), record->as.code.hash), CK_OK);
	record->as.code.window = (struct ck_window){from_s, until_s};
	ck_builder_put(f.b, record);
}

static enum ck_error find_code(unsigned staff, const char *code)
{
	uint8_t hash[CK_HASH_BYTES];
	struct ck_found_code found;
	ck_assert_int_eq(ck_code_hash(ck_text_of(code), hash), CK_OK);
	return ck_code_find(ck_builder_view(f.b), ck_builder_id(staff), ck_builder_id(YORK), hash, AT(NOW), &found);
}

START_TEST(code_forms)
{
	uint8_t hash[CK_HASH_BYTES], other[CK_HASH_BYTES];
	static const char *const same[] = {"ABCDEFGHJKMNPQRSTVWX", "abcd efgh jkmn pqrs tvwx", "abcd-EFGHJKMN-pqrstvwx"};
	static const char *const wrong[] = {"", "ABCD", "ABCD-EFGH-JKMN-PQR", "ABCD-EFGH-JKMN-PQRS-TVW!", "ABCD-EFGH-JKMN-PQRS-TVWU"};
	ck_assert_int_eq(ck_code_hash(ck_text_of(CODE), hash), CK_OK);
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		ck_assert_int_eq(ck_code_hash(ck_text_of(same[i]), other), CK_OK);
		ck_assert_mem_eq(hash, other, sizeof hash);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) ck_assert_int_eq(ck_code_hash(ck_text_of(wrong[i]), other), CK_ERR_INVALID);
	ck_assert_int_eq(ck_code_hash(ck_text_of("O0I1-L111-1111-1111"), hash), CK_OK);
	ck_assert_int_eq(ck_code_hash(ck_text_of("0011-1111-1111-1111"), other), CK_OK);
	ck_assert_mem_eq(hash, other, sizeof hash);
}
END_TEST

START_TEST(code_found)
{
	put_code(NOW, NOW + 1);
	ck_assert_int_eq(find_code(BOB, CODE), CK_OK);
	ck_assert_int_eq(find_code(BOB, "ABCD-EFGH-JKMN-PQRS-TVWY"), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(find_code(ALICE, CODE), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(code_of_another_authority)
{
	struct ck_record *record = ck_builder_code(f.b, 71, BATH, BOB);
	ck_assert_int_eq(ck_code_hash(ck_text_of(CODE), record->as.code.hash), CK_OK);
	record->as.code.window = (struct ck_window){NOW, NOW + 1};
	ck_builder_put(f.b, record);
	ck_assert_int_eq(find_code(BOB, CODE), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(key_of_another_authority)
{
	struct ck_record *record = ck_builder_key(f.b, 72, BATH, BOB, "twin");
	ck_builder_put(f.b, record);
	ck_assert_int_eq(ck_enrol_person(ck_builder_view(f.b), ck_text_of("bob"), secret, AT(NOW), 0, &person), CK_OK);
	ck_assert_uint_eq(person.allow_count, 2); /* his own */
}
END_TEST

START_TEST(code_not_yet)
{
	put_code(NOW + 1, NOW + 10);
	ck_assert_int_eq(find_code(BOB, CODE), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(code_no_more)
{
	put_code(NOW - 10, NOW);
	ck_assert_int_eq(find_code(BOB, CODE), CK_ERR_NOT_FOUND);
}
END_TEST

START_TEST(code_tries)
{
	static struct ck_code_tries tries;
	memset(&tries, 0, sizeof tries);
	for (int i = 0; i < CK_CODE_TRIES_LIMIT; i++) {
		ck_assert(ck_code_tries_left(&tries, ck_builder_id(BOB), 1000, 1000, 5000));
		ck_code_tries_wrong(&tries, ck_builder_id(BOB), 1000, 1000, 5000);
	}
	ck_assert(!ck_code_tries_left(&tries, ck_builder_id(BOB), 1000, 5999, 5000));
	ck_assert(ck_code_tries_left(&tries, ck_builder_id(ALICE), 1000, 1000, 5000));
	ck_assert(ck_code_tries_left(&tries, ck_builder_id(BOB), 1000, 6000, 5000));
}
END_TEST

/* Who guesses wrong spends their own tries, not those of the person whose code it is. */
START_TEST(code_tries_of_another_asker)
{
	static struct ck_code_tries tries;
	memset(&tries, 0, sizeof tries);
	for (int i = 0; i < CK_CODE_TRIES_LIMIT; i++) ck_code_tries_wrong(&tries, ck_builder_id(BOB), 201099, 1000, 5000);
	ck_assert(!ck_code_tries_left(&tries, ck_builder_id(BOB), 201099, 2000, 5000));
	ck_assert(ck_code_tries_left(&tries, ck_builder_id(BOB), 201002, 2000, 5000));
	ck_assert(ck_code_tries_left(&tries, ck_builder_id(BOB), 0, 2000, 5000));
	ck_code_tries_forget(&tries, ck_builder_id(BOB));
	ck_assert(ck_code_tries_left(&tries, ck_builder_id(BOB), 201099, 2000, 5000));
}
END_TEST

/* A flood of registrations by one asker leaves those of others in their places. */
START_TEST(prepared_by_another_asker)
{
	static struct ck_prepared_keys keys;
	struct ck_prepared_key bobs = {.values_digest = {1}, .staff = ck_builder_id(BOB), .until_ms = 100000, .peer_uid = 201002};
	memset(&keys, 0, sizeof keys);
	ck_prepared_add(&keys, &bobs, 1000);
	for (unsigned i = 0; i < 3 * CK_PREPARED_LIMIT; i++) {
		struct ck_prepared_key other = {.values_digest = {2, (uint8_t)i}, .staff = ck_builder_id(ALICE), .until_ms = 100000 + i, .peer_uid = 201099};
		ck_prepared_add(&keys, &other, 1000);
		ck_assert_ptr_nonnull(ck_prepared_find(&keys, other.values_digest, other.staff, 2000));
	}
	ck_assert_ptr_nonnull(ck_prepared_find(&keys, bobs.values_digest, bobs.staff, 2000));
	ck_assert_ptr_null(ck_prepared_find(&keys, bobs.values_digest, bobs.staff, 100000));
}
END_TEST

/* ---- recovery ---- */

START_TEST(recovery_by_root)
{
	static struct ck_recovery recovery;
	static struct ck_change_build build;
	uint8_t hash[CK_HASH_BYTES] = {1};
	ck_assert_int_eq(ck_recovery_prepare(&f.place, ck_builder_view(f.b), ck_text_of("alice"), hash, 3600, &recovery, &f.denial), CK_OK);
	ck_assert_int_eq(recovery.from_s, NOW + 3600);
	ck_assert_int_eq(recovery.until_s, NOW + 3600 + 86400);
	ck_assert_int_eq(ck_change_build(&recovery.item, f.place.suffix, &build, &f.denial), CK_OK);
	ck_assert_int_eq(ck_recovery_prepare(&f.place, ck_builder_view(f.b), ck_text_of("bob"), hash, 3600, &recovery, &f.denial), CK_ERR_DENIED);
	ck_assert_str_eq(f.denial.reason, "not-administrator");
	ck_assert_int_eq(ck_recovery_prepare(&f.place, ck_builder_view(f.b), ck_text_of("zoe"), hash, 3600, &recovery, &f.denial), CK_ERR_DENIED);
	ck_assert_str_eq(f.denial.reason, "not-found");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("enrol");
	TCase *c = tcase_create("enrol");
	tcase_add_checked_fixture(c, enrol_setup, change_teardown);
	tcase_add_loop_test(c, good, 0, 2);
	tcase_add_test(c, later_key_signed_by_an_earlier);
	tcase_add_test(c, over_another_nonce);
	tcase_add_test(c, for_another_person);
	tcase_add_test(c, for_another_rp);
	tcase_add_test(c, unknown_format);
	tcase_add_test(c, already_anyones);
	tcase_add_test(c, bad_label);
	tcase_add_test(c, without_verification_it_says_so);
	tcase_add_loop_test(c, attested_by_a_certificate, 0, 2);
	tcase_add_loop_test(c, not_attested_by_a_certificate, 0, 2);
	tcase_add_test(c, largest_key);
	tcase_add_test(c, traits_are_recorded);
	tcase_add_test(c, traits_that_nobody_can_tell);
	tcase_add_test(c, persons_and_decoys);
	tcase_add_test(c, keys_are_shown_to_their_owner_and_to_root);
	tcase_add_test(c, code_forms);
	tcase_add_test(c, code_found);
	tcase_add_test(c, code_of_another_authority);
	tcase_add_test(c, key_of_another_authority);
	tcase_add_test(c, code_not_yet);
	tcase_add_test(c, code_no_more);
	tcase_add_test(c, code_tries);
	tcase_add_test(c, code_tries_of_another_asker);
	tcase_add_test(c, prepared_by_another_asker);
	tcase_add_test(c, recovery_by_root);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
