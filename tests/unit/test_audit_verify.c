/* What verify finds: one test for each way of tampering with a log, and what somebody who took the ledger's key can and cannot do. */
#include <check.h>
#include <sodium.h>

#include "audit_fixture.h"
#include "tests/unit/suite.h"

static char first_anchor[1024], second_anchor[1024];
static struct ck_errmsg why;

/* Lines: 1–5 records, 6 checkpoint, 7–11 records, 12 checkpoint, 13–14 records. */
static void make_log(void)
{
	fixture_make();
	struct ck_chain *chain = fixture_open(0);
	for (int i = 0; i < 5; i++) fixture_add(chain, "account-granted");
	ck_assert_int_eq(ck_chain_checkpoint(chain, first_anchor, sizeof first_anchor, NULL), CK_OK);
	for (int i = 0; i < 5; i++) fixture_add(chain, "account-granted");
	ck_assert_int_eq(ck_chain_checkpoint(chain, second_anchor, sizeof second_anchor, NULL), CK_OK);
	for (int i = 0; i < 2; i++) fixture_add(chain, "account-granted");
	ck_chain_close(&chain);
}

static enum ck_error verify(const char *anchor, struct ck_audit_report *report)
{
	why.text[0] = '\0';
	return ck_audit_verify(fixture_directory, ck_text_of(anchor), report, &why);
}

/* The sentence must say where. */
static void finds(const char *anchor, const char *where)
{
	struct ck_audit_report report;
	ck_assert_int_eq(verify(anchor, &report), CK_ERR_CORRUPT);
	ck_assert_msg(strstr(why.text, where) != NULL, "'%s' does not say '%s'", why.text, where);
}

START_TEST(an_untouched_log_verifies)
{
	struct ck_audit_report report;
	ck_assert_int_eq(verify(NULL, &report), CK_OK);
	ck_assert_uint_eq(report.records, 14);
	ck_assert_uint_eq(report.last_seq, 14);
	ck_assert_uint_eq(report.checkpoints, 2);
	ck_assert_uint_eq(report.last_checkpoint_seq, 12);
	ck_assert_uint_eq(report.after_checkpoint, 2);
	ck_assert(!report.anchored);
}
END_TEST

START_TEST(each_anchor_is_found)
{
	struct ck_audit_report report;
	char with_newline[1100];
	ck_assert_int_eq(verify(first_anchor, &report), CK_OK);
	ck_assert(report.anchored);
	snprintf(with_newline, sizeof with_newline, " %s\r\n", second_anchor);
	ck_assert_int_eq(verify(with_newline, &report), CK_OK);
	ck_assert(report.anchored);
}
END_TEST

START_TEST(a_changed_value_is_found)
{
	fixture_change_byte(3, "user=eluned", 'U');
	finds(NULL, "audit-000001.log:3");
}
END_TEST

START_TEST(a_changed_letter_is_found_in_the_next_record)
{
	fixture_change_byte(3, "eluned", 'a');
	finds(NULL, "audit-000001.log:4: record 4");
}
END_TEST

START_TEST(a_changed_last_record_before_a_checkpoint_is_found)
{
	fixture_change_byte(5, "eluned", 'a');
	finds(NULL, "audit-000001.log:6");
}
END_TEST

START_TEST(a_changed_time_is_found)
{
	fixture_change_byte(2, "T", 'X');
	finds(NULL, "audit-000001.log:2: this is no record");
}
END_TEST

START_TEST(a_changed_digest_is_found)
{
	char line[1024];
	fixture_line(4, line, sizeof line);
	fixture_change_byte(4, strstr(line, "prev=") + 5, line[strlen(line) - 64] == 'f' ? 'e' : 'f');
	finds(NULL, "record 4");
}
END_TEST

static void remove_line(unsigned n)
{
	fixture_load("audit-000001.log");
	char *start = fixture_at(n), *end = fixture_at(n + 1);
	memmove(start, end, fixture_text_length - (size_t)(end - fixture_text));
	fixture_write("audit-000001.log", fixture_text, fixture_text_length - (size_t)(end - start));
}

START_TEST(a_removed_record_is_found)
{
	remove_line(3);
	finds(NULL, "audit-000001.log:3: record 4 stands where record 3 must be");
}
END_TEST

START_TEST(a_removed_checkpoint_is_found)
{
	remove_line(6);
	finds(NULL, "record 7 stands where record 6 must be");
}
END_TEST

START_TEST(a_doubled_record_is_found)
{
	fixture_load("audit-000001.log");
	static char doubled[sizeof fixture_text];
	size_t end = (size_t)(fixture_at(4) - fixture_text), start = (size_t)(fixture_at(3) - fixture_text);
	memcpy(doubled, fixture_text, end);
	memcpy(doubled + end, fixture_text + start, fixture_text_length - start);
	fixture_write("audit-000001.log", doubled, fixture_text_length + end - start);
	finds(NULL, "audit-000001.log:4: record 3");
}
END_TEST

