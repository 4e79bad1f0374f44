/* What the modules of a PAM stack can answer, for a kind of person and a state of Crosskeys. */
#ifndef CK_CLI_DOCTOR_MODULE_H
#define CK_CLI_DOCTOR_MODULE_H

#include "authd/cli/doctor_stack.h"

enum ck_person {
	CK_PERSON_ROOT,
	CK_PERSON_LOCAL,   /* in /etc/passwd itself, with a uid below the directory's */
	CK_PERSON_LISTED,  /* only in the list of local names */
	CK_PERSON_GRANTED, /* staff, and a rule lets them in */
	CK_PERSON_REFUSED, /* staff, and none does: revoked, for example */
	CK_PERSON_UNKNOWN, /* a name that is nobody's */
	CK_PERSONS
};
enum ck_state {
	CK_STATE_ALIVE,
	CK_STATE_DEAD, /* or hung: the module says so */
	CK_STATE_GONE, /* the module itself cannot be loaded */
	CK_STATES
};

/* What it takes to get through, as bits of a result. */
#define CK_MEANS_LIMIT 32
struct ck_means {
	struct {
		char name[96];
		const struct ck_stack_line *line; /* where it is asked for */
	} at[CK_MEANS_LIMIT];
	size_t count;
};

struct ck_module_question {
	enum ck_person person;
	enum ck_state state;
	enum ck_stack_type type;
	const char *service;
	const char *local_names;                          /* the path of the list */
	bool by_caller;                                   /* who is asked about calls the program; PAM_USER is the account, as in su */
	bool (*is_missing)(const struct ck_stack_line *); /* the module's file is not there; NULL: all are */
	struct ck_means *means;
};
/* A ck_stack_ask; context is a struct ck_module_question. */
void ck_module_answer(const struct ck_stack_line *line, void *context, struct ck_outcomes *out);
/* Whether it has a row in the table. */
bool ck_module_is_known(struct ck_text module);
bool ck_module_is_ours(const struct ck_stack_line *line);
bool ck_line_has(const struct ck_stack_line *line, const char *argument);
/* The value of "NAME=…", or NULL. */
const char *ck_line_value(const struct ck_stack_line *line, const char *name);

/* ---- doctor_condition.c: pam_succeed_if and its like ---- */
enum ck_truth { CK_FALSE, CK_TRUE, CK_EITHER /* as the person's details are */, CK_UNKNOWN };
/* person: whose properties are looked at. *out_what: the part that is not known, for a sentence. */
enum ck_truth ck_condition_judge(const struct ck_stack_line *line, enum ck_person person, const char *service, char *out_what, size_t out_bytes);

#endif
