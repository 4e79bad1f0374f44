/* What the ledger does about a message. Trusts that the sender is the process it says (the channel says so), and nothing in the message
   before ck_event_check. Starts from "refused"; an answer is true on one line of each path. */
#include "authd/ledger_book.h"

#include <stdlib.h>
#include <string.h>

#include "authd/ledger_budget.h"
#include "authd/ledger_event.h"
#include "authd/ledger_state.h"
#include "authd/ledger_use.h"
#include "authd/wall.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/model/record.h"

/* Between snapshots at least so many records (read again at start, four microseconds each), and one for so many keys (written each time). */
#define SNAPSHOT_RECORDS 4000
#define SNAPSHOT_KEYS_A_RECORD 8
/* Checkpoints on demand: so many at once, then one a second. */
#define CHECKPOINT_CREDIT 10

struct ck_book {
	struct ck_book_settings settings;
	struct ck_chain *chain;
	struct ck_state state;
	struct ck_budgets *budgets;
	struct ck_wall wall;
	bool behind;                      /* the clock, as it was recorded */
	int64_t seen_wall_ms, seen_boot_ms; /* when both were looked at last; 0: not yet */
	unsigned in_batch;
	uint64_t snapshot_seq;     /* of the last snapshot */
	uint32_t snapshot_segment;
	uint64_t checkpoint_seq;   /* of the last checkpoint; 0: none by this process */
	int64_t checkpoint_ms, credit_ms;
	unsigned credit;
	int64_t full_told_ms;
	char checkpoint[1024];
	bool counts_wanted;        /* see wait_for_counts */
	struct ck_event_fields fields; /* of the record that is being made */
};

/* ---- adding records ---- */

static bool add(struct ck_book *book, const char *event, bool essential)
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
	return add(book, event, essential);
}

static bool add_coalesced(struct ck_book *book, const struct ck_coalesced *coalesced)
{
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "user", ck_text_of(coalesced->user));
	if (coalesced->host[0] != '\0') ck_event_fields_text(&book->fields, "remote-host", ck_text_of(coalesced->host));
	ck_event_fields_uint(&book->fields, "count", coalesced->count);
	return add(book, "coalesced", false);
}

void ck_book_alarm(struct ck_book *book, struct ck_text detail)
{
	(void)add_text(book, "alarm", "detail", detail, false);
}

void ck_book_note(struct ck_book *book, struct ck_text detail)
{
	(void)add_text(book, "process", "detail", detail, false);
}

/* ---- a message ---- */

static struct ck_text text_of(const struct ck_map *message, unsigned key)
{
	if ((message->present & CK_KEY(key)) == 0) return (struct ck_text){ NULL, 0 };
	return (struct ck_text){ (const char *)message->at[key].span.at, message->at[key].span.length };
}

static uint64_t number_of(const struct ck_map *message, unsigned key)
{
	return (message->present & CK_KEY(key)) != 0 ? message->at[key].number : 0;
}

/* Whether this refusal is only counted. The pair that had to make room for it is recorded. */
static bool coalesced(struct ck_book *book, const struct ck_map *message)
{
	struct ck_coalesced evicted;
	int64_t now_ms = ck_clock_monotonic_ms();
	bool record = ck_budgets_take(book->budgets, text_of(message, CK_F_USER), text_of(message, CK_F_REMOTE_HOST), now_ms, &evicted);
	if (evicted.count > 0 && !add_coalesced(book, &evicted)) ck_budgets_give_back(book->budgets, &evicted, now_ms);
	return !record;
}

/* In the place of what was asked to be recorded, unless that stands all the same. */
static bool alarm_counter(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, const char *fault, uint32_t other)
{
	bool stands = strcmp(fault, "overtaken") == 0;
	bool own = strcmp(fault, "back") == 0 || strcmp(fault, "leap") == 0;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "event", ck_text_of(rule->name));
	ck_event_fields_take(&book->fields, message);
	ck_event_fields_uint(&book->fields, own ? "last" : "learned", other);
	ck_event_fields_text(&book->fields, "fault", ck_text_of(fault));
	ck_event_fields_text(&book->fields, "outcome", ck_text_of(stands ? "stands" : "refused"));
	ck_log(CK_LOG_ALARM, "the counter of a key says %llu, and %s %u: %s", (unsigned long long)number_of(message, CK_F_COUNT),
	       own ? "said before" : "said elsewhere", other,
	       strcmp(fault, "leap") == 0 ? "no key counts so fast; a gate may be lying" : "there may be a copy of the key");
	return add(book, "counter-alarm", true);
}

