/* Exact look-ups through the gate, beside the same search at slapd, in alternating rounds with 1 and 8 clients. Of people by uid and by mail address, recorded,
   as root asks. Of accounts by uid and by number, unrecorded, as a name service asks, which never asks for a mail address. And the bare relay of either
   shape: with a second process that appends a record, and without (echo). usage: bench_lookup GATE-SOCKET LDAPI-URI SUFFIX REPLICA-USER SCRATCH-DIR SEED STAFF */
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
#define TARGETS 10

enum { FIND_UID, SLAPD_UID, FIND_MAIL, SLAPD_MAIL, RELAY, ENTRY_UID, SLAPD_ENTRY_UID, ENTRY_NUMBER, SLAPD_ENTRY_NUMBER, ECHO };

static const char *uids[QUESTIONS], *mails[QUESTIONS], *numbers[QUESTIONS];

/* Two of the targets: how much faster the first is. */
struct pair {
	const char *row;
	int ours, slapd;
	double aims[2]; /* with 1 client, with 8 */
};

static void compare(const struct bench_target *targets, int clients)
{
	static const struct pair pairs[] = {
		{ "uid-recorded", FIND_UID, SLAPD_UID, { 1.8, 1.3 } },
		{ "mail-recorded", FIND_MAIL, SLAPD_MAIL, { 1.8, 1.3 } },
		{ "uid-unrecorded", ENTRY_UID, SLAPD_ENTRY_UID, { 3, 2.5 } },
		{ "number-unrecorded", ENTRY_NUMBER, SLAPD_ENTRY_NUMBER, { 3, 2.5 } },
	};
	static double p50[TARGETS][BENCH_ROUNDS], p99[TARGETS][BENCH_ROUNDS], rate[TARGETS][BENCH_ROUNDS];
	for (size_t round = 0; round < BENCH_ROUNDS; round++) {
		for (size_t t = 0; t < TARGETS; t++) {
			struct bench_load load = bench_clients_run(&targets[t], clients, ROUND_US, round * 2000);
			p50[t][round] = load.p50_us;
			p99[t][round] = load.p99_us;
			rate[t][round] = load.rate;
		}
	}
	double rates[TARGETS];
	for (size_t t = 0; t < TARGETS; t++) {
		rates[t] = bench_median(rate[t], BENCH_ROUNDS);
		printf("# lookup, %d client%s: %-22s p50 %.1f us, p99 %.1f us, %.0f/s\n", clients, clients > 1 ? "s" : "", targets[t].name,
		       bench_median(p50[t], BENCH_ROUNDS), bench_median(p99[t], BENCH_ROUNDS), rates[t]);
	}
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char name[64];
		snprintf(name, sizeof name, "lookup-%s-%d-rate", pairs[i].row, clients);
		bench_print(name, rates[pairs[i].ours], "/s", rates[pairs[i].slapd], pairs[i].aims[clients > 1], 1);
	}
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
	/* full.sh lets the largest authorities in, as many as a rule can name */
	bench_draw_people(seed, DRAWN, staff, &(struct bench_drawn){ .count = QUESTIONS, .authorities = CK_LIST_LIMIT, .uids = uids, .mails = mails, .numbers = numbers });
	int relay = bench_relay_start(relay_path, file, fronts, BENCH_RELAY), echo = bench_relay_start(echo_path, echo_file, fronts, BENCH_ECHO);
	/* what nslcd asks for, and no more: whole entries take slapd longer */
	static char *wanted[] = { "uid", "uidNumber", "gidNumber", "homeDirectory", "loginShell", NULL };
	struct bench_target targets[TARGETS] = {
		[FIND_UID] = { .name = "gate, uid", .open = bench_find_open, .ask = bench_find_ask, .words = uids },
		[SLAPD_UID] = { .name = "slapd, uid", .form = "uid", .words = uids },
		[FIND_MAIL] = { .name = "gate, mail", .open = bench_find_open, .ask = bench_find_ask, .words = mails },
		[SLAPD_MAIL] = { .name = "slapd, mail", .form = "mail", .words = mails },
		[RELAY] = { .name = "relay", .open = bench_relay_open, .ask = bench_relay_ask, .words = uids, .path = relay_path },
		[ENTRY_UID] = { .name = "gate, account of uid", .open = bench_find_open, .ask = bench_account_ask, .form = "uid", .words = uids },
		[SLAPD_ENTRY_UID] = { .name = "slapd, account of uid", .form = "uid", .words = uids, .attributes = wanted },
		[ENTRY_NUMBER] = { .name = "gate, of number", .open = bench_find_open, .ask = bench_account_ask, .form = "uidNumber", .words = numbers },
		[SLAPD_ENTRY_NUMBER] = { .name = "slapd, of number", .form = "uidNumber", .words = numbers, .attributes = wanted },
		[ECHO] = { .name = "echo", .open = bench_relay_open, .ask = bench_relay_ask, .words = uids, .path = echo_path },
	};
	for (size_t t = 0; t < TARGETS; t++) {
		targets[t].count = QUESTIONS;
		if (targets[t].open == bench_find_open) targets[t].path = argv[1];
		if (targets[t].open != NULL) continue;
		targets[t].open = bench_slapd_open;
		targets[t].ask = bench_slapd_ask;
		targets[t].path = slapd;
		targets[t].user = argv[4];
	}
	compare(targets, 1);
	compare(targets, 8);
	puts("# lookup-mail-unrecorded: no row: a name service asks for names and numbers, never for a mail address; that is for people, who are recorded");
	bench_relay_stop(relay);
	bench_relay_stop(echo);
	return 0;
}
