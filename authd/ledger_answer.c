/* What the ledger answers to each message. Believes of a peer only which process it is. */
#include "authd/ledger_process.h"

#include "authd/ledger_event.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define FLUSH_LIMIT_MS 2000 /* a disk that takes longer keeps people waiting at the door */

/* ---- answering ---- */

struct ck_map_writer *ck_ledger_answer(struct ck_message_out *out, enum ck_message type, uint64_t request)
{
	struct ck_map_writer *m = ck_message_begin(out, type);
	ck_field_uint(m, CK_F_REQUEST, request);
	return m;
}

/* ---- records ---- */

/* Only the gate's table says that root asked; the ledger sees to it that asking costs a limited number of flushes. */
static bool handle_checkpoint(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_errmsg err;
	const char *line;
	uint64_t uid;
	if (peer->process != CK_PROCESS_GATE || ck_map_uint(message, CK_F_PEER_UID, 0, 0, &uid) != CK_OK ||
	    ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_EVENT) | CK_KEY(CK_F_PEER_UID),
	                  CK_KEY(CK_F_PEER_PID)) != CK_OK)
		return false;
	ck_ledger_end_batch(ledger);
	if (ledger->failed) {
		ck_ledger_send_recorded(peer, request, &(struct ck_book_answer){.reason = "unrecorded"}, NULL);
	} else if (!ck_book_checkpoint_allowed(ledger->book)) {
		ck_ledger_send_recorded(peer, request, &(struct ck_book_answer){.reason = "too-often"}, NULL);
	} else if (ck_book_checkpoint(ledger->book, &line, &err) == CK_OK) {
		ck_ledger_send_recorded(peer, request, &(struct ck_book_answer){.verdict = true}, line);
	} else {
		ck_log(CK_LOG_ALARM, "no checkpoint: %s", err.text);
		ck_ledger_send_recorded(peer, request, &(struct ck_book_answer){.reason = "unrecorded"}, NULL);
	}
	return true;
}

void ck_ledger_send_clock(struct ck_ledger *ledger, struct ck_ledger_peer *peer, bool confirmed)
{
	struct ck_message_out out;
	struct ck_map_writer *m = ck_ledger_answer(&out, CK_MSG_CLOCK, 1);
	ck_field_int(m, CK_F_TIME, ck_book_known_s(ledger->book));
	ck_field_bool(m, CK_F_VERDICT, confirmed);
	ck_channel_send_message(peer->channel, &out);
}

/* A batch carries one time, and what root confirms is the first record of another. */
static bool record_confirmation(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_waiter waiter = {.peer = peer, .request = request};
	ck_ledger_end_batch(ledger);
	if (ledger->failed || ck_book_record(ledger->book, peer->process, message, &waiter.answer) != CK_OK) return ledger->failed;
	ledger->batch[ledger->batch_count++] = waiter;
	ck_ledger_end_batch(ledger);
	for (size_t i = 0; waiter.answer.verdict && !ledger->failed && i < CK_LEDGER_PEERS_LIMIT; i++)
		if (ledger->peers[i].process != 0) ck_ledger_send_clock(ledger, &ledger->peers[i], true);
	return true;
}

bool ck_ledger_handle_record(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	uint64_t event;
	if (ck_map_uint(message, CK_F_EVENT, 0, UINT64_MAX, &event) != CK_OK) return false;
	if (event == CK_EVENT_CHECKPOINT) return handle_checkpoint(ledger, peer, message, request);
	if (event == CK_EVENT_CLOCK_CONFIRMED) return record_confirmation(ledger, peer, message, request);
	if (ledger->batch_count == CK_CHAIN_BATCH_RECORDS || !ck_book_has_room(ledger->book)) ck_ledger_end_batch(ledger);
	struct ck_waiter *waiter = &ledger->batch[ledger->batch_count];
	if (ck_book_record(ledger->book, peer->process, message, &waiter->answer) != CK_OK) {
		peer->fault = "a record that is malformed or not its own to send";
		return false;
	}
	waiter->peer = peer;
	waiter->request = request;
	ledger->batch_count++;
	return true;
}

static bool is_inside(struct ck_ledger *ledger, const struct ck_map *message, struct ck_text *out_host, bool *out_inside)
{
	struct ck_leader leaders[CK_LEADERS_LIMIT];
	size_t count;
	if (!ck_book_leaders(message, leaders, &count)) return false;
	*out_inside = ck_book_find_session(ledger->book, leaders, count, out_host);
	return true;
}

