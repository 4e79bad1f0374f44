/* The people whom every word of a query fits, best first. One walk over the lists of the rarest word, in the order of numbers, one's own
   authority's people first. As soon as a page is full, lists that can bring nobody better are left out of the walk, and it ends when none is left: so
   common words cost no more than rare ones. What is asked comes from anybody: each walk has an end. */
#include "directory/store/people_walk.h"

#define WORK_LIMIT 16384     /* steps within lists, by one search: a fifth to a third of a millisecond */

static const uint64_t costs[CK_FITS] = {
	[CK_FIT_EXACT] = 0,
	[CK_FIT_EXACT_OTHER] = CK_RANK_ELSEWHERE,
	[CK_FIT_VARIANT] = CK_RANK_COST,
	[CK_FIT_VARIANT_OTHER] = CK_RANK_COST | CK_RANK_ELSEWHERE,
	[CK_FIT_PREFIX] = 2 * CK_RANK_COST,
	[CK_FIT_PREFIX_OTHER] = 2 * CK_RANK_COST | CK_RANK_ELSEWHERE,
	[CK_FIT_NEAR] = CK_RANK_MISSPELT,
	[CK_FIT_NEAR_OTHER] = CK_RANK_MISSPELT | CK_RANK_ELSEWHERE,
};

/* ---- the best so far ---- */

/* Whoever is not better need not come. */
static uint64_t bound_of(const struct ck_people_searching *s)
{
	return s->found_count == s->room ? s->found[s->room - 1] : s->ceiling;
}

/* Whether the bound is another one now. */
static bool keep(struct ck_people_searching *s, uint64_t rank)
{
	size_t at = s->found_count;
	if (rank >= bound_of(s)) return false;
	if (at == s->room) at--;
	while (at > 0 && s->found[at - 1] > rank) {
		s->found[at] = s->found[at - 1];
		at--;
	}
	s->found[at] = rank;
	if (s->found_count < s->room) s->found_count++;
	return s->found_count == s->room;
}

bool ck_people_is_whole(const struct ck_people_searching *s, uint32_t number)
{
	for (size_t i = 0; i < s->whole_count; i++)
		if (s->whole[i] == number) return true;
	return false;
}

static bool judge(struct ck_people_searching *s, uint32_t number, uint64_t others)
{
	uint64_t rank = others | number;
	for (size_t i = 0; i < s->words.count; i++) {
		uint32_t next;
		enum ck_fit fit = ck_match_fit(&s->matches[i], number, &next);
		if (fit == CK_FIT_NONE) return false;
		rank += costs[fit];
	}
	return rank >= s->from && !ck_people_is_whole(s, number) && keep(s, rank);
}

/* ---- which lists are walked ---- */

static void limit_lists(struct ck_people_searching *s)
{
	for (size_t i = 0; i < s->words.count; i++) {
		bool near = s->stage == CK_STAGE_MORE_MISSPELT || (s->stage == CK_STAGE_ONE_MISSPELT && i == s->misspelt);
		ck_match_limit(&s->matches[i], s->stage == CK_STAGE_ONE_MISSPELT && near ? CK_FIT_NEAR : CK_FIT_EXACT, near ? CK_FIT_NEAR_OTHER : CK_FIT_PREFIX_OTHER);
	}
}

/* Leaves out what can bring nobody better from here on, and walks along the rarest word. False: nobody better comes. */
static bool leave_out(struct ck_people_searching *s, uint32_t from, uint64_t others)
{
	uint64_t best[CK_PEOPLE_WORDS_LIMIT], sum = 0, rarest = UINT64_MAX, here = others | from, bound = bound_of(s);
	for (size_t i = 0; i < s->words.count; i++) {
		enum ck_fit fit = ck_match_best(&s->matches[i], from);
		if (fit == CK_FIT_NONE) return false;
		best[i] = costs[fit];
		sum += best[i];
	}
	if ((sum > CK_STAGE_RANK(s->stage) ? sum : CK_STAGE_RANK(s->stage)) + here >= bound) return false;
	for (size_t i = 0; i < s->words.count; i++) {
		struct ck_match *match = &s->matches[i];
		while (match->last > match->first && sum - best[i] + costs[match->lists[match->order[match->last - 1]].fit] + here >= bound) match->last--;
		uint64_t weight = ck_match_weight(match);
		if (weight >= rarest) continue;
		rarest = weight;
		s->driver = i;
	}
	return true;
}

/* ---- walking ---- */

/* The first number from this one on that somebody has: where an authority's name is all that was asked for, no list says so. */
static uint32_t next_person(struct ck_people_searching *s, uint32_t number)
{
	for (size_t i = 0; i < s->words.count; i++)
		if (ck_match_is_person(&s->matches[i], number)) return number;
	s->work += CK_DESCENT_WORK;
	s->error = ck_people_next(s->view, number, &number);
	return s->error == CK_OK ? number : CK_NUMBER_NONE;
}

