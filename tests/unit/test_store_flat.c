/* What records save: numbers of changes and what follows from the rest come back as they were, and each has one form only. */
#include "directory/base/buffer.h"
#include "directory/store/flat.h"
#include "directory/store/flat_csn.h"
#include "tests/unit/store_fixture.h"

#define BEHIND_HEAD (3 + 16 + 16) /* version, kind, flags, authority, entryUUID: the number of the change follows */
#define PACKED_CSN_BYTES 9

static uint8_t flat[CK_FLAT_LIMIT_BYTES];
static size_t length;

static void encode(const struct ck_record *record)
{
	ck_assert_int_eq(ck_flat_encode(record, flat, &length), CK_OK);
}

static enum ck_error decode(const struct ck_record *record)
{
	return ck_flat_decode(record->kind, record->id, (struct ck_bytes){flat, length}, &found);
}

/* The same bytes with a right checksum: what is refused is the form. */
static void seal(const struct ck_record *record)
{
	struct ck_writer writer;
	size_t body = length - CK_FLAT_CRC_BYTES;
	ck_writer_init(&writer, flat + body, CK_FLAT_CRC_BYTES);
	ck_put_u32le(&writer, ck_flat_crc(record->kind, record->id, (struct ck_bytes){flat, body}));
}

/* These bytes instead of so many that were there. */
static void exchange(const struct ck_record *record, size_t at, size_t old, const void *with, size_t with_length)
{
	memmove(flat + at + with_length, flat + at + old, length - at - old);
	memcpy(flat + at, with, with_length);
	length = length - old + with_length;
	seal(record);
}

static struct ck_record *person(void)
{
	struct ck_record *record = ck_builder_staff(b, ALICE, LEEDS, "alice", 200001);
	ck_assert_msg(ck_model_validate(record, &err) == CK_OK, "%s", err.text);
	return record;
}

/* ---- numbers of changes ---- */

static const char *const packable[] = {
	"20270115080000.000000Z#000000#001#000000", "20260102030405.678901Z#0000ab#0a1#ffffff", "19700101000000.000000Z#000000#000#000000",
	"20240229235959.999999Z#ffffff#fff#000001", "21000301000000.000001Z#000000#001#000000", "20000229120000.000000Z#000001#002#000000",
	"42530101000000.000000Z#000000#001#000000",
};
/* No such day or second, capitals, another form, before 1970, after what there is room for, no text at all. */
static const char *const kept[] = {
	"20270231080000.000000Z#000000#001#000000", "20270115086100.000000Z#000000#001#000000", "20270115080060.000000Z#000000#001#000000",
	"20270115240000.000000Z#000000#001#000000", "20271315080000.000000Z#000000#001#000000", "20270015080000.000000Z#000000#001#000000",
	"20270100080000.000000Z#000000#001#000000", "21000229000000.000000Z#000000#001#000000", "20270115080000.000000Z#0000AB#001#000000",
	"20270115080000.000000z#000000#001#000000", "20270115080000,000000Z#000000#001#000000", "2027011508000x.000000Z#000000#001#000000",
	"20270115080000Z#000000#00#000000",         "19691231235959.000000Z#000000#001#000000", "42540101000000.000000Z#000000#001#000000",
	"99991231235959.999999Z#000000#001#000000", "20270115080000.000000Z#00000g#001#000000", "",
	"20270115080000.000000Z#000000#001#000000 "
};

START_TEST(numbers_of_changes_are_packed)
{
	struct ck_packed_csn packed;
	char again[CK_PACKED_CSN_TEXT_BYTES];
	ck_assert(ck_csn_pack(t(packable[_i]), &packed));
	ck_csn_unpack(&packed, again);
	ck_assert_mem_eq(again, packable[_i], sizeof again);
	struct ck_record *record = person();
	record->csn = t(packable[_i]);
	encode(record);
	ck_assert_int_eq(decode(record), CK_OK);
	ck_assert(ck_text_is(found.csn, packable[_i]));
}
END_TEST

START_TEST(other_numbers_are_kept)
{
	struct ck_packed_csn packed;
	struct ck_record *record = person();
	ck_assert(!ck_csn_pack(t(kept[_i]), &packed));
	record->csn = t(kept[_i]);
	encode(record);
	ck_assert_int_eq(decode(record), CK_OK);
	ck_assert(ck_text_is(found.csn, kept[_i]));
}
END_TEST

START_TEST(each_day_is_its_own)
{
	struct ck_packed_csn packed = {.server = 1}, read;
	char text[CK_PACKED_CSN_TEXT_BYTES], before[CK_PACKED_CSN_TEXT_BYTES] = "";
	for (uint64_t day = 0; day < 150000; day++) {
		packed.at_us = day * 86400 * 1000000;
		ck_csn_unpack(&packed, text);
		ck_assert(memcmp(before, text, sizeof text) < 0);
		ck_assert(ck_csn_pack((struct ck_text){text, sizeof text}, &read));
		ck_assert_uint_eq(read.at_us, packed.at_us);
		memcpy(before, text, sizeof text);
	}
}
END_TEST