bool ck_ledger_handle_find(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_message_out out;
	struct ck_text host;
	bool inside;
	if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_ANCESTORS), 0) != CK_OK ||
	    !is_inside(ledger, message, &host, &inside))
		return false;
	struct ck_map_writer *m = ck_ledger_answer(&out, CK_MSG_SESSION_FOUND, request);
	ck_field_text(m, CK_F_REMOTE_HOST, host);
	ck_field_bool(m, CK_F_INSIDE, inside);
	ck_channel_send_message(peer->channel, &out);
	return true;
}

static bool read_source(const struct ck_map *message, ck_keys optional, struct ck_bytes *out)
{
	return ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_SOURCE), optional) == CK_OK &&
	       ck_map_bytes(message, CK_F_SOURCE, CK_SOURCE_BYTES, CK_SOURCE_BYTES, out) == CK_OK;
}

/* Where whoever tries sits is told with the answer, if they may go on. */
bool ck_ledger_handle_try(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_message_out out;
	struct ck_bytes source;
	struct ck_text host = {NULL, 0};
	bool located = (message->present & CK_KEY(CK_F_ANCESTORS)) != 0, inside = false;
	if (!read_source(message, CK_KEY(CK_F_ANCESTORS), &source) || (located && !is_inside(ledger, message, &host, &inside))) return false;
	int64_t wait_ms = ck_book_try(ledger->book, source);
	bool told = located && wait_ms == 0;
	struct ck_map_writer *m = ck_ledger_answer(&out, CK_MSG_TRIED, request);
	if (told) ck_field_text(m, CK_F_REMOTE_HOST, host);
	ck_field_bool(m, CK_F_VERDICT, wait_ms == 0);
	ck_field_uint(m, CK_F_COUNT, (uint64_t)wait_ms);
	if (told) ck_field_bool(m, CK_F_INSIDE, inside);
	ck_channel_send_message(peer->channel, &out);
	return true;
}

bool ck_ledger_handle_proved(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_bytes source;
	(void)peer;
	(void)request;
	if (!read_source(message, 0, &source)) return false;
	ck_book_proved(ledger->book, source);
	return true;
}

static const char *state_of(struct ck_ledger *ledger, bool *out_fine, const char **out_detail)
{
	enum ck_book_room room = ck_book_room(ledger->book);
	bool slow = ledger->flushing && ck_clock_monotonic_ms() - ledger->flushing_ms > FLUSH_LIMIT_MS;
	*out_fine = !ledger->failed && !slow && room != CK_BOOK_FULL;
	*out_detail = NULL;
	if (slow) *out_detail = "the disk of the audit log does not finish what was written: logins wait for it";
	else if (room == CK_BOOK_FULL) *out_detail = "the disk of the audit log is full, and so is the reserve: nobody is let in until there is room";
	else if (room == CK_BOOK_RESERVE) *out_detail = "the disk of the audit log is full: only grants and changes are still recorded, from the reserve";
	return slow ? "slow" : room == CK_BOOK_FULL ? "full" : room == CK_BOOK_RESERVE ? "reserve" : "recording";
}

bool ck_ledger_handle_state(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_message_out out;
	bool fine;
	const char *detail;
	if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST), 0) != CK_OK) return false;
	const char *state = state_of(ledger, &fine, &detail);
	struct ck_map_writer *m = ck_ledger_answer(&out, CK_MSG_STATED, request);
	ck_field_bool(m, CK_F_VERDICT, fine);
	ck_field_string(m, CK_F_DETAIL, detail);
	ck_field_string(m, CK_F_STATE, state);
	ck_channel_send_message(peer->channel, &out);
	return true;
}

bool ck_ledger_handle_uses(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_use due[CK_USES_DUE_LIMIT];
	struct ck_message_out out;
	struct ck_errmsg err;
	size_t count;
	enum ck_error error = ck_book_uses(ledger->book, message, due, &count, &err);
	if (error == CK_ERR_INVALID) return false;
	if (error != CK_OK) {
		ck_ledger_fail(ledger, "the ledger cannot go on", &err);
		return true;
	}
	ck_uses_put(ck_ledger_answer(&out, CK_MSG_KEY_USES_DUE, request), due, count);
	ck_channel_send_message(peer->channel, &out);
	return true;
}
