/* `crosskeys audit`: shows and verifies the log from its files, here or in a copy, and asks the daemon for a checkpoint. Believes nothing in
   the files: values stay escaped on a terminal, and a line that is no record ends the reading. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/audit/audit.h"
#include "authd/cli/cli.h"
#include "directory/base/clock.h"

#define DEFAULT_DIRECTORY "/var/lib/crosskeys/audit"
#define INSTANCE_SOCKET "/run/gate.sock"
#define LAST_LIMIT 100000
#define ANCHOR_LIMIT_BYTES 4096
#define SHORT_VALUE_BYTES 48 /* of what only machines read, on a terminal */

/* The log's directory: named, or of the instance that --dir names, or of the one installed. */
static const char *directory_of(const struct ck_cli *cli, const struct ck_arguments *arguments)
{
	if (arguments->count > 0) return arguments->words[0];
	size_t length = strlen(cli->socket), tail = strlen(INSTANCE_SOCKET);
	if (length > tail && strcmp(cli->socket + length - tail, INSTANCE_SOCKET) == 0)
		return ck_cli_print("%.*s/audit", (int)(length - tail), cli->socket);
	return DEFAULT_DIRECTORY;
}

/* ---- show ---- */

struct shown {
	bool json;
	const char *user, *event; /* NULL: any; user as it is escaped in the log */
	char since[CK_TIME_TEXT_BYTES], until[CK_TIME_TEXT_BYTES]; /* to the second, or "" */
	char **last; /* the newest so far, when only some are wanted */
	size_t last_limit, last_count;
};

