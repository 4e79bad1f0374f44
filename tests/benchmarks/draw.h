/* Whom benchmarks ask for. */
#ifndef CK_BENCH_DRAW_H
#define CK_BENCH_DRAW_H

#include <stddef.h>
#include <stdint.h>

/* People all over the generated directory who may be found today, by seed and purpose: each benchmark has its own. mails: NULL, or as many. */
void bench_draw_people(uint64_t seed, uint64_t purpose, uint64_t staff, size_t count, const char **uids, const char **mails);

#endif
