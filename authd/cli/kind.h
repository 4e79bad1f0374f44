/* The table of kinds behind `crosskeys authority|staff|key|role|grant|system|system-group|rule`. */
#ifndef CK_CLI_KIND_H
#define CK_CLI_KIND_H

#include "authd/cli/plan.h"

#define CK_CODE_LIFE_S 86400 /* a one-time code issued here; the daemon refuses longer ones than its code_life_s */

enum ck_kind_field_type {
	CK_KIND_FIELD_TEXT = 1,
	CK_KIND_FIELD_TIME,
	CK_KIND_FIELD_REFERENCE, /* a name of another entry; stored as its ckId */
	CK_KIND_FIELD_SYSTEM,    /* the same, or "*" */
	CK_KIND_FIELD_RANGE,     /* FIRST-LAST: two attributes */
	CK_KIND_FIELD_ZONE,      /* a time zone, or "local": this machine's */
	CK_KIND_FIELD_TRUE,      /* takes no value, is one */
	CK_KIND_FIELD_FALSE,
	CK_KIND_FIELD_EXTRA      /* no attribute of this entry */
};
struct ck_kind_field {
	const char *option;
	const char *attribute;
	enum ck_kind_field_type type;
	enum ck_kind reference;
	bool many;
	const char *otherwise; /* to add, when it is not given */
	const char *value_name;
	const char *help;
};
struct ck_kind_row {
	enum ck_kind kind;
	const char *words;
	bool can_add, can_remove;
	const struct ck_kind_field *fields; /* ended by a NULL option */
};
const struct ck_kind_row *ck_kind_row_of(enum ck_kind kind);
/* Whether entries of this kind are added, changed or removed (the verb) by a plan. */
bool ck_kind_has_verb(enum ck_kind kind, const char *verb);

/* Plans a one-time code for a person, good until that time (NULL: a day); the code itself is printed once the plan is done. */
CK_MUST_USE enum ck_error ck_kind_plan_code(struct ck_cli *cli, const char *uid, const char *ends, struct ck_plan *plan);
/* A key by its owner's uid, and its label or the beginning (six digits or more) of its id. */
CK_MUST_USE enum ck_error ck_kind_find_key(struct ck_cli *cli, const char *uid, const char *label, struct ck_cli_entry **out);

#endif
