/* An entry as the directory has it: a DN and attributes with octet values; and its mapping to a record and back. The mapping is the one
   place that knows attribute names (schema/crosskeys.schema). */
#ifndef CK_MODEL_ENTRY_H
#define CK_MODEL_ENTRY_H

#include "directory/model/record.h"

#define CK_ENTRY_ATTRIBUTES_LIMIT 64
#define CK_ENTRY_VALUES_LIMIT 256 /* all values of all attributes of one entry */

struct ck_attribute {
	struct ck_text name; /* compared without case */
	const struct ck_bytes *values;
	size_t count;
};
struct ck_entry {
	struct ck_text dn;
	const struct ck_attribute *attributes;
	size_t count;
};

/* Scratch that a mapped record borrows its ids from (an entry has them as text). */
struct ck_entry_scratch {
	struct ck_id ids[3 * CK_LIST_LIMIT];
	size_t used;
};

/* Entry → record. CK_OK: `out` is valid (ck_model_validate passed) and borrows from entry and scratch. CK_ERR_NOT_FOUND: an entry that
   is none of ours (a container ou, the suffix). CK_ERR_INVALID: quarantine it; the sentence says why. `out->entry_uuid` and `csn` come
   from the operational attributes entryUUID and entryCSN, where they are present. `suffix` is the normalised base DN.
   The DN decides authority and parent: ckId=…,ou=staff,ckId=<authority>,ou=authorities,<suffix>, a key or code below its staff,
   a key's use (cn=use) below the key, a grant below its role; any other place is a fault. An attribute "ck…" that is not known is a fault.
   Not checked here (there is no hash in this folder): that a key's hash is the SHA-256 of its credential id; who reads a key does that. */
CK_MUST_USE enum ck_error ck_entry_to_record(const struct ck_entry *entry, struct ck_text suffix, struct ck_entry_scratch *scratch,
                                             struct ck_record *out, struct ck_errmsg *err);

/* What an entry that maps to no record says of itself all the same: its id from the DN, and of the values that are unique those that are there
   once and no longer than they may be. All else of `out` is zero; CK_KIND_NONE where the class is none of ours. False: not even an id. Borrows. */
CK_MUST_USE bool ck_entry_claims(const struct ck_entry *entry, struct ck_text suffix, struct ck_record *out);

/* Where a record of this kind lives. parent: the staff of a key, its use or a code, the role of a grant; ignored otherwise.
   hash: of a key or its use; else NULL. CK_ERR_LIMIT if out is too small. */
#define CK_DN_LIMIT_BYTES 512
CK_MUST_USE enum ck_error ck_entry_dn(enum ck_kind kind, struct ck_id id, const uint8_t *hash, struct ck_id parent, struct ck_id authority,
                                      struct ck_text suffix, char out[CK_DN_LIMIT_BYTES]);

/* A person's password is an entry of its own below theirs, so that what is written at a login never touches the person's
   (docs/design/password.md). It is no record: nothing of it is in the copy, and mapping it gives CK_ERR_NOT_FOUND. */
#define CK_ENTRY_PASSWORD_CLASS "ckPassword"
#define CK_ENTRY_PASSWORD_NAME "password" /* its cn */
CK_MUST_USE enum ck_error ck_entry_password_dn(struct ck_id staff, struct ck_id authority, struct ck_text suffix, char out[CK_DN_LIMIT_BYTES]);

/* A plan that was ordered (docs/design/import-plan.md) is kept once, beside an authority's containers: the touch over it, and what it covers. It
   is no record either; what was written by it refers to it. */
#define CK_ENTRY_PLAN_CLASS "ckPlan"
CK_MUST_USE enum ck_error ck_entry_plan_dn(struct ck_id plan, struct ck_id authority, struct ck_text suffix, char out[CK_DN_LIMIT_BYTES]);

/* The object classes that an entry of this kind carries, NULL-terminated. */
const char *const *ck_entry_object_classes(enum ck_kind kind);
/* Whether an administrator's change may set this attribute of this kind (not ckId, objectClass, ckProof, operational ones). */
bool ck_entry_attribute_settable(enum ck_kind kind, struct ck_text name);
/* Whether a change may set it in an entry that exists: settable, and not fixed once the entry is added (a credential, a grant's person). */
bool ck_entry_attribute_changeable(enum ck_kind kind, struct ck_text name);
/* Values nobody orders but slapd must hold unique, derived from what was ordered: whoever writes `name` with `value` writes *out_name with
   `out` beside it (employeeNumber gives ckStaffNumber "<authority>:<number>"). CK_ERR_NOT_FOUND: nothing is derived from it. */
#define CK_DERIVED_LIMIT_BYTES (CK_ID_TEXT_BYTES + 1 + CK_NAME_LIMIT_BYTES)
CK_MUST_USE enum ck_error ck_entry_derive(enum ck_kind kind, struct ck_id authority, struct ck_text name, struct ck_text value,
                                          const char **out_name, char out[CK_DERIVED_LIMIT_BYTES]);
/* The settable attributes, NULL-terminated, MUST ones first; how many are MUST in *out_must. */
const char *const *ck_entry_settable(enum ck_kind kind, size_t *out_must);

#endif
