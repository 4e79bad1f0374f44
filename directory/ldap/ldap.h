/* The directory over libldap: connect, search, write, follow. libldap and Cyrus SASL enter here and leave as our own verbs. One thread,
   no blocking past a deadline; referrals are never followed, ldaprc and the environment are never read. */
#ifndef CK_LDAP_LDAP_H
#define CK_LDAP_LDAP_H

#include "directory/base/secret.h"
#include "directory/model/entry.h"

struct ck_ldap;
struct ck_opening;

/* ---- how a provider is reached, and as whom (tls.c, bind.c) ---- */
enum ck_ldap_auth {
	CK_LDAP_EXTERNAL = 0, /* who we are is what the unix socket, or our certificate, says */
	CK_LDAP_SCRAM,        /* SCRAM-SHA-256 */
	CK_LDAP_GSSAPI,       /* with a ticket that is there already: no key distribution centre is asked from here */
	CK_LDAP_SIMPLE
};
/* Borrowed until the connection is bound. Anything but ldapi speaks TLS before it says who it is, or not at all. */
struct ck_ldap_target {
	const char *uri; /* ldapi://PATH; ldaps://HOST[:PORT]; ldap://HOST[:PORT]: STARTTLS first */
	int fd;          /* of the last two: connected to it, by whoever may; taken over whatever the call answers. Else -1 */
	struct ck_opening *opening; /* instead of fd, done: what was opened without a wait; taken over, too. Else NULL */
	enum ck_ldap_auth auth;
	const char *identity;              /* the user of SCRAM, the DN of simple; else not looked at */
	const struct ck_secret *password;  /* of these two */
	const char *ca_file;               /* PEM: who may vouch for the provider; nobody else does */
	const char *certificate_file, *key_file; /* ours, PEM; NULL: none */
	bool tls_1_2;                      /* 1.2 will do; else 1.3 and nothing below */
};

/* What libldap does once, at its first use (host name, SASL plugins, no configuration files): before a sandbox forbids it. */
CK_MUST_USE enum ck_error ck_ldap_prepare(struct ck_errmsg *err);

/* A Kerberos ticket for ldap/HOST into the cache that the environment names (ticket.c). Waits for the key distribution centre. */
CK_MUST_USE enum ck_error ck_ldap_fetch_ticket(const char *host, struct ck_errmsg *err);

/* ---- TLS, and perhaps the bind, without a wait (opening.c): drive with the descriptor in the event loop ---- */
/* Takes target->fd over; the target's texts are borrowed until it is closed or given away. bind: until it is bound, too. */
CK_MUST_USE enum ck_error ck_opening_begin(const struct ck_ldap_target *target, bool bind, int timeout_ms, struct ck_opening **out,
                                           struct ck_errmsg *err);
/* Goes on as far as it can. True: it has come to its end, well or badly. */
CK_MUST_USE bool ck_opening_step(struct ck_opening *opening);
/* What the next step waits for. */
int ck_opening_fd(const struct ck_opening *opening);
bool ck_opening_writes(const struct ck_opening *opening);
/* How it ended. */
CK_MUST_USE enum ck_error ck_opening_result(const struct ck_opening *opening, struct ck_errmsg *err);
/* Of one that is bound: the connection. Frees it. */
CK_MUST_USE enum ck_error ck_opening_take_bound(struct ck_opening **opening, struct ck_ldap **out, struct ck_errmsg *err);
/* Whatever it is at: at once. */
void ck_opening_close(struct ck_opening **opening);

/* Connects and binds. Deadline in ms from now for the whole. */
CK_MUST_USE enum ck_error ck_ldap_connect(const struct ck_ldap_target *target, int timeout_ms, struct ck_ldap **out, struct ck_errmsg *err);
void ck_ldap_close(struct ck_ldap **ldap);

/* Reads one entry with operational attributes; the visitor's entry lives during the call. CK_ERR_NOT_FOUND. */
typedef void (*ck_entry_visitor)(const struct ck_entry *entry, void *context);
CK_MUST_USE enum ck_error ck_ldap_read(struct ck_ldap *ldap, const char *dn, ck_entry_visitor each, void *context, int timeout_ms,
                                       struct ck_errmsg *err);

/* One attribute of a write: values replace what is there; none removes it. */
struct ck_ldap_value {
	const char *attribute;
	const struct ck_bytes *values;
	size_t count;
};
/* CK_ERR_EXISTS: the DN, or a unique value (slapo-unique answers constraintViolation). */
CK_MUST_USE enum ck_error ck_ldap_add(struct ck_ldap *ldap, const char *dn, const struct ck_ldap_value *values, size_t count, int timeout_ms,
                                      struct ck_errmsg *err);
