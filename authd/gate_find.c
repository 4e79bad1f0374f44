/* Finding people. The search reads what everybody may see and nothing else (directory/store/people.h); what is found is put together first, then
   recorded (who asked, about whom, what for) and paid for, and only then shown. Who may not be found costs exactly what nobody costs: both are not
   there. A view ends before the ledger is asked; what is to be shown waits in the client. */
#include "authd/gate_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/decide/role.h"
#include "authd/record_wire.h"
#include "directory/store/people.h"

_Static_assert(CK_PEOPLE_CURSOR_BYTES == CK_PEOPLE_CURSOR_LIMIT_BYTES && CK_PEOPLE_QUERY_LIMIT_BYTES == CK_QUERY_LIMIT_BYTES,
               "the wire's limits are the index's");

#define PAGES_LIMIT 4 /* looked at for one answer, when many on them are out of their dates */
#define PEOPLE_BYTES (CK_PEOPLE_PAGE * (CK_UID_LIMIT_BYTES + 1) + 1)
#define STORE_MISSING "this machine has no finished copy of the directory yet"
#define FIND_FAULT "NAME is words, at most eight, or a login name, mail address, telephone or staff number; PURPOSE a sentence; CURSOR the one that was given"

/* An answer that is being put together. */
struct finding {
	struct ck_gate_client *client;
	struct ck_view *view;
	struct ck_gate_found found;
	struct ck_moment now;
	struct ck_writer w;
	char uid[CK_UID_LIMIT_BYTES + 1];
	char people[PEOPLE_BYTES]; /* of other authorities */
	size_t shown;
	struct ck_people_page page;
	bool more;
	uint8_t cursor[CK_PEOPLE_CURSOR_BYTES];
};
static uint8_t items[CK_GATE_ENTRIES_LIMIT_BYTES];

/* ---- who asks ---- */

enum ck_find_budget ck_gate_find_budget(struct ck_gate_client *client, struct ck_view *view, struct ck_id person, struct ck_id authority)
{
	struct ck_gate *gate = client->gate;
	struct ck_record role;
	int64_t until_s;
	struct ck_text name = ck_text_of(gate->config->find_switchboard_role);
	if (name.length == 0) return CK_FIND_BUDGET_PERSON;
	if (ck_gate_stored(gate, ck_view_by_name(view, CK_KIND_ROLE, authority, name, &role)) != CK_OK) return CK_FIND_BUDGET_PERSON;
	return ck_role_held(view, person, role.id, ck_wall_now(&gate->wall), &until_s) ? CK_FIND_BUDGET_SWITCHBOARD : CK_FIND_BUDGET_PERSON;
}

/* The person, whoever they are by a touch or by the kernel; root may also be nobody. False: whoever asks is neither. */
static bool read_asker(struct finding *f)
{
	struct ck_record staff;
	struct ck_id asker;
	f->found.budget = CK_FIND_BUDGET_NONE;
	if (!ck_gate_person_of(f->client, f->view, &asker)) return f->client->uid == 0;
	if (ck_gate_stored(f->client->gate, ck_view_get(f->view, CK_KIND_STAFF, asker, &staff)) != CK_OK) return false;
	if (!ck_gate_person_is_active(f->client, f->view, &staff) || ck_text_copy(f->uid, sizeof f->uid, staff.as.staff.uid) != CK_OK) return false;
	f->found.asker = asker;
	f->found.authority = staff.authority;
	f->found.budget = ck_gate_find_budget(f->client, f->view, asker, staff.authority);
	return true;
}

static void begin(struct finding *f, struct ck_gate_client *client)
{
	memset(f, 0, sizeof *f);
	f->client = client;
	f->now = ck_wall_now(&client->gate->wall);
	ck_writer_init(&f->w, items, sizeof items);
}

/* ---- who is found ---- */

static bool is_own(const struct finding *f, const struct ck_record *record)
{
	return ck_id_equal(f->found.authority, record->authority);
}

static void name_person(struct finding *f, struct ck_text uid)
{
	size_t used = strlen(f->people);
	snprintf(f->people + used, sizeof f->people - used, "%s%.*s", used > 0 ? " " : "", (int)uid.length, uid.at);
	f->found.charged++;
}

