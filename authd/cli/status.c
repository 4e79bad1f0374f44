/* `crosskeys status`: what the daemon says of itself, for people, for programs and for monitoring systems. A daemon that cannot be asked has a
   state, too. */
#include <string.h>

#include "authd/cli/cli.h"
#include "authd/cli/output.h"

/* Exit codes of monitoring plugins, as Nagios and its successors read them. */
enum monitor_exit { MONITOR_OK = 0, MONITOR_WARNING = 1, MONITOR_CRITICAL = 2 };

static const struct {
	const char *state;
	int code;
	enum monitor_exit monitor;
} states[] = {
	{ "running", CK_EXIT_OK, MONITOR_OK },
	{ "degraded", CK_EXIT_DEGRADED, MONITOR_WARNING },
	{ "stale", CK_EXIT_UNAVAILABLE, MONITOR_CRITICAL },
	{ "unavailable", CK_EXIT_UNAVAILABLE, MONITOR_CRITICAL },
};
static const char *const monitor_words[] = { "OK", "WARNING", "CRITICAL" };

static const struct ck_option options[] = {
	{ "monitor", CK_OPTION_FLAG, NULL, "print one line and exit as monitoring plugins do: 0 OK, 1 WARNING (degraded), 2 CRITICAL (nobody is let in)" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help help = { "status", "",
	"Says whether logins work, whether changes do, from how fresh a copy, and what is wrong. Exits 0 when all is well, 7 when people are let in but "
	"something else does not work, 3 when nobody is let in.", 0, 0, options };

/* What is to be said; lines are the daemon's own, already escaped there. */
struct status {
	const char *state;
	int64_t age_s; /* -1: not known */
	char *lines;
};

static bool next_line(char **rest, char **out_name, char **out_value)
{
	for (char *line; (line = strsep(rest, "\n")) != NULL;) {
		char *value = strstr(line, ": ");
		if (value == NULL) continue;
		*value = '\0';
		*out_name = line;
		*out_value = value + 2;
		return true;
	}
	return false;
}

/* The daemon's lines "as of: …" as members "as_of". Behind that one stand how many there are of each kind; of quarantined it says the number,
   then each on a line of its own. */
static void put_lines(json_t *object, char *lines)
{
	json_t *problems = json_array(), *quarantined = json_array(), *providers = json_array(), *counts = json_object();
	char *name, *value, *rest = lines;
	while (next_line(&rest, &name, &value)) {
		uint64_t number = 0;
		for (char *c = name; *c != '\0'; c++)
			if (*c == ' ' || *c == '-') *c = '_';
		bool counted = json_object_get(object, "as_of") != NULL && ck_uint_parse(ck_text_of(value), 0, INT64_MAX, &number) == CK_OK;
		if (counted)
			json_object_set_new(counts, name, json_integer((json_int_t)number));
		else if (strcmp(name, "quarantined") == 0)
			json_array_append_new(quarantined, json_string(value));
		else if (strcmp(name, "problem") == 0)
			json_array_append_new(problems, json_string(value));
		else if (strcmp(name, "provider") == 0)
			json_array_append_new(providers, json_string(value));
		else
			json_object_set_new(object, name, json_string(value));
	}
	json_object_set_new(object, "problems", problems);
	json_object_set_new(object, "providers", providers);
	json_object_set_new(object, "counts", counts);
	json_object_set_new(object, "quarantined", quarantined);
}

static void print_json(const struct status *status)
{
	json_t *object = json_object();
	json_object_set_new(object, "state", json_string(status->state));
	json_object_set_new(object, "age_s", status->age_s >= 0 ? json_integer(status->age_s) : json_null());
	put_lines(object, status->lines);
	ck_output_print_json(object);
}

static void print_monitor(const struct status *status, enum monitor_exit code)
{
	char *name, *value, *rest = status->lines;
	const char *between = "";
	printf("CROSSKEYS %s: %s", monitor_words[code], status->state);
	while (next_line(&rest, &name, &value)) {
		if (strcmp(name, "problem") != 0) continue;
		/* a bar ends the text and begins the figures */
		for (char *c = value; *c != '\0'; c++)
			if (*c == '|') *c = '/';
		printf("%s%s", between[0] == '\0' ? " - " : between, value);
		between = "; ";
	}
	if (status->age_s >= 0) printf(" | age=%llds", (long long)status->age_s);
	putchar('\n');
}

static int tell(const struct ck_cli *cli, const struct status *status, bool monitor)
{
	int code = CK_EXIT_UNAVAILABLE;
	enum monitor_exit monitor_code = MONITOR_CRITICAL;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
		if (strcmp(status->state, states[i].state) != 0) continue;
		code = states[i].code;
		monitor_code = states[i].monitor;
	}
	if (monitor) {
		print_monitor(status, monitor_code);
	} else if (cli->json) {
		print_json(status);
	} else {
		printf("state   %s\n", status->state);
		if (status->age_s >= 0) printf("age     %lld s since the copy was last proved in step\n", (long long)status->age_s);
		fputs(status->lines, stdout);
	}
	return monitor ? (int)monitor_code : code;
}

int ck_cli_status(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	struct ck_errmsg err;
	enum ck_answer answer;
	struct status status = { .state = "unreachable", .age_s = -1 };
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	bool monitor = ck_arguments_of(&help, &arguments, "monitor")->count > 0;
	ck_ask_begin(&ask, CK_OP_STATUS);
	error = ck_ask_quietly(cli, &ask, &reply, &answer, &err);
	if (error != CK_OK && !monitor && !cli->json) return ck_cli_complain(error, "%s", err.text);
	if (error != CK_OK) {
		status.lines = ck_cli_print("problem: %s\n", err.text);
		return tell(cli, &status, monitor);
	}
	status.state = ck_cli_copy(ck_text_of(ck_cli_safe(ck_map_text_or(&reply, CK_F_STATE, 256, ck_text_of("unknown")))));
	status.lines = ck_cli_copy(ck_map_text_or(&reply, CK_F_TEXT, CK_FRAME_LIMIT_BYTES, ck_text_of("")));
	if (ck_map_int(&reply, CK_F_AGE, &status.age_s) != CK_OK || status.age_s < 0) status.age_s = -1;
	return tell(cli, &status, monitor);
}