/* Whom all words fit, from here on; CK_NUMBER_NONE: nobody before `end`. */
static uint32_t next_of_all(struct ck_people_searching *s, uint32_t from, uint32_t end)
{
	for (;;) {
		uint32_t number = ck_match_next(&s->matches[s->driver], from), next = number;
		s->cut = s->cut || s->work > WORK_LIMIT;
		if (number >= end || s->cut) return CK_NUMBER_NONE;
		for (size_t i = 0; i < s->words.count && next == number; i++)
			if (i != s->driver) (void)ck_match_fit(&s->matches[i], number, &next);
		if (next == number) next = next_person(s, number);
		if (next == number) return number;
		if (next >= end) return CK_NUMBER_NONE;
		from = next;
	}
}

static bool is_own(const struct ck_people_searching *s, uint32_t block)
{
	for (size_t i = 0; i < s->own_count; i++)
		if (s->own[i] == block) return true;
	return false;
}

static void walk(struct ck_people_searching *s, uint32_t from, uint32_t end, uint64_t others)
{
	limit_lists(s);
	bool go_on = leave_out(s, from, others);
	while (go_on) {
		uint32_t number = next_of_all(s, from, end);
		if (number == CK_NUMBER_NONE) return;
		from = number + 1;
		if (others != 0 && is_own(s, number >> CK_BLOCK_BITS)) from = ((number >> CK_BLOCK_BITS) + 1) << CK_BLOCK_BITS;
		else if (judge(s, number, others)) go_on = leave_out(s, from, others);
	}
}

/* Numbers from these on: one's own authority's and the others'. */
static void walk_both(struct ck_people_searching *s, uint32_t own_from, uint32_t others_from)
{
	for (size_t i = 0; i < s->own_count; i++) {
		uint32_t from = s->own[i] << CK_BLOCK_BITS, end = (s->own[i] + 1) << CK_BLOCK_BITS;
		if (end > own_from) walk(s, from > own_from ? from : own_from, end, 0);
	}
	walk(s, others_from, CK_NUMBER_LIMIT, CK_RANK_OTHERS);
}

/* Only one word is misspelt: there are people whom each other one fits. */
static bool may_be_misspelt(const struct ck_people_searching *s, size_t word)
{
	for (size_t i = 0; i < s->words.count; i++)
		if (i != word && s->matches[i].typed == 0) return false;
	return true;
}

static void walk_stage(struct ck_people_searching *s, uint32_t own_from, uint32_t others_from)
{
	if (s->stage != CK_STAGE_ONE_MISSPELT) {
		walk_both(s, own_from, others_from);
		return;
	}
	for (s->misspelt = 0; s->misspelt < s->words.count; s->misspelt++)
		if (may_be_misspelt(s, s->misspelt)) walk_both(s, own_from, others_from);
}

/* A page that goes on within those who fit equally well begins where the one before ended; what it lacks then is of those who fit less well,
   wherever they stand. */
static void walk_all(struct ck_people_searching *s)
{
	uint32_t number = (uint32_t)(s->from & CK_RANK_NUMBER);
	bool others = (s->from & CK_RANK_OTHERS) != 0;
	if (others || number > 0) {
		s->ceiling = (s->from & ~(CK_RANK_OTHERS | CK_RANK_NUMBER)) + CK_RANK_ELSEWHERE;
		walk_stage(s, others ? CK_NUMBER_LIMIT : number, others ? number : 0);
		if (s->found_count == s->room) return;
		s->from = s->ceiling;
	}
	s->ceiling = UINT64_MAX;
	walk_stage(s, 0, 0);
}

static void gather(struct ck_people_searching *s)
{
	for (size_t i = 0; i < s->words.count; i++) {
		struct ck_match *match = &s->matches[i];
		if (!s->gathered) ck_match_begin(match, s->view, &s->words.at[i], s->block_count, &s->work);
		s->cut = s->cut || match->cut;
	}
	s->gathered = true;
	for (size_t i = 0; s->stage != CK_STAGE_AS_TYPED && i < s->words.count; i++) {
		struct ck_match *match = &s->matches[i];
		if (s->stage == CK_STAGE_MORE_MISSPELT || may_be_misspelt(s, i)) ck_match_add_near(match);
		s->cut = s->cut || match->cut;
	}
}

void ck_people_walk(struct ck_people_searching *s, enum ck_stage stage, size_t room)
{
	s->stage = stage;
	s->room = room;
	s->found_count = 0;
	if (s->from < CK_STAGE_RANK(stage)) s->from = CK_STAGE_RANK(stage);
	gather(s);
	walk_all(s);
	for (size_t i = 0; i < s->words.count && s->error == CK_OK; i++) s->error = s->matches[i].error;
}
