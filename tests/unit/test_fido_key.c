/* Public keys: each form that is taken, and each single thing that is wrong with one. */
#include <sodium.h>
#include <stdlib.h>

#include "tests/unit/fido_fixture.h"
#include "tests/unit/suite.h"

static void expect_bad_key(const uint8_t *cose, size_t length, const char *sentence)
{
	struct ck_errmsg err;
	enum ck_fido_algorithm algorithm = 0;
	ck_assert_int_eq(ck_fido_check_public_key((struct ck_bytes){cose, length}, &algorithm, &err), CK_ERR_DENIED);
	ck_assert_msg(strstr(err.text, sentence) != NULL, "\"%s\" does not say \"%s\"", err.text, sentence);
	ck_assert_int_eq((int)algorithm, 0);
}

START_TEST(key_good)
{
	struct fixture f;
	enum ck_fido_algorithm algorithm;
	EACH_ALGORITHM(f);
	ck_assert_int_eq(ck_fido_check_public_key(f.key.public_key, &algorithm, &f.err), CK_OK);
	ck_assert_int_eq(algorithm, algorithms[_i]);
}
END_TEST

START_TEST(key_each_byte_of_the_form)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	size_t length = f.credential.cose_length;
	for (size_t i = 0; i < length; i++) {
		if ((i >= 10 && i < 42) || i >= 45) continue; /* the coordinates have tests of their own */
		for (unsigned bit = 0; bit < 8; bit++) {
			f.credential.cose[i] ^= (uint8_t)(1u << bit);
			expect_bad_key(f.credential.cose, length, "public key");
			f.credential.cose[i] ^= (uint8_t)(1u << bit);
		}
	}
}
END_TEST

START_TEST(key_named_fields)
{
	struct fixture f;
	set_up(&f, CK_SOFT_ES256);
	static const struct { size_t at; uint8_t value; const char *name; } wrong[] = {
		{2, 1, "kty EC2"}, {4, 0x27, "alg ES256"}, {6, 2, "crv P-256"}, {0, 0xa6, "map"},
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		uint8_t cose[80];
		memcpy(cose, f.credential.cose, sizeof cose);
		cose[wrong[i].at] = wrong[i].value;
		expect_bad_key(cose, f.credential.cose_length, wrong[i].name);
	}
}
END_TEST

START_TEST(key_cut_and_leftover)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	for (size_t length = 0; length < f.credential.cose_length; length++) expect_bad_key(f.credential.cose, length, "public key");
	f.credential.cose[f.credential.cose_length] = 0;
	expect_bad_key(f.credential.cose, f.credential.cose_length + 1, "too short or too long");
}
END_TEST

START_TEST(key_off_curve)
{
	struct fixture f;
	set_up(&f, CK_SOFT_ES256);
	f.credential.cose[76] ^= 1;
	expect_bad_key(f.credential.cose, f.credential.cose_length, "not on P-256");
	memset(f.credential.cose + 10, 0, 32); /* (0, 0) is how infinity is written sometimes */
	memset(f.credential.cose + 45, 0, 32);
	expect_bad_key(f.credential.cose, f.credential.cose_length, "not on P-256");
}
END_TEST

START_TEST(key_coordinate_not_below_the_prime)
{
	struct fixture f;
	set_up(&f, CK_SOFT_ES256);
	memset(f.credential.cose + 10, 0xff, 32);
	expect_bad_key(f.credential.cose, f.credential.cose_length, "not canonical");
}
END_TEST

static const char *const bad_points[] = {
	/* order 1, 2, 4, 8, 8 and with the sign bit */
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	/* not canonical: p, p + 1, 2^255 - 1 */
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

START_TEST(key_bad_ed25519_point)
{
	struct fixture f;
	set_up(&f, CK_SOFT_EDDSA);
	ck_assert_int_eq(ck_hex_decode(ck_text_of(bad_points[_i]), f.credential.cose + 10, 32), CK_OK);
	ck_assert_int_eq(crypto_core_ed25519_is_valid_point(f.credential.cose + 10), 0);
	expect_bad_key(f.credential.cose, f.credential.cose_length, "point");
	expect_denied(&f, "point");
}
END_TEST

START_TEST(key_ed25519_of_mixed_order)
{
	/* a good point plus one of order 8: not small, but outside the prime-order group */
	struct fixture f;
	uint8_t small[32], mixed[32];
	set_up(&f, CK_SOFT_EDDSA);
	ck_assert_int_eq(ck_hex_decode(ck_text_of(bad_points[4]), small, 32), CK_OK);
	/* libsodium adds any points on the curve */
	ck_assert_int_eq(crypto_core_ed25519_add(mixed, f.credential.cose + 10, small), 0);
	memcpy(f.credential.cose + 10, mixed, 32);
	expect_bad_key(f.credential.cose, f.credential.cose_length, "prime-order");
}
END_TEST

START_TEST(key_ed25519_not_on_curve)
{
	struct fixture f;
	set_up(&f, CK_SOFT_EDDSA);
	memset(f.credential.cose + 10, 0, 32);
	f.credential.cose[10] = 2; /* y = 2 has no x */
	expect_bad_key(f.credential.cose, f.credential.cose_length, "prime-order");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fido_key");
	TCase *keys = tcase_create("public keys");
	const TTest *const each[] = {key_good, key_each_byte_of_the_form, key_cut_and_leftover};
	add_each_algorithm(keys, each, sizeof each / sizeof each[0]);
	tcase_add_test(keys, key_named_fields);
	tcase_add_test(keys, key_off_curve);
	tcase_add_test(keys, key_coordinate_not_below_the_prime);
	tcase_add_loop_test(keys, key_bad_ed25519_point, 0, sizeof bad_points / sizeof bad_points[0]);
	tcase_add_test(keys, key_ed25519_of_mixed_order);
	tcase_add_test(keys, key_ed25519_not_on_curve);
	suite_add_tcase(suite, keys);
	return suite_run(suite);
}
