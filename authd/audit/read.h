/* Going through the log in order. Private to authd/audit. */
#ifndef CK_AUDIT_READ_H
#define CK_AUDIT_READ_H

#include "authd/audit/record.h"
#include "authd/audit/segment.h"

struct ck_walk_at {
	const char *file;
	uint64_t line_number;
	struct ck_text line; /* with its newline */
};
struct ck_walk {
	const struct ck_chain_place *from; /* NULL: the beginning */
	bool chained; /* numbers and digests must follow on */
	/* CK_ERR_CANCELLED ends the walk with CK_OK */
	enum ck_error (*each)(const struct ck_audit_record *record, const struct ck_walk_at *at, void *context, struct ck_errmsg *err);
	void *context;
	/* as far as it came */
	uint64_t seq;
	uint8_t digest[CK_AUDIT_DIGEST_BYTES];
	uint32_t segment;
	uint64_t offset_bytes;
};
CK_MUST_USE enum ck_error ck_walk_log(const char *directory, struct ck_walk *walk, struct ck_errmsg *err);

#endif
