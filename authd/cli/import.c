/* `crosskeys import`: reads, compares, shows, asks, has it touched, sends. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/import.h"
#include "authd/cli/plan.h"

#define SUSPEND_LIMIT_PERCENT 5 /* of an authority's active staff: more than leave in a year's worst month */

static const struct ck_option options[] = {
	{ "map", CK_OPTION_ONE, "FILE", "which column is what (crosskeys-import(5)); default: columns named as `crosskeys export` names them" },
	{ "authority", CK_OPTION_ONE, "NAME", "whose staff the file lists (default: the home authority of --as)" },
	{ "format", CK_OPTION_ONE, "FORMAT", "csv or ldif (default: by the file's name)" },
	{ "dry-run", CK_OPTION_FLAG, NULL, "say what would be added, changed, suspended and refused, and do nothing" },
	{ "suspend-limit", CK_OPTION_ONE, "PERCENT", "stop and ask when more of the active staff would be suspended (default 5)" },
	{ "allow-suspending", CK_OPTION_ONE, "N", "suspend up to N people without asking" },
	{ "reinstate", CK_OPTION_FLAG, NULL, "make suspended people active whom the file lists as active" },
	{ "reject", CK_OPTION_ONE, "FILE", "where rows that are not taken go, with line and reason (default FILE.rejected)" },
	{ "state", CK_OPTION_ONE, "FILE", "what is kept until the import is done, to go on with it (default FILE.plan)" },
	{ "resume", CK_OPTION_FLAG, NULL, "go on with an import that was left unfinished; no second touch" },
	{ "offline", CK_OPTION_ONE, "DIR", "root: first load of the instance in DIR, whose daemon is stopped and in which nobody has a key yet" },
	{ NULL, CK_OPTION_FLAG, NULL, NULL },
};
static const struct ck_command_help help = {
	.name = "import", .words = "FILE…",
	.what = "Adds, changes and suspends the staff of an authority as a CSV or LDIF file lists them; people are known by their staff number.\n"
	        "Shows the plan and has it ordered by one touch. Who is missing from the file is suspended, never deleted.",
	.words_min = 1, .words_max = 16, .options = options,
};

struct import {
	struct ck_cli *cli;
	const char *file, *state_path, *rejects_path;
	enum ck_rows_format format;
	struct ck_mapping mapping;
	uint64_t suspend_percent, allow_suspending;
	bool dry_run, reinstate, resume, allowed_given;
	const char *authority;
	struct ck_import_home home;
	struct ck_compare compare;
	json_t *listed; /* of --json --dry-run */
};

/* ---- what is shown ---- */

static const char *shown(const struct ck_person *person, enum ck_import_field field) { return ck_cli_safe(person->value[field]); }

static bool differs(const struct ck_person *wanted, const struct ck_existing *before, int field)
{
	return wanted->given[field] && ck_import_row_of((enum ck_import_field)field)->attribute != NULL &&
	       !ck_text_equal(wanted->value[field], before->person.value[field]) && wanted->value[field].length + before->person.value[field].length > 0;
}

static void list_json(struct import *import, const char *action, const struct ck_person *wanted, const struct ck_existing *before, const char *why)
{
	json_t *item = json_object();
	json_object_set_new(item, "action", json_string(action));
	if (wanted->line > 0) json_object_set_new(item, "line", json_integer((json_int_t)wanted->line));
	json_object_set_new(item, "number", json_string(shown(wanted, CK_IMPORT_NUMBER)));
	if (wanted->value[CK_IMPORT_UID].length > 0) json_object_set_new(item, "uid", json_string(shown(wanted, CK_IMPORT_UID)));
	if (why != NULL) json_object_set_new(item, "reason", json_string(ck_cli_safe(ck_text_of(why))));
	if (before != NULL) {
		json_t *fields = json_object();
		for (int i = 0; i < CK_IMPORT_FIELDS; i++)
			if (differs(wanted, before, i))
				json_object_set_new(fields, ck_import_row_of((enum ck_import_field)i)->name, json_string(shown(wanted, (enum ck_import_field)i)));
		json_object_set_new(item, "fields", fields);
	}
	json_array_append_new(import->listed, item);
}

