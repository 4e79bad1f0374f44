/* Requests whose handler is another process. To the replica they go as they came, with what the kernel says of the client; where only root
   may ask, with the client's socket, so that the replica reads the credentials itself. The gate looks at them only as the table says. */
#include "authd/gate_state.h"

#include <stdlib.h>

#define RELAY_TIMEOUT_MS 8000      /* a change is answered when the store holds it, or after 5 s; and some for the directory itself */
#define RELAYS_LIMIT 64            /* under way at once: what the replica is given to hold is bounded */
#define RELAY_OVERHEAD_BYTES 64    /* the message around the body: type, request, uid, pid, heads */

static bool is_answer(const struct ck_operation *operation, struct ck_bytes body, uint64_t *out_type)
{
	struct ck_map map;
	ck_keys always = CK_KEY(CK_F_MESSAGE) | CK_KEY(CK_F_REASON);
	return body.length <= CK_FRAME_LIMIT_BYTES && ck_map_parse(body, &map) == CK_OK &&
	       ck_map_expect(&map, CK_KEY(CK_F_TYPE), operation->reply | always) == CK_OK &&
	       ck_map_uint(&map, CK_F_TYPE, CK_ANSWER_GRANTED, CK_ANSWER_LAST, out_type) == CK_OK;
}

/* Somebody's login on this connection waits for just that. */
static void password_changed(struct ck_gate_client *client, struct ck_bytes body)
{
	struct ck_map map;
	struct ck_text user;
	if (ck_map_parse(body, &map) != CK_OK || ck_map_text(&map, CK_F_USER, CK_LOGIN_NAME_LIMIT_BYTES, &user) != CK_OK) return;
	if (ck_text_is(user, client->login.ask.user)) client->login.must_change = false;
}

static void relayed(struct ck_gate_client *client, const struct ck_map *reply)
{
	struct ck_gate *gate = client->gate;
	const struct ck_operation *operation = client->relayed;
	struct ck_bytes body;
	uint64_t type;
	client->relayed = NULL;
	gate->replica_waiting--;
	if (reply == NULL) {
		ck_gate_unavailable(client, "the directory's side of the daemon does not answer");
		return;
	}
	if (ck_map_bytes(reply, CK_F_BODY, 1, CK_FRAME_LIMIT_BYTES, &body) != CK_OK || !is_answer(operation, body, &type)) {
		ck_peers_accuse(gate->peers, CK_PROCESS_REPLICA, 0, "an answer that the table of operations does not have");
		ck_gate_unavailable(client, "the answer was not one");
		return;
	}
	/* A challenge of the replica's: the token helper may be asked for it. */
	client->operator_challenge = type == CK_ANSWER_NEED_TOKEN;
	/* by a key; a batch of a plan that was touched before is granted without one */
	if (type == CK_ANSWER_GRANTED && (operation->required & CK_KEY(CK_F_AUTH_DATA)) != 0) ck_gate_proved(client);
	ck_gate_tell_proved(client);
	if (operation->op == CK_OP_PASSWORD_CHANGE && type == CK_ANSWER_GRANTED) password_changed(client, body);
	ck_writer_init(&gate->frame.w, gate->out, sizeof gate->out);
	ck_put_u32be(&gate->frame.w, (uint32_t)body.length);
	ck_put_bytes(&gate->frame.w, body.at, body.length);
	ck_channel_send(client->channel, gate->out, CK_FRAME_HEAD_BYTES + body.length, -1);
}

static void checkpoint_made(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	struct ck_text line;
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error == CK_ERR_DENIED) {
		ck_gate_deny(client, reason, "no checkpoint was made now; try again in a moment");
	} else if (error != CK_OK || ck_map_text(reply, CK_F_TEXT, CK_FRAME_LIMIT_BYTES, &line) != CK_OK) {
		ck_gate_unavailable(client, "the audit log does not answer");
	} else {
		struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
		ck_field_text(m, CK_F_TEXT, line);
		ck_gate_send(client, -1);
	}
}

static void relay_to_replica(struct ck_gate_client *client, const struct ck_operation *operation, struct ck_bytes encoded)
{
	if (encoded.length > CK_FRAME_LIMIT_BYTES - RELAY_OVERHEAD_BYTES) {
		ck_gate_error(client, "too-large", "that is too much for one request; order it in parts");
		return;
	}
	if (client->gate->replica_waiting >= RELAYS_LIMIT) {
		ck_gate_unavailable(client, "too many changes are under way; try again");
		return;
	}
	client->gate->replica_waiting++;
	client->relayed = operation;
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_RELAY);
	ck_field_bytes(m, CK_F_BODY, encoded.at, encoded.length);
	ck_field_uint(m, CK_F_PEER_UID, client->uid);
	ck_field_uint(m, CK_F_PEER_PID, (uint64_t)client->pid);
	bool with_peer = operation->handler == CK_HANDLER_REPLICA_WITH_PEER;
	ck_gate_ask_end(client, CK_PROCESS_REPLICA, RELAY_TIMEOUT_MS, with_peer ? ck_channel_fd(client->channel) : -1, relayed);
}

static void relay_kept(struct ck_gate_client *client)
{
	uint8_t *kept = client->kept;
	client->kept = NULL;
	relay_to_replica(client, ck_operation_of(client->op), (struct ck_bytes){kept, client->kept_bytes});
	free(kept);
}

void ck_gate_relay(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)request;
	const struct ck_operation *operation = ck_operation_of(client->op);
	if (operation->op == CK_OP_CHANGE_BEGIN || operation->op == CK_OP_ENROL_BEGIN || operation->op == CK_OP_PASSWORD_BEGIN) {
		if (ck_gate_keep(client, encoded)) ck_gate_try(client, client->uid != 0, relay_kept);
		return;
	}
	if (operation->handler != CK_HANDLER_LEDGER) {
		relay_to_replica(client, operation, encoded);
		return;
	}
	struct ck_gate_event event = {.event = CK_EVENT_CHECKPOINT};
	ck_gate_record(client, &event, checkpoint_made);
}
