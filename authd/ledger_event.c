/* The table of events. A sender that breaks it is malformed: the ledger trusts no other process further than this file says. */
#include "authd/ledger_event.h"

#include <string.h>

#include "authd/protocol/statement.h"
#include "directory/base/clock.h"
#include "directory/model/record.h"

/* ---- which event with what from whom ---- */

#define K(field) CK_KEY(CK_F_##field)
#define GATE CK_FROM(CK_PROCESS_GATE)
#define REPLICA CK_FROM(CK_PROCESS_REPLICA)
#define ANYBODY (GATE | REPLICA)

#define PEER (K(PEER_UID) | K(PEER_PID))
#define QUESTION (K(USER) | K(ACCOUNT) | K(SERVICE) | K(SYSTEM))
#define PLACE (K(TTY) | K(REMOTE_HOST) | PEER)
#define OUTCOME (K(REASON) | K(DETAIL) | K(PROVED) | K(RULE) | K(UNTIL) | K(AGE) | K(NAME))
#define TOUCH (K(HASH) | K(COUNT) | K(CREDENTIAL))
#define CHANGE (K(USER) | K(AS) | K(OPERATION) | K(TARGET) | K(DIGEST) | K(AUTHORITY) | K(REASON) | K(DETAIL) | K(KIND) | K(ID) | K(ABOUT) | K(NAME))
#define THING (K(KIND) | K(ID) | K(NAME) | K(AUTHORITY) | K(ABOUT) | K(TARGET) | K(REASON) | K(DETAIL) | K(COUNT))

enum {
	F = CK_EVENT_FLUSHED, ESSENTIAL = CK_EVENT_ESSENTIAL, COUNTED = CK_EVENT_COUNTED, BUDGETED = CK_EVENT_BUDGETED,
	ALARMING = CK_EVENT_ALARMING, GRANTS = CK_EVENT_GRANTS, OPENS = CK_EVENT_OPENS, CLOSES = CK_EVENT_CLOSES, RESETS = CK_EVENT_RESETS, SPENDS = CK_EVENT_SPENDS,
	TRIES = CK_EVENT_TRIES, TRIED = CK_EVENT_TRIED, SEARCHES = CK_EVENT_SEARCHES, SHOWS = CK_EVENT_SHOWS,
	VOUCHES = CK_EVENT_VOUCHES, W = 0
};

