/* Any call of the token helper's may fail, in each of its threads: seed by seed, a conversation in a process of its own, with real libfido2 and
   software keys. Whatever fails, what it hands out as an assertion or a new key is one, no other key is shown the PIN, and it ends in time,
   with nothing left over and without a loop. Several conversations go at once, since most of their time is waiting. */
#include "tests/unit/test_token_helper.h"

#include <sys/resource.h>
#ifdef CK_SANITIZED
#include <sanitizer/lsan_interface.h>
#endif

#include "tests/fakes/faults.h"
#include "tests/unit/faults_workers.h"

#define SEEDS_DEFAULT 3000
#define CONVERSATION_MS 1500 /* what the client has patience for */
#define HANG_MS 60000        /* far beyond: the machine may be busy */
#define CPU_LIMIT_US 3000000 /* a conversation costs some ten thousand: this is a loop */
#define ANSWERS_LIMIT 256
#define EXIT_LEFT_OVER 99
#define EXIT_LOOP 98

enum scenario { BY_PIN, WRONG_PIN_FIRST, BY_TOUCH, NEW_KEY, SCENARIOS };

static uint64_t seed;
static enum scenario scenario;
static struct ck_soft_credential mine;
static struct totals {
	unsigned long seeds, asserted, created, pins, failed_calls, broken;
} *totals; /* of all workers, in memory that they share */

static void complain(const char *what)
{
	printf("seed %llu: %s\n", (unsigned long long)seed, what);
	count_up(&totals->broken);
}

/* ---- the helper ---- */
static int list_keys(char names[CK_TOKEN_DEVICES_LIMIT][256], void *context)
{
	ck_faults_pass();
	int count = ck_soft_source_list(names, context);
	ck_faults_back();
	/* any key may be made a new one: then only the right one is plugged in */
	return scenario == NEW_KEY && count > 1 ? 1 : count;
}

static fido_dev_t *open_key(const char *name, int limit_ms, enum ck_token_opening *out_opening, void *context)
{
	if (ck_faults_next()) {
		*out_opening = (enum ck_token_opening)(1 + ck_faults_random(CK_TOKEN_NOT_PERMITTED));
		return NULL;
	}
	ck_faults_pass();
	fido_dev_t *device = ck_soft_source_open(name, limit_ms, out_opening, context);
	ck_faults_back();
	return device;
}

static void run_helper(int fd)
{
	static const unsigned rates[] = {8, 20, 60, 200};
	const struct ck_token_source faulty = {.list = list_keys, .open = open_key, .context = root, .patience_ms = 200};
	struct rusage usage;
	unsigned descriptors = ck_faults_descriptors();
	if (freopen("/dev/null", "w", stderr) == NULL) _exit(EXIT_FAILURE);
	ck_faults_track();
	ck_faults_begin(seed, rates[seed % (sizeof rates / sizeof *rates)]);
	int code = ck_token_run(fd, &faulty);
	ck_faults_end();
	__atomic_add_fetch(&totals->failed_calls, (unsigned long)ck_faults_count(), __ATOMIC_SEQ_CST);
	getrusage(RUSAGE_SELF, &usage);
	if ((usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > CPU_LIMIT_US) _exit(EXIT_LOOP);
	bool left = ck_faults_untracked() > 0 || ck_faults_fido_objects() != 0 || ck_faults_descriptors() > descriptors;
#ifdef CK_SANITIZED
	left |= __lsan_do_recoverable_leak_check() != 0; /* what libfido2 allocated for us */
#endif
	_exit(left ? EXIT_LEFT_OVER : code);
}

static void begin_helper(struct talk *talk)
{
	int pair[2];
	memset(talk, 0, sizeof *talk);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	talk->pid = fork();
	ck_assert_int_ge(talk->pid, 0);
	if (talk->pid == 0) {
		close(pair[0]);
		run_helper(pair[1]);
	}
	close(pair[1]);
	ck_assert_int_eq(ck_client_adopt(&talk->client, pair[0]), CK_OK);
}

static void end_helper(struct talk *talk)
{
	int status = -1;
	int64_t until_ms = ck_clock_monotonic_ms() + HANG_MS;
	ck_client_close(&talk->client);
	while (waitpid(talk->pid, &status, WNOHANG) == 0) {
		if (ck_clock_monotonic_ms() > until_ms) {
			complain("the helper does not end");
			(void)kill(talk->pid, SIGKILL);
			(void)waitpid(talk->pid, &status, 0);
			return;
		}
		usleep(1000);
	}
	if (WIFSIGNALED(status)) complain(strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == EXIT_LEFT_OVER) complain("memory, descriptors or objects of libfido2 are left over");
	else if (WEXITSTATUS(status) == EXIT_LOOP) complain("it used seconds of the processor");
	else if (WEXITSTATUS(status) > 2) complain("an exit code that is none of its own");
}

/* ---- its client ---- */
static bool is_asserted(const struct ck_map *map, bool verify)
{
	struct ck_fido_result result;
	struct ck_errmsg err;
	struct ck_key key = {.credential_id = {mine.id, mine.id_length}, .public_key = {mine.cose, mine.cose_length}, .rp_id = ck_text_of(RP)};
	struct ck_fido_assertion assertion = {.rp_id = ck_text_of(RP), .client_data_hash = challenge, .verify = verify};
	return ck_map_bytes(map, CK_F_CREDENTIAL, 1, 1023, &assertion.credential_id) == CK_OK &&
	       ck_map_bytes(map, CK_F_AUTH_DATA, 37, CK_AUTH_DATA_LIMIT_BYTES, &assertion.auth_data) == CK_OK &&
	       ck_map_bytes(map, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &assertion.signature) == CK_OK &&
	       ck_fido_verify_assertion(&key, &assertion, &result, &err) == CK_OK && result.verified == verify;
}

static bool is_created(const struct ck_map *map)
{
	struct ck_fido_credential made;
	struct ck_errmsg err;
	struct ck_fido_registration registration = {.rp_id = ck_text_of(RP), .client_data_hash = challenge, .verify = true};
	return ck_map_bytes(map, CK_F_AUTH_DATA, 37, CK_AUTH_DATA_LIMIT_BYTES, &registration.auth_data) == CK_OK &&
	       ck_map_text(map, CK_F_FORMAT, 32, &registration.format) == CK_OK &&
	       ck_map_bytes(map, CK_F_ATT_STMT, 1, CK_ATT_STMT_LIMIT_BYTES, &registration.statement) == CK_OK &&
	       ck_fido_verify_registration(&registration, &made, &err) == CK_OK;
}

/* It may have ended meanwhile. */
static void send_what_it_takes(struct talk *talk, struct ck_frame_out *frame, const uint8_t *bytes)
{
	size_t length = 0;
	ck_assert_int_eq(ck_frame_end(frame, &length), CK_OK);
	if (ck_client_send(&talk->client, bytes, length, -1, ck_clock_monotonic_ms() + WAIT_MS) != CK_OK) ck_client_close(&talk->client);
}

static void give_pin(struct talk *talk, const char *pin)
{
	uint8_t bytes[128];
	struct ck_frame_out frame;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN);
	ck_field_string(&frame.map, CK_F_CODE, pin);
	send_what_it_takes(talk, &frame, bytes);
}

