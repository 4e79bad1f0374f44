/* Finding people by words that very many of them have, whom a search must not go through one by one: each of the words below alone, each two and each
   three of them together, and the second page of each; for nobody in particular and for the staff of the largest authority.
   usage: bench_common STORE-DIRECTORY [WORDS…] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/store/people.h"
#include "tests/benchmarks/bench.h"

/* The commonest names, beginnings, jobs and departments of what is generated, and words of most authorities' names. */
static const char *const common[] = { "smith", "jones", "david", "sarah", "john", "patel", "j", "s", "m", "jo", "smi", "da", "wil", "mar",
	                                  "officer", "manager", "housing", "social", "senior", "assistant", "council", "borough", "north", "of" };
#define COMMON (sizeof common / sizeof *common)
#define SAMPLES_LIMIT 40000
#define TEXT_BYTES 128
#define ROUNDS 3 /* each question so often: the quickest counts, since the machine is shared */

static struct ck_store *store;
static struct ck_id owns[2];
static double samples[SAMPLES_LIMIT];
static size_t count, cut;
static double worst;
static char worst_text[TEXT_BYTES];

static double ask(struct ck_view *view, struct ck_people_query *query, struct ck_people_page *page)
{
	double best = 0;
	for (int round = 0; round < ROUNDS; round++) {
		double begin = bench_now_us();
		if (ck_people_search(view, query, page) != CK_OK) {
			fprintf(stderr, "bench_common: cannot answer \"%s\"\n", query->words.at);
			exit(1);
		}
		double took = bench_now_us() - begin;
		if (round == 0 || took < best) best = took;
	}
	return best;
}

static void note(double took, const struct ck_people_page *page, const char *text, bool loud)
{
	if (count < SAMPLES_LIMIT) samples[count++] = took;
	cut += page->cut;
	if (loud) printf("# \"%s\": %.1f us, %zu people%s%s\n", text, took, page->count, page->more ? ", more" : "", page->cut ? ", cut" : "");
	if (took <= worst) return;
	worst = took;
	snprintf(worst_text, sizeof worst_text, "%s", text);
}

static void ask_text(const char *text, bool loud)
{
	static struct ck_people_page page, second;
	struct ck_view *view;
	if (ck_view_begin(store, &view) != CK_OK) exit(1);
	for (size_t own = 0; own < 2; own++) {
		struct ck_people_query query = { .words = ck_text_of(text), .own = owns[own] };
		note(ask(view, &query, &page), &page, text, loud);
		if (!page.more) continue;
		query.cursor = (struct ck_bytes){ page.cursor, sizeof page.cursor };
		note(ask(view, &query, &second), &second, text, loud);
	}
	ck_view_end(&view);
}

static void ask_all(void)
{
	char text[TEXT_BYTES];
	for (size_t i = 0; i < COMMON; i++) {
		ask_text(common[i], false);
		for (size_t j = i + 1; j < COMMON; j++) {
			snprintf(text, sizeof text, "%s %s", common[i], common[j]);
			ask_text(text, false);
			for (size_t k = j + 1; k < COMMON; k++) {
				snprintf(text, sizeof text, "%s %s %s", common[i], common[j], common[k]);
				ask_text(text, false);
			}
		}
	}
}

/* Of somebody's authority who has a common name: most likely a large one. */
static void find_own(void)
{
	static struct ck_people_page page;
	static struct ck_record record;
	struct ck_view *view;
	const struct ck_people_query query = { .words = ck_text_of("smith") };
	if (ck_view_begin(store, &view) != CK_OK || ck_people_search(view, &query, &page) != CK_OK || page.count == 0 ||
	    ck_view_get(view, CK_KIND_STAFF, page.staff[0], &record) != CK_OK)
		exit(1);
	owns[1] = record.authority;
	ck_view_end(&view);
}

int main(int argc, char **argv)
{
	struct ck_errmsg err = { "" };
	if (argc < 2 || ck_store_open(argv[1], &store, &err) != CK_OK) {
		fprintf(stderr, "usage: bench_common STORE-DIRECTORY [WORDS…] %s\n", err.text);
		return 2;
	}
	find_own();
	for (int i = 2; i < argc; i++) ask_text(argv[i], true);
	if (argc == 2) ask_all();
	double p50 = bench_quantile(samples, count, 0.5), p99 = bench_quantile(samples, count, 0.99);
	printf("# search common words: %zu questions, p50 %.1f us, p99 %.1f us, slowest %.1f us (\"%s\"), %zu cut\n", count, p50, p99, worst, worst_text, cut);
	if (argc == 2) bench_print("search-common-p99", p99, "us", 0, 500, 0);
	ck_store_close(&store);
	return 0;
}
