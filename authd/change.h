/* A change: statements under one touch. Decoding, verifying and authorising it, without a directory and without a clock: everything that
   decides is given. The writes are in change_write.c. */
#ifndef CK_AUTHD_CHANGE_H
#define CK_AUTHD_CHANGE_H

#include "authd/change_nonce.h"
#include "authd/operation.h"
#include "authd/protocol/statement.h"
#include "directory/ldap/ldap.h"
#include "directory/store/store.h"

/* Where a change is looked at, and when. */
struct ck_change_place {
	struct ck_text system, rp_id, suffix;
	const char *zone_directory;
	struct ck_id founding;
	struct ck_moment now;
	int64_t now_ms; /* monotonic */
	uint64_t code_life_s;
	const struct ck_prepared_keys *prepared;
};

/* Registrations verified here of late: only such a key may be added. */
#define CK_PREPARED_LIMIT 64
#define CK_PREPARED_PER_PEER_LIMIT 8 /* of one kernel uid; then its oldest makes room */
struct ck_prepared_key {
	uint8_t values_digest[32];
	struct ck_id staff;
	uint64_t peer_uid; /* who registered it */
	uint32_t count; /* its signature counter at registration */
	int64_t until_ms;
};
struct ck_prepared_keys {
	struct ck_prepared_key at[CK_PREPARED_LIMIT];
};
/* NULL: none that is still good. */
const struct ck_prepared_key *ck_prepared_find(const struct ck_prepared_keys *keys, const uint8_t values_digest[32], struct ck_id staff,
                                               int64_t now_ms);
void ck_prepared_add(struct ck_prepared_keys *keys, const struct ck_prepared_key *key, int64_t now_ms);

/* Why not: a stable name, and a sentence for the person. */
struct ck_denial {
	const char *reason; /* "" while nothing is wrong */
	struct ck_errmsg message;
};
/* Returns CK_ERR_DENIED. */
enum ck_error ck_deny(struct ck_denial *denial, const char *reason, const char *format, ...) CK_PRINTF(3, 4);

struct ck_order_item {
	struct ck_change_statement statement;
	struct ck_bytes encoded; /* the statement as it came */
	struct ck_bytes values;
	uint8_t digest[32]; /* SHA-256 of `encoded` */
	const struct ck_change_rule *rule;
	bool founding_first; /* allowed only by CK_CHANGE_FOUNDING_FIRST */
	bool self_only;      /* allowed only as the person's own key */
};
struct ck_order {
	struct ck_order_item items[CK_CHANGES_LIMIT];
	size_t count;
	uint8_t nonce[CK_NONCE_BYTES];
	struct ck_bytes credential, auth_data, signature;
	/* by ck_order_verify */
	char user[CK_UID_LIMIT_BYTES + 1];
	struct ck_id orderer;
	uint8_t key_hash[CK_HASH_BYTES];
	uint32_t counter;
	uint8_t list[CK_CHANGE_LIST_LIMIT_BYTES];
	size_t list_length;
};

/* From CK_OP_CHANGE_COMMIT; borrows from the bytes of the map. Every statement is of a known operation and its values match its digest. */
CK_MUST_USE enum ck_error ck_order_decode(const struct ck_map *request, struct ck_order *out, struct ck_denial *denial);
/* Of them the statements and their values alone. */
CK_MUST_USE enum ck_error ck_order_decode_statements(const struct ck_map *request, struct ck_order *out, struct ck_denial *denial);
/* Whether an active key of that active person signed this challenge, with user verification. */
struct ck_change_touch {
	const char *user;
	const uint8_t *key_hash, *challenge; /* 32 bytes each */
	struct ck_bytes auth_data, signature;
};
CK_MUST_USE enum ck_error ck_change_verify_touch(const struct ck_change_touch *touch, const struct ck_change_place *place, struct ck_view *view,
                                                 struct ck_id *out_orderer, uint32_t *out_counter, struct ck_denial *denial);
/* The touch: the list made anew from the statements and the nonce (taken by the caller), signed by an active key of the active person the
   nonce was issued to, with user verification. */
