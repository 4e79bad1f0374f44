/* The options of a line in a PAM service file, cut at NULs: what is accepted lies within its limits, and what is not leaves the defaults. */
#include <stdlib.h>
#include <string.h>

#include "pam_module/pam_options.h"
#include "tests/fuzz/fuzz.h"

#define WORDS 16
#define WORD_BYTES 512

static bool is_same(const struct ck_pam_options *a, const struct ck_pam_options *b)
{
	return strcmp(a->socket, b->socket) == 0 && strcmp(a->local, b->local) == 0 && strcmp(a->account, b->account) == 0 &&
	       a->subject == b->subject && a->timeout_ms == b->timeout_ms && a->debug == b->debug;
}

static void check(const struct ck_pam_options *options)
{
	if (options->socket[0] != '/' || options->local[0] != '/' || strlen(options->socket) > CK_PAM_SOCKET_LIMIT_BYTES) abort();
	if (options->timeout_ms < CK_PAM_TIMEOUT_MIN_S * 1000 || options->timeout_ms > CK_PAM_TIMEOUT_MAX_S * 1000) abort();
	if (options->account[0] != '\0' && !ck_pam_is_account(options->account)) abort();
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static char words[WORDS][WORD_BYTES];
	const char *argv[WORDS];
	struct ck_pam_options options, defaults;
	struct ck_errmsg err = { "" };
	int argc = 0;
	for (size_t at = 0, length = 0; at < size && argc < WORDS; at += length + 1) {
		length = strnlen((const char *)data + at, size - at);
		if (length >= WORD_BYTES) return;
		memcpy(words[argc], data + at, length);
		words[argc][length] = '\0';
		argv[argc] = words[argc];
		argc++;
	}
	if (ck_pam_options_parse(0, NULL, &defaults, NULL) != CK_OK) abort();
	enum ck_error error = ck_pam_options_parse(argc, argv, &options, &err);
	check(&options);
	if (error != CK_OK && (err.text[0] == '\0' || !is_same(&options, &defaults))) abort();
}
