/* The messages of RFC 4533, change sequence numbers, and the set of what a refresh named: each good form, and each single wrong byte. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "authd/replica_uuids.h"
#include "directory/ldap/csn.h"
#include "directory/ldap/sync.h"
#include "tests/unit/suite.h"

#define UUID "0123456789abcdef"
#define CSN1 "20260102030405.678901Z#000000#001#000000"
#define CSN1_LATER "20260102030405.678902Z#000000#001#000000"
#define CSN2 "20250102030405.678901Z#000000#002#000000"

static struct ck_bytes bytes_of(const char *text, size_t length)
{
	return (struct ck_bytes){(const uint8_t *)text, length};
}
#define BYTES(literal) bytes_of((literal), sizeof(literal) - 1)

/* ---- the state of an entry ---- */

START_TEST(state_good)
{
	struct ck_sync_state state;
	ck_assert_int_eq(ck_sync_state_decode(BYTES("\x30\x15\x0a\x01\x02\x04\x10" UUID), &state), CK_OK);
	ck_assert_int_eq(state.state, CK_SYNC_MODIFY);
	ck_assert_mem_eq(state.uuid, UUID, 16);
	ck_assert_ptr_null(state.cookie.at);
	ck_assert_int_eq(ck_sync_state_decode(BYTES("\x30\x1a\x0a\x01\x01\x04\x10" UUID "\x04\x03" "abc"), &state), CK_OK);
	ck_assert_uint_eq(state.cookie.length, 3);
	/* a long form of a length is BER, if not DER */
	ck_assert_int_eq(ck_sync_state_decode(BYTES("\x30\x81\x15\x0a\x01\x03\x04\x10" UUID), &state), CK_OK);
	ck_assert_int_eq(state.state, CK_SYNC_DELETE);
}
END_TEST

START_TEST(state_wrong)
{
	static const struct {
		const char *what, *bytes;
		size_t length;
	} wrong[] = {
#define WRONG(what, literal) {what, literal, sizeof(literal) - 1}
		WRONG("nothing", ""),
		WRONG("no sequence", "\x31\x15\x0a\x01\x02\x04\x10" UUID),
		WRONG("unknown state", "\x30\x15\x0a\x01\x04\x04\x10" UUID),
		WRONG("negative state", "\x30\x15\x0a\x01\xff\x04\x10" UUID),
		WRONG("state of two bytes", "\x30\x16\x0a\x02\x00\x02\x04\x10" UUID),
		WRONG("state of no bytes", "\x30\x14\x0a\x00\x04\x10" UUID),
		WRONG("integer for enumerated", "\x30\x15\x02\x01\x02\x04\x10" UUID),
		WRONG("short id", "\x30\x14\x0a\x01\x02\x04\x0f" "0123456789abcde"),
		WRONG("long id", "\x30\x16\x0a\x01\x02\x04\x11" UUID "x"),
		WRONG("no id", "\x30\x03\x0a\x01\x02"),
		WRONG("left over inside", "\x30\x17\x0a\x01\x02\x04\x10" UUID "\x05\x00"),
		WRONG("left over outside", "\x30\x15\x0a\x01\x02\x04\x10" UUID "\x00"),
		WRONG("longer than it is", "\x30\x16\x0a\x01\x02\x04\x10" UUID),
		WRONG("indefinite length", "\x30\x80\x0a\x01\x02\x04\x10" UUID "\x00\x00"),
		WRONG("a length of five bytes", "\x30\x85\x00\x00\x00\x00\x15\x0a\x01\x02\x04\x10" UUID),
		WRONG("a huge length", "\x30\x84\xff\xff\xff\xff\x0a\x01\x02\x04\x10" UUID),
		WRONG("cookie longer than it is", "\x30\x1a\x0a\x01\x01\x04\x10" UUID "\x04\x04" "abc"),
	};
	struct ck_sync_state state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(ck_sync_state_decode(bytes_of(wrong[i].bytes, wrong[i].length), &state) == CK_ERR_INVALID, "%s", wrong[i].what);
}
END_TEST

