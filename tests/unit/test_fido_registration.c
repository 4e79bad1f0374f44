/* One good registration of each algorithm and attestation, then one test for each single thing that is wrong. */
#include <check.h>
#include <fido.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "tests/fakes/soft_key.h"
#include "tests/unit/suite.h"

#define RP "portal.example"
static const uint8_t challenge[32] = "a challenge of thirty-two bytes";

struct fixture {
	struct ck_soft_credential credential;
	struct ck_soft_registration made;
	struct ck_fido_registration registration;
	struct ck_fido_credential result;
	struct ck_errmsg err;
};

static void refresh(struct fixture *f)
{
	f->registration = (struct ck_fido_registration){
		.rp_id = ck_text_of(RP), .client_data_hash = challenge, .format = ck_text_of(f->made.format), .verify = true,
		.auth_data = {f->made.auth_data, f->made.auth_data_length}, .statement = {f->made.statement, f->made.statement_length}};
}

static void make(struct fixture *f, int algorithm, bool packed)
{
	memset(f, 0, sizeof *f);
	ck_assert(ck_soft_make_credential(&f->credential, RP, algorithm, "registration"));
	ck_assert(ck_soft_make_registration(&f->credential, challenge, true, packed, &f->made));
	refresh(f);
}

/* Signs what is in made.auth_data: only the field that was changed is wrong. */
static void sign_again(struct fixture *f)
{
	uint8_t signature[80];
	size_t length = ck_soft_sign(&f->credential, (struct ck_bytes){f->made.auth_data, f->made.auth_data_length}, challenge, signature);
	ck_assert(length > 0);
	f->made.statement_length = ck_soft_put_self_statement(f->credential.algorithm, signature, length, f->made.statement,
	                                                      sizeof f->made.statement);
	refresh(f);
}

static void put_data(struct fixture *f, unsigned flags, const void *extensions, size_t length)
{
	f->made.auth_data_length = ck_soft_put_registration_data(&f->credential, flags, (struct ck_bytes){extensions, length}, f->made.auth_data,
	                                                         sizeof f->made.auth_data);
	ck_assert(f->made.auth_data_length > 0);
	if (strcmp(f->made.format, "packed") == 0) sign_again(f);
	refresh(f);
}

static void expect_granted(struct fixture *f, const char *attestation)
{
	enum ck_error error = ck_fido_verify_registration(&f->registration, &f->result, &f->err);
	ck_assert_msg(error == CK_OK, "%s: %s", ck_error_name(error), f->err.text);
	ck_assert_str_eq(f->result.attestation, attestation);
}

