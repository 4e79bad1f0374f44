/* Which column of an HR system's export is what, from a small file (crosskeys-import(5)): ini, strictly read. */
#ifndef CK_CLI_IMPORT_MAPPING_H
#define CK_CLI_IMPORT_MAPPING_H

#include "directory/base/clock.h"
#include "directory/model/record.h"

/* What an import knows of a person. All but the authority are attributes of the entry. */
enum ck_import_field {
	CK_IMPORT_NUMBER, CK_IMPORT_UID, CK_IMPORT_NAME, CK_IMPORT_GIVEN, CK_IMPORT_SURNAME, CK_IMPORT_MAIL, CK_IMPORT_TELEPHONE, CK_IMPORT_TITLE,
	CK_IMPORT_DEPARTMENT, CK_IMPORT_STATUS, CK_IMPORT_FROM, CK_IMPORT_UNTIL, CK_IMPORT_UID_NUMBER, CK_IMPORT_GID_NUMBER, CK_IMPORT_HOME,
	CK_IMPORT_SHELL, CK_IMPORT_LISTED, CK_IMPORT_AUTHORITY, CK_IMPORT_FIELDS
};
struct ck_import_row {
	const char *name;      /* in the mapping, and the column's own name without one */
	const char *attribute; /* NULL: none of the entry's */
	bool removable;        /* an empty field takes the attribute away */
};
const struct ck_import_row *ck_import_row_of(enum ck_import_field field);
/* Whether this release's entries have it. */
bool ck_import_field_known(enum ck_import_field field);

enum ck_import_dates { CK_DATES_ISO, CK_DATES_DAY_FIRST };
enum ck_import_uids { CK_UIDS_INITIAL_SURNAME, CK_UIDS_GIVEN_SURNAME, CK_UIDS_NUMBER };

#define CK_MAPPING_TEXT_BYTES 129
#define CK_MAPPING_WORDS_LIMIT 32
#define CK_MAPPING_LIMIT_BYTES 65536
struct ck_mapping {
	char separator;
	enum ck_import_dates dates;
	enum ck_import_uids uids;
	bool suspend_missing;
	char columns[CK_IMPORT_FIELDS][CK_MAPPING_TEXT_BYTES];  /* "": there is no such column */
	char defaults[CK_IMPORT_FIELDS][CK_MAPPING_TEXT_BYTES]; /* to add; {uid} and {number} stand for those; "": none */
	struct {
		char word[CK_MAPPING_TEXT_BYTES];
		enum ck_status status;
	} words[CK_MAPPING_WORDS_LIMIT]; /* of the status column, without regard to case */
	size_t word_count;
};

/* Without a file: every field under its own name, commas, ISO dates, who is missing is suspended. */
void ck_mapping_default(struct ck_mapping *out);
/* `name` stands for the file in messages. The sentence carries name:line. */
CK_MUST_USE enum ck_error ck_mapping_parse(struct ck_text text, const char *name, struct ck_mapping *out, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_mapping_load(const char *path, struct ck_mapping *out, struct ck_errmsg *err);

#endif
