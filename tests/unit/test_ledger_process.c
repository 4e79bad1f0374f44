/* The ledger as a process: what is answered before what, what it is asked besides records, and that nothing answered is lost when it dies. */
#include <sodium.h>
#include <time.h>

#include "tests/unit/ledger_rig.h"
#include "tests/unit/suite.h"

START_TEST(the_process_records_and_stops)
{
	char reason[64];
	ck_assert(asks(gate, &granted_login, reason));
	ck_assert_uint_eq(recorded("login-granted"), 1); /* written before it was answered */
	ck_assert(!asks(gate, &granted_login, reason));
	ck_assert_str_eq(reason, "counter");
	ck_assert(asks(gate, &opened, reason));
	struct said change = intent;
	change.count_there = true;
	change.count = 8;
	ck_assert(asks(replica, &change, reason));
	ck_assert_int_eq(stop_ledger(), 0);
	ck_assert_uint_eq(recorded("stopped"), 1);
	ck_assert_uint_eq(fixture_verify().after_checkpoint, 0);
}
END_TEST

START_TEST(what_waits_for_a_flush_at_the_stop_is_answered)
{
	char reason[64];
	uint64_t request;
	int status;
	uint8_t bytes[8192];
	size_t length = encode(&granted_account, CK_MSG_RECORD, bytes, sizeof bytes);
	length += encode(&granted_login, CK_MSG_RECORD, bytes + length, sizeof bytes - length);
	ck_assert_int_eq(send(gate, bytes, length, 0), (ssize_t)length);
	ck_assert(hear(gate, &request, reason)); /* the account: both are written, one flush is in flight or about to be */
	send_control(CK_MSG_STOP, 0, 0, -1, NULL);
	ck_assert(hear(gate, &request, reason));
	ck_assert_int_eq(waitpid(ledger_pid, &status, 0), ledger_pid);
	ledger_pid = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_uint_eq(recorded("login-granted"), 1);
	ck_assert_uint_eq(fixture_verify().after_checkpoint, 0);
}
END_TEST

START_TEST(what_waits_for_no_flush_is_answered_first)
{
	uint8_t bytes[8192];
	char reason[64];
	uint64_t request;
	size_t length = encode(&granted_login, CK_MSG_RECORD, bytes, sizeof bytes);
	uint64_t login_request = next_request - 1;
	length += encode(&granted_account, CK_MSG_RECORD, bytes + length, sizeof bytes - length);
	ck_assert_int_eq(send(gate, bytes, length, 0), (ssize_t)length);
	ck_assert(hear(gate, &request, reason));
	ck_assert_uint_eq(request, login_request + 1);
	ck_assert(hear(gate, &request, reason));
	ck_assert_uint_eq(request, login_request);
}
END_TEST

START_TEST(more_than_a_batch_at_once_is_answered)
{
	static uint8_t bytes[1 << 20];
	size_t length = 0;
	char reason[64];
	uint64_t request;
	for (int i = 0; i < 2000; i++) length += encode(&granted_account, CK_MSG_RECORD, bytes + length, sizeof bytes - length);
	pid_t pid = fork();
	if (pid == 0) {
		for (size_t done = 0; done < length;) {
			ssize_t sent = send(gate, bytes + done, length - done, MSG_NOSIGNAL);
			if (sent <= 0) _exit(1);
			done += (size_t)sent;
		}
		_exit(0);
	}
	for (int i = 0; i < 2000; i++) ck_assert(hear(gate, &request, reason));
	waitpid(pid, NULL, 0);
	ck_assert_uint_eq(recorded("account-granted"), 2000);
}
END_TEST

START_TEST(a_session_is_found_by_the_gate)
{
	static struct ck_map map;
	char reason[64];
	bool inside;
	struct said find = { .leader = { 4711, 99, 1, 2 }, .leaders = 4 };
	ck_assert(asks(gate, &granted_login, reason));
	tell(gate, &find, CK_MSG_SESSION_FIND);
	ck_assert(receive(gate, &map));
	ck_assert_int_eq(ck_map_bool(&map, CK_F_INSIDE, &inside), CK_OK);
	ck_assert(!inside);
	struct said session = opened;
	session.host = "192.0.2.1";
	ck_assert(asks(gate, &session, reason));
	tell(gate, &find, CK_MSG_SESSION_FIND);
	ck_assert(receive(gate, &map));
	ck_assert_int_eq(ck_map_bool(&map, CK_F_INSIDE, &inside), CK_OK);
	ck_assert(inside);
	struct ck_text host;
	ck_assert_int_eq(ck_map_text(&map, CK_F_REMOTE_HOST, 255, &host), CK_OK);
	ck_assert(ck_text_is(host, "192.0.2.1"));
}
END_TEST

