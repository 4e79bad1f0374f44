/* A generated directory in the forms that others read. */
#ifndef CK_DATA_OUTPUT_H
#define CK_DATA_OUTPUT_H

#include <stdio.h>

#include "tests/data/data.h"

/* ---- ldif.c: complete entries, as slapadd -q takes them ---- */
/* What is above the authorities: the suffix and ou=authorities. A directory that crosskeys init made has both. */
void ck_data_ldif_root(FILE *to, const char *suffix);
/* A person as a plain directory has them, below ou=people: for benchmarks of other directories. */
void ck_data_ldif_plain_root(FILE *to, const char *suffix);
void ck_data_ldif_plain_person(FILE *to, const char *suffix, const struct ck_data_person *person);
/* An entry; of an authority its four containers, too. */
void ck_data_ldif_entry(FILE *to, const char *suffix, const struct ck_record *record);

/* ---- csv.c: a staff list as a personnel system exports it (RFC 4180, CRLF, UTF-8) ---- */
void ck_data_csv_header(FILE *to);
void ck_data_csv_row(FILE *to, const struct ck_data_person *person);

/* ---- queries.c: questions with known answers ---- */
#define CK_DATA_SHARED_LIMIT 20 /* as many people as one answer shows: where more share the words, the authority is named */
/* `each` of every kind, as lines KIND <tab> QUERY <tab> UID <tab> CKID <tab> SHARED <tab>
   AUTHORITY, the last being the word of QUERY that names it, or "-". Kinds: exact, prefix, two-words, misspelt, accent-free. Whoever is
   asked for is active, here at options.now_s and not ex-directory. SHARED: how many such people the words fit. */
void ck_data_queries(FILE *to, const struct ck_data *data, unsigned each);

/* Whether somebody who asks at options.now_s may find them: active, here, not ex-directory. */
bool ck_data_is_findable(const struct ck_data *data, const struct ck_data_person *person);

/* ---- store.c: a store of it, without a directory ---- */
/* Fills that directory (which must be there) with CK_STORE_FILE, finished, as of options.now_s. */
CK_MUST_USE enum ck_error ck_data_fill_store(const struct ck_data *data, const char *directory, struct ck_errmsg *err);

#endif
