/* Snapshot and replay. The snapshot's checksum finds damage; who can write there could write the log as well. Records are read as the log
   holds them, escaped, and what does not parse is an error: a counter that is guessed lets a copied key in. */
#include "authd/ledger_state.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/ledger_event.h"
#include "directory/base/clock.h"
#include "directory/base/log.h"

#define DURABLE_FILE "ledger.state"
#define RECENT_FILE "ledger.recent" /* only where it is newer */
#define MAGIC "CKLEDGE4"
#define CHECK_BYTES 32
#define FOUND_LIFE_S 86400 /* a budget is one of a day */
#define HEAD_BYTES (8 + 8 + CK_AUDIT_DIGEST_BYTES + 4 + 8 + CK_BOOT_ID_BYTES)
#define COUNTER_BYTES (CK_COUNTER_KEY_BYTES + 4 + 8)
#define SNAPSHOT_LIMIT_BYTES (UINT64_C(1) << 30) /* 24 million keys */

enum ck_error ck_state_new(const struct ck_attempt_limits *limits, const struct ck_find_limits *find_limits, struct ck_state *out)
{
	*out = (struct ck_state){ .limits = *limits, .find_limits = *find_limits };
	enum ck_error error = ck_counters_new(0, &out->counters);
	if (error == CK_OK) error = ck_sessions_new(&out->sessions);
	if (error == CK_OK) error = ck_attempts_new(limits, &out->attempts);
	if (error == CK_OK) error = ck_finds_new(find_limits, &out->finds);
	if (error != CK_OK) ck_state_free(out);
	return error;
}

void ck_state_free(struct ck_state *state)
{
	ck_counters_free(&state->counters);
	ck_sessions_free(&state->sessions);
	ck_attempts_free(&state->attempts);
	ck_finds_free(&state->finds);
}

void ck_state_read_boot_id(char out[CK_BOOT_ID_BYTES])
{
	struct ck_id id;
	out[0] = '\0';
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return;
	char text[CK_BOOT_ID_BYTES];
	ssize_t got = read(fd, text, sizeof text);
	close(fd);
	if (got >= CK_ID_TEXT_BYTES - 1 && ck_id_parse((struct ck_text){ text, CK_ID_TEXT_BYTES - 1 }, &id) == CK_OK) ck_id_format(id, out);
}

/* ---- writing ---- */

static void put_state(struct ck_state *state, const struct ck_chain_place *place, struct ck_writer *w)
{
	struct ck_counter counter;
	ck_put_bytes(w, MAGIC, 8);
	ck_put_u64le(w, place->seq);
	ck_put_bytes(w, place->digest, sizeof place->digest);
	ck_put_u32le(w, place->segment);
	ck_put_u64le(w, place->offset_bytes);
	ck_put_bytes(w, state->boot, sizeof state->boot);
	ck_put_u64le(w, ck_counters_count(state->counters));
	for (size_t at = 0; ck_counters_next(state->counters, &at, &counter);) {
		ck_put_bytes(w, counter.key, CK_COUNTER_KEY_BYTES);
		ck_put_u32le(w, counter.count);
		ck_put_u64le(w, (uint64_t)counter.used_s);
	}
	ck_sessions_save(state->sessions, w);
	ck_attempts_save(state->attempts, ck_clock_boot_ms(), w);
	ck_finds_save(state->finds, ck_clock_boot_ms(), ck_clock_wall_s() * 1000, w);
}

static enum ck_error write_file(const char *path, const uint8_t *bytes, size_t length, bool durable, struct ck_errmsg *err)
{
	(void)unlink(path); /* left over from a crash, or put there */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) return ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	enum ck_error error = CK_OK;
	for (size_t done = 0; done < length && error == CK_OK;) {
		ssize_t written = pwrite(fd, bytes + done, length - done, (off_t)done);
		if (written > 0) done += (size_t)written;
		else if (written == 0 || errno != EINTR) error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	}
	if (error == CK_OK && durable && fsync(fd) != 0) error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	close(fd);
	return error;
}