START_TEST(a_ledger_that_knows_no_counter_waits_for_those_of_the_directory)
{
	char reason[64];
	struct said login = granted_login;
	ck_assert_int_eq(stop_ledger(), 0);
	fixture_clear();
	*strrchr(fixture_directory, '/') = '\0';
	start_ledger();
	strcat(fixture_directory, "/audit");
	ck_assert(!asks(gate, &login, reason));
	ck_assert_str_eq(reason, "unrecorded");
	(void)process_uses(9, CK_USES_FIRST);
	ck_assert(!asks(gate, &login, reason));
	ck_assert_str_eq(reason, "unrecorded");
	(void)process_uses(9, CK_USES_LAST);
	ck_assert(!asks(gate, &login, reason));
	ck_assert_str_eq(reason, "counter");
	login.count = 10;
	ck_assert(asks(gate, &login, reason));
	ck_assert_uint_eq(recorded("login-granted"), 1);
}
END_TEST

START_TEST(the_replica_is_given_what_the_directory_does_not_have)
{
	char reason[64];
	ck_assert_ptr_null(process_uses(-1, 0));
	ck_assert(asks(gate, &granted_login, reason));
	ck_assert_mem_eq(process_uses(-1, 0), hash, sizeof hash);
	ck_assert_ptr_null(process_uses(7, 0));
}
END_TEST

static bool may_try(void)
{
	const struct said source = { .with_source = true };
	struct ck_map map;
	uint64_t wait_ms;
	bool may = false;
	tell(gate, &source, CK_MSG_TRY);
	ck_assert(receive(gate, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_TRIED);
	ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &may), CK_OK);
	ck_assert_int_eq(ck_map_uint(&map, CK_F_COUNT, 0, 60000, &wait_ms), CK_OK);
	ck_assert(may == (wait_ms == 0));
	return may;
}

START_TEST(a_gate_asks_whether_something_may_be_begun)
{
	const struct said source = { .with_source = true };
	for (int i = 0; i < 5; i++) ck_assert(may_try());
	ck_assert(!may_try());
	tell(gate, &source, CK_MSG_PROVED);
	ck_assert(may_try());
	ck_assert(!may_try());
}
END_TEST

/* One question for both; who may not go on is not told where they sit. */
START_TEST(a_try_is_told_where_it_is)
{
	static struct ck_map map;
	char reason[64];
	bool inside = false, may = false;
	struct said try = { .with_source = true, .leader = { 4711, 99, 1, 2 }, .leaders = 4 }, session = opened;
	struct ck_text host;
	session.host = "192.0.2.1";
	ck_assert(asks(gate, &granted_login, reason));
	ck_assert(asks(gate, &session, reason));
	for (int i = 0; i < 5; i++) {
		tell(gate, &try, CK_MSG_TRY);
		ck_assert(receive(gate, &map));
		ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &may), CK_OK);
		ck_assert_int_eq(ck_map_bool(&map, CK_F_INSIDE, &inside), CK_OK);
		ck_assert_int_eq(ck_map_text(&map, CK_F_REMOTE_HOST, 255, &host), CK_OK);
		ck_assert(may && inside && ck_text_is(host, "192.0.2.1"));
	}
	tell(gate, &try, CK_MSG_TRY);
	ck_assert(receive(gate, &map));
	ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &may), CK_OK);
	ck_assert(!may);
	ck_assert_int_eq(ck_map_bool(&map, CK_F_INSIDE, &inside), CK_ERR_NOT_FOUND);
	ck_assert_int_eq(ck_map_text(&map, CK_F_REMOTE_HOST, 255, &host), CK_ERR_NOT_FOUND);
}
END_TEST

/* The record of what came of a touch says where it was begun: that is given back, once, and not written down. */
START_TEST(a_record_gives_back_what_was_proved)
{
	char reason[64];
	struct said login = granted_login, refused = { .event = CK_EVENT_LOGIN_REFUSED, .user = "huw", .reason = "no-role", .proved = 1 };
	login.with_source = refused.with_source = true;
	for (int i = 0; i < 5; i++) ck_assert(may_try());
	ck_assert(!may_try());
	ck_assert(asks(gate, &login, reason));
	ck_assert(may_try());
	ck_assert(!may_try());
	ck_assert(asks(gate, &refused, reason));
	ck_assert(may_try());
	ck_assert(!may_try());
	ck_assert_uint_eq(recorded("login-granted"), 1);
	ck_assert_ptr_null(strstr(newest, "source"));
}
END_TEST

