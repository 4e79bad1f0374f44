/* The daemon's configuration: one table (config.c): key, type, default, minimum, maximum, one line of help. Unknown, duplicate or
   out-of-range keys stop the start with file:line. The file must be root's and writable by nobody else. Parsed with inih. */
#ifndef CK_AUTHD_CONFIG_H
#define CK_AUTHD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/model/record.h"

#define CK_CONFIG_TEXT_BYTES 256
#define CK_PROVIDERS_LIMIT 4 /* of one daemon; a directory may have more */

struct ck_config {
	/* fixed by init, for good */
	char system[CK_CONFIG_TEXT_BYTES];
	struct ck_id system_id;
	char rp_id[CK_CONFIG_TEXT_BYTES];
	char portal_origin[CK_CONFIG_TEXT_BYTES];
	char suffix[CK_CONFIG_TEXT_BYTES];
	struct ck_id founding_authority;
	/* places */
	char directory[CK_CONFIG_TEXT_BYTES];  /* everything of this instance; the file itself lies in it */
	char socket[CK_CONFIG_TEXT_BYTES];     /* the gate's; default <directory>/run/gate.sock */
	char token_helper[CK_CONFIG_TEXT_BYTES]; /* path of crosskeys-token */
	char attestation_roots[CK_CONFIG_TEXT_BYTES]; /* PEM file; "": no key is attested */
	char slapd[CK_CONFIG_TEXT_BYTES];      /* path of slapd; "" : the directory is not embedded */
	char directory_uri[CK_CONFIG_TEXT_BYTES]; /* ldapi://… of the embedded one by default; not looked at where there are providers */
	/* providers elsewhere, in order; all "": none. How they are told who we are: see config_provider.c */
	char providers[CK_PROVIDERS_LIMIT][CK_CONFIG_TEXT_BYTES];
	char provider_mechanism[32], provider_identity[CK_CONFIG_TEXT_BYTES], provider_tls[8];
	uint64_t write_provider; /* counted from 1; 0: the one that is followed */
	/* users, by name or number; each its own */
	char user_gate[64], user_replica[64], user_ledger[64], user_token[64], user_directory[64];
	char find_switchboard_role[CK_CONFIG_TEXT_BYTES]; /* a role of this name in one's own authority gives the larger budget; "": none does */
	char group_token_devices[64]; /* supplementary group of crosskeys-token: may open hidraw; "" for none */
	/* numbers */
	uint64_t gates;              /* processes; 0: one a core */
	uint64_t as_of_limit_s;      /* how old the copy may be: 0 never refuses for age */
	uint64_t challenge_limit_s;
	uint64_t vouch_limit_s;      /* how long a code that vouches for somebody is good */
	uint64_t clients_limit;      /* connections a gate keeps */
	uint64_t recovery_delay_s;   /* before a code by root becomes valid */
	uint64_t code_life_s;
	uint64_t refresh_removal_percent;
	uint64_t tries_per_minute;    /* per source, begun and not proved by a key */
	uint64_t logins_per_minute;   /* per person, proved by their key */
	uint64_t refusals_per_minute; /* per uid and source, recorded one by one; above, coalesced */
	uint64_t password_attempts, password_source_attempts; /* wrong ones of a person, and from one source, in a window */
	uint64_t password_window_s;
	uint64_t audit_segment_bytes;
	uint64_t audit_reserve_bytes; /* preallocated for grants and changes */
	uint64_t checkpoint_interval_s;
	uint64_t key_use_interval_s; /* between two writes of one key's use to the directory, at least */
	uint64_t find_person_per_day;      /* people of other authorities that one person looks up */
	uint64_t find_switchboard_per_day; /* the same, of one who holds find_switchboard_role */
	uint64_t find_authority_per_day;   /* all of one authority together */
	uint64_t log_level;
};

/* Reads the file (a path, for messages and trust). The sentence carries file:line. */
CK_MUST_USE enum ck_error ck_config_load(const char *path, struct ck_config *out, struct ck_errmsg *err);
/* The same from memory; `name` stands for the path in messages. The path defaults follow from `directory`. */
CK_MUST_USE enum ck_error ck_config_parse(struct ck_text text, const char *name, struct ck_config *out, struct ck_errmsg *err);
/* The table itself, for the man page, the sample file and the lint. Each line: key TAB type TAB default TAB min TAB max TAB help. */
void ck_config_print_table(void (*line)(const char *text, void *context), void *context);
/* ---- config_provider.c: providers elsewhere, and what proves to them who we are ---- */
/* How many there are; 0: the directory is on this machine. */
size_t ck_config_providers(const struct ck_config *config);
struct ck_config_address {
	char host[CK_CONFIG_TEXT_BYTES];
	uint64_t port;
};
/* The parts of ldaps://HOST[:PORT] or ldap://HOST[:PORT]. CK_ERR_INVALID. */
CK_MUST_USE enum ck_error ck_config_address(struct ck_text uri, struct ck_config_address *out);
/* Files below <directory>/providers, of fixed names. */
enum ck_provider_file { CK_PROVIDER_CA, CK_PROVIDER_CERTIFICATE, CK_PROVIDER_KEY, CK_PROVIDER_PASSWORD, CK_PROVIDER_KEYTAB, CK_PROVIDER_FILES };
const char *ck_config_provider_file(const struct ck_config *config, enum ck_provider_file file, char out[CK_CONFIG_TEXT_BYTES]);
/* Whether this configuration uses it. */
bool ck_config_provider_needs(const struct ck_config *config, enum ck_provider_file file);
/* A regular file that is not empty; one that holds a secret is the replica's (replica_uid) and nobody else's, another one root's or the
   replica's, and writable by nobody else. *out_fd is open for reading if it may be opened; out_fd NULL: only looked at. */
CK_MUST_USE enum ck_error ck_config_provider_check(const struct ck_config *config, enum ck_provider_file file, unsigned replica_uid, int *out_fd,
                                                   struct ck_errmsg *err);
/* All that are needed. */
CK_MUST_USE enum ck_error ck_config_provider_check_all(const struct ck_config *config, struct ck_errmsg *err);

/* A name or number to ids; CK_ERR_NOT_FOUND names the key. */
CK_MUST_USE enum ck_error ck_config_user(const char *name, unsigned *out_uid, unsigned *out_gid, struct ck_errmsg *err);
CK_MUST_USE enum ck_error ck_config_group(const char *name, unsigned *out_gid, struct ck_errmsg *err);

#endif
