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

#include "authd/ledger_event.h"
#include "authd/ledger_process.h"
#include "authd/ledger_state.h"
#include "directory/base/log.h"

/* ---- what is accepted, and from whom; the events within CK_MSG_RECORD have their own table (ledger_event.c) ---- */

static const struct {
	enum ck_message type;
	unsigned from;
	bool (*handle)(struct ck_ledger *ledger, struct ck_ledger_peer *peer, const struct ck_map *message, uint64_t request);
} accepted[] = {
	{ CK_MSG_RECORD, CK_FROM(CK_PROCESS_GATE) | CK_FROM(CK_PROCESS_REPLICA), ck_ledger_handle_record },
	{ CK_MSG_SESSION_FIND, CK_FROM(CK_PROCESS_GATE), ck_ledger_handle_find },
	{ CK_MSG_TRY, CK_FROM(CK_PROCESS_GATE), ck_ledger_handle_try },
	{ CK_MSG_PROVED, CK_FROM(CK_PROCESS_GATE), ck_ledger_handle_proved },
	{ CK_MSG_STATE, CK_FROM(CK_PROCESS_GATE), ck_ledger_handle_state },
	{ CK_MSG_KEY_USES, CK_FROM(CK_PROCESS_REPLICA), ck_ledger_handle_uses },
	{ CK_MSG_VOUCH_FIND, CK_FROM(CK_PROCESS_GATE), ck_ledger_handle_vouch_find },
	{ CK_MSG_VOUCH_STATE, CK_FROM(CK_PROCESS_GATE), ck_ledger_handle_vouch_state },
};

#define PEER_QUEUE_BYTES 1048576 /* answers to a peer that does not read */
#define PEER_IDLE_MS 10000

/* ---- peers and their messages ---- */

