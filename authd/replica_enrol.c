/* Enrolment and recovery at the replica. A code is consumed at the provider, by its CSN, before the key that it lets in is written: of two
   who hold it one wins. Recovery is root's only: the client's own socket says who it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"
#include "directory/base/secret.h"

#define WRITE_LIMIT_MS 3500
#define PREPARED_LIFE_MS (5 * 60 * 1000) /* to find the other key and touch it */

static int64_t challenge_life_ms(const struct ck_replica *r)
{
	return (int64_t)r->config->challenge_limit_s * 1000;
}

static void put_allow(struct ck_map_writer *m, const struct ck_enrol_person *person)
{
	ck_field_key(m, CK_F_ALLOW);
	ck_cbor_put_array(m->w, person->allow_count);
	for (size_t i = 0; i < person->allow_count; i++) ck_cbor_put_bytes(m->w, person->allow[i], person->allow_lengths[i]);
}

/* ---- codes ---- */

static void record_code_refused(struct ck_replica *r, const struct ck_asker *asker, const char *user, const char *why)
{
	struct ck_replica_event event = {.event = CK_EVENT_CODE_REFUSED, .user = user, .reason = why, .asker = asker};
	(void)ck_replica_record(r, &event);
}

/* One answer for a wrong code, a spent one, an unknown name and too many tries; the log knows which. */
static enum ck_error check_code(struct ck_replica *r, const struct ck_asker *asker, struct ck_view *view, const struct ck_enrol_person *person,
                                struct ck_text code, struct ck_found_code *out, struct ck_denial *denial)
{
	uint8_t hash[CK_HASH_BYTES];
	int64_t now_ms = ck_clock_monotonic_ms();
	int64_t life_ms = (int64_t)r->config->code_life_s * 1000;
	const char *why = "wrong-code";
	enum ck_error error = ck_code_hash(code, hash);
	if (error == CK_OK) error = ck_code_find(view, person->staff, person->authority, hash, ck_wall_now(&r->wall), out);
	ck_wipe(hash, sizeof hash);
	if (!person->known) why = "unknown-person";
	else if (!ck_code_tries_left(&r->tries, person->staff, asker->peer_uid, now_ms, life_ms)) why = "too-many-tries";
	else if (error == CK_OK) return CK_OK;
	if (person->known) ck_code_tries_wrong(&r->tries, person->staff, asker->peer_uid, now_ms, life_ms);
	record_code_refused(r, asker, person->uid, why);
	memset(out, 0, sizeof *out);
	return ck_deny(denial, "code", "this code does not let this person enrol a key now; after several wrong ones a new code is needed");
}

/* ---- begin ---- */

void ck_replica_enrol_begin(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request)
{
	static struct ck_enrol_person person;
	struct ck_denial denial = {.reason = "unavailable", .message = {"there is no copy of the directory to enrol by"}};
	struct ck_change_place place;
	struct ck_found_code found;
	struct ck_text user, code = {NULL, 0};
	struct ck_nonce nonce;
	struct ck_view *view = NULL;
	struct ck_answer_out a;
	uint8_t challenge[CK_CHALLENGE_BYTES];
	ck_replica_place(r, &place);
	if (ck_map_text(request, CK_F_USER, CK_UID_LIMIT_BYTES, &user) != CK_OK || user.length == 0) {
		ck_replica_refuse(r, asker, "malformed", "a key is enrolled for somebody");
		return;
	}
	bool with_code = ck_map_text(request, CK_F_CODE, 128, &code) == CK_OK;
	enum ck_error error = ck_follower_view(r->follower, &view);
	if (error == CK_OK) error = ck_enrol_person(view, user, r->secret, place.now, asker->peer_uid, &person);
	if (error == CK_OK && with_code) {
		error = check_code(r, asker, view, &person, code, &found, &denial);
		/* who holds the code may know: what they have already is not made again */
		if (error == CK_OK) error = ck_enrol_person(view, user, r->secret, place.now, 0, &person);
	}
	if (view != NULL) ck_view_end(&view);
	if (error == CK_OK)
		error = ck_nonce_issue(&r->nonces, CK_NONCE_ENROL, user, asker->peer_uid, place.now_ms, place.now.s, challenge_life_ms(r), &nonce);
	if (error == CK_OK) error = ck_enrol_challenge(&place, &nonce, challenge);
	if (error != CK_OK) {
		ck_replica_refuse(r, asker, denial.reason, denial.message.text);
		return;
	}
	struct ck_map_writer *m = ck_replica_answer(r, &a, CK_ANSWER_NEED_TOKEN);
	ck_field_string(m, CK_F_USER, person.uid);
	ck_field_string(m, CK_F_SYSTEM, r->config->system);
	ck_field_bytes(m, CK_F_CHALLENGE, challenge, sizeof challenge);
	ck_field_string(m, CK_F_RP_ID, r->config->rp_id);
	put_allow(m, &person);
	ck_field_int(m, CK_F_TIME, nonce.time_s);
	ck_field_bytes(m, CK_F_ID, person.staff.bytes, sizeof person.staff.bytes);
	ck_field_string(m, CK_F_NAME, person.uid); /* the same for names that do not exist */
	ck_field_bytes(m, CK_F_NONCE, nonce.bytes, sizeof nonce.bytes);
	ck_replica_send(r, &a, asker);
}

