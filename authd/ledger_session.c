/* Logins that wait for their session, and open sessions. A session is refused unless all that was granted is said again; what is remembered
   of account and service is a digest, so that length is no matter. */
#include "authd/ledger_session.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "authd/ledger_table.h"

#define MATCH_BYTES 16
_Static_assert(CK_LOGIN_ID_BYTES == CK_TABLE_KEY_BYTES, "login ids are table keys");

struct waiting { /* under its login id */
	int64_t granted_s; /* since boot: a clock that is set meanwhile is no matter */
	uint32_t peer_uid;
	bool remote;
	uint8_t match[MATCH_BYTES];
};
struct open_session { /* under its login id */
	struct ck_leader leader;
	uint32_t host_length; /* 0: none */
	char host[CK_REMOTE_HOST_LIMIT_BYTES + 1];
};
struct led { /* under pid and start */
	uint8_t id[CK_LOGIN_ID_BYTES];
};
struct ck_sessions {
	struct ck_table *waiting, *open, *led;
};

enum ck_error ck_sessions_new(struct ck_sessions **out)
{
	*out = NULL;
	struct ck_sessions *s = calloc(1, sizeof *s);
	if (s == NULL) return CK_ERR_MEMORY;
	enum ck_error error = ck_table_new(CK_LOGINS_LIMIT, sizeof(struct waiting), &s->waiting);
	if (error == CK_OK) error = ck_table_new(CK_SESSIONS_LIMIT, sizeof(struct open_session), &s->open);
	if (error == CK_OK) error = ck_table_new(CK_SESSIONS_LIMIT, sizeof(struct led), &s->led);
	if (error != CK_OK)
		ck_sessions_free(&s);
	*out = s;
	return error;
}

void ck_sessions_free(struct ck_sessions **sessions)
{
	struct ck_sessions *s = *sessions;
	if (s == NULL) return;
	ck_table_free(&s->waiting);
	ck_table_free(&s->open);
	ck_table_free(&s->led);
	free(s);
	*sessions = NULL;
}

void ck_sessions_clear(struct ck_sessions *s)
{
	ck_table_clear(s->waiting);
	ck_table_clear(s->open);
	ck_table_clear(s->led);
}

/* ---- logins ---- */

static void match_of(struct ck_text account, struct ck_text service, uint8_t out[MATCH_BYTES])
{
	crypto_generichash_state state;
	uint64_t length = account.length;
	crypto_generichash_init(&state, NULL, 0, MATCH_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)&length, sizeof length);
	if (account.length > 0) crypto_generichash_update(&state, (const unsigned char *)account.at, account.length);
	if (service.length > 0) crypto_generichash_update(&state, (const unsigned char *)service.at, service.length);
	crypto_generichash_final(&state, out, MATCH_BYTES);
}

static struct waiting *wait_under(struct ck_sessions *s, const uint8_t id[CK_LOGIN_ID_BYTES])
{
	struct waiting *old = ck_table_find(s->waiting, id);
	if (old == NULL && ck_table_count(s->waiting) == CK_LOGINS_LIMIT) old = ck_table_oldest(s->waiting);
	if (old != NULL) ck_table_remove(s->waiting, old);
	return ck_table_add(s->waiting, id);
}

void ck_sessions_grant(struct ck_sessions *s, const struct ck_login *login, int64_t boot_s)
{
	/* Sessions are root's to open, by who was granted the login: nobody else's login waits, and pushes another's out. */
	if (login->peer_uid != 0) return;
	struct waiting *waiting = wait_under(s, login->id);
	waiting->granted_s = boot_s;
	waiting->peer_uid = login->peer_uid;
	waiting->remote = login->remote;
	match_of(login->account, login->service, waiting->match);
}

const char *ck_sessions_refuse(struct ck_sessions *s, const struct ck_session *session, int64_t boot_s)
{
	uint8_t match[MATCH_BYTES];
	const struct waiting *waiting = ck_table_find(s->waiting, session->login.id);
	if (waiting == NULL) return "no-login";
	if (boot_s < waiting->granted_s || boot_s - waiting->granted_s > CK_LOGIN_LIFE_S) return "login-expired";
	if (waiting->peer_uid != session->login.peer_uid) return "login-peer";
	match_of(session->login.account, session->login.service, match);
	if (memcmp(match, waiting->match, sizeof match) != 0) return "login-other";
	if (waiting->remote && session->remote_host.length == 0) return "login-remote";
	return NULL;
}

/* ---- sessions ---- */

static void leader_key(const struct ck_leader *leader, uint8_t out[CK_TABLE_KEY_BYTES])
{
	memcpy(out, &leader->pid, 8);
	memcpy(out + 8, &leader->start, 8);
}

static void forget(struct ck_sessions *s, struct open_session *session)
{
	uint8_t key[CK_TABLE_KEY_BYTES];
	leader_key(&session->leader, key);
	struct led *led = ck_table_find(s->led, key);
	/* a process may lead one session after another: the later one keeps the place */
	if (led != NULL && memcmp(led->id, ck_table_key(s->open, session), sizeof led->id) == 0) ck_table_remove(s->led, led);
	ck_table_remove(s->open, session);
}

