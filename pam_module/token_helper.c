/* crosskeys-token: one conversation over one socket (enum ck_token_message), then it ends. It is given a request, finds the key, asks for
   the PIN and the touch, and hands over what the key signed. Trusts neither the client nor the keys. */
#include "pam_module/token_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define USAGE "usage: crosskeys-token [--fd N]\nIt is started by crosskeysd; see crosskeys-token(8).\n"
#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_PROTOCOL 2

/* ---- the request ---- */
static bool parse_allow(struct ck_token *token, const struct ck_map *map)
{
	struct ck_items items;
	struct ck_item item;
	enum ck_error error = ck_map_array(map, CK_F_ALLOW, CK_ALLOW_LIMIT, &items);
	if (error == CK_ERR_NOT_FOUND && token->create) return true;
	if (error != CK_OK) return false;
	while (ck_items_next(&items, &item)) {
		if (item.type != CK_CBOR_BYTES || item.span.length < 1 || item.span.length > CK_TOKEN_CREDENTIAL_ID_LIMIT_BYTES) return false;
		token->allow[token->allow_count++] = item.span;
	}
	return true;
}

static bool parse_user(struct ck_token *token, const struct ck_map *map)
{
	if (!token->create) return true;
	if (ck_map_bytes(map, CK_F_ID, 1, CK_TOKEN_USER_HANDLE_LIMIT_BYTES, &token->user_handle) != CK_OK) return false;
	if (ck_map_string(map, CK_F_USER, token->user, sizeof token->user) != CK_OK) return false;
	enum ck_error error = ck_map_string(map, CK_F_NAME, token->name, sizeof token->name);
	if (error == CK_ERR_NOT_FOUND) memcpy(token->name, token->user, sizeof token->name);
	return error == CK_OK || error == CK_ERR_NOT_FOUND;
}

static bool parse_request(struct ck_token *token, const struct ck_map *map)
{
	const ck_keys both = CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_RP_ID) | CK_KEY(CK_F_VERIFY) | CK_KEY(CK_F_TIME);
	const ck_keys user = CK_KEY(CK_F_ID) | CK_KEY(CK_F_USER) | CK_KEY(CK_F_CHALLENGE);
	const ck_keys what = CK_KEY((map->present & CK_KEY(CK_F_BODY)) != 0 ? CK_F_BODY : CK_F_CHALLENGE);
	uint64_t type, wait_ms;
	if (ck_map_uint(map, CK_F_TYPE, CK_TOKEN_ASSERT, CK_TOKEN_CREATE, &type) != CK_OK || type == CK_TOKEN_PIN) return false;
	token->create = type == CK_TOKEN_CREATE;
	enum ck_error error = token->create ? ck_map_expect(map, both | user, CK_KEY(CK_F_NAME) | CK_KEY(CK_F_ALLOW))
	                                    : ck_map_expect(map, both | what | CK_KEY(CK_F_ALLOW), 0);
	if (error == CK_OK && !token->create && what == CK_KEY(CK_F_BODY))
		error = ck_map_bytes(map, CK_F_BODY, 1, CK_TOKEN_SIGNED_LIMIT_BYTES, &token->signed_bytes);
	else if (error == CK_OK)
		error = ck_map_fixed(map, CK_F_CHALLENGE, token->challenge, sizeof token->challenge);
	if (error != CK_OK || ck_map_string(map, CK_F_RP_ID, token->rp_id, sizeof token->rp_id) != CK_OK || token->rp_id[0] == '\0'
	    || ck_map_bool(map, CK_F_VERIFY, &token->verify) != CK_OK || ck_map_uint(map, CK_F_TIME, 0, UINT32_MAX, &wait_ms) != CK_OK)
		return false;
	if (wait_ms > CK_TOKEN_TIME_LIMIT_MS) wait_ms = CK_TOKEN_TIME_LIMIT_MS;
	token->deadline_ms = ck_clock_monotonic_ms() + (int64_t)wait_ms;
	return parse_allow(token, map) && parse_user(token, map);
}

static enum ck_token_outcome take_request(struct ck_token *token)
{
	struct ck_map map;
	token->deadline_ms = ck_clock_monotonic_ms() + CK_TOKEN_REQUEST_TIMEOUT_MS;
	enum ck_token_outcome outcome = ck_token_receive(token, token->memory->request, sizeof token->memory->request, token->deadline_ms, &map);
	if (outcome == CK_TOKEN_OK && !parse_request(token, &map)) outcome = CK_TOKEN_GARBAGE;
	return outcome;
}

static int exit_code_of(enum ck_token_outcome outcome)
{
	if (outcome == CK_TOKEN_GARBAGE) return EXIT_PROTOCOL;
	return outcome == CK_TOKEN_OK ? EXIT_DONE : EXIT_FAILED;
}

/* The answer goes first, then the keys are stopped. */
static void converse(struct ck_token *token)
{
	enum ck_token_outcome outcome = take_request(token);
	token->code = exit_code_of(outcome);
	if (outcome == CK_TOKEN_OK && (token->board = ck_token_board_open(token)) == NULL) outcome = CK_TOKEN_DEVICE_ERROR;
	else if (outcome == CK_TOKEN_OK) outcome = ck_token_serve(token);
	token->code = exit_code_of(outcome);
	if (token->code == EXIT_FAILED) ck_token_say_failed(token, outcome);
}

int ck_token_run(int fd, const struct ck_token_source *source)
{
	struct ck_token token = {.fd = fd, .source = source, .code = EXIT_FAILED};
	void *memory = mmap(NULL, sizeof(struct ck_token_memory), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) return EXIT_FAILED;
	token.memory = memory;
	if (mlock(memory, sizeof(struct ck_token_memory)) != 0 || madvise(memory, sizeof(struct ck_token_memory), MADV_DONTDUMP) != 0) {
		fprintf(stderr, "crosskeys-token: no memory can be locked for the PIN: %s\n", strerror(errno));
		ck_token_say_failed(&token, CK_TOKEN_DEVICE_ERROR);
	} else {
		converse(&token);
	}
	/* a thread that hangs still reads this memory, and would take an empty PIN for one: the kernel clears it a moment later */
	if (token.board != NULL && !ck_token_board_close(token.board)) _exit(token.code);
	ck_wipe(memory, sizeof(struct ck_token_memory));
	(void)munmap(memory, sizeof(struct ck_token_memory));
	return token.code;
}

/* ---- the program ---- */
int ck_token_main(int argc, char **argv, const struct ck_token_source *source)
{
	uint64_t fd = 3;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(USAGE, stdout);
		return EXIT_DONE;
	}
	if (argc == 3 && strcmp(argv[1], "--fd") == 0 && ck_uint_parse(ck_text_of(argv[2]), 0, 1 << 20, &fd) != CK_OK) argc = -1;
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--fd") != 0)) {
		fputs(USAGE, stderr);
		return EXIT_PROTOCOL;
	}
	struct ck_errmsg err;
	if (ck_token_confine(source, &err) != CK_OK) {
		fprintf(stderr, "crosskeys-token: cannot confine itself: %s\n", err.text);
		return EXIT_FAILED;
	}
	return ck_token_run((int)fd, source);
}
