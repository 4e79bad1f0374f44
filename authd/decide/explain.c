/* The chain that decided, in words. Decides nothing: it reads the trace and looks names up. What was typed is escaped; names from the
   directory were checked for control characters when they came in, and are escaped if that should ever not hold. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authd/decide/decide.h"
#include "authd/decide/role.h"
#include "directory/base/clock.h"

#define LINE_LIMIT_BYTES 1024
#define NAME_TEXT_BYTES 560 /* a name of 128 bytes, each escaped, and the NUL */

struct lines {
	char *out;
	size_t limit_bytes, length;
	bool full;
	struct ck_view *view;
	const struct ck_question *question;
};
struct name {
	char text[NAME_TEXT_BYTES];
};
struct time {
	char text[CK_TIME_TEXT_BYTES];
};

/* Whole lines only. */
static void add_line(struct lines *lines, const char *format, ...) CK_PRINTF(2, 3);
static void add_line(struct lines *lines, const char *format, ...)
{
	char line[LINE_LIMIT_BYTES];
	va_list args;
	va_start(args, format);
	int written = vsnprintf(line, sizeof line - 1, format, args);
	va_end(args);
	if (written < 0) return;
	size_t length = strlen(line);
	line[length++] = '\n';
	if (lines->full || length >= lines->limit_bytes - lines->length) {
		lines->full = true;
		return;
	}
	memcpy(lines->out + lines->length, line, length);
	lines->length += length;
	lines->out[lines->length] = '\0';
}

static const char *shown(struct ck_text text, struct name *out)
{
	if (text.length == 0) return "(none)";
	if (ck_text_is_printable_utf8(text) && ck_text_copy(out->text, sizeof out->text, text) == CK_OK) return out->text;
	return ck_escape(ck_bytes_of(text), out->text, sizeof out->text);
}

/* What somebody typed: not known to be anything. */
static const char *typed(struct ck_text text, struct name *out)
{
	return text.length == 0 ? "(none)" : ck_escape(ck_bytes_of(text), out->text, sizeof out->text);
}

static const char *time_of(int64_t time_s, struct time *out)
{
	return ck_time_format(time_s, out->text);
}

static struct ck_text name_in(const struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY: return record->as.authority_of.name;
	case CK_KIND_STAFF: return record->as.staff.uid;
	case CK_KIND_ROLE: return record->as.role.name;
	case CK_KIND_SYSTEM: return record->as.system.name;
	case CK_KIND_SYSTEM_GROUP: return record->as.system_group.name;
	case CK_KIND_RULE: return record->as.rule.name;
	case CK_KIND_NONE:
	case CK_KIND_KEY:
	case CK_KIND_GRANT:
	case CK_KIND_CODE:
	case CK_KIND_KEY_USE:
	default: return (struct ck_text){NULL, 0};
	}
}

static const char *name_of(struct lines *lines, enum ck_kind kind, struct ck_id id, struct name *out)
{
	struct ck_record record;
	char text[CK_ID_TEXT_BYTES];
	if (ck_id_is_zero(id)) return "(none)";
	if (ck_view_get(lines->view, kind, id, &record) == CK_OK) return shown(name_in(&record), out);
	snprintf(out->text, sizeof out->text, "(missing %s)", ck_id_format(id, text));
	return out->text;
}

/* "active until 2027-01-01T00:00:00Z", "suspended", "not before …", "ended …". */
static const char *state_of(enum ck_status status, struct ck_window window, struct ck_moment now, char out[96])
{
	struct time time;
	if (status != CK_STATUS_ACTIVE) snprintf(out, 96, "%s", ck_status_name(status));
	else if (now.s < window.from_s) snprintf(out, 96, "not active before %s", time_of(window.from_s, &time));
	else if (now.s >= window.until_s) snprintf(out, 96, "ended %s", time_of(window.until_s, &time));
	else
		snprintf(out, 96, "active until %s%s", time_of(window.until_s, &time), ck_window_doubted(window, now) ? ", which may be over" : "");
	return out;
}

