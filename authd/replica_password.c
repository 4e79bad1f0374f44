/* Passwords at the replica: each is tried by a bind of its own, asynchronously, on a connection of its own. Before that the touch is verified
   here, used up, and the attempt is counted by the ledger; after it the outcome is recorded; then it is answered. A password is kept until the
   bind is sent, a change's until the change is, and wiped. A gate is believed in nothing but where its client is. */
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_event.h"
#include "authd/password_say.h"
#include "authd/password_touch.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define PASSWORDS_LIMIT 16         /* under way at once: each is a connection, and some 20 MiB of slapd's for a moment */
#define PASSWORDS_PER_GATE_LIMIT 8 /* so that one gate cannot take them all */
/* Together less than the 8 s that a gate waits. */
#define ATTEMPT_LIMIT_MS 2000
#define CHECK_LIMIT_MS 3500 /* the connection included */
#define CHANGE_LIMIT_MS 4500 /* a change hashes as often as there are old ones to compare */
#define OUTCOME_LIMIT_MS 1000
#define UNKNOWN_TEXT "the directory did not say whether it took the new password: it may count by now, or still the old one"

enum kind { KIND_LOGIN = 1, KIND_CHANGE };
enum step { STEP_ATTEMPT = 1, STEP_REACH, STEP_CHECK, STEP_OUTCOME };
struct work {
	enum kind kind; /* 0: free */
	enum step step;
	struct ck_asker asker;
	struct ck_replica *replica;
	uint64_t awaited; /* the record whose answer it waits for */
	int64_t deadline_ms;
	struct ck_password_touch touch;
	int64_t age_ms; /* of what was signed */
	struct ck_secret *password, *wanted;
	struct ck_replica_reach reach;
	struct ck_password_check *check;
	struct event *readable;
	struct ck_password_answer answer;
	bool sent, sent_new;
};
struct ck_replica_passwords {
	int64_t began_s; /* what was signed before may have been used at a replica that is gone */
	struct ck_used_touches touches;
	struct work works[PASSWORDS_LIMIT];
};

enum ck_error ck_replica_passwords_open(struct ck_replica *r)
{
	r->passwords = calloc(1, sizeof *r->passwords);
	if (r->passwords == NULL) return CK_ERR_MEMORY;
	r->passwords->began_s = ck_wall_now(&r->wall).s;
	return CK_OK;
}

/* ---- places ---- */

static void end_check(struct work *work)
{
	if (work->readable != NULL) event_free(work->readable);
	work->readable = NULL;
	ck_replica_reach_end(&work->reach);
	ck_password_check_close(&work->check);
	ck_secret_free(&work->password);
	ck_secret_free(&work->wanted);
}

static void end(struct work *work)
{
	end_check(work);
	ck_wipe(work, sizeof *work);
}

void ck_replica_passwords_close(struct ck_replica *r)
{
	if (r->passwords == NULL) return;
	for (size_t i = 0; i < PASSWORDS_LIMIT; i++) end(&r->passwords->works[i]);
	free(r->passwords);
	r->passwords = NULL;
}

/* NULL: there is no place. */
static struct work *begin(struct ck_replica *r, enum kind kind, const struct ck_asker *asker)
{
	struct work *free_work = NULL;
	size_t own = 0;
	for (size_t i = 0; i < PASSWORDS_LIMIT; i++) {
		struct work *work = &r->passwords->works[i];
		if (work->kind == 0) free_work = work;
		else own += work->asker.gate == asker->gate;
	}
	if (free_work == NULL || own >= PASSWORDS_PER_GATE_LIMIT) return NULL;
	*free_work = (struct work){.kind = kind, .asker = *asker, .replica = r};
	return free_work;
}

/* ---- answers ---- */

