/* Questions that change nothing, but of people (gate_find.c): explain. What is looked up is recorded before it is looked up. A view ends
   within the operation; the request is kept meanwhile. */
#include "authd/gate_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/record_wire.h"
#include "directory/base/clock.h"

#define KEPT_LIMIT_BYTES 2048      /* the longest of these requests is below it */
#define TEXT_LIMIT_BYTES 32768
#define EXPLAIN_FAULT "FROM is an address or \"local\"; PROVED a set of what a login can show; ACCOUNT a local account"
#define STORE_MISSING "this machine has no finished copy of the directory yet"

/* ---- recorded first ---- */

static void looked_up_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	struct ck_map request;
	uint8_t *kept = client->kept;
	client->kept = NULL;
	memset(&client->access, 0, sizeof client->access);
	if (ck_gate_recorded(reply, reason) != CK_OK)
		ck_gate_unavailable(client, "the look-up could not be recorded");
	else if (ck_map_parse((struct ck_bytes){kept, client->kept_bytes}, &request) != CK_OK)
		ck_gate_error(client, "internal", "the request was lost");
	else
		client->look_up(client, &request);
	free(kept);
}

void ck_gate_look_up(struct ck_gate_client *client, enum ck_event event, const char *name, struct ck_bytes encoded,
                     void (*run)(struct ck_gate_client *client, const struct ck_map *request))
{
	struct ck_gate_event e = {.event = event, .user = client->person.known ? client->person.uid : NULL, .name = name};
	if (!ck_gate_keep(client, encoded)) return;
	client->look_up = run;
	ck_gate_record(client, &e, looked_up_recorded);
}

bool ck_gate_keep(struct ck_gate_client *client, struct ck_bytes encoded)
{
	free(client->kept);
	client->kept = encoded.length <= KEPT_LIMIT_BYTES ? malloc(encoded.length) : NULL;
	if (client->kept == NULL) {
		ck_gate_error(client, "invalid", "the request is too long");
		return false;
	}
	memcpy(client->kept, encoded.at, encoded.length);
	client->kept_bytes = encoded.length;
	return true;
}

/* ---- entries ---- */

/* Kinds of which an administrator sees the names in other authorities too: what rules and member roles refer to. */
static bool has_public_names(enum ck_kind kind)
{
	return kind == CK_KIND_AUTHORITY || kind == CK_KIND_ROLE || kind == CK_KIND_SYSTEM;
}

static struct ck_id person_in(const struct ck_record *record)
{
	struct ck_id nobody = {{0}};
	if (record->kind == CK_KIND_STAFF) return record->id;
	if (record->kind == CK_KIND_KEY) return record->as.key.staff;
	if (record->kind == CK_KIND_KEY_USE) return record->as.key_use.staff;
	return record->kind == CK_KIND_GRANT ? record->as.grant.staff : nobody;
}

