/* One-time codes: their canonical form, who has one, how often it may be guessed. A code has 100 random bits; the limit is there so that
   guessing is seen, and is each asker's own, so that a stranger's guesses lock nobody out. */
#include <string.h>

#include "authd/enrol.h"
#include "authd/fido/fido.h"
#include "directory/base/secret.h"

#define CODE_SYMBOLS_MIN 16 /* 80 bits */
#define CODE_SYMBOLS_LIMIT 64

static long find_tried(struct ck_code_tries *tries, struct ck_id staff, uint64_t peer_uid, int64_t now_ms, int64_t life_ms)
{
	for (size_t i = 0; i < CK_CODE_TRIED_LIMIT; i++) {
		if (tries->at[i].peer_uid != peer_uid || !ck_id_equal(tries->at[i].staff, staff)) continue;
		if (now_ms - tries->at[i].since_ms < life_ms) return (long)i;
		memset(&tries->at[i], 0, sizeof tries->at[i]);
		return -1;
	}
	return -1;
}

bool ck_code_tries_left(struct ck_code_tries *tries, struct ck_id staff, uint64_t peer_uid, int64_t now_ms, int64_t life_ms)
{
	long at = find_tried(tries, staff, peer_uid, now_ms, life_ms);
	return at < 0 || tries->at[at].wrong < CK_CODE_TRIES_LIMIT;
}

void ck_code_tries_wrong(struct ck_code_tries *tries, struct ck_id staff, uint64_t peer_uid, int64_t now_ms, int64_t life_ms)
{
	long at = find_tried(tries, staff, peer_uid, now_ms, life_ms);
	if (at < 0) { /* a free place, else that of whoever was tried longest ago */
		at = 0;
		for (size_t i = 0; i < CK_CODE_TRIED_LIMIT; i++) {
			if (ck_id_is_zero(tries->at[i].staff)) {
				at = (long)i;
				break;
			}
			if (tries->at[i].since_ms < tries->at[at].since_ms) at = (long)i;
		}
		tries->at[at].staff = staff;
		tries->at[at].peer_uid = peer_uid;
		tries->at[at].wrong = 0;
		tries->at[at].since_ms = now_ms;
	}
	tries->at[at].wrong++;
}

void ck_code_tries_forget(struct ck_code_tries *tries, struct ck_id staff)
{
	for (size_t i = 0; i < CK_CODE_TRIED_LIMIT; i++)
		if (ck_id_equal(tries->at[i].staff, staff)) memset(&tries->at[i], 0, sizeof tries->at[i]);
}

static char canonical_symbol(char c)
{
	if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
	if (c == 'O') return '0';
	if (c == 'I' || c == 'L') return '1';
	return c;
}

enum ck_error ck_code_hash(struct ck_text code, uint8_t out[CK_HASH_BYTES])
{
	uint8_t canonical[CODE_SYMBOLS_LIMIT];
	size_t used = 0;
	enum ck_error error = CK_OK;
	memset(out, 0, CK_HASH_BYTES);
	for (size_t i = 0; i < code.length && error == CK_OK; i++) {
		char c = canonical_symbol(code.at[i]);
		if (c == '-' || c == ' ') continue;
		bool symbol = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z' && c != 'U');
		if (!symbol || used == sizeof canonical) error = CK_ERR_INVALID;
		else canonical[used++] = (uint8_t)c;
	}
	if (used < CODE_SYMBOLS_MIN) error = CK_ERR_INVALID;
	if (error == CK_OK) ck_sha256(out, &(struct ck_bytes){canonical, used}, 1);
	ck_wipe(canonical, sizeof canonical);
	return error;
}

struct code_search {
	struct ck_id authority; /* the person's: a code filed under another one is none of theirs */
	const uint8_t *hash;
	struct ck_moment now;
	bool found;
	struct ck_found_code *out;
};

static bool look_at_code(const struct ck_record *record, void *context)
{
	struct code_search *search = context;
	bool equal = ck_constant_time_equal(record->as.code.hash, search->hash, CK_HASH_BYTES);
	if (!equal || !ck_id_equal(record->authority, search->authority) || !ck_window_contains(record->as.code.window, search->now)) return true;
	search->found = ck_text_copy(search->out->csn, sizeof search->out->csn, record->csn) == CK_OK;
	search->out->id = record->id;
	search->out->staff = record->as.code.staff;
	search->out->authority = record->authority;
	search->out->issuer = record->as.code.issuer;
	return true; /* all of them, so that the time tells nothing */
}

enum ck_error ck_code_find(struct ck_view *view, struct ck_id staff, struct ck_id authority, const uint8_t hash[CK_HASH_BYTES], struct ck_moment now,
                           struct ck_found_code *out)
{
	struct code_search search = {.authority = authority, .hash = hash, .now = now, .out = out};
	memset(out, 0, sizeof *out);
	enum ck_error error = ck_view_codes_of(view, staff, look_at_code, &search);
	if (error != CK_OK) return error;
	return search.found ? CK_OK : CK_ERR_NOT_FOUND;
}
