/* soft-key: makes and changes virtual keys from the shell. For tests and the demonstration; never installed. */
#include <dirent.h>
#include <getopt.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/soft_key.h"

struct options {
	const char *root, *pin;
	long owner_uid, owner_gid;
	bool builtin_uv, only_eddsa;
	unsigned abilities, only_rsa_bits;
	const char *maker; /* a file that `maker` wrote */
};

/* What a changing command wants of the state. */
struct edit {
	int count;
	char **words;
	bool done;
};

static int usage(FILE *to)
{
	fputs("usage: soft-key [--keys DIR] COMMAND        (DIR: else from CK_SOFT_KEYS)\n"
	      "  create NAME [--pin PIN] [--owner USER] [--builtin-uv] [--eddsa] [--rsa BITS] [--able WORD]... [--maker FILE]\n"
	      "                                WORD: u2f-only u2f-too no-rk no-protection no-pin uv-token protocol-2 only-protocol-2\n"
	      "                                always-uv uv-denies no-finger\n"
	      "  maker FILE                    makes a maker whose keys attest with certificates; FILE.root.pem is its root\n"
	      "  list                          names of the keys, one a line; unplugged ones too\n"
	      "  show NAME\n"
	      "  pin NAME PIN                  sets the PIN and all tries\n"
	      "  misbehave NAME WORD...        wrong-counter no-uv no-up other-rp garbage bad-signature no-touch other-credential removed\n"
	      "                                certificate slow=MS touch-limit=MS; none: behaves again\n"
	      "  fingers NAME WRONG [LEFT]     so many fingers to come are wrong ones; so many tries are left\n"
	      "  tries NAME LEFT               of the PIN\n"
	      "  trouble NAME WHAT WHEN        hung stuck busy gone slow (by slow=MS)  at  open init info probe assert create pin choice; none: well\n"
	      "  unplug NAME | plug NAME       plugging in allows three more wrong PINs in a row\n"
	      "  touch NAME                    takes no-touch away\n"
	      "  count NAME N                  sets the signature counters of its credentials\n",
	      to);
	return to == stdout ? 0 : 2;
}

static int fail(const struct ck_errmsg *err)
{
	fprintf(stderr, "soft-key: %s\n", err->text);
	return 1;
}

static bool parse_owner(const char *name, struct options *options)
{
	uint64_t uid;
	const struct passwd *user = getpwnam(name);
	if (user != NULL) {
		options->owner_uid = user->pw_uid;
		options->owner_gid = user->pw_gid;
		return true;
	}
	if (ck_uint_parse(ck_text_of(name), 0, UINT32_MAX, &uid) != CK_OK) return false;
	options->owner_uid = options->owner_gid = (long)uid;
	return true;
}

static int create(const struct options *options, const char *name)
{
	struct ck_soft_state *state = calloc(1, sizeof *state);
	struct ck_errmsg err;
	if (state == NULL) return 1;
	ck_soft_init_state(state);
	state->builtin_uv = options->builtin_uv;
	state->only_eddsa = options->only_eddsa;
	state->abilities = options->abilities;
	state->only_rsa_bits = options->only_rsa_bits;
	if (options->maker != NULL && !ck_soft_load_maker(options->maker, &state->maker)) {
		fprintf(stderr, "soft-key: %s holds no maker\n", options->maker);
		free(state);
		return 1;
	}
	if (options->pin != NULL && !ck_soft_set_pin(state, options->pin)) {
		fputs("soft-key: a PIN has 4 to 63 bytes\n", stderr);
		free(state);
		return 1;
	}
	enum ck_error error = ck_soft_create_key(options->root, name, state, options->owner_uid, options->owner_gid, &err);
	free(state);
	return error == CK_OK ? 0 : fail(&err);
}

