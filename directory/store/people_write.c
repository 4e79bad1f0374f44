/* Keeping the index: whoever is listed and active is in it, with the words that everybody may see, and nobody else. Called for each record that
   comes or goes, with the same batch, so that index and records never part. */
#include <string.h>

#include "directory/base/buffer.h"
#include "directory/store/load.h"
#include "directory/store/people_internal.h"

/* ---- words ---- */

void ck_words_of_staff(struct ck_words *words, const struct ck_staff *staff)
{
	words->count = 0;
	words->full = false;
	ck_words_add(words, staff->cn, true);
	ck_words_add(words, staff->given_name, true);
	ck_words_add(words, staff->sn, true);
	ck_words_add(words, staff->title, false);
	ck_words_add(words, staff->department, false);
	/* not the login name: each would be a word of its own, and it is found in full */
	ck_words_add(words, staff->mail, false);
	ck_words_add_telephone(words, staff->telephone);
}

void ck_words_of_authority(struct ck_words *words, const struct ck_authority *authority)
{
	words->count = 0;
	words->full = false;
	ck_words_add(words, authority->name, false);
}

void ck_whole_key(struct ck_index_key *key, enum ck_whole which, struct ck_id authority, struct ck_text text)
{
	ck_index_begin(key, CK_TABLE_WHOLE);
	ck_index_add_byte(key, (uint8_t)which);
	if (which == CK_WHOLE_STAFF_NUMBER) ck_index_add_id(key, authority);
	for (size_t i = 0; i < text.length && !key->failed; i++) {
		char c = text.at[i];
		ck_index_add_byte(key, (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
	}
	ck_index_add_byte(key, 0);
}

/* ---- lists ---- */

/* A word and its beginnings. */
static enum ck_error put_word(struct ck_batch *batch, enum ck_table word_table, enum ck_table prefix_table, const struct ck_word *word, uint32_t number,
                              bool remove)
{
	enum ck_error error = ck_pending_add(batch, (uint8_t)word_table, word->at, word->length, number, remove);
	for (size_t letters = 1; error == CK_OK && letters <= ck_word_prefix_letters(word); letters++) {
		size_t length = ck_word_prefix(word, letters);
		if (length == 0) break;
		error = ck_pending_add(batch, (uint8_t)prefix_table, word->at, length, number, remove);
	}
	return error;
}

static enum ck_error put_words(struct ck_batch *batch, const struct ck_words *words, uint32_t number, bool remove)
{
	enum ck_error error = CK_OK;
	for (size_t i = 0; error == CK_OK && i < words->count; i++) {
		const struct ck_word *word = &words->at[i];
		if (word->name) error = put_word(batch, CK_TABLE_NAME_WORD, CK_TABLE_NAME_PREFIX, word, number, remove);
		else error = put_word(batch, CK_TABLE_OTHER_WORD, CK_TABLE_OTHER_PREFIX, word, number, remove);
	}
	return error;
}

enum ck_error ck_people_name_block(struct ck_batch *batch, const struct ck_authority *authority, uint32_t block, bool remove)
{
	struct ck_words words;
	enum ck_error error = CK_OK;
	ck_words_of_authority(&words, authority);
	for (size_t i = 0; error == CK_OK && i < words.count; i++)
		error = put_word(batch, CK_TABLE_AUTHORITY_WORD, CK_TABLE_AUTHORITY_PREFIX, &words.at[i], block, remove);
	return error;
}

/* ---- people ---- */

static bool is_findable(const struct ck_record *record)
{
	return record->as.staff.listed && record->as.staff.status == CK_STATUS_ACTIVE;
}

static enum ck_error put_key(struct ck_batch *batch, const struct ck_index_key *key, struct ck_bytes value, bool remove)
{
	if (!remove) return ck_kv_add(batch, key, value);
	enum ck_error error = ck_kv_remove(batch, key);
	return error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
}

static enum ck_error put_whole(struct ck_batch *batch, enum ck_whole which, struct ck_id authority, struct ck_text text, uint32_t number, bool remove)
{
	struct ck_index_key key;
	uint8_t bytes[4];
	struct ck_writer writer;
	if (text.length == 0) return CK_OK;
	ck_whole_key(&key, which, authority, text);
	ck_writer_init(&writer, bytes, sizeof bytes);
	ck_put_u32be(&writer, number);
	ck_index_add_bytes(&key, bytes, sizeof bytes);
	return put_key(batch, &key, (struct ck_bytes){bytes, 0}, remove);
}

static enum ck_error put_number(struct ck_batch *batch, struct ck_id staff, uint32_t number, bool remove)
{
	struct ck_index_key key;
	uint8_t big[4], little[4];
	struct ck_writer writer;
	ck_writer_init(&writer, big, sizeof big);
	ck_put_u32be(&writer, number);
	ck_writer_init(&writer, little, sizeof little);
	ck_put_u32le(&writer, number);
	ck_index_begin(&key, CK_TABLE_PERSON);
	ck_index_add_bytes(&key, big, sizeof big);
	enum ck_error error = put_key(batch, &key, (struct ck_bytes){staff.bytes, sizeof staff.bytes}, remove);
	if (error != CK_OK) return error;
	ck_index_begin(&key, CK_TABLE_NUMBER);
	ck_index_add_id(&key, staff);
	return put_key(batch, &key, (struct ck_bytes){little, sizeof little}, remove);
}

static enum ck_error put_person(struct ck_batch *batch, const struct ck_record *record, uint32_t number, bool remove)
{
	const struct ck_staff *staff = &record->as.staff;
	struct ck_words words;
	ck_words_of_staff(&words, staff);
	enum ck_error error = put_number(batch, record->id, number, remove);
	if (error == CK_OK) error = put_whole(batch, CK_WHOLE_UID, record->authority, staff->uid, number, remove);
	if (error == CK_OK) error = put_whole(batch, CK_WHOLE_MAIL, record->authority, staff->mail, number, remove);
	if (error == CK_OK) error = put_whole(batch, CK_WHOLE_STAFF_NUMBER, record->authority, staff->staff_number, number, remove);
	return error == CK_OK ? put_words(batch, &words, number, remove) : error;
}

static enum ck_error add_staff(struct ck_batch *batch, const struct ck_record *record)
{
	uint32_t number;
	enum ck_error error = CK_OK;
	if (!is_findable(record)) return CK_OK;
	/* whoever was only changed keeps the number, so that most of their lists stay as they are */
	bool kept = batch->was_number != CK_NUMBER_NONE && ck_id_equal(batch->was_id, record->id) && ck_id_equal(batch->was_authority, record->authority);
	if (kept) number = batch->was_number;
	else error = ck_people_number_new(batch, record->authority, &number);
	batch->was_number = CK_NUMBER_NONE;
	if (error != CK_OK) return error;
	batch->meta.people++;
	return put_person(batch, record, number, false);
}

static enum ck_error remove_staff(struct ck_batch *batch, const struct ck_record *record)
{
	uint32_t number;
	batch->was_number = CK_NUMBER_NONE;
	if (!is_findable(record)) return CK_OK;
	enum ck_error error = ck_people_number_of(batch, record->id, &number);
	if (error == CK_OK) error = put_person(batch, record, number, true);
	if (error == CK_OK && batch->meta.people == 0) error = CK_ERR_CORRUPT;
	if (error == CK_OK) {
		batch->meta.people--;
		batch->was_number = number;
		batch->was_id = record->id;
		batch->was_authority = record->authority;
	}
	return error == CK_ERR_NOT_FOUND ? CK_ERR_CORRUPT : error;
}

/* ---- authorities ---- */

struct naming {
	struct ck_batch *batch;
	const struct ck_authority *authority;
	bool remove;
};

static enum ck_error name_one(uint32_t block, void *context)
{
	const struct naming *naming = context;
	return ck_people_name_block(naming->batch, naming->authority, block, naming->remove);
}

static enum ck_error name_blocks(struct ck_batch *batch, const struct ck_record *record, bool remove)
{
	struct naming naming = {batch, &record->as.authority_of, remove};
	return ck_people_each_block(&batch->view, record->id, name_one, &naming);
}

/* ---- the two verbs, and the end ---- */

enum ck_error ck_people_add(struct ck_batch *batch, const struct ck_record *record)
{
	if (record->kind == CK_KIND_AUTHORITY) return name_blocks(batch, record, false);
	return record->kind == CK_KIND_STAFF ? add_staff(batch, record) : CK_OK;
}

enum ck_error ck_people_remove(struct ck_batch *batch, const struct ck_record *record)
{
	if (record->kind == CK_KIND_AUTHORITY) return name_blocks(batch, record, true);
	return record->kind == CK_KIND_STAFF ? remove_staff(batch, record) : CK_OK;
}

static enum ck_error put_way(struct ck_batch *batch, const struct ck_word *from, const struct ck_word *to, enum ck_which which, bool remove)
{
	struct ck_index_key key;
	ck_list_key(&key, CK_TABLE_NEAR, from->at, from->length);
	ck_index_add_bytes(&key, to->at, to->length);
	ck_index_add_byte(&key, (uint8_t)which);
	return put_key(batch, &key, (struct ck_bytes){(const uint8_t *)"", 0}, remove);
}

bool ck_word_has_near(const struct ck_word *word)
{
	return (word->at[0] < '0' || word->at[0] > '9') && ck_word_letters(word) >= CK_NEAR_LETTERS;
}

/* A word whose list came or went takes the ways to it along: from the vocabulary, from itself, and from itself less each of its letters. */
static enum ck_error put_ways(struct ck_batch *batch, const struct ck_word *word, enum ck_which which, bool remove)
{
	struct ck_word less, before = {.length = 0};
	struct ck_index_key key;
	ck_list_key(&key, CK_TABLE_VOCABULARY, word->at, word->length);
	ck_index_add_byte(&key, (uint8_t)which);
	enum ck_error error = put_key(batch, &key, (struct ck_bytes){(const uint8_t *)"", 0}, remove);
	if (error != CK_OK || !ck_word_has_near(word)) return error;
	error = put_way(batch, word, word, which, remove);
	for (size_t n = 0; error == CK_OK && ck_word_less(word, n, &less); n++) {
		/* one of two equal letters less is the same twice */
		if (ck_words_equal(&less, &before)) continue;
		before = less;
		error = put_way(batch, &less, word, which, remove);
	}
	return error;
}

/* What else a table's list stands for: only whole words lead anywhere. */
static enum ck_error put_ways_of(struct ck_batch *batch, uint8_t table, const struct ck_word *word, bool remove)
{
	switch (table) {
	case CK_TABLE_NAME_WORD: return put_ways(batch, word, CK_IN_NAMES, remove);
	case CK_TABLE_OTHER_WORD: return put_ways(batch, word, CK_IN_OTHER, remove);
	case CK_TABLE_AUTHORITY_WORD: return put_ways(batch, word, CK_IN_AUTHORITIES, remove);
	default: return CK_OK;
	}
}

static enum ck_error flush_list(struct ck_batch *batch, uint8_t table, const struct ck_word *word, const struct ck_list_change *changes, size_t count)
{
	struct ck_index_key list;
	bool before, after;
	ck_list_key(&list, table, word->at, word->length);
	enum ck_error error = ck_list_apply(batch, &list, changes, count, &before, &after);
	return error != CK_OK || before == after ? error : put_ways_of(batch, table, word, after);
}

static enum ck_error put_aside(struct ck_batch *batch, uint8_t table, const struct ck_word *word, const struct ck_list_change *changes, size_t count)
{
	struct ck_index_key list;
	ck_list_key(&list, table, word->at, word->length);
	return ck_load_add_list(batch->store->load, &list, changes, count);
}

enum ck_error ck_people_flush(struct ck_batch *batch)
{
	return ck_pending_each(batch, batch->store->load != NULL ? put_aside : flush_list);
}

enum ck_error ck_people_append(struct ck_batch *batch, const struct ck_index_key *list, uint32_t *numbers, size_t count)
{
	struct ck_word word = {.length = 0};
	/* [table][word][0] */
	size_t length = list->length - 2;
	if (list->length <= 2 || length > sizeof word.at) return CK_ERR_IO;
	memcpy(word.at, list->bytes + 1, length);
	word.length = (uint8_t)length;
	enum ck_error error = ck_list_append(batch, list, numbers, count);
	return error == CK_OK ? put_ways_of(batch, list->bytes[0], &word, false) : error;
}
