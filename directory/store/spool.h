/* A file without a name: what does not fit into memory while a copy is built. It is gone with the process, however that ends. */
#ifndef CK_STORE_SPOOL_H
#define CK_STORE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "directory/base/error.h"

struct ck_spool;

/* In this directory, for its owner alone. */
CK_MUST_USE enum ck_error ck_spool_open(const char *directory, struct ck_spool **out, struct ck_errmsg *err);
void ck_spool_close(struct ck_spool **spool);
/* Appends; CK_ERR_IO, which is logged: then the file is of no use any more. */
CK_MUST_USE enum ck_error ck_spool_put(struct ck_spool *spool, const void *bytes, size_t length);
/* Everything that was put can be read afterwards. */
CK_MUST_USE enum ck_error ck_spool_flush(struct ck_spool *spool);
/* What was put so far, in bytes. */
uint64_t ck_spool_size(const struct ck_spool *spool);

/* Reads a part in order. Begin with {.spool, .at, .end}, and free the buffer with ck_spool_reader_clear. */
struct ck_spool_reader {
	const struct ck_spool *spool;
	uint64_t at, end; /* in the file: what is not in the buffer yet */
	uint8_t *buffer;
	size_t room, begin, filled;
};
/* The next bytes, in one piece, until the next call; CK_ERR_NOT_FOUND at the end of the part, CK_ERR_IO where it ends too early. */
CK_MUST_USE enum ck_error ck_spool_get(struct ck_spool_reader *reader, size_t length, const uint8_t **out);
void ck_spool_reader_clear(struct ck_spool_reader *reader);

#endif
