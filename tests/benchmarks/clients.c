/* Client processes: each connects, waits until all are ready, asks until the round is over. Samples lie in shared memory. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/clients.h"

#define SAMPLES_LIMIT 400000 /* of one client in one round */

struct board {
	atomic_int ready, go;
	size_t counts[BENCH_CLIENTS_LIMIT];
	double begun_us[BENCH_CLIENTS_LIMIT], ended_us[BENCH_CLIENTS_LIMIT];
	double samples[BENCH_CLIENTS_LIMIT][SAMPLES_LIMIT];
};

static struct board *board_of(void)
{
	static struct board *board;
	if (board == NULL) board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return board;
}

static void run_client(struct board *board, int me, const struct bench_target *target, double round_us, size_t question)
{
	void *connection = target->open(target);
	if (connection == NULL) {
		fprintf(stderr, "%s: cannot connect\n", target->name);
		_exit(1);
	}
	atomic_fetch_add(&board->ready, 1);
	while (atomic_load(&board->go) == 0) usleep(200);
	size_t count = 0;
	double begin = bench_now_us(), end = begin + round_us, now = begin;
	board->begun_us[me] = begin;
	while (now < end && count < SAMPLES_LIMIT) {
		if (!target->ask(connection, target, question % target->count)) {
			fprintf(stderr, "%s: not the expected answer about %s\n", target->name, target->words[question % target->count]);
			_exit(1);
		}
		question++;
		double then = bench_now_us();
		board->samples[me][count++] = then - now;
		now = then;
	}
	board->ended_us[me] = now;
	board->counts[me] = count;
	_exit(0);
}

static void start(struct board *board, pid_t *pids, const struct bench_target *target, int clients, double round_us, size_t first)
{
	fflush(stdout);
	for (int i = 0; i < clients; i++) {
		pids[i] = fork();
		if (pids[i] != 0) continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_client(board, i, target, round_us, first + (size_t)i * 7919);
	}
}

static void wait_for(const pid_t *pids, int clients, const char *name)
{
	int failed = 0;
	for (int i = 0; i < clients; i++) {
		int status = -1;
		if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i] || status != 0) failed = 1;
	}
	if (!failed) return;
	fprintf(stderr, "%s: a client failed\n", name);
	exit(1);
}

struct bench_load bench_clients_run(const struct bench_target *target, int clients, double round_us, size_t first)
{
	static double merged[BENCH_CLIENTS_LIMIT * SAMPLES_LIMIT];
	struct board *board = board_of();
	struct bench_load load = {0};
	pid_t pids[BENCH_CLIENTS_LIMIT];
	size_t count = 0;
	atomic_store(&board->ready, 0);
	atomic_store(&board->go, 0);
	start(board, pids, target, clients, round_us, first);
	double deadline = bench_now_us() + 10e6;
	while (atomic_load(&board->ready) < clients && bench_now_us() < deadline) usleep(500);
	atomic_store(&board->go, 1);
	wait_for(pids, clients, target->name);
	for (int i = 0; i < clients; i++) {
		memcpy(merged + count, board->samples[i], board->counts[i] * sizeof(double));
		count += board->counts[i];
		load.rate += (double)board->counts[i] / ((board->ended_us[i] - board->begun_us[i]) / 1e6);
	}
	load.p50_us = bench_quantile(merged, count, 0.5);
	load.p99_us = bench_quantile(merged, count, 0.99);
	return load;
}