static void send_checked(struct ck_replica *r, const struct ck_asker *asker, bool right, const char *reason, const char *message)
{
	struct ck_gate_link *gate = &r->gates[asker->gate];
	size_t length = 0;
	if (gate->channel == NULL || gate->epoch != asker->epoch) return; /* who asked is gone */
	ck_frame_begin(&r->frame, r->out, sizeof r->out);
	ck_field_uint(&r->frame.map, CK_F_TYPE, CK_MSG_PASSWORD_CHECKED);
	ck_field_uint(&r->frame.map, CK_F_REQUEST, asker->request);
	if (message[0] != '\0' && ck_text_is_utf8(ck_text_of(message))) ck_field_string(&r->frame.map, CK_F_MESSAGE, message);
	ck_field_string(&r->frame.map, CK_F_REASON, reason);
	ck_field_bool(&r->frame.map, CK_F_VERDICT, right);
	CK_ASSERT(ck_frame_end(&r->frame, &length) == CK_OK);
	ck_channel_send(gate->channel, r->out, length, -1);
}

static void refuse(struct ck_replica *r, enum kind kind, const struct ck_asker *asker, const char *reason, const char *message)
{
	if (kind == KIND_CHANGE) ck_replica_refuse(r, asker, reason, message);
	else send_checked(r, asker, false, reason, message);
}

static void refuse_work(struct work *work, const char *reason, const char *message)
{
	refuse(work->replica, work->kind, &work->asker, reason, message);
	end(work);
}

/* What the directory said, once that is recorded. */
static void answer(struct work *work)
{
	struct ck_replica *r = work->replica;
	enum ck_password_outcome outcome = work->answer.outcome;
	struct ck_errmsg message;
	ck_password_say(&work->answer, &message);
	if (work->kind == KIND_CHANGE && outcome == CK_PASSWORD_CHANGED) {
		struct ck_answer_out a;
		ck_field_string(ck_replica_answer(r, &a, CK_ANSWER_GRANTED), CK_F_USER, work->touch.ask.user);
		ck_replica_send(r, &a, &work->asker);
		end(work);
	} else if (work->kind == KIND_LOGIN && ck_password_is_right(outcome)) {
		send_checked(r, &work->asker, true, ck_password_outcome_name(outcome), message.text);
		end(work);
	} else if (work->sent_new && outcome == CK_PASSWORD_UNAVAILABLE) {
		refuse_work(work, "unavailable", UNKNOWN_TEXT);
	} else {
		refuse_work(work, ck_password_reason(outcome), message.text);
	}
}

/* ---- records ---- */

static struct ck_replica_event event_of(const struct work *work, enum ck_event event)
{
	return (struct ck_replica_event){.event = event,
	                                 .user = work->touch.ask.user,
	                                 .ask = &work->touch.ask,
	                                 .system = work->replica->config->system,
	                                 .operation = work->kind == KIND_CHANGE ? "password-change" : "login-password",
	                                 .digest = {work->touch.digest, sizeof work->touch.digest},
	                                 .asker = &work->asker};
}

static void record_attempt(struct work *work)
{
	struct ck_replica_event event = event_of(work, CK_EVENT_PASSWORD_ATTEMPT);
	event.hash = (struct ck_bytes){work->touch.key_hash, sizeof work->touch.key_hash};
	event.with_count = true;
	event.count = work->touch.count;
	event.with_age = true;
	event.age_ms = work->age_ms;
	work->step = STEP_ATTEMPT;
	work->deadline_ms = ck_clock_monotonic_ms() + ATTEMPT_LIMIT_MS;
	work->awaited = ck_replica_record(work->replica, &event);
}

/* Nothing of the password is in it but how it was found. */
static void record_outcome(struct work *work)
{
	struct ck_replica_event event = event_of(work, CK_EVENT_PASSWORD_OUTCOME);
	event.reason = work->sent ? ck_password_outcome_name(work->answer.outcome) : CK_OUTCOME_UNSENT;
	work->step = STEP_OUTCOME;
	work->deadline_ms = ck_clock_monotonic_ms() + OUTCOME_LIMIT_MS;
	work->awaited = ck_replica_record(work->replica, &event);
}

