/* The pure part of a login: statements byte for byte, a challenge that is good once and for a while, decoys that are stable and alike,
   what terminals say; and how records look on the wire. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/login.h"
#include "authd/record_wire.h"
#include "directory/base/clock.h"
#include "tests/unit/suite.h"

static const uint8_t nonce[CK_NONCE_BYTES] = "thirty-two bytes of one nonce...";
static const uint8_t secret[CK_LOGIN_SECRET_BYTES] = "thirty-two bytes of one machine.";

static struct ck_login_ask sample_ask(void)
{
	return (struct ck_login_ask){.user = "alice", .account = "root", .service = "su", .tty = "pts/1", .remote_host = ""};
}

/* ---- what is signed ---- */

START_TEST(login_statement_is_tag_and_deterministic_cbor)
{
	/* {1: "db1", 2: "alice", 3: "root", 4: "su", 5: "pts/1", 6: "", 7: nonce, 8: 1700000000}, written by hand */
	static const uint8_t head[] = "crosskeys login v1\0"
				      "\xa8\x01\x63"
				      "db1\x02\x65"
				      "alice\x03\x64"
				      "root\x04\x62"
				      "su\x05\x65"
				      "pts/1\x06\x60\x07\x58\x20";
	static const uint8_t tail[] = {0x08, 0x1a, 0x65, 0x53, 0xf1, 0x00};
	struct ck_login_ask ask = sample_ask();
	const struct ck_bytes parts[] = {{head, sizeof head - 1}, {nonce, sizeof nonce}, {tail, sizeof tail}};
	uint8_t expected[32], hash[32];
	ck_sha256(expected, parts, 3);
	ck_assert_int_eq(ck_login_hash_statement(&ask, "db1", nonce, 1700000000, hash), CK_OK);
	ck_assert_mem_eq(hash, expected, sizeof hash);
}
END_TEST

START_TEST(identify_statement_has_its_own_tag)
{
	static const uint8_t head[] = "crosskeys identify v1\0"
				      "\xa4\x01\x63"
				      "db1\x02\x65"
				      "alice\x03\x58\x20";
	static const uint8_t tail[] = {0x04, 0x1a, 0x65, 0x53, 0xf1, 0x00};
	const struct ck_bytes parts[] = {{head, sizeof head - 1}, {nonce, sizeof nonce}, {tail, sizeof tail}};
	uint8_t expected[32], hash[32];
	ck_sha256(expected, parts, 3);
	ck_assert_int_eq(ck_login_hash_identify("alice", "db1", nonce, 1700000000, hash), CK_OK);
	ck_assert_mem_eq(hash, expected, sizeof hash);
}
END_TEST

START_TEST(every_part_of_a_login_is_signed)
{
	uint8_t good[32], other[32], other_nonce[CK_NONCE_BYTES];
	struct ck_login_ask ask = sample_ask();
	ck_assert_int_eq(ck_login_hash_statement(&ask, "db1", nonce, 1700000000, good), CK_OK);
	char *const texts[] = {ask.user, ask.account, ask.service, ask.tty, ask.remote_host};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char first = texts[i][0];
		texts[i][0] = 'X';
		ck_assert_int_eq(ck_login_hash_statement(&ask, "db1", nonce, 1700000000, other), CK_OK);
		ck_assert_mem_ne(good, other, sizeof good);
		texts[i][0] = first;
	}
	ck_assert_int_eq(ck_login_hash_statement(&ask, "db2", nonce, 1700000000, other), CK_OK);
	ck_assert_mem_ne(good, other, sizeof good);
	ck_assert_int_eq(ck_login_hash_statement(&ask, "db1", nonce, 1700000001, other), CK_OK);
	ck_assert_mem_ne(good, other, sizeof good);
	memcpy(other_nonce, nonce, sizeof other_nonce);
	other_nonce[31] ^= 1;
	ck_assert_int_eq(ck_login_hash_statement(&ask, "db1", other_nonce, 1700000000, other), CK_OK);
	ck_assert_mem_ne(good, other, sizeof good);
}
END_TEST

