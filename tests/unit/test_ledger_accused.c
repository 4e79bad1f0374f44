/* Whoever tells the ledger what is malformed, or not theirs to tell, is cut off and accused; nobody else is disturbed. */
#include <sodium.h>

#include "tests/unit/ledger_rig.h"
#include "tests/unit/suite.h"

/* The accusation that the supervisor hears. */
static void is_accused(unsigned process, unsigned index)
{
	struct ck_map map;
	ck_assert(receive(control, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_ACCUSE);
	ck_assert_uint_eq(map.at[CK_F_PROCESS].number, process);
	ck_assert_uint_eq(map.at[CK_F_INDEX].number, index);
	ck_assert_uint_eq(recorded("alarm"), 1);
}

START_TEST(a_gate_that_records_a_change_is_cut_off_and_accused)
{
	struct ck_map map;
	char reason[64];
	tell(gate, &intent, CK_MSG_RECORD);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
	ck_assert_uint_eq(recorded("change-intent"), 0);
	/* nobody else is disturbed, and the next gate is served */
	ck_assert(asks(replica, &intent, reason));
	close(gate);
	gate = add_peer(CK_PROCESS_GATE, 0);
	ck_assert(asks(gate, &granted_account, reason));
}
END_TEST

START_TEST(what_came_before_the_malformed_still_stands)
{
	uint8_t bytes[8192];
	struct ck_map map;
	size_t length = encode(&granted_account, CK_MSG_RECORD, bytes, sizeof bytes);
	length += encode(&intent, CK_MSG_RECORD, bytes + length, sizeof bytes - length);
	ck_assert_int_eq(send(gate, bytes, length, 0), (ssize_t)length);
	ck_assert(receive(gate, &map));
	ck_assert(!receive(gate, &map));
	ck_assert_uint_eq(recorded("account-granted"), 1);
}
END_TEST

START_TEST(garbage_is_cut_off_and_accused)
{
	struct ck_map map;
	ck_assert_int_eq(send(gate, "\x00\x00\x00\x04hello", 9, 0), 9);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
}
END_TEST

START_TEST(a_replica_finds_no_sessions)
{
	struct ck_map map;
	struct said find = { .leader = { 1, 2 }, .leaders = 2 };
	tell(replica, &find, CK_MSG_SESSION_FIND);
	ck_assert(!receive(replica, &map));
	is_accused(CK_PROCESS_REPLICA, 0);
}
END_TEST

/* Nobody's touch is behind an account decision, nor has a change of the replica's a source. */
START_TEST(a_source_where_none_belongs_is_malformed)
{
	struct said account = granted_account;
	struct ck_map map;
	account.with_source = true;
	tell(gate, &account, CK_MSG_RECORD);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
}
END_TEST

START_TEST(a_replica_tries_nothing)
{
	const struct said source = { .with_source = true };
	struct ck_map map;
	tell(replica, &source, CK_MSG_TRY);
	ck_assert(!receive(replica, &map));
	is_accused(CK_PROCESS_REPLICA, 0);
}
END_TEST

START_TEST(a_try_from_nowhere_is_cut_off)
{
	const struct said nothing = { .extra = false };
	struct ck_map map;
	tell(gate, &nothing, CK_MSG_TRY);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
}
END_TEST

START_TEST(a_gate_tells_no_counters)
{
	static struct ck_map map;
	uint8_t bytes[256];
	size_t length = encode_uses(9, CK_USES_FIRST | CK_USES_LAST, 0, bytes, sizeof bytes);
	ck_assert_int_eq(send(gate, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
}
END_TEST

START_TEST(a_replica_that_tells_something_malformed_is_cut_off)
{
	static struct ck_map map;
	uint8_t bytes[256];
	size_t length = encode_uses(9, 4, 0, bytes, sizeof bytes);
	ck_assert_int_eq(send(replica, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
	ck_assert(!receive(replica, &map));
	is_accused(CK_PROCESS_REPLICA, 0);
}
END_TEST

START_TEST(a_checkpoint_for_somebody_else_than_root_is_cut_off)
{
	static struct ck_map map;
	struct said said = { .event = CK_EVENT_CHECKPOINT, .uid = 1000 };
	tell(gate, &said, CK_MSG_RECORD);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
}
END_TEST

int main(void)
{
	if (geteuid() != 0 || getpwnam("nobody") == NULL) {
		puts("skipped: the process (needs root and the user nobody)");
		return EXIT_SUCCESS;
	}
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("ledger_accused");
	TCase *accused = tcase_create("accused");
	tcase_add_checked_fixture(accused, make_process, free_process);
	tcase_set_timeout(accused, 120);
	tcase_add_test(accused, a_gate_that_records_a_change_is_cut_off_and_accused);
	tcase_add_test(accused, what_came_before_the_malformed_still_stands);
	tcase_add_test(accused, garbage_is_cut_off_and_accused);
	tcase_add_test(accused, a_replica_finds_no_sessions);
	tcase_add_test(accused, a_source_where_none_belongs_is_malformed);
	tcase_add_test(accused, a_replica_tries_nothing);
	tcase_add_test(accused, a_try_from_nowhere_is_cut_off);
	tcase_add_test(accused, a_gate_tells_no_counters);
	tcase_add_test(accused, a_replica_that_tells_something_malformed_is_cut_off);
	tcase_add_test(accused, a_checkpoint_for_somebody_else_than_root_is_cut_off);
	suite_add_tcase(suite, accused);
	return suite_run(suite);
}
