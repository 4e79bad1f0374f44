/* The ledger: keeps what must never be forgotten. Holds the audit signing key and the only descriptor that writes the log; talks to the gates,
   the replica and the supervisor, and to nothing else. Believes of a peer only which process it is. What is answered "it stands" was
   written before, and flushed before where the event says so. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/ledger_book.h"
#include "authd/ledger_event.h"
#include "authd/ledger_state.h"
#include "authd/ledger_wait.h"
#include "authd/process.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

/* ---- what is accepted, and from whom; the events within CK_MSG_RECORD have their own table (ledger_event.c) ---- */

struct ledger;
struct peer;
static bool handle_record(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request);
static bool handle_find(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request);
static bool handle_state(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request);
static bool handle_uses(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request);

static const struct {
	enum ck_message type;
	unsigned from;
	bool (*handle)(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request);
} accepted[] = {
	{ CK_MSG_RECORD, CK_FROM(CK_PROCESS_GATE) | CK_FROM(CK_PROCESS_REPLICA), handle_record },
	{ CK_MSG_SESSION_FIND, CK_FROM(CK_PROCESS_GATE), handle_find },
	{ CK_MSG_STATE, CK_FROM(CK_PROCESS_GATE), handle_state },
	{ CK_MSG_KEY_USES, CK_FROM(CK_PROCESS_REPLICA), handle_uses },
};

/* ---- state ---- */

#define PEERS_LIMIT 72           /* the gates that may be configured, the replica, and some */
#define FLUSH_AFTER_MS 90        /* what is written is flushed within 100 ms */
#define FLUSH_LIMIT_MS 2000      /* a disk that takes longer keeps people waiting at the door */
#define PEER_QUEUE_BYTES 1048576 /* answers to a peer that does not read */
#define PEER_IDLE_MS 10000
#define ANSWER_BYTES 2048        /* holds a checkpoint's line */
#define USES_BYTES 4096          /* CK_USES_DUE_LIMIT uses of some 60 bytes */

struct peer {
	enum ck_process process; /* 0: this place is free */
	unsigned index;
	struct ck_channel *channel;
	struct ledger *ledger;
	const char *fault; /* why it is about to be accused */
};
struct ledger {
	struct event_base *base;
	struct ck_peers *control;
	struct ck_book *book;
	struct event *flush_now, *flush_soon, *flushed, *tick;
	bool flush_wanted; /* flush_now is active */
	bool flush_timed;  /* flush_soon is pending */
	bool flushing;     /* one is in flight, since */
	int64_t flushing_ms;
	bool flush_again;  /* and the next is due as soon as it has ended */
	bool failed;
	bool cut_off; /* from a peer that lives: only the supervisor gives a new channel, to a new process */
	struct peer peers[PEERS_LIMIT];
	struct ck_waiter batch[CK_CHAIN_BATCH_RECORDS]; /* recorded, not yet written */
	size_t batch_count;
	struct ck_waiters waiters; /* written, not yet flushed */
};

/* A log that failed may not hold what memory says: nothing more is answered; the supervisor starts another ledger that reads it. */
static void fail(struct ledger *ledger, const char *what, const struct ck_errmsg *err)
{
	if (!ledger->failed) ck_log(CK_LOG_ALARM, "%s: %s", what, err->text);
	ledger->failed = true;
	event_base_loopbreak(ledger->base);
}

/* ---- answers ---- */

static void send_recorded(struct peer *peer, uint64_t request, bool verdict, const char *reason, const char *text)
{
	uint8_t bytes[ANSWER_BYTES];
	struct ck_frame_out frame;
	size_t length;
	if (peer == NULL || peer->channel == NULL) return;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_RECORDED);
	ck_field_uint(&frame.map, CK_F_REQUEST, request);
	ck_field_string(&frame.map, CK_F_REASON, reason);
	ck_field_string(&frame.map, CK_F_TEXT, text);
	ck_field_bool(&frame.map, CK_F_VERDICT, verdict);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	ck_channel_send(peer->channel, bytes, length, -1);
}

