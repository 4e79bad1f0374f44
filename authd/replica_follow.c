/* Following into the store. The provider is trusted for content only as far as the mapping, the store's uniqueness and the limits here
   check it: what does not fit is quarantined, what would remove too much or go back stops and waits for root. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/fido/fido.h"
#include "authd/replica_follow_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define REBUILD_BATCH_ENTRIES 8192 /* of a full refresh: nobody reads it before its end, and most of it waits outside of the file */
#define RESUMED_BATCH_ENTRIES 8192 /* of a refresh since a cookie, which is one transaction: what that changes stays in memory until its commit, in one piece */

void ck_follower_alarm(struct ck_follower *f, const char *detail)
{
	ck_log(CK_LOG_ALARM, "%s", detail);
	if (f->settings.on_alarm != NULL) f->settings.on_alarm(detail, f->settings.context);
}

/* ---- the batch ---- */

enum ck_error ck_follower_open_batch(struct ck_follower *f)
{
	struct ck_errmsg err;
	if (f->batch != NULL) return CK_OK;
	struct ck_store *store = f->state == CK_FOLLOWER_REBUILDING ? f->next : f->current;
	if (store == NULL) return CK_ERR_UNAVAILABLE;
	enum ck_error error = ck_batch_begin(store, &f->batch, &err);
	if (error != CK_OK) ck_log(CK_LOG_ERROR, "the store does not take a batch: %s", err.text);
	f->batch_entries = 0;
	return error;
}

enum ck_error ck_follower_put_position(struct ck_follower *f)
{
	char text[CK_CSN_LIST_LIMIT_BYTES];
	enum ck_error error = CK_OK;
	size_t length = ck_csn_set_cookie(&f->followed, text);
	if (f->cookie_changed && length > 0) error = ck_batch_set_cookie(f->batch, (struct ck_bytes){(const uint8_t *)text, length});
	if (error != CK_OK) return error;
	ck_csn_set_format(&f->highest, text);
	return ck_batch_set_note(f->batch, ck_text_of(CK_FOLLOWER_NOTE_HIGHEST), ck_bytes_of(ck_text_of(text)));
}

enum ck_error ck_follower_put_roots(struct ck_follower *f)
{
	return ck_batch_set_note(f->batch, ck_text_of(CK_FOLLOWER_NOTE_ROOTS), (struct ck_bytes){f->settings.roots_digest, sizeof f->settings.roots_digest});
}

enum ck_error ck_follower_commit(struct ck_follower *f)
{
	struct ck_errmsg err;
	if (f->batch == NULL) return CK_OK;
	enum ck_error error = ck_batch_commit(&f->batch, &err);
	if (error != CK_OK) {
		ck_log(CK_LOG_ERROR, "the store does not commit: %s", err.text);
		return error;
	}
	f->cookie_changed = false;
	f->highest_changed = false;
	return CK_OK;
}

enum ck_error ck_follower_count(struct ck_follower *f, uint64_t entries)
{
	f->batch_entries += entries;
	if (f->state != CK_FOLLOWER_RESUMING || f->batch_entries <= RESUMED_BATCH_ENTRIES) return CK_OK;
	ck_log(CK_LOG_INFO, "more than %d entries changed meanwhile: all is read by a full refresh", RESUMED_BATCH_ENTRIES);
	f->full_wanted = true;
	return CK_ERR_CONFLICT;
}

/* ---- entries ---- */

static bool key_hash_matches(const struct ck_record *record)
{
	uint8_t hash[CK_HASH_BYTES];
	if (record->kind != CK_KIND_KEY) return true;
	ck_sha256(hash, &record->as.key.credential_id, 1);
	return memcmp(hash, record->as.key.hash, sizeof hash) == 0;
}

static enum ck_error read_record(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry, struct ck_record *out,
                                 struct ck_errmsg *why)
{
	f->scratch.used = 0;
	enum ck_error error = ck_entry_to_record(entry, ck_text_of(f->settings.suffix), &f->scratch, out, why);
	if (error != CK_OK) return error;
	if (memcmp(out->entry_uuid, uuid, sizeof out->entry_uuid) != 0)
		return ck_fail(why, CK_ERR_INVALID, "entryUUID: is not the one that the stream gave");
	if (!key_hash_matches(out)) return ck_fail(why, CK_ERR_INVALID, "ckKeyHash: is not the SHA-256 of ckCredentialId");
	/* found out here from what the key signed, not read: whoever writes the directory cannot make a key attested */
	if (out->kind == CK_KIND_KEY)
		out->as.key.attested = f->settings.is_attested != NULL && f->settings.is_attested(&out->as.key, f->settings.context);
	return CK_OK;
}