static const struct ck_event_rule rules[] = {
	{ CK_EVENT_ACCOUNT_GRANTED, "account-granted", W | ESSENTIAL | GRANTS, GATE,
	  QUESTION | K(PROVED) | K(RULE) | K(UNTIL) | K(LOGIN_ID) | K(PEER_UID), PLACE | OUTCOME | TOUCH },
	{ CK_EVENT_ACCOUNT_REFUSED, "account-refused", W | BUDGETED, GATE, K(REASON), QUESTION | PLACE | OUTCOME | TOUCH | K(LOGIN_ID) },
	{ CK_EVENT_LOGIN_GRANTED, "login-granted", F | ESSENTIAL | COUNTED | GRANTS | SPENDS, GATE,
	  QUESTION | K(PROVED) | K(LOGIN_ID) | K(PEER_UID) | K(HASH), PLACE | OUTCOME | TOUCH | K(DIGEST) | K(SOURCE) },
	{ CK_EVENT_LOGIN_REFUSED, "login-refused", W | BUDGETED | SPENDS, GATE, K(REASON), QUESTION | PLACE | OUTCOME | TOUCH | K(LOGIN_ID) | K(SOURCE) },
	{ CK_EVENT_LOGIN_ABANDONED, "login-abandoned", W | BUDGETED, GATE, K(REASON), QUESTION | PLACE | OUTCOME },
	{ CK_EVENT_SESSION_OPENED, "session-opened", W | ESSENTIAL | OPENS, GATE,
	  K(LOGIN_ID) | K(ACCOUNT) | K(SERVICE) | K(PEER_UID) | K(ANCESTORS), QUESTION | PLACE | OUTCOME },
	{ CK_EVENT_SESSION_CLOSED, "session-closed", W | ESSENTIAL | CLOSES, GATE, K(LOGIN_ID), QUESTION | PLACE | OUTCOME },
	{ CK_EVENT_IDENTIFIED, "identified", F | ESSENTIAL | COUNTED | SPENDS, GATE, K(USER) | K(HASH) | K(COUNT),
	  QUESTION | PLACE | OUTCOME | TOUCH | K(SOURCE) },
	{ CK_EVENT_LOOKED_UP, "looked-up", W, GATE, 0, QUESTION | PLACE | OUTCOME | THING | K(AS) },
	{ CK_EVENT_EXPLAINED, "explained", W, GATE, 0, QUESTION | PLACE | OUTCOME | THING | K(AS) | K(FROM) | K(TIME) | K(VERDICT) },
	{ CK_EVENT_FOUND, "found", W | SEARCHES, GATE, K(NAME) | K(COUNT) | K(BUDGET),
	  K(USER) | K(ID) | K(AUTHORITY) | K(PURPOSE) | K(PEOPLE) | PEER },
	{ CK_EVENT_CHANGE_INTENT, "change-intent", F | ESSENTIAL | COUNTED, REPLICA, K(OPERATION) | K(TARGET) | K(DIGEST),
	  CHANGE | PEER | TOUCH | K(PROOF) | K(AGE) },
	{ CK_EVENT_CHANGE_OUTCOME, "change-outcome", F | ESSENTIAL, REPLICA, K(OPERATION) | K(TARGET) | K(REASON),
	  CHANGE | PEER | K(PENDING) | K(COUNT) },
	{ CK_EVENT_CHANGE_REFUSED, "change-refused", W | BUDGETED, REPLICA, K(REASON), CHANGE | PEER | TOUCH | K(PROVED) | K(AGE) },
	{ CK_EVENT_KEY_ENROLLED, "key-enrolled", F | ESSENTIAL | COUNTED, REPLICA, K(HASH),
	  CHANGE | PEER | TOUCH | K(PROOF) | K(FORMAT) | K(LABEL) | K(PROVED) },
	{ CK_EVENT_CODE_REFUSED, "code-refused", W | BUDGETED, ANYBODY, 0, CHANGE | PLACE | K(HASH) | K(COUNT) },
	{ CK_EVENT_RECOVERY, "recovery", F | ESSENTIAL | ALARMING, REPLICA, K(USER), CHANGE | PEER | TOUCH | K(TIME) | K(UNTIL) },
	{ CK_EVENT_QUARANTINED, "quarantined", W | ALARMING, REPLICA, 0, THING | K(USER) },
	{ CK_EVENT_ALARM, "alarm", W | ALARMING, ANYBODY, K(DETAIL), QUESTION | PLACE | THING | K(HASH) | K(PROCESS) | K(INDEX) },
	{ CK_EVENT_REFRESHED, "refreshed", W, REPLICA, 0, THING | K(TIME) | K(STATE) },
	{ CK_EVENT_COUNTER_RESET, "counter-reset", F | ESSENTIAL | ALARMING | RESETS, REPLICA, K(USER) | K(HASH), CHANGE | PEER },
	{ CK_EVENT_PLAN_ORDERED, "plan-ordered", F | ESSENTIAL | COUNTED, REPLICA, K(OPERATION) | K(TARGET) | K(DIGEST),
	  CHANGE | PEER | TOUCH | K(PROOF) | K(AGE) },
	{ CK_EVENT_BATCH_INTENT, "batch-intent", F | ESSENTIAL, REPLICA, K(OPERATION) | K(TARGET) | K(INDEX) | K(DIGEST), CHANGE | PEER | K(COUNT) },
	{ CK_EVENT_BATCH_OUTCOME, "batch-outcome", F | ESSENTIAL, REPLICA, K(OPERATION) | K(TARGET) | K(INDEX) | K(REASON),
	  CHANGE | PEER | K(COUNT) | K(PENDING) },
	{ CK_EVENT_CLOCK_CONFIRMED, "clock-confirmed", F | ESSENTIAL, REPLICA, 0, PEER },
	{ CK_EVENT_PASSWORD_ATTEMPT, "password-attempt", F | ESSENTIAL | COUNTED | TRIES, REPLICA,
	  K(USER) | K(OPERATION) | K(HASH) | K(COUNT) | K(DIGEST) | K(PEER_UID), QUESTION | PLACE | K(AGE) },
	{ CK_EVENT_PASSWORD_OUTCOME, "password-outcome", F | ESSENTIAL | TRIED, REPLICA,
	  K(USER) | K(OPERATION) | K(DIGEST) | K(REASON) | K(PEER_UID), QUESTION | PLACE | K(DETAIL) },
	{ CK_EVENT_PROVIDER, "provider", W, REPLICA, K(NAME), K(DETAIL) },
	{ CK_EVENT_VOUCH_MADE, "vouch-made", F | ESSENTIAL | COUNTED | SPENDS | VOUCHES | SHOWS, GATE,
	  K(USER) | K(ID) | K(PROVED) | K(HASH) | K(COUNT) | K(TARGET) | K(DIGEST) | K(PROOF), PEER | K(AGE) | K(SOURCE) | K(AUTHORITY) | K(BUDGET) },
	{ CK_EVENT_VOUCH_CHECKED, "vouch-checked", F | ESSENTIAL | VOUCHES, GATE, K(USER) | K(ID) | K(AUTHORITY) | K(TARGET) | K(DIGEST),
	  PEER | K(PROVED) },
	{ CK_EVENT_VOUCH_REFUSED, "vouch-refused", W | VOUCHES, GATE, K(USER) | K(REASON),
	  PEER | K(DETAIL) | K(ID) | K(AUTHORITY) | K(TARGET) | K(DIGEST) | K(SOURCE) },
	{ CK_EVENT_VOUCH_WITHDRAWN, "vouch-withdrawn", W | VOUCHES, GATE, K(USER) | K(ID), PEER },
};

