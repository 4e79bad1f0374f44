/* Roles downwards, breadth first, in bounded memory on the stack. A role that is missing, suspended, or of an authority that is not active
   gives nothing and leads nowhere. A grant counts only if it lies in the authority that owns its role: an entry filed under another
   authority's tree is that other authority's word, whatever role it names. */
#include "authd/decide/role.h"

#include <string.h>

struct node {
	struct ck_id role;
	uint16_t parent; /* index; itself for a role asked for */
	uint8_t depth;
	int64_t until_s;
};

struct search {
	struct ck_view *view;
	const struct ck_subject *subject;
	struct ck_moment now;
	struct node nodes[CK_ROLE_VISITS_LIMIT];
	size_t count;
	size_t at; /* being looked at */
	struct ck_id role_authority;
	struct ck_holding *best;
	size_t best_node;
	/* the authority looked up last: most roles share theirs */
	struct ck_id authority;
	bool authority_active;
	int64_t authority_until_s;
};

int64_t ck_earlier(int64_t a_s, int64_t b_s)
{
	return a_s < b_s ? a_s : b_s;
}

bool ck_authority_active(const struct ck_record *record, struct ck_moment now)
{
	const struct ck_authority *authority = &record->as.authority_of;
	return record->kind == CK_KIND_AUTHORITY && authority->status == CK_STATUS_ACTIVE && ck_window_contains(authority->window, now);
}

bool ck_staff_active(const struct ck_record *record, struct ck_moment now)
{
	const struct ck_staff *staff = &record->as.staff;
	return record->kind == CK_KIND_STAFF && staff->status == CK_STATUS_ACTIVE && ck_window_contains(staff->window, now);
}

bool ck_doubted(const struct ck_record *record, struct ck_moment now)
{
	switch (record->kind) {
	case CK_KIND_AUTHORITY:
		return record->as.authority_of.status == CK_STATUS_ACTIVE && ck_window_doubted(record->as.authority_of.window, now);
	case CK_KIND_STAFF: return record->as.staff.status == CK_STATUS_ACTIVE && ck_window_doubted(record->as.staff.window, now);
	case CK_KIND_RULE: return record->as.rule.status == CK_STATUS_ACTIVE && ck_window_doubted(record->as.rule.window, now);
	case CK_KIND_GRANT: return ck_window_doubted(record->as.grant.window, now);
	default: return false;
	}
}

static bool contains(const struct ck_ids *ids, struct ck_id id)
{
	for (size_t i = 0; i < ids->count; i++) {
		if (ck_id_equal(ids->at[i], id)) return true;
	}
	return false;
}

static void enqueue(struct search *search, struct ck_id role, size_t parent, unsigned depth, int64_t until_s)
{
	if (search->count == CK_ROLE_VISITS_LIMIT || depth > CK_ROLE_DEPTH_LIMIT) return;
	for (size_t i = 0; i < search->count; i++) {
		if (ck_id_equal(search->nodes[i].role, role)) return;
	}
	search->nodes[search->count] = (struct node){role, (uint16_t)parent, (uint8_t)depth, until_s};
	search->count++;
}

static enum ck_error look_at_authority(struct search *search, struct ck_id authority)
{
	struct ck_record record;
	if (ck_id_equal(search->authority, authority)) return CK_OK;
	enum ck_error error = ck_view_get(search->view, CK_KIND_AUTHORITY, authority, &record);
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) return error;
	search->authority = authority;
	search->authority_active = error == CK_OK && ck_authority_active(&record, search->now);
	if (error == CK_OK && ck_doubted(&record, search->now)) search->best->doubted = true;
	search->authority_until_s = search->authority_active ? record.as.authority_of.window.until_s : 0;
	return CK_OK;
}

static void held(struct search *search, struct ck_id grant, int64_t until_s)
{
	struct ck_holding *best = search->best;
	if (best->held && best->until_s >= until_s) return;
	best->held = true;
	best->grant = grant;
	best->until_s = until_s;
	search->best_node = search->at;
}

/* No other way can last longer. */
static bool lasts(const struct search *search)
{
	return search->best->held && search->best->until_s == search->subject->until_s;
}

static bool look_at_grant(const struct ck_record *record, void *context)
{
	struct search *search = context;
	const struct ck_grant *grant = &record->as.grant;
	bool counts = ck_id_equal(record->authority, search->role_authority) && ck_window_contains(grant->window, search->now);
	if (ck_id_equal(record->authority, search->role_authority) && ck_doubted(record, search->now)) search->best->doubted = true;
	if (counts) held(search, record->id, ck_earlier(search->nodes[search->at].until_s, grant->window.until_s));
	return true;
}

