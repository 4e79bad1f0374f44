/* `crosskeys find`: a person of any authority, by words or by what is exactly theirs. */
#include <string.h>

#include "authd/cli/output.h"

#define PAGES_LIMIT 5 /* of --more: a hundred people; who needs more says what else they know */

static const struct ck_option find_options[] = {
	{ "purpose", CK_OPTION_ONE, "TEXT", "what it is for; recorded with whom was found in other authorities" },
	{ "more", CK_OPTION_FLAG, NULL, "up to 100 instead of the best 20" },
	{ "from", CK_OPTION_ONE, "CURSOR", "go on where an earlier answer ended" },
	{ NULL, 0, NULL, NULL },
};
static const struct ck_command_help find_help = { "find", "WORDS…",
	"Finds people of any authority: words in any order of name, authority, department, job title; beginnings and small errors count, too. Or a login\n"
	"name, mail address, telephone number, or staff number of one's own authority. For staff (with --as, or by their own account) and root.",
	1, 8, find_options };

struct asked {
	char words[CK_QUERY_LIMIT_BYTES + 1];
	uint8_t cursor[CK_PEOPLE_CURSOR_LIMIT_BYTES];
	bool with_cursor, cut;
	const char *purpose;
};

static enum ck_error join_words(const struct ck_arguments *arguments, struct asked *out)
{
	size_t used = 0;
	for (size_t i = 0; i < arguments->count; i++) {
		size_t length = strlen(arguments->words[i]);
		if (length + 1 > sizeof out->words - used - 1) {
			(void)ck_cli_complain(CK_ERR_LIMIT, "more than %d bytes of words", CK_QUERY_LIMIT_BYTES);
			return CK_ERR_LIMIT;
		}
		if (i > 0) out->words[used++] = ' ';
		memcpy(out->words + used, arguments->words[i], length);
		used += length;
	}
	out->words[used] = '\0';
	return CK_OK;
}

static enum ck_error read_asked(const struct ck_arguments *arguments, struct asked *out)
{
	const char *from = ck_argument(&find_help, arguments, "from");
	memset(out, 0, sizeof *out);
	out->purpose = ck_argument(&find_help, arguments, "purpose");
	if (out->purpose != NULL && strlen(out->purpose) > CK_PURPOSE_LIMIT_BYTES) {
		(void)ck_cli_complain(CK_ERR_LIMIT, "--purpose has more than %d bytes", CK_PURPOSE_LIMIT_BYTES);
		return CK_ERR_LIMIT;
	}
	out->with_cursor = from != NULL;
	if (from != NULL && ck_hex_decode(ck_text_of(from), out->cursor, sizeof out->cursor) != CK_OK) {
		(void)ck_cli_complain(CK_ERR_INVALID, "--from: '%s' is nothing that an answer ended with", from);
		return CK_ERR_INVALID;
	}
	return join_words(arguments, out);
}

static enum ck_error ask_page(struct ck_cli *cli, struct asked *asked, struct ck_table *table)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	struct ck_items items;
	struct ck_item item;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_FIND);
	ck_field_string(&ask.frame.map, CK_F_NAME, asked->words);
	if (asked->with_cursor) ck_field_bytes(&ask.frame.map, CK_F_CURSOR, asked->cursor, sizeof asked->cursor);
	ck_field_string(&ask.frame.map, CK_F_PURPOSE, asked->purpose);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	bool malformed = ck_map_array(&reply, CK_F_ENTRIES, 1000, &items) != CK_OK;
	while (!malformed && ck_items_next(&items, &item)) {
		struct ck_cli_entry *entry = NULL;
		malformed = item.type != CK_CBOR_BYTES || ck_cli_entry_decode(item.span, &entry) != CK_OK;
		if (!malformed) ck_table_add(entry, table);
	}
	asked->with_cursor = !malformed && ck_map_fixed(&reply, CK_F_CURSOR, asked->cursor, sizeof asked->cursor) == CK_OK;
	asked->cut = asked->cut || ck_map_bool_or(&reply, CK_F_CUT, false);
	if (malformed) (void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon's reply is malformed");
	return malformed ? CK_ERR_INTERNAL : CK_OK;
}

/* Behind the table, for a person; whoever reads the table by a program does not see it. */
static void say_rest(const struct asked *asked)
{
	char cursor[2 * sizeof asked->cursor + 1];
	if (asked->cut) fprintf(stderr, "so many fit that not all were looked at: another word helps\n");
	if (asked->with_cursor) fprintf(stderr, "there may be others who fit less: --from %s\n", ck_hex_encode(asked->cursor, sizeof asked->cursor, cursor, sizeof cursor));
}

int ck_cli_find(struct ck_cli *cli, int argc, char **argv)
{
	static const char *const columns[] = { "uid", "cn", "title", "departmentNumber", "o", "mail", "telephoneNumber", "employeeNumber", NULL };
	struct ck_table table = { .cli = cli, .columns = columns };
	struct ck_arguments arguments;
	struct asked asked;
	enum ck_error error = ck_arguments_parse(cli, &find_help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	error = read_asked(&arguments, &asked);
	if (error == CK_OK) error = ck_cli_become(cli);
	int pages = ck_arguments_of(&find_help, &arguments, "more")->count > 0 ? PAGES_LIMIT : 1;
	do {
		if (error == CK_OK) error = ask_page(cli, &asked, &table);
	} while (error == CK_OK && asked.with_cursor && --pages > 0);
	if (error != CK_OK) return ck_exit_of(error);
	if (table.count == 0) return ck_cli_complain(CK_ERR_NOT_FOUND, "nobody is known by '%s'", ck_cli_safe(ck_text_of(asked.words)));
	ck_table_print(&table);
	say_rest(&asked);
	return CK_EXIT_OK;
}
