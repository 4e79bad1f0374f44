/* The ledger's memory: the bounded table, budgets, sessions; each through its own header. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_budget.h"
#include "authd/ledger_session.h"
#include "authd/ledger_table.h"
#include "tests/unit/suite.h"

#define T(string) ck_text_of(string)

/* ---- the table ---- */

static void key_of(uint32_t number, uint8_t out[CK_TABLE_KEY_BYTES])
{
	memset(out, 0, CK_TABLE_KEY_BYTES);
	memcpy(out, &number, sizeof number);
}

START_TEST(a_table_holds_what_fits_and_forgets_what_is_removed)
{
	struct ck_table *table;
	uint8_t key[CK_TABLE_KEY_BYTES];
	ck_assert_int_eq(ck_table_new(100, sizeof(uint32_t), &table), CK_OK);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 100; i++) {
			key_of(i, key);
			ck_assert_ptr_null(ck_table_find(table, key));
			uint32_t *entry = ck_table_add(table, key);
			ck_assert_ptr_nonnull(entry);
			ck_assert_uint_eq(*entry, 0);
			*entry = i;
		}
		key_of(100, key);
		ck_assert_ptr_null(ck_table_add(table, key));
		uint32_t expected = 0;
		for (uint32_t *at = ck_table_oldest(table); at != NULL; at = ck_table_newer(table, at)) ck_assert_uint_eq(*at, expected++);
		ck_assert_uint_eq(expected, 100);
		for (uint32_t i = 1; i < 100; i += 2) {
			key_of(i, key);
			ck_table_remove(table, ck_table_find(table, key));
			ck_assert_ptr_null(ck_table_find(table, key));
		}
		ck_assert_uint_eq(ck_table_count(table), 50);
		for (uint32_t i = 0; i < 100; i += 2) {
			ck_assert_uint_eq(*(uint32_t *)ck_table_oldest(table), i);
			ck_table_remove(table, ck_table_oldest(table));
		}
		ck_assert_ptr_null(ck_table_oldest(table));
	}
	ck_table_free(&table);
}
END_TEST

/* ---- budgets ---- */

static struct ck_budgets *budgets;
static struct ck_coalesced gone;
static void make_budgets(void) { ck_assert_int_eq(ck_budgets_new(3, &budgets), CK_OK); }
static void free_budgets(void) { ck_budgets_free(&budgets); }

START_TEST(the_first_refusals_are_recorded_and_the_others_counted)
{
	for (int i = 0; i < 3; i++) ck_assert(ck_budgets_take(budgets, T("huw"), T("10.0.0.1"), 1000, &gone));
	for (int i = 0; i < 7; i++) ck_assert(!ck_budgets_take(budgets, T("huw"), T("10.0.0.1"), 2000, &gone));
	ck_assert(!ck_budgets_due(budgets, 1000 + CK_BUDGET_WINDOW_MS - 1, false, &gone));
	ck_assert(ck_budgets_due(budgets, 1000 + CK_BUDGET_WINDOW_MS, false, &gone));
	ck_assert_str_eq(gone.user, "huw");
	ck_assert_str_eq(gone.host, "10.0.0.1");
	ck_assert_uint_eq(gone.count, 7);
	ck_assert(!ck_budgets_due(budgets, 1000 + CK_BUDGET_WINDOW_MS, false, &gone));
	ck_assert(ck_budgets_take(budgets, T("huw"), T("10.0.0.1"), 1000 + CK_BUDGET_WINDOW_MS, &gone));
}
END_TEST

START_TEST(each_user_and_each_host_has_its_own_budget)
{
	for (int i = 0; i < 3; i++) ck_assert(ck_budgets_take(budgets, T("huw"), T("h"), 0, &gone));
	ck_assert(!ck_budgets_take(budgets, T("huw"), T("h"), 0, &gone));
	ck_assert(ck_budgets_take(budgets, T("huw"), T("g"), 0, &gone));
	ck_assert(ck_budgets_take(budgets, T("huwh"), T(""), 0, &gone));
	ck_assert(ck_budgets_take(budgets, T(NULL), T("h"), 0, &gone));
	ck_assert(ck_budgets_take(budgets, T(NULL), T(NULL), 0, &gone));
}
END_TEST

