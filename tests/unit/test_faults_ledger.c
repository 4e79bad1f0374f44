/* Any call of the ledger's may fail: seed by seed, a ledger of its own over the same log. What it answered "it stands" is in the log exactly
   once, whatever failed before or after; the next ledger without faults starts, knows the counters, and the log verifies. */
#include <check.h>
#include <signal.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "audit_fixture.h"
#include "authd/key_use.h"
#include "authd/process.h"
#include "authd/protocol/client.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/model/record.h"
#include "tests/fakes/faults.h"
#include "tests/unit/faults_workers.h"
#include "tests/unit/suite.h"

#define SEEDS_DEFAULT 2000
#define SEEDS_A_LOG 50  /* then a new one, so that the checks stay short */
#define SEEDS_A_CHECK 5
#define LOGINS_A_SEED 6 /* by a touch, and then one by a password */
#define COUNTS_A_LOG (SEEDS_A_LOG * (LOGINS_A_SEED + 1) + 2)
#define PATIENCE_MS 10000
#define EXIT_LEFT_OVER 99

static uint64_t seed;
static struct ck_start start;
static pid_t pid;
static struct ck_client control, gate, replica;
static uint64_t next_request;
static uint32_t next_count;
static struct {
	unsigned long answered, refused, by_password;
} *totals; /* of all processes */
static bool answered[COUNTS_A_LOG]; /* by the count of the key: it stands */
static bool granted[COUNTS_A_LOG];  /* by a password whose touch had this count */

/* ---- the process ---- */

static void run(int control_fd, bool faulty)
{
	static const unsigned rates[] = {20, 80, 300, 1000};
	if (control_fd != CK_CONTROL_FD) {
		dup2(control_fd, CK_CONTROL_FD);
		close(control_fd);
	}
	closefrom(CK_CONTROL_FD + 1);
	ck_log_init("ledger", getenv("CK_TEST_LOG") != NULL ? CK_LOG_DEBUG : CK_LOG_ALARM);
	int null = open("/dev/null", O_WRONLY);
	if (getenv("CK_TEST_LOG") == NULL) dup2(null, 2);
	close(null);
	unsigned descriptors = ck_faults_descriptors();
	ck_faults_track();
	if (faulty) ck_faults_begin(seed, rates[seed % (sizeof rates / sizeof *rates)]);
	int code = ck_ledger_main(&start);
	ck_faults_end();
	size_t left = ck_faults_untracked();
	_exit(left > 0 || ck_faults_descriptors() > descriptors ? EXIT_LEFT_OVER : code);
}

static void send_frame(struct ck_client *to, struct ck_frame_out *frame, const uint8_t *bytes, int fd)
{
	size_t length;
	ck_assert_int_eq(ck_frame_end(frame, &length), CK_OK);
	if (ck_client_send(to, bytes, length, fd, ck_clock_monotonic_ms() + PATIENCE_MS) != CK_OK) return; /* it is gone: no answer comes */
}

static void add_peer(enum ck_process process, struct ck_client *mine)
{
	int pair[2];
	uint8_t bytes[256];
	struct ck_frame_out frame;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_PEER);
	ck_field_uint(&frame.map, CK_F_PROCESS, process);
	ck_field_uint(&frame.map, CK_F_INDEX, 0);
	send_frame(&control, &frame, bytes, pair[1]);
	close(pair[1]);
	ck_assert_int_eq(ck_client_adopt(mine, pair[0]), CK_OK);
}