static void expect_denied(struct fixture *f, const char *sentence)
{
	static const struct ck_fido_credential empty;
	memset(&f->result, 1, sizeof f->result);
	ck_assert_int_eq(ck_fido_verify_registration(&f->registration, &f->result, &f->err), CK_ERR_DENIED);
	ck_assert_msg(strstr(f->err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", f->err.text, sentence);
	ck_assert_ptr_null(f->result.credential_id.at);
	ck_assert_ptr_null(f->result.attestation);
	ck_assert(f->result.verified == empty.verified && f->result.count == empty.count);
}

/* _i: ES256 packed, EdDSA packed, ES256 none, EdDSA none */
#define ALGORITHM(i) ((i) % 2 == 0 ? CK_SOFT_ES256 : CK_SOFT_EDDSA)
#define MAKE_EACH(f) make(&(f), ALGORITHM(_i), _i < 2)
#define ALL_FLAGS (CK_SOFT_UP | CK_SOFT_UV | CK_SOFT_AT)

START_TEST(good)
{
	struct fixture f;
	uint8_t hash[32];
	MAKE_EACH(f);
	expect_granted(&f, _i < 2 ? "self" : "none");
	ck_assert(ck_bytes_equal(f.result.credential_id, (struct ck_bytes){f.credential.id, f.credential.id_length}));
	ck_assert(ck_bytes_equal(f.result.public_key, (struct ck_bytes){f.credential.cose, f.credential.cose_length}));
	crypto_hash_sha256(hash, f.credential.id, f.credential.id_length);
	ck_assert_mem_eq(f.result.hash, hash, 32);
	ck_assert_mem_eq(f.result.aaguid, ck_soft_aaguid, 16);
	ck_assert(f.result.verified);
}
END_TEST

START_TEST(good_unverified)
{
	struct fixture f;
	MAKE_EACH(f);
	put_data(&f, CK_SOFT_UP | CK_SOFT_AT, NULL, 0);
	f.registration.verify = false;
	expect_granted(&f, _i < 2 ? "self" : "none");
	ck_assert(!f.result.verified);
}
END_TEST

START_TEST(rp_id_hash)
{
	struct fixture f;
	MAKE_EACH(f);
	memcpy(f.credential.rp_id, "other.example", 14);
	put_data(&f, ALL_FLAGS, NULL, 0);
	expect_denied(&f, "another rp-id");
}
END_TEST

START_TEST(not_touched)
{
	struct fixture f;
	MAKE_EACH(f);
	put_data(&f, CK_SOFT_UV | CK_SOFT_AT, NULL, 0);
	expect_denied(&f, "not touched");
}
END_TEST

START_TEST(not_verified)
{
	struct fixture f;
	MAKE_EACH(f);
	put_data(&f, CK_SOFT_UP | CK_SOFT_AT, NULL, 0);
	expect_denied(&f, "did not verify its user");
}
END_TEST

START_TEST(no_attested_data)
{
	struct fixture f;
	MAKE_EACH(f);
	f.made.auth_data_length = ck_soft_put_assertion_data(RP, CK_SOFT_UP | CK_SOFT_UV, 0, f.made.auth_data, sizeof f.made.auth_data);
	if (_i < 2) sign_again(&f);
	refresh(&f);
	expect_denied(&f, "no credential");
}
END_TEST

START_TEST(attested_data_without_flag)
{
	struct fixture f;
	MAKE_EACH(f);
	put_data(&f, CK_SOFT_UP | CK_SOFT_UV, NULL, 0);
	expect_denied(&f, "malformed");
}
END_TEST

static const struct {
	size_t length;
	bool good;
} id_lengths[] = {{0, false}, {1, true}, {16, true}, {1023, true}, {1024, false}};

START_TEST(credential_id_length)
{
	for (int i = 0; i < 4; i++) {
		struct fixture f;
		make(&f, ALGORITHM(i), i < 2);
		f.credential.id_length = id_lengths[_i].length;
		put_data(&f, ALL_FLAGS, NULL, 0);
		if (id_lengths[_i].good) {
			expect_granted(&f, i < 2 ? "self" : "none");
			ck_assert_uint_eq(f.result.credential_id.length, id_lengths[_i].length);
		} else {
			expect_denied(&f, "malformed");
		}
	}
}
END_TEST

START_TEST(credential_id_beyond_the_end)
{
	struct fixture f;
	make(&f, CK_SOFT_ES256, false);
	f.made.auth_data[53] = 0x03; /* the length's high byte: 64 becomes 832 */
	expect_denied(&f, "malformed");
}
END_TEST

START_TEST(data_cut)
{
	struct fixture f;
	MAKE_EACH(f);
	size_t whole = f.registration.auth_data.length;
	for (size_t length = 0; length < whole; length++) {
		f.registration.auth_data.length = length;
		expect_denied(&f, "malformed");
	}
}
END_TEST

START_TEST(data_leftover)
{
	struct fixture f;
	MAKE_EACH(f);
	f.made.auth_data[f.made.auth_data_length++] = 0xa0;
	if (_i < 2) sign_again(&f);
	refresh(&f);
	expect_denied(&f, "malformed");
}
END_TEST

static const struct {
	const char *value;
	size_t length;
	bool good;
	unsigned traits;
} protections[] = {
	{"\x01", 1, true, 0}, {"\x02", 1, true, CK_TRAIT_PROTECTED_2}, {"\x03", 1, true, CK_TRAIT_PROTECTED_3},
	{"\x00", 1, false, 0}, {"\x04", 1, false, 0}, {"\x18\x02", 2, false, 0}, {"\x21", 1, false, 0}, {"\xf5", 1, false, 0},
	{"\x41\x02", 2, false, 0}, {"\x61\x32", 2, false, 0}, {"\x81\x02", 2, false, 0},
};

START_TEST(extension_cred_protect)
{
	for (size_t i = 0; i < sizeof protections / sizeof protections[0]; i++) {
		struct fixture f;
		uint8_t map[20] = "\xa1\x6b" "credProtect";
		memcpy(map + 13, protections[i].value, protections[i].length);
		MAKE_EACH(f);
		put_data(&f, ALL_FLAGS | CK_SOFT_ED, map, 13 + protections[i].length);
		if (protections[i].good) expect_granted(&f, _i < 2 ? "self" : "none");
		else expect_denied(&f, "malformed");
		ck_assert_uint_eq(f.result.traits, protections[i].traits);
	}
}
END_TEST

/* credProtect 2, hmac-secret, "zzz": each good by itself; together they must stand in canonical order, once, under text keys. */
static const struct {
	const char *bytes;
	size_t length;
	bool good;
} maps[] = {
	{"\xa0", 1, true},
	{"\xa2\x63zzz\x00\x6b" "credProtect\x02", 19, true},
	{"\xa3\x63zzz\xa1\x01\x02\x6b" "credProtect\x02\x6bhmac-secret\xf5", 34, true},
	{"\xa2\x6b" "credProtect\x02\x63zzz\x00", 19, false},
	{"\xa2\x6bhmac-secret\xf5\x6b" "credProtect\x02", 27, false},
	{"\xa2\x6b" "credProtect\x02\x6b" "credProtect\x02", 27, false},
	{"\xa2\x6b" "credProtect\x02\x6b" "credProtect\x03", 27, false},
	{"\xa2\x01\x00\x63zzz\x00", 8, false},
	{"\xa1\x43zzz\x00", 6, false},
	{"\xa1\x63zzz\xa2\x02\x00\x01\x00", 10, false},
	{"\xa1\x63zzz\xa2\x01\x00\x01\x00", 10, false},
	{"\xa1\x63zzz\x81\x81\x81\x81\x81\x00", 11, false},
	{"\xa1\x63zzz\xfb\x00\x00\x00\x00\x00\x00\x00\x00", 14, false},
	{"\xa1\x63zzz\xc0\x00", 7, false},
};

START_TEST(extension_maps)
{
	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
		struct fixture f;
		MAKE_EACH(f);
		put_data(&f, ALL_FLAGS | CK_SOFT_ED, maps[i].bytes, maps[i].length);
		if (maps[i].good) expect_granted(&f, _i < 2 ? "self" : "none");
		else expect_denied(&f, "malformed");
	}
}
END_TEST

START_TEST(backup_flags)
{
	static const unsigned eligible = 0x08, backed_up = 0x10;
	struct fixture f;
	MAKE_EACH(f);
	put_data(&f, ALL_FLAGS | eligible, NULL, 0);
	expect_granted(&f, _i < 2 ? "self" : "none");
	ck_assert_uint_eq(f.result.traits, CK_TRAIT_BACKUP_ELIGIBLE);
	put_data(&f, ALL_FLAGS | eligible | backed_up, NULL, 0);
	expect_granted(&f, _i < 2 ? "self" : "none");
	ck_assert_uint_eq(f.result.traits, CK_TRAIT_BACKUP_ELIGIBLE | CK_TRAIT_BACKED_UP);
	put_data(&f, ALL_FLAGS | backed_up, NULL, 0);
	expect_denied(&f, "malformed");
}
END_TEST

/* The same verdict as libfido2's, whose own way this no longer is. */
START_TEST(self_as_libfido2)
{
	for (int wrong = 0; wrong < 2; wrong++) {
		struct fixture f;
		make(&f, ALGORITHM(_i), true);
		fido_cred_t *credential = fido_cred_new();
		f.made.statement[f.made.statement_length - 1] ^= (uint8_t)wrong;
		if (wrong) expect_denied(&f, "signature is not the key's");
		else expect_granted(&f, "self");
		ck_assert(fido_cred_set_type(credential, ALGORITHM(_i)) == FIDO_OK && fido_cred_set_rp(credential, RP, NULL) == FIDO_OK &&
		          fido_cred_set_clientdata_hash(credential, challenge, 32) == FIDO_OK &&
		          fido_cred_set_authdata_raw(credential, f.made.auth_data, f.made.auth_data_length) == FIDO_OK &&
		          fido_cred_set_fmt(credential, "packed") == FIDO_OK &&
		          fido_cred_set_attstmt(credential, f.made.statement, f.made.statement_length) == FIDO_OK);
		ck_assert_int_eq(fido_cred_verify_self(credential), wrong ? FIDO_ERR_INVALID_SIG : FIDO_OK);
		fido_cred_free(&credential);
	}
}
END_TEST

START_TEST(extension_hmac_secret)
{
	struct fixture f;
	MAKE_EACH(f);
	put_data(&f, ALL_FLAGS | CK_SOFT_ED, "\xa1\x6b" "hmac-secret\xf5", 14);
	expect_granted(&f, _i < 2 ? "self" : "none");
}
END_TEST

START_TEST(extension_garbage)
{
	static const struct { const char *bytes; size_t length; } wrong[] = {
		{"", 0}, {"\x00", 1}, {"\xa1", 1}, {"\xbf\xff", 2}, {"\xa1\x01\xa0\x00", 4}, {"\xa1\x18\x01\x00", 4}, {"\xff", 1},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct fixture f;
		MAKE_EACH(f);
		put_data(&f, ALL_FLAGS | CK_SOFT_ED, wrong[i].bytes, wrong[i].length);
		expect_denied(&f, "malformed");
	}
}
END_TEST

START_TEST(key_off_curve)
{
	struct fixture f;
	make(&f, CK_SOFT_ES256, _i == 0);
	f.credential.cose[76] ^= 1;
	put_data(&f, ALL_FLAGS, NULL, 0);
	expect_denied(&f, "not on P-256");
}
END_TEST

START_TEST(key_small_order)
{
	struct fixture f;
	make(&f, CK_SOFT_EDDSA, _i == 0);
	memset(f.credential.cose + 10, 0, 32);
	f.credential.cose[10] = 1;
	put_data(&f, ALL_FLAGS, NULL, 0);
	expect_denied(&f, "small order");
}
END_TEST

START_TEST(key_of_unknown_algorithm)
{
	/* RS256: its map is well-formed CBOR */
	static const uint8_t rsa[] = {0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x41, 0, 0x21, 0x43, 1, 0, 1};
	struct fixture f;
	make(&f, CK_SOFT_ES256, false);
	memcpy(f.credential.cose, rsa, sizeof rsa);
	f.credential.cose_length = sizeof rsa;
	put_data(&f, ALL_FLAGS, NULL, 0);
	expect_denied(&f, "public key");
}
END_TEST

START_TEST(key_is_no_map)
{
	struct fixture f;
	make(&f, CK_SOFT_ES256, false);
	f.credential.cose[0] = 0x81;
	f.credential.cose[1] = 0x00;
	f.credential.cose_length = 2;
	put_data(&f, ALL_FLAGS, NULL, 0);
	expect_denied(&f, "malformed");
}
END_TEST

START_TEST(challenge_differs)
{
	/* packed only: "none" proves nothing about the challenge, which the enrolment's code or touch does */
	struct fixture f;
	uint8_t other[32];
	make(&f, ALGORITHM(_i), true);
	memcpy(other, challenge, sizeof other);
	other[31] ^= 1;
	f.registration.client_data_hash = other;
	expect_denied(&f, "signature is not the key's");
}
END_TEST

START_TEST(signature_bit)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	f.made.statement[f.made.statement_length - 1] ^= 1;
	expect_denied(&f, "signature is not the key's");
}
END_TEST

