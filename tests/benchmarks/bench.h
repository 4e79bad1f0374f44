/* What the benchmarks share: medians over alternating rounds, and the one-line result. */
#ifndef CK_BENCH_H
#define CK_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS 7

double bench_median(double *values, size_t count);
/* The value below which `share` (0.5, 0.99) of the samples lie; sorts them. */
double bench_quantile(double *samples, size_t count, double share);
double bench_now_us(void);
/* `bench NAME OURS UNIT REFERENCE RATIO AIM ok|short`. at_least: the ratio must reach the aim, else stay below it. reference 0: no ratio,
   and the aim is held against ours. */
void bench_print(const char *name, double ours, const char *unit, double reference, double aim, int at_least);

/* Of bench_data's people, so many as one in BENCH_BYSTANDERS_EVERY of the others hold no role: BENCH_BYSTANDER with each second number from
   BENCH_BYSTANDER_FIRST, so that nobody's names stand between theirs. */
#define BENCH_BYSTANDERS_EVERY 10
#define BENCH_BYSTANDER "bystander%u"
#define BENCH_BYSTANDER_FIRST 10000u /* all of one length */
/* A surname that no other number has, of one length; of bench_data's people every BENCH_HIDDEN_EVERY-th has one, and is unlisted. */
#define BENCH_HIDDEN_EVERY 10
#define BENCH_NAME_BYTES 32
void bench_name(unsigned number, char out[BENCH_NAME_BYTES]);

/* The bare relay: client → front process → back process that appends 200 bytes to a file (one write a batch) → back. `fronts` front
   processes share the listening socket, as gates do. mode "echo": the front answers at once. Returns the process group's leader, which
   dies with the caller. */
enum bench_relay_mode { BENCH_RELAY, BENCH_ECHO };
int bench_relay_start(const char *socket_path, const char *file_path, int fronts, enum bench_relay_mode mode);
void bench_relay_stop(int pid);

#endif
