/* `crosskeys audit show`: records from the log's files, here or in a copy, as they are or as they come. Believes nothing in the files: values
   stay escaped on a terminal, and a line that is no record ends the reading. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authd/audit/audit.h"
#include "authd/cli/audit_show.h"
#include "directory/base/clock.h"

#define DEFAULT_DIRECTORY "/var/lib/crosskeys/audit"
#define INSTANCE_SOCKET "/run/gate.sock"
#define LAST_LIMIT 100000
#define SHORT_VALUE_BYTES 48 /* of what only machines read, on a terminal */
#define FOLLOW_FIRST 10      /* records before those that come */
#define FOLLOW_EVERY_MS 200
#define TORN_PATIENCE_MS 5000

/* The log's directory: named, or of the instance that --dir names, or of the one installed. */
const char *ck_audit_directory_of(const struct ck_cli *cli, const struct ck_arguments *arguments)
{
	if (arguments->count > 0) return arguments->words[0];
	size_t length = strlen(cli->socket), tail = strlen(INSTANCE_SOCKET);
	if (length > tail && strcmp(cli->socket + length - tail, INSTANCE_SOCKET) == 0)
		return ck_cli_print("%.*s/audit", (int)(length - tail), cli->socket);
	return DEFAULT_DIRECTORY;
}

struct shown {
	bool json, follow;
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
	{ "follow", CK_OPTION_FLAG, NULL, "go on with what is recorded from now on, until interrupted; first the newest 10, or as --last says" },
	{ NULL, 0, NULL, NULL },
};
const struct ck_command_help ck_audit_show_help = { "audit show", "[DIR]",
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

void ck_audit_print_json(const struct ck_audit_record *record)
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
		ck_audit_print_json(record);
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
	const char *user = ck_argument(&ck_audit_show_help, arguments, "user"), *last = ck_argument(&ck_audit_show_help, arguments, "last");
	uint64_t limit = 0;
	*out = (struct shown){ .json = cli->json, .event = ck_argument(&ck_audit_show_help, arguments, "event") };
	if (user != NULL) {
		size_t bytes = 4 * strlen(user) + 8;
		out->user = ck_escape(ck_bytes_of(ck_text_of(user)), ck_cli_allocate(bytes), bytes);
	}
	if (last != NULL && ck_uint_parse(ck_text_of(last), 1, LAST_LIMIT, &limit) != CK_OK) {
		fprintf(stderr, "crosskeys audit show: --last wants a number from 1 to %d\n", LAST_LIMIT);
		return false;
	}
	out->follow = ck_arguments_of(&ck_audit_show_help, arguments, "follow")->count > 0;
	out->last_limit = last == NULL && out->follow ? FOLLOW_FIRST : (size_t)limit;
	if (out->last_limit > 0) out->last = ck_cli_allocate(out->last_limit * sizeof *out->last);
	return parse_bound("since", ck_argument(&ck_audit_show_help, arguments, "since"), out->since) &&
	       parse_bound("until", ck_argument(&ck_audit_show_help, arguments, "until"), out->until);
}

/* What is written arrives whole; a line that is not may be one that a crash cut, which the next ledger repairs. */
static enum ck_error read_on(const char *directory, struct ck_chain_place *place, struct shown *shown, struct ck_errmsg *err)
{
	int64_t until_ms = ck_clock_monotonic_ms() + TORN_PATIENCE_MS;
	for (;;) {
		enum ck_error error = ck_audit_each_next(directory, place, show_one, shown, err);
		if (error != CK_ERR_CORRUPT || ck_clock_monotonic_ms() >= until_ms) return error;
		(void)nanosleep(&(struct timespec){ .tv_nsec = FOLLOW_EVERY_MS * 1000000L }, NULL);
	}
}

static enum ck_error follow(const char *directory, struct ck_chain_place *place, struct shown *shown, struct ck_errmsg *err)
{
	enum ck_error error = CK_OK;
	shown->last_limit = 0;
	while (error == CK_OK && fflush(stdout) == 0 && !ferror(stdout)) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = FOLLOW_EVERY_MS * 1000000L }, NULL);
		error = read_on(directory, place, shown, err);
	}
	return error;
}

int ck_audit_show(struct ck_cli *cli, int argc, char **argv)
{
	struct ck_arguments arguments;
	struct shown shown;
	struct ck_chain_place place = { 0 };
	struct ck_errmsg err = { "" };
	enum ck_error error = ck_arguments_parse(cli, &ck_audit_show_help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	if (!parse_shown(cli, &arguments, &shown)) return CK_EXIT_USAGE;
	const char *directory = ck_audit_directory_of(cli, &arguments);
	error = ck_audit_each_next(directory, &place, show_one, &shown, &err);
	print_last(&shown);
	if (error == CK_OK && shown.follow) error = follow(directory, &place, &shown, &err);
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	return fflush(stdout) == 0 ? CK_EXIT_OK : CK_EXIT_FAILED;
}
