/* What the files of the follower share: its state, and the verbs between the stream and the end of a refresh. */
#ifndef CK_AUTHD_REPLICA_FOLLOW_STATE_H
#define CK_AUTHD_REPLICA_FOLLOW_STATE_H

#include "authd/replica_follow.h"
#include "authd/replica_uuids.h"

#define CK_FOLLOWER_NOTE_HIGHEST "highest-csns"
#define CK_FOLLOWER_NOTE_ROOTS "attestation-roots"
/* Reasons for a quarantine that may be over without a change of the entry. */
#define CK_CLASH_PREFIX "clash: "
#define CK_ZONE_PREFIX "zone: "
#define CK_DELEGATION_PREFIX "delegation: "
#define CK_CLASHES_LIMIT 1024 /* kept to be read again; more wait for the next refresh */

struct ck_clash {
	uint8_t uuid[16];
	char dn[CK_DN_LIMIT_BYTES];
	bool wanted; /* to be read again */
	bool asked;  /* being read; cleared by anything newer about it */
	bool zone;   /* no clash, but a time zone that this machine does not know yet */
};

struct ck_follower {
	struct ck_follower_settings settings;
	enum ck_follower_state state;
	struct ck_store *current; /* NULL only after a refresh that could not go in */
	struct ck_store *next;
	struct ck_batch *batch; /* on next while rebuilding, else on current */
	size_t batch_entries;
	struct ck_uuids named; /* in a refresh since a cookie */
	struct ck_follower_late *late; /* of a full refresh that is coming in: what is told again at its end */
	uint64_t entries; /* of a full refresh */
	struct ck_csn_set followed, highest, probed;
	bool probe_waits, cookie_changed, highest_changed, changed, confirmed, moved;
	bool full_wanted, full_under_way; /* a full refresh is to begin; one that was wanted goes on, and is wanted again unless it comes to its end */
	struct ck_as_of probe_asked, begun;
	uint64_t refused_removals;
	int64_t behind_since_ms; /* 0: not behind */
	bool behind_told;
	size_t announced;
	char cookie[CK_COOKIE_LIMIT_BYTES];
	char reason[256];
	char state_line[256];
	char zone_trouble[sizeof(struct ck_errmsg)];
	struct ck_entry_scratch scratch;
	struct ck_clash clashes[CK_CLASHES_LIMIT];
	size_t clash_count;
};

void ck_follower_alarm(struct ck_follower *f, const char *detail);
/* The batch on the file that is being written, begun if there is none. */
enum ck_error ck_follower_open_batch(struct ck_follower *f);
enum ck_error ck_follower_commit(struct ck_follower *f);
/* So many more entries of the stream are about to go into the batch. CK_ERR_CONFLICT: a refresh since a cookie got too large for one. */
enum ck_error ck_follower_count(struct ck_follower *f, uint64_t entries);
/* Cookie and highest numbers, beside the data of the batch. */
enum ck_error ck_follower_put_position(struct ck_follower *f);
/* By which roots keys were found attested. */
enum ck_error ck_follower_put_roots(struct ck_follower *f);
enum ck_error ck_follower_remove_known(struct ck_follower *f, const uint8_t uuid[16]);
/* again: it was read again because of a clash, and has not changed. */
enum ck_error ck_follower_take_entry(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry, bool again);

/* ---- replica_quarantine.c ---- */
struct ck_clash *ck_follower_find_clash(struct ck_follower *f, const uint8_t uuid[16]);
/* Whether there was one. */
bool ck_follower_forget_clash(struct ck_follower *f, const uint8_t uuid[16]);
/* For ck_view_each_quarantined: what the store kept. */
bool ck_follower_load_clash(const uint8_t entry_uuid[16], struct ck_text dn, struct ck_text reason, void *context);
/* Every clash that is kept may be over: to be read again. */
void ck_follower_want_clashes(struct ck_follower *f);
enum ck_error ck_follower_quarantine(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, const char *prefix, const char *why,
                                     const struct ck_record *claims);
enum ck_error ck_follower_quarantine_faulty(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry, const char *why);

/* ---- replica_delegation.c ---- */
/* What the founding authority delegated to the person's authority. CK_ERR_INVALID: it is outside; a person of an authority that is not known
   (yet) is none of anybody's, and decides nothing. */
enum ck_error ck_follower_check_delegation(struct ck_follower *f, const struct ck_record *record, struct ck_errmsg *why);

enum ck_error ck_follower_take_unreadable(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, const char *reason);

/* ---- replica_load.c ---- */
/* The second file takes what comes from now on; the follower's next is open. */
enum ck_error ck_follower_begin_load(struct ck_follower *f, struct ck_errmsg *err);
/* For what the second file does not take yet (CK_ERR_CONFLICT). */
enum ck_error ck_follower_put_off_entry(struct ck_follower *f, const uint8_t uuid[16], const struct ck_entry *entry);
enum ck_error ck_follower_put_off_unreadable(struct ck_follower *f, const uint8_t uuid[16], struct ck_text dn, const char *reason);
enum ck_error ck_follower_put_off_delete(struct ck_follower *f, const uint8_t uuid[16]);
/* Everything is in the second file afterwards, and what was put off has been told again. */
enum ck_error ck_follower_end_load(struct ck_follower *f);
void ck_follower_drop_load(struct ck_follower *f);

/* ---- replica_refresh.c ---- */
enum ck_error ck_follower_on_cookie(struct ck_bytes cookie, void *context);
enum ck_error ck_follower_on_refreshed(bool purge_absent, struct ck_bytes cookie, void *context);

/* ---- replica_zone.c ---- */
/* The table of an authority's zone into its record; of another kind nothing. A failure: this machine does not know the zone, and nothing was
   known of it here before. */
enum ck_error ck_follower_add_zone(struct ck_follower *f, struct ck_record *record, struct ck_errmsg *why);

#endif
