/* CSV as RFC 4180 has it, from files of any size: fields in quotes, doubled quotes, line ends inside quotes, CRLF and LF, a byte order mark, and
   one of three separators. A bad record is said to be one and costs no other; its text is UTF-8 or it is bad. */
#ifndef CK_CLI_IMPORT_CSV_H
#define CK_CLI_IMPORT_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "directory/base/text.h"

#define CK_CSV_FIELDS_LIMIT 128          /* columns; HR exports have some dozens */
#define CK_CSV_RECORD_LIMIT_BYTES 65536  /* of one record, quotes included: what never ends must end somewhere */

struct ck_csv_record {
	uint64_t line;     /* where it begins, from 1 */
	size_t count;
	struct ck_text fields[CK_CSV_FIELDS_LIMIT]; /* until the next call */
	const char *fault; /* NULL, or why it is none; then there are no fields */
	struct ck_text raw; /* as it stands in the file, without its line end */
};
struct ck_csv {
	FILE *from;
	char separator;
	bool eof, begun, skipping;
	uint64_t line, taken; /* bytes handled */
	size_t start, end;
	uint8_t buffer[2 * CK_CSV_RECORD_LIMIT_BYTES];
	char text[CK_CSV_RECORD_LIMIT_BYTES];
};

void ck_csv_begin(struct ck_csv *csv, FILE *from, char separator);
/* False: there is no more (or the file cannot be read; ferror says). Lines with nothing on them are passed over. */
bool ck_csv_next(struct ck_csv *csv, struct ck_csv_record *out);

/* A field as it is written: in quotes where it must be. */
void ck_csv_print(FILE *to, char separator, struct ck_text field);

#endif