START_TEST(signed_data_differs)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	f.made.auth_data[37] ^= 1; /* the AAGUID */
	expect_denied(&f, "signature is not the key's");
}
END_TEST

START_TEST(signed_by_another)
{
	struct fixture f;
	struct ck_soft_credential other;
	uint8_t signature[80];
	make(&f, ALGORITHM(_i), true);
	ck_assert(ck_soft_make_credential(&other, RP, ALGORITHM(_i), "other"));
	size_t length = ck_soft_sign(&other, f.registration.auth_data, challenge, signature);
	f.made.statement_length = ck_soft_put_self_statement(ALGORITHM(_i), signature, length, f.made.statement, sizeof f.made.statement);
	refresh(&f);
	expect_denied(&f, "signature is not the key's");
}
END_TEST

START_TEST(statement_algorithm)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	f.made.statement[5] ^= 1; /* -7 and -8 differ in the last bit */
	expect_denied(&f, "algorithm");
}
END_TEST

START_TEST(statement_with_x5c)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	f.made.statement[0] = 0xa3;
	memcpy(f.made.statement + f.made.statement_length, "\x63" "x5c\x81\x41\x30", 7);
	f.made.statement_length += 7;
	refresh(&f);
	expect_denied(&f, "certificate is malformed");
}
END_TEST

