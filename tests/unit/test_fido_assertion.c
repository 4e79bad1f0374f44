/* One good assertion of each algorithm, then one test for each single thing that is wrong. */
#include <fido.h>
#include <fido/es256.h>
#include <sodium.h>
#include <stdlib.h>

#include "tests/unit/fido_fixture.h"
#include "tests/unit/suite.h"

/* Signs the changed authenticator data again: only the field that was changed is wrong. */
static void sign_again(struct fixture *f)
{
	f->made.signature_length = ck_soft_sign(&f->credential, f->assertion.auth_data, challenge, f->made.signature);
	f->assertion.signature.length = f->made.signature_length;
	ck_assert(f->made.signature_length > 0);
}

START_TEST(assertion_good)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	expect_granted(&f);
	ck_assert_uint_eq(f.result.count, 1);
	ck_assert(f.result.verified);
}
END_TEST

START_TEST(assertion_good_unverified)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[32] = CK_SOFT_UP;
	sign_again(&f);
	f.assertion.verify = false;
	expect_granted(&f);
	ck_assert(!f.result.verified);
}
END_TEST

START_TEST(assertion_verified_though_not_demanded)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.assertion.verify = false;
	expect_granted(&f);
	ck_assert(f.result.verified);
}
END_TEST

/* Eligible for backup when it was enrolled, the flags now; what comes of it. */
static const struct {
	unsigned traits, flags;
	const char *sentence; /* NULL: good */
} backups[] = {
	{0, 0, NULL}, {0, 0x08, "is eligible for backup, and was not"}, {0, 0x10, "malformed"}, {0, 0x18, "is eligible for backup, and was not"},
	{CK_TRAIT_BACKUP_ELIGIBLE, 0x08, NULL}, {CK_TRAIT_BACKUP_ELIGIBLE, 0x18, NULL},
	{CK_TRAIT_BACKUP_ELIGIBLE, 0, "not eligible for backup, and was"}, {CK_TRAIT_BACKUP_ELIGIBLE, 0x10, "malformed"},
};

START_TEST(assertion_backup_flags)
{
	for (size_t i = 0; i < sizeof backups / sizeof backups[0]; i++) {
		struct fixture f;
		EACH_ALGORITHM(f);
		f.key.traits = backups[i].traits;
		f.made.auth_data[32] |= (uint8_t)backups[i].flags;
		sign_again(&f);
		if (backups[i].sentence == NULL) expect_granted(&f);
		else expect_denied(&f, backups[i].sentence);
	}
}
END_TEST

START_TEST(assertion_other_credential)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	uint8_t other[CK_SOFT_ID_BYTES];
	memcpy(other, f.credential.id, sizeof other);
	other[63] ^= 1;
	f.assertion.credential_id.at = other;
	expect_denied(&f, "another credential");
}
END_TEST

START_TEST(assertion_credential_cut)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.assertion.credential_id.length--;
	expect_denied(&f, "another credential");
}
END_TEST

START_TEST(assertion_no_credential)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.assertion.credential_id.length = 0;
	f.key.credential_id.length = 0;
	expect_denied(&f, "another credential");
}
END_TEST

START_TEST(assertion_key_of_other_rp)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.key.rp_id = ck_text_of("portal.example.org");
	expect_denied(&f, "another rp-id");
}
END_TEST

START_TEST(assertion_rp_id_hash)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[31] ^= 1;
	sign_again(&f);
	expect_denied(&f, "another rp-id");
}
END_TEST

START_TEST(assertion_rp_id_empty)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.key.rp_id = f.assertion.rp_id = ck_text_of("");
	expect_denied(&f, "rp-id has 0 bytes");
}
END_TEST

START_TEST(assertion_rp_id_long)
{
	static char rp_id[300];
	struct fixture f;
	EACH_ALGORITHM(f);
	memset(rp_id, 'a', 254);
	f.key.rp_id = f.assertion.rp_id = ck_text_of(rp_id);
	expect_denied(&f, "rp-id has 254 bytes");
}
END_TEST

START_TEST(assertion_rp_id_with_nul)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	static const char rp_id[] = "portal.example\0org";
	struct ck_text text = {rp_id, sizeof rp_id - 1};
	crypto_hash_sha256(f.made.auth_data, (const uint8_t *)rp_id, sizeof rp_id - 1);
	sign_again(&f);
	f.key.rp_id = f.assertion.rp_id = text;
	expect_denied(&f, "rp-id");
}
END_TEST

START_TEST(assertion_not_touched)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[32] = CK_SOFT_UV;
	sign_again(&f);
	expect_denied(&f, "not touched");
}
END_TEST

START_TEST(assertion_not_verified)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[32] = CK_SOFT_UP;
	sign_again(&f);
	expect_denied(&f, "did not verify its user");
}
END_TEST

