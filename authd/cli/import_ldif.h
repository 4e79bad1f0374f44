/* LDIF as RFC 2849 has it, content records only: folded lines, comments, base64. URLs and change records are refused. */
#ifndef CK_CLI_IMPORT_LDIF_H
#define CK_CLI_IMPORT_LDIF_H

#include <stdbool.h>
#include <stdio.h>

#include "directory/base/text.h"

#define CK_LDIF_RECORD_LIMIT_BYTES 65536 /* of one record as it stands */
#define CK_LDIF_VALUES_LIMIT 256

struct ck_ldif_record {
	uint64_t line;
	struct ck_text dn;
	struct {
		struct ck_text name; /* without options */
		struct ck_bytes value;
	} values[CK_LDIF_VALUES_LIMIT];
	size_t count;
	const char *fault; /* NULL, or why it is none; then there are no values */
	struct ck_text raw;
};
struct ck_ldif {
	FILE *from;
	uint64_t line, taken;
	bool begun;
	char raw[CK_LDIF_RECORD_LIMIT_BYTES];  /* the record's lines */
	char text[CK_LDIF_RECORD_LIMIT_BYTES]; /* unfolded, decoded in place */
};

void ck_ldif_begin(struct ck_ldif *ldif, FILE *from);
/* False: there is no more. */
bool ck_ldif_next(struct ck_ldif *ldif, struct ck_ldif_record *out);
/* "name: value", or base64 where RFC 2849 wants it. */
void ck_ldif_print(FILE *to, const char *name, struct ck_bytes value);
/* The values of that attribute: the first, or absent. */
struct ck_text ck_ldif_value(const struct ck_ldif_record *record, const char *name);
bool ck_ldif_has_class(const struct ck_ldif_record *record, const char *name);

#endif
