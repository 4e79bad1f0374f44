/* Who may order a change: each statement by the table of operation.c, over the committed copy. It starts refused; the one line that lets a
   statement pass is in authorise_item. */
#include <string.h>

#include "authd/change.h"
#include "authd/decide/decide.h"

struct rights {
	const struct ck_order *order;
	const struct ck_change_place *place;
	struct ck_view *view;
	bool founding; /* the orderer is an administrator of the founding authority */
};

static struct ck_id id_of(struct ck_bytes bytes)
{
	struct ck_id id = {{0}};
	if (bytes.length >= sizeof id.bytes) memcpy(id.bytes, bytes.at, sizeof id.bytes);
	return id;
}

/* ---- what it is about ---- */

static enum ck_error get_target(struct ck_view *view, const struct ck_order_item *item, struct ck_record *out)
{
	if (item->rule->kind == CK_KIND_KEY) return ck_view_key(view, item->statement.target.at, out);
	return ck_view_get(view, item->rule->kind, id_of(item->statement.target), out);
}

static struct ck_id parent_of(const struct ck_record *record)
{
	switch (record->kind) {
	case CK_KIND_KEY: return record->as.key.staff;
	case CK_KIND_CODE: return record->as.code.staff;
	case CK_KIND_GRANT: return record->as.grant.role;
	default: return (struct ck_id){{0}};
	}
}

/* By an earlier statement: if that one does not go in, because the authority is there already, nothing after it does. */
static bool created_before(const struct ck_order *order, const struct ck_order_item *before, struct ck_id authority)
{
	for (const struct ck_order_item *item = order->items; item < before; item++) {
		if (item->rule->kind == CK_KIND_AUTHORITY && item->rule->verb == CK_VERB_ADD && ck_id_equal(item->statement.authority, authority))
			return true;
	}
	return false;
}

/* An entry that is changed or removed is where the statement says; an added one is of an authority that is there or comes with it. */
static enum ck_error check_target(const struct rights *r, const struct ck_order_item *item, struct ck_record *out, struct ck_denial *denial)
{
	const char *name = item->rule->name;
	struct ck_record authority;
	enum ck_error error = get_target(r->view, item, out);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return ck_deny(denial, "unavailable", "the copy cannot be read");
	if (item->rule->verb == CK_VERB_ADD) {
		if (error == CK_OK) return ck_deny(denial, "exists", "%s: there is one with this id already", name);
		if (item->rule->kind == CK_KIND_AUTHORITY || created_before(r->order, item, item->statement.authority)) return CK_OK;
		error = ck_view_get(r->view, CK_KIND_AUTHORITY, item->statement.authority, &authority);
		return error == CK_OK ? CK_OK : ck_deny(denial, "not-found", "%s: there is no such authority", name);
	}
	if (error != CK_OK) return ck_deny(denial, "not-found", "%s: there is no such entry", name);
	if (!ck_id_equal(out->authority, item->statement.authority) ||
	    (item->statement.parent.length > 0 && !ck_id_equal(parent_of(out), id_of(item->statement.parent))))
		return ck_deny(denial, "not-found", "%s: the entry is not where the statement says", name);
	return CK_OK;
}

/* ---- administrators with a key ---- */

struct search {
	struct ck_view *view;
	struct ck_id authority;
	struct ck_id home; /* of the person at hand: a key that is filed elsewhere is none of theirs */
	struct ck_moment now;
	unsigned depth;
	bool found;
};

static bool look_at_key(const struct ck_record *record, void *context)
{
	struct search *search = context;
	search->found = ck_id_equal(record->authority, search->home) && ck_key_is_active(&record->as.key, search->now);
	return !search->found;
}

static bool look_at_grant(const struct ck_record *record, void *context)
{
	struct search *search = context;
	struct ck_id staff = record->as.grant.staff;
	struct ck_record person;
	if (!ck_is_administrator(search->view, staff, search->authority, search->now)) return true;
	search->found = ck_view_get(search->view, CK_KIND_STAFF, staff, &person) != CK_OK;
	if (search->found) return false;
	search->home = person.authority;
	if (ck_view_keys_of(search->view, staff, look_at_key, search) != CK_OK) search->found = true;
	return !search->found;
}

