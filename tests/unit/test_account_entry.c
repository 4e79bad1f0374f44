/* The entry of an account as a name service takes it: one valid answer, then each thing that is wrong with one. */
#include <check.h>
#include <stdlib.h>

#include "authd/protocol/account.h"
#include "authd/protocol/frame.h"
#include "authd/protocol/message.h"

static struct ck_account_entry sent, taken;
static const char *more_path;

static void setup(void)
{
	sent = (struct ck_account_entry){ .name = ck_text_of("alice"), .uid_number = 200011, .gid_number = 200500, .home = ck_text_of("/home/alice"),
		                          .shell = ck_text_of("/bin/bash") };
	more_path = NULL;
}

static enum ck_error take(const char *name, uint64_t number)
{
	static struct ck_map map;
	static uint8_t bytes[2048];
	struct ck_frame_out frame;
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_ANSWER_GRANTED);
	if (more_path == NULL) {
		ck_account_entry_put(&frame.map, &sent);
	} else {
		ck_field_text(&frame.map, CK_F_USER, sent.name);
		ck_field_uint(&frame.map, CK_F_UID_NUMBER, sent.uid_number);
		ck_field_uint(&frame.map, CK_F_GID_NUMBER, sent.gid_number);
		ck_field_key(&frame.map, CK_F_PATHS);
		ck_cbor_put_array(frame.map.w, 3);
		for (int i = 0; i < 3; i++) ck_cbor_put_text(frame.map.w, ck_text_of(more_path));
	}
	ck_assert_int_eq(ck_frame_end(&frame, &length), CK_OK);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + CK_FRAME_HEAD_BYTES, length - CK_FRAME_HEAD_BYTES }, &map), CK_OK);
	return ck_account_entry_read(&map, name != NULL ? ck_text_of(name) : (struct ck_text){ NULL, 0 }, number, &taken);
}

#define ck_assert_refused() ck_assert_int_eq(take("alice", 0), CK_ERR_INVALID)

START_TEST(a_valid_one)
{
	ck_assert_int_eq(take("alice", 0), CK_OK);
	ck_assert(ck_text_is(taken.name, "alice") && ck_text_is(taken.home, "/home/alice") && ck_text_is(taken.shell, "/bin/bash"));
	ck_assert_uint_eq(taken.uid_number, 200011);
	ck_assert_uint_eq(taken.gid_number, 200500);
	ck_assert_int_eq(take(NULL, 200011), CK_OK);
}
END_TEST

START_TEST(of_somebody_else)
{
	ck_assert_int_eq(take("bob", 0), CK_ERR_INVALID);
	ck_assert_int_eq(take("bob", 200011), CK_ERR_INVALID);
	ck_assert_int_eq(take("alic", 0), CK_ERR_INVALID);
	ck_assert_int_eq(take(NULL, 200012), CK_ERR_INVALID);
	ck_assert_int_eq(take(NULL, 0), CK_ERR_INVALID);
}
END_TEST

START_TEST(numbers_of_the_machine_itself)
{
	static const uint64_t wrong[] = { 0, 1, 1000, 65534, 199999, 2147483647, UINT32_MAX, (UINT64_C(1) << 32) + 200011 };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		setup();
		sent.uid_number = wrong[i];
		ck_assert_refused();
		ck_assert_int_eq(take(NULL, wrong[i]), CK_ERR_INVALID);
		setup();
		sent.gid_number = wrong[i];
		ck_assert_refused();
	}
}
END_TEST

START_TEST(what_is_no_name)
{
	static const char *const wrong[] = { "", "a", "Alice", "1ice", "-x", "al ice", "al:ice", "al\nice", "al\xc3\xadn", "abcdefghijklmnopqrstuvwxyz0123456" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		sent.name = ck_text_of(wrong[i]);
		ck_assert_msg(take(wrong[i], 0) == CK_ERR_INVALID, "%s", wrong[i]);
	}
}
END_TEST

START_TEST(what_is_no_path)
{
	static char longest[131];
	const char *const wrong[] = { "", "home", "/home:x", "/home\nroot", "/home\x7f", longest };
	for (size_t i = 0; i + 1 < sizeof longest; i++) longest[i] = '/';
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		setup();
		sent.home = ck_text_of(wrong[i]);
		ck_assert_refused();
		setup();
		sent.shell = ck_text_of(wrong[i]);
		ck_assert_refused();
	}
	setup();
	more_path = "/one/more";
	ck_assert_refused();
}
END_TEST

START_TEST(what_is_missing)
{
	static struct ck_map nothing;
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ (const uint8_t *)"\xa1\x00\x01", 3 }, &nothing), CK_OK);
	ck_assert_int_eq(ck_account_entry_read(&nothing, ck_text_of("alice"), 0, &taken), CK_ERR_INVALID);
	ck_assert_int_eq(ck_account_entry_read(&nothing, (struct ck_text){ NULL, 0 }, 200011, &taken), CK_ERR_INVALID);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { a_valid_one, of_somebody_else, numbers_of_the_machine_itself, what_is_no_name, what_is_no_path, what_is_missing };
	Suite *suite = suite_create("account_entry");
	TCase *c = tcase_create("account_entry");
	tcase_add_checked_fixture(c, setup, NULL);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
	suite_add_tcase(suite, c);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
