/* The list of devices: who came, who went, who opened, who is to be tried again. Everything here is the conversation's thread's; what the
   devices' threads hand over is taken in at one place. */
#include "pam_module/token_device.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define LOOK_EVERY_MS 250
#define AGAIN_AFTER_MS 300   /* a device that could not be opened, at first */
#define AGAIN_LIMIT_MS 2000
#define CLOSE_LIMIT_MS 700   /* for the devices to stop blinking; who has not by then hangs */

struct ck_token_board *ck_token_board_open(const struct ck_token *token)
{
	pthread_condattr_t monotonic;
	struct ck_token_board *board = calloc(1, sizeof *board);
	if (board == NULL) return NULL;
	board->token = token;
	board->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (board->news_fd < 0 || pthread_mutex_init(&board->lock, NULL) != 0) goto fail;
	if (pthread_condattr_init(&monotonic) != 0) goto fail;
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	int failed = pthread_cond_init(&board->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	board->cancelling = true;
	if (failed == 0 && pthread_create(&board->canceller, NULL, ck_token_canceller_run, board) == 0) return board;
fail:
	if (board->news_fd >= 0) close(board->news_fd);
	free(board);
	return NULL;
}

/* ---- coming and going ---- */
/* True: the place is free again. */
static bool let_go(struct ck_token_board *board, struct ck_token_device *device)
{
	size_t place = (size_t)(device - board->devices);
	pthread_mutex_lock(&board->lock);
	bool gone = device->gone && !device->kept;
	device->quit = true;
	pthread_cond_signal(&device->work);
	pthread_mutex_unlock(&board->lock);
	if (!gone) return false;
	(void)pthread_join(device->thread, NULL);
	pthread_cond_destroy(&device->work);
	pthread_mutex_destroy(&device->call);
	ck_wipe(board->token->memory->pins[place], sizeof board->token->memory->pins[place]);
	pthread_mutex_lock(&board->lock);
	*device = (struct ck_token_device){.there = false};
	pthread_mutex_unlock(&board->lock);
	return true;
}

static void take_place(struct ck_token_board *board, const char *name)
{
	size_t place = 0;
	while (place < CK_TOKEN_DEVICES_LIMIT && board->devices[place].there) place++;
	if (place == CK_TOKEN_DEVICES_LIMIT) return;
	struct ck_token_device *device = &board->devices[place];
	pthread_mutex_lock(&board->lock);
	*device = (struct ck_token_device){.there = true, .listed = true, .began_ms = ck_clock_monotonic_ms(),
	                                   .pin = board->token->memory->pins[place]};
	memcpy(device->name, name, strnlen(name, sizeof device->name - 1));
	device->there = ck_token_device_start(board, device);
	pthread_mutex_unlock(&board->lock);
	int64_t settle_ms = device->began_ms + ck_token_grace_ms(board->token);
	if (board->settle_ms < settle_ms) board->settle_ms = settle_ms;
}

static bool is_known(const struct ck_token_board *board, const char *name)
{
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT; i++) {
		const struct ck_token_device *device = &board->devices[i];
		if (device->there && device->listed && strcmp(device->name, name) == 0) return true;
	}
	return false;
}

static void list(struct ck_token_board *board)
{
	char names[CK_TOKEN_DEVICES_LIMIT][256];
	int count = board->token->source->list(names, board->token->source->context);
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT; i++) {
		struct ck_token_device *device = &board->devices[i];
		bool listed = false;
		for (int at = 0; at < count && !listed; at++) listed = strcmp(names[at], device->name) == 0;
		if (!device->there || !device->listed || listed) continue;
		device->listed = false;
		device->problem = CK_TOKEN_REMOVED;
		ck_token_device_cancel(device);
	}
	for (int at = 0; at < count; at++)
		if (!is_known(board, names[at])) take_place(board, names[at]);
}

/* ---- taking in ---- */
static enum ck_token_outcome judge(const struct ck_token *token, const struct ck_token_key *key)
{
	if (!token->create && key->held == 0) return CK_TOKEN_WRONG_KEY;
	if (!token->verify || key->has_finger || key->has_pin) return CK_TOKEN_OK;
	return key->takes_pin ? CK_TOKEN_PIN_NOT_SET : CK_TOKEN_CANNOT_VERIFY;
}

static enum ck_token_way way_of(const struct ck_token *token, const struct ck_token_key *key)
{
	if (!token->verify) return CK_TOKEN_BY_TOUCH;
	return key->has_finger ? CK_TOKEN_BY_FINGER : CK_TOKEN_BY_PIN;
}

