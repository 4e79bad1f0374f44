#include "authd/slices.h"

static void leave(struct ck_slices *s, enum ck_error error)
{
	ck_slices_end(s);
	s->on_end(error, s->context);
}

static void look(struct ck_slices *s)
{
	const struct timeval at_once = {0, 0};
	if (ck_fiber_is_done(s->fiber)) leave(s, CK_OK);
	else if (event_add(s->go_on, &at_once) != 0) leave(s, CK_ERR_MEMORY);
}

static void on_go_on(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_slices *s = context;
	ck_fiber_resume(s->fiber);
	look(s);
}

enum ck_error ck_slices_begin(struct ck_slices *slices, struct event_base *base, void (*work)(void *context),
                              void (*on_end)(enum ck_error error, void *context), void *context)
{
	*slices = (struct ck_slices){.on_end = on_end, .context = context, .go_on = evtimer_new(base, on_go_on, slices)};
	if (slices->go_on == NULL || ck_fiber_start(work, context, &slices->fiber) != CK_OK) {
		ck_slices_end(slices);
		return CK_ERR_MEMORY;
	}
	look(slices);
	return CK_OK;
}

bool ck_slices_go_on(const struct ck_slices *slices)
{
	return slices->fiber != NULL;
}

void ck_slices_end(struct ck_slices *slices)
{
	ck_fiber_end(&slices->fiber);
	if (slices->go_on != NULL) event_free(slices->go_on);
	slices->go_on = NULL;
}
