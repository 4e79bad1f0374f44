/* The one table of operations: name, request and reply fields, who may call, who handles. Nothing is authorised anywhere else. */
#ifndef CK_AUTHD_OPERATION_H
#define CK_AUTHD_OPERATION_H

#include "authd/protocol/cbor.h"
#include "directory/model/record.h"
#include "authd/protocol/message.h"

enum ck_who {
	CK_WHO_ANYONE = 1,      /* anyone local; the handler proves more where it must */
	CK_WHO_SELF_OR_ROOT,    /* root for any name, a person (kernel uid = uidNumber) for their own */
	CK_WHO_ROOT,            /* root of this system */
	CK_WHO_STAFF,           /* root, or staff: a connection identified by a touch, or the kernel uid of one */
	CK_WHO_TOUCH,           /* anyone; the replica authorises by the assertion itself, with the table of changes */
	/* the person themself (kernel uid, or identified by a touch) for what is theirs; else root, or an administrator of the authority
	   concerned, identified by a touch */
	CK_WHO_SELF_OR_ADMINISTRATOR,
	CK_WHO_PERSON /* a connection identified by a touch, root or not: it is the person who counts */
};
enum ck_handler { CK_HANDLER_GATE = 1, CK_HANDLER_REPLICA, CK_HANDLER_REPLICA_WITH_PEER, CK_HANDLER_LEDGER };

struct ck_operation {
	enum ck_op op;
	const char *name;
	ck_keys required, optional; /* fields of the request besides TYPE */
	ck_keys reply;              /* fields a reply may have besides TYPE, REASON, MESSAGE */
	enum ck_who who;
	enum ck_handler handler;
	const char *help;
};
/* NULL for an unknown number. */
const struct ck_operation *ck_operation_of(uint64_t op);
const struct ck_operation *ck_operations(size_t *out_count);

/* Changes: who may order which verb on which kind. */
enum ck_verb { CK_VERB_ADD = 1, CK_VERB_CHANGE = 2, CK_VERB_REMOVE = 3, CK_VERB_PASSWORD = 4 /* of staff: an initial one */ };
enum ck_change_who {
	CK_CHANGE_NOBODY = 0,
	CK_CHANGE_ADMINISTRATOR = 1,  /* of the authority that owns the entry (keys, codes: of the person's home) */
	CK_CHANGE_FOUNDING = 2,       /* an administrator of the founding authority */
	CK_CHANGE_SELF = 4,           /* the person the key belongs to */
	CK_CHANGE_FOUNDING_FIRST = 8  /* an administrator of the founding authority, in an authority that has no administrator with a key yet */
};
struct ck_change_rule {
	const char *name; /* "grant.add" */
	enum ck_kind kind;
	enum ck_verb verb;
	unsigned who; /* any of these */
	const char *help;
};
const struct ck_change_rule *ck_change_rule_of(struct ck_text name);
const struct ck_change_rule *ck_change_rules(size_t *out_count);

#endif
