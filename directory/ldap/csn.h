/* Change sequence numbers: which changes of which server were seen. Pure: parsing, comparing and writing sets of them.
   OpenLDAP's form (40 bytes): 20260102030405.678901Z#000000#0a1#000000 — time, count, server id, modification. */
#ifndef CK_LDAP_CSN_H
#define CK_LDAP_CSN_H

#include "directory/model/record.h"

#define CK_CSN_BYTES 40
#define CK_CSN_SERVERS_LIMIT 512 /* servers that ever wrote: 388 authorities with a provider each, and some for all; 29 KiB a set */
#define CK_CSN_LIST_LIMIT_BYTES (CK_CSN_SERVERS_LIMIT * (CK_CSN_BYTES + 1) + 16)

/* The newest number of each server, ascending by server id. Zero-initialised: none. */
struct ck_csn_set {
	size_t count;
	struct {
		unsigned server;
		char csn[CK_CSN_LIMIT_BYTES];
	} at[CK_CSN_SERVERS_LIMIT];
};

/* Keeps the newer of what is there and this one. CK_ERR_INVALID: no CSN. CK_ERR_LIMIT: too many servers. */
CK_MUST_USE enum ck_error ck_csn_set_add(struct ck_csn_set *set, struct ck_text csn);
/* "CSN;CSN;…"; the empty text adds nothing. */
CK_MUST_USE enum ck_error ck_csn_set_add_list(struct ck_csn_set *set, struct ck_text list);
/* The csn= part of a cookie ("rid=000,sid=001,csn=CSN;CSN"); without one adds nothing. */
CK_MUST_USE enum ck_error ck_csn_set_add_cookie(struct ck_csn_set *set, struct ck_bytes cookie);
CK_MUST_USE enum ck_error ck_csn_set_merge(struct ck_csn_set *set, const struct ck_csn_set *other);
/* Whether `set` has, for every server in `other`, the same number or a newer one. */
bool ck_csn_set_covers(const struct ck_csn_set *set, const struct ck_csn_set *other);
/* Removes the numbers of changes that were made after that moment; whether there were any. */
bool ck_csn_set_drop_after(struct ck_csn_set *set, int64_t time_s);
/* "CSN;CSN", NUL-terminated, "" for none. */
void ck_csn_set_format(const struct ck_csn_set *set, char out[CK_CSN_LIST_LIMIT_BYTES]);
/* When it was made, in whole seconds since 1970, by the clock of that server. CK_ERR_INVALID: no CSN. */
CK_MUST_USE enum ck_error ck_csn_time(struct ck_text csn, int64_t *out_s);
/* A cookie to resume from: "rid=000,csn=…", absent (length 0) for none. Never with sid=: a provider that reads its own id there takes us
   for itself and leaves out every change that it made. */
size_t ck_csn_set_cookie(const struct ck_csn_set *set, char out[CK_CSN_LIST_LIMIT_BYTES]);

#endif
