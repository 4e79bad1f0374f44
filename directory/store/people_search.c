/* Searching: the people whom every word of the query fits, best first. One walk over the lists of the rarest word, in the order of numbers, one's own
   authority's people first. As soon as a page is full, lists that can bring nobody better are left out of the walk, and it ends when none is left: so
   common words cost no more than rare ones. What is asked comes from anybody: each walk has an end. */
#include <stdlib.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/people_match.h"

#define WORK_LIMIT 24576     /* steps within lists, by one search: about a quarter of a millisecond */
#define OWN_BLOCKS_LIMIT 64  /* of one authority: two million people */
#define WHOLE_LIMIT 8        /* people found by a text in full: a login name, a mail address, a staff number are one's own */

/* A rank: the smaller the better. misspelt words, how far words are from what was typed, words found elsewhere than in the name, another authority's,
   number. What stands before the authority is how well somebody fits. */
#define RANK_MISSPELT ((uint64_t)1 << 60)
#define RANK_COST ((uint64_t)1 << 48)
#define RANK_ELSEWHERE ((uint64_t)1 << 40)
#define RANK_OTHERS ((uint64_t)1 << 39)
#define RANK_NUMBER (((uint64_t)1 << 31) - 1)

static const uint64_t costs[CK_FITS] = {
	[CK_FIT_EXACT] = 0,
	[CK_FIT_EXACT_OTHER] = RANK_ELSEWHERE,
	[CK_FIT_VARIANT] = RANK_COST,
	[CK_FIT_VARIANT_OTHER] = RANK_COST | RANK_ELSEWHERE,
	[CK_FIT_PREFIX] = 2 * RANK_COST,
	[CK_FIT_PREFIX_OTHER] = 2 * RANK_COST | RANK_ELSEWHERE,
	[CK_FIT_NEAR] = RANK_MISSPELT,
	[CK_FIT_NEAR_OTHER] = RANK_MISSPELT | RANK_ELSEWHERE,
};

/* Whoever fits as typed; then with one word misspelt, so that only its neighbours are looked for; then with more. */
enum stage { STAGE_AS_TYPED = 1, STAGE_ONE_MISSPELT = 2, STAGE_MORE_MISSPELT = 3 };
#define STAGE_RANK(stage) ((uint64_t)((stage) - STAGE_AS_TYPED) * RANK_MISSPELT)

