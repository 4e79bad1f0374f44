/* The ledger's book: what is recorded and with which fields, who may send what, sessions, refusals that are coalesced, checkpoints. Counters and
   passwords have programs of their own. */
#include <sodium.h>

#include "tests/unit/ledger_book_fixture.h"
#include "tests/unit/suite.h"

START_TEST(a_login_is_recorded_with_all_its_fields)
{
	struct ck_book_answer answer = ask(&granted_login);
	ck_assert(answer.verdict);
	ck_assert(answer.flush_first);
	ck_assert_uint_eq(recorded("login-granted"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " user=eluned account=eluned service=login system=hostname login-id=0900"));
	ck_assert_ptr_nonnull(strstr(newest, " until=unlimited proved=touch+verified hash=010203"));
	ck_assert_ptr_nonnull(strstr(newest, " count=7 peer-uid=0 rule=00000000-0000-0000-0000-000000000000 prev="));
}
END_TEST

START_TEST(an_account_decision_waits_for_no_flush)
{
	struct ck_book_answer answer = ask(&granted_account);
	ck_assert(answer.verdict);
	ck_assert(!answer.flush_first);
}
END_TEST

START_TEST(a_granted_login_opens_one_session_and_no_other)
{
	struct said other = opened;
	other.account = "root";
	ck_assert(stands(&granted_login));
	ck_assert_str_eq(ask(&other).reason, "login-other");
	ck_assert_uint_eq(recorded("session-refused"), 1);
	ck_assert(stands(&opened));
	ck_assert_str_eq(ask(&opened).reason, "no-login");
	ck_assert_uint_eq(recorded("session-opened"), 1);
	ck_assert(stands(&closed));
	ck_assert_str_eq(ask(&closed).reason, "no-session");
	ck_assert_uint_eq(recorded("session-closed"), 1);
}
END_TEST

START_TEST(sessions_survive_a_crash_and_a_stop_but_no_reboot)
{
	struct ck_leader leader = { 4711, 99 };
	struct ck_text host;
	ck_assert(stands(&granted_login));
	restart();
	ck_assert(stands(&opened));
	ck_assert(!ck_book_find_session(book, &(struct ck_leader){ 4711, 98 }, 1, &host));
	restart();
	ck_assert(ck_book_find_session(book, &leader, 1, &host));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	restart();
	ck_assert(ck_book_find_session(book, &leader, 1, &host));
	strcpy(settings.boot, "boot-2");
	restart();
	ck_assert(!ck_book_find_session(book, &leader, 1, &host));
	restart();
	ck_assert(!ck_book_find_session(book, &leader, 1, &host));
}
END_TEST

START_TEST(refusals_are_coalesced_and_still_stand)
{
	for (int i = 0; i < 20; i++) ck_assert(stands(&refused_account));
	ck_assert_uint_eq(recorded("account-refused"), 3);
	struct said proved = refused_account;
	proved.proved = CK_PROVED_TOUCH;
	for (int i = 0; i < 20; i++) ck_assert(stands(&proved));
	ck_assert_uint_eq(recorded("account-refused"), 23);
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	ck_assert_uint_eq(recorded("coalesced"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " user=huw count=17 prev="));
}
END_TEST

