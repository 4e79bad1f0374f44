/* `crosskeys init`: what its files share. */
#ifndef CK_CLI_INIT_H
#define CK_CLI_INIT_H

#include <stdio.h>
#include <sys/types.h>

#include "authd/cli/code.h"

enum ck_init_user { CK_INIT_GATE, CK_INIT_REPLICA, CK_INIT_LEDGER, CK_INIT_TOKEN, CK_INIT_DIRECTORY, CK_INIT_USERS };

struct ck_init {
	const char *directory, *suffix, *rp_id, *portal_origin, *system;
	const char *authority, *authority_kind;
	const char *mail_domains[CK_LIST_LIMIT];
	size_t mail_domains_count;
	const char *zone;
	uint64_t uid_number_first, uid_number_last;
	const char *admin, *admin_name, *admin_surname, *admin_mail, *staff_number, *home, *shell;
	const char *slapd, *schema_directory, *module_directory; /* the last may be NULL: modules are built in */
	const char *providers[CK_LIST_LIMIT]; /* elsewhere; none: the directory is embedded */
	size_t providers_count;
	const char *provider_mechanism, *provider_identity, *provider_tls;
	const char *token_helper, *token_group;                   /* NULL: the configuration's default */
	const char *users[CK_INIT_USERS];
	unsigned uids[CK_INIT_USERS], gids[CK_INIT_USERS];
	int64_t now_s, code_until_s;
	uint64_t code_life_s;
	struct ck_id authority_id, role_id, staff_id, grant_id, code_id, system_id;
	struct ck_code_text code;
};

/* ---- init_place.c: users, folders, the configuration file ---- */
/* Names every user that is missing. */
CK_MUST_USE enum ck_error ck_init_find_users(struct ck_init *init, struct ck_errmsg *err);
/* DIR is absent or empty, and root alone can change the way to it, and the daemon's users can walk it. */
CK_MUST_USE enum ck_error ck_init_check_place(const struct ck_init *init, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_init_make_folders(const struct ck_init *init, struct ck_errmsg *err);
void ck_init_print_configuration(const struct ck_init *init, FILE *to);
/* One file of root's. */
CK_MUST_USE enum ck_error ck_init_write_file(const struct ck_init *init, const char *name, mode_t mode,
                                             void (*print)(const struct ck_init *, FILE *), struct ck_errmsg *err);
/* DIR/secret and DIR/crosskeys.conf. */
CK_MUST_USE enum ck_error ck_init_write_files(const struct ck_init *init, struct ck_errmsg *err);
/* Removes everything in DIR, and DIR: what a failed init leaves. */
void ck_init_undo(const struct ck_init *init);

/* ---- init_directory.c: the embedded slapd's configuration and first entries ---- */
/* Finds the folders of OpenLDAP's own schema and modules, where they were not named. */
CK_MUST_USE enum ck_error ck_init_find_openldap(struct ck_init *init, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_init_make_directory(const struct ck_init *init, struct ck_errmsg *err);

/* ---- init_slapd.c: slapd's own configuration, as LDIF ---- */
void ck_init_print_slapd(const struct ck_init *init, FILE *to);

/* ---- init_operator.c: a directory elsewhere ---- */
/* DIR/operator: what whoever runs it installs. */
CK_MUST_USE enum ck_error ck_init_write_operator(const struct ck_init *init, struct ck_errmsg *err);
/* Whether the daemon will take the configuration that is about to be written. */
CK_MUST_USE enum ck_error ck_init_check_providers(const struct ck_init *init, struct ck_errmsg *err);

/* ---- init_entries.c: LDIF of the first entries ---- */
void ck_init_print_entries(const struct ck_init *init, FILE *to);

/* ---- init_schema.c ---- */
/* schema/crosskeys.ldif as it was when this program was built; NUL-terminated. */
const char *ck_init_schema_ldif(void);

#endif