CK_MUST_USE enum ck_error ck_order_verify(struct ck_order *order, const struct ck_nonce *nonce, const struct ck_change_place *place,
                                          struct ck_view *view, struct ck_denial *denial);
/* Who may: each statement by the table, over what is committed; a change cannot lean on a right that it gives itself. */
CK_MUST_USE enum ck_error ck_order_authorise(struct ck_order *order, const struct ck_change_place *place, struct ck_view *view,
                                             struct ck_denial *denial);
/* What would come of it: each resulting entry is mapped, validated and put into the trial batch, so that nothing is written that would be
   quarantined; then what they refer to. `read` gives the entry that is there now. The batch is the caller's to abort. */
struct ck_change_source {
	enum ck_error (*read)(const char *dn, ck_entry_visitor each, void *visitor_context, void *context, struct ck_errmsg *err);
	void *context;
};
CK_MUST_USE enum ck_error ck_order_try(const struct ck_order *order, const struct ck_change_place *place, struct ck_batch *batch,
                                       const struct ck_change_source *source, struct ck_denial *denial);

/* One statement as a write: DN and attributes, the RDN, the classes and what is derived included, ckProof not. */
struct ck_change_build {
	char dn[CK_DN_LIMIT_BYTES];
	struct ck_ldap_value values[CK_CHANGE_VALUES_LIMIT + 8];
	size_t count;
	struct ck_change_value decoded[CK_CHANGE_VALUES_LIMIT];
	size_t decoded_count;
	struct ck_bytes classes[8], rdn_bytes, derived_bytes;
	char rdn_name[32], rdn_value[80], derived[CK_DERIVED_LIMIT_BYTES];
};
CK_MUST_USE enum ck_error ck_change_build(const struct ck_order_item *item, struct ck_text suffix, struct ck_change_build *out,
                                          struct ck_denial *denial);

/* ---- change_password.c: the one verb whose entry is no record ---- */
CK_MUST_USE enum ck_error ck_change_build_password(const struct ck_order_item *item, struct ck_text suffix, struct ck_change_build *out,
                                                   struct ck_denial *denial);
CK_MUST_USE enum ck_error ck_change_write_password(const struct ck_change_build *build, struct ck_ldap *ldap, int64_t deadline_ms,
                                                   struct ck_errmsg *err);

/* ---- change_write.c ---- */
struct ck_write_result {
	size_t written;  /* statements */
	const char *reason; /* of the one that failed; NULL if none did */
	struct ck_errmsg message;
};
/* What is stored with what that statement wrote: the statement and the touch over the list. CK_PROOF_LIMIT_BYTES hold it. */
CK_MUST_USE enum ck_error ck_order_proof(const struct ck_order *order, const struct ck_order_item *item, uint8_t *out, size_t out_bytes,
                                         size_t *out_length);
/* Writes the statements in their order, each with its proof; stops at the first that fails. deadline_ms: monotonic, for all of them. */
CK_MUST_USE enum ck_error ck_order_write(const struct ck_order *order, struct ck_text suffix, struct ck_ldap *ldap, int64_t deadline_ms,
                                         struct ck_write_result *out);
/* One statement with this proof. */
CK_MUST_USE enum ck_error ck_change_write_item(const struct ck_order_item *item, struct ck_bytes proof, struct ck_text suffix,
                                               struct ck_ldap *ldap, int64_t deadline_ms, struct ck_errmsg *err);

/* The same without a wait: `number` comes back with the result. Of add and change only; needs room. */
CK_MUST_USE enum ck_error ck_change_write_later(const struct ck_order_item *item, struct ck_bytes proof, struct ck_text suffix,
                                                struct ck_later *later, uint64_t number, struct ck_errmsg *err);
/* "conflict", "exists", "timeout", … : why a write did not go in. */
const char *ck_change_reason_of(enum ck_error error);

/* Whether the person may act now: active, inside the window, of an active authority. */
bool ck_person_is_active(struct ck_view *view, const struct ck_record *staff, struct ck_moment now);
/* Whether the key is active and inside its window. */
bool ck_key_is_active(const struct ck_key *key, struct ck_moment now);

#endif
