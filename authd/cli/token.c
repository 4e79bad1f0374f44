/* The conversation with the token helper, whose socket the daemon hands out: the PIN goes there and nowhere else. */
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "authd/cli/cli.h"
#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define TOUCH_TIMEOUT_MS 60000
#define HELPER_TIMEOUT_MS (TOUCH_TIMEOUT_MS - 1500) /* its own "timeout" says more than our silence: let it come first */

/* The reply of the daemon is overwritten by the next receive, so the request is copied before. */
struct copied {
	uint8_t challenge[CK_CHALLENGE_BYTES];
	struct ck_text rp_id;
	struct ck_bytes allow;
};

static struct ck_bytes copy_bytes(struct ck_bytes bytes)
{
	uint8_t *copy = ck_cli_allocate(bytes.length);
	if (bytes.length > 0) memcpy(copy, bytes.at, bytes.length);
	return (struct ck_bytes){ copy, bytes.length };
}

/* Gets the helper's socket from the daemon. */
static enum ck_error open_helper(struct ck_cli *cli, struct ck_client *out)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_LOGIN_TOKEN);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	if (answer != CK_ANSWER_GRANTED || cli->client.passed_fd < 0) {
		(void)ck_cli_complain(CK_ERR_UNAVAILABLE, "the daemon cannot reach the security keys of this machine");
		return CK_ERR_UNAVAILABLE;
	}
	if (!ck_client_is_roots_pair(cli->client.passed_fd)) { /* the next request closes it */
		(void)ck_cli_complain(CK_ERR_DENIED, "the key's helper is not one that root started: no PIN is given to it; tell whoever runs this machine");
		return CK_ERR_DENIED;
	}
	int fd = cli->client.passed_fd;
	cli->client.passed_fd = -1;
	return ck_client_adopt(out, fd);
}

static bool read_line(int fd, char *out, size_t out_bytes)
{
	size_t used = 0;
	char c;
	while (read(fd, &c, 1) == 1) {
		if (c == '\n') {
			out[used] = '\0';
			return true;
		}
		if (used + 1 < out_bytes) out[used++] = c;
	}
	out[used] = '\0';
	return used > 0;
}

bool ck_cli_ask_hidden(const struct ck_cli *cli, const char *prompt, char *out, size_t out_bytes)
{
	struct termios before, quiet;
	if (cli->pin_fd >= 0) return read_line(cli->pin_fd, out, out_bytes);
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
		fputs("crosskeys: something is to be typed that nobody shall see, and there is no terminal to ask at; use --pin-fd\n", stderr);
		return false;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "%s: ", prompt);
	bool read = read_line(STDIN_FILENO, out, out_bytes);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return read;
}

static enum ck_error send_pin(struct ck_cli *cli, struct ck_client *helper, const struct ck_map *message, int64_t deadline_ms)
{
	struct ck_frame_out frame;
	uint8_t bytes[128];
	char pin[CK_PIN_LIMIT_BYTES + 1] = "";
	struct ck_text prompt = ck_map_text_or(message, CK_F_MESSAGE, 512, (struct ck_text){ NULL, 0 });
	size_t length = 0;
	enum ck_error error = CK_ERR_CANCELLED;
	if (ck_cli_ask_hidden(cli, prompt.length > 0 ? ck_cli_safe(prompt) : "PIN of your security key", pin, sizeof pin)) {
		ck_frame_begin(&frame, bytes, sizeof bytes);
		ck_field_uint(&frame.map, CK_F_TYPE, CK_TOKEN_PIN);
		ck_field_bytes(&frame.map, CK_F_CODE, pin, strlen(pin));
		error = ck_frame_end(&frame, &length);
		if (error == CK_OK) error = ck_client_send(helper, bytes, length, -1, deadline_ms);
	}
	ck_wipe(pin, sizeof pin);
	ck_wipe(bytes, sizeof bytes);
	return error;
}

