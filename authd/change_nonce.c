/* Nonces: 32 random bytes each. Trusts the monotonic clock only. */
#include "authd/change_nonce.h"

#include <sodium.h>
#include <string.h>

#include "directory/base/secret.h"

static bool expired(const struct ck_nonce *nonce, int64_t now_ms, int64_t life_ms)
{
	return now_ms < nonce->issued_ms || now_ms - nonce->issued_ms >= life_ms;
}

/* A free place, or the oldest of this peer if it has its fill; NULL if all are taken by others. */
static struct ck_nonce *find_place(struct ck_nonces *nonces, uint64_t peer_uid, int64_t now_ms, int64_t life_ms)
{
	struct ck_nonce *place = NULL, *oldest = NULL;
	size_t own = 0;
	for (size_t i = 0; i < CK_NONCES_LIMIT; i++) {
		struct ck_nonce *nonce = &nonces->at[i];
		if (nonce->purpose != 0 && expired(nonce, now_ms, life_ms)) memset(nonce, 0, sizeof *nonce);
		if (nonce->purpose == 0) {
			if (place == NULL) place = nonce;
			continue;
		}
		if (nonce->peer_uid != peer_uid) continue;
		own++;
		if (oldest == NULL || nonce->issued_ms < oldest->issued_ms) oldest = nonce;
	}
	return own >= CK_NONCES_PER_PEER_LIMIT ? oldest : place;
}

enum ck_error ck_nonce_issue(struct ck_nonces *nonces, enum ck_nonce_purpose purpose, struct ck_text user, uint64_t peer_uid, int64_t now_ms,
                             int64_t now_s, int64_t life_ms, struct ck_nonce *out)
{
	struct ck_nonce fresh = {.purpose = purpose, .peer_uid = peer_uid, .issued_ms = now_ms, .time_s = now_s};
	memset(out, 0, sizeof *out);
	enum ck_error error = ck_text_copy(fresh.user, sizeof fresh.user, user);
	if (error != CK_OK) return error;
	struct ck_nonce *place = find_place(nonces, peer_uid, now_ms, life_ms);
	if (place == NULL) return CK_ERR_LIMIT;
	randombytes_buf(fresh.bytes, sizeof fresh.bytes);
	*place = fresh;
	*out = fresh;
	return CK_OK;
}

enum ck_error ck_nonce_take(struct ck_nonces *nonces, enum ck_nonce_purpose purpose, const uint8_t bytes[CK_NONCE_BYTES], int64_t now_ms,
                            int64_t life_ms, struct ck_nonce *out)
{
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < CK_NONCES_LIMIT; i++) {
		struct ck_nonce *nonce = &nonces->at[i];
		if (nonce->purpose != purpose || !ck_constant_time_equal(nonce->bytes, bytes, CK_NONCE_BYTES)) continue;
		struct ck_nonce taken = *nonce;
		memset(nonce, 0, sizeof *nonce);
		if (expired(&taken, now_ms, life_ms)) return CK_ERR_TIMEOUT;
		*out = taken;
		return CK_OK;
	}
	return CK_ERR_NOT_FOUND;
}
