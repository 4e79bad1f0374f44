/* Vouching without I/O. A proof may come from anywhere: a gate that is an attacker's may have given it to the ledger. */
#include "authd/vouch.h"

#include <sodium.h>
#include <string.h>

#include "authd/decide/role.h"
#include "authd/fido/fido.h"
#include "authd/wall.h"

#define FIRST_PART 1000000 /* of CK_VOUCH_CODE_NUMBERS, in two draws that 32 bits hold */

enum ck_error ck_vouch_hash(const struct ck_vouch_statement *statement, uint8_t out[CK_CHALLENGE_BYTES])
{
	uint8_t bytes[CK_VOUCH_STATEMENT_LIMIT_BYTES];
	size_t length;
	enum ck_error error = ck_vouch_statement_encode(statement, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	const struct ck_bytes parts[] = {{(const uint8_t *)CK_TAG_VOUCH, sizeof CK_TAG_VOUCH}, {bytes, length}};
	ck_sha256(out, parts, 2);
	return CK_OK;
}

static void hash_keyed(const uint8_t *secret, size_t secret_bytes, const char *tag, size_t tag_bytes, struct ck_text text, uint8_t out[32])
{
	crypto_generichash_state state;
	crypto_generichash_init(&state, secret, secret_bytes, 32);
	crypto_generichash_update(&state, (const uint8_t *)tag, tag_bytes);
	crypto_generichash_update(&state, (const uint8_t *)text.at, text.length);
	crypto_generichash_final(&state, out, 32);
	sodium_memzero(&state, sizeof state);
}

void ck_vouch_digest(const uint8_t *secret, size_t secret_bytes, const char code[CK_VOUCH_CODE_BYTES], uint8_t out[CK_VOUCH_DIGEST_BYTES])
{
	static const char tag[] = "crosskeys vouch code v1";
	hash_keyed(secret, secret_bytes, tag, sizeof tag, (struct ck_text){code, CK_VOUCH_CODE_DIGITS}, out);
}

void ck_vouch_draw(char out[CK_VOUCH_CODE_BYTES])
{
	uint64_t number = (uint64_t)randombytes_uniform(FIRST_PART) * (CK_VOUCH_CODE_NUMBERS / FIRST_PART);
	number += randombytes_uniform((uint32_t)(CK_VOUCH_CODE_NUMBERS / FIRST_PART));
	ck_vouch_code_make(number, out);
	sodium_memzero(&number, sizeof number);
}

struct ck_id ck_vouch_decoy(const uint8_t *secret, size_t secret_bytes, struct ck_text name)
{
	static const char tag[] = "crosskeys vouch nobody v1";
	uint8_t hash[32];
	struct ck_id id;
	hash_keyed(secret, secret_bytes, tag, sizeof tag, name, hash);
	memcpy(id.bytes, hash, sizeof id.bytes);
	id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40); /* a random UUID, as ckIds are (RFC 9562, 5.4) */
	id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
	return id;
}

static enum ck_error authority_of(struct ck_view *view, struct ck_id id, struct ck_moment now)
{
	struct ck_record authority;
	enum ck_error error = ck_view_get(view, CK_KIND_AUTHORITY, id, &authority);
	if (error != CK_OK) return error;
	return ck_authority_active(&authority, now) ? CK_OK : CK_ERR_NOT_FOUND;
}

enum ck_error ck_vouch_audience(struct ck_view *view, bool for_authority, struct ck_text name, struct ck_moment now, struct ck_record *out)
{
	struct ck_id zero = {{0}};
	enum ck_error error =
		for_authority ? ck_view_by_name(view, CK_KIND_AUTHORITY, zero, name, out) : ck_view_staff_by_uid(view, name, out);
	if (error != CK_OK) return error;
	if (!for_authority && (!ck_staff_active(out, now) || !out->as.staff.listed)) return CK_ERR_NOT_FOUND;
	return authority_of(view, for_authority ? out->id : out->authority, now);
}

/* ---- whether it still stands ---- */

struct taken_apart {
	struct ck_vouch_proof proof;
	struct ck_vouch_statement statement;
	uint8_t challenge[CK_CHALLENGE_BYTES];
};