START_TEST(the_longest_login_fits_its_statement)
{
	struct ck_login_ask ask;
	char system[CK_SYSTEM_LIMIT_BYTES + 1];
	uint8_t hash[32];
	memset(&ask, 'x', sizeof ask);
	ask.user[sizeof ask.user - 1] = ask.account[sizeof ask.account - 1] = ask.service[sizeof ask.service - 1] = '\0';
	ask.tty[sizeof ask.tty - 1] = ask.remote_host[sizeof ask.remote_host - 1] = '\0';
	memset(system, 's', sizeof system);
	system[sizeof system - 1] = '\0';
	ck_assert_int_eq(ck_login_hash_statement(&ask, system, nonce, INT64_MAX, hash), CK_OK);
}
END_TEST

/* ---- reading a request ---- */

static size_t encode_ask(uint8_t *out, size_t limit, const char *user, const char *tty)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit);
	ck_map_begin(&m, &w);
	ck_field_uint(&m, CK_F_TYPE, CK_OP_LOGIN_BEGIN);
	ck_field_string(&m, CK_F_USER, user);
	ck_field_string(&m, CK_F_ACCOUNT, "root");
	ck_field_string(&m, CK_F_SERVICE, "su");
	ck_field_string(&m, CK_F_TTY, tty);
	ck_map_end(&m);
	ck_assert(!w.failed);
	return ck_writer_length(&w);
}

START_TEST(ask_is_read_and_absent_texts_are_empty)
{
	uint8_t bytes[512];
	struct ck_map map;
	struct ck_login_ask ask;
	size_t length = encode_ask(bytes, sizeof bytes, "alice", NULL);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){bytes, length}, &map), CK_OK);
	ck_assert_int_eq(ck_login_read_ask(&map, &ask), CK_OK);
	ck_assert_str_eq(ask.user, "alice");
	ck_assert_str_eq(ask.account, "root");
	ck_assert_str_eq(ask.service, "su");
	ck_assert_str_eq(ask.tty, "");
	ck_assert_str_eq(ask.remote_host, "");
}
END_TEST

START_TEST(ask_with_a_name_too_long_is_refused_whole)
{
	uint8_t bytes[512];
	char user[CK_LOGIN_NAME_LIMIT_BYTES + 2];
	struct ck_map map;
	struct ck_login_ask ask;
	memset(user, 'a', sizeof user - 1);
	user[sizeof user - 1] = '\0';
	size_t length = encode_ask(bytes, sizeof bytes, user, "tty1");
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){bytes, length}, &map), CK_OK);
	ck_assert_int_eq(ck_login_read_ask(&map, &ask), CK_ERR_LIMIT);
	ck_assert_str_eq(ask.user, "");
	ck_assert_str_eq(ask.tty, "");
}
END_TEST

START_TEST(same_login_is_user_account_and_service)
{
	struct ck_login_ask a = sample_ask(), b = sample_ask();
	strcpy(b.tty, "tty9");
	ck_assert(ck_login_same(&a, &b));
	b = a, strcpy(b.user, "alic");
	ck_assert(!ck_login_same(&a, &b));
	b = a, strcpy(b.account, "alice");
	ck_assert(!ck_login_same(&a, &b));
	b = a, strcpy(b.service, "sudo");
	ck_assert(!ck_login_same(&a, &b));
}
END_TEST

/* ---- challenges ---- */

START_TEST(challenge_is_good_once)
{
	struct ck_challenge challenge, taken;
	ck_challenge_issue(&challenge, nonce, true, 1000, 500);
	ck_assert_int_eq(ck_challenge_take(&challenge, 1499, &taken), CK_OK);
	ck_assert_mem_eq(taken.hash, nonce, sizeof taken.hash);
	ck_assert(taken.verify);
	ck_assert_int_eq(ck_challenge_take(&challenge, 1499, &taken), CK_ERR_DENIED);
}
END_TEST