static void keep(struct ck_sessions *s, const uint8_t id[CK_LOGIN_ID_BYTES], const struct ck_leader *leader, struct ck_text host)
{
	uint8_t key[CK_TABLE_KEY_BYTES];
	struct open_session *session = ck_table_find(s->open, id);
	if (session == NULL && ck_table_count(s->open) == CK_SESSIONS_LIMIT) session = ck_table_oldest(s->open);
	if (session != NULL) forget(s, session);
	session = ck_table_add(s->open, id);
	session->leader = *leader;
	session->host_length = (uint32_t)(host.length < sizeof session->host ? host.length : sizeof session->host);
	if (session->host_length > 0) memcpy(session->host, host.at, session->host_length);
	leader_key(leader, key);
	struct led *led = ck_table_find(s->led, key);
	if (led == NULL) led = ck_table_add(s->led, key);
	CK_ASSERT(led != NULL); /* no more leaders than sessions */
	memcpy(led->id, id, sizeof led->id);
}

bool ck_sessions_find(struct ck_sessions *s, const struct ck_leader *leaders, size_t count, struct ck_text *out_host)
{
	bool inside = false;
	*out_host = (struct ck_text){ NULL, 0 };
	for (size_t i = 0; i < count && out_host->at == NULL; i++) {
		uint8_t key[CK_TABLE_KEY_BYTES];
		leader_key(&leaders[i], key);
		const struct led *led = ck_table_find(s->led, key);
		const struct open_session *session = led != NULL ? ck_table_find(s->open, led->id) : NULL;
		if (session == NULL) continue;
		inside = true;
		if (session->host_length > 0) *out_host = (struct ck_text){ session->host, session->host_length };
	}
	return inside;
}

void ck_sessions_open(struct ck_sessions *s, const struct ck_session *session)
{
	char copy[CK_REMOTE_HOST_LIMIT_BYTES + 1];
	struct ck_text host = session->remote_host;
	struct waiting *waiting = ck_table_find(s->waiting, session->login.id);
	if (waiting != NULL) ck_table_remove(s->waiting, waiting);
	if (session->leaders_count == 0) return;
	if (host.length == 0 && ck_sessions_find(s, session->leaders, session->leaders_count, &host) && host.length > 0) {
		memcpy(copy, host.at, host.length);
		host.at = copy;
	}
	keep(s, session->login.id, &session->leaders[0], host);
}

bool ck_sessions_close(struct ck_sessions *s, const uint8_t id[CK_LOGIN_ID_BYTES])
{
	struct open_session *session = ck_table_find(s->open, id);
	if (session == NULL) return false;
	forget(s, session);
	return true;
}

/* ---- the snapshot ---- */

#define WAITING_BYTES (CK_LOGIN_ID_BYTES + 8 + 4 + 1 + MATCH_BYTES)
#define OPEN_BYTES (CK_LOGIN_ID_BYTES + 8 + 8 + 2 + CK_REMOTE_HOST_LIMIT_BYTES + 1)

size_t ck_sessions_saved_bytes(const struct ck_sessions *s)
{
	return 8 + (size_t)ck_table_count(s->waiting) * WAITING_BYTES + (size_t)ck_table_count(s->open) * OPEN_BYTES;
}

void ck_sessions_save(struct ck_sessions *s, struct ck_writer *w)
{
	ck_put_u32le(w, ck_table_count(s->waiting));
	for (const struct waiting *at = ck_table_oldest(s->waiting); at != NULL; at = ck_table_newer(s->waiting, at)) {
		ck_put_bytes(w, ck_table_key(s->waiting, at), CK_LOGIN_ID_BYTES);
		ck_put_u64le(w, (uint64_t)at->granted_s);
		ck_put_u32le(w, at->peer_uid);
		ck_put_u8(w, at->remote);
		ck_put_bytes(w, at->match, sizeof at->match);
	}
	ck_put_u32le(w, ck_table_count(s->open));
	for (const struct open_session *at = ck_table_oldest(s->open); at != NULL; at = ck_table_newer(s->open, at)) {
		ck_put_bytes(w, ck_table_key(s->open, at), CK_LOGIN_ID_BYTES);
		ck_put_u64le(w, at->leader.pid);
		ck_put_u64le(w, at->leader.start);
		ck_put_u16le(w, (uint16_t)at->host_length);
		ck_put_bytes(w, at->host, at->host_length);
	}
}

static void load_waiting(struct ck_sessions *s, struct ck_reader *r)
{
	const uint8_t *id = ck_get_bytes(r, CK_LOGIN_ID_BYTES);
	int64_t granted_s = (int64_t)ck_get_u64le(r);
	uint32_t peer_uid = ck_get_u32le(r);
	bool remote = ck_get_u8(r) != 0;
	const uint8_t *match = ck_get_bytes(r, MATCH_BYTES);
	if (r->failed) return;
	struct waiting *waiting = wait_under(s, id);
	waiting->granted_s = granted_s;
	waiting->peer_uid = peer_uid;
	waiting->remote = remote;
	memcpy(waiting->match, match, sizeof waiting->match);
}

static void load_open(struct ck_sessions *s, struct ck_reader *r)
{
	const uint8_t *id = ck_get_bytes(r, CK_LOGIN_ID_BYTES);
	struct ck_leader leader;
	leader.pid = ck_get_u64le(r);
	leader.start = ck_get_u64le(r);
	size_t length = ck_get_u16le(r);
	const uint8_t *host = ck_get_bytes(r, length);
	if (!r->failed) keep(s, id, &leader, (struct ck_text){ (const char *)host, length });
}

enum ck_error ck_sessions_load(struct ck_sessions *s, struct ck_reader *r)
{
	uint32_t count = ck_get_u32le(r);
	for (uint32_t i = 0; i < count && !r->failed; i++) load_waiting(s, r);
	count = ck_get_u32le(r);
	for (uint32_t i = 0; i < count && !r->failed; i++) load_open(s, r);
	return r->failed ? CK_ERR_CORRUPT : CK_OK;
}
