/* `crosskeys apply FILE`: many changes, one touch. Each line is a change as it would stand behind `crosskeys`: kind, verb, words, options. */
#include <errno.h>
#include <string.h>

#include "authd/cli/plan.h"

#define LINE_LIMIT_BYTES 8192

int ck_apply_split(char *line, char *words[CK_APPLY_WORDS_LIMIT])
{
	int count = 0;
	char *at = line, *to = line;
	while (count < CK_APPLY_WORDS_LIMIT) {
		while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r') at++;
		if (*at == '\0' || *at == '#') return count;
		words[count++] = to;
		char quote = '\0';
		for (; *at != '\0' && (quote != '\0' || strchr(" \t\r\n", *at) == NULL); at++) {
			if (quote == '\0' && (*at == '"' || *at == '\'')) {
				quote = *at;
			} else if (quote != '\0' && *at == quote) {
				quote = '\0';
			} else {
				if (*at == '\\' && quote != '\'' && at[1] != '\0') at++;
				*to++ = *at;
			}
		}
		if (quote != '\0') return -1;
		if (*at != '\0') at++;
		*to++ = '\0';
	}
	return -1;
}

static enum ck_error plan_line(struct ck_cli *cli, const char *file, unsigned number, const char *line, struct ck_plan *plan)
{
	char *words[CK_APPLY_WORDS_LIMIT];
	/* a copy: the words live in the plan until it is ordered */
	int count = ck_apply_split(ck_cli_copy(ck_text_of(line)), words);
	if (count == 0) return CK_OK;
	if (count < 0) {
		(void)ck_cli_complain(CK_ERR_INVALID, "%s:%u: a quote is left open, or there are too many words", file, number);
		return CK_ERR_INVALID;
	}
	for (int i = 0; i < count; i++) {
		if (!ck_option_is_global(words[i])) continue;
		(void)ck_cli_complain(CK_ERR_INVALID, "%s:%u: %s stands behind `crosskeys apply`, not in the file", file, number, words[i]);
		return CK_ERR_INVALID;
	}
	enum ck_error error = ck_kind_plan(cli, count, words, plan);
	if (error != CK_OK) fprintf(stderr, "crosskeys: %s:%u: that line cannot be planned; nothing was changed\n", file, number);
	return error;
}

static const struct ck_option no_options[] = { { NULL, 0, NULL, NULL } };
static const struct ck_command_help help = { "apply", "FILE|-",
	"Orders all changes of a file with one touch: a line each, as behind `crosskeys`, for example: grant add bob caseworker --until +90d "
	"--why \"covers for Ann\". Later lines may name what earlier ones add. Blank lines and # comments are passed over.", 1, 1, no_options };

int ck_cli_apply(struct ck_cli *cli, int argc, char **argv)
{
	static struct ck_plan plan;
	static char line[LINE_LIMIT_BYTES];
	struct ck_arguments arguments;
	unsigned number = 0;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	const char *name = arguments.words[0];
	FILE *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
	if (file == NULL) return ck_cli_complain(CK_ERR_NOT_FOUND, "%s: %s", name, strerror(errno));
	while (error == CK_OK && fgets(line, sizeof line, file) != NULL) {
		number++;
		if (strchr(line, '\n') == NULL && !feof(file)) {
			(void)ck_cli_complain(CK_ERR_LIMIT, "%s:%u: a line has at most %d bytes", name, number, LINE_LIMIT_BYTES - 1);
			error = CK_ERR_LIMIT;
		} else {
			error = plan_line(cli, name, number, line, &plan);
		}
	}
	if (file != stdin) fclose(file);
	return error == CK_OK ? ck_plan_order(cli, &plan) : ck_exit_of(error);
}