/* What the store held of it before. A subtree that was moved moves its children without a word about them in the stream. */
static void compare_with_known(struct ck_follower *f, const struct ck_record *record)
{
	struct ck_record known;
	if (record->kind == CK_KIND_KEY_USE) return; /* holds nothing that another entry wants */
	if (ck_view_get(ck_batch_view(f->batch), record->kind, record->id, &known) != CK_OK) return;
	f->changed = true;
	if (!ck_id_equal(known.authority, record->authority) && memcmp(known.entry_uuid, record->entry_uuid, 16) == 0) f->moved = true;
	/* Whoever is outside now is found among all: those that are there do not come again. */
	if (record->kind == CK_KIND_AUTHORITY && ck_model_delegation_narrowed(&known.as.authority_of, &record->as.authority_of)) f->moved = true;
}

/* Whatever is about to come under this entryUUID: the use that it was is gone. */
static void tell_use_gone(struct ck_follower *f, const uint8_t uuid[16])
{
	struct ck_record known;
	if (f->settings.on_key_use == NULL || f->state != CK_FOLLOWER_PERSISTING) return;
	if (ck_view_by_uuid(ck_batch_view(f->batch), uuid, &known) == CK_OK && known.kind == CK_KIND_KEY_USE)
		f->settings.on_key_use(&known, false, f->settings.context);
}

static void tell_use_there(struct ck_follower *f, const struct ck_record *record)
{
	if (f->settings.on_key_use != NULL && f->state == CK_FOLLOWER_PERSISTING && record->kind == CK_KIND_KEY_USE)
		f->settings.on_key_use(record, true, f->settings.context);
}

/* again: it was read again because of a clash, and has not changed. */
enum ck_error ck_follower_take_entry(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry, bool again)
{
	struct ck_record record;
	struct ck_errmsg why;
	bool was_clash = ck_follower_forget_clash(f, uuid);
	enum ck_error error = ck_follower_open_batch(f);
	if (error == CK_OK) error = ck_follower_count(f, 1);
	if (error != CK_OK) return error;
	/* What it held may be free now. */
	if (!again && f->state != CK_FOLLOWER_REBUILDING && ck_batch_is_quarantined(f->batch, uuid)) f->changed = true;
	tell_use_gone(f, uuid);
	error = read_record(f, uuid, entry, &record, &why);
	if (error == CK_ERR_NOT_FOUND) { /* a container: nothing of it is kept */
		error = ck_batch_remove(f->batch, uuid);
		return error == CK_ERR_NOT_FOUND ? CK_OK : error;
	}
	if (error == CK_OK) {
		if (f->state != CK_FOLLOWER_REBUILDING && !was_clash) compare_with_known(f, &record);
		if (ck_follower_add_zone(f, &record, &why) != CK_OK) return ck_follower_quarantine(f, uuid, entry->dn, CK_ZONE_PREFIX, why.text, &record);
		if (ck_follower_check_delegation(f, &record, &why) != CK_OK)
			return ck_follower_quarantine(f, uuid, entry->dn, CK_DELEGATION_PREFIX, why.text, &record);
		error = ck_batch_put(f->batch, &record, &why);
	}
	switch (error) {
	case CK_OK:
		tell_use_there(f, &record);
		if (was_clash && f->settings.on_quarantine != NULL) f->settings.on_quarantine(entry->dn, NULL, f->settings.context);
		return CK_OK;
	case CK_ERR_CONFLICT: return error; /* of a full refresh: it is put off */
	case CK_ERR_EXISTS: return ck_follower_quarantine(f, uuid, entry->dn, CK_CLASH_PREFIX, why.text, &record);
	case CK_ERR_INVALID:
	case CK_ERR_LIMIT:
		/* An entry that fitted before may have held what another one wants. */
		if (!was_clash) f->changed = true;
		return ck_follower_quarantine_faulty(f, uuid, entry, why.text);
	default: ck_log(CK_LOG_ERROR, "the store does not take an entry: %s", why.text); return error;
	}
}

/* ---- handlers of the stream ---- */

/* What a refresh since a cookie does not name is gone. A full one is compared with the copy when it is there. */
static enum ck_error name(struct ck_follower *f, const uint8_t uuid[16])
{
	f->entries++;
	return f->state == CK_FOLLOWER_RESUMING ? ck_uuids_add(&f->named, uuid) : CK_OK;
}

