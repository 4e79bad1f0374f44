/* Taking BER apart with the bounded reader: liblber looks one byte past what it was given, and forgives. LDAP's BER has definite lengths only
   (RFC 4511, 5.1). */
#ifndef CK_LDAP_BER_H
#define CK_LDAP_BER_H

#include <stdbool.h>

#include "directory/base/buffer.h"
#include "directory/base/text.h"

struct ck_reader ck_ber_reader_of(struct ck_bytes bytes);
/* Whether the next element has this tag (of one byte). */
bool ck_ber_next_is(const struct ck_reader *r, unsigned long tag);
/* Takes the next element if it has this tag; its content borrows from the bytes. */
bool ck_ber_take(struct ck_reader *r, unsigned long tag, struct ck_bytes *out);

#endif
