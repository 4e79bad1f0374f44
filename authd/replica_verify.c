/* A turned bit in a key of the copy looks like something that is not there: it lets nobody in, but keeps somebody out until the whole is read.
   So that is done at each start, and from then on for at most a hundredth of the time; in slices, since at full size it takes many seconds. */
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/fiber.h"

#define REST_MS 10000 /* between two readings of the whole copy, at least */
#define REST_FACTOR 100

static void verify_inside(void *context)
{
	struct ck_replica *r = context;
	r->verify_error = ck_follower_verify(r->follower);
}

static enum ck_error finish(struct ck_replica *r)
{
	int64_t now_ms = ck_clock_monotonic_ms(), took_ms = now_ms - r->verify_began_ms;
	r->verify_ms = now_ms + (took_ms * REST_FACTOR > REST_MS ? took_ms * REST_FACTOR : REST_MS);
	ck_replica_end_verification(r);
	return r->verify_error;
}

void ck_replica_end_verification(struct ck_replica *r)
{
	if (r->verification != NULL && !ck_fiber_is_done(r->verification)) r->verify_wanted = true; /* what came in its place was not read */
	ck_fiber_end(&r->verification);
	if (r->verify_on != NULL) event_free(r->verify_on);
	r->verify_on = NULL;
}

static enum ck_error look(struct ck_replica *r)
{
	const struct timeval at_once = {0, 0};
	if (ck_fiber_is_done(r->verification)) return finish(r);
	if (event_add(r->verify_on, &at_once) == 0) return CK_OK;
	ck_replica_end_verification(r);
	return CK_ERR_MEMORY;
}

static void on_verify(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica *r = context;
	ck_fiber_resume(r->verification);
	if (look(r) == CK_ERR_CORRUPT) ck_replica_stream_damaged(r);
}

enum ck_error ck_replica_mind_verification(struct ck_replica *r, int64_t now_ms)
{
	if (r->verification != NULL || (!r->verify_wanted && now_ms < r->verify_ms)) return CK_OK;
	r->verify_wanted = false;
	r->verify_began_ms = now_ms;
	r->verify_on = evtimer_new(r->base, on_verify, r);
	if (r->verify_on == NULL || ck_fiber_start(verify_inside, r, &r->verification) != CK_OK) {
		ck_replica_end_verification(r);
		return CK_ERR_MEMORY;
	}
	return look(r);
}
