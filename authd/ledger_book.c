/* The book as a whole: it is opened, written, flushed, signed and closed. What a message does to it: ledger_book_record.c. */
#include "authd/ledger_book_state.h"

#include <stdlib.h>
#include <string.h>

#include "authd/ledger_use.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

/* Between snapshots at least so many records (read again at start, four microseconds each), and one for so many keys (written each time). */
#define SNAPSHOT_RECORDS 4000
#define SNAPSHOT_KEYS_A_RECORD 8
/* Checkpoints on demand: so many at once, then one a second. */
#define CHECKPOINT_CREDIT 10

/* ---- adding records ---- */

bool ck_book_add(struct ck_book *book, const char *event, bool essential)
{
	struct ck_errmsg err;
	if (ck_chain_add(book->chain, event, book->fields.at, book->fields.count, essential, NULL, &err) == CK_OK) {
		book->in_batch++;
		return true;
	}
	int64_t now_ms = ck_clock_monotonic_ms();
	if (book->full_told_ms == 0 || now_ms - book->full_told_ms > 10000) {
		ck_log(CK_LOG_ALARM, "not recorded: %s: %s", event, err.text);
		book->full_told_ms = now_ms;
	}
	return false;
}

static bool add_text(struct ck_book *book, const char *event, const char *name, struct ck_text text, bool essential)
{
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, name, text);
	return ck_book_add(book, event, essential);
}

bool ck_book_add_coalesced(struct ck_book *book, const struct ck_coalesced *coalesced)
{
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "user", ck_text_of(coalesced->user));
	if (coalesced->host[0] != '\0') ck_event_fields_text(&book->fields, "remote-host", ck_text_of(coalesced->host));
	ck_event_fields_uint(&book->fields, "count", coalesced->count);
	return ck_book_add(book, "coalesced", false);
}

void ck_book_alarm(struct ck_book *book, struct ck_text detail)
{
	(void)add_text(book, "alarm", "detail", detail, false);
}

void ck_book_note(struct ck_book *book, struct ck_text detail)
{
	(void)add_text(book, "process", "detail", detail, false);
}

/* ---- the directory's counters ---- */

enum ck_error ck_book_uses(struct ck_book *book, const struct ck_map *message, struct ck_use out[CK_USES_DUE_LIMIT], size_t *out_count,
                           struct ck_errmsg *err)
{
	static struct ck_uses_asked asked; /* large; one thread */
	*out_count = 0;
	if (ck_uses_read(message, &asked) != CK_OK) return CK_ERR_INVALID;
	if (ck_uses_take(book->state.counters, &asked, ck_clock_monotonic_ms()) != CK_OK)
		return ck_fail(err, CK_ERR_MEMORY, "no memory for the counters that the directory has");
	if (asked.last) book->counts_wanted = false;
	*out_count = ck_uses_due(book->state.counters, &asked, ck_wall_now(&book->wall).s, (int64_t)book->settings.key_use_interval_s, out);
	return CK_OK;
}

/* ---- writing ---- */

/* An event adds two records at most: its own, and a pair that made room. */
bool ck_book_has_room(const struct ck_book *book) { return book->in_batch + 2 <= CK_CHAIN_BATCH_RECORDS; }
bool ck_book_needs_flush(const struct ck_book *book) { return ck_chain_needs_flush(book->chain); }
int ck_book_flush_fd(const struct ck_book *book) { return ck_chain_flush_fd(book->chain); }

enum ck_error ck_book_write(struct ck_book *book, struct ck_errmsg *err)
{
	if (book->in_batch == 0) return CK_OK;
	book->in_batch = 0;
	return ck_chain_write(book->chain, err);
}

/* A snapshot that fails is a slower start, no more. */
static void save(struct ck_book *book, const struct ck_chain_place *place, bool durable)
{
	struct ck_errmsg err;
	if (ck_state_save(&book->state, book->settings.directory, place, durable, &err) != CK_OK) ck_log(CK_LOG_ERROR, "no snapshot: %s", err.text);
	book->snapshot_seq = place->seq;
	book->snapshot_segment = place->segment;
}

enum ck_error ck_book_flush(struct ck_book *book, struct ck_errmsg *err) { return ck_chain_flush(book->chain, err); }

