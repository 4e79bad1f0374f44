/* Writes a generated directory: crosskeys-data --help. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "directory/base/clock.h"
#include "tests/data/output.h"

static const char usage[] =
	"usage: crosskeys-data [OPTIONS] ldif|plain|csv|queries|store|counts\n"
	"Writes a made-up directory that follows from a seed: the same options give the same bytes.\n"
	"  ldif       complete entries, parents first, as slapadd -q takes them\n"
	"  plain      those who can be found, as a plain directory has people (inetOrgPerson): for benchmarks of other directories\n"
	"  csv        staff lists as a personnel system exports them: one, or with --out DIR a file for each authority\n"
	"  queries    questions with known answers: KIND QUERY UID CKID SHARED AUTHORITY, a tab between them\n"
	"  store      a store, in --out DIR\n"
	"  counts     how many of what there are\n"
	"Options:\n"
	"  --seed N           1\n"
	"  --staff N          20000; from 50 to 2400000\n"
	"  --authorities N    as many as go with so many staff\n"
	"  --now TIME         2027-01-15T08:00:00Z: who has left had left by then\n"
	"  --first-uid-number N   300000\n"
	"  --suffix DN        dc=example,dc=org\n"
	"  --rp-id NAME       keys.example.org\n"
	"  --below            without the suffix and ou=authorities: to be added to a directory that crosskeys init made\n"
	"  --each N           200 questions of each kind\n"
	"  --out DIR\n";

struct arguments {
	struct ck_data_options options;
	const char *suffix, *out;
	unsigned each;
	bool below;
};

static void write_ldif(const struct ck_data *data, const struct arguments *arguments)
{
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	if (!arguments->below) ck_data_ldif_root(stdout, arguments->suffix);
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) ck_data_ldif_entry(stdout, arguments->suffix, record);
	ck_data_cursor_free(&cursor);
}

static void write_plain(const struct ck_data *data, const char *suffix)
{
	static struct ck_data_person person;
	ck_data_ldif_plain_root(stdout, suffix);
	for (uint64_t i = 0; i < ck_data_count(data).staff; i++) {
		ck_data_person_at(data, i, &person);
		if (ck_data_is_findable(data, &person)) ck_data_ldif_plain_person(stdout, suffix, &person);
	}
}

static void write_people(const struct ck_data *data, FILE *to, uint64_t first, uint64_t count)
{
	static struct ck_data_person person;
	ck_data_csv_header(to);
	for (uint64_t i = first; i < first + count; i++) {
		ck_data_person_at(data, i, &person);
		ck_data_csv_row(to, &person);
	}
}

static bool write_csv(const struct ck_data *data, const struct arguments *arguments)
{
	struct ck_data_counts counts = ck_data_count(data);
	if (arguments->out == NULL) {
		write_people(data, stdout, 0, counts.staff);
		return true;
	}
	for (uint64_t i = 0; i < counts.authorities; i++) {
		char path[512];
		const struct ck_data_authority *authority = ck_data_authority_at(data, i);
		int length = snprintf(path, sizeof path, "%s/%s.csv", arguments->out, authority->slug);
		FILE *to = length > 0 && (size_t)length < sizeof path ? fopen(path, "w") : NULL;
		if (to == NULL) {
			fprintf(stderr, "crosskeys-data: %s: %s\n", path, strerror(errno));
			return false;
		}
		write_people(data, to, authority->staff_first, authority->staff);
		if (fclose(to) != 0) return false;
	}
	return true;
}

static bool write_store(const struct ck_data *data, const struct arguments *arguments)
{
	struct ck_errmsg err = {"no --out"};
	if (arguments->out != NULL && ck_data_fill_store(data, arguments->out, &err) == CK_OK) return true;
	fprintf(stderr, "crosskeys-data: %s\n", err.text);
	return false;
}

static void write_counts(const struct ck_data *data)
{
	struct ck_data_counts counts = ck_data_count(data);
	uint64_t of[CK_KIND_LAST + 1] = {0};
	struct ck_data_cursor *cursor = ck_data_cursor_new(data);
	for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) of[record->kind]++;
	ck_data_cursor_free(&cursor);
	for (int kind = CK_KIND_AUTHORITY; kind <= CK_KIND_LAST; kind++)
		if (of[kind] > 0) printf("%s %llu\n", ck_kind_name((enum ck_kind)kind), (unsigned long long)of[kind]);
	printf("largest %llu\nsmallest %llu\n", (unsigned long long)ck_data_authority_at(data, 0)->staff,
	       (unsigned long long)ck_data_authority_at(data, counts.authorities - 1)->staff);
}

static bool write_form(const struct ck_data *data, const char *form, const struct arguments *arguments)
{
	if (strcmp(form, "ldif") == 0)
		write_ldif(data, arguments);
	else if (strcmp(form, "plain") == 0)
		write_plain(data, arguments->suffix);
	else if (strcmp(form, "csv") == 0)
		return write_csv(data, arguments);
	else if (strcmp(form, "queries") == 0)
		ck_data_queries(stdout, data, arguments->each);
	else if (strcmp(form, "store") == 0)
		return write_store(data, arguments);
	else if (strcmp(form, "counts") == 0)
		write_counts(data);
	else
		return false;
	return true;
}

static bool read_number(uint64_t *out, uint64_t most) { return ck_uint_parse(ck_text_of(optarg), 0, most, out) == CK_OK; }

static bool read_options(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'}, {"staff", required_argument, NULL, 'n'}, {"authorities", required_argument, NULL, 'a'},
		{"now", required_argument, NULL, 't'}, {"first-uid-number", required_argument, NULL, 'u'}, {"suffix", required_argument, NULL, 'x'},
		{"rp-id", required_argument, NULL, 'r'}, {"below", no_argument, NULL, 'b'}, {"each", required_argument, NULL, 'e'},
		{"out", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	uint64_t each = a->each;
	bool well = true;
	for (int c; well && (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 's': well = read_number(&a->options.seed, UINT64_MAX); break;
		case 'n': well = read_number(&a->options.staff, CK_DATA_STAFF_LIMIT); break;
		case 'a': well = read_number(&a->options.authorities, CK_DATA_AUTHORITIES_LIMIT); break;
		case 't': well = ck_time_parse(ck_text_of(optarg), 0, &a->options.now_s) == CK_OK; break;
		case 'u': well = read_number(&a->options.uid_number_first, CK_UID_NUMBER_LAST); break;
		case 'x': a->suffix = optarg; break;
		case 'r': a->options.rp_id = optarg; break;
		case 'b': a->below = true; break;
		case 'e': well = read_number(&each, 10000); break;
		case 'o': a->out = optarg; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: well = false;
		}
	}
	a->each = (unsigned)each;
	return well && optind == argc - 1;
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.options = {.seed = 1, .staff = 20000}, .suffix = "dc=example,dc=org", .each = 200};
	struct ck_errmsg err;
	if (!read_options(argc, argv, &arguments)) {
		fputs(usage, stderr);
		return 2;
	}
	if (ck_data_check(&arguments.options, &err) != CK_OK) {
		fprintf(stderr, "crosskeys-data: %s\n", err.text);
		return 2;
	}
	struct ck_data *data = ck_data_new(&arguments.options);
	bool done = write_form(data, argv[argc - 1], &arguments);
	ck_data_free(&data);
	if (fflush(stdout) != 0 || ferror(stdout)) done = false;
	return done ? 0 : 1;
}
