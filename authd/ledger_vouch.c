/* The table of vouches and the budgets of guesses. Trusts the caller for the time and for whose touch it was; who may check is decided here. */
#include "authd/ledger_vouch.h"

#include <stdlib.h>
#include <string.h>

#include "authd/ledger_table.h"
#include "directory/base/secret.h"

_Static_assert(CK_VOUCH_ID_BYTES == CK_TABLE_KEY_BYTES && sizeof(struct ck_id) == CK_TABLE_KEY_BYTES, "ids are table keys");

struct pointer { /* under the first bytes of a code's digest, or under a person: to the vouch */
	uint8_t id[CK_VOUCH_ID_BYTES];
};
struct tries {
	int64_t since_ms;
	unsigned wrong;
};
struct ck_vouches {
	struct ck_table *made;     /* by id, in the order in which they were made */
	struct ck_table *codes;    /* of those that are remembered */
	struct ck_table *vouchers; /* the last one of each person */
	struct ck_table *checkers; /* struct tries */
	struct tries all;
};

const char *ck_vouch_state_name(enum ck_vouch_state state)
{
	static const char *const names[] = {"gone", "open", "checked", "refused", "withdrawn", "replaced", "expired"};
	return names[state];
}

enum ck_error ck_vouches_new(struct ck_vouches **out)
{
	*out = NULL;
	struct ck_vouches *v = calloc(1, sizeof *v);
	if (v == NULL) return CK_ERR_MEMORY;
	enum ck_error error = ck_table_new(CK_VOUCHES_LIMIT, sizeof(struct ck_vouch), &v->made);
	if (error == CK_OK) error = ck_table_new(CK_VOUCHES_LIMIT, sizeof(struct pointer), &v->codes);
	if (error == CK_OK) error = ck_table_new(CK_VOUCHES_LIMIT, sizeof(struct pointer), &v->vouchers);
	if (error == CK_OK) error = ck_table_new(CK_VOUCH_CHECKERS_LIMIT, sizeof(struct tries), &v->checkers);
	if (error != CK_OK)
		ck_vouches_free(&v);
	*out = v;
	return error;
}

static void drop_proof(struct ck_vouch *vouch)
{
	free(vouch->proof);
	vouch->proof = NULL;
	vouch->proof_length = 0;
}

void ck_vouches_free(struct ck_vouches **vouches)
{
	struct ck_vouches *v = *vouches;
	if (v == NULL) return;
	for (struct ck_vouch *at = v->made != NULL ? ck_table_oldest(v->made) : NULL; at != NULL; at = ck_table_newer(v->made, at)) drop_proof(at);
	ck_table_free(&v->made);
	ck_table_free(&v->codes);
	ck_table_free(&v->vouchers);
	ck_table_free(&v->checkers);
	free(v);
	*vouches = NULL;
}

/* ---- keeping ---- */

void ck_vouch_end(struct ck_vouch *vouch, enum ck_vouch_state state, const struct ck_id *checker, int64_t wall_s)
{
	vouch->state = state;
	if (checker != NULL) vouch->checker = *checker;
	vouch->checked_s = wall_s;
	drop_proof(vouch);
}

static void age(struct ck_vouch *vouch, int64_t now_ms)
{
	if (vouch->state == CK_VOUCH_OPEN && now_ms - vouch->made_ms >= vouch->life_ms) ck_vouch_end(vouch, CK_VOUCH_EXPIRED, NULL, 0);
}

static void forget_pointer(struct ck_table *table, const uint8_t key[CK_TABLE_KEY_BYTES], const uint8_t id[CK_VOUCH_ID_BYTES])
{
	struct pointer *pointer = ck_table_find(table, key);
	if (pointer != NULL && memcmp(pointer->id, id, sizeof pointer->id) == 0) ck_table_remove(table, pointer);
}

