/* Opening the follower's store: begun anew where it is damaged, kept where it is not; and what is remembered in it between two starts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/replica_follow_state.h"
#include "directory/base/log.h"

static void unlink_in_store(const struct ck_follower *f, const char *name)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", f->settings.store_directory, name);
	if (unlink(path) != 0 && errno != ENOENT) ck_log(CK_LOG_ERROR, "cannot remove %s: %s", path, strerror(errno));
}

static void load_position(struct ck_follower *f)
{
	struct ck_view *view = NULL;
	struct ck_bytes note;
	if (f->current == NULL || ck_view_begin(f->current, &view) != CK_OK) return;
	if (ck_view_note(view, ck_text_of(CK_FOLLOWER_NOTE_HIGHEST), &note) == CK_OK &&
	    ck_csn_set_add_list(&f->highest, (struct ck_text){(const char *)note.at, note.length}) != CK_OK)
		ck_follower_alarm(f, "the remembered change numbers are malformed: going back cannot be noticed until the next change");
	if (ck_view_each_quarantined(view, ck_follower_load_clash, f) != CK_OK) ck_log(CK_LOG_ERROR, "the list of quarantined entries cannot be read");
	ck_view_end(&view);
}

/* A copy without the note was made before there were roots: no key in it is attested. */
static bool roots_changed(struct ck_follower *f)
{
	static const uint8_t none[sizeof f->settings.roots_digest];
	struct ck_view *view = NULL;
	struct ck_bytes note = {NULL, 0};
	struct ck_bytes now = {f->settings.roots_digest, sizeof f->settings.roots_digest};
	if (ck_view_begin(f->current, &view) != CK_OK) return true;
	if (ck_view_note(view, ck_text_of(CK_FOLLOWER_NOTE_ROOTS), &note) != CK_OK) note = (struct ck_bytes){none, sizeof none};
	bool changed = !ck_bytes_equal(note, now);
	ck_view_end(&view);
	return changed;
}

/* What the copy says by other roots is taken back at once, whether the directory can be reached or not; by none nothing more is to be found
   out. A stop between the commit here and the end of the refresh: the note is not yet that of the new roots, and it begins again. */
static enum ck_error mind_roots(struct ck_follower *f, struct ck_errmsg *err)
{
	static const uint8_t none[sizeof f->settings.roots_digest];
	uint64_t count = 0;
	if (!roots_changed(f)) return CK_OK;
	enum ck_error error = ck_batch_begin(f->current, &f->batch, err);
	if (error != CK_OK) return error;
	error = ck_batch_forget_attested(f->batch, &count);
	if (error == CK_OK) error = ck_batch_set_note(f->batch, ck_text_of(CK_FOLLOWER_NOTE_ROOTS), (struct ck_bytes){none, sizeof none});
	if (error == CK_OK) error = ck_follower_commit(f);
	if (error != CK_OK) {
		ck_batch_abort(&f->batch);
		return ck_fail(err, error, "the keys that were attested by other roots cannot be taken back");
	}
	f->full_wanted = memcmp(f->settings.roots_digest, none, sizeof none) != 0;
	ck_log(CK_LOG_INFO, "the attestation roots changed: that %llu keys were attested is taken back", (unsigned long long)count);
	return CK_OK;
}

static bool is_marked(const struct ck_follower *f, const char *name)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", f->settings.store_directory, name);
	return access(path, F_OK) == 0;
}

/* What crashed the writer may do it again while it is read: then it is damaged. */
static void suspect_is_damaged(const struct ck_follower *f)
{
	char suspect[1024], damaged[1024];
	snprintf(suspect, sizeof suspect, "%s/" CK_FOLLOWER_SUSPECT_FILE, f->settings.store_directory);
	snprintf(damaged, sizeof damaged, "%s/" CK_FOLLOWER_DAMAGED_FILE, f->settings.store_directory);
	if (rename(suspect, damaged) != 0) ck_log(CK_LOG_ERROR, "%s: %s", suspect, strerror(errno));
}

static enum ck_error begin_anew(struct ck_follower *f, struct ck_errmsg *err)
{
	ck_follower_alarm(f, "the copy was damaged: it is rebuilt from the directory");
	ck_store_close(&f->current);
	enum ck_error error = ck_store_discard(f->settings.store_directory, err);
	unlink_in_store(f, CK_FOLLOWER_DAMAGED_FILE);
	return error;
}

enum ck_error ck_follower_open(const struct ck_follower_settings *settings, struct ck_follower **out, struct ck_errmsg *err)
{
	*out = NULL;
	CK_ASSERT(settings->wall != NULL);
	struct ck_follower *f = calloc(1, sizeof *f);
	if (f == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory to follow");
	f->settings = *settings;
	enum ck_error error = CK_OK;
	if (is_marked(f, CK_FOLLOWER_DAMAGED_FILE)) error = begin_anew(f, err);
	bool suspect = is_marked(f, CK_FOLLOWER_SUSPECT_FILE);
	if (suspect) suspect_is_damaged(f);
	if (error == CK_OK) error = ck_store_open_writer(settings->store_directory, CK_STORE_FILE, &f->current, err);
	if (error == CK_OK && suspect && ck_follower_verify(f) == CK_ERR_CORRUPT) {
		error = begin_anew(f, err);
		if (error == CK_OK) error = ck_store_open_writer(settings->store_directory, CK_STORE_FILE, &f->current, err);
	}
	if (suspect) unlink_in_store(f, CK_FOLLOWER_DAMAGED_FILE);
	if (error == CK_OK) error = mind_roots(f, err);
	if (error != CK_OK) {
		ck_store_close(&f->current);
		free(f);
		return error;
	}
	load_position(f);
	*out = f;
	return CK_OK;
}

enum ck_error ck_follower_verify(struct ck_follower *f)
{
	struct ck_view *view = NULL;
	if (f->current == NULL) return CK_ERR_UNAVAILABLE;
	enum ck_error error = ck_view_begin_beside(f->current, &view);
	if (error != CK_OK) return error;
	error = ck_view_verify(view);
	ck_view_end_beside(&view);
	return error;
}

void ck_follower_close(struct ck_follower **follower)
{
	struct ck_follower *f = *follower;
	if (f == NULL) return;
	ck_follower_end(f);
	ck_store_close(&f->current);
	free(f);
	*follower = NULL;
}
