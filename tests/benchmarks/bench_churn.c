/* A directory that changes while it is searched at full rate: pairs of slices, with and without changes, in turn; and how long each change takes to be
   seen at the gate. usage: bench_churn GATE-SOCKET LDAPI-URI RULE-DN REPLICA-USER SEED STAFF [PAIRS] */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/benchmarks/ask.h"
#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/clients.h"
#include "tests/benchmarks/draw.h"
#include "tests/benchmarks/write.h"
#include "tests/data/data.h"

#define SEARCHERS 2
#define QUESTIONS 20000
#define DRAWN 201
#define PAIRS_LIMIT 60
#define SLICE_US 5e6
#define CHANGE_EACH_US 100000.0 /* ten a second: a year's changes of 1.2 million people come a hundred times more slowly */
#define ASKED_EACH_US 1000 /* in both kinds of slices, so that the asking itself is in neither's favour */
#define SEEN_WITHIN_US 5e6
#define SAMPLES_LIMIT 10000

static const char *uids[QUESTIONS];

struct board {
	atomic_int stop; /* we give up being root, and can then no longer kill them */
	atomic_ullong answered[SEARCHERS];
};

static pid_t start_searcher(struct board *board, int me, const char *socket)
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0) return pid;
	const struct bench_target target = { .name = "gate", .words = uids, .count = QUESTIONS, .path = socket };
	void *connection = bench_find_open(&target);
	if (connection == NULL) _exit(1);
	for (size_t question = (size_t)me * 7919; atomic_load(&board->stop) == 0 && getppid() == parent; question++) {
		if (!bench_find_ask(connection, &target, question % QUESTIONS)) _exit(1);
		atomic_fetch_add(&board->answered[me], 1);
	}
	_exit(0);
}

static unsigned long long answered(struct board *board)
{
	unsigned long long sum = 0;
	for (int i = 0; i < SEARCHERS; i++) sum += atomic_load(&board->answered[i]);
	return sum;
}

struct churn {
	struct board *board;
	struct ck_client client;
	const char *socket, *rule;
	LDAP *ldap;
	int suspended;    /* what the directory says */
	double *samples;  /* how long each change took to be seen, in ms */
	size_t count;
};

/* Searches a second during one slice. */
static double run_slice(struct churn *c, int changing)
{
	double begin = bench_now_us(), now = begin, sent = 0, next = begin;
	unsigned long long before = answered(c->board);
	int waiting = 0;
	while (now - begin < SLICE_US || waiting) {
		if (changing && !waiting && now >= next && now - begin < SLICE_US) {
			c->suspended = !c->suspended;
			sent = now;
			next = now + CHANGE_EACH_US;
			if (!bench_send_status(c->ldap, c->rule, c->suspended ? "suspended" : "active")) exit(1);
			waiting = 1;
		}
		int answer = bench_ask_account(&c->client, c->socket, "bench0", "bench");
		now = bench_now_us();
		if (waiting && answer == (c->suspended ? CK_ANSWER_DENIED : CK_ANSWER_GRANTED)) {
			if (c->count < SAMPLES_LIMIT) c->samples[c->count++] = (now - sent) / 1000;
			waiting = 0;
		}
		if (waiting && now - sent > SEEN_WITHIN_US) {
			fputs("a change was not seen within 5 s\n", stderr);
			exit(1);
		}
		usleep(ASKED_EACH_US);
		bench_drain(c->ldap);
		now = bench_now_us();
	}
	return (double)(answered(c->board) - before) / ((now - begin) / 1e6);
}

static void report(struct churn *c, double *ratios, double *with, double *without, size_t pairs)
{
	double p50 = bench_quantile(c->samples, c->count, 0.5), p99 = bench_quantile(c->samples, c->count, 0.99);
	printf("# change while searched: %zu pairs of 5 s, %zu changes; searches with changes %.0f/s, without %.0f/s; ratio lowest %.3f, highest %.3f\n", pairs,
	       c->count, bench_median(with, pairs), bench_median(without, pairs), bench_quantile(ratios, pairs, 0), bench_quantile(ratios, pairs, 1));
	printf("# change while searched: sent to seen p50 %.2f ms, p99 %.2f ms\n", p50, p99);
	bench_print("change-searched-p99", p99, "ms", 0, 50, 0);
	bench_print("change-searched-rate", bench_median(ratios, pairs), "ratio", 0, 1.10, 0);
}

int main(int argc, char **argv)
{
	static double samples[SAMPLES_LIMIT], ratios[PAIRS_LIMIT], with[PAIRS_LIMIT], without[PAIRS_LIMIT];
	struct churn churn = { .client = { .fd = -1, .passed_fd = -1 }, .samples = samples };
	uint64_t seed, staff, pairs = 30;
	if (argc < 7 || ck_uint_parse(ck_text_of(argv[5]), 0, UINT64_MAX, &seed) != CK_OK ||
	    ck_uint_parse(ck_text_of(argv[6]), CK_DATA_STAFF_LEAST, CK_DATA_STAFF_LIMIT, &staff) != CK_OK ||
	    (argc > 7 && ck_uint_parse(ck_text_of(argv[7]), 1, PAIRS_LIMIT, &pairs) != CK_OK)) {
		fputs("usage: bench_churn GATE-SOCKET LDAPI-URI RULE-DN REPLICA-USER SEED STAFF [PAIRS]\n", stderr);
		return 2;
	}
	churn.socket = argv[1];
	churn.rule = argv[3];
	churn.board = mmap(NULL, sizeof *churn.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (churn.board == MAP_FAILED) return 1;
	bench_draw_people(seed, DRAWN, staff, &(struct bench_drawn){ .count = QUESTIONS, .uids = uids });
	pid_t searchers[SEARCHERS];
	for (int i = 0; i < SEARCHERS; i++) searchers[i] = start_searcher(churn.board, i, argv[1]);
	if (bench_ask_account(&churn.client, argv[1], "bench0", "bench") != CK_ANSWER_GRANTED || (churn.ldap = bench_connect_as(argv[2], argv[4])) == NULL) {
		fputs("bench0 is not granted, or the directory does not let the daemon's identity in\n", stderr);
		return 1;
	}
	for (size_t i = 0; i < pairs; i++) {
		/* whoever comes first changes */
		if (i % 2 == 0) without[i] = run_slice(&churn, 0);
		with[i] = run_slice(&churn, 1);
		if (i % 2 == 1) without[i] = run_slice(&churn, 0);
		ratios[i] = without[i] / with[i];
	}
	if (churn.suspended && !bench_send_status(churn.ldap, churn.rule, "active")) return 1;
	atomic_store(&churn.board->stop, 1);
	for (int i = 0; i < SEARCHERS; i++) {
		int status = -1;
		if (waitpid(searchers[i], &status, 0) != searchers[i] || status != 0) {
			fputs("a searcher failed\n", stderr);
			return 1;
		}
	}
	report(&churn, ratios, with, without, pairs);
	ldap_unbind_ext_s(churn.ldap, NULL, NULL);
	return 0;
}
