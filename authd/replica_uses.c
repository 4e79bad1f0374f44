/* The use of keys, between the ledger and the directory. What the directory has is told to the ledger, all of it once and then what changes;
   what the ledger knows better is written, coalesced by it, on a connection of its own that nobody waits for. Written is the use alone, an
   entry below the key: the key is never touched, so that no count undoes a revocation. Believes the ledger in which touches there were. */
#include <stdlib.h>
#include <string.h>

#include "authd/key_use.h"
#include "authd/replica_state.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define ASK_EVERY_MS 1000        /* whether something is due */
#define QUEUE_LIMIT 4096         /* that came one by one; past it all are told anew */
#define WRITE_LIMIT_MS 10000     /* a provider that does not answer a write for so long is given up */
#define RECONNECT_MS 5000
#define UNKNOWN_YOUNG_S 60       /* a key that is not in the copy and was touched so lately */
#define UNKNOWN_RETRY_S 5        /* is looked for again so soon */

struct writing {
	uint64_t number; /* 0: free */
	uint8_t hash[CK_HASH_BYTES];
};
struct ck_replica_uses {
	/* telling */
	uint64_t awaited; /* the message that the ledger has not answered */
	bool all_wanted, telling_all;
	struct ck_id after; /* of all, what was told last */
	struct ck_use queue[QUEUE_LIMIT];
	size_t queued;
	int64_t next_ask_ms;
	/* writing */
	struct ck_use due[CK_USES_DUE_LIMIT];
	size_t due_count;
	struct ck_replica_line line;
	int64_t retry_ms, sent_ms;
	uint64_t sequence;
	struct writing writing[CK_LATER_LIMIT];
	size_t writing_count;
};

enum ck_error ck_replica_uses_open(struct ck_replica *r)
{
	r->uses = calloc(1, sizeof *r->uses);
	return r->uses != NULL ? CK_OK : CK_ERR_MEMORY;
}

/* ---- telling the ledger ---- */

static void use_of(const struct ck_record *record, struct ck_use *out)
{
	*out = (struct ck_use){.there = true, .count = record->as.key_use.count, .used_s = record->as.key_use.used_s};
	memcpy(out->hash, record->as.key_use.hash, sizeof out->hash);
	if (ck_csn_time(record->csn, &out->written_s) != CK_OK) out->written_s = 0;
}

/* What came last about a key is what counts. */
static void queue(struct ck_replica_uses *u, const struct ck_use *use)
{
	struct ck_use *last = u->queued > 0 ? &u->queue[u->queued - 1] : NULL;
	if (last != NULL && memcmp(last->hash, use->hash, sizeof last->hash) == 0) {
		*last = *use;
	} else if (u->queued < QUEUE_LIMIT) {
		u->queue[u->queued++] = *use;
	} else {
		u->all_wanted = true;
	}
}

void ck_replica_use_came(struct ck_replica *r, const struct ck_record *record, bool there)
{
	struct ck_use use = {.there = false};
	if (there) use_of(record, &use);
	memcpy(use.hash, record->as.key_use.hash, sizeof use.hash);
	queue(r->uses, &use);
}

void ck_replica_uses_tell_all(struct ck_replica *r) { r->uses->all_wanted = true; }

void ck_replica_uses_unheard(struct ck_replica *r)
{
	struct ck_replica_uses *u = r->uses;
	u->awaited = 0;
	u->telling_all = false;
	u->all_wanted = true;
	u->due_count = 0;
}

static void send_uses(struct ck_replica *r, const struct ck_use *uses, size_t count, unsigned stage, size_t due_limit)
{
	size_t length = 0;
	uint64_t number = ++r->sequence;
	ck_frame_begin(&r->frame, r->out, sizeof r->out);
	ck_field_uint(&r->frame.map, CK_F_TYPE, CK_MSG_KEY_USES);
	ck_field_uint(&r->frame.map, CK_F_REQUEST, number);
	ck_field_uint(&r->frame.map, CK_F_COUNT, due_limit);
	ck_uses_put(&r->frame.map, uses, count);
	ck_field_uint(&r->frame.map, CK_F_STAGE, stage);
	CK_ASSERT(ck_frame_end(&r->frame, &length) == CK_OK);
	ck_channel_send(r->ledger, r->out, length, -1);
	r->uses->awaited = number;
}