static bool snapshot_due(const struct ck_book *book, const struct ck_chain_place *place)
{
	uint64_t due = ck_counters_count(book->state.counters) / SNAPSHOT_KEYS_A_RECORD;
	if (due < SNAPSHOT_RECORDS) due = SNAPSHOT_RECORDS;
	return place->segment != book->snapshot_segment || place->seq - book->snapshot_seq >= due;
}

enum ck_error ck_book_flush_begin(struct ck_book *book, bool *out_done, struct ck_errmsg *err)
{
	struct ck_chain_place place;
	ck_chain_where(book->chain, &place);
	if (!snapshot_due(book, &place)) return ck_chain_flush_begin(book->chain, out_done, err);
	*out_done = true;
	return ck_chain_flush(book->chain, err);
}

enum ck_error ck_book_flush_end(struct ck_book *book, bool *out_done, struct ck_errmsg *err)
{
	return ck_chain_flush_end(book->chain, out_done, err);
}

void ck_book_settle(struct ck_book *book)
{
	struct ck_chain_place place;
	/* what waits in the batch is in the counters, not in the log: a snapshot would know more than the place it names */
	if (book->in_batch > 0 || !ck_chain_is_flushed(book->chain)) return;
	ck_chain_where(book->chain, &place);
	if (snapshot_due(book, &place)) save(book, &place, false);
}

/* ---- checkpoints, time, stop ---- */

bool ck_book_checkpoint_allowed(struct ck_book *book)
{
	int64_t now_ms = ck_clock_monotonic_ms();
	while (book->credit < CHECKPOINT_CREDIT && now_ms - book->credit_ms >= 1000) {
		book->credit++;
		book->credit_ms += 1000;
	}
	if (book->credit == CHECKPOINT_CREDIT) book->credit_ms = now_ms;
	if (book->credit == 0) return false;
	book->credit--;
	return true;
}

enum ck_error ck_book_checkpoint(struct ck_book *book, const char **out_line, struct ck_errmsg *err)
{
	struct ck_chain_place place;
	*out_line = book->checkpoint;
	enum ck_error error = ck_book_write(book, err);
	if (error == CK_OK) error = ck_book_flush(book, err);
	if (error != CK_OK) return error;
	ck_chain_where(book->chain, &place);
	if (book->checkpoint_seq > 0 && book->checkpoint_seq == place.seq) return CK_OK;
	book->checkpoint_ms = ck_clock_monotonic_ms();
	error = ck_chain_checkpoint(book->chain, book->checkpoint, sizeof book->checkpoint, err);
	if (error != CK_OK) return error;
	ck_chain_where(book->chain, &place);
	book->checkpoint_seq = place.seq;
	save(book, &place, true);
	return CK_OK;
}

static void record_coalesced(struct ck_book *book, bool all)
{
	struct ck_coalesced due;
	int64_t now_ms = ck_clock_monotonic_ms();
	while (ck_book_has_room(book) && ck_budgets_due(book->budgets, now_ms, all, &due)) {
		if (ck_book_add_coalesced(book, &due)) continue;
		ck_budgets_give_back(book->budgets, &due, now_ms);
		return;
	}
}

enum ck_error ck_book_tick(struct ck_book *book, struct ck_errmsg *err)
{
	struct ck_chain_place place;
	const char *line;
	record_coalesced(book, false);
	ck_book_mind_clock(book);
	ck_chain_where(book->chain, &place);
	int64_t age_ms = ck_clock_monotonic_ms() - book->checkpoint_ms;
	if (age_ms / 1000 < (int64_t)book->settings.checkpoint_interval_s || place.seq == book->checkpoint_seq) return CK_OK;
	enum ck_error error = ck_book_checkpoint(book, &line, err);
	if (error == CK_OK || ck_chain_is_broken(book->chain)) return error;
	ck_log(CK_LOG_ALARM, "no checkpoint: %s", err->text);
	return CK_OK;
}

enum ck_book_room ck_book_room(struct ck_book *book)
{
	if (ck_chain_would_take(book->chain, false)) return CK_BOOK_ROOM;
	return ck_chain_would_take(book->chain, true) ? CK_BOOK_RESERVE : CK_BOOK_FULL;
}

int64_t ck_book_known_s(const struct ck_book *book) { return book->wall.floor_s; }

