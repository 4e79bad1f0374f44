/* BER of RFC 4533: built by liblber, taken apart by ber.h. The provider is not believed: every tag and length is checked, leftovers are an error. */
#include "directory/ldap/sync.h"

#include <ldap.h>
#include <string.h>

#include "directory/ldap/ber.h"

static bool take_cookie(struct ck_reader *r, ber_tag_t tag, struct ck_bytes *out)
{
	*out = (struct ck_bytes){NULL, 0};
	return !ck_ber_next_is(r, tag) || ck_ber_take(r, tag, out);
}

/* BOOLEAN DEFAULT `fallback`. */
static bool take_bool(struct ck_reader *r, bool fallback, bool *out)
{
	struct ck_bytes content;
	*out = fallback;
	if (!ck_ber_next_is(r, LBER_BOOLEAN)) return true;
	if (!ck_ber_take(r, LBER_BOOLEAN, &content) || content.length != 1) return false;
	*out = content.at[0] != 0;
	return true;
}

enum ck_error ck_sync_request_encode(struct ck_bytes cookie, uint8_t *out, size_t out_bytes, size_t *out_length)
{
	enum ck_error error = CK_ERR_MEMORY;
	struct berval value = {0, NULL};
	struct berval old = {cookie.length, (char *)(uintptr_t)cookie.at};
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	*out_length = 0;
	if (ber == NULL) return CK_ERR_MEMORY;
	int written = cookie.at != NULL ? ber_printf(ber, "{eO}", (ber_int_t)LDAP_SYNC_REFRESH_AND_PERSIST, &old)
	                                : ber_printf(ber, "{e}", (ber_int_t)LDAP_SYNC_REFRESH_AND_PERSIST);
	if (written < 0 || ber_flatten2(ber, &value, 0) < 0) goto out;
	error = CK_ERR_LIMIT;
	if (value.bv_len > out_bytes) goto out;
	memcpy(out, value.bv_val, value.bv_len);
	*out_length = value.bv_len;
	error = CK_OK;
out:
	ber_free(ber, 1);
	return error;
}

enum ck_error ck_sync_state_decode(struct ck_bytes value, struct ck_sync_state *out)
{
	struct ck_reader outer = ck_ber_reader_of(value), inner;
	struct ck_bytes sequence, state, uuid;
	memset(out, 0, sizeof *out);
	if (!ck_ber_take(&outer, LBER_SEQUENCE, &sequence) || !ck_reader_done(&outer)) return CK_ERR_INVALID;
	inner = ck_ber_reader_of(sequence);
	if (!ck_ber_take(&inner, LBER_ENUMERATED, &state) || state.length != 1 ||
	    state.at[0] > CK_SYNC_DELETE || !ck_ber_take(&inner, LBER_OCTETSTRING, &uuid) || uuid.length != CK_SYNC_UUID_BYTES ||
	    !take_cookie(&inner, LBER_OCTETSTRING, &out->cookie) || !ck_reader_done(&inner))
		return CK_ERR_INVALID;
	out->state = (enum ck_sync_entry)state.at[0];
	memcpy(out->uuid, uuid.at, sizeof out->uuid);
	return CK_OK;
}

static bool uuids_well_formed(struct ck_bytes uuids)
{
	uint8_t uuid[CK_SYNC_UUID_BYTES];
	while (uuids.length > 0)
		if (ck_sync_next_uuid(&uuids, uuid) != CK_OK) return false;
	return true;
}

static enum ck_error decode_phase_end(struct ck_bytes content, struct ck_sync_info *out)
{
	struct ck_reader inner = ck_ber_reader_of(content);
	if (!take_cookie(&inner, LBER_OCTETSTRING, &out->cookie) ||
	    !take_bool(&inner, true, &out->refresh_done) || !ck_reader_done(&inner))
		return CK_ERR_INVALID;
	return CK_OK;
}

static enum ck_error decode_id_set(struct ck_bytes content, struct ck_sync_info *out)
{
	struct ck_reader inner = ck_ber_reader_of(content);
	if (!take_cookie(&inner, LBER_OCTETSTRING, &out->cookie) ||
	    !take_bool(&inner, false, &out->refresh_deletes) || !ck_ber_take(&inner, LBER_SET, &out->uuids) || !ck_reader_done(&inner) ||
	    !uuids_well_formed(out->uuids))
		return CK_ERR_INVALID;
	return CK_OK;
}

enum ck_error ck_sync_info_decode(struct ck_bytes value, struct ck_sync_info *out)
{
	struct ck_reader outer = ck_ber_reader_of(value);
	struct ck_bytes content;
	memset(out, 0, sizeof *out);
	ber_tag_t tag = value.length > 0 ? value.at[0] : LBER_ERROR;
	if (!ck_ber_take(&outer, tag, &content) || !ck_reader_done(&outer)) return CK_ERR_INVALID;
	switch (tag) {
	case LDAP_TAG_SYNC_NEW_COOKIE:
		out->kind = CK_SYNC_NEW_COOKIE;
		out->cookie = content;
		return content.length > 0 ? CK_OK : CK_ERR_INVALID;
	case LDAP_TAG_SYNC_REFRESH_DELETE:
		out->kind = CK_SYNC_REFRESH_DELETE;
		return decode_phase_end(content, out);
	case LDAP_TAG_SYNC_REFRESH_PRESENT:
		out->kind = CK_SYNC_REFRESH_PRESENT;
		return decode_phase_end(content, out);
	case LDAP_TAG_SYNC_ID_SET:
		out->kind = CK_SYNC_ID_SET;
		return decode_id_set(content, out);
	default:
		return CK_ERR_INVALID;
	}
}

/* By hand: an OCTET STRING of 16 has one shape, and a set of a million of them is walked often. */
enum ck_error ck_sync_next_uuid(struct ck_bytes *uuids, uint8_t out[CK_SYNC_UUID_BYTES])
{
	if (uuids->length == 0) return CK_ERR_NOT_FOUND;
	if (uuids->length < 2 + CK_SYNC_UUID_BYTES || uuids->at[0] != LBER_OCTETSTRING || uuids->at[1] != CK_SYNC_UUID_BYTES) return CK_ERR_INVALID;
	memcpy(out, uuids->at + 2, CK_SYNC_UUID_BYTES);
	*uuids = (struct ck_bytes){uuids->at + 2 + CK_SYNC_UUID_BYTES, uuids->length - 2 - CK_SYNC_UUID_BYTES};
	return CK_OK;
}
