/* The ledger, first as a book over a real log, then as the process it is: forked, confined, driven over sockets as a gate, the replica and
   the supervisor would. */
#include <check.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit_fixture.h"
#include "authd/ledger_book.h"
#include "authd/ledger_event.h"
#include "authd/process.h"
#include "authd/protocol/client.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/model/record.h"

/* ---- messages ---- */

static uint8_t hash[32] = { 1, 2, 3 };
static uint8_t login_id[CK_LOGIN_ID_BYTES] = { 9 };
static uint64_t next_request = 1;

/* What a message says; zero: not there. */
struct said {
	unsigned event;
	const char *user, *account, *service, *host, *reason, *detail, *operation;
	bool count_there;
	uint32_t count, uid;
	unsigned proved;
	bool login, extra, no_hash, with_hash;
	uint64_t leader[6];
	size_t leaders;
	bool with_rule, with_target;
	int64_t age_ms;
	const char *digest; /* 32 bytes */
};

static size_t encode(const struct said *s, unsigned type, uint8_t *out, size_t out_bytes)
{
	struct ck_frame_out f;
	size_t length;
	uint8_t zeros[32] = { 0 };
	ck_frame_begin(&f, out, out_bytes);
	ck_field_uint(&f.map, CK_F_TYPE, type);
	ck_field_uint(&f.map, CK_F_REQUEST, next_request++);
	ck_field_string(&f.map, CK_F_USER, s->user);
	ck_field_string(&f.map, CK_F_ACCOUNT, s->account);
	ck_field_string(&f.map, CK_F_SERVICE, s->service);
	ck_field_string(&f.map, CK_F_REMOTE_HOST, s->host);
	if (s->with_rule) ck_field_string(&f.map, CK_F_SYSTEM, "hostname");
	if (s->login) ck_field_bytes(&f.map, CK_F_LOGIN_ID, login_id, sizeof login_id);
	if (s->with_rule) ck_field_int(&f.map, CK_F_UNTIL, CK_TIME_UNLIMITED);
	ck_field_string(&f.map, CK_F_REASON, s->reason);
	if (s->with_rule || s->proved) ck_field_uint(&f.map, CK_F_PROVED, s->proved);
	if (s->event) ck_field_uint(&f.map, CK_F_EVENT, s->event);
	if ((s->count_there || s->with_hash) && !s->no_hash) ck_field_bytes(&f.map, CK_F_HASH, hash, sizeof hash);
	if (s->count_there) ck_field_uint(&f.map, CK_F_COUNT, s->count);
	if (type == CK_MSG_RECORD && !s->with_target) ck_field_uint(&f.map, CK_F_PEER_UID, s->uid);
	if (s->with_rule) ck_field_bytes(&f.map, CK_F_RULE, zeros, 16);
	if (s->leaders > 0) {
		ck_field_key(&f.map, CK_F_ANCESTORS);
		ck_cbor_put_array(f.map.w, s->leaders);
		for (size_t i = 0; i < s->leaders; i++) ck_cbor_put_uint(f.map.w, s->leader[i]);
	}
	ck_field_string(&f.map, CK_F_OPERATION, s->operation);
	if (s->with_target) ck_field_bytes(&f.map, CK_F_TARGET, zeros, 16);
	if (s->with_target && s->reason == NULL) ck_field_bytes(&f.map, CK_F_DIGEST, zeros, 32);
	if (s->digest != NULL) ck_field_bytes(&f.map, CK_F_DIGEST, s->digest, 32);
	ck_field_string(&f.map, CK_F_DETAIL, s->detail);
	if (s->extra) ck_field_string(&f.map, CK_F_STATE, "unexpected");
	if (s->age_ms > 0) ck_field_int(&f.map, CK_F_AGE, s->age_ms);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	return length;
}

static const struct said granted_login = { .event = CK_EVENT_LOGIN_GRANTED, .user = "eluned", .account = "eluned", .service = "login",
	                                   .login = true, .with_rule = true, .proved = 5, .count_there = true, .count = 7 };
static const struct said granted_account = { .event = CK_EVENT_ACCOUNT_GRANTED, .user = "eluned", .account = "eluned", .service = "sshd",
	                                     .host = "10.0.0.9", .login = true, .with_rule = true };
