/* What the files of the people index share. */
#ifndef CK_STORE_PEOPLE_INTERNAL_H
#define CK_STORE_PEOPLE_INTERNAL_H

#include <endian.h>
#include <string.h>

#include "directory/store/internal.h"
#include "directory/store/people.h"

/* ---- people_fold.c: text to words ---- */

#define CK_WORD_LIMIT_BYTES 32 /* longer words are cut: nobody tells two apart by their 33rd letter */
#define CK_WORDS_LIMIT 64      /* words of one person: name, title, department, mail and telephone have fewer */

struct ck_word {
	char at[CK_WORD_LIMIT_BYTES];
	uint8_t length;
	bool name; /* of the person's name; else of what they do and where */
};
struct ck_words {
	struct ck_word at[CK_WORDS_LIMIT];
	size_t count;
	bool full; /* there were more */
};

/* Appends the words of a text: without case, accents and apostrophes, cut where letters end or become digits. A word that is there stays once,
   a name's before another's. Bytes that are not UTF-8 end the text. */
void ck_words_add(struct ck_words *words, struct ck_text text, bool name);
/* The digits of a telephone number as one word that begins with 0, whatever way it is written ("+44 113 …", "0044113…", "(0113) …");
   nothing when there is no digit. */
void ck_words_add_telephone(struct ck_words *words, struct ck_text telephone);
/* The words of a query; digits that stand together are a telephone number when they begin with + or 0. */
void ck_words_of_query(struct ck_words *words, struct ck_text query);
/* How many bytes the first so many letters have; 0: there are fewer. */
size_t ck_word_prefix(const struct ck_word *word, size_t letters);
size_t ck_word_letters(const struct ck_word *word);
/* The word less its n-th letter; false: there is no such letter. */
bool ck_word_less(const struct ck_word *word, size_t n, struct ck_word *out);
/* At most one letter was left out, added, taken for another, or exchanged with its neighbour. */
bool ck_words_near(const struct ck_word *a, const struct ck_word *b);
bool ck_words_equal(const struct ck_word *a, const struct ck_word *b);

/* ---- people_variant.c: the same name in other letters ---- */

/* The other ways in which that word is commonly written. Some are no word at all. */
#define CK_VARIANTS_LIMIT 64
struct ck_variants {
	struct ck_word at[CK_VARIANTS_LIMIT];
	size_t count;
	size_t doubled; /* from here on: the word with one of its letters doubled */
};
void ck_word_variants(const struct ck_word *word, struct ck_variants *out);

/* ---- what of a person and an authority is searched ---- */

void ck_words_of_staff(struct ck_words *words, const struct ck_staff *staff);
void ck_words_of_authority(struct ck_words *words, const struct ck_authority *authority);

/* Words shorter than this have no neighbours: everything would be one. */
#define CK_NEAR_LETTERS 3
/* So many letters of the beginning have lists of their own; of a telephone number more, since there is one for each person. Longer
   beginnings are looked up among the words. */
#define CK_PREFIX_LETTERS 3
#define CK_PREFIX_DIGITS 9
size_t ck_word_prefix_letters(const struct ck_word *word);

/* ---- numbers ----
   A person's number is a block's and a place in it; a block belongs to one authority, so that an authority's people are few ranges. */
#define CK_BLOCK_BITS 15
#define CK_BLOCKS_LIMIT 65536
#define CK_NUMBER_NONE UINT32_MAX
#define CK_NUMBER_LIMIT ((uint32_t)CK_BLOCKS_LIMIT << CK_BLOCK_BITS) /* 2^31 */

/* ---- people_list.c: a sorted set of numbers, in chunks ---- */

/* One chunk, at rest: version and width, numbers, checksum. The key ends with its last number, so that one descent finds the chunk that a number is in. */
#define CK_LIST_CHUNK_LIMIT_BYTES 1900 /* two of them, with their keys, in a page of LMDB */
struct ck_list_chunk {
	const uint8_t *numbers; /* little-endian: of two bytes, within the block of the last number, or of four */
	size_t count;
	unsigned width;
	uint32_t base;
	uint32_t last;
};
void ck_list_key(struct ck_index_key *key, uint8_t table, const char *word, size_t length);
/* A chunk as it is filed; CK_ERR_CORRUPT: it is none. */
CK_MUST_USE enum ck_error ck_list_parse(struct ck_bytes key, struct ck_bytes value, struct ck_list_chunk *out);
/* The chunk with the first number that is not before this one; CK_ERR_NOT_FOUND: there is none. */
CK_MUST_USE enum ck_error ck_list_seek(struct ck_view *view, const struct ck_index_key *list, uint32_t from, struct ck_list_chunk *out);
/* The same by a walker of its own (scan.c). onward: that stands at a chunk of the list before this number. */
CK_MUST_USE enum ck_error ck_list_seek_by(struct ck_view *view, size_t walker, bool onward, const struct ck_index_key *list, uint32_t from,
                                          struct ck_list_chunk *out);