static void forget(struct ck_vouches *v, struct ck_vouch *vouch)
{
	const uint8_t *id = ck_table_key(v->made, vouch);
	forget_pointer(v->codes, vouch->digest, id);
	forget_pointer(v->vouchers, vouch->voucher.bytes, id);
	drop_proof(vouch);
	ck_wipe(vouch->digest, sizeof vouch->digest);
	ck_table_remove(v->made, vouch);
}

/* Those whose time to be remembered is over; they stand in the order in which that comes. */
static void forget_old(struct ck_vouches *v, int64_t now_ms)
{
	for (struct ck_vouch *at; (at = ck_table_oldest(v->made)) != NULL && now_ms - at->made_ms >= CK_VOUCH_REMEMBERED_MS;) forget(v, at);
}

/* By the oldest, if it is over. */
static bool make_room(struct ck_vouches *v, int64_t now_ms)
{
	struct ck_vouch *oldest = ck_table_oldest(v->made);
	age(oldest, now_ms);
	if (oldest->state == CK_VOUCH_OPEN) return false;
	forget(v, oldest);
	return true;
}

const char *ck_vouches_refuse(struct ck_vouches *v, const struct ck_vouch_new *made, int64_t now_ms)
{
	forget_old(v, now_ms);
	if (ck_table_find(v->made, made->id) != NULL) return "vouch-again";
	/* one in a hundred thousand million, for each that is remembered: the person tries again */
	if (ck_table_find(v->codes, made->digest) != NULL) return "vouch-taken";
	if (ck_table_count(v->made) == CK_VOUCHES_LIMIT && !make_room(v, now_ms)) return "vouch-limit";
	return made->statement.user.length < CK_VOUCH_NAME_BYTES && made->proof.length > 0 ? NULL : "vouch-proof";
}

static void replace_last(struct ck_vouches *v, const struct ck_id *voucher, const uint8_t id[CK_VOUCH_ID_BYTES], int64_t now_ms)
{
	struct pointer *pointer = ck_table_find(v->vouchers, voucher->bytes);
	struct ck_vouch *last = pointer != NULL ? ck_vouches_get(v, pointer->id, now_ms) : NULL;
	if (last != NULL && last->state == CK_VOUCH_OPEN) ck_vouch_end(last, CK_VOUCH_REPLACED, NULL, 0);
	if (pointer == NULL) pointer = ck_table_add(v->vouchers, voucher->bytes);
	CK_ASSERT(pointer != NULL); /* no more persons than vouches */
	memcpy(pointer->id, id, sizeof pointer->id);
}

enum ck_error ck_vouches_add(struct ck_vouches *v, const struct ck_vouch_new *made, int64_t now_ms, int64_t life_ms)
{
	uint8_t *proof = malloc(made->proof.length);
	if (proof == NULL) return CK_ERR_MEMORY;
	memcpy(proof, made->proof.at, made->proof.length);
	replace_last(v, &made->voucher, made->id, now_ms);
	struct ck_vouch *vouch = ck_table_add(v->made, made->id);
	struct pointer *code = ck_table_add(v->codes, made->digest);
	CK_ASSERT(vouch != NULL && code != NULL); /* ck_vouches_refuse saw that there is room */
	memcpy(code->id, made->id, sizeof code->id);
	memcpy(vouch->user, made->statement.user.at, made->statement.user.length);
	memcpy(vouch->digest, made->digest, sizeof vouch->digest);
	vouch->voucher = made->voucher;
	vouch->for_authority = ck_text_is(made->statement.kind, CK_VOUCH_FOR_AUTHORITY);
	vouch->for_id = made->statement.id;
	vouch->made_ms = now_ms;
	vouch->life_ms = life_ms;
	vouch->proof = proof;
	vouch->proof_length = made->proof.length;
	vouch->state = CK_VOUCH_OPEN;
	return CK_OK;
}

struct ck_vouch *ck_vouches_get(struct ck_vouches *v, const uint8_t id[CK_VOUCH_ID_BYTES], int64_t now_ms)
{
	struct ck_vouch *vouch = ck_table_find(v->made, id);
	if (vouch != NULL) age(vouch, now_ms);
	return vouch;
}

