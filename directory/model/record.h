/* The words of Crosskeys as plain records. A record borrows its texts and lists from where it was decoded (an LDAP entry, a store
   page): it lives as long as that does. Nothing here reads a clock or a directory. */
#ifndef CK_MODEL_RECORD_H
#define CK_MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/base/text.h"
#include "directory/base/zone.h"

/* Limits of lists and texts; one more quarantines the entry. They keep a record below a page and a decision bounded. */
#define CK_LIST_LIMIT 64              /* values of one multi-valued attribute */
#define CK_NAME_LIMIT_BYTES 128       /* names, titles, labels, mail addresses, paths */
#define CK_REASON_LIMIT_BYTES 512     /* "why" of a grant */
#define CK_UID_LIMIT_BYTES 32
#define CK_CREDENTIAL_ID_LIMIT_BYTES 1023 /* CTAP 2.1, 6.1.2 */
#define CK_PUBLIC_KEY_LIMIT_BYTES 600     /* COSE_Key; RSA-4096 is 526 + map */
#define CK_KEY_REGISTRATION_LIMIT_BYTES 12288 /* as the protocol carries it, with certificates */
#define CK_CSN_LIMIT_BYTES 48
#define CK_HASH_BYTES 32              /* SHA-256 */
#define CK_UID_NUMBER_FIRST 200000    /* below it live the names of the machine itself */
#define CK_UID_NUMBER_LAST 2147483646 /* past it some programs read a negative number, and -1 is "nobody" or "do not change" */
#define CK_RP_ID_NAME_LIMIT_BYTES 253 /* a host name (RFC 1035) */

enum ck_kind {
	CK_KIND_NONE = 0,
	CK_KIND_AUTHORITY = 1,
	CK_KIND_STAFF = 2,
	CK_KIND_KEY = 3,
	CK_KIND_ROLE = 4,
	CK_KIND_GRANT = 5,
	CK_KIND_SYSTEM = 6,
	CK_KIND_SYSTEM_GROUP = 7,
	CK_KIND_RULE = 8,
	CK_KIND_CODE = 9, /* a one-time code for a first key */
	CK_KIND_KEY_USE = 10 /* a key's counter and last use, beside it: nothing that changes at login is in the key itself */
};
#define CK_KIND_LAST CK_KIND_KEY_USE

enum ck_status { CK_STATUS_NONE = 0, CK_STATUS_ACTIVE = 1, CK_STATUS_SUSPENDED = 2, CK_STATUS_REVOKED = 3 /* keys only */ };

/* from_s <= t < until_s; CK_TIME_ALWAYS and CK_TIME_UNLIMITED say "no end". */
struct ck_window {
	int64_t from_s;
	int64_t until_s;
};

struct ck_texts {
	struct ck_text at[CK_LIST_LIMIT];
	size_t count;
};
struct ck_ids {
	const struct ck_id *at; /* alignment 1 */
	size_t count;
};

/* What is known of the time. */
struct ck_moment {
	int64_t s;   /* now, in seconds since 1970 */
	bool behind; /* the machine's clock says less than this is known to be: it may be any later time, so whatever has an end may be over */
};

/* What a login has shown; also what a rule demands. */
enum ck_proved {
	CK_PROVED_NOTHING = 0,
	CK_PROVED_TOUCH = 1,    /* user presence, by an assertion of one of the person's keys */
	CK_PROVED_PASSWORD = 2,
	CK_PROVED_VERIFIED = 4, /* user verification on the key: PIN or biometric */
	CK_PROVED_ATTESTED = 8  /* the key's make was proved at enrolment */
};
#define CK_PROVED_ALL 15u
#define CK_PROVED_DEFAULT (CK_PROVED_TOUCH | CK_PROVED_VERIFIED)

/* What a key is, as far as it was recorded when it was enrolled. What its authenticator data says is signed where the key is attested; the
   rest is its helper's word, which gives nobody anything. */