static void list_line(const char *action, const struct ck_person *wanted, const struct ck_existing *before, const char *why)
{
	if (strcmp(action, "reject") == 0) {
		printf("reject     line %llu: %s\n", (unsigned long long)wanted->line, ck_cli_safe(ck_text_of(why)));
		return;
	}
	printf("%-10s %-16s %-12s %s", action, shown(wanted, CK_IMPORT_UID), shown(wanted, CK_IMPORT_NUMBER), shown(wanted, CK_IMPORT_NAME));
	if (why != NULL) printf(" (%s)", why);
	for (int i = 0; before != NULL && i < CK_IMPORT_FIELDS; i++)
		if (differs(wanted, before, i))
			printf("\n%11s%s: %s -> %s", "", ck_import_row_of((enum ck_import_field)i)->name, shown(&before->person, (enum ck_import_field)i),
			       shown(wanted, (enum ck_import_field)i));
	putchar('\n');
}

/* All of it when it is only tried; else who loses something, and what is wrong. */
static void each(const char *action, const struct ck_person *wanted, const struct ck_existing *before, const char *why, void *context)
{
	struct import *import = context;
	if (import->listed != NULL) list_json(import, action, wanted, before, why);
	else if (import->dry_run) list_line(action, wanted, before, why);
}

static void print_counts(const struct import *import)
{
	const struct ck_import_counts *c = &import->compare.counts;
	FILE *to = import->dry_run ? stdout : stderr;
	fprintf(to, "%s: %llu rows for %s: %llu to add, %llu to change, %llu to suspend, %llu to reinstate, %llu as they are, %llu rejected.\n", import->file,
	        (unsigned long long)c->rows, ck_cli_safe(ck_text_of(import->home.name)), (unsigned long long)c->added, (unsigned long long)c->changed,
	        (unsigned long long)c->suspended, (unsigned long long)c->reinstated, (unsigned long long)c->unchanged, (unsigned long long)c->rejected);
	if (c->kept_suspended > 0)
		fprintf(to, "%llu suspended people are listed as active and stay suspended; --reinstate makes them active.\n", (unsigned long long)c->kept_suspended);
	if (c->missing_kept > 0 && c->unreadable > 0)
		fprintf(to, "%llu rows do not say whose they are: so nobody is suspended for being missing (%llu are). Correct them and import again.\n",
		        (unsigned long long)c->unreadable, (unsigned long long)c->missing_kept);
	else if (c->missing_kept > 0)
		fprintf(to, "%llu active people are missing from the file and stay active.\n", (unsigned long long)c->missing_kept);
	if (c->unasked > 0)
		fprintf(to, "%llu new mail addresses were not looked up in other authorities: that is for the daemon when they are written.\n",
		        (unsigned long long)c->unasked);
	if (c->self_missing) fputs("You yourself are not active by this file: that is left as it is.\n", to);
}

static json_t *counts_json(const struct ck_import_counts *c)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "rows", (json_int_t)c->rows, "add", (json_int_t)c->added, "change", (json_int_t)c->changed,
	                 "suspend", (json_int_t)c->suspended, "reinstate", (json_int_t)c->reinstated, "unchanged", (json_int_t)c->unchanged, "rejected",
	                 (json_int_t)c->rejected, "kept_suspended", (json_int_t)c->kept_suspended, "missing_kept", (json_int_t)c->missing_kept);
}

static void print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(value);
}

/* ---- questions ---- */

