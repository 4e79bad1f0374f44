/* Inputs in parts, and files for what reads files. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakes/faults.h"
#include "tests/fuzz/fuzz.h"

#define END 0xff

static char directory[32];

struct ck_bytes fuzz_cut(const uint8_t **at, size_t *size)
{
	const uint8_t *end = *size > 0 ? memchr(*at, END, *size) : NULL;
	struct ck_bytes part = {*at, end != NULL ? (size_t)(end - *at) : *size};
	size_t used = part.length + (end != NULL ? 1 : 0);
	*at += used;
	*size -= used;
	return part;
}

static void empty(void)
{
	DIR *dir = opendir(directory);
	if (dir == NULL) return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (entry->d_name[0] != '.') (void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

static void leave(void)
{
	empty();
	(void)rmdir(directory);
}

const char *fuzz_directory(const char *below)
{
	ck_faults_pass();
	if (directory[0] == '\0') {
		(void)snprintf(directory, sizeof directory, "%s/ck-fuzz-XXXXXX", below);
		if (mkdtemp(directory) == NULL) abort();
		(void)atexit(leave);
	}
	empty();
	ck_faults_back();
	return directory;
}

void fuzz_put_file(const char *name, struct ck_bytes content)
{
	char path[128];
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	ck_faults_pass();
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, content.at, content.length) != (ssize_t)content.length || close(fd) != 0) abort();
	ck_faults_back();
}
