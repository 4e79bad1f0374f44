/* The accounts of this system, as a name service asks for them: who has one, and its numbers and paths. Anybody local may ask, and nothing is
   recorded: a machine asks thousands of times an hour. So it is told of those alone whom some rule lets in here as themself, and of everybody else,
   whether the directory knows them or not, the same in the same time. */
#include "authd/gate_state.h"

#include "authd/protocol/account.h"

_Static_assert(CK_ACCOUNT_NUMBER_FIRST == CK_UID_NUMBER_FIRST && CK_ACCOUNT_NUMBER_LAST == CK_UID_NUMBER_LAST &&
                   CK_ACCOUNT_NAME_LIMIT_BYTES == CK_UID_LIMIT_BYTES && CK_ACCOUNT_PATH_LIMIT_BYTES == CK_NAME_LIMIT_BYTES,
               "the wire's limits are the directory's");

#define ENTRY_FAULT "either USER, a login name, or UID_NUMBER"
#define NOBODY "nobody" /* whose turn it is when a number is nobody's: only that there is a name counts */

struct sought {
	bool by_name;
	struct ck_text name;
	uint64_t number;
};

/* One of the two, and it is what it should be. */
static bool read_sought(const struct ck_map *request, struct sought *out)
{
	enum ck_error of_name = ck_map_text(request, CK_F_USER, CK_LOGIN_NAME_LIMIT_BYTES, &out->name);
	enum ck_error of_number = ck_map_uint(request, CK_F_UID_NUMBER, 0, UINT32_MAX, &out->number);
	out->by_name = of_name == CK_OK;
	if (out->by_name) return of_number == CK_ERR_NOT_FOUND && out->name.length > 0;
	return of_name == CK_ERR_NOT_FOUND && of_number == CK_OK;
}

static enum ck_error find(struct ck_view *view, const struct sought *sought, struct ck_record *out)
{
	return sought->by_name ? ck_view_staff_by_uid(view, sought->name, out) : ck_view_staff_by_uid_number(view, sought->number, out);
}

/* Nobody's name costs reading records as somebody's does: those of whoever comes next, and of their authority, which go nowhere. */
static enum ck_error read_another(struct ck_view *view, const struct sought *sought)
{
	struct ck_record other, authority;
	enum ck_error error = ck_view_staff_from(view, sought->by_name ? sought->name : ck_text_of(NOBODY), &other);
	if (error == CK_OK) error = ck_view_get(view, CK_KIND_AUTHORITY, other.authority, &authority);
	return error == CK_ERR_NOT_FOUND ? CK_OK : error;
}

static enum ck_error look(struct ck_gate *gate, struct ck_view *view, const struct ck_store_state *state, const struct sought *sought,
                          struct ck_record *out)
{
	struct ck_moment now = ck_wall_now(&gate->wall);
	enum ck_error error = find(view, sought, out);
	bool known = error == CK_OK;
	if (error == CK_ERR_NOT_FOUND) error = read_another(view, sought);
	if (error != CK_OK) return error;
	const struct ck_question question = {
		.uid = known ? out->as.staff.uid : ck_text_of(NOBODY),
		.system = ck_text_of(gate->config->system),
		.system_id = gate->config->system_id,
		.as_of_s = ck_wall_as_of(&gate->wall, &state->as_of, now),
		.as_of_limit_s = gate->config->as_of_limit_s == 0 ? INT64_MAX : (int64_t)gate->config->as_of_limit_s,
		.now = now,
	};
	return ck_decide_account(view, &question, known ? out : NULL);
}

static void send_entry(struct ck_gate_client *client, const struct ck_staff *staff)
{
	const struct ck_account_entry entry = {staff->uid, staff->uid_number, staff->gid_number, staff->home, staff->shell};
	ck_account_entry_put(ck_gate_answer(client, CK_ANSWER_GRANTED), &entry);
	ck_gate_send(client, -1);
}

void ck_gate_account_entry(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	struct ck_gate *gate = client->gate;
	struct ck_view *view;
	struct ck_store_state state;
	struct ck_record staff;
	struct sought sought;
	(void)encoded;
	if (!read_sought(request, &sought)) {
		ck_gate_error(client, "invalid", ENTRY_FAULT);
		return;
	}
	enum ck_error error = ck_gate_view(gate, &view, &state);
	if (error == CK_OK) error = ck_gate_stored(gate, look(gate, view, &state, &sought, &staff));
	if (error == CK_OK) send_entry(client, &staff.as.staff);
	else if (error == CK_ERR_NOT_FOUND) ck_gate_deny(client, "no-account", "there is no such account here");
	else ck_gate_unavailable(client, "this machine's copy of the directory cannot say now who has an account");
	ck_view_end(&view);
}