enum ck_error ck_state_save(struct ck_state *state, const char *directory, const struct ck_chain_place *place, bool durable,
                            struct ck_errmsg *err)
{
	char path[512], beside[512], recent[512];
	(void)snprintf(path, sizeof path, "%s/%s", directory, durable ? DURABLE_FILE : RECENT_FILE);
	(void)snprintf(beside, sizeof beside, "%s/" DURABLE_FILE ".new", directory);
	(void)snprintf(recent, sizeof recent, "%s/" RECENT_FILE, directory);
	size_t length = HEAD_BYTES + 8 + ck_counters_count(state->counters) * COUNTER_BYTES + ck_sessions_saved_bytes(state->sessions) +
	                ck_attempts_saved_bytes(state->attempts) + ck_finds_saved_bytes(state->finds);
	uint8_t *bytes = malloc(length + CHECK_BYTES);
	if (bytes == NULL) return ck_fail(err, CK_ERR_MEMORY, "no memory for the ledger's snapshot");
	struct ck_writer w;
	ck_writer_init(&w, bytes, length);
	put_state(state, place, &w);
	CK_ASSERT(!w.failed);
	length = ck_writer_length(&w);
	crypto_generichash(bytes + length, CHECK_BYTES, bytes, length, NULL, 0);
	enum ck_error error = write_file(beside, bytes, length + CHECK_BYTES, durable, err);
	if (error == CK_OK && rename(beside, path) != 0) error = ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	if (error != CK_OK) (void)unlink(beside);
	else if (durable) (void)unlink(recent);
	free(bytes);
	return error;
}

/* ---- reading the snapshot ---- */

static enum ck_error read_file(const char *path, uint8_t **out, size_t *out_length, struct ck_errmsg *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); /* a FIFO would keep it waiting */
	*out = NULL;
	if (fd < 0) return errno == ENOENT ? CK_ERR_NOT_FOUND : ck_fail(err, CK_ERR_IO, "%s: %s", path, strerror(errno));
	enum ck_error error = CK_ERR_CORRUPT;
	if (fstat(fd, &st) == 0 && st.st_size > CHECK_BYTES && (uint64_t)st.st_size < SNAPSHOT_LIMIT_BYTES) {
		*out_length = (size_t)st.st_size;
		*out = malloc(*out_length);
		if (*out != NULL && read(fd, *out, *out_length) == st.st_size) error = CK_OK;
	}
	close(fd);
	return error == CK_OK ? CK_OK : ck_fail(err, error, "%s cannot be read whole", path);
}

static enum ck_error take_counters(struct ck_state *state, struct ck_reader *r)
{
	uint64_t count = ck_get_u64le(r);
	if (r->failed || count > ck_reader_left(r) / COUNTER_BYTES) return CK_ERR_CORRUPT;
	ck_counters_free(&state->counters);
	enum ck_error error = ck_counters_new((size_t)count, &state->counters);
	for (uint64_t i = 0; i < count && error == CK_OK; i++) {
		const uint8_t *key = ck_get_bytes(r, CK_COUNTER_KEY_BYTES);
		uint32_t last = ck_get_u32le(r);
		int64_t used_s = (int64_t)ck_get_u64le(r);
		error = r->failed ? CK_ERR_CORRUPT : ck_counters_advance(state->counters, key, last, used_s);
	}
	return error;
}

static enum ck_error take_state(struct ck_state *state, struct ck_chain_place *place, const uint8_t *bytes, size_t length)
{
	struct ck_reader r;
	uint8_t check[CHECK_BYTES];
	length -= CHECK_BYTES;
	crypto_generichash(check, sizeof check, bytes, length, NULL, 0);
	if (memcmp(check, bytes + length, sizeof check) != 0) return CK_ERR_CORRUPT;
	ck_reader_init(&r, bytes, length);
	const uint8_t *magic = ck_get_bytes(&r, 8);
	if (magic == NULL || memcmp(magic, MAGIC, 8) != 0) return CK_ERR_CORRUPT;
	place->seq = ck_get_u64le(&r);
	const uint8_t *digest = ck_get_bytes(&r, sizeof place->digest);
	place->segment = ck_get_u32le(&r);
	place->offset_bytes = ck_get_u64le(&r);
	const uint8_t *boot = ck_get_bytes(&r, sizeof state->boot);
	if (r.failed || boot[sizeof state->boot - 1] != '\0') return CK_ERR_CORRUPT;
	memcpy(place->digest, digest, sizeof place->digest);
	memcpy(state->boot, boot, sizeof state->boot);
	enum ck_error error = take_counters(state, &r);
	if (error == CK_OK) error = ck_sessions_load(state->sessions, &r);
	if (error == CK_OK) error = ck_attempts_load(state->attempts, ck_clock_boot_ms(), &r);
	if (error == CK_OK) error = ck_finds_load(state->finds, ck_clock_boot_ms(), ck_clock_wall_s() * 1000, &r);
	return error == CK_OK && !ck_reader_done(&r) ? CK_ERR_CORRUPT : error;
}