static int make_maker(const char *path)
{
	static struct ck_soft_maker maker;
	const struct ck_soft_maker_wish usual = {.aaguid = NULL};
	if (ck_soft_make_maker(&maker, &usual) && ck_soft_save_maker(path, &maker)) return 0;
	fprintf(stderr, "soft-key: cannot write %s\n", path);
	return 1;
}

static void set_pin(struct ck_soft_state *state, void *context)
{
	struct edit *edit = context;
	edit->done = edit->count == 1 && ck_soft_set_pin(state, edit->words[0]);
}

static bool apply_word(struct ck_soft_state *state, const char *word)
{
	unsigned bit = ck_soft_misbehaviour_of_name(word);
	state->misbehaviour |= bit;
	return bit != 0 || sscanf(word, "slow=%u", &state->slow_ms) == 1 || sscanf(word, "touch-limit=%u", &state->touch_limit_ms) == 1;
}

static void misbehave(struct ck_soft_state *state, void *context)
{
	struct edit *edit = context;
	edit->done = true;
	state->misbehaviour = 0;
	state->slow_ms = 0;
	state->touch_limit_ms = 30000;
	if (edit->count == 1 && strcmp(edit->words[0], "none") == 0) return;
	for (int i = 0; i < edit->count; i++) edit->done = edit->done && apply_word(state, edit->words[i]);
}

static bool parse_number(const char *word, unsigned *out)
{
	uint64_t number;
	if (ck_uint_parse(ck_text_of(word), 0, 1000, &number) != CK_OK) return false;
	*out = (unsigned)number;
	return true;
}

static void fingers(struct ck_soft_state *state, void *context)
{
	struct edit *edit = context;
	edit->done = edit->count >= 1 && edit->count <= 2 && parse_number(edit->words[0], &state->wrong_fingers)
	             && (edit->count == 1 || parse_number(edit->words[1], &state->uv_retries));
}

static void tries(struct ck_soft_state *state, void *context)
{
	struct edit *edit = context;
	edit->done = edit->count == 1 && parse_number(edit->words[0], &state->retries);
}

static void trouble(struct ck_soft_state *state, void *context)
{
	struct edit *edit = context;
	state->trouble = CK_SOFT_WELL;
	state->trouble_at = CK_SOFT_AT_NONE;
	edit->done = (edit->count == 1 && strcmp(edit->words[0], "none") == 0)
	             || (edit->count == 2 && ck_soft_trouble_of_names(edit->words[0], edit->words[1], &state->trouble, &state->trouble_at));
}

static void unplug(struct ck_soft_state *state, void *context)
{
	state->misbehaviour |= CK_SOFT_REMOVED;
	((struct edit *)context)->done = true;
}

static void plug(struct ck_soft_state *state, void *context)
{
	state->misbehaviour &= ~(unsigned)CK_SOFT_REMOVED;
	state->wrong_in_a_row = 0;
	((struct edit *)context)->done = true;
}

static void touch(struct ck_soft_state *state, void *context)
{
	state->misbehaviour &= ~(unsigned)CK_SOFT_NO_TOUCH;
	((struct edit *)context)->done = true;
}

/* What it says at the next touch is one more. */
static void set_count(struct ck_soft_state *state, void *context)
{
	struct edit *edit = context;
	uint64_t count;
	if (edit->count != 1 || ck_uint_parse(ck_text_of(edit->words[0]), 0, UINT32_MAX, &count) != CK_OK) return;
	for (size_t i = 0; i < state->count; i++) state->credentials[i].count = (uint32_t)count;
	edit->done = true;
}

