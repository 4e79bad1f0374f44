/* How the gate answers clients, asks the other processes and opens its view of the store. Answers are closed: granted, denied, need-token,
   unavailable, error. Nothing here decides. */
#include "authd/gate_state.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/base/secret.h"

#define STORE_RETRY_MS 20      /* a request that finds no store looks for it again, but not more often than this */
#define EXIT_STORE_DAMAGED 76  /* EX_PROTOCOL of sysexits.h; the alarm in the log says what it was */
#define SLOT_BITS 16           /* of a request's number: which client; above it a sequence, so that no number comes back */

/* ---- answers ---- */

struct ck_map_writer *ck_gate_answer(struct ck_gate_client *client, enum ck_answer answer)
{
	struct ck_gate *gate = client->gate;
	ck_frame_begin(&gate->frame, gate->out, sizeof gate->out);
	ck_field_uint(&gate->frame.map, CK_F_TYPE, answer);
	return &gate->frame.map;
}

void ck_gate_send(struct ck_gate_client *client, int pass_fd)
{
	struct ck_gate *gate = client->gate;
	size_t length;
	CK_ASSERT(ck_frame_end(&gate->frame, &length) == CK_OK);
	if (client->channel != NULL) ck_channel_send(client->channel, gate->out, length, pass_fd);
}

static void answer_why(struct ck_gate_client *client, enum ck_answer answer, const char *reason, const char *message)
{
	struct ck_map_writer *m = ck_gate_answer(client, answer);
	ck_field_string(m, CK_F_MESSAGE, message);
	ck_field_string(m, CK_F_REASON, reason);
	ck_gate_send(client, -1);
}

void ck_gate_deny(struct ck_gate_client *client, const char *reason, const char *message)
{
	answer_why(client, CK_ANSWER_DENIED, reason, message);
}

void ck_gate_deny_alike(struct ck_gate_client *client)
{
	answer_why(client, CK_ANSWER_DENIED, "refused", "access is refused");
}

void ck_gate_unavailable(struct ck_gate_client *client, const char *what)
{
	answer_why(client, CK_ANSWER_UNAVAILABLE, "unavailable", what);
}

void ck_gate_error(struct ck_gate_client *client, const char *reason, const char *message)
{
	answer_why(client, CK_ANSWER_ERROR, reason, message);
}

/* ---- asking the other processes ---- */

void ck_gate_wait_begin(struct ck_gate_client *client)
{
	struct ck_gate *gate = client->gate;
	ck_gate_wait_end(client);
	client->pending = ++gate->sequence << SLOT_BITS | client->slot;
	gate->waiting++;
}

void ck_gate_wait_soon(struct ck_gate_client *client)
{
	if (client->pending == 0 || client->soon) return;
	client->soon = true;
	client->gate->waiting_soon++;
}

void ck_gate_wait_end(struct ck_gate_client *client)
{
	if (client->pending == 0) return;
	client->gate->waiting--;
	if (client->soon) client->gate->waiting_soon--;
	client->soon = false;
	client->pending = 0;
}

struct ck_map_writer *ck_gate_ask_begin(struct ck_gate_client *client, enum ck_message type)
{
	struct ck_gate *gate = client->gate;
	ck_gate_wait_begin(client);
	ck_frame_begin(&gate->frame, gate->out, sizeof gate->out);
	ck_field_uint(&gate->frame.map, CK_F_TYPE, type);
	ck_field_uint(&gate->frame.map, CK_F_REQUEST, client->pending);
	return &gate->frame.map;
}

static struct ck_channel *channel_to(struct ck_gate *gate, enum ck_process process)
{
	if (process == CK_PROCESS_LEDGER) return gate->ledger;
	return process == CK_PROCESS_REPLICA ? gate->replica : NULL;
}

void ck_gate_ask_end(struct ck_gate_client *client, enum ck_process process, int timeout_ms, int pass_fd, ck_gate_resume resume)
{
	struct ck_gate *gate = client->gate;
	struct ck_channel *channel = channel_to(gate, process);
	size_t length;
	client->waits_for = process;
	client->resume = resume;
	client->deadline_ms = ck_clock_monotonic_ms() + timeout_ms;
	if (ck_frame_end(&gate->frame, &length) != CK_OK || channel == NULL) {
		ck_gate_wait_end(client);
		ck_wipe(gate->out, ck_writer_length(&gate->frame.w));
		resume(client, NULL);
		return;
	}
	ck_channel_send(channel, gate->out, length, pass_fd);
	ck_wipe(gate->out, length); /* it may hold a password */
}

