/* Options from one table a command; help is printed from the same table. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/cli.h"

#ifdef CK_SANITIZED
/* The program is one short run and gives its memory back by ending (cli.h): that is no leak. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) { return "detect_leaks=0"; }
#endif

void *ck_cli_allocate(size_t bytes)
{
	void *memory = calloc(1, bytes > 0 ? bytes : 1);
	if (memory == NULL) {
		fputs("crosskeys: out of memory\n", stderr);
		exit(CK_EXIT_FAILED);
	}
	return memory;
}

char *ck_cli_copy(struct ck_text text)
{
	char *copy = ck_cli_allocate(text.length + 1);
	if (text.length > 0) memcpy(copy, text.at, text.length);
	return copy;
}

char *ck_cli_print(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0) text = NULL;
	va_end(args);
	if (text == NULL) {
		fputs("crosskeys: out of memory\n", stderr);
		exit(CK_EXIT_FAILED);
	}
	return text;
}

const char *ck_cli_safe(struct ck_text text)
{
	if (text.at == NULL) return "";
	if (ck_text_is_printable_utf8(text)) return ck_cli_copy(text);
	size_t bytes = 4 * text.length + 8;
	return ck_escape(ck_bytes_of(text), ck_cli_allocate(bytes), bytes);
}

int ck_cli_complain(enum ck_error error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("crosskeys: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return ck_exit_of(error);
}

static void print_help(const struct ck_command_help *help, FILE *to)
{
	fprintf(to, "usage: crosskeys %s%s%s%s\n%s\n", help->name, help->words[0] != '\0' ? " " : "", help->words,
	        help->options[0].name != NULL ? " [OPTIONS]" : "", help->what);
	if (help->options[0].name != NULL) fputc('\n', to);
	for (const struct ck_option *option = help->options; option->name != NULL; option++) {
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s%s", option->name, option->value_name != NULL ? " " : "",
		         option->value_name != NULL ? option->value_name : "", option->type == CK_OPTION_MANY ? " …" : "");
		/* the ellipsis is three bytes and one column */
		fprintf(to, "  %-*s %s\n", option->type == CK_OPTION_MANY ? 28 : 26, left, option->help);
	}
	fprintf(to, "\n`crosskeys --help` lists the options that every command takes.\n");
}

/* --NAME or --NAME=VALUE. */
static bool is_option(const char *word, const char *name, const char **out_value)
{
	size_t length = strlen(name);
	if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, name, length) != 0) return false;
	const char *end = word + 2 + length;
	*out_value = *end == '=' ? end + 1 : NULL;
	return *end == '\0' || *end == '=';
}

/* The value behind the sign, or the next word: not another option, whose own value would then be taken for a word. */
static enum ck_error take_value(const char *name, int argc, char **argv, int *at, const char **value)
{
	if (*value != NULL) return CK_OK;
	if (*at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0) {
		*value = argv[++*at];
		return CK_OK;
	}
	(void)ck_cli_complain(CK_ERR_INVALID, "--%s wants a value (one that begins with -- is written --%s=VALUE)", name, name);
	return CK_ERR_INVALID;
}

enum global { GLOBAL_JSON, GLOBAL_YES, GLOBAL_DIR, GLOBAL_SOCKET, GLOBAL_AS, GLOBAL_PIN_FD, GLOBALS };
static const struct {
	const char *name;
	bool takes_value;
} globals[GLOBALS] = { [GLOBAL_JSON] = { "json", false }, [GLOBAL_YES] = { "yes", false },   [GLOBAL_DIR] = { "dir", true },
	               [GLOBAL_SOCKET] = { "socket", true }, [GLOBAL_AS] = { "as", true }, [GLOBAL_PIN_FD] = { "pin-fd", true } };

static enum global global_of(const char *word, const char **out_value)
{
	for (size_t i = 0; i < GLOBALS; i++)
		if (is_option(word, globals[i].name, out_value) && (globals[i].takes_value || *out_value == NULL)) return (enum global)i;
	return GLOBALS;
}

