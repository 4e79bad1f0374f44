/* Asking without changing: explain, show, list; and the dispatcher of the kinds. */
#include <string.h>

#include "authd/cli/kind.h"
#include "authd/cli/output.h"
#include "directory/base/clock.h"

static const struct ck_option no_options[] = { { NULL, 0, NULL, NULL } };

/* ---- explain ---- */

static const struct ck_option explain_options[] = {
	{ "account", CK_OPTION_ONE, "NAME", "the local account to be entered (default: their own)" },
	{ "at", CK_OPTION_ONE, "TIME", "when (default: now)" },
	{ "from", CK_OPTION_ONE, "ADDRESS", "from where: an address, or local (the default)" },
	{ "proved", CK_OPTION_MANY, "WHAT", "what was shown: touch, verified, password, attested, none (default: touch verified)" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help explain_help = { "explain", "UID SYSTEM SERVICE",
	"Says whether this person may enter, by the same decision that logins use, and prints the chain that decides it. Exits 0 if yes, 1 if no.", 3, 3, explain_options };

static enum ck_error proved_of(const struct ck_values *words, unsigned *out)
{
	*out = words->count == 0 ? CK_PROVED_DEFAULT : CK_PROVED_NOTHING;
	for (size_t i = 0; i < words->count; i++) {
		unsigned bit = 0;
		if (ck_proved_parse(ck_text_of(words->at[i]), &bit) != CK_OK) {
			(void)ck_cli_complain(CK_ERR_INVALID, "--proved: '%s' is none of touch, verified, password, attested, none", words->at[i]);
			return CK_ERR_INVALID;
		}
		*out |= bit;
	}
	return CK_OK;
}

static int print_explained(const struct ck_cli *cli, const struct ck_map *reply)
{
	struct ck_text text = ck_map_text_or(reply, CK_F_TEXT, CK_FRAME_LIMIT_BYTES, ck_text_of(""));
	struct ck_text reason = ck_map_text_or(reply, CK_F_REASON, 64, ck_text_of(""));
	bool allow = ck_map_bool_or(reply, CK_F_VERDICT, false);
	int64_t until_s = 0;
	if (cli->json) {
		char until[CK_TIME_TEXT_BYTES];
		json_t *object = json_object();
		json_object_set_new(object, "granted", json_boolean(allow));
		json_object_set_new(object, "reason", json_string(ck_cli_safe(reason)));
		if (ck_map_int(reply, CK_F_UNTIL, &until_s) == CK_OK) json_object_set_new(object, "until", json_string(ck_time_format(until_s, until)));
		json_object_set_new(object, "chain", json_stringn(text.at, text.length));
		ck_output_print_json(object);
	} else {
		fwrite(text.at, 1, text.length, stdout);
		if (text.length > 0 && text.at[text.length - 1] != '\n') putchar('\n');
	}
	return allow ? CK_EXIT_OK : CK_EXIT_REFUSED;
}

int ck_cli_explain(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	enum ck_answer answer;
	struct ck_network address;
	unsigned proved = 0;
	int64_t at_s = 0;
	enum ck_error error = ck_arguments_parse(cli, &explain_help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *at = ck_argument(&explain_help, &arguments, "at"), *from = ck_argument(&explain_help, &arguments, "from");
	if (at != NULL && ck_time_parse(ck_text_of(at), ck_clock_wall_s(), &at_s) != CK_OK)
		return ck_cli_complain(CK_ERR_INVALID, "--at: '%s' is no time; expected 2026-12-31, 2026-12-31T17:00:00Z, +90d", at);
	if (from != NULL && strcmp(from, "local") != 0 && ck_address_parse(ck_text_of(from), &address) != CK_OK)
		return ck_cli_complain(CK_ERR_INVALID, "--from: '%s' is no address; expected one like 192.0.2.1 or 2001:db8::1, or local", from);
	error = proved_of(ck_arguments_of(&explain_help, &arguments, "proved"), &proved);
	if (error == CK_OK) error = ck_cli_identify(cli);
	if (error != CK_OK) return ck_exit_of(error);
	ck_ask_begin(&ask, CK_OP_EXPLAIN);
	ck_field_string(&ask.frame.map, CK_F_USER, arguments.words[0]);
	ck_field_string(&ask.frame.map, CK_F_ACCOUNT, ck_argument(&explain_help, &arguments, "account"));
	ck_field_string(&ask.frame.map, CK_F_SERVICE, arguments.words[2]);
	ck_field_string(&ask.frame.map, CK_F_SYSTEM, arguments.words[1]);
	if (at != NULL) ck_field_int(&ask.frame.map, CK_F_TIME, at_s);
	ck_field_string(&ask.frame.map, CK_F_FROM, from != NULL ? from : "local");
	ck_field_uint(&ask.frame.map, CK_F_PROVED, proved);
	error = ck_ask_call(cli, &ask, &reply, &answer);
	return error == CK_OK ? print_explained(cli, &reply) : ck_exit_of(error);
}

/* ---- show and list ---- */

static const struct ck_option owned_options[] = {
	{ "authority", CK_OPTION_ONE, "NAME", "whose it is (default: the home authority of --as)" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_option list_options[] = {
	{ "authority", CK_OPTION_ONE, "NAME", "only this authority's" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_option grant_list_options[] = {
	{ "authority", CK_OPTION_ONE, "NAME", "only of roles of this authority" },
	{ "staff", CK_OPTION_ONE, "UID", "only this person's" },
	{ "role", CK_OPTION_ONE, "ROLE", "only of this role" },
	{ NULL, 0, NULL, NULL },
};

static int show(struct ck_cli *cli, enum ck_kind kind, int argc, char **argv)
{
	bool nameless = kind == CK_KIND_GRANT;
	struct ck_command_help help = { ck_cli_print("%s show", ck_kind_name(kind)), nameless ? "ID" : "NAME|ID",
		                        "Shows one entry as the copy holds it.", 1, 1, owned_options };
	struct ck_arguments arguments;
	struct ck_cli_entry *entry = NULL;
	struct ck_id id;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 2, argv + 2, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	if (nameless && ck_id_parse(ck_text_of(arguments.words[0]), &id) != CK_OK)
		return ck_cli_complain(CK_ERR_INVALID, "a grant has no name: give its id, which `crosskeys grant list --staff UID` shows");
	error = ck_resolve_entry(cli, kind, arguments.words[0], ck_argument(&help, &arguments, "authority"), &entry);
	if (error != CK_OK) return ck_exit_of(error);
	if (cli->json)
		ck_output_print_json(ck_output_json(entry));
	else
		ck_output_entry(cli, entry);
	return CK_EXIT_OK;
}

static const char *const *columns_of(enum ck_kind kind)
{
	static const char *const staff[] = { "uid", "cn", "mail", "employeeNumber", "uidNumber", "ckStatus", "ckListed", "ckValidUntil", NULL };
	static const char *const authority[] = { "ckName", "ckAuthorityKind", "ckStatus", "ckUidNumberFirst", "ckUidNumberLast", "ckMailDomain", "ckZone", NULL };
	static const char *const grant[] = { "ckStaffId", "ckRoleId", "ckValidFrom", "ckValidUntil", "ckReason", "id", NULL };
	static const char *const rule[] = { "ckName", "ckStatus", "ckTarget", "ckRoleId", "ckAccount", "ckService", "ckSource", "ckProved", "ckWeekly", "ckValidUntil", NULL };
	static const char *const other[] = { "ckName", "ckStatus", "id", NULL };
	switch (kind) {
	case CK_KIND_STAFF: return staff;
	case CK_KIND_AUTHORITY: return authority;
	case CK_KIND_GRANT: return grant;
	case CK_KIND_RULE: return rule;
	default: return other;
	}
}

static int list(struct ck_cli *cli, enum ck_kind kind, int argc, char **argv)
{
	bool grants = kind == CK_KIND_GRANT; /* they alone are of a person, and of a role */
	struct ck_command_help help = { ck_cli_print("%s list", ck_kind_name(kind)), "", "Lists what the copy holds.", 0, 0,
		                        grants ? grant_list_options : list_options };
	struct ck_table table = { .cli = cli, .columns = columns_of(kind) };
	struct ck_arguments arguments;
	struct ck_id authority, about, owner;
	bool has_about = false;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 2, argv + 2, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *name = ck_argument(&help, &arguments, "authority");
	const char *staff = grants ? ck_argument(&help, &arguments, "staff") : NULL;
	const char *role = grants ? ck_argument(&help, &arguments, "role") : NULL;
	error = ck_cli_identify(cli);
	if (error == CK_OK && staff != NULL) error = ck_resolve(cli, NULL, CK_KIND_STAFF, staff, NULL, &about, &owner);
	if (error == CK_OK && role != NULL) error = ck_resolve(cli, NULL, CK_KIND_ROLE, role, name, &about, &owner);
	has_about = staff != NULL || role != NULL;
	if (error == CK_OK && name != NULL) error = ck_resolve_authority(cli, NULL, name, &authority);
	if (error == CK_OK) error = ck_cli_entry_list(cli, kind, name != NULL ? &authority : NULL, has_about ? &about : NULL, ck_table_add, &table);
	if (error != CK_OK) return ck_exit_of(error);
	ck_table_print(&table);
	return CK_EXIT_OK;
}

static int kind_help(enum ck_kind kind, FILE *to)
{
	const char *name = ck_kind_name(kind);
	fprintf(to, "usage: crosskeys %s add|change|show|list%s%s …\n`crosskeys %s add --help` says more, and so on.\n", name,
	        ck_kind_has_verb(kind, "remove") ? "|remove" : "", kind == CK_KIND_STAFF ? "|password" : "", name);
	return to == stdout ? CK_EXIT_OK : CK_EXIT_USAGE;
}

int ck_cli_kind(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_plan plan;
	enum ck_kind kind = ck_kind_of_name(ck_text_of(argv[0]));
	const char *verb = argc >= 2 ? argv[1] : "";
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) return kind_help(kind, stdout);
	if (strcmp(verb, "show") == 0) return show(cli, kind, argc, argv);
	if (strcmp(verb, "list") == 0) return list(cli, kind, argc, argv);
	if (kind == CK_KIND_STAFF && strcmp(verb, "password") == 0) return ck_cli_staff_password(cli, argc, argv);
	if (!ck_kind_has_verb(kind, verb)) {
		if (verb[0] != '\0' && verb[0] != '-') (void)ck_cli_complain(CK_ERR_INVALID, "there is no '%s %s'", argv[0], verb);
		return kind_help(kind, stderr);
	}
	enum ck_error error = ck_kind_plan(cli, argc, argv, &plan);
	if (error != CK_OK) return ck_arguments_exit(error);
	return ck_plan_order(cli, &plan);
}

static int confirm(struct ck_cli *cli, const struct ck_command_help *help, enum ck_op op, const char *done, int argc, char **argv)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	enum ck_answer answer;
	enum ck_error error = ck_arguments_parse(cli, help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	ck_ask_begin(&ask, op);
	error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error == CK_OK) puts(done);
	return ck_exit_of(error);
}

int ck_cli_confirm(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "confirm-refresh", "",
		"Root: lets in a refresh that was held back because it would remove more than refresh_removal_percent of the copy. Look at the directory first.", 0, 0, no_options };
	return confirm(cli, &help, CK_OP_CONFIRM_REFRESH, "Confirmed: the refresh goes in.", argc, argv);
}

int ck_cli_confirm_clock(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "confirm-clock", "",
		"Root: says that this machine's clock is right, though something was recorded at a later time: the clock was wrong then. Whatever ended since "
		"then by the wrong clock, and not by the right one, counts again. Look at the clock first.", 0, 0, no_options };
	return confirm(cli, &help, CK_OP_CONFIRM_CLOCK, "Confirmed: the clock is right.", argc, argv);
}