enum ck_trait {
	CK_TRAIT_DISCOVERABLE = 1 << 0,    /* told: it kept the credential itself */
	CK_TRAIT_BIOMETRIC = 1 << 1,       /* told: it verifies its user without a PIN */
	CK_TRAIT_PROTECTED_2 = 1 << 2,     /* credProtect (CTAP 2.1, 12.1): found only by its id, or by a verified user */
	CK_TRAIT_PROTECTED_3 = 1 << 3,     /* used by a verified user only */
	CK_TRAIT_BACKUP_ELIGIBLE = 1 << 4, /* the BE flag: it may be copied to other devices; never changes (WebAuthn Level 3, 6.1.3) */
	CK_TRAIT_BACKED_UP = 1 << 5,       /* the BS flag, then */
	CK_TRAIT_USB = 1 << 6,             /* told: transports */
	CK_TRAIT_NFC = 1 << 7,
	CK_TRAIT_BLE = 1 << 8,
	CK_TRAIT_SMART_CARD = 1 << 9,
	CK_TRAIT_HYBRID = 1 << 10,
	CK_TRAIT_INTERNAL = 1 << 11
};
#define CK_TRAITS_ALL 0xfffu
#define CK_TRAITS_TOLD 0xfc3u /* those that a helper may tell */

/* How a key was attested. That anybody trusts the certificate is not said here: each replica finds that out by its own roots. */
#define CK_ATTESTATION_NONE "none"
#define CK_ATTESTATION_SELF "self" /* its own key was there to sign */
#define CK_ATTESTATION_CERTIFICATE "certificate"

struct ck_network {
	uint8_t family; /* 4 or 6 */
	uint8_t prefix_bits;
	uint8_t address[16]; /* an IPv4 address in the first four */
};
/* Where a login comes from. Absent: matches no network. */
struct ck_source {
	bool present;
	bool local; /* no remote host: a session at the machine itself */
	struct ck_network address; /* full prefix */
};
struct ck_networks {
	bool any;   /* "*" */
	bool local; /* "local" */
	struct ck_network at[CK_LIST_LIMIT];
	size_t count;
};

/* Weekly hours, by the clock of a zone. One span is the same hours of each day from first_day to last_day. */
#define CK_WEEKLY_LIMIT 32
struct ck_weekly_span {
	uint8_t first_day, last_day; /* 0 Monday to 6 Sunday; never round the end of a week */
	uint16_t from_minute;        /* of the day, 0 to 1439 */
	uint16_t until_minute;       /* exclusive, 1 to 1440; not later than from_minute: it is of the next day */
};
struct ck_weekly {
	bool always;
	size_t count; /* at least one unless always; in order, none overlaps another */
	struct ck_weekly_span at[CK_WEEKLY_LIMIT];
};