bool ck_option_is_global(const char *word)
{
	const char *value = NULL;
	return global_of(word, &value) != GLOBALS || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* CK_OK: it was a global option; CK_ERR_NOT_FOUND: it is none. */
static enum ck_error parse_global(struct ck_cli *cli, int argc, char **argv, int *at)
{
	const char *value = NULL;
	uint64_t fd = 0;
	enum global global = global_of(argv[*at], &value);
	if (global == GLOBALS) return CK_ERR_NOT_FOUND;
	if (globals[global].takes_value && take_value(globals[global].name, argc, argv, at, &value) != CK_OK) return CK_ERR_INVALID;
	switch (global) {
	case GLOBAL_JSON: cli->json = true; break;
	case GLOBAL_YES: cli->yes = true; break;
	case GLOBAL_DIR: cli->socket = ck_cli_print("%s/run/gate.sock", value); break;
	case GLOBAL_SOCKET: cli->socket = value; break;
	case GLOBAL_AS: cli->as = value; break;
	case GLOBAL_PIN_FD:
		if (ck_uint_parse(ck_text_of(value), 0, 65535, &fd) != CK_OK) {
			(void)ck_cli_complain(CK_ERR_INVALID, "--pin-fd wants a descriptor's number, not '%s'", value);
			return CK_ERR_INVALID;
		}
		cli->pin_fd = (int)fd;
		break;
	case GLOBALS: return CK_ERR_NOT_FOUND;
	}
	return CK_OK;
}

static enum ck_error parse_own(const struct ck_command_help *help, int argc, char **argv, int *at, struct ck_arguments *out)
{
	for (size_t i = 0; help->options[i].name != NULL; i++) {
		const struct ck_option *option = &help->options[i];
		struct ck_values *values = &out->options[i];
		const char *value = NULL;
		if (!is_option(argv[*at], option->name, &value)) continue;
		if (option->type == CK_OPTION_FLAG) {
			if (value != NULL) break;
			values->count = 1;
			return CK_OK;
		}
		if (take_value(option->name, argc, argv, at, &value) != CK_OK) return CK_ERR_INVALID;
		if ((option->type == CK_OPTION_ONE && values->count > 0) || values->count == CK_LIST_LIMIT) {
			if (option->type == CK_OPTION_ONE)
				fprintf(stderr, "crosskeys %s: --%s is given twice, and takes one value\n", help->name, option->name);
			else
				fprintf(stderr, "crosskeys %s: --%s is given more than %d times\n", help->name, option->name, CK_LIST_LIMIT);
			return CK_ERR_INVALID;
		}
		values->at[values->count++] = value;
		return CK_OK;
	}
	fprintf(stderr, "crosskeys %s: there is no option '%s'; `crosskeys %s --help` lists them\n", help->name, argv[*at], help->name);
	return CK_ERR_INVALID;
}

enum ck_error ck_arguments_parse(struct ck_cli *cli, const struct ck_command_help *help, int argc, char **argv, struct ck_arguments *out)
{
	bool only_words = false;
	memset(out, 0, sizeof *out);
	for (int i = 0; i < argc; i++) {
		enum ck_error error = CK_ERR_NOT_FOUND;
		if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			print_help(help, stdout);
			return CK_ERR_CANCELLED;
		}
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			continue;
		}
		if (!only_words) error = parse_global(cli, argc, argv, &i);
		if (error == CK_ERR_NOT_FOUND && !only_words && strncmp(argv[i], "--", 2) == 0) error = parse_own(help, argc, argv, &i, out);
		if (error == CK_OK) continue;
		if (error != CK_ERR_NOT_FOUND) return error;
		if (out->count == sizeof out->words / sizeof out->words[0]) {
			fprintf(stderr, "crosskeys %s: too many words\n", help->name);
			return CK_ERR_INVALID;
		}
		out->words[out->count++] = argv[i];
	}
	if (out->count < help->words_min || out->count > help->words_max) {
		fprintf(stderr, "crosskeys %s: expected %s; --help says more\n", help->name, help->words[0] != '\0' ? help->words : "no words");
		return CK_ERR_INVALID;
	}
	return CK_OK;
}

int ck_arguments_exit(enum ck_error error)
{
	return error == CK_ERR_CANCELLED ? CK_EXIT_OK : ck_exit_of(error);
}

const struct ck_values *ck_arguments_of(const struct ck_command_help *help, const struct ck_arguments *arguments, const char *name)
{
	for (size_t i = 0; help->options[i].name != NULL; i++)
		if (strcmp(help->options[i].name, name) == 0) return &arguments->options[i];
	ck_panic(__FILE__, __LINE__, name);
}

const char *ck_argument(const struct ck_command_help *help, const struct ck_arguments *arguments, const char *name)
{
	const struct ck_values *values = ck_arguments_of(help, arguments, name);
	return values->count > 0 ? values->at[0] : NULL;
}
