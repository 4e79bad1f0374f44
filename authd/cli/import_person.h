/* A person as a file gives them, and as they are to be in the directory. */
#ifndef CK_CLI_IMPORT_PERSON_H
#define CK_CLI_IMPORT_PERSON_H

#include "authd/cli/import_csv.h"
#include "authd/cli/import_ldif.h"
#include "authd/cli/import_mapping.h"

struct ck_person {
	uint64_t line; /* of the file; 0: of none */
	bool given[CK_IMPORT_FIELDS]; /* the file says something about it, perhaps that there is none */
	struct ck_text value[CK_IMPORT_FIELDS]; /* as the directory writes it; absent or empty: none */
};

/* ---- a file of them ---- */
struct ck_rows;
enum ck_rows_format { CK_ROWS_CSV = 1, CK_ROWS_LDIF };
/* By its name: .ldif, else CSV. */
enum ck_rows_format ck_rows_format_of(const char *path);
/* Reads the header of a CSV, too. "-" is standard input. */
CK_MUST_USE enum ck_error ck_rows_open(const char *path, enum ck_rows_format format, const struct ck_mapping *mapping, struct ck_rows **out,
                                         struct ck_errmsg *err);
/* The same from what is open already, for whoever has no file; closed with the source. */
CK_MUST_USE enum ck_error ck_rows_of(FILE *file, const char *name, enum ck_rows_format format, const struct ck_mapping *mapping,
                                       struct ck_rows **out, struct ck_errmsg *err);
void ck_rows_close(struct ck_rows **source);
/* CK_OK: a person, until the next call. CK_ERR_INVALID: a bad row, why says what is wrong; its line and, where it could be read, number are set.
   CK_ERR_NOT_FOUND: that was all. CK_ERR_IO. */
CK_MUST_USE enum ck_error ck_rows_next(struct ck_rows *source, struct ck_person *out, struct ck_errmsg *why);
/* The row that came last, as it stands in the file. */
struct ck_text ck_rows_raw(const struct ck_rows *source);
/* How many bytes were handled, and how many there are (0: not known). */
uint64_t ck_rows_done_bytes(const struct ck_rows *source);
uint64_t ck_rows_total_bytes(const struct ck_rows *source);

/* ---- what is to be ---- */
/* Whose they are to be. */
struct ck_import_home {
	struct ck_id id;
	char name[CK_NAME_LIMIT_BYTES + 1];
	uint64_t first, last; /* uid numbers */
	char domains[CK_LIST_LIMIT][CK_NAME_LIMIT_BYTES + 1];
	size_t domain_count;
};
/* What a wanted person is put together in; a person's values may point here. */
struct ck_person_scratch {
	char text[CK_IMPORT_FIELDS][2 * CK_NAME_LIMIT_BYTES + 2];
};
/* Fills in what the file does not say, for one who is to be added: the name of its parts or the parts of it, then what the mapping has by
   default; all but uid and uid numbers, on which other people have a say. */
void ck_person_complete(const struct ck_mapping *mapping, struct ck_person *person, struct ck_person_scratch *scratch);
/* What follows from the uid: defaults that name it. After that every field has its value. */
void ck_person_complete_uid(const struct ck_mapping *mapping, struct ck_person *person, struct ck_person_scratch *scratch);
/* Sets a text that lives in the scratch; CK_ERR_LIMIT: it is too long. */
CK_MUST_USE enum ck_error ck_person_set(struct ck_person *person, struct ck_person_scratch *scratch, enum ck_import_field field, struct ck_text text);
/* Every rule that the replica has for one person by themself: the model's, the authority's range and mail domains. */
CK_MUST_USE enum ck_error ck_person_check(const struct ck_person *person, const struct ck_import_home *home, struct ck_errmsg *why);

#endif
