/* The devices of one conversation. Each has a thread, since libfido2's calls block, and a device may block in the kernel for ever: what one
   of them does delays nobody else. Only the thread of a device calls libfido2 for it, but for the cancelling of a call. */
#ifndef CK_PAM_MODULE_TOKEN_DEVICE_H
#define CK_PAM_MODULE_TOKEN_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "pam_module/token_internal.h"

enum ck_token_job {
	CK_TOKEN_OPEN,        /* opens, asks what it can and which credentials it holds */
	CK_TOKEN_CHOOSE,      /* waits for a touch that means nothing else */
	CK_TOKEN_COUNT_TRIES, /* of the PIN */
	CK_TOKEN_COUNT_FINGERS,
	CK_TOKEN_CHECK_PIN,
	CK_TOKEN_SIGN,
	CK_TOKEN_MAKE
};

/* What a key turned out to be. */
struct ck_token_key {
	bool fido2, takes_pin, has_pin, has_finger, keeps, protects;
	unsigned algorithms; /* a set of 1 << enum ck_token_algorithm; 0: it did not say */
	unsigned told;       /* a set of enum ck_told */
	bool holds[CK_ALLOW_LIMIT]; /* which of the listed credentials; to sign, only the first is looked for */
	size_t held, first;
};
/* How its user is asked. */
enum ck_token_way { CK_TOKEN_BY_TOUCH, CK_TOKEN_BY_FINGER, CK_TOKEN_BY_PIN };
enum ck_token_algorithm { CK_TOKEN_ES256, CK_TOKEN_EDDSA, CK_TOKEN_RS256, CK_TOKEN_ALGORITHMS };

/* What is to be done, beside the request. */
struct ck_token_order {
	enum ck_token_job job;
	bool by_finger, by_pin;             /* SIGN, MAKE: how the user is verified; neither: a touch only */
	bool discoverable;                  /* MAKE */
	enum ck_token_algorithm algorithm;  /* MAKE */
};

struct ck_token_result {
	int fido;                     /* libfido2's code */
	enum ck_token_opening opening; /* OPEN */
	bool late;                    /* it took as long as it was allowed to */
	int count;                    /* COUNT_…: how many are left */
};

/* Where a device stands, for the conversation's thread alone. */
enum ck_token_phase {
	CK_TOKEN_OPENING,   /* the job OPEN runs */
	CK_TOKEN_CLOSED,    /* could not be opened; another try is due at retry_ms */
	CK_TOKEN_READY,     /* open, may serve */
	CK_TOKEN_USELESS,   /* open, cannot serve: problem says why */
	CK_TOKEN_AT_WORK,   /* a job runs */
	CK_TOKEN_DONE       /* a job other than OPEN has ended, and nobody has looked at its result */
};

struct ck_token_device {
	/* the conversation's */
	char name[256];
	enum ck_token_phase phase;
	enum ck_token_outcome problem; /* why it does not serve (USELESS, CLOSED), OK: it does */
	bool there, listed;            /* this place is taken; it was in the last list */
	bool told_problem;             /* its problem was said */
	int64_t began_ms, failing_since_ms, closed_ms, retry_ms; /* retry_ms: of a READY one, not before this another wait for a touch */
	unsigned failures;             /* at work */
	enum ck_token_way way;
	struct ck_token_result result; /* of the last job, once it has ended */
	/* shared */
	struct ck_token_board *board;
	struct ck_token_order order; /* written before the job is given, read by its thread */
	struct ck_token_result next_result;
	bool given, ended, quit, gone; /* under board->lock: a job waits or runs; one has ended; no more jobs; the thread has ended */
	bool kept;                     /* under board->lock: the canceller is about to use it */
	pthread_cond_t work;
	atomic_bool cancelled; /* the job is not wanted any more */
	pthread_mutex_t call;  /* held while calling is written, and while a cancel is */
	bool calling;          /* under call: a call that may be cancelled runs */
	pthread_t thread;
	/* its thread's, and the conversation's while no job runs */
	fido_dev_t *fido;
	struct ck_token_key key;
	const char *pin; /* its place in locked memory */
	fido_assert_t *assertion;
	fido_cred_t *credential;
};

struct ck_token_board {
	const struct ck_token *token;
	struct ck_token_device devices[CK_TOKEN_DEVICES_LIMIT];
	int news_fd; /* an eventfd: some job has ended */
	pthread_mutex_t lock;
	pthread_cond_t stop; /* wakes the thread that cancels */
	pthread_t canceller;
	bool cancelling, quit;
	int64_t looked_ms, settle_ms; /* settle_ms: not waited for longer than this for those that open */
};

/* token_board.c */
struct ck_token_board *ck_token_board_open(const struct ck_token *token); /* NULL: no memory, no thread */
/* Cancels everything and frees the board; false if some thread hangs: then nothing is freed, and the process must end. */
bool ck_token_board_close(struct ck_token_board *board);
/* Lists the devices if it is time to, starts threads for new ones, opens again what is due, lets go what is gone, takes in what has
   ended. */
void ck_token_board_look(struct ck_token_board *board);
/* Whether each device that is plugged in has said what it is, or had its time. */
bool ck_token_board_is_settled(const struct ck_token_board *board);
int ck_token_board_wait_ms(const struct ck_token_board *board); /* until it should be looked at again */
struct ck_token_device *ck_token_board_next(struct ck_token_board *board, struct ck_token_device *after); /* NULL begins, and ends */

/* token_thread.c */
bool ck_token_device_start(struct ck_token_board *board, struct ck_token_device *device); /* begins with the job OPEN */
void ck_token_device_give(struct ck_token_device *device, struct ck_token_order order);   /* it must not be at work */
void ck_token_device_cancel(struct ck_token_device *device);
/* Gives the job and waits for its end, looking after the other devices. OK: *out is set. Else TIMEOUT, CANCELLED, GARBAGE as
   ck_token_pause, REMOVED. */
enum ck_token_outcome ck_token_device_do(struct ck_token *token, struct ck_token_device *device, struct ck_token_order order,
                                         struct ck_token_result *out);
void *ck_token_canceller_run(void *board);

/* token_job.c: what each job does; runs in the device's thread. */
void ck_token_job_run(struct ck_token_device *device, const struct ck_token_order *order, struct ck_token_result *out);
void ck_token_job_forget(struct ck_token_device *device); /* what the last one made */
void ck_token_job_close(struct ck_token_device *device);
/* What a libfido2 code means here. */
enum ck_token_outcome ck_token_outcome_of(const struct ck_token_result *result);

/* token_make.c: MAKE in the device's thread, and its answer. */
int ck_token_make(struct ck_token_device *device, const struct ck_token_order *order);
enum ck_token_outcome ck_token_send_created(const struct ck_token *token, const struct ck_token_device *device);
/* token_sign.c: SIGN in the device's thread, the silent question, and the answer. */
int ck_token_sign(struct ck_token_device *device, const struct ck_token_order *order);
int ck_token_probe(struct ck_token_device *device, struct ck_bytes id);
int ck_token_check_pin(struct ck_token_device *device);
enum ck_token_outcome ck_token_send_asserted(const struct ck_token *token, const struct ck_token_device *device);

#endif