static inline uint32_t ck_list_number(const struct ck_list_chunk *chunk, size_t i)
{
	uint16_t narrow;
	uint32_t wide;
	if (chunk->width == 2) {
		memcpy(&narrow, chunk->numbers + 2 * i, sizeof narrow);
		return chunk->base + le16toh(narrow);
	}
	memcpy(&wide, chunk->numbers + 4 * i, sizeof wide);
	return le32toh(wide);
}
/* Sorted changes of one list. */
struct ck_list_change {
	uint32_t number;
	bool remove;
};
/* *out_before, *out_after: whether the list is empty. */
CK_MUST_USE enum ck_error ck_list_apply(struct ck_batch *batch, const struct ck_index_key *list, const struct ck_list_change *changes, size_t count,
                                        bool *out_before, bool *out_after);

/* A whole list, behind everything that the tree holds. */
CK_MUST_USE enum ck_error ck_list_append(struct ck_batch *batch, const struct ck_index_key *list, uint32_t *numbers, size_t count);

/* ---- people_number.c ---- */

CK_MUST_USE enum ck_error ck_people_number_new(struct ck_batch *batch, struct ck_id authority, uint32_t *out);
CK_MUST_USE enum ck_error ck_people_number_of(struct ck_batch *batch, struct ck_id staff, uint32_t *out);
CK_MUST_USE enum ck_error ck_people_staff_of(struct ck_view *view, uint32_t number, struct ck_id *out);
/* The first person's number from this one on; CK_NUMBER_NONE after the last. */
CK_MUST_USE enum ck_error ck_people_next(struct ck_view *view, uint32_t from, uint32_t *out);
typedef enum ck_error (*ck_block_visitor)(uint32_t block, void *context);
CK_MUST_USE enum ck_error ck_people_each_block(struct ck_view *view, struct ck_id authority, ck_block_visitor each, void *context);

/* ---- people_write.c: called for each record that comes or goes ---- */

CK_MUST_USE enum ck_error ck_people_add(struct ck_batch *batch, const struct ck_record *record);
CK_MUST_USE enum ck_error ck_people_remove(struct ck_batch *batch, const struct ck_record *record);
/* Makes an authority's words lead to that block of its people's numbers, or no longer. */
CK_MUST_USE enum ck_error ck_people_name_block(struct ck_batch *batch, const struct ck_authority *authority, uint32_t block, bool remove);
/* Writes what was put off. */
CK_MUST_USE enum ck_error ck_people_flush(struct ck_batch *batch);
/* At the end of a full refresh, in the order of keys: a whole list, and what leads to its word. */
CK_MUST_USE enum ck_error ck_people_append(struct ck_batch *batch, const struct ck_index_key *list, uint32_t *numbers, size_t count);

/* ---- people_pending.c: changes of lists, collected and sorted ---- */

CK_MUST_USE enum ck_error ck_pending_add(struct ck_batch *batch, uint8_t table, const char *word, size_t length, uint32_t number, bool remove);
/* Whether enough is waiting that it must be written. */
bool ck_pending_full(const struct ck_store *store);
typedef enum ck_error (*ck_pending_visitor)(struct ck_batch *batch, uint8_t table, const struct ck_word *word, const struct ck_list_change *changes,
                                            size_t count);
/* Each list once, in the order of keys; empty afterwards. */
CK_MUST_USE enum ck_error ck_pending_each(struct ck_batch *batch, ck_pending_visitor each);
void ck_pending_free(struct ck_store *store);

/* ---- the vocabulary: which lists each word has, one key for each, so that none is read before it is written ---- */

enum ck_which { CK_IN_NAMES = 1, CK_IN_OTHER = 2, CK_IN_AUTHORITIES = 4 };
/* Whether a word has neighbours that lead to it. */
bool ck_word_has_near(const struct ck_word *word);

/* ---- whole texts: what is found by being written out in full ---- */

enum ck_whole { CK_WHOLE_UID = 'u', CK_WHOLE_MAIL = 'm', CK_WHOLE_STAFF_NUMBER = 's' };
void ck_whole_key(struct ck_index_key *key, enum ck_whole which, struct ck_id authority, struct ck_text text);

#endif
