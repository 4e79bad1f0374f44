/* Any call of the gate's may fail: seed by seed, a gate of its own over the same copy. Whatever fails, nobody is granted who would not be
   otherwise, or whose grant the ledger does not hold; the process ends in order, with nothing left over. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakes/faults.h"
#include "tests/fakes/gate_rig.h"
#include "tests/unit/faults_workers.h"

#define SEEDS_DEFAULT 2000
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
	unsigned long granted, started;
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

static void login(const char *user, struct ck_soft_credential *key, bool spoil, bool may)
{
	struct ck_client client;
	struct rig_frame out;
	struct ck_map reply;
	struct ck_soft_assertion made;
	uint8_t challenge[32];
	unsigned before = rig.events;
	rig_connect(&client, 0);
	rig_put_login(&out, CK_OP_LOGIN_BEGIN, user, user, "login", "tty1", NULL);
	if (try(&client, &out, &reply) == CK_ANSWER_NEED_TOKEN && ck_map_fixed(&reply, CK_F_CHALLENGE, challenge, sizeof challenge) == CK_OK &&
	    ck_soft_make_assertion(key, challenge, true, &made)) {
		if (spoil) made.signature[made.signature_length - 1] ^= 1;
		struct ck_map_writer *m = rig_begin(&out, CK_OP_LOGIN_ASSERT);
		ck_field_bytes(m, CK_F_CREDENTIAL, key->id, key->id_length);
		ck_field_bytes(m, CK_F_AUTH_DATA, made.auth_data, made.auth_data_length);
		ck_field_bytes(m, CK_F_SIGNATURE, made.signature, made.signature_length);
		if (try(&client, &out, &reply) == CK_ANSWER_GRANTED) {
			ck_assert_msg(may && stands(CK_EVENT_LOGIN_GRANTED, before), "seed %llu: %s was granted", (unsigned long long)seed, user);
			count_up(&totals->granted);
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
	printf("%llu seeds: %lu gates started, %lu grants\n", (unsigned long long)count, totals->started, totals->granted);
	ck_assert_msg(count < 100 || totals->granted > count / 4, "next to nothing was granted, so next to nothing was tried");
}
END_TEST

int main(void)
{
	const TTest *const all[] = {whatever_fails};
	Suite *suite = suite_create("faults of the gate");
	rig_add_case(suite, "seeds", rig_set_up, all, 1);
	return rig_run(suite);
}
