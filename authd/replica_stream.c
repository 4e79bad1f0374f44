/* The stream from a provider, in the event loop: connecting, stepping, probing, and going to the next provider, or waiting with the right
   patience, after each kind of end. Never waits on LDAP itself. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define SILENT_LIMIT_MS 15000   /* while refreshing, and in all until a refresh begins */
#define PROBE_EVERY_MS 5000
#define PROBE_LIMIT_MS 5000
#define LOOK_EVERY_MS 1000
#define ZONES_EVERY_MS 3600000 /* a package that brings other shifts is noticed within the hour */
#define LAG_LIMIT_MS 10000      /* a probe's changes must have come by then; else the stream has lost them */
#define LAG_AGAIN_MS 60000

static void say_trouble(struct ck_replica *r, const char *what)
{
	if (strncmp(r->trouble, what, sizeof r->trouble - 1) == 0) return; /* the same again is no news */
	snprintf(r->trouble, sizeof r->trouble, "%s", what);
	if (what[0] != '\0') ck_log(CK_LOG_WARNING, "not following: %s", what);
}

void ck_replica_stop_stream(struct ck_replica *r)
{
	ck_slices_end(&r->step);
	if (r->readable != NULL) event_free(r->readable);
	r->readable = NULL;
	ck_follow_stop(&r->follow);
	ck_follower_end(r->follower);
	r->persisted = false;
	r->probe_ms = r->lags_since_ms = 0;
}

/* Damage is not repaired here: the next writer begins anew. */
static void end_damaged(struct ck_replica *r, const char *what)
{
	struct ck_errmsg err;
	char detail[96];
	snprintf(detail, sizeof detail, "the copy %s: it is rebuilt from the directory", what);
	ck_log(CK_LOG_ALARM, "%s", detail);
	(void)ck_replica_record(r, &(struct ck_replica_event){.event = CK_EVENT_ALARM, .detail = detail});
	ck_replica_stop_stream(r);
	if (ck_store_discard(r->store_directory, &err) != CK_OK) ck_log(CK_LOG_ERROR, "%s", err.text);
	r->exit_code = 1;
	event_base_loopbreak(r->base);
}

/* This provider is left: for another at once, or for a while. */
static void leave(struct ck_replica *r, enum ck_provider_trouble trouble, const char *why)
{
	char text[sizeof r->trouble];
	const char *uri = r->providers.at[r->providers.current].uri;
	ck_providers_failed(&r->providers, r->providers.current, trouble, why, ck_clock_monotonic_ms());
	snprintf(text, sizeof text, "%.100s: %s", uri, why);
	say_trouble(r, r->providers.count > 1 ? text : why);
}

static void lost(struct ck_replica *r, enum ck_error error, const char *why)
{
	bool provider_behind = r->follow != NULL && ck_follow_provider_behind(r->follow);
	if (error == CK_ERR_CORRUPT) {
		end_damaged(r, "is damaged");
		return;
	}
	if (provider_behind) ck_follower_set_behind(r->follower);
	enum ck_follower_state state = ck_follower_state(r->follower);
	ck_replica_stop_stream(r);
	if (state == CK_FOLLOWER_HELD) {
		leave(r, CK_PROVIDER_HELD, ck_follower_reason(r->follower));
	} else if (state == CK_FOLLOWER_BEHIND) {
		leave(r, CK_PROVIDER_BEHIND, ck_follower_reason(r->follower));
	} else if (error == CK_ERR_CONFLICT) {
		ck_log(CK_LOG_INFO, "a full refresh is needed%s%s", why[0] != '\0' ? ": " : "", why);
		ck_follower_require_full(r->follower);
		ck_providers_failed(&r->providers, r->providers.current, CK_PROVIDER_UNREACHED, "a full refresh is needed", ck_clock_monotonic_ms());
	} else {
		leave(r, CK_PROVIDER_UNREACHED, why[0] != '\0' ? why : ck_error_name(error));
	}
}

/* ---- probes ---- */

static void on_probe(bool alive, struct ck_bytes context_csn, void *context)
{
	struct ck_replica *r = context;
	r->probe_ms = 0;
	r->next_probe_ms = ck_clock_monotonic_ms() + PROBE_EVERY_MS;
	if (!alive) {
		ck_log(CK_LOG_WARNING, "the provider answered a probe with an error");
		return;
	}
	enum ck_error error = ck_follower_probed(r->follower, (struct ck_text){(const char *)context_csn.at, context_csn.length}, &r->probe_asked);
	/* The stream is in the middle of a step: a provider that went back is left from the tick. */
	if (error != CK_OK) ck_log(CK_LOG_WARNING, "the probe's answer was not taken: %s", ck_error_name(error));
}

static void probe(struct ck_replica *r, int64_t now_ms)
{
	ck_wall_stamp(&r->wall, &r->probe_asked);
	if (ck_follow_probe(r->follow, on_probe, r) == CK_OK) r->probe_ms = now_ms;
	else r->next_probe_ms = now_ms + 100;
}