static void answer(const struct ck_waiter *waiter, bool stands)
{
	const char *reason = stands || !waiter->answer.verdict ? waiter->answer.reason : "unrecorded";
	send_recorded(waiter->peer, waiter->request, stands && waiter->answer.verdict, reason, NULL);
}

/* ---- flushing ---- */

static void arm_flush(struct ledger *ledger)
{
	if (ledger->flushing || ledger->failed) return;
	if (ck_waiters_any_uncovered(&ledger->waiters) && !ledger->flush_wanted) {
		/* behind whatever else is readable now: all of it shares one flush */
		ledger->flush_wanted = true;
		event_active(ledger->flush_now, EV_TIMEOUT, 0);
	}
}

static void end_flush(struct ledger *ledger, enum ck_error error, const struct ck_errmsg *err)
{
	ledger->flushing = false;
	ck_waiters_end(&ledger->waiters, error == CK_OK && !ledger->failed, answer);
	if (error != CK_OK) fail(ledger, "the audit log is not flushed", err);
	else if (!ledger->failed) ck_book_settle(ledger->book);
}

/* Waits: at the end, and where there is no more room for those who wait. */
static void flush(struct ledger *ledger)
{
	struct ck_errmsg err;
	ck_waiters_cover(&ledger->waiters);
	end_flush(ledger, ck_book_flush(ledger->book, &err), &err);
}

static void begin_flush(struct ledger *ledger)
{
	struct ck_errmsg err;
	bool done;
	ledger->flush_again = ledger->flushing;
	if (ledger->flushing) return;
	ck_waiters_cover(&ledger->waiters);
	ledger->flushing = true;
	ledger->flushing_ms = ck_clock_monotonic_ms();
	enum ck_error error = ck_book_flush_begin(ledger->book, &done, &err);
	if (error != CK_OK || done) end_flush(ledger, error, &err);
}

static void on_flushed(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ledger *ledger = context;
	struct ck_errmsg err;
	bool done;
	enum ck_error error = ck_book_flush_end(ledger->book, &done, &err);
	if (error == CK_OK && !done) return;
	end_flush(ledger, error, &err);
	if (ledger->flush_again) begin_flush(ledger);
	else arm_flush(ledger);
}

static void time_flush(struct ledger *ledger)
{
	const struct timeval wait = { .tv_usec = FLUSH_AFTER_MS * 1000 };
	if (ledger->flush_timed || !ck_book_needs_flush(ledger->book)) return;
	ledger->flush_timed = event_add(ledger->flush_soon, &wait) == 0;
	if (!ledger->flush_timed) begin_flush(ledger);
}

/* One write for all that came; who waits for no more than that is answered before anything is flushed. */
static void end_batch(void *context)
{
	struct ledger *ledger = context;
	struct ck_errmsg err;
	bool stands = !ledger->failed && ck_book_write(ledger->book, &err) == CK_OK;
	if (!stands && !ledger->failed) fail(ledger, "the audit log is not written", &err);
	for (size_t i = 0; i < ledger->batch_count; i++) {
		const struct ck_waiter *waiter = &ledger->batch[i];
		if (!stands || !waiter->answer.flush_first) {
			answer(waiter, stands);
		} else if (!ck_waiters_add(&ledger->waiters, waiter)) {
			flush(ledger);
			answer(waiter, !ledger->failed);
		}
	}
	ledger->batch_count = 0;
	if (!stands) return;
	time_flush(ledger);
	arm_flush(ledger);
}

static void on_flush(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ledger *ledger = context;
	ledger->flush_wanted = false;
	begin_flush(ledger);
}

static void on_flush_soon(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ledger *ledger = context;
	ledger->flush_timed = false;
	if (ck_book_needs_flush(ledger->book)) begin_flush(ledger);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ledger *ledger = context;
	struct ck_errmsg err;
	if (ck_book_tick(ledger->book, &err) != CK_OK) fail(ledger, "no checkpoint", &err);
	end_batch(ledger);
}

/* ---- messages ---- */

