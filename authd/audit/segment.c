/* The log's files. Reads what may have been cut, damaged or changed by anybody who could write there: bounded lines, nothing assumed. */
#include "authd/audit/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authd/audit/record.h"

#define LINES_BUFFER_BYTES (8 * CK_AUDIT_RECORD_LIMIT_BYTES)
/* How far back from the end a start looks: some 800 records, a millisecond. The rest is for verify. */
#define TAIL_BYTES (256 * 1024)
/* A log that grows while it is read may end within a record for a moment. */
#define TORN_RETRIES 3
#define TORN_WAIT_NS (20 * 1000 * 1000)

void ck_segment_name(uint32_t segment, char out[CK_SEGMENT_NAME_BYTES])
{
	CK_ASSERT(segment <= CK_SEGMENT_LIMIT);
	(void)snprintf(out, CK_SEGMENT_NAME_BYTES, "audit-%06u.log", segment);
}

static uint32_t segment_of(const char *name)
{
	char again[CK_SEGMENT_NAME_BYTES];
	uint64_t number;
	if (strlen(name) != strlen("audit-000000.log")) return 0;
	char digits[7] = { 0 };
	memcpy(digits, name + strlen("audit-"), 6);
	const char *start = digits;
	while (*start == '0') start++;
	if (ck_uint_parse(ck_text_of(start), 1, CK_SEGMENT_LIMIT, &number) != CK_OK) return 0;
	ck_segment_name((uint32_t)number, again);
	return strcmp(again, name) == 0 ? (uint32_t)number : 0;
}

enum ck_error ck_directory_open(const char *directory, int *out_fd, struct ck_errmsg *err)
{
	*out_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out_fd >= 0) return CK_OK;
	return ck_fail(err, errno == ENOENT ? CK_ERR_NOT_FOUND : CK_ERR_IO, "%s: %s", directory, strerror(errno));
}

enum ck_error ck_segment_list(int directory_fd, uint32_t *out_first, uint32_t *out_last, struct ck_errmsg *err)
{
	*out_first = 0;
	*out_last = 0;
	int copy = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (dir == NULL) {
		if (copy >= 0) close(copy);
		return ck_fail(err, CK_ERR_IO, "the log's directory cannot be read: %s", strerror(errno));
	}
	uint32_t count = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		uint32_t segment = segment_of(entry->d_name);
		if (segment == 0) continue;
		count++;
		if (*out_first == 0 || segment < *out_first) *out_first = segment;
		if (segment > *out_last) *out_last = segment;
	}
	closedir(dir);
	if (count == 0 || *out_last - *out_first + 1 == count) return CK_OK;
	for (uint32_t i = *out_first; i < *out_last; i++) {
		char name[CK_SEGMENT_NAME_BYTES];
		ck_segment_name(i, name);
		if (faccessat(directory_fd, name, F_OK, 0) != 0)
			return ck_fail(err, CK_ERR_CORRUPT, "%s is missing: segments %u to %u must be there", name, *out_first, *out_last);
	}
	return ck_fail(err, CK_ERR_CORRUPT, "a segment between %u and %u is missing", *out_first, *out_last);
}

/* ---- lines ---- */

enum ck_error ck_lines_open(int directory_fd, uint32_t segment, uint64_t offset_bytes, struct ck_lines *out, struct ck_errmsg *err)
{
	*out = (struct ck_lines){ .fd = -1, .offset_bytes = offset_bytes };
	ck_segment_name(segment, out->name);
	out->fd = openat(directory_fd, out->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a FIFO would keep it waiting */
	if (out->fd < 0)
		return ck_fail(err, errno == ENOENT ? CK_ERR_CORRUPT : CK_ERR_IO, "%s: %s", out->name, strerror(errno));
	out->buffer = malloc(LINES_BUFFER_BYTES);
	if (out->buffer != NULL) return CK_OK;
	ck_lines_close(out);
	return ck_fail(err, CK_ERR_MEMORY, "no memory to read the log");
}

void ck_lines_close(struct ck_lines *lines)
{
	if (lines->fd >= 0) close(lines->fd);
	lines->fd = -1;
	free(lines->buffer);
	lines->buffer = NULL;
}

/* Reads on behind what is there. *out_got 0: the end of the file. */
static enum ck_error fill(struct ck_lines *lines, size_t *out_got, struct ck_errmsg *err)
{
	memmove(lines->buffer, lines->buffer + lines->at, lines->end - lines->at);
	lines->end -= lines->at;
	lines->at = 0;
	ssize_t got = pread(lines->fd, lines->buffer + lines->end, LINES_BUFFER_BYTES - lines->end, (off_t)(lines->offset_bytes + lines->end));
	*out_got = got > 0 ? (size_t)got : 0;
	lines->end += *out_got;
	return got >= 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "%s: %s", lines->name, strerror(errno));
}