/* Says what the helper says, answers for the PIN, until the message of the wanted type comes. */
static enum ck_error converse(struct ck_cli *cli, struct ck_client *helper, uint64_t wanted, struct ck_map *message)
{
	int64_t deadline_ms = ck_clock_monotonic_ms() + TOUCH_TIMEOUT_MS;
	for (;;) {
		uint64_t type = 0;
		enum ck_error error = ck_client_receive(helper, message, deadline_ms, -1);
		if (error == CK_OK) error = ck_map_uint(message, CK_F_TYPE, CK_TOKEN_SAY, CK_TOKEN_FAILED, &type);
		if (error != CK_OK) {
			(void)ck_cli_complain(error, "the key's helper stopped (%s); try again", ck_error_name(error));
			return error;
		}
		struct ck_text text = ck_map_text_or(message, CK_F_MESSAGE, 512, ck_text_of("the security key failed"));
		if (type == wanted) return CK_OK;
		if (type == CK_TOKEN_SAY) {
			fprintf(stderr, "%s\n", ck_cli_safe(text));
		} else if (type == CK_TOKEN_PIN_WANTED) {
			error = send_pin(cli, helper, message, deadline_ms);
			if (error != CK_OK) return error;
		} else {
			(void)ck_cli_complain(CK_ERR_DENIED, "%s", ck_cli_safe(text));
			return CK_ERR_DENIED;
		}
	}
}

static void put_common(struct ck_frame_out *frame, uint8_t *bytes, size_t limit, enum ck_token_message type)
{
	ck_frame_begin(frame, bytes, limit);
	ck_field_uint(&frame->map, CK_F_TYPE, type);
}

static enum ck_error take(const struct ck_map *map, unsigned key, uint8_t *out, size_t limit, size_t *out_length)
{
	struct ck_bytes bytes = { NULL, 0 };
	enum ck_error error = ck_map_bytes(map, key, 0, limit, &bytes);
	*out_length = 0;
	if (error != CK_OK) return error;
	if (bytes.length > 0) memcpy(out, bytes.at, bytes.length);
	*out_length = bytes.length;
	return CK_OK;
}

static struct copied copy_request(const struct ck_token_request *request)
{
	struct copied copied = { .rp_id = ck_text_of(ck_cli_copy(request->rp_id)), .allow = copy_bytes(request->allow) };
	memcpy(copied.challenge, request->challenge, sizeof copied.challenge);
	return copied;
}

/* To anybody but the person and root the daemon shows credentials that are nobody's; no key then has one. */
void ck_challenge_of(const char *tag, size_t tag_bytes, const uint8_t *statement, size_t length, uint8_t out[CK_CHALLENGE_BYTES])
{
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)tag, tag_bytes);
	crypto_hash_sha256_update(&state, statement, length);
	crypto_hash_sha256_final(&state, out);
}

void ck_field_touch(struct ck_map_writer *map, const struct ck_touch *touch)
{
	ck_field_bytes(map, CK_F_CREDENTIAL, touch->credential, touch->credential_length);
	ck_field_bytes(map, CK_F_AUTH_DATA, touch->auth_data, touch->auth_data_length);
	ck_field_bytes(map, CK_F_SIGNATURE, touch->signature, touch->signature_length);
}

static void hint_at_account(const struct ck_cli *cli)
{
	const struct passwd *caller = getpwuid(geteuid());
	if (geteuid() == 0 || cli->as == NULL || (caller != NULL && strcmp(caller->pw_name, cli->as) == 0)) return;
	fprintf(stderr, "Which keys somebody has is shown in their own account only, and to root: run this as %s.\n", cli->as);
}

