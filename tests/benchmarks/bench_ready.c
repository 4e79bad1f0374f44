/* From exec of the supervisor to the first correct decision, once, and how much memory of its own the replica needs meanwhile: with an empty copy that
   is the first follow of the whole directory. usage: bench_ready DAEMON CONFIG GATE-SOCKET SECONDS. Prints "READY-MS REPLICA-PEAK-KIB GATE-KIB". */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/benchmarks/ask.h"
#include "tests/benchmarks/bench.h"

#define ASKED_EACH_US 2000
#define MEMORY_EACH_US 100000 /* the kernel walks all pages of the process for it */

static long private_dirty_kib(int pid)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	FILE *from = fopen(path, "r");
	while (from != NULL && fgets(line, sizeof line, from) != NULL)
		if (strncmp(line, "Private_Dirty:", 14) == 0) kib = strtol(line + 14, NULL, 10);
	if (from != NULL) fclose(from);
	return kib;
}

/* Of the supervisor's children whose command line holds the word the largest. */
static long largest_kib(int supervisor, const char *word)
{
	char path[64], children[1024] = "", *rest = NULL;
	long largest = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", supervisor, supervisor);
	FILE *from = fopen(path, "r");
	if (from == NULL) return 0;
	if (fgets(children, sizeof children, from) == NULL) children[0] = '\0';
	fclose(from);
	for (char *child = strtok_r(children, " \n", &rest); child != NULL; child = strtok_r(NULL, " \n", &rest)) {
		char command[512] = "";
		snprintf(path, sizeof path, "/proc/%s/cmdline", child);
		FILE *line = fopen(path, "r");
		size_t length = line != NULL ? fread(command, 1, sizeof command - 1, line) : 0;
		if (line != NULL) fclose(line);
		if (memmem(command, length, word, strlen(word)) == NULL) continue;
		long kib = private_dirty_kib(atoi(child));
		if (kib > largest) largest = kib;
	}
	return largest;
}

static pid_t start(const char *daemon, const char *config)
{
	pid_t pid = fork();
	if (pid != 0) return pid;
	int quiet = open("/dev/null", O_RDWR);
	dup2(quiet, 1);
	dup2(quiet, 2);
	execl(daemon, "crosskeysd", "--config", config, (char *)NULL);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct ck_client client = { .fd = -1, .passed_fd = -1 };
	long replica_kib = 0, gate_kib = 0;
	int answer = 0;
	if (argc != 5) {
		fputs("usage: bench_ready DAEMON CONFIG GATE-SOCKET SECONDS\n", stderr);
		return 2;
	}
	double begin = bench_now_us(), limit_us = atof(argv[4]) * 1e6, now = begin, measured = begin;
	pid_t supervisor = start(argv[1], argv[2]);
	while (answer != CK_ANSWER_GRANTED && now - begin < limit_us) {
		answer = bench_ask_account(&client, argv[3], "bench0", "bench");
		now = bench_now_us();
		if (answer != CK_ANSWER_GRANTED) usleep(ASKED_EACH_US);
		if (now - measured < MEMORY_EACH_US) continue;
		long kib = largest_kib(supervisor, "replica");
		if (kib > replica_kib) replica_kib = kib;
		measured = now;
	}
	gate_kib = largest_kib(supervisor, "gate");
	ck_client_close(&client);
	kill(supervisor, SIGTERM);
	waitpid(supervisor, NULL, 0);
	if (answer != CK_ANSWER_GRANTED) {
		fputs("no decision within the time\n", stderr);
		return 1;
	}
	printf("%.1f %ld %ld\n", (now - begin) / 1000, replica_kib, gate_kib);
	return 0;
}
