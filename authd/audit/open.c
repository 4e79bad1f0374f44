/* Finds where the log stands at start: after a clean stop, and after a crash between any two steps. Trusts only what checks out; what
   does not, and is no torn end, is for a person to look at, and the start is refused. */
#include "authd/audit/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Opens a segment for writing and looks at its end. */
static enum ck_error look_at(struct ck_chain *chain, uint32_t segment, int *out_fd, struct ck_tail *out_tail, struct ck_errmsg *err)
{
	char name[CK_SEGMENT_NAME_BYTES];
	ck_segment_name(segment, name);
	*out_fd = openat(chain->directory_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*out_fd < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	return ck_segment_tail(*out_fd, name, out_tail, err);
}

static void stand_at(struct ck_chain *chain, const struct ck_tail *tail)
{
	chain->seq = tail->seq;
	memcpy(chain->digest, tail->digest, sizeof chain->digest);
	chain->stamped_us = tail->time_us;
}

/* The segment before the last: whole, since a new one is begun only after the old was flushed. */
static enum ck_error look_before(struct ck_chain *chain, struct ck_tail *out, struct ck_errmsg *err)
{
	int fd = -1;
	enum ck_error error = look_at(chain, chain->segment - 1, &fd, out, err);
	if (error == CK_OK && (out->torn_bytes > 0 || out->empty))
		error = ck_fail(err, CK_ERR_CORRUPT, "audit-%06u.log does not end with a whole record, and is not the last", chain->segment - 1);
	if (fd >= 0) close(fd);
	return error;
}

/* The last segment begins where the one before ends (as far as the look at its end reached its beginning). */
static enum ck_error join_before(struct ck_chain *chain, struct ck_tail *last, uint32_t first_segment, struct ck_errmsg *err)
{
	struct ck_tail before = { .empty = true };
	enum ck_error error = CK_OK;
	if (!last->whole) return CK_OK;
	if (chain->segment > first_segment) error = look_before(chain, &before, err);
	if (error != CK_OK) return error;
	if (last->empty) {
		uint64_t torn_bytes = last->torn_bytes;
		*last = before; /* the log ends in the segment before, perhaps with a checkpoint */
		last->size_bytes = 0;
		last->torn_bytes = torn_bytes;
		return CK_OK;
	}
	if (last->first_seq != before.seq + 1 || memcmp(last->first_prev, before.digest, sizeof before.digest) != 0)
		return ck_fail(err, CK_ERR_CORRUPT, "audit-%06u.log does not begin where the log before it ends", chain->segment);
	return CK_OK;
}

static enum ck_error cut_torn(struct ck_chain *chain, const struct ck_tail *tail, struct ck_errmsg *err)
{
	if (tail->torn_bytes == 0) return CK_OK;
	if (ftruncate(chain->segment_fd, (off_t)tail->size_bytes) == 0 && fsync(chain->segment_fd) == 0) return CK_OK;
	return ck_fail(err, CK_ERR_IO, "the torn end of audit-%06u.log cannot be cut: %s", chain->segment, strerror(errno));
}

/* A crash in a checkpoint leaves key.next. The checkpoint stands as the last record: the next key takes its place now. It does not: there
   was none, and the stored key was never named. */
static enum ck_error settle_keys(struct ck_chain *chain, const struct ck_tail *tail, struct ck_errmsg *err)
{
	struct ck_audit_key next;
	bool ours = tail->checkpoint && tail->checkpoint_index == chain->key.index &&
	            memcmp(tail->checkpoint_key, chain->key.public_half, sizeof chain->key.public_half) == 0;
	enum ck_error error = ck_audit_key_load(chain->directory_fd, CK_KEY_NEXT_FILE, &next, err);
	bool named = error == CK_OK && ours && next.index == chain->key.index + 1 && next.since_seq == tail->seq &&
	             memcmp(tail->checkpoint_next, next.public_half, sizeof next.public_half) == 0;
	if (named) {
		error = ck_audit_key_advance(chain->directory_fd, err);
		if (error == CK_OK) chain->key = next;
	} else if (ours) {
		error = ck_fail(err, CK_ERR_CORRUPT, "the key that checkpoint %llu names is not there: the log can be verified, not continued",
		                (unsigned long long)tail->checkpoint_index);
	} else if (error == CK_OK || error == CK_ERR_CORRUPT || error == CK_ERR_NOT_FOUND) {
		ck_audit_key_discard_next(chain->directory_fd);
		error = CK_OK;
	}
	ck_audit_key_wipe(&next);
	return error;
}

/* The log must reach at least to the checkpoint that named the key in use, and, where it ends with one, name just this key. */
static enum ck_error check_key(const struct ck_chain *chain, const struct ck_tail *tail, struct ck_errmsg *err)
{
	if (tail->seq < chain->key.since_seq)
		return ck_fail(err, CK_ERR_CORRUPT, "the log ends at record %llu, but its key was named by record %llu: its end was cut off",
		               (unsigned long long)tail->seq, (unsigned long long)chain->key.since_seq);
	if (tail->checkpoint && (tail->checkpoint_index + 1 != chain->key.index || tail->seq != chain->key.since_seq ||
	                         memcmp(tail->checkpoint_next, chain->key.public_half, sizeof chain->key.public_half) != 0))
		return ck_fail(err, CK_ERR_CORRUPT, "the last checkpoint (record %llu) does not name the key that is here",
		               (unsigned long long)tail->seq);
	return CK_OK;
}

static enum ck_error continue_log(struct ck_chain *chain, uint32_t first_segment, size_t *out_cut_bytes, struct ck_errmsg *err)
{
	struct ck_tail tail;
	enum ck_error error = look_at(chain, chain->segment, &chain->segment_fd, &tail, err);
	if (error == CK_OK) error = join_before(chain, &tail, first_segment, err);
	if (error == CK_OK) error = settle_keys(chain, &tail, err);
	if (error == CK_OK) error = check_key(chain, &tail, err);
	if (error == CK_OK) error = cut_torn(chain, &tail, err);
	if (error != CK_OK) return error;
	*out_cut_bytes = (size_t)tail.torn_bytes;
	chain->size = tail.size_bytes;
	/* a daemon that died, on a machine that did not, left pages that nobody flushed */
	chain->unflushed = true;
	stand_at(chain, &tail);
	return CK_OK;
}

static enum ck_error first_segment(struct ck_chain *chain, struct ck_errmsg *err)
{
	char name[CK_SEGMENT_NAME_BYTES];
	chain->segment = 1;
	ck_segment_name(chain->segment, name);
	chain->segment_fd = openat(chain->directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (chain->segment_fd < 0 || fsync(chain->directory_fd) != 0) return ck_fail(err, CK_ERR_IO, "%s: %s", name, strerror(errno));
	return CK_OK;
}

/* The first key, then its public half, then the log: whatever of it a crash left is gone on from. */
static enum ck_error begin_log(struct ck_chain *chain, bool have_key, struct ck_errmsg *err)
{
	uint8_t genesis[32];
	enum ck_error error = ck_genesis_load(chain->directory_fd, genesis, err);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	if (error == CK_OK ? !have_key : have_key && chain->key.index > 0)
		return ck_fail(err, CK_ERR_CORRUPT, "the log was begun before, and its records are gone");
	bool have_genesis = error == CK_OK;
	error = CK_OK;
	if (!have_key) {
		ck_audit_key_make(0, 0, &chain->key);
		error = ck_audit_key_store(chain->directory_fd, CK_KEY_FILE, &chain->key, err);
	}
	if (have_genesis && (chain->key.index > 0 || memcmp(genesis, chain->key.public_half, sizeof genesis) != 0))
		return ck_fail(err, CK_ERR_CORRUPT, "genesis does not hold the first key, or the log's records are gone");
	if (error == CK_OK && !have_genesis) error = ck_genesis_store(chain->directory_fd, chain->key.public_half, err);
	if (error == CK_OK) error = first_segment(chain, err);
	return error;
}

static enum ck_error open_log(struct ck_chain *chain, size_t *out_cut_bytes, struct ck_errmsg *err)
{
	uint32_t first, last;
	enum ck_error error = ck_segment_list(chain->directory_fd, &first, &last, err);
	if (error != CK_OK) return error;
	error = ck_audit_key_load(chain->directory_fd, CK_KEY_FILE, &chain->key, err);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	bool have_key = error == CK_OK;
	if (last == 0) return begin_log(chain, have_key, err);
	if (!have_key) return ck_fail(err, CK_ERR_CORRUPT, "the log's key is missing: it can be verified, not continued");
	if (first != 1) return ck_fail(err, CK_ERR_CORRUPT, "audit-000001.log is missing: the log begins at audit-%06u.log", first);
	chain->segment = last;
	return continue_log(chain, first, out_cut_bytes, err);
}

enum ck_error ck_chain_open(const char *directory, const struct ck_chain_limits *limits, struct ck_chain **out, size_t *out_cut_bytes,
                            struct ck_errmsg *err)
{
	*out = NULL;
	*out_cut_bytes = 0;
	if (sodium_init() < 0) return ck_fail(err, CK_ERR_INTERNAL, "libsodium did not start");
	struct ck_chain *chain = calloc(1, sizeof *chain);
	if (chain == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for the log");
	chain->limits = *limits;
	chain->directory_fd = -1;
	chain->segment_fd = -1;
	chain->flusher.done_fd = -1;
	enum ck_error error = ck_directory_open(directory, &chain->directory_fd, err);
	if (error == CK_OK && flock(chain->directory_fd, LOCK_EX | LOCK_NB) != 0)
		error = ck_fail(err, CK_ERR_UNAVAILABLE, "%s: another process writes this log (%s)", directory, strerror(errno));
	if (error == CK_OK) error = open_log(chain, out_cut_bytes, err);
	if (error == CK_OK) error = ck_chain_begin_writing(chain, err);
	if (error != CK_OK) {
		ck_chain_close(&chain);
		return error;
	}
	*out = chain;
	return CK_OK;
}