static bool begin_ledger(bool faulty)
{
	int pair[2];
	struct ck_map message;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	pid = fork();
	if (pid == 0) run(pair[1], faulty);
	close(pair[1]);
	ck_assert_int_eq(ck_client_adopt(&control, pair[0]), CK_OK);
	gate.fd = gate.passed_fd = replica.fd = replica.passed_fd = -1;
	if (ck_client_receive(&control, &message, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK ||
	    message.at[CK_F_TYPE].number != CK_MSG_READY)
		return false;
	add_peer(CK_PROCESS_GATE, &gate);
	add_peer(CK_PROCESS_REPLICA, &replica);
	return true;
}

static int end_ledger(void)
{
	uint8_t bytes[64];
	struct ck_frame_out frame;
	int status;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_STOP);
	send_frame(&control, &frame, bytes, -1);
	ck_client_close(&control);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_client_close(&gate);
	ck_client_close(&replica);
	pid = 0;
	return status;
}

/* ---- what is asked of it ---- */

static void put_login(struct ck_map_writer *m, uint32_t count)
{
	static const uint8_t hash[32] = {7}, rule[16] = {0};
	uint8_t login_id[CK_LOGIN_ID_BYTES] = {0};
	memcpy(login_id, &next_request, sizeof next_request);
	ck_field_uint(m, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(m, CK_F_REQUEST, ++next_request);
	ck_field_string(m, CK_F_USER, "eluned");
	ck_field_string(m, CK_F_ACCOUNT, "eluned");
	ck_field_string(m, CK_F_SERVICE, "login");
	ck_field_string(m, CK_F_SYSTEM, "core1");
	ck_field_bytes(m, CK_F_LOGIN_ID, login_id, sizeof login_id);
	ck_field_int(m, CK_F_UNTIL, CK_TIME_UNLIMITED);
	ck_field_uint(m, CK_F_PROVED, 5);
	ck_field_uint(m, CK_F_EVENT, CK_EVENT_LOGIN_GRANTED);
	ck_field_bytes(m, CK_F_HASH, hash, sizeof hash);
	ck_field_uint(m, CK_F_COUNT, count);
	ck_field_uint(m, CK_F_PEER_UID, 0);
	ck_field_bytes(m, CK_F_RULE, rule, sizeof rule);
}

/* Whether it is answered that it stands. */
static bool stands(struct ck_client *peer, struct ck_frame_out *frame, const uint8_t *bytes)
{
	struct ck_map reply;
	bool verdict = false;
	send_frame(peer, frame, bytes, -1);
	do { /* what is said of the clock comes unasked */
		if (ck_client_receive(peer, &reply, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK) {
			ck_client_close(peer);
			return false;
		}
	} while (reply.at[CK_F_TYPE].number == CK_MSG_CLOCK);
	ck_assert_uint_eq(reply.at[CK_F_TYPE].number, CK_MSG_RECORDED);
	ck_assert_uint_eq(reply.at[CK_F_REQUEST].number, next_request);
	ck_assert_int_eq(ck_map_bool(&reply, CK_F_VERDICT, &verdict), CK_OK);
	return verdict;
}

static bool record(uint32_t count)
{
	uint8_t bytes[1024];
	struct ck_frame_out frame;
	if (gate.fd < 0) return false;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	put_login(&frame.map, count);
	return stands(&gate, &frame, bytes);
}

/* ---- with a password: the touch of each counts up once, and is what the password goes with ---- */

/* Somebody else each time: what was tried in vain of one is not another's. */
static void name_of(uint32_t count, char out[32])
{
	(void)snprintf(out, 32, "p%llu-%u", (unsigned long long)seed, count);
}

static void digest_of(uint32_t count, uint8_t out[32])
{
	memset(out, 0xd1, 32);
	memcpy(out, &count, sizeof count);
}

/* By the replica: that it is tried (reason NULL), and how it was found. */
static bool record_password(uint32_t count, const char *reason)
{
	static const uint8_t hash[32] = {7};
	uint8_t bytes[1024], digest[32];
	char user[32];
	struct ck_frame_out frame;
	if (replica.fd < 0) return false;
	name_of(count, user);
	digest_of(count, digest);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&frame.map, CK_F_REQUEST, ++next_request);
	ck_field_string(&frame.map, CK_F_USER, user);
	ck_field_string(&frame.map, CK_F_ACCOUNT, user);
	ck_field_string(&frame.map, CK_F_SERVICE, "login");
	ck_field_string(&frame.map, CK_F_REMOTE_HOST, user);
	ck_field_string(&frame.map, CK_F_REASON, reason);
	ck_field_uint(&frame.map, CK_F_EVENT, reason == NULL ? CK_EVENT_PASSWORD_ATTEMPT : CK_EVENT_PASSWORD_OUTCOME);
	if (reason == NULL) ck_field_bytes(&frame.map, CK_F_HASH, hash, sizeof hash);
	if (reason == NULL) ck_field_uint(&frame.map, CK_F_COUNT, count);
	ck_field_uint(&frame.map, CK_F_PEER_UID, 0);
	ck_field_string(&frame.map, CK_F_OPERATION, "login-password");
	ck_field_bytes(&frame.map, CK_F_DIGEST, digest, sizeof digest);
	return stands(&replica, &frame, bytes);
}

static bool record_grant(uint32_t count)
{
	static const uint8_t hash[32] = {7}, rule[16] = {0};
	uint8_t bytes[1024], digest[32], login_id[CK_LOGIN_ID_BYTES] = {1};
	char user[32];
	struct ck_frame_out frame;
	if (gate.fd < 0) return false;
	name_of(count, user);
	digest_of(count, digest);
	memcpy(login_id + 4, &next_request, sizeof next_request);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_RECORD);
	ck_field_uint(&frame.map, CK_F_REQUEST, ++next_request);
	ck_field_string(&frame.map, CK_F_USER, user);
	ck_field_string(&frame.map, CK_F_ACCOUNT, user);
	ck_field_string(&frame.map, CK_F_SERVICE, "login");
	ck_field_string(&frame.map, CK_F_SYSTEM, "core1");
	ck_field_bytes(&frame.map, CK_F_LOGIN_ID, login_id, sizeof login_id);
	ck_field_int(&frame.map, CK_F_UNTIL, CK_TIME_UNLIMITED);
	ck_field_uint(&frame.map, CK_F_PROVED, 7);
	ck_field_uint(&frame.map, CK_F_EVENT, CK_EVENT_LOGIN_GRANTED);
	ck_field_bytes(&frame.map, CK_F_HASH, hash, sizeof hash);
	ck_field_uint(&frame.map, CK_F_PEER_UID, 0);
	ck_field_bytes(&frame.map, CK_F_RULE, rule, sizeof rule);
	ck_field_bytes(&frame.map, CK_F_DIGEST, digest, sizeof digest);
	return stands(&gate, &frame, bytes);
}

