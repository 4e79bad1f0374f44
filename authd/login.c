/* Login logic without I/O. Trusts the caller for time, nonces and the machine's secret; every text it is given comes from outside. */
#include "authd/login.h"

#include <sodium.h>
#include <string.h>

#include "authd/fido/fido.h"

static enum ck_error read_text(const struct ck_map *request, unsigned field, char *out, size_t out_bytes)
{
	enum ck_error error = ck_map_string(request, field, out, out_bytes);
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

enum ck_error ck_login_read_ask(const struct ck_map *request, struct ck_login_ask *out)
{
	enum ck_error error = read_text(request, CK_F_USER, out->user, sizeof out->user);
	if (error == CK_OK) error = read_text(request, CK_F_ACCOUNT, out->account, sizeof out->account);
	if (error == CK_OK) error = read_text(request, CK_F_SERVICE, out->service, sizeof out->service);
	if (error == CK_OK) error = read_text(request, CK_F_TTY, out->tty, sizeof out->tty);
	if (error == CK_OK) error = read_text(request, CK_F_REMOTE_HOST, out->remote_host, sizeof out->remote_host);
	if (error != CK_OK) memset(out, 0, sizeof *out);
	return error;
}

bool ck_login_same(const struct ck_login_ask *a, const struct ck_login_ask *b)
{
	return strcmp(a->user, b->user) == 0 && strcmp(a->account, b->account) == 0 && strcmp(a->service, b->service) == 0;
}

/* ---- what is signed ---- */

static void hash_tagged(const char *tag, size_t tag_bytes, const uint8_t *statement, size_t length, uint8_t out[CK_CHALLENGE_BYTES])
{
	const struct ck_bytes parts[] = {{(const uint8_t *)tag, tag_bytes}, {statement, length}};
	ck_sha256(out, parts, 2);
}

enum ck_error ck_login_hash_statement(const struct ck_login_ask *ask, const char *system, const uint8_t nonce[CK_NONCE_BYTES],
                                      int64_t time_s, uint8_t out[CK_CHALLENGE_BYTES])
{
	uint8_t bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length;
	struct ck_login_statement statement = {.system = ck_text_of(system),
	                                       .user = ck_text_of(ask->user),
	                                       .account = ck_text_of(ask->account),
	                                       .service = ck_text_of(ask->service),
	                                       .tty = ck_text_of(ask->tty),
	                                       .remote_host = ck_text_of(ask->remote_host),
	                                       .time_s = time_s};
	memcpy(statement.nonce, nonce, sizeof statement.nonce);
	enum ck_error error = ck_login_statement_encode(&statement, bytes, sizeof bytes, &length);
	if (error == CK_OK) hash_tagged(CK_TAG_LOGIN, sizeof CK_TAG_LOGIN, bytes, length, out);
	return error;
}

static enum ck_error hash_person(const char *tag, size_t tag_bytes, const char *user, const char *system, const uint8_t nonce[CK_NONCE_BYTES],
                                 int64_t time_s, uint8_t out[CK_CHALLENGE_BYTES])
{
	uint8_t bytes[CK_LOGIN_STATEMENT_LIMIT_BYTES];
	size_t length;
	struct ck_person_statement statement = {.system = ck_text_of(system), .user = ck_text_of(user), .time_s = time_s};
	memcpy(statement.nonce, nonce, sizeof statement.nonce);
	enum ck_error error = ck_person_statement_encode(&statement, bytes, sizeof bytes, &length);
	if (error == CK_OK) hash_tagged(tag, tag_bytes, bytes, length, out);
	return error;
}

enum ck_error ck_login_hash_identify(const char *user, const char *system, const uint8_t nonce[CK_NONCE_BYTES], int64_t time_s,
                                     uint8_t out[CK_CHALLENGE_BYTES])
{
	return hash_person(CK_TAG_IDENTIFY, sizeof CK_TAG_IDENTIFY, user, system, nonce, time_s, out);
}

enum ck_error ck_login_hash_password(const char *user, const char *system, const uint8_t nonce[CK_NONCE_BYTES], int64_t time_s,
                                     uint8_t out[CK_CHALLENGE_BYTES])
{
	return hash_person(CK_TAG_PASSWORD, sizeof CK_TAG_PASSWORD, user, system, nonce, time_s, out);
}

void ck_challenge_issue(struct ck_challenge *challenge, const uint8_t hash[CK_CHALLENGE_BYTES], bool verify, int64_t now_ms,
                        int64_t life_ms)
{
	*challenge = (struct ck_challenge){.open = true, .verify = verify, .issued_ms = now_ms, .expires_ms = now_ms + life_ms};
	memcpy(challenge->hash, hash, sizeof challenge->hash);
}

enum ck_error ck_challenge_take(struct ck_challenge *challenge, int64_t now_ms, struct ck_challenge *out)
{
	*out = *challenge;
	*challenge = (struct ck_challenge){.open = false};
	if (!out->open) return CK_ERR_DENIED;
	if (now_ms < out->issued_ms || now_ms >= out->expires_ms) return CK_ERR_TIMEOUT;
	return CK_OK;
}

/* ---- what nobody has ---- */

/* Lengths of credential ids that keys in the field make; most people have one key. */
static const uint8_t plausible_lengths[] = {64, 64, 64, 48, 64, 96, 80, 128};
_Static_assert(CK_DECOY_LIMIT_BYTES >= 128, "the longest of them fits");

static void decoy_block(const uint8_t secret[CK_LOGIN_SECRET_BYTES], uint8_t index, struct ck_text user, uint8_t out[64])
{
	static const uint8_t tag[] = "crosskeys decoy v1";
	crypto_generichash_state state;
	crypto_generichash_init(&state, secret, CK_LOGIN_SECRET_BYTES, 64);
	crypto_generichash_update(&state, tag, sizeof tag);
	crypto_generichash_update(&state, &index, sizeof index);
	crypto_generichash_update(&state, (const uint8_t *)user.at, user.length);
	crypto_generichash_final(&state, out, 64);
}

void ck_login_decoys(const uint8_t secret[CK_LOGIN_SECRET_BYTES], struct ck_text user, struct ck_decoys *out)
{
	uint8_t shape[64], block[64];
	memset(out, 0, sizeof *out);
	decoy_block(secret, 0, user, shape);
	out->count = (shape[0] & 3) == 0 ? 2 : 1;
	uint8_t index = 1;
	for (size_t i = 0; i < out->count; i++) {
		out->lengths[i] = plausible_lengths[shape[i + 1] % sizeof plausible_lengths];
		for (size_t at = 0; at < out->lengths[i]; at += sizeof block) {
			size_t part = out->lengths[i] - at < sizeof block ? out->lengths[i] - at : sizeof block;
			decoy_block(secret, index++, user, block);
			memcpy(out->ids[i] + at, block, part);
		}
	}
}

bool ck_login_decoy_asks_less(const uint8_t secret[CK_LOGIN_SECRET_BYTES], struct ck_text user)
{
	uint8_t shape[64];
	decoy_block(secret, 0, user, shape);
	return (shape[63] & 1) != 0;
}

/* COSE ES256 with P-256's base point (SEC 2, 2.4.2): its private key is 1, which is why it is only ever used where the answer is no. */
const uint8_t ck_login_nobody_key[] = {
	0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc,
	0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98,
	0xc2, 0x96, 0x22, 0x58, 0x20, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e,
	0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};
const size_t ck_login_nobody_key_length = sizeof ck_login_nobody_key;

/* ---- where it comes from ---- */

static bool is_number(const char *text, uint64_t min, uint64_t max)
{
	uint64_t number;
	return ck_uint_parse(ck_text_of(text), min, max, &number) == CK_OK;
}

/* ":0", ":1.0" */
static bool is_display(const char *text)
{
	const char *dot = strchr(text, '.');
	uint64_t number;
	size_t length = dot != NULL ? (size_t)(dot - text) : strlen(text);
	if (text[0] != ':' || length < 2) return false;
	if (ck_uint_parse((struct ck_text){text + 1, length - 1}, 0, UINT16_MAX, &number) != CK_OK) return false;
	return dot == NULL || is_number(dot + 1, 0, UINT16_MAX);
}

enum ck_terminal ck_login_terminal(const char *tty)
{
	if (is_display(tty)) return CK_TERMINAL_SEAT;
	if (strncmp(tty, "/dev/", 5) == 0) tty += 5;
	if (strcmp(tty, "console") == 0) return CK_TERMINAL_SEAT;
	if (strncmp(tty, "tty", 3) == 0 && is_number(tty + 3, 1, 63)) return CK_TERMINAL_SEAT;
	if (strncmp(tty, "pts/", 4) == 0 && is_number(tty + 4, 0, UINT32_MAX)) return CK_TERMINAL_PSEUDO;
	return CK_TERMINAL_NONE;
}
