/* The first load, without the daemon: what its two files share. */
#ifndef CK_CLI_IMPORT_OFFLINE_H
#define CK_CLI_IMPORT_OFFLINE_H

#include <sys/types.h>

#include "authd/cli/import.h"
#include "authd/config.h"

#define CK_OFFLINE_HOMES_LIMIT 1024 /* authorities */

struct ck_offline_home {
	struct ck_import_home home;
	uint64_t next_uid_number;
};
struct ck_offline_run {
	const struct ck_offline *call;
	struct ck_config config;
	unsigned uid, gid; /* slapd's */
	struct ck_offline_home *homes;
	size_t home_count, default_home;
	struct ck_set *numbers, *uids, *mails, *uid_numbers; /* over all authorities; numbers with their authority before them */
	uint64_t keys, staff; /* that are there */
	struct ck_rejects *rejects;
	uint64_t added, known, rejected, rows;
};

/* ---- import_offline_load.c: slapd's own tools, and the files around ---- */
/* Reads each entry that is there. */
CK_MUST_USE enum ck_error ck_offline_read(struct ck_offline_run *run, void (*each)(const struct ck_ldif_record *record, void *context),
                                          struct ck_errmsg *err);
struct ck_offline_load {
	FILE *to; /* LDIF goes here */
	FILE *said;
	pid_t pid;
};
/* Keeps what is there aside and starts slapadd. */
CK_MUST_USE enum ck_error ck_offline_begin(struct ck_offline_run *run, struct ck_offline_load *out, struct ck_errmsg *err);
/* All was written (whole): slapadd has taken it, or everything is as it was before. */
CK_MUST_USE enum ck_error ck_offline_end(struct ck_offline_run *run, struct ck_offline_load *load, bool whole, struct ck_errmsg *err);
/* A load that was interrupted: everything as it was before it. */
CK_MUST_USE enum ck_error ck_offline_undo(struct ck_offline_run *run, struct ck_errmsg *err);
/* One record in the audit log, by the ledger's user. */
CK_MUST_USE enum ck_error ck_offline_record(struct ck_offline_run *run, const char *stage, const char *detail, uint64_t count, struct ck_errmsg *err);

#endif