static void record_refused(struct ck_replica *r, const struct ck_asker *asker, const char *user, const struct ck_denial *denial)
{
	struct ck_replica_event event = {.event = CK_EVENT_CHANGE_REFUSED, .user = user, .reason = denial->reason, .operation = "password",
	                                 .detail = denial->message.text, .asker = asker};
	(void)ck_replica_record(r, &event);
}

/* ---- the bind ---- */

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct work *work = context;
	if (!ck_password_check_step(work->check, &work->answer)) return;
	work->sent_new = ck_password_check_changes(work->check);
	end_check(work);
	record_outcome(work);
}

static void unchecked(struct work *work, const char *why)
{
	ck_log(CK_LOG_WARNING, "a password is not checked: %s", why);
	end_check(work);
	record_outcome(work);
}

static void on_reached(struct ck_replica *r, enum ck_error error, const char *why, void *context)
{
	struct work *work = context;
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_ldap_target target;
	struct ck_errmsg err = {""};
	if (error != CK_OK) (void)ck_fail(&err, error, "%s", why);
	else error = ck_entry_password_dn(work->touch.staff, work->touch.authority, ck_text_of(r->config->suffix), dn);
	if (error == CK_OK) error = ck_replica_reached(&work->reach, &target, &err);
	if (error == CK_OK) error = ck_password_check_open(&target, dn, work->password, work->wanted, &work->check, &err);
	work->sent = error == CK_OK;
	ck_secret_free(&work->password);
	ck_secret_free(&work->wanted);
	if (error == CK_OK) {
		work->readable = event_new(r->base, ck_password_check_fd(work->check), EV_READ | EV_PERSIST, on_readable, work);
		if (work->readable == NULL || event_add(work->readable, NULL) != 0) error = ck_fail(&err, CK_ERR_MEMORY, "no memory");
	}
	if (error == CK_OK) work->step = STEP_CHECK;
	else unchecked(work, err.text);
}

static void check(struct work *work)
{
	struct ck_replica *r = work->replica;
	work->step = STEP_REACH;
	work->deadline_ms = ck_clock_monotonic_ms() + (work->kind == KIND_CHANGE ? CHANGE_LIMIT_MS : CHECK_LIMIT_MS);
	ck_replica_reach(r, &work->reach, ck_replica_write_provider(r), false, on_reached, work);
}

/* ---- the ledger's answers ---- */

static void attempt_recorded(struct work *work, bool stands, const char *reason, int64_t wait_ms)
{
	struct ck_errmsg message;
	int64_t now_s = ck_wall_now(&work->replica->wall).s;
	if (stands) {
		check(work);
	} else if (strcmp(reason, "attempts") == 0) {
		ck_password_say_wait(now_s + (wait_ms + 999) / 1000, now_s, &message);
		refuse_work(work, "password-attempts", message.text);
	} else if (strncmp(reason, "counter", 7) == 0) {
		refuse_work(work, reason, "this key's counter is not what it must be: it may have been copied; see your administrator");
	} else {
		refuse_work(work, "audit", "the audit log does not take the attempt, so no password is tried");
	}
}

static void outcome_recorded(struct work *work, bool stands)
{
	if (stands) answer(work);
	else if (work->answer.outcome == CK_PASSWORD_CHANGED) refuse_work(work, "audit", "the password was changed, but the audit log does not say so");
	else refuse_work(work, "audit", "the audit log does not take the outcome, so nobody is let in");
}

bool ck_replica_password_recorded(struct ck_replica *r, uint64_t number, bool stands, const char *reason, int64_t wait_ms)
{
	for (size_t i = 0; i < PASSWORDS_LIMIT; i++) {
		struct work *work = &r->passwords->works[i];
		if (work->kind == 0 || work->awaited != number) continue;
		work->awaited = 0;
		if (work->step == STEP_ATTEMPT) attempt_recorded(work, stands, reason, wait_ms);
		else outcome_recorded(work, stands);
		return true;
	}
	return false;
}

