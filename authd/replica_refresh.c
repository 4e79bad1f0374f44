/* The end of a refresh: what was not named in it is gone, unless that is too much; cookie, data and the second file go in together. */
#include <stdio.h>
#include <string.h>

#include "authd/replica_follow_state.h"
#include "directory/base/fiber.h"
#include "directory/base/log.h"

#define PAUSE_ENTRIES 256u

enum ck_error ck_follower_on_cookie(struct ck_bytes cookie, void *context)
{
	struct ck_follower *f = context;
	if (ck_csn_set_add_cookie(&f->followed, cookie) != CK_OK || ck_csn_set_merge(&f->highest, &f->followed) != CK_OK) return CK_ERR_INVALID;
	f->cookie_changed = true;
	return ck_follower_open_batch(f);
}

struct absent {
	const struct ck_uuids *named; /* in a refresh since a cookie; … */
	struct ck_view *next; /* … or the copy that a full one made */
	struct ck_uuids gone; /* to be removed */
	uint64_t known, count;
	enum ck_error error;
};

static bool look_absent(const uint8_t entry_uuid[16], void *context)
{
	struct absent *absent = context;
	bool there = false;
	if (++absent->known % PAUSE_ENTRIES == 0 && !ck_pause()) absent->error = CK_ERR_UNAVAILABLE;
	if (absent->error != CK_OK) return false;
	if (absent->next == NULL) there = ck_uuids_has(absent->named, entry_uuid);
	else if (ck_view_has_uuid(absent->next, entry_uuid, &there) != CK_OK) absent->error = CK_ERR_IO; /* it is not the copy's damage */
	if (absent->error != CK_OK) return false;
	if (!there) absent->count++;
	if (!there && absent->next == NULL) absent->error = ck_uuids_add(&absent->gone, entry_uuid);
	return absent->error == CK_OK;
}

/* What the view knows and the refresh did not name. The caller clears out->gone. */
static enum ck_error find_absent(struct ck_follower *f, struct ck_view *view, struct ck_view *next, struct absent *out)
{
	*out = (struct absent){.named = &f->named, .next = next};
	enum ck_error error = ck_view_each_uuid(view, look_absent, out);
	return error != CK_OK ? error : out->error;
}

static bool removes_too_much(const struct ck_follower *f, const struct absent *absent)
{
	uint64_t gone = absent->count;
	return gone > f->settings.removal_floor && gone * 100 > absent->known * f->settings.removal_percent;
}

static enum ck_error hold_if_too_much(struct ck_follower *f, const struct absent *absent)
{
	if (!removes_too_much(f, absent)) return CK_OK;
	if (f->confirmed) {
		ck_follower_alarm(f, "root let a refresh in that removes more than the limit");
		return CK_OK;
	}
	f->refused_removals = absent->count;
	f->state = CK_FOLLOWER_HELD;
	snprintf(f->reason, sizeof f->reason,
	         "a refresh would remove %llu of %llu entries, more than %u %%: it stopped until root confirms it (crosskeys confirm-refresh)",
	         (unsigned long long)absent->count, (unsigned long long)absent->known, f->settings.removal_percent);
	ck_follower_alarm(f, f->reason);
	return CK_ERR_DENIED;
}

static enum ck_error remove_all(struct ck_follower *f, const struct ck_uuids *gone)
{
	enum ck_error error = CK_OK;
	for (size_t i = 0; error == CK_OK && i < gone->slot_count; i++) {
		if (i % PAUSE_ENTRIES == 0 && !ck_pause()) error = CK_ERR_UNAVAILABLE;
		if (error == CK_OK && ck_uuids_has(gone, gone->slots[i])) error = ck_follower_remove_known(f, gone->slots[i]);
	}
	return error;
}

static enum ck_error purge(struct ck_follower *f, uint64_t *out_removed)
{
	struct absent absent;
	enum ck_error error = ck_follower_open_batch(f);
	if (error != CK_OK) return error;
	error = find_absent(f, ck_batch_view(f->batch), NULL, &absent);
	bool held = removes_too_much(f, &absent) && !f->confirmed;
	if (error == CK_OK && !held) error = ck_follower_count(f, absent.count);
	if (error == CK_OK) error = hold_if_too_much(f, &absent);
	if (error == CK_OK) error = remove_all(f, &absent.gone);
	*out_removed = absent.count;
	ck_uuids_clear(&absent.gone);
	return error;
}

