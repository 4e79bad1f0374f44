/* Options from one table a command; help is printed from the same table. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/cli.h"

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

void ck_command_print_help(const struct ck_command_help *help, FILE *to)
{
	fprintf(to, "usage: crosskeys %s %s%s\n%s\n", help->name, help->words, help->options[0].name != NULL ? " [OPTIONS]" : "", help->what);
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

static const char *global_value(int argc, char **argv, int *at)
{
	if (*at + 1 >= argc) {
		fprintf(stderr, "crosskeys: %s wants a value\n", argv[*at]);
		return NULL;
	}
	return argv[++*at];
}

/* CK_OK: it was a global option; CK_ERR_NOT_FOUND: it is none. */
static enum ck_error parse_global(struct ck_cli *cli, int argc, char **argv, int *at)
{
	const char *word = argv[*at], *value = NULL;
	if (strcmp(word, "--json") == 0) {
		cli->json = true;
		return CK_OK;
	}
	if (strcmp(word, "--yes") == 0) {
		cli->yes = true;
		return CK_OK;
	}
	if (strcmp(word, "--dir") != 0 && strcmp(word, "--socket") != 0 && strcmp(word, "--as") != 0 && strcmp(word, "--pin-fd") != 0)
		return CK_ERR_NOT_FOUND;
	if ((value = global_value(argc, argv, at)) == NULL) return CK_ERR_INVALID;
	if (strcmp(word, "--dir") == 0) {
		cli->socket = ck_cli_print("%s/run/gate.sock", value);
	} else if (strcmp(word, "--socket") == 0) {
		cli->socket = value;
	} else if (strcmp(word, "--as") == 0) {
		cli->as = value;
	} else {
		uint64_t fd = 0;
		if (ck_uint_parse(ck_text_of(value), 0, 65535, &fd) != CK_OK) {
			fprintf(stderr, "crosskeys: --pin-fd wants a descriptor's number, not '%s'\n", value);
			return CK_ERR_INVALID;
		}
		cli->pin_fd = (int)fd;
	}
	return CK_OK;
}

static enum ck_error parse_own(const struct ck_command_help *help, int argc, char **argv, int *at, struct ck_arguments *out)
{
	const char *word = argv[*at] + 2;
	for (size_t i = 0; help->options[i].name != NULL; i++) {
		const struct ck_option *option = &help->options[i];
		struct ck_values *values = &out->options[i];
		size_t length = strlen(option->name);
		if (strncmp(word, option->name, length) != 0 || (word[length] != '\0' && word[length] != '=')) continue;
		const char *value = word[length] == '=' ? word + length + 1 : NULL;
		if (option->type == CK_OPTION_FLAG) {
			if (value != NULL) break;
			values->count = 1;
			return CK_OK;
		}
		if (value == NULL && (value = global_value(argc, argv, at)) == NULL) return CK_ERR_INVALID;
		if ((option->type == CK_OPTION_ONE && values->count > 0) || values->count == CK_LIST_LIMIT) {
			fprintf(stderr, "crosskeys %s: --%s is given too often\n", help->name, option->name);
			return CK_ERR_INVALID;
		}
		values->at[values->count++] = value;
		return CK_OK;
	}
	fprintf(stderr, "crosskeys %s: there is no option '%s'; --help lists them\n", help->name, argv[*at]);
	return CK_ERR_INVALID;
}

enum ck_error ck_arguments_parse(struct ck_cli *cli, const struct ck_command_help *help, int argc, char **argv, struct ck_arguments *out)
{
	bool only_words = false;
	memset(out, 0, sizeof *out);
	for (int i = 0; i < argc; i++) {
		enum ck_error error = CK_ERR_NOT_FOUND;
		if (!only_words && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			ck_command_print_help(help, stdout);
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