static const char *mark(const struct ck_trace_step *step)
{
	return step->passed ? "yes" : "NO ";
}

/* ---- before rules ---- */

static void explain_store(struct lines *lines, const struct ck_trace_step *step, const struct ck_verdict *verdict)
{
	struct time as_of, now;
	struct ck_store_state state;
	bool finished = ck_view_state(lines->view, &state) == CK_OK && state.finished;
	add_line(lines, "  %s copy of the directory: %s, in step at %s, asked about %s%s%s", mark(step), finished ? "whole" : "not whole",
	         time_of(lines->question->as_of_s, &as_of), time_of(lines->question->now.s, &now), step->passed ? "" : ": ",
	         step->passed ? "" : ck_reason_sentence(verdict->reason));
	if (lines->question->now.behind)
		add_line(lines, "  NO  clock: it is behind %s, which was recorded; whatever has an end counts for nothing", now.text);
}

static void explain_staff(struct lines *lines, const struct ck_trace_step *step)
{
	struct ck_record record;
	struct name uid, cn;
	char state[96];
	if (ck_view_get(lines->view, CK_KIND_STAFF, step->about, &record) != CK_OK) {
		add_line(lines, "  %s person %s: nobody of that name is on the staff", mark(step), typed(lines->question->uid, &uid));
		return;
	}
	const struct ck_staff *staff = &record.as.staff;
	add_line(lines, "  %s person %s (%s): %s", mark(step), shown(staff->uid, &uid), shown(staff->cn, &cn),
	         state_of(staff->status, staff->window, lines->question->now, state));
}

static void explain_authority(struct lines *lines, const struct ck_trace_step *step, const char *whose, const struct ck_verdict *verdict)
{
	struct ck_record record;
	struct name name;
	char state[96];
	if (ck_view_get(lines->view, CK_KIND_AUTHORITY, step->about, &record) != CK_OK) {
		add_line(lines, "  %s %s authority: missing", mark(step), whose);
		return;
	}
	const struct ck_authority *authority = &record.as.authority_of;
	bool range = verdict->reason == CK_REASON_STAFF_INVALID && step->step == CK_STEP_STAFF_AUTHORITY;
	add_line(lines, "  %s %s authority %s: %s%s", mark(step), whose, shown(authority->name, &name),
	         state_of(authority->status, authority->window, lines->question->now, state),
	         range ? "; the person's uidNumber is outside its range" : "");
}

static void explain_system(struct lines *lines, const struct ck_trace_step *step)
{
	struct ck_record record;
	struct name name;
	if (ck_view_get(lines->view, CK_KIND_SYSTEM, step->about, &record) != CK_OK) {
		add_line(lines, "  %s system %s: not in the directory", mark(step), typed(lines->question->system, &name));
		return;
	}
	struct ck_id own = lines->question->system_id;
	if (!ck_id_is_zero(own) && !ck_id_equal(own, step->about)) {
		char other[CK_ID_TEXT_BYTES], this[CK_ID_TEXT_BYTES];
		add_line(lines, "  %s system %s: the one of this name in the directory (%s) is not this machine (%s)", mark(step),
		         shown(record.as.system.name, &name), ck_id_format(step->about, other), ck_id_format(own, this));
		return;
	}
	add_line(lines, "  %s system %s: %s", mark(step), shown(record.as.system.name, &name), ck_status_name(record.as.system.status));
}

/* ---- one rule ---- */

static void explain_rule(struct lines *lines, const struct ck_trace_step *step)
{
	struct ck_record record;
	struct name name, authority;
	char state[96];
	if (ck_view_get(lines->view, CK_KIND_RULE, step->about, &record) != CK_OK) return;
	add_line(lines, "  %s rule %s of %s: %s", mark(step), shown(record.as.rule.name, &name),
	         name_of(lines, CK_KIND_AUTHORITY, record.authority, &authority),
	         state_of(record.as.rule.status, record.as.rule.window, lines->question->now, state));
}

