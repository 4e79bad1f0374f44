/* Whom benchmarks ask for. */
#ifndef CK_BENCH_DRAW_H
#define CK_BENCH_DRAW_H

#include <stddef.h>
#include <stdint.h>

struct bench_drawn {
	size_t count;
	uint64_t authorities; /* the largest ones; 0: all of them */
	const char **uids;
	const char **mails, **numbers; /* uid numbers; NULL: not wanted */
};
/* People of the generated directory who may be found today, by seed and purpose: each benchmark has its own. */
void bench_draw_people(uint64_t seed, uint64_t purpose, uint64_t staff, const struct bench_drawn *out);

#endif