START_TEST(exchanged_records_are_found)
{
	fixture_load("audit-000001.log");
	char *a = fixture_at(2), *b = fixture_at(3), *c = fixture_at(4);
	static char exchanged[4096];
	memcpy(exchanged, b, (size_t)(c - b));
	memcpy(exchanged + (c - b), a, (size_t)(b - a));
	memcpy(a, exchanged, (size_t)(c - a));
	fixture_write("audit-000001.log", fixture_text, fixture_text_length);
	finds(NULL, "audit-000001.log:2: record 3");
}
END_TEST

START_TEST(an_empty_line_is_found)
{
	fixture_append("audit-000001.log", "\n", 1);
	finds(NULL, "audit-000001.log:15: this is no record");
}
END_TEST

START_TEST(a_torn_end_is_found)
{
	fixture_append("audit-000001.log", "15 2026-", 8);
	finds(NULL, "audit-000001.log:15: the file ends within this record");
}
END_TEST

START_TEST(a_cut_tail_is_found_by_the_anchor)
{
	struct ck_audit_report report;
	fixture_truncate_lines(10);
	ck_assert_int_eq(verify(NULL, &report), CK_OK); /* nobody else held a later checkpoint: nothing to be missed */
	finds(second_anchor, "the log ends at record 10, before the anchor (record 12)");
}
END_TEST

START_TEST(an_anchor_of_another_log_is_found)
{
	char other[1024];
	strcpy(other, second_anchor);
	char *digit = strstr(other, "prev=") + 5;
	*digit = *digit == '0' ? '1' : '0';
	finds(other, "record 12 is not the anchor");
}
END_TEST

START_TEST(an_anchor_that_is_no_checkpoint_is_an_error)
{
	struct ck_audit_report report;
	char line[1024];
	fixture_line(3, line, sizeof line);
	ck_assert_int_eq(verify(line, &report), CK_ERR_INVALID);
	ck_assert_int_eq(verify("", &report), CK_ERR_INVALID);
	ck_assert_int_eq(verify("hello", &report), CK_ERR_INVALID);
}
END_TEST

START_TEST(another_genesis_is_found)
{
	fixture_write("genesis", "0000000000000000000000000000000000000000000000000000000000000000\n", 65);
	finds(NULL, "audit-000001.log:6: record 6 is signed by another key than genesis holds");
}
END_TEST