static bool on_message(struct ck_channel *channel, const struct ck_map *message, struct ck_bytes encoded, int fd, void *context)
{
	(void)channel;
	(void)encoded;
	struct ck_ledger_peer *peer = context;
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

static void forget_peer(struct ck_ledger *ledger, struct ck_ledger_peer *peer)
{
	for (size_t i = 0; i < ledger->batch_count; i++)
		if (ledger->batch[i].peer == peer) ledger->batch[i].peer = NULL;
	ck_waiters_forget(&ledger->waiters, peer);
	memset(peer, 0, sizeof *peer);
}

static const char *process_name(enum ck_process process) { return process == CK_PROCESS_GATE ? "gate" : "replica"; }

static void end_without(struct ck_ledger *ledger, const struct ck_ledger_peer *peer)
{
	ck_log(CK_LOG_ERROR, "no channel to %s %u can be kept: the ledger ends", process_name(peer->process), peer->index);
	ledger->cut_off = true;
	event_base_loopbreak(ledger->base);
}

static void on_closed(struct ck_channel *channel, enum ck_error why, void *context)
{
	(void)channel;
	struct ck_ledger_peer *peer = context;
	struct ck_ledger *ledger = peer->ledger;
	if (why == CK_ERR_INVALID || why == CK_ERR_LIMIT || why == CK_ERR_TIMEOUT) {
		char detail[160];
		const char *fault = why == CK_ERR_INVALID && peer->fault != NULL ? peer->fault : ck_error_name(why);
		(void)snprintf(detail, sizeof detail, "%s %u was cut off: %s", process_name(peer->process), peer->index, fault);
		ck_book_alarm(ledger->book, ck_text_of(detail));
		ck_peers_accuse(ledger->control, peer->process, peer->index, fault);
	}
	if (why == CK_ERR_MEMORY || why == CK_ERR_IO) end_without(ledger, peer);
	forget_peer(ledger, peer);
	ck_ledger_end_batch(ledger);
}

static void on_peer_batch_end(void *context)
{
	struct ck_ledger_peer *peer = context;
	ck_ledger_end_batch(peer->ledger);
}

static struct ck_ledger_peer *place_of(struct ck_ledger *ledger, enum ck_process process, unsigned index)
{
	struct ck_ledger_peer *free_place = NULL;
	for (size_t i = 0; i < CK_LEDGER_PEERS_LIMIT; i++) {
		struct ck_ledger_peer *peer = &ledger->peers[i];
		if (peer->process == process && peer->index == index) return peer;
		if (peer->process == 0 && free_place == NULL) free_place = peer;
	}
	return free_place;
}

static void on_peer(enum ck_process process, unsigned index, int fd, void *context)
{
	static const struct ck_channel_handlers handlers = { .on_message = on_message, .on_closed = on_closed, .on_batch_end = on_peer_batch_end };
	struct ck_ledger *ledger = context;
	struct ck_ledger_peer *peer = place_of(ledger, process, index);
	if (peer == NULL || (process != CK_PROCESS_GATE && process != CK_PROCESS_REPLICA)) {
		ck_log(CK_LOG_ERROR, "a channel to process %d, index %u is not for the ledger", (int)process, index);
		close(fd);
		return;
	}
	if (peer->process != 0) {
		ck_channel_close(&peer->channel);
		forget_peer(ledger, peer);
	}
	*peer = (struct ck_ledger_peer){ .process = process, .index = index, .ledger = ledger };
	enum ck_error error = ck_channel_new(ledger->base, fd, &handlers, peer, PEER_QUEUE_BYTES, PEER_IDLE_MS, false, &peer->channel);
	if (error == CK_OK) error = ck_channel_gather(peer->channel);
	if (error == CK_OK) {
		ck_ledger_send_clock(ledger, peer, false); /* before the first answer: what it lets stand was decided by this */
		return;
	}
	end_without(ledger, peer);
	ck_channel_close(&peer->channel);
	forget_peer(ledger, peer);
}

static void on_note(struct ck_text detail, void *context)
{
	struct ck_ledger *ledger = context;
	ck_book_note(ledger->book, detail);
	ck_ledger_end_batch(ledger);
}

static void on_stop(void *context)
{
	struct ck_ledger *ledger = context;
	event_base_loopbreak(ledger->base);
}

/* ---- time ---- */

static void on_flushed(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	ck_ledger_flushed(context);
}

static void on_flush(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_ledger *ledger = context;
	ledger->flush_wanted = false;
	ck_ledger_begin_flush(ledger);
}

static void on_flush_soon(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_ledger *ledger = context;
	ledger->flush_timed = false;
	if (ck_book_needs_flush(ledger->book)) ck_ledger_begin_flush(ledger);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_ledger *ledger = context;
	struct ck_errmsg err;
	if (ck_book_tick(ledger->book, &err) != CK_OK) ck_ledger_fail(ledger, "no checkpoint", &err);
	ck_ledger_end_batch(ledger);
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

static enum ck_error open_book(struct ck_ledger *ledger, const struct ck_start *start, struct ck_errmsg *err)
{
	const struct ck_config *config = &start->config;
	struct ck_book_settings settings = {
		.limits = { .segment_bytes = config->audit_segment_bytes, .reserve_bytes = config->audit_reserve_bytes },
		.refusals_per_minute = config->refusals_per_minute,
		.tries_per_minute = config->tries_per_minute,
		.logins_per_minute = config->logins_per_minute,
		.finds = { config->find_person_per_day, config->find_switchboard_per_day, config->find_authority_per_day },
		.checkpoint_interval_s = config->checkpoint_interval_s,
		.key_use_interval_s = config->key_use_interval_s,
		.challenge_limit_s = config->challenge_limit_s,
		.attempts = { config->password_attempts, config->password_source_attempts, config->password_window_s },
		.vouch_limit_s = config->vouch_limit_s,
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

static enum ck_error open_loop(struct ck_ledger *ledger, struct ck_errmsg *err)
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
static void close_books(struct ck_ledger *ledger)
{
	struct ck_errmsg err;
	ck_ledger_end_batch(ledger);
	ck_ledger_flush(ledger);
	/* answers go at the end of a round */
	(void)event_base_loop(ledger->base, EVLOOP_NONBLOCK);
	if (ledger->failed || ck_book_stop(ledger->book, &err) == CK_OK) return;
	ck_log(CK_LOG_ERROR, "stopped without a checkpoint: %s", err.text);
}

static void ledger_free(struct ck_ledger *ledger)
{
	for (size_t i = 0; i < CK_LEDGER_PEERS_LIMIT; i++) ck_channel_close(&ledger->peers[i].channel);
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
	struct ck_ledger *ledger = calloc(1, sizeof *ledger);
	if (ledger == NULL) return 1;
	(void)signal(SIGXFSZ, SIG_IGN); /* a full quota is an error of write(2), as a full disk is */
	(void)signal(SIGPIPE, SIG_IGN);
	enum ck_error error = open_book(ledger, start, &err);
	if (error == CK_OK) error = open_loop(ledger, &err);
	if (error == CK_OK) {
		ck_peers_ready(ledger->control);
		ck_ledger_time_flush(ledger);
		if (event_base_dispatch(ledger->base) < 0) error = ck_fail(&err, CK_ERR_IO, "the event loop failed");
		close_books(ledger);
		if (ledger->failed || ledger->cut_off) error = CK_ERR_IO;
	}
	if (error != CK_OK && !ledger->failed && !ledger->cut_off) ck_log(CK_LOG_ERROR, "the ledger does not start: %s", err.text);
	ledger_free(ledger);
	return error == CK_OK ? 0 : 1;
}