START_TEST(a_packed_number_in_full_is_damage)
{
	static const char text[] = "(20270115080000.000000Z#000000#001#000000"; /* "(" is its length */
	struct ck_record *record = person();
	encode(record);
	exchange(record, BEHIND_HEAD, PACKED_CSN_BYTES, text, sizeof text - 1);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(a_longer_number_is_damage)
{
	struct ck_record *record = person();
	encode(record);
	flat[BEHIND_HEAD] = CK_CSN_LIMIT_BYTES + 2;
	seal(record);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(a_count_of_zero_is_damage)
{
	static const uint8_t counted[] = {1 << 2 | 1, 0}, changed[] = {1 << 2 | 2, 0};
	struct ck_record *record = person();
	encode(record);
	exchange(record, BEHIND_HEAD + 8, 1, _i == 0 ? counted : changed, 2);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(a_server_past_its_digits_is_damage)
{
	static const uint8_t server[] = {0x80, 0x80, 0x01}; /* 4096 << 2 */
	struct ck_record *record = person();
	encode(record);
	exchange(record, BEHIND_HEAD + 8, 1, server, sizeof server);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

/* ---- what follows from the rest ---- */

static void set_usual(struct ck_record *record)
{
	record->as.staff.given_name = t("Alice");
	record->as.staff.sn = t("Weir");
	record->as.staff.cn = t("Alice Weir");
	record->as.staff.home = t("/home/alice");
	record->as.staff.shell = t("/bin/bash");
	record->as.staff.gid_number = record->as.staff.uid_number;
}

static void check_same(const struct ck_record *record)
{
	const struct ck_staff *is = &found.as.staff, *was = &record->as.staff;
	ck_assert_int_eq(decode(record), CK_OK);
	ck_assert(ck_text_equal(is->cn, was->cn) && ck_text_equal(is->given_name, was->given_name) && ck_text_equal(is->sn, was->sn));
	ck_assert(ck_text_equal(is->home, was->home) && ck_text_equal(is->shell, was->shell) && ck_text_equal(is->uid, was->uid));
	ck_assert_uint_eq(is->gid_number, was->gid_number);
}

START_TEST(what_is_usual_costs_less)
{
	struct ck_record *record = person();
	set_usual(record);
	encode(record);
	size_t usual = length;
	check_same(record);
	record->as.staff.home = t("/home/alicE");
	encode(record);
	ck_assert_uint_gt(length, usual);
	check_same(record);
	record->as.staff.home = t("/srv/alice");
	record->as.staff.shell = t("/bin/ksh");
	record->as.staff.gid_number = 100;
	encode(record);
	check_same(record);
	record->as.staff.shell = (struct ck_text){NULL, 0};
	encode(record);
	check_same(record);
}
END_TEST

START_TEST(nobody_has_no_home)
{
	struct ck_record *record = person();
	set_usual(record);
	record->as.staff.uid = (struct ck_text){NULL, 0};
	record->as.staff.home = t("/home/");
	encode(record);
	ck_assert_uint_eq(flat[2] & 0x20, 0);
	check_same(record);
	/* that it follows all the same */
	flat[2] |= 0x20;
	seal(record);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(names_of_any_form_come_back)
{
	static const char *const names[][3] = {{"Alice Weir", "Alice", "Weir"}, {"Alice de Weir", "Alice", "de Weir"}, {"Alice de Weir", "Alice de", "Weir"},
	                                       {"Dr Alice Weir", "Alice", "Weir"}, {"Weir", "", "Weir"}, {"Alice  Weir", "Alice", "Weir"},
	                                       {"Alice-Weir", "Alice", "Weir"}, {" Weir", "", "Weir"}, {"Alice ", "Alice", ""}};
	struct ck_record *record = person();
	set_usual(record);
	record->as.staff.cn = t(names[_i][0]);
	record->as.staff.given_name = t(names[_i][1]);
	record->as.staff.sn = t(names[_i][2]);
	encode(record);
	check_same(record);
}
END_TEST

/* The flags say that a value is written out which follows from the rest. */
START_TEST(what_follows_written_out_is_damage)
{
	static const uint8_t flags[] = {0x20, 0x40, 0x80};
	struct ck_record *record = person();
	set_usual(record);
	encode(record);
	ck_assert_uint_eq(flat[2] & 0xe0, 0xe0);
	flat[2] = (uint8_t)(flat[2] & ~flags[_i]);
	seal(record);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

START_TEST(a_usual_text_written_out_is_damage)
{
	static const uint8_t written[] = {7 + 9, '/', 'b', 'i', 'n', '/', 'b', 'a', 's', 'h'};
	struct ck_record *record = person();
	set_usual(record);
	encode(record);
	/* the shell is the last */
	exchange(record, length - CK_FLAT_CRC_BYTES - 1, 1, written, sizeof written);
	ck_assert_int_eq(decode(record), CK_ERR_CORRUPT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store flat");
	TCase *c = tcase_create("forms");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, numbers_of_changes_are_packed, 0, sizeof packable / sizeof *packable);
	tcase_add_loop_test(c, other_numbers_are_kept, 0, sizeof kept / sizeof *kept);
	tcase_add_test(c, each_day_is_its_own);
	tcase_add_test(c, a_packed_number_in_full_is_damage);
	tcase_add_test(c, a_longer_number_is_damage);
	tcase_add_loop_test(c, a_count_of_zero_is_damage, 0, 2);
	tcase_add_test(c, a_server_past_its_digits_is_damage);
	tcase_add_test(c, what_is_usual_costs_less);
	tcase_add_test(c, nobody_has_no_home);
	tcase_add_loop_test(c, names_of_any_form_come_back, 0, 9);
	tcase_add_loop_test(c, what_follows_written_out_is_damage, 0, 3);
	tcase_add_test(c, a_usual_text_written_out_is_damage);
	suite_add_tcase(suite, c);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