struct ck_authority {
	struct ck_text name;
	struct ck_text kind; /* "council", "department", "supplier", … : [a-z-]{1,32} */
	enum ck_status status;
	struct ck_window window;
	struct ck_id admin_role; /* whose holders are its administrators */
	uint64_t uid_number_first, uid_number_last;
	struct ck_texts mail_domains;
	struct ck_text zone;            /* in which its systems' weekly hours are meant; a name of the tz database */
	struct ck_zone_table zone_table; /* is not in the entry: the store's writer adds it; covers nothing until then */
};
struct ck_staff {
	struct ck_text uid; /* ck_model_uid_valid */
	struct ck_text cn, given_name, sn;
	struct ck_text mail, telephone, title, department; /* mail MUST; the others may be absent */
	struct ck_text staff_number;                       /* unique within the authority */
	uint64_t uid_number, gid_number;
	struct ck_text home, shell;
	enum ck_status status;
	struct ck_window window;
	bool listed; /* false: ex-directory. Decided about like anybody, found by nobody but who administers them */
};
struct ck_key {
	uint8_t hash[CK_HASH_BYTES]; /* SHA-256 of credential_id; the RDN */
	struct ck_id staff;
	struct ck_bytes credential_id;
	struct ck_bytes public_key; /* COSE_Key (RFC 9052), as the key gave it */
	struct ck_text rp_id;
	uint8_t aaguid[16];
	struct ck_text label;
	struct ck_text attestation; /* CK_ATTESTATION_… */
	struct ck_bytes registration; /* what it answered then; in an entry only: the copy keeps what came of it */
	bool attested;              /* in the copy only: its replica verified that, up to a root that its administrator trusts */
	bool can_verify; /* it did when it was enrolled */
	unsigned traits; /* a set of enum ck_trait */
	enum ck_status status;
	struct ck_window window;
};
struct ck_role {
	struct ck_text name; /* unique within the authority */
	enum ck_status status;
	struct ck_ids member_roles;  /* holders of these count as holders of this one */
	struct ck_ids all_staff_of;  /* authorities all of whose active staff hold it */
};
struct ck_grant {
	struct ck_id role;
	struct ck_id staff;
	struct ck_window window;
	struct ck_id granted_by;
	struct ck_text reason;
};
struct ck_system {
	struct ck_text name; /* unique over the directory; fixed for good */
	enum ck_status status;
	struct ck_ids groups;
};
struct ck_system_group {
	struct ck_text name; /* unique within the authority */
	enum ck_status status;
};
struct ck_rule {
	struct ck_text name; /* unique within the authority */
	enum ck_status status;
	struct ck_window window;
	bool all_systems;         /* "*": each system of the rule's authority */
	struct ck_ids targets;    /* systems and groups of the rule's own authority */
	struct ck_ids roles;      /* roles of any authority */
	struct ck_texts accounts; /* "self" or an account name */
	struct ck_texts services; /* a service name or "*" */
	struct ck_networks sources;
	unsigned proved; /* the set it demands; CK_PROVED_NOTHING is written "none" */
	struct ck_weekly weekly; /* by the clock of its authority's zone */
};
struct ck_code {
	struct ck_id staff;
	struct ck_id issuer; /* staff; zero: root of the core machine */
	uint8_t hash[CK_HASH_BYTES];
	struct ck_window window;
};
/* As the ledgers last wrote it, coalesced: it refuses, it never grants. */
struct ck_key_use {
	uint8_t hash[CK_HASH_BYTES]; /* the key's */
	struct ck_id staff;
	uint32_t count; /* signature counter (WebAuthn 6.1.1) */
	int64_t used_s;
};

#define CK_RECORD_MADE_BYTES 80 /* an entryCSN of 40, and a home of 38 */

struct ck_record {
	enum ck_kind kind;
	struct ck_id id;        /* ckId; of a key and its use: the first 16 bytes of the key's hash */
	struct ck_id authority; /* the owner: from the DN. Of an authority: itself */
	uint8_t entry_uuid[16]; /* the directory's own (RFC 4530) */
	struct ck_text csn;     /* entryCSN that was read */
	union {
		struct ck_authority authority_of; /* kind authority */
		struct ck_staff staff;
		struct ck_key key;
		struct ck_role role;
		struct ck_grant grant;
		struct ck_system system;
		struct ck_system_group system_group;
		struct ck_rule rule;
		struct ck_code code;
		struct ck_key_use key_use;
	} as;
	/* What a store has in fewer bytes is written out here: number and home live no longer than this record, whatever they were copied to. */
	uint8_t made[CK_RECORD_MADE_BYTES];
};

/* "authority", "staff", "key", "role", "grant", "system", "system-group", "rule", "code", "key-use". Never NULL. */
const char *ck_kind_name(enum ck_kind kind);
enum ck_kind ck_kind_of_name(struct ck_text name); /* CK_KIND_NONE if none */
const char *ck_status_name(enum ck_status status);
enum ck_status ck_status_of_name(struct ck_text name);
bool ck_window_contains(struct ck_window window, struct ck_moment now);
/* It would be within the window if the clock were to be trusted. */
bool ck_window_doubted(struct ck_window window, struct ck_moment now);

