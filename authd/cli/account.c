/* `crosskeys account`: one account of this system, as its name service has it. */
#include "authd/cli/output.h"
#include "authd/protocol/account.h"

static const struct ck_option options[] = { { NULL, 0, NULL, NULL } };
static const struct ck_command_help help = { "account", "NAME|NUMBER",
	"Shows the account that somebody has on this system, with its numbers, home directory and shell: whoever some rule of the system lets in as themself "
	"has one. Anybody may ask, nothing is recorded, and there is no list of them.", 1, 1, options };

static void print_entry(const struct ck_cli *cli, const struct ck_account_entry *entry)
{
	const char *name = ck_cli_safe(entry->name), *home = ck_cli_safe(entry->home), *shell = ck_cli_safe(entry->shell);
	if (!cli->json) {
		/* passwd(5): the fifth field, a person's name, is nobody's business here */
		printf("%s:x:%llu:%llu::%s:%s\n", name, (unsigned long long)entry->uid_number, (unsigned long long)entry->gid_number, home, shell);
		return;
	}
	json_t *object = json_object();
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "uid_number", json_integer((json_int_t)entry->uid_number));
	json_object_set_new(object, "gid_number", json_integer((json_int_t)entry->gid_number));
	json_object_set_new(object, "home", json_string(home));
	json_object_set_new(object, "shell", json_string(shell));
	ck_output_print_json(object);
}

int ck_cli_account(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_arguments arguments;
	struct ck_account_entry entry;
	struct ck_errmsg err;
	enum ck_answer answer;
	uint64_t number = 0;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	/* a name begins with a letter */
	struct ck_text word = ck_text_of(arguments.words[0]), name = word;
	if (ck_uint_parse(word, 0, UINT32_MAX, &number) == CK_OK) name = (struct ck_text){ NULL, 0 };
	ck_ask_begin(&ask, CK_OP_ACCOUNT_ENTRY);
	ck_field_text(&ask.frame.map, CK_F_USER, name);
	if (name.at == NULL) ck_field_uint(&ask.frame.map, CK_F_UID_NUMBER, number);
	error = ck_ask_quietly(cli, &ask, &reply, &answer, &err);
	if (error == CK_ERR_DENIED) return ck_cli_complain(CK_ERR_NOT_FOUND, "nobody has an account '%s' here", ck_cli_safe(word));
	if (error != CK_OK) return ck_cli_complain(error, "%s", err.text);
	if (answer != CK_ANSWER_GRANTED || ck_account_entry_read(&reply, name, number, &entry) != CK_OK)
		return ck_cli_complain(CK_ERR_INTERNAL, "the daemon's reply is malformed");
	print_entry(cli, &entry);
	return CK_EXIT_OK;
}
