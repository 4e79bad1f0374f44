/* `crosskeys`: a table of subcommands, one file each. */
#include <stdio.h>
#include <string.h>

#include "authd/cli/cli.h"

struct subcommand {
	const char *name;
	int (*with_cli)(struct ck_cli *cli, int argc, char **argv); /* argv[0] is the name */
	int (*alone)(int argc, char **argv);                        /* needs no daemon, or its own way to it */
	const char *help;
};

static const struct subcommand subcommands[] = {
	{ "init", NULL, ck_cli_init, "make a new instance: an embedded directory, the first authority and its administrator" },
	{ "status", ck_cli_status, NULL, "say whether logins and changes work, from how fresh a copy, and what is wrong" },
	{ "doctor", ck_cli_doctor, NULL, "say who would be let in by what, and what is wrong with this machine" },
	{ "authority", ck_cli_kind, NULL, "add, change, show, list authorities" },
	{ "staff", ck_cli_kind, NULL, "add, change, show, list staff; give an initial password" },
	{ "key", ck_cli_key, NULL, "enrol a FIDO key, issue a one-time code; list, show, change, revoke, remove keys" },
	{ "role", ck_cli_kind, NULL, "add, change, show, list, remove roles" },
	{ "grant", ck_cli_kind, NULL, "give a role to a person; change, show, list, remove grants" },
	{ "system", ck_cli_kind, NULL, "add, change, show, list, remove systems" },
	{ "system-group", ck_cli_kind, NULL, "add, change, show, list, remove groups of systems" },
	{ "rule", ck_cli_kind, NULL, "add, change, show, list, remove rules" },
	{ "apply", ck_cli_apply, NULL, "order many changes from a file with one touch" },
	{ "import", ck_cli_import, NULL, "add, change and suspend staff as a file of an HR system says" },
	{ "export", ck_cli_export, NULL, "write the staff of an authority as a file" },
	{ "find", ck_cli_find, NULL, "find people of any authority by words, login name, mail address or telephone number" },
	{ "account", ck_cli_account, NULL, "show the account that somebody has on this system" },
	{ "vouch", ck_cli_vouch, NULL, "get a code to say on the telephone, so that a colleague knows that it is you" },
	{ "check", ck_cli_check, NULL, "enter the code that a caller said, and see who they are" },
	{ "explain", ck_cli_explain, NULL, "say whether somebody may enter, and which chain decides it" },
	{ "passwd", ck_cli_passwd, NULL, "change one's own password, by the old one and a touch" },
	{ "login", NULL, ck_cli_login, "try a whole PAM login of a service" },
	{ "audit", NULL, ck_cli_audit, "show, checkpoint or verify the audit log" },
	{ "confirm-refresh", ck_cli_confirm, NULL, "root: let in a refresh that removes much" },
	{ "confirm-clock", ck_cli_confirm_clock, NULL, "root: the clock is right, though later times were recorded" },
};
#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

static void print_help(FILE *to)
{
	fprintf(to, "usage: crosskeys COMMAND [ARGUMENTS]\n\n");
	for (size_t i = 0; i < SUBCOMMANDS; i++) fprintf(to, "  %-16s %s\n", subcommands[i].name, subcommands[i].help);
	fprintf(to, "\nBehind every command, but for login, which has its own:\n"
	            "  --dir DIR        the instance made by `crosskeys init DIR` (its socket is DIR/run/gate.sock)\n"
	            "  --socket PATH    the daemon's socket (default %s)\n"
	            "  --as UID         on whose behalf; proved by a touch of that person's key, not by who runs the command\n"
	            "  --json           print JSON\n"
	            "  --yes            do not ask before the touch\n"
	            "  --pin-fd N       read the key's PIN, and passwords, from descriptor N instead of the terminal\n"
	            "  --help           of a command: its options\n"
	            "\nExit codes: 0 done, 1 refused, 2 usage, 3 daemon unavailable, 4 changed since it was read, 5 not found, 6 failed,\n7 status: degraded, 8 import: done but for some rows.\n",
	        CK_CLI_SOCKET);
}

static int run(const struct subcommand *subcommand, int argc, char **argv)
{
	struct ck_cli cli = { .socket = CK_CLI_SOCKET, .pin_fd = -1, .client = { .fd = -1, .passed_fd = -1 } };
	if (subcommand->alone != NULL) return subcommand->alone(argc, argv);
	int code = subcommand->with_cli(&cli, argc, argv);
	ck_client_close(&cli.client);
	return code;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CK_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return CK_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("crosskeys %s\n", CK_VERSION);
		return CK_EXIT_OK;
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0) return run(&subcommands[i], argc - 1, argv + 1);
	if (argv[1][0] == '-')
		fprintf(stderr, "crosskeys: expected a command first, then its options, not '%s'; `crosskeys --help` lists both\n", argv[1]);
	else
		fprintf(stderr, "crosskeys: there is no command '%s'; `crosskeys --help` lists them\n", argv[1]);
	return CK_EXIT_USAGE;
}
