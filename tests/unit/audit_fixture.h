/* A directory for a log, and ways to damage what is in it. Included once by each test program. */
#ifndef CK_TEST_AUDIT_FIXTURE_H
#define CK_TEST_AUDIT_FIXTURE_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/audit/audit.h"

#define UNUSED __attribute__((unused))

static char fixture_directory[256], fixture_copy[300];
static uint8_t fixture_key[256];
static size_t fixture_key_length;

UNUSED static const char *fixture_path(const char *name)
{
	static char path[600];
	snprintf(path, sizeof path, "%s/%s", fixture_directory, name);
	return path;
}

static void fixture_empty(const char *directory)
{
	DIR *dir = opendir(directory);
	if (dir == NULL) return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) (void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

UNUSED static void fixture_clear(void) { fixture_empty(fixture_directory); }

UNUSED static void fixture_make(void)
{
	strcpy(fixture_directory, "/tmp/ck-audit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fixture_directory));
	snprintf(fixture_copy, sizeof fixture_copy, "%s.copy", fixture_directory);
	ck_assert_int_eq(mkdir(fixture_copy, 0700), 0);
}

UNUSED static void fixture_remove_all(void)
{
	fixture_empty(fixture_directory);
	fixture_empty(fixture_copy);
	rmdir(fixture_directory);
	rmdir(fixture_copy);
}

UNUSED static struct ck_chain_limits fixture_limits(uint64_t segment_bytes)
{
	return (struct ck_chain_limits){ .segment_bytes = segment_bytes > 0 ? segment_bytes : 1 << 24, .reserve_bytes = 65536 };
}

UNUSED static struct ck_chain *fixture_open_cut(uint64_t segment_bytes, size_t *out_cut)
{
	struct ck_chain *chain;
	struct ck_errmsg err = { "" };
	struct ck_chain_limits limits = fixture_limits(segment_bytes);
	enum ck_error error = ck_chain_open(fixture_directory, &limits, &chain, out_cut, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
	return chain;
}

UNUSED static struct ck_chain *fixture_open(uint64_t segment_bytes)
{
	size_t cut;
	return fixture_open_cut(segment_bytes, &cut);
}

UNUSED static uint64_t fixture_add(struct ck_chain *chain, const char *event)
{
	uint64_t seq;
	struct ck_errmsg err = { "" };
	const struct ck_audit_field fields[] = {
		{ "user", { (const uint8_t *)"eluned", 6 } },
		{ "service", { (const uint8_t *)"sshd", 4 } },
	};
	ck_assert_msg(ck_chain_add(chain, event, fields, 2, true, &seq, &err) == CK_OK, "%s", err.text);
	ck_assert_msg(ck_chain_write(chain, &err) == CK_OK, "%s", err.text);
	return seq;
}

UNUSED static struct ck_audit_report fixture_verify(void)
{
	struct ck_audit_report report;
	struct ck_errmsg err = { "" };
	enum ck_error error = ck_audit_verify(fixture_directory, (struct ck_text){ NULL, 0 }, &report, &err);
	ck_assert_msg(error == CK_OK, "%s", err.text);
	return report;
}

/* ---- files ---- */

UNUSED static bool fixture_exists(const char *name) { return access(fixture_path(name), F_OK) == 0; }
UNUSED static void fixture_remove(const char *name) { ck_assert_int_eq(unlink(fixture_path(name)), 0); }
UNUSED static void fixture_truncate(const char *name, off_t size) { ck_assert_int_eq(truncate(fixture_path(name), size), 0); }

UNUSED static off_t fixture_size(const char *name)
{
	struct stat st;
	ck_assert_int_eq(stat(fixture_path(name), &st), 0);
	return st.st_size;
}

UNUSED static size_t fixture_read(const char *name, void *out, size_t out_bytes)
{
	int fd = open(fixture_path(name), O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ssize_t got = read(fd, out, out_bytes);
	close(fd);
	ck_assert_int_ge(got, 0);
	return (size_t)got;
}

static void fixture_put(const char *name, int flags, const void *bytes, size_t length)
{
	int fd = open(fixture_path(name), O_WRONLY | O_CREAT | flags, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
	close(fd);
}
UNUSED static void fixture_write(const char *name, const void *bytes, size_t length) { fixture_put(name, O_TRUNC, bytes, length); }
UNUSED static void fixture_append(const char *name, const void *bytes, size_t length) { fixture_put(name, O_APPEND, bytes, length); }

static void fixture_copy_all(const char *from, const char *to)
{
	char command[800];
	fixture_empty(to);
	snprintf(command, sizeof command, "cp -a %s/. %s/", from, to);
	ck_assert_int_eq(system(command), 0);
}
UNUSED static void fixture_keep_copy(void) { fixture_copy_all(fixture_directory, fixture_copy); }
UNUSED static void fixture_restore_copy(void) { fixture_copy_all(fixture_copy, fixture_directory); }

/* The key as it is now, to be put back later as if the rename had not happened: the one in use then becomes key.next. */
UNUSED static void fixture_keep_key(void) { fixture_key_length = fixture_read("key", fixture_key, sizeof fixture_key); }
UNUSED static void fixture_swap_keys_back(void)
{
	char from[600];
	strcpy(from, fixture_path("key"));
	ck_assert_int_eq(rename(from, fixture_path("key.next")), 0);
	fixture_write("key", fixture_key, fixture_key_length);
}

UNUSED static bool fixture_any_file_holds(const uint8_t *bytes, size_t length)
{
	static uint8_t content[1 << 20];
	bool holds = false;
	DIR *dir = opendir(fixture_directory);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.') continue;
		size_t got = fixture_read(entry->d_name, content, sizeof content);
		if (memmem(content, got, bytes, length) != NULL) holds = true;
	}
	closedir(dir);
	return holds;
}

/* ---- lines of the first segment ---- */

static char fixture_text[1 << 20];
static size_t fixture_text_length;

static void fixture_load(const char *name)
{
	fixture_text_length = fixture_read(name, fixture_text, sizeof fixture_text - 1);
	fixture_text[fixture_text_length] = '\0';
}

/* Where line number n (from 1) begins; n one past the last gives the end. */
static char *fixture_at(unsigned n)
{
	char *at = fixture_text;
	for (unsigned i = 1; i < n; i++) {
		at = strchr(at, '\n');
		ck_assert_ptr_nonnull(at);
		at++;
	}
	return at;
}

UNUSED static unsigned fixture_line_count(void)
{
	unsigned count = 0;
	fixture_load("audit-000001.log");
	for (size_t i = 0; i < fixture_text_length; i++) count += fixture_text[i] == '\n';
	return count;
}

UNUSED static void fixture_line(unsigned n, char *out, size_t out_bytes)
{
	fixture_load("audit-000001.log");
	char *start = fixture_at(n), *end = strchr(start, '\n');
	ck_assert_ptr_nonnull(end);
	ck_assert_uint_lt((size_t)(end - start), out_bytes);
	memcpy(out, start, (size_t)(end - start));
	out[end - start] = '\0';
}

/* Replaces the first byte of `what` in line n. */
UNUSED static void fixture_change_byte(unsigned n, const char *what, char with)
{
	fixture_load("audit-000001.log");
	char *at = strstr(fixture_at(n), what);
	ck_assert_ptr_nonnull(at);
	*at = with;
	fixture_write("audit-000001.log", fixture_text, fixture_text_length);
}

UNUSED static void fixture_truncate_lines(unsigned keep)
{
	fixture_load("audit-000001.log");
	fixture_truncate("audit-000001.log", fixture_at(keep + 1) - fixture_text);
}

UNUSED static void fixture_truncate_last_line(const char *name)
{
	fixture_load(name);
	size_t end = fixture_text_length - 1;
	while (end > 0 && fixture_text[end - 1] != '\n') end--;
	fixture_truncate(name, (off_t)end);
}

#endif