static const struct said refused_account = { .event = CK_EVENT_ACCOUNT_REFUSED, .user = "huw", .account = "root", .service = "su",
	                                     .reason = "no-role" };
static const struct said opened = { .event = CK_EVENT_SESSION_OPENED, .account = "eluned", .service = "login", .login = true,
	                            .leader = { 4711, 99 }, .leaders = 2 };
static const struct said closed = { .event = CK_EVENT_SESSION_CLOSED, .login = true };
static const struct said intent = { .event = CK_EVENT_CHANGE_INTENT, .user = "eluned", .operation = "grant.add", .with_target = true };

/* ---- the book ---- */

static struct ck_book *book;
static struct ck_book_settings settings;

static void open_book(void)
{
	struct ck_errmsg err = { "" };
	ck_assert_msg(ck_book_open(&settings, &book, &err) == CK_OK, "%s", err.text);
}

static void make_book(void)
{
	fixture_make();
	settings = (struct ck_book_settings){ .limits = fixture_limits(0), .refusals_per_minute = 3, .tries_per_minute = 5, .logins_per_minute = 1000000,
		                              .checkpoint_interval_s = 300,
		                              .key_use_interval_s = 3600, .challenge_limit_s = 120, .attempts = { 3, 5, 900 }, .boot = "boot-1" };
	strcpy(settings.directory, fixture_directory);
	ck_log_init("test", CK_LOG_ALARM);
	open_book();
}

static void free_book(void)
{
	ck_book_free(&book);
	fixture_remove_all();
}

/* CK_MSG_KEY_USES with what the directory has of the one key, or (count -1) nothing. */
static size_t encode_uses(int64_t count, unsigned stage, unsigned due_limit, uint8_t *out, size_t out_bytes)
{
	struct ck_use use = { .there = true, .count = (uint32_t)count, .used_s = 1800000000, .written_s = 1800000000 };
	struct ck_frame_out f;
	size_t length;
	memcpy(use.hash, hash, sizeof use.hash);
	ck_frame_begin(&f, out, out_bytes);
	ck_field_uint(&f.map, CK_F_TYPE, CK_MSG_KEY_USES);
	ck_field_uint(&f.map, CK_F_REQUEST, next_request++);
	ck_field_uint(&f.map, CK_F_COUNT, due_limit);
	ck_uses_put(&f.map, &use, count >= 0);
	ck_field_uint(&f.map, CK_F_STAGE, stage);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	return length;
}

/* How many are due then, at most one. */
static size_t book_uses(int64_t count, unsigned stage)
{
	uint8_t bytes[256];
	static struct ck_map map;
	struct ck_use due[CK_USES_DUE_LIMIT];
	size_t due_count, length = encode_uses(count, stage, CK_USES_DUE_LIMIT, bytes, sizeof bytes);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + 4, length - 4 }, &map), CK_OK);
	ck_assert_int_eq(ck_book_uses(book, &map, due, &due_count, NULL), CK_OK);
	ck_assert_uint_le(due_count, 1);
	if (due_count == 1) ck_assert_mem_eq(due[0].hash, hash, sizeof hash);
	return due_count;
}

static enum ck_error record(const struct said *said, enum ck_process from, struct ck_book_answer *answer)
{
	uint8_t bytes[4096];
	static struct ck_map map;
	size_t length = encode(said, CK_MSG_RECORD, bytes, sizeof bytes);
	ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + 4, length - 4 }, &map), CK_OK);
	enum ck_error error = ck_book_record(book, from, &map, answer);
	ck_assert_int_eq(ck_book_write(book, NULL), CK_OK);
	ck_assert_int_eq(ck_book_flush(book, NULL), CK_OK);
	return error;
}

static struct ck_book_answer ask(const struct said *said)
{
	struct ck_book_answer answer;
	bool replicas = said->event == CK_EVENT_CHANGE_INTENT || said->event == CK_EVENT_COUNTER_RESET ||
	                said->event == CK_EVENT_PASSWORD_ATTEMPT || said->event == CK_EVENT_PASSWORD_OUTCOME;
	enum ck_process from = replicas ? CK_PROCESS_REPLICA : CK_PROCESS_GATE;
	ck_assert_int_eq(record(said, from, &answer), CK_OK);
	return answer;
}

static bool stands(const struct said *said) { return ask(said).verdict; }