/* Only the gate's table says that root asked; the ledger sees to it that asking costs a limited number of flushes. */
static bool handle_checkpoint(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_errmsg err;
	const char *line;
	uint64_t uid;
	if (peer->process != CK_PROCESS_GATE || ck_map_uint(message, CK_F_PEER_UID, 0, 0, &uid) != CK_OK ||
	    ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_EVENT) | CK_KEY(CK_F_PEER_UID),
	                  CK_KEY(CK_F_PEER_PID)) != CK_OK)
		return false;
	end_batch(ledger);
	if (ledger->failed) {
		send_recorded(peer, request, false, "unrecorded", NULL);
	} else if (!ck_book_checkpoint_allowed(ledger->book)) {
		send_recorded(peer, request, false, "too-often", NULL);
	} else if (ck_book_checkpoint(ledger->book, &line, &err) == CK_OK) {
		send_recorded(peer, request, true, NULL, line);
	} else {
		ck_log(CK_LOG_ALARM, "no checkpoint: %s", err.text);
		send_recorded(peer, request, false, "unrecorded", NULL);
	}
	return true;
}

/* How late it is known to be. confirmed: root says so, whatever was known before. */
static void send_clock(struct ledger *ledger, struct peer *peer, bool confirmed)
{
	uint8_t bytes[64];
	struct ck_frame_out frame;
	size_t length;
	if (peer->channel == NULL) return;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_CLOCK);
	ck_field_uint(&frame.map, CK_F_REQUEST, 1);
	ck_field_int(&frame.map, CK_F_TIME, ck_book_known_s(ledger->book));
	ck_field_bool(&frame.map, CK_F_VERDICT, confirmed);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	ck_channel_send(peer->channel, bytes, length, -1);
}

/* A batch carries one time, and what root confirms is the first record of another. */
static bool record_confirmation(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_waiter waiter = {.peer = peer, .request = request};
	end_batch(ledger);
	if (ledger->failed || ck_book_record(ledger->book, peer->process, message, &waiter.answer) != CK_OK) return ledger->failed;
	ledger->batch[ledger->batch_count++] = waiter;
	end_batch(ledger);
	for (size_t i = 0; waiter.answer.verdict && !ledger->failed && i < PEERS_LIMIT; i++)
		if (ledger->peers[i].process != 0) send_clock(ledger, &ledger->peers[i], true);
	return true;
}

static bool handle_record(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request)
{
	uint64_t event;
	if (ck_map_uint(message, CK_F_EVENT, 0, UINT64_MAX, &event) != CK_OK) return false;
	if (event == CK_EVENT_CHECKPOINT) return handle_checkpoint(ledger, peer, message, request);
	if (event == CK_EVENT_CLOCK_CONFIRMED) return record_confirmation(ledger, peer, message, request);
	if (ledger->batch_count == CK_CHAIN_BATCH_RECORDS || !ck_book_has_room(ledger->book)) end_batch(ledger);
	struct ck_waiter *waiter = &ledger->batch[ledger->batch_count];
	if (ck_book_record(ledger->book, peer->process, message, &waiter->answer) != CK_OK) {
		peer->fault = "a record that is malformed or not its own to send";
		return false;
	}
	waiter->peer = peer;
	waiter->request = request;
	ledger->batch_count++;
	return true;
}

static bool handle_find(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_leader leaders[CK_LEADERS_LIMIT];
	size_t count;
	struct ck_text host;
	if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST) | CK_KEY(CK_F_ANCESTORS), 0) != CK_OK ||
	    !ck_book_leaders(message, leaders, &count))
		return false;
	bool inside = ck_book_find_session(ledger->book, leaders, count, &host);
	uint8_t bytes[ANSWER_BYTES];
	struct ck_frame_out frame;
	size_t length;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_SESSION_FOUND);
	ck_field_uint(&frame.map, CK_F_REQUEST, request);
	ck_field_text(&frame.map, CK_F_REMOTE_HOST, host);
	ck_field_bool(&frame.map, CK_F_VERDICT, inside);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	ck_channel_send(peer->channel, bytes, length, -1);
	return true;
}

