/* What the ledger answers to messages about vouches: what it keeps of one that may be checked, or what became of it. */
#include "authd/ledger_process.h"

_Static_assert(CK_VOUCH_PROOF_LIMIT_BYTES + 64 <= CK_MESSAGE_OUT_BYTES, "a vouch with its proof fits");

static void send_found(struct ck_ledger_peer *peer, uint64_t request, const uint8_t id[CK_VOUCH_ID_BYTES], const struct ck_vouch *vouch)
{
	struct ck_message_out out;
	struct ck_map_writer *m = ck_ledger_answer(&out, CK_MSG_VOUCH_FOUND, request);
	ck_field_bytes(m, CK_F_ID, id, CK_VOUCH_ID_BYTES);
	ck_field_bytes(m, CK_F_PROOF, vouch->proof, vouch->proof_length);
	ck_channel_send_message(peer->channel, &out);
}

/* A refusal is answered like a record's, after it was written. */
bool ck_ledger_handle_vouch_find(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	const struct ck_vouch *found;
	const uint8_t *id;
	if (ledger->batch_count == CK_CHAIN_BATCH_RECORDS || !ck_book_has_room(ledger->book)) ck_ledger_end_batch(ledger);
	struct ck_waiter *waiter = &ledger->batch[ledger->batch_count];
	if (ck_book_find_vouch(ledger->book, message, &waiter->answer, &found, &id) != CK_OK) return false;
	if (found != NULL) {
		send_found(peer, request, id, found);
		return true;
	}
	waiter->peer = peer;
	waiter->request = request;
	ledger->batch_count++;
	return true;
}

bool ck_ledger_handle_vouch_state(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_message_out out;
	uint8_t id[CK_VOUCH_ID_BYTES];
	if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_ID), 0) != CK_OK ||
	    ck_map_fixed(message, CK_F_ID, id, sizeof id) != CK_OK)
		return false;
	const struct ck_vouch *vouch = ck_book_vouch(ledger->book, id);
	bool by_somebody = vouch != NULL && (vouch->state == CK_VOUCH_CHECKED || vouch->state == CK_VOUCH_REFUSED);
	struct ck_map_writer *m = ck_ledger_answer(&out, CK_MSG_VOUCH_STATED, request);
	if (by_somebody) ck_field_int(m, CK_F_TIME, vouch->checked_s);
	if (by_somebody) ck_field_bytes(m, CK_F_TARGET, vouch->checker.bytes, sizeof vouch->checker.bytes);
	ck_field_string(m, CK_F_STATE, ck_vouch_state_name(vouch != NULL ? vouch->state : CK_VOUCH_NONE));
	ck_channel_send_message(peer->channel, &out);
	return true;
}
