/* Clients that ask as fast as they are answered, each a process of its own, over targets that are compared. */
#ifndef CK_BENCH_CLIENTS_H
#define CK_BENCH_CLIENTS_H

#include <stddef.h>

#define BENCH_CLIENTS_LIMIT 8

/* What is asked. open: in the client's process; NULL: it cannot. ask: whether the answer was the one that is expected. */
struct bench_target {
	const char *name;
	void *(*open)(const struct bench_target *target);
	int (*ask)(void *connection, const struct bench_target *target, size_t question);
	const char *const *words; /* the questions */
	size_t count;
	const char *path; /* a socket's path or a URI */
	const char *user; /* as whom to ask; NULL: as we are */
	const char *form; /* what the words are: an attribute's name */
	char **attributes; /* of slapd: what is wanted; NULL: all */
};
struct bench_load {
	double p50_us, p99_us, rate; /* of all clients together, a second */
};
/* One round. A wrong answer, or none, ends the program. first: the question to begin with, so that rounds differ. */
struct bench_load bench_clients_run(const struct bench_target *target, int clients, double round_us, size_t first);

/* ---- kinds of targets ---- */
/* find at the gate; the answer must hold the word. */
void *bench_find_open(const struct bench_target *target);
int bench_find_ask(void *connection, const struct bench_target *target, size_t question);
/* The account of a name (form "uid") or of a number at the gate. */
int bench_account_ask(void *connection, const struct bench_target *target, size_t question);
/* A search at slapd below path's "URI SUFFIX", by the filter that `form` makes of the word; one entry must come. */
void *bench_slapd_open(const struct bench_target *target);
int bench_slapd_ask(void *connection, const struct bench_target *target, size_t question);
/* The bare relay. */
void *bench_relay_open(const struct bench_target *target);
int bench_relay_ask(void *connection, const struct bench_target *target, size_t question);

#endif