/* The log's records of an event, counted. */
static const char *wanted;
static char newest[CK_AUDIT_RECORD_LIMIT_BYTES];
static bool count_one(const struct ck_audit_record *r, const char *file, uint64_t line_number, void *context)
{
	(void)file;
	(void)line_number;
	if (!ck_text_is(r->event, wanted)) return true;
	ck_assert_int_eq(ck_text_copy(newest, sizeof newest, r->line), CK_OK);
	++*(unsigned *)context;
	return true;
}
static unsigned recorded(const char *event)
{
	unsigned count = 0;
	wanted = event;
	ck_assert_int_eq(ck_audit_each(fixture_directory, count_one, &count, NULL), CK_OK);
	return count;
}

static void restart(void)
{
	ck_book_free(&book);
	open_book();
}

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

START_TEST(a_counter_that_stands_still_is_refused_and_alarmed)
{
	ck_assert(stands(&granted_login));
	struct ck_book_answer answer = ask(&granted_login);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "counter");
	ck_assert_uint_eq(recorded("login-granted"), 1);
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " event=login-granted "));
	ck_assert_ptr_nonnull(strstr(newest, " last=7 "));
}
END_TEST

START_TEST(a_count_from_elsewhere_refuses_what_was_issued_since_it_is_known)
{
	struct said login = granted_login;
	ck_assert(stands(&login));
	(void)book_uses(20, 0);
	login.count = 20;
	ck_assert_str_eq(ask(&login).reason, "counter");
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " learned=20 fault=behind outcome=refused "));
	login.count = 21;
	ck_assert(stands(&login));
}
END_TEST

START_TEST(a_count_from_elsewhere_that_came_meanwhile_alarms_and_lets_it_stand)
{
	struct said login = granted_login;
	(void)book_uses(20, 0);
	login.age_ms = 60000;
	ck_assert(stands(&login));
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " count=7 "));
	ck_assert_ptr_nonnull(strstr(newest, " learned=20 fault=overtaken outcome=stands "));
	ck_assert_uint_eq(recorded("login-granted"), 1);
	/* and not twice with the same count */
	ck_assert_str_eq(ask(&login).reason, "counter");
	ck_assert_uint_eq(recorded("counter-alarm"), 2);
	ck_assert_ptr_nonnull(strstr(newest, " last=7 fault=back outcome=refused "));
}
END_TEST

START_TEST(no_challenge_is_older_than_challenges_live)
{
	struct said login = granted_login;
	settings.challenge_limit_s = 0;
	restart();
	(void)book_uses(20, 0);
	login.age_ms = 60000;
	ck_assert_str_eq(ask(&login).reason, "counter");
}
END_TEST

START_TEST(a_count_far_ahead_is_refused_of_a_gate_and_not_kept)
{
	struct said login = granted_login, change = intent;
	ck_assert(stands(&login));
	login.count = UINT32_MAX;
	ck_assert_str_eq(ask(&login).reason, "counter-leap");
	ck_assert_uint_eq(recorded("counter-alarm"), 1);
	ck_assert_ptr_nonnull(strstr(newest, " last=7 fault=leap outcome=refused "));
	ck_assert_uint_eq(recorded("login-granted"), 1);
	login.count = 8;
	ck_assert(stands(&login));
	/* the replica has verified the touch itself */
	change.count_there = true;
	change.count = UINT32_MAX;
	ck_assert(stands(&change));
}
END_TEST

START_TEST(a_reset_forgets_the_counter_and_after_a_crash_too)
{
	struct said login = granted_login, reset = { .event = CK_EVENT_COUNTER_RESET, .user = "eluned", .with_hash = true };
	struct ck_book_answer answer;
	ck_assert(stands(&login));
	(void)book_uses(2000000000, 0);
	ck_assert_int_eq(record(&reset, CK_PROCESS_GATE, &answer), CK_ERR_DENIED);
	answer = ask(&reset);
	ck_assert(answer.verdict && answer.flush_first);
	ck_assert_uint_eq(recorded("counter-reset"), 1);
	login.count = 3;
	ck_assert(stands(&login));
	restart();
	ck_assert_str_eq(ask(&login).reason, "counter");
	login.count = 4;
	ck_assert(stands(&login));
}
END_TEST

