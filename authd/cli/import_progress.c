/* Progress: one line that is written over on a terminal, a line every ten seconds elsewhere. */
#include <unistd.h>

#include "authd/cli/import.h"
#include "directory/base/clock.h"

#define TERMINAL_EVERY_MS 200
#define LINES_EVERY_MS 10000

void ck_progress_begin(struct ck_progress *progress, const char *what, uint64_t total)
{
	int64_t now_ms = ck_clock_monotonic_ms();
	*progress = (struct ck_progress){ .what = what, .total = total, .begun_ms = now_ms, .told_ms = now_ms, .terminal = isatty(STDERR_FILENO) == 1 };
}

static void print(const struct ck_progress *progress, uint64_t done, int64_t now_ms)
{
	int64_t spent_ms = now_ms - progress->begun_ms;
	uint64_t rate = spent_ms > 0 ? done * 1000 / (uint64_t)spent_ms : 0;
	fprintf(stderr, "%s%s: %llu", progress->terminal ? "\r\033[K" : "", progress->what, (unsigned long long)done);
	if (progress->total > 0) fprintf(stderr, " of %llu (%llu %%)", (unsigned long long)progress->total, (unsigned long long)(done * 100 / progress->total));
	fprintf(stderr, ", %llu/s", (unsigned long long)rate);
	if (progress->total > done && rate > 0) {
		uint64_t left_s = (progress->total - done) / rate;
		fprintf(stderr, ", %llu:%02llu left", (unsigned long long)(left_s / 60), (unsigned long long)(left_s % 60));
	}
	if (!progress->terminal) fputc('\n', stderr);
}

void ck_progress_show(struct ck_progress *progress, uint64_t done)
{
	int64_t now_ms = ck_clock_monotonic_ms();
	if (now_ms - progress->told_ms < (progress->terminal ? TERMINAL_EVERY_MS : LINES_EVERY_MS)) return;
	progress->told_ms = now_ms;
	print(progress, done, now_ms);
}

void ck_progress_end(struct ck_progress *progress, uint64_t done)
{
	if (!progress->terminal || progress->told_ms == progress->begun_ms) return; /* nothing was said of it, and nothing need be */
	print(progress, done, ck_clock_monotonic_ms());
	fputc('\n', stderr);
}
