/* What was used is forgotten evenly, a budget a day: whoever gets the larger one has it at once. Ids are random and come from a gate: the tables are bounded, and the oldest entry
   makes room: by then it is nearly full again, unless tens of thousands looked people up that day. */
#include "authd/ledger_find.h"

#include <stdlib.h>
#include <string.h>

#include "authd/ledger_table.h"

#define PERSONS_LIMIT 32768     /* 3 MB */
#define AUTHORITIES_LIMIT 4096  /* ten times as many as there are */
#define DAY_MS INT64_C(86400000)

struct purse {
	uint64_t used_ms; /* people times the milliseconds of a day: a day's budget is forgotten in a day, evenly */
	int64_t since_ms;
	bool refused; /* told already */
};
struct ck_finds {
	struct ck_find_limits limits;
	struct ck_table *persons, *authorities;
};

enum ck_error ck_finds_new(const struct ck_find_limits *limits, struct ck_finds **out)
{
	*out = NULL;
	struct ck_finds *f = calloc(1, sizeof *f);
	if (f == NULL) return CK_ERR_MEMORY;
	f->limits = *limits;
	enum ck_error error = ck_table_new(PERSONS_LIMIT, sizeof(struct purse), &f->persons);
	if (error == CK_OK) error = ck_table_new(AUTHORITIES_LIMIT, sizeof(struct purse), &f->authorities);
	if (error == CK_OK) *out = f;
	else ck_finds_free(&f);
	return error;
}

void ck_finds_free(struct ck_finds **finds)
{
	if (*finds == NULL) return;
	ck_table_free(&(*finds)->persons);
	ck_table_free(&(*finds)->authorities);
	free(*finds);
	*finds = NULL;
}

static struct purse *purse_of(struct ck_table *table, uint32_t limit, struct ck_id id, uint64_t per_day, int64_t now_ms)
{
	struct purse *purse = ck_table_find(table, id.bytes);
	if (purse == NULL) {
		if (ck_table_count(table) == limit) ck_table_remove(table, ck_table_oldest(table));
		purse = ck_table_add(table, id.bytes);
		CK_ASSERT(purse != NULL);
		purse->since_ms = now_ms;
		return purse;
	}
	int64_t passed_ms = now_ms - purse->since_ms;
	uint64_t forgotten_ms = passed_ms > DAY_MS ? UINT64_MAX : passed_ms > 0 ? per_day * (uint64_t)passed_ms : 0;
	purse->used_ms -= forgotten_ms < purse->used_ms ? forgotten_ms : purse->used_ms;
	if (passed_ms > 0) purse->since_ms = now_ms; /* never backwards: the same hours would be forgotten twice */
	/* not at each drop that comes back */
	if (purse->used_ms < per_day * (uint64_t)DAY_MS / 2) purse->refused = false;
	return purse;
}

/* Whether it is the first refusal of this purse. */
static bool refuse(struct purse *purse)
{
	bool first = !purse->refused;
	purse->refused = true;
	return first;
}

static uint64_t per_day_of(const struct ck_finds *f, enum ck_find_budget budget)
{
	return budget == CK_FIND_BUDGET_SWITCHBOARD ? f->limits.switchboard_per_day : f->limits.person_per_day;
}

struct ck_find_charge ck_finds_charge(struct ck_finds *f, struct ck_id person, struct ck_id authority, enum ck_find_budget budget, uint64_t people,
                                      int64_t now_ms)
{
	struct ck_find_charge charge = {.verdict = CK_FIND_OVER_PERSON};
	uint64_t per_day = per_day_of(f, budget);
	uint64_t cost = people * (uint64_t)DAY_MS;
	struct purse *own = purse_of(f->persons, PERSONS_LIMIT, person, per_day, now_ms);
	struct purse *shared = purse_of(f->authorities, AUTHORITIES_LIMIT, authority, f->limits.authority_per_day, now_ms);
	if (own->used_ms + cost > per_day * (uint64_t)DAY_MS) {
		charge.first = refuse(own);
		return charge;
	}
	if (shared->used_ms + cost > f->limits.authority_per_day * (uint64_t)DAY_MS) {
		charge.verdict = CK_FIND_OVER_AUTHORITY;
		charge.first = refuse(shared);
		return charge;
	}
	own->used_ms += cost;
	shared->used_ms += cost;
	charge.verdict = CK_FIND_WITHIN;
	return charge;
}