enum ck_error ck_gate_put_entry(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *record, struct ck_writer *w)
{
	uint8_t bytes[CK_WIRE_ENTRY_LIMIT_BYTES];
	size_t length;
	enum ck_wire_detail detail = CK_WIRE_WHOLE;
	if (!ck_gate_may_see(client, view, record->authority, person_in(record))) {
		if (!has_public_names(record->kind) || !ck_gate_is_any_administrator(client, view)) return CK_ERR_NOT_FOUND;
		detail = CK_WIRE_NAMES;
	}
	struct ck_record use;
	bool used = record->kind == CK_KIND_KEY && ck_gate_stored(client->gate, ck_view_key_use(view, record->as.key.hash, &use)) == CK_OK;
	enum ck_error error = ck_record_wire_encode(record, used ? &use.as.key_use : NULL, detail, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	struct ck_writer before = *w;
	ck_cbor_put_bytes(w, bytes, length);
	if (!w->failed) return CK_OK;
	*w = before;
	return CK_ERR_LIMIT;
}

void ck_gate_send_entries(struct ck_gate_client *client, const uint8_t *items, size_t length, size_t count, struct ck_bytes cursor)
{
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_key(m, CK_F_ENTRIES);
	ck_cbor_put_array(m->w, count);
	ck_put_bytes(m->w, items, length);
	if (cursor.length > 0) ck_field_bytes(m, CK_F_CURSOR, cursor.at, cursor.length);
	ck_gate_send(client, -1);
}

/* ---- explain ---- */

struct explained {
	struct ck_login_ask ask;
	char system[CK_SYSTEM_LIMIT_BYTES + 1];
	struct ck_question question;
};

static bool read_source(const struct ck_map *request, struct ck_source *out)
{
	struct ck_text from;
	*out = (struct ck_source){.present = false};
	enum ck_error error = ck_map_text(request, CK_F_FROM, CK_REMOTE_HOST_LIMIT_BYTES, &from);
	if (error == CK_ERR_NOT_FOUND) return true;
	if (error != CK_OK) return false;
	out->present = true;
	out->local = ck_text_is(from, "local");
	return out->local || ck_address_parse(from, &out->address) == CK_OK;
}

static bool read_explained(struct ck_gate *gate, const struct ck_map *request, struct explained *out)
{
	uint64_t proved = CK_PROVED_DEFAULT;
	memset(out, 0, sizeof *out);
	struct ck_question *q = &out->question;
	enum ck_error time_error = ck_map_int(request, CK_F_TIME, &q->now.s);
	if (time_error != CK_OK) q->now = ck_wall_now(&gate->wall);
	enum ck_error proved_error = ck_map_uint(request, CK_F_PROVED, 0, CK_PROVED_ALL, &proved);
	if (ck_login_read_ask(request, &out->ask) != CK_OK ||
	    ck_map_string(request, CK_F_SYSTEM, out->system, sizeof out->system) != CK_OK || !read_source(request, &q->source) ||
	    (time_error != CK_OK && time_error != CK_ERR_NOT_FOUND) ||
	    (proved_error != CK_OK && proved_error != CK_ERR_NOT_FOUND))
		return false;
	q->uid = ck_text_of(out->ask.user);
	q->account = out->ask.account[0] != '\0' ? ck_text_of(out->ask.account) : q->uid;
	q->system = ck_text_of(out->system);
	q->service = ck_text_of(out->ask.service);
	q->proved = (unsigned)proved;
	return ck_model_account_valid(q->account);
}

/* Root, the person, an administrator of the person's or of the system's authority. */
static bool may_explain(struct ck_gate_client *client, struct ck_view *view, const struct ck_question *q)
{
	struct ck_record staff, system;
	struct ck_id nobody = {{0}};
	if (client->uid == 0) return true;
	if (ck_gate_stored(client->gate, ck_view_staff_by_uid(view, q->uid, &staff)) == CK_OK &&
	    ck_gate_may_see(client, view, staff.authority, staff.id))
		return true;
	return ck_gate_stored(client->gate, ck_view_system_by_name(view, q->system, &system)) == CK_OK &&
	       ck_gate_may_see(client, view, system.authority, nobody);
}

static void send_explained(struct ck_gate_client *client, struct ck_view *view, struct ck_question *q)
{
	static struct ck_trace trace;
	static char text[TEXT_LIMIT_BYTES];
	bool corrupt = false;
	memset(&trace, 0, sizeof trace);
	struct ck_verdict verdict = ck_decide(view, q, &trace, &corrupt);
	if (corrupt) (void)ck_gate_stored(client->gate, CK_ERR_CORRUPT);
	size_t length = ck_explain(view, q, &verdict, &trace, text, sizeof text);
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	if (verdict.allow) ck_field_int(m, CK_F_UNTIL, verdict.until_s);
	ck_field_string(m, CK_F_REASON, ck_reason_name(verdict.reason));
	ck_field_text(m, CK_F_TEXT, (struct ck_text){text, length});
	ck_field_bool(m, CK_F_VERDICT, verdict.allow);
	ck_gate_send(client, -1);
}

static void explain_recorded(struct ck_gate_client *client, const struct ck_map *request)
{
	const struct ck_config *config = client->gate->config;
	struct ck_view *view;
	struct ck_store_state state;
	struct explained e;
	if (!read_explained(client->gate, request, &e)) {
		ck_gate_error(client, "invalid", EXPLAIN_FAULT);
		return;
	}
	if (ck_gate_view(client->gate, &view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	/* A question about another time is answered as if the copy were fresh then. */
	bool other_time = (request->present & CK_KEY(CK_F_TIME)) != 0;
	e.question.as_of_s = other_time ? e.question.now.s : ck_wall_as_of(&client->gate->wall, &state.as_of, e.question.now);
	e.question.as_of_limit_s = config->as_of_limit_s == 0 ? INT64_MAX : (int64_t)config->as_of_limit_s;
	if (ck_text_is(e.question.system, config->system)) e.question.system_id = config->system_id;
	if (may_explain(client, view, &e.question))
		send_explained(client, view, &e.question);
	else
		ck_gate_deny(client, "not-yours", "only root, the person, and administrators of their or the system's authority may ask");
	ck_view_end(&view);
}

void ck_gate_explain(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	struct explained e;
	char name[sizeof e.ask.user + sizeof e.system + sizeof e.ask.service + 3];
	if (!read_explained(client->gate, request, &e)) {
		ck_gate_error(client, "invalid", EXPLAIN_FAULT);
		return;
	}
	snprintf(name, sizeof name, "%s %s %s", e.ask.user, e.system, e.ask.service);
	ck_gate_look_up(client, CK_EVENT_EXPLAINED, name, encoded, explain_recorded);
}
