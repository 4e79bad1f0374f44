/* A connection that is made while the loop goes on. libldap can neither be told how long a TLS handshake may take nor make one in steps, so it
   makes it on a stack of its own, and goes back to the loop where it would wait (tls.c, connect.c). */
#include <stdlib.h>

#include "directory/base/fiber.h"
#include "directory/ldap/internal.h"

struct ck_opening {
	struct ck_ldap_target target;
	bool bind;
	int timeout_ms;
	struct ck_fiber *fiber;
	enum ck_error error;
	struct ck_errmsg message;
	LDAP *handle;         /* that is not bound */
	struct ck_ldap *bound;
};

static void work(void *context)
{
	struct ck_opening *o = context;
	o->error = o->bind ? ck_ldap_connect(&o->target, o->timeout_ms, &o->bound, &o->message)
	                   : ck_ldap_open(&o->target, o->timeout_ms, &o->handle, &o->message);
}

enum ck_error ck_opening_begin(const struct ck_ldap_target *target, bool bind, int timeout_ms, struct ck_opening **out, struct ck_errmsg *err)
{
	*out = NULL;
	CK_ASSERT(target->opening == NULL);
	struct ck_opening *o = calloc(1, sizeof *o);
	if (o != NULL) {
		*o = (struct ck_opening){.target = *target, .bind = bind, .timeout_ms = timeout_ms, .error = CK_ERR_INTERNAL};
		if (ck_fiber_start(work, o, &o->fiber) == CK_OK) {
			*out = o;
			return CK_OK;
		}
	}
	free(o);
	ck_ldap_target_drop(target);
	return ck_fail(err, CK_ERR_MEMORY, "no memory for a connection");
}

bool ck_opening_step(struct ck_opening *opening)
{
	ck_fiber_resume(opening->fiber);
	return ck_fiber_is_done(opening->fiber);
}

int ck_opening_fd(const struct ck_opening *opening) { return ck_fiber_fd(opening->fiber); }
bool ck_opening_writes(const struct ck_opening *opening) { return ck_fiber_writes(opening->fiber); }

enum ck_error ck_opening_result(const struct ck_opening *opening, struct ck_errmsg *err)
{
	CK_ASSERT(ck_fiber_is_done(opening->fiber));
	return opening->error == CK_OK ? CK_OK : ck_fail(err, opening->error, "%s", opening->message.text);
}

enum ck_error ck_opening_take(struct ck_opening *opening, LDAP **out, struct ck_errmsg *err)
{
	enum ck_error error = ck_opening_result(opening, err);
	CK_ASSERT(!opening->bind);
	*out = opening->handle;
	opening->handle = NULL;
	ck_opening_close(&opening);
	return error;
}

enum ck_error ck_opening_take_bound(struct ck_opening **opening, struct ck_ldap **out, struct ck_errmsg *err)
{
	enum ck_error error = ck_opening_result(*opening, err);
	CK_ASSERT((*opening)->bind);
	*out = (*opening)->bound;
	(*opening)->bound = NULL;
	ck_opening_close(opening);
	return error;
}

void ck_opening_close(struct ck_opening **opening)
{
	struct ck_opening *o = *opening;
	if (o == NULL) return;
	ck_fiber_end(&o->fiber);
	if (o->handle != NULL) ldap_unbind_ext(o->handle, NULL, NULL);
	ck_ldap_close(&o->bound);
	free(o);
	*opening = NULL;
}
