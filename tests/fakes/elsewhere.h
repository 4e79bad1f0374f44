/* A PAM conversation that another thread holds, as a display manager's user interface does: the thread that called PAM waits meanwhile. */
#ifndef CK_TESTS_FAKES_ELSEWHERE_H
#define CK_TESTS_FAKES_ELSEWHERE_H

#include <pthread.h>
#include <security/pam_appl.h>

struct ck_elsewhere {
	struct pam_conv inner; /* what the other thread calls */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct pam_message **messages;
	struct pam_response **responses;
	int count, code;
	enum { CK_ELSEWHERE_IDLE, CK_ELSEWHERE_ASKED, CK_ELSEWHERE_ANSWERED, CK_ELSEWHERE_END } state;
};

/* From now on until the end, a conversation through ck_elsewhere_converse with this as its context is inner's, in the other thread. */
int ck_elsewhere_begin(struct ck_elsewhere *elsewhere, struct pam_conv inner);
void ck_elsewhere_end(struct ck_elsewhere *elsewhere);
int ck_elsewhere_converse(int count, const struct pam_message **messages, struct pam_response **out, void *context);

#endif
