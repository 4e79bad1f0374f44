/* Finding people: questions with known answers (crosskeys-data queries). All are asked of one peer, then of the next, as of a service in use; and once each
   of every peer in turn, who take the processor's caches from each other. That is said in a remark.
   usage: bench_search STAFF SEED QUERIES STORE SLAPD SQLITE POSTGRESQL; "" where a peer is not there */
#include <stdlib.h>
#include <string.h>

#include "tests/benchmarks/bench.h"
#include "tests/benchmarks/search.h"

#define QUESTIONS_LIMIT 10000
#define PEERS 4
#define ROUNDS 3 /* each question so often; the first round warms every peer and is not counted */
#define ROUND_IN_TURN ROUNDS

const char *const search_kind_names[SEARCH_KINDS] = { "exact", "prefix", "two-words", "misspelt", "accent-free" };
static const struct search_peer *const peers[PEERS] = { &search_ours, &search_slapd, &search_sqlite, &search_postgresql };
enum { OURS, SLAPD, SQLITE, POSTGRESQL };

static struct search_question questions[QUESTIONS_LIMIT];
static size_t question_count;

static struct result {
	double samples[QUESTIONS_LIMIT * ROUNDS], in_turn[QUESTIONS_LIMIT];
	size_t count, in_turn_count, asked, found, first; /* of the last round: found among the best, and as the very best */
} results[PEERS];

void search_add(struct search_found *found, const char *uid)
{
	if (found->count < SEARCH_FOUND_LIMIT) snprintf(found->uids[found->count++], sizeof found->uids[0], "%s", uid);
}

static bool read_question(const char *line, struct search_question *out)
{
	char kind[32], id[64], place[64];
	unsigned shared;
	memset(out, 0, sizeof *out);
	if (sscanf(line, "%31[^\t]\t%255[^\t]\t%39[^\t]\t%63[^\t]\t%u\t%63s", kind, out->text, out->uid, id, &shared, place) != 6) return false;
	int at = -1;
	for (int i = 0; i < SEARCH_KINDS; i++)
		if (strcmp(kind, search_kind_names[i]) == 0) at = i;
	if (at < 0) return false;
	out->kind = (enum search_kind)at;
	memcpy(out->name, out->text, sizeof out->name);
	if (strcmp(place, "-") != 0) {
		memcpy(out->place, place, sizeof out->place);
		out->name[strlen(out->name) - strlen(place) - 1] = '\0';
	}
	size_t length = strlen(out->name), first = strcspn(out->name, " ");
	if (first >= sizeof out->first || length - first >= sizeof out->rest) return false;
	memcpy(out->first, out->name, first);
	if (first < length) memcpy(out->rest, out->name + first + 1, length - first - 1);
	return true;
}

static bool read_questions(const char *path)
{
	char line[1024];
	FILE *from = fopen(path, "r");
	while (from != NULL && question_count < QUESTIONS_LIMIT && fgets(line, sizeof line, from) != NULL) {
		if (!read_question(line, &questions[question_count])) {
			fprintf(stderr, "bench_search: no question: %s", line);
			return false;
		}
		question_count++;
	}
	if (from != NULL) fclose(from);
	return question_count > 0;
}

static void ask(size_t peer, const struct search_question *q, size_t round)
{
	static struct search_found found;
	struct result *result = &results[peer];
	found.count = 0;
	double begin = bench_now_us();
	if (!peers[peer]->ask(q, &found)) {
		fprintf(stderr, "%s: cannot answer \"%s\"\n", peers[peer]->name, q->text);
		exit(1);
	}
	double took = bench_now_us() - begin;
	if (round == ROUND_IN_TURN) result->in_turn[result->in_turn_count++] = took;
	else if (round > 0) result->samples[result->count++] = took;
	if (round + 1 != ROUNDS) return;
	result->asked++;
	size_t at = 0;
	while (at < found.count && strcmp(found.uids[at], q->uid) != 0) at++;
	result->found += at < found.count;
	result->first += at == 0 && found.count > 0;
	if (at == found.count && peer == OURS) printf("# search %s: not among 20: \"%s\" for %s\n", search_kind_names[q->kind], q->text, q->uid);
}

