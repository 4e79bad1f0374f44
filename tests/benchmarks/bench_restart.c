/* From exec of the supervisor to the first correct decision, store present, directory up. usage: bench_restart DAEMON CONFIG GATE-SOCKET */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/benchmarks/ask.h"
#include "tests/benchmarks/bench.h"

#define RESTARTS 9

int main(int argc, char **argv)
{
	double samples[RESTARTS];
	if (argc != 4) {
		fputs("usage: bench_restart DAEMON CONFIG GATE-SOCKET\n", stderr);
		return 2;
	}
	for (int i = 0; i < RESTARTS; i++) {
		struct ck_client client = { .fd = -1, .passed_fd = -1 };
		double begin = bench_now_us();
		pid_t daemon = fork();
		if (daemon == 0) {
			int quiet = open("/dev/null", O_RDWR);
			dup2(quiet, 1);
			dup2(quiet, 2);
			execl(argv[1], "crosskeysd", "--config", argv[2], (char *)NULL);
			_exit(127);
		}
		int answer = 0;
		while (answer != CK_ANSWER_GRANTED && bench_now_us() - begin < 10e6) {
			answer = bench_ask_account(&client, argv[3], "bench0", "bench");
			if (answer != CK_ANSWER_GRANTED) usleep(200);
		}
		samples[i] = (bench_now_us() - begin) / 1000;
		ck_client_close(&client);
		kill(daemon, SIGTERM);
		waitpid(daemon, NULL, 0);
		if (answer != CK_ANSWER_GRANTED) {
			fputs("no decision within 10 s\n", stderr);
			return 1;
		}
	}
	printf("# restart: %d restarts, fastest %.1f ms, slowest %.1f ms\n", RESTARTS, bench_quantile(samples, RESTARTS, 0), bench_quantile(samples, RESTARTS, 1));
	bench_print("restart", bench_median(samples, RESTARTS), "ms", 0, 100, 0);
	return 0;
}
