/* Exact look-ups of people by uid and by mail address: through the gate, recorded, as root asks; the same search at slapd; the bare relay. In alternating
   rounds with 1 and 8 clients. usage: bench_lookup GATE-SOCKET LDAPI-URI SUFFIX REPLICA-USER SCRATCH-DIR SEED STAFF */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/clients.h"
#include "tests/benchmarks/draw.h"
#include "tests/data/data.h"

#define QUESTIONS 20000
#define DRAWN 200
#define ROUND_US 400000.0
#define TARGETS 6

enum { FIND_UID, SLAPD_UID, FIND_MAIL, SLAPD_MAIL, RELAY, ECHO };

static const char *uids[QUESTIONS], *mails[QUESTIONS];

static void compare_rates(const char *what, int clients, const double *ours, const double *slapd, double aim)
{
	char name[64];
	snprintf(name, sizeof name, "lookup-%s-recorded-%d-rate", what, clients);
	double a[BENCH_ROUNDS], b[BENCH_ROUNDS];
	memcpy(a, ours, sizeof a);
	memcpy(b, slapd, sizeof b);
	bench_print(name, bench_median(a, BENCH_ROUNDS), "/s", bench_median(b, BENCH_ROUNDS), aim, 1);
}

static void compare(const struct bench_target *targets, int clients, double aim)
{
	static double p50[TARGETS][BENCH_ROUNDS], p99[TARGETS][BENCH_ROUNDS], rate[TARGETS][BENCH_ROUNDS];
	for (size_t round = 0; round < BENCH_ROUNDS; round++) {
		for (size_t t = 0; t < TARGETS; t++) {
			struct bench_load load = bench_clients_run(&targets[t], clients, ROUND_US, round * 2000);
			p50[t][round] = load.p50_us;
			p99[t][round] = load.p99_us;
			rate[t][round] = load.rate;
		}
	}
	for (size_t t = 0; t < TARGETS; t++)
		printf("# lookup, %d client%s: %-16s p50 %.1f us, p99 %.1f us, %.0f/s\n", clients, clients > 1 ? "s" : "", targets[t].name,
		       bench_median(p50[t], BENCH_ROUNDS), bench_median(p99[t], BENCH_ROUNDS), bench_median(rate[t], BENCH_ROUNDS));
	compare_rates("uid", clients, rate[FIND_UID], rate[SLAPD_UID], aim);
	compare_rates("mail", clients, rate[FIND_MAIL], rate[SLAPD_MAIL], aim);
}

int main(int argc, char **argv)
{
	static char relay_path[108], echo_path[108], file[256], echo_file[256], slapd[600];
	uint64_t seed, staff;
	if (argc != 8 || ck_uint_parse(ck_text_of(argv[6]), 0, UINT64_MAX, &seed) != CK_OK ||
	    ck_uint_parse(ck_text_of(argv[7]), CK_DATA_STAFF_LEAST, CK_DATA_STAFF_LIMIT, &staff) != CK_OK) {
		fputs("usage: bench_lookup GATE-SOCKET LDAPI-URI SUFFIX REPLICA-USER SCRATCH-DIR SEED STAFF\n", stderr);
		return 2;
	}
	snprintf(relay_path, sizeof relay_path, "%s/relay.sock", argv[5]);
	snprintf(echo_path, sizeof echo_path, "%s/echo.sock", argv[5]);
	snprintf(file, sizeof file, "%s/relay.log", argv[5]);
	snprintf(echo_file, sizeof echo_file, "%s/echo.log", argv[5]);
	snprintf(slapd, sizeof slapd, "%s %s", argv[2], argv[3]);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int fronts = cores > 4 ? 4 : (int)cores;
	bench_draw_people(seed, DRAWN, staff, QUESTIONS, uids, mails);
	int relay = bench_relay_start(relay_path, file, fronts, BENCH_RELAY), echo = bench_relay_start(echo_path, echo_file, fronts, BENCH_ECHO);
	const struct bench_target targets[TARGETS] = {
		[FIND_UID] = { .name = "gate, uid", .open = bench_find_open, .ask = bench_find_ask, .words = uids, .count = QUESTIONS, .path = argv[1] },
		[SLAPD_UID] = { .name = "slapd, uid", .open = bench_slapd_open, .ask = bench_slapd_ask, .words = uids, .count = QUESTIONS, .path = slapd,
		                .user = argv[4], .form = "uid" },
		[FIND_MAIL] = { .name = "gate, mail", .open = bench_find_open, .ask = bench_find_ask, .words = mails, .count = QUESTIONS, .path = argv[1] },
		[SLAPD_MAIL] = { .name = "slapd, mail", .open = bench_slapd_open, .ask = bench_slapd_ask, .words = mails, .count = QUESTIONS, .path = slapd,
		                 .user = argv[4], .form = "mail" },
		[RELAY] = { .name = "relay", .open = bench_relay_open, .ask = bench_relay_ask, .words = uids, .count = QUESTIONS, .path = relay_path },
		[ECHO] = { .name = "echo", .open = bench_relay_open, .ask = bench_relay_ask, .words = uids, .count = QUESTIONS, .path = echo_path },
	};
	compare(targets, 1, 1.8);
	compare(targets, 8, 1.3);
	puts("# lookup-uid-unrecorded: no row: servers cannot ask for accounts yet (NSS), so that nothing looks people up without a record");
	bench_relay_stop(relay);
	bench_relay_stop(echo);
	return 0;
}