/* A wrong one opens nothing, a right one once; what may have been recorded or not is right only if it was. */
static void try_password(uint32_t count)
{
	bool right = seed % 3 != 0;
	answered[count] = record_password(count, NULL);
	ck_assert_msg(!record_grant(count), "seed %llu: a password that nobody has tried opened", (unsigned long long)seed);
	if (!answered[count]) return;
	(void)record_password(count, right ? "right" : "wrong");
	if (record_grant(count)) {
		ck_assert_msg(right, "seed %llu: a wrong password opened", (unsigned long long)seed);
		granted[count] = true;
		count_up(&totals->by_password);
	}
	ck_assert_msg(!granted[count] || !record_grant(count), "seed %llu: a password opened twice", (unsigned long long)seed);
}

/* ---- what must hold ---- */

static unsigned in_log[COUNTS_A_LOG], right_in_log[COUNTS_A_LOG], opened_in_log[COUNTS_A_LOG];

/* The count that a record of ours is about: its own, or that of its digest; 0: neither. */
static uint32_t count_of(const struct ck_audit_record *r, bool *out_is_counted)
{
	uint64_t count = 0;
	uint8_t digest[32];
	uint32_t of_digest = 0;
	for (size_t i = 0; i < r->count; i++) {
		if (ck_text_is(r->fields[i].name, "count")) ck_assert_int_eq(ck_uint_parse(r->fields[i].value, 1, UINT32_MAX, &count), CK_OK);
		if (!ck_text_is(r->fields[i].name, "digest")) continue;
		ck_assert_int_eq(ck_hex_decode(r->fields[i].value, digest, sizeof digest), CK_OK);
		memcpy(&of_digest, digest, sizeof of_digest);
	}
	*out_is_counted = count > 0;
	return count > 0 ? (uint32_t)count : of_digest;
}