static enum ck_error put_person(struct finding *f, const struct ck_record *record, const struct ck_record *authority)
{
	uint8_t bytes[CK_WIRE_ENTRY_LIMIT_BYTES];
	size_t length;
	enum ck_wire_detail detail = is_own(f, record) ? CK_WIRE_COLLEAGUE : CK_WIRE_NAMES;
	enum ck_error error = ck_record_wire_encode_person(record, authority->as.authority_of.name, detail, bytes, sizeof bytes, &length);
	if (error != CK_OK) return error;
	struct ck_writer before = f->w;
	ck_cbor_put_bytes(&f->w, bytes, length);
	if (f->w.failed) {
		f->w = before;
		return CK_ERR_LIMIT;
	}
	f->shown++;
	if (!is_own(f, record)) name_person(f, record->as.staff.uid);
	return CK_OK;
}

/* In their dates, as the index cannot know, and their authority, which is to be named with them, is active. */
static bool is_findable(struct finding *f, const struct ck_record *record, struct ck_record *out_authority)
{
	return record->as.staff.listed && ck_gate_person_acts(f->client, f->view, record, out_authority);
}

/* False: the answer is full; it goes on behind the one before. */
static bool put_result(struct finding *f, size_t i)
{
	struct ck_record record, authority;
	enum ck_error error = ck_view_get(f->view, CK_KIND_STAFF, f->page.staff[i], &record);
	/* whoever the index knows is there */
	if (error == CK_ERR_NOT_FOUND) error = CK_ERR_CORRUPT;
	if (ck_gate_stored(f->client->gate, error) != CK_OK) return false;
	if (is_findable(f, &record, &authority) && (f->shown == CK_PEOPLE_PAGE || put_person(f, &record, &authority) != CK_OK)) {
		f->more = true;
		return false;
	}
	memcpy(f->cursor, f->page.behind[i], sizeof f->cursor);
	return true;
}

/* Whoever was left out changes nothing about the others: those who are merely similar come after somebody who is shown, or in place of nobody. */
static enum ck_error put_pages(struct finding *f, struct ck_text words, struct ck_bytes cursor)
{
	bool first = cursor.length == 0;
	for (size_t pages = 0; pages < PAGES_LIMIT; pages++) {
		struct ck_people_query query = {.words = words, .own = f->found.authority, .cursor = cursor, .found = first && f->shown > 0};
		enum ck_error error = ck_gate_stored(f->client->gate, ck_people_search(f->view, &query, &f->page));
		if (error != CK_OK) return error;
		f->client->kept_cut = f->client->kept_cut || f->page.cut;
		for (size_t i = 0; i < f->page.count; i++)
			if (!put_result(f, i)) return CK_OK;
		f->more = f->page.more;
		memcpy(f->cursor, f->page.cursor, sizeof f->cursor);
		cursor = (struct ck_bytes){f->cursor, sizeof f->cursor};
		/* a page on which somebody was left out is filled; the others are as long as they are */
		if (!f->more || f->shown >= f->page.count) break;
	}
	return CK_OK;
}

/* ---- recorded, then shown ---- */

static void send_found(struct ck_gate_client *client)
{
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_key(m, CK_F_ENTRIES);
	ck_cbor_put_array(m->w, client->kept_count);
	ck_put_bytes(m->w, client->kept, client->kept_bytes);
	if (client->kept_more) ck_field_bytes(m, CK_F_CURSOR, client->kept_cursor, sizeof client->kept_cursor);
	if (client->kept_cut) ck_field_bool(m, CK_F_CUT, true);
	ck_gate_send(client, -1);
}

static void found_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error == CK_OK)
		send_found(client);
	else if (error == CK_ERR_DENIED && strcmp(reason, "budget") == 0)
		ck_gate_deny(client, "budget", "you have looked up as many people of other authorities as one person may in a day; an hour later some more go");
	else if (error == CK_ERR_DENIED && strcmp(reason, "budget-authority") == 0)
		ck_gate_deny(client, "budget", "your authority has looked up as many people of other authorities as it may in a day");
	else
		ck_gate_unavailable(client, "the look-up could not be recorded");
	free(client->kept);
	client->kept = NULL;
}

