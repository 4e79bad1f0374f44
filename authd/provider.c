/* The order of providers (provider.h): a failure makes room for the next at once; one that is behind is left alone for a while, but asked
   all the same when there is nobody else. */
#include "authd/provider.h"

#include <stdio.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 5000
#define BEHIND_PACE_MS 5000
#define BEHIND_SKIP_MS 30000 /* replication between providers catches up in far less */
#define HELD_MS 60000        /* a refresh that was stopped is a whole refresh each time */
#define BETTER_FIRST_MS 10000
#define BETTER_LAST_MS 1800000

static bool choose(const struct ck_providers *p, int64_t now_ms, bool tried_too, bool skipped_too, size_t *out_index)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct ck_provider *provider = &p->at[i];
		if (now_ms < provider->pace_ms || (!tried_too && provider->tried) || (!skipped_too && now_ms < provider->skip_ms)) continue;
		*out_index = i;
		return true;
	}
	return false;
}

bool ck_providers_choose(struct ck_providers *p, int64_t now_ms, size_t *out_index, int64_t *out_wait_ms)
{
	*out_wait_ms = INT64_MAX;
	for (size_t i = 0; i < p->count; i++)
		if (p->at[i].pace_ms < *out_wait_ms) *out_wait_ms = p->at[i].pace_ms;
	if (choose(p, now_ms, false, false, out_index)) return true;
	for (size_t i = 0; i < p->count; i++) p->at[i].tried = false;
	return choose(p, now_ms, true, false, out_index) || choose(p, now_ms, true, true, out_index);
}

void ck_providers_failed(struct ck_providers *p, size_t index, enum ck_provider_trouble trouble, const char *why, int64_t now_ms)
{
	struct ck_provider *provider = &p->at[index];
	if (p->current == index) p->following = false;
	(void)snprintf(provider->why, sizeof provider->why, "%s", why);
	provider->tried = true;
	switch (trouble) {
	case CK_PROVIDER_UNREACHED:
		provider->backoff_ms = provider->backoff_ms == 0                      ? BACKOFF_FIRST_MS
		                       : provider->backoff_ms * 2 < BACKOFF_LAST_MS ? provider->backoff_ms * 2
		                                                                    : BACKOFF_LAST_MS;
		provider->pace_ms = now_ms + provider->backoff_ms;
		break;
	case CK_PROVIDER_BEHIND:
		provider->pace_ms = now_ms + BEHIND_PACE_MS;
		if (now_ms >= provider->skip_ms) provider->skip_ms = now_ms + BEHIND_SKIP_MS;
		break;
	case CK_PROVIDER_HELD: provider->pace_ms = provider->skip_ms = now_ms + HELD_MS; break;
	}
}

void ck_providers_arrived(struct ck_providers *p, size_t index, int64_t now_ms)
{
	struct ck_provider *provider = &p->at[index];
	p->current = index;
	p->following = true;
	provider->why[0] = '\0';
	provider->pace_ms = provider->skip_ms = provider->backoff_ms = provider->better_wait_ms = 0;
	for (size_t i = 0; i < p->count; i++) p->at[i].tried = false;
	for (size_t i = 0; i < index; i++)
		if (p->at[i].better_wait_ms == 0) {
			p->at[i].better_wait_ms = BETTER_FIRST_MS;
			p->at[i].better_ms = now_ms + BETTER_FIRST_MS;
		}
}

bool ck_providers_better(struct ck_providers *p, int64_t now_ms, size_t *out_index)
{
	for (size_t i = 0; p->following && i < p->current; i++) {
		struct ck_provider *provider = &p->at[i];
		if (now_ms < provider->better_ms || now_ms < provider->skip_ms) continue;
		provider->better_wait_ms = provider->better_wait_ms * 2 < BETTER_LAST_MS ? provider->better_wait_ms * 2 : BETTER_LAST_MS;
		provider->better_ms = now_ms + provider->better_wait_ms;
		*out_index = i;
		return true;
	}
	return false;
}

void ck_providers_current_first(struct ck_providers *p)
{
	for (size_t i = 0; i < p->count; i++) p->at[i].tried = i != p->current;
	p->following = false;
}

void ck_providers_hurry(struct ck_providers *p)
{
	for (size_t i = 0; i < p->count; i++) p->at[i].pace_ms = p->at[i].skip_ms = 0;
}

bool ck_providers_describe(const struct ck_providers *p, size_t index, int64_t now_ms, char *out, size_t out_bytes)
{
	const struct ck_provider *provider = &p->at[index];
	bool followed = p->following && p->current == index;
	bool skipped = !followed && now_ms < provider->skip_ms;
	if (followed) (void)snprintf(out, out_bytes, "%s followed", provider->uri);
	else if (skipped) (void)snprintf(out, out_bytes, "%s skipped for %lld s: %s", provider->uri, (long long)(provider->skip_ms - now_ms + 999) / 1000, provider->why);
	else if (provider->why[0] != '\0') (void)snprintf(out, out_bytes, "%s left: %s", provider->uri, provider->why);
	else (void)snprintf(out, out_bytes, "%s in reserve", provider->uri);
	return !followed && provider->why[0] != '\0';
}