/* Appends as much as fits; returns the new length. */
static size_t append(char *out, size_t limit, size_t length, const char *separator, const char *text)
{
	int written = snprintf(out + length, limit - length, "%s%s", length > 0 ? separator : "", text);
	if (written < 0) return length;
	size_t longer = length + (size_t)written;
	return longer < limit ? longer : limit - 1;
}

static const char *list_texts(const struct ck_texts *texts, char *out, size_t limit)
{
	struct name name;
	size_t length = 0;
	out[0] = '\0';
	for (size_t i = 0; i < texts->count; i++) length = append(out, limit, length, ", ", shown(texts->at[i], &name));
	return out;
}

/* A role of another authority than the rule's is named with it: whoever administers that one decides who holds it. */
static size_t append_role(struct lines *lines, char *out, size_t limit, size_t length, const char *separator, struct ck_id role,
                          struct ck_id owner)
{
	struct ck_record record;
	struct name name;
	length = append(out, limit, length, separator, name_of(lines, CK_KIND_ROLE, role, &name));
	if (ck_view_get(lines->view, CK_KIND_ROLE, role, &record) != CK_OK || ck_id_equal(record.authority, owner)) return length;
	return append(out, limit, length, " of ", name_of(lines, CK_KIND_AUTHORITY, record.authority, &name));
}

static const char *list_roles(struct lines *lines, const struct ck_ids *roles, struct ck_id owner, char *out, size_t limit)
{
	size_t length = 0;
	out[0] = '\0';
	for (size_t i = 0; i < roles->count && length + 1 < limit; i++) length = append_role(lines, out, limit, length, ", ", roles->at[i], owner);
	return out;
}

static const char *list_networks(const struct ck_networks *networks, char *out, size_t limit)
{
	char text[CK_NETWORK_TEXT_BYTES];
	size_t length = 0;
	out[0] = '\0';
	if (networks->any) length = append(out, limit, length, ", ", "anywhere");
	if (networks->local) length = append(out, limit, length, ", ", "the machine itself");
	for (size_t i = 0; i < networks->count; i++) length = append(out, limit, length, ", ", ck_network_format(&networks->at[i], text));
	return out;
}

static const char *list_hours(const struct ck_weekly *weekly, char *out, size_t limit)
{
	char text[CK_WEEKLY_TEXT_BYTES];
	size_t length = 0;
	out[0] = '\0';
	if (weekly->always) length = append(out, limit, length, ", ", "always");
	for (size_t i = 0; i < weekly->count; i++) length = append(out, limit, length, ", ", ck_weekly_format(&weekly->at[i], text));
	return out;
}

static const char *source_text(const struct ck_source *source, char out[CK_NETWORK_TEXT_BYTES])
{
	if (source->local) return "the machine itself";
	return source->present ? ck_network_format(&source->address, out) : "an unknown address";
}

static void explain_grant(struct lines *lines, const struct ck_trace_step *step)
{
	struct ck_record record;
	struct name by, reason;
	struct time until;
	if (ck_id_is_zero(step->grant)) {
		add_line(lines, "          held by all staff of the person's authority, until %s", time_of(step->until_s, &until));
		return;
	}
	if (ck_view_get(lines->view, CK_KIND_GRANT, step->grant, &record) != CK_OK) return;
	const struct ck_grant *grant = &record.as.grant;
	add_line(lines, "          granted by %s until %s: %s", name_of(lines, CK_KIND_STAFF, grant->granted_by, &by),
	         time_of(grant->window.until_s, &until), shown(grant->reason, &reason));
}

static bool add_lapsed(const struct ck_record *record, void *context)
{
	struct lines *lines = context;
	const struct ck_grant *grant = &record->as.grant;
	struct name role, by;
	char state[96];
	if (ck_window_contains(grant->window, lines->question->now)) return true;
	add_line(lines, "          granted %s by %s, but that grant is %s", name_of(lines, CK_KIND_ROLE, grant->role, &role),
	         name_of(lines, CK_KIND_STAFF, grant->granted_by, &by),
	         state_of(CK_STATUS_ACTIVE, grant->window, lines->question->now, state));
	return !lines->full;
}