START_TEST(assertion_flag_set_after_signing)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[32] = CK_SOFT_UP;
	sign_again(&f);
	f.made.auth_data[32] = CK_SOFT_UP | CK_SOFT_UV;
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_count_changed)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[36] ^= 1;
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_challenge)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	uint8_t other[32];
	memcpy(other, challenge, sizeof other);
	other[0] ^= 1;
	f.assertion.client_data_hash = other;
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_signature_bit)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.signature[f.made.signature_length - 1] ^= 1;
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_signature_cut)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.assertion.signature.length--;
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_signature_empty)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.assertion.signature.length = 0;
	expect_denied(&f, "signature has 0 bytes");
}
END_TEST

START_TEST(assertion_signature_long)
{
	static uint8_t bytes[1025];
	struct fixture f;
	EACH_ALGORITHM(f);
	f.assertion.signature = (struct ck_bytes){bytes, sizeof bytes};
	expect_denied(&f, "signature has 1025 bytes");
}
END_TEST

START_TEST(assertion_signed_by_other_key)
{
	struct fixture f;
	struct ck_soft_credential other;
	EACH_ALGORITHM(f);
	ck_assert(ck_soft_make_credential(&other, RP, algorithms[_i], "other"));
	f.made.signature_length = ck_soft_sign(&other, f.assertion.auth_data, challenge, f.made.signature);
	f.assertion.signature.length = f.made.signature_length;
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_key_of_other_algorithm)
{
	struct fixture f;
	struct ck_soft_credential other;
	EACH_ALGORITHM(f);
	ck_assert(ck_soft_make_credential(&other, RP, algorithms[1 - _i], "other"));
	f.key.public_key = (struct ck_bytes){other.cose, other.cose_length};
	expect_denied(&f, "signature");
}
END_TEST

START_TEST(assertion_data_cut)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	for (size_t length = 0; length < 37; length++) {
		f.assertion.auth_data.length = length;
		expect_denied(&f, "malformed");
	}
}
END_TEST

START_TEST(assertion_data_leftover)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[37] = 0;
	f.assertion.auth_data.length = 38;
	sign_again(&f);
	expect_denied(&f, "malformed");
}
END_TEST

START_TEST(assertion_with_attested_data)
{
	struct fixture f;
	uint8_t data[400];
	EACH_ALGORITHM(f);
	size_t length = ck_soft_put_registration_data(&f.credential, CK_SOFT_UP | CK_SOFT_UV | CK_SOFT_AT, (struct ck_bytes){NULL, 0}, data,
	                                              sizeof data);
	f.assertion.auth_data = (struct ck_bytes){data, length};
	sign_again(&f);
	expect_denied(&f, "attested credential data");
}
END_TEST

START_TEST(assertion_attested_flag_without_data)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	f.made.auth_data[32] |= CK_SOFT_AT;
	sign_again(&f);
	expect_denied(&f, "malformed");
}
END_TEST

static void put_extensions(struct fixture *f, const char *bytes, size_t length)
{
	f->made.auth_data[32] |= CK_SOFT_ED;
	memcpy(f->made.auth_data + 37, bytes, length);
	f->assertion.auth_data.length = 37 + length;
	sign_again(f);
}

START_TEST(assertion_extensions_empty_map)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	put_extensions(&f, "\xa0", 1);
	expect_granted(&f);
}
END_TEST

START_TEST(assertion_extensions_missing)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	put_extensions(&f, "", 0);
	expect_denied(&f, "malformed");
}
END_TEST

