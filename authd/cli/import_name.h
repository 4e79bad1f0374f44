/* Login names made of people's names, by a rule that always gives the same. */
#ifndef CK_CLI_IMPORT_NAME_H
#define CK_CLI_IMPORT_NAME_H

#include "authd/cli/import_mapping.h"

/* Letters and digits as ASCII in lower case: accents off, what is no letter of the Latin script left out. At most out_bytes - 1; NUL-terminated.
   Returns the length. */
size_t ck_name_fold(struct ck_text name, char *out, size_t out_bytes);
/* The n-th login name (from 1) of this rule: the first bare, then with a number behind it ("jsmith", "jsmith2"); never longer than a login
   name may be. False: the names and the number give none. */
bool ck_name_uid(enum ck_import_uids rule, struct ck_text given, struct ck_text surname, struct ck_text number, unsigned n,
                 char out[CK_UID_LIMIT_BYTES + 1]);

#endif
