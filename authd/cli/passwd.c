/* `crosskeys passwd UID`: changing one's own password. What the touch covers is made here, of what was asked; the passwords go to the daemon
   in one request, together with it, and are wiped. */
#include <string.h>

#include "authd/cli/cli.h"
#include "directory/base/secret.h"

struct change {
	const char *uid;
	uint8_t nonce[CK_NONCE_BYTES];
	char rp_id[CK_RP_ID_LIMIT_BYTES + 1];
	struct ck_bytes allow;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	struct ck_touch touch;
	struct ck_secret old, wanted;
};

/* ---- the touch ---- */

static enum ck_error make_challenge(const struct ck_map *reply, struct change *c)
{
	struct ck_person_statement statement = { .user = ck_text_of(c->uid) };
	uint8_t bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length = 0;
	enum ck_error error = ck_map_text(reply, CK_F_SYSTEM, CK_SYSTEM_LIMIT_BYTES, &statement.system);
	if (error == CK_OK) error = ck_map_fixed(reply, CK_F_NONCE, c->nonce, sizeof c->nonce);
	if (error == CK_OK) error = ck_map_int(reply, CK_F_TIME, &statement.time_s);
	if (error != CK_OK) return error;
	memcpy(statement.nonce, c->nonce, sizeof statement.nonce);
	error = ck_person_statement_encode(&statement, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	ck_challenge_of(CK_TAG_PASSWORD, sizeof CK_TAG_PASSWORD, bytes, length, c->challenge);
	return CK_OK;
}

static enum ck_error begin(struct ck_cli *cli, struct change *c)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_PASSWORD_BEGIN);
	ck_field_string(&ask.frame.map, CK_F_AS, c->uid);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	if (error != CK_OK) return error;
	if (answer != CK_ANSWER_NEED_TOKEN || make_challenge(&reply, c) != CK_OK ||
	    ck_map_string(&reply, CK_F_RP_ID, c->rp_id, sizeof c->rp_id) != CK_OK || (reply.present & CK_KEY(CK_F_ALLOW)) == 0) {
		(void)ck_cli_complain(CK_ERR_INTERNAL, "the daemon did not say how to sign");
		return CK_ERR_INTERNAL;
	}
	struct ck_bytes allow = reply.at[CK_F_ALLOW].encoded;
	c->allow = ck_bytes_of((struct ck_text){ ck_cli_copy((struct ck_text){ (const char *)allow.at, allow.length }), allow.length });
	return CK_OK;
}

/* ---- the passwords ---- */

static enum ck_error ask_password(const struct ck_cli *cli, const char *prompt, struct ck_secret *out)
{
	char line[CK_SECRET_LIMIT_BYTES + 2] = ""; /* one byte more than is allowed: too long is no shorter one */
	enum ck_error error = CK_ERR_CANCELLED;
	if (ck_cli_ask_hidden(cli, prompt, line, sizeof line)) error = ck_secret_set(out, line, strlen(line));
	ck_wipe(line, sizeof line);
	if (error == CK_ERR_CANCELLED || (error == CK_OK && ck_password_may_be_sent(out->bytes, out->length))) return error;
	(void)ck_cli_complain(CK_ERR_INVALID, "a password has 1 to %d bytes", CK_SECRET_LIMIT_BYTES);
	return CK_ERR_INVALID;
}

static enum ck_error ask_passwords(const struct ck_cli *cli, struct change *c)
{
	struct ck_secret again = { .length = 0 };
	enum ck_error error = ask_password(cli, "Current password", &c->old);
	if (error == CK_OK) error = ask_password(cli, "New password", &c->wanted);
	if (error == CK_OK) error = ask_password(cli, "New password again", &again);
	if (error == CK_OK && (again.length != c->wanted.length || !ck_constant_time_equal(again.bytes, c->wanted.bytes, again.length))) {
		error = CK_ERR_INVALID;
		(void)ck_cli_complain(error, "the two are not the same; nothing was changed");
	}
	ck_secret_wipe(&again);
	return error;
}

static enum ck_error order(struct ck_cli *cli, const struct change *c)
{
	static struct ck_ask ask;
	static struct ck_map reply;
	enum ck_answer answer;
	ck_ask_begin(&ask, CK_OP_PASSWORD_CHANGE);
	ck_field_touch(&ask.frame.map, &c->touch);
	ck_field_bytes(&ask.frame.map, CK_F_NONCE, c->nonce, sizeof c->nonce);
	ck_field_bytes(&ask.frame.map, CK_F_PASSWORD, c->old.bytes, c->old.length);
	ck_field_bytes(&ask.frame.map, CK_F_NEW_PASSWORD, c->wanted.bytes, c->wanted.length);
	enum ck_error error = ck_ask_call(cli, &ask, &reply, &answer);
	ck_wipe(&ask, sizeof ask);
	if (error == CK_OK && answer != CK_ANSWER_GRANTED) error = CK_ERR_INTERNAL;
	return error;
}

int ck_cli_passwd(struct ck_cli *cli, int argc, char **argv)
{
	static const struct ck_option options[] = { { NULL, 0, NULL, NULL } };
	static const struct ck_command_help help = { "passwd", "UID",
		"Changes the password of UID, who touches their key for it, types the current one, and twice the new one. For rules that demand a password "
		"beside the touch. --pin-fd gives, a line each: the PIN, the current password, the new one, and that again.", 1, 1, options };
	static struct change c;
	struct ck_arguments arguments;
	enum ck_error error = ck_arguments_parse(cli, &help, argc - 1, argv + 1, &arguments);
	if (error != CK_OK) return ck_arguments_exit(error);
	c.uid = arguments.words[0];
	error = begin(cli, &c);
	if (error != CK_OK) return ck_exit_of(error);
	fprintf(stderr, "Touch the key of %s to change the password.\n", ck_cli_safe(ck_text_of(c.uid)));
	struct ck_token_request request = { .challenge = c.challenge, .rp_id = ck_text_of(c.rp_id), .allow = c.allow, .verify = true };
	error = ck_token_assert(cli, &request, &c.touch);
	if (error == CK_OK) error = ask_passwords(cli, &c);
	if (error == CK_OK) error = order(cli, &c);
	ck_wipe(&c, sizeof c);
	if (error != CK_OK) return ck_exit_of(error);
	puts(cli->json ? "{\"changed\": true}" : "Done: the password is changed.");
	return CK_EXIT_OK;
}