/* Ends the view. */
static void record_found(struct finding *f, const char *name, const char *purpose)
{
	struct ck_gate_client *client = f->client;
	ck_view_end(&f->view);
	free(client->kept);
	client->kept_bytes = ck_writer_length(&f->w);
	client->kept = malloc(client->kept_bytes + 1);
	if (client->kept == NULL) {
		ck_gate_unavailable(client, "out of memory");
		return;
	}
	memcpy(client->kept, items, client->kept_bytes);
	client->kept_count = f->shown;
	client->kept_more = f->more;
	memcpy(client->kept_cursor, f->cursor, sizeof client->kept_cursor);
	/* guessing costs, too */
	if (f->shown == 0) f->found.charged = 1;
	f->found.purpose = purpose;
	f->found.people = f->people;
	struct ck_gate_event e = {.event = CK_EVENT_FOUND, .user = f->uid[0] != '\0' ? f->uid : NULL, .name = name, .found = &f->found};
	ck_gate_record(client, &e, found_recorded);
}

/* ---- find ---- */

static bool read_find(const struct ck_map *request, char name[CK_QUERY_LIMIT_BYTES + 1], char purpose[CK_PURPOSE_LIMIT_BYTES + 1], struct ck_bytes *out_cursor)
{
	*out_cursor = (struct ck_bytes){NULL, 0};
	enum ck_error of_purpose = ck_map_string(request, CK_F_PURPOSE, purpose, CK_PURPOSE_LIMIT_BYTES + 1);
	enum ck_error of_cursor = ck_map_bytes(request, CK_F_CURSOR, CK_PEOPLE_CURSOR_BYTES, CK_PEOPLE_CURSOR_BYTES, out_cursor);
	if (of_purpose != CK_OK) purpose[0] = '\0';
	return ck_map_string(request, CK_F_NAME, name, CK_QUERY_LIMIT_BYTES + 1) == CK_OK && (of_purpose == CK_OK || of_purpose == CK_ERR_NOT_FOUND) &&
	       (of_cursor == CK_OK || of_cursor == CK_ERR_NOT_FOUND);
}

void ck_gate_find(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	static struct finding f; /* large; one thread */
	char name[CK_QUERY_LIMIT_BYTES + 1], purpose[CK_PURPOSE_LIMIT_BYTES + 1];
	struct ck_store_state state;
	struct ck_bytes cursor;
	(void)encoded;
	if (!read_find(request, name, purpose, &cursor)) {
		ck_gate_error(client, "invalid", FIND_FAULT);
		return;
	}
	begin(&f, client);
	memset(&client->access, 0, sizeof client->access);
	client->kept_cut = false;
	if (ck_gate_view(client->gate, &f.view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	if (!read_asker(&f)) {
		ck_view_end(&f.view);
		ck_gate_deny(client, "not-staff", "only root and active staff find people here");
		return;
	}
	enum ck_error error = put_pages(&f, ck_text_of(name), cursor);
	if (error == CK_OK) {
		record_found(&f, name, purpose[0] != '\0' ? purpose : NULL);
		return;
	}
	ck_view_end(&f.view);
	if (error == CK_ERR_INVALID) ck_gate_error(client, "invalid", FIND_FAULT);
	else ck_gate_unavailable(client, "the people index cannot be read now");
}

/* ---- one person, for show ---- */

void ck_gate_show_person(struct ck_gate_client *client, const struct ck_record *record, struct ck_view **view, const char *name)
{
	static struct finding f;
	struct ck_record authority;
	begin(&f, client);
	client->kept_cut = false;
	f.view = *view;
	*view = NULL;
	bool may = ck_gate_is_any_administrator(client, f.view) && read_asker(&f) && is_findable(&f, record, &authority) &&
	           put_person(&f, record, &authority) == CK_OK;
	if (may) {
		record_found(&f, name, NULL);
		return;
	}
	ck_view_end(&f.view);
	ck_gate_deny(client, "not-found", "there is no such entry, or none that you may see");
}
