/* Checking a code that somebody said: who they are is told only to the person it was made for, once, and only if everything it stands on is good
   at this moment by this gate's own copy. What a gate elsewhere said of it counts for nothing: the key's signature is verified here again. */
#include "authd/gate_state.h"

#include <string.h>

#include "directory/base/clock.h"
#include "directory/base/secret.h"

#define LEDGER_TIMEOUT_MS 4000 /* as for records */
#define STORE_MISSING "this machine has no finished copy of the directory yet"
#define STORE_STALE "this machine's copy of the directory is too old to say who anybody is"
#define ENDED "the code was right, but the key, the person or their authority is no longer good: do not believe the caller"

/* What the person is told; the same sentence for a code that nobody made and for one that was made for somebody else. */
static const char *sentence_of(const char *reason)
{
	static const struct {
		const char *reason, *sentence;
	} sentences[] = {
		{"vouch-tries", "too many wrong codes were entered: nothing is checked for a quarter of an hour; tell your security staff"},
		{"vouch-expired", "the code's time is over: ask the caller for a new one"},
		{"vouch-used", "the code was used already: ask the caller for a new one, and who else they told this one"},
		{"vouch-withdrawn", "the caller has withdrawn the code, or made another: ask for the new one"},
	};
	for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
		if (strcmp(sentences[i].reason, reason) == 0) return sentences[i].sentence;
	return "nobody made this code for you: ask the caller to say it again, and do not believe them until one is right";
}

static void deny_unrecorded(struct ck_gate_client *client)
{
	ck_gate_unavailable(client, "the check could not be recorded, so nothing is said of the caller");
}

/* ---- recorded ---- */

static void answer_checked(struct ck_gate_client *client)
{
	const struct ck_gate_checking *checking = &client->checking;
	struct ck_view *view;
	struct ck_store_state state;
	if (ck_gate_view(client->gate, &view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return;
	}
	struct ck_map_writer *m = ck_gate_answer(client, CK_ANSWER_GRANTED);
	ck_field_int(m, CK_F_TIME, checking->time_s);
	enum ck_error error = ck_gate_put_card(client, view, CK_KIND_STAFF, checking->voucher, m);
	ck_view_end(&view);
	if (error == CK_OK) {
		ck_field_uint(m, CK_F_PROVED, checking->proved);
		ck_gate_send(client, -1);
	} else {
		ck_gate_unavailable(client, "the caller has gone from the directory in this moment");
	}
}

static void checked_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error == CK_OK) answer_checked(client);
	else if (error == CK_ERR_DENIED) ck_gate_deny(client, reason, sentence_of(reason));
	else deny_unrecorded(client);
}

static void ended_recorded(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error == CK_OK) ck_gate_deny(client, "vouch-ended", ENDED);
	else if (error == CK_ERR_DENIED) ck_gate_deny(client, reason, sentence_of(reason));
	else deny_unrecorded(client);
}

static void record(struct ck_gate_client *client, const struct ck_record *checker, const char *refused, const char *detail)
{
	const struct ck_gate_checking *checking = &client->checking;
	struct ck_gate_event event = {.event = refused != NULL ? CK_EVENT_VOUCH_REFUSED : CK_EVENT_VOUCH_CHECKED,
	                              .user = client->person.uid,
	                              .reason = refused,
	                              .detail = detail != NULL && detail[0] != '\0' ? detail : NULL,
	                              .id = {checking->id, sizeof checking->id},
	                              .authority = {checker->authority.bytes, sizeof checker->authority.bytes},
	                              .target = {checker->id.bytes, sizeof checker->id.bytes},
	                              .digest = {checking->digest, sizeof checking->digest},
	                              .with_proved = refused == NULL,
	                              .proved = checking->proved};
	ck_gate_record(client, &event, refused != NULL ? ended_recorded : checked_recorded);
}

/* ---- found ---- */