enum ck_error ck_lines_next(struct ck_lines *lines, struct ck_text *out, struct ck_errmsg *err)
{
	for (int retries = 0;;) {
		char *start = lines->buffer + lines->at;
		size_t length = lines->end - lines->at;
		char *newline = length > 0 ? memchr(start, '\n', length) : NULL;
		if (newline != NULL) length = (size_t)(newline - start);
		if (length >= CK_AUDIT_RECORD_LIMIT_BYTES)
			return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: longer than any record", lines->name, (unsigned long long)lines->number + 1);
		if (newline != NULL) {
			*out = (struct ck_text){ start, length };
			lines->at += length + 1;
			lines->offset_bytes += length + 1;
			lines->number++;
			return CK_OK;
		}
		size_t got;
		enum ck_error error = fill(lines, &got, err);
		if (error != CK_OK) return error;
		if (got > 0) continue;
		if (length == 0) return CK_ERR_NOT_FOUND;
		if (retries++ == TORN_RETRIES)
			return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: the file ends within this record", lines->name,
			               (unsigned long long)lines->number + 1);
		(void)nanosleep(&(struct timespec){ .tv_nsec = TORN_WAIT_NS }, NULL);
	}
}

/* ---- the end of a segment ---- */

static enum ck_error read_window(int fd, const char *name, uint64_t from, char *out, size_t length, struct ck_errmsg *err)
{
	for (size_t done = 0; done < length;) {
		ssize_t got = pread(fd, out + done, length - done, (off_t)(from + done));
		if (got < 0 && errno == EINTR) continue;
		if (got <= 0) return ck_fail(err, CK_ERR_IO, "%s: %s", name, got < 0 ? strerror(errno) : "shorter than it was");
		done += (size_t)got;
	}
	return CK_OK;
}

static void tail_take(struct ck_tail *tail, const struct ck_audit_record *record, struct ck_text with_newline)
{
	struct ck_checkpoint checkpoint;
	if (tail->empty) {
		tail->first_seq = record->seq;
		memcpy(tail->first_prev, record->prev, sizeof tail->first_prev);
	}
	tail->empty = false;
	tail->seq = record->seq;
	ck_record_digest(with_newline, tail->digest);
	tail->time_us = ck_record_time_us(record->time);
	tail->checkpoint = ck_checkpoint_parse(record, &checkpoint) == CK_OK;
	if (!tail->checkpoint) return;
	memcpy(tail->checkpoint_key, checkpoint.key, sizeof tail->checkpoint_key);
	memcpy(tail->checkpoint_next, checkpoint.next, sizeof tail->checkpoint_next);
	tail->checkpoint_index = checkpoint.index;
}

/* Walks the whole lines of the window. Stops before what is no record: *out_good bytes are fine. */
static enum ck_error walk_window(const char *name, struct ck_text window, struct ck_tail *tail, size_t *out_good, struct ck_errmsg *err)
{
	size_t at = 0;
	*out_good = 0;
	for (const char *newline; at < window.length && (newline = memchr(window.at + at, '\n', window.length - at)) != NULL;) {
		struct ck_text line = { window.at + at, (size_t)(newline - window.at) - at };
		struct ck_audit_record record;
		/* a power cut may leave zeros where unflushed pages were; what no digest of a flushed record covers was never promised */
		if (memchr(line.at, '\0', line.length) != NULL) return CK_OK;
		if (ck_audit_parse(line, &record) != CK_OK)
			return ck_fail(err, CK_ERR_CORRUPT, "%s: what follows record %llu is no record", name, (unsigned long long)tail->seq);
		if (!tail->empty && (record.seq != tail->seq + 1 || memcmp(record.prev, tail->digest, sizeof record.prev) != 0))
			return ck_fail(err, CK_ERR_CORRUPT, "%s: record %llu does not follow record %llu", name, (unsigned long long)record.seq,
			               (unsigned long long)tail->seq);
		tail_take(tail, &record, (struct ck_text){ line.at, line.length + 1 });
		at += line.length + 1;
		*out_good = at;
	}
	return CK_OK;
}

enum ck_error ck_segment_tail(int fd, const char *name, struct ck_tail *out, struct ck_errmsg *err)
{
	*out = (struct ck_tail){ .empty = true };
	struct stat st;
	if (fstat(fd, &st) != 0) return ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	uint64_t size = (uint64_t)st.st_size;
	size_t length = size < TAIL_BYTES ? (size_t)size : TAIL_BYTES;
	uint64_t from = size - length;
	char *window = malloc(length > 0 ? length : 1);
	if (window == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory to read the log");
	enum ck_error error = read_window(fd, name, from, window, length, err);
	size_t skip = 0, good = 0;
	if (error == CK_OK && from > 0) { /* the window begins somewhere in a record: its next is the first whole one */
		const char *newline = memchr(window, '\n', length);
		skip = newline != NULL ? (size_t)(newline - window) + 1 : length;
	}
	if (error == CK_OK) error = walk_window(name, (struct ck_text){ window + skip, length - skip }, out, &good, err);
	if (error == CK_OK && out->empty && from > 0)
		error = ck_fail(err, CK_ERR_CORRUPT, "%s: its last %zu bytes hold no record", name, length);
	out->whole = from == 0;
	out->size_bytes = from + skip + good;
	out->torn_bytes = size - out->size_bytes;
	free(window);
	return error;
}