const struct ck_event_rule *ck_event_rules(size_t *out_count)
{
	*out_count = sizeof rules / sizeof *rules;
	return rules;
}

const struct ck_event_rule *ck_event_rule_of(uint64_t event)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if ((uint64_t)rules[i].event == event) return &rules[i];
	return NULL;
}

/* ---- what a field is, and how it is written ---- */

#define TEXT_LIMIT_BYTES 4096   /* that comes */
#define LONG_TEXT_LIMIT_BYTES 1024 /* 20 login names; recorded whole */
#define TEXT_RECORDED_BYTES 400 /* of it: names and sentences are shorter, and all of a record's texts fit one, escaped */

enum shape { NO_FIELD = 0, TEXT, LONG_TEXT, UINT, UINT32, INT, TIME, FLAG, IDENTITY, BYTES, PROVED_SET, PROCESSES };

static const struct shape_of {
	const char *name;
	enum shape shape;
	size_t min_bytes, limit_bytes; /* of BYTES and IDENTITY */
} shapes[CK_CBOR_KEY_LIMIT + 1] = {
	[CK_F_USER] = { "user", TEXT, 0, 0 },
	[CK_F_ACCOUNT] = { "account", TEXT, 0, 0 },
	[CK_F_SERVICE] = { "service", TEXT, 0, 0 },
	[CK_F_TTY] = { "tty", TEXT, 0, 0 },
	[CK_F_REMOTE_HOST] = { "remote-host", TEXT, 0, 0 },
	[CK_F_SYSTEM] = { "system", TEXT, 0, 0 },
	[CK_F_LOGIN_ID] = { "login-id", BYTES, CK_LOGIN_ID_BYTES, CK_LOGIN_ID_BYTES },
	[CK_F_UNTIL] = { "until", TIME, 0, 0 },
	[CK_F_CREDENTIAL] = { "credential", BYTES, 1, CK_CREDENTIAL_ID_LIMIT_BYTES },
	[CK_F_REASON] = { "reason", TEXT, 0, 0 },
	[CK_F_TIME] = { "time", TIME, 0, 0 },
	[CK_F_KIND] = { "kind", TEXT, 0, 0 },
	[CK_F_ID] = { "id", IDENTITY, 16, 32 },
	[CK_F_NAME] = { "name", TEXT, 0, 0 },
	[CK_F_AUTHORITY] = { "authority", IDENTITY, 16, 16 },
	[CK_F_FROM] = { "from", TEXT, 0, 0 },
	[CK_F_FORMAT] = { "format", TEXT, 0, 0 },
	[CK_F_LABEL] = { "label", TEXT, 0, 0 },
	[CK_F_AS] = { "as", TEXT, 0, 0 },
	[CK_F_PROVED] = { "proved", PROVED_SET, 0, 0 },
	[CK_F_VERDICT] = { "verdict", FLAG, 0, 0 },
	[CK_F_ABOUT] = { "about", IDENTITY, 16, 16 },
	[CK_F_HASH] = { "hash", BYTES, 32, 32 },
	[CK_F_COUNT] = { "count", UINT, 0, 0 },
	[CK_F_PEER_UID] = { "peer-uid", UINT32, 0, 0 },
	[CK_F_PEER_PID] = { "peer-pid", UINT32, 0, 0 },
	[CK_F_PENDING] = { "pending", FLAG, 0, 0 },
	[CK_F_RULE] = { "rule", IDENTITY, 16, 16 },
	[CK_F_PROCESS] = { "process", UINT32, 0, 0 },
	[CK_F_INDEX] = { "index", UINT32, 0, 0 },
	[CK_F_ANCESTORS] = { "processes", PROCESSES, 0, 0 },
	[CK_F_OPERATION] = { "operation", TEXT, 0, 0 },
	[CK_F_TARGET] = { "target", IDENTITY, 0, 64 },
	[CK_F_DIGEST] = { "digest", BYTES, 32, 32 },
	[CK_F_PROOF] = { "proof", BYTES, 1, CK_PROOF_LIMIT_BYTES },
	[CK_F_DETAIL] = { "detail", TEXT, 0, 0 },
	[CK_F_STATE] = { "state", TEXT, 0, 0 },
	[CK_F_AGE] = { "age-ms", INT, 0, 0 },
	[CK_F_PURPOSE] = { "purpose", TEXT, 0, 0 },
	[CK_F_BUDGET] = { "budget", UINT32, 0, 0 },
	[CK_F_PEOPLE] = { "people", LONG_TEXT, 0, 0 },
	[CK_F_SOURCE] = { "source", BYTES, CK_SOURCE_BYTES, CK_SOURCE_BYTES },
};
_Static_assert(2 * CK_PROOF_LIMIT_BYTES + 2048 <= CK_AUDIT_RECORD_LIMIT_BYTES, "a proof in hex fits a record");

