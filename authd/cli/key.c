/* `crosskeys key`: enrolling keys (the first by a one-time code, a later one under the touch of an earlier), codes, and the rest of a key's
   life, which is that of every kind (kind_plan.c). */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/code.h"
#include "authd/cli/kind.h"
#include "authd/cli/made.h"
#include "authd/cli/output.h"
#include "directory/base/clock.h"

/* ---- finding a key ---- */

struct key_search {
	const char *label; /* or the beginning of the id */
	struct ck_cli_entry *found;
	size_t count;
};

static void match_key(struct ck_cli_entry *entry, void *context)
{
	struct key_search *search = context;
	char hash[2 * CK_HASH_BYTES + 1];
	if (entry->id_length > CK_HASH_BYTES) return;
	(void)ck_hex_encode(entry->id, entry->id_length, hash, sizeof hash);
	bool by_label = ck_text_is(ck_cli_entry_text(entry, "ckLabel"), search->label);
	bool by_id = strlen(search->label) >= 6 && strncmp(hash, search->label, strlen(search->label)) == 0;
	if (!by_label && !by_id) return;
	search->found = entry;
	search->count++;
}

enum ck_error ck_kind_find_key(struct ck_cli *cli, const char *uid, const char *label, struct ck_cli_entry **out)
{
	struct ck_id staff, home;
	enum ck_error error = ck_resolve(cli, NULL, CK_KIND_STAFF, uid, NULL, &staff, &home);
	if (error != CK_OK) return error;
	struct key_search search = { .label = label };
	error = ck_cli_entry_list(cli, CK_KIND_KEY, NULL, &staff, match_key, &search);
	if (error != CK_OK) return error;
	if (search.count == 1) {
		*out = search.found;
		return CK_OK;
	}
	error = search.count == 0 ? CK_ERR_NOT_FOUND : CK_ERR_INVALID;
	if (search.count == 0)
		(void)ck_cli_complain(error, "%s has no key '%s'; `crosskeys key list %s` shows them", uid, label, uid);
	else
		(void)ck_cli_complain(error, "%s has more than one key '%s': use its id from `crosskeys key list %s`", uid, label, uid);
	return error;
}

/* ---- enrolling ---- */

struct enrolment {
	const char *uid, *label, *code;
	bool touch_only, no_attestation;
	uint8_t nonce[CK_NONCE_BYTES];
	struct ck_made made;
};

static enum ck_error make_credential(struct ck_cli *cli, struct enrolment *e)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_token_request request = { .verify = !e->touch_only };
	struct ck_bytes challenge = { NULL, 0 };
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_ENROL_BEGIN);
	ck_field_string(&ask.frame.map, CK_F_USER, e->uid);
	ck_field_string(&ask.frame.map, CK_F_CODE, e->code);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	if (answer != CK_ANSWER_NEED_TOKEN || ck_map_fixed(&reply, CK_F_NONCE, e->nonce, sizeof e->nonce) != CK_OK ||
	    ck_map_bytes(&reply, CK_F_CHALLENGE, 32, 32, &challenge) != CK_OK ||
	    ck_map_text(&reply, CK_F_RP_ID, CK_RP_ID_LIMIT_BYTES, &request.rp_id) != CK_OK ||
	    ck_map_bytes(&reply, CK_F_ID, 16, 16, &request.user_handle) != CK_OK || (reply.present & CK_KEY(CK_F_ALLOW)) == 0) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say how to enrol");
		return CK_ERR_INTERNAL;
	}
	request.challenge = challenge.at;
	request.allow = reply.at[CK_F_ALLOW].encoded;
	request.user = ck_text_of(e->uid);
	request.name = ck_map_text_or(&reply, CK_F_NAME, CK_NAME_LIMIT_BYTES, request.user);
	fprintf(stderr, "Plug in the new key of %s and touch it.\n", e->uid);
	return ck_token_create(cli, &request, &e->made);
}

/* As browsers do unless asked: a certificate tells which batch the key is from, and one that is not as it should be keeps it out. */
static void leave_out_attestation(struct ck_made *made)
{
	static const uint8_t empty_map[] = { 0xa0 };
	snprintf(made->format, sizeof made->format, "none");
	memcpy(made->statement, empty_map, sizeof empty_map);
	made->statement_length = sizeof empty_map;
}