/* ---- checking ---- */

bool ck_vouch_is_for(const struct ck_vouch *vouch, const struct ck_vouch_checker *checker)
{
	if (ck_id_is_zero(vouch->for_id) || ck_id_equal(checker->staff, vouch->voucher)) return false;
	return ck_id_equal(vouch->for_id, vouch->for_authority ? checker->authority : checker->staff);
}

static bool is_used_up(struct tries *tries, unsigned limit, int64_t now_ms)
{
	if (tries->wrong > 0 && now_ms - tries->since_ms >= CK_VOUCH_WINDOW_MS) *tries = (struct tries){0};
	return tries->wrong >= limit;
}

/* True: that was the last one. */
static bool count(struct tries *tries, unsigned limit, int64_t now_ms)
{
	if (tries->wrong == 0) tries->since_ms = now_ms;
	tries->wrong++;
	return tries->wrong == limit;
}

static struct tries *tries_of(struct ck_vouches *v, const struct ck_id *checker)
{
	struct tries *tries = ck_table_find(v->checkers, checker->bytes);
	if (tries != NULL) return tries;
	if (ck_table_count(v->checkers) == CK_VOUCH_CHECKERS_LIMIT) ck_table_remove(v->checkers, ck_table_oldest(v->checkers));
	return ck_table_add(v->checkers, checker->bytes);
}

enum ck_vouch_found ck_vouches_find(struct ck_vouches *v, const struct ck_vouch_checker *checker, const uint8_t digest[CK_VOUCH_DIGEST_BYTES],
                                    int64_t now_ms, const uint8_t **out_id, bool *out_exhausted)
{
	struct tries *own = ck_table_find(v->checkers, checker->staff.bytes);
	*out_id = NULL;
	*out_exhausted = false;
	if (is_used_up(&v->all, CK_VOUCH_TRIES_ALL, now_ms) || (own != NULL && is_used_up(own, CK_VOUCH_TRIES, now_ms))) return CK_VOUCH_TOO_MANY;
	struct pointer *code = ck_table_find(v->codes, digest);
	struct ck_vouch *vouch = code != NULL ? ck_vouches_get(v, code->id, now_ms) : NULL;
	if (vouch != NULL && !ck_constant_time_equal(vouch->digest, digest, CK_VOUCH_DIGEST_BYTES)) vouch = NULL;
	if (vouch != NULL) *out_id = code->id;
	if (vouch != NULL && ck_vouch_is_for(vouch, checker)) return vouch->state == CK_VOUCH_OPEN ? CK_VOUCH_FOUND : CK_VOUCH_OVER;
	bool last_of_all = count(&v->all, CK_VOUCH_TRIES_ALL, now_ms);
	*out_exhausted = count(tries_of(v, &checker->staff), CK_VOUCH_TRIES, now_ms) || last_of_all;
	return vouch != NULL && vouch->state == CK_VOUCH_OPEN ? CK_VOUCH_ELSEWHERE : CK_VOUCH_WRONG;
}

const char *ck_vouch_refuse_check(const struct ck_vouch *vouch, const struct ck_vouch_checker *checker, const uint8_t digest[CK_VOUCH_DIGEST_BYTES])
{
	if (vouch == NULL || !ck_vouch_is_for(vouch, checker) || !ck_constant_time_equal(vouch->digest, digest, CK_VOUCH_DIGEST_BYTES)) return "vouch-wrong";
	switch (vouch->state) {
	case CK_VOUCH_OPEN: return NULL;
	case CK_VOUCH_EXPIRED: return "vouch-expired";
	case CK_VOUCH_WITHDRAWN:
	case CK_VOUCH_REPLACED: return "vouch-withdrawn";
	case CK_VOUCH_CHECKED:
	case CK_VOUCH_REFUSED: return "vouch-used";
	case CK_VOUCH_NONE: break;
	}
	return "vouch-wrong";
}
