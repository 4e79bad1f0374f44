/* Authenticator data and public keys from anywhere: what is said to be parsed lies inside the input, and no unsound key is called good. */
#include <stddef.h>
#include <stdint.h>

#include "authd/fido/fido.h"
#include "tests/fuzz/fuzz.h"

static void check_inside(struct ck_bytes all, const uint8_t *at, size_t length)
{
	CK_ASSERT(at >= all.at && length <= all.length && at <= all.at + (all.length - length));
}

static void check_key(struct ck_bytes cose)
{
	enum ck_fido_algorithm algorithm;
	if (ck_fido_check_public_key(cose, &algorithm, NULL) != CK_OK) return;
	if (algorithm == CK_FIDO_RS256) CK_ASSERT(cose.length >= 271 && cose.length <= CK_PUBLIC_KEY_LIMIT_BYTES);
	else CK_ASSERT(cose.length == (algorithm == CK_FIDO_ES256 ? 77 : 42));
}

void fuzz_one(const uint8_t *data, size_t size)
{
	struct ck_bytes all = {data, size};
	struct ck_auth_data parsed;
	check_key(all);
	if (ck_fido_parse_auth_data(all, &parsed) != CK_OK) {
		CK_ASSERT(parsed.rp_id_hash == NULL && !parsed.present && !parsed.verified);
		return;
	}
	check_inside(all, parsed.rp_id_hash, 32);
	CK_ASSERT(parsed.attested || parsed.extensions || size == 37);
	CK_ASSERT(parsed.protection <= 3 && (!parsed.backed_up || parsed.backup_eligible));
	if (parsed.extension_map.length > 0) check_inside(all, parsed.extension_map.at, parsed.extension_map.length);
	if (!parsed.attested) return;
	check_inside(all, parsed.aaguid, 16);
	check_inside(all, parsed.credential_id.at, parsed.credential_id.length);
	check_inside(all, parsed.public_key.at, parsed.public_key.length);
	CK_ASSERT(parsed.credential_id.length >= 1 && parsed.credential_id.length <= CK_CREDENTIAL_ID_LIMIT_BYTES);
	check_key(parsed.public_key);
}
