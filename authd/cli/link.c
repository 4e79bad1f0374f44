/* Asking the daemon: one connection a run, one request at a time, its sentences passed on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "authd/cli/cli.h"
#include "directory/base/clock.h"

#define CONNECT_TIMEOUT_MS 5000
#define REPLY_TIMEOUT_MS 20000 /* a change may wait 5 s for the directory and 5 s for the copy */

void ck_ask_begin(struct ck_ask *ask, enum ck_op op)
{
	ck_frame_begin(&ask->frame, ask->bytes, sizeof ask->bytes);
	ck_field_uint(&ask->frame.map, CK_F_TYPE, op);
}

int ck_exit_of(enum ck_error error)
{
	switch (error) {
	case CK_OK: return CK_EXIT_OK;
	case CK_ERR_DENIED: return CK_EXIT_REFUSED;
	case CK_ERR_INVALID: return CK_EXIT_USAGE;
	case CK_ERR_UNAVAILABLE:
	case CK_ERR_TIMEOUT: return CK_EXIT_UNAVAILABLE;
	case CK_ERR_CONFLICT: return CK_EXIT_CONFLICT;
	case CK_ERR_NOT_FOUND: return CK_EXIT_NOT_FOUND;
	default: return CK_EXIT_FAILED;
	}
}

static enum ck_error connect_once(struct ck_cli *cli, struct ck_errmsg *err)
{
	if (cli->connected) return CK_OK;
	struct ck_errmsg why = { "" };
	enum ck_error error = ck_client_connect(&cli->client, cli->socket, ck_clock_monotonic_ms() + CONNECT_TIMEOUT_MS, &why);
	cli->connected = error == CK_OK;
	if (error == CK_OK) return CK_OK;
	return ck_fail(err, error, "no daemon at %s (%s): start crosskeysd, or name its instance with --dir or --socket", cli->socket, why.text);
}

/* The daemon's own sentence if it sent one, else what the answer means. */
static enum ck_error refuse(const struct ck_map *reply, enum ck_error error, const char *otherwise, struct ck_errmsg *err)
{
	struct ck_text message = ck_map_text_or(reply, CK_F_MESSAGE, 4096, ck_text_of(otherwise));
	struct ck_text reason = ck_map_text_or(reply, CK_F_REASON, 64, (struct ck_text){ NULL, 0 });
	if (ck_text_is(reason, "not-found")) error = CK_ERR_NOT_FOUND;
	if (ck_text_is(reason, "conflict")) error = CK_ERR_CONFLICT;
	if (error == CK_ERR_INTERNAL && ck_text_is(reason, "invalid")) error = CK_ERR_INVALID;
	return ck_fail(err, error, "%s", ck_cli_safe(message));
}

enum ck_error ck_ask_quietly(struct ck_cli *cli, struct ck_ask *ask, struct ck_map *reply, enum ck_answer *out_answer, struct ck_errmsg *err)
{
	size_t length = 0;
	*out_answer = CK_ANSWER_ERROR;
	if (ck_frame_end(&ask->frame, &length) != CK_OK)
		return ck_fail(err, CK_ERR_LIMIT, "that is more than fits into one request (%d bytes): split it", CK_FRAME_LIMIT_BYTES);
	return ck_ask_frame(cli, ask->bytes, length, reply, out_answer, err);
}

enum ck_error ck_ask_frame(struct ck_cli *cli, const uint8_t *frame, size_t length, struct ck_map *reply, enum ck_answer *out_answer,
                           struct ck_errmsg *err)
{
	uint64_t answer = 0;
	*out_answer = CK_ANSWER_ERROR;
	err->text[0] = '\0';
	enum ck_error error = connect_once(cli, err);
	if (error != CK_OK) return error;
	error = ck_client_call(&cli->client, frame, length, reply, ck_clock_monotonic_ms() + REPLY_TIMEOUT_MS);
	if (error != CK_OK) {
		ck_client_close(&cli->client);
		cli->connected = false;
		return ck_fail(err, error == CK_ERR_INVALID ? CK_ERR_INTERNAL : error, "the daemon did not answer (%s)", ck_error_name(error));
	}
	error = ck_map_uint(reply, CK_F_TYPE, CK_ANSWER_GRANTED, CK_ANSWER_LAST, &answer);
	if (error != CK_OK) return ck_fail(err, CK_ERR_INTERNAL, "the daemon's answer is none that this program knows");
	*out_answer = (enum ck_answer)answer;
	switch (*out_answer) {
	case CK_ANSWER_GRANTED:
	case CK_ANSWER_NEED_TOKEN: return CK_OK;
	case CK_ANSWER_DENIED: return refuse(reply, CK_ERR_DENIED, "refused", err);
	case CK_ANSWER_UNAVAILABLE: return refuse(reply, CK_ERR_UNAVAILABLE, "unavailable: try again in a moment", err);
	case CK_ANSWER_NEED_PASSWORD: /* only logins are answered so */
	case CK_ANSWER_ERROR: break;
	}
	return refuse(reply, CK_ERR_INTERNAL, "the daemon could not do that", err);
}

