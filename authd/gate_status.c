/* Status, told as it is: what this gate has, and what the ledger and the replica say of themselves when they are asked now. A process that
   does not answer is not running, whatever it said before. */
#include "authd/gate_state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "directory/base/clock.h"

#define QUARANTINED_SHOWN_LIMIT 50
#define TEXT_LIMIT_BYTES 32768
#define ANSWER_TIMEOUT_MS 2000
#define STALE_AFTER_S 30 /* a probe proves the copy every 5 s, and has 5 s for it: this long without is no accident of a moment */

struct lines {
	char *at;
	size_t left;
	unsigned shown;
};

static void put_line(struct lines *lines, const char *format, ...) CK_PRINTF(2, 3);
static void put_line(struct lines *lines, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(lines->at, lines->left, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= lines->left) {
		lines->at[0] = '\0';
		return;
	}
	lines->at += length;
	lines->left -= (size_t)length;
}

/* ---- what is wrong ---- */

enum state { STATE_UNAVAILABLE = 0, STATE_STALE, STATE_DEGRADED, STATE_RUNNING };
static const char *const state_names[] = {"unavailable", "stale", "degraded", "running"};

struct found {
	enum state state; /* the worst so far */
	struct lines lines;
};

static void problem(struct found *found, enum state state, const char *format, ...) CK_PRINTF(3, 4);
static void problem(struct found *found, enum state state, const char *format, ...)
{
	char text[400];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (state < found->state) found->state = state;
	if (length > 0) put_line(&found->lines, "problem: %s\n", text);
}

static void judge_ledger(const struct ck_gate *gate, struct found *found)
{
	const struct ck_gate_peer_state *ledger = &gate->ledger_state;
	if (gate->ledger == NULL) problem(found, STATE_UNAVAILABLE, "there is no ledger: nothing can be recorded, so nobody is let in");
	else if (!ledger->answers) problem(found, STATE_UNAVAILABLE, "the ledger does not answer: nothing can be recorded, so nobody is let in");
	else if (ledger->detail[0] != '\0') problem(found, ledger->fine ? STATE_DEGRADED : STATE_UNAVAILABLE, "%s", ledger->detail);
	else if (!ledger->fine) problem(found, STATE_UNAVAILABLE, "the ledger says that it is %s", ledger->state);
}

static void judge_replica(const struct ck_gate *gate, struct found *found)
{
	const struct ck_gate_peer_state *replica = &gate->replica_state;
	if (gate->replica == NULL) problem(found, STATE_DEGRADED, "there is no replica: no changes are possible, and none reach this copy");
	else if (!replica->answers) problem(found, STATE_DEGRADED, "the replica does not answer: no changes are possible, and none reach this copy");
	else if (!replica->fine)
		problem(found, STATE_DEGRADED, "the directory is not followed (%s%s%s): no changes are possible, and none reach this copy", replica->state,
		        replica->detail[0] != '\0' ? ": " : "", replica->detail);
}

/* One that is followed is enough for everything; that another is missing is said, before it is needed. */
static void judge_providers(const struct ck_gate *gate, struct found *found)
{
	char text[sizeof gate->replica_state.providers];
	memcpy(text, gate->replica_state.providers, sizeof text);
	char *rest = text;
	if (gate->replica == NULL || !gate->replica_state.answers) return;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		const char *about = strstr(line, ": ");
		if (about == NULL) continue;
		put_line(&found->lines, "provider: %s\n", about + 2);
		if (gate->replica_state.fine && strncmp(line, "trouble: ", 9) == 0) problem(found, STATE_DEGRADED, "provider %s", about + 2);
	}
}

static int64_t age_of(struct ck_gate *gate, const struct ck_store_state *copy)
{
	struct ck_moment now = ck_wall_now(&gate->wall);
	return now.s - ck_wall_as_of(&gate->wall, &copy->as_of, now);
}