static const struct ck_option show_options[] = {
	{ "user", CK_OPTION_ONE, "UID", "only records about this person" },
	{ "event", CK_OPTION_ONE, "EVENT", "only records of this event, for example login-granted" },
	{ "since", CK_OPTION_ONE, "TIME", "not older: 2026-11-22, 2026-11-22T04:20:00Z, -1h" },
	{ "until", CK_OPTION_ONE, "TIME", "not newer" },
	{ "last", CK_OPTION_ONE, "N", "only the newest N of them" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help show_help = { "audit show", "[DIR]",
	"Prints the records of the audit log in DIR (that of the instance if none is named). The log is not verified: see `crosskeys audit verify`.",
	0, 1, show_options };

static struct ck_text field_of(const struct ck_audit_record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++)
		if (ck_text_is(record->fields[i].name, name)) return record->fields[i].value;
	return (struct ck_text){ NULL, 0 };
}

/* RFC 3339 in UTC sorts as text; a bound is to the second. */
static bool is_shown(const struct shown *shown, const struct ck_audit_record *record)
{
	if (shown->user != NULL && !ck_text_is(field_of(record, "user"), shown->user)) return false;
	if (shown->event != NULL && !ck_text_is(record->event, shown->event)) return false;
	if (shown->since[0] != '\0' && memcmp(record->time.at, shown->since, 19) < 0) return false;
	return shown->until[0] == '\0' || memcmp(record->time.at, shown->until, 19) <= 0;
}

static void print_text(const struct ck_audit_record *record)
{
	printf("%llu %.*s %.*s", (unsigned long long)record->seq, (int)record->time.length, record->time.at, (int)record->event.length,
	       record->event.at);
	for (size_t i = 0; i < record->count; i++) {
		struct ck_text name = record->fields[i].name, value = record->fields[i].value;
		bool cut = value.length > SHORT_VALUE_BYTES && (ck_text_is(name, "proof") || ck_text_is(name, "credential"));
		printf(" %.*s=%.*s%s", (int)name.length, name.at, (int)(cut ? SHORT_VALUE_BYTES : value.length), value.at, cut ? "..." : "");
	}
	putchar('\n');
}

/* The bytes as they were, if they are text; else as they are escaped. */
static json_t *json_value(struct ck_text value)
{
	static uint8_t bytes[CK_AUDIT_RECORD_LIMIT_BYTES];
	size_t length = 0;
	if (ck_unescape(value, bytes, sizeof bytes, &length) == CK_OK) {
		json_t *text = json_stringn((const char *)bytes, length);
		if (text != NULL) return text;
	}
	return json_stringn(value.at, value.length);
}

static void print_json(const struct ck_audit_record *record)
{
	char digest[2 * CK_AUDIT_DIGEST_BYTES + 1], name[64];
	json_t *object = json_object(), *fields = json_object();
	json_object_set_new(object, "seq", json_integer((json_int_t)record->seq));
	json_object_set_new(object, "time", json_stringn(record->time.at, record->time.length));
	json_object_set_new(object, "event", json_stringn(record->event.at, record->event.length));
	for (size_t i = 0; i < record->count; i++) {
		snprintf(name, sizeof name, "%.*s", (int)record->fields[i].name.length, record->fields[i].name.at);
		json_object_set_new(fields, name, json_value(record->fields[i].value));
	}
	json_object_set_new(object, "fields", fields);
	json_object_set_new(object, "prev", json_string(ck_hex_encode(record->prev, sizeof record->prev, digest, sizeof digest)));
	char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (text != NULL) puts(text);
	free(text);
	json_decref(object);
}

static void print_record(const struct shown *shown, const struct ck_audit_record *record)
{
	if (shown->json)
		print_json(record);
	else
		print_text(record);
}

static bool show_one(const struct ck_audit_record *record, const char *file, uint64_t line_number, void *context)
{
	(void)file;
	(void)line_number;
	struct shown *shown = context;
	if (!is_shown(shown, record)) return true;
	if (shown->last_limit == 0) {
		print_record(shown, record);
		return !ferror(stdout); /* whoever read has gone */
	}
	char **place = &shown->last[shown->last_count++ % shown->last_limit];
	free(*place);
	*place = ck_cli_copy(record->line);
	return true;
}

static void print_last(const struct shown *shown)
{
	size_t kept = shown->last_count < shown->last_limit ? shown->last_count : shown->last_limit;
	for (size_t i = shown->last_count - kept; i < shown->last_count; i++) {
		struct ck_audit_record record;
		if (ck_audit_parse(ck_text_of(shown->last[i % shown->last_limit]), &record) == CK_OK) print_record(shown, &record);
	}
}

static bool parse_bound(const char *option, const char *value, char out[CK_TIME_TEXT_BYTES])
{
	int64_t time_s = 0, now_s = ck_clock_wall_s();
	bool ago = value != NULL && value[0] == '-';
	out[0] = '\0';
	if (value == NULL) return true;
	/* "-1h" is the mirror image of "+1h" */
	const char *text = ago ? ck_cli_print("+%s", value + 1) : value;
	if (ck_time_parse(ck_text_of(text), now_s, &time_s) != CK_OK) {
		fprintf(stderr, "crosskeys audit show: --%s: '%s' is no time; expected one like 2026-11-22T04:20:00Z or -1h\n", option, value);
		return false;
	}
	ck_time_format(ago ? 2 * now_s - time_s : time_s, out);
	if (strlen(out) != strlen("2026-11-22T04:20:00Z")) out[0] = '\0'; /* always, unlimited */
	return true;
}

static bool parse_shown(const struct ck_cli *cli, const struct ck_arguments *arguments, struct shown *out)
{
	const char *user = ck_argument(&show_help, arguments, "user"), *last = ck_argument(&show_help, arguments, "last");
	uint64_t limit = 0;
	*out = (struct shown){ .json = cli->json, .event = ck_argument(&show_help, arguments, "event") };
	if (user != NULL) {
		size_t bytes = 4 * strlen(user) + 8;
		out->user = ck_escape(ck_bytes_of(ck_text_of(user)), ck_cli_allocate(bytes), bytes);
	}
	if (last != NULL && ck_uint_parse(ck_text_of(last), 1, LAST_LIMIT, &limit) != CK_OK) {
		fprintf(stderr, "crosskeys audit show: --last wants a number from 1 to %d\n", LAST_LIMIT);
		return false;
	}
	out->last_limit = (size_t)limit;
	if (limit > 0) out->last = ck_cli_allocate(out->last_limit * sizeof *out->last);
	return parse_bound("since", ck_argument(&show_help, arguments, "since"), out->since) &&
	       parse_bound("until", ck_argument(&show_help, arguments, "until"), out->until);
}

static int show(struct ck_cli *cli, int argc, char **argv)
{
	struct ck_arguments arguments;
	struct shown shown;
	struct ck_errmsg err = { "" };
	enum ck_error error = ck_arguments_parse(cli, &show_help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	if (!parse_shown(cli, &arguments, &shown)) return CK_EXIT_USAGE;
	error = ck_audit_each(directory_of(cli, &arguments), show_one, &shown, &err);
	print_last(&shown);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	return fflush(stdout) == 0 ? CK_EXIT_OK : CK_EXIT_FAILED;
}

/* ---- checkpoint ---- */

static const struct ck_option no_options[] = { { NULL, 0, NULL, NULL } };
static const struct ck_command_help checkpoint_help = { "audit checkpoint", "",
	"Root: has the ledger sign all that it has recorded, and prints the signed line. Keep it elsewhere: with it, `crosskeys audit verify "
	"--anchor` finds a log that was cut or rewritten by somebody who held this machine.", 0, 0, no_options };

static int checkpoint(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	enum ck_answer answer;
	struct ck_text line;
	enum ck_error error = ck_arguments_parse(cli, &checkpoint_help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	ck_ask_begin(&ask, CK_OP_CHECKPOINT);
	error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return ck_exit_of(error);
	if (answer != CK_ANSWER_GRANTED || ck_map_text(&reply, CK_F_TEXT, ANCHOR_LIMIT_BYTES, &line) != CK_OK)
		return ck_cli_complain(CK_ERR_INTERNAL, "the daemon answered without a checkpoint");
	struct ck_audit_record record;
	if (ck_audit_parse(line, &record) != CK_OK) return ck_cli_complain(CK_ERR_INTERNAL, "the daemon's checkpoint is no record");
	if (cli->json)
		print_json(&record);
	else
		printf("%.*s\n", (int)line.length, line.at);
	return fflush(stdout) == 0 ? CK_EXIT_OK : CK_EXIT_FAILED;
}

/* ---- verify ---- */

static const struct ck_option verify_options[] = {
	{ "anchor", CK_OPTION_ONE, "FILE|-", "a checkpoint that was kept elsewhere: the log must hold it, byte for byte" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help verify_help = { "audit verify", "[DIR]",
	"Verifies the audit log in DIR, or in a copy of it, without the daemon: that no record was changed, removed, added or moved, and that "
	"each checkpoint is signed by the key that the one before it names. Exit code 1 when something does not fit; the message says where.",
	0, 1, verify_options };

/* "" when there is none. NULL: said on stderr. */
static char *read_anchor(const char *name)
{
	char *text = ck_cli_allocate(ANCHOR_LIMIT_BYTES + 1);
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
	if (file == NULL) {
		fprintf(stderr, "crosskeys audit verify: %s: %s\n", name, strerror(errno));
		return NULL;
	}
	size_t got = fread(text, 1, ANCHOR_LIMIT_BYTES, file);
	bool whole = !ferror(file) && got < ANCHOR_LIMIT_BYTES && memchr(text, '\0', got) == NULL;
	if (file != stdin) fclose(file);
	if (whole) return text;
	fprintf(stderr, "crosskeys audit verify: %s: expected one line of text, a checkpoint\n", name);
	return NULL;
}

static void print_report(const struct ck_cli *cli, enum ck_error error, const struct ck_audit_report *report, const char *message)
{
	if (cli->json) {
		json_t *object = json_object();
		json_object_set_new(object, "verified", json_boolean(error == CK_OK));
		json_object_set_new(object, "records", json_integer((json_int_t)report->records));
		json_object_set_new(object, "checkpoints", json_integer((json_int_t)report->checkpoints));
		json_object_set_new(object, "last_seq", json_integer((json_int_t)report->last_seq));
		json_object_set_new(object, "last_checkpoint_seq", json_integer((json_int_t)report->last_checkpoint_seq));
		json_object_set_new(object, "after_checkpoint", json_integer((json_int_t)report->after_checkpoint));
		json_object_set_new(object, "anchored", json_boolean(report->anchored));
		if (error != CK_OK) json_object_set_new(object, "message", json_string(message));
		char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
		if (text != NULL) puts(text);
		free(text);
		json_decref(object);
		return;
	}
	if (error != CK_OK) return;
	printf("verified: %llu record%s, %llu checkpoint%s%s\n", (unsigned long long)report->records, report->records == 1 ? "" : "s",
	       (unsigned long long)report->checkpoints, report->checkpoints == 1 ? "" : "s",
	       report->anchored ? ", the anchor among them" : "");
	if (report->checkpoints > 0) printf("signed up to record %llu\n", (unsigned long long)report->last_checkpoint_seq);
	if (report->after_checkpoint > 0)
		printf("%llu records after it are chained, not yet signed: whoever holds the machine could have made them\n",
		       (unsigned long long)report->after_checkpoint);
	if (!report->anchored) printf("no anchor was given: a log cut or begun anew by whoever held the machine would verify, too\n");
}

static int verify(struct ck_cli *cli, int argc, char **argv)
{
	struct ck_arguments arguments;
	struct ck_audit_report report = { 0 };
	struct ck_errmsg err = { "" };
	char *anchor = NULL;
	enum ck_error error = ck_arguments_parse(cli, &verify_help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *name = ck_argument(&verify_help, &arguments, "anchor");
	if (name != NULL && (anchor = read_anchor(name)) == NULL) return CK_EXIT_USAGE;
	error = ck_audit_verify(directory_of(cli, &arguments), ck_text_of(anchor), &report, &err);
	print_report(cli, error, &report, err.text);
	if (error == CK_OK) return fflush(stdout) == 0 ? CK_EXIT_OK : CK_EXIT_FAILED;
	int code = ck_cli_complain(error, "%s", err.text);
	return error == CK_ERR_CORRUPT ? CK_EXIT_REFUSED : code;
}

/* ---- the command ---- */

static const struct {
	const char *name;
	int (*run)(struct ck_cli *cli, int argc, char **argv);
	const struct ck_command_help *help;
} subcommands[] = {
	{ "show", show, &show_help },
	{ "checkpoint", checkpoint, &checkpoint_help },
	{ "verify", verify, &verify_help },
};
#define SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

int ck_cli_audit(int argc, char **argv)
{
	struct ck_cli cli = { .socket = CK_CLI_SOCKET, .pin_fd = -1, .client = { .fd = -1, .passed_fd = -1 } };
	for (size_t i = 0; argc > 1 && i < SUBCOMMANDS; i++) {
		if (strcmp(argv[1], subcommands[i].name) != 0) continue;
		int code = subcommands[i].run(&cli, argc - 2, argv + 2);
		ck_client_close(&cli.client);
		return code;
	}
	bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
	FILE *to = help ? stdout : stderr;
	if (argc > 1 && argv[1][0] != '-') fprintf(stderr, "crosskeys audit: there is no '%s'\n", argv[1]);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(to, "%s crosskeys %s %s\n", i == 0 ? "usage:" : "      ", subcommands[i].help->name, subcommands[i].help->words);
	fputs("Each has --help.\n", to);
	return help ? CK_EXIT_OK : CK_EXIT_USAGE;
}