static bool check_processes(const struct ck_item *item)
{
	struct ck_items items;
	struct ck_item number;
	if (item->type != CK_CBOR_ARRAY || item->number < 2 || item->number % 2 != 0) return false;
	if (ck_items_of(item, 2 * CK_ANCESTORS_LIMIT, &items) != CK_OK) return false;
	while (ck_items_next(&items, &number))
		if (number.type != CK_CBOR_UINT) return false;
	return true;
}

static bool check_field(const struct ck_map *message, unsigned key)
{
	const struct ck_item *item = &message->at[key];
	switch (shapes[key].shape) {
	case LONG_TEXT: return item->type == CK_CBOR_TEXT && item->span.length <= LONG_TEXT_LIMIT_BYTES;
	case TEXT: return item->type == CK_CBOR_TEXT && item->span.length <= TEXT_LIMIT_BYTES;
	case UINT: return item->type == CK_CBOR_UINT;
	case UINT32: return item->type == CK_CBOR_UINT && item->number <= UINT32_MAX;
	case INT:
	case TIME: {
		int64_t value;
		return ck_map_int(message, key, &value) == CK_OK;
	}
	case FLAG: return item->type == CK_CBOR_BOOL;
	case PROVED_SET: return item->type == CK_CBOR_UINT && item->number <= CK_PROVED_ALL;
	case PROCESSES: return check_processes(item);
	case IDENTITY:
	case BYTES: return item->type == CK_CBOR_BYTES && item->span.length >= shapes[key].min_bytes && item->span.length <= shapes[key].limit_bytes;
	case NO_FIELD:
	default: return false;
	}
}

/* A login's touch moves the key's counter on: here, or before, with the attempt of the password that went with it. */
static bool has_its_touch(const struct ck_map *message)
{
	bool counted = (message->present & K(COUNT)) != 0, by_password = (message->present & K(DIGEST)) != 0;
	return counted != by_password && (!by_password || (message->at[CK_F_PROVED].number & CK_PROVED_PASSWORD) != 0);
}

