/* `crosskeys import`: what its files share. A file of people is compared with who is there; what differs becomes statements in batches, which one
   touch orders (docs/design/import-plan.md). */
#ifndef CK_CLI_IMPORT_H
#define CK_CLI_IMPORT_H

#include "authd/cli/cli.h"
#include "authd/cli/import_person.h"
#include "authd/cli/import_set.h"
#include "authd/protocol/plan.h"

/* ---- import_reject.c: rows that were not taken, for whoever corrects them ---- */
struct ck_rejects;
/* path NULL: only counted. The file is CSV: line, reason, the row as it stands. */
CK_MUST_USE enum ck_error ck_rejects_open(const char *path, struct ck_rejects **out, struct ck_errmsg *err);
void ck_rejects_add(struct ck_rejects *rejects, uint64_t line, const char *reason, struct ck_text raw);
uint64_t ck_rejects_count(const struct ck_rejects *rejects);
/* CK_ERR_IO: not all of it was written. */
CK_MUST_USE enum ck_error ck_rejects_close(struct ck_rejects **rejects, struct ck_errmsg *err);

/* ---- import_progress.c: how far it is, on standard error ---- */
struct ck_progress {
	const char *what;
	uint64_t total; /* 0: not known */
	int64_t begun_ms, told_ms;
	bool terminal;
};
void ck_progress_begin(struct ck_progress *progress, const char *what, uint64_t total);
void ck_progress_show(struct ck_progress *progress, uint64_t done);
void ck_progress_end(struct ck_progress *progress, uint64_t done);

/* ---- import_current.c: who is there ---- */
struct ck_current;
/* The authority, and all of its staff. Says on stderr what failed. */
CK_MUST_USE enum ck_error ck_current_read(struct ck_cli *cli, const struct ck_id *authority, struct ck_current **out, struct ck_import_home *out_home);
size_t ck_current_count(const struct ck_current *current);
/* Decoded, until the next call: as a person (every field given), its id and CSN. */
struct ck_existing {
	struct ck_person person;
	struct ck_id id;
	char csn[CK_CSN_LIMIT_BYTES + 1];
	bool active;
};
void ck_current_at(const struct ck_current *current, size_t index, struct ck_existing *out);
bool ck_current_by_number(const struct ck_current *current, struct ck_text number, size_t *out_index);
/* Values that are held by somebody: their indices. */
struct ck_set *ck_current_uids(struct ck_current *current);
struct ck_set *ck_current_mails(struct ck_current *current);
struct ck_set *ck_current_uid_numbers(struct ck_current *current);

/* ---- import_batches.c: statements in batches, and the file that keeps them until they are done ---- */
struct ck_batches;
/* path NULL: a file of no name. */
CK_MUST_USE enum ck_error ck_batches_create(const char *path, struct ck_id authority, struct ck_batches **out, struct ck_errmsg *err);
/* Opens one that was left: its head says which plan it is. */
CK_MUST_USE enum ck_error ck_batches_resume(const char *path, struct ck_batches **out, struct ck_errmsg *err);
/* csn "": adds. CK_ERR_LIMIT: more than one plan holds. */
CK_MUST_USE enum ck_error ck_batches_add(struct ck_batches *batches, struct ck_id target, const char *csn, const struct ck_change_value *values,
                                         size_t count, uint64_t line, struct ck_errmsg *err);
/* No more will be added. */
CK_MUST_USE enum ck_error ck_batches_finish(struct ck_batches *batches, struct ck_errmsg *err);
struct ck_batches_state {
	struct ck_id plan, authority;
	uint64_t statements, batches;
	uint64_t done; /* batches that are */
	const uint8_t (*roots)[32];
};
const struct ck_batches_state *ck_batches_state(const struct ck_batches *batches);
/* It was ordered: from now on the file can be resumed. */
CK_MUST_USE enum ck_error ck_batches_ordered(struct ck_batches *batches, struct ck_errmsg *err);
/* The request of the next batch that is not done, as a frame; and the lines its statements come from. CK_ERR_NOT_FOUND: all are. */
struct ck_batch_request {
	uint8_t bytes[CK_FRAME_HEAD_BYTES + CK_FRAME_LIMIT_BYTES];
	size_t length, count;
	uint64_t lines[CK_CHANGES_LIMIT];
};
CK_MUST_USE enum ck_error ck_batches_next(struct ck_batches *batches, struct ck_batch_request *out, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_batches_done(struct ck_batches *batches, struct ck_errmsg *err);
/* remove: nothing of it is needed any more. */
void ck_batches_close(struct ck_batches **batches, bool remove);

/* ---- import_compare.c: the file against who is there ---- */
struct ck_import_counts {
	uint64_t rows, added, changed, suspended, reinstated, unchanged, kept_suspended, missing_kept, rejected;
	uint64_t active; /* who are, before it */
	uint64_t unasked; /* mail addresses that were not looked up in other authorities */
	uint64_t unreadable; /* rows that do not even say whose they are */
	bool self_missing;
};
struct ck_compare {
	struct ck_cli *cli;
	const struct ck_mapping *mapping;
	const struct ck_import_home *home;
	struct ck_current *current;
	struct ck_id self; /* whoever orders it is not suspended by it */
	bool reinstate;
	bool look_up;    /* ask the daemon whether a name that was made is free in other authorities */
	bool only_tried; /* and whether what the file gives is */
	struct ck_batches *batches;
	struct ck_rejects *rejects;
	/* one thing that would be done: "add", "change", "suspend", "reinstate"; before NULL: there is nobody yet */
	void (*each)(const char *action, const struct ck_person *wanted, const struct ck_existing *before, const char *why, void *context);
	void *context;
	struct ck_import_counts counts;
};
CK_MUST_USE enum ck_error ck_compare_run(struct ck_compare *compare, struct ck_rows *rows, struct ck_progress *progress, struct ck_errmsg *err);

/* ---- import_order.c: the touch, and sending what it ordered ---- */
CK_MUST_USE enum ck_error ck_import_order(struct ck_cli *cli, struct ck_batches *batches);
struct ck_import_sent {
	uint64_t written, done, refused;
};
/* Sends what is not done yet. Says on stderr what stopped it. */
CK_MUST_USE enum ck_error ck_import_send(struct ck_cli *cli, struct ck_batches *batches, struct ck_rejects *rejects, struct ck_import_sent *out);

/* ---- import_offline.c, import_offline_load.c: the first load, without the daemon ---- */
struct ck_offline {
	const char *directory; /* of the instance */
	const char *const *files;
	size_t file_count;
	const struct ck_mapping *mapping;
	const char *rejects_path;
	bool json, dry_run;
};
int ck_import_offline(const struct ck_offline *offline);

#endif