static enum ck_error on_entry(const uint8_t uuid[16], const struct ck_entry *entry, void *context)
{
	struct ck_follower *f = context;
	enum ck_error error = name(f, uuid);
	if (error == CK_OK) error = ck_follower_take_entry(f, uuid, entry, false);
	return error == CK_ERR_CONFLICT && f->late != NULL ? ck_follower_put_off_entry(f, uuid, entry) : error;
}

static enum ck_error on_present(const uint8_t uuid[16], void *context)
{
	return name(context, uuid);
}

enum ck_error ck_follower_remove_known(struct ck_follower *f, const uint8_t uuid[16])
{
	enum ck_error error = ck_follower_open_batch(f);
	if (error != CK_OK) return error;
	f->changed = true;
	(void)ck_follower_forget_clash(f, uuid);
	tell_use_gone(f, uuid);
	error = ck_batch_remove(f->batch, uuid);
	if (error == CK_ERR_CONFLICT && f->late != NULL) return ck_follower_put_off_delete(f, uuid);
	return error == CK_ERR_NOT_FOUND ? CK_OK : error; /* containers, and what came and went while we were away */
}

static enum ck_error on_delete(const uint8_t uuid[16], void *context)
{
	struct ck_follower *f = context;
	enum ck_error error = ck_follower_open_batch(f);
	if (error == CK_OK) error = ck_follower_count(f, 1);
	return error == CK_OK ? ck_follower_remove_known(f, uuid) : error;
}

enum ck_error ck_follower_take_unreadable(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, const char *reason)
{
	enum ck_error error = ck_follower_open_batch(f);
	if (error == CK_OK) error = ck_follower_count(f, 1);
	if (error != CK_OK) return error;
	(void)ck_follower_forget_clash(f, uuid);
	f->changed = true;
	tell_use_gone(f, uuid);
	const struct ck_entry nothing = {.dn = dn};
	return ck_follower_quarantine_faulty(f, uuid, &nothing, reason);
}

static enum ck_error on_unreadable(const uint8_t uuid[16], struct ck_text dn, const char *reason, void *context)
{
	struct ck_follower *f = context;
	enum ck_error error = name(f, uuid);
	if (error == CK_OK) error = ck_follower_take_unreadable(f, uuid, dn, reason);
	return error == CK_ERR_CONFLICT && f->late != NULL ? ck_follower_put_off_unreadable(f, uuid, dn, reason) : error;
}

/* Changes that were made while the clock ran ahead have later numbers than those made since it was put right. The provider would leave the
   latter out of what it sends after such a cookie: everything is read again. And it may forget such numbers, as it goes by the newest of what
   it holds: nobody is asked to have seen what cannot have been yet. */
static bool drop_future(struct ck_follower *f, struct ck_csn_set *csns)
{
	struct ck_moment now = ck_wall_now(f->settings.wall);
	return !now.behind && ck_csn_set_drop_after(csns, now.s + CK_WALL_TOLERANCE_S);
}

static bool is_from_the_future(struct ck_follower *f, struct ck_bytes cookie)
{
	struct ck_csn_set csns = {0};
	return ck_csn_set_add_cookie(&csns, cookie) == CK_OK && drop_future(f, &csns);
}

static enum ck_error on_provider(struct ck_text context_csns, void *context)
{
	struct ck_follower *f = context;
	struct ck_csn_set provider = {0};
	if (ck_csn_set_add_list(&provider, context_csns) != CK_OK) return CK_ERR_INVALID;
	if (ck_csn_set_covers(&provider, &f->highest)) return CK_OK;
	if (drop_future(f, &f->highest)) {
		ck_follower_alarm(f, "change numbers that lie in the future are forgotten: the clock was wrong when they were made");
		if (ck_csn_set_covers(&provider, &f->highest)) return CK_OK;
	}
	if (f->confirmed) {
		ck_follower_alarm(f, "root let the copy go back to a provider that is older than what was seen");
		memset(&f->highest, 0, sizeof f->highest);
		f->full_wanted = true;
		return CK_ERR_CONFLICT;
	}
	ck_follower_set_behind(f);
	return CK_ERR_CONFLICT;
}

/* ---- the persist stage ---- */

static enum ck_error settle_probe(struct ck_follower *f)
{
	if (!f->probe_waits || !ck_csn_set_covers(&f->followed, &f->probed)) return CK_OK;
	enum ck_error error = ck_follower_open_batch(f);
	if (error == CK_OK) error = ck_batch_set_as_of(f->batch, &f->probe_asked);
	if (error == CK_OK) f->probe_waits = false;
	return error;
}

