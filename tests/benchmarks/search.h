/* Searching for people: what is compared. */
#ifndef CK_BENCH_SEARCH_H
#define CK_BENCH_SEARCH_H

#include "tests/data/output.h"

#define SEARCH_FOUND_LIMIT 20 /* the best so many */
#define SEARCH_WORDS_LIMIT 8

enum search_kind { SEARCH_EXACT, SEARCH_PREFIX, SEARCH_TWO_WORDS, SEARCH_MISSPELT, SEARCH_ACCENT_FREE };
#define SEARCH_KINDS 5
extern const char *const search_kind_names[SEARCH_KINDS];

struct search_question {
	enum search_kind kind;
	char text[256];  /* as somebody types it */
	char name[256];  /* without the word that names the authority */
	char place[64];  /* that word; "" if it is not named */
	char first[128], rest[128]; /* of the name: its first word, and what follows */
	char uid[40];
};
struct search_found {
	char uids[SEARCH_FOUND_LIMIT][40];
	size_t count;
};

/* What can be asked. open: fills or connects; false: it is not there, and why was said. */
struct search_peer {
	const char *name;
	bool (*open)(const struct ck_data *data, const char *place);
	bool (*ask)(const struct search_question *question, struct search_found *out); /* false: it failed */
	void (*close)(void);
};
extern const struct search_peer search_ours, search_slapd, search_sqlite, search_postgresql;

void search_add(struct search_found *found, const char *uid);

#endif