static bool is_counted(const struct ck_event_rule *rule, const struct ck_map *message)
{
	return (rule->what & CK_EVENT_COUNTED) != 0 && (message->present & CK_KEY(CK_F_COUNT)) != 0;
}

/* When the statement was issued that the key signed. Without a word about it: just now, so that whatever was learned was known before. */
static int64_t issued_ms(const struct ck_book *book, const struct ck_map *message)
{
	int64_t age_ms, limit_ms = (int64_t)book->settings.challenge_limit_s * 1000;
	if (ck_map_int(message, CK_F_AGE, &age_ms) != CK_OK || age_ms < 0) age_ms = 0;
	return ck_clock_monotonic_ms() - (age_ms < limit_ms ? age_ms : limit_ms);
}

/* Why it does not stand, or NULL. What a gate says of a count nobody else has verified: it shall not lock a key by a count that is far ahead. */
static const char *counter_fault(struct ck_book *book, const struct ck_event_rule *rule, enum ck_process from, const struct ck_map *message)
{
	static const char *const faults[] = { [CK_COUNTER_BACK] = "back", [CK_COUNTER_BEHIND] = "behind", [CK_COUNTER_OVERTAKEN] = "overtaken" };
	uint32_t other, count = (uint32_t)number_of(message, CK_F_COUNT);
	if (!is_counted(rule, message)) return NULL;
	const uint8_t *key = message->at[CK_F_HASH].span.at;
	if (from == CK_PROCESS_GATE && ck_counters_leaps(book->state.counters, key, count, ck_wall_now(&book->wall).s, &other)) {
		(void)alarm_counter(book, rule, message, "leap", other);
		return "counter-leap";
	}
	enum ck_counter_verdict verdict = ck_counters_judge(book->state.counters, key, count, issued_ms(book, message), &other);
	if (verdict == CK_COUNTER_STANDS) return NULL;
	bool alarmed = alarm_counter(book, rule, message, faults[verdict], other);
	return alarmed && verdict == CK_COUNTER_OVERTAKEN ? NULL : "counter";
}

static void take_login(const struct ck_map *message, struct ck_login *out)
{
	memcpy(out->id, message->at[CK_F_LOGIN_ID].span.at, sizeof out->id);
	out->peer_uid = (uint32_t)number_of(message, CK_F_PEER_UID);
	out->remote = text_of(message, CK_F_REMOTE_HOST).length > 0;
	out->account = text_of(message, CK_F_ACCOUNT);
	out->service = text_of(message, CK_F_SERVICE);
}

bool ck_book_leaders(const struct ck_map *message, struct ck_leader out[CK_LEADERS_LIMIT], size_t *out_count)
{
	struct ck_items items;
	struct ck_item pid, start;
	*out_count = 0;
	if (ck_map_array(message, CK_F_ANCESTORS, 2 * CK_LEADERS_LIMIT, &items) != CK_OK) return false;
	while (ck_items_next(&items, &pid)) {
		if (!ck_items_next(&items, &start) || pid.type != CK_CBOR_UINT || start.type != CK_CBOR_UINT) return false;
		out[(*out_count)++] = (struct ck_leader){ pid.number, start.number };
	}
	return true;
}

/* A session for which no login was granted is refused, and recorded as such. */
static bool open_session(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, struct ck_book_answer *answer)
{
	struct ck_session session;
	take_login(message, &session.login);
	session.remote_host = text_of(message, CK_F_REMOTE_HOST);
	if (!ck_book_leaders(message, session.leaders, &session.leaders_count)) return false;
	answer->reason = ck_sessions_refuse(book->state.sessions, &session, ck_clock_boot_ms() / 1000);
	if (answer->reason != NULL && coalesced(book, message)) return false;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	if (answer->reason != NULL) {
		ck_event_fields_text(&book->fields, "refused", ck_text_of(answer->reason));
		(void)add(book, "session-refused", false);
		return false;
	}
	if (!add(book, rule->name, true)) {
		answer->reason = "unrecorded";
		return false;
	}
	ck_sessions_open(book->state.sessions, &session);
	return true;
}

