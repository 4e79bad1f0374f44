/* One word of a query and all that it stands for: itself, its variants, what begins with it, and, when asked, what is a letter away. */
#ifndef CK_STORE_PEOPLE_MATCH_H
#define CK_STORE_PEOPLE_MATCH_H

#include "directory/store/people_internal.h"

/* How well a word fits, best first; each by the name (or the authority's), then by what else is known of a person. */
enum ck_fit {
	CK_FIT_EXACT, CK_FIT_EXACT_OTHER, CK_FIT_VARIANT, CK_FIT_VARIANT_OTHER, CK_FIT_PREFIX, CK_FIT_PREFIX_OTHER, CK_FIT_NEAR, CK_FIT_NEAR_OTHER,
	CK_FIT_NONE
};
#define CK_FITS CK_FIT_NONE

/* Lists behind one word. A beginning of four letters has a few dozen, a misspelt name about as many; what is more is cut, and said to be. */
#define CK_MATCH_LISTS_LIMIT 256
#define CK_DESCENT_WORK 40 /* steps within a list take as long as to descend to a chunk and check it */

struct ck_match_list {
	struct ck_word word;
	uint8_t table; /* 0: of no word, but of the numbers in the blocks that fit so well */
	uint8_t fit;
	bool loaded;
	uint8_t walker;        /* that reads this list, from the second chunk on; CK_WALKER_NONE */
	uint32_t low, current; /* `current` is the first number that is not before `low`; CK_NUMBER_NONE: there is none */
	uint32_t sought;       /* the chunk begins with the first number that is not before this one */
	uint32_t end;          /* there is none from here on */
	uint64_t weight;       /* about how many people it may be */
	size_t at;
	struct ck_list_chunk chunk;
};
struct ck_match {
	struct ck_view *view;
	struct ck_word word;
	struct ck_match_list lists[CK_MATCH_LISTS_LIMIT];
	size_t count, variants, typed; /* first variants, then what else was typed, then what is near */
	uint16_t order[CK_MATCH_LISTS_LIMIT]; /* best fit first */
	size_t ends[CK_FITS];                 /* of each fit: where it ends in the order */
	size_t first, last;                   /* those that are walked now, in the order */
	uint8_t blocks[CK_BLOCKS_LIMIT];      /* of authorities that the word names: fit + 1 */
	uint32_t block_count;                 /* how many of these are looked at: those that exist */
	uint64_t block_weight;                /* people in one, on average */
	size_t *work;                         /* what is done is added to it, in steps within a list */
	bool near;                            /* the misspelt were looked for */
	bool cut;
	enum ck_error error;
};

/* people_gather.c: what was typed; then, when that is asked for, too, what is near it. */
void ck_match_begin(struct ck_match *match, struct ck_view *view, const struct ck_word *word, uint32_t block_count, size_t *work);
void ck_match_add_near(struct ck_match *match);

/* Of what is gathered, only lists that fit so well are walked from now on. */
void ck_match_limit(struct ck_match *match, enum ck_fit best, enum ck_fit worst);
/* Of those that are walked: how many people they may be. */
uint64_t ck_match_weight(const struct ck_match *match);
/* The first number from this one on that it may be: of a block every number is. CK_NUMBER_NONE: no more. */
uint32_t ck_match_next(struct ck_match *match, uint32_t from);
/* Whether it is known that somebody has that number, since it is in a list that was asked for it. */
bool ck_match_is_person(const struct ck_match *match, uint32_t number);
/* How it fits that number, at best, by any list that is not worse than those that are walked; and that number, or, where none has it, the first one behind
   it that is walked. */
enum ck_fit ck_match_fit(struct ck_match *match, uint32_t number, uint32_t *out_next);
/* The best fit that may still come from this number on, as far as that is known. */
enum ck_fit ck_match_best(const struct ck_match *match, uint32_t from);

/* For the two files of it. */
void ck_match_fail(struct ck_match *match, enum ck_error error);
void ck_match_move(struct ck_match *match, struct ck_match_list *list, uint32_t from);
/* To the first number that is not before this one. */
static inline void ck_match_advance(struct ck_match *match, struct ck_match_list *list, uint32_t from)
{
	if (list->low > from || from > list->current) ck_match_move(match, list, from);
}

#endif