/* ---- finish ---- */

/* Without a code: the key.add that an existing key must sign, with a nonce of its own. */
static void answer_prepared(struct ck_replica *r, const struct ck_asker *asker, const struct ck_enrol_person *person,
                            const struct ck_enrolment *enrolment)
{
	struct ck_nonce nonce;
	struct ck_answer_out a;
	int64_t now_ms = ck_clock_monotonic_ms();
	if (ck_nonce_issue(&r->nonces, CK_NONCE_CHANGE, ck_text_of(person->uid), asker->peer_uid, now_ms, ck_wall_now(&r->wall).s, challenge_life_ms(r),
	                   &nonce) != CK_OK) {
		ck_replica_refuse(r, asker, "unavailable", "too many changes were begun; try again");
		return;
	}
	if (person->known) {
		struct ck_prepared_key key = {.staff = person->staff, .peer_uid = asker->peer_uid, .count = enrolment->count,
		                              .until_ms = now_ms + PREPARED_LIFE_MS};
		memcpy(key.values_digest, enrolment->order.items[0].statement.digest, sizeof key.values_digest);
		ck_prepared_add(&r->prepared, &key, now_ms);
	}
	struct ck_map_writer *m = ck_replica_answer(r, &a, CK_ANSWER_NEED_TOKEN);
	ck_field_string(m, CK_F_SYSTEM, r->config->system);
	ck_field_string(m, CK_F_RP_ID, r->config->rp_id);
	put_allow(m, person);
	ck_field_bool(m, CK_F_VERIFY, true);
	ck_field_int(m, CK_F_TIME, nonce.time_s);
	ck_field_key(m, CK_F_STATEMENTS);
	ck_cbor_put_array(m->w, 1);
	ck_cbor_put_bytes(m->w, enrolment->statement_bytes, enrolment->statement_length);
	ck_field_key(m, CK_F_VALUES);
	ck_cbor_put_array(m->w, 1);
	ck_cbor_put_bytes(m->w, enrolment->values_bytes, enrolment->values_length);
	ck_field_bytes(m, CK_F_NONCE, nonce.bytes, sizeof nonce.bytes);
	ck_replica_send(r, &a, asker);
}

static void send_enrol_intent(struct ck_replica *r, struct ck_work *work)
{
	char detail[128], id[CK_ID_TEXT_BYTES];
	const struct ck_order_item *item = &work->enrolment->order.items[0];
	snprintf(detail, sizeof detail, "first key, by code %s", ck_id_format(work->code.id, id));
	struct ck_replica_event event = {.event = CK_EVENT_CHANGE_INTENT,
	                                 .user = work->user,
	                                 .operation = "key.add",
	                                 .target = {work->enrolment->hash, sizeof work->enrolment->hash},
	                                 .digest = {item->statement.digest, sizeof item->statement.digest},
	                                 .proof = {work->enrolment->proof, work->enrolment->proof_length},
	                                 .detail = detail,
	                                 .asker = &work->asker};
	work->step = CK_STEP_INTENT;
	work->awaited = ck_replica_record(r, &event);
}

static enum ck_error prepare(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, struct ck_enrol_person *person,
                             struct ck_enrolment *enrolment, struct ck_found_code *code, struct ck_denial *denial)
{
	struct ck_change_place place;
	struct ck_nonce nonce;
	struct ck_text code_text;
	struct ck_view *view = NULL;
	uint8_t bytes[CK_NONCE_BYTES];
	ck_replica_place(r, &place);
	if (ck_map_fixed(request, CK_F_NONCE, bytes, sizeof bytes) != CK_OK) return ck_deny(denial, "malformed", "the enrolment has no nonce");
	enum ck_error error = ck_nonce_take(&r->nonces, CK_NONCE_ENROL, bytes, place.now_ms, challenge_life_ms(r), &nonce);
	if (error == CK_ERR_TIMEOUT) return ck_deny(denial, "expired", "the key came too late; begin again");
	if (error != CK_OK) return ck_deny(denial, "nonce", "the enrolment was not begun here, or is finished already");
	error = ck_follower_view(r->follower, &view);
	if (error == CK_OK) error = ck_enrol_person(view, ck_text_of(nonce.user), r->secret, place.now, asker->peer_uid, person);
	if (error != CK_OK) (void)ck_deny(denial, "unavailable", "there is no copy of the directory to enrol by");
	if (error == CK_OK && ck_map_text(request, CK_F_CODE, 128, &code_text) == CK_OK)
		error = check_code(r, asker, view, person, code_text, code, denial);
	if (error == CK_OK) error = ck_enrol_prepare(request, &nonce, person, &place, view, enrolment, denial);
	if (view != NULL) ck_view_end(&view);
	return error == CK_OK ? CK_OK : CK_ERR_DENIED;
}