static bool answered_yes(const char *question)
{
	char answer[16];
	fputs(question, stderr);
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

/* Starts refused. --yes spares the ordinary question, not this one. */
static bool may_suspend(const struct import *import)
{
	const struct ck_import_counts *c = &import->compare.counts;
	if (c->suspended * 100 <= import->suspend_percent * c->active) return true;
	if (import->allowed_given && c->suspended <= import->allow_suspending) return true;
	fprintf(stderr, "This would suspend %llu of %llu active people, more than %llu %%.\n", (unsigned long long)c->suspended, (unsigned long long)c->active,
	        (unsigned long long)import->suspend_percent);
	if (isatty(STDIN_FILENO) && !import->allowed_given) return answered_yes("Is that meant? [y/N] ");
	fprintf(stderr, "Nothing was changed. If it is meant: --allow-suspending %llu\n", (unsigned long long)c->suspended);
	return false;
}

static bool confirmed(const struct import *import)
{
	return import->cli->yes || !isatty(STDIN_FILENO) || answered_yes("Go on? [y/N] ");
}

/* ---- the run ---- */

static int finish(const struct import *import, struct ck_rejects **rejects, const struct ck_import_sent *sent)
{
	struct ck_errmsg err = { "" };
	uint64_t bad = ck_rejects_count(*rejects);
	enum ck_error error = ck_rejects_close(rejects, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	if (import->cli->json) {
		json_t *all = counts_json(&import->compare.counts);
		json_object_set_new(all, "written", json_integer((json_int_t)sent->written));
		json_object_set_new(all, "done_before", json_integer((json_int_t)sent->done));
		json_object_set_new(all, "refused", json_integer((json_int_t)sent->refused));
		print_json(all);
	} else {
		printf("Done: %llu written, %llu were there already, %llu refused.\n", (unsigned long long)sent->written, (unsigned long long)sent->done,
		       (unsigned long long)sent->refused);
	}
	if (bad > 0) fprintf(stderr, "%llu rows were not taken: %s says which, and why.\n", (unsigned long long)bad, import->rejects_path);
	else (void)unlink(import->rejects_path);
	return bad > 0 ? CK_EXIT_PARTLY : CK_EXIT_OK;
}

static int send_all(struct import *import, struct ck_batches **batches, struct ck_rejects **rejects)
{
	struct ck_import_sent sent;
	enum ck_error error = ck_import_send(import->cli, *batches, *rejects, &sent);
	if (error == CK_OK) {
		ck_batches_close(batches, true);
		return finish(import, rejects, &sent);
	}
	bool hopeless = error == CK_ERR_DENIED;
	ck_batches_close(batches, hopeless);
	fprintf(stderr, hopeless ? "What went in stays; import the file again for the rest.\n"
	                         : "What went in stays; `crosskeys import --resume %s` goes on without another touch, within %d hours of the first.\n",
	        import->file, CK_PLAN_LIFE_S / 3600);
	return ck_exit_of(error);
}

static int show_only(struct import *import, struct ck_rejects **rejects)
{
	struct ck_errmsg err = { "" };
	enum ck_error error = ck_rejects_close(rejects, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	if (import->listed != NULL) {
		json_t *all = counts_json(&import->compare.counts);
		json_object_set_new(all, "plan", import->listed);
		print_json(all);
	} else {
		print_counts(import);
	}
	return import->compare.counts.rejected > 0 ? CK_EXIT_PARTLY : CK_EXIT_OK;
}

static int go(struct import *import, struct ck_batches **batches, struct ck_rejects **rejects)
{
	if (import->dry_run) {
		ck_batches_close(batches, true);
		return show_only(import, rejects);
	}
	print_counts(import);
	struct ck_import_sent nothing = { 0 };
	if (ck_batches_state(*batches)->statements == 0) {
		ck_batches_close(batches, true);
		return finish(import, rejects, &nothing);
	}
	if (!may_suspend(import) || !confirmed(import)) {
		ck_batches_close(batches, true);
		return CK_EXIT_REFUSED;
	}
	enum ck_error error = ck_import_order(import->cli, *batches);
	if (error != CK_OK) {
		ck_batches_close(batches, true);
		return ck_exit_of(error);
	}
	return send_all(import, batches, rejects);
}

static enum ck_error compare(struct import *import, struct ck_rows *rows, struct ck_batches **batches, struct ck_rejects **rejects, struct ck_errmsg *err)
{
	struct ck_compare *c = &import->compare;
	struct ck_progress progress;
	*c = (struct ck_compare){ .cli = import->cli, .mapping = &import->mapping, .home = &import->home, .reinstate = import->reinstate, .look_up = true,
		                  .only_tried = import->dry_run,
		                  .each = each, .context = import };
	struct ck_id authority;
	enum ck_error error = ck_resolve_self(import->cli, &c->self);
	if (error == CK_OK) error = ck_resolve_authority(import->cli, NULL, import->authority, &authority);
	if (error == CK_OK) error = ck_current_read(import->cli, &authority, &c->current, &import->home);
	if (error != CK_OK) return error; /* said */
	error = ck_batches_create(import->state_path, authority, batches, err);
	if (error == CK_OK) error = ck_rejects_open(import->rejects_path, rejects, err);
	if (error != CK_OK) return error;
	c->batches = *batches;
	c->rejects = *rejects;
	ck_progress_begin(&progress, "Comparing (bytes)", ck_rows_total_bytes(rows));
	error = ck_compare_run(c, rows, &progress, err);
	ck_progress_end(&progress, ck_rows_done_bytes(rows));
	return error;
}

static int run(struct import *import)
{
	struct ck_errmsg err = { "" };
	struct ck_rows *rows = NULL;
	struct ck_batches *batches = NULL;
	struct ck_rejects *rejects = NULL;
	enum ck_error error = ck_rows_open(import->file, import->format, &import->mapping, &rows, &err);
	if (error == CK_OK) error = compare(import, rows, &batches, &rejects, &err);
	if (error != CK_OK && err.text[0] != '\0') (void)ck_cli_complain(error, "%s", err.text);
	int code = error == CK_OK ? go(import, &batches, &rejects) : ck_exit_of(error);
	ck_rows_close(&rows);
	ck_batches_close(&batches, error != CK_ERR_EXISTS);
	return code;
}

static int resume(struct import *import)
{
	struct ck_errmsg err = { "" };
	struct ck_batches *batches = NULL;
	struct ck_rejects *rejects = NULL;
	enum ck_error error = ck_batches_resume(import->state_path, &batches, &err);
	if (error == CK_OK) error = ck_rejects_open(ck_cli_print("%s.resumed", import->rejects_path), &rejects, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	const struct ck_batches_state *state = ck_batches_state(batches);
	import->rejects_path = ck_cli_print("%s.resumed", import->rejects_path);
	fprintf(stderr, "Going on behind batch %llu of %llu.\n", (unsigned long long)state->done, (unsigned long long)state->batches);
	return send_all(import, &batches, &rejects);
}

/* ---- reading the call ---- */

static enum ck_error read_number(const struct ck_arguments *arguments, const char *name, uint64_t limit, uint64_t *out, bool *out_given)
{
	const char *value = ck_argument(&help, arguments, name);
	*out_given = value != NULL;
	if (value == NULL || ck_uint_parse(ck_text_of(value), 0, limit, out) == CK_OK) return CK_OK;
	(void)ck_cli_complain(CK_ERR_INVALID, "--%s takes a number up to %llu, not '%s'", name, (unsigned long long)limit, value);
	return CK_ERR_INVALID;
}

static enum ck_error read_arguments(struct import *import, const struct ck_arguments *arguments)
{
	struct ck_errmsg err = { "" };
	bool given;
	const char *map = ck_argument(&help, arguments, "map"), *format = ck_argument(&help, arguments, "format");
	import->file = arguments->words[0];
	import->authority = ck_argument(&help, arguments, "authority");
	import->dry_run = ck_arguments_of(&help, arguments, "dry-run")->count > 0;
	import->reinstate = ck_arguments_of(&help, arguments, "reinstate")->count > 0;
	import->resume = ck_arguments_of(&help, arguments, "resume")->count > 0;
	import->suspend_percent = SUSPEND_LIMIT_PERCENT;
	import->format = ck_rows_format_of(import->file);
	if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "ldif") != 0) {
		(void)ck_cli_complain(CK_ERR_INVALID, "--format takes csv or ldif, not '%s'", format);
		return CK_ERR_INVALID;
	}
	if (format != NULL) import->format = strcmp(format, "ldif") == 0 ? CK_ROWS_LDIF : CK_ROWS_CSV;
	const char *base = strcmp(import->file, "-") == 0 ? "crosskeys-import" : import->file;
	import->state_path = ck_argument(&help, arguments, "state");
	import->rejects_path = ck_argument(&help, arguments, "reject");
	if (import->dry_run) import->state_path = NULL;
	else if (import->state_path == NULL) import->state_path = ck_cli_print("%s.plan", base);
	if (import->rejects_path == NULL && !import->dry_run) import->rejects_path = ck_cli_print("%s.rejected", base);
	enum ck_error error = read_number(arguments, "suspend-limit", 100, &import->suspend_percent, &given);
	if (error == CK_OK) error = read_number(arguments, "allow-suspending", UINT32_MAX, &import->allow_suspending, &import->allowed_given);
	if (error != CK_OK) return error;
	ck_mapping_default(&import->mapping);
	if (map == NULL) return CK_OK;
	error = ck_mapping_load(map, &import->mapping, &err);
	if (error != CK_OK) (void)ck_cli_complain(error, "%s", err.text);
	return error;
}

int ck_cli_import(struct ck_cli *cli, int argc, char **argv)
{
	static struct import import;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	import.cli = cli;
	error = read_arguments(&import, &arguments);
	if (error != CK_OK) return ck_exit_of(error);
	const char *offline = ck_argument(&help, &arguments, "offline");
	if (offline != NULL) {
		struct ck_offline load = { .directory = offline, .files = arguments.words, .file_count = arguments.count, .mapping = &import.mapping,
			                   .rejects_path = import.rejects_path, .json = cli->json, .dry_run = import.dry_run };
		return ck_import_offline(&load);
	}
	if (arguments.count > 1) return ck_cli_complain(CK_ERR_INVALID, "one file at a time: who is not in it is missing");
	if (import.resume) return resume(&import);
	if (import.dry_run && cli->json) import.listed = json_array();
	return run(&import);
}