/* Who checks, and a copy that may be believed; otherwise answered, and false. */
static bool begin(struct ck_gate_client *client, struct ck_view **out_view, struct ck_record *out_checker)
{
	struct ck_store_state state;
	if (ck_gate_view(client->gate, out_view, &state) != CK_OK) {
		ck_gate_unavailable(client, STORE_MISSING);
		return false;
	}
	if (!ck_gate_is_fresh(client->gate, &state)) ck_gate_unavailable(client, STORE_STALE);
	else if (!ck_gate_person_touched(client, *out_view, out_checker)) ck_gate_deny(client, "not-permitted", "your own key, or you, are no longer good here");
	else return true;
	ck_view_end(out_view);
	return false;
}

static void judge(struct ck_gate_client *client, struct ck_bytes proof)
{
	struct ck_gate *gate = client->gate;
	struct ck_gate_checking *checking = &client->checking;
	struct ck_view *view;
	struct ck_record checker;
	struct ck_vouch_known known;
	struct ck_errmsg why = {""};
	bool corrupt;
	memset(&client->access, 0, sizeof client->access); /* what was known of the checker is of an earlier view */
	if (!begin(client, &view, &checker)) return;
	struct ck_vouch_question question = {.proof = proof,
	                                     .system = ck_text_of(gate->config->system),
	                                     .rp_id = ck_text_of(gate->config->rp_id),
	                                     .now = ck_wall_now(&gate->wall),
	                                     .limit_s = (int64_t)(gate->config->challenge_limit_s + gate->config->vouch_limit_s) + CK_WALL_TOLERANCE_S};
	const char *refused = ck_vouch_refuse(view, &question, &known, &corrupt, &why);
	if (corrupt) (void)ck_gate_stored(gate, CK_ERR_CORRUPT);
	if (refused == NULL) {
		checking->voucher = known.staff.id;
		checking->proved = known.proved;
		checking->time_s = known.time_s;
	}
	record(client, &checker, refused, why.text);
	ck_view_end(&view);
}

static void found(struct ck_gate_client *client, const struct ck_map *reply)
{
	char reason[64];
	struct ck_bytes proof;
	enum ck_error error = ck_gate_recorded(reply, reason);
	if (error == CK_ERR_DENIED) {
		ck_gate_deny(client, reason, sentence_of(reason));
	} else if (reply == NULL || ck_map_fixed(reply, CK_F_ID, client->checking.id, sizeof client->checking.id) != CK_OK ||
	           ck_map_bytes(reply, CK_F_PROOF, 1, CK_VOUCH_PROOF_LIMIT_BYTES, &proof) != CK_OK) {
		deny_unrecorded(client);
	} else {
		judge(client, proof);
	}
}

/* ---- asked ---- */

void ck_gate_check(struct ck_gate_client *client, const struct ck_map *request, struct ck_bytes encoded)
{
	(void)encoded;
	struct ck_gate *gate = client->gate;
	struct ck_view *view;
	struct ck_record checker;
	struct ck_text typed;
	char code[CK_VOUCH_CODE_BYTES];
	memset(&client->checking, 0, sizeof client->checking);
	if (ck_map_text(request, CK_F_CODE, CK_VOUCH_CODE_LIMIT_BYTES, &typed) != CK_OK || ck_vouch_code_parse(typed, code) != CK_OK) {
		ck_gate_error(client, "invalid", "that is no code: twelve digits, and one of them is wrong or missing; it was not tried, ask the caller to say it again");
		return;
	}
	ck_vouch_digest(gate->secret, sizeof gate->secret, code, client->checking.digest);
	ck_wipe(code, sizeof code);
	if (!begin(client, &view, &checker)) return;
	struct ck_map_writer *m = ck_gate_ask_begin(client, CK_MSG_VOUCH_FIND);
	ck_field_string(m, CK_F_USER, client->person.uid);
	ck_field_bytes(m, CK_F_AUTHORITY, checker.authority.bytes, sizeof checker.authority.bytes);
	ck_field_uint(m, CK_F_PEER_UID, client->uid);
	ck_field_bytes(m, CK_F_TARGET, checker.id.bytes, sizeof checker.id.bytes);
	ck_field_bytes(m, CK_F_DIGEST, client->checking.digest, sizeof client->checking.digest);
	ck_view_end(&view);
	ck_gate_ask_end(client, CK_PROCESS_LEDGER, LEDGER_TIMEOUT_MS, -1, found);
}
