/* Medians, clocks, the result line. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/benchmarks/bench.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_quantile(double *samples, size_t count, double share)
{
	if (count == 0) return 0;
	qsort(samples, count, sizeof *samples, compare);
	return samples[(size_t)((double)(count - 1) * share)];
}

double bench_median(double *values, size_t count) { return bench_quantile(values, count, 0.5); }

double bench_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void bench_print(const char *name, double ours, const char *unit, double reference, double aim, int at_least)
{
	double held = reference > 0 ? ours / reference : ours;
	int reached = at_least ? held >= aim : held <= aim;
	printf("bench %s %.2f %s ", name, ours, unit);
	if (reference > 0)
		printf("%.2f %.2f ", reference, held);
	else
		printf("- - ");
	printf("%s%g %s\n", at_least ? ">=" : "<=", aim, reached ? "ok" : "short");
	fflush(stdout);
}

void bench_name(unsigned number, char out[BENCH_NAME_BYTES])
{
	(void)snprintf(out, BENCH_NAME_BYTES, "Qu%c%c%c%c%c", 'a' + number / 456976 % 26, 'a' + number / 17576 % 26, 'a' + number / 676 % 26,
	               'a' + number / 26 % 26, 'a' + number % 26);
}