void ck_gate_tell_ledger(struct ck_gate_client *client)
{
	struct ck_gate *gate = client->gate;
	size_t length;
	ck_gate_wait_end(client);
	if (ck_frame_end(&gate->frame, &length) == CK_OK && gate->ledger != NULL) ck_channel_send(gate->ledger, gate->out, length, -1);
}

struct ck_gate_client *ck_gate_answered(struct ck_gate *gate, uint64_t request, enum ck_process process)
{
	uint64_t slot = request & ((UINT64_C(1) << SLOT_BITS) - 1);
	struct ck_gate_client *client = slot < gate->clients_limit ? gate->clients[slot] : NULL;
	if (client == NULL || request == 0 || client->pending != request || client->waits_for != process) return NULL;
	ck_gate_wait_end(client);
	return client;
}

static void give_up(struct ck_gate_client *client)
{
	ck_gate_wait_end(client);
	client->resume(client, NULL);
}

void ck_gate_give_up(struct ck_gate *gate, enum ck_process process)
{
	for (size_t i = 0; i < gate->clients_limit; i++) {
		struct ck_gate_client *client = gate->clients[i];
		if (client != NULL && client->pending != 0 && client->waits_for == process) give_up(client);
	}
}

void ck_gate_give_up_late(struct ck_gate *gate, int64_t now_ms)
{
	for (size_t i = 0; i < gate->clients_limit; i++) {
		struct ck_gate_client *client = gate->clients[i];
		if (client != NULL && client->pending != 0 && now_ms >= client->deadline_ms) give_up(client);
	}
}

/* ---- the store ---- */

enum ck_error ck_gate_stored(struct ck_gate *gate, enum ck_error error)
{
	if (error != CK_ERR_CORRUPT) return error;
	/* What is damaged must not be read on, and what it said before cannot be trusted either: the process ends without tidying up. */
	ck_log(CK_LOG_ALARM, "the copy below %s is damaged: this gate ends, the replica rebuilds it", gate->store_directory);
	_exit(EXIT_STORE_DAMAGED);
}

static enum ck_error open_store(struct ck_gate *gate)
{
	struct ck_errmsg err = {""};
	int64_t now_ms = ck_clock_monotonic_ms();
	if (gate->store_tried_ms != 0 && now_ms - gate->store_tried_ms < STORE_RETRY_MS) return CK_ERR_UNAVAILABLE;
	gate->store_tried_ms = now_ms;
	enum ck_error error = ck_gate_stored(gate, ck_store_open(gate->store_directory, &gate->store, &err));
	if (error == CK_OK) ck_log(CK_LOG_INFO, "the store below %s is open", gate->store_directory);
	else ck_log(error == CK_ERR_UNAVAILABLE ? CK_LOG_DEBUG : CK_LOG_WARNING, "the store does not open: %s", err.text);
	return error;
}

enum ck_error ck_gate_view(struct ck_gate *gate, struct ck_view **out, struct ck_store_state *out_state)
{
	*out = NULL;
	if (gate->store == NULL && open_store(gate) != CK_OK) return CK_ERR_UNAVAILABLE;
	enum ck_error error = ck_gate_stored(gate, ck_view_begin(gate->store, out));
	if (error != CK_OK) {
		ck_log(CK_LOG_WARNING, "the store gives no view (%s): it is opened again", ck_error_name(error));
		ck_store_close(&gate->store);
		return CK_ERR_UNAVAILABLE;
	}
	error = ck_gate_stored(gate, ck_view_state(*out, out_state));
	if (error == CK_OK) ck_wall_heed(&gate->wall, &out_state->as_of);
	if (error == CK_OK && out_state->finished) return CK_OK;
	ck_view_end(out);
	return CK_ERR_UNAVAILABLE;
}

/* ---- */

void ck_gate_random(struct ck_gate *gate, uint8_t *out, size_t length)
{
	/* one system call for many small ones */
	CK_ASSERT(length <= sizeof gate->random);
	if (gate->random_left < length) {
		randombytes_buf(gate->random, sizeof gate->random);
		gate->random_left = sizeof gate->random;
	}
	gate->random_left -= length;
	memcpy(out, gate->random + gate->random_left, length);
	sodium_memzero(gate->random + gate->random_left, length);
}