static bool says_right(const struct ck_audit_record *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (ck_text_is(r->fields[i].name, "reason") && ck_text_is(r->fields[i].value, "right")) return true;
	return false;
}

static bool count_login(const struct ck_audit_record *r, const char *file, uint64_t line_number, void *context)
{
	(void)file;
	(void)line_number;
	(void)context;
	bool granted_here = ck_text_is(r->event, "login-granted"), outcome = ck_text_is(r->event, "password-outcome"), counted;
	if (!granted_here && !outcome && !ck_text_is(r->event, "password-attempt")) return true;
	uint32_t count = count_of(r, &counted);
	ck_assert_uint_gt(count, 0);
	ck_assert_uint_lt(count, COUNTS_A_LOG);
	if (counted) {
		in_log[count]++;
	} else if (outcome) {
		right_in_log[count] += says_right(r);
	} else {
		ck_assert_msg(in_log[count] == 1 && right_in_log[count] > 0, "seed %llu: the grant of count %u stands before its password",
		              (unsigned long long)seed, count);
		opened_in_log[count]++;
	}
	return true;
}

static void check_log(void)
{
	struct ck_errmsg err = {""};
	struct ck_audit_report report;
	char directory[300];
	ck_assert_msg(begin_ledger(false), "seed %llu: no ledger starts after it", (unsigned long long)seed);
	uint32_t last = 0;
	for (uint32_t i = 1; i <= next_count; i++)
		if (answered[i]) last = i;
	if (last > 0) ck_assert_msg(!record(last), "seed %llu: the counter %u was forgotten", (unsigned long long)seed, last);
	int status = end_ledger();
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "seed %llu: a ledger without faults ended with %x", (unsigned long long)seed,
	              (unsigned)status);
	(void)snprintf(directory, sizeof directory, "%s/audit", fixture_directory);
	ck_assert_msg(ck_audit_verify(directory, (struct ck_text){NULL, 0}, &report, &err) == CK_OK, "seed %llu: %s", (unsigned long long)seed, err.text);
	memset(in_log, 0, sizeof in_log);
	memset(right_in_log, 0, sizeof right_in_log);
	memset(opened_in_log, 0, sizeof opened_in_log);
	ck_assert_int_eq(ck_audit_each(directory, count_login, NULL, &err), CK_OK);
	for (uint32_t i = 1; i <= next_count; i++) {
		ck_assert_msg(in_log[i] <= 1, "seed %llu: the login of count %u stands %u times", (unsigned long long)seed, i, in_log[i]);
		ck_assert_msg(opened_in_log[i] <= 1 && (opened_in_log[i] == 1 || !granted[i]), "seed %llu: the password of count %u opened %u times",
		              (unsigned long long)seed, i, opened_in_log[i]);
		ck_assert_msg(in_log[i] == 1 || !answered[i], "seed %llu: the login of count %u was answered and is not in the log",
		              (unsigned long long)seed, i);
	}
}

static void forget_log(void)
{
	char directory[300];
	(void)snprintf(directory, sizeof directory, "%s/audit", fixture_directory);
	fixture_empty(directory);
	rmdir(directory);
	memset(answered, 0, sizeof answered);
	memset(granted, 0, sizeof granted);
	next_count = 0;
}