static enum ck_error compare_next(struct ck_follower *f, uint64_t *out_removed)
{
	struct absent absent = {.count = 0};
	struct ck_view *view = NULL, *next = NULL;
	*out_removed = 0;
	if (f->current == NULL) return CK_OK;
	if (ck_view_begin(f->next, &next) != CK_OK) return CK_ERR_IO;
	enum ck_error error = ck_view_begin_beside(f->current, &view);
	if (error == CK_OK) error = find_absent(f, view, next, &absent);
	ck_view_end_beside(&view);
	ck_view_end(&next);
	if (error == CK_ERR_CORRUPT) error = CK_OK; /* being replaced is the cure */
	if (error == CK_OK) error = hold_if_too_much(f, &absent);
	*out_removed = absent.count;
	return error;
}

static enum ck_error install_next(struct ck_follower *f)
{
	struct ck_errmsg err;
	struct ck_store *fresh = NULL;
	if (f->settings.on_replacing != NULL) f->settings.on_replacing(f->settings.context);
	enum ck_error error = ck_store_supersede(f->settings.store_directory, &f->current, &f->next, &fresh, &err);
	if (error != CK_OK) {
		ck_log(CK_LOG_ERROR, "the refreshed copy does not go in: %s", err.text);
		return error;
	}
	f->current = fresh;
	return CK_OK;
}

static enum ck_error finish_resumed(struct ck_follower *f, bool purge_absent, uint64_t *out_removed)
{
	enum ck_error error = purge_absent ? purge(f, out_removed) : ck_follower_open_batch(f);
	if (error == CK_OK) error = ck_follower_put_position(f);
	if (error == CK_OK) error = ck_batch_set_as_of(f->batch, &f->begun);
	return error == CK_OK ? ck_follower_commit(f) : error;
}

static enum ck_error finish_rebuilt(struct ck_follower *f, uint64_t *out_removed)
{
	enum ck_error error = ck_follower_end_load(f);
	if (error == CK_OK) error = compare_next(f, out_removed);
	f->cookie_changed = true; /* what was committed on the way was without it */
	if (error == CK_OK) error = ck_follower_open_batch(f);
	if (error == CK_OK) error = ck_follower_put_position(f);
	if (error == CK_OK) error = ck_follower_put_roots(f);
	if (error == CK_OK) error = ck_batch_set_as_of(f->batch, &f->begun);
	if (error == CK_OK) error = ck_follower_commit(f);
	return error == CK_OK ? install_next(f) : error;
}

enum ck_error ck_follower_on_refreshed(bool purge_absent, struct ck_bytes cookie, void *context)
{
	struct ck_follower *f = context;
	uint64_t removed = 0;
	bool full = f->state == CK_FOLLOWER_REBUILDING;
	if (cookie.at == NULL || ck_follower_on_cookie(cookie, f) != CK_OK) {
		ck_log(CK_LOG_ERROR, "the provider ended a refresh without a cookie to resume from");
		return CK_ERR_UNAVAILABLE;
	}
	enum ck_error error = full ? finish_rebuilt(f, &removed) : finish_resumed(f, purge_absent, &removed);
	if (error != CK_OK) return error;
	f->state = CK_FOLLOWER_PERSISTING;
	f->full_under_way = false;
	f->confirmed = false;
	f->refused_removals = 0;
	f->behind_since_ms = 0;
	f->behind_told = false;
	f->reason[0] = '\0';
	if (f->changed) ck_follower_want_clashes(f);
	f->changed = false;
	if (f->settings.on_refreshed != NULL) f->settings.on_refreshed(full, full ? f->entries : f->named.count, removed, f->settings.context);
	ck_uuids_clear(&f->named);
	if (f->settings.on_committed != NULL) f->settings.on_committed(f->settings.context);
	return CK_OK;
}