START_TEST(state_cut)
{
	static const char whole[] = "\x30\x1a\x0a\x01\x01\x04\x10" UUID "\x04\x03" "abc";
	struct ck_sync_state state;
	for (size_t length = 0; length < sizeof whole - 1; length++)
		ck_assert_int_eq(ck_sync_state_decode(bytes_of(whole, length), &state), CK_ERR_INVALID);
}
END_TEST

/* ---- info messages ---- */

START_TEST(info_good)
{
	struct ck_sync_info info;
	ck_assert_int_eq(ck_sync_info_decode(BYTES("\x80\x03" "abc"), &info), CK_OK);
	ck_assert_int_eq(info.kind, CK_SYNC_NEW_COOKIE);
	ck_assert_uint_eq(info.cookie.length, 3);
	ck_assert_int_eq(ck_sync_info_decode(BYTES("\xa1\x00"), &info), CK_OK);
	ck_assert_int_eq(info.kind, CK_SYNC_REFRESH_DELETE);
	ck_assert(info.refresh_done); /* the default */
	ck_assert_ptr_null(info.cookie.at);
	ck_assert_int_eq(ck_sync_info_decode(BYTES("\xa2\x08\x04\x03" "abc" "\x01\x01\x00"), &info), CK_OK);
	ck_assert_int_eq(info.kind, CK_SYNC_REFRESH_PRESENT);
	ck_assert(!info.refresh_done);
	ck_assert_uint_eq(info.cookie.length, 3);
}
END_TEST

START_TEST(info_id_set)
{
	struct ck_sync_info info;
	uint8_t uuid[16];
	ck_assert_int_eq(ck_sync_info_decode(BYTES("\xa3\x29\x01\x01\xff\x31\x24\x04\x10" UUID "\x04\x10" "fedcba9876543210"), &info), CK_OK);
	ck_assert_int_eq(info.kind, CK_SYNC_ID_SET);
	ck_assert(info.refresh_deletes);
	ck_assert_int_eq(ck_sync_next_uuid(&info.uuids, uuid), CK_OK);
	ck_assert_mem_eq(uuid, UUID, 16);
	ck_assert_int_eq(ck_sync_next_uuid(&info.uuids, uuid), CK_OK);
	ck_assert_mem_eq(uuid, "fedcba9876543210", 16);
	ck_assert_int_eq(ck_sync_next_uuid(&info.uuids, uuid), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_sync_info_decode(BYTES("\xa3\x02\x31\x00"), &info), CK_OK); /* of nobody, and present by default */
	ck_assert(!info.refresh_deletes);
}
END_TEST

START_TEST(info_wrong)
{
	static const struct {
		const char *what, *bytes;
		size_t length;
	} wrong[] = {
		WRONG("nothing", ""),
		WRONG("an empty cookie", "\x80\x00"),
		WRONG("an unknown choice", "\xa4\x00"),
		WRONG("a primitive phase end", "\x81\x00"),
		WRONG("left over outside", "\xa1\x00\x00"),
		WRONG("left over inside", "\xa1\x02\x05\x00"),
		WRONG("a boolean of two bytes", "\xa1\x04\x01\x02\xff\xff"),
		WRONG("boolean before cookie", "\xa2\x08\x01\x01\x00\x04\x03" "abc"),
		WRONG("no set", "\xa3\x03\x01\x01\xff"),
		WRONG("a sequence for a set", "\xa3\x14\x30\x12\x04\x10" UUID),
		WRONG("a short id", "\xa3\x13\x31\x11\x04\x0f" "0123456789abcde"),
		WRONG("an id cut", "\xa3\x13\x31\x11\x04\x10" "0123456789abcde"),
		WRONG("an id of another tag", "\xa3\x14\x31\x12\x05\x10" UUID),
		WRONG("left over after the set", "\xa3\x04\x31\x00\x05\x00"),
	};
	struct ck_sync_info info;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(ck_sync_info_decode(bytes_of(wrong[i].bytes, wrong[i].length), &info) == CK_ERR_INVALID, "%s", wrong[i].what);
}
END_TEST