/* Grants of the rule's own roles that do not count now: what most people who are refused will ask about. */
static void explain_lapsed(struct lines *lines, const struct ck_rule *rule)
{
	struct ck_record person;
	if (ck_view_staff_by_uid(lines->view, lines->question->uid, &person) != CK_OK) return;
	for (size_t i = 0; i < rule->roles.count; i++)
		if (ck_view_grants_of(lines->view, person.id, rule->roles.at[i], add_lapsed, lines) != CK_OK) return;
}

static void explain_role(struct lines *lines, const struct ck_trace_step *step, const struct ck_rule *rule, struct ck_id owner)
{
	char list[512] = "";
	if (!step->passed) {
		add_line(lines, "      %s role: holds none of %s now", mark(step), list_roles(lines, &rule->roles, owner, list, sizeof list));
		explain_lapsed(lines, rule);
		return;
	}
	size_t length = append_role(lines, list, sizeof list, 0, "", step->about, owner);
	for (size_t i = 0; i < step->path_count; i++)
		length = append_role(lines, list, sizeof list, length, ", through its member role ", step->path[i], owner);
	add_line(lines, "      %s role: holds %s", mark(step), list);
	explain_grant(lines, step);
}

/* What the clock of that zone shows is said too: the person who asks may look at another one. */
static void explain_hours(struct lines *lines, const struct ck_trace_step *step, const struct ck_rule *rule)
{
	struct ck_record authority;
	struct name zone;
	struct time until;
	char list[512], moment[CK_WEEKLY_TEXT_BYTES];
	int32_t offset_s;
	int64_t now_s = lines->question->now.s, shift_s;
	if (rule->weekly.always) {
		add_line(lines, "      %s hours: always", mark(step));
		return;
	}
	if (ck_view_get(lines->view, CK_KIND_AUTHORITY, step->about, &authority) != CK_OK) return;
	const struct ck_authority *owner = &authority.as.authority_of;
	const char *hours = list_hours(&rule->weekly, list, sizeof list), *name = shown(owner->zone, &zone);
	if (lines->question->now.behind) {
		add_line(lines, "      %s hours: %s %s, but the clock is not to be trusted", mark(step), hours, name);
		return;
	}
	if (!ck_zone_offset(&owner->zone_table, now_s, &offset_s, &shift_s)) {
		add_line(lines, "      %s hours: %s %s, but what the clocks there show then is not known to the copy", mark(step), hours, name);
		return;
	}
	ck_weekly_moment(now_s + offset_s, moment);
	if (step->passed)
		add_line(lines, "      %s hours: within %s %s (it is %s there) until %s", mark(step), hours, name, moment,
		         time_of(step->until_s, &until));
	else add_line(lines, "      %s hours: outside of %s %s (it is %s there)", mark(step), hours, name, moment);
}