static const char *take_apart(const struct ck_vouch_question *q, struct taken_apart *out)
{
	if (ck_vouch_proof_decode(q->proof, &out->proof) != CK_OK ||
	    ck_vouch_statement_decode(out->proof.statement, &out->statement) != CK_OK || !ck_text_equal(out->statement.system, q->system))
		return "vouch-proof";
	const struct ck_bytes parts[] = {{(const uint8_t *)CK_TAG_VOUCH, sizeof CK_TAG_VOUCH}, out->proof.statement};
	ck_sha256(out->challenge, parts, 2);
	/* the ledger counts the time by a clock that nobody sets; this one is in what was signed */
	int64_t age_s = q->now.s - out->statement.time_s;
	return age_s >= -CK_WALL_TOLERANCE_S && age_s <= q->limit_s ? NULL : "vouch-old";
}

static enum ck_error find_person(struct ck_view *view, const struct ck_vouch_question *q, const struct taken_apart *t, struct ck_record *out)
{
	enum ck_error error = ck_view_staff_by_uid(view, t->statement.user, out);
	if (error == CK_OK && !ck_staff_active(out, q->now)) error = CK_ERR_NOT_FOUND;
	return error == CK_OK ? authority_of(view, out->authority, q->now) : error;
}

static enum ck_error find_key(struct ck_view *view, const struct ck_vouch_question *q, const struct taken_apart *t,
                              const struct ck_record *staff, struct ck_record *out)
{
	enum ck_error error = ck_view_key(view, t->proof.key_hash.at, out);
	if (error != CK_OK) return error;
	const struct ck_key *key = &out->as.key;
	bool good = ck_id_equal(key->staff, staff->id) && ck_id_equal(out->authority, staff->authority) && key->status == CK_STATUS_ACTIVE &&
	            ck_window_contains(key->window, q->now);
	return good ? CK_OK : CK_ERR_NOT_FOUND;
}

static const char *check_audience(struct ck_view *view, const struct ck_vouch_question *q, const struct taken_apart *t, bool *corrupt)
{
	struct ck_record record;
	bool for_authority = ck_text_is(t->statement.kind, CK_VOUCH_FOR_AUTHORITY);
	enum ck_error error = ck_vouch_audience(view, for_authority, t->statement.name, q->now, &record);
	*corrupt = error == CK_ERR_CORRUPT;
	return error == CK_OK && ck_id_equal(record.id, t->statement.id) ? NULL : "vouch-nobody";
}

static const char *check_signature(const struct ck_vouch_question *q, const struct taken_apart *t, const struct ck_key *key, unsigned *out_proved,
                                   struct ck_errmsg *why)
{
	struct ck_fido_result result;
	struct ck_fido_assertion assertion = {.rp_id = q->rp_id,
	                                      .client_data_hash = t->challenge,
	                                      .credential_id = key->credential_id,
	                                      .auth_data = t->proof.auth_data,
	                                      .signature = t->proof.signature,
	                                      .verify = true};
	if (ck_fido_verify_assertion(key, &assertion, &result, why) != CK_OK) return "vouch-proof";
	*out_proved = CK_PROVED_TOUCH | (result.verified ? CK_PROVED_VERIFIED : 0u) | (key->attested ? CK_PROVED_ATTESTED : 0u);
	return NULL;
}

const char *ck_vouch_refuse(struct ck_view *view, const struct ck_vouch_question *q, struct ck_vouch_known *out, bool *corrupt,
                            struct ck_errmsg *why)
{
	struct taken_apart t;
	struct ck_record key;
	*corrupt = false;
	memset(out, 0, sizeof *out);
	const char *reason = take_apart(q, &t);
	if (reason != NULL) return reason;
	enum ck_error error = find_person(view, q, &t, &out->staff);
	if (error == CK_OK) error = find_key(view, q, &t, &out->staff, &key);
	*corrupt = error == CK_ERR_CORRUPT;
	if (error != CK_OK) return "vouch-ended";
	reason = check_audience(view, q, &t, corrupt);
	if (reason == NULL) reason = check_signature(q, &t, &key.as.key, &out->proved, why);
	out->time_s = t.statement.time_s;
	return reason;
}