static void take_in_opened(struct ck_token_device *device, int64_t now_ms)
{
	enum ck_token_outcome outcome = ck_token_outcome_of(&device->result);
	if (outcome == CK_TOKEN_OK) {
		outcome = judge(device->board->token, &device->key);
		device->phase = outcome == CK_TOKEN_OK ? CK_TOKEN_READY : CK_TOKEN_USELESS;
		device->failing_since_ms = 0;
		device->retry_ms = now_ms;
		device->way = way_of(device->board->token, &device->key);
	} else {
		/* whatever it is, it may pass: opened by another program, unplugged just now, not yet given to our group */
		device->phase = CK_TOKEN_CLOSED;
		device->closed_ms = now_ms;
		if (device->failing_since_ms == 0) device->failing_since_ms = device->began_ms;
		int64_t failing_ms = now_ms - device->failing_since_ms;
		if (outcome == CK_TOKEN_SILENT && !device->result.late) outcome = CK_TOKEN_BUSY;
		device->retry_ms = now_ms + (failing_ms < AGAIN_AFTER_MS ? AGAIN_AFTER_MS : failing_ms > AGAIN_LIMIT_MS ? AGAIN_LIMIT_MS : failing_ms);
	}
	if (outcome != device->problem) device->told_problem = false;
	device->problem = outcome;
}

static void take_in(struct ck_token_board *board, struct ck_token_device *device, int64_t now_ms)
{
	pthread_mutex_lock(&board->lock);
	bool ended = device->ended;
	if (ended) device->result = device->next_result;
	device->ended = false;
	pthread_mutex_unlock(&board->lock);
	if (!ended || !device->listed) return;
	if (device->phase == CK_TOKEN_OPENING) take_in_opened(device, now_ms);
	else device->phase = atomic_load(&device->cancelled) ? CK_TOKEN_READY : CK_TOKEN_DONE;
}

void ck_token_board_look(struct ck_token_board *board)
{
	eventfd_t news;
	int64_t now_ms = ck_clock_monotonic_ms();
	(void)eventfd_read(board->news_fd, &news);
	if (board->looked_ms == 0 || now_ms - board->looked_ms >= LOOK_EVERY_MS) {
		list(board);
		board->looked_ms = now_ms;
	}
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT; i++) {
		struct ck_token_device *device = &board->devices[i];
		if (!device->there) continue;
		take_in(board, device, now_ms);
		if (!device->listed) {
			(void)let_go(board, device);
		} else if (device->phase == CK_TOKEN_CLOSED && now_ms >= device->retry_ms) {
			device->began_ms = now_ms;
			ck_token_device_give(device, (struct ck_token_order){.job = CK_TOKEN_OPEN});
		}
	}
}

bool ck_token_board_is_settled(const struct ck_token_board *board)
{
	if (ck_clock_monotonic_ms() >= board->settle_ms) return true;
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT; i++)
		if (board->devices[i].there && board->devices[i].listed && board->devices[i].phase == CK_TOKEN_OPENING) return false;
	return true;
}

int ck_token_board_wait_ms(const struct ck_token_board *board)
{
	int64_t left_ms = board->looked_ms + LOOK_EVERY_MS - ck_clock_monotonic_ms();
	return left_ms < 1 ? 1 : (int)left_ms;
}

struct ck_token_device *ck_token_board_next(struct ck_token_board *board, struct ck_token_device *after)
{
	size_t i = after == NULL ? 0 : (size_t)(after - board->devices) + 1;
	while (i < CK_TOKEN_DEVICES_LIMIT && (!board->devices[i].there || !board->devices[i].listed)) i++;
	return i < CK_TOKEN_DEVICES_LIMIT ? &board->devices[i] : NULL;
}

/* ---- the end ---- */
static bool is_empty(struct ck_token_board *board)
{
	bool empty = true;
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT; i++)
		if (board->devices[i].there && !let_go(board, &board->devices[i])) empty = false;
	return empty;
}

static bool has_stopped_cancelling(struct ck_token_board *board)
{
	pthread_mutex_lock(&board->lock);
	board->quit = true;
	pthread_cond_signal(&board->stop);
	bool stopped = !board->cancelling;
	pthread_mutex_unlock(&board->lock);
	return stopped;
}

/* The devices first: they are cancelled until they have stopped. */
bool ck_token_board_close(struct ck_token_board *board)
{
	int64_t until_ms = ck_clock_monotonic_ms() + CLOSE_LIMIT_MS;
	for (size_t i = 0; i < CK_TOKEN_DEVICES_LIMIT; i++)
		if (board->devices[i].there) ck_token_device_cancel(&board->devices[i]);
	while (!is_empty(board) || !has_stopped_cancelling(board)) {
		struct pollfd poller = {.fd = board->news_fd, .events = POLLIN};
		eventfd_t news;
		int64_t left_ms = until_ms - ck_clock_monotonic_ms();
		if (left_ms <= 0) return false;
		(void)poll(&poller, 1, (int)left_ms);
		(void)eventfd_read(board->news_fd, &news);
	}
	(void)pthread_join(board->canceller, NULL);
	pthread_cond_destroy(&board->stop);
	pthread_mutex_destroy(&board->lock);
	close(board->news_fd);
	free(board);
	return true;
}
