/* Asynchronous fdatasync by raw system calls: libaio would be one more library for four of them. Trusts the kernel's completion: one that
   does not come is waited for, as fdatasync itself would be. */
#include "authd/audit/flush.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "directory/base/log.h"

void ck_flusher_open(struct ck_flusher *out)
{
	aio_context_t context = 0;
	*out = (struct ck_flusher){ .done_fd = -1 };
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd >= 0 && syscall(SYS_io_setup, 1, &context) == 0) {
		out->context = context;
		out->done_fd = fd;
		return;
	}
	ck_log(CK_LOG_WARNING, "the kernel gives no asynchronous I/O (%s): each flush is waited for, and decisions with it", strerror(errno));
	if (fd >= 0) close(fd);
}

void ck_flusher_close(struct ck_flusher *flusher)
{
	if (flusher->context == 0) return;
	(void)syscall(SYS_io_destroy, flusher->context);
	close(flusher->done_fd);
	*flusher = (struct ck_flusher){ .done_fd = -1 };
}

bool ck_flusher_begin(struct ck_flusher *flusher, int fd)
{
	if (flusher->context == 0 || flusher->in_flight) return false;
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_FDSYNC, .aio_flags = IOCB_FLAG_RESFD };
	request.aio_fildes = (uint32_t)fd;
	request.aio_resfd = (uint32_t)flusher->done_fd;
	struct iocb *requests[] = { &request };
	flusher->in_flight = syscall(SYS_io_submit, flusher->context, 1, requests) == 1;
	return flusher->in_flight;
}

bool ck_flusher_end(struct ck_flusher *flusher, bool wait, int *out_failure)
{
	struct io_event event = { 0 };
	struct timespec now = { 0 };
	uint64_t signals;
	*out_failure = 0;
	/* what is not taken off wakes the loop again and again; not by one who waits: the loop still has to hear of it */
	while (!wait && flusher->context != 0 && read(flusher->done_fd, &signals, sizeof signals) < 0 && errno == EINTR) continue;
	if (!flusher->in_flight) return true;
	long got;
	do got = syscall(SYS_io_getevents, flusher->context, wait ? 1 : 0, 1, &event, wait ? NULL : &now);
	while (got < 0 && errno == EINTR);
	if (got == 0) return false;
	flusher->in_flight = false;
	if (got < 0) *out_failure = errno;
	else if (event.res < 0) *out_failure = (int)-event.res;
	return true;
}
