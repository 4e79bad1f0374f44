/* Messages about vouches. A gate is believed as to whose key signed and who entered a code; that a vouch is used once, in time, by whom it is for,
   and what its proof says, is seen to here. */
#include "authd/ledger_vouch_act.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NAME_SHOWN_BYTES 64 /* of a name in an alarm */

static struct ck_text text_of(const struct ck_map *message, unsigned key)
{
	struct ck_text text = {NULL, 0};
	return ck_map_text(message, key, SIZE_MAX, &text) == CK_OK ? text : (struct ck_text){NULL, 0};
}

static bool read_checker(const struct ck_map *message, struct ck_vouch_checker *out)
{
	return ck_map_fixed(message, CK_F_TARGET, out->staff.bytes, sizeof out->staff.bytes) == CK_OK &&
	       ck_map_fixed(message, CK_F_AUTHORITY, out->authority.bytes, sizeof out->authority.bytes) == CK_OK;
}

/* ---- events ---- */

/* The id is what the key signed, so that the same signature makes no second vouch; and what is said beside the proof is what is in it. */
static bool read_made(const struct ck_map *message, struct ck_vouch_act *out)
{
	struct ck_vouch_new *made = &out->made;
	struct ck_vouch_proof proof;
	uint8_t hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	if (ck_map_bytes(message, CK_F_PROOF, 1, CK_VOUCH_PROOF_LIMIT_BYTES, &made->proof) != CK_OK ||
	    ck_vouch_proof_decode(made->proof, &proof) != CK_OK || ck_vouch_statement_decode(proof.statement, &made->statement) != CK_OK ||
	    ck_map_fixed(message, CK_F_TARGET, made->voucher.bytes, sizeof made->voucher.bytes) != CK_OK)
		return false;
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *)CK_TAG_VOUCH, sizeof CK_TAG_VOUCH);
	crypto_hash_sha256_update(&state, proof.statement.at, proof.statement.length);
	crypto_hash_sha256_final(&state, hash);
	memcpy(made->id, out->id, sizeof made->id);
	made->digest = out->digest;
	return memcmp(hash, out->id, sizeof out->id) == 0 && ck_text_equal(made->statement.user, out->user) &&
	       ck_bytes_equal(proof.key_hash, message->at[CK_F_HASH].span);
}

bool ck_vouch_act_read(const struct ck_map *message, enum ck_event event, struct ck_vouch_act *out)
{
	*out = (struct ck_vouch_act){.event = event, .user = text_of(message, CK_F_USER)};
	struct ck_bytes digest = {NULL, 0};
	enum ck_error error = ck_map_fixed(message, CK_F_ID, out->id, sizeof out->id);
	if (event == CK_EVENT_VOUCH_REFUSED && error == CK_ERR_NOT_FOUND) return true;
	if (error != CK_OK) return false;
	out->refers = true;
	if (event == CK_EVENT_VOUCH_WITHDRAWN) return true;
	if (ck_map_bytes(message, CK_F_DIGEST, CK_VOUCH_DIGEST_BYTES, CK_VOUCH_DIGEST_BYTES, &digest) != CK_OK) return false;
	out->digest = digest.at;
	return event == CK_EVENT_VOUCH_MADE ? read_made(message, out) : read_checker(message, &out->checker);
}

const char *ck_vouch_act_refuse(struct ck_vouch_act *act, struct ck_vouches *vouches, int64_t now_ms)
{
	if (!act->refers) return NULL;
	if (act->event == CK_EVENT_VOUCH_MADE) return ck_vouches_refuse(vouches, &act->made, now_ms);
	act->vouch = ck_vouches_get(vouches, act->id, now_ms);
	if (act->event != CK_EVENT_VOUCH_WITHDRAWN) return ck_vouch_refuse_check(act->vouch, &act->checker, act->digest);
	if (act->vouch == NULL || !ck_text_is(act->user, act->vouch->user)) return "vouch-gone";
	return act->vouch->state == CK_VOUCH_OPEN ? NULL : "vouch-over";
}

static void take_but_digest(const struct ck_map *message, struct ck_event_fields *fields)
{
	struct ck_map shown = *message;
	shown.present &= ~CK_KEY(CK_F_DIGEST);
	ck_event_fields_take(fields, &shown);
}

