/* Runs a fuzz target over files and folders of inputs, for builds without libFuzzer: the corpus is replayed by every test run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static unsigned long replayed;

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	static uint8_t bytes[1 << 20];
	size_t length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	/* an exact-size copy, so that ASan sees a read past the end */
	uint8_t *copy = malloc(length > 0 ? length : 1);
	if (copy == NULL) exit(1);
	for (size_t i = 0; i < length; i++) copy[i] = bytes[i];
	(void)LLVMFuzzerTestOneInput(copy, length);
	free(copy);
	replayed++;
}

static void replay(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, NULL, alphasort); /* nothing stays open meanwhile */
	if (count < 0) exit(1);
	for (int i = 0; i < count; i++) {
		char child[4096];
		snprintf(child, sizeof child, "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.') replay(child);
		free(entries[i]);
	}
	free(entries);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) replay(argv[i]);
	printf("replayed %lu inputs\n", replayed);
	return replayed > 0 ? 0 : 1;
}