bool ck_book_find_session(struct ck_book *book, const struct ck_leader *leaders, size_t count, struct ck_text *out_host)
{
	return ck_sessions_find(book->state.sessions, leaders, count, out_host);
}

enum ck_error ck_book_stop(struct ck_book *book, struct ck_errmsg *err)
{
	const char *line;
	enum ck_error error = ck_book_write(book, err);
	for (struct ck_coalesced due; error == CK_OK && ck_budgets_due(book->budgets, 0, true, &due);) {
		(void)ck_book_add_coalesced(book, &due);
		if (!ck_book_has_room(book)) error = ck_book_write(book, err);
	}
	if (error != CK_OK) return error;
	ck_event_fields_begin(&book->fields);
	(void)ck_book_add(book, "stopped", true);
	return ck_book_checkpoint(book, &line, err);
}

/* ---- start ---- */

static enum ck_error record_start(struct ck_book *book, size_t cut_bytes, struct ck_errmsg *err)
{
	if (cut_bytes > 0) {
		ck_log(CK_LOG_WARNING, "a torn last record of %zu bytes was cut off the audit log", cut_bytes);
		ck_event_fields_begin(&book->fields);
		ck_event_fields_uint(&book->fields, "bytes", cut_bytes);
		(void)ck_book_add(book, "cut", true);
	}
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "version", ck_text_of(CK_VERSION));
	ck_event_fields_text(&book->fields, "boot", ck_text_of(book->settings.boot));
	if (!ck_book_add(book, "started", true)) return ck_fail(err, CK_ERR_IO, "the audit log takes no record: the disk is full, and its reserve is used up");
	ck_book_mind_clock(book);
	return ck_book_write(book, err);
}

enum ck_error ck_book_open(const struct ck_book_settings *settings, struct ck_book **out, struct ck_errmsg *err)
{
	size_t cut_bytes;
	uint64_t replayed;
	struct ck_chain_place place;
	*out = NULL;
	struct ck_book *book = calloc(1, sizeof *book);
	if (book == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for the ledger");
	book->settings = *settings;
	book->credit = CHECKPOINT_CREDIT;
	book->wall.floor_s = CK_CLOCK_EPOCH_S;
	book->checkpoint_ms = ck_clock_monotonic_ms();
	enum ck_error error = ck_chain_open(settings->directory, &settings->limits, &book->chain, &cut_bytes, err);
	if (error == CK_OK) error = ck_state_new(&settings->attempts, &settings->finds, &book->state);
	if (error == CK_OK) error = ck_budgets_new(settings->refusals_per_minute, &book->budgets);
	if (error == CK_OK) error = ck_rates_new(settings->tries_per_minute, &book->tries);
	if (error == CK_OK) error = ck_rates_new(settings->logins_per_minute, &book->logins);
	if (error == CK_OK) error = ck_vouches_new(&book->vouches);
	if (error == CK_OK) {
		ck_wall_raise(&book->wall, ck_chain_last_s(book->chain));
		ck_chain_not_before(book->chain, CK_CLOCK_EPOCH_S);
		ck_chain_where(book->chain, &place);
		book->snapshot_seq = place.seq;
		book->snapshot_segment = place.segment;
		error = ck_state_restore(&book->state, settings->directory, &place, settings->boot, &replayed, err);
	}
	if (error == CK_OK) {
		book->counts_wanted = settings->wait_for_counts && ck_counters_count(book->state.counters) == 0;
		book->snapshot_seq = place.seq - replayed; /* many that were read again: the next flush takes a snapshot */
		error = record_start(book, cut_bytes, err);
	}
	if (error != CK_OK) {
		ck_book_free(&book);
		return error == CK_ERR_MEMORY ? ck_fail(err, error, "no memory for the ledger") : error;
	}
	*out = book;
	return CK_OK;
}

void ck_book_free(struct ck_book **book)
{
	if (*book == NULL) return;
	ck_chain_close(&(*book)->chain);
	ck_state_free(&(*book)->state);
	ck_budgets_free(&(*book)->budgets);
	ck_rates_free(&(*book)->tries);
	ck_rates_free(&(*book)->logins);
	ck_vouches_free(&(*book)->vouches);
	free(*book);
	*book = NULL;
}