START_TEST(without_genesis_the_anchor_pins)
{
	struct ck_audit_report report;
	fixture_remove("genesis");
	ck_assert_int_eq(verify(NULL, &report), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(verify(first_anchor, &report), CK_OK);
	ck_assert(report.anchored);
}
END_TEST

START_TEST(a_checkpoint_with_another_signature_is_found)
{
	char line[1024];
	fixture_line(12, line, sizeof line);
	char *signature = strstr(line, "sig=") + 4;
	fixture_change_byte(12, signature, signature[0] == '0' ? '1' : '0');
	finds(NULL, "audit-000001.log:12: the signature of record 12 does not fit");
}
END_TEST

START_TEST(a_signature_in_capitals_is_found)
{
	char line[1024];
	fixture_line(12, line, sizeof line);
	char *letter = strstr(line, "sig=") + 4;
	while (*letter < 'a') letter++;
	fixture_change_byte(12, letter, (char)(*letter - 32));
	finds(NULL, "audit-000001.log:12");
}
END_TEST

/* ---- segments ---- */

static void make_segments(void)
{
	fixture_make();
	struct ck_chain *chain = fixture_open(2000);
	for (int i = 0; i < 60; i++) fixture_add(chain, "account-granted");
	ck_assert_int_eq(ck_chain_checkpoint(chain, first_anchor, sizeof first_anchor, NULL), CK_OK);
	ck_chain_close(&chain);
	ck_assert(fixture_exists("audit-000004.log"));
}

START_TEST(a_removed_middle_segment_is_found)
{
	fixture_remove("audit-000002.log");
	finds(NULL, "audit-000002.log is missing");
}
END_TEST

START_TEST(a_removed_first_segment_is_found)
{
	fixture_remove("audit-000001.log");
	finds(NULL, "audit-000001.log is missing");
}
END_TEST

START_TEST(a_removed_last_segment_is_found_by_the_anchor)
{
	for (int i = 3; i < 10; i++) {
		char name[32];
		snprintf(name, sizeof name, "audit-%06d.log", i);
		if (fixture_exists(name)) fixture_remove(name);
	}
	finds(first_anchor, "before the anchor");
}
END_TEST

START_TEST(an_emptied_segment_is_found)
{
	fixture_truncate("audit-000002.log", 0);
	finds(NULL, "audit-000003.log:1: record");
}
END_TEST

START_TEST(a_shortened_segment_is_found)
{
	fixture_truncate_last_line("audit-000002.log");
	finds(NULL, "audit-000003.log:1: record");
}
END_TEST

START_TEST(renamed_segments_are_found)
{
	char two[600], three[600];
	strcpy(two, fixture_path("audit-000002.log"));
	strcpy(three, fixture_path("audit-000003.log"));
	ck_assert_int_eq(rename(two, fixture_path("x")), 0);
	ck_assert_int_eq(rename(three, two), 0);
	ck_assert_int_eq(rename(fixture_path("x"), three), 0);
	finds(NULL, "audit-000002.log:1: record");
}
END_TEST

/* ---- somebody who took the key ---- */

static void hash_line(const char *line, size_t length, char out[65])
{
	unsigned char digest[32];
	crypto_hash_sha256(digest, (const unsigned char *)line, length);
	ck_hex_encode(digest, sizeof digest, out, 65);
}

/* Rewrites the digests of all lines after n, and signs each checkpoint after it with the seed (under the key it names). */
static void rechain(unsigned n, const uint8_t seed[32])
{
	unsigned char public_half[32], secret[64], signature[64];
	crypto_sign_seed_keypair(public_half, secret, seed);
	unsigned lines = fixture_line_count();
	for (unsigned i = n + 1; i <= lines; i++) {
		char digest[65], signature_text[129];
		char *before = fixture_at(i - 1), *line = fixture_at(i);
		hash_line(before, (size_t)(line - before), digest);
		char *prev = strstr(line, "prev=");
		memcpy(prev + 5, digest, 64);
		char *end = strchr(line, '\n'), *sig = strstr(line, " sig=");
		if (sig == NULL || sig > end) continue;
		crypto_sign_detached(signature, NULL, (const unsigned char *)line, (size_t)(sig - line), secret);
		ck_hex_encode(signature, sizeof signature, signature_text, sizeof signature_text);
		memcpy(sig + 5, signature_text, 128);
	}
	fixture_write("audit-000001.log", fixture_text, fixture_text_length);
}

static void stolen_seed(uint8_t out[32])
{
	uint8_t file[128];
	ck_assert_uint_ge(fixture_read("key", file, sizeof file), 56);
	memcpy(out, file + 24, 32);
}

START_TEST(a_stolen_key_forges_nothing_before_the_last_checkpoint)
{
	uint8_t seed[32];
	stolen_seed(seed);
	fixture_change_byte(8, "eluned", 'a');
	rechain(8, seed);
	finds(NULL, "audit-000001.log:12: the signature of record 12 does not fit");
	finds(second_anchor, "audit-000001.log:12: record 12 is not the anchor");
}
END_TEST

START_TEST(a_stolen_key_cannot_stand_for_an_earlier_one)
{
	uint8_t seed[32];
	unsigned char public_half[32], secret[64];
	char key[65], line[1024];
	stolen_seed(seed);
	crypto_sign_seed_keypair(public_half, secret, seed);
	ck_hex_encode(public_half, sizeof public_half, key, sizeof key);
	fixture_line(12, line, sizeof line);
	fixture_load("audit-000001.log");
	memcpy(strstr(fixture_at(12), "key=") + 4, key, 64);
	fixture_write("audit-000001.log", fixture_text, fixture_text_length);
	rechain(11, seed);
	finds(NULL, "audit-000001.log:12: record 12 is signed by another key than the checkpoint before it names");
}
END_TEST

START_TEST(a_stolen_key_can_forge_what_no_checkpoint_has_signed)
{
	uint8_t seed[32];
	struct ck_audit_report report;
	stolen_seed(seed);
	fixture_change_byte(13, "eluned", 'a');
	rechain(13, seed);
	ck_assert_int_eq(verify(second_anchor, &report), CK_OK); /* why checkpoints are made often, and kept elsewhere */
	ck_assert_uint_eq(report.after_checkpoint, 2);
}
END_TEST

/* ---- reading ---- */

static bool count_some(const struct ck_audit_record *record, const char *file, uint64_t line_number, void *context)
{
	ck_assert_str_eq(file, "audit-000001.log");
	ck_assert_uint_eq(record->seq, line_number);
	return ++*(unsigned *)context < 7;
}

START_TEST(reading_ends_when_the_visitor_has_enough)
{
	unsigned count = 0;
	ck_assert_int_eq(ck_audit_each(fixture_directory, count_some, &count, NULL), CK_OK);
	ck_assert_uint_eq(count, 7);
}
END_TEST

START_TEST(no_log_is_said_so)
{
	struct ck_audit_report report;
	fixture_clear();
	ck_assert_int_eq(verify(first_anchor, &report), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_audit_verify("/nowhere", ck_text_of(first_anchor), &report, &why), CK_ERR_NOT_FOUND);
}
END_TEST

/* ---- one line ---- */

static enum ck_error parse(const char *line)
{
	struct ck_audit_record record;
	return ck_audit_parse(ck_text_of(line), &record);
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TIME "2026-11-22T04:20:00.123456Z"

START_TEST(lines_that_are_no_records)
{
	static const char *const bad[] = {
		"", " ", "1", "1 " TIME, "1 " TIME " x", "1 " TIME " x ", "1 " TIME " x prev=", "1 " TIME " x prev=" DIGEST " ",
		"0 " TIME " x prev=" DIGEST, "01 " TIME " x prev=" DIGEST, "-1 " TIME " x prev=" DIGEST, "1  " TIME " x prev=" DIGEST,
		"1 2026-11-22T04:20:00Z x prev=" DIGEST, "1 " TIME " X prev=" DIGEST, "1 " TIME "  prev=" DIGEST,
		"1 " TIME " x prev=" DIGEST "0", "1 " TIME " x prev=" DIGEST " a=b", "1 " TIME " x prev=" DIGEST " prev=" DIGEST,
		"1 " TIME " x a prev=" DIGEST, "1 " TIME " x =b prev=" DIGEST, "1 " TIME " x A=b prev=" DIGEST,
		"1 " TIME " x a=\" prev=" DIGEST, "1 " TIME " x a=\\ prev=" DIGEST, "1 " TIME " x a=\\x1 prev=" DIGEST,
		"1 " TIME " x a=\\xG1 prev=" DIGEST, "1 " TIME " x a=\xc3\xa9 prev=" DIGEST, "1 " TIME " x a=b\tc prev=" DIGEST,
		"1 " TIME " x prev=" DIGEST " sig=00", "1 " TIME " checkpoint prev=" DIGEST " a=00",
		"1 " TIME " x prev=0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ck_assert_msg(parse(bad[i]) != CK_OK, "%s", bad[i]);
	ck_assert_int_eq(parse("1 " TIME " x prev=" DIGEST), CK_OK);
	ck_assert_int_eq(parse("1 " TIME " x a= b=c=d e=\\x20 prev=" DIGEST), CK_OK);
	ck_assert_int_eq(parse("18446744073709551615 " TIME " x prev=" DIGEST), CK_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit_verify");
	TCase *one = tcase_create("one file"), *many = tcase_create("segments");
	tcase_add_checked_fixture(one, make_log, fixture_remove_all);
	tcase_add_checked_fixture(many, make_segments, fixture_remove_all);
	tcase_add_test(one, an_untouched_log_verifies);
	tcase_add_test(one, each_anchor_is_found);
	tcase_add_test(one, a_changed_value_is_found);
	tcase_add_test(one, a_changed_letter_is_found_in_the_next_record);
	tcase_add_test(one, a_changed_last_record_before_a_checkpoint_is_found);
	tcase_add_test(one, a_changed_time_is_found);
	tcase_add_test(one, a_changed_digest_is_found);
	tcase_add_test(one, a_removed_record_is_found);
	tcase_add_test(one, a_removed_checkpoint_is_found);
	tcase_add_test(one, a_doubled_record_is_found);
	tcase_add_test(one, exchanged_records_are_found);
	tcase_add_test(one, an_empty_line_is_found);
	tcase_add_test(one, a_torn_end_is_found);
	tcase_add_test(one, a_cut_tail_is_found_by_the_anchor);
	tcase_add_test(one, an_anchor_of_another_log_is_found);
	tcase_add_test(one, an_anchor_that_is_no_checkpoint_is_an_error);
	tcase_add_test(one, another_genesis_is_found);
	tcase_add_test(one, without_genesis_the_anchor_pins);
	tcase_add_test(one, a_checkpoint_with_another_signature_is_found);
	tcase_add_test(one, a_signature_in_capitals_is_found);
	tcase_add_test(one, a_stolen_key_forges_nothing_before_the_last_checkpoint);
	tcase_add_test(one, a_stolen_key_cannot_stand_for_an_earlier_one);
	tcase_add_test(one, a_stolen_key_can_forge_what_no_checkpoint_has_signed);
	tcase_add_test(one, reading_ends_when_the_visitor_has_enough);
	tcase_add_test(one, no_log_is_said_so);
	tcase_add_test(one, lines_that_are_no_records);
	tcase_add_test(many, a_removed_middle_segment_is_found);
	tcase_add_test(many, a_removed_first_segment_is_found);
	tcase_add_test(many, a_removed_last_segment_is_found_by_the_anchor);
	tcase_add_test(many, an_emptied_segment_is_found);
	tcase_add_test(many, a_shortened_segment_is_found);
	tcase_add_test(many, renamed_segments_are_found);
	suite_add_tcase(suite, one);
	suite_add_tcase(suite, many);
	return suite_run(suite);
}