static enum ck_error on_batch_end(void *context)
{
	struct ck_follower *f = context;
	if (f->state == CK_FOLLOWER_REBUILDING && f->batch_entries >= REBUILD_BATCH_ENTRIES) return ck_follower_commit(f);
	if (f->state != CK_FOLLOWER_PERSISTING) return CK_OK; /* a resumed refresh goes in as a whole */
	enum ck_error error = settle_probe(f);
	if (error != CK_OK || f->batch == NULL) return error;
	if (f->cookie_changed || f->highest_changed) error = ck_follower_put_position(f);
	if (error == CK_OK) error = ck_follower_commit(f);
	if (error != CK_OK) return error;
	if (f->changed) ck_follower_want_clashes(f);
	f->changed = false;
	if (f->settings.on_committed != NULL) f->settings.on_committed(f->settings.context);
	if (!f->moved) return CK_OK;
	ck_log(CK_LOG_WARNING, "an entry was moved to another authority, or one may give out less than before: all is read again by a full refresh");
	f->moved = false;
	f->full_wanted = true;
	return CK_ERR_CONFLICT;
}

const struct ck_follow_handlers ck_follower_handlers = {
	.on_entry = on_entry,
	.on_present = on_present,
	.on_delete = on_delete,
	.on_refreshed = ck_follower_on_refreshed,
	.on_cookie = ck_follower_on_cookie,
	.on_batch_end = on_batch_end,
	.on_provider = on_provider,
	.on_unreadable = on_unreadable,
};

/* ---- streams ---- */

static enum ck_error begin_rebuild(struct ck_follower *f, struct ck_errmsg *err)
{
	enum ck_error error = ck_store_open_writer(f->settings.store_directory, CK_STORE_NEXT_FILE, &f->next, err);
	if (error == CK_OK) error = ck_follower_begin_load(f, err);
	if (error != CK_OK) return error;
	f->state = CK_FOLLOWER_REBUILDING;
	f->full_under_way = f->full_wanted;
	f->full_wanted = false;
	f->clash_count = 0;
	memset(&f->followed, 0, sizeof f->followed);
	return CK_OK;
}

static enum ck_error begin_resume(struct ck_follower *f, struct ck_bytes cookie, struct ck_errmsg *err)
{
	f->state = CK_FOLLOWER_RESUMING;
	memset(&f->followed, 0, sizeof f->followed);
	if (ck_csn_set_add_cookie(&f->followed, cookie) != CK_OK) return ck_fail(err, CK_ERR_CORRUPT, "the stored cookie is malformed");
	return CK_OK;
}

enum ck_error ck_follower_begin(struct ck_follower *f, struct ck_bytes *out_cookie, struct ck_errmsg *err)
{
	struct ck_view *view = NULL;
	struct ck_store_state state = {0};
	size_t length = 0;
	ck_follower_end(f);
	*out_cookie = (struct ck_bytes){NULL, 0};
	f->announced = 0;
	ck_wall_stamp(f->settings.wall, &f->begun);
	if (f->current != NULL && !f->full_wanted && ck_view_begin(f->current, &view) == CK_OK) {
		bool known = ck_view_state(view, &state) == CK_OK && state.finished && state.cookie.length <= sizeof f->cookie;
		if (known) ck_wall_heed(f->settings.wall, &state.as_of);
		if (known && !is_from_the_future(f, state.cookie)) {
			length = state.cookie.length;
			if (length > 0) memcpy(f->cookie, state.cookie.at, length);
		}
		ck_view_end(&view);
	}
	if (length == 0) return begin_rebuild(f, err);
	*out_cookie = (struct ck_bytes){(const uint8_t *)f->cookie, length};
	return begin_resume(f, *out_cookie, err);
}

void ck_follower_end(struct ck_follower *f)
{
	if (f->batch != NULL) ck_batch_abort(&f->batch);
	ck_uuids_clear(&f->named);
	ck_follower_drop_load(f);
	ck_store_close(&f->next); /* the next one to be opened takes its place */
	f->full_wanted = f->full_wanted || f->full_under_way;
	f->full_under_way = false;
	f->probe_waits = f->cookie_changed = f->highest_changed = f->changed = f->moved = false;
	for (size_t i = 0; i < f->clash_count; i++) f->clashes[i].asked = false;
	if (f->state != CK_FOLLOWER_HELD && f->state != CK_FOLLOWER_BEHIND) f->state = CK_FOLLOWER_IDLE;
}