static enum ck_error look_at_role(struct search *search)
{
	struct node *node = &search->nodes[search->at];
	struct ck_record record;
	enum ck_error error = ck_view_get(search->view, CK_KIND_ROLE, node->role, &record);
	if (error != CK_OK) return error == CK_ERR_NOT_FOUND ? CK_OK : error;
	const struct ck_role *role = &record.as.role;
	if (role->status != CK_STATUS_ACTIVE) return CK_OK;
	error = look_at_authority(search, record.authority);
	if (error != CK_OK || !search->authority_active) return error;

	node->until_s = ck_earlier(node->until_s, search->authority_until_s);
	search->role_authority = record.authority;
	if (contains(&role->all_staff_of, search->subject->authority)) held(search, (struct ck_id){{0}}, node->until_s);
	if (lasts(search)) return CK_OK;
	error = ck_view_grants_of(search->view, search->subject->staff, node->role, look_at_grant, search);
	if (error != CK_OK) return error;
	for (size_t i = 0; i < role->member_roles.count; i++) {
		enqueue(search, role->member_roles.at[i], search->at, node->depth + 1u, node->until_s);
	}
	return CK_OK;
}

/* From the role that is granted up to the one asked for. */
static void tell_path(const struct search *search)
{
	struct ck_holding *best = search->best;
	size_t i = search->best_node;
	best->path_count = search->nodes[i].depth;
	for (; search->nodes[i].depth > 0; i = search->nodes[i].parent) best->path[search->nodes[i].depth - 1] = search->nodes[i].role;
	best->root = search->nodes[i].role;
}

enum ck_error ck_role_find(struct ck_view *view, const struct ck_subject *subject, const struct ck_ids *roles, struct ck_moment now,
                           struct ck_holding *out)
{
	struct search search;
	memset(out, 0, sizeof *out);
	search.view = view;
	search.subject = subject;
	search.now = now;
	search.count = 0;
	search.best = out;
	search.best_node = 0;
	search.authority = (struct ck_id){{0}};
	search.authority_active = false;
	search.authority_until_s = 0;
	for (size_t i = 0; i < roles->count; i++) enqueue(&search, roles->at[i], search.count, 0, subject->until_s);
	for (search.at = 0; search.at < search.count; search.at++) {
		enum ck_error error = look_at_role(&search);
		if (error != CK_OK) {
			memset(out, 0, sizeof *out);
			return error;
		}
		if (lasts(&search)) break;
	}
	if (out->held) tell_path(&search);
	return CK_OK;
}

/* The person by id, if active now. */
static bool subject_of(struct ck_view *view, struct ck_id staff, struct ck_moment now, struct ck_subject *out)
{
	struct ck_record record;
	if (ck_view_get(view, CK_KIND_STAFF, staff, &record) != CK_OK || !ck_staff_active(&record, now)) return false;
	out->staff = staff;
	out->authority = record.authority;
	out->until_s = record.as.staff.window.until_s;
	if (ck_view_get(view, CK_KIND_AUTHORITY, out->authority, &record) != CK_OK || !ck_authority_active(&record, now)) return false;
	out->until_s = ck_earlier(out->until_s, record.as.authority_of.window.until_s);
	return true;
}

bool ck_role_held(struct ck_view *view, struct ck_id staff, struct ck_id role, struct ck_moment now, int64_t *out_until_s)
{
	struct ck_subject subject;
	struct ck_holding holding;
	struct ck_ids roles = {&role, 1};
	*out_until_s = 0;
	if (now.s <= 0 || !subject_of(view, staff, now, &subject)) return false;
	if (ck_role_find(view, &subject, &roles, now, &holding) != CK_OK || !holding.held) return false;
	*out_until_s = holding.until_s;
	return true;
}

bool ck_is_administrator(struct ck_view *view, struct ck_id staff, struct ck_id authority, struct ck_moment now)
{
	struct ck_record record;
	int64_t until_s;
	if (ck_view_get(view, CK_KIND_AUTHORITY, authority, &record) != CK_OK || !ck_authority_active(&record, now)) return false;
	struct ck_id role = record.as.authority_of.admin_role;
	/* a role of its own: another authority's administrators must not be able to fill it */
	if (ck_view_get(view, CK_KIND_ROLE, role, &record) != CK_OK || !ck_id_equal(record.authority, authority)) return false;
	return ck_role_held(view, staff, role, now, &until_s);
}
