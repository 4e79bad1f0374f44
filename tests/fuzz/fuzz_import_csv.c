/* CSV of people: whatever it holds, each record is whole or said to be bad, within the limits, and the end is reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/import_person.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t *data;
static size_t size;

static void body(void)
{
	static struct ck_mapping mapping;
	static struct ck_person person;
	struct ck_rows *rows = NULL;
	struct ck_errmsg err;
	ck_mapping_default(&mapping);
	mapping.separator = ",;\t"[data[0] % 3];
	mapping.dates = data[0] % 2 == 0 ? CK_DATES_ISO : CK_DATES_DAY_FIRST;
	memset(mapping.columns, 0, sizeof mapping.columns);
	strcpy(mapping.columns[CK_IMPORT_NUMBER], "n");
	strcpy(mapping.columns[CK_IMPORT_NAME], "m");
	FILE *file = fmemopen((void *)(uintptr_t)(data + 1), size - 1, "r");
	if (file == NULL) abort();
	if (ck_rows_of(file, "fuzz", CK_ROWS_CSV, &mapping, &rows, &err) != CK_OK) return;
	size_t limit = size + 1;
	for (enum ck_error error = CK_OK; error != CK_ERR_NOT_FOUND; limit--) {
		error = ck_rows_next(rows, &person, &err);
		if (limit == 0 || (error == CK_OK && person.value[CK_IMPORT_NUMBER].length == 0)) abort();
	}
	ck_rows_close(&rows);
}

void fuzz_one(const uint8_t *input, size_t length)
{
	data = input;
	size = length;
	if (size >= 2) fuzz_program(body);
}