/* [a-z][a-z0-9_-]{1,31}, byte for byte, and no reserved name (root, daemon, nobody, … : the table in valid.c). */
bool ck_model_uid_valid(struct ck_text uid);
/* An account that a rule or a login may name: "self" is none; [a-z_][a-z0-9_-]{0,31}. */
bool ck_model_account_valid(struct ck_text account);
bool ck_model_service_valid(struct ck_text service); /* [A-Za-z0-9_.-]{1,64} */
bool ck_model_system_name_valid(struct ck_text name); /* [a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])? */
/* The whole record by itself: every rule that needs no other entry. The sentence names attribute and fault. */
CK_MUST_USE enum ck_error ck_model_validate(const struct ck_record *record, struct ck_errmsg *err);

/* "10.0.0.0/8", "2001:db8::/32" (host bits must be zero), a bare address. */
CK_MUST_USE enum ck_error ck_network_parse(struct ck_text text, struct ck_network *out);
/* An address without prefix, as PAM_RHOST gives it; anything else (a host name, a zone id) gives CK_ERR_INVALID. v4-mapped v6 is v4. */
CK_MUST_USE enum ck_error ck_address_parse(struct ck_text text, struct ck_network *out);
/* "*" matches every source, also an absent one; "local" one that says local; a network only a present address that is not local. */
bool ck_networks_match(const struct ck_networks *networks, const struct ck_source *source);
#define CK_NETWORK_TEXT_BYTES 64
const char *ck_network_format(const struct ck_network *network, char out[CK_NETWORK_TEXT_BYTES]);

/* "discoverable", "biometric", "protected-2", …; 0: there is no such trait. Of one bit. */
unsigned ck_trait_of_name(struct ck_text name);
const char *ck_trait_name(unsigned bit); /* NULL: none */
/* At most one protection, and what is backed up may be. */
bool ck_traits_valid(unsigned traits);

/* "touch", "password", "verified", "attested"; "none" is the empty set and stands alone. */
CK_MUST_USE enum ck_error ck_proved_parse(struct ck_text word, unsigned *out_bit);
/* "touch+verified", "none". */
#define CK_PROVED_TEXT_BYTES 48
const char *ck_proved_format(unsigned proved, char out[CK_PROVED_TEXT_BYTES]);

/* "mon-fri 08:00-18:00", "sat 22:00-06:00" (ends on Sunday), "sun 00:00-24:00": lower case, one space, no other form. "always" is none. */
CK_MUST_USE enum ck_error ck_weekly_parse(struct ck_text text, struct ck_weekly_span *out);
#define CK_WEEKLY_TEXT_BYTES 24
const char *ck_weekly_format(const struct ck_weekly_span *span, char out[CK_WEEKLY_TEXT_BYTES]);
/* In order; false: there is no more room. */
bool ck_weekly_add(struct ck_weekly *weekly, const struct ck_weekly_span *span);
/* "always" alone, or 1 to CK_WEEKLY_LIMIT spans in order, none empty, none overlapping another (also round the end of the week). */
bool ck_weekly_valid(const struct ck_weekly *weekly);
/* Whether that moment is within the hours, and the first second at which they are over (INT64_MAX: never). Outside of what the table covers
   nothing is within any hours but "always". */
bool ck_weekly_contains(const struct ck_weekly *weekly, const struct ck_zone_table *zone, int64_t at_s, int64_t *out_until_s);
/* The minute of the week (from Monday, 0 to 10079) of a local time: seconds of UTC and the offset. */
unsigned ck_weekly_minute_of(int64_t local_s);
/* "sat 09:12". */
const char *ck_weekly_moment(int64_t local_s, char out[CK_WEEKLY_TEXT_BYTES]);

/* ---- delegation.c ---- */
/* Whether a person's number and mail are those that their authority may give. CK_ERR_INVALID. */
CK_MUST_USE enum ck_error ck_model_check_delegation(const struct ck_authority *home, const struct ck_staff *staff, struct ck_errmsg *why);
/* Whether somebody may be outside now who was inside. */
bool ck_model_delegation_narrowed(const struct ck_authority *before, const struct ck_authority *now);

#endif
