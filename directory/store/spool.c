/* Unlinked as soon as it is made: a process that is killed leaves nothing behind, but for an empty file if that happens between the two. */
#include "directory/store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/base/log.h"
#include "directory/store/internal.h"

#define SPOOL_NAME "spool.tmp"
#define WRITE_BYTES ((size_t)256 << 10) /* at a time */
#define READ_BYTES ((size_t)64 << 10)   /* of each part that is read: a merge reads hundreds at once */

struct ck_spool {
	int fd;
	uint64_t written;
	size_t waiting; /* in the buffer */
	uint8_t buffer[WRITE_BYTES];
};

enum ck_error ck_spool_open(const char *directory, struct ck_spool **out, struct ck_errmsg *err)
{
	char path[CK_STORE_PATH_BYTES + sizeof SPOOL_NAME];
	*out = NULL;
	if (strlen(directory) >= CK_STORE_PATH_BYTES) return ck_fail(err, CK_ERR_LIMIT, "the path of the store is too long");
	struct ck_spool *spool = malloc(sizeof *spool);
	if (spool == NULL) return ck_fail(err, CK_ERR_MEMORY, "out of memory");
	snprintf(path, sizeof path, "%s/" SPOOL_NAME, directory);
	(void)unlink(path);
	spool->written = 0;
	spool->waiting = 0;
	spool->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (spool->fd < 0 || unlink(path) != 0) {
		int why = errno;
		ck_spool_close(&spool);
		return ck_fail(err, CK_ERR_IO, "cannot make %s: %s", path, strerror(why));
	}
	*out = spool;
	return CK_OK;
}

void ck_spool_close(struct ck_spool **spool)
{
	if (*spool == NULL) return;
	if ((*spool)->fd >= 0) (void)close((*spool)->fd);
	free(*spool);
	*spool = NULL;
}

enum ck_error ck_spool_flush(struct ck_spool *spool)
{
	size_t done = 0;
	while (done < spool->waiting) {
		ssize_t count = pwrite(spool->fd, spool->buffer + done, spool->waiting - done, (off_t)(spool->written + done));
		if (count < 0 && errno == EINTR) continue;
		if (count <= 0) {
			ck_log(CK_LOG_ERROR, "store: cannot write what a refresh has put aside: %s", count < 0 ? strerror(errno) : "nothing was written");
			return CK_ERR_IO;
		}
		done += (size_t)count;
	}
	spool->written += spool->waiting;
	spool->waiting = 0;
	return CK_OK;
}

enum ck_error ck_spool_put(struct ck_spool *spool, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	while (length > 0) {
		size_t part = sizeof spool->buffer - spool->waiting;
		if (part > length) part = length;
		memcpy(spool->buffer + spool->waiting, at, part);
		spool->waiting += part;
		at += part;
		length -= part;
		if (spool->waiting < sizeof spool->buffer) continue;
		enum ck_error error = ck_spool_flush(spool);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}

uint64_t ck_spool_size(const struct ck_spool *spool)
{
	return spool->written + spool->waiting;
}

/* ---- reading ---- */

static enum ck_error make_room(struct ck_spool_reader *reader, size_t length)
{
	size_t room = length > READ_BYTES ? length : READ_BYTES;
	if (reader->begin > 0) memmove(reader->buffer, reader->buffer + reader->begin, reader->filled - reader->begin);
	reader->filled -= reader->begin;
	reader->begin = 0;
	if (room <= reader->room) return CK_OK;
	uint8_t *grown = realloc(reader->buffer, room);
	if (grown == NULL) return CK_ERR_MEMORY;
	reader->buffer = grown;
	reader->room = room;
	return CK_OK;
}

static enum ck_error fill(struct ck_spool_reader *reader, size_t length)
{
	enum ck_error error = make_room(reader, length);
	while (error == CK_OK && reader->filled < length) {
		size_t part = reader->room - reader->filled;
		if (part > reader->end - reader->at) part = (size_t)(reader->end - reader->at);
		ssize_t count = pread(reader->spool->fd, reader->buffer + reader->filled, part, (off_t)reader->at);
		if (count < 0 && errno == EINTR) continue;
		if (count <= 0) {
			ck_log(CK_LOG_ERROR, "store: cannot read what a refresh has put aside: %s", count < 0 ? strerror(errno) : "it ends too early");
			return CK_ERR_IO;
		}
		reader->at += (uint64_t)count;
		reader->filled += (size_t)count;
	}
	return error;
}

enum ck_error ck_spool_get(struct ck_spool_reader *reader, size_t length, const uint8_t **out)
{
	size_t here = reader->filled - reader->begin;
	*out = NULL;
	if (length > here) {
		uint64_t left = reader->end - reader->at + here;
		if (left == 0) return CK_ERR_NOT_FOUND;
		if (length > left) return CK_ERR_IO;
		enum ck_error error = fill(reader, length);
		if (error != CK_OK) return error;
	}
	*out = reader->buffer + reader->begin;
	reader->begin += length;
	return CK_OK;
}

void ck_spool_reader_clear(struct ck_spool_reader *reader)
{
	free(reader->buffer);
	reader->buffer = NULL;
	reader->room = reader->begin = reader->filled = 0;
}
