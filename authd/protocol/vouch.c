/* The code of a vouch, its statement and its proof. Everything decoded here may come from anywhere. */
#include "authd/protocol/vouch.h"

#include <string.h>

/* ---- the code ---- */

/* H. M. Damm's quasigroup of order 10 (Total anti-symmetrische Quasigruppen, Marburg 2004): whatever comes before, two different digits lead to
   different states, and so do two neighbours in either order. A right code ends in state 0. */
static const uint8_t damm[10][10] = {
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2}, {7, 0, 9, 2, 1, 5, 4, 8, 6, 3}, {4, 2, 0, 6, 8, 7, 1, 3, 5, 9}, {1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8}, {3, 6, 7, 4, 2, 0, 9, 5, 8, 1}, {5, 8, 6, 9, 7, 2, 0, 1, 3, 4}, {8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5}, {2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
};

static unsigned state_after(const char *digits, size_t count)
{
	unsigned state = 0;
	for (size_t i = 0; i < count; i++) state = damm[state][digits[i] - '0'];
	return state;
}

void ck_vouch_code_make(uint64_t number, char out[CK_VOUCH_CODE_BYTES])
{
	CK_ASSERT(number < CK_VOUCH_CODE_NUMBERS);
	for (size_t i = CK_VOUCH_CODE_DIGITS - 1; i-- > 0; number /= 10) out[i] = (char)('0' + number % 10);
	/* on the diagonal is 0: the state itself is the digit that leads there */
	out[CK_VOUCH_CODE_DIGITS - 1] = (char)('0' + state_after(out, CK_VOUCH_CODE_DIGITS - 1));
	out[CK_VOUCH_CODE_DIGITS] = '\0';
}

enum ck_error ck_vouch_code_parse(struct ck_text text, char out[CK_VOUCH_CODE_BYTES])
{
	size_t count = 0;
	bool good = text.length <= CK_VOUCH_CODE_LIMIT_BYTES;
	for (size_t i = 0; good && i < text.length; i++) {
		char c = text.at[i];
		if (c == ' ' || c == '-' || c == '.') continue;
		good = c >= '0' && c <= '9' && count < CK_VOUCH_CODE_DIGITS;
		if (good) out[count++] = c;
	}
	good = good && count == CK_VOUCH_CODE_DIGITS && state_after(out, count) == 0;
	out[good ? count : 0] = '\0';
	return good ? CK_OK : CK_ERR_INVALID;
}

const char *ck_vouch_code_format(const char digits[CK_VOUCH_CODE_BYTES], char out[CK_VOUCH_CODE_TEXT_BYTES])
{
	size_t at = 0;
	for (size_t i = 0; i < CK_VOUCH_CODE_DIGITS; i++) {
		if (i > 0 && i % 4 == 0) out[at++] = ' ';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

/* ---- statement and proof ---- */

#define NAME_LIMIT_BYTES 128 /* a login name, an authority's name */

enum ck_error ck_vouch_statement_encode(const struct ck_vouch_statement *s, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_any_text(&m, 1, s->system);
	ck_field_any_text(&m, 2, s->user);
	ck_field_any_text(&m, 3, s->kind);
	ck_field_any_text(&m, 4, s->name);
	ck_field_bytes(&m, 5, s->id.bytes, sizeof s->id.bytes);
	ck_field_bytes(&m, 6, s->nonce, sizeof s->nonce);
	ck_field_int(&m, 7, s->time_s);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_vouch_statement_decode(struct ck_bytes bytes, struct ck_vouch_statement *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_VOUCH_STATEMENT_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(7), 0) != CK_OK ||
	    ck_map_text(&map, 1, CK_SYSTEM_LIMIT_BYTES, &out->system) != CK_OK || ck_map_text(&map, 2, NAME_LIMIT_BYTES, &out->user) != CK_OK ||
	    ck_map_text(&map, 3, sizeof CK_VOUCH_FOR_AUTHORITY - 1, &out->kind) != CK_OK ||
	    ck_map_text(&map, 4, NAME_LIMIT_BYTES, &out->name) != CK_OK ||
	    ck_map_fixed(&map, 5, out->id.bytes, sizeof out->id.bytes) != CK_OK ||
	    ck_map_fixed(&map, 6, out->nonce, sizeof out->nonce) != CK_OK || ck_map_int(&map, 7, &out->time_s) != CK_OK ||
	    (!ck_text_is(out->kind, CK_VOUCH_FOR_STAFF) && !ck_text_is(out->kind, CK_VOUCH_FOR_AUTHORITY)))
		return CK_ERR_INVALID;
	return CK_OK;
}

enum ck_error ck_vouch_proof_encode(const struct ck_vouch_proof *proof, uint8_t *out, size_t limit_bytes, size_t *out_length)
{
	struct ck_writer w;
	struct ck_map_writer m;
	ck_writer_init(&w, out, limit_bytes);
	ck_map_begin(&m, &w);
	ck_field_bytes(&m, 1, proof->statement.at, proof->statement.length);
	ck_field_bytes(&m, 2, proof->key_hash.at, proof->key_hash.length);
	ck_field_bytes(&m, 3, proof->auth_data.at, proof->auth_data.length);
	ck_field_bytes(&m, 4, proof->signature.at, proof->signature.length);
	return ck_map_finish(&m, out_length);
}

enum ck_error ck_vouch_proof_decode(struct ck_bytes bytes, struct ck_vouch_proof *out)
{
	struct ck_map map;
	memset(out, 0, sizeof *out);
	if (bytes.length > CK_VOUCH_PROOF_LIMIT_BYTES) return CK_ERR_LIMIT;
	if (ck_map_parse(bytes, &map) != CK_OK || ck_map_expect(&map, CK_KEYS_1_TO(4), 0) != CK_OK ||
	    ck_map_bytes(&map, 1, 1, CK_VOUCH_STATEMENT_LIMIT_BYTES, &out->statement) != CK_OK ||
	    ck_map_bytes(&map, 2, 32, 32, &out->key_hash) != CK_OK || ck_map_bytes(&map, 3, 37, CK_AUTH_DATA_LIMIT_BYTES, &out->auth_data) != CK_OK ||
	    ck_map_bytes(&map, 4, 1, CK_SIGNATURE_LIMIT_BYTES, &out->signature) != CK_OK)
		return CK_ERR_INVALID;
	return CK_OK;
}