START_TEST(a_use_is_given_out_until_the_directory_has_it)
{
	ck_assert_uint_eq(book_uses(-1, CK_USES_FIRST | CK_USES_LAST), 0);
	ck_assert(stands(&granted_login));
	ck_assert_uint_eq(book_uses(-1, 0), 1);
	restart();
	ck_assert_uint_eq(book_uses(-1, 0), 1);
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	restart();
	ck_assert_uint_eq(book_uses(-1, 0), 1);
	ck_assert_uint_eq(book_uses(7, 0), 0);
}
END_TEST

/* A gate may name key and count with it, and no touch was verified for it. */
START_TEST(an_account_decision_counts_nothing_and_neither_after_a_crash)
{
	struct said account = granted_account;
	account.count_there = true;
	account.count = UINT32_MAX;
	ck_assert(stands(&account));
	restart();
	ck_assert(stands(&granted_login));
}
END_TEST

START_TEST(one_touch_for_two_things_is_refused)
{
	struct said change = intent;
	change.count_there = true;
	change.count = 7;
	ck_assert(stands(&granted_login));
	ck_assert(!stands(&change));
	change.count = 8;
	ck_assert(stands(&change));
	/* the other changes under the same touch name no counter */
	ck_assert(stands(&intent));
}
END_TEST

START_TEST(counters_are_known_after_a_crash)
{
	ck_assert(stands(&granted_login));
	restart();
	ck_assert(!stands(&granted_login));
	struct said next = granted_login;
	next.count = 8;
	ck_assert(stands(&next));
}
END_TEST

START_TEST(counters_are_known_after_a_stop_by_the_snapshot)
{
	ck_assert(stands(&granted_login));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	ck_assert(fixture_exists("ledger.state"));
	restart();
	ck_assert(!stands(&granted_login));
	ck_assert_uint_eq(recorded("stopped"), 1);
	ck_assert_uint_ge(fixture_verify().checkpoints, 1);
}
END_TEST

START_TEST(a_damaged_snapshot_is_not_believed)
{
	uint8_t bytes[65536];
	ck_assert(stands(&granted_login));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	size_t length = fixture_read("ledger.state", bytes, sizeof bytes);
	ck_book_free(&book);
	for (size_t i = 0; i < length; i += 7) {
		bytes[i] ^= 0x10;
		fixture_write("ledger.state", bytes, length);
		bytes[i] ^= 0x10;
		open_book();
		ck_assert(!stands(&granted_login));
		ck_book_free(&book);
	}
	open_book();
}
END_TEST

START_TEST(a_snapshot_of_another_log_is_not_believed)
{
	uint8_t bytes[65536];
	ck_assert(stands(&granted_login));
	ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
	size_t length = fixture_read("ledger.state", bytes, sizeof bytes);
	ck_book_free(&book);
	fixture_clear();
	open_book();
	for (int i = 0; i < 10; i++) ck_assert(stands(&granted_account));
	ck_book_free(&book);
	fixture_write("ledger.state", bytes, length);
	open_book();
	ck_assert(stands(&granted_login));
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

/* ---- passwords ---- */

#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct said attempt_of(const char *user, const char *host, uint32_t count)
{
	return (struct said){ .event = CK_EVENT_PASSWORD_ATTEMPT, .user = user, .account = user, .service = "login", .host = host,
		                  .operation = "login-password", .count_there = true, .count = count, .digest = DIGEST_A };
}

static struct said outcome_of(const char *user, const char *host, const char *reason)
{
	return (struct said){ .event = CK_EVENT_PASSWORD_OUTCOME, .user = user, .account = user, .service = "login", .host = host,
		                  .operation = "login-password", .reason = reason, .digest = DIGEST_A };
}

static struct said granted_by(const char *user, const char *digest)
{
	struct said granted = granted_login;
	granted.user = user;
	granted.proved = 7;
	granted.count_there = false;
	granted.with_hash = true;
	granted.digest = digest;
	return granted;
}

/* Three wrong ones, and the next is refused, and for how long. */
static void use_up(const char *user, uint32_t count)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct said attempt = attempt_of(user, "10.0.0.9", count + i), outcome = outcome_of(user, "10.0.0.9", "wrong");
		ck_assert(stands(&attempt));
		ck_assert(stands(&outcome));
	}
}

