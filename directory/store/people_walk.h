/* A search under way: the words of the query with their lists, and the best people so far. */
#ifndef CK_STORE_PEOPLE_WALK_H
#define CK_STORE_PEOPLE_WALK_H

#include "directory/store/people_match.h"

#define CK_OWN_BLOCKS_LIMIT 64  /* of one authority: two million people */
#define CK_WHOLE_LIMIT 8        /* people found by a text in full: a login name, a mail address, a staff number are one's own */

/* A rank: the smaller the better. misspelt words, how far words are from what was typed, words found elsewhere than in the name, another authority's,
   number. What stands before the authority is how well somebody fits. */
#define CK_RANK_MISSPELT ((uint64_t)1 << 60)
#define CK_RANK_COST ((uint64_t)1 << 48)
#define CK_RANK_ELSEWHERE ((uint64_t)1 << 40)
#define CK_RANK_OTHERS ((uint64_t)1 << 39)
#define CK_RANK_NUMBER (((uint64_t)1 << 31) - 1)

/* Whoever fits as typed; then with one word misspelt, so that only its neighbours are looked for; then with more. */
enum ck_stage { CK_STAGE_AS_TYPED = 1, CK_STAGE_ONE_MISSPELT = 2, CK_STAGE_MORE_MISSPELT = 3 };
#define CK_STAGE_RANK(stage) ((uint64_t)((stage) - CK_STAGE_AS_TYPED) * CK_RANK_MISSPELT)

struct ck_people_searching {
	struct ck_match matches[CK_PEOPLE_WORDS_LIMIT];
	struct ck_words words;
	struct ck_view *view;
	uint32_t own[CK_OWN_BLOCKS_LIMIT];
	size_t own_count;
	uint32_t block_count;
	uint32_t whole[CK_WHOLE_LIMIT];
	size_t whole_count;
	bool too_many; /* words: it is looked up in full only */
	bool gathered; /* matches: what was typed */
	size_t driver;
	enum ck_stage stage;
	size_t misspelt;                  /* in the second stage: which word */
	uint64_t from;                    /* ranks before it were shown */
	uint64_t ceiling;                 /* ranks from it on are not wanted yet */
	uint64_t found[CK_PEOPLE_PAGE];   /* the best so far, in order */
	size_t found_count, room;
	size_t work;
	bool cut;
	enum ck_error error;
};

/* people_walk.c: the best of one stage, of those whose rank is not before `from`, as many as there is room for. */
void ck_people_walk(struct ck_people_searching *s, enum ck_stage stage, size_t room);
bool ck_people_is_whole(const struct ck_people_searching *s, uint32_t number);

#endif