enum ck_outcome ck_event_password_outcome(struct ck_text reason)
{
	static const char *const right[] = { "right", "expiring", "grace", "must-change", "changed", "too-short", "too-long", "too-simple",
		                                 "too-young", "used-before", "fixed" };
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (ck_text_is(reason, right[i])) return CK_OUTCOME_RIGHT;
	return ck_text_is(reason, CK_OUTCOME_UNSENT) ? CK_OUTCOME_NONE : CK_OUTCOME_COUNTS;
}

#define FOUND_LIMIT 1000 /* people of one look-up: more than any answer holds */

/* Whose budget it is must be said, unless it is nobody's. */
static bool check_search(const struct ck_map *message)
{
	uint64_t budget = message->at[CK_F_BUDGET].number;
	if (budget > CK_FIND_BUDGET_SWITCHBOARD || message->at[CK_F_COUNT].number > FOUND_LIMIT) return false;
	if (budget == CK_FIND_BUDGET_NONE) return true;
	return (message->present & K(AUTHORITY)) != 0 && (message->present & K(ID)) != 0 && message->at[CK_F_ID].span.length == sizeof(struct ck_id);
}

/* Whose card is shown, is of another authority: then both are said, and whose budget it is. */
static bool check_shown(const struct ck_map *message)
{
	bool charged = (message->present & K(BUDGET)) != 0;
	uint64_t budget = message->at[CK_F_BUDGET].number;
	if (charged != ((message->present & K(AUTHORITY)) != 0)) return false;
	return !charged || (message->at[CK_F_TARGET].span.length == sizeof(struct ck_id) && budget != CK_FIND_BUDGET_NONE && budget <= CK_FIND_BUDGET_SWITCHBOARD);
}

#define HEAD_KEYS (K(TYPE) | K(REQUEST) | K(EVENT))
#define UNWRITTEN (HEAD_KEYS | K(SOURCE)) /* a source is for its budget */

enum ck_error ck_event_check(const struct ck_event_rule *rule, enum ck_process from, const struct ck_map *message)
{
	if ((rule->from & CK_FROM(from)) == 0) return CK_ERR_DENIED;
	if (ck_map_expect(message, HEAD_KEYS | rule->required, rule->optional) != CK_OK) return CK_ERR_INVALID;
	for (ck_keys left = message->present & ~HEAD_KEYS; left != 0;)
		if (!check_field(message, ck_keys_take(&left))) return CK_ERR_INVALID;
	if ((rule->what & CK_EVENT_COUNTED) != 0 && (message->present & K(COUNT)) != 0 &&
	    (message->at[CK_F_COUNT].number > UINT32_MAX || (message->present & K(HASH)) == 0))
		return CK_ERR_INVALID;
	if ((rule->what & CK_EVENT_SEARCHES) != 0 && !check_search(message)) return CK_ERR_INVALID;
	if ((rule->what & CK_EVENT_SHOWS) != 0 && !check_shown(message)) return CK_ERR_INVALID;
	return rule->event == CK_EVENT_LOGIN_GRANTED && !has_its_touch(message) ? CK_ERR_INVALID : CK_OK;
}

/* ---- writing ---- */

void ck_event_fields_begin(struct ck_event_fields *fields)
{
	fields->count = 0;
	fields->used = 0;
}

void ck_event_fields_text(struct ck_event_fields *fields, const char *name, struct ck_text value)
{
	CK_ASSERT(fields->count < CK_AUDIT_FIELDS_LIMIT);
	if (value.length > TEXT_RECORDED_BYTES) value.length = TEXT_RECORDED_BYTES;
	fields->at[fields->count].name = name;
	fields->at[fields->count++].value = ck_bytes_of(value);
}

/* Room in the scratch; what is put there is bounded by the shapes. */
static char *scratch(struct ck_event_fields *fields, size_t bytes)
{
	CK_ASSERT(bytes <= sizeof fields->scratch - fields->used);
	char *room = fields->scratch + fields->used;
	fields->used += bytes;
	return room;
}

static void put_letters(struct ck_event_fields *fields, const char *name, const char *letters, size_t length)
{
	CK_ASSERT(fields->count < CK_AUDIT_FIELDS_LIMIT);
	fields->at[fields->count].name = name;
	fields->at[fields->count++].value = (struct ck_bytes){ (const uint8_t *)letters, length };
}