START_TEST(who_was_not_counted_is_forgotten_silently)
{
	ck_assert(ck_budgets_take(budgets, T("huw"), T("h"), 0, &gone));
	ck_assert(!ck_budgets_due(budgets, 10 * CK_BUDGET_WINDOW_MS, true, &gone));
}
END_TEST

START_TEST(many_names_share_what_all_may_have_recorded)
{
	char name[32];
	unsigned recorded = 0;
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "guess%u", i);
		if (ck_budgets_take(budgets, T(name), T("198.51.100.7"), 500, &gone)) recorded++;
		ck_assert_uint_eq(gone.count, 0);
	}
	ck_assert_uint_eq(recorded, 3 * CK_BUDGET_PAIRS_A_MINUTE);
	uint64_t counted = 0, records = 0;
	while (ck_budgets_due(budgets, 500 + CK_BUDGET_WINDOW_MS, false, &gone)) {
		counted += gone.count;
		records++;
		ck_assert_str_eq(gone.user, CK_BUDGET_OTHERS);
	}
	ck_assert_uint_eq(recorded + counted, 100000);
	ck_assert_uint_eq(records, 1);
	/* the next minute is a new one */
	ck_assert(ck_budgets_take(budgets, T("huw"), T("h"), 500 + CK_BUDGET_WINDOW_MS, &gone));
}
END_TEST

START_TEST(the_oldest_makes_room_and_its_count_is_not_lost)
{
	struct ck_budgets *wide;
	char name[32];
	uint64_t lost = 0;
	ck_assert_int_eq(ck_budgets_new(1000, &wide), CK_OK);
	for (int i = 0; i < 1005; i++) (void)ck_budgets_take(wide, T("first"), T("h"), 0, &gone);
	for (unsigned i = 0; i < CK_BUDGET_PAIRS_LIMIT; i++) {
		snprintf(name, sizeof name, "u%u", i);
		(void)ck_budgets_take(wide, T(name), T("h"), 1, &gone);
		if (gone.count > 0) {
			ck_assert_str_eq(gone.user, "first");
			lost += gone.count;
		}
	}
	ck_assert_uint_eq(lost, 5);
	/* could not be recorded: counted again, under whoever has room */
	gone = (struct ck_coalesced){ .user = "first", .host = "h", .count = 5 };
	ck_budgets_give_back(wide, &gone, 2);
	uint64_t counted = 0;
	while (ck_budgets_due(wide, 2, true, &gone)) counted += gone.count;
	ck_assert_uint_eq(counted, 5);
	ck_budgets_free(&wide);
}
END_TEST

START_TEST(long_names_are_cut_for_the_record_only)
{
	char a[400], b[400];
	memset(a, 'a', sizeof a);
	memset(b, 'a', sizeof b);
	a[399] = b[399] = '\0';
	b[398] = 'b';
	for (int i = 0; i < 5; i++) (void)ck_budgets_take(budgets, T(a), T(a), 0, &gone);
	ck_assert(ck_budgets_take(budgets, T(b), T(a), 0, &gone));
	ck_assert(ck_budgets_due(budgets, 0, true, &gone));
	ck_assert_uint_eq(strlen(gone.user), CK_BUDGET_USER_BYTES - 1);
}
END_TEST

/* ---- sessions ---- */

static struct ck_sessions *sessions;
static void make_sessions(void) { ck_assert_int_eq(ck_sessions_new(&sessions), CK_OK); }
static void free_sessions(void) { ck_sessions_free(&sessions); }

static struct ck_login login_of(uint8_t number)
{
	struct ck_login login = { .peer_uid = 0, .account = T("eluned"), .service = T("sshd") };
	memset(login.id, number, sizeof login.id);
	return login;
}
static struct ck_session session_of(uint8_t number)
{
	return (struct ck_session){ .login = login_of(number), .leaders = { { 1000u + number, 77 } }, .leaders_count = 1 };
}
static void grant(uint8_t number)
{
	struct ck_login login = login_of(number);
	ck_sessions_grant(sessions, &login, 1000);
}

START_TEST(a_granted_login_opens_one_session)
{
	struct ck_session session = session_of(1);
	struct ck_text host;
	grant(1);
	ck_assert_ptr_null(ck_sessions_refuse(sessions, &session, 1001));
	ck_sessions_open(sessions, &session);
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "no-login");
	ck_assert(ck_sessions_find(sessions, session.leaders, 1, &host));
	ck_assert_ptr_null(host.at);
	ck_assert(ck_sessions_close(sessions, session.login.id));
	ck_assert(!ck_sessions_close(sessions, session.login.id));
	ck_assert(!ck_sessions_find(sessions, session.leaders, 1, &host));
}
END_TEST