static bool close_session(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, struct ck_book_answer *answer)
{
	if (!ck_sessions_close(book->state.sessions, message->at[CK_F_LOGIN_ID].span.at)) {
		answer->reason = "no-session";
		return false;
	}
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	if (add(book, rule->name, true)) return true;
	answer->reason = "unrecorded";
	return false;
}

/* After the record is in the batch: what it means for those that come later. */
static bool take_effect(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	if (is_counted(rule, message) && ck_counters_advance(book->state.counters, message->at[CK_F_HASH].span.at,
	                                                     (uint32_t)number_of(message, CK_F_COUNT), ck_wall_now(&book->wall).s) != CK_OK)
		return false;
	if ((rule->what & CK_EVENT_RESETS) != 0) ck_counters_forget(book->state.counters, message->at[CK_F_HASH].span.at);
	if ((rule->what & CK_EVENT_GRANTS) != 0) {
		struct ck_login login;
		take_login(message, &login);
		ck_sessions_grant(book->state.sessions, &login, ck_clock_boot_ms() / 1000);
	}
	return true;
}

/* ---- the clock ---- */

static void add_clock(struct ck_book *book, const char *event, int64_t clock_s, int64_t known_s)
{
	char clock[CK_TIME_TEXT_BYTES], known[CK_TIME_TEXT_BYTES];
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "clock", ck_text_of(ck_time_format(clock_s, clock)));
	ck_event_fields_text(&book->fields, "known", ck_text_of(ck_time_format(known_s, known)));
	(void)add(book, event, true);
	ck_log(CK_LOG_ALARM, "%s: the machine's clock says %s, and it is known to have been %s", event, clock, known);
}

/* A clock that goes forward may be right; where it is not, what begins later has begun already. */
static void mind_jump(struct ck_book *book)
{
	int64_t wall_ms = ck_clock_wall_us() / 1000, boot_ms = ck_clock_boot_ms();
	if (wall_ms <= 0 || boot_ms <= 0) return; /* one of them cannot be read */
	int64_t expected_ms = book->seen_wall_ms + boot_ms - book->seen_boot_ms;
	if (book->seen_boot_ms != 0 && wall_ms - expected_ms > CK_WALL_TOLERANCE_S * 1000)
		add_clock(book, "clock-jumped", wall_ms / 1000, expected_ms / 1000);
	book->seen_wall_ms = wall_ms;
	book->seen_boot_ms = boot_ms;
}

static void mind_clock(struct ck_book *book)
{
	mind_jump(book);
	struct ck_moment now = ck_wall_now(&book->wall);
	if (now.behind != book->behind) add_clock(book, now.behind ? "clock-behind" : "clock-caught-up", ck_clock_wall_s(), now.s);
	book->behind = now.behind;
}

/* Root says that the clock is right. From here on records carry its time; the first of them is this one. */
static bool confirm_clock(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, struct ck_book_answer *answer)
{
	char known[CK_TIME_TEXT_BYTES];
	int64_t clock_s = ck_clock_wall_s();
	struct ck_moment now = ck_wall_now(&book->wall);
	answer->reason = !now.behind ? "clock-right" : clock_s < CK_CLOCK_EPOCH_S ? "clock-unset" : book->in_batch > 0 ? "unrecorded" : NULL;
	if (answer->reason != NULL) return false;
	ck_log(CK_LOG_ALARM, "root says that the machine's clock is right, though it was %s", ck_time_format(now.s, known));
	ck_wall_confirm(&book->wall);
	ck_chain_set_clock_back(book->chain);
	book->behind = false;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	ck_event_fields_text(&book->fields, "known", ck_text_of(known));
	if (add(book, rule->name, true)) return true;
	answer->reason = "unrecorded";
	return false;
}

/* The gate decides by what it was told of the clock; here is where it is known. */
static bool outlasts_doubt(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	int64_t until_s = 0;
	if ((rule->what & CK_EVENT_GRANTS) == 0 || !ck_wall_now(&book->wall).behind) return true;
	return ck_map_int(message, CK_F_UNTIL, &until_s) == CK_OK && until_s == CK_TIME_UNLIMITED;
}

