/* Who may: the operation table's `who`, enforced here and nowhere else, and of single entries. A client is what the kernel says of the
   process that connected, and whom a key's touch on this connection showed it to be; what it says of itself counts for nothing. */
#include "authd/gate_state.h"

#include <string.h>

#include "authd/decide/role.h"
#include "directory/base/clock.h"

/* An identification is for reading a few pages, not for a day: then the key is touched again. */
#define IDENTIFIED_LIFE_MS (15 * 60 * 1000)

static bool identified(const struct ck_gate_client *client)
{
	return client->person.known && ck_clock_monotonic_ms() - client->person.since_ms < IDENTIFIED_LIFE_MS;
}

/* Looks its own name up, never the one asked for: as long for a name that exists as for one that does not. */
static enum ck_error is_own_name(struct ck_gate_client *client, struct ck_text name)
{
	struct ck_view *view;
	struct ck_store_state state;
	struct ck_record record;
	bool own = false;
	if (ck_gate_view(client->gate, &view, &state) != CK_OK) return CK_ERR_UNAVAILABLE;
	if (ck_gate_stored(client->gate, ck_view_staff_by_uid_number(view, client->uid, &record)) == CK_OK)
		own = ck_text_equal(record.as.staff.uid, name);
	ck_view_end(&view);
	return own ? CK_OK : CK_ERR_DENIED;
}

static enum ck_error allowed_if(bool condition) { return condition ? CK_OK : CK_ERR_DENIED; }

enum ck_error ck_gate_permits(struct ck_gate_client *client, const struct ck_operation *operation, const struct ck_map *request)
{
	struct ck_text name;
	bool root = client->uid == 0;
	switch (operation->who) {
	case CK_WHO_ANYONE:
	case CK_WHO_TOUCH:
		return CK_OK;
	case CK_WHO_ROOT:
		return allowed_if(root);
	case CK_WHO_SELF_OR_ROOT:
		if (root) return CK_OK;
		if (ck_map_text(request, CK_F_USER, CK_LOGIN_NAME_LIMIT_BYTES, &name) != CK_OK) return CK_ERR_DENIED;
		return is_own_name(client, name);
	case CK_WHO_PERSON:
		return allowed_if(identified(client));
	case CK_WHO_STAFF:
	case CK_WHO_SELF_OR_ADMINISTRATOR:
		return allowed_if(root || identified(client) || client->uid >= CK_UID_NUMBER_FIRST);
	}
	return CK_ERR_DENIED;
}

bool ck_gate_person_acts(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *staff, struct ck_record *out_authority)
{
	struct ck_moment now = ck_wall_now(&client->gate->wall);
	return ck_staff_active(staff, now) &&
	       ck_gate_stored(client->gate, ck_view_get(view, CK_KIND_AUTHORITY, staff->authority, out_authority)) == CK_OK &&
	       ck_authority_active(out_authority, now);
}

bool ck_gate_person_is_active(struct ck_gate_client *client, struct ck_view *view, const struct ck_record *staff)
{
	struct ck_record authority;
	return ck_gate_person_acts(client, view, staff, &authority);
}

static bool look_whether_good(struct ck_gate_client *client, struct ck_view *view)
{
	const struct ck_gate_person *person = &client->person;
	struct ck_record key, staff;
	if (ck_gate_stored(client->gate, ck_view_key(view, person->key_hash, &key)) != CK_OK) return false;
	if (ck_gate_stored(client->gate, ck_view_get(view, CK_KIND_STAFF, person->staff, &staff)) != CK_OK) return false;
	bool theirs = ck_id_equal(key.as.key.staff, staff.id) && ck_id_equal(key.authority, staff.authority);
	return theirs && key.as.key.status == CK_STATUS_ACTIVE && ck_window_contains(key.as.key.window, ck_wall_now(&client->gate->wall)) &&
	       ck_gate_person_is_active(client, view, &staff);
}

/* The touch of a key that was revoked since is worth nothing any more, nor that of somebody who was suspended, alone or with their authority. */
static bool still_identified(struct ck_gate_client *client, struct ck_view *view)
{
	struct ck_gate_access *access = &client->access;
	if (!identified(client)) return false;
	if (!access->good_known) access->good = look_whether_good(client, view);
	access->good_known = true;
	return access->good;
}

bool ck_gate_person_of(struct ck_gate_client *client, struct ck_view *view, struct ck_id *out)
{
	struct ck_record record;
	if (still_identified(client, view)) {
		*out = client->person.staff;
		return true;
	}
	if (client->uid < CK_UID_NUMBER_FIRST) return false;
	if (ck_gate_stored(client->gate, ck_view_staff_by_uid_number(view, client->uid, &record)) != CK_OK) return false;
	*out = record.id;
	return true;
}

bool ck_gate_person_touched(struct ck_gate_client *client, struct ck_view *view, struct ck_record *out)
{
	return still_identified(client, view) &&
	       ck_gate_stored(client->gate, ck_view_get(view, CK_KIND_STAFF, client->person.staff, out)) == CK_OK;
}

static bool administers(struct ck_gate_client *client, struct ck_view *view, struct ck_id authority)
{
	struct ck_gate_access *access = &client->access;
	if (access->one_known && ck_id_equal(access->one_authority, authority)) return access->one;
	access->one_known = true;
	access->one_authority = authority;
	access->one = still_identified(client, view) &&
	              ck_is_administrator(view, client->person.staff, authority, ck_wall_now(&client->gate->wall));
	return access->one;
}

bool ck_gate_may_see(struct ck_gate_client *client, struct ck_view *view, struct ck_id authority, struct ck_id person)
{
	struct ck_id self;
	if (client->uid == 0) return true;
	if (!ck_id_is_zero(person) && ck_gate_person_of(client, view, &self) && ck_id_equal(self, person)) return true;
	return administers(client, view, authority);
}

struct search {
	struct ck_gate_client *client;
	struct ck_view *view;
	bool found;
};

static bool try_authority(const struct ck_record *record, void *context)
{
	struct search *search = context;
	search->found = ck_is_administrator(search->view, search->client->person.staff, record->id, ck_wall_now(&search->client->gate->wall));
	return !search->found;
}

bool ck_gate_is_any_administrator(struct ck_gate_client *client, struct ck_view *view)
{
	struct ck_id zero = {{0}};
	struct search search = {client, view, false};
	if (client->access.any_known) return client->access.any;
	client->access.any_known = true;
	client->access.any = false;
	if (!still_identified(client, view)) return false;
	if (ck_gate_stored(client->gate, ck_view_each(view, CK_KIND_AUTHORITY, zero, zero, try_authority, &search)) != CK_OK) return false;
	client->access.any = search.found;
	return client->access.any;
}
