/* One word of a query and all that it stands for: itself, its variants, what begins with it, and, when asked, what is a letter away. */
#ifndef CK_STORE_PEOPLE_MATCH_H
#define CK_STORE_PEOPLE_MATCH_H

#include "directory/store/people_internal.h"

/* How well a word fits, best first. */
enum ck_quality { CK_QUALITY_EXACT, CK_QUALITY_VARIANT, CK_QUALITY_PREFIX, CK_QUALITY_NEAR };

/* Lists behind one word. A beginning of four letters has a few dozen, a misspelt name about as many; what is more is cut, and said to be. */
#define CK_MATCH_LISTS_LIMIT 256

struct ck_match_list {
	struct ck_word word;
	uint8_t table;
	uint8_t quality;
	bool loaded, ended, current_name;
	uint32_t current; /* the number it stands at; while loaded */
	size_t at;
	struct ck_list_chunk chunk;
};
struct ck_match {
	struct ck_view *view;
	struct ck_match_list lists[CK_MATCH_LISTS_LIMIT];
	size_t count;
	uint8_t blocks[CK_BLOCKS_LIMIT]; /* of authorities that the word names: quality + 1 */
	uint32_t block_count;            /* how many of these are looked at: those that exist */
	bool any_block;
	uint64_t weight;                 /* about how many people it may be */
	bool cut;
	enum ck_error error;
};

/* near: misspellings, too. */
void ck_match_begin(struct ck_match *match, struct ck_view *view, const struct ck_word *word, uint32_t block_count, bool near);
/* Back to the beginning. */
void ck_match_rewind(struct ck_match *match);
/* The first number from this one on that it may be: of a block every number is. CK_NUMBER_NONE: no more. */
uint32_t ck_match_next(struct ck_match *match, uint32_t from);
/* The same, and somebody has that number. */
uint32_t ck_match_next_person(struct ck_match *match, uint32_t from);
/* How it fits the number it was moved to; *out_name: by the person's name, or their authority's. CK_QUALITY_NEAR is the worst. */
enum ck_quality ck_match_quality(const struct ck_match *match, uint32_t number, bool *out_name);

#endif