START_TEST(who_may_send_what)
{
	struct ck_book_answer answer;
	struct said enrolled = { .event = CK_EVENT_KEY_ENROLLED, .user = "huw", .count_there = true };
	struct said outcome = { .event = CK_EVENT_CHANGE_OUTCOME, .operation = "grant.add", .with_target = true, .reason = "done" };
	ck_assert_int_eq(record(&intent, CK_PROCESS_GATE, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&outcome, CK_PROCESS_GATE, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&enrolled, CK_PROCESS_GATE, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&granted_account, CK_PROCESS_REPLICA, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&granted_login, CK_PROCESS_REPLICA, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&opened, CK_PROCESS_REPLICA, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&granted_login, CK_PROCESS_SUPERVISOR, &answer), CK_ERR_DENIED);
	ck_assert_int_eq(record(&outcome, CK_PROCESS_REPLICA, &answer), CK_OK);
	ck_assert_int_eq(record(&enrolled, CK_PROCESS_REPLICA, &answer), CK_OK);
	for (unsigned event = CK_EVENT_PROCESS; event < 64; event++) { /* the ledger's own, and none at all */
		if (event == CK_EVENT_CLOCK_CONFIRMED) continue;
		struct said own = { .event = event, .detail = "x" };
		bool replicas = event == CK_EVENT_COUNTER_RESET || event == CK_EVENT_PASSWORD_ATTEMPT || event == CK_EVENT_PASSWORD_OUTCOME ||
		                (event >= CK_EVENT_PLAN_ORDERED && event <= CK_EVENT_BATCH_OUTCOME);
		ck_assert_int_eq(record(&own, CK_PROCESS_GATE, &answer), replicas ? CK_ERR_DENIED : CK_ERR_INVALID);
	}
}
END_TEST

START_TEST(one_wrong_field_is_malformed)
{
	struct ck_book_answer answer;
	struct said wrong[8];
	for (size_t i = 0; i < 8; i++) wrong[i] = granted_login;
	wrong[0].extra = true;
	wrong[1].login = false;
	wrong[2].count_there = false;
	wrong[3].no_hash = true;
	wrong[4].user = NULL;
	wrong[5].proved = 16;
	wrong[6].with_rule = false;
	wrong[7].leaders = 3;
	for (size_t i = 0; i < 8; i++) ck_assert_int_eq(record(&wrong[i], CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	struct said session = opened;
	session.leaders = 0;
	ck_assert_int_eq(record(&session, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	session.leaders = 3;
	ck_assert_int_eq(record(&session, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	ck_assert_uint_eq(recorded("login-granted"), 0);
}
END_TEST

START_TEST(the_table_of_events_is_its_own_index)
{
	size_t count;
	const struct ck_event_rule *rules = ck_event_rules(&count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_ptr_eq(ck_event_rule_of(rules[i].event), &rules[i]);
		ck_assert_uint_ne(rules[i].from, 0);
	}
	ck_assert_ptr_null(ck_event_rule_of(0));
	ck_assert_ptr_null(ck_event_rule_of(UINT64_MAX));
}
END_TEST

START_TEST(a_checkpoint_of_nothing_new_is_the_last_one)
{
	const char *line;
	char first[1024];
	ck_assert_int_eq(ck_book_checkpoint(book, &line, NULL), CK_OK);
	strcpy(first, line);
	ck_assert_int_eq(ck_book_checkpoint(book, &line, NULL), CK_OK);
	ck_assert_str_eq(line, first);
	ck_assert(stands(&granted_account));
	ck_assert_int_eq(ck_book_checkpoint(book, &line, NULL), CK_OK);
	ck_assert_str_ne(line, first);
	struct ck_audit_report report;
	ck_assert_int_eq(ck_audit_verify(fixture_directory, ck_text_of(first), &report, NULL), CK_OK);
	ck_assert(report.anchored);
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("ledger_book");
	TCase *books = tcase_create("book");
	tcase_add_checked_fixture(books, make_book, free_book);
	tcase_set_timeout(books, 120);
	tcase_add_test(books, a_login_is_recorded_with_all_its_fields);
	tcase_add_test(books, an_account_decision_waits_for_no_flush);
	tcase_add_test(books, a_granted_login_opens_one_session_and_no_other);
	tcase_add_test(books, sessions_survive_a_crash_and_a_stop_but_no_reboot);
	tcase_add_test(books, refusals_are_coalesced_and_still_stand);
	tcase_add_test(books, who_may_send_what);
	tcase_add_test(books, one_wrong_field_is_malformed);
	tcase_add_test(books, the_table_of_events_is_its_own_index);
	tcase_add_test(books, a_checkpoint_of_nothing_new_is_the_last_one);
	suite_add_tcase(suite, books);
	return suite_run(suite);
}
