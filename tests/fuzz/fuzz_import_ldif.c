/* LDIF: each record is whole or said to be bad; what is printed of one is read back as it was. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/cli/import_ldif.h"
#include "tests/fuzz/fuzz.h"

static void check_printed(struct ck_bytes value)
{
	static struct ck_ldif again;
	static struct ck_ldif_record record;
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	if (to == NULL) abort();
	fputs("dn: a\n", to);
	ck_ldif_print(to, "v", value);
	fclose(to);
	FILE *from = fmemopen(text, length, "r");
	ck_ldif_begin(&again, from);
	if (!ck_ldif_next(&again, &record) || record.fault != NULL || record.count != 1 || !ck_bytes_equal(record.values[0].value, value)) abort();
	fclose(from);
	free(text);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_ldif ldif;
	static struct ck_ldif_record record;
	if (size == 0 || sodium_init() < 0) return;
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
	if (file == NULL) abort();
	ck_ldif_begin(&ldif, file);
	for (size_t limit = size + 1; ck_ldif_next(&ldif, &record); limit--) {
		if (limit == 0 || (record.fault != NULL && record.count != 0)) abort();
		if (record.count > 0 && record.values[0].value.length < 4096) check_printed(record.values[0].value);
	}
	fclose(file);
}
