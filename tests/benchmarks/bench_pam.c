/* pam_start + pam_acct_mgmt + pam_end with pam_crosskeys.so, with a module of libc only that asks the bare relay, and with pam_permit.
   usage: bench_pam GATE-SOCKET MODULE-DIR UID SERVICE SCRATCH-DIR */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/benchmarks/bench.h"

#define CALLS 400

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *context)
{
	(void)messages;
	(void)context;
	*responses = calloc((size_t)count, sizeof **responses);
	return *responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
}

static double one_call(const char *directory, const char *service, const char *uid)
{
	struct pam_conv conversation = { converse, NULL };
	pam_handle_t *pamh = NULL;
	double begin = bench_now_us();
	if (pam_start_confdir(service, uid, &conversation, directory, &pamh) != PAM_SUCCESS) exit(1);
	pam_set_item(pamh, PAM_RHOST, "192.0.2.10");
	int result = pam_acct_mgmt(pamh, PAM_SILENT);
	pam_end(pamh, result);
	double took = bench_now_us() - begin;
	if (result != PAM_SUCCESS) {
		fprintf(stderr, "%s: pam_acct_mgmt gave %d, not success\n", service, result);
		exit(1);
	}
	return took;
}

static void write_service(const char *directory, const char *service, const char *line)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", directory, service);
	FILE *file = fopen(path, "w");
	if (file == NULL) exit(1);
	fprintf(file, "account required %s\n", line);
	fclose(file);
}

int main(int argc, char **argv)
{
	if (argc != 6) {
		fputs("usage: bench_pam GATE-SOCKET MODULE-DIR UID SERVICE SCRATCH-DIR\n", stderr);
		return 2;
	}
	const char *services[3] = { argv[4], "bench-relay", "bench-permit" };
	char directory[200], relay_path[108], file[256], line[1024];
	double p50[3][BENCH_ROUNDS];
	static double samples[CALLS];
	snprintf(directory, sizeof directory, "%s/pam.d", argv[5]);
	mkdir(directory, 0755);
	snprintf(relay_path, sizeof relay_path, "%s/pam-relay.sock", argv[5]);
	snprintf(file, sizeof file, "%s/pam-relay.log", argv[5]);
	snprintf(line, sizeof line, "%s/pam_crosskeys.so socket=%s", argv[2], argv[1]);
	write_service(directory, services[0], line);
	snprintf(line, sizeof line, "%s/tests/pam_relay.so %s", argv[2], relay_path);
	write_service(directory, services[1], line);
	write_service(directory, services[2], "pam_permit.so");
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int relay = bench_relay_start(relay_path, file, cores > 4 ? 4 : (int)cores, BENCH_RELAY);
	usleep(100000);
	for (int round = 0; round < BENCH_ROUNDS; round++)
		for (int s = 0; s < 3; s++) {
			for (int call = 0; call < CALLS; call++) samples[call] = one_call(directory, services[s], argv[3]);
			p50[s][round] = bench_quantile(samples, CALLS, 0.5);
		}
	double ours = bench_median(p50[0], BENCH_ROUNDS), reference = bench_median(p50[1], BENCH_ROUNDS);
	printf("# pam: p50 ours %.1f us, libc module with relay %.1f us, pam_permit %.1f us\n", ours, reference, bench_median(p50[2], BENCH_ROUNDS));
	bench_print("pam-account-p50", ours, "us", reference, 1.25, 0);
	bench_relay_stop(relay);
	return 0;
}