void ck_replica_enrol_finish(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request)
{
	static struct ck_enrol_person person;
	struct ck_denial denial = {.reason = ""};
	struct ck_work *work = ck_work_begin(r, CK_WORK_ENROL, asker);
	if (work == NULL) return;
	work->enrolment = calloc(1, sizeof *work->enrolment);
	enum ck_error error = work->enrolment != NULL ? prepare(r, asker, request, &person, work->enrolment, &work->code, &denial)
	                                              : ck_deny(&denial, "unavailable", "no memory for the enrolment");
	if (error != CK_OK) {
		ck_work_end(work);
		ck_replica_refuse(r, asker, denial.reason, denial.message.text);
		return;
	}
	if ((request->present & CK_KEY(CK_F_CODE)) == 0) {
		answer_prepared(r, asker, &person, work->enrolment);
		ck_work_end(work);
		return;
	}
	memcpy(work->user, person.uid, sizeof work->user);
	send_enrol_intent(r, work);
}

static void fail(struct ck_work *work, const char *reason, const char *message)
{
	work->reason = reason;
	(void)ck_fail(&work->message, CK_ERR_DENIED, "%s", message);
}

/* Mapped and put in as it would come back, so that the code is not spent on a key that cannot go in. */
static enum ck_error try_enrolment(struct ck_replica *r, struct ck_work *work)
{
	struct ck_change_place place;
	struct ck_change_source nothing = {0}; /* an added entry is not read */
	struct ck_denial denial = {.reason = ""};
	struct ck_batch *batch = NULL;
	struct ck_errmsg why;
	ck_replica_place(r, &place);
	if (ck_follower_trial(r->follower, &batch, &why) != CK_OK) {
		fail(work, "unavailable", why.text);
		return CK_ERR_UNAVAILABLE;
	}
	enum ck_error error = ck_order_try(&work->enrolment->order, &place, batch, &nothing, &denial);
	ck_batch_abort(&batch);
	if (error != CK_OK) fail(work, denial.reason, denial.message.text);
	return error;
}

static enum ck_error consume_code(struct ck_replica *r, struct ck_work *work, int64_t deadline_ms)
{
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_errmsg why;
	int64_t left = deadline_ms - ck_clock_monotonic_ms();
	enum ck_error error = ck_entry_dn(CK_KIND_CODE, work->code.id, NULL, work->code.staff, work->code.authority, ck_text_of(r->config->suffix), dn);
	if (error == CK_OK) error = ck_ldap_remove(r->writer, dn, work->code.csn, left < 1 ? 1 : (int)left, &why);
	if (error == CK_OK) return CK_OK;
	if (error == CK_ERR_NOT_FOUND || error == CK_ERR_CONFLICT) {
		fail(work, "code", "this code was used already");
		return error;
	}
	fail(work, "unavailable", "the directory does not answer; if the code is refused from now on, a new one is needed");
	ck_replica_doubt(r);
	return error;
}

void ck_enrol_write(struct ck_replica *r, struct ck_work *work)
{
	struct ck_errmsg why;
	int64_t deadline_ms = ck_clock_monotonic_ms() + WRITE_LIMIT_MS;
	struct ck_enrolment *enrolment = work->enrolment;
	if (try_enrolment(r, work) != CK_OK) return;
	if (ck_replica_writer(r, deadline_ms, &why) == NULL) {
		fail(work, "unavailable", "the directory cannot be reached");
		return;
	}
	if (consume_code(r, work, deadline_ms) != CK_OK) return;
	enum ck_error error = ck_change_write_item(&enrolment->order.items[0], (struct ck_bytes){enrolment->proof, enrolment->proof_length},
	                                           ck_text_of(r->config->suffix), r->writer, deadline_ms, &why);
	if (error != CK_OK) {
		ck_log(CK_LOG_ERROR, "a code was spent and its key not written: %s", why.text);
		if (error == CK_ERR_TIMEOUT || error == CK_ERR_UNAVAILABLE) ck_replica_doubt(r);
		fail(work, error == CK_ERR_EXISTS ? "known-key" : "refused-by-directory", "the key was not written, and the code is spent: ask for a new one");
		return;
	}
	work->written = true;
}

/* ---- recovery ---- */

bool ck_replica_is_root(int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t length = sizeof peer;
	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && length == sizeof peer && peer.uid == 0;
}