enum ck_error ck_token_assert(struct ck_cli *cli, const struct ck_token_request *request, struct ck_touch *out)
{
	static uint8_t bytes[CK_ALLOW_LIMIT * (CK_CREDENTIAL_ID_LIMIT_BYTES + 3) + 1024];
	static struct ck_map message;
	struct ck_frame_out frame;
	struct ck_client helper = { .fd = -1, .passed_fd = -1 };
	size_t length = 0;
	struct copied copied = copy_request(request);
	enum ck_error error = open_helper(cli, &helper);
	if (error != CK_OK) return error;
	put_common(&frame, bytes, sizeof bytes, CK_TOKEN_ASSERT);
	ck_field_bytes(&frame.map, CK_F_CHALLENGE, copied.challenge, sizeof copied.challenge);
	ck_field_text(&frame.map, CK_F_RP_ID, copied.rp_id);
	ck_field_key(&frame.map, CK_F_ALLOW);
	ck_put_bytes(&frame.w, copied.allow.at, copied.allow.length);
	ck_field_bool(&frame.map, CK_F_VERIFY, request->verify);
	ck_field_int(&frame.map, CK_F_TIME, HELPER_TIMEOUT_MS);
	error = ck_frame_end(&frame, &length);
	if (error == CK_OK) error = ck_client_send(&helper, bytes, length, -1, ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS);
	if (error == CK_OK) error = converse(cli, &helper, CK_TOKEN_ASSERTED, &message);
	if (error == CK_OK &&
	    (take(&message, CK_F_CREDENTIAL, out->credential, sizeof out->credential, &out->credential_length) != CK_OK ||
	     take(&message, CK_F_AUTH_DATA, out->auth_data, sizeof out->auth_data, &out->auth_data_length) != CK_OK ||
	     take(&message, CK_F_SIGNATURE, out->signature, sizeof out->signature, &out->signature_length) != CK_OK))
		error = CK_ERR_INTERNAL;
	ck_client_close(&helper);
	if (error == CK_ERR_DENIED) hint_at_account(cli);
	return error;
}

_Static_assert(CK_TOLD_ALL == CK_TRAITS_TOLD, "the helper and the model number the traits alike");

/* Only what a helper can know is passed on; a helper that says more than that, or nothing, has said nothing. */
static unsigned told_traits(const struct ck_map *message)
{
	uint64_t traits = 0;
	if (ck_map_uint(message, CK_F_TRAITS, 0, CK_TRAITS_ALL, &traits) != CK_OK) return 0;
	return (unsigned)traits & CK_TRAITS_TOLD;
}

enum ck_error ck_token_create(struct ck_cli *cli, const struct ck_token_request *request, struct ck_made *out)
{
	static uint8_t bytes[CK_ALLOW_LIMIT * (CK_CREDENTIAL_ID_LIMIT_BYTES + 3) + 2048];
	static struct ck_map message;
	struct ck_frame_out frame;
	struct ck_client helper = { .fd = -1, .passed_fd = -1 };
	size_t length = 0;
	struct copied copied = copy_request(request);
	struct ck_text user = ck_text_of(ck_cli_copy(request->user)), name = ck_text_of(ck_cli_copy(request->name));
	struct ck_bytes handle = copy_bytes(request->user_handle);
	enum ck_error error = open_helper(cli, &helper);
	if (error != CK_OK) return error;
	put_common(&frame, bytes, sizeof bytes, CK_TOKEN_CREATE);
	ck_field_text(&frame.map, CK_F_USER, user);
	ck_field_bytes(&frame.map, CK_F_CHALLENGE, copied.challenge, sizeof copied.challenge);
	ck_field_text(&frame.map, CK_F_RP_ID, copied.rp_id);
	ck_field_key(&frame.map, CK_F_ALLOW);
	ck_put_bytes(&frame.w, copied.allow.at, copied.allow.length);
	ck_field_bool(&frame.map, CK_F_VERIFY, request->verify);
	ck_field_int(&frame.map, CK_F_TIME, HELPER_TIMEOUT_MS);
	ck_field_bytes(&frame.map, CK_F_ID, handle.at, handle.length);
	ck_field_text(&frame.map, CK_F_NAME, name);
	error = ck_frame_end(&frame, &length);
	if (error == CK_OK) error = ck_client_send(&helper, bytes, length, -1, ck_clock_monotonic_ms() + CK_CLIENT_REPLY_TIMEOUT_MS);
	if (error == CK_OK) error = converse(cli, &helper, CK_TOKEN_CREATED, &message);
	if (error == CK_OK && (take(&message, CK_F_AUTH_DATA, out->auth_data, sizeof out->auth_data, &out->auth_data_length) != CK_OK ||
	                       ck_map_string(&message, CK_F_FORMAT, out->format, sizeof out->format) != CK_OK ||
	                       take(&message, CK_F_ATT_STMT, out->statement, sizeof out->statement, &out->statement_length) != CK_OK))
		error = CK_ERR_INTERNAL;
	if (error == CK_OK) out->traits = told_traits(&message);
	ck_client_close(&helper);
	return error;
}
