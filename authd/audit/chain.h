/* The log's writing end, its state. Private to authd/audit: chain.c writes, open.c finds where the log stands. */
#ifndef CK_AUDIT_CHAIN_H
#define CK_AUDIT_CHAIN_H

#include "authd/audit/flush.h"
#include "authd/audit/key.h"
#include "authd/audit/record.h"
#include "authd/audit/segment.h"

struct ck_chain {
	struct ck_chain_limits limits;
	int directory_fd, segment_fd;
	uint32_t segment;
	uint64_t size;      /* of the segment: whole records, written */
	uint64_t allocated; /* up to here the file system has promised room */
	uint64_t rotate_at; /* past this size a new segment is tried */
	int64_t starved_us; /* when no more room was given, by the monotonic clock; 0: never */
	bool unflushed; /* written since the last flush began */
	bool broken;
	struct ck_flusher flusher;
	/* written */
	uint64_t seq;
	uint8_t digest[CK_AUDIT_DIGEST_BYTES];
	/* with the batch */
	uint64_t next_seq;
	uint8_t next_prev[CK_AUDIT_DIGEST_BYTES];
	char *batch;
	size_t batch_length;
	unsigned batch_records;
	char time[CK_AUDIT_TIME_BYTES];
	int64_t stamped_us; /* the time of the last batch: no later one is earlier, unless ck_chain_set_clock_back */
	struct ck_audit_key key;
};
CK_MUST_USE enum ck_error ck_chain_begin_writing(struct ck_chain *chain, struct ck_errmsg *err);

#endif
