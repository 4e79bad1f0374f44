/* Following a provider into the store: what each message of the stream does to it. No sockets here: the stream's handlers are driven by
   whoever reads it (authd/replica.c, or a test). */
#ifndef CK_AUTHD_REPLICA_FOLLOW_H
#define CK_AUTHD_REPLICA_FOLLOW_H

#include "authd/wall.h"
#include "directory/ldap/csn.h"
#include "directory/ldap/ldap.h"
#include "directory/store/store.h"

_Static_assert(CK_CSN_LIST_LIMIT_BYTES <= CK_COOKIE_LIMIT_BYTES, "whatever is followed can be kept");

struct ck_follower;

enum ck_follower_state {
	CK_FOLLOWER_IDLE = 0,
	CK_FOLLOWER_RESUMING,   /* a refresh since the cookie: one batch, committed at its end */
	CK_FOLLOWER_REBUILDING, /* a full refresh into the second file */
	CK_FOLLOWER_PERSISTING, /* changes as they happen */
	CK_FOLLOWER_HELD,       /* a refresh would have removed too much: root must confirm */
	CK_FOLLOWER_BEHIND      /* the provider is older than what was seen */
};

struct ck_follower_settings {
	const char *store_directory; /* with the suffix: borrowed for the follower's life */
	const char *suffix;
	const char *zone_directory; /* the tz database */
	struct ck_wall *wall;
	int behind_patience_ms;   /* so long a provider may be older than what was seen before anybody is told */
	unsigned removal_percent; /* a refresh that removes more than this of what is known stops … */
	unsigned removal_floor;   /* … if it is more than so many entries */
	/* Whether a key with a certificate is attested by the roots of this digest; NULL: none is, and the digest is zero. Roots other than those
	   of the last full refresh make another one necessary; until then no key is attested. */
	bool (*is_attested)(const struct ck_key *key, void *context);
	uint8_t roots_digest[32];
	/* All may be NULL. reason NULL: it was released. */
	void (*on_quarantine)(struct ck_text dn, const char *reason, void *context);
	void (*on_alarm)(const char *detail, void *context);
	void (*on_refreshed)(bool full, uint64_t entries, uint64_t removed, void *context);
	void (*on_replacing)(void *context); /* the copy is about to be closed: whoever verifies it is to end */
	void (*on_committed)(void *context); /* something new can be read */
	/* While changes come as they happen: an entry about a key's use came, or (there false) went. After a refresh all of them may be new. */
	void (*on_key_use)(const struct ck_record *use, bool there, void *context);
	void *context;
};

/* Opens the store's one writer. A store that is damaged, or marked so by a file of this name in it, is begun anew: the first refresh is then
   a full one. One that is marked suspect is read as a whole first, and begun anew if it is damaged, or if that reading does not end. */
#define CK_FOLLOWER_DAMAGED_FILE "damaged"
#define CK_FOLLOWER_SUSPECT_FILE "suspect"
CK_MUST_USE enum ck_error ck_follower_open(const struct ck_follower_settings *settings, struct ck_follower **out, struct ck_errmsg *err);
void ck_follower_close(struct ck_follower **follower);

/* The handlers for ck_follow_open; their context is the follower. */
extern const struct ck_follow_handlers ck_follower_handlers;
/* Before a stream is opened: where to resume; absent: a full refresh. Borrowed until the next call. */
CK_MUST_USE enum ck_error ck_follower_begin(struct ck_follower *follower, struct ck_bytes *out_cookie, struct ck_errmsg *err);
/* The stream is over: what was not committed is dropped. */
void ck_follower_end(struct ck_follower *follower);
/* The next stream is a full refresh: the provider does not know the cookie. */
void ck_follower_require_full(struct ck_follower *follower);
/* The provider itself said that it is older than the cookie. */
void ck_follower_set_behind(struct ck_follower *follower);
/* Reads the whole copy and compares it with its sums; CK_ERR_CORRUPT. */
CK_MUST_USE enum ck_error ck_follower_verify(struct ck_follower *follower);
/* After each step: asks again for entries that were refused for a clash which may be over. */
void ck_follower_pump(struct ck_follower *follower, struct ck_follow *follow);

/* Looks every authority's zone up again, for the years that are to come now and for what the tz database has learned. CK_ERR_UNAVAILABLE:
   a refresh or a batch is under way. */
CK_MUST_USE enum ck_error ck_follower_renew_zones(struct ck_follower *follower);

/* A probe asked then came back. In step at once or as soon as the changes it speaks of have arrived: as_of is then that moment. */
CK_MUST_USE enum ck_error ck_follower_probed(struct ck_follower *follower, struct ck_text context_csns, const struct ck_as_of *asked);
/* A probe's changes have not arrived yet. */
bool ck_follower_lags(const struct ck_follower *follower);

/* Root: the next refresh may remove any number, or go back. CK_ERR_NOT_FOUND: nothing waits for it. */
CK_MUST_USE enum ck_error ck_follower_confirm(struct ck_follower *follower, uint64_t *out_removed);
enum ck_follower_state ck_follower_state(const struct ck_follower *follower);
const char *ck_follower_state_name(enum ck_follower_state state);
/* Why it is held or behind; "" else. */
const char *ck_follower_reason(const struct ck_follower *follower);
/* Keeps a line about the stream where the gates' status finds it (note CK_FOLLOWER_NOTE_STATE); the same line again is not written. */
#define CK_FOLLOWER_NOTE_STATE "follow-state"
void ck_follower_note_state(struct ck_follower *follower, const char *line);

/* The newest of each server that was ever seen. */
const struct ck_csn_set *ck_follower_highest(const struct ck_follower *follower);
/* Whether everything up to these CSNs is in the store. */
bool ck_follower_holds(const struct ck_follower *follower, const struct ck_csn_set *csns);
/* A view of what is committed; ck_view_end. CK_ERR_UNAVAILABLE: no finished copy. */
CK_MUST_USE enum ck_error ck_follower_view(struct ck_follower *follower, struct ck_view **out);
/* A batch to try a change in, always aborted. CK_ERR_UNAVAILABLE: a refresh is under way, or there is no finished copy. */
CK_MUST_USE enum ck_error ck_follower_trial(struct ck_follower *follower, struct ck_batch **out, struct ck_errmsg *err);

#endif