START_TEST(a_login_nobody_granted_opens_nothing)
{
	struct ck_session session = session_of(2);
	grant(1);
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "no-login");
}
END_TEST

START_TEST(a_login_of_another_peer_opens_nothing)
{
	struct ck_session session = session_of(1);
	grant(1);
	session.login.peer_uid = 1000;
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "login-peer");
}
END_TEST

START_TEST(logins_of_others_than_root_push_none_out)
{
	struct ck_session session = session_of(1);
	struct ck_login other = login_of(2);
	other.peer_uid = 201099;
	grant(1);
	for (uint32_t i = 0; i < CK_LOGINS_LIMIT; i++) {
		memcpy(other.id, &i, sizeof i);
		ck_sessions_grant(sessions, &other, 1000);
	}
	ck_assert_ptr_null(ck_sessions_refuse(sessions, &session, 1001));
	ck_assert_str_eq(ck_sessions_refuse(sessions, &(struct ck_session){ .login = other }, 1001), "no-login");
}
END_TEST

START_TEST(a_login_to_another_account_opens_nothing)
{
	struct ck_session session = session_of(1);
	grant(1);
	session.login.account = T("root");
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "login-other");
}
END_TEST

START_TEST(a_login_by_another_service_opens_nothing)
{
	struct ck_session session = session_of(1);
	grant(1);
	session.login.service = T("login");
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "login-other");
	session = session_of(1);
	session.login.account = T("elunedss");
	session.login.service = T("hd");
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "login-other");
}
END_TEST

START_TEST(a_login_expires)
{
	struct ck_session session = session_of(1);
	grant(1);
	ck_assert_ptr_null(ck_sessions_refuse(sessions, &session, 1000 + CK_LOGIN_LIFE_S));
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001 + CK_LOGIN_LIFE_S), "login-expired");
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 900), "login-expired");
}
END_TEST

START_TEST(a_remote_login_does_not_become_a_local_session)
{
	struct ck_login login = login_of(1);
	struct ck_session session = session_of(1);
	login.remote = true;
	ck_sessions_grant(sessions, &login, 1000);
	ck_assert_str_eq(ck_sessions_refuse(sessions, &session, 1001), "login-remote");
	session.remote_host = T("10.1.1.1");
	ck_assert_ptr_null(ck_sessions_refuse(sessions, &session, 1001));
}
END_TEST

START_TEST(a_session_is_found_by_any_of_the_processes)
{
	struct ck_session session = session_of(1);
	struct ck_leader leaders[3] = { { 5, 6 }, { 1001, 78 }, { 1001, 77 } };
	struct ck_text host;
	grant(1);
	ck_sessions_open(sessions, &session);
	ck_assert(ck_sessions_find(sessions, leaders, 3, &host));
	ck_assert(!ck_sessions_find(sessions, leaders, 2, &host)); /* same number, another start: another process */
	ck_assert(!ck_sessions_find(sessions, leaders, 0, &host));
}
END_TEST

START_TEST(inside_a_remote_session_all_is_remote)
{
	struct ck_session outer = session_of(1), inner = session_of(2);
	struct ck_leader leaders[2] = { inner.leaders[0], outer.leaders[0] };
	struct ck_text host;
	outer.remote_host = T("10.1.1.1");
	ck_sessions_open(sessions, &outer);
	ck_sessions_open(sessions, &inner);
	/* su inside ssh: the nearest session has no remote host, one around it has */
	ck_assert(ck_sessions_find(sessions, leaders, 2, &host));
	ck_assert(ck_text_is(host, "10.1.1.1"));
	/* and where the parents were told at the opening, it is remembered when they are gone */
	struct ck_session third = session_of(3);
	third.leaders[1] = outer.leaders[0];
	third.leaders_count = 2;
	ck_sessions_open(sessions, &third);
	ck_assert(ck_sessions_find(sessions, third.leaders, 1, &host));
	ck_assert(ck_text_is(host, "10.1.1.1"));
}
END_TEST

