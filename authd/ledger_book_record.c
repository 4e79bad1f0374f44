/* What the ledger does about a message. Trusts that the sender is the process it says (the channel says so), and nothing in the message
   before ck_event_check. Starts from "refused"; an answer is true on one line of each path. */
#include "authd/ledger_book_state.h"

#include <string.h>

#include "directory/base/clock.h"
#include "directory/base/log.h"

static struct ck_text text_of(const struct ck_map *message, unsigned key)
{
	if ((message->present & CK_KEY(key)) == 0) return (struct ck_text){ NULL, 0 };
	return (struct ck_text){ (const char *)message->at[key].span.at, message->at[key].span.length };
}

static uint64_t number_of(const struct ck_map *message, unsigned key)
{
	return (message->present & CK_KEY(key)) != 0 ? message->at[key].number : 0;
}

bool ck_book_coalesced(struct ck_book *book, const struct ck_map *message)
{
	struct ck_coalesced evicted;
	int64_t now_ms = ck_clock_monotonic_ms();
	bool record = ck_budgets_take(book->budgets, text_of(message, CK_F_USER), text_of(message, CK_F_REMOTE_HOST), now_ms, &evicted);
	if (evicted.count > 0 && !ck_book_add_coalesced(book, &evicted)) ck_budgets_give_back(book->budgets, &evicted, now_ms);
	return !record;
}

/* The digest of a code is not written down. */
static void take_fields(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	if ((rule->what & CK_EVENT_VOUCHES) != 0) ck_vouch_act_fields(&book->act, message, &book->fields);
	else ck_event_fields_take(&book->fields, message);
}

/* A person's budget: who has no key of theirs spends nothing of it, so nobody is locked out by strangers. Past it a refusal is counted, and a
   grant does not stand. Before the counter is judged, whose alarms are recorded one by one. */
static bool overspent(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, int64_t *out_wait_ms)
{
	struct ck_text user = text_of(message, CK_F_USER);
	bool proved = number_of(message, CK_F_PROVED) != CK_PROVED_NOTHING || (rule->what & CK_EVENT_COUNTED) != 0;
	*out_wait_ms = 0;
	if ((rule->what & CK_EVENT_SPENDS) != 0 && proved)
		*out_wait_ms = ck_rates_take(book->logins, ck_bytes_of(user), ck_clock_monotonic_ms());
	return *out_wait_ms > 0;
}

static void record_limited(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	if (ck_book_coalesced(book, message)) return;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "event", ck_text_of(rule->name));
	take_fields(book, rule, message);
	(void)ck_book_add(book, "login-limited", false);
}

int64_t ck_book_try(struct ck_book *book, struct ck_bytes source)
{
	return ck_rates_take(book->tries, source, ck_clock_monotonic_ms());
}

void ck_book_proved(struct ck_book *book, struct ck_bytes source)
{
	ck_rates_give_back(book->tries, source, ck_clock_monotonic_ms());
}

