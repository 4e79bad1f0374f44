/* libfido2's calls block until the key answers or its time is up. While one runs, a thread waits for the client to go away, and tells the
   key to stop. A key that does not even stop then keeps nothing alive: the process ends. */
#include "pam_module/token_internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "directory/base/secret.h"

#define CANCEL_EVERY_MS 300 /* again, since the first may have come before the command */
#define CANCELS_LIMIT 10
#define EXIT_STUCK 3

struct ck_token_watch {
	pthread_t thread;
	int client_fd, stop_fd;
	fido_dev_t *device;
	struct ck_token_memory *memory;
	bool gone; /* written by the thread, read after it was joined */
};

static bool is_stopped(const struct ck_token_watch *watch, int ms)
{
	struct pollfd poller = {.fd = watch->stop_fd, .events = POLLIN};
	return poll(&poller, 1, ms) > 0;
}

static void *run(void *context)
{
	struct ck_token_watch *watch = context;
	struct pollfd pollers[] = {{.fd = watch->stop_fd, .events = POLLIN}, {.fd = watch->client_fd, .events = POLLIN | POLLRDHUP}};
	while (poll(pollers, 2, -1) < 0) {
	}
	if (pollers[0].revents != 0) return NULL;
	watch->gone = true;
	for (int i = 0; i < CANCELS_LIMIT; i++) {
		(void)fido_dev_cancel(watch->device);
		if (is_stopped(watch, CANCEL_EVERY_MS)) return NULL;
	}
	ck_wipe(watch->memory, sizeof *watch->memory);
	_exit(EXIT_STUCK);
}

struct ck_token_watch *ck_token_watch_begin(const struct ck_token *token, fido_dev_t *device)
{
	struct ck_token_watch *watch = calloc(1, sizeof *watch);
	if (watch == NULL) return NULL;
	watch->client_fd = token->fd;
	watch->device = device;
	watch->memory = token->memory;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->stop_fd >= 0 && pthread_create(&watch->thread, NULL, run, watch) == 0) return watch;
	if (watch->stop_fd >= 0) close(watch->stop_fd);
	free(watch);
	return NULL;
}

bool ck_token_watch_end(struct ck_token_watch *watch)
{
	(void)eventfd_write(watch->stop_fd, 1);
	(void)pthread_join(watch->thread, NULL);
	bool gone = watch->gone;
	close(watch->stop_fd);
	free(watch);
	return gone;
}