static void give_up(struct work *work)
{
	if (work->step == STEP_CHECK) {
		work->sent_new = ck_password_check_changes(work->check);
		work->answer = (struct ck_password_answer){.outcome = CK_PASSWORD_UNAVAILABLE};
		end_check(work);
		record_outcome(work);
	} else if (work->step == STEP_REACH) {
		unchecked(work, "the directory could not be connected to in time");
	} else if (work->step == STEP_ATTEMPT) {
		attempt_recorded(work, false, "", 0);
	} else {
		outcome_recorded(work, false);
	}
}

void ck_replica_mind_passwords(struct ck_replica *r, int64_t now_ms)
{
	for (size_t i = 0; i < PASSWORDS_LIMIT; i++) {
		struct work *work = &r->passwords->works[i];
		if (work->kind != 0 && now_ms >= work->deadline_ms) give_up(work);
	}
}

/* ---- beginning ---- */

static struct ck_secret *secret_of(const struct ck_map *message, unsigned field)
{
	struct ck_bytes bytes;
	if (ck_map_bytes(message, field, 1, CK_SECRET_LIMIT_BYTES, &bytes) != CK_OK || !ck_password_may_be_sent(bytes.at, bytes.length)) return NULL;
	struct ck_secret *secret = ck_secret_new();
	if (secret != NULL) CK_ASSERT(ck_secret_set(secret, bytes.at, bytes.length) == CK_OK);
	return secret;
}

/* Of this login, soon after it was begun, and once. */
static enum ck_error use_touch(struct work *work, int64_t now_ms, struct ck_denial *denial)
{
	struct ck_replica *r = work->replica;
	int64_t now_s = ck_wall_now(&r->wall).s, time_s = work->touch.time_s;
	int64_t life_s = 2 * (int64_t)r->config->challenge_limit_s; /* to touch, and then to type */
	bool fresh = time_s <= now_s + CK_WALL_TOLERANCE_S && now_s - time_s <= life_s;
	if (work->kind == KIND_LOGIN && !fresh) return ck_deny(denial, "expired", "the password came too late; begin again");
	if (work->kind == KIND_LOGIN && time_s <= r->passwords->began_s)
		return ck_deny(denial, "restarted", "a part of the service was started anew meanwhile; begin again");
	enum ck_error error = ck_touch_use(&r->passwords->touches, work->touch.digest, work->touch.staff, now_ms, (life_s + CK_WALL_TOLERANCE_S) * 1000);
	if (error == CK_ERR_EXISTS) return ck_deny(denial, "touch-used", "a touch is good for one password; begin again");
	if (error != CK_OK) return ck_deny(denial, "unavailable", "too many passwords were tried of late; try again later");
	return CK_OK;
}

/* Why nobody is asked now about a password. */
static const char *why_not(const struct ck_replica *r)
{
	if (r->follow != NULL && ck_follow_refreshes(r->follow))
		return "the copy of the directory is being refreshed, and no password can be checked or changed before it is in step; try again soon";
	return "the directory cannot be reached, and only there a password can be checked or changed";
}

static enum ck_error verify(struct work *work, struct ck_denial *denial)
{
	struct ck_replica *r = work->replica;
	struct ck_change_place place;
	struct ck_view *view = NULL;
	ck_replica_place(r, &place);
	if (place.now.behind) return ck_deny(denial, "clock", "the machine's clock is behind what was recorded, so no password counts");
	if (!r->persisted) return ck_deny(denial, "unavailable", "%s", why_not(r));
	if (ck_follower_view(r->follower, &view) != CK_OK) return ck_deny(denial, "unavailable", "there is no copy of the directory");
	enum ck_error error = ck_password_touch_verify(&work->touch, work->kind == KIND_CHANGE, &place, view, denial);
	ck_view_end(&view);
	return error == CK_OK ? use_touch(work, place.now_ms, denial) : error;
}

