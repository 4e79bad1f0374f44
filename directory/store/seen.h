/* Which keys may have come before, in a fixed amount of memory: "no" is certain, "yes" may be wrong now and then (a Bloom filter). */
#ifndef CK_STORE_SEEN_H
#define CK_STORE_SEEN_H

#include <stdbool.h>

#include "directory/base/text.h"

struct ck_seen;

CK_MUST_USE enum ck_error ck_seen_new(struct ck_seen **out);
void ck_seen_free(struct ck_seen **seen);
/* Whether it may have been added before; it is afterwards. */
bool ck_seen_add(struct ck_seen *seen, struct ck_bytes key);
bool ck_seen_has(const struct ck_seen *seen, struct ck_bytes key);

#endif
