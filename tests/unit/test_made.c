/* What is signed for a new key is the key that was made: each part of it exchanged once. */
#include "authd/cli/made.h"
#include "tests/unit/suite.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES 16
#define KEY_BYTES 77

static struct {
	uint8_t auth_data[200], target[CK_HASH_BYTES], id[64], key[128];
	size_t length, count;
	struct ck_change_value values[4];
} m;

static void setup(void)
{
	memset(&m, 0, sizeof m);
	memset(m.id, 0x11, sizeof m.id);
	memset(m.key, 0x22, sizeof m.key);
	m.auth_data[54] = ID_BYTES;
	memcpy(m.auth_data + 55, m.id, ID_BYTES);
	memcpy(m.auth_data + 55 + ID_BYTES, m.key, KEY_BYTES);
	m.length = 55 + ID_BYTES + KEY_BYTES;
	crypto_hash_sha256(m.target, m.id, ID_BYTES);
	m.values[0] = (struct ck_change_value){ .attribute = ck_text_of("ckLabel"), .values = { { (const uint8_t *)"blue", 4 } }, .count = 1 };
	m.values[1] = (struct ck_change_value){ .attribute = ck_text_of("ckCredentialId"), .values = { { m.id, ID_BYTES } }, .count = 1 };
	m.values[2] = (struct ck_change_value){ .attribute = ck_text_of("ckPublicKey"), .values = { { m.key, KEY_BYTES } }, .count = 1 };
	m.count = 3;
}

static bool is_made(void) { return ck_made_is((struct ck_bytes){ m.auth_data, m.length }, m.target, m.values, m.count); }

START_TEST(good)
{
	ck_assert(is_made());
	m.length += 10; /* extensions */
	ck_assert(is_made());
}
END_TEST

START_TEST(another_public_key)
{
	m.key[KEY_BYTES - 1] ^= 1;
	ck_assert(!is_made());
}
END_TEST

START_TEST(no_public_key)
{
	m.count = 2;
	ck_assert(!is_made());
	m.count = 3;
	m.values[2].values[0].length = 0;
	ck_assert(!is_made());
}
END_TEST

START_TEST(two_public_keys)
{
	m.values[3] = m.values[2];
	m.count = 4;
	ck_assert(!is_made());
	m.count = 3;
	m.values[2].values[1] = m.values[2].values[0];
	m.values[2].count = 2;
	ck_assert(!is_made());
}
END_TEST

START_TEST(another_credential)
{
	m.id[0] ^= 1;
	crypto_hash_sha256(m.target, m.id, ID_BYTES);
	ck_assert(!is_made());
}
END_TEST

START_TEST(part_of_the_credential)
{
	m.values[1].values[0].length = ID_BYTES - 1;
	crypto_hash_sha256(m.target, m.id, ID_BYTES - 1);
	ck_assert(!is_made());
	m.values[1].values[0].length = 0;
	crypto_hash_sha256(m.target, m.id, 0);
	ck_assert(!is_made());
}
END_TEST

START_TEST(another_target)
{
	m.target[31] ^= 1;
	ck_assert(!is_made());
}
END_TEST

START_TEST(short_authenticator_data)
{
	for (m.length = 0; m.length < 55 + ID_BYTES + KEY_BYTES; m.length++) ck_assert(!is_made());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("made");
	TCase *tc = tcase_create("made");
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, good);
	tcase_add_test(tc, another_public_key);
	tcase_add_test(tc, no_public_key);
	tcase_add_test(tc, two_public_keys);
	tcase_add_test(tc, another_credential);
	tcase_add_test(tc, part_of_the_credential);
	tcase_add_test(tc, another_target);
	tcase_add_test(tc, short_authenticator_data);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
