/* Connections for writes that the loop does not wait for: one for batches, one for the use of keys. Reaching the provider, the bind and the
   writes go on in steps. A line leads to the provider that takes writes, and is of no use once that is another. */
#include "authd/replica_state.h"
#include "directory/base/clock.h"

static void on_reached(struct ck_replica *r, enum ck_error error, const char *why, void *context)
{
	struct ck_replica_line *line = context;
	struct ck_ldap_target target;
	struct ck_errmsg err = {""};
	if (error != CK_OK) (void)ck_fail(&err, error, "%s", why);
	else error = ck_replica_reached(&line->reach, &target, &err);
	if (error == CK_OK) error = ck_later_open(&target, &line->later, &err);
	if (error == CK_OK) {
		line->readable = event_new(r->base, ck_later_fd(line->later), EV_READ | EV_PERSIST, line->on_readable, r);
		if (line->readable == NULL || event_add(line->readable, NULL) != 0) error = ck_fail(&err, CK_ERR_MEMORY, "no memory");
	}
	if (error == CK_OK) return;
	ck_replica_line_close(line);
	line->on_end(r, err.text);
}

void ck_replica_line_open(struct ck_replica *r, struct ck_replica_line *line, event_callback_fn on_readable,
                          void (*on_end)(struct ck_replica *r, const char *why))
{
	line->provider = ck_replica_write_provider(r);
	line->on_readable = on_readable;
	line->on_end = on_end;
	ck_replica_reach(r, &line->reach, line->provider, false, on_reached, line);
}

void ck_replica_line_close(struct ck_replica_line *line)
{
	ck_replica_reach_end(&line->reach);
	if (line->readable != NULL) event_free(line->readable);
	line->readable = NULL;
	ck_later_close(&line->later);
}

bool ck_replica_line_is_begun(const struct ck_replica_line *line) { return line->later != NULL || line->reach.under_way; }

bool ck_replica_line_is_astray(const struct ck_replica *r, const struct ck_replica_line *line)
{
	return ck_replica_line_is_begun(line) && line->provider != ck_replica_write_provider(r);
}