START_TEST(both_registers_are_bounded)
{
	struct ck_text host;
	struct ck_login login = login_of(0);
	struct ck_session session = session_of(0);
	for (uint32_t i = 0; i < CK_LOGINS_LIMIT + 10; i++) {
		memcpy(login.id, &i, sizeof i);
		ck_sessions_grant(sessions, &login, 1000);
	}
	for (uint32_t i = 0; i < CK_SESSIONS_LIMIT + 10; i++) {
		memcpy(session.login.id, &i, sizeof i);
		session.leaders[0].pid = i;
		ck_sessions_open(sessions, &session);
	}
	session.leaders[0].pid = 9;
	ck_assert(!ck_sessions_find(sessions, session.leaders, 1, &host));
	session.leaders[0].pid = 10;
	ck_assert(ck_sessions_find(sessions, session.leaders, 1, &host));
}
END_TEST

START_TEST(a_snapshot_brings_all_back)
{
	static uint8_t bytes[4096];
	struct ck_session session = session_of(1), waiting = session_of(2);
	struct ck_writer w;
	struct ck_reader r;
	struct ck_text host;
	session.remote_host = T("h");
	grant(2);
	ck_sessions_open(sessions, &session);
	ck_writer_init(&w, bytes, sizeof bytes);
	ck_sessions_save(sessions, &w);
	ck_assert(!w.failed);
	ck_assert_uint_le(ck_writer_length(&w), ck_sessions_saved_bytes(sessions));
	size_t length = ck_writer_length(&w);
	for (size_t cut = 0; cut < length; cut++) {
		struct ck_sessions *other;
		ck_assert_int_eq(ck_sessions_new(&other), CK_OK);
		ck_reader_init(&r, bytes, cut);
		ck_assert_int_eq(ck_sessions_load(other, &r), CK_ERR_CORRUPT);
		ck_sessions_free(&other);
	}
	ck_sessions_clear(sessions);
	ck_assert(!ck_sessions_find(sessions, session.leaders, 1, &host));
	ck_reader_init(&r, bytes, length);
	ck_assert_int_eq(ck_sessions_load(sessions, &r), CK_OK);
	ck_assert(ck_reader_done(&r));
	ck_assert(ck_sessions_find(sessions, session.leaders, 1, &host));
	ck_assert(ck_text_is(host, "h"));
	ck_assert_ptr_null(ck_sessions_refuse(sessions, &waiting, 1001));
}
END_TEST

int main(void)
{
	if (sodium_init() < 0) return 1;
	Suite *suite = suite_create("ledger");
	TCase *plain = tcase_create("table and counters"), *budget = tcase_create("budgets"), *session = tcase_create("sessions");
	tcase_add_checked_fixture(budget, make_budgets, free_budgets);
	tcase_add_checked_fixture(session, make_sessions, free_sessions);
	tcase_add_test(plain, a_table_holds_what_fits_and_forgets_what_is_removed);
	tcase_add_test(budget, the_first_refusals_are_recorded_and_the_others_counted);
	tcase_add_test(budget, each_user_and_each_host_has_its_own_budget);
	tcase_add_test(budget, who_was_not_counted_is_forgotten_silently);
	tcase_add_test(budget, many_names_share_what_all_may_have_recorded);
	tcase_add_test(budget, the_oldest_makes_room_and_its_count_is_not_lost);
	tcase_add_test(budget, long_names_are_cut_for_the_record_only);
	tcase_add_test(session, a_granted_login_opens_one_session);
	tcase_add_test(session, a_login_nobody_granted_opens_nothing);
	tcase_add_test(session, a_login_of_another_peer_opens_nothing);
	tcase_add_test(session, logins_of_others_than_root_push_none_out);
	tcase_add_test(session, a_login_to_another_account_opens_nothing);
	tcase_add_test(session, a_login_by_another_service_opens_nothing);
	tcase_add_test(session, a_login_expires);
	tcase_add_test(session, a_remote_login_does_not_become_a_local_session);
	tcase_add_test(session, a_session_is_found_by_any_of_the_processes);
	tcase_add_test(session, inside_a_remote_session_all_is_remote);
	tcase_add_test(session, both_registers_are_bounded);
	tcase_add_test(session, a_snapshot_brings_all_back);
	suite_add_tcase(suite, plain);
	suite_add_tcase(suite, budget);
	suite_add_tcase(suite, session);
	return suite_run(suite);
}
