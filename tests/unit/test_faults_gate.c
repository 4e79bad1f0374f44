/* Any call of the gate's may fail: seed by seed, a gate of its own over the same copy. Whatever fails, nobody is granted who would not be
   otherwise, or whose grant the ledger does not hold; the process ends in order, with nothing left over. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakes/faults.h"
#include "tests/fakes/gate_rig.h"
#include "tests/unit/faults_workers.h"

#define SEEDS_DEFAULT 2000
#define WORD "correct horse battery"
#define EXIT_LEFT_OVER 99
#define EXIT_DAMAGED 76 /* as the gate has it, when it reads what cannot be */

static uint64_t seed;
static unsigned begun_with;

/* ---- in the gate ---- */

static void in_gate(bool begins)
{
	static const unsigned rates[] = {15, 60, 250, 1000};
	if (begins) {
		begun_with = ck_faults_descriptors();
		ck_faults_track();
		ck_faults_begin(seed, rates[seed % (sizeof rates / sizeof *rates)]);
		return;
	}
	ck_faults_end();
	size_t left = ck_faults_untracked();
	unsigned descriptors = ck_faults_descriptors();
	if (left == 0 && descriptors <= begun_with) return;
	dprintf(2, "seed %llu: %zu allocations and %d descriptors are left over\n", (unsigned long long)seed, left, (int)(descriptors - begun_with));
	_exit(EXIT_LEFT_OVER);
}

/* ---- before it ---- */

static struct {
	unsigned long granted, by_password, started;
} *totals; /* of all processes */

/* The answer, or 0: none came. */
static enum ck_answer try(struct ck_client *client, struct rig_frame *out, struct ck_map *reply)
{
	uint64_t answer = 0;
	if (client->fd < 0) return 0;
	rig_send(client, out, -1);
	if (!rig_receive(client, reply) || ck_map_uint(reply, CK_F_TYPE, CK_ANSWER_GRANTED, CK_ANSWER_LAST, &answer) != CK_OK) return 0;
	return (enum ck_answer)answer;
}

static bool stands(enum ck_event event, unsigned events_before)
{
	return rig.events > events_before && rig.refuse == NULL && rig_number(&rig.event, CK_F_EVENT) == event;
}

static void account(const char *user, const char *service, bool may)
{
	struct ck_client client;
	struct rig_frame out;
	struct ck_map reply;
	unsigned before = rig.events;
	rig_connect(&client, 0);
	rig_put_login(&out, CK_OP_ACCOUNT, user, user, service, "tty1", NULL);
	if (try(&client, &out, &reply) == CK_ANSWER_GRANTED) {
		ck_assert_msg(may && stands(CK_EVENT_ACCOUNT_GRANTED, before), "seed %llu: %s was granted", (unsigned long long)seed, user);
		count_up(&totals->granted);
	}
	ck_client_close(&client);
}

