/* Where a client sits: may the keys in this machine's own USB ports be used, and from which address does it come? The terminal and the
   remote host that root's programs name (PAM) are believed; those that anybody else names are not. The rest is found by walking up the
   client's ancestors and asking the ledger which of them leads a registered session. Nothing found is "not local". */
#include "authd/gate_state.h"

#include <string.h>

#include "directory/base/log.h"

#define FIND_TIMEOUT_MS 2000

/* pid, start, pid, start … of the client and its parents, up to but not including process 1. A process that began after its child is
   another one under a number that was used again: the walk ends. */
static size_t ancestors(const struct ck_gate_client *client, uint64_t out[2 * CK_ANCESTORS_LIMIT])
{
	size_t count = 0;
	uint64_t latest = client->accepted_ticks;
	struct ck_gate_process process;
	for (pid_t pid = client->pid; pid > 1 && count < CK_ANCESTORS_LIMIT; pid = process.parent) {
		if (!ck_gate_process_of(pid, &process) || process.start_ticks > latest) break;
		out[2 * count] = (uint64_t)pid;
		out[2 * count + 1] = process.start_ticks;
		latest = process.start_ticks;
		count++;
	}
	return count;
}

static void come_from(struct ck_gate_origin *origin, const char *remote_host)
{
	origin->source.present = ck_address_parse(ck_text_of(remote_host), &origin->source.address) == CK_OK;
	if (!origin->source.present) memset(&origin->source, 0, sizeof origin->source);
}

static void sit_here(struct ck_gate_origin *origin)
{
	origin->local = true;
	origin->source = (struct ck_source){.present = true, .local = true};
}

bool ck_gate_locate_at_once(struct ck_gate_client *client, bool operator)
{
	client->operator_claims = operator;
	memset(&client->origin, 0, sizeof client->origin);
	client->origin_known = false;
	if (client->uid != 0 || operator) return false;
	if (client->ask.remote_host[0] != '\0') {
		come_from(&client->origin, client->ask.remote_host);
		client->origin_known = true;
	} else if (ck_login_terminal(client->ask.tty) == CK_TERMINAL_SEAT) {
		sit_here(&client->origin);
		client->origin_known = true;
	}
	return client->origin_known;
}

size_t ck_gate_put_ancestors(struct ck_gate_client *client, struct ck_map_writer *m)
{
	uint64_t chain[2 * CK_ANCESTORS_LIMIT];
	size_t count = ancestors(client, chain);
	if (count == 0) return 0;
	ck_field_key(m, CK_F_ANCESTORS);
	ck_cbor_put_array(m->w, 2 * count);
	for (size_t i = 0; i < 2 * count; i++) ck_cbor_put_uint(m->w, chain[i]);
	return count;
}

void ck_gate_take_session(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_gate_origin *origin = &client->origin;
	bool found = false;
	client->origin_known = true;
	if (reply == NULL || ck_map_bool(reply, CK_F_INSIDE, &found) != CK_OK) {
		ck_log(CK_LOG_WARNING, "the ledger did not say whether the client sits here: taken for not local");
	} else if (found && ck_map_string(reply, CK_F_REMOTE_HOST, origin->remote_host, sizeof origin->remote_host) == CK_ERR_NOT_FOUND) {
		sit_here(origin);
	} else if (found) {
		come_from(origin, origin->remote_host);
	} else if (client->uid == 0 && client->operator_claims) {
		/* Root outside every registered session, at a command of its own: it reaches these ports anyway. */
		sit_here(origin);
	}
	/* Somebody who says that they are remote is taken at their word: it only makes things less. */
	if (client->ask.remote_host[0] != '\0' && !client->operator_claims) origin->local = false;
}

static void session_answered(struct ck_gate_client *client, const struct ck_map *reply)
{
	ck_gate_take_session(client, reply);
	client->then(client);
}

void ck_gate_locate(struct ck_gate_client *client, bool operator, ck_gate_then then)
{
	client->then = then;
	if (ck_gate_locate_at_once(client, operator)) {
		then(client);
		return;
	}
	if (ck_gate_put_ancestors(client, ck_gate_ask_begin(client, CK_MSG_SESSION_FIND)) > 0) {
		ck_gate_ask_end(client, CK_PROCESS_LEDGER, FIND_TIMEOUT_MS, -1, session_answered);
		return;
	}
	/* it is gone already, or not the one that connected */
	ck_gate_wait_end(client);
	client->origin_known = true;
	then(client);
}