static void judge_clock(struct ck_gate *gate, struct found *found)
{
	char clock[CK_TIME_TEXT_BYTES], known[CK_TIME_TEXT_BYTES];
	struct ck_moment now = ck_wall_now(&gate->wall);
	ck_time_format(ck_clock_wall_s(), clock);
	put_line(&found->lines, "clock: %s\n", clock);
	if (now.behind)
		problem(found, STATE_DEGRADED, "this machine's clock (%s) is behind the last record (%s): roles, rules and codes that end let nobody in, "
		        "and nothing can be changed; set the clock, or, if it is right, crosskeys confirm-clock", clock, ck_time_format(now.s, known));
}

static void judge_copy(struct ck_gate *gate, const struct ck_store_state *copy, struct found *found)
{
	int64_t age_s = age_of(gate, copy);
	uint64_t limit_s = gate->config->as_of_limit_s;
	if (age_s >= CK_WALL_LONG_AGO_S)
		problem(found, limit_s > 0 ? STATE_STALE : STATE_DEGRADED, "the copy was proved before this machine started, and its clock is behind: "
		        "how old the copy is, nobody can tell%s", limit_s > 0 ? ", so nobody is let in by it" : "");
	else if (limit_s > 0 && age_s > (int64_t)limit_s)
		problem(found, STATE_STALE, "the copy was last proved %lld s ago, and as_of_limit_s is %llu: nobody is let in by it", (long long)age_s,
		        (unsigned long long)limit_s);
	else if (age_s > STALE_AFTER_S)
		problem(found, STATE_DEGRADED, "the copy was last proved %lld s ago: a role that was taken back since then may still count", (long long)age_s);
	if (copy->quarantined > 0)
		problem(found, STATE_RUNNING, "%llu entries of the directory are quarantined and count for nothing", (unsigned long long)copy->quarantined);
}

/* What every decision here is about. */
static void judge_system(struct ck_gate *gate, struct ck_view *view, struct found *found)
{
	const struct ck_config *config = gate->config;
	struct ck_record record;
	char id[CK_ID_TEXT_BYTES], other[CK_ID_TEXT_BYTES];
	ck_id_format(config->system_id, id);
	enum ck_error error = ck_gate_stored(gate, ck_view_system_by_name(view, ck_text_of(config->system), &record));
	if (error == CK_ERR_NOT_FOUND)
		problem(found, STATE_UNAVAILABLE, "the directory has no system %s (%s), which this machine is: nobody is let in", config->system, id);
	else if (error == CK_OK && !ck_id_equal(record.id, config->system_id))
		problem(found, STATE_UNAVAILABLE, "the system %s of the directory (%s) is not this machine (%s): nobody is let in", config->system,
		        ck_id_format(record.id, other), id);
	else if (error == CK_OK && record.as.system.status != CK_STATUS_ACTIVE)
		problem(found, STATE_UNAVAILABLE, "the system %s is suspended: nobody is let in", config->system);
}

/* ---- the answer ---- */

/* A sentence stays readable; what is none is escaped. */
static void make_readable(struct ck_text text, char *out, size_t out_bytes)
{
	if (!ck_text_is_printable_utf8(text) || ck_text_copy(out, out_bytes, text) != CK_OK) (void)ck_escape(ck_bytes_of(text), out, out_bytes);
}

static bool put_quarantined(const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason, void *context)
{
	struct lines *lines = context;
	char safe_dn[256], safe_reason[400], uuid[CK_ID_TEXT_BYTES];
	struct ck_id id;
	memcpy(id.bytes, entry_uuid, sizeof id.bytes);
	make_readable(dn, safe_dn, sizeof safe_dn);
	make_readable(reason, safe_reason, sizeof safe_reason);
	put_line(lines, "quarantined: %s %s: %s\n", ck_id_format(id, uuid), safe_dn, safe_reason);
	return ++lines->shown < QUARANTINED_SHOWN_LIMIT;
}

static void put_copy(struct ck_gate_client *client, struct ck_view *view, const struct ck_store_state *state, struct lines *lines)
{
	char as_of[CK_TIME_TEXT_BYTES];
	put_line(lines, "as of: %s\n", ck_time_format(state->as_of.wall_s, as_of));
	for (size_t kind = CK_KIND_AUTHORITY; kind <= CK_KIND_LAST; kind++)
		put_line(lines, "%s: %llu\n", ck_kind_name((enum ck_kind)kind), (unsigned long long)state->counts[kind]);
	put_line(lines, "quarantined: %llu\n", (unsigned long long)state->quarantined);
	if (client->uid == 0) (void)ck_gate_stored(client->gate, ck_view_each_quarantined(view, put_quarantined, lines));
}

