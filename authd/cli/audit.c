/* `crosskeys audit`: verifies the log from its files, here or in a copy, and asks the daemon for a checkpoint. Believes nothing in the files. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/audit/audit.h"
#include "authd/cli/audit_show.h"

#define ANCHOR_LIMIT_BYTES 4096

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
		ck_audit_print_json(&record);
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
		printf("chained, not yet signed: %llu record%s%s, which whoever holds the machine could have made\n",
		       (unsigned long long)report->after_checkpoint, report->after_checkpoint == 1 ? "" : "s", report->checkpoints > 0 ? " after it" : "");
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
	error = ck_audit_verify(ck_audit_directory_of(cli, &arguments), ck_text_of(anchor), &report, &err);
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
	{ "show", ck_audit_show, &ck_audit_show_help },
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
