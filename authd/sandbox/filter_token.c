/* What crosskeys-token asks of the kernel: the HID devices and the client's socket. libfido2 and libudev find the devices by files; a thread
   waits for the client to go away. */
#include <linux/hidraw.h>
#include <sys/ioctl.h>

#include "authd/sandbox/filter.h"

/* Looking for devices, opening them, reading what OpenSSL is configured with. Which files can be opened is Landlock's part. */
static const struct ck_call devices[] = {
	CK_CALL(openat), CK_CALL(open), CK_CALL(newfstatat), CK_CALL(fstat), CK_CALL(stat), CK_CALL(lstat), CK_CALL(statx),
	CK_CALL(fstatfs), CK_CALL(statfs), CK_CALL(access), CK_CALL(faccessat), CK_CALL(faccessat2), CK_CALL(readlink),
	CK_CALL(readlinkat), CK_CALL(getdents64), CK_CALL(lseek), CK_CALL(pread64),
	CK_CALL(flock), /* one program a device */
	CK_CALL_WHEN(ioctl, CK_IS(1, HIDIOCGRDESCSIZE)), CK_CALL_WHEN(ioctl, CK_IS(1, HIDIOCGRDESC)),
	CK_CALLS_END
};

/* The conversation and the waiting. */
static const struct ck_call talking[] = {
	CK_CALL(poll), CK_CALL(ppoll), CK_CALL(pselect6), CK_CALL(nanosleep), CK_CALL(clock_nanosleep),
	CK_CALL(mlock), CK_CALL(munlock), /* the PIN */
	CK_CALLS_END
};

const struct ck_filter ck_filter_token = {
	.process = "crosskeys-token",
	.groups = { ck_calls_life, ck_calls_memory, ck_calls_clock, ck_calls_channels, ck_calls_threads, devices, talking, ck_calls_sanitizer },
};
