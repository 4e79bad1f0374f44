/* One question at a time passes from the thread that called PAM to the one that talks to the person, and its answer back. */
#include "tests/fakes/elsewhere.h"

#include <unistd.h>

#define PERSON_US 20000 /* nobody answers at once */

static void *talk(void *context)
{
	struct ck_elsewhere *e = context;
	pthread_mutex_lock(&e->lock);
	while (e->state != CK_ELSEWHERE_END) {
		if (e->state != CK_ELSEWHERE_ASKED) {
			pthread_cond_wait(&e->changed, &e->lock);
			continue;
		}
		pthread_mutex_unlock(&e->lock);
		usleep(PERSON_US);
		int code = e->inner.conv(e->count, e->messages, e->responses, e->inner.appdata_ptr);
		pthread_mutex_lock(&e->lock);
		e->code = code;
		e->state = CK_ELSEWHERE_ANSWERED;
		pthread_cond_broadcast(&e->changed);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

int ck_elsewhere_begin(struct ck_elsewhere *e, struct pam_conv inner)
{
	*e = (struct ck_elsewhere){ .inner = inner, .state = CK_ELSEWHERE_IDLE };
	if (pthread_mutex_init(&e->lock, NULL) != 0 || pthread_cond_init(&e->changed, NULL) != 0) return -1;
	return pthread_create(&e->thread, NULL, talk, e) == 0 ? 0 : -1;
}

void ck_elsewhere_end(struct ck_elsewhere *e)
{
	pthread_mutex_lock(&e->lock);
	e->state = CK_ELSEWHERE_END;
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
	(void)pthread_join(e->thread, NULL);
	(void)pthread_cond_destroy(&e->changed);
	(void)pthread_mutex_destroy(&e->lock);
}

int ck_elsewhere_converse(int count, const struct pam_message **messages, struct pam_response **out, void *context)
{
	struct ck_elsewhere *e = context;
	pthread_mutex_lock(&e->lock);
	e->count = count;
	e->messages = messages;
	e->responses = out;
	e->state = CK_ELSEWHERE_ASKED;
	pthread_cond_broadcast(&e->changed);
	while (e->state != CK_ELSEWHERE_ANSWERED) pthread_cond_wait(&e->changed, &e->lock);
	int code = e->code;
	e->state = CK_ELSEWHERE_IDLE;
	pthread_mutex_unlock(&e->lock);
	return code;
}