static enum ck_error load(struct ck_state *state, const char *directory, const char *name, struct ck_chain_place *place, struct ck_errmsg *err)
{
	char path[512];
	uint8_t *bytes = NULL;
	size_t length = 0;
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	enum ck_error error = read_file(path, &bytes, &length, err);
	if (error == CK_OK && (error = take_state(state, place, bytes, length)) == CK_ERR_CORRUPT)
		error = ck_fail(err, error, "%s is damaged", path);
	free(bytes);
	return error;
}

/* ---- replay ---- */

struct replay {
	struct ck_state *state;
	uint64_t records;
	bool failed;
};

static struct ck_text field(const struct ck_audit_record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++)
		if (ck_text_is(record->fields[i].name, name)) return record->fields[i].value;
	return (struct ck_text){ NULL, 0 };
}

static bool field_uint(const struct ck_audit_record *record, const char *name, uint64_t limit, uint64_t *out)
{
	return ck_uint_parse(field(record, name), 0, limit, out) == CK_OK;
}

static bool time_of(const struct ck_audit_record *record, int64_t *out)
{
	char whole_seconds[] = "0000-00-00T00:00:00Z";
	memcpy(whole_seconds, record->time.at, 19);
	return ck_time_parse(ck_text_of(whole_seconds), 0, out) == CK_OK;
}

static bool replay_counter(struct ck_state *state, const struct ck_audit_record *record)
{
	uint8_t key[CK_COUNTER_KEY_BYTES];
	uint64_t count;
	int64_t time_s;
	if (field(record, "count").at == NULL) return true;
	return ck_hex_decode(field(record, "hash"), key, sizeof key) == CK_OK && field_uint(record, "count", UINT32_MAX, &count) &&
	       time_of(record, &time_s) && ck_counters_advance(state->counters, key, (uint32_t)count, time_s) == CK_OK;
}

/* Texts are compared as they were sent, not as they are escaped. */
struct texts {
	uint8_t account[2048], service[2048], host[2048];
};
static bool unescaped(struct ck_text value, uint8_t *out, size_t out_bytes, struct ck_text *out_text)
{
	size_t length = 0;
	*out_text = (struct ck_text){ NULL, 0 };
	if (value.at == NULL) return true;
	if (ck_unescape(value, out, out_bytes, &length) != CK_OK) return false;
	*out_text = (struct ck_text){ (const char *)out, length };
	return true;
}

static bool replay_login(const struct ck_audit_record *record, struct texts *texts, struct ck_login *out, struct ck_text *out_host)
{
	uint64_t peer_uid;
	if (ck_hex_decode(field(record, "login-id"), out->id, sizeof out->id) != CK_OK ||
	    !field_uint(record, "peer-uid", UINT32_MAX, &peer_uid) ||
	    !unescaped(field(record, "account"), texts->account, sizeof texts->account, &out->account) ||
	    !unescaped(field(record, "service"), texts->service, sizeof texts->service, &out->service) ||
	    !unescaped(field(record, "remote-host"), texts->host, sizeof texts->host, out_host))
		return false;
	out->peer_uid = (uint32_t)peer_uid;
	out->remote = out_host->length > 0;
	return true;
}

static bool replay_granted(struct ck_state *state, const struct ck_audit_record *record)
{
	struct texts texts;
	struct ck_login login;
	struct ck_text host;
	int64_t time_s;
	if (!time_of(record, &time_s) || !replay_login(record, &texts, &login, &host)) return false;
	/* the record has only the other clock; one that was set back meanwhile gives a login its whole life again, and that is once */
	int64_t age_s = ck_clock_wall_s() - time_s;
	ck_sessions_grant(state->sessions, &login, ck_clock_boot_ms() / 1000 - (age_s > 0 ? age_s : 0));
	return true;
}

static bool replay_login_granted(struct ck_state *state, const struct ck_audit_record *record)
{
	return replay_granted(state, record) && replay_counter(state, record);
}

/* Whose attempt it was, and from where. */
static bool read_attempt(const struct ck_audit_record *record, struct texts *texts, struct ck_attempt *out)
{
	*out = (struct ck_attempt){ .peer_uid = 0 };
	return unescaped(field(record, "user"), texts->account, sizeof texts->account, &out->user) &&
	       unescaped(field(record, "tty"), texts->service, sizeof texts->service, &out->tty) &&
	       unescaped(field(record, "remote-host"), texts->host, sizeof texts->host, &out->remote_host) &&
	       field_uint(record, "peer-uid", UINT32_MAX, &out->peer_uid);
}

