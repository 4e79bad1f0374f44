/* The clocks of authorities: the offsets of their zones for the years to come, written into the copy beside each of them, so that the
   decision needs no files. The tz database is the machine's; it may learn new shifts, or lose a name, while we run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authd/replica_follow_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

/* The zone that was read last: most authorities have the same. */
struct reading {
	const struct ck_follower *follower;
	int64_t from_s, until_s;
	bool read;
	char name[CK_ZONE_NAME_LIMIT_BYTES + 1];
	struct ck_zone_table table;
};

static enum ck_error read_zone(struct reading *r, struct ck_text name, struct ck_errmsg *why)
{
	if (r->read && ck_text_is(name, r->name)) return CK_OK;
	ck_zone_span(ck_wall_now(r->follower->settings.wall).s, &r->from_s, &r->until_s);
	enum ck_error error = ck_zone_read(r->follower->settings.zone_directory, name, r->from_s, r->until_s, &r->table, why);
	r->read = error == CK_OK && ck_text_copy(r->name, sizeof r->name, name) == CK_OK;
	return error;
}

static void say(struct ck_follower *f, const char *trouble)
{
	if (strncmp(f->zone_trouble, trouble, sizeof f->zone_trouble - 1) == 0) return; /* the same again is no news */
	snprintf(f->zone_trouble, sizeof f->zone_trouble, "%s", trouble);
	ck_follower_alarm(f, trouble);
}

/* What the copy knew of the same zone. While a second file is built it stands in the first. */
static bool known_table(struct ck_follower *f, const struct ck_record *record, struct ck_zone_table *out)
{
	struct ck_view *view = NULL;
	struct ck_record known;
	bool rebuilding = f->state == CK_FOLLOWER_REBUILDING;
	if (rebuilding && (f->current == NULL || ck_view_begin(f->current, &view) != CK_OK)) return false;
	bool found = ck_view_get(rebuilding ? view : ck_batch_view(f->batch), CK_KIND_AUTHORITY, record->id, &known) == CK_OK &&
	             ck_text_equal(known.as.authority_of.zone, record->as.authority_of.zone) && known.as.authority_of.zone_table.until_s != 0;
	if (found) *out = known.as.authority_of.zone_table;
	ck_view_end(&view);
	return found;
}

enum ck_error ck_follower_add_zone(struct ck_follower *f, struct ck_record *record, struct ck_errmsg *why)
{
	struct reading reading = {.follower = f};
	struct ck_authority *authority = &record->as.authority_of;
	if (record->kind != CK_KIND_AUTHORITY) return CK_OK;
	enum ck_error error = read_zone(&reading, authority->zone, why);
	if (error == CK_OK) {
		authority->zone_table = reading.table;
		return CK_OK;
	}
	/* nobody is locked out because a package was changed: what was known holds on until its years are over */
	if (!known_table(f, record, &authority->zone_table)) return error;
	say(f, why->text);
	return CK_OK;
}

/* ---- again and again ---- */

struct renewal {
	struct reading reading;
	struct ck_follower *follower;
	struct ck_id *stale;
	size_t count, limit;
	enum ck_error error;
};

static bool compare(const struct ck_record *record, void *context)
{
	struct renewal *renewal = context;
	struct ck_errmsg why;
	const struct ck_authority *authority = &record->as.authority_of;
	if (read_zone(&renewal->reading, authority->zone, &why) != CK_OK) {
		say(renewal->follower, why.text);
		return true;
	}
	if (ck_zone_table_equal(&authority->zone_table, &renewal->reading.table)) return true;
	if (renewal->count == renewal->limit) {
		size_t limit = renewal->limit == 0 ? 64 : renewal->limit * 2;
		struct ck_id *more = realloc(renewal->stale, limit * sizeof *more);
		if (more == NULL) {
			renewal->error = CK_ERR_MEMORY;
			return false;
		}
		renewal->stale = more;
		renewal->limit = limit;
	}
	renewal->stale[renewal->count++] = record->id;
	return true;
}

static enum ck_error find_stale(struct renewal *renewal)
{
	struct ck_view *view = NULL;
	const struct ck_id beginning = {{0}};
	enum ck_error error = ck_view_begin(renewal->follower->current, &view);
	if (error != CK_OK) return error;
	error = ck_view_each(view, CK_KIND_AUTHORITY, beginning, beginning, compare, renewal);
	ck_view_end(&view);
	return error != CK_OK ? error : renewal->error;
}

static enum ck_error renew_one(struct renewal *renewal, struct ck_id id)
{
	struct ck_follower *f = renewal->follower;
	struct ck_record record;
	struct ck_errmsg why;
	enum ck_error error = ck_view_get(ck_batch_view(f->batch), CK_KIND_AUTHORITY, id, &record);
	if (error == CK_OK) error = read_zone(&renewal->reading, record.as.authority_of.zone, &why);
	if (error != CK_OK) return error;
	record.as.authority_of.zone_table = renewal->reading.table;
	return ck_batch_put(f->batch, &record, &why);
}

enum ck_error ck_follower_renew_zones(struct ck_follower *f)
{
	struct renewal renewal = {.reading = {.follower = f}, .follower = f};
	if (f->state != CK_FOLLOWER_PERSISTING || f->batch != NULL) return CK_ERR_UNAVAILABLE;
	enum ck_error error = find_stale(&renewal);
	if (error == CK_OK && renewal.count > 0) error = ck_follower_open_batch(f);
	for (size_t i = 0; error == CK_OK && i < renewal.count; i++) error = renew_one(&renewal, renewal.stale[i]);
	if (error == CK_OK) error = ck_follower_commit(f);
	else if (f->batch != NULL) ck_batch_abort(&f->batch);
	if (error == CK_OK && renewal.count > 0) ck_log(CK_LOG_INFO, "the clocks of %zu authorities were looked up anew", renewal.count);
	free(renewal.stale);
	for (size_t i = 0; i < f->clash_count; i++)
		if (f->clashes[i].zone) f->clashes[i].wanted = true;
	return error;
}
