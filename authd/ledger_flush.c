/* The ledger's batches and flushes: what came together is written in one write and answered, or flushed first and then answered; one flush
   serves all who wait for it, and no two are in flight. */
#include "authd/ledger_process.h"

#include "directory/base/clock.h"
#include "directory/base/log.h"

#define FLUSH_AFTER_MS 90 /* what is written is flushed within 100 ms */
#define RECORDED_BYTES 2048 /* holds a checkpoint's line */

void ck_ledger_fail(struct ck_ledger *ledger, const char *what, const struct ck_errmsg *err)
{
	if (!ledger->failed) ck_log(CK_LOG_ALARM, "%s: %s", what, err->text);
	ledger->failed = true;
	event_base_loopbreak(ledger->base);
}

/* ---- answers ---- */

void ck_ledger_send_recorded(struct ck_ledger_peer *peer, uint64_t request, const struct ck_book_answer *answer, const char *text)
{
	uint8_t bytes[RECORDED_BYTES];
	struct ck_frame_out frame;
	size_t length;
	if (peer == NULL || peer->channel == NULL) return;
	ck_frame_begin(&frame, bytes, sizeof bytes);
	ck_field_uint(&frame.map, CK_F_TYPE, CK_MSG_RECORDED);
	ck_field_uint(&frame.map, CK_F_REQUEST, request);
	ck_field_string(&frame.map, CK_F_REASON, answer->reason);
	ck_field_string(&frame.map, CK_F_TEXT, text);
	ck_field_bool(&frame.map, CK_F_VERDICT, answer->verdict);
	if (answer->wait_ms > 0) ck_field_uint(&frame.map, CK_F_COUNT, (uint64_t)answer->wait_ms);
	CK_ASSERT(ck_frame_end(&frame, &length) == CK_OK);
	ck_channel_send(peer->channel, bytes, length, -1);
}

static void answer(const struct ck_waiter *waiter, bool stands)
{
	struct ck_book_answer told = waiter->answer;
	told.verdict = stands && told.verdict;
	if (!stands && waiter->answer.verdict) told.reason = "unrecorded";
	ck_ledger_send_recorded(waiter->peer, waiter->request, &told, NULL);
}

/* ---- flushing ---- */

static void arm_flush(struct ck_ledger *ledger)
{
	if (ledger->flushing || ledger->failed) return;
	if (ck_waiters_any_uncovered(&ledger->waiters) && !ledger->flush_wanted) {
		/* behind whatever else is readable now: all of it shares one flush */
		ledger->flush_wanted = true;
		event_active(ledger->flush_now, EV_TIMEOUT, 0);
	}
}

static void end_flush(struct ck_ledger *ledger, enum ck_error error, const struct ck_errmsg *err)
{
	ledger->flushing = false;
	ck_waiters_end(&ledger->waiters, error == CK_OK && !ledger->failed, answer);
	if (error != CK_OK) ck_ledger_fail(ledger, "the audit log is not flushed", err);
	else if (!ledger->failed) ck_book_settle(ledger->book);
}

void ck_ledger_flush(struct ck_ledger *ledger)
{
	struct ck_errmsg err;
	ck_waiters_cover(&ledger->waiters);
	end_flush(ledger, ck_book_flush(ledger->book, &err), &err);
}

void ck_ledger_begin_flush(struct ck_ledger *ledger)
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

void ck_ledger_flushed(struct ck_ledger *ledger)
{
	struct ck_errmsg err;
	bool done;
	enum ck_error error = ck_book_flush_end(ledger->book, &done, &err);
	if (error == CK_OK && !done) return;
	end_flush(ledger, error, &err);
	if (ledger->flush_again) ck_ledger_begin_flush(ledger);
	else arm_flush(ledger);
}

void ck_ledger_time_flush(struct ck_ledger *ledger)
{
	const struct timeval wait = { .tv_usec = FLUSH_AFTER_MS * 1000 };
	if (ledger->flush_timed || !ck_book_needs_flush(ledger->book)) return;
	ledger->flush_timed = event_add(ledger->flush_soon, &wait) == 0;
	if (!ledger->flush_timed) ck_ledger_begin_flush(ledger);
}

void ck_ledger_end_batch(struct ck_ledger *ledger)
{
	struct ck_errmsg err;
	bool stands = !ledger->failed && ck_book_write(ledger->book, &err) == CK_OK;
	if (!stands && !ledger->failed) ck_ledger_fail(ledger, "the audit log is not written", &err);
	for (size_t i = 0; i < ledger->batch_count; i++) {
		const struct ck_waiter *waiter = &ledger->batch[i];
		if (!stands || !waiter->answer.flush_first) {
			answer(waiter, stands);
		} else if (!ck_waiters_add(&ledger->waiters, waiter)) {
			ck_ledger_flush(ledger);
			answer(waiter, !ledger->failed);
		}
	}
	ledger->batch_count = 0;
	if (!stands) return;
	ck_ledger_time_flush(ledger);
	arm_flush(ledger);
}