START_TEST(statement_malformed)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	size_t whole = f.made.statement_length;
	for (size_t length = 0; length < whole; length++) {
		f.registration.statement.length = length;
		expect_denied(&f, "malformed");
	}
	f.made.statement[whole] = 0;
	f.registration.statement.length = whole + 1;
	expect_denied(&f, "malformed");
}
END_TEST

START_TEST(statement_each_byte_of_the_form)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	for (size_t i = 0; i < 12; i++) { /* up to the signature */
		if (i == 5) continue;     /* alg: above */
		for (unsigned bit = 0; bit < 8; bit++) {
			f.made.statement[i] ^= (uint8_t)(1u << bit);
			expect_denied(&f, "");
			f.made.statement[i] ^= (uint8_t)(1u << bit);
		}
	}
}
END_TEST

START_TEST(none_with_statement)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), true);
	f.registration.format = ck_text_of("none");
	expect_denied(&f, "empty statement");
}
END_TEST

START_TEST(none_without_statement)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), false);
	f.registration.statement.length = 0;
	expect_denied(&f, "empty statement");
}
END_TEST

START_TEST(packed_with_empty_statement)
{
	struct fixture f;
	make(&f, ALGORITHM(_i), false);
	f.registration.format = ck_text_of("packed");
	expect_denied(&f, "malformed");
}
END_TEST