static void none_is_left(const char *user, const char *host, uint32_t count)
{
	struct said attempt = attempt_of(user, host, count);
	struct ck_book_answer answer = ask(&attempt);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "attempts");
	ck_assert_int_ge(answer.wait_ms, 600 * 1000);
	ck_assert_int_le(answer.wait_ms, 900 * 1000);
}

START_TEST(attempts_are_counted_for_the_person)
{
	use_up("eluned", 1);
	none_is_left("eluned", "10.0.0.7", 4); /* wherever they are */
	struct said other = attempt_of("huw", "10.0.0.7", 5);
	ck_assert(stands(&other));
}
END_TEST

START_TEST(attempts_are_counted_for_the_place)
{
	use_up("eluned", 1);
	for (uint32_t i = 0; i < 2; i++) {
		struct said attempt = attempt_of("huw", "10.0.0.9", 4 + i);
		ck_assert(stands(&attempt));
	}
	none_is_left("mair", "10.0.0.9", 6);
	struct said elsewhere = attempt_of("mair", "10.0.0.8", 6);
	ck_assert(stands(&elsewhere));
}
END_TEST

START_TEST(a_right_password_begins_anew)
{
	for (uint32_t i = 0; i < 9; i++) {
		struct said attempt = attempt_of("eluned", "10.0.0.9", 1 + i), outcome = outcome_of("eluned", "10.0.0.9", i % 3 == 2 ? "right" : "unsent");
		ck_assert(stands(&attempt));
		ck_assert(stands(&outcome));
	}
}
END_TEST

START_TEST(what_was_tried_outlives_the_ledger)
{
	struct ck_errmsg err = { "" };
	const char *line;
	use_up("eluned", 1);
	ck_book_free(&book); /* killed: the log alone says it */
	open_book();
	none_is_left("eluned", "10.0.0.7", 4);
	ck_assert_int_eq(ck_book_checkpoint(book, &line, &err), CK_OK); /* and by a snapshot */
	ck_book_free(&book);
	open_book();
	none_is_left("eluned", "10.0.0.7", 4);
}
END_TEST

START_TEST(an_attempt_moves_the_counter_on)
{
	struct said attempt = attempt_of("eluned", "10.0.0.9", 7);
	ck_assert(stands(&attempt));
	struct ck_book_answer answer = ask(&attempt);
	ck_assert(!answer.verdict);
	ck_assert_str_eq(answer.reason, "counter");
}
END_TEST

START_TEST(a_password_opens_one_login_and_only_when_it_was_right)
{
	struct said attempt = attempt_of("eluned", "10.0.0.9", 7), wrong = outcome_of("eluned", "10.0.0.9", "wrong");
	struct said right = outcome_of("eluned", "10.0.0.9", "right"), granted = granted_by("eluned", DIGEST_A);
	struct said somebody = granted_by("huw", DIGEST_A), another = granted_by("eluned", DIGEST_B);
	ck_assert(!stands(&granted)); /* made up */
	ck_assert(stands(&attempt));
	ck_assert(!stands(&granted)); /* not tried yet */
	ck_assert(stands(&wrong));
	ck_assert(!stands(&granted));
	ck_assert(stands(&right));
	ck_assert(!stands(&another));
	ck_assert(stands(&granted));
	ck_assert(!stands(&granted)); /* once */
	ck_assert(stands(&right));
	ck_assert(!stands(&somebody));
}
END_TEST

