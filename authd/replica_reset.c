/* Forgetting a key's counter, for root of the core machine: after a gate lied, after somebody wrote a count into the directory, or for a key
   that counts as no other does. The record at the ledger is the order there; the use in the directory is taken away, from which every other
   ledger learned it. What other ledgers recorded themselves stays. */
#include <stdlib.h>
#include <string.h>

#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define WRITE_LIMIT_MS 3500

static enum ck_error prepare(struct ck_replica *r, struct ck_work *work, const struct ck_map *request, struct ck_denial *denial)
{
	struct ck_record key, staff;
	struct ck_view *view = NULL;
	work->reset = calloc(1, sizeof *work->reset);
	if (work->reset == NULL) return ck_deny(denial, "unavailable", "no memory");
	if (ck_map_fixed(request, CK_F_HASH, work->reset->hash, sizeof work->reset->hash) != CK_OK)
		return ck_deny(denial, "malformed", "expected the hash of a key");
	if (ck_follower_view(r->follower, &view) != CK_OK) return ck_deny(denial, "unavailable", "there is no copy of the directory to look in");
	enum ck_error error = ck_view_key(view, work->reset->hash, &key);
	if (error == CK_OK) error = ck_view_get(view, CK_KIND_STAFF, key.as.key.staff, &staff);
	if (error == CK_OK) error = ck_text_copy(work->user, sizeof work->user, staff.as.staff.uid);
	if (error == CK_OK)
		error = ck_entry_dn(CK_KIND_KEY_USE, key.id, work->reset->hash, key.as.key.staff, key.authority, ck_text_of(r->config->suffix),
		                    work->reset->use_dn);
	ck_view_end(&view);
	return error == CK_OK ? CK_OK : ck_deny(denial, "not-found", "there is no such key");
}

void ck_replica_counter_reset(struct ck_replica *r, const struct ck_asker *asker, const struct ck_map *request, int fd)
{
	struct ck_denial denial = {.reason = ""};
	if (!ck_replica_is_root(fd)) {
		ck_replica_refuse_not_root(r, asker, CK_RESET_OPERATION);
		return;
	}
	struct ck_work *work = ck_work_begin(r, CK_WORK_RESET, asker);
	if (work == NULL) return;
	if (prepare(r, work, request, &denial) != CK_OK) {
		ck_work_end(work);
		ck_replica_refuse(r, asker, denial.reason, denial.message.text);
		return;
	}
	struct ck_replica_event event = {.event = CK_EVENT_COUNTER_RESET,
	                                 .user = work->user,
	                                 .hash = {work->reset->hash, sizeof work->reset->hash},
	                                 .detail = "root of the core machine has what is known of a key's counter forgotten",
	                                 .asker = asker};
	work->step = CK_STEP_INTENT;
	work->awaited = ck_replica_record(r, &event);
}

static void fail(struct ck_work *work, const char *message)
{
	work->reason = "unavailable";
	(void)ck_fail(&work->message, CK_ERR_UNAVAILABLE, "%s", message);
}

void ck_reset_write(struct ck_replica *r, struct ck_work *work)
{
	struct ck_errmsg why;
	int64_t deadline_ms = ck_clock_monotonic_ms() + WRITE_LIMIT_MS;
	enum ck_error error = CK_ERR_UNAVAILABLE;
	if (!ck_replica_uses_leave(r, work->reset->hash)) {
		fail(work, "the use of this key is being written to the directory just now; try again");
		return;
	}
	if (ck_replica_writer(r, deadline_ms, &why) != NULL) error = ck_ldap_discard(r->writer, work->reset->use_dn, WRITE_LIMIT_MS, &why);
	work->written = error == CK_OK || error == CK_ERR_NOT_FOUND;
	if (work->written) return;
	if (r->writer != NULL && (error == CK_ERR_TIMEOUT || error == CK_ERR_UNAVAILABLE)) ck_replica_doubt(r);
	fail(work, why.text);
}