static bool replay_attempt(struct ck_state *state, const struct ck_audit_record *record)
{
	struct texts texts;
	struct ck_attempt attempt;
	int64_t time_s;
	if (!replay_counter(state, record) || !time_of(record, &time_s) || !read_attempt(record, &texts, &attempt)) return false;
	/* as in replay_granted: a clock that was set back makes it one of just now */
	int64_t age_s = ck_clock_wall_s() - time_s;
	ck_attempts_replay(state->attempts, &attempt, ck_clock_boot_ms() - (age_s > 0 ? age_s * 1000 : 0));
	return true;
}

static bool replay_outcome(struct ck_state *state, const struct ck_audit_record *record)
{
	struct texts texts;
	struct ck_attempt attempt;
	if (!read_attempt(record, &texts, &attempt)) return false;
	switch (ck_event_password_outcome(field(record, "reason"))) {
	case CK_OUTCOME_RIGHT: ck_attempts_was_right(state->attempts, &attempt); break;
	case CK_OUTCOME_NONE: ck_attempts_was_none(state->attempts, &attempt); break;
	case CK_OUTCOME_COUNTS: break;
	}
	return true;
}

/* People of other authorities who were shown, and paid for. What is a day old is forgotten. */
static bool replay_shown(struct ck_state *state, const struct ck_audit_record *record, const char *to, uint64_t people)
{
	struct ck_id person, authority;
	uint64_t budget;
	int64_t time_s;
	if (!time_of(record, &time_s) || !field_uint(record, "budget", CK_FIND_BUDGET_SWITCHBOARD, &budget)) return false;
	if (budget == CK_FIND_BUDGET_NONE) return true;
	if (ck_id_parse(field(record, to), &person) != CK_OK || ck_id_parse(field(record, "authority"), &authority) != CK_OK) return false;
	int64_t age_s = ck_clock_wall_s() - time_s;
	int64_t at_ms = ck_clock_boot_ms() - (age_s > 0 ? age_s * 1000 : 0);
	if (age_s < FOUND_LIFE_S) ck_finds_replay(state->finds, person, authority, (enum ck_find_budget)budget, people, at_ms);
	return true;
}

static bool replay_found(struct ck_state *state, const struct ck_audit_record *record)
{
	uint64_t people;
	return field_uint(record, "count", UINT32_MAX, &people) && replay_shown(state, record, "id", people);
}

static bool replay_vouch(struct ck_state *state, const struct ck_audit_record *record)
{
	bool charged = field(record, "budget").at != NULL;
	return replay_counter(state, record) && (!charged || replay_shown(state, record, "target", 1));
}

static bool replay_reset(struct ck_state *state, const struct ck_audit_record *record)
{
	uint8_t key[CK_COUNTER_KEY_BYTES];
	if (ck_hex_decode(field(record, "hash"), key, sizeof key) != CK_OK) return false;
	ck_counters_forget(state->counters, key);
	return true;
}

static bool replay_opened(struct ck_state *state, const struct ck_audit_record *record)
{
	struct texts texts;
	struct ck_session session = { .leaders_count = 1 };
	struct ck_text processes = field(record, "processes");
	const char *colon = processes.length > 0 ? memchr(processes.at, ':', processes.length) : NULL;
	if (colon == NULL || !replay_login(record, &texts, &session.login, &session.remote_host)) return false;
	struct ck_text pid = { processes.at, (size_t)(colon - processes.at) };
	struct ck_text start = { colon + 1, processes.length - pid.length - 1 };
	if (ck_uint_parse(pid, 0, UINT64_MAX, &session.leaders[0].pid) != CK_OK ||
	    ck_uint_parse(start, 0, UINT64_MAX, &session.leaders[0].start) != CK_OK)
		return false;
	ck_sessions_open(state->sessions, &session);
	return true;
}

static bool replay_closed(struct ck_state *state, const struct ck_audit_record *record)
{
	uint8_t id[CK_LOGIN_ID_BYTES];
	if (ck_hex_decode(field(record, "login-id"), id, sizeof id) != CK_OK) return false;
	(void)ck_sessions_close(state->sessions, id);
	return true;
}