/* One message of the helper's. False: that was the last. */
static bool hear(struct talk *talk, unsigned *pins)
{
	uint64_t type;
	if (ck_client_receive(&talk->client, &talk->map, ck_clock_monotonic_ms() + HANG_MS, -1) != CK_OK) return false;
	if (ck_map_uint(&talk->map, CK_F_TYPE, CK_TOKEN_SAY, CK_TOKEN_FAILED, &type) != CK_OK) return false;
	switch (type) {
	case CK_TOKEN_SAY: return true;
	case CK_TOKEN_PIN_WANTED:
		count_up(&totals->pins);
		if (*pins > 3) return false;
		give_pin(talk, scenario == WRONG_PIN_FIRST && *pins == 0 ? "0000" : "1234");
		(*pins)++;
		return true;
	case CK_TOKEN_ASSERTED:
		if (scenario == NEW_KEY || !is_asserted(&talk->map, scenario != BY_TOUCH)) complain("what it calls an assertion is none");
		else count_up(&totals->asserted);
		return false;
	case CK_TOKEN_CREATED:
		if (scenario != NEW_KEY || !is_created(&talk->map)) complain("what it calls a new key is none");
		else count_up(&totals->created);
		return false;
	default: return false;
	}
}

/* Nothing of what the last conversation did to the keys is left. */
static void renew(struct ck_soft_state *state, void *context)
{
	(void)context;
	state->retries = 8;
	state->wrong_in_a_row = 0;
	state->count = 1;
}

static unsigned pins_of_the_other(void)
{
	static struct ck_soft_state state;
	char path[256];
	snprintf(path, sizeof path, "%s/b-other", root);
	ck_assert_int_eq(ck_soft_load(path, &state, NULL), CK_OK);
	return state.pins_seen;
}

static void send_request(struct talk *talk)
{
	static uint8_t bytes[32768];
	struct request request = request_for(&mine, scenario != BY_TOUCH);
	struct ck_frame_out frame;
	request.time_ms = CONVERSATION_MS;
	request.create = scenario == NEW_KEY;
	if (request.create) request.ids[0] = (struct ck_bytes){other_id, sizeof other_id};
	ck_frame_begin(&frame, bytes, sizeof bytes);
	put_request(&frame, &request);
	send_what_it_takes(talk, &frame, bytes);
}

static void run_seed(void)
{
	struct talk talk;
	unsigned pins = 0;
	scenario = (enum scenario)(seed / 4 % SCENARIOS);
	update("a-mine", renew, NULL);
	begin_helper(&talk);
	send_request(&talk);
	for (int i = 0; talk.client.fd >= 0 && i < ANSWERS_LIMIT && hear(&talk, &pins); i++) {}
	end_helper(&talk);
	count_up(&totals->seeds);
}

/* A key that holds the credential, the first in order, and one that was never enrolled. */
static void run_worker(uint64_t first, uint64_t end)
{
	set_up();
	create_key("a-mine", "1234", 0, &mine);
	create_key("b-other", "9999", CK_SOFT_NO_TOUCH, NULL);
	for (seed = first; seed < end; seed++) run_seed();
	if (pins_of_the_other() > 0) complain("the PIN was shown to another key");
	tear_down();
}

START_TEST(whatever_fails)
{
	uint64_t first, count = seeds_asked_for(SEEDS_DEFAULT, &first);
	totals = share(sizeof *totals);
	share_out(first, count, run_worker);
	printf("%lu seeds: %lu assertions, %lu new keys, %lu PINs asked for, %lu calls failed\n", totals->seeds, totals->asserted, totals->created,
	       totals->pins, totals->failed_calls);
	ck_assert_uint_eq(totals->broken, 0);
	ck_assert_uint_eq(totals->seeds, count);
	ck_assert_msg(count < 100 || (totals->asserted > count / 8 && totals->created > count / 40), "next to nothing was signed, so next to nothing was tried");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("faults of the token helper");
	TCase *seeds = tcase_create("seeds");
	tcase_set_timeout(seeds, 580);
	tcase_add_test(seeds, whatever_fails);
	suite_add_tcase(suite, seeds);
	return run_suite(suite);
}