/* Fails towards "there is one": the founding authority then has nothing to do there. */
static void search_role(struct search *search, struct ck_id role)
{
	struct ck_record record;
	if (search->depth == CK_ROLE_DEPTH_LIMIT || ck_view_get(search->view, CK_KIND_ROLE, role, &record) != CK_OK) return;
	if (record.as.role.all_staff_of.count > 0 || ck_view_grants_by_role(search->view, role, look_at_grant, search) != CK_OK) search->found = true;
	search->depth++;
	for (size_t i = 0; !search->found && i < record.as.role.member_roles.count; i++) search_role(search, record.as.role.member_roles.at[i]);
	search->depth--;
}

static bool has_administrator_with_key(const struct rights *r, struct ck_id authority)
{
	struct ck_record record;
	struct search search = {.view = r->view, .authority = authority, .now = r->place->now};
	if (ck_view_get(r->view, CK_KIND_AUTHORITY, authority, &record) != CK_OK) return true;
	search_role(&search, record.as.authority_of.admin_role);
	return search.found;
}

/* ---- the rights ---- */

/* While an authority is being created, all that the table allows; later only a code for an administrator of it, while none has a key. */
static bool may_as_founding_first(const struct rights *r, const struct ck_order_item *item)
{
	if (!r->founding) return false;
	if (created_before(r->order, item, item->statement.authority)) return true;
	if (item->rule->kind != CK_KIND_CODE) return false;
	return ck_is_administrator(r->view, id_of(item->statement.parent), item->statement.authority, r->place->now) &&
	       !has_administrator_with_key(r, item->statement.authority);
}

static bool is_self(const struct rights *r, const struct ck_order_item *item)
{
	return item->rule->kind == CK_KIND_KEY && ck_id_equal(id_of(item->statement.parent), r->order->orderer);
}

static enum ck_error authorise_item(const struct rights *r, struct ck_order_item *item, struct ck_denial *denial)
{
	unsigned who = item->rule->who;
	unsigned held = CK_CHANGE_NOBODY;
	if (ck_is_administrator(r->view, r->order->orderer, item->statement.authority, r->place->now)) held |= CK_CHANGE_ADMINISTRATOR;
	if (r->founding) held |= CK_CHANGE_FOUNDING;
	if (is_self(r, item)) held |= CK_CHANGE_SELF;
	if ((who & CK_CHANGE_FOUNDING_FIRST) != 0 && may_as_founding_first(r, item)) held |= CK_CHANGE_FOUNDING_FIRST;
	item->founding_first = (who & held) == CK_CHANGE_FOUNDING_FIRST;
	item->self_only = (who & held) == CK_CHANGE_SELF;
	if ((who & held) == 0)
		return ck_deny(denial, "not-permitted", "%s: you are not one who may order this: %s", item->rule->name,
		               (who & CK_CHANGE_ADMINISTRATOR) != 0 ? "an administrator of that authority may"
		               : (who & CK_CHANGE_SELF) != 0        ? "only the person themself may"
		                                                    : "only an administrator of the founding authority may");
	return CK_OK;
}

/* ---- keys ---- */

struct others {
	const struct ck_order *order;
	struct ck_moment now;
	struct ck_id authority; /* the person's */
	size_t active; /* keys that stay active */
};

static bool stays(const struct ck_order *order, const uint8_t hash[CK_HASH_BYTES])
{
	for (size_t i = 0; i < order->count; i++) {
		const struct ck_order_item *item = &order->items[i];
		if (item->rule->kind == CK_KIND_KEY && item->rule->verb != CK_VERB_ADD && memcmp(item->statement.target.at, hash, CK_HASH_BYTES) == 0)
			return false;
	}
	return true;
}