static double percent(const struct result *result) { return result->asked == 0 ? 0 : 100.0 * (double)result->found / (double)result->asked; }

static void print_row(const char *kind, const char *what, double ours, const char *unit, double reference, double aim, int at_least)
{
	char name[64];
	snprintf(name, sizeof name, "search-%s-%s", kind, what);
	bench_print(name, ours, unit, reference, aim, at_least);
}

static void report(enum search_kind kind, const bool *open)
{
	double p50[PEERS] = { 0 }, p99[PEERS] = { 0 };
	const char *name = search_kind_names[kind];
	for (size_t peer = 0; peer < PEERS; peer++) {
		if (!open[peer]) continue;
		struct result *r = &results[peer];
		p50[peer] = bench_quantile(r->samples, r->count, 0.5);
		p99[peer] = bench_quantile(r->samples, r->count, 0.99);
		printf("# search %s: %-15s p50 %.1f us, p99 %.1f us, found among 20 %.1f %%, first %.1f %% of %zu; in turn with the others p50 %.1f us\n", name,
		       peers[peer]->name, p50[peer], p99[peer], percent(r), r->asked == 0 ? 0 : 100.0 * (double)r->first / (double)r->asked, r->asked,
		       bench_quantile(r->in_turn, r->in_turn_count, 0.5));
	}
	if (!open[OURS]) return;
	print_row(name, "p50", p50[OURS], "us", 0, 60, 0);
	print_row(name, "p99", p99[OURS], "us", 0, kind == SEARCH_MISSPELT ? 1000 : 500, 0);
	print_row(name, "found", percent(&results[OURS]), "%", 0, kind == SEARCH_MISSPELT ? 98 : 100, 1);
	if (kind == SEARCH_PREFIX && open[SLAPD]) print_row(name, "slapd", p50[OURS], "us", p50[SLAPD], 0.2, 0);
	if (kind == SEARCH_MISSPELT && open[POSTGRESQL]) print_row(name, "trgm", p50[OURS], "us", p50[POSTGRESQL], 0.02, 0);
}

static void measure(enum search_kind kind, const bool *open)
{
	memset(results, 0, sizeof results);
	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t peer = 0; peer < PEERS; peer++)
			for (size_t i = 0; open[(peer + round) % PEERS] && i < question_count; i++) /* whoever comes first changes */
				if (questions[i].kind == kind) ask((peer + round) % PEERS, &questions[i], round);
	for (size_t i = 0; i < question_count; i++)
		for (size_t peer = 0; questions[i].kind == kind && peer < PEERS; peer++)
			if (open[(peer + i) % PEERS]) ask((peer + i) % PEERS, &questions[i], ROUND_IN_TURN);
	report(kind, open);
}

int main(int argc, char **argv)
{
	uint64_t seed, staff;
	bool open[PEERS];
	if (argc != 8 || ck_uint_parse(ck_text_of(argv[2]), 0, UINT64_MAX, &seed) != CK_OK ||
	    ck_uint_parse(ck_text_of(argv[1]), CK_DATA_STAFF_LEAST, CK_DATA_STAFF_LIMIT, &staff) != CK_OK || !read_questions(argv[3])) {
		fputs("usage: bench_search STAFF SEED QUERIES STORE SLAPD SQLITE POSTGRESQL\n", stderr);
		return 2;
	}
	struct ck_data *data = ck_data_new(&(struct ck_data_options){ .seed = seed, .staff = staff });
	for (size_t peer = 0; peer < PEERS; peer++) {
		double begin = bench_now_us();
		open[peer] = peers[peer]->open(data, argv[4 + peer]);
		if (open[peer]) printf("# search: %s ready after %.1f s\n", peers[peer]->name, (bench_now_us() - begin) / 1e6);
		fflush(stdout);
	}
	for (int kind = 0; kind < SEARCH_KINDS; kind++) measure((enum search_kind)kind, open);
	for (size_t peer = 0; peer < PEERS; peer++)
		if (open[peer]) peers[peer]->close();
	ck_data_free(&data);
	return 0;
}