/* ---- steps ---- */

static void arrived(struct ck_replica *r)
{
	r->persisted = true;
	r->next_probe_ms = 0;
	r->zones_ms = 0;
	r->trouble[0] = '\0';
	ck_replica_provider_arrived(r);
}

static void stepped(struct ck_replica *r, enum ck_error error, const char *why)
{
	if (ck_follow_heard(r->follow)) r->heard_ms = ck_clock_monotonic_ms(); /* of what it was asked, not of anything */
	if (error != CK_OK) {
		lost(r, error, why);
		return;
	}
	if (!r->persisted && ck_follow_persists(r->follow)) arrived(r);
	ck_follower_pump(r->follower, r->follow);
	if (ck_follow_more(r->follow)) event_active(r->readable, EV_READ, 0);
}

static void step_inside(void *context)
{
	struct ck_replica *r = context;
	r->step_error = ck_follow_step(r->follow, &r->step_why);
}

static void on_step_end(enum ck_error error, void *context)
{
	struct ck_replica *r = context;
	r->heard_ms = ck_clock_monotonic_ms(); /* it was we who were slow */
	if (error == CK_OK && event_add(r->readable, NULL) != 0) error = CK_ERR_MEMORY;
	if (error != CK_OK) stepped(r, error, "");
	else stepped(r, r->step_error, r->step_why.text);
}

/* The end of a refresh lasts a minute at full size: nothing is read from the stream until it is over. */
static void step_in_slices(struct ck_replica *r)
{
	enum ck_error error = ck_slices_begin(&r->step, r->base, step_inside, on_step_end, r);
	if (error == CK_OK && ck_slices_go_on(&r->step) && event_del(r->readable) != 0) error = CK_ERR_MEMORY;
	if (error != CK_OK) lost(r, error, "");
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica *r = context;
	struct ck_errmsg err = {""};
	if (r->persisted) stepped(r, ck_follow_step(r->follow, &err), err.text);
	else step_in_slices(r);
}

/* Over what was reached. */
static void open_stream(struct ck_replica *r)
{
	struct ck_bytes cookie;
	struct ck_errmsg err = {""};
	struct ck_ldap_target target;
	ck_replica_mend_provider(r);
	enum ck_error error = ck_replica_reached(&r->reach, &target, &err);
	if (error == CK_OK && (error = ck_follower_begin(r->follower, &cookie, &err)) != CK_OK) ck_opening_close(&target.opening);
	if (error == CK_OK) error = ck_follow_open(&target, r->config->suffix, cookie, &ck_follower_handlers, r->follower, &r->follow, &err);
	if (error == CK_OK) {
		r->readable = event_new(r->base, ck_follow_fd(r->follow), EV_READ | EV_PERSIST, on_readable, r);
		if (r->readable == NULL || event_add(r->readable, NULL) != 0) error = CK_ERR_MEMORY;
	}
	r->reaching = r->mending = false;
	r->heard_ms = r->opened_ms = ck_clock_monotonic_ms();
	if (error != CK_OK) lost(r, error, err.text);
}

void ck_replica_stream_writer_came(struct ck_replica *r)
{
	if (r->mending) open_stream(r);
}

/* One that comes before the one that is followed leaves that alone until it is reached. */
static void on_reached(struct ck_replica *r, enum ck_error error, const char *why, void *context)
{
	(void)context;
	size_t provider = r->reach.provider;
	bool better = r->reaching_better, reached = error == CK_OK;
	r->reaching = r->reaching_better = false;
	if (better && reached && !r->persisted) { /* the other one was lost meanwhile, and somebody is being tried */
		ck_opening_close(&r->reach.opening);
		return;
	}
	if (!reached && better) return;
	if (better) ck_log(CK_LOG_INFO, "%s can be connected to again: it comes first", r->providers.at[provider].uri);
	if (better) ck_providers_current_first(&r->providers);
	if (reached) ck_replica_stop_stream(r);
	r->providers.current = provider;
	if (!reached) {
		leave(r, CK_PROVIDER_UNREACHED, why);
	} else if (ck_replica_mend_is_due(r) && !ck_replica_writer_is_there(r)) {
		r->reaching = r->mending = true;
		ck_replica_reach_writer(r);
	} else {
		open_stream(r);
	}
}

static void reach(struct ck_replica *r, size_t provider, bool better)
{
	r->reaching = true;
	r->reaching_better = better;
	ck_replica_reach(r, &r->reach, provider, false, on_reached, NULL);
}

static void mind_closed(struct ck_replica *r, int64_t now_ms)
{
	size_t provider;
	int64_t wait_ms;
	if (r->reaching_better) { /* which is tried in its turn, too */
		ck_replica_reach_end(&r->reach);
		r->reaching = r->reaching_better = false;
	}
	if (!r->reaching && ck_providers_choose(&r->providers, now_ms, &provider, &wait_ms)) reach(r, provider, false);
}

