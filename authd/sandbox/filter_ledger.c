/* What the ledger asks of the kernel: files in its own folder, and that they reach the disk. No socket, no other file. */
#include "authd/sandbox/filter.h"

/* The log: space kept for what must be recorded, one writer, flushes that are not waited for. */
static const struct ck_call log_files[] = {
	CK_CALL(newfstatat), CK_CALL(fstat), CK_CALL(stat), CK_CALL(lstat), CK_CALL(statx), CK_CALL(lseek), CK_CALL(pread64),
	CK_CALL(fallocate), CK_CALL(flock), CK_CALL(fchmod), CK_CALL(io_setup), CK_CALL(io_submit), CK_CALL(io_getevents),
	CK_CALL(io_destroy),
	CK_CALLS_END
};

const struct ck_filter ck_filter_ledger = {
	.process = "ledger",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_files, log_files, ck_calls_sanitizer },
};