void ck_finds_replay(struct ck_finds *f, struct ck_id person, struct ck_id authority, enum ck_find_budget budget, uint64_t people, int64_t at_ms)
{
	uint64_t cost = people * (uint64_t)DAY_MS;
	purse_of(f->persons, PERSONS_LIMIT, person, per_day_of(f, budget), at_ms)->used_ms += cost;
	purse_of(f->authorities, AUTHORITIES_LIMIT, authority, f->limits.authority_per_day, at_ms)->used_ms += cost;
}

/* ---- the snapshot ---- */

#define SAVED_BYTES (CK_TABLE_KEY_BYTES + 8 + 8 + 1)
#define USED_LIMIT_MS (UINT64_MAX / 2) /* no budget is so large, and nothing is near an overflow */

size_t ck_finds_saved_bytes(const struct ck_finds *f)
{
	return 8 + ((size_t)ck_table_count(f->persons) + ck_table_count(f->authorities)) * SAVED_BYTES;
}

static void save_table(struct ck_table *table, int64_t now_ms, int64_t wall_ms, struct ck_writer *w)
{
	ck_put_u32le(w, ck_table_count(table));
	for (const struct purse *at = ck_table_oldest(table); at != NULL; at = ck_table_newer(table, at)) {
		const uint8_t refused = at->refused;
		ck_put_bytes(w, ck_table_key(table, at), CK_TABLE_KEY_BYTES);
		ck_put_u64le(w, at->used_ms);
		ck_put_u64le(w, (uint64_t)(wall_ms - (now_ms - at->since_ms)));
		ck_put_bytes(w, &refused, sizeof refused);
	}
}

void ck_finds_save(struct ck_finds *f, int64_t now_ms, int64_t wall_ms, struct ck_writer *w)
{
	save_table(f->persons, now_ms, wall_ms, w);
	save_table(f->authorities, now_ms, wall_ms, w);
}

static enum ck_error load_table(struct ck_table *table, uint32_t limit, int64_t now_ms, int64_t wall_ms, struct ck_reader *r)
{
	uint32_t count = ck_get_u32le(r);
	for (uint32_t i = 0; i < count && !r->failed; i++) {
		const uint8_t *key = ck_get_bytes(r, CK_TABLE_KEY_BYTES);
		uint64_t used_ms = ck_get_u64le(r), since = ck_get_u64le(r);
		const uint8_t *refused = ck_get_bytes(r, 1);
		if (r->failed || count > limit || used_ms > USED_LIMIT_MS || since > INT64_MAX || *refused > 1 || ck_table_find(table, key) != NULL)
			return CK_ERR_CORRUPT;
		int64_t age_ms = wall_ms - (int64_t)since;
		struct purse *purse = ck_table_add(table, key);
		CK_ASSERT(purse != NULL);
		*purse = (struct purse){.used_ms = used_ms, .since_ms = now_ms - (age_ms > 0 ? age_ms : 0), .refused = *refused == 1};
	}
	return r->failed ? CK_ERR_CORRUPT : CK_OK;
}

enum ck_error ck_finds_load(struct ck_finds *f, int64_t now_ms, int64_t wall_ms, struct ck_reader *r)
{
	enum ck_error error = load_table(f->persons, PERSONS_LIMIT, now_ms, wall_ms, r);
	return error == CK_OK ? load_table(f->authorities, AUTHORITIES_LIMIT, now_ms, wall_ms, r) : error;
}