START_TEST(a_channel_of_the_same_gate_takes_the_place_of_the_old)
{
	struct ck_map map;
	char reason[64];
	int again = add_peer(CK_PROCESS_GATE, 0);
	ck_assert(asks(again, &granted_account, reason));
	ck_assert(!receive(gate, &map));
	close(again);
}
END_TEST

START_TEST(a_note_of_the_supervisor_is_recorded)
{
	char reason[64];
	send_control(CK_MSG_NOTE, 0, 0, -1, "gate 1 died of signal 9");
	for (int i = 0; i < 200 && recorded("process") == 0; i++) usleep(10000);
	ck_assert_uint_eq(recorded("process"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " detail=gate\\x201\\x20died\\x20of\\x20signal\\x209 "));
	ck_assert(asks(gate, &granted_account, reason));
}
END_TEST

START_TEST(a_checkpoint_is_answered_with_its_line)
{
	static struct ck_map map;
	struct said said = { .event = CK_EVENT_CHECKPOINT };
	struct ck_text line;
	struct ck_audit_report report;
	tell(gate, &said, CK_MSG_RECORD);
	ck_assert(receive(gate, &map));
	ck_assert_int_eq(ck_map_text(&map, CK_F_TEXT, 2048, &line), CK_OK);
	ck_assert_int_eq(ck_audit_verify(fixture_directory, line, &report, NULL), CK_OK);
	ck_assert(report.anchored);
}
END_TEST

START_TEST(killed_at_any_moment_nothing_answered_is_lost)
{
	char reason[64];
	unsigned answered = 0;
	struct said said = granted_login;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i <= round % 5; i++) {
			said.count++;
			ck_assert(asks(gate, &said, reason));
			answered++;
		}
		said.count++;
		tell(gate, &said, CK_MSG_RECORD);
		usleep((useconds_t)(round * 37 % 500));
		kill(ledger_pid, SIGKILL);
		ck_assert_int_eq(waitpid(ledger_pid, NULL, 0), ledger_pid);
		close(control);
		close(gate);
		close(replica);
		start_ledger();
		ck_assert_ptr_nonnull(process_uses(-1, CK_USES_FIRST | CK_USES_LAST));
		struct said again = said;
		again.count--;
		ck_assert(!asks(gate, &again, reason)); /* the last one answered is known */
		ck_assert_str_eq(reason, "counter");
	}
	unsigned in_log = recorded("login-granted");
	ck_assert_uint_ge(in_log, answered);
	ck_assert_uint_le(in_log, answered + 20);
	ck_assert_int_eq(stop_ledger(), 0);
	(void)fixture_verify();
}
END_TEST

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

START_TEST(round_trips_are_measured)
{
	char reason[64];
	static double us[5000];
	for (size_t i = 0; i < 5000; i++) {
		struct timespec a, b;
		clock_gettime(CLOCK_MONOTONIC, &a);
		ck_assert(asks(gate, &granted_account, reason));
		clock_gettime(CLOCK_MONOTONIC, &b);
		us[i] = (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
	}
	qsort(us, 5000, sizeof us[0], compare);
	printf("written round trip: p50 %.1f us, p99 %.1f us\n", us[2500], us[4950]);
}
END_TEST

int main(void)
{
	if (geteuid() != 0 || getpwnam("nobody") == NULL) {
		puts("skipped: the process (needs root and the user nobody)");
		return EXIT_SUCCESS;
	}
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("ledger_process");
	TCase *process = tcase_create("process");
	tcase_add_checked_fixture(process, make_process, free_process);
	tcase_set_timeout(process, 120);
	tcase_add_test(process, the_process_records_and_stops);
	tcase_add_test(process, what_waits_for_a_flush_at_the_stop_is_answered);
	tcase_add_test(process, what_waits_for_no_flush_is_answered_first);
	tcase_add_test(process, more_than_a_batch_at_once_is_answered);
	tcase_add_test(process, a_session_is_found_by_the_gate);
	tcase_add_test(process, a_ledger_that_knows_no_counter_waits_for_those_of_the_directory);
	tcase_add_test(process, the_replica_is_given_what_the_directory_does_not_have);
	tcase_add_test(process, a_gate_asks_whether_something_may_be_begun);
	tcase_add_test(process, a_try_is_told_where_it_is);
	tcase_add_test(process, a_record_gives_back_what_was_proved);
	tcase_add_test(process, a_channel_of_the_same_gate_takes_the_place_of_the_old);
	tcase_add_test(process, a_note_of_the_supervisor_is_recorded);
	tcase_add_test(process, a_checkpoint_is_answered_with_its_line);
	tcase_add_test(process, killed_at_any_moment_nothing_answered_is_lost);
	tcase_add_test(process, round_trips_are_measured);
	suite_add_tcase(suite, process);
	return suite_run(suite);
}