enum ck_error ck_ask_call(struct ck_cli *cli, struct ck_ask *ask, struct ck_map *reply, enum ck_answer *out_answer)
{
	struct ck_errmsg err;
	enum ck_error error = ck_ask_quietly(cli, ask, reply, out_answer, &err);
	if (error != CK_OK) (void)ck_cli_complain(error, "%s", err.text);
	return error;
}

/* Made here of what was asked, not taken from the daemon: what is signed says who somebody is and can be nothing else. */
static enum ck_error make_identify_challenge(const struct ck_cli *cli, const struct ck_map *reply, uint8_t out[CK_CHALLENGE_BYTES])
{
	struct ck_person_statement statement = { .user = ck_text_of(cli->as) };
	uint8_t bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	enum ck_error error = ck_map_text(reply, CK_F_SYSTEM, CK_SYSTEM_LIMIT_BYTES, &statement.system);
	if (error == CK_OK) error = ck_map_fixed(reply, CK_F_NONCE, statement.nonce, sizeof statement.nonce);
	if (error == CK_OK) error = ck_map_int(reply, CK_F_TIME, &statement.time_s);
	if (error == CK_OK) error = ck_person_statement_encode(&statement, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	ck_challenge_of(CK_TAG_IDENTIFY, sizeof CK_TAG_IDENTIFY, bytes, length, out);
	return CK_OK;
}

enum ck_error ck_cli_prove(struct ck_cli *cli, const struct ck_map *prompt, const uint8_t challenge[CK_CHALLENGE_BYTES], struct ck_map *reply)
{
	static struct ck_ask ask;
	static struct ck_touch touch;
	struct ck_token_request request = { .challenge = challenge };
	enum ck_answer answer;
	if (ck_map_text(prompt, CK_F_RP_ID, CK_RP_ID_LIMIT_BYTES, &request.rp_id) != CK_OK || (prompt->present & CK_KEY(CK_F_ALLOW)) == 0) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say what to sign");
		return CK_ERR_INTERNAL;
	}
	request.allow = prompt->at[CK_F_ALLOW].encoded;
	request.verify = ck_map_bool_or(prompt, CK_F_VERIFY, true);
	enum ck_error error = ck_token_assert(cli, &request, &touch);
	if (error != CK_OK) return error;
	ck_ask_begin(&ask, CK_OP_LOGIN_ASSERT);
	ck_field_touch(&ask.frame.map, &touch);
	error = ck_ask_call(cli, &ask, reply, &answer);
	return error == CK_OK && answer != CK_ANSWER_GRANTED ? CK_ERR_DENIED : error;
}

enum ck_error ck_cli_identify(struct ck_cli *cli)
{
	/* root sees all there is without it */
	return geteuid() == 0 ? CK_OK : ck_cli_become(cli);
}

enum ck_error ck_cli_become(struct ck_cli *cli)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	enum ck_answer answer;
	if (cli->identified || cli->as == NULL) return CK_OK;
	ck_ask_begin(&ask, CK_OP_IDENTIFY);
	ck_field_string(&ask.frame.map, CK_F_AS, cli->as);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	if (answer != CK_ANSWER_NEED_TOKEN || make_identify_challenge(cli, &reply, challenge) != CK_OK) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say what to sign");
		return CK_ERR_INTERNAL;
	}
	fprintf(stderr, "Touch your key to show that you are %s.\n", cli->as);
	error = ck_cli_prove(cli, &reply, challenge, &reply);
	cli->identified = error == CK_OK;
	return error;
}