START_TEST(a_grant_has_its_touch_or_its_password)
{
	struct ck_book_answer answer;
	struct said both = granted_by("eluned", DIGEST_A), neither = granted_by("eluned", NULL), without = granted_by("eluned", DIGEST_A);
	both.count_there = true;
	without.proved = 5;
	ck_assert_int_eq(record(&both, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	ck_assert_int_eq(record(&neither, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
	ck_assert_int_eq(record(&without, CK_PROCESS_GATE, &answer), CK_ERR_INVALID);
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

START_TEST(a_start_with_many_keys_is_quick)
{
	struct said said = granted_login;
	struct timespec a, b;
	for (uint32_t i = 0; i < 20000; i++) {
		uint8_t bytes[4096];
		static struct ck_map map;
		struct ck_book_answer answer;
		memcpy(hash, &i, sizeof i);
		memcpy(login_id, &i, sizeof i);
		size_t length = encode(&said, CK_MSG_RECORD, bytes, sizeof bytes);
		ck_assert_int_eq(ck_map_parse((struct ck_bytes){ bytes + 4, length - 4 }, &map), CK_OK);
		ck_assert_int_eq(ck_book_record(book, CK_PROCESS_GATE, &map, &answer), CK_OK);
		ck_assert(answer.verdict);
		if (ck_book_has_room(book)) continue;
		ck_assert_int_eq(ck_book_write(book, NULL), CK_OK);
		ck_assert_int_eq(ck_book_flush(book, NULL), CK_OK);
		ck_book_settle(book);
	}
	ck_assert_int_eq(ck_book_write(book, NULL), CK_OK);
	for (int round = 0; round < 3; round++) {
		if (round == 2) ck_assert_int_eq(ck_book_stop(book, NULL), CK_OK);
		ck_book_free(&book);
		ck_assert(fixture_exists("ledger.recent") == (round < 2));
		if (round == 1) fixture_truncate("ledger.recent", fixture_size("ledger.recent") / 2); /* as a power cut may */
		clock_gettime(CLOCK_MONOTONIC, &a);
		open_book();
		clock_gettime(CLOCK_MONOTONIC, &b);
		double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
		printf("start with 20000 keys after a %s: %.1f ms\n", round == 0 ? "crash" : round == 1 ? "power cut" : "stop", ms);
#ifndef CK_SANITIZED
		ck_assert_msg(ms < 5000, "%.1f ms", ms); /* aim 30; a busy machine is no failure */
#endif
		ck_assert(!stands(&said));
	}
	memset(hash, 0, sizeof hash);
}
END_TEST

/* ---- the process ---- */

static int control = -1, gate = -1, replica = -1;
static pid_t ledger_pid;
static struct ck_start start;

static void send_control(unsigned type, unsigned process, unsigned index, int fd, const char *detail)
{
	uint8_t bytes[512];
	struct ck_frame_out f;
	size_t length;
	ck_frame_begin(&f, bytes, sizeof bytes);
	ck_field_uint(&f.map, CK_F_TYPE, type);
	if (process != 0) ck_field_uint(&f.map, CK_F_PROCESS, process);
	if (process != 0) ck_field_uint(&f.map, CK_F_INDEX, index);
	ck_field_string(&f.map, CK_F_DETAIL, detail);
	ck_assert_int_eq(ck_frame_end(&f, &length), CK_OK);
	struct ck_client client;
	ck_assert_int_eq(ck_client_adopt(&client, dup(control)), CK_OK);
	ck_assert_int_eq(ck_client_send(&client, bytes, length, fd, ck_clock_monotonic_ms() + 5000), CK_OK);
	ck_client_close(&client);
}

static int add_peer(unsigned process, unsigned index)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	send_control(CK_MSG_PEER, process, index, pair[1], NULL);
	close(pair[1]);
	return pair[0];
}

/* One frame; false at the end of the channel or after two seconds. */
static bool receive_any(int fd, struct ck_map *out)
{
	static uint8_t bytes[70000];
	struct timeval wait = { .tv_sec = 2 };
	size_t used = 4;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	for (size_t got = 0; got < used;) {
		ssize_t more = recv(fd, bytes + got, used - got, 0);
		if (more <= 0) return false;
		got += (size_t)more;
		struct ck_bytes map;
		if (ck_frame_find((struct ck_bytes){ bytes, got }, &map, &used) == CK_OK) return ck_map_parse(map, out) == CK_OK;
	}
	return false;
}

/* What is said of the clock comes unasked. */
static bool receive(int fd, struct ck_map *out)
{
	while (receive_any(fd, out))
		if (out->at[CK_F_TYPE].number != CK_MSG_CLOCK) return true;
	return false;
}

static void start_ledger(void)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fflush(stdout);
	ledger_pid = fork();
	ck_assert_int_ge(ledger_pid, 0);
	if (ledger_pid == 0) {
		close(pair[0]);
		if (pair[1] != CK_CONTROL_FD) {
			dup2(pair[1], CK_CONTROL_FD);
			close(pair[1]);
		}
		ck_log_init("ledger", CK_LOG_ERROR);
		_exit(ck_ledger_main(&start));
	}
	close(pair[1]);
	control = pair[0];
	struct ck_map map;
	ck_assert(receive(control, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_READY);
	gate = add_peer(CK_PROCESS_GATE, 0);
	replica = add_peer(CK_PROCESS_REPLICA, 0);
}

static int stop_ledger(void)
{
	int status;
	send_control(CK_MSG_STOP, 0, 0, -1, NULL);
	ck_assert_int_eq(waitpid(ledger_pid, &status, 0), ledger_pid);
	ledger_pid = 0;
	close(control);
	close(gate);
	close(replica);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What the directory has, as the replica tells it; the hash of what is due, or NULL. */
static const uint8_t *process_uses(int64_t count, unsigned stage)
{
	static struct ck_map map;
	static struct ck_use due[CK_USES_LIMIT];
	uint8_t bytes[256];
	size_t due_count, length = encode_uses(count, stage, CK_USES_DUE_LIMIT, bytes, sizeof bytes);
	ck_assert_int_eq(send(replica, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
	ck_assert(receive(replica, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_KEY_USES_DUE);
	ck_assert_uint_eq(map.at[CK_F_REQUEST].number, next_request - 1);
	ck_assert_int_eq(ck_uses_get(&map, due, &due_count), CK_OK);
	return due_count > 0 ? due[0].hash : NULL;
}

static void make_process(void)
{
	fixture_make();
	rmdir(fixture_copy);
	ck_assert_int_eq(chmod(fixture_directory, 0755), 0);
	memset(&start, 0, sizeof start);
	start.process = CK_PROCESS_LEDGER;
	strcpy(start.config.directory, fixture_directory);
	strcpy(start.config.user_ledger, "nobody");
	start.config.refusals_per_minute = 3;
	start.config.tries_per_minute = 5;
	start.config.logins_per_minute = 1000000;
	start.config.audit_segment_bytes = 1 << 24;
	start.config.audit_reserve_bytes = 1 << 20;
	start.config.checkpoint_interval_s = 300;
	start.config.key_use_interval_s = 3600;
	start.config.challenge_limit_s = 120;
	start_ledger();
	ck_assert_ptr_null(process_uses(-1, CK_USES_FIRST | CK_USES_LAST));
	/* from here on the fixture looks at the log */
	strcat(fixture_directory, "/audit");
}

static void free_process(void)
{
	if (ledger_pid > 0) {
		kill(ledger_pid, SIGKILL);
		waitpid(ledger_pid, NULL, 0);
	}
	fixture_remove_all();
	*strrchr(fixture_directory, '/') = '\0';
	rmdir(fixture_directory);
}

static void tell(int fd, const struct said *said, unsigned type)
{
	uint8_t bytes[4096];
	size_t length = encode(said, type, bytes, sizeof bytes);
	ck_assert_int_eq(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* The answer's verdict; its reason in out_reason. */
static bool hear(int fd, uint64_t *out_request, char out_reason[64])
{
	static struct ck_map map;
	bool verdict = false;
	ck_assert(receive(fd, &map));
	ck_assert_uint_eq(map.at[CK_F_TYPE].number, CK_MSG_RECORDED);
	*out_request = map.at[CK_F_REQUEST].number;
	ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &verdict), CK_OK);
	if (ck_map_string(&map, CK_F_REASON, out_reason, 64) != CK_OK) out_reason[0] = '\0';
	return verdict;
}

static bool asks(int fd, const struct said *said, char out_reason[64])
{
	uint64_t request;
	tell(fd, said, CK_MSG_RECORD);
	return hear(fd, &request, out_reason);
}

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
	ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &inside), CK_OK);
	ck_assert(!inside);
	struct said session = opened;
	session.host = "192.0.2.1";
	ck_assert(asks(gate, &session, reason));
	tell(gate, &find, CK_MSG_SESSION_FIND);
	ck_assert(receive(gate, &map));
	ck_assert_int_eq(ck_map_bool(&map, CK_F_VERDICT, &inside), CK_OK);
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

static bool may_try(void)
{
	const struct said source = { .with_hash = true };
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
	const struct said source = { .with_hash = true };
	for (int i = 0; i < 5; i++) ck_assert(may_try());
	ck_assert(!may_try());
	tell(gate, &source, CK_MSG_PROVED);
	ck_assert(may_try());
	ck_assert(!may_try());
}
END_TEST

START_TEST(a_replica_tries_nothing)
{
	const struct said source = { .with_hash = true };
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

START_TEST(a_checkpoint_for_somebody_else_than_root_is_cut_off)
{
	static struct ck_map map;
	struct said said = { .event = CK_EVENT_CHECKPOINT, .uid = 1000 };
	tell(gate, &said, CK_MSG_RECORD);
	ck_assert(!receive(gate, &map));
	is_accused(CK_PROCESS_GATE, 0);
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
	if (sodium_init() < 0) return 1;
	Suite *suite = suite_create("ledger_process");
	TCase *books = tcase_create("book");
	tcase_add_checked_fixture(books, make_book, free_book);
	tcase_set_timeout(books, 120);
	tcase_add_test(books, a_login_is_recorded_with_all_its_fields);
	tcase_add_test(books, an_account_decision_waits_for_no_flush);
	tcase_add_test(books, a_counter_that_stands_still_is_refused_and_alarmed);
	tcase_add_test(books, a_count_from_elsewhere_refuses_what_was_issued_since_it_is_known);
	tcase_add_test(books, a_count_from_elsewhere_that_came_meanwhile_alarms_and_lets_it_stand);
	tcase_add_test(books, no_challenge_is_older_than_challenges_live);
	tcase_add_test(books, a_count_far_ahead_is_refused_of_a_gate_and_not_kept);
	tcase_add_test(books, a_reset_forgets_the_counter_and_after_a_crash_too);
	tcase_add_test(books, a_use_is_given_out_until_the_directory_has_it);
	tcase_add_test(books, an_account_decision_counts_nothing_and_neither_after_a_crash);
	tcase_add_test(books, one_touch_for_two_things_is_refused);
	tcase_add_test(books, counters_are_known_after_a_crash);
	tcase_add_test(books, counters_are_known_after_a_stop_by_the_snapshot);
	tcase_add_test(books, a_damaged_snapshot_is_not_believed);
	tcase_add_test(books, a_snapshot_of_another_log_is_not_believed);
	tcase_add_test(books, a_granted_login_opens_one_session_and_no_other);
	tcase_add_test(books, sessions_survive_a_crash_and_a_stop_but_no_reboot);
	tcase_add_test(books, refusals_are_coalesced_and_still_stand);
	tcase_add_test(books, who_may_send_what);
	tcase_add_test(books, one_wrong_field_is_malformed);
	tcase_add_test(books, attempts_are_counted_for_the_person);
	tcase_add_test(books, attempts_are_counted_for_the_place);
	tcase_add_test(books, a_right_password_begins_anew);
	tcase_add_test(books, what_was_tried_outlives_the_ledger);
	tcase_add_test(books, an_attempt_moves_the_counter_on);
	tcase_add_test(books, a_password_opens_one_login_and_only_when_it_was_right);
	tcase_add_test(books, a_grant_has_its_touch_or_its_password);
	tcase_add_test(books, the_table_of_events_is_its_own_index);
	tcase_add_test(books, a_checkpoint_of_nothing_new_is_the_last_one);
	tcase_add_test(books, a_start_with_many_keys_is_quick);
	suite_add_tcase(suite, books);
	if (geteuid() == 0 && getpwnam("nobody") != NULL) {
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
		tcase_add_test(process, a_gate_tells_no_counters);
		tcase_add_test(process, a_replica_that_tells_something_malformed_is_cut_off);
		tcase_add_test(process, a_gate_that_records_a_change_is_cut_off_and_accused);
		tcase_add_test(process, what_came_before_the_malformed_still_stands);
		tcase_add_test(process, garbage_is_cut_off_and_accused);
		tcase_add_test(process, a_gate_asks_whether_something_may_be_begun);
		tcase_add_test(process, a_replica_tries_nothing);
		tcase_add_test(process, a_try_from_nowhere_is_cut_off);
		tcase_add_test(process, a_replica_finds_no_sessions);
		tcase_add_test(process, a_channel_of_the_same_gate_takes_the_place_of_the_old);
		tcase_add_test(process, a_note_of_the_supervisor_is_recorded);
		tcase_add_test(process, a_checkpoint_is_answered_with_its_line);
		tcase_add_test(process, a_checkpoint_for_somebody_else_than_root_is_cut_off);
		tcase_add_test(process, killed_at_any_moment_nothing_answered_is_lost);
		tcase_add_test(process, round_trips_are_measured);
		suite_add_tcase(suite, process);
	} else {
		printf("skipped: the process (needs root and the user nobody)\n");
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