/* In the place of what was asked to be recorded, unless that stands all the same. */
static bool alarm_counter(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message, const char *fault, uint32_t other)
{
	bool stands = strcmp(fault, "overtaken") == 0;
	bool own = strcmp(fault, "back") == 0 || strcmp(fault, "leap") == 0;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_text(&book->fields, "event", ck_text_of(rule->name));
	take_fields(book, rule, message);
	ck_event_fields_uint(&book->fields, own ? "last" : "learned", other);
	ck_event_fields_text(&book->fields, "fault", ck_text_of(fault));
	ck_event_fields_text(&book->fields, "outcome", ck_text_of(stands ? "stands" : "refused"));
	ck_log(CK_LOG_ALARM, "the counter of a key says %llu, and %s %u: %s", (unsigned long long)number_of(message, CK_F_COUNT),
	       own ? "said before" : "said elsewhere", other,
	       strcmp(fault, "leap") == 0 ? "no key counts so fast; a gate may be lying" : "there may be a copy of the key");
	return ck_book_add(book, "counter-alarm", true);
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

/* ---- passwords ---- */

static struct ck_attempt attempt_of(const struct ck_map *message)
{
	return (struct ck_attempt){ .user = text_of(message, CK_F_USER), .remote_host = text_of(message, CK_F_REMOTE_HOST),
		                        .tty = text_of(message, CK_F_TTY), .peer_uid = number_of(message, CK_F_PEER_UID) };
}

/* False: none is left, and answer says until when. What is refused here is recorded, too: somebody's key was touched for it. */
static bool may_try(struct ck_book *book, const struct ck_map *message, struct ck_book_answer *answer)
{
	struct ck_attempt attempt = attempt_of(message);
	answer->wait_ms = ck_attempts_take(book->state.attempts, &attempt, ck_clock_boot_ms());
	if (answer->wait_ms == 0) return true;
	answer->reason = "attempts";
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	(void)ck_book_add(book, "password-refused", false);
	return false;
}

static void take_outcome(struct ck_book *book, const struct ck_map *message)
{
	struct ck_attempt attempt = attempt_of(message);
	switch (ck_event_password_outcome(text_of(message, CK_F_REASON))) {
	case CK_OUTCOME_RIGHT:
		ck_attempts_was_right(book->state.attempts, &attempt);
		ck_attempts_await(book->state.attempts, message->at[CK_F_DIGEST].span.at, attempt.user, ck_clock_boot_ms());
		break;
	case CK_OUTCOME_NONE: ck_attempts_was_none(book->state.attempts, &attempt); break;
	case CK_OUTCOME_COUNTS: break;
	}
}

/* A login that is said to have shown a password: the replica has said so, too, of just this touch, and once. */
static bool has_its_password(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	if (rule->event != CK_EVENT_LOGIN_GRANTED || (message->present & CK_KEY(CK_F_DIGEST)) == 0) return true;
	return ck_attempts_redeem(book->state.attempts, message->at[CK_F_DIGEST].span.at, text_of(message, CK_F_USER), ck_clock_boot_ms());
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
	if (answer->reason != NULL && ck_book_coalesced(book, message)) return false;
	ck_event_fields_begin(&book->fields);
	ck_event_fields_take(&book->fields, message);
	if (answer->reason != NULL) {
		ck_event_fields_text(&book->fields, "refused", ck_text_of(answer->reason));
		(void)ck_book_add(book, "session-refused", false);
		return false;
	}
	if (!ck_book_add(book, rule->name, true)) {
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
	if (ck_book_add(book, rule->name, true)) return true;
	answer->reason = "unrecorded";
	return false;
}

/* After the record is in the batch: what it means for those that come later. */
static bool take_effect(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	if (is_counted(rule, message) && ck_counters_advance(book->state.counters, message->at[CK_F_HASH].span.at,
	                                                     (uint32_t)number_of(message, CK_F_COUNT), ck_wall_now(&book->wall).s) != CK_OK)
		return false;
	if ((rule->what & CK_EVENT_VOUCHES) != 0 &&
	    ck_vouch_act_take(&book->act, book->vouches, ck_clock_boot_ms(), (int64_t)book->settings.vouch_limit_s * 1000,
	                      ck_wall_now(&book->wall).s) != CK_OK)
		return false;
	if ((rule->what & CK_EVENT_RESETS) != 0) ck_counters_forget(book->state.counters, message->at[CK_F_HASH].span.at);
	if ((rule->what & CK_EVENT_TRIED) != 0) take_outcome(book, message);
	if ((rule->what & CK_EVENT_GRANTS) != 0) {
		struct ck_login login;
		take_login(message, &login);
		ck_sessions_grant(book->state.sessions, &login, ck_clock_boot_ms() / 1000);
	}
	return true;
}

/* What looks people up costs; NULL: it is paid for. A refusal is an alarm once, then one among other refusals. */
static const char *search_fault(struct ck_book *book, const struct ck_event_rule *rule, const struct ck_map *message)
{
	struct ck_id person, authority;
	enum ck_find_budget budget = (enum ck_find_budget)number_of(message, CK_F_BUDGET);
	bool searches = (rule->what & CK_EVENT_SEARCHES) != 0;
	if ((rule->what & (CK_EVENT_SEARCHES | CK_EVENT_SHOWS)) == 0 || budget == CK_FIND_BUDGET_NONE) return NULL;
	memcpy(person.bytes, message->at[searches ? CK_F_ID : CK_F_TARGET].span.at, sizeof person.bytes);
	memcpy(authority.bytes, message->at[CK_F_AUTHORITY].span.at, sizeof authority.bytes);
	uint64_t people = searches ? number_of(message, CK_F_COUNT) : 1;
	struct ck_find_charge charge = ck_finds_charge(book->state.finds, person, authority, budget, people, ck_clock_boot_ms());
	if (charge.verdict == CK_FIND_WITHIN) return NULL;
	const char *fault = charge.verdict == CK_FIND_OVER_AUTHORITY ? "budget-authority" : "budget";
	if (!charge.first && ck_book_coalesced(book, message)) return fault;
	if (charge.first) {
		char user[64];
		ck_log(CK_LOG_ALARM, "find-refused: %s has looked up as many people of other authorities as one %s may in a day",
		       ck_escape(ck_bytes_of(text_of(message, CK_F_USER)), user, sizeof user),
		       charge.verdict == CK_FIND_OVER_AUTHORITY ? "authority" : "person");
	}
	ck_event_fields_begin(&book->fields);
	if (searches) ck_event_fields_take(&book->fields, message);
	else ck_vouch_act_fields(&book->act, message, &book->fields); /* a code's digest is in no record */
	ck_event_fields_text(&book->fields, "fault", ck_text_of(fault));
	(void)ck_book_add(book, "find-refused", false);
	return fault;
}

static bool record(struct ck_book *book, const struct ck_event_rule *rule, enum ck_process from, const struct ck_map *message,
                   struct ck_book_answer *answer)
{
	if (rule->event == CK_EVENT_CLOCK_CONFIRMED) {
		answer->flush_first = true;
		return ck_book_confirm_clock(book, rule, message, answer);
	}
	if (!ck_book_outlasts_doubt(book, rule, message)) {
		answer->reason = "clock";
		return false;
	}
	if ((rule->what & CK_EVENT_OPENS) != 0) return open_session(book, rule, message, answer);
	if ((rule->what & CK_EVENT_CLOSES) != 0) return close_session(book, rule, message, answer);
	if ((rule->what & CK_EVENT_BUDGETED) != 0 && number_of(message, CK_F_PROVED) == CK_PROVED_NOTHING && ck_book_coalesced(book, message)) return true;
	if (overspent(book, rule, message, &answer->wait_ms)) {
		answer->reason = "too-many-logins";
		record_limited(book, rule, message);
		return (rule->what & CK_EVENT_BUDGETED) != 0; /* a refusal stands, counted */
	}
	answer->flush_first = (rule->what & CK_EVENT_FLUSHED) != 0;
	if (book->counts_wanted && (from == CK_PROCESS_GATE || (rule->what & CK_EVENT_TRIES) != 0) && is_counted(rule, message)) {
		answer->reason = "unrecorded";
		return false;
	}
	if ((rule->what & CK_EVENT_VOUCHES) != 0) answer->reason = ck_vouch_act_refuse(&book->act, book->vouches, ck_clock_boot_ms());
	if (answer->reason != NULL) return ck_book_refuse_vouch(book, message, answer);
	answer->reason = counter_fault(book, rule, from, message);
	if (answer->reason == NULL) answer->reason = search_fault(book, rule, message);
	if (answer->reason != NULL) return false;
	if (!has_its_password(book, rule, message)) {
		answer->reason = "password";
		return false;
	}
	if ((rule->what & CK_EVENT_TRIES) != 0 && !may_try(book, message, answer)) return false;
	ck_event_fields_begin(&book->fields);
	take_fields(book, rule, message);
	if (ck_book_add(book, rule->name, (rule->what & CK_EVENT_ESSENTIAL) != 0) && take_effect(book, rule, message)) return true;
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
	if (error == CK_OK && (rule->what & CK_EVENT_VOUCHES) != 0 && !ck_vouch_act_read(message, rule->event, &book->act)) error = CK_ERR_INVALID;
	if (error != CK_OK) return error;
	if ((message->present & CK_KEY(CK_F_SOURCE)) != 0) ck_book_proved(book, message->at[CK_F_SOURCE].span);
	if ((rule->what & CK_EVENT_ALARMING) != 0) {
		struct ck_text detail = text_of(message, CK_F_DETAIL);
		ck_log(CK_LOG_ALARM, "%s: %.*s", rule->name, (int)(detail.length < 400 ? detail.length : 400), detail.length > 0 ? detail.at : "");
	}
	out->verdict = record(book, rule, from, message, out);
	return CK_OK;
}