static const char *state_of(struct ledger *ledger, bool *out_fine, const char **out_detail)
{
	enum ck_book_room room = ck_book_room(ledger->book);
	bool slow = ledger->flushing && ck_clock_monotonic_ms() - ledger->flushing_ms > FLUSH_LIMIT_MS;
	*out_fine = !ledger->failed && !slow && room != CK_BOOK_FULL;
	*out_detail = NULL;
	if (slow) *out_detail = "the disk of the audit log does not finish what was written: logins wait for it";
	else if (room == CK_BOOK_FULL) *out_detail = "the disk of the audit log is full, and so is the reserve: nobody is let in until there is room";
	else if (room == CK_BOOK_RESERVE) *out_detail = "the disk of the audit log is full: only grants and changes are still recorded, from the reserve";
	return slow ? "slow" : room == CK_BOOK_FULL ? "full" : room == CK_BOOK_RESERVE ? "reserve" : "recording";
}

static bool handle_state(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request)
{
	uint8_t bytes[ANSWER_BYTES];
	struct ck_frame_out frame;
	size_t length;
	bool fine;
	const char *detail;
	if (ck_map_expect(message, CK_KEY(CK_F_TYPE) | CK_KEY(CK_F_REQUEST), 0) != CK_OK) return false;
	const char *state = state_of(ledger, &fine, &detail);
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_STATED);
	ck_field_uint(&frame.map, CK_F_REQUEST, request);
	ck_field_bool(&frame.map, CK_F_VERDICT, fine);
	ck_field_string(&frame.map, CK_F_DETAIL, detail);
	ck_field_string(&frame.map, CK_F_STATE, state);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	ck_channel_send(peer->channel, bytes, length, -1);
	return true;
}

static bool handle_uses(struct ledger *ledger, struct peer *peer, const struct ck_map *message, uint64_t request)
{
	struct ck_use due[CK_USES_DUE_LIMIT];
	uint8_t bytes[USES_BYTES];
	struct ck_frame_out frame;
	struct ck_errmsg err;
	size_t count, length;
	enum ck_error error = ck_book_uses(ledger->book, message, due, &count, &err);
	if (error == CK_ERR_INVALID) return false;
	if (error != CK_OK) {
		fail(ledger, "the ledger cannot go on", &err);
		return true;
	}
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_KEY_USES_DUE);
	ck_field_uint(&frame.map, CK_F_REQUEST, request);
	ck_uses_put(&frame.map, due, count);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	ck_channel_send(peer->channel, bytes, length, -1);
	return true;
}

static bool on_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	struct peer *peer = context;
	uint64_t type, request;
	peer->fault = "a message that is malformed or not its own to send";
	if (fd >= 0) close(fd);
	if (fd >= 0 || ck_map_uint(message, CK_F_TYPE, 0, UINT64_MAX, &type) != CK_OK ||
	    ck_map_uint(message, CK_F_REQUEST, 0, UINT64_MAX, &request) != CK_OK)
		return false;
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
		if (accepted[i].type == type && (accepted[i].from & CK_FROM(peer->process)) != 0)
			return accepted[i].handle(peer->ledger, peer, message, request);
	return false;
}

/* ---- peers ---- */

static void forget_peer(struct ledger *ledger, struct peer *peer)
{
	for (size_t i = 0; i < ledger->batch_count; i++)
		if (ledger->batch[i].peer == peer) ledger->batch[i].peer = NULL;
	ck_waiters_forget(&ledger->waiters, peer);
	memset(peer, 0, sizeof *peer);
}

static const char *process_name(enum ck_process process) { return process == CK_PROCESS_GATE ? "gate" : "replica"; }

static void end_without(struct ledger *ledger, const struct peer *peer)
{
	ck_log(CK_LOG_ERROR, "no channel to %s %u can be kept: the ledger ends", process_name(peer->process), peer->index);
	ledger->cut_off = true;
	event_base_loopbreak(ledger->base);
}

static void on_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	struct peer *peer = context;
	struct ledger *ledger = peer->ledger;
	if (why == CK_ERR_INVALID || why == CK_ERR_LIMIT || why == CK_ERR_TIMEOUT) {
		char detail[160];
		const char *fault = why == CK_ERR_INVALID && peer->fault != NULL ? peer->fault : ck_error_name(why);
		(void)snprintf(detail, sizeof detail, "%s %u was cut off: %s", process_name(peer->process), peer->index, fault);
		ck_book_alarm(ledger->book, ck_text_of(detail));
		ck_peers_accuse(ledger->control, peer->process, peer->index, fault);
	}
	if (why == CK_ERR_MEMORY || why == CK_ERR_IO) end_without(ledger, peer);
	forget_peer(ledger, peer);
	end_batch(ledger);
}

