/* The entry of an account, as a name service gets it. It becomes what a machine believes of numbers, and a gate can be taken: what is read is of whom
   was asked for, and never a number that belongs to the machine itself. libc only. */
#ifndef CK_PROTOCOL_ACCOUNT_H
#define CK_PROTOCOL_ACCOUNT_H

#include "authd/protocol/cbor.h"

#define CK_ACCOUNT_NUMBER_FIRST 200000 /* below it live the names of the machine itself */
#define CK_ACCOUNT_NUMBER_LAST 2147483646
#define CK_ACCOUNT_NAME_LIMIT_BYTES 32
#define CK_ACCOUNT_PATH_LIMIT_BYTES 128

struct ck_account_entry {
	struct ck_text name;
	uint64_t uid_number, gid_number; /* equal: a group of its own, of its name; else one that has no name here */
	struct ck_text home, shell;
};

/* Into an answer whose TYPE was put. */
void ck_account_entry_put(struct ck_map_writer *m, const struct ck_account_entry *entry);
/* Of a granted answer; borrows from it. name: whom was asked for, absent: the number was. CK_ERR_INVALID: it is no such entry. */
CK_MUST_USE enum ck_error ck_account_entry_read(const struct ck_map *reply, struct ck_text name, uint64_t number, struct ck_account_entry *out);

#endif
