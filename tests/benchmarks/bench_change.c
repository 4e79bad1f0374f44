/* From sending a directory change to a different answer at the gate. Writes to slapd as the daemon's identity.
   usage: bench_change GATE-SOCKET LDAPI-URI RULE-DN REPLICA-USER */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/benchmarks/ask.h"
#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/write.h"

#define CHANGES 400

int main(int argc, char **argv)
{
	static double samples[CHANGES];
	struct ck_client client = { .fd = -1, .passed_fd = -1 };
	if (argc != 5) {
		fputs("usage: bench_change GATE-SOCKET LDAPI-URI RULE-DN REPLICA-USER\n", stderr);
		return 2;
	}
	/* asked by root, written by the daemon's identity: two processes would add their own scheduling, so the connection is made first */
	if (bench_ask_account(&client, argv[1], "bench0", "bench") != CK_ANSWER_GRANTED) {
		fputs("bench0 should be granted before anything is changed\n", stderr);
		return 1;
	}
	LDAP *ldap = bench_connect_as(argv[2], argv[4]);
	if (ldap == NULL) {
		fputs("cannot bind as the daemon's identity\n", stderr);
		return 1;
	}
	for (int i = 0; i < CHANGES; i++) {
		int want = i % 2 == 0 ? CK_ANSWER_DENIED : CK_ANSWER_GRANTED, answer = 0;
		LDAPMessage *result = NULL;
		double begin = bench_now_us(), end = 0;
		int id = bench_send_status(ldap, argv[3], i % 2 == 0 ? "suspended" : "active");
		do {
			answer = bench_ask_account(&client, argv[1], "bench0", "bench");
			end = bench_now_us();
		} while (answer != want && end - begin < 5e6);
		samples[i] = (end - begin) / 1000;
		int code = LDAP_OTHER;
		if (answer != want || ldap_result(ldap, id, 1, NULL, &result) <= 0 ||
		    ldap_parse_result(ldap, result, &code, NULL, NULL, NULL, NULL, 1) != LDAP_SUCCESS || code != LDAP_SUCCESS) {
			fprintf(stderr, "change %d was not seen (answer %d)\n", i, answer);
			return 1;
		}
	}
	double p50 = bench_quantile(samples, CHANGES, 0.5), p99 = bench_quantile(samples, CHANGES, 0.99);
	printf("# change: modify sent to a different answer, %d changes: p50 %.2f ms, p99 %.2f ms\n", CHANGES, p50, p99);
	bench_print("change-p99", p99, "ms", 0, 20, 0);
	ldap_unbind_ext_s(ldap, NULL, NULL);
	return 0;
}