/* No request is in the middle of a write, which would end in doubt. */
static void mind_better(struct ck_replica *r, int64_t now_ms)
{
	size_t provider;
	if (r->dials == NULL || r->reaching || !r->persisted) return;
	for (size_t i = 0; i < CK_WORKS_LIMIT; i++)
		if (r->works[i].kind != 0) return;
	if (ck_providers_better(&r->providers, now_ms, &provider)) reach(r, provider, true);
}

static void note_state(struct ck_replica *r)
{
	char line[200];
	if (r->persisted) snprintf(line, sizeof line, "following %.150s", r->providers.at[r->providers.current].uri);
	else snprintf(line, sizeof line, "%s: %.150s", r->follow != NULL ? "refreshing" : "waiting", r->trouble[0] != '\0' ? r->trouble : "connecting");
	ck_follower_note_state(r->follower, line);
}

/* False: the copy is damaged. */
static bool mind_zones(struct ck_replica *r, int64_t now_ms)
{
	int64_t from_s, until_s;
	ck_zone_span(ck_wall_now(&r->wall).s, &from_s, &until_s);
	if (now_ms < r->zones_ms && until_s == r->zones_until_s) return true;
	enum ck_error error = ck_follower_renew_zones(r->follower);
	if (error == CK_ERR_UNAVAILABLE) return true;
	if (error != CK_OK) ck_log(CK_LOG_ERROR, "the authorities' time zones were not looked up: %s", ck_error_name(error));
	r->zones_ms = now_ms + ZONES_EVERY_MS;
	r->zones_until_s = until_s;
	return error != CK_ERR_CORRUPT;
}

/* A stream says nothing of what was deleted beside what is followed, but a new one begins with a cookie that covers it. So the same provider is asked once more
   before it is taken for one whose stream loses changes. */
static void lags(struct ck_replica *r, int64_t now_ms)
{
	static const char text[] = "changes that the provider has do not come by the stream";
	if (r->lost_ms != 0 && now_ms - r->lost_ms < LAG_AGAIN_MS) {
		lost(r, CK_ERR_TIMEOUT, text);
		return;
	}
	ck_log(CK_LOG_INFO, "%s: it is begun again", text);
	r->lost_ms = now_ms;
	ck_replica_stop_stream(r);
	ck_providers_current_first(&r->providers);
}

static void mind_open(struct ck_replica *r, int64_t now_ms)
{
	if (ck_slices_go_on(&r->step)) return; /* it is not silent: nobody listens */
	if (!r->persisted) {
		bool asked = ck_follow_refreshes(r->follow);
		if (now_ms - (asked ? r->heard_ms : r->opened_ms) >= SILENT_LIMIT_MS) lost(r, CK_ERR_TIMEOUT, "the provider said nothing for too long");
		return;
	}
	if (ck_follower_state(r->follower) != CK_FOLLOWER_PERSISTING) { /* a probe found that the provider went back */
		lost(r, CK_ERR_UNAVAILABLE, "the provider went back while it was followed");
		return;
	}
	if (r->probe_ms != 0 && now_ms - r->probe_ms >= PROBE_LIMIT_MS) {
		lost(r, CK_ERR_TIMEOUT, "the provider does not answer the probe");
		return;
	}
	if (!ck_follower_lags(r->follower)) r->lags_since_ms = 0;
	else if (r->lags_since_ms == 0) r->lags_since_ms = now_ms;
	else if (now_ms - r->lags_since_ms >= LAG_LIMIT_MS) {
		lags(r, now_ms);
		return;
	}
	if (r->probe_ms == 0 && now_ms >= r->next_probe_ms) probe(r, now_ms);
	if (!mind_zones(r, now_ms)) lost(r, CK_ERR_CORRUPT, "");
}

/* A file that was removed is still mapped here, and nobody else can open it. */
static bool copy_is_there(struct ck_replica *r, int64_t now_ms)
{
	char path[sizeof r->store_directory + sizeof CK_STORE_FILE + 1];
	if (now_ms - r->looked_ms < LOOK_EVERY_MS) return true;
	r->looked_ms = now_ms;
	snprintf(path, sizeof path, "%s/" CK_STORE_FILE, r->store_directory);
	return access(path, F_OK) == 0;
}

void ck_replica_stream_damaged(struct ck_replica *r)
{
	end_damaged(r, "is damaged");
}

void ck_replica_mind_stream(struct ck_replica *r, int64_t now_ms)
{
	ck_replica_mind_verification(r, now_ms);
	if (r->exit_code != 0) return;
	if (!copy_is_there(r, now_ms)) {
		end_damaged(r, "was removed");
		return;
	}
	if (r->follow == NULL) mind_closed(r, now_ms);
	else mind_open(r, now_ms);
	if (r->follow != NULL) mind_better(r, now_ms);
	if (r->exit_code == 0 && !ck_slices_go_on(&r->step)) note_state(r); /* which writes into a store that the step may be at */
}