static void print_state(const struct ck_soft_state *state)
{
	char hex[2 * sizeof state->credentials[0].id + 1];
	printf("pin %s, %u tries left, %u shown\nmisbehaviour", state->pin_set ? "set" : "not set", state->retries, state->pins_seen);
	for (unsigned bit = 1; bit <= CK_SOFT_CERTIFICATE; bit <<= 1)
		if (state->misbehaviour & bit) printf(" %s", ck_soft_misbehaviour_name(bit));
	printf("%s slow=%u touch-limit=%u\n", state->misbehaviour == 0 ? " none" : "", state->slow_ms, state->touch_limit_ms);
	for (size_t i = 0; i < state->count; i++) {
		const struct ck_soft_credential *c = &state->credentials[i];
		printf("credential %s %s count=%u %s\n", ck_hex_encode(c->id, c->id_length, hex, sizeof hex),
		       c->algorithm == CK_SOFT_EDDSA ? "EdDSA" : c->algorithm == CK_SOFT_RS256 ? "RS256" : "ES256", c->count, c->rp_id);
	}
}

static int list(const char *root)
{
	DIR *dir = opendir(root);
	if (dir == NULL) {
		perror(root);
		return 1;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.') puts(entry->d_name);
	closedir(dir);
	return 0;
}

static int run(const struct options *options, int count, char **words)
{
	static const struct {
		const char *name;
		ck_soft_change change;
	} changes[] = {{"pin", set_pin}, {"misbehave", misbehave}, {"unplug", unplug}, {"plug", plug}, {"touch", touch},
	               {"fingers", fingers}, {"tries", tries}, {"trouble", trouble}, {"count", set_count}};
	char path[512];
	struct ck_errmsg err = {""};
	if (count == 1 && strcmp(words[0], "list") == 0) return list(options->root);
	if (count < 2) return usage(stderr);
	if (count == 2 && strcmp(words[0], "maker") == 0) return make_maker(words[1]);
	if (count == 2 && strcmp(words[0], "create") == 0) return create(options, words[1]);
	snprintf(path, sizeof path, "%s/%s", options->root, words[1]);
	if (count == 2 && strcmp(words[0], "show") == 0) {
		struct ck_soft_state *state = calloc(1, sizeof *state);
		enum ck_error error = state != NULL ? ck_soft_load(path, state, &err) : CK_ERR_MEMORY;
		if (error == CK_OK) print_state(state);
		free(state);
		return error == CK_OK ? 0 : fail(&err);
	}
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		if (strcmp(words[0], changes[i].name) != 0) continue;
		struct edit edit = {count - 2, words + 2, false};
		if (ck_soft_update(path, changes[i].change, &edit, &err) != CK_OK) return fail(&err);
		return edit.done ? 0 : usage(stderr);
	}
	return usage(stderr);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"keys", required_argument, NULL, 'k'},  {"pin", required_argument, NULL, 'p'}, {"owner", required_argument, NULL, 'o'},
		{"builtin-uv", no_argument, NULL, 'u'},  {"eddsa", no_argument, NULL, 'e'},     {"help", no_argument, NULL, 'h'},
		{"rsa", required_argument, NULL, 'r'},   {"able", required_argument, NULL, 'a'}, {"maker", required_argument, NULL, 'm'},
		{NULL, 0, NULL, 0},
	};
	struct options options = {.root = getenv("CK_SOFT_KEYS"), .owner_uid = -1, .owner_gid = -1};
	if (sodium_init() < 0) return 1;
	for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		switch (option) {
		case 'k': options.root = optarg; break;
		case 'p': options.pin = optarg; break;
		case 'u': options.builtin_uv = true; break;
		case 'e': options.only_eddsa = true; break;
		case 'o':
			if (!parse_owner(optarg, &options)) return usage(stderr);
			break;
		case 'm': options.maker = optarg; break;
		case 'r':
			options.only_rsa_bits = (unsigned)strtoul(optarg, NULL, 10);
			if (options.only_rsa_bits < 512 || options.only_rsa_bits > 4096) return usage(stderr);
			break;
		case 'a':
			if (ck_soft_ability_of_name(optarg) == 0) return usage(stderr);
			options.abilities |= ck_soft_ability_of_name(optarg);
			break;
		case 'h': return usage(stdout);
		default: return usage(stderr);
		}
	}
	if (options.root == NULL || optind >= argc) return usage(stderr);
	return run(&options, argc - optind, argv + optind);
}