struct ck_people_searching {
	struct ck_match matches[CK_PEOPLE_WORDS_LIMIT];
	struct ck_words words;
	struct ck_view *view;
	uint32_t own[OWN_BLOCKS_LIMIT];
	size_t own_count;
	uint32_t block_count;
	uint32_t whole[WHOLE_LIMIT];
	size_t whole_count;
	bool too_many; /* words: it is looked up in full only */
	bool gathered; /* matches: what was typed */
	size_t driver;
	enum stage stage;
	size_t misspelt;                  /* in the second stage: which word */
	uint64_t from;                    /* ranks before it were shown */
	uint64_t ceiling;                 /* ranks from it on are not wanted yet */
	uint64_t found[CK_PEOPLE_PAGE];   /* the best so far, in order */
	size_t found_count, room;
	size_t work;
	bool cut;
	enum ck_error error;
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

static bool is_whole(const struct ck_people_searching *s, uint32_t number)
{
	for (size_t i = 0; i < s->whole_count; i++)
		if (s->whole[i] == number) return true;
	return false;
}

static bool judge(struct ck_people_searching *s, uint32_t number, uint64_t others)
{
	uint64_t rank = others | number;
	for (size_t i = 0; i < s->words.count; i++) {
		enum ck_fit fit = ck_match_fit(&s->matches[i], number);
		if (fit == CK_FIT_NONE) return false;
		rank += costs[fit];
	}
	return rank >= s->from && !is_whole(s, number) && keep(s, rank);
}

/* ---- which lists are walked ---- */

static void limit_lists(struct ck_people_searching *s)
{
	for (size_t i = 0; i < s->words.count; i++) {
		bool near = s->stage == STAGE_MORE_MISSPELT || (s->stage == STAGE_ONE_MISSPELT && i == s->misspelt);
		ck_match_limit(&s->matches[i], s->stage == STAGE_ONE_MISSPELT && near ? CK_FIT_NEAR : CK_FIT_EXACT, near ? CK_FIT_NEAR_OTHER : CK_FIT_PREFIX_OTHER);
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
	if ((sum > STAGE_RANK(s->stage) ? sum : STAGE_RANK(s->stage)) + here >= bound) return false;
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

/* Whom all words fit, from here on; CK_NUMBER_NONE: nobody before `end`. */
static uint32_t next_of_all(struct ck_people_searching *s, uint32_t from, uint32_t end)
{
	for (;;) {
		uint32_t number = ck_match_next_person(&s->matches[s->driver], from), next = number;
		s->cut = s->cut || s->work > WORK_LIMIT;
		if (number >= end || s->cut) return CK_NUMBER_NONE;
		for (size_t i = 0; i < s->words.count && next == number; i++)
			if (i != s->driver && ck_match_fit(&s->matches[i], number) == CK_FIT_NONE) next = ck_match_next(&s->matches[i], number);
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
	walk(s, others_from, CK_NUMBER_LIMIT, RANK_OTHERS);
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
	if (s->stage != STAGE_ONE_MISSPELT) {
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
	uint32_t number = (uint32_t)(s->from & RANK_NUMBER);
	bool others = (s->from & RANK_OTHERS) != 0;
	if (others || number > 0) {
		s->ceiling = (s->from & ~(RANK_OTHERS | RANK_NUMBER)) + RANK_ELSEWHERE;
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
	for (size_t i = 0; s->stage != STAGE_AS_TYPED && i < s->words.count; i++) {
		struct ck_match *match = &s->matches[i];
		if (s->stage == STAGE_MORE_MISSPELT || may_be_misspelt(s, i)) ck_match_add_near(match);
		s->cut = s->cut || match->cut;
	}
}

static void run_stage(struct ck_people_searching *s, enum stage stage, size_t room)
{
	s->stage = stage;
	s->room = room;
	s->found_count = 0;
	if (s->from < STAGE_RANK(stage)) s->from = STAGE_RANK(stage);
	gather(s);
	walk_all(s);
	for (size_t i = 0; i < s->words.count && s->error == CK_OK; i++) s->error = s->matches[i].error;
}

/* Whether so many words can be misspelt. */
static bool is_possible(const struct ck_people_searching *s, enum stage stage)
{
	unsigned able = 0;
	for (size_t i = 0; i < s->words.count; i++) able += ck_word_has_near(&s->words.at[i]);
	return able >= (unsigned)(stage - STAGE_AS_TYPED);
}

/* ---- before: the query; after: the page ---- */

static enum ck_error add_own_block(uint32_t block, void *context)
{
	struct ck_people_searching *s = context;
	if (s->own_count < OWN_BLOCKS_LIMIT) s->own[s->own_count++] = block;
	return CK_OK;
}

static bool add_whole(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct ck_people_searching *s = context;
	struct ck_reader reader;
	(void)value;
	ck_reader_init(&reader, key.at + key.length - 4, 4);
	uint32_t number = ck_get_u32be(&reader);
	if (!is_whole(s, number)) s->whole[s->whole_count++] = number;
	return s->whole_count < WHOLE_LIMIT;
}

static struct ck_text trimmed(struct ck_text text)
{
	while (text.length > 0 && text.at[0] == ' ') text = (struct ck_text){text.at + 1, text.length - 1};
	while (text.length > 0 && text.at[text.length - 1] == ' ') text.length--;
	return text;
}

/* One piece with an at sign: whoever types that has a whole address, of however many words. */
static bool is_address(struct ck_text text)
{
	text = trimmed(text);
	return text.length > 0 && memchr(text.at, '@', text.length) != NULL && memchr(text.at, ' ', text.length) == NULL;
}

static void find_whole(struct ck_people_searching *s, const struct ck_people_query *query)
{
	static const enum ck_whole which[] = {CK_WHOLE_UID, CK_WHOLE_MAIL, CK_WHOLE_STAFF_NUMBER};
	s->whole_count = 0;
	for (size_t i = 0; i < sizeof which / sizeof *which && s->error == CK_OK; i++) {
		struct ck_index_key key;
		if (which[i] == CK_WHOLE_STAFF_NUMBER && ck_id_is_zero(query->own)) continue;
		ck_whole_key(&key, which[i], query->own, trimmed(query->words));
		if (s->whole_count < WHOLE_LIMIT) s->error = ck_scan(s->view, &key, NULL, add_whole, s);
	}
}

static enum ck_error count_blocks(struct ck_people_searching *s)
{
	struct ck_index_key all;
	struct ck_bytes key, value;
	ck_index_begin(&all, CK_TABLE_BLOCK);
	s->block_count = 0;
	enum ck_error error = ck_scan_last(s->view, &all, &key, &value);
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_OK : error;
	if (key.length != 3) return CK_ERR_CORRUPT;
	s->block_count = ((uint32_t)key.at[1] << 8 | key.at[2]) + 1;
	return CK_OK;
}

static uint32_t epoch_of(const struct ck_view *view)
{
	return ck_crc32c(view->store->name, strlen(view->store->name));
}

static bool read_cursor(struct ck_people_searching *s, struct ck_bytes cursor)
{
	struct ck_reader reader;
	s->stage = STAGE_AS_TYPED;
	s->from = 0;
	if (cursor.length == 0) return true;
	ck_reader_init(&reader, cursor.at, cursor.length);
	uint32_t epoch = ck_get_u32le(&reader), stage = ck_get_u32le(&reader);
	s->from = ck_get_u64le(&reader);
	if (!ck_reader_done(&reader) || epoch != epoch_of(s->view) || stage < STAGE_AS_TYPED || stage > STAGE_MORE_MISSPELT) return false;
	s->stage = (enum stage)stage;
	return true;
}

static void write_cursor(const struct ck_people_searching *s, enum stage stage, uint64_t from, uint8_t out[CK_PEOPLE_CURSOR_BYTES])
{
	struct ck_writer writer;
	ck_writer_init(&writer, out, CK_PEOPLE_CURSOR_BYTES);
	ck_put_u32le(&writer, epoch_of(s->view));
	ck_put_u32le(&writer, stage);
	ck_put_u64le(&writer, from);
}

static void go_on_at(const struct ck_people_searching *s, enum stage stage, uint64_t from, struct ck_people_page *out)
{
	write_cursor(s, stage, from, out->cursor);
	out->more = true;
}

/* from: where a page that begins behind this one begins. */
static void put_page(struct ck_people_searching *s, uint32_t number, enum stage stage, uint64_t from, struct ck_people_page *out)
{
	if (s->error == CK_OK) s->error = ck_people_staff_of(s->view, number, &out->staff[out->count]);
	if (s->error != CK_OK) return;
	write_cursor(s, stage, from, out->behind[out->count]);
	out->count++;
}

static void put_found(struct ck_people_searching *s, struct ck_people_page *out)
{
	for (size_t i = 0; i < s->found_count; i++) put_page(s, (uint32_t)(s->found[i] & RANK_NUMBER), s->stage, s->found[i] + 1, out);
	if (s->found_count == s->room && s->room > 0) go_on_at(s, s->stage, s->found[s->found_count - 1] + 1, out);
}

static void run(struct ck_people_searching *s, bool first, bool found, struct ck_people_page *out)
{
	for (size_t i = 0; first && i < s->whole_count; i++) put_page(s, s->whole[i], STAGE_AS_TYPED, 0, out);
	if (s->too_many) return;
	for (enum stage stage = s->stage; stage <= STAGE_MORE_MISSPELT && s->error == CK_OK && is_possible(s, stage); stage++) {
		if (stage > STAGE_AS_TYPED && found) {
			go_on_at(s, stage, s->from > STAGE_RANK(stage) ? s->from : STAGE_RANK(stage), out);
			return;
		}
		run_stage(s, stage, CK_PEOPLE_PAGE - out->count);
		put_found(s, out);
		if (out->more) return;
		/* whoever found somebody is spared what is merely similar, until they ask for more */
		found = found || (first && out->count > 0);
	}
}

static enum ck_error begin(struct ck_view *view, const struct ck_people_query *query, struct ck_people_searching **out)
{
	struct ck_people_searching **kept = &view->store->searching, *s;
	if (*kept == NULL) *kept = calloc(1, sizeof **kept);
	s = *out = *kept;
	if (s == NULL) return CK_ERR_MEMORY;
	s->view = view;
	s->error = CK_OK;
	s->work = 0;
	s->gathered = false;
	s->cut = false;
	s->words.count = 0;
	s->words.full = false;
	s->own_count = 0;
	if (query->words.length > CK_PEOPLE_QUERY_LIMIT_BYTES || !ck_text_is_utf8(query->words)) return CK_ERR_INVALID;
	ck_words_of_query(&s->words, query->words);
	s->too_many = s->words.full || s->words.count > CK_PEOPLE_WORDS_LIMIT;
	if (s->words.count == 0 || (s->too_many && !is_address(query->words))) return CK_ERR_INVALID;
	if (!read_cursor(s, query->cursor)) return CK_ERR_INVALID;
	enum ck_error error = count_blocks(s);
	if (error == CK_OK && !ck_id_is_zero(query->own)) error = ck_people_each_block(view, query->own, add_own_block, s);
	return error;
}

enum ck_error ck_people_search(struct ck_view *view, const struct ck_people_query *query, struct ck_people_page *out)
{
	struct ck_people_searching *s;
	CK_ASSERT(!view->writing);
	enum ck_error error = begin(view, query, &s);
	memset(out, 0, sizeof *out); /* the query's cursor may be the page's own */
	if (error != CK_OK) return error;
	bool first = query->cursor.length == 0;
	find_whole(s, query);
	s->too_many = s->too_many || (s->whole_count > 0 && is_address(query->words)); /* nobody else is meant */
	if (s->error == CK_OK) run(s, first, query->found, out);
	out->cut = s->cut;
	if (s->error != CK_OK) memset(out, 0, sizeof *out);
	return s->error;
}

/* ---- size ---- */

enum ck_error ck_view_size(struct ck_view *view, struct ck_store_size *out)
{
	uint64_t bytes[CK_TREES];
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < CK_TREES; i++) {
		MDB_stat stat;
		int rc = mdb_stat(view->txn, view->store->dbi[i], &stat);
		if (rc != MDB_SUCCESS) return ck_store_error(rc);
		bytes[i] = (uint64_t)(stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
	}
	out->records_bytes = bytes[CK_TREE_RECORDS];
	out->people_bytes = bytes[CK_TREE_PEOPLE];
	out->people = view->meta->people;
	return CK_OK;
}