void ck_follower_require_full(struct ck_follower *f)
{
	f->full_wanted = true;
}

void ck_follower_set_behind(struct ck_follower *f)
{
	static const char text[] = "the provider is older than what was seen: waiting for it to catch up, or for root to let the copy go back";
	int64_t now_ms = ck_clock_monotonic_ms();
	if (f->behind_since_ms == 0) f->behind_since_ms = now_ms;
	if (!f->behind_told && now_ms - f->behind_since_ms >= f->settings.behind_patience_ms) {
		ck_follower_alarm(f, text);
		f->behind_told = true;
	}
	f->state = CK_FOLLOWER_BEHIND;
	snprintf(f->reason, sizeof f->reason, "%s", text);
}

/* ---- probes, confirmation, state ---- */

enum ck_error ck_follower_probed(struct ck_follower *f, struct ck_text context_csns, const struct ck_as_of *asked)
{
	struct ck_csn_set csns = {0};
	if (f->state != CK_FOLLOWER_PERSISTING) return CK_ERR_UNAVAILABLE;
	if (ck_csn_set_add_list(&csns, context_csns) != CK_OK) return CK_ERR_INVALID;
	if (!ck_csn_set_covers(&csns, &f->highest)) (void)drop_future(f, &f->highest);
	if (!ck_csn_set_covers(&csns, &f->highest)) { /* it went back under our hands */
		ck_follower_set_behind(f);
		return CK_ERR_CONFLICT;
	}
	f->probed = csns;
	f->probe_asked = *asked;
	f->probe_waits = true;
	return f->batch == NULL ? on_batch_end(f) : CK_OK; /* else the step that it came in ends the batch */
}

bool ck_follower_lags(const struct ck_follower *f)
{
	return f->probe_waits;
}

enum ck_error ck_follower_confirm(struct ck_follower *f, uint64_t *out_removed)
{
	*out_removed = f->refused_removals;
	if (f->reason[0] == '\0') return CK_ERR_NOT_FOUND; /* neither held nor behind, nor trying again after that */
	f->confirmed = true;
	return CK_OK;
}

enum ck_follower_state ck_follower_state(const struct ck_follower *f)
{
	return f->state;
}

const char *ck_follower_state_name(enum ck_follower_state state)
{
	static const char *const names[] = {"idle", "refreshing", "rebuilding", "following", "held", "behind"};
	return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

const char *ck_follower_reason(const struct ck_follower *f)
{
	return f->reason;
}

void ck_follower_note_state(struct ck_follower *f, const char *line)
{
	if (strncmp(line, f->state_line, sizeof f->state_line - 1) == 0 || f->current == NULL) return;
	if (f->batch != NULL && f->state != CK_FOLLOWER_PERSISTING) return; /* an unfinished refresh must not be committed for a remark */
	bool own = f->batch == NULL;
	if (own && ck_follower_open_batch(f) != CK_OK) return;
	if (ck_batch_set_note(f->batch, ck_text_of(CK_FOLLOWER_NOTE_STATE), ck_bytes_of(ck_text_of(line))) == CK_OK)
		snprintf(f->state_line, sizeof f->state_line, "%s", line);
	if (own && ck_follower_commit(f) != CK_OK) f->state_line[0] = '\0';
}

const struct ck_csn_set *ck_follower_highest(const struct ck_follower *f)
{
	return &f->highest;
}

bool ck_follower_holds(const struct ck_follower *f, const struct ck_csn_set *csns)
{
	return f->state == CK_FOLLOWER_PERSISTING && f->batch == NULL && ck_csn_set_covers(&f->followed, csns);
}

enum ck_error ck_follower_view(struct ck_follower *f, struct ck_view **out)
{
	struct ck_store_state state;
	*out = NULL;
	if (f->current == NULL) return CK_ERR_UNAVAILABLE;
	enum ck_error error = ck_view_begin(f->current, out);
	if (error != CK_OK) return error;
	error = ck_view_state(*out, &state);
	if (error == CK_OK && !state.finished) error = CK_ERR_UNAVAILABLE;
	if (error != CK_OK) ck_view_end(out);
	return error;
}

enum ck_error ck_follower_trial(struct ck_follower *f, struct ck_batch **out, struct ck_errmsg *err)
{
	*out = NULL;
	if (f->state != CK_FOLLOWER_PERSISTING || f->batch != NULL)
		return ck_fail(err, CK_ERR_UNAVAILABLE, "the copy is not in step with the directory (%s)", ck_follower_state_name(f->state));
	return ck_batch_begin(f->current, out, err);
}