/* A ledger that knows no counter at all waits to be told those of the directory: there are none. */
static void tell_counts(void)
{
	uint8_t bytes[256];
	struct ck_frame_out frame;
	struct ck_map reply;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_KEY_USES);
	ck_field_uint(&frame.map, CK_F_REQUEST, ++next_request);
	ck_field_uint(&frame.map, CK_F_COUNT, 0);
	ck_field_key(&frame.map, CK_F_USES);
	ck_cbor_put_array(frame.map.w, 0);
	ck_field_uint(&frame.map, CK_F_STAGE, CK_USES_FIRST | CK_USES_LAST);
	send_frame(&replica, &frame, bytes, -1);
	ck_assert_int_eq(ck_client_receive(&replica, &reply, ck_clock_monotonic_ms() + PATIENCE_MS, -1), CK_OK);
}

static void begin_log(void)
{
	forget_log();
	ck_assert(begin_ledger(false));
	tell_counts();
	next_count = 1;
	answered[1] = record(1);
	ck_assert(answered[1]);
	ck_assert_int_eq(end_ledger(), 0);
}


static void run_seed(void)
{
	if (begin_ledger(true)) {
		for (unsigned i = 0; i < LOGINS_A_SEED; i++) {
			next_count++;
			answered[next_count] = record(next_count);
			count_up(answered[next_count] ? &totals->answered : &totals->refused);
		}
		try_password(++next_count);
	}
	int status = end_ledger();
	ck_assert_msg(WIFEXITED(status), "seed %llu: the ledger died of signal %d", (unsigned long long)seed, WTERMSIG(status));
	ck_assert_msg(WEXITSTATUS(status) != EXIT_LEFT_OVER, "seed %llu: memory or descriptors are left over", (unsigned long long)seed);
}

static void set_up(void)
{
	fixture_make();
	rmdir(fixture_copy);
	ck_assert_int_eq(chmod(fixture_directory, 0755), 0);
	start.process = CK_PROCESS_LEDGER;
	strcpy(start.config.directory, fixture_directory);
	strcpy(start.config.user_ledger, "nobody");
	start.config.refusals_per_minute = 3;
	start.config.tries_per_minute = 5;
	start.config.logins_per_minute = 1000000;
	start.config.password_attempts = start.config.password_source_attempts = 5;
	start.config.password_window_s = 900;
	start.config.audit_segment_bytes = 65536; /* a few logs go on in a second file */
	start.config.audit_reserve_bytes = 65536;
	start.config.checkpoint_interval_s = 300;
}

static void tear_down(void)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	forget_log();
	rmdir(fixture_directory);
}

static void run_seeds(uint64_t first, uint64_t end)
{
	set_up();
	for (seed = first; seed < end; seed++) {
		if ((seed - first) % SEEDS_A_LOG == 0) begin_log();
		run_seed();
		if ((seed - first) % SEEDS_A_CHECK == SEEDS_A_CHECK - 1 || seed == end - 1) check_log();
	}
	tear_down();
}

START_TEST(whatever_fails)
{
	uint64_t first, count = seeds_asked_for(SEEDS_DEFAULT, &first);
	totals = share(sizeof *totals);
	share_out(first, count, run_seeds);
	printf("%llu seeds: %lu logins recorded, %lu not; %lu by a password\n", (unsigned long long)count, totals->answered, totals->refused,
	       totals->by_password);
	ck_assert_msg(count < 100 || (totals->answered > count && totals->refused > 0 && totals->by_password > count / 8), "next to nothing was tried");
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("skipped: the ledger is started by root");
		return 77;
	}
	if (sodium_init() < 0) return EXIT_FAILURE;
	Suite *suite = suite_create("faults of the ledger");
	TCase *seeds = tcase_create("seeds");
	tcase_set_timeout(seeds, 580);
	tcase_add_test(seeds, whatever_fails);
	suite_add_tcase(suite, seeds);
	return suite_run(suite);
}
