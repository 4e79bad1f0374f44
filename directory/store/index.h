/* The keys of the store's two B-trees. The first byte is the table: a kind (records, filed by id), or one of these. */
#ifndef CK_STORE_INDEX_H
#define CK_STORE_INDEX_H

#include "directory/model/record.h"

enum ck_table {
	/* 1 to CK_KIND_LAST: records by [kind][id, its second half first] */
	CK_TABLE_META = 0x10,           /* [1 byte]: state, cookie */
	CK_TABLE_NOTE = 0x11,           /* [name] */
	CK_TABLE_UUID = 0x20,           /* [entryUUID, folded][kind][id] → nothing */
	CK_TABLE_UID = 0x21,            /* [uid] → id; unique, as the next four. All ids of indices but those of names are short */
	CK_TABLE_UID_NUMBER = 0x22,     /* [u64 big-endian] */
	CK_TABLE_MAIL = 0x23,           /* [mail, ASCII folded] */
	CK_TABLE_STAFF_NUMBER = 0x24,   /* [authority][number] */
	CK_TABLE_NAME = 0x25,           /* [kind][authority, or zero][name] */
	CK_TABLE_TELEPHONE = 0x28,      /* [digits][0][id] → nothing; lists, as all below */
	CK_TABLE_KEYS_OF = 0x29,        /* [staff][id] */
	CK_TABLE_CODES_OF = 0x2a,       /* [staff][id] */
	CK_TABLE_GRANTS_OF = 0x2b,      /* [staff][role][id] */
	CK_TABLE_GRANTS_BY_ROLE = 0x2c, /* [role][id] */
	CK_TABLE_RULES_FOR = 0x2d,      /* [system or group][id] */
	CK_TABLE_RULES_FOR_ALL = 0x2e,  /* [authority][id] */
	CK_TABLE_BY_AUTHORITY = 0x2f,   /* [kind][authority][id]: staff, role, system, group, rule */
	CK_TABLE_QUARANTINE = 0x30,     /* [entryUUID] → DN, reason, what it holds */
	CK_TABLE_HELD = 0x31,           /* [key of a unique table, or of an id] → entryUUID of a quarantined entry that had it first */
	/* the people index (people_internal.h), in a B-tree of its own: what is there is for everybody's eyes */
	CK_TABLE_BLOCK = 0x40,          /* [block] → authority, how many of its numbers were given */
	CK_TABLE_BLOCKS_OF = 0x41,      /* [authority][block] → nothing */
	CK_TABLE_PERSON = 0x42,         /* [number] → staff */
	CK_TABLE_NUMBER = 0x43,         /* [staff] → number */
	CK_TABLE_WHOLE = 0x44,          /* [which][text][0][number] → nothing: login names, mail addresses, staff numbers */
	CK_TABLE_NAME_WORD = 0x45,      /* [word][0][last number] → list of numbers: whose name has it; as the next five */
	CK_TABLE_NAME_PREFIX = 0x46,
	CK_TABLE_OTHER_WORD = 0x47,     /* whose title, department, mail or telephone has it, and not their name */
	CK_TABLE_OTHER_PREFIX = 0x48,
	CK_TABLE_AUTHORITY_WORD = 0x49, /* of blocks */
	CK_TABLE_AUTHORITY_PREFIX = 0x4a,
	CK_TABLE_VOCABULARY = 0x4b,     /* [word][0][which of the three lists it has] → nothing */
	CK_TABLE_NEAR = 0x4c            /* [word, or word less a letter][0][word][which] → nothing */
};
#define CK_TABLE_PEOPLE_FIRST CK_TABLE_BLOCK
#define CK_TABLE_UNIQUE_LAST CK_TABLE_NAME
/* What CK_TABLE_NAME gives for kinds whose names are unique over the directory. */
#define CK_NO_AUTHORITY ((struct ck_id){{0}})

/* Well below LMDB's 511 bytes: the longest is a name, 1 + 1 + 16 + CK_NAME_LIMIT_BYTES. */
#define CK_INDEX_KEY_LIMIT_BYTES 192
struct ck_index_key {
	uint8_t bytes[CK_INDEX_KEY_LIMIT_BYTES];
	size_t length;
	bool failed; /* too long: nothing is filed under it */
};

void ck_index_begin(struct ck_index_key *key, enum ck_table table);
void ck_index_add_byte(struct ck_index_key *key, uint8_t byte);
void ck_index_add_id(struct ck_index_key *key, struct ck_id id);
/* The second half of an id, as indices have it. No two records of a kind have the same (ck_batch_put); what an id only refers to may be another, so that
   whoever follows an index compares the whole. */
#define CK_SHORT_ID_BYTES 8
static inline const uint8_t *ck_id_short(const struct ck_id *id)
{
	return id->bytes + sizeof id->bytes - CK_SHORT_ID_BYTES;
}
void ck_index_add_short(struct ck_index_key *key, struct ck_id id);
void ck_index_add_text(struct ck_index_key *key, struct ck_text text);
void ck_index_add_bytes(struct ck_index_key *key, const void *bytes, size_t length);

void ck_index_record(struct ck_index_key *key, enum ck_kind kind, struct ck_id id);
#define CK_INDEX_UUID_KEY_BYTES (1 + 8 + 1 + CK_SHORT_ID_BYTES)
/* Where records of this entryUUID begin (kind and id follow), and of others that fold to the same. */
void ck_index_uuid(struct ck_index_key *key, const uint8_t entry_uuid[16]);
void ck_index_uuid_of(struct ck_index_key *key, const uint8_t entry_uuid[16], enum ck_kind kind, struct ck_id id);
/* The id that a record is filed under; false: this is no such key. */
bool ck_index_id_of_record(struct ck_bytes key, struct ck_id *out);
/* In the order in which records are filed: below, at or above zero. */
int ck_index_compare_ids(const struct ck_id *a, const struct ck_id *b);
/* Where a record is whose id ends like this. */
void ck_index_record_short(struct ck_index_key *key, enum ck_kind kind, const uint8_t id[CK_SHORT_ID_BYTES]);
void ck_index_uid_number(struct ck_index_key *key, uint64_t uid_number);
void ck_index_mail(struct ck_index_key *key, struct ck_text mail);
void ck_index_staff_number(struct ck_index_key *key, struct ck_id authority, struct ck_text number);
void ck_index_name(struct ck_index_key *key, enum ck_kind kind, struct ck_id authority, struct ck_text name);
/* The digits and a leading "+"; false (and a failed key) when there is no digit. The id is added by the caller. */
bool ck_index_telephone(struct ck_index_key *key, struct ck_text telephone);

/* Every index key of a record, unique ones first, until `each` returns false. What `what` names is for people ("uid"). */
typedef bool (*ck_index_visitor)(const struct ck_index_key *key, const char *what, void *context);
void ck_index_each(const struct ck_record *record, ck_index_visitor each, void *context);
/* Whether this key is one of the record's: a look-up that comes back with a record filed elsewhere met damage. */
bool ck_index_has(const struct ck_record *record, const struct ck_index_key *key);
/* Whether records of this kind are in CK_TABLE_BY_AUTHORITY. */
bool ck_index_by_authority(enum ck_kind kind);

#endif
