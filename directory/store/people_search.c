/* Searching: what was asked, stage by stage (people_walk.c), to one page; and the cursor that the next page goes on at. */
#include <stdlib.h>
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/people_walk.h"
#include "directory/store/recall.h"

/* ---- the query ---- */

static enum ck_error add_own_block(uint32_t block, void *context)
{
	struct ck_people_searching *s = context;
	if (s->own_count < CK_OWN_BLOCKS_LIMIT) s->own[s->own_count++] = block;
	return CK_OK;
}

static bool add_whole(struct ck_bytes key, struct ck_bytes value, void *context)
{
	struct ck_people_searching *s = context;
	struct ck_reader reader;
	(void)value;
	ck_reader_init(&reader, key.at + key.length - 4, 4);
	uint32_t number = ck_get_u32be(&reader);
	if (!ck_people_is_whole(s, number)) s->whole[s->whole_count++] = number;
	return s->whole_count < CK_WHOLE_LIMIT;
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

/* Whether anybody can have it as that: no login name has a space, each mail address an at sign. */
static bool can_be(enum ck_whole which, struct ck_text text, struct ck_id own)
{
	if (text.length == 0) return false;
	switch (which) {
	case CK_WHOLE_UID: return memchr(text.at, ' ', text.length) == NULL;
	case CK_WHOLE_MAIL: return memchr(text.at, '@', text.length) != NULL;
	case CK_WHOLE_STAFF_NUMBER:
	default: return !ck_id_is_zero(own);
	}
}

static void find_whole(struct ck_people_searching *s, const struct ck_people_query *query)
{
	static const enum ck_whole which[] = {CK_WHOLE_UID, CK_WHOLE_MAIL, CK_WHOLE_STAFF_NUMBER};
	struct ck_text text = trimmed(query->words);
	s->whole_count = 0;
	for (size_t i = 0; i < sizeof which / sizeof *which && s->error == CK_OK; i++) {
		struct ck_index_key key;
		if (!can_be(which[i], text, query->own)) continue;
		ck_whole_key(&key, which[i], query->own, text);
		if (s->whole_count < CK_WHOLE_LIMIT) s->error = ck_scan(s->view, &key, NULL, add_whole, s);
	}
}

static enum ck_error count_blocks(struct ck_people_searching *s)
{
	struct ck_index_key all;
	struct ck_bytes key, value;
	ck_index_begin(&all, CK_TABLE_BLOCK);
	s->block_count = 0;
	if (ck_recall_blocks(s->view, &s->block_count)) return CK_OK;
	enum ck_error error = ck_scan_last(s->view, &all, &key, &value);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	if (error == CK_OK && key.length != 3) return CK_ERR_CORRUPT;
	if (error == CK_OK) s->block_count = ((uint32_t)key.at[1] << 8 | key.at[2]) + 1;
	ck_recall_note_blocks(s->view, s->block_count);
	return CK_OK;
}

/* ---- the page ---- */

static uint32_t epoch_of(const struct ck_view *view)
{
	return ck_crc32c(view->store->name, strlen(view->store->name));
}

static bool read_cursor(struct ck_people_searching *s, struct ck_bytes cursor)
{
	struct ck_reader reader;
	s->stage = CK_STAGE_AS_TYPED;
	s->from = 0;
	if (cursor.length == 0) return true;
	ck_reader_init(&reader, cursor.at, cursor.length);
	uint32_t epoch = ck_get_u32le(&reader), stage = ck_get_u32le(&reader);
	s->from = ck_get_u64le(&reader);
	if (!ck_reader_done(&reader) || epoch != epoch_of(s->view) || stage < CK_STAGE_AS_TYPED || stage > CK_STAGE_MORE_MISSPELT) return false;
	s->stage = (enum ck_stage)stage;
	return true;
}

static void write_cursor(const struct ck_people_searching *s, enum ck_stage stage, uint64_t from, uint8_t out[CK_PEOPLE_CURSOR_BYTES])
{
	struct ck_writer writer;
	ck_writer_init(&writer, out, CK_PEOPLE_CURSOR_BYTES);
	ck_put_u32le(&writer, epoch_of(s->view));
	ck_put_u32le(&writer, stage);
	ck_put_u64le(&writer, from);
}

static void go_on_at(const struct ck_people_searching *s, enum ck_stage stage, uint64_t from, struct ck_people_page *out)
{
	write_cursor(s, stage, from, out->cursor);
	out->more = true;
}

/* from: where a page that begins behind this one begins. */
static void put_page(struct ck_people_searching *s, uint32_t number, enum ck_stage stage, uint64_t from, struct ck_people_page *out)
{
	if (s->error == CK_OK) s->error = ck_people_staff_of(s->view, number, &out->staff[out->count]);
	if (s->error != CK_OK) return;
	write_cursor(s, stage, from, out->behind[out->count]);
	out->count++;
}

static void put_found(struct ck_people_searching *s, struct ck_people_page *out)
{
	for (size_t i = 0; i < s->found_count; i++) put_page(s, (uint32_t)(s->found[i] & CK_RANK_NUMBER), s->stage, s->found[i] + 1, out);
	if (s->found_count == s->room && s->room > 0) go_on_at(s, s->stage, s->found[s->found_count - 1] + 1, out);
}

/* Whether so many words can be misspelt. */
static bool is_possible(const struct ck_people_searching *s, enum ck_stage stage)
{
	unsigned able = 0;
	for (size_t i = 0; i < s->words.count; i++) able += ck_word_has_near(&s->words.at[i]);
	return able >= (unsigned)(stage - CK_STAGE_AS_TYPED);
}

static void run(struct ck_people_searching *s, bool first, bool found, struct ck_people_page *out)
{
	for (size_t i = 0; first && i < s->whole_count; i++) put_page(s, s->whole[i], CK_STAGE_AS_TYPED, 0, out);
	if (s->too_many) return;
	for (enum ck_stage stage = s->stage; stage <= CK_STAGE_MORE_MISSPELT && s->error == CK_OK && is_possible(s, stage); stage++) {
		if (stage > CK_STAGE_AS_TYPED && found) {
			go_on_at(s, stage, s->from > CK_STAGE_RANK(stage) ? s->from : CK_STAGE_RANK(stage), out);
			return;
		}
		ck_people_walk(s, stage, CK_PEOPLE_PAGE - out->count);
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
	ck_scan_free_walkers(view);
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
