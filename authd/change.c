/* Decoding and verifying a change. The gate that relayed it is not believed: the list is made anew here and the assertion is verified here,
   with a key from the store. */
#include "authd/change.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/fido/fido.h"
#include "authd/login.h"
#include "directory/base/secret.h"

enum ck_error ck_deny(struct ck_denial *denial, const char *reason, const char *format, ...)
{
	va_list args;
	denial->reason = reason;
	va_start(args, format);
	(void)vsnprintf(denial->message.text, sizeof denial->message.text, format, args);
	va_end(args);
	return CK_ERR_DENIED;
}

/* ---- registrations of late ---- */

const struct ck_prepared_key *ck_prepared_find(const struct ck_prepared_keys *keys, const uint8_t values_digest[32], struct ck_id staff,
                                               int64_t now_ms)
{
	for (size_t i = 0; i < CK_PREPARED_LIMIT; i++) {
		const struct ck_prepared_key *key = &keys->at[i];
		if (key->until_ms > now_ms && ck_id_equal(key->staff, staff) && memcmp(key->values_digest, values_digest, 32) == 0) return key;
	}
	return NULL;
}

/* A place that is over, else the oldest of this asker if it has its fill, else the oldest of all. */
void ck_prepared_add(struct ck_prepared_keys *keys, const struct ck_prepared_key *key, int64_t now_ms)
{
	struct ck_prepared_key *place = NULL, *own = NULL, *oldest = &keys->at[0];
	size_t count = 0;
	for (size_t i = 0; i < CK_PREPARED_LIMIT; i++) {
		struct ck_prepared_key *at = &keys->at[i];
		if (at->until_ms < oldest->until_ms) oldest = at;
		if (at->until_ms <= now_ms) {
			if (place == NULL) place = at;
		} else if (at->peer_uid == key->peer_uid) {
			count++;
			if (own == NULL || at->until_ms < own->until_ms) own = at;
		}
	}
	if (count >= CK_PREPARED_PER_PEER_LIMIT) place = own;
	else if (place == NULL) place = oldest;
	*place = *key;
}

/* ---- decoding ---- */

/* What the kind and the verb say about the shape of a statement. */
static bool shape_fits(const struct ck_order_item *item)
{
	const struct ck_change_statement *s = &item->statement;
	enum ck_kind kind = item->rule->kind;
	bool has_parent = kind == CK_KIND_KEY || kind == CK_KIND_CODE || kind == CK_KIND_GRANT;
	if (s->target.length != (kind == CK_KIND_KEY ? 32u : 16u)) return false;
	if (has_parent ? s->parent.length != 16 : s->parent.length != 0) return false;
	if ((item->rule->verb == CK_VERB_ADD) != (s->csn.length == 0)) return false;
	if (kind == CK_KIND_AUTHORITY && memcmp(s->target.at, s->authority.bytes, 16) != 0) return false;
	return !ck_id_is_zero(s->authority);
}

static enum ck_error decode_item(struct ck_item statement, struct ck_item values, struct ck_order_item *out, struct ck_denial *denial)
{
	uint8_t digest[32];
	if (statement.type != CK_CBOR_BYTES || values.type != CK_CBOR_BYTES || ck_change_statement_decode(statement.span, &out->statement) != CK_OK)
		return ck_deny(denial, "malformed", "a statement of the change is malformed");
	out->encoded = statement.span;
	out->values = values.span;
	ck_sha256(out->digest, &out->encoded, 1);
	out->rule = ck_change_rule_of(out->statement.operation);
	if (out->rule == NULL) return ck_deny(denial, "unknown-operation", "there is no such change as the statement orders");
	if (!shape_fits(out)) return ck_deny(denial, "malformed", "%s: target, parent or CSN do not fit the operation", out->rule->name);
	ck_sha256(digest, &out->values, 1);
	if (memcmp(digest, out->statement.digest, sizeof digest) != 0)
		return ck_deny(denial, "digest", "%s: the values are not the ones that were signed", out->rule->name);
	return CK_OK;
}

enum ck_error ck_order_decode_statements(const struct ck_map *request, struct ck_order *out, struct ck_denial *denial)
{
	struct ck_items statements, values;
	struct ck_item statement, value;
	if (ck_map_array(request, CK_F_STATEMENTS, CK_CHANGES_LIMIT, &statements) != CK_OK ||
	    ck_map_array(request, CK_F_VALUES, CK_CHANGES_LIMIT, &values) != CK_OK)
		return ck_deny(denial, "malformed", "expected up to %d statements and as many values", CK_CHANGES_LIMIT);
	while (ck_items_next(&statements, &statement)) {
		if (!ck_items_next(&values, &value)) return ck_deny(denial, "malformed", "there are fewer values than statements");
		enum ck_error error = decode_item(statement, value, &out->items[out->count], denial);
		if (error != CK_OK) return error;
		out->count++;
	}
	if (out->count == 0 || ck_items_next(&values, &value)) return ck_deny(denial, "malformed", "there are not as many values as statements");
	return CK_OK;
}

