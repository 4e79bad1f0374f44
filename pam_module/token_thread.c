/* The thread of a device, how it is given work, and how a call of libfido2's is cancelled from outside. The conversation's thread never
   waits for one of these but by the news descriptor: any of them may hang in the kernel. */
#include "pam_module/token_device.h"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "directory/base/clock.h"

#define CANCEL_EVERY_MS 300 /* again, since the first may have come before the command */
#define STUCK_AFTER_MS 500  /* a call that has not come back so long after its time hangs in the kernel */

static void *run(void *context)
{
	struct ck_token_device *device = context;
	struct ck_token_board *board = device->board;
	pthread_mutex_lock(&board->lock);
	for (;;) {
		while (!device->given && !device->quit) pthread_cond_wait(&device->work, &board->lock);
		if (device->quit) break;
		struct ck_token_order order = device->order;
		struct ck_token_result result;
		pthread_mutex_unlock(&board->lock);
		ck_token_job_run(device, &order, &result);
		pthread_mutex_lock(&board->lock);
		device->given = false;
		device->ended = true;
		device->next_result = result;
		(void)eventfd_write(board->news_fd, 1);
	}
	pthread_mutex_unlock(&board->lock);
	ck_token_job_close(device);
	pthread_mutex_lock(&board->lock);
	device->gone = true;
	(void)eventfd_write(board->news_fd, 1);
	pthread_mutex_unlock(&board->lock);
	return NULL;
}

static void hand_over(struct ck_token_device *device, struct ck_token_order order)
{
	atomic_store(&device->cancelled, false);
	device->order = order;
	device->ended = false;
	device->given = true;
}

bool ck_token_device_start(struct ck_token_board *board, struct ck_token_device *device)
{
	device->board = board;
	device->phase = CK_TOKEN_OPENING;
	hand_over(device, (struct ck_token_order){.job = CK_TOKEN_OPEN});
	if (pthread_mutex_init(&device->call, NULL) != 0) return false;
	bool made = pthread_cond_init(&device->work, NULL) == 0;
	if (made && pthread_create(&device->thread, NULL, run, device) == 0) return true;
	if (made) pthread_cond_destroy(&device->work);
	pthread_mutex_destroy(&device->call);
	return false;
}

void ck_token_device_give(struct ck_token_device *device, struct ck_token_order order)
{
	device->phase = order.job == CK_TOKEN_OPEN ? CK_TOKEN_OPENING : CK_TOKEN_AT_WORK;
	pthread_mutex_lock(&device->board->lock);
	hand_over(device, order);
	pthread_cond_signal(&device->work);
	pthread_mutex_unlock(&device->board->lock);
}

/* ---- cancelling ---- */
static void send_cancel(struct ck_token_device *device)
{
	pthread_mutex_lock(&device->call);
	if (device->calling && device->order.job != CK_TOKEN_OPEN) (void)fido_dev_cancel(device->fido);
	pthread_mutex_unlock(&device->call);
}

/* One round over those that are to stop; false: there are none. Holds board->lock but while it talks to a device. */
static bool cancel_all(struct ck_token_board *board)
{
	bool some = false;
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT && !board->quit; i++) {
		struct ck_token_device *device = &board->devices[i];
		if (!device->there || !device->given || !atomic_load(&device->cancelled)) continue;
		some = true;
		device->kept = true;
		pthread_mutex_unlock(&board->lock);
		send_cancel(device);
		pthread_mutex_lock(&board->lock);
		device->kept = false;
	}
	return some;
}

/* A thread of its own, since what is written to a device that hangs may hang as well. */
void *ck_token_canceller_run(void *context)
{
	struct ck_token_board *board = context;
	pthread_mutex_lock(&board->lock);
	while (!board->quit) {
		if (cancel_all(board)) {
			int64_t until_ms = ck_clock_monotonic_ms() + CANCEL_EVERY_MS;
			struct timespec until = {.tv_sec = (time_t)(until_ms / 1000), .tv_nsec = (long)(until_ms % 1000) * 1000000};
			if (!board->quit) pthread_cond_timedwait(&board->stop, &board->lock, &until);
		} else if (!board->quit) {
			pthread_cond_wait(&board->stop, &board->lock);
		}
	}
	board->cancelling = false;
	(void)eventfd_write(board->news_fd, 1);
	pthread_mutex_unlock(&board->lock);
	return NULL;
}

void ck_token_device_cancel(struct ck_token_device *device)
{
	struct ck_token_board *board = device->board;
	atomic_store(&device->cancelled, true);
	pthread_mutex_lock(&board->lock);
	pthread_cond_signal(&board->stop);
	pthread_mutex_unlock(&board->lock);
}

/* ---- one job after the other ---- */
enum ck_token_outcome ck_token_device_do(struct ck_token *token, struct ck_token_device *device, struct ck_token_order order,
                                         struct ck_token_result *out)
{
	const bool needs_user = order.job == CK_TOKEN_SIGN || order.job == CK_TOKEN_MAKE;
	const int64_t limit_ms = ck_clock_monotonic_ms() + CK_TOKEN_STEP_TIMEOUT_MS + STUCK_AFTER_MS;
	if (device->phase != CK_TOKEN_READY && device->phase != CK_TOKEN_DONE) return CK_TOKEN_DEVICE_ERROR;
	ck_token_device_give(device, order);
	for (;;) {
		ck_token_board_look(token->board);
		if (!device->listed) return CK_TOKEN_REMOVED;
		if (device->phase == CK_TOKEN_DONE) break;
		if (!needs_user && ck_clock_monotonic_ms() >= limit_ms) return CK_TOKEN_SILENT;
		enum ck_token_outcome outcome = ck_token_pause(token, token->board->news_fd, ck_token_board_wait_ms(token->board));
		if (outcome != CK_TOKEN_OK) return outcome;
	}
	*out = device->result;
	return CK_TOKEN_OK;
}