static void on_peer_batch_end(void *context)
{
	struct peer *peer = context;
	end_batch(peer->ledger);
}

static struct peer *place_of(struct ledger *ledger, enum ck_process process, unsigned index)
{
	struct peer *free_place = NULL;
	for (size_t i = 0; i < PEERS_LIMIT; i++) {
		struct peer *peer = &ledger->peers[i];
		if (peer->process == process && peer->index == index) return peer;
		if (peer->process == 0 && free_place == NULL) free_place = peer;
	}
	return free_place;
}

static void on_peer(enum ck_process process, unsigned index, int fd, void *context)
{
	static const struct ck_channel_handlers handlers = { .on_message = on_message, .on_closed = on_closed, .on_batch_end = on_peer_batch_end };
	struct ledger *ledger = context;
	struct peer *peer = place_of(ledger, process, index);
	if (peer == NULL || (process != CK_PROCESS_GATE && process != CK_PROCESS_REPLICA)) {
		ck_log(CK_LOG_ERROR, "a channel to process %d, index %u is not for the ledger", (int)process, index);
		close(fd);
		return;
	}
	if (peer->process != 0) {
		ck_channel_close(&peer->channel);
		forget_peer(ledger, peer);
	}
	*peer = (struct peer){ .process = process, .index = index, .ledger = ledger };
	enum ck_error error = ck_channel_new(ledger->base, fd, &handlers, peer, PEER_QUEUE_BYTES, PEER_IDLE_MS, false, &peer->channel);
	if (error == CK_OK) error = ck_channel_gather(peer->channel);
	if (error == CK_OK) {
		send_clock(ledger, peer, false); /* before the first answer: what it lets stand was decided by this */
		return;
	}
	end_without(ledger, peer);
	ck_channel_close(&peer->channel);
	forget_peer(ledger, peer);
}

static void on_note(struct ck_text detail, void *context)
{
	struct ledger *ledger = context;
	ck_book_note(ledger->book, detail);
	end_batch(ledger);
}

static void on_stop(void *context)
{
	struct ledger *ledger = context;
	event_base_loopbreak(ledger->base);
}

/* ---- the process ---- */