static const char *const formats[] = {"", "Packed", "packed ", "fido-u2f2", "U2F", "tpm", "android-key", "apple", "none\n", "\x1b[2J"};

START_TEST(format_unknown)
{
	struct fixture f;
	make(&f, CK_SOFT_ES256, true);
	f.registration.format = ck_text_of(formats[_i]);
	expect_denied(&f, "is not known");
	ck_assert(ck_text_is_printable_utf8(ck_text_of(f.err.text)));
}
END_TEST

int main(void)
{
	const TTest *const four_times[] = {good, good_unverified, rp_id_hash, not_touched, not_verified, no_attested_data,
	                                   attested_data_without_flag, data_cut, data_leftover, extension_cred_protect,
	                                   extension_hmac_secret, extension_garbage, extension_maps, backup_flags};
	const TTest *const twice[] = {key_off_curve, key_small_order, challenge_differs, signature_bit, signed_data_differs, signed_by_another,
	                              statement_algorithm, self_as_libfido2, statement_with_x5c, statement_malformed, statement_each_byte_of_the_form,
	                              none_with_statement, none_without_statement, packed_with_empty_statement};
	Suite *suite = suite_create("fido registration");
	TCase *tcase = tcase_create("registrations");
	for (size_t i = 0; i < sizeof four_times / sizeof four_times[0]; i++) tcase_add_loop_test(tcase, four_times[i], 0, 4);
	for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++) tcase_add_loop_test(tcase, twice[i], 0, 2);
	tcase_add_loop_test(tcase, credential_id_length, 0, sizeof id_lengths / sizeof id_lengths[0]);
	tcase_add_test(tcase, credential_id_beyond_the_end);
	tcase_add_test(tcase, key_of_unknown_algorithm);
	tcase_add_test(tcase, key_is_no_map);
	tcase_add_loop_test(tcase, format_unknown, 0, sizeof formats / sizeof formats[0]);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
