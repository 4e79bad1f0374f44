/* The log's files: names, listing, and lines read from them. Private to authd/audit. */
#ifndef CK_AUDIT_SEGMENT_H
#define CK_AUDIT_SEGMENT_H

#include "authd/audit/audit.h"

#define CK_SEGMENT_NAME_BYTES 24
#define CK_SEGMENT_LIMIT 999999

/* "audit-000001.log" */
void ck_segment_name(uint32_t segment, char out[CK_SEGMENT_NAME_BYTES]);
/* First and last number in the directory; 0, 0: none. CK_ERR_CORRUPT: one between them is missing. */
CK_MUST_USE enum ck_error ck_segment_list(int directory_fd, uint32_t *out_first, uint32_t *out_last, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_directory_open(const char *directory, int *out_fd, struct ck_errmsg *err);

/* Lines of one file. */
struct ck_lines {
	int fd;
	char name[CK_SEGMENT_NAME_BYTES];
	char *buffer;
	size_t at, end;
	uint64_t number; /* of the line read last, from 1 (from where the reading began) */
	uint64_t offset_bytes; /* in the file, of the line after it */
};
CK_MUST_USE enum ck_error ck_lines_open(int directory_fd, uint32_t segment, uint64_t offset_bytes, struct ck_lines *out, struct ck_errmsg *err);
/* A line without its newline (which follows it in memory); until the next call. CK_ERR_NOT_FOUND at the end of the file;
   CK_ERR_CORRUPT: too long, or the file ends within it. */
CK_MUST_USE enum ck_error ck_lines_next(struct ck_lines *lines, struct ck_text *out, struct ck_errmsg *err);
void ck_lines_close(struct ck_lines *lines);

/* The end of a segment, looked at backwards from its size. */
struct ck_tail {
	uint64_t size_bytes;  /* up to here the file is whole records */
	uint64_t torn_bytes;  /* what follows: the rest of a write that a crash cut short */
	bool empty;           /* no whole record */
	bool whole;           /* the look reached the start of the file: first_* are of its first record */
	uint64_t seq;         /* of the last record */
	uint8_t digest[CK_AUDIT_DIGEST_BYTES];
	int64_t time_us;      /* when it was written, as it says */
	uint64_t first_seq;
	uint8_t first_prev[CK_AUDIT_DIGEST_BYTES];
	bool checkpoint;      /* the last record is one: */
	uint8_t checkpoint_key[32], checkpoint_next[32];
	uint64_t checkpoint_index;
};
CK_MUST_USE enum ck_error ck_segment_tail(int fd, const char *name, struct ck_tail *out, struct ck_errmsg *err);

#endif