/* Begins a login and signs for it. */
static enum ck_answer touched(struct ck_client *client, const char *user, const char *service, struct ck_soft_credential *key, bool spoil,
                              struct ck_map *reply)
{
	struct rig_frame out;
	struct ck_soft_assertion made;
	uint8_t challenge[32];
	rig_put_login(&out, CK_OP_LOGIN_BEGIN, user, user, service, "tty1", NULL);
	if (try(client, &out, reply) != CK_ANSWER_NEED_TOKEN || ck_map_fixed(reply, CK_F_CHALLENGE, challenge, sizeof challenge) != CK_OK ||
	    !ck_soft_make_assertion(key, challenge, true, &made))
		return 0;
	if (spoil) made.signature[made.signature_length - 1] ^= 1;
	struct ck_map_writer *m = rig_begin(&out, CK_OP_LOGIN_ASSERT);
	ck_field_bytes(m, CK_F_CREDENTIAL, key->id, key->id_length);
	ck_field_bytes(m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
	ck_field_bytes(m, CK_F_SIGNATURE, made.signature, made.signature_length);
	return try(client, &out, reply);
}

static void login(const char *user, struct ck_soft_credential *key, bool spoil, bool may)
{
	struct ck_client client;
	struct ck_map reply;
	unsigned before = rig.events;
	rig_connect(&client, 0);
	if (touched(&client, user, "login", key, spoil, &reply) == CK_ANSWER_GRANTED) {
		ck_assert_msg(may && stands(CK_EVENT_LOGIN_GRANTED, before), "seed %llu: %s was granted", (unsigned long long)seed, user);
		count_up(&totals->granted);
	}
	ck_client_close(&client);
}

/* ---- with a password: the test is the replica ---- */

static bool serve_replica(bool right)
{
	struct ck_map asked;
	struct rig_frame out;
	if (ck_client_receive(&rig.replica, &asked, ck_clock_monotonic_ms() + PATIENCE_MS, -1) != CK_OK) return false;
	if (rig_number(&asked, CK_F_TYPE) != CK_MSG_PASSWORD) return true;
	ck_assert_msg(ck_bytes_equal(asked.at[CK_F_PASSWORD].span, ck_bytes_of(ck_text_of(WORD))), "seed %llu: another password", (unsigned long long)seed);
	struct ck_map_writer *m = rig_begin(&out, CK_MSG_PASSWORD_CHECKED);
	ck_field_uint(m, CK_F_REQUEST, rig_number(&asked, CK_F_REQUEST));
	ck_field_string(m, CK_F_REASON, right ? "right" : "password-wrong");
	ck_field_bool(m, CK_F_VERDICT, right);
	rig_send(&rig.replica, &out, -1);
	return true;
}

/* The answer to a password, or 0. */
static enum ck_answer answered(struct ck_client *client, bool right)
{
	struct ck_map reply;
	uint64_t answer = 0;
	int64_t until_ms = ck_clock_monotonic_ms() + PATIENCE_MS;
	bool replica = rig.replica.fd >= 0;
	while (ck_clock_monotonic_ms() < until_ms) {
		struct pollfd fds[] = {{.fd = client->fd, .events = POLLIN}, {.fd = rig.ledger.fd, .events = POLLIN},
		                       {.fd = replica ? rig.replica.fd : -1, .events = POLLIN}};
		if (poll(fds, 3, 500) < 0) return 0;
		if (fds[1].revents != 0) rig_serve_ledger();
		if (fds[2].revents != 0) replica = serve_replica(right);
		if (fds[0].revents == 0) continue;
		if (ck_client_receive(client, &reply, until_ms, -1) != CK_OK) return 0;
		return ck_map_uint(&reply, CK_F_TYPE, CK_ANSWER_GRANTED, CK_ANSWER_LAST, &answer) == CK_OK ? (enum ck_answer)answer : 0;
	}
	return 0;
}

static void password_login(bool right, bool may)
{
	struct ck_client client;
	struct ck_map reply;
	struct rig_frame out;
	unsigned before = rig.events;
	rig_connect(&client, 0);
	enum ck_answer answer = touched(&client, "fran", "safe", &rig.fran, false, &reply);
	ck_assert_msg(answer != CK_ANSWER_GRANTED, "seed %llu: fran was granted without a password", (unsigned long long)seed);
	if (answer == CK_ANSWER_NEED_PASSWORD) {
		ck_field_bytes(rig_begin(&out, CK_OP_LOGIN_PASSWORD), CK_F_PASSWORD, WORD, sizeof WORD - 1);
		rig_send(&client, &out, -1);
		if (answered(&client, right) == CK_ANSWER_GRANTED) {
			ck_assert_msg(may && stands(CK_EVENT_LOGIN_GRANTED, before), "seed %llu: fran was granted", (unsigned long long)seed);
			count_up(&totals->by_password);
		}
	}
	ck_client_close(&client);
}

static void run_seed(void)
{
	rig.refuse = seed % 5 == 0 ? "counter" : NULL; /* the ledger says no */
	if (rig_start_gate()) {
		count_up(&totals->started);
		login("alice", &rig.alice, false, true);
		account("bob", "login", true);
		login("alice", &rig.alice, true, false);
		login("carol", &rig.carol, false, false);
		login("alice", &rig.carol, false, false);
		password_login(true, true);
		password_login(false, false);
		account("carol", "login", false);
		account("nobody-here", "login", false);
	}
	int status = rig_end_gate();
	ck_assert_msg(WIFEXITED(status), "seed %llu: the gate died of signal %d", (unsigned long long)seed, WTERMSIG(status));
	ck_assert_msg(WEXITSTATUS(status) != EXIT_LEFT_OVER, "seed %llu: something is left over", (unsigned long long)seed);
	ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 1 || WEXITSTATUS(status) == EXIT_DAMAGED, "seed %llu: exit %d",
	              (unsigned long long)seed, WEXITSTATUS(status));
}

static void run_seeds(uint64_t first, uint64_t end)
{
	rig_set_up();
	ck_assert_int_eq(rig_end_gate(), 0);
	rig.in_gate = in_gate;
	rig.tolerant = true;
	for (seed = first; seed < end; seed++) run_seed();
	rig_tear_down();
}

START_TEST(whatever_fails)
{
	uint64_t first, count = seeds_asked_for(SEEDS_DEFAULT, &first);
	totals = share(sizeof *totals);
	share_out(first, count, run_seeds);
	printf("%llu seeds: %lu gates started, %lu grants, %lu by a password\n", (unsigned long long)count, totals->started, totals->granted,
	       totals->by_password);
	ck_assert_msg(count < 100 || (totals->granted > count / 4 && totals->by_password > count / 8),
	              "next to nothing was granted, so next to nothing was tried");
}
END_TEST

int main(void)
{
	const TTest *const all[] = {whatever_fails};
	Suite *suite = suite_create("faults of the gate");
	rig_add_case(suite, "seeds", rig_set_up, all, 1);
	return rig_run(suite);
}