void ck_replica_refuse_not_root(struct ck_replica *r, const struct ck_asker *asker, const char *operation)
{
	struct ck_replica_event event = {.event = CK_EVENT_CHANGE_REFUSED,
	                                 .operation = operation,
	                                 .reason = "not-permitted",
	                                 .detail = "only root may, and a gate asked it for somebody else",
	                                 .asker = asker};
	(void)ck_replica_record(r, &event);
	ck_replica_refuse(r, asker, "not-permitted", "only root of this machine may do this");
}

static enum ck_error prepare_recovery(struct ck_replica *r, struct ck_work *work, const struct ck_map *request, struct ck_denial *denial)
{
	struct ck_change_place place;
	struct ck_view *view = NULL;
	uint8_t hash[CK_HASH_BYTES];
	struct ck_text user;
	ck_replica_place(r, &place);
	if (ck_map_text(request, CK_F_USER, CK_UID_LIMIT_BYTES, &user) != CK_OK || ck_map_fixed(request, CK_F_HASH, hash, sizeof hash) != CK_OK ||
	    ck_text_copy(work->user, sizeof work->user, user) != CK_OK)
		return ck_deny(denial, "malformed", "expected a person and the hash of a code");
	work->recovery = calloc(1, sizeof *work->recovery);
	if (work->recovery == NULL || ck_follower_view(r->follower, &view) != CK_OK)
		return ck_deny(denial, "unavailable", "there is no copy of the directory to recover by");
	enum ck_error error = ck_recovery_prepare(&place, view, user, hash, r->config->recovery_delay_s, work->recovery, denial);
	ck_view_end(&view);
	return error;
}

void ck_replica_recover(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, int fd)
{
	struct ck_denial denial = {.reason = ""};
	if (!ck_replica_is_root(fd)) {
		ck_replica_refuse_not_root(r, asker, "code.add");
		return;
	}
	struct ck_work *work = ck_work_begin(r, CK_WORK_RECOVER, asker);
	if (work == NULL) return;
	if (prepare_recovery(r, work, request, &denial) != CK_OK) {
		ck_work_end(work);
		ck_replica_refuse(r, asker, denial.reason, denial.message.text);
		return;
	}
	ck_log(CK_LOG_ALARM, "root of this machine issues a code for the administrator %s", work->user);
	struct ck_replica_event event = {.event = CK_EVENT_RECOVERY,
	                                 .user = work->user,
	                                 .operation = "code.add",
	                                 .target = {work->recovery->id.bytes, sizeof work->recovery->id.bytes},
	                                 .detail = "root of the core machine issues a code for an administrator",
	                                 .with_window = true,
	                                 .from_s = work->recovery->from_s,
	                                 .until_s = work->recovery->until_s,
	                                 .asker = asker};
	work->step = CK_STEP_INTENT;
	work->awaited = ck_replica_record(r, &event);
}

void ck_recovery_write(struct ck_replica *r, struct ck_work *work)
{
	struct ck_errmsg why;
	int64_t deadline_ms = ck_clock_monotonic_ms() + WRITE_LIMIT_MS;
	struct ck_bytes no_proof = {NULL, 0}; /* the alarm in the audit log is the proof */
	enum ck_error error = CK_ERR_UNAVAILABLE;
	if (ck_replica_writer(r, deadline_ms, &why) != NULL)
		error = ck_change_write_item(&work->recovery->item, no_proof, ck_text_of(r->config->suffix), r->writer, deadline_ms, &why);
	if (error != CK_OK) {
		if (r->writer != NULL && (error == CK_ERR_TIMEOUT || error == CK_ERR_UNAVAILABLE)) ck_replica_doubt(r);
		fail(work, "unavailable", why.text);
		return;
	}
	work->written = true;
}

/* ---- confirmation ---- */

void ck_replica_confirm_refresh(struct ck_replica *r, const struct ck_asker *asker, int fd)
{
	struct ck_answer_out a;
	uint64_t removed = 0;
	if (!ck_replica_is_root(fd)) {
		ck_replica_refuse_not_root(r, asker, "confirm-refresh");
		return;
	}
	if (ck_follower_confirm(r->follower, &removed) != CK_OK) {
		ck_replica_refuse(r, asker, "nothing-to-confirm", "no refresh waits for a confirmation");
		return;
	}
	struct ck_replica_event event = {.event = CK_EVENT_ALARM, .detail = "root confirmed a refresh that was stopped", .with_count = true,
	                                 .count = removed, .asker = asker};
	(void)ck_replica_record(r, &event);
	ck_providers_hurry(&r->providers); /* now */
	struct ck_map_writer *m = ck_replica_answer(r, &a, CK_ANSWER_GRANTED);
	ck_field_uint(m, CK_F_COUNT, removed);
	ck_replica_send(r, &a, asker);
}