static void explain_condition(struct lines *lines, const struct ck_trace_step *step)
{
	struct ck_record record;
	struct name name;
	char list[512], source[CK_NETWORK_TEXT_BYTES], demanded[CK_PROVED_TEXT_BYTES], proved[CK_PROVED_TEXT_BYTES];
	if (ck_view_get(lines->view, CK_KIND_RULE, step->rule, &record) != CK_OK) return;
	const struct ck_rule *rule = &record.as.rule;
	const struct ck_question *question = lines->question;
	switch (step->step) {
	case CK_STEP_SERVICE:
		add_line(lines, "      %s service %s: allowed are %s", mark(step), typed(question->service, &name),
		         list_texts(&rule->services, list, sizeof list));
		break;
	case CK_STEP_ACCOUNT:
		add_line(lines, "      %s account %s: open are %s", mark(step), typed(question->account, &name),
		         list_texts(&rule->accounts, list, sizeof list));
		break;
	case CK_STEP_ROLE: explain_role(lines, step, rule, record.authority); break;
	case CK_STEP_SOURCE:
		add_line(lines, "      %s from %s: allowed is %s", mark(step), source_text(&question->source, source),
		         list_networks(&rule->sources, list, sizeof list));
		break;
	case CK_STEP_HOURS: explain_hours(lines, step, rule); break;
	case CK_STEP_PROOF:
		add_line(lines, "      %s proof: demands %s, proved is %s", mark(step), ck_proved_format(step->value & CK_PROVED_ALL, demanded),
		         ck_proved_format(question->proved & CK_PROVED_ALL, proved));
		if ((step->value & CK_PROVED_PASSWORD) != 0) add_line(lines, "        (the password is asked for after the touch, and needs a core)");
		break;
	case CK_STEP_STORE:
	case CK_STEP_STAFF:
	case CK_STEP_STAFF_AUTHORITY:
	case CK_STEP_SYSTEM:
	case CK_STEP_SYSTEM_AUTHORITY:
	case CK_STEP_RULE:
	default: break;
	}
}

static void explain_step(struct lines *lines, const struct ck_trace_step *step, const struct ck_verdict *verdict)
{
	switch (step->step) {
	case CK_STEP_STORE: explain_store(lines, step, verdict); break;
	case CK_STEP_STAFF: explain_staff(lines, step); break;
	case CK_STEP_STAFF_AUTHORITY: explain_authority(lines, step, "the person's", verdict); break;
	case CK_STEP_SYSTEM: explain_system(lines, step); break;
	case CK_STEP_SYSTEM_AUTHORITY: explain_authority(lines, step, "the system's", verdict); break;
	case CK_STEP_RULE: explain_rule(lines, step); break;
	case CK_STEP_SERVICE:
	case CK_STEP_ACCOUNT:
	case CK_STEP_ROLE:
	case CK_STEP_SOURCE:
	case CK_STEP_HOURS:
	case CK_STEP_PROOF:
	default: explain_condition(lines, step); break;
	}
}

static void conclude(struct lines *lines, const struct ck_verdict *verdict)
{
	struct name rule;
	struct time until;
	char demanded[CK_PROVED_TEXT_BYTES];
	if (verdict->allow) {
		add_line(lines, "so: granted by rule %s until %s", name_of(lines, CK_KIND_RULE, verdict->rule, &rule),
		         time_of(verdict->until_s, &until));
	} else if (verdict->reason == CK_REASON_PROOF) {
		add_line(lines, "so: refused (%s): rule %s demands %s", ck_reason_name(verdict->reason),
		         name_of(lines, CK_KIND_RULE, verdict->rule, &rule), ck_proved_format(verdict->demanded & CK_PROVED_ALL, demanded));
	} else {
		add_line(lines, "so: refused (%s): %s", ck_reason_name(verdict->reason), ck_reason_sentence(verdict->reason));
	}
}

size_t ck_explain(struct ck_view *view, const struct ck_question *question, const struct ck_verdict *verdict, const struct ck_trace *trace,
                  char *out, size_t out_bytes)
{
	struct name uid, account, system, service;
	if (out_bytes == 0) return 0;
	out[0] = '\0';
	struct lines lines = {.out = out, .limit_bytes = out_bytes, .view = view, .question = question};
	add_line(&lines, "%s: %s into account %s of %s by %s", verdict->allow ? "granted" : "refused", typed(question->uid, &uid),
	         typed(question->account, &account), typed(question->system, &system), typed(question->service, &service));
	for (size_t i = 0; trace != NULL && i < trace->count; i++) explain_step(&lines, &trace->at[i], verdict);
	if (trace != NULL && trace->dropped > 0) add_line(&lines, "  (%zu steps more)", trace->dropped);
	conclude(&lines, verdict);
	return lines.length;
}