/* The daemon prepared the change; it must be about the key that was just made, and about nothing else. */
static enum ck_error adopt_prepared(const struct ck_map *reply, const struct enrolment *e, struct ck_plan *plan)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	struct ck_change_statement statement;
	struct ck_items statements, value_lists;
	struct ck_item first, list;
	uint8_t digest[32];
	size_t count = 0;
	if (ck_map_array(reply, CK_F_STATEMENTS, 1, &statements) != CK_OK || ck_map_array(reply, CK_F_VALUES, 1, &value_lists) != CK_OK ||
	    !ck_items_next(&statements, &first) || !ck_items_next(&value_lists, &list) || first.type != CK_CBOR_BYTES || list.type != CK_CBOR_BYTES ||
	    ck_change_statement_decode(first.span, &statement) != CK_OK || !ck_text_is(statement.operation, "key.add") ||
	    ck_change_values_decode(list.span, values, &count) != CK_OK)
		return CK_ERR_INVALID;
	crypto_hash_sha256(digest, list.span.at, list.span.length);
	if (memcmp(digest, statement.digest, sizeof digest) != 0 || statement.target.length != CK_HASH_BYTES || statement.parent.length != 16)
		return CK_ERR_INVALID;
	if (!ck_made_is((struct ck_bytes){ e->made.auth_data, e->made.auth_data_length }, statement.target.at, values, count)) return CK_ERR_INVALID;
	struct ck_plan_item *item = ck_plan_add(plan, "key.add", CK_KIND_KEY, NULL, statement.authority);
	if (item == NULL) return CK_ERR_LIMIT;
	memcpy(item->target, statement.target.at, statement.target.length);
	item->target_length = statement.target.length;
	memcpy(item->parent.bytes, statement.parent.at, statement.parent.length);
	item->has_parent = true;
	for (size_t i = 0; i < count; i++) {
		struct ck_cli_attribute *to = &item->values[item->count++];
		to->name = ck_cli_copy(values[i].attribute);
		to->count = values[i].count;
		for (size_t j = 0; j < values[i].count; j++) {
			struct ck_bytes value = values[i].values[j];
			to->values[j].length = value.length;
			to->values[j].at = (const uint8_t *)ck_cli_copy((struct ck_text){ (const char *)value.at, value.length });
		}
	}
	return CK_OK;
}

/* One port, two keys: with only the new one plugged in the helper would end at once. */
static void wait_for_swap(const struct ck_cli *cli)
{
	char line[16];
	if (cli->yes || !isatty(STDIN_FILENO)) return;
	fputs("Then press Enter. ", stderr);
	(void)!fgets(line, sizeof line, stdin);
}

static int finish(struct ck_cli *cli, struct enrolment *e)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	static struct ck_plan plan;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_ENROL_FINISH);
	ck_field_bytes(&ask.frame.map, CK_F_AUTH_DATA, e->made.auth_data, e->made.auth_data_length);
	ck_field_bytes(&ask.frame.map, CK_F_NONCE, e->nonce, sizeof e->nonce);
	ck_field_string(&ask.frame.map, CK_F_CODE, e->code);
	ck_field_string(&ask.frame.map, CK_F_FORMAT, e->made.format);
	ck_field_bytes(&ask.frame.map, CK_F_ATT_STMT, e->made.statement, e->made.statement_length);
	ck_field_string(&ask.frame.map, CK_F_LABEL, e->label);
	if (e->made.traits != 0) ck_field_uint(&ask.frame.map, CK_F_TRAITS, e->made.traits);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return ck_exit_of(error);
	if (answer == CK_ANSWER_GRANTED) {
		if (cli->json)
			puts("{\"enrolled\": true}");
		else
			printf("The key '%s' now belongs to %s.\n", e->label, e->uid);
		return CK_EXIT_OK;
	}
	if (adopt_prepared(&reply, e, &plan) != CK_OK)
		return ck_cli_complain(CK_ERR_INTERNAL, "what the daemon wants signed is not the key that was just made; nothing was signed");
	fprintf(stderr, "Now plug in and touch a key that %s already has.\n", e->uid);
	wait_for_swap(cli);
	return ck_plan_sign(cli, &plan, &reply);
}

