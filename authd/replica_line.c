/* Connections for writes that the loop does not wait for: one for batches, one for the use of keys. The loop waits until the provider is
   reached, no longer; bind and writes go on in steps. A line leads to the provider that takes writes, and is of no use once that is another. */
#include "authd/replica_state.h"
#include "directory/base/clock.h"

enum ck_error ck_replica_line_open(struct ck_replica *r, struct ck_replica_line *line, int64_t limit_ms, event_callback_fn on_readable,
                                   struct ck_errmsg *err)
{
	struct ck_ldap_target target;
	line->provider = ck_replica_write_provider(r);
	enum ck_error error = ck_replica_reach(r, limit_ms, &target, err);
	if (error == CK_OK) error = ck_later_open(&target, &line->later, err);
	if (error != CK_OK) return error;
	line->readable = event_new(r->base, ck_later_fd(line->later), EV_READ | EV_PERSIST, on_readable, r);
	if (line->readable != NULL && event_add(line->readable, NULL) == 0) return CK_OK;
	ck_replica_line_close(line);
	return ck_fail(err, CK_ERR_MEMORY, "no memory");
}

void ck_replica_line_close(struct ck_replica_line *line)
{
	if (line->readable != NULL) event_free(line->readable);
	line->readable = NULL;
	ck_later_close(&line->later);
}

bool ck_replica_line_is_astray(const struct ck_replica *r, const struct ck_replica_line *line)
{
	return line->later != NULL && line->provider != ck_replica_write_provider(r);
}