static const struct garbage {
	const char *bytes;
	size_t length;
} garbage[] = {
	{"\xff", 1},                     /* a break alone */
	{"\x01", 1},                     /* no map */
	{"\xa1", 1},                     /* a pair announced, none there */
	{"\xbf\xff", 2},                 /* indefinite */
	{"\xa1\x01", 2},                 /* half a pair */
	{"\xa1\x61" "a\x18\x01", 5},     /* not the shortest form */
	{"\xa1\x61" "a\xc0\x00", 5},     /* a tag */
	{"\xa1\x61" "a\xf9\x00\x00", 6}, /* a float */
	{"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* 2^64-1 pairs */
	{"\xa1\x61" "a\x81\x81\x81\x81\x81\x00", 9}, /* too deep */
	{"\xa1\x61" "a\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 12}, /* a byte string of 2^64-1 */
};

START_TEST(assertion_extensions_garbage)
{
	struct fixture f;
	set_up(&f, CK_SOFT_ES256);
	put_extensions(&f, garbage[_i].bytes, garbage[_i].length);
	expect_denied(&f, "malformed");
}
END_TEST

START_TEST(assertion_extension_not_asked_for)
{
	struct fixture f;
	EACH_ALGORITHM(f);
	put_extensions(&f, "\xa1\x68" "credBlob\x41" "x", 12);
	expect_denied(&f, "libfido2 refused");
}
END_TEST

START_TEST(assertion_public_key_off_curve)
{
	struct fixture f;
	set_up(&f, CK_SOFT_ES256);
	uint8_t point[64];
	f.credential.cose[76] ^= 1;
	memcpy(point, f.credential.cose + 10, 32);
	memcpy(point + 32, f.credential.cose + 45, 32);
	es256_pk_t *native = es256_pk_new();
	ck_assert_int_ne(es256_pk_from_ptr(native, point, sizeof point), FIDO_OK);
	memcpy(native, point, sizeof point);
	ck_assert_ptr_null(es256_pk_to_EVP_PKEY(native));
	es256_pk_free(&native);
	expect_denied(&f, "public key");
}
END_TEST

/* The key object is kept from one verification to the next: it must hold the next one's point, or none. */
START_TEST(assertion_keys_take_turns)
{
	struct fixture f;
	uint8_t bad[CK_PUBLIC_KEY_LIMIT_BYTES];
	set_up(&f, CK_SOFT_ES256);
	expect_granted(&f);
	struct ck_soft_credential other;
	ck_assert(ck_soft_make_credential(&other, RP, CK_SOFT_ES256, "somebody else"));
	struct ck_bytes good = f.key.public_key;
	f.key.public_key = (struct ck_bytes){other.cose, other.cose_length};
	expect_denied(&f, "signature");
	f.key.public_key = good;
	expect_granted(&f);
	memcpy(bad, good.at, good.length);
	bad[good.length - 1] ^= 1; /* off the curve */
	f.key.public_key.at = bad;
	expect_denied(&f, "public key");
	expect_denied(&f, "public key");
	f.key.public_key = good;
	expect_granted(&f);
}
END_TEST

/* Every byte of what comes, changed once; and signatures in no or another form of DER. */
START_TEST(both_ways_say_the_same_of_each_changed_byte)
{
	struct fixture f;
	set_up(&f, CK_SOFT_ES256);
	for (size_t i = 33; i < f.made.auth_data_length; i++) {
		f.made.auth_data[i] ^= 0x10;
		compare_ways(&f);
		f.made.auth_data[i] ^= 0x10;
	}
	for (size_t i = 0; i < f.made.signature_length; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			f.made.signature[i] ^= (uint8_t)(1u << bit);
			compare_ways(&f);
			f.made.signature[i] ^= (uint8_t)(1u << bit);
		}
	for (size_t length = 1; length <= sizeof f.made.signature && length <= f.made.signature_length + 4; length++) {
		f.assertion.signature.length = length;
		compare_ways(&f);
	}
	f.assertion.signature.length = f.made.signature_length;
	for (size_t i = 0; i < f.credential.cose_length; i++) {
		f.credential.cose[i] ^= 1;
		compare_ways(&f);
		f.credential.cose[i] ^= 1;
	}
	expect_granted(&f);
}
END_TEST

START_TEST(assertion_public_key_small_order)
{
	/* under the identity point OpenSSL accepts this signature for every message: R = B, S = 1 */
	struct fixture f;
	set_up(&f, CK_SOFT_EDDSA);
	memset(f.credential.cose + 10, 0, 32);
	f.credential.cose[10] = 1;
	memset(f.made.signature, 0x66, 32);
	f.made.signature[0] = 0x58;
	memset(f.made.signature + 32, 0, 32);
	f.made.signature[32] = 1;
	expect_denied(&f, "small order");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fido_assertion");
	TCase *assertions = tcase_create("assertions");
	const TTest *const each[] = {
		assertion_good, assertion_good_unverified, assertion_verified_though_not_demanded, assertion_backup_flags, assertion_other_credential,
		assertion_credential_cut, assertion_no_credential, assertion_key_of_other_rp, assertion_rp_id_hash, assertion_rp_id_empty,
		assertion_rp_id_long, assertion_rp_id_with_nul, assertion_not_touched, assertion_not_verified, assertion_flag_set_after_signing,
		assertion_count_changed, assertion_challenge, assertion_signature_bit, assertion_signature_cut, assertion_signature_empty,
		assertion_signature_long, assertion_signed_by_other_key, assertion_key_of_other_algorithm, assertion_data_cut,
		assertion_data_leftover, assertion_with_attested_data, assertion_attested_flag_without_data, assertion_extensions_empty_map,
		assertion_extensions_missing, assertion_extension_not_asked_for,
	};
	add_each_algorithm(assertions, each, sizeof each / sizeof each[0]);
	tcase_add_loop_test(assertions, assertion_extensions_garbage, 0, sizeof garbage / sizeof garbage[0]);
	tcase_add_test(assertions, assertion_public_key_off_curve);
	tcase_add_test(assertions, assertion_public_key_small_order);
	tcase_add_test(assertions, assertion_keys_take_turns);
	tcase_add_test(assertions, both_ways_say_the_same_of_each_changed_byte);
	suite_add_tcase(suite, assertions);
	return suite_run(suite);
}
