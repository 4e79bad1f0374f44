/* Which values were seen, each with a number, for millions of them: sixteen bytes a value. Kept are keyed hashes, so nobody can choose values
   that collide; that two of a million do by chance has the odds of one in ten million, and then says "taken" of one that is free. */
#ifndef CK_CLI_IMPORT_SET_H
#define CK_CLI_IMPORT_SET_H

#include <stdbool.h>

#include "directory/base/text.h"

struct ck_set;
struct ck_set *ck_set_new(void);
void ck_set_free(struct ck_set **set);
/* False: it is there already, and nothing is changed. Letters count without case if so wanted. */
bool ck_set_add(struct ck_set *set, struct ck_text value, bool fold_case, uint64_t number);
bool ck_set_find(const struct ck_set *set, struct ck_text value, bool fold_case, uint64_t *out_number);
bool ck_set_has(const struct ck_set *set, struct ck_text value, bool fold_case);

#endif
