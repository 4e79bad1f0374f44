/* The log's writing end: a batch in memory, one write, one flush, checkpoints. Trusts its directory to be the ledger's alone and itself to
   be the only writer (flock). What the file system says decides: nothing counts as written before write(2) returned all of it. */
#include "authd/audit/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/audit/record.h"
#include "directory/base/clock.h"

/* A batch's memory; pages are touched only as far as they are used. */
#define BATCH_BYTES ((size_t)CK_CHAIN_BATCH_RECORDS * CK_AUDIT_RECORD_LIMIT_BYTES)
/* Preallocated ahead in one call, so that one record in thousands pays for it. */
#define AHEAD_BYTES (1024 * 1024)
#define BLOCK_BYTES 4096
#define STARVED_US 100000
#define SIGNATURE_ROOM (sizeof " sig=" - 1 + 2 * (size_t)CK_AUDIT_SIGNATURE_BYTES)

/* ---- time: once a batch ---- */

static void stamp(struct ck_chain *chain)
{
	int64_t now_us = ck_clock_wall_us();
	if (now_us < chain->stamped_us) now_us = chain->stamped_us;
	bool same_second = chain->time[0] != '\0' && now_us / 1000000 == chain->stamped_us / 1000000;
	chain->stamped_us = now_us;
	if (!same_second) {
		char text[CK_TIME_TEXT_BYTES];
		ck_time_format(now_us / 1000000, text);
		CK_ASSERT(strlen(text) == strlen("2026-11-22T04:20:00Z"));
		memcpy(chain->time, text, 19);
		memcpy(chain->time + 19, ".000000Z", 9);
	}
	int64_t rest = now_us % 1000000;
	for (size_t at = 25; at > 19; at--, rest /= 10) chain->time[at] = (char)('0' + rest % 10);
}

int64_t ck_chain_last_s(const struct ck_chain *chain) { return chain->stamped_us / 1000000; }

void ck_chain_not_before(struct ck_chain *chain, int64_t at_s)
{
	if (chain->stamped_us / 1000000 >= at_s) return;
	chain->stamped_us = at_s * 1000000;
	chain->time[0] = '\0';
}

void ck_chain_set_clock_back(struct ck_chain *chain)
{
	CK_ASSERT(chain->batch_records == 0);
	chain->stamped_us = 0;
	chain->time[0] = '\0';
}

/* ---- room ---- */

static bool allocate(int fd, uint64_t from, uint64_t to)
{
	return to <= from || fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)) == 0;
}

/* Preallocates up to `need` and some ahead, or as much as there is. */
static void extend(struct ck_chain *chain, uint64_t need)
{
	for (uint64_t more = need + AHEAD_BYTES - chain->allocated; more >= BLOCK_BYTES && chain->allocated < need; more /= 2)
		if (allocate(chain->segment_fd, chain->allocated, chain->allocated + more)) chain->allocated += more;
	if (chain->allocated < need) chain->starved_us = ck_clock_monotonic_us();
}

/* Not asked again at once: on a full disk each asking is a handful of system calls. */
static bool is_starved(const struct ck_chain *chain)
{
	return chain->starved_us != 0 && ck_clock_monotonic_us() - chain->starved_us < STARVED_US;
}

static bool have_room(struct ck_chain *chain, size_t length, bool essential)
{
	uint64_t end = chain->size + chain->batch_length + length;
	if (end + chain->limits.reserve_bytes > chain->allocated && !is_starved(chain)) extend(chain, end + chain->limits.reserve_bytes);
	return end + (essential ? 0 : chain->limits.reserve_bytes) <= chain->allocated;
}

bool ck_chain_would_take(struct ck_chain *chain, bool essential)
{
	return !ck_chain_is_broken(chain) && have_room(chain, CK_AUDIT_RECORD_LIMIT_BYTES, essential);
}

/* ---- segments ---- */

