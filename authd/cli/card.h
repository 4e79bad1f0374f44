/* Whom somebody was shown to be: the entries of a person and their authority, or of an authority, as both sides of a vouch see them. */
#ifndef CK_CLI_CARD_H
#define CK_CLI_CARD_H

#include <jansson.h>

#include "authd/cli/cli.h"

struct ck_card {
	bool person;
	const char *uid, *name, *authority, *authority_kind, *title, *mail, *telephone; /* for a terminal; "" where there is none */
};
/* Of a reply's ENTRIES. */
CK_MUST_USE enum ck_error ck_card_read(const struct ck_map *reply, struct ck_card *out);
/* "Bob Stone (bob), Service desk analyst, northtown", "northtown (council)" */
const char *ck_card_line(const struct ck_card *card);
/* A line each. */
void ck_card_print(const struct ck_card *card);
json_t *ck_card_json(const struct ck_card *card);

#endif
