/* The names of classes, containers and attributes, one row a kind: what schema/crosskeys.schema says, for this folder only. */
#ifndef CK_MODEL_ENTRY_TABLE_H
#define CK_MODEL_ENTRY_TABLE_H

#include "directory/model/entry.h"

struct ck_entry_row {
	const char *object_class;    /* the one that makes it this kind */
	const char *const *classes;  /* all that it carries */
	const char *container;       /* "staff" of ou=staff; NULL for an authority */
	enum ck_kind parent;         /* of a key, its use, a code or grant; else CK_KIND_NONE */
	const char *const *settable; /* MUST ones first */
	size_t must;
	const char *const *fixed;    /* of these, the ones that stay as they were added */
	const char *const *others;   /* attributes that belong to it and that nobody orders; all of them that are "ck…" */
};

/* NULL for CK_KIND_NONE. */
const struct ck_entry_row *ck_entry_row_of(enum ck_kind kind);
/* ASCII, without case, as attribute descriptions and class names are compared (RFC 4512, 1.4). */
bool ck_entry_equal_without_case(struct ck_text a, struct ck_text b);
bool ck_entry_name_equal(struct ck_text a, const char *b);
bool ck_entry_name_among(struct ck_text name, const char *const *names);

/* Where an entry is. hash: of a key. An authority's authority is itself. */
struct ck_entry_place {
	const char *container; /* as in the row that matched; NULL for an authority */
	bool by_hash;          /* a key, or its use */
	bool use;              /* below its key */
	struct ck_id id;       /* of a key: the first 16 bytes of its hash */
	uint8_t hash[CK_HASH_BYTES];
	bool below;            /* there is a parent */
	struct ck_id parent;   /* of a use, as of its key: the staff */
	struct ck_id authority;
};
/* CK_ERR_INVALID: no place where an entry of ours can be. */
CK_MUST_USE enum ck_error ck_entry_place_of(struct ck_text dn, struct ck_text suffix, struct ck_entry_place *out);

#endif
