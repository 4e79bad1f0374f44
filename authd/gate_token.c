/* Handing out a token helper: a program that the supervisor starts and that talks to the keys of this machine. Only for people who sit
   at it, and only for a challenge that waits for an answer. The helper's socket passes through here; what is said over it does not. */
#include "authd/gate_state.h"

#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"

#define TOKEN_TIMEOUT_MS 4000 /* fork and exec on a busy machine */

static void token_missing(struct ck_gate_client *client, const struct ck_map *reply)
{
	(void)reply;
	ck_gate_unavailable(client, "the program that talks to keys did not start");
}

static void want_token(struct ck_gate_client *client)
{
	struct ck_gate *gate = client->gate;
	if (!client->login.tokens_here) {
		ck_gate_deny(client, "not-local", "the keys of this machine are only for people who sit at it");
		return;
	}
	client->login.tokens_left--;
	ck_gate_wait_begin(client);
	client->waits_for = CK_PROCESS_SUPERVISOR;
	client->deadline_ms = ck_clock_monotonic_ms() + TOKEN_TIMEOUT_MS;
	client->resume = token_missing;
	ck_peers_want_token(gate->peers, client->pending, client->source.hash, client->source.owner);
}

static void token_located(struct ck_gate_client *client)
{
	client->login.tokens_here = client->origin.local;
	want_token(client);
}

/* For the challenge that was given here, or for one of the replica's (a change, an enrolment): that one is an operator's command, and
   where its operator sits was not asked yet; unless it is somebody whose login on this connection waits for them to change their password. */
void ck_gate_login_token(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)request;
	(void)encoded;
	struct ck_gate_login *login = &client->login;
	if (client->operator_challenge) {
		bool login_waits = login->must_change;
		ck_gate_forget_shown(client);
		if (!login_waits) memset(login, 0, sizeof *login);
		login->tokens_left = CK_GATE_TOKENS_LIMIT;
		login->tokens_here = login_waits && login->origin.local;
		client->operator_challenge = false;
		memset(&client->ask, 0, sizeof client->ask);
		ck_gate_find_source(client);
		if (login_waits) want_token(client);
		else ck_gate_locate(client, true, token_located);
	} else if (login->tokens_left == 0) {
		ck_gate_deny(client, "no-challenge", "nothing was begun on this connection that a key could answer");
	} else {
		want_token(client);
	}
}

void ck_gate_token_came(struct ck_gate *gate, uint64_t request, int fd)
{
	struct ck_gate_client *client = ck_gate_answered(gate, request, CK_PROCESS_SUPERVISOR);
	if (client != NULL && fd < 0) {
		token_missing(client, NULL);
	} else if (client != NULL) {
		ck_gate_answer(client, CK_ANSWER_GRANTED);
		ck_gate_send(client, fd);
	}
	if (fd >= 0) close(fd);
}
