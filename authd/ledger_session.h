/* Which logins were granted and may be opened once as a session, and which sessions are open, by the process that leads them. */
#ifndef CK_AUTHD_LEDGER_SESSION_H
#define CK_AUTHD_LEDGER_SESSION_H

#include "authd/protocol/message.h"
#include "directory/base/buffer.h"

#define CK_LOGIN_LIFE_S 600        /* from the grant to the opening of its session */
#define CK_LOGINS_LIMIT 16384      /* waiting; the oldest makes room */
#define CK_SESSIONS_LIMIT 8192     /* open; the oldest makes room */
#define CK_LEADERS_LIMIT CK_ANCESTORS_LIMIT

struct ck_leader { /* a process for good: its number and when it started (field 22 of /proc/PID/stat) */
	uint64_t pid, start;
};
struct ck_login {
	uint8_t id[CK_LOGIN_ID_BYTES];
	uint32_t peer_uid;
	bool remote;
	struct ck_text account, service;
};
struct ck_session {
	struct ck_login login; /* id, peer_uid, account, service; remote is not read */
	struct ck_text remote_host; /* absent: none */
	struct ck_leader leaders[CK_LEADERS_LIMIT]; /* the leader first, then its parents as far as they are known */
	size_t leaders_count;
};

struct ck_sessions;
CK_MUST_USE enum ck_error ck_sessions_new(struct ck_sessions **out);
void ck_sessions_free(struct ck_sessions **sessions);
void ck_sessions_clear(struct ck_sessions *sessions);

/* boot_s: seconds since the kernel booted; another boot's sessions are forgotten. */
void ck_sessions_grant(struct ck_sessions *sessions, const struct ck_login *login, int64_t boot_s);
/* Whether such a session may be opened now: NULL, or the name of the reason why not. Changes nothing. */
const char *ck_sessions_refuse(struct ck_sessions *sessions, const struct ck_session *session, int64_t boot_s);
/* Uses up the login and registers the session. Inside a remote session it is one itself. */
void ck_sessions_open(struct ck_sessions *sessions, const struct ck_session *session);
/* False: there is no such session. */
bool ck_sessions_close(struct ck_sessions *sessions, const uint8_t id[CK_LOGIN_ID_BYTES]);
/* Whether one of these leads a registered session; *out_host: its remote host, of the nearest that has one, absent if none has. */
bool ck_sessions_find(struct ck_sessions *sessions, const struct ck_leader *leaders, size_t count, struct ck_text *out_host);

/* For the snapshot. */
size_t ck_sessions_saved_bytes(const struct ck_sessions *sessions);
void ck_sessions_save(struct ck_sessions *sessions, struct ck_writer *w);
CK_MUST_USE enum ck_error ck_sessions_load(struct ck_sessions *sessions, struct ck_reader *r);

#endif
