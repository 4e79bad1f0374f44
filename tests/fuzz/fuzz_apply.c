/* Lines of a file for `crosskeys apply`: the words lie one behind the other within the line. */
#include <stdlib.h>
#include <string.h>

#include "authd/cli/plan.h"
#include "tests/fuzz/fuzz.h"

void fuzz_one(const uint8_t *data, size_t size)
{
	char *words[CK_APPLY_WORDS_LIMIT];
	char *line = malloc(size + 1);
	if (line == NULL) return;
	memcpy(line, data, size);
	line[size] = '\0';
	const char *end = line + strlen(line);
	int count = ck_apply_split(line, words);
	if (count < -1 || count >= CK_APPLY_WORDS_LIMIT) abort();
	for (int i = 0; i < count; i++) {
		if (words[i] < line || words[i] > end || words[i] + strlen(words[i]) > end) abort();
		if (i > 0 && words[i] != words[i - 1] + strlen(words[i - 1]) + 1) abort();
	}
	free(line);
}