void ck_vouch_act_fields(const struct ck_vouch_act *act, const struct ck_map *message, struct ck_event_fields *fields)
{
	take_but_digest(message, fields);
	if (act->vouch != NULL) ck_event_fields_text(fields, "voucher", ck_text_of(act->vouch->user));
	if (act->event != CK_EVENT_VOUCH_MADE) return;
	const struct ck_vouch_statement *s = &act->made.statement;
	ck_event_fields_text(fields, "for-kind", s->kind);
	ck_event_fields_text(fields, "for-name", s->name);
	ck_event_fields_hex(fields, "for-id", s->id.bytes, sizeof s->id.bytes);
}

enum ck_error ck_vouch_act_take(const struct ck_vouch_act *act, struct ck_vouches *vouches, int64_t now_ms, int64_t life_ms, int64_t wall_s)
{
	if (!act->refers) return CK_OK;
	if (act->event == CK_EVENT_VOUCH_MADE) return ck_vouches_add(vouches, &act->made, now_ms, life_ms);
	bool by_somebody = act->event != CK_EVENT_VOUCH_WITHDRAWN;
	enum ck_vouch_state state = act->event == CK_EVENT_VOUCH_CHECKED   ? CK_VOUCH_CHECKED
	                            : act->event == CK_EVENT_VOUCH_REFUSED ? CK_VOUCH_REFUSED
	                                                                   : CK_VOUCH_WITHDRAWN;
	ck_vouch_end(act->vouch, state, by_somebody ? &act->checker.staff : NULL, wall_s);
	return CK_OK;
}

/* ---- guesses ---- */

#define GUESS_KEYS                                                                                                                            \
	(CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_USER) | CK_KEY(CK_F_AUTHORITY) | CK_KEY(CK_F_PEER_UID) | CK_KEY(CK_F_TARGET) | \
	 CK_KEY(CK_F_DIGEST))

bool ck_vouch_guess_read(const struct ck_map *message, struct ck_vouch_guess *out)
{
	struct ck_text user;
	struct ck_bytes digest;
	uint64_t peer_uid;
	*out = (struct ck_vouch_guess){.found = CK_VOUCH_WRONG, .reason = "vouch-wrong"};
	if (ck_map_expect(message, GUESS_KEYS, 0) != CK_OK || ck_map_text(message, CK_F_USER, CK_VOUCH_NAME_BYTES, &user) != CK_OK ||
	    ck_map_uint(message, CK_F_PEER_UID, 0, UINT32_MAX, &peer_uid) != CK_OK || !read_checker(message, &out->checker) ||
	    ck_map_bytes(message, CK_F_DIGEST, CK_VOUCH_DIGEST_BYTES, CK_VOUCH_DIGEST_BYTES, &digest) != CK_OK)
		return false;
	out->digest = digest.at;
	return true;
}

void ck_vouch_guess_look(struct ck_vouch_guess *guess, struct ck_vouches *vouches, int64_t now_ms)
{
	guess->found = ck_vouches_find(vouches, &guess->checker, guess->digest, now_ms, &guess->id, &guess->exhausted);
	if (guess->id != NULL) guess->vouch = ck_vouches_get(vouches, guess->id, now_ms);
	if (guess->found == CK_VOUCH_TOO_MANY) guess->reason = "vouch-tries";
	if (guess->found == CK_VOUCH_OVER) guess->reason = ck_vouch_refuse_check(guess->vouch, &guess->checker, guess->digest);
}

void ck_vouch_guess_fields(const struct ck_vouch_guess *guess, const struct ck_map *message, struct ck_event_fields *fields)
{
	take_but_digest(message, fields);
	ck_event_fields_text(fields, "reason", ck_text_of(guess->found == CK_VOUCH_ELSEWHERE ? "vouch-elsewhere" : guess->reason));
	if (guess->vouch != NULL) ck_event_fields_text(fields, "voucher", ck_text_of(guess->vouch->user));
}

bool ck_vouch_guess_alarm(const struct ck_vouch_guess *guess, const struct ck_map *message, char *out, size_t out_bytes)
{
	struct ck_text user = text_of(message, CK_F_USER);
	int shown = (int)(user.length < NAME_SHOWN_BYTES ? user.length : NAME_SHOWN_BYTES);
	if (guess->exhausted)
		(void)snprintf(out, out_bytes, "vouching: %.*s, or all together, entered so many wrong codes that no more are looked at for a while", shown,
		               user.at);
	else if (guess->found == CK_VOUCH_ELSEWHERE)
		(void)snprintf(out, out_bytes, "vouching: %.*s entered a code that %s made for somebody else", shown, user.at, guess->vouch->user);
	return guess->exhausted || guess->found == CK_VOUCH_ELSEWHERE;
}