struct page {
	struct ck_use uses[CK_USES_LIMIT];
	size_t count;
	struct ck_id last;
};

static bool put_on_page(const struct ck_record *record, void *context)
{
	struct page *page = context;
	if (page->count == CK_USES_LIMIT) return false;
	use_of(record, &page->uses[page->count++]);
	page->last = record->id;
	return true;
}

/* The next page of all. Without a finished copy there is nothing to tell yet: a refresh ends with this. */
static void tell_page(struct ck_replica *r)
{
	static struct page page;
	struct ck_replica_uses *u = r->uses;
	struct ck_view *view = NULL;
	struct ck_id zero = {{0}};
	unsigned stage = 0;
	if (u->all_wanted) {
		u->after = zero;
		u->queued = 0; /* the pages have it */
		stage = CK_USES_FIRST;
	}
	page.count = 0;
	if (ck_follower_view(r->follower, &view) != CK_OK) return;
	enum ck_error error = ck_view_each(view, CK_KIND_KEY_USE, zero, u->after, put_on_page, &page);
	ck_view_end(&view);
	if (error != CK_OK) return; /* damaged: the process is about to begin anew */
	u->all_wanted = false;
	u->telling_all = page.count == CK_USES_LIMIT;
	u->after = page.last;
	if (!u->telling_all) stage |= CK_USES_LAST;
	send_uses(r, page.uses, page.count, stage, 0);
}

static void tell_or_ask(struct ck_replica *r, int64_t now_ms)
{
	struct ck_replica_uses *u = r->uses;
	if (r->ledger == NULL || u->awaited != 0) return;
	if (u->all_wanted || u->telling_all) {
		tell_page(r);
		return;
	}
	bool idle = u->due_count == 0 && u->writing_count == 0 && ck_follower_state(r->follower) == CK_FOLLOWER_PERSISTING;
	bool ask = idle && now_ms >= u->next_ask_ms;
	if (u->queued == 0 && !ask) return;
	size_t count = u->queued < CK_USES_LIMIT ? u->queued : CK_USES_LIMIT;
	if (ask) u->next_ask_ms = now_ms + ASK_EVERY_MS;
	send_uses(r, u->queue, count, 0, ask ? CK_USES_DUE_LIMIT : 0);
	u->queued -= count;
	memmove(u->queue, u->queue + count, u->queued * sizeof u->queue[0]);
}

bool ck_replica_uses_due(struct ck_replica *r, const struct ck_map *message, uint64_t number)
{
	static struct ck_use uses[CK_USES_LIMIT];
	struct ck_replica_uses *u = r->uses;
	size_t count = 0;
	if (ck_uses_get(message, uses, &count) != CK_OK || count > CK_USES_DUE_LIMIT) return false;
	if (number != u->awaited) return true; /* asked before the channel was exchanged */
	u->awaited = 0;
	if (count > 0) {
		memcpy(u->due, uses, count * sizeof uses[0]);
		u->due_count = count;
	}
	ck_replica_mind_uses(r, ck_clock_monotonic_ms());
	return true;
}

/* ---- the connection ---- */

/* How what was sent has ended is not known. If it went in, the stream says so; else it is due again. */
static void drop_connection(struct ck_replica_uses *u, const char *why)
{
	if (why != NULL) ck_log(CK_LOG_WARNING, "the use of keys is not written for now: %s", why);
	ck_replica_line_close(&u->line);
	memset(u->writing, 0, sizeof u->writing);
	u->writing_count = 0;
	u->retry_ms = ck_clock_monotonic_ms() + RECONNECT_MS;
}

static void on_done(uint64_t number, enum ck_error error, const struct ck_errmsg *message, void *context);

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	struct ck_replica *r = context;
	struct ck_errmsg err = {""};
	if (ck_later_step(r->uses->line.later, on_done, r, &err) != CK_OK) drop_connection(r->uses, err.text);
	else ck_replica_mind_uses(r, ck_clock_monotonic_ms());
}

