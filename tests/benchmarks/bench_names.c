/* Whether the time of an answer tells who exists: questions about people that the directory knows and about nobody, and searches for people who are
   unlisted and for nobody, of the same length, strictly in turn. Medians of 10 000 each; the slower over the faster must stay below 1.05.
   usage: bench_names GATE-SOCKET STAFF-COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/protocol/client.h"
#include "authd/protocol/message.h"
#include "directory/base/clock.h"
#include "tests/benchmarks/bench.h"

#define TURNS 10000
#define ANSWER_MS 5000

static struct ck_client client;

/* service NULL: a search for that name, or its account. */
static void ask(enum ck_op op, const char *user, const char *service, double *out_us)
{
	static uint8_t bytes[1024];
	static struct ck_map reply;
	struct ck_frame_out frame;
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, op);
	ck_field_string(&frame.map, CK_F_USER, op != CK_OP_FIND ? user : NULL);
	ck_field_string(&frame.map, CK_F_ACCOUNT, service != NULL ? user : NULL);
	ck_field_string(&frame.map, CK_F_SERVICE, service);
	ck_field_string(&frame.map, CK_F_TTY, service != NULL ? "tty1" : NULL);
	ck_field_string(&frame.map, CK_F_NAME, op == CK_OP_FIND ? user : NULL);
	double begin_us = bench_now_us();
	if (ck_frame_end(&frame, &length) != CK_OK || ck_client_call(&client, bytes, length, &reply, ck_clock_monotonic_ms() + ANSWER_MS) != CK_OK) {
		fprintf(stderr, "no answer about %s\n", user);
		exit(1);
	}
	*out_us = bench_now_us() - begin_us;
}

static void compare(const char *name, enum ck_op op, const char *service, unsigned staff)
{
	static double known_us[TURNS], nobody_us[TURNS];
	for (unsigned i = 0; i < TURNS; i++) {
		char known[32], nobody[32];
		/* a different one each time, and whoever comes first changes */
		if (op == CK_OP_ACCOUNT_ENTRY) {
			unsigned bystanders = staff / BENCH_BYSTANDERS_EVERY, which = (i * 7919) % bystanders;
			(void)snprintf(known, sizeof known, BENCH_BYSTANDER, BENCH_BYSTANDER_FIRST + 2 * which);
			(void)snprintf(nobody, sizeof nobody, BENCH_BYSTANDER, BENCH_BYSTANDER_FIRST + 2 * which + 1); /* among them, too */
		} else if (service != NULL) {
			(void)snprintf(known, sizeof known, "bench%u", (i * 7919) % staff);
			(void)snprintf(nobody, sizeof nobody, "bench%u", staff + (i * 7919) % staff); /* among them in the order of names */
		} else {
			unsigned hidden = (i * 7919) % (staff / BENCH_HIDDEN_EVERY) * BENCH_HIDDEN_EVERY;
			bench_name(hidden, known);
			bench_name(hidden + 1, nobody);
		}
		if (i % 2 == 0) ask(op, known, service, &known_us[i]);
		ask(op, nobody, service, &nobody_us[i]);
		if (i % 2 == 1) ask(op, known, service, &known_us[i]);
	}
	double known = bench_quantile(known_us, TURNS, 0.5), nobody = bench_quantile(nobody_us, TURNS, 0.5);
	printf("# %s: known %.2f us, nobody %.2f us\n", name, known, nobody);
	bench_print(name, known > nobody ? known : nobody, "us", known > nobody ? nobody : known, 1.05, 0);
}

int main(int argc, char **argv)
{
	struct ck_errmsg err;
	if (argc != 3) {
		fputs("usage: bench_names GATE-SOCKET STAFF-COUNT\n", stderr);
		return 2;
	}
	if (ck_client_connect(&client, argv[1], ck_clock_monotonic_ms() + ANSWER_MS, &err) != CK_OK) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	unsigned staff = (unsigned)strtoul(argv[2], NULL, 10);
	compare("names-login-begin", CK_OP_LOGIN_BEGIN, "login", staff);
	compare("names-account-refused", CK_OP_ACCOUNT, "closed", staff);
	compare("names-account-entry", CK_OP_ACCOUNT_ENTRY, NULL, staff); /* whoever has no account here */
	compare("names-find-hidden", CK_OP_FIND, NULL, staff); /* who is unlisted */
	return 0;
}
