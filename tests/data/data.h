/* A directory of any size with the shape of real life, that follows from a seed: the same options, the same bytes. Nothing is kept of it but a
   row for each authority: every person and record can be made again at any time from its number.

       struct ck_data *data = ck_data_new(&(struct ck_data_options){.seed = 1, .staff = 20000});
       struct ck_data_cursor *cursor = ck_data_cursor_new(data);
       for (const struct ck_record *record; (record = ck_data_next(cursor)) != NULL;) …
       ck_data_cursor_free(&cursor);
       ck_data_free(&data);

   A fault in it ends the program: it serves tests, benchmarks and the demonstration. */
#ifndef CK_DATA_DATA_H
#define CK_DATA_DATA_H

#include "directory/model/record.h"
#include "tests/data/names.h"
#include "tests/fakes/soft_key.h"

/* The target: 388 authorities, 1.2 million staff, 1.5 million keys, 20 000 roles, 1.5 million grants, 5 000 systems. Any size up to twice that. */
#define CK_DATA_TARGET_STAFF 1200000
#define CK_DATA_TARGET_AUTHORITIES 388
#define CK_DATA_STAFF_LIMIT (2 * CK_DATA_TARGET_STAFF)
#define CK_DATA_STAFF_LEAST 50
#define CK_DATA_AUTHORITIES_LIMIT (2 * CK_DATA_TARGET_AUTHORITIES)
#define CK_DATA_NOW_S INT64_C(1800000000) /* 2027-01-15, as in tests/fakes/store_builder.h */
#define CK_DATA_UID_NUMBER_FIRST 300000   /* below it is room for an authority that crosskeys init makes */
#define CK_DATA_RP_ID "keys.example.org"

struct ck_data_options {
	uint64_t seed;
	uint64_t staff;            /* CK_DATA_STAFF_LEAST to CK_DATA_STAFF_LIMIT */
	uint64_t authorities;      /* 0: as many as go with so many staff, at least 4 */
	int64_t now_s;             /* 0: CK_DATA_NOW_S. Who has left has left 90 days before, who is to come comes within 90 days after */
	uint64_t uid_number_first; /* 0: CK_DATA_UID_NUMBER_FIRST */
	const char *rp_id;         /* of the keys; NULL: CK_DATA_RP_ID. Must live as long as the data */
};
struct ck_data;
struct ck_data *ck_data_new(const struct ck_data_options *options);
void ck_data_free(struct ck_data **data);
/* Whether options are within the limits; the sentence says which is not. */
CK_MUST_USE enum ck_error ck_data_check(const struct ck_data_options *options, struct ck_errmsg *err);

/* Of keys and grants there are 1.25 a person, nearly. */
struct ck_data_counts {
	uint64_t authorities, staff, roles, groups, systems, rules;
};
struct ck_data_counts ck_data_count(const struct ck_data *data);
int64_t ck_data_now(const struct ck_data *data);

/* ---- authorities: largest first ---- */
struct ck_data_authority {
	uint64_t number; /* from 0 */
	enum ck_data_region region;
	const char *kind;  /* council, department, supplier */
	char place[32];    /* "Ashwick": one word that no other authority has */
	char name[64];     /* "Ashwick Borough Council" */
	char slug[32];     /* "ashwick" */
	char domains[2][64];
	uint64_t staff_first, staff;     /* numbers of its people: the first, and how many */
	uint64_t roles_first, roles;     /* at least CK_DATA_ROLES_LEAST */
	uint64_t systems_first, systems; /* at least 2 */
	uint64_t uid_number_first, uid_number_last;
};
#define CK_DATA_ROLES_LEAST 8
#define CK_DATA_GROUPS 3     /* system groups in each authority */
#define CK_DATA_RULES_MORE 3 /* rules in each authority, beside one for each system */
const struct ck_data_authority *ck_data_authority_at(const struct ck_data *data, uint64_t number);
const struct ck_data_authority *ck_data_authority_of(const struct ck_data *data, uint64_t person);

/* ---- people ---- */
enum ck_data_stay { CK_DATA_PERMANENT, CK_DATA_FIXED_TERM, CK_DATA_ON_LEAVE, CK_DATA_LEFT, CK_DATA_TO_COME };
struct ck_data_person {
	uint64_t number; /* from 0, over all authorities */
	uint64_t serial; /* from 0, within the authority; the first two are its administrators */
	const struct ck_data_authority *authority;
	struct ck_data_name name;
	char cn[CK_NAME_LIMIT_BYTES + 1];
	char uid[CK_UID_LIMIT_BYTES + 1];
	char mail[192]; /* never more than CK_NAME_LIMIT_BYTES, which the compiler cannot know */
	char telephone[24]; /* "": none. A few share one */
	char title[64];
	const char *department;
	char staff_number[16];
	char home[CK_UID_LIMIT_BYTES + 8];
	uint64_t uid_number;
	enum ck_data_stay stay;
	enum ck_status status;
	struct ck_window window; /* begins with the employment */
	bool listed;             /* false: ex-directory */
	unsigned keys, grants;   /* how many */
};
#define CK_DATA_KEYS_LIMIT 3   /* of one person */
#define CK_DATA_GRANTS_LIMIT 5
void ck_data_person_at(const struct ck_data *data, uint64_t number, struct ck_data_person *out);
/* Of one of their keys: what it signs with. */
void ck_data_credential(const struct ck_data *data, const struct ck_data_person *person, unsigned key, struct ck_soft_credential *out);

/* ---- records ---- */
/* part: which key or grant of a person, which system group of an authority; else 0. Of a key the id is what its hash begins with. */
struct ck_id ck_data_id(const struct ck_data *data, enum ck_kind kind, uint64_t number, unsigned part);

/* A record and what it borrows from. */
struct ck_data_entry {
	struct ck_record record;
	struct ck_data_person person; /* of staff, a key or a grant */
	struct ck_id ids[3][8];
	char texts[4][CK_NAME_LIMIT_BYTES + 1];
	char csn[CK_CSN_LIMIT_BYTES];
	uint8_t credential_id[CK_SOFT_ID_BYTES];
};
/* Each fills out->record; numbers of roles, systems and rules count over all authorities. ck_data_put_key and _grant: of out->person. */
void ck_data_put_authority(const struct ck_data *data, uint64_t number, struct ck_data_entry *out);
void ck_data_put_role(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out);
void ck_data_put_group(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out);
void ck_data_put_system(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out);
void ck_data_put_rule(const struct ck_data *data, const struct ck_data_authority *authority, uint64_t ordinal, struct ck_data_entry *out);
void ck_data_put_staff(const struct ck_data *data, uint64_t number, struct ck_data_entry *out);
void ck_data_put_key(const struct ck_data *data, unsigned key, struct ck_data_entry *out);
void ck_data_put_grant(const struct ck_data *data, unsigned grant, struct ck_data_entry *out);

/* Every record, a parent before its children: authorities; then of each its roles, system groups, systems and rules; then people, each with keys and
   grants. What is returned lives until the next call; NULL: that was all. */
struct ck_data_cursor;
struct ck_data_cursor *ck_data_cursor_new(const struct ck_data *data);
const struct ck_record *ck_data_next(struct ck_data_cursor *cursor);
/* Whose the last record was, if it was staff, a key or a grant. */
const struct ck_data_person *ck_data_cursor_person(const struct ck_data_cursor *cursor);
void ck_data_cursor_free(struct ck_data_cursor **cursor);

#endif
