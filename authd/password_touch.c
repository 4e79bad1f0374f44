/* Trusts the store for the key, and nothing that a gate says but what the key signed. */
#include "authd/password_touch.h"

#include <string.h>

#include "authd/fido/fido.h"
#include "directory/base/secret.h"

/* ---- used ones ---- */

enum ck_error ck_touch_use(struct ck_used_touches *touches, const uint8_t digest[CK_CHALLENGE_BYTES], struct ck_id staff, int64_t now_ms,
                           int64_t life_ms)
{
	size_t place = CK_TOUCHES_LIMIT, own = 0;
	for (size_t i = 0; i < CK_TOUCHES_LIMIT; i++) {
		if (touches->at[i].until_ms <= now_ms) {
			place = i;
			continue;
		}
		if (ck_constant_time_equal(touches->at[i].digest, digest, CK_CHALLENGE_BYTES)) return CK_ERR_EXISTS;
		own += ck_id_equal(touches->at[i].staff, staff);
	}
	if (place == CK_TOUCHES_LIMIT || own >= CK_TOUCHES_PER_PERSON_LIMIT) return CK_ERR_LIMIT;
	memcpy(touches->at[place].digest, digest, CK_CHALLENGE_BYTES);
	touches->at[place].staff = staff;
	touches->at[place].until_ms = now_ms + life_ms;
	return CK_OK;
}

/* ---- verifying ---- */

enum ck_error ck_password_touch_read(const struct ck_map *message, struct ck_password_touch *out)
{
	if (ck_map_fixed(message, CK_F_NONCE, out->nonce, sizeof out->nonce) != CK_OK ||
	    ck_map_bytes(message, CK_F_CREDENTIAL, 1, CK_CREDENTIAL_ID_LIMIT_BYTES, &out->credential) != CK_OK ||
	    ck_map_bytes(message, CK_F_AUTH_DATA, 1, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_bytes(message, CK_F_SIGNATURE, 1, CK_SIGNATURE_LIMIT_BYTES, &out->signature) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}

/* The person's own active key; of anybody else a key that nobody holds, so that the refusal takes as long. */
static bool find_key(struct ck_password_touch *touch, const struct ck_change_place *place, struct ck_view *view, struct ck_key *out)
{
	struct ck_record staff, key;
	*out = (struct ck_key){.credential_id = touch->credential, .public_key = {ck_login_nobody_key, ck_login_nobody_key_length},
	                       .rp_id = place->rp_id, .status = CK_STATUS_REVOKED};
	if (ck_view_staff_by_uid(view, ck_text_of(touch->ask.user), &staff) != CK_OK || !ck_person_is_active(view, &staff, place->now)) return false;
	if (ck_view_key(view, touch->key_hash, &key) != CK_OK || !ck_id_equal(key.as.key.staff, staff.id)) return false;
	if (!ck_id_equal(key.authority, staff.authority) || !ck_key_is_active(&key.as.key, place->now)) return false;
	*out = key.as.key;
	touch->staff = staff.id;
	touch->authority = staff.authority;
	return true;
}

static enum ck_error make_digest(struct ck_password_touch *touch, bool change, const struct ck_change_place *place)
{
	char system[CK_SYSTEM_LIMIT_BYTES + 1];
	if (ck_text_copy(system, sizeof system, place->system) != CK_OK) return CK_ERR_LIMIT;
	if (change) return ck_login_hash_password(touch->ask.user, system, touch->nonce, touch->time_s, touch->digest);
	return ck_login_hash_statement(&touch->ask, system, touch->nonce, touch->time_s, touch->digest);
}

enum ck_error ck_password_touch_verify(struct ck_password_touch *touch, bool change, const struct ck_change_place *place, struct ck_view *view,
                                       struct ck_denial *denial)
{
	struct ck_fido_result result;
	struct ck_errmsg why;
	struct ck_key key;
	if (make_digest(touch, change, place) != CK_OK) return ck_deny(denial, "malformed", "what was signed does not fit a statement");
	ck_sha256(touch->key_hash, &touch->credential, 1);
	bool found = find_key(touch, place, view, &key);
	struct ck_fido_assertion assertion = {.rp_id = place->rp_id,
	                                      .client_data_hash = touch->digest,
	                                      .credential_id = touch->credential,
	                                      .auth_data = touch->auth_data,
	                                      .signature = touch->signature,
	                                      .verify = change};
	enum ck_error error = ck_fido_verify_assertion(&key, &assertion, &result, &why);
	if (error != CK_OK || !found)
		return ck_deny(denial, "assertion", "the touch is not one of an active key of this person, over this");
	touch->count = result.count;
	return CK_OK;
}