/* The touch borrows from the message, which goes when this returns. */
static void go(struct work *work)
{
	struct ck_denial denial = {.reason = ""};
	enum ck_error error = verify(work, &denial);
	work->touch.credential = work->touch.auth_data = work->touch.signature = (struct ck_bytes){NULL, 0};
	if (error == CK_OK) {
		record_attempt(work);
		return;
	}
	record_refused(work->replica, &work->asker, work->touch.ask.user, &denial);
	refuse_work(work, denial.reason, denial.message.text);
}

bool ck_replica_password_login(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *message)
{
	struct ck_password_touch touch;
	memset(&touch, 0, sizeof touch);
	if (ck_login_read_ask(message, &touch.ask) != CK_OK || ck_password_touch_read(message, &touch) != CK_OK ||
	    ck_map_int(message, CK_F_TIME, &touch.time_s) != CK_OK)
		return false;
	struct work *work = begin(r, KIND_LOGIN, asker);
	if (work == NULL) {
		refuse(r, KIND_LOGIN, asker, "unavailable", "too many passwords are being checked; try again");
		return true;
	}
	work->touch = touch;
	/* a gate may say any time; one that is not soon before now is refused below */
	int64_t now_s = ck_wall_now(&r->wall).s;
	work->age_ms = touch.time_s > 0 && touch.time_s < now_s ? (now_s - touch.time_s) * 1000 : 0;
	work->password = secret_of(message, CK_F_PASSWORD);
	if (work->password == NULL) refuse_work(work, "password-form", "a password has 1 to 512 bytes");
	else go(work);
	return true;
}

/* ---- changing one's own ---- */

void ck_replica_password_begin(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request)
{
	if (!r->persisted) {
		ck_replica_refuse(r, asker, "unavailable", why_not(r));
		return;
	}
	ck_replica_begin_signing(r, asker, request, CK_NONCE_PASSWORD);
}

/* Who the nonce was issued to is who must have signed. */
static enum ck_error take_nonce(struct ck_replica *r, struct work *work, const struct ck_map *request, struct ck_denial *denial)
{
	struct ck_nonce nonce;
	int64_t now_ms = ck_clock_monotonic_ms();
	if (ck_password_touch_read(request, &work->touch) != CK_OK) return ck_deny(denial, "malformed", "the change carries no well-formed assertion");
	enum ck_error error = ck_nonce_take(&r->nonces, CK_NONCE_PASSWORD, work->touch.nonce, now_ms, (int64_t)r->config->challenge_limit_s * 1000, &nonce);
	if (error == CK_ERR_TIMEOUT) return ck_deny(denial, "expired", "that took too long; begin again");
	if (error != CK_OK) return ck_deny(denial, "nonce", "the change was not begun here, or was tried already");
	memcpy(work->touch.ask.user, nonce.user, sizeof nonce.user);
	work->touch.time_s = nonce.time_s;
	work->age_ms = now_ms - nonce.issued_ms;
	return CK_OK;
}

void ck_replica_password_change(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request)
{
	struct ck_denial denial = {.reason = ""};
	struct work *work = begin(r, KIND_CHANGE, asker);
	if (work == NULL) {
		ck_replica_refuse(r, asker, "unavailable", "too many passwords are being checked; try again");
		return;
	}
	enum ck_error error = take_nonce(r, work, request, &denial);
	if (error != CK_OK) {
		record_refused(r, asker, work->touch.ask.user, &denial);
		refuse_work(work, denial.reason, denial.message.text);
		return;
	}
	work->password = secret_of(request, CK_F_PASSWORD);
	work->wanted = secret_of(request, CK_F_NEW_PASSWORD);
	if (work->password == NULL || work->wanted == NULL) refuse_work(work, "password-form", "a password has 1 to 512 bytes");
	else go(work);
}