START_TEST(request)
{
	uint8_t out[64];
	size_t length;
	ck_assert_int_eq(ck_sync_request_encode((struct ck_bytes){NULL, 0}, out, sizeof out, &length), CK_OK);
	ck_assert_uint_eq(length, 5);
	ck_assert_mem_eq(out, "\x30\x03\x0a\x01\x03", 5);
	ck_assert_int_eq(ck_sync_request_encode(BYTES("abc"), out, sizeof out, &length), CK_OK);
	ck_assert_uint_eq(length, 10);
	ck_assert_mem_eq(out, "\x30\x08\x0a\x01\x03\x04\x03" "abc", 10);
	ck_assert_int_eq(ck_sync_request_encode(BYTES("abc"), out, 9, &length), CK_ERR_LIMIT);
	ck_assert_uint_eq(length, 0);
}
END_TEST

/* ---- change sequence numbers ---- */

START_TEST(csn_keeps_the_newest_of_each_server)
{
	struct ck_csn_set set = {0};
	char text[CK_CSN_LIST_LIMIT_BYTES];
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of(CSN2)), CK_OK);
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of(CSN1_LATER)), CK_OK);
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of(CSN1)), CK_OK);
	ck_csn_set_format(&set, text);
	ck_assert_str_eq(text, CSN1_LATER ";" CSN2);
}
END_TEST

START_TEST(csn_from_the_future_is_dropped)
{
	struct ck_csn_set set = {0};
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of("20260102030405.000009Z#000000#001#000000")), CK_OK);
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of("21060102030405.000000Z#000000#002#000000")), CK_OK);
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of("20260102030406.000000Z#000000#003#000000")), CK_OK);
	ck_assert(!ck_csn_set_drop_after(&set, INT64_C(4300000000)));
	ck_assert_uint_eq(set.count, 3);
	ck_assert(ck_csn_set_drop_after(&set, INT64_C(1767323046))); /* 2026-01-02T03:04:06Z */
	ck_assert_uint_eq(set.count, 2);
	ck_assert_uint_eq(set.at[1].server, 3);
	ck_assert(ck_csn_set_drop_after(&set, INT64_C(1767323045)));
	ck_assert_uint_eq(set.count, 1);
	ck_assert_uint_eq(set.at[0].server, 1);
}
END_TEST

START_TEST(csn_wrong)
{
	static const char *const wrong[] = {
		"", "20260102030405.678901Z#000000#001#00000", CSN1 "0", "20260102030405.678901z#000000#001#000000",
		"20260102030405,678901Z#000000#001#000000", "20260102030405.678901Z#000000#00g#000000", "20260102030405.678901Z#000000#00A#000000",
		"2026010203040x.678901Z#000000#001#000000", "20260102030405.678901Z;000000#001#000000",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct ck_csn_set set = {0};
		ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of(wrong[i])), CK_ERR_INVALID);
		ck_assert_uint_eq(set.count, 0);
	}
}
END_TEST

START_TEST(csn_of_a_cookie)
{
	struct ck_csn_set set = {0};
	char text[CK_CSN_LIST_LIMIT_BYTES];
	ck_assert_int_eq(ck_csn_set_add_cookie(&set, BYTES("rid=001,sid=001,csn=" CSN1 ";" CSN2)), CK_OK);
	ck_assert_uint_eq(set.count, 2);
	/* what we send never says sid: it would say that we are that server */
	ck_assert_uint_eq(ck_csn_set_cookie(&set, text), strlen("rid=000,csn=" CSN1 ";" CSN2));
	ck_assert_str_eq(text, "rid=000,csn=" CSN1 ";" CSN2);
	memset(&set, 0, sizeof set);
	ck_assert_int_eq(ck_csn_set_add_cookie(&set, BYTES("rid=001")), CK_OK);
	ck_assert_uint_eq(ck_csn_set_cookie(&set, text), 0);
	ck_assert_int_eq(ck_csn_set_add_cookie(&set, BYTES("rid=001,csn=garbage")), CK_ERR_INVALID);
	ck_assert_int_eq(ck_csn_set_add_cookie(&set, BYTES("csn=" CSN1 ";")), CK_ERR_INVALID);
}
END_TEST