/* The log's directory, the ledger's alone. Made here, as root, because nobody else needs to know of it. */
static enum ck_error prepare_directory(const struct ck_config *config, struct ck_book_settings *out, struct ck_errmsg *err)
{
	unsigned uid, gid;
	struct stat st;
	int length = snprintf(out->directory, sizeof out->directory, "%s/audit", config->directory);
	if (length < 0 || (size_t)length >= sizeof out->directory) return ck_fail(err, CK_ERR_LIMIT, "directory: the path is too long");
	enum ck_error error = ck_config_user(config->user_ledger, &uid, &gid, err);
	if (error != CK_OK) return error;
	if (mkdir(out->directory, 0700) == 0) {
		if (chown(out->directory, uid, gid) != 0) return ck_fail(err, CK_ERR_IO, "%s: %s", out->directory, strerror(errno));
	} else if (errno != EEXIST) {
		return ck_fail(err, CK_ERR_IO, "%s: %s", out->directory, strerror(errno));
	}
	if (lstat(out->directory, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != uid || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return ck_fail(err, CK_ERR_DENIED, "%s: expected a directory of user %s that nobody else can write", out->directory, config->user_ledger);
	return CK_OK;
}

static enum ck_error open_book(struct ledger *ledger, const struct ck_start *start, struct ck_errmsg *err)
{
	const struct ck_config *config = &start->config;
	struct ck_book_settings settings = {
		.limits = { .segment_bytes = config->audit_segment_bytes, .reserve_bytes = config->audit_reserve_bytes },
		.refusals_per_minute = config->refusals_per_minute,
		.checkpoint_interval_s = config->checkpoint_interval_s,
		.key_use_interval_s = config->key_use_interval_s,
		.challenge_limit_s = config->challenge_limit_s,
		.wait_for_counts = true,
	};
	ck_state_read_boot_id(settings.boot);
	enum ck_error error = prepare_directory(config, &settings, err);
	if (error != CK_OK) return error;
	const struct ck_reach reach[] = { { settings.directory, CK_REACH_WRITE } };
	const struct ck_confinement confinement = { .user = config->user_ledger, .filter = &ck_filter_ledger, .reach = reach, .reach_count = 1 };
	error = ck_process_confine(&confinement, err);
	if (error == CK_OK) error = ck_book_open(&settings, &ledger->book, err);
	return error;
}

static enum ck_error open_loop(struct ledger *ledger, struct ck_errmsg *err)
{
	static const struct ck_peers_handlers handlers = { .on_peer = on_peer, .on_stop = on_stop, .on_note = on_note };
	const struct timeval second = { .tv_sec = 1 };
	ledger->base = event_base_new();
	if (ledger->base == NULL) return ck_fail(err, CK_ERR_MEMORY, "no event loop");
	ledger->flush_now = event_new(ledger->base, -1, 0, on_flush, ledger);
	ledger->flush_soon = event_new(ledger->base, -1, 0, on_flush_soon, ledger);
	ledger->tick = event_new(ledger->base, -1, EV_PERSIST, on_tick, ledger);
	int done_fd = ck_book_flush_fd(ledger->book);
	if (done_fd >= 0) ledger->flushed = event_new(ledger->base, done_fd, EV_READ | EV_PERSIST, on_flushed, ledger);
	if (ledger->flush_now == NULL || ledger->flush_soon == NULL || ledger->tick == NULL || event_add(ledger->tick, &second) != 0 ||
	    (done_fd >= 0 && (ledger->flushed == NULL || event_add(ledger->flushed, NULL) != 0)))
		return ck_fail(err, CK_ERR_MEMORY, "no memory for the event loop");
	enum ck_error error = ck_peers_new(ledger->base, &handlers, ledger, &ledger->control);
	return error == CK_OK ? CK_OK : ck_fail(err, error, "the control channel cannot be used");
}

/* All that was taken is written, flushed and answered, then signed. */
static void close_books(struct ledger *ledger)
{
	struct ck_errmsg err;
	end_batch(ledger);
	flush(ledger);
	/* answers go at the end of a round */
	(void)event_base_loop(ledger->base, EVLOOP_NONBLOCK);
	if (ledger->failed || ck_book_stop(ledger->book, &err) == CK_OK) return;
	ck_log(CK_LOG_ERROR, "stopped without a checkpoint: %s", err.text);
}

static void ledger_free(struct ledger *ledger)
{
	for (size_t i = 0; i < PEERS_LIMIT; i++) ck_channel_close(&ledger->peers[i].channel);
	ck_peers_free(&ledger->control);
	struct event *events[] = { ledger->flush_now, ledger->flush_soon, ledger->flushed, ledger->tick };
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i] != NULL) event_free(events[i]);
	if (ledger->base != NULL) event_base_free(ledger->base);
	ck_book_free(&ledger->book);
	free(ledger);
}

int ck_ledger_main(struct ck_start *start)
{
	struct ck_errmsg err = { "" };
	struct ledger *ledger = calloc(1, sizeof *ledger);
	if (ledger == NULL) return 1;
	(void)signal(SIGXFSZ, SIG_IGN); /* a full quota is an error of write(2), as a full disk is */
	(void)signal(SIGPIPE, SIG_IGN);
	enum ck_error error = open_book(ledger, start, &err);
	if (error == CK_OK) error = open_loop(ledger, &err);
	if (error == CK_OK) {
		ck_peers_ready(ledger->control);
		time_flush(ledger);
		if (event_base_dispatch(ledger->base) < 0) error = ck_fail(&err, CK_ERR_IO, "the event loop failed");
		close_books(ledger);
		if (ledger->failed || ledger->cut_off) error = CK_ERR_IO;
	}
	if (error != CK_OK && !ledger->failed && !ledger->cut_off) ck_log(CK_LOG_ERROR, "the ledger does not start: %s", err.text);
	ledger_free(ledger);
	return error == CK_OK ? 0 : 1;
}
