/* A plan: the changes that one touch will order. Commands add to it; ck_plan_order shows it, asks, has it signed, and sends it. */
#ifndef CK_CLI_PLAN_H
#define CK_CLI_PLAN_H

#include "authd/cli/cli.h"

struct ck_plan_item {
	const char *operation; /* "grant.add" */
	enum ck_kind kind;
	const char *name;      /* by which later items of the same plan refer to it; NULL if by none */
	const char *summary;   /* one line for the person */
	uint8_t target[CK_HASH_BYTES];
	size_t target_length;
	struct ck_id parent;
	bool has_parent;
	struct ck_id authority;
	const char *csn;
	struct ck_cli_attribute values[CK_CHANGE_VALUES_LIMIT];
	size_t count;
	const struct ck_cli_entry *before; /* of a change: what is there now */
};
struct ck_plan_code {
	const char *uid, *code;
	int64_t until_s;
};
struct ck_plan {
	struct ck_plan_item items[CK_CHANGES_LIMIT];
	size_t count;
	struct ck_plan_code codes[CK_CHANGES_LIMIT]; /* one-time codes to print once it is done */
	size_t code_count;
	const char *password_for, *password; /* an initial one, to print once it is done; NULL: none */
};

/* A new item with a fresh random id; NULL (said on stderr) when the plan is full. */
struct ck_plan_item *ck_plan_add(struct ck_plan *plan, const char *operation, enum ck_kind kind, const char *name, struct ck_id authority);
/* An item that changes or removes an existing entry. */
struct ck_plan_item *ck_plan_touch(struct ck_plan *plan, const char *operation, const struct ck_cli_entry *entry);
/* Adds a value to an attribute of the item, or (value NULL) names it so that it is removed. */
void ck_plan_value(struct ck_plan_item *item, const char *attribute, const char *value);
struct ck_id ck_plan_item_id(const struct ck_plan_item *item);

/* last_key.c: whether this would leave whoever orders it (self) without a key that counts. Not of those whom it does not concern. */
CK_MUST_USE enum ck_error ck_plan_takes_last_key(struct ck_cli *cli, const struct ck_plan *plan, struct ck_id self, bool *out);
/* Shows, asks (unless --yes), has it touched, sends it. Returns an exit code. */
int ck_plan_order(struct ck_cli *cli, struct ck_plan *plan);
/* The second half: signs under the terms of a need-token reply (NONCE TIME SYSTEM RP_ID ALLOW) and sends. */
int ck_plan_sign(struct ck_cli *cli, const struct ck_plan *plan, const struct ck_map *terms);

/* ---- resolve.c: names to ids, looking into the plan first ---- */
/* What a name stands for: its id, and the authority that owns it. `name` may be AUTHORITY/NAME or a UUID. Says on stderr what failed. */
CK_MUST_USE enum ck_error ck_resolve(struct ck_cli *cli, const struct ck_plan *plan, enum ck_kind kind, const char *name,
                                     const char *authority, struct ck_id *out_id, struct ck_id *out_authority);
/* The entry itself, as the daemon holds it. */
CK_MUST_USE enum ck_error ck_resolve_entry(struct ck_cli *cli, enum ck_kind kind, const char *name, const char *authority,
                                           struct ck_cli_entry **out);
/* An authority by name or id; NULL: the home authority of --as. */
CK_MUST_USE enum ck_error ck_resolve_authority(struct ck_cli *cli, const struct ck_plan *plan, const char *name, struct ck_id *out);
/* Who orders this: --as, or the name of whoever runs the command. */
CK_MUST_USE enum ck_error ck_resolve_self(struct ck_cli *cli, struct ck_id *out);

/* What a person calls the entry that this value of this attribute refers to ("operators", "southvale/drivers"); NULL when it refers to none,
   or the daemon does not say. Asks the daemon only for what the plan and this run do not know already. */
const char *ck_resolve_name(struct ck_cli *cli, const struct ck_plan *plan, const char *attribute, struct ck_bytes value);

/* ---- kind_plan.c: the planning of add, change, remove ---- */
/* Plans one change given as words: {"grant", "add", "bob", "caseworker", …}. CK_ERR_CANCELLED after --help. */
CK_MUST_USE enum ck_error ck_kind_plan(struct ck_cli *cli, int argc, char **argv, struct ck_plan *plan);

/* ---- apply.c ---- */
#define CK_APPLY_WORDS_LIMIT 128 /* of a line */
/* Splits a line in place: blanks part words, "…" and '…' keep blanks, \ takes the next character, # begins a comment. -1: an open quote, or
   too many words. */
int ck_apply_split(char *line, char *words[CK_APPLY_WORDS_LIMIT]);

#endif
