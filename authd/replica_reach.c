/* Reaching a provider while the loop goes on: the dialler connects, then TLS (and for the writer the bind) is made in steps. On this machine
   there is nothing to wait for. Who asks keeps the place, and hears of it once, or ends it before. */
#include <string.h>
#include <unistd.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"

#define OPENING_LIMIT_MS 4000 /* TLS has less (connect.c); with the bind, some round trips more */

static void release(struct ck_replica_reach *reach)
{
	if (reach->ready != NULL) event_free(reach->ready);
	reach->ready = NULL;
	reach->under_way = false;
}

static void settle(struct ck_replica_reach *reach, enum ck_error error, const char *why)
{
	release(reach);
	if (error != CK_OK) ck_opening_close(&reach->opening);
	reach->done(reach->replica, error, why, reach->context);
}

static void on_ready(evutil_socket_t fd, short what, void *context);

/* A fiber may wait for another thing each time. */
static bool wait_on(struct ck_replica_reach *reach)
{
	int64_t left_ms = reach->deadline_ms - ck_clock_monotonic_ms();
	if (left_ms < 0) left_ms = 0;
	const struct timeval limit = {.tv_sec = (time_t)(left_ms / 1000), .tv_usec = (suseconds_t)(left_ms % 1000 * 1000 + 1)};
	short what = ck_opening_writes(reach->opening) ? EV_WRITE : EV_READ;
	if (reach->ready != NULL) event_free(reach->ready);
	reach->ready = event_new(reach->replica->base, ck_opening_fd(reach->opening), what, on_ready, reach);
	return reach->ready != NULL && event_add(reach->ready, &limit) == 0;
}

static void look(struct ck_replica_reach *reach, bool ended)
{
	struct ck_errmsg why = {""};
	if (!ended && ck_clock_monotonic_ms() >= reach->deadline_ms) {
		settle(reach, CK_ERR_TIMEOUT, "it does not finish TLS in time");
	} else if (!ended) {
		if (!wait_on(reach)) settle(reach, CK_ERR_MEMORY, "no memory for a connection");
	} else {
		enum ck_error error = ck_opening_result(reach->opening, &why);
		settle(reach, error, why.text);
	}
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica_reach *reach = context;
	look(reach, ck_opening_step(reach->opening));
}

static void on_dialled(int fd, const char *why, void *context)
{
	struct ck_replica_reach *reach = context;
	struct ck_ldap_target target;
	struct ck_errmsg err = {""};
	if (fd < 0) {
		settle(reach, CK_ERR_UNAVAILABLE, why);
		return;
	}
	enum ck_error error = ck_replica_target(reach->replica, reach->provider, fd, &target, &err);
	if (error == CK_OK) error = ck_opening_begin(&target, reach->bind, OPENING_LIMIT_MS, &reach->opening, &err);
	reach->deadline_ms = ck_clock_monotonic_ms() + OPENING_LIMIT_MS;
	if (error != CK_OK) settle(reach, error, err.text);
	else look(reach, ck_opening_step(reach->opening));
}

void ck_replica_reach(struct ck_replica *r, struct ck_replica_reach *reach, size_t provider, bool bind, ck_reach_done done, void *context)
{
	struct ck_errmsg err = {""};
	CK_ASSERT(!reach->under_way && reach->opening == NULL);
	*reach = (struct ck_replica_reach){.replica = r, .provider = provider, .bind = bind, .done = done, .context = context, .under_way = true};
	if (r->dials == NULL) settle(reach, CK_OK, "");
	else if (ck_replica_dial(r, (unsigned)provider, on_dialled, reach, &err) != CK_OK) settle(reach, CK_ERR_UNAVAILABLE, err.text);
}

enum ck_error ck_replica_reached(struct ck_replica_reach *reach, struct ck_ldap_target *out, struct ck_errmsg *err)
{
	enum ck_error error = ck_replica_target(reach->replica, reach->provider, -1, out, err);
	if (error != CK_OK) ck_opening_close(&reach->opening);
	out->opening = reach->opening;
	reach->opening = NULL;
	return error;
}

void ck_replica_reach_end(struct ck_replica_reach *reach)
{
	if (reach->replica == NULL) return;
	if (reach->under_way && reach->replica->dials != NULL) ck_replica_dial_forget(reach->replica, reach);
	release(reach);
	ck_opening_close(&reach->opening);
}