static void on_unreached(struct ck_replica *r, const char *why) { drop_connection(r->uses, why); }

static bool connected(struct ck_replica *r, int64_t now_ms)
{
	struct ck_replica_uses *u = r->uses;
	if (ck_replica_line_is_astray(r, &u->line)) {
		drop_connection(u, NULL);
		u->retry_ms = now_ms; /* nothing failed */
	}
	if (!ck_replica_line_is_begun(&u->line) && now_ms >= u->retry_ms) {
		u->sent_ms = now_ms;
		ck_replica_line_open(r, &u->line, on_readable, on_unreached);
	}
	return u->line.later != NULL;
}

/* ---- writing ---- */

/* What the copy holds of it is what the ledger shall know: the stream may have brought another daemon's word meanwhile, or brings ours in a
   moment. Tried now, so that it is not due again before written_s and an interval have passed. */
static void settle(struct ck_replica *r, struct ck_view *view, const uint8_t hash[CK_HASH_BYTES], int64_t written_s)
{
	struct ck_record known;
	struct ck_use use = {.there = false};
	if (ck_view_key_use(view, hash, &known) == CK_OK) use_of(&known, &use);
	memcpy(use.hash, hash, sizeof use.hash);
	use.written_s = written_s;
	queue(r->uses, &use);
}

static void on_done(uint64_t number, enum ck_error error, const struct ck_errmsg *message, void *context)
{
	struct ck_replica *r = context;
	struct ck_replica_uses *u = r->uses;
	struct ck_view *view = NULL;
	for (size_t i = 0; i < CK_LATER_LIMIT; i++) {
		struct writing *w = &u->writing[i];
		if (w->number != number) continue;
		w->number = 0;
		u->writing_count--;
		/* Its key was removed meanwhile, or another daemon was faster; anything else is told once an interval. */
		bool race = error == CK_ERR_NOT_FOUND || error == CK_ERR_CONFLICT || error == CK_ERR_EXISTS;
		if (error != CK_OK) ck_log(race ? CK_LOG_INFO : CK_LOG_WARNING, "the use of a key was not written: %s", message->text);
		if (ck_follower_view(r->follower, &view) != CK_OK) return; /* a refresh is coming, which tells everything */
		settle(r, view, w->hash, ck_wall_now(&r->wall).s);
		ck_view_end(&view);
		return;
	}
}

static enum ck_error send_use(struct ck_replica *r, const struct ck_record *key, const struct ck_use *use, const char *csn, struct ck_errmsg *err)
{
	struct ck_replica_uses *u = r->uses;
	char dn[CK_DN_LIMIT_BYTES], count[24], used[CK_TIME_TEXT_BYTES];
	struct writing *w = u->writing;
	enum ck_error error = ck_entry_dn(CK_KIND_KEY_USE, key->id, use->hash, key->as.key.staff, key->authority, ck_text_of(r->config->suffix), dn);
	if (error != CK_OK) return error;
	snprintf(count, sizeof count, "%lu", (unsigned long)use->count);
	struct ck_bytes class = ck_bytes_of(ck_text_of(ck_entry_object_classes(CK_KIND_KEY_USE)[0])), name = ck_bytes_of(ck_text_of("use"));
	struct ck_bytes counter = ck_bytes_of(ck_text_of(count)), time = ck_bytes_of(ck_text_of(ck_time_format_generalized(use->used_s, used)));
	const struct ck_ldap_value values[] = {{"ckCounter", &counter, 1}, {"ckLastUse", &time, 1}, {"objectClass", &class, 1}, {"cn", &name, 1}};
	while (w->number != 0) w++;
	error = ck_later_write(u->line.later, u->sequence + 1, dn, csn, values, csn != NULL ? 2 : 4, err);
	if (error != CK_OK) return error;
	w->number = ++u->sequence;
	memcpy(w->hash, use->hash, sizeof w->hash);
	u->writing_count++;
	u->sent_ms = ck_clock_monotonic_ms();
	return CK_OK;
}

static bool is_recent(int64_t written_s, int64_t now_s, int64_t interval_s)
{
	return now_s >= written_s - interval_s && now_s < written_s + interval_s;
}

