/* Which of several providers to follow: the first, in order, that can be. Pure: no sockets, no clock. */
#ifndef CK_AUTHD_PROVIDER_H
#define CK_AUTHD_PROVIDER_H

#include "authd/config.h"

#define CK_PROVIDER_WHY_BYTES 200

enum ck_provider_trouble {
	CK_PROVIDER_UNREACHED = 1, /* dead, silent, wrongly certified, or it does not speak as it should */
	CK_PROVIDER_BEHIND,        /* older than what was seen */
	CK_PROVIDER_HELD           /* it would remove too much */
};

struct ck_provider {
	const char *uri;
	int64_t pace_ms;        /* not asked again before, whatever else there is */
	int64_t skip_ms;        /* not asked before, unless there is nobody else */
	int64_t backoff_ms;
	int64_t better_ms, better_wait_ms; /* when it is looked at again while a later one is followed */
	bool tried;             /* since every one was, or one was followed: the next comes before it comes again */
	bool doubted;           /* it was lost in the middle of a write */
	char why[CK_PROVIDER_WHY_BYTES]; /* it was left; "" */
};
struct ck_providers {
	size_t count;
	struct ck_provider at[CK_PROVIDERS_LIMIT];
	bool following;
	size_t current; /* followed, or tried */
};

/* The one to try now. False: none yet, but at *out_wait_ms. */
CK_MUST_USE bool ck_providers_choose(struct ck_providers *p, int64_t now_ms, size_t *out_index, int64_t *out_wait_ms);
void ck_providers_failed(struct ck_providers *p, size_t index, enum ck_provider_trouble trouble, const char *why, int64_t now_ms);
/* It is in step and followed from now on. */
void ck_providers_arrived(struct ck_providers *p, size_t index, int64_t now_ms);
/* One before the one that is followed that may be well again: to be connected to, and followed if that works. Looked for less and less often. */
CK_MUST_USE bool ck_providers_better(struct ck_providers *p, int64_t now_ms, size_t *out_index);
/* The one that is followed is left for a better one, or to be followed anew: it is the next to be tried, before any other. */
void ck_providers_current_first(struct ck_providers *p);
/* Every one may be tried now. */
void ck_providers_hurry(struct ck_providers *p);
/* A line about one: "ldaps://a followed". Returns whether something is wrong with it. */
bool ck_providers_describe(const struct ck_providers *p, size_t index, int64_t now_ms, char *out, size_t out_bytes);

#endif
