/* The gate's loop. Where whatever comes next comes within microseconds, waking up costs more than waiting: a look-up is four such waits. So the gate looks
   again for a moment before it sleeps, where that paid the last time: for the ledger's word that something is written, or for the next question of one
   client that asks and asks. Never while it waits for anything slower, or for more than one: then there is something to do anyway, and the processor
   is somebody else's. */
#include "authd/gate_state.h"

#include "directory/base/awake.h"
#include "directory/base/clock.h"

/* Whether anything came. */
static bool look(struct ck_gate *gate, int how, bool *out_over)
{
	uint64_t before = gate->came;
	int left = event_base_loop(gate->base, how);
	*out_over = left != 0 || event_base_got_break(gate->base) || event_base_got_exit(gate->base);
	return gate->came != before;
}

static bool look_awake(struct ck_gate *gate, int64_t until_us, bool *out_over)
{
	bool came = false;
	for (int i = 0; i < CK_AWAKE_LOOKS_LIMIT && !came && !*out_over && ck_clock_monotonic_us() < until_us; i++)
		came = look(gate, EVLOOP_NONBLOCK, out_over);
	return came;
}

/* NULL: sleep, whatever it paid. */
static bool *paid_of(struct ck_gate *gate)
{
	if (gate->processors < 2) return NULL; /* whoever is waited for needs one, too */
	if (gate->waiting == 0) return &gate->paid_idle;
	return gate->waiting == 1 && gate->waiting_soon == 1 ? &gate->paid_soon : NULL;
}

enum ck_error ck_gate_loop(struct ck_gate *gate)
{
	bool over = false;
	while (!over) {
		bool *paid = paid_of(gate), came = false;
		int64_t begin_us = paid != NULL ? ck_clock_monotonic_us() : 0;
		if (paid != NULL && *paid) came = look_awake(gate, begin_us + CK_AWAKE_US, &over);
		if (paid != NULL && *paid && !came) *paid = false;
		if (came || over) continue;
		(void)look(gate, EVLOOP_ONCE, &over);
		if (paid != NULL && ck_clock_monotonic_us() - begin_us < CK_WOKEN_US) *paid = true;
	}
	return event_base_got_break(gate->base) || event_base_got_exit(gate->base) ? CK_OK : CK_ERR_IO;
}