static bool record(struct ck_book *book, const struct ck_event_rule *rule, enum ck_process from, const struct ck_map *message,
                   struct ck_book_answer *answer)
{
	if (rule->event == CK_EVENT_CLOCK_CONFIRMED) {
		answer->flush_first = true;
		return confirm_clock(book, rule, message, answer);
	}
	if (!outlasts_doubt(book, rule, message)) {
		answer->reason = "clock";
		return false;
	}
	if ((rule->what & CK_EVENT_OPENS) != 0) return open_session(book, rule, message, answer);
	if ((rule->what & CK_EVENT_CLOSES) != 0) return close_session(book, rule, message, answer);
	if ((rule->what & CK_EVENT_BUDGETED) != 0 && number_of(message, CK_F_PROVED) == CK_PROVED_NOTHING && coalesced(book, message)) return true;
	answer->flush_first = (rule->what & CK_EVENT_FLUSHED) != 0;
	if (book->counts_wanted && from == CK_PROCESS_GATE && is_counted(rule, message)) {
		answer->reason = "unrecorded";
		return false;
	}
	answer->reason = counter_fault(book, rule, from, message);
	if (answer->reason != NULL) return false;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	if (add(book, rule->name, (rule->what & CK_EVENT_ESSENTIAL) != 0) && take_effect(book, rule, message)) return true;
	answer->reason = "unrecorded";
	return false;
}

enum ck_error ck_book_record(struct ck_book *book, enum ck_process from, const struct ck_map *message, struct ck_book_answer *out)
{
	uint64_t event;
	*out = (struct ck_book_answer){ .verdict = false };
	if (ck_map_uint(message, CK_F_EVENT, 0, UINT64_MAX, &event) != CK_OK) return CK_ERR_INVALID;
	const struct ck_event_rule *rule = ck_event_rule_of(event);
	if (rule == NULL) return CK_ERR_INVALID;
	enum ck_error error = ck_event_check(rule, from, message);
	if (error != CK_OK) return error;
	if ((rule->what & CK_EVENT_ALARMING) != 0) {
		struct ck_text detail = text_of(message, CK_F_DETAIL);
		ck_log(CK_LOG_ALARM, "%s: %.*s", rule->name, (int)(detail.length < 400 ? detail.length : 400), detail.length > 0 ? detail.at : "");
	}
	out->verdict = record(book, rule, from, message, out);
	return CK_OK;
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
		if (add_coalesced(book, &due)) continue;
		ck_budgets_give_back(book->budgets, &due, now_ms);
		return;
	}
}

enum ck_error ck_book_tick(struct ck_book *book, struct ck_errmsg *err)
{
	struct ck_chain_place place;
	const char *line;
	record_coalesced(book, false);
	mind_clock(book);
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
		(void)add_coalesced(book, &due);
		if (!ck_book_has_room(book)) error = ck_book_write(book, err);
	}
	if (error != CK_OK) return error;
	ck_event_fields_begin(&book->fields);
	(void)add(book, "stopped", true);
	return ck_book_checkpoint(book, &line, err);
}

/* ---- start ---- */

static enum ck_error record_start(struct ck_book *book, size_t cut_bytes, struct ck_errmsg *err)
{
	if (cut_bytes > 0) {
		ck_log(CK_LOG_WARNING, "a torn last record of %zu bytes was cut off the audit log", cut_bytes);
		ck_event_fields_begin(&book->fields);
		ck_event_fields_uint(&book->fields, "bytes", cut_bytes);
		(void)add(book, "cut", true);
	}
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "version", ck_text_of(CK_VERSION));
	ck_event_fields_text(&book->fields, "boot", ck_text_of(book->settings.boot));
	if (!add(book, "started", true)) return ck_fail(err, CK_ERR_IO, "the audit log takes no record: the disk is full, and its reserve is used up");
	mind_clock(book);
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
	if (error == CK_OK) error = ck_state_new(&book->state);
	if (error == CK_OK) error = ck_budgets_new(settings->refusals_per_minute, &book->budgets);
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
		return error;
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
	free(*book);
	*book = NULL;
}