START_TEST(challenge_ends)
{
	struct ck_challenge challenge, taken;
	ck_challenge_issue(&challenge, nonce, false, 1000, 500);
	ck_assert_int_eq(ck_challenge_take(&challenge, 1500, &taken), CK_ERR_TIMEOUT);
	/* and is used up by that */
	ck_assert_int_eq(ck_challenge_take(&challenge, 1100, &taken), CK_ERR_DENIED);
}
END_TEST

START_TEST(challenge_is_not_good_before_it_was_issued)
{
	struct ck_challenge challenge, taken;
	ck_challenge_issue(&challenge, nonce, false, 1000, 500);
	ck_assert_int_eq(ck_challenge_take(&challenge, 999, &taken), CK_ERR_TIMEOUT);
}
END_TEST

START_TEST(no_challenge_is_denied)
{
	struct ck_challenge challenge = {.open = false}, taken;
	ck_assert_int_eq(ck_challenge_take(&challenge, 0, &taken), CK_ERR_DENIED);
}
END_TEST

/* ---- decoys ---- */

START_TEST(decoys_are_stable_for_a_name)
{
	struct ck_decoys a, b;
	ck_login_decoys(secret, ck_text_of("mallory"), &a);
	ck_login_decoys(secret, ck_text_of("mallory"), &b);
	ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

START_TEST(decoys_differ_by_name_and_by_machine)
{
	struct ck_decoys a, b;
	uint8_t other[CK_LOGIN_SECRET_BYTES];
	ck_login_decoys(secret, ck_text_of("mallory"), &a);
	ck_login_decoys(secret, ck_text_of("mallorz"), &b);
	ck_assert_mem_ne(a.ids[0], b.ids[0], 48);
	memcpy(other, secret, sizeof other);
	other[0] ^= 1;
	ck_login_decoys(other, ck_text_of("mallory"), &b);
	ck_assert_mem_ne(a.ids[0], b.ids[0], 48);
}
END_TEST

START_TEST(decoys_look_like_keys)
{
	size_t twos = 0;
	for (unsigned i = 0; i < 1000; i++) {
		struct ck_decoys decoys;
		char name[32];
		(void)snprintf(name, sizeof name, "user%u", i);
		ck_login_decoys(secret, ck_text_of(name), &decoys);
		ck_assert_uint_ge(decoys.count, 1);
		ck_assert_uint_le(decoys.count, CK_DECOYS_LIMIT);
		twos += decoys.count == 2;
		for (size_t k = 0; k < decoys.count; k++) {
			ck_assert_uint_ge(decoys.lengths[k], 48);
			ck_assert_uint_le(decoys.lengths[k], CK_DECOY_LIMIT_BYTES);
			/* the last byte is filled like the first */
			ck_assert(decoys.ids[k][decoys.lengths[k] - 1] != 0 || decoys.ids[k][decoys.lengths[k] - 2] != 0 ||
				  decoys.ids[k][decoys.lengths[k] - 3] != 0);
		}
		if (decoys.count == 2) ck_assert_mem_ne(decoys.ids[0], decoys.ids[1], 48);
	}
	ck_assert_uint_gt(twos, 150);
	ck_assert_uint_lt(twos, 400);
}
END_TEST

START_TEST(nobodys_key_is_a_sound_one)
{
	enum ck_fido_algorithm algorithm;
	struct ck_errmsg err;
	struct ck_bytes key = {ck_login_nobody_key, ck_login_nobody_key_length};
	ck_assert_msg(ck_fido_check_public_key(key, &algorithm, &err) == CK_OK, "%s", err.text);
	ck_assert_int_eq(algorithm, CK_FIDO_ES256);
}
END_TEST

/* ---- terminals ---- */

START_TEST(terminals_of_a_seat)
{
	static const char *const names[] = {"tty1", "tty63", "/dev/tty7", "console", "/dev/console", ":0", ":1", ":0.0", ":12.3"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ck_assert_msg(ck_login_terminal(names[i]) == CK_TERMINAL_SEAT, "%s", names[i]);
}
END_TEST

START_TEST(terminals_that_are_pseudo)
{
	ck_assert_int_eq(ck_login_terminal("pts/0"), CK_TERMINAL_PSEUDO);
	ck_assert_int_eq(ck_login_terminal("/dev/pts/4711"), CK_TERMINAL_PSEUDO);
}
END_TEST

START_TEST(terminals_that_say_nothing)
{
	static const char *const names[] = {"", "ssh", "tty", "tty0", "tty64", "tty01", "ttyS0", "tty1 ", ":", ":a", ":0.", ":0.x",
	                                    "localhost:10.0", "cron", "pts/", "pts/-1", "/dev/", "dev/tty1", "/dev//tty1", "/dev/:0"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ck_assert_msg(ck_login_terminal(names[i]) == CK_TERMINAL_NONE, "%s", names[i]);
}
END_TEST

/* ---- on the wire ---- */

static struct ck_record sample_rule(struct ck_id *ids)
{
	memset(ids, 0x11, 2 * sizeof *ids);
	struct ck_record record = {.kind = CK_KIND_RULE, .csn = ck_text_of("20260101000000.000000Z#000000#001#000000")};
	memset(&record.id, 0x22, sizeof record.id);
	struct ck_rule *rule = &record.as.rule;
	rule->name = ck_text_of("doors");
	rule->status = CK_STATUS_ACTIVE;
	rule->window = (struct ck_window){CK_TIME_ALWAYS, CK_TIME_UNLIMITED};
	rule->all_systems = true;
	rule->roles = (struct ck_ids){ids, 2};
	rule->accounts = (struct ck_texts){.at = {ck_text_of("self"), ck_text_of("root")}, .count = 2};
	rule->services = (struct ck_texts){.at = {ck_text_of("*")}, .count = 1};
	rule->sources.local = true;
	rule->proved = CK_PROVED_TOUCH | CK_PROVED_VERIFIED;
	return record;
}

static const struct ck_change_value *value_of(const struct ck_change_value *values, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (ck_text_is(values[i].attribute, name)) return &values[i];
	return NULL;
}

START_TEST(rule_on_the_wire_has_the_directorys_names)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	uint8_t bytes[CK_WIRE_ENTRY_LIMIT_BYTES];
	struct ck_id ids[2];
	struct ck_wire_entry entry;
	size_t length, count;
	struct ck_record record = sample_rule(ids);
	ck_assert_int_eq(ck_record_wire_encode(&record, NULL, CK_WIRE_WHOLE, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_eq(ck_wire_entry_decode((struct ck_bytes){bytes, length}, &entry), CK_OK);
	ck_assert(ck_text_is(entry.kind, "rule"));
	ck_assert_uint_eq(entry.id.length, 16);
	ck_assert(ck_text_equal(entry.csn, record.csn));
	ck_assert_int_eq(ck_change_values_decode(entry.values, values, &count), CK_OK);
	ck_assert_uint_eq(value_of(values, count, "ckRoleId")->count, 2);
	ck_assert_uint_eq(value_of(values, count, "ckAccount")->count, 2);
	ck_assert_uint_eq(value_of(values, count, "ckProved")->count, 2);
	ck_assert_mem_eq(value_of(values, count, "ckTarget")->values[0].at, "*", 1);
	ck_assert_mem_eq(value_of(values, count, "ckValidUntil")->values[0].at, "99991231235959Z", 15);
	ck_assert_mem_eq(value_of(values, count, "ckSource")->values[0].at, "local", 5);
}
END_TEST

START_TEST(names_only_hides_the_rest)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	uint8_t bytes[1024];
	struct ck_wire_entry entry;
	size_t length, count;
	struct ck_record record = {.kind = CK_KIND_STAFF};
	memset(&record.id, 1, sizeof record.id);
	record.as.staff = (struct ck_staff){.uid = ck_text_of("alice"),
					    .cn = ck_text_of("Alice A"),
					    .sn = ck_text_of("A"),
					    .mail = ck_text_of("alice@example.org"),
					    .staff_number = ck_text_of("77"),
					    .uid_number = 200001,
					    .home = ck_text_of("/home/alice"),
					    .shell = ck_text_of("/bin/sh"),
					    .status = CK_STATUS_ACTIVE};
	ck_assert_int_eq(ck_record_wire_encode(&record, NULL, CK_WIRE_NAMES, bytes, sizeof bytes, &length), CK_OK);
	ck_assert_int_eq(ck_wire_entry_decode((struct ck_bytes){bytes, length}, &entry), CK_OK);
	ck_assert_int_eq(ck_change_values_decode(entry.values, values, &count), CK_OK);
	ck_assert_ptr_nonnull(value_of(values, count, "uid"));
	ck_assert_ptr_nonnull(value_of(values, count, "mail"));
	ck_assert_ptr_null(value_of(values, count, "employeeNumber"));
	ck_assert_ptr_null(value_of(values, count, "uidNumber"));
	ck_assert_ptr_null(value_of(values, count, "homeDirectory"));
}
END_TEST

START_TEST(the_hash_of_a_code_never_leaves)
{
	uint8_t bytes[1024];
	size_t length;
	struct ck_record record = {.kind = CK_KIND_CODE};
	memset(&record.id, 1, sizeof record.id);
	memset(record.as.code.hash, 0xee, sizeof record.as.code.hash);
	ck_assert_int_eq(ck_record_wire_encode(&record, NULL, CK_WIRE_WHOLE, bytes, sizeof bytes, &length), CK_OK);
	for (size_t i = 0; i + 1 < length; i++) ck_assert(bytes[i] != 0xee);
}
END_TEST

START_TEST(an_entry_too_large_for_the_room_is_a_limit)
{
	uint8_t bytes[40];
	size_t length;
	struct ck_id ids[2];
	struct ck_record record = sample_rule(ids);
	ck_assert_int_eq(ck_record_wire_encode(&record, NULL, CK_WIRE_WHOLE, bytes, sizeof bytes, &length), CK_ERR_LIMIT);
	ck_assert_uint_eq(length, 0);
}
END_TEST

static TCase *with(TCase *cases, const TTest *const *tests, size_t count)
{
	for (size_t i = 0; i < count; i++) tcase_add_test(cases, tests[i]);
	return cases;
}

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	const TTest *const statements[] = {login_statement_is_tag_and_deterministic_cbor, identify_statement_has_its_own_tag,
					   every_part_of_a_login_is_signed, the_longest_login_fits_its_statement};
	const TTest *const requests[] = {ask_is_read_and_absent_texts_are_empty, ask_with_a_name_too_long_is_refused_whole,
					 same_login_is_user_account_and_service};
	const TTest *const challenges[] = {challenge_is_good_once, challenge_ends, challenge_is_not_good_before_it_was_issued,
	                                   no_challenge_is_denied};
	const TTest *const decoys[] = {decoys_are_stable_for_a_name, decoys_differ_by_name_and_by_machine, decoys_look_like_keys,
				       nobodys_key_is_a_sound_one};
	const TTest *const terminals[] = {terminals_of_a_seat, terminals_that_are_pseudo, terminals_that_say_nothing};
	const TTest *const wire[] = {rule_on_the_wire_has_the_directorys_names, names_only_hides_the_rest, the_hash_of_a_code_never_leaves,
				     an_entry_too_large_for_the_room_is_a_limit};
	Suite *suite = suite_create("login");
#define CASES(name) suite_add_tcase(suite, with(tcase_create(#name), name, sizeof name / sizeof name[0]))
	CASES(statements);
	CASES(requests);
	CASES(challenges);
	CASES(decoys);
	CASES(terminals);
	CASES(wire);
	return suite_run(suite);
}
