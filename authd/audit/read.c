/* Reads the log in order, with or without checking that each record follows on. Needs nothing but the files: works on a copy. */
#include "authd/audit/read.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

static enum ck_error check_follows(struct ck_walk *walk, const struct ck_audit_record *record, const struct ck_walk_at *at,
                                   struct ck_errmsg *err)
{
	unsigned long long line = at->line_number, seq = record->seq;
	if (record->seq != walk->seq + 1)
		return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: record %llu stands where record %llu must be", at->file, line, seq,
		               (unsigned long long)walk->seq + 1);
	if (memcmp(record->prev, walk->digest, sizeof walk->digest) != 0)
		return ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: record %llu does not carry the digest of the record before: that one was changed, or "
		               "this one", at->file, line, seq);
	return CK_OK;
}

static enum ck_error walk_segment(int directory_fd, uint32_t segment, uint64_t offset_bytes, struct ck_walk *walk, struct ck_errmsg *err)
{
	struct ck_lines lines;
	struct ck_text line;
	enum ck_error error = ck_lines_open(directory_fd, segment, offset_bytes, &lines, err);
	while (error == CK_OK && (error = ck_lines_next(&lines, &line, err)) == CK_OK) {
		struct ck_audit_record record;
		struct ck_walk_at at = { .file = lines.name, .line_number = lines.number, .line = { line.at, line.length + 1 } };
		if (ck_audit_parse(line, &record) != CK_OK)
			error = ck_fail(err, CK_ERR_CORRUPT, "%s:%llu: this is no record", lines.name, (unsigned long long)lines.number);
		if (error == CK_OK && walk->chained) error = check_follows(walk, &record, &at, err);
		if (error == CK_OK) {
			walk->seq = record.seq;
			ck_record_digest(at.line, walk->digest);
			walk->segment = segment;
			walk->offset_bytes = lines.offset_bytes;
		}
		if (error == CK_OK) error = walk->each(&record, &at, walk->context, err);
	}
	ck_lines_close(&lines);
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

enum ck_error ck_walk_log(const char *directory, struct ck_walk *walk, struct ck_errmsg *err)
{
	int fd = -1;
	uint32_t first = 0, last = 0;
	if (sodium_init() < 0) return ck_fail(err, CK_ERR_INTERNAL, "libsodium did not start");
	enum ck_error error = ck_directory_open(directory, &fd, err);
	if (error == CK_OK) error = ck_segment_list(fd, &first, &last, err);
	if (error == CK_OK && last == 0) error = ck_fail(err, CK_ERR_NOT_FOUND, "%s: there is no audit log", directory);
	if (error == CK_OK && walk->chained && first != 1)
		error = ck_fail(err, CK_ERR_CORRUPT, "audit-000001.log is missing: the log begins at audit-%06u.log", first);
	uint64_t offset_bytes = 0;
	if (error == CK_OK && walk->from != NULL) {
		walk->seq = walk->from->seq;
		memcpy(walk->digest, walk->from->digest, sizeof walk->digest);
		first = walk->from->segment;
		offset_bytes = walk->from->offset_bytes;
		if (first > last) error = ck_fail(err, CK_ERR_CORRUPT, "audit-%06u.log is missing", first);
	}
	for (uint32_t segment = first; error == CK_OK && segment <= last; segment++) {
		error = walk_segment(fd, segment, offset_bytes, walk, err);
		offset_bytes = 0;
	}
	if (fd >= 0) close(fd);
	return error == CK_ERR_CANCELLED ? CK_OK : error;
}

/* ---- for everybody ---- */

struct visit {
	ck_audit_visitor each;
	void *context;
};

static enum ck_error visit_one(const struct ck_audit_record *record, const struct ck_walk_at *at, void *context, struct ck_errmsg *err)
{
	(void)err;
	struct visit *visit = context;
	return visit->each(record, at->file, at->line_number, visit->context) ? CK_OK : CK_ERR_CANCELLED;
}

enum ck_error ck_audit_each(const char *directory, ck_audit_visitor each, void *context, struct ck_errmsg *err)
{
	struct visit visit = { each, context };
	struct ck_walk walk = { .each = visit_one, .context = &visit };
	return ck_walk_log(directory, &walk, err);
}

enum ck_error ck_audit_each_next(const char *directory, struct ck_chain_place *place, ck_audit_visitor each, void *context, struct ck_errmsg *err)
{
	struct visit visit = { each, context };
	const struct ck_chain_place from = *place;
	bool goes_on = from.segment != 0;
	struct ck_walk walk = { .from = goes_on ? &from : NULL, .chained = goes_on, .each = visit_one, .context = &visit };
	enum ck_error error = ck_walk_log(directory, &walk, err);
	if (walk.segment == 0) return error; /* nothing came */
	place->seq = walk.seq;
	memcpy(place->digest, walk.digest, sizeof place->digest);
	place->segment = walk.segment;
	place->offset_bytes = walk.offset_bytes;
	return error;
}

enum ck_error ck_audit_each_since(const char *directory, const struct ck_chain_place *place, ck_audit_visitor each, void *context,
                                  struct ck_errmsg *err)
{
	struct visit visit = { each, context };
	struct ck_walk walk = { .from = place, .chained = true, .each = visit_one, .context = &visit };
	return ck_walk_log(directory, &walk, err);
}
