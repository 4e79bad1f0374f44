/* What the files of the generator share. */
#ifndef CK_DATA_INTERNAL_H
#define CK_DATA_INTERNAL_H

#include "tests/data/data.h"

/* P-256 points take their time: so many keys are made, and shared by many credentials. */
#define CK_DATA_POOL 64

struct ck_data {
	struct ck_data_options options;
	struct ck_data_names *names;
	uint64_t count; /* authorities */
	struct ck_data_authority *authorities;
	struct ck_soft_credential pool[CK_DATA_POOL];
};

/* What dice are for, so that none are thrown twice. Ids take the numbers of their kinds. */
enum ck_data_purpose {
	CK_DATA_FOR_UUID = 32, /* and the kind */
	CK_DATA_FOR_NAME = 64,
	CK_DATA_FOR_NAMESAKE,
	CK_DATA_FOR_WORK,
	CK_DATA_FOR_STAY,
	CK_DATA_FOR_COUNTS,
	CK_DATA_FOR_KEY,
	CK_DATA_FOR_CREDENTIAL,
	CK_DATA_FOR_GRANT,
	CK_DATA_FOR_ROLE,
	CK_DATA_FOR_SYSTEM,
	CK_DATA_FOR_RULE,
	CK_DATA_FOR_QUERY
};

static inline struct ck_dice ck_data_dice(const struct ck_data *data, enum ck_data_purpose purpose, uint64_t number)
{
	return ck_dice_of(data->options.seed, (uint64_t)purpose, number);
}

#define CK_DATA_DAY_S INT64_C(86400)

/* places.c: names of an authority: region, kind, place, name, slug, domains. */
void ck_data_name_authority(struct ck_data_authority *authority);
/* Departments and what their people are called; counted round. */
const char *ck_data_department(uint64_t rank, const char **out_short);
#define CK_DATA_DEPARTMENTS 30

/* Zeroes the record and gives it kind, ids and CSN. */
struct ck_record *ck_data_begin(const struct ck_data *data, struct ck_data_entry *out, enum ck_kind kind, uint64_t number, unsigned part,
                                uint64_t authority);
/* Another authority than this one; itself if there is no other. */
const struct ck_data_authority *ck_data_other(const struct ck_data *data, const struct ck_data_authority *authority, struct ck_dice *dice);
void ck_data_add_text(struct ck_texts *texts, const char *text);
/* A role that people of a team hold: neither the administrators' nor one that authorities hold. */
uint64_t ck_data_team_role(const struct ck_data_authority *authority, uint64_t drawn);

#define CK_DATA_ROLE_ADMINISTRATORS 0
#define CK_DATA_ROLE_ALL_STAFF 1
#define CK_DATA_ROLE_PARTNERS 2
#define CK_DATA_ROLE_TEAMS 3 /* this one and what follows */

#endif