START_TEST(csn_covers)
{
	struct ck_csn_set one = {0}, both = {0}, later = {0}, none = {0};
	ck_assert_int_eq(ck_csn_set_add_list(&one, ck_text_of(CSN1)), CK_OK);
	ck_assert_int_eq(ck_csn_set_add_list(&both, ck_text_of(CSN2 ";" CSN1)), CK_OK);
	ck_assert_int_eq(ck_csn_set_add_list(&later, ck_text_of(CSN1_LATER)), CK_OK);
	ck_assert(ck_csn_set_covers(&one, &one));
	ck_assert(ck_csn_set_covers(&both, &one));
	ck_assert(!ck_csn_set_covers(&one, &both));
	ck_assert(ck_csn_set_covers(&later, &one));
	ck_assert(!ck_csn_set_covers(&one, &later));
	ck_assert(!ck_csn_set_covers(&none, &one));
	ck_assert(ck_csn_set_covers(&none, &none));
}
END_TEST

START_TEST(csn_servers_are_bounded)
{
	struct ck_csn_set set = {0};
	char csn[CK_CSN_BYTES + 1], text[CK_CSN_LIST_LIMIT_BYTES];
	for (unsigned i = 0; i < CK_CSN_SERVERS_LIMIT; i++) {
		snprintf(csn, sizeof csn, "20260102030405.678901Z#000000#%03x#000000", i);
		ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of(csn)), CK_OK);
	}
	ck_assert_int_eq(ck_csn_set_add(&set, ck_text_of("20260102030405.678901Z#000000#fff#000000")), CK_ERR_LIMIT);
	ck_assert_uint_gt(ck_csn_set_cookie(&set, text), 0);
}
END_TEST

/* ---- uuids ---- */

START_TEST(uuids)
{
	struct ck_uuids set = {0};
	uint8_t uuid[16] = {0};
	ck_assert_int_eq(ck_uuids_add(&set, uuid), CK_ERR_INVALID);
	ck_assert(!ck_uuids_has(&set, uuid));
	for (uint32_t i = 1; i <= 100000; i++) {
		memcpy(uuid + 12, &i, sizeof i);
		ck_assert_int_eq(ck_uuids_add(&set, uuid), CK_OK);
		if (i % 2 == 0) ck_assert_int_eq(ck_uuids_add(&set, uuid), CK_OK);
	}
	ck_assert_uint_eq(set.count, 100000);
	for (uint32_t i = 1; i <= 100001; i++) {
		memcpy(uuid + 12, &i, sizeof i);
		ck_assert(ck_uuids_has(&set, uuid) == (i <= 100000));
	}
	ck_uuids_clear(&set);
	ck_assert(!ck_uuids_has(&set, uuid));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("follow sync");
	TCase *c = tcase_create("sync");
	tcase_add_test(c, state_good);
	tcase_add_test(c, state_wrong);
	tcase_add_test(c, state_cut);
	tcase_add_test(c, info_good);
	tcase_add_test(c, info_id_set);
	tcase_add_test(c, info_wrong);
	tcase_add_test(c, request);
	tcase_add_test(c, csn_keeps_the_newest_of_each_server);
	tcase_add_test(c, csn_from_the_future_is_dropped);
	tcase_add_test(c, csn_wrong);
	tcase_add_test(c, csn_of_a_cookie);
	tcase_add_test(c, csn_covers);
	tcase_add_test(c, csn_servers_are_bounded);
	tcase_add_test(c, uuids);
	suite_add_tcase(suite, c);
	return suite_run(suite);
}
