/* The mapping of an import: taken whole, or refused with a sentence. */
#include <stdlib.h>
#include <string.h>

#include "authd/cli/import_mapping.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	static struct ck_mapping mapping;
	struct ck_errmsg err = { "" };
	enum ck_error error = ck_mapping_parse((struct ck_text){ (const char *)data, size }, "fuzz", &mapping, &err);
	if ((error == CK_OK) != (err.text[0] == '\0')) abort();
	if (error == CK_OK && (mapping.columns[CK_IMPORT_NUMBER][0] == '\0' || mapping.word_count > CK_MAPPING_WORDS_LIMIT)) abort();
}
