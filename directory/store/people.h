/* People search: a token index over those staff who are listed and active, kept by the store's writer in a database of its own ("people").
   Who is unlisted or suspended, and what not everybody may see, is not in it: ranks, counts and times come from what may be seen alone.
   docs/design/people-index.md says how it is made. */
#ifndef CK_STORE_PEOPLE_H
#define CK_STORE_PEOPLE_H

#include "directory/store/store.h"

#define CK_PEOPLE_PAGE 20             /* the best so many at a time */
#define CK_PEOPLE_QUERY_LIMIT_BYTES 256 /* longer than any name, authority, department and title together that a person types */
#define CK_PEOPLE_WORDS_LIMIT 8       /* words of one query; more than a name, an authority and a department have */
#define CK_PEOPLE_CURSOR_BYTES 16

struct ck_people_query {
	struct ck_text words; /* UTF-8, in any order: beginnings, one edit and common variants count too */
	struct ck_id own;     /* the asker's authority: its people come first among equals, and its staff numbers are looked up; zero: none */
	struct ck_bytes cursor; /* of the page before; empty: the first page */
	bool found;           /* whoever asks has somebody already, and is spared what is merely similar until they ask for more */
};
struct ck_people_page {
	struct ck_id staff[CK_PEOPLE_PAGE]; /* best first */
	size_t count;
	bool more;    /* cursor leads on */
	bool cut;     /* so many people match that not all were looked at: another word helps */
	uint8_t cursor[CK_PEOPLE_CURSOR_BYTES];
	uint8_t behind[CK_PEOPLE_PAGE][CK_PEOPLE_CURSOR_BYTES]; /* of each: the cursor that goes on behind it */
};

/* Within a bounded amount of work, whatever is asked. CK_OK, also when nobody is found; CK_ERR_INVALID: no word, too many, not UTF-8, or a
   cursor of another copy; CK_ERR_CORRUPT. */
CK_MUST_USE enum ck_error ck_people_search(struct ck_view *view, const struct ck_people_query *query, struct ck_people_page *out);

/* How large the index is, and how large all else is, in bytes of pages in use. */
struct ck_store_size {
	uint64_t records_bytes, people_bytes;
	uint64_t people; /* how many are in the index */
};
CK_MUST_USE enum ck_error ck_view_size(struct ck_view *view, struct ck_store_size *out);

#endif
