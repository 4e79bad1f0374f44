/* Authenticator data (WebAuthn Level 2, 6.1), taken apart in place. Trusts nothing. */
#include "authd/fido/internal.h"

#include <sodium.h>
#include <string.h>

#define FLAG_UP 0x01
#define FLAG_UV 0x04
#define FLAG_BE 0x08 /* WebAuthn Level 3, 6.1: both were reserved before, and zero */
#define FLAG_BS 0x10
#define FLAG_AT 0x40
#define FLAG_ED 0x80

void ck_sha256(uint8_t out[32], const struct ck_bytes *parts, size_t count)
{
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < count; i++)
		if (parts[i].length > 0) crypto_hash_sha256_update(&state, parts[i].at, parts[i].length);
	crypto_hash_sha256_final(&state, out);
}

static void get_attested(struct ck_reader *r, struct ck_auth_data *out)
{
	out->aaguid = ck_get_bytes(r, 16);
	size_t length = ck_get_u16be(r);
	if (length < 1 || length > CK_CREDENTIAL_ID_LIMIT_BYTES) r->failed = true;
	out->credential_id = (struct ck_bytes){ck_get_bytes(r, length), length};
	out->public_key = ck_fido_get_item(r);
	if (out->public_key.length > CK_PUBLIC_KEY_LIMIT_BYTES) r->failed = true;
	if (!r->failed && out->public_key.at[0] >> 5 != CK_FIDO_MAP) r->failed = true;
}

/* Outputs that we never asked for are harmless, as long as they are well-formed; of credProtect (CTAP 2.1, 12.1) the value counts. */
static void get_extensions(struct ck_reader *r, struct ck_auth_data *out)
{
	struct ck_reader inside;
	struct ck_bytes name, map = ck_fido_get_item(r);
	uint64_t pairs, number;
	if (r->failed) return;
	ck_reader_init(&inside, map.at, map.length);
	if (ck_fido_get_head(&inside, &pairs, &name) != CK_FIDO_MAP) inside.failed = true;
	for (uint64_t i = 0; i < pairs && !inside.failed; i++) {
		if (ck_fido_get_head(&inside, &number, &name) != CK_FIDO_TEXT) inside.failed = true;
		struct ck_bytes value = ck_fido_get_item(&inside);
		struct ck_text text = {(const char *)name.at, name.length};
		if (!inside.failed && ck_text_is(text, "hmac-secret")) out->hmac_secret = true;
		if (inside.failed || !ck_text_is(text, "credProtect")) continue;
		if (value.length != 1 || value.at[0] < 1 || value.at[0] > 3) inside.failed = true;
		out->protection = value.at[0];
	}
	if (inside.failed) r->failed = true;
	out->extension_map = map;
}

enum ck_error ck_fido_parse_auth_data(struct ck_bytes bytes, struct ck_auth_data *out)
{
	struct ck_auth_data data = {0};
	struct ck_reader r;
	*out = data;
	if (bytes.length > CK_FIDO_AUTH_DATA_LIMIT_BYTES) return CK_ERR_LIMIT;
	ck_reader_init(&r, bytes.at, bytes.length);
	data.rp_id_hash = ck_get_bytes(&r, 32);
	uint8_t flags = ck_get_u8(&r);
	data.count = ck_get_u32be(&r);
	data.present = flags & FLAG_UP;
	data.verified = flags & FLAG_UV;
	data.backup_eligible = flags & FLAG_BE;
	data.backed_up = flags & FLAG_BS;
	data.attested = flags & FLAG_AT;
	data.extensions = flags & FLAG_ED;
	if (data.attested) get_attested(&r, &data);
	if (data.extensions) get_extensions(&r, &data);
	if (data.backed_up && !data.backup_eligible) r.failed = true;
	if (!ck_reader_done(&r)) return CK_ERR_INVALID;
	*out = data;
	return CK_OK;
}

enum ck_error ck_fido_check_common(const struct ck_auth_data *data, struct ck_text rp_id, bool verify, struct ck_errmsg *err)
{
	uint8_t expected[32];
	struct ck_bytes part = ck_bytes_of(rp_id);
	if (rp_id.length < 1 || rp_id.length > CK_FIDO_RP_ID_LIMIT_BYTES)
		return ck_fail(err, CK_ERR_DENIED, "the rp-id has %zu bytes; 1 to %d are possible", rp_id.length, CK_FIDO_RP_ID_LIMIT_BYTES);
	if (memchr(rp_id.at, '\0', rp_id.length) != NULL) return ck_fail(err, CK_ERR_DENIED, "the rp-id is none");
	ck_sha256(expected, &part, 1);
	if (!ck_bytes_equal((struct ck_bytes){expected, 32}, (struct ck_bytes){data->rp_id_hash, 32}))
		return ck_fail(err, CK_ERR_DENIED, "the key answered for another rp-id than %.*s", (int)rp_id.length, rp_id.at);
	if (!data->present) return ck_fail(err, CK_ERR_DENIED, "the key was not touched (no user presence)");
	if (verify && !data->verified)
		return ck_fail(err, CK_ERR_DENIED, "the key did not verify its user (no PIN or biometric), and that is demanded");
	return CK_OK;
}