static enum ck_error segment_create(struct ck_chain *chain, uint32_t segment, int *out_fd, struct ck_errmsg *err)
{
	char name[CK_SEGMENT_NAME_BYTES];
	ck_segment_name(segment, name);
	int fd = openat(chain->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	uint64_t want = chain->limits.reserve_bytes + CK_AUDIT_RECORD_LIMIT_BYTES;
	if (allocate(fd, 0, want) && fsync(fd) == 0 && fsync(chain->directory_fd) == 0) {
		*out_fd = fd;
		return CK_OK;
	}
	enum ck_error error = ck_fail(err, CK_ERR_IO, "%s: %llu bytes cannot be reserved: %s", name, (unsigned long long)want, strerror(errno));
	close(fd);
	(void)unlinkat(chain->directory_fd, name, 0);
	return error;
}

/* Goes on in a new file when this one is long enough. Without room for one it stays in the old: a record matters more than its place. */
static enum ck_error rotate(struct ck_chain *chain, struct ck_errmsg *err)
{
	if (chain->size < chain->rotate_at || chain->segment == CK_SEGMENT_LIMIT) return CK_OK;
	int fd = -1;
	/* what the new file follows must be safe before it */
	enum ck_error error = ck_chain_flush(chain, err);
	if (error != CK_OK) return error;
	if (segment_create(chain, chain->segment + 1, &fd, NULL) != CK_OK) {
		chain->rotate_at = chain->size + AHEAD_BYTES;
		return CK_OK;
	}
	if (ftruncate(chain->segment_fd, (off_t)chain->size) == 0) chain->starved_us = 0; /* gives back what was ahead */
	close(chain->segment_fd);
	chain->segment_fd = fd;
	chain->segment++;
	chain->size = 0;
	chain->allocated = chain->limits.reserve_bytes + CK_AUDIT_RECORD_LIMIT_BYTES;
	chain->rotate_at = chain->limits.segment_bytes;
	return CK_OK;
}

/* ---- the batch ---- */

static void batch_begin(struct ck_chain *chain)
{
	chain->next_seq = chain->seq + 1;
	memcpy(chain->next_prev, chain->digest, sizeof chain->next_prev);
	stamp(chain);
}

/* A formatted line at the end of the batch becomes part of it. */
static void batch_take(struct ck_chain *chain, size_t length)
{
	char *line = chain->batch + chain->batch_length;
	line[length] = '\n';
	ck_record_digest((struct ck_text){ line, length + 1 }, chain->next_prev);
	chain->batch_length += length + 1;
	chain->batch_records++;
	chain->next_seq++;
}

static enum ck_error batch_prepare(struct ck_chain *chain, struct ck_errmsg *err)
{
	if (chain->broken) return ck_fail(err, CK_ERR_IO, "the log failed earlier: nothing more is recorded");
	if (chain->batch_records == CK_CHAIN_BATCH_RECORDS) return ck_fail(err, CK_ERR_LIMIT, "the batch is full");
	if (chain->batch_records > 0) return CK_OK;
	enum ck_error error = rotate(chain, err);
	if (error == CK_OK) batch_begin(chain);
	return error;
}

enum ck_error ck_chain_add(struct ck_chain *chain, const char *event, const struct ck_audit_field *fields, size_t count, bool essential,
                           uint64_t *out_seq, struct ck_errmsg *err)
{
	CK_ASSERT(strcmp(event, CK_AUDIT_CHECKPOINT) != 0 && count <= CK_AUDIT_FIELDS_LIMIT);
	enum ck_error error = batch_prepare(chain, err);
	if (error != CK_OK) return error;
	size_t length = ck_record_format(chain->batch + chain->batch_length, BATCH_BYTES - chain->batch_length, 0, chain->next_seq, chain->time,
	                                 event, fields, count, chain->next_prev);
	if (length == 0) return ck_fail(err, CK_ERR_LIMIT, "a record of %s is longer than %d bytes", event, CK_AUDIT_RECORD_LIMIT_BYTES);
	if (!have_room(chain, length + 1, essential))
		return ck_fail(err, CK_ERR_IO, "the disk is full%s", essential ? ", and so is the reserve" : ": the rest is kept for grants and changes");
	if (out_seq != NULL) *out_seq = chain->next_seq;
	batch_take(chain, length);
	return CK_OK;
}

/* Takes back what a failed write left in the file. */
static void cut_back(struct ck_chain *chain)
{
	struct stat st;
	if (fstat(chain->segment_fd, &st) != 0 ||
	    ((uint64_t)st.st_size != chain->size && ftruncate(chain->segment_fd, (off_t)chain->size) != 0)) {
		chain->broken = true;
		return;
	}
	if ((uint64_t)st.st_size == chain->size) return;
	chain->allocated = chain->size; /* the cut gave the reserve back: take it again */
	extend(chain, chain->size + chain->limits.reserve_bytes);
}

enum ck_error ck_chain_write(struct ck_chain *chain, struct ck_errmsg *err)
{
	if (chain->broken) return ck_fail(err, CK_ERR_IO, "the log failed earlier: nothing more is recorded");
	size_t done = 0;
	int failure = 0;
	while (done < chain->batch_length && failure == 0) {
		ssize_t written = pwrite(chain->segment_fd, chain->batch + done, chain->batch_length - done, (off_t)(chain->size + done));
		if (written > 0) done += (size_t)written;
		else if (written == 0) failure = ENOSPC;
		else if (errno != EINTR) failure = errno;
	}
	if (failure != 0) {
		cut_back(chain);
	} else if (done > 0) {
		chain->size += done;
		chain->seq = chain->next_seq - 1;
		memcpy(chain->digest, chain->next_prev, sizeof chain->digest);
		chain->unflushed = true;
	}
	chain->batch_length = 0;
	chain->batch_records = 0;
	return failure == 0 ? CK_OK : ck_fail(err, CK_ERR_IO, "the log cannot be written: %s", strerror(failure));
}

/* ---- flushing ---- */

static enum ck_error flush_failed(struct ck_chain *chain, int failure, struct ck_errmsg *err)
{
	chain->broken = true; /* the kernel may have dropped the pages: a second call would succeed without them */
	return ck_fail(err, CK_ERR_IO, "the log cannot be flushed: %s", strerror(failure));
}

/* Takes the result of the one in flight, if there is one and it is there. */
static enum ck_error flush_settle(struct ck_chain *chain, bool wait, bool *out_done, struct ck_errmsg *err)
{
	int failure;
	*out_done = ck_flusher_end(&chain->flusher, wait, &failure);
	if (failure != 0) return flush_failed(chain, failure, err);
	return chain->broken ? ck_fail(err, CK_ERR_IO, "the log failed earlier: nothing more is recorded") : CK_OK;
}

enum ck_error ck_chain_flush(struct ck_chain *chain, struct ck_errmsg *err)
{
	bool done;
	enum ck_error error = flush_settle(chain, true, &done, err);
	if (error != CK_OK || !chain->unflushed) return error;
	if (fdatasync(chain->segment_fd) != 0) return flush_failed(chain, errno, err);
	chain->unflushed = false;
	return CK_OK;
}

enum ck_error ck_chain_flush_begin(struct ck_chain *chain, bool *out_done, struct ck_errmsg *err)
{
	CK_ASSERT(!chain->flusher.in_flight);
	*out_done = false;
	if (!chain->broken && chain->unflushed && ck_flusher_begin(&chain->flusher, chain->segment_fd)) {
		chain->unflushed = false; /* what is written from here on is not covered */
		return CK_OK;
	}
	*out_done = true;
	return ck_chain_flush(chain, err);
}

enum ck_error ck_chain_flush_end(struct ck_chain *chain, bool *out_done, struct ck_errmsg *err)
{
	return flush_settle(chain, false, out_done, err);
}

int ck_chain_flush_fd(const struct ck_chain *chain) { return chain->flusher.done_fd; }
bool ck_chain_needs_flush(const struct ck_chain *chain) { return chain->unflushed; }
bool ck_chain_is_flushed(const struct ck_chain *chain) { return !chain->unflushed && !chain->flusher.in_flight && !chain->broken; }

/* ---- checkpoints ---- */

/* The signed line into the batch. */
static enum ck_error add_checkpoint(struct ck_chain *chain, const struct ck_audit_key *next, struct ck_errmsg *err)
{
	char index[24], key[65], following[65], signature_hex[2 * CK_AUDIT_SIGNATURE_BYTES + 1];
	uint8_t signature[CK_AUDIT_SIGNATURE_BYTES];
	ck_format_uint(chain->key.index, index);
	ck_hex_encode(chain->key.public_half, sizeof chain->key.public_half, key, sizeof key);
	ck_hex_encode(next->public_half, sizeof next->public_half, following, sizeof following);
	const struct ck_audit_field fields[] = {
		{ "index", ck_bytes_of(ck_text_of(index)) },
		{ "key", ck_bytes_of(ck_text_of(key)) },
		{ "next", ck_bytes_of(ck_text_of(following)) },
	};
	char *line = chain->batch;
	size_t length = ck_record_format(line, BATCH_BYTES, SIGNATURE_ROOM, chain->next_seq, chain->time, CK_AUDIT_CHECKPOINT, fields,
	                                 sizeof fields / sizeof *fields, chain->next_prev);
	CK_ASSERT(length > 0);
	if (!have_room(chain, length + SIGNATURE_ROOM + 1, true)) return ck_fail(err, CK_ERR_IO, "the disk is full, and so is the reserve");
	ck_audit_key_sign(&chain->key, (struct ck_text){ line, length }, signature);
	ck_hex_encode(signature, sizeof signature, signature_hex, sizeof signature_hex);
	memcpy(line + length, " sig=", 5);
	memcpy(line + length + 5, signature_hex, sizeof signature_hex - 1);
	batch_take(chain, length + SIGNATURE_ROOM);
	return CK_OK;
}

/* Order: next key stored, checkpoint written and flushed, next key takes the place. A crash between any two is told apart by the last
   record (ck_chain_open). */
enum ck_error ck_chain_checkpoint(struct ck_chain *chain, char *out, size_t out_bytes, struct ck_errmsg *err)
{
	struct ck_audit_key next;
	if (out_bytes > 0) out[0] = '\0';
	enum ck_error error = ck_chain_write(chain, err);
	if (error == CK_OK) error = batch_prepare(chain, err);
	if (error != CK_OK) return error;
	ck_audit_key_make(chain->key.index + 1, chain->next_seq, &next);
	error = ck_audit_key_store(chain->directory_fd, CK_KEY_NEXT_FILE, &next, err);
	if (error == CK_OK) error = add_checkpoint(chain, &next, err);
	size_t length = chain->batch_length;
	if (error == CK_OK) error = ck_chain_write(chain, err);
	if (error != CK_OK) {
		ck_audit_key_discard_next(chain->directory_fd);
		goto done;
	}
	error = ck_chain_flush(chain, err);
	if (error == CK_OK) error = ck_audit_key_advance(chain->directory_fd, err);
	if (error != CK_OK) {
		chain->broken = true; /* signed with a key whose successor may not be in place */
		goto done;
	}
	ck_audit_key_wipe(&chain->key);
	chain->key = next;
	if (out_bytes > 0) error = ck_text_copy(out, out_bytes, (struct ck_text){ chain->batch, length - 1 });
done:
	ck_audit_key_wipe(&next);
	return error;
}

void ck_chain_where(const struct ck_chain *chain, struct ck_chain_place *out)
{
	*out = (struct ck_chain_place){ .seq = chain->seq, .segment = chain->segment, .offset_bytes = chain->size };
	memcpy(out->digest, chain->digest, sizeof out->digest);
}

bool ck_chain_is_broken(const struct ck_chain *chain) { return chain->broken; }

void ck_chain_close(struct ck_chain **chain)
{
	struct ck_chain *c = *chain;
	if (c == NULL) return;
	ck_audit_key_wipe(&c->key);
	ck_flusher_close(&c->flusher);
	if (c->segment_fd >= 0) close(c->segment_fd);
	if (c->directory_fd >= 0) close(c->directory_fd);
	free(c->batch);
	free(c);
	*chain = NULL;
}

/* Called by ck_chain_open once the segment is known. */
enum ck_error ck_chain_begin_writing(struct ck_chain *chain, struct ck_errmsg *err)
{
	chain->rotate_at = chain->limits.segment_bytes;
	chain->batch = malloc(BATCH_BYTES);
	if (chain->batch == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for a batch of records");
	chain->allocated = chain->size;
	extend(chain, chain->size + chain->limits.reserve_bytes);
	if (chain->allocated == chain->size && errno == EOPNOTSUPP)
		return ck_fail(err, CK_ERR_IO, "the log's file system cannot preallocate: no space could be kept for grants and changes");
	ck_flusher_open(&chain->flusher);
	return CK_OK;
}
