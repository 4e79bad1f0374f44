/* What the files of this folder share. Nothing outside includes it: libldap's types end here. */
#ifndef CK_LDAP_INTERNAL_H
#define CK_LDAP_INTERNAL_H

#include <ldap.h>
#include <openldap.h>

#include "directory/ldap/csn.h"
#include "directory/ldap/ldap.h"

#define CK_LDAP_MESSAGE_LIMIT_BYTES (16 * 1024 * 1024) /* one LDAP message; entries of ours stay far below */

struct ck_ldap {
	LDAP *handle;
};

/* ---- error.c ---- */
/* The one table from LDAP result codes, libldap's own included. */
enum ck_error ck_ldap_error(int code);
/* Sets the sentence "<doing>: <what LDAP says> (<diagnostic>)" and returns the translated code. diagnostic may be NULL. */
enum ck_error ck_ldap_fail(struct ck_errmsg *err, int code, const char *doing, const char *diagnostic);

/* ---- connect.c ---- */
/* A handle with every option set; over a network its TLS stands, the provider's certificate was checked, and nothing was said yet. Takes
   target->fd over. */
enum ck_error ck_ldap_open(const struct ck_ldap_target *target, int timeout_ms, LDAP **out, struct ck_errmsg *err);
/* Of a target that is not opened: closes what it brought. */
void ck_ldap_target_drop(const struct ck_ldap_target *target);
/* Once there is a descriptor: bounds what may come, and makes it non-blocking, so that no read waits past a poll. */
enum ck_error ck_ldap_bound_messages(LDAP *handle, struct ck_errmsg *err);
/* The result of a message that ends an operation. Frees it. */
enum ck_error ck_ldap_result_of(LDAP *handle, LDAPMessage *message, const char *doing, struct ck_errmsg *err);
/* Waits for the result of one operation until the deadline (ck_clock_monotonic_ms); each search entry goes to `each` (may be NULL). */
enum ck_error ck_ldap_wait(LDAP *handle, int id, int64_t deadline_ms, ck_entry_visitor each, void *context, const char *doing,
                           struct ck_errmsg *err);

/* ---- tls.c ---- */
/* Puts TLS on the connection (after STARTTLS where the scheme is ldap) and makes sure of it. */
enum ck_error ck_ldap_begin_tls(LDAP *handle, const struct ck_ldap_target *target, int64_t deadline_ms, struct ck_errmsg *err);
bool ck_ldap_is_local(const char *uri);

/* ---- opening.c ---- */
/* What was opened, or why not. Frees it in either case. */
enum ck_error ck_opening_take(struct ck_opening *opening, LDAP **out, struct ck_errmsg *err);

/* ---- bind.c ---- */
struct ck_ldap_bind {
	struct ck_ldap_target target; /* whose texts are borrowed; never its descriptor or opening */
	int id;                /* of the request under way */
	const char *mechanism; /* of Cyrus SASL; NULL: one message and one answer */
};
/* Sends the first message. Refused where neither a unix socket nor TLS keeps it from others. */
enum ck_error ck_ldap_bind_begin(LDAP *handle, const struct ck_ldap_target *target, struct ck_ldap_bind *bind, struct ck_errmsg *err);
/* Takes the answer to bind->id, and frees it. *out_done: bound; else the next message was sent. */
enum ck_error ck_ldap_bind_step(LDAP *handle, struct ck_ldap_bind *bind, LDAPMessage *message, bool *out_done, struct ck_errmsg *err);

/* ---- entry.c ---- */
/* The suffix has a contextCSN of each server beside its own values; what an entry of ours may have, the model says. */
#define CK_LDAP_VALUES_LIMIT (CK_CSN_SERVERS_LIMIT + CK_ENTRY_VALUES_LIMIT)
struct ck_ldap_entry {
	struct ck_entry entry; /* borrows from the message and from here */
	struct ck_attribute attributes[CK_ENTRY_ATTRIBUTES_LIMIT];
	struct ck_bytes values[CK_LDAP_VALUES_LIMIT];
	BerElement *ber;
};
/* CK_ERR_LIMIT: more than the limits hold; the DN is set nevertheless. Clear it in either case. */
enum ck_error ck_ldap_entry_decode(LDAP *handle, LDAPMessage *message, struct ck_ldap_entry *out);
void ck_ldap_entry_clear(struct ck_ldap_entry *entry);
/* The values of an attribute; NULL if it has none. */
const struct ck_attribute *ck_ldap_entry_find(const struct ck_entry *entry, const char *name);

/* ---- memory.c ---- */
/* From now on each request's bytes are wiped from libldap's buffer as soon as they are sent. Before the first. */
enum ck_error ck_ldap_wipe_sent(LDAP *handle, struct ck_errmsg *err);

/* ---- write.c: sends the request and waits for nothing; the caller takes the result of *out_id ---- */
enum ck_error ck_ldap_send_add(LDAP *handle, const char *dn, const struct ck_ldap_value *values, size_t count, int *out_id, struct ck_errmsg *err);
enum ck_error ck_ldap_send_modify(LDAP *handle, const char *dn, const char *csn, const struct ck_ldap_value *values, size_t count, int *out_id,
                                  struct ck_errmsg *err);

/* ---- escape.c: the only way into a filter or a DN ---- */
/* RFC 4515, 3: anything but letters, digits and a few marks as \XX. CK_ERR_LIMIT if it does not fit. */
enum ck_error ck_ldap_escape_filter(struct ck_text value, char *out, size_t out_bytes);

#endif