static const struct ck_option add_options[] = {
	{ "code", CK_OPTION_ONE, "CODE", "the one-time code, for a first key" },
	{ "label", CK_OPTION_ONE, "TEXT", "what you call it (default: security key)" },
	{ "no-attestation", CK_OPTION_FLAG, NULL, "do not tell what the key's maker says of it: the key is then no attested one" },
	{ "touch-only", CK_OPTION_FLAG, NULL, "a key without PIN or fingerprint (U2F): it serves only where a touch is enough" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help add_help = { "key add", "UID",
	"Enrols a FIDO key: a person's first with a one-time code, a later one under the touch of one they have.", 1, 1, add_options };

static int add(struct ck_cli *cli, int argc, char **argv)
{
	static struct enrolment e;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &add_help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	e.uid = arguments.words[0];
	e.code = ck_argument(&add_help, &arguments, "code");
	e.label = ck_argument(&add_help, &arguments, "label");
	if (e.label == NULL) e.label = "security key";
	e.no_attestation = ck_arguments_of(&add_help, &arguments, "no-attestation")->count > 0;
	e.touch_only = ck_arguments_of(&add_help, &arguments, "touch-only")->count > 0;
	cli->as = e.uid;
	error = make_credential(cli, &e);
	if (error == CK_OK && e.no_attestation) leave_out_attestation(&e.made);
	return error == CK_OK ? finish(cli, &e) : ck_exit_of(error);
}

/* ---- codes ---- */

static const struct ck_option no_options[] = { { NULL, 0, NULL, NULL } };

static int issue_code(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_option options[] = {
		{ "until", CK_OPTION_ONE, "TIME", "until when it counts (default +24h; the daemon's code_life_s is the limit)" },
		{ NULL, 0, NULL, NULL },
	};
	static const struct ck_command_help help = { "key code", "UID",
		"Issues a one-time code with which this person enrols their first key. Hand it over so that nobody else sees it.", 1, 1, options };
	static struct ck_plan plan;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	error = ck_kind_plan_code(cli, arguments.words[0], ck_argument(&help, &arguments, "until"), &plan);
	return error == CK_OK ? ck_plan_order(cli, &plan) : ck_exit_of(error);
}

static int recover(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "key recover", "UID",
		"Root of the core machine: issues a code to an existing administrator who has lost every key. It becomes valid only after recovery_delay_s, "
		"and is announced in the audit log as an alarm.", 1, 1, no_options };
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	struct ck_code_text code;
	enum ck_answer answer;
	int64_t from_s = 0;
	char from[CK_TIME_TEXT_BYTES];
	enum ck_error error = ck_arguments_parse(cli, &help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	ck_code_make(&code);
	ck_ask_begin(&ask, CK_OP_RECOVER);
	ck_field_string(&ask.frame.map, CK_F_USER, arguments.words[0]);
	ck_field_bytes(&ask.frame.map, CK_F_HASH, code.hash, sizeof code.hash);
	error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return ck_exit_of(error);
	if (ck_map_int(&reply, CK_F_TIME, &from_s) != CK_OK) return ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say from when the code counts");
	ck_time_format(from_s, from);
	if (cli->json) {
		json_t *object = json_object();
		json_object_set_new(object, "code", json_string(code.text));
		json_object_set_new(object, "from", json_string(from));
		ck_output_print_json(object);
		return CK_EXIT_OK;
	}
	printf("One-time code for %s: %s\nIt is valid from %s on. The audit log says that you asked for it.\n", arguments.words[0], code.text, from);
	return CK_EXIT_OK;
}

static int reset_counter(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "key reset-counter", "UID KEY",
		"Root of the core machine: what is known of the key's signature counter is forgotten, here and in the directory, and the next count that it "
		"says is believed. First make sure that it is the one key and no copy. Announced in the audit log as an alarm.", 2, 2, no_options };
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	struct ck_cli_entry *entry = NULL;
	enum ck_answer answer;
	enum ck_error error = ck_arguments_parse(cli, &help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	error = ck_kind_find_key(cli, arguments.words[0], arguments.words[1], &entry);
	if (error != CK_OK) return ck_exit_of(error);
	ck_ask_begin(&ask, CK_OP_COUNTER_RESET);
	ck_field_bytes(&ask.frame.map, CK_F_HASH, entry->id, entry->id_length);
	error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error == CK_OK) printf("Forgotten: the next count of the key '%s' of %s is believed.\n", arguments.words[1], arguments.words[0]);
	return ck_exit_of(error);
}

/* ---- listing ---- */

static int list(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "key list", "UID", "Lists a person's keys.", 1, 1, no_options };
	static const char *const columns[] = { "ckLabel", "ckStatus", "ckAttestation", "ckCanVerify", "ckTrait", "ckValidUntil", "ckLastUse", "id", NULL };
	struct ck_table table = { .cli = cli, .columns = columns };
	struct ck_arguments arguments;
	struct ck_id staff, home;
	enum ck_error error = ck_arguments_parse(cli, &help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	error = ck_resolve(cli, NULL, CK_KIND_STAFF, arguments.words[0], NULL, &staff, &home);
	if (error == CK_OK) error = ck_cli_entry_list(cli, CK_KIND_KEY, NULL, &staff, ck_table_add, &table);
	if (error != CK_OK) return ck_exit_of(error);
	ck_table_print(&table);
	return CK_EXIT_OK;
}

static int show(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "key show", "UID KEY", "Shows one key with what was recorded of it when it was enrolled.", 2, 2,
		no_options };
	struct ck_arguments arguments;
	struct ck_cli_entry *entry = NULL;
	enum ck_error error = ck_arguments_parse(cli, &help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	error = ck_kind_find_key(cli, arguments.words[0], arguments.words[1], &entry);
	if (error != CK_OK) return ck_exit_of(error);
	if (cli->json)
		ck_output_print_json(ck_output_json(entry));
	else
		ck_output_entry(cli, entry);
	return CK_EXIT_OK;
}

static int order(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_plan plan;
	enum ck_error error = ck_kind_plan(cli, argc, argv, &plan);
	if (error != CK_OK) return ck_arguments_exit(error);
	return ck_plan_order(cli, &plan);
}

/* revoke UID KEY is change UID KEY --status revoked */
static int revoke_key(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_command_help help = { "key revoke", "UID KEY",
		"Plans to make this key worthless for good, shows what it will do, and orders it by a touch. Of your own last key it asks; "
		"where it cannot ask, --yes says that it is meant.", 2, 2, no_options };
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &help, argc, argv, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	/* words that begin with -- stand behind it: what was an option has been taken */
	char *words[] = { "key", "change", "--status", "revoked", "--", ck_cli_copy(ck_text_of(arguments.words[0])), ck_cli_copy(ck_text_of(arguments.words[1])) };
	return order(cli, sizeof words / sizeof *words, words);
}

static void print_help(FILE *to)
{
	fputs("usage: crosskeys key COMMAND …\n\n"
	      "  add UID [--code CODE]   enrol a key\n"
	      "  code UID                issue a one-time code for a first key\n"
	      "  list UID                list a person's keys\n"
	      "  show UID KEY            show one, with what was recorded of it\n"
	      "  change UID KEY          change its label or status\n"
	      "  revoke UID KEY          make it worthless, for good\n"
	      "  remove UID KEY          remove it\n"
	      "  recover UID             root: a delayed code for an administrator without a key\n"
	      "  reset-counter UID KEY   root: forget what is known of its signature counter\n"
	      "\nKEY is the label, or at least six digits of the id.\n", to);
}

int ck_cli_key(struct ck_cli *cli, int argc, char **argv)
{
	const char *verb = argc >= 2 ? argv[1] : "";
	if (strcmp(verb, "add") == 0) return add(cli, argc - 2, argv + 2);
	if (strcmp(verb, "code") == 0) return issue_code(cli, argc - 2, argv + 2);
	if (strcmp(verb, "reset-counter") == 0) return reset_counter(cli, argc - 2, argv + 2);
	if (strcmp(verb, "recover") == 0) return recover(cli, argc - 2, argv + 2);
	if (strcmp(verb, "list") == 0) return list(cli, argc - 2, argv + 2);
	if (strcmp(verb, "show") == 0) return show(cli, argc - 2, argv + 2);
	if (strcmp(verb, "revoke") == 0) return revoke_key(cli, argc - 2, argv + 2);
	if (strcmp(verb, "change") == 0 || strcmp(verb, "remove") == 0) return order(cli, argc, argv);
	bool asked = strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0;
	if (!asked && verb[0] != '\0' && verb[0] != '-') (void)ck_cli_complain(CK_ERR_INVALID, "there is no 'key %s'", verb);
	print_help(asked ? stdout : stderr);
	return asked ? CK_EXIT_OK : CK_EXIT_USAGE;
}