/* With the assertion control (RFC 4528) on (entryCSN=csn): CK_ERR_CONFLICT when it changed since. */
CK_MUST_USE enum ck_error ck_ldap_modify(struct ck_ldap *ldap, const char *dn, const char *csn, const struct ck_ldap_value *values, size_t count,
                                         int timeout_ms, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_ldap_remove(struct ck_ldap *ldap, const char *dn, const char *csn, int timeout_ms, struct ck_errmsg *err);
/* Without an assertion: whatever it is now. CK_ERR_NOT_FOUND. */
CK_MUST_USE enum ck_error ck_ldap_remove_whatever(struct ck_ldap *ldap, const char *dn, int timeout_ms, struct ck_errmsg *err);

/* Removes an entry whatever it says by now: for one that nobody decided on. */
CK_MUST_USE enum ck_error ck_ldap_discard(struct ck_ldap *ldap, const char *dn, int timeout_ms, struct ck_errmsg *err);

/* ---- writes that nobody waits for (later.c), on a connection of their own; drive with the descriptor in the event loop ---- */
struct ck_later;
#define CK_LATER_LIMIT 8 /* under way at a time: what others write waits behind no more of them */
/* Begins the bind. */
CK_MUST_USE enum ck_error ck_later_open(const struct ck_ldap_target *target, struct ck_later **out, struct ck_errmsg *err);
void ck_later_close(struct ck_later **later);
int ck_later_fd(const struct ck_later *later);
/* Bound, and fewer than the limit under way. */
bool ck_later_has_room(const struct ck_later *later);
/* csn NULL: adds the entry. Else changes it, if it is still the one that was read. `number` comes back with the result. Needs room. */
CK_MUST_USE enum ck_error ck_later_write(struct ck_later *later, uint64_t number, const char *dn, const char *csn,
                                         const struct ck_ldap_value *values, size_t count, struct ck_errmsg *err);
/* Takes what has come, without a wait. Any error: the connection is over, and how the writes under way ended is not known. */
typedef void (*ck_later_done)(uint64_t number, enum ck_error error, const struct ck_errmsg *message, void *context);
CK_MUST_USE enum ck_error ck_later_step(struct ck_later *later, ck_later_done done, void *context, struct ck_errmsg *err);

/* ---- after a crash of the provider (nudge.c) ---- */
/* Every entry below base whose entryCSN is this or newer, of any server; the visitor gets entryCSN only. CK_ERR_NOT_FOUND: no base. */
CK_MUST_USE enum ck_error ck_ldap_each_since(struct ck_ldap *ldap, const char *base, struct ck_text csn, ck_entry_visitor each, void *context,
                                             int timeout_ms, struct ck_errmsg *err);
/* Sets an entry's description, without an assertion: a write that the provider's contextCSN follows. */
CK_MUST_USE enum ck_error ck_ldap_describe(struct ck_ldap *ldap, const char *dn, const char *description, int timeout_ms, struct ck_errmsg *err);

/* ---- following (RFC 4533), asynchronous: drive with the descriptor in the event loop ---- */
struct ck_follow;
struct ck_follow_handlers {
	/* Add or modify (also "still there", with no attributes, in a present phase: entry->count is 0). uuid: the entryUUID. */
	enum ck_error (*on_entry)(const uint8_t uuid[16], const struct ck_entry *entry, void *context);
	enum ck_error (*on_present)(const uint8_t uuid[16], void *context);
	enum ck_error (*on_delete)(const uint8_t uuid[16], void *context);
	/* The refresh stage is done: purge_absent: what was not named in this refresh is gone (present phase). cookie may be absent. */
	enum ck_error (*on_refreshed)(bool purge_absent, struct ck_bytes cookie, void *context);
	/* A cookie after a finished refresh, with what came before it in the persist stage. */
	enum ck_error (*on_cookie)(struct ck_bytes cookie, void *context);
	/* All that was readable now was handled: commit. */
	enum ck_error (*on_batch_end)(void *context);
	/* May be NULL. Before anything is followed: the provider's contextCSN, "CSN;CSN;…". An error ends the follow and is passed on: the
	   place to refuse a provider that is behind what was seen. */
	enum ck_error (*on_provider)(struct ck_text context_csns, void *context);
	/* An entry with more attributes or values than an entry may have: quarantine it. */
	enum ck_error (*on_unreadable)(const uint8_t uuid[16], struct ck_text dn, const char *reason, void *context);
};
/* Without a wait, if the target was opened; else but for the TLS handshake, which is bounded: binding and the first question are steps of the follow. cookie absent: a full
   refresh. */
CK_MUST_USE enum ck_error ck_follow_open(const struct ck_ldap_target *target, const char *suffix, struct ck_bytes cookie, const struct ck_follow_handlers *handlers,
                                         void *context, struct ck_follow **out, struct ck_errmsg *err);
int ck_follow_fd(const struct ck_follow *follow);
/* A step stopped at its bound with more to handle: step again without waiting for the descriptor. */
bool ck_follow_more(const struct ck_follow *follow);
/* After CK_ERR_CONFLICT: the provider said (error 53) that it is older than the cookie. */
bool ck_follow_provider_behind(const struct ck_follow *follow);
/* Bound and asked: the refresh is under way or done. */
bool ck_follow_refreshes(const struct ck_follow *follow);
/* The last step handled something that belongs to what was asked. */
bool ck_follow_heard(const struct ck_follow *follow);
/* The refresh is done: changes come as they happen. */
bool ck_follow_persists(const struct ck_follow *follow);
/* Handles everything readable without blocking. CK_ERR_CONFLICT: the cookie is not known there (e-syncRefreshRequired, error 53, or it is
   behind): refresh in full or go elsewhere. A handler's error is passed on. */
CK_MUST_USE enum ck_error ck_follow_step(struct ck_follow *follow, struct ck_errmsg *err);
/* Asks the provider for its contextCSN on the same connection; the answer's arrival, in order behind all changes, proves the stream alive.
   *out_pending until then; ck_follow_step reports through on_probe. */
CK_MUST_USE enum ck_error ck_follow_probe(struct ck_follow *follow, void (*on_probe)(bool alive, struct ck_bytes context_csn, void *context),
                                          void *context);
/* Reads one entry on the same connection; on_read gets it in a later step (uuid from its entryUUID), or entry NULL if there is none.
   CK_ERR_LIMIT: too many such reads are under way. */
CK_MUST_USE enum ck_error ck_follow_read(struct ck_follow *follow, const char *dn,
                                         void (*on_read)(const uint8_t uuid[16], const struct ck_entry *entry, void *context), void *context);
void ck_follow_stop(struct ck_follow **follow);

#endif