static bool replay_started(struct ck_state *state, const struct ck_audit_record *record)
{
	char boot[CK_BOOT_ID_BYTES];
	if (ck_text_copy(boot, sizeof boot, field(record, "boot")) != CK_OK) return false;
	if (strcmp(boot, state->boot) != 0) ck_sessions_clear(state->sessions);
	memcpy(state->boot, boot, sizeof boot);
	return true;
}

static const struct {
	const char *event;
	bool (*replay)(struct ck_state *state, const struct ck_audit_record *record);
} replays[] = {
	{ "account-granted", replay_granted }, { "login-granted", replay_login_granted }, { "session-opened", replay_opened },
	{ "session-closed", replay_closed },   { "identified", replay_counter },      { "change-intent", replay_counter },
	{ "key-enrolled", replay_counter },    { "started", replay_started },
	{ "counter-reset", replay_reset },     { "password-attempt", replay_attempt }, { "password-outcome", replay_outcome },
	{ "vouch-made", replay_vouch },        { "found", replay_found },
};

static bool replay_one(const struct ck_audit_record *record, const char *file, uint64_t line_number, void *context)
{
	(void)line_number;
	struct replay *replay = context;
	replay->records++;
	for (size_t i = 0; i < sizeof replays / sizeof *replays; i++) {
		if (!ck_text_is(record->event, replays[i].event)) continue;
		if (replays[i].replay(replay->state, record)) break;
		ck_log(CK_LOG_ALARM, "%s: record %llu (%s) does not say what it must", file, (unsigned long long)record->seq, replays[i].event);
		replay->failed = true;
		return false;
	}
	return true;
}

static enum ck_error replay_since(struct ck_state *state, const char *directory, const struct ck_chain_place *place, uint64_t *out_replayed,
                                  struct ck_errmsg *err)
{
	struct replay replay = { .state = state };
	enum ck_error error = ck_audit_each_since(directory, place, replay_one, &replay, err);
	*out_replayed = replay.records;
	if (error == CK_OK && replay.failed)
		error = ck_fail(err, CK_ERR_CORRUPT, "%s: a record cannot be replayed; the operational log names it", directory);
	return error;
}

static bool same_end(const struct ck_chain_place *place, const struct ck_chain_place *end)
{
	return place->seq < end->seq || (place->seq == end->seq && memcmp(place->digest, end->digest, sizeof place->digest) == 0);
}

/* Forgets what an unfit snapshot brought. */
static enum ck_error start_anew(struct ck_state *state)
{
	struct ck_attempt_limits limits = state->limits;
	struct ck_find_limits find_limits = state->find_limits;
	ck_state_free(state);
	return ck_state_new(&limits, &find_limits, state);
}

static enum ck_error restore_from(struct ck_state *state, const char *directory, const char *name, const struct ck_chain_place *end,
                                  uint64_t *out_replayed)
{
	struct ck_chain_place place = { .segment = 1 };
	struct ck_errmsg why = { "its place is not in the log" };
	enum ck_error error = load(state, directory, name, &place, &why);
	if (error == CK_OK) error = same_end(&place, end) ? replay_since(state, directory, &place, out_replayed, &why) : CK_ERR_CORRUPT;
	if (error != CK_OK && error != CK_ERR_NOT_FOUND) ck_log(CK_LOG_WARNING, "the snapshot %s is not used: %s", name, why.text);
	return error;
}

enum ck_error ck_state_restore(struct ck_state *state, const char *directory, const struct ck_chain_place *end, const char *boot,
                               uint64_t *out_replayed, struct ck_errmsg *err)
{
	static const char *const names[] = { RECENT_FILE, DURABLE_FILE };
	const struct ck_chain_place beginning = { .segment = 1 };
	enum ck_error error = CK_ERR_NOT_FOUND;
	*out_replayed = 0;
	for (size_t i = 0; i < sizeof names / sizeof *names && error != CK_OK; i++) {
		error = restore_from(state, directory, names[i], end, out_replayed);
		if (error != CK_OK && start_anew(state) != CK_OK) return ck_fail(err, CK_ERR_MEMORY, "no memory for the ledger's state");
	}
	if (error != CK_OK) error = replay_since(state, directory, &beginning, out_replayed, err);
	if (error != CK_OK) return error;
	if (strcmp(state->boot, boot) != 0) ck_sessions_clear(state->sessions);
	return ck_text_copy(state->boot, sizeof state->boot, ck_text_of(boot));
}