/* One that was touched a moment ago may be on its way into the copy. */
static void settle_unknown(struct ck_replica *r, struct ck_view *view, const struct ck_use *due)
{
	int64_t now_s = ck_wall_now(&r->wall).s, interval_s = (int64_t)r->config->key_use_interval_s;
	bool soon = interval_s > UNKNOWN_RETRY_S && now_s - due->used_s < UNKNOWN_YOUNG_S;
	settle(r, view, due->hash, soon ? now_s - interval_s + UNKNOWN_RETRY_S : now_s);
}

/* A key that is gone, or good for nothing any more, gets none. Never lower than what is there. */
static enum ck_error write_use(struct ck_replica *r, struct ck_view *view, const struct ck_use *due, struct ck_errmsg *err)
{
	struct ck_record key, known;
	struct ck_use there = {.there = false}, use = *due;
	char csn[CK_CSN_LIMIT_BYTES + 1];
	if (ck_view_key(view, due->hash, &key) != CK_OK || key.as.key.status == CK_STATUS_REVOKED) {
		settle_unknown(r, view, due);
		return CK_OK;
	}
	if (ck_view_key_use(view, due->hash, &known) != CK_OK) return send_use(r, &key, &use, NULL, err);
	use_of(&known, &there);
	if (is_recent(there.written_s, ck_wall_now(&r->wall).s, (int64_t)r->config->key_use_interval_s)) {
		queue(r->uses, &there);
		return CK_OK;
	}
	if (there.count >= use.count && there.used_s >= use.used_s) {
		settle(r, view, due->hash, ck_wall_now(&r->wall).s);
		return CK_OK;
	}
	if (there.count > use.count) use.count = there.count;
	if (there.used_s > use.used_s) use.used_s = there.used_s;
	enum ck_error error = ck_text_copy(csn, sizeof csn, known.csn);
	return error == CK_OK ? send_use(r, &key, &use, csn, err) : error;
}

static void write_due(struct ck_replica *r, int64_t now_ms)
{
	struct ck_replica_uses *u = r->uses;
	struct ck_view *view = NULL;
	struct ck_errmsg err = {""};
	enum ck_error error = CK_OK;
	if (ck_wall_now(&r->wall).behind) return; /* nothing is written by such a clock: see replica_clock.c */
	if (u->due_count == 0 || ck_follower_state(r->follower) != CK_FOLLOWER_PERSISTING || !connected(r, now_ms) || !ck_later_has_room(u->line.later))
		return;
	if (ck_follower_view(r->follower, &view) != CK_OK) return;
	while (error == CK_OK && u->due_count > 0 && ck_later_has_room(u->line.later)) error = write_use(r, view, &u->due[--u->due_count], &err);
	ck_view_end(&view);
	if (error != CK_OK) drop_connection(u, err.text[0] != '\0' ? err.text : ck_error_name(error));
}

bool ck_replica_uses_leave(struct ck_replica *r, const uint8_t hash[CK_HASH_BYTES])
{
	struct ck_replica_uses *u = r->uses;
	for (size_t i = 0; i < CK_LATER_LIMIT; i++)
		if (u->writing[i].number != 0 && memcmp(u->writing[i].hash, hash, CK_HASH_BYTES) == 0) return false;
	for (size_t i = u->due_count; i-- > 0;)
		if (memcmp(u->due[i].hash, hash, CK_HASH_BYTES) == 0) u->due[i] = u->due[--u->due_count];
	return true;
}

void ck_replica_mind_uses(struct ck_replica *r, int64_t now_ms)
{
	struct ck_replica_uses *u = r->uses;
	bool waiting = u->line.later != NULL && (u->writing_count > 0 || !ck_later_has_room(u->line.later));
	if (waiting && now_ms - u->sent_ms >= WRITE_LIMIT_MS) drop_connection(u, "the provider does not answer");
	write_due(r, now_ms);
	tell_or_ask(r, now_ms);
}

void ck_replica_uses_close(struct ck_replica *r)
{
	if (r->uses == NULL) return;
	drop_connection(r->uses, NULL);
	free(r->uses);
	r->uses = NULL;
}