static size_t format_uint(uint64_t value, char out[20])
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	memcpy(out, digits + at, sizeof digits - at);
	return sizeof digits - at;
}

void ck_event_fields_uint(struct ck_event_fields *fields, const char *name, uint64_t value)
{
	char *letters = scratch(fields, 20);
	put_letters(fields, name, letters, format_uint(value, letters));
}

static void put_int(struct ck_event_fields *fields, const char *name, int64_t value)
{
	char *letters = scratch(fields, 21);
	size_t sign = value < 0;
	letters[0] = '-';
	put_letters(fields, name, letters, sign + format_uint(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, letters + sign));
}

void ck_event_fields_hex(struct ck_event_fields *fields, const char *name, const uint8_t *bytes, size_t length)
{
	char *letters = scratch(fields, 2 * length + 1);
	put_letters(fields, name, ck_hex_encode(bytes, length, letters, 2 * length + 1), 2 * length);
}

static void put_identity(struct ck_event_fields *fields, const char *name, struct ck_bytes bytes)
{
	if (bytes.length != sizeof(struct ck_id)) {
		ck_event_fields_hex(fields, name, bytes.at, bytes.length);
		return;
	}
	struct ck_id id;
	char *letters = scratch(fields, CK_ID_TEXT_BYTES);
	memcpy(id.bytes, bytes.at, sizeof id.bytes);
	put_letters(fields, name, ck_id_format(id, letters), CK_ID_TEXT_BYTES - 1);
}

/* "pid:start" of the leader; its parents are looked at, not recorded. */
static void put_leader(struct ck_event_fields *fields, const char *name, const struct ck_item *array)
{
	struct ck_items items;
	struct ck_item pid = { 0 }, start = { 0 };
	if (ck_items_of(array, 2 * CK_ANCESTORS_LIMIT, &items) != CK_OK || !ck_items_next(&items, &pid) || !ck_items_next(&items, &start)) return;
	char *letters = scratch(fields, 41);
	size_t used = format_uint(pid.number, letters);
	letters[used++] = ':';
	used += format_uint(start.number, letters + used);
	put_letters(fields, name, letters, used);
}

static void put_string(struct ck_event_fields *fields, const char *name, const char *string, size_t length)
{
	char *letters = scratch(fields, length);
	memcpy(letters, string, length);
	put_letters(fields, name, letters, length);
}

static void take_field(struct ck_event_fields *fields, const struct ck_map *message, unsigned key)
{
	const struct ck_item *item = &message->at[key];
	const char *name = shapes[key].name;
	char text[CK_PROVED_TEXT_BYTES > CK_TIME_TEXT_BYTES ? CK_PROVED_TEXT_BYTES : CK_TIME_TEXT_BYTES];
	int64_t number = 0;
	switch (shapes[key].shape) {
	case LONG_TEXT: put_letters(fields, name, (const char *)item->span.at, item->span.length); break;
	case TEXT: ck_event_fields_text(fields, name, (struct ck_text){ (const char *)item->span.at, item->span.length }); break;
	case UINT:
	case UINT32: ck_event_fields_uint(fields, name, item->number); break;
	case INT:
		if (ck_map_int(message, key, &number) == CK_OK) put_int(fields, name, number);
		break;
	case TIME:
		if (ck_map_int(message, key, &number) != CK_OK) break;
		ck_time_format(number, text);
		put_string(fields, name, text, strlen(text));
		break;
	case FLAG: put_string(fields, name, item->number != 0 ? "true" : "false", item->number != 0 ? 4 : 5); break;
	case PROVED_SET:
		ck_proved_format((unsigned)item->number, text);
		put_string(fields, name, text, strlen(text));
		break;
	case PROCESSES: put_leader(fields, name, item); break;
	case IDENTITY: put_identity(fields, name, item->span); break;
	case BYTES: ck_event_fields_hex(fields, name, item->span.at, item->span.length); break;
	case NO_FIELD:
	default: break;
	}
}

void ck_event_fields_take(struct ck_event_fields *fields, const struct ck_map *message)
{
	for (ck_keys left = message->present & ~UNWRITTEN; left != 0;)
		take_field(fields, message, ck_keys_take(&left));
}
