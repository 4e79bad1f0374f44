/* A key that was just made here, and what the daemon then wants signed for it. */
#ifndef CK_CLI_MADE_H
#define CK_CLI_MADE_H

#include "authd/protocol/statement.h"
#include "directory/model/record.h"

/* Whether these values of a key.add, and its target, are of the credential in this authenticator data: its id and its public key, each whole
   and once, and the id's hash. The daemon is not believed: under another's public key the touch would give another the key. */
bool ck_made_is(struct ck_bytes auth_data, const uint8_t target[CK_HASH_BYTES], const struct ck_change_value *values, size_t count);

#endif