static bool count_key(const struct ck_record *record, void *context)
{
	struct others *others = context;
	if (!ck_id_equal(record->authority, others->authority)) return true;
	if (ck_key_is_active(&record->as.key, others->now) && stays(others->order, record->as.key.hash)) others->active++;
	return true;
}

/* Nobody locks themself out: without an administrator's order one key that this change does not touch stays active. A label alone is no
   reason to refuse. */
static enum ck_error check_last_key(const struct rights *r, const struct ck_order_item *item, struct ck_denial *denial)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count = 0;
	bool takes = item->rule->verb == CK_VERB_REMOVE;
	struct others others = {.order = r->order, .now = r->place->now, .authority = item->statement.authority};
	if (!item->self_only || item->rule->verb == CK_VERB_ADD) return CK_OK;
	if (ck_change_values_decode(item->values, values, &count) != CK_OK) return ck_deny(denial, "malformed", "the values are malformed");
	for (size_t i = 0; i < count; i++)
		if (!ck_text_is(values[i].attribute, "ckLabel")) takes = true;
	if (!takes) return CK_OK;
	if (ck_view_keys_of(r->view, r->order->orderer, count_key, &others) != CK_OK) return ck_deny(denial, "unavailable", "the copy cannot be read");
	if (others.active > 0) return CK_OK;
	return ck_deny(denial, "last-key", "%s: this is your last active key; an administrator of your authority can take it away", item->rule->name);
}

/* The founding authority delegates; who administers an authority is for its own administrators. */
static enum ck_error check_admin_role(const struct rights *r, const struct ck_order_item *item, struct ck_denial *denial)
{
	static struct ck_change_value values[CK_CHANGE_VALUES_LIMIT];
	size_t count = 0;
	if (item->rule->kind != CK_KIND_AUTHORITY || item->rule->verb != CK_VERB_CHANGE) return CK_OK;
	if (ck_is_administrator(r->view, r->order->orderer, item->statement.authority, r->place->now)) return CK_OK;
	if (ck_change_values_decode(item->values, values, &count) != CK_OK) return ck_deny(denial, "malformed", "the values are malformed");
	for (size_t i = 0; i < count; i++)
		if (ck_text_is(values[i].attribute, "ckAdminRoleId"))
			return ck_deny(denial, "not-permitted", "%s: only an administrator of that authority may say which role administers it", item->rule->name);
	return CK_OK;
}

static enum ck_error check_prepared(const struct rights *r, const struct ck_order_item *item, struct ck_denial *denial)
{
	if (item->rule->kind != CK_KIND_KEY || item->rule->verb != CK_VERB_ADD) return CK_OK;
	if (r->place->prepared != NULL &&
	    ck_prepared_find(r->place->prepared, item->statement.digest, r->order->orderer, r->place->now_ms) != NULL)
		return CK_OK;
	return ck_deny(denial, "not-enrolled", "%s: this key was not enrolled here just now; enrol it again", item->rule->name);
}

enum ck_error ck_order_authorise(struct ck_order *order, const struct ck_change_place *place, struct ck_view *view, struct ck_denial *denial)
{
	struct rights r = {.order = order, .place = place, .view = view};
	denial->reason = "";
	if (order->count == 0 || ck_id_is_zero(order->orderer)) return ck_deny(denial, "not-verified", "the change was not verified");
	r.founding = ck_is_administrator(view, order->orderer, place->founding, place->now);
	for (size_t i = 0; i < order->count; i++) {
		struct ck_record target;
		struct ck_order_item *item = &order->items[i];
		/* The right first: what is there is told to nobody who may not touch it. */
		enum ck_error error = authorise_item(&r, item, denial);
		if (error == CK_OK) error = check_target(&r, item, &target, denial);
		if (error == CK_OK) error = check_last_key(&r, item, denial);
		if (error == CK_OK) error = check_admin_role(&r, item, denial);
		if (error == CK_OK) error = check_prepared(&r, item, denial);
		if (error != CK_OK) return error;
	}
	return CK_OK;
}
