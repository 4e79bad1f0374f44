/* A turned bit in a key of the copy looks like something that is not there: it lets nobody in, but keeps somebody out until the whole is read.
   So that is done at each start, and from then on for at most a hundredth of the time; in slices, since at full size it takes many seconds. */
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define REST_MS 10000 /* between two readings of the whole copy, at least */
#define REST_FACTOR 100

static void verify_inside(void *context)
{
	struct ck_replica *r = context;
	r->verify_error = ck_follower_verify(r->follower);
}

static void on_verified(enum ck_error error, void *context)
{
	struct ck_replica *r = context;
	int64_t now_ms = ck_clock_monotonic_ms(), took_ms = now_ms - r->verify_began_ms;
	r->verify_ms = now_ms + (took_ms * REST_FACTOR > REST_MS ? took_ms * REST_FACTOR : REST_MS);
	if (error == CK_OK) error = r->verify_error;
	if (error == CK_ERR_CORRUPT) ck_replica_stream_damaged(r);
	else if (error != CK_OK) ck_log(CK_LOG_WARNING, "the copy was not verified: %s", ck_error_name(error));
}

void ck_replica_end_verification(struct ck_replica *r)
{
	if (ck_slices_go_on(&r->verification)) r->verify_wanted = true; /* what came in its place was not read */
	ck_slices_end(&r->verification);
}

void ck_replica_mind_verification(struct ck_replica *r, int64_t now_ms)
{
	if (ck_slices_go_on(&r->verification) || (!r->verify_wanted && now_ms < r->verify_ms)) return;
	r->verify_wanted = false;
	r->verify_began_ms = now_ms;
	if (ck_slices_begin(&r->verification, r->base, verify_inside, on_verified, r) != CK_OK) r->verify_wanted = true; /* tried again at the next tick */
}