static const char *state_word(bool connected, const struct ck_gate_peer_state *state)
{
	return !connected ? "missing" : !state->answers ? "does not answer" : state->state;
}

static void send_status(struct ck_gate_client *client)
{
	static char text[TEXT_LIMIT_BYTES];
	struct ck_gate *gate = client->gate;
	struct found found = {.state = STATE_RUNNING, .lines = {.at = text, .left = sizeof text}};
	struct ck_view *view;
	struct ck_store_state copy;
	bool there = ck_gate_view(gate, &view, &copy) == CK_OK;
	text[0] = '\0';
	put_line(&found.lines, "version: %s\n", CK_VERSION);
	put_line(&found.lines, "system: %s\ngate: %u\n", gate->config->system, gate->start->index);
	put_line(&found.lines, "ledger: %s\n", state_word(gate->ledger != NULL, &gate->ledger_state));
	put_line(&found.lines, "replica: %s\n", state_word(gate->replica != NULL, &gate->replica_state));
	judge_clock(gate, &found);
	judge_ledger(gate, &found);
	judge_replica(gate, &found);
	judge_providers(gate, &found);
	if (there) judge_copy(gate, &copy, &found);
	if (there) judge_system(gate, view, &found);
	else problem(&found, STATE_UNAVAILABLE, "this machine has no finished copy of the directory yet: nobody is let in");
	if (there) put_copy(client, view, &copy, &found.lines);
	ck_view_end(&view);
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_string(m, CK_F_SYSTEM, gate->config->system);
	ck_field_string(m, CK_F_RP_ID, gate->config->rp_id);
	if (there) ck_field_int(m, CK_F_TIME, copy.as_of.wall_s);
	ck_field_string(m, CK_F_TEXT, text);
	if (there) ck_field_uint(m, CK_F_COUNT, copy.quarantined);
	ck_field_uint(m, CK_F_INDEX, gate->start->index);
	ck_field_string(m, CK_F_STATE, state_names[found.state]);
	int64_t age_s = there ? age_of(gate, &copy) : CK_WALL_LONG_AGO_S;
	if (age_s < CK_WALL_LONG_AGO_S) ck_field_int(m, CK_F_AGE, age_s);
	ck_gate_send(client, -1);
}

/* ---- asking the two ---- */

static void take(struct ck_gate_peer_state *state, const struct ck_map *reply)
{
	memset(state, 0, sizeof *state);
	if (reply == NULL || ck_map_bool(reply, CK_F_VERDICT, &state->fine) != CK_OK ||
	    ck_map_string(reply, CK_F_STATE, state->state, sizeof state->state) != CK_OK) {
		state->fine = false;
		return;
	}
	if (ck_map_string(reply, CK_F_DETAIL, state->detail, sizeof state->detail) != CK_OK) state->detail[0] = '\0';
	if (ck_map_string(reply, CK_F_TEXT, state->providers, sizeof state->providers) != CK_OK) state->providers[0] = '\0';
	state->answers = true;
}

static void replica_stated(struct ck_gate_client *client, const struct ck_map *reply)
{
	take(&client->gate->replica_state, reply);
	send_status(client);
}

static void ledger_stated(struct ck_gate_client *client, const struct ck_map *reply)
{
	take(&client->gate->ledger_state, reply);
	(void)ck_gate_ask_begin(client, CK_MSG_STATE);
	ck_gate_ask_end(client, CK_PROCESS_REPLICA, ANSWER_TIMEOUT_MS, -1, replica_stated);
}

void ck_gate_status(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)request;
	(void)encoded;
	(void)ck_gate_ask_begin(client, CK_MSG_STATE);
	ck_gate_ask_end(client, CK_PROCESS_LEDGER, ANSWER_TIMEOUT_MS, -1, ledger_stated);
}