enum ck_error ck_order_decode(const struct ck_map *request, struct ck_order *out, struct ck_denial *denial)
{
	memset(out, 0, sizeof *out);
	denial->reason = "";
	if (ck_map_fixed(request, CK_F_NONCE, out->nonce, sizeof out->nonce) != CK_OK ||
	    ck_map_bytes(request, CK_F_CREDENTIAL, 1, CK_CREDENTIAL_ID_LIMIT_BYTES, &out->credential) != CK_OK ||
	    ck_map_bytes(request, CK_F_AUTH_DATA, 1, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_bytes(request, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &out->signature) != CK_OK)
		return ck_deny(denial, "malformed", "the change carries no well-formed assertion");
	return ck_order_decode_statements(request, out, denial);
}

/* ---- verifying ---- */

bool ck_key_is_active(const struct ck_key *key, struct ck_moment now)
{
	return key->status == CK_STATUS_ACTIVE && ck_window_contains(key->window, now);
}

bool ck_person_is_active(struct ck_view *view, const struct ck_record *staff, struct ck_moment now)
{
	struct ck_record authority;
	if (staff->kind != CK_KIND_STAFF || staff->as.staff.status != CK_STATUS_ACTIVE || !ck_window_contains(staff->as.staff.window, now))
		return false;
	if (ck_view_get(view, CK_KIND_AUTHORITY, staff->authority, &authority) != CK_OK) return false;
	return authority.as.authority_of.status == CK_STATUS_ACTIVE && ck_window_contains(authority.as.authority_of.window, now);
}

static enum ck_error make_list(struct ck_order *order, const struct ck_nonce *nonce, const struct ck_change_place *place)
{
	uint8_t digests[CK_CHANGES_LIMIT][32];
	struct ck_change_list list = {.digests = (const uint8_t(*)[32])digests,
	                              .count = order->count,
	                              .system = place->system,
	                              .user = ck_text_of(order->user),
	                              .time_s = nonce->time_s};
	for (size_t i = 0; i < order->count; i++) memcpy(digests[i], order->items[i].digest, 32);
	memcpy(list.nonce, nonce->bytes, sizeof list.nonce);
	return ck_change_list_encode(&list, order->list, sizeof order->list, &order->list_length);
}

/* The person's own active key; of anybody else a key that nobody holds, so that the refusal takes as long. */
static bool find_key(const struct ck_change_touch *touch, const struct ck_change_place *place, struct ck_view *view, struct ck_id *out_staff,
                     struct ck_key *out)
{
	static const uint8_t nobodys[16];
	struct ck_record staff, key;
	*out = (struct ck_key){.credential_id = {nobodys, sizeof nobodys}, .public_key = {ck_login_nobody_key, ck_login_nobody_key_length},
	                       .rp_id = place->rp_id, .status = CK_STATUS_REVOKED};
	if (ck_view_staff_by_uid(view, ck_text_of(touch->user), &staff) != CK_OK || !ck_person_is_active(view, &staff, place->now)) return false;
	if (ck_view_key(view, touch->key_hash, &key) != CK_OK || !ck_id_equal(key.as.key.staff, staff.id)) return false;
	if (!ck_id_equal(key.authority, staff.authority)) return false; /* filed under another authority: none of theirs */
	if (!ck_key_is_active(&key.as.key, place->now)) return false;
	*out = key.as.key;
	*out_staff = staff.id;
	return true;
}

enum ck_error ck_change_verify_touch(const struct ck_change_touch *touch, const struct ck_change_place *place, struct ck_view *view,
                                     struct ck_id *out_orderer, uint32_t *out_counter, struct ck_denial *denial)
{
	struct ck_fido_result result;
	struct ck_errmsg why;
	struct ck_id staff = {{0}};
	struct ck_key key;
	memset(out_orderer, 0, sizeof *out_orderer);
	bool found = find_key(touch, place, view, &staff, &key);
	/* the credential is the one whose hash names the key */
	struct ck_fido_assertion assertion = {.rp_id = place->rp_id,
	                                      .client_data_hash = touch->challenge,
	                                      .credential_id = key.credential_id,
	                                      .auth_data = touch->auth_data,
	                                      .signature = touch->signature,
	                                      .verify = true};
	enum ck_error error = ck_fido_verify_assertion(&key, &assertion, &result, &why);
	/* One sentence for an unknown name, a foreign key and a bad signature: nothing was proved by whoever asks. */
	if (error != CK_OK || !found)
		return ck_deny(denial, "assertion", "the touch is not one of an active key of this person, with PIN or biometric, over this change");
	*out_orderer = staff;
	*out_counter = result.count;
	return CK_OK;
}

enum ck_error ck_order_verify(struct ck_order *order, const struct ck_nonce *nonce, const struct ck_change_place *place, struct ck_view *view,
                              struct ck_denial *denial)
{
	static const char tag[] = CK_TAG_CHANGE;
	uint8_t challenge[32];
	denial->reason = "";
	if (!ck_constant_time_equal(order->nonce, nonce->bytes, CK_NONCE_BYTES)) return ck_deny(denial, "nonce", "the change was not begun here");
	memcpy(order->user, nonce->user, sizeof order->user);
	if (make_list(order, nonce, place) != CK_OK) return ck_deny(denial, "malformed", "the change does not fit a list");
	struct ck_bytes parts[] = {{(const uint8_t *)tag, sizeof tag}, {order->list, order->list_length}};
	ck_sha256(challenge, parts, 2);
	ck_sha256(order->key_hash, &order->credential, 1);
	struct ck_change_touch touch = {.user = order->user, .key_hash = order->key_hash, .challenge = challenge,
	                                .auth_data = order->auth_data, .signature = order->signature};
	return ck_change_verify_touch(&touch, place, view, &order->orderer, &order->counter, denial);
}
